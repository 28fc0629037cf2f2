// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * The owner of the pins. The kernel decides by the mode of a directory in the BPF file system who
 * may replace a pin, so whoever owns <bpffs>/uplinkd owns the switches. A file system that all
 * users may write lets any user create that directory first.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "dataplane/internal.h"

static bool is_writable_by_all(const struct stat *st)
{
	return st->st_mode & S_IWOTH;
}

/* Root trusts the owner of a directory that only root could make or hand over. */
static bool is_trusted(const struct stat *root, const struct stat *parent)
{
	return root->st_uid == geteuid() || (geteuid() == 0 && !is_writable_by_all(parent));
}

static int refuse_owner(const char *root, const char *bpffs, const struct stat *st,
			struct errors *errors)
{
	if (st->st_uid == 0)
		return errors_add(
			errors, -EPERM,
			"%s: belongs to root, and this process runs as user %u; as root, run 'uplinkd --prepare USER' with that user",
			root, geteuid());
	return errors_add(
		errors, -EPERM,
		"%s: belongs to user %u, and this process runs as user %u; remove it as root, or, if that user runs uplinkd, 'chmod 0711 %s'",
		root, st->st_uid, geteuid(), bpffs);
}

int dataplane_check_owner(const char *bpffs, struct errors *errors)
{
	struct stat parent, st;
	char root[PATH_MAX];
	int r = pin_path(root, bpffs, UL_PIN_ROOT);

	if (r < 0)
		return r;
	if (stat(bpffs, &parent) < 0 || lstat(root, &st) < 0)
		return errno == ENOENT ? 0 :
					 errors_add(errors, -errno, "%s: cannot be queried", root);
	if (is_writable_by_all(&parent) && !(parent.st_mode & S_ISVTX))
		return errors_add(errors, -EPERM,
				  "%s: every user may replace what is in it; remedy: chmod 0711 %s",
				  bpffs, bpffs);
	if (!S_ISDIR(st.st_mode))
		return errors_add(errors, -ENOTDIR, "%s: remove it", root);
	if (!is_trusted(&st, &parent))
		return refuse_owner(root, bpffs, &st, errors);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return errors_add(
			errors, -EPERM,
			"%s: other users may replace the pins in it; remedy: chmod 0700 %s", root,
			root);
	return 0;
}

int dataplane_hand_over(const char *bpffs, const struct new_owner *owner, struct errors *errors)
{
	_cleanup_close_ int fd = -1;
	char root[PATH_MAX];
	struct stat st;
	mode_t mode;
	int r = pins_check_file_system(bpffs, errors);

	if (r == 0)
		r = pin_path(root, bpffs, UL_PIN_ROOT);
	if (r < 0)
		return r;
	fd = open(bpffs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return errors_add(errors, -errno, "%s: cannot be opened", bpffs);
	/* systemd mounts it with 0700, mount(8) with 1777: all must reach the directory in it, and
	 * only root may make or replace it. */
	mode = (st.st_mode & 07777 & ~(mode_t)(S_IWGRP | S_IWOTH)) | S_IXUSR | S_IXGRP | S_IXOTH;
	if (mode != (st.st_mode & 07777) && fchmod(fd, mode) < 0)
		return errors_add(errors, -errno, "%s: cannot get mode 0711", bpffs);
	if (mkdirat(fd, UL_PIN_ROOT, 0700) < 0 && errno != EEXIST)
		return errors_add(errors, -errno, "%s: cannot make the directory", root);
	return owner_give_directory(fd, UL_PIN_ROOT, root, owner, errors);
}
