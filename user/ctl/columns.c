// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "ctl/columns.h"

#include <libsmartcols.h>

#include "records/names.h"
#include "records/snapshot.h"

static enum tint tint_of_state(const char *state)
{
	static const enum tint tints[N_UPLINK_STATES] = {
		[UPLINK_IN_USE] = TINT_GOOD,	[UPLINK_SPARE] = TINT_WARN,
		[UPLINK_WAITING] = TINT_WARN,	[UPLINK_DRAINED] = TINT_WARN,
		[UPLINK_NO_CARRIER] = TINT_BAD, [UPLINK_DOWN] = TINT_BAD,
		[UPLINK_MISSING] = TINT_BAD,	[UPLINK_FAILED] = TINT_BAD,
	};
	int value = record_value(RECORD_UPLINK_STATES, state);

	return value < 0 ? TINT_NONE : tints[value];
}

/* Appends to a bounded text; the excess is cut off. */
static void append(char *text, size_t size, const char *separator, const char *more)
{
	size_t n = strlen(text);

	snprintf(text + n, size - n, "%s%s", n ? separator : "", more);
}

static void cell_list(json_t *value, char *text, size_t size)
{
	size_t i;
	json_t *item;

	json_array_foreach(value, i, item)
		append(text, size, " ", json_string_value(item));
}

static void cell_flags(json_t *record, const char *const *flags, char *text, size_t size)
{
	for (; *flags; flags++) {
		char word[32];

		if (!json_is_true(json_object_get(record, *flags)))
			continue;
		snprintf(word, sizeof(word), "%s", *flags);
		for (char *c = word; *c; c++)
			if (*c == '_')
				*c = '-';
		append(text, size, " ", word);
	}
}

#define BAR_WIDTH 12

static void cell_share(json_t *value, const struct style *style, char *text, size_t size)
{
	double share = json_number_value(value);
	char bar[TEXT_BAR_MAX * 3 + 1];

	text_bar(style, share, BAR_WIDTH, bar);
	snprintf(text, size, "%s%*s %3.0f %%", bar, BAR_WIDTH - (int)text_width(bar), "",
		 share * 100);
}

/* "12.3 Mb/s", "740 b/s" */
/* ---- cells ---- */
struct cell {
	char *text;
	enum tint tint;
};

/* The cells of all columns, row after row, before any is left out. */
struct grid {
	const struct column *columns;
	size_t n_columns, n_rows;
	struct cell *cells;
	size_t *widths; /* natural width of each column */
	bool *shown;
	bool *varies; /* the rows have different values */
};

static void grid_done(struct grid *grid)
{
	for (size_t i = 0; grid->cells && i < grid->n_rows * grid->n_columns; i++)
		free(grid->cells[i].text);
	free(grid->cells);
	free(grid->widths);
	free(grid->shown);
	free(grid->varies);
}

static void cell_text(json_t *record, const struct column *column, const struct style *style,
		      char *text, size_t size)
{
	json_t *value = column->key ? json_object_get(record, column->key) : NULL;

	switch (column->kind) {
	case CELL_TEXT:
	case CELL_EXACT:
		if (json_is_integer(value))
			snprintf(text, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		else if (json_is_string(value))
			snprintf(text, size, "%s", json_string_value(value));
		break;
	case CELL_STATE:
		snprintf(text, size, "%s", json_is_string(value) ? json_string_value(value) : "");
		break;
	case CELL_COUNT:
		text_count((uint64_t)json_integer_value(value), text);
		break;
	case CELL_BYTES:
		text_bytes((uint64_t)json_integer_value(value), text);
		break;
	case CELL_SPEED:
		text_speed((uint32_t)json_integer_value(value), text);
		break;
	case CELL_RATE:
		text_rate((uint64_t)json_integer_value(value), text);
		break;
	case CELL_LIST:
		cell_list(value, text, size);
		break;
	case CELL_SHARE:
		cell_share(value, style, text, size);
		break;
	case CELL_PERCENT:
		if (json_is_number(value))
			snprintf(text, size, "%.0f %%", json_number_value(value) * 100);
		break;
	case CELL_VLAN:
		if (json_is_true(json_object_get(record, "trunk")))
			snprintf(text, size, "trunk");
		else if (json_integer_value(value) == 0)
			snprintf(text, size, "untagged");
		else
			snprintf(text, size, "%" JSON_INTEGER_FORMAT "%s",
				 json_integer_value(value),
				 json_is_true(json_object_get(record, "service")) ? " (802.1ad)" :
										    "");
		break;
	case CELL_FLAGS:
		cell_flags(record, column->flags, text, size);
		break;
	}
}

static int fill_grid(struct grid *grid, json_t *records, const struct style *style)
{
	size_t row;
	json_t *record;

	json_array_foreach(records, row, record) {
		for (size_t c = 0; c < grid->n_columns; c++) {
			const struct column *column = &grid->columns[c];
			struct cell *cell = &grid->cells[row * grid->n_columns + c];
			char text[512] = "";
			size_t width;

			cell_text(record, column, style, text, sizeof(text));
			cell->tint = !text[0]			? TINT_DIM :
				     column->kind == CELL_STATE ? tint_of_state(text) :
								  TINT_NONE;
			cell->text = strdup(text[0] ? text : "-");
			if (!cell->text)
				return -ENOMEM;
			width = text_width(cell->text);
			if (width > grid->widths[c])
				grid->widths[c] = width;
			if (row && strcmp(cell->text, cell[-(ptrdiff_t)grid->n_columns].text) != 0)
				grid->varies[c] = true;
		}
	}
	return 0;
}

static int make_grid(struct grid *grid, json_t *records, const struct column *columns,
		     size_t n_columns, const struct style *style)
{
	grid->columns = columns;
	grid->n_columns = n_columns;
	grid->n_rows = json_array_size(records);
	grid->cells = calloc(grid->n_rows * n_columns + 1, sizeof(*grid->cells));
	grid->widths = calloc(n_columns, sizeof(*grid->widths));
	grid->shown = calloc(n_columns, sizeof(*grid->shown));
	grid->varies = calloc(n_columns, sizeof(*grid->varies));
	if (!grid->cells || !grid->widths || !grid->shown || !grid->varies)
		return -ENOMEM;
	for (size_t c = 0; c < n_columns; c++)
		grid->widths[c] = text_width(columns[c].title);
	return fill_grid(grid, records, style);
}

/* ---- the choice of columns ---- */
#define GAP 2 /* blanks between columns */

static unsigned int rank_of(const struct grid *grid, size_t column)
{
	unsigned int rank = grid->columns[column].rank;

	return rank == COLUMN_IF_MANY && grid->varies[column] ? 0 : rank;
}

/* Returns the width of the table. */
static size_t show_what_fits(struct grid *grid, size_t width)
{
	size_t total = 0;

	for (size_t c = 0; c < grid->n_columns; c++) {
		grid->shown[c] = rank_of(grid, c) == 0;
		if (grid->shown[c])
			total += grid->widths[c] + GAP;
	}
	for (unsigned int rank = 1; rank <= COLUMN_IF_MANY; rank++) {
		for (size_t c = 0; c < grid->n_columns; c++) {
			if (rank_of(grid, c) != rank)
				continue;
			if (width && total + grid->widths[c] > width)
				return total ? total - GAP : 0;
			grid->shown[c] = true;
			total += grid->widths[c] + GAP;
		}
	}
	return total ? total - GAP : 0;
}

static bool has_name(const struct column *column, const char *name, size_t length)
{
	return column->key && strlen(column->key) == length &&
	       strncasecmp(column->key, name, length) == 0;
}

/* The chosen columns in their order, as a new table of columns. */
static int choose(const struct column *columns, size_t n_columns, const char *chosen,
		  struct column **ret, size_t *ret_n, struct errors *errors)
{
	_cleanup_free_ struct column *some = calloc(strlen(chosen) / 2 + 1, sizeof(*some));
	char known[512] = "";
	size_t n = 0;

	if (!some)
		return -ENOMEM;
	for (const char *at = chosen;;) {
		size_t length = strcspn(at, ","), c = 0;

		while (c < n_columns && !has_name(&columns[c], at, length))
			c++;
		if (c == n_columns) {
			for (c = 0; c < n_columns; c++)
				append(known, sizeof(known), ", ", columns[c].key);
			errors_add(errors, 0, "-o: %.*s: unknown column: must be %s", (int)length,
				   at, known);
			return -EINVAL;
		}
		some[n] = columns[c];
		some[n++].rank = 0;
		if (!at[length])
			break;
		at += length + 1;
	}
	*ret = TAKE_PTR(some);
	*ret_n = n;
	return 0;
}

void columns_help(const struct column *columns, size_t n_columns, FILE *out)
{
	for (size_t c = 0; c < n_columns; c++)
		fprintf(out, "%-20s %s%s\n", columns[c].key, columns[c].title,
			columns[c].rank == COLUMN_ON_REQUEST ? " (with -o only)" : "");
}

/* ---- drawing ---- */
static bool is_number(enum cell_kind kind)
{
	return kind == CELL_COUNT || kind == CELL_EXACT || kind == CELL_BYTES ||
	       kind == CELL_SPEED || kind == CELL_RATE || kind == CELL_PERCENT;
}

static bool may_be_cut(enum cell_kind kind)
{
	return kind == CELL_TEXT || kind == CELL_LIST || kind == CELL_FLAGS;
}

static void table_unrefp(struct libscols_table **table)
{
	if (*table)
		scols_unref_table(*table);
}

static int add_columns(struct libscols_table *table, const struct grid *grid,
		       const struct style *style)
{
	for (size_t c = 0; c < grid->n_columns; c++) {
		enum cell_kind kind = grid->columns[c].kind;
		struct libscols_column *column;
		int flags = (is_number(kind) ? SCOLS_FL_RIGHT : 0) |
			    (may_be_cut(kind) ? SCOLS_FL_TRUNC : 0);

		if (!grid->shown[c])
			continue;
		column = scols_table_new_column(table, grid->columns[c].title,
						(double)grid->widths[c], flags);
		if (!column)
			return -ENOMEM;
		if (style->colour && scols_cell_set_color(scols_column_get_header(column),
							  tint_start(style, TINT_DIM)) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int add_rows(struct libscols_table *table, const struct grid *grid,
		    const struct style *style)
{
	for (size_t row = 0; row < grid->n_rows; row++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);
		size_t shown = 0;

		if (!line)
			return -ENOMEM;
		for (size_t c = 0; c < grid->n_columns; c++) {
			const struct cell *cell = &grid->cells[row * grid->n_columns + c];

			if (!grid->shown[c])
				continue;
			if (scols_line_set_data(line, shown, cell->text) < 0 ||
			    (style->colour && cell->tint != TINT_NONE &&
			     scols_cell_set_color(scols_line_get_cell(line, shown),
						  tint_start(style, cell->tint)) < 0))
				return -ENOMEM;
			shown++;
		}
	}
	return 0;
}

/* Each line after indent blanks, without blanks at its end. */
static void print_lines(const char *text, int indent, FILE *out)
{
	while (*text) {
		size_t length = strcspn(text, "\n"), end = length;

		while (end && text[end - 1] == ' ')
			end--;
		fprintf(out, "%*s%.*s\n", indent, "", (int)end, text);
		text += length + (text[length] == '\n');
	}
}

static int draw(const struct grid *grid, const struct style *style, int indent, size_t width,
		bool too_wide, FILE *out)
{
	_cleanup_(table_unrefp) struct libscols_table *table = scols_new_table();
	_cleanup_free_ char *text = NULL;

	if (!table || scols_table_set_column_separator(table, "  ") < 0 ||
	    scols_table_enable_colors(table, style->colour) < 0 ||
	    add_columns(table, grid, style) < 0)
		return -ENOMEM;
	scols_table_set_termforce(table, too_wide ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
	if (too_wide)
		scols_table_set_termwidth(table, width);
	if (add_rows(table, grid, style) < 0)
		return -ENOMEM;
	if (grid->n_rows == 0) {
		const char *gap = "";

		fprintf(out, "%*s", indent, "");
		for (size_t c = 0; c < grid->n_columns; c++)
			if (grid->shown[c]) {
				fprintf(out, "%s%s", gap, grid->columns[c].title);
				gap = "  ";
			}
		fputc('\n', out);
		return 0;
	}
	if (scols_print_table_to_string(table, &text) < 0)
		return -ENOMEM;
	print_lines(text, indent, out);
	return 0;
}

int records_print(json_t *records, const struct column *columns, size_t n_columns,
		  const struct style *style, int indent, const char *chosen, struct errors *errors,
		  FILE *out)
{
	_cleanup_free_ struct column *some = NULL;
	_cleanup_(grid_done) struct grid grid = {};
	size_t width = style->width > indent ? (size_t)(style->width - indent) : 0, natural;
	int r;

	if (chosen) {
		r = choose(columns, n_columns, chosen, &some, &n_columns, errors);
		if (r < 0)
			return r;
		columns = some;
		width = 0;
	}
	r = make_grid(&grid, records, columns, n_columns, style);
	if (r < 0)
		return r;
	natural = show_what_fits(&grid, width);
	return draw(&grid, style, indent, width, width && natural > width, out);
}
