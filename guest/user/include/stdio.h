/* SPDX-License-Identifier: MIT */
/*
 * Output: one stream, stdout, which keeps text until a newline, exit() or fork(); stderr keeps
 * none. Input is read(2)'s.
 */
#ifndef _STDIO_H
#define _STDIO_H

#include <stdarg.h>
#include <stddef.h>

#define _PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

int vsnprintf(char *buf, size_t size, const char *fmt, va_list args) _PRINTF(3, 0);
int snprintf(char *buf, size_t size, const char *fmt, ...) _PRINTF(3, 4);
int printf(const char *fmt, ...) _PRINTF(1, 2);
int vprintf(const char *fmt, va_list args) _PRINTF(1, 0);
int dprintf(int fd, const char *fmt, ...) _PRINTF(2, 3); /* up to 1023 bytes */
int putchar(int c);
int puts(const char *s);
/* 0, or -1 if the text could not be written; it is dropped then. */
int flush(void);

#endif
