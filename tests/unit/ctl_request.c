// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The subcommands that call the daemon, against the real server with methods that record their
 * parameters. */
#include <criterion/criterion.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdatomic.h>

#include "control/server.h"
#include "ctl_run.h"
#include "view_fake.h"

static struct {
	char directory[32], path[64];
	sd_event *event;
	struct control_server *server;
	pthread_t thread;
	atomic_bool stop;
	pthread_mutex_t lock;
	char asked[512];	 /* "METHOD {parameters}" of the last call */
	const char *refuse_with; /* the error to answer */
	void (*effect)(void);	 /* what the call does */
} daemon_;

static int note(const char *method, json_t *parameters, json_t **ret_parameters,
		const char **ret_error)
{
	_cleanup_free_ char *text = json_dumps(parameters, JSON_COMPACT | JSON_SORT_KEYS);
	char *messages[] = { "uplinkd.yaml: a: 1: wrong", "uplinkd.yaml: b: 2: wrong" };

	pthread_mutex_lock(&daemon_.lock);
	snprintf(daemon_.asked, sizeof(daemon_.asked), "%s %s", method, text);
	pthread_mutex_unlock(&daemon_.lock);
	if (daemon_.effect)
		daemon_.effect();
	if (!daemon_.refuse_with)
		return 0;
	*ret_error = daemon_.refuse_with;
	*ret_parameters = strcmp(daemon_.refuse_with, CONTROL_E_CONFIGURATION) == 0 ?
				  control_error_list(messages, 2) :
				  control_error("because");
	return -EINVAL;
}

#define METHOD(name)                                                                        \
	static int call_##name(void *userdata, json_t *parameters, json_t **ret_parameters, \
			       const char **ret_error)                                      \
	{                                                                                   \
		return note(#name, parameters, ret_parameters, ret_error);                  \
	}
METHOD(Reload)
METHOD(AddPort)
METHOD(RemovePort)
METHOD(Drain)
METHOD(Undrain)
METHOD(Rollback)

static const char *configuration_refusals[2]; /* errors of the next calls; NULL: none */
static unsigned int configuration_calls;

static int call_Configuration(void *userdata, json_t *parameters, json_t **ret_parameters,
			      const char **ret_error)
{
	const char *refusal = configuration_refusals[configuration_calls++ % 2];

	if (refusal) {
		*ret_parameters = control_error("because");
		*ret_error = refusal;
		return -EINVAL;
	}
	*ret_parameters = configuration_calls % 2 ? json_pack("{s:s}", "switch_over", "done") :
						    json_object();
	return 0;
}

static int call_Status(void *userdata, json_t *parameters, json_t **ret_parameters,
		       const char **ret_error)
{
	*ret_parameters = json_pack("{s:i, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:s, s:b}",
				    "pid", 4711, "version", "9.9", "uptime_ms", 185000,
				    "worst_loop_delay_us", 12345, "worst_loop_delay_age_ms", 65000,
				    "minute_loop_delay_us", 600, "worst_timely_turn_us", 3400,
				    "worst_timely_late_us", 5, "log_lines_dropped", 7, "carriers",
				    "netlink", "sandboxed", 1);
	return 0;
}

static const struct control_method methods[] = {
	{ "Reload", call_Reload, CONTROL_CHANGES, NULL },
	{ "AddPort", call_AddPort, CONTROL_CHANGES, NULL },
	{ "RemovePort", call_RemovePort, CONTROL_CHANGES, NULL },
	{ "Drain", call_Drain, CONTROL_CHANGES, NULL },
	{ "Undrain", call_Undrain, CONTROL_CHANGES, NULL },
	{ "Rollback", call_Rollback, CONTROL_CHANGES, NULL },
	{ "Configuration", call_Configuration, CONTROL_CHANGES, NULL },
	{ "Status", call_Status, CONTROL_CHANGES, NULL },
	{},
};

static void *turn(void *unused)
{
	while (!daemon_.stop)
		sd_event_run(daemon_.event, 5000);
	return NULL;
}

static void start(void)
{
	struct control_server_options options = { .path = daemon_.path,
						  .version = "9.9",
						  .methods = methods };

	pthread_mutex_init(&daemon_.lock, NULL);
	strcpy(daemon_.directory, "/tmp/ul-ctl-XXXXXX");
	cr_assert(mkdtemp(daemon_.directory));
	snprintf(daemon_.path, sizeof(daemon_.path), "%s/uplinkd.sock", daemon_.directory);
	cr_assert_eq(sd_event_new(&daemon_.event), 0);
	cr_assert_eq(control_server_new(daemon_.event, &options, &daemon_.server), 0);
	cr_assert_eq(pthread_create(&daemon_.thread, NULL, turn, NULL), 0);
	setenv("LC_ALL", "C", 1);
}

static void finish(void)
{
	daemon_.stop = true;
	pthread_join(daemon_.thread, NULL);
	control_server_free(daemon_.server);
	sd_event_unref(daemon_.event);
	cr_expect_eq(rmdir(daemon_.directory), 0);
}

TestSuite(ctl_request, .init = start, .fini = finish, .timeout = 300);

static const struct {
	const char *words[8];
	const char *asked, *out;
	/* clang-format off */
} requests[] = {
	{ { "port", "add", "vswitch0", "prod", "vnet7", "--mac", "52:54:00:00:00:07" },
	  "AddPort {\"group\":\"prod\",\"interface\":\"vnet7\",\"mac\":\"52:54:00:00:00:07\",\"switch\":\"vswitch0\"}", "vnet7 attached to vswitch0/prod\n" },
	{ { "port", "add", "vswitch0", "prod", "vnet8" },
	  "AddPort {\"group\":\"prod\",\"interface\":\"vnet8\",\"switch\":\"vswitch0\"}", "vnet8 attached to vswitch0/prod\n" },
	{ { "port", "del", "vnet7" }, "RemovePort {\"interface\":\"vnet7\"}", "vnet7 detached\n" },
	{ { "uplink", "undrain", "eth0" }, "Undrain {\"uplink\":\"eth0\"}", "eth0: undrained\n" },
	{ { "reload" }, "Reload {}", "configuration applied\n" },
};
/* clang-format on */

Test(ctl_request, calls_and_output)
{
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		const char *const *w = requests[i].words;
		_cleanup_run_ struct run run = run_ctl("--run-dir", daemon_.directory, w[0], w[1],
						       w[2], w[3], w[4], w[5], w[6], NULL);

		cr_expect_eq(run.status, CTL_DONE, "%s", run.err);
		cr_expect_str_eq(daemon_.asked, requests[i].asked);
		cr_expect_str_eq(run.out, requests[i].out);
	}
}

Test(ctl_request, json)
{
	_cleanup_run_ struct run add = run_ctl("--json", "--run-dir", daemon_.directory, "port",
					       "add", "vswitch0", "prod", "vnet7", NULL);
	_cleanup_run_ struct run undrain =
		run_ctl("--json", "--socket", daemon_.path, "uplink", "undrain", "eth0", NULL);
	json_auto_t *port = run_json(&add), *uplink = run_json(&undrain);

	expect_keys("port add", port, "switch:s group:s interface:s mac:n");
	expect_keys("uplink undrain", uplink, "uplink:s drained:b");
}

Test(ctl_request, refusals_and_exit_statuses)
{
	static const struct {
		const char *error;
		int status;
		const char *err;
		/* clang-format off */
	} rows[] = {
		{ CONTROL_E_INVALID_REQUEST, CTL_WRONG_REQUEST, "uplinkctl: because\n" },
		{ CONTROL_E_INVALID_PARAMETER, CTL_WRONG_REQUEST, "uplinkctl: because\n" },
		{ CONTROL_E_FAILED, CTL_SYSTEM, "uplinkctl: because\n" },
		{ CONTROL_E_CONFIGURATION, CTL_WRONG_REQUEST, "uplinkctl: uplinkd.yaml: a: 1: wrong\nuplinkctl: uplinkd.yaml: b: 2: wrong\n" },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		daemon_.refuse_with = rows[i].error;
		_cleanup_run_ struct run run =
			run_ctl("--run-dir", daemon_.directory, "reload", NULL);

		cr_expect_eq(run.status, rows[i].status, "%s: %d", rows[i].error, run.status);
		cr_expect_str_eq(run.err, rows[i].err);
		cr_expect_str_eq(run.out, "");
	}
}

/* Only a daemon that does not run is replaced by a teardown, and only a reply shows that the
 * rollback is complete. */
Test(ctl_request, an_undo_is_not_complete_without_a_reply)
{
	static const struct {
		const char *refusals[2], *asked, *out, *err;
		int status;
		/* clang-format off */
	} rows[] = {
		{ { NULL, NULL }, "Rollback {}", "the former set-up is restored\n", "", CTL_DONE },
		{ { NULL, CONTROL_E_FAILED }, "Rollback {}", "", "uplinkctl: adopt: --undo: it is not known whether the former set-up is complete: Remote I/O error\n", CTL_SYSTEM },
		{ { CONTROL_E_FAILED, NULL }, "", "", "uplinkctl: adopt: --undo: the state of uplinkd cannot be read: Remote I/O error\n", CTL_SYSTEM },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		memcpy(configuration_refusals, rows[i].refusals, sizeof(configuration_refusals));
		configuration_calls = 0;
		daemon_.asked[0] = '\0';
		_cleanup_run_ struct run run = run_ctl("--run-dir", daemon_.directory, "--bpffs",
						       "/tmp/ul-no-such-dir", "adopt", "--undo",
						       NULL);

		cr_expect_eq(run.status, rows[i].status, "row %zu", i);
		cr_expect_str_eq(run.out, rows[i].out, "row %zu", i);
		cr_expect_str_eq(run.err, rows[i].err, "row %zu", i);
		cr_expect_str_eq(daemon_.asked, rows[i].asked, "row %zu", i);
	}
}

/* Without readable maps only the daemon's reply is known. */
Test(ctl_request, drain_without_maps)
{
	_cleanup_run_ struct run run = run_ctl("--run-dir", daemon_.directory, "--bpffs",
					       "/tmp/ul-no-such-dir", "uplink", "drain", "eth0",
					       NULL);

	cr_expect_eq(run.status, CTL_DONE);
	cr_expect_str_eq(daemon_.asked, "Drain {\"uplink\":\"eth0\"}");
	cr_expect(strstr(run.out, "eth0: drained"), "%s", run.out);
	cr_expect_str_eq(run.err, "");
}

/* ---- with maps ---- */
static struct fake_fs fs;
static struct fake fake;

static void start_with_maps(void)
{
	fake_mount(&fs);
	fake_init(&fake, 2);
	start();
}

static void finish_with_maps(void)
{
	if (daemon_.event)
		finish();
	fake_unmount(&fs);
}

TestSuite(ctl_drain, .init = start_with_maps, .fini = finish_with_maps, .timeout = 300);

static void mark_drained(void)
{
	fake.uplinks[0].flags = (fake.uplinks[0].flags | UL_UP_DRAINED) & ~(uint32_t)UL_UP_SEND;
	fake_pin_map(fs.path, "ul_uplinks", BPF_MAP_TYPE_ARRAY, sizeof(struct ul_uplink),
		     UL_MAX_UPLINKS, BPF_F_MMAPABLE, fake.uplinks);
}

static json_t *drain(uint32_t channel)
{
	fake.meta.channel = channel;
	fake_pin(&fs, &fake, "vswitch0");
	_cleanup_run_ struct run run = run_ctl("--json", "--run-dir", daemon_.directory, "--bpffs",
					       fs.directory, "uplink", "drain", "eth0", NULL);

	cr_assert_eq(run.status, CTL_DONE, "%s", run.err);
	return run_json(&run);
}

static const char *message_of(json_t *record)
{
	return json_string_value(json_object_get(record, "message"));
}

Test(ctl_drain, safe)
{
	daemon_.effect = mark_drained;
	json_auto_t *record = drain(UL_CHANNEL_NONE);

	expect_keys("uplink drain", record,
		    "switch:s uplink:s drained:b sending:b receiving:b safe:b message:s");
	cr_expect(json_is_true(json_object_get(record, "safe")));
	cr_expect_str_eq(message_of(record), "drained; it is safe to unplug the cable");
}

Test(ctl_drain, static_channel_does_not_inform_the_switch)
{
	daemon_.effect = mark_drained;
	json_auto_t *record = drain(UL_CHANNEL_STATIC);

	cr_expect(json_is_true(json_object_get(record, "drained")));
	cr_expect(json_is_false(json_object_get(record, "safe")));
	cr_expect(strstr(message_of(record), "shut down the switch port"), "%s",
		  message_of(record));
	cr_expect(strstr(message_of(record), "lacp"), "%s", message_of(record));
}

Test(ctl_drain, not_done_within_the_limit)
{
	json_auto_t *record = drain(UL_CHANNEL_NONE);

	cr_expect(json_is_false(json_object_get(record, "drained")));
	cr_expect(json_is_false(json_object_get(record, "safe")));
	cr_expect(strstr(message_of(record), "not drained yet"), "%s", message_of(record));
}

Test(ctl_drain, status_shows_the_daemon)
{
	fake_pin(&fs, &fake, "vswitch0");
	_cleanup_run_ struct run text =
		run_ctl("status", "--run-dir", daemon_.directory, "--bpffs", fs.directory, NULL);
	_cleanup_run_ struct run json = run_ctl("status", "--json", "--run-dir", daemon_.directory,
						"--bpffs", fs.directory, NULL);
	json_auto_t *record = run_json(&json);

	cr_expect(
		strstr(text.out,
		       "\nuplinkd 9.9, up 3 min 5 s, PID 4711; event loop: longest round 0.6 ms in "
		       "the last minute, 12.3 ms 1 min 5 s ago\n"),
		"%s", text.out);
	expect_keys("status", json_object_get(record, "daemon"),
		    "running:b pid:i version:s uptime_ms:i worst_loop_delay_us:i "
		    "worst_loop_delay_age_ms:i minute_loop_delay_us:i worst_timely_turn_us:i "
		    "worst_timely_late_us:i log_lines_dropped:i carriers:s sandboxed:b");
	cr_expect(strstr(text.out, "LACP and failover: longest round 3.4 ms\n"), "%s", text.out);
	cr_expect(strstr(text.out, "carriers are read by netlink: "), "%s", text.out);
	cr_expect(strstr(text.out, "7 lines of the log were dropped"), "%s", text.out);
	cr_expect_null(strstr(text.out, "not restricted"));
}
