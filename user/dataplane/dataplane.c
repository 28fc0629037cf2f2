// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "dataplane/dataplane.h"

#include <sys/random.h>

#include "dataplane/internal.h"

/* clang-format off */
static const struct dataplane_ops kernel_ops = {
	.attach_port = attach_port,
	.attach_uplink = attach_uplink,
	.check_xdp = attach_check_xdp,
	.detach = attach_detach,
	.detach_strays = attach_detach_strays,
	.find_problems = attach_find_problems,
	.find_netdev = programs_find_netdev,
	.read_carriers = programs_read_carriers,
	.jiffies = programs_jiffies,
	.load_lacp = maps_load_lacp,
	.save_lacp = maps_save_lacp,
	.set_member = maps_set_member,
	.remove_member = maps_remove_member,
	.set_xdp_target = maps_set_xdp_target,
	.reset_stats = maps_reset_stats,
};
/* clang-format on */

/* ---- opening ---- */
/* 0: adopted; -ENOENT: there is nothing that this version can use; other negative errno: what is
 * there stays as it is. */
static int adopt(struct dataplane *dp)
{
	int r = maps_open(dp);

	/* Once more at once: a failed start costs seconds without LACP. */
	if (r < 0 && r != -ENOENT && r != -EPROTO) {
		maps_close(dp);
		r = maps_open(dp);
	}
	if (r < 0)
		return r == -ENOENT || r == -EPROTO ? -ENOENT : r;
	return set_check(dp) == 0 ? 0 : -ENOENT;
}

/* A killed daemon leaves counts of spilled keys that are too high, and other programs anything. The
 * set is locked, so this is the only writer. */
static int repair_tables(struct dataplane *dp)
{
	int r = table_repair(&dp->ifaces);

	if (r == 0)
		r = table_repair(&dp->fdb);
	return r < 0 ? errors_add(dp->errors, r, "%s: cannot check the tables", dp->dir) : 0;
}

static int bring_programs(struct dataplane *dp)
{
	struct ul_meta *meta = dp->mapping[UL_MAP_META];
	struct map_sizes sizes;
	int r = -ENOENT, strays;

	if (meta->programs == programs_checksum())
		r = programs_adopt(dp);
	if (r < 0 && r != -ENOENT)
		return errors_add(dp->errors, r, "%s: cannot open the pinned programs", dp->dir);
	if (r == -ENOENT) {
		/* They are found by the pins of their programs, which are about to be replaced. */
		strays = dp->detach_failed ? filters_drop(dp->dir, dp) : 0;
		if (strays < 0)
			errors_add(dp->errors, strays,
				   "%s: filters of the former programs cannot be detached",
				   dp->name);
		map_sizes_of(dp, &sizes);
		r = programs_load(dp, &sizes);
		if (r == 0)
			r = links_move(dp, dp->dir);
		if (r < 0)
			return r;
		meta->programs = programs_checksum();
		dp->programs_replaced = true;
	}
	programs_prune_arrays(dp);
	return 0;
}

static int make_set(struct dataplane *dp, const struct dataplane_needs *needs)
{
	struct map_sizes sizes;
	struct ul_policy *policies;
	struct ul_meta *meta;
	int r;

	map_sizes_for(needs, &sizes);
	if (getrandom(&sizes.seed, sizeof(sizes.seed), 0) != sizeof(sizes.seed))
		return errors_add(dp->errors, -errno, "%s: no random seed", dp->name);
	/* Of a start that was killed. Links that it left are adopted. */
	r = pins_remove_dir(dp->dir);
	if (r < 0 && r != -ENOTEMPTY)
		return errors_add(dp->errors, r, "%s: cannot be emptied", dp->dir);
	r = pins_make_dir(dp->dir);
	if (r < 0)
		return errors_add(dp->errors, r, "%s: cannot make the directory", dp->dir);
	r = programs_load(dp, &sizes);
	if (r == 0) {
		r = maps_open(dp);
		if (r < 0)
			errors_add(dp->errors, r, "%s: cannot open the new maps", dp->dir);
	}
	if (r < 0) {
		(void)pins_remove_dir(dp->dir);
		return r;
	}
	meta = dp->mapping[UL_MAP_META];
	policies = dp->mapping[UL_MAP_POLICIES];
	snprintf(meta->name, sizeof(meta->name), "%s", dp->name);
	STORE(meta->seed, sizes.seed);
	dp->ifaces.seed = dp->fdb.seed = sizes.seed;
	meta->max_ports = dp->max_ports = sizes.ports;
	meta->max_groups = dp->max_groups = sizes.groups;
	meta->programs = programs_checksum();
	for (int i = 0; i < UL_MAX_POLICIES; i++)
		memset(policies[i].bucket, UL_NO_UPLINK, sizeof(policies[i].bucket));
	STORE(meta->exchange, dp->staged ? UL_EXCHANGE_FILLING : UL_EXCHANGE_SERVING);
	STORE(meta->abi_version, UL_ABI_VERSION);
	return 0;
}

/* Removes a set that a killed daemon did not complete; it has no links. 0; -ENOENT: there is no set
 * now; other negative errno. */
static int remove_unfinished(struct dataplane *dp)
{
	bool unfinished = false;
	int r = pins_find_dir(dp->dir);

	if (r == 0)
		r = exchange_is_unfinished(dp->dir, &unfinished);
	if (r < 0 || !unfinished)
		return r;
	r = pins_remove_dir(dp->dir);
	if (r < 0 && r != -ENOTEMPTY)
		return r;
	r = pins_find_dir(dp->dir);
	if (r == -ENOENT) {
		ul_closep(&dp->lock_fd);
		dp->lock_fd = -1;
	}
	return r;
}

/* A new set: in place of dp->dir, or, if that exists, next to it until it takes over. The old one
 * stays locked until then. */
static int make_or_stage(struct dataplane *dp, const struct dataplane_needs *needs)
{
	int r;

	maps_close(dp);
	r = remove_unfinished(dp);
	if (r < 0 && r != -ENOENT)
		return errors_add(dp->errors, r, "%s: cannot open", dp->dir);
	if (r == 0) {
		dp->staged = true;
		memcpy(dp->old_dir, dp->dir, sizeof(dp->old_dir));
		r = pin_sibling_dir(dp->dir, dp->old_dir, PINS_NEXT);
		if (r < 0)
			return errors_add(dp->errors, r, "%s: the path is too long", dp->old_dir);
		dp->old_lock_fd = TAKE_FD(dp->lock_fd);
	}
	r = make_set(dp, needs);
	if (r < 0)
		return r;
	r = pins_lock(dp->dir, dp->name, dp->errors, &dp->lock_fd);
	if (r < 0 && r != -EWOULDBLOCK)
		(void)pins_remove_dir(dp->dir);
	return r;
}

static struct dataplane *allocate(const char *switch_name, struct errors *errors)
{
	struct dataplane *dp = calloc(1, sizeof(*dp));

	if (!dp)
		return NULL;
	dp->ops = &kernel_ops;
	dp->errors = errors;
	dp->lock_fd = dp->old_lock_fd = -1;
	memset(dp->program_fd, -1, sizeof(dp->program_fd));
	memset(dp->map_fd, -1, sizeof(dp->map_fd));
	snprintf(dp->name, sizeof(dp->name), "%s", switch_name);
	return dp;
}

static void dataplane_freep(struct dataplane **dp)
{
	dataplane_free(*dp);
}

int set_open(const struct dataplane *like, const char *dir, struct dataplane **ret)
{
	_cleanup_(dataplane_freep) struct dataplane *dp = allocate(like->name, like->errors);
	int r;

	if (!dp)
		return -ENOMEM;
	memcpy(dp->dir, dir, strlen(dir) + 1);
	r = adopt(dp);
	if (r == 0)
		r = programs_adopt(dp);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(dp);
	return 0;
}

int set_remove_dir(const char *dir)
{
	int r = filters_drop(dir, NULL);

	return r < 0 ? r : pins_remove_dir(dir);
}

/* The directory of the switch's pins, and the lock of the one above it. */
static int open_root(struct dataplane *dp, const char *bpffs, const char *switch_name,
		     int *ret_root_fd)
{
	int r = pins_prepare_root(bpffs, dp->errors);

	if (r == 0)
		r = pins_lock_root(bpffs, dp->errors, ret_root_fd);
	if (r < 0)
		return r;
	r = pin_switch_dir(dp->dir, bpffs, switch_name, PINS_CURRENT);
	return r < 0 ? errors_add(dp->errors, r, "%s: the path is too long", bpffs) : 0;
}

/* 1: yes; 0: no; or a negative errno. */
static int has_pins(const char *bpffs, const char *switch_name, int role)
{
	char dir[PATH_MAX];
	int r = pin_switch_dir(dir, bpffs, switch_name, role);

	if (r == 0)
		r = pins_find_dir(dir);
	return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

int dataplane_recover(const char *bpffs, const char *switch_name, struct errors *errors)
{
	_cleanup_(dataplane_freep) struct dataplane *dp = NULL;
	_cleanup_close_ int root_fd = -1;
	int r = has_pins(bpffs, switch_name, PINS_CURRENT);

	if (r != 0)
		return r < 0 ? r : 0;
	r = has_pins(bpffs, switch_name, PINS_NEXT);
	if (r == 0)
		r = has_pins(bpffs, switch_name, PINS_OLD);
	if (r <= 0)
		return r;
	dp = allocate(switch_name, errors);
	if (!dp)
		return errors_add(errors, -ENOMEM, "%s", switch_name);
	r = open_root(dp, bpffs, switch_name, &root_fd);
	if (r == 0)
		r = exchange_recover(dp);
	return r == -ENOENT ? 0 : r;
}

int dataplane_open(const char *bpffs, const char *switch_name, const struct dataplane_needs *needs,
		   enum dataplane_how how, struct errors *errors, struct dataplane **ret)
{
	_cleanup_(dataplane_freep) struct dataplane *dp = allocate(switch_name, errors);
	_cleanup_close_ int root_fd = -1;
	int r;

	if (!dp)
		return errors_add(errors, -ENOMEM, "%s", switch_name);
	programs_keep_messages();
	r = open_root(dp, bpffs, switch_name, &root_fd);
	if (r < 0)
		return r;
	/* A set that is to be replaced by a larger one belongs to the caller, which holds its lock.
	 */
	if (how != DATAPLANE_LARGER)
		r = exchange_recover(dp);
	if (r < 0 && r != -ENOENT)
		return r;

	r = how == DATAPLANE_LARGER ? -ENOENT : adopt(dp);
	if (r == 0) {
		struct ul_meta *meta = dp->mapping[UL_MAP_META];

		dp->adopted = true;
		/* A filter that a former daemon could not detach; links have pins, which show them.
		 */
		dp->detach_failed = !attach_has_tcx();
		STORE(meta->exchange, UL_EXCHANGE_SERVING);
		r = repair_tables(dp);
		if (r == 0 && how != DATAPLANE_MAPS_ONLY)
			r = bring_programs(dp);
	} else if (how != DATAPLANE_MAPS_ONLY && r == -ENOENT) {
		r = make_or_stage(dp, needs);
	} else if (r != -ENOENT) {
		errors_add(errors, r, "%s: cannot open the pinned maps", dp->dir);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(dp);
	return 0;
}

/* ---- replacing, closing and removing ---- */
void dataplane_discard(struct dataplane *dp)
{
	/* After the commit point it is in use; the next start finishes the exchange. */
	if (dp->adopted || (dp->staged && dp->meta->exchange != UL_EXCHANGE_FILLING))
		return;
	(void)links_drop(dp->dir);
	(void)set_remove_dir(dp->dir); /* the next start tries again */
}

void dataplane_free(struct dataplane *dp)
{
	if (!dp)
		return;
	maps_close(dp);
	programs_close(dp);
	ul_closep(&dp->lock_fd);
	ul_closep(&dp->old_lock_fd);
	free(dp);
}

bool dataplane_is_pinned(const char *bpffs, const char *switch_name)
{
	char dir[PATH_MAX];

	for (int role = 0; role < N_PIN_ROLES; role++)
		if (pin_switch_dir(dir, bpffs, switch_name, role) == 0 &&
		    pins_find_dir(dir) != -ENOENT)
			return true;
	return false;
}

int dataplane_list_pinned(const char *bpffs, int (*found)(void *userdata, const char *switch_name),
			  void *userdata)
{
	_cleanup_(ul_closedirp) DIR *stream = NULL;
	struct dirent *entry;
	char root[PATH_MAX];
	int r = pin_path(root, bpffs, UL_PIN_ROOT);

	if (r < 0)
		return r;
	stream = opendir(root);
	if (!stream)
		return errno == ENOENT ? 0 : -errno;
	while ((r = dir_next(stream, &entry)) > 0) {
		if (entry->d_name[0] == '.')
			continue;
		/* No name of a switch has a '_': the role of the pins follows it. */
		entry->d_name[strcspn(entry->d_name, "_")] = '\0';
		r = found(userdata, entry->d_name);
		if (r < 0)
			return r;
	}
	return r;
}

int dataplane_destroy(const char *bpffs, const char *switch_name, const struct dataplane *dp,
		      struct errors *errors)
{
	_cleanup_close_ int lock_fd = -1;
	char dir[PATH_MAX];
	int r = pin_switch_dir(dir, bpffs, switch_name, PINS_OLD), dropped, failed;

	/* that is the longest of them */
	if (r < 0)
		return errors_add(errors, r, "%s: the path is too long", bpffs);
	if (!dp) {
		pin_switch_dir(dir, bpffs, switch_name, PINS_CURRENT);
		r = pins_lock(dir, switch_name, errors, &lock_fd);
		if (r < 0 && r != -ENOENT)
			return r;
		r = 0;
	}
	for (int role = 0; role < N_PIN_DIRS; role++) {
		pin_switch_dir(dir, bpffs, switch_name, role);
		dropped = links_drop(dir);
		failed = set_remove_dir(dir); /* of what stays nothing but the links */
		if (dropped < 0 || failed < 0)
			r = errors_add(errors, dropped < 0 ? dropped : failed,
				       "%s: cannot be removed", dir);
	}
	failed = pins_remove_root(bpffs, errors);
	return failed < 0 ? failed : r;
}

/* ---- the operations of struct dataplane_ops ---- */
int dataplane_attach_port(struct dataplane *dp, uint32_t ifindex, const char *name)
{
	return dp->ops->attach_port(dp, ifindex, name);
}

int dataplane_attach_uplink(struct dataplane *dp, uint32_t ifindex, const char *name, bool want_xdp,
			    bool allow_generic, bool generic_now, struct dataplane_attachment *ret)
{
	return dp->ops->attach_uplink(dp, ifindex, name, want_xdp, allow_generic, generic_now, ret);
}

int dataplane_check_xdp(struct dataplane *dp, uint32_t ifindex, const char *name)
{
	return dp->ops->check_xdp(dp, ifindex, name);
}

uint32_t dataplane_find_problems(struct dataplane *dp, uint32_t ifindex, enum dataplane_program tc,
				 bool with_xdp, uint32_t xdp_id)
{
	return dp->ops->find_problems(dp, ifindex, tc, with_xdp, xdp_id);
}

int dataplane_detach(struct dataplane *dp, uint32_t ifindex)
{
	int r = dp->ops->detach(dp, ifindex);

	dp->detach_failed = dp->detach_failed || r < 0;
	return r;
}

int dataplane_detach_strays(struct dataplane *dp)
{
	int r = dp->detach_failed ? dp->ops->detach_strays(dp) : 0;

	if (r == 0)
		dp->detach_failed = false;
	else if (r != -EAGAIN)
		errors_add(dp->errors, r,
			   "%s: programs cannot be detached from all interfaces that left",
			   dp->name);
	return r;
}

int dataplane_find_netdev(struct dataplane *dp, uint32_t ifindex, uint64_t *ret_netdev,
			  bool *ret_visible)
{
	*ret_netdev = 0;
	*ret_visible = false;
	return dp->ops->find_netdev(dp, ifindex, ret_netdev, ret_visible);
}

int dataplane_read_carriers(struct dataplane *dp, struct ul_carrier_query *query)
{
	return dp->ops->read_carriers(dp, query);
}

uint64_t dataplane_jiffies(struct dataplane *dp)
{
	return dp->ops->jiffies(dp);
}

int dataplane_load_lacp(struct dataplane *dp, uint32_t uplink, struct lacp_saved *ret)
{
	return dp->ops->load_lacp(dp, uplink, ret);
}

int dataplane_save_lacp(struct dataplane *dp, uint32_t uplink, const struct lacp_saved *saved)
{
	return dp->ops->save_lacp(dp, uplink, saved);
}

int dataplane_set_member(struct dataplane *dp, uint16_t vid, uint16_t place, uint32_t slot)
{
	return dp->ops->set_member(dp, vid, place, slot);
}

void dataplane_remove_member(struct dataplane *dp, uint16_t vid, uint16_t place)
{
	dp->ops->remove_member(dp, vid, place);
}

int dataplane_set_xdp_target(struct dataplane *dp, uint32_t slot, uint32_t ifindex)
{
	return dp->ops->set_xdp_target(dp, slot, ifindex);
}

int dataplane_reset_stats(struct dataplane *dp, uint32_t endpoint)
{
	return dp->ops->reset_stats(dp, endpoint);
}
