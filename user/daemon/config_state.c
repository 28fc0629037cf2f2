// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "daemon/config_state.h"

#include <fcntl.h>
#include <jansson.h>
#include <libgen.h>
#include <limits.h>
#include <sys/stat.h>
#include <time.h>

#include "common/file.h"
#include "common/util.h"

#define STATE_VERSION 1
#define STATE_MAX_BYTES (256U << 20) /* two configurations with all their documents */

void config_state_done(struct config_state *state)
{
	config_source_done(&state->confirmed);
	config_source_done(&state->files);
	config_state_drop_pending(state);
	json_decref(state->switch_over);
	*state = (struct config_state){ 0 };
}

/* ---- time ---- */
uint64_t boottime_ms(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

static int read_boot_id_once(char id[BOOT_ID_LEN])
{
	_cleanup_close_ int fd = open(BOOT_ID_PATH, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	size_t length;
	int r = fd < 0 ? -errno : file_read(fd, BOOT_ID_LEN, &text, &length);

	if (r == 0 && text[0] == '\0')
		r = -ENODATA;
	if (r == 0)
		snprintf(id, BOOT_ID_LEN, "%.*s", (int)strcspn(text, "\n"), text);
	return r;
}

int read_boot_id(char id[BOOT_ID_LEN], struct errors *errors)
{
	int r = read_boot_id_once(id);

	if (r < 0)
		r = read_boot_id_once(id);
	return r < 0 ? errors_add(errors, r, BOOT_ID_PATH ": cannot be read") : 0;
}

bool config_state_is_waiting(const struct config_state *state, const char *boot_id, uint64_t now)
{
	return state->pending.n && boot_id[0] && strcmp(state->boot_id, boot_id) == 0 &&
	       now < state->deadline_ms &&
	       state->deadline_ms - now <= RELOAD_CONFIRM_MAX_S * 1000ULL;
}

/* ---- changes ---- */
static void move(struct config_source *to, struct config_source *from)
{
	config_source_done(to);
	*to = *from;
	*from = (struct config_source){ 0 };
}

void config_state_drop_pending(struct config_state *state)
{
	config_source_done(&state->pending);
	config_source_done(&state->pending_files);
	state->deadline_ms = 0;
	state->boot_id[0] = '\0';
}

void config_state_confirm(struct config_state *state, struct config_source *source,
			  struct config_source *files)
{
	move(&state->confirmed, source);
	move(&state->files, files);
	state->rolled_back = false;
	config_state_drop_pending(state);
}

void config_state_confirm_pending(struct config_state *state)
{
	config_state_confirm(state, &state->pending, &state->pending_files);
	json_decref(TAKE_PTR(state->switch_over));
}

void config_state_roll_back(struct config_state *state)
{
	if (config_source_equal(&state->pending, &state->pending_files)) {
		move(&state->files, &state->pending_files);
		state->rolled_back = true;
	}
	config_state_drop_pending(state);
}

/* ---- reading ---- */
static int read_source(json_t *list, struct config_source *ret)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		json_t *text = json_object_get(item, "text");
		const char *name = json_string_value(json_object_get(item, "name"));

		if (!name || !json_is_string(text) || i >= CONFIG_MAX_DOCUMENTS)
			return -EBADMSG;
		if (config_source_add(ret, name, json_string_value(text),
				      json_string_length(text)) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int read_pending(json_t *pending, struct config_state *state)
{
	json_t *deadline = json_object_get(pending, "deadline_ms");
	const char *boot_id = json_string_value(json_object_get(pending, "boot_id"));
	int r;

	if (!boot_id || !json_is_integer(deadline) || json_integer_value(deadline) < 0)
		return -EBADMSG;
	snprintf(state->boot_id, sizeof(state->boot_id), "%s", boot_id);
	state->deadline_ms = (uint64_t)json_integer_value(deadline);
	r = read_source(json_object_get(pending, "documents"), &state->pending);
	if (r == 0)
		r = read_source(json_object_get(pending, "files"), &state->pending_files);
	return r == 0 && !state->pending.n ? -EBADMSG : r;
}

static json_malloc_t next_malloc;
static bool no_memory;

static void *allocate(size_t size)
{
	void *memory = next_malloc(size);

	no_memory = no_memory || !memory;
	return memory;
}

/* The parser reports a lack of memory as a mistake in the text, or not at all, and leaves
 * characters out. At a start no other thread uses it. */
static int parse(const char *text, size_t length, json_t **ret)
{
	json_free_t release;

	json_get_alloc_funcs(&next_malloc, &release);
	json_set_alloc_funcs(allocate, release);
	no_memory = false;
	*ret = json_loadb(text, length, JSON_ALLOW_NUL, NULL);
	json_set_alloc_funcs(next_malloc, release);
	if (no_memory) {
		json_decref(TAKE_PTR(*ret));
		return -ENOMEM;
	}
	return *ret ? 0 : -EBADMSG;
}

/* 0, -ENOENT, -EBADMSG: no JSON, or another negative errno. */
static int load(const char *path, json_t **ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	size_t length;
	int r = fd < 0 ? -errno : file_read(fd, STATE_MAX_BYTES, &text, &length);

	return r < 0 ? r : parse(text, length, ret);
}

int config_state_read(const char *path, const char *origin, struct config_state *ret)
{
	json_auto_t *root = NULL;
	struct config_state state = { 0 };
	json_t *pending;
	const char *from;
	int r;

	*ret = state;
	r = load(path, &root);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	from = json_string_value(json_object_get(root, "origin"));
	if (!from || json_integer_value(json_object_get(root, "version")) != STATE_VERSION)
		return -EBADMSG;
	if (origin && strcmp(from, origin) != 0)
		return 0;
	r = read_source(json_object_get(root, "confirmed"), &state.confirmed);
	if (r == 0)
		r = read_source(json_object_get(root, "files"), &state.files);
	state.rolled_back = json_is_true(json_object_get(root, "rolled_back"));
	pending = json_object_get(root, "pending");
	if (r == 0 && pending)
		r = read_pending(pending, &state);
	if (r == 0 && !state.confirmed.n)
		r = -EBADMSG;
	state.switch_over = json_incref(json_object_get(root, "switch_over"));
	if (r < 0) {
		config_state_done(&state);
		return r;
	}
	*ret = state;
	return 0;
}

/* ---- writing ---- */
/* NULL: a text is not UTF-8, or no memory. */
static json_t *source_json(const struct config_source *source)
{
	json_auto_t *list = json_array();

	for (size_t i = 0; i < source->n; i++) {
		const struct config_document *document = &source->documents[i];
		json_t *text = json_stringn(document->text, document->length);

		if (!text ||
		    json_array_append_new(list, json_pack("{s:s, s:o}", "name", document->name,
							  "text", text)) < 0)
			return NULL;
	}
	return TAKE_PTR(list);
}

static json_t *state_json(const char *origin, const struct config_state *state)
{
	json_auto_t *root = json_pack("{s:i, s:s, s:b, s:o, s:o}", "version", STATE_VERSION,
				      "origin", origin, "rolled_back", state->rolled_back,
				      "confirmed", source_json(&state->confirmed), "files",
				      source_json(&state->files));

	if (root && state->pending.n &&
	    json_object_set_new(root, "pending",
				json_pack("{s:I, s:s, s:o, s:o}", "deadline_ms",
					  (json_int_t)state->deadline_ms, "boot_id", state->boot_id,
					  "documents", source_json(&state->pending), "files",
					  source_json(&state->pending_files))) < 0)
		return NULL;
	if (root && state->switch_over &&
	    json_object_set(root, "switch_over", state->switch_over) < 0)
		return NULL;
	return TAKE_PTR(root);
}

int config_state_write(const char *path, const char *origin, const struct config_state *state)
{
	json_auto_t *root = state_json(origin, state);
	_cleanup_free_ char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
	char folder[PATH_MAX];

	if (!text)
		return -EILSEQ;
	snprintf(folder, sizeof(folder), "%s", path);
	if (mkdir(dirname(folder), 0700) < 0 && errno != EEXIST)
		return -errno;
	return file_replace(path, text, 0600, true);
}
