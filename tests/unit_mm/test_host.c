// SPDX-License-Identifier: MIT
/*
 * The host model itself: a TLB that forgets only when told, and what the other tests rely on.
 */
#include "mm/vmalloc.h"
#include "mm_host.h"
#include "tests/unit/unit.h"

#define VA 0xf0000000u

/* A page table for VA in the kernel's directory, made by hand. */
static pte_t *table_at(vaddr_t va)
{
	pte_t *table = get_zeroed_page(GFP_KERNEL);

	arch_kernel_pgd()[pgd_index(va)] = virt_to_phys(table) | _PAGE_PRESENT | _PAGE_RW;
	return table;
}

static uint32_t *marked_page(uint32_t mark)
{
	uint32_t *p = get_zeroed_page(GFP_KERNEL);

	*p = mark;
	return p;
}

static void a_translation_stays_until_it_is_flushed(void)
{
	volatile uint32_t *p;
	uint32_t *one, *two;
	pte_t *pte;

	mm_host_begin_ram(32 << 20);
	one = marked_page(1);
	two = marked_page(2);
	p = arch_ptr(VA);
	pte = &table_at(VA)[pte_index(VA)];
	*pte = virt_to_phys(one) | PAGE_KERNEL;
	CU_ASSERT_EQUAL(*p, 1);
	*pte = virt_to_phys(two) | PAGE_KERNEL;
	CU_ASSERT_EQUAL(*p, 1); /* stale */
	arch_flush_tlb_page(VA);
	CU_ASSERT_EQUAL(*p, 2);
	*p = 3;
	CU_ASSERT_EQUAL(*two, 3); /* the same frame as in the direct map */
	*pte = 0;
	CU_ASSERT_FALSE(mm_host_touch(arch_ptr(VA))); /* stale again */
	arch_flush_tlb_range(VA - PAGE_SIZE, VA + PAGE_SIZE);
	CU_ASSERT(mm_host_touch(arch_ptr(VA)));
	CU_ASSERT_EQUAL(mm_host.flush_page, 1);
	CU_ASSERT_EQUAL(mm_host.flush_range, 1);
	CU_ASSERT_EQUAL(mm_host.flushed_pages, 2);
	mm_host_end();
}

static void entries_that_are_not_present_are_not_cached(void)
{
	uint32_t *one;
	pte_t *pte;

	mm_host_begin_ram(32 << 20);
	one = marked_page(1);
	pte = &table_at(VA)[pte_index(VA)];
	CU_ASSERT(mm_host_touch(arch_ptr(VA)));
	*pte = virt_to_phys(one) | PAGE_KERNEL;
	CU_ASSERT_FALSE(mm_host_touch(arch_ptr(VA)));
	CU_ASSERT(mm_host_cached(VA));
	CU_ASSERT_FALSE(mm_host_cached(VA + PAGE_SIZE));
	arch_flush_tlb_all();
	CU_ASSERT_FALSE(mm_host_cached(VA));
	CU_ASSERT(mm_host_cached(PAGE_OFFSET));
	mm_host_end();
}

static void read_only_pages_take_no_writes(void)
{
	uint32_t *one;

	mm_host_begin_ram(32 << 20);
	one = marked_page(1);
	table_at(VA)[pte_index(VA)] = virt_to_phys(one) | PAGE_KERNEL_RO;
	CU_ASSERT_FALSE(mm_host_touch(arch_ptr(VA)));
	CU_ASSERT(mm_host_touch_write(arch_ptr(VA)));
	CU_ASSERT_FALSE(mm_host_touch_write(one));
	mm_host_end();
}

static void large_pages_map_4_mib(void)
{
	uint32_t *one;

	mm_host_begin_ram(32 << 20);
	one = marked_page(7);
	arch_kernel_pgd()[pgd_index(VA)] = (virt_to_phys(one) & PGDIR_MASK) | PAGE_KERNEL |
					   _PAGE_PSE;
	CU_ASSERT_EQUAL(*(uint32_t *)arch_ptr(VA + (virt_to_phys(one) & ~PGDIR_MASK)), 7);
	mm_host_end();
}

static void the_direct_map_ends_at_high_memory(void)
{
	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 128 << 20, .highmem = 32 << 20 });
	CU_ASSERT_EQUAL(mm.high_memory, PAGE_OFFSET + (96u << 20));
	CU_ASSERT_FALSE(mm_host_touch(arch_ptr(mm.high_memory - 1)));
	CU_ASSERT(mm_host_touch(arch_ptr(mm.high_memory)));
	CU_ASSERT(mm_host_touch(arch_ptr(PAGE_OFFSET - 1)));
	CU_ASSERT(mm_host_touch(NULL));
	CU_ASSERT(mm_host_touch(arch_ptr(4096)));
	mm_host_end();
}

/* The tables say the same: 4 MiB pages, and a table for the rest. */
static void the_direct_map_is_in_the_page_tables(void)
{
	const pte_t *pgd;
	const pte_t *table;

	mm_host_begin_ram((32 << 20) + 3 * PAGE_SIZE);
	pgd = arch_kernel_pgd();
	CU_ASSERT_EQUAL(pgd[pgd_index(PAGE_OFFSET + (28 << 20))] & PGDIR_MASK, 28 << 20);
	CU_ASSERT(pgd[pgd_index(PAGE_OFFSET + (28 << 20))] & _PAGE_PSE);
	table = arch_ptr(PAGE_OFFSET + (pgd[pgd_index(PAGE_OFFSET + (32 << 20))] & PAGE_MASK));
	CU_ASSERT_EQUAL(pte_pfn(table[2]), (32 << 8) + 2);
	CU_ASSERT_EQUAL(table[3], 0);
	mm_host_end();
}

static void panic_at(void *arg)
{
	arch_irq_save();
	arch_panic("because of %d", *(int *)arg);
}

static void do_nothing(void *arg)
{
}

static void panics_return_to_the_test(void)
{
	int why = 42;

	mm_host_begin_ram(32 << 20);
	CU_ASSERT(mm_host_expect_panic(panic_at, &why));
	CU_ASSERT_STRING_EQUAL(mm_host.panic_text, "because of 42");
	CU_ASSERT_FALSE(arch_irqs_off());
	CU_ASSERT_FALSE(mm_host_expect_panic(do_nothing, NULL));
	mm_host_end();
}

static void the_log_can_be_searched(void)
{
	mm_host_begin_ram(32 << 20);
	mm_host_log_clear();
	arch_printk("one %d\n", 1);
	arch_printk("two one\n");
	CU_ASSERT_STRING_EQUAL(mm_host_log(), "one 1\ntwo one\n");
	CU_ASSERT_EQUAL(mm_host_log_count("one"), 2);
	CU_ASSERT_FALSE(mm_host_logged("three"));
	mm_host_end();
}

static void the_nth_allocation_fails_once(void)
{
	struct page *page[3];

	mm_host_begin_ram(32 << 20);
	mm_host_fail_nth(2);
	for (unsigned n = 0; n < 3; n++)
		page[n] = alloc_page(GFP_KERNEL);
	CU_ASSERT(page[0] && !page[1] && page[2]);
	CU_ASSERT(mm_host.failed);
	CU_ASSERT_EQUAL(mm_host.alloc_calls, 3);
	mm_host_end();
}

/* A forgotten restore is found by whoever ends the machine; the flag nests as on the CPU. */
static void interrupt_flags_nest(void)
{
	uint32_t outer, inner;

	mm_host_begin_ram(32 << 20);
	outer = arch_irq_save();
	inner = arch_irq_save();
	CU_ASSERT(arch_irqs_off());
	arch_irq_restore(inner);
	CU_ASSERT(arch_irqs_off());
	arch_irq_restore(outer);
	CU_ASSERT_FALSE(arch_irqs_off());
	CU_ASSERT_EQUAL(mm_host_irq.depth, 0);
	mm_host_end();
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_translation_stays_until_it_is_flushed),
	UNIT_TEST(entries_that_are_not_present_are_not_cached),
	UNIT_TEST(read_only_pages_take_no_writes),
	UNIT_TEST(large_pages_map_4_mib),
	UNIT_TEST(the_direct_map_ends_at_high_memory),
	UNIT_TEST(the_direct_map_is_in_the_page_tables),
	UNIT_TEST(panics_return_to_the_test),
	UNIT_TEST(the_log_can_be_searched),
	UNIT_TEST(the_nth_allocation_fails_once),
	UNIT_TEST(interrupt_flags_nest),
	UNIT_END,
};

const struct unit_suite suite_host = { "host", tests };
