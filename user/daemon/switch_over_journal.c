// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The journal of a switch-over as JSON; bytes are hexadecimal text. */
#include <ctype.h>

#include "common/util.h"
#include "daemon/switch_over.h"

#define MAX_BYTES 65536

/* clang-format off */
static const char *const phases[] = {
	[SWITCH_OVER_FIRST] = "first",
	[SWITCH_OVER_CUT] = "cut",
	[SWITCH_OVER_DONE] = "done",
};
/* clang-format on */

/* ---- bytes ---- */
static json_t *put_bytes(const void *bytes, size_t n)
{
	_cleanup_free_ char *text = malloc(2 * n + 1);

	if (!text)
		return NULL;
	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", ((const uint8_t *)bytes)[i]);
	text[2 * n] = '\0';
	return json_string(text);
}

static int digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* *ret NULL with 0 bytes for "". 0, -EBADMSG or -ENOMEM. */
static int get_bytes(const json_t *value, void **ret, size_t *ret_n)
{
	const char *text = json_string_value(value);
	size_t length = text ? strlen(text) : 1;
	_cleanup_free_ uint8_t *bytes = NULL;

	if (length % 2 || length / 2 > MAX_BYTES)
		return -EBADMSG;
	bytes = calloc(1, length / 2 + 1);
	if (!bytes)
		return -ENOMEM;
	for (size_t i = 0; i < length / 2; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EBADMSG;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	*ret_n = length / 2;
	*ret = TAKE_PTR(bytes);
	return 0;
}

/* ---- writing ---- */
static json_t *put_link(const struct switch_over_link *link)
{
	return json_pack("{s:s, s:s, s:b, s:b, s:b, s:s, s:o, s:o}", "name", link->name, "master",
			 link->master, "first", link->first, "up", link->up, "stays", link->stays,
			 "kind", link->membership.kind, "settings",
			 put_bytes(link->membership.settings, link->membership.n_settings), "vlans",
			 put_bytes(link->membership.vlans, link->membership.n_vlans));
}

static json_t *put_owner(const struct switch_over_owner *owner)
{
	char mac[MAC_TEXT_LEN];

	return json_pack("{s:s, s:s, s:I, s:s, s:b, s:b}", "name", owner->name, "to", owner->to,
			 "ifindex", (json_int_t)owner->ifindex, "mac", mac_format(owner->mac, mac),
			 "down", owner->down, "up", owner->up);
}

json_t *switch_over_write(const struct switch_over *over)
{
	json_auto_t *links = json_array(), *owners = json_array(), *messages = json_array();

	for (size_t i = 0; i < over->n_links; i++)
		if (json_array_append_new(links, put_link(&over->links[i])) < 0)
			return NULL;
	for (size_t i = 0; i < over->n_owners; i++)
		if (json_array_append_new(owners, put_owner(&over->owners[i])) < 0)
			return NULL;
	for (size_t i = 0; i < over->messages.n; i++)
		if (json_array_append_new(messages, put_bytes(over->messages.list[i],
							      over->messages.list[i]->nlmsg_len)) <
		    0)
			return NULL;
	return json_pack("{s:s, s:s, s:O, s:O, s:O}", "phase", phases[over->phase], "boot_id",
			 over->boot_id, "links", links, "owners", owners, "messages", messages);
}

/* ---- reading ---- */
static int get_name(const json_t *object, const char *key, char *ret, size_t size)
{
	const char *text = json_string_value(json_object_get(object, key));

	if (!text || strlen(text) >= size)
		return -EBADMSG;
	snprintf(ret, size, "%s", text);
	return 0;
}

static int get_link(const json_t *item, struct switch_over_link *link)
{
	struct link_membership *membership = &link->membership;
	int r = get_name(item, "name", link->name, sizeof(link->name));

	link->first = json_is_true(json_object_get(item, "first"));
	link->up = json_is_true(json_object_get(item, "up"));
	link->stays = json_is_true(json_object_get(item, "stays"));
	if (r == 0)
		r = get_name(item, "master", link->master, sizeof(link->master));
	if (r == 0)
		r = get_name(item, "kind", membership->kind, sizeof(membership->kind));
	if (r == 0)
		r = get_bytes(json_object_get(item, "settings"), &membership->settings,
			      &membership->n_settings);
	if (r == 0)
		r = get_bytes(json_object_get(item, "vlans"), &membership->vlans,
			      &membership->n_vlans);
	return r;
}

static int get_owner(const json_t *item, struct switch_over_owner *owner)
{
	const char *mac = json_string_value(json_object_get(item, "mac"));
	json_int_t ifindex = json_integer_value(json_object_get(item, "ifindex"));
	int r = get_name(item, "name", owner->name, sizeof(owner->name));

	if (r == 0)
		r = get_name(item, "to", owner->to, sizeof(owner->to));
	if (r < 0 || !mac || mac_parse(mac, owner->mac) < 0 || ifindex <= 0 || ifindex > INT32_MAX)
		return -EBADMSG;
	owner->ifindex = (uint32_t)ifindex;
	owner->down = json_is_true(json_object_get(item, "down"));
	owner->up = json_is_true(json_object_get(item, "up"));
	return 0;
}

static int get_message(const json_t *item, struct link_messages *messages)
{
	_cleanup_free_ void *bytes = NULL;
	size_t n = 0;
	int r = get_bytes(item, &bytes, &n);

	return r < 0 ? r : link_messages_add(messages, bytes, n);
}

static int get_phase(const json_t *journal, enum switch_over_phase *ret)
{
	const char *text = json_string_value(json_object_get(journal, "phase"));

	for (size_t i = 0; text && i < ARRAY_SIZE(phases); i++) {
		if (strcmp(text, phases[i]) != 0)
			continue;
		*ret = (enum switch_over_phase)i;
		return 0;
	}
	return -EBADMSG;
}

int switch_over_read(const json_t *journal, struct switch_over **ret)
{
	const json_t *links = json_object_get(journal, "links"),
		     *owners = json_object_get(journal, "owners");
	struct switch_over *over = calloc(1, sizeof(*over));
	size_t i;
	json_t *item;
	int r;

	if (!over)
		return -ENOMEM;
	over->links = calloc(json_array_size(links) + 1, sizeof(*over->links));
	over->owners = calloc(json_array_size(owners) + 1, sizeof(*over->owners));
	r = over->links && over->owners ? get_phase(journal, &over->phase) : -ENOMEM;
	if (r == 0)
		r = get_name(journal, "boot_id", over->boot_id, sizeof(over->boot_id));
	json_array_foreach(links, i, item)
		if (r == 0)
			r = get_link(item, &over->links[over->n_links++]);
	json_array_foreach(owners, i, item)
		if (r == 0)
			r = get_owner(item, &over->owners[over->n_owners++]);
	json_array_foreach(json_object_get(journal, "messages"), i, item)
		if (r == 0)
			r = get_message(item, &over->messages);
	if (r < 0) {
		switch_over_free(over);
		return r;
	}
	*ret = over;
	return 0;
}
