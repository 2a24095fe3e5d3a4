// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char kept[1024];
static size_t kept_bytes;

static int write_all(int fd, const char *text, size_t n)
{
	while (n) {
		ssize_t done = write(fd, text, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return -1;
		text += done;
		n -= (size_t)done;
	}
	return 0;
}

int flush(void)
{
	size_t n = kept_bytes;

	kept_bytes = 0;
	return write_all(STDOUT_FILENO, kept, n);
}

static int emit(const char *text, size_t n)
{
	int result = 0;

	for (size_t i = 0; i < n; i++) {
		kept[kept_bytes++] = text[i];
		if (text[i] == '\n' || kept_bytes == sizeof(kept))
			result |= flush();
	}
	return result;
}

int vprintf(const char *fmt, va_list args)
{
	char text[1024];
	int n = vsnprintf(text, sizeof(text), fmt, args);

	if (n >= (int)sizeof(text))
		n = sizeof(text) - 1;
	return emit(text, (size_t)n) < 0 ? -1 : n;
}

int printf(const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vprintf(fmt, args);
	va_end(args);
	return n;
}

int dprintf(int fd, const char *fmt, ...)
{
	char text[1024];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (n >= (int)sizeof(text))
		n = sizeof(text) - 1;
	return write_all(fd, text, (size_t)n) < 0 ? -1 : n;
}

int putchar(int c)
{
	char byte = (char)c;

	return emit(&byte, 1) < 0 ? -1 : c;
}

int puts(const char *s)
{
	return emit(s, strlen(s)) < 0 || putchar('\n') < 0 ? -1 : 0;
}
