/* SPDX-License-Identifier: GPL-2.0 */
/* The configuration as plain structs. The file, the command line and control requests all fill the
 * same model; everything is resolved: a port group's teaming and security have the switch's values
 * where the file does not override them, and uplinks are indexes. */
#ifndef UL_CONFIG_MODEL_H
#define UL_CONFIG_MODEL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

enum failure_detection { DETECT_LINK, DETECT_BEACON };
enum lacp_activity_cfg { CFG_LACP_PASSIVE, CFG_LACP_ACTIVE };
enum lacp_rate_cfg { CFG_LACP_SLOW, CFG_LACP_FAST };
enum lacp_fallback_cfg { CFG_LACP_NONE, CFG_LACP_INDIVIDUAL };
enum lacp_mux_cfg { CFG_LACP_COUPLED, CFG_LACP_INDEPENDENT };
enum lacp_selection_cfg {
	CFG_LACP_STABLE,
	CFG_LACP_BANDWIDTH,
	CFG_LACP_COUNT,
	CFG_LACP_PORT_PRIORITY
};

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

struct security {
	bool promiscuous, mac_changes, forged_transmits, mac_learning;
};

struct lacp_cfg {
	enum lacp_activity_cfg activity;
	enum lacp_rate_cfg rate;
	enum lacp_fallback_cfg fallback;
	uint16_t system_priority, key, port_priority;
	bool has_system_id; /* otherwise: the MAC of the first uplink */
	uint8_t system_id[6];
	uint32_t min_links;
	uint32_t max_links; /* 0: all */
	enum lacp_mux_cfg mux;
	enum lacp_selection_cfg selection;
	uint32_t headless_s; /* how long the data plane may answer for a daemon that is away; 0: not
				at all */
};

struct address {
	int family; /* AF_INET or AF_INET6 */
	uint8_t prefix_length;
	uint8_t bytes[16]; /* network order; IPv4: the first four */
};

struct port_cfg {
	char interface[UL_NAME_LEN];
	bool has_mac, host, runtime; /* runtime: by `uplinkctl port add`, not from the file */
	uint8_t mac[6];
	struct address *addresses; /* host ports only */
	size_t n_addresses;
};

struct group_cfg {
	char name[UL_GROUP_NAME_LEN];
	enum ul_vlan_mode vlan_mode;
	uint16_t vid;			 /* VST: 1-4094; EST: 0; VGT: UL_VLAN_TRUNK */
	uint64_t vlans[UL_N_VLANS / 64]; /* VGT: as struct ul_group */
	struct teaming teaming;
	struct security security;
	struct port_cfg *ports;
	size_t n_ports;
};

struct switch_cfg {
	char name[UL_NAME_LEN];
	uint32_t mtu;
	enum ul_receive receive;
	enum ul_channel channel;
	uint32_t up_delay_ms;
	uint32_t carrier_poll_ms;
	struct lacp_cfg lacp;
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
	char *control_socket; /* NULL: RUN_DIR/uplinkd.sock */
	char *control_group;  /* NULL: root only */
	char *metrics_listen; /* NULL: off */
};

/* Every mistake found, one message each: "FILE: path: value: what is allowed". */
struct config_errors {
	char **messages;
	size_t n;
};

/* Reads and validates the whole file. 0; -EINVAL with *errors filled; other negative errno (file
 * not readable: also a message in *errors). *ret is untouched on failure. The errors are to be
 * freed by config_errors_done() in each case. */
int config_load(const char *path, struct model **ret, struct config_errors *errors);

/* The same from memory; name is used in the messages. */
int config_parse(const char *text, size_t length, const char *name, struct model **ret,
		 struct config_errors *errors);

/* Adds a port to a group of the model with all the checks of the file (names exist, interface and
 * MAC not used twice, is no uplink, MAC needed unless the group learns). 0 or -EINVAL, -EEXIST,
 * -ENOENT with a message; the model is unchanged on failure. */
int model_add_port(struct model *model, const char *switch_name, const char *group,
		   const struct port_cfg *port, struct config_errors *errors);
/* 0, or -ENOENT with a message. */
int model_remove_port(struct model *model, const char *interface, struct config_errors *errors);

struct switch_cfg *model_find_switch(const struct model *model, const char *name);
bool switch_has_uplink(const struct switch_cfg *sw, const char *name);
const struct port_cfg *switch_find_port(const struct switch_cfg *sw, const char *interface); /* or
												NULL
											      */
struct group_cfg *model_find_group(const struct switch_cfg *sw, const char *name);

/* The far end of a host port's veth pair, which is the switch's own: "vmk0" and "vmk0-sw"; a long
 * name gives up its end for it. */
void host_port_far_end(const char *interface, char ret[UL_NAME_LEN]);

int model_copy(const struct model *model, struct model **ret); /* deep copy; 0 or -ENOMEM */
void model_free(struct model *model);
void config_errors_done(struct config_errors *errors);
void config_error_add(struct config_errors *errors, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Names as in the file, for messages, uplinkctl and tests; NULL when out of range. */
const char *method_name(enum ul_method method);
const char *channel_name(enum ul_channel channel);
const char *receive_name(enum ul_receive receive);
/* "0", "100", "4095" or "10,20-30" */
void vlan_describe(enum ul_vlan_mode mode, uint16_t vid, const uint64_t vlans[UL_N_VLANS / 64],
		   char *text, size_t size);

#endif
