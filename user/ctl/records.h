/* SPDX-License-Identifier: GPL-2.0 */
/* The records behind `show` and `status`: one JSON object per row, whose keys are promised. Text is
 * made from the same objects, by a table of columns, so that both always tell the same. */
#ifndef UL_CTL_RECORDS_H
#define UL_CTL_RECORDS_H

#include <jansson.h>

#include "ctl/snapshot.h"
#include "ctl/text.h"

/* Each returns a new array, or NULL without memory. */
json_t *record_uplinks(const struct snapshot *snapshot);
json_t *record_ports(const struct snapshot *snapshot);
json_t *record_groups(const struct snapshot *snapshot);
json_t *record_fdb(const struct snapshot *snapshot);
json_t *record_counters(const struct snapshot *snapshot, bool zeros_too);

/* Names of the uplinks in mask, in the order of the configuration. */
json_t *uplink_names(const struct snapshot *snapshot, uint32_t mask);
/* Name of an uplink; NULL when there is no such index. */
const char *uplink_name(const struct snapshot *snapshot, uint32_t index);

/* How a value of a record becomes a cell. A key that is absent or null is shown as "-". */
enum cell_kind {
	CELL_TEXT,  /* strings, whole numbers as they are */
	CELL_COUNT, /* packets, in short */
	CELL_EXACT, /* packets, every one */
	CELL_BYTES,
	CELL_SPEED, /* Mb/s */
	CELL_STATE, /* a name of enum uplink_state, in its colour */
	CELL_LIST,  /* an array of strings */
	CELL_SHARE, /* a number from 0 to 1, as a bar with a percentage */
	CELL_VLAN,  /* 0: "untagged" */
	CELL_FLAGS, /* those boolean keys that are true, see column.flags */
};

struct column {
	const char *title, *key;
	enum cell_kind kind;
	const char *const *flags; /* CELL_FLAGS: keys, NULL at the end; shown as they are, with "-"
				     for "_" */
};

/* Prints records as a table. */
int records_print(json_t *records, const struct column *columns, size_t n_columns,
		  const struct style *style, int indent, FILE *out);

#endif
