/* SPDX-License-Identifier: MIT */
/*
 * The unit tests: each test_*.c exports one suite, a main.c lists them and runs them by
 * unit_main(). A test's name says the rule.
 */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <stddef.h>

struct unit_test {
	const char *name;
	void (*fn)(void);
};

struct unit_suite {
	const char *name;
	const struct unit_test *tests; /* ends in a row without a name */
};

#define UNIT_TEST(fn)                                                                              \
	{                                                                                          \
#fn, fn                                                                            \
	}
#define UNIT_END                                                                                   \
	{                                                                                          \
		0, 0                                                                               \
	}

/*
 * Runs all suites under CUnit, or those named on the command line. With --junit FILE-ROOT first,
 * CUnit's automated interface writes JUnit-style XML to FILE-ROOT-Results.xml instead of text.
 * Returns the exit status: 1 if an assertion failed, 2 if there is no suite of that name.
 */
int unit_main(const struct unit_suite *const *suites, size_t count, int argc, char **argv);

#endif
