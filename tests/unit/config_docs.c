// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The reference and the man page against the table of keys: each key is described once, in its
 * section, and no other key is. */
#include <criterion/criterion.h>

#include "common/util.h"
#include "config/keys.h"
#include "config/value.h"

static char *read_document(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char *text = calloc(1, 1 << 20);

	cr_assert_not_null(f, "%s: %s (the tests run in the top folder)", path, strerror(errno));
	cr_assert_not_null(text);
	cr_assert_gt(fread(text, 1, (1 << 20) - 1, f), 0, "%s is empty", path);
	return text;
}

/* The text between the section's heading and the next one. */
static char *section_text(const char *document, const char *mark, enum config_section section)
{
	_cleanup_free_ char *heading = NULL;
	const char *start, *end;

	cr_assert_gt(asprintf(&heading, "\n%s %s\n", mark, config_section_title(section)), 0);
	start = strstr(document, heading);
	cr_assert_not_null(start, "no heading%s", heading);
	end = strstr(start + strlen(heading), "\n#");
	return end ? strndup(start, (size_t)(end - start)) : strdup(start);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
		n++;
	return n;
}

typedef char *(*row_fn)(const struct config_key *key, const char *allowed);

/* Reserved keys stand in a section of their own. */
static bool is_documented(const struct config_key *key)
{
	return key->type != KEY_UNAVAILABLE;
}

static void check_document(const char *path, const char *mark, const char *row_start, row_fn row)
{
	_cleanup_free_ char *document = read_document(path);

	for (int s = 0; s < N_SECTIONS; s++) {
		_cleanup_free_ char *text = section_text(document, mark, (enum config_section)s);
		size_t n, n_documented = 0;
		const struct config_key *keys = config_section_keys((enum config_section)s, &n);

		for (size_t i = 0; i < n; i++)
			n_documented += is_documented(&keys[i]);
		cr_expect_eq(count(text, row_start), n_documented,
			     "%s, %s: %zu keys in the table, %zu here", path,
			     config_section_title((enum config_section)s), n_documented,
			     count(text, row_start));
		for (size_t i = 0; i < n; i++) {
			char allowed[256];

			if (!is_documented(&keys[i]))
				continue;
			_cleanup_free_ char *expected = row(
				&keys[i], config_key_allowed(&keys[i], allowed, sizeof(allowed)));

			cr_expect(strstr(text, expected), "%s, %s: no line\n%s", path,
				  config_section_title((enum config_section)s), expected);
		}
	}
}

static const char *preset(const struct config_key *key)
{
	return key->required ? "required" : config_key_default(key);
}

static char *markdown_row(const struct config_key *key, const char *allowed)
{
	char *text = NULL;

	cr_assert_gt(asprintf(&text, "\n| `%s` | %s | %s | %s | %s |\n", key->name,
			      key_type_name(key->type), allowed, preset(key), key->help),
		     0);
	return text;
}

static char *man_row(const struct config_key *key, const char *allowed)
{
	bool has_preset = preset(key)[0] != '\0';
	char *text = NULL;

	cr_assert_gt(asprintf(&text, "\n*%s* (%s: %s%s%s%s)\n\t%s\n", key->name,
			      key_type_name(key->type), allowed, has_preset ? "; " : "",
			      has_preset && !key->required ? "default " : "", preset(key),
			      key->help),
		     0);
	return text;
}

Test(config_docs, reference)
{
	check_document("docs/configuration.md", "###", "\n| `", markdown_row);
}

Test(config_docs, man_page)
{
	check_document("docs/uplinkd.yaml.5.scd", "##", "\n*", man_row);
}

/* Each reserved key and value is in the list of the document. */
static void check_reserved(const char *path, const char *heading, const char *quote)
{
	_cleanup_free_ char *document = read_document(path);
	const char *text = strstr(document, heading);

	cr_assert_not_null(text, "%s: no heading %s", path, heading);
	for (size_t i = 0; i < n_config_keys; i++) {
		const struct choice *choice = config_keys[i].choices;
		char name[64];

		snprintf(name, sizeof(name), "%s%s%s", quote, config_keys[i].name, quote);
		if (config_keys[i].type == KEY_UNAVAILABLE)
			cr_expect(strstr(text, name), "%s: %s is not listed", path, name);
		for (; choice && choice->name; choice++) {
			snprintf(name, sizeof(name), "%s%s%s", quote, choice->name, quote);
			if (choice->refusal)
				cr_expect(strstr(text, name), "%s: %s is not listed", path, name);
		}
	}
}

Test(config_docs, reserved_keys)
{
	check_reserved("docs/configuration.md", "\n### Reserved keys\n", "`");
	check_reserved("docs/uplinkd.yaml.5.scd", "\n# RESERVED KEYS\n", "_");
}

/* The row of the method in the table of methods ends with the channels that allow it. */
static void check_method(const char *document, const char *name, bool none, bool channel)
{
	_cleanup_free_ char *cell = NULL, *end = NULL;
	size_t n = 0;

	cr_assert_gt(asprintf(&cell, "`%s`", name), 0);
	cr_assert_gt(asprintf(&end, " | %s | %s |\n", none ? "yes" : "refused",
			      channel ? "yes" : "refused"),
		     0);
	for (const char *row = document; (row = strstr(row, "\n| `")); row++) {
		const char *next = strchr(row + 1, '\n') + 1, *first = strstr(row, " | "),
			   *at = strstr(row, cell);

		if (at && at < first && (size_t)(next - row) > strlen(end) &&
		    strncmp(next - strlen(end), end, strlen(end)) == 0)
			n++;
	}
	cr_expect_eq(n, 1, "%s: %zu rows that end with%s", name, n, end);
}

Test(config_docs, methods)
{
	_cleanup_free_ char *document = read_document("docs/configuration.md");

#define X(NAME, number, name, channels, inputs, help)                         \
	check_method(document, name, ul_method_fits(number, UL_CHANNEL_NONE), \
		     ul_method_fits(number, UL_CHANNEL_STATIC));              \
	cr_expect_eq(ul_method_fits(number, UL_CHANNEL_STATIC),               \
		     ul_method_fits(number, UL_CHANNEL_LACP), "one column");
	UL_METHODS(X)
#undef X
}

/* Every example can be used as it stands. */
static void check_examples(const char *path, const char *fence, size_t n_expected)
{
	_cleanup_free_ char *document = read_document(path);
	size_t n = 0;

	for (char *at = document, *end; (at = strstr(at, fence));
	     at = end + strlen("\n```\n"), n++) {
		struct errors errors = { 0 };
		struct model *model = NULL;

		at += strlen(fence);
		end = strstr(at, "\n```\n");
		cr_assert_not_null(end, "%s: an example without end", path);
		cr_expect_eq(config_parse(at, (size_t)(end - at), path, &model, &errors), 0,
			     "example %zu: %s", n, errors.n ? errors.messages[0] : "");
		errors_done(&errors);
		model_free(model);
	}
	cr_expect_eq(n, n_expected, "%s: %zu examples", path, n);
}

Test(config_docs, examples)
{
	check_examples("docs/configuration.md", "\n```yaml\n", 4);
	check_examples("docs/uplinkd.yaml.5.scd", "\n```\n", 1);
}

/* ---- the table itself ---- */
Test(config_docs, sections_stand_together)
{
	size_t total = 0;

	for (int s = 0; s < N_SECTIONS; s++) {
		size_t n;
		const struct config_key *keys = config_section_keys((enum config_section)s, &n);

		cr_assert_not_null(keys);
		cr_assert_leq(n, CONFIG_MAX_KEYS);
		for (size_t i = 0; i < n; i++) {
			cr_expect_eq(keys[i].section, (enum config_section)s);
			for (size_t other = 0; other < i; other++)
				cr_expect_str_neq(keys[other].name, keys[i].name);
			cr_expect_not_null(keys[i].help);
		}
		total += n;
	}
	cr_expect_eq(total, n_config_keys);
}

/* A default is a value that the file could have. */
Test(config_docs, presets_are_valid)
{
	for (size_t i = 0; i < n_config_keys; i++) {
		union {
			struct switch_cfg sw;
			struct group_cfg group;
			struct port_cfg port;
			struct model model;
		} any = { 0 };

		if (config_keys[i].fallback)
			cr_expect_eq(value_store(&config_keys[i], config_keys[i].fallback, true,
						 &any),
				     0, "%s", config_keys[i].name);
	}
}

/* The limits of lists are numbers in the table and words in the messages. */
Test(config_docs, limits_in_words)
{
	for (size_t i = 0; i < n_config_keys; i++) {
		char number[16];

		if (config_keys[i].type != KEY_LIST && config_keys[i].type != KEY_NAMES)
			continue;
		if (strcmp(config_keys[i].name, "standby") == 0)
			continue;
		snprintf(number, sizeof(number), "%u", config_keys[i].max);
		cr_expect(strstr(config_keys[i].allowed, number), "%s: %s", config_keys[i].name,
			  config_keys[i].allowed);
	}
}
