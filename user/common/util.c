// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "common/util.h"

#include <ctype.h>
#include <time.h>

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

int mac_parse(const char *text, uint8_t mac[6])
{
	uint8_t parsed[6];

	if (strlen(text) != MAC_TEXT_LEN - 1)
		return -EINVAL;
	for (int i = 0; i < 6; i++) {
		const char *pair = text + 3 * i;
		char digits[3] = { pair[0], pair[1], 0 };

		if (!isxdigit((unsigned char)pair[0]) || !isxdigit((unsigned char)pair[1]) ||
		    (i < 5 && pair[2] != ':'))
			return -EINVAL;
		parsed[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	memcpy(mac, parsed, sizeof(parsed));
	return 0;
}

const char *mac_format(const uint8_t mac[6], char text[MAC_TEXT_LEN])
{
	snprintf(text, MAC_TEXT_LEN, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	return text;
}

/* Bytes of a character that is UTF-8 (RFC 3629) and no control character; 0: it is another. */
static size_t printable_length(const uint8_t *at)
{
	/* The second byte keeps out long forms, C1 controls, surrogates and above U+10FFFF. */
	static const struct {
		uint8_t first, last, length, second_min, second_max;
	} rows[] = {
		{ 0x20, 0x7e, 1, 0x00, 0xff }, { 0xc2, 0xc2, 2, 0xa0, 0xbf },
		{ 0xc3, 0xdf, 2, 0x80, 0xbf }, { 0xe0, 0xe0, 3, 0xa0, 0xbf },
		{ 0xe1, 0xec, 3, 0x80, 0xbf }, { 0xed, 0xed, 3, 0x80, 0x9f },
		{ 0xee, 0xef, 3, 0x80, 0xbf }, { 0xf0, 0xf0, 4, 0x90, 0xbf },
		{ 0xf1, 0xf3, 4, 0x80, 0xbf }, { 0xf4, 0xf4, 4, 0x80, 0x8f },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t length = rows[i].length;

		if (at[0] < rows[i].first || at[0] > rows[i].last)
			continue;
		if (length > 1 && (at[1] < rows[i].second_min || at[1] > rows[i].second_max))
			return 0;
		for (size_t k = 2; k < length; k++)
			if ((at[k] & 0xc0) != 0x80)
				return 0;
		return length;
	}
	return 0;
}

char *text_make_printable(char *text)
{
	for (char *at = text; *at;) {
		size_t length = printable_length((const uint8_t *)at);

		if (!length)
			*at = '?';
		at += length ? length : 1;
	}
	return text;
}

char *text_make_ascii(char *text)
{
	for (char *c = text; *c; c++)
		if (!is_printable_ascii(*c))
			*c = '?';
	return text;
}

int parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t value;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (*end != '\0')
		return -EINVAL;
	if (errno == ERANGE || value < min || value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}
