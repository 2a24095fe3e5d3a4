/* SPDX-License-Identifier: MIT */
/*
 * Formatted output into a buffer, and the parsing of numbers.
 *
 * Conversions: %d %i %u %x %X %o %c %s %p %%, with the flags - 0 + space #, a width and a precision
 * (each may be *), and the sizes hh h l ll z. No floating point. %p prints 0x and eight digits.
 */
#ifndef LIB_VSPRINTF_H
#define LIB_VSPRINTF_H

#include <lib/types.h>

#include "mm/string.h" /* vsnprintf, snprintf */

/*
 * Reads an unsigned number (decimal, 0x hex, 0 octal) with an optional suffix K, M or G (powers of
 * 1024), like Linux's memparse(). *end, if not NULL, is set to the first byte not read; it equals s
 * if there was no number.
 */
u64 memparse(const char *s, const char **end);

#endif
