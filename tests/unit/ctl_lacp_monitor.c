// SPDX-License-Identifier: GPL-2.0
/* monitor: against the real server, which remembers two events, tells two more, and ends. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>

#include "control/server.h"
#include "ctl_run.h"
#include "control/events.h"

static struct {
	char directory[32], path[64];
	sd_event *event;
	struct control_server *server;
	pthread_t thread;
	atomic_bool stop;
	struct events events;
} daemon_;

static int call_events(void *userdata, json_t *parameters, json_t **ret_parameters,
		       const char **ret_error)
{
	*ret_parameters = json_pack("{s:o}", "events", events_list(&daemon_.events));
	return 0;
}

static const struct control_method methods[] = { { "Events", call_events }, {} };

static void tell(const char *object, const char *text)
{
	json_auto_t *event = events_add(&daemon_.events, "vswitch0", object, text);

	control_server_publish(daemon_.server, event);
}

static void *serve(void *unused)
{
	uint64_t deadline_ms = now_ms() + 10000;
	bool told = false;

	while (!daemon_.stop && now_ms() < deadline_ms) {
		sd_event_run(daemon_.event, 5000);
		/* Once somebody listens and, with --past, has asked. */
		if (!told && control_server_stats(daemon_.server)->n_monitors &&
		    control_server_stats(daemon_.server)->n_clients == 1) {
			told = true;
			tell("eth1", "link down");
			tell("vswitch0", "LACP finding: \xc3\xa4 \"quoted\"");
			for (int i = 0; i < 20; i++)
				sd_event_run(daemon_.event, 5000);
			break;
		}
	}
	control_server_free(daemon_.server);
	return NULL;
}

static void setup(void)
{
	strcpy(daemon_.directory, "/tmp/ul-monitor-XXXXXX");
	cr_assert(mkdtemp(daemon_.directory));
	snprintf(daemon_.path, sizeof(daemon_.path), "%s/%s", daemon_.directory,
		 CONTROL_SOCKET_NAME);
	cr_assert_geq(sd_event_new(&daemon_.event), 0);
	struct control_server_options options = { .path = daemon_.path,
						  .version = "9.9",
						  .methods = methods };

	cr_assert_eq(control_server_new(daemon_.event, &options, &daemon_.server), 0);
	tell("eth0", "link up");
	tell("eth0", "in use");
	cr_assert_eq(pthread_create(&daemon_.thread, NULL, serve, NULL), 0);
}

static void teardown(void)
{
	daemon_.stop = true;
	pthread_join(daemon_.thread, NULL);
	sd_event_unref(daemon_.event);
	events_done(&daemon_.events);
	rmdir(daemon_.directory);
}

TestSuite(ctl_monitor, .init = setup, .fini = teardown, .timeout = 30);
TestSuite(ctl_monitor_alone, .timeout = 30);

static size_t lines_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

Test(ctl_monitor, a_line_per_event)
{
	_cleanup_run_ struct run run = run_ctl("monitor", "--run-dir", daemon_.directory, NULL);

	cr_expect_eq(run.status, CTL_SYSTEM);
	cr_expect_str_eq(run.err, "uplinkctl: uplinkd has ended\n");
	cr_expect_eq(lines_of(run.out), 2, "%s", run.out);
	cr_expect(strstr(run.out, " vswitch0 eth1: link down\n"), "%s", run.out);
	cr_expect(strstr(run.out, " vswitch0 vswitch0: LACP finding: \xc3\xa4 \"quoted\"\n"), "%s",
		  run.out);
	cr_expect_eq(run.out[4], '-');
	cr_expect_eq(run.out[19], '.');
}

Test(ctl_monitor, past_events_come_first_and_none_twice)
{
	_cleanup_run_ struct run run =
		run_ctl("monitor", "--past", "--json", "--run-dir", daemon_.directory, NULL);
	char *rest = run.out, *line;
	json_int_t number = 0;

	while ((line = strsep(&rest, "\n")) && *line) {
		json_auto_t *event = json_loads(line, 0, NULL);

		expect_keys("event", event, "number:i time:r switch:s object:s text:s");
		cr_expect_eq(json_integer_value(json_object_get(event, "number")), number);
		number++;
	}
	cr_expect_eq(number, 4);
}

Test(ctl_monitor_alone, needs_the_daemon)
{
	_cleanup_run_ struct run run = run_ctl("monitor", "--run-dir", "/nonexistent", NULL);

	cr_expect_eq(run.status, CTL_SYSTEM);
	cr_expect(strstr(run.err, "uplinkd is not running"), "%s", run.err);
}

Test(ctl_monitor_alone, ring_keeps_the_latest)
{
	static struct events events;
	char text[32];

	for (int i = 0; i < EVENTS_KEPT + 10; i++) {
		snprintf(text, sizeof(text), "event %d", i);
		json_decref(events_add(&events, "s", "o", text));
	}
	json_auto_t *list = events_list(&events);

	cr_assert_eq(json_array_size(list), EVENTS_KEPT);
	cr_expect_str_eq(json_string_value(json_object_get(json_array_get(list, 0), "text")),
			 "event 10");
	cr_expect_str_eq(
		json_string_value(json_object_get(json_array_get(list, EVENTS_KEPT - 1), "text")),
		"event 1033");
	events_done(&events);
}
