// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* which: the uplink of a flow, and why. */
#include "ctl/ctl.h"

/* 10.0.0.1 -> 10.0.0.2 in vswitch0/prod: eth1
 *   home uplink: hash 3 mod 2 = 1, which is eth1
 *   src-dst-ip hash 0x00000003, bucket 3 of 1024 */
static void print_answer(struct ctl *ctl, json_t *flow)
{
	const char *arrow = ctl->style.utf8 ? "→" : "->",
		   *destination = ctl_text(flow, "destination"), *uplink = ctl_text(flow, "uplink"),
		   *home = ctl_text(flow, "home");
	enum tint tint = !uplink			   ? TINT_BAD :
			 home && strcmp(uplink, home) == 0 ? TINT_GOOD :
							     TINT_WARN;

	fprintf(ctl->out, "%s", ctl_word(flow, "source"));
	if (destination)
		fprintf(ctl->out, " %s %s", arrow, destination);
	fprintf(ctl->out, " in %s/%s: %s%s%s\n", ctl_word(flow, "switch"), ctl_word(flow, "group"),
		tint_start(&ctl->style, tint), uplink ? uplink : "dropped",
		tint_end(&ctl->style, tint));
	fprintf(ctl->out, "  %s\n", ctl_word(flow, "reason"));
	fprintf(ctl->out, "  %s%s hash 0x%08x, bucket %u of %u%s\n",
		tint_start(&ctl->style, TINT_DIM), ctl_word(flow, "load_balancing"),
		(unsigned int)ctl_number(flow, "hash"), (unsigned int)ctl_number(flow, "bucket"),
		(unsigned int)ctl_number(flow, "buckets"), tint_end(&ctl->style, TINT_DIM));
}

/* Adds an L4 port. An exit status; an error has been printed. */
static int add_port(struct ctl *ctl, json_t *query, const char *member, const char *option,
		    const char *text)
{
	uint64_t port;

	if (!text)
		return CTL_DONE;
	if (parse_u64(text, 0, UINT16_MAX, &port) < 0)
		return ctl_fail(ctl, CTL_WRONG_REQUEST, "--%s %s: must be 0-65535", option, text);
	json_object_set_new(query, member, json_integer((json_int_t)port));
	return CTL_DONE;
}

int cmd_which(struct ctl *ctl)
{
	json_auto_t *query = json_pack("{s:s, s:s, s:s*}", "group", ctl->arguments[1], "source",
				       ctl->arguments[2], "destination", ctl->arguments[3]),
		    *flow = NULL;
	int status;

	status = add_port(ctl, query, "source_port", "sport", ctl->source_port);
	if (status == CTL_DONE)
		status = add_port(ctl, query, "destination_port", "dport", ctl->destination_port);
	if (status == CTL_DONE)
		status = ctl_read(ctl, "Which", ctl->arguments[0], TAKE_PTR(query), &flow);
	if (status)
		return status;
	if (ctl->json)
		return ctl_print_json(ctl, TAKE_PTR(flow));
	print_answer(ctl, flow);
	return CTL_DONE;
}
