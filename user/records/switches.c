// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "records/switches.h"

static int cannot_read(struct errors *errors, const char *object, int error)
{
	switch (error) {
	case -EACCES:
	case -EPERM:
		errors_add(errors, 0, "%s: cannot read the maps: %s; run as root", object,
			   strerror(-error));
		break;
	case -EPROTO:
		errors_add(
			errors, 0,
			"%s: cannot read the maps: their ABI version is not %d, the version of this program (%s); use the uplinkctl of the running uplinkd",
			object, UL_ABI_VERSION, UL_VERSION);
		break;
	default:
		errors_add(errors, error, "%s: cannot read the maps", object);
	}
	return error;
}

static int no_such_switch(struct errors *errors, const char *name, char (*names)[UL_NAME_LEN],
			  size_t n)
{
	char list[512] = "";

	for (size_t i = 0, length = 0; i < n && length < sizeof(list); i++)
		length += (size_t)snprintf(list + length, sizeof(list) - length, "%s%s",
					   i ? ", " : "", names[i]);
	errors_add(errors, 0, "%s: no such switch; existing switches: %s", name, list);
	return -ENODEV;
}

static int open_one(const char *bpffs, const char *name, struct switches *switches,
		    struct errors *errors)
{
	size_t i = switches->n;
	int r;

	r = view_open(bpffs, name, &switches->views[i]);
	if (r < 0)
		return cannot_read(errors, name, r);
	switches->n++;
	r = snapshot_take(switches->views[i], &switches->snapshots[i]);
	return r < 0 ? cannot_read(errors, name, r) : 0;
}

int switches_open(const char *bpffs, const char *name, struct switches *ret, struct errors *errors)
{
	_cleanup_free_ char(*names)[UL_NAME_LEN] = NULL;
	_cleanup_(switches_close) struct switches switches = {};
	bool found = false;
	size_t n;
	int r;

	r = view_list(bpffs, &names, &n);
	if (r == -ENOENT) {
		errors_add(
			errors, 0,
			"%s/uplinkd: no switch found; start uplinkd with 'systemctl start uplinkd' or 'uplinkd -c FILE'",
			bpffs);
		return r;
	}
	if (r < 0)
		return cannot_read(errors, bpffs, r);
	switches.views = calloc(n, sizeof(*switches.views));
	switches.snapshots = calloc(n, sizeof(*switches.snapshots));
	if (!switches.views || !switches.snapshots)
		return cannot_read(errors, bpffs, -ENOMEM);

	for (size_t i = 0; i < n; i++) {
		if (name && strcmp(name, names[i]) != 0)
			continue;
		found = true;
		r = open_one(bpffs, names[i], &switches, errors);
		if (r < 0)
			return r;
	}
	if (!found)
		return no_such_switch(errors, name, names, n);

	*ret = switches;
	switches = (struct switches){};
	return 0;
}

void switches_close(struct switches *switches)
{
	for (size_t i = 0; i < switches->n; i++) {
		snapshot_free(switches->snapshots[i]);
		view_close(switches->views[i]);
	}
	free(switches->snapshots);
	free(switches->views);
	*switches = (struct switches){};
}
