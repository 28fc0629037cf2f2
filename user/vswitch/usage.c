// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * The guard of a start: an uplink delivers frames to ports only, so what the host itself does with
 * that NIC stops. An uplink that the host uses is refused unless `take-addresses: true` accepts it.
 * The guard applies when an interface becomes an uplink: a restart adopts its uplinks in any case.
 */
#include <stdarg.h>

#include "dataplane/check.h"
#include "dataplane/view.h"
#include "vswitch/internal.h"

/* One of another ABI version is about to be replaced by this version of uplinkd, and counts. */
static int has_uplink(const char *bpffs, const char *name, uint32_t ifindex)
{
	struct view *view = NULL;
	int r = view_open(bpffs, name, &view), found = 0;

	if (r < 0)
		return r == -EPROTO ? 1 : r == -ENOENT ? 0 : r;
	for (uint32_t u = 0; !found && u < check_n_uplinks(view->meta); u++)
		found = view->uplinks[u].ifindex == ifindex;
	view_close(view);
	return found;
}

int preflight_is_uplink(const char *bpffs, uint32_t ifindex)
{
	_cleanup_free_ char(*names)[UL_NAME_LEN] = NULL;
	size_t n = 0;
	int r = view_list(bpffs, &names, &n), result = 0;

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	/* One that cannot be read matters only if no other one has the uplink. */
	for (size_t i = 0; result != 1 && i < n; i++) {
		r = has_uplink(bpffs, names[i], ifindex);
		result = r != 0 ? r : result;
	}
	return result;
}

__attribute__((format(printf, 3, 4))) static void append(char *text, size_t size,
							 const char *format, ...)
{
	size_t n = strlen(text);
	va_list ap;

	if (n)
		n += (size_t)snprintf(text + n, size - n, ", ");
	if (n >= size)
		return;
	va_start(ap, format);
	vsnprintf(text + n, size - n, format, ap);
	va_end(ap);
}

/* "2 addresses (192.0.2.10/24, ...)"; the dots stand for the others. */
static void append_kind(char *text, size_t size, uint32_t n, const char *one, const char *many,
			const char *first)
{
	if (n)
		append(text, size, "%u %s (%s%s)", n, n == 1 ? one : many, first,
		       n == 1 ? "" : ", ...");
}

const char *usage_describe(const struct link_usage *usage, char *text, size_t size)
{
	text[0] = '\0';
	append_kind(text, size, usage->n_addresses, "address", "addresses", usage->address);
	append_kind(text, size, usage->n_routes, "route", "routes", usage->route);
	append_kind(text, size, usage->n_uppers, "interface on top", "interfaces on top",
		    usage->upper);
	if (usage->n_vfs)
		append(text, size, "%u SR-IOV virtual function%s with a driver", usage->n_vfs,
		       usage->n_vfs == 1 ? "" : "s");
	return text;
}

int preflight_check_usage(const struct vswitch_context *context, const char *switch_name,
			  const struct link_info *info, struct errors *errors)
{
	struct link_usage usage;
	char text[USAGE_TEXT_LEN];
	int r = link_find_usage(context->links, info->ifindex, &usage);

	if (r == -ENODEV)
		return 0;
	if (r < 0)
		return errors_add(errors, r, "%s: %s: cannot find out whether the host uses it",
				  switch_name, info->name);
	if (!usage_describe(&usage, text, sizeof(text))[0])
		return 0;
	r = preflight_is_uplink(context->bpffs, info->ifindex);
	if (r < 0)
		return errors_add(errors, r,
				  "%s: %s: cannot find out whether it is an uplink already",
				  switch_name, info->name);
	if (r > 0)
		return 0;
	errors_add(
		errors, 0,
		"%s: %s: the host uses this interface: %s, and would lose it; move that to a host port (host: true; 'uplinkctl adopt' does that), or accept the loss with take-addresses: true",
		switch_name, info->name, text);
	return -EBUSY;
}
