// SPDX-License-Identifier: GPL-2.0
/* TC programs where the kernel has no TCX links (before 6.6): a filter of our own number below the
 * clsact qdisc, which others may use as well. A filter lives by itself, without a pin; whose it is
 * shows its program. */
#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "dataplane/internal.h"

#define UL_FILTER_HANDLE 1
#define UL_FILTER_PRIORITY 0x554c /* "UL": unlikely to be anybody else's */

uint32_t program_id(int fd)
{
	struct bpf_prog_info info = {};
	uint32_t length = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &length) < 0 ? 0 : info.id;
}

static uint32_t filter_program(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = UL_FILTER_HANDLE, .priority = UL_FILTER_PRIORITY);

	return bpf_tc_query(&hook, &opts) == 0 ? opts.prog_id : 0;
}

bool filter_lives(uint32_t ifindex)
{
	return filter_program(ifindex) != 0;
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

/* ---- what else is there
 * -------------------------------------------------------------------------------------------------------------
 */
static int count_filter(const struct nlmsghdr *message, void *userdata)
{
	uint32_t *n = userdata;

	*n += message->nlmsg_type == RTM_NEWTFILTER;
	return MNL_CB_OK;
}

/* 0 or negative errno; *n grows by the filters of all programs there. */
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

/* false also when it cannot be known. */
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

void filter_detach(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = UL_FILTER_HANDLE, .priority = UL_FILTER_PRIORITY);

	if (!filter_lives(ifindex))
		return;
	bpf_tc_detach(&hook, &opts);
	/* The qdisc goes with its last filter; with both attach points libbpf removes it and all
	 * that is still below it. */
	hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
	if (qdisc_is_empty(ifindex))
		bpf_tc_hook_destroy(&hook);
}

/* ---- all filters of a set
 * ------------------------------------------------------------------------------------------------------------
 */
void filters_drop(const char *dir)
{
	static const char *const names[] = { "prog_port_tc", "prog_uplink_tc" };
	struct if_nameindex *interfaces;
	uint32_t ours[ARRAY_SIZE(names)];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[PATH_MAX];
		_cleanup_close_ int fd = pin_path(path, dir, names[i]) < 0 ? -1 : bpf_obj_get(path);

		ours[i] = fd < 0 ? 0 : program_id(fd);
	}
	interfaces = ours[0] || ours[1] ? if_nameindex() : NULL;
	if (!interfaces)
		return;
	for (size_t i = 0; interfaces[i].if_index; i++) {
		uint32_t there = filter_program(interfaces[i].if_index);

		if (there && (there == ours[0] || there == ours[1]))
			filter_detach(interfaces[i].if_index);
	}
	if_freenameindex(interfaces);
}
