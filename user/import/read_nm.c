// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Connections of NetworkManager: only the interfaces that they name, for the report of `adopt`. The
 * running network has their settings. */
#include <limits.h>

#include "common/util.h"
#include "import/import.h"
#include "import/reader.h"

static void read_names(struct network *network, struct net_place place, char *text)
{
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n"))) {
		const char *key = "interface-name=";

		place.line++;
		if (strncmp(line, key, strlen(key)) == 0)
			(void)network_get(network, place, trim(line + strlen(key)));
	}
}

int import_read_nm(struct network *network, const char *folder)
{
	_cleanup_(source_list_done) struct source_list list = {};
	char path[PATH_MAX];
	int r = source_list_folder(network, folder, ".nmconnection", &list);

	for (size_t i = 0; r == 0 && i < list.n && !network->failed; i++) {
		_cleanup_free_ char *text = NULL;
		struct net_place place = {};

		if (source_join(network, path, sizeof(path), folder, list.names[i]))
			text = source_read_file(network, path, &place);
		if (text)
			read_names(network, place, text);
	}
	return r < 0 ? r : network->failed;
}
