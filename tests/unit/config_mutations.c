// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Random changes of good files: the reader must end, give either a model or messages, and whatever
 * it accepts must survive a copy. The numbers come from a fixed seed, so a failure can be repeated.
 */
#include <criterion/criterion.h>

#include "common/util.h"
#include "config/model.h"

#define ROUNDS 20000

static const char good[] =
	"switches:\n"
	"  - name: s0\n"
	"    mtu: 1500\n"
	"    uplinks: &u [eth0, eth1]\n"
	"    channel: lacp\n"
	"    lacp: {rate: fast, system-id: '02:00:00:00:00:01', min-links: 1}\n"
	"    teaming: &t {load-balancing: src-dst-ip, active: *u, standby: []}\n"
	"    port-groups:\n"
	"      - name: a\n"
	"        vlan: 100\n"
	"        teaming: *t\n"
	"        ports: [{interface: v0, mac: '52:54:00:12:34:56'}, {interface: h0, host: true, address: [192.0.2.10/24, '2001:db8::1/64'], gateway: 192.0.2.1, dns: [192.0.2.2], routes: [{to: 10.0.0.0/8, via: 192.0.2.3, metric: 7}]}]\n"
	"      - {name: b, vlan: '10,20-30', security: {mac-learning: true}, ports: [{interface: v1}]}\n"
	"  - name: s1\n"
	"    uplinks: [eth2, eth3]\n"
	"    teaming: {load-balancing: failover-order, active: [eth3], standby: [eth2]}\n"
	"    port-groups: [{name: c, teaming: {active: [eth2], standby: [eth3]}, ports: [{interface: v2, mac: \"52:54:00:12:34:57\"}]}]\n"
	"control: {socket: /run/uplinkd/s, group: uplinkd}\n";

/* Pieces of YAML and of configurations. */
static const char *const pieces[] = {
	"*u",
	"*t",
	"&u ",
	"~",
	"[]",
	"{}",
	"[",
	"]",
	"{",
	"}",
	": ",
	", ",
	"\n",
	"- ",
	"'",
	"\"",
	"\\0",
	"#",
	"4095",
	"0-4094",
	"99999999999999999999",
	"true",
	"none",
	"static",
	"lacp",
	"port-id",
	"eth0",
	"eth2",
	"v0",
	"s0",
	"<<",
	"!!int ",
	"---\n",
	"52:54:00:12:34:56",
	"\xff",
	"\t",
	"%",
};

static uint32_t state;

static uint32_t pick(uint32_t n) /* xorshift: 0 .. n - 1 */
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % n;
}

static size_t mutate(char *text, size_t length, size_t room)
{
	size_t at = pick((uint32_t)length), n;
	const char *piece;

	switch (pick(5)) {
	case 0: /* one byte */
		text[at] = (char)pick(256);
		return length;
	case 1: /* remove some bytes */
		n = pick(12) + 1;
		n = n < length - at ? n : length - at;
		memmove(text + at, text + at + n, length - at - n);
		return length - n;
	case 2: /* copy a part of the text to another place */
		n = pick(60) + 1;
		if (at + n > length || length + n > room)
			return length;
		{
			size_t to = pick((uint32_t)length);
			char part[64];

			memcpy(part, text + at, n);
			memmove(text + to + n, text + to, length - to);
			memcpy(text + to, part, n);
		}
		return length + n;
	default:
		piece = pieces[pick(ARRAY_SIZE(pieces))];
		n = strlen(piece);
		if (length + n > room)
			return length;
		memmove(text + at + n, text + at, length - at);
		memcpy(text + at, piece, n);
		return length + n;
	}
}

/* Returns whether the text was accepted. */
static bool parse_once(const char *text, size_t length)
{
	struct errors errors = { 0 };
	struct model *model = NULL, *copy = NULL;
	int r = config_parse(text, length, "t.yaml", &model, &errors);

	if (r == 0) {
		cr_assert_not_null(model);
		cr_assert_eq(errors.n, 0);
		cr_assert_eq(model_copy(model, &copy), 0);
		for (size_t i = 0; i < model->n_switches; i++) {
			cr_assert_neq(model->switches[i].n_uplinks, 0);
			cr_assert_neq(model->switches[i].teaming.n_active, 0);
		}
	} else {
		cr_assert_eq(r, -EINVAL);
		cr_assert_null(model);
		cr_assert_gt(errors.n, 0, "refused without a message:\n%.*s", (int)length, text);
	}
	for (size_t i = 0; i < errors.n; i++)
		for (const char *c = errors.messages[i]; *c; c++)
			cr_assert(*c >= 0x20 && *c < 0x7f,
				  "a character that does not belong on a terminal: %s",
				  errors.messages[i]);
	model_free(model);
	model_free(copy);
	errors_done(&errors);
	return r == 0;
}

Test(config_mutations, random_changes, .timeout = 300)
{
	size_t accepted = 0;
	char text[4096];

	state = 20240229;
	cr_assert(parse_once(good, strlen(good)));
	for (int i = 0; i < ROUNDS; i++) {
		size_t length = strlen(good);

		memcpy(text, good, length);
		for (uint32_t n = pick(4) + 1; n && length; n--)
			length = mutate(text, length, sizeof(text));
		accepted += parse_once(text, length);
	}
	/* Both results must be frequent, or the changes are too small or too large. */
	cr_expect_gt(accepted, ROUNDS / 100, "%zu of %d accepted", accepted, ROUNDS);
	cr_expect_lt(accepted, ROUNDS / 2, "%zu of %d accepted", accepted, ROUNDS);
}

Test(config_mutations, every_beginning)
{
	for (size_t length = 0; length < strlen(good); length++)
		parse_once(good, length);
}
