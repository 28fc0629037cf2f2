// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "context/context.h"

#include <stdarg.h>

int context_fail(const struct switch_context *context, int error, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	return errors_add(context->errors, error, "%s: %s", context->name, text);
}

void context_unreleased(const struct switch_context *context)
{
	if (context->on_unreleased)
		context->on_unreleased(context->unreleased_userdata);
}

int context_check_interface(struct errors *errors, const char *switch_name,
			    const struct link_info *info)
{
	if (!info->ethernet) {
		errors_add(
			errors, 0,
			"%s: %s: cannot be an uplink or a port: it carries no Ethernet frames (link type %u); name an Ethernet NIC, a tap or a veth",
			switch_name, info->name, info->type);
		return -EMEDIUMTYPE;
	}
	if (!info->master)
		return 0;
	errors_add(errors, 0,
		   "%s: %s belongs to a bridge or bond; remove it with 'ip link set %s nomaster'",
		   switch_name, info->name, info->name);
	return -EBUSY;
}

int context_check_unused(struct errors *errors, const char *switch_name, struct link_monitor *links,
			 const struct link_info *info)
{
	struct link_usage usage;
	int r = link_find_usage(links, info->ifindex, &usage);

	if (r == -ENODEV)
		return 0;
	if (r < 0)
		return errors_add(errors, r, "%s: %s: cannot query how the host uses it",
				  switch_name, info->name);
	if (usage.n_uppers) {
		errors_add(
			errors, 0,
			"%s: %s: cannot be a run-time port: %s is on top of it and would lose its frames; remove that, or add the port to the file",
			switch_name, info->name, usage.upper);
		return -EBUSY;
	}
	if (!usage.n_addresses)
		return 0;
	errors_add(
		errors, 0,
		"%s: %s: cannot be a run-time port: it has an address of the host (%s); remove that, or add the port to the file",
		switch_name, info->name, usage.address);
	return -EBUSY;
}

void context_report(const struct switch_context *context, enum event_code code, const char *object,
		    const char *format, ...)
{
	char text[256];
	va_list ap;

	if (!context->report)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	context->report(context->userdata, context->name, code, object, text);
}

void context_report_problems(const struct switch_context *context, const char *object,
			     uint32_t before, uint32_t now)
{
	/* clang-format off */
	static const struct { uint32_t problem; const char *text; } rows[] = {
#define X(NAME, bit, code, text) { UL_PROBLEM_##NAME, text },
		UL_PROBLEMS(X)
#undef X
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (now & ~before & rows[i].problem)
			context_report(context, EVENT_PROBLEM, object, "%s; see 'uplinkctl status'",
				       rows[i].text);
		else if (before & ~now & rows[i].problem)
			context_report(context, EVENT_PROBLEM_CLEARED, object, "no longer: %s",
				       rows[i].text);
	}
}

uint32_t context_problems_of(const struct link_info *info)
{
	return (info->ethernet ? 0 : UL_PROBLEM_NOT_ETHERNET) |
	       (info->master ? UL_PROBLEM_ENSLAVED : 0);
}

int context_find_interface(struct link_monitor *links, const char *name, struct link_info *ret)
{
	int r = link_get_by_name(links, name, ret);

	return r < 0 ? link_refresh_get_by_name(links, name, ret) : r;
}
