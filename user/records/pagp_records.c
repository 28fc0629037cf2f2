// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Records of ul_pagp_ports. Ages are relative to the snapshot, so they increase while the daemon is
 * stopped. */
#include "records/pagp_records.h"

#include "config/model.h"
#include "pagp/pagp.h"
#include "records/lacp_records.h"
#include "records/records.h"

/* clang-format off */
static const char *const remedies[] = {
	[PAGP_FIND_AUTO] = "set 'mode: desirable' here, or 'channel-group N mode desirable' on the switch",
	[PAGP_FIND_SILENT] = "set the switch ports to PAgP ('mode desirable'), or 'channel: lacp' or 'channel: static' here as they are set",
	[PAGP_FIND_TWO_PARTNERS] = "connect all uplinks to ports of one channel group of one switch",
	[PAGP_FIND_MANY_DEVICES] = "look for a hub or a switch without PAgP between this uplink and the switch",
	[PAGP_FIND_LOOPBACK] = "use 'channel: none' with a switch that floods PAgP; otherwise look for a loop in the cabling",
	[PAGP_FIND_LEARNER] = "set 'load-balancing: src-mac', or 'pagp learn-method aggregation-port' on the switch",
};
/* clang-format on */
_Static_assert(ARRAY_SIZE(remedies) == PAGP_N_FINDINGS, "a remedy for each finding");

const char *pagp_finding_remedy(unsigned int finding)
{
	return finding < ARRAY_SIZE(remedies) ? remedies[finding] : NULL;
}

static json_t *text_or_null(const char *text)
{
	return text && text[0] ? json_string(text) : json_null();
}

static json_t *age_of(uint64_t at_ms, uint64_t now_ms)
{
	if (!at_ms)
		return json_null();
	return json_integer(now_ms > at_ms ? (json_int_t)(now_ms - at_ms) : 0);
}

static json_t *record_flags(uint8_t flags)
{
	static const struct {
		uint8_t bit;
		const char *name;
	} names[] = { { PAGP_SLOW_HELLO, "slow_hello" },
		      { PAGP_AUTO_MODE, "auto_mode" },
		      { PAGP_CONSISTENT_STATE, "consistent_state" } };
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (flags & names[i].bit)
			json_array_append_new(list, json_string(names[i].name));
	return list;
}

static json_t *record_side(const struct pagp_side *side, uint8_t flags)
{
	char mac[MAC_TEXT_LEN];

	return json_pack("{s:s, s:I, s:I, s:I, s:s?, s:i, s:o}", "device",
			 mac_format(side->device, mac), "port", (json_int_t)side->port,
			 "group_capability", (json_int_t)side->capability, "group",
			 (json_int_t)side->group, "learn",
			 side->learn == PAGP_LEARN_PHYSICAL    ? "physical" :
			 side->learn == PAGP_LEARN_AGGREGATION ? "aggregation" :
								 NULL,
			 "priority", side->priority, "flags", record_flags(flags));
}

static json_t *record_stats(const struct ul_pagp_counters *counters)
{
	json_t *stats = json_object();

#define X(member, help) \
	json_object_set_new(stats, #member, json_integer((json_int_t)counters->member));
	PAGP_COUNTERS(X)
#undef X
	return stats;
}

static json_t *record_findings(const struct ul_pagp_port *port, bool texts)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < PAGP_N_FINDINGS; i++) {
		const char *name = pagp_name(PAGP_NAMES_FINDING, i);

		if (!(port->findings >> i & 1))
			continue;
		json_array_append_new(list, texts ? json_pack("{s:s, s:s, s:s}", "finding", name,
							      "text", port->reason, "remedy",
							      pagp_finding_remedy(i)) :
						    json_string(name));
	}
	return list;
}

static json_t *record_port(const struct snapshot *snapshot, uint32_t index)
{
	const struct uplink_view *uplink = &snapshot->uplinks[index];
	const struct ul_pagp_port *port = &uplink->pagp;
	uint64_t now_ms = snapshot->taken_ns / 1000000;
	bool running = port->version == PAGP_RECORD_VERSION;
	json_t *record;

	record = json_pack("{s:s, s:s, s:b, s:s?, s:s?, s:o, s:o}", "switch", snapshot->view->name,
			   "uplink", uplink->raw.name, "running", running, "mode",
			   !running			      ? NULL :
			   port->actor_flags & PAGP_AUTO_MODE ? "auto" :
								"desirable",
			   "state", running ? pagp_name(PAGP_NAMES_STATE, port->state) : NULL,
			   "actor", record_side(&port->actor, port->actor_flags), "partner",
			   record_side(&port->partner, port->partner_flags));
#define SET(key, value) json_object_set_new(record, (key), (value))
	SET("out", json_boolean(port->flags & UL_PAGP_OUT));
	SET("standby", json_boolean(port->flags & UL_PAGP_STANDBY));
	SET("individual", json_boolean(port->flags & UL_PAGP_INDIVIDUAL));
	SET("drained", json_boolean(port->flags & UL_PAGP_DRAINED));
	SET("reason", text_or_null(port->reason));
	SET("findings", record_findings(port, false));
	SET("finding_texts", record_findings(port, true));
	SET("stats", record_stats(&port->counters));
	SET("last_rx_age_ms", age_of(port->rx_ms, now_ms));
	SET("neighbour", record_neighbour(&uplink->lacp.neighbour, now_ms));
	SET("updated_age_ms", age_of(port->updated_ms, now_ms));
#undef SET
	return record;
}

json_t *record_pagp_switch(const struct snapshot *snapshot)
{
	json_t *uplinks = json_array();

	for (uint32_t i = 0; i < snapshot->n_uplinks; i++)
		if (snapshot->view->meta->channel == UL_CHANNEL_PAGP)
			json_array_append_new(uplinks, record_port(snapshot, i));
	return json_pack("{s:s, s:s?, s:b, s:o}", "switch", snapshot->view->name, "channel",
			 channel_name(snapshot->view->meta->channel), "daemon_alive",
			 snapshot->daemon_alive, "uplinks", uplinks);
}
