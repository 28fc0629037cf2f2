/* SPDX-License-Identifier: GPL-2.0 */
/* A server on a temporary socket with an event loop that the test turns by hand, and bare peers
 * that write bytes and not messages. */
#ifndef TESTS_UNIT_CONTROL_PEER_H
#define TESTS_UNIT_CONTROL_PEER_H

#include "control/server.h"

struct fixture {
	char directory[32];
	char path[64];
	sd_event *event;
	struct control_server *server;
	int n_calls;	 /* of the method "Echo" */
	char *last_text; /* its parameter "text", the last one */
};

/* Methods: Echo {text?} answers its parameters; Refuse: InvalidRequest with a message; Break: -EIO
 * without words; Publish {event}: to the monitors. */
extern const struct control_method fixture_methods[];

void fixture_start(struct fixture *f);
void fixture_stop(struct fixture *f);

int peer_connect(const struct fixture *f);
void peer_write(int fd, const void *data, size_t size); /* all of it; turns no loop, so keep it
							   below a socket buffer */
#define peer_say(fd, text) peer_write(fd, text, sizeof(text)) /* the literal with its NUL */

/* Turns the loop until a whole message for fd has arrived; NULL: the server closed. Fails the test
 * after five seconds. */
json_t *peer_hear(struct fixture *f, int fd);
/* Turns the loop until the server has closed fd; whatever comes before is thrown away. */
void peer_expect_end(struct fixture *f, int fd);

/* Turns the loop until the condition holds, five seconds at most. */
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
