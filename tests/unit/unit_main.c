// SPDX-License-Identifier: MIT
#include <CUnit/Automated.h>
#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

static bool wanted(const char *name, int argc, char **argv)
{
	for (int n = 0; n < argc; n++)
		if (!strcmp(argv[n], name))
			return true;
	return argc == 0;
}

/* How many, or -1: CUnit would not have one. */
static int register_suites(const struct unit_suite *const *suites, size_t count, int argc,
			   char **argv)
{
	int found = 0;

	for (size_t n = 0; n < count; n++) {
		const struct unit_suite *s = suites[n];
		CU_pSuite suite;

		if (!wanted(s->name, argc, argv))
			continue;
		suite = CU_add_suite(s->name, NULL, NULL);
		for (const struct unit_test *t = s->tests; suite && t->name; t++)
			if (!CU_add_test(suite, t->name, t->fn))
				return -1;
		found++;
	}
	return found;
}

int unit_main(const struct unit_suite *const *suites, size_t count, int argc, char **argv)
{
	const char *program = argv[0], *junit = NULL;
	unsigned failed;

	argc--, argv++;
	if (argc >= 2 && !strcmp(argv[0], "--junit")) {
		junit = argv[1];
		argc -= 2, argv += 2;
	}
	if (CU_initialize_registry() != CUE_SUCCESS ||
	    register_suites(suites, count, argc, argv) <= 0) {
		fprintf(stderr, "%s: no such suite\n", program);
		return 2;
	}
	if (junit) {
		CU_set_output_filename(junit);
		CU_automated_enable_junit_xml(CU_TRUE);
		CU_automated_run_tests();
	} else {
		CU_basic_set_mode(CU_BRM_NORMAL);
		CU_basic_run_tests();
	}
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
