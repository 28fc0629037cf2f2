/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * What can be read of the switches: one row per method of io.uplinkd that reads the maps. uplinkctl
 * answers from the pinned maps by the same rows; the daemon answers for those who cannot read them.
 *
 * Parameters are a JSON object whose member "switch" names one switch; without it all are read.
 * record_description has all methods and types in Varlink's language. To add one: a row of
 * RECORD_READS, its function in reads.c, its method and type in description.c;
 * tests/netns/test_reads.py compares replies with the types.
 */
#ifndef UL_RECORDS_READS_H
#define UL_RECORDS_READS_H

#include <jansson.h>

#include "records/sample.h"
#include "records/switches.h"

/* What the counters of a read are compared with. */
enum read_interval {
	READ_ONCE,	/* nothing: one snapshot */
	READ_IF_NEEDED, /* a second snapshot, if findings_interval_ms() says so */
	READ_TWICE,	/* a second snapshot after READ_INTERVAL_MS */
	READ_SAMPLED,	/* one snapshot of one switch, and the frames of SAMPLE_MS */
};

#define READ_INTERVAL_MS 1000

struct read_request {
	const struct switches *now;
	const struct switches *before; /* earlier, of switches that may differ; NULL: none */
	const struct sample *sample;   /* READ_SAMPLED only; of the first switch */
	json_t *parameters;	       /* an object, borrowed */
};

struct record_read {
	const char *method; /* without the interface: "Uplinks" */
	const char *member; /* of the reply */
	bool single;	    /* the member is one record, not a list */
	enum read_interval interval;
	/* Appends the records to list. 0; -EINVAL: the parameters are wrong, with a message in
	 * errors; -ENOMEM. */
	int (*read)(const struct read_request *request, json_t *list, struct errors *errors);
	/* Only checks the parameters, with the same results, before the interval; NULL: nothing. */
	int (*check)(const struct read_request *request, struct errors *errors);
};

/* X(method, member, single, interval, read, check); the functions are those of reads.c. */
/* clang-format off */
#define RECORD_READS(X) \
	X(Switches,	       "switches",  false, READ_IF_NEEDED, read_switches,	      NULL) \
	X(Uplinks,	       "uplinks",   false, READ_ONCE,	   read_uplinks,	      NULL) \
	X(Ports,	       "ports",	    false, READ_ONCE,	   read_ports,		      NULL) \
	X(Groups,	       "groups",    false, READ_ONCE,	   read_groups,		      NULL) \
	X(Addresses,	       "addresses", false, READ_ONCE,	   read_addresses,	      NULL) \
	X(Counters,	       "counters",  false, READ_ONCE,	   read_counters,	      NULL) \
	X(Drops,	       "drops",	    false, READ_ONCE,	   read_drops,		      NULL) \
	X(Lacp,		       "switches",  false, READ_ONCE,	   read_lacp,		      NULL) \
	X(Channels,	       "channels",  false, READ_ONCE,	   read_channels,	      NULL) \
	X(Findings,	       "switches",  false, READ_TWICE,	   read_findings,	      check_findings) \
	X(Imbalance,	       "cause",	    true,  READ_SAMPLED,   read_imbalance,	      check_imbalance) \
	X(Traffic,	       "switches",  false, READ_ONCE,	   read_traffic,	      NULL) \
	X(Which,	       "flow",	    true,  READ_ONCE,	   read_which,		      NULL) \
	X(WhatIf,	       "load",	    true,  READ_TWICE,	   read_what_if,	      check_what_if) \
	X(SwitchConfiguration, "devices",   false, READ_ONCE,	   read_switch_configuration, NULL)
/* clang-format on */

const struct record_read *record_read_find(const char *method); /* or NULL */

/* The name in parameters.switch; NULL: all switches. -EINVAL with a message: it is not a string. */
int record_read_switch(json_t *parameters, const char **ret, struct errors *errors);
/* How long to wait before the second snapshot of the switches; 0: none is needed. */
uint32_t record_read_interval_ms(const struct record_read *row, const struct switches *now);
/* *ret: the new value of the reply's member. 0, -EINVAL with a message, or -ENOMEM. */
int record_read_answer(const struct record_read *row, const struct read_request *request,
		       json_t **ret, struct errors *errors);

/* Methods, types and errors of the rows, for GetInterfaceDescription. */
extern const char record_description[];

#endif
