// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Saving and restoring the protocol state that outlives the daemon (headers/lacp_abi.h). */
#include "common/util.h"
#include "lacp/port.h"

struct lacp_saved_info lacp_info_save(const struct lacp_info *info)
{
	struct lacp_saved_info saved = {
		.system_priority = info->system_priority,
		.key = info->key,
		.port_priority = info->port_priority,
		.port = info->port,
		.state = info->state,
	};

	memcpy(saved.system, info->system, sizeof(saved.system));
	return saved;
}

struct lacp_info lacp_info_load(const struct lacp_saved_info *saved)
{
	struct lacp_info info = {
		.system_priority = saved->system_priority,
		.key = saved->key,
		.port_priority = saved->port_priority,
		.port = saved->port,
		.state = saved->state,
	};

	memcpy(info.system, saved->system, sizeof(info.system));
	return info;
}

static bool is_healthy(const struct lacp_port *port)
{
	const uint8_t good = LACP_SYNCHRONIZATION | LACP_COLLECTING | LACP_DISTRIBUTING,
		      bad = LACP_DEFAULTED | LACP_EXPIRED;
	const bool member = port->enabled && port->receive == LACP_RX_CURRENT &&
			    port->selected == LACP_SELECTED && !port->individual && !port->drained;

	return member && lacp_is_maintained(port) && (port->actor_state & (good | bad)) == good &&
	       (port->partner.state & (good | bad)) == good;
}

/* The pattern for received frames: the partner's LACPDU, built from the partner's point of view. */
static void save_match(const struct lacp_port *port, const struct lacp_info *actor,
		       struct lacp_saved *ret)
{
	static const struct {
		uint8_t from, length;
		/* clang-format off */
	} compared[] = {
		{ 0, 6 },			/* destination */
		{ LACP_OFF_TYPE, 3 },		/* EtherType, subtype */
		/* TLV header, identity and state of the partner */
		{ LACP_OFF_ACTOR, 17 },
		/* TLV header, the partner's view of the actor's identity; state: bits of update_NTT */
		{ LACP_OFF_PARTNER, 16 },
		{ LACP_OFF_COLLECTOR, 2 },	/* TLV header: else it is illegal */
	};
	/* clang-format on */
	static const uint8_t no_source[6];
	uint8_t frame[LACP_FRAME_LEN];

	lacp_frame_build(frame, no_source, &port->partner, actor);
	for (size_t i = 0; i < ARRAY_SIZE(compared); i++)
		memset(ret->mask + compared[i].from, 0xff, compared[i].length);
	ret->mask[LACP_OFF_PARTNER + LACP_OFF_INFO_STATE] = LACP_ACTIVITY | LACP_TIMEOUT |
							    LACP_AGGREGATION | LACP_SYNCHRONIZATION;
	for (size_t i = 0; i < LACP_MATCH_LEN; i++)
		ret->match[i] = frame[i] & ret->mask[i];
}

int lacp_save(const struct lacp *lacp, uint16_t number, struct lacp_saved *ret)
{
	const struct lacp_port *port = lacp_find(lacp, number);
	struct lacp_info actor;

	if (!port)
		return -ENOENT;
	actor = lacp_actor(port);

	*ret = (struct lacp_saved){
		.version = LACP_SAVED_VERSION,
		.tx_ms = port->tx_ms,
		.rx_ms = port->rx_ms,
		.restore_at_ms = port->restore_at_ms,
	};
	if (port->selected == LACP_SELECTED && !port->individual && !port->draining)
		ret->flags |= LACP_SAVED_SELECTED;
	if (port->selected == LACP_SELECTED && port->individual && !port->draining)
		ret->flags |= LACP_SAVED_INDIVIDUAL;
	if (is_healthy(port))
		ret->flags |= LACP_SAVED_HEALTHY;
	ret->actor = lacp_info_save(&actor);
	ret->partner = lacp_info_save(&port->partner);
	save_match(port, &actor, ret);
	lacp_frame_build(ret->pdu, port->config.mac, &actor, &port->partner);
	return 0;
}

/*
 * A partner expires this port after the timeout that its own state requests. Without a partner only
 * the use as an individual port can be resumed, and that has no time limit.
 */
static bool is_stale(const struct lacp *lacp, uint32_t flags, const struct lacp_info *actor,
		     const struct lacp_info *partner, uint64_t age_ms)
{
	if (actor->state & LACP_DEFAULTED && !(actor->state & LACP_EXPIRED))
		return !(flags & LACP_SAVED_INDIVIDUAL) ||
		       lacp->config.fallback != LACP_FALLBACK_INDIVIDUAL;
	return actor->state & LACP_EXPIRED ||
	       age_ms >= (partner->state & LACP_TIMEOUT ? LACP_SHORT_TIMEOUT_MS :
							  LACP_LONG_TIMEOUT_MS);
}

int lacp_restore(struct lacp *lacp, uint16_t number, const struct lacp_saved *saved,
		 uint64_t age_ms)
{
	struct lacp_port *port = lacp_find(lacp, number);
	struct lacp_info actor, was, partner;

	if (!port)
		return -ENOENT;
	if (saved->version != LACP_SAVED_VERSION)
		return -EINVAL;
	actor = lacp_actor(port);
	was = lacp_info_load(&saved->actor);
	partner = lacp_info_load(&saved->partner);
	if (was.system_priority != actor.system_priority ||
	    memcmp(was.system, actor.system, sizeof(was.system)) != 0 || was.key != actor.key ||
	    was.port_priority != actor.port_priority || was.port != actor.port)
		return -EINVAL;
	if (is_stale(lacp, saved->flags, &was, &partner, age_ms))
		return -ESTALE;

	port->resume.valid = true;
	port->resume.flags = saved->flags;
	port->resume.actor_state = was.state;
	port->resume.restore_at_ms = saved->restore_at_ms;
	port->resume.rx_ms = saved->rx_ms;
	port->resume.partner = partner;
	return 0;
}
