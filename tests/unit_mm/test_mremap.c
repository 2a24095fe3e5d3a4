// SPDX-License-Identifier: MIT
/* mremap, as Linux 6.18 answers a 32-bit program. */
#include <stdio.h>

#include "mm/errno.h"
#include "unit.h"
#include "vma_rig.h"

#define MAY MREMAP_MAYMOVE
#define FIXED (MREMAP_MAYMOVE | MREMAP_FIXED)
#define KEEP (MREMAP_MAYMOVE | MREMAP_DONTUNMAP)

/* In pages of the rig's window. */
static uint32_t remap(unsigned page, unsigned old_pages, unsigned new_pages, uint32_t flags,
		      unsigned new_page)
{
	return do_mremap(rig.mm, at(page), old_pages * PAGE_SIZE, new_pages * PAGE_SIZE, flags,
			 at(new_page));
}

/* What the process has at the n-th page: each page it wrote begins with a number. */
static uint32_t value(unsigned page)
{
	uint32_t v = 0;

	CU_ASSERT_EQUAL(access_process_vm(rig.mm, at(page), &v, sizeof(v), false), sizeof(v));
	return v;
}

static void write_values(unsigned page, unsigned pages)
{
	for (uint32_t n = page; n < page + pages; n++)
		CU_ASSERT_EQUAL(access_process_vm(rig.mm, at(n), &n, sizeof(n), true), sizeof(n));
}

static void two_areas(void)
{
	rig_begin();
	rig_map(0, 4, RW);
	rig_map(4, 4, PROT_READ);
}

static void errors_of_the_arguments(void)
{
	static const struct {
		vaddr_t addr;
		uint32_t old_len, new_len, flags;
		vaddr_t new_addr;
		int error;
	} rows[] = {
		{ RIG_BASE, 0x4000, 0, 0, 0, EINVAL },
		{ RIG_BASE + 1, 0x4000, 0x1000, 0, 0, EINVAL },
		{ RIG_BASE, 0x4000, 0x1000, 8, 0, EINVAL },
		{ RIG_BASE, 0x4000, 0x4000, MREMAP_FIXED, RIG_BASE + 0x100000, EINVAL },
		{ RIG_BASE, 0x4000, 0x4000, MREMAP_DONTUNMAP, 0, EINVAL },
		{ RIG_BASE, 0x4000, 0x5000, KEEP, 0, EINVAL },
		{ RIG_BASE, 0, 0, KEEP, 0, EINVAL },
		{ RIG_BASE, 0x4000, 0x4000, FIXED, RIG_BASE + 0x100001, EINVAL },
		{ RIG_BASE, 0x4000, 0x4000, FIXED, RIG_BASE + 0x2000, EINVAL },
		{ RIG_BASE, 0x4000, 0x2000, FIXED, RIG_BASE + 0x3000, EINVAL },
		{ RIG_BASE, 0x4000, 0xfffff001, MAY, 0, EINVAL },
		{ RIG_BASE, 0x4000, TASK_SIZE + PAGE_SIZE, MAY, 0, EINVAL },
		{ RIG_BASE, 0x4000, TASK_SIZE, MAY, 0, ENOMEM },
		{ RIG_BASE, 0x4000, 0x5000, FIXED, TASK_SIZE - 0x4000, EINVAL },
		{ RIG_BASE, 0x4000, 0x5000, FIXED, 0xfffff000, EINVAL },
		{ RIG_BASE, 0x4000, 0x4000, FIXED, 0, EPERM },
		{ RIG_BASE, 0, 0x4000, MAY, 0, EINVAL }, /* private */
		{ RIG_BASE, 0, 0x4000, 0, 0, EINVAL },
		{ RIG_BASE, 0x5000, 0x6000, MAY, 0, EFAULT },
		{ RIG_BASE, 0x4000, 0x5000, 0, 0, ENOMEM }, /* the next is in the way */
		{ RIG_BASE, 0x2000, 0x3000, 0, 0, ENOMEM },
		{ RIG_BASE, 0xffffffff, 0x1000, 0, 0, EINVAL },
		{ RIG_BASE + 0x10000, 0x1000, 0x2000, MAY, 0, EFAULT },
		{ RIG_BASE + 0x10000, 0x2000, 0x1000, 0, 0, EFAULT },
		{ RIG_BASE + 0x10000, 0, 0x1000, MAY, 0, EFAULT },
		{ 0xfffff000, 0x1000, 0x1000, MAY, 0, EFAULT },
	};

	two_areas();
	for (unsigned n = 0; n < ARRAY_SIZE(rows); n++) {
		uint32_t result = do_mremap(rig.mm, rows[n].addr, rows[n].old_len, rows[n].new_len,
					    rows[n].flags, rows[n].new_addr);

		if (!IS_ERROR(result, rows[n].error))
			fprintf(stderr, "row %u: %08x\n", n, result);
		CU_ASSERT(IS_ERROR(result, rows[n].error));
	}
	CU_ASSERT_STRING_EQUAL(rig_draw(8), "aaaabbbb");
	rig_end();
}

static void shrinking_only_unmaps(void)
{
	two_areas();
	CU_ASSERT_EQUAL(remap(0, 8, 8, 0, 0), at(0));
	CU_ASSERT_EQUAL(remap(0, 20, 20, MAY, 0), at(0));
	CU_ASSERT_STRING_EQUAL(rig_draw(8), "aaaabbbb");
	CU_ASSERT_EQUAL(remap(0, 8, 6, 0, 0), at(0));
	CU_ASSERT_STRING_EQUAL(rig_draw(8), "aaaabb..");
	CU_ASSERT_EQUAL(remap(0, 20, 2, 0, 0), at(0));
	CU_ASSERT_STRING_EQUAL(rig_draw(8), "aa......");
	rig_end();
}

static void grows_in_place_where_nothing_is_behind(void)
{
	two_areas();
	write_values(0, 4);
	CU_ASSERT_EQUAL(do_munmap(rig.mm, at(4), 3 * PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(remap(0, 4, 7, 0, 0), at(0));
	CU_ASSERT_STRING_EQUAL(rig_draw(8), "aaaaaaab");
	CU_ASSERT_EQUAL(value(3), 3);
	CU_ASSERT_EQUAL(value(6), 0);
	CU_ASSERT_EQUAL(rig.mm->total_vm, 8);
	CU_ASSERT(IS_ERROR(remap(5, 1, 2, 0, 0), ENOMEM)); /* it is not the end */
	CU_ASSERT_EQUAL(do_munmap(rig.mm, at(7), PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(remap(5, 2, 3, 0, 0), at(5));
	CU_ASSERT_STRING_EQUAL(rig_draw(8), "aaaaaaaa");
	rig_end();
}

static void grows_by_moving(void)
{
	uint32_t addr;

	two_areas();
	write_values(0, 4);
	addr = remap(0, 4, 6, MAY, 0);
	CU_ASSERT_EQUAL(addr, rig.mm->mmap_base - 6 * PAGE_SIZE);
	CU_ASSERT_STRING_EQUAL(rig_draw(8), "....aaaa");
	for (unsigned n = 0; n < 4; n++)
		CU_ASSERT_EQUAL(value((addr - RIG_BASE) / PAGE_SIZE + n), n);
	CU_ASSERT_EQUAL(value((addr - RIG_BASE) / PAGE_SIZE + 5), 0);
	CU_ASSERT_EQUAL(rig.mm->rss[MM_ANONPAGES], 4);
	CU_ASSERT_EQUAL(rig.mm->total_vm, 10);
	rig_end();
}

static void fixed_move_replaces_what_is_there(void)
{
	rig_begin();
	rig_map(0, 6, RW);
	rig_map(20, 8, PROT_READ);
	write_values(0, 6);
	CU_ASSERT_EQUAL(remap(2, 2, 4, FIXED, 22), at(22));
	CU_ASSERT_STRING_EQUAL(rig_draw(28), "aa..bb..............ccddddee");
	CU_ASSERT_EQUAL(value(22), 2);
	CU_ASSERT_EQUAL(value(23), 3);
	CU_ASSERT_EQUAL(value(24), 0);
	CU_ASSERT_EQUAL(value(5), 5);
	CU_ASSERT_EQUAL(remap(22, 4, 1, FIXED, 10), at(10)); /* and smaller */
	CU_ASSERT_STRING_EQUAL(rig_draw(28), "aa..bb....c.........dd....ee");
	CU_ASSERT_EQUAL(value(10), 2);
	rig_end();
}

static void moved_pages_keep_their_place_in_reverse_mapping(void)
{
	rig_begin();
	rig_map(0, 4, RW);
	write_values(0, 4);
	CU_ASSERT_EQUAL(remap(0, 4, 4, FIXED, 8), at(8));
	CU_ASSERT_EQUAL(find_vma(rig.mm, at(8))->vm_pgoff, PFN_DOWN(at(0)));
	rig_map(4, 4, RW); /* its offset does not go on: no merge */
	CU_ASSERT_STRING_EQUAL(rig_draw(12), "....aaaabbbb");
	CU_ASSERT_EQUAL(remap(8, 4, 4, FIXED, 0), at(0)); /* home again */
	CU_ASSERT_STRING_EQUAL(rig_draw(12), "aaaaaaaa....");
	rig_end();
}

/*
 * Without pages the offset is free to change, so that even the rest of the same VMA can merge with
 * it.
 */
static void untouched_memory_merges_at_its_new_place(void)
{
	rig_begin();
	rig_map(0, 6, RW);
	CU_ASSERT_EQUAL(remap(2, 2, 2, FIXED, 6), at(6));
	CU_ASSERT_STRING_EQUAL(rig_draw(8), "aa..bbbb");
	CU_ASSERT_EQUAL(remap(4, 4, 4, FIXED, 2 + 40), at(42));
	CU_ASSERT_EQUAL(remap(42, 4, 4, FIXED, 2), at(2));
	CU_ASSERT_STRING_EQUAL(rig_draw(8), "aaaaaa..");
	CU_ASSERT_EQUAL(rig.mm->map_count, 1);
	rig_end();
}

static void move_of_the_same_size_takes_all_areas_along(void)
{
	two_areas();
	rig_map(10, 2, RW);
	write_values(0, 4);
	write_values(10, 2);
	CU_ASSERT_EQUAL(remap(2, 12, 12, FIXED, 22), at(22));
	CU_ASSERT_STRING_EQUAL(rig_draw(34), "aa....................bbcccc..dd..");
	CU_ASSERT_EQUAL(value(22), 2);
	CU_ASSERT_EQUAL(value(31), 11);
	CU_ASSERT(IS_ERROR(remap(20, 12, 12, FIXED, 40), EFAULT)); /* it begins in a hole */
	CU_ASSERT(IS_ERROR(remap(22, 6, 7, FIXED, 40), EFAULT));   /* another size: one VMA only */
	CU_ASSERT(IS_ERROR(remap(22, 6, 4, FIXED, 40), EFAULT));
	CU_ASSERT_EQUAL(remap(22, 6, 1, FIXED, 40), at(40)); /* what is left lies in one */
	CU_ASSERT_STRING_EQUAL(rig_draw(42), "aa............................bb........c.");
	rig_end();
}

static void old_length_zero_is_a_second_view_of_shared_memory(void)
{
	rig_begin();
	do_mmap_pgoff(rig.mm, NULL, at(0), 4 * PAGE_SIZE, RW,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, 0);
	write_values(0, 4);
	CU_ASSERT(IS_ERROR(remap(0, 0, 4, 0, 0), ENOMEM));
	CU_ASSERT_EQUAL(remap(1, 0, 2, FIXED, 10), at(10));
	CU_ASSERT_STRING_EQUAL(rig_draw(12), "aaaa......bb");
	CU_ASSERT_EQUAL(value(10), 1);
	write_values(11, 1);
	CU_ASSERT_EQUAL(value(2), 11);
	CU_ASSERT_EQUAL(rig.mm->total_vm, 6);
	rig_end();
}

static void dontunmap_leaves_an_empty_area(void)
{
	rig_begin();
	rig_map(0, 4, RW);
	write_values(0, 4);
	CU_ASSERT_EQUAL(do_mlock(rig.mm, at(0), 4 * PAGE_SIZE, true), 0);
	CU_ASSERT_EQUAL(remap(0, 4, 4, KEEP | MREMAP_FIXED, 8), at(8));
	CU_ASSERT_STRING_EQUAL(rig_draw(12), "aaaa....bbbb");
	CU_ASSERT_EQUAL(rig.mm->rss[MM_ANONPAGES], 4);
	CU_ASSERT_EQUAL(rig.mm->locked_vm, 4);
	CU_ASSERT(!(rig.mm->mmap->vm_flags & VM_LOCKED));
	CU_ASSERT_EQUAL(value(8), 0);
	CU_ASSERT_EQUAL(value(11), 3);
	CU_ASSERT_EQUAL(value(1), 0);
	CU_ASSERT_EQUAL(remap(8, 4, 4, KEEP, 20), at(20)); /* a hint */
	rig.mm->rlim_as = 13 * PAGE_SIZE;
	CU_ASSERT(IS_ERROR(remap(20, 4, 4, KEEP, 40), ENOMEM));
	rig_end();
}

static void growth_is_limited(void)
{
	rig_begin();
	rig_map(0, 4, RW);
	rig.mm->rlim_as = 5 * PAGE_SIZE;
	CU_ASSERT(IS_ERROR(remap(0, 4, 6, MAY, 0), ENOMEM));
	CU_ASSERT_EQUAL(remap(0, 4, 5, MAY, 0), at(0));
	rig.mm->rlim_as = UINT32_MAX;
	rig.mm->rlim_memlock = 5 * PAGE_SIZE;
	CU_ASSERT_EQUAL(do_mlock(rig.mm, at(0), 5 * PAGE_SIZE, true), 0);
	CU_ASSERT(IS_ERROR(remap(0, 5, 6, MAY, 0), EAGAIN));
	rig.mm->rlim_memlock = UINT32_MAX;
	CU_ASSERT_EQUAL(remap(0, 5, 6, MAY, 0), at(0));
	CU_ASSERT_EQUAL(rig.mm->rss[MM_ANONPAGES], 6); /* locked memory is there at once */
	CU_ASSERT(IS_ERROR(do_mremap(rig.mm, at(0), 6 * PAGE_SIZE, 65 * MIB, MAY, 0), ENOMEM));
	rig_end();
}

/* There and back: the tables of the new place, the VMA, its neighbours. */
static int move_far_away(void)
{
	vaddr_t away = RIG_BASE + 64 * MIB + 3 * PAGE_SIZE;
	uint32_t addr = do_mremap(rig.mm, at(1), 3 * PAGE_SIZE, 5 * PAGE_SIZE, FIXED, away);

	if (IS_ERR_VALUE(addr))
		return (int)addr;
	mm_host.fail_at = 0;
	CU_ASSERT_EQUAL(do_mremap(rig.mm, away, 3 * PAGE_SIZE, 3 * PAGE_SIZE, FIXED, at(1)), at(1));
	CU_ASSERT_EQUAL(do_munmap(rig.mm, away, 8 * PAGE_SIZE), 0);
	return 0;
}

static void failed_move_leaves_everything_in_its_place(void)
{
	rig_begin();
	rig_map(0, 6, RW);
	write_values(0, 6);
	rig_fail_each(move_far_away);
	for (unsigned n = 0; n < 6; n++)
		CU_ASSERT_EQUAL(value(n), n);
	rig_end();
}

static const struct unit_test tests[] = {
	UNIT_TEST(errors_of_the_arguments),
	UNIT_TEST(shrinking_only_unmaps),
	UNIT_TEST(grows_in_place_where_nothing_is_behind),
	UNIT_TEST(grows_by_moving),
	UNIT_TEST(fixed_move_replaces_what_is_there),
	UNIT_TEST(moved_pages_keep_their_place_in_reverse_mapping),
	UNIT_TEST(untouched_memory_merges_at_its_new_place),
	UNIT_TEST(move_of_the_same_size_takes_all_areas_along),
	UNIT_TEST(old_length_zero_is_a_second_view_of_shared_memory),
	UNIT_TEST(dontunmap_leaves_an_empty_area),
	UNIT_TEST(growth_is_limited),
	UNIT_TEST(failed_move_leaves_everything_in_its_place),
	UNIT_END,
};

const struct unit_suite suite_mremap = { "mremap", tests };
