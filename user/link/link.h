/* SPDX-License-Identifier: GPL-2.0 */
/* Network interfaces as the kernel reports them (rtnetlink by libmnl), and the few settings that uplinkd makes (rtnetlink and ethtool).
 *
 * The monitor keeps a table of all interfaces of the network namespace. It has an event socket and a query socket; when events were lost (ENOBUFS)
 * it dumps everything anew, so the table is right again whatever happened. Everything from the kernel is length-checked like any input. */
#ifndef UL_LINK_LINK_H
#define UL_LINK_LINK_H

#include <linux/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "abi.h"

struct address;	/* config/model.h */

struct link_info {
	uint32_t ifindex;
	char name[UL_NAME_LEN];
	char kind[16];		/* "veth", "tun", "bond", "" for a physical NIC */
	uint8_t mac[6];
	uint8_t permanent_mac[6];	/* zero: unknown */
	uint32_t mtu;
	uint32_t master;	/* ifindex of a bridge or bond it is enslaved to; 0: none */
	bool admin_up;		/* IFF_UP */
	bool carrier;		/* IFF_LOWER_UP / IFLA_CARRIER */
	bool promiscuous;
	uint32_t xdp_prog_id;	/* attached XDP program; 0: none */
	uint8_t xdp_attached;	/* XDP_ATTACHED_* */
	uint32_t xdp_features;	/* NETDEV_XDP_ACT_* from netdev generic netlink (6.3+) */
	bool xdp_features_known;
};

enum link_change {
	LINK_ADDED = 1,		/* new interface, or renamed to this name */
	LINK_REMOVED = 2,	/* gone, renamed away or moved to another network namespace; info is its last state */
	LINK_CHANGED = 4,	/* any field of link_info but carrier/admin_up differs (MAC, MTU, XDP features, ...) */
	LINK_STATE = 8,		/* carrier or admin_up differs */
};

struct link_monitor;

/* changes: OR of enum link_change. Called from the event loop and from link_monitor_resync(). */
typedef void (*link_handler)(void *userdata, const struct link_info *info, unsigned int changes);

/* Starts on the loop: RTM events, netdev generic netlink notifications (where the kernel has them) and a first full dump, which calls the
 * handler for each interface. 0 or negative errno. */
int link_monitor_new(sd_event *event, link_handler handler, void *userdata, struct link_monitor **ret);
void link_monitor_free(struct link_monitor *monitor);	/* NULL allowed */
int link_monitor_resync(struct link_monitor *monitor);	/* full dump now; calls the handler for differences */
const struct link_info *link_by_name(const struct link_monitor *monitor, const char *name);	/* NULL: none now */
const struct link_info *link_by_ifindex(const struct link_monitor *monitor, uint32_t ifindex);

/* Watches the carrier of one interface every interval_ms by SIOCETHTOOL/ETHTOOL_GLINK or sysfs-free means (must work in any network namespace),
 * because RTM_NEWLINK of a physical NIC can be up to one second late (reference/datapath.md, fact 4). interval_ms 0: stop watching. A difference
 * calls the handler with LINK_STATE. */
int link_monitor_poll_carrier(struct link_monitor *monitor, uint32_t ifindex, uint32_t interval_ms);

/* ---- settings; 0 or negative errno; idempotent ---------------------------------------------------------------------------- */
int link_set_up(struct link_monitor *monitor, uint32_t ifindex, bool up);
int link_set_mtu(struct link_monitor *monitor, uint32_t ifindex, uint32_t mtu);
int link_set_promiscuous(struct link_monitor *monitor, uint32_t ifindex, bool on);
int link_set_arp(struct link_monitor *monitor, uint32_t ifindex, bool on);
int link_set_mac(struct link_monitor *monitor, uint32_t ifindex, const uint8_t mac[6]);
int link_set_ipv6(struct link_monitor *monitor, uint32_t ifindex, bool on);	/* disable_ipv6; -EOPNOTSUPP without IPv6 */
/* Makes a veth pair, both ends in this network namespace; -EEXIST when a name is taken. mac: of peer, NULL: kernel's choice */
int link_create_veth(struct link_monitor *monitor, const char *name, const char *peer, const uint8_t *peer_mac);
int link_delete(struct link_monitor *monitor, uint32_t ifindex);
int link_add_address(struct link_monitor *monitor, uint32_t ifindex, const struct address *address);	/* -EEXIST counts as 0 */

struct link_speed {
	uint32_t speed_mbps;	/* 0: unknown */
	bool full_duplex;
};
int link_get_speed(struct link_monitor *monitor, uint32_t ifindex, struct link_speed *ret);

/* The offload settings an uplink must not have: rx VLAN offload, rx VLAN filter, LRO, hardware GRO. Turns off those that are on and can be changed; tells in
 * *ret_saved (bits of enum ul_saved) which were on. A fixed feature that is on: -EOPNOTSUPP with its ethtool name in *ret_feature. */
int link_prepare_offloads(struct link_monitor *monitor, uint32_t ifindex, uint32_t *ret_saved, const char **ret_feature);
/* Puts those back that saved names. */
int link_restore_offloads(struct link_monitor *monitor, uint32_t ifindex, uint32_t saved);

#endif
