// SPDX-License-Identifier: MIT
/*
 * Reverse mapping: from a page to its entries, through splits, forks and moves. Linux 2.6.32,
 * rmap.c.
 */
#include "fault_rig.h"

#define BORDER (VA + 4 * PAGE_SIZE)

static void all_entries_of_an_anonymous_page_are_found(void)
{
	struct mm_struct *mm = fault_begin(), *child, *grandchild;
	struct page *page;

	map(mm, VA, 8, RW, PRIVATE);
	put(VA + 3 * PAGE_SIZE, 1);
	page = page_at(mm, VA + 3 * PAGE_SIZE);
	CU_ASSERT_EQUAL(page_count_ptes(page), 1);
	child = dup_mm(mm);
	grandchild = dup_mm(child);
	CU_ASSERT_EQUAL(page_count_ptes(page), 3);
	CU_ASSERT_PTR_EQUAL(find_vma(grandchild, VA)->anon_vma, find_vma(mm, VA)->anon_vma);
	/* A copy is of the same anon_vma, and not the page. */
	put_in(child, VA + 3 * PAGE_SIZE, 2);
	CU_ASSERT_EQUAL(page_count_ptes(page), 2);
	CU_ASSERT_EQUAL(page_count_ptes(page_at(child, VA + 3 * PAGE_SIZE)), 1);
	mmput(child); /* the one between goes */
	CU_ASSERT_EQUAL(page_count_ptes(page), 2);
	mmput(grandchild);
	CU_ASSERT_EQUAL(page_count_ptes(page), 1);
	fault_end(mm);
}

static void all_entries_of_a_page_of_a_file_are_found(void)
{
	struct mm_struct *mm = fault_begin(), *child;
	struct test_file f;
	struct page *page;

	test_file_init(&f, 4 * PAGE_SIZE);
	map_file(mm, &f, VA, 4, PROT_READ, MAP_PRIVATE);
	map_file(mm, &f, 2 * VA, 4, RW, MAP_SHARED);
	get(VA + PAGE_SIZE);
	page = page_at(mm, VA + PAGE_SIZE);
	CU_ASSERT_EQUAL(page_count_ptes(page), 1); /* the second could show it, and does not */
	get(2 * VA + PAGE_SIZE);
	child = dup_mm(mm);
	get_in(child, VA + PAGE_SIZE);
	CU_ASSERT_EQUAL(page_count_ptes(page), 3);
	CU_ASSERT_EQUAL(page->mapcount, 3);
	mmput(child);
	exit_mmap(mm);
	CU_ASSERT_EQUAL(page_count_ptes(page), 0);
	truncate_inode_pages(&f.mapping);
	fault_end(mm);
}

static void pages_are_found_in_the_parts_of_a_split_vma(void)
{
	struct mm_struct *mm = fault_begin();

	map(mm, VA, 8, RW, PRIVATE);
	for (uint32_t n = 0; n < 8; n++)
		put(VA + n * PAGE_SIZE, n);
	do_munmap(mm, BORDER, PAGE_SIZE);
	CU_ASSERT_EQUAL(mm->map_count, 2);
	for (uint32_t n = 0; n < 8; n++)
		if (n != 4)
			CU_ASSERT_EQUAL(page_count_ptes(page_at(mm, VA + n * PAGE_SIZE)), 1);
	CU_ASSERT_EQUAL(page_address_in_vma(page_at(mm, VA + PAGE_SIZE), find_vma(mm, VA)),
			VA + PAGE_SIZE);
	CU_ASSERT_EQUAL(page_address_in_vma(page_at(mm, VA + PAGE_SIZE), find_vma(mm, BORDER)),
			(vaddr_t)-EFAULT);
	CU_ASSERT_EQUAL(fault_check(), 0);
	fault_end(mm);
}

static void accessed_bits_are_read_cleared_and_flushed(void)
{
	struct mm_struct *mm = fault_begin(), *child;

	map(mm, VA, 1, RW, PRIVATE);
	put(VA, 1);
	child = dup_mm(mm);
	get(VA);
	CU_ASSERT_EQUAL(page_referenced(page_at(mm, VA)), 1); /* the child has not read it yet */
	CU_ASSERT_EQUAL(page_referenced(page_at(mm, VA)), 0);
	get(VA); /* sets the bit again, as the entry was flushed */
	get_in(child, VA);
	CU_ASSERT_EQUAL(page_referenced(page_at(mm, VA)), 2);
	mmput(child);
	fault_end(mm);
}

static void neighbours_that_could_merge_share_their_anon_vma(void)
{
	struct mm_struct *mm = fault_begin();

	map(mm, VA, 4, RW, PRIVATE | MAP_NORESERVE);
	map(mm, BORDER, 4, PROT_READ, PRIVATE | MAP_NORESERVE); /* mprotect() could join them */
	map(mm, VA - PAGE_SIZE, 1, RW, PRIVATE);
	map(mm, 2 * VA, 4, RW, PRIVATE);
	put(VA, 1);
	CU_ASSERT_EQUAL(anon_vma_prepare(find_vma(mm, BORDER)), 0);
	CU_ASSERT_PTR_EQUAL(find_vma(mm, BORDER)->anon_vma, find_vma(mm, VA)->anon_vma);
	put(VA - PAGE_SIZE, 1); /* other flags */
	put(2 * VA, 1);
	CU_ASSERT_PTR_NOT_EQUAL(find_vma(mm, VA - PAGE_SIZE)->anon_vma, find_vma(mm, VA)->anon_vma);
	CU_ASSERT_PTR_NOT_EQUAL(find_vma(mm, 2 * VA)->anon_vma, find_vma(mm, VA)->anon_vma);
	fault_end(mm);
}

static void lower_neighbour_takes_the_upper_ones_anon_vma(void)
{
	struct mm_struct *mm = fault_begin();

	map(mm, VA, 4, PROT_READ, PRIVATE | MAP_NORESERVE);
	map(mm, BORDER, 4, RW, PRIVATE | MAP_NORESERVE);
	put(BORDER, 1);
	CU_ASSERT_EQUAL(anon_vma_prepare(find_vma(mm, VA)), 0);
	CU_ASSERT_PTR_EQUAL(find_vma(mm, VA)->anon_vma, find_vma(mm, BORDER)->anon_vma);
	fault_end(mm);
}

static void page_that_outlives_its_spaces_is_not_walked(void)
{
	struct mm_struct *mm = fault_begin();
	struct page *page;

	map(mm, VA, 1, RW, PRIVATE);
	put(VA, 1);
	page = page_at(mm, VA);
	get_page(page);
	do_munmap(mm, VA, PAGE_SIZE); /* frees the anon_vma */
	CU_ASSERT_EQUAL(page->mapcount, 0);
	CU_ASSERT_EQUAL(page_count_ptes(page), 0);
	CU_ASSERT_EQUAL(page->state, PAGE_ANON);
	put_page(page);
	CU_ASSERT_NOT_EQUAL(page->state, PAGE_ANON);
	CU_ASSERT_PTR_NULL(page->mapping);
	fault_end(mm);
}

static void unmapping_what_is_not_mapped_is_told(void)
{
	struct mm_struct *mm = fault_begin();
	struct page *page = alloc_page(GFP_KERNEL);

	page_remove_rmap(page);
	CU_ASSERT(mm_host_logged("unmapped more often than mapped"));
	CU_ASSERT_EQUAL(page->mapcount, 0);
	__free_pages(page, 0);
	fault_end(mm);
}

/* --- the checker finds what it is for --------------------------------------------------------- */

/* Break one thing, expect violations that say so, put it back. */
#define FINDS(breakage, mending, text)                                                             \
	do {                                                                                       \
		mm_host_log_clear();                                                               \
		breakage;                                                                          \
		CU_ASSERT(mm_check_ptes(mm) + mm_check_rmap() > 0);                                \
		CU_ASSERT(mm_host_logged(text));                                                   \
		mending;                                                                           \
		CU_ASSERT_EQUAL(mm_check_ptes(mm) + mm_check_rmap(), 0);                           \
	} while (0)

static void checker_names_each_broken_invariant(void)
{
	struct mm_struct *mm = fault_begin(), *child;
	struct page *page;
	pte_t *pte, old;

	map(mm, VA, 2, RW, PRIVATE);
	map(mm, VA + 4 * PAGE_SIZE, 1, PROT_READ, PRIVATE);
	put(VA, 1);
	get(VA + 4 * PAGE_SIZE);
	page = page_at(mm, VA);
	pte = lookup_user_pte(mm, VA);
	old = *pte;
	FINDS(mm->rss[MM_ANONPAGES]++, mm->rss[MM_ANONPAGES]--, "rss of anonymous");
	FINDS(mm->nr_ptes++, mm->nr_ptes--, "nr_ptes is 2");
	FINDS(page->mapcount++, page->mapcount--, "mapcount is 1 more");
	FINDS(pte[3] = old, pte[3] = 0, "lies in no VMA");
	FINDS(*pte &= ~_PAGE_USER, *pte = old, "is not the user's");
	FINDS(pte[4] |= _PAGE_RW, pte[4] &= ~_PAGE_RW, "the zero page is writable");
	FINDS(*pte = old & ~_PAGE_PRESENT, *pte = old, "none that user space has");
	FINDS(page->index++, page->index--, "reverse mapping finds");
	FINDS(mm->pgd[2] = 0x1003, mm->pgd[2] = 0, "no page table");
	page_zone(page)->stat[NR_ANON_PAGES]++;
	CU_ASSERT_EQUAL(mm_check_rmap(), 1);
	page_zone(page)->stat[NR_ANON_PAGES]--;
	page->mapcount = 2;
	CU_ASSERT_EQUAL(page_alloc_check(), 1); /* more entries than references */
	page->mapcount = 1;
	child = dup_mm(mm);
	FINDS(*pte |= _PAGE_RW, *pte &= ~_PAGE_RW, "private and writable");
	mmput(child);
	fault_end(mm);
}

static const struct unit_test tests[] = {
	UNIT_TEST(all_entries_of_an_anonymous_page_are_found),
	UNIT_TEST(all_entries_of_a_page_of_a_file_are_found),
	UNIT_TEST(pages_are_found_in_the_parts_of_a_split_vma),
	UNIT_TEST(accessed_bits_are_read_cleared_and_flushed),
	UNIT_TEST(neighbours_that_could_merge_share_their_anon_vma),
	UNIT_TEST(lower_neighbour_takes_the_upper_ones_anon_vma),
	UNIT_TEST(page_that_outlives_its_spaces_is_not_walked),
	UNIT_TEST(unmapping_what_is_not_mapped_is_told),
	UNIT_TEST(checker_names_each_broken_invariant),
	UNIT_END,
};

const struct unit_suite suite_rmap = { "rmap", tests };
