// SPDX-License-Identifier: MIT
/*
 * The tests of tests/mm/ as self-tests, each followed by a look at what it left behind.
 */
#include "selftest.h"
#include <kernel/kallsyms.h>
#include <kernel/printk.h>
#include <lib/string.h>

#include "mm/highmem.h"
#include "mm/page_alloc.h"
#include "mm/slub.h"
#include "mm/vmalloc.h"
#undef EXPECT /* theirs counts in mm_test_failures */
#include "tests/mm/mm_test.h"

#define MM_TESTS_MAX 128

unsigned mm_test_failures;

static const struct mm_test *const tables[] = {
	mm_tests_page_alloc,
	mm_tests_slub,
	mm_tests_vmalloc,
	mm_tests_highmem,
};

struct selftest mm_tests[MM_TESTS_MAX];

/* Give back all that is kept for later use. Page tables stay for good, and are no leak. */
static u32 free_pages_at_rest(void)
{
	vm_unmap_aliases();
	kmap_flush_unused();
	kmem_cache_shrink_all();
	drain_all_pages();
	return nr_free_pages() + global_page_state(NR_PAGETABLE);
}

static void run_mm_test(struct selftest_result *r, const void *arg)
{
	const struct mm_test *t = arg;
	u32 before = free_pages_at_rest(), after;

	mm_test_failures = 0;
	if (!t->fn() || mm_test_failures)
		r->failed = true;
	after = free_pages_at_rest();
	EXPECT_EQ(r, after, before);
	EXPECT_EQ(r, page_alloc_check() + slub_check() + vmalloc_check() + highmem_check(), 0);
}

/* --- what only the guest has --------------------------------------------------------------------- */

static void kallsyms_names_a_function(struct selftest_result *r, const void *arg)
{
	u32 address = (u32)kallsyms_lookup;
	struct kallsym sym = { .name = "" };

	EXPECT_EQ(r, kallsyms_lookup(address, &sym), true);
	EXPECT_EQ(r, strcmp(sym.name, "kallsyms_lookup"), 0);
	EXPECT_EQ(r, sym.start, address);
	EXPECT_EQ(r, kallsyms_lookup(address + sym.bytes - 1, &sym), true);
	EXPECT_EQ(r, sym.start, address);
	EXPECT_EQ(r, kallsyms_lookup(address + sym.bytes, &sym) && sym.start == address, false);
}

static void kallsyms_knows_code_only(struct selftest_result *r, const void *arg)
{
	struct kallsym sym;

	EXPECT_EQ(r, kallsyms_lookup(0, &sym), false);
	EXPECT_EQ(r, kallsyms_lookup((u32)&mm_test_failures, &sym), false);
	EXPECT_EQ(r, kallsyms_lookup(UINT32_MAX, &sym), false);
}

static const struct selftest own_tests[] = {
	{ "kallsyms_names_a_function", kallsyms_names_a_function, NULL },
	{ "kallsyms_knows_code_only", kallsyms_knows_code_only, NULL },
};

void mm_tests_collect(void)
{
	u32 n = 0;

	for (; n < ARRAY_SIZE(own_tests); n++)
		mm_tests[n] = own_tests[n];
	for (u32 i = 0; i < ARRAY_SIZE(tables); i++)
		for (const struct mm_test *t = tables[i]; t->name && n < MM_TESTS_MAX - 1; t++)
			mm_tests[n++] = (struct selftest){ t->name, run_mm_test, t };
}
