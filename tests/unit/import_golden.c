// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Golden files of `uplinkctl import`: recorded output of the real tools in, the complete
 * configuration out. tests/unit/data/import/README.md describes how the input was recorded. After a
 * deliberate change, UL_WRITE_GOLDEN=1 writes the expected files; review the difference.
 */
#include <criterion/criterion.h>

#include "config/model.h"
#include "ctl_run.h"

TestSuite(import_golden, .timeout = 300);

#define DIR "tests/unit/data/import/"

/* Sources (without the folder, up to NULL), --uplinks or NULL, and whether everything is mapped. */
static const struct {
	const char *expected;
	const char *sources[4], *uplinks;
	bool complete;
	/* clang-format off */
} cases[] = {
	{ "bond-vlan-bridge.yaml", { "ip:" DIR "bond-vlan-bridge" }, NULL, true },
	{ "vlan-aware.yaml", { "ip:" DIR "vlan-aware" }, NULL, false },
	{ "plain.yaml", { "ip:" DIR "plain" }, NULL, false },
	{ "xor.yaml", { "ip:" DIR "xor" }, NULL, false },
	{ "rr.yaml", { "ip:" DIR "rr" }, NULL, false },
	{ "ifupdown.yaml", { "ifupdown:" DIR "ifupdown/interfaces" }, NULL, false },
	{ "ifupdown2.yaml", { "ifupdown:" DIR "ifupdown2/interfaces" }, NULL, true },
	{ "netplan.yaml", { "netplan:" DIR "netplan" }, NULL, true },
	{ "networkd.yaml", { "networkd:" DIR "networkd" }, NULL, false },
	{ "proc-bonding.yaml", { "bonding:" DIR "proc-bonding" }, NULL, true },
	{ "sysfs.yaml", { "bonding:" DIR "sysfs" }, NULL, true },
	{ "ovs.yaml", { "ovs:" DIR "ovs/ovs.json" }, NULL, false },
	{ "ovs-with-addresses.yaml", { "ip:" DIR "ovs/address.json", "ip:" DIR "ovs/route.json", "ovs:" DIR "ovs/ovs.json" }, NULL, false },
	{ "uplinks-option.yaml", { "ip:" DIR "veth/address.json" }, "eth0,eth1", true },
};
/* clang-format on */

static char *read_expected(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = calloc(1, 1 << 20);

	cr_assert(file && text, "%s: cannot be read", path);
	cr_assert_lt(fread(text, 1, (1 << 20) - 1, file), (size_t)(1 << 20) - 1);
	fclose(file);
	return text;
}

static void write_expected(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0, "%s: cannot be written",
		  path);
}

static void check_case(size_t i)
{
	const char *const *source = cases[i].sources;
	_cleanup_(errors_done) struct errors errors = {};
	_cleanup_free_ char *expected = NULL;
	struct model *model = NULL;
	char path[256];
	struct run run;

	run = cases[i].uplinks ? run_ctl("import", "--uplinks", cases[i].uplinks, source[0],
					 source[1], source[2], NULL) :
				 run_ctl("import", source[0], source[1], source[2], NULL);
	snprintf(path, sizeof(path), DIR "%s", cases[i].expected);
	if (getenv("UL_WRITE_GOLDEN"))
		write_expected(path, run.out);
	expected = read_expected(path);
	cr_expect_str_eq(run.out, expected, "%s differs: %s\n%s", path, run.out, run.err);
	cr_expect_eq(run.status, cases[i].complete ? CTL_DONE : CTL_WRONG_REQUEST, "%s: %s", path,
		     run.err);
	cr_expect_eq(run.err[0] == '\0', cases[i].complete, "%s: %s", path, run.err);
	/* uplinkd accepts the file */
	cr_expect_eq(config_load(path, &model, &errors), 0, "%s: %s", path,
		     errors.n ? errors.messages[0] : "");
	model_free(model);
	run_done(&run);
}

Test(import_golden, each_source_results_in_its_configuration)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_case(i);
}

/* Each thing that is not mapped is a comment of the file and a line of standard error. */
Test(import_golden, remarks_are_on_standard_error_and_in_json)
{
	struct run text = run_ctl("import", "ifupdown:" DIR "ifupdown/interfaces", NULL),
		   json = run_ctl("--json", "import", "ifupdown:" DIR "ifupdown/interfaces", NULL);
	json_auto_t *value = run_json(&json);
	json_t *remark;
	size_t i;

	expect_keys("import", value, "configuration:s not_mapped:a notes:a");
	cr_expect_str_eq(json_string_value(json_object_get(value, "configuration")), text.out);
	cr_expect_gt(json_array_size(json_object_get(value, "not_mapped")), 0u);
	json_array_foreach(json_object_get(value, "not_mapped"), i, remark)
		cr_expect(strstr(text.err, json_string_value(remark)), "not on standard error: %s",
			  json_string_value(remark));
	cr_expect_eq(json.status, CTL_WRONG_REQUEST);
	run_done(&text);
	run_done(&json);
}
