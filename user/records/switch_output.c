// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "records/switch_output.h"

#include <ctype.h>

#include "common/util.h"

#define MAX_TOKENS 24

enum section {
	SECTION_NONE,
	SECTION_NATIVE_LAST,   /* show interfaces trunk: the native VLAN is the last column */
	SECTION_NATIVE_SECOND, /* NX-OS: the second one */
	SECTION_ALLOWED,
	SECTION_ACTIVE,
	SECTION_PARTNER,
	SECTION_BALANCE,
	SECTION_JUNOS,
};

struct parser {
	struct switch_output *output;
	struct errors *errors;
	enum section section;
	bool has_channel;		 /* members belong to the last channel */
	char last_port[OUTPUT_NAME_LEN]; /* of a VLAN list that may continue */
	char line[OUTPUT_MAX_LINE + 1];
	char *tokens[MAX_TOKENS];
	size_t n_tokens, number;
};

/* ---- names ---- */
static size_t letters_of(const char *name)
{
	size_t n = 0;

	while (isalpha((unsigned char)name[n]) ||
	       (name[n] == '-' && isalpha((unsigned char)name[n + 1])))
		n++;
	return n;
}

bool output_port_equal(const char *a, const char *b)
{
	size_t n = letters_of(a), m = letters_of(b), shorter = n < m ? n : m;

	if (strcmp(a + n, b + m) != 0)
		return false;
	return n == m ? strncasecmp(a, b, n) == 0 : shorter >= 2 && strncasecmp(a, b, shorter) == 0;
}

static bool copy_name(char to[OUTPUT_NAME_LEN], const char *from, size_t length)
{
	if (length == 0 || length >= OUTPUT_NAME_LEN)
		return false;
	memcpy(to, from, length);
	to[length] = '\0';
	return true;
}

static bool is_channel_name(const char *name)
{
	size_t n = letters_of(name);

	return name[n] && strspn(name + n, "0123456789") == strlen(name + n) &&
	       ((n == 2 && strncasecmp(name, "Po", n) == 0) ||
		(n == 12 && strncasecmp(name, "port-channel", n) == 0));
}

/* ---- growing the output ---- */
static int too_many(struct parser *parser, const char *what, size_t limit)
{
	errors_add(parser->errors, 0, "line %zu: more than %zu %s", parser->number, limit, what);
	return -EINVAL;
}

static int add_channel(struct parser *parser, const char *name, size_t length)
{
	struct switch_output *output = parser->output;
	struct output_channel channel = {};

	parser->has_channel = false;
	if (!copy_name(channel.name, name, length))
		return 0;
	if (output->n_channels == OUTPUT_MAX_CHANNELS)
		return too_many(parser, "channels", OUTPUT_MAX_CHANNELS);
	output->channels[output->n_channels++] = channel;
	parser->has_channel = true;
	return 0;
}

static int add_member(struct parser *parser, const char *name, size_t length, char flag)
{
	struct switch_output *output = parser->output;
	struct output_member member = { .channel = (uint32_t)output->n_channels - 1, .flag = flag };

	if (!parser->has_channel || !copy_name(member.port, name, length))
		return 0;
	if (output->n_members == OUTPUT_MAX_MEMBERS)
		return too_many(parser, "members", OUTPUT_MAX_MEMBERS);
	output->members[output->n_members++] = member;
	return 0;
}

/* The trunk of a port, made if needed; *ret NULL: the name is none. */
static int find_trunk(struct parser *parser, const char *port, struct output_trunk **ret)
{
	struct switch_output *output = parser->output;
	struct output_trunk trunk = {};

	*ret = NULL;
	if (!copy_name(trunk.port, port, strlen(port)))
		return 0;
	for (size_t i = 0; i < output->n_trunks; i++)
		if (strcmp(output->trunks[i].port, port) == 0) {
			*ret = &output->trunks[i];
			return 0;
		}
	if (output->n_trunks == OUTPUT_MAX_TRUNKS)
		return too_many(parser, "trunks", OUTPUT_MAX_TRUNKS);
	output->trunks[output->n_trunks] = trunk;
	*ret = &output->trunks[output->n_trunks++];
	return 0;
}

/* ---- channels ---- */
static enum output_protocol protocol_of(const char *token)
{
	if (strncasecmp(token, "LACP", 4) == 0)
		return OUTPUT_LACP;
	if (strncasecmp(token, "PAgP", 4) == 0)
		return OUTPUT_PAGP;
	if (strcmp(token, "-") == 0 || strcasecmp(token, "NONE") == 0 ||
	    strcasecmp(token, "Static") == 0)
		return OUTPUT_STATIC;
	return OUTPUT_UNKNOWN;
}

/* "Po1(SU)", "Gi1/0/1(P)", "LACP", "-" in the order of the summary. */
static int read_summary(struct parser *parser)
{
	struct switch_output *output = parser->output;

	for (size_t i = 0; i < parser->n_tokens; i++) {
		char *token = parser->tokens[i], *open = strchr(token, '(');
		enum output_protocol protocol = protocol_of(token);
		int r = 0;

		if (protocol != OUTPUT_UNKNOWN && parser->has_channel &&
		    output->channels[output->n_channels - 1].protocol == OUTPUT_UNKNOWN) {
			output->channels[output->n_channels - 1].protocol = protocol;
			continue;
		}
		if (!open || open == token || !strchr(open, ')') ||
		    !isalpha((unsigned char)open[1]))
			continue;
		*open = '\0';
		if (is_channel_name(token))
			r = add_channel(parser, token, strlen(token));
		else if (token[letters_of(token)] && letters_of(token))
			r = add_member(parser, token, strlen(token), open[1]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Junos: "ge-0/0/0 Actor No No Yes Yes Yes Yes Fast Active": expired, defaulted, distributing. */
static int read_junos(struct parser *parser)
{
	if (parser->n_tokens < 6 || strcasecmp(parser->tokens[1], "Actor") != 0)
		return 0;
	return add_member(parser, parser->tokens[0], strlen(parser->tokens[0]),
			  strcasecmp(parser->tokens[4], "Yes") == 0 ? 'P' : 's');
}

/* ---- trunks ---- */
/* "10,20-30", "none", "1-4094"; a part that is no VLAN ends the list. */
static void read_vlans(const char *text, uint64_t vlans[UL_N_VLANS / 64])
{
	while (isdigit((unsigned char)*text)) {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (*end == '-' && isdigit((unsigned char)end[1]))
			last = strtoul(end + 1, &end, 10);
		for (unsigned long v = first; v <= last && v < UL_N_VLANS; v++)
			vlans[v / 64] |= 1ULL << v % 64;
		text = *end == ',' ? end + 1 : end;
		if (*end != ',')
			break;
	}
}

static int add_vlans(struct parser *parser, const char *port, const char *list)
{
	struct output_trunk *trunk;
	int r = find_trunk(parser, port, &trunk);

	if (r < 0 || !trunk)
		return r;
	if (parser->section == SECTION_ALLOWED) {
		trunk->has_allowed = true;
		read_vlans(list, trunk->allowed);
	} else {
		trunk->has_active = true;
		read_vlans(list, trunk->active);
	}
	return 0;
}

static int read_vlan_list(struct parser *parser)
{
	bool continues = isspace((unsigned char)parser->line[0]);

	if (continues && parser->last_port[0] && isdigit((unsigned char)parser->tokens[0][0]))
		return add_vlans(parser, parser->last_port, parser->tokens[0]);
	if (parser->n_tokens < 2 ||
	    !copy_name(parser->last_port, parser->tokens[0], strlen(parser->tokens[0])))
		return 0;
	return add_vlans(parser, parser->last_port, parser->tokens[1]);
}

static int read_native(struct parser *parser)
{
	const char *number =
		parser->tokens[parser->section == SECTION_NATIVE_SECOND ? 1 : parser->n_tokens - 1];
	struct output_trunk *trunk;
	unsigned long native;
	char *end;
	int r;

	if (parser->n_tokens < 2 || !isdigit((unsigned char)number[0]))
		return 0;
	native = strtoul(number, &end, 10);
	if (*end || native == 0 || native >= UL_N_VLANS - 1)
		return 0;
	r = find_trunk(parser, parser->tokens[0], &trunk);
	if (r == 0 && trunk)
		trunk->native = (uint32_t)native;
	return r;
}

/* ---- partners ---- */
/* "0200.0000.0001", "32768,2-0-0-0-0-1", "02:00:00:00:00:01" */
static bool read_mac(const char *text, uint8_t ret[6])
{
	const char *comma = strchr(text, ',');
	unsigned int b[6];
	int end = 0;

	text = comma ? comma + 1 : text;
	if (sscanf(text, "%2x%2x.%2x%2x.%2x%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
		   &end) != 6 ||
	    text[end]) {
		end = 0;
		if (sscanf(text, "%2x%*1[-:]%2x%*1[-:]%2x%*1[-:]%2x%*1[-:]%2x%*1[-:]%2x%n", &b[0],
			   &b[1], &b[2], &b[3], &b[4], &b[5], &end) != 6 ||
		    text[end])
			return false;
	}
	for (int i = 0; i < 6; i++)
		ret[i] = (uint8_t)b[i];
	return true;
}

static int read_partner(struct parser *parser)
{
	struct switch_output *output = parser->output;
	struct output_partner partner = {};

	for (size_t i = 1; i < parser->n_tokens; i++) {
		if (!read_mac(parser->tokens[i], partner.system))
			continue;
		if (!copy_name(partner.port, parser->tokens[0], strlen(parser->tokens[0])))
			return 0;
		if (output->n_partners == OUTPUT_MAX_MEMBERS)
			return too_many(parser, "partners", OUTPUT_MAX_MEMBERS);
		output->partners[output->n_partners++] = partner;
		return 0;
	}
	return 0;
}

/* ---- load balancing ---- */
/* "src-dst-ip", "System: source-dest-ip", "IP: src-dst ip-l4port rotate 0" -> "src-dst-ip" */
static void read_balance(struct parser *parser)
{
	static const char *const fields[] = { "ip", "mac", "port", "l4" };
	size_t at = strcasecmp(parser->tokens[0], "System:") == 0 ||
		    strcasecmp(parser->tokens[0], "IP:") == 0;
	const char *method, *field = "";
	bool is_long;

	if ((at == 0 && parser->n_tokens != 1) || at >= parser->n_tokens)
		return;
	method = parser->tokens[at];
	for (size_t i = 0; i < ARRAY_SIZE(fields) && at + 1 < parser->n_tokens; i++)
		if (strncmp(parser->tokens[at + 1], fields[i], strlen(fields[i])) == 0)
			field = parser->tokens[at + 1];
	is_long = strncmp(method, "source-dest-", 12) == 0;
	snprintf(parser->output->load_balance, OUTPUT_NAME_LEN, "%s%.18s%s%.18s",
		 is_long ? "src-dst-" : "", is_long ? method + 12 : method, field[0] ? "-" : "",
		 field);
	parser->section = SECTION_NONE;
}

/* ---- lines ---- */
/* A table of other VLANs, the title of a summary, or a prompt with a command. */
static bool ends_section(const char *line)
{
	return (strncasecmp(line, "Port ", 5) == 0 && strcasestr(line, "vlans")) ||
	       (strcasestr(line, "protocol") && strcasestr(line, "ports")) ||
	       (strpbrk(line, "#>") && strcasestr(line, "sh"));
}

/* A heading changes the section; true: the line is one. */
static bool read_heading(struct parser *parser)
{
	const char *line = parser->line;
	enum section section;

	if (strcasestr(line, "vlans allowed and active"))
		section = SECTION_ACTIVE;
	else if (strcasestr(line, "vlans allowed"))
		section = SECTION_ALLOWED;
	else if (strcasestr(line, "native vlan"))
		section = SECTION_NATIVE_LAST;
	else if (strncasecmp(line, "Port ", 5) == 0 && strcasestr(line, " native "))
		section = SECTION_NATIVE_SECOND;
	else if (strcasestr(line, "partner's information"))
		section = SECTION_PARTNER;
	else if (strcasestr(line, "load-balancing configuration") ||
		 strcasestr(line, "system config:"))
		section = SECTION_BALANCE;
	else if (ends_section(line))
		section = SECTION_NONE;
	else
		return false;
	parser->section = section;
	parser->last_port[0] = '\0';
	parser->has_channel = false;
	return true;
}

static void split(struct parser *parser, char *copy)
{
	char *rest = copy, *token;

	parser->n_tokens = 0;
	while (parser->n_tokens < MAX_TOKENS && (token = strsep(&rest, " \t\r")))
		if (*token)
			parser->tokens[parser->n_tokens++] = token;
}

static int read_line(struct parser *parser)
{
	static const char junos[] = "Aggregated interface: ";
	char copy[OUTPUT_MAX_LINE + 1];

	if (strncmp(parser->line, junos, strlen(junos)) == 0) {
		const char *name = parser->line + strlen(junos);
		int r = add_channel(parser, name, strcspn(name, " \t\r"));

		if (parser->has_channel)
			parser->output->channels[parser->output->n_channels - 1].protocol =
				OUTPUT_LACP;
		parser->section = SECTION_JUNOS;
		return r;
	}
	if (read_heading(parser))
		return 0;
	strcpy(copy, parser->line);
	split(parser, copy);
	if (parser->n_tokens == 0)
		return 0;
	switch (parser->section) {
	case SECTION_NATIVE_LAST:
	case SECTION_NATIVE_SECOND:
		return read_native(parser);
	case SECTION_ALLOWED:
	case SECTION_ACTIVE:
		return read_vlan_list(parser);
	case SECTION_PARTNER:
		return read_partner(parser);
	case SECTION_BALANCE:
		read_balance(parser);
		return 0;
	case SECTION_JUNOS:
		return read_junos(parser);
	case SECTION_NONE:
		break;
	}
	return read_summary(parser);
}

static int read_all(struct parser *parser, const char *text, size_t length)
{
	while (length > 0) {
		const char *end = memchr(text, '\n', length);
		size_t n = end ? (size_t)(end - text) : length;
		int r;

		parser->number++;
		if (n > OUTPUT_MAX_LINE) {
			errors_add(parser->errors, 0, "line %zu: longer than %d characters",
				   parser->number, OUTPUT_MAX_LINE);
			return -EINVAL;
		}
		if (memchr(text, '\0', n)) {
			errors_add(parser->errors, 0, "line %zu: contains a NUL byte: must be text",
				   parser->number);
			return -EINVAL;
		}
		memcpy(parser->line, text, n);
		parser->line[n] = '\0';
		/* parts of it reach terminals and JSON */
		for (char *c = parser->line; *c; c++)
			if ((*c < ' ' && *c != '\t' && *c != '\r') || *c > '~')
				*c = '?';
		r = read_line(parser);
		if (r < 0)
			return r;
		text += n + (end != NULL);
		length -= n + (end != NULL);
	}
	return 0;
}

int switch_output_parse(const char *text, size_t length, struct switch_output *ret,
			struct errors *errors)
{
	_cleanup_(switch_output_done) struct switch_output output = {};
	struct parser parser = { .output = &output, .errors = errors };
	int r;

	if (length > OUTPUT_MAX_BYTES) {
		errors_add(errors, 0, "longer than %d bytes", OUTPUT_MAX_BYTES);
		return -EINVAL;
	}
	output.channels = calloc(OUTPUT_MAX_CHANNELS, sizeof(*output.channels));
	output.members = calloc(OUTPUT_MAX_MEMBERS, sizeof(*output.members));
	output.trunks = calloc(OUTPUT_MAX_TRUNKS, sizeof(*output.trunks));
	output.partners = calloc(OUTPUT_MAX_MEMBERS, sizeof(*output.partners));
	if (!output.channels || !output.members || !output.trunks || !output.partners)
		return -ENOMEM;
	r = read_all(&parser, text, length);
	if (r < 0)
		return r;
	if (!output.n_channels && !output.n_trunks && !output.n_partners &&
	    !output.load_balance[0]) {
		errors_add(errors, 0,
			   "has none of the known outputs: show etherchannel summary, show lacp "
			   "neighbor, show interfaces trunk, show etherchannel load-balance");
		return -EINVAL;
	}
	*ret = output;
	output = (struct switch_output){};
	return 0;
}

void switch_output_done(struct switch_output *output)
{
	free(output->channels);
	free(output->members);
	free(output->trunks);
	free(output->partners);
	*output = (struct switch_output){};
}
