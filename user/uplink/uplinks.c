// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "uplink/uplinks.h"

#include <assert.h>
#include <stdarg.h>

#include "context/saved_settings.h"
#include "uplink/internal.h"

void uplink_init(struct uplinks *uplinks, uint32_t index)
{
	uplinks->uplink[index] = (struct uplink){
		.uplinks = uplinks,
		.index = index,
		.reports = RATE_LIMIT(REPORT_BURST, REPORT_INTERVAL_MS),
	};
}

int uplinks_new(const struct switch_context *context, const struct uplinks_callbacks *callbacks,
		struct uplinks **ret)
{
	struct uplinks *uplinks = calloc(1, sizeof(*uplinks));

	assert(callbacks->on_link_state && callbacks->on_detach && callbacks->on_gone);
	if (!uplinks)
		return context_fail(context, -ENOMEM, "uplinks");
	uplinks->context = context;
	uplinks->callbacks = *callbacks;
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		uplink_init(uplinks, i);
	*ret = uplinks;
	return 0;
}

void uplinks_free(struct uplinks *uplinks)
{
	if (!uplinks)
		return;
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		uplink_cancel_retry(&uplinks->uplink[i]);
	sd_event_source_disable_unref(uplinks->guard_timer);
	free(uplinks);
}

int uplinks_index(const struct uplinks *uplinks, const char *name)
{
	const struct dataplane *dp = uplinks->context->dp;

	for (uint32_t i = 0; i < dataplane_n_uplinks(dp); i++)
		if (strcmp(dp->uplinks[i].name, name) == 0)
			return (int)i;
	return -ENOENT;
}

int uplinks_index_of_link(const struct uplinks *uplinks, const struct link_info *info)
{
	const struct dataplane *dp = uplinks->context->dp;

	for (uint32_t i = 0; i < dataplane_n_uplinks(dp); i++)
		if (link_has_name(info, dp->uplinks[i].name))
			return (int)i;
	/* It has lost the alternative name by which it was found. */
	for (uint32_t i = 0; i < dataplane_n_uplinks(dp); i++)
		if (info->ifindex && dp->uplinks[i].ifindex == info->ifindex)
			return (int)i;
	return -ENOENT;
}

bool uplinks_is_replaced(const struct uplinks *uplinks, uint32_t index)
{
	return uplinks->uplink[index].replaced;
}

void uplinks_release(struct uplinks *uplinks, uint32_t index)
{
	const char *name = uplinks->context->dp->uplinks[index].name;

	uplink_cancel_retry(&uplinks->uplink[index]);
	uplink_disconnect(uplinks, index);
	if (saved_settings_has_missing(uplinks->context, name))
		context_report(
			uplinks->context, EVENT_UPLINK_SETTING, name,
			"left while its interface is missing; its former settings are restored when it returns");
	uplink_clear(uplinks->context->dp, index);
}

int uplinks_connect(struct uplinks *uplinks, bool started)
{
	const struct switch_context *context = uplinks->context;
	int r, result = uplinks_guard_start(uplinks);

	assert(context->cfg->n_uplinks <= UL_MAX_UPLINKS);
	for (uint32_t i = 0; i < context->cfg->n_uplinks; i++) {
		bool waiting = uplinks->uplink[i].known && !context->dp->uplinks[i].ifindex;
		struct link_info info;

		r = context_find_interface(context->links, context->cfg->uplinks[i], &info);
		if (r < 0 && r != -ENODEV) {
			result = context_fail(context, r, "uplink %s: cannot look for it",
					      context->cfg->uplinks[i]);
			continue;
		}
		if (r < 0) {
			context_report(
				context, EVENT_UPLINK_WAITING, context->cfg->uplinks[i],
				"interface not found; the uplink is connected when it appears");
			uplink_gone(uplinks, i);
			uplink_write_problems(context->dp, i, 0);
			continue;
		}
		r = uplink_connect(uplinks, i, &info);
		/* An uplink that was unavailable before this configuration, or that joined a bridge
		 * meanwhile, does not refuse it: vswitch_check() refuses new ones. */
		if (r < 0 && r != -ENODEV && started && !waiting && !context_problems_of(&info))
			result = r;
	}
	return result;
}

/* ---- reports ---- */
static void report(struct uplinks *uplinks, uint32_t index, enum event_code code, const char *text,
		   uint64_t suppressed)
{
	char note[RATE_LIMIT_NOTE_LEN];

	context_report(uplinks->context, code, uplinks->context->dp->uplinks[index].name, "%s%s",
		       text, rate_limit_note(suppressed, note));
}

void uplinks_report(struct uplinks *uplinks, uint32_t index, enum event_code code,
		    const char *format, ...)
{
	uint64_t suppressed;
	char text[256];
	va_list ap;

	if (!rate_limit_admit(&uplinks->uplink[index].reports, now_ms(), &suppressed))
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	report(uplinks, index, code, text, suppressed);
}

void uplinks_report_suppressed(struct uplinks *uplinks, uint32_t index, enum event_code code,
			       const char *text)
{
	uint64_t suppressed;

	if (rate_limit_flush(&uplinks->uplink[index].reports, now_ms(), &suppressed))
		report(uplinks, index, code, text, suppressed);
}
