// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "daemon/loop_delay.h"

void loop_delay_record(struct loop_delay *delay, uint64_t now_ms, uint64_t took_us)
{
	uint64_t second = now_ms / 1000;
	uint32_t slot = second % LOOP_DELAY_SECONDS;
	uint32_t us = took_us < UINT32_MAX ? (uint32_t)took_us : UINT32_MAX;

	histogram_add(&delay->rounds, histogram_busy_us, took_us);
	if (took_us > delay->worst_us) {
		delay->worst_us = took_us;
		delay->worst_at_ms = now_ms;
	}
	if (delay->second[slot] != second)
		delay->second_us[slot] = 0;
	delay->second[slot] = second;
	if (us > delay->second_us[slot])
		delay->second_us[slot] = us;
}

uint64_t loop_delay_minute_us(const struct loop_delay *delay, uint64_t now_ms)
{
	uint64_t second = now_ms / 1000;
	uint32_t longest = 0;

	for (uint32_t slot = 0; slot < LOOP_DELAY_SECONDS; slot++)
		if (delay->second[slot] + LOOP_DELAY_SECONDS > second &&
		    delay->second_us[slot] > longest)
			longest = delay->second_us[slot];
	return longest;
}
