// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* uplinkd-net: CNI plugin and netavark plugin, by how it is invoked. */
#include <fcntl.h>
#include <signal.h>

#include "common/file.h"
#include "common/util.h"
#include "integration/net/cni.h"
#include "integration/net/json_input.h"
#include "integration/net/netavark.h"

static const char usage[] =
	"usage: CNI_COMMAND=ADD|DEL|CHECK|GC|STATUS|VERSION uplinkd-net < CONFIGURATION\n"
	"       uplinkd-net info\n"
	"       uplinkd-net create < NETWORK\n"
	"       uplinkd-net setup|teardown NETNS < REQUEST\n"
	"\n"
	"Attaches containers to port groups of uplinkd. Container runtimes call it: as a CNI plugin\n"
	"(0.3.1 to 1.1.0) and as a netavark driver of podman. See uplinkd-net(8).\n"
	"\n"
	"  -h, --help     this text\n"
	"  -V, --version  version\n";

/* Up to one byte more than is accepted, which then is refused. NULL: it cannot be read. */
static char *read_input(size_t *ret_size)
{
	char *text = NULL;
	int r = file_read(STDIN_FILENO, JSON_INPUT_MAX, &text, ret_size);

	if (r < 0)
		fprintf(stderr, "uplinkd-net: standard input: %s\n", strerror(-r));
	return text;
}

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

static int run_cni(void)
{
	const struct cni_environment environment = {
		.command = variable("CNI_COMMAND"),
		.container = variable("CNI_CONTAINERID"),
		.netns = variable("CNI_NETNS"),
		.ifname = variable("CNI_IFNAME"),
		.arguments = variable("CNI_ARGS"),
		.path = variable("CNI_PATH"),
	};
	_cleanup_free_ char *input = NULL;
	size_t size = 0;

	input = read_input(&size);
	return cni_run(&environment, input ? input : "", size, stdout);
}

static int run_driver(const char *command, const char *argument)
{
	_cleanup_free_ char *input = NULL;
	size_t size = 0;

	if (strcmp(command, "info") != 0)
		input = read_input(&size);
	return netavark_run(command, argument, input ? input : "", size, stdout);
}

/* A runtime may close the standard descriptors; sockets must not take their places. */
static void fill_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	const char *first = argc > 1 ? argv[1] : NULL;

	fill_standard_descriptors();
	/* If the reader closes its end, the command fails and is undone. */
	signal(SIGPIPE, SIG_IGN);
	if (first && (strcmp(first, "-h") == 0 || strcmp(first, "--help") == 0)) {
		fputs(usage, stdout);
		return 0;
	}
	if (first && (strcmp(first, "-V") == 0 || strcmp(first, "--version") == 0)) {
		printf("uplinkd-net %s\n", UL_VERSION);
		return 0;
	}
	if (first && netavark_is_command(first))
		return run_driver(first, argc > 2 ? argv[2] : NULL);
	if (!first && *variable("CNI_COMMAND"))
		return run_cni();
	if (first)
		fprintf(stderr, "uplinkd-net: %s: unknown command\n", first);
	fputs(usage, stderr);
	return first ? 2 : 0;
}
