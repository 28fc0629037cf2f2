// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "dataplane/journal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "common/file.h"
#include "dataplane/internal.h"

struct entry {
	__u32 id;
	struct ul_saved_settings record;
};

struct journal {
	struct journal_store store;
	int map_fd; /* -1: the store is another one */
	struct entry *entries;
	size_t n, room;
	__u32 next_id;
};

static struct journal *allocate(void)
{
	struct journal *journal = calloc(1, sizeof(*journal));

	if (journal)
		journal->map_fd = -1;
	return journal;
}

struct journal *journal_new(const struct journal_store *store)
{
	struct journal *journal = allocate();

	if (journal)
		journal->store = *store;
	return journal;
}

void journal_free(struct journal *journal)
{
	if (!journal)
		return;
	ul_closep(&journal->map_fd);
	free(journal->entries);
	free(journal);
}

static void journal_freep(struct journal **journal)
{
	journal_free(*journal);
}

/* ---- the pinned map ---- */
static int map_write(void *userdata, __u32 id, const struct ul_saved_settings *record)
{
	const struct journal *journal = userdata;

	return bpf_map_update_elem(journal->map_fd, &id, record, BPF_ANY) < 0 ? -errno : 0;
}

static int map_erase(void *userdata, __u32 id)
{
	const struct journal *journal = userdata;

	return bpf_map_delete_elem(journal->map_fd, &id) < 0 && errno != ENOENT ? -errno : 0;
}

static int make_map(const char *path)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	_cleanup_close_ int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "ul_saved", sizeof(__u32),
						sizeof(struct ul_saved_settings), UL_SAVED_RECORDS,
						&opts);

	if (fd < 0 || bpf_obj_pin(fd, path) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/* A descriptor of the pinned map, or negative errno; -EPROTO: it is another kind of map. */
static int open_map(const char *path, bool make)
{
	_cleanup_close_ int fd = bpf_obj_get(path);
	struct bpf_map_info info = {};
	uint32_t length = sizeof(info);

	if (fd < 0)
		return errno == ENOENT && make ? make_map(path) : -errno;
	if (bpf_obj_get_info_by_fd(fd, &info, &length) < 0)
		return -errno;
	if (info.type != BPF_MAP_TYPE_HASH || info.key_size != sizeof(__u32) ||
	    info.value_size != sizeof(struct ul_saved_settings))
		return -EPROTO;
	return TAKE_FD(fd);
}

/* There is room. */
static void append(struct journal *journal, __u32 id, const struct ul_saved_settings *record)
{
	struct entry *entry = &journal->entries[journal->n++];

	entry->id = id;
	entry->record = *record;
	if (id >= journal->next_id)
		journal->next_id = id + 1;
}

static int make_room(struct journal *journal)
{
	size_t room = journal->room ? 2 * journal->room : 16;
	struct entry *more;

	if (journal->n < journal->room)
		return 0;
	more = reallocarray(journal->entries, room, sizeof(*more));
	if (!more)
		return -ENOMEM;
	journal->entries = more;
	journal->room = room;
	return 0;
}

int journal_take(struct journal *journal, __u32 id, const struct ul_saved_settings *record)
{
	struct ul_saved_settings own = *record;
	int r = make_room(journal);

	own.name[UL_SAVED_NAME_LEN - 1] = '\0';
	text_make_ascii(own.name);
	if (r == 0)
		append(journal, id, &own);
	return r;
}

static int read_records(struct journal *journal)
{
	struct ul_saved_settings record;
	__u32 id = 0, next;
	bool first = true;
	int r;

	while (bpf_map_get_next_key(journal->map_fd, first ? NULL : &id, &next) == 0) {
		id = next;
		first = false;
		if (bpf_map_lookup_elem(journal->map_fd, &id, &record) < 0)
			return -errno;
		r = journal_take(journal, id, &record);
		if (r < 0)
			return r;
	}
	return errno == ENOENT ? 0 : -errno;
}

static int pin_of(char path[PATH_MAX], const char *bpffs, const char *switch_name)
{
	return pin_switch_dir(path, bpffs, switch_name, PIN_SAVED);
}

int journal_open(const char *bpffs, const char *switch_name, bool make, struct errors *errors,
		 struct journal **ret)
{
	_cleanup_(journal_freep) struct journal *journal = allocate();
	char path[PATH_MAX];
	int r;

	if (!journal)
		return errors_add(errors, -ENOMEM, "%s", switch_name);
	r = pin_of(path, bpffs, switch_name);
	if (r < 0)
		return errors_add(errors, r, "%s: the path is too long", bpffs);
	journal->store = (struct journal_store){ map_write, map_erase, journal };
	journal->map_fd = open_map(path, make);
	if (journal->map_fd == -ENOENT)
		return -ENOENT;
	if (journal->map_fd == -EPROTO)
		return errors_add(errors, -EPROTO,
				  "%s: not a settings journal of uplinkd; remove it", path);
	r = journal->map_fd < 0 ? journal->map_fd : read_records(journal);
	if (r < 0)
		return errors_add(errors, r, "%s: cannot open the settings journal", path);
	*ret = TAKE_PTR(journal);
	return 0;
}

int journal_unpin(const char *bpffs, const char *switch_name, struct errors *errors)
{
	char path[PATH_MAX];
	int r = pin_of(path, bpffs, switch_name);

	if (r == 0)
		r = file_remove(path);
	if (r < 0)
		return errors_add(errors, r, "%s: the settings journal cannot be removed",
				  switch_name);
	return pins_remove_root(bpffs, errors);
}

/* ---- records ---- */
size_t journal_count(const struct journal *journal)
{
	return journal->n;
}

const struct ul_saved_settings *journal_at(const struct journal *journal, size_t index)
{
	return &journal->entries[index].record;
}

static bool has_id(const struct journal *journal, __u32 id)
{
	for (size_t i = 0; i < journal->n; i++)
		if (journal->entries[i].id == id)
			return true;
	return false;
}

int journal_add(struct journal *journal, const struct ul_saved_settings *record)
{
	__u32 id = journal->next_id;
	int r = make_room(journal);

	/* The ids wrap, and other programs may have written any. */
	while (has_id(journal, id))
		id++;
	if (r == 0)
		r = journal->store.write(journal->store.userdata, id, record);
	if (r < 0)
		return r;
	append(journal, id, record);
	journal->next_id = id + 1;
	return 0;
}

int journal_replace(struct journal *journal, size_t index, const struct ul_saved_settings *record)
{
	struct entry *entry = &journal->entries[index];
	int r = journal->store.write(journal->store.userdata, entry->id, record);

	if (r == 0)
		entry->record = *record;
	return r;
}

int journal_erase(struct journal *journal, size_t index)
{
	int r = journal->store.erase(journal->store.userdata, journal->entries[index].id);

	if (r == 0)
		journal->entries[index] = journal->entries[--journal->n];
	return r;
}
