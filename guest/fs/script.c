// SPDX-License-Identifier: MIT
#include "script.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mm/errno.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static uint32_t skip_blanks(const char *buf, uint32_t at, uint32_t end)
{
	while (at < end && is_blank(buf[at]))
		at++;
	return at;
}

/* The first blank or NUL, or end. */
static uint32_t word_end(const char *buf, uint32_t at, uint32_t end)
{
	while (at < end && buf[at] && !is_blank(buf[at]))
		at++;
	return at;
}

/* Where the line ends. False: it is longer than the buffer, and its first word may be, too. */
static bool line_end(const char *buf, uint32_t *end)
{
	uint32_t i;

	for (i = 2; i < SCRIPT_LINE; i++)
		if (buf[i] == '\n')
			break;
	*end = i;
	if (i < SCRIPT_LINE)
		return true;
	*end = SCRIPT_LINE - 1;
	return word_end(buf, skip_blanks(buf, 2, *end), *end) < *end;
}

int parse_script(char buf[SCRIPT_LINE], char **interp, char **arg)
{
	uint32_t end, name, after;

	if (buf[0] != '#' || buf[1] != '!')
		return 0;
	if (!line_end(buf, &end))
		return -ENOEXEC;
	while (end > 2 && is_blank(buf[end - 1]))
		end--;
	name = skip_blanks(buf, 2, end);
	if (name == end || !buf[name])
		return -ENOEXEC;
	buf[end] = '\0';
	after = word_end(buf, name, end);
	*interp = buf + name;
	*arg = NULL;
	if (is_blank(buf[after])) {
		uint32_t start = skip_blanks(buf, after, end);

		buf[after] = '\0';
		if (buf[start])
			*arg = buf + start;
	}
	return 1;
}
