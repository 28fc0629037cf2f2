// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The configuration as YAML. Keys with their default value are left out. */
#include <arpa/inet.h>
#include <ctype.h>

#include "common/util.h"
#include "import/plan.h"

#define COLUMNS 98
#define MAX_HOST_ADDRESSES 64

/* ---- text ---- */
/* A comment, wrapped; the text is printable and on one line. */
static void write_comment(FILE *out, const char *first, const char *text)
{
	const char *lead = first;

	while (*text) {
		size_t room = COLUMNS - 4, n = strlen(text), cut = n;

		if (n > room) {
			cut = room;
			while (cut > 0 && text[cut] != ' ')
				cut--;
			if (cut == 0) /* one long word */
				cut = strcspn(text, " ");
		}
		fprintf(out, "%s%.*s\n", lead, (int)cut, text);
		text += cut;
		text += strspn(text, " ");
		lead = "#   ";
	}
}

/* Whether YAML reads the text as a plain string. */
static bool is_plain(const char *text)
{
	static const char *const words[] = { "true", "false", "null", "yes", "no",
					     "on",   "off",   "y",    "n" };

	if (!isalpha((unsigned char)text[0]))
		return false;
	for (const char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasecmp(text, words[i]) == 0)
			return false;
	return true;
}

/* Names have no quotes and no backslashes (network_set_name()). */
static const char *quoted(const char *text, char ret[UL_GROUP_NAME_LEN + 2])
{
	snprintf(ret, UL_GROUP_NAME_LEN + 2, is_plain(text) ? "%s" : "\"%s\"", text);
	return ret;
}

/* ---- switch ---- */
static void write_uplinks(const struct plan_switch *sw, const char *key, uint32_t first,
			  uint32_t end, const char *indent, FILE *out)
{
	char name[UL_GROUP_NAME_LEN + 2];

	fprintf(out, "%s%s: [", indent, key);
	for (uint32_t i = first; i < end; i++)
		fprintf(out, "%s%s", i > first ? ", " : "", quoted(sw->uplinks[i]->name, name));
	fputs("]\n", out);
}

static void write_lacp(const struct plan_switch *sw, FILE *out)
{
	static const char *const selections[] = { "stable", "bandwidth", "count" };
	char mac[MAC_TEXT_LEN];

	fprintf(out, "    lacp:\n      rate: %s\n", sw->fast ? "fast" : "slow");
	if (sw->passive)
		fputs("      activity: passive\n", out);
	if (sw->min_links > 1)
		fprintf(out, "      min-links: %u\n", sw->min_links);
	if (sw->max_links)
		fprintf(out, "      max-links: %u\n", sw->max_links);
	if (sw->system_priority && sw->system_priority != 65535)
		fprintf(out, "      system-priority: %u\n", sw->system_priority);
	if (sw->has_system_id)
		fprintf(out, "      system-id: \"%s\"\n", mac_format(sw->system_id, mac));
	if (sw->key)
		fprintf(out, "      key: %u\n", sw->key);
	if (sw->selection)
		fprintf(out, "      selection: %s\n", selections[sw->selection]);
	if (sw->fallback)
		fputs("      fallback: individual\n", out);
}

static void write_teaming(const struct plan_switch *sw, FILE *out)
{
	fprintf(out, "    teaming:\n      load-balancing: %s\n", method_name(sw->method));
	if (!sw->failback)
		fputs("      failback: false\n", out);
	if (sw->n_active < sw->n_uplinks) {
		write_uplinks(sw, "active", 0, sw->n_active, "      ", out);
		write_uplinks(sw, "standby", sw->n_active, sw->n_uplinks, "      ", out);
	}
}

/* ---- ports ---- */
static void write_addresses(const struct net_interface *origin, FILE *out)
{
	char text[INET6_ADDRSTRLEN + 8], host[INET6_ADDRSTRLEN];
	unsigned int n = 0;

	for (size_t i = 0; i < origin->n_addresses && n < MAX_HOST_ADDRESSES; i++) {
		const struct address *address = &origin->addresses[i];

		inet_ntop(address->family, address->bytes, host, sizeof(host));
		snprintf(text, sizeof(text), "%s/%u", host, address->prefix_length);
		fprintf(out, "%s\"%s\"", n++ ? ", " : ", address: [", text);
	}
	if (n)
		fputc(']', out);
}

/* The routes of one kind as a list: "gateway: [...]". */
static void write_routes(const struct network *network, const struct net_interface *origin,
			 enum net_route_kind kind, const char *key, FILE *out)
{
	unsigned int n = 0;

	for (size_t i = 0; i < network->n_routes; i++) {
		const struct net_route *route = &network->routes[i];
		char to[ADDRESS_TEXT_LEN], via[ADDRESS_TEXT_LEN];
		struct route parsed;

		if (strcmp(route->interface, origin->name) != 0 ||
		    route_kind(network, origin, route, &parsed) != kind)
			continue;
		if (n++)
			fputs(", ", out);
		else
			fprintf(out, ", %s: [", key);
		address_to_text(&parsed.to, kind == ROUTE_STATIC, to);
		address_to_text(&parsed.via, false, via);
		if (kind != ROUTE_STATIC) {
			fprintf(out, "\"%s\"", kind == ROUTE_GATEWAY ? via : to);
			continue;
		}
		fprintf(out, "{to: \"%s\"", to);
		if (parsed.has_via)
			fprintf(out, ", via: \"%s\"", via);
		if (parsed.metric)
			fprintf(out, ", metric: %u", parsed.metric);
		fputc('}', out);
	}
	if (n)
		fputc(']', out);
}

static void write_host_keys(const struct network *network, const struct plan_port *port, FILE *out)
{
	const struct net_interface *origin = port->origin;

	fputs(", host: true", out);
	if (origin->dhcp)
		fputs(", dhcp: true", out);
	write_addresses(origin, out);
	write_routes(network, origin, ROUTE_GATEWAY, "gateway", out);
	write_routes(network, origin, ROUTE_DNS, "dns", out);
	write_routes(network, origin, ROUTE_STATIC, "routes", out);
}

static void write_port(const struct network *network, const struct plan_port *port, FILE *out)
{
	char text[UL_GROUP_NAME_LEN + 2], mac[MAC_TEXT_LEN];

	fprintf(out, "          - {interface: %s", quoted(port->interface, text));
	if (port->has_mac)
		fprintf(out, ", mac: \"%s\"", mac_format(port->mac, mac));
	if (port->host)
		write_host_keys(network, port, out);
	fputc('}', out);
	if (port->host)
		fprintf(out, " # was %s", port->origin->name);
	fputc('\n', out);
}

static void write_group(const struct network *network, const struct plan_group *group, FILE *out)
{
	char text[UL_GROUP_NAME_LEN + 2], vlans[UL_N_VLANS * 5];
	size_t n = 0;

	vlan_describe(group->vlan_mode, group->vid, group->vlans, vlans, sizeof(vlans));
	fprintf(out, "      - name: %s\n", quoted(group->name, text));
	fprintf(out, strpbrk(vlans, ",-") ? "        vlan: \"%s\"\n" : "        vlan: %s\n", vlans);
	if (group->bridge[0])
		fprintf(out, "        bridge: %s\n", quoted(group->bridge, text));
	for (size_t i = 0; i < group->n_ports; i++) {
		if (group->ports[i].by_bridge)
			continue;
		if (n++ == 0)
			fputs("        ports:\n", out);
		write_port(network, &group->ports[i], out);
	}
}

static void write_switch(const struct network *network, const struct plan_switch *sw, FILE *out)
{
	char text[UL_GROUP_NAME_LEN + 2];

	fprintf(out, "  - name: %s%s%s\n", sw->name, sw->bond ? " # was " : "",
		sw->bond ? sw->bond->name : "");
	write_uplinks(sw, "uplinks", 0, sw->n_uplinks, "    ", out);
	fprintf(out, "    channel: %s\n", channel_name(sw->channel));
	if (sw->mtu && sw->mtu != 1500)
		fprintf(out, "    mtu: %u\n", sw->mtu);
	if (sw->bridge[0])
		fprintf(out, "    bridge: %s\n", quoted(sw->bridge, text));
	if (sw->up_delay_ms)
		fprintf(out, "    up-delay-ms: %u\n", sw->up_delay_ms);
	if (sw->channel == UL_CHANNEL_LACP)
		write_lacp(sw, out);
	write_teaming(sw, out);
	if (sw->learning)
		fputs("    security:\n      mac-learning: true # as the bridge did\n", out);
	if (!sw->n_groups)
		return;
	fputs("    port-groups:\n", out);
	for (size_t i = 0; i < sw->n_groups; i++)
		write_group(network, &sw->groups[i], out);
}

static void write_remarks(const struct network *network, bool unmapped, const char *title,
			  FILE *out)
{
	bool first = true;

	for (size_t i = 0; i < network->n_remarks; i++) {
		if (network->remarks[i].unmapped != unmapped)
			continue;
		if (first)
			fprintf(out, "#\n# %s:\n", title);
		first = false;
		write_comment(out, "# - ", network->remarks[i].text);
	}
}

void import_write(const struct plan *plan, const struct network *network, const char *source,
		  FILE *out)
{
	_cleanup_free_ char *line = NULL;

	if (asprintf(&line, "Made by `uplinkctl import%s%s`.", source[0] ? " " : "", source) < 0)
		line = NULL;
	if (line)
		write_comment(out, "# ", text_make_ascii(line));
	write_remarks(network, true, "Not mapped", out);
	write_remarks(network, false, "Notes", out);
	fputs("switches:\n", out);
	for (size_t s = 0; s < plan->n_switches; s++)
		write_switch(network, &plan->switches[s], out);
}
