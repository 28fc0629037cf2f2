/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Network interfaces as the kernel reports them (rtnetlink through libmnl), and the few settings
 * that uplinkd changes (rtnetlink, ethtool, disable_ipv6).
 *
 * The monitor owns a table of all interfaces of its network namespace. An event socket receives
 * notifications, a query socket asks the kernel; after lost events (ENOBUFS) a full dump restores
 * the table. All kernel messages are length-checked like any input.
 *
 * The daemon creates one monitor; the switches share it through their context. Life cycle:
 * link_monitor_new() opens the sockets, registers with the event loop and dumps all interfaces;
 * events, carrier polls and refreshes change the table and queue notices; the handler receives them
 * from the event loop; link_monitor_free(). Callers get copies of the table's entries.
 *
 * Files: monitor.c life cycle and queries, entries.c the table and the queue of notices, parse.c
 * messages, poll.c carrier, netlink.c sockets, netdev_genl.c XDP features, settings.c, addresses.c,
 * bridge.c, routes.c, veth.c and ethtool.c settings, usage.c use by the host; packet_socket.c
 * frames for diagnosis, without the monitor. Tests: tests/unit/link_*.c, against the kernel in
 * network namespaces.
 */
#ifndef UL_LINK_LINK_H
#define UL_LINK_LINK_H

#include <linux/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "abi.h"
#include "common/address.h"

#define LINK_MAX_ALT_NAMES 8

struct link_info {
	uint32_t ifindex;
	char name[UL_NAME_LEN];
	/*
	 * Alternative names (`ip link property`), the unused ones are empty. Longer names than
	 * UL_NAME_LEN - 1 cannot appear in a configuration and are left out, as are further ones.
	 */
	char alt_names[LINK_MAX_ALT_NAMES][UL_NAME_LEN];
	char kind[16]; /* "veth", "tun", "bond", "" for a physical NIC */
	uint16_t type; /* ARPHRD_* */
	bool ethernet; /* carries Ethernet frames: ARPHRD_ETHER and not a loopback */
	uint8_t mac[6];
	uint8_t permanent_mac[6]; /* zero: unknown */
	uint32_t mtu;
	uint32_t max_mtu; /* of the driver; 0: unknown */
	/*
	 * IFLA_LINK: the other end of a veth, the lower device of a VLAN or macvlan; 0: none in
	 * this network namespace
	 */
	uint32_t peer;
	uint32_t master; /* ifindex of a bridge or bond it is enslaved to; 0: none */
	bool admin_up;	 /* IFF_UP */
	bool carrier;	 /* IFF_LOWER_UP: administratively up and the carrier bit is set */
	/*
	 * IFF_PROMISC as set by link_set_promiscuous() or `ip link`; the kernel hides that of
	 * packet sockets
	 */
	bool promiscuous;
	bool arp; /* no IFF_NOARP */
	/*
	 * disable_ipv6 is 0 and the MTU permits IPv6. No event and no LINK_CHANGED, so this is
	 * valid after link_refresh_get() and link_refresh_all() only.
	 */
	bool ipv6;
	/*
	 * attached XDP program; 0: none. BPF links cause no event, so this is valid after
	 * link_refresh_get() and link_refresh_all() only.
	 */
	uint32_t xdp_prog_id;
	uint8_t xdp_attached;  /* XDP_ATTACHED_* */
	uint32_t xdp_features; /* NETDEV_XDP_ACT_* from netdev generic netlink (6.3+) */
	bool xdp_features_known;
};

enum link_change {
	LINK_ADDED = 1, /* new interface, or renamed to this name */
	/* deleted, renamed or moved to another network namespace; info is its last state */
	LINK_REMOVED = 2,
	/* a field of link_info other than carrier and admin_up differs */
	LINK_CHANGED = 4,
	LINK_STATE = 8, /* carrier or admin_up differs */
	/* the bridge that it is enslaved to reports a change, of its VLANs for example */
	LINK_BRIDGE_PORT = 16,
};

struct link_monitor;

/*
 * changes: OR of enum link_change. Called from the event loop, from link_monitor_new() and from
 * link_monitor_resync(), never during a change of the table: the handler may call every function of
 * this header except link_monitor_free(). The table may be newer than info, which is valid during
 * the call only; changes arrive in order.
 */
typedef void (*link_handler)(void *userdata, const struct link_info *info, unsigned int changes);

/*
 * Starts on the loop: RTM events, netdev generic netlink notifications (Linux 6.3 and newer) and a
 * first full dump, which calls the handler for each interface; *ret is set before these calls. The
 * monitor belongs to the network namespace of its caller. 0 or negative errno.
 */
int link_monitor_new(sd_event *event, link_handler handler, void *userdata,
		     struct link_monitor **ret);
void link_monitor_free(struct link_monitor *monitor); /* NULL allowed */
/*
 * Failures outside of a caller's request, from the event loop: error is a negative errno, text
 * names the failed operation. Called with the userdata of link_monitor_new(). NULL: none.
 */
void link_monitor_set_failure_handler(struct link_monitor *monitor,
				      void (*on_failure)(void *userdata, int error,
							 const char *text));
/* Full dump now; calls the handler for differences. 0 or negative errno. */
int link_monitor_resync(struct link_monitor *monitor);
/*
 * Asks the kernel for one interface now and updates the table; the handler receives differences
 * from the event loop. -ENODEV: no such interface; other negative errno.
 */
int link_monitor_refresh(struct link_monitor *monitor, uint32_t ifindex);

/*
 * The same for all interfaces by one dump, which costs less than a query for each of many. Does
 * nothing when the last dump is at most max_age_ms old. 0, also if interfaces changed during the
 * dump, which their events report; or negative errno.
 */
int link_refresh_all(struct link_monitor *monitor, uint32_t max_age_ms);

/*
 * Copies of the table's entries. The name may be an alternative one; ret->name is always the
 * interface's own name. The kernel sends no event when an interface that is down gets an
 * alternative name: link_refresh_get_by_name() finds it. 0 or -ENODEV; *ret is untouched on
 * failure.
 */
int link_get(const struct link_monitor *monitor, uint32_t ifindex, struct link_info *ret);
int link_get_by_name(const struct link_monitor *monitor, const char *name, struct link_info *ret);
/*
 * link_monitor_refresh() and the copy of its result. -ENODEV: no such interface; another errno: the
 * kernel did not answer, the state is unknown. *ret is untouched on failure.
 */
int link_refresh_get(struct link_monitor *monitor, uint32_t ifindex, struct link_info *ret);
int link_refresh_get_by_name(struct link_monitor *monitor, const char *name, struct link_info *ret);
/* The first interface of the table that matches. 0 or -ENODEV. */
int link_find(const struct link_monitor *monitor,
	      bool (*matches)(const void *userdata, const struct link_info *info),
	      const void *userdata, struct link_info *ret);
/* Copies of all that match, in the order of their ifindex; the caller frees *ret. 0 or -ENOMEM. */
int link_list(const struct link_monitor *monitor,
	      bool (*matches)(const void *userdata, const struct link_info *info),
	      const void *userdata, struct link_info **ret, size_t *ret_n);
/* Whether the name is the interface's own or an alternative one. */
bool link_has_name(const struct link_info *info, const char *name);

/*
 * Polls the carrier of one interface every interval_ms, because RTM_NEWLINK of a physical NIC can
 * be up to one second late (the kernel's linkwatch). interval_ms 0: stop. A difference calls the
 * handler with LINK_STATE. Ends with the interface; a rename does not end it. 0; -ENODEV: no such
 * interface; other negative errno.
 */
int link_monitor_poll_carrier(struct link_monitor *monitor, uint32_t ifindex, uint32_t interval_ms);

/*
 * ---- settings ----
 * 0 or negative errno; idempotent. The table has the result on return; the handler receives it from
 * the event loop.
 */
int link_set_up(struct link_monitor *monitor, uint32_t ifindex, bool up);
int link_set_mtu(struct link_monitor *monitor, uint32_t ifindex, uint32_t mtu);
int link_set_promiscuous(struct link_monitor *monitor, uint32_t ifindex, bool on);
int link_set_arp(struct link_monitor *monitor, uint32_t ifindex, bool on);
int link_set_mac(struct link_monitor *monitor, uint32_t ifindex, const uint8_t mac[6]);
/* The inverse of disable_ipv6; -EOPNOTSUPP without IPv6. */
int link_set_ipv6(struct link_monitor *monitor, uint32_t ifindex, bool on);
int link_get_ipv6(struct link_monitor *monitor, uint32_t ifindex, bool *ret_on);
/*
 * Writes /proc/sys/net/FAMILY/conf/INTERFACE/NAME; setting: "ipv4/arp_notify". The calling thread
 * is in the monitor's network namespace. -EOPNOTSUPP: no such setting.
 */
int link_set_conf(struct link_monitor *monitor, uint32_t ifindex, const char *setting,
		  const char *value);
/* 0 also if the interface does not exist. */
int link_delete(struct link_monitor *monitor, uint32_t ifindex);
/*
 * Adds an address marked as uplinkd's (IFA_PROTO), with these flags (IFA_F_NODAD: usable at once).
 * 0 also if the interface has the address, which then keeps its mark and flags.
 */
int link_add_address(struct link_monitor *monitor, uint32_t ifindex, const struct address *address,
		     uint8_t flags);
/* Removes all addresses marked as uplinkd's except those in keep. */
int link_remove_addresses(struct link_monitor *monitor, uint32_t ifindex,
			  const struct address *keep, size_t n_keep);

/* Bit i of *ret_missing: the interface does not have wanted[i] with this prefix length, marked or
 * not. n: at most 64. 0 or negative errno. */
int link_find_missing_addresses(struct link_monitor *monitor, uint32_t ifindex,
				const struct address *wanted, size_t n, uint64_t *ret_missing);

/* ---- veth pairs ---- */
#define LINK_ALIAS_LEN 256 /* the kernel's limit, with NUL */

struct link_veth_end {
	const char *name;
	const uint8_t *mac; /* NULL: random */
	uint32_t mtu;	    /* bytes; 0: the kernel's default */
	int netns_fd;	    /* where this end is created; negative: here */
};

/*
 * Creates both ends in this network namespace; -EEXIST: a name is in use. peer_mac NULL: random.
 */
int link_create_veth(struct link_monitor *monitor, const char *name, const char *peer,
		     const uint8_t *peer_mac);
/* The same in general; a is created here. Both ends appear at once, with all of these settings. */
int link_create_veth_pair(struct link_monitor *monitor, const struct link_veth_end *a,
			  const struct link_veth_end *b);

struct link_veth {
	uint32_t peer; /* ifindex of the other end in its network namespace; 0: gone */
	char alias[LINK_ALIAS_LEN];
};

/* What the table does not contain. 0, -ENODEV, -ENXIO: not a veth; or other negative errno. */
int link_get_veth(struct link_monitor *monitor, uint32_t ifindex, struct link_veth *ret);
/* `ip link set ... alias`: at most LINK_ALIAS_LEN - 1 characters, else -EINVAL. */
int link_set_alias(struct link_monitor *monitor, uint32_t ifindex, const char *alias);

/* ---- routes ---- */
#define LINK_ROUTE_PROTOCOL 117 /* of uplinkd's own routes; the same number marks its addresses */

/*
 * Adds a route by the interface, which is up, with this protocol (RTPROT_*). -EINVAL: its addresses
 * do not fit together; -EEXIST: a route, perhaps this one, has the destination and the metric;
 * -ENETUNREACH: the router is not on a link; other negative errno.
 */
int link_add_route(struct link_monitor *monitor, uint32_t ifindex, uint8_t protocol,
		   const struct route *route);
/* Whether the interface has a route with this destination, table and gateway, of any metric. */
int link_has_route(struct link_monitor *monitor, uint32_t ifindex, const struct route *route,
		   bool *ret_has);

/*
 * Of host ports, in the main table. A route of the interface that exists, with any protocol, is not
 * a failure; -EEXIST: another route has the same destination and metric.
 */
int link_add_own_route(struct link_monitor *monitor, uint32_t ifindex, const struct route *route);
int link_remove_own_routes(struct link_monitor *monitor, uint32_t ifindex, const struct route *keep,
			   size_t n_keep);
/* Bit i of *ret_missing: the interface does not have wanted[i], with any protocol. n: at most 64. 0
 * or negative errno. */
int link_find_missing_routes(struct link_monitor *monitor, uint32_t ifindex,
			     const struct route *wanted, size_t n, uint64_t *ret_missing);

/* ---- bridges (linux/if_bridge.h) ---- */
struct link_bridge {
	bool has_vlans; /* the kernel was built with VLAN filtering */
	bool vlan_filtering;
	uint16_t default_pvid; /* 0: none */
};

/* VLANs of an interface in a VLAN-aware bridge. Bit v of word v / 64: VLAN v. */
struct link_bridge_port {
	uint32_t ifindex, master;
	uint16_t pvid; /* of untagged frames that the interface sends; 0: none */
	uint64_t tagged[UL_N_VLANS / 64], untagged[UL_N_VLANS / 64]; /* as they leave by it */
};

/*
 * Creates a bridge that is down, without spanning tree and multicast snooping. Its MTU stays as it
 * is when interfaces join. vlan_filtering: -EOPNOTSUPP if the kernel lacks it. -EEXIST: the name is
 * in use; other negative errno: a bridge may be left if it cannot be queried or deleted.
 */
int link_create_bridge(struct link_monitor *monitor, const char *name, uint32_t mtu,
		       bool vlan_filtering);
/* Sets the MTU of such a bridge and IPv6 off, and checks vlan_filtering. 0; -EOPNOTSUPP; other
 * negative errno: the bridge is not finished. */
int link_finish_bridge(struct link_monitor *monitor, uint32_t ifindex, uint32_t mtu,
		       bool vlan_filtering);
/* -ENODEV: no such interface; -EINVAL: it is not a bridge; other negative errno. */
int link_get_bridge(struct link_monitor *monitor, uint32_t ifindex, struct link_bridge *ret);
/* The interfaces of all bridges with their VLANs; the caller frees *ret. 0 or negative errno. */
int link_get_bridge_ports(struct link_monitor *monitor, struct link_bridge_port **ret,
			  size_t *ret_n);
/*
 * isolated: the bridge forwards nothing between this interface and others that are isolated,
 * learns nothing from it and floods nothing to it. Not isolated: the kernel's defaults. 0;
 * -EOPNOTSUPP: it is not enslaved to a bridge; other negative errno.
 */
int link_isolate_bridge_port(struct link_monitor *monitor, uint32_t ifindex, bool isolated);

/* ---- use by the host ---- */
#define LINK_USAGE_TEXT_LEN 64

/* Counts, and of each kind the first one as text. */
struct link_usage {
	/* n_uppers_up: of n_uppers, those that are administratively up */
	uint32_t n_addresses, n_routes, n_uppers, n_vfs, n_uppers_up;
	char address[LINK_USAGE_TEXT_LEN]; /* "192.0.2.10/24" */
	char route[LINK_USAGE_TEXT_LEN];   /* "default" or "198.51.100.0/24" */
	char upper[LINK_USAGE_TEXT_LEN];   /* kind and name: "vlan eth0.100" */
};

/*
 * How the host uses the interface: addresses above link scope, routes other than the kernel's,
 * interfaces on top of it in this network namespace (VLAN, macvlan, macvtap, ipvlan, ...), and
 * SR-IOV virtual functions with a driver. 0; -ENODEV; other negative errno: unknown.
 */
int link_find_usage(struct link_monitor *monitor, uint32_t ifindex, struct link_usage *ret);

struct link_speed {
	uint32_t speed_mbps; /* 0: unknown */
	bool full_duplex;
};
/* Speed 0 and half duplex without a link or if the driver does not report them. */
int link_get_speed(struct link_monitor *monitor, uint32_t ifindex, struct link_speed *ret);

/* The offloads that are off on every uplink. */
#define LINK_RX_OFFLOADS \
	(UL_SAVED_RX_VLAN | UL_SAVED_RX_VLAN_FILTER | UL_SAVED_LRO | UL_SAVED_GRO_HW)

/*
 * Turns off those offloads of `which` (bits of enum ul_saved) that are on and changeable, and
 * stores them in *ret_saved. An offload that stays on: -EOPNOTSUPP with its ethtool name in
 * *ret_feature; all others are off and in *ret_saved even then, so the caller may continue. All off
 * already: 0 with *ret_saved 0.
 */
int link_prepare_offloads(struct link_monitor *monitor, uint32_t ifindex, uint32_t which,
			  uint32_t *ret_saved, const char **ret_feature);
/* Those offloads of `which` that are on or requested and can be changed, so that
 * link_prepare_offloads() tries to turn them off. -EOPNOTSUPP: the driver does not report them. */
int link_get_changeable_offloads(struct link_monitor *monitor, uint32_t ifindex, uint32_t which,
				 uint32_t *ret_offloads);
/* Stores those offloads of `which` that are on in *ret_on. One system call after the first. */
int link_get_offloads(struct link_monitor *monitor, uint32_t ifindex, uint32_t which,
		      uint32_t *ret_on);
/*
 * Generic receive offload. A veth delivers XDP frames from its other end while it is on.
 * -EOPNOTSUPP: the driver cannot change it.
 */
int link_set_gro(struct link_monitor *monitor, uint32_t ifindex, bool on);
/* Turns on the offloads of `saved`. */
int link_restore_offloads(struct link_monitor *monitor, uint32_t ifindex, uint32_t saved);

#endif
