/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * dataplane/ owns a switch's set of maps and programs in the kernel: load or adopt, pin, attach,
 * write. It is the only code that makes bpf() system calls and holds map, program and link
 * descriptors. Everything of a set is pinned below <bpffs>/uplinkd/<switch>/: the maps by name,
 * the programs as prog_*, the links as xdp_<ifindex> and tc_<ifindex>.
 *
 * Life cycle. dataplane_open() locks the directory and adopts the pinned set when it has this ABI
 * version; programs of another build are loaded and swapped into the links. Otherwise, and when
 * the set is too small (DATAPLANE_LARGER), a new set is made in <switch>_next while the old one
 * serves. The caller fills it, with dataplane_copy() where the versions are equal, and
 * dataplane_take_over() swaps its programs into all links and renames the directories, so that no
 * packet is lost. The pins are the state: dataplane_free() changes nothing in the kernel, and the
 * next dataplane_open() finds everything as it was. dataplane_destroy() removes a switch.
 *
 * Files
 *   set.h               struct dataplane, and the operations that unit tests replace
 *   dataplane.c         life cycle: open, take over, discard, destroy
 *   exchange.c          one set in the place of another; recovery of a killed exchange
 *   pins.c              directories, locks and renames in the BPF file system
 *   pin_owner.c         whose they are, and their handover to the user of the service
 *   maps.c              catalogue (headers/maps.h), sizes, mapping; maps written by system call
 *   programs.c          loading, pinning, probing; the programs' tail calls
 *   attach.c, filter.c  XDP and TCX links; TC filters where the kernel has no TCX links
 *   records.c           typed writers of the mapped records (records.h)
 *   reorder.c           the records of the uplinks in another order (records.h)
 *   table.c             writer of the exact-match tables (table.h)
 *   copy.c              the contents of one set into a larger one
 *   set_v2.c            the contents of a set of 0.1.0 into a new one (set_v2.h)
 *   view.c              read-only view of the pinned maps for uplinkctl (view.h)
 *   view_attached.c     attached programs, compared with the pinned ones
 *   clock.c             the clock of the maps: jiffies (clock.h)
 *   ownership.c         the state of an address (ownership.h); pure
 *   journal.c           former settings of interfaces, outside the sets (journal.h)
 *   rcu_expedite.c      short grace periods while many ports are attached (rcu_expedite.h)
 *
 * Callers: vswitch/ opens, replaces and destroys sets; uplink/, port/ and channel/ attach and write
 * records; daemon/ uses dataplane_is_pinned(); records/ and ctl/ use view.h alone.
 *
 * Errors. Functions return 0 or a negative errno. Where the contract says "explained", a message
 * with the remedy is appended to dp->errors (before there is a dp: to the parameter). Nothing here
 * logs.
 *
 * Tests: tests/unit/dataplane_*.c (tables, records, pins, view), tests/bpf (programs, filters),
 * tests/netns/test_lifecycle.py (sets, links, replacement).
 */
#ifndef UL_DATAPLANE_DATAPLANE_H
#define UL_DATAPLANE_DATAPLANE_H

#include "common/owner.h"
#include "dataplane/check.h"
#include "dataplane/set.h"

/* How large a set has to be. */
struct dataplane_needs {
	uint32_t ports, groups;
	size_t fdb_keys;
	/* The set that a larger one is to replace: its contents fit as well, whatever is needed of
	 * them. NULL: none. */
	const struct dataplane *former;
};

enum dataplane_how {
	/* The pinned maps without programs, to remove the switch. -ENOENT: there is nothing of this
	 * ABI version. */
	DATAPLANE_MAPS_ONLY,
	/* the pinned set if there is one of this ABI version, otherwise a new one */
	DATAPLANE_ANY_SIZE,
	/* a new set in place of the pinned one, which has become too small and which the caller has
	 * open */
	DATAPLANE_LARGER,
};

/* 0 or a negative errno, explained in errors except for -ENOENT. errors becomes dp->errors. needs:
 * may be NULL with DATAPLANE_MAPS_ONLY. */
int dataplane_open(const char *bpffs, const char *switch_name, const struct dataplane_needs *needs,
		   enum dataplane_how how, struct errors *errors, struct dataplane **ret);
/* Where a renaming of the directories was interrupted, so that there is no current one: continues
 * it, as dataplane_open() does. 0, also when there is nothing to do, or negative errno. */
int dataplane_recover(const char *bpffs, const char *switch_name, struct errors *errors);
/* Loads maps and programs of that size for trial and removes them; nothing is pinned or attached.
 * 0 or negative errno, explained. */
int dataplane_try_programs(const char *switch_name, const struct dataplane_needs *needs,
			   struct errors *errors);
bool dataplane_large_enough(const struct dataplane *dp, const struct dataplane_needs *needs);
/* Copies all but the flood lists and the devmap into a larger set that is to replace from, and
 * moves from's lock to it. 0 or negative errno. */
int dataplane_copy(struct dataplane *to, struct dataplane *from);
/* Puts a staged set in the place of the old one: its programs into all links, its pins under the
 * switch's name. Call it when the maps are filled. 0, or negative errno, explained: it may be
 * called again, and the next dataplane_open() continues. */
int dataplane_take_over(struct dataplane *dp);
/* Removes the set that was replaced where dataplane_take_over() could not. 0, also when there is
 * none, or negative errno, explained. */
int dataplane_remove_former(struct dataplane *dp);
/* Closes descriptors and mappings; NULL allowed. Nothing in the kernel changes. */
void dataplane_free(struct dataplane *dp);
/* Removes a set that dataplane_open() made and that has not begun to take over, with the links that
 * it attached. An adopted set stays. */
void dataplane_discard(struct dataplane *dp);
/*
 * Whether only the user of this process, or for root a user to whom root gave it, may change
 * <bpffs>/uplinkd. 0, also when it does not exist; -EPERM and other negative errno, explained.
 */
int dataplane_check_owner(const char *bpffs, struct errors *errors);
/*
 * As root: makes <bpffs>/uplinkd, gives it with the pins that belong to root to the owner, and
 * permits all users to search bpffs, and only its owner to write it. 0 or negative errno,
 * explained.
 */
int dataplane_hand_over(const char *bpffs, const struct new_owner *owner, struct errors *errors);
/* Is a set of this switch pinned, of any ABI version, or its settings journal? */
bool dataplane_is_pinned(const char *bpffs, const char *switch_name);
/*
 * Calls found() for every switch of which one of these is pinned, once for each of its pins. 0; a
 * negative errno of found(), after which no more calls follow; or one of reading the directory.
 */
int dataplane_list_pinned(const char *bpffs, int (*found)(void *userdata, const char *switch_name),
			  void *userdata);
/* Detaches and unpins everything of a switch. dp: the set if the caller has it open, and with it
 * the lock; NULL: also sets of other ABI versions. 0 or negative errno, explained in errors. */
int dataplane_destroy(const char *bpffs, const char *switch_name, const struct dataplane *dp,
		      struct errors *errors);

/* Attaches port_tc to an interface, or brings our attachment up to date. Idempotent. 0 or negative
 * errno, explained; name: for the message. */
int dataplane_attach_port(struct dataplane *dp, uint32_t ifindex, const char *name);
/*
 * Attaches uplink_tc, and uplink_xdp when want_xdp: native; then generic when allow_generic is set;
 * then TC alone. generic_now: the XDP program that is attached, if any, is generic (the link does
 * not say so). 0 with *ret filled, or negative errno, explained. -EBUSY: another XDP program is
 * attached there. After another error an interface that was attached still is.
 */
int dataplane_attach_uplink(struct dataplane *dp, uint32_t ifindex, const char *name, bool want_xdp,
			    bool allow_generic, bool generic_now, struct dataplane_attachment *ret);
/* Before an interface is changed for dataplane_attach_uplink() with XDP: 0; -EBUSY: another XDP
 * program is attached there; other negative errno. Both explained. */
int dataplane_check_xdp(struct dataplane *dp, uint32_t ifindex, const char *name);
/*
 * Compares the attachments of an interface with what they should be: 0, or bits of enum ul_problem
 * (DETACHED, XDP, TC). tc: PROG_PORT_TC or PROG_UPLINK_TC; with_xdp: uplink_xdp is attached, too;
 * xdp_id: link_info.xdp_prog_id. What the kernel does not answer is not a problem. Before
 * dataplane_take_over() always 0.
 */
uint32_t dataplane_find_problems(struct dataplane *dp, uint32_t ifindex, enum dataplane_program tc,
				 bool with_xdp, uint32_t xdp_id);
/* Detaches and unpins our programs there; also after the interface is gone. 0, or negative errno,
 * explained: dataplane_detach_strays() repeats what failed. */
int dataplane_detach(struct dataplane *dp, uint32_t ifindex);
/* After failures of dataplane_detach(), of this daemon or the one before: detaches the programs of
 * the set from interfaces that are not its members. 0; -EAGAIN: not while the set is staged; other
 * negative errno, explained. */
int dataplane_detach_strays(struct dataplane *dp);
/* The switch, of any instance with this bpffs, whose XDP link is on the interface: 0; -ENOENT:
 * there is none; other negative errno. */
int dataplane_xdp_owner(const char *bpffs, uint32_t ifindex, char ret_switch[UL_NAME_LEN]);

/* *ret_netdev: the kernel address of an interface; 0: there is no such interface, or the kernel
 * does not run the program that finds it. *ret_visible: the programs check the carrier at that
 * address in struct ul_uplink.netdev (Linux 6.2 and later). 0, or negative errno with both unset:
 * the look-up failed this time. */
int dataplane_find_netdev(struct dataplane *dp, uint32_t ifindex, uint64_t *ret_netdev,
			  bool *ret_visible);
/* Reads the carriers of the interfaces in query without a lock of the kernel. One system call that
 * never waits. 0 or negative errno. */
int dataplane_read_carriers(struct dataplane *dp, struct ul_carrier_query *query);

static inline uint32_t dataplane_n_uplinks(const struct dataplane *dp)
{
	return check_n_uplinks(dp->meta);
}

/* The clock of ul_fdb_use; kernel_hz() jiffies per second. 0: it cannot be read. */
uint64_t dataplane_jiffies(struct dataplane *dp);

/* The LACP state of an uplink that outlives the daemon, by one system call. 0 or negative errno. */
int dataplane_load_lacp(struct dataplane *dp, uint32_t uplink, struct lacp_saved *ret);
int dataplane_save_lacp(struct dataplane *dp, uint32_t uplink, const struct lacp_saved *saved);

/* Flood lists: the port slot at a place of the VLAN's list (ul_members). 0 or negative errno. */
int dataplane_set_member(struct dataplane *dp, uint16_t vid, uint16_t place, uint32_t slot);
void dataplane_remove_member(struct dataplane *dp, uint16_t vid, uint16_t place);
/* The devmap entry of a port; ifindex 0: the port takes no XDP frames. 0 or negative errno. */
int dataplane_set_xdp_target(struct dataplane *dp, uint32_t slot, uint32_t ifindex);
/* Zeroes the counters of an endpoint before its number is used again. 0 or negative errno. */
int dataplane_reset_stats(struct dataplane *dp, uint32_t endpoint);

#endif
