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
#define RULES_FOLDER "udev/rules.d"
#define RULES_NAME "90-uplinkd.rules"
#define RULE_START "KERNEL==\""
#define RULE_EXCLUDES "ENV{NM_UNMANAGED}=\"1\""

/* The folders, and how the files of uplinkd are recognised in them. */
struct folder {
	const char *path, *prefix, *suffix;
	enum { OF_NETWORKD, OF_NM, OF_UDEV } of;
};

static const struct folder folders[] = {
	{ "systemd/network", "05-uplinkd", ".network", OF_NETWORKD },
	{ "NetworkManager/conf.d", "90-uplinkd", ".conf", OF_NM },
	{ "NetworkManager/system-connections", "uplinkd-", ".nmconnection", OF_NM },
	{ RULES_FOLDER, "90-uplinkd", ".rules", OF_UDEV },
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
static bool has_name(const struct manager_changes *changes, const char *name)
{
	for (size_t i = 0; i < changes->n_names; i++)
		if (strcmp(changes->name[i], name) == 0)
			return true;
	return false;
}

/* Names that no file of a folder has are left out. */
static int add_name(struct manager_changes *changes, const char *start, size_t length)
{
	char(*list)[UL_NAME_LEN], name[UL_NAME_LEN];

	if (!length || length >= UL_NAME_LEN || start[0] == '.' || memchr(start, '/', length))
		return 0;
	snprintf(name, sizeof(name), "%.*s", (int)length, start);
	if (has_name(changes, name))
		return 0;
	list = reallocarray(changes->name, changes->n_names + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	changes->name = list;
	memcpy(list[changes->n_names++], name, sizeof(name));
	return 0;
}

static bool is_rule(const char *line)
{
	return strncmp(line, RULE_START, strlen(RULE_START)) == 0;
}

static int add_rule(struct manager_changes *changes, const char *line)
{
	const char *start = line + strlen(RULE_START), *end = strchr(start, '"');

	return end ? add_name(changes, start, (size_t)(end - start)) : 0;
}

int manager_changes_add_lines(struct manager_changes *changes, const char *text)
{
	int r = 0;

	while (r == 0 && *text) {
		size_t length = strcspn(text, "\n");

		r = add_name(changes, text, length);
		text += length + (text[length] == '\n');
	}
	return r;
}

/* The interfaces of the lines that only one of the texts has. */
static int add_names(struct manager_changes *changes, const char *text, const char *other)
{
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy, *line;
	int r = copy ? 0 : -ENOMEM;

	while (r == 0 && (line = strsep(&rest, "\n")))
		if (is_rule(line) && !strstr(other, line))
			r = add_rule(changes, line);
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
/* The present text, "" for none and for what is no file and to be replaced. 0 or negative errno.
 * The caller frees it. */
static int read_text(int dir, const char *name, char **ret)
{
	int r = file_read_regular(dir, name, MAX_BYTES, ret);

	if (r != -ENOENT && r != -EINVAL && r != -ELOOP && r != -ENXIO)
		return r;
	*ret = strdup("");
	return *ret ? 0 : -ENOMEM;
}

static void sync_file(struct sync *sync, const struct folder *folder, int dir,
		      const struct manager_file *file)
{
	const char *name = file->path + strlen(folder->path) + 1;
	_cleanup_free_ char *before = NULL;
	int r = read_text(dir, name, &before);

	if (r < 0) {
		fail(sync, r, folder->path, name);
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
	_cleanup_free_ char *before = NULL;
	int r = read_text(dir, name, &before);

	if (r == 0 && unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		r = -errno;
	if (r < 0)
		sync->result = errors_add(sync->errors, r, "%s/%s/%s: cannot be removed",
					  sync->root, folder->path, name);
	else
		note_change(sync, folder, before, "");
}

static void remove_others(struct sync *sync, const struct folder *folder, int dir)
{
	int copy = fcntl(dir, F_DUPFD_CLOEXEC, 0);
	DIR *entries = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	int r;

	if (!entries) {
		fail(sync, -errno, folder->path, "");
		ul_closep(&copy);
		return;
	}
	while ((r = dir_next(entries, &entry)) > 0)
		if (is_ours(folder, entry->d_name) && !is_wanted(sync, folder, entry->d_name))
			remove_file(sync, folder, dir, entry->d_name);
	if (r < 0)
		sync->result = errors_add(sync->errors, r, "%s/%s: cannot be listed", sync->root,
					  folder->path);
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
		       struct manager_changes *changes, struct errors *errors)
{
	struct sync sync = { .root = root, .files = files, .changes = changes, .errors = errors };
	mode_t mask = umask(022);

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		sync_folder(&sync, &folders[i]);
	umask(mask);
	return sync.result;
}

int manager_changes_add_rules(struct manager_changes *changes, const char *root)
{
	_cleanup_close_ int dir = open_folder(root, RULES_FOLDER, false);
	_cleanup_free_ char *text = NULL;
	int r = dir < 0 ? dir : read_text(dir, RULES_NAME, &text);

	return r == 0 ? add_names(changes, text, "") : r == -ENOENT ? 0 : r;
}

int manager_files_exclude(const struct manager_files *files, const char *name)
{
	char start[sizeof(RULE_START) + UL_NAME_LEN + 1];
	const char *rule = NULL, *end;

	snprintf(start, sizeof(start), RULE_START "%s\"", name);
	for (size_t i = 0; !rule && i < files->n; i++)
		if (strcmp(files->file[i].path, RULES_FOLDER "/" RULES_NAME) == 0)
			rule = strstr(files->file[i].text, start);
	if (!rule)
		return -ENOENT;
	end = strstr(rule, RULE_EXCLUDES);
	return end && (size_t)(end - rule) < strcspn(rule, "\n");
}

void manager_changes_done(struct manager_changes *changes)
{
	free(changes->name);
	*changes = (struct manager_changes){};
}
