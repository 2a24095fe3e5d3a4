// SPDX-License-Identifier: MIT
/* The host model's user half: rights, accessed and dirty bits, and translations that stay. */
#include "fault_rig.h"
#include "mm/vmalloc.h"

static void users_may_not_touch_what_is_the_kernels(void)
{
	struct mm_struct *mm = fault_begin();
	uint32_t value = 0;

	map(mm, VA, 1, RW, PRIVATE);
	put(VA, 7);
	*lookup_user_pte(mm, VA) &= ~_PAGE_USER;
	CU_ASSERT_EQUAL(get(VA), 7); /* still cached */
	arch_flush_tlb_page(VA);
	CU_ASSERT_EQUAL(try_get(VA), FAULT_SEGV_ACCERR);
	CU_ASSERT_EQUAL(mm_host.fault_error, FAULT_PROT | FAULT_USER);
	CU_ASSERT_EQUAL(mm_host_copy_from_user(&value, VA, 4), 0);
	CU_ASSERT_EQUAL(value, 7);
	*lookup_user_pte(mm, VA) |= _PAGE_USER;
	mm->pgd[pgd_index(VA)] &= ~_PAGE_USER; /* the PDE counts as well */
	arch_flush_tlb_user();
	CU_ASSERT_EQUAL(try_get(VA), FAULT_SEGV_ACCERR);
	mm->pgd[pgd_index(VA)] |= _PAGE_USER;
	fault_end(mm);
}

static void access_is_noted_in_both_levels_and_a_write_as_dirty(void)
{
	struct mm_struct *mm = fault_begin();
	pte_t *pte, *pde;

	map(mm, VA, 1, RW, PRIVATE);
	put(VA, 7);
	pte = lookup_user_pte(mm, VA);
	pde = &mm->pgd[pgd_index(VA)];
	*pte &= ~(_PAGE_ACCESSED | _PAGE_DIRTY);
	*pde &= ~_PAGE_ACCESSED;
	arch_flush_tlb_user();
	mm_host.user_faults = 0;
	get(VA);
	CU_ASSERT_EQUAL(*pte & (_PAGE_ACCESSED | _PAGE_DIRTY), _PAGE_ACCESSED);
	CU_ASSERT(*pde & _PAGE_ACCESSED);
	put(VA, 8);
	CU_ASSERT(*pte & _PAGE_DIRTY);
	*pte &= ~(_PAGE_ACCESSED | _PAGE_DIRTY);
	put(VA, 9); /* cached as dirty: not noted again */
	CU_ASSERT_EQUAL(*pte & (_PAGE_ACCESSED | _PAGE_DIRTY), 0);
	CU_ASSERT_EQUAL(mm_host.user_faults, 0);
	*pte |= _PAGE_ACCESSED | _PAGE_DIRTY;
	fault_end(mm);
}

static void load_of_cr3_forgets_the_users_half_alone(void)
{
	struct mm_struct *mm = fault_begin();
	volatile uint32_t *kernel = vmalloc(PAGE_SIZE);

	map(mm, VA, 1, RW, PRIVATE);
	put(VA, 7);
	*kernel = 1;
	CU_ASSERT(mm_host_cached(VA) && mm_host_cached(arch_vaddr(kernel)));
	mm_host_switch_mm(mm);
	CU_ASSERT(!mm_host_cached(VA) && mm_host_cached(arch_vaddr(kernel)));
	vfree((const void *)(uintptr_t)kernel);
	fault_end(mm);
}

static void copies_tell_how_much_they_could_not_do(void)
{
	struct mm_struct *mm = fault_begin();
	static char text[2 * PAGE_SIZE];

	map(mm, VA, 1, RW, PRIVATE);
	CU_ASSERT_EQUAL(mm_host_copy_to_user(VA + 100, text, sizeof(text)), PAGE_SIZE + 100);
	CU_ASSERT_EQUAL(mm_host_copy_from_user(text, VA - 1, 10), 10);
	CU_ASSERT_EQUAL(mm_host_copy_to_user(PAGE_OFFSET, text, 1), 1);
	CU_ASSERT_FALSE(mm_host.supervisor);
	fault_end(mm);
}

static const struct unit_test tests[] = {
	UNIT_TEST(users_may_not_touch_what_is_the_kernels),
	UNIT_TEST(access_is_noted_in_both_levels_and_a_write_as_dirty),
	UNIT_TEST(load_of_cr3_forgets_the_users_half_alone),
	UNIT_TEST(copies_tell_how_much_they_could_not_do),
	UNIT_END,
};

const struct unit_suite suite_host_user = { "host_user", tests };
