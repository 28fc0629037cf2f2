// SPDX-License-Identifier: GPL-2.0
/* Attaching: XDP always by a link; TC by a TCX link where the kernel has them (6.6), else by a
 * filter (filter.c). Links are pinned, so they outlive the daemon. */
#include <dirent.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "dataplane/internal.h"

/* Newer than the headers of Debian 12. */
#define UL_BPF_TCX_INGRESS 46

static uint32_t link_ifindex(int fd, uint32_t *ret_program)
{
	struct bpf_link_info info = {};
	uint32_t length = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &length) < 0)
		return 0;
	*ret_program = info.prog_id;
	return info.xdp.ifindex; /* TCX links have it at the same place */
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

/* A link of ours that is pinned for this interface, brought up to date. 0; -ENOENT: there is none
 * that lives. */
static int adopt_link(const char *path, uint32_t ifindex, int program_fd)
{
	_cleanup_close_ int fd = bpf_obj_get(path);
	uint32_t attached = 0;

	if (fd < 0)
		return -ENOENT;
	if (link_ifindex(fd, &attached) != ifindex) {
		unlink(path); /* of an interface that is gone; its number is in use again */
		return -ENOENT;
	}
	return attached == program_id(program_fd) ? 0 : swap_program(fd, program_fd);
}

static bool link_lives(const char *dir, const char *kind, uint32_t ifindex)
{
	char path[PATH_MAX];
	uint32_t program;

	if (link_pin(path, dir, kind, ifindex) < 0)
		return false;
	_cleanup_close_ int fd = bpf_obj_get(path);

	return fd >= 0 && link_ifindex(fd, &program) == ifindex;
}

/* Of this set, or of the one that it is going to replace. */
static bool any_link_lives(const struct dataplane *dp, const char *kind, uint32_t ifindex)
{
	return link_lives(dp->dir, kind, ifindex) ||
	       (dp->staged && link_lives(dp->old_dir, kind, ifindex));
}

static void drop_link(const char *dir, const char *kind, uint32_t ifindex)
{
	char path[PATH_MAX];

	if (link_pin(path, dir, kind, ifindex) < 0)
		return;
	/* The pin may outlive our unlink in somebody's descriptor: detach first. */
	_cleanup_close_ int fd = bpf_obj_get(path);

	if (fd >= 0)
		bpf_link_detach(fd);
	unlink(path);
}

static void drop_any_link(const struct dataplane *dp, const char *kind, uint32_t ifindex)
{
	drop_link(dp->dir, kind, ifindex);
	if (dp->staged)
		drop_link(dp->old_dir, kind, ifindex);
}

static int attach_link(struct dataplane *dp, const char *kind, uint32_t ifindex, int program_fd,
		       int type, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	int r;

	if (dp->staged && link_lives(dp->old_dir, kind, ifindex))
		return 0;
	r = link_pin(path, dp->dir, kind, ifindex);
	if (r < 0)
		return r;
	r = adopt_link(path, ifindex, program_fd);
	if (r != -ENOENT)
		return r;
	fd = bpf_link_create(program_fd, (int)ifindex, (enum bpf_attach_type)type,
			     flags ? &opts : NULL);
	if (fd < 0)
		return -errno;
	return bpf_obj_pin(fd, path) < 0 ? -errno : 0;
}

/* ---- TC
 * -------------------------------------------------------------------------------------------------------------------------
 */
/* Whether the kernel has TCX links shows when the first one is made: -EINVAL for the unknown attach
 * type. */
static int attach_tc(struct dataplane *dp, uint32_t ifindex, const char *name, int program_fd)
{
	int r = attach_link(dp, "tc", ifindex, program_fd, UL_BPF_TCX_INGRESS, 0);

	if (r == -EINVAL) {
		if (dp->staged && filter_lives(ifindex))
			return 0; /* as with links: dataplane_move_links() swaps it when the set is
				     complete */
		r = filter_attach(ifindex, program_fd);
		if (r == -ENOENT || r == -EOPNOTSUPP)
			return log_error(
				r,
				"%s: the kernel has neither TCX links (6.6) nor the clsact qdisc (CONFIG_NET_CLS_ACT, CONFIG_NET_CLS_BPF)",
				name);
	}
	return r < 0 ? log_error(r, "%s: cannot attach the TC program", name) : 0;
}

int dataplane_attach_port(struct dataplane *dp, uint32_t ifindex, const char *name)
{
	return attach_tc(dp, ifindex, name, dp->program_fd[PROG_PORT_TC]);
}

/* ---- XDP
 * ------------------------------------------------------------------------------------------------------------------------
 */
static int log_busy(int error, uint32_t ifindex, const char *name)
{
	struct bpf_xdp_query_opts query = { .sz = sizeof(query) };

	if (bpf_xdp_query((int)ifindex, 0, &query) < 0)
		query.prog_id = 0;
	return log_error(
		error,
		"%s: another XDP program (id %u) is attached; see 'bpftool prog show id %u' and 'bpftool net show dev %s', detach it or set receive: tc",
		name, query.prog_id, query.prog_id, name);
}

int dataplane_check_xdp(struct dataplane *dp, uint32_t ifindex, const char *name)
{
	struct bpf_xdp_query_opts query = { .sz = sizeof(query) };

	if (bpf_xdp_query((int)ifindex, 0, &query) < 0 || query.attach_mode == XDP_ATTACHED_NONE)
		return 0;
	if (any_link_lives(dp, "xdp", ifindex))
		return 0;
	return log_busy(-EBUSY, ifindex, name);
}

static int attach_xdp(struct dataplane *dp, uint32_t ifindex, const char *name, bool allow_generic,
		      bool generic_now, enum ul_xdp_mode *ret_mode)
{
	enum ul_xdp_mode mode = generic_now ? UL_XDP_GENERIC : UL_XDP_NATIVE;
	int program_fd = dp->program_fd[PROG_UPLINK_XDP], r;

	if (!allow_generic && generic_now && any_link_lives(dp, "xdp", ifindex)) {
		drop_any_link(dp, "xdp", ifindex);
		mode = UL_XDP_NATIVE;
	}
	r = attach_link(dp, "xdp", ifindex, program_fd, BPF_XDP, XDP_FLAGS_DRV_MODE);
	if (r == -EBUSY || r == -EEXIST)
		return log_busy(-EBUSY, ifindex, name);
	if (r < 0 && allow_generic) {
		log_warning(
			r, "%s: no native XDP; using generic XDP, which is slower than receive: tc",
			name);
		r = attach_link(dp, "xdp", ifindex, program_fd, BPF_XDP, XDP_FLAGS_SKB_MODE);
		mode = UL_XDP_GENERIC;
	}
	if (r < 0)
		log_warning(
			r,
			"%s: no native XDP here (driver, LRO, MTU or number of queues); receiving by TC",
			name);
	*ret_mode = r < 0 ? UL_XDP_NONE : mode;
	return 0;
}

int dataplane_attach_uplink(struct dataplane *dp, uint32_t ifindex, const char *name, bool want_xdp,
			    bool allow_generic, bool generic_now, enum ul_xdp_mode *ret_mode)
{
	enum ul_xdp_mode mode = UL_XDP_NONE;
	int r;

	if (want_xdp) {
		r = attach_xdp(dp, ifindex, name, allow_generic, generic_now, &mode);
		if (r < 0)
			return r;
	} else {
		drop_any_link(dp, "xdp", ifindex);
	}
	r = attach_tc(dp, ifindex, name, dp->program_fd[PROG_UPLINK_TC]);
	if (r < 0)
		return r;
	*ret_mode = mode;
	return 0;
}

void dataplane_detach(struct dataplane *dp, uint32_t ifindex)
{
	char name[IF_NAMESIZE];

	drop_any_link(dp, "xdp", ifindex);
	drop_any_link(dp, "tc", ifindex);
	if (if_indextoname(ifindex, name))
		filter_detach(ifindex);
}

int dataplane_xdp_owner(const char *bpffs, uint32_t ifindex, char ret_switch[UL_NAME_LEN])
{
	char root[PATH_MAX], dir[PATH_MAX];
	struct dirent *entry;
	int r = -ENOENT;
	DIR *stream;

	if (pin_path(root, bpffs, UL_PIN_ROOT) < 0)
		return -ENOENT;
	stream = opendir(root);
	while (stream && r < 0 && (entry = readdir(stream))) {
		if (entry->d_name[0] == '.' || pin_path(dir, root, entry->d_name) < 0 ||
		    !link_lives(dir, "xdp", ifindex))
			continue;
		snprintf(ret_switch, UL_NAME_LEN, "%.*s", (int)strcspn(entry->d_name, "_"),
			 entry->d_name);
		r = 0;
	}
	if (stream)
		closedir(stream);
	return r;
}

/* ---- all links of a directory
 * ----------------------------------------------------------------------------------------------------
 */
typedef int (*link_visitor)(void *userdata, const char *dir, const char *kind, uint32_t ifindex);

static int for_each_link(const char *dir, link_visitor visit, void *userdata)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;
	int r = 0;

	if (!stream)
		return errno == ENOENT ? 0 : -errno;
	while (r >= 0 && (entry = readdir(stream))) {
		char kind[8];
		uint32_t ifindex;

		if (sscanf(entry->d_name, "%7[a-z]_%u", kind, &ifindex) == 2)
			r = visit(userdata, dir, kind, ifindex);
	}
	closedir(stream);
	return r;
}

static enum dataplane_program tc_program_for(struct dataplane *dp, uint32_t ifindex)
{
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		if (dp->uplinks[i].ifindex == ifindex)
			return PROG_UPLINK_TC;
	return PROG_PORT_TC;
}

static bool is_port(const struct dataplane *dp, uint32_t ifindex)
{
	for (uint32_t slot = 0; slot < dp->meta->max_ports; slot++)
		if (dp->ports[slot].ifindex == ifindex)
			return true;
	return false;
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
	/* No member any more: with our program it would only drop what arrives. */
	if (tc == PROG_PORT_TC && (kind[0] == 'x' || !is_port(dp, ifindex))) {
		drop_link(dir, kind, ifindex);
		return 0;
	}
	r = adopt_link(from, ifindex, dp->program_fd[which]);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return log_error(r, "%s: cannot swap the program", from);
	if (strcmp(from, to) != 0 && rename(from, to) < 0)
		return log_error(-errno, "%s: cannot move the pin", from);
	return 0;
}

static int move_filter(struct dataplane *dp, uint32_t ifindex, int program_fd)
{
	int r = 0;

	if (ifindex && !link_lives(dp->dir, "tc", ifindex) && filter_lives(ifindex))
		r = filter_attach(ifindex, program_fd);
	return r < 0 ? log_error(r, "interface %u: cannot swap the TC filter's program", ifindex) :
		       0;
}

/* Where the kernel has no TCX links, the TC programs are in filters. */
static int move_filters(struct dataplane *dp)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < UL_MAX_UPLINKS; i++)
		r = move_filter(dp, dp->uplinks[i].ifindex, dp->program_fd[PROG_UPLINK_TC]);
	for (uint32_t slot = 0; r == 0 && slot < dp->meta->max_ports; slot++)
		r = move_filter(dp, dp->ports[slot].ifindex, dp->program_fd[PROG_PORT_TC]);
	return r;
}

int dataplane_move_links(struct dataplane *dp, const char *from_dir)
{
	int r = for_each_link(from_dir, move_link, dp);

	return r < 0 ? r : move_filters(dp);
}

static int drop_one(void *userdata, const char *dir, const char *kind, uint32_t ifindex)
{
	(void)userdata;
	drop_link(dir, kind, ifindex);
	return 0;
}

void dataplane_drop_links(const char *dir)
{
	for_each_link(dir, drop_one, NULL);
	filters_drop(dir);
}
