// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The format that a client prefers by its Accept header (RFC 9110, 12.5.1). */
#include "records/metrics.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/util.h"

#define MAX_ACCEPT 1024

/* The preferences of a client; negative: the type is not in the header. */
struct preference {
	double openmetrics, text, any;
};

static char *trim(char *text)
{
	size_t n;

	text += strspn(text, " \t");
	n = strlen(text);
	while (n && strchr(" \t", text[n - 1]))
		text[--n] = '\0';
	return text;
}

/* One parameter of a media range: its quality, or the version of the format. */
static void take_parameter(char *parameter, double *quality, bool *fits)
{
	char *value = strchr(parameter, '=');

	if (!value)
		return;
	*value++ = '\0';
	parameter = trim(parameter);
	value = trim(value);
	if (strcasecmp(parameter, "q") == 0) {
		char *end;
		double number = strtod(value, &end);

		*quality = *end || !(number >= 0 && number <= 1) ? 0 : number;
	} else if (strcasecmp(parameter, "version") == 0) {
		*fits = strncmp(value, "1.", 2) == 0;
	}
}

static void take_range(char *range, struct preference *preference)
{
	char *rest = range, *type = trim(strsep(&rest, ";")), *parameter;
	double quality = 1;
	bool fits = true;

	while ((parameter = strsep(&rest, ";")))
		take_parameter(parameter, &quality, &fits);
	if (strcasecmp(type, "application/openmetrics-text") == 0) {
		if (fits && quality > preference->openmetrics)
			preference->openmetrics = quality;
	} else if (strcasecmp(type, "text/plain") == 0 || strcasecmp(type, "text/*") == 0) {
		if (quality > preference->text)
			preference->text = quality;
	} else if (strcmp(type, "*/*") == 0) {
		preference->any = quality;
	}
}

enum metrics_format metrics_negotiate(const char *accept)
{
	struct preference preference = { -1, -1, -1 };
	char copy[MAX_ACCEPT], *rest = copy, *range;

	if (!accept || strlen(accept) >= sizeof(copy))
		return METRICS_PROMETHEUS;
	strcpy(copy, accept);
	while ((range = strsep(&rest, ",")))
		take_range(range, &preference);
	if (preference.text < 0)
		preference.text = preference.any;
	return preference.openmetrics > 0 && preference.openmetrics >= preference.text ?
		       METRICS_OPENMETRICS :
		       METRICS_PROMETHEUS;
}
