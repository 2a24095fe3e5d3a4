// SPDX-License-Identifier: MIT
/* Merge and split of VMAs; the drawings are those of mm/vma.c. */
#include <string.h>

#include "mm/errno.h"
#include "mm/vma.h"
#include "unit.h"
#include "vma_rig.h"

/* --- the eight cases -------------------------------------------------------------------------- */

/* P and N of four pages, with a hole of four between: rights are those of A, or others. */
static void neighbours(uint32_t p, uint32_t n)
{
	rig_begin();
	rig_map(0, 4, p);
	rig_map(8, 4, n);
}

static void protect(unsigned page, unsigned pages, uint32_t prot)
{
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(page), pages * PAGE_SIZE, prot), 0);
}

/*
 *      ....AAAA....
 *   1  PPPP    NNNN
 *      PPPPPPPPPPPP
 */
static void case_1_fills_the_hole_between_two(void)
{
	neighbours(RW, RW);
	CU_ASSERT_STRING_EQUAL(rig_draw(12), "aaaa....bbbb");
	rig_map(4, 4, RW);
	CU_ASSERT_STRING_EQUAL(rig_draw(12), "aaaaaaaaaaaa");
	CU_ASSERT_EQUAL(rig.mm->map_count, 1);
	rig_end();
}

/*
 *      ....AAAA....
 *   2  PPPP    NNNN
 *      PPPPPPPPNNNN
 */
static void case_2_extends_the_one_below(void)
{
	neighbours(RW, PROT_READ);
	rig_map(4, 4, RW);
	CU_ASSERT_STRING_EQUAL(rig_draw(12), "aaaaaaaabbbb");
	rig_end();
}

/*
 *      ....AAAA....
 *   3  PPPP    NNNN
 *      PPPPNNNNNNNN
 */
static void case_3_extends_the_one_above(void)
{
	neighbours(PROT_READ, RW);
	rig_map(4, 4, RW);
	CU_ASSERT_STRING_EQUAL(rig_draw(12), "aaaabbbbbbbb");
	CU_ASSERT_EQUAL(find_vma(rig.mm, at(4))->vm_pgoff, PFN_DOWN(at(4)));
	rig_end();
}

/*
 *          AAAA
 *   4  PPPPPPPPNNNN
 *      PPPPNNNNNNNN
 */
static void case_4_gives_the_end_of_one_to_the_next(void)
{
	rig_begin();
	rig_map(0, 12, RW);
	protect(8, 4, PROT_READ);
	protect(4, 4, PROT_READ);
	CU_ASSERT_STRING_EQUAL(rig_draw(12), "aaaabbbbbbbb");
	CU_ASSERT(find_vma(rig.mm, at(3))->vm_flags & VM_WRITE);
	CU_ASSERT(!(find_vma(rig.mm, at(4))->vm_flags & VM_WRITE));
	rig_end();
}

/*
 *          AAAA
 *   5  PPPPNNNNNNNN
 *      PPPPPPPPNNNN
 */
static void case_5_gives_the_start_of_one_to_the_one_before(void)
{
	rig_begin();
	rig_map(0, 4, RW);
	rig_map(4, 8, PROT_READ);
	protect(4, 4, RW);
	CU_ASSERT_STRING_EQUAL(rig_draw(12), "aaaaaaaabbbb");
	CU_ASSERT_EQUAL(find_vma(rig.mm, at(8))->vm_pgoff, PFN_DOWN(at(8)));
	rig_end();
}

/* P, N, X of four pages each; N gets the rights of A. */
static void whole_area(uint32_t p, uint32_t x, const char *expected)
{
	rig_begin();
	rig_map(0, 4, p);
	rig_map(4, 4, PROT_NONE);
	rig_map(8, 4, x);
	CU_ASSERT_STRING_EQUAL(rig_draw(12), "aaaabbbbcccc");
	protect(4, 4, RW);
	CU_ASSERT_STRING_EQUAL(rig_draw(12), expected);
	rig_end();
}

/*
 *          AAAA                AAAA                AAAA
 *   6  PPPPNNNNXXXX     7  PPPPNNNNXXXX     8  PPPPNNNNXXXX
 *      PPPPPPPPPPPP        PPPPPPPPXXXX        PPPPXXXXXXXX
 */
static void case_6_makes_three_one(void)
{
	whole_area(RW, RW, "aaaaaaaaaaaa");
}

static void case_7_takes_the_whole_of_the_next(void)
{
	whole_area(RW, PROT_READ, "aaaaaaaabbbb");
}

static void case_8_takes_the_whole_of_the_one_before(void)
{
	whole_area(PROT_READ, RW, "aaaabbbbbbbb");
}

static void between_strangers_stays_alone(void)
{
	whole_area(PROT_READ, PROT_READ, "aaaabbbbcccc");
}

/* --- what keeps neighbours apart -------------------------------------------------------------- */

static void other_flags_do_not_merge(void)
{
	rig_begin();
	rig_map(0, 2, RW);
	do_mmap_pgoff(rig.mm, NULL, at(2), 2 * PAGE_SIZE, RW, MAP_ANON_FIXED | MAP_NORESERVE, 0);
	rig_map(4, 2, RW | PROT_EXEC);
	do_mmap_pgoff(rig.mm, NULL, at(6), 2 * PAGE_SIZE, RW | PROT_EXEC,
		      MAP_ANON_FIXED | MAP_GROWSDOWN, 0);
	CU_ASSERT_STRING_EQUAL(rig_draw(8), "aabbccdd");
	rig_end();
}

static void files_merge_where_their_pages_go_on(void)
{
	struct file *f, *g;

	rig_begin();
	f = rig_file(16, FMODE_READ);
	g = rig_file(16, FMODE_READ);
	for (unsigned n = 0; n < 4; n++) /* pages 3..6 of f, then 0..1 of g, then 6..7 of f */
		do_mmap_pgoff(rig.mm, f, at(n), PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED,
			      3 + n);
	CU_ASSERT_STRING_EQUAL(rig_draw(4), "aaaa");
	CU_ASSERT_EQUAL(f->f_count, 2);
	do_mmap_pgoff(rig.mm, g, at(4), 2 * PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, 7);
	do_mmap_pgoff(rig.mm, f, at(6), 2 * PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, 6);
	do_mmap_pgoff(rig.mm, f, at(8), 2 * PAGE_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, 8);
	CU_ASSERT_STRING_EQUAL(rig_draw(10), "aaaabbccdd");
	fput(f);
	fput(g);
	rig_end();
}

static void shared_anonymous_areas_never_merge(void)
{
	rig_begin();
	for (unsigned n = 0; n < 3; n++)
		do_mmap_pgoff(rig.mm, NULL, at(n), PAGE_SIZE, RW,
			      MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, 0);
	CU_ASSERT_STRING_EQUAL(rig_draw(3), "abc");
	rig_end();
}

/* Each has pages of its own before they meet; what lies between is not mapped until then. */
static void two_anon_vmas_do_not_merge(void)
{
	neighbours(RW, RW);
	rig_touch(0, 1);
	rig_touch(8, 1);
	rig_map(4, 4, RW);
	CU_ASSERT_STRING_EQUAL(rig_draw(12), "aaaaaaaabbbb");
	CU_ASSERT(find_vma(rig.mm, at(0))->anon_vma != find_vma(rig.mm, at(8))->anon_vma);
	rig_end();
}

/* The pages move to a VMA that had none, and are still found by reverse mapping. */
static void pages_keep_their_anon_vma_when_the_area_changes(void)
{
	rig_begin();
	/* Not charged, or the touched part would be another kind of memory. */
	do_mmap_pgoff(rig.mm, NULL, at(0), 12 * PAGE_SIZE, RW, MAP_ANON_FIXED | MAP_NORESERVE, 0);
	protect(8, 4, PROT_READ);
	rig_touch(0, 8);
	CU_ASSERT_PTR_NULL(find_vma(rig.mm, at(8))->anon_vma);
	protect(4, 4, PROT_READ);
	CU_ASSERT_STRING_EQUAL(rig_draw(12), "aaaabbbbbbbb");
	CU_ASSERT_PTR_EQUAL(find_vma(rig.mm, at(8))->anon_vma, find_vma(rig.mm, at(0))->anon_vma);
	CU_ASSERT_EQUAL(mm_check_all(), 0);
	CU_ASSERT_EQUAL(do_munmap(rig.mm, at(0), 4 * PAGE_SIZE), 0);
	protect(4, 8, RW);
	CU_ASSERT_STRING_EQUAL(rig_draw(12), "....aaaaaaaa");
	CU_ASSERT_EQUAL(rig.mm->rss[MM_ANONPAGES], 4);
	rig_end();
}

/* --- split ------------------------------------------------------------------------------------ */

static void split_keeps_offsets_and_files(void)
{
	struct file *f;

	rig_begin();
	f = rig_file(16, FMODE_READ);
	do_mmap_pgoff(rig.mm, f, at(0), 12 * PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, 2);
	CU_ASSERT_EQUAL(do_munmap(rig.mm, at(4), 4 * PAGE_SIZE), 0);
	CU_ASSERT_STRING_EQUAL(rig_draw(12), "aaaa....bbbb");
	CU_ASSERT_EQUAL(find_vma(rig.mm, at(0))->vm_pgoff, 2);
	CU_ASSERT_EQUAL(find_vma(rig.mm, at(8))->vm_pgoff, 10);
	CU_ASSERT_EQUAL(f->f_count, 3);
	protect(9, 1, PROT_NONE);
	CU_ASSERT_STRING_EQUAL(rig_draw(12), "aaaa....bcdd");
	CU_ASSERT_EQUAL(find_vma(rig.mm, at(10))->vm_pgoff, 12);
	protect(9, 1, PROT_READ);
	CU_ASSERT_STRING_EQUAL(rig_draw(12), "aaaa....bbbb");
	CU_ASSERT_EQUAL(f->f_count, 3);
	fput(f);
	rig_end();
}

/* An area of more than 2 GiB: distances in it do not fit 31 bits. */
static void huge_area_is_cut_and_mended(void)
{
	const vaddr_t start = 0x10000000, end = 0xb0000000, cut = 0xa0000000;
	struct vm_area_struct *vma;

	rig_begin();
	CU_ASSERT_EQUAL(do_mmap_pgoff(rig.mm, NULL, start, end - start, PROT_NONE,
				      MAP_ANON_FIXED | MAP_NORESERVE, 0),
			start);
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, cut, PAGE_SIZE, PROT_READ), 0);
	CU_ASSERT_EQUAL(rig.mm->map_count, 3);
	vma = find_vma(rig.mm, cut + PAGE_SIZE);
	CU_ASSERT_EQUAL(vma->vm_pgoff, PFN_DOWN(cut + PAGE_SIZE));
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, cut, PAGE_SIZE, PROT_NONE), 0);
	CU_ASSERT_EQUAL(rig.mm->map_count, 1);
	CU_ASSERT_EQUAL(rig.mm->mmap->vm_pgoff, PFN_DOWN(start));
	rig_end();
}

/* --- finding ---------------------------------------------------------------------------------- */

static void find_vma_gives_the_first_that_ends_above(void)
{
	struct vm_area_struct *a, *b, *prev;

	neighbours(RW, RW);
	a = rig.mm->mmap;
	b = a->vm_next;
	for (unsigned again = 0; again < 2; again++) { /* with the cache cold and warm */
		CU_ASSERT_PTR_EQUAL(find_vma(rig.mm, 0), a);
		CU_ASSERT_PTR_EQUAL(find_vma(rig.mm, at(0)), a);
		CU_ASSERT_PTR_EQUAL(find_vma(rig.mm, at(4) - 1), a);
		CU_ASSERT_PTR_EQUAL(find_vma(rig.mm, at(4)), b);
		CU_ASSERT_PTR_EQUAL(find_vma(rig.mm, at(12) - 1), b);
		CU_ASSERT_PTR_NULL(find_vma(rig.mm, at(12)));
	}
	CU_ASSERT_PTR_NULL(find_vma_intersection(rig.mm, at(4), at(8)));
	CU_ASSERT_PTR_EQUAL(find_vma_intersection(rig.mm, at(4), at(8) + 1), b);
	CU_ASSERT_PTR_EQUAL(find_vma_prev(rig.mm, at(4), &prev), b);
	CU_ASSERT_PTR_EQUAL(prev, a);
	CU_ASSERT_PTR_NULL(find_vma_prev(rig.mm, at(12), &prev));
	CU_ASSERT_PTR_EQUAL(prev, b);
	CU_ASSERT_PTR_EQUAL(find_vma_prev(rig.mm, at(1), &prev), a);
	CU_ASSERT_PTR_NULL(prev);
	rig_end();
}

/* --- the checker ------------------------------------------------------------------------------ */

static void expect_caught(void)
{
	CU_ASSERT(mm_check(rig.mm) > 0);
}

static void checker_sees_each_broken_rule(void)
{
	struct vm_area_struct *a, *b;

	neighbours(RW, RW);
	a = rig.mm->mmap;
	b = a->vm_next;
	CU_ASSERT_EQUAL(mm_check(rig.mm), 0);
	rig.mm->map_count++, expect_caught(), rig.mm->map_count--;
	rig.mm->total_vm++, expect_caught(), rig.mm->total_vm--;
	rig.mm->data_vm--, expect_caught(), rig.mm->data_vm++;
	rig.mm->locked_vm++, expect_caught(), rig.mm->locked_vm--;
	a->vm_end += PAGE_SIZE / 2, expect_caught(), a->vm_end -= PAGE_SIZE / 2;
	a->vm_end = b->vm_start + PAGE_SIZE, expect_caught(), a->vm_end = at(4);
	a->vm_flags &= ~VM_MAYWRITE, expect_caught(), a->vm_flags |= VM_MAYWRITE;
	a->vm_page_prot ^= _PAGE_USER, expect_caught(), a->vm_page_prot ^= _PAGE_USER;
	a->vm_next = NULL, expect_caught(), a->vm_next = b;
	b->vm_prev = NULL, expect_caught(), b->vm_prev = a;
	mm_check(rig.mm); /* the check itself brings the tree's summaries up to date */
	CU_ASSERT_EQUAL(mm_check(rig.mm), 0);
	a->subtree_gap++, expect_caught();
	b->gap++, expect_caught(), b->gap--;
	mm_check(rig.mm);
	CU_ASSERT_EQUAL(mm_check(rig.mm), 0);
	rig_end();
}

static const struct unit_test tests[] = {
	UNIT_TEST(case_1_fills_the_hole_between_two),
	UNIT_TEST(case_2_extends_the_one_below),
	UNIT_TEST(case_3_extends_the_one_above),
	UNIT_TEST(case_4_gives_the_end_of_one_to_the_next),
	UNIT_TEST(case_5_gives_the_start_of_one_to_the_one_before),
	UNIT_TEST(case_6_makes_three_one),
	UNIT_TEST(case_7_takes_the_whole_of_the_next),
	UNIT_TEST(case_8_takes_the_whole_of_the_one_before),
	UNIT_TEST(between_strangers_stays_alone),
	UNIT_TEST(other_flags_do_not_merge),
	UNIT_TEST(files_merge_where_their_pages_go_on),
	UNIT_TEST(shared_anonymous_areas_never_merge),
	UNIT_TEST(two_anon_vmas_do_not_merge),
	UNIT_TEST(pages_keep_their_anon_vma_when_the_area_changes),
	UNIT_TEST(split_keeps_offsets_and_files),
	UNIT_TEST(huge_area_is_cut_and_mended),
	UNIT_TEST(find_vma_gives_the_first_that_ends_above),
	UNIT_TEST(checker_sees_each_broken_rule),
	UNIT_END,
};

const struct unit_suite suite_vma = { "vma", tests };
