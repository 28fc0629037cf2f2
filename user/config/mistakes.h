/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Mistakes of a configuration with the place where each stands: "FILE:LINE: PATH.KEY: VALUE: must
 * be ..." for a file, "NAME: KEY: ..." for a request. The reader keeps the current path and line up
 * to date with mistakes_enter() and mistakes_leave().
 */
#ifndef UL_CONFIG_MISTAKES_H
#define UL_CONFIG_MISTAKES_H

#include <stdbool.h>
#include <stddef.h>

#include "config/model.h"

#define MISTAKE_PATH_LEN 256
#define MISTAKE_TEXT_LEN 640 /* of a message that must hold a list of uplinks */
/* Messages that are kept, which bounds the memory that a hostile file takes. */
#define MISTAKES_MAX 1000
#define MISTAKES_MAX_FILES 65

struct section; /* reader.h */

/* A configuration of several files: the file of each switch, and its first switch. */
struct mistakes_files {
	const char *const *names;
	size_t current;
	size_t first_switch[MISTAKES_MAX_FILES]; /* of each file */
};

struct mistakes {
	struct errors *errors;
	const struct mistakes_files *files; /* NULL: one file, or a request */
	const char *file;  /* NULL: a request, whose places are named and have no path */
	size_t n;	   /* mistakes so far, also when one could not be kept for lack of memory */
	unsigned int line; /* of the list entry or mapping that is being read */
	const struct section *section; /* has the lines of its keys; NULL: none */
	size_t length;		       /* of path */
	char path[MISTAKE_PATH_LEN];   /* "switches[0].port-groups[1]" */
};

/* What mistakes_leave() restores. */
struct mistakes_scope {
	size_t length;
	unsigned int line;
	const struct section *section;
};

/* Appends to the path. */
struct mistakes_scope mistakes_enter(struct mistakes *mistakes, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void mistakes_leave(struct mistakes *mistakes, struct mistakes_scope scope);

/* Adds "FILE:LINE: PATH.KEY: ..." with the line of the key in the current section, or the line of
 * the section itself where the key is missing or NULL. */
void mistakes_add(struct mistakes *mistakes, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same with a given line. */
void mistakes_add_at(struct mistakes *mistakes, unsigned int line, const char *key,
		     const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The index of a switch in its file. *ret_file: the name of that file when it is not the current
 * one, else NULL. */
size_t mistakes_locate_switch(const struct mistakes *mistakes, size_t index, const char **ret_file);

#endif
