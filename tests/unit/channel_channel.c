// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The running channel on real links. The physical switch is a second protocol core. */
#include "channel_testing.h"

#include <sys/epoll.h>

/* The port of the physical switch at the other end of an uplink. */
struct partner {
	struct lacp *lacp;
	int fd;
	sd_event_source *receive, *timer;
};

static void partner_send(void *userdata, uint16_t port, const uint8_t *frame, size_t length)
{
	struct partner *partner = userdata;

	(void)port;
	lacp_io_send(partner->fd, frame, length);
}

static void partner_changed(void *userdata, uint16_t port, bool collecting, bool distributing)
{
	(void)userdata;
	(void)port;
	(void)collecting;
	(void)distributing;
}

static void partner_event(void *userdata, uint16_t port, enum lacp_event_kind kind,
			  const char *text)
{
	(void)userdata;
	(void)port;
	(void)kind;
	(void)text;
}

static int partner_on_frame(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct partner *partner = userdata;
	uint8_t frame[LACP_IO_MAX_FRAME];
	ssize_t n;

	(void)source;
	(void)revents;
	while ((n = lacp_io_receive(fd, frame, sizeof(frame))) > 0)
		lacp_receive(partner->lacp, 1, frame, (size_t)n, now_ms());
	lacp_run(partner->lacp, now_ms());
	return 0;
}

static int partner_on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct partner *partner = userdata;

	(void)usec;
	lacp_run(partner->lacp, now_ms());
	sd_event_source_set_time_relative(source, 50000);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void partner_start(struct channel_fixture *fixture, const char *interface,
			  struct partner *partner)
{
	const struct lacp_callbacks callbacks = { partner_send, partner_changed, partner_event,
						  partner };
	const struct lacp_config config = { .system_priority = 1,
					    .system = { 2, 0, 0, 0, 0, 0xee },
					    .key = 3,
					    .active = true,
					    .fast = true };
	const struct lacp_port_config port = { .number = 1,
					       .priority = 1,
					       .mac = { 2, 0, 0, 0xee } };
	sd_event *event = fixture->base->context.event;

	*partner = (struct partner){ .lacp = lacp_new(&config, &callbacks) };
	partner->fd = lacp_io_open(ifindex_of(fixture->base->record, interface), LACP_IO_SLOW);
	cr_assert_geq(partner->fd, 0);
	cr_assert_eq(lacp_port_add(partner->lacp, &port), 0);
	lacp_port_set_link(partner->lacp, 1, true, 0, true, now_ms());
	cr_assert_geq(sd_event_add_io(event, &partner->receive, partner->fd, EPOLLIN,
				      partner_on_frame, partner),
		      0);
	cr_assert_geq(sd_event_add_time_relative(event, &partner->timer, CLOCK_MONOTONIC, 0, 1000,
						 partner_on_timer, partner),
		      0);
}

static void partner_stop(struct partner *partner)
{
	sd_event_source_disable_unref(partner->receive);
	sd_event_source_disable_unref(partner->timer);
	ul_closep(&partner->fd);
	lacp_free(partner->lacp);
}

static bool is_distributing(const struct channel_fixture *fixture)
{
	return fixture->collecting[0] && fixture->distributing[0];
}

static bool is_out(const struct channel_fixture *fixture)
{
	return !fixture->collecting[0] && !fixture->distributing[0];
}

static bool is_recorded_in(const struct channel_fixture *fixture)
{
	return fixture->dp->lacp_ports[0].mux_state == LACP_MUX_COLLECTING_DISTRIBUTING;
}

/* An uplink that is in the channel with a partner. */
static struct channel_fixture *joined(struct partner *partner)
{
	struct channel_fixture *fixture = channel_fixture_new(UL_CHANNEL_LACP, true);

	wire_uplink(fixture, "eth0", "sw0");
	partner_start(fixture, "sw0", partner);
	cr_assert_eq(channel_apply(fixture->channel), 0);
	cr_assert(is_out(fixture));
	cr_assert(run_until(fixture, is_distributing), "no agreement with the partner");
	return fixture;
}

Test(channel_channel, a_partner_brings_the_uplink_into_the_channel, .timeout = 300)
{
	struct partner partner;
	struct channel_fixture *fixture = joined(&partner);
	const struct ul_lacp_port *record = &fixture->dp->lacp_ports[0];

	cr_assert(run_until(fixture, is_recorded_in));
	cr_expect_eq(record->partner.key, 3);
	cr_expect_eq(record->actor.key, 7);
	cr_expect_eq(record->actor.system_priority, 100);
	cr_expect_eq(fixture->base->fake.lacp[0].partner.key, 3, "saved for the next daemon");
	cr_expect(find_report(fixture, EVENT_LACP, "LACP mux: "));
	channel_fixture_free(fixture);
	partner_stop(&partner);
}

Test(channel_channel, a_restart_resumes_the_saved_state_at_once, .timeout = 300)
{
	struct partner partner;
	struct channel_fixture *fixture = joined(&partner);

	channel_free(fixture->channel);
	fixture->collecting[0] = fixture->distributing[0] = false;
	channel_fixture_open(fixture);
	cr_assert_eq(channel_apply(fixture->channel), 0);
	cr_expect(is_distributing(fixture));
	channel_fixture_free(fixture);
	partner_stop(&partner);
}

/* Then the start is repeated, by the daemon or by its service manager. */
Test(channel_channel, a_saved_state_that_cannot_be_read_is_not_a_missing_one, .timeout = 300)
{
	struct partner partner;
	struct channel_fixture *fixture = joined(&partner);

	channel_free(fixture->channel);
	fixture->collecting[0] = fixture->distributing[0] = false;
	channel_fixture_open(fixture);
	fixture->base->fake.load_lacp_error = -ENOMEM;
	cr_expect_eq(channel_apply(fixture->channel), -ENOMEM);
	cr_expect(dataplane_fake_has_error(&fixture->base->fake,
					   "the saved LACP state of uplink 0 cannot be read"));
	fixture->base->fake.load_lacp_error = 0;
	cr_expect_eq(channel_apply(fixture->channel), 0);
	cr_expect(is_distributing(fixture));
	channel_fixture_free(fixture);
	partner_stop(&partner);
}

/* Another NIC has the name of the uplink now: what was agreed was agreed on another cable. */
Test(channel_channel, the_state_of_a_replaced_interface_is_not_resumed, .timeout = 300)
{
	struct partner partner;
	struct channel_fixture *fixture = joined(&partner);

	channel_free(fixture->channel);
	fixture->replaced = 1;
	channel_fixture_open(fixture);
	cr_assert_eq(channel_apply(fixture->channel), 0);
	cr_expect(is_out(fixture));
	channel_fixture_free(fixture);
	partner_stop(&partner);
}

Test(channel_channel, a_lost_carrier_takes_the_uplink_out, .timeout = 300)
{
	struct partner partner;
	struct channel_fixture *fixture = joined(&partner);

	fixture->channel->port[0]->neighbour.seen_ms = 1;
	set_up(fixture->base->record, "sw0", false);
	run_pending(fixture->base->record);
	link_now(fixture->base, "eth0");
	channel_link_changed(fixture->channel, 0);
	cr_expect(is_out(fixture));
	cr_expect_eq(fixture->channel->port[0]->neighbour.seen_ms, 0,
		     "the next cable may lead elsewhere");
	channel_fixture_free(fixture);
	partner_stop(&partner);
}

Test(channel_channel, a_drained_uplink_leaves_and_returns, .timeout = 300)
{
	struct partner partner;
	struct channel_fixture *fixture = joined(&partner);

	channel_drain(fixture->channel, 0, true);
	cr_expect_not(fixture->distributing[0]);
	cr_expect(run_until(fixture, is_out));
	cr_expect(fixture->dp->lacp_ports[0].flags & UL_LACP_DRAINED);
	channel_drain(fixture->channel, 0, false);
	cr_expect(run_until(fixture, is_distributing));
	channel_fixture_free(fixture);
	partner_stop(&partner);
}

/* Sent before the interface is disconnected. */
static struct partner *leaving;

static bool partner_lost_sync(const struct channel_fixture *fixture)
{
	struct lacp_port_info info;

	(void)fixture;
	return lacp_port_info(leaving->lacp, 1, now_ms(), &info) == 0 &&
	       !(info.partner.state & LACP_SYNCHRONIZATION);
}

static bool partner_has_sync(const struct channel_fixture *fixture)
{
	return !partner_lost_sync(fixture);
}

Test(channel_channel, an_uplink_that_leaves_sends_sync_0, .timeout = 300)
{
	struct partner partner;
	struct channel_fixture *fixture = joined(&partner);

	leaving = &partner;
	cr_assert(run_until(fixture, partner_has_sync));
	channel_remove_uplink(fixture->channel, 0);
	cr_expect(is_out(fixture), "the data plane has stopped before");
	cr_expect(run_until(fixture, partner_lost_sync));
	channel_fixture_free(fixture);
	partner_stop(&partner);
}

/* ---- without LACP ---- */
static bool has_lacp_finding(const struct channel_fixture *fixture)
{
	return find_report(fixture, EVENT_CHANNEL_FINDING, "channel finding: ");
}

static bool has_cleared(const struct channel_fixture *fixture)
{
	return find_report(fixture, EVENT_CHANNEL_CLEARED, "channel cleared: lacp");
}

Test(channel_channel, lacp_of_the_peer_is_a_finding_until_the_cable_is_pulled, .timeout = 300)
{
	struct channel_fixture *fixture = channel_fixture_new(UL_CHANNEL_STATIC, true);
	struct partner partner;

	wire_uplink(fixture, "eth0", "sw0");
	partner_start(fixture, "sw0", &partner);
	cr_assert_eq(channel_apply(fixture->channel), 0);
	cr_assert(run_until(fixture, has_lacp_finding));
	cr_expect_eq(fixture->dp->lacp_ports[0].findings, 1U << UL_FIND_LACP_UNUSED);
	cr_expect_eq(fixture->dp->lacp_ports[0].partner.key, 3);
	cr_expect_eq(fixture->n_states, 0);
	set_up(fixture->base->record, "sw0", false);
	link_now(fixture->base, "eth0");
	channel_link_changed(fixture->channel, 0);
	cr_expect(has_cleared(fixture));
	cr_expect_eq(fixture->dp->lacp_ports[0].findings, 0);
	channel_fixture_free(fixture);
	partner_stop(&partner);
}

/* ---- sockets ---- */
static bool is_paused(const struct channel_fixture *fixture)
{
	return fixture->channel->port[0]->pause_end_ms[LACP_IO_SLOW];
}

static bool is_resumed(const struct channel_fixture *fixture)
{
	return !is_paused(fixture);
}

Test(channel_channel, a_flood_pauses_its_socket, .timeout = 300)
{
	static const uint8_t noise[64] = {
		0x01, 0x80, 0xc2, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0x09,
	};
	struct channel_fixture *fixture = channel_fixture_new(UL_CHANNEL_LACP, true);
	_cleanup_close_ int fd = -1;

	wire_uplink(fixture, "eth0", "sw0");
	cr_assert_eq(channel_apply(fixture->channel), 0);
	fd = lacp_io_open(ifindex_of(fixture->base->record, "sw0"), LACP_IO_SLOW);
	for (int i = 0; i < 100; i++)
		lacp_io_send(fd, noise, sizeof(noise));
	channel_poll(fixture->channel);
	cr_assert(is_paused(fixture));
	channel_run(fixture->channel);
	cr_expect(run_until(fixture, is_resumed));
	channel_fixture_free(fixture);
}

Test(channel_channel, the_sockets_follow_the_interface, .timeout = 300)
{
	struct channel_fixture *fixture = channel_fixture_new(UL_CHANNEL_LACP, true);
	const struct channel_port *port;

	wire_uplink(fixture, "eth0", "sw0");
	cr_assert_eq(channel_apply(fixture->channel), 0);
	port = fixture->channel->port[0];
	cr_expect_eq(port->ifindex, fixture->dp->uplinks[0].ifindex);
	cr_expect_geq(port->fd[LACP_IO_LLDP], 0);
	uplink_write_ifindex(fixture->dp, 0, 0);
	channel_link_changed(fixture->channel, 0);
	cr_expect_eq(port->ifindex, 0);
	for (int i = 0; i < CHANNEL_SOCKETS; i++)
		cr_expect_eq(port->fd[i], -1);
	uplink_write_ifindex(fixture->dp, 0, 99999);
	channel_link_changed(fixture->channel, 0);
	cr_expect_eq(port->ifindex, 0);
	channel_fixture_free(fixture);
}
