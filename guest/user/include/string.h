/* SPDX-License-Identifier: MIT */
/* The first group is guest/lib/string.c, which the kernel has, too. */
#ifndef _STRING_H
#define _STRING_H

#include <stddef.h>

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
size_t strlcpy(char *dst, const char *src, size_t size);

void *memchr(const void *s, int c, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *what);
char *strdup(const char *s); /* NULL: no memory */
/* ENOENT for 2 and so on; "errno 123" for one it has no name of. */
const char *strerrorname(int error);
const char *strerror(int error);
const char *strsignal(int sig);

#endif
