// SPDX-License-Identifier: GPL-2.0
/* Which uplink may send and receive, and what follows: the single funnel. Carrier, administrative
 * state, up-delay, LACP and the operator's drain come together in uplinks_update(); nothing else
 * writes the flags of an uplink or the buckets of a policy. */
#include <stdarg.h>

#include "config/check.h"
#include "team/channel.h"

int uplinks_index(const struct vswitch *vs, const char *name)
{
	for (uint32_t i = 0; i < vs->dp->meta->n_uplinks; i++)
		if (strcmp(vs->dp->uplinks[i].name, name) == 0)
			return (int)i;
	return -ENOENT;
}

/* ---- flags
 * ------------------------------------------------------------------------------------------------------------------------
 */
/* With a channel, what a policy accepts does not change with the links. */
static bool in_every_policy(const struct vswitch *vs, uint32_t index)
{
	if (vs->cfg->channel == UL_CHANNEL_NONE)
		return false;
	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++)
		if (vs->dp->policies[i].n_buckets && !(vs->dp->policies[i].in_use >> index & 1))
			return false;
	return true;
}

static uint32_t wanted_flags(const struct vswitch *vs, uint32_t index)
{
	const struct uplink_state *state = &vs->uplink[index];
	uint32_t flags =
		vs->dp->uplinks[index].flags &
		(UL_UP_CARRIER | UL_UP_ADMIN | UL_UP_DRAINED | UL_UP_SPARE | UL_UP_FOR_ALL);
	bool lacp = vs->cfg->channel == UL_CHANNEL_LACP;

	if (!vs->dp->uplinks[index].ifindex)
		return flags & UL_UP_DRAINED;
	if (!lacp || state->lacp_collecting)
		flags |= UL_UP_RECEIVE;
	if (state->counted && !(flags & UL_UP_DRAINED) && (!lacp || state->lacp_distributing))
		flags |= UL_UP_SEND;
	return flags;
}

static uint32_t uplinks_with(const struct vswitch *vs, uint32_t flags)
{
	uint32_t mask = 0;

	for (uint32_t i = 0; i < vs->dp->meta->n_uplinks; i++)
		if ((vs->dp->uplinks[i].flags & flags) == flags)
			mask |= 1u << i;
	return mask;
}

static const char *state_text(uint32_t flags)
{
	if (flags & UL_UP_DRAINED)
		return "drained";
	if (!(flags & UL_UP_ADMIN))
		return "administratively down";
	if (!(flags & UL_UP_CARRIER))
		return "no carrier";
	return flags & UL_UP_SEND ? "in use" : "up, not in use yet";
}

/* ---- reports
 * --------------------------------------------------------------------------------------------------------------------------
 */
/* The first of what the partner can cause as often as it likes are told; then no more than one in a
 * while, with the number of those that were left out, so that they do not push everything else out
 * of the memory of events. */
#define REPORT_BURST 60
#define REPORT_INTERVAL_MS 5000

static bool may_report(struct uplink_state *state)
{
	uint64_t now = now_ms();

	/* How far the allowance is used up, as a point in time. */
	if (state->reports_until_ms < now)
		state->reports_until_ms = now;
	if (state->reports_until_ms - now > (REPORT_BURST - 1) * REPORT_INTERVAL_MS)
		return false;
	state->reports_until_ms += REPORT_INTERVAL_MS;
	return true;
}

static void report_now(struct vswitch *vs, uint32_t index, const char *text)
{
	struct uplink_state *state = &vs->uplink[index];
	const char *name = vs->dp->uplinks[index].name;

	if (state->left_out)
		vswitch_report(vs, name, "%s (%llu events before this were left out)", text,
			       (unsigned long long)state->left_out);
	else
		vswitch_report(vs, name, "%s", text);
	state->left_out = 0;
}

void uplink_report(struct vswitch *vs, uint32_t index, const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (may_report(&vs->uplink[index])) {
		report_now(vs, index, text);
		return;
	}
	vs->uplink[index].left_out++;
	log_debug("%s: %s: %s", vs->name, vs->dp->uplinks[index].name, text);
}

/* What it has come to in the end is never left out. */
void uplink_report_rest(struct vswitch *vs)
{
	for (uint32_t i = 0; i < vs->dp->meta->n_uplinks; i++)
		if (vs->uplink[i].left_out && may_report(&vs->uplink[i]))
			report_now(vs, i, state_text(vs->dp->uplinks[i].flags));
}

/* ---- failback: off
 * ------------------------------------------------------------------------------------------------------------------
 */
/* A recovered uplink waits as a spare as long as nothing else fails. */
static void bench(struct policy_slot *slot, uint32_t before, uint32_t now)
{
	uint32_t members = teaming_uplinks(&slot->teaming);
	uint32_t lost = before & ~now & members, gained = now & ~before & members;

	if (slot->teaming.failback) {
		slot->benched = 0;
		return;
	}
	if (lost & ~slot->benched)
		slot->benched = 0;
	if (now & before & members)
		slot->benched |= gained;
	slot->benched &= now;
	if (!(now & members & ~slot->benched))
		slot->benched = 0;
}

/* ---- policies
 * -----------------------------------------------------------------------------------------------------------------------
 */
static void build(const struct vswitch *vs, const struct policy_slot *slot, uint32_t usable,
		  struct ul_policy *ret)
{
	policy_build(&slot->teaming, vs->cfg->channel, usable & ~slot->benched,
		     uplinks_with(vs, UL_UP_DRAINED | UL_UP_CARRIER), ret);
}

static bool is_wanted(const struct vswitch *vs, const struct teaming *teaming)
{
	for (size_t g = 0; g < vs->cfg->n_groups; g++)
		if (teaming_equal(&vs->cfg->groups[g].teaming, teaming))
			return true;
	return false;
}

/* No record is free, because the groups still use those of the old configuration: one that the new
 * one has no use for changes under them. There always is one, since a configuration has at most
 * UL_MAX_POLICIES settings. */
static int slot_to_change(const struct vswitch *vs)
{
	for (int i = 0; i < UL_MAX_POLICIES; i++)
		if (!vs->policy[i].used || !is_wanted(vs, &vs->policy[i].teaming))
			return i;
	return -ENOSPC;
}

static int find_slot(struct vswitch *vs, const struct teaming *teaming)
{
	struct policy_slot wanted = { .used = true, .teaming = *teaming };
	uint32_t usable = uplinks_with(vs, UL_UP_SEND);
	struct ul_policy policy;
	int unused = -ENOSPC;

	for (int i = 0; i < UL_MAX_POLICIES; i++)
		if (vs->policy[i].used && teaming_equal(&vs->policy[i].teaming, teaming))
			return i;

	/* After a restart: one in the maps that has these settings. */
	if (!teaming->failback)
		wanted.benched = uplinks_with(vs, UL_UP_SEND | UL_UP_SPARE);
	build(vs, &wanted, usable, &policy);
	for (int i = UL_MAX_POLICIES - 1; i >= 0; i--) {
		if (vs->policy[i].used)
			continue;
		if (vs->dp->policies[i].n_buckets &&
		    policy_same_settings(&vs->dp->policies[i], &policy)) {
			unused = i;
			break;
		}
		if (!vs->dp->policies[i].n_buckets)
			unused = i;
	}
	if (unused < 0)
		unused = slot_to_change(vs);
	if (unused < 0)
		return unused;
	vs->policy[unused] = wanted;
	policy_publish(&vs->dp->policies[unused], &policy);
	return unused;
}

int policies_apply(struct vswitch *vs, uint32_t *ret_slots)
{
	for (size_t g = 0; g < vs->cfg->n_groups; g++) {
		int slot = find_slot(vs, &vs->cfg->groups[g].teaming);

		if (slot < 0)
			return log_error(slot, "%s: more than %d different teaming settings",
					 vs->name, UL_MAX_POLICIES);
		ret_slots[g] = (uint32_t)slot;
	}
	return 0;
}

void policies_prune(struct vswitch *vs, const uint32_t *slots)
{
	static const struct ul_policy none;

	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++) {
		bool wanted = false;

		for (size_t g = 0; g < vs->cfg->n_groups; g++)
			wanted = wanted || slots[g] == i;
		if (wanted)
			continue;
		vs->policy[i].used = false;
		if (vs->dp->policies[i].n_buckets)
			policy_publish(&vs->dp->policies[i], &none);
	}
}

static void policies_update(struct vswitch *vs, uint32_t before)
{
	uint32_t usable = uplinks_with(vs, UL_UP_SEND), spare = 0;

	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++) {
		struct policy_slot *slot = &vs->policy[i];
		struct ul_policy policy;

		if (!slot->used)
			continue;
		bench(slot, before, usable);
		spare |= slot->benched;
		build(vs, slot, usable, &policy);
		port_notify_moves(vs, i, policy_publish(&vs->dp->policies[i], &policy) > 0);
	}
	for (uint32_t i = 0; i < vs->dp->meta->n_uplinks; i++) {
		uint32_t flags = vs->dp->uplinks[i].flags &
				 ~(uint32_t)(UL_UP_SPARE | UL_UP_FOR_ALL);

		flags |= spare >> i & 1 ? UL_UP_SPARE : 0;
		flags |= vs->dp->uplinks[i].ifindex && in_every_policy(vs, i) ? UL_UP_FOR_ALL : 0;
		STORE(vs->dp->uplinks[i].flags, flags);
	}
}

/* Uplinks that only wait for their up-delay while somebody has no other: there is nothing that
 * waiting could protect. */
static uint32_t needed_now(const struct vswitch *vs)
{
	uint32_t sending = 0, waiting = 0, needed;

	for (uint32_t i = 0; i < vs->dp->meta->n_uplinks; i++) {
		if (wanted_flags(vs, i) & UL_UP_SEND)
			sending |= 1u << i;
		else if (vs->uplink[i].up_timer && !(vs->dp->uplinks[i].flags & UL_UP_DRAINED) &&
			 (vs->cfg->channel != UL_CHANNEL_LACP || vs->uplink[i].lacp_distributing))
			waiting |= 1u << i;
	}
	needed = sending ? 0 : waiting;
	for (uint32_t i = 0; waiting && i < UL_MAX_POLICIES; i++)
		if (vs->policy[i].used && !(teaming_uplinks(&vs->policy[i].teaming) & sending))
			needed |= teaming_uplinks(&vs->policy[i].teaming) & waiting;
	return needed;
}

static void stop_waiting(struct uplink_state *state)
{
	state->up_timer = sd_event_source_disable_unref(state->up_timer);
	state->counted = true;
}

void uplinks_update(struct vswitch *vs)
{
	uint32_t before = vs->sending, needed = needed_now(vs);

	for (uint32_t i = 0; i < vs->dp->meta->n_uplinks; i++)
		if (needed >> i & 1)
			stop_waiting(&vs->uplink[i]);
	for (uint32_t i = 0; i < vs->dp->meta->n_uplinks; i++) {
		struct ul_uplink *uplink = &vs->dp->uplinks[i];
		uint32_t flags = wanted_flags(vs, i), old = uplink->flags;

		if (flags == old)
			continue;
		STORE(uplink->flags, flags);
		if (uplink->ifindex &&
		    (flags ^ old) & (UL_UP_SEND | UL_UP_DRAINED | UL_UP_CARRIER | UL_UP_ADMIN))
			uplink_report(vs, i, "%s", state_text(flags));
	}
	policies_update(vs, before);
	vs->sending = uplinks_with(vs, UL_UP_SEND);
}

/* ---- up-delay
 * ------------------------------------------------------------------------------------------------------------------------
 */
static int up_long_enough(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct uplink_state *state = userdata;

	(void)source;
	(void)usec;
	stop_waiting(state);
	uplinks_update(state->vs);
	return 0;
}

static void start_up_timer(struct vswitch *vs, uint32_t index)
{
	struct uplink_state *state = &vs->uplink[index];
	int r;

	if (state->up_timer)
		return;
	r = sd_event_add_time_relative(vs->context.event, &state->up_timer, CLOCK_MONOTONIC,
				       vs->cfg->up_delay_ms * 1000ULL, 1000, up_long_enough, state);
	if (r < 0) {
		log_error(r, "%s: no timer; using the link at once", vs->dp->uplinks[index].name);
		state->counted = true;
	}
}

uint64_t uplink_waits_ms(const struct vswitch *vs, uint32_t index)
{
	uint64_t at_us, now = now_ms();

	if (!vs->uplink[index].up_timer ||
	    sd_event_source_get_time(vs->uplink[index].up_timer, &at_us) < 0)
		return 0;
	return at_us / 1000 > now ? at_us / 1000 - now : 1;
}

/* A shorter delay in the configuration holds for those that wait, too. */
static void limit_up_timer(struct vswitch *vs, uint32_t index)
{
	if (uplink_waits_ms(vs, index) > vs->cfg->up_delay_ms)
		sd_event_source_set_time_relative(vs->uplink[index].up_timer,
						  vs->cfg->up_delay_ms * 1000ULL);
}

void uplink_evaluate_link(struct vswitch *vs, uint32_t index, bool up)
{
	struct uplink_state *state = &vs->uplink[index];
	/* With LACP the delay begins when the link may be used: vswitch_set_lacp(). */
	bool at_once = !state->seen || !vs->cfg->up_delay_ms || vs->cfg->channel == UL_CHANNEL_LACP;

	if (!up) {
		state->up_timer = sd_event_source_disable_unref(state->up_timer);
		state->counted = false;
	} else if (!state->counted && !state->up_timer) {
		if (at_once)
			state->counted = true;
		else
			start_up_timer(vs, index);
	}
	state->seen = true;
}

void uplink_take_link_state(struct vswitch *vs, uint32_t index, const struct link_info *info)
{
	struct ul_uplink *uplink = &vs->dp->uplinks[index];
	uint32_t flags = uplink->flags & ~(uint32_t)(UL_UP_CARRIER | UL_UP_ADMIN);
	bool carrier = info->carrier, up = info->carrier && info->admin_up;
	struct link_speed speed = {};

	if (carrier)
		flags |= UL_UP_CARRIER;
	if (info->admin_up)
		flags |= UL_UP_ADMIN;
	if ((flags ^ uplink->flags) & (UL_UP_CARRIER | UL_UP_ADMIN))
		uplink_report(vs, index, "link %s", up ? "up" : "down");
	uplink->flags = flags;
	memcpy(uplink->mac, info->mac, sizeof(uplink->mac));
	if (carrier && link_get_speed(vs->context.links, uplink->ifindex, &speed) == 0)
		uplink->speed_mbps = speed.speed_mbps;
	uplink_evaluate_link(vs, index, up);
}

/* ---- the table of uplinks
 * -------------------------------------------------------------------------------------------------------------
 */
void uplinks_stop_timers(struct vswitch *vs)
{
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		vs->uplink[i].up_timer = sd_event_source_disable_unref(vs->uplink[i].up_timer);
		uplink_forget_refusal(&vs->uplink[i]);
	}
}

static uint8_t new_number(const uint8_t to[UL_MAX_UPLINKS], uint8_t uplink)
{
	return uplink < UL_MAX_UPLINKS ? to[uplink] : UL_NO_UPLINK;
}

static uint32_t renumbered(const uint8_t to[UL_MAX_UPLINKS], uint32_t uplinks)
{
	uint32_t mask = 0;

	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		if (uplinks >> i & 1 && to[i] != UL_NO_UPLINK)
			mask |= 1u << to[i];
	return mask;
}

/* Indexes in a list, without those that are gone. Returns how many there are now. */
static uint32_t renumber_list(const uint8_t to[UL_MAX_UPLINKS], uint8_t *list, uint32_t n)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < n; i++)
		if (to[list[i]] != UL_NO_UPLINK)
			list[left++] = to[list[i]];
	return left;
}

/* For the moment between the new numbers and the new policies, frames are accepted from the old
 * numbers and from the new ones. */
static void accept_both(struct vswitch *vs, const uint8_t to[UL_MAX_UPLINKS],
			uint32_t before[UL_MAX_POLICIES])
{
	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++) {
		before[i] = vs->dp->policies[i].in_use;
		STORE(vs->dp->policies[i].in_use, before[i] | renumbered(to, before[i]));
	}
}

/* The policies of before by the new numbers: they serve until everything of the new configuration
 * is in its place, which takes its time (MTU, XDP). */
static void renumber_policies(struct vswitch *vs, const uint8_t to[UL_MAX_UPLINKS],
			      const uint32_t in_use[UL_MAX_POLICIES])
{
	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++) {
		struct ul_policy policy = vs->dp->policies[i];
		struct policy_slot *slot = &vs->policy[i];

		slot->teaming.n_active =
			renumber_list(to, slot->teaming.active, slot->teaming.n_active);
		slot->teaming.n_standby =
			renumber_list(to, slot->teaming.standby, slot->teaming.n_standby);
		slot->benched = renumbered(to, slot->benched);
		if (!policy.n_buckets)
			continue;
		policy.in_use = renumbered(to, in_use[i]);
		for (uint32_t p = 0; p < policy.n_members; p++)
			policy.member[p] = new_number(to, policy.member[p]);
		for (uint32_t b = 0; b < policy.n_buckets; b++)
			policy.bucket[b] = new_number(to, policy.bucket[b]);
		policy_publish(&vs->dp->policies[i], &policy);
	}
}

/* Where a port was last. One that has left is none of ours any more, which is not the same as none:
 * its ports have moved, and the switches are to know. */
static uint8_t last_at(const uint8_t to[UL_MAX_UPLINKS], uint8_t uplink)
{
	if (uplink >= UL_MAX_UPLINKS)
		return uplink;
	return to[uplink] == UL_NO_UPLINK ? UL_MAX_UPLINKS : to[uplink];
}

static void place_record(struct vswitch *vs, uint32_t index, const struct ul_uplink *record)
{
	if (memcmp(&vs->dp->uplinks[index], record, sizeof(*record)) != 0)
		vs->dp->uplinks[index] = *record;
	if (record->ifindex)
		table_set(&vs->dp->ifaces, ul_iface_key(record->ifindex), index);
}

/* Leaves nothing behind that would be freed there. */
static struct uplink_state take_state(struct vswitch *vs, uint32_t index)
{
	struct uplink_state *from = &vs->uplink[index], state = *from;

	from->up_timer = from->retry_timer = NULL;
	state.known = true;
	return state;
}

static void put_state(struct vswitch *vs, uint32_t index, const struct uplink_state *state)
{
	struct uplink_state *to = &vs->uplink[index];

	*to = *state;
	to->vs = vs;
	to->index = index;
	if (to->up_timer) {
		sd_event_source_set_userdata(to->up_timer, to);
		limit_up_timer(vs, index);
	}
	if (to->retry_timer)
		sd_event_source_set_userdata(to->retry_timer, to);
}

/* Indexes follow the configuration: an uplink that keeps its name takes along its record, its
 * state, a delay that runs included, and its places in the policies. */
static void reorder(struct vswitch *vs)
{
	struct uplink_state states[UL_MAX_UPLINKS] = {};
	struct ul_uplink records[UL_MAX_UPLINKS] = {};
	const struct switch_cfg *cfg = vs->cfg;
	uint32_t in_use[UL_MAX_POLICIES];
	uint8_t to[UL_MAX_UPLINKS];
	uint32_t up = 0; /* bit i: who comes to place i was below it */
	bool moved = false;

	memset(to, UL_NO_UPLINK, sizeof(to));
	for (uint32_t i = 0; i < cfg->n_uplinks; i++) {
		int old = uplinks_index(vs, cfg->uplinks[i]);

		if (old >= 0) {
			to[old] = (uint8_t)i;
			moved = moved || old != (int)i;
			records[i] = vs->dp->uplinks[old];
			states[i] = take_state(vs, (uint32_t)old);
			if (old < (int)i)
				up |= 1u << i;
			/* What LACP said before a restart holds until channel_apply() knows better.
			 */
			if (!states[i].seen) {
				states[i].lacp_collecting = records[i].flags & UL_UP_RECEIVE;
				states[i].lacp_distributing = records[i].flags & UL_UP_SEND;
			}
		}
		if (old != (int)i)
			dataplane_reset_stats(vs->dp, i);
		snprintf(records[i].name, sizeof(records[i].name), "%s", cfg->uplinks[i]);
	}
	uplinks_stop_timers(vs); /* of those that have left */
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		put_state(vs, i, &states[i]);
	if (moved)
		accept_both(vs, to, in_use);
	/* From the top who moves up, then from the bottom all others: so a place becomes empty only
	 * when its uplink has another, and no frame finds none. */
	for (uint32_t i = UL_MAX_UPLINKS; i-- > 0;)
		if (up >> i & 1)
			place_record(vs, i, &records[i]);
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		if (!(up >> i & 1))
			place_record(vs, i, &records[i]);
	for (uint32_t slot = 0; slot < UL_MAX_PORTS; slot++)
		vs->port_uplink[slot] = last_at(to, vs->port_uplink[slot]);
	vs->dp->meta->n_uplinks = cfg->n_uplinks;
	if (moved)
		renumber_policies(vs, to, in_use);
	vs->sending = uplinks_with(vs, UL_UP_SEND);
}

static void release(struct vswitch *vs, struct ul_uplink *uplink)
{
	uplink_disconnect(vs, uplink);
	memset(uplink, 0, sizeof(*uplink));
}

void uplinks_let_go(struct vswitch *vs, const struct switch_cfg *cfg)
{
	channel_poll(vs->channel);
	for (uint32_t i = 0; i < vs->dp->meta->n_uplinks; i++) {
		if (switch_has_uplink(cfg, vs->dp->uplinks[i].name))
			continue;
		channel_let_go(vs, i);
		release(vs, &vs->dp->uplinks[i]);
	}
}

int uplinks_apply(struct vswitch *vs)
{
	int r, result = 0;

	uplinks_let_go(vs, vs->cfg);
	reorder(vs);

	for (uint32_t i = 0; i < vs->cfg->n_uplinks; i++) {
		const struct link_info *info = link_by_name(vs->context.links, vs->cfg->uplinks[i]);
		bool waiting = vs->uplink[i].known && !vs->dp->uplinks[i].ifindex, enslaved;

		if (!info) {
			log_info("%s: uplink %s is not there; waiting for it", vs->name,
				 vs->cfg->uplinks[i]);
			uplink_gone(vs, i);
			continue;
		}
		enslaved = info->master;
		r = uplink_take(vs, i, info);
		/* At start the others are better than none. Later the configuration is refused,
		 * unless this one could not be had before it either, or somebody has taken it away
		 * meanwhile: vswitch_check() refuses those that are new. */
		if (r < 0 && r != -ENODEV && vs->started && !waiting && !enslaved)
			result = r;
	}
	return result < 0 ? result : channel_apply(vs);
}

void uplinks_release_all(struct vswitch *vs)
{
	uplinks_stop_timers(vs);
	for (uint32_t i = 0; i < vs->dp->meta->n_uplinks; i++) {
		channel_let_go(vs, i);
		release(vs, &vs->dp->uplinks[i]);
	}
}

int vswitch_drain(struct vswitch *vs, const char *name, bool drain)
{
	int index = uplinks_index(vs, name);
	uint32_t flags;

	if (index < 0)
		return index;
	flags = vs->dp->uplinks[index].flags;
	if (!!(flags & UL_UP_DRAINED) == drain)
		return -EALREADY;
	vs->dp->uplinks[index].flags = drain ? flags | UL_UP_DRAINED :
					       flags & ~(uint32_t)UL_UP_DRAINED;
	uplinks_update(vs);
	channel_drain(vs, (uint32_t)index, drain);
	return 0;
}

void vswitch_set_lacp(struct vswitch *vs, uint32_t index, bool collecting, bool distributing)
{
	struct uplink_state *state = &vs->uplink[index];
	uint32_t others = uplinks_with(vs, UL_UP_SEND) & ~(1u << index);

	if (state->lacp_collecting == collecting && state->lacp_distributing == distributing)
		return;
	/* The partner has agreed, but may take a moment to open its side. Who has other links can
	 * wait; the protocol says so already. */
	if (distributing && !state->lacp_distributing && state->counted && others &&
	    vs->cfg->up_delay_ms) {
		state->counted = false;
		start_up_timer(vs, index);
	} else if (!distributing && state->up_timer) {
		stop_waiting(state); /* the delay belongs to this agreement: the next one begins its
					own */
	}
	state->lacp_collecting = collecting;
	state->lacp_distributing = distributing;
	uplinks_update(vs);
}
