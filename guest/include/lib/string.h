/* SPDX-License-Identifier: MIT */
/*
 * The few str* and mem* functions that the kernel uses. Semantics are ISO C's; strlcpy is BSD's.
 */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include <lib/types.h>

#include "mm/string.h"

size_t strnlen(const char *s, size_t max);

/* Copies at most size - 1 bytes and always terminates. Returns strlen(src): >= size: truncated. */
size_t strlcpy(char *dst, const char *src, size_t size);

#endif
