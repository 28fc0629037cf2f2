// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "common/address.h"

#include <criterion/criterion.h>

#include "common/util.h"

Test(common_address, text_and_back)
{
	static const struct {
		const char *text, *with_length, *without;
	} rows[] = {
		{ "192.0.2.10/24", "192.0.2.10/24", "192.0.2.10" },
		{ "192.0.2.10", "192.0.2.10/32", "192.0.2.10" },
		{ "0.0.0.0/0", "0.0.0.0/0", "0.0.0.0" },
		{ "2001:DB8::1/64", "2001:db8::1/64", "2001:db8::1" },
		{ "::", "::/128", "::" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[ADDRESS_TEXT_LEN];
		struct address address;

		cr_assert_eq(address_from_text(rows[i].text, &address), 0, "%s", rows[i].text);
		cr_expect_str_eq(address_to_text(&address, true, text), rows[i].with_length);
		cr_expect_str_eq(address_to_text(&address, false, text), rows[i].without);
	}
}

Test(common_address, anything_else_is_refused)
{
	static const char *const texts[] = {
		"",
		"/",
		"/24",
		"192.0.2.10/",
		"192.0.2.10/33",
		"192.0.2",
		"::/129",
		"192.0.2.10/-1",
		"192.0.2.10/+1",
		"192.0.2.10/24x",
		"::1 ",
		"192.0.2.10 ",
		"fe80::1%eth0",
		"x",
		"11111111111111111111111111111111111111111111111111111111::/8",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct address address = { .family = 7 };

		cr_expect_eq(address_from_text(texts[i], &address), -EINVAL, "'%s'", texts[i]);
		cr_expect_eq(address.family, 7, "untouched");
	}
}

Test(common_address, equality_includes_the_length)
{
	struct address a, b;

	cr_assert_eq(address_from_text("192.0.2.10/24", &a), 0);
	b = a;
	b.bytes[15] = 1; /* beyond an IPv4 address */
	cr_assert(address_equal(&a, &b));
	b.prefix_length = 25;
	cr_assert(!address_equal(&a, &b));
}
