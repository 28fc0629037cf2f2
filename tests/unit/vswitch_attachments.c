// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Port groups by VLAN, and the attached ports of a model. What is attached by the kernel's bridges
 * is in tests/netns/test_attachment.py and vmtest/peers. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "common/util.h"
#include "config/value.h"
#include "vswitch/attachments.h"

#define CONFIG                                                                        \
	"switches:\n- name: vs\n  uplinks: [eth0]\n  bridge: vmbr0\n  port-groups:\n" \
	"  - {name: access-10, vlan: 10}\n"                                           \
	"  - {name: native}\n"                                                        \
	"  - {name: second-10, vlan: 10}\n"                                           \
	"  - {name: one, vlan: 1, bridge: br-one}\n"                                  \
	"  - {name: pair, vlan: \"20,30\"}\n"                                         \
	"  - {name: pair-native, vlan: \"0,20,40-42\"}\n"                             \
	"  - {name: all, vlan: 4095}\n"

static struct model *parse(const char *text)
{
	struct model *model = NULL;

	cr_assert_eq(config_parse(text, strlen(text), "t.yaml", &model, NULL), 0);
	return model;
}

static void put(uint64_t list[UL_N_VLANS / 64], const char *vlans)
{
	unsigned int first, last;
	int n;

	for (; sscanf(vlans, "%u-%u%n", &first, &last, &n) == 2; vlans += n + (vlans[n] == ','))
		for (unsigned int vid = first; vid <= last; vid++)
			list[vid / 64] |= 1ULL << (vid % 64);
}

Test(vswitch_attachments, port_group_by_vlan)
{
	static const struct {
		uint16_t pvid, default_pvid;
		const char *untagged, *tagged;
		const char *group, *reason;
	} rows[] = {
		{ 10, 1, "10-10", "", "access-10", NULL },
		{ 1, 1, "1-1", "", "one", NULL },
		{ 5, 5, "5-5", "", "native", NULL },
		{ 5, 1, "5-5", "", NULL, "vs has no port group for its PVID 5" },
		{ 0, 1, "", "", NULL, "it has no VLAN in the bridge" },
		{ 10, 1, "10-11", "", NULL, "VLAN 11-11 is untagged in addition to the PVID" },
		{ 0, 1, "", "20-20,30-30", "pair", NULL },
		{ 1, 1, "1-1", "20-20,30-30", "pair", NULL },
		{ 1, 1, "1-1", "20-20,40-42", "pair-native", NULL },
		{ 0, 1, "", "20-20,40-42", NULL,
		  "vs has no trunk group with exactly its VLANs 20,40-42" },
		{ 1, 1, "1-1", "20-20", NULL,
		  "vs has no trunk group with exactly its VLANs 20-20" },
		{ 1, 1, "1-1", "20-21,30-30", NULL,
		  "vs has no trunk group with exactly its VLANs 20-21,30" },
		{ 1, 1, "1-1", "2-4094", "all", NULL },
		{ 1, 1, "1-1", "2-4093", NULL,
		  "vs has no trunk group with exactly its VLANs 2-4093" },
		{ 10, 1, "10-10", "20-20,30-30", NULL,
		  "it has the PVID 10 and the tagged VLANs 20,30; a trunk port has its untagged frames in VLAN 1" },
	};
	struct model *model = parse(CONFIG);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct link_bridge_port port = { .ifindex = 3, .pvid = rows[i].pvid };
		char reason[ATTACHMENT_REASON_LEN] = "";
		const struct group_cfg *group;

		put(port.untagged, rows[i].untagged);
		put(port.tagged, rows[i].tagged);
		group = attachments_choose_group(&model->switches[0], &port, rows[i].default_pvid,
						 reason);
		if (rows[i].group) {
			cr_expect(group, "row %zu: %s", i, reason);
			if (group)
				cr_expect_str_eq(group->name, rows[i].group, "row %zu", i);
		} else {
			cr_expect_null(group, "row %zu", i);
			cr_expect_str_eq(reason, rows[i].reason, "row %zu: %s", i, reason);
		}
	}
	model_free(model);
}

static void attach(struct model *model, const char *group, const char *interface)
{
	struct port_cfg port = { .runtime = true, .attached = true };

	snprintf(port.interface, sizeof(port.interface), "%s", interface);
	cr_assert_eq(model_add_port(model, "vs", group, &port, NULL), 0);
}

Test(vswitch_attachments, attached_ports_are_compared_and_removed)
{
	struct model *a = parse(CONFIG), *b = parse(CONFIG);
	struct port_cfg added = {
		.interface = "tap9", .runtime = true, .has_mac = true, .mac = { 2 }
	};

	cr_expect(attachments_any(a) && attachments_equal(a, b));
	attach(a, "one", "tap0");
	attach(a, "one", "tap1");
	cr_expect_not(attachments_equal(a, b));
	attach(b, "one", "tap1");
	attach(b, "one", "tap0");
	cr_expect(attachments_equal(a, b), "their order does not count");
	cr_assert_eq(model_add_port(a, "vs", "one", &added, NULL), 0);
	cr_expect(attachments_equal(a, b), "added by uplinkctl");
	model_remove_attached(b);
	attach(b, "native", "tap0");
	attach(b, "one", "tap1");
	cr_expect_not(attachments_equal(a, b), "another group");
	model_remove_attached(a);
	cr_expect_eq(a->switches[0].groups[3].n_ports, 1);
	cr_expect_str_eq(a->switches[0].groups[3].ports[0].interface, "tap9");
	model_free(a);
	model_free(b);
}

static void note_bridge(void *userdata, const struct switch_cfg *sw, const char *bridge,
			bool vlan_aware)
{
	char *text = userdata;

	sprintf(text + strlen(text), "%s:%s:%d ", sw->name, bridge, vlan_aware);
}

Test(vswitch_attachments, all_bridges)
{
	struct model *model = parse(CONFIG);
	char text[128] = "";

	attachments_for_each_bridge(model, note_bridge, text);
	cr_expect_str_eq(text, "vs:vmbr0:1 vs:br-one:0 ");
	model_free(model);
}
