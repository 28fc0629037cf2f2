// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* top: rates of uplinks, groups and ports, once a second, on a terminal; --once: as text. */
#include <curses.h>
#include <locale.h>

#include "ctl/top_screen.h"
#include "records/rates.h"

#define TOP_INTERVAL_S 1
#define TOP_INTERVAL_MAX_S 60
#define KEY_ESCAPE 27
#define FILTER_LEN 32

struct top {
	struct ctl *ctl;
	const char *switch_name;
	struct top_options options;
	uint64_t interval_ms;
	json_t *last;  /* the last reading: a list of record_traffic() */
	json_t *rates; /* a list of record_rates(); NULL: only one reading yet */
	char filter[FILTER_LEN];
	size_t n_ports;
	int line; /* of the screen */
};

/* ---- readings ---- */
static json_t *find_before(const struct top *top, json_t *now)
{
	json_t *before;
	size_t i;

	json_array_foreach(top->last, i, before)
		if (strcmp(ctl_word(before, "switch"), ctl_word(now, "switch")) == 0)
			return before;
	return NULL;
}

/* The maps are opened again each time, so a daemon that replaces a set is followed. Returns an exit
 * status; an error has been printed. */
static int read_rates(struct top *top)
{
	json_t *now = NULL, *sw, *rates;
	size_t i;
	int status = ctl_read(top->ctl, "Traffic", top->switch_name, NULL, &now);

	if (status)
		return status;
	if (top->last) {
		rates = json_array();
		json_array_foreach(now, i, sw)
			json_array_append_new(rates, record_rates(sw, find_before(top, sw)));
		json_decref(top->rates);
		top->rates = rates;
	}
	json_decref(top->last);
	top->last = now;
	return CTL_DONE;
}

/* ---- text ---- */
static void print_line(void *userdata, enum tint tint, const char *text)
{
	const struct ctl *ctl = userdata;

	fprintf(ctl->out, "%s%s%s\n", tint_start(&ctl->style, tint), text,
		tint_end(&ctl->style, tint));
}

static int run_once(struct top *top)
{
	struct ctl *ctl = top->ctl;
	int status = read_rates(top);

	if (status == CTL_DONE) {
		usleep((useconds_t)(top->interval_ms * 1000));
		status = read_rates(top);
	}
	if (status)
		return status;
	if (ctl->json)
		return ctl_print_json(ctl, json_incref(top->rates));
	top->options.height = 0;
	top->options.width = 0;
	top_screen(top->rates, &top->options, print_line, ctl);
	return CTL_DONE;
}

/* ---- terminal ---- */
static void draw_line(void *userdata, enum tint tint, const char *text)
{
	static const attr_t attributes[] = {
		[TINT_NONE] = A_NORMAL, [TINT_BOLD] = A_BOLD, [TINT_DIM] = A_DIM,
		[TINT_GOOD] = A_NORMAL, [TINT_WARN] = A_BOLD, [TINT_BAD] = A_REVERSE
	};
	struct top *top = userdata;

	attrset(attributes[tint]);
	mvaddstr(top->line++, 0, text);
	clrtoeol();
}

static void draw(struct top *top)
{
	getmaxyx(stdscr, top->options.height, top->options.width);
	top->line = 0;
	erase();
	if (top->rates)
		top->n_ports = top_screen(top->rates, &top->options, draw_line, top);
	else
		draw_line(top, TINT_DIM, "reading counters ...");
	refresh();
}

static void edit_filter(struct top *top, int key)
{
	size_t n = strlen(top->filter);

	if (key == '\n' || key == '\r' || key == KEY_ENTER || key == KEY_ESCAPE)
		top->options.typing = false;
	if (key == KEY_ESCAPE)
		top->filter[0] = '\0';
	else if ((key == KEY_BACKSPACE || key == 127 || key == '\b') && n)
		top->filter[n - 1] = '\0';
	else if (key > ' ' && key < 127 && n + 1 < sizeof(top->filter))
		snprintf(top->filter + n, 2, "%c", key);
	top->options.scroll = 0;
}

static void scroll_by(struct top *top, long lines)
{
	long at = (long)top->options.scroll + lines, last = (long)top->n_ports - 1;

	top->options.scroll = (size_t)(at < 0 || last < 0 ? 0 : at > last ? last : at);
}

/* Returns false to end. */
static bool handle_key(struct top *top, int key)
{
	if (top->options.typing) {
		edit_filter(top, key);
		return true;
	}
	switch (key) {
	case 'q':
	case 'Q':
		return false;
	case 's':
		top->options.sort = (top->options.sort + 1) % N_TOP_SORTS;
		break;
	case '/':
		top->options.typing = true;
		break;
	case 'p':
		top->options.paused = !top->options.paused;
		break;
	case KEY_ESCAPE:
		top->filter[0] = '\0';
		break;
	case KEY_UP:
	case KEY_DOWN:
		scroll_by(top, key == KEY_UP ? -1 : 1);
		break;
	case KEY_PPAGE:
	case KEY_NPAGE:
		scroll_by(top, key == KEY_PPAGE ? -10 : 10);
		break;
	default: /* KEY_RESIZE: it is drawn again */
		break;
	}
	return true;
}

/* Returns an exit status; the errors of a reading are in the memory stream err. */
static int run_screen(struct top *top)
{
	uint64_t due_ms = 0;
	int status = CTL_DONE;

	for (;;) {
		uint64_t now = now_ms();
		int key;

		if (now >= due_ms && !top->options.paused) {
			status = read_rates(top);
			if (status)
				return status;
			/* the first rates soon */
			due_ms = now + (top->rates ? top->interval_ms : 250);
		}
		draw(top);
		timeout(top->options.paused ? -1 : (int)(due_ms > now ? due_ms - now : 1));
		key = getch();
		if (key != ERR && !handle_key(top, key))
			return CTL_DONE;
	}
}

static int run_terminal(struct top *top)
{
	struct ctl *ctl = top->ctl;
	char *messages = NULL;
	size_t size = 0;
	FILE *screen_err = open_memstream(&messages, &size), *err = ctl->err;
	SCREEN *screen = screen_err ? newterm(NULL, ctl->out, stdin) : NULL;
	int status;

	if (!screen) {
		if (screen_err)
			fclose(screen_err);
		free(messages);
		return ctl_fail(
			ctl, CTL_SYSTEM,
			"top: the terminal (TERM) is not known; see 'uplinkctl top --once'");
	}
	/* messages must not go between the lines of the screen */
	ctl->err = screen_err;
	set_term(screen);
	set_escdelay(25);
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	status = run_screen(top);
	endwin();
	delscreen(screen);
	fclose(screen_err);
	ctl->err = err;
	fputs(messages ? messages : "", err);
	free(messages);
	return status;
}

static int parse_options(struct ctl *ctl, struct top *top)
{
	uint64_t interval_s = TOP_INTERVAL_S;

	if (ctl->interval && parse_u64(ctl->interval, 1, TOP_INTERVAL_MAX_S, &interval_s) < 0)
		return ctl_fail(ctl, CTL_WRONG_REQUEST, "--interval %s: must be 1-%d",
				ctl->interval, TOP_INTERVAL_MAX_S);
	top->interval_ms = interval_s * 1000;
	for (enum top_sort sort = 0; ctl->sort && sort < N_TOP_SORTS; sort++)
		if (strcmp(ctl->sort, top_sort_name(sort)) == 0) {
			top->options.sort = sort;
			ctl->sort = NULL;
			break;
		}
	if (ctl->sort)
		return ctl_fail(ctl, CTL_WRONG_REQUEST, "--sort %s: must be rate, drops or name",
				ctl->sort);
	if (ctl->filter)
		snprintf(top->filter, sizeof(top->filter), "%s", ctl->filter);
	top->options.filter = top->filter;
	top->options.style = ctl->style;
	return CTL_DONE;
}

int cmd_top(struct ctl *ctl)
{
	struct top top = { .ctl = ctl, .switch_name = ctl->arguments[0] };
	int status = parse_options(ctl, &top);

	if (status)
		return status;
	if (!ctl->once && (!ctl->style.height || ctl->json))
		return ctl_fail(
			ctl, CTL_WRONG_REQUEST,
			"top: needs a terminal; 'uplinkctl top --once' prints text or JSON");
	/* curses takes the encoding from the environment */
	setlocale(LC_CTYPE, ctl->style.utf8 ? "C.UTF-8" : "C");
	status = ctl->once ? run_once(&top) : run_terminal(&top);
	json_decref(top.last);
	json_decref(top.rates);
	return status;
}
