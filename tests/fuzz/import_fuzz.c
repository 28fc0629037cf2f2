// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * libFuzzer entry: the first byte selects a reader of `uplinkctl import`, the rest is its text. The
 * configuration of a text that can be mapped is always valid.
 */
#include <stdlib.h>
#include <string.h>

#include "config/model.h"
#include "import/plan.h"
#include "import/reader.h"

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_text(struct network *network, uint8_t kind, const char *text)
{
	struct net_place place = { "fuzz", 0 };

	switch (kind % 4) {
	case 0:
		read_ip(network, place, text);
		return;
	case 1:
		read_proc_bonding(network, place, "bond0", text);
		return;
	case 2:
		read_ovs(network, place, text);
		return;
	default:
		read_netplan(network, place, text);
		return;
	}
}

static void check_configuration(const struct plan *plan, const struct network *network)
{
	struct errors errors = { 0 };
	struct model *model = NULL;
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	CHECK(out);
	import_write(plan, network, "fuzz", out);
	fclose(out);
	CHECK(config_parse(text, length, "fuzz", &model, &errors) == 0);
	model_free(model);
	errors_done(&errors);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct errors errors = { 0 };
	struct network network;
	struct plan *plan = NULL;
	char *text;

	if (size < 1 || memchr(data, 0, size))
		return 0;
	text = strndup((const char *)data + 1, size - 1);
	CHECK(text);
	network_init(&network, &errors);
	read_text(&network, data[0], text);
	if (!network.failed && import_map(&network, NULL, &plan) == 0)
		check_configuration(plan, &network);
	else
		CHECK(errors.n > 0);
	plan_free(plan);
	network_done(&network);
	errors_done(&errors);
	free(text);
	return 0;
}
