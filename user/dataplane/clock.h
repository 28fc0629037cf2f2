/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The clock of ul_fdb_use, ul_sent and ul_outside: the kernel's jiffies. */
#ifndef UL_DATAPLANE_CLOCK_H
#define UL_DATAPLANE_CLOCK_H

#include <stdint.h>

/* Jiffies per second of the running kernel (CONFIG_HZ). */
uint32_t kernel_hz(void);
/* Jiffies now, from the program clock_read; 0: it cannot be run. */
uint64_t clock_jiffies(int program_fd);

#endif
