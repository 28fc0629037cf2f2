// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* monitor: against the real server, which has stored two events, sends two more, and stops. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>

#include "control/server.h"
#include "ctl_run.h"
#include "control/event_ring.h"

static struct {
	char directory[32], path[64];
	sd_event *event;
	struct control_server *server;
	pthread_t thread;
	atomic_bool stop;
	struct event_ring events;
} daemon_;

static int call_events(void *userdata, json_t *parameters, json_t **ret_parameters,
		       const char **ret_error)
{
	*ret_parameters = json_pack("{s:o}", "events", event_ring_list(&daemon_.events));
	return 0;
}

static const struct control_method methods[] = { { "Events", call_events, CONTROL_READS, NULL },
						 {} };

/* has_code false: an event of a daemon before the codes */
static void publish(const char *object, enum event_code code, bool has_code, const char *text)
{
	json_auto_t *event = event_ring_add(&daemon_.events, "vswitch0", code, object, text);

	if (!has_code)
		json_object_del(event, "code");
	control_server_publish(daemon_.server, event);
}

static void *serve(void *unused)
{
	uint64_t deadline_ms = now_ms() + 10000;
	bool published = false;

	while (!daemon_.stop && now_ms() < deadline_ms) {
		sd_event_run(daemon_.event, 5000);
		/* once a client is subscribed and, with --past, has its reply */
		if (!published && control_server_stats(daemon_.server)->n_monitors &&
		    control_server_stats(daemon_.server)->n_clients == 1) {
			published = true;
			publish("eth1", EVENT_UPLINK_LINK, true, "link down");
			publish("vswitch0", EVENT_CHANNEL_FINDING, false,
				"LACP finding: \xc3\xa4 \"quoted\"");
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
	publish("eth0", EVENT_UPLINK_LINK, false, "link up");
	publish("eth0", EVENT_UPLINK_STATE, true, "in use");
	cr_assert_eq(pthread_create(&daemon_.thread, NULL, serve, NULL), 0);
}

static void teardown(void)
{
	daemon_.stop = true;
	pthread_join(daemon_.thread, NULL);
	sd_event_unref(daemon_.event);
	event_ring_done(&daemon_.events);
	rmdir(daemon_.directory);
}

TestSuite(ctl_monitor, .init = setup, .fini = teardown, .timeout = 300);
TestSuite(ctl_monitor_alone, .timeout = 300);

static size_t lines_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

Test(ctl_monitor, a_line_per_event_with_its_code)
{
	_cleanup_run_ struct run run = run_ctl("monitor", "--run-dir", daemon_.directory, NULL);

	cr_expect_eq(run.status, CTL_SYSTEM);
	cr_expect_str_eq(run.err, "uplinkctl: monitor: connection closed: uplinkd has stopped\n");
	cr_expect_eq(lines_of(run.out), 2, "%s", run.out);
	cr_expect(strstr(run.out, " vswitch0 eth1 uplink-link: link down\n"), "%s", run.out);
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

		expect_keys("event", event,
			    number == 1 || number == 2 ?
				    "number:i time:r switch:s code:s object:s text:s" :
				    "number:i time:r switch:s object:s text:s");
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
