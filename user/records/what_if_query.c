// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The text of a query to its masks and numbers. */
#include "config/model.h"
#include "records/what_if.h"

#define invalid(errors, ...) (errors_add((errors), 0, __VA_ARGS__), -EINVAL)

/* Index of the uplink that the list begins with, or -1; *ret_length: of its name. */
static int first_uplink(const struct snapshot *snapshot, const char *list, size_t *ret_length)
{
	char name[UL_NAME_LEN] = "";
	size_t length = strcspn(list, ",");

	*ret_length = length;
	if (length >= sizeof(name))
		return -1;
	memcpy(name, list, length);
	return uplink_by_name(snapshot, name);
}

bool what_if_has_uplink(const struct snapshot *snapshot, const char *list)
{
	size_t length;

	return first_uplink(snapshot, list, &length) >= 0;
}

int what_if_parse_without(const struct snapshot *snapshot, const char *list, uint32_t *ret,
			  struct errors *errors)
{
	uint32_t mask = 0;

	for (const char *at = list;;) {
		size_t length;
		int index = first_uplink(snapshot, at, &length);

		if (index < 0)
			return invalid(
				errors,
				"--without: %.*s: is not an uplink of %s; see 'uplinkctl show uplinks'",
				(int)(length < 64 ? length : 64), at, snapshot->view->name);
		mask |= 1U << index;
		if (!at[length])
			break;
		at += length + 1;
	}
	*ret = mask;
	return 0;
}

int what_if_parse_method(const struct snapshot *snapshot, const char *name,
			 struct what_if_query *query, struct errors *errors)
{
	enum ul_channel channel = snapshot->view->meta->channel;
	char known[256] = "";
	size_t n = 0;

	for (unsigned int m = 0; m < UL_N_METHODS; m++) {
		if (!ul_method_fits(m, channel) || !method_name(m))
			continue;
		if (strcmp(method_name(m), name) == 0) {
			query->method = m;
			query->has_method = true;
			return 0;
		}
		if (n < sizeof(known))
			n += (size_t)snprintf(known + n, sizeof(known) - n, "%s%s", n ? ", " : "",
					      method_name(m));
	}
	return invalid(errors,
		       "--load-balancing: %.64s: must be one of the methods of channel '%s': %s",
		       name, channel_name(channel), known);
}
