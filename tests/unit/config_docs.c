// SPDX-License-Identifier: GPL-2.0
/* The reference and the man page say what the table of keys says: each key once, in its section,
 * and no other. */
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

static void check_document(const char *path, const char *mark, const char *row_start, row_fn row)
{
	_cleanup_free_ char *document = read_document(path);

	for (int s = 0; s < N_SECTIONS; s++) {
		_cleanup_free_ char *text = section_text(document, mark, (enum config_section)s);
		size_t n;
		const struct config_key *keys = config_section_keys((enum config_section)s, &n);

		cr_expect_eq(count(text, row_start), n, "%s, %s: %zu keys in the table, %zu here",
			     path, config_section_title((enum config_section)s), n,
			     count(text, row_start));
		for (size_t i = 0; i < n; i++) {
			char allowed[256];
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

/* Every example can be used as it stands. */
static void check_examples(const char *path, const char *fence, size_t n_expected)
{
	_cleanup_free_ char *document = read_document(path);
	size_t n = 0;

	for (char *at = document, *end; (at = strstr(at, fence));
	     at = end + strlen("\n```\n"), n++) {
		struct config_errors errors = { 0 };
		struct model *model = NULL;

		at += strlen(fence);
		end = strstr(at, "\n```\n");
		cr_assert_not_null(end, "%s: an example without end", path);
		cr_expect_eq(config_parse(at, (size_t)(end - at), path, &model, &errors), 0,
			     "example %zu: %s", n, errors.n ? errors.messages[0] : "");
		config_errors_done(&errors);
		model_free(model);
	}
	cr_expect_eq(n, n_expected, "%s: %zu examples", path, n);
}

Test(config_docs, examples)
{
	check_examples("docs/configuration.md", "\n```yaml\n", 4);
	check_examples("docs/uplinkd.yaml.5.scd", "\n```\n", 1);
}

/* ---- the table itself
 * ----------------------------------------------------------------------------------------------------
 */
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
			cr_expect_eq(config_key_find((enum config_section)s, keys[i].name),
				     &keys[i], "%s is there twice", keys[i].name);
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
