// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* A configuration in several files. */
#include <criterion/criterion.h>
#include <limits.h>
#include <sys/stat.h>

#include "common/util.h"
#include "config/source.h"

#define ONE(name, uplink) "switches: [{name: " name ", uplinks: [" uplink "]}]\n"

static char folder[] = "/tmp/uplinkd-source-XXXXXX", file[PATH_MAX], parts[PATH_MAX];

static void set_up(void)
{
	cr_assert(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/uplinkd.yaml", folder);
	snprintf(parts, sizeof(parts), "%s/conf.d", folder);
	cr_assert_eq(mkdir(parts, 0700), 0);
}

static void tear_down(void)
{
	char command[PATH_MAX];

	snprintf(command, sizeof(command), "rm -r %s", folder);
	cr_expect_eq(system(command), 0);
}

TestSuite(config_source, .init = set_up, .fini = tear_down);

static void write_file(const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%.200s/%s", folder, name);
	f = fopen(path, "we");
	cr_assert(f, "%s", path);
	fputs(text, f);
	fclose(f);
}

/* Reads and parses; the messages are in *errors, with the folder left out. */
static int load(struct model **ret, struct errors *errors)
{
	struct config_source source;
	int r = config_source_read(file, parts, &source, errors);

	if (r < 0)
		return r;
	r = config_source_parse(&source, ret, errors);
	config_source_done(&source);
	return r;
}

static void expect_mistake(const char *expected)
{
	_cleanup_(errors_done) struct errors errors = {};
	struct model *model = NULL;

	cr_expect_eq(load(&model, &errors), -EINVAL);
	cr_assert_eq(errors.n, 1, "%zu mistakes, the first: %s", errors.n,
		     errors.n ? errors.messages[0] : "");
	cr_expect_str_eq(errors.messages[0] + strlen(folder) + 1, expected);
}

Test(config_source, switches_append_in_the_order_of_the_names)
{
	struct model *model = NULL;

	write_file("uplinkd.yaml", ONE("a", "eth0"));
	write_file("conf.d/20-c.yaml", ONE("c", "eth2"));
	write_file("conf.d/10-b.yaml", ONE("b", "eth1"));
	write_file("conf.d/30-d.yml", "not read\n");
	write_file("conf.d/.hidden.yaml", "not read\n");
	cr_assert_eq(load(&model, NULL), 0);
	cr_assert_eq(model->n_switches, 3);
	cr_expect_str_eq(model->switches[0].name, "a");
	cr_expect_str_eq(model->switches[1].name, "b");
	cr_expect_str_eq(model->switches[2].name, "c");
	model_free(model);
}

Test(config_source, the_file_or_its_switches_may_be_missing)
{
	struct model *model = NULL;

	write_file("conf.d/a.yaml", ONE("a", "eth0"));
	cr_assert_eq(load(&model, NULL), 0);
	model_free(model);
	model = NULL;
	write_file("uplinkd.yaml", "control: {group: admins}\n");
	cr_assert_eq(load(&model, NULL), 0);
	cr_expect_str_eq(model->control_group, "admins");
	model_free(model);
}

Test(config_source, nothing_to_read)
{
	_cleanup_(errors_done) struct errors errors = {};
	struct model *model = NULL;

	cr_expect_eq(load(&model, &errors), -ENOENT);
	cr_assert_eq(errors.n, 1);
	cr_expect(strstr(errors.messages[0], "uplinkd.yaml: cannot be read: No such file"), "%s",
		  errors.messages[0]);
}

Test(config_source, control_is_given_once)
{
	char expected[PATH_MAX + 128];

	write_file("uplinkd.yaml", "control: {group: admins}\n");
	write_file("conf.d/a.yaml", "control:\n");
	snprintf(expected, sizeof(expected),
		 "conf.d/a.yaml:1: control: is already given in %s: must be given once", file);
	expect_mistake(expected);
}

Test(config_source, no_switch_anywhere)
{
	write_file("uplinkd.yaml", "control: {group: admins}\n");
	write_file("conf.d/a.yaml", "\n");
	expect_mistake("conf.d/a.yaml:1: switches: missing: at least one file must have a switch");
}

Test(config_source, the_same_name_twice_names_both_files)
{
	char expected[PATH_MAX + 128];

	write_file("uplinkd.yaml", ONE("a", "eth0"));
	write_file("conf.d/b.yaml", "\n" ONE("a", "eth1"));
	snprintf(expected, sizeof(expected),
		 "conf.d/b.yaml:2: switches[0].name: a: is already the name of switches[0] of %s: "
		 "must be unique",
		 file);
	expect_mistake(expected);
}

Test(config_source, an_interface_in_two_files_names_both)
{
	char expected[PATH_MAX + 128];

	write_file("conf.d/a.yaml", ONE("a", "eth0"));
	write_file("conf.d/b.yaml", ONE("b", "eth0"));
	snprintf(expected, sizeof(expected),
		 "conf.d/b.yaml:1: switches[0].uplinks[0]: eth0: is already an uplink "
		 "(switches[0].uplinks[0] of %s/a.yaml)",
		 parts);
	expect_mistake(expected);
}

Test(config_source, mistakes_of_all_files_are_reported)
{
	_cleanup_(errors_done) struct errors errors = {};
	struct model *model = NULL;

	write_file("uplinkd.yaml", "switches: [\n");
	write_file("conf.d/a.yaml", "switches: [{name: a}]\n");
	cr_expect_eq(load(&model, &errors), -EINVAL);
	cr_expect_eq(errors.n, 2);
}

Test(config_source, at_most_64_switches_in_all_files)
{
	char name[32], text[128];

	for (int i = 0; i < 33; i++) {
		snprintf(name, sizeof(name), "conf.d/%02d.yaml", i);
		snprintf(text, sizeof(text),
			 "switches: [{name: a%d, uplinks: [a%d]}, {name: b%d, uplinks: [b%d]}]\n",
			 i, i, i, i);
		write_file(name, text);
	}
	expect_mistake("conf.d/32.yaml:1: switches: 66 entries: must be at most 64 switches in all "
		       "files");
}

Test(config_source, copies_are_equal_until_one_changes)
{
	struct config_source a = { 0 }, b = { 0 };

	cr_assert_eq(config_source_add(&a, "f", "x\0y", 3), 0);
	cr_assert_eq(config_source_add(&a, "g", "", 0), 0);
	cr_assert_eq(config_source_copy(&a, &b), 0);
	cr_expect(config_source_equal(&a, &b));
	b.documents[0].text[2] = 'z';
	cr_expect_not(config_source_equal(&a, &b));
	config_source_done(&b);
	cr_expect_not(config_source_equal(&a, &b));
	config_source_done(&a);
}
