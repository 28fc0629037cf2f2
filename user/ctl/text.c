// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "ctl/text.h"

#include <sys/ioctl.h>

/* ---- style ---- */
static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

/* Without any locale (cron, containers) UTF-8 is the likely encoding; "C" means ASCII. */
static bool is_utf8(void)
{
	static const char *const variables[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		if (is_set(variables[i]))
			return strcasestr(getenv(variables[i]), "UTF-8") ||
			       strcasestr(getenv(variables[i]), "UTF8");
	return true;
}

/* A number from 1 to 10000 in the environment, else 0. */
static int number_in(const char *name)
{
	const char *value = getenv(name);
	char *end;
	long number = value ? strtol(value, &end, 10) : 0;

	return value && end != value && !*end && number > 0 && number <= 10000 ? (int)number : 0;
}

struct style style_detect(int fd)
{
	const char *term = getenv("TERM");
	bool terminal = isatty(fd);
	struct winsize size = {};
	struct style style = {
		.colour = terminal && !is_set("NO_COLOR") && term && strcmp(term, "dumb") != 0,
		.utf8 = is_utf8(),
	};

	if (terminal && ioctl(fd, TIOCGWINSZ, &size) < 0)
		size = (struct winsize){};
	style.width = size.ws_col ? size.ws_col : number_in("COLUMNS");
	if (!style.width)
		style.width = TEXT_DEFAULT_WIDTH;
	if (terminal)
		style.height = size.ws_row ? size.ws_row : number_in("LINES");
	return style;
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

/* ---- bars and lines ---- */
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

int text_wrap(FILE *out, const char *prefix, int prefix_width, int indent, int width,
	      const char *text)
{
	int at = prefix_width, lines = 1;
	bool start = true;

	fputs(prefix, out);
	while (*text) {
		size_t length = strcspn(text, " ");
		_cleanup_free_ char *word = strndup(text, length);
		int columns = word ? (int)text_width(word) : (int)length;

		if (!start && width > 0 && at + 1 + columns > width) {
			fprintf(out, "\n%*s", indent, "");
			at = indent;
			lines++;
			start = true;
		}
		fprintf(out, "%s%.*s", start ? "" : " ", (int)length, text);
		at += columns + !start;
		start = false;
		text += length + strspn(text + length, " ");
	}
	fputc('\n', out);
	return lines;
}
