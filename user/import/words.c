// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <string.h>

#include "common/util.h"
#include "import/reader.h"

#define BLANKS " \t\r\n"

char *next_word(char **line)
{
	char *word = *line + strspn(*line, BLANKS), *end;

	if (!*word)
		return NULL;
	end = word + strcspn(word, BLANKS);
	*line = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

char *trim(char *text)
{
	size_t n;

	text += strspn(text, BLANKS);
	n = strlen(text);
	while (n > 0 && strchr(BLANKS, text[n - 1]))
		text[--n] = '\0';
	return text;
}

enum net_kind guess_kind(const char *name)
{
	static const struct {
		const char *prefix;
		enum net_kind kind;
	} prefixes[] = {
		{ "tap", NET_TAP },   { "vnet", NET_TAP }, { "vm-", NET_TAP },
		{ "veth", NET_VETH }, { "ct-", NET_VETH }, { "fwln", NET_VETH },
		{ "fwpr", NET_VETH }, { "qvo", NET_VETH },
	};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strncmp(name, prefixes[i].prefix, strlen(prefixes[i].prefix)) == 0)
			return prefixes[i].kind;
	return NET_PHYSICAL;
}
