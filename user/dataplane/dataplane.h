/* SPDX-License-Identifier: GPL-2.0 */
/* A switch's set of maps and programs in the kernel: load or adopt, pin, attach. The only code that
 * knows map, program and link descriptors.
 *
 * Everything lives at <bpffs>/uplinkd/<switch>/: the maps by name, the programs as prog_*, the
 * links as xdp_<ifindex> and tc_<ifindex>. The pins are the state: closing a dataplane changes
 * nothing in the kernel, and the next one that opens finds it as it was. A set of another ABI
 * version or too small is replaced by one made beside it (<switch>_next), whose programs are
 * swapped into the links, so that not a packet is lost. */
#ifndef UL_DATAPLANE_DATAPLANE_H
#define UL_DATAPLANE_DATAPLANE_H

#include <limits.h>

#include "abi.h"
#include "common/util.h"
#include "dataplane/table.h"

struct bpf_object;

enum dataplane_program {
	PROG_PORT_TC,
	PROG_UPLINK_TC,
	PROG_UPLINK_XDP,
	PROG_NETDEV_FIND,
	N_PROGRAMS
};
enum dataplane_mapping {
	MAP_META,
	MAP_UPLINKS,
	MAP_PORTS,
	MAP_GROUPS,
	MAP_POLICIES,
	MAP_VLANS,
	MAP_IFACES,
	MAP_FDB,
	MAP_LACP_ANSWERS,
	MAP_LACP_PORTS,
	N_MAPPINGS
};

/* How large a set has to be. */
struct dataplane_needs {
	uint32_t ports, groups;
	size_t fdb_keys;
};

struct dataplane {
	char name[UL_NAME_LEN]; /* of the switch */
	char dir[PATH_MAX];	/* of the pins */
	char old_dir[PATH_MAX]; /* staged: of the pins that are to be replaced; else empty */
	bool adopted;		/* the maps were there already */
	bool staged; /* made beside an older set; dataplane_take_over() is due, until then the links
			run the old programs */
	int lock_fd, old_lock_fd; /* of dir and old_dir: one daemon per switch */
	int program_fd[N_PROGRAMS];

	/* mapped, writable; nobody else writes */
	struct ul_meta *meta;
	struct ul_uplink *uplinks;
	struct ul_port *ports;	 /* meta->max_ports */
	struct ul_group *groups; /* meta->max_groups */
	struct ul_policy *policies;
	struct ul_vlan *vlans;
	struct table ifaces, fdb;
	const struct ul_lacp_answer *lacp_answers; /* uplink_xdp writes it */
	struct ul_lacp_port *lacp_ports;

	int members_fd, devmap_fd, stats_fd, events_fd, lacp_fd;
	void *mapping[N_MAPPINGS];
	size_t mapping_size[N_MAPPINGS];
};

enum dataplane_how {
	DATAPLANE_MAPS_ONLY, /* what is pinned, without programs: to take it down. -ENOENT: nothing
				that this version understands */
	DATAPLANE_ANY_SIZE,  /* the pinned set if there is one of this ABI version, otherwise a new
				one */
	DATAPLANE_LARGER, /* a new set beside the pinned one, which has become too small; the caller
			     has that open */
};

/* 0 or a negative errno, logged with its remedy. needs: not looked at with DATAPLANE_MAPS_ONLY. */
int dataplane_open(const char *bpffs, const char *switch_name, const struct dataplane_needs *needs,
		   enum dataplane_how how, struct dataplane **ret);
bool dataplane_large_enough(const struct dataplane *dp, const struct dataplane_needs *needs);
/* What a set holds into a larger one that is to replace it: everything but the flood lists and the
 * devmap; and its lock. */
int dataplane_copy(struct dataplane *to, struct dataplane *from);
/* Puts a staged set in the place of the old one: its programs into all links, its pins under the
 * switch's name. Call it when the maps are filled. */
int dataplane_take_over(struct dataplane *dp);
/* Closes descriptors and mappings; NULL allowed. Nothing in the kernel changes. */
void dataplane_free(struct dataplane *dp);
/* Takes a set that was made by dataplane_open() and did not take over out of the kernel again, with
 * what it has attached. An adopted one stays. */
void dataplane_discard(struct dataplane *dp);
/* Is there anything of this switch, of whichever version? */
bool dataplane_is_pinned(const char *bpffs, const char *switch_name);
/* Detaches and unpins everything of a switch. dp: the set if the caller has it open, and so its
 * lock; NULL: also what no dataplane_open() understands. 0 or negative errno, logged. */
int dataplane_destroy(const char *bpffs, const char *switch_name, const struct dataplane *dp);

/* Many ports are going to be attached: without this each takes the kernel 8 to 16 ms. Returns what
 * dataplane_hurry_end() takes, -1 included. */
int dataplane_hurry_begin(void);
void dataplane_hurry_end(int fd);

/* Attach the programs to an interface, or bring an attachment of ours up to date. Idempotent. 0;
 * -EBUSY: another program is there. */
int dataplane_attach_port(struct dataplane *dp, uint32_t ifindex, const char *name);
/* want_xdp: try native; then, when generic is allowed, generic. generic_now: the XDP that is
 * attached, if any, is generic; the link does not tell. *ret_mode tells what came of it. */
int dataplane_attach_uplink(struct dataplane *dp, uint32_t ifindex, const char *name, bool want_xdp,
			    bool allow_generic, bool generic_now, enum ul_xdp_mode *ret_mode);
/* Before anything is changed for dataplane_attach_uplink() with XDP: 0; -EBUSY, logged: another
 * program is there. */
int dataplane_check_xdp(struct dataplane *dp, uint32_t ifindex, const char *name);
/* Detaches what is attached there and forgets it; also after the interface is gone. */
void dataplane_detach(struct dataplane *dp, uint32_t ifindex);
/* The switch, of this or another instance, whose XDP link is on the interface: 0 or -ENOENT. */
int dataplane_xdp_owner(const char *bpffs, uint32_t ifindex, char ret_switch[UL_NAME_LEN]);

/* The kernel address for struct ul_uplink.netdev; 0 where the kernel cannot check a carrier in the
 * programs (before 6.2), or no such interface. */
uint64_t dataplane_find_netdev(struct dataplane *dp, uint32_t ifindex);

/* The LACP state of an uplink that outlives the daemon. */
int dataplane_load_lacp(struct dataplane *dp, uint32_t uplink, struct lacp_saved *ret);
int dataplane_save_lacp(struct dataplane *dp, uint32_t uplink, const struct lacp_saved *saved);
/* What was answered for another uplink, before its place is used again. */
void dataplane_reset_answers(struct dataplane *dp, uint32_t uplink);

int dataplane_set_member(struct dataplane *dp, uint16_t vid, uint16_t place, uint32_t slot);
void dataplane_remove_member(struct dataplane *dp, uint16_t vid, uint16_t place);
/* ifindex 0: the port takes no XDP frames. */
int dataplane_set_xdp_target(struct dataplane *dp, uint32_t slot, uint32_t ifindex);
/* Zeroes the counters of an object, before its number is used again. */
int dataplane_reset_stats(struct dataplane *dp, uint32_t object);

#endif
