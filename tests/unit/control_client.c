// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The client against the real server, in a thread that runs the loop, and against peers that
 * violate the protocol. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "control/client.h"
#include "control_peer.h"

static struct fixture f;
static pthread_t loop;
static atomic_bool stop;

static void *turn(void *unused)
{
	while (!stop)
		sd_event_run(f.event, 5000);
	return NULL;
}

static void setup(void)
{
	fixture_start(&f);
	stop = false;
	cr_assert_eq(pthread_create(&loop, NULL, turn, NULL), 0);
}

static void teardown(void)
{
	stop = true;
	pthread_join(loop, NULL);
	fixture_stop(&f);
}

TestSuite(control_client, .init = setup, .fini = teardown, .timeout = 300);
TestSuite(control_client_alone, .timeout = 300);

Test(control_client, reply)
{
	json_auto_t *parameters = json_pack("{s:s}", "text", "hello");
	struct control_result result;

	cr_assert_eq(control_call(f.path, "io.uplinkd.Echo", parameters, 5000, &result), 0, "%s",
		     result.message);
	cr_expect(json_equal(result.parameters, parameters));
	cr_expect_null(result.error);
	cr_expect_null(result.message);
	control_result_done(&result);

	cr_assert_eq(control_call(f.path, "io.uplinkd.Echo", NULL, 5000, &result), 0);
	cr_expect_eq(json_object_size(result.parameters), 0);
	control_result_done(&result);
}

Test(control_client, reply_in_many_pieces)
{
	_cleanup_free_ char *text = malloc(60001);
	json_auto_t *parameters = NULL;
	struct control_result result;

	memset(text, 'x', 60000);
	text[60000] = '\0';
	parameters = json_pack("{s:s}", "text", text);
	cr_assert_eq(control_call(f.path, "io.uplinkd.Echo", parameters, 5000, &result), 0, "%s",
		     result.message);
	cr_expect(json_equal(result.parameters, parameters));
	control_result_done(&result);
}

Test(control_client, refusal)
{
	struct control_result result;

	cr_assert_eq(control_call(f.path, "io.uplinkd.Refuse", NULL, 5000, &result), -EREMOTEIO);
	cr_expect_str_eq(result.error, CONTROL_E_INVALID_REQUEST);
	cr_expect_str_eq(result.message, "vnet7 is not a port");
	cr_expect(control_error_is_callers(result.error));
	control_result_done(&result);

	cr_assert_eq(control_call(f.path, "io.uplinkd.Nothing", NULL, 5000, &result), -EREMOTEIO);
	cr_expect_str_eq(result.message, "uplinkd refused: org.varlink.service.MethodNotFound");
	cr_expect_not(control_error_is_callers(result.error));
	control_result_done(&result);
}

Test(control_client_alone, no_server)
{
	struct control_result result;

	cr_assert_eq(control_call("/tmp/ul-no-such-dir/uplinkd.sock", "io.uplinkd.Status", NULL,
				  1000, &result),
		     -ENOENT);
	cr_expect_str_eq(result.message,
			 "uplinkd is not running (socket /tmp/ul-no-such-dir/uplinkd.sock): "
			 "start it with 'systemctl start uplinkd', or 'uplinkd -c FILE'");
	cr_expect_null(result.parameters);
	control_result_done(&result);
}

/* A listener that does one thing to each connection. */
struct rogue {
	char directory[32], path[64];
	int fd;
	const char *answer; /* NULL: none */
	size_t size;
	bool hold; /* keep the connection open */
	pthread_t thread;
};

static void *rogue_run(void *userdata)
{
	struct rogue *rogue = userdata;
	char sink[4096];
	int fd = accept(rogue->fd, NULL, NULL);

	if (recv(fd, sink, sizeof(sink), 0) > 0 && rogue->answer)
		send(fd, rogue->answer, rogue->size, MSG_NOSIGNAL);
	while (rogue->hold && recv(fd, sink, sizeof(sink), 0) > 0)
		;
	close(fd);
	return NULL;
}

static int call_rogue(const char *answer, size_t size, bool hold, uint64_t timeout_ms,
		      struct control_result *result)
{
	struct rogue rogue = {
		.directory = "/tmp/ul-rogue-XXXXXX", .answer = answer, .size = size, .hold = hold
	};
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int r;

	cr_assert(mkdtemp(rogue.directory));
	snprintf(rogue.path, sizeof(rogue.path), "%s/sock", rogue.directory);
	strcpy(address.sun_path, rogue.path);
	rogue.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(rogue.fd, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(rogue.fd, 1), 0);
	cr_assert_eq(pthread_create(&rogue.thread, NULL, rogue_run, &rogue), 0);
	r = control_call(rogue.path, "io.uplinkd.Status", NULL, timeout_ms, result);
	pthread_join(rogue.thread, NULL);
	close(rogue.fd);
	unlink(rogue.path);
	rmdir(rogue.directory);
	return r;
}

Test(control_client_alone, silence_has_a_limit)
{
	struct control_result result;
	uint64_t start_ms = now_ms();

	cr_expect_eq(call_rogue(NULL, 0, true, 300, &result), -ETIMEDOUT);
	cr_expect_geq(now_ms() - start_ms, 300);
	cr_expect_lt(now_ms() - start_ms, 3000);
	cr_expect(strstr(result.message, "does not answer"), "%s", result.message);
	control_result_done(&result);

	/* an incomplete reply */
	cr_expect_eq(call_rogue("{\"param", 7, true, 300, &result), -ETIMEDOUT);
	control_result_done(&result);
}

Test(control_client_alone, ends_without_an_answer)
{
	struct control_result result;

	cr_expect_eq(call_rogue(NULL, 0, false, 5000, &result), -EPIPE);
	cr_expect(strstr(result.message, "closed the connection"), "%s", result.message);
	control_result_done(&result);
	cr_expect_eq(call_rogue("{\"param", 7, false, 5000, &result), -EPIPE);
	control_result_done(&result);
}

Test(control_client_alone, nonsense)
{
	static const char *const answers[] = { "HTTP/1.1 400 Bad Request", "[]", "{\"error\":7}",
					       "{\"parameters\":[]}", "" };

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct control_result result;

		cr_expect_eq(call_rogue(answers[i], strlen(answers[i]) + 1, false, 5000, &result),
			     -EPROTO, "%s", answers[i]);
		cr_expect(strstr(result.message, "not Varlink"), "%s", result.message);
		cr_expect_null(result.parameters);
		control_result_done(&result);
	}
}

Test(control_client_alone, error_parameters)
{
	char texts[][20] = { "a: 1: wrong", "b: 2: \xff wrong", "c: 3: wrong" },
	     *messages[] = { texts[0], texts[1], texts[2] };
	json_auto_t *list = control_error_list(messages, 3), *one = control_error_list(messages, 1);

	cr_assert(list && one);
	cr_expect_str_eq(json_string_value(json_object_get(list, "message")),
			 "a: 1: wrong (and 2 more)");
	cr_expect_eq(json_array_size(json_object_get(list, "messages")), 3);
	cr_expect_str_eq(json_string_value(json_array_get(json_object_get(list, "messages"), 1)),
			 "b: 2: ? wrong");
	cr_expect_str_eq(json_string_value(json_object_get(one, "message")), "a: 1: wrong");
	cr_expect_eq(json_array_size(json_object_get(one, "messages")), 1);
}
