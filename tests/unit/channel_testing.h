/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* For the tests of user/channel/: the channel of a switch on a data plane in ordinary memory. Its
 * uplinks are veth pairs in a namespace; the test acts as the physical switch at the other ends. */
#ifndef UL_TESTS_CHANNEL_TESTING_H
#define UL_TESTS_CHANNEL_TESTING_H

#include "channel/internal.h"
#include "vswitch_testing.h"

struct channel_report {
	uint32_t uplink;
	enum event_code code;
	char text[LACP_TEXT_LEN + 64];
};

struct channel_fixture {
	struct fixture *base;
	struct dataplane *dp;
	struct channel *channel;
	/* what the callbacks were called with */
	bool collecting[UL_MAX_UPLINKS], distributing[UL_MAX_UPLINKS];
	uint32_t n_states, n_recorded;
	struct channel_report reports[256];
	size_t n_reports;
	/* what the callbacks return */
	uint64_t wait_ms;
	uint32_t replaced;		/* bit i: uplink i */
	uint32_t bound[UL_MAX_UPLINKS]; /* interface of the sockets; 0: none */
	int fd[UL_MAX_UPLINKS][CHANNEL_SOCKETS];
};

static inline void channel_fixture_state(void *userdata, uint32_t uplink, bool collecting,
					 bool distributing)
{
	struct channel_fixture *fixture = userdata;

	fixture->collecting[uplink] = collecting;
	fixture->distributing[uplink] = distributing;
	fixture->n_states++;
}

static inline void channel_fixture_report(void *userdata, uint32_t uplink, enum event_code code,
					  const char *text)
{
	struct channel_fixture *fixture = userdata;
	struct channel_report *report;

	cr_assert_lt(fixture->n_reports, ARRAY_SIZE(fixture->reports));
	report = &fixture->reports[fixture->n_reports++];
	report->uplink = uplink;
	report->code = code;
	snprintf(report->text, sizeof(report->text), "%s", text);
}

static inline void channel_fixture_recorded(void *userdata)
{
	struct channel_fixture *fixture = userdata;

	fixture->n_recorded++;
}

static inline uint64_t channel_fixture_wait_ms(void *userdata, uint32_t uplink)
{
	const struct channel_fixture *fixture = userdata;

	(void)uplink;
	return fixture->wait_ms;
}

static inline bool channel_fixture_replaced(void *userdata, uint32_t uplink)
{
	const struct channel_fixture *fixture = userdata;

	return fixture->replaced >> uplink & 1;
}

/* As the worker and the timely side do it together. */
static inline void channel_fixture_link_of(void *userdata, uint32_t uplink, bool fresh,
					   struct channel_link *ret)
{
	struct channel_fixture *fixture = userdata;
	uint32_t ifindex = fixture->dp->uplinks[uplink].ifindex;
	struct link_monitor *links = fixture->base->context.links;
	struct link_speed speed = {};
	struct link_info info = {};

	*ret = (struct channel_link){};
	if (ifindex && fixture->bound[uplink] != ifindex) {
		channel_sockets_close(fixture->fd[uplink]);
		fixture->bound[uplink] =
			channel_sockets_open(ifindex, fixture->fd[uplink]) == 0 ? ifindex : 0;
	}
	if (!ifindex || fixture->bound[uplink] != ifindex)
		return;
	if (fresh)
		(void)link_refresh_get(links, ifindex, &info);
	ret->ifindex = ifindex;
	memcpy(ret->fd, fixture->fd[uplink], sizeof(ret->fd));
	ret->up = link_get(links, ifindex, &info) == 0 && info.carrier && info.admin_up;
	if (ret->up && link_get_speed(links, ifindex, &speed) == 0) {
		ret->speed_mbps = speed.speed_mbps;
		ret->full_duplex = speed.full_duplex;
	}
}

static inline void channel_fixture_open(struct channel_fixture *fixture)
{
	const struct channel_callbacks callbacks = {
		.on_negotiated = channel_fixture_state,
		.on_report = channel_fixture_report,
		.on_recorded = channel_fixture_recorded,
		.uplink_wait_ms = channel_fixture_wait_ms,
		.is_replaced = channel_fixture_replaced,
		.link_of = channel_fixture_link_of,
		.userdata = fixture,
	};

	cr_assert_eq(channel_new(&fixture->base->context, &callbacks, &fixture->channel), 0);
}

/* Without uplinks. with_links: as root only. */
static inline struct channel_fixture *channel_fixture_new(enum ul_channel kind, bool with_links)
{
	struct channel_fixture *fixture = calloc(1, sizeof(*fixture));

	cr_assert(fixture);
	fixture->base = fixture_new(with_links);
	fixture->dp = &fixture->base->fake.dp;
	fixture->base->cfg.channel = kind;
	fixture->base->cfg.lacp = (struct lacp_cfg){
		.activity = CFG_LACP_ACTIVE,
		.rate = CFG_LACP_FAST,
		.system_priority = 100,
		.key = 7,
		.port_priority = 255,
	};
	memset(fixture->fd, -1, sizeof(fixture->fd));
	channel_fixture_open(fixture);
	return fixture;
}

static inline void channel_fixture_free(struct channel_fixture *fixture)
{
	channel_free(fixture->channel);
	for (size_t i = 0; i < UL_MAX_UPLINKS; i++)
		channel_sockets_close(fixture->fd[i]);
	fixture_free(fixture->base);
	free(fixture);
}

/* Adds an uplink with this interface to configuration and maps; ifindex 0: none. */
static inline void put_uplink(struct channel_fixture *fixture, const char *name, uint32_t ifindex,
			      const uint8_t mac[6])
{
	struct switch_cfg *cfg = &fixture->base->cfg;
	struct ul_uplink uplink = { .ifindex = ifindex };

	memcpy(uplink.mac, mac, sizeof(uplink.mac));
	snprintf(uplink.name, sizeof(uplink.name), "%s", name);
	uplink_write(fixture->dp, cfg->n_uplinks, &uplink);
	add_uplink(cfg, name);
	meta_write_n_uplinks(fixture->dp, cfg->n_uplinks);
}

/* A veth pair; the uplink has the first end, the physical switch the other one. Both are up. */
static inline void wire_uplink(struct channel_fixture *fixture, const char *name, const char *far)
{
	struct record *record = fixture->base->record;
	struct link_info info;

	make_veth(record, name, far);
	set_up(record, name, true);
	set_up(record, far, true);
	run_pending(record);
	info = link_now(fixture->base, name);
	put_uplink(fixture, name, info.ifindex, info.mac);
}

/* Runs the partner and the channel until condition() or for DEADLINE_MS; returns its last result.
 */
static inline bool run_until(struct channel_fixture *fixture,
			     bool (*condition)(const struct channel_fixture *fixture))
{
	uint64_t end = now_ms() + DEADLINE_MS;

	while (!condition(fixture) && now_ms() < end) {
		sd_event_run(fixture->base->context.event, 10000);
		channel_receive(fixture->channel);
		channel_run(fixture->channel);
	}
	return condition(fixture);
}

static inline const struct channel_report *find_report(const struct channel_fixture *fixture,
						       enum event_code code, const char *text)
{
	for (size_t i = 0; i < fixture->n_reports; i++)
		if (fixture->reports[i].code == code && strstr(fixture->reports[i].text, text))
			return &fixture->reports[i];
	return NULL;
}

#endif
