/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* For all fuzz targets: checks, and the input in pieces. Behind the end of the input are zeros. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at;
	size_t left;
};

static inline uint8_t take(struct input *input)
{
	if (!input->left)
		return 0;
	input->left--;
	return *input->at++;
}

static inline uint16_t take_u16(struct input *input)
{
	uint16_t low = take(input);

	return (uint16_t)(low | take(input) << 8);
}

static inline void take_bytes(struct input *input, void *to, size_t size)
{
	size_t n = size < input->left ? size : input->left;

	memset(to, 0, size);
	if (n)
		memcpy(to, input->at, n);
	input->at += n;
	input->left -= n;
}

/* At most `most` bytes, in memory of their exact size for ASan; to be freed. */
static inline uint8_t *take_exactly(struct input *input, size_t most, size_t *ret_length)
{
	size_t n = most < input->left ? most : input->left;
	uint8_t *bytes = malloc(n ? n : 1);

	CHECK(bytes);
	take_bytes(input, bytes, n);
	*ret_length = n;
	return bytes;
}

/* The rest up to the next NUL, as text; to be freed. */
static inline char *take_text(struct input *input)
{
	size_t n = strnlen((const char *)input->at, input->left);
	char *text = malloc(n + 1);

	CHECK(text);
	take_bytes(input, text, n);
	text[n] = '\0';
	take(input); /* the NUL */
	return text;
}

#endif
