// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "common/owner.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "common/util.h"

/* uplinkd/, the directories of the switches, their pins */
#define MAX_DEPTH 3

struct giving {
	const struct new_owner *owner;
	struct errors *errors;
};

static int give(const struct giving *giving, int dir_fd, const char *name, const char *path,
		int depth);

static void closedirp(DIR **stream)
{
	if (*stream)
		closedir(*stream);
}

static int check(const struct giving *giving, const char *path, const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != giving->owner->uid)
		return errors_add(
			giving->errors, -EPERM,
			"%s: belongs to user %u, and neither to root nor to %s; remove it, or chown it to root",
			path, st->st_uid, giving->owner->name);
	if (S_ISREG(st->st_mode) && st->st_nlink > 1)
		return errors_add(giving->errors, -EMLINK, "%s: has %lu names; remove it", path,
				  (unsigned long)st->st_nlink);
	return 0;
}

static int give_entries(const struct giving *giving, int fd, const char *path, int depth)
{
	_cleanup_close_ int own_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closedirp) DIR *stream = own_fd < 0 ? NULL : fdopendir(own_fd);
	struct dirent *entry;
	int result = 0;

	if (!stream)
		return errors_add(giving->errors, -errno, "%s: cannot be read", path);
	TAKE_FD(own_fd);
	while ((entry = readdir(stream))) {
		char below[PATH_MAX];
		int r;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		r = give(giving, dirfd(stream), entry->d_name, below, depth + 1);
		result = r < 0 ? r : result;
	}
	return result;
}

static int give(const struct giving *giving, int dir_fd, const char *name, const char *path,
		int depth)
{
	_cleanup_close_ int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	const struct new_owner *owner = giving->owner;
	struct stat st;
	int r;

	if (fd < 0)
		return errno == ENOENT ?
			       0 :
			       errors_add(giving->errors, -errno, "%s: cannot be opened", path);
	if (fstat(fd, &st) < 0)
		return errors_add(giving->errors, -errno, "%s: cannot be queried", path);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return 0;
	r = check(giving, path, &st);
	if (r < 0)
		return r;
	if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH)
		r = give_entries(giving, fd, path, depth);
	/* The directory last: until then only root changes what is in it. */
	if ((st.st_uid != owner->uid || st.st_gid != owner->gid) &&
	    fchownat(fd, "", owner->uid, owner->gid, AT_EMPTY_PATH) < 0)
		r = errors_add(giving->errors, -errno, "%s: cannot be given to user %s", path,
			       owner->name);
	return r;
}

int owner_give_directory(int dir_fd, const char *name, const char *path,
			 const struct new_owner *owner, struct errors *errors)
{
	const struct giving giving = { .owner = owner, .errors = errors };
	_cleanup_close_ int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return errors_add(errors, -errno, "%s: cannot be opened", path);
	if (!S_ISDIR(st.st_mode))
		return errors_add(errors, -ENOTDIR, "%s: remove it", path);
	return give(&giving, dir_fd, name, path, 0);
}
