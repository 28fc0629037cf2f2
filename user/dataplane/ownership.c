// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "dataplane/ownership.h"

enum address_state own_address_state(const struct ul_port *port)
{
	__u32 life = __atomic_load_n(&port->life, __ATOMIC_RELAXED);

	if (__atomic_load_n(&port->seen, __ATOMIC_RELAXED) == life)
		return ADDRESS_CONFIRMED;
	return port->flags & UL_PORT_ABSENT ? ADDRESS_ABSENT : ADDRESS_TENTATIVE;
}

enum address_state learned_address_state(const struct ul_port *port, __u64 here, __u64 outside,
					 __u64 now, __u32 hz)
{
	if (port->flags & UL_PORT_ABSENT)
		return ADDRESS_ABSENT;
	if (!outside)
		return ADDRESS_HERE;
	if (outside >= here)
		return ADDRESS_ELSEWHERE;
	return now - outside < (__u64)UL_CONTEST_S * hz ? ADDRESS_CONTESTED : ADDRESS_HERE;
}
