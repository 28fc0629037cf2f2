// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "config/value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <strings.h>
#include <sys/un.h>

#include "common/util.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* parse_u64() without leading zeros, which YAML 1.1 readers take for octal. */
static int parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	if (text[0] == '0' && text[1] != '\0')
		return -EINVAL;
	return parse_u64(text, min, max, ret);
}

static bool made_of(const char *text, size_t max, const char *set)
{
	size_t length = strlen(text);

	return length > 0 && length <= max && strspn(text, set) == length;
}

static bool printable(const char *text)
{
	for (; *text; text++)
		if (!is_printable_ascii(*text))
			return false;
	return true;
}

bool interface_name_valid(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length >= UL_NAME_LEN || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return false;
	return printable(name) && !strpbrk(name, "/: %");
}

static bool group_name_valid(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length >= UL_GROUP_NAME_LEN || name[0] == ' ' || name[length - 1] == ' ')
		return false;
	return printable(name) && !strpbrk(name, "/'\"");
}

bool mac_is_unicast(const uint8_t mac[6])
{
	static const uint8_t zero[6];

	return !(mac[0] & 1) && memcmp(mac, zero, sizeof(zero)) != 0;
}

static bool address_usable(const struct address *address)
{
	static const uint8_t any[16], broadcast[4] = { 255, 255, 255, 255 };

	if (address->family == AF_INET)
		return memcmp(address->bytes, any, 4) != 0 &&
		       memcmp(address->bytes, broadcast, 4) != 0 &&
		       (address->bytes[0] & 0xf0) != 0xe0;
	return memcmp(address->bytes, any, 16) != 0 && address->bytes[0] != 0xff;
}

/* "IP/LENGTH" with at least min bits */
static int parse_with_length(const char *text, uint8_t min, struct address *ret)
{
	const char *slash = strchr(text, '/');

	/* a prefix length without leading zeros, which YAML 1.1 readers take for octal */
	if (!slash || (slash[1] == '0' && slash[2]) || address_from_text(text, ret) < 0 ||
	    ret->prefix_length < min)
		return -EINVAL;
	return 0;
}

int address_parse(const char *text, struct address *ret)
{
	struct address address;

	if (parse_with_length(text, 1, &address) < 0 || !address_usable(&address))
		return -EINVAL;
	*ret = address;
	return 0;
}

int address_parse_host(const char *text, struct address *ret)
{
	struct address address;

	if (strchr(text, '/') || address_from_text(text, &address) < 0 || !address_usable(&address))
		return -EINVAL;
	address.prefix_length = 0;
	*ret = address;
	return 0;
}

int address_parse_network(const char *text, struct address *ret)
{
	struct address address;

	if (parse_with_length(text, 0, &address) < 0 ||
	    (address.family == AF_INET ?
		     (address.bytes[0] & 0xf0) == 0xe0 && address.prefix_length :
		     address.bytes[0] == 0xff))
		return -EINVAL;
	for (size_t bit = address.prefix_length; bit < 8 * address_length(&address); bit++)
		if (address.bytes[bit / 8] & 0x80 >> bit % 8)
			return -EINVAL;
	*ret = address;
	return 0;
}

static void vlan_set(uint64_t *vlans, uint64_t first, uint64_t last)
{
	for (uint64_t v = first; v <= last; v++)
		vlans[v / 64] |= 1ULL << (v % 64);
}

/* "20" or "20-30" */
static int vlan_range_add(char *text, uint64_t *vlans)
{
	char *dash = strchr(text, '-');
	uint64_t first, last;

	if (dash)
		*dash = '\0';
	if (parse_number(text, 0, UL_VLAN_TRUNK - 1, &first) < 0)
		return -EINVAL;
	last = first;
	if (dash && parse_number(dash + 1, first, UL_VLAN_TRUNK - 1, &last) < 0)
		return -EINVAL;
	vlan_set(vlans, first, last);
	return 0;
}

static int vlan_list_parse(const char *text, uint64_t *vlans)
{
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy, *item;

	if (!copy)
		return -ENOMEM;
	while ((item = strsep(&rest, ",")))
		if (vlan_range_add(item + strspn(item, " "), vlans) < 0)
			return -EINVAL;
	return 0;
}

int vlan_parse(const char *text, struct group_cfg *group)
{
	uint64_t vlans[UL_N_VLANS / 64] = { 0 };
	uint64_t vid;
	int r;

	if (parse_number(text, 0, UL_VLAN_TRUNK, &vid) == 0 && vid != UL_VLAN_TRUNK) {
		group->vlan_mode = vid ? UL_VLAN_VST : UL_VLAN_EST;
		group->vid = (uint16_t)vid;
		memset(group->vlans, 0, sizeof(group->vlans));
		return 0;
	}
	if (strcmp(text, "4095") == 0) {
		vlan_set(vlans, 0, UL_VLAN_TRUNK - 1);
	} else {
		r = vlan_list_parse(text, vlans);
		if (r < 0)
			return r;
	}
	group->vlan_mode = UL_VLAN_VGT;
	group->vid = UL_VLAN_TRUNK;
	memcpy(group->vlans, vlans, sizeof(vlans));
	return 0;
}

bool vlans_overlap(const struct group_cfg *a, const struct group_cfg *b, unsigned int *ret_vid)
{
	unsigned int vid;

	if (a->vlan_mode == UL_VLAN_VGT && b->vlan_mode == UL_VLAN_VGT) {
		for (unsigned int i = 0; i < UL_N_VLANS / 64; i++) {
			uint64_t both = a->vlans[i] & b->vlans[i];

			if (both) {
				*ret_vid = i * 64 + (unsigned int)__builtin_ctzll(both);
				return true;
			}
		}
		return false;
	}

	vid = a->vlan_mode == UL_VLAN_VGT ? b->vid : a->vid;
	*ret_vid = vid;
	if (a->vlan_mode == UL_VLAN_VGT)
		return UL_LIST_HAS(a->vlans, vid);
	return b->vlan_mode == UL_VLAN_VGT ? UL_LIST_HAS(b->vlans, vid) : a->vid == b->vid;
}

void vlan_describe(enum ul_vlan_mode mode, uint16_t vid, const uint64_t vlans[UL_N_VLANS / 64],
		   char *text, size_t size)
{
	unsigned int ranges = 0, first = 0;
	size_t used = 0;

	if (size == 0)
		return;
	text[0] = '\0';
	if (mode != UL_VLAN_VGT) {
		snprintf(text, size, "%u", vid);
		return;
	}
	for (unsigned int v = 0; v < UL_VLAN_TRUNK && used < size; v++) {
		if (!UL_LIST_HAS(vlans, v))
			continue;
		for (first = v; v + 1 < UL_VLAN_TRUNK && UL_LIST_HAS(vlans, v + 1);)
			v++;
		if (first == 0 && v == UL_VLAN_TRUNK - 1) {
			snprintf(text, size, "%d", UL_VLAN_TRUNK);
			return;
		}
		used += (size_t)snprintf(text + used, size - used, first == v ? "%s%u" : "%s%u-%u",
					 ranges++ ? "," : "", first, v);
	}
	/* "10-10": a trunk of one VLAN, in contrast to VLAN 10, which the switch tags. */
	if (ranges == 1 && !strchr(text, '-'))
		snprintf(text, size, "%u-%u", first, first);
}

const struct choice *choice_find(const struct choice *choices, const char *name)
{
	for (; choices->name; choices++)
		if (strcmp(choices->name, name) == 0)
			return choices;
	return NULL;
}

const char *choice_name(const struct choice *choices, int value)
{
	for (; choices->name; choices++)
		if (choices->value == value && !choices->refusal)
			return choices->name;
	return NULL;
}

const char *method_name(enum ul_method method)
{
	return choice_name(choices_method, (int)method);
}

const char *channel_name(enum ul_channel channel)
{
	return choice_name(choices_channel, (int)channel);
}

const char *receive_name(enum ul_receive receive)
{
	return choice_name(choices_receive, (int)receive);
}

/* Numbers, enums and flags, whatever their width. */
static void store_number(const struct config_key *key, void *field, uint64_t value)
{
	switch (key->size) {
	case 1:
		*(uint8_t *)field = (uint8_t)value;
		break;
	case 2:
		*(uint16_t *)field = (uint16_t)value;
		break;
	case 4:
		*(uint32_t *)field = (uint32_t)value;
		break;
	default:
		abort();
	}
}

static int store_choice(const struct config_key *key, const char *text, void *field)
{
	const struct choice *choice = choice_find(key->choices, text);

	if (!choice || choice->refusal)
		return -EINVAL;
	store_number(key, field, (uint64_t)choice->value);
	return 0;
}

static int store_uint(const struct config_key *key, const char *text, void *field)
{
	uint64_t value;

	if (parse_number(text, key->min, key->max, &value) < 0)
		return -EINVAL;
	store_number(key, field, value);
	return 0;
}

static int store_bool(const struct config_key *key, const char *text, void *field)
{
	bool yes = strcmp(text, "true") == 0;

	if (!yes && strcmp(text, "false") != 0)
		return -EINVAL;
	store_number(key, field, yes);
	return 0;
}

static int store_name(const struct config_key *key, const char *text, void *field, bool valid)
{
	if (!valid)
		return -EINVAL;
	snprintf(field, key->size, "%s", text);
	return 0;
}

static int store_mac(const char *text, void *field)
{
	uint8_t mac[6];

	if (mac_parse(text, mac) < 0 || !mac_is_unicast(mac))
		return -EINVAL;
	memcpy(field, mac, sizeof(mac));
	return 0;
}

static int store_string(const char *text, void *field, bool valid)
{
	char **string = field;
	char *copy;

	if (!valid)
		return -EINVAL;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	free(*string);
	*string = copy;
	return 0;
}

int value_store(const struct config_key *key, const char *text, bool plain, void *base)
{
	void *field = (char *)base + key->offset;

	switch (key->type) {
	case KEY_UINT:
		return plain ? store_uint(key, text, field) : -EINVAL;
	case KEY_BOOL:
	case KEY_BOOL_OR_SECTION:
		return plain ? store_bool(key, text, field) : -EINVAL;
	case KEY_CHOICE:
		return store_choice(key, text, field);
	case KEY_SWITCH_NAME:
		return store_name(key, text, field,
				  made_of(text, UL_NAME_LEN - 1, LOWER DIGITS "-"));
	case KEY_GROUP_NAME:
		return store_name(key, text, field, group_name_valid(text));
	case KEY_INTERFACE:
		return store_name(key, text, field, interface_name_valid(text));
	case KEY_MAC:
		return store_mac(text, field);
	case KEY_VLAN:
		return vlan_parse(text, base);
	case KEY_ADDRESS:
		return address_parse_host(text, field);
	case KEY_PREFIX:
		return address_parse_network(text, field);
	case KEY_PATH:
		return store_string(text, field,
				    text[0] == '/' && text[1] && printable(text) &&
					    strlen(text) <
						    sizeof(((struct sockaddr_un *)NULL)->sun_path));
	case KEY_USER_GROUP:
		return store_string(text, field,
				    made_of(text, 31, LOWER UPPER DIGITS "_.-") && text[0] != '-');
	default:
		return -EINVAL;
	}
}

/* ---- value to text ---- */
static uint64_t load_number(const struct config_key *key, const void *field)
{
	switch (key->size) {
	case 1:
		return *(const uint8_t *)field;
	case 2:
		return *(const uint16_t *)field;
	case 4:
		return *(const uint32_t *)field;
	default:
		abort();
	}
}

static bool is_word_of_yaml(const char *text)
{
	static const char *const words[] = { "true", "false", "yes", "no", "on",
					     "off",  "null",  "y",   "n" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasecmp(text, words[i]) == 0)
			return true;
	return false;
}

/* In double quotes unless every reader of YAML takes the plain text for a string. */
static const char *quote(const char *text, char quoted[VALUE_TEXT_LEN])
{
	size_t n = 0;

	if (isalpha((unsigned char)text[0]) && !is_word_of_yaml(text) &&
	    strspn(text, LOWER UPPER DIGITS "_.-") == strlen(text)) {
		snprintf(quoted, VALUE_TEXT_LEN, "%s", text);
		return quoted;
	}
	quoted[n++] = '"';
	for (; *text && n + 3 < VALUE_TEXT_LEN; text++) {
		if (*text == '"' || *text == '\\')
			quoted[n++] = '\\';
		quoted[n++] = *text;
	}
	quoted[n++] = '"';
	quoted[n] = '\0';
	return quoted;
}

static const char *vlan_text(const struct group_cfg *group, char text[VALUE_TEXT_LEN])
{
	char list[VALUE_TEXT_LEN];

	vlan_describe(group->vlan_mode, group->vid, group->vlans, list, sizeof(list));
	if (!strpbrk(list, ",-"))
		snprintf(text, VALUE_TEXT_LEN, "%s", list);
	else
		quote(list, text);
	return text;
}

const char *value_text(const struct config_key *key, const void *base, char text[VALUE_TEXT_LEN])
{
	const void *field = (const char *)base + key->offset;
	char mac[MAC_TEXT_LEN], ip[ADDRESS_TEXT_LEN];

	switch (key->type) {
	case KEY_UINT:
		snprintf(text, VALUE_TEXT_LEN, "%llu", (unsigned long long)load_number(key, field));
		return text;
	case KEY_BOOL:
	case KEY_BOOL_OR_SECTION:
		snprintf(text, VALUE_TEXT_LEN, "%s", load_number(key, field) ? "true" : "false");
		return text;
	case KEY_CHOICE:
		snprintf(text, VALUE_TEXT_LEN, "%s",
			 choice_name(key->choices, (int)load_number(key, field)) ?: "?");
		return text;
	case KEY_SWITCH_NAME:
	case KEY_GROUP_NAME:
	case KEY_INTERFACE:
		text[0] = '\0';
		return *(const char *)field ? quote(field, text) : text;
	case KEY_MAC:
		return quote(mac_format(field, mac), text);
	case KEY_VLAN:
		return vlan_text(base, text);
	case KEY_ADDRESS:
	case KEY_PREFIX:
		address_to_text(field, key->type == KEY_PREFIX, ip);
		return ((const struct address *)field)->family ? quote(ip, text) : "";
	case KEY_PATH:
	case KEY_USER_GROUP:
		text[0] = '\0';
		return *(char *const *)field ? quote(*(char *const *)field, text) : text;
	default:
		text[0] = '\0';
		return text;
	}
}
