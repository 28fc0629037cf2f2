// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "ctl_run.h"

#include <criterion/criterion.h>
#include <stdarg.h>

struct run run_ctl(const char *first, ...)
{
	char *argv[32] = { (char *)"uplinkctl" };
	size_t out_size, err_size;
	struct run run = {};
	FILE *out, *err;
	va_list ap;
	int argc = 1;

	va_start(ap, first);
	for (const char *word = first; word; word = va_arg(ap, const char *)) {
		cr_assert_lt(argc, 31);
		argv[argc++] = (char *)word;
	}
	va_end(ap);
	out = open_memstream(&run.out, &out_size);
	err = open_memstream(&run.err, &err_size);
	cr_assert(out && err);
	run.status = ctl_main(argc, argv, out, err);
	fclose(out);
	fclose(err);
	return run;
}

void run_done(struct run *run)
{
	free(run->out);
	free(run->err);
}

json_t *run_json(const struct run *run)
{
	json_error_t error;
	json_t *value = json_loads(run->out, 0, &error);

	cr_assert(value, "no JSON (%s): %s%s", error.text, run->out, run->err);
	return value;
}

static char type_letter(json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		return 's';
	case JSON_INTEGER:
		return 'i';
	case JSON_REAL:
		return 'r';
	case JSON_OBJECT:
		return 'o';
	case JSON_ARRAY:
		return 'a';
	case JSON_NULL:
		return 'n';
	default:
		return 'b';
	}
}

void expect_keys(const char *what, json_t *object, const char *keys)
{
	char copy[1024], *rest = copy, *word;

	cr_assert(json_is_object(object), "%s: is no object", what);
	cr_assert_lt(strlen(keys), sizeof(copy));
	strcpy(copy, keys);
	while ((word = strsep(&rest, " "))) {
		char *types = strchr(word, ':');
		json_t *value;

		*types++ = '\0';
		value = json_object_get(object, word);
		if (!value)
			cr_expect_fail("%s: there is no \"%s\"", what, word);
		else
			cr_expect(strchr(types, type_letter(value)),
				  "%s: \"%s\" is of type %c, promised is %s", what, word,
				  type_letter(value), types);
	}
}
