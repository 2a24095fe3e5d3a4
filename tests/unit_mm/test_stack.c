// SPDX-License-Identifier: MIT
/*
 * Growth of the stack by faults: Linux 2.6.32's distance from the stack pointer, 4.12's guard gap.
 */
#include "fault_rig.h"

#define STACK_START (STACK_TOP - (128u << 10))
#define STACK_SLACK (65536 + 32 * 4)

static struct mm_struct *stack_begin(void)
{
	struct mm_struct *mm = fault_begin();

	CU_ASSERT_EQUAL_FATAL(setup_stack_vma(mm, STACK_TOP - STACK_START), 0);
	return mm;
}

static void stack_grows_to_a_little_below_the_stack_pointer(void)
{
	struct mm_struct *mm = stack_begin();
	uint32_t total = mm->total_vm, stack = mm->stack_vm;

	mm_host.user_sp = STACK_START + STACK_SLACK - PAGE_SIZE;
	CU_ASSERT_EQUAL(try_put(STACK_START - PAGE_SIZE - 4), FAULT_SEGV_MAPERR);
	CU_ASSERT_EQUAL(find_vma(mm, 0)->vm_start, STACK_START);
	put(STACK_START - PAGE_SIZE, 1); /* exactly as far below as ENTER may go */
	CU_ASSERT_EQUAL(find_vma(mm, 0)->vm_start, STACK_START - PAGE_SIZE);
	CU_ASSERT_EQUAL(mm->total_vm, total + 1);
	CU_ASSERT_EQUAL(mm->stack_vm, stack + 1);
	CU_ASSERT_EQUAL(find_vma(mm, 0)->vm_pgoff, (STACK_START >> PAGE_SHIFT) - 1);
	CU_ASSERT_EQUAL(try_get(STACK_START - 2 * PAGE_SIZE), FAULT_SEGV_MAPERR);
	fault_end(mm);
}

static void the_kernel_may_grow_the_stack_by_any_distance(void)
{
	struct mm_struct *mm = stack_begin();
	uint32_t value = 9;

	mm_host.user_sp = STACK_TOP;
	CU_ASSERT_EQUAL(mm_host_copy_to_user(STACK_START - (1 << 20), &value, 4), 0);
	CU_ASSERT_EQUAL(find_vma(mm, 0)->vm_start, STACK_START - (1 << 20));
	CU_ASSERT_EQUAL(get(STACK_START - (1 << 20)), 9);
	fault_end(mm);
}

static void stack_ends_at_its_limits(void)
{
	struct mm_struct *mm = stack_begin();

	mm->rlim_stack = 256 << 10;
	mm_host.user_sp = STACK_TOP - (256 << 10);
	CU_ASSERT_EQUAL(try_put(STACK_TOP - (256 << 10) - 4), FAULT_SEGV_MAPERR);
	put(STACK_TOP - (256 << 10), 1);
	mm->rlim_stack = UINT32_MAX;
	mm->rlim_as = mm->total_vm << PAGE_SHIFT;
	CU_ASSERT_EQUAL(try_put(STACK_TOP - (256 << 10) - 4), FAULT_SEGV_MAPERR);
	mm->rlim_as += PAGE_SIZE;
	put(STACK_TOP - (256 << 10) - 4, 1);
	fault_end(mm);
}

static void stack_keeps_its_guard_gap(void)
{
	struct mm_struct *mm = stack_begin();
	const uint32_t gap = STACK_GUARD_GAP_PAGES << PAGE_SHIFT;
	vaddr_t below = STACK_TOP - (4u << 20);

	map(mm, below - PAGE_SIZE, 1, PROT_READ, PRIVATE); /* ends at `below` */
	mm_host.user_sp = below;
	CU_ASSERT_EQUAL(try_put(below + gap - 4), FAULT_SEGV_MAPERR);
	put(below + gap, 1);
	CU_ASSERT_EQUAL(try_put(below + gap - PAGE_SIZE), FAULT_SEGV_MAPERR);
	/* what cannot be touched is a gap itself */
	CU_ASSERT_EQUAL(do_mprotect(mm, below - PAGE_SIZE, PAGE_SIZE, PROT_NONE), 0);
	put(below + gap - PAGE_SIZE, 1);
	put(below, 1);
	CU_ASSERT_EQUAL(try_put(below - 4), FAULT_SEGV_ACCERR); /* that is the mapping itself */
	fault_end(mm);
}

static void nothing_grows_below_the_lowest_address(void)
{
	struct mm_struct *mm = fault_begin();

	map(mm, MMAP_MIN_ADDR, 1, RW, PRIVATE | MAP_GROWSDOWN);
	CU_ASSERT_EQUAL(try_put(MMAP_MIN_ADDR - 4), FAULT_SEGV_MAPERR);
	CU_ASSERT_EQUAL(try_put(0), FAULT_SEGV_MAPERR);
	put(MMAP_MIN_ADDR, 1);
	fault_end(mm);
}

static const struct unit_test tests[] = {
	UNIT_TEST(stack_grows_to_a_little_below_the_stack_pointer),
	UNIT_TEST(the_kernel_may_grow_the_stack_by_any_distance),
	UNIT_TEST(stack_ends_at_its_limits),
	UNIT_TEST(stack_keeps_its_guard_gap),
	UNIT_TEST(nothing_grows_below_the_lowest_address),
	UNIT_END,
};

const struct unit_suite suite_stack = { "stack", tests };
