// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * libFuzzer entry: answers of a hostile server to the programs that call the daemon: uplinkctl, the
 * exporter, uplinkd-net. Input: a byte that selects the call, then the answers. Each connection
 * gets the bytes up to the next NUL and that NUL; a monitor gets all of them.
 */
#include <dlfcn.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "control/client.h"
#include "ctl/ctl.h"
#include "fuzz.h"
#include "integration/exporter/exporter.h"
#include "integration/net/daemon_ports.h"

static struct input *answers;
static bool all_at_once;

/* In place of the daemon: the answer waits in the socket, and the connection ends behind it. */
int connect(int fd, const struct sockaddr *address, socklen_t length)
{
	const uint8_t *end = answers->left ? memchr(answers->at, 0, answers->left) : NULL;
	size_t n = end && !all_at_once ? (size_t)(end - answers->at) + 1 : answers->left;
	int fds[2];

	(void)address;
	(void)length;
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
	if (n)
		(void)!send(fds[1], answers->at, n, MSG_NOSIGNAL);
	answers->at += n;
	answers->left -= n;
	shutdown(fds[1], SHUT_WR);
	CHECK(dup2(fds[0], fd) == fd);
	close(fds[0]);
	/* as a server that reads the request and does not answer any longer */
	static int last = -1;

	if (last >= 0)
		close(last);
	last = fds[1];
	return 0;
}

/* Only the daemon can read the maps, which is what makes uplinkctl ask it. */
DIR *opendir(const char *name)
{
	static DIR *(*real)(const char *name);

	if (strcmp(name, "/none/uplinkd") == 0) {
		errno = EACCES;
		return NULL;
	}
	if (!real)
		real = (DIR * (*)(const char *name)) dlsym(RTLD_NEXT, "opendir");
	return real(name);
}

/* clang-format off */
static const char *const commands[][8] = {
	{ "status" },
	{ "status", "--check", "-j" },
	{ "diagnose" },
	{ "show", "uplinks" },
	{ "show", "ports" },
	{ "show", "groups" },
	{ "show", "lacp" },
	{ "show", "fdb" },
	{ "show", "counters", "--all" },
	{ "show", "channel" },
	{ "show", "config" },
	{ "which", "vs", "g", "192.0.2.1", "192.0.2.2" },
	{ "what-if" },
	{ "switch-config", "vs", "--vendor", "cisco-ios" },
	{ "port", "add", "vs", "g", "vnet0" },
	{ "port", "del", "vnet0" },
	{ "metrics" },
	{ "metrics", "--format", "prometheus" },
	{ "history" },
	{ "history", "-j", "-n", "5" },
	{ "reload" },
	{ "diff", "-j" },
	{ "monitor" },
	{ "monitor", "-j" },
	{ "show", "uplinks", "-j" },
};
/* clang-format on */

static void run_ctl(const char *const *words)
{
	char *argv[16] = { (char *)"uplinkctl",	  (char *)"--bpffs", (char *)"/none",
			   (char *)"--state-dir", (char *)"/none",   (char *)"--socket",
			   (char *)"/none/sock" };
	int argc = 7, status;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	CHECK(out);
	for (size_t i = 0; i < 8 && words[i]; i++)
		argv[argc++] = (char *)words[i];
	all_at_once = strcmp(words[0], "monitor") == 0;
	status = ctl_main(argc, argv, out, out);
	CHECK(status >= CTL_DONE && status <= CTL_SYSTEM);
	fclose(out);
	free(text);
}

static void run_exporter(enum metrics_format format)
{
	char *text = NULL;
	size_t size = 0;

	CHECK(collect("/none/sock", format, &text, &size) == 0 && strlen(text) == size);
	free(text);
}

static void run_net(void)
{
	const struct port_place place = { "/none/sock", "vs", "g" };
	struct failure failure = {};
	struct port_state state;
	json_t *ports = NULL;
	uint32_t mtu;

	(void)daemon_find_group(&place, &mtu, &failure);
	if (daemon_find_port(&place, "vnet0", &state, &failure) == 0)
		CHECK(strnlen(state.error, sizeof(state.error)) < sizeof(state.error));
	(void)daemon_attach_port(&place, "vnet0", "52:54:00:00:00:01", &failure);
	(void)daemon_detach_port("/none/sock", "vnet0", &failure);
	if (daemon_list_runtime_ports("/none/sock", &ports, &failure) == 0)
		CHECK(json_is_array(ports));
	json_decref(ports);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { .at = data, .left = size };
	size_t which = take(&input) % (ARRAY_SIZE(commands) + 3);

	answers = &input;
	all_at_once = false;
	if (which < ARRAY_SIZE(commands))
		run_ctl(commands[which]);
	else if (which < ARRAY_SIZE(commands) + 2)
		run_exporter((enum metrics_format)(which - ARRAY_SIZE(commands)));
	else
		run_net();
	return 0;
}
