// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "port/membership.h"

#include "common/frame.h"

#define ROBUSTNESS 2	   /* default of both RFCs */
#define QUERY_INTERVAL 125 /* seconds, likewise */

#define IGMP_LEN 12
#define IGMP_QUERY 0x11
#define MLD_LEN 28
#define MLD_QUERY 130

void membership_igmp_query(const uint8_t src[6], uint16_t vid, uint8_t frame[MEMBERSHIP_FRAME_MAX],
			   size_t *ret_length)
{
	static const uint8_t all_hosts[6] = { 0x01, 0x00, 0x5e, 0, 0, 1 };
	/* type of service "internetwork control", time to live 1, from 0.0.0.0 to 224.0.0.1, with
	 * the option router alert */
	static const uint8_t ip_header[24] = {
		0x46, 0xc0, 0, 24 + IGMP_LEN, 0, 0, 0, 0, 1, IPPROTO_IGMP, 0, 0, 0, 0, 0, 0, 224,
		0,    0,    1, 0x94,	      4, 0, 0
	};
	uint8_t *ip, *igmp;

	memset(frame, 0, MEMBERSHIP_FRAME_MAX);
	ip = put_ethernet(frame, all_hosts, src, vid, ETHERTYPE_IP);
	igmp = put_bytes(ip, ip_header, sizeof(ip_header));
	put_be16(ip + 10, checksum_finish(checksum_add(0, ip, sizeof(ip_header))));
	igmp[0] = IGMP_QUERY;
	igmp[1] = MEMBERSHIP_RESPONSE_MS / 100;
	igmp[8] = ROBUSTNESS;
	igmp[9] = QUERY_INTERVAL;
	put_be16(igmp + 2, checksum_finish(checksum_add(0, igmp, IGMP_LEN)));
	*ret_length = frame_length(frame, igmp + IGMP_LEN, vid);
}

void membership_mld_query(const uint8_t src[6], uint16_t vid, uint8_t frame[MEMBERSHIP_FRAME_MAX],
			  size_t *ret_length)
{
	static const uint8_t all_nodes[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	/* hop limit 1, from fe80::ffff:ffff:ffff:fffe to ff02::1, with a hop-by-hop header */
	static const uint8_t ip_header[40] = {
		0x60, 0,    0,	  0,	0,    8 + MLD_LEN, IPPROTO_HOPOPTS,
		1,    0xfe, 0x80, 0,	0,    0,	   0,
		0,    0,    0xff, 0xff, 0xff, 0xff,	   0xff,
		0xff, 0xff, 0xfe, 0xff, 0x02, 0,	   0,
		0,    0,    0,	  0,	0,    0,	   0,
		0,    0,    0,	  0,	1,
	};
	/* router alert for MLD, PadN */
	static const uint8_t router_alert[8] = { IPPROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0 };
	uint8_t *ip, *mld;

	memset(frame, 0, MEMBERSHIP_FRAME_MAX);
	ip = put_ethernet(frame, all_nodes, src, vid, ETHERTYPE_IPV6);
	mld = put_bytes(ip, ip_header, sizeof(ip_header));
	mld = put_bytes(mld, router_alert, sizeof(router_alert));
	mld[0] = MLD_QUERY;
	put_be16(mld + 4, MEMBERSHIP_RESPONSE_MS);
	mld[24] = ROBUSTNESS;
	mld[25] = QUERY_INTERVAL;
	put_be16(mld + 2, icmpv6_checksum(ip, mld, MLD_LEN));
	*ret_length = frame_length(frame, mld + MLD_LEN, vid);
}
