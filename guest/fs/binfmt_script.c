// SPDX-License-Identifier: MIT
#include "binfmt.h"

#include "mm/errno.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static u32 skip_blanks(const char *buf, u32 at, u32 end)
{
	while (at < end && is_blank(buf[at]))
		at++;
	return at;
}

/* The first blank or NUL, or end. */
static u32 word_end(const char *buf, u32 at, u32 end)
{
	while (at < end && buf[at] && !is_blank(buf[at]))
		at++;
	return at;
}

/* Where the line ends. False: it is longer than the buffer, and its first word may be, too. */
static bool line_end(const char *buf, u32 *end)
{
	u32 i;

	for (i = 2; i < BINPRM_BUF; i++)
		if (buf[i] == '\n')
			break;
	*end = i;
	if (i < BINPRM_BUF)
		return true;
	*end = BINPRM_BUF - 1;
	return word_end(buf, skip_blanks(buf, 2, *end), *end) < *end;
}

int parse_script(char buf[BINPRM_BUF], char **interp, char **arg)
{
	u32 end, name, after;

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
		u32 start = skip_blanks(buf, after, end);

		buf[after] = '\0';
		if (buf[start])
			*arg = buf + start;
	}
	return 1;
}
