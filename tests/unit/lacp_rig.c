// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "lacp_rig.h"

#include <criterion/criterion.h>

const uint8_t rig_system[6] = { 0x02, 0, 0, 0, 0, 0x50 };
const uint8_t switch_a[6] = { 0x02, 0, 0, 0, 0, 0x0a };
const uint8_t switch_b[6] = { 0x02, 0, 0, 0, 0, 0xbb };

static struct log_entry *append(struct rig *rig, enum log_kind kind, uint16_t port)
{
	struct log_entry *entry;

	if (rig->n_log == ARRAY_SIZE(rig->log)) {
		rig->n_log /= 2;
		memmove(rig->log, rig->log + rig->n_log, rig->n_log * sizeof(rig->log[0]));
	}
	entry = &rig->log[rig->n_log++];
	entry->kind = kind;
	entry->port = port;
	entry->at_ms = rig->now_ms;
	return entry;
}

static void on_send(void *userdata, uint16_t port, const uint8_t *frame, size_t length)
{
	struct rig *rig = userdata;

	cr_assert_eq(length, LACP_FRAME_LEN);
	memcpy(append(rig, LOG_SENT, port)->frame, frame, length);
	if (rig->peer && !rig->cut[port] && !rig->peer->cut[port]) {
		struct wire_frame *wire = &rig->peer->inbox[rig->peer->n_inbox++];

		cr_assert_leq(rig->peer->n_inbox, ARRAY_SIZE(rig->peer->inbox));
		wire->port = port;
		memcpy(wire->frame, frame, length);
	}
}

static void on_changed(void *userdata, uint16_t port, bool collecting, bool distributing)
{
	struct rig *rig = userdata;
	struct log_entry *entry = append(rig, LOG_CHANGED, port);

	cr_assert(rig->collecting[port] != collecting || rig->distributing[port] != distributing,
		  "callback without a change");
	entry->collecting = rig->collecting[port] = collecting;
	entry->distributing = rig->distributing[port] = distributing;
}

static void on_event(void *userdata, uint16_t port, enum lacp_event_kind kind, const char *text)
{
	struct log_entry *entry = append(userdata, LOG_EVENT, port);

	entry->event = kind;
	snprintf(entry->text, sizeof(entry->text), "%s", text);
}

struct lacp_config rig_config(void)
{
	struct lacp_config config = {
		.system_priority = 65535,
		.key = 1,
		.active = true,
		.min_links = 1,
	};

	memcpy(config.system, rig_system, sizeof(config.system));
	return config;
}

void rig_init(struct rig *rig, const struct lacp_config *config)
{
	const struct lacp_callbacks callbacks = {
		.send = on_send, .changed = on_changed, .event = on_event, .userdata = rig
	};

	memset(rig, 0, sizeof(*rig));
	rig->now_ms = T0;
	rig->config = *config;
	rig->lacp = lacp_new(config, &callbacks);
	cr_assert_not_null(rig->lacp);
}

void rig_done(struct rig *rig)
{
	lacp_free(TAKE_PTR(rig->lacp));
}

void rig_add(struct rig *rig, uint16_t number)
{
	const struct lacp_port_config config = { .number = number,
						 .priority = 255,
						 .mac = { 0x02, 0, 0, 0, 1, (uint8_t)number } };
	struct lacp_info *partner = &rig->partner[number];

	cr_assert_eq(lacp_port_add(rig->lacp, &config), 0);
	*partner = (struct lacp_info){
		.system_priority = 32768, .key = 7, .port_priority = 128, .port = number
	};
	memcpy(partner->system, switch_a, sizeof(partner->system));
}

void rig_open(struct rig *rig, const struct lacp_config *config, uint16_t n_ports)
{
	rig_init(rig, config);
	for (uint16_t port = 1; port <= n_ports; port++) {
		rig_add(rig, port);
		rig_link(rig, port, true);
	}
}

void rig_link(struct rig *rig, uint16_t port, bool up)
{
	cr_assert_eq(lacp_port_set_link(rig->lacp, port, up, 10000, true, rig->now_ms), 0);
}

void rig_run(struct rig *rig)
{
	lacp_run(rig->lacp, rig->now_ms);
}

void rig_pass(struct rig *rig, uint64_t ms)
{
	const uint64_t end_ms = rig->now_ms + ms;
	uint64_t wakeup_ms;

	while ((wakeup_ms = lacp_next_wakeup(rig->lacp)) <= end_ms) {
		cr_assert(wakeup_ms == 0 || wakeup_ms > rig->now_ms, "a wakeup in the past");
		if (wakeup_ms > rig->now_ms)
			rig->now_ms = wakeup_ms;
		rig_run(rig);
	}
	rig->now_ms = end_ms;
}

int rig_receive(struct rig *rig, uint16_t port, const uint8_t *frame, size_t length)
{
	return lacp_receive(rig->lacp, port, frame, length, rig->now_ms);
}

void rig_hear_view(struct rig *rig, uint16_t port, uint8_t state, const struct lacp_info *view)
{
	static const uint8_t source[6] = { 0x02, 0, 0, 0, 2, 0 };
	struct lacp_info speaker = rig->partner[port];
	uint8_t frame[LACP_FRAME_LEN];

	speaker.state = state;
	lacp_frame_build(frame, source, &speaker, view);
	cr_assert_eq(rig_receive(rig, port, frame, sizeof(frame)), 0);
	rig_run(rig);
}

void rig_hear(struct rig *rig, uint16_t port, uint8_t state)
{
	struct lacp_port_info info = rig_info(rig, port);

	rig_hear_view(rig, port, state, &info.actor);
}

void rig_pass_hearing(struct rig *rig, uint64_t ms, uint64_t interval_ms, uint16_t n_ports,
		      uint8_t state)
{
	for (uint64_t passed = 0; passed < ms;) {
		uint64_t step = interval_ms < ms - passed ? interval_ms : ms - passed;

		for (uint16_t port = 1; port <= n_ports; port++)
			rig_hear(rig, port, state);
		rig_pass(rig, step);
		passed += step;
	}
}

void rig_join(struct rig *rig, uint16_t n_ports, uint8_t timeout)
{
	for (uint16_t port = 1; port <= n_ports; port++)
		rig_hear(rig, port, SYNCED | timeout);
	rig_pass(rig, LACP_AGGREGATE_WAIT_MS);
	for (uint16_t port = 1; port <= n_ports; port++) {
		rig_hear(rig, port, UP | timeout);
		cr_assert(rig->collecting[port] && rig->distributing[port],
			  "port %u did not join: %s", port, rig_why(rig, port));
	}
	rig_pass(rig, LACP_WINDOW_MS); /* the transmit limit is free again */
	for (uint16_t port = 1; port <= n_ports; port++)
		rig_hear(rig, port, UP | timeout);
	rig_forget(rig);
}

struct lacp_port_info rig_info(struct rig *rig, uint16_t port)
{
	struct lacp_port_info info;

	cr_assert_eq(lacp_port_info(rig->lacp, port, rig->now_ms, &info), 0);
	return info;
}

uint32_t rig_links(const struct rig *rig)
{
	uint32_t n = 0;

	for (unsigned int i = 0; i < rig->lacp->n_ports; i++)
		n += (rig->lacp->ports[i]->actor_state & LACP_DISTRIBUTING) != 0;
	return n;
}

const char *rig_why(struct rig *rig, uint16_t port)
{
	static char text[LACP_TEXT_LEN];

	cr_assert_geq(lacp_explain(rig->lacp, port, rig->now_ms, text, sizeof(text)), 0);
	return text;
}

void rig_forget(struct rig *rig)
{
	rig->n_log = 0;
}

static bool is_lacpdu(const struct log_entry *entry, uint16_t port)
{
	return entry->kind == LOG_SENT && entry->port == port &&
	       entry->frame[LACP_OFF_SUBTYPE] == 1;
}

size_t rig_sent(const struct rig *rig, uint16_t port)
{
	size_t n = 0;

	for (size_t i = 0; i < rig->n_log; i++)
		n += is_lacpdu(&rig->log[i], port);
	return n;
}

struct lacp_pdu rig_last(const struct rig *rig, uint16_t port)
{
	for (size_t i = rig->n_log; i-- > 0;) {
		struct lacp_pdu pdu;
		unsigned int value;
		const char *why;

		if (!is_lacpdu(&rig->log[i], port))
			continue;
		cr_assert_eq(lacp_frame_parse(rig->log[i].frame, LACP_FRAME_LEN, &pdu, &why,
					      &value),
			     LACP_FRAME_LACPDU);
		return pdu;
	}
	cr_assert_fail("port %u sent nothing", port);
	abort();
}

const struct log_entry *rig_event(const struct rig *rig, uint16_t port, enum lacp_event_kind kind)
{
	for (size_t i = rig->n_log; i-- > 0;) {
		const struct log_entry *entry = &rig->log[i];

		if (entry->kind == LOG_EVENT && entry->port == port && entry->event == kind)
			return entry;
	}
	return NULL;
}

size_t rig_events(const struct rig *rig, uint16_t port, enum lacp_event_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < rig->n_log; i++)
		n += rig->log[i].kind == LOG_EVENT && rig->log[i].port == port &&
		     rig->log[i].event == kind;
	return n;
}

/* ---- two ends ---- */

void pair_wire(struct rig *a, struct rig *b)
{
	a->peer = b;
	b->peer = a;
}

static void deliver(struct rig *rig)
{
	struct wire_frame frames[ARRAY_SIZE(rig->inbox)];
	size_t n = rig->n_inbox;

	memcpy(frames, rig->inbox, n * sizeof(frames[0]));
	rig->n_inbox = 0;
	for (size_t i = 0; i < n; i++)
		rig_receive(rig, frames[i].port, frames[i].frame, LACP_FRAME_LEN);
	if (lacp_next_wakeup(rig->lacp) <= rig->now_ms)
		rig_run(rig);
}

void pair_run(struct rig *a, struct rig *b)
{
	int rounds = 0;

	do {
		deliver(a);
		deliver(b);
		cr_assert_lt(++rounds, 100, "endless exchange of frames");
	} while (a->n_inbox + b->n_inbox);
}

void pair_pass(struct rig *a, struct rig *b, uint64_t ms)
{
	const uint64_t end_ms = a->now_ms + ms;

	for (;;) {
		uint64_t next_ms, one, other;

		pair_run(a, b);
		one = lacp_next_wakeup(a->lacp);
		other = lacp_next_wakeup(b->lacp);
		next_ms = one < other ? one : other;
		if (next_ms > end_ms)
			break;
		if (next_ms > a->now_ms)
			a->now_ms = b->now_ms = next_ms;
	}
	a->now_ms = b->now_ms = end_ms;
}

uint64_t random_next(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}
