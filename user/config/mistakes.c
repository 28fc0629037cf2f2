// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "config/mistakes.h"

#include <stdarg.h>

#include "common/util.h"
#include "config/reader.h"

struct mistakes_scope mistakes_enter(struct mistakes *mistakes, const char *format, ...)
{
	struct mistakes_scope scope = { mistakes->length, mistakes->line, mistakes->section };
	size_t left = sizeof(mistakes->path) - mistakes->length;
	va_list ap;
	int n;

	mistakes->section = NULL;
	if (mistakes->length > 0 && format[0] != '[' && left > 1) {
		mistakes->path[mistakes->length++] = '.';
		left--;
	}
	va_start(ap, format);
	n = vsnprintf(mistakes->path + mistakes->length, left, format, ap);
	va_end(ap);
	if (n > 0)
		mistakes->length += (size_t)n < left ? (size_t)n : left - 1;
	return scope;
}

void mistakes_leave(struct mistakes *mistakes, struct mistakes_scope scope)
{
	mistakes->length = scope.length;
	mistakes->path[scope.length] = '\0';
	mistakes->line = scope.line;
	mistakes->section = scope.section;
}

static void add(struct mistakes *mistakes, unsigned int line, const char *key, const char *format,
		va_list ap)
{
	const char *dot = key && mistakes->length ? "." : "";
	_cleanup_free_ char *text = NULL;
	char where[16] = "";

	if (mistakes->n++ >= MISTAKES_MAX) {
		if (mistakes->n == MISTAKES_MAX + 1)
			errors_add(mistakes->errors, 0,
				   "%s: more than %d mistakes; the others are not shown",
				   mistakes->file ? mistakes->file : mistakes->path, MISTAKES_MAX);
		return;
	}
	if (vasprintf(&text, format, ap) < 0) {
		text = NULL;
		return;
	}
	if (mistakes->file && line)
		snprintf(where, sizeof(where), ":%u", line);
	errors_add(mistakes->errors, 0, "%s%s%s%s%s%s%s%s", mistakes->file ? mistakes->file : "",
		   where, mistakes->file ? ": " : "", mistakes->path, dot, key ? key : "",
		   mistakes->length || key ? ": " : "", text);
}

void mistakes_add(struct mistakes *mistakes, const char *key, const char *format, ...)
{
	unsigned int line = 0;
	va_list ap;

	if (key && mistakes->section)
		line = section_line(mistakes->section, key);
	va_start(ap, format);
	add(mistakes, line ? line : mistakes->line, key, format, ap);
	va_end(ap);
}

void mistakes_add_at(struct mistakes *mistakes, unsigned int line, const char *key,
		     const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add(mistakes, line, key, format, ap);
	va_end(ap);
}

size_t mistakes_locate_switch(const struct mistakes *mistakes, size_t index, const char **ret_file)
{
	const struct mistakes_files *files = mistakes->files;
	size_t file = files ? files->current : 0;

	*ret_file = NULL;
	if (!files)
		return index;
	while (file > 0 && files->first_switch[file] > index)
		file--;
	if (file != files->current)
		*ret_file = files->names[file];
	return index - files->first_switch[file];
}
