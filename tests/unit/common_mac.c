// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <criterion/criterion.h>

#include "abi.h"
#include "common/util.h"
#include "match_table.h"

TestSuite(common_mac);

Test(common_mac, any_bit_makes_an_address)
{
	cr_expect(mac_is_zero((const uint8_t[6]){}));
	for (int bit = 0; bit < 48; bit++) {
		uint8_t mac[6] = {};

		mac[bit / 8] = (uint8_t)(1 << bit % 8);
		cr_expect_not(mac_is_zero(mac), "bit %d", bit);
	}
}

Test(common_mac, address_of_a_forwarding_key)
{
	const uint8_t mac[6] = { 0x52, 0x54, 0xfe, 0x34, 0x56, 0x01 };
	const uint32_t vids[] = { 0, 1, 100, 4095 };

	for (size_t i = 0; i < ARRAY_SIZE(vids); i++) {
		uint8_t back[6] = {};

		mac_from_key(ul_fdb_key(vids[i], mac), back);
		cr_expect_arr_eq(back, mac, 6, "VLAN %u", vids[i]);
	}
}
