/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The network of a host in neutral terms: interfaces, bonds, bridges with the VLANs of each port,
 * VLAN devices, addresses, routes and name servers. Readers fill it, each from one source, and
 * several sources complete each other; map.c reads it.
 *
 * All input is untrusted. Names and numbers of objects are limited, text is printed with control
 * characters replaced. The first failure that makes the result incomplete (no memory, a limit) is
 * kept in `failed`, so that readers need not check each call.
 */
#ifndef UL_IMPORT_NETWORK_H
#define UL_IMPORT_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "common/address.h"
#include "common/errors.h"

#define NET_NAME_LEN 64 /* names of ports and bridges; interface names are shorter */
#define NET_MAX_INTERFACES 16384
#define NET_MAX_ADDRESSES 1024 /* of one interface */
#define NET_MAX_ROUTES 4096
#define NET_MAX_REMARKS 1000 /* the next one names the limit */
#define NET_MAX_FILES 1000

enum net_kind {
	NET_UNKNOWN, /* named only by another object */
	NET_PHYSICAL,
	NET_BOND,
	NET_BRIDGE,
	NET_VLAN,
	NET_TAP,
	NET_VETH,
	NET_INTERNAL, /* Open vSwitch: an interface of the host itself */
	NET_OTHER,    /* see kind_text */
};

/* The first seven are numbered as the kernel numbers them. */
enum net_bond_mode {
	NET_BOND_RR,
	NET_BOND_ACTIVE_BACKUP,
	NET_BOND_XOR,
	NET_BOND_BROADCAST,
	NET_BOND_8023AD,
	NET_BOND_TLB,
	NET_BOND_ALB,
	NET_BOND_SLB,	 /* Open vSwitch: balance-slb */
	NET_BOND_TCP,	 /* Open vSwitch: balance-tcp */
	NET_BOND_UNREAD, /* the source does not contain the mode */
};

enum net_bond_hash {
	NET_HASH_LAYER2,
	NET_HASH_LAYER34,
	NET_HASH_LAYER23,
	NET_HASH_ENCAP23,
	NET_HASH_ENCAP34,
	NET_HASH_VLAN_SRCMAC,
};

/* Where something stands. file: owned by the network; line 0: unknown. */
struct net_place {
	const char *file;
	unsigned int line;
};

struct net_bond {
	enum net_bond_mode mode;
	enum net_bond_hash hash;
	bool lacp; /* Open vSwitch: negotiated in any mode */
	bool fast, passive, fallback, failback_off, is_team;
	unsigned int min_links, system_priority, up_delay_ms; /* 0: not set */
	unsigned int selection;				      /* 0 stable, 1 bandwidth, 2 count */
	unsigned int key; /* of the running actor; 0: not known */
	bool has_system_id;
	uint8_t system_id[6];
	char primary[NET_NAME_LEN], active[NET_NAME_LEN]; /* "": none */
};

/* VLANs of a bridge port. VLAN 0 is Open vSwitch's VLAN of untagged frames. */
struct net_vlans {
	bool given;    /* false: the bridge ignores tags */
	bool implicit; /* Open vSwitch's default: all VLANs, because nothing is set */
	int pvid;      /* VLAN of untagged frames; -1: they are dropped */
	uint64_t tagged[UL_N_VLANS / 64], untagged[UL_N_VLANS / 64];
};

struct net_interface {
	char name[NET_NAME_LEN];
	enum net_kind kind;
	char kind_text[32]; /* of NET_OTHER, for messages */
	struct net_place place;
	size_t order;		   /* of appearance in the sources */
	char master[NET_NAME_LEN]; /* bond or bridge; "": none */
	char parent[NET_NAME_LEN]; /* of a VLAN device */
	unsigned int vid;	   /* of a VLAN device */
	bool service_tag;	   /* a VLAN device with 802.1ad's tag */
	bool is_ovs, is_member;	   /* is_member: of a bond */
	bool in_ovs;		   /* a port of Open vSwitch, by the kernel */
	bool vlan_aware;	   /* a bridge */
	unsigned int default_pvid; /* of a VLAN-aware bridge; 0: none */
	bool is_fake_bridge;	   /* Open vSwitch: an internal port that names a VLAN */
	bool is_declared;	   /* a file of the host puts it into its bridge, under this name */
	bool dhcp, has_guest_mac, has_mac;
	bool carrier;	  /* of a running interface */
	unsigned int mtu; /* 0: not known */
	uint8_t guest_mac[6];
	uint8_t mac[6]; /* of the interface itself */
	struct net_bond bond;
	struct net_vlans vlans;
	struct address *addresses;
	size_t n_addresses;
};

struct net_route {
	struct net_place place;
	char to[64], via[64]; /* to "default"; via "": none */
	char interface[NET_NAME_LEN];
	unsigned int metric; /* 0: not set */
	bool is_dns;	     /* a name server; `to` is its address */
};

/* Something that the configuration does not contain. */
struct net_remark {
	char *text;    /* "PLACE: OBJECT: what: reason; remedy" */
	bool unmapped; /* false: a note, nothing is lost */
	/* `uplinkctl adopt` moves it in the running system; only the next boot does not have it. */
	bool moves;
};

struct network {
	void *by_name; /* tsearch() */
	struct net_interface **interfaces;
	size_t n_interfaces;
	struct net_route *routes;
	size_t n_routes;
	struct net_remark *remarks;
	size_t n_remarks;
	char **files;
	size_t n_files;
	int failed; /* the first errno that makes the network incomplete */
	struct errors *errors;
};

void network_init(struct network *network, struct errors *errors);
void network_done(struct network *network);

/* A name of a file for places; NULL: no memory or too many. */
const char *network_add_file(struct network *network, const char *path);
/* "PLACE: TEXT" in errors; returns error. */
int network_error(struct network *network, struct net_place place, int error, const char *format,
		  ...) __attribute__((format(printf, 4, 5)));
/* A remark: unmapped, or a note. */
void network_unmapped(struct network *network, struct net_place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* As unmapped, of what `uplinkctl adopt` moves. */
void network_moves(struct network *network, struct net_place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void network_note(struct network *network, struct net_place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

struct net_interface *network_find(const struct network *network, const char *name);
/* Finds or adds; NULL: no memory, a limit, or no usable name, with an error. */
struct net_interface *network_get(struct network *network, struct net_place place,
				  const char *name);
/* Copies a name into one of the name fields; false with an error where it is none. */
bool network_set_name(struct network *network, struct net_place place, char field[NET_NAME_LEN],
		      const char *name);
/* Sets the kind, unless another source has set it. */
void net_set_kind(struct net_interface *interface, enum net_kind kind);
void net_set_other(struct net_interface *interface, const char *kind);

/* "192.0.2.1/24", or without a length a host's. An address that exists already is not added. */
void network_add_address(struct network *network, struct net_place place,
			 struct net_interface *interface, const char *text);
void network_add_route(struct network *network, struct net_place place, const char *interface,
		       const char *to, const char *via, unsigned int metric);
void network_add_dns(struct network *network, struct net_place place, const char *interface,
		     const char *address);
/* Sets the bit; false: not 0-4094. */
bool net_vlan_set(uint64_t vlans[UL_N_VLANS / 64], unsigned int vid);
bool net_vlan_has(const uint64_t vlans[UL_N_VLANS / 64], unsigned int vid);

/* ---- bond.c ---- */
/* Sets an option by the name that the kernel gives it ("mode", "xmit_hash_policy"). An option that
 * has no counterpart becomes a remark, a value that it cannot have an error. */
void net_bond_set(struct network *network, struct net_place place, struct net_interface *bond,
		  const char *option, const char *value);
const char *net_bond_mode_name(enum net_bond_mode mode);
const char *net_bond_hash_name(enum net_bond_hash hash);

#endif
