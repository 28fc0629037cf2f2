// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The own address of a port of an attachment bridge, without a kernel. */
#include "port_testing.h"

static const uint8_t mac_a[6] = { 0x52, 0x54, 0, 0, 0, 1 }, mac_b[6] = { 0x52, 0x54, 0, 0, 0, 2 };

enum { PLAIN, LEARNING, CHANGING };

static struct port_fixture *three_ports(void)
{
	static const uint32_t flags[] = { 0, UL_GROUP_LEARNING, UL_GROUP_MAC_CHANGES };
	struct port_fixture *fixture = port_fixture_new(false);

	for (uint32_t i = 0; i < ARRAY_SIZE(flags); i++) {
		put_group(fixture, i, (uint16_t)(10 + i), flags[i] | UL_GROUP_ATTACHES, 0);
		put_port(fixture, i, i, NULL, 7 + i);
		port_write_flags(fixture->dp, i, UL_PORT_USED | UL_PORT_RUNTIME | UL_PORT_ATTACHED);
		attached_restart(fixture->ports, i);
	}
	return fixture;
}

static bool waits(const struct port_fixture *fixture, uint32_t slot)
{
	return fixture->dp->ports[slot].vlan.group_flags & UL_GROUP_MAC_CHANGES;
}

static void source(struct port_fixture *fixture, uint32_t slot, uint32_t kind, const uint8_t mac[6])
{
	struct ul_event event = { .kind = kind, .port = slot, .vid = (uint16_t)(10 + slot) };

	memcpy(event.mac, mac, sizeof(event.mac));
	fixture->ports->state[slot].may_change_ms = 0;
	mac_learning_event(fixture->ports, &event);
}

static bool has(const struct port_fixture *fixture, uint32_t slot, const uint8_t mac[6])
{
	return memcmp(fixture->dp->ports[slot].mac, mac, 6) == 0;
}

Test(port_attached, the_first_source_is_the_address)
{
	struct port_fixture *fixture = three_ports();

	cr_expect(waits(fixture, PLAIN) && !waits(fixture, LEARNING) && waits(fixture, CHANGING));
	source(fixture, PLAIN, UL_EVENT_NEW_SOURCE, mac_a);
	cr_expect(has(fixture, PLAIN, mac_a));
	cr_expect_eq(fdb_slot(fixture, 10, mac_a), PLAIN);
	cr_expect_not(waits(fixture, PLAIN), "the programs drop other sources");
	source(fixture, PLAIN, UL_EVENT_NEW_SOURCE, mac_b);
	cr_expect(has(fixture, PLAIN, mac_a), "an event of before");
	source(fixture, CHANGING, UL_EVENT_NEW_SOURCE, mac_a);
	source(fixture, CHANGING, UL_EVENT_NEW_SOURCE, mac_b);
	cr_expect(has(fixture, CHANGING, mac_b) && waits(fixture, CHANGING),
		  "the group permits it");
	source(fixture, LEARNING, UL_EVENT_NEW_SOURCE, mac_a);
	cr_expect(mac_is_zero(fixture->dp->ports[LEARNING].mac));
	cr_expect_eq(fdb_slot(fixture, 11, mac_a), LEARNING);
	port_fixture_free(fixture);
}

Test(port_attached, after_its_absence_another_machine_may_have_come)
{
	struct port_fixture *fixture = three_ports();
	const struct ul_port *port = &fixture->dp->ports[PLAIN];

	source(fixture, PLAIN, UL_EVENT_NEW_SOURCE, mac_a);
	port_raise_life(fixture->dp, PLAIN);
	attached_restart(fixture->ports, PLAIN);
	cr_expect(has(fixture, PLAIN, mac_a) && waits(fixture, PLAIN));
	source(fixture, PLAIN, UL_EVENT_NEW_SOURCE, mac_b);
	cr_expect(has(fixture, PLAIN, mac_b));
	/* The same machine: its frame confirms, and the port waits no longer. */
	port_raise_life(fixture->dp, PLAIN);
	attached_restart(fixture->ports, PLAIN);
	port_set_seen(fixture->dp, PLAIN, port->life);
	source(fixture, PLAIN, UL_EVENT_NEW_SOURCE, mac_a);
	cr_expect(has(fixture, PLAIN, mac_b) && !waits(fixture, PLAIN));
	/* without another source */
	attached_restart(fixture->ports, PLAIN);
	attached_settle(fixture->ports, PLAIN);
	cr_expect_not(waits(fixture, PLAIN));
	attached_restart(fixture->ports, CHANGING);
	port_set_seen(fixture->dp, CHANGING, fixture->dp->ports[CHANGING].life);
	attached_settle(fixture->ports, CHANGING);
	cr_expect(waits(fixture, CHANGING), "that is the group's own flag");
	port_fixture_free(fixture);
}

Test(port_attached, no_address_of_another_is_taken)
{
	struct port_fixture *fixture = three_ports();

	put_port(fixture, 3, PLAIN, mac_b, 20);
	address_add_own(fixture->ports, 3);
	source(fixture, PLAIN, UL_EVENT_NEW_SOURCE, mac_b);
	cr_expect(mac_is_zero(fixture->dp->ports[PLAIN].mac), "of another port");
	port_fixture_free(fixture);
}

Test(port_attached, a_new_interface_begins_without_the_former_address)
{
	struct port_fixture *fixture = three_ports();
	struct link_info tap = { .kind = "tun", .mac = { 0xfe, 0x54, 0, 0, 0, 2 } };
	const struct link_info veth = { .kind = "veth", .mac = { 0xfe, 0x54, 0, 0, 0, 2 } };

	source(fixture, PLAIN, UL_EVENT_NEW_SOURCE, mac_a);
	address_remove_port(fixture->ports, PLAIN);
	attached_begin(fixture->ports, PLAIN, &veth);
	cr_expect(mac_is_zero(fixture->dp->ports[PLAIN].mac) && waits(fixture, PLAIN));
	attached_begin(fixture->ports, PLAIN, &tap);
	cr_expect(has(fixture, PLAIN, mac_b) && waits(fixture, PLAIN), "the hint");
	put_port(fixture, 3, PLAIN, mac_a, 20);
	address_add_own(fixture->ports, 3);
	tap.mac[5] = 1;
	attached_begin(fixture->ports, PLAIN, &tap);
	cr_expect(mac_is_zero(fixture->dp->ports[PLAIN].mac), "a guess must not take an address");
	port_fixture_free(fixture);
}

Test(port_attached, hint)
{
	static const struct {
		const char *kind;
		uint8_t mac[6];
		uint8_t expected; /* first byte; 1: no hint */
	} rows[] = {
		{ "tun", { 0xfe, 0x54, 0x00, 1, 2, 3 }, 0x52 },
		{ "tun", { 0xfe, 0x16, 0x3e, 1, 2, 3 }, 0x00 },
		{ "tun", { 0xfe, 0x16, 0x3f, 1, 2, 3 }, 1 },
		{ "tun", { 0x52, 0x54, 0x00, 1, 2, 3 }, 1 },
		{ "veth", { 0xfe, 0x54, 0x00, 1, 2, 3 }, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct link_info info = { 0 };
		uint8_t mac[6];
		bool found;

		snprintf(info.kind, sizeof(info.kind), "%s", rows[i].kind);
		memcpy(info.mac, rows[i].mac, 6);
		found = attached_hint(&info, mac);
		cr_expect_eq(found, rows[i].expected != 1, "row %zu", i);
		if (found)
			cr_expect(mac[0] == rows[i].expected &&
					  memcmp(&mac[1], &info.mac[1], 5) == 0,
				  "row %zu", i);
	}
}

Test(port_attached, which_ports_wait_when_they_are_filled)
{
	struct ul_group plain = { 0 }, learning = { .flags = UL_GROUP_LEARNING };
	struct ul_port port = { .flags = UL_PORT_ATTACHED, .mac = { 2 } };

	cr_expect_not(attached_waits(&port, &plain, false), "it has its address");
	cr_expect(attached_waits(&port, &plain, true));
	cr_expect_not(attached_waits(&port, &learning, true));
	port.vlan.group_flags = UL_GROUP_MAC_CHANGES;
	cr_expect(attached_waits(&port, &plain, false), "a restart meanwhile");
	port = (struct ul_port){ .mac = { 2 } };
	cr_expect(attached_waits(&port, &plain, false), "a configured port that is attached now");
}
