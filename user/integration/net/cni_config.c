// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "integration/net/cni_config.h"

#include "common/util.h"
#include "config/value.h"
#include "integration/net/json_input.h"

/* ---- the version ---- */
static int read_version(struct cni_config *config, struct failure *failure)
{
	/* as the specification says for a configuration without one */
	const char *name = "0.1.0";
	int version, r = json_input_string(config->root, "", "cniVersion", &name, failure);

	if (r < 0)
		return r;
	version = cni_version_find(name);
	if (version < 0)
		return failure_set(failure, FAILURE_VERSION, 0,
				   "cniVersion: %.32s: must be 0.3.1, 0.4.0, 1.0.0 or 1.1.0", name);
	config->version = (enum cni_version)version;
	return 0;
}

/* ---- the port group ---- */
static int check_text(const char *key, const char *text, size_t max, struct failure *failure)
{
	if (!text)
		return failure_set(failure, FAILURE_CONFIG, 0, "%s: is missing", key);
	if (!*text || strlen(text) > max)
		return failure_set(failure, FAILURE_CONFIG, 0,
				   "%s: '%.64s': must have 1-%zu characters", key, text, max);
	return 0;
}

static int read_place(struct cni_config *config, bool needs_group, struct failure *failure)
{
	struct port_place *place = &config->place;
	int r = json_input_string(config->root, "", "switch", &place->switch_name, failure);

	place->socket = DAEMON_SOCKET;
	if (r == 0)
		r = json_input_string(config->root, "", "portGroup", &place->group, failure);
	if (r == 0)
		r = json_input_string(config->root, "", "socket", &place->socket, failure);
	if (r == 0 && place->socket[0] != '/')
		r = failure_set(failure, FAILURE_CONFIG, 0,
				"socket: '%.64s': must be an absolute path", place->socket);
	if (r == 0)
		r = json_input_uint32(config->root, "", "mtu", &config->mtu, failure);
	if (r < 0 || !needs_group)
		return r;
	r = check_text("switch", place->switch_name, UL_NAME_LEN - 1, failure);
	return r < 0 ? r : check_text("portGroup", place->group, UL_GROUP_NAME_LEN - 1, failure);
}

/* ---- CNI_ARGS ---- */
static bool is_true(const char *text, size_t n)
{
	return (n == 1 && *text == '1') || (n == 4 && strncasecmp(text, "true", 4) == 0);
}

/* "MAC=...;IgnoreUnknown=1". Others are refused without IgnoreUnknown, as by the reference
 * plugins. mac has MAC_TEXT_LEN bytes. */
static int read_arguments(const char *text, char *mac, struct failure *failure)
{
	const char *unknown = NULL;
	int unknown_length = 0;
	bool ignore = false;

	while (*text) {
		size_t n = strcspn(text, ";"), key = strcspn(text, "=");

		if (key >= n)
			return failure_set(failure, FAILURE_ENVIRONMENT, 0,
					   "CNI_ARGS: '%.*s': must be KEY=VALUE",
					   n < 64 ? (int)n : 64, text);
		if (key == 3 && strncmp(text, "MAC", 3) == 0) {
			snprintf(mac, MAC_TEXT_LEN, "%.*s", (int)(n - key - 1), text + key + 1);
			if (n - key - 1 >= MAC_TEXT_LEN)
				return failure_set(failure, FAILURE_ENVIRONMENT, 0,
						   "CNI_ARGS: MAC=%s...: is too long", mac);
		} else if (key == 13 && strncmp(text, "IgnoreUnknown", 13) == 0) {
			ignore = is_true(text + key + 1, n - key - 1);
		} else if (!unknown) {
			unknown = text;
			unknown_length = key < 64 ? (int)key : 64;
		}
		text += n + (text[n] == ';');
	}
	if (unknown && !ignore)
		return failure_set(failure, FAILURE_ENVIRONMENT, 0,
				   "CNI_ARGS: %.*s: is unknown; set IgnoreUnknown=1 if it is for "
				   "other plugins",
				   unknown_length, unknown);
	return 0;
}

/* ---- the request of the runtime for one container ---- */
static int read_ips(const struct cni_config *config, const json_t *object, const char *path,
		    struct failure *failure)
{
	json_t *ips = NULL;
	int r = json_input_array(object, path, "ips", &ips, failure);

	/* An IPAM plugin such as static reads them from the same configuration. */
	if (r == 0 && json_array_size(ips) > 0 && !config->ipam_type)
		r = failure_set(failure, FAILURE_CONFIG, 0,
				"%sips: needs an ipam plugin that assigns them, such as static",
				path);
	return r;
}

static int read_wishes(struct cni_config *config, const char *arguments, struct failure *failure)
{
	json_t *runtime = NULL, *args = NULL, *cni = NULL;
	char from_arguments[MAC_TEXT_LEN] = "";
	const char *mac = from_arguments;
	int r = read_arguments(arguments, from_arguments, failure);

	if (r == 0)
		r = json_input_object(config->root, "", "args", &args, failure);
	if (r == 0)
		r = json_input_object(args, "args.", "cni", &cni, failure);
	if (r == 0)
		r = json_input_string(cni, "args.cni.", "mac", &mac, failure);
	if (r == 0)
		r = read_ips(config, cni, "args.cni.", failure);
	if (r == 0)
		r = json_input_object(config->root, "", "runtimeConfig", &runtime, failure);
	if (r == 0)
		r = json_input_string(runtime, "runtimeConfig.", "mac", &mac, failure);
	if (r == 0)
		r = read_ips(config, runtime, "runtimeConfig.", failure);
	if (r < 0 || !*mac)
		return r;
	if (mac_parse(mac, config->mac) < 0 || !mac_is_unicast(config->mac))
		return failure_set(failure, FAILURE_CONFIG, 0,
				   "mac: '%.32s': must be a unicast address such as "
				   "52:54:00:12:34:56",
				   mac);
	config->has_mac = true;
	return 0;
}

static int read_ipam(struct cni_config *config, struct failure *failure)
{
	json_t *ipam = NULL;
	int r = json_input_object(config->root, "", "ipam", &ipam, failure);

	if (r == 0)
		r = json_input_string(ipam, "ipam.", "type", &config->ipam_type, failure);
	/* "ipam": {} is none, as in the reference plugins */
	if (r == 0 && config->ipam_type && !*config->ipam_type)
		config->ipam_type = NULL;
	if (r == 0 && config->ipam_type &&
	    (strchr(config->ipam_type, '/') || strlen(config->ipam_type) > NAME_MAX))
		r = failure_set(failure, FAILURE_CONFIG, 0,
				"ipam.type: '%.64s': must be the name of a program in CNI_PATH",
				config->ipam_type);
	return r;
}

int cni_config_read(const char *text, size_t size, const char *arguments, bool needs_group,
		    struct cni_config *ret, struct failure *failure)
{
	struct cni_config *config = ret;
	int r;

	*config = (struct cni_config){ .version = CNI_1_1_0 };
	config->root = json_input_parse(text, size, "network configuration", failure);
	if (!config->root)
		return -EINVAL;
	r = read_version(config, failure);
	if (r == 0)
		r = json_input_string(config->root, "", "name", &config->name, failure);
	if (r == 0)
		r = identity_check_network(config->name ? config->name : "", failure);
	if (r == 0)
		r = read_place(config, needs_group, failure);
	if (r == 0)
		r = read_ipam(config, failure);
	if (r == 0)
		r = json_input_object(config->root, "", "dns", &config->dns, failure);
	if (r == 0)
		r = json_input_object(config->root, "", "prevResult", &config->previous, failure);
	if (r == 0)
		r = json_input_array(config->root, "", "cni.dev/valid-attachments", &config->valid,
				     failure);
	return r < 0 ? r : read_wishes(config, arguments, failure);
}

void cni_config_done(struct cni_config *config)
{
	json_decref(config->root);
	*config = (struct cni_config){};
}
