// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Attachment bridges as interfaces. What becomes a port of one: tests/unit/vswitch_attachments.c.
 */
#include "port_testing.h"

#include "port/attachment.h"

static struct port_fixture *with_bridges(const char *of_switch, const char *of_group)
{
	struct port_fixture *fixture = port_fixture_new(true);

	snprintf(fixture->base->cfg.bridge, UL_NAME_LEN, "%s", of_switch);
	snprintf(fixture->groups[0].bridge, UL_NAME_LEN, "%s", of_group);
	fixture->base->cfg.n_groups = 1;
	return fixture;
}

static bool is_up(const struct port_fixture *fixture, const char *name)
{
	return link_now(fixture->base, name).admin_up;
}

static void set_bridge_up(struct port_fixture *fixture, const char *name)
{
	set_up(fixture->base->record, name, true);
	cr_assert(is_up(fixture, name));
	deliver_events(fixture);
}

Test(port_attachment, a_bridge_of_uplinkd_stays_down, .timeout = 30)
{
	struct port_fixture *fixture = with_bridges("", "br-g");

	attachment_bridges_apply(&fixture->base->context);
	cr_expect_not(is_up(fixture, "br-g"));
	deliver_events(fixture);
	set_bridge_up(fixture, "br-g");
	cr_expect_not(is_up(fixture, "br-g"));
	/* no loop with software that sets it up each time */
	for (int i = 0; i < 100; i++)
		set_bridge_up(fixture, "br-g");
	cr_expect(is_up(fixture, "br-g"));
	attachment_bridges_keep_down(&fixture->base->context);
	cr_expect_not(is_up(fixture, "br-g"), "the check once a second");
	port_fixture_free(fixture);
}

/* The administrator's, and one of no switch. */
Test(port_attachment, other_bridges_stay_up, .timeout = 30)
{
	struct port_fixture *fixture = with_bridges("vmbr0", "br-g");

	cr_assert_eq(try_make(fixture->base->record, "vmbr0", "bridge", NULL), 0);
	cr_assert_eq(try_make(fixture->base->record, "br-h", "bridge", NULL), 0);
	attachment_bridges_apply(&fixture->base->context);
	deliver_events(fixture);
	for (int i = 0; i < 2; i++) {
		const char *name = i ? "vmbr0" : "br-h";

		set_bridge_up(fixture, name);
		attachment_bridges_keep_down(&fixture->base->context);
		cr_expect(is_up(fixture, name), "%s", name);
	}
	port_fixture_free(fixture);
}
