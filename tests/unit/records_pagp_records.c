// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Records, findings and channel flags of PAgP. */
#include "records/pagp_records.h"

#include <criterion/criterion.h>

#include "common/util.h"
#include "finding_cases.h"
#include "pagp_fake.h"
#include "record_shapes.h"
#include "records/channel_records.h"
#include "records/findings.h"

static struct fake fake;
static struct view view;

TestSuite(records_pagp_records);

static json_t *member(json_t *record, const char *key)
{
	json_t *value = json_object_get(record, key);

	cr_assert(value, "no member %s", key);
	return value;
}

Test(records_pagp_records, both_ends_of_an_uplink)
{
	fake_pagp(&fake);
	_cleanup_(snapshot_freep) struct snapshot *now = take_snapshot(&fake, &view);
	json_auto_t *sw = record_pagp_switch(now);
	json_t *uplink = json_array_get(member(sw, "uplinks"), 1), *partner;

	cr_expect_str_eq(text(sw, "channel"), "pagp");
	cr_expect_eq(json_array_size(member(sw, "uplinks")), 2);
	cr_expect_str_eq(text(uplink, "uplink"), "eth1");
	cr_expect_str_eq(text(uplink, "mode"), "desirable");
	cr_expect_str_eq(text(uplink, "state"), "up_pagp");
	cr_expect_str_eq(text(uplink, "reason"), "in the channel");
	cr_expect(json_is_true(member(uplink, "running")) && json_is_false(member(uplink, "out")));
	partner = member(uplink, "partner");
	cr_expect_str_eq(text(partner, "device"), "00:0a:8a:45:43:60");
	cr_expect_str_eq(text(partner, "learn"), "aggregation");
	cr_expect_eq(json_integer_value(member(partner, "group_capability")), 0x10001);
	cr_expect_eq(json_array_size(member(partner, "flags")), 2);
	cr_expect_geq(json_integer_value(member(uplink, "last_rx_age_ms")), 400);
	cr_expect_eq(json_integer_value(member(member(uplink, "stats"), "info_rx")), 7);
	cr_expect(json_is_null(member(uplink, "neighbour")));
}

Test(records_pagp_records, other_channels_have_no_record)
{
	fake_pagp(&fake);
	fake.meta.channel = UL_CHANNEL_STATIC;
	_cleanup_(snapshot_freep) struct snapshot *now = take_snapshot(&fake, &view);
	json_auto_t *sw = record_pagp_switch(now);

	cr_expect_eq(json_array_size(member(sw, "uplinks")), 0);
}

Test(records_pagp_records, a_daemon_that_has_not_written_yet)
{
	fake_pagp(&fake);
	memset(fake.pagp_ports, 0, sizeof(fake.pagp_ports));
	_cleanup_(snapshot_freep) struct snapshot *now = take_snapshot(&fake, &view);
	json_auto_t *sw = record_pagp_switch(now);
	json_t *uplink = json_array_get(member(sw, "uplinks"), 0);

	cr_expect(json_is_false(member(uplink, "running")));
	cr_expect(json_is_null(member(uplink, "mode")));
	cr_expect(json_is_null(member(uplink, "state")));
	cr_expect(json_is_null(member(uplink, "last_rx_age_ms")));
}

Test(records_pagp_records, a_finding_with_its_remedy)
{
	fake_pagp(&fake);
	fake_pagp_out(&fake, "no PAgP is received", 1U << PAGP_FIND_SILENT);
	_cleanup_(snapshot_freep) struct snapshot *now = take_snapshot(&fake, &view);
	json_auto_t *sw = record_pagp_switch(now);
	json_t *uplink = json_array_get(member(sw, "uplinks"), 1),
	       *finding = json_array_get(member(uplink, "finding_texts"), 0);

	cr_expect(json_is_true(member(uplink, "out")));
	cr_expect_str_eq(json_string_value(json_array_get(member(uplink, "findings"), 0)),
			 "silent");
	cr_expect_str_eq(text(finding, "text"), "no PAgP is received");
	cr_expect(strstr(text(finding, "remedy"), "mode desirable"));
	for (unsigned int i = 0; i < PAGP_N_FINDINGS; i++)
		cr_expect_not_null(pagp_finding_remedy(i));
	cr_expect_null(pagp_finding_remedy(PAGP_N_FINDINGS));
}

Test(records_pagp_records, a_stopped_daemon_sends_no_pagp)
{
	fake_pagp(&fake);
	fake.meta.lease_ns = now_ns() - 5000000000ULL;
	_cleanup_(snapshot_freep) struct snapshot *now = take_snapshot(&fake, &view);
	json_auto_t *found = findings_find(now, NULL);
	json_t *first = json_array_get(found, 0);

	cr_expect_str_eq(text(first, "code"), "daemon_stopped");
	cr_expect_str_eq(text(first, "severity"), "error");
	cr_expect(strstr(text(first, "message"), "sends no PAgP"), "%s", text(first, "message"));
}

/* ---- findings ---- */
static const struct {
	const char *code;
	enum pagp_finding finding;
	const char *severity;
} situations[] = {
	{ "pagp_auto", PAGP_FIND_AUTO, "warning" },
	{ "pagp_silent", PAGP_FIND_SILENT, "warning" },
	{ "pagp_two_partners", PAGP_FIND_TWO_PARTNERS, "warning" },
	{ "pagp_many_devices", PAGP_FIND_MANY_DEVICES, "warning" },
	{ "pagp_loopback", PAGP_FIND_LOOPBACK, "error" },
	{ "pagp_physical_learner", PAGP_FIND_LEARNER, "note" },
};

const char *pagp_case(size_t i)
{
	return i < ARRAY_SIZE(situations) ? situations[i].code : NULL;
}

/* Which PDUs and times lead to each bit, and which do not: pagp_explain.c. */
Test(records_pagp_records, each_finding_and_none_without_its_bit)
{
	for (size_t i = 0; i < ARRAY_SIZE(situations); i++)
		for (int guilty = 0; guilty < 2; guilty++) {
			fake_pagp(&fake);
			if (guilty)
				fake_pagp_out(&fake, "the reason", 1U << situations[i].finding);
			_cleanup_(snapshot_freep) struct snapshot *now =
				take_snapshot(&fake, &view);
			json_auto_t *found = findings_find(now, NULL);
			json_t *finding = json_array_get(found, 0);

			cr_expect_eq(json_array_size(found), (size_t)guilty, "%s",
				     situations[i].code);
			if (!guilty)
				continue;
			cr_expect_str_eq(text(finding, "code"), situations[i].code);
			cr_expect_str_eq(text(finding, "severity"), situations[i].severity);
			cr_expect(strstr(text(finding, "message"), "eth1: the reason"));
		}
}

Test(records_pagp_records, an_uplink_that_is_out_without_a_finding)
{
	fake_pagp(&fake);
	fake_pagp_out(&fake, "the reason", 0);
	_cleanup_(snapshot_freep) struct snapshot *now = take_snapshot(&fake, &view);
	json_auto_t *found = findings_find(now, NULL);
	json_t *finding = json_array_get(found, 0);

	cr_expect_eq(json_array_size(found), 1);
	cr_expect_str_eq(text(finding, "code"), "uplink_waiting");
	cr_expect(strstr(text(finding, "message"), "eth1 is out of the channel: the reason"));
}

static const char *flags_of(const struct snapshot *now)
{
	static char text[3];

	for (uint32_t i = 0; i < 2; i++)
		text[i] = channel_flag_letter(channel_flag_of(now, i));
	return text;
}

Test(records_pagp_records, letters_of_the_channel)
{
	static const struct {
		uint8_t flags;
		const char *letters;
	} rows[] = {
		{ UL_PAGP_OUT, "Ps" },
		{ UL_PAGP_STANDBY, "PH" },
		{ 0, "Pw" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		fake_pagp(&fake);
		fake_pagp_out(&fake, "reason", 0);
		fake.pagp_ports[1].flags = rows[i].flags;
		_cleanup_(snapshot_freep) struct snapshot *now = take_snapshot(&fake, &view);
		json_auto_t *channel = record_channel(now);

		cr_expect_str_eq(flags_of(now), rows[i].letters);
		cr_expect_str_eq(text(channel, "protocol"), "PAgP");
		cr_expect_str_eq(text(json_array_get(member(channel, "uplinks"), 1), "reason"),
				 "reason");
	}
	fake_pagp(&fake);
	fake.pagp_ports[0].flags |= UL_PAGP_INDIVIDUAL;
	_cleanup_(snapshot_freep) struct snapshot *now = take_snapshot(&fake, &view);
	cr_expect_str_eq(flags_of(now), "IP");
}
