// SPDX-License-Identifier: GPL-2.0
/* From records to tables. */
#include "ctl/records.h"

static enum tint tint_of_state(const char *state)
{
	static const struct {
		enum uplink_state state;
		enum tint tint;
	} tints[] = {
		{ UPLINK_IN_USE, TINT_GOOD },	 { UPLINK_SPARE, TINT_WARN },
		{ UPLINK_WAITING, TINT_WARN },	 { UPLINK_DRAINED, TINT_WARN },
		{ UPLINK_NO_CARRIER, TINT_BAD }, { UPLINK_DOWN, TINT_BAD },
		{ UPLINK_MISSING, TINT_BAD },
	};

	for (size_t i = 0; i < ARRAY_SIZE(tints); i++)
		if (strcmp(uplink_state_name(tints[i].state), state) == 0)
			return tints[i].tint;
	return TINT_NONE;
}

/* Appends to a bounded text; what does not fit is left out. */
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

#define BAR_WIDTH 20

static void cell_share(json_t *value, const struct style *style, char *text, size_t size)
{
	double share = json_number_value(value);
	char bar[TEXT_BAR_MAX * 3 + 1];

	text_bar(style, share, BAR_WIDTH, bar);
	snprintf(text, size, "%s%*s %3.0f %%", bar, BAR_WIDTH - (int)text_width(bar), "",
		 share * 100);
}

static int add_cell(struct grid *grid, json_t *record, const struct column *column,
		    const struct style *style)
{
	json_t *value = column->key ? json_object_get(record, column->key) : NULL;
	enum tint tint = TINT_NONE;
	char text[512] = "";

	switch (column->kind) {
	case CELL_TEXT:
	case CELL_EXACT:
		if (json_is_integer(value))
			snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT,
				 json_integer_value(value));
		else if (json_is_string(value))
			snprintf(text, sizeof(text), "%s", json_string_value(value));
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
	case CELL_STATE:
		snprintf(text, sizeof(text), "%s",
			 json_is_string(value) ? json_string_value(value) : "");
		tint = tint_of_state(text);
		break;
	case CELL_LIST:
		cell_list(value, text, sizeof(text));
		break;
	case CELL_SHARE:
		cell_share(value, style, text, sizeof(text));
		break;
	case CELL_VLAN:
		if (json_is_true(json_object_get(record, "trunk")))
			strcpy(text, "trunk");
		else if (json_integer_value(value) == 0)
			strcpy(text, "untagged");
		else
			snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT,
				 json_integer_value(value));
		break;
	case CELL_FLAGS:
		cell_flags(record, column->flags, text, sizeof(text));
		break;
	}
	if (!text[0])
		return grid_add(grid, TINT_DIM, "-");
	return grid_add(grid, tint, text);
}

int records_print(json_t *records, const struct column *columns, size_t n_columns,
		  const struct style *style, int indent, FILE *out)
{
	_cleanup_free_ struct grid_column *titles = calloc(n_columns, sizeof(*titles));
	_cleanup_(grid_freep) struct grid *grid = NULL;
	json_t *record;
	size_t i;
	int r;

	if (!titles)
		return -ENOMEM;
	for (size_t c = 0; c < n_columns; c++) {
		enum cell_kind kind = columns[c].kind;

		titles[c] = (struct grid_column){ columns[c].title, kind == CELL_COUNT ||
									    kind == CELL_EXACT ||
									    kind == CELL_BYTES ||
									    kind == CELL_SPEED };
	}
	grid = grid_new(titles, n_columns);
	if (!grid)
		return -ENOMEM;
	json_array_foreach(records, i, record) {
		for (size_t c = 0; c < n_columns; c++) {
			r = add_cell(grid, record, &columns[c], style);
			if (r < 0)
				return r;
		}
	}
	grid_print(grid, style, indent, out);
	return 0;
}
