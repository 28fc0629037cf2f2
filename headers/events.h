/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Events of a running switch: the stable codes that `uplinkctl monitor` prints and the log level of
 * each. A code is never reused for another meaning; new rows go to the end.
 */
#ifndef UL_EVENTS_H
#define UL_EVENTS_H

/* clang-format off */
/* X(NAME, code, level, help) */
#define UL_EVENTS(X) \
	X(UPLINK_STATE,    "uplink-state",    INFO,    "an uplink became usable or unusable, with the reason") \
	X(UPLINK_LINK,     "uplink-link",     INFO,    "carrier or administrative state of an uplink changed") \
	X(UPLINK_GONE,     "uplink-gone",     WARNING, "the interface of an uplink disappeared") \
	X(UPLINK_WAITING,  "uplink-waiting",  INFO,    "an uplink has no interface yet") \
	X(UPLINK_SETTING,  "uplink-setting",  WARNING, "a setting of an uplink's interface cannot be made") \
	X(PORT_PRESENT,    "port-present",    INFO,    "the interface of a port appeared") \
	X(PORT_GONE,       "port-gone",       INFO,    "the interface of a port disappeared") \
	X(PORT_WAITING,    "port-waiting",    INFO,    "a port has no interface yet") \
	X(PORT_MOVED,      "port-moved",      INFO,    "a port is served by another uplink") \
	X(PORT_SETTING,    "port-setting",    WARNING, "a setting of a port's interface cannot be made") \
	X(PORT_ADDRESS,    "port-address",    INFO,    "a port changed its MAC address") \
	X(HOST_PORT,       "host-port",       INFO,    "a host port was created again or left alone") \
	X(TABLE_FULL,      "table-full",      WARNING, "an address does not fit the address table") \
	X(LACP,            "lacp",            INFO,    "a state of the LACP machines changed") \
	X(CHANNEL_FINDING, "channel-finding", WARNING, "the settings of the two ends of the channel do not match") \
	X(CHANNEL_CLEARED, "channel-cleared", INFO,    "such a mismatch is gone") \
	X(SWITCH,          "switch",          INFO,    "a switch was created, replaced or removed") \
	X(FAILED,          "failed",          ERROR,   "an operation failed; the text has the reason") \
	X(ADDRESS_REFUSED, "address-refused", WARNING, "a host port has an address that it must not use") \
	X(SETTING_CHANGED, "setting-changed", WARNING, "a setting of an uplink that other software changed was set again") \
	X(PROBLEM,         "problem",         WARNING, "other software uses or changed an interface") \
	X(PROBLEM_CLEARED, "problem-cleared", INFO,    "such a problem is gone") \
	X(ADDRESS_MOVED,   "address-moved",   INFO,    "a learned address was heard from outside, or moved to another port") \
	X(ADDRESS_CONTESTED, "address-contested", WARNING, "a machine uses an address that is in use outside") \
	X(LEARN_LIMIT,     "learn-limit",     WARNING, "a port has learned as many addresses as it may") \
	X(PORT_FORGOTTEN,  "port-forgotten",  INFO,    "a run-time port was removed because its interface is gone") \
	X(CONFIGURATION,   "configuration",   WARNING, "a configuration waits for confirmation, was confirmed or was rolled back") \
	X(DAEMON,          "daemon",          INFO,    "uplinkd was started or stopped") \
	X(RELOADED,        "reloaded",        INFO,    "another configuration is in force; the history has the difference") \
	X(FINDING,         "finding",         DEBUG,   "a finding of 'uplinkctl diagnose' was raised") \
	X(FINDING_CLEARED, "finding-cleared", DEBUG,   "a finding was cleared") \
	X(HISTORY,         "history",         WARNING, "events could not be recorded, or the file of the history was damaged") \
	X(ATTACHMENT_REFUSED, "attachment-refused", WARNING, "an interface in an attachment bridge cannot be a port") \
	X(PAGP,            "pagp",            INFO,    "a state of PAgP changed, or its partner")
/* clang-format on */

enum event_code {
#define X(NAME, code, level, help) EVENT_##NAME,
	UL_EVENTS(X)
#undef X
		N_EVENT_CODES,
};

#endif
