// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <criterion/criterion.h>
#include <sys/resource.h>

#include "common/util.h"
#include "view_fake.h"
#include "vswitch/vswitch.h"

static struct fake_fs fs;
static struct fake fake;
static struct model *model;
static struct errors errors;

static void setup(void)
{
	static const char text[] = "switches:\n"
				   "- name: vswitch0\n"
				   "  uplinks: [eth0]\n"
				   "  port-groups:\n"
				   "  - {name: prod, vlan: 100}\n"
				   "  - {name: lab, vlan: 200, security: {mac-learning: true}}\n"
				   "- {name: absent, uplinks: [eth1]}\n";

	cr_assert_eq(config_parse(text, strlen(text), "t.yaml", &model, &errors), 0);
	fake_mount(&fs);
	fake_init(&fake, 1);
	fake_group(&fake, 1, "lab", 200, 0);
}

static void teardown(void)
{
	fake_unmount(&fs);
	errors_done(&errors);
	model_free(model);
}

TestSuite(vswitch_runtime_ports, .init = setup, .fini = teardown);

static void collect(void)
{
	fake_pin(&fs, &fake, "vswitch0");
	cr_assert_eq(vswitch_collect_runtime_ports(fs.directory, model, &errors), 0);
}

Test(vswitch_runtime_ports, only_ports_that_were_added_at_run_time_are_taken_over)
{
	const struct port_cfg *port;

	fake_port(&fake, 3, "vm3", 0, 3);
	fake.ports[3].flags |= UL_PORT_RUNTIME;
	collect();
	cr_expect_eq(errors.n, 0);
	cr_expect_null(switch_find_port(&model->switches[0], "vnet0"));
	port = switch_find_port(&model->switches[0], "vm3");
	cr_assert(port);
	cr_expect(port->runtime && port->has_mac && !port->host);
	cr_expect_arr_eq(port->mac, fake.ports[3].mac, 6);
	cr_expect_eq(model->switches[0].groups[0].n_ports, 1);
	cr_expect_eq(model->switches[1].n_groups, 0);
}

Test(vswitch_runtime_ports, a_port_without_an_address_needs_a_group_that_learns)
{
	fake_port(&fake, 3, "vm3", 1, 3);
	fake_port(&fake, 4, "vm4", 0, 4);
	fake.ports[3].flags |= UL_PORT_RUNTIME;
	fake.ports[4].flags |= UL_PORT_RUNTIME;
	memset(fake.ports[3].mac, 0, 6);
	memset(fake.ports[4].mac, 0, 6);
	collect();
	cr_expect(switch_find_port(&model->switches[0], "vm3"));
	cr_expect_not(switch_find_port(&model->switches[0], "vm3")->has_mac);
	cr_expect_null(switch_find_port(&model->switches[0], "vm4"));
	cr_assert_eq(errors.n, 1);
	cr_expect(strstr(errors.messages[0], "vswitch0: port vm4, added at run time, is dropped: "),
		  "%s", errors.messages[0]);
}

Test(vswitch_runtime_ports, a_group_that_left_the_file_drops_its_ports)
{
	fake_group(&fake, 2, "gone", 300, 0);
	fake_port(&fake, 3, "vm3", 2, 3);
	fake.ports[3].flags |= UL_PORT_RUNTIME;
	collect();
	cr_expect_null(switch_find_port(&model->switches[0], "vm3"));
	cr_assert_eq(errors.n, 1);
	cr_expect(strstr(errors.messages[0], "port vm3"), "%s", errors.messages[0]);
}

Test(vswitch_runtime_ports, without_maps_there_is_nothing_to_collect)
{
	cr_assert_eq(vswitch_collect_runtime_ports(fs.directory, model, &errors), 0);
	cr_expect_eq(errors.n, 0);
	cr_expect_eq(model->switches[0].groups[0].n_ports, 0);
}

Test(vswitch_runtime_ports, maps_that_cannot_be_opened_now_are_not_absent)
{
	struct rlimit limit, none;

	fake_port(&fake, 3, "vm3", 0, 3);
	fake.ports[3].flags |= UL_PORT_RUNTIME;
	fake_pin(&fs, &fake, "vswitch0");
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = limit.rlim_max };
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	cr_expect_eq(vswitch_collect_runtime_ports(fs.directory, model, &errors), -EMFILE);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_expect_str_eq(errors.messages[0],
			 "vswitch0: its run-time ports cannot be read: Too many open files");
	cr_assert_eq(vswitch_collect_runtime_ports(fs.directory, model, &errors), 0);
	cr_expect(switch_find_port(&model->switches[0], "vm3"));
}

/* The daemon was killed between the two renames of an exchange. */
Test(vswitch_runtime_ports, of_a_set_whose_directory_was_not_renamed_yet)
{
	char from[PATH_MAX], to[PATH_MAX];

	fake_port(&fake, 3, "vm3", 0, 3);
	fake.ports[3].flags |= UL_PORT_RUNTIME;
	fake_pin(&fs, &fake, "vswitch0");
	snprintf(from, sizeof(from), "%s/uplinkd/vswitch0", fs.directory);
	snprintf(to, sizeof(to), "%s/uplinkd/vswitch0_next", fs.directory);
	cr_assert_eq(rename(from, to), 0);
	cr_expect_eq(vswitch_collect_runtime_ports(fs.directory, model, &errors), 0);
	cr_expect(switch_find_port(&model->switches[0], "vm3"));
	cr_expect_eq(access(from, F_OK), 0);
}
