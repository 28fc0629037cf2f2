// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Messages of rtnetlink with other interfaces in them: pure, and from one interface of the kernel
 * to another and back. And the place of a port in a bridge. */
#include "link_testing.h"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>

#include "link/transfer.h"

TestSuite(link_transfer, .timeout = 300);

#define FROM 7
#define TO 9

static const struct link_move move = { FROM, TO, "br0", "vmk0" };

/* ---- pure ---- */
static struct nlmsghdr *begin(void *buffer, uint16_t type, const void *header, size_t size)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	message->nlmsg_type = type;
	memcpy(mnl_nlmsg_put_extra_header(message, size), header, size);
	return message;
}

static const struct nlattr *attr_of(const void *request, size_t header, uint16_t type)
{
	const struct nlmsghdr *message = request;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, message, header)
	{
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}

Test(link_transfer, a_route_keeps_everything_but_its_interface)
{
	struct rtmsg rtm = { .rtm_family = AF_INET,
			     .rtm_dst_len = 8,
			     .rtm_table = RT_TABLE_MAIN,
			     .rtm_protocol = RTPROT_STATIC,
			     .rtm_type = RTN_UNICAST,
			     .rtm_flags = RTNH_F_ONLINK | RTNH_F_LINKDOWN };
	const struct rta_cacheinfo info = { .rta_expires = 1000 };
	uint8_t buffer[512], request[LINK_MESSAGE_BYTES];
	struct nlmsghdr *message = begin(buffer, RTM_NEWROUTE, &rtm, sizeof(rtm));
	const struct nlmsghdr *made = (const struct nlmsghdr *)request;

	mnl_attr_put_u32(message, RTA_DST, htonl(0x0a000000));
	mnl_attr_put_u32(message, RTA_OIF, FROM);
	mnl_attr_put_u32(message, RTA_PRIORITY, 50);
	mnl_attr_put_u32(message, RTA_TABLE, 4000);
	mnl_attr_put(message, RTA_CACHEINFO, sizeof(info), &info);
	cr_assert_eq(link_message_make(message, &move, 1, true, request), 0);
	cr_expect_eq(made->nlmsg_type, RTM_NEWROUTE);
	cr_expect_eq(((struct rtmsg *)mnl_nlmsg_get_payload(made))->rtm_flags,
		     (unsigned)RTNH_F_ONLINK);
	cr_expect_eq(mnl_attr_get_u32(attr_of(request, sizeof(rtm), RTA_OIF)), (uint32_t)TO);
	cr_expect_eq(mnl_attr_get_u32(attr_of(request, sizeof(rtm), RTA_PRIORITY)), 50u);
	cr_expect_eq(mnl_attr_get_u32(attr_of(request, sizeof(rtm), RTA_TABLE)), 4000u);
	cr_expect_eq(mnl_attr_get_u32(attr_of(request, sizeof(rtm), RTA_EXPIRES)), 11u);
	cr_expect_null(attr_of(request, sizeof(rtm), RTA_CACHEINFO));
	cr_assert_eq(link_message_make(message, NULL, 0, false, request), 0);
	cr_expect_eq(made->nlmsg_type, RTM_DELROUTE);
	cr_expect_eq(mnl_attr_get_u32(attr_of(request, sizeof(rtm), RTA_OIF)), (uint32_t)FROM);

	mnl_attr_put_u32(message, RTA_NH_ID, 1);
	cr_expect_eq(link_message_make(message, &move, 1, true, request), -EOPNOTSUPP);
}

Test(link_transfer, only_the_hops_of_the_interface_change)
{
	struct rtmsg rtm = { .rtm_family = AF_INET, .rtm_type = RTN_UNICAST };
	struct rtnexthop hops[2] = { { .rtnh_len = sizeof(struct rtnexthop),
				       .rtnh_flags = RTNH_F_DEAD,
				       .rtnh_ifindex = 3 },
				     { .rtnh_len = sizeof(struct rtnexthop),
				       .rtnh_ifindex = FROM } };
	uint8_t buffer[512], request[LINK_MESSAGE_BYTES];
	struct nlmsghdr *message = begin(buffer, RTM_NEWROUTE, &rtm, sizeof(rtm));
	const struct rtnexthop *made;

	mnl_attr_put(message, RTA_MULTIPATH, sizeof(hops), hops);
	cr_assert_eq(link_message_make(message, &move, 1, true, request), 0);
	made = mnl_attr_get_payload(attr_of(request, sizeof(rtm), RTA_MULTIPATH));
	cr_expect_eq(made[0].rtnh_ifindex, 3);
	cr_expect_eq(made[0].rtnh_flags, 0);
	cr_expect_eq(made[1].rtnh_ifindex, TO);
}

Test(link_transfer, a_label_follows_the_name)
{
	/* clang-format off */
	static const char *const rows[][2] = {
		{ "br0", "vmk0" }, { "br0:1", "vmk0:1" }, { "br01", NULL }, { "other", NULL },
		{ "br0:12345678901", NULL }, /* too long for the other name */
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ifaddrmsg ifa = { .ifa_family = AF_INET, .ifa_index = FROM };
		uint8_t buffer[512], request[LINK_MESSAGE_BYTES];
		struct nlmsghdr *message = begin(buffer, RTM_NEWADDR, &ifa, sizeof(ifa));
		const struct nlattr *label;

		mnl_attr_put_u32(message, IFA_LOCAL, 1);
		mnl_attr_put_strz(message, IFA_LABEL, rows[i][0]);
		cr_assert_eq(link_message_make(message, &move, 1, true, request), 0);
		label = attr_of(request, sizeof(ifa), IFA_LABEL);
		if (rows[i][1])
			cr_expect_str_eq(mnl_attr_get_str(label), rows[i][1]);
		else
			cr_expect_null(label, "%s", rows[i][0]);
	}
}

Test(link_transfer, a_rule_has_the_other_name)
{
	struct fib_rule_hdr rule = { .family = AF_INET,
				     .action = FR_ACT_TO_TBL,
				     .flags = FIB_RULE_INVERT | FIB_RULE_IIF_DETACHED };
	uint8_t buffer[512], request[LINK_MESSAGE_BYTES];
	struct nlmsghdr *message = begin(buffer, RTM_NEWRULE, &rule, sizeof(rule));
	const struct nlmsghdr *made = (const struct nlmsghdr *)request;

	mnl_attr_put_strz(message, FRA_IIFNAME, "br0");
	mnl_attr_put_strz(message, FRA_OIFNAME, "br00");
	mnl_attr_put_u32(message, FRA_PRIORITY, 1000);
	cr_assert_eq(link_message_make(message, &move, 1, true, request), 0);
	cr_expect_eq(((struct fib_rule_hdr *)mnl_nlmsg_get_payload(made))->flags,
		     (unsigned)FIB_RULE_INVERT);
	cr_expect_str_eq(mnl_attr_get_str(attr_of(request, sizeof(rule), FRA_IIFNAME)), "vmk0");
	cr_expect_str_eq(mnl_attr_get_str(attr_of(request, sizeof(rule), FRA_OIFNAME)), "br00");
}

/* A journal may have been damaged. */
Test(link_transfer, messages_that_are_none_are_refused)
{
	struct ifaddrmsg ifa = { .ifa_family = AF_INET, .ifa_index = FROM };
	uint8_t buffer[LINK_MESSAGE_BYTES] = {};
	struct nlmsghdr *message = begin(buffer, RTM_NEWADDR, &ifa, sizeof(ifa));
	struct link_messages messages = {};
	size_t length;

	mnl_attr_put_u32(message, IFA_LOCAL, 1);
	length = message->nlmsg_len;
	cr_expect_eq(link_messages_add(&messages, buffer, length), 0);
	cr_expect_eq(link_messages_add(&messages, buffer, length - 4), -EBADMSG);
	cr_expect_eq(link_messages_add(&messages, buffer, 4), -EBADMSG);
	message->nlmsg_len = NLMSG_HDRLEN;
	cr_expect_eq(link_messages_add(&messages, buffer, NLMSG_HDRLEN), -EBADMSG, "no header");
	message->nlmsg_len = (uint32_t)length;
	message->nlmsg_type = RTM_NEWLINK;
	cr_expect_eq(link_messages_add(&messages, buffer, length), -EBADMSG, "another kind");
	message->nlmsg_type = RTM_NEWADDR;
	((struct nlattr *)(buffer + NLMSG_HDRLEN + sizeof(ifa)))->nla_len = 100;
	cr_expect_eq(link_messages_add(&messages, buffer, length), -EBADMSG, "an attribute");
	cr_expect_eq(messages.n, 1u);
	link_messages_done(&messages);
}

/* A message with many short names, as a damaged journal may have it, grows with each of them. */
static int make_with_names(uint16_t type, const void *header, size_t size, uint16_t attr)
{
	static uint8_t buffer[LINK_MESSAGE_BYTES], request[8 * LINK_MESSAGE_BYTES];
	static const struct link_move longer = { FROM, TO, "b", "a-name-of-15-ch" };
	struct nlmsghdr *message = begin(buffer, type, header, size);
	struct link_messages messages = {};
	int r;

	while (message->nlmsg_len < LINK_MESSAGE_BYTES - 140)
		mnl_attr_put_strz(message, attr, "b");
	cr_assert_eq(link_messages_add(&messages, message, message->nlmsg_len), 0);
	r = link_message_make(messages.list[0], &longer, 1, true, request);
	cr_expect_leq(((const struct nlmsghdr *)request)->nlmsg_len, LINK_MESSAGE_BYTES);
	link_messages_done(&messages);
	return r;
}

Test(link_transfer, a_request_does_not_exceed_its_buffer)
{
	const struct ifaddrmsg ifa = { .ifa_family = AF_INET, .ifa_index = FROM };
	const struct fib_rule_hdr rule = { .family = AF_INET, .action = FR_ACT_TO_TBL };

	cr_expect_eq(make_with_names(RTM_NEWADDR, &ifa, sizeof(ifa), IFA_LABEL), -EBADMSG);
	cr_expect_eq(make_with_names(RTM_NEWRULE, &rule, sizeof(rule), FRA_IIFNAME), -EBADMSG);
}

/* ---- the kernel ---- */
static void run_ip(const char *command)
{
	cr_assert_eq(system(command), 0, "%s", command);
}

/* Whether the output of a command has the text. */
static bool shows(const char *command, const char *text)
{
	char output[8192] = "";
	FILE *pipe = popen(command, "re");
	size_t n;

	cr_assert(pipe);
	n = fread(output, 1, sizeof(output) - 1, pipe);
	output[n] = '\0';
	pclose(pipe);
	return strstr(output, text) != NULL;
}

static struct link_move between(struct record *record, const char *from, const char *to)
{
	struct link_move result = { .from = ifindex_of(record, from),
				    .to = ifindex_of(record, to) };

	snprintf(result.from_name, sizeof(result.from_name), "%s", from);
	snprintf(result.to_name, sizeof(result.to_name), "%s", to);
	return result;
}

Test(link_transfer, an_interface_gives_all_to_another_one_and_back)
{
	struct record *record = record_new();
	struct link_messages messages;
	struct link_move there;

	make_veth(record, "va", "vb");
	make_veth(record, "vc", "vd");
	for (size_t i = 0; i < 4; i++)
		set_up(record, (const char *[]){ "va", "vb", "vc", "vd" }[i], true);
	run_ip("ip address add 192.0.2.10/24 dev va && ip address add 192.0.2.11/24 dev va label va:1");
	run_ip("ip route add default via 192.0.2.1 src 192.0.2.11 metric 5");
	/* in the order of a dump before the route to its gateway */
	run_ip("ip route add 203.0.113.9 dev va && ip route add 10.0.0.0/8 via 203.0.113.9 dev va");
	there = between(record, "va", "vc");
	cr_assert_eq(link_collect(&there, 1, &messages, NULL), 0);
	cr_expect_eq(messages.n, 5u);
	cr_assert_eq(link_messages_apply(&messages, NULL, 0, false, NULL), 0);
	cr_expect(!shows("ip route", "dev va") && !shows("ip address", "va:1"));
	cr_assert_eq(link_messages_apply(&messages, &there, 1, true, NULL), 0);
	cr_expect(shows("ip route", "default via 192.0.2.1 dev vc src 192.0.2.11 metric 5"));
	cr_expect(shows("ip route", "10.0.0.0/8 via 203.0.113.9 dev vc"));
	cr_expect(shows("ip address show dev vc", "192.0.2.11/24 scope global secondary vc:1"));
	cr_expect_eq(link_messages_apply(&messages, &there, 1, true, NULL), 0, "twice");

	cr_assert_eq(link_messages_apply(&messages, &there, 1, false, NULL), 0);
	cr_assert_eq(link_messages_apply(&messages, NULL, 0, true, NULL), 0);
	cr_expect(shows("ip route", "default via 192.0.2.1 dev va src 192.0.2.11 metric 5"));
	cr_expect(!shows("ip route", "dev vc"));
	link_messages_done(&messages);
	record_free(record);
}

/* NetworkManager adds the network's route itself, with the kernel's protocol and another metric. */
Test(link_transfer, the_route_to_a_network_moves_unless_the_kernel_makes_it)
{
	struct record *record = record_new();
	struct link_messages messages;
	struct link_move there;

	make_veth(record, "va", "vb");
	make_veth(record, "vc", "vd");
	for (size_t i = 0; i < 4; i++)
		set_up(record, (const char *[]){ "va", "vb", "vc", "vd" }[i], true);
	run_ip("ip address add 192.0.2.10/24 dev va noprefixroute");
	run_ip("ip route add 192.0.2.0/24 dev va proto kernel scope link src 192.0.2.10 metric 425");
	run_ip("ip route add default via 192.0.2.1 metric 425");
	run_ip("ip address add 198.51.100.10/24 dev va");
	there = between(record, "va", "vc");
	cr_assert_eq(link_collect(&there, 1, &messages, NULL), 0);
	cr_expect_eq(messages.n, 4u, "%zu", messages.n);
	cr_assert_eq(link_messages_apply(&messages, NULL, 0, false, NULL), 0);
	cr_expect(!shows("ip route", "dev va"));
	cr_assert_eq(link_messages_apply(&messages, NULL, 0, true, NULL), 0);
	cr_expect(shows("ip route",
			"192.0.2.0/24 dev va proto kernel scope link src 192.0.2.10 metric 425"));
	cr_expect(shows("ip route", "default via 192.0.2.1 dev va metric 425"));
	cr_expect(shows("ip route",
			"198.51.100.0/24 dev va proto kernel scope link src 198.51.100.10 \n"));
	link_messages_done(&messages);
	record_free(record);
}

Test(link_transfer, what_cannot_be_added_is_named_and_the_rest_is_added)
{
	struct record *record = record_new();
	struct link_messages messages;
	struct errors errors = {};
	struct link_move there;

	make_veth(record, "va", "vb");
	make_veth(record, "vc", "vd");
	set_up(record, "va", true);
	set_up(record, "vb", true);
	run_ip("ip address add 192.0.2.10/24 dev va && ip route add 10.0.0.0/8 dev va");
	there = between(record, "va", "vc");
	cr_assert_eq(link_collect(&there, 1, &messages, NULL), 0);
	/* vc is down: it takes addresses and no routes */
	cr_expect_eq(link_messages_apply(&messages, &there, 1, true, &errors), -ENETDOWN);
	cr_expect_eq(errors.n, 1u);
	cr_expect(strstr(errors.messages[0], "route 10.0.0.0/8: cannot be added"), "%s",
		  errors.messages[0]);
	cr_expect(shows("ip address show dev vc", "192.0.2.10/24"));
	errors_done(&errors);
	link_messages_done(&messages);
	record_free(record);
}

Test(link_transfer, a_port_returns_to_its_bridge_with_its_settings)
{
	struct record *record = record_new();
	struct link_membership membership;
	uint32_t port;

	make_veth(record, "va", "vb");
	cr_assert_eq(try_make(record, "br0", "bridge", NULL), 0);
	run_ip("ip link set va master br0 up && bridge link set dev va cost 7 hairpin on learning off");
	run_pending(record);
	port = ifindex_of(record, "va");
	cr_assert_eq(link_get_membership(port, &membership), 0);
	cr_expect_str_eq(membership.kind, "bridge");
	cr_assert_eq(link_release(record->monitor, port), 0);
	cr_expect_eq(info_of(record->monitor, "va")->master, 0u);
	cr_expect_eq(link_release(record->monitor, port), 0, "twice");
	for (int i = 0; i < 2; i++)
		cr_expect_eq(link_enslave(record->monitor, port, ifindex_of(record, "br0"),
					  &membership),
			     0);
	cr_expect_eq(info_of(record->monitor, "va")->master, ifindex_of(record, "br0"));
	cr_expect(shows("ip -d link show va", "cost 7 hairpin on"));
	cr_expect(shows("ip -d link show va", "learning off"));
	link_membership_done(&membership);

	cr_assert_eq(link_get_membership(ifindex_of(record, "vb"), &membership), 0);
	cr_expect_str_empty(membership.kind);
	link_membership_done(&membership);
	record_free(record);
}
