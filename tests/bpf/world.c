// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "world.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "dataplane/clock.h"
#include "flow_hash.h"
#include "loaded.h"
#include "model_ownership.h"
#include "teaming/policy.h"

#define TCX_INGRESS 46 /* enum bpf_attach_type; libbpf 1.1 has no name for it */

void world_command(const char *format, ...)
{
	char command[4096];
	va_list ap;
	int r;

	va_start(ap, format);
	r = vsnprintf(command, sizeof(command), format, ap);
	va_end(ap);
	cr_assert(r > 0 && (size_t)r < sizeof(command));
	cr_assert_eq(system(command), 0, "failed: %s", command);
}

/* ---- namespace and interfaces ---- */
/* Until then the kernel has given a new interface no queue, and drops what is sent by it. */
static void await_running(const char *name)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {};

	cr_assert_geq(fd, 0);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	do {
		cr_assert_eq(ioctl(fd, SIOCGIFFLAGS, &request), 0, "%s: %s", name, strerror(errno));
	} while (!(request.ifr_flags & IFF_RUNNING) && usleep(1000) == 0);
	close(fd);
}

/* Of an interface that runs. */
static uint32_t index_of(const char *kind, int number)
{
	char name[IFNAMSIZ];
	uint32_t index;

	snprintf(name, sizeof(name), "%s%d", kind, number);
	index = if_nametoindex(name);
	cr_assert_neq(index, 0, "no interface %s", name);
	await_running(name);
	return index;
}

static void add_pair(FILE *batch, const char *near, const char *far, int number)
{
	fprintf(batch,
		"link add %s%d mtu %d numtxqueues 1 numrxqueues 1 type veth peer name %s%d mtu %d numtxqueues 1 numrxqueues 1\n",
		near, number, SW_MTU, far, number, SW_MTU);
	fprintf(batch, "link set %s%d up arp off promisc on\nlink set %s%d up arp off promisc on\n",
		near, number, far, number);
}

static void make_namespace(struct world *world)
{
	FILE *batch;
	cpu_set_t one;
	int fd;

	cr_assert_eq(geteuid(), 0, "these tests need root");
	cr_assert_eq(unshare(CLONE_NEWNET), 0, "unshare: %s", strerror(errno));
	/* On one CPU the frames of a test come out in the order in which they went in. */
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);

	fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		cr_assert_eq(write(fd, "1", 1), 1);
		close(fd);
	}
	batch = popen("ip -batch -", "w");
	cr_assert(batch);
	fprintf(batch, "link set lo up\n");
	for (int i = 0; i < SW_UPLINKS; i++)
		add_pair(batch, "u", "w", i);
	for (int i = 0; i < SW_PORTS; i++)
		add_pair(batch, "p", "m", i);
	add_pair(batch, "n", "o", 0);
	cr_assert_eq(pclose(batch), 0, "ip -batch failed");

	for (int i = 0; i < SW_UPLINKS; i++) {
		world->uplink_if[i] = index_of("u", i);
		world->wire_if[i] = index_of("w", i);
	}
	for (int i = 0; i < SW_PORTS; i++) {
		world->port_if[i] = index_of("p", i);
		world->machine_if[i] = index_of("m", i);
	}
	world->stranger_if = index_of("n", 0);
	world->stranger_far_if = index_of("o", 0);
}

uint32_t world_ifindex(const struct world *world, uint32_t endpoint)
{
	if (endpoint == UL_ENDPOINT_NONE)
		return world->stranger_if;
	return endpoint < UL_ENDPOINT_PORT0 ? world->uplink_if[endpoint] :
					      world->port_if[endpoint - UL_ENDPOINT_PORT0];
}

/* ---- programs ---- */
static void attach_tc(int program_fd, uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = program_fd);
	int fd = bpf_link_create(program_fd, (int)ifindex, (enum bpf_attach_type)TCX_INGRESS, NULL);

	if (fd >= 0) /* stays open as long as the process lives */
		return;
	cr_assert_eq(bpf_tc_hook_create(&hook), 0);
	cr_assert_eq(bpf_tc_attach(&hook, &opts), 0, "cannot attach to interface %u", ifindex);
}

static void attach_xdp(int program_fd, uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	int fd = bpf_link_create(program_fd, (int)ifindex, BPF_XDP, &opts);

	cr_assert_geq(fd, 0, "XDP on interface %u: %s", ifindex, strerror(-fd));
}

/* A veth takes redirected frames only when its far end polls, which a program there brings about.
 */
static void make_machine_poll(struct world *world, uint32_t port)
{
	static const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = BPF_F_XDP_HAS_FRAGS);
	int fd;

	if (world->machine_has_xdp[port])
		return;
	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", "GPL", pass, 2, &opts);
	cr_assert_geq(fd, 0);
	attach_xdp(fd, world->machine_if[port]);
	close(fd);
	world->machine_has_xdp[port] = true;
}

static int take_event(void *userdata, void *data, size_t size)
{
	struct world *world = userdata;

	cr_assert_eq(size, sizeof(struct ul_event));
	if (world->n_events < WORLD_MAX_EVENTS)
		memcpy(&world->event[world->n_events++], data, size);
	return 0;
}

static void load_programs(struct world *world)
{
	struct uplinkd_bpf *skel;

	world->n_cpus = libbpf_num_possible_cpus();
	world->skel = skel = loaded_programs(world->flags & WORLD_FLOOD_LIMIT, world->n_cpus);
	world->meta = loaded_map_memory(skel->maps.ul_meta);
	world->uplinks = loaded_map_memory(skel->maps.ul_uplinks);
	world->ports = loaded_map_memory(skel->maps.ul_ports);
	world->groups = loaded_map_memory(skel->maps.ul_groups);
	world->policies = loaded_map_memory(skel->maps.ul_policies);
	world->vlans = loaded_map_memory(skel->maps.ul_vlans);
	world->sent = loaded_map_memory(skel->maps.ul_sent);
	world->outside = loaded_map_memory(skel->maps.ul_outside);
	world->flooded = loaded_map_memory(skel->maps.ul_flooded);
	world->fdb = (struct table){ .rows = loaded_map_memory(skel->maps.ul_fdb),
				     .use = loaded_map_memory(skel->maps.ul_fdb_use),
				     .seed = SEED,
				     .mask = FDB_BUCKETS - 1 };
	world->ifaces = (struct table){ .rows = loaded_map_memory(skel->maps.ul_ifaces),
					.seed = SEED,
					.mask = IFACE_BUCKETS - 1 };
	world->ring = ring_buffer__new(bpf_map__fd(skel->maps.ul_events), take_event, world, NULL);
	cr_assert(world->ring);
	world->stats_buffer =
		calloc((size_t)world->n_cpus * WORLD_ENDPOINTS, sizeof(struct ul_stats));
	cr_assert(world->stats_buffer);
}

struct world *world_new(uint32_t flags)
{
	struct world *world = calloc(1, sizeof(*world));

	cr_assert(world);
	world->flags = flags;
	world->capture_fd = world->send_fd = world->send_gso_fd = -1;
	make_namespace(world);
	load_programs(world);
	for (int i = 0; i < SW_UPLINKS; i++) {
		if (flags & WORLD_XDP)
			attach_xdp(bpf_program__fd(world->skel->progs.uplink_xdp),
				   world->uplink_if[i]);
		if (flags & WORLD_TC)
			attach_tc(bpf_program__fd(world->skel->progs.uplink_tc),
				  world->uplink_if[i]);
	}
	if (flags & WORLD_TC) {
		for (int i = 0; i < SW_PORTS; i++)
			attach_tc(bpf_program__fd(world->skel->progs.port_tc), world->port_if[i]);
		attach_tc(bpf_program__fd(world->skel->progs.port_tc), world->stranger_if);
	}
	return world;
}

void world_attach_port(struct world *world, uint32_t ifindex)
{
	attach_tc(bpf_program__fd(world->skel->progs.port_tc), ifindex);
}

void world_free(struct world *world)
{
	(void)ring_buffer__consume(world->ring);
	ring_buffer__free(world->ring);
	free(world->stats_buffer);
	free(world);
}

uint64_t world_find_netdev(struct world *world, uint32_t ifindex)
{
	struct ul_netdev_query query = { .ifindex = ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &query, .ctx_size_in = sizeof(query));
	int r = bpf_prog_test_run_opts(bpf_program__fd(world->skel->progs.netdev_find), &opts);

	cr_assert_eq(r, 0, "netdev_find: %s", strerror(-r));
	return query.netdev;
}

/* ---- maps ---- */
static int forget(void *userdata, uint64_t key, uint32_t value)
{
	return table_remove(userdata, key);
}

static void clear_maps(struct world *world)
{
	int members = bpf_map__fd(world->skel->maps.ul_members);
	struct ul_member_key key;

	memset(world->uplinks, 0, sizeof(*world->uplinks) * UL_MAX_UPLINKS);
	memset(world->ports, 0, sizeof(*world->ports) * MAX_PORTS);
	memset(world->groups, 0, sizeof(*world->groups) * MAX_GROUPS);
	memset(world->policies, 0, sizeof(*world->policies) * UL_MAX_POLICIES);
	memset(world->vlans, 0, sizeof(*world->vlans) * UL_N_VLANS);
	cr_assert_eq(table_foreach(&world->fdb, forget, &world->fdb), 0);
	cr_assert_eq(table_foreach(&world->ifaces, forget, &world->ifaces), 0);
	while (bpf_map_get_next_key(members, NULL, &key) == 0)
		bpf_map_delete_elem(members, &key);
}

void world_apply_uplinks(struct world *world, const struct sw *sw)
{
	for (uint32_t i = 0; i < sw->n_uplinks; i++) {
		struct ul_uplink *uplink = &world->uplinks[i];

		uplink->ifindex = sw->uplink[i].absent ? 0 : world->uplink_if[i];
		uplink->flags = (sw->uplink[i].send ? UL_UP_SEND : 0) |
				(sw->uplink[i].receive ? UL_UP_RECEIVE : 0) |
				(sw->uplink[i].drained ? UL_UP_DRAINED : 0);
		if (world->flags & WORLD_NETDEV && !sw->uplink[i].absent)
			uplink->netdev = world_find_netdev(world, world->uplink_if[i]);
		uplink->max_frame = SW_MTU + 18;
		snprintf(uplink->name, sizeof(uplink->name), "u%u", i);
	}
}

/* The daemon's own arithmetic; the model does without it. */
static void apply_policy(const struct sw *sw, const struct sw_policy *from, struct ul_policy *to)
{
	struct teaming teaming = {
		.method = from->method,
		.modulo = from->modulo,
		.last_octet = from->flags & UL_POLICY_LAST_OCTET,
		.n_active = from->n_active,
		.n_standby = from->n_members - from->n_active,
	};
	uint32_t usable = 0, draining = 0;

	if (!from->n_active)
		return;
	memcpy(teaming.active, from->member, from->n_active);
	memcpy(teaming.standby, from->member + from->n_active, teaming.n_standby);
	for (uint32_t p = 0; p < from->n_members; p++)
		usable |= (sw_known_alive(from) >> p & 1) << from->member[p];
	for (uint32_t i = 0; i < sw->n_uplinks; i++)
		draining |= (uint32_t)sw->uplink[i].drained << i;
	policy_build(&teaming,
		     from->flags & UL_POLICY_ANY_UPLINK ? UL_CHANNEL_STATIC : UL_CHANNEL_NONE,
		     usable, draining, to);
}

static void apply_group(struct world *world, uint32_t index, const struct sw_group *from)
{
	struct ul_group *to = &world->groups[index];

	to->flags = UL_GROUP_USED | from->flags;
	to->vlan_mode = (uint16_t)from->mode;
	to->policy = from->policy;
	to->vid = from->mode == UL_VLAN_VGT ? UL_VLAN_TRUNK :
		  from->mode == UL_VLAN_VST ? from->vid :
					      0;
	if (from->mode != UL_VLAN_VGT) {
		world->vlans[to->vid].flags |= UL_VLAN_ACCESS;
		return;
	}
	memcpy(to->vlans, from->vlans, sizeof(to->vlans));
	for (uint32_t v = 0; v < UL_VLAN_TRUNK; v++)
		if (sw_list_has(from, (uint16_t)v))
			world->vlans[v].flags |= UL_VLAN_TRUNKED;
}

static void apply_port(struct world *world, uint32_t slot, const struct sw *sw)
{
	const struct sw_port *from = &sw->port[slot];
	const struct sw_group *group = &sw->group[from->group];
	uint16_t vid = world->groups[from->group].vid;
	struct ul_port *to = &world->ports[slot];
	struct ul_member_key key = { .vid = vid, .place = (uint16_t)world->vlans[vid].n_members };

	to->flags = UL_PORT_USED | (from->xdp ? UL_PORT_XDP : 0) |
		    (from->xdp_tcp ? UL_PORT_XDP_TCP : 0) | (from->no_carrier ? UL_PORT_ABSENT : 0);
	to->ifindex = from->absent ? 0 : world->port_if[slot];
	to->group = from->group;
	to->policy = world->groups[from->group].policy;
	to->vlan = (struct ul_port_vlan){ .mode = world->groups[from->group].vlan_mode,
					  .vid = vid,
					  .group_flags = world->groups[from->group].flags };
	to->number = from->number;
	to->max_frame = from->max_frame;
	memcpy(to->mac, from->mac, 6);
	snprintf(to->name, sizeof(to->name), "p%u", slot);
	cr_assert_eq(bpf_map_update_elem(bpf_map__fd(world->skel->maps.ul_members), &key, &slot,
					 BPF_ANY),
		     0);
	world->vlans[vid].n_members++;
	if (!from->absent || from->leaving)
		cr_assert_eq(table_set(&world->fdb, ul_fdb_key(vid, from->mac), slot), 0);
	if (!from->absent)
		cr_assert_eq(table_set(&world->ifaces, ul_iface_key(world->port_if[slot]),
				       UL_ENDPOINT_PORT0 + slot),
			     0);
	if (from->xdp && !from->absent) {
		if (world->flags & WORLD_TC)
			make_machine_poll(world, slot);
		cr_assert_eq(bpf_map_update_elem(bpf_map__fd(world->skel->maps.ul_devmap), &slot,
						 &world->port_if[slot], BPF_ANY),
			     0);
	} else {
		bpf_map_delete_elem(bpf_map__fd(world->skel->maps.ul_devmap), &slot);
	}
	if (!(group->flags & (UL_GROUP_PROMISCUOUS | UL_GROUP_LEARNING)))
		return;
	for (uint32_t v = 0; v < UL_VLAN_TRUNK; v++)
		if (group->mode == UL_VLAN_VGT ? sw_list_has(group, (uint16_t)v) : v == vid)
			world->vlans[v].flags |= UL_VLAN_NEEDS_COPIES;
}

/* The daemon's key of a learned address. */
static uint64_t learned_key(const struct sw *sw, uint32_t i)
{
	const struct sw_learned *learned = &sw->learned[i];
	const struct sw_group *group = &sw->group[sw->port[learned->port].group];
	uint32_t vid = model_own_vid(group);

	if (group->mode == UL_VLAN_VGT)
		vid = sw->ownership ? learned->vid | (learned->service ? UL_VID_SERVICE : 0) :
				      UL_VLAN_TRUNK;
	return ul_fdb_key(vid, learned->mac);
}

void world_apply(struct world *world, const struct sw *sw)
{
	clear_maps(world);
	world->meta->abi_version = UL_ABI_VERSION;
	world->meta->n_uplinks = sw->n_uplinks;
	world_apply_uplinks(world, sw);
	for (uint32_t i = 0; i < sw->n_uplinks; i++)
		if (!sw->uplink[i].absent)
			cr_assert_eq(
				table_set(&world->ifaces, ul_iface_key(world->uplink_if[i]), i), 0);
	for (uint32_t i = 0; i < sw->n_policies; i++)
		apply_policy(sw, &sw->policy[i], &world->policies[i]);
	for (uint32_t u = 0; u < sw->n_uplinks; u++) {
		bool for_all = true;

		for (uint32_t i = 0; i < sw->n_policies; i++)
			for_all = for_all && world->policies[i].in_use >> u & 1;
		world->uplinks[u].flags |= for_all ? UL_UP_FOR_ALL : 0;
	}
	for (uint32_t i = 0; i < sw->n_groups; i++)
		apply_group(world, i, &sw->group[i]);
	for (uint32_t i = 0; i < sw->n_ports; i++)
		apply_port(world, i, sw);
	for (uint32_t i = 0; i < sw->n_ports; i++) {
		struct ul_port_vlan *vlan = &world->ports[i].vlan;

		if (vlan->mode != UL_VLAN_VGT &&
		    world->vlans[vlan->vid].flags & UL_VLAN_NEEDS_COPIES)
			vlan->group_flags |= UL_GROUP_VLAN_NEEDS_COPIES;
	}
	for (uint32_t v = 0; v < UL_VLAN_TRUNK; v++)
		world->vlans[v].flags |=
			(model_vlan_is_foreign(sw, (uint16_t)v) ? UL_VLAN_FOREIGN : 0) |
			(model_vlan_is_exact(sw, (uint16_t)v) ? UL_VLAN_EXACT : 0);
	for (uint32_t i = 0; i < sw->n_learned; i++) {
		const struct sw_port *port = &sw->port[sw->learned[i].port];
		uint32_t flags = sw->ownership ? UL_FDB_LEARNED : 0;

		if (!port->absent || port->leaving)
			cr_assert_eq(table_set(&world->fdb, learned_key(sw, i),
					       sw->learned[i].port | flags),
				     0);
	}
	world_apply_ownership(world, sw);
}

/* ---- address ownership ---- */
uint64_t world_jiffies(struct world *world)
{
	struct ul_clock clock = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &clock, .ctx_size_in = sizeof(clock));
	int r = bpf_prog_test_run_opts(bpf_program__fd(world->skel->progs.clock_read), &opts);

	cr_assert_eq(r, 0, "clock_read: %s", strerror(-r));
	return clock.jiffies;
}

void world_forget_recent(struct world *world)
{
	memset(world->sent, 0, sizeof(*world->sent) * UL_RECENT);
	memset(world->outside, 0, sizeof(*world->outside) * UL_RECENT);
	memset(world->flooded, 0, sizeof(*world->flooded) * UL_RECENT);
}

/* A few jiffies lie between two times of the same age, so that one of them is the later one. */
static uint64_t time_of(enum sw_age age, uint64_t now)
{
	const uint64_t hz = kernel_hz(), ages[] = {
		[SW_LONG_AGO] = 60 * hz,
		[SW_SECONDS_AGO] = 2 * hz,
		[SW_JUST_NOW] = 8,
	};

	return age == SW_NEVER ? 0 : now - ages[age];
}

void world_apply_ownership(struct world *world, const struct sw *sw)
{
	uint64_t now = sw->n_learned && sw->ownership ? world_jiffies(world) : 0;

	for (uint32_t i = 0; i < sw->n_ports; i++) {
		world->ports[i].life = sw->ownership ? 1000 : 0;
		world->ports[i].seen = world->ports[i].life - sw->port[i].unseen;
	}
	for (uint32_t i = 0; i < sw->n_learned && sw->ownership; i++) {
		const struct sw_learned *learned = &sw->learned[i];
		uint64_t here = time_of(learned->here, now),
			 outside = time_of(learned->outside, now);

		if (learned->outside != SW_NEVER && learned->outside == learned->here)
			outside = here + (learned->outside_first ? -3ULL : i % 3);
		table_set_use(&world->fdb, learned_key(sw, i), here, outside);
	}
}

void world_read_ownership(struct world *world, const struct sw *sw, struct world_ownership *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (uint32_t i = 0; i < sw->n_ports; i++)
		ret->confirmed[i] = world->ports[i].seen == world->ports[i].life;
	for (uint32_t i = 0; i < sw->n_learned && sw->ownership; i++)
		table_get_use(&world->fdb, learned_key(sw, i), &ret->here[i], &ret->outside[i]);
}

/* ---- counters and events ---- */
void world_counters(struct world *world, struct world_counters *ret)
{
	static uint32_t keys[WORLD_ENDPOINTS];
	static struct world_counters now;
	const struct ul_count *count = world->stats_buffer;
	uint32_t n = WORLD_ENDPOINTS, next;
	int r = bpf_map_lookup_batch(bpf_map__fd(world->skel->maps.ul_stats), NULL, &next, keys,
				     world->stats_buffer, &n, NULL);

	cr_assert(r == 0 || r == -ENOENT, "counters: %s", strerror(-r));
	cr_assert_eq(n, WORLD_ENDPOINTS);
	memset(&now, 0, sizeof(now));
	for (uint32_t i = 0; i < n; i++) {
		for (int cpu = 0; cpu < world->n_cpus; cpu++) {
			for (int reason = 0; reason < UL_REASON_SLOTS; reason++, count++) {
				now.at[keys[i]][reason].packets += count->packets;
				now.at[keys[i]][reason].bytes += count->bytes;
			}
		}
	}
	for (uint32_t i = 0; i < n; i++) {
		for (int reason = 0; reason < UL_REASON_SLOTS; reason++) {
			ret->at[i][reason].packets =
				now.at[i][reason].packets - world->seen.at[i][reason].packets;
			ret->at[i][reason].bytes =
				now.at[i][reason].bytes - world->seen.at[i][reason].bytes;
		}
	}
	world->seen = now;
}

void world_add_count(struct world_counters *counters, const struct model_count *count,
		     uint64_t packets, uint64_t bytes)
{
	counters->at[count->endpoint][count->reason].packets += packets;
	counters->at[count->endpoint][count->reason].bytes += bytes;
}

bool world_same_counters(const struct world_counters *a, const struct world_counters *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

void world_print_counters(const struct world_counters *counters, char *text, size_t size)
{
	static const char *const names[UL_REASON_SLOTS] = {
#define X(member, NAME, number, kind, help) [number] = #member,
		UL_REASONS(X)
#undef X
	};
	size_t at = 0;

	text[0] = 0;
	for (uint32_t i = 0; i < WORLD_ENDPOINTS; i++) {
		for (int reason = 0; reason < UL_REASON_SLOTS; reason++) {
			const struct ul_count *count = &counters->at[i][reason];

			if ((count->packets || count->bytes) && at < size)
				at += (size_t)snprintf(
					text + at, size - at, " %c%u.%s %llu/%llu",
					i < UL_ENDPOINT_NONE  ? 'u' :
					i == UL_ENDPOINT_NONE ? '?' :
								'p',
					i < UL_ENDPOINT_PORT0 ? i : i - UL_ENDPOINT_PORT0,
					names[reason] ? names[reason] : "?",
					(unsigned long long)count->packets,
					(unsigned long long)count->bytes);
		}
	}
}

void world_events(struct world *world)
{
	world->n_events = 0;
	ring_buffer__consume(world->ring);
}

/* ---- TEST_RUN ---- */
bool world_kernel_refuses(enum model_program program, const struct frame_buf *frame)
{
	uint32_t type = (uint32_t)frame->data[12] << 8 | frame->data[13];

	if (program == MODEL_UPLINK_XDP)
		return false;
	return (type == 0x0800 && frame->len < 14 + 20) || (type == 0x86dd && frame->len < 14 + 40);
}

static void run_tc(int fd, uint32_t ifindex, const struct frame_buf *frame, struct world_run *ret)
{
	struct __sk_buff ctx = { .ifindex = ifindex,
				 .gso_segs = frame->segments,
				 .gso_size = frame->segments ? MODEL_GSO_SIZE : 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->data, .data_size_in = frame->len,
		    .data_out = ret->data, .data_size_out = sizeof(ret->data), .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = 1);
	int r = bpf_prog_test_run_opts(fd, &opts);

	cr_assert_eq(r, 0, "TEST_RUN with %u bytes: %s", frame->len, strerror(-r));
	ret->verdict = opts.retval;
	ret->len = opts.data_size_out;
}

/* first: bytes in the first buffer; false: this kernel cannot run a frame in several */
static bool run_xdp(int fd, uint32_t ifindex, const struct frame_buf *frame, uint32_t first,
		    struct world_run *ret)
{
	struct xdp_md ctx = { .ingress_ifindex = ifindex, .data_end = first };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->data, .data_size_in = frame->len,
		    .data_out = ret->data, .data_size_out = sizeof(ret->data), .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = 1);
	int r = bpf_prog_test_run_opts(fd, &opts);

	if (r == -EINVAL && first < frame->len)
		return false;
	cr_assert_eq(r, 0, "XDP TEST_RUN with %u bytes: %s", frame->len, strerror(-r));
	ret->verdict = opts.retval;
	ret->len = opts.data_size_out;
	return true;
}

void world_test_run(struct world *world, enum model_program program, uint32_t endpoint,
		    const struct frame_buf *frame, struct world_run *ret)
{
	uint32_t ifindex = world_ifindex(world, endpoint);

	if (program == MODEL_UPLINK_XDP)
		run_xdp(bpf_program__fd(world->skel->progs.uplink_xdp), ifindex, frame, frame->len,
			ret);
	else if (program == MODEL_UPLINK_TC)
		run_tc(bpf_program__fd(world->skel->progs.uplink_tc), ifindex, frame, ret);
	else
		run_tc(bpf_program__fd(world->skel->progs.port_tc), ifindex, frame, ret);
}

bool world_test_run_buffers(struct world *world, uint32_t uplink, const struct frame_buf *frame,
			    uint32_t first, struct world_run *ret)
{
	return run_xdp(bpf_program__fd(world->skel->progs.uplink_xdp), world->uplink_if[uplink],
		       frame, first, ret);
}
