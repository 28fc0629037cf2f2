// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "integration/net/identity.h"

#include <ctype.h>

#include "common/util.h"
#include "config/value.h"

#define ALIAS_PREFIX "uplinkd-net"
#define NETWORK_CHARACTERS 4
#define ALL_CHARACTERS 9

/* ---- checks ---- */
/* [a-zA-Z0-9][a-zA-Z0-9_.-]* */
static bool is_word(const char *text, size_t max)
{
	if (!isalnum((unsigned char)text[0]) || strlen(text) > max)
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("_.-", *text))
			return false;
	return true;
}

static int check_word(const char *what, const char *text, size_t max, enum failure_code code,
		      struct failure *failure)
{
	return is_word(text, max) ? 0 :
				    failure_set(failure, code, 0,
						"%s '%.*s': must be 1-%zu letters, digits, '_', "
						"'.' and '-', and begin with a letter or digit",
						what, (int)max + 32, text, max);
}

int identity_check_network(const char *network, struct failure *failure)
{
	return check_word("network name", network, IDENTITY_MAX_NETWORK, FAILURE_CONFIG, failure);
}

int identity_check_container(const char *container, struct failure *failure)
{
	return check_word("container id", container, IDENTITY_MAX_CONTAINER, FAILURE_ENVIRONMENT,
			  failure);
}

int identity_check_ifname(const char *ifname, struct failure *failure)
{
	/* all and default are not interfaces in /proc/sys/net */
	if (!interface_name_valid(ifname) || strcmp(ifname, "all") == 0 ||
	    strcmp(ifname, "default") == 0)
		return failure_set(failure, FAILURE_ENVIRONMENT, 0,
				   "interface name '%.32s': must be 1-%d printable characters "
				   "without '/', ':', '%%' and blanks",
				   ifname, UL_NAME_LEN - 1);
	return 0;
}

int identity_check(const struct identity *identity, struct failure *failure)
{
	int r = identity_check_network(identity->network, failure);

	if (r == 0)
		r = identity_check_container(identity->container, failure);
	return r < 0 ? r : identity_check_ifname(identity->ifname, failure);
}

/* ---- names ---- */
/* FNV-1a over the text and its NUL. */
static uint64_t hash_add(uint64_t hash, const char *text)
{
	do
		hash = (hash ^ (uint8_t)*text) * 0x100000001b3u;
	while (*text++);
	return hash;
}

/* FNV-1a leaves the high bits of short texts alike: the finalizer of MurmurHash3. */
static uint64_t hash_end(uint64_t hash)
{
	hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdu;
	hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53u;
	return hash ^ hash >> 33;
}

#define HASH_START 0xcbf29ce484222325u

static uint64_t hash_of(const struct identity *identity)
{
	return hash_add(hash_add(hash_add(HASH_START, identity->network), identity->container),
			identity->ifname);
}

static char *put_characters(char *at, uint64_t hash, int n)
{
	for (; n; n--, hash >>= 5)
		*at++ = "0123456789abcdefghjkmnpqrstvwxyz"[hash & 31];
	return at;
}

static char *put_network(char *at, const char *network)
{
	*at++ = 'u';
	*at++ = 'l';
	return put_characters(at, hash_end(hash_add(HASH_START, network)), NETWORK_CHARACTERS);
}

void identity_host_end(const struct identity *identity, char ret[UL_NAME_LEN])
{
	_Static_assert(2 + NETWORK_CHARACTERS + ALL_CHARACTERS == UL_NAME_LEN - 1, "length");
	*put_characters(put_network(ret, identity->network), hash_end(hash_of(identity)),
			ALL_CHARACTERS) = '\0';
}

bool identity_is_host_end_of(const char *name, const char *network)
{
	char start[2 + NETWORK_CHARACTERS];

	put_network(start, network);
	return strlen(name) == UL_NAME_LEN - 1 && memcmp(name, start, sizeof(start)) == 0;
}

void identity_mac(const struct identity *identity, uint8_t ret[6])
{
	uint64_t hash = hash_end(hash_add(hash_of(identity), "mac"));

	for (int i = 0; i < 6; i++, hash >>= 8)
		ret[i] = (uint8_t)hash;
	ret[0] = (uint8_t)((ret[0] & 0xfc) | 2);
}

void identity_alias(const struct identity *identity, char ret[LINK_ALIAS_LEN])
{
	_Static_assert(sizeof(ALIAS_PREFIX) + 1 + IDENTITY_MAX_NETWORK + 1 +
				       IDENTITY_MAX_CONTAINER + UL_NAME_LEN <=
			       LINK_ALIAS_LEN,
		       "length");
	snprintf(ret, LINK_ALIAS_LEN, ALIAS_PREFIX " %s %s %s", identity->network,
		 identity->container, identity->ifname);
}

bool identity_alias_is_of(const char *alias, const char *network)
{
	size_t prefix = strlen(ALIAS_PREFIX " "), n = strlen(network);

	return strncmp(alias, ALIAS_PREFIX " ", prefix) == 0 &&
	       strncmp(alias + prefix, network, n) == 0 && alias[prefix + n] == ' ';
}
