// SPDX-License-Identifier: GPL-2.0
/* uplink drain|undrain: after the daemon has moved the flows, look at the counters until nothing is
 * sent any more, and say whether the cable can be pulled. What still arrives is the physical
 * switch's decision: only LACP or the switch's administrator can change that. */
#include "ctl/ctl.h"
#include "ctl/records.h"

#define DRAIN_LIMIT_MS 3000
#define DRAIN_SAMPLE_MS 250

static int find_uplink(const struct switches *switches, const char *name, size_t *ret_switch)
{
	for (size_t s = 0; s < switches->n; s++) {
		const struct snapshot *snapshot = switches->snapshots[s];

		for (uint32_t i = 0; i < snapshot->n_uplinks; i++) {
			if (strcmp(snapshot->uplinks[i].raw.name, name) == 0) {
				*ret_switch = s;
				return (int)i;
			}
		}
	}
	return -1;
}

struct drain {
	bool drained, sending;
	uint64_t arriving; /* packets in the last sample, LACPDUs and the like not counted */
	uint32_t channel;
	const char *switch_name;
};

static uint64_t received(const struct ul_stats *stats)
{
	return stats_received(stats).packets - stats->control.packets - stats->answered.packets -
	       stats->excess.packets;
}

/* Samples until the uplink is marked and silent (with LACP: in both directions), or the limit.
 * false: the maps cannot be read (not root): nothing is known. */
static bool watch(struct ctl *ctl, const char *interface, struct switches *switches,
		  struct drain *ret)
{
	uint64_t deadline_ms = now_ms() + DRAIN_LIMIT_MS;
	struct ctl quiet = *ctl;
	_cleanup_fclose_ FILE *sink = fopen("/dev/null", "w");
	struct ul_stats before;
	size_t s = 0;
	int index;

	quiet.err = sink ? sink : ctl->err;
	if (switches_open(&quiet, NULL, switches) != CTL_DONE)
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
		/* LACP tells the switch to move its flows away, too; that takes a moment. */
	} while ((!ret->drained || ret->sending ||
		  (ret->arriving && ret->channel == UL_CHANNEL_LACP)) &&
		 now_ms() < deadline_ms);
	return true;
}

static const char *advice(const struct drain *drain)
{
	if (!drain->drained || drain->sending)
		return "not yet: frames still leave by it; look again with 'uplinkctl status'";
	if (drain->channel == UL_CHANNEL_STATIC)
		return "the switch cannot know on a static channel and goes on using the link: shut its port (or take it out of the channel) before you pull the cable. "
		       "With 'channel: lacp' the switch would be told";
	if (drain->arriving)
		return "frames still arrive: wait until the switch has learned the new way, then it is safe to pull the cable";
	return "it is safe to pull the cable";
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
		fprintf(ctl->out, "%s is drained (its counters can only be seen by root)\n",
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
	fprintf(ctl->out, "%s%s: %s\n", interface,
		drain.drained && !drain.sending ? " is drained" : "", advice(&drain));
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
	fprintf(ctl->out, "%s may be used again\n", interface);
	return CTL_DONE;
}
