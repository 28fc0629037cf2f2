// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "records/finding_changes.h"

#include "common/util.h"
#include "records/findings.h"
#include "records/names.h"

int finding_changes_init(struct finding_changes *changes)
{
	changes->open = json_object();
	return changes->open ? 0 : -ENOMEM;
}

void finding_changes_done(struct finding_changes *changes)
{
	json_decref(changes->open);
	changes->open = NULL;
}

static const char *text_of(json_t *finding, const char *key)
{
	const char *text = json_string_value(json_object_get(finding, key));

	return text ? text : "?";
}

static int severity_of(json_t *finding)
{
	int severity = record_value(RECORD_SEVERITIES, text_of(finding, "severity"));

	return severity < 0 ? SEVERITY_NOTE : severity;
}

/* ---- reports ---- */
struct reporter {
	void (*on_change)(void *userdata, const struct finding_change *change);
	void *userdata;
};

static void report_one(const struct reporter *reporter, bool raised, json_t *finding)
{
	char text[640];
	struct finding_change change = { .raised = raised,
					 .switch_name = text_of(finding, "switch"),
					 .object = text_of(finding, "object"),
					 .text = text,
					 .details = raised ? json_object_get(finding, "evidence") :
							     NULL };

	snprintf(text, sizeof(text), "%s %s: %s", text_of(finding, "severity"),
		 text_of(finding, "code"), text_of(finding, "message"));
	reporter->on_change(reporter->userdata, &change);
}

static void report_many(const struct reporter *reporter, bool raised, json_t *group)
{
	json_auto_t *objects = json_array();
	json_t *first = json_array_get(group, 0), *finding;
	char text[160];
	struct finding_change change = { .raised = raised,
					 .switch_name = text_of(first, "switch"),
					 .object = text_of(first, "switch"),
					 .text = text,
					 .details = objects };
	size_t i;

	snprintf(text, sizeof(text), "%s %s: %zu objects", text_of(first, "severity"),
		 text_of(first, "code"), json_array_size(group));
	json_array_foreach(group, i, finding) {
		if (i == FINDING_FOLD_OBJECTS)
			break;
		json_array_append_new(objects, json_string(text_of(finding, "object")));
	}
	reporter->on_change(reporter->userdata, &change);
}

/* Findings of one switch, code and severity are a group. */
static json_t *group_findings(json_t *findings)
{
	json_t *groups = json_object(), *finding;
	size_t i;

	json_array_foreach(findings, i, finding) {
		char key[256];
		json_t *group;

		snprintf(key, sizeof(key), "%s %s %s", text_of(finding, "switch"),
			 text_of(finding, "code"), text_of(finding, "severity"));
		group = json_object_get(groups, key);
		if (!group) {
			group = json_array();
			json_object_set_new(groups, key, group);
		}
		json_array_append(group, finding);
	}
	return groups;
}

static void report_all(const struct reporter *reporter, bool raised, json_t *findings)
{
	json_auto_t *groups = group_findings(findings);
	json_t *group, *finding;
	const char *key;
	size_t i;

	json_object_foreach(groups, key, group) {
		if (json_array_size(group) > FINDING_FOLD) {
			report_many(reporter, raised, group);
			continue;
		}
		json_array_foreach(group, i, finding)
			report_one(reporter, raised, finding);
	}
}

/* ---- comparison ---- */
static const char *key_of(json_t *finding, char key[512])
{
	snprintf(key, 512, "%s %s %s", text_of(finding, "switch"), text_of(finding, "code"),
		 text_of(finding, "object"));
	return key;
}

static uint64_t seen_ms(json_t *entry)
{
	return (uint64_t)json_integer_value(json_object_get(entry, "seen_ms"));
}

static void put_entry(struct finding_changes *changes, const char *key, json_t *finding,
		      uint64_t now_ms)
{
	json_object_set_new(changes->open, key,
			    json_pack("{s:O, s:I}", "finding", finding, "seen_ms",
				      (json_int_t)now_ms));
}

/* Appends to raised what is new or more severe. Returns the present findings by key. */
static json_t *take_present(struct finding_changes *changes, json_t *findings, uint64_t now_ms,
			    json_t *raised)
{
	json_t *present = json_object(), *finding;
	char key[512];
	size_t i;

	json_array_foreach(findings, i, finding) {
		json_t *entry = json_object_get(changes->open, key_of(finding, key));
		json_t *before = json_object_get(entry, "finding");

		json_object_set(present, key, finding);
		if (!entry || severity_of(finding) < severity_of(before))
			json_array_append(raised, finding);
		if (!entry || severity_of(finding) <= severity_of(before))
			put_entry(changes, key, finding, now_ms);
	}
	return present;
}

/* Appends to cleared what has been absent or less severe for long enough. */
static void take_cleared(struct finding_changes *changes, json_t *present, uint64_t now_ms,
			 json_t *cleared)
{
	const char *key;
	json_t *entry;
	void *next;

	json_object_foreach_safe(changes->open, next, key, entry)
	{
		json_t *now = json_object_get(present, key);

		if (now_ms - seen_ms(entry) < FINDING_CLEAR_MS)
			continue;
		json_array_append(cleared, json_object_get(entry, "finding"));
		if (now)
			put_entry(changes, key, now, now_ms);
		else
			json_object_del(changes->open, key);
	}
}

void finding_changes_update(struct finding_changes *changes, json_t *findings, uint64_t now_ms,
			    void (*on_change)(void *userdata, const struct finding_change *change),
			    void *userdata)
{
	const struct reporter reporter = { on_change, userdata };
	json_auto_t *raised = json_array(), *cleared = json_array();
	json_auto_t *present = take_present(changes, findings, now_ms, raised);

	take_cleared(changes, present, now_ms, cleared);
	report_all(&reporter, false, cleared);
	report_all(&reporter, true, raised);
}
