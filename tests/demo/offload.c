// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* offload IFACE NAME=on|off...: the function of `ethtool -K`, so that the demo needs no package
 * for it.
 *
 * A veth pair passes frames unchanged, also with unfinished checksums, because no wire can damage
 * them. A NIC completes them on transmission. With tx-checksum=off a veth sends frames as a NIC
 * does.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct setting {
	const char *name;
	__u32 set; /* ethtool command */
} settings[] = {
	{ "tx-checksum", ETHTOOL_STXCSUM },
	{ "gro", ETHTOOL_SGRO },
};

static int apply(int fd, const char *interface, const struct setting *setting, bool on)
{
	struct ethtool_value value = { .cmd = setting->set, .data = on };
	struct ifreq request = { .ifr_data = (void *)&value };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	return ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

static int apply_word(int fd, const char *interface, const char *word)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		size_t n = strlen(settings[i].name);

		if (strncmp(word, settings[i].name, n) == 0 && word[n] == '=')
			return apply(fd, interface, &settings[i], strcmp(word + n + 1, "on") == 0);
	}
	return -EINVAL;
}

int main(int argc, char **argv)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), status = 0;

	if (argc < 3 || fd < 0) {
		fprintf(stderr, "usage: offload IFACE tx-checksum|gro=on|off...\n");
		return 1;
	}
	for (int i = 2; i < argc; i++) {
		int r = apply_word(fd, argv[1], argv[i]);

		if (r < 0) {
			fprintf(stderr, "offload: %s: %s: %s\n", argv[1], argv[i], strerror(-r));
			status = 1;
		}
	}
	close(fd);
	return status;
}
