/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * What the hook needs of a libvirt domain: the NICs of type ethernet and their port groups, which
 * the metadata of the domain names:
 *
 *   <metadata>
 *     <u:ports xmlns:u="urn:uplinkd:ports">
 *       <u:port switch="vswitch0" group="prod"/>
 *       <u:port switch="vswitch0" group="storage" mac="52:54:00:00:00:02"/>
 *     </u:ports>
 *   </metadata>
 *
 * A port element without mac is for all NICs that no other one names. NICs without a port element
 * are ignored. Tests: tests/unit/integration_libvirt_domain.c.
 */
#ifndef UL_INTEGRATION_LIBVIRT_DOMAIN_H
#define UL_INTEGRATION_LIBVIRT_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>

#define DOMAIN_NAMESPACE "urn:uplinkd:ports"
#define DOMAIN_MAX_NICS 64
#define DOMAIN_MAX_BYTES (4 << 20)

struct domain_nic {
	char mac[18];	 /* "52:54:00:00:00:01" */
	char target[16]; /* interface on the host; "": not known yet, or no longer */
	char switch_name[16], group[64];
};

struct domain {
	struct domain_nic nics[DOMAIN_MAX_NICS];
	size_t n;
};

/*
 * Reads a domain. 0; -EINVAL: it is not a domain, or its metadata is wrong; -ENOMEM; with the
 * reason in error. Documents with a DTD are refused, so no entity is expanded.
 */
int domain_parse(const char *xml, size_t length, struct domain *ret, char *error, size_t size);

#endif
