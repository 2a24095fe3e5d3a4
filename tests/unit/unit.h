/* SPDX-License-Identifier: MIT */
/*
 * The unit tests: each test_*.c exports one suite, main.c lists them and runs all under CUnit, or
 * those named on the command line. A test's name says the rule.
 */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <CUnit/CUnit.h>

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

#endif
