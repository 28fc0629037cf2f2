/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Numbers with units, as tables and messages print them. */
#ifndef UL_COMMON_UNITS_H
#define UL_COMMON_UNITS_H

#include <stdint.h>

#define TEXT_NUMBER_LEN 32

/* "0", "9999", "12.3 k", "4.56 M": at most 4 digits. Returns text. */
const char *text_count(uint64_t count, char text[TEXT_NUMBER_LEN]);
/* "0 B", "12.3 kB", "4.56 MB", powers of 1000, as for link speeds. */
const char *text_bytes(uint64_t bytes, char text[TEXT_NUMBER_LEN]);
/* "0 b/s", "12.3 kb/s". */
const char *text_rate(uint64_t bps, char text[TEXT_NUMBER_LEN]);
/* "10 Gb/s", "100 Mb/s", "-" when 0. */
const char *text_speed(uint32_t speed_mbps, char text[TEXT_NUMBER_LEN]);
/* "12 s", "3 min 5 s", "2 h 14 min", "5 d 3 h". */
const char *text_duration(uint64_t ms, char text[TEXT_NUMBER_LEN]);

#endif
