/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The screen of `top` as lines of text, without a terminal. Tests: tests/unit/ctl_top.c. */
#ifndef UL_CTL_TOP_SCREEN_H
#define UL_CTL_TOP_SCREEN_H

#include "ctl/ctl.h"

enum top_sort { TOP_BY_RATE, TOP_BY_DROPS, TOP_BY_NAME, N_TOP_SORTS };

struct top_options {
	enum top_sort sort;
	const char *filter;  /* ports and groups whose name contains it; "" or NULL: all */
	size_t scroll;	     /* ports that are skipped */
	bool paused, typing; /* typing: the filter is being edited */
	int width, height;   /* height 0: all lines, without the line of keys */
	struct style style;
};

const char *top_sort_name(enum top_sort sort);

/*
 * Calls on_line for each line, without line feed; none is wider than the width. rates: a list of
 * record_rates(). Returns the number of ports that pass the filter.
 */
size_t top_screen(json_t *rates, const struct top_options *options,
		  void (*on_line)(void *userdata, enum tint tint, const char *text),
		  void *userdata);

#endif
