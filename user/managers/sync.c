// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "managers/managers.h"

#include <dirent.h>
#include <limits.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/file.h"
#include "common/util.h"

#define MAX_BYTES (4 << 20)
#define RULE_START "KERNEL==\""

/* The folders, and how the files of uplinkd are recognised in them. */
struct folder {
	const char *path, *prefix, *suffix;
	enum { OF_NETWORKD, OF_NM, OF_UDEV } of;
};

static const struct folder folders[] = {
	{ "systemd/network", "05-uplinkd", ".network", OF_NETWORKD },
	{ "NetworkManager/conf.d", "90-uplinkd", ".conf", OF_NM },
	{ "NetworkManager/system-connections", "uplinkd-", ".nmconnection", OF_NM },
	{ "udev/rules.d", "90-uplinkd", ".rules", OF_UDEV },
};

struct sync {
	const char *root;
	const struct manager_files *files;
	struct manager_changes *changes;
	struct errors *errors;
	int result;
};

static void fail(struct sync *sync, int error, const char *folder, const char *name)
{
	sync->result = errors_add(sync->errors, error, "%s/%s/%s: cannot be written", sync->root,
				  folder, name);
}

/* ---- changed udev rules ---- */
static int add_name(struct manager_changes *changes, const char *line)
{
	const char *start = line + strlen(RULE_START), *end = strchr(start, '"');
	char(*name)[UL_NAME_LEN];

	if (!end || end - start >= UL_NAME_LEN)
		return 0;
	name = reallocarray(changes->name, changes->n_names + 1, sizeof(*name));
	if (!name)
		return -ENOMEM;
	changes->name = name;
	snprintf(name[changes->n_names++], UL_NAME_LEN, "%.*s", (int)(end - start), start);
	return 0;
}

/* The interfaces of the lines that only one of the texts has. */
static int add_names(struct manager_changes *changes, const char *text, const char *other)
{
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy, *line;
	int r = copy ? 0 : -ENOMEM;

	while (r == 0 && (line = strsep(&rest, "\n")))
		if (strncmp(line, RULE_START, strlen(RULE_START)) == 0 && !strstr(other, line))
			r = add_name(changes, line);
	return r;
}

static void note_change(struct sync *sync, const struct folder *folder, const char *before,
			const char *now)
{
	struct manager_changes *changes = sync->changes;

	changes->networkd = changes->networkd || folder->of == OF_NETWORKD;
	changes->nm = changes->nm || folder->of == OF_NM;
	changes->udev = changes->udev || folder->of == OF_UDEV;
	if (folder->of != OF_UDEV)
		return;
	if (add_names(changes, before, now) < 0 || add_names(changes, now, before) < 0)
		sync->result = errors_add(sync->errors, -ENOMEM, "udev rules");
}

/* ---- one file ---- */
/* The present text, "" for none and for what is to be replaced; NULL: no memory. The caller frees
 * it. */
static char *read_text(int dir, const char *name)
{
	char *text = NULL;
	int r = file_read_regular(dir, name, MAX_BYTES, &text);

	return r < 0 && r != -ENOMEM ? strdup("") : text;
}

static void sync_file(struct sync *sync, const struct folder *folder, int dir,
		      const struct manager_file *file)
{
	const char *name = file->path + strlen(folder->path) + 1;
	_cleanup_free_ char *before = read_text(dir, name);
	int r;

	if (!before) {
		fail(sync, -ENOMEM, folder->path, name);
		return;
	}
	if (strcmp(before, file->text) == 0)
		return;
	/* No manager reads "NAME.new". */
	r = file_replace_at(dir, name, file->text, file->mode, false);
	if (r < 0)
		fail(sync, r, folder->path, name);
	else
		note_change(sync, folder, before, file->text);
}

/* ---- one folder ---- */
static bool is_ours(const struct folder *folder, const char *name)
{
	size_t length = strlen(name), suffix = strlen(folder->suffix);

	return strncmp(name, folder->prefix, strlen(folder->prefix)) == 0 && length > suffix &&
	       strcmp(name + length - suffix, folder->suffix) == 0;
}

static bool is_in(const struct folder *folder, const struct manager_file *file)
{
	size_t length = strlen(folder->path);

	return strncmp(file->path, folder->path, length) == 0 && file->path[length] == '/';
}

static bool is_wanted(const struct sync *sync, const struct folder *folder, const char *name)
{
	for (size_t i = 0; i < sync->files->n; i++)
		if (is_in(folder, &sync->files->file[i]) &&
		    strcmp(sync->files->file[i].path + strlen(folder->path) + 1, name) == 0)
			return true;
	return false;
}

static void remove_file(struct sync *sync, const struct folder *folder, int dir, const char *name)
{
	_cleanup_free_ char *before = read_text(dir, name);

	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		sync->result = errors_add(sync->errors, -errno, "%s/%s/%s: cannot be removed",
					  sync->root, folder->path, name);
	else
		note_change(sync, folder, before ?: "", "");
}

static void remove_others(struct sync *sync, const struct folder *folder, int dir)
{
	int copy = fcntl(dir, F_DUPFD_CLOEXEC, 0);
	DIR *entries = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	if (!entries) {
		fail(sync, -errno, folder->path, "");
		ul_closep(&copy);
		return;
	}
	while ((entry = readdir(entries)))
		if (is_ours(folder, entry->d_name) && !is_wanted(sync, folder, entry->d_name))
			remove_file(sync, folder, dir, entry->d_name);
	closedir(entries);
}

/* Both levels of the folder's path; the root exists. */
static int open_folder(const char *root, const char *path, bool make)
{
	char full[PATH_MAX];
	char *slash;
	int fd;

	if (snprintf(full, sizeof(full), "%s/%s", root, path) >= (int)sizeof(full))
		return -ENAMETOOLONG;
	slash = strrchr(full, '/');
	*slash = '\0';
	if (make && mkdir(full, 0755) < 0 && errno != EEXIST)
		return -errno;
	*slash = '/';
	if (make && mkdir(full, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = open(full, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static void sync_folder(struct sync *sync, const struct folder *folder)
{
	_cleanup_close_ int dir = -1;
	bool needed = false;

	for (size_t i = 0; i < sync->files->n; i++)
		needed = needed || is_in(folder, &sync->files->file[i]);
	dir = open_folder(sync->root, folder->path, needed);
	if (dir < 0) {
		if (needed || dir != -ENOENT)
			fail(sync, dir, folder->path, "");
		return;
	}
	for (size_t i = 0; i < sync->files->n; i++)
		if (is_in(folder, &sync->files->file[i]))
			sync_file(sync, folder, dir, &sync->files->file[i]);
	remove_others(sync, folder, dir);
}

int manager_files_sync(const char *root, const struct manager_files *files,
		       struct manager_changes *ret, struct errors *errors)
{
	struct manager_changes changes = {};
	struct sync sync = { .root = root, .files = files, .changes = &changes, .errors = errors };
	mode_t mask = umask(022);

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		sync_folder(&sync, &folders[i]);
	umask(mask);
	*ret = changes;
	return sync.result;
}

void manager_changes_done(struct manager_changes *changes)
{
	free(changes->name);
	*changes = (struct manager_changes){};
}
