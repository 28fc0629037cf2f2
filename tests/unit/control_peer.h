/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* A server on a temporary socket with an event loop that the test runs, and peers that write plain
 * bytes. */
#ifndef TESTS_UNIT_CONTROL_PEER_H
#define TESTS_UNIT_CONTROL_PEER_H

#include "control/server.h"

struct fixture {
	char directory[32];
	char path[64];
	sd_event *event;
	struct control_server *server;
	struct errors errors;		 /* of the server */
	int n_calls;			 /* of the method "Echo" */
	char *last_text;		 /* its latest parameter "text" */
	struct control_pending *pending; /* of the method "Later" */
	int n_gone;			 /* clients that ended before its reply */
};

/* Methods: Echo {text?} returns its parameters; Refuse: InvalidRequest with a message; Break: -EIO
 * without a message; Publish {event}: to the monitors; Later: replies when the test does, or at
 * once with {now: true}; Large {mib}: a reply of that size. Echo and Large only read. */
extern const struct control_method fixture_methods[];

void fixture_start(struct fixture *f);
void fixture_stop(struct fixture *f);

int peer_connect(const struct fixture *f);
/* Writes everything without running the loop, so it must fit a socket buffer. */
void peer_write(int fd, const void *data, size_t size);
#define peer_say(fd, text) peer_write(fd, text, sizeof(text)) /* the literal with its NUL */

/* Runs the loop until a whole message for fd has arrived; NULL: the server closed. Fails the test
 * after five seconds. */
json_t *peer_hear(struct fixture *f, int fd);
/* Runs the loop until the server has closed fd; input before that is discarded. */
void peer_expect_end(struct fixture *f, int fd);

/* Runs the loop until the condition holds, five seconds at most. */
#define turn_until(f, condition)                                                           \
	do {                                                                               \
		uint64_t deadline_ms_ = now_ms() + 5000;                                   \
		while (!(condition)) {                                                     \
			cr_assert_lt(now_ms(), deadline_ms_,                               \
				     "in five seconds it did not come true: " #condition); \
			sd_event_run((f)->event, 10000);                                   \
		}                                                                          \
	} while (0)

#endif
