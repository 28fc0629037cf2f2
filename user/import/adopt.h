/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The plan of a switch-over from the present network to the configuration of an import: steps with
 * their commands, what the daemon moves, and the packet filters that redirected frames bypass.
 * Redirected frames pass neither bridges nor the hooks of netfilter.
 *
 * adopt_plan() and the adopt_*_rules() are pure; adopt_find_filters() runs the tools of this host.
 * Tests: tests/unit/import_adopt.c, tests/netns/test_import.py.
 */
#ifndef UL_IMPORT_ADOPT_H
#define UL_IMPORT_ADOPT_H

#include <jansson.h>

#include "import/plan.h"

struct text_list {
	char **texts;
	size_t n;
	bool no_memory; /* a text is missing */
};

/* In the order of execution. Nothing is deleted before ADOPT_REMOVE, so the steps before it can be
 * undone. */
enum adopt_step {
	ADOPT_WRITE,
	ADOPT_DETACH,
	ADOPT_ADDRESSES,
	ADOPT_RELEASE,
	ADOPT_START,
	ADOPT_ROUTES,
	ADOPT_REMOVE,
	ADOPT_BOOT,
	N_ADOPT_STEPS,
};

struct adoption {
	struct text_list steps[N_ADOPT_STEPS]; /* commands, with comments behind '#' */
	struct text_list back;	    /* commands that undo the steps before ADOPT_REMOVE */
	struct text_list bypassed;  /* filters */
	struct text_list unchecked; /* filters that could not be listed, with the reason */
};

const char *adopt_step_title(enum adopt_step step);

/* The steps. source: the arguments of the import, for the first command. */
void adopt_plan(const struct network *network, const struct plan *plan, const char *source,
		struct adoption *adoption);
/* No text is missing for lack of memory. */
bool adoption_is_complete(const struct adoption *adoption);
void adoption_done(struct adoption *adoption);

/* ---- moves.c: pure ---- */
/* The parameter switch_over of Reload; NULL: no memory. */
json_t *adopt_moves(const struct plan *plan);
/* A part of the plan that uplinkd cannot move, because it is Open vSwitch's; NULL: none. */
const char *adopt_find_foreign(const struct plan *plan);
/* Where the files of other software still have what the plan replaces: "FILE:LINE: NAME: what to
 * do". files: read from them. */
void adopt_list_files(const struct plan *plan, const struct network *files, struct text_list *list);

/* `nft -j list ruleset` */
void adopt_nft_rules(struct network *network, const struct plan *plan, struct net_place place,
		     const char *text, struct adoption *adoption);
/* `ebtables-legacy-save` */
void adopt_ebtables_rules(const char *text, struct adoption *adoption);
/* A file of /run/libvirt/nwfilter-binding. */
void adopt_libvirt_binding(const char *name, const char *text, struct adoption *adoption);

/* All three, of this host. A program that is not installed or fails becomes an entry of unchecked.
 */
void adopt_find_filters(struct network *network, const struct plan *plan,
			struct adoption *adoption);

#endif
