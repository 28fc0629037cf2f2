/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* What the output of the physical switch says against the vSwitch. */
#ifndef UL_RECORDS_SWITCH_FINDINGS_H
#define UL_RECORDS_SWITCH_FINDINGS_H

#include <jansson.h>

#include "records/switch_config.h"
#include "records/switch_output.h"

/* Findings in the form of findings_find(), new array in *ret. 0; -EINVAL with a message: the output
 * has none of the ports of the uplinks. */
int switch_findings(const struct snapshot *now, const struct peer_port ports[UL_MAX_UPLINKS],
		    const struct switch_output *output, json_t **ret, struct errors *errors);

#endif
