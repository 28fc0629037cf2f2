// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Pasted output of physical switches. */
#include "fuzz.h"
#include "records/switch_output.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct switch_output output = {};
	struct errors errors = {};

	if (switch_output_parse((const char *)data, size, &output, &errors) == 0)
		switch_output_done(&output);
	errors_done(&errors);
	return 0;
}
