// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* LLDP, CDP and PAgP frames of switches, truncated and malformed ones, and peer_mismatch. */
#include <criterion/criterion.h>

#include "common/util.h"
#include "lacp/neighbour.h"
#include "lacp/pdu.h"
#include "lacp/peer_mismatch.h"

TestSuite(neighbour, .timeout = 300);

#define T0 5000000ULL

/* A frame under construction. */
struct builder {
	uint8_t frame[1600];
	size_t length;
};

static struct builder frame;
static struct ul_neighbour neighbour;

static void add(const void *bytes, size_t n)
{
	cr_assert_leq(frame.length + n, sizeof(frame.frame));
	memcpy(frame.frame + frame.length, bytes, n);
	frame.length += n;
}

static void add_be16(uint32_t value)
{
	uint8_t bytes[2] = { (uint8_t)(value >> 8), (uint8_t)value };

	add(bytes, 2);
}

static void begin(uint32_t type)
{
	frame.length = 0;
	add("\x01\x80\xc2\x00\x00\x0e\x02\x00\x00\x00\x00\x01", 12);
	add_be16(type);
}

static void lldp_tlv(uint32_t type, const void *value, size_t n)
{
	add_be16(type << 9 | (uint32_t)n);
	add(value, n);
}

static void lldp(const char *name)
{
	begin(0x88cc);
	lldp_tlv(1, "\x04\x00\x1c\x73\xaa\xbb\xcc", 7); /* chassis: MAC address */
	lldp_tlv(2,
		 "\x05"
		 "Ethernet1/7",
		 12);
	lldp_tlv(3, "\x00\x78", 2);
	if (name)
		lldp_tlv(5, name, strlen(name));
	lldp_tlv(127, "\x00\x80\xc2\x01\x00\x64", 6);
	lldp_tlv(0, "", 0);
}

/* 802.3 with LLC and SNAP; the length is set by end(). */
static void begin_cisco(uint32_t protocol)
{
	begin(0);
	add("\xaa\xaa\x03\x00\x00\x0c", 6);
	add_be16(protocol);
}

static void end(void)
{
	frame.frame[12] = (uint8_t)((frame.length - 14) >> 8);
	frame.frame[13] = (uint8_t)(frame.length - 14);
}

static void tlv(uint32_t type, const char *text)
{
	add_be16(type);
	add_be16(4 + (uint32_t)strlen(text));
	add(text, strlen(text));
}

static void cdp(const char *device, const char *port)
{
	begin_cisco(0x2000);
	add("\x02\xb4\x00\x00", 4);
	tlv(1, device);
	tlv(2, "address list, ignored");
	tlv(3, port);
	end();
}

static void pagp(uint8_t version, uint8_t flags)
{
	uint8_t fixed[46] = { version, flags };

	begin_cisco(0x0104);
	add(fixed, sizeof(fixed));
	tlv(1, "old-switch");
	tlv(2, "Gi0/2");
	end();
}

static int receive(uint64_t now_ms)
{
	return neighbour_receive(&neighbour, frame.frame, frame.length, now_ms);
}

static void expect(enum ul_neighbour_protocol protocol, const char *device, const char *port)
{
	cr_expect_eq(neighbour.protocol, protocol);
	cr_expect_str_eq(neighbour.device, device);
	cr_expect_str_eq(neighbour.port, port);
}

Test(neighbour, lldp_names_system_and_port)
{
	lldp("tor-1.example");
	cr_assert_eq(receive(T0), 0);
	expect(UL_NEIGHBOUR_LLDP, "tor-1.example", "Ethernet1/7");
	cr_expect_eq(neighbour.seen_ms, T0);
}

Test(neighbour, lldp_without_a_name_is_its_chassis)
{
	lldp(NULL);
	cr_assert_eq(receive(T0), 0);
	expect(UL_NEIGHBOUR_LLDP, "00:1c:73:aa:bb:cc", "Ethernet1/7");
}

Test(neighbour, lldp_shutdown_removes_the_neighbour)
{
	lldp("tor-1");
	cr_assert_eq(receive(T0), 0);
	begin(0x88cc);
	lldp_tlv(1, "\x04\x00\x1c\x73\xaa\xbb\xcc", 7);
	lldp_tlv(2,
		 "\x05"
		 "Ethernet1/7",
		 12);
	lldp_tlv(3, "\x00\x00", 2); /* time to live 0: 802.1AB 9.2.7.7, shutdown */
	lldp_tlv(0, "", 0);
	cr_assert_eq(receive(T0 + 5), 0);
	cr_expect_eq(neighbour.seen_ms, 0);
	cr_expect_str_eq(neighbour.device, "");
}

/* Since 802.1AB-2016 the End TLV is optional; the mandatory TLVs are not. */
Test(neighbour, lldp_without_end)
{
	lldp("tor-1");
	frame.length -= 2;
	cr_assert_eq(receive(T0), 0);
	expect(UL_NEIGHBOUR_LLDP, "tor-1", "Ethernet1/7");
	begin(0x88cc);
	lldp_tlv(1, "\x04\x00\x1c\x73\xaa\xbb\xcc", 7);
	lldp_tlv(2,
		 "\x05"
		 "Ethernet1/7",
		 12);
	lldp_tlv(3, "\x00\x00", 2);
	cr_assert_eq(receive(T0 + 5), 0);
	cr_expect_eq(neighbour.seen_ms, 0, "good-bye");
}

Test(neighbour, lldp_without_any_name)
{
	lldp("tor-1");
	cr_assert_eq(receive(T0), 0);
	begin(0x88cc);
	add((const uint8_t[46]){ 0 }, 46); /* End at once, and padding */
	cr_assert_eq(receive(T0 + 5), -EBADMSG);
	expect(UL_NEIGHBOUR_LLDP, "tor-1", "Ethernet1/7");
	cr_expect_eq(neighbour.seen_ms, T0);
}

Test(neighbour, cdp)
{
	cdp("cat-1", "TenGigabitEthernet1/0/3");
	cr_assert_eq(receive(T0), 0);
	expect(UL_NEIGHBOUR_CDP, "cat-1", "TenGigabitEthernet1/0/3");
	cr_expect_eq(neighbour.pagp_ms, 0);
}

Test(neighbour, pagp_has_the_mode_of_the_switch_port)
{
	pagp(1, 0x00);
	cr_assert_eq(receive(T0), 0);
	expect(UL_NEIGHBOUR_PAGP, "old-switch", "Gi0/2");
	cr_expect_eq(neighbour.pagp, UL_PAGP_DESIRABLE);
	cr_expect_eq(neighbour.pagp_ms, T0);
	pagp(1, 0x06);
	cr_assert_eq(receive(T0 + 1), 0);
	cr_expect_eq(neighbour.pagp, UL_PAGP_AUTO);
	pagp(2, 0x00); /* flush PDU: no information */
	cr_expect_eq(receive(T0 + 2), -EBADMSG);
	cr_expect_eq(neighbour.pagp, UL_PAGP_AUTO);
}

Test(neighbour, preferred_names_stay_until_they_are_stale)
{
	lldp("tor-1");
	receive(T0);
	cdp("cat-1", "Te1/1");
	cr_assert_eq(receive(T0 + 1000), 0);
	expect(UL_NEIGHBOUR_LLDP, "tor-1", "Ethernet1/7");
	pagp(1, 0);
	cr_assert_eq(receive(T0 + 2000), 0);
	expect(UL_NEIGHBOUR_LLDP, "tor-1", "Ethernet1/7");
	cr_expect_eq(neighbour.pagp, UL_PAGP_DESIRABLE, "the mode is recorded in any case");
	cdp("cat-1", "Te1/1");
	cr_assert_eq(receive(T0 + 180000), 0);
	expect(UL_NEIGHBOUR_CDP, "cat-1", "Te1/1");
	lldp("tor-1");
	cr_assert_eq(receive(T0 + 180001), 0);
	expect(UL_NEIGHBOUR_LLDP, "tor-1", "Ethernet1/7");
}

Test(neighbour, names_are_printable_and_fit)
{
	char name[201];

	memset(name, 'n', 200);
	name[200] = '\0';
	lldp(name);
	cr_assert_eq(receive(T0), 0);
	cr_expect_eq(strlen(neighbour.device), sizeof(neighbour.device) - 1);
	lldp("evil\x1b[31m\n\xc3\xa4");
	cr_assert_eq(receive(T0), 0);
	cr_expect_str_eq(neighbour.device, "evil?[31m???");
}

Test(neighbour, other_protocols_are_ignored)
{
	begin(0x0800);
	add("some IP packet that is long enough", 34);
	cr_expect_eq(receive(T0), -EPROTONOSUPPORT);
	begin_cisco(0x2004); /* DTP */
	add("0123456789", 10);
	end();
	cr_expect_eq(receive(T0), -EPROTONOSUPPORT);
	begin(0);
	add("\x42\x42\x03 spanning tree is another LLC", 30);
	end();
	cr_expect_eq(receive(T0), -EPROTONOSUPPORT);
	cr_expect_eq(neighbour.seen_ms, 0);
}

/*
 * Every truncation of each frame, in memory of its exact size: no read beyond the end, and no
 * change by an incomplete frame.
 */
Test(neighbour, truncated_frames)
{
	for (int kind = 0; kind < 3; kind++) {
		if (kind == 0)
			lldp("tor-1");
		else if (kind == 1)
			cdp("cat-1", "Te1/1");
		else
			pagp(1, 0);
		for (size_t n = 0; n < frame.length; n++) {
			uint8_t *cut = malloc(n ? n : 1);
			int r;

			neighbour = (struct ul_neighbour){};
			memcpy(cut, frame.frame, n);
			r = neighbour_receive(&neighbour, cut, n, T0);
			free(cut);
			cr_assert(r < 0 || kind == 0, "kind %d, %zu bytes: %d", kind, n, r);
			if (r < 0)
				cr_assert_eq(neighbour.seen_ms, 0, "kind %d, %zu bytes", kind, n);
		}
	}
}

Test(neighbour, wrong_lengths)
{
	cdp("cat-1", "Te1/1");
	frame.frame[29] = 3; /* a TLV shorter than its header */
	cr_expect_eq(receive(T0), -EBADMSG);
	cdp("cat-1", "Te1/1");
	frame.frame[28] = 0xff; /* longer than the frame */
	cr_expect_eq(receive(T0), -EBADMSG);
	lldp("tor-1");
	frame.frame[14] |= 1; /* 256 bytes longer */
	cr_expect_eq(receive(T0), -EBADMSG);
	cr_expect_eq(neighbour.seen_ms, 0);
}

/* ---- peer_mismatch: configuration of the switch port ---- */
static const uint8_t switch_mac[6] = { 0x00, 0x1c, 0x73, 0xaa, 0xbb, 0xcc };
static struct peer_mismatch mismatch;

static void hear_lacp(uint64_t now_ms)
{
	const struct lacp_info actor = { .system_priority = 32768,
					 .system = { 0x00, 0x1c, 0x73, 0xaa, 0xbb, 0xcc },
					 .key = 5,
					 .port = 9,
					 .state = 0x3d };
	const struct lacp_info partner = {};
	uint8_t pdu[LACP_FRAME_LEN];

	lacp_frame_build(pdu, switch_mac, &actor, &partner);
	cr_assert_eq(peer_mismatch_receive(&mismatch, pdu, sizeof(pdu), now_ms), 0);
	cr_assert_eq(peer_mismatch_receive(&mismatch, pdu, sizeof(pdu) - 1, now_ms + 1), -EBADMSG);
	cr_assert_eq(mismatch.lacp_ms, now_ms);
}

Test(neighbour, lacp_on_a_switch_without_lacp)
{
	static const struct {
		enum ul_channel channel;
		uint32_t findings;
		const char *text;
		/* clang-format off */
	} cases[] = {
		{ UL_CHANNEL_STATIC, 1U << UL_FIND_LACP_UNUSED, "LACPDUs received from system 00:1c:73:aa:bb:cc key 5 port 9, but the local channel is static" },
		{ UL_CHANNEL_NONE, 1U << UL_FIND_LACP_UNUSED, "key 5 port 9, but there is no local channel" },
		{ UL_CHANNEL_LACP, 0, NULL },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[LACP_TEXT_LEN];

		mismatch = (struct peer_mismatch){};
		cr_expect_eq(peer_mismatch_findings(&mismatch, &neighbour, cases[i].channel, T0),
			     0);
		hear_lacp(T0);
		cr_expect_eq(peer_mismatch_findings(&mismatch, &neighbour, cases[i].channel,
						    T0 + PEER_MISMATCH_SILENT_MS - 1),
			     cases[i].findings);
		cr_expect_eq(peer_mismatch_findings(&mismatch, &neighbour, cases[i].channel,
						    T0 + PEER_MISMATCH_SILENT_MS),
			     0);
		if (!cases[i].text)
			continue;
		peer_mismatch_describe(&mismatch, &neighbour, cases[i].channel, UL_FIND_LACP_UNUSED,
				       text, sizeof(text));
		cr_expect(strstr(text, cases[i].text), "%s", text);
		cr_expect_lt(strlen(text), LACP_TEXT_LEN - 40);
	}
}

/* What the switch announces: vendor, duplex, native VLAN. */
Test(neighbour, facts_of_the_switch_port)
{
	static const struct {
		const char *description;
		enum ul_neighbour_vendor vendor;
	} rows[] = {
		{ "HP J9729A 2920-48G-POE+ Switch, revision WB.16.04.0008", UL_VENDOR_HP_SWITCH },
		{ "ProCurve J9019B Switch 2510-24, revision Q.11.78", UL_VENDOR_HP_SWITCH },
		{ "Aruba JL256A 2930F-48G-PoE+-4SFP+ Switch, revision WC.16.10",
		  UL_VENDOR_HP_SWITCH },
		{ "Aruba JL635A  GL.10.04.0001", UL_VENDOR_ARUBA_CX },
		{ "HPE Comware Platform Software, Software Version 7.1.070", UL_VENDOR_COMWARE },
		{ "Cisco IOS Software, C2960X Software", UL_VENDOR_OTHER },
		{ "Linux on HP ProLiant", UL_VENDOR_OTHER },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&neighbour, 0, sizeof(neighbour));
		begin(0x88cc);
		lldp_tlv(1, "\x04\x00\x1c\x73\xaa\xbb\xcc", 7);
		lldp_tlv(3, "\x00\x78", 2);
		lldp_tlv(6, rows[i].description, strlen(rows[i].description));
		lldp_tlv(127, "\x00\x80\xc2\x01\x00\x64", 6);
		lldp_tlv(127, "\x00\x12\x0f\x01\x03\x00\x00\x00\x1d", 9);
		lldp_tlv(0, "", 0);
		cr_assert_eq(neighbour_receive(&neighbour, frame.frame, frame.length, T0), 0);
		cr_expect_eq(neighbour.vendor, rows[i].vendor, "%s", rows[i].description);
		cr_expect_eq(neighbour.native_vlan, 100);
		cr_expect_eq(neighbour.duplex, UL_DUPLEX_HALF, "MAU type 29");
	}
	memset(&neighbour, 0, sizeof(neighbour));
	begin_cisco(0x2000);
	add("\x02\xb4\x00\x00", 4);
	tlv(1, "sw1");
	tlv(6, "ProCurve J9019B");
	add("\x00\x0a\x00\x06\x00\x63\x00\x0b\x00\x05\x01", 11);
	end();
	cr_assert_eq(neighbour_receive(&neighbour, frame.frame, frame.length, T0), 0);
	cr_expect_eq(neighbour.vendor, UL_VENDOR_HP_SWITCH);
	cr_expect_eq(neighbour.native_vlan, 99);
	cr_expect_eq(neighbour.duplex, UL_DUPLEX_FULL);
}

Test(neighbour, pagp_is_a_finding_with_any_other_channel)
{
	/* clang-format off */
	static const char *const texts[] = {
		[UL_CHANNEL_NONE] = "set to 'desirable', but there is no local channel",
		[UL_CHANNEL_STATIC] = "set to 'desirable', but the local channel is static",
		[UL_CHANNEL_LACP] = "set to 'desirable', but the local channel uses LACP",
	};
	/* clang-format on */
	char text[LACP_TEXT_LEN];

	pagp(1, 0);
	receive(T0);
	cr_expect_eq(peer_mismatch_findings(&mismatch, &neighbour, UL_CHANNEL_PAGP, T0 + 1), 0);
	for (enum ul_channel channel = UL_CHANNEL_NONE; channel < UL_CHANNEL_PAGP; channel++) {
		cr_expect_eq(peer_mismatch_findings(&mismatch, &neighbour, channel, T0 + 1),
			     1U << UL_FIND_PAGP);
		peer_mismatch_describe(&mismatch, &neighbour, channel, UL_FIND_PAGP, text,
				       sizeof(text));
		cr_expect(strstr(text, texts[channel]), "%s", text);
	}
	cr_expect_eq(peer_mismatch_findings(&mismatch, &neighbour, UL_CHANNEL_STATIC,
					    T0 + PEER_MISMATCH_SILENT_MS),
		     0);
	cr_expect_str_eq(peer_mismatch_finding_name(UL_FIND_PAGP), "pagp");
	cr_expect_null(peer_mismatch_finding_name(LACP_FIND_JITTER));
	cr_expect_null(peer_mismatch_finding_name(UL_N_FINDINGS));
}
