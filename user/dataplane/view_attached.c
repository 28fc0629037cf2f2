// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Programs of uplinkd that are attached to an interface, compared with those of the set. */
#include <linux/bpf.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "dataplane/internal.h"
#include "dataplane/view.h"

#define MAX_TC_PROGRAMS 64 /* BPF_MPROG_MAX: the kernel's limit at a hook */
#define UL_BPF_TCX_INGRESS 46

/* The kernel keeps 15 bytes of a name. */
static const char *const names[N_VIEW_PROGRAMS] = {
	[VIEW_PORT_TC] = "port_tc",
	[VIEW_UPLINK_TC] = "uplink_tc",
	[VIEW_UPLINK_XDP] = "uplink_xdp",
};

/* A program of uplinkd, and not the one that the set has pinned. */
static bool is_of_other_set(const struct view *view, uint32_t id)
{
	_cleanup_close_ int fd = -1;
	struct bpf_prog_info info = {};
	uint32_t length = sizeof(info);

	for (size_t i = 0; i < ARRAY_SIZE(view->program_id); i++)
		if (id == view->program_id[i])
			return false;
	fd = bpf_prog_get_fd_by_id(id);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length) < 0)
		return false;
	for (size_t i = 0; i < N_VIEW_PROGRAMS; i++)
		if (strcmp(info.name, names[i]) == 0)
			return view->program_id[i] != 0;
	return false;
}

void view_find_programs(const char *directory, uint32_t *ids)
{
	for (size_t i = 0; i < N_VIEW_PROGRAMS; i++) {
		char pin[32];
		_cleanup_close_ int fd = -1;

		snprintf(pin, sizeof(pin), "prog_%s", names[i]);
		fd = pin_open(directory, pin);
		if (fd >= 0)
			ids[i] = program_id(fd);
	}
}

static bool has_stale_tc(const struct view *view, uint32_t ifindex)
{
	uint32_t ids[MAX_TC_PROGRAMS] = {}, id = 0;
	LIBBPF_OPTS(bpf_prog_query_opts, query, .prog_ids = ids, .prog_cnt = MAX_TC_PROGRAMS);
	int r = bpf_prog_query_opts((int)ifindex, (enum bpf_attach_type)UL_BPF_TCX_INGRESS, &query);

	if (r == -EINVAL) /* before Linux 6.6 */
		return filter_program(ifindex, &id) == 0 && is_of_other_set(view, id);
	for (uint32_t i = 0; r == 0 && i < query.prog_cnt && i < MAX_TC_PROGRAMS; i++)
		if (is_of_other_set(view, ids[i]))
			return true;
	return false;
}

bool view_has_stale_programs(const struct view *view, uint32_t ifindex)
{
	struct bpf_xdp_query_opts query = { .sz = sizeof(query) };

	if (!ifindex || !view->program_id[VIEW_PORT_TC])
		return false;
	if (bpf_xdp_query((int)ifindex, 0, &query) == 0 && query.prog_id &&
	    is_of_other_set(view, query.prog_id))
		return true;
	return has_stale_tc(view, ifindex);
}
