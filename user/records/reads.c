// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "records/reads.h"

#include "config/model.h"
#include "records/channel_records.h"
#include "records/fdb.h"
#include "records/findings.h"
#include "records/lacp_records.h"
#include "records/pagp_records.h"
#include "records/rates.h"
#include "records/records.h"
#include "records/switch_findings.h"
#include "records/switch_records.h"
#include "records/what_if.h"
#include "records/which.h"

/* A refused request: the message stands alone, the result is -EINVAL. */
#define invalid(errors, ...) (errors_add((errors), 0, __VA_ARGS__), -EINVAL)

/* The snapshot of the same switch before the interval; NULL: none. */
static const struct snapshot *earlier(const struct read_request *request, size_t i)
{
	const struct snapshot *now = request->now->snapshots[i];

	for (size_t k = 0; request->before && k < request->before->n; k++)
		if (snapshot_follows(now, request->before->snapshots[k]))
			return request->before->snapshots[k];
	return NULL;
}

/* ---- records of one snapshot each ---- */
/* Takes the reference to more (NULL: no memory). */
static int take_all(json_t *list, json_t *more)
{
	json_auto_t *taken = more;

	return !taken || json_array_extend(list, taken) < 0 ? -ENOMEM : 0;
}

/* Appends the lists of all switches; record returns a new array. */
static int extend(const struct read_request *request, json_t *list,
		  json_t *(*record)(const struct snapshot *snapshot))
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < request->now->n; i++)
		r = take_all(list, record(request->now->snapshots[i]));
	return r;
}

/* The same with one object for each switch. */
static int append(const struct read_request *request, json_t *list,
		  json_t *(*record)(const struct snapshot *snapshot))
{
	for (size_t i = 0; i < request->now->n; i++)
		if (json_array_append_new(list, record(request->now->snapshots[i])) < 0)
			return -ENOMEM;
	return 0;
}

#define EACH(name, how, record)                                                                  \
	static int name(const struct read_request *request, json_t *list, struct errors *errors) \
	{                                                                                        \
		return how(request, list, record);                                               \
	}
EACH(read_uplinks, extend, record_uplinks)
EACH(read_groups, extend, record_groups)
EACH(read_addresses, extend, record_fdb)
EACH(read_drops, extend, record_drops)
EACH(read_channels, append, record_channel)
EACH(read_lacp, append, record_lacp_switch)
EACH(read_pagp, append, record_pagp_switch)
EACH(read_traffic, append, record_traffic)
#undef EACH

static int read_ports(const struct read_request *request, json_t *list, struct errors *errors)
{
	const char *name = NULL;
	int r = 0;

	if (json_unpack(request->parameters, "{s?s}", "name", &name) < 0)
		return invalid(errors, "name: must be a string");
	for (size_t i = 0; r == 0 && i < request->now->n; i++)
		r = take_all(list, record_ports(request->now->snapshots[i], name));
	return r;
}

static int read_counters(const struct read_request *request, json_t *list, struct errors *errors)
{
	int zeros = 0, r = 0;

	if (json_unpack(request->parameters, "{s?b}", "zeros", &zeros) < 0)
		return invalid(errors, "zeros: must be true or false");
	for (size_t i = 0; r == 0 && i < request->now->n; i++)
		r = take_all(list, record_counters(request->now->snapshots[i], zeros));
	return r;
}

/* ---- states and findings ---- */
static int read_switches(const struct read_request *request, json_t *list, struct errors *errors)
{
	for (size_t i = 0; i < request->now->n; i++)
		if (json_array_append_new(list, record_switch(request->now->snapshots[i],
							      earlier(request, i))) < 0)
			return -ENOMEM;
	return 0;
}

/* The parsed output of a physical switch. */
struct comparison {
	const char *text, *ports; /* NULL: not given */
	size_t length;
	struct switch_output output;
};

static int parse_comparison(const struct read_request *request, struct comparison *ret,
			    struct errors *errors)
{
	if (json_unpack(request->parameters, "{s?s%, s?s}", "switch_output", &ret->text,
			&ret->length, "ports", &ret->ports) < 0)
		return invalid(errors, "switch_output, ports: must be strings");
	if (!ret->text)
		return ret->ports ? invalid(errors, "--ports: needs --switch-output") : 0;
	if (request->now->n > 1)
		return invalid(
			errors,
			"SWITCH is missing: there are %zu switches, and the output is compared with one",
			request->now->n);
	if (ret->length > OUTPUT_MAX_BYTES)
		return invalid(errors, "switch_output: %zu bytes: must be at most %d", ret->length,
			       OUTPUT_MAX_BYTES);
	return switch_output_parse(ret->text, ret->length, &ret->output, errors);
}

static int check_findings(const struct read_request *request, struct errors *errors)
{
	struct comparison comparison = {};
	int r = parse_comparison(request, &comparison, errors);

	switch_output_done(&comparison.output);
	return r;
}

/* The findings of a switch, with those of its comparison. 0 with a new array, or negative errno. */
static int findings_of(const struct read_request *request, size_t i,
		       const struct comparison *comparison, json_t **ret, struct errors *errors)
{
	const struct snapshot *now = request->now->snapshots[i];
	json_auto_t *findings = findings_find(now, earlier(request, i)), *more = NULL;
	struct peer_port ports[UL_MAX_UPLINKS] = {};
	int r;

	if (!findings)
		return -ENOMEM;
	if (comparison->text) {
		peer_ports_heard(now, ports);
		r = comparison->ports ? peer_ports_parse(now, comparison->ports, ports, errors) : 0;
		if (r == 0)
			r = switch_findings(now, ports, &comparison->output, &more, errors);
		if (r < 0)
			return r;
		if (json_array_extend(findings, more) < 0)
			return -ENOMEM;
	}
	*ret = TAKE_PTR(findings);
	return 0;
}

static int read_findings(const struct read_request *request, json_t *list, struct errors *errors)
{
	struct comparison comparison = {};
	int r = parse_comparison(request, &comparison, errors);

	for (size_t i = 0; r == 0 && i < request->now->n; i++) {
		json_t *findings = NULL;

		r = findings_of(request, i, &comparison, &findings, errors);
		if (r == 0 && json_array_append_new(list, json_pack("{s:s, s:o}", "switch",
								    request->now->views[i]->name,
								    "findings", findings)) < 0)
			r = -ENOMEM;
	}
	switch_output_done(&comparison.output);
	return r;
}

/* ---- questions ---- */
static int one_switch(const struct read_request *request, const char *method,
		      const struct snapshot **ret, struct errors *errors)
{
	if (request->now->n != 1)
		return invalid(errors, "%s: SWITCH is missing: there are %zu switches", method,
			       request->now->n);
	*ret = request->now->snapshots[0];
	return 0;
}

/* The uplink whose imbalance is explained. */
static int parse_imbalance(const struct read_request *request, const char **ret,
			   struct errors *errors)
{
	const struct snapshot *now;
	int r = one_switch(request, "imbalance", &now, errors);

	if (r < 0)
		return r;
	if (json_unpack(request->parameters, "{s:s}", "uplink", ret) < 0)
		return invalid(errors, "uplink: must be a string");
	return uplink_by_name(now, *ret) < 0 ?
		       invalid(errors, "%s: is not an uplink of %s", *ret, now->view->name) :
		       0;
}

static int check_imbalance(const struct read_request *request, struct errors *errors)
{
	const char *uplink;

	return parse_imbalance(request, &uplink, errors);
}

static int read_imbalance(const struct read_request *request, json_t *list, struct errors *errors)
{
	const char *uplink;
	int r = parse_imbalance(request, &uplink, errors);

	if (r < 0)
		return r;
	return json_array_append_new(list, record_imbalance(request->sample, uplink)) < 0 ?
		       -ENOMEM :
		       0;
}

static int read_which(const struct read_request *request, json_t *list, struct errors *errors)
{
	json_int_t source_port = -1, destination_port = -1;
	char source_text[24], destination_text[24];
	const struct snapshot *now;
	struct which_query query = {};
	struct which_answer answer;
	int r;

	if (json_unpack(request->parameters, "{s:s, s:s, s?s, s?I, s?I}", "group", &query.group,
			"source", &query.source, "destination", &query.destination, "source_port",
			&source_port, "destination_port", &destination_port) < 0)
		return invalid(
			errors,
			"needs the strings switch, group and source; destination is a string, source_port and destination_port are integers");
	snprintf(source_text, sizeof(source_text), "%lld", (long long)source_port);
	snprintf(destination_text, sizeof(destination_text), "%lld", (long long)destination_port);
	query.source_port = source_port != -1 ? source_text : NULL;
	query.destination_port = destination_port != -1 ? destination_text : NULL;
	r = one_switch(request, "which", &now, errors);
	if (r == 0)
		r = which_find(now, &query, &answer, errors);
	if (r == 0)
		r = json_array_append_new(list, which_record(now, &query, &answer)) < 0 ? -ENOMEM :
											  0;
	return r;
}

/* The switch and the query. */
static int parse_what_if(const struct read_request *request, size_t *ret_index,
			 struct what_if_query *ret, struct errors *errors)
{
	const struct switches *now = request->now;
	const char *without = NULL, *method = NULL;
	size_t i = 0;
	int r;

	if (json_unpack(request->parameters, "{s?s, s?s}", "without", &without, "load_balancing",
			&method) < 0)
		return invalid(errors, "without, load_balancing: must be strings");
	if (!without && !method)
		return invalid(errors, "what-if: --without or --load-balancing is missing");
	if (!without && now->n != 1)
		return invalid(errors, "what-if: SWITCH is missing: there are %zu switches",
			       now->n);
	while (without && i < now->n && !what_if_has_uplink(now->snapshots[i], without))
		i++;
	if (i == now->n)
		return invalid(errors, "--without: %s: is not an uplink of %s", without,
			       now->n == 1 ? now->views[0]->name : "any switch");
	r = without ? what_if_parse_without(now->snapshots[i], without, &ret->without, errors) : 0;
	if (r == 0 && method)
		r = what_if_parse_method(now->snapshots[i], method, ret, errors);
	*ret_index = i;
	return r;
}

static int check_what_if(const struct read_request *request, struct errors *errors)
{
	struct what_if_query query = {};
	size_t i;

	return parse_what_if(request, &i, &query, errors);
}

static int read_what_if(const struct read_request *request, json_t *list, struct errors *errors)
{
	struct what_if_query query = {};
	size_t i;
	int r = parse_what_if(request, &i, &query, errors);

	if (r < 0)
		return r;
	if (!earlier(request, i))
		return invalid(errors,
			       "%s: was created, or has grown, during the measurement; try again",
			       request->now->views[i]->name);
	return json_array_append_new(list, record_what_if(request->now->snapshots[i],
							  earlier(request, i), &query)) < 0 ?
		       -ENOMEM :
		       0;
}

/* The configuration of one device as text; *ret to be freed. */
static int write_device(const struct snapshot *snapshot, const struct vendor *vendor,
			const struct peer_port ports[UL_MAX_UPLINKS], const char *device,
			char **ret)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int r;

	if (!out)
		return -ENOMEM;
	r = switch_config_write(snapshot, vendor, ports, device, 1, out);
	if (fclose(out) != 0 || r < 0)
		return -ENOMEM;
	*ret = TAKE_PTR(text);
	return 0;
}

static int read_switch_configuration(const struct read_request *request, json_t *list,
				     struct errors *errors)
{
	struct peer_port ports[UL_MAX_UPLINKS] = {};
	const char *devices[UL_MAX_UPLINKS];
	const char *name = NULL, *given = NULL;
	const struct vendor *vendor;
	const struct snapshot *now;
	char known[128];
	int r;

	if (json_unpack(request->parameters, "{s?s, s?s}", "vendor", &name, "ports", &given) < 0)
		return invalid(errors, "vendor, ports: must be strings");
	if (!name)
		return invalid(errors, "switch-config: --vendor is missing: must be %s",
			       vendor_names(known, sizeof(known)));
	vendor = vendor_find(name);
	if (!vendor)
		return invalid(errors, "--vendor %.64s: must be %s", name,
			       vendor_names(known, sizeof(known)));
	r = one_switch(request, "switch-config", &now, errors);
	if (r < 0)
		return r;
	peer_ports_heard(now, ports);
	r = given ? peer_ports_parse(now, given, ports, errors) : 0;
	for (size_t i = 0, n = peer_devices(now, ports, devices); r == 0 && i < n; i++) {
		_cleanup_free_ char *text = NULL;

		r = write_device(now, vendor, ports, devices[i], &text);
		if (r == 0 &&
		    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "switch",
							  now->view->name, "vendor", vendor->name,
							  "device", devices[i], "text", text)) < 0)
			r = -ENOMEM;
	}
	return r;
}

/* ---- the table ---- */
static const struct record_read reads[] = {
#define X(method, member, single, interval, read, check) \
	{ #method, member, single, interval, read, check },
	RECORD_READS(X)
#undef X
};

const struct record_read *record_read_find(const char *method)
{
	for (size_t i = 0; i < ARRAY_SIZE(reads); i++)
		if (strcmp(reads[i].method, method) == 0)
			return &reads[i];
	return NULL;
}

int record_read_switch(json_t *parameters, const char **ret, struct errors *errors)
{
	*ret = NULL;
	if (json_is_null(json_object_get(parameters, "switch")))
		return 0;
	if (json_unpack(parameters, "{s?s}", "switch", ret) < 0)
		return invalid(errors, "switch: must be a string");
	return 0;
}

uint32_t record_read_interval_ms(const struct record_read *row, const struct switches *now)
{
	uint32_t interval_ms = row->interval == READ_TWICE ? READ_INTERVAL_MS : 0;

	if (row->interval == READ_ONCE || row->interval == READ_SAMPLED)
		return 0;
	for (size_t i = 0; i < now->n; i++) {
		uint32_t needed_ms = findings_interval_ms(now->snapshots[i]);

		if (needed_ms > interval_ms)
			interval_ms = needed_ms;
	}
	return interval_ms;
}

int record_read_answer(const struct record_read *row, const struct read_request *request,
		       json_t **ret, struct errors *errors)
{
	json_auto_t *list = json_array();
	int r = list ? row->read(request, list, errors) : -ENOMEM;

	if (r < 0)
		return r;
	if (row->single)
		*ret = json_incref(json_array_get(list, 0));
	else
		*ret = TAKE_PTR(list);
	return 0;
}
