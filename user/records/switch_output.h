/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * What an operator pastes from a physical switch:
 *
 *   show etherchannel summary (IOS), show port-channel summary (NX-OS, EOS), show lacp interfaces
 *   (Junos)                        channels and their members
 *   show lacp neighbor (IOS, NX-OS)  the system that each port sees
 *   show interfaces trunk (IOS, NX-OS, EOS)  native VLAN, VLANs allowed and active
 *   show etherchannel load-balance (IOS), show port-channel load-balance (NX-OS)
 *
 * Several outputs may follow each other, with prompts and commands between them. Lines that are not
 * recognised are skipped. The text is input: sizes are limited, and nothing of it is trusted.
 */
#ifndef UL_RECORDS_SWITCH_OUTPUT_H
#define UL_RECORDS_SWITCH_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "common/errors.h"

#define OUTPUT_MAX_BYTES (1024 * 1024)
#define OUTPUT_MAX_LINE 1024
#define OUTPUT_MAX_CHANNELS 256
#define OUTPUT_MAX_MEMBERS 1024
#define OUTPUT_MAX_TRUNKS 1024
#define OUTPUT_NAME_LEN 48

enum output_protocol { OUTPUT_UNKNOWN, OUTPUT_STATIC, OUTPUT_LACP, OUTPUT_PAGP };

struct output_channel {
	char name[OUTPUT_NAME_LEN]; /* "Po1", "ae0" */
	enum output_protocol protocol;
};

struct output_member {
	char port[OUTPUT_NAME_LEN];
	uint32_t channel; /* index */
	char flag;	  /* 'P': bundled */
};

struct output_trunk {
	char port[OUTPUT_NAME_LEN];
	uint32_t native; /* 0: not known */
	bool has_allowed, has_active;
	uint64_t allowed[UL_N_VLANS / 64], active[UL_N_VLANS / 64];
};

struct output_partner {
	char port[OUTPUT_NAME_LEN];
	uint8_t system[6]; /* that the switch port sees */
};

struct switch_output {
	struct output_channel *channels;
	struct output_member *members;
	struct output_trunk *trunks;
	struct output_partner *partners;
	size_t n_channels, n_members, n_trunks, n_partners;
	char load_balance[OUTPUT_NAME_LEN]; /* "": not known */
};

/* 0; -EINVAL with a message: nothing was recognised, or a limit is exceeded; -ENOMEM. *ret is
 * untouched on failure. */
int switch_output_parse(const char *text, size_t length, struct switch_output *ret,
			struct errors *errors);
void switch_output_done(struct switch_output *output);

/* "Gi1/0/1" and "GigabitEthernet1/0/1" are one port. */
bool output_port_equal(const char *a, const char *b);

#endif
