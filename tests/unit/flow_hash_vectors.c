// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The hash and the bucket arithmetic: published vectors and the identities that make a bucket table
 * exact. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>

#include "common/util.h"
#include "flow_hash.h"

TestSuite(flow_hash, .timeout = 300);

static uint32_t address(const char *text)
{
	struct in_addr in;

	cr_assert_eq(inet_pton(AF_INET, text, &in), 1, "%s", text);
	return ntohl(in.s_addr);
}

static struct ul_flow ipv4_flow(const char *src, const char *dst)
{
	return (struct ul_flow){
		.is_ip = 1,
		.src = address(src),
		.dst = address(dst),
		.src_port = 40000,
		.dst_port = 80,
		.src_mac = { 0x52, 0x54, 0, 1, 2, 3 },
		.dst_mac = { 0x52, 0x54, 0, 4, 5, 0xf7 },
	};
}

Test(flow_hash, published_vectors)
{
	const char *path = "tests/unit/data/iphash.csv";
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char line[256];
	int n_vectors = 0;

	cr_assert(f, "%s: %s (run from the top of the source tree)", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		char src[64], dst[64];
		unsigned int n, index;

		if (sscanf(line, "%63[0-9.],%63[0-9.],%u,%u", src, dst, &n, &index) != 4)
			continue;
		struct ul_flow flow = ipv4_flow(src, dst);
		uint32_t hash = ul_hash(UL_M_SRC_DST_IP, 0, &flow, 9);

		cr_assert_eq(hash % n, index, "%s -> %s over %u: expected %u, got %u", src, dst, n,
			     index, hash % n);
		cr_assert_eq(hash % ul_n_buckets(n) % n, index, "%s -> %s over %u, by bucket", src,
			     dst, n);
		n_vectors++;
	}
	cr_assert_geq(n_vectors, 6, "only %d vectors in %s", n_vectors, path);
}

/* Each method looks at what its name says and at nothing else. */
Test(flow_hash, methods)
{
	struct ul_flow ip = ipv4_flow("10.1.2.3", "10.9.8.7");
	struct ul_flow arp = ip;
	static const struct {
		const char *name;
		uint32_t method, flags, with_ip, without_ip;
		/* clang-format off */
	} rows[] = {
		{ "src-dst-ip", UL_M_SRC_DST_IP, 0, 0x0a010203 ^ 0x0a090807, 0x0203 ^ 0x05f7 },
		{ "src-dst-ip, last octet", UL_M_SRC_DST_IP, UL_POLICY_LAST_OCTET, 3 ^ 7, 0x0203 ^ 0x05f7 },
		{ "src-ip", UL_M_SRC_IP, 0, 0x0a010203, 0x0203 },
		{ "src-ip, last octet", UL_M_SRC_IP, UL_POLICY_LAST_OCTET, 3, 0x0203 },
		{ "dst-ip", UL_M_DST_IP, 0, 0x0a090807, 0x05f7 },
		{ "dst-ip, last octet", UL_M_DST_IP, UL_POLICY_LAST_OCTET, 7, 0x05f7 },
		{ "src-dst-ip-port", UL_M_SRC_DST_IP_PORT, 0, ((0x00080a04 ^ 40000 ^ 80) ^ 0x08 ^ 0x0896) >> 1, (0x07f4 ^ 0x07) >> 1 },
		{ "src-mac", UL_M_SRC_MAC, 0, 3, 3 },
		{ "dst-mac", UL_M_DST_MAC, 0, 0xf7, 0xf7 },
		{ "src-dst-mac", UL_M_SRC_DST_MAC, 0, 0x0203 ^ 0x05f7, 0x0203 ^ 0x05f7 },
		{ "port-id", UL_M_PORT_ID, 0, 77, 77 },
		{ "failover-order", UL_M_FAILOVER_ORDER, 0, 0, 0 },
		{ "of the future", UL_N_METHODS + 3, 0, 0, 0 },
	};
	/* clang-format on */
	uint32_t covered = 0;

	arp.is_ip = 0;
	arp.src_port = arp.dst_port = 0;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t hash = ul_hash(rows[i].method, rows[i].flags, &ip, 77);

		covered |= 1u << rows[i].method;
		cr_expect_eq(hash, rows[i].with_ip, "%s, IP: expected %#x, got %#x", rows[i].name,
			     rows[i].with_ip, hash);
		hash = ul_hash(rows[i].method, rows[i].flags, &arp, 77);
		cr_expect_eq(hash, rows[i].without_ip, "%s, ARP: expected %#x, got %#x",
			     rows[i].name, rows[i].without_ip, hash);
	}
	for (uint32_t method = 0; method < UL_N_METHODS; method++)
		cr_expect(covered >> method & 1, "no row for method %u", method);
}

/* Changes bit 1 of one input at a time: the hash follows those that the table of methods names. */
Test(flow_hash, inputs_of_the_methods)
{
	for (uint32_t method = 0; method <= UL_N_METHODS; method++) {
		for (uint32_t input = UL_INPUT_SRC_IP; input <= UL_INPUT_NUMBER; input <<= 1) {
			struct ul_flow flow = ipv4_flow("10.1.2.3", "10.9.8.7"), other = flow;
			uint32_t number = 77;

			switch (input) {
			case UL_INPUT_SRC_IP:
				other.src ^= 2;
				break;
			case UL_INPUT_DST_IP:
				other.dst ^= 2;
				break;
			case UL_INPUT_PORTS:
				other.src_port ^= 2;
				break;
			case UL_INPUT_SRC_MAC:
				other.src_mac[5] ^= 1;
				break;
			case UL_INPUT_DST_MAC:
				other.dst_mac[5] ^= 1;
				break;
			default:
				number ^= 1;
			}
			cr_expect_eq(ul_hash(method, 0, &flow, 77) !=
					     ul_hash(method, 0, &other, number),
				     !!(ul_method_inputs(method) & input), "method %u input %#x",
				     method, input);
		}
	}
}

/* Linux takes even source ports for connect(), in steps. */
Test(flow_hash, even_source_ports_use_all_uplinks)
{
	static const uint16_t dst_ports[] = { 22, 80, 443, 2049, 5201 };
	static const uint32_t numbers[] = { 2, 3, 4, 8 };
	enum { CONNECTIONS = 960 };

	for (size_t i = 0; i < ARRAY_SIZE(dst_ports) * ARRAY_SIZE(numbers); i++) {
		uint32_t n = numbers[i % ARRAY_SIZE(numbers)], used[8] = { 0 };
		struct ul_flow flow = ipv4_flow("10.1.2.3", "10.9.8.7");

		flow.dst_port = dst_ports[i / ARRAY_SIZE(numbers)];
		for (uint32_t k = 0; k < CONNECTIONS; k++) {
			flow.src_port = (uint16_t)(32768 + 2 * k);
			used[ul_hash(UL_M_SRC_DST_IP_PORT, 0, &flow, 0) % ul_n_buckets(n) % n]++;
		}
		for (uint32_t u = 0; u < n; u++)
			cr_expect(used[u] * n * 100 >= CONNECTIONS * 85 &&
					  used[u] * n * 100 <= CONNECTIONS * 115,
				  "port %u, uplink %u of %u: %u of %u connections", flow.dst_port,
				  u, n, used[u], CONNECTIONS);
	}
}

Test(flow_hash, ipv6_is_folded_by_words)
{
	cr_assert_eq(ul_fold_ipv6(0x20010db8, 0, 0, 1), 0x20010db9);
	cr_assert_eq(ul_fold_ipv6(1, 2, 4, 8), 15);
}

Test(flow_hash, buckets_keep_the_formula)
{
	for (uint32_t n = 1; n <= UL_MAX_UPLINKS; n++) {
		uint32_t buckets = ul_n_buckets(n), x = 12345;

		cr_assert_leq(buckets, UL_MAX_BUCKETS);
		cr_assert_gt(buckets + n, UL_MAX_BUCKETS, "%u uplinks leave room unused", n);
		for (uint32_t h = 0; h < 100000; h++)
			cr_assert_eq(h % buckets % n, h % n, "n %u hash %u", n, h);
		for (uint32_t i = 0; i < 100000; i++, x = x * 1664525 + 1013904223)
			cr_assert_eq(x % buckets % n, x % n, "n %u hash %u", n, x);
		cr_assert_eq(0xffffffffu % buckets % n, 0xffffffffu % n);
	}
}
