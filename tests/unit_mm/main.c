// SPDX-License-Identifier: MIT
/*
 * Runs the tests of mm/ on the host: suites of this folder, and the tables of tests/mm/ that run in
 * the guest, too, as suites named guest_NAME.
 */
#include <CUnit/TestRun.h>
#include <stdio.h>
#include <stdlib.h>
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

#define DECLARE_SUITE(name) extern const struct unit_suite suite_##name;
#define DECLARE_TABLE(name) extern const struct mm_test mm_tests_##name[];
#define LIST_SUITE(name) &suite_##name,
#define LIST_TABLE(name) { "guest_" #name, mm_tests_##name },

SUITES(DECLARE_SUITE)
TABLES(DECLARE_TABLE)

static const struct unit_suite *const own_suites[] = { SUITES(LIST_SUITE) };

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

/*
 * A table's tests under their names, each as run_shared(). Reachable for ever, as CUnit wants it.
 */
static void table_suite(struct unit_suite *suite, const char *name, const struct mm_test *tests)
{
	struct unit_test *rows;
	size_t count = 0;

	while (tests[count].name)
		count++;
	rows = calloc(count + 1, sizeof(*rows));
	if (!rows)
		abort();
	for (size_t n = 0; n < count; n++)
		rows[n] = (struct unit_test){ tests[n].name, run_shared };
	*suite = (struct unit_suite){ name, rows };
}

int main(int argc, char **argv)
{
	static struct unit_suite table_suites[ARRAY_SIZE(tables)];
	const struct unit_suite *suites[ARRAY_SIZE(own_suites) + ARRAY_SIZE(tables)];
	size_t count = 0;
	int status;

	for (size_t n = 0; n < ARRAY_SIZE(own_suites); n++)
		suites[count++] = own_suites[n];
	for (size_t n = 0; n < ARRAY_SIZE(tables); n++) {
		table_suite(&table_suites[n], tables[n].name, tables[n].tests);
		suites[count++] = &table_suites[n];
	}
	mm_host_fatal = fatal_to_cunit;
	status = unit_main(suites, count, argc, argv);
	mm_host_end();
	return status;
}
