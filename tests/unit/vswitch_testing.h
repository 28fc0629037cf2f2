/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* For the tests of user/vswitch/ and user/uplink/: a context around a data plane in ordinary memory
 * and, where a test has interfaces, a network namespace with a link monitor. */
#ifndef UL_TESTS_VSWITCH_TESTING_H
#define UL_TESTS_VSWITCH_TESTING_H

#include "context/context.h"
#include "dataplane/journal.h"
#include "dataplane_fake.h"
#include "link_testing.h"

#define TEST_MTU 1500

struct test_event {
	enum event_code code;
	char object[UL_GROUP_NAME_LEN], text[256];
};

struct fixture {
	struct dataplane_fake fake;
	struct record *record; /* NULL: no interfaces */
	struct switch_context context;
	struct switch_cfg cfg;
	struct test_event events[256];
	size_t n_events;
	/* of the next changes of the journal; 0: success */
	int journal_error;
};

static inline int fixture_journal_write(void *userdata, __u32 id,
					const struct ul_saved_settings *record)
{
	const struct fixture *fixture = userdata;

	(void)id;
	(void)record;
	return fixture->journal_error;
}

static inline int fixture_journal_erase(void *userdata, __u32 id)
{
	const struct fixture *fixture = userdata;

	(void)id;
	return fixture->journal_error;
}

/* The record of the interface in the journal, or NULL. */
static inline const struct ul_saved_settings *saved_of(const struct fixture *fixture,
						       uint32_t ifindex)
{
	for (size_t i = 0; i < journal_count(fixture->context.journal); i++)
		if (journal_at(fixture->context.journal, i)->ifindex == ifindex)
			return journal_at(fixture->context.journal, i);
	return NULL;
}

static inline void fixture_report(void *userdata, const char *switch_name, enum event_code code,
				  const char *object, const char *text)
{
	struct fixture *fixture = userdata;
	struct test_event *event;

	(void)switch_name;
	cr_assert_lt(fixture->n_events, ARRAY_SIZE(fixture->events));
	event = &fixture->events[fixture->n_events++];
	event->code = code;
	snprintf(event->object, sizeof(event->object), "%s", object);
	snprintf(event->text, sizeof(event->text), "%s", text);
}

/* with_links: in a network namespace of the test, as root only. */
static inline struct fixture *fixture_new(bool with_links)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	cr_assert(fixture);
	dataplane_fake_init(&fixture->fake, 256, 64);
	if (with_links)
		fixture->record = record_new();
	snprintf(fixture->cfg.name, sizeof(fixture->cfg.name), "sw");
	fixture->cfg.mtu = TEST_MTU;
	fixture->context = (struct switch_context){
		.name = "sw",
		.cfg = &fixture->cfg,
		.dp = &fixture->fake.dp,
		.links = with_links ? fixture->record->monitor : NULL,
		.errors = &fixture->fake.errors,
		.report = fixture_report,
		.userdata = fixture,
	};
	fixture->context.journal = journal_new(
		&(struct journal_store){ fixture_journal_write, fixture_journal_erase, fixture });
	cr_assert(fixture->context.journal);
	if (with_links)
		fixture->context.event = sd_event_ref(fixture->record->event);
	else
		cr_assert_eq(sd_event_new(&fixture->context.event), 0);
	return fixture;
}

static inline void fixture_free(struct fixture *fixture)
{
	sd_event_unref(fixture->context.event);
	if (fixture->record)
		record_free(fixture->record);
	dataplane_fake_done(&fixture->fake);
	journal_free(fixture->context.journal);
	free(fixture);
}

static inline void add_uplink(struct switch_cfg *cfg, const char *name)
{
	cr_assert_lt(cfg->n_uplinks, UL_MAX_UPLINKS);
	snprintf(cfg->uplinks[cfg->n_uplinks++], UL_NAME_LEN, "%s", name);
}

/* Events with the code about the object; NULL: about any. */
static inline size_t count_events(const struct fixture *fixture, enum event_code code,
				  const char *object)
{
	size_t n = 0;

	for (size_t i = 0; i < fixture->n_events; i++)
		n += fixture->events[i].code == code &&
		     (!object || strcmp(fixture->events[i].object, object) == 0);
	return n;
}

static inline const struct test_event *last_event(const struct fixture *fixture)
{
	cr_assert_gt(fixture->n_events, 0);
	return &fixture->events[fixture->n_events - 1];
}

static inline bool has_error(const struct fixture *fixture, const char *text)
{
	return dataplane_fake_has_error(&fixture->fake, text);
}

/* The interface as the kernel has it. */
static inline struct link_info link_now(struct fixture *fixture, const char *name)
{
	struct link_info info = {};

	cr_assert_eq(link_refresh_get_by_name(fixture->record->monitor, name, &info), 0, "%s",
		     name);
	return info;
}

#endif
