// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "context/saved_settings.h"

#include "dataplane/journal.h"

/* Records of interfaces that uplinkd made: veth pairs of host ports, attachment bridges. */
#define MADE ((uint32_t)SAVED_PAIR | SAVED_BRIDGE)

/* ---- restoring one interface ---- */
static int restore_offloads(struct link_monitor *links, uint32_t ifindex,
			    const struct ul_saved_settings *record)
{
	return link_restore_offloads(links, ifindex, record->settings);
}

static int restore_promiscuous(struct link_monitor *links, uint32_t ifindex,
			       const struct ul_saved_settings *record)
{
	(void)record;
	return link_set_promiscuous(links, ifindex, false);
}

static int restore_arp(struct link_monitor *links, uint32_t ifindex,
		       const struct ul_saved_settings *record)
{
	(void)record;
	return link_set_arp(links, ifindex, true);
}

static int restore_ipv6(struct link_monitor *links, uint32_t ifindex,
			const struct ul_saved_settings *record)
{
	(void)record;
	return link_set_ipv6(links, ifindex, true);
}

static int restore_mtu(struct link_monitor *links, uint32_t ifindex,
		       const struct ul_saved_settings *record)
{
	return link_set_mtu(links, ifindex, record->mtu);
}

static int restore_down(struct link_monitor *links, uint32_t ifindex,
			const struct ul_saved_settings *record)
{
	(void)record;
	return link_set_up(links, ifindex, false);
}

/* It may have left its bridge, and the settings with it. */
static int restore_isolation(struct link_monitor *links, uint32_t ifindex,
			     const struct ul_saved_settings *record)
{
	int r = link_isolate_bridge_port(links, ifindex, false);

	(void)record;
	return r == -EOPNOTSUPP ? 0 : r;
}

/* clang-format off */
static const struct {
	uint32_t settings;
	const char *text;
	int (*restore)(struct link_monitor *links, uint32_t ifindex,
		       const struct ul_saved_settings *record);
} rows[] = {
	{ LINK_RX_OFFLOADS | UL_SAVED_TX_VLAN, "the offloads", restore_offloads },
	{ UL_SAVED_NOT_PROMISC, "promiscuous mode", restore_promiscuous },
	{ UL_SAVED_ARP, "ARP", restore_arp },
	{ UL_SAVED_IPV6, "IPv6", restore_ipv6 },
	{ UL_SAVED_MTU, "the MTU", restore_mtu },
	{ UL_SAVED_DOWN, "the administrative state", restore_down },
	{ UL_SAVED_NOT_ISOLATED, "the settings in its bridge", restore_isolation },
};
/* clang-format on */

static enum event_code code_of(const struct ul_saved_settings *record)
{
	return record->flags & UL_SAVED_OF_PORT ? EVENT_PORT_SETTING : EVENT_UPLINK_SETTING;
}

/* The driver or the kernel does not accept the value: another attempt has the same result. */
static bool is_permanent(int error)
{
	return error == -EINVAL || error == -ERANGE || error == -EOPNOTSUPP;
}

/* 0 with the settings that are still to be restored in *ret_left, or -ENODEV. */
static int restore(const struct switch_context *context, const struct ul_saved_settings *record,
		   const struct link_info *info, uint32_t *ret_left)
{
	uint32_t left = record->settings;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r;

		if (!(record->settings & rows[i].settings))
			continue;
		r = rows[i].restore(context->links, info->ifindex, record);
		if (r == -ENODEV)
			return r;
		if (r < 0)
			context_report(context, code_of(record), info->name,
				       "%s of before uplinkd cannot be restored: %s%s",
				       rows[i].text, strerror(-r),
				       is_permanent(r) ? "" : "; tried again later");
		if (r == 0 || is_permanent(r))
			left &= ~rows[i].settings;
	}
	*ret_left = left;
	return 0;
}

/* ---- records and interfaces ---- */
static bool is_of_interface(const struct ul_saved_settings *record, const struct link_info *info)
{
	bool known = !mac_is_zero(record->permanent_mac), has = !mac_is_zero(info->permanent_mac);

	if (known && has)
		return memcmp(record->permanent_mac, info->permanent_mac, 6) == 0;
	if (record->ifindex == info->ifindex &&
	    (memcmp(record->mac, info->mac, 6) == 0 || strcmp(record->name, info->name) == 0))
		return true;
	if (known) /* a VLAN interface has the address of its NIC, but no permanent one */
		return false;
	return memcmp(record->mac, has ? info->permanent_mac : info->mac, 6) == 0;
}

static size_t find(const struct journal *journal, const struct link_info *info)
{
	size_t n = journal_count(journal);

	for (size_t i = 0; i < n; i++) {
		const struct ul_saved_settings *record = journal_at(journal, i);

		if (!(record->settings & MADE) &&
		    (record->ifindex == info->ifindex || record->flags & UL_SAVED_AWAY) &&
		    is_of_interface(record, info))
			return i;
	}
	return n;
}

/* Of an interface that is here. */
static size_t find_present(const struct journal *journal, uint32_t ifindex)
{
	size_t n = journal_count(journal);

	for (size_t i = 0; i < n; i++)
		if (journal_at(journal, i)->ifindex == ifindex &&
		    !(journal_at(journal, i)->settings & MADE) &&
		    !(journal_at(journal, i)->flags & UL_SAVED_AWAY))
			return i;
	return n;
}

static void report_failure(const struct switch_context *context, int error)
{
	if (error == 0)
		return;
	context_fail(context, error, "cannot write the settings journal");
	context_unreleased(context);
}

/* The interface is gone. */
static void lose(const struct switch_context *context, size_t index, const uint8_t *mac)
{
	struct ul_saved_settings record = *journal_at(context->journal, index);

	if (record.flags & UL_SAVED_OF_PORT) {
		report_failure(context, journal_erase(context->journal, index));
		return;
	}
	record.flags |= UL_SAVED_AWAY;
	if (mac)
		memcpy(record.mac, mac, sizeof(record.mac));
	report_failure(context, journal_replace(context->journal, index, &record));
}

static void restore_record(const struct switch_context *context, size_t index,
			   const struct link_info *info, const uint8_t *mac)
{
	struct ul_saved_settings record = *journal_at(context->journal, index);
	uint32_t left = 0;
	int r = restore(context, &record, info, &left);

	if (r == -ENODEV) {
		lose(context, index, mac);
		return;
	}
	record.settings = left;
	if (left)
		context_unreleased(context);
	r = left ? journal_replace(context->journal, index, &record) :
		   journal_erase(context->journal, index);
	report_failure(context, r);
}

void saved_settings_restore(const struct switch_context *context, uint32_t ifindex,
			    const uint8_t mac[6])
{
	size_t index = find_present(context->journal, ifindex);
	const struct ul_saved_settings *record;
	struct link_info info;
	int r;

	if (index == journal_count(context->journal))
		return;
	record = journal_at(context->journal, index);
	r = link_refresh_get(context->links, ifindex, &info);
	/* Another interface has the number. Without permanent addresses it is taken for the same
	 * one, because name and address may have been changed while it was a member. */
	if (r == 0 && !mac_is_zero(record->permanent_mac) && !mac_is_zero(info.permanent_mac) &&
	    memcmp(record->permanent_mac, info.permanent_mac, 6) != 0)
		r = -ENODEV;
	if (r == 0) {
		restore_record(context, index, &info, mac);
	} else if (r == -ENODEV) {
		lose(context, index, mac);
	} else {
		context_report(context, code_of(record), record->name,
			       "its former settings are restored later: %s", strerror(-r));
		context_unreleased(context);
	}
}

/* ---- recording ---- */
static void start_record(struct ul_saved_settings *record, const struct link_info *info)
{
	record->ifindex = info->ifindex;
	memcpy(record->mac, info->mac, sizeof(record->mac));
	memcpy(record->permanent_mac, info->permanent_mac, sizeof(record->permanent_mac));
	memset(record->name, 0, sizeof(record->name));
	memcpy(record->name, info->name, strnlen(info->name, sizeof(record->name) - 1));
}

/* A veth that was deleted: its successor has the name. A NIC with a permanent address may return
 * under another name. */
static void forget_predecessors(const struct switch_context *context, const char *name)
{
	for (size_t i = journal_count(context->journal); i-- > 0;) {
		const struct ul_saved_settings *record = journal_at(context->journal, i);

		if (record->flags & UL_SAVED_AWAY && mac_is_zero(record->permanent_mac) &&
		    strcmp(record->name, name) == 0)
			report_failure(context, journal_erase(context->journal, i));
	}
}

static int note_first(const struct switch_context *context, const struct link_info *info,
		      enum saved_owner owner, uint32_t settings)
{
	struct ul_saved_settings record = { .settings = settings,
					    .mtu = info->mtu,
					    .flags = owner == SAVED_PORT ? UL_SAVED_OF_PORT : 0 };
	size_t stale = find_present(context->journal, info->ifindex);

	if (stale < journal_count(context->journal))
		lose(context, stale, NULL);
	if (owner == SAVED_UPLINK)
		forget_predecessors(context, info->name);
	if (!settings)
		return 0;
	start_record(&record, info);
	return journal_add(context->journal, &record);
}

static int note_more(const struct switch_context *context, size_t index,
		     const struct link_info *info, uint32_t settings)
{
	const struct ul_saved_settings *before = journal_at(context->journal, index);
	struct ul_saved_settings record = *before;

	if (record.flags & UL_SAVED_AWAY) {
		record.flags &= ~(uint32_t)UL_SAVED_AWAY;
		start_record(&record, info);
		if (info->admin_up) /* set up by other software meanwhile */
			record.settings &= ~(uint32_t)UL_SAVED_DOWN;
	}
	if (mac_is_zero(record.permanent_mac)) /* of 0.1.0, which did not record it */
		memcpy(record.permanent_mac, info->permanent_mac, sizeof(record.permanent_mac));
	if (settings & ~record.settings & UL_SAVED_MTU)
		record.mtu = info->mtu;
	record.settings |= settings & ~(uint32_t)UL_SAVED_DOWN;
	if (memcmp(&record, before, sizeof(record)) == 0)
		return 0;
	return record.settings ? journal_replace(context->journal, index, &record) :
				 journal_erase(context->journal, index);
}

int saved_settings_note(const struct switch_context *context, const struct link_info *info,
			enum saved_owner owner, uint32_t settings)
{
	size_t index = find(context->journal, info);
	int r;

	if (index < journal_count(context->journal))
		r = note_more(context, index, info, settings);
	else
		r = note_first(context, info, owner, settings);
	return r < 0 ? context_fail(context, r,
				    "%s: cannot record its settings, so they are not changed",
				    info->name) :
		       0;
}

/* ---- interfaces that uplinkd made ---- */
static size_t find_made(const struct journal *journal, enum saved_made made, const char *name)
{
	size_t n = journal_count(journal);

	for (size_t i = 0; i < n; i++)
		if (journal_at(journal, i)->settings & made &&
		    strcmp(journal_at(journal, i)->name, name) == 0)
			return i;
	return n;
}

static const char *made_text(uint32_t settings)
{
	return settings & SAVED_BRIDGE ? "the attachment bridge" : "the veth pair";
}

int saved_settings_note_made(const struct switch_context *context, enum saved_made made,
			     const char *name, uint32_t ifindex)
{
	struct ul_saved_settings record = { .ifindex = ifindex,
					    .settings = made,
					    .flags = UL_SAVED_OF_PORT };
	size_t index = find_made(context->journal, made, name);
	int r;

	memcpy(record.name, name, strnlen(name, sizeof(record.name) - 1));
	r = index < journal_count(context->journal) ?
		    journal_replace(context->journal, index, &record) :
		    journal_add(context->journal, &record);
	return r < 0 ? context_fail(context, r, "%s: cannot record %s", name, made_text(made)) : 0;
}

void saved_settings_forget_made(const struct switch_context *context, enum saved_made made,
				const char *name)
{
	size_t index = find_made(context->journal, made, name);

	if (index < journal_count(context->journal))
		report_failure(context, journal_erase(context->journal, index));
}

bool saved_settings_has_made(const struct switch_context *context, enum saved_made made,
			     const char *name, uint32_t ifindex)
{
	size_t index = find_made(context->journal, made, name);

	return index < journal_count(context->journal) &&
	       journal_at(context->journal, index)->ifindex == ifindex;
}

/* An interface of the name that is of another kind, or another one than was created, is not
 * uplinkd's. */
static int try_to_delete(const struct switch_context *context,
			 const struct ul_saved_settings *record)
{
	bool bridge = record->settings & SAVED_BRIDGE;
	struct link_info info;
	int r = link_refresh_get_by_name(context->links, record->name, &info);

	if (r == 0 && strcmp(info.kind, bridge ? "bridge" : "veth") == 0 &&
	    (!record->ifindex || record->ifindex == info.ifindex))
		r = link_delete(context->links, info.ifindex);
	return r;
}

static void delete_made(const struct switch_context *context, size_t index)
{
	struct ul_saved_settings record = *journal_at(context->journal, index);
	int r = try_to_delete(context, &record);

	if (r < 0 && r != -ENODEV)
		r = try_to_delete(context, &record);
	if (r == 0 || r == -ENODEV) {
		report_failure(context, journal_erase(context->journal, index));
		return;
	}
	context_report(context, EVENT_PORT_SETTING, record.name,
		       "%s cannot be deleted: %s; tried again later", made_text(record.settings),
		       strerror(-r));
	context_unreleased(context);
}

static bool is_host_port(const struct dataplane *dp, const char *name)
{
	for (uint32_t slot = 0; slot < dp->max_ports; slot++) {
		const struct ul_port *port = &dp->ports[slot];

		if (port->flags & UL_PORT_USED && port->flags & UL_PORT_HOST &&
		    strcmp(port->name, name) == 0)
			return true;
	}
	return false;
}

static bool is_needed(const struct switch_context *context, const struct ul_saved_settings *record)
{
	if (record->settings & SAVED_BRIDGE)
		return switch_has_bridge(context->cfg, record->name);
	return is_host_port(context->dp, record->name);
}

/* ---- interfaces that are not members ---- */
static bool matches(const void *userdata, const struct link_info *info)
{
	return is_of_interface(userdata, info);
}

void saved_settings_returned(const struct switch_context *context, const struct link_info *info)
{
	size_t index = find(context->journal, info);

	if (index < journal_count(context->journal) &&
	    journal_at(context->journal, index)->flags & UL_SAVED_AWAY)
		restore_record(context, index, info, NULL);
}

bool saved_settings_has_missing(const struct switch_context *context, const char *name)
{
	for (size_t i = 0; i < journal_count(context->journal); i++) {
		const struct ul_saved_settings *record = journal_at(context->journal, i);

		if (record->flags & UL_SAVED_AWAY && strcmp(record->name, name) == 0)
			return true;
	}
	return false;
}

/* Whether the interface is a member, by the set's table of interfaces. */
static bool is_member(const struct switch_context *context, uint32_t ifindex)
{
	uint32_t endpoint;

	return table_get(&context->dp->ifaces, ul_iface_key(ifindex), &endpoint) == 0;
}

void saved_settings_sweep(const struct switch_context *context)
{
	for (size_t i = journal_count(context->journal); i-- > 0;) {
		struct ul_saved_settings record = *journal_at(context->journal, i);
		struct link_info info;

		if (record.settings & MADE) {
			if (!is_needed(context, &record))
				delete_made(context, i);
		} else if (!(record.flags & UL_SAVED_AWAY)) {
			if (!is_member(context, record.ifindex))
				saved_settings_restore(context, record.ifindex, NULL);
		} else if (link_find(context->links, matches, &record, &info) == 0 &&
			   !is_member(context, info.ifindex)) {
			restore_record(context, i, &info, NULL);
		}
	}
}

int saved_settings_restore_all(const struct switch_context *context)
{
	struct journal *journal = context->journal;

	for (size_t i = journal_count(journal); i-- > 0;) {
		struct ul_saved_settings record = *journal_at(journal, i);
		struct link_info info;

		if (record.settings & MADE)
			delete_made(context, i);
		else if (!(record.flags & UL_SAVED_AWAY))
			saved_settings_restore(context, record.ifindex, NULL);
		else if (link_find(context->links, matches, &record, &info) == 0)
			restore_record(context, i, &info, NULL);
	}
	for (size_t i = journal_count(journal); i-- > 0;) {
		const struct ul_saved_settings *record = journal_at(journal, i);

		if (!(record->flags & UL_SAVED_AWAY))
			continue;
		context_report(context, code_of(record), record->name,
			       "the interface is missing, so its former settings are not restored");
		report_failure(context, journal_erase(journal, i));
	}
	if (!journal_count(journal))
		return 0;
	return context_fail(context, -EIO,
			    "%s: its former settings could not be restored; repeat the teardown",
			    journal_at(journal, 0)->name);
}
