// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Records of the switches: from the pinned maps, or from the daemon for users that cannot read
 * them. */
#include "ctl/ctl.h"
#include "records/reads.h"

const char *ctl_text(json_t *record, const char *key)
{
	return json_string_value(json_object_get(record, key));
}

const char *ctl_word(json_t *record, const char *key)
{
	const char *text = ctl_text(record, key);

	return text ? text : "?";
}

json_int_t ctl_number(json_t *record, const char *key)
{
	return json_integer_value(json_object_get(record, key));
}

/* The second snapshots of the same switches, in *ret. */
static int wait_for_second(struct ctl *ctl, const struct record_read *row,
			   const struct switches *first, const char *switch_name,
			   struct switches *ret)
{
	uint32_t interval_ms = record_read_interval_ms(row, first);

	if (!interval_ms)
		return CTL_DONE;
	usleep(interval_ms * 1000);
	return ctl_open_switches(ctl, switch_name, ret);
}

static int fail(struct ctl *ctl, int r, const struct errors *errors)
{
	for (size_t i = 0; i < errors->n; i++)
		ctl_fail(ctl, 0, "%s", errors->messages[i]);
	if (!errors->n)
		ctl_fail(ctl, 0, "%s", strerror(-r));
	return r == -EINVAL ? CTL_WRONG_REQUEST : CTL_SYSTEM;
}

static int read_maps(struct ctl *ctl, const struct record_read *row, const struct switches *first,
		     json_t *parameters, json_t **ret)
{
	_cleanup_(switches_close) struct switches second = {};
	_cleanup_(sample_freep) struct sample *sample = NULL;
	_cleanup_(errors_done) struct errors errors = {};
	struct read_request request = { .now = first, .parameters = parameters };
	int r = row->check ? row->check(&request, &errors) : 0, status;

	if (r < 0)
		return fail(ctl, r, &errors);
	if (row->interval == READ_SAMPLED) {
		r = sample_start(first->snapshots[0], &sample);
		if (r < 0)
			return fail(ctl, r, &errors);
		sample_wait(sample);
		request.sample = sample;
	}
	status = wait_for_second(ctl, row, first, ctl_text(parameters, "switch"), &second);
	if (status)
		return status;
	if (second.n) {
		request.now = &second;
		request.before = first;
	}
	r = record_read_answer(row, &request, ret, &errors);
	return r < 0 ? fail(ctl, r, &errors) : CTL_DONE;
}

static int read_daemon(struct ctl *ctl, const struct record_read *row, json_t *parameters,
		       json_t **ret)
{
	json_auto_t *reply = NULL;
	int status = ctl_request(ctl, row->method, json_incref(parameters), &reply);

	if (status)
		return status;
	*ret = json_incref(json_object_get(reply, row->member));
	return *ret ? CTL_DONE :
		      ctl_fail(ctl, CTL_SYSTEM, "%s: the reply has no member %s", row->method,
			       row->member);
}

int ctl_read(struct ctl *ctl, const char *method, const char *switch_name, json_t *parameters,
	     json_t **ret)
{
	json_auto_t *owned = parameters ? parameters : json_object();
	_cleanup_(switches_close) struct switches switches = {};
	const struct record_read *row = record_read_find(method);
	_cleanup_(errors_done) struct errors errors = {};
	int r;

	if (!row || !owned ||
	    (switch_name && json_object_set_new(owned, "switch", json_string(switch_name)) < 0))
		return ctl_fail(ctl, CTL_SYSTEM, "%s", strerror(ENOMEM));
	r = switches_open(ctl->bpffs, switch_name, &switches, &errors);
	if (r == -EACCES || r == -EPERM)
		return read_daemon(ctl, row, owned, ret);
	if (r < 0) {
		fail(ctl, r, &errors);
		return r == -ENODEV ? CTL_WRONG_REQUEST : CTL_SYSTEM;
	}
	return read_maps(ctl, row, &switches, owned, ret);
}
