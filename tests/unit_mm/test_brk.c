// SPDX-License-Identifier: MIT
/* brk: what is refused leaves the old break. */
#include "mm/errno.h"
#include "unit.h"
#include "vma_rig.h"

#define START RIG_BASE

/* A program's data end where its heap begins. */
static void begin(void)
{
	rig_begin();
	rig.mm->start_brk = rig.mm->brk = START;
	rig.mm->start_data = START - 4 * PAGE_SIZE;
	rig.mm->end_data = START;
}

static void break_moves_by_bytes_and_maps_by_pages(void)
{
	begin();
	CU_ASSERT_EQUAL(do_brk_call(rig.mm, 0), START);
	CU_ASSERT_EQUAL(do_brk_call(rig.mm, START + 1), START + 1);
	CU_ASSERT_STRING_EQUAL(rig_draw(4), "a...");
	CU_ASSERT_EQUAL(do_brk_call(rig.mm, START + PAGE_SIZE), START + PAGE_SIZE);
	CU_ASSERT_STRING_EQUAL(rig_draw(4), "a...");
	CU_ASSERT_EQUAL(do_brk_call(rig.mm, at(2) + 5), at(2) + 5);
	CU_ASSERT_STRING_EQUAL(rig_draw(4), "aaa.");
	CU_ASSERT_EQUAL(rig.mm->mmap->vm_flags, VM_DATA_FLAGS | VM_ACCOUNT);
	CU_ASSERT_EQUAL(do_brk_call(rig.mm, START - 1), at(2) + 5);
	rig_end();
}

static void shrinking_unmaps_whole_pages(void)
{
	begin();
	do_brk_call(rig.mm, at(4));
	rig_touch(0, 4);
	CU_ASSERT_EQUAL(do_brk_call(rig.mm, at(1) + 1), at(1) + 1);
	CU_ASSERT_STRING_EQUAL(rig_draw(4), "aa..");
	CU_ASSERT_EQUAL(rig.mm->rss[MM_ANONPAGES], 2);
	CU_ASSERT_EQUAL(do_brk_call(rig.mm, at(1) + 1), at(1) + 1);
	CU_ASSERT_EQUAL(do_brk_call(rig.mm, START), START);
	CU_ASSERT_STRING_EQUAL(rig_draw(4), "....");
	rig_end();
}

/* One page stays free above the heap; the guard gap, if it is a stack. */
static void heap_keeps_away_from_what_is_above(void)
{
	begin();
	rig_map(8, 1, PROT_READ);
	CU_ASSERT_EQUAL(do_brk_call(rig.mm, at(8)), START);
	CU_ASSERT_EQUAL(do_brk_call(rig.mm, at(7) + 1), START);
	CU_ASSERT_EQUAL(do_brk_call(rig.mm, at(7)), at(7));
	CU_ASSERT_EQUAL(do_munmap(rig.mm, at(8), PAGE_SIZE), 0);
	do_mmap_pgoff(rig.mm, NULL, at(300), PAGE_SIZE, RW, MAP_ANON_FIXED | MAP_GROWSDOWN, 0);
	CU_ASSERT_EQUAL(do_brk_call(rig.mm, at(300 - 256)), at(7));
	CU_ASSERT_EQUAL(do_brk_call(rig.mm, at(300 - 257)), at(300 - 257));
	rig_end();
}

static void break_that_cannot_be_is_refused(void)
{
	begin();
	CU_ASSERT_EQUAL(do_brk_call(rig.mm, 0xffffffff), START);
	CU_ASSERT_EQUAL(do_brk_call(rig.mm, 0xfffff001), START);
	CU_ASSERT_EQUAL(do_brk_call(rig.mm, TASK_SIZE + 1), START);
	CU_ASSERT_EQUAL(do_brk_call(rig.mm, START + 65 * MIB),
			START); /* more than there is memory */
	rig.mm->rlim_as = 2 * PAGE_SIZE;
	CU_ASSERT_EQUAL(do_brk_call(rig.mm, at(3)), START);
	CU_ASSERT_EQUAL(do_brk_call(rig.mm, at(2)), at(2));
	rig_end();
}

/* The program's own data count. */
static void rlimit_data_counts_data_and_heap_in_bytes(void)
{
	begin();
	rig.mm->rlim_data = 6 * PAGE_SIZE;
	CU_ASSERT_EQUAL(do_brk_call(rig.mm, at(2) + 1), START);
	CU_ASSERT_EQUAL(do_brk_call(rig.mm, at(2)), at(2));
	CU_ASSERT_EQUAL(do_brk_call(rig.mm, at(1)), at(1));
	rig_end();
}

static void locked_heap_is_there_at_once_and_limited(void)
{
	begin();
	CU_ASSERT_EQUAL(do_mlockall(rig.mm, MCL_FUTURE), 0);
	CU_ASSERT_EQUAL(do_brk_call(rig.mm, at(3)), at(3));
	CU_ASSERT_EQUAL(rig.mm->rss[MM_ANONPAGES], 3);
	rig.mm->rlim_memlock = 4 * PAGE_SIZE;
	CU_ASSERT_EQUAL(do_brk_call(rig.mm, at(5)), at(3));
	rig_end();
}

static void area_of_exec_takes_the_place_of_what_was_there(void)
{
	begin();
	rig_map(0, 4, PROT_READ);
	CU_ASSERT_EQUAL(do_brk_area(rig.mm, at(2), 3 * PAGE_SIZE - 5), 0);
	CU_ASSERT_STRING_EQUAL(rig_draw(6), "aabbb.");
	CU_ASSERT_EQUAL(do_brk_area(rig.mm, at(9), 0), 0);
	CU_ASSERT_EQUAL(do_brk_area(rig.mm, at(9), 0xffffffff), -ENOMEM);
	CU_ASSERT_EQUAL(do_brk_area(rig.mm, TASK_SIZE - PAGE_SIZE, 2 * PAGE_SIZE), -ENOMEM);
	rig_end();
}

static int grow_and_shrink(void)
{
	if (do_brk_call(rig.mm, at(4)) != at(4))
		return -ENOMEM;
	return do_brk_call(rig.mm, START) == START ? 0 : -EINVAL;
}

static void failed_allocations_leave_no_trace(void)
{
	begin();
	rig_fail_each(grow_and_shrink);
	CU_ASSERT_EQUAL(rig.mm->map_count, 0);
	rig_end();
}

static const struct unit_test tests[] = {
	UNIT_TEST(break_moves_by_bytes_and_maps_by_pages),
	UNIT_TEST(shrinking_unmaps_whole_pages),
	UNIT_TEST(heap_keeps_away_from_what_is_above),
	UNIT_TEST(break_that_cannot_be_is_refused),
	UNIT_TEST(rlimit_data_counts_data_and_heap_in_bytes),
	UNIT_TEST(locked_heap_is_there_at_once_and_limited),
	UNIT_TEST(area_of_exec_takes_the_place_of_what_was_there),
	UNIT_TEST(failed_allocations_leave_no_trace),
	UNIT_END,
};

const struct unit_suite suite_brk = { "brk", tests };
