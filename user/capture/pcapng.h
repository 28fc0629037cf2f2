/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Frames of one Ethernet interface as a pcapng file (draft-ietf-opsawg-pcapng): section header,
 * interface description, an enhanced packet block with direction for each frame, and interface
 * statistics at the end. Blocks are in the byte order of the host. No library of the supported
 * distributions writes this format with a stable interface.
 *
 * Tests: tests/unit/capture_pcapng.c; tests/netns/test_capture.py reads the files with tshark.
 */
#ifndef UL_CAPTURE_PCAPNG_H
#define UL_CAPTURE_PCAPNG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct pcapng_frame {
	uint64_t time_ns; /* since 1970 */
	uint32_t length, captured;
	int outbound;	      /* as seen by the interface */
	const uint8_t *bytes; /* captured of them */
};

/* interface: at most IFNAMSIZ - 1 characters. software: name and version of the writer. Each: 0, or
 * a negative errno when out could not be written. */
int pcapng_begin(FILE *out, const char *interface, const char *software, uint32_t max_bytes);
int pcapng_write(FILE *out, const struct pcapng_frame *frame);
int pcapng_end(FILE *out, uint64_t time_ns, uint64_t received, uint64_t lost);

#endif
