// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* TC programs where the kernel has no TCX links (before 6.6): a filter with a priority of our own
 * below the clsact qdisc, which other software may use as well. A filter needs no pin; its program
 * shows to which set it belongs. */
#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "dataplane/internal.h"

#define UL_FILTER_HANDLE 1
#define UL_FILTER_PRIORITY 0x554c /* "UL": unlikely to be used by other software */

int filter_program(uint32_t ifindex, uint32_t *ret_id)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = UL_FILTER_HANDLE, .priority = UL_FILTER_PRIORITY);
	int r = bpf_tc_query(&hook, &opts);

	/* -EINVAL: no clsact qdisc; -EOPNOTSUPP: the kernel has none. */
	if (r == -EINVAL || r == -ENODEV || r == -EOPNOTSUPP)
		return -ENOENT;
	if (r == 0)
		*ret_id = opts.prog_id;
	return r;
}

int filter_find(uint32_t ifindex)
{
	uint32_t id;

	return filter_program(ifindex, &id);
}

int filter_attach(uint32_t ifindex, int program_fd)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = UL_FILTER_HANDLE, .priority = UL_FILTER_PRIORITY,
		    .prog_fd = program_fd, .flags = BPF_TC_F_REPLACE);
	int r;

	r = bpf_tc_hook_create(&hook);
	if (r < 0 && r != -EEXIST)
		return r;
	return bpf_tc_attach(&hook, &opts);
}

/* ---- filters of other programs ---- */
static int count_filter(const struct nlmsghdr *message, void *userdata)
{
	uint32_t *n = userdata;

	*n += message->nlmsg_type == RTM_NEWTFILTER;
	return MNL_CB_OK;
}

/* Adds the filters of all programs below parent to *n. 0 or negative errno. */
static int count_filters(struct mnl_socket *socket, uint32_t ifindex, uint32_t parent, uint32_t *n)
{
	char buffer[8192]; /* an answer is at most a page, or this */
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(request, sizeof(*tc));
	ssize_t length;
	int r;

	request->nlmsg_type = RTM_GETTFILTER;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->nlmsg_seq = parent;
	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = (int)ifindex;
	tc->tcm_parent = TC_H_MAKE(TC_H_CLSACT, parent);
	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	do {
		length = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		r = length < 0 ? -1 :
				 mnl_cb_run(buffer, (size_t)length, parent,
					    mnl_socket_get_portid(socket), count_filter, n);
	} while (r > MNL_CB_STOP);
	return r < 0 ? -errno : 0;
}

/* false also when the kernel does not answer. */
static bool qdisc_is_empty(uint32_t ifindex)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	uint32_t n = 0;
	int r;

	if (!socket)
		return false;
	r = mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
	if (r == 0)
		r = count_filters(socket, ifindex, TC_H_MIN_INGRESS, &n);
	if (r == 0)
		r = count_filters(socket, ifindex, TC_H_MIN_EGRESS, &n);
	mnl_socket_close(socket);
	return r == 0 && n == 0;
}

int filter_detach(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = UL_FILTER_HANDLE, .priority = UL_FILTER_PRIORITY);

	int r = filter_find(ifindex);

	if (r == -ENOENT)
		return 0;
	r = bpf_tc_detach(&hook, &opts);
	if (r < 0 && r != -ENOENT && r != -ENODEV)
		return r;
	/* The qdisc goes with its last filter. With both attach points libbpf removes it with all
	 * filters below it, so it must be empty. */
	hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
	if (qdisc_is_empty(ifindex))
		bpf_tc_hook_destroy(&hook);
	return 0;
}

/* ---- all filters of a set ---- */
/* *ret: the id of a pinned program, or 0 without one. 0 or negative errno. */
static int pinned_id(const char *dir, const char *name, uint32_t *ret)
{
	_cleanup_close_ int fd = pin_open(dir, name);

	*ret = fd < 0 ? 0 : program_id(fd);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	return *ret ? 0 : -errno;
}

static int drop_filter(uint32_t ifindex, const uint32_t ours[2], const struct dataplane *members)
{
	uint32_t there = 0;
	int r = filter_program(ifindex, &there);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (!there || (there != ours[0] && there != ours[1]))
		return 0;
	return members && attach_is_member(members, ifindex) ? 0 : filter_detach(ifindex);
}

int filters_drop(const char *dir, const struct dataplane *members)
{
	struct if_nameindex *interfaces;
	uint32_t ours[2];
	int r = pinned_id(dir, "prog_port_tc", &ours[0]), first = 0;

	if (r == 0)
		r = pinned_id(dir, "prog_uplink_tc", &ours[1]);
	if (r < 0 || (!ours[0] && !ours[1]))
		return r;
	interfaces = if_nameindex();
	if (!interfaces)
		return -errno;
	for (size_t i = 0; interfaces[i].if_index; i++) {
		r = drop_filter(interfaces[i].if_index, ours, members);
		first = first ? first : r;
	}
	if_freenameindex(interfaces);
	return first;
}
