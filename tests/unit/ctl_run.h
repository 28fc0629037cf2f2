/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* uplinkctl in the test's own process: a command line in, exit status and both outputs out. */
#ifndef TESTS_UNIT_CTL_RUN_H
#define TESTS_UNIT_CTL_RUN_H

#include <jansson.h>

#include "ctl/ctl.h"

struct run {
	int status;
	char *out, *err;
};

/* Words up to NULL; "uplinkctl" is put before them. */
struct run run_ctl(const char *first, ...) __attribute__((sentinel));
void run_done(struct run *run);

#define _cleanup_run_ _cleanup_(run_done)

/* The JSON that was printed; fails the test if it is none. */
json_t *run_json(const struct run *run);

/* Fails unless object has each of the keys (blank-separated, "name:type", type one of s i b r o a
 * n, several allowed, n: null). */
void expect_keys(const char *what, json_t *object, const char *keys);

#endif
