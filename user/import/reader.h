/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The readers: text of one source into the network. Mistakes are reported by network_error(), which
 * marks the network as failed. */
#ifndef UL_IMPORT_READER_H
#define UL_IMPORT_READER_H

#include "import/network.h"

/* ---- source.c ---- */
/* The text of a regular file or pipe with a NUL at its end; to be freed. NULL: an error has been
 * reported. *ret_place names the file for messages. */
char *source_read_file(struct network *network, const char *path, struct net_place *ret_place);
/* The names in a folder that end in suffix, sorted; hidden files are left out. */
struct source_list {
	char **names;
	size_t n;
};
/* 0, -ENOENT without a message, or another error with a message. */
int source_list_folder(struct network *network, const char *path, const char *suffix,
		       struct source_list *ret);
void source_list_done(struct source_list *list);
bool source_is_folder(const char *path);
/* "DIR/NAME" in path; false with an error: too long. */
bool source_join(struct network *network, char *path, size_t size, const char *folder,
		 const char *name);
/* The output of a program that succeeded, as source_read_file(). */
char *source_run(struct network *network, const char *const argv[], struct net_place *ret_place);

/* Whether PATH has the program. */
bool source_has_program(const char *name);

/* ---- readers of one text ---- */
void read_ip(struct network *network, struct net_place place, const char *text);
void read_proc_bonding(struct network *network, struct net_place place, const char *bond,
		       const char *text);
void read_ovs(struct network *network, struct net_place place, const char *text);

/* ---- readers of files that name other files ---- */
void read_sysfs_bonding(struct network *network, const char *folder);
void read_ifupdown(struct network *network, const char *path);
void read_netplan(struct network *network, struct net_place place, const char *text);
void read_networkd(struct network *network, const char *const *folders, size_t n_folders);

/* ---- words.c ---- */
/* The next word of a line, which is cut up; NULL: none. */
char *next_word(char **line);
/* Text without blanks at both ends; cuts. */
char *trim(char *text);
/* The kind of an interface that sources only mention, from the usual names of taps and veths. */
enum net_kind guess_kind(const char *name);

#endif
