// SPDX-License-Identifier: MIT
#include <string.h>

#include "mm/pkmap.h"
#include "mm/vmalloc.h"
#include "mm_host.h"
#include "unit.h"

#define MIB (1u << 20)

/* The first highmem page of the machine below: 96 MiB of 128. */
#define FIRST_HIGH 0x6000u

/*
 * The pages are used as they are, without being allocated: it is their addresses that matter here.
 */
static void begin(void)
{
	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 128 * MIB, .highmem = 32 * MIB });
	CU_ASSERT_FATAL(page_is_highmem(pfn_to_page(FIRST_HIGH)));
	CU_ASSERT_FATAL(!page_is_highmem(pfn_to_page(FIRST_HIGH - 1)));
}

static struct page *high(unsigned n)
{
	return pfn_to_page(FIRST_HIGH + n);
}

static unsigned flushes(void)
{
	return mm_host.flush_page + mm_host.flush_range + mm_host.flush_all;
}

static unsigned slot_of(const void *p)
{
	return (arch_vaddr(p) - PKMAP_BASE) >> PAGE_SHIFT;
}

/*
 * Slots are given round robin from 1 on: page n goes to slot n + 1. The 1024th has to wrap to slot
 * 0: one flush, which takes the other 1023 translations away.
 */
static void wrap_flushes_once(void)
{
	unsigned before;
	void *p;

	begin();
	before = flushes();
	for (unsigned n = 0; n < LAST_PKMAP - 1; n++) {
		p = kmap(high(n));
		CU_ASSERT_EQUAL(slot_of(p), n + 1);
		*(volatile uint32_t *)p = n; /* cached from now on */
		kunmap(high(n));
	}
	CU_ASSERT_EQUAL(flushes(), before);
	CU_ASSERT_EQUAL(pkmap_count(1), 1);
	p = kmap(high(LAST_PKMAP - 1));
	CU_ASSERT_EQUAL(slot_of(p), 0);
	CU_ASSERT_EQUAL(flushes(), before + 1);
	CU_ASSERT_EQUAL(mm_host.flush_range, 1);
	CU_ASSERT_EQUAL(pkmap_count(1), 0);
	for (unsigned slot = 1; slot < LAST_PKMAP; slot++)
		if (mm_host_cached(pkmap_addr(slot)))
			CU_FAIL("a translation survived");
	CU_ASSERT_EQUAL(slot_of(kmap(high(0))), 1); /* it goes on behind */
	CU_ASSERT_EQUAL(*(volatile uint32_t *)kmap_address(high(0)), 0);
	CU_ASSERT_EQUAL(flushes(), before + 1);
	kunmap(high(0));
	kunmap(high(LAST_PKMAP - 1));
	CU_ASSERT_EQUAL(mm_host_check(), 0);
	mm_host_end();
}

static void wrap_without_unused_slots_flushes_nothing(void)
{
	unsigned before;

	begin();
	before = flushes();
	for (unsigned n = 0; n < LAST_PKMAP; n++)
		kmap(high(n));
	CU_ASSERT_EQUAL(flushes(), before);
	CU_ASSERT_PTR_NULL(kmap_try(high(LAST_PKMAP)));
	CU_ASSERT_EQUAL(flushes(), before);
	CU_ASSERT_EQUAL(highmem_check(), LAST_PKMAP); /* it is not at rest */
	for (unsigned n = 0; n < LAST_PKMAP; n++)
		kunmap(high(n));
	CU_ASSERT_EQUAL(flushes(), before);
	kmap_flush_unused();
	CU_ASSERT_EQUAL(flushes(), before + 1);
	kmap_flush_unused();
	CU_ASSERT_EQUAL(flushes(), before + 1);
	mm_host_end();
}

/* A slot in use keeps its translation when the others are flushed. */
static void slot_in_use_survives_the_wrap(void)
{
	void *p;

	begin();
	p = kmap(high(2000));
	*(volatile uint32_t *)p = 0x600d;
	for (unsigned n = 0; n < 3 * LAST_PKMAP; n++) {
		kmap(high(n % 1500));
		kunmap(high(n % 1500));
	}
	CU_ASSERT_PTR_EQUAL(kmap_address(high(2000)), p);
	CU_ASSERT_EQUAL(pkmap_count(slot_of(p)), 2);
	CU_ASSERT_EQUAL(*(volatile uint32_t *)p, 0x600d);
	kunmap(high(2000));
	mm_host_end();
}

/* --- waiting ---------------------------------------------------------------------------------- */

static void let_one_go(void)
{
	if (mm_host.relaxed == 3)
		kunmap(high(7));
}

static void somebody_maps_it(void)
{
	kunmap(high(5));
	CU_ASSERT_PTR_NOT_NULL(kmap_try(high(LAST_PKMAP)));
}

static void fill_all_slots(void)
{
	begin();
	for (unsigned n = 0; n < LAST_PKMAP; n++)
		kmap(high(n));
}

static void kmap_waits_until_a_slot_is_free(void)
{
	void *p;

	fill_all_slots();
	mm_host.relax = let_one_go;
	p = kmap(high(LAST_PKMAP));
	CU_ASSERT_EQUAL(mm_host.relaxed, 3);
	CU_ASSERT_EQUAL(slot_of(p), 8); /* that of page 7, flushed in between */
	CU_ASSERT_EQUAL(pkmap_count(8), 2);
	CU_ASSERT_PTR_NULL(kmap_address(high(7)));
	CU_ASSERT_EQUAL(mm_host.flush_range, 1);
	mm_host_end();
}

/* While it waits, the same page gets an address: that one is taken, and no second slot. */
static void waiter_finds_the_page_mapped_meanwhile(void)
{
	void *p;

	fill_all_slots();
	mm_host.relax = somebody_maps_it;
	p = kmap(high(LAST_PKMAP));
	CU_ASSERT_EQUAL(mm_host.relaxed, 1);
	CU_ASSERT_EQUAL(slot_of(p), 6);
	CU_ASSERT_EQUAL(pkmap_count(6), 3);
	mm_host_end();
}

/* --- kmap_atomic ------------------------------------------------------------------------------ */

static void kmap_atomic_flushes_one_page_on_unmap(void)
{
	char *p;
	unsigned before;

	begin();
	before = flushes();
	p = kmap_atomic(high(0), KM_IRQ0);
	*p = 1;
	CU_ASSERT(mm_host_cached(arch_vaddr(p)));
	CU_ASSERT_EQUAL(flushes(), before);
	kunmap_atomic(p + 17, KM_IRQ0); /* anywhere in the page */
	CU_ASSERT_EQUAL(mm_host.flush_page, 1);
	CU_ASSERT_EQUAL(flushes(), before + 1);
	CU_ASSERT(mm_host_touch(p));
	mm_host_end();
}

/* Every type has a slot, in the order of the enumeration, downwards from FIX_KMAP_BEGIN. */
static void all_types_can_be_mapped_at_once(void)
{
	char *p[KM_TYPE_NR];

	begin();
	for (unsigned type = 0; type < KM_TYPE_NR; type++) {
		p[type] = kmap_atomic(high(type), type);
		*p[type] = (char)type;
		CU_ASSERT_EQUAL(arch_vaddr(p[type]), 0xfffff000 - (FIX_KMAP_BEGIN + type) * 0x1000);
	}
	CU_ASSERT_EQUAL(highmem_check(), KM_TYPE_NR); /* not at rest */
	for (unsigned type = 0; type < KM_TYPE_NR; type++) {
		CU_ASSERT_EQUAL(*p[type], (char)type);
		kunmap_atomic(p[type], type);
	}
	CU_ASSERT_EQUAL(highmem_check(), 0);
	mm_host_end();
}

/* --- misuse ----------------------------------------------------------------------------------- */

static void call_kmap(void *page)
{
	kmap(page);
}

static void call_kunmap(void *page)
{
	kunmap(page);
}

static void call_kmap_atomic(void *page)
{
	kmap_atomic(page, KM_USER1);
}

static void call_kunmap_atomic(void *addr)
{
	kunmap_atomic(addr, KM_USER1);
}

static void call_kmap_atomic_of_no_type(void *page)
{
	kmap_atomic(page, KM_TYPE_NR);
}

static void call_set_fixmap(void *slot)
{
	set_fixmap(*(enum fixed_addresses *)slot, 0, PAGE_KERNEL);
}

static bool panics(void (*fn)(void *arg), void *arg, const char *text)
{
	return mm_host_expect_panic(fn, arg) && strstr(mm_host.panic_text, text);
}

static void kunmap_of_an_unmapped_page_is_a_bug(void)
{
	begin();
	CU_ASSERT(panics(call_kunmap, high(3), "kunmap of page 6003"));
	kmap(high(3));
	kunmap(high(3));
	CU_ASSERT(panics(call_kunmap, high(3), "kunmap of page 6003")); /* unused now */
	CU_ASSERT_EQUAL(highmem_check(), 0);
	mm_host_end();
}

static void kmap_in_an_interrupt_is_named(void)
{
	begin();
	mm_host.in_interrupt = true;
	CU_ASSERT_PTR_NOT_NULL(kmap(high(0))); /* as Linux: a complaint, and on it goes */
	CU_ASSERT(mm_host_logged("kmap of page 6000 in an interrupt"));
	CU_ASSERT(panics(call_kunmap, high(0), "in an interrupt"));
	mm_host.in_interrupt = false;
	mm_host_end();

	fill_all_slots();
	mm_host.in_interrupt = true;
	CU_ASSERT(panics(call_kmap, high(LAST_PKMAP), "no slot is free"));
	mm_host.in_interrupt = false;
	mm_host_end();
}

static void slot_of_kmap_atomic_in_use_is_named(void)
{
	void *p;

	begin();
	p = kmap_atomic(high(1), KM_USER1);
	CU_ASSERT(panics(call_kmap_atomic, high(2), "KM_USER1 is in use, for page 6001"));
	kunmap_atomic(p, KM_USER1);
	CU_ASSERT(panics(call_kunmap_atomic, p, "KM_USER1 is not mapped"));
	p = kmap_atomic(high(1), KM_USER0);
	CU_ASSERT(panics(call_kunmap_atomic, p, "KM_USER1 is not mapped"));
	kunmap_atomic(p, KM_USER0);
	CU_ASSERT(panics(call_kmap_atomic_of_no_type, high(1), "no type 7"));
	mm_host_end();
}

static void fixed_slots_that_are_none_are_refused(void)
{
	enum fixed_addresses slots[] = { FIX_HOLE, FIX_SLOTS_USED };

	begin();
	CU_ASSERT(panics(call_set_fixmap, &slots[0], "no slot 0"));
	CU_ASSERT(panics(call_set_fixmap, &slots[1], "no slot"));
	mm_host_end();
}

static void begin_without_memory(void *arg)
{
	mm_host_fail_nth(*(unsigned *)arg);
	arch_kernel_pgd()[pgd_index(PKMAP_BASE)] = 0;
	arch_kernel_pgd()[pgd_index(FIXADDR_START)] = 0;
	kmap_init();
}

static void no_memory_at_boot_is_the_end(void)
{
	for (unsigned n = 1; n <= 2; n++) {
		begin();
		CU_ASSERT(panics(begin_without_memory, &n, "no memory for page tables"));
		mm_host_end();
	}
}

static void checker_sees_each_violation(void)
{
	pte_t saved;
	unsigned slot;

	begin();
	slot = slot_of(kmap(high(0)));
	kunmap(high(0));
	saved = highmem.pkmap[slot];
	CU_ASSERT_EQUAL(highmem_check(), 0);

	highmem.slot[slot].count = 2;
	CU_ASSERT(highmem_check() && mm_host_logged("its counter is 2"));
	highmem.slot[slot].count = 0;
	CU_ASSERT(highmem_check() && mm_host_logged("counter 0, a page"));
	highmem.slot[slot].count = 1;
	highmem.pkmap[slot] = 0;
	CU_ASSERT(highmem_check() && mm_host_logged("entry 00000000"));
	highmem.pkmap[slot] = saved + PAGE_SIZE;
	CU_ASSERT(highmem_check() && mm_host_logged("its page is 6000"));
	highmem.pkmap[slot] = saved;
	highmem.pkmap[slot + 1] = saved; /* a slot that is free */
	CU_ASSERT(highmem_check() && mm_host_logged("counter 0, no page"));
	highmem.pkmap[slot + 1] = 0;
	highmem.bucket[0] = (int16_t)(slot + 5);
	highmem.slot[slot + 5].next = -1;
	CU_ASSERT(highmem_check() && mm_host_logged("in buckets"));
	highmem.bucket[0] = -1;
	*lookup_kernel_pte(FIXADDR_START) = saved;
	CU_ASSERT(highmem_check() && mm_host_logged("unnamed fixed slot"));
	*lookup_kernel_pte(FIXADDR_START) = 0;
	mm_host_end();
}

static const struct unit_test tests[] = {
	UNIT_TEST(wrap_flushes_once),
	UNIT_TEST(wrap_without_unused_slots_flushes_nothing),
	UNIT_TEST(slot_in_use_survives_the_wrap),
	UNIT_TEST(kmap_waits_until_a_slot_is_free),
	UNIT_TEST(waiter_finds_the_page_mapped_meanwhile),
	UNIT_TEST(kmap_atomic_flushes_one_page_on_unmap),
	UNIT_TEST(all_types_can_be_mapped_at_once),
	UNIT_TEST(kunmap_of_an_unmapped_page_is_a_bug),
	UNIT_TEST(kmap_in_an_interrupt_is_named),
	UNIT_TEST(slot_of_kmap_atomic_in_use_is_named),
	UNIT_TEST(fixed_slots_that_are_none_are_refused),
	UNIT_TEST(no_memory_at_boot_is_the_end),
	UNIT_TEST(checker_sees_each_violation),
	UNIT_END,
};

const struct unit_suite suite_highmem = { "highmem", tests };
