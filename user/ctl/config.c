// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* check: a configuration file. */
#include <limits.h>

#include "config/model.h"
#include "ctl/ctl.h"

static void count(const struct model *model, size_t *uplinks, size_t *groups, size_t *ports)
{
	*uplinks = *groups = *ports = 0;
	for (size_t s = 0; s < model->n_switches; s++) {
		const struct switch_cfg *sw = &model->switches[s];

		*uplinks += sw->n_uplinks;
		*groups += sw->n_groups;
		for (size_t g = 0; g < sw->n_groups; g++)
			*ports += sw->groups[g].n_ports;
	}
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

/* uplinkd next to this program or where it is installed has the programs. Returns on failure only.
 */
static int check_kernel(struct ctl *ctl, const char *path)
{
	char self[PATH_MAX], candidate[PATH_MAX + 16], *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	static const char *const places[] = { "uplinkd", "../sbin/uplinkd" };

	if (ctl->json)
		return ctl_fail(ctl, CTL_WRONG_REQUEST, "--kernel: has no JSON output");
	if (strcmp(path, "-") == 0)
		path = "/dev/stdin";
	fflush(ctl->out);
	self[n < 0 ? 0 : n] = '\0';
	slash = strrchr(self, '/');
	for (size_t i = 0; slash && i < ARRAY_SIZE(places); i++) {
		snprintf(candidate, sizeof(candidate), "%.*s/%s", (int)(slash - self), self,
			 places[i]);
		execl(candidate, "uplinkd", "--check", "--kernel", "-c", path, (char *)NULL);
	}
	execlp("uplinkd", "uplinkd", "--check", "--kernel", "-c", path, (char *)NULL);
	return ctl_fail(ctl, CTL_SYSTEM, "--kernel: uplinkd cannot be run: %s", strerror(errno));
}

int cmd_check(struct ctl *ctl)
{
	_cleanup_(errors_done) struct errors errors = {};
	size_t uplinks = 0, groups = 0, ports = 0, switches = 0;
	const char *path = ctl->arguments[0];
	struct model *model = NULL;
	int r, status;

	if (ctl->kernel)
		return check_kernel(ctl, path);
	r = config_load(path, &model, &errors);
	if (r == 0) {
		count(model, &uplinks, &groups, &ports);
		switches = model->n_switches;
		model_free(model);
	}
	status = r == 0 ? CTL_DONE : r == -ENOMEM ? CTL_SYSTEM : CTL_WRONG_REQUEST;
	if (ctl->json) {
		json_t *list = json_array();

		for (size_t i = 0; i < errors.n; i++)
			json_array_append_new(list, json_string(errors.messages[i]));
		ctl_print_json(ctl, json_pack("{s:s, s:b, s:o, s:i, s:i, s:i, s:i}", "file", path,
					      "valid", r == 0, "errors", list, "switches",
					      (int)switches, "uplinks", (int)uplinks, "groups",
					      (int)groups, "ports", (int)ports));
		return status;
	}
	for (size_t i = 0; i < errors.n; i++)
		fprintf(ctl->err, "%s\n", errors.messages[i]);
	if (r < 0 && errors.n == 0)
		return ctl_fail(ctl, status, "%s: cannot be read: %s", path, strerror(-r));
	if (r < 0)
		return status;
	fprintf(ctl->out, "%s: valid: %zu switch%s, %zu uplink%s, %zu port group%s, %zu port%s\n",
		path, switches, switches == 1 ? "" : "es", uplinks, plural(uplinks), groups,
		plural(groups), ports, plural(ports));
	return CTL_DONE;
}
