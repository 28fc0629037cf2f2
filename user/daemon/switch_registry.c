// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "daemon/switch_registry.h"

#include "common/file.h"
#include "dataplane/dataplane.h"

bool switch_registry_has(const struct switch_registry *registry, const char *name)
{
	for (size_t i = 0; i < registry->n; i++)
		if (strcmp(registry->name[i], name) == 0)
			return true;
	return false;
}

int switch_registry_add(struct switch_registry *registry, const char *name)
{
	char(*more)[UL_NAME_LEN];

	/* The name is also that of a directory. */
	if (!name[0] || name[0] == '.' || strchr(name, '/') || strlen(name) >= UL_NAME_LEN)
		return -EINVAL;
	if (switch_registry_has(registry, name))
		return 0;
	more = reallocarray(registry->name, registry->n + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	registry->name = more;
	strcpy(more[registry->n++], name);
	return 0;
}

void switch_registry_remove_at(struct switch_registry *registry, size_t index)
{
	memmove(&registry->name[index], &registry->name[index + 1],
		(--registry->n - index) * sizeof(*registry->name));
}

void switch_registry_done(struct switch_registry *registry)
{
	free(registry->name);
	*registry = (struct switch_registry){};
}

int switch_registry_read(const char *path, struct switch_registry *registry)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char line[64];

	if (!file)
		return errno == ENOENT ? 0 : -errno;
	errno = 0;
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (switch_registry_add(registry, line) == -ENOMEM)
			return -ENOMEM;
	}
	return ferror(file) ? -(errno ? errno : EIO) : 0;
}

/* One name a line; NULL: no memory. */
static char *lines_of(const struct switch_registry *registry)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < registry->n; i++)
		fprintf(out, "%s\n", registry->name[i]);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

int switch_registry_write(const char *path, const struct switch_registry *registry)
{
	_cleanup_free_ char *text = NULL;

	if (!registry->n)
		return file_remove(path);
	text = lines_of(registry);
	return text ? file_replace(path, text, 0666, false) : -ENOMEM;
}

/* A name that cannot be a switch's is ignored. */
static int on_pinned(void *userdata, const char *switch_name)
{
	int r = switch_registry_add(userdata, switch_name);

	return r == -ENOMEM ? r : 0;
}

int switch_registry_add_pinned(struct switch_registry *registry, const char *bpffs,
			       struct errors *errors)
{
	int r = dataplane_list_pinned(bpffs, on_pinned, registry);

	return r < 0 ? errors_add(errors, r, "%s/uplinkd: cannot be read", bpffs) : 0;
}

int switch_registry_start(const char *path, const char *bpffs, struct switch_registry *registry,
			  struct errors *errors)
{
	int r = switch_registry_read(path, registry);

	if (r == 0)
		return 0;
	/* An empty list would be written back, and its switches would stay in the kernel. */
	if (error_may_pass(r))
		return errors_add(errors, r, "%s: cannot be read", path);
	errors_add(errors, r, "%s: cannot be read; the switches that are pinned are used instead",
		   path);
	return switch_registry_add_pinned(registry, bpffs, errors);
}
