// SPDX-License-Identifier: MIT
/*
 * guest/fs/script.c. Which lines are refused was measured with execve() on Linux 6.18.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "guest/fs/script.h"
#include "unit.h"

static char buf[SCRIPT_LINE];

/* The first bytes of a file. */
static int parse(const char *text, size_t n, char **interp, char **arg)
{
	memset(buf, 0, sizeof(buf));
	memcpy(buf, text, n < sizeof(buf) ? n : sizeof(buf));
	*interp = *arg = NULL;
	return parse_script(buf, interp, arg);
}

static void line_gives_interpreter_and_one_argument(void)
{
	static const struct {
		const char *line, *interp, *arg;
	} cases[] = {
		{ "#!/bin/sh\n", "/bin/sh", NULL },
		{ "#!/bin/sh", "/bin/sh", NULL },
		{ "#! /bin/sh\necho x y\n", "/bin/sh", NULL },
		{ "#!\t/bin/sh \t\n", "/bin/sh", NULL },
		{ "#!/bin/sh -e\n", "/bin/sh", "-e" },
		{ "#!/bin/sh  -e  -x \t\n", "/bin/sh", "-e  -x" },
		{ "#!sh\n", "sh", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *interp, *arg;

		CU_ASSERT_EQUAL_FATAL(parse(cases[i].line, strlen(cases[i].line), &interp, &arg),
				      1);
		CU_ASSERT_STRING_EQUAL(interp, cases[i].interp);
		if (cases[i].arg)
			CU_ASSERT_STRING_EQUAL(arg, cases[i].arg)
		else
			CU_ASSERT_PTR_NULL(arg);
	}
}

static void lines_without_a_name_are_refused(void)
{
	static const char *const lines[] = { "#!", "#!\n", "#!   \n", "#! \t ", "#!\n/bin/sh\n" };
	char *interp, *arg;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		CU_ASSERT_EQUAL(parse(lines[i], strlen(lines[i]), &interp, &arg), -ENOEXEC);
}

static void other_files_are_no_scripts(void)
{
	static const char *const files[] = { "", "#", "# !/bin/sh\n", "!#/bin/sh\n", "#?" };
	char *interp, *arg;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		CU_ASSERT_EQUAL(parse(files[i], strlen(files[i]), &interp, &arg), 0);
}

static void name_that_may_be_cut_is_refused_and_an_argument_is_not(void)
{
	char line[600], *interp, *arg;

	memset(line, 'a', sizeof(line));
	for (size_t i = 0; i < 7; i++)
		line[i] = "#!/bin/"[i];
	CU_ASSERT_EQUAL(parse(line, sizeof(line), &interp, &arg), -ENOEXEC);
	line[12] = ' ';
	CU_ASSERT_EQUAL_FATAL(parse(line, sizeof(line), &interp, &arg), 1);
	CU_ASSERT_STRING_EQUAL(interp, "/bin/aaaaa");
	CU_ASSERT_EQUAL(strlen(arg), SCRIPT_LINE - 1 - 13);
	line[250] = '\n';
	CU_ASSERT_EQUAL_FATAL(parse(line, sizeof(line), &interp, &arg), 1);
	CU_ASSERT_EQUAL(strlen(arg), 250 - 13);
}

static void random_lines_give_strings_inside(void)
{
	static const char alphabet[] = "#! \t\n\0/ab";
	uint64_t state = 1;

	for (int round = 0; round < 200000; round++) {
		char *interp, *arg;

		for (size_t i = 0; i < sizeof(buf); i++) {
			state = state * 6364136223846793005u + 1442695040888963407u;
			buf[i] = round % 2 && i > 20 ? 'x' : alphabet[(state >> 33) % 9];
		}
		buf[0] = '#';
		buf[1] = '!';
		if (parse_script(buf, &interp, &arg) != 1)
			continue;
		CU_ASSERT(interp > buf && interp + strlen(interp) < buf + sizeof(buf));
		CU_ASSERT(*interp && *interp != ' ' && !strpbrk(interp, " \t\n"));
		CU_ASSERT(!arg || (arg > interp && *arg && arg + strlen(arg) < buf + sizeof(buf)));
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST(line_gives_interpreter_and_one_argument),
	UNIT_TEST(lines_without_a_name_are_refused),
	UNIT_TEST(other_files_are_no_scripts),
	UNIT_TEST(name_that_may_be_cut_is_refused_and_an_argument_is_not),
	UNIT_TEST(random_lines_give_strings_inside),
	UNIT_END,
};

const struct unit_suite suite_script = { "script", tests };
