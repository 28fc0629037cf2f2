/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* A frame through a program and through the model, compared in everything that TEST_RUN shows. */
#ifndef UL_TESTS_BPF_CHECK_H
#define UL_TESTS_BPF_CHECK_H

#include "world.h"

/* Fails the test with the whole story when verdict, frame, counters or events differ. seed: named
 * in the message. Returns the model's result. */
const struct model_result *check_test_run(struct world *world, const struct sw *sw,
					  enum model_program program, uint32_t endpoint,
					  const struct frame_buf *frame, uint64_t seed);

/* Events just before the frame; see struct model_input. */
struct check_before {
	bool sent, heard;
};

const struct model_result *check_test_run_after(struct world *world, const struct sw *sw,
						enum model_program program, uint32_t endpoint,
						const struct frame_buf *frame, uint64_t seed,
						struct check_before before);

/* verdict as the program of that kind returns it */
uint32_t check_verdict(enum model_program program, enum model_verdict verdict);

/* The frame that TEST_RUN gave is the expected one. It shows the data only: the kernel may hold the
 * outermost tag apart. */
bool check_same_frame(const uint8_t *expected, uint32_t expected_len, const uint8_t *got,
		      uint32_t len);

/* The number in an environment variable, `normal` where it is not set. */
uint64_t check_setting(const char *name, uint64_t normal);

/* A random switch: mostly sensible groups and policies, some uplinks dead with and without the
 * daemon's knowledge. */
void random_switch(uint64_t *state, struct sw *ret);

/* Gives its ports and learned addresses random states. */
void random_ownership(uint64_t *state, struct sw *sw);

#endif
