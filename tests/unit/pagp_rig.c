// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "pagp_rig.h"

#include <criterion/criterion.h>

const uint8_t prig_device[6] = { 2, 0, 0, 0, 0, 1 },
	      prig_switch[6] = { 0, 0xa, 0x8a, 0x45, 0x43, 0x60 },
	      prig_other[6] = { 0, 0xa, 0xb7, 0x5f, 0x31, 0x30 };

static void on_send(void *userdata, uint16_t port, const uint8_t *frame, size_t length)
{
	struct rig *rig = userdata;
	union pagp_frame parsed = {};
	unsigned int value;
	const char *why;

	switch (pagp_frame_parse(frame, length, &parsed, &why, &value)) {
	case PAGP_FRAME_INFO:
		if (rig->on_sent)
			rig->on_sent(rig, port, &parsed.info);
		rig->sent[port] = parsed.info;
		rig->n_sent[port]++;
		break;
	case PAGP_FRAME_FLUSH:
		cr_assert_leq(length, sizeof(rig->flush[port]));
		memcpy(rig->flush[port], frame, length);
		rig->n_flushes[port]++;
		break;
	default:
		cr_assert_fail("port %u sends a bad frame", port);
	}
}

static void on_changed(void *userdata, uint16_t port, bool collecting, bool distributing)
{
	struct rig *rig = userdata;

	rig->collecting[port] = collecting;
	rig->distributing[port] = distributing;
	rig->n_changed[port]++;
}

static void on_event(void *userdata, uint16_t port, enum pagp_event_kind kind, const char *text)
{
	struct rig *rig = userdata;

	rig->n_events[port][kind]++;
	snprintf(rig->event[kind], sizeof(rig->event[kind]), "%s", text);
}

struct pagp_config prig_config(void)
{
	struct pagp_config config = { .name = "host" };

	memcpy(config.device, prig_device, 6);
	return config;
}

static void add_port(struct rig *rig, uint16_t number)
{
	struct pagp_port_config config = { .number = number,
					   .mac = { 2, 0, 0, 0, 1, (uint8_t)number } };

	snprintf(config.name, sizeof(config.name), "eth%u", number - 1);
	cr_assert_eq(pagp_port_add(rig->pagp, &config), 0);
	prig_partner(rig, number);
}

void prig_partner(struct rig *rig, uint16_t port)
{
	struct pagp_pdu *partner = &rig->partner[port];

	*partner = (struct pagp_pdu){ .local = { .learn = PAGP_LEARN_AGGREGATION,
						 .priority = 128,
						 .port = 100 + port,
						 .capability = 0x00010001 },
				      .partner = rig->sent[port].local,
				      .count = 1 };
	memcpy(partner->local.device, prig_switch, 6);
}

void prig_open(struct rig *rig, const struct pagp_config *config, uint16_t n_ports)
{
	const struct pagp_callbacks callbacks = {
		.send = on_send, .changed = on_changed, .event = on_event, .userdata = rig
	};

	memset(rig, 0, sizeof(*rig));
	rig->config = *config;
	rig->now_ms = T0;
	rig->pagp = pagp_new(config, &callbacks);
	cr_assert(rig->pagp);
	for (uint16_t i = 1; i <= n_ports; i++) {
		add_port(rig, i);
		prig_link(rig, i, true);
	}
}

void prig_done(struct rig *rig)
{
	pagp_free(rig->pagp);
	rig->pagp = NULL;
}

void prig_link(struct rig *rig, uint16_t port, bool up)
{
	cr_assert_eq(pagp_port_set_link(rig->pagp, port, up, 10000, true, rig->now_ms), 0);
}

void prig_run(struct rig *rig)
{
	pagp_run(rig->pagp, rig->now_ms);
	cr_assert_gt(pagp_next_wakeup(rig->pagp), rig->now_ms, "no wakeup in the past");
}

void prig_pass(struct rig *rig, uint64_t ms)
{
	uint64_t end_ms = rig->now_ms + ms;

	prig_run(rig);
	while (pagp_next_wakeup(rig->pagp) <= end_ms) {
		rig->now_ms = pagp_next_wakeup(rig->pagp);
		prig_run(rig);
	}
	rig->now_ms = end_ms;
}

int prig_hear_raw(struct rig *rig, uint16_t port)
{
	uint8_t frame[PAGP_MAX_FRAME];
	size_t length = pagp_frame_build(frame, rig->partner[port].local.device,
					 &rig->partner[port], "switch", "Gi0/1");
	int r = pagp_receive(rig->pagp, port, frame, length, rig->now_ms);

	prig_run(rig);
	return r;
}

void prig_hear(struct rig *rig, uint16_t port, uint8_t flags, uint32_t group)
{
	struct pagp_pdu *partner = &rig->partner[port];

	partner->partner = rig->sent[port].local;
	partner->flags = flags;
	partner->local.group = group;
	cr_assert_eq(prig_hear_raw(rig, port), 0);
}

void prig_pass_hearing(struct rig *rig, uint64_t ms, uint64_t interval_ms, uint16_t n_ports,
		       uint8_t flags, uint32_t group)
{
	for (uint64_t passed = 0; passed < ms; passed += interval_ms) {
		for (uint16_t i = 1; i <= n_ports; i++)
			prig_hear(rig, i, flags, group);
		prig_pass(rig, interval_ms);
	}
}

void prig_join(struct rig *rig, uint16_t n_ports, uint8_t flags)
{
	prig_run(rig);
	for (int round = 0; round < 2; round++)
		for (uint16_t i = 1; i <= n_ports; i++)
			prig_hear(rig, i, flags & PAGP_AUTO_MODE, 0);
	for (uint16_t i = 1; i <= n_ports; i++)
		prig_hear(rig, i, (uint8_t)(flags | C), SWITCH_GROUP);
}

struct ul_pagp_port prig_record(const struct rig *rig, uint16_t port)
{
	struct ul_pagp_port record;

	cr_assert_eq(pagp_record(rig->pagp, port, rig->now_ms, &record), 0);
	return record;
}

static uint32_t ports_with(const bool set[RIG_PORTS + 1])
{
	uint32_t mask = 0;

	for (unsigned int i = 1; i <= RIG_PORTS; i++)
		mask |= (uint32_t)set[i] << i;
	return mask;
}

uint32_t prig_in_use(const struct rig *rig)
{
	return ports_with(rig->distributing);
}

uint32_t prig_receiving(const struct rig *rig)
{
	return ports_with(rig->collecting);
}
