/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The difference of two configurations, by the paths of their values. */
#ifndef UL_CONFIG_DIFFERENCE_H
#define UL_CONFIG_DIFFERENCE_H

#include <stddef.h>

#define DIFFERENCE_MAX_LINES 200

/*
 * before, after: texts of model_format(). *ret: lines such as
 *
 *   - switches[vswitch0].port-groups[prod].vlan: 100
 *   + switches[vswitch0].port-groups[prod].vlan: 200
 *   + switches[vswitch0].port-groups[prod].ports[vm-web2]
 *
 * sorted by path, each with a line feed; at most DIFFERENCE_MAX_LINES and one with the number of
 * the others; to be freed. Elements of a list are named by their `name` or `interface`. 0, -EINVAL:
 * a text is not a configuration, or -ENOMEM.
 */
int config_difference(const char *before, const char *after, char **ret);

#endif
