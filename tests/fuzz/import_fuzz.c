// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * libFuzzer entry: the first byte selects a reader of `uplinkctl import`, the rest is its text. The
 * configuration of a text that can be mapped is always valid.
 */
#include <fcntl.h>
#include <unistd.h>

#include "config/model.h"
#include "fuzz.h"
#include "import/plan.h"
#include "import/reader.h"

/* ---- readers of files ---- */
static char directory[64], path[128];

static void remove_at_exit(void)
{
	(void)rmdir(directory);
}

static void write_file(const char *name, const char *text)
{
	size_t n = strlen(text);
	int fd;

	if (!directory[0]) {
		snprintf(directory, sizeof(directory), "/dev/shm/ul-import-fuzz-XXXXXX");
		CHECK(mkdtemp(directory));
		atexit(remove_at_exit);
	}
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && write(fd, text, n) == (ssize_t)n);
	close(fd);
}

static void read_file(struct network *network, const char *name, const char *text)
{
	const char *const folders[] = { directory };

	/* Files that a text names are not the target's. */
	if (strstr(text, "source"))
		return;
	write_file(name, text);
	if (strcmp(name, "interfaces") == 0)
		read_ifupdown(network, path);
	else
		read_networkd(network, folders, 1);
	(void)unlink(path);
}

static void read_text(struct network *network, uint8_t kind, const char *text)
{
	struct net_place place = { "fuzz", 0 };

	switch (kind % 8) {
	case 0:
	case 4:
		read_ip(network, place, text);
		return;
	case 5:
		read_file(network, "interfaces", text);
		return;
	case 6:
		read_file(network, "10-fuzz.network", text);
		return;
	case 7:
		read_file(network, "10-fuzz.netdev", text);
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
