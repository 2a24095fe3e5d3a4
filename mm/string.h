/* SPDX-License-Identifier: MIT */
/*
 * Memory and text, as in ISO C: the host's, or what the guest has of it (guest/lib). A freestanding
 * compiler calls the mem functions on its own, too.
 */
#ifndef MM_STRING_H
#define MM_STRING_H

#ifdef MM_HOST
#include <stdio.h>
#include <string.h>
#else
#include <stdarg.h>
#include <stddef.h>

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
int snprintf(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
	__attribute__((format(printf, 3, 0)));
#endif

#endif
