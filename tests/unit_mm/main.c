// SPDX-License-Identifier: MIT
/*
 * Runs the tests of mm/ on the host: suites of this folder, and the tables of tests/mm/ that run in
 * the guest, too, as suites named guest_NAME; all, or those named. With --junit FILE-ROOT as
 * tests/unit/main.c.
 */
#include <CUnit/Automated.h>
#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

#include "tests/mm/mm_test.h"
#include "tests/unit/unit.h"
#include "mm_host.h"

/* Suites of this folder: test_NAME.c. */
#define SUITES(x)                                                                                  \
	x(host) x(memblock) x(zones) x(page_alloc) x(page_misuse) x(page_slow) x(slub)             \
		x(slub_cache) x(slub_debug) x(rbtree) x(vmap_area) x(vmalloc) x(highmem) x(model)  \
			x(show) x(vmcoreinfo) x(vma) x(vma_model) x(mmap) x(brk) x(mm_struct)      \
				x(mremap) x(madvise) x(fault) x(cow) x(fork) x(rmap) x(filemap)    \
					x(fault_model) x(stack) x(host_user)
/* Tables of tests/mm/. */
#define TABLES(x) x(page_alloc) x(slub) x(vmalloc) x(highmem) x(fault) x(vma)

/* Not linked in: not run. A build of one module's tests needs no others. */
#define DECLARE_SUITE(name) extern const struct unit_suite suite_##name __attribute__((weak));
#define DECLARE_TABLE(name) extern const struct mm_test mm_tests_##name[] __attribute__((weak));
#define LIST_SUITE(name) &suite_##name,
#define LIST_TABLE(name) { "guest_" #name, mm_tests_##name },

SUITES(DECLARE_SUITE)
TABLES(DECLARE_TABLE)

static const struct unit_suite *const suites[] = { SUITES(LIST_SUITE) };

static const struct {
	const char *name;
	const struct mm_test *tests;
} tables[] = { TABLES(LIST_TABLE) };

unsigned mm_test_failures;

/* Machines that shared tests run on: with and without HIGHMEM, and with more than one node. */
static const struct mm_host_config machines[] = {
	{ .ram_bytes = 64 << 20 },
	{ .ram_bytes = 128 << 20, .highmem = 32 << 20 },
	{ .ram_bytes = 128 << 20, .highmem = 32 << 20, .numa = 2 },
};

/* Our SIGSEGV handler is the TLB; ASan must not take the signal. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "handle_segv=0:allow_user_segv_handler=1:detect_stack_use_after_return=0";
}

static void fatal_to_cunit(const char *message)
{
	CU_assertImplementation(CU_FALSE, 0, message, "mm_host", "", CU_TRUE);
}

static const struct mm_test *shared_test(const char *suite, const char *name)
{
	for (size_t n = 0; n < ARRAY_SIZE(tables); n++)
		if (!strcmp(tables[n].name, suite))
			for (const struct mm_test *t = tables[n].tests; t->name; t++)
				if (!strcmp(t->name, name))
					return t;
	return NULL;
}

/*
 * Twice: the first run leaves what stays for good reason (page tables of the vmalloc area, a
 * cache's CPU slab), the second must leave nothing.
 */
static void run_on(const struct mm_test *t, const struct mm_host_config *machine)
{
	uint32_t free_before;
	bool ok;

	mm_host_begin(machine);
	mm_test_failures = 0;
	ok = t->fn();
	drain_all_pages();
	free_before = nr_free_pages();
	ok = t->fn() && ok && !mm_test_failures;
	drain_all_pages();
	CU_ASSERT(ok);
	CU_ASSERT_EQUAL(nr_free_pages(), free_before);
	CU_ASSERT_EQUAL(mm_host_check(), 0);
	if (!ok || nr_free_pages() != free_before)
		fprintf(stderr, "%s, %u MiB: %u pages free, %u before\n%s", t->name,
			(unsigned)(machine->ram_bytes >> 20), nr_free_pages(), free_before,
			mm_host_log());
	mm_host_end();
}

/* A shared test as a CUnit test; CUnit says which one is running. */
static void run_shared(void)
{
	const struct mm_test *t =
		shared_test(CU_get_current_suite()->pName, CU_get_current_test()->pName);

	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	for (size_t n = 0; n < ARRAY_SIZE(machines); n++)
		run_on(t, &machines[n]);
}

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

	for (size_t n = 0; n < ARRAY_SIZE(suites); n++) {
		const struct unit_suite *s = suites[n];
		CU_pSuite suite;

		if (!s || !wanted(s->name, argc, argv))
			continue;
		suite = CU_add_suite(s->name, NULL, NULL);
		for (const struct unit_test *t = s->tests; suite && t->name; t++)
			if (!CU_add_test(suite, t->name, t->fn))
				return -1;
		found++;
	}
	for (size_t n = 0; n < ARRAY_SIZE(tables); n++) {
		CU_pSuite suite;

		if (!tables[n].tests || !wanted(tables[n].name, argc, argv))
			continue;
		suite = CU_add_suite(tables[n].name, NULL, NULL);
		for (const struct mm_test *t = tables[n].tests; suite && t->name; t++)
			if (!CU_add_test(suite, t->name, run_shared))
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
	mm_host_fatal = fatal_to_cunit;
	if (CU_initialize_registry() != CUE_SUCCESS || register_suites(argc, argv) <= 0) {
		fprintf(stderr, "mm_tests: no such suite\n");
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
	mm_host_end();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
