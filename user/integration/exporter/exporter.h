/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * uplinkd-exporter: metrics of uplinkd over HTTP, for Prometheus. A separate process, so that
 * neither the HTTP server nor its libraries are in the daemon. It reads over the control socket and
 * needs nothing but membership in its group; control.group-may: read is enough.
 *
 *   main.c     options, life cycle
 *   collect.c  the reads of one scrape
 *   server.c   HTTP: one thread, limits on clients, content negotiation, the stored page
 *
 * Without the daemon the page has uplinkd_up 0, and the exporter keeps running. Tests:
 * tests/integration/test_metrics.py.
 */
#ifndef UL_EXPORTER_EXPORTER_H
#define UL_EXPORTER_EXPORTER_H

#include <stddef.h>

#include "records/metrics.h"

#define EXPORTER_ADDRESS "127.0.0.1:9786"

/* ---- collect.c ---- */
/* Reads everything over the socket and renders it; *ret to be freed. Without the daemon it is a
 * page, too. 0 or -ENOMEM. A failure of the daemon is logged when it begins and when it ends. */
int collect(const char *socket_path, enum metrics_format format, char **ret, size_t *ret_size);

/* ---- server.c ---- */
struct server;

/* Listens on "ADDRESS:PORT" ("[ADDRESS]:PORT" for IPv6). 0 or negative errno, logged. */
int server_start(const char *address, const char *socket_path, struct server **ret);
void server_stop(struct server *server); /* NULL allowed */

#endif
