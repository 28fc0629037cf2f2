// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * libFuzzer entry: netlink messages to the interface monitor, and as answers to every query of
 * link/. Input: datagrams (kernel_fake.h) and steps. A step: a byte that selects the query, and a
 * byte with the number of its interface.
 */
#include "kernel_fake.h"

#include "common/errors.h"
#include "link/internal.h"
#include "link/transfer.h"

static void on_link(void *userdata, const struct link_info *info, unsigned int changes)
{
	CHECK(userdata == &kernel && info->ifindex && changes);
	CHECK(info->name[0] && strnlen(info->name, UL_NAME_LEN) < UL_NAME_LEN);
	CHECK(strnlen(info->kind, sizeof(info->kind)) < sizeof(info->kind));
}

/* ---- invariants ---- */
static bool any(const void *userdata, const struct link_info *info)
{
	(void)userdata;
	(void)info;
	return true;
}

/* Each interface is found by its number and name, which are unique. */
static void check_table(struct link_monitor *monitor)
{
	struct link_info *list = NULL, info;
	size_t n = 0;

	CHECK(link_list(monitor, any, NULL, &list, &n) == 0 && n == monitor->table.n);
	for (size_t i = 0; i < n; i++) {
		CHECK(i == 0 || list[i - 1].ifindex < list[i].ifindex);
		CHECK(link_get(monitor, list[i].ifindex, &info) == 0);
		CHECK(link_get_by_name(monitor, list[i].name, &info) == 0);
		CHECK(strcmp(info.name, list[i].name) == 0);
	}
	free(list);
}

/* ---- steps ---- */
static void find_addresses(struct link_monitor *monitor, uint32_t ifindex)
{
	const struct address wanted[] = {
		{ .family = AF_INET, .prefix_length = 24, .bytes = { 192, 0, 2, 1 } },
		{ .family = AF_INET6, .prefix_length = 64, .bytes = { 0x20, 1, 0xd, 0xb8 } },
	};
	uint64_t missing = 0;

	if (link_find_missing_addresses(monitor, ifindex, wanted, 2, &missing) == 0)
		CHECK(missing < 4);
	(void)link_remove_addresses(monitor, ifindex, wanted, 1);
}

static void find_routes(struct link_monitor *monitor, uint32_t ifindex)
{
	const struct route wanted = { .to = { .family = AF_INET, .prefix_length = 24 },
				      .via = { .family = AF_INET },
				      .has_via = true };
	uint64_t missing = 0;
	bool has;

	if (link_find_missing_routes(monitor, ifindex, &wanted, 1, &missing) == 0)
		CHECK(missing < 2);
	(void)link_has_route(monitor, ifindex, &wanted, &has);
	(void)link_add_own_route(monitor, ifindex, &wanted);
	(void)link_remove_own_routes(monitor, ifindex, &wanted, 1);
}

static void find_bridge(struct link_monitor *monitor, uint32_t ifindex)
{
	struct link_bridge_port *ports = NULL;
	struct link_bridge bridge;
	size_t n = 0;

	(void)link_get_bridge(monitor, ifindex, &bridge);
	if (link_get_bridge_ports(monitor, &ports, &n) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		CHECK(ports[i].ifindex && ports[i].master && ports[i].pvid < UL_VLAN_TRUNK);
	free(ports);
}

static void change_membership(struct link_monitor *monitor, uint32_t ifindex)
{
	struct link_membership membership = { 0 };

	if (link_get_membership(ifindex, &membership) < 0)
		return;
	CHECK(strnlen(membership.kind, sizeof(membership.kind)) < sizeof(membership.kind));
	(void)link_release(monitor, ifindex);
	(void)link_enslave(monitor, ifindex, 7, &membership);
	link_membership_done(&membership);
}

/* What is collected can be written to the journal and read again, and becomes a request. */
static void transfer(uint32_t ifindex)
{
	const struct link_move moves[] = { { ifindex, 1000, "br0", "vmk0" },
					   { ifindex + 1, 1001, "br1", "a-long-name-012" } };
	struct link_messages messages = { 0 }, again = { 0 };
	struct errors errors = { 0 };

	if (link_collect(moves, 2, &messages, &errors) == 0) {
		for (size_t i = 0; i < messages.n; i++) {
			uint8_t buffer[LINK_MESSAGE_BYTES];
			char text[LINK_USAGE_TEXT_LEN];

			CHECK(link_messages_add(&again, messages.list[i],
						messages.list[i]->nlmsg_len) == 0);
			(void)link_message_make(messages.list[i], moves, 2, i & 1, buffer);
			CHECK(link_message_describe(messages.list[i], text)[0]);
		}
		(void)link_messages_apply(&again, moves, 2, true, &errors);
	}
	link_messages_done(&messages);
	link_messages_done(&again);
	errors_done(&errors);
}

static void step(struct link_monitor *monitor, struct input *input)
{
	uint8_t what = take(input);
	uint32_t ifindex = take(input);
	struct link_usage usage;
	struct link_veth veth;
	struct link_info info;
	char name[UL_NAME_LEN];

	switch (what % 10) {
	case 0:
		(void)link_monitor_resync(monitor);
		break;
	case 1:
		(void)link_monitor_refresh(monitor, ifindex);
		break;
	case 2:
		snprintf(name, sizeof(name), "eth%u", ifindex);
		(void)link_refresh_get_by_name(monitor, name, &info);
		break;
	case 3:
		find_addresses(monitor, ifindex);
		break;
	case 4:
		find_routes(monitor, ifindex);
		break;
	case 5:
		find_bridge(monitor, ifindex);
		break;
	case 6:
		change_membership(monitor, ifindex);
		break;
	case 7:
		transfer(ifindex);
		break;
	case 8:
		(void)link_find_usage(monitor, ifindex, &usage);
		break;
	case 9:
		(void)link_get_veth(monitor, ifindex, &veth);
		break;
	}
	link_deliver(monitor);
	check_table(monitor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { .at = data, .left = size };
	struct link_monitor *monitor = NULL;
	static sd_event *event;

	CHECK(event || sd_event_new(&event) == 0);
	kernel.input = &input;
	if (link_monitor_new(event, on_link, &kernel, &monitor) < 0)
		return 0;
	check_table(monitor);
	for (int i = 0; input.left && i < 64; i++)
		step(monitor, &input);
	link_monitor_free(monitor);
	return 0;
}
