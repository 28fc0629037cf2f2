// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * What a service with a separate user needs from root: the pins and the run directory of an
 * earlier version, a reachable BPF file system, and the machine's RCU setting. Short-lived
 * processes of the service manager do it before the start and after the stop of the daemon, so that
 * the daemon itself never has these rights. Both may be repeated at any time.
 */
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>

#include "common/owner.h"
#include "daemon/state.h"
#include "dataplane/dataplane.h"

static int find_owner(const char *name, struct new_owner *ret)
{
	const struct passwd *entry;

	errno = 0;
	entry = getpwnam(name);
	if (!entry)
		return log_error(
			errno ? -errno : -ENOENT,
			"--prepare: user %s does not exist; create it with 'systemd-sysusers' or 'useradd --system %s'",
			name, name);
	*ret = (struct new_owner){ .name = name, .uid = entry->pw_uid, .gid = entry->pw_gid };
	return 0;
}

static int give_run_dir(const struct daemon_options *options, const struct new_owner *owner,
			struct errors *errors)
{
	if (mkdir(options->run_dir, 0755) < 0 && errno != EEXIST)
		return errors_add(errors, -errno, "%s: cannot be created", options->run_dir);
	return owner_give_directory(AT_FDCWD, options->run_dir, options->run_dir, owner, errors);
}

/* The service manager makes it, if the service has one. */
static int give_state_dir(const struct daemon_options *options, const struct new_owner *owner,
			  struct errors *errors)
{
	if (!options->state_dir || (access(options->state_dir, F_OK) < 0 && errno == ENOENT))
		return 0;
	return owner_give_directory(AT_FDCWD, options->state_dir, options->state_dir, owner,
				    errors);
}

/* A daemon that was killed has left the setting on. Without the setting only speed is lost. */
static void put_rcu_back(const struct daemon_options *options, uid_t uid)
{
	char marker[PATH_MAX];
	struct rcu_expedite rcu = { .setting = RCU_EXPEDITED, .marker = marker };
	int r = daemon_run_path(options, RCU_MARKER_NAME, marker);

	if (r == 0)
		r = rcu_expedite_restore(&rcu);
	if (r < 0)
		log_warning(r, "%s: cannot be switched off for good; write 0 to it and remove %s",
			    rcu.setting, rcu.marker);
	r = rcu_expedite_give(&rcu, uid);
	if (r < 0)
		log_warning(r, "%s: cannot be given to user %u", rcu.setting, uid);
}

static int require_root(const char *option)
{
	return geteuid() == 0 ? 0 : log_error(-EPERM, "%s: needs root", option);
}

enum daemon_status daemon_prepare(const struct daemon_options *options, const char *user)
{
	_cleanup_(errors_done) struct errors errors = {};
	struct new_owner owner;
	int r = require_root("--prepare"), run, state;

	if (r == 0)
		r = find_owner(user, &owner);
	if (r < 0)
		return DAEMON_SYSTEM;
	r = dataplane_hand_over(options->bpffs, &owner, &errors);
	run = give_run_dir(options, &owner, &errors);
	state = give_state_dir(options, &owner, &errors);
	put_rcu_back(options, owner.uid);
	for (size_t i = 0; i < errors.n; i++)
		log_error(0, "%s", errors.messages[i]);
	return r < 0 || run < 0 || state < 0 ? DAEMON_SYSTEM : DAEMON_OK;
}

enum daemon_status daemon_finish(const struct daemon_options *options)
{
	if (require_root("--finish") < 0)
		return DAEMON_SYSTEM;
	put_rcu_back(options, 0);
	return DAEMON_OK;
}
