// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "managers/managers.h"

#include <stdarg.h>

#include "common/util.h"

#define HEADER "# Written by uplinkd. Changes are lost; see uplinkd.yaml(5).\n"
/* In the files of all three no other character has a meaning in a name. */
#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
#define PROTOCOL "117" /* LINK_ROUTE_PROTOCOL: so that networkd and uplinkd mean the same route */

/* An interface and who configures it. */
struct owned {
	char name[UL_NAME_LEN];
	enum manager manager; /* MANAGER_NONE: uplinkd */
};

struct list {
	struct owned *owned;
	size_t n;
	int (*own_name)(const char *name, char ret[UL_NAME_LEN]);
	struct errors *errors;
};

void manager_files_done(struct manager_files *files)
{
	for (size_t i = 0; i < files->n; i++)
		free(files->file[i].text);
	free(files->file);
	*files = (struct manager_files){};
}

/* ---- interfaces ---- */
static bool is_plain(const char *name)
{
	return name[0] && name[strspn(name, PLAIN)] == '\0';
}

static int add_name(struct list *list, const char *name, enum manager manager)
{
	struct owned *owned;

	if (!is_plain(name)) {
		errors_add(
			list->errors, 0,
			"%s: network managers cannot be kept off it, because their files have no such names: must be of letters, digits, '_', '.' and '-'",
			name);
		return 0;
	}
	owned = reallocarray(list->owned, list->n + 1, sizeof(*owned));
	if (!owned)
		return -ENOMEM;
	list->owned = owned;
	owned[list->n] = (struct owned){ .manager = manager };
	snprintf(owned[list->n++].name, UL_NAME_LEN, "%s", name);
	return 0;
}

/* The configured name and the interface's own one. */
static int add_interface(struct list *list, const char *name, enum manager manager)
{
	char own[UL_NAME_LEN];
	int r = add_name(list, name, manager);

	if (r < 0 || !list->own_name)
		return r;
	r = list->own_name(name, own);
	return r > 0 && strcmp(own, name) != 0 ? add_name(list, own, manager) : r < 0 ? r : 0;
}

static int add_port(struct list *list, const struct port_cfg *port, enum manager to)
{
	bool handed_over = port_needs_manager(port);
	char far_end[UL_NAME_LEN];
	int r;

	if (handed_over && to == MANAGER_NONE)
		errors_add(
			list->errors, 0,
			"%s: dhcp, ipv6-ra and dns need systemd-networkd or NetworkManager, and neither runs nor is enabled; enable one of them",
			port->interface);
	r = add_interface(list, port->interface, handed_over ? to : MANAGER_NONE);
	if (r < 0 || !port->host)
		return r;
	host_port_far_end(port->interface, far_end);
	return add_interface(list, far_end, MANAGER_NONE);
}

/* A manager would set an attachment bridge up and give it an address. */
static int add_bridges(struct list *list, const struct switch_cfg *sw)
{
	int r = sw->bridge[0] ? add_interface(list, sw->bridge, MANAGER_NONE) : 0;

	for (size_t g = 0; r == 0 && g < sw->n_groups; g++)
		if (sw->groups[g].bridge[0])
			r = add_interface(list, sw->groups[g].bridge, MANAGER_NONE);
	return r;
}

static int collect(const struct model *model, enum manager to, struct list *list)
{
	int r = 0;

	for (size_t s = 0; s < model->n_switches; s++) {
		const struct switch_cfg *sw = &model->switches[s];

		for (uint32_t i = 0; r == 0 && i < sw->n_uplinks; i++)
			r = add_interface(list, sw->uplinks[i], MANAGER_NONE);
		if (r == 0)
			r = add_bridges(list, sw);
		for (size_t g = 0; g < sw->n_groups; g++)
			for (size_t p = 0; r == 0 && p < sw->groups[g].n_ports; p++)
				r = add_port(list, &sw->groups[g].ports[p], to);
	}
	return r;
}

/* ---- files ---- */
struct output {
	FILE *out;
	char *text;
	size_t size;
};

static int output_open(struct output *output)
{
	output->out = open_memstream(&output->text, &output->size);
	if (!output->out)
		return -ENOMEM;
	fputs(HEADER, output->out);
	return 0;
}

/* Takes the text of the output. */
static int add_file(struct manager_files *files, struct output *output, mode_t mode,
		    const char *format, ...) __attribute__((format(printf, 4, 5)));

static int add_file(struct manager_files *files, struct output *output, mode_t mode,
		    const char *format, ...)
{
	bool failed = fclose(output->out) == EOF;
	struct manager_file *file = failed ? NULL :
					     reallocarray(files->file, files->n + 1, sizeof(*file));
	va_list ap;

	if (!file) {
		free(output->text);
		return -ENOMEM;
	}
	files->file = file;
	file = &file[files->n++];
	*file = (struct manager_file){ .mode = mode, .text = output->text };
	va_start(ap, format);
	vsnprintf(file->path, sizeof(file->path), format, ap);
	va_end(ap);
	return 0;
}

static int make_unmanaged(const struct list *list, struct manager_files *files)
{
	struct output output;
	int r = output_open(&output);

	if (r < 0)
		return r;
	fputs("[Match]\n", output.out);
	for (size_t i = 0; i < list->n; i++)
		if (list->owned[i].manager != MANAGER_NETWORKD)
			fprintf(output.out, "Name=%s\n", list->owned[i].name);
	fputs("\n[Link]\nUnmanaged=yes\n", output.out);
	return add_file(files, &output, 0644, "systemd/network/05-uplinkd.network");
}

static int make_nm_conf(const struct list *list, struct manager_files *files)
{
	const char *separator = "";
	struct output output;
	int r = output_open(&output);

	if (r < 0)
		return r;
	fputs("[keyfile]\nunmanaged-devices+=", output.out);
	for (size_t i = 0; i < list->n; i++) {
		if (list->owned[i].manager == MANAGER_NM)
			continue;
		fprintf(output.out, "%sinterface-name:=%s", separator, list->owned[i].name);
		separator = ";";
	}
	fputs("\n", output.out);
	return add_file(files, &output, 0644, "NetworkManager/conf.d/90-uplinkd.conf");
}

/* Later than the rules of NetworkManager, which leave a veth alone. */
static int make_udev_rules(const struct list *list, struct manager_files *files)
{
	static const char *const managed_by[] = {
		[MANAGER_NONE] = "io.uplinkd",
		[MANAGER_NETWORKD] = "io.systemd.Network",
		[MANAGER_NM] = "org.freedesktop.NetworkManager",
	};
	struct output output;
	int r = output_open(&output);

	if (r < 0)
		return r;
	fputs("ACTION==\"remove\", GOTO=\"uplinkd_end\"\n"
	      "SUBSYSTEM!=\"net\", GOTO=\"uplinkd_end\"\n",
	      output.out);
	for (size_t i = 0; i < list->n; i++)
		fprintf(output.out,
			"KERNEL==\"%s\", ENV{ID_NET_MANAGED_BY}=\"%s\", ENV{NM_UNMANAGED}=\"%d\"\n",
			list->owned[i].name, managed_by[list->owned[i].manager],
			list->owned[i].manager != MANAGER_NM);
	fputs("LABEL=\"uplinkd_end\"\n", output.out);
	return add_file(files, &output, 0644, "udev/rules.d/90-uplinkd.rules");
}

/* ---- ports that are handed over ---- */
/* The static settings as well: a manager removes what is not in its file. */
static int make_network(const struct port_cfg *port, struct manager_files *files)
{
	struct route routes[PORT_MAX_ROUTES];
	char text[ADDRESS_TEXT_LEN];
	struct output output;
	int r = output_open(&output);

	if (r < 0)
		return r;
	fprintf(output.out, "[Match]\nName=%s\n\n[Network]\nDHCP=%s\nIPv6AcceptRA=%s\n",
		port->interface, port->dhcp ? "ipv4" : "no", port->ipv6_ra ? "yes" : "no");
	for (size_t i = 0; i < port->n_addresses; i++)
		fprintf(output.out, "Address=%s\n",
			address_to_text(&port->addresses[i], true, text));
	for (size_t i = 0; i < port->n_dns; i++)
		fprintf(output.out, "DNS=%s\n", address_to_text(&port->dns[i], false, text));
	for (size_t i = 0, n = port_routes(port, true, routes); i < n; i++) {
		fprintf(output.out, "\n[Route]\nDestination=%s\nProtocol=" PROTOCOL "\n",
			address_to_text(&routes[i].to, true, text));
		if (routes[i].has_via)
			fprintf(output.out, "Gateway=%s\n",
				address_to_text(&routes[i].via, false, text));
		if (routes[i].metric)
			fprintf(output.out, "Metric=%u\n", routes[i].metric);
	}
	return add_file(files, &output, 0644, "systemd/network/05-uplinkd-%s.network",
			port->interface);
}

static void put_nm_family(FILE *out, const struct port_cfg *port, int family)
{
	bool v4 = family == AF_INET, automatic = v4 ? port->dhcp : port->ipv6_ra;
	struct route routes[PORT_MAX_ROUTES];
	size_t n = port_routes(port, true, routes), n_addresses = 0, n_routes = 0, n_dns = 0;
	char text[ADDRESS_TEXT_LEN];

	fprintf(out, "\n[%s]\n", v4 ? "ipv4" : "ipv6");
	for (size_t i = 0; i < port->n_addresses; i++)
		if (port->addresses[i].family == family)
			fprintf(out, "address%zu=%s\n", ++n_addresses,
				address_to_text(&port->addresses[i], true, text));
	fprintf(out, "method=%s\n",
		automatic   ? "auto" :
		n_addresses ? "manual" :
		v4	    ? "disabled" :
			      "link-local");
	for (size_t i = 0; i < n; i++) {
		if (routes[i].to.family != family)
			continue;
		fprintf(out, "route%zu=%s", ++n_routes, address_to_text(&routes[i].to, true, text));
		if (routes[i].has_via)
			fprintf(out, ",%s", address_to_text(&routes[i].via, false, text));
		else if (routes[i].metric)
			fputs(v4 ? ",0.0.0.0" : ",::", out);
		if (routes[i].metric)
			fprintf(out, ",%u", routes[i].metric);
		fputc('\n', out);
	}
	for (size_t i = 0; i < port->n_dns; i++)
		if (port->dns[i].family == family)
			fprintf(out, "%s%s;",
				n_dns++ ? "" : "dns=", address_to_text(&port->dns[i], false, text));
	if (n_dns)
		fputc('\n', out);
}

static int make_connection(const struct port_cfg *port, struct manager_files *files)
{
	struct output output;
	int r = output_open(&output);

	if (r < 0)
		return r;
	/* Highest priority: a profile for any interface would be chosen as well, by its last use.
	 */
	fprintf(output.out,
		"[connection]\nid=uplinkd-%s\ntype=ethernet\ninterface-name=%s\nautoconnect-priority=999\n",
		port->interface, port->interface);
	put_nm_family(output.out, port, AF_INET);
	put_nm_family(output.out, port, AF_INET6);
	return add_file(files, &output, 0600,
			"NetworkManager/system-connections/uplinkd-%s.nmconnection",
			port->interface);
}

static int make_handed_over(const struct model *model, enum manager to, struct manager_files *files)
{
	int r = 0;

	for (size_t s = 0; s < model->n_switches; s++) {
		const struct switch_cfg *sw = &model->switches[s];

		for (size_t g = 0; g < sw->n_groups; g++) {
			for (size_t p = 0; r == 0 && p < sw->groups[g].n_ports; p++) {
				const struct port_cfg *port = &sw->groups[g].ports[p];

				if (port_needs_manager(port) && is_plain(port->interface))
					r = to == MANAGER_NM ? make_connection(port, files) :
							       make_network(port, files);
			}
		}
	}
	return r;
}

bool manager_is_needed(const struct model *model)
{
	bool needed = false;

	for (size_t s = 0; model && s < model->n_switches; s++) {
		const struct switch_cfg *sw = &model->switches[s];

		for (size_t g = 0; g < sw->n_groups; g++)
			for (size_t p = 0; p < sw->groups[g].n_ports; p++)
				needed = needed || port_needs_manager(&sw->groups[g].ports[p]);
	}
	return needed;
}

int manager_files_make(const struct model *model, enum manager to,
		       int (*own_name)(const char *name, char ret[UL_NAME_LEN]),
		       struct manager_files *ret, struct errors *errors)
{
	struct list list = { .own_name = own_name, .errors = errors };
	struct manager_files files = {};
	int r = 0;

	if (model)
		r = collect(model, to, &list);
	if (r == 0 && list.n)
		r = make_unmanaged(&list, &files);
	if (r == 0 && list.n)
		r = make_nm_conf(&list, &files);
	if (r == 0 && list.n)
		r = make_udev_rules(&list, &files);
	if (r == 0 && model && to != MANAGER_NONE)
		r = make_handed_over(model, to, &files);
	free(list.owned);
	if (r < 0)
		manager_files_done(&files);
	else
		*ret = files;
	return r;
}
