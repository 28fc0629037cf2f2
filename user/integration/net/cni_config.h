/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The network configuration of CNI, checked. */
#ifndef UL_INTEGRATION_NET_CNI_CONFIG_H
#define UL_INTEGRATION_NET_CNI_CONFIG_H

#include "integration/net/cni_result.h"
#include "integration/net/ipam.h"

struct cni_config {
	json_t *root; /* owns what the others point to */
	enum cni_version version;
	const char *name;
	struct port_place place;
	uint32_t mtu;	       /* bytes; 0: of the switch */
	const char *ipam_type; /* NULL: none */
	json_t *dns;	       /* NULL: none */
	json_t *previous;      /* prevResult; NULL: none */
	json_t *valid;	       /* cni.dev/valid-attachments; NULL: missing */
	bool has_mac;
	uint8_t mac[6];
};

/*
 * arguments: CNI_ARGS. A MAC address is that of runtimeConfig, else of args.cni, else of the
 * arguments. needs_group: switch and portGroup must be there. 0 or -EINVAL with a reason;
 * *ret is always to be freed by cni_config_done(), and its root and version are set as far as they
 * could be read.
 */
int cni_config_read(const char *text, size_t size, const char *arguments, bool needs_group,
		    struct cni_config *ret, struct failure *failure);
void cni_config_done(struct cni_config *config);

#endif
