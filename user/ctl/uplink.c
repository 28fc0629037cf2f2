// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* uplink drain|undrain: after the daemon has moved the flows, the counters are sampled until no
 * frame leaves, and the command reports whether the cable can be unplugged. Frames that still
 * arrive are the decision of the physical switch: only LACP or its administrator can stop them. */
#include "ctl/ctl.h"

#define DRAIN_LIMIT_MS 3000
#define DRAIN_SAMPLE_MS 250

static int find_uplink(const struct switches *switches, const char *name, size_t *ret_switch)
{
	for (size_t s = 0; s < switches->n; s++) {
		int index = uplink_by_name(switches->snapshots[s], name);

		if (index >= 0) {
			*ret_switch = s;
			return index;
		}
	}
	return -1;
}

struct drain {
	bool drained, sending;
	uint64_t arriving; /* packets in the last sample without control frames */
	uint32_t channel;
	const char *switch_name;
};

static uint64_t received(const struct ul_stats *stats)
{
	return stats_received(stats).packets - stats->control.packets - stats->answered.packets -
	       stats->excess.packets;
}

/* Samples until the uplink is marked as drained and silent (with LACP: in both directions), or the
 * limit is reached. false: the maps cannot be read (not root). */
static bool watch(struct ctl *ctl, const char *interface, struct switches *switches,
		  struct drain *ret)
{
	uint64_t deadline_ms = now_ms() + DRAIN_LIMIT_MS;
	struct ul_stats before;
	size_t s = 0;
	int index;

	if (switches_open(ctl->bpffs, NULL, switches, NULL) < 0)
		return false;
	index = find_uplink(switches, interface, &s);
	if (index < 0)
		return false;
	before = switches->snapshots[s]->uplinks[index].stats;
	*ret = (struct drain){ .channel = switches->views[s]->meta->channel,
			       .switch_name = switches->views[s]->name };

	do {
		struct snapshot *now;

		usleep(DRAIN_SAMPLE_MS * 1000);
		if (snapshot_take(switches->views[s], &now) < 0)
			return false;
		ret->drained = now->uplinks[index].drained;
		ret->sending = now->uplinks[index].stats.sent.packets != before.sent.packets;
		ret->arriving = received(&now->uplinks[index].stats) - received(&before);
		before = now->uplinks[index].stats;
		snapshot_free(now);
		/* with LACP or PAgP the switch moves its flows away, too, a moment later */
	} while ((!ret->drained || ret->sending ||
		  (ret->arriving && UL_IS_NEGOTIATED(ret->channel))) &&
		 now_ms() < deadline_ms);
	return true;
}

static const char *advice(const struct drain *drain)
{
	if (!drain->drained || drain->sending)
		return "not drained yet: frames still leave on it; see 'uplinkctl show uplinks'";
	if (drain->channel == UL_CHANNEL_STATIC)
		return "drained, but a static channel does not inform the switch, which continues to send on the link: shut down the switch port (or remove it from the channel) before unplugging the cable; 'channel: lacp' informs the switch";
	if (drain->arriving)
		return "drained, but frames still arrive: wait until the switch has learned the new path before unplugging the cable";
	return "drained; it is safe to unplug the cable";
}

int cmd_uplink_drain(struct ctl *ctl)
{
	_cleanup_(switches_close) struct switches switches = {};
	const char *interface = ctl->arguments[0];
	struct drain drain;
	bool safe;
	int status;

	status = ctl_request(ctl, "Drain", json_pack("{s:s}", "uplink", interface), NULL);
	if (status)
		return status;
	if (!watch(ctl, interface, &switches, &drain)) {
		if (ctl->json)
			return ctl_print_json(ctl, json_pack("{s:s, s:b}", "uplink", interface,
							     "drained", 1));
		fprintf(ctl->out, "%s: drained; run as root to see whether frames still arrive\n",
			interface);
		return CTL_DONE;
	}
	safe = drain.drained && !drain.sending && !drain.arriving &&
	       drain.channel != UL_CHANNEL_STATIC;
	if (ctl->json)
		return ctl_print_json(ctl, json_pack("{s:s, s:s, s:b, s:b, s:b, s:b, s:s}",
						     "switch", drain.switch_name, "uplink",
						     interface, "drained", drain.drained, "sending",
						     drain.sending, "receiving", drain.arriving > 0,
						     "safe", safe, "message", advice(&drain)));
	fprintf(ctl->out, "%s: %s\n", interface, advice(&drain));
	return CTL_DONE;
}

int cmd_uplink_undrain(struct ctl *ctl)
{
	const char *interface = ctl->arguments[0];
	int status = ctl_request(ctl, "Undrain", json_pack("{s:s}", "uplink", interface), NULL);

	if (status)
		return status;
	if (ctl->json)
		return ctl_print_json(ctl,
				      json_pack("{s:s, s:b}", "uplink", interface, "drained", 0));
	fprintf(ctl->out, "%s: undrained\n", interface);
	return CTL_DONE;
}
