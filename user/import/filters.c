// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Packet filters that redirected frames bypass: chains of nftables' bridge and netdev
 * families, ebtables, and filters of libvirt. Rules of the other families that name an interface
 * which is redirected or replaced no longer match.
 */
#include <jansson.h>
#include <limits.h>

#include "common/util.h"
#include "import/adopt.h"
#include "import/reader.h"
#include "import/texts.h"

#define LIBVIRT_BINDINGS "/run/libvirt/nwfilter-binding"

/* ---- names ---- */
static bool name_matches(const char *pattern, const char *name)
{
	size_t n = strlen(pattern);

	if (n > 1 && pattern[n - 1] == '*')
		return strncmp(pattern, name, n - 1) == 0;
	return strcmp(pattern, name) == 0;
}

/* Why a rule with this name will not match; false: the interface is not a part of the plan. */
static bool find_change(const struct plan *plan, const char *pattern, char *text, size_t size)
{
	for (size_t s = 0; s < plan->n_switches; s++) {
		const struct plan_switch *sw = &plan->switches[s];

		for (uint32_t u = 0; u < sw->n_uplinks; u++) {
			if (!name_matches(pattern, sw->uplinks[u]->name))
				continue;
			snprintf(text, size, "the host receives no packets from uplink %s",
				 sw->uplinks[u]->name);
			return true;
		}
		for (size_t g = 0; g < sw->n_groups; g++) {
			for (size_t p = 0; p < sw->groups[g].n_ports; p++) {
				const struct plan_port *port = &sw->groups[g].ports[p];

				if (!name_matches(pattern, port->origin->name))
					continue;
				snprintf(text, size,
					 port->host ? "the addresses of %s move to %s" :
						      "frames of %s do not pass the host%s",
					 port->origin->name, port->host ? port->interface : "");
				return true;
			}
		}
	}
	for (size_t i = 0; i < plan->n_replaced; i++) {
		if (!name_matches(pattern, plan->replaced[i]->name))
			continue;
		snprintf(text, size,
			 plan_keeps_bridge(plan, plan->replaced[i]->name) ?
				 "no frame passes %s, an attachment bridge" :
				 "%s is removed",
			 plan->replaced[i]->name);
		return true;
	}
	return false;
}

/* The first text in a JSON value that names an interface of the plan; NULL: none. */
static const char *find_name(const struct plan *plan, const json_t *value, char *text, size_t size)
{
	const char *key, *found = NULL;
	json_t *item;
	size_t i;

	if (json_is_string(value))
		return find_change(plan, json_string_value(value), text, size) ?
			       json_string_value(value) :
			       NULL;
	if (json_is_array(value)) {
		json_array_foreach(value, i, item) {
			found = find_name(plan, item, text, size);
			if (found)
				return found;
		}
	} else if (json_is_object(value)) {
		json_object_foreach((json_t *)value, key, item) {
			found = find_name(plan, item, text, size);
			if (found)
				return found;
		}
	}
	return NULL;
}

/* ---- nftables ---- */
static const char *text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static bool same_chain(const json_t *rule, const json_t *chain)
{
	return strcmp(text_at(rule, "family"), text_at(chain, "family")) == 0 &&
	       strcmp(text_at(rule, "table"), text_at(chain, "table")) == 0 &&
	       strcmp(text_at(rule, "chain"), text_at(chain, "name")) == 0;
}

static unsigned int count_rules(const json_t *list, const json_t *chain)
{
	unsigned int n = 0;
	size_t i;
	json_t *entry;

	json_array_foreach(list, i, entry) {
		const json_t *rule = json_object_get(entry, "rule");

		n += rule && same_chain(rule, chain);
	}
	return n;
}

/* nft before 1.0.9 prints no device of a netdev chain. */
static bool may_concern(const struct plan *plan, const json_t *chain)
{
	const json_t *dev = json_object_get(chain, "dev");
	char text[128];

	return !dev || find_name(plan, dev, text, sizeof(text));
}

static void check_chain(const struct plan *plan, const json_t *list, const json_t *chain,
			struct text_list *bypassed)
{
	const char *family = text_at(chain, "family"), *hook = text_at(chain, "hook");
	bool bridge = strcmp(family, "bridge") == 0;
	unsigned int n;

	if (!hook[0] || (!bridge && strcmp(family, "netdev") != 0) ||
	    (!bridge && !may_concern(plan, chain)))
		return;
	n = count_rules(list, chain);
	if (n || strcmp(text_at(chain, "policy"), "drop") == 0)
		text_add(bypassed, "nftables: table %s %s, chain %s, hook %s, %u rule%s: %s",
			 family, text_at(chain, "table"), text_at(chain, "name"), hook, n,
			 n == 1 ? "" : "s",
			 bridge ? "redirected frames pass no bridge" :
				  "TC redirects frames in front of this hook");
}

static void check_rule(const struct plan *plan, const json_t *rule, struct text_list *bypassed)
{
	const char *family = text_at(rule, "family"), *name;
	char change[128];

	if (strcmp(family, "bridge") == 0 || strcmp(family, "netdev") == 0)
		return;
	name = find_name(plan, json_object_get(rule, "expr"), change, sizeof(change));
	if (name)
		text_add(bypassed, "nftables: table %s %s, chain %s, handle %lld names %s: %s",
			 family, text_at(rule, "table"), text_at(rule, "chain"),
			 (long long)json_integer_value(json_object_get(rule, "handle")), name,
			 change);
}

void adopt_nft_rules(struct network *network, const struct plan *plan, struct net_place place,
		     const char *text, struct adoption *adoption)
{
	json_error_t error;
	json_auto_t *root = json_loads(text, 0, &error);
	const json_t *list = json_object_get(root, "nftables");
	size_t i;
	json_t *entry;

	if (!root || !json_is_array(list)) {
		place.line = root || error.line < 0 ? 0 : (unsigned int)error.line;
		network_error(network, place, -EINVAL,
			      "must be the output of `nft -j list ruleset`%s%s", root ? "" : ": ",
			      root ? "" : error.text);
		return;
	}
	json_array_foreach(list, i, entry) {
		const json_t *chain = json_object_get(entry, "chain"),
			     *rule = json_object_get(entry, "rule"),
			     *set = json_object_get(entry, "set");
		char change[128];
		const char *name;

		if (chain)
			check_chain(plan, list, chain, &adoption->bypassed);
		if (rule)
			check_rule(plan, rule, &adoption->bypassed);
		name = set ? find_name(plan, json_object_get(set, "elem"), change, sizeof(change)) :
			     NULL;
		if (name)
			text_add(&adoption->bypassed, "nftables: table %s %s, set %s names %s: %s",
				 text_at(set, "family"), text_at(set, "table"),
				 text_at(set, "name"), name, change);
	}
}

/* ---- ebtables ---- */
/* "*filter" starts a table, "-A FORWARD ..." is a rule. */
void adopt_ebtables_rules(const char *text, struct adoption *adoption)
{
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy, *line, table[32] = "";
	unsigned int n = 0;

	if (!copy)
		adoption->bypassed.no_memory = true;
	while (rest && (line = strsep(&rest, "\n"))) {
		bool ended = line[0] == '*' || !rest;

		n += strncmp(line, "-A ", 3) == 0;
		if (!ended)
			continue;
		if (n)
			text_add(&adoption->bypassed,
				 "ebtables: table %s, %u rule%s: redirected frames pass no bridge",
				 table, n, n == 1 ? "" : "s");
		n = 0;
		snprintf(table, sizeof(table), "%s", line[0] ? line + 1 : "");
	}
}

/* ---- libvirt ---- */
/* <filterbinding> ... <portdev name='vnet0'/> ... <filterref filter='clean-traffic'> */
static bool attribute(const char *text, const char *start, char *ret, size_t size)
{
	const char *at = strstr(text, start);
	size_t n;

	if (!at)
		return false;
	at += strlen(start);
	n = strcspn(at, "'\"<>\n");
	snprintf(ret, size, "%.*s", n < size ? (int)n : (int)size - 1, at);
	return true;
}

void adopt_libvirt_binding(const char *name, const char *text, struct adoption *adoption)
{
	char port[NET_NAME_LEN] = "?", filter[128];

	if (!attribute(text, "<filterref filter='", filter, sizeof(filter)))
		return;
	if (!attribute(text, "<portdev name='", port, sizeof(port)))
		snprintf(port, sizeof(port), "%s", name);
	text_add(
		&adoption->bypassed,
		"libvirt: filter %s of %s: it is made of ebtables rules; redirected frames pass no bridge",
		filter, port);
}

static void read_bindings(struct network *network, struct adoption *adoption)
{
	_cleanup_(source_list_done) struct source_list list = {};
	char path[PATH_MAX];

	/* absent: libvirt does not run here */
	if (source_list_folder(network, LIBVIRT_BINDINGS, ".xml", &list) < 0)
		return;
	for (size_t i = 0; i < list.n && !network->failed; i++) {
		_cleanup_free_ char *text = NULL;
		struct net_place place;

		if (!source_join(network, path, sizeof(path), LIBVIRT_BINDINGS, list.names[i]))
			return;
		text = source_read_file(network, path, &place);
		if (text)
			adopt_libvirt_binding(list.names[i], text, adoption);
	}
}

/* The output of a program; NULL: it failed, which is an entry of unchecked. */
static char *run_tool(struct network *network, const char *const argv[],
		      struct net_place *ret_place, struct adoption *adoption)
{
	_cleanup_(errors_done) struct errors errors = {};
	struct errors *outer = network->errors;
	int failed = network->failed;
	char *text;

	network->errors = &errors;
	text = source_run(network, argv, ret_place);
	network->errors = outer;
	if (text)
		return text;
	network->failed = failed;
	text_add(&adoption->unchecked, "%s", errors.n ? errors.messages[0] : argv[0]);
	return NULL;
}

/* Without the program, tables in the kernel are made by other software. */
static void check_nft_tables(struct adoption *adoption)
{
	unsigned int n = 0;
	int r = nft_count_tables(&n);

	if (r < 0)
		text_add(&adoption->unchecked, "nftables: nft is not installed: %s", strerror(-r));
	else if (n)
		text_add(&adoption->unchecked,
			 "nftables: nft is not installed, and the kernel has %u table%s", n,
			 n == 1 ? "" : "s");
}

void adopt_find_filters(struct network *network, const struct plan *plan, struct adoption *adoption)
{
	static const char *const nft[] = { "nft", "-j", "list", "ruleset", NULL };
	static const char *const ebtables[] = { "ebtables-legacy-save", NULL };
	_cleanup_free_ char *rules = NULL, *bridge_rules = NULL;
	struct net_place place;

	if (source_has_program(nft[0]))
		rules = run_tool(network, nft, &place, adoption);
	else
		check_nft_tables(adoption);
	if (rules)
		adopt_nft_rules(network, plan, place, rules, adoption);
	if (source_has_program(ebtables[0]))
		bridge_rules = run_tool(network, ebtables, &place, adoption);
	if (bridge_rules)
		adopt_ebtables_rules(bridge_rules, adoption);
	read_bindings(network, adoption);
}
