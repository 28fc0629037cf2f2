/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The stored configuration: the last confirmed one, and the change that waits for confirmation.
 * It is one JSON file in the state directory, replaced by fsync and rename, so that a crash or a
 * power cut leaves the former or the new content.
 *
 * The confirmed configuration stands for the files that were in /etc when it was confirmed. It is
 * in force at a start as long as the files are those; different files take its place. So `uplinkctl
 * reload FILE` outlasts a restart, a change that was rolled back does not return, and an edited
 * file is in force.
 *
 * The deadline is a time of CLOCK_BOOTTIME with the boot's id: steps of the wall clock do not move
 * it, and a reboot ends it. A change that a reboot interrupts counts as not confirmed.
 *
 * The journal of a switch-over (switch_over.h) is part of the same file, so that change and journal
 * become valid together.
 *
 * Tests: tests/unit/daemon_config_state.c.
 */
#ifndef UL_DAEMON_CONFIG_STATE_H
#define UL_DAEMON_CONFIG_STATE_H

#include <jansson.h>

#include "config/source.h"

#define BOOT_ID_LEN 37
#define RELOAD_CONFIRM_MAX_S 86400 /* the longest time for a confirmation */

struct config_state {
	struct config_source confirmed; /* n 0: none */
	struct config_source files;	/* that confirmed stands for */
	bool rolled_back;		/* files are a change that was rolled back */

	struct config_source pending;	    /* n 0: no change waits */
	struct config_source pending_files; /* the files at that time */
	uint64_t deadline_ms;		    /* CLOCK_BOOTTIME */
	char boot_id[BOOT_ID_LEN];

	/* The journal of a switch-over that is rolled back unless the change is confirmed; it stays
	 * until the rollback is complete. NULL: none. */
	json_t *switch_over;
};

void config_state_done(struct config_state *state);

uint64_t boottime_ms(void); /* now in CLOCK_BOOTTIME */
/* The id of this boot. 0 or negative errno with a message: nothing is known about a recorded id. */
int read_boot_id(char id[BOOT_ID_LEN], struct errors *errors);

/* Whether the change may still be confirmed. A deadline that no request can have set does not
 * count: the change is rolled back, and the confirmed configuration of that file stays usable. */
bool config_state_is_waiting(const struct config_state *state, const char *boot_id,
			     uint64_t boottime_ms);

/* The configuration is confirmed, for these files. Takes both; a pending change is dropped. */
void config_state_confirm(struct config_state *state, struct config_source *source,
			  struct config_source *files);
/* The pending change becomes the confirmed configuration; a switch-over is final. */
void config_state_confirm_pending(struct config_state *state);
/* The pending change is dropped. If it came from the files, they are not read again until they
 * differ. */
void config_state_roll_back(struct config_state *state);
/* The pending change is dropped as if it had never been made. */
void config_state_drop_pending(struct config_state *state);

/*
 * origin: the path of the configuration. The state of another path, like a missing file, is an
 * empty state; NULL: the state of any path. 0; -EBADMSG: not a state; other negative errno. *ret is
 * empty on failure.
 */
int config_state_read(const char *path, const char *origin, struct config_state *ret);
/* Creates the folder of path if needed. On failure the former file stays. 0; -EILSEQ: a text is not
 * UTF-8; other negative errno. */
int config_state_write(const char *path, const char *origin, const struct config_state *state);

#endif
