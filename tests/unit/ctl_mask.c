// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Addresses that are replaced in text. */
#include "ctl/mask.h"

#include <criterion/criterion.h>
#include <string.h>

#include "common/util.h"

static struct mask mask;

static void setup(void)
{
	cr_assert_eq(mask_init(&mask), 0);
}

static void teardown(void)
{
	mask_done(&mask);
}

TestSuite(ctl_mask, .init = setup, .fini = teardown);

static void expect(const char *text, const char *expected)
{
	_cleanup_free_ char *masked = NULL;
	size_t length = 0;

	cr_assert_eq(mask_text(&mask, text, strlen(text), &masked, &length), 0);
	cr_expect_str_eq(masked, expected);
	cr_expect_eq(length, strlen(expected));
}

Test(ctl_mask, one_address_has_one_replacement_in_all_texts)
{
	expect("\"mac\": \"52:54:00:12:34:56\", 10.1.2.3/24",
	       "\"mac\": \"02:00:00:00:00:01\", 198.18.0.1/24");
	expect("52:54:00:AA:bb:cc then 52:54:00:12:34:56.", "02:00:00:00:00:02 then "
							    "02:00:00:00:00:01.");
	expect("10.1.2.4, 10.1.2.3: down", "198.18.0.2, 198.18.0.1: down");
	expect("fe80::1/64 and 2001:DB8:0:0::5", "2001:db8::0:1/64 and 2001:db8::0:2");
	expect("[fe80:0:0::1]", "[2001:db8::0:1]");
}

Test(ctl_mask, what_is_no_address_of_a_machine_stays)
{
	static const char *const texts[] = {
		"ff:ff:ff:ff:ff:ff 01:80:c2:00:00:02 33:33:00:00:00:01 00:00:00:00:00:00",
		"127.0.0.1 0.0.0.0 224.0.0.5 255.255.255.255 :: ::1 ff02::1",
		"2026-11-22 20:16:33.123 6.1.0 0.1.0 eth0.100 1.5 a:b ::: ... :",
		"version-1.2.3.4 x10.1.2.3 abc def:",
		"",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		expect(texts[i], texts[i]);
}

Test(ctl_mask, more_than_256)
{
	char text[32];

	for (int i = 0; i < 300; i++) {
		snprintf(text, sizeof(text), "52:54:00:00:%02x:%02x", i >> 8, i & 255);
		_cleanup_free_ char *masked = NULL;
		size_t length;

		cr_assert_eq(mask_text(&mask, text, strlen(text), &masked, &length), 0);
	}
	expect("52:54:00:00:01:2b", "02:00:00:00:01:2c");
}

Test(ctl_mask, bytes_of_any_kind_pass)
{
	const char bytes[] = "\0\xff\x80 1.2.3.4\0:";
	_cleanup_free_ char *masked = NULL;
	size_t length = 0;

	cr_assert_eq(mask_text(&mask, bytes, sizeof(bytes), &masked, &length), 0);
	cr_assert_eq(length, sizeof(bytes) + 3);
	cr_expect(memcmp(masked, "\0\xff\x80 198.18.0.1\0:", length) == 0);
}
