// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "common/address.h"

#include <arpa/inet.h>

#include "common/util.h"

bool address_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family && a->prefix_length == b->prefix_length &&
	       memcmp(a->bytes, b->bytes, address_length(a)) == 0;
}

int address_from_text(const char *text, struct address *ret)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	char host[INET6_ADDRSTRLEN];
	struct address address = {};
	uint64_t length;

	if (n >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';
	address.family = strchr(host, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(address.family, host, address.bytes) != 1)
		return -EINVAL;
	length = 8 * address_length(&address);
	if (slash && parse_u64(slash + 1, 0, length, &length) < 0)
		return -EINVAL;
	address.prefix_length = (uint8_t)length;
	*ret = address;
	return 0;
}

const char *address_to_text(const struct address *address, bool with_length,
			    char text[ADDRESS_TEXT_LEN])
{
	char host[INET6_ADDRSTRLEN];

	inet_ntop(address->family, address->bytes, host, sizeof(host));
	if (with_length)
		snprintf(text, ADDRESS_TEXT_LEN, "%s/%u", host, address->prefix_length);
	else
		snprintf(text, ADDRESS_TEXT_LEN, "%s", host);
	return text;
}
