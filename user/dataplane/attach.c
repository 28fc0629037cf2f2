// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Attachments: XDP by a link; TC by a TCX link where the kernel has them (6.6), else by a filter
 * (filter.c). Links are pinned, so they outlive the daemon. */
#include <dirent.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "common/file.h"
#include "dataplane/internal.h"

/* Newer than the headers of Debian 12. */
#define UL_BPF_TCX_INGRESS 46

/* Only -ENOENT means that there is no link. After any other error the state is unknown, and
 * whatever runs must be kept. */

/* ifindex 0: detached. 0 or negative errno. */
static int query_link(int fd, uint32_t *ret_ifindex, uint32_t *ret_program)
{
	struct bpf_link_info info = {};
	uint32_t length = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &length) < 0)
		return -errno;
	*ret_program = info.prog_id;
	*ret_ifindex = info.xdp.ifindex; /* TCX links have it at the same place */
	return 0;
}

static int link_pin(char path[PATH_MAX], const char *dir, const char *kind, uint32_t ifindex)
{
	char name[32];

	snprintf(name, sizeof(name), "%s_%u", kind, ifindex);
	return pin_path(path, dir, name);
}

static int swap_program(int link_fd, int program_fd)
{
	return bpf_link_update(link_fd, program_fd, NULL) < 0 ? -errno : 0;
}

/* Brings the link that is pinned for this interface up to date. 0; -ENOENT: there is none, or it is
 * detached; other negative errno. */
static int adopt_link(const char *path, uint32_t ifindex, int program_fd)
{
	_cleanup_close_ int fd = bpf_obj_get(path);
	uint32_t present = 0, attached = 0;
	int r;

	if (fd < 0)
		return -errno;
	r = query_link(fd, &present, &attached);
	if (r < 0)
		return r;
	if (present != ifindex) { /* its interface is gone and another one has the number */
		r = file_remove(path);
		return r < 0 ? r : -ENOENT;
	}
	return attached == program_id(program_fd) ? 0 : swap_program(fd, program_fd);
}

/* 0; -ENOENT: there is none, or it is detached; other negative errno. */
static int find_link(const char *dir, const char *kind, uint32_t ifindex)
{
	uint32_t present = 0, program;
	char path[PATH_MAX];
	int r = link_pin(path, dir, kind, ifindex);

	if (r < 0)
		return r;
	_cleanup_close_ int fd = bpf_obj_get(path);

	if (fd < 0)
		return -errno;
	r = query_link(fd, &present, &program);
	if (r < 0)
		return r;
	return present == ifindex ? 0 : -ENOENT;
}

/* Of this set, or of the one that it is going to replace. */
static int find_any_link(const struct dataplane *dp, const char *kind, uint32_t ifindex)
{
	int r = find_link(dp->dir, kind, ifindex);

	return r == -ENOENT && dp->staged ? find_link(dp->old_dir, kind, ifindex) : r;
}

/* 0, also when there is none, or the negative errno of the pin, which stays; the link is detached.
 */
static int drop_link(const char *dir, const char *kind, uint32_t ifindex)
{
	char path[PATH_MAX];
	int r = link_pin(path, dir, kind, ifindex);

	if (r < 0)
		return r;
	/* Another process may have the link open, so unpinning alone does not detach. */
	_cleanup_close_ int fd = bpf_obj_get(path);

	if (fd >= 0)
		bpf_link_detach(fd);
	return file_remove(path);
}

/* Explains the failure. */
static int drop_any_link(const struct dataplane *dp, const char *kind, uint32_t ifindex)
{
	int r = drop_link(dp->dir, kind, ifindex);

	if (r == 0 && dp->staged)
		r = drop_link(dp->old_dir, kind, ifindex);
	return r < 0 ? errors_add(dp->errors, r, "%s/%s_%u: cannot be unpinned", dp->dir, kind,
				  ifindex) :
		       0;
}

/* 0: the link of this set is up to date, or that of the set that is going to be replaced is kept
 * for links_move(). -ENOENT: there is none. Other negative errno. */
static int adopt_any_link(struct dataplane *dp, const char *kind, uint32_t ifindex, int program_fd)
{
	char path[PATH_MAX];
	int r = dp->staged ? find_link(dp->old_dir, kind, ifindex) : -ENOENT;

	if (r != -ENOENT)
		return r;
	r = link_pin(path, dp->dir, kind, ifindex);
	return r < 0 ? r : adopt_link(path, ifindex, program_fd);
}

/* *ret_refused: the kernel or the driver refused to attach the program, not to pin the link. */
static int create_link(struct dataplane *dp, const char *kind, uint32_t ifindex, int program_fd,
		       int type, uint32_t flags, bool *ret_refused)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	int r = link_pin(path, dp->dir, kind, ifindex);

	*ret_refused = false;
	if (r < 0)
		return r;
	fd = bpf_link_create(program_fd, (int)ifindex, (enum bpf_attach_type)type,
			     flags ? &opts : NULL);
	*ret_refused = fd < 0;
	if (fd < 0)
		return -errno;
	return bpf_obj_pin(fd, path) < 0 ? -errno : 0;
}

/* ---- TC ---- */
static int attach_filter(struct dataplane *dp, uint32_t ifindex, const char *name, int program_fd)
{
	int r;

	/* As with links: links_move() swaps it. */
	r = dp->staged ? filter_find(ifindex) : -ENOENT;
	if (r != -ENOENT)
		return r;
	r = filter_attach(ifindex, program_fd);
	if (r == -ENOENT || r == -EOPNOTSUPP)
		return errors_add(
			dp->errors, r,
			"%s: the kernel has neither TCX links (6.6) nor the clsact qdisc (CONFIG_NET_CLS_ACT, CONFIG_NET_CLS_BPF)",
			name);
	return r;
}

static int attach_tc(struct dataplane *dp, uint32_t ifindex, const char *name, int program_fd)
{
	int r = adopt_any_link(dp, "tc", ifindex, program_fd);
	bool refused;

	if (r == -ENOENT) {
		r = create_link(dp, "tc", ifindex, program_fd, UL_BPF_TCX_INGRESS, 0, &refused);
		/* A kernel without TCX links returns -EINVAL for the attach type. */
		if (r == -EINVAL && refused)
			r = attach_filter(dp, ifindex, name, program_fd);
	}
	return r < 0 ? errors_add(dp->errors, r, "%s: cannot attach the TC program", name) : 0;
}

int attach_port(struct dataplane *dp, uint32_t ifindex, const char *name)
{
	return attach_tc(dp, ifindex, name, dp->program_fd[PROG_PORT_TC]);
}

/* ---- XDP ---- */
static int explain_other_program(struct dataplane *dp, const char *name, uint32_t id)
{
	return errors_add(
		dp->errors, -EBUSY,
		"%s: another XDP program (id %u) is attached; see 'bpftool prog show id %u' and 'bpftool net show dev %s', detach it or set receive: tc",
		name, id, id, name);
}

/* The program that is attached, ours or another; 0: none. 0 or negative errno. */
static int query_xdp(uint32_t ifindex, uint32_t *ret_id)
{
	struct bpf_xdp_query_opts query = { .sz = sizeof(query) };
	int r = bpf_xdp_query((int)ifindex, 0, &query);

	if (r < 0)
		return r;
	*ret_id = query.attach_mode == XDP_ATTACHED_NONE ? 0 : query.prog_id;
	/* With several programs the kernel gives none of the ids. */
	if (query.attach_mode == XDP_ATTACHED_MULTI)
		*ret_id = query.drv_prog_id ? query.drv_prog_id : query.skb_prog_id;
	return 0;
}

int attach_check_xdp(struct dataplane *dp, uint32_t ifindex, const char *name)
{
	uint32_t id;
	int r = query_xdp(ifindex, &id);

	if (r == 0 && id) {
		r = find_any_link(dp, "xdp", ifindex);
		if (r == -ENOENT)
			return explain_other_program(dp, name, id);
	}
	return r < 0 ? errors_add(dp->errors, r, "%s: cannot query the XDP program", name) : 0;
}

/* What a driver returns that cannot do native XDP in its configuration: another attempt fails too.
 */
static bool is_permanent(int error)
{
	return error == -EOPNOTSUPP || error == -EINVAL || error == -ERANGE || error == -ENOSPC ||
	       error == -E2BIG || error == -KERNEL_ENOTSUPP;
}

/* No link of ours exists. 0 with *ret filled, or -EBUSY, explained. */
static int create_xdp(struct dataplane *dp, uint32_t ifindex, const char *name, bool allow_generic,
		      struct dataplane_attachment *ret)
{
	int program_fd = dp->program_fd[PROG_UPLINK_XDP];
	bool refused;
	int r = create_link(dp, "xdp", ifindex, program_fd, BPF_XDP, XDP_FLAGS_DRV_MODE, &refused);
	int native = r;
	uint32_t id;

	if (r < 0 && !refused) {
		snprintf(ret->note, sizeof(ret->note),
			 "the XDP program cannot be pinned: %s; receiving by TC", strerror(-r));
		ret->retry = r;
		return 0;
	}
	/* A driver that is busy returns the same errno as the kernel for another program. */
	if ((r == -EBUSY || r == -EEXIST) && query_xdp(ifindex, &id) == 0 && id) {
		ret->taken = true;
		return explain_other_program(dp, name, id);
	}
	ret->xdp_mode = UL_XDP_NATIVE;
	ret->retry = r < 0 && !is_permanent(r) ? r : 0;
	if (r < 0 && allow_generic) {
		snprintf(ret->note, sizeof(ret->note),
			 "no native XDP: %s; using generic XDP, which is slower than receive: tc",
			 strerror(-native));
		r = create_link(dp, "xdp", ifindex, program_fd, BPF_XDP, XDP_FLAGS_SKB_MODE,
				&refused);
		ret->xdp_mode = UL_XDP_GENERIC;
		/* It would have to be detached for an attempt at native XDP. */
		ret->retry = r < 0 ? ret->retry : 0;
	}
	if (r == 0)
		return 0;
	snprintf(ret->note, sizeof(ret->note),
		 "no native XDP (driver, LRO, MTU or number of queues): %s; receiving by TC",
		 strerror(-native));
	ret->xdp_mode = UL_XDP_NONE;
	return 0;
}

static int attach_xdp(struct dataplane *dp, uint32_t ifindex, const char *name, bool allow_generic,
		      bool generic_now, struct dataplane_attachment *ret)
{
	int r = adopt_any_link(dp, "xdp", ifindex, dp->program_fd[PROG_UPLINK_XDP]);

	if (r == 0 && !allow_generic && generic_now) {
		r = drop_any_link(dp, "xdp", ifindex);
		if (r < 0)
			return r;
		r = -ENOENT;
	}
	if (r == -ENOENT)
		return create_xdp(dp, ifindex, name, allow_generic, ret);
	if (r < 0)
		return errors_add(dp->errors, r, "%s: cannot bring the XDP program up to date",
				  name);
	ret->xdp_mode = generic_now ? UL_XDP_GENERIC : UL_XDP_NATIVE;
	return 0;
}

int attach_uplink(struct dataplane *dp, uint32_t ifindex, const char *name, bool want_xdp,
		  bool allow_generic, bool generic_now, struct dataplane_attachment *ret)
{
	struct dataplane_attachment attachment = { .xdp_mode = UL_XDP_NONE };
	int r;

	if (want_xdp) {
		r = attach_xdp(dp, ifindex, name, allow_generic, generic_now, &attachment);
		*ret = attachment;
		if (r < 0)
			return r;
	} else {
		r = drop_any_link(dp, "xdp", ifindex);
		if (r < 0)
			return r;
	}
	r = attach_tc(dp, ifindex, name, dp->program_fd[PROG_UPLINK_TC]);
	if (r < 0)
		return r;
	*ret = attachment;
	return 0;
}

int attach_detach(struct dataplane *dp, uint32_t ifindex)
{
	int xdp = drop_any_link(dp, "xdp", ifindex), tc = drop_any_link(dp, "tc", ifindex);
	int filter = filter_detach(ifindex);

	if (filter < 0)
		errors_add(dp->errors, filter,
			   "interface %u: cannot detach the TC filter, which drops its frames",
			   ifindex);
	return xdp < 0 ? xdp : tc < 0 ? tc : filter;
}

bool attach_has_tcx(void)
{
	LIBBPF_OPTS(bpf_prog_query_opts, query);
	const int loopback = 1;

	return bpf_prog_query_opts(loopback, (enum bpf_attach_type)UL_BPF_TCX_INGRESS, &query) !=
	       -EINVAL;
}

/* ---- programs of other software ---- */
#define MAX_TC_PROGRAMS 64 /* BPF_MPROG_MAX: the kernel's limit at a hook */

/* With TCX links the programs run in the order of the answer; a filter of another priority cannot
 * be told from one that passes frames on, so before Linux 6.6 only the own filter is checked. */
static uint32_t find_tc_problems(uint32_t ifindex, uint32_t own)
{
	uint32_t ids[MAX_TC_PROGRAMS] = {};
	LIBBPF_OPTS(bpf_prog_query_opts, query, .prog_ids = ids, .prog_cnt = MAX_TC_PROGRAMS);
	int r = bpf_prog_query_opts((int)ifindex, (enum bpf_attach_type)UL_BPF_TCX_INGRESS, &query);

	if (r == -EINVAL)
		return filter_find(ifindex) == -ENOENT ? UL_PROBLEM_DETACHED : 0;
	if (r < 0 || !own)
		return 0;
	for (uint32_t i = 0; i < query.prog_cnt && i < MAX_TC_PROGRAMS; i++)
		if (ids[i] == own)
			return i ? UL_PROBLEM_TC : 0;
	return UL_PROBLEM_DETACHED;
}

uint32_t attach_find_problems(struct dataplane *dp, uint32_t ifindex, enum dataplane_program tc,
			      bool with_xdp, uint32_t xdp_id)
{
	uint32_t own_xdp, problems;

	if (dp->staged)
		return 0;
	problems = find_tc_problems(ifindex, program_id(dp->program_fd[tc]));
	own_xdp = with_xdp ? program_id(dp->program_fd[PROG_UPLINK_XDP]) : 0;
	if (xdp_id && xdp_id != own_xdp && (own_xdp || !with_xdp))
		problems |= UL_PROBLEM_XDP;
	else if (with_xdp && !xdp_id)
		problems |= UL_PROBLEM_DETACHED;
	return problems;
}

int dataplane_xdp_owner(const char *bpffs, uint32_t ifindex, char ret_switch[UL_NAME_LEN])
{
	_cleanup_(ul_closedirp) DIR *stream = NULL;
	char root[PATH_MAX], dir[PATH_MAX];
	struct dirent *entry;
	int r, found;

	r = pin_path(root, bpffs, UL_PIN_ROOT);
	if (r < 0)
		return r;
	stream = opendir(root);
	if (!stream)
		return -errno;
	while ((r = dir_next(stream, &entry)) > 0) {
		if (entry->d_name[0] == '.' || pin_path(dir, root, entry->d_name) < 0)
			continue;
		found = find_link(dir, "xdp", ifindex);
		if (found == -ENOENT || found == -ENOTDIR) /* a settings journal */
			continue;
		snprintf(ret_switch, UL_NAME_LEN, "%.*s", (int)strcspn(entry->d_name, "_"),
			 entry->d_name);
		return found;
	}
	return r < 0 ? r : -ENOENT;
}

/* ---- all links of a directory ---- */
typedef int (*link_visitor)(void *userdata, const char *dir, const char *kind, uint32_t ifindex);

static int for_each_link(const char *dir, link_visitor visit, void *userdata)
{
	_cleanup_(ul_closedirp) DIR *stream = opendir(dir);
	struct dirent *entry;
	int r;

	if (!stream)
		return errno == ENOENT ? 0 : -errno;
	while ((r = dir_next(stream, &entry)) > 0) {
		char kind[8];
		uint32_t ifindex;

		if (sscanf(entry->d_name, "%7[a-z]_%u", kind, &ifindex) == 2)
			r = visit(userdata, dir, kind, ifindex);
		if (r < 0)
			return r;
	}
	return r;
}

static enum dataplane_program tc_program_for(const struct dataplane *dp, uint32_t ifindex)
{
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		if (dp->uplinks[i].ifindex == ifindex)
			return PROG_UPLINK_TC;
	return PROG_PORT_TC;
}

static bool is_port(const struct dataplane *dp, uint32_t ifindex)
{
	for (uint32_t slot = 0; slot < dp->max_ports; slot++)
		if (dp->ports[slot].flags & UL_PORT_USED && dp->ports[slot].ifindex == ifindex)
			return true;
	return false;
}

bool attach_is_member(const struct dataplane *dp, uint32_t ifindex)
{
	return tc_program_for(dp, ifindex) == PROG_UPLINK_TC || is_port(dp, ifindex);
}

static int move_link(void *userdata, const char *dir, const char *kind, uint32_t ifindex)
{
	struct dataplane *dp = userdata;
	enum dataplane_program tc = tc_program_for(dp, ifindex),
			       which = kind[0] == 'x' ? PROG_UPLINK_XDP : tc;
	char from[PATH_MAX], to[PATH_MAX];
	int r;

	if (link_pin(from, dir, kind, ifindex) < 0 || link_pin(to, dp->dir, kind, ifindex) < 0)
		return -ENAMETOOLONG;
	/* No uplink and no port: with our program it would drop everything. */
	if (tc == PROG_PORT_TC && (kind[0] == 'x' || !is_port(dp, ifindex))) {
		r = drop_link(dir, kind, ifindex);
		return r < 0 ? errors_add(dp->errors, r, "%s: cannot be unpinned", from) : 0;
	}
	r = adopt_link(from, ifindex, dp->program_fd[which]);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return errors_add(dp->errors, r, "%s: cannot swap the program", from);
	if (strcmp(from, to) != 0 && rename(from, to) < 0) {
		r = -errno;
		return errors_add(dp->errors, r, "%s: cannot move the pin", from);
	}
	return 0;
}

static int move_filter(struct dataplane *dp, uint32_t ifindex, int program_fd)
{
	int r;

	if (!ifindex)
		return 0;
	r = find_link(dp->dir, "tc", ifindex);
	if (r == 0)
		return 0;
	if (r == -ENOENT)
		r = filter_find(ifindex);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = filter_attach(ifindex, program_fd);
	return r < 0 ? errors_add(dp->errors, r,
				  "interface %u: cannot swap the TC filter's program", ifindex) :
		       0;
}

/* Without TCX links the TC programs are in filters. */
static int move_filters(struct dataplane *dp)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < UL_MAX_UPLINKS; i++)
		r = move_filter(dp, dp->uplinks[i].ifindex, dp->program_fd[PROG_UPLINK_TC]);
	for (uint32_t slot = 0; r == 0 && slot < dp->max_ports; slot++)
		if (dp->ports[slot].flags & UL_PORT_USED)
			r = move_filter(dp, dp->ports[slot].ifindex, dp->program_fd[PROG_PORT_TC]);
	return r;
}

int links_move(struct dataplane *dp, const char *from_dir)
{
	int r = for_each_link(from_dir, move_link, dp);

	if (r == 0)
		r = move_filters(dp);
	if (r == 0)
		wait_for_programs();
	return r;
}

static int gather_link(void *userdata, const char *dir, const char *kind, uint32_t ifindex)
{
	const char *to_dir = userdata;
	char from[PATH_MAX], to[PATH_MAX];
	int r;

	if (link_pin(from, dir, kind, ifindex) < 0 || link_pin(to, to_dir, kind, ifindex) < 0)
		return -ENAMETOOLONG;
	r = find_link(to_dir, kind, ifindex);
	if (r == 0)
		return drop_link(dir, kind, ifindex);
	if (r != -ENOENT)
		return r;
	/* A pin that is there is of a link without interface. */
	return rename(from, to) < 0 ? -errno : 0;
}

int links_gather(const char *dir, const char *from_dir)
{
	return for_each_link(from_dir, gather_link, (void *)(uintptr_t)dir);
}

/* A pin that stays does not keep the others. */
static int drop_one(void *userdata, const char *dir, const char *kind, uint32_t ifindex)
{
	int *first = userdata, r = drop_link(dir, kind, ifindex);

	if (*first == 0)
		*first = r;
	return 0;
}

int links_drop(const char *dir)
{
	int first = 0, r = for_each_link(dir, drop_one, &first);

	return r < 0 ? r : first;
}

/* ---- links of interfaces that left ---- */
static int drop_stray_link(void *userdata, const char *dir, const char *kind, uint32_t ifindex)
{
	const struct dataplane *dp = userdata;

	return attach_is_member(dp, ifindex) ? 0 : drop_link(dir, kind, ifindex);
}

int attach_detach_strays(struct dataplane *dp)
{
	int links, filters;

	/* Until a staged set takes over, links of the former one are those of its members. */
	if (dp->staged)
		return -EAGAIN;
	links = for_each_link(dp->dir, drop_stray_link, dp);
	filters = filters_drop(dp->dir, dp);
	return links < 0 ? links : filters;
}
