// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Why a port is out of the channel, findings about partner and cabling, names. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/util.h"
#include "pagp/port.h"

/* ---- names ---- */
/* clang-format off */
static const char *const states[] = {
	[PAGP_PORT_DOWN] = "port_down",
	[PAGP_PORT_UP] = "port_up",
	[PAGP_UP_DATA] = "up_data",
	[PAGP_RECEIVED] = "pagp_received",
	[PAGP_BIDIRECTIONAL] = "bidirectional",
	[PAGP_UP_PAGP] = "up_pagp",
};

static const char *const events[] = {
	[PAGP_EVENT_STATE] = "state",
	[PAGP_EVENT_PARTNER] = "partner",
	[PAGP_EVENT_REJECTED] = "rejected",
	[PAGP_EVENT_FINDING] = "finding",
	[PAGP_EVENT_CLEARED] = "cleared",
};

static const char *const finding_names[] = {
	[PAGP_FIND_AUTO] = "auto",
	[PAGP_FIND_SILENT] = "silent",
	[PAGP_FIND_TWO_PARTNERS] = "two_partners",
	[PAGP_FIND_MANY_DEVICES] = "many_devices",
	[PAGP_FIND_LOOPBACK] = "loopback",
	[PAGP_FIND_LEARNER] = "physical_learner",
};
/* clang-format on */
_Static_assert(ARRAY_SIZE(states) == PAGP_N_STATES, "one name per value");
_Static_assert(ARRAY_SIZE(events) == PAGP_N_EVENTS, "one name per value");
_Static_assert(ARRAY_SIZE(finding_names) == PAGP_N_FINDINGS, "one name per value");

#define TABLE(names)                     \
	{                                \
		names, ARRAY_SIZE(names) \
	}

static const struct {
	const char *const *names;
	unsigned int count;
	/* clang-format off */
} tables[] = {
	[PAGP_NAMES_STATE] = TABLE(states),
	[PAGP_NAMES_EVENT] = TABLE(events),
	[PAGP_NAMES_FINDING] = TABLE(finding_names),
};
/* clang-format on */
_Static_assert(ARRAY_SIZE(tables) == PAGP_N_NAMES, "one row per table");

const char *pagp_name(enum pagp_table table, unsigned int value)
{
	return value < tables[table].count ? tables[table].names[value] : NULL;
}

/* ---- reason ---- */
static bool is_auto_partner(const struct pagp_port *port)
{
	return port->has_partner && port->heard.flags & PAGP_AUTO_MODE;
}

static void explain_silence(const struct pagp_port *port, char *text, size_t size)
{
	snprintf(
		text, size, "%s",
		port->pagp->config.auto_mode ?
			"no PAgP is received, and this side is in mode auto: it does not start" :
			"no PAgP is received: the switch port has no PAgP, or LACP or a static channel");
}

static void explain_elsewhere(const struct pagp_port *port, char *text, size_t size)
{
	const struct pagp_side *partner = &port->heard.local, *selected = &port->pagp->selected;
	char mac[MAC_TEXT_LEN], other[MAC_TEXT_LEN];

	if (same_partner(partner, selected))
		snprintf(text, size,
			 "the partner aggregates this port with interface %u, the others with %u",
			 partner->group, port->pagp->group);
	else
		snprintf(
			text, size,
			"the partner is device %s with group capability 0x%x, that of the channel is %s with 0x%x",
			mac_format(partner->device, mac), partner->capability,
			mac_format(selected->device, other), selected->capability);
}

/* The partner has received this port, and no rule of this side excludes it. */
static void explain_bidirectional(const struct pagp_port *port, char *text, size_t size)
{
	const struct pagp_pdu *heard = &port->heard;
	const char *why;

	if (!port->attached)
		why = "another uplink leads to the same port of the partner";
	else if (heard->count > 1)
		why = "the partner receives more than one device on this link";
	else if (!heard->local.group)
		why = "the partner has not aggregated this port";
	else if (heard->local.group != port->pagp->group)
		why = "the partner uses this port alone, not in its channel";
	else
		why = "the two sides do not yet describe each other alike";
	snprintf(text, size, "%s", why);
}

static void explain_partner(const struct pagp_port *port, char *text, size_t size)
{
	if (!pagp_is_seen(port) && port->pagp->config.auto_mode && is_auto_partner(port))
		snprintf(text, size, "both sides are in mode auto: neither starts");
	else if (!pagp_is_seen(port))
		snprintf(text, size, "the partner has not received this port yet");
	else if (pagp_is_elsewhere(port))
		explain_elsewhere(port, text, size);
	else
		explain_bidirectional(port, text, size);
}

int pagp_explain(const struct pagp_port *port, uint64_t now_ms, char *text, size_t size)
{
	if (!port->enabled)
		snprintf(text, size, "the link is down");
	else if (port->half_duplex)
		snprintf(text, size, "the link is half duplex");
	else if (port->drained)
		snprintf(text, size, "drained");
	else if (port->individual)
		snprintf(text, size, "used alone, because no PAgP is received (fallback)");
	else if (pagp_is_loop(port, now_ms))
		snprintf(
			text, size,
			"PAgP of this host is received: a loop, or a switch that floods PAgP and so has none");
	else if (pagp_is_crowded(port, now_ms))
		snprintf(text, size, "more than one device or port is received on this link");
	else if (!port->has_partner)
		explain_silence(port, text, size);
	else if (!port->agreed)
		explain_partner(port, text, size);
	else
		snprintf(
			text, size, "%s",
			port->standby ?
				"in the channel; another uplink sends for all, because the partner learns by physical port" :
				"in the channel");
	return !port->agreed && !port->individual;
}

/* ---- findings ---- */
static bool is_found(const struct pagp_port *port, enum pagp_finding finding, uint64_t now_ms)
{
	bool may_start = !port->pagp->config.auto_mode;

	if (!port->enabled || port->half_duplex)
		return false;
	switch (finding) {
	case PAGP_FIND_AUTO:
		return !may_start && (!port->has_partner || is_auto_partner(port));
	case PAGP_FIND_SILENT:
		return may_start && !port->has_partner && !pagp_is_loop(port, now_ms);
	case PAGP_FIND_TWO_PARTNERS:
		return !port->drained && pagp_is_seen(port) && pagp_is_elsewhere(port);
	case PAGP_FIND_MANY_DEVICES:
		return pagp_is_crowded(port, now_ms);
	case PAGP_FIND_LOOPBACK:
		return pagp_is_loop(port, now_ms);
	case PAGP_FIND_LEARNER:
		return port->standby;
	default:
		return false;
	}
}

/* From when on a finding that is present now has lasted long enough. */
static uint64_t report_due_ms(const struct pagp_port *port, enum pagp_finding finding)
{
	switch (finding) {
	case PAGP_FIND_LOOPBACK:
	case PAGP_FIND_MANY_DEVICES:
		return port->found_ms[finding];
	case PAGP_FIND_AUTO:
	case PAGP_FIND_SILENT:
		return port->found_ms[finding] + FALLBACK_MS + FINDING_MS;
	default:
		return port->found_ms[finding] + FINDING_MS;
	}
}

static void update_finding(struct pagp_port *port, enum pagp_finding finding, uint64_t now_ms)
{
	const uint32_t bit = 1U << finding;
	char text[PAGP_TEXT_LEN];

	if (!is_found(port, finding, now_ms)) {
		port->found &= ~bit;
		if (port->findings & bit)
			pagp_event(port, PAGP_EVENT_CLEARED, "%s", finding_names[finding]);
		port->findings &= ~bit;
		return;
	}
	if (!(port->found & bit))
		port->found_ms[finding] = now_ms;
	port->found |= bit;
	if (port->findings & bit || now_ms < report_due_ms(port, finding))
		return;
	port->findings |= bit;
	pagp_explain(port, now_ms, text, sizeof(text));
	pagp_event(port, PAGP_EVENT_FINDING, "%s: %s", finding_names[finding], text);
}

void pagp_update_findings(struct pagp_port *port, uint64_t now_ms)
{
	for (unsigned int i = 0; i < PAGP_N_FINDINGS; i++)
		update_finding(port, i, now_ms);
}

uint64_t pagp_findings_due_ms(const struct pagp_port *port)
{
	uint64_t due = PAGP_NEVER;

	for (unsigned int i = 0; i < PAGP_N_FINDINGS; i++)
		if (port->found & ~port->findings & 1U << i && report_due_ms(port, i) < due)
			due = report_due_ms(port, i);
	return due;
}
