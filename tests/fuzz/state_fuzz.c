// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * libFuzzer entry: the files of the state directory and of the run directory. The first byte
 * selects the stored configuration (with the journal of a switch-over), the list of switches, or
 * the moves of a switch-over that a client requests; the rest is the text. What is accepted can be
 * written, and is the same when it is read again.
 */
#include <fcntl.h>
#include <unistd.h>

#include "daemon/config_state.h"
#include "daemon/switch_over.h"
#include "daemon/switch_registry.h"
#include "fuzz.h"

static char directory[64], path[96];

static void remove_at_exit(void)
{
	(void)unlink(path);
	(void)rmdir(directory);
}

static void write_file(const uint8_t *text, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && write(fd, text, n) == (ssize_t)n);
	close(fd);
}

/* ---- switch-over ---- */
static void check_switch_over(const json_t *journal)
{
	struct switch_over *over = NULL, *again = NULL;
	json_t *written, *rewritten;

	if (switch_over_read(journal, &over) < 0)
		return;
	written = switch_over_write(over);
	CHECK(written && switch_over_read(written, &again) == 0);
	rewritten = switch_over_write(again);
	CHECK(json_equal(written, rewritten));
	for (size_t i = 0; i < over->messages.n; i++) {
		uint8_t buffer[LINK_MESSAGE_BYTES];
		char text[LINK_USAGE_TEXT_LEN];
		const struct link_move move = { 7, 8, "br0", "vmk0" };

		CHECK(link_message_describe(over->messages.list[i], text)[0]);
		(void)link_message_make(over->messages.list[i], &move, 1, true, buffer);
		(void)link_message_make(over->messages.list[i], NULL, 0, false, buffer);
	}
	(void)switch_over_has_first(over);
	json_decref(written);
	json_decref(rewritten);
	switch_over_free(over);
	switch_over_free(again);
}

static void request_switch_over(const char *text, size_t n)
{
	static const char config[] =
		"switches:\n"
		"  - {name: vs, uplinks: [eth0, eth1], channel: none, port-groups: [{name: g, ports: [\n"
		"    {interface: vmk0, host: true}, {interface: vnet0, mac: \"52:54:00:00:00:01\"}]}]}\n";
	static struct model *model;
	struct switch_over *over = NULL;
	struct errors errors = {};
	json_t *request = json_loadb(text, n, 0, NULL), *written;

	if (!model)
		CHECK(config_parse(config, sizeof(config) - 1, "t", &model, NULL) == 0);
	if (switch_over_new(request, model, &over, &errors) == 0) {
		written = switch_over_write(over);
		CHECK(written && over->n_links);
		json_decref(written);
		switch_over_free(over);
	} else {
		CHECK(errors.n);
	}
	errors_done(&errors);
	json_decref(request);
}

/* ---- stored configuration ---- */
static bool same_source(const struct config_source *a, const struct config_source *b)
{
	return a->n == b->n && (!a->n || config_source_equal(a, b));
}

static void read_config_state(const uint8_t *text, size_t n)
{
	struct config_state state, again;

	write_file(text, n);
	if (config_state_read(path, NULL, &state) < 0)
		return;
	if (state.switch_over)
		check_switch_over(state.switch_over);
	CHECK(memchr(state.boot_id, 0, sizeof(state.boot_id)));
	if (state.confirmed.n) {
		CHECK(config_state_write(path, "/etc/c", &state) == 0);
		CHECK(config_state_read(path, "/etc/c", &again) == 0);
		CHECK(same_source(&state.confirmed, &again.confirmed) &&
		      same_source(&state.files, &again.files) &&
		      same_source(&state.pending, &again.pending));
		CHECK(!state.switch_over == !again.switch_over);
		config_state_done(&again);
	}
	config_state_done(&state);
}

static void read_registry(const uint8_t *text, size_t n)
{
	struct switch_registry registry = {}, again = {};

	write_file(text, n);
	CHECK(switch_registry_read(path, &registry) == 0);
	for (size_t i = 0; i < registry.n; i++)
		CHECK(registry.name[i][0] && !strchr(registry.name[i], '/') &&
		      switch_registry_has(&registry, registry.name[i]));
	CHECK(switch_registry_write(path, &registry) == 0);
	CHECK(switch_registry_read(path, &again) == 0 && again.n == registry.n);
	switch_registry_done(&registry);
	switch_registry_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!directory[0]) {
		snprintf(directory, sizeof(directory), "/dev/shm/ul-state-fuzz-XXXXXX");
		CHECK(mkdtemp(directory));
		snprintf(path, sizeof(path), "%s/state", directory);
		atexit(remove_at_exit);
	}
	if (!size)
		return 0;
	switch (data[0] % 4) {
	case 0:
		read_config_state(data + 1, size - 1);
		break;
	case 1:
		read_registry(data + 1, size - 1);
		break;
	case 2: {
		json_t *journal = json_loadb((const char *)data + 1, size - 1, 0, NULL);

		check_switch_over(journal);
		json_decref(journal);
		break;
	}
	default:
		request_switch_over((const char *)data + 1, size - 1);
	}
	return 0;
}
