// SPDX-License-Identifier: MIT
/*
 * Runs the tests of guest/fs on the host: all suites, or those named.
 */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

extern const struct unit_suite suite_cpio, suite_elf, suite_script;

static const struct unit_suite *const suites[] = { &suite_cpio, &suite_elf, &suite_script };

static int wanted(const char *name, int argc, char **argv)
{
	for (int n = 1; n < argc; n++)
		if (!strcmp(argv[n], name))
			return 1;
	return argc == 1;
}

static int add_suite(const struct unit_suite *s)
{
	CU_pSuite suite = CU_add_suite(s->name, NULL, NULL);

	for (const struct unit_test *t = s->tests; suite && t->name; t++)
		if (!CU_add_test(suite, t->name, t->fn))
			return 0;
	return suite ? 1 : 0;
}

int main(int argc, char **argv)
{
	unsigned failed, found = 0;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	for (size_t n = 0; n < sizeof(suites) / sizeof(suites[0]); n++)
		if (wanted(suites[n]->name, argc, argv))
			found += add_suite(suites[n]);
	if (!found) {
		fprintf(stderr, "unit_fs_tests: no such suite\n");
		return 2;
	}
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
