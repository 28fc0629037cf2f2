// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Requests of a switch-over, its journal, and a rollback that is not complete at once. The moves
 * themselves: tests/netns/test_adopt.py. */
#include "link_testing.h"

#include <linux/if_addr.h>
#include <sys/resource.h>

#include "daemon/state.h"

TestSuite(daemon_switch_over, .timeout = 300);

static struct model *make_model(void)
{
	static const char text[] =
		"switches:\n"
		"  - {name: vs, uplinks: [eth0, eth1], channel: none, port-groups: [{name: g, bridge: br0, ports: [\n"
		"    {interface: vmk0, host: true}, {interface: vnet0, mac: \"52:54:00:00:00:01\"}]}]}\n";
	struct model *model = NULL;

	cr_assert_eq(config_parse(text, sizeof(text) - 1, "t", &model, NULL), 0);
	return model;
}

/* "" : accepted; otherwise a part of the message. */
Test(daemon_switch_over, requests_are_checked_against_the_configuration)
{
	/* clang-format off */
	static const char *const rows[][2] = {
		{ "{\"links\": [{\"name\": \"eth0\"}]}", "" },
		{ "{\"links\": [{\"name\": \"eth0\", \"first\": true}, {\"name\": \"vnet0\"}], \"owners\": [{\"name\": \"br0\", \"to\": \"vmk0\"}], \"down\": [\"eth0.5\"]}", "" },
		{ "{\"links\": [{\"name\": \"eth0\"}, {\"name\": \"tap7\", \"bridge\": \"br0\", \"stays\": true}, {\"name\": \"bond0\", \"bridge\": \"br0\"}]}", "" },
		{ "{\"links\": [{\"name\": \"tap7\", \"bridge\": \"br1\"}]}", "links[].name: tap7: must be an uplink, a port or in an attachment bridge" },
		{ "{\"links\": [{\"name\": \"tap7\", \"bridge\": \"br0\", \"first\": true}]}", "links[].name: tap7: must be" },
		{ "{\"links\": [{\"name\": \"eth0\", \"stays\": true}]}", "links[].name: eth0: must be" },
		{ "{\"links\": [{\"name\": \"vnet0\", \"stays\": true}]}", "links[].name: vnet0: must be" },
		{ "{}", "links: must have an uplink" },
		{ "{\"links\": [{\"name\": \"eth9\"}]}", "links[].name: eth9: must be an uplink, a port" },
		{ "{\"links\": [{\"name\": \"vmk0\"}]}", "links[].name: vmk0: must be an uplink, a port" },
		{ "{\"links\": [{\"name\": \"vnet0\", \"first\": true}]}", "links[].name: vnet0: must be an uplink" },
		{ "{\"links\": [{\"name\": 5}]}", "links[].name: no text: must be the name of an interface" },
		{ "{\"links\": [{\"name\": \"a/b\"}]}", "links[].name: a/b: must be the name of an interface" },
		{ "{\"links\": [{\"name\": \"sixteen-letters-\"}]}", "must be the name of an interface" },
		{ "{\"links\": [{\"name\": \"eth0\"}], \"owners\": [{\"name\": \"br0\", \"to\": \"vnet0\"}]}", "owners[].to: vnet0: must be a host port" },
		{ "{\"links\": [{\"name\": \"eth0\"}], \"owners\": [{\"name\": \"\", \"to\": \"vmk0\"}]}", "owners[].name: : must be" },
		{ "{\"links\": [{\"name\": \"eth0\"}], \"down\": [7]}", "down[]: no text" },
	};
	/* clang-format on */
	struct model *model = make_model();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_auto_t *request = json_loads(rows[i][0], 0, NULL);
		struct switch_over *over = NULL;
		struct errors errors = {};
		int r;

		cr_assert(request, "row %zu", i);
		r = switch_over_new(request, model, &over, &errors);
		cr_expect_eq(r, rows[i][1][0] ? -EINVAL : 0, "row %zu: %d", i, r);
		if (rows[i][1][0])
			cr_expect(errors.n && strstr(errors.messages[0], rows[i][1]), "row %zu: %s",
				  i, errors.n ? errors.messages[0] : "no message");
		switch_over_free(over);
		errors_done(&errors);
	}
	model_free(model);
}

Test(daemon_switch_over, only_bonds_with_another_member_have_a_first_phase)
{
	struct model *model = make_model();
	struct switch_over *over;

	for (int first = 0; first < 2; first++) {
		json_auto_t *request =
			json_pack("{s:[{s:s, s:b}]}", "links", "name", "eth1", "first", first);

		cr_assert_eq(switch_over_new(request, model, &over, NULL), 0);
		cr_expect_eq(switch_over_has_first(over), first);
		cr_expect_eq(over->phase, first ? SWITCH_OVER_FIRST : SWITCH_OVER_CUT);
		switch_over_free(over);
	}
	model_free(model);
}

static struct switch_over *make_recorded(void)
{
	json_auto_t *request = json_pack("{s:[{s:s, s:b}, {s:s}], s:[{s:s, s:s}]}", "links", "name",
					 "eth0", "first", 1, "name", "vnet0", "owners", "name",
					 "br0", "to", "vmk0");
	struct {
		struct nlmsghdr header;
		struct ifaddrmsg ifa;
	} message = { { .nlmsg_len = sizeof(message), .nlmsg_type = RTM_NEWADDR },
		      { .ifa_family = AF_INET, .ifa_index = 5 } };
	struct model *model = make_model();
	struct switch_over *over;

	cr_assert_eq(switch_over_new(request, model, &over, NULL), 0);
	model_free(model);
	snprintf(over->boot_id, sizeof(over->boot_id), "11111111-2222-4333-8444-555555555555");
	snprintf(over->links[1].master, UL_NAME_LEN, "br0");
	snprintf(over->links[1].membership.kind, 16, "bridge");
	over->links[1].membership.settings = strdup("\x08 settings");
	over->links[1].membership.n_settings = 10;
	over->links[1].up = over->links[1].stays = true;
	over->owners[0].ifindex = 5;
	over->owners[0].up = true;
	memcpy(over->owners[0].mac, "\x02\0\0\0\0\x10", 6);
	cr_assert_eq(link_messages_add(&over->messages, &message, sizeof(message)), 0);
	return over;
}

Test(daemon_switch_over, the_journal_reads_back)
{
	struct switch_over *over = make_recorded(), *read = NULL;
	json_auto_t *journal = NULL, *again = NULL;

	over->phase = SWITCH_OVER_DONE;
	journal = switch_over_write(over);
	cr_assert(journal);
	cr_assert_eq(switch_over_read(journal, &read), 0);
	again = switch_over_write(read);
	cr_expect(json_equal(journal, again));
	cr_expect_eq(read->phase, SWITCH_OVER_DONE);
	cr_expect_eq(read->messages.n, 1u);
	cr_expect_eq(memcmp(read->links[1].membership.settings, "\x08 settings", 10), 0);
	cr_expect(read->links[0].first && !read->links[1].first);
	cr_expect(!read->links[0].stays && read->links[1].stays);
	switch_over_free(over);
	switch_over_free(read);
}

/* Each change of the text makes it unusable, and nothing else happens. */
Test(daemon_switch_over, a_damaged_journal_is_refused)
{
	/* clang-format off */
	static const char *const changes[][2] = {
		{ "\"phase\": \"first\"", "\"phase\": \"last\"" },
		{ "\"phase\": \"first\"", "\"phase\": 1" },
		{ "\"boot_id\": \"1", "\"boot_id\": \"11" },
		{ "\"name\": \"vnet0\"", "\"name\": \"a-name-that-is-too-long\"" },
		{ "\"kind\": \"bridge\"", "\"kind\": \"a-kind-that-is-too-long\"" },
		{ "\"settings\": \"0820", "\"settings\": \"082" },
		{ "\"settings\": \"0820", "\"settings\": \"08XX" },
		{ "\"mac\": \"02:", "\"mac\": \"2:" },
		{ "\"ifindex\": 5", "\"ifindex\": 0" },
		{ "\"ifindex\": 5", "\"ifindex\": 99999999999" },
		{ "\"messages\": [\"", "\"messages\": [\"ff" },
	};
	/* clang-format on */
	struct switch_over *over = make_recorded(), *read = NULL;
	json_auto_t *journal = switch_over_write(over);
	_cleanup_free_ char *text = json_dumps(journal, 0);

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		const char *at = strstr(text, changes[i][0]);
		_cleanup_free_ char *changed = NULL;
		json_auto_t *value = NULL;

		cr_assert(at, "row %zu: %s", i, text);
		cr_assert_gt(asprintf(&changed, "%.*s%s%s", (int)(at - text), text, changes[i][1],
				      at + strlen(changes[i][0])),
			     0);
		value = json_loads(changed, 0, NULL);
		cr_assert(value, "row %zu: %s", i, changed);
		cr_expect_eq(switch_over_read(value, &read), -EBADMSG, "row %zu", i);
		cr_expect_null(read);
	}
	switch_over_free(over);
}

/* ---- rollback ---- */
static void run_ip(const char *command)
{
	cr_assert_eq(system(command), 0, "%s", command);
}

/* The addresses of br0 and br1 have moved to a host port, and br0 is down. */
static struct switch_over *make_moved(struct record *record)
{
	struct switch_over *over = make_recorded();

	make_veth(record, "br0", "b0");
	make_veth(record, "br1", "b1");
	run_ip("ip link set b0 up && ip link set br0 up && ip link set b1 up && ip link set br1 up");
	run_ip("ip address add 192.0.2.10/24 dev br0 && ip route add 10.0.0.0/8 via 192.0.2.1 dev br0");
	run_ip("ip address add 198.51.100.10/24 dev br1 && ip route add 10.1.0.0/16 dev br1");
	run_ip("ip route add 10.2.0.0/16 nexthop dev br0 nexthop dev br1");
	run_ip("ip rule add iif br1 lookup 77 priority 1000");
	run_pending(record);
	over->owners = reallocarray(over->owners, 2, sizeof(*over->owners));
	cr_assert(over->owners);
	over->owners[1] = over->owners[0];
	snprintf(over->owners[1].name, UL_NAME_LEN, "br1");
	over->n_owners = 2;
	over->n_links = 0;
	link_messages_done(&over->messages);
	cr_assert_eq(switch_over_record(over, record->monitor, NULL), 0);
	over->owners[0].up = false;
	cr_assert_eq(link_messages_apply(&over->messages, NULL, 0, false, NULL), 0);
	run_ip("ip link set br0 down");
	run_pending(record);
	return over;
}

static bool has_message(const struct errors *errors, const char *text)
{
	for (size_t i = 0; i < errors->n; i++)
		if (strstr(errors->messages[i], text))
			return true;
	return false;
}

Test(daemon_switch_over, a_deleted_owner_hides_no_failure_of_the_others)
{
	struct record *record = record_new();
	struct switch_over *over = make_moved(record);
	struct errors errors = {};

	run_ip("ip link del br1");
	run_pending(record);
	cr_expect_lt(switch_over_undo(over, record->monitor, &errors), 0);
	cr_expect(has_message(&errors, "br1: cannot be restored"));
	cr_expect(has_message(&errors, "route 10.0.0.0/8: cannot be added"));
	/* what belonged to br1 does not come back in any case */
	cr_expect(!has_message(&errors, "198.51.100.10"));
	cr_expect(!has_message(&errors, "10.1.0.0") && !has_message(&errors, "10.2.0.0"));
	errors_done(&errors);

	run_ip("ip link set br0 up");
	cr_expect_eq(switch_over_undo(over, record->monitor, &errors), 0);
	run_ip("ip address show dev br0 | grep -q 192.0.2.10/24");
	run_ip("ip route show | grep -q '^10.0.0.0/8 via 192.0.2.1 dev br0'");
	run_ip("ip rule show | grep -q 'iif br1 .*lookup 77'");
	errors_done(&errors);
	switch_over_free(over);
	record_free(record);
}

/* An error of the look-up is not an absence. */
Test(daemon_switch_over, an_owner_that_cannot_be_looked_up_is_tried_again)
{
	struct record *record = record_new();
	struct switch_over *over = make_moved(record);
	struct errors errors = {};
	int query = mnl_socket_get_fd(record->monitor->query.socket), copy = dup(query);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	run_ip("ip link set br0 up");
	cr_assert_eq(dup2(null, query), query);
	cr_expect_eq(switch_over_undo(over, record->monitor, &errors), -ENOTSOCK);
	cr_expect(has_message(&errors, "br0: its addresses and routes cannot be restored: Socket"));
	cr_expect(has_message(&errors, "br1: its addresses and routes cannot be restored: Socket"));
	cr_assert_eq(dup2(copy, query), query);
	close(copy);
	close(null);
	cr_expect_eq(switch_over_undo(over, record->monitor, NULL), 0);
	run_ip("ip route show | grep -q '^10.0.0.0/8 via 192.0.2.1 dev br0'");
	run_ip("ip route show | grep -q '^10.1.0.0/16 dev br1'");
	errors_done(&errors);
	switch_over_free(over);
	record_free(record);
}

/* Frames of its VLAN would still reach the host through it. */
Test(daemon_switch_over, an_interface_that_stays_up_is_an_error)
{
	struct record *record = record_new();
	struct switch_over *over = make_recorded();
	struct switch_over_owner *owner = &over->owners[0];
	struct errors errors = {};

	make_veth(record, "br0", "b0");
	set_up(record, "br0", true);
	run_pending(record);
	over->n_links = 0;
	link_messages_done(&over->messages);
	owner->to[0] = '\0';
	owner->down = owner->up = true;
	owner->ifindex = ifindex_of(record, "br0");
	set_capability(CAP_NET_ADMIN, false);
	cr_expect_eq(switch_over_move(over, record->monitor, false, &errors), -EPERM);
	cr_expect(has_message(&errors, "br0: cannot be set down"));
	set_capability(CAP_NET_ADMIN, true);
	cr_expect_eq(switch_over_move(over, record->monitor, false, NULL), 0);
	cr_expect_not(info_of(record->monitor, "br0")->admin_up);
	run_ip("ip link del br0");
	cr_expect_eq(switch_over_move(over, record->monitor, false, NULL), 0, "it has ended");
	errors_done(&errors);
	switch_over_free(over);
	record_free(record);
}

/* A teardown removes the file after that. */
Test(daemon_switch_over, a_state_that_cannot_be_read_may_have_a_journal)
{
	char folder[] = "/tmp/uplinkd-switch-over-XXXXXX", command[128];
	struct daemon daemon = { .options.state_dir = folder };

	cr_assert(mkdtemp(folder));
	cr_expect_eq(daemon_take_back(&daemon), 0, "no file");
	snprintf(command, sizeof(command), "echo damaged > %s/" STATE_FILE_NAME, folder);
	cr_assert_eq(system(command), 0);
	cr_expect_eq(daemon_take_back(&daemon), 0, "damaged");
	snprintf(command, sizeof(command),
		 "cd %s && rm " STATE_FILE_NAME " && mkdir " STATE_FILE_NAME, folder);
	cr_assert_eq(system(command), 0);
	cr_expect_eq(daemon_take_back(&daemon), -EISDIR);
	cr_expect(has_message(&daemon.errors, STATE_FILE_NAME ": cannot be read: Is a directory"));
	errors_done(&daemon.errors);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	cr_assert_eq(system(command), 0);
}

Test(daemon_switch_over, a_journal_is_kept_while_the_id_of_the_boot_cannot_be_read)
{
	struct switch_over *over = make_recorded();
	struct daemon daemon = { .saved.switch_over = switch_over_write(over) };
	char folder[] = "/tmp/uplinkd-switch-over-XXXXXX", command[64];
	struct rlimit limit, former;

	cr_assert(mkdtemp(folder));
	snprintf(daemon.state_path, sizeof(daemon.state_path), "%s/state", folder);
	daemon.options.config = "t.yaml";
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &former), 0);
	limit = former;
	limit.rlim_cur = 0;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_expect_eq(daemon_adopt_undo(&daemon), -EMFILE);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &former), 0);
	cr_expect(daemon.saved.switch_over && !daemon.switch_over);
	cr_expect(has_message(&daemon.errors, "boot_id: cannot be read: Too many"));
	/* it is of another boot */
	cr_expect_eq(daemon_adopt_undo(&daemon), 0);
	cr_expect(!daemon.saved.switch_over && !daemon.switch_over);
	errors_done(&daemon.errors);
	switch_over_free(over);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	cr_assert_eq(system(command), 0);
}
