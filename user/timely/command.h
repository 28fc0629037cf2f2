/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * What passes between the worker and the timely thread: plain data, so that neither sees the state
 * of the other. The worker sends commands and waits for the answers; the timely thread answers at
 * once. Reports go the other way and are never waited for: those that do not fit the queue are
 * dropped and counted.
 */
#ifndef UL_TIMELY_COMMAND_H
#define UL_TIMELY_COMMAND_H

#include "channel/channel.h"
#include "common/histogram.h"
#include "config/model.h"
#include "dataplane/set.h"
#include "events.h"
#include "port/announce.h"

enum timely_kind {
	TIMELY_OPEN,	  /* a switch, with the set of its maps */
	TIMELY_EXCHANGE,  /* its maps are copied to a second set, which is filled from now on */
	TIMELY_EXCHANGED, /* no link runs programs of the first set any longer */
	TIMELY_ORDER,	  /* settings and order of the uplinks; begins an apply */
	TIMELY_LINK,	  /* the connected interface of an uplink, or what changed of it */
	TIMELY_DETACH,	  /* the interface is about to be detached */
	TIMELY_START,	  /* the uplinks are connected: the channel follows the settings */
	TIMELY_ASSIGN,	  /* a policy slot for each set of teaming settings */
	TIMELY_PRUNE,	  /* the slots that no group uses become free */
	TIMELY_PUBLISH,	  /* decide and write; ends an apply */
	TIMELY_DRAIN,
	TIMELY_FORGET, /* the port of a slot left */
	TIMELY_CLOSE,  /* the switch; nothing is sent */
	TIMELY_STOP,   /* the thread */
};

/* Counters of an uplink, at the index of the uplink. The timely side stores them, word by word; the
 * worker reads them at any time. */
struct timely_uplink_statistics {
	/* it served a policy and became unusable while others were usable */
	uint64_t failovers;
	struct histogram lacp_gaps; /* bounds: histogram_gap_ms */
};

/* The maps are shared; everything else of the set is copied. It must stay open until TIMELY_CLOSE,
 * or, when there is a second set, until TIMELY_EXCHANGED. */
struct timely_set {
	const struct dataplane *dp;
	char name[UL_NAME_LEN];
	announce_send send;
	void *send_userdata;
	/* UL_MAX_UPLINKS entries of the worker's, until TIMELY_CLOSE */
	struct timely_uplink_statistics *statistics;
};

struct timely_order {
	enum ul_channel channel;
	struct lacp_cfg lacp;
	struct pagp_cfg pagp;
	enum ul_method method; /* of the switch */
	uint32_t up_delay_ms, carrier_poll_ms;
	uint32_t n_uplinks;
	char names[UL_MAX_UPLINKS][UL_NAME_LEN];
	uint8_t to[UL_MAX_UPLINKS]; /* old index -> new one, or UL_NO_UPLINK */
};

struct timely_link {
	uint32_t uplink;
	uint32_t ifindex;
	uint64_t netdev; /* its kernel address; 0: the carrier is the one of this command */
	bool carrier, admin_up, full_duplex;
	uint32_t speed_mbps;
	bool replaced;		 /* another interface than the uplink had when the worker started */
	int fd[CHANNEL_SOCKETS]; /* negative: they could not be opened */
};

struct timely_detach {
	uint32_t uplink;
	bool gone;    /* the interface disappeared */
	bool leaving; /* the uplink leaves the switch: the partner gets SYNC=0 */
};

struct timely_teamings {
	uint32_t n;
	struct teaming list[UL_MAX_POLICIES];
};

struct timely_slots {
	uint32_t n;
	uint32_t list[UL_MAX_POLICIES];
};

struct timely_drain {
	uint32_t uplink;
	bool on;
};

struct timely_command {
	enum timely_kind kind;
	uint32_t id; /* of the switch, from the answer to TIMELY_OPEN */
	union {
		struct timely_set set;
		struct timely_order order;
		struct timely_link link;
		struct timely_detach detach;
		struct timely_teamings teamings;
		struct timely_slots slots;
		struct timely_drain drain;
		uint32_t slot;
	};
};

struct timely_answer {
	int error; /* 0 or negative errno; text then has the reason, if there is one */
	char text[256];
	union {
		uint32_t id;
		struct timely_slots slots;
	};
};

enum timely_report_kind {
	TIMELY_EVENT,	     /* for the log and for `uplinkctl monitor` */
	TIMELY_UPLINK_EVENT, /* the same, which a peer can cause at any rate */
	/* the present state of an uplink with recent events, about once a second */
	TIMELY_UPLINK_STATE,
	TIMELY_CARRIER, /* the carrier of an interface changed: the worker reads its speed */
	TIMELY_FAILURE, /* text: for the list of errors */
};

struct timely_report {
	enum timely_report_kind kind;
	uint32_t id; /* of the switch */
	enum event_code code;
	uint32_t ifindex;
	char object[UL_NAME_LEN];
	char text[320];
};

#endif
