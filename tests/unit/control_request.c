// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Replies that come later, large replies, and who may change something. */
#include <criterion/criterion.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "control_peer.h"

static struct fixture f;

static void setup(void)
{
	fixture_start(&f);
}

static void teardown(void)
{
	fixture_stop(&f);
}

TestSuite(control_request, .init = setup, .fini = teardown, .timeout = 300);

static const char *text_of(json_t *message, const char *key)
{
	const char *text =
		json_string_value(json_object_get(json_object_get(message, "parameters"), key));

	return text ? text : "(none)";
}

static const char *error_of(json_t *message)
{
	const char *error = json_string_value(json_object_get(message, "error"));

	return error ? error : "(no error)";
}

#define ECHO(text) "{\"method\":\"io.uplinkd.Echo\",\"parameters\":{\"text\":\"" text "\"}}"
#define LATER "{\"method\":\"io.uplinkd.Later\"}"
#define LATER_NOW "{\"method\":\"io.uplinkd.Later\",\"parameters\":{\"now\":true}}"
#define LARGE(mib) "{\"method\":\"io.uplinkd.Large\",\"parameters\":{\"mib\":" #mib "}}"

/* ---- replies that come later ---- */
Test(control_request, later_replies_keep_the_order_of_a_connection)
{
	_cleanup_close_ int fd = peer_connect(&f), other = peer_connect(&f);
	json_auto_t *first = NULL, *second = NULL, *quick = NULL;

	peer_say(fd, LATER "\0" ECHO("second"));
	turn_until(&f, f.pending);
	peer_say(other, ECHO("quick"));
	quick = peer_hear(&f, other);
	cr_expect_str_eq(text_of(quick, "text"), "quick", "others do not wait");
	cr_expect_eq(f.n_calls, 2, "the next request of the connection waits");
	control_pending_reply(f.pending, 0, json_pack("{s:s}", "text", "first"), NULL);
	first = peer_hear(&f, fd);
	second = peer_hear(&f, fd);
	cr_expect_str_eq(text_of(first, "text"), "first");
	cr_expect_str_eq(text_of(second, "text"), "second");
}

Test(control_request, later_failures_have_a_reason)
{
	_cleanup_close_ int fd = peer_connect(&f);
	json_auto_t *named = NULL, *plain = NULL;

	peer_say(fd, LATER "\0" LATER);
	turn_until(&f, f.pending);
	control_pending_reply(TAKE_PTR(f.pending), -EINVAL, control_error("no such switch"),
			      CONTROL_E_INVALID_REQUEST);
	named = peer_hear(&f, fd);
	cr_expect_str_eq(error_of(named), CONTROL_E_INVALID_REQUEST);
	cr_expect_str_eq(text_of(named, "message"), "no such switch");
	turn_until(&f, f.pending);
	control_pending_reply(f.pending, -EIO, NULL, NULL);
	plain = peer_hear(&f, fd);
	cr_expect_str_eq(error_of(plain), CONTROL_E_FAILED);
	cr_expect_str_eq(text_of(plain, "message"), "Input/output error");
}

Test(control_request, a_method_that_may_reply_later_can_reply_at_once)
{
	_cleanup_close_ int fd = peer_connect(&f);
	json_auto_t *message = NULL;

	peer_say(fd, LATER_NOW);
	message = peer_hear(&f, fd);
	cr_expect_str_eq(text_of(message, "text"), "at once");
}

Test(control_request, a_client_that_ends_before_its_reply_is_reported_once)
{
	int fd = peer_connect(&f);

	peer_say(fd, LATER);
	turn_until(&f, f.pending);
	close(fd);
	turn_until(&f, control_server_stats(f.server)->n_clients == 0);
	cr_expect_eq(f.n_gone, 1);
}

/* A client that has only shut down its side of the connection still waits for the reply. */
Test(control_request, a_half_closed_client_gets_its_later_reply)
{
	_cleanup_close_ int fd = peer_connect(&f);
	json_auto_t *message = NULL;

	peer_say(fd, LATER);
	shutdown(fd, SHUT_WR);
	turn_until(&f, f.pending);
	cr_expect_eq(f.n_gone, 0);
	control_pending_reply(f.pending, 0, json_pack("{s:s}", "text", "late"), NULL);
	message = peer_hear(&f, fd);
	cr_expect_str_eq(text_of(message, "text"), "late");
	peer_expect_end(&f, fd);
}

Test(control_request, freeing_the_server_ends_pending_requests)
{
	_cleanup_close_ int fd = peer_connect(&f);

	peer_say(fd, LATER);
	turn_until(&f, f.pending);
	control_server_free(f.server);
	f.server = NULL;
	cr_expect_eq(f.n_gone, 1);
}

/* ---- large replies ---- */
Test(control_request, a_reply_above_the_limit_becomes_an_error)
{
	_cleanup_close_ int fd = peer_connect(&f);
	json_auto_t *large = NULL, *next = NULL;

	peer_say(fd, LARGE(16) "\0" ECHO("next"));
	large = peer_hear(&f, fd);
	cr_expect_str_eq(error_of(large), CONTROL_E_FAILED);
	cr_expect(strstr(text_of(large, "message"), "16 MiB"), "%s", text_of(large, "message"));
	next = peer_hear(&f, fd);
	cr_expect_str_eq(text_of(next, "text"), "next");
}

/* Many clients that request much and read nothing: the memory of all of them is limited, and the
 * one that reads gets its reply. */
Test(control_request, clients_that_do_not_read_are_dropped_when_too_much_waits)
{
	const struct control_stats *stats = control_server_stats(f.server);
	_cleanup_close_ int reader = peer_connect(&f);
	json_auto_t *message = NULL;
	int fds[10];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = peer_connect(&f);
		peer_say(fds[i], LARGE(10));
		turn_until(&f, stats->requests == i + 1);
		cr_expect_leq(stats->n_queued, CONTROL_MAX_QUEUED);
	}
	cr_expect_gt(stats->slow_dropped, 0);
	cr_expect_lt(stats->slow_dropped, ARRAY_SIZE(fds), "more than is necessary");
	peer_say(reader, ECHO("reads"));
	message = peer_hear(&f, reader);
	cr_expect_str_eq(text_of(message, "text"), "reads");
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	turn_until(&f, stats->n_clients == 1);
	cr_expect_eq(stats->n_queued, 0, "%llu bytes", (unsigned long long)stats->n_queued);
}

/* ---- who may change something ---- */
/* A connection of another user. */
static int connect_as_other_user(void)
{
	int fd;

	if (geteuid() != 0)
		cr_skip_test("needs root, to connect as another user");
	cr_assert_eq(chmod(f.directory, 0711), 0);
	cr_assert_eq(chmod(f.path, 0666), 0);
	cr_assert_eq(seteuid(65534), 0);
	fd = peer_connect(&f);
	cr_assert_eq(seteuid(0), 0);
	return fd;
}

Test(control_request, members_that_may_only_read_are_refused_with_a_reason)
{
	_cleanup_close_ int fd = connect_as_other_user(), root = peer_connect(&f);
	json_auto_t *read = NULL, *refused = NULL, *allowed = NULL, *roots = NULL;

	control_server_set_group_reads(f.server, true);
	peer_say(fd, ECHO("read") "\0" LATER_NOW);
	read = peer_hear(&f, fd);
	refused = peer_hear(&f, fd);
	cr_expect_str_eq(text_of(read, "text"), "read");
	cr_expect_str_eq(error_of(refused), CONTROL_E_PERMISSION_DENIED);
	cr_expect_str_eq(
		text_of(refused, "message"),
		"Later: refused: members of the control group may only read (control.group-may: read); run it as root");
	cr_expect_eq(control_server_stats(f.server)->refused, 1);
	peer_say(root, LATER_NOW);
	roots = peer_hear(&f, root);
	cr_expect_str_eq(text_of(roots, "text"), "at once", "root may always");

	control_server_set_group_reads(f.server, false);
	peer_say(fd, LATER_NOW);
	allowed = peer_hear(&f, fd);
	cr_expect_str_eq(text_of(allowed, "text"), "at once", "a reload applies to connections");
}

Test(control_request, a_refused_oneway_change_is_not_done)
{
	_cleanup_close_ int fd = connect_as_other_user();
	json_auto_t *message = NULL;

	control_server_set_group_reads(f.server, true);
	peer_say(fd, "{\"method\":\"io.uplinkd.Later\",\"oneway\":true}\0" ECHO("next"));
	message = peer_hear(&f, fd);
	cr_expect_str_eq(text_of(message, "text"), "next");
	cr_expect_eq(f.n_calls, 1, "Echo only");
}
