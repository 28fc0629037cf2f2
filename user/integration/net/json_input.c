// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "integration/net/json_input.h"

#include "common/util.h"

json_t *json_input_parse(const char *text, size_t size, const char *what, struct failure *failure)
{
	json_error_t error;
	json_t *value;

	if (size > JSON_INPUT_MAX) {
		failure_set(failure, FAILURE_DECODE, 0, "%s: more than %d bytes", what,
			    JSON_INPUT_MAX);
		return NULL;
	}
	value = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	if (!value)
		failure_set(failure, FAILURE_DECODE, 0, "%s: line %d, column %d: %s", what,
			    error.line, error.column, error.text);
	else if (!json_is_object(value))
		failure_set(failure, FAILURE_DECODE, 0, "%s: must be a JSON object", what);
	if (json_is_object(value))
		return value;
	json_decref(value);
	return NULL;
}

static int wrong_type(const char *path, const char *key, const char *type, struct failure *failure)
{
	return failure_set(failure, FAILURE_CONFIG, 0, "%s%s: must be %s", path, key, type);
}

static json_t *member(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	return json_is_null(value) ? NULL : value;
}

int json_input_string(const json_t *object, const char *path, const char *key, const char **ret,
		      struct failure *failure)
{
	json_t *value = member(object, key);

	if (!value)
		return 0;
	if (!json_is_string(value))
		return wrong_type(path, key, "a string", failure);
	*ret = json_string_value(value);
	return 0;
}

int json_input_uint32(const json_t *object, const char *path, const char *key, uint32_t *ret,
		      struct failure *failure)
{
	json_t *value = member(object, key);

	if (!value)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    json_integer_value(value) > UINT32_MAX)
		return wrong_type(path, key, "an integer of 0-4294967295", failure);
	*ret = (uint32_t)json_integer_value(value);
	return 0;
}

int json_input_object(const json_t *object, const char *path, const char *key, json_t **ret,
		      struct failure *failure)
{
	json_t *value = member(object, key);

	if (!value)
		return 0;
	if (!json_is_object(value))
		return wrong_type(path, key, "an object", failure);
	*ret = value;
	return 0;
}

int json_input_array(const json_t *object, const char *path, const char *key, json_t **ret,
		     struct failure *failure)
{
	json_t *value = member(object, key);

	if (!value)
		return 0;
	if (!json_is_array(value))
		return wrong_type(path, key, "an array", failure);
	*ret = value;
	return 0;
}
