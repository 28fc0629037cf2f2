// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "common/similar.h"

#include <string.h>

int text_distance(const char *a, const char *b)
{
	int cost[32][32];
	int n = (int)strlen(a), m = (int)strlen(b);

	if (n > 31 || m > 31)
		return 32;
	for (int i = 0; i <= n; i++) {
		for (int j = 0; j <= m; j++) {
			int best;

			if (i == 0 || j == 0) {
				cost[i][j] = i + j;
				continue;
			}
			best = cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			if (cost[i - 1][j] + 1 < best)
				best = cost[i - 1][j] + 1;
			if (cost[i][j - 1] + 1 < best)
				best = cost[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    cost[i - 2][j - 2] + 1 < best)
				best = cost[i - 2][j - 2] + 1;
			cost[i][j] = best;
		}
	}
	return cost[n][m];
}

const char *most_similar(const char *typed, const char *const *names, size_t n)
{
	int limit = (int)strlen(typed) / 3 + 1, lowest = TEXT_FAR;
	const char *best = NULL;

	for (size_t i = 0; i < n; i++) {
		int d = text_distance(typed, names[i]);

		if (d < lowest && d <= limit) {
			lowest = d;
			best = names[i];
		}
	}
	return best;
}
