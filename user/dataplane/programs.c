// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * The programs of a set. A running daemon of another build replaces them: they are loaded with the
 * pinned maps, pinned in the place of the old ones, and then swapped into the links (attach.c).
 *
 * port_tc enters its slow path by a tail call through a program array. The kernel empties a
 * program array when its last descriptor and pin are gone, also while programs use it. Each
 * loading therefore makes a new array, fills it and pins it as ul_slow_<map id> before any link
 * runs the new programs; programs_prune_arrays() unpins the arrays of older generations when no CPU
 * runs their programs any longer. Which array belongs to a program is read from the kernel (the ids
 * of its maps), so a killed daemon leaves nothing that the next one cannot sort out.
 */
#include <dirent.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "common/file.h"
#include "dataplane/clock.h"
#include "dataplane/internal.h"
#include "uplinkd.skel.h"

/* clang-format off */
static const char *const program_names[N_PROGRAMS] = {
	[PROG_PORT_TC] = "port_tc",
	[PROG_UPLINK_TC] = "uplink_tc",
	[PROG_UPLINK_XDP] = "uplink_xdp",
	[PROG_NETDEV_FIND] = "netdev_find",
	[PROG_CARRIER_READ] = "carrier_read",
	[PROG_CLOCK_READ] = "clock_read",
};
/* clang-format on */

/* ---- libbpf's messages: the first warning of a loading is the reason of its failure ---- */
static char last_message[512];

static int keep_message(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level == LIBBPF_WARN && !last_message[0])
		vsnprintf(last_message, sizeof(last_message), format, args);
	return 0;
}

void programs_keep_messages(void)
{
	libbpf_set_print(keep_message);
}

static const char *reason_of(int error)
{
	last_message[strcspn(last_message, "\n")] = '\0';
	if (error == -EPERM)
		return "needs root, or CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON";
	return last_message[0] ? last_message : "see dmesg";
}

uint32_t programs_checksum(void)
{
	uint32_t hash = 2166136261; /* FNV-1a; it only has to tell builds apart */
	const uint8_t *bytes;
	size_t size;

	bytes = uplinkd_bpf__elf_bytes(&size);
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 16777619;
	return hash;
}

uint32_t program_id(int fd)
{
	struct bpf_prog_info info = {};
	uint32_t length = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &length) < 0 ? 0 : info.id;
}

/* ---- the program array of the tail call ---- */
static int map_id(int fd, uint32_t *ret)
{
	struct bpf_map_info info = {};
	uint32_t length = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &length) < 0)
		return -errno;
	*ret = info.id;
	return 0;
}

static bool uses_map(int program_fd, uint32_t id)
{
	uint32_t ids[2 * N_UL_MAPS] = {}; /* and .rodata */
	struct bpf_prog_info info = { .nr_map_ids = ARRAY_SIZE(ids), .map_ids = (uintptr_t)ids };
	uint32_t length = sizeof(info);

	if (bpf_obj_get_info_by_fd(program_fd, &info, &length) < 0)
		return true; /* unknown: keep it */
	for (uint32_t i = 0; i < info.nr_map_ids && i < ARRAY_SIZE(ids); i++)
		if (ids[i] == id)
			return true;
	return false;
}

static int pin_array(struct dataplane *dp, struct uplinkd_bpf *skel)
{
	int fd = bpf_map__fd(skel->maps.ul_slow);
	int slow_fd = bpf_program__fd(skel->progs.port_tc_slow);
	uint32_t id = 0, index = UL_SLOW_PORT_TC;
	char path[PATH_MAX], name[32];
	int r;

	if (bpf_map_update_elem(fd, &index, &slow_fd, BPF_ANY) < 0)
		return -errno;
	r = map_id(fd, &id);
	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "ul_slow_%u", id);
	r = pin_path(path, dp->dir, name);
	if (r < 0)
		return r;
	return bpf_obj_pin(fd, path) < 0 ? -errno : 0;
}

void programs_prune_arrays(struct dataplane *dp)
{
	DIR *stream = opendir(dp->dir);
	struct dirent *entry;
	char path[PATH_MAX];
	uint32_t id;

	while (stream && (entry = readdir(stream)))
		if (sscanf(entry->d_name, "ul_slow_%u", &id) == 1 &&
		    !uses_map(dp->program_fd[PROG_PORT_TC], id) &&
		    pin_path(path, dp->dir, entry->d_name) == 0)
			(void)file_remove(path); /* the next start tries again */
	if (stream)
		closedir(stream);
}

/* ---- loading ---- */
/* Maps that are pinned are used again, others are made and pinned. */
static int place_map(struct dataplane *dp, struct bpf_map *map)
{
	char path[PATH_MAX];
	int r;

	if (strncmp(bpf_map__name(map), "ul_", 3) != 0)
		return 0; /* .rodata belongs to the programs */
	if (bpf_map__type(map) == BPF_MAP_TYPE_PROG_ARRAY)
		return 0; /* and so does this; see pin_array() */
	/* The kernel adds a flag to devmaps, and libbpf before 1.3 then rejects the pinned one. */
	if (bpf_map__type(map) == BPF_MAP_TYPE_DEVMAP && dp->map_fd[UL_MAP_DEVMAP] >= 0)
		return bpf_map__reuse_fd(map, dp->map_fd[UL_MAP_DEVMAP]);
	r = pin_path(path, dp->dir, bpf_map__name(map));
	return r < 0 ? r : bpf_map__set_pin_path(map, path);
}

static int pin_program(struct dataplane *dp, struct bpf_object *object, enum dataplane_program i)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, program_names[i]);
	char path[PATH_MAX], name[32];
	int r;

	if (!program)
		return -ENOENT;
	snprintf(name, sizeof(name), "prog_%s", program_names[i]);
	r = pin_path(path, dp->dir, name);
	if (r < 0)
		return r;
	r = file_remove(path);
	if (r < 0)
		return r;
	if (bpf_obj_pin(bpf_program__fd(program), path) < 0)
		return -errno;
	dp->program_fd[i] = dup(bpf_program__fd(program));
	return dp->program_fd[i] < 0 ? -errno : 0;
}

static void set_constants(struct uplinkd_bpf *skel, const struct map_sizes *sizes)
{
	skel->rodata->ul_fdb_mask = sizes->fdb_rows - 1;
	skel->rodata->ul_ifaces_mask = sizes->iface_rows - 1;
	skel->rodata->ul_seed = sizes->seed;
	skel->rodata->ul_hz = kernel_hz();
}

static int load_skeleton(struct dataplane *dp, struct uplinkd_bpf *skel,
			 const struct map_sizes *sizes)
{
	struct bpf_map *map;
	int r;

	r = maps_resize(skel->obj, sizes);
	set_constants(skel, sizes);
	bpf_object__for_each_map(map, skel->obj)
		if (r == 0)
			r = place_map(dp, map);
	if (r == 0)
		r = uplinkd_bpf__load(skel);
	return r < 0 ? errors_add(dp->errors, r, "%s: cannot load the BPF programs (%s)", dp->name,
				  reason_of(r)) :
		       0;
}

static int pin_programs(struct dataplane *dp, struct uplinkd_bpf *skel)
{
	int r = pin_array(dp, skel);

	for (int i = 0; r == 0 && i < N_PROGRAMS; i++)
		r = pin_program(dp, skel->obj, i);
	return r < 0 ? errors_add(dp->errors, r, "%s: cannot pin the BPF programs", dp->dir) : 0;
}

int programs_load(struct dataplane *dp, const struct map_sizes *sizes)
{
	struct uplinkd_bpf *skel;
	int r;

	programs_close(dp);
	last_message[0] = '\0';
	skel = uplinkd_bpf__open();
	if (!skel) {
		r = -errno;
		return errors_add(dp->errors, r, "%s: cannot open the BPF object (%s)", dp->name,
				  reason_of(r));
	}
	r = load_skeleton(dp, skel, sizes);
	if (r == 0)
		r = pin_programs(dp, skel);
	uplinkd_bpf__destroy(skel);
	return r;
}

int dataplane_try_programs(const char *switch_name, const struct dataplane_needs *needs,
			   struct errors *errors)
{
	struct uplinkd_bpf *skel;
	struct map_sizes sizes;
	int r;

	programs_keep_messages();
	last_message[0] = '\0';
	map_sizes_for(needs, &sizes);
	skel = uplinkd_bpf__open();
	r = skel ? maps_resize(skel->obj, &sizes) : -errno;
	if (r == 0) {
		set_constants(skel, &sizes);
		r = uplinkd_bpf__load(skel);
	}
	uplinkd_bpf__destroy(skel);
	return r < 0 ? errors_add(errors, r, "%s: cannot load the BPF programs (%s)", switch_name,
				  reason_of(r)) :
		       0;
}

int programs_adopt(struct dataplane *dp)
{
	for (int i = 0; i < N_PROGRAMS; i++) {
		char name[32];

		snprintf(name, sizeof(name), "prog_%s", program_names[i]);
		dp->program_fd[i] = pin_open(dp->dir, name);
		if (dp->program_fd[i] < 0)
			return dp->program_fd[i];
	}
	return 0;
}

void programs_close(struct dataplane *dp)
{
	for (int i = 0; i < N_PROGRAMS; i++) {
		ul_closep(&dp->program_fd[i]);
		dp->program_fd[i] = -1;
	}
}

/* The answers of a kernel, or of its security policy, that are the same the next time. */
static bool is_refusal(int error)
{
	return error == -EPERM || error == -EACCES || error == -EINVAL || error == -EOPNOTSUPP ||
	       error == -KERNEL_ENOTSUPP;
}

int programs_find_netdev(struct dataplane *dp, uint32_t ifindex, uint64_t *ret_netdev,
			 bool *ret_visible)
{
	struct ul_netdev_query query = { .ifindex = ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &query, .ctx_size_in = sizeof(query));
	int r = ifindex ? bpf_prog_test_run_opts(dp->program_fd[PROG_NETDEV_FIND], &opts) : 0;

	if (r < 0)
		return is_refusal(r) ? 0 : r;
	*ret_visible = query.visible;
	*ret_netdev = query.netdev;
	return 0;
}

int programs_read_carriers(struct dataplane *dp, struct ul_carrier_query *query)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = query, .ctx_size_in = sizeof(*query));

	return bpf_prog_test_run_opts(dp->program_fd[PROG_CARRIER_READ], &opts);
}

uint64_t programs_jiffies(struct dataplane *dp)
{
	return clock_jiffies(dp->program_fd[PROG_CLOCK_READ]);
}
