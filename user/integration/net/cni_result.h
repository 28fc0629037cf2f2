/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Results of CNI in the forms of the specification's versions: that of the IPAM plugin and
 * prevResult in, that of ADD out. Pure.
 */
#ifndef UL_INTEGRATION_NET_CNI_RESULT_H
#define UL_INTEGRATION_NET_CNI_RESULT_H

#include <jansson.h>

#include "integration/net/attach.h"

enum cni_version { CNI_0_3_1, CNI_0_4_0, CNI_1_0_0, CNI_1_1_0, CNI_N_VERSIONS };

extern const char *const cni_version_names[CNI_N_VERSIONS];
/* -1: none of them */
int cni_version_find(const char *name);

/*
 * ips and routes of a result. interface: of its interfaces list, entries of other ones are skipped;
 * negative: all. A route without gateway uses the one of the first address of its family, as the
 * reference plugins do. 0 or -EINVAL with a reason.
 */
int cni_result_read(const json_t *result, int interface, struct setup *ret,
		    struct failure *failure);
/* Index of the container's end in the interfaces of a result; -1: it is not there. */
int cni_result_find_interface(const json_t *result, const char *ifname, const char *netns);

struct cni_result {
	enum cni_version version;
	const json_t *previous; /* prevResult: it is extended; NULL: none */
	const json_t *ipam;	/* result of the IPAM plugin, or an empty object */
	const json_t *dns;	/* of the configuration, in place of the plugin's; NULL: none */
	const char *host_end, *ifname, *netns;
	const uint8_t *host_mac, *mac; /* 6 bytes */
	uint32_t mtu;
	const struct setup *setup;
};

/* The result of ADD. NULL: no memory. */
json_t *cni_result_make(const struct cni_result *result);

#endif
