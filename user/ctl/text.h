/* SPDX-License-Identifier: GPL-2.0 */
/* Text for people: numbers with units, bars, and tables whose columns line up. */
#ifndef UL_CTL_TEXT_H
#define UL_CTL_TEXT_H

#include "common/util.h"

/* How the output may look: colour only on a terminal, block characters only where they can be
 * shown. */
struct style {
	bool colour, utf8;
};

enum tint { TINT_NONE, TINT_BOLD, TINT_DIM, TINT_GOOD, TINT_WARN, TINT_BAD };

/* From the descriptor (is it a terminal?) and NO_COLOR, TERM, LC_ALL, LC_CTYPE, LANG. */
struct style style_detect(int fd);

/* Escape sequences; "" without colour. */
const char *tint_start(const struct style *style, enum tint tint);
const char *tint_end(const struct style *style, enum tint tint);

#define TEXT_NUMBER_LEN 32

/* "0", "9999", "12.3 k", "4.56 M": at most 4 digits. Returns text. */
const char *text_count(uint64_t count, char text[TEXT_NUMBER_LEN]);
/* "0 B", "12.3 kB", "4.56 MB", powers of 1000 as links have them. */
const char *text_bytes(uint64_t bytes, char text[TEXT_NUMBER_LEN]);
/* "10 Gb/s", "100 Mb/s", "-" when 0. */
const char *text_speed(uint32_t speed_mbps, char text[TEXT_NUMBER_LEN]);
/* "12 s", "3 min 5 s", "2 h 14 min", "5 d 3 h". */
const char *text_duration(uint64_t ms, char text[TEXT_NUMBER_LEN]);

/* A bar of share (0 to 1) out of width cells, without trailing blanks; UTF-8: in eighths of a cell.
 * More than nothing shows at least a sliver. */
#define TEXT_BAR_MAX 40
const char *text_bar(const struct style *style, double share, int width,
		     char text[TEXT_BAR_MAX * 3 + 1]);

/* Columns that UTF-8 text takes (one per character). */
size_t text_width(const char *text);

/* ---- table
 * -------------------------------------------------------------------------------------------------------
 */
struct grid;

struct grid_column {
	const char *title;
	bool right; /* numbers */
};

struct grid *grid_new(const struct grid_column *columns, size_t n_columns); /* NULL: no memory;
									       columns must live on
									     */
void grid_free(struct grid *grid);
/* The next cell, row after row. 0 or -ENOMEM. */
int grid_add(struct grid *grid, enum tint tint, const char *text);
size_t grid_rows(const struct grid *grid);
/* Titles, then rows, each line after indent blanks, columns two blanks apart, no blanks at line
 * ends. */
void grid_print(const struct grid *grid, const struct style *style, int indent, FILE *out);

static inline void grid_freep(struct grid **grid)
{
	grid_free(*grid);
}

#endif
