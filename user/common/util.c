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
