// SPDX-License-Identifier: MIT
/*
 * Runs the unit tests: all suites, or those named. With --junit FILE-ROOT, CUnit's automated
 * interface writes JUnit-style XML to FILE-ROOT-Results.xml instead of text.
 */
#include <CUnit/Automated.h>
#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

#define SUITES(x)                                                                                  \
	x(bus) x(choice) x(console) x(console_terminal) x(devices) x(diag) x(doctor) x(engine_bus) \
		x(engine_events) x(engine_kick) x(engine_poke) x(engine_state) x(kvm_mirror)       \
			x(kvm_monitor) x(loader) x(options) x(pic) x(pit) x(pit_irq) x(postmortem) \
				x(postmortem_memory) x(ram) x(rtc) x(shadow) x(shadow_cases)       \
					x(shadow_control) x(shadow_pool) x(shadow_track) x(soft)   \
						x(symbols) x(symbols_lines) x(uart) x(walk)        \
							x(walk_formats) x(x86_debug) x(x86_events) \
								x(x86_far) x(x86_fast) x(x86_int)  \
									x(x86_string) x(x86_sys)   \
										x(x86_system)      \
											x(x86_tlb)

#define DECLARE(name) extern const struct unit_suite suite_##name;
#define LIST(name) &suite_##name,

SUITES(DECLARE)

static const struct unit_suite *const suites[] = { SUITES(LIST) };

static int wanted(const char *name, int argc, char **argv)
{
	for (int n = 0; n < argc; n++)
		if (!strcmp(argv[n], name))
			return 1;
	return argc == 0;
}

static int register_suites(int argc, char **argv)
{
	int found = 0;

	for (size_t n = 0; n < sizeof(suites) / sizeof(suites[0]); n++) {
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

int main(int argc, char **argv)
{
	const char *junit = NULL;
	unsigned failed;

	argc--, argv++;
	if (argc >= 2 && !strcmp(argv[0], "--junit")) {
		junit = argv[1];
		argc -= 2, argv += 2;
	}
	if (CU_initialize_registry() != CUE_SUCCESS || register_suites(argc, argv) <= 0) {
		fprintf(stderr, "unit_tests: no such suite\n");
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
