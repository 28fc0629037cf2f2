/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Which address pairs load one member of a channel more than the others, and which load-balancing
 * method would spread them: from a sample of the frames that leave, because the programs count no
 * flows. The hash of each method is that of the programs (flow_hash.h).
 */
#ifndef UL_RECORDS_IMBALANCE_H
#define UL_RECORDS_IMBALANCE_H

#include <jansson.h>

#include "records/snapshot.h"

/* Bytes of a frame that imbalance_add() looks at. */
#define IMBALANCE_SNAP_LEN 128

struct imbalance;

/* 0 or -ENOMEM. */
int imbalance_new(const struct snapshot *snapshot, struct imbalance **ret);
void imbalance_free(struct imbalance *imbalance); /* NULL allowed */
static inline void imbalance_freep(struct imbalance **imbalance)
{
	imbalance_free(*imbalance);
}

/* A frame of `bytes` that left by the uplink, of which captured bytes are at frame, without its
 * outer tag. Flows beyond 4,096 different ones count as one. */
void imbalance_add(struct imbalance *imbalance, uint32_t uplink, const uint8_t *frame,
		   size_t captured, uint32_t bytes);

/* Adds to the list "evidence" of a record the pairs that load the uplink most and the shares of the
 * uplinks with each method, and sets "remedy" to a method that helps. */
void imbalance_explain(const struct imbalance *imbalance, const char *uplink, json_t *record);

#endif
