// SPDX-License-Identifier: GPL-2.0
#include "ctl/text.h"

/* ---- style
 * ---------------------------------------------------------------------------------------------------------
 */
static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

/* Without any locale (cron, containers) the terminal is most likely one of today; "C" is a wish to
 * be taken literally. */
static bool wants_utf8(void)
{
	static const char *const variables[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		if (is_set(variables[i]))
			return strcasestr(getenv(variables[i]), "UTF-8") ||
			       strcasestr(getenv(variables[i]), "UTF8");
	return true;
}

struct style style_detect(int fd)
{
	const char *term = getenv("TERM");

	return (struct style){
		.colour = isatty(fd) && !is_set("NO_COLOR") && term && strcmp(term, "dumb") != 0,
		.utf8 = wants_utf8(),
	};
}

const char *tint_start(const struct style *style, enum tint tint)
{
	static const char *const starts[] = {
		[TINT_NONE] = "",	  [TINT_BOLD] = "\033[1m",  [TINT_DIM] = "\033[2m",
		[TINT_GOOD] = "\033[32m", [TINT_WARN] = "\033[33m", [TINT_BAD] = "\033[1;31m",
	};

	return style->colour ? starts[tint] : "";
}

const char *tint_end(const struct style *style, enum tint tint)
{
	return style->colour && tint != TINT_NONE ? "\033[0m" : "";
}

/* ---- numbers
 * -------------------------------------------------------------------------------------------------------
 */
static const char *with_prefix(uint64_t value, uint64_t exact_below, const char *unit,
			       char text[TEXT_NUMBER_LEN])
{
	static const char *const prefixes[] = { "k", "M", "G", "T", "P", "E" };
	double scaled = (double)value;
	size_t i = 0;

	if (value < exact_below) {
		snprintf(text, TEXT_NUMBER_LEN, "%llu%s%s", (unsigned long long)value,
			 *unit ? " " : "", unit);
		return text;
	}
	/* 999.5 would be printed as 1000 */
	for (scaled /= 1000; scaled >= 999.5 && i + 1 < ARRAY_SIZE(prefixes); i++)
		scaled /= 1000;
	snprintf(text, TEXT_NUMBER_LEN, "%.*f %s%s",
		 scaled < 9.995 ? 2 :
		 scaled < 99.95 ? 1 :
				  0,
		 scaled, prefixes[i], unit);
	return text;
}

const char *text_count(uint64_t count, char text[TEXT_NUMBER_LEN])
{
	return with_prefix(count, 10000, "", text);
}

const char *text_bytes(uint64_t bytes, char text[TEXT_NUMBER_LEN])
{
	return with_prefix(bytes, 1000, "B", text);
}

const char *text_speed(uint32_t speed_mbps, char text[TEXT_NUMBER_LEN])
{
	if (!speed_mbps)
		return strcpy(text, "-");
	if (speed_mbps % 100 == 0 && speed_mbps >= 1000)
		snprintf(text, TEXT_NUMBER_LEN, "%g Gb/s", speed_mbps / 1000.0);
	else
		snprintf(text, TEXT_NUMBER_LEN, "%u Mb/s", speed_mbps);
	return text;
}

const char *text_duration(uint64_t ms, char text[TEXT_NUMBER_LEN])
{
	unsigned long long s = ms / 1000;

	if (s < 60)
		snprintf(text, TEXT_NUMBER_LEN, "%llu s", s);
	else if (s < 3600)
		snprintf(text, TEXT_NUMBER_LEN, "%llu min %llu s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(text, TEXT_NUMBER_LEN, "%llu h %llu min", s / 3600, s / 60 % 60);
	else
		snprintf(text, TEXT_NUMBER_LEN, "%llu d %llu h", s / 86400, s / 3600 % 24);
	return text;
}

const char *text_bar(const struct style *style, double share, int width,
		     char text[TEXT_BAR_MAX * 3 + 1])
{
	static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	const char *full = style->utf8 ? "█" : "#";
	int steps = style->utf8 ? 8 : 1, filled;
	char *end = text;

	if (width > TEXT_BAR_MAX)
		width = TEXT_BAR_MAX;
	filled = (int)(share * width * steps + 0.5);
	if (filled > width * steps)
		filled = width * steps;
	if (filled <= 0)
		filled = share > 0 ? 1 : 0;
	for (int i = 0; i < filled / steps; i++)
		end = stpcpy(end, full);
	strcpy(end, style->utf8 ? eighths[filled % 8] : "");
	return text;
}

size_t text_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80; /* continuation bytes take no column */
	return width;
}

/* ---- table
 * ---------------------------------------------------------------------------------------------------------
 */
struct cell {
	char *text;
	enum tint tint;
};

struct grid {
	const struct grid_column *columns;
	size_t n_columns, n_cells, room;
	struct cell *cells; /* row after row */
};

struct grid *grid_new(const struct grid_column *columns, size_t n_columns)
{
	struct grid *grid = calloc(1, sizeof(*grid));

	if (!grid)
		return NULL;
	grid->columns = columns;
	grid->n_columns = n_columns;
	return grid;
}

void grid_free(struct grid *grid)
{
	if (!grid)
		return;
	for (size_t i = 0; i < grid->n_cells; i++)
		free(grid->cells[i].text);
	free(grid->cells);
	free(grid);
}

int grid_add(struct grid *grid, enum tint tint, const char *text)
{
	char *copy = strdup(text);

	if (copy && grid->n_cells == grid->room) {
		size_t room = grid->room ? grid->room * 2 : 64;
		struct cell *more = reallocarray(grid->cells, room, sizeof(*more));

		if (!more) {
			free(copy);
			return -ENOMEM;
		}
		grid->cells = more;
		grid->room = room;
	}
	if (!copy)
		return -ENOMEM;
	grid->cells[grid->n_cells++] = (struct cell){ copy, tint };
	return 0;
}

size_t grid_rows(const struct grid *grid)
{
	return grid->n_cells / grid->n_columns;
}

static void print_blanks(FILE *out, size_t n)
{
	if (n > 0)
		fprintf(out, "%*s", (int)n, "");
}

/* Blanks are owed, and paid before the next text: so no line ends with any. */
static void print_cell(FILE *out, const struct style *style, const char *text, enum tint tint,
		       bool right, size_t width, size_t *owed)
{
	size_t blanks = width - text_width(text);

	if (*text) {
		print_blanks(out, *owed + (right ? blanks : 0));
		fprintf(out, "%s%s%s", tint_start(style, tint), text, tint_end(style, tint));
		*owed = (right ? 0 : blanks) + 2;
	} else {
		*owed += blanks + 2;
	}
}

void grid_print(const struct grid *grid, const struct style *style, int indent, FILE *out)
{
	_cleanup_free_ size_t *widths = calloc(grid->n_columns, sizeof(*widths));
	size_t rows = grid_rows(grid), owed;

	if (!widths)
		return;
	for (size_t c = 0; c < grid->n_columns; c++) {
		widths[c] = text_width(grid->columns[c].title);
		for (size_t r = 0; r < rows; r++) {
			size_t width = text_width(grid->cells[r * grid->n_columns + c].text);

			if (width > widths[c])
				widths[c] = width;
		}
	}

	owed = (size_t)indent;
	for (size_t c = 0; c < grid->n_columns; c++)
		print_cell(out, style, grid->columns[c].title, TINT_DIM, grid->columns[c].right,
			   widths[c], &owed);
	fputc('\n', out);
	for (size_t r = 0; r < rows; r++) {
		owed = (size_t)indent;
		for (size_t c = 0; c < grid->n_columns; c++) {
			const struct cell *cell = &grid->cells[r * grid->n_columns + c];

			print_cell(out, style, cell->text, cell->tint, grid->columns[c].right,
				   widths[c], &owed);
		}
		fputc('\n', out);
	}
}
