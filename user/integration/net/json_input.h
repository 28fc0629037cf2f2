/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* JSON of other programs: parsed within limits, and read by type. */
#ifndef UL_INTEGRATION_NET_JSON_INPUT_H
#define UL_INTEGRATION_NET_JSON_INPUT_H

#include <jansson.h>
#include <stdint.h>

#include "integration/net/failure.h"

#define JSON_INPUT_MAX (1024 * 1024) /* bytes */

/* One object and nothing else. what: names the input. NULL with a reason. */
json_t *json_input_parse(const char *text, size_t size, const char *what, struct failure *failure);

/*
 * Members that may be missing or null: 0 with *ret untouched. Another type is an error: -EINVAL
 * with a reason that begins with path. The results are borrowed.
 */
int json_input_string(const json_t *object, const char *path, const char *key, const char **ret,
		      struct failure *failure);
int json_input_uint32(const json_t *object, const char *path, const char *key, uint32_t *ret,
		      struct failure *failure);
int json_input_object(const json_t *object, const char *path, const char *key, json_t **ret,
		      struct failure *failure);
int json_input_array(const json_t *object, const char *path, const char *key, json_t **ret,
		     struct failure *failure);

#endif
