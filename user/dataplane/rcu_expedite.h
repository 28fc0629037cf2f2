/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
#ifndef UL_DATAPLANE_RCU_EXPEDITE_H
#define UL_DATAPLANE_RCU_EXPEDITE_H

#include <sys/types.h>

#define RCU_EXPEDITED "/sys/kernel/rcu_expedited"

/*
 * Asks the kernel for expedited grace periods while many ports are attached or detached. Each waits
 * for a grace period with the lock of all interfaces held, 8 to 16 ms, so parallel requests do not
 * help. The setting is machine-wide and interrupts the other CPUs for some microseconds per grace
 * period. While it is on, a marker file exists, by which the next start or teardown switches it off
 * after a crash.
 */
struct rcu_expedite {
	const char *setting; /* RCU_EXPEDITED, or a file of a test */
	const char *marker;
};

/* Returns a descriptor for rcu_expedite_end(), -EALREADY: it is on, or another negative errno: it
 * cannot be switched on. */
int rcu_expedite_begin(const struct rcu_expedite *rcu);
/* fd: from rcu_expedite_begin(), errors included. 0, or a negative errno: the setting or its marker
 * stays. */
int rcu_expedite_end(const struct rcu_expedite *rcu, int fd);
/* Switches off what a process left on that was killed before rcu_expedite_end(). 0 or negative
 * errno. */
int rcu_expedite_restore(const struct rcu_expedite *rcu);
/* As root: lets the user write the setting, as its owner; 0 takes it back. 0 or negative errno. */
int rcu_expedite_give(const struct rcu_expedite *rcu, uid_t uid);

#endif
