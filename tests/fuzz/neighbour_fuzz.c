// SPDX-License-Identifier: GPL-2.0
/* libFuzzer entry: any bytes as an LLDP, CDP or PAgP frame. */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lacp/neighbour.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t size)
{
	size_t n = strnlen(text, size);

	if (n == size)
		abort();
	for (size_t i = 0; i < n; i++)
		if (!isprint((unsigned char)text[i]))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ul_neighbour neighbour = { 0 };
	uint8_t *frame = malloc(size ? size : 1);
	int r;

	if (size)
		memcpy(frame, data, size);
	r = neighbour_receive(&neighbour, frame, size, 1000);
	free(frame);
	check_text(neighbour.device, sizeof(neighbour.device));
	check_text(neighbour.port, sizeof(neighbour.port));
	if (r < 0 && (neighbour.seen_ms || neighbour.pagp || neighbour.device[0]))
		abort();
	return 0;
}
