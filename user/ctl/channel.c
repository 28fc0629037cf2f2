// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* show channel: the uplinks with the flag letters of `show etherchannel summary`. */
#include "ctl/ctl.h"
#include "records/channel_records.h"

#define CHANNEL_WIDTH 20 /* name and state */

static void print_legend(struct ctl *ctl)
{
	fputs("Flags:", ctl->out);
	for (enum channel_flag flag = 0; flag < N_CHANNEL_FLAGS; flag++)
		fprintf(ctl->out, "%s%c - %-*s",
			flag % 3 ? "" :
			flag	 ? "\n        " :
				   "  ",
			channel_flag_letter(flag),
			flag % 3 == 2 || flag + 1 == N_CHANNEL_FLAGS ? 0 : 20,
			channel_flag_help(flag));
	fputs("\nChannel: S - layer 2, U - in use, D - down, M - fewer than min-links\n\n",
	      ctl->out);
}

/* What is known of the other end, and why an uplink is out. */
static void describe(json_t *uplink, char *text, size_t size)
{
	const char *device = ctl_text(uplink, "neighbour_device"),
		   *port = ctl_text(uplink, "neighbour_port"), *reason = ctl_text(uplink, "reason"),
		   *flag = ctl_word(uplink, "flag");
	bool out = *flag != channel_flag_letter(CHANNEL_BUNDLED);
	size_t n = 0;

	text[0] = '\0';
	if (device || port)
		n = (size_t)snprintf(text, size, "%s %s", device ? device : "?", port ? port : "?");
	if (out && n < size)
		snprintf(text + n, size - n, "%s%s", n ? ", " : "",
			 reason ? reason : ctl_word(uplink, "state"));
}

static void print_channel(struct ctl *ctl, size_t number, json_t *record)
{
	const char *protocol = ctl_text(record, "protocol"), *channel = ctl_word(record, "channel");
	bool in_use = json_is_true(json_object_get(record, "in_use"));
	char name[64], prefix[192], text[512];
	json_t *uplink;
	size_t i;

	snprintf(name, sizeof(name), "%s(S%s%s)", ctl_word(record, "switch"), in_use ? "U" : "D",
		 json_is_true(json_object_get(record, "min_links_missed")) ? "M" : "");
	json_array_foreach(json_object_get(record, "uplinks"), i, uplink) {
		char port[48];

		snprintf(port, sizeof(port), "%s(%s)", ctl_word(uplink, "uplink"),
			 ctl_word(uplink, "flag"));
		describe(uplink, text, sizeof(text));
		if (i == 0)
			snprintf(prefix, sizeof(prefix), "%-6zu %-*s %-9s %-*s ", number,
				 CHANNEL_WIDTH, name,
				 protocol		      ? protocol :
				 strcmp(channel, "none") == 0 ? "none" :
								"-",
				 text[0] ? 18 : 0, port);
		else
			snprintf(prefix, sizeof(prefix), "%*s%-*s ", 6 + 1 + CHANNEL_WIDTH + 1 + 10,
				 "", text[0] ? 18 : 0, port);
		if (!text[0])
			prefix[strlen(prefix) - 1] = '\0';
		text_wrap(ctl->out, prefix, (int)text_width(prefix), 57, ctl->style.width, text);
	}
}

int cmd_show_channel(struct ctl *ctl)
{
	json_auto_t *records = NULL;
	const char *name = ctl->arguments[0];
	size_t in_use = 0, i;
	json_t *record;
	int status;

	if (name && strcmp(name, "summary") == 0)
		name = ctl->arguments[1];
	else if (ctl->arguments[1])
		return ctl_fail(ctl, CTL_WRONG_REQUEST,
				"show channel: %s: unknown word: must be 'summary'", name);
	status = ctl_read(ctl, "Channels", name, NULL, &records);
	if (status)
		return status;
	if (ctl->json)
		return ctl_print_json(ctl, TAKE_PTR(records));
	json_array_foreach(records, i, record)
		in_use += strcmp(ctl_word(record, "channel"), "none") != 0;
	print_legend(ctl);
	fprintf(ctl->out, "Number of channels in use: %zu\n\n", in_use);
	fprintf(ctl->out, "Group  %-*s Protocol  Ports\n", CHANNEL_WIDTH, "Channel");
	fputs("------+--------------------+---------+------------------------------------------\n",
	      ctl->out);
	json_array_foreach(records, i, record)
		print_channel(ctl, i + 1, record);
	return CTL_DONE;
}
