// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Sources: their names on the command line, files within limits, output of programs. */
#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "common/file.h"
#include "common/util.h"
#include "import/import.h"
#include "import/reader.h"

#define MAX_FOLDER_ENTRIES 10000

extern char **environ;

/* ---- files ---- */
/* Reads to the end; NULL with a message. */
static char *read_all(struct network *network, int fd, struct net_place place)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r = file_read(fd, IMPORT_MAX_BYTES, &text, &size);

	if (r < 0) {
		network_error(network, place, r, "cannot be read: %s", strerror(-r));
		return NULL;
	}
	if (size > IMPORT_MAX_BYTES) {
		network_error(network, place, -EFBIG,
			      "is larger than %u bytes: must be at most that", IMPORT_MAX_BYTES);
		return NULL;
	}
	if (strlen(text) != size) {
		network_error(network, place, -EINVAL, "contains a NUL character: must be text");
		return NULL;
	}
	return TAKE_PTR(text);
}

char *source_read_file(struct network *network, const char *path, struct net_place *ret_place)
{
	_cleanup_close_ int fd = -1;
	struct net_place place = { network_add_file(network, path), 0 };
	struct stat st;

	if (!place.file)
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0) {
		network_error(network, place, -errno, "cannot be read: %s", strerror(errno));
		return NULL;
	}
	if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode)) {
		network_error(network, place, -EINVAL, "must be a file");
		return NULL;
	}
	*ret_place = place;
	return read_all(network, fd, place);
}

bool source_is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool source_join(struct network *network, char *path, size_t size, const char *folder,
		 const char *name)
{
	struct net_place place = {};

	if ((size_t)snprintf(path, size, "%s/%s", folder, name) < size)
		return true;
	network_error(network, place, -ENAMETOOLONG, "%s/%s: is too long for a path", folder, name);
	return false;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void source_list_done(struct source_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->names[i]);
	free(list->names);
	*list = (struct source_list){ 0 };
}

static bool ends_with(const char *text, const char *suffix)
{
	size_t n = strlen(text), m = strlen(suffix);

	return n >= m && strcmp(text + n - m, suffix) == 0;
}

static int add_name(struct source_list *list, const char *name)
{
	char **names = reallocarray(list->names, list->n + 1, sizeof(*names));

	if (!names)
		return -ENOMEM;
	list->names = names;
	names[list->n] = strdup(name);
	if (!names[list->n])
		return -ENOMEM;
	list->n++;
	return 0;
}

int source_list_folder(struct network *network, const char *path, const char *suffix,
		       struct source_list *ret)
{
	struct net_place place = { path, 0 };
	struct source_list list = {};
	struct dirent *entry;
	DIR *folder = opendir(path);
	int r = 0;

	if (!folder && errno == ENOENT)
		return -ENOENT;
	if (!folder)
		return network_error(network, place, -errno, "cannot be read: %s", strerror(errno));
	while (r == 0 && (entry = readdir(folder))) {
		if (entry->d_name[0] == '.' || !ends_with(entry->d_name, suffix))
			continue;
		r = list.n == MAX_FOLDER_ENTRIES ? -E2BIG : add_name(&list, entry->d_name);
	}
	closedir(folder);
	if (r < 0) {
		source_list_done(&list);
		return network_error(network, place, r, "cannot be read: %s", strerror(-r));
	}
	if (list.n)
		qsort(list.names, list.n, sizeof(*list.names), compare_texts);
	*ret = list;
	return 0;
}

/* ---- programs ---- */
static int start(const char *const argv[], int output, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	int r;

	r = posix_spawn_file_actions_init(&actions);
	if (r)
		return -r;
	r = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY,
						     0);
	if (r == 0)
		r = posix_spawnp(ret, argv[0], &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

char *source_run(struct network *network, const char *const argv[], struct net_place *ret_place)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int near = -1;
	struct net_place place = {};
	int fds[2], status, r;
	char title[128] = "";
	pid_t pid;

	for (size_t i = 0; argv[i]; i++)
		snprintf(title + strlen(title), sizeof(title) - strlen(title), "%s%s", i ? " " : "",
			 argv[i]);
	place.file = network_add_file(network, title);
	if (!place.file)
		return NULL;
	if (pipe2(fds, O_CLOEXEC) < 0) {
		network_error(network, place, -errno, "cannot be run: %s", strerror(errno));
		return NULL;
	}
	near = fds[0];
	r = start(argv, fds[1], &pid);
	close(fds[1]);
	if (r < 0) {
		network_error(network, place, r, "cannot be run: %s", strerror(-r));
		return NULL;
	}
	text = read_all(network, near, place);
	/* a program that still writes gets SIGPIPE */
	close(TAKE_FD(near));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!text)
		return NULL;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		network_error(network, place, -EIO, "failed with status %d",
			      WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
		return NULL;
	}
	*ret_place = place;
	return TAKE_PTR(text);
}

bool source_has_program(const char *name)
{
	const char *path = getenv("PATH");
	_cleanup_free_ char *copy = strdup(path ? path : "/usr/sbin:/usr/bin:/sbin:/bin");
	char *rest = copy, *folder, file[PATH_MAX];

	while (rest && (folder = strsep(&rest, ":")))
		if ((size_t)snprintf(file, sizeof(file), "%s/%s", folder, name) < sizeof(file) &&
		    access(file, X_OK) == 0)
			return true;
	return false;
}

/* ---- kinds of sources ---- */
#define KINDS \
	"live, ip:PATH, bonding[:PATH], ovs[:PATH], ifupdown[:PATH], netplan[:PATH] or networkd[:PATH]"
#define NETWORKD_FOLDER "/etc/systemd/network"
#define OVS_SOCKET "unix:" IMPORT_OVS_SOCKET

static void run_ip(struct network *network, const char *const argv[])
{
	struct net_place place;
	_cleanup_free_ char *text = source_run(network, argv, &place);

	if (text)
		read_ip(network, place, text);
}

/* The path is not used: this is the running kernel. */
static void read_live(struct network *network, const char *path)
{
	static const char *const commands[][6] = {
		{ "ip", "-d", "-j", "address", "show", NULL },
		{ "ip", "-j", "route", "show", NULL },
		{ "ip", "-6", "-j", "route", "show", NULL },
		{ "bridge", "-j", "vlan", "show", NULL },
	};

	(void)path;
	for (size_t i = 0; i < ARRAY_SIZE(commands) && !network->failed; i++)
		run_ip(network, commands[i]);
}

static void read_ip_file(struct network *network, const char *path)
{
	struct net_place place;
	_cleanup_free_ char *text = source_read_file(network, path, &place);

	if (text)
		read_ip(network, place, text);
}

static void read_ovs_file(struct network *network, const char *path)
{
	struct net_place place;
	_cleanup_free_ char *text = NULL;

	if (strncmp(path, "unix:", 5) == 0 || strncmp(path, "tcp:", 4) == 0) {
		const char *const argv[] = { "ovsdb-client", "--timeout=10", "-f",	     "json",
					     "dump",	     path,	     "Open_vSwitch", NULL };

		text = source_run(network, argv, &place);
	} else {
		text = source_read_file(network, path, &place);
	}
	if (text)
		read_ovs(network, place, text);
}

static void read_bonding_file(struct network *network, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct net_place place;
	_cleanup_free_ char *text = source_read_file(network, path, &place);

	if (text)
		read_proc_bonding(network, place, slash ? slash + 1 : path, text);
}

static void read_netplan_file(struct network *network, const char *path)
{
	struct net_place place;
	_cleanup_free_ char *text = source_read_file(network, path, &place);

	if (text)
		read_netplan(network, place, text);
}

/* Each file of a folder, or the file itself. */
static void read_each(struct network *network, const char *path, const char *suffix,
		      void (*read)(struct network *network, const char *path))
{
	_cleanup_(source_list_done) struct source_list list = {};
	struct net_place place = { path, 0 };
	char file[PATH_MAX];

	if (!source_is_folder(path)) {
		read(network, path);
		return;
	}
	if (source_list_folder(network, path, suffix, &list) == 0 && list.n == 0)
		network_error(network, place, -ENOENT, "contains no file *%s", suffix);
	for (size_t i = 0; i < list.n && !network->failed; i++)
		if (source_join(network, file, sizeof(file), path, list.names[i]))
			read(network, file);
}

static void read_ip_source(struct network *network, const char *path)
{
	read_each(network, path, ".json", read_ip_file);
}

/* A folder has files as /proc/net/bonding, or folders as /sys/class/net. */
static void read_bonding_source(struct network *network, const char *path)
{
	_cleanup_(source_list_done) struct source_list list = {};
	char file[PATH_MAX];
	bool sysfs = false;

	if (source_is_folder(path) && source_list_folder(network, path, "", &list) < 0)
		return;
	for (size_t i = 0; i < list.n && !sysfs; i++)
		sysfs = source_join(network, file, sizeof(file), path, list.names[i]) &&
			source_is_folder(file);
	if (sysfs)
		read_sysfs_bonding(network, path);
	else
		read_each(network, path, "", read_bonding_file);
}

static void read_netplan_source(struct network *network, const char *path)
{
	read_each(network, path, ".yaml", read_netplan_file);
}

static void read_networkd_source(struct network *network, const char *path)
{
	const char *const folders[] = { path, "/run/systemd/network" };

	/* what was generated completes the default folder only */
	read_networkd(network, folders, strcmp(path, NETWORKD_FOLDER) == 0 ? 2 : 1);
}

/* clang-format off */
static const struct source_kind {
	const char *name, *path; /* path NULL: has none */
	void (*read)(struct network *network, const char *path);
} kinds[] = {
	{ "live", NULL, read_live },
	{ "ip", "", read_ip_source },
	{ "bonding", "/proc/net/bonding", read_bonding_source },
	{ "ovs", OVS_SOCKET, read_ovs_file },
	{ "ifupdown", "/etc/network/interfaces", read_ifupdown },
	{ "netplan", "/etc/netplan", read_netplan_source },
	{ "networkd", NETWORKD_FOLDER, read_networkd_source },
};
/* clang-format on */

int import_read(struct network *network, const char *source)
{
	const char *colon = strchr(source, ':'), *path;
	size_t n = colon ? (size_t)(colon - source) : strlen(source);
	struct net_place nowhere = {};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strlen(kinds[i].name) != n || strncmp(kinds[i].name, source, n) != 0)
			continue;
		path = colon ? colon + 1 : kinds[i].path;
		if (colon && (!kinds[i].path || !path[0]))
			return network_error(network, nowhere, -EINVAL, "%s: must be %s", source,
					     kinds[i].path ? "KIND:PATH" : kinds[i].name);
		if (path && !path[0])
			return network_error(network, nowhere, -EINVAL,
					     "%s: the path is missing: must be %s:PATH", source,
					     source);
		kinds[i].read(network, path);
		return network->failed;
	}
	return network_error(network, nowhere, -EINVAL, "%s: unknown source: must be %s", source,
			     KINDS);
}
