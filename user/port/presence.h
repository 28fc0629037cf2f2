/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* UL_PORT_ABSENT and life of a port, by its interface. For port/ only. */
#ifndef UL_PORT_PRESENCE_H
#define UL_PORT_PRESENCE_H

#include "port/ports.h"

/* Creates the timer of the second looks. 0 or negative errno. */
int presence_start(struct ports *ports);
/* The interface of the port: absent without carrier, else not. */
void presence_update(struct ports *ports, uint32_t slot, const struct link_info *info);
/* The port has no interface any longer. */
void presence_lost(struct ports *ports, uint32_t slot);
/* Second looks and ends of mutes that are due. Returns whether more are to come. */
bool presence_look_again(struct ports *ports, uint64_t now_ms);
/* Calls it in a second, if it is not planned yet. */
void presence_arm(struct ports *ports);

#endif
