// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "daemon/apply.h"

#include <assert.h>
#include <sys/resource.h>

#include "dataplane/dataplane.h"

/* Fewer ports than this are attached, or detached, within half a second even without expedited
 * grace periods. */
#define MANY_PORTS 32

/* File descriptors, rounded up: of the process with its clients and one set that is being loaded;
 * of a switch (maps, programs, lock, ring buffer); of an uplink (three packet sockets). */
#define PROCESS_DESCRIPTORS 256
#define SWITCH_DESCRIPTORS 24
#define UPLINK_DESCRIPTORS 3

const struct switch_ops vswitch_ops = {
	.check = vswitch_check,
	.open = vswitch_new,
	.release_removed = vswitch_release_removed,
	.apply = vswitch_apply,
	.abandon = vswitch_abandon,
	.teardown = vswitch_teardown,
	.close = vswitch_free,
	.remove = vswitch_remove,
	.name = vswitch_name,
	.is_pinned = dataplane_is_pinned,
	.count_ports = vswitch_count_ports,
};

static void report(const struct running_switches *switches, const char *name, const char *text)
{
	if (switches->context.report)
		switches->context.report(switches->context.userdata, name, EVENT_SWITCH, name,
					 text);
}

static struct errors *errors_of(const struct running_switches *switches)
{
	return switches->context.errors;
}

struct vswitch *switches_find(const struct running_switches *switches, const char *name)
{
	for (size_t i = 0; i < switches->n; i++)
		if (strcmp(switches->ops->name(switches->list[i]), name) == 0)
			return switches->list[i];
	return NULL;
}

static bool is_pinned(const struct running_switches *switches, const char *name)
{
	return switches->ops->is_pinned(switches->context.bpffs, name);
}

/* ---- registry ---- */
/* A switch in the kernel without an entry would stay when it leaves the file while no daemon runs;
 * that alone does not make a request fail. */
static void write_registry(const struct running_switches *switches)
{
	int r = switch_registry_write(switches->registry_path, &switches->registry);

	if (r < 0)
		errors_add(errors_of(switches), r, "%s: cannot be written",
			   switches->registry_path);
}

static int register_all(struct running_switches *switches, const struct model *model)
{
	for (size_t i = 0; i < model->n_switches; i++) {
		int r = switch_registry_add(&switches->registry, model->switches[i].name);

		if (r < 0)
			return errors_add(errors_of(switches), r, "%s: cannot be registered",
					  model->switches[i].name);
	}
	return 0;
}

/* Names stay registered until their switches are gone from the kernel. */
static void update_registry(struct running_switches *switches)
{
	for (size_t i = switches->registry.n; i-- > 0;)
		if (!switches_find(switches, switches->registry.name[i]) &&
		    !is_pinned(switches, switches->registry.name[i]))
			switch_registry_remove_at(&switches->registry, i);
	write_registry(switches);
}

/* ---- check and open ---- */
/* Raises the soft limit as needed. At the hard limit the configuration is refused, because a daemon
 * that runs out of descriptors half-way would run without LACP. */
static int reserve_descriptors(const struct running_switches *switches, const struct model *model)
{
	rlim_t needed = PROCESS_DESCRIPTORS;
	struct rlimit limit;

	for (size_t i = 0; i < model->n_switches; i++)
		needed += SWITCH_DESCRIPTORS + UPLINK_DESCRIPTORS * model->switches[i].n_uplinks;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return errors_add(errors_of(switches), -errno, "file descriptors: no limit known");
	if (limit.rlim_cur >= needed)
		return 0;
	if (limit.rlim_max < needed)
		return errors_add(
			errors_of(switches), -EMFILE,
			"%zu switches need %llu file descriptors, and the limit is %llu; raise LimitNOFILE= of the service, or use fewer switches",
			model->n_switches, (unsigned long long)needed,
			(unsigned long long)limit.rlim_max);
	limit.rlim_cur = needed;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return errors_add(errors_of(switches), -errno,
				  "file descriptors: cannot raise the limit to %llu",
				  (unsigned long long)needed);
	return 0;
}

static int check_all(const struct running_switches *switches, const struct model *model)
{
	int result = 0;

	for (size_t i = 0; i < model->n_switches; i++) {
		const struct switch_cfg *cfg = &model->switches[i], *before = NULL;
		int r;

		if (switches->model)
			before = model_find_switch(switches->model, cfg->name);
		r = switches->ops->check(&switches->context, cfg, before, model,
					 errors_of(switches));
		if (r < 0)
			result = r;
	}
	return result;
}

static int open_switch(struct running_switches *switches, const struct switch_cfg *cfg)
{
	struct vswitch **list = reallocarray(switches->list, switches->n + 1, sizeof(*list));
	int r;

	if (!list)
		return -ENOMEM;
	switches->list = list;
	r = switches->ops->open(&switches->context, cfg, &list[switches->n]);
	if (r == 0)
		switches->n++;
	return r;
}

static int open_new(struct running_switches *switches, const struct model *model)
{
	for (size_t i = 0; i < model->n_switches; i++) {
		const struct switch_cfg *cfg = &model->switches[i];
		int r = switches_find(switches, cfg->name) ? 0 : open_switch(switches, cfg);

		if (r < 0)
			return errors_add(errors_of(switches), r, "%s: cannot be opened",
					  cfg->name);
	}
	return 0;
}

static void abandon_from(struct running_switches *switches, size_t first)
{
	while (switches->n > first)
		switches->ops->abandon(switches->list[--switches->n]);
}

/* ---- apply ---- */
static void remove_open(struct running_switches *switches, size_t index)
{
	struct vswitch *vs = switches->list[index];

	report(switches, switches->ops->name(vs), "removed: it left the configuration");
	/* The registry keeps a switch that is still in the kernel. */
	(void)switches->ops->teardown(vs);
	switches->ops->close(vs);
	switches->list[index] = switches->list[--switches->n];
}

/* Open switches, and those of earlier runs, that model does not have. */
static void remove_others(struct running_switches *switches, const struct model *model)
{
	for (size_t i = switches->n; i-- > 0;)
		if (!model_find_switch(model, switches->ops->name(switches->list[i])))
			remove_open(switches, i);
	for (size_t i = 0; i < switches->registry.n; i++) {
		const char *name = switches->registry.name[i];
		int r;

		if (model_find_switch(model, name) || !is_pinned(switches, name))
			continue;
		r = switches->ops->remove(&switches->context, name);
		if (r < 0)
			errors_add(errors_of(switches), r,
				   "%s: cannot be removed; it is tried again", name);
		else
			report(switches, name, "removed: it left the configuration");
	}
}

const char *switches_next_left(const struct running_switches *switches, size_t *index)
{
	const struct switch_registry *registry = &switches->registry;

	while (switches->model && *index < registry->n) {
		const char *name = registry->name[(*index)++];

		if (!model_find_switch(switches->model, name))
			return name;
	}
	return NULL;
}

static void report_left(const struct running_switches *switches)
{
	size_t index = 0;

	if (switches->on_left)
		switches->on_left(switches->context.userdata,
				  switches_next_left(switches, &index) != NULL);
}

void switches_remove_left(struct running_switches *switches)
{
	if (switches->model)
		remove_others(switches, switches->model);
	update_registry(switches);
	report_left(switches);
}

static int apply_all(struct running_switches *switches, const struct model *model)
{
	int result = 0;

	remove_others(switches, model);
	/* An interface may change its switch: all release before any connects. */
	for (size_t i = 0; i < switches->n; i++) {
		const char *name = switches->ops->name(switches->list[i]);

		switches->ops->release_removed(switches->list[i], model_find_switch(model, name));
	}
	for (size_t i = 0; i < model->n_switches; i++) {
		const struct switch_cfg *cfg = &model->switches[i];
		struct vswitch *vs = switches_find(switches, cfg->name);
		int r = vs ? switches->ops->apply(vs, cfg) : -ENODEV;

		if (r < 0)
			result = errors_add(errors_of(switches), r, "%s: cannot be applied",
					    cfg->name);
	}
	return result;
}

static void note_incomplete(struct running_switches *switches, size_t first)
{
	const struct errors *errors = errors_of(switches);

	snprintf(switches->incomplete, sizeof(switches->incomplete), "%s",
		 first < errors->n ? errors->messages[first] : "unknown reason");
}

/* Brings the switches back to the model in force. */
static int rollback(struct running_switches *switches)
{
	size_t first = errors_of(switches)->n;
	int opened = open_new(switches, switches->model), r;

	/* Also when a switch could not be opened: the others are restored. */
	r = apply_all(switches, switches->model);
	r = opened < 0 ? opened : r;
	if (r == 0)
		switches->incomplete[0] = '\0';
	else
		note_incomplete(switches, first);
	return r;
}

static size_t count_ports(const struct model *model)
{
	size_t n = 0;

	for (size_t s = 0; s < model->n_switches; s++)
		for (size_t g = 0; g < model->switches[s].n_groups; g++)
			n += model->switches[s].groups[g].n_ports;
	return n;
}

/* Ports that join and ports that leave, also those of switches that are not open. */
static bool has_many_ports(const struct running_switches *switches, const struct model *model)
{
	size_t n = count_ports(model);

	for (size_t i = 0; i < switches->n; i++)
		n += switches->ops->count_ports(switches->list[i]);
	for (size_t i = 0; i < switches->registry.n; i++)
		if (!model_find_switch(model, switches->registry.name[i]) &&
		    !switches_find(switches, switches->registry.name[i]))
			return true;
	return n >= MANY_PORTS;
}

/* Without it everything works, more slowly; that is reported once. */
static int begin_expedited(struct running_switches *switches)
{
	int fd = rcu_expedite_begin(&switches->rcu);

	if (fd >= 0 || fd == -EALREADY || switches->rcu_reported)
		return fd;
	switches->rcu_reported = true;
	errors_add(
		errors_of(switches), fd,
		"%s: cannot be switched on, so attaching and detaching many ports takes longer; root, or 'uplinkd --prepare USER', may write it",
		switches->rcu.setting);
	return fd;
}

static void end_expedited(const struct running_switches *switches, int fd)
{
	int r = rcu_expedite_end(&switches->rcu, fd);

	if (r < 0)
		errors_add(errors_of(switches), r,
			   "%s: cannot be switched off for good; write 0 to it and remove %s",
			   switches->rcu.setting, switches->rcu.marker);
}

/* Before and after the switches are changed. Returns what end_change() gets. */
static int begin_change(struct running_switches *switches, const struct model *model)
{
	write_registry(switches);
	return has_many_ports(switches, model) ? begin_expedited(switches) : -1;
}

static void end_change(struct running_switches *switches, int expedited)
{
	end_expedited(switches, expedited);
	update_registry(switches);
	report_left(switches);
}

int switches_apply(struct running_switches *switches, struct model *model)
{
	size_t n_before = switches->n;
	int r, expedited;

	assert(model != switches->model);
	r = reserve_descriptors(switches, model);
	if (r == 0)
		r = check_all(switches, model);
	if (r == 0)
		r = register_all(switches, model);
	if (r == 0)
		r = open_new(switches, model);
	if (r < 0) {
		abandon_from(switches, n_before);
		update_registry(switches);
		return r;
	}

	expedited = begin_change(switches, model);
	r = apply_all(switches, model);
	if (r == 0) {
		model_free(switches->model);
		switches->model = model;
		switches->incomplete[0] = '\0';
		if (switches->applied)
			switches->applied(switches->context.userdata, model);
	} else if (switches->model) {
		if (rollback(switches) < 0)
			errors_add(
				errors_of(switches), 0,
				"the former configuration is not restored completely; it is tried again");
	} else {
		abandon_from(switches, 0);
	}
	end_change(switches, expedited);
	if (switches->incomplete[0] && switches->restore_later)
		switches->restore_later(switches->context.userdata);
	return r;
}

int switches_restore(struct running_switches *switches)
{
	int expedited, r = register_all(switches, switches->model);

	if (r < 0)
		return r;
	expedited = begin_change(switches, switches->model);
	r = rollback(switches);
	end_change(switches, expedited);
	return r;
}

/* ---- end ---- */
int switches_remove_all(struct running_switches *switches)
{
	int expedited = switches->registry.n ? begin_expedited(switches) : -1;
	int result = 0;

	for (size_t i = switches->registry.n; i-- > 0;) {
		const char *name = switches->registry.name[i];
		int r;

		report(switches, name, "removed: teardown");
		r = switches->ops->remove(&switches->context, name);
		if (r < 0)
			result = errors_add(errors_of(switches), r, "%s: cannot be removed", name);
		else
			switch_registry_remove_at(&switches->registry, i);
	}
	end_expedited(switches, expedited);
	write_registry(switches);
	return result;
}

void switches_done(struct running_switches *switches)
{
	for (size_t i = 0; i < switches->n; i++)
		switches->ops->close(switches->list[i]);
	free(switches->list);
	switches->list = NULL;
	switches->n = 0;
	model_free(switches->model);
	switches->model = NULL;
	switch_registry_done(&switches->registry);
}
