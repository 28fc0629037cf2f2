// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * The exchange of a set for another one, and what a killed one leaves.
 *
 * A new set is made in <switch>_next while the old one serves. ul_meta.exchange of the new set is
 * FILLING until it is filled and applied; MOVING from before the first program is swapped into a
 * link; SERVING when the old set is gone. The store of MOVING is the commit point: an exchange that
 * was interrupted before is taken back at the next start, and one that was interrupted later is
 * finished. Then the directories are renamed, <switch> to <switch>_old and <switch>_next to
 * <switch>.
 *
 * A link that is pinned in the other set is never unlinked while its interface is a member: its
 * program is swapped and its pin is renamed into the set that serves.
 */
#include <bpf/bpf.h>
#include <sys/stat.h>

#include "dataplane/internal.h"

/* The order is that in which they are executed. */
/* clang-format off */
static const struct {
	bool current, next, old;
	/* of the set in <switch>_next */
	bool unfinished, moving;
	uint32_t steps; /* enum exchange_step */
} table[] = {
	/* R0: nothing is interrupted */
	{ true,  false, false, false, false, 0 },
	/* R1: not committed */
	{ true,  true,  false, true,  false, EXCHANGE_TAKE_BACK },
	{ true,  true,  false, false, false, EXCHANGE_TAKE_BACK },
	/* R2: committed */
	{ true,  true,  false, false, true,  EXCHANGE_FINISH },
	/* R3: between the renames, which 0.1.0 makes without a state */
	{ false, true,  true,  false, true,  EXCHANGE_RENAME_NEXT | EXCHANGE_DROP_OLD },
	{ false, true,  true,  false, false, EXCHANGE_RENAME_NEXT | EXCHANGE_DROP_OLD },
	{ false, true,  false, false, true,  EXCHANGE_RENAME_NEXT },
	{ false, true,  false, false, false, EXCHANGE_RENAME_NEXT },
	/* R4: renamed */
	{ true,  false, true,  false, false, EXCHANGE_DROP_OLD },
	/* R5: the remains of an earlier exchange as well */
	{ true,  true,  true,  true,  false, EXCHANGE_DROP_OLD | EXCHANGE_TAKE_BACK },
	{ true,  true,  true,  false, false, EXCHANGE_DROP_OLD | EXCHANGE_TAKE_BACK },
	{ true,  true,  true,  false, true,  EXCHANGE_DROP_OLD | EXCHANGE_FINISH },
	/* not made by any version, but directories may be removed by hand */
	{ false, false, false, false, false, 0 },
	{ false, false, true,  false, false, EXCHANGE_RENAME_OLD },
	{ false, true,  true,  true,  false, EXCHANGE_RENAME_OLD | EXCHANGE_TAKE_BACK },
	{ false, true,  false, true,  false, EXCHANGE_RENAME_NEXT },
};
/* clang-format on */

uint32_t exchange_decide(const struct exchange_found *found)
{
	bool unfinished = found->next && found->next_unfinished;
	bool moving = found->next && !unfinished && found->next_state != UL_EXCHANGE_FILLING;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].current == found->current && table[i].next == found->next &&
		    table[i].old == found->old && table[i].unfinished == unfinished &&
		    table[i].moving == moving)
			return table[i].steps;
	return 0; /* not reached: tests/unit/dataplane_exchange.c has all combinations */
}

/* ---- directories and states that exist ---- */
/* ABI version and state of a set of any version: both have the same place in all. A set without
 * ul_meta is unfinished. 0 or negative errno. */
static int read_state(const char *dir, uint32_t *ret_version, uint8_t *ret_state)
{
	_cleanup_close_ int fd = pin_open(dir, map_catalogue[UL_MAP_META].name);
	uint8_t value[1024] = {};
	struct bpf_map_info info = {};
	uint32_t length = sizeof(info), key = 0;
	const struct ul_meta *meta = (const void *)value;

	*ret_version = 0;
	*ret_state = UL_EXCHANGE_FILLING;
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &length) < 0)
		return -errno;
	if (info.type != BPF_MAP_TYPE_ARRAY || info.key_size != sizeof(key) ||
	    info.value_size > sizeof(value))
		return 0;
	if (bpf_map_lookup_elem(fd, &key, value) < 0)
		return -errno;
	*ret_version = meta->abi_version;
	*ret_state = meta->exchange;
	return 0;
}

int exchange_is_unfinished(const char *dir, bool *ret)
{
	uint32_t version;
	uint8_t state;
	int r = read_state(dir, &version, &state);

	if (r == 0)
		*ret = version == 0;
	return r;
}

static int look(const char *dir, bool *ret)
{
	int r = pins_find_dir(dir);

	*ret = r == 0;
	return r == -ENOENT ? 0 : r;
}

/* The directories of a switch, with the descriptors that lock them; -1: there is no such one. */
struct recovery {
	char dir[N_PIN_DIRS][PATH_MAX];
	int lock_fd[N_PIN_DIRS];
};

static void recovery_done(struct recovery *recovery)
{
	for (int i = 0; i < N_PIN_DIRS; i++)
		ul_closep(&recovery->lock_fd[i]);
}

static int find(const struct recovery *recovery, struct exchange_found *ret)
{
	struct exchange_found found = {};
	uint32_t version = 0;
	int r = look(recovery->dir[PINS_CURRENT], &found.current);

	if (r == 0)
		r = look(recovery->dir[PINS_NEXT], &found.next);
	if (r == 0)
		r = look(recovery->dir[PINS_OLD], &found.old);
	if (r == 0 && found.next)
		r = read_state(recovery->dir[PINS_NEXT], &version, &found.next_state);
	found.next_unfinished = version == 0;
	if (r == 0)
		*ret = found;
	return r;
}

/* ---- steps ---- */
/* The programs of the serving set into the links of another one, which is then removed. A set that
 * this version cannot open only takes over the pins: its programs, and those of the links, are
 * replaced when it is exchanged itself. */
static int absorb(struct dataplane *dp, const char *serving, const char *other)
{
	struct dataplane *set = NULL;
	int r = set_open(dp, serving, &set);

	if (r == 0)
		r = links_move(set, other);
	else if (r == -ENOENT)
		r = links_gather(serving, other);
	if (r == 0)
		r = set ? set_remove_dir(other) : pins_remove_dir(other);
	dataplane_free(set);
	return r;
}

static int finish(struct dataplane *dp, const struct recovery *recovery)
{
	const char *current = recovery->dir[PINS_CURRENT], *next = recovery->dir[PINS_NEXT];
	struct dataplane *set = NULL;
	int r = set_open(dp, next, &set);

	/* Of a version that is not known here: the old set serves, and is exchanged. */
	if (r == -ENOENT)
		return absorb(dp, current, next);
	if (r < 0)
		return r;
	set->staged = true;
	memcpy(set->old_dir, current, sizeof(set->old_dir));
	r = dataplane_take_over(set);
	dp->former_stays = set->former_stays;
	dataplane_free(set);
	return r;
}

static int rename_dir(const char *from, const char *to)
{
	return rename(from, to) < 0 ? -errno : 0;
}

static int execute(struct dataplane *dp, const struct recovery *recovery, uint32_t steps)
{
	const char *current = recovery->dir[PINS_CURRENT], *next = recovery->dir[PINS_NEXT],
		   *old = recovery->dir[PINS_OLD];
	int r = 0;

	if (steps & EXCHANGE_RENAME_OLD)
		r = rename_dir(old, current);
	if (r == 0 && steps & EXCHANGE_RENAME_NEXT)
		r = rename_dir(next, current);
	if (r == 0 && steps & EXCHANGE_DROP_OLD)
		r = absorb(dp, current, old);
	if (r == 0 && steps & EXCHANGE_TAKE_BACK)
		r = absorb(dp, current, next);
	if (r == 0 && steps & EXCHANGE_FINISH)
		r = finish(dp, recovery);
	return r;
}

/* ---- recovery ---- */
/* A lock follows its directory through renames. Without it another daemon could open the set. 0;
 * -ENOENT: there is no set; other negative errno. */
static int take_lock(struct dataplane *dp, struct recovery *recovery)
{
	struct stat locked, current;

	if (stat(dp->dir, &current) < 0)
		return -errno;
	for (int role = 0; role < N_PIN_DIRS; role++) {
		if (recovery->lock_fd[role] < 0)
			continue;
		if (fstat(recovery->lock_fd[role], &locked) < 0)
			return -errno;
		if (locked.st_ino != current.st_ino)
			continue;
		dp->lock_fd = TAKE_FD(recovery->lock_fd[role]);
		return 0;
	}
	return -ENOLCK;
}

int exchange_recover(struct dataplane *dp)
{
	_cleanup_(recovery_done) struct recovery recovery = { .lock_fd = { -1, -1, -1 } };
	struct exchange_found found;
	uint32_t steps;
	int r = 0;

	for (int role = 0; r == 0 && role < N_PIN_DIRS; role++) {
		r = pin_sibling_dir(recovery.dir[role], dp->dir, role);
		if (r < 0)
			return errors_add(dp->errors, r, "%s: the path is too long", dp->dir);
		r = pins_lock(recovery.dir[role], dp->name, dp->errors, &recovery.lock_fd[role]);
		if (r == -ENOENT)
			r = 0;
	}
	if (r < 0)
		return r;
	r = find(&recovery, &found);
	if (r < 0)
		return errors_add(dp->errors, r, "%s: cannot open", dp->dir);
	steps = exchange_decide(&found);
	r = execute(dp, &recovery, steps);
	if (r < 0)
		return errors_add(dp->errors, r,
				  "%s: the exchange of the maps that was interrupted cannot be %s",
				  dp->name, steps & EXCHANGE_TAKE_BACK ? "taken back" : "finished");
	r = take_lock(dp, &recovery);
	return r < 0 && r != -ENOENT ?
		       errors_add(dp->errors, r, "%s: cannot be compared with its lock", dp->dir) :
		       r;
}

/* ---- exchange ---- */
int dataplane_take_over(struct dataplane *dp)
{
	struct ul_meta *meta = dp->mapping[UL_MAP_META];
	char old[PATH_MAX];
	int r;

	if (!dp->staged)
		return 0;
	STORE(meta->exchange, UL_EXCHANGE_MOVING);
	r = links_move(dp, dp->old_dir);
	if (r < 0)
		return r;
	r = pins_exchange(dp->old_dir, dp->dir, old);
	if (r < 0)
		return errors_add(dp->errors, r, "%s: cannot rename", dp->dir);
	dp->former_stays = set_remove_dir(old) < 0;
	STORE(meta->exchange, UL_EXCHANGE_SERVING);
	memcpy(dp->dir, dp->old_dir, sizeof(dp->dir));
	dp->old_dir[0] = '\0';
	dp->staged = false;
	ul_closep(&dp->old_lock_fd);
	dp->old_lock_fd = -1;
	return 0;
}

int dataplane_remove_former(struct dataplane *dp)
{
	char former[PATH_MAX];
	int r;

	if (!dp->former_stays || dp->staged)
		return 0;
	r = pin_sibling_dir(former, dp->dir, PINS_OLD);
	if (r == 0)
		r = set_remove_dir(former);
	if (r < 0)
		return errors_add(dp->errors, r,
				  "%s: the former maps cannot be removed; it is tried again",
				  former);
	dp->former_stays = false;
	return 0;
}
