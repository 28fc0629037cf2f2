// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * support-bundle: the data for a remote diagnosis, in one compressed tar archive. The
 * items are rows of tables: outputs of uplinkctl itself, and files. What cannot be collected is in
 * the archive with its reason, and the daemon need not run.
 */
#include <archive.h>
#include <archive_entry.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/utsname.h>
#include <time.h>

#include "common/file.h"
#include "config/source.h"
#include "ctl/events.h"
#include "ctl/history.h"
#include "ctl/mask.h"

#define FILE_MAX_BYTES (1U << 20) /* of a file that is collected */
#define MAX_WORDS 4

/* clang-format off */
static const struct {
	const char *name;
	const char *words[MAX_WORDS];
} outputs[] = {
	{ "status.json",	{ "--json", "status" } },
	{ "diagnose.json",	{ "--json", "diagnose" } },
	{ "uplinks.json",	{ "--json", "show", "uplinks" } },
	{ "ports.json",		{ "--json", "show", "ports" } },
	{ "groups.json",	{ "--json", "show", "groups" } },
	{ "lacp.json",		{ "--json", "show", "lacp" } },
	{ "pagp.json",		{ "--json", "show", "pagp" } },
	{ "channel.json",	{ "--json", "show", "channel" } },
	{ "fdb.json",		{ "--json", "show", "fdb" } },
	{ "counters.json",	{ "--json", "show", "counters" } },
	{ "history.json",	{ "--json", "history" } },
	{ "config-in-force.yaml", { "show", "config" } },
	{ "status.txt",		{ "status", "--all" } },
};

/* Facts about the kernel and the host. */
static const char *const files[] = {
	"/etc/os-release",
	"/proc/version",
	"/proc/cpuinfo",
	"/proc/meminfo",
	"/proc/interrupts",
	"/proc/softirqs",
	"/proc/modules",
	"/proc/net/dev",
	"/proc/net/softnet_stat",
	"/proc/net/ptype",
	"/proc/sys/net/core/netdev_max_backlog",
	"/proc/sys/net/core/bpf_jit_enable",
	"/proc/sys/kernel/unprivileged_bpf_disabled",
	"/sys/kernel/security/lockdown",
	"/sys/kernel/rcu_expedited",
};
/* clang-format on */

struct bundle {
	struct ctl *ctl;
	struct archive *archive;
	struct mask mask;
	json_t *items; /* of the manifest */
	char folder[96];
	time_t now;
};

/* ---- the archive ---- */
static int add_entry(struct bundle *bundle, const char *name, const char *data, size_t size)
{
	struct archive_entry *entry = archive_entry_new();
	char path[PATH_MAX];
	int r;

	if (!entry)
		return -ENOMEM;
	snprintf(path, sizeof(path), "%s/%s", bundle->folder, name);
	archive_entry_set_pathname(entry, path);
	archive_entry_set_size(entry, (la_int64_t)size);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0600);
	archive_entry_set_mtime(entry, bundle->now, 0);
	r = archive_write_header(bundle->archive, entry);
	if (r == ARCHIVE_OK && archive_write_data(bundle->archive, data, size) != (la_ssize_t)size)
		r = ARCHIVE_FATAL;
	archive_entry_free(entry);
	return r == ARCHIVE_OK ? 0 : -EIO;
}

static void print_item(struct bundle *bundle, const char *name, size_t size, const char *problem)
{
	char text[TEXT_NUMBER_LEN];
	FILE *out = bundle->ctl->out;

	if (strcmp(bundle->ctl->arguments[0] ? bundle->ctl->arguments[0] : "", "-") == 0)
		out = bundle->ctl->err;
	if (!bundle->ctl->json)
		fprintf(out, "  %-42s %10s%s%s\n", name, text_bytes(size, text),
			problem ? "  " : "", problem ? problem : "");
}

/* Adds an item, masked with --mask. problem: why it is incomplete; NULL: it is not. */
static int add_item(struct bundle *bundle, const char *name, const char *data, size_t size,
		    const char *problem)
{
	_cleanup_free_ char *masked = NULL;
	int r = 0;

	if (bundle->ctl->mask) {
		r = mask_text(&bundle->mask, data, size, &masked, &size);
		data = masked;
	}
	if (r == 0)
		r = add_entry(bundle, name, data, size);
	if (r < 0)
		return r;
	print_item(bundle, name, size, problem);
	return json_array_append_new(bundle->items,
				     json_pack("{s:s, s:I, s:s?}", "name", name, "bytes",
					       (json_int_t)size, "problem", problem)) < 0 ?
		       -ENOMEM :
		       0;
}

/* ---- outputs of uplinkctl ---- */
/* Runs a command of this program with the same options for folders and socket. */
static int run_words(struct ctl *ctl, const char *const words[MAX_WORDS], FILE *out, FILE *err)
{
	const struct {
		const char *option, *value;
	} places[] = { { "--run-dir", ctl->run_dir },
		       { "--bpffs", ctl->bpffs },
		       { "--socket", ctl->socket },
		       { "--state-dir", ctl->state_dir } };
	const char *argv[2 * ARRAY_SIZE(places) + MAX_WORDS + 2] = { "uplinkctl" };
	int argc = 1;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (!places[i].value)
			continue;
		argv[argc++] = places[i].option;
		argv[argc++] = places[i].value;
	}
	for (int i = 0; i < MAX_WORDS && words[i]; i++)
		argv[argc++] = words[i];
	return ctl_main(argc, (char *const *)argv, out, err);
}

/* The first line of messages without "uplinkctl: ", or NULL. */
static const char *first_message(char *messages)
{
	messages[strcspn(messages, "\n")] = '\0';
	if (strncmp(messages, "uplinkctl: ", 11) == 0)
		messages += 11;
	return messages[0] ? messages : NULL;
}

static int add_output(struct bundle *bundle, const char *name, const char *const words[MAX_WORDS])
{
	char *text = NULL, *messages = NULL;
	size_t size = 0, n_messages = 0;
	FILE *out = open_memstream(&text, &size), *err = open_memstream(&messages, &n_messages);
	int status = CTL_SYSTEM, r = out && err ? 0 : -ENOMEM;

	if (r == 0)
		status = run_words(bundle->ctl, words, out, err);
	if (out)
		fclose(out);
	if (err)
		fclose(err);
	/* status 1 of `diagnose` and `status`: findings exist */
	if (r == 0)
		r = add_item(bundle, name, text, size,
			     status == CTL_DONE || size ? NULL : first_message(messages));
	free(text);
	free(messages);
	return r;
}

/* ---- files ---- */
static int read_file(const char *path, char **ret, size_t *ret_size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	return fd < 0 ? -errno : file_read(fd, FILE_MAX_BYTES, ret, ret_size);
}

static int add_file(struct bundle *bundle, const char *path)
{
	_cleanup_free_ char *data = NULL;
	char name[PATH_MAX];
	size_t size = 0;
	int r = read_file(path, &data, &size);
	bool is_cut = size > FILE_MAX_BYTES;

	snprintf(name, sizeof(name), "host%s", path);
	return add_item(bundle, name, data ? data : "", is_cut ? FILE_MAX_BYTES : size,
			r < 0  ? strerror(-r) :
			is_cut ? "cut at 1 MB" :
				 NULL);
}

/* The files of /etc, as far as they can be read. */
static int add_configuration(struct bundle *bundle)
{
	_cleanup_(config_source_done) struct config_source source = {};
	_cleanup_(errors_done) struct errors errors = {};
	int r = config_source_read(CONFIG_FILE, CONFIG_FOLDER, &source, &errors);

	if (r < 0)
		return add_item(bundle, "config/uplinkd.yaml", "", 0,
				errors.n ? errors.messages[0] : strerror(-r));
	r = 0;
	for (size_t i = 0; r == 0 && i < source.n; i++) {
		const struct config_document *document = &source.documents[i];
		char name[PATH_MAX];

		snprintf(name, sizeof(name), "config%s", document->name);
		r = add_item(bundle, name, document->text, document->length, NULL);
	}
	return r;
}

static int add_versions(struct bundle *bundle)
{
	struct utsname kernel = {};
	_cleanup_free_ char *text = NULL;
	json_auto_t *versions = NULL;

	(void)uname(&kernel);
	versions = json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:s}", "uplinkctl", UL_VERSION,
			     "map_abi", UL_ABI_VERSION, "libbpf", libbpf_version_string(),
			     "libarchive", archive_version_string(), "kernel", kernel.release,
			     "build", kernel.version, "machine", kernel.machine);
	text = json_dumps(versions, JSON_INDENT(2));
	return text ? add_item(bundle, "versions.json", text, strlen(text), NULL) : -ENOMEM;
}

/* ---- the whole ---- */
static int add_manifest(struct bundle *bundle)
{
	_cleanup_free_ char *text = NULL;
	json_auto_t *manifest = json_pack("{s:s, s:I, s:b, s:O}", "version", UL_VERSION, "time",
					  (json_int_t)bundle->now, "masked", bundle->ctl->mask,
					  "items", bundle->items);

	text = json_dumps(manifest, JSON_INDENT(2));
	return text ? add_entry(bundle, "manifest.json", text, strlen(text)) : -ENOMEM;
}

static int add_all(struct bundle *bundle)
{
	int r = add_versions(bundle);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(outputs); i++)
		r = add_output(bundle, outputs[i].name, outputs[i].words);
	if (r == 0)
		r = add_configuration(bundle);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++)
		r = add_file(bundle, files[i]);
	return r == 0 ? add_manifest(bundle) : r;
}

/* Opens FILE for writing; a file that exists is not replaced. */
static int open_archive(struct bundle *bundle, const char *path, int *ret_fd)
{
	_cleanup_close_ int fd = -1;
	int r;

	if (strcmp(path, "-") != 0) {
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0)
			return ctl_fail(bundle->ctl,
					errno == EEXIST ? CTL_WRONG_REQUEST : CTL_SYSTEM,
					"%s: cannot be created: %s", path, strerror(errno));
	}
	fflush(bundle->ctl->out);
	bundle->archive = archive_write_new();
	r = bundle->archive ? archive_write_add_filter_gzip(bundle->archive) : ARCHIVE_FATAL;
	if (r == ARCHIVE_OK)
		r = archive_write_set_format_pax_restricted(bundle->archive);
	if (r == ARCHIVE_OK)
		r = archive_write_open_fd(bundle->archive, fd >= 0 ? fd : fileno(bundle->ctl->out));
	if (r != ARCHIVE_OK)
		return ctl_fail(bundle->ctl, CTL_SYSTEM, "%s: cannot be written: %s", path,
				bundle->archive ? archive_error_string(bundle->archive) :
						  strerror(ENOMEM));
	*ret_fd = TAKE_FD(fd);
	return CTL_DONE;
}

static int write_bundle(struct bundle *bundle, const char *path)
{
	struct ctl *ctl = bundle->ctl;
	_cleanup_close_ int fd = -1;
	int status = open_archive(bundle, path, &fd), r;

	if (status)
		return status;
	r = add_all(bundle);
	if (archive_write_close(bundle->archive) != ARCHIVE_OK && r == 0)
		r = -EIO;
	if (r == 0 && fd >= 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0)
		return CTL_DONE;
	if (fd >= 0)
		(void)unlink(path);
	return ctl_fail(ctl, CTL_SYSTEM, "%s: cannot be written: %s", path,
			archive_error_string(bundle->archive) ?: strerror(-r));
}

static void name_bundle(struct bundle *bundle, char *path, size_t size)
{
	char host[32] = "host", stamp[32] = "";
	struct tm utc;

	if (gethostname(host, sizeof(host) - 1) < 0 || bundle->ctl->mask)
		strcpy(host, "host");
	if (gmtime_r(&bundle->now, &utc))
		strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &utc);
	snprintf(bundle->folder, sizeof(bundle->folder), "uplinkd-support-%s-%s", host, stamp);
	snprintf(path, size, "%s.tar.gz", bundle->folder);
}

int cmd_support_bundle(struct ctl *ctl)
{
	struct bundle bundle = { .ctl = ctl, .now = time(NULL), .items = json_array() };
	char standard[128];
	const char *path;
	int status;

	name_bundle(&bundle, standard, sizeof(standard));
	path = ctl->arguments[0] ? ctl->arguments[0] : standard;
	if (strcmp(path, "-") == 0 && ctl->json)
		return ctl_fail(
			ctl, CTL_WRONG_REQUEST,
			"-: the archive goes to standard output: cannot be combined with --json");
	status = mask_init(&bundle.mask) < 0 ? CTL_SYSTEM : write_bundle(&bundle, path);
	archive_write_free(bundle.archive);
	mask_done(&bundle.mask);
	if (status == CTL_DONE && ctl->json)
		status = ctl_print_json(ctl, json_pack("{s:s, s:O}", "file", path, "items",
						       bundle.items));
	else if (status == CTL_DONE && strcmp(path, "-") != 0)
		fprintf(ctl->out, "written to %s%s\n", path,
			ctl->mask ? "" :
				    "; it contains addresses and names of machines, see --mask");
	json_decref(bundle.items);
	return status;
}
