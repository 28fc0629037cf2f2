// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * The sequence of the switch-over of `uplinkctl adopt`. It is a change with a deadline (reload.c)
 * from a configuration without switches to one whose uplinks still belong to bonds and bridges. The
 * change is applied first: maps, programs and host ports exist then, and the uplinks are pending.
 * Network managers leave the interfaces alone that are going to leave a bridge or bond. Next the
 * first uplinks leave their bonds. When they carry traffic, the rest moves at once. The seconds
 * that a NIC needs for its carrier or LACP thus pass while the other members of the bond still
 * work.
 *
 * The rollback begins on request, at the deadline, when the first uplinks do not come up, and at a
 * start that finds a journal of an unfinished or expired switch-over. After a reboot no rollback is
 * needed, because the kernel has no objects of either side.
 */
#include <inttypes.h>

#include "common/log.h"
#include "daemon/state.h"

#define POLL_USEC 10000
#define FIRST_MAX_MS 45000
#define FILES_MAX_MS 20000

/* ---- state ---- */
static int store(struct daemon *daemon)
{
	json_t *journal = switch_over_write(daemon->switch_over);

	if (!journal)
		return errors_add(&daemon->errors, -ENOMEM, "switch-over: its journal");
	json_decref(daemon->saved.switch_over);
	daemon->saved.switch_over = journal;
	return daemon_save_state(daemon);
}

static void drop(struct daemon *daemon)
{
	daemon->switch_over_timer = sd_event_source_disable_unref(daemon->switch_over_timer);
	daemon->undo_retry_ms = 0;
	switch_over_free(TAKE_PTR(daemon->switch_over));
	json_decref(TAKE_PTR(daemon->saved.switch_over));
}

const char *daemon_adopt_state(const struct daemon *daemon)
{
	if (!daemon->switch_over)
		return NULL;
	if (!daemon->saved.pending.n)
		return "returning";
	return daemon->switch_over->phase == SWITCH_OVER_DONE ? "done" : "moving";
}

bool daemon_adopt_is_moving(const struct daemon *daemon)
{
	return daemon->switch_over && daemon->switch_over->phase != SWITCH_OVER_DONE;
}

bool daemon_adopt_delays_files(const struct daemon *daemon, const struct model *model)
{
	return daemon_adopt_is_moving(daemon) || (daemon->switch_over && model->restores);
}

int daemon_adopt_check_complete(struct daemon *daemon)
{
	if (!daemon_adopt_is_moving(daemon))
		return 0;
	errors_add(&daemon->errors, 0,
		   "confirm: the switch-over is not complete; see 'uplinkctl status'");
	return -EAGAIN;
}

void daemon_adopt_confirmed(struct daemon *daemon)
{
	if (daemon->switch_over)
		drop(daemon);
}

void daemon_adopt_cancel(struct daemon *daemon)
{
	if (daemon->switch_over)
		drop(daemon);
}

/* ---- rollback ---- */
static int on_undo_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	(void)daemon_adopt_undo(userdata);
	return 0;
}

static void retry_undo(struct daemon *daemon)
{
	if (!daemon->event) {
		daemon->switch_over_timer =
			sd_event_source_disable_unref(daemon->switch_over_timer);
		return;
	}
	daemon_arm_retry(daemon, &daemon->switch_over_timer, &daemon->undo_retry_ms, on_undo_retry,
			 "switch-over: no timer; see 'uplinkd --teardown'");
}

/* The journal of an earlier process. One of another boot, or with other content, is dropped. */
static int load(struct daemon *daemon)
{
	char boot_id[BOOT_ID_LEN];
	int r;

	if (daemon->switch_over || !daemon->saved.switch_over)
		return 0;
	r = read_boot_id(boot_id, &daemon->errors);
	if (r < 0)
		return r;
	r = switch_over_read(daemon->saved.switch_over, &daemon->switch_over);
	if (r == -ENOMEM)
		return errors_add(&daemon->errors, r, "switch-over: its journal");
	if (r == 0 && strcmp(daemon->switch_over->boot_id, boot_id) == 0)
		return 0;
	if (r < 0)
		errors_add(&daemon->errors, r, "%s: the journal of a switch-over is not used",
			   daemon->state_path);
	drop(daemon);
	/* The next start drops it as well. */
	(void)daemon_save_state(daemon);
	return 0;
}

int daemon_adopt_is_resumable(struct daemon *daemon)
{
	int r;

	if (!daemon->saved.switch_over)
		return 1;
	r = load(daemon);
	if (r < 0)
		return r;
	return daemon->switch_over && daemon->switch_over->phase == SWITCH_OVER_DONE;
}

int daemon_adopt_undo(struct daemon *daemon)
{
	int r = load(daemon);

	if (r == 0 && !daemon->switch_over)
		return 0;
	if (r == 0)
		r = switch_over_undo(daemon->switch_over, daemon->links, &daemon->errors);
	if (r < 0) {
		errors_add(&daemon->errors, 0,
			   "switch-over: the former set-up is not complete yet; trying again");
		retry_undo(daemon);
		return r;
	}
	drop(daemon);
	if (daemon->switches.model)
		daemon_publish_configuration(daemon, daemon->switches.model);
	daemon_report_configuration(
		daemon, "the switch-over was rolled back: the former set-up is restored");
	return daemon_save_state(daemon);
}

/* ---- the way there ---- */
/* Failures of the system are in the list, too. */
static void fail(struct daemon *daemon, const char *reason)
{
	daemon_log_errors(daemon, LOG_LEVEL_ERROR);
	(void)daemon_rollback(daemon, reason);
}

static int finish(struct daemon *daemon)
{
	struct switch_over *over = daemon->switch_over;
	int r;

	over->phase = SWITCH_OVER_CUT;
	r = switch_over_move(over, daemon->links, false, &daemon->errors);
	if (r < 0)
		return r;
	over->phase = SWITCH_OVER_DONE;
	/* The whole time is left for the confirmation. If this cannot be stored, the next start
	 * takes everything back. */
	daemon->saved.deadline_ms = boottime_ms() + daemon->switch_over_confirm_s * 1000ULL;
	(void)store(daemon);
	(void)daemon_arm_deadline(daemon, daemon->saved.deadline_ms);
	daemon_attach_soon(daemon);
	daemon_publish_configuration(daemon, daemon->switches.model);
	daemon_report_configuration(
		daemon,
		"the host has moved to %s; the former set-up is restored in %" PRIu64
		" s unless it is confirmed",
		daemon_source_name(&daemon->saved.pending), daemon_deadline_in_ms(daemon) / 1000);
	return 0;
}

static bool is_usable(const struct daemon *daemon, const char *uplink)
{
	for (size_t i = 0; i < daemon->switches.n; i++)
		if (vswitch_uplink_is_usable(daemon->switches.list[i], uplink) > 0)
			return true;
	return false;
}

/* NULL: all of them are. */
static const char *find_unusable(const struct daemon *daemon)
{
	const struct switch_over *over = daemon->switch_over;

	for (size_t i = 0; i < over->n_links; i++)
		if (over->links[i].first && !is_usable(daemon, over->links[i].name))
			return over->links[i].name;
	return NULL;
}

static int on_first(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct daemon *daemon = userdata;
	const char *uplink = find_unusable(daemon);

	(void)usec;
	if (uplink && now_ms() < daemon->switch_over_until_ms) {
		sd_event_source_set_time_relative(source, POLL_USEC);
		return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	}
	daemon->switch_over_timer = sd_event_source_disable_unref(daemon->switch_over_timer);
	if (uplink) {
		errors_add(
			&daemon->errors, 0,
			"switch-over: %s: did not become usable, so the switch-over is rolled back; check its carrier, and the channel of the physical switch",
			uplink);
		fail(daemon, "was given up");
	} else if (finish(daemon) < 0) {
		fail(daemon, "failed");
	}
	return 0;
}

/* They may take half of the time. */
static int wait_for_first(struct daemon *daemon)
{
	uint64_t limit_ms = daemon_deadline_in_ms(daemon) / 2;

	daemon->switch_over_until_ms =
		now_ms() + (limit_ms < FIRST_MAX_MS ? limit_ms : FIRST_MAX_MS);
	return sd_event_add_time_relative(daemon->event, &daemon->switch_over_timer,
					  CLOCK_MONOTONIC, POLL_USEC, 0, on_first, daemon);
}

static int move(struct daemon *daemon)
{
	int r;

	if (daemon->switch_over->phase != SWITCH_OVER_FIRST)
		return finish(daemon);
	r = switch_over_move(daemon->switch_over, daemon->links, true, &daemon->errors);
	return r < 0 ? r : wait_for_first(daemon);
}

/* ---- network managers ---- */
/*
 * systemd-networkd takes an interface that leaves its bridge for a new one, and puts it back. So it
 * must not manage it any longer at that moment. Interfaces with addresses follow when these have
 * moved, because they would lose them. NULL: there is none, or no memory.
 */
static json_t *make_members(const struct switch_over *over)
{
	json_t *ports = json_array();
	const char *uplink = NULL;

	for (size_t i = 0; i < over->n_links; i++) {
		const struct switch_over_link *link = &over->links[i];

		if (!link->master[0] || link->stays)
			continue;
		if (uplink)
			json_array_append_new(ports, json_pack("{s:s}", "interface", link->name));
		else
			uplink = link->name;
	}
	if (!uplink) {
		json_decref(ports);
		return NULL;
	}
	return json_pack("{s:[{s:s, s:[s], s:[{s:s, s:{s:b}, s:o}]}]}", "switches", "name",
			 "switch-over", "uplinks", uplink, "port-groups", "name", "members",
			 "security", "mac-learning", 1, "ports", ports);
}

static int on_files(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct daemon *daemon = userdata;
	bool done = daemon_drop_ins_are_done(daemon);

	(void)usec;
	if (!done && now_ms() < daemon->switch_over_until_ms) {
		sd_event_source_set_time_relative(source, POLL_USEC);
		return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	}
	if (!done)
		log_warning(
			0,
			"switch-over: the files for network managers are not complete; continuing");
	daemon->switch_over_timer = sd_event_source_disable_unref(daemon->switch_over_timer);
	if (move(daemon) < 0)
		fail(daemon, "failed");
	return 0;
}

/* They may take a quarter of the time. */
static int wait_for_files(struct daemon *daemon)
{
	uint64_t limit_ms = daemon_deadline_in_ms(daemon) / 4;

	daemon->switch_over_until_ms =
		now_ms() + (limit_ms < FILES_MAX_MS ? limit_ms : FILES_MAX_MS);
	return sd_event_add_time_relative(daemon->event, &daemon->switch_over_timer,
					  CLOCK_MONOTONIC, POLL_USEC, 0, on_files, daemon);
}

int daemon_adopt_begin(struct daemon *daemon)
{
	json_auto_t *members = daemon->switch_over ? make_members(daemon->switch_over) : NULL;
	int r;

	if (!daemon->switch_over)
		return 0;
	r = members && daemon_publish_members(daemon, members) ? wait_for_files(daemon) :
								 move(daemon);
	if (r < 0)
		(void)daemon_rollback(daemon, "failed");
	return r;
}

static int check_request(struct daemon *daemon, const struct reload_request *request)
{
	const struct model *present = daemon->switches.model;

	if (!request->confirm_s) {
		errors_add(&daemon->errors, 0,
			   "switch-over: confirm_s: missing: a switch-over needs a deadline");
		return -EINVAL;
	}
	if (daemon->switch_over) {
		errors_add(&daemon->errors, 0,
			   "switch-over: the previous one is still being rolled back");
		return -EINPROGRESS;
	}
	if (!present->n_switches)
		return 0;
	errors_add(
		&daemon->errors, 0,
		"switch-over: the configuration in force has switches already: must be 'switches: []'");
	return -EINVAL;
}

int daemon_adopt_prepare(struct daemon *daemon, const struct reload_request *request,
			 struct model *model)
{
	struct switch_over *over = NULL;
	int r = check_request(daemon, request);

	if (r == 0)
		r = switch_over_new(request->switch_over, model, &over, &daemon->errors);
	if (r < 0)
		return r;
	r = read_boot_id(over->boot_id, &daemon->errors);
	if (r == 0)
		r = switch_over_record(over, daemon->links, &daemon->errors);
	if (r < 0) {
		switch_over_free(over);
		return r;
	}
	daemon->switch_over = over;
	daemon->switch_over_confirm_s = request->confirm_s;
	daemon->saved.switch_over = switch_over_write(over);
	if (!daemon->saved.switch_over) {
		daemon_adopt_cancel(daemon);
		return errors_add(&daemon->errors, -ENOMEM, "switch-over: its journal");
	}
	model->switch_over = true;
	return 0;
}
