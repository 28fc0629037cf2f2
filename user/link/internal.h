/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Internals of link/, for its own files and their unit tests.
 *
 * Changes of the table only queue notices. link_deliver() delivers them outside of any table
 * operation, so a handler may look up interfaces, change settings and request a resync.
 */
#ifndef UL_LINK_INTERNAL_H
#define UL_LINK_INTERNAL_H

#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <stddef.h>

#include "link/link.h"

/* ---- netlink.c: one socket with its receive buffer ---- */
#define NETLINK_BUFFER_BYTES 65536 /* the kernel fills at most 32 KiB per datagram of a dump */

struct netlink {
	struct mnl_socket *socket; /* NULL: not open */
	uint8_t *buffer;	   /* NETLINK_BUFFER_BYTES */
	uint32_t sequence;
};

/* mnl_nlmsg_ok() accepts a length of 2 GiB and more. */
static inline bool netlink_fits(const struct nlmsghdr *message, int left)
{
	return left >= (int)sizeof(*message) && message->nlmsg_len >= sizeof(*message) &&
	       message->nlmsg_len <= (uint32_t)left;
}

/*
 * 0: continue; a negative errno is the result of the query, whose remaining answers are still read.
 */
typedef int (*netlink_handler)(const struct nlmsghdr *message, void *userdata);

/* 0 or negative errno; the struct is closed on failure. */
int netlink_open(struct netlink *nl, int bus, bool for_events);
/*
 * Opens a socket for the notifications of one multicast group, with a receive buffer of
 * receive_bytes where the system permits it. 0 or negative errno.
 */
int netlink_open_events(struct netlink *nl, int bus, uint32_t group, int receive_bytes);
void netlink_close(struct netlink *nl);
int netlink_fd(const struct netlink *nl);

/*
 * Requests receive_bytes, beyond the system's limit where permitted. Returns the granted size or a
 * negative errno.
 */
int netlink_set_receive_buffer(struct netlink *nl, int receive_bytes);

#define NETLINK_DUMP_TRIES 4 /* attempts, each from its start, at a dump that changes interrupt */

/*
 * Sends a request and passes each answer to handler (NULL: none expected). Adds NLM_F_ACK unless
 * the request is a dump. 0; the kernel's error; -EINTR: a change interrupted the dump, which may be
 * incomplete; -ETIMEDOUT.
 */
int netlink_query(struct netlink *nl, struct nlmsghdr *request, netlink_handler handler,
		  void *userdata);

/*
 * Reads one datagram of notifications without blocking. 1: handled; 0: none waits; -ENOBUFS: events
 * were lost.
 */
int netlink_read_events(struct netlink *nl, netlink_handler handler, void *userdata);

/* ---- parse.c: pure ---- */
/*
 * RTM_NEWLINK or RTM_DELLINK. 0; -ENOMSG: a valid message without a description of an interface
 * (other family, wireless event); -EBADMSG: malformed. The XDP features stay unknown. *ret is
 * untouched on failure.
 */
int link_parse(const struct nlmsghdr *message, struct link_info *ret);
/* The RTM_NEWLINK of a bridge. 0; -EINVAL: of another kind; -EBADMSG. */
int link_parse_bridge(const struct nlmsghdr *message, struct link_bridge *ret);
/* RTM_NEWLINK or RTM_DELLINK of AF_BRIDGE about an enslaved interface. 0; -ENOMSG: about another
 * one; -EBADMSG. *ret is untouched on failure. */
int link_parse_bridge_port(const struct nlmsghdr *message, struct link_bridge_port *ret);
/* A message of the netdev family. 0, -ENOMSG (attribute missing) or -EBADMSG. */
int link_parse_features(const struct nlmsghdr *message, uint32_t *ret_ifindex,
			uint32_t *ret_features);
/* CTRL_CMD_NEWFAMILY: ids of the family and of its multicast group (0: no such group). */
int link_parse_family(const struct nlmsghdr *message, const char *group, uint16_t *ret_family,
		      uint32_t *ret_group);

/* ---- entries.c: the table and the queue of notices ---- */
#define LINK_BUCKETS 1024

struct link_notice {
	struct link_notice *next;
	unsigned int changes;
	struct link_info info;
};

struct link_entry {
	struct link_info info;
	struct link_entry *next_by_ifindex, *next_by_name;
	struct link_entry *next_with_alt; /* in the list of those with alternative names */
	struct link_notice *added;	  /* its LINK_ADDED, while it is queued */
	uint32_t round;			  /* of the last dump that contained it */
};

struct link_table {
	struct link_entry *by_ifindex[LINK_BUCKETS];
	struct link_entry *by_name[LINK_BUCKETS];
	struct link_entry *with_alt;	   /* few: physical NICs that udev has named */
	struct link_notice *first, **last; /* queue; last: where the next one is appended */
	size_t n;
	uint32_t round;
};

void link_table_init(struct link_table *table);
void link_table_done(struct link_table *table);
struct link_entry *link_table_by_ifindex(const struct link_table *table, uint32_t ifindex);
struct link_entry *link_table_by_name(const struct link_table *table, const char *name);
/* The same, and where no interface has this name the one that has it as an alternative name. */
struct link_entry *link_table_find(const struct link_table *table, const char *name);

/*
 * Applies a full description of an interface except for the XDP features, and queues the changes.
 * 1: new interface; 0: known; -ENOMEM with the table unchanged.
 */
int link_table_update(struct link_table *table, const struct link_info *info);
int link_table_set_features(struct link_table *table, uint32_t ifindex, bool known,
			    uint32_t features);
int link_table_remove(struct link_table *table, uint32_t ifindex);
/* Queues LINK_BRIDGE_PORT. 0, also for an unknown interface, or -ENOMEM. */
int link_table_touch(struct link_table *table, uint32_t ifindex);
/* Removes the interfaces that the last dump (round) did not contain. */
int link_table_sweep(struct link_table *table);
/* The oldest notice, which the caller frees; NULL: none. */
struct link_notice *link_table_pop(struct link_table *table);

/* ---- netdev_genl.c ---- */
struct netdev_genl {
	/* not open: no such family in this kernel (before 6.3) */
	struct netlink query, events;
	uint16_t family;
};

/* 0 also without the family. */
int netdev_genl_open(struct netdev_genl *genl, int receive_bytes);
void netdev_genl_close(struct netdev_genl *genl);
int netdev_genl_dump(struct netdev_genl *genl, struct link_table *table);
int netdev_genl_fetch(struct netdev_genl *genl, struct link_table *table, uint32_t ifindex);
/* as netlink_read_events() */
int netdev_genl_read(struct netdev_genl *genl, struct link_table *table);

struct link_poll {
	uint32_t ifindex, interval_ms;
	uint64_t due_ms; /* CLOCK_MONOTONIC */
};

/* ---- monitor.c ---- */
#define LINK_MAX_FEATURES 512 /* the kernel has about 65 */
#define LINK_N_OFFLOADS 5

struct link_features {
	uint32_t n_words;
	/*
	 * bit of each offload, in the order of the bits of enum ul_saved; -1: unknown to this
	 * kernel
	 */
	int32_t bit[LINK_N_OFFLOADS];
	struct ethtool_get_features_block block[LINK_MAX_FEATURES / 32];
};

struct link_monitor {
	sd_event *event;
	link_handler handler;
	void (*on_failure)(void *userdata, int error, const char *text); /* NULL: none */
	void *userdata;
	struct link_table table;
	struct netlink events, query;
	struct netlink dump; /* queries that the kernel filters, by interface for example */
	struct netdev_genl genl;
	/* n_words and bit[] are those of this kernel; n_words 0: not read yet */
	struct link_features features;
	/* ethtool; belongs to the network namespace in which the monitor was made */
	int ioctl_fd;
	bool delivering, lost;
	unsigned int resyncs; /* full dumps so far */
	uint64_t dumped_ms;   /* when the last dump began */
	struct link_poll *polls;
	size_t n_polls;
	sd_event_source *events_source, *genl_source, *deliver_source, *retry_source, *poll_source;
};

/* Calls the failure handler. */
void link_fail(const struct link_monitor *monitor, int error, const char *text);
/* Calls the handler for all queued notices, unless it is being called. */
void link_deliver(struct link_monitor *monitor);
void link_deliver_later(struct link_monitor *monitor); /* the same from the event loop */
/* Applies all waiting events to the table. */
int link_read_events(struct link_monitor *monitor);
/* Applies the interface's current state to the table; -ENODEV: removed. */
int link_ask(struct link_monitor *monitor, uint32_t ifindex);
/* Full dump if events were lost. */
void link_recover(struct link_monitor *monitor);
/* The current name from the kernel; 0 or -ENODEV. */
int link_name(struct link_monitor *monitor, uint32_t ifindex, char name[UL_NAME_LEN]);

/* ---- settings.c ---- */
#define LINK_REQUEST_BYTES 512

/* A message of that size at most about one interface. ret_ifi: its header; NULL: not needed. */
struct nlmsghdr *link_request(void *buffer, uint16_t type, uint16_t flags, uint32_t ifindex,
			      struct ifinfomsg **ret_ifi);
/* Sends a request about one interface and updates the table. */
int link_apply(struct link_monitor *monitor, uint32_t ifindex, struct nlmsghdr *request);

/* ---- veth.c ---- */
/* Sends a request that creates interfaces, one of them with this name, and reads their events. 0,
 * also if only the answer was lost; negative errno. */
int link_create(struct link_monitor *monitor, const char *name, struct nlmsghdr *request);

/* ---- ethtool.c ---- */
/* command: a struct ethtool_*. 0 or negative errno. */
int ethtool_call(struct link_monitor *monitor, uint32_t ifindex, void *command);

/* Bits of enum ul_saved: the offloads that are on or requested, and those that can be changed. */
void link_summarize_offloads(const struct link_features *features, uint32_t *ret_on,
			     uint32_t *ret_changeable);

/* ---- usage.c ---- */
/* Virtual functions below a device's folder in sysfs that have a driver, 0 without a folder, or
 * negative errno. */
int link_count_used_vfs(const char *device);

/* ---- poll.c ---- */
void link_poll_done(struct link_monitor *monitor);

#endif
