// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Hook of libvirt's QEMU driver (/etc/libvirt/hooks/qemu.d/uplinkd): NICs of type ethernet become
 * run-time ports of the group that the domain's metadata names (domain.h).
 *
 *   HOOK DOMAIN OPERATION SUB-OPERATION EXTRA < domain.xml
 *
 *   prepare begin      checks the metadata
 *   start begin        adds the ports: the taps exist. A failure ends the start of the guest
 *   reconnect begin    the same after a start of libvirtd; libvirt would end the guest on a failure
 *   stopped, release   removes the ports; the XML has no interface names then
 *
 * A port is identified by the MAC address of its NIC, because libvirt gives interfaces such as
 * vnet0 to other guests later. Nothing of the XML reaches a shell. Hot-plugged NICs run no hook.
 *
 * Environment: UPLINKCTL, the program; "uplinkctl" of PATH by default.
 */
#include <fcntl.h>
#include <jansson.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/file.h"
#include "common/util.h"
#include "integration/libvirt/domain.h"

#define REPLY_MAX_BYTES (16 << 20)

extern char **environ;

static void complain(const char *what, const char *reason)
{
	fprintf(stderr, "uplinkd hook: %s: %s\n", what, reason);
}

/* Everything, with a NUL; the caller frees it. NULL: error, or more than max bytes. */
static char *read_all(int fd, size_t max, size_t *ret_length)
{
	char *text = NULL;

	if (file_read(fd, max, &text, ret_length) == 0 && *ret_length <= max)
		return text;
	free(text);
	return NULL;
}

/* ---- uplinkctl ---- */
/* Its exit status, or -1. ret_output NULL: discarded; the output of a hook is for libvirt. */
static int run_uplinkctl(const char *const *arguments, char **ret_output)
{
	const char *program = getenv("UPLINKCTL") ?: "uplinkctl";
	posix_spawn_file_actions_t actions;
	int pipe_fd[2], status = -1, r;
	size_t length = 0;
	char *output;
	pid_t pid;

	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, pipe_fd[1], STDOUT_FILENO);
	r = posix_spawnp(&pid, program, &actions, NULL, (char *const *)arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(pipe_fd[1]);
	if (r != 0) {
		close(pipe_fd[0]);
		complain(program, strerror(r));
		return -1;
	}
	output = read_all(pipe_fd[0], REPLY_MAX_BYTES, &length);
	close(pipe_fd[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (ret_output)
		*ret_output = output;
	else
		free(output);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static json_t *list_ports(void)
{
	static const char *const arguments[] = { "uplinkctl", "--json", "show", "ports", NULL };
	_cleanup_free_ char *output = NULL;

	if (run_uplinkctl(arguments, &output) != 0 || !output)
		return NULL;
	return json_loads(output, 0, NULL);
}

static bool remove_port(const char *name)
{
	const char *arguments[] = { "uplinkctl", "port", "del", "--if-exists", name, NULL };

	return run_uplinkctl(arguments, NULL) == 0;
}

static bool add_port(const struct domain_nic *nic)
{
	const char *arguments[] = { "uplinkctl",      "port",	  "add",       "--may-exist",
				    nic->switch_name, nic->group, nic->target, "--mac",
				    nic->mac,	      NULL };

	return run_uplinkctl(arguments, NULL) == 0;
}

/* ---- ports of a NIC ---- */
static const char *text_of(json_t *record, const char *key)
{
	return json_string_value(json_object_get(record, key)) ?: "";
}

/* Added at run time, and by no attachment bridge. */
static bool is_ours(json_t *record)
{
	return json_is_true(json_object_get(record, "runtime")) &&
	       !json_is_true(json_object_get(record, "attached"));
}

/* The NIC's port under a former name, and a former guest's port that has the NIC's name now. */
static bool is_stale(json_t *record, const struct domain_nic *nic)
{
	bool same_mac = strcasecmp(text_of(record, "mac"), nic->mac) == 0;
	bool same_name = strcmp(text_of(record, "name"), nic->target) == 0;
	bool same_group = strcmp(text_of(record, "switch"), nic->switch_name) == 0 &&
			  strcmp(text_of(record, "group"), nic->group) == 0;

	if (!is_ours(record))
		return false;
	return same_name ? !same_mac || !same_group :
			   same_mac && !json_is_true(json_object_get(record, "present"));
}

static bool attach(json_t *ports, const struct domain_nic *nic)
{
	json_t *record;
	size_t i;

	if (!nic->target[0]) {
		complain(nic->mac, "its interface has no name yet");
		return false;
	}
	json_array_foreach(ports, i, record) {
		if (is_stale(record, nic) && !remove_port(text_of(record, "name")))
			return false;
	}
	return add_port(nic);
}

static bool detach(json_t *ports, const struct domain_nic *nic)
{
	bool done = true;
	json_t *record;
	size_t i;

	json_array_foreach(ports, i, record) {
		if (is_ours(record) && strcasecmp(text_of(record, "mac"), nic->mac) == 0 &&
		    strcmp(text_of(record, "switch"), nic->switch_name) == 0 &&
		    strcmp(text_of(record, "group"), nic->group) == 0)
			done = remove_port(text_of(record, "name")) && done;
	}
	return done;
}

static bool for_each_nic(const struct domain *domain,
			 bool (*act)(json_t *ports, const struct domain_nic *nic))
{
	json_auto_t *ports = domain->n ? list_ports() : NULL;
	bool done = true;

	if (domain->n && !ports) {
		complain("ports", "cannot be listed; is uplinkd running?");
		return false;
	}
	for (size_t i = 0; i < domain->n; i++)
		done = act(ports, &domain->nics[i]) && done;
	return done;
}

/* ---- operations ---- */
enum action { NOTHING, CHECK, ATTACH, KEEP, DETACH };

static enum action action_of(const char *operation, const char *sub)
{
	/* clang-format off */
	static const struct { const char *operation, *sub; enum action action; } rows[] = {
		{ "prepare", "begin", CHECK },
		{ "start", "begin", ATTACH },
		{ "reconnect", "begin", KEEP },
		{ "stopped", "end", DETACH },
		{ "release", "end", DETACH },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(operation, rows[i].operation) == 0 && strcmp(sub, rows[i].sub) == 0)
			return rows[i].action;
	return NOTHING;
}

int main(int argc, char **argv)
{
	enum action action = argc >= 4 ? action_of(argv[2], argv[3]) : NOTHING;
	bool fatal = action == CHECK || action == ATTACH, done = true;
	_cleanup_free_ struct domain *domain = NULL;
	_cleanup_free_ char *xml = NULL;
	char error[256];
	size_t length;

	if (argc < 4) {
		fprintf(stderr, "usage: %s DOMAIN OPERATION SUB-OPERATION EXTRA < domain.xml\n",
			argv[0]);
		return 1;
	}
	if (action == NOTHING)
		return 0;
	domain = malloc(sizeof(*domain));
	xml = read_all(STDIN_FILENO, DOMAIN_MAX_BYTES, &length);
	if (!domain || !xml) {
		complain(argv[1], "cannot read the domain");
		return fatal;
	}
	if (domain_parse(xml, length, domain, error, sizeof(error)) < 0) {
		complain(argv[1], error);
		return fatal;
	}
	if (action == ATTACH || action == KEEP)
		done = for_each_nic(domain, attach);
	else if (action == DETACH)
		done = for_each_nic(domain, detach);
	return fatal && !done;
}
