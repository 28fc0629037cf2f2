// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Directories of pins: one per switch and role, locked by the daemon that serves the switch, and
 * exchanged by two renames when a set is replaced. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <bpf/bpf.h>

#include "common/file.h"
#include "dataplane/internal.h"

/* Another instance loads its programs while it has the lock. */
#define ROOT_LOCK_INTERVAL_US 20000
#define ROOT_LOCK_ATTEMPTS 1000

/* clang-format off */
static const char *const suffixes[N_PIN_ROLES] = {
	[PINS_CURRENT] = "",
	[PINS_NEXT] = "_next",
	[PINS_OLD] = "_old",
	[PIN_SAVED] = "_saved",
};
/* clang-format on */

static int check_length(int length)
{
	return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int pin_path(char path[PATH_MAX], const char *dir, const char *name)
{
	return check_length(snprintf(path, PATH_MAX, "%s/%s", dir, name));
}

int pin_switch_dir(char path[PATH_MAX], const char *bpffs, const char *switch_name,
		   enum pin_role role)
{
	return check_length(snprintf(path, PATH_MAX, "%s/%s/%s%s", bpffs, UL_PIN_ROOT, switch_name,
				     suffixes[role]));
}

int pin_sibling_dir(char path[PATH_MAX], const char *dir, enum pin_role role)
{
	return check_length(snprintf(path, PATH_MAX, "%s%s", dir, suffixes[role]));
}

int pin_open(const char *dir, const char *name)
{
	char path[PATH_MAX];
	int fd, r;

	r = pin_path(path, dir, name);
	if (r < 0)
		return r;
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

int pins_make_dir(const char *path)
{
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int pins_check_file_system(const char *bpffs, struct errors *errors)
{
	struct statfs fs;
	int r;

	if (statfs(bpffs, &fs) < 0) {
		r = -errno;
		return errors_add(
			errors, r,
			"%s: cannot use it as the BPF file system; make the directory and mount one: mount -t bpf bpf %s",
			bpffs, bpffs);
	}
	if ((unsigned long)fs.f_type != BPF_FS_MAGIC)
		return errors_add(errors, -ENODEV,
				  "%s: not a BPF file system; remedy: mount -t bpf bpf %s", bpffs,
				  bpffs);
	return 0;
}

int pins_prepare_root(const char *bpffs, struct errors *errors)
{
	char root[PATH_MAX];
	int r = pins_check_file_system(bpffs, errors);

	if (r < 0)
		return r;
	r = pin_path(root, bpffs, UL_PIN_ROOT);
	if (r == 0)
		r = pins_make_dir(root);
	if (r == -EACCES || r == -EPERM)
		return errors_add(
			errors, r,
			"%s/%s: cannot make the directory; as root, run 'uplinkd --prepare USER' with the user of this process",
			bpffs, UL_PIN_ROOT);
	if (r < 0)
		return errors_add(errors, r, "%s/%s: cannot make the directory", bpffs,
				  UL_PIN_ROOT);
	return dataplane_check_owner(bpffs, errors);
}

int pins_remove_root(const char *bpffs, struct errors *errors)
{
	char root[PATH_MAX];
	int r = pin_path(root, bpffs, UL_PIN_ROOT);

	if (r == 0 && rmdir(root) < 0 && errno != ENOENT && errno != ENOTEMPTY && errno != EACCES &&
	    errno != EPERM)
		r = -errno;
	return r < 0 ? errors_add(errors, r, "%s/" UL_PIN_ROOT ": cannot be removed", bpffs) : 0;
}

static bool is_link(const char *name)
{
	return strncmp(name, "xdp_", 4) == 0 || strncmp(name, "tc_", 3) == 0;
}

int pins_remove_dir(const char *dir)
{
	_cleanup_(ul_closedirp) DIR *stream = opendir(dir);
	struct dirent *entry;
	char path[PATH_MAX];
	int r = 0, failed;

	if (!stream)
		return errno == ENOENT ? 0 : -errno;
	while ((failed = dir_next(stream, &entry)) > 0) {
		if (entry->d_name[0] == '.' || is_link(entry->d_name))
			continue;
		failed = pin_path(path, dir, entry->d_name);
		if (failed == 0)
			failed = file_remove(path);
		if (r == 0)
			r = failed;
	}
	if (r == 0)
		r = failed;
	return rmdir(dir) < 0 && r == 0 && errno != ENOENT ? -errno : r;
}

int pins_lock(const char *dir, const char *switch_name, struct errors *errors, int *ret_fd)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -errno : 0;

	if (r == -ENOENT)
		return r;
	if (r == -EACCES)
		return errors_add(
			errors, r,
			"%s: belongs to another user; as root, run 'uplinkd --prepare USER' with the user of this process",
			dir);
	if (r < 0)
		return errors_add(errors, r, "%s: cannot open", dir);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		r = -errno;
		if (r != -EWOULDBLOCK)
			return errors_add(errors, r, "%s: cannot be locked", dir);
		return errors_add(
			errors, r,
			"%s: another uplinkd serves this switch; give this one its own --bpffs, or the switch another name",
			switch_name);
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int pins_find_dir(const char *dir)
{
	return access(dir, F_OK) < 0 ? -errno : 0;
}

int pins_lock_root(const char *bpffs, struct errors *errors, int *ret_fd)
{
	_cleanup_close_ int fd = -1;
	char root[PATH_MAX];
	int r = pin_path(root, bpffs, UL_PIN_ROOT);

	if (r == 0) {
		fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = fd < 0 ? -errno : 0;
	}
	for (int i = 0; r == 0 && flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno != EWOULDBLOCK || i == ROOT_LOCK_ATTEMPTS)
			r = -errno;
		else
			usleep(ROOT_LOCK_INTERVAL_US);
	}
	if (r < 0)
		return errors_add(errors, r, "%s/%s: cannot be locked", bpffs, UL_PIN_ROOT);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int pins_exchange(const char *dir, const char *next, char ret_old[PATH_MAX])
{
	int r = pin_sibling_dir(ret_old, dir, PINS_OLD);

	if (r < 0)
		return r;
	r = pins_remove_dir(ret_old);
	if (r < 0)
		return r;
	if (rename(dir, ret_old) < 0 && errno != ENOENT)
		return -errno;
	if (rename(next, dir) == 0)
		return 0;
	r = -errno;
	/* Back, so that another attempt finds both sets where they were. */
	(void)rename(ret_old, dir);
	return r;
}
