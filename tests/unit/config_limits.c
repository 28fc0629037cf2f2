// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Files that exceed the tables of the data plane, and files that try to exhaust the reader. */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "common/util.h"
#include "config/model.h"
#include "config/tree.h"

struct text {
	FILE *f;
	char *text;
	size_t size;
};

static void start(struct text *t, const char *head)
{
	t->f = open_memstream(&t->text, &t->size);
	fputs(head, t->f);
}

/* Parses and frees the text; compares the only message, or expects success when it is NULL. */
static void expect(struct text *t, const char *message)
{
	struct errors errors = { 0 };
	struct model *model = NULL;
	int r;

	fclose(t->f);
	r = config_parse(t->text, t->size, "t.yaml", &model, &errors);
	cr_expect_eq(r, message ? -EINVAL : 0, "%d: %s", r, errors.n ? errors.messages[0] : "");
	cr_expect_eq(errors.n, message ? 1 : 0, "%zu messages", errors.n);
	if (message && errors.n)
		cr_expect_str_eq(errors.messages[0], message, "%s", errors.messages[0]);
	cr_expect_eq(model != NULL, message == NULL);
	errors_done(&errors);
	model_free(model);
	free(t->text);
}

static void switches(struct text *t, int n)
{
	start(t, "switches:\n");
	for (int i = 0; i < n; i++)
		fprintf(t->f, "  - {name: s%d, uplinks: [e%d]}\n", i, i);
}

Test(config_limits, switches)
{
	struct text t;

	switches(&t, 64);
	expect(&t, NULL);
	switches(&t, 65);
	expect(&t, "t.yaml:1: switches: 65 entries: must be a list of 0-64 switches");
}

static void groups(struct text *t, int n)
{
	start(t, "switches:\n  - name: s0\n    uplinks: [e0]\n    port-groups:\n");
	for (int i = 0; i < n; i++)
		fprintf(t->f, "      - {name: g%d, vlan: %d}\n", i, i % 4096);
}

Test(config_limits, groups)
{
	struct text t;

	groups(&t, UL_MAX_GROUPS);
	expect(&t, NULL);
	groups(&t, UL_MAX_GROUPS + 1);
	expect(&t,
	       "t.yaml:4: switches[0].port-groups: 4161 entries: must be a list of at most 4160 port groups");
}

/* Half of the ports in each of two groups */
static void ports(struct text *t, int n)
{
	start(t, "switches:\n  - name: s0\n    uplinks: [e0]\n    port-groups:\n");
	for (int i = 0; i < n; i++) {
		if (i == 0 || i == n / 2)
			fprintf(t->f, "      - name: g%d\n        ports:\n", i);
		fprintf(t->f, "          - {interface: v%d, mac: \"52:54:00:00:%02x:%02x\"}\n", i,
			i >> 8 & 0xff, i & 0xff);
	}
}

Test(config_limits, ports)
{
	struct text t;

	ports(&t, UL_MAX_PORTS);
	expect(&t, NULL);
	ports(&t, UL_MAX_PORTS + 1);
	expect(&t,
	       "t.yaml:4: switches[0].port-groups: 4097 ports: must be at most 4096 ports in a switch");
}

Test(config_limits, add_port)
{
	struct port_cfg port = { .interface = "extra",
				 .has_mac = true,
				 .mac = { 0x52, 0x54, 0, 0xff, 0, 1 } };
	struct errors errors = { 0 };
	struct model *model = NULL;
	struct text t;

	ports(&t, UL_MAX_PORTS);
	fclose(t.f);
	cr_assert_eq(config_parse(t.text, t.size, "t.yaml", &model, &errors), 0);
	free(t.text);
	cr_expect_eq(model_add_port(model, "s0", "g0", &port, &errors), -EINVAL);
	cr_assert_eq(errors.n, 1);
	cr_expect_str_eq(errors.messages[0],
			 "extra: s0 has 4096 ports already: must be at most 4096");
	cr_expect_eq(model->switches[0].groups[0].n_ports, UL_MAX_PORTS / 2);
	errors_done(&errors);
	model_free(model);
}

/* Group i has i's bits as its settings: 2 methods, rehash, octets, notify, failback and two lists
 * give 64 different ones. The switch's own teaming is port-id, which none of them has. */
static void teamings(struct text *t, int n)
{
	start(t, "switches:\n  - name: s0\n    uplinks: [e0, e1]\n    port-groups:\n");
	for (int i = 0; i < n; i++)
		fprintf(t->f,
			"      - {name: g%d, teaming: {load-balancing: %s, rehash: %s, iphash-octets: %s, notify-switches: %s, "
			"failback: %s, active: [%s]}}\n",
			i, i & 1 ? "src-mac" : "failover-order", i & 2 ? "modulo" : "minimal",
			i & 4 ? "last" : "all", i & 8 ? "true" : "false", i & 16 ? "true" : "false",
			i & 32 ? "e0" : "e1, e0");
	fprintf(t->f,
		"      - {name: again, teaming: {load-balancing: failover-order, notify-switches: false, failback: false, "
		"active: [e1, e0]}}\n      - {name: inherits}\n");
}

Test(config_limits, policies)
{
	struct text t;

	teamings(&t, UL_MAX_POLICIES - 1);
	expect(&t, NULL);
	teamings(&t, UL_MAX_POLICIES);
	expect(&t,
	       "t.yaml:4: switches[0].port-groups: more than 64 different teaming settings in a switch, including its own");
}

/* Nine lists of nine aliases each: 9^9 nodes for a reader that follows all of them. */
Test(config_limits, billion_laughs, .timeout = 300)
{
	struct text t;

	start(&t, "a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 10; i++) {
		fprintf(t.f, "a%d: &a%d [", i, i);
		for (int k = 0; k < 9; k++)
			fprintf(t.f, "%s*a%d", k ? "," : "", i - 1);
		fprintf(t.f, "]\n");
	}
	fputs("switches: *a9\n", t.f);
	fclose(t.f);

	struct errors errors = { 0 };
	struct model *model = NULL;

	cr_expect_eq(config_parse(t.text, t.size, "t.yaml", &model, &errors), -EINVAL);
	cr_expect_eq(errors.n, 10 + 9, "%zu", errors.n);
	errors_done(&errors);
	free(t.text);
}

/* The same with lists that the reader follows: 60 switches, 4000 groups, 4000 ports, one text
 * each. */
Test(config_limits, aliases_in_place, .timeout = 300)
{
	struct errors errors = { 0 };
	struct model *model = NULL;
	struct text t;

	start(&t,
	      "switches:\n - &s\n  name: s\n  uplinks: [e]\n  port-groups:\n   - &g\n    name: g\n    ports:\n     - &p {interface: p}\n");
	for (int i = 0; i < 4000; i++)
		fprintf(t.f, "     - *p\n");
	for (int i = 0; i < 4000; i++)
		fprintf(t.f, "   - *g\n");
	for (int i = 0; i < 60; i++)
		fprintf(t.f, " - *s\n");
	fclose(t.f);

	cr_expect_eq(config_parse(t.text, t.size, "t.yaml", &model, &errors), -EINVAL);
	cr_assert_eq(errors.n, 1001, "%zu", errors.n);
	cr_expect_str_eq(errors.messages[1000],
			 "t.yaml: more than 1000 mistakes; the others are not shown");
	errors_done(&errors);
	free(t.text);
}

Test(config_limits, too_many_steps, .timeout = 300)
{
	struct text t;

	/* No mistake but the number: each of 64 switches has the same 4000 groups with three
	 * settings. */
	start(&t, "switches:\n");
	for (int s = 0; s < 64; s++) {
		fprintf(t.f, " - name: s%d\n   uplinks: [e%d]\n   port-groups:%s\n", s, s,
			s ? " *groups" : " &groups");
		for (int g = 0; s == 0 && g < 4000; g++)
			fprintf(t.f, "    - {name: g%d, vlan: 5, teaming: {failback: true}}\n", g);
	}
	fclose(t.f);

	struct errors errors = { 0 };
	struct model *model = NULL;

	cr_expect_eq(config_parse(t.text, t.size, "t.yaml", &model, &errors), -EINVAL);
	cr_assert_eq(errors.n, 1, "%zu %s", errors.n, errors.n ? errors.messages[0] : "");
	cr_expect(strstr(errors.messages[0], "more than 1000000 values, aliases included"), "%s",
		  errors.messages[0]);
	errors_done(&errors);
	free(t.text);
}

Test(config_limits, cycles, .timeout = 300)
{
	static const char *const texts[] = {
		"&a [*a]",
		"switches: &a [*a]",
		"&a {switches: [*a]}",
		"switches: &s\n - &m\n  name: a\n  uplinks: *s\n  port-groups: *s\n  teaming: *m\n",
		"&a {switches: *a, control: *a}",
		"&a {? *a : 1}",
		"switches: [{name: a, uplinks: &u [*u]}]",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct errors errors = { 0 };
		struct model *model = NULL;

		cr_expect_eq(config_parse(texts[i], strlen(texts[i]), "t.yaml", &model, &errors),
			     -EINVAL, "%s", texts[i]);
		cr_expect_gt(errors.n, 0);
		cr_expect_lt(errors.n, 30);
		errors_done(&errors);
	}
}

/* ---- nesting ---- */
static void start_nested(struct text *t, const char *open, size_t n)
{
	start(t, "");
	for (size_t i = 0; i < n; i++)
		fputs(open, t->f);
}

#define NESTING "33 levels of lists and mappings: must be 0-32"

Test(config_limits, nesting_of_flow_collections, .timeout = 300)
{
	struct text t;

	start_nested(&t, "[", 33);
	expect(&t, "t.yaml:1:33: " NESTING);
	start_nested(&t, "[\n", 33);
	expect(&t, "t.yaml:33:1: " NESTING);
	start_nested(&t, "{a: ", 33);
	expect(&t, "t.yaml:1:129: " NESTING);
	/* The reader stops at the limit; the whole would take a minute. */
	start_nested(&t, "[", 200000);
	expect(&t, "t.yaml:1:33: " NESTING);
}

Test(config_limits, nesting_of_block_collections, .timeout = 300)
{
	struct text t;

	start_nested(&t, "- ", 33);
	expect(&t, "t.yaml:1:65: " NESTING);
	start(&t, "");
	for (int i = 0; i < 33; i++)
		fprintf(t.f, "%*sa:\n", i, "");
	expect(&t, "t.yaml:33:33: " NESTING);
}

/* The limit itself is valid YAML, and is refused for its content only. */
Test(config_limits, deepest_nesting)
{
	struct text t;

	start_nested(&t, "[", 32);
	for (int i = 0; i < 32; i++)
		fputc(']', t.f);
	expect(&t, "t.yaml:1: a list: must be a mapping");
}

Test(config_limits, many_anchors, .timeout = 300)
{
	struct text t;

	start(&t, "switches: [{name: s, uplinks: [e]}]\nx:\n");
	for (int i = 0; i < 100000; i++)
		fprintf(t.f, " - &a%d 1\n", i);
	expect(&t, "t.yaml:2: x: unknown key: must be one of switches or control");
}

Test(config_limits, many_values, .timeout = 300)
{
	struct text t;

	start(&t, "x:\n");
	for (unsigned int i = 0; i < TREE_MAX_VALUES; i++)
		fputs("- a\n", t.f);
	expect(&t, "t.yaml:999999:3: more than 1000000 values: must be at most 1000000");
}

/* ---- size ---- */
Test(config_limits, length, .timeout = 300)
{
	struct errors errors = { 0 };
	struct model *model = NULL;
	char *text = calloc(1, TREE_MAX_BYTES + 1);

	memset(text, ' ', TREE_MAX_BYTES + 1);
	cr_expect_eq(config_parse(text, TREE_MAX_BYTES + 1, "t.yaml", &model, &errors), -EINVAL);
	cr_assert_eq(errors.n, 1);
	cr_expect_str_eq(errors.messages[0],
			 "t.yaml: 16777217 bytes: must be at most 16777216 bytes");
	errors_done(&errors);
	free(text);
}

/* The size of a regular file is known before it is read. */
Test(config_limits, length_of_a_file)
{
	char path[] = "/tmp/uplinkd-test-XXXXXX", *expected = NULL;
	struct errors errors = { 0 };
	struct model *model = NULL;
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_assert_eq(ftruncate(fd, 3LL << 30), 0);
	cr_expect_eq(config_load(path, &model, &errors), -EINVAL);
	cr_assert_gt(asprintf(&expected, "%s: 3221225472 bytes: must be at most 16777216 bytes",
			      path),
		     0);
	cr_assert_eq(errors.n, 1);
	cr_expect_str_eq(errors.messages[0], expected);
	free(expected);
	errors_done(&errors);
	close(fd);
	unlink(path);
}

Test(config_limits, many_mistakes)
{
	struct errors errors = { 0 };
	struct model *model = NULL;
	struct text t;

	start(&t, "switches: [{name: s, uplinks: [e]}]\n");
	for (int i = 0; i < 1500; i++)
		fprintf(t.f, "key%d: 1\n", i);
	fclose(t.f);
	cr_expect_eq(config_parse(t.text, t.size, "t.yaml", &model, &errors), -EINVAL);
	cr_assert_eq(errors.n, 1001);
	cr_expect_str_eq(errors.messages[1000],
			 "t.yaml: more than 1000 mistakes; the others are not shown");
	errors_done(&errors);
	free(t.text);
}
