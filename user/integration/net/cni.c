// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "integration/net/cni.h"

#include "common/util.h"
#include "integration/net/cni_config.h"
#include "integration/net/json_input.h"

struct call {
	const struct cni_environment *environment;
	struct cni_config config;
	struct ipam ipam;
	struct attachment want;
	FILE *out;
};

/* object: consumed. 0 or negative errno: standard output is closed. */
static int print_json(FILE *out, json_t *object)
{
	int r = object ? json_dumpf(object, out, JSON_INDENT(2)) : -1;

	json_decref(object);
	if (r < 0 || fputc('\n', out) == EOF || fflush(out) == EOF)
		return errno ? -errno : -EIO;
	return 0;
}

/* ---- ADD ---- */
static int print_result(struct call *call, const struct attach *attach, const json_t *ipam,
			const struct setup *setup, struct failure *failure)
{
	const struct cni_result result = {
		.version = call->config.version,
		.previous = call->config.previous,
		.ipam = ipam,
		.dns = call->config.dns,
		.host_end = attach->host_end,
		.ifname = call->environment->ifname,
		.netns = call->environment->netns,
		.host_mac = attach->host_mac,
		.mac = attach->mac,
		.mtu = attach->mtu,
		.setup = setup,
	};
	int r = print_json(call->out, cni_result_make(&result));

	return r < 0 ? failure_set(failure, FAILURE_IO, r, "cannot write the result") : 0;
}

static int add_addresses(struct attach *attach, void *userdata, struct failure *failure)
{
	struct call *call = userdata;
	json_auto_t *ipam = NULL;
	struct setup setup;
	int r = ipam_run(&call->ipam, "ADD", &ipam, failure);

	if (r == -ENOENT) /* there is no such program */
		return r;
	if (r == 0)
		r = cni_result_read(ipam, -1, &setup, failure);
	if (r == 0)
		r = attach_configure(attach, &setup, failure);
	if (r == 0)
		r = print_result(call, attach, ipam, &setup, failure);
	if (r < 0)
		(void)ipam_run(&call->ipam, "DEL", NULL, failure);
	return r;
}

static int command_add(struct call *call, struct failure *failure)
{
	return attach_add(&call->want, add_addresses, call, failure);
}

/* ---- DEL ---- */
/* What can be removed is, also when the IPAM plugin fails. */
static int command_del(struct call *call, struct failure *failure)
{
	int ipam = ipam_run(&call->ipam, "DEL", NULL, failure),
	    r = attach_remove(&call->want, failure);

	return ipam < 0 ? ipam : r;
}

/* ---- CHECK ---- */
static int command_check(struct call *call, struct failure *failure)
{
	const json_t *previous = call->config.previous;
	const char *ifname = call->environment->ifname;
	struct setup setup;
	int index, r;

	if (!previous)
		return failure_set(failure, FAILURE_CONFIG, 0, "prevResult: is missing");
	index = cni_result_find_interface(previous, ifname, call->environment->netns);
	if (index < 0)
		return failure_set(failure, FAILURE_CHECK, 0,
				   "prevResult.interfaces: has no %s in the sandbox %.128s", ifname,
				   call->environment->netns);
	r = cni_result_read(previous, index, &setup, failure);
	if (r == 0)
		r = ipam_run(&call->ipam, "CHECK", NULL, failure);
	return r == 0 ? attach_check(&call->want, &setup, failure) : r;
}

/* ---- GC ---- */
struct valid {
	const char *network;
	json_t *attachments;
};

static bool is_valid(const void *userdata, const char *host_end)
{
	const struct valid *valid = userdata;
	char name[UL_NAME_LEN];
	json_t *attachment;
	size_t i;

	json_array_foreach(valid->attachments, i, attachment) {
		const struct identity id = {
			.network = valid->network,
			.container = json_string_value(json_object_get(attachment, "containerID")),
			.ifname = json_string_value(json_object_get(attachment, "ifname")),
		};

		identity_host_end(&id, name);
		if (strcmp(name, host_end) == 0)
			return true;
	}
	return false;
}

/* An entry that is not understood could be an attachment that would be removed. */
static int check_valid(json_t *attachments, struct failure *failure)
{
	json_t *attachment;
	size_t i;

	if (!attachments)
		return failure_set(failure, FAILURE_CONFIG, 0,
				   "cni.dev/valid-attachments: is missing");
	json_array_foreach(attachments, i, attachment)
		if (!json_is_string(json_object_get(attachment, "containerID")) ||
		    !json_is_string(json_object_get(attachment, "ifname")))
			return failure_set(failure, FAILURE_CONFIG, 0,
					   "cni.dev/valid-attachments[%zu]: must have the strings "
					   "containerID and ifname",
					   i);
	return 0;
}

static int command_gc(struct call *call, struct failure *failure)
{
	struct valid valid = { call->config.name, call->config.valid };
	int ipam, r = check_valid(valid.attachments, failure);

	if (r < 0)
		return r;
	ipam = ipam_run(&call->ipam, "GC", NULL, failure);
	r = attach_collect(call->config.place.socket, call->config.name, is_valid, &valid, failure);
	return ipam < 0 ? ipam : r;
}

/* ---- STATUS ---- */
static int command_status(struct call *call, struct failure *failure)
{
	uint32_t mtu;
	int r = daemon_find_group(&call->config.place, &mtu, failure);

	if (r == 0)
		return ipam_run(&call->ipam, "STATUS", NULL, failure);
	/* the code of the specification for a plugin that cannot serve an ADD */
	failure->code = FAILURE_UNAVAILABLE;
	return r;
}

/* ---- VERSION ---- */
static int print_version(const char *input, size_t size, FILE *out)
{
	json_auto_t *request = size ? json_loadb(input, size, 0, NULL) : NULL,
		    *versions = json_array();
	const char *version = json_string_value(json_object_get(request, "cniVersion"));

	for (int i = 0; i < CNI_N_VERSIONS; i++)
		json_array_append_new(versions, json_string(cni_version_names[i]));
	return print_json(out, json_pack("{s:s, s:O}", "cniVersion",
					 version ? version : cni_version_names[CNI_N_VERSIONS - 1],
					 "supportedVersions", versions));
}

/* ---- dispatch ---- */
static const struct command {
	const char *name;
	int (*run)(struct call *call, struct failure *failure);
	enum cni_version since;
	/* what it needs: container and interface, a namespace, the port group */
	bool needs_container, needs_netns, needs_group;
	/* clang-format off */
} commands[] = {
	{ "ADD",	command_add,	CNI_0_3_1, true,  true,  true },
	{ "DEL",	command_del,	CNI_0_3_1, true,  false, false },
	{ "CHECK",	command_check,	CNI_0_4_0, true,  true,  true },
	{ "GC",		command_gc,	CNI_1_1_0, false, false, false },
	{ "STATUS",	command_status,	CNI_1_1_0, false, false, true },
};
/* clang-format on */

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int check_environment(const struct command *command,
			     const struct cni_environment *environment, struct failure *failure)
{
	int r = 0;

	if (command->needs_container) {
		r = identity_check_container(environment->container, failure);
		if (r == 0)
			r = identity_check_ifname(environment->ifname, failure);
	}
	if (r == 0 && command->needs_netns && !environment->netns[0])
		r = failure_set(failure, FAILURE_ENVIRONMENT, 0, "CNI_NETNS: is missing");
	return r;
}

static int run_command(const struct command *command, struct call *call, const char *input,
		       size_t size, struct failure *failure)
{
	const struct cni_environment *environment = call->environment;
	struct cni_config *config = &call->config;
	int r = check_environment(command, environment, failure);

	if (r == 0)
		r = cni_config_read(input, size, environment->arguments, command->needs_group,
				    config, failure);
	if (r < 0)
		return r;
	if (config->version < command->since)
		return failure_set(failure, FAILURE_VERSION, 0,
				   "cniVersion: %s: %s needs %s or newer",
				   cni_version_names[config->version], command->name,
				   cni_version_names[command->since]);
	call->ipam = (struct ipam){
		.type = config->ipam_type, .path = environment->path, .config = input, .size = size
	};
	call->want = (struct attachment){
		.id = { config->name, environment->container, environment->ifname },
		.place = config->place,
		.netns = environment->netns,
		.mtu = config->mtu,
		.has_mac = config->has_mac,
	};
	memcpy(call->want.mac, config->mac, sizeof(call->want.mac));
	return command->run(call, failure);
}

static void print_failure(const struct call *call, const struct failure *failure)
{
	(void)print_json(call->out,
			 json_pack("{s:s, s:i, s:s, s:s*}", "cniVersion",
				   cni_version_names[call->config.version], "code",
				   (int)failure->code, "msg", failure->message, "details",
				   failure->details[0] ? failure->details : NULL));
}

int cni_run(const struct cni_environment *environment, const char *input, size_t size, FILE *out)
{
	struct call call = { .environment = environment,
			     .config = { .version = CNI_1_1_0 },
			     .out = out };
	const struct command *command = find_command(environment->command);
	struct failure failure = {};
	int r;

	if (strcmp(environment->command, "VERSION") == 0)
		return print_version(input, size, out) < 0;
	if (command)
		r = run_command(command, &call, input, size, &failure);
	else
		r = failure_set(&failure, FAILURE_ENVIRONMENT, 0,
				"CNI_COMMAND: '%.32s': must be ADD, DEL, CHECK, GC, STATUS or "
				"VERSION",
				environment->command);
	if (r < 0)
		print_failure(&call, &failure);
	cni_config_done(&call.config);
	return r < 0;
}
