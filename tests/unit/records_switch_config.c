// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The switch configuration of each vendor against tests/unit/data/switch-config/VENDOR.txt, which
 * has five situations. A difference is left in build/VENDOR.txt for comparison. */
#include "lacp_fake.h"
#include "record_shapes.h"
#include "records/switch_config.h"

TestSuite(switch_config, .timeout = 300);

static struct fake fake;
static struct view view;

static void trunk_group(uint32_t index, const char *name)
{
	fake_group(&fake, index, name, 100, 0);
	fake.groups[index].vlan_mode = UL_VLAN_VGT;
	fake.groups[index].vid = UL_VLAN_TRUNK;
	for (uint32_t vid = 200; vid <= 210; vid++)
		fake.groups[index].vlans[vid / 64] |= 1ULL << vid % 64;
}

static void static_trunk(void)
{
	fake_init(&fake, 2);
	trunk_group(1, "firewall");
}

static void lacp_native_jumbo(void)
{
	fake_lacp(&fake);
	fake.meta.mtu = 9000;
	fake_group(&fake, 1, "native", 0, 0);
	fake.policies[0].method = UL_M_SRC_DST_IP_PORT;
}

static void independent_untagged(void)
{
	fake_init(&fake, 2);
	fake.meta.channel = UL_CHANNEL_NONE;
	fake_group(&fake, 0, "prod", 0, 0);
	fake.policies[0].method = UL_M_PORT_ID;
}

/* The ports lead to two devices, as LLDP reports. */
static void two_devices(void)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct ul_neighbour *neighbour = &fake.lacp_ports[i].neighbour;

		snprintf(neighbour->device, sizeof(neighbour->device), "leaf%u", i + 1);
		strcpy(neighbour->port, "Ethernet1/7");
	}
}

static void mlag_slow(void)
{
	fake_lacp(&fake);
	two_devices();
	for (uint32_t i = 0; i < 2; i++)
		fake.lacp_ports[i].actor.state &= (uint8_t)~LACP_TIMEOUT;
	fake.policies[0].method = UL_M_SRC_DST_MAC;
}

static void mlag_static(void)
{
	fake_init(&fake, 2);
	two_devices();
}

static const struct {
	const char *name;
	void (*make)(void);
	const char *ports; /* NULL: as heard */
} situations[] = {
	{ "static channel, VLANs 100 and 200-210", static_trunk, "Gi1/0/1,Gi1/0/2" },
	{ "LACP, fast, untagged and VLAN 100, MTU 9000", lacp_native_jumbo, "Gi1/0/1,Gi1/0/2" },
	{ "no channel, untagged only", independent_untagged, NULL },
	{ "LACP, slow, two devices", mlag_slow, NULL },
	{ "static channel, two devices", mlag_static, NULL },
};

static char *generate(const struct vendor *vendor)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	cr_assert(out);
	for (size_t i = 0; i < ARRAY_SIZE(situations); i++) {
		_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;
		struct peer_port ports[UL_MAX_UPLINKS] = {};
		const char *devices[UL_MAX_UPLINKS];

		situations[i].make();
		snapshot = take_snapshot(&fake, &view);
		peer_ports_heard(snapshot, ports);
		if (situations[i].ports)
			cr_assert_eq(peer_ports_parse(snapshot, situations[i].ports, ports, NULL),
				     0);
		fprintf(out, "==== %s\n", situations[i].name);
		for (size_t d = 0, n = peer_devices(snapshot, ports, devices); d < n; d++)
			cr_assert_eq(switch_config_write(snapshot, vendor, ports, devices[d], 1,
							 out),
				     0);
	}
	fclose(out);
	return text;
}

static char *read_file(const char *path)
{
	char *text = calloc(1, 65536);
	_cleanup_fclose_ FILE *file = fopen(path, "re");

	cr_assert(text);
	if (file)
		text[fread(text, 1, 65535, file)] = '\0';
	return text;
}

Test(switch_config, golden_files)
{
	size_t n;
	const struct vendor *all = vendors(&n);

	cr_expect_eq(n, 6);
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *text = generate(&all[i]), *golden = NULL;
		char path[128];

		snprintf(path, sizeof(path), "tests/unit/data/switch-config/%s.txt", all[i].name);
		golden = read_file(path);
		if (strcmp(text, golden) == 0)
			continue;
		cr_expect_fail("%s differs", path);
		snprintf(path, sizeof(path), "build/%s.txt", all[i].name);
		_cleanup_fclose_ FILE *out = fopen(path, "we");

		if (out)
			fputs(text, out);
	}
}

Test(switch_config, no_placeholder_is_left)
{
	size_t n;
	const struct vendor *all = vendors(&n);

	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *text = generate(&all[i]);

		cr_expect_not(strpbrk(text, "{}"), "%s", all[i].name);
		cr_expect_eq(vendor_find(all[i].name), &all[i]);
	}
	cr_expect_null(vendor_find("cisco"));
}

/* A neighbour chooses these texts, and an operator pastes the result. */
Test(switch_config, hostile_names_of_neighbours_stay_placeholders)
{
	static const char *const hostile[] = {
		"Gi1/0/1 no aaa", "Gi1;reload", "$(reboot)", "a\nb", "", "[find]", "é"
	};
	struct peer_port ports[UL_MAX_UPLINKS];

	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		fake_init(&fake, 1);
		strcpy(fake.lacp_ports[0].neighbour.port, hostile[i]);
		strcpy(fake.lacp_ports[0].neighbour.device, hostile[i]);
		_cleanup_(snapshot_freep) struct snapshot *snapshot = take_snapshot(&fake, &view);

		peer_ports_heard(snapshot, ports);
		cr_expect_str_eq(ports[0].port, "PORT-eth0", "%s", hostile[i]);
		cr_expect_str_eq(ports[0].device, "", "%s", hostile[i]);
	}
	/* a name without its NUL */
	memset(fake.lacp_ports[0].neighbour.port, 'x', sizeof(fake.lacp_ports[0].neighbour.port));
	_cleanup_(snapshot_freep) struct snapshot *snapshot = take_snapshot(&fake, &view);

	peer_ports_heard(snapshot, ports);
	cr_expect_eq(strlen(ports[0].port), 63);
}

Test(switch_config, ports_given_by_the_operator)
{
	/* clang-format off */
	static const struct { const char *list, *first, *device; /* NULL: refused */ } rows[] = {
		{ "Gi1/0/1,Gi1/0/2", "Gi1/0/1", "" }, { "Eth1/1@leaf1,Eth1/1@leaf2", "Eth1/1", "leaf1" },
		{ ",Gi1/0/2", "PORT-eth0", "" }, { "et-0/0/0:1,b", "et-0/0/0:1", "" },
		{ "Gi1/0/1", NULL, NULL }, { "a,b,c", NULL, NULL }, { "", NULL, NULL }, { "a b,c", NULL, NULL },
		{ "a@,b", NULL, NULL }, { "@leaf,b", NULL, NULL }, { "a;b,c", NULL, NULL },
		{ "a@b@c,d", NULL, NULL },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,b", NULL, NULL },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(errors_done) struct errors errors = {};
		struct peer_port ports[UL_MAX_UPLINKS];

		fake_init(&fake, 2);
		_cleanup_(snapshot_freep) struct snapshot *snapshot = take_snapshot(&fake, &view);

		peer_ports_heard(snapshot, ports);
		int r = peer_ports_parse(snapshot, rows[i].list, ports, &errors);

		cr_expect_eq(r, rows[i].first ? 0 : -EINVAL, "'%s': %d", rows[i].list, r);
		cr_expect_eq(errors.n, rows[i].first ? 0 : 1, "'%s'", rows[i].list);
		cr_expect_str_eq(ports[0].port, rows[i].first ? rows[i].first : "PORT-eth0", "'%s'",
				 rows[i].list);
		if (rows[i].first)
			cr_expect_str_eq(ports[0].device, rows[i].device, "'%s'", rows[i].list);
	}
}
