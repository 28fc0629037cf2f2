// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* libFuzzer entry: any bytes as configuration file. */
#include "config/model.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct errors errors = { 0 };
	struct model *model = NULL, *copy = NULL;
	int r = config_parse((const char *)data, size, "fuzz.yaml", &model, &errors);

	/* Either a model or at least one message. */
	if ((r == 0) != (model != NULL) || (r == 0) != (errors.n == 0))
		abort();
	if (model && model_copy(model, &copy) < 0)
		abort();
	model_free(model);
	model_free(copy);
	errors_done(&errors);
	return 0;
}
