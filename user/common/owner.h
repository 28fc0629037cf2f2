/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Directories of state that change their owner: root hands over what an earlier version created to
 * the user of the service. Everything is opened by descriptor and no symbolic link is followed,
 * because the new owner may change a directory while root walks through it.
 */
#ifndef UL_COMMON_OWNER_H
#define UL_COMMON_OWNER_H

#include <sys/types.h>

#include "common/errors.h"

struct new_owner {
	const char *name; /* of the user, for messages */
	uid_t uid;
	gid_t gid;
};

/*
 * Gives the directory `name` in the directory dir_fd, its subdirectories and the files in them to
 * the owner. Other kinds of files stay as they are. What belongs to a third user is refused, and so
 * is a file with several hard links: both are left alone and the rest is given. path: of the
 * directory, for messages. 0 or negative errno, explained.
 */
int owner_give_directory(int dir_fd, const char *name, const char *path,
			 const struct new_owner *owner, struct errors *errors);

#endif
