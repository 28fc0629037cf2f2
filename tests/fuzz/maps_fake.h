/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Rubbish in records. A patch: the map (low 4 bits of a byte), where in it (two bytes, in units of
 * 4 bytes from the beginning; 0x80 of the first byte: repeated over all entries), the number of
 * bytes (one byte) and the bytes. A patch of map 15 ends the list. */
#ifndef TESTS_FUZZ_MAPS_FAKE_H
#define TESTS_FUZZ_MAPS_FAKE_H

#include "fuzz.h"

#define PATCH_END 15

struct patched {
	void *values;
	size_t size, value_size;
};

static inline void apply_patch(const struct patched *map, struct input *input, bool repeated)
{
	size_t at = take_u16(input) * 4UL, n = take(input);
	uint8_t bytes[256], *values = map->values;

	n = n < input->left ? n : input->left;
	take_bytes(input, bytes, n);
	if (!map->size)
		return;
	at %= repeated ? map->value_size : map->size;
	for (; at < map->size; at += map->value_size) {
		memcpy(values + at, bytes, n < map->size - at ? n : map->size - at);
		if (!repeated)
			return;
	}
}

static inline void apply_patches(const struct patched *maps, size_t n_maps, struct input *input)
{
	while (input->left) {
		uint8_t which = take(input);

		if ((which & 15) == PATCH_END)
			return;
		apply_patch(&maps[(which & 15) % n_maps], input, which & 0x80);
	}
}

#endif
