/* SPDX-License-Identifier: GPL-2.0 */
/* Rules that hold between the parts of a model, shared by the file and by requests. */
#ifndef UL_CONFIG_CHECK_H
#define UL_CONFIG_CHECK_H

#include "config/model.h"
#include "config/report.h"

/* Where an interface or a MAC address is used: uplink `at` of the switch, or with a group, its port
 * `at`. */
struct place {
	const struct switch_cfg *sw;
	const struct group_cfg *group;
	size_t at;
	bool far_end; /* of a host port's veth pair, whose name is made from the port's */
};

/* What has been read of a file so far, for finding what is used twice; two trees of tsearch(3). */
struct uses {
	void *interfaces, *macs;
};

void uses_done(struct uses *uses);

/* Values that were refused already: what depends on them is not checked. */
enum doubt {
	DOUBT_INTERFACE = 1 << 0,
	DOUBT_MAC = 1 << 1,
	DOUBT_VLAN = 1 << 2,
	DOUBT_LEARNING = 1 << 3,
	DOUBT_HOST = 1 << 4,
};

struct check {
	const struct model *model;
	struct uses *uses; /* NULL: the model is whole and is searched itself */
	struct report *report;
};

/* The interface of the place is used nowhere else. With uses it is noted there. 0, -EEXIST with a
 * mistake, or -ENOMEM. */
int check_interface(struct check *check, const char *name, const struct place *place,
		    const char *key);

/* Everything about a port that is not yet, or already, at its place. 0, -EINVAL or -EEXIST with
 * mistakes, or -ENOMEM. */
int check_port(struct check *check, const struct port_cfg *port, const struct place *place,
	       unsigned int doubts);

bool teaming_equal(const struct teaming *a, const struct teaming *b);

#endif
