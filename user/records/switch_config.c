// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "records/switch_config.h"

#include "config/model.h"
#include "lacp/lacp.h"
#include "records/neighbours.h"

/* ---- ports ---- */
static bool is_safe(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
		      (*c >= '0' && *c <= '9') || strchr("/._:-", *c)))
			return false;
	return name[0] != '\0';
}

#define UNKNOWN_PORT "PORT-"

bool peer_port_known(const struct peer_port *port)
{
	return strncmp(port->port, UNKNOWN_PORT, strlen(UNKNOWN_PORT)) != 0;
}

static void set_unknown(const struct snapshot *snapshot, uint32_t index, struct peer_port *port)
{
	*port = (struct peer_port){};
	snprintf(port->port, sizeof(port->port), UNKNOWN_PORT "%s",
		 snapshot->uplinks[index].raw.name);
}

void peer_ports_heard(const struct snapshot *snapshot, struct peer_port ret[UL_MAX_UPLINKS])
{
	for (uint32_t i = 0; i < snapshot->n_uplinks; i++) {
		const struct ul_neighbour *neighbour = &snapshot->uplinks[i].lacp.neighbour;
		struct peer_port heard = {};

		set_unknown(snapshot, i, &ret[i]);
		memcpy(heard.port, neighbour->port, sizeof(heard.port) - 1);
		memcpy(heard.device, neighbour->device, sizeof(heard.device) - 1);
		if (is_safe(heard.port))
			strcpy(ret[i].port, heard.port);
		if (is_safe(heard.device))
			strcpy(ret[i].device, heard.device);
	}
}

static int parse_port(const char *text, size_t length, struct peer_port *port,
		      struct errors *errors)
{
	const char *at = memchr(text, '@', length);
	size_t n = at ? (size_t)(at - text) : length;
	struct peer_port parsed = {};

	if (length == 0)
		return 0;
	if (n < sizeof(parsed.port) && length - n <= sizeof(parsed.device)) {
		memcpy(parsed.port, text, n);
		if (at)
			memcpy(parsed.device, at + 1, length - n - 1);
	}
	if (!is_safe(parsed.port) || (at && !is_safe(parsed.device))) {
		errors_add(errors, 0,
			   "--ports: %.*s: must be PORT or PORT@DEVICE of letters, digits and "
			   "'/._:-', at most 63 characters each",
			   (int)length, text);
		return -EINVAL;
	}
	*port = parsed;
	return 0;
}

int peer_ports_parse(const struct snapshot *snapshot, const char *list,
		     struct peer_port ret[UL_MAX_UPLINKS], struct errors *errors)
{
	struct peer_port ports[UL_MAX_UPLINKS];
	uint32_t n = 0;
	int r;

	memcpy(ports, ret, sizeof(ports));
	for (const char *at = list;; n++) {
		size_t length = strcspn(at, ",");

		if (n < snapshot->n_uplinks) {
			r = parse_port(at, length, &ports[n], errors);
			if (r < 0)
				return r;
		}
		if (!at[length])
			break;
		at += length + 1;
	}
	if (n + 1 != snapshot->n_uplinks) {
		errors_add(errors, 0,
			   "--ports: %s: has %u ports: must have one for each of the %u "
			   "uplinks of %s",
			   list, n + 1, snapshot->n_uplinks, snapshot->view->name);
		return -EINVAL;
	}
	memcpy(ret, ports, sizeof(ports));
	return 0;
}

size_t peer_devices(const struct snapshot *snapshot, const struct peer_port ports[UL_MAX_UPLINKS],
		    const char *ret[UL_MAX_UPLINKS])
{
	size_t n = 0;

	for (uint32_t i = 0; i < snapshot->n_uplinks; i++) {
		size_t d = 0;

		while (d < n && strcmp(ret[d], ports[i].device) != 0)
			d++;
		if (d == n)
			ret[n++] = ports[i].device;
	}
	if (!n)
		ret[n++] = "";
	return n;
}

/* ---- what the vSwitch needs ---- */
struct plan {
	const struct snapshot *snapshot;
	const struct vendor *vendor;
	const struct peer_port *ports;
	const char *device, *method;
	uint32_t id, conditions;
	uint64_t vlans[UL_N_VLANS / 64]; /* bit 0: untagged */
};

void vlans_in_use(const struct snapshot *snapshot, uint64_t ret[UL_N_VLANS / 64])
{
	const struct view *view = snapshot->view;

	memset(ret, 0, UL_N_VLANS / 8);
	for (uint32_t i = 0; i < view->max_groups; i++) {
		const struct ul_group *group = &view->groups[i];

		if (!(group->flags & UL_GROUP_USED))
			continue;
		for (size_t w = 0; group->vlan_mode == UL_VLAN_VGT && w < UL_N_VLANS / 64; w++)
			ret[w] |= group->vlans[w];
		if (group->vlan_mode != UL_VLAN_VGT && group->vid < UL_N_VLANS)
			ret[group->vid / 64] |= 1ULL << group->vid % 64;
	}
	/* no switch has VLAN 4095 */
	ret[UL_N_VLANS / 64 - 1] &= ~(1ULL << 63);
}

void vlan_list_print(const uint64_t vlans[UL_N_VLANS / 64], const char *separator, FILE *out)
{
	const char *gap = "";

	for (uint32_t v = 1; v < UL_N_VLANS; v++) {
		uint32_t last = v;

		if (!UL_LIST_HAS(vlans, v))
			continue;
		while (last + 1 < UL_N_VLANS && UL_LIST_HAS(vlans, last + 1))
			last++;
		fprintf(out, last > v ? "%s%u-%u" : "%s%u", gap, v, last);
		gap = separator;
		v = last;
	}
}

/* The method of the first group stands for the switch. */
static const char *find_method(const struct plan *plan)
{
	const struct view *view = plan->snapshot->view;

	for (uint32_t i = 0; i < view->max_groups; i++) {
		const struct ul_policy *policy = policy_of(plan->snapshot, &view->groups[i]);

		if (view->groups[i].flags & UL_GROUP_USED && policy)
			return policy->method < UL_N_METHODS ?
				       plan->vendor->methods[policy->method] :
				       NULL;
	}
	return NULL;
}

static void find_conditions(struct plan *plan, size_t n_devices)
{
	const struct ul_meta *meta = plan->snapshot->view->meta;
	bool tagged = false, untagged = UL_LIST_HAS(plan->vlans, 0);
	const struct ul_lacp_port *lacp = &plan->snapshot->uplinks[0].lacp;
	bool fast = lacp->updated_ms && lacp->actor.state & LACP_TIMEOUT;

	for (uint32_t v = 1; v < UL_N_VLANS; v++)
		tagged |= UL_LIST_HAS(plan->vlans, v);
	plan->conditions =
		(meta->channel == UL_CHANNEL_NONE ? WHEN_NO_CHANNEL : WHEN_CHANNEL) |
		(meta->channel == UL_CHANNEL_STATIC ? WHEN_STATIC : 0) |
		(meta->channel == UL_CHANNEL_LACP ? WHEN_LACP | (fast ? WHEN_FAST : WHEN_SLOW) :
						    0) |
		(meta->channel == UL_CHANNEL_PAGP ? WHEN_PAGP : 0) | (tagged ? WHEN_TAGGED : 0) |
		(untagged ? WHEN_UNTAGGED : 0) | (untagged && !tagged ? WHEN_ONLY_UNTAGGED : 0) |
		(n_devices > 1 && meta->channel != UL_CHANNEL_NONE ? WHEN_MLAG : WHEN_ONE_DEVICE) |
		(plan->method ? WHEN_METHOD : WHEN_NO_METHOD) | (meta->mtu > 1500 ? WHEN_JUMBO : 0);
}

/* ---- lines ---- */
static bool is_here(const struct plan *plan, uint32_t index)
{
	return strcmp(plan->ports[index].device, plan->device) == 0;
}

static void print_ports(const struct plan *plan, FILE *out)
{
	const char *gap = "";

	for (uint32_t i = 0; i < plan->snapshot->n_uplinks; i++)
		if (is_here(plan, i)) {
			fprintf(out, "%s%s", gap, plan->ports[i].port);
			gap = ",";
		}
}

static void print_placeholder(const struct plan *plan, uint32_t index, const char *name,
			      size_t length, FILE *out)
{
	const char *sw = plan->snapshot->view->name;

#define IS(text) (length == strlen(text) && strncmp(name, text, length) == 0)
	if (IS("id"))
		fprintf(out, "%u", plan->id);
	else if (IS("switch"))
		fputs(is_safe(sw) ? sw : "vswitch", out);
	else if (IS("uplink"))
		fputs(plan->snapshot->uplinks[index].raw.name, out);
	else if (IS("port"))
		fputs(plan->ports[index].port, out);
	else if (IS("ports"))
		print_ports(plan, out);
	else if (IS("vlans"))
		vlan_list_print(plan->vlans, ",", out);
	else if (IS("vlans-blank"))
		vlan_list_print(plan->vlans, " ", out);
	else if (IS("method"))
		fputs(plan->method, out);
	else if (IS("mtu"))
		fprintf(out, "%u", plan->snapshot->view->meta->mtu);
#undef IS
}

static void print_line(const struct plan *plan, const struct config_line *line, uint32_t index,
		       FILE *out)
{
	const char *at = line->text;

	while (*at) {
		size_t length = strcspn(at, "{");

		fwrite(at, 1, length, out);
		at += length;
		if (*at != '{')
			break;
		length = strcspn(++at, "}");
		print_placeholder(plan, index, at, length, out);
		at += length + 1;
	}
	fputc('\n', out);
}

/* Lines for each port that follow each other belong together: they are printed port by port. */
static void print_port_lines(const struct plan *plan, size_t from, size_t to, FILE *out)
{
	for (uint32_t i = 0; i < plan->snapshot->n_uplinks; i++) {
		if (!is_here(plan, i))
			continue;
		for (size_t n = from; n < to; n++) {
			const struct config_line *line = &plan->vendor->lines[n];

			if ((line->when & plan->conditions) == line->when)
				print_line(plan, line, i, out);
		}
	}
}

static void print_title(const struct plan *plan, FILE *out)
{
	static const char *const channels[] = { [UL_CHANNEL_NONE] = "independent links",
						[UL_CHANNEL_STATIC] = "static channel",
						[UL_CHANNEL_LACP] = "LACP channel",
						[UL_CHANNEL_PAGP] = "PAgP channel" };
	const struct ul_meta *meta = plan->snapshot->view->meta;
	const char *comment = plan->vendor->comment;
	uint32_t uplink = 0;
	const char *hint = find_channel_hint(plan->snapshot, &uplink);

	fprintf(out, "%s %s%sfor %s: %s\n", comment, plan->device, plan->device[0] ? ", " : "",
		plan->snapshot->view->name,
		meta->channel < ARRAY_SIZE(channels) ? channels[meta->channel] : "?");
	if (hint)
		fprintf(out, "%s HP or Aruba switch on %s: %s\n", comment,
			plan->snapshot->uplinks[uplink].raw.name, hint);
	if (plan->conditions & WHEN_UNTAGGED)
		fprintf(out, "%s replace NATIVE-VLAN by the VLAN of untagged frames\n", comment);
	if (plan->conditions & WHEN_MLAG && plan->vendor->no_mlag)
		fprintf(out, "%s %s\n", comment, plan->vendor->no_mlag);
}

int switch_config_write(const struct snapshot *snapshot, const struct vendor *vendor,
			const struct peer_port ports[UL_MAX_UPLINKS], const char *device,
			uint32_t id, FILE *out)
{
	struct plan plan = {
		.snapshot = snapshot, .vendor = vendor, .ports = ports, .device = device, .id = id
	};
	const char *devices[UL_MAX_UPLINKS];

	vlans_in_use(snapshot, plan.vlans);
	plan.method = find_method(&plan);
	find_conditions(&plan, peer_devices(snapshot, ports, devices));
	print_title(&plan, out);
	if (plan.conditions & WHEN_PAGP && !vendor->has_pagp) {
		/* A bundle without a protocol would not match. */
		fprintf(out, "%s this vendor has no PAgP: set 'channel: lacp' on the host\n",
			vendor->comment);
		return ferror(out) ? -ENOMEM : 0;
	}
	for (size_t n = 0; n < vendor->n_lines;) {
		const struct config_line *line = &vendor->lines[n];
		size_t end = n + 1;

		while (line->each_port && end < vendor->n_lines && vendor->lines[end].each_port)
			end++;
		if (line->each_port)
			print_port_lines(&plan, n, end, out);
		else if ((line->when & plan.conditions) == line->when)
			print_line(&plan, line, 0, out);
		n = end;
	}
	return ferror(out) ? -ENOMEM : 0;
}
