/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The other software that configures interfaces of the host: systemd-networkd, NetworkManager and
 * udev. Drop-in files of the run-time file system keep it off the uplinks and off the interfaces of
 * ports, or hand the host's end of a port to it (dhcp, ipv6-ra, dns).
 *
 *   systemd/network/05-uplinkd.network                Unmanaged=yes for all but the handed over
 *   systemd/network/05-uplinkd-PORT.network           a port handed over to systemd-networkd
 *   NetworkManager/conf.d/90-uplinkd.conf             unmanaged-devices
 *   NetworkManager/system-connections/uplinkd-PORT.nmconnection   a port handed over to it
 *   udev/rules.d/90-uplinkd.rules                     ID_NET_MANAGED_BY, NM_UNMANAGED
 *
 * No .link file is written: the first one that matches a NIC also decides its name.
 *
 *   files.c    from a configuration to the text of the files; pure
 *   sync.c     brings the files of a folder to that text
 *   notify.c   which manager runs, and the requests to read the files again
 *
 * All of it runs as root in a short-lived process (daemon/drop_ins.c), because udev rules run
 * commands, and because a manager may not answer. Tests: tests/unit/managers_*.c,
 * tests/netns/test_drop_ins.py, tests/integration/test_network_managers.py.
 */
#ifndef UL_MANAGERS_MANAGERS_H
#define UL_MANAGERS_MANAGERS_H

#include <sys/types.h>

#include "common/errors.h"
#include "config/model.h"

enum manager { MANAGER_NONE, MANAGER_NETWORKD, MANAGER_NM };

#define MANAGER_PATH_LEN 96

struct manager_file {
	char path[MANAGER_PATH_LEN]; /* below the root */
	mode_t mode;
	char *text;
};

struct manager_files {
	struct manager_file *file;
	size_t n;
};

/* ---- files.c ---- */
/*
 * model NULL: no files. to: the manager of ports that are handed over; MANAGER_NONE adds a message
 * for each of them. own_name: stores the interface's own name for a configured one, which may be an
 * alternative one, and returns 1; 0: there is no such interface; or negative errno. NULL: there is
 * none. 0, also with messages about single interfaces; or negative errno.
 */
int manager_files_make(const struct model *model, enum manager to,
		       int (*own_name)(const char *name, char ret[UL_NAME_LEN]),
		       struct manager_files *ret, struct errors *errors);
void manager_files_done(struct manager_files *files);

/* Whether a port of the model is handed over. NULL: no. */
bool manager_is_needed(const struct model *model);

/* ---- sync.c ---- */
/* Whose files changed, and the interfaces whose udev rule did. */
struct manager_changes {
	bool networkd, nm, udev;
	char (*name)[UL_NAME_LEN];
	size_t n_names;
};

/* Writes the files that differ below root and removes all others of uplinkd. Adds to *changes. 0 or
 * negative errno with messages; the other files are synchronised even then. */
int manager_files_sync(const char *root, const struct manager_files *files,
		       struct manager_changes *changes, struct errors *errors);
/* Adds the interfaces of the udev rules below root. 0 or negative errno. */
int manager_changes_add_rules(struct manager_changes *changes, const char *root);
/* Adds the interfaces of a text with one in each line. 0 or -ENOMEM. */
int manager_changes_add_lines(struct manager_changes *changes, const char *text);
void manager_changes_done(struct manager_changes *changes);
/* What the rules of the files say: NetworkManager leaves the interface alone (1), manages it (0);
 * or -ENOENT: nothing. */
int manager_files_exclude(const struct manager_files *files, const char *name);

/* ---- notify.c ---- */
/* A manager that runs. Without D-Bus: MANAGER_NONE. 0 or negative errno: that is not known. */
int manager_find_running(enum manager *ret);
/* That one, or else one that the service manager starts at boot. 0 or negative errno. */
int manager_choose(enum manager *ret);
/* Makes udev and the managers that run read their files again. 0, or negative errno with messages:
 * one that runs, or may run, has not done that. */
int managers_notify(const struct manager_changes *changes, const struct manager_files *files,
		    struct errors *errors);

#endif
