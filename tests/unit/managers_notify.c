// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Requests to the managers that run, on a D-Bus that a thread of the test serves. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>

#include "common/util.h"
#include "managers/managers.h"

#define NETWORKD "org.freedesktop.network1"
#define NM "org.freedesktop.NetworkManager"
#define NM_PATH_OF_DEVICE "/org/freedesktop/NetworkManager/Devices/1"
#define DENIED "org.freedesktop.DBus.Error.AccessDenied"
#define RULE \
	"KERNEL==\"lo\", ENV{ID_NET_MANAGED_BY}=\"io.uplinkd\", ENV{NM_UNMANAGED}=\"%d\"\nLABEL=\"end\"\n"

TestSuite(managers_notify, .timeout = 300);

/* ---- a bus with one client at a time ---- */
struct bus {
	const char *owned;		 /* the name that has an owner */
	const char *failing, *with_name; /* a member, and the name of its error */
	bool closes;			 /* each connection at once */
	bool keeps;			 /* NetworkManager manages the device in any case */
	uint32_t state;			 /* of the device of "lo"; 0: there is none */
	char calls[4096];

	char folder[64], path[96];
	int listener;
	pthread_t thread;
};

static int reply_device(struct bus *bus, sd_bus_message *message)
{
	if (!bus->state)
		return sd_bus_reply_method_errorf(message, NM ".UnknownDevice", "no device");
	return sd_bus_reply_method_return(message, "o", NM_PATH_OF_DEVICE);
}

static int reply_owner(struct bus *bus, sd_bus_message *message)
{
	const char *name = "";

	sd_bus_message_read(message, "s", &name);
	if (bus->owned && strcmp(bus->owned, name) == 0)
		return sd_bus_reply_method_return(message, "s", ":1.1");
	return sd_bus_reply_method_errorf(message, SD_BUS_ERROR_NAME_HAS_NO_OWNER, "no owner");
}

static int reply_set(struct bus *bus, sd_bus_message *message)
{
	const char *interface, *property;
	int managed = 0;

	sd_bus_message_read(message, "ssv", &interface, &property, "b", &managed);
	if (!bus->keeps)
		bus->state = managed ? 30 : 10;
	return sd_bus_reply_method_return(message, NULL);
}

static int on_call(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	struct bus *bus = userdata;
	const char *member = sd_bus_message_get_member(message);
	size_t length = strlen(bus->calls);

	(void)error;
	if (!member || sd_bus_message_is_signal(message, NULL, NULL))
		return 0;
	snprintf(bus->calls + length, sizeof(bus->calls) - length, "%s ", member);
	if (bus->failing && strcmp(member, bus->failing) == 0)
		return sd_bus_reply_method_errorf(message, bus->with_name, "no");
	if (strcmp(member, "Hello") == 0)
		return sd_bus_reply_method_return(message, "s", ":1.7");
	if (strcmp(member, "GetNameOwner") == 0)
		return reply_owner(bus, message);
	if (strcmp(member, "GetDeviceByIpIface") == 0)
		return reply_device(bus, message);
	if (strcmp(member, "Get") == 0)
		return sd_bus_reply_method_return(message, "v", "u", bus->state);
	if (strcmp(member, "Set") == 0)
		return reply_set(bus, message);
	return sd_bus_reply_method_return(message, NULL);
}

static void serve(struct bus *bus, int fd)
{
	sd_bus *server = NULL;
	int r;

	cr_assert_eq(sd_bus_new(&server), 0);
	cr_assert_eq(sd_bus_set_fd(server, fd, fd), 0);
	cr_assert_geq(sd_bus_set_server(server, 1, (sd_id128_t){ .bytes = { 1 } }), 0);
	cr_assert_geq(sd_bus_add_filter(server, NULL, on_call, bus), 0);
	cr_assert_geq(sd_bus_start(server), 0);
	do {
		r = sd_bus_process(server, NULL);
		if (r == 0)
			r = sd_bus_wait(server, UINT64_MAX);
	} while (r >= 0);
	sd_bus_flush_close_unref(server);
}

static void *run_bus(void *userdata)
{
	struct bus *bus = userdata;
	int fd;

	while ((fd = accept4(bus->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		if (bus->closes)
			close(fd);
		else
			serve(bus, fd);
	}
	return NULL;
}

static void open_socket(struct bus *bus, bool listens)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char text[128];

	snprintf(bus->folder, sizeof(bus->folder), "/tmp/uplinkd-bus-XXXXXX");
	cr_assert(mkdtemp(bus->folder));
	snprintf(bus->path, sizeof(bus->path), "%s/bus", bus->folder);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", bus->path);
	snprintf(text, sizeof(text), "unix:path=%s", bus->path);
	cr_assert_eq(setenv("DBUS_SYSTEM_BUS_ADDRESS", text, 1), 0);
	bus->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(bus->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listens ? listen(bus->listener, 8) : 0, 0);
}

static void close_socket(struct bus *bus)
{
	close(bus->listener);
	unlink(bus->path);
	rmdir(bus->folder);
}

static void bus_start(struct bus *bus)
{
	open_socket(bus, true);
	cr_assert_eq(pthread_create(&bus->thread, NULL, run_bus, bus), 0);
}

static void bus_stop(struct bus *bus)
{
	shutdown(bus->listener, SHUT_RDWR);
	pthread_join(bus->thread, NULL);
	close_socket(bus);
}

/* ---- one notification ---- */
enum { OF_NETWORKD = 1, OF_NM = 2 };

/* excluded: what the rule of "lo" says. Returns the result; bus->calls has the requests. */
static int notify(struct bus *bus, int of, bool excluded, struct errors *errors)
{
	char rules[256], name[1][UL_NAME_LEN] = { "lo" };
	struct manager_file file = { .path = "udev/rules.d/90-uplinkd.rules", .text = rules };
	const struct manager_files files = { .file = &file, .n = 1 };
	const struct manager_changes changes = {
		.networkd = of & OF_NETWORKD, .nm = of & OF_NM, .name = name, .n_names = 1
	};
	int r;

	snprintf(rules, sizeof(rules), RULE, excluded);
	bus_start(bus);
	r = managers_notify(&changes, &files, errors);
	bus_stop(bus);
	return r;
}

Test(managers_notify, only_an_absent_bus_has_no_managers)
{
	const struct manager_changes changes = { .networkd = true, .nm = true };
	const struct manager_files files = {};
	struct bus refusing = {}, closing = { .closes = true };
	enum manager found = MANAGER_NM;
	struct errors errors = {};

	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
	cr_expect_eq(manager_find_running(&found), 0);
	cr_expect_eq(found, MANAGER_NONE);
	cr_expect_eq(managers_notify(&changes, &files, &errors), 0);

	open_socket(&refusing, false);
	cr_expect_eq(manager_find_running(&found), 0);
	cr_expect_eq(managers_notify(&changes, &files, &errors), 0);
	close_socket(&refusing);
	cr_expect_eq(errors.n, 0u);

	bus_start(&closing);
	found = MANAGER_NM;
	cr_expect_lt(manager_find_running(&found), 0);
	cr_expect_lt(manager_choose(&found), 0);
	cr_expect_eq(found, MANAGER_NM, "untouched");
	cr_expect_lt(managers_notify(&changes, &files, &errors), 0);
	cr_expect_gt(errors.n, 0u);
	bus_stop(&closing);
	errors_done(&errors);
}

Test(managers_notify, only_an_absent_owner_does_not_run)
{
	/* clang-format off */
	static const struct {
		const char *owned, *failing, *with_name;
		int result;
		enum manager found;
	} rows[] = {
		{ NETWORKD, NULL, NULL, 0, MANAGER_NETWORKD },
		{ NM, NULL, NULL, 0, MANAGER_NM },
		{ NULL, NULL, NULL, 0, MANAGER_NONE },
		{ NM, "GetNameOwner", DENIED, -EACCES, MANAGER_NONE },
		{ NM, "GetNameOwner", SD_BUS_ERROR_NO_MEMORY, -ENOMEM, MANAGER_NONE },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bus bus = { .owned = rows[i].owned,
				   .failing = rows[i].failing,
				   .with_name = rows[i].with_name };
		enum manager found = MANAGER_NONE;

		bus_start(&bus);
		cr_expect_eq(manager_find_running(&found), rows[i].result, "row %zu", i);
		cr_expect_eq(found, rows[i].found, "row %zu", i);
		bus_stop(&bus);
	}
}

Test(managers_notify, a_manager_that_does_not_read_its_files_is_a_failure)
{
	/* clang-format off */
	static const struct {
		const char *failing, *with_name;
		int result;
	} rows[] = {
		{ NULL, NULL, 0 },
		{ "Reload", SD_BUS_ERROR_SERVICE_UNKNOWN, 0 },
		{ "Reload", SD_BUS_ERROR_NAME_HAS_NO_OWNER, 0 },
		{ "Reload", SD_BUS_ERROR_NO_REPLY, -ETIMEDOUT },
		{ "Reload", DENIED, -EACCES },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (int of = OF_NETWORKD; of <= OF_NM; of++) {
			struct bus bus = { .owned = of == OF_NM ? NM : NETWORKD,
					   .failing = rows[i].failing,
					   .with_name = rows[i].with_name };
			struct errors errors = {};

			cr_expect_eq(notify(&bus, of, true, &errors), rows[i].result, "row %zu", i);
			cr_expect_eq(errors.n, rows[i].result ? 1u : 0u, "row %zu", i);
			cr_expect(strstr(bus.calls, "Reload "), "row %zu: %s", i, bus.calls);
			errors_done(&errors);
		}
	}
}

/* With the new files NetworkManager would set the interface down. */
Test(managers_notify, network_manager_reads_its_files_after_it_has_left_the_interface)
{
	/* clang-format off */
	static const struct {
		const char *failing, *with_name;
		uint32_t state;
		bool keeps;
		int result;
		const char *calls;
	} rows[] = {
		{ NULL, NULL, 100, false, 0, "GetDeviceByIpIface Get Set Get Reload ReloadConnections " },
		{ NULL, NULL, 10, false, 0, "GetDeviceByIpIface Get Reload ReloadConnections " },
		{ NULL, NULL, 0, false, 0, "GetDeviceByIpIface Reload ReloadConnections " },
		{ "Get", SD_BUS_ERROR_UNKNOWN_OBJECT, 100, false, 0, "GetDeviceByIpIface Get Reload ReloadConnections " },
		{ "Get", SD_BUS_ERROR_NO_REPLY, 100, false, -ETIMEDOUT, "GetDeviceByIpIface Get " },
		{ "GetDeviceByIpIface", DENIED, 100, false, -EACCES, "GetDeviceByIpIface " },
		{ "Set", DENIED, 100, false, -EACCES, "GetDeviceByIpIface Get Set " },
		{ NULL, NULL, 100, true, -ETIMEDOUT, "GetDeviceByIpIface Get Set Get Get " },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bus bus = { .owned = NM,
				   .failing = rows[i].failing,
				   .with_name = rows[i].with_name,
				   .state = rows[i].state,
				   .keeps = rows[i].keeps };
		struct errors errors = {};

		cr_expect_eq(notify(&bus, OF_NM, true, &errors), rows[i].result, "row %zu", i);
		cr_expect_eq(errors.n, rows[i].result ? 1u : 0u, "row %zu", i);
		cr_expect(strstr(bus.calls, rows[i].calls), "row %zu: %s", i, bus.calls);
		cr_expect_eq(!strstr(bus.calls, "Reload "), rows[i].result < 0, "row %zu: %s", i,
			     bus.calls);
		errors_done(&errors);
	}
}

/* No udev has processed the rule. */
Test(managers_notify, without_a_property_of_udev_the_rule_decides)
{
	struct bus bus = { .owned = NM, .state = 10 }, other = { .owned = NM, .state = 10 };

	cr_expect_eq(notify(&bus, OF_NM, false, NULL), 0);
	cr_expect(strstr(bus.calls, "ReloadConnections GetDeviceByIpIface Set "), "%s", bus.calls);
	cr_expect_eq(notify(&other, OF_NM, true, NULL), 0);
	cr_expect_not(strstr(other.calls, "Set "), "%s", other.calls);
}
