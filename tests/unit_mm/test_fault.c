// SPDX-License-Identifier: MIT
/*
 * The ladder: what each kind of access to each kind of memory ends in. Rules: Linux 2.6.32,
 * fault.c.
 */
#include "fault_rig.h"

#define U_READ FAULT_USER
#define U_WRITE (FAULT_USER | FAULT_WRITE)

/* --- anonymous -------------------------------------------------------------------------------- */

static void read_of_fresh_memory_sees_the_zero_page(void)
{
	struct mm_struct *mm = fault_begin();

	map(mm, VA, 2, RW, PRIVATE);
	CU_ASSERT_EQUAL(get(VA + 8), 0);
	CU_ASSERT_EQUAL(mm_host.fault_error, U_READ);
	CU_ASSERT_EQUAL(pte_pfn(pte_at(mm, VA)), mm_zero_pfn());
	CU_ASSERT_FALSE(pte_write(pte_at(mm, VA)));
	CU_ASSERT_EQUAL(pfn_to_page(mm_zero_pfn())->mapcount, 0);
	CU_ASSERT_EQUAL(mm->rss[MM_ANONPAGES], 0);
	CU_ASSERT_EQUAL(mm->min_flt, 1);
	CU_ASSERT_EQUAL(mm->nr_ptes, 1);
	CU_ASSERT_EQUAL(get(VA + PAGE_SIZE), 0); /* and so does the next page */
	CU_ASSERT_EQUAL(pte_pfn(pte_at(mm, VA + PAGE_SIZE)), mm_zero_pfn());
	fault_end(mm);
}

static void write_of_fresh_memory_gets_a_zeroed_page_of_highmem(void)
{
	struct mm_struct *mm = fault_begin();
	struct page *page;

	map(mm, VA, 1, RW, PRIVATE);
	put(VA + 4, 7);
	CU_ASSERT_EQUAL(mm_host.fault_error, U_WRITE);
	page = page_at(mm, VA);
	CU_ASSERT_PTR_NOT_NULL_FATAL(page);
	CU_ASSERT(page_is_highmem(page));
	CU_ASSERT_EQUAL(page->state, PAGE_ANON);
	CU_ASSERT(page->count == 1 && page->mapcount == 1);
	CU_ASSERT_EQUAL(pte_at(mm, VA) & ~PAGE_MASK, PAGE_SHARED | _PAGE_DIRTY);
	CU_ASSERT(get(VA) == 0 && get(VA + 4) == 7 && get(VA + PAGE_SIZE - 4) == 0);
	CU_ASSERT_EQUAL(mm->rss[MM_ANONPAGES], 1);
	CU_ASSERT_EQUAL(mm_host.user_faults, 1);
	fault_end(mm);
}

/* Memory that another has used, by a first write and by a write after a read. */
static void fresh_memory_holds_nothing_of_its_last_owner(void)
{
	static uint32_t words[PAGE_SIZE / 4];
	struct mm_struct *mm = fault_begin();

	map(mm, VA, 2, RW, PRIVATE);
	memset(words, 0xa5, sizeof(words));
	mm_host_user_write(VA, words, sizeof(words));
	mm_host_user_write(VA + PAGE_SIZE, words, sizeof(words));
	do_munmap(mm, VA, 2 * PAGE_SIZE); /* hot: these are the next to be given out */
	map(mm, VA, 2, RW, PRIVATE);
	put(VA, 1);
	get(VA + PAGE_SIZE);
	put(VA + PAGE_SIZE, 1);
	for (uint32_t at = 4; at < PAGE_SIZE; at += 4)
		CU_ASSERT(get(VA + at) == 0 && get(VA + PAGE_SIZE + at) == 0);
	fault_end(mm);
}

static void write_after_read_takes_the_place_of_the_zero_page(void)
{
	struct mm_struct *mm = fault_begin();

	map(mm, VA, 1, RW, PRIVATE);
	CU_ASSERT_EQUAL(get(VA), 0);
	put(VA, 5);
	CU_ASSERT_EQUAL(mm_host.fault_error, U_WRITE | FAULT_PROT);
	CU_ASSERT_EQUAL(get(VA), 5); /* the zero page's translation is gone */
	CU_ASSERT_NOT_EQUAL(pte_pfn(pte_at(mm, VA)), mm_zero_pfn());
	CU_ASSERT_EQUAL(mm->rss[MM_ANONPAGES], 1);
	map(mm, VA + PAGE_SIZE, 1, RW, PRIVATE);
	CU_ASSERT_EQUAL(get(VA + PAGE_SIZE), 0); /* nobody wrote to it */
	fault_end(mm);
}

static void shared_memory_is_seen_by_all_of_its_mappings(void)
{
	struct mm_struct *mm = fault_begin(), *child;

	map(mm, VA, 2, RW, SHARED);
	put(VA, 1);
	child = dup_mm(mm);
	CU_ASSERT_PTR_NOT_NULL_FATAL(child);
	put_in(child, VA + PAGE_SIZE, 2);
	put_in(child, VA, 3);
	CU_ASSERT(get(VA) == 3 && get(VA + PAGE_SIZE) == 2);
	CU_ASSERT_EQUAL(mm->rss[MM_FILEPAGES], 2);
	CU_ASSERT_EQUAL(page_at(mm, VA)->mapcount, 2);
	CU_ASSERT_EQUAL(fault_check(), 0);
	mmput(child);
	CU_ASSERT_EQUAL(page_at(mm, VA)->mapcount, 1);
	fault_end(mm);
	CU_ASSERT_EQUAL(nr_file_pages(), 0);
}

/* --- refused ---------------------------------------------------------------------------------- */

static void what_is_not_mapped_is_maperr(void)
{
	struct mm_struct *mm = fault_begin();
	uint32_t value = 1;

	map(mm, VA, 1, RW, PRIVATE);
	CU_ASSERT_EQUAL(try_get(VA - 1), FAULT_SEGV_MAPERR);
	CU_ASSERT_EQUAL(try_put(VA + PAGE_SIZE), FAULT_SEGV_MAPERR);
	CU_ASSERT_EQUAL(try_get(0), FAULT_SEGV_MAPERR);
	CU_ASSERT_EQUAL(try_get(TASK_SIZE - 4), FAULT_SEGV_MAPERR);
	CU_ASSERT_EQUAL(mm->min_flt + mm->maj_flt, 0);
	/* the kernel's copy ends where the mapping does */
	CU_ASSERT_EQUAL(mm_host_copy_to_user(VA + PAGE_SIZE - 1, &value, 4), 3);
	CU_ASSERT_EQUAL(mm_host_copy_from_user(&value, VA + PAGE_SIZE, 4), 4);
	fault_end(mm);
}

static void write_to_read_only_memory_is_accerr(void)
{
	struct mm_struct *mm = fault_begin();
	uint32_t value = 1;

	map(mm, VA, 1, PROT_READ, PRIVATE);
	CU_ASSERT_EQUAL(try_put(VA), FAULT_SEGV_ACCERR); /* not present */
	CU_ASSERT_EQUAL(get(VA), 0);
	CU_ASSERT_EQUAL(try_put(VA), FAULT_SEGV_ACCERR); /* present */
	CU_ASSERT_EQUAL(mm_host_copy_to_user(VA, &value, 4), 4);
	CU_ASSERT_EQUAL(get(VA), 0);
	fault_end(mm);
}

/* No entry of ours gives the CPU such a reason: it would be a right that user pages do not have. */
static void read_of_a_present_page_that_faults_is_accerr(void)
{
	struct mm_struct *mm = fault_begin();

	map(mm, VA, 1, RW, PRIVATE);
	put(VA, 1);
	CU_ASSERT_EQUAL(do_user_fault(mm, VA, FAULT_PROT | FAULT_USER, 0), FAULT_SEGV_ACCERR);
	fault_end(mm);
}

static void memory_without_rights_is_accerr(void)
{
	struct mm_struct *mm = fault_begin();

	map(mm, VA, 1, PROT_NONE, PRIVATE);
	CU_ASSERT_EQUAL(try_get(VA), FAULT_SEGV_ACCERR);
	CU_ASSERT_EQUAL(try_put(VA), FAULT_SEGV_ACCERR);
	/* i386 cannot tell them apart: each right is the right to read */
	map(mm, VA + PAGE_SIZE, 1, PROT_EXEC, PRIVATE);
	map(mm, VA + 2 * PAGE_SIZE, 1, PROT_WRITE, PRIVATE);
	CU_ASSERT_EQUAL(get(VA + PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(get(VA + 2 * PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(try_put(VA + PAGE_SIZE), FAULT_SEGV_ACCERR);
	put(VA + 2 * PAGE_SIZE, 1);
	fault_end(mm);
}

static void protect(struct mm_struct *mm, vaddr_t addr, uint32_t pages, uint32_t prot)
{
	CU_ASSERT_EQUAL(do_mprotect(mm, addr, pages << PAGE_SHIFT, prot), 0);
}

static void pages_outlive_the_loss_of_all_rights(void)
{
	struct mm_struct *mm = fault_begin();
	struct page *page;

	map(mm, VA, 2, RW, PRIVATE);
	put(VA, 42);
	page = page_at(mm, VA);
	protect(mm, VA, 2, PROT_NONE);
	CU_ASSERT_EQUAL(try_get(VA), FAULT_SEGV_ACCERR);
	CU_ASSERT_EQUAL(pte_at(mm, VA) & (_PAGE_PRESENT | _PAGE_PROTNONE), _PAGE_PROTNONE);
	CU_ASSERT_EQUAL(mm->rss[MM_ANONPAGES], 1);
	CU_ASSERT_EQUAL(fault_check(), 0);
	protect(mm, VA, 2, PROT_READ);
	CU_ASSERT_EQUAL(get(VA), 42);
	CU_ASSERT_EQUAL(try_put(VA), FAULT_SEGV_ACCERR);
	protect(mm, VA, 2, RW);
	CU_ASSERT_FALSE(pte_write(pte_at(mm, VA))); /* by a fault alone: it may be shared */
	put(VA, 43);
	CU_ASSERT_PTR_EQUAL(page_at(mm, VA), page); /* which finds that it is not */
	fault_end(mm);
}

static void lost_right_to_write_is_flushed(void)
{
	struct mm_struct *mm = fault_begin();

	map(mm, VA, 1, RW, PRIVATE);
	put(VA, 1); /* cached as writable */
	protect(mm, VA, 1, PROT_READ);
	CU_ASSERT_EQUAL(try_put(VA), FAULT_SEGV_ACCERR);
	CU_ASSERT_EQUAL(get(VA), 1);
	fault_end(mm);
}

/* --- files ------------------------------------------------------------------------------------ */

static void private_file_is_read_from_the_page_cache(void)
{
	struct mm_struct *mm = fault_begin();
	struct test_file f;

	test_file_init(&f, 3 * PAGE_SIZE);
	map_file(mm, &f, VA, 3, RW, MAP_PRIVATE);
	CU_ASSERT_EQUAL(get(VA + PAGE_SIZE + 20), file_word(1, 5));
	CU_ASSERT_EQUAL(mm_host.outcome, FAULT_DONE_MAJOR);
	CU_ASSERT(mm->maj_flt == 1 && mm->min_flt == 0);
	CU_ASSERT_PTR_EQUAL(page_at(mm, VA + PAGE_SIZE)->mapping, &f.mapping);
	CU_ASSERT_FALSE(pte_write(pte_at(mm, VA + PAGE_SIZE)));
	CU_ASSERT_EQUAL(page_at(mm, VA + PAGE_SIZE)->count, 2); /* the cache's and the entry's */
	CU_ASSERT_EQUAL(mm->rss[MM_FILEPAGES], 1);
	do_munmap(mm, VA, 3 * PAGE_SIZE);
	map_file(mm, &f, VA, 3, RW, MAP_PRIVATE);
	CU_ASSERT_EQUAL(get(VA + PAGE_SIZE), file_word(1, 0));
	CU_ASSERT_EQUAL(mm_host.outcome, FAULT_DONE_MINOR); /* it is in memory now */
	CU_ASSERT_EQUAL(f.reads, 1);
	do_munmap(mm, VA, 3 * PAGE_SIZE);
	truncate_inode_pages(&f.mapping);
	fault_end(mm);
}

static void write_to_a_private_file_changes_a_copy(void)
{
	struct mm_struct *mm = fault_begin();
	struct test_file f;
	struct page *cached;

	test_file_init(&f, 2 * PAGE_SIZE);
	map_file(mm, &f, VA, 2, RW, MAP_PRIVATE);
	CU_ASSERT_EQUAL(get(VA), file_word(0, 0));
	cached = page_at(mm, VA);
	put(VA, 77);		 /* after a read */
	put(VA + PAGE_SIZE, 78); /* at once */
	CU_ASSERT_PTR_NOT_EQUAL(page_at(mm, VA), cached);
	CU_ASSERT_EQUAL(cached->mapcount, 0);
	CU_ASSERT_EQUAL(cached->count, 1);
	CU_ASSERT(mm->rss[MM_FILEPAGES] == 0 && mm->rss[MM_ANONPAGES] == 2);
	CU_ASSERT(get(VA) == 77 && get(VA + 4) == file_word(0, 1));
	CU_ASSERT(get(VA + PAGE_SIZE) == 78 && get(VA + PAGE_SIZE + 4) == file_word(1, 1));
	map_file(mm, &f, VA + 0x10000, 2, PROT_READ, MAP_PRIVATE);
	CU_ASSERT_EQUAL(get(VA + 0x10000), file_word(0, 0));
	CU_ASSERT_EQUAL(get(VA + 0x10000 + PAGE_SIZE), file_word(1, 0));
	CU_ASSERT_EQUAL(fault_check(), 0);
	do_munmap(mm, VA, 1 << 20);
	truncate_inode_pages(&f.mapping);
	fault_end(mm);
}

static void write_to_a_shared_file_changes_the_page_cache(void)
{
	struct mm_struct *mm = fault_begin();
	struct test_file f;

	test_file_init(&f, PAGE_SIZE);
	map_file(mm, &f, VA, 1, RW, MAP_SHARED);
	map_file(mm, &f, VA + 0x10000, 1, PROT_READ, MAP_PRIVATE);
	CU_ASSERT_EQUAL(get(VA + 0x10000), file_word(0, 0));
	put(VA, 5);
	CU_ASSERT_EQUAL(get(VA + 0x10000), 5);
	CU_ASSERT_EQUAL(page_at(mm, VA)->mapcount, 2);
	CU_ASSERT_EQUAL(mm->rss[MM_FILEPAGES], 2);
	CU_ASSERT_EQUAL(fault_check(), 0);
	do_munmap(mm, VA, 1 << 20);
	truncate_inode_pages(&f.mapping);
	fault_end(mm);
}

static void beyond_the_last_page_of_the_file_is_sigbus(void)
{
	struct mm_struct *mm = fault_begin();
	struct test_file f;

	test_file_init(&f, PAGE_SIZE + 10);
	map_file(mm, &f, VA, 4, RW, MAP_PRIVATE);
	CU_ASSERT_EQUAL(get(VA + PAGE_SIZE + 4), file_word(1, 1));
	CU_ASSERT_EQUAL(get(VA + PAGE_SIZE + 12), 0); /* its own page is zero behind the end */
	CU_ASSERT_EQUAL(try_get(VA + 2 * PAGE_SIZE), FAULT_SIGBUS);
	CU_ASSERT_EQUAL(try_put(VA + 3 * PAGE_SIZE), FAULT_SIGBUS);
	do_munmap(mm, VA, 4 * PAGE_SIZE);
	truncate_inode_pages(&f.mapping);
	fault_end(mm);
}

static void page_that_cannot_be_read_is_sigbus(void)
{
	struct mm_struct *mm = fault_begin();
	struct test_file f;

	test_file_init(&f, PAGE_SIZE);
	f.error = -EIO;
	map_file(mm, &f, VA, 1, RW, MAP_PRIVATE);
	CU_ASSERT_EQUAL(try_get(VA), FAULT_SIGBUS);
	CU_ASSERT_EQUAL(f.mapping.nrpages, 0);
	f.error = 0;
	CU_ASSERT_EQUAL(get(VA), file_word(0, 0)); /* the next try may */
	do_munmap(mm, VA, PAGE_SIZE);
	truncate_inode_pages(&f.mapping);
	fault_end(mm);
}

/* --- what the CPU notes, and what it has cached ----------------------------------------------- */

static void right_given_back_ends_in_one_fault_that_changes_nothing(void)
{
	struct mm_struct *mm = fault_begin();
	struct page *page;

	map(mm, VA, 1, RW, PRIVATE);
	put(VA, 1);
	page = page_at(mm, VA);
	*lookup_user_pte(mm, VA) &= ~_PAGE_RW;
	arch_flush_tlb_page(VA);
	CU_ASSERT_EQUAL(get(VA), 1); /* cached read-only */
	*lookup_user_pte(mm, VA) |= _PAGE_RW;
	mm_host.user_faults = 0;
	put(VA, 2);
	CU_ASSERT_EQUAL(mm_host.user_faults, 1);
	CU_ASSERT_PTR_EQUAL(page_at(mm, VA), page);
	CU_ASSERT_EQUAL(get(VA), 2);
	fault_end(mm);
}

/* Nothing here takes this right; a script that injects faults may. */
static void write_protected_shared_page_is_written_not_copied(void)
{
	struct mm_struct *mm = fault_begin();
	struct page *page;

	map(mm, VA, 1, RW, SHARED);
	put(VA, 1);
	page = page_at(mm, VA);
	*lookup_user_pte(mm, VA) &= ~_PAGE_RW;
	arch_flush_tlb_page(VA);
	put(VA, 2);
	CU_ASSERT_PTR_EQUAL(page_at(mm, VA), page);
	CU_ASSERT(pte_write(pte_at(mm, VA)));
	fault_end(mm);
}

static void entries_are_young_and_dirty_only_if_written(void)
{
	struct mm_struct *mm = fault_begin();
	struct test_file f;

	test_file_init(&f, 2 * PAGE_SIZE);
	map_file(mm, &f, VA, 2, RW, MAP_SHARED);
	get(VA);
	CU_ASSERT_EQUAL(pte_at(mm, VA) & (_PAGE_ACCESSED | _PAGE_DIRTY), _PAGE_ACCESSED);
	put(VA, 1); /* the entry allows it: no fault */
	CU_ASSERT_EQUAL(mm_host.user_faults, 1);
	CU_ASSERT(pte_at(mm, VA) & _PAGE_DIRTY);
	put(VA + PAGE_SIZE, 1);
	CU_ASSERT(pte_at(mm, VA + PAGE_SIZE) & _PAGE_DIRTY);
	do_munmap(mm, VA, 2 * PAGE_SIZE);
	truncate_inode_pages(&f.mapping);
	fault_end(mm);
}

static void unmapped_page_is_flushed_before_it_is_given_away(void)
{
	struct mm_struct *mm = fault_begin();

	map(mm, VA, 100, RW, PRIVATE);
	for (uint32_t n = 0; n < 100; n++)
		put(VA + n * PAGE_SIZE, n);
	zap_page_range(mm, VA, VA + 100 * PAGE_SIZE);
	for (uint32_t n = 0; n < 100; n++)
		CU_ASSERT_FALSE(mm_host_cached(VA + n * PAGE_SIZE));
	CU_ASSERT_EQUAL(get(VA + 99 * PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(mm->hiwater_rss, 100);
	fault_end(mm);
}

/* --- without memory --------------------------------------------------------------------------- */

/* Every allocation of one access fails once; then it is repeated, and must work. */
static void fail_each_allocation(void (*prepare)(struct mm_struct *mm, struct test_file *f),
				 bool write, unsigned at_least)
{
	unsigned outcomes = 0;
	bool failed = true;

	for (unsigned n = 1; failed; n++) {
		struct mm_struct *mm = fault_begin();
		uint32_t before = free_at_rest();
		enum fault_outcome outcome;
		struct test_file f;

		test_file_init(&f, 2 * PAGE_SIZE);
		prepare(mm, &f);
		mm_host_fail_nth(n);
		outcome = write ? try_put(VA) : try_get(VA);
		failed = mm_host.failed;
		mm_host_fail_nth(0);
		/*
		 * (SLUB asks for a smaller slab if it gets no large one: not each failure is one.)
		 */
		CU_ASSERT(outcome <= FAULT_DONE_MAJOR || (failed && outcome == FAULT_OOM));
		outcomes += outcome == FAULT_OOM;
		CU_ASSERT_EQUAL(fault_check(), 0);
		CU_ASSERT((write ? try_put(VA) : try_get(VA)) <= FAULT_DONE_MAJOR);
		do_munmap(mm, VA, 2 * PAGE_SIZE);
		truncate_inode_pages(&f.mapping);
		CU_ASSERT_EQUAL(free_at_rest(), before);
		fault_end(mm);
	}
	CU_ASSERT(outcomes >= at_least);
}

static void prepare_anonymous(struct mm_struct *mm, struct test_file *f)
{
	map(mm, VA, 2, RW, PRIVATE);
}

static void prepare_zero_page(struct mm_struct *mm, struct test_file *f)
{
	map(mm, VA, 2, RW, PRIVATE);
	get(VA);
}

static void prepare_file(struct mm_struct *mm, struct test_file *f)
{
	map_file(mm, f, VA, 2, RW, MAP_PRIVATE);
}

static void every_allocation_of_a_fault_may_fail(void)
{
	fail_each_allocation(prepare_anonymous, false, 1); /* table */
	fail_each_allocation(prepare_anonymous, true, 3);  /* table, anon_vma, page */
	fail_each_allocation(prepare_zero_page, true, 2);
	fail_each_allocation(prepare_file, false, 3); /* table, page, chunk */
	fail_each_allocation(prepare_file, true, 5);
}

/* --- without a fault -------------------------------------------------------------------------- */

static void pages_are_made_present_without_a_fault(void)
{
	struct mm_struct *mm = fault_begin();

	map(mm, VA, 4, RW, PRIVATE);
	CU_ASSERT_EQUAL(make_pages_present(mm, VA, VA + 4 * PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(mm->rss[MM_ANONPAGES], 4);
	put(VA, 1);
	CU_ASSERT_EQUAL(mm_host.user_faults, 0);
	CU_ASSERT_EQUAL(make_pages_present(mm, VA, VA + 5 * PAGE_SIZE), -EFAULT); /* a hole */
	map(mm, VA + 4 * PAGE_SIZE, 1, PROT_NONE, PRIVATE);
	CU_ASSERT_EQUAL(make_pages_present(mm, VA, VA + 5 * PAGE_SIZE), -EFAULT);
	map(mm, VA + 5 * PAGE_SIZE, 1, PROT_READ, PRIVATE);
	CU_ASSERT_EQUAL(make_pages_present(mm, VA + 5 * PAGE_SIZE, VA + 6 * PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(pte_pfn(pte_at(mm, VA + 5 * PAGE_SIZE)), mm_zero_pfn());
	map(mm, 2 * VA, 1, RW, SHARED);
	CU_ASSERT_EQUAL(make_pages_present(mm, 2 * VA, 2 * VA + PAGE_SIZE), 0);
	CU_ASSERT_FALSE(pte_at(mm, 2 * VA) & _PAGE_DIRTY); /* nobody wrote to it */
	fault_end(mm);
}

static void another_space_is_reached_page_by_page(void)
{
	struct mm_struct *mm = fault_begin(), *other = mm_alloc();
	char text[] = "across the border of two pages", back[sizeof(text)] = "";

	CU_ASSERT_PTR_NOT_NULL_FATAL(other);
	map(other, VA, 2, RW, PRIVATE);
	CU_ASSERT_EQUAL(access_process_vm(other, VA + PAGE_SIZE - 9, text, sizeof(text), true),
			sizeof(text));
	CU_ASSERT_EQUAL(access_process_vm(other, VA + PAGE_SIZE - 9, back, sizeof(text), false),
			sizeof(text));
	CU_ASSERT_STRING_EQUAL(back, text);
	CU_ASSERT_EQUAL(access_process_vm(other, VA + 2 * PAGE_SIZE - 3, text, 10, true), 3);
	CU_ASSERT_EQUAL(access_process_vm(other, VA - 1, text, 10, false), 0);
	CU_ASSERT_EQUAL(access_process_vm(other, TASK_SIZE, text, 10, false), 0);
	protect(other, VA, 2, PROT_READ);
	CU_ASSERT_EQUAL(access_process_vm(other, VA, text, 1, true), 0);
	protect(other, VA, 2, PROT_NONE);
	CU_ASSERT_EQUAL(access_process_vm(other, VA + PAGE_SIZE - 9, back, 1, false), 1);
	CU_ASSERT_EQUAL(fault_check(), 0);
	mmput(other);
	fault_end(mm);
}

static const struct unit_test tests[] = {
	UNIT_TEST(read_of_fresh_memory_sees_the_zero_page),
	UNIT_TEST(write_of_fresh_memory_gets_a_zeroed_page_of_highmem),
	UNIT_TEST(fresh_memory_holds_nothing_of_its_last_owner),
	UNIT_TEST(write_after_read_takes_the_place_of_the_zero_page),
	UNIT_TEST(shared_memory_is_seen_by_all_of_its_mappings),
	UNIT_TEST(what_is_not_mapped_is_maperr),
	UNIT_TEST(write_to_read_only_memory_is_accerr),
	UNIT_TEST(read_of_a_present_page_that_faults_is_accerr),
	UNIT_TEST(memory_without_rights_is_accerr),
	UNIT_TEST(pages_outlive_the_loss_of_all_rights),
	UNIT_TEST(lost_right_to_write_is_flushed),
	UNIT_TEST(private_file_is_read_from_the_page_cache),
	UNIT_TEST(write_to_a_private_file_changes_a_copy),
	UNIT_TEST(write_to_a_shared_file_changes_the_page_cache),
	UNIT_TEST(beyond_the_last_page_of_the_file_is_sigbus),
	UNIT_TEST(page_that_cannot_be_read_is_sigbus),
	UNIT_TEST(right_given_back_ends_in_one_fault_that_changes_nothing),
	UNIT_TEST(write_protected_shared_page_is_written_not_copied),
	UNIT_TEST(entries_are_young_and_dirty_only_if_written),
	UNIT_TEST(unmapped_page_is_flushed_before_it_is_given_away),
	UNIT_TEST(every_allocation_of_a_fault_may_fail),
	UNIT_TEST(pages_are_made_present_without_a_fault),
	UNIT_TEST(another_space_is_reached_page_by_page),
	UNIT_END,
};

const struct unit_suite suite_fault = { "fault", tests };
