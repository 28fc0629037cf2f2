/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Messages to the service manager (sd_notify(3)) that never wait: a message that does not fit the
 * queue of the service manager is lost. */
#ifndef UL_COMMON_NOTIFY_H
#define UL_COMMON_NOTIFY_H

/* A socket that is connected to $NOTIFY_SOCKET; -ENOENT: there is no service manager; other
 * negative errno. */
int notify_open(void);
/* fd: of notify_open(), or negative: nothing is sent. 0 or negative errno. */
int notify_send(int fd, const char *message);

#endif
