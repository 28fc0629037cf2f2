/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The reason why a command fails, in the terms of the CNI specification. */
#ifndef UL_INTEGRATION_NET_FAILURE_H
#define UL_INTEGRATION_NET_FAILURE_H

/* Codes of the CNI specification, and from 100 on those of this plugin. */
enum failure_code {
	FAILURE_VERSION = 1,
	FAILURE_FIELD = 2,
	FAILURE_ENVIRONMENT = 4,
	FAILURE_IO = 5,
	FAILURE_DECODE = 6,
	FAILURE_CONFIG = 7,
	FAILURE_LATER = 11,
	FAILURE_UNAVAILABLE = 50,
	FAILURE_SYSTEM = 100,	 /* the kernel refused a step */
	FAILURE_REFUSED = 101,	 /* uplinkd refused the port */
	FAILURE_COLLISION = 102, /* the name of the host's end belongs to something else */
	FAILURE_CHECK = 103,	 /* CHECK found a difference */
};

struct failure {
	unsigned int code; /* 0: none */
	/* printable ASCII, whatever the input was */
	char message[768], details[768];
};

/*
 * Records the reason; a negative error appends ": " and its text. The first reason stays, later
 * ones are appended to the details. Returns error, or -EINVAL if it is 0.
 */
int failure_set(struct failure *failure, unsigned int code, int error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
