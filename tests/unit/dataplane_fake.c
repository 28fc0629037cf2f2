// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "dataplane_fake.h"

#include <criterion/criterion.h>
#include <stddef.h>

#include "dataplane_table_testing.h"

/* By its maps, because the timely side has a copy of the set. */
static struct dataplane_fake *fakes[8];

static struct dataplane_fake *fake_of(struct dataplane *dp)
{
	for (size_t i = 0; i < ARRAY_SIZE(fakes); i++)
		if (fakes[i] && fakes[i]->dp.meta == dp->meta)
			return fakes[i];
	cr_assert_fail("an unknown data plane");
	return NULL;
}

static void replace_fake(const struct dataplane_fake *from, struct dataplane_fake *to)
{
	for (size_t i = 0; i < ARRAY_SIZE(fakes); i++)
		if (fakes[i] == from) {
			fakes[i] = to;
			return;
		}
	cr_assert_fail("more than %zu data planes", ARRAY_SIZE(fakes));
}

static void record(struct dataplane *dp, enum dataplane_fake_kind kind, uint32_t object,
		   uint32_t value)
{
	struct dataplane_fake *fake = fake_of(dp);

	fake->calls = reallocarray(fake->calls, fake->n_calls + 1, sizeof(*fake->calls));
	cr_assert(fake->calls);
	fake->calls[fake->n_calls++] = (struct dataplane_fake_call){ kind, object, value };
}

/* ---- links ---- */
static uint32_t *attached_at(struct dataplane_fake *fake, uint32_t ifindex)
{
	for (size_t i = 0; i < ARRAY_SIZE(fake->attached); i++)
		if (fake->attached[i] == ifindex)
			return &fake->attached[i];
	return NULL;
}

static int attach(struct dataplane *dp, uint32_t ifindex, const char *name, int error)
{
	struct dataplane_fake *fake = fake_of(dp);
	uint32_t *at = attached_at(fake, ifindex);

	if (error)
		return errors_add(dp->errors, error, "%s: cannot attach the TC program", name);
	if (!at)
		at = attached_at(fake, 0);
	cr_assert(at, "more than %d attached interfaces", DATAPLANE_FAKE_ATTACHED);
	*at = ifindex;
	return 0;
}

static int attach_port(struct dataplane *dp, uint32_t ifindex, const char *name)
{
	record(dp, FAKE_ATTACH_PORT, ifindex, 0);
	return attach(dp, ifindex, name, fake_of(dp)->attach_port_error);
}

static int attach_uplink(struct dataplane *dp, uint32_t ifindex, const char *name, bool want_xdp,
			 bool allow_generic, bool generic_now, struct dataplane_attachment *ret)
{
	struct dataplane_fake *fake = fake_of(dp);
	int r;

	record(dp, FAKE_ATTACH_UPLINK, ifindex, want_xdp);
	r = attach(dp, ifindex, name, fake->attach_uplink_error);
	if (r < 0)
		return r;
	*ret = (struct dataplane_attachment){ .xdp_mode = want_xdp ? fake->xdp_mode : UL_XDP_NONE };
	ret->retry = want_xdp ? fake->xdp_retry : 0;
	if (want_xdp && fake->xdp_mode != UL_XDP_NATIVE)
		snprintf(ret->note, sizeof(ret->note), "no native XDP: test");
	return 0;
}

static int check_xdp(struct dataplane *dp, uint32_t ifindex, const char *name)
{
	int error = fake_of(dp)->check_xdp_error;

	return error ? errors_add(dp->errors, error, "%s: another XDP program is attached", name) :
		       0;
}

static int detach(struct dataplane *dp, uint32_t ifindex)
{
	struct dataplane_fake *fake = fake_of(dp);
	uint32_t *at = attached_at(fake, ifindex);

	record(dp, FAKE_DETACH, ifindex, 0);
	if (fake->detach_error)
		return fake->detach_error;
	if (at)
		*at = 0;
	return 0;
}

static bool is_member(const struct dataplane *dp, uint32_t ifindex)
{
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		if (dp->uplinks[i].ifindex == ifindex)
			return true;
	for (uint32_t slot = 0; slot < dp->max_ports; slot++)
		if (dp->ports[slot].ifindex == ifindex)
			return true;
	return false;
}

static int detach_strays(struct dataplane *dp)
{
	struct dataplane_fake *fake = fake_of(dp);

	for (size_t i = 0; i < ARRAY_SIZE(fake->attached); i++)
		if (!fake->detach_error && fake->attached[i] && !is_member(dp, fake->attached[i]))
			fake->attached[i] = 0;
	return fake->detach_error;
}

static uint32_t find_problems(struct dataplane *dp, uint32_t ifindex, enum dataplane_program tc,
			      bool with_xdp, uint32_t xdp_id)
{
	(void)ifindex;
	(void)tc;
	(void)with_xdp;
	(void)xdp_id;
	return fake_of(dp)->problems;
}

static int find_netdev(struct dataplane *dp, uint32_t ifindex, uint64_t *ret_netdev,
		       bool *ret_visible)
{
	struct dataplane_fake *fake = fake_of(dp);

	(void)ifindex;
	if (fake->find_netdev_error)
		return fake->find_netdev_error;
	*ret_visible = fake->netdev;
	*ret_netdev = fake->netdev;
	return 0;
}

static int read_carriers(struct dataplane *dp, struct ul_carrier_query *query)
{
	const struct dataplane_fake *fake = fake_of(dp);

	for (size_t i = 0; i < UL_MAX_UPLINKS; i++)
		query->uplink[i].state = query->uplink[i].netdev ? fake->carriers[i] : 0;
	return fake->read_carriers_error;
}

static uint64_t jiffies(struct dataplane *dp)
{
	return fake_of(dp)->jiffies;
}

/* ---- maps that are written by system call ---- */
static int load_lacp(struct dataplane *dp, uint32_t uplink, struct lacp_saved *ret)
{
	const struct dataplane_fake *fake = fake_of(dp);

	*ret = fake->lacp[uplink];
	return fake->load_lacp_error;
}

static int save_lacp(struct dataplane *dp, uint32_t uplink, const struct lacp_saved *saved)
{
	struct dataplane_fake *fake = fake_of(dp);

	record(dp, FAKE_SAVE_LACP, uplink, saved->version != 0);
	if (fake->save_lacp_error)
		return fake->save_lacp_error;
	fake->lacp[uplink] = *saved;
	return 0;
}

static int member_index(const struct dataplane_fake *fake, uint16_t vid, uint16_t place)
{
	for (int i = 0; i < DATAPLANE_FAKE_MEMBERS; i++)
		if (fake->members[i].used && fake->members[i].key.vid == vid &&
		    fake->members[i].key.place == place)
			return i;
	return -ENOENT;
}

static int set_member(struct dataplane *dp, uint16_t vid, uint16_t place, uint32_t slot)
{
	struct dataplane_fake *fake = fake_of(dp);
	int i = member_index(fake, vid, place);

	record(dp, FAKE_SET_MEMBER, (uint32_t)vid << 16 | place, slot);
	if (fake->set_member_error)
		return fake->set_member_error;
	if (i < 0)
		for (i = 0; i < DATAPLANE_FAKE_MEMBERS && fake->members[i].used; i++)
			;
	cr_assert_lt(i, DATAPLANE_FAKE_MEMBERS, "too many members of flood lists");
	fake->members[i].key = (struct ul_member_key){ .vid = vid, .place = place };
	fake->members[i].slot = slot;
	fake->members[i].used = true;
	return 0;
}

static void remove_member(struct dataplane *dp, uint16_t vid, uint16_t place)
{
	struct dataplane_fake *fake = fake_of(dp);
	int i = member_index(fake, vid, place);

	record(dp, FAKE_REMOVE_MEMBER, (uint32_t)vid << 16 | place, 0);
	if (i >= 0)
		fake->members[i].used = false;
}

static int set_xdp_target(struct dataplane *dp, uint32_t slot, uint32_t ifindex)
{
	struct dataplane_fake *fake = fake_of(dp);

	cr_assert_lt(slot, dp->max_ports);
	record(dp, FAKE_XDP_TARGET, slot, ifindex);
	if (ifindex && fake->xdp_target_error)
		return fake->xdp_target_error;
	fake->xdp_target[slot] = ifindex;
	return 0;
}

static int reset_stats(struct dataplane *dp, uint32_t endpoint)
{
	record(dp, FAKE_RESET_STATS, endpoint, 0);
	return 0;
}

/* clang-format off */
static const struct dataplane_ops fake_ops = {
	.attach_port = attach_port,
	.attach_uplink = attach_uplink,
	.check_xdp = check_xdp,
	.detach = detach,
	.detach_strays = detach_strays,
	.find_problems = find_problems,
	.find_netdev = find_netdev,
	.read_carriers = read_carriers,
	.jiffies = jiffies,
	.load_lacp = load_lacp,
	.save_lacp = save_lacp,
	.set_member = set_member,
	.remove_member = remove_member,
	.set_xdp_target = set_xdp_target,
	.reset_stats = reset_stats,
};
/* clang-format on */

/* ---- the set ---- */
static void *new_array(struct dataplane *dp, enum ul_map which, uint32_t n, size_t size)
{
	size_t bytes = (n * size + 63) / 64 * 64;

	dp->mapping[which] = aligned_alloc(64, bytes);
	cr_assert(dp->mapping[which]);
	memset(dp->mapping[which], 0, bytes);
	dp->mapping_size[which] = n * size;
	return dp->mapping[which];
}

static void new_table(struct dataplane *dp, enum ul_map which, uint32_t keys, struct table *ret)
{
	uint32_t rows = table_rows_for(keys);

	*ret = (struct table){ .rows = new_array(dp, which, rows, sizeof(struct ul_match_row)),
			       .mask = rows - 1 };
}

void dataplane_fake_init(struct dataplane_fake *fake, uint32_t max_ports, uint32_t max_groups)
{
	struct dataplane *dp = &fake->dp;
	struct ul_policy *policies;
	struct ul_meta *meta;

	*fake = (struct dataplane_fake){ .xdp_mode = UL_XDP_NATIVE, .jiffies = 1000000 };
	no_grace_periods = true;
	snprintf(dp->name, sizeof(dp->name), "vswitch0");
	dp->ops = &fake_ops;
	dp->errors = &fake->errors;
	dp->lock_fd = dp->old_lock_fd = -1;
	memset(dp->program_fd, -1, sizeof(dp->program_fd));
	memset(dp->map_fd, -1, sizeof(dp->map_fd));

	meta = new_array(dp, UL_MAP_META, 1, sizeof(*meta));
	dp->uplinks = new_array(dp, UL_MAP_UPLINKS, UL_MAX_UPLINKS, sizeof(*dp->uplinks));
	dp->ports = new_array(dp, UL_MAP_PORTS, max_ports, sizeof(*dp->ports));
	dp->groups = new_array(dp, UL_MAP_GROUPS, max_groups, sizeof(*dp->groups));
	policies = new_array(dp, UL_MAP_POLICIES, UL_MAX_POLICIES, sizeof(*policies));
	dp->vlans = new_array(dp, UL_MAP_VLANS, UL_N_VLANS, sizeof(*dp->vlans));
	new_array(dp, UL_MAP_SENT, UL_RECENT, sizeof(uint64_t));
	new_array(dp, UL_MAP_OUTSIDE, UL_RECENT, sizeof(uint64_t));
	dp->lacp_answers =
		new_array(dp, UL_MAP_LACP_ANSWERS, UL_MAX_UPLINKS, sizeof(*dp->lacp_answers));
	dp->lacp_ports = new_array(dp, UL_MAP_LACP_PORTS, UL_MAX_UPLINKS, sizeof(*dp->lacp_ports));
	dp->pagp_ports = new_array(dp, UL_MAP_PAGP_PORTS, UL_MAX_UPLINKS, sizeof(*dp->pagp_ports));
	new_table(dp, UL_MAP_IFACES, UL_MAX_UPLINKS + max_ports, &dp->ifaces);
	new_table(dp, UL_MAP_FDB, max_ports + 1024, &dp->fdb);
	dp->fdb.use = new_array(dp, UL_MAP_FDB_USE, dp->fdb.mask + 1, sizeof(*dp->fdb.use));
	dp->meta = meta;
	dp->policies = policies;
	replace_fake(NULL, fake);

	snprintf(meta->name, sizeof(meta->name), "%s", dp->name);
	meta->abi_version = UL_ABI_VERSION;
	meta->max_ports = dp->max_ports = max_ports;
	meta->max_groups = dp->max_groups = max_groups;
	for (int i = 0; i < UL_MAX_POLICIES; i++)
		memset(policies[i].bucket, UL_NO_UPLINK, sizeof(policies[i].bucket));
	fake->xdp_target = calloc(max_ports, sizeof(*fake->xdp_target));
	cr_assert(fake->xdp_target);
}

void dataplane_fake_done(struct dataplane_fake *fake)
{
	replace_fake(fake, NULL);
	for (int i = 0; i < N_UL_MAPS; i++)
		free(fake->dp.mapping[i]);
	free(fake->xdp_target);
	free(fake->calls);
	errors_done(&fake->errors);
	*fake = (struct dataplane_fake){};
}

/* ---- questions of a test ---- */
bool dataplane_fake_is_attached(const struct dataplane_fake *fake, uint32_t ifindex)
{
	for (size_t i = 0; i < ARRAY_SIZE(fake->attached); i++)
		if (fake->attached[i] == ifindex)
			return true;
	return false;
}

int dataplane_fake_member(const struct dataplane_fake *fake, uint16_t vid, uint16_t place)
{
	int i = member_index(fake, vid, place);

	return i < 0 ? i : (int)fake->members[i].slot;
}

size_t dataplane_fake_count(const struct dataplane_fake *fake, enum dataplane_fake_kind kind,
			    uint32_t object)
{
	size_t n = 0;

	for (size_t i = 0; i < fake->n_calls; i++)
		n += fake->calls[i].kind == kind && fake->calls[i].object == object;
	return n;
}

bool dataplane_fake_has_error(const struct dataplane_fake *fake, const char *text)
{
	for (size_t i = 0; i < fake->errors.n; i++)
		if (strstr(fake->errors.messages[i], text))
			return true;
	return false;
}
