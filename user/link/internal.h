/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of user/link/ share, and what their unit tests look into. Nothing outside includes
 * it.
 *
 * One rule keeps the handler safe: whatever changes the table only queues notices; they are
 * delivered by link_deliver() when nobody is in the middle of a table operation, so a handler may
 * look up, change settings and ask for a resync. */
#ifndef UL_LINK_INTERNAL_H
#define UL_LINK_INTERNAL_H

#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <stddef.h>

#include "link/link.h"

/* ---- netlink.c: one socket with its receive buffer
 * ----------------------------------------------------------------------- */
#define NETLINK_BUFFER_BYTES 65536 /* the kernel fills at most 32 KiB per datagram of a dump */

struct netlink {
	struct mnl_socket *socket; /* NULL: not open */
	uint8_t *buffer;	   /* NETLINK_BUFFER_BYTES */
	uint32_t sequence;
};

/* 0 goes on; a negative errno ends a query with it, but its remaining answers are still read. */
typedef int (*netlink_handler)(const struct nlmsghdr *message, void *userdata);

int netlink_open(struct netlink *nl, int bus, bool for_events);
void netlink_close(struct netlink *nl);
int netlink_fd(const struct netlink *nl);

/* Asks for receive_bytes (beyond the system's limit where allowed); returns what the kernel
 * granted, or a negative errno. */
int netlink_set_receive_buffer(struct netlink *nl, int receive_bytes);

/* Sends a request and hands each answer to handler (NULL: none expected). NLM_F_ACK is added where
 * the request is no dump. 0; the kernel's error; -EINTR: a dump that was interrupted by a change,
 * so something may be missing; -ETIMEDOUT. */
int netlink_query(struct netlink *nl, struct nlmsghdr *request, netlink_handler handler,
		  void *userdata);

/* Reads one datagram of notifications without waiting. 1: handled one; 0: none waiting; -ENOBUFS:
 * events were lost. */
int netlink_read_events(struct netlink *nl, netlink_handler handler, void *userdata);

/* ---- parse.c: pure
 * --------------------------------------------------------------------------------------------------------
 */
/* RTM_NEWLINK or RTM_DELLINK. 0; -ENOMSG: a valid message that does not describe an interface
 * (other family, wireless event); -EBADMSG: malformed. The XDP features are left unknown. *ret
 * untouched on failure. */
int link_parse(const struct nlmsghdr *message, struct link_info *ret);
/* A message of the netdev family: 0, -ENOMSG (attribute missing), -EBADMSG. */
int link_parse_features(const struct nlmsghdr *message, uint32_t *ret_ifindex,
			uint32_t *ret_features);
/* CTRL_CMD_NEWFAMILY: id of the family and of its multicast group (0: it has no such group). */
int link_parse_family(const struct nlmsghdr *message, const char *group, uint16_t *ret_family,
		      uint32_t *ret_group);

/* ---- entries.c: the table and the queue of notices
 * -------------------------------------------------------------------------- */
#define LINK_BUCKETS 1024

struct link_notice {
	struct link_notice *next;
	unsigned int changes;
	struct link_info info;
};

struct link_entry {
	struct link_info info;
	struct link_entry *next_by_ifindex, *next_by_name;
	struct link_notice *added; /* its LINK_ADDED, while that is still in the queue */
	uint32_t round;		   /* of the last dump that showed it */
};

struct link_table {
	struct link_entry *by_ifindex[LINK_BUCKETS];
	struct link_entry *by_name[LINK_BUCKETS];
	struct link_notice *first, **last; /* queue; last: where the next one is hung in */
	size_t n;
	uint32_t round;
};

void link_table_init(struct link_table *table);
void link_table_done(struct link_table *table);
struct link_entry *link_table_by_ifindex(const struct link_table *table, uint32_t ifindex);
struct link_entry *link_table_by_name(const struct link_table *table, const char *name);

/* Takes over a full description of an interface; the XDP features are not taken from it. Queues
 * what changed. 1: it is new; 0; -ENOMEM with the table unchanged. */
int link_table_update(struct link_table *table, const struct link_info *info);
int link_table_set_features(struct link_table *table, uint32_t ifindex, bool known,
			    uint32_t features);
int link_table_remove(struct link_table *table, uint32_t ifindex);
/* Removes what the dump that was begun last (round++) did not show. */
int link_table_sweep(struct link_table *table);
/* The oldest notice, to be freed by the caller; NULL: none. */
struct link_notice *link_table_pop(struct link_table *table);

/* ---- netdev_genl.c
 * -------------------------------------------------------------------------------------------------------
 */
struct netdev_genl {
	struct netlink query, events; /* not open: the kernel does not have the family (before 6.3)
				       */
	uint16_t family;
};

int netdev_genl_open(struct netdev_genl *genl, int receive_bytes); /* 0 also where the kernel does
								      not have it */
void netdev_genl_close(struct netdev_genl *genl);
int netdev_genl_dump(struct netdev_genl *genl, struct link_table *table);
int netdev_genl_fetch(struct netdev_genl *genl, struct link_table *table, uint32_t ifindex);
int netdev_genl_read(struct netdev_genl *genl, struct link_table *table); /* as
									     netlink_read_events()
									   */

struct link_poll {
	uint32_t ifindex, interval_ms;
	uint64_t due_ms; /* CLOCK_MONOTONIC */
};

/* ---- monitor.c
 * -------------------------------------------------------------------------------------------------------------
 */
struct link_monitor {
	sd_event *event;
	link_handler handler;
	void *userdata;
	struct link_table table;
	struct netlink events, query;
	struct netdev_genl genl;
	int ioctl_fd; /* ethtool; belongs to the network namespace in which the monitor was made */
	bool delivering, lost;
	unsigned int resyncs; /* full dumps so far */
	struct link_poll *polls;
	size_t n_polls;
	sd_event_source *events_source, *genl_source, *deliver_source, *retry_source, *poll_source;
};

void link_deliver(struct link_monitor *monitor); /* calls the handler for all queued notices, unless
						    a call of it is under way */
void link_deliver_later(struct link_monitor *monitor); /* the same from the event loop */
int link_read_events(struct link_monitor *monitor);    /* takes all waiting events into the table */
int link_ask(struct link_monitor *monitor, uint32_t ifindex); /* takes the interface's present state
								 into the table; -ENODEV: it is
								 gone, there too */
void link_recover(struct link_monitor *monitor); /* dumps everything when something was missed */
int link_name(struct link_monitor *monitor, uint32_t ifindex, char name[UL_NAME_LEN]); /* by the
											  kernel,
											  now;
											  -ENODEV */

/* ---- ethtool.c
 * --------------------------------------------------------------------------------------------------------------
 */
int ethtool_call(struct link_monitor *monitor, uint32_t ifindex, void *command); /* a struct
										    ethtool_*; 0 or
										    negative errno
										  */

#define LINK_MAX_FEATURES 512 /* the kernel has about 65 */
#define LINK_N_OFFLOADS 5

struct link_features {
	uint32_t n_words;
	int32_t bit[LINK_N_OFFLOADS]; /* place of each offload, in the order of the bits of enum
					 ul_saved; -1: this kernel does not have it */
	struct ethtool_get_features_block block[LINK_MAX_FEATURES / 32];
};

/* Bits of enum ul_saved: which are on or will be as soon as the driver can, and which of the
 * offloads can be changed. */
void link_sum_up_offloads(const struct link_features *features, uint32_t *ret_on,
			  uint32_t *ret_changeable);

/* ---- poll.c
 * ------------------------------------------------------------------------------------------------------------------
 */
void link_poll_done(struct link_monitor *monitor);

#endif
