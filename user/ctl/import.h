/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* What import and adopt share: the sources on the command line as a plan, and its remarks. */
#ifndef UL_CTL_IMPORT_H
#define UL_CTL_IMPORT_H

#include "ctl/ctl.h"
#include "import/import.h"
#include "import/plan.h"

/* The sources as a network, the plan and its configuration. 0 or negative errno with messages. */
int import_make_plan(struct ctl *ctl, struct network *network, struct plan **ret_plan,
		     char **ret_text, struct errors *errors);
/* The reasons of a failure; returns the exit status. */
int import_print_errors(struct ctl *ctl, const struct errors *errors, int error);
/* The arguments of an import that has the same result. */
void import_join_sources(const struct ctl *ctl, char *text, size_t size);

json_t *import_list_remarks(const struct network *network, bool unmapped);
bool import_is_complete(const struct network *network);
void import_print_unmapped(struct ctl *ctl, const struct network *network);

#endif
