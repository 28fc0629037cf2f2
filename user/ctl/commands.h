/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The tables of subcommands and options, for parsing, help and completion. */
#ifndef UL_CTL_COMMANDS_H
#define UL_CTL_COMMANDS_H

#include "ctl/ctl.h"

struct command {
	const char *name;    /* one or two words; those of a family stand together */
	const char *usage;   /* of its arguments and options */
	int min, max;	     /* number of arguments */
	const char *options; /* names of its options, each with a blank after it */
	int (*run)(struct ctl *ctl);
	const char *help;
};

struct option {
	const char *name;
	const char *argument; /* NULL: a flag */
	size_t offset;	      /* in struct ctl: const char * or bool */
	bool global;
	char letter; /* of the short form of a flag; 0: none */
	const char *help;
};

extern const struct command ctl_commands[];
extern const size_t ctl_n_commands;
extern const struct option ctl_options[];
extern const size_t ctl_n_options;

/* "show uplinks" is in the family "show". */
bool ctl_in_family(const struct command *command, const char *family);
bool ctl_takes_option(const struct command *command, const struct option *option);

#endif
