// SPDX-License-Identifier: MIT
/*
 * The tests of tests/mm/ as self-tests, each followed by a look at what it left behind.
 */
#include "selftest.h"
#include <arch/pgtable.h>
#include <arch/processor.h>
#include <drivers/sandbox.h>
#include <kernel/kallsyms.h>
#include <kernel/printk.h>
#include <lib/string.h>

#include "mm/highmem.h"
#include "mm/page_alloc.h"
#include "mm/slub.h"
#include "mm/vmalloc.h"
#include "mm/vmcoreinfo.h"
#undef EXPECT /* theirs counts in mm_test_failures */
#include "tests/mm/mm_test.h"

#define MM_TESTS_MAX 192

unsigned mm_test_failures;

static const struct mm_test *const tables[] = {
	mm_tests_page_alloc, mm_tests_slub,  mm_tests_vmalloc,
	mm_tests_highmem,    mm_tests_fault, mm_tests_vma,
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

/* --- what only the guest has ------------------------------------------------------------------ */

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

static void vmcoreinfo_is_announced(struct selftest_result *r, const void *arg)
{
	EXPECT_EQ(r, memcmp(vmcoreinfo_note.text, "OSRELEASE=", 10), 0);
	if (sandbox_present())
		EXPECT_EQ(r, sandbox_read(SANDBOX_VMCOREINFO), __pa(&vmcoreinfo_note));
}

/* A directory that lacks the table of a vmalloc area gets it when the area is touched. */
static void vmalloc_area_is_synced_by_fault(struct selftest_result *r, const void *arg)
{
	pgd_t *pgd = get_zeroed_page(GFP_KERNEL);
	volatile u32 *p = vmalloc(PAGE_SIZE);
	u32 old = read_cr3(), value, pde;

	EXPECT_EQ(r, pgd && p, true);
	if (pgd && p) {
		*p = 0x5eed;
		memcpy(pgd, swapper_pg_dir, PAGE_SIZE);
		pgd[pgd_index((u32)p)] = 0;
		write_cr3(__pa(pgd));
		invlpg((u32)p); /* it is global */
		value = *p;
		write_cr3(old);
		pde = pgd[pgd_index((u32)p)];
		EXPECT_EQ(r, value, 0x5eed);
		EXPECT_EQ(r, pde & PAGE_MASK, swapper_pg_dir[pgd_index((u32)p)] & PAGE_MASK);
	}
	vfree((const void *)p);
	free_pages(pgd, 0);
}

static void whole_tlb_is_flushed_with_global_pages(struct selftest_result *r, const void *arg)
{
	u32 *a = get_zeroed_page(GFP_KERNEL), *b = get_zeroed_page(GFP_KERNEL);
	volatile u32 *p = (volatile u32 *)vmalloc(PAGE_SIZE);
	pte_t *pte = p ? lookup_kernel_pte((u32)p) : NULL, own = pte ? *pte : 0;

	EXPECT_EQ(r, a && b && pte, true);
	if (a && b && pte) {
		*a = 1;
		*b = 2;
		*pte = __pa(a) | PAGE_KERNEL;
		arch_flush_tlb_page((u32)p);
		EXPECT_EQ(r, *p, 1);
		*pte = __pa(b) | PAGE_KERNEL;
		arch_flush_tlb_all();
		EXPECT_EQ(r, *p, 2);
		*pte = __pa(a) | PAGE_KERNEL;
		arch_flush_tlb_range((u32)p, (u32)p + PAGE_SIZE);
		EXPECT_EQ(r, *p, 1);
		*pte = own;
		arch_flush_tlb_range(VMALLOC_START, VMALLOC_END);
	}
	vfree((const void *)p);
	free_pages(a, 0);
	free_pages(b, 0);
}

static const struct selftest own_tests[] = {
	{ "vmcoreinfo_is_announced", vmcoreinfo_is_announced, NULL },
	{ "vmalloc_area_is_synced_by_fault", vmalloc_area_is_synced_by_fault, NULL },
	{ "whole_tlb_is_flushed_with_global_pages", whole_tlb_is_flushed_with_global_pages, NULL },
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
