// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* libFuzzer entry: any bytes as the domain that libvirt passes to the hook. What comes out is fit
 * for a command line. */
#include "common/util.h"
#include "config/value.h"
#include "fuzz.h"
#include "integration/libvirt/domain.h"

static void check_word(const char *text, size_t size)
{
	CHECK(strnlen(text, size) < size && text[0] != '-');
	for (; *text; text++)
		CHECK((unsigned char)*text >= ' ' && *text != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct domain domain;
	char error[256] = "";
	uint8_t mac[6];

	if (domain_parse((const char *)data, size, &domain, error, sizeof(error)) < 0) {
		CHECK(domain.n == 0 && error[0] && strlen(error) < sizeof(error));
		return 0;
	}
	CHECK(domain.n <= DOMAIN_MAX_NICS);
	for (size_t i = 0; i < domain.n; i++) {
		const struct domain_nic *nic = &domain.nics[i];

		CHECK(mac_parse(nic->mac, mac) == 0 && mac_is_unicast(mac));
		check_word(nic->target, sizeof(nic->target));
		check_word(nic->switch_name, sizeof(nic->switch_name));
		check_word(nic->group, sizeof(nic->group));
		CHECK(nic->switch_name[0] && nic->group[0] && !strchr(nic->target, '/'));
	}
	return 0;
}
