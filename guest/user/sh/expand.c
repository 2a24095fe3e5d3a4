// SPDX-License-Identifier: MIT
#include "sh.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_name(char c, int first)
{
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (!first && c >= '0' && c <= '9');
}

static const char *number_text(int n)
{
	char text[12];

	return arena_text(text, (size_t)snprintf(text, sizeof(text), "%d", n));
}

const char *variable(const char *name)
{
	const char *value;

	if (name[0] >= '0' && name[0] <= '9')
		return atoi(name) < shell.argc ? shell.argv[atoi(name)] : "";
	switch (name[0]) {
	case '?':
		return number_text(shell.status);
	case '$':
		return number_text(getpid());
	case '!':
		return shell.last_background ? number_text(shell.last_background) : "";
	case '#':
		return number_text(shell.argc ? shell.argc - 1 : 0);
	default:
		value = getenv(name);
		return value ? value : "";
	}
}

int assign(const char *assignment)
{
	const char *equals = strchr(assignment, '=');
	size_t n, count = 0;
	char **more;

	if (!equals || !is_name(assignment[0], 1))
		return -1;
	for (n = 0; assignment + n < equals; n++)
		if (!is_name(assignment[n], 0))
			return -1;
	for (; environ[count]; count++) {
		if (strncmp(environ[count], assignment, n + 1) == 0) {
			environ[count] = strdup(assignment);
			return 0;
		}
	}
	more = malloc((count + 2) * sizeof(*more)); /* the old one may be the kernel's: it stays */
	if (!more)
		return -1;
	memcpy(more, environ, count * sizeof(*more));
	more[count] = strdup(assignment);
	more[count + 1] = NULL;
	environ = more;
	return 0;
}

struct text {
	char *bytes;
	size_t length, room;
};

static void add(struct text *t, const char *more, size_t n)
{
	if (!t->bytes || t->length + n > t->room) {
		size_t room = 2 * (t->length + n) + 32;
		char *bytes = arena_alloc(room + 1);

		if (t->length)
			memcpy(bytes, t->bytes, t->length);
		t->bytes = bytes;
		t->room = room;
	}
	memcpy(t->bytes + t->length, more, n);
	t->length += n;
	t->bytes[t->length] = '\0';
}

/* $NAME, ${NAME} or one of the special ones at s; past it. A $ before anything else is itself. */
static const char *expand_variable(const char *s, struct text *t)
{
	const char *name = s + 1;
	size_t n = 0;
	int braces = *name == '{';
	const char *value;

	name += braces;
	if (*name && strchr("?$!#0123456789", *name))
		n = 1;
	else
		while (is_name(name[n], n == 0))
			n++;
	if (!n || (braces && name[n] != '}')) {
		add(t, "$", 1);
		return s + 1;
	}
	value = variable(arena_text(name, n));
	add(t, value, strlen(value));
	return name + n + braces;
}

static const char *expand_double(const char *s, struct text *t)
{
	while (*s && *s != '"') {
		if (*s == '$') {
			s = expand_variable(s, t);
			continue;
		}
		if (*s == '\\' && s[1] && strchr("\"\\$`", s[1]))
			s++;
		add(t, s++, 1);
	}
	return *s ? s + 1 : s;
}

char *expand_word(const char *word)
{
	struct text t = { 0 };
	int quoted = 0;

	add(&t, "", 0);
	for (const char *s = word; *s;) {
		if (*s == '$') {
			s = expand_variable(s, &t);
		} else if (*s == '"') {
			quoted = 1;
			s = expand_double(s + 1, &t);
		} else if (*s == '\'') {
			const char *close = strchr(s + 1, '\'');

			quoted = 1;
			add(&t, s + 1, (size_t)(close - s) - 1);
			s = close + 1;
		} else {
			s += *s == '\\' && s[1];
			add(&t, s++, 1);
		}
	}
	return t.length || quoted ? t.bytes : NULL;
}
