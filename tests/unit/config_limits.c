// SPDX-License-Identifier: GPL-2.0
/* Files that are too large for the tables of the data plane, or made to exhaust the reader. */
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
	struct config_errors errors = { 0 };
	struct model *model = NULL;
	int r;

	fclose(t->f);
	r = config_parse(t->text, t->size, "t.yaml", &model, &errors);
	cr_expect_eq(r, message ? -EINVAL : 0, "%d: %s", r, errors.n ? errors.messages[0] : "");
	cr_expect_eq(errors.n, message ? 1 : 0, "%zu messages", errors.n);
	if (message && errors.n)
		cr_expect_str_eq(errors.messages[0], message, "%s", errors.messages[0]);
	cr_expect_eq(model != NULL, message == NULL);
	config_errors_done(&errors);
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
	expect(&t, "t.yaml: switches: 65 entries: must be a list of 1-64 switches");
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
	       "t.yaml: switches[0].port-groups: 4161 entries: must be a list of at most 4160 port groups");
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
	       "t.yaml: switches[0].port-groups: 4097 ports: must be at most 4096 ports in a switch");
}

Test(config_limits, add_port)
{
	struct port_cfg port = { .interface = "extra",
				 .has_mac = true,
				 .mac = { 0x52, 0x54, 0, 0xff, 0, 1 } };
	struct config_errors errors = { 0 };
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
	config_errors_done(&errors);
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
	       "t.yaml: switches[0].port-groups: more than 64 different teaming settings in a switch, its own included");
}

/* Nine lists of nine aliases each: 9^9 nodes if somebody followed them all. */
Test(config_limits, billion_laughs, .timeout = 20)
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

	struct config_errors errors = { 0 };
	struct model *model = NULL;

	cr_expect_eq(config_parse(t.text, t.size, "t.yaml", &model, &errors), -EINVAL);
	cr_expect_eq(errors.n, 10 + 9, "%zu", errors.n);
	config_errors_done(&errors);
	free(t.text);
}

/* The same with lists that the schema does follow: 60 switches, 4000 groups, 4000 ports, one text
 * each. */
Test(config_limits, aliases_in_place, .timeout = 60)
{
	struct config_errors errors = { 0 };
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
	config_errors_done(&errors);
	free(t.text);
}

Test(config_limits, too_many_steps, .timeout = 60)
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

	struct config_errors errors = { 0 };
	struct model *model = NULL;

	cr_expect_eq(config_parse(t.text, t.size, "t.yaml", &model, &errors), -EINVAL);
	cr_assert_eq(errors.n, 1, "%zu %s", errors.n, errors.n ? errors.messages[0] : "");
	cr_expect(strstr(errors.messages[0], "more than 1000000 values, aliases included"), "%s",
		  errors.messages[0]);
	config_errors_done(&errors);
	free(t.text);
}

Test(config_limits, cycles, .timeout = 20)
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
		struct config_errors errors = { 0 };
		struct model *model = NULL;

		cr_expect_eq(config_parse(texts[i], strlen(texts[i]), "t.yaml", &model, &errors),
			     -EINVAL, "%s", texts[i]);
		cr_expect_gt(errors.n, 0);
		cr_expect_lt(errors.n, 30);
		config_errors_done(&errors);
	}
}

Test(config_limits, nesting, .timeout = 60)
{
	struct config_errors errors = { 0 };
	struct model *model = NULL;
	size_t n = 20000;
	char *text = malloc(n);

	memset(text, '[', n);
	cr_expect_eq(config_parse(text, n, "t.yaml", &model, &errors), -EINVAL);
	cr_expect_eq(errors.n, 1);
	config_errors_done(&errors);
	free(text);
}

Test(config_limits, length, .timeout = 20)
{
	struct config_errors errors = { 0 };
	struct model *model = NULL;
	char *text = calloc(1, TREE_MAX_BYTES + 1);

	memset(text, ' ', TREE_MAX_BYTES + 1);
	cr_expect_eq(config_parse(text, TREE_MAX_BYTES + 1, "t.yaml", &model, &errors), -EINVAL);
	cr_assert_eq(errors.n, 1);
	cr_expect_str_eq(errors.messages[0],
			 "t.yaml: 16777217 bytes: must be at most 16777216 bytes");
	config_errors_done(&errors);
	free(text);
}

Test(config_limits, many_mistakes)
{
	struct config_errors errors = { 0 };
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
	config_errors_done(&errors);
	free(t.text);
}
