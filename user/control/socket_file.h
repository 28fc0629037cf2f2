/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The file of the control socket: who made it, and who may connect. */
#ifndef UL_CONTROL_SOCKET_FILE_H
#define UL_CONTROL_SOCKET_FILE_H

#include <sys/types.h>

#include "common/errors.h"

/* Identity of a file that this process made, so that no other one is removed. */
struct socket_file {
	dev_t device;
	ino_t inode; /* 0: none */
};

/* Listens on path with mode 0600. 0; -EADDRINUSE: another process listens there; -EEXIST: path
 * exists and is not a socket; -ENAMETOOLONG; other negative errno. */
int socket_file_listen(const char *path, int *ret_fd, struct socket_file *ret);
/*
 * Gives the group access, and takes it from the former one. group NULL: only root and the user of
 * this process may connect. A symbolic link at path, and a file of another user, are left alone.
 * Failures go to errors.
 */
void socket_file_set_group(const char *path, const char *group, struct errors *errors);
void socket_file_remove(const char *path, const struct socket_file *file);

#endif
