// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Ports of attachment bridges. An event of an interface arms a deferred source, so that all events
 * of a turn cause one change of the configuration. Failures are retried with back-off.
 */
#include "daemon/state.h"

#include "port/attachment.h"

/* ---- refused interfaces ---- */
static bool is_known(const struct attachments *list, const struct attachment_refusal *refused)
{
	for (size_t i = 0; i < list->n_refused; i++)
		if (strcmp(list->refused[i].interface, refused->interface) == 0 &&
		    strcmp(list->refused[i].bridge, refused->bridge) == 0 &&
		    strcmp(list->refused[i].reason, refused->reason) == 0)
			return true;
	return false;
}

/* One event for each new reason. */
static void take_refused(struct daemon *daemon, struct attachments *now)
{
	for (size_t i = 0; i < now->n_refused; i++) {
		const struct attachment_refusal *refused = &now->refused[i];
		char text[ATTACHMENT_REASON_LEN + 64];

		if (is_known(&daemon->attachments, refused))
			continue;
		snprintf(text, sizeof(text), "in attachment bridge %s, but not a port: %s",
			 refused->bridge, refused->reason);
		daemon->switches.context.report(daemon, refused->switch_name,
						EVENT_ATTACHMENT_REFUSED, refused->interface, text);
	}
	attachments_done(&daemon->attachments);
	daemon->attachments = *now;
	*now = (struct attachments){ 0 };
}

int daemon_attach(struct daemon *daemon, struct model *model)
{
	struct attachments found = {};
	int r;

	/* The bridges still forward, and keep their machines until the uplinks have moved. */
	if (daemon_adopt_is_moving(daemon)) {
		model_remove_attached(model);
		return 0;
	}
	r = attachments_update(daemon->links, daemon->switches.model, model, &found,
			       &daemon->errors);
	if (r == 0)
		take_refused(daemon, &found);
	attachments_done(&found);
	return r;
}

/* ---- bridges ---- */
struct missing {
	struct link_monitor *links;
	bool found;
};

static void check_missing(void *userdata, const struct switch_cfg *sw, const char *bridge,
			  bool vlan_aware)
{
	struct missing *missing = userdata;
	struct link_info info;

	(void)sw;
	(void)vlan_aware;
	if (link_get_by_name(missing->links, bridge, &info) < 0)
		missing->found = true;
}

/* An apply creates it. */
static bool is_bridge_missing(const struct daemon *daemon)
{
	struct missing missing = { .links = daemon->links };

	attachments_for_each_bridge(daemon->switches.model, check_missing, &missing);
	return missing.found;
}

/* ---- changes ---- */
static int on_timer(sd_event_source *source, uint64_t usec, void *userdata);

static void arm_retry(struct daemon *daemon)
{
	daemon_arm_retry(daemon, &daemon->attach_timer, &daemon->attach_retry_ms, on_timer,
			 "attachment bridges: no timer; the next reload (SIGHUP) tries again");
}

/* Takes the bridges as they are, or with create also makes those that are missing. */
static int update(struct daemon *daemon, bool create)
{
	struct model *model = NULL;
	bool equal;
	int r = model_copy(daemon->switches.model, &model);

	if (r < 0)
		return r;
	r = daemon_attach(daemon, model);
	equal = r == 0 && attachments_equal(daemon->switches.model, model);
	if (r == 0 && (!equal || create)) {
		r = switches_apply(&daemon->switches, model);
		if (r == 0)
			return 0;
	}
	model_free(model);
	return r;
}

static void update_all(struct daemon *daemon)
{
	/* While the timer runs, it makes the attempts at missing bridges. */
	bool create = !daemon->attach_timer && is_bridge_missing(daemon);
	int r = update(daemon, create);

	daemon->attach_error = r < 0 ? r : 0;
	if (r < 0 || daemon->attachments.passing || (create && is_bridge_missing(daemon)))
		arm_retry(daemon);
	else if (!daemon->attach_timer)
		daemon->attach_retry_ms = 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct daemon *daemon = userdata;

	(void)source;
	(void)usec;
	daemon->attach_timer = sd_event_source_disable_unref(daemon->attach_timer);
	update_all(daemon);
	return 0;
}

static int on_defer(sd_event_source *source, void *userdata)
{
	(void)source;
	update_all(userdata);
	return 0;
}

void daemon_attach_soon(struct daemon *daemon)
{
	if (daemon->attach_source && daemon->switches.model &&
	    attachments_any(daemon->switches.model))
		sd_event_source_set_enabled(daemon->attach_source, SD_EVENT_ONESHOT);
}

void daemon_links_changed(struct daemon *daemon, unsigned int changes)
{
	if (changes & ~(unsigned int)LINK_STATE)
		daemon_attach_soon(daemon);
}

int daemon_start_attaching(struct daemon *daemon)
{
	int r = sd_event_add_defer(daemon->event, &daemon->attach_source, on_defer, daemon);

	/* Once after the start: the first apply has made the bridges. */
	return r < 0 ? r : 0;
}

void daemon_stop_attaching(struct daemon *daemon)
{
	sd_event_source_disable_unref(daemon->attach_source);
	sd_event_source_disable_unref(daemon->attach_timer);
	attachments_done(&daemon->attachments);
}

/* ---- report ---- */
struct problem_list {
	const struct daemon *daemon;
	json_t *list;
};

static void add_problem(json_t *list, const char *code, const char *message, const char *remedy)
{
	json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "severity", "warning", "code",
					      code, "message", message, "remedy", remedy));
}

static void add_bridge_problem(void *userdata, const struct switch_cfg *sw, const char *bridge,
			       bool vlan_aware)
{
	_cleanup_(errors_done) struct errors reasons = {};
	struct problem_list *problems = userdata;
	struct link_info info;

	if (link_get_by_name(problems->daemon->links, bridge, &info) < 0)
		errors_add(&reasons, 0, "%s: %s: the attachment bridge does not exist", sw->name,
			   bridge);
	else
		(void)attachment_check_bridge(problems->daemon->links, sw->name, bridge, vlan_aware,
					      &reasons);
	for (size_t i = 0; i < reasons.n; i++)
		add_problem(problems->list, "attachment_bridge", reasons.messages[i],
			    "see 'ip -d link show' and the log of uplinkd");
}

void daemon_attachment_problems(const struct daemon *daemon, json_t *list)
{
	struct problem_list problems = { daemon, list };

	if (daemon->attach_error) {
		char message[160];

		snprintf(message, sizeof(message),
			 "what joined or left the attachment bridges could not be applied: %s",
			 strerror(-daemon->attach_error));
		add_problem(list, "attachment_bridge", message,
			    "see the log of uplinkd, which tries again");
	}
	attachments_for_each_bridge(daemon->switches.model, add_bridge_problem, &problems);
	for (size_t i = 0; i < daemon->attachments.n_refused; i++) {
		const struct attachment_refusal *refused = &daemon->attachments.refused[i];
		char message[ATTACHMENT_REASON_LEN + 96], remedy[96];

		snprintf(message, sizeof(message),
			 "%s: %s is in the attachment bridge %s, but not a port: %s",
			 refused->switch_name, refused->interface, refused->bridge,
			 refused->reason);
		snprintf(remedy, sizeof(remedy),
			 "'ip link set %s nomaster', or correct its settings", refused->interface);
		add_problem(list, "attachment_refused", message, remedy);
	}
}
