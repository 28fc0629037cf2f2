/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * A sample of the frames that leave by the uplinks of a switch, for the pairs behind an imbalance:
 * during SAMPLE_MS the headers of one of 16 frames, chosen at random by the kernel. Needs
 * CAP_NET_RAW. Life cycle: sample_start(), sample_receive() whenever sample_fd() is readable,
 * sample_stop(), record_imbalance(), sample_free(). uplinkctl waits in sample_wait(), uplinkd in
 * its event loop. Test: tests/netns/test_diagnosis.py.
 */
#ifndef UL_RECORDS_SAMPLE_H
#define UL_RECORDS_SAMPLE_H

#include "records/imbalance.h"

#define SAMPLE_MS 1000

struct sample;

/* Opens the sockets of the usable uplinks. The snapshot must outlive the sample. Without a socket
 * the sample is empty, and record_imbalance() names the reason. 0 or -ENOMEM. */
int sample_start(const struct snapshot *snapshot, struct sample **ret);
/* Becomes readable with a frame; -1: there is no socket. */
int sample_fd(const struct sample *sample);
void sample_receive(struct sample *sample);
/* Closes the sockets and keeps the flows. */
void sample_stop(struct sample *sample);
/* Receives for SAMPLE_MS and stops. */
void sample_wait(struct sample *sample);
void sample_free(struct sample *sample); /* NULL allowed */
static inline void sample_freep(struct sample **sample)
{
	sample_free(*sample);
}

/* New object {switch, uplink, evidence (sentences), remedy (null: none is known)}. */
json_t *record_imbalance(const struct sample *sample, const char *uplink);

#endif
