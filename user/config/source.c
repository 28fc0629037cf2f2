// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "config/source.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "common/file.h"
#include "common/util.h"
#include "config/tree.h"

void config_source_done(struct config_source *source)
{
	for (size_t i = 0; i < source->n; i++) {
		free(source->documents[i].name);
		free(source->documents[i].text);
	}
	free(source->documents);
	*source = (struct config_source){ 0 };
}

/* Takes the text on success. */
static int append(struct config_source *source, const char *name, char *text, size_t length)
{
	struct config_document *documents =
		reallocarray(source->documents, source->n + 1, sizeof(*documents));
	char *copy;

	if (!documents)
		return -ENOMEM;
	source->documents = documents;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	documents[source->n++] = (struct config_document){ copy, text, length };
	return 0;
}

int config_source_add(struct config_source *source, const char *name, const char *text,
		      size_t length)
{
	char *copy = malloc(length + 1);
	int r;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, length);
	copy[length] = '\0';
	r = append(source, name, copy, length);
	if (r < 0)
		free(copy);
	return r;
}

int config_source_copy(const struct config_source *from, struct config_source *to)
{
	*to = (struct config_source){ 0 };
	for (size_t i = 0; i < from->n; i++) {
		const struct config_document *document = &from->documents[i];

		if (config_source_add(to, document->name, document->text, document->length) < 0) {
			config_source_done(to);
			return -ENOMEM;
		}
	}
	return 0;
}

bool config_source_equal(const struct config_source *a, const struct config_source *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct config_document *x = &a->documents[i], *y = &b->documents[i];

		if (x->length != y->length || strcmp(x->name, y->name) != 0 ||
		    memcmp(x->text, y->text, x->length) != 0)
			return false;
	}
	return true;
}

/* ---- files ---- */
/* -ENOENT without a message; other negative errno with one. */
static int read_file(const char *path, struct config_source *source, struct errors *errors)
{
	bool input = strcmp(path, "-") == 0;
	_cleanup_close_ int fd = input ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) :
					 open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return errno == ENOENT ? -ENOENT :
					 errors_add(errors, -errno, "%s: cannot be read", path);
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > TREE_MAX_BYTES) {
		errors_add(errors, 0, "%s: %llu bytes: must be at most %u bytes", path,
			   (unsigned long long)st.st_size, TREE_MAX_BYTES);
		return -EINVAL;
	}
	r = S_ISDIR(st.st_mode) ? -EISDIR : file_read(fd, TREE_MAX_BYTES, &text, &length);
	if (r == 0)
		r = append(source, input ? "standard input" : path, text, length);
	if (r < 0)
		return errors_add(errors, r, "%s: cannot be read", path);
	TAKE_PTR(text);
	return 0;
}

static int is_part(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return entry->d_name[0] != '.' && n > 5 && strcmp(entry->d_name + n - 5, ".yaml") == 0;
}

static int read_folder(const char *folder, struct config_source *source, struct errors *errors)
{
	struct dirent **entries = NULL;
	int n = scandir(folder, &entries, is_part, alphasort), r = 0;

	if (n < 0)
		return errno == ENOENT ? 0 :
					 errors_add(errors, -errno, "%s: cannot be read", folder);
	if (n >= CONFIG_MAX_DOCUMENTS) {
		errors_add(errors, 0, "%s: %d files: must be at most %d", folder, n,
			   CONFIG_MAX_DOCUMENTS - 1);
		r = -EINVAL;
	}
	for (int i = 0; i < n; i++) {
		char path[PATH_MAX];

		if (r == 0) {
			snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
			r = read_file(path, source, errors);
			if (r == -ENOENT)
				errors_add(errors, r, "%s: cannot be read", path);
		}
		free(entries[i]);
	}
	free(entries);
	return r;
}

int config_source_read(const char *file, const char *folder, struct config_source *ret,
		       struct errors *errors)
{
	struct config_source source = { 0 };
	int r = read_file(file, &source, errors);

	r = r == -ENOENT ? 0 : r;
	if (r == 0 && folder)
		r = read_folder(folder, &source, errors);
	if (r == 0 && !source.n)
		r = errors_add(errors, -ENOENT, "%s: cannot be read", file);
	if (r < 0) {
		config_source_done(&source);
		return r;
	}
	*ret = source;
	return 0;
}

bool config_error_is_permanent(int error)
{
	switch (-error) {
	case EINVAL:
	case ENOENT:
	case ENOTDIR:
	case EISDIR:
	case EACCES:
	case EPERM:
	case ELOOP:
	case ENAMETOOLONG:
		return true;
	default:
		return false;
	}
}

int config_load(const char *path, struct model **ret, struct errors *errors)
{
	struct config_source source;
	int r = config_source_read(path, NULL, &source, errors);

	if (r < 0)
		return r;
	r = config_source_parse(&source, ret, errors);
	config_source_done(&source);
	return r;
}
