// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* A switch's pinned maps, read without the daemon (see view.h).
 *
 * Whatever is pinned at these paths is input: type and sizes are compared with the catalogue
 * before anything is mapped, and the records are checked (check.h) before they are used. A map that
 * was made without BPF_F_MMAPABLE is copied by look-ups into anonymous memory, so that closing is
 * the same. */
#include "dataplane/view.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "dataplane/check.h"
#include "dataplane/clock.h"
#include "dataplane/internal.h"

/* The maps that are shown; ul_stats is read by look-ups. */
static const enum ul_map shown[] = {
	UL_MAP_META,	   UL_MAP_UPLINKS,	UL_MAP_PORTS,	   UL_MAP_GROUPS,
	UL_MAP_POLICIES,   UL_MAP_VLANS,	UL_MAP_FDB,	   UL_MAP_FDB_USE,
	UL_MAP_LACP_PORTS, UL_MAP_LACP_ANSWERS, UL_MAP_PAGP_PORTS,
};

/* Opens the pin with flags (BPF_F_RDONLY or 0) and compares it with the catalogue. */
static int open_map(const char *directory, enum ul_map which, uint32_t flags, int *ret_fd,
		    uint32_t *ret_entries)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = flags);
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	int r;

	r = pin_path(path, directory, map_catalogue[which].name);
	if (r < 0)
		return r;
	fd = bpf_obj_get_opts(path, &opts);
	if (fd < 0)
		return -errno;
	r = map_check(fd, which, ret_entries);
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int copy_map(int fd, uint32_t value_size, uint32_t entries, void **ret, size_t size)
{
	uint8_t *memory =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return -errno;
	for (uint32_t key = 0; key < entries; key++) {
		if (bpf_map_lookup_elem(fd, &key, memory + (size_t)key * value_size) < 0) {
			int error = -errno;

			munmap(memory, size);
			return error;
		}
	}
	*ret = memory;
	return 0;
}

static int map_one(struct view *view, enum ul_map which, const char *directory,
		   uint32_t *ret_entries)
{
	uint32_t value_size = map_catalogue[which].value_size;
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size;
	_cleanup_close_ int fd = -1;
	void *memory;
	int r;

	/* The kernel maps nothing from a read-only descriptor, not even to be read: mm/mmap.c takes
	 * VM_SHARED from such a mapping and the map then refuses it. */
	r = open_map(directory, which, 0, &fd, ret_entries);
	if (r == -EACCES || r == -EPERM)
		r = open_map(directory, which, BPF_F_RDONLY, &fd, ret_entries);
	if (r < 0)
		return r;
	/* The kernel rounds elements up to eight bytes; every value of the ABI is a multiple of
	 * that. */
	size = ((size_t)*ret_entries * value_size + page - 1) / page * page;
	memory = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED) {
		r = copy_map(fd, value_size, *ret_entries, &memory, size);
		if (r < 0)
			return r;
	}
	view->maps[which] = memory;
	view->sizes[which] = size;
	return 0;
}

static bool is_switch(const char *bpffs, const char *name)
{
	char path[PATH_MAX];

	/* With '_': a set that is being made or was replaced; no name of a switch has one. */
	if (name[0] == '.' || strchr(name, '_') || strlen(name) >= UL_NAME_LEN)
		return false;
	if ((size_t)snprintf(path, sizeof(path), "%s/uplinkd/%s/%s", bpffs, name,
			     map_catalogue[UL_MAP_META].name) >= sizeof(path))
		return false;
	return access(path, F_OK) == 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

int view_list(const char *bpffs, char (**ret_names)[UL_NAME_LEN], size_t *ret_n)
{
	_cleanup_(ul_closedirp) DIR *directory = NULL;
	_cleanup_free_ char(*names)[UL_NAME_LEN] = NULL;
	struct dirent *entry;
	char path[PATH_MAX];
	size_t n = 0;
	int r;

	if ((size_t)snprintf(path, sizeof(path), "%s/uplinkd", bpffs) >= sizeof(path))
		return -ENAMETOOLONG;
	directory = opendir(path);
	if (!directory)
		return -errno;

	while ((r = dir_next(directory, &entry)) > 0) {
		char(*more)[UL_NAME_LEN];

		if (!is_switch(bpffs, entry->d_name))
			continue;
		more = reallocarray(names, n + 1, sizeof(*names));
		if (!more)
			return -ENOMEM;
		names = more;
		memset(names[n], 0, UL_NAME_LEN);
		memcpy(names[n++], entry->d_name, strlen(entry->d_name));
	}
	if (r < 0)
		return r;
	if (n == 0)
		return -ENOENT;
	qsort(names, n, sizeof(*names), compare_names);

	*ret_names = TAKE_PTR(names);
	*ret_n = n;
	return 0;
}

static void view_closep(struct view **view)
{
	view_close(*view);
}

/* Also takes the sizes that were checked. */
static bool can_be_read(struct view *view, const uint32_t entries[N_UL_MAPS])
{
	const struct ul_meta meta = *view->meta;
	const struct check_records records = {
		.meta = &meta,
		.uplinks = view->uplinks,
		.ports = view->ports,
		.groups = view->groups,
		.policies = view->policies,
		.vlans = view->vlans,
		.n_ports = entries[UL_MAP_PORTS],
		.n_groups = entries[UL_MAP_GROUPS],
	};

	view->max_ports = meta.max_ports;
	view->max_groups = meta.max_groups;
	return entries[UL_MAP_FDB_USE] == entries[UL_MAP_FDB] && check_records(&records) == 0;
}

int view_open(const char *bpffs, const char *switch_name, struct view **ret)
{
	_cleanup_(view_closep) struct view *view = NULL;
	uint32_t entries[N_UL_MAPS] = {};
	char directory[PATH_MAX], former[PATH_MAX];
	int r;

	if (switch_name[0] == '\0' || switch_name[0] == '.' || strchr(switch_name, '/') ||
	    strlen(switch_name) >= UL_NAME_LEN)
		return -ENOENT;
	if ((size_t)snprintf(directory, sizeof(directory), "%s/uplinkd/%s", bpffs, switch_name) >=
	    sizeof(directory))
		return -ENAMETOOLONG;
	view = calloc(1, sizeof(*view));
	if (!view)
		return -ENOMEM;
	view->stats_fd = view->clock_fd = -1;
	memcpy(view->name, switch_name, strlen(switch_name));

	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		r = map_one(view, shown[i], directory, &entries[shown[i]]);
		if (r < 0)
			return r;
		/* Another version may have other maps and sizes; that must be reported as the
		 * version, not as a missing map. */
		if (shown[i] == UL_MAP_META &&
		    ((const struct ul_meta *)view->maps[UL_MAP_META])->abi_version !=
			    UL_ABI_VERSION)
			return -EPROTO;
	}
	r = open_map(directory, UL_MAP_STATS, BPF_F_RDONLY, &view->stats_fd,
		     &entries[UL_MAP_STATS]);
	if (r < 0)
		return r;

	view->meta = view->maps[UL_MAP_META];
	view->uplinks = view->maps[UL_MAP_UPLINKS];
	view->ports = view->maps[UL_MAP_PORTS];
	view->groups = view->maps[UL_MAP_GROUPS];
	view->policies = view->maps[UL_MAP_POLICIES];
	view->vlans = view->maps[UL_MAP_VLANS];
	view->fdb = view->maps[UL_MAP_FDB];
	view->fdb_buckets = entries[UL_MAP_FDB];
	view->fdb_use = view->maps[UL_MAP_FDB_USE];
	view->clock_fd = pin_open(directory, "prog_clock_read");
	view_find_programs(directory, view->program_id);
	view->has_stale_programs = view_has_stale_programs;
	view->former_stays = view->meta->exchange == UL_EXCHANGE_SERVING &&
			     pin_sibling_dir(former, directory, PINS_OLD) == 0 &&
			     pins_find_dir(former) == 0;
	view->lacp_ports = view->maps[UL_MAP_LACP_PORTS];
	view->pagp_ports = view->maps[UL_MAP_PAGP_PORTS];
	view->lacp_answers = view->maps[UL_MAP_LACP_ANSWERS];
	if (!can_be_read(view, entries))
		return -EPROTO;

	*ret = TAKE_PTR(view);
	return 0;
}

void view_close(struct view *view)
{
	if (!view)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(view->maps); i++)
		if (view->maps[i])
			munmap(view->maps[i], view->sizes[i]);
	ul_closep(&view->stats_fd);
	ul_closep(&view->clock_fd);
	free(view);
}

uint64_t view_jiffies(const struct view *view)
{
	return clock_jiffies(view->clock_fd);
}

/* The daemon writes records at any moment: until two copies are equal. */
static void copy_record(const void *record, size_t size, void *ret, void *again)
{
	for (int i = 0; i < 100; i++) {
		memcpy(ret, record, size);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		memcpy(again, record, size);
		if (memcmp(ret, again, size) == 0)
			return;
	}
}

void view_lacp_port(const struct view *view, uint32_t uplink, struct ul_lacp_port *ret)
{
	struct ul_lacp_port again;

	*ret = (struct ul_lacp_port){};
	if (!view->lacp_ports || uplink >= UL_MAX_UPLINKS)
		return;
	copy_record(&view->lacp_ports[uplink], sizeof(*ret), ret, &again);
	ret->reason[sizeof(ret->reason) - 1] = '\0';
	ret->neighbour.device[sizeof(ret->neighbour.device) - 1] = '\0';
	ret->neighbour.port[sizeof(ret->neighbour.port) - 1] = '\0';
}

void view_pagp_port(const struct view *view, uint32_t uplink, struct ul_pagp_port *ret)
{
	struct ul_pagp_port again;

	*ret = (struct ul_pagp_port){};
	if (!view->pagp_ports || uplink >= UL_MAX_UPLINKS)
		return;
	copy_record(&view->pagp_ports[uplink], sizeof(*ret), ret, &again);
	ret->reason[sizeof(ret->reason) - 1] = '\0';
}

int view_stats(const struct view *view, uint32_t endpoint, struct ul_stats *ret)
{
	_cleanup_free_ struct ul_stats *cpus = NULL;
	int n_cpus = libbpf_num_possible_cpus();
	struct ul_stats sum = {};

	if (n_cpus < 0)
		return n_cpus;
	cpus = calloc((size_t)n_cpus, sizeof(*cpus));
	if (!cpus)
		return -ENOMEM;
	if (bpf_map_lookup_elem(view->stats_fd, &endpoint, cpus) < 0)
		return -errno;

	for (int cpu = 0; cpu < n_cpus; cpu++) {
		const struct ul_count *from = (const struct ul_count *)&cpus[cpu];
		struct ul_count *to = (struct ul_count *)&sum;

		for (int reason = 0; reason < UL_REASON_SLOTS; reason++) {
			to[reason].packets += from[reason].packets;
			to[reason].bytes += from[reason].bytes;
		}
	}
	*ret = sum;
	return 0;
}

static const struct {
	const char *name, *help;
	enum ul_reason_kind kind;
} reasons[UL_REASON_SLOTS] = {
#define X(member, NAME, number, kind, help) [number] = { #member, help, UL_KIND_##kind },
	UL_REASONS(X)
#undef X
};

const char *reason_name(uint32_t reason)
{
	return reason < ARRAY_SIZE(reasons) ? reasons[reason].name : NULL;
}

const char *reason_help(uint32_t reason)
{
	return reason < ARRAY_SIZE(reasons) ? reasons[reason].help : NULL;
}

enum ul_reason_kind reason_kind(uint32_t reason)
{
	return reason < ARRAY_SIZE(reasons) ? reasons[reason].kind : UL_KIND_NOTE;
}
