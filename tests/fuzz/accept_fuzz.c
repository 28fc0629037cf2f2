// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* libFuzzer entry: the Accept header of a client of the exporter. libmicrohttpd parses the rest of
 * a request. */
#include "fuzz.h"
#include "records/metrics.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { .at = data, .left = size };
	char *text = take_text(&input);
	enum metrics_format format = metrics_negotiate(text);

	CHECK(metrics_content_type(format)[0]);
	CHECK(metrics_negotiate(text) == format);
	free(text);
	return 0;
}
