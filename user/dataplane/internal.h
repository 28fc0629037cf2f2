/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* What the files of dataplane/ share; only they and their tests include it. */
#ifndef UL_DATAPLANE_INTERNAL_H
#define UL_DATAPLANE_INTERNAL_H

#include "common/errors.h"
#include "dataplane/dataplane.h"
#include "maps.h"

struct bpf_object;

/* ---- pins.c: paths and directories in the BPF file system ---- */
#define UL_PIN_ROOT "uplinkd"

/* The pins of a switch: directories of the set in use, of one that is being made to replace it and
 * of one that was replaced; and the settings journal, a map. A switch name has no '_', so the
 * suffixes cannot collide with a name. */
enum pin_role {
	PINS_CURRENT,
	PINS_NEXT,
	PINS_OLD,
	N_PIN_DIRS,
	PIN_SAVED = N_PIN_DIRS,
	N_PIN_ROLES
};

/* <dir>/<name>: 0 or -ENAMETOOLONG, as with the next two. */
int pin_path(char path[PATH_MAX], const char *dir, const char *name);
int pin_switch_dir(char path[PATH_MAX], const char *bpffs, const char *switch_name,
		   enum pin_role role);
/* dir: that of PINS_CURRENT. */
int pin_sibling_dir(char path[PATH_MAX], const char *dir, enum pin_role role);
/* A descriptor of the pinned object, or negative errno. */
int pin_open(const char *dir, const char *name);

/* 0 or negative errno, explained. */
int pins_check_file_system(const char *bpffs, struct errors *errors);
/* Checks that bpffs is a BPF file system, makes <bpffs>/uplinkd and checks its owner. 0 or negative
 * errno, explained. */
int pins_prepare_root(const char *bpffs, struct errors *errors);
/* Removes <bpffs>/uplinkd if it is empty. 0, also when it is not, or when another user owns it or
 * the file system; negative errno, explained. */
int pins_remove_root(const char *bpffs, struct errors *errors);
/* 0, also when it exists, or negative errno. */
int pins_make_dir(const char *path);
/* Removes the directory with all pins in it but links: their pins may be what keeps them attached.
 * 0, also when there is none, or the negative errno of a pin or directory that stays; -ENOTEMPTY:
 * with links. */
int pins_remove_dir(const char *dir);
/* Locks the directory: two daemons must not write one set. 0; -ENOENT, not explained: there is no
 * such directory; other negative errno, explained. */
int pins_lock(const char *dir, const char *switch_name, struct errors *errors, int *ret_fd);
/* Locks <bpffs>/uplinkd while a set is opened, and waits for the others that do: the lock of a
 * switch can only be taken when its directory exists. 0 or negative errno, explained. */
int pins_lock_root(const char *bpffs, struct errors *errors, int *ret_fd);
/* Renames dir, if there is one, to its PINS_OLD sibling (ret_old) and next to dir, in this order. 0
 * or negative errno. */
int pins_exchange(const char *dir, const char *next, char ret_old[PATH_MAX]);
/* 0; -ENOENT: there is no such directory; other negative errno: it may exist. */
int pins_find_dir(const char *dir);

/* ---- maps.c: the catalogue of headers/maps.h; sizes; mapping ---- */
enum map_kind {
	MAP_KIND_MAPPED,
	MAP_KIND_ARRAY,
	MAP_KIND_HASH,
	MAP_KIND_PERCPU_ARRAY,
	MAP_KIND_DEVMAP,
	MAP_KIND_RINGBUF,
	MAP_KIND_PROG_ARRAY, /* one per generation of programs: programs.c */
};

enum map_count {
	MAP_COUNT_FIXED,
	MAP_COUNT_PORTS,
	MAP_COUNT_GROUPS,
	MAP_COUNT_ENDPOINTS,
	MAP_COUNT_FDB_ROWS,
	MAP_COUNT_IFACE_ROWS,
};

struct map_row {
	const char *name;
	enum map_kind kind;
	enum map_count count;
	uint32_t key_size, value_size; /* 0: a ring buffer */
	uint32_t entries;	       /* of the object file; FIXED: always */
};

extern const struct map_row map_catalogue[N_UL_MAPS];

struct map_sizes {
	uint32_t ports, groups, fdb_rows, iface_rows;
	uint64_t seed; /* of the exact-match tables */
};

/* With room for half as many again, so that a port added at run time seldom needs a new set. */
void map_sizes_for(const struct dataplane_needs *needs, struct map_sizes *ret);
void map_sizes_of(const struct dataplane *dp, struct map_sizes *ret);
/* Sets the sizes of the maps of an object that is not loaded yet. 0 or negative errno. */
int maps_resize(struct bpf_object *object, const struct map_sizes *sizes);
/* Compares type, sizes and the least number of entries with the catalogue. 0; -EPROTO: another
 * kind of map; other negative errno. */
int map_check(int fd, enum ul_map which, uint32_t *ret_entries);
/* Opens the pinned maps and maps those that can be. 0; -ENOENT, -EPROTO: another ABI; other
 * negative errno. */
int maps_open(struct dataplane *dp);
void maps_close(struct dataplane *dp);

/* The operations of dp->ops on maps that are written by system call. */
int maps_load_lacp(struct dataplane *dp, uint32_t uplink, struct lacp_saved *ret);
int maps_save_lacp(struct dataplane *dp, uint32_t uplink, const struct lacp_saved *saved);
int maps_set_member(struct dataplane *dp, uint16_t vid, uint16_t place, uint32_t slot);
void maps_remove_member(struct dataplane *dp, uint16_t vid, uint16_t place);
int maps_set_xdp_target(struct dataplane *dp, uint32_t slot, uint32_t ifindex);
int maps_reset_stats(struct dataplane *dp, uint32_t endpoint);

/* ---- programs.c: loading and pinning ---- */
/* libbpf prints nothing any longer; its first warning while programs are loaded goes into the
 * explanation of the failure. */
void programs_keep_messages(void);
/* Checksum of the programs of this build, for meta->programs. */
uint32_t programs_checksum(void);
/* Loads the programs of this build with the pinned maps, or with new ones where nothing is pinned,
 * and pins both. The links are not changed. 0 or negative errno, explained. */
int programs_load(struct dataplane *dp, const struct map_sizes *sizes);
/* Opens the pinned programs. 0 or negative errno. */
int programs_adopt(struct dataplane *dp);
void programs_close(struct dataplane *dp);
/* Unpins the program arrays in dp->dir that the pinned programs do not use. Call it when no link
 * and no CPU runs older programs any longer. */
void programs_prune_arrays(struct dataplane *dp);
int programs_find_netdev(struct dataplane *dp, uint32_t ifindex, uint64_t *ret_netdev,
			 bool *ret_visible);
int programs_read_carriers(struct dataplane *dp, struct ul_carrier_query *query);
uint64_t programs_jiffies(struct dataplane *dp);
uint32_t program_id(int fd); /* 0: not known */
#define KERNEL_ENOTSUPP 524  /* an errno without a name in user space */

/* ---- attach.c: links ---- */
int attach_port(struct dataplane *dp, uint32_t ifindex, const char *name);
int attach_uplink(struct dataplane *dp, uint32_t ifindex, const char *name, bool want_xdp,
		  bool allow_generic, bool generic_now, struct dataplane_attachment *ret);
int attach_check_xdp(struct dataplane *dp, uint32_t ifindex, const char *name);
int attach_detach(struct dataplane *dp, uint32_t ifindex);
int attach_detach_strays(struct dataplane *dp);
/* Whether the interface is an uplink or a port of the set. */
bool attach_is_member(const struct dataplane *dp, uint32_t ifindex);
/* Whether the kernel has TCX links, so that no filter is used. */
bool attach_has_tcx(void);
uint32_t attach_find_problems(struct dataplane *dp, uint32_t ifindex, enum dataplane_program tc,
			      bool with_xdp, uint32_t xdp_id);
/*
 * Swaps the programs of all links that are pinned in from_dir, and of the filters where there are
 * no TC links, for those of dp, moves the pins to dp->dir, and waits until no CPU runs the old
 * programs. Links of interfaces that dp does not have are detached. 0 or negative errno, explained.
 */
int links_move(struct dataplane *dp, const char *from_dir);
/* Detaches and unpins all links in dir. 0 or the negative errno of a pin that stays. */
int links_drop(const char *dir);

/* Moves the pins of from's links to dir. Where both have a link of an interface, that of dir stays.
 * No program changes. 0 or negative errno. */
int links_gather(const char *dir, const char *from_dir);

/* ---- exchange.c: one set in the place of another ---- */
/* What a killed daemon may have left. next_*: of the set in PINS_NEXT. */
struct exchange_found {
	bool current, next, old;
	bool next_unfinished;
	uint8_t next_state; /* enum ul_exchange */
};

/* In the order of their execution. */
enum exchange_step {
	EXCHANGE_RENAME_OLD = 1 << 0,  /* the old set to PINS_CURRENT */
	EXCHANGE_RENAME_NEXT = 1 << 1, /* the new set to PINS_CURRENT */
	EXCHANGE_DROP_OLD = 1 << 2,    /* its links to the serving set; removed */
	EXCHANGE_TAKE_BACK = 1 << 3,   /* likewise with the new set */
	EXCHANGE_FINISH = 1 << 4,      /* the new set takes over */
};

/* What is to be done: OR of enum exchange_step. */
uint32_t exchange_decide(const struct exchange_found *found);
/* Finishes or takes back an exchange of the set at dp->dir, and locks it. 0; -ENOENT: there is no
 * set; other negative errno, explained. */
int exchange_recover(struct dataplane *dp);
/* Whether the set, of any version, was never completed. 0 or negative errno. */
int exchange_is_unfinished(const char *dir, bool *ret);

/* ---- dataplane.c ---- */
/* Opens maps and programs at dir, without locks, for the switch of like. 0; -ENOENT: they are of
 * another ABI version, or not complete; other negative errno. */
int set_open(const struct dataplane *like, const char *dir, struct dataplane **ret);
/* Detaches the filters of the programs that are pinned there, and then removes the pins, by which
 * they are found. 0 or negative errno. */
int set_remove_dir(const char *dir);

/* ---- filter.c: TC ingress on kernels without TCX links ---- */
/* 0; -ENOENT: there is no filter of ours; other negative errno. filter_program(): with the id of
 * its program. */
int filter_find(uint32_t ifindex);
int filter_program(uint32_t ifindex, uint32_t *ret_id);
/* Attaches the program or swaps it; 0 or negative errno. */
int filter_attach(uint32_t ifindex, int program_fd);
/* Filters of other programs stay, and then the qdisc stays too. 0, also when there is none, or
 * negative errno. */
int filter_detach(uint32_t ifindex);
/* Detaches the filters whose programs are pinned in dir, except those of the interfaces that
 * members has; NULL: of all. 0 or the first negative errno. */
int filters_drop(const char *dir, const struct dataplane *members);

/* ---- view_attached.c ---- */
/* The ids of the programs of enum view_program that are pinned in the directory; others are left as
 * they are. */
void view_find_programs(const char *directory, uint32_t *ids);

/* ---- table.c ---- */
/* Returns when every program that was running at the call has ended. */
void wait_for_programs(void);

#endif
