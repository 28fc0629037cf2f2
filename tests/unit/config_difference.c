// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "config/difference.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "common/util.h"

static const char before[] = "switches:\n"
			     "  - name: vs\n"
			     "    uplinks: [eth0, eth1]\n"
			     "    port-groups:\n"
			     "      - name: prod\n"
			     "        vlan: 100\n"
			     "        ports:\n"
			     "          - {interface: vm1, mac: \"52:54:00:00:00:01\"}\n";

static void expect(const char *after, const char *expected)
{
	_cleanup_free_ char *text = NULL;

	cr_assert_eq(config_difference(before, after, &text), 0);
	cr_expect_str_eq(text, expected);
}

Test(config_difference, of_equal_texts_is_empty)
{
	expect(before, "");
}

Test(config_difference, has_paths_with_names)
{
	expect("switches:\n"
	       "  - name: vs\n"
	       "    uplinks: [eth1, eth0]\n"
	       "    port-groups:\n"
	       "      - name: prod\n"
	       "        vlan: 90\n"
	       "        ports:\n"
	       "          - {interface: vm2}\n",
	       "- switches[vs].port-groups[prod].ports[vm1]\n"
	       "- switches[vs].port-groups[prod].ports[vm1].mac: 52:54:00:00:00:01\n"
	       "+ switches[vs].port-groups[prod].ports[vm2]\n"
	       "- switches[vs].port-groups[prod].vlan: 100\n"
	       "+ switches[vs].port-groups[prod].vlan: 90\n"
	       "- switches[vs].uplinks: [eth0, eth1]\n"
	       "+ switches[vs].uplinks: [eth1, eth0]\n");
}

Test(config_difference, is_bounded)
{
	_cleanup_free_ char *text = NULL, *many = NULL;
	size_t size, lines = 0;
	FILE *out = open_memstream(&many, &size);

	fputs("switches:\n", out);
	for (int i = 0; i < 1000; i++)
		fprintf(out, "  - name: s%d\n", i);
	fclose(out);
	cr_assert_eq(config_difference(before, many, &text), 0);
	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	cr_expect_eq(lines, DIFFERENCE_MAX_LINES + 1);
	cr_expect(strstr(text, "\n... 806 more lines\n"), "%s", strstr(text, "..."));
}

Test(config_difference, refuses_what_is_no_yaml)
{
	char *text = NULL;

	cr_expect_eq(config_difference(before, "a: [", &text), -EINVAL);
	cr_expect_null(text);
}
