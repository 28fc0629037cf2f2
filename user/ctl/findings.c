// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "ctl/findings.h"

#include "records/names.h"

#define MAX_OBJECTS 4 /* that a folded line names */

enum severity finding_severity(json_t *finding)
{
	int severity = record_value(RECORD_SEVERITIES, ctl_word(finding, "severity"));

	return severity < 0 ? SEVERITY_NOTE : (enum severity)severity;
}

size_t findings_count(json_t *findings, enum severity severity)
{
	size_t i, n = 0;
	json_t *finding;

	json_array_foreach(findings, i, finding)
		n += finding_severity(finding) == severity;
	return n;
}

static const struct {
	const char *utf8, *ascii;
	enum tint tint;
} marks[] = {
	[SEVERITY_ERROR] = { "✗", "!!", TINT_BAD },
	[SEVERITY_WARNING] = { "▲", "!", TINT_WARN },
	[SEVERITY_NOTE] = { "•", "-", TINT_NONE },
};

void print_findings_title(struct ctl *ctl, const char *name, json_t *findings)
{
	const struct style *style = &ctl->style;
	const char *separator = ": ";

	fprintf(ctl->out, "%s%s%s", tint_start(style, TINT_BOLD), name, tint_end(style, TINT_BOLD));
	for (enum severity i = 0; i < N_SEVERITIES; i++) {
		size_t n = findings_count(findings, i);

		if (!n)
			continue;
		fprintf(ctl->out, "%s%s%zu %s%s%s", separator, tint_start(style, marks[i].tint), n,
			record_name(RECORD_SEVERITIES, i), n == 1 ? "" : "s",
			tint_end(style, marks[i].tint));
		separator = ", ";
	}
	if (json_array_size(findings) == 0)
		fprintf(ctl->out, ": %s%s no problems found%s", tint_start(style, TINT_GOOD),
			style->utf8 ? "✓" : "ok,", tint_end(style, TINT_GOOD));
	fputc('\n', ctl->out);
}

static void print_marked(struct ctl *ctl, enum severity severity, const char *message,
			 const char *remedy)
{
	const struct style *style = &ctl->style;
	int width = style->height ? style->width : 0;
	const char *mark = style->utf8 ? marks[severity].utf8 : marks[severity].ascii;
	char prefix[64];

	snprintf(prefix, sizeof(prefix), "  %s%s%s ", tint_start(style, marks[severity].tint), mark,
		 tint_end(style, marks[severity].tint));
	text_wrap(ctl->out, prefix, 3 + (int)text_width(mark), 4, width, message);
	if (!remedy)
		return;
	snprintf(prefix, sizeof(prefix), "    %s%s ", tint_start(style, TINT_DIM),
		 style->utf8 ? "→" : "->");
	text_wrap(ctl->out, prefix, style->utf8 ? 6 : 7, 6, width, remedy);
	fputs(tint_end(style, TINT_DIM), ctl->out);
}

void print_finding(struct ctl *ctl, json_t *finding)
{
	print_marked(ctl, finding_severity(finding), ctl_word(finding, "message"),
		     ctl_word(finding, "remedy"));
}

/* "    TITLE  TEXT", wrapped on a terminal. */
static void print_part(struct ctl *ctl, const char *title, const char *text)
{
	const struct style *style = &ctl->style;
	char prefix[64];

	if (!text)
		return;
	snprintf(prefix, sizeof(prefix), "    %s%-9s%s ", tint_start(style, TINT_DIM), title,
		 tint_end(style, TINT_DIM));
	text_wrap(ctl->out, prefix, 14, 14, style->height ? style->width : 0, text);
}

void print_finding_in_full(struct ctl *ctl, json_t *finding)
{
	const struct style *style = &ctl->style;
	enum severity severity = finding_severity(finding);
	json_t *evidence;
	size_t i;

	fprintf(ctl->out, "%s%s%s %s%s%s  %s  %s, %s\n", tint_start(style, marks[severity].tint),
		style->utf8 ? marks[severity].utf8 : marks[severity].ascii,
		tint_end(style, marks[severity].tint), tint_start(style, TINT_BOLD),
		ctl_word(finding, "code"), tint_end(style, TINT_BOLD), ctl_word(finding, "object"),
		ctl_word(finding, "severity"), ctl_word(finding, "certainty"));
	text_wrap(ctl->out, "    ", 4, 4, style->height ? style->width : 0,
		  ctl_word(finding, "message"));
	json_array_foreach(json_object_get(finding, "evidence"), i, evidence)
		print_part(ctl, i ? "" : "evidence", json_string_value(evidence));
	print_part(ctl, "meaning", ctl_word(finding, "meaning"));
	print_part(ctl, "decide", ctl_text(finding, "decides"));
	print_part(ctl, "host", ctl_word(finding, "remedy"));
	print_part(ctl, "switch", ctl_text(finding, "switch_remedy"));
}

static bool is_same_kind(json_t *a, json_t *b)
{
	return finding_severity(a) == finding_severity(b) &&
	       strcmp(ctl_word(a, "code"), ctl_word(b, "code")) == 0;
}

/* The first finding of its kind from index on stands for all of them. */
static void print_folded(struct ctl *ctl, json_t *findings, size_t index, size_t n)
{
	json_t *first = json_array_get(findings, index), *finding;
	char message[512], objects[256] = "";
	size_t i, named = 0, length = 0;

	json_array_foreach(findings, i, finding) {
		if (i < index || !is_same_kind(first, finding))
			continue;
		if (named++ == MAX_OBJECTS || length >= sizeof(objects))
			break;
		length += (size_t)snprintf(objects + length, sizeof(objects) - length, "%s%.60s",
					   length ? ", " : "", ctl_word(finding, "object"));
	}
	snprintf(message, sizeof(message), "%zu findings %s: %s%s", n, ctl_word(first, "code"),
		 objects, n > MAX_OBJECTS ? ", ..." : "");
	print_marked(ctl, finding_severity(first), message, ctl_word(first, "remedy"));
}

static const char *kind_key(json_t *finding, char text[80])
{
	snprintf(text, 80, "%d %.64s", (int)finding_severity(finding), ctl_word(finding, "code"));
	return text;
}

/* Number of findings by kind_key(). */
static json_t *count_kinds(json_t *findings)
{
	json_t *kinds = json_object(), *finding;
	char key[80];
	size_t i;

	json_array_foreach(findings, i, finding) {
		json_int_t n = json_integer_value(json_object_get(kinds, kind_key(finding, key)));

		json_object_set_new(kinds, key, json_integer(n + 1));
	}
	return kinds;
}

/* How many findings the line of this one stands for; 0: an earlier one stands for it. Two of a kind
 * are not folded. */
static size_t take_kind(json_t *kinds, json_t *finding)
{
	char key[80];
	json_t *count = json_object_get(kinds, kind_key(finding, key));
	json_int_t n = json_integer_value(count);

	if (n == 1 || n == 2)
		return 1;
	json_integer_set(count, 0);
	return (size_t)n;
}

void print_findings(struct ctl *ctl, json_t *findings, const struct findings_fold *fold)
{
	size_t i, notes = findings_count(findings, SEVERITY_NOTE), left = json_array_size(findings);
	json_auto_t *kinds = fold->same_code ? count_kinds(findings) : NULL;
	int printed = 0;
	json_t *finding;

	json_array_foreach(findings, i, finding) {
		size_t n = kinds ? take_kind(kinds, finding) : 1;

		if (n == 0 || (fold->no_notes && finding_severity(finding) == SEVERITY_NOTE))
			continue;
		if (fold->max && printed == fold->max)
			break;
		if (n > 1)
			print_folded(ctl, findings, i, n);
		else
			print_finding(ctl, finding);
		left -= n;
		printed++;
	}
	if (fold->no_notes && notes && left == notes)
		fprintf(ctl->out, "  %zu note%s: 'uplinkctl diagnose'\n", notes,
			notes == 1 ? "" : "s");
	else if (left)
		fprintf(ctl->out, "  %zu more: 'uplinkctl diagnose'\n", left);
}
