// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "frames.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/util.h"

static const struct {
	const char *name;
	uint8_t mac[6];
	/* clang-format off */
} fixed_names[] = {
	{ "x", { 0x02, 0xee, 0, 0, 0, 0x11 } },
	{ "y", { 0x02, 0xee, 0, 0, 0, 0x12 } },
	{ "bcast", { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } },
	{ "mcast", { 0x01, 0x00, 0x5e, 0, 0, 1 } },
	{ "stp", { 0x01, 0x80, 0xc2, 0, 0, 0 } },
	{ "slow", { 0x01, 0x80, 0xc2, 0, 0, 2 } },
	{ "r1", { 0x01, 0x80, 0xc2, 0, 0, 1 } },
	{ "pae", { 0x01, 0x80, 0xc2, 0, 0, 3 } },
	{ "r5", { 0x01, 0x80, 0xc2, 0, 0, 5 } },
	{ "lldp", { 0x01, 0x80, 0xc2, 0, 0, 0x0e } },
	{ "pvst", { 0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcd } },
	{ "cisco", { 0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc } },
	{ "uplinkfast", { 0x01, 0x00, 0x0c, 0xcd, 0xcd, 0xcd } },
	{ "l2pt", { 0x01, 0x00, 0x0c, 0xcd, 0xcd, 0xd0 } },
	{ "pstp", { 0x01, 0x80, 0xc2, 0, 0, 8 } },
	{ "mmrp", { 0x01, 0x80, 0xc2, 0, 0, 0x20 } },
	{ "mvrp", { 0x01, 0x80, 0xc2, 0, 0, 0x21 } },
	{ "edp", { 0x00, 0xe0, 0x2b, 0, 0, 0 } },
	{ "eaps", { 0x00, 0xe0, 0x2b, 0, 0, 4 } },
	{ "fdp", { 0x01, 0xe0, 0x52, 0xcc, 0xcc, 0xcc } },
	{ "sonmp", { 0x01, 0x00, 0x81, 0x00, 0x01, 0x01 } },
	{ "erps", { 0x01, 0x19, 0xa7, 0, 0, 1 } },
	{ "ring", { 0x01, 0x15, 0x4e, 0, 0, 1 } },
	{ "fring", { 0x03, 0x04, 0x80, 0, 0, 1 } },
	{ "zero", { 0 } },
	{ "group", { 0x03, 0, 0, 0, 0, 1 } },
};
/* clang-format on */

static void put16(struct frame_buf *frame, uint32_t value)
{
	frame->data[frame->len++] = (uint8_t)(value >> 8);
	frame->data[frame->len++] = (uint8_t)value;
}

static void put32(struct frame_buf *frame, uint32_t value)
{
	put16(frame, value >> 16);
	put16(frame, value & 0xffff);
}

static void put_mac(struct frame_buf *frame, const struct frame_name *names, const char *name)
{
	const uint8_t *mac = NULL;

	for (; names && names->name && !mac; names++)
		if (strcmp(names->name, name) == 0)
			mac = names->mac;
	for (size_t i = 0; i < ARRAY_SIZE(fixed_names) && !mac; i++)
		if (strcmp(fixed_names[i].name, name) == 0)
			mac = fixed_names[i].mac;
	cr_assert(mac, "no address is called '%s'", name);
	memcpy(frame->data + frame->len, mac, 6);
	frame->len += 6;
}

/* "v100p5d": a tag; false: the word is something else. */
static bool put_tag(struct frame_buf *frame, const char *word)
{
	static const struct {
		char letter;
		uint16_t type;
	} kinds[] = {
		{ 'v', 0x8100 }, { 's', 0x88a8 }, { 'n', 0x9100 }, { 'o', 0x9200 }, { 'p', 0x9300 }
	};
	unsigned int vid, priority = 0;
	uint16_t type = 0;
	int n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		type = word[0] == kinds[i].letter ? kinds[i].type : type;
	if (!type || sscanf(word + 1, "%u%n", &vid, &n) != 1)
		return false;
	put16(frame, type);
	if (word[1 + n] == 'p')
		priority = (unsigned int)(word[2 + n] - '0');
	put16(frame, priority << 13 | (strchr(word + 1 + n, 'd') ? 0x1000 : 0) | vid);
	return true;
}

static void put_ipv4(struct frame_buf *frame, uint8_t protocol, bool fragment, unsigned int a,
		     unsigned int b)
{
	put16(frame, 0x0800);
	put32(frame, 0x45000032);
	put32(frame, fragment ? 0x00012010 : 0x00014000);
	put32(frame, 0x40000000u | (uint32_t)protocol << 16);
	put32(frame, 0x0a000000 + a);
	put32(frame, 0x0a000000 + b);
	put32(frame, 0x9c400050); /* ports 40000 and 80, or the middle of a datagram */
	put32(frame, 0x001e0000);
}

static const struct {
	char letter;
	uint8_t protocol, words, length; /* of four bytes; as its second byte says */
} extensions[] = {
	{ 'h', 0, 2, 0 },  { 'd', 60, 4, 1 }, { 'r', 43, 6, 2 },
	{ 'a', 51, 6, 4 }, { 'f', 44, 2, 0 }, { 't', 44, 2, 0 },
};

static size_t extension_of(char letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(extensions); i++)
		if (extensions[i].letter == letter)
			return i;
	cr_assert_fail("no extension header '%c'", letter);
	return 0;
}

/* letters: see frames.h; end: of them, where the transport header's protocol follows */
static void put_extensions(struct frame_buf *frame, const char *letters, const char *end,
			   uint8_t protocol)
{
	for (const char *p = letters; p < end; p++) {
		size_t i = extension_of(*p);
		uint8_t next = p + 1 < end ? extensions[extension_of(p[1])].protocol : protocol;

		put32(frame, (uint32_t)next << 24 | (uint32_t)extensions[i].length << 16 |
				     (*p == 'f' ? 0x0010 : 0));
		for (int word = 1; word < extensions[i].words; word++)
			put32(frame, 0x01020304);
	}
}

static void put_ipv6(struct frame_buf *frame, const char *letters, const char *letters_end,
		     uint8_t protocol, unsigned int a, unsigned int b)
{
	uint8_t first = letters < letters_end ? extensions[extension_of(*letters)].protocol :
						protocol;

	put16(frame, 0x86dd);
	put32(frame, 0x60000000);
	put32(frame, 0x00080040u | (uint32_t)first << 8);
	for (int i = 0; i < 2; i++) {
		put32(frame, 0x20010db8);
		put32(frame, 0);
		put32(frame, 0);
		put32(frame, i ? b : a);
	}
	put_extensions(frame, letters, letters_end, protocol);
	put32(frame, 0x9c400050);
	put32(frame, 0x00080000);
}

static bool put_payload(struct frame_buf *frame, const char *word)
{
	char kind[24], *dot;
	unsigned int a, b;

	if (strcmp(word, "arp") == 0) {
		put16(frame, 0x0806);
		put32(frame, 0x00010800);
		put32(frame, 0x06040001);
		return true;
	}
	if (sscanf(word, "snap%4x", &a) == 1) {
		put16(frame, 0x0032);
		put32(frame, 0xaaaa0300);
		put16(frame, 0x000c);
		put16(frame, a);
		return true;
	}
	if (word[0] == 't' && sscanf(word + 1, "%4x", &a) == 1 && strlen(word) == 5) {
		put16(frame, a);
		return true;
	}
	if (sscanf(word, "%23[a-z46.]:%u>%u", kind, &a, &b) != 3)
		return false;
	dot = strchr(kind, '.');
	if (strcmp(kind, "udp4") == 0)
		put_ipv4(frame, 17, false, a, b);
	else if (strcmp(kind, "tcp4") == 0)
		put_ipv4(frame, 6, false, a, b);
	else if (strcmp(kind, "frag4") == 0)
		put_ipv4(frame, 17, true, a, b);
	else if (strcmp(dot ? dot + 1 : kind, "udp6") == 0)
		put_ipv6(frame, kind, dot ? dot : kind, 17, a, b);
	else if (strcmp(dot ? dot + 1 : kind, "tcp6") == 0)
		put_ipv6(frame, kind, dot ? dot : kind, 6, a, b);
	else
		return false;
	return true;
}

void frame_build(const struct frame_name *names, const char *text, struct frame_buf *ret)
{
	_cleanup_free_ char *copy = strdup(text);
	char *save = NULL, *word = strtok_r(copy, " ", &save),
	     *arrow = word ? strchr(word, '>') : NULL;
	unsigned int len = 64, segments = 0;
	bool payload = false;

	memset(ret, 0, sizeof(*ret));
	cr_assert(arrow, "'%s' does not begin with SRC>DST", text);
	*arrow = 0;
	put_mac(ret, names, arrow + 1);
	put_mac(ret, names, word);
	while ((word = strtok_r(NULL, " ", &save))) {
		if (sscanf(word, "len=%u", &len) == 1 || sscanf(word, "gso=%u", &segments) == 1)
			continue;
		if (!payload && put_tag(ret, word))
			continue;
		cr_assert(!payload && put_payload(ret, word), "'%s': what is '%s'?", text, word);
		payload = true;
	}
	if (!payload)
		put_payload(ret, "udp4:1>2");
	/* The padding tells where a byte came from. */
	for (uint32_t i = ret->len; i < len; i++)
		ret->data[i] = (uint8_t)(i * 7 + 1);
	ret->len = len;
	ret->segments = segments;
}

static bool is_tag_at(const struct frame_buf *frame, uint32_t at)
{
	uint16_t type = (uint16_t)(frame->data[at] << 8 | frame->data[at + 1]);

	return at + 4 <= frame->len && (type == 0x8100 || type == 0x88a8 || type == 0x9100 ||
					type == 0x9200 || type == 0x9300);
}

void frame_retag(const struct frame_buf *frame, const char *tags, struct frame_buf *ret)
{
	_cleanup_free_ char *copy = strdup(tags);
	char *save = NULL;
	uint32_t payload = 12;

	while (is_tag_at(frame, payload))
		payload += 4;
	ret->segments = frame->segments;
	ret->len = 12;
	memcpy(ret->data, frame->data, 12);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		cr_assert(put_tag(ret, word), "'%s' is not a tag", word);
	memcpy(ret->data + ret->len, frame->data + payload, frame->len - payload);
	ret->len += frame->len - payload;
}

void frame_dump(const uint8_t *data, uint32_t len, char *text, size_t size)
{
	size_t at = 0;

	text[0] = 0;
	for (uint32_t i = 0; i < len && at + 4 < size; i++)
		at += (size_t)snprintf(text + at, size - at, "%02x%s", data[i],
				       i == 5 || i == 11 || i == 13 ? " " : "");
}

/* ---- random ---- */
uint64_t frame_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1dULL >> 16;
}

#define CHANCE(percent) (frame_random(state) % 100 < (percent))
#define PICK(n) (frame_random(state) % (n))

static const uint8_t *random_member_mac(const struct sw *sw, uint64_t *state)
{
	if (sw->n_learned && CHANCE(30))
		return sw->learned[PICK(sw->n_learned)].mac;
	return sw->port[PICK(sw->n_ports)].mac;
}

static const uint8_t *random_group_mac(uint64_t *state)
{
	return fixed_names[2 + PICK(ARRAY_SIZE(fixed_names) - 4)].mac;
}

static void random_macs(const struct sw *sw, const struct frame_hints *hints, uint64_t *state,
			uint8_t *data)
{
	const uint8_t *dst = random_member_mac(sw, state), *src = fixed_names[PICK(2)].mac;

	if (hints->from_uplink ? CHANCE(12) : CHANCE(30))
		dst = fixed_names[PICK(2)].mac;
	else if (CHANCE(25))
		dst = CHANCE(60) ? fixed_names[2].mac : random_group_mac(state);
	if (!hints->from_uplink && CHANCE(85) && hints->endpoint != UL_ENDPOINT_NONE)
		src = sw->port[hints->endpoint - UL_ENDPOINT_PORT0].mac;
	else if (CHANCE(40))
		src = random_member_mac(sw, state);
	else if (CHANCE(8))
		src = fixed_names[ARRAY_SIZE(fixed_names) - 1 - CHANCE(50)].mac;
	memcpy(data, dst, 6);
	memcpy(data + 6, src, 6);
	if (CHANCE(3))
		data[PICK(12)] ^= (uint8_t)(1u << PICK(8));
}

/* VLANs that mean something in the switch, their neighbours, and the special ones. */
static uint16_t random_vid(const struct sw *sw, uint64_t *state)
{
	static const uint16_t special[] = {
		0, 1, 2, 63, 64, 127, 128, 4031, 4032, 4093, 4094, 4095
	};
	const struct sw_group *group = &sw->group[PICK(sw->n_groups)];

	if (CHANCE(12))
		return special[PICK(ARRAY_SIZE(special))];
	if (CHANCE(5))
		return (uint16_t)PICK(4096);
	if (group->mode == UL_VLAN_VGT) {
		uint16_t from = (uint16_t)PICK(4096);

		for (uint16_t i = 0; i < 4096; i++)
			if (sw_list_has(group, (from + i) & 4095))
				return (from + i) & 4095;
	}
	return group->mode == UL_VLAN_VST ? group->vid : (uint16_t)PICK(4096);
}

static void random_tags(const struct sw *sw, const struct frame_hints *hints, uint64_t *state,
			struct frame_buf *frame)
{
	const struct sw_group *group = NULL;
	uint32_t n = CHANCE(45) ? 0 : CHANCE(80) ? 1 : CHANCE(85) ? 2 : 3;

	if (!hints->from_uplink && hints->endpoint != UL_ENDPOINT_NONE)
		group = &sw->group[sw->port[hints->endpoint - UL_ENDPOINT_PORT0].group];
	if (group && group->mode != UL_VLAN_VGT && CHANCE(75))
		n = 0;
	for (uint32_t i = 0; i < n; i++) {
		put16(frame, CHANCE(85) ? 0x8100 :
			     CHANCE(80) ? 0x88a8 :
					  0x9100 + 0x100 * (uint32_t)PICK(3));
		put16(frame, (CHANCE(40) ? (uint32_t)PICK(16) << 12 : 0) | random_vid(sw, state));
	}
	if (group && group->mode != UL_VLAN_VGT && n == 0 && CHANCE(10)) {
		put16(frame, CHANCE(90) ? 0x8100 : 0x88a8);
		put16(frame, (uint32_t)PICK(16) << 12);
	}
}

static void random_payload(uint64_t *state, struct frame_buf *frame)
{
	static const uint16_t types[] = { 0x0806, 0x8809, 0x88cc, 0x8808, 0x88f5, 0x88f6,
					  0x8035, 0x88f7, 0x888e, 0x0026, 0x9000 };
	uint32_t a = (uint32_t)PICK(1 << 16), b = (uint32_t)PICK(1 << 16), start = frame->len;
	uint8_t protocol = CHANCE(45) ? 6 : CHANCE(60) ? 17 : CHANCE(40) ? 44 : (uint8_t)PICK(256);

	if (CHANCE(50)) {
		put_ipv4(frame, protocol, CHANCE(15), a, b);
		put16(frame, (uint32_t)PICK(1 << 16));
		if (CHANCE(15)) /* header length: options, or nonsense */
			frame->data[start + 2] = (uint8_t)(0x40 | PICK(16));
		if (CHANCE(5)) /* fragment field */
			frame->data[start + 8] = (uint8_t)PICK(256);
	} else if (CHANCE(60)) {
		char letters[8];
		uint64_t n = CHANCE(70) ? 0 : 1 + PICK(7);

		for (uint64_t i = 0; i < n; i++)
			letters[i] = extensions[PICK(ARRAY_SIZE(extensions))].letter;
		put_ipv6(frame, letters, letters + n, protocol, a, b);
	} else if (CHANCE(20)) {
		put_payload(frame, CHANCE(50) ? "snap2000" : "snap2004");
	} else {
		put16(frame, CHANCE(70) ? types[PICK(ARRAY_SIZE(types))] : (uint32_t)PICK(1 << 16));
	}
	if (CHANCE(5))
		frame->data[start + PICK(frame->len - start)] = (uint8_t)PICK(256);
}

static uint32_t random_length(const struct frame_hints *hints, uint64_t *state, uint32_t headers)
{
	uint32_t len = 60 + (uint32_t)PICK(70);

	if (CHANCE(10))
		len = 14 + (uint32_t)PICK(60);
	else if (CHANCE(5))
		len = 1500 + (uint32_t)PICK(30);
	else if (CHANCE(3))
		len = (uint32_t)PICK(hints->max_len);
	else if (len < headers + 4)
		len = headers + 4;
	if (len < 14)
		len = 14;
	return len < hints->max_len ? len : hints->max_len;
}

void frame_make_random(const struct sw *sw, const struct frame_hints *hints, uint64_t *state,
		       uint32_t id, struct frame_buf *ret)
{
	uint32_t headers, tags = 12, least = 14;

	memset(ret, 0, 256);
	ret->len = 12;
	random_macs(sw, hints, state, ret->data);
	random_tags(sw, hints, state, ret);
	random_payload(state, ret);
	headers = ret->len;
	ret->len = random_length(hints, state, headers);
	for (uint32_t i = headers; i < ret->len; i++)
		ret->data[i] = (uint8_t)(i + id);
	if (ret->len >= headers + 4)
		memcpy(ret->data + ret->len - 4, &id, 4);

	/* A mutated EtherType may look like a tag: measure what is really there. Tags that are cut
	 * off: table of cases. */
	while (ret->data[tags] == 0x81 ? ret->data[tags + 1] == 0 :
					 ret->data[tags] == 0x88 && ret->data[tags + 1] == 0xa8) {
		tags += 4;
		least += 4;
		if (tags + 4 > headers)
			break;
	}
	if (hints->live)
		least += least > 14 ? 2 : 1;
	if (ret->len < least && (hints->live || ret->len >= 18))
		ret->len = least;
}
