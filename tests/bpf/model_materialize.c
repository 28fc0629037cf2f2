// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "model.h"

#include <string.h>

uint32_t model_materialize(const struct model_input *in, const struct model_copy *copy,
			   uint8_t *out)
{
	uint32_t from = copy->strip ? 16 : 12, to = 12;

	memcpy(out, in->data, 12);
	if (copy->push) {
		out[12] = 0x81;
		out[13] = 0x00;
		out[14] = (uint8_t)(copy->tci >> 8);
		out[15] = (uint8_t)copy->tci;
		to = 16;
	}
	memcpy(out + to, in->data + from, in->len - from);
	return to + in->len - from;
}
