/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Metrics as text: OpenMetrics 1.0, or the text format of Prometheus, which has the same samples
 * without units, state sets and the end mark. One row per metric family in metrics.c;
 * docs/metrics.md has the same list.
 *
 * Labels are bounded: names of switches, uplinks, groups and ports, and values of tables. Ports and
 * groups beyond a limit have no samples and are counted. Drops have reasons per scope, not per
 * port.
 *
 *   metrics.c         the families and their samples, from records
 *   metrics_format.c  lines of the two formats
 *   metrics_accept.c  the format that a client of HTTP prefers
 *
 * Callers: `uplinkctl metrics`, the exporter. Tests: tests/unit/records_metrics.c,
 * tests/integration/test_metrics.py (parsers of Prometheus, a real server).
 */
#ifndef UL_RECORDS_METRICS_H
#define UL_RECORDS_METRICS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum metrics_format { METRICS_OPENMETRICS, METRICS_PROMETHEUS };

/* For ports, and for groups, of all switches together. */
#define METRICS_MAX_OBJECTS 1000

/*
 * Replies of io.uplinkd, borrowed; NULL: not available, and its families are left out. status:
 * Status, statistics: Statistics; the others are the lists of records/reads.h, and may be from the
 * maps.
 */
struct metrics_input {
	json_t *status, *statistics;
	json_t *switches, *ports, *drops, *lacp, *pagp;
	double read_seconds;   /* how long reading took */
	uint32_t failed_reads; /* reads without a reply */
};

/* 0 or -ENOMEM. */
int metrics_write(const struct metrics_input *input, enum metrics_format format, FILE *out);

/* The value of Content-Type for a format. */
const char *metrics_content_type(enum metrics_format format);

/* The format for an Accept header; NULL: there is none. Clients that do not name OpenMetrics, or
 * prefer text/plain, get the text format. */
enum metrics_format metrics_negotiate(const char *accept);

/* ---- metrics_format.c: for metrics.c ---- */
enum metric_type {
	METRIC_GAUGE,
	METRIC_COUNTER,
	METRIC_INFO,
	METRIC_STATESET,
	METRIC_HISTOGRAM,
	N_METRIC_TYPES,
};

struct metrics_writer;

struct metric_family {
	const char *name; /* without the suffix of the type */
	enum metric_type type;
	const char *unit; /* base unit, the end of the name; NULL: none */
	const char *help;
	void (*samples)(struct metrics_writer *writer, const struct metrics_input *input);
	const char *key; /* of the member of a record that has the value; NULL: another one */
};

struct metrics_writer {
	FILE *out;
	enum metrics_format format;
	const struct metric_family *family;
	bool begun; /* the family has its header */
};

#define METRIC_MAX_LABELS 5

/* Name and value of a label; a NULL name ends a list. */
struct metric_label {
	const char *name, *value;
};

const struct metric_family *metric_families(size_t *ret_n);

/* A sample of the present family; suffix: "" or one of the type's, such as "_bucket". */
void metric_integer(struct metrics_writer *writer, const char *suffix,
		    const struct metric_label *labels, json_int_t value);
void metric_real(struct metrics_writer *writer, const char *suffix,
		 const struct metric_label *labels, double value);
/* record: {bounds, counts, sum} of Statistics. */
void metric_histogram(struct metrics_writer *writer, const struct metric_label *labels,
		      json_t *record);
/* One sample for each of the n states, 1 if is_set() or 0. A state without a name is skipped. */
void metric_stateset(struct metrics_writer *writer, const struct metric_label *labels,
		     const char *(*state)(unsigned int i), unsigned int n,
		     bool (*is_set)(json_t *record, const char *state), json_t *record);

#endif
