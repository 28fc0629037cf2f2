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
#define NM_UNKNOWN_DEVICE NM ".UnknownDevice"
#define UDEV_CONTROL "/run/udev/control"
#define WANTS "/etc/systemd/system/multi-user.target.wants/"

extern char **environ;

struct notification {
	sd_bus *bus; /* NULL: no D-Bus, so no manager that listens to it */
	const struct manager_changes *changes;
	const struct manager_files *files;
	struct errors *errors;
	int result;
};

/* ---- which manager ---- */
/* NULL with 0: no D-Bus, or nothing listens at its socket. */
static int open_bus(sd_bus **ret)
{
	int r = sd_bus_open_system(ret);

	return r == -ENOENT || r == -ECONNREFUSED || r > 0 ? 0 : r;
}

/* 1, 0 or negative errno. */
static int has_owner(sd_bus *bus, const char *name)
{
	int r = sd_bus_get_name_creds(bus, name, 0, NULL);

	/* The errors NameHasNoOwner and ServiceUnknown. */
	return r >= 0 ? 1 : r == -ENXIO || r == -EHOSTUNREACH ? 0 : r;
}

int manager_find_running(enum manager *ret)
{
	enum manager found = MANAGER_NONE;
	sd_bus *bus = NULL;
	int r = open_bus(&bus);

	if (r == 0 && bus) {
		r = has_owner(bus, NETWORKD);
		found = MANAGER_NETWORKD;
	}
	if (r == 0 && bus) {
		r = has_owner(bus, NM);
		found = MANAGER_NM;
	}
	sd_bus_flush_close_unref(bus);
	if (r < 0)
		return r;
	*ret = r ? found : MANAGER_NONE;
	return 0;
}

/* 1, 0 or negative errno. */
static int is_there(const char *path)
{
	if (access(path, F_OK) == 0)
		return 1;
	return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
}

int manager_choose(enum manager *ret)
{
	enum manager found = MANAGER_NONE;
	int r = manager_find_running(&found);

	if (r == 0 && found == MANAGER_NONE) {
		r = is_there(WANTS "systemd-networkd.service");
		found = r > 0 ? MANAGER_NETWORKD : MANAGER_NONE;
	}
	if (r == 0 && found == MANAGER_NONE) {
		r = is_there(WANTS "NetworkManager.service");
		found = r > 0 ? MANAGER_NM : MANAGER_NONE;
	}
	if (r < 0)
		return r;
	*ret = found;
	return 0;
}

/* ---- D-Bus ---- */
/* Does not start a service that does not run. */
static void call(struct notification *notification, const char *service, const char *path,
		 const char *interface, const char *member, bool with_flags)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *message = NULL;
	int r = sd_bus_message_new_method_call(notification->bus, &message, service, path,
					       interface, member);

	if (r >= 0)
		r = sd_bus_message_set_auto_start(message, false);
	if (r >= 0 && with_flags)
		r = sd_bus_message_append(message, "u", 0);
	if (r >= 0)
		r = sd_bus_call(notification->bus, message, CALL_TIMEOUT_USEC, &error, NULL);
	if (r < 0 && !sd_bus_error_has_name(&error, SD_BUS_ERROR_SERVICE_UNKNOWN) &&
	    !sd_bus_error_has_name(&error, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
		notification->result = errors_add(notification->errors, r, "%s: %s: %s", service,
						  member, error.message ?: "no answer");
	sd_bus_error_free(&error);
	sd_bus_message_unref(message);
}

/* ---- udev ---- */
/* A system without udev has no such program. */
static void run_udevadm(struct notification *notification, char *const argv[])
{
	int status = 0, r;
	pid_t pid;

	r = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	if (r == ENOENT)
		return;
	if (r == 0 && waitpid(pid, &status, 0) < 0)
		r = errno;
	if (r)
		notification->result = errors_add(notification->errors, -r, "udevadm %s", argv[1]);
	else if (!WIFEXITED(status) || WEXITSTATUS(status))
		notification->result = errors_add(notification->errors, -EIO,
						  "udevadm %s: failed with status %d", argv[1],
						  WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

/* The rules of an interface apply with its next event, for which this waits. */
static void trigger(struct notification *notification, const char *name)
{
	char path[sizeof("/sys/class/net/") + UL_NAME_LEN];
	char *const argv[] = { "udevadm", "trigger", "--action=change", "--settle", path, NULL };

	snprintf(path, sizeof(path), "/sys/class/net/%s", name);
	if (is_there(path) != 0)
		run_udevadm(notification, argv);
}

/* A udevd that starts later reads the rules then, and has no event to wait for before. */
static void apply_rules(struct notification *notification)
{
	const struct manager_changes *changes = notification->changes;
	char *const reload[] = { "udevadm", "control", "--reload", NULL };

	if (is_there(UDEV_CONTROL) == 0)
		return;
	run_udevadm(notification, reload);
	for (size_t i = 0; i < changes->n_names; i++)
		trigger(notification, changes->name[i]);
}

/* By the property that udev has set; by the rules of the files while udev has not read them. */
static bool is_excluded(struct notification *notification, const char *name)
{
	int ruled = manager_files_exclude(notification->files, name), r;
	sd_device *device = NULL;
	const char *value;
	bool excluded = ruled > 0;

	if (notification->result < 0 && ruled >= 0)
		return excluded;
	r = sd_device_new_from_ifname(&device, name);
	if (r >= 0)
		r = sd_device_get_property_value(device, "NM_UNMANAGED", &value);
	if (r >= 0)
		excluded = strcmp(value, "1") == 0;
	else if (r != -ENODEV && r != -ENOENT)
		notification->result = errors_add(notification->errors, r,
						  "%s: its udev properties cannot be read", name);
	sd_device_unref(device);
	return excluded;
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

/* The object of an interface, which the caller frees; NULL: NetworkManager has none. 0 or negative
 * errno. */
static int nm_device(sd_bus *bus, const char *name, char **ret)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	const char *path;
	char *copy = NULL;
	int r = sd_bus_call_method(bus, NM, NM_PATH, NM, "GetDeviceByIpIface", &error, &reply, "s",
				   name);

	if (r < 0 && sd_bus_error_has_name(&error, NM_UNKNOWN_DEVICE))
		r = 0;
	else if (r >= 0)
		r = sd_bus_message_read(reply, "o", &path);
	if (r > 0) {
		copy = strdup(path);
		r = copy ? 0 : -ENOMEM;
	}
	sd_bus_error_free(&error);
	sd_bus_message_unref(reply);
	if (r == 0)
		*ret = copy;
	return r;
}

/* A device that was removed meanwhile. GDBus calls it an unknown method in older versions. */
static bool is_removed(const sd_bus_error *error)
{
	return sd_bus_error_has_name(error, SD_BUS_ERROR_UNKNOWN_OBJECT) ||
	       sd_bus_error_has_name(error, SD_BUS_ERROR_UNKNOWN_METHOD) ||
	       sd_bus_error_has_name(error, SD_BUS_ERROR_UNKNOWN_INTERFACE);
}

/* 1: NetworkManager manages the device, 0, or negative errno. */
static int is_managed(sd_bus *bus, const char *device)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	uint32_t state = 0;
	int r = sd_bus_get_property_trivial(bus, NM, device, NM ".Device", "State", &error, 'u',
					    &state);

	if (r >= 0)
		r = state > NM_STATE_UNMANAGED;
	else if (is_removed(&error))
		r = 0;
	sd_bus_error_free(&error);
	return r;
}

static int set_managed(sd_bus *bus, const char *device, bool managed)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	int r = sd_bus_set_property(bus, NM, device, NM ".Device", "Managed", &error, "b",
				    (int)managed);

	if (r > 0 || (r < 0 && is_removed(&error)))
		r = 0;
	sd_bus_error_free(&error);
	return r;
}

/* 0 or negative errno; -ETIMEDOUT: NetworkManager still manages it. */
static int make_unmanaged(sd_bus *bus, const char *device)
{
	int r = is_managed(bus, device);

	if (r <= 0)
		return r;
	r = set_managed(bus, device, false);
	for (int i = 0; r == 0 && i < NM_WAIT_MS / NM_POLL_MS; i++) {
		r = is_managed(bus, device);
		if (r <= 0)
			return r;
		r = 0;
		usleep(NM_POLL_MS * 1000);
	}
	return r < 0 ? r : -ETIMEDOUT;
}

/*
 * An interface that the files exclude is set down and deconfigured by NetworkManager, whoever uses
 * it. One that is released by this property before keeps its state. In case a version differs, an
 * interface that was up is set up again. 0 or negative errno.
 */
static int release(struct notification *notification, int fd, const char *name)
{
	_cleanup_free_ char *device = NULL;
	short flags = 0;
	int r = get_flags(fd, name, &flags), up;

	if (r == -ENODEV)
		return 0;
	if (r == 0)
		r = nm_device(notification->bus, name, &device);
	if (r == 0 && device)
		r = make_unmanaged(notification->bus, device);
	up = device && flags & IFF_UP ? set_up(fd, name) : 0;
	if (up < 0 && up != -ENODEV)
		notification->result =
			errors_add(notification->errors, up,
				   "%s: cannot be set up again after NetworkManager left it", name);
	if (r < 0)
		notification->result = errors_add(notification->errors, r,
						  "%s: NetworkManager does not leave it", name);
	return r;
}

/* It does not look at a changed udev property of a device that it has. */
static void manage(struct notification *notification, const char *name)
{
	_cleanup_free_ char *device = NULL;
	int r = nm_device(notification->bus, name, &device);

	if (r == 0 && device)
		r = set_managed(notification->bus, device, true);
	if (r < 0)
		notification->result = errors_add(notification->errors, r,
						  "%s: NetworkManager does not manage it", name);
}

static void notify_nm(struct notification *notification)
{
	const struct manager_changes *changes = notification->changes;
	/* Sockets of every family accept these requests; the unit permits this one. */
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	_cleanup_free_ bool *excluded = calloc(changes->n_names + 1, sizeof(*excluded));
	int r = excluded ? 0 : -ENOMEM;

	if (fd < 0 || r < 0) {
		notification->result = errors_add(notification->errors, r < 0 ? r : -errno, NM);
		return;
	}
	for (size_t i = 0; i < changes->n_names; i++) {
		excluded[i] = is_excluded(notification, changes->name[i]);
		if (excluded[i] && release(notification, fd, changes->name[i]) < 0)
			r = -EBUSY;
	}
	/* NetworkManager sets down what its files exclude while it still manages it. */
	if (r < 0)
		return;
	call(notification, NM, NM_PATH, NM, "Reload", true);
	call(notification, NM, NM_PATH "/Settings", NM ".Settings", "ReloadConnections", false);
	for (size_t i = 0; i < changes->n_names; i++)
		if (!excluded[i])
			manage(notification, changes->name[i]);
}

static void reload_networkd(struct notification *notification)
{
	call(notification, NETWORKD, "/org/freedesktop/network1", NETWORKD ".Manager", "Reload",
	     false);
}

static void notify_nm_if_running(struct notification *notification)
{
	int r = has_owner(notification->bus, NM);

	if (r < 0)
		notification->result = errors_add(notification->errors, r, NM);
	else if (r)
		notify_nm(notification);
}

int managers_notify(const struct manager_changes *changes, const struct manager_files *files,
		    struct errors *errors)
{
	struct notification notification = { .changes = changes, .files = files, .errors = errors };
	int r = changes->networkd || changes->nm ? open_bus(&notification.bus) : 0;

	if (r < 0)
		notification.result = errors_add(errors, r, "D-Bus: no manager was notified");
	/* networkd configures an interface again at an event of udev: with the new files, and then
	 * with the new properties. */
	if (notification.bus && changes->networkd)
		reload_networkd(&notification);
	if (changes->udev)
		apply_rules(&notification);
	if (notification.bus && changes->networkd && changes->udev)
		reload_networkd(&notification);
	if (notification.bus && changes->nm)
		notify_nm_if_running(&notification);
	sd_bus_flush_close_unref(notification.bus);
	return notification.result;
}
