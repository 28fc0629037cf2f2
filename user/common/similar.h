/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The most similar name for a mistyped one. */
#ifndef UL_COMMON_SIMILAR_H
#define UL_COMMON_SIMILAR_H

#include <stddef.h>

#define TEXT_FAR 32

/* Edit distance: insertions, deletions, substitutions and swaps of neighbours that turn a into b.
 * TEXT_FAR where one has more than 31 characters. */
int text_distance(const char *a, const char *b);
/* The nearest name, up to one mistake for every three characters; NULL: none. */
const char *most_similar(const char *typed, const char *const *names, size_t n);

#endif
