/* SPDX-License-Identifier: GPL-2.0 */
/* What is wrong with a switch, in words, from what its maps and counters show. */
#ifndef UL_CTL_PROBLEMS_H
#define UL_CTL_PROBLEMS_H

#include <jansson.h>

#include "ctl/snapshot.h"

/* New array of {"switch", "severity": "error|warning|note", "code", "object", "message", "remedy"},
 * the worst first. before: the same switch a moment ago, so that growing counters are told from old
 * ones; NULL: none of them is said to grow. */
json_t *problems_find(const struct snapshot *now, const struct snapshot *before);

/* Is there a counter that problems_find() would report? Then a second look tells whether it grows.
 */
bool problems_want_second_look(const struct snapshot *now);

#endif
