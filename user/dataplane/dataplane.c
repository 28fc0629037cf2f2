// SPDX-License-Identifier: GPL-2.0
#include "dataplane/dataplane.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "dataplane/internal.h"
#include "uplinkd.skel.h"

static const struct {
	const char *name;
	size_t value_size;
} mappings[N_MAPPINGS] = {
	[MAP_META] = { "ul_meta", sizeof(struct ul_meta) },
	[MAP_UPLINKS] = { "ul_uplinks", sizeof(struct ul_uplink) },
	[MAP_PORTS] = { "ul_ports", sizeof(struct ul_port) },
	[MAP_GROUPS] = { "ul_groups", sizeof(struct ul_group) },
	[MAP_POLICIES] = { "ul_policies", sizeof(struct ul_policy) },
	[MAP_VLANS] = { "ul_vlans", sizeof(struct ul_vlan) },
	[MAP_IFACES] = { "ul_ifaces", sizeof(struct ul_slot4) },
	[MAP_FDB] = { "ul_fdb", sizeof(struct ul_slot4) },
	[MAP_LACP_ANSWERS] = { "ul_lacp_answers", sizeof(struct ul_lacp_answer) },
	[MAP_LACP_PORTS] = { "ul_lacp_ports", sizeof(struct ul_lacp_port) },
};

static const char *const program_names[N_PROGRAMS] = {
	[PROG_PORT_TC] = "port_tc",
	[PROG_UPLINK_TC] = "uplink_tc",
	[PROG_UPLINK_XDP] = "uplink_xdp",
	[PROG_NETDEV_FIND] = "netdev_find",
};

int pin_path(char path[PATH_MAX], const char *dir, const char *name)
{
	int n = snprintf(path, PATH_MAX, "%s/%s", dir, name);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* ---- libbpf's messages are kept and shown only when something fails for a reason that they
 * explain --------------------- */
static char last_message[512];

static int keep_message(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level == LIBBPF_WARN && !last_message[0])
		vsnprintf(last_message, sizeof(last_message), format, args);
	return 0;
}

static const char *why(int error)
{
	last_message[strcspn(last_message, "\n")] = '\0';
	if (error == -EPERM)
		return "needs root, or CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON";
	return last_message[0] ? last_message : "see dmesg";
}

/* ---- sizes
 * --------------------------------------------------------------------------------------------------------------------
 */
static uint32_t round_up(uint32_t wanted, uint32_t least)
{
	uint32_t size = least;

	while (size < wanted)
		size *= 2;
	return size;
}

struct sizes {
	uint32_t ports, groups, fdb_buckets, iface_buckets;
};

/* Room for half as many again, so that a port added at run time does not mean a new set. */
static struct sizes sizes_for(const struct dataplane_needs *needs)
{
	return (struct sizes){
		.ports = round_up(needs->ports + needs->ports / 2, 256),
		.groups = round_up(needs->groups + needs->groups / 2, 64),
		.fdb_buckets = table_buckets_for(needs->fdb_keys + needs->fdb_keys / 2 + 1024),
		.iface_buckets =
			table_buckets_for(UL_MAX_UPLINKS + needs->ports + needs->ports / 2 + 256),
	};
}

/* ---- adopting
 * -------------------------------------------------------------------------------------------------------------------
 */
static int map_array(struct dataplane *dp, enum dataplane_mapping which, int fd,
		     uint32_t *ret_entries)
{
	struct bpf_map_info info = {};
	uint32_t length = sizeof(info);
	size_t size;
	void *mapping;

	if (bpf_obj_get_info_by_fd(fd, &info, &length))
		return -errno;
	if (info.type != BPF_MAP_TYPE_ARRAY || info.value_size != mappings[which].value_size ||
	    !(info.map_flags & BPF_F_MMAPABLE))
		return -EPROTO;
	size = (size_t)info.max_entries * ((info.value_size + 7) & ~7U);
	mapping = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mapping == MAP_FAILED)
		return -errno;

	dp->mapping[which] = mapping;
	dp->mapping_size[which] = size;
	*ret_entries = info.max_entries;
	return 0;
}

static int open_pin(const char *dir, const char *name)
{
	char path[PATH_MAX];
	int fd, r;

	r = pin_path(path, dir, name);
	if (r < 0)
		return r;
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

static size_t value_size(int fd)
{
	struct bpf_map_info info = {};
	uint32_t length = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &length) < 0 ? SIZE_MAX : info.value_size;
}

static int map_pinned(struct dataplane *dp)
{
	const struct {
		const char *name;
		int *fd;
		size_t value_size;
	} others[] = {
		{ "ul_members", &dp->members_fd, sizeof(uint32_t) },
		{ "ul_devmap", &dp->devmap_fd, sizeof(uint32_t) },
		{ "ul_stats", &dp->stats_fd, sizeof(struct ul_stats) },
		{ "ul_events", &dp->events_fd, 0 },
		{ "ul_lacp", &dp->lacp_fd, sizeof(struct lacp_saved) },
	};
	uint32_t entries[N_MAPPINGS];

	for (int i = 0; i < N_MAPPINGS; i++) {
		_cleanup_close_ int fd = open_pin(dp->dir, mappings[i].name);
		int r;

		if (fd < 0)
			return fd;
		r = map_array(dp, i, fd, &entries[i]);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		*others[i].fd = open_pin(dp->dir, others[i].name);
		if (*others[i].fd < 0)
			return *others[i].fd;
		if (value_size(*others[i].fd) != others[i].value_size)
			return -EPROTO;
	}

	dp->meta = dp->mapping[MAP_META];
	dp->uplinks = dp->mapping[MAP_UPLINKS];
	dp->ports = dp->mapping[MAP_PORTS];
	dp->groups = dp->mapping[MAP_GROUPS];
	dp->policies = dp->mapping[MAP_POLICIES];
	dp->vlans = dp->mapping[MAP_VLANS];
	dp->lacp_answers = dp->mapping[MAP_LACP_ANSWERS];
	dp->lacp_ports = dp->mapping[MAP_LACP_PORTS];
	/* dirty: who wrote before us may have freed slots and not waited. */
	dp->ifaces = (struct table){ .buckets = dp->mapping[MAP_IFACES],
				     .mask = entries[MAP_IFACES] - 1,
				     .dirty = true };
	dp->fdb = (struct table){ .buckets = dp->mapping[MAP_FDB],
				  .mask = entries[MAP_FDB] - 1,
				  .dirty = true };
	return 0;
}

static void unmap(struct dataplane *dp)
{
	int *fds[] = { &dp->members_fd, &dp->devmap_fd, &dp->stats_fd, &dp->events_fd,
		       &dp->lacp_fd };

	for (int i = 0; i < N_MAPPINGS; i++) {
		if (dp->mapping[i])
			munmap(dp->mapping[i], dp->mapping_size[i]);
		dp->mapping[i] = NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		ul_closep(fds[i]);
		*fds[i] = -1;
	}
}

/* ---- loading
 * --------------------------------------------------------------------------------------------------------------------
 */
static uint32_t object_checksum(void)
{
	uint32_t hash = 2166136261; /* FNV-1a: tells builds apart, no more */
	const uint8_t *bytes;
	size_t size;

	bytes = uplinkd_bpf__elf_bytes(&size);
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 16777619;
	return hash;
}

/* The maps keep their pins; the programs of this build take the places of what was pinned. */
static int pin_programs(struct dataplane *dp, struct uplinkd_bpf *skel)
{
	for (int i = 0; i < N_PROGRAMS; i++) {
		struct bpf_program *program =
			bpf_object__find_program_by_name(skel->obj, program_names[i]);
		char path[PATH_MAX], name[32];
		int r;

		if (!program)
			return -ENOENT;
		snprintf(name, sizeof(name), "prog_%s", program_names[i]);
		r = pin_path(path, dp->dir, name);
		if (r < 0)
			return r;
		unlink(path);
		r = bpf_obj_pin(bpf_program__fd(program), path);
		if (r < 0)
			return -errno;
		dp->program_fd[i] = dup(bpf_program__fd(program));
		if (dp->program_fd[i] < 0)
			return -errno;
	}
	return 0;
}

static int set_sizes(struct uplinkd_bpf *skel, const struct sizes *sizes)
{
	const struct {
		struct bpf_map *map;
		uint32_t entries;
	} maps[] = {
		{ skel->maps.ul_ports, sizes->ports },
		{ skel->maps.ul_groups, sizes->groups },
		{ skel->maps.ul_stats, UL_OBJECT_PORT0 + sizes->ports },
		{ skel->maps.ul_devmap, sizes->ports },
		{ skel->maps.ul_fdb, sizes->fdb_buckets },
		{ skel->maps.ul_ifaces, sizes->iface_buckets },
	};

	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		int r = bpf_map__set_max_entries(maps[i].map, maps[i].entries);

		if (r < 0)
			return r;
	}
	skel->rodata->ul_fdb_mask = sizes->fdb_buckets - 1;
	skel->rodata->ul_ifaces_mask = sizes->iface_buckets - 1;
	return 0;
}

/* Maps that are pinned are used again, others are made and pinned. */
static int place_map(struct dataplane *dp, struct bpf_map *map)
{
	char path[PATH_MAX];
	int r;

	if (strncmp(bpf_map__name(map), "ul_", 3) != 0)
		return 0; /* .rodata belongs to the programs */
	/* The kernel adds a flag to devmaps, and libbpf before 1.3 then takes the pinned one for
	 * another. */
	if (bpf_map__type(map) == BPF_MAP_TYPE_DEVMAP && dp->devmap_fd >= 0)
		return bpf_map__reuse_fd(map, dp->devmap_fd);
	r = pin_path(path, dp->dir, bpf_map__name(map));
	return r < 0 ? r : bpf_map__set_pin_path(map, path);
}

static int load(struct dataplane *dp, const struct sizes *sizes)
{
	struct uplinkd_bpf *skel;
	struct bpf_map *map;
	int r;

	last_message[0] = '\0';
	skel = uplinkd_bpf__open();
	if (!skel)
		return log_error(-errno, "%s: cannot open the BPF object: %s", dp->name,
				 why(-errno));
	r = set_sizes(skel, sizes);
	bpf_object__for_each_map(map, skel->obj)
		if (r == 0)
			r = place_map(dp, map);
	if (r == 0)
		r = uplinkd_bpf__load(skel);
	if (r == 0)
		r = pin_programs(dp, skel);
	uplinkd_bpf__destroy(skel);
	if (r < 0)
		return log_error(r, "%s: cannot load the BPF programs (%s)", dp->name, why(r));
	return 0;
}

static int adopt_programs(struct dataplane *dp)
{
	for (int i = 0; i < N_PROGRAMS; i++) {
		char name[32];

		snprintf(name, sizeof(name), "prog_%s", program_names[i]);
		dp->program_fd[i] = open_pin(dp->dir, name);
		if (dp->program_fd[i] < 0)
			return dp->program_fd[i];
	}
	return 0;
}

/* ---- directories
 * -------------------------------------------------------------------------------------------------------------
 */
static int make_dir(const char *path)
{
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int prepare_root(const char *bpffs)
{
	char root[PATH_MAX];
	struct statfs fs;
	int r;

	if (statfs(bpffs, &fs) < 0)
		return log_error(
			-errno,
			"%s: not there; make the directory and mount a BPF file system: mount -t bpf bpf %s",
			bpffs, bpffs);
	if ((unsigned long)fs.f_type != BPF_FS_MAGIC)
		return log_error(-ENODEV, "%s: not a BPF file system; remedy: mount -t bpf bpf %s",
				 bpffs, bpffs);
	r = pin_path(root, bpffs, UL_PIN_ROOT);
	if (r == 0)
		r = make_dir(root);
	return r < 0 ? log_error(r, "%s/%s: cannot make the directory", bpffs, UL_PIN_ROOT) : 0;
}

static void remove_dir(const char *dir)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;
	char path[PATH_MAX];

	if (!stream)
		return;
	while ((entry = readdir(stream)))
		if (entry->d_name[0] != '.' && pin_path(path, dir, entry->d_name) == 0)
			unlink(path);
	closedir(stream);
	rmdir(dir);
}

/* The folder of a switch, of a set that is being made beside it, and of one that was replaced. No
 * name of a switch has a '_'. */
#define NEXT "_next"
#define OLD "_old"
static const char *const suffixes[] = { "", NEXT, OLD };

static int switch_dir(char path[PATH_MAX], const char *bpffs, const char *switch_name,
		      const char *suffix)
{
	int n = snprintf(path, PATH_MAX, "%s/%s/%s%s", bpffs, UL_PIN_ROOT, switch_name, suffix);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* ---- opening
 * --------------------------------------------------------------------------------------------------------------------
 */
bool dataplane_large_enough(const struct dataplane *dp, const struct dataplane_needs *needs)
{
	return dp->meta->max_ports >= needs->ports && dp->meta->max_groups >= needs->groups &&
	       dp->fdb.mask + 1 >= table_buckets_for(needs->fdb_keys) &&
	       dp->ifaces.mask + 1 >= table_buckets_for(UL_MAX_UPLINKS + needs->ports);
}

/* 0: adopted; -ENOENT: nothing usable there. */
static int adopt(struct dataplane *dp)
{
	int r = map_pinned(dp);

	if (r < 0)
		return r == -ENOENT || r == -EPROTO ? -ENOENT : r;
	return dp->meta->abi_version == UL_ABI_VERSION ? 0 : -ENOENT;
}

static int bring_programs(struct dataplane *dp)
{
	struct sizes sizes = {
		.ports = dp->meta->max_ports,
		.groups = dp->meta->max_groups,
		.fdb_buckets = dp->fdb.mask + 1,
		.iface_buckets = dp->ifaces.mask + 1,
	};
	int r;

	if (dp->meta->programs == object_checksum() && adopt_programs(dp) == 0)
		return 0;
	log_info("%s: the pinned programs are of another build; loading and swapping them",
		 dp->name);
	for (int i = 0; i < N_PROGRAMS; i++) {
		ul_closep(&dp->program_fd[i]);
		dp->program_fd[i] = -1;
	}
	r = load(dp, &sizes);
	if (r == 0)
		r = dataplane_move_links(dp, dp->dir);
	if (r == 0)
		dp->meta->programs = object_checksum();
	return r;
}

static int make_set(struct dataplane *dp, const struct dataplane_needs *needs)
{
	struct sizes sizes = sizes_for(needs);
	int r;

	remove_dir(dp->dir); /* what an unfinished start may have left */
	r = make_dir(dp->dir);
	if (r < 0)
		return log_error(r, "%s: cannot make the directory", dp->dir);
	r = load(dp, &sizes);
	if (r == 0)
		r = map_pinned(dp);
	if (r < 0) {
		remove_dir(dp->dir);
		return r;
	}
	snprintf(dp->meta->name, sizeof(dp->meta->name), "%s", dp->name);
	dp->meta->max_ports = sizes.ports;
	dp->meta->max_groups = sizes.groups;
	dp->meta->programs = object_checksum();
	for (int i = 0; i < UL_MAX_POLICIES; i++)
		memset(dp->policies[i].bucket, UL_NO_UPLINK, sizeof(dp->policies[i].bucket));
	__atomic_store_n(&dp->meta->abi_version, UL_ABI_VERSION, __ATOMIC_RELEASE);
	return 0;
}

/* Two daemons that write the same maps would be the end of both their switches. 0; -ENOENT: no such
 * folder, nothing is logged. */
static int lock_dir(const char *dir, const char *switch_name, int *ret_fd)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? -ENOENT : log_error(-errno, "%s: cannot open", dir);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return log_error(
			-errno,
			"%s: another uplinkd serves this switch; give this one its own --bpffs, or the switch another name",
			switch_name);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static void raise_memlock(void)
{
	/* Kernels before 5.11 count maps against this; harmless elsewhere. */
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_MEMLOCK, &unlimited);
}

static void dataplane_freep(struct dataplane **dp)
{
	dataplane_free(*dp);
}

/* A daemon that was killed between the two renames of dataplane_take_over() left a complete set
 * under its other name. */
static void finish_rename(const char *dir)
{
	char next[PATH_MAX];

	if (access(dir, F_OK) < 0 &&
	    snprintf(next, sizeof(next), "%s" NEXT, dir) < (int)sizeof(next))
		rename(next, dir);
}

/* A set beside the one at dp->dir, if there is any; that one stays locked until it is replaced. */
static int stage(struct dataplane *dp, const struct dataplane_needs *needs)
{
	int r;

	unmap(dp);
	if (access(dp->dir, F_OK) == 0) {
		dp->staged = true;
		memcpy(dp->old_dir, dp->dir, sizeof(dp->old_dir));
		if (strlen(dp->dir) + strlen(NEXT) >= sizeof(dp->dir))
			return -ENAMETOOLONG;
		strcat(dp->dir, NEXT);
		dp->old_lock_fd = TAKE_FD(dp->lock_fd);
	}
	r = make_set(dp, needs);
	return r < 0 ? r : lock_dir(dp->dir, dp->name, &dp->lock_fd);
}

int dataplane_open(const char *bpffs, const char *switch_name, const struct dataplane_needs *needs,
		   enum dataplane_how how, struct dataplane **ret)
{
	_cleanup_(dataplane_freep) struct dataplane *dp = calloc(1, sizeof(*dp));
	int r;

	if (!dp)
		return log_error(-ENOMEM, "%s", switch_name);
	libbpf_set_print(keep_message);
	raise_memlock();
	dp->lock_fd = dp->old_lock_fd = -1;
	for (int i = 0; i < N_PROGRAMS; i++)
		dp->program_fd[i] = -1;
	dp->members_fd = dp->devmap_fd = dp->stats_fd = dp->events_fd = dp->lacp_fd = -1;
	snprintf(dp->name, sizeof(dp->name), "%s", switch_name);

	r = prepare_root(bpffs);
	if (r == 0)
		r = switch_dir(dp->dir, bpffs, switch_name, "");
	if (r < 0)
		return r;
	/* Before a look at what is there, whatever its version. A set that is to be replaced by a
	 * larger one is the caller's, who holds its lock. */
	finish_rename(dp->dir);
	if (how != DATAPLANE_LARGER)
		r = lock_dir(dp->dir, dp->name, &dp->lock_fd);
	if (r < 0 && r != -ENOENT)
		return r;

	r = how == DATAPLANE_LARGER ? -ENOENT : adopt(dp);
	if (r == 0) {
		dp->adopted = true;
		if (how != DATAPLANE_MAPS_ONLY)
			r = bring_programs(dp);
	} else if (how != DATAPLANE_MAPS_ONLY && r == -ENOENT) {
		r = stage(dp, needs);
	} else if (r != -ENOENT) {
		log_error(r, "%s: cannot open the pinned maps", dp->dir);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(dp);
	return 0;
}

int dataplane_take_over(struct dataplane *dp)
{
	char away[PATH_MAX];
	int r;

	if (!dp->staged)
		return 0;
	r = dataplane_move_links(dp, dp->old_dir);
	if (r < 0)
		return r;
	if (snprintf(away, sizeof(away), "%s" OLD, dp->old_dir) >= (int)sizeof(away))
		return -ENAMETOOLONG;
	remove_dir(away);
	if (rename(dp->old_dir, away) < 0 || rename(dp->dir, dp->old_dir) < 0)
		return log_error(-errno, "%s: cannot rename", dp->dir);
	dataplane_drop_links(away);
	remove_dir(away);
	memcpy(dp->dir, dp->old_dir, sizeof(dp->dir));
	dp->old_dir[0] = '\0';
	dp->staged = false;
	ul_closep(&dp->old_lock_fd);
	dp->old_lock_fd = -1;
	return 0;
}

void dataplane_discard(struct dataplane *dp)
{
	if (dp->adopted)
		return;
	dataplane_drop_links(dp->dir);
	remove_dir(dp->dir);
}

void dataplane_free(struct dataplane *dp)
{
	if (!dp)
		return;
	unmap(dp);
	for (int i = 0; i < N_PROGRAMS; i++)
		ul_closep(&dp->program_fd[i]);
	ul_closep(&dp->lock_fd);
	ul_closep(&dp->old_lock_fd);
	free(dp);
}

bool dataplane_is_pinned(const char *bpffs, const char *switch_name)
{
	char dir[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (switch_dir(dir, bpffs, switch_name, suffixes[i]) == 0 && access(dir, F_OK) == 0)
			return true;
	return false;
}

int dataplane_destroy(const char *bpffs, const char *switch_name, const struct dataplane *dp)
{
	_cleanup_close_ int lock_fd = -1;
	char dir[PATH_MAX];

	if (!dp) {
		int r = switch_dir(dir, bpffs, switch_name, "");

		if (r == 0)
			r = lock_dir(dir, switch_name, &lock_fd);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		int r = switch_dir(dir, bpffs, switch_name, suffixes[i]);

		if (r < 0)
			return r;
		dataplane_drop_links(dir);
		remove_dir(dir);
	}
	switch_dir(dir, bpffs, "", "");
	rmdir(dir); /* the last switch takes the folder with it */
	return 0;
}

/* ---- the maps that cannot be mapped
 * -------------------------------------------------------------------------------------------- */
int dataplane_set_member(struct dataplane *dp, uint16_t vid, uint16_t place, uint32_t slot)
{
	struct ul_member_key key = { .vid = vid, .place = place };

	return bpf_map_update_elem(dp->members_fd, &key, &slot, BPF_ANY) < 0 ? -errno : 0;
}

void dataplane_remove_member(struct dataplane *dp, uint16_t vid, uint16_t place)
{
	struct ul_member_key key = { .vid = vid, .place = place };

	bpf_map_delete_elem(dp->members_fd, &key);
}

int dataplane_load_lacp(struct dataplane *dp, uint32_t uplink, struct lacp_saved *ret)
{
	return bpf_map_lookup_elem(dp->lacp_fd, &uplink, ret) < 0 ? -errno : 0;
}

int dataplane_save_lacp(struct dataplane *dp, uint32_t uplink, const struct lacp_saved *saved)
{
	return bpf_map_update_elem(dp->lacp_fd, &uplink, saved, BPF_ANY) < 0 ? -errno : 0;
}

void dataplane_reset_answers(struct dataplane *dp, uint32_t uplink)
{
	struct ul_lacp_answer *answers = dp->mapping[MAP_LACP_ANSWERS];

	memset(&answers[uplink], 0, sizeof(answers[uplink]));
}

int dataplane_set_xdp_target(struct dataplane *dp, uint32_t slot, uint32_t ifindex)
{
	if (!ifindex) {
		bpf_map_delete_elem(dp->devmap_fd, &slot);
		return 0;
	}
	return bpf_map_update_elem(dp->devmap_fd, &slot, &ifindex, BPF_ANY) < 0 ? -errno : 0;
}

int dataplane_reset_stats(struct dataplane *dp, uint32_t object)
{
	int n_cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct ul_stats *zero = NULL;

	if (n_cpus < 0)
		return n_cpus;
	zero = calloc((size_t)n_cpus, sizeof(*zero));
	if (!zero)
		return -ENOMEM;
	return bpf_map_update_elem(dp->stats_fd, &object, zero, BPF_ANY) < 0 ? -errno : 0;
}

uint64_t dataplane_find_netdev(struct dataplane *dp, uint32_t ifindex)
{
	struct ul_netdev_query query = { .ifindex = ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &query, .ctx_size_in = sizeof(query));

	if (!ifindex || bpf_prog_test_run_opts(dp->program_fd[PROG_NETDEV_FIND], &opts) < 0)
		return 0;
	return query.netdev;
}
