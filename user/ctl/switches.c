// SPDX-License-Identifier: GPL-2.0
#include "ctl/ctl.h"

static int cannot_read(struct ctl *ctl, const char *what, int error)
{
	switch (error) {
	case -EACCES:
	case -EPERM:
		return ctl_fail(ctl, CTL_SYSTEM, "%s: %s: reading the maps needs root", what,
				strerror(-error));
	case -EPROTO:
		return ctl_fail(
			ctl, CTL_SYSTEM,
			"%s: these maps are not of ABI version %d, which uplinkctl %s reads: use the uplinkctl of the running uplinkd",
			what, UL_ABI_VERSION, UL_VERSION);
	default:
		return ctl_fail(ctl, CTL_SYSTEM, "%s: %s", what, strerror(-error));
	}
}

static int no_such_switch(struct ctl *ctl, const char *name, char (*names)[UL_NAME_LEN], size_t n)
{
	fprintf(ctl->err, "uplinkctl: there is no switch '%s', but", name);
	for (size_t i = 0; i < n; i++)
		fprintf(ctl->err, "%s '%s'", i == 0 ? "" : i + 1 == n ? " and" : ",", names[i]);
	fputc('\n', ctl->err);
	return CTL_WRONG_REQUEST;
}

static int open_one(struct ctl *ctl, const char *name, struct switches *switches)
{
	size_t i = switches->n;
	int r;

	r = view_open(ctl->bpffs, name, &switches->views[i]);
	if (r < 0)
		return cannot_read(ctl, name, r);
	switches->n++;
	r = snapshot_take(switches->views[i], &switches->snapshots[i]);
	return r < 0 ? cannot_read(ctl, name, r) : CTL_DONE;
}

int switches_open(struct ctl *ctl, const char *name, struct switches *ret)
{
	_cleanup_free_ char(*names)[UL_NAME_LEN] = NULL;
	_cleanup_(switches_close) struct switches switches = {};
	bool found = false;
	int status, r;
	size_t n;

	r = view_list(ctl->bpffs, &names, &n);
	if (r == -ENOENT)
		return ctl_fail(
			ctl, CTL_SYSTEM,
			"there is no switch below %s/uplinkd: start uplinkd ('systemctl start uplinkd', or 'uplinkd -c FILE')",
			ctl->bpffs);
	if (r < 0)
		return cannot_read(ctl, ctl->bpffs, r);
	switches.views = calloc(n, sizeof(*switches.views));
	switches.snapshots = calloc(n, sizeof(*switches.snapshots));
	if (!switches.views || !switches.snapshots)
		return cannot_read(ctl, ctl->bpffs, -ENOMEM);

	for (size_t i = 0; i < n; i++) {
		if (name && strcmp(name, names[i]) != 0)
			continue;
		found = true;
		status = open_one(ctl, names[i], &switches);
		if (status)
			return status;
	}
	if (!found)
		return no_such_switch(ctl, name, names, n);

	*ret = switches;
	switches = (struct switches){};
	return CTL_DONE;
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
