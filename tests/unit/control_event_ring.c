// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The ring of kept events, and the table of event codes. */
#include <criterion/criterion.h>
#include <string.h>

#include "control/event_ring.h"
#include "control/protocol.h"

static const char *text_of(json_t *list, size_t i, const char *key)
{
	return json_string_value(json_object_get(json_array_get(list, i), key));
}

Test(control_event_ring, keeps_the_latest)
{
	static struct event_ring ring;
	char text[32];

	for (int i = 0; i < EVENT_RING_SIZE + 10; i++) {
		snprintf(text, sizeof(text), "event %d", i);
		json_decref(event_ring_add(&ring, "s", EVENT_LACP, "o", text));
	}
	json_auto_t *list = event_ring_list(&ring);

	cr_assert_eq(json_array_size(list), EVENT_RING_SIZE);
	cr_expect_str_eq(text_of(list, 0, "text"), "event 10");
	cr_expect_str_eq(text_of(list, EVENT_RING_SIZE - 1, "text"), "event 1033");
	event_ring_done(&ring);
}

/* A machine that causes one kind of event at will must not hide what else happened. */
Test(control_event_ring, a_flood_of_one_code_keeps_the_others)
{
	static struct event_ring ring;
	size_t n_lacp = 0;

	json_decref(event_ring_add(&ring, "s", EVENT_UPLINK_GONE, "eth0", "gone"));
	for (int i = 0; i < 20; i++)
		json_decref(event_ring_add(&ring, "s", EVENT_LACP, "eth1", "lacp"));
	for (int i = 0; i < 5 * EVENT_RING_SIZE; i++)
		json_decref(event_ring_add(&ring, "s", EVENT_PORT_ADDRESS, "tap0", "flood"));
	json_auto_t *list = event_ring_list(&ring);

	cr_assert_eq(json_array_size(list), EVENT_RING_SIZE);
	cr_expect_str_eq(text_of(list, 0, "code"), "uplink-gone");
	for (size_t i = 0; i < EVENT_RING_SIZE; i++)
		n_lacp += strcmp(text_of(list, i, "code"), "lacp") == 0;
	cr_expect_eq(n_lacp, 20);
	for (size_t i = 1; i < EVENT_RING_SIZE; i++) {
		json_t *before = json_array_get(list, i - 1), *event = json_array_get(list, i);

		cr_expect_lt(json_integer_value(json_object_get(before, "number")),
			     json_integer_value(json_object_get(event, "number")));
	}
	event_ring_done(&ring);
}

Test(control_event_ring, fields)
{
	static struct event_ring ring;
	json_auto_t *event = event_ring_add(&ring, "vswitch0", EVENT_UPLINK_GONE, "eth0", "gone");
	const char *sw, *code, *object, *text;
	json_int_t number;
	double seconds;

	cr_assert_eq(json_unpack(event, "{s:I, s:F, s:s, s:s, s:s, s:s !}", "number", &number,
				 "time", &seconds, "switch", &sw, "code", &code, "object", &object,
				 "text", &text),
		     0);
	cr_expect_eq(number, 0);
	cr_expect_gt(seconds, 1e9);
	cr_expect_str_eq(sw, "vswitch0");
	cr_expect_str_eq(code, "uplink-gone");
	cr_expect_str_eq(object, "eth0");
	cr_expect_str_eq(text, "gone");
	event_ring_done(&ring);
}

/* Each code has one name of [a-z-], and each name one code. */
Test(control_event_ring, codes_both_ways)
{
	for (int i = 0; i < N_EVENT_CODES; i++) {
		const char *name = event_code_name((enum event_code)i);

		cr_assert_not_null(name, "code %d", i);
		cr_expect(name[0] && strspn(name, "abcdefghijklmnopqrstuvwxyz-") == strlen(name),
			  "%s", name);
		for (int other = 0; other < i; other++)
			cr_expect_str_neq(name, event_code_name((enum event_code)other));
	}
}

/* The interface description lists the codes, and no others. */
Test(control_event_ring, codes_are_described)
{
	const char *list = strstr(control_interface_description, "code: one of\n");
	size_t n = 0;

	cr_assert_not_null(list);
	for (const char *line = strchr(list, '\n') + 1; strncmp(line, "#   ", 4) == 0;
	     line = strchr(line, '\n') + 1)
		n++;
	cr_expect_eq(n, N_EVENT_CODES);
	for (int i = 0; i < N_EVENT_CODES; i++) {
		char row[64];

		snprintf(row, sizeof(row), "\n#   %s: ", event_code_name((enum event_code)i));
		cr_expect(strstr(list, row), "%s", row);
	}
}
