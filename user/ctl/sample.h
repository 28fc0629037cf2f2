/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Frames that leave by the uplinks, for the finding "imbalance". */
#ifndef UL_CTL_SAMPLE_H
#define UL_CTL_SAMPLE_H

#include "ctl/ctl.h"

/* Explains each finding "imbalance" by a sample of a second: the headers of one of 16 frames that
 * leave, chosen at random by the kernel. Without CAP_NET_RAW the finding says so. */
void sample_explain(const struct snapshot *snapshot, json_t *findings);

#endif
