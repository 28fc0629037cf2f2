// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Input of uplinkd-net: the network configuration of CNI, results of other plugins, CNI_ARGS, and
 * the networks of netavark. The first byte chooses. */
#include "fuzz.h"
#include "integration/net/cni_config.h"
#include "integration/net/json_input.h"
#include "integration/net/netavark.h"

static void configuration(const char *text, size_t size, const char *arguments)
{
	struct failure failure = {};
	struct cni_config config;

	(void)cni_config_read(text, size, arguments, true, &config, &failure);
	cni_config_done(&config);
}

/* What is read of a result is the same after it was written. */
static void result(const char *text, size_t size)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 2 };
	struct failure failure = {};
	json_t *parsed = json_input_parse(text, size, "result", &failure);
	static struct setup setup, again;

	if (parsed && cni_result_read(parsed, -1, &setup, &failure) == 0) {
		for (int version = 0; version < CNI_N_VERSIONS; version++) {
			const struct cni_result written = {
				.version = (enum cni_version)version,
				.ipam = parsed,
				.host_end = "ulx",
				.ifname = "eth0",
				.netns = "/run/netns/c",
				.host_mac = mac,
				.mac = mac,
				.setup = &setup,
			};
			json_t *made = cni_result_make(&written);

			if (cni_result_read(made, 1, &again, &failure) < 0 ||
			    again.n_addresses != setup.n_addresses ||
			    again.n_routes != setup.n_routes)
				abort();
			json_decref(made);
		}
	}
	json_decref(parsed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char smallest[] =
		"{\"cniVersion\": \"1.0.0\", \"name\": \"n\", \"switch\": \"s\", \"portGroup\": \"g\"}";
	static FILE *nowhere;
	char *text;

	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	if (size == 0 || !nowhere)
		return 0;
	text = strndup((const char *)data + 1, size - 1);
	if (!text)
		return 0;
	switch (data[0] % 4) {
	case 0:
		configuration((const char *)data + 1, size - 1, "");
		break;
	case 1:
		configuration(smallest, sizeof(smallest) - 1, text);
		break;
	case 2:
		result((const char *)data + 1, size - 1);
		break;
	default:
		(void)netavark_run("create", NULL, (const char *)data + 1, size - 1, nowhere);
	}
	free(text);
	return 0;
}
