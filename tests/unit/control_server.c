// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "control/socket_file.h"
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

TestSuite(control_server, .init = setup, .fini = teardown, .timeout = 300);

static const char *error_of(json_t *message)
{
	const char *error = json_string_value(json_object_get(message, "error"));

	return error ? error : "(no error)";
}

static const char *parameter_of(json_t *message, const char *key)
{
	const char *text =
		json_string_value(json_object_get(json_object_get(message, "parameters"), key));

	return text ? text : "(none)";
}

#define ECHO(text) "{\"method\":\"io.uplinkd.Echo\",\"parameters\":{\"text\":\"" text "\"}}"

/* One request, the reply's error (NULL: none), and whether the connection stays. */
static const struct {
	const char *what, *request, *error, *parameter, *value;
	bool closes;
	/* clang-format off */
} exchanges[] = {
	{ "a method", ECHO("hi"), NULL, "text", "hi", false },
	{ "no parameters", "{\"method\":\"io.uplinkd.Echo\"}", NULL, "text", "(none)", false },
	{ "parameters null", "{\"method\":\"io.uplinkd.Echo\",\"parameters\":null}", NULL, "text", "(none)", false },
	{ "UTF-8", ECHO("\xc3\xa4\xe2\x82\xac"), NULL, "text", "\xc3\xa4\xe2\x82\xac", false },
	{ "unknown member of the request", "{\"method\":\"io.uplinkd.Echo\",\"upgrade\":false}", NULL, "text", "(none)", false },
	{ "refusal in words", "{\"method\":\"io.uplinkd.Refuse\"}", CONTROL_E_INVALID_REQUEST, "message", "vnet7 is not a port", false },
	{ "refusal by errno", "{\"method\":\"io.uplinkd.Break\"}", CONTROL_E_FAILED, "message", "Input/output error", false },
	{ "unknown method", "{\"method\":\"io.uplinkd.Nothing\"}", CONTROL_E_METHOD_NOT_FOUND, "method", "io.uplinkd.Nothing", false },
	{ "other interface", "{\"method\":\"io.systemd.Echo\"}", CONTROL_E_METHOD_NOT_FOUND, "method", "io.systemd.Echo", false },
	{ "prefix of a name", "{\"method\":\"io.uplinkd.Ech\"}", CONTROL_E_METHOD_NOT_FOUND, "method", "io.uplinkd.Ech", false },
	{ "no interface", "{\"method\":\"Echo\"}", CONTROL_E_METHOD_NOT_FOUND, "method", "Echo", false },
	{ "Monitor without more", "{\"method\":\"io.uplinkd.Monitor\"}", CONTROL_E_EXPECTED_MORE, NULL, NULL, false },
	{ "no method", "{\"parameters\":{}}", CONTROL_E_INVALID_PARAMETER, "parameter", "method", false },
	{ "method is a number", "{\"method\":7}", CONTROL_E_INVALID_PARAMETER, "parameter", "method", false },
	{ "parameters is a list", "{\"method\":\"io.uplinkd.Echo\",\"parameters\":[]}", CONTROL_E_INVALID_PARAMETER, "parameter", "parameters", false },
	{ "more is a string", "{\"method\":\"io.uplinkd.Monitor\",\"more\":\"yes\"}", CONTROL_E_INVALID_PARAMETER, "parameter", "more", false },
	{ "not JSON", "GET / HTTP/1.1\r\n\r\n", CONTROL_E_INVALID_PARAMETER, NULL, NULL, true },
	{ "empty", "", CONTROL_E_INVALID_PARAMETER, NULL, NULL, true },
	{ "a list", "[1,2]", CONTROL_E_INVALID_PARAMETER, NULL, NULL, true },
	{ "a string", "\"io.uplinkd.Echo\"", CONTROL_E_INVALID_PARAMETER, NULL, NULL, true },
	{ "two objects", "{\"method\":\"io.uplinkd.Echo\"}{}", CONTROL_E_INVALID_PARAMETER, NULL, NULL, true },
	{ "duplicate key", "{\"method\":\"io.uplinkd.Echo\",\"method\":\"io.uplinkd.Break\"}", CONTROL_E_INVALID_PARAMETER, NULL, NULL, true },
	{ "not UTF-8", ECHO("\xff\xfe"), CONTROL_E_INVALID_PARAMETER, NULL, NULL, true },
	{ "cut off", "{\"method\":\"io.uplinkd.Ec", CONTROL_E_INVALID_PARAMETER, NULL, NULL, true },
};
/* clang-format on */

Test(control_server, exchanges)
{
	for (size_t i = 0; i < ARRAY_SIZE(exchanges); i++) {
		const struct control_stats *stats = control_server_stats(f.server);
		uint64_t invalid = stats->invalid;
		_cleanup_close_ int fd = peer_connect(&f);
		json_auto_t *message = NULL;

		peer_write(fd, exchanges[i].request, strlen(exchanges[i].request) + 1);
		message = peer_hear(&f, fd);
		cr_assert(message, "%s: no answer", exchanges[i].what);
		cr_expect_str_eq(error_of(message),
				 exchanges[i].error ? exchanges[i].error : "(no error)", "%s",
				 exchanges[i].what);
		if (exchanges[i].parameter)
			cr_expect_str_eq(parameter_of(message, exchanges[i].parameter),
					 exchanges[i].value, "%s", exchanges[i].what);
		if (exchanges[i].error &&
		    strcmp(exchanges[i].error, CONTROL_E_INVALID_PARAMETER) == 0) {
			cr_expect_eq(stats->invalid, invalid + 1, "%s: is not counted",
				     exchanges[i].what);
			cr_expect_str_neq(parameter_of(message, "message"), "(none)",
					  "%s: no words", exchanges[i].what);
		} else {
			cr_expect_eq(stats->invalid, invalid, "%s: is counted as invalid",
				     exchanges[i].what);
		}
		if (exchanges[i].closes) {
			peer_expect_end(&f, fd);
			continue;
		}
		json_auto_t *second = NULL;

		peer_say(fd, ECHO("still there"));
		second = peer_hear(&f, fd);
		cr_expect_str_eq(parameter_of(second, "text"), "still there", "after %s",
				 exchanges[i].what);
	}
}

Test(control_server, service_interface)
{
	_cleanup_close_ int fd = peer_connect(&f);
	json_auto_t *info = NULL, *description = NULL, *unknown = NULL;

	peer_say(fd, "{\"method\":\"org.varlink.service.GetInfo\"}");
	info = peer_hear(&f, fd);
	cr_expect_str_eq(parameter_of(info, "product"), "uplinkd");
	cr_expect_str_eq(parameter_of(info, "version"), "1.2.3");
	cr_expect_str_eq(
		json_string_value(json_array_get(
			json_object_get(json_object_get(info, "parameters"), "interfaces"), 1)),
		"io.uplinkd");

	peer_say(
		fd,
		"{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":{\"interface\":\"io.uplinkd\"}}");
	description = peer_hear(&f, fd);
	cr_expect(strstr(parameter_of(description, "description"), "method Reload("));
	cr_expect(strstr(parameter_of(description, "description"), "\n# more\n"));

	peer_say(
		fd,
		"{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":{\"interface\":\"io.unknown\"}}");
	unknown = peer_hear(&f, fd);
	cr_expect_str_eq(error_of(unknown), CONTROL_E_INTERFACE_NOT_FOUND);
}

Test(control_server, request_in_single_bytes)
{
	static const char request[] = ECHO("torn");
	_cleanup_close_ int fd = peer_connect(&f);
	json_auto_t *message = NULL;

	for (size_t i = 0; i < sizeof(request) - 1; i++) {
		peer_write(fd, request + i, 1);
		sd_event_run(f.event, 0);
		cr_assert_eq(f.n_calls, 0, "called after %zu of %zu bytes", i + 1, sizeof(request));
	}
	peer_write(fd, "", 1);
	message = peer_hear(&f, fd);
	cr_expect_str_eq(parameter_of(message, "text"), "torn");
	cr_expect_eq(f.n_calls, 1);
}

Test(control_server, torn_request_of_one_does_not_hold_up_another)
{
	_cleanup_close_ int slow = peer_connect(&f), quick = peer_connect(&f);
	json_auto_t *first = NULL, *second = NULL;

	peer_write(slow, "{\"method\":\"io.upl", 17);
	peer_say(quick, ECHO("quick"));
	first = peer_hear(&f, quick);
	cr_expect_str_eq(parameter_of(first, "text"), "quick");
	peer_say(slow, "inkd.Echo\",\"parameters\":{\"text\":\"slow\"}}");
	second = peer_hear(&f, slow);
	cr_expect_str_eq(parameter_of(second, "text"), "slow");
}

Test(control_server, pipelined_requests_are_answered_in_order)
{
	static const char requests[] = ECHO("one") "\0" ECHO("two") "\0" ECHO("three");
	static const char *const answers[] = { "one", "two", "three" };
	_cleanup_close_ int fd = peer_connect(&f);

	peer_say(fd, requests);
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		json_auto_t *message = peer_hear(&f, fd);

		cr_expect_str_eq(parameter_of(message, "text"), answers[i]);
	}
}

/* A burst of requests: other connections are served after each one, the longest waiting first. */
Test(control_server, one_request_in_a_turn)
{
	enum { N = 50 };
	_cleanup_close_ int many = peer_connect(&f), other = peer_connect(&f);

	turn_until(&f, control_server_stats(f.server)->n_clients == 2);
	for (int i = 0; i < N; i++)
		peer_say(many, ECHO("one of many"));
	turn_until(&f, f.n_calls > 0);
	peer_say(other, ECHO("other"));
	while (strcmp(f.last_text, "other") != 0) {
		int before = f.n_calls;

		cr_assert_lt(before, 5, "the other one waits for all of them");
		sd_event_run(f.event, 10000);
		cr_assert_leq(f.n_calls, before + 1, "more than one in a turn");
	}
	turn_until(&f, f.n_calls == N + 1);
	for (int i = 0; i < N; i++) {
		json_auto_t *message = peer_hear(&f, many);

		cr_expect_str_eq(parameter_of(message, "text"), "one of many");
	}
}

/* Requests without reading the answers: the server must stop reading, not collect answers, and
 * continue when they are read. */
Test(control_server, back_pressure)
{
	_cleanup_close_ int fd = peer_connect(&f);
	static char request[8192];
	int sent = 0, n;

	n = snprintf(request, sizeof(request),
		     "{\"method\":\"io.uplinkd.Echo\",\"parameters\":{\"text\":\"%08000d\"}}", 7) +
	    1;
	for (int idle = 0; idle < 50;) {
		ssize_t got = send(fd, request, (size_t)n, MSG_NOSIGNAL);

		if (got == n) {
			sent++;
			idle = 0;
			cr_assert_lt(sent, 10000, "the server takes requests for ever");
			continue;
		}
		cr_assert_lt(got, 0,
			     "a stream socket took a part: the test must learn to write the rest");
		idle++;
		sd_event_run(f.event, 0);
	}
	cr_assert_lt(f.n_calls, sent, "nothing was held back");
	for (int i = 0; i < sent; i++) {
		json_auto_t *message = peer_hear(&f, fd);

		cr_assert_eq(strlen(parameter_of(message, "text")), 8000, "answer %d of %d", i,
			     sent);
	}
	cr_expect_eq(f.n_calls, sent);
}

/* The longest request that is allowed, and one byte more. */
Test(control_server, length_limit)
{
	static char request[CONTROL_MAX_REQUEST + 2];
	static const char head[] = ECHO("short");

	for (size_t over = 0; over < 2; over++) {
		/* Blanks in front are part of the request, and the reply stays short. */
		size_t padding = CONTROL_MAX_REQUEST + over - (sizeof(head) - 1), sent = 0,
		       size = CONTROL_MAX_REQUEST + over + 1;
		_cleanup_close_ int fd = peer_connect(&f);
		json_auto_t *message = NULL;

		memset(request, ' ', padding);
		strcpy(request + padding, head);
		cr_assert_eq(strlen(request), size - 1);
		while (sent < size) {
			ssize_t n = send(fd, request + sent, size - sent, MSG_NOSIGNAL);

			if (n > 0)
				sent += (size_t)n;
			else if (errno == EAGAIN)
				sd_event_run(f.event, 0);
			else
				break;
		}
		message = peer_hear(&f, fd);
		if (over == 0) {
			cr_expect_str_eq(parameter_of(message, "text"), "short");
			continue;
		}
		cr_expect_str_eq(error_of(message), CONTROL_E_INVALID_PARAMETER);
		cr_expect(strstr(parameter_of(message, "message"), "2 MiB"));
		peer_expect_end(&f, fd);
		cr_expect_eq(f.n_calls, 1, "the long one must not be called");
	}
}

Test(control_server, deep_nesting_is_refused)
{
	_cleanup_close_ int fd = peer_connect(&f);
	static char request[60000];
	json_auto_t *message = NULL;

	memset(request, '[', sizeof(request) - 1);
	peer_write(fd, request, sizeof(request));
	message = peer_hear(&f, fd);
	cr_expect_str_eq(error_of(message), CONTROL_E_INVALID_PARAMETER);
}

Test(control_server, half_closed_connection_gets_its_answers)
{
	_cleanup_close_ int fd = peer_connect(&f);
	json_auto_t *first = NULL, *second = NULL;

	peer_say(fd, ECHO("one") "\0" ECHO("two") "\0{\"meth");
	shutdown(fd, SHUT_WR);
	first = peer_hear(&f, fd);
	second = peer_hear(&f, fd);
	cr_expect_str_eq(parameter_of(first, "text"), "one");
	cr_expect_str_eq(parameter_of(second, "text"), "two");
	peer_expect_end(&f, fd);
	cr_expect_eq(control_server_stats(f.server)->n_clients, 0);
}

Test(control_server, oneway_is_done_without_an_answer)
{
	_cleanup_close_ int fd = peer_connect(&f);
	json_auto_t *message = NULL;

	peer_say(
		fd,
		"{\"method\":\"io.uplinkd.Echo\",\"parameters\":{\"text\":\"quiet\"},\"oneway\":true}");
	peer_say(fd, ECHO("loud"));
	message = peer_hear(&f, fd);
	cr_expect_str_eq(parameter_of(message, "text"), "loud");
	cr_expect_eq(f.n_calls, 2);
}

Test(control_server, vanished_clients_are_forgotten)
{
	for (int i = 0; i < 10; i++) {
		int fd = peer_connect(&f);

		if (i % 2)
			peer_say(fd, ECHO("bye"));
		close(fd);
	}
	turn_until(&f, control_server_stats(f.server)->connections == 10);
	turn_until(&f, control_server_stats(f.server)->n_clients == 0);
	cr_expect_eq(f.n_calls, 5, "what was sent before the end counts");
}

Test(control_server, one_client_too_many_crowds_out_the_most_silent)
{
	int fds[CONTROL_MAX_CLIENTS + 1];
	json_auto_t *busy = NULL, *last = NULL;

	for (int i = 0; i < CONTROL_MAX_CLIENTS; i++) {
		fds[i] = peer_connect(&f);
		turn_until(&f, control_server_stats(f.server)->n_clients == (uint32_t)i + 1);
	}
	/* The first one speaks later than all others came, by the clock that the server reads. */
	for (uint64_t start_ms = now_ms(); now_ms() == start_ms;)
		;
	peer_say(fds[0], ECHO("busy"));
	busy = peer_hear(&f, fds[0]);
	cr_expect_str_eq(parameter_of(busy, "text"), "busy");

	fds[CONTROL_MAX_CLIENTS] = peer_connect(&f);
	peer_say(fds[CONTROL_MAX_CLIENTS], ECHO("last"));
	last = peer_hear(&f, fds[CONTROL_MAX_CLIENTS]);
	cr_expect_str_eq(parameter_of(last, "text"), "last");
	cr_expect_eq(control_server_stats(f.server)->crowded_out, 1);
	cr_expect_eq(control_server_stats(f.server)->n_clients, CONTROL_MAX_CLIENTS);
	cr_expect_lt(recv(fds[0], &(char){ 0 }, 1, 0), 0, "the busy one was dropped");
	for (int i = 0; i <= CONTROL_MAX_CLIENTS; i++)
		close(fds[i]);
}

/* The next descriptor would exceed the limit. Returns the former limit. */
static struct rlimit use_up_descriptors(void)
{
	struct rlimit before, now;
	int next = dup(STDERR_FILENO);

	cr_assert_geq(next, 0);
	close(next);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	now = (struct rlimit){ .rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max };
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &now), 0);
	return before;
}

Test(control_server, without_descriptors_and_clients_a_connection_is_refused_with_the_reason)
{
	int fds[] = { peer_connect(&f), peer_connect(&f), peer_connect(&f) };
	struct rlimit before = use_up_descriptors();

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		json_auto_t *refusal = peer_hear(&f, fds[i]);

		cr_expect_str_eq(error_of(refusal), CONTROL_E_FAILED);
		cr_expect(strstr(parameter_of(refusal, "message"),
				 "the connection is refused: Too many open files"),
			  "%s", parameter_of(refusal, "message"));
		peer_expect_end(&f, fds[i]);
	}
	cr_expect_eq(f.errors.n, 1, "one report for all");
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	fds[0] = peer_connect(&f);
	peer_say(fds[0], ECHO("again"));
	json_auto_t *answer = peer_hear(&f, fds[0]);
	cr_expect_str_eq(parameter_of(answer, "text"), "again");
	close(fds[0]);
}

Test(control_server, without_descriptors_the_most_silent_client_makes_room)
{
	int silent = peer_connect(&f), fd;
	json_auto_t *answer = NULL;
	struct rlimit before;

	turn_until(&f, control_server_stats(f.server)->n_clients == 1);
	fd = peer_connect(&f);
	peer_say(fd, ECHO("room"));
	before = use_up_descriptors();
	answer = peer_hear(&f, fd);
	cr_expect_str_eq(parameter_of(answer, "text"), "room");
	cr_expect_eq(control_server_stats(f.server)->crowded_out, 1);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	close(silent);
	close(fd);
}

/* ---- monitor ---- */
static int subscribe(void)
{
	json_auto_t *message = NULL;
	int fd = peer_connect(&f);

	peer_say(fd, "{\"method\":\"io.uplinkd.Monitor\",\"more\":true}");
	message = peer_hear(&f, fd);
	cr_assert_str_eq(parameter_of(message, "event"), "subscribed");
	cr_assert(json_is_true(json_object_get(message, "continues")));
	return fd;
}

Test(control_server, monitors_get_every_event_and_others_none)
{
	_cleanup_close_ int one = subscribe(), two = subscribe(), other = peer_connect(&f);
	json_auto_t *answer = NULL;

	cr_assert_eq(control_server_stats(f.server)->n_monitors, 2);
	for (int i = 0; i < 3; i++) {
		json_auto_t *event = json_pack("{s:s, s:i}", "event", "link", "number", i);

		control_server_publish(f.server, event);
	}
	for (int i = 0; i < 3; i++) {
		json_auto_t *a = peer_hear(&f, one), *b = peer_hear(&f, two);

		cr_expect(json_equal(a, b));
		cr_expect(json_is_true(json_object_get(a, "continues")));
		cr_expect_eq(json_integer_value(
				     json_object_get(json_object_get(a, "parameters"), "number")),
			     i);
	}
	/* Published from within a method, as Drain will do. */
	peer_say(
		other,
		"{\"method\":\"io.uplinkd.Publish\",\"parameters\":{\"event\":{\"event\":\"drained\"}}}");
	answer = peer_hear(&f, other);
	cr_expect_str_eq(error_of(answer), "(no error)");
	json_auto_t *event = peer_hear(&f, one);

	cr_expect_str_eq(parameter_of(event, "event"), "drained");
}

Test(control_server, slow_monitor_is_dropped_and_the_others_continue)
{
	_cleanup_close_ int slow = subscribe(), quick = subscribe();
	_cleanup_free_ char *padding = malloc(1001);
	json_auto_t *event = NULL;
	int n = 0;

	memset(padding, 'x', 1000);
	padding[1000] = '\0';
	event = json_pack("{s:s, s:s}", "event", "noise", "padding", padding);
	while (control_server_stats(f.server)->slow_dropped == 0) {
		json_auto_t *heard = NULL;

		control_server_publish(f.server, event);
		heard = peer_hear(&f, quick);
		cr_assert_str_eq(parameter_of(heard, "event"), "noise");
		cr_assert_lt(++n, 5000, "the queue has no end");
	}
	cr_expect_geq(n, CONTROL_MAX_QUEUE / 1100, "dropped too early, after %d events", n);
	cr_expect_eq(control_server_stats(f.server)->n_monitors, 1);
	peer_expect_end(&f, slow);
}

Test(control_server, monitor_that_speaks_is_ended)
{
	_cleanup_close_ int fd = subscribe();

	peer_say(fd, ECHO("me too"));
	peer_expect_end(&f, fd);
	cr_expect_eq(f.n_calls, 0);
	cr_expect_eq(control_server_stats(f.server)->n_monitors, 0);
}

Test(control_server, monitor_that_leaves_is_forgotten)
{
	int fd = subscribe();

	close(fd);
	turn_until(&f, control_server_stats(f.server)->n_monitors == 0);
	json_auto_t *event = json_pack("{s:s}", "event", "unheard");

	control_server_publish(f.server, event);
	cr_expect_eq(control_server_stats(f.server)->n_clients, 0);
}

/* ---- the socket file ---- */
Test(control_server, socket_is_private_without_a_group)
{
	struct stat st;

	cr_assert_eq(stat(f.path, &st), 0);
	cr_expect(S_ISSOCK(st.st_mode));
	cr_expect_eq(st.st_mode & 0777, 0600, "mode %o", st.st_mode & 0777);
}

Test(control_server, socket_belongs_to_the_group)
{
	char path[80];
	struct control_server_options options = { .path = path,
						  .group = "daemon",
						  .methods = fixture_methods };
	struct control_server *server;
	struct stat st;

	if (geteuid() != 0)
		cr_skip_test("needs root to change a group");
	snprintf(path, sizeof(path), "%s/grouped", f.directory);
	cr_assert_eq(control_server_new(f.event, &options, &server), 0);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0660, "mode %o", st.st_mode & 0777);
	cr_expect_eq(st.st_gid, 1, "group daemon is 1, the socket has %u", st.st_gid);
	control_server_free(server);
	cr_expect_eq(access(path, F_OK), -1, "the socket was left behind");
}

Test(control_server, group_changes)
{
	struct stat st;

	if (geteuid() != 0)
		cr_skip_test("needs root to change a group");
	control_server_set_group(f.server, "daemon");
	cr_assert_eq(stat(f.path, &st), 0);
	cr_expect(st.st_gid == 1 && (st.st_mode & 0777) == 0660, "group %u, mode %o", st.st_gid,
		  st.st_mode & 0777);
	control_server_set_group(f.server, "no-such-group-here");
	cr_assert_eq(f.errors.n, 1);
	cr_expect(strstr(f.errors.messages[0], "group no-such-group-here does not exist"), "%s",
		  f.errors.messages[0]);
	cr_assert_eq(stat(f.path, &st), 0);
	cr_expect(st.st_gid == 0 && (st.st_mode & 0777) == 0600, "group %u, mode %o", st.st_gid,
		  st.st_mode & 0777);
}

Test(control_server, unknown_group_leaves_it_to_root)
{
	char path[80];
	struct control_server_options options = { .path = path,
						  .group = "no-such-group-here",
						  .methods = fixture_methods };
	struct control_server *server;
	struct stat st;

	snprintf(path, sizeof(path), "%s/grouped", f.directory);
	cr_assert_eq(control_server_new(f.event, &options, &server), 0);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600, "mode %o", st.st_mode & 0777);
	control_server_free(server);
}

/* uplinkd.socket: the file and its group belong to the service manager. */
Test(control_server, an_inherited_socket_is_served_and_its_file_stays)
{
	char path[80];
	struct control_server_options options = {
		.path = path, .version = "2", .methods = fixture_methods, .errors = &f.errors
	};
	struct control_server *server;
	_cleanup_close_ int listening = -1;
	struct socket_file file;
	struct stat before, after;
	struct fixture other = f;
	json_t *answer;
	int peer;

	snprintf(path, sizeof(path), "%s/inherited", f.directory);
	cr_assert_eq(socket_file_listen(path, &listening, &file), 0);
	cr_assert_eq(stat(path, &before), 0);
	options.inherited_fd = listening;
	options.group = "daemon";
	cr_assert_eq(control_server_new(f.event, &options, &server), 0);
	cr_assert_eq(f.errors.n, 1);
	cr_expect(strstr(f.errors.messages[0], "SocketGroup= of uplinkd.socket decides"), "%s",
		  f.errors.messages[0]);
	strcpy(other.path, path);
	peer = peer_connect(&other);
	peer_say(peer, "{\"method\":\"org.varlink.service.GetInfo\"}");
	answer = peer_hear(&f, peer);
	cr_expect_str_eq(parameter_of(answer, "version"), "2");
	json_decref(answer);
	close(peer);
	control_server_free(server);
	cr_assert_eq(stat(path, &after), 0, "the file of the service manager was removed");
	cr_expect(after.st_gid == before.st_gid && after.st_mode == before.st_mode);
	/* Requests wait for the next daemon. */
	close(peer_connect(&other));
	socket_file_remove(path, &file);
}

Test(control_server, path_is_in_use)
{
	char path[80];
	struct control_server_options options = { .path = path, .methods = fixture_methods };
	struct control_server *server = NULL;
	_cleanup_close_ int fd = -1;

	/* a server listens */
	strcpy(path, f.path);
	cr_expect_eq(control_server_new(f.event, &options, &server), -EADDRINUSE);
	cr_expect_eq(access(f.path, F_OK), 0, "the other server's socket was removed");

	/* a file */
	snprintf(path, sizeof(path), "%s/file", f.directory);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	cr_expect_eq(control_server_new(f.event, &options, &server), -EEXIST);
	cr_expect_eq(unlink(path), 0, "the file was removed");

	/* no directory, name too long */
	snprintf(path, sizeof(path), "%s/none/sock", f.directory);
	cr_expect_eq(control_server_new(f.event, &options, &server), -ENOENT);
	options.path =
		"/tmp/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789";
	cr_expect_eq(control_server_new(f.event, &options, &server), -ENAMETOOLONG);
	cr_expect_null(server);
}

Test(control_server, stale_socket_is_replaced)
{
	struct control_server_options options = {
		.path = f.path, .version = "2", .methods = fixture_methods, .userdata = &f
	};
	char kept[80];

	/* A killed daemon leaves the file without a listener. */
	snprintf(kept, sizeof(kept), "%s/kept", f.directory);
	cr_assert_eq(link(f.path, kept), 0);
	control_server_free(f.server);
	f.server = NULL;
	cr_assert_eq(rename(kept, f.path), 0);
	cr_assert_eq(control_server_new(f.event, &options, &f.server), 0);

	_cleanup_close_ int fd = peer_connect(&f);
	json_auto_t *message = NULL;

	peer_say(fd, ECHO("again"));
	message = peer_hear(&f, fd);
	cr_expect_str_eq(parameter_of(message, "text"), "again");
}
