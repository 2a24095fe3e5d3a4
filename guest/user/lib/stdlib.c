// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *getenv(const char *name)
{
	size_t n = strlen(name);

	for (char **p = environ; *p; p++)
		if (strncmp(*p, name, n) == 0 && (*p)[n] == '=')
			return *p + n + 1;
	return NULL;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
}

/* base 0: by prefix. Wraps where ISO C's would saturate. */
unsigned long long strtoull(const char *s, char **end, int base)
{
	unsigned long long v = 0;

	while (*s == ' ' || *s == '\t')
		s++;
	if ((base == 0 || base == 16) && s[0] == '0' && (s[1] | 0x20) == 'x' && digit(s[2]) < 16) {
		base = 16;
		s += 2;
	} else if (base == 0) {
		base = *s == '0' ? 8 : 10;
	}
	for (; digit(*s) < base; s++)
		v = v * (unsigned)base + (unsigned)digit(*s);
	if (end)
		*end = (char *)(uintptr_t)s;
	return v;
}

unsigned long strtoul(const char *s, char **end, int base)
{
	return (unsigned long)strtoull(s, end, base);
}

int atoi(const char *s)
{
	return *s == '-' ? -(int)strtoul(s + 1, NULL, 10) : (int)strtoul(s, NULL, 10);
}

static void swap(char *a, char *b, size_t size)
{
	for (; size; size--, a++, b++) {
		char c = *a;

		*a = *b;
		*b = c;
	}
}

static void sift_down(char *base, size_t i, size_t n, size_t size,
		      int (*compare)(const void *, const void *))
{
	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && compare(base + child * size, base + (child + 1) * size) < 0)
			child++;
		if (compare(base + i * size, base + child * size) >= 0)
			return;
		swap(base + i * size, base + child * size, size);
	}
}

/* A heap sort: in place, and never quadratic. */
void qsort(void *base, size_t n, size_t size, int (*compare)(const void *, const void *))
{
	char *b = base;

	for (size_t i = n / 2; i; i--)
		sift_down(b, i - 1, n, size, compare);
	for (size_t end = n; end > 1; end--) {
		swap(b, b + (end - 1) * size, size);
		sift_down(b, 0, end - 1, size, compare);
	}
}
