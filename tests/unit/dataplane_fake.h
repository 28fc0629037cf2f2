/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * A data plane without a kernel: the records are arrays in ordinary memory, and the operations that
 * make system calls (struct dataplane_ops) record their calls and return the results that the test
 * chose. The typed writers, the exact-match tables and everything else are the real code.
 *
 *	static struct dataplane_fake fake;
 *
 *	dataplane_fake_init(&fake, 64, 16);
 *	fake.attach_port_error = -EBUSY;
 *	... the code under test with &fake.dp ...
 *	cr_expect(!dataplane_fake_is_attached(&fake, 7));
 *	dataplane_fake_done(&fake);
 */
#ifndef TESTS_UNIT_DATAPLANE_FAKE_H
#define TESTS_UNIT_DATAPLANE_FAKE_H

#include "common/errors.h"
#include "dataplane/dataplane.h"
#include "dataplane/records.h"

enum dataplane_fake_kind {
	FAKE_ATTACH_PORT,   /* object: ifindex */
	FAKE_ATTACH_UPLINK, /* object: ifindex; value: 1: with XDP */
	FAKE_DETACH,	    /* object: ifindex */
	FAKE_XDP_TARGET,    /* object: slot; value: ifindex or 0 */
	FAKE_SET_MEMBER,    /* object: VID << 16 | place; value: slot */
	FAKE_REMOVE_MEMBER, /* object: VID << 16 | place */
	FAKE_RESET_STATS,   /* object: number in ul_stats */
	FAKE_SAVE_LACP,	    /* object: uplink; value: 1: a record, 0: all zero */
};

struct dataplane_fake_call {
	enum dataplane_fake_kind kind;
	uint32_t object, value;
};

#define DATAPLANE_FAKE_ATTACHED 256
#define DATAPLANE_FAKE_MEMBERS 1024

struct dataplane_fake {
	struct dataplane dp; /* for the code under test; dp.errors is &errors */
	struct errors errors;

	/* ---- results of the operations; 0: success ---- */
	int attach_port_error, attach_uplink_error, check_xdp_error;
	int set_member_error, xdp_target_error, save_lacp_error, load_lacp_error;
	/* of an uplink that is attached with XDP; UL_XDP_NATIVE after dataplane_fake_init() */
	enum ul_xdp_mode xdp_mode;
	uint32_t problems; /* of each interface, enum ul_problem */
	uint64_t jiffies;  /* what dataplane_jiffies() returns */
	int xdp_retry;	   /* negative errno: the attachment is worth another attempt */
	uint64_t netdev;   /* of each interface; 0: carriers cannot be checked */
	int find_netdev_error, detach_error;
	/* what dataplane_read_carriers() returns, enum ul_carrier_state by the index in the query
	 */
	uint32_t carriers[UL_MAX_UPLINKS];
	int read_carriers_error;

	/* ---- state that the operations left ---- */
	uint32_t attached[DATAPLANE_FAKE_ATTACHED]; /* ifindexes; 0: free */
	uint32_t *xdp_target;			    /* slot -> ifindex */
	struct {
		struct ul_member_key key;
		uint32_t slot;
		bool used;
	} members[DATAPLANE_FAKE_MEMBERS];
	struct lacp_saved lacp[UL_MAX_UPLINKS];

	/* ---- every call, in order; the test may set n_calls to 0 ---- */
	struct dataplane_fake_call *calls;
	size_t n_calls;
};

/* An empty set: ABI version and sizes in ul_meta, each policy's buckets UL_NO_UPLINK. Switches the
 * waits for grace periods off for this test process. */
void dataplane_fake_init(struct dataplane_fake *fake, uint32_t max_ports, uint32_t max_groups);
void dataplane_fake_done(struct dataplane_fake *fake);

bool dataplane_fake_is_attached(const struct dataplane_fake *fake, uint32_t ifindex);
/* The port slot at that place of the VLAN's flood list, or -ENOENT. */
int dataplane_fake_member(const struct dataplane_fake *fake, uint16_t vid, uint16_t place);
/* How often the operation was called for the object. */
size_t dataplane_fake_count(const struct dataplane_fake *fake, enum dataplane_fake_kind kind,
			    uint32_t object);
/* Does a message of fake->errors contain the text? */
bool dataplane_fake_has_error(const struct dataplane_fake *fake, const char *text);

#endif
