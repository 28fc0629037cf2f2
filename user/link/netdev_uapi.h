/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The used constants of the kernel's netdev generic netlink family (6.3), which the kernel headers
 * of Debian 12 do not have.
 */
#ifndef UL_LINK_NETDEV_UAPI_H
#define UL_LINK_NETDEV_UAPI_H

#if __has_include(<linux/netdev.h>)
#include <linux/netdev.h>
#else
#define NETDEV_FAMILY_NAME "netdev"
#define NETDEV_FAMILY_VERSION 1
#define NETDEV_MCGRP_MGMT "mgmt"

enum { NETDEV_A_DEV_IFINDEX = 1, NETDEV_A_DEV_XDP_FEATURES = 3 };
enum {
	NETDEV_CMD_DEV_GET = 1,
	NETDEV_CMD_DEV_ADD_NTF,
	NETDEV_CMD_DEV_DEL_NTF,
	NETDEV_CMD_DEV_CHANGE_NTF
};

enum netdev_xdp_act {
	NETDEV_XDP_ACT_BASIC = 1,    /* XDP_DROP, XDP_PASS, XDP_TX */
	NETDEV_XDP_ACT_REDIRECT = 2, /* may be the source of XDP_REDIRECT */
	NETDEV_XDP_ACT_NDO_XMIT = 4, /* accepts frames of XDP_REDIRECT now */
	NETDEV_XDP_ACT_XSK_ZEROCOPY = 8,
	NETDEV_XDP_ACT_HW_OFFLOAD = 16,
	NETDEV_XDP_ACT_RX_SG = 32,
	NETDEV_XDP_ACT_NDO_XMIT_SG = 64,
};
#endif

#endif
