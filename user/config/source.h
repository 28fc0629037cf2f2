/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The text of a configuration: one file, or /etc/uplinkd/uplinkd.yaml and the files of
 * /etc/uplinkd/conf.d/ in the order of their names. Each file is a document with its own line
 * numbers; switches append. Tests: tests/unit/config_source.c.
 */
#ifndef UL_CONFIG_SOURCE_H
#define UL_CONFIG_SOURCE_H

#include "config/model.h"

#define CONFIG_FILE "/etc/uplinkd/uplinkd.yaml"
#define CONFIG_FOLDER "/etc/uplinkd/conf.d"
#define CONFIG_MAX_DOCUMENTS 65 /* of one switch each, and the file */

struct config_document {
	char *name; /* in messages: the path */
	char *text; /* length bytes */
	size_t length;
};

struct config_source {
	struct config_document *documents;
	size_t n;
};

void config_source_done(struct config_source *source);
/* The content of *from, which is empty afterwards. */
static inline struct config_source config_source_take(struct config_source *from)
{
	struct config_source taken = *from;

	*from = (struct config_source){ 0 };
	return taken;
}
/* 0 or -ENOMEM; *to is empty on failure. */
int config_source_copy(const struct config_source *from, struct config_source *to);
/* Copies the text. 0 or -ENOMEM. */
int config_source_add(struct config_source *source, const char *name, const char *text,
		      size_t length);
/* The same names and texts. */
bool config_source_equal(const struct config_source *a, const struct config_source *b);

/*
 * Reads file ("-": standard input), then the files *.yaml of folder unless it is NULL. The file may
 * be missing if the folder has files; the folder may be missing. 0, or negative errno with a
 * message; *ret is untouched on failure.
 */
int config_source_read(const char *file, const char *folder, struct config_source *ret,
		       struct errors *errors);

/* config_parse() of all documents. At least one. */
int config_source_parse(const struct config_source *source, struct model **ret,
			struct errors *errors);

#endif
