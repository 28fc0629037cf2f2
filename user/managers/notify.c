// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "managers/managers.h"

#include <net/if.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-device.h>

#include "common/util.h"

#define CALL_TIMEOUT_USEC 10000000
#define NETWORKD "org.freedesktop.network1"
#define NM "org.freedesktop.NetworkManager"
#define NM_PATH "/org/freedesktop/NetworkManager"
#define NM_STATE_UNMANAGED 10 /* NM_DEVICE_STATE_UNMANAGED */
#define NM_WAIT_MS 5000
#define NM_POLL_MS 50
#define WANTS "/etc/systemd/system/multi-user.target.wants/"

extern char **environ;

/* ---- which manager ---- */
static bool has_owner(sd_bus *bus, const char *name)
{
	return sd_bus_get_name_creds(bus, name, 0, NULL) >= 0;
}

enum manager manager_find_running(void)
{
	sd_bus *bus = NULL;
	enum manager found = MANAGER_NONE;

	if (sd_bus_open_system(&bus) < 0)
		return MANAGER_NONE;
	if (has_owner(bus, NETWORKD))
		found = MANAGER_NETWORKD;
	else if (has_owner(bus, NM))
		found = MANAGER_NM;
	sd_bus_flush_close_unref(bus);
	return found;
}

enum manager manager_choose(void)
{
	enum manager running = manager_find_running();

	if (running != MANAGER_NONE)
		return running;
	if (access(WANTS "systemd-networkd.service", F_OK) == 0)
		return MANAGER_NETWORKD;
	return access(WANTS "NetworkManager.service", F_OK) == 0 ? MANAGER_NM : MANAGER_NONE;
}

/* ---- D-Bus ---- */
/* Does not start a service that does not run. */
static void call(sd_bus *bus, const char *service, const char *path, const char *interface,
		 const char *member, bool with_flags, struct errors *errors)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *message = NULL;
	int r = sd_bus_message_new_method_call(bus, &message, service, path, interface, member);

	if (r >= 0)
		r = sd_bus_message_set_auto_start(message, false);
	if (r >= 0 && with_flags)
		r = sd_bus_message_append(message, "u", 0);
	if (r >= 0)
		r = sd_bus_call(bus, message, CALL_TIMEOUT_USEC, &error, NULL);
	if (r < 0 && !sd_bus_error_has_name(&error, SD_BUS_ERROR_SERVICE_UNKNOWN) &&
	    !sd_bus_error_has_name(&error, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
		errors_add(errors, r, "%s: %s: %s", service, member, error.message ?: "no answer");
	sd_bus_error_free(&error);
	sd_bus_message_unref(message);
}

/* ---- udev ---- */
/* Reports a failure; a system without udev has no such program. */
static void run_udevadm(char *const argv[], struct errors *errors)
{
	int status = 0, r;
	pid_t pid;

	r = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	if (r == ENOENT)
		return;
	if (r == 0 && waitpid(pid, &status, 0) < 0)
		r = errno;
	if (r || !WIFEXITED(status) || WEXITSTATUS(status))
		errors_add(errors, -r, "udevadm %s: failed", argv[1]);
}

/* The rules of an interface apply with its next event, for which this waits. */
static void trigger(const char *name, struct errors *errors)
{
	char path[sizeof("/sys/class/net/") + UL_NAME_LEN];
	char *const argv[] = { "udevadm", "trigger", "--action=change", "--settle", path, NULL };

	snprintf(path, sizeof(path), "/sys/class/net/%s", name);
	if (access(path, F_OK) == 0)
		run_udevadm(argv, errors);
}

static void apply_rules(const struct manager_changes *changes, struct errors *errors)
{
	char *const reload[] = { "udevadm", "control", "--reload", NULL };

	run_udevadm(reload, errors);
	for (size_t i = 0; i < changes->n_names; i++)
		trigger(changes->name[i], errors);
}

static bool is_unmanaged_by_udev(const char *name)
{
	sd_device *device = NULL;
	const char *value;
	bool unmanaged = sd_device_new_from_ifname(&device, name) >= 0 &&
			 sd_device_get_property_value(device, "NM_UNMANAGED", &value) >= 0 &&
			 strcmp(value, "1") == 0;

	sd_device_unref(device);
	return unmanaged;
}

/* ---- NetworkManager ---- */
/* 0 or negative errno; -ENODEV: no such interface. */
static int get_flags(int fd, const char *name, short *ret)
{
	struct ifreq ifr = {};

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFFLAGS, &ifr) < 0)
		return -errno;
	*ret = ifr.ifr_flags;
	return 0;
}

static int set_up(int fd, const char *name)
{
	struct ifreq ifr = {};
	short flags;
	int r = get_flags(fd, name, &flags);

	if (r < 0 || flags & IFF_UP)
		return r;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	ifr.ifr_flags = (short)(flags | IFF_UP);
	return ioctl(fd, SIOCSIFFLAGS, &ifr) < 0 ? -errno : 0;
}

/* The object of an interface; NULL: NetworkManager has none. The caller frees it. */
static char *nm_device(sd_bus *bus, const char *name)
{
	sd_bus_message *reply = NULL;
	const char *path;
	char *copy = NULL;

	if (sd_bus_call_method(bus, NM, NM_PATH, NM, "GetDeviceByIpIface", NULL, &reply, "s",
			       name) >= 0 &&
	    sd_bus_message_read(reply, "o", &path) >= 0)
		copy = strdup(path);
	sd_bus_message_unref(reply);
	return copy;
}

static uint32_t nm_state(sd_bus *bus, const char *device)
{
	uint32_t state = 0;

	if (sd_bus_get_property_trivial(bus, NM, device, NM ".Device", "State", NULL, 'u', &state) <
	    0)
		return 0;
	return state;
}

static void set_managed(sd_bus *bus, const char *device, bool managed)
{
	(void)sd_bus_set_property(bus, NM, device, NM ".Device", "Managed", NULL, "b",
				  (int)managed);
}

/*
 * An interface that the files exclude is set down and deconfigured by NetworkManager, whoever uses
 * it. One that is released by this property before keeps its state. In case a version differs, an
 * interface that was up is set up again.
 */
static void release(sd_bus *bus, int fd, const char *name, struct errors *errors)
{
	_cleanup_free_ char *device = nm_device(bus, name);
	short flags = 0;
	int r = get_flags(fd, name, &flags);

	if (!device || r < 0 || nm_state(bus, device) <= NM_STATE_UNMANAGED)
		return;
	set_managed(bus, device, false);
	for (int i = 0; i < NM_WAIT_MS / NM_POLL_MS; i++) {
		if (nm_state(bus, device) <= NM_STATE_UNMANAGED)
			break;
		usleep(NM_POLL_MS * 1000);
	}
	r = flags & IFF_UP ? set_up(fd, name) : 0;
	if (r < 0 && r != -ENODEV)
		errors_add(errors, r, "%s: cannot be set up again after NetworkManager left it",
			   name);
}

/* It does not look at a changed udev property of a device that it has. */
static void manage(sd_bus *bus, const char *name)
{
	_cleanup_free_ char *device = nm_device(bus, name);

	if (device)
		set_managed(bus, device, true);
}

static void notify_nm(sd_bus *bus, const struct manager_changes *changes, struct errors *errors)
{
	/* Sockets of every family accept these requests; the unit permits this one. */
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	for (size_t i = 0; i < changes->n_names; i++)
		if (is_unmanaged_by_udev(changes->name[i]))
			release(bus, fd, changes->name[i], errors);
	call(bus, NM, NM_PATH, NM, "Reload", true, errors);
	call(bus, NM, NM_PATH "/Settings", NM ".Settings", "ReloadConnections", false, errors);
	for (size_t i = 0; i < changes->n_names; i++)
		if (!is_unmanaged_by_udev(changes->name[i]))
			manage(bus, changes->name[i]);
}

static void reload_networkd(sd_bus *bus, struct errors *errors)
{
	call(bus, NETWORKD, "/org/freedesktop/network1", NETWORKD ".Manager", "Reload", false,
	     errors);
}

void managers_notify(const struct manager_changes *changes, struct errors *errors)
{
	sd_bus *bus = NULL;

	(void)sd_bus_open_system(&bus); /* NULL: no D-Bus, so no manager that listens to it */
	/* networkd configures an interface again at an event of udev: with the new files, and then
	 * with the new properties. */
	if (bus && changes->networkd)
		reload_networkd(bus, errors);
	if (changes->udev)
		apply_rules(changes, errors);
	if (bus && changes->networkd && changes->udev)
		reload_networkd(bus, errors);
	if (bus && changes->nm && has_owner(bus, NM))
		notify_nm(bus, changes, errors);
	sd_bus_flush_close_unref(bus);
}
