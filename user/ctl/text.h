/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Terminal output: what the terminal can show, colour and bars. Tables: columns.h. */
#ifndef UL_CTL_TEXT_H
#define UL_CTL_TEXT_H

#include "common/units.h"
#include "common/util.h"

/* Abilities of the output: colour on a terminal only, block characters with UTF-8 only. */
struct style {
	bool colour, utf8;
	int width;  /* columns; 0: not limited */
	int height; /* lines; 0: not a terminal */
};

#define TEXT_DEFAULT_WIDTH 80

enum tint { TINT_NONE, TINT_BOLD, TINT_DIM, TINT_GOOD, TINT_WARN, TINT_BAD };

/* From the descriptor (a terminal or not, and its size) and NO_COLOR, TERM, LC_ALL, LC_CTYPE, LANG,
 * COLUMNS, LINES. */
struct style style_detect(int fd);

/* Escape sequences; "" without colour. */
const char *tint_start(const struct style *style, enum tint tint);
const char *tint_end(const struct style *style, enum tint tint);

/* A bar of share (0 to 1) of width cells, without trailing blanks; with UTF-8 in steps of an eighth
 * of a cell. A share above 0 shows at least one step. Returns text. */
#define TEXT_BAR_MAX 40
const char *text_bar(const struct style *style, double share, int width,
		     char text[TEXT_BAR_MAX * 3 + 1]);

/* Width of UTF-8 text in columns, one per character. */
size_t text_width(const char *text);

/* Prints text after prefix, wrapped at blanks to width columns (0: not wrapped); further lines
 * start with indent blanks. Returns the number of lines. */
int text_wrap(FILE *out, const char *prefix, int prefix_width, int indent, int width,
	      const char *text);

#endif
