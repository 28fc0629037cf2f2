// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * libFuzzer entry: a daemon that finds pinned maps, a settings journal and events of programs with
 * rubbish in them. Input: a byte (1: the maps are of version 2), patches (maps_fake.h), the number
 * of records in the journal (one byte) and the records, then steps: a byte and what it needs.
 */
#include "kernel_fake.h"

#include "../unit/dataplane_fake.h"
#include "config/model.h"
#include "context/saved_settings.h"
#include "dataplane/journal.h"
#include "dataplane/set_v2.h"
#include "link/internal.h"
#include "maps_fake.h"
#include "port/internal.h"
#include "vswitch/internal.h"

#define PORTS 16
#define GROUPS 8
#define ROWS 64

struct world {
	struct dataplane_fake fake;
	struct vswitch vs;
	struct link_monitor *links;
	struct journal *journal;
};

static struct model *models[2];
static sd_event *event;

/* ---- surroundings ---- */
/* clang-format off */
static const char *const configurations[2] = {
	"switches:\n"
	"  - {name: sw, uplinks: [up0, up1], channel: lacp, port-groups: [\n"
	"    {name: prod, vlan: 100, security: {mac-learning: true}, ports: [{interface: vnet0, mac: \"52:54:00:00:00:01\"}, {interface: vnet1, mac: \"52:54:00:00:00:03\"}]},\n"
	"    {name: trunk, vlan: \"10,20\", ports: [{interface: vnet2, mac: \"52:54:00:00:00:02\"}]},\n"
	"    {name: host, ports: [{interface: vmk0, host: true, address: [192.0.2.1/24]}]}]}\n",
	"switches:\n"
	"  - {name: sw, uplinks: [up1, up2], channel: none, teaming: {active: [up1], standby: [up2]}, port-groups: [\n"
	"    {name: prod, vlan: 200, ports: [{interface: vnet2, mac: \"52:54:00:00:00:02\"}]},\n"
	"    {name: new, security: {promiscuous: true}, ports: [{interface: vnet0, mac: \"52:54:00:00:00:01\"}]}]}\n",
};
/* clang-format on */

static const char *const interfaces[] = { "up0", "up1", "up2", "vnet0", "vnet1", "vnet2", "vmk0" };
#define FIRST_IFINDEX 100001U

static const char *name_of(uint32_t ifindex)
{
	uint32_t i = ifindex - FIRST_IFINDEX;

	return i < ARRAY_SIZE(interfaces) ? interfaces[i] : NULL;
}

static struct link_info interface_at(uint32_t i)
{
	struct link_info info = { .ifindex = FIRST_IFINDEX + i,
				  .mtu = 1500,
				  .max_mtu = 9000,
				  .ethernet = true,
				  .admin_up = true,
				  .carrier = true,
				  .mac = { 2, 0, 0, 0, 0, (uint8_t)i } };

	snprintf(info.name, sizeof(info.name), "%s", interfaces[i]);
	snprintf(info.kind, sizeof(info.kind), "%s", i < 3 ? "" : "tun");
	if (i < 3)
		memcpy(info.permanent_mac, info.mac, 6);
	return info;
}

static void on_link(void *userdata, const struct link_info *info, unsigned int changes)
{
	struct world *world = userdata;

	if (world->vs.uplinks)
		vswitch_link_event(&world->vs, info, changes);
}

static void report(void *userdata, const char *switch_name, enum event_code code,
		   const char *object, const char *text)
{
	(void)userdata;
	CHECK(switch_name[0] && code < N_EVENT_CODES && strlen(object) < 256 && text[0]);
}

static int write_record(void *userdata, __u32 id, const struct ul_saved_settings *record)
{
	(void)userdata;
	(void)id;
	CHECK(memchr(record->name, 0, sizeof(record->name)));
	return 0;
}

static int erase_record(void *userdata, __u32 id)
{
	(void)userdata;
	(void)id;
	return 0;
}

static int announce(void *userdata, uint32_t ifindex, const uint8_t *frame, size_t length)
{
	(void)userdata;
	CHECK(ifindex && frame && length >= 14);
	return 0;
}

/* ---- rubbish ---- */
static void patch_maps(struct dataplane_fake *fake, struct input *input)
{
	static const struct {
		enum ul_map map;
		size_t value_size;
	} rows[] = {
		{ UL_MAP_UPLINKS, sizeof(struct ul_uplink) },
		{ UL_MAP_PORTS, sizeof(struct ul_port) },
		{ UL_MAP_GROUPS, sizeof(struct ul_group) },
		{ UL_MAP_POLICIES, sizeof(struct ul_policy) },
		{ UL_MAP_META, sizeof(struct ul_meta) },
		{ UL_MAP_VLANS, sizeof(struct ul_vlan) },
		{ UL_MAP_FDB, sizeof(struct ul_match_row) },
		{ UL_MAP_FDB_USE, sizeof(struct ul_use_row) },
		{ UL_MAP_IFACES, sizeof(struct ul_match_row) },
		{ UL_MAP_LACP_ANSWERS, sizeof(struct ul_lacp_answer) },
	};
	struct patched maps[ARRAY_SIZE(rows) + 1];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		maps[i] = (struct patched){ fake->dp.mapping[rows[i].map],
					    fake->dp.mapping_size[rows[i].map],
					    rows[i].value_size };
	maps[ARRAY_SIZE(rows)] =
		(struct patched){ fake->lacp, sizeof(fake->lacp), sizeof(fake->lacp[0]) };
	apply_patches(maps, ARRAY_SIZE(maps), input);
}

#define PATCHED(array, n) ((struct patched){ (array), (n) * sizeof(*(array)), sizeof(*(array)) })

/* As of set_v2_open(), which ends the names. */
static struct set_v2 *make_v2(struct input *input)
{
	struct set_v2 *set = calloc(1, sizeof(*set));
	struct patched maps[8];

	CHECK(set);
	*set = (struct set_v2){ .meta = { .abi_version = UL_ABI_VERSION_V2, .n_uplinks = 2 },
				.uplinks = calloc(UL_MAX_UPLINKS_V2, sizeof(*set->uplinks)),
				.ports = calloc(PORTS, sizeof(*set->ports)),
				.groups = calloc(GROUPS, sizeof(*set->groups)),
				.policies = calloc(UL_MAX_POLICIES_V2, sizeof(*set->policies)),
				.fdb = calloc(ROWS, sizeof(*set->fdb)),
				.answers = calloc(UL_MAX_UPLINKS_V2, sizeof(*set->answers)),
				.lacp = calloc(UL_MAX_UPLINKS_V2, sizeof(*set->lacp)),
				.n_ports = PORTS,
				.n_groups = GROUPS,
				.n_fdb_rows = ROWS,
				.stats_fd = -1 };
	maps[0] = PATCHED(set->uplinks, UL_MAX_UPLINKS_V2);
	maps[1] = PATCHED(set->ports, PORTS);
	maps[2] = PATCHED(set->groups, GROUPS);
	maps[3] = PATCHED(set->policies, UL_MAX_POLICIES_V2);
	maps[4] = PATCHED(&set->meta, 1);
	maps[5] = PATCHED(set->fdb, ROWS);
	maps[6] = PATCHED(set->answers, UL_MAX_UPLINKS_V2);
	maps[7] = PATCHED(set->lacp, UL_MAX_UPLINKS_V2);
	apply_patches(maps, ARRAY_SIZE(maps), input);
	set_v2_end_names(set);
	return set;
}

/* 0, or a negative errno as of a start that does not use the maps. */
static int find_maps(struct world *world, struct input *input)
{
	struct set_v2 *set;
	int r;

	if (!(take(input) & 1)) {
		patch_maps(&world->fake, input);
		CHECK(table_repair(&world->fake.dp.ifaces) == 0);
		CHECK(table_repair(&world->fake.dp.fdb) == 0);
		return set_check(&world->fake.dp);
	}
	set = make_v2(input);
	r = set_v2_check(set);
	if (r == 0)
		r = set_v2_note_settings(set, world->journal);
	if (r == 0)
		r = set_v2_carry_over(set, &world->fake.dp);
	set_v2_close(set);
	return r;
}

static void take_records(struct world *world, struct input *input)
{
	for (uint8_t n = take(input) % 8; n; n--) {
		struct ul_saved_settings record;

		take_bytes(input, &record, sizeof(record));
		CHECK(journal_take(world->journal, 0xffffffffU - n, &record) == 0);
	}
}

/* ---- steps ---- */
/* A set that this daemon has applied is one that the next daemon adopts. */
static void apply(struct world *world, const struct switch_cfg *cfg)
{
	world->vs.context.cfg = cfg;
	(void)vswitch_apply_all(&world->vs);
	CHECK(set_check(&world->fake.dp) == 0);
}

static void program_event(struct world *world, struct input *input)
{
	struct ul_event event_;

	take_bytes(input, &event_, sizeof(event_));
	mac_learning_event(world->vs.ports, &event_);
}

static void change_link(struct world *world, uint8_t which)
{
	struct link_info info = interface_at(which % ARRAY_SIZE(interfaces));

	if (which & 0x80) {
		(void)link_table_remove(&world->links->table, info.ifindex);
	} else {
		info.carrier = which & 0x40;
		info.admin_up = which & 0x20;
		(void)link_table_update(&world->links->table, &info);
	}
	link_deliver(world->links);
}

static void step(struct world *world, struct input *input)
{
	uint8_t what = take(input);

	switch (what % 8) {
	case 0:
	case 1:
		apply(world, &models[what % 2]->switches[0]);
		break;
	case 2:
		program_event(world, input);
		break;
	case 3:
		change_link(world, take(input));
		break;
	case 4:
		saved_settings_sweep(&world->vs.context);
		break;
	case 5:
		(void)vswitch_drain(&world->vs, interfaces[(what >> 3) % 3], what & 0x80);
		break;
	case 6:
		(void)saved_settings_restore_all(&world->vs.context);
		break;
	case 7:
		(void)vswitch_uplink_is_usable(&world->vs, interfaces[(what >> 3) % 3]);
		CHECK(vswitch_count_ports(&world->vs) <= PORTS);
		ports_guard(world->vs.ports);
		break;
	}
	for (int i = 0; i < 4 && sd_event_run(event, 0) > 0; i++)
		;
}

static void run(struct world *world, struct input *input)
{
	world->vs = (struct vswitch){ .context = {
					      .name = "sw",
					      .cfg = &models[0]->switches[0],
					      .dp = &world->fake.dp,
					      .links = world->links,
					      .errors = &world->fake.errors,
					      .report = report,
					      .userdata = world,
					      .event = event,
					      .journal = world->journal,
				      } };
	CHECK(vswitch_compose(&world->vs, NULL, announce, world) == 0);
	CHECK(world->vs.ports->ages || mac_ages_new(&world->vs.ports->ages) == 0);
	apply(world, &models[0]->switches[0]);
	for (int i = 0; input->left && i < 32; i++)
		step(world, input);
	CHECK(set_check(&world->fake.dp) == 0);
	vswitch_decompose(&world->vs);
}

static void start(void)
{
	CHECK(sd_event_new(&event) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(models); i++)
		CHECK(config_parse(configurations[i], strlen(configurations[i]), "fuzz", &models[i],
				   NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world world;
	struct input input = { .at = data, .left = size }, nothing = { .at = data };
	const struct journal_store store = { write_record, erase_record, NULL };

	if (!event)
		start();
	memset(&world.vs, 0, sizeof(world.vs));
	kernel.input = &nothing;
	kernel.ends_in_success = true;
	kernel.name_of = name_of;
	dataplane_fake_init(&world.fake, PORTS, GROUPS);
	world.journal = journal_new(&store);
	CHECK(world.journal);
	CHECK(link_monitor_new(event, on_link, &world, &world.links) == 0);
	for (uint32_t i = 0; i < ARRAY_SIZE(interfaces); i++) {
		struct link_info info = interface_at(i);

		CHECK(link_table_update(&world.links->table, &info) == 1);
	}
	link_deliver(world.links);
	if (find_maps(&world, &input) == 0) {
		take_records(&world, &input);
		run(&world, &input);
	}
	link_monitor_free(world.links);
	journal_free(world.journal);
	dataplane_fake_done(&world.fake);
	return 0;
}
