// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Whether the kernel has tables of nftables, for a host without the program `nft`. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include "import/texts.h"

#define BUFFER_BYTES 16384
#define SEQUENCE 1

static int on_table(const struct nlmsghdr *message, void *userdata)
{
	unsigned int *n = userdata;

	(void)message;
	++*n;
	return MNL_CB_OK;
}

static int dump_tables(const struct mnl_socket *socket, unsigned int *n)
{
	uint8_t buffer[BUFFER_BYTES];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *header;
	int r = MNL_CB_OK;

	request->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->nlmsg_seq = SEQUENCE;
	header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	header->nfgen_family = AF_UNSPEC;
	header->version = NFNETLINK_V0;
	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	while (r == MNL_CB_OK) {
		ssize_t length = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));

		if (length < 0)
			return -errno;
		r = mnl_cb_run(buffer, (size_t)length, SEQUENCE, mnl_socket_get_portid(socket),
			       on_table, n);
	}
	return r < 0 ? -errno : 0;
}

int nft_count_tables(unsigned int *ret)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	unsigned int n = 0;
	int r = 0;

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		r = -errno;
	if (r == 0)
		r = dump_tables(socket, &n);
	if (socket)
		mnl_socket_close(socket);
	/* a kernel without netfilter's netlink, or without nftables */
	if (r == -EPROTONOSUPPORT || r == -EINVAL || r == -EOPNOTSUPP)
		r = 0;
	if (r == 0)
		*ret = n;
	return r;
}
