// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The transaction over all switches, with fake switches that record each call: the order of the
 * steps, what a failure of each step undoes, and what the registry keeps. */
#include <criterion/criterion.h>
#include <sys/resource.h>

#include "daemon/apply.h"

struct vswitch {
	char name[UL_NAME_LEN];
	bool adopted;
};

/* The fake kernel: names that are pinned, and steps that fail as "STEP NAME". */
static char pinned[8][UL_NAME_LEN];
static const char *failing[4];
static char steps[1024];
static size_t n_open;

static struct errors errors;
static struct running_switches switches;
static unsigned int restores_due;
static char directory[32], registry_path[64], rcu_setting[64], rcu_marker[64];
/* Ports in the maps of each switch. */
static size_t n_ports;
/* What the setting was when a switch was applied; whether the marker existed then. */
static char rcu_seen;
static bool marker_seen;

static int step(const char *what, const char *name)
{
	char text[64];
	size_t used = strlen(steps);

	snprintf(text, sizeof(text), "%s %s", what, name);
	snprintf(steps + used, sizeof(steps) - used, "%s%s", used ? ", " : "", text);
	for (size_t i = 0; i < ARRAY_SIZE(failing); i++) {
		if (failing[i] && strcmp(failing[i], text) == 0) {
			failing[i] = NULL;
			return errors_add(&errors, -EBUSY, "%s", text);
		}
	}
	return 0;
}

static char *find_pinned(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(pinned); i++)
		if (strcmp(pinned[i], name) == 0)
			return pinned[i];
	return NULL;
}

static bool fake_is_pinned(const char *bpffs, const char *name)
{
	return find_pinned(name);
}

static void set_pinned(const char *name, bool yes)
{
	char *entry = find_pinned(name);

	if (yes && !entry)
		snprintf(find_pinned(""), UL_NAME_LEN, "%s", name);
	else if (!yes && entry)
		entry[0] = '\0';
}

static int fake_check(const struct vswitch_context *context, const struct switch_cfg *cfg,
		      const struct switch_cfg *before, const struct model *model,
		      struct errors *errors_)
{
	return step(before ? "recheck" : "check", cfg->name);
}

static int fake_open(const struct vswitch_context *context, const struct switch_cfg *cfg,
		     struct vswitch **ret)
{
	struct vswitch *vs;
	int r = step("open", cfg->name);

	if (r < 0)
		return r;
	vs = calloc(1, sizeof(*vs));
	cr_assert(vs);
	snprintf(vs->name, sizeof(vs->name), "%s", cfg->name);
	vs->adopted = fake_is_pinned(NULL, cfg->name);
	set_pinned(cfg->name, true);
	n_open++;
	*ret = vs;
	return 0;
}

static void fake_release_removed(struct vswitch *vs, const struct switch_cfg *cfg)
{
	cr_expect(cfg, "only switches of the configuration are left");
	(void)step("release", vs->name);
}

static char rcu_value(void)
{
	FILE *f = fopen(rcu_setting, "r");
	int c = f ? fgetc(f) : EOF;

	if (f)
		fclose(f);
	return (char)c;
}

static void set_rcu(const char *value)
{
	FILE *f = fopen(rcu_setting, "w");

	cr_assert(f);
	fputs(value, f);
	fclose(f);
}

static size_t fake_count_ports(const struct vswitch *vs)
{
	return n_ports;
}

static int fake_apply(struct vswitch *vs, const struct switch_cfg *cfg)
{
	rcu_seen = rcu_value();
	marker_seen = access(rcu_marker, F_OK) == 0;
	return step("apply", cfg->name);
}

static void fake_close(struct vswitch *vs)
{
	n_open--;
	free(vs);
}

static void fake_abandon(struct vswitch *vs)
{
	(void)step("abandon", vs->name);
	if (!vs->adopted)
		set_pinned(vs->name, false);
	fake_close(vs);
}

static int fake_teardown(struct vswitch *vs)
{
	int r = step("teardown", vs->name);

	if (r == 0)
		set_pinned(vs->name, false);
	return r;
}

static int fake_remove(const struct vswitch_context *context, const char *name)
{
	int r = step("remove", name);

	if (r == 0)
		set_pinned(name, false);
	return r;
}

static const char *fake_name(const struct vswitch *vs)
{
	return vs->name;
}

static const struct switch_ops fakes = {
	.check = fake_check,
	.open = fake_open,
	.release_removed = fake_release_removed,
	.apply = fake_apply,
	.abandon = fake_abandon,
	.teardown = fake_teardown,
	.close = fake_close,
	.remove = fake_remove,
	.name = fake_name,
	.is_pinned = fake_is_pinned,
	.count_ports = fake_count_ports,
};

static void count_restore(void *userdata)
{
	(void)userdata;
	restores_due++;
}

static void setup(void)
{
	strcpy(directory, "/tmp/ul-apply-XXXXXX");
	cr_assert(mkdtemp(directory));
	snprintf(registry_path, sizeof(registry_path), "%s/switches", directory);
	switches.ops = &fakes;
	snprintf(rcu_setting, sizeof(rcu_setting), "%s/rcu_expedited", directory);
	snprintf(rcu_marker, sizeof(rcu_marker), "%s/marker", directory);
	set_rcu("0\n");
	switches.rcu = (struct rcu_expedite){ .setting = rcu_setting, .marker = rcu_marker };
	switches.registry_path = registry_path;
	switches.context.errors = &errors;
	switches.restore_later = count_restore;
}

static void teardown(void)
{
	switches_done(&switches);
	cr_expect_eq(n_open, 0, "%zu switches are not closed", n_open);
	errors_done(&errors);
	unlink(registry_path);
	unlink(rcu_setting);
	cr_expect_eq(access(rcu_marker, F_OK), -1);
	rmdir(directory);
}

TestSuite(daemon_apply, .init = setup, .fini = teardown);

/* A configuration of switches with the given names, one letter each. */
static struct model *model_of(const char *names)
{
	struct errors mistakes = {};
	struct model *model = NULL;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fputs("switches:\n", f);
	for (; *names; names++)
		fprintf(f, "  - {name: %c, uplinks: [eth-%c]}\n", *names, *names);
	fclose(f);
	cr_assert_eq(config_parse(text, size, "t.yaml", &model, &mistakes), 0, "%s",
		     mistakes.n ? mistakes.messages[0] : "");
	free(text);
	return model;
}

static int apply(const char *names)
{
	struct model *model = model_of(names);
	int r;

	steps[0] = '\0';
	r = switches_apply(&switches, model);
	if (r < 0)
		model_free(model);
	else
		cr_expect_eq(switches.model, model);
	return r;
}

/* expected: the names of the registry's file, in any order */
static void expect_registry(const char *expected)
{
	struct switch_registry registry = {};

	cr_assert_eq(switch_registry_read(registry_path, &registry), 0);
	cr_expect_eq(registry.n, strlen(expected), "%zu names", registry.n);
	for (size_t i = 0; i < registry.n; i++)
		cr_expect(strchr(expected, registry.name[i][0]), "%s", registry.name[i]);
	switch_registry_done(&registry);
}

static bool has_error(const char *text)
{
	for (size_t i = 0; i < errors.n; i++)
		if (strcmp(errors.messages[i], text) == 0)
			return true;
	return false;
}

Test(daemon_apply, first_configuration)
{
	cr_assert_eq(apply("ab"), 0);
	cr_expect_str_eq(
		steps, "check a, check b, open a, open b, release a, release b, apply a, apply b");
	expect_registry("ab");
	cr_expect_eq(errors.n, 0);
}

/* Removed switches go first, then all release, then each is applied. */
Test(daemon_apply, changed_configuration)
{
	cr_assert_eq(apply("ab"), 0);
	cr_assert_eq(apply("bc"), 0);
	cr_expect_str_eq(
		steps,
		"recheck b, check c, open c, teardown a, release c, release b, apply b, apply c");
	expect_registry("bc");
	cr_expect(!fake_is_pinned(NULL, "a"));
}

/* All switches are checked, so that all reasons are reported at once. */
Test(daemon_apply, failed_check_changes_nothing)
{
	cr_assert_eq(apply("a"), 0);
	failing[0] = "check b";
	failing[1] = "check c";
	cr_expect_eq(apply("abc"), -EBUSY);
	cr_expect_str_eq(steps, "recheck a, check b, check c");
	cr_expect_eq(switches.n, 1);
	cr_expect_eq(switches.model->n_switches, 1);
	cr_assert_eq(errors.n, 2);
	expect_registry("a");
}

Test(daemon_apply, failed_open_closes_what_was_opened)
{
	cr_assert_eq(apply("a"), 0);
	failing[0] = "open c";
	cr_expect_eq(apply("abc"), -EBUSY);
	cr_expect_str_eq(steps, "recheck a, check b, check c, open b, open c, abandon b");
	cr_expect_eq(switches.n, 1);
	cr_expect(has_error("c: cannot be opened: Device or resource busy"));
	expect_registry("a");
}

/* At the start: new maps are removed, adopted ones stay and stay registered. */
Test(daemon_apply, failed_first_apply)
{
	set_pinned("a", true);
	failing[0] = "apply b";
	cr_expect_eq(apply("ab"), -EBUSY);
	cr_expect_str_eq(
		steps,
		"check a, check b, open a, open b, release a, release b, apply a, apply b, abandon b, abandon a");
	cr_expect(has_error("b: cannot be applied: Device or resource busy"));
	cr_expect_eq(switches.n, 0);
	cr_expect_null(switches.model);
	cr_expect(fake_is_pinned(NULL, "a"));
	cr_expect(!fake_is_pinned(NULL, "b"));
	expect_registry("a");
}

/* The others are still applied, and then the former configuration is, removed switches included. */
Test(daemon_apply, failed_apply_rolls_back)
{
	cr_assert_eq(apply("ab"), 0);
	failing[0] = "apply b";
	cr_expect_eq(apply("bc"), -EBUSY);
	cr_expect_str_eq(
		steps,
		"recheck b, check c, open c, teardown a, release c, release b, apply b, apply c, "
		"open a, teardown c, release a, release b, apply a, apply b");
	cr_expect_eq(switches.n, 2);
	cr_expect_not_null(model_find_switch(switches.model, "a"));
	cr_expect_null(model_find_switch(switches.model, "c"));
	cr_assert_eq(errors.n, 2);
	cr_expect_str_eq(errors.messages[1], "b: cannot be applied: Device or resource busy");
	expect_registry("ab");
}

/* An incomplete rollback restores the rest and is reported. */
Test(daemon_apply, failed_rollback)
{
	cr_assert_eq(apply("ab"), 0);
	failing[0] = "apply c";
	failing[1] = "open a";
	cr_expect_eq(apply("bc"), -EBUSY);
	cr_expect_eq(switches.n, 1);
	cr_expect(has_error("a: cannot be opened: Device or resource busy"));
	cr_expect(has_error(
		"the former configuration is not restored completely; it is tried again"));
	expect_registry("b");
	cr_expect_eq(restores_due, 1);
	cr_expect_str_eq(switches.incomplete, "open a: Device or resource busy");
	failing[0] = "open a";
	errors_done(&errors);
	cr_expect_eq(switches_restore(&switches), -EBUSY);
	cr_expect_str_eq(switches.incomplete, "open a: Device or resource busy");
	errors_done(&errors);
	cr_expect_eq(switches_restore(&switches), 0);
	cr_expect_eq(errors.n, 0);
	cr_expect_str_empty(switches.incomplete);
	expect_registry("ba");
}

/* Another change ends it, too. */
Test(daemon_apply, success_after_a_failed_rollback)
{
	cr_assert_eq(apply("ab"), 0);
	failing[0] = failing[1] = "apply a";
	cr_expect_eq(apply("abc"), -EBUSY);
	cr_expect_eq(restores_due, 1);
	cr_expect_eq(apply("ab"), 0);
	cr_expect_str_empty(switches.incomplete);
	cr_expect_eq(restores_due, 1);
}

/* Switches of an earlier run that the file does not have. */
Test(daemon_apply, switches_of_an_earlier_run)
{
	cr_assert_eq(switch_registry_add(&switches.registry, "x"), 0);
	cr_assert_eq(switch_registry_add(&switches.registry, "y"), 0);
	cr_assert_eq(switch_registry_add(&switches.registry, "z"), 0);
	set_pinned("x", true);
	set_pinned("y", true);
	failing[0] = "remove y";
	cr_assert_eq(apply("a"), 0);
	cr_expect_str_eq(steps, "check a, open a, remove x, remove y, release a, apply a");
	cr_expect(has_error("y: cannot be removed; it is tried again: Device or resource busy"));
	/* z was not in the kernel. */
	expect_registry("ay");
	cr_assert_eq(apply("a"), 0);
	expect_registry("a");
}

/* A switch whose teardown failed is still pinned and registered, so it is removed by name. */
Test(daemon_apply, failed_teardown_is_repeated_by_name)
{
	cr_assert_eq(apply("ab"), 0);
	failing[0] = "teardown a";
	cr_assert_eq(apply("b"), 0);
	cr_expect(strstr(steps, "teardown a, remove a"), "%s", steps);
	expect_registry("b");
}

static int left_now = -1;

static void on_left(void *userdata, bool left)
{
	left_now = left;
}

Test(daemon_apply, a_switch_that_cannot_be_removed_is_removed_later)
{
	size_t index = 0;

	switches.on_left = on_left;
	cr_assert_eq(apply("ab"), 0);
	cr_expect_eq(left_now, false);
	failing[0] = "teardown a";
	failing[1] = "remove a";
	cr_assert_eq(apply("b"), 0);
	cr_expect_eq(left_now, true);
	cr_expect_str_eq(switches_next_left(&switches, &index) ?: "", "a");
	cr_expect_null(switches_next_left(&switches, &index));
	steps[0] = '\0';
	failing[0] = "remove a";
	switches_remove_left(&switches);
	cr_expect_eq(left_now, true);
	switches_remove_left(&switches);
	cr_expect_eq(left_now, false);
	cr_expect_str_eq(steps, "remove a, remove a");
	expect_registry("b");
	index = 0;
	cr_expect_null(switches_next_left(&switches, &index));
}

static char reported[256];

static void on_report(void *userdata, const char *switch_name, enum event_code code,
		      const char *object, const char *text)
{
	size_t used = strlen(reported);

	cr_expect_eq(code, EVENT_SWITCH);
	cr_expect_str_eq(switch_name, object);
	snprintf(reported + used, sizeof(reported) - used, "%s: %s\n", switch_name, text);
}

Test(daemon_apply, removals_are_events)
{
	switches.context.report = on_report;
	cr_assert_eq(apply("ab"), 0);
	cr_expect_str_empty(reported);
	cr_assert_eq(apply("b"), 0);
	cr_expect_str_eq(reported, "a: removed: it left the configuration\n");
}

Test(daemon_apply, unwritable_registry_is_not_fatal)
{
	switches.registry_path = "/nonexistent/switches";
	cr_assert_eq(apply("a"), 0);
	cr_expect_eq(errors.n, 2, "before and after the apply");
	cr_expect_str_eq(errors.messages[0],
			 "/nonexistent/switches: cannot be written: No such file or directory");
}

/* Each by itself, and those that are left stay registered. */
Test(daemon_apply, remove_all)
{
	cr_assert_eq(switch_registry_add(&switches.registry, "x"), 0);
	cr_assert_eq(switch_registry_add(&switches.registry, "y"), 0);
	set_pinned("x", true);
	set_pinned("y", true);
	failing[0] = "remove y";
	cr_expect_eq(switches_remove_all(&switches), -EBUSY);
	cr_expect_str_eq(steps, "remove y, remove x");
	cr_expect(has_error("y: cannot be removed: Device or resource busy"));
	expect_registry("y");
}

/* ---- expedited grace periods ---- */
/* The configuration has no port; those that leave are counted in the maps. */
Test(daemon_apply, ports_that_leave_are_detached_with_expedited_grace_periods)
{
	n_ports = 31;
	cr_assert_eq(apply("a"), 0);
	cr_expect_eq(rcu_seen, '0');
	n_ports = 600;
	cr_assert_eq(apply("a"), 0);
	cr_expect_eq(rcu_seen, '1');
	cr_expect(marker_seen);
	cr_expect_eq(rcu_value(), '0');
	cr_expect_eq(access(rcu_marker, F_OK), -1);
}

/* A user who may not write it: everything else works. */
Test(daemon_apply, a_setting_that_cannot_be_written_is_reported_once)
{
	n_ports = 600;
	cr_assert_eq(unlink(rcu_setting), 0);
	cr_assert_eq(apply("a"), 0);
	cr_assert_eq(errors.n, 1);
	cr_expect(strstr(errors.messages[0],
			 "cannot be switched on, so attaching and detaching many ports"),
		  "%s", errors.messages[0]);
	cr_expect_eq(access(rcu_marker, F_OK), -1);
	errors_done(&errors);
	cr_assert_eq(apply("a"), 0);
	cr_expect_eq(errors.n, 0);
	set_rcu("0\n");
}

Test(daemon_apply, a_setting_of_the_administrator_stays)
{
	set_rcu("1\n");
	n_ports = 600;
	cr_assert_eq(apply("a"), 0);
	cr_expect_not(marker_seen);
	cr_expect_eq(rcu_value(), '1');
}

/* Killed between begin and end: the next start or teardown switches it off. */
Test(daemon_apply, a_killed_daemon_leaves_a_marker)
{
	int fd = rcu_expedite_begin(&switches.rcu);

	cr_assert_geq(fd, 0);
	close(fd);
	cr_assert_eq(rcu_value(), '1');
	cr_expect_eq(rcu_expedite_restore(&switches.rcu), 0);
	cr_expect_eq(rcu_value(), '0');
	set_rcu("1\n");
	cr_expect_eq(rcu_expedite_restore(&switches.rcu), 0);
	cr_expect_eq(rcu_value(), '1', "without a marker it is not ours");
}

/* ---- descriptors ---- */
Test(daemon_apply, too_few_descriptors_are_refused_before_anything_is_opened)
{
	struct rlimit limit = { .rlim_cur = 200, .rlim_max = 200 };

	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_expect_eq(apply("abc"), -EMFILE);
	cr_expect_str_eq(steps, "");
	cr_assert_eq(errors.n, 1);
	cr_expect_str_eq(
		errors.messages[0],
		"3 switches need 337 file descriptors, and the limit is 200; raise LimitNOFILE= of the service, or use fewer switches: Too many open files");
}

Test(daemon_apply, the_soft_limit_is_raised_as_needed)
{
	struct rlimit limit = { .rlim_cur = 200, .rlim_max = 1000 };

	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_assert_eq(apply("abc"), 0);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_expect_eq(limit.rlim_cur, 337);
}
