// SPDX-License-Identifier: MIT
#include "mm/errno.h"
#include "mm/memblock.h"
#include "mm_host.h"
#include "tests/unit/unit.h"

/* A machine with RAM at 0..640K and 1M..32M, before zones_init(). */
static void begin(void)
{
	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 32 << 20, .memblock_only = true });
}

static bool range_is(bool (*get)(unsigned n, uint64_t *start, uint64_t *end), unsigned n,
		     uint64_t start, uint64_t end)
{
	uint64_t s, e;

	return get(n, &s, &e) && s == start && e == end;
}

static unsigned ranges(bool (*get)(unsigned n, uint64_t *start, uint64_t *end))
{
	uint64_t s, e;
	unsigned n = 0;

	while (get(n, &s, &e))
		n++;
	return n;
}

static void ranges_are_sorted(void)
{
	begin();
	CU_ASSERT_EQUAL(memblock_add(0x8000000, 0x1000), 0);
	CU_ASSERT_EQUAL(memblock_add(0x4000000, 0x1000), 0);
	CU_ASSERT(range_is(memblock_memory, 2, 0x4000000, 0x4001000));
	CU_ASSERT(range_is(memblock_memory, 3, 0x8000000, 0x8001000));
	CU_ASSERT_EQUAL(ranges(memblock_memory), 4);
	mm_host_end();
}

/*
 *     [10..20)      [30..40)      [50..60)
 *              [20..30)                        touches both
 *                      [35..55)                overlaps two
 *     [10                          ..60)
 */
static void touching_and_overlapping_ranges_become_one(void)
{
	begin();
	memblock_reserve(0x10000, 0x10000);
	memblock_reserve(0x30000, 0x10000);
	memblock_reserve(0x50000, 0x10000);
	CU_ASSERT_EQUAL(ranges(memblock_reserved), 3);
	memblock_reserve(0x20000, 0x10000);
	CU_ASSERT(range_is(memblock_reserved, 0, 0x10000, 0x40000));
	CU_ASSERT(range_is(memblock_reserved, 1, 0x50000, 0x60000));
	memblock_reserve(0x35000, 0x20000);
	CU_ASSERT(range_is(memblock_reserved, 0, 0x10000, 0x60000));
	memblock_reserve(0x18000, 0x1000); /* inside */
	memblock_reserve(0, 0x100000);	   /* around */
	CU_ASSERT(range_is(memblock_reserved, 0, 0, 0x100000));
	CU_ASSERT_EQUAL(ranges(memblock_reserved), 1);
	mm_host_end();
}

static void empty_and_too_many_ranges_are_refused(void)
{
	begin();
	CU_ASSERT_EQUAL(memblock_add(0x100000, 0), -EINVAL);
	CU_ASSERT_EQUAL(memblock_reserve(0x100000, 0), -EINVAL);
	for (unsigned n = 0; n < MEMBLOCK_REGIONS; n++)
		CU_ASSERT_EQUAL(memblock_reserve(n * 0x2000, 0x1000), 0);
	CU_ASSERT_EQUAL(memblock_reserve(0x1000000, 0x1000), -ENOSPC);
	CU_ASSERT_EQUAL(memblock_reserve(0x1000, 0x1000), 0); /* joins two: there is room again */
	CU_ASSERT_EQUAL(memblock_reserve(0x1000000, 0x1000), 0);
	CU_ASSERT_EQUAL(ranges(memblock_reserved), MEMBLOCK_REGIONS);
	mm_host_end();
}

static void a_range_may_end_at_4_gib(void)
{
	begin();
	CU_ASSERT_EQUAL(memblock_add(0xfffff000, 0x1000), 0);
	CU_ASSERT(memblock_is_memory(0xffffffff));
	CU_ASSERT_FALSE(memblock_is_memory(0xffffefff));
	CU_ASSERT(range_is(memblock_memory, 2, 0xfffff000, 1ull << 32));
	mm_host_end();
}

static void allocations_go_down_from_the_top(void)
{
	char *a, *b, *c;

	begin();
	memblock_reserve((32 << 20) - 0x3000, 0x1000);
	a = memblock_alloc(0x1000, 0x1000); /* 32M - 0x1000 */
	b = memblock_alloc(0x1000, 0x1000); /* 32M - 0x2000 */
	c = memblock_alloc(0x1001, 0x1000); /* below what was reserved */
	CU_ASSERT_EQUAL(arch_vaddr(a), PAGE_OFFSET + (32u << 20) - 0x1000);
	CU_ASSERT_EQUAL(arch_vaddr(b), PAGE_OFFSET + (32u << 20) - 0x2000);
	CU_ASSERT_EQUAL(arch_vaddr(c), PAGE_OFFSET + (32u << 20) - 0x5000);
	CU_ASSERT(memblock_is_reserved((32 << 20) - 0x5000 + 0x1000));
	CU_ASSERT_FALSE(memblock_is_reserved((32 << 20) - 0x5000 + 0x1001));
	mm_host_end();
}

static void allocations_are_aligned_and_zero(void)
{
	char *p;

	begin();
	memset(arch_ptr(PAGE_OFFSET + (28u << 20)), 0xa5, 4 << 20);
	p = memblock_alloc(100, 1 << 20);
	CU_ASSERT_EQUAL(arch_vaddr(p), PAGE_OFFSET + (31u << 20));
	for (unsigned n = 0; n < 100; n++)
		CU_ASSERT_EQUAL(p[n], 0);
	mm_host_end();
}

/* RAM above what the direct map shows is not used: 896 MiB, before zones_init() knows less. */
static void allocations_are_low_memory(void)
{
	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 1 << 30, .memblock_only = true });
	CU_ASSERT_EQUAL(arch_vaddr(memblock_alloc(0x1000, 0x1000)), 0xf8000000 - 0x1000);
	mm_host_end();
}

static void allocate(void *arg)
{
	memblock_alloc(*(uint32_t *)arg, 0x1000);
}

static void use_late(void *arg)
{
	memblock_is_memory(0);
}

static void running_out_panics(void)
{
	uint32_t bytes = 32 << 20;

	begin();
	CU_ASSERT(mm_host_expect_panic(allocate, &bytes));
	CU_ASSERT_STRING_EQUAL(mm_host.panic_text, "memblock: cannot allocate 33554432 bytes");
	bytes = 31 << 20; /* exactly what lies above 1M */
	CU_ASSERT_FALSE(mm_host_expect_panic(allocate, &bytes));
	bytes = 640 << 10; /* page 0 is not given out */
	CU_ASSERT(mm_host_expect_panic(allocate, &bytes));
	bytes = (640 << 10) - 0x1000;
	CU_ASSERT_FALSE(mm_host_expect_panic(allocate, &bytes));
	mm_host_end();
}

static void using_it_after_boot_panics(void)
{
	uint32_t bytes = 1;

	mm_host_begin_ram(32 << 20);
	CU_ASSERT(mm_host_expect_panic(allocate, &bytes));
	CU_ASSERT(mm_host_expect_panic(use_late, NULL));
	CU_ASSERT_STRING_EQUAL(mm_host.panic_text, "memblock: used after mem_init()");
	mm_host_end();
}

static void a_limit_cuts_ranges(void)
{
	begin();
	memblock_add(0x8000000, 0x1000);
	memblock_enforce_limit(0x200000);
	CU_ASSERT_EQUAL(ranges(memblock_memory), 2);
	CU_ASSERT(range_is(memblock_memory, 1, 0x100000, 0x200000));
	memblock_enforce_limit(0x100000);
	CU_ASSERT_EQUAL(ranges(memblock_memory), 1);
	mm_host_end();
}

static const struct unit_test tests[] = {
	UNIT_TEST(ranges_are_sorted),
	UNIT_TEST(touching_and_overlapping_ranges_become_one),
	UNIT_TEST(empty_and_too_many_ranges_are_refused),
	UNIT_TEST(a_range_may_end_at_4_gib),
	UNIT_TEST(allocations_go_down_from_the_top),
	UNIT_TEST(allocations_are_aligned_and_zero),
	UNIT_TEST(allocations_are_low_memory),
	UNIT_TEST(running_out_panics),
	UNIT_TEST(using_it_after_boot_panics),
	UNIT_TEST(a_limit_cuts_ranges),
	UNIT_END,
};

const struct unit_suite suite_memblock = { "memblock", tests };
