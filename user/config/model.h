/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The configuration: from YAML text to plain structs.
 *
 * config_load() reads a file into a struct model or returns all its mistakes, never a part of it.
 * Everything in a model is resolved: a port group's teaming and security have the switch's values
 * where the file does not override them, and uplinks are indexes. The daemon owns one model, the
 * one in force. A reload makes a second one, a request changes a copy (edit.c), and daemon/apply.c
 * exchanges them. uplinkctl reads the same files for `check`.
 *
 *   keys.c      the keys: one row each, with type, range, default and help text
 *   source.c    the files: one, and those of conf.d
 *   tree.c      YAML to a tree of nodes with line numbers, within limits of depth and size
 *   section.c   one mapping of the file, by the rows of its section
 *   read.c      the file as a whole; teaming.c: teaming and what fits a channel
 *   value.c     text to value and back, for one scalar
 *   rules.c     rules between parts of a model; name_index.c: names in use
 *   host_keys.c addresses, gateways, name servers and routes of host ports
 *   mistakes.c  messages with file, line and path
 *   format.c     model to YAML text
 *   model.c     find, copy, free; edit.c: add and remove ports
 *
 * Tests: tests/unit/config_*.c, tests/fuzz/config_fuzz.c. A unit test compares the rows with
 * docs/configuration.md and uplinkd.yaml(5).
 */
#ifndef UL_CONFIG_MODEL_H
#define UL_CONFIG_MODEL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "common/address.h"
#include "common/errors.h"

enum failure_detection { DETECT_LINK, DETECT_BEACON };
enum lacp_activity_cfg { CFG_LACP_PASSIVE, CFG_LACP_ACTIVE };
enum lacp_rate_cfg { CFG_LACP_SLOW, CFG_LACP_FAST };
enum lacp_mux_cfg { CFG_LACP_COUPLED, CFG_LACP_INDEPENDENT };
enum pagp_mode_cfg { CFG_PAGP_DESIRABLE, CFG_PAGP_AUTO };

struct teaming {
	enum ul_method method;
	bool modulo;	 /* rehash: modulo */
	bool last_octet; /* iphash-octets: last */
	enum failure_detection detection;
	bool notify_switches;
	bool failback;
	uint32_t n_active, n_standby;
	uint8_t active[UL_MAX_UPLINKS]; /* uplink indexes, in order */
	uint8_t standby[UL_MAX_UPLINKS];
};

enum learning_policy { LEARNING_DROP, LEARNING_ALLOW };

struct learning_cfg {
	uint32_t limit; /* addresses per port */
	/* of frames whose source exceeds the limit */
	enum learning_policy policy;
	uint32_t age_s; /* after the last use */
	bool unicast_flooding;
};

struct security {
	bool promiscuous, mac_changes, forged_transmits, mac_learning;
	bool guest_control_pass;      /* guest-control-frames: pass */
	struct learning_cfg learning; /* with mac_learning only */
};

struct lacp_cfg {
	enum lacp_activity_cfg activity;
	enum lacp_rate_cfg rate;
	enum lacp_fallback fallback;
	uint16_t system_priority, key, port_priority;
	bool has_system_id; /* otherwise: the MAC of the first uplink */
	uint8_t system_id[6];
	uint32_t min_links;
	uint32_t max_links; /* 0: all */
	enum lacp_mux_cfg mux;
	enum lacp_policy selection;
	/* for how long the data plane may answer while the daemon is stopped; 0: not at all */
	uint32_t headless_s;
};

struct pagp_cfg {
	enum pagp_mode_cfg mode;
	enum pagp_fallback fallback;
};

struct port_cfg {
	char interface[UL_NAME_LEN];
	bool has_mac, host;
	bool runtime;  /* by `uplinkctl port add` or an attachment bridge, not from the file */
	bool attached; /* with runtime: by an attachment bridge */
	uint8_t mac[6];
	/* host ports only */
	bool dhcp, ipv6_ra;
	struct address *addresses;
	size_t n_addresses;
	struct address gateways[2]; /* at most one of each family */
	size_t n_gateways;
	struct address *dns;
	size_t n_dns;
	struct route *routes;
	size_t n_routes;
};

#define CONFIG_MAX_DNS 8
#define CONFIG_MAX_ROUTES 32
#define PORT_MAX_ROUTES (CONFIG_MAX_ROUTES + 2)

struct group_cfg {
	char name[UL_GROUP_NAME_LEN];
	char bridge[UL_NAME_LEN]; /* attachment bridge; "": none */
	enum ul_vlan_mode vlan_mode;
	uint16_t vid;			 /* VST: 1-4094; EST: 0; VGT: UL_VLAN_TRUNK */
	uint64_t vlans[UL_N_VLANS / 64]; /* VGT: as struct ul_group */
	bool qinq;			 /* VGT: frames with an 802.1ad tag pass */
	struct teaming teaming;
	struct security security;
	struct port_cfg *ports;
	size_t n_ports;
};

struct switch_cfg {
	char name[UL_NAME_LEN];
	char bridge[UL_NAME_LEN]; /* VLAN-aware attachment bridge; "": none */
	uint32_t mtu;
	enum ul_receive receive;
	enum ul_channel channel;
	uint32_t up_delay_ms;
	uint32_t carrier_poll_ms;
	bool take_addresses;
	struct lacp_cfg lacp;
	struct pagp_cfg pagp;
	struct teaming teaming;
	struct security security;
	char uplinks[UL_MAX_UPLINKS][UL_NAME_LEN];
	uint32_t n_uplinks;
	struct group_cfg *groups;
	size_t n_groups;
};

struct model {
	struct switch_cfg *switches;
	size_t n_switches;
	char *control_socket;	  /* NULL: RUN_DIR/uplinkd.sock */
	char *control_group;	  /* NULL: root only */
	bool control_group_reads; /* its members may not change anything */
	/* A rollback: it takes uplinks that the host began to use meanwhile. */
	bool restores;
	/* `uplinkctl adopt`: its uplinks still belong to bonds and bridges, and the host uses them.
	 */
	bool switch_over;
};

/* Reads and validates the whole file. 0; -EINVAL: the file has mistakes; other negative errno: it
 * cannot be read; each with messages. *ret is untouched on failure. */
int config_load(const char *path, struct model **ret, struct errors *errors);
/* error: of config_load(). Whether only a change of the file or of its path can help, as against a
 * failure of the system that may pass (EIO, ENOMEM, EMFILE). */
bool config_error_is_permanent(int error);

/* The same from memory; name is used in the messages. */
int config_parse(const char *text, size_t length, const char *name, struct model **ret,
		 struct errors *errors);

/* Adds a port to a group of the model with all the checks of the file: names exist, interface and
 * MAC are not used twice, a MAC is given unless the group learns. 0, -EINVAL, -EEXIST, -ENOENT or
 * -ENOMEM, each with a message; the model is unchanged on failure. */
int model_add_port(struct model *model, const char *switch_name, const char *group,
		   const struct port_cfg *port, struct errors *errors);
/* Removes the ports of attachment bridges. */
void model_remove_attached(struct model *model);
/* Whether the switch or a group has an attachment bridge of this name. */
bool switch_has_bridge(const struct switch_cfg *sw, const char *name);
/* 0, or -ENOENT with a message. */
int model_remove_port(struct model *model, const char *interface, struct errors *errors);

/* For many ports: the editor indexes the names of the model once. Nothing else may change the model
 * meanwhile. */
struct model_editor;
int model_editor_new(struct model *model, struct model_editor **ret); /* 0 or -ENOMEM */
void model_editor_free(struct model_editor *editor);		      /* NULL allowed */
int model_editor_add_port(struct model_editor *editor, const char *switch_name, const char *group,
			  const struct port_cfg *port, struct errors *errors);

/* Adds the run-time ports of another model, except the attached ones, which follow from the
 * bridges. A port that does not fit is left out with a message. 0 or -ENOMEM with a message. */
int model_keep_runtime_ports(const struct model *from, struct model *to, struct errors *errors);

struct switch_cfg *model_find_switch(const struct model *model, const char *name);
int switch_uplink_index(const struct switch_cfg *sw, const char *name); /* or -ENOENT */
bool switch_has_uplink(const struct switch_cfg *sw, const char *name);
/* A host port of which systemd-networkd or NetworkManager configures a part. */
bool port_needs_manager(const struct port_cfg *port);
/* Whether the router is on the link of a static address of the port, or is link-local. */
bool port_reaches(const struct port_cfg *port, const struct address *via);
/* Stores the default routes and the static routes, with all: also those whose router is reachable
 * only by an address that the port gets from DHCP or router advertisements. Returns their number.
 */
size_t port_routes(const struct port_cfg *port, bool all, struct route ret[PORT_MAX_ROUTES]);
/* or NULL */
const struct port_cfg *switch_find_port(const struct switch_cfg *sw, const char *interface);
/* The same with its group in *ret_group, which is untouched when there is none. */
const struct port_cfg *switch_find_port_in(const struct switch_cfg *sw, const char *interface,
					   const struct group_cfg **ret_group);
struct group_cfg *model_find_group(const struct switch_cfg *sw, const char *name);

bool teaming_equal(const struct teaming *a, const struct teaming *b);

/*
 * The model as YAML that config_parse() reads back to the same model: one form for all files with
 * the same meaning, without the values that are defaults or inherited. runtime: with the run-time
 * ports, each marked by a comment. The caller frees *ret. 0 or -ENOMEM.
 */
int model_format(const struct model *model, bool runtime, char **ret);

/* Name of the switch's end of a host port's veth pair: "vmk0-sw" for "vmk0". A long name is cut to
 * its first 12 characters. */
void host_port_far_end(const char *interface, char ret[UL_NAME_LEN]);

int model_copy(const struct model *model, struct model **ret);	     /* deep copy; 0 or -ENOMEM */
int port_cfg_copy(const struct port_cfg *from, struct port_cfg *to); /* likewise */
void port_cfg_done(struct port_cfg *port);
void model_free(struct model *model);

/* Names as in the file, for messages, uplinkctl and tests; NULL when out of range. */
const char *method_name(enum ul_method method);
const char *channel_name(enum ul_channel channel);
const char *receive_name(enum ul_receive receive);
/* "0", "100", "4095" or "10,20-30" */
void vlan_describe(enum ul_vlan_mode mode, uint16_t vid, const uint64_t vlans[UL_N_VLANS / 64],
		   char *text, size_t size);

#endif
