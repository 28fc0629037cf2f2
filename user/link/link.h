/* SPDX-License-Identifier: GPL-2.0 */
/* Network interfaces as the kernel reports them (rtnetlink by libmnl), and the few settings that
 * uplinkd makes (rtnetlink and ethtool).
 *
 * The monitor keeps a table of all interfaces of the network namespace. It has an event socket and
 * a query socket; when events were lost (ENOBUFS) it dumps everything anew, so the table is right
 * again whatever happened. Everything from the kernel is length-checked like any input. */
#ifndef UL_LINK_LINK_H
#define UL_LINK_LINK_H

#include <linux/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "abi.h"

struct address; /* config/model.h */

struct link_info {
	uint32_t ifindex;
	char name[UL_NAME_LEN];
	char kind[16]; /* "veth", "tun", "bond", "" for a physical NIC */
	uint8_t mac[6];
	uint8_t permanent_mac[6]; /* zero: unknown */
	uint32_t mtu;
	uint32_t max_mtu; /* that the driver takes; 0: it does not tell */
	uint32_t peer;	 /* IFLA_LINK: the other end of a veth, what a VLAN or macvlan stands on; 0:
			    none in this network namespace */
	uint32_t master; /* ifindex of a bridge or bond it is enslaved to; 0: none */
	bool admin_up;	 /* IFF_UP */
	bool carrier;	 /* IFF_LOWER_UP: administratively up and the carrier bit is set */
	bool promiscuous;      /* IFF_PROMISC, as set by link_set_promiscuous() or `ip link`; packet
				  sockets do not show here */
	bool arp;	       /* no IFF_NOARP */
	uint32_t xdp_prog_id;  /* attached XDP program; 0: none. BPF links make no event:
				  link_monitor_refresh() before relying on it */
	uint8_t xdp_attached;  /* XDP_ATTACHED_* */
	uint32_t xdp_features; /* NETDEV_XDP_ACT_* from netdev generic netlink (6.3+) */
	bool xdp_features_known;
};

enum link_change {
	LINK_ADDED = 1,	  /* new interface, or renamed to this name */
	LINK_REMOVED = 2, /* gone, renamed away or moved to another network namespace; info is its
			     last state */
	LINK_CHANGED = 4, /* any field of link_info but carrier/admin_up differs (MAC, MTU, XDP
			     features, ...) */
	LINK_STATE = 8,	  /* carrier or admin_up differs */
};

struct link_monitor;

/* changes: OR of enum link_change. Called from the event loop, from link_monitor_new() and from
 * link_monitor_resync(); never while the table is being changed, so it may look up, change
 * settings, poll and resync, but it must not free the monitor. The table may be newer than info,
 * which is valid during the call only; each change is told in its turn. */
typedef void (*link_handler)(void *userdata, const struct link_info *info, unsigned int changes);

/* Starts on the loop: RTM events, netdev generic netlink notifications (where the kernel has them)
 * and a first full dump, which calls the handler for each interface; *ret is set before these
 * calls. The monitor belongs to the network namespace of its caller. 0 or negative errno. */
int link_monitor_new(sd_event *event, link_handler handler, void *userdata,
		     struct link_monitor **ret);
void link_monitor_free(struct link_monitor *monitor);  /* NULL allowed */
int link_monitor_resync(struct link_monitor *monitor); /* full dump now; calls the handler for
							  differences */
/* Asks the kernel for one interface now and brings the table up to date; the handler hears of
 * differences from the event loop. -ENODEV: gone */
int link_monitor_refresh(struct link_monitor *monitor, uint32_t ifindex);
/* What these return is valid until the next call of another function of this header and until the
 * event loop runs. */
const struct link_info *link_by_name(const struct link_monitor *monitor, const char *name); /* NULL:
											       none
											       now
											     */
const struct link_info *link_by_ifindex(const struct link_monitor *monitor, uint32_t ifindex);

/* Watches the carrier of one interface every interval_ms by asking the kernel for its flags,
 * because RTM_NEWLINK of a physical NIC can be up to one second late (the kernel's linkwatch).
 * interval_ms 0: stop watching. A difference calls the handler with LINK_STATE. Ends by itself when
 * the interface goes; a rename does not end it. -ENODEV: no such interface. */
int link_monitor_poll_carrier(struct link_monitor *monitor, uint32_t ifindex, uint32_t interval_ms);

/* ---- settings; 0 or negative errno; idempotent. The table shows the result at once; the handler
 * hears of it from the event loop. ---- */
int link_set_up(struct link_monitor *monitor, uint32_t ifindex, bool up);
int link_set_mtu(struct link_monitor *monitor, uint32_t ifindex, uint32_t mtu);
int link_set_promiscuous(struct link_monitor *monitor, uint32_t ifindex, bool on);
int link_set_arp(struct link_monitor *monitor, uint32_t ifindex, bool on);
int link_set_mac(struct link_monitor *monitor, uint32_t ifindex, const uint8_t mac[6]);
int link_set_ipv6(struct link_monitor *monitor, uint32_t ifindex, bool on);	 /* disable_ipv6;
										    -EOPNOTSUPP without
										    IPv6 */
int link_get_ipv6(struct link_monitor *monitor, uint32_t ifindex, bool *ret_on); /* likewise */
/* Makes a veth pair, both ends in this network namespace; -EEXIST when a name is taken. mac: of
 * peer, NULL: kernel's choice */
int link_create_veth(struct link_monitor *monitor, const char *name, const char *peer,
		     const uint8_t *peer_mac);
int link_delete(struct link_monitor *monitor, uint32_t ifindex); /* an interface that is gone
								    already: 0 */
/* Addresses that link_add_address() makes are marked as ours in the kernel (IFA_PROTO). One that is
 * there already: 0, and it stays whose it is. */
int link_add_address(struct link_monitor *monitor, uint32_t ifindex, const struct address *address);
/* Removes those of ours that are not among keep. */
int link_remove_addresses(struct link_monitor *monitor, uint32_t ifindex,
			  const struct address *keep, size_t n_keep);

struct link_speed {
	uint32_t speed_mbps; /* 0: unknown */
	bool full_duplex;
};
/* A driver that does not tell, or no link: speed_mbps 0, half duplex */
int link_get_speed(struct link_monitor *monitor, uint32_t ifindex, struct link_speed *ret);

/* What no uplink must have: rx VLAN offload, rx VLAN filter, LRO, hardware GRO. */
#define LINK_RX_OFFLOADS \
	(UL_SAVED_RX_VLAN | UL_SAVED_RX_VLAN_FILTER | UL_SAVED_LRO | UL_SAVED_GRO_HW)

/* The offload settings an uplink must not have: rx VLAN offload, rx VLAN filter, LRO, hardware GRO.
 * Turns off those that are on and can be changed; tells in *ret_saved (bits of enum ul_saved) which
 * were on and are off now. One that stays on: -EOPNOTSUPP with its ethtool name in *ret_feature;
 * the others are off and in *ret_saved also then, so a caller who can live with it may go on.
 * Already prepared: *ret_saved 0. */
int link_prepare_offloads(struct link_monitor *monitor, uint32_t ifindex, uint32_t which,
			  uint32_t *ret_saved, const char **ret_feature);
/* Puts those back that saved names. */
int link_restore_offloads(struct link_monitor *monitor, uint32_t ifindex, uint32_t saved);

#endif
