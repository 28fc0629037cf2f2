// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "ctl/mask.h"

#include <arpa/inet.h>
#include <ctype.h>

#include "common/util.h"

#define WORD_MAX 64 /* an IPv6 address has at most 45 characters */

int mask_init(struct mask *mask)
{
	*mask = (struct mask){ .addresses = json_object() };
	return mask->addresses ? 0 : -ENOMEM;
}

void mask_done(struct mask *mask)
{
	json_decref(mask->addresses);
	mask->addresses = NULL;
}

/* The replacement of an address, by its one form. NULL: no memory. */
static const char *replace(struct mask *mask, const char *form, const char *format, size_t *n)
{
	json_t *known = json_object_get(mask->addresses, form);

	if (!known) {
		char text[WORD_MAX];
		size_t i = ++*n;

		snprintf(text, sizeof(text), format, (unsigned int)(i >> 8 & 0xff),
			 (unsigned int)(i & 0xff));
		if (json_object_set_new(mask->addresses, form, json_string(text)) < 0)
			return NULL;
		known = json_object_get(mask->addresses, form);
	}
	return json_string_value(known);
}

static const char *mask_mac(struct mask *mask, const char *word)
{
	char form[MAC_TEXT_LEN];
	uint8_t mac[6];

	if (mac_parse(word, mac) < 0)
		return NULL;
	/* reserved and group addresses name protocols, not machines */
	if (mac_is_zero(mac) || mac[0] & 1)
		return word;
	return replace(mask, mac_format(mac, form), "02:00:00:00:%02x:%02x", &mask->n_mac);
}

static const char *mask_ipv4(struct mask *mask, const char *word)
{
	char form[INET_ADDRSTRLEN];
	struct in_addr address;
	uint8_t first;

	if (inet_pton(AF_INET, word, &address) != 1)
		return NULL;
	first = (uint8_t)(ntohl(address.s_addr) >> 24);
	if (first == 0 || first == 127 || first >= 224)
		return word;
	return replace(mask, inet_ntop(AF_INET, &address, form, sizeof(form)), "198.18.%u.%u",
		       &mask->n_ipv4);
}

static const char *mask_ipv6(struct mask *mask, const char *word)
{
	char form[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (inet_pton(AF_INET6, word, &address) != 1)
		return NULL;
	if (IN6_IS_ADDR_UNSPECIFIED(&address) || IN6_IS_ADDR_LOOPBACK(&address) ||
	    IN6_IS_ADDR_MULTICAST(&address))
		return word;
	return replace(mask, inet_ntop(AF_INET6, &address, form, sizeof(form)), "2001:db8::%x:%x",
		       &mask->n_ipv6);
}

static bool is_word_char(char c)
{
	return isxdigit((unsigned char)c) || c == ':' || c == '.';
}

/* Length of the address at the start of a word: without dots and colons of the sentence. */
static size_t trim(const char *word, size_t length)
{
	while (length && (word[length - 1] == '.' ||
			  (word[length - 1] == ':' && (length < 2 || word[length - 2] != ':'))))
		length--;
	return length;
}

static void put_word(struct mask *mask, const char *word, size_t length, FILE *out)
{
	size_t n = trim(word, length);
	const char *masked = NULL;
	char text[WORD_MAX];

	if (n && n < sizeof(text)) {
		memcpy(text, word, n);
		text[n] = '\0';
		masked = mask_mac(mask, text);
		if (!masked)
			masked = mask_ipv4(mask, text);
		if (!masked)
			masked = mask_ipv6(mask, text);
	}
	if (masked)
		fputs(masked, out);
	else
		n = 0;
	fwrite(word + n, 1, length - n, out);
}

int mask_text(struct mask *mask, const char *text, size_t length, char **ret, size_t *ret_length)
{
	char *masked = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&masked, &size);

	if (!out)
		return -ENOMEM;
	for (size_t at = 0; at < length;) {
		size_t n = 0;

		while (at + n < length && is_word_char(text[at + n]))
			n++;
		/* a word such as "eth0.100" or "bed:" begins with other letters */
		if (n && (at == 0 || !(isalnum((unsigned char)text[at - 1]) ||
				       text[at - 1] == '_' || text[at - 1] == '-')))
			put_word(mask, text + at, n, out);
		else if (n)
			fwrite(text + at, 1, n, out);
		else
			fputc(text[at], out);
		at += n ? n : 1;
	}
	if (ferror(out) || fclose(out) == EOF) {
		free(masked);
		return -ENOMEM;
	}
	*ret = masked;
	*ret_length = size;
	return 0;
}
