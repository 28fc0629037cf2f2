// SPDX-License-Identifier: GPL-2.0
#include "daemon/names.h"

#include <limits.h>

bool names_have(const struct names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->name[i], name) == 0)
			return true;
	return false;
}

int names_add(struct names *names, const char *name)
{
	char(*more)[UL_NAME_LEN];

	/* It becomes the name of a folder. */
	if (!name[0] || name[0] == '.' || strchr(name, '/') || strlen(name) >= UL_NAME_LEN)
		return -EINVAL;
	if (names_have(names, name))
		return 0;
	more = reallocarray(names->name, names->n + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	names->name = more;
	strcpy(more[names->n++], name);
	return 0;
}

void names_remove_at(struct names *names, size_t index)
{
	memmove(&names->name[index], &names->name[index + 1],
		(--names->n - index) * sizeof(*names->name));
}

void names_done(struct names *names)
{
	free(names->name);
	*names = (struct names){};
}

int names_read(const char *path, struct names *names)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char line[64];

	if (!file)
		return errno == ENOENT ? 0 : -errno;
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (names_add(names, line) == -ENOMEM)
			return -ENOMEM;
	}
	return ferror(file) ? -EIO : 0;
}

static int write_lines(const char *path, const struct names *names)
{
	FILE *file = fopen(path, "we");
	int r = 0;

	if (!file)
		return -errno;
	for (size_t i = 0; r == 0 && i < names->n; i++)
		if (fprintf(file, "%s\n", names->name[i]) < 0)
			r = -errno;
	if (fclose(file) == EOF && r == 0)
		r = -errno;
	return r;
}

int names_write(const char *path, const struct names *names)
{
	char next[PATH_MAX];
	int r;

	if (!names->n)
		return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
	if (snprintf(next, sizeof(next), "%s.new", path) >= (int)sizeof(next))
		return -ENAMETOOLONG;
	r = write_lines(next, names);
	if (r == 0 && rename(next, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(next);
	return r;
}
