/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Tables of JSON records: a row of struct column per column.
 *
 * A table takes no more room than style.width. Columns have a rank: those of rank 0 are always
 * shown, the others in the order of their ranks while there is room. When rank 0 alone is too wide,
 * texts and lists are cut. A column that is chosen by name (-o) is shown in full. libsmartcols
 * draws.
 */
#ifndef UL_CTL_COLUMNS_H
#define UL_CTL_COLUMNS_H

#include <jansson.h>

#include "common/errors.h"
#include "ctl/text.h"

/* How a value of a record becomes a cell. An absent or null value is shown as "-". */
enum cell_kind {
	CELL_TEXT,  /* strings and whole numbers, unchanged */
	CELL_COUNT, /* packets, with a prefix */
	CELL_EXACT, /* packets, all digits */
	CELL_BYTES,
	CELL_SPEED,   /* Mb/s */
	CELL_RATE,    /* bit/s */
	CELL_STATE,   /* a name of enum uplink_state, in its colour */
	CELL_LIST,    /* an array of strings */
	CELL_SHARE,   /* a number from 0 to 1, as a bar with a percentage */
	CELL_PERCENT, /* a number from 0 to 1 */
	CELL_VLAN,    /* 0: "untagged" */
	CELL_FLAGS,   /* the boolean keys that are true, see column.flags */
};

/* Ranks of special columns. */
enum {
	/* left out when all rows have the same value and others need the room */
	COLUMN_IF_MANY = 254,
	COLUMN_ON_REQUEST = 255,
};

struct column {
	/* key: of the record; with CELL_FLAGS only the name for -o */
	const char *title, *key;
	enum cell_kind kind;
	/* CELL_FLAGS: keys, NULL at the end; printed with "-" for "_" */
	const char *const *flags;
	unsigned int rank;
};

/* Prints records as a table. chosen: names of columns, separated by commas; NULL: those that fit.
 * 0; -EINVAL: an unknown column, with a message that lists the known ones; -ENOMEM. */
int records_print(json_t *records, const struct column *columns, size_t n_columns,
		  const struct style *style, int indent, const char *chosen, struct errors *errors,
		  FILE *out);

/* The answer to `-o help`: a line per column with name and title. */
void columns_help(const struct column *columns, size_t n_columns, FILE *out);

#endif
