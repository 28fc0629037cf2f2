// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "records/metrics.h"

#include <inttypes.h>
#include <string.h>

#include "common/util.h"

const char *metrics_content_type(enum metrics_format format)
{
	return format == METRICS_OPENMETRICS ?
		       "application/openmetrics-text; version=1.0.0; charset=utf-8" :
		       "text/plain; version=0.0.4; charset=utf-8";
}

/* ---- headers ---- */
/* clang-format off */
static const struct {
	const char *openmetrics, *prometheus; /* names of the type */
	const char *suffix;		      /* of the name in the text format's header, and of samples */
} types[N_METRIC_TYPES] = {
	[METRIC_GAUGE]	   = { "gauge",	    "gauge",	 "" },
	[METRIC_COUNTER]   = { "counter",   "counter",	 "_total" },
	[METRIC_INFO]	   = { "info",	    "gauge",	 "_info" },
	[METRIC_STATESET]  = { "stateset",  "gauge",	 "" },
	[METRIC_HISTOGRAM] = { "histogram", "histogram", "" },
};
/* clang-format on */

static void begin(struct metrics_writer *writer)
{
	const struct metric_family *family = writer->family;
	bool open = writer->format == METRICS_OPENMETRICS;
	const char *suffix = open ? "" : types[family->type].suffix;

	if (writer->begun)
		return;
	writer->begun = true;
	if (!open)
		fprintf(writer->out, "# HELP %s%s %s\n", family->name, suffix, family->help);
	fprintf(writer->out, "# TYPE %s%s %s\n", family->name, suffix,
		open ? types[family->type].openmetrics : types[family->type].prometheus);
	if (!open)
		return;
	if (family->unit)
		fprintf(writer->out, "# UNIT %s %s\n", family->name, family->unit);
	fprintf(writer->out, "# HELP %s %s\n", family->name, family->help);
}

/* ---- samples ---- */
static void print_value(FILE *out, const char *value)
{
	for (const char *c = value; *c; c++) {
		if (*c == '\n')
			fputs("\\n", out);
		else if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else
			fputc(*c, out);
	}
}

/* The name and the labels of a sample, and a blank. An empty label value means no label. */
static void print_series(struct metrics_writer *writer, const char *suffix,
			 const struct metric_label *labels)
{
	const char *separator = "{";

	begin(writer);
	fprintf(writer->out, "%s%s%s", writer->family->name,
		suffix[0] ? "" : types[writer->family->type].suffix, suffix);
	for (; labels && labels->name; labels++) {
		if (!labels->value || !labels->value[0])
			continue;
		fprintf(writer->out, "%s%s=\"", separator, labels->name);
		print_value(writer->out, labels->value);
		fputc('"', writer->out);
		separator = ",";
	}
	fputs(separator[0] == ',' ? "} " : " ", writer->out);
}

void metric_integer(struct metrics_writer *writer, const char *suffix,
		    const struct metric_label *labels, json_int_t value)
{
	print_series(writer, suffix, labels);
	fprintf(writer->out, "%" JSON_INTEGER_FORMAT "\n", value);
}

void metric_real(struct metrics_writer *writer, const char *suffix,
		 const struct metric_label *labels, double value)
{
	print_series(writer, suffix, labels);
	fprintf(writer->out, "%.12g\n", value);
}

/* A number in the form that OpenMetrics requires in a label: "1.0", "0.25". */
static const char *canonical(double value, char *text, size_t size)
{
	snprintf(text, size, "%.12g", value);
	if (!strpbrk(text, ".e"))
		strncat(text, ".0", size - strlen(text) - 1);
	return text;
}

/* labels with another one, in ret. */
static void extend(const struct metric_label *labels, const char *name, const char *value,
		   struct metric_label ret[METRIC_MAX_LABELS + 1])
{
	size_t n = 0;

	for (; labels && labels->name && n + 1 < METRIC_MAX_LABELS; labels++)
		ret[n++] = *labels;
	ret[n++] = (struct metric_label){ name, value };
	ret[n] = (struct metric_label){};
}

void metric_histogram(struct metrics_writer *writer, const struct metric_label *labels,
		      json_t *record)
{
	json_t *bounds = json_object_get(record, "bounds"),
	       *counts = json_object_get(record, "counts"), *count;
	struct metric_label all[METRIC_MAX_LABELS + 1];
	json_int_t total = 0;
	size_t i;

	if (json_array_size(counts) != json_array_size(bounds) + 1)
		return;
	json_array_foreach(counts, i, count) {
		char text[32] = "+Inf";

		total += json_integer_value(count);
		if (i < json_array_size(bounds))
			canonical(json_number_value(json_array_get(bounds, i)), text, sizeof(text));
		extend(labels, "le", text, all);
		metric_integer(writer, "_bucket", all, total);
	}
	metric_integer(writer, "_count", labels, total);
	metric_real(writer, "_sum", labels, json_number_value(json_object_get(record, "sum")));
}

void metric_stateset(struct metrics_writer *writer, const struct metric_label *labels,
		     const char *(*state)(unsigned int i), unsigned int n,
		     bool (*is_set)(json_t *record, const char *state), json_t *record)
{
	for (unsigned int i = 0; i < n; i++) {
		struct metric_label all[METRIC_MAX_LABELS + 1];
		const char *name = state(i);

		if (!name)
			continue;
		extend(labels, writer->family->name, name, all);
		metric_integer(writer, "", all, is_set(record, name));
	}
}

int metrics_write(const struct metrics_input *input, enum metrics_format format, FILE *out)
{
	struct metrics_writer writer = { .out = out, .format = format };
	size_t n;
	const struct metric_family *families = metric_families(&n);

	for (size_t i = 0; i < n; i++) {
		writer.family = &families[i];
		writer.begun = false;
		families[i].samples(&writer, input);
	}
	if (format == METRICS_OPENMETRICS)
		fputs("# EOF\n", out);
	return ferror(out) ? -ENOMEM : 0;
}
