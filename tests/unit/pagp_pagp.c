// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Inputs of PAgP: ports, links, frames and their limits. */
#include <criterion/criterion.h>

#include "pagp_rig.h"

RIG_SUITE(pagp_pagp);

Test(pagp_pagp, port_numbers)
{
	struct pagp_port_config port = { .number = 1 };

	prig_open(&rig, &config, 1);
	cr_assert_eq(pagp_port_add(rig.pagp, &port), -EEXIST);
	port.number = 0;
	cr_assert_eq(pagp_port_add(rig.pagp, &port), -EINVAL);
	port.number = PAGP_GROUP;
	cr_assert_eq(pagp_port_add(rig.pagp, &port), -EINVAL, "that of the aggregation");
	for (port.number = 2; port.number <= PAGP_MAX_PORTS; port.number++)
		cr_assert_eq(pagp_port_add(rig.pagp, &port), 0);
	cr_assert_eq(pagp_port_add(rig.pagp, &port), -ENOSPC);
	port.number = 200;
	cr_assert_eq(pagp_port_configure(rig.pagp, &port), -ENOENT);
	cr_assert_eq(pagp_port_remove(rig.pagp, 200, rig.now_ms), -ENOENT);
	cr_assert_eq(pagp_port_set_link(rig.pagp, 200, true, 0, true, rig.now_ms), -ENOENT);
	cr_assert_eq(pagp_port_set_drained(rig.pagp, 200, true, rig.now_ms), -ENOENT);
	cr_assert_eq(pagp_receive(rig.pagp, 200, NULL, 0, rig.now_ms), -ENOENT);
}

Test(pagp_pagp, a_lost_link_forgets_the_partner)
{
	prig_open(&rig, &config, 2);
	prig_join(&rig, 2, SLOW);
	prig_link(&rig, 1, false);
	prig_run(&rig);
	cr_assert_eq(prig_in_use(&rig), 0x4);
	cr_assert_eq(prig_record(&rig, 1).state, PAGP_PORT_DOWN);
	rig.n_sent[1] = 0;
	prig_pass(&rig, 20000);
	cr_assert_eq(rig.n_sent[1], 0, "nothing is sent on a dead link");
	prig_link(&rig, 1, true);
	prig_run(&rig);
	cr_assert_eq(rig.n_sent[1], 1, "but at once when it returns");
	cr_assert_eq(rig.sent[1].count, 0);
	cr_assert_eq(prig_in_use(&rig), 0x4);
}

Test(pagp_pagp, half_duplex_is_not_aggregated)
{
	prig_open(&rig, &config, 1);
	prig_join(&rig, 1, 0);
	cr_assert_eq(pagp_port_set_link(rig.pagp, 1, true, 100, false, rig.now_ms), 0);
	prig_run(&rig);
	cr_assert_eq(prig_in_use(&rig), 0);
	cr_assert_eq(prig_record(&rig, 1).state, PAGP_PORT_DOWN);
	cr_assert_eq(pagp_port_set_link(rig.pagp, 1, true, 0, false, rig.now_ms), 0);
	prig_join(&rig, 1, 0);
	cr_assert_eq(prig_in_use(&rig), 1 << 1, "virtual NICs report no duplex");
}

Test(pagp_pagp, frames_of_a_link_that_is_down)
{
	prig_open(&rig, &config, 1);
	prig_link(&rig, 1, false);
	cr_assert_eq(prig_hear_raw(&rig, 1), -ENETDOWN);
	cr_assert_eq(prig_record(&rig, 1).counters.link_down_rx, 1);
}

Test(pagp_pagp, ten_differing_pdus_in_a_second_and_any_number_of_repetitions)
{
	prig_open(&rig, &config, 1);
	for (uint8_t i = 0; i < 10; i++) {
		rig.partner[1].local.priority = i;
		cr_assert_eq(prig_hear_raw(&rig, 1), 0);
	}
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(prig_hear_raw(&rig, 1), 0);
	rig.partner[1].local.priority = 10;
	cr_assert_eq(prig_hear_raw(&rig, 1), -EBUSY);
	cr_assert_eq(prig_record(&rig, 1).counters.excess_rx, 1);
	prig_pass(&rig, 1000);
	cr_assert_eq(prig_hear_raw(&rig, 1), 0);
}

Test(pagp_pagp, malformed_frames_are_counted_and_reported_once_in_ten_seconds)
{
	static const uint8_t bad[] = { 0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc, 2, 0,    0, 0, 0, 9,
				       0,    9,	   0xaa, 0xaa, 3,    0,	   0, 0x0c, 1, 4, 7 };

	prig_open(&rig, &config, 1);
	for (int i = 0; i < 100; i++)
		cr_assert_eq(pagp_receive(rig.pagp, 1, bad, sizeof(bad), rig.now_ms), -EBADMSG);
	cr_assert_eq(prig_record(&rig, 1).counters.illegal_rx, 100);
	cr_assert_eq(rig.n_events[1][PAGP_EVENT_REJECTED], 1);
	cr_assert_str_eq(rig.event[PAGP_EVENT_REJECTED], "rejected 1 PDUs, last: bad version (7)");
	rig.now_ms += 10000;
	cr_assert_eq(pagp_receive(rig.pagp, 1, bad, sizeof(bad), rig.now_ms), -EBADMSG);
	cr_assert_str_eq(rig.event[PAGP_EVENT_REJECTED],
			 "rejected 100 PDUs, last: bad version (7)");
}

Test(pagp_pagp, other_protocols_are_not_counted)
{
	uint8_t frame[PAGP_MAX_FRAME];
	size_t length;

	prig_open(&rig, &config, 1);
	length = pagp_frame_build(frame, prig_switch, &rig.partner[1], "", "");
	frame[PAGP_OFF_SNAP + 6] = 0x20; /* CDP */
	cr_assert_eq(pagp_receive(rig.pagp, 1, frame, length, rig.now_ms), -EPROTONOSUPPORT);
	cr_assert_eq(prig_record(&rig, 1).counters.illegal_rx, 0);
	cr_assert_eq(prig_record(&rig, 1).counters.info_rx, 0);
}

/* ---- loops and hubs ---- */
Test(pagp_pagp, the_own_device_id_takes_the_port_out)
{
	struct pagp_pdu good;

	prig_open(&rig, &config, 2);
	prig_join(&rig, 2, 0);
	good = rig.partner[1];
	rig.partner[1] = rig.sent[2];
	cr_assert_eq(prig_hear_raw(&rig, 1), 0);
	cr_assert_eq(prig_in_use(&rig), 0x4);
	cr_assert_eq(prig_record(&rig, 1).counters.loopback_rx, 1);
	cr_assert(prig_record(&rig, 1).flags & UL_PAGP_LOOPBACK);
	rig.partner[1] = good;
	prig_pass_hearing(&rig, 5000, 1000, 2, C, SWITCH_GROUP);
	cr_assert_eq(prig_in_use(&rig), 0x6, "over when it is not received any longer");
}

Test(pagp_pagp, a_second_device_takes_the_port_out)
{
	struct pagp_pdu good;

	prig_open(&rig, &config, 2);
	prig_join(&rig, 2, 0);
	good = rig.partner[1];
	memcpy(rig.partner[1].local.device, prig_other, 6);
	cr_assert_eq(prig_hear_raw(&rig, 1), 0);
	cr_assert_eq(prig_in_use(&rig), 0x4);
	cr_assert_eq(rig.sent[1].count, 2);
	cr_assert_eq(rig.sent[1].local.group, 0);
	cr_assert_arr_eq(rig.sent[1].partner.device, prig_switch, 6, "the partner is the same");
	cr_assert_eq(prig_record(&rig, 1).counters.other_rx, 1);
	rig.partner[1] = good;
	prig_pass_hearing(&rig, 5000, 1000, 2, C, SWITCH_GROUP);
	cr_assert_eq(prig_in_use(&rig), 0x6);
}

Test(pagp_pagp, another_partner_is_accepted_when_the_first_has_expired)
{
	prig_open(&rig, &config, 1);
	prig_join(&rig, 1, 0);
	memcpy(rig.partner[1].local.device, prig_other, 6);
	for (int i = 0; i < 4; i++) {
		prig_hear(&rig, 1, C, SWITCH_GROUP);
		cr_assert_eq(prig_in_use(&rig), 0);
		prig_pass(&rig, 1000);
	}
	prig_join(&rig, 1, 0);
	cr_assert_eq(prig_in_use(&rig), 1 << 1);
	cr_assert_eq(prig_record(&rig, 1).counters.partner_changes, 2);
	cr_assert_arr_eq(prig_record(&rig, 1).partner.device, prig_other, 6);
}

/* ---- flush ---- */
static size_t make_flush(uint8_t frame[60], const uint8_t local[6], const uint8_t partner[6])
{
	uint8_t info[PAGP_MAX_FRAME];
	const struct pagp_pdu none = { .local = { .device = { 2 } } };

	pagp_frame_build(info, prig_switch, &none, "", "");
	memset(frame, 0, 60);
	memcpy(frame, info, PAGP_OFF_PDU);
	put_be16(frame + PAGP_OFF_LENGTH, 8 + PAGP_FLUSH_LEN);
	frame[PAGP_OFF_PDU] = PAGP_FLUSH;
	memcpy(frame + PAGP_OFF_PDU + PAGP_OFF_FLUSH_LOCAL, local, 6);
	memcpy(frame + PAGP_OFF_PDU + PAGP_OFF_FLUSH_PARTNER, partner, 6);
	put_be32(frame + PAGP_OFF_PDU + 14, 0x12345678);
	return 60;
}

Test(pagp_pagp, a_flush_of_the_partner_is_returned)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 1, 1 };
	uint8_t frame[60];

	prig_open(&rig, &config, 1);
	make_flush(frame, prig_switch, prig_device);
	cr_assert_eq(pagp_receive(rig.pagp, 1, frame, sizeof(frame), rig.now_ms), 0);
	cr_assert_eq(rig.n_flushes[1], 1);
	cr_assert_arr_eq(rig.flush[1], frame, 6);
	cr_assert_arr_eq(rig.flush[1] + 6, mac, 6);
	cr_assert_arr_eq(rig.flush[1] + 12, frame + 12, 10 + PAGP_FLUSH_LEN);
	cr_assert_eq(prig_record(&rig, 1).counters.flush_tx, 1);
}

Test(pagp_pagp, flushes_that_are_not_for_this_device_are_not_returned)
{
	uint8_t frame[60];

	prig_open(&rig, &config, 1);
	make_flush(frame, prig_switch, prig_other);
	cr_assert_eq(pagp_receive(rig.pagp, 1, frame, sizeof(frame), rig.now_ms), 0);
	make_flush(frame, prig_device, prig_device);
	cr_assert_eq(pagp_receive(rig.pagp, 1, frame, sizeof(frame), rig.now_ms), 0);
	cr_assert_eq(rig.n_flushes[1], 0);
	cr_assert_eq(prig_record(&rig, 1).counters.flush_rx, 2);
}

Test(pagp_pagp, five_flushes_in_a_second)
{
	uint8_t frame[60];

	prig_open(&rig, &config, 1);
	make_flush(frame, prig_switch, prig_device);
	for (int i = 0; i < 5; i++)
		cr_assert_eq(pagp_receive(rig.pagp, 1, frame, sizeof(frame), rig.now_ms), 0);
	cr_assert_eq(pagp_receive(rig.pagp, 1, frame, sizeof(frame), rig.now_ms), -EBUSY);
	cr_assert_eq(rig.n_flushes[1], 5);
	rig.now_ms += 1000;
	cr_assert_eq(pagp_receive(rig.pagp, 1, frame, sizeof(frame), rig.now_ms), 0);
}

Test(pagp_pagp, a_mode_change_at_run_time)
{
	prig_open(&rig, &config, 1);
	prig_join(&rig, 1, 0);
	config.auto_mode = true;
	pagp_configure(rig.pagp, &config);
	prig_run(&rig);
	cr_assert_eq(rig.sent[1].flags, C | PAGP_AUTO_MODE, "announced at once");
	cr_assert_eq(prig_in_use(&rig), 1 << 1);
}
