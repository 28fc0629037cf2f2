/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Names of enumeration values as they stand in records, findings and tables, and back.
 */
#ifndef UL_RECORDS_NAMES_H
#define UL_RECORDS_NAMES_H

enum record_table {
	RECORD_UPLINK_STATES, /* enum uplink_state (snapshot.h) */
	RECORD_SEVERITIES,    /* enum severity (findings.h) */
	RECORD_CERTAINTIES,   /* enum certainty (finding_rows.h) */
	RECORD_XDP_MODES,     /* enum ul_xdp_mode */
	RECORD_VLAN_MODES,    /* enum ul_vlan_mode */
	RECORD_REASON_KINDS,  /* enum ul_reason_kind */
	RECORD_NEIGHBOURS,    /* enum ul_neighbour_protocol */
	RECORD_PAGP_MODES,    /* enum ul_pagp_mode; value 0 has no name */
	N_RECORD_TABLES,
};

/* NULL: value is out of range or has no name. */
const char *record_name(enum record_table table, unsigned int value);
/* The value of a name, or -EINVAL. */
int record_value(enum record_table table, const char *name);
/* Number of values, those without a name included. */
unsigned int record_name_count(enum record_table table);

#endif
