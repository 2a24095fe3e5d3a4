// SPDX-License-Identifier: MIT
/*
 * Page faults, copy-on-write and fork, asked of the ladder itself: the spaces are never the one in
 * CR3. So the same runs on the host and, with real page tables and no user code yet, in the guest.
 */
#include "mm/errno.h"
#include "mm/filemap.h"
#include "mm/highmem.h"
#include "mm/mm.h"
#include "mm/page_alloc.h"
#include "mm/pte.h"
#include "mm/rmap.h"
#include "tests/mm/fault_model.h"
#include "tests/mm/mm_test.h"

#define VA 0x10000000u
#define PROT_RW (PROT_READ | PROT_WRITE)
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)

static bool map(struct mm_struct *mm, vaddr_t addr, uint32_t pages, uint32_t prot, uint32_t flags)
{
	return do_mmap_pgoff(mm, NULL, addr, pages << PAGE_SHIFT, prot, flags, 0) == addr;
}

/* The user reads or writes. */
static enum fault_outcome fault(struct mm_struct *mm, vaddr_t addr, uint32_t error)
{
	const pte_t *pte = lookup_user_pte(mm, addr);

	if (pte && *pte & _PAGE_PRESENT)
		error |= FAULT_PROT;
	return do_user_fault(mm, addr, FAULT_USER | error, TASK_SIZE);
}

static bool put(struct mm_struct *mm, vaddr_t addr, uint32_t value)
{
	return access_process_vm(mm, addr, &value, sizeof(value), true) == sizeof(value);
}

static uint32_t get(struct mm_struct *mm, vaddr_t addr)
{
	uint32_t value = 0xbad;

	access_process_vm(mm, addr, &value, sizeof(value), false);
	return value;
}

static struct page *page_at(struct mm_struct *mm, vaddr_t addr)
{
	const pte_t *pte = lookup_user_pte(mm, addr);

	return pte && pte_present(*pte) ? pfn_to_page(pte_pfn(*pte)) : NULL;
}

/* A space with one written page. */
static struct mm_struct *space(void)
{
	struct mm_struct *mm = mm_alloc();

	if (!mm)
		return NULL;
	if (map(mm, VA, 4, PROT_RW, ANONYMOUS) && put(mm, VA, 1))
		return mm;
	mmput(mm);
	return NULL;
}

static bool read_sees_the_zero_page_and_write_takes_its_place(void)
{
	struct mm_struct *mm = space();
	struct page *zero;

	EXPECT(mm);
	if (!mm)
		return false;
	EXPECT(fault(mm, VA + PAGE_SIZE, 0) == FAULT_DONE_MINOR);
	zero = page_at(mm, VA + PAGE_SIZE);
	EXPECT(zero && zero->state == PAGE_RESERVED && zero->mapcount == 0);
	EXPECT(mm->rss[MM_ANONPAGES] == 1);
	EXPECT(fault(mm, VA + PAGE_SIZE, FAULT_WRITE) == FAULT_DONE_MINOR);
	EXPECT(page_at(mm, VA + PAGE_SIZE) != zero);
	EXPECT(mm->rss[MM_ANONPAGES] == 2);
	EXPECT(get(mm, VA + PAGE_SIZE) == 0);
	EXPECT(mm->min_flt == 2);
	EXPECT(mm_check_all() == 0);
	mmput(mm);
	return true;
}

static bool refusals_have_their_reason(void)
{
	struct mm_struct *mm = space();

	EXPECT(mm);
	if (!mm)
		return false;
	map(mm, VA + 8 * PAGE_SIZE, 1, PROT_READ, ANONYMOUS);
	map(mm, VA + 9 * PAGE_SIZE, 1, PROT_NONE, ANONYMOUS);
	EXPECT(fault(mm, VA - 1, 0) == FAULT_SEGV_MAPERR);
	EXPECT(fault(mm, VA + 4 * PAGE_SIZE, FAULT_WRITE) == FAULT_SEGV_MAPERR);
	EXPECT(fault(mm, VA + 8 * PAGE_SIZE, FAULT_WRITE) == FAULT_SEGV_ACCERR);
	EXPECT(fault(mm, VA + 9 * PAGE_SIZE, 0) == FAULT_SEGV_ACCERR);
	EXPECT(fault(mm, VA + 8 * PAGE_SIZE, 0) == FAULT_DONE_MINOR);
	EXPECT(fault(mm, VA + 8 * PAGE_SIZE, FAULT_WRITE) == FAULT_SEGV_ACCERR);
	EXPECT(!put(mm, VA + 8 * PAGE_SIZE, 1));
	mmput(mm);
	return true;
}

static bool cow_gives_the_copy_to_the_writer(void)
{
	struct mm_struct *mm = space(), *child = mm ? dup_mm(mm) : NULL;
	struct page *page;

	EXPECT(child);
	if (!child)
		return false;
	page = page_at(mm, VA);
	EXPECT(page_at(child, VA) == page && page->count == 2 && page->mapcount == 2);
	EXPECT(page_count_ptes(page) == 2);
	EXPECT(!pte_write(*lookup_user_pte(mm, VA)) && !pte_write(*lookup_user_pte(child, VA)));
	EXPECT(put(child, VA, 2));
	EXPECT(page_at(child, VA) != page && page->count == 1 && page->mapcount == 1);
	EXPECT(get(mm, VA) == 1 && get(child, VA) == 2);
	EXPECT(mm_check_all() == 0);
	EXPECT(put(mm, VA, 3)); /* alone with it: keeps it */
	EXPECT(page_at(mm, VA) == page && page->count == 1);
	EXPECT(get(mm, VA) == 3 && get(child, VA) == 2);
	mmput(mm);
	EXPECT(get(child, VA) == 2);
	mmput(child);
	return true;
}

static bool shared_memory_stays_shared_by_fork(void)
{
	struct mm_struct *mm = space(), *child;

	EXPECT(mm);
	if (!mm)
		return false;
	EXPECT(map(mm, 2 * VA, 2, PROT_RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED));
	EXPECT(put(mm, 2 * VA, 1));
	child = dup_mm(mm);
	EXPECT(child);
	if (child) {
		EXPECT(put(child, 2 * VA, 2) && put(child, 2 * VA + PAGE_SIZE, 3));
		EXPECT(get(mm, 2 * VA) == 2 && get(mm, 2 * VA + PAGE_SIZE) == 3);
		EXPECT(mm_check_all() == 0);
		mmput(child);
	}
	mmput(mm);
	EXPECT(nr_file_pages() == 0);
	return true;
}

/* --- a file whose bytes are the number of their page ------------------------------------------ */

static int fill_page(struct address_space *mapping, struct page *page)
{
	void *p = kmap_atomic(page, KM_USER0);

	memset(p, (int)page->index + 1, PAGE_SIZE);
	kunmap_atomic(p, KM_USER0);
	return 0;
}

static bool files_are_mapped_through_the_page_cache(void)
{
	static const struct address_space_operations aops = { .readpage = fill_page };
	struct address_space mapping;
	struct file file = { .f_count = 1, .f_mode = FMODE_READ, .f_mapping = &mapping };
	struct mm_struct *mm = space();

	EXPECT(mm);
	if (!mm)
		return false;
	address_space_init(&mapping, NULL, &aops, 2 * PAGE_SIZE);
	EXPECT(do_mmap_pgoff(mm, &file, 2 * VA, 3 * PAGE_SIZE, PROT_RW, MAP_PRIVATE | MAP_FIXED,
			     0) == 2 * VA);
	EXPECT(fault(mm, 2 * VA, 0) == FAULT_DONE_MAJOR);
	EXPECT(fault(mm, 2 * VA + PAGE_SIZE, FAULT_WRITE) == FAULT_DONE_MAJOR);
	EXPECT(fault(mm, 2 * VA + 2 * PAGE_SIZE, 0) == FAULT_SIGBUS);
	EXPECT(get(mm, 2 * VA) == 0x01010101 && get(mm, 2 * VA + PAGE_SIZE) == 0x02020202);
	EXPECT(page_at(mm, 2 * VA)->state == PAGE_CACHE);
	EXPECT(page_at(mm, 2 * VA + PAGE_SIZE)->state == PAGE_ANON);
	EXPECT(put(mm, 2 * VA, 5) && get(mm, 2 * VA) == 5);
	EXPECT(nr_file_pages() == 2 && mm_check_all() == 0);
	mmput(mm);
	EXPECT(file.f_count == 1);
	truncate_inode_pages(&mapping);
	EXPECT(nr_file_pages() == 0);
	return true;
}

/* --- memory ends ------------------------------------------------------------------------------ */

static unsigned calls, fail_at;

static bool fail_one(const char *what, size_t bytes, gfp_t gfp)
{
	return ++calls == fail_at;
}

/* (`mm` is a space elsewhere.) Returns what was there before. */
static bool (*mm_fail_hook(bool (*hook)(const char *, size_t, gfp_t)))(const char *, size_t, gfp_t)
{
	bool (*before)(const char *what, size_t bytes, gfp_t gfp) = mm.fail_alloc;

	mm.fail_alloc = hook;
	return before;
}

static bool fork_that_fails_anywhere_leaves_nothing(void)
{
	bool (*before)(const char *what, size_t bytes, gfp_t gfp) = mm_fail_hook(NULL);
	struct mm_struct *mm = space(), *child = NULL;
	unsigned failures = 0;

	EXPECT(mm);
	if (!mm)
		return false;
	EXPECT(map(mm, 2 * VA, 4, PROT_RW, ANONYMOUS) && put(mm, 2 * VA, 2));
	for (fail_at = 1; !child && fail_at < 100; fail_at++) {
		calls = 0;
		mm_fail_hook(fail_one);
		child = dup_mm(mm);
		mm_fail_hook(NULL);
		failures += !child;
		EXPECT(mm_check_all() == 0);
		EXPECT(put(mm, VA, fail_at) && page_at(mm, VA)->count == 1);
	}
	mm_fail_hook(before);
	EXPECT(failures >= 6); /* space, directory, two VMAs, two tables */
	EXPECT(child && get(child, 2 * VA) == 2);
	if (child)
		mmput(child);
	mmput(mm);
	return true;
}

static bool random_operations_agree_with_a_plain_model(void)
{
	EXPECT(fault_model_run(&fault_model_software, 20, 3000, 300) == 0);
	return true;
}

const struct mm_test mm_tests_fault[] = {
	MM_TEST(read_sees_the_zero_page_and_write_takes_its_place),
	MM_TEST(refusals_have_their_reason),
	MM_TEST(cow_gives_the_copy_to_the_writer),
	MM_TEST(shared_memory_stays_shared_by_fork),
	MM_TEST(files_are_mapped_through_the_page_cache),
	MM_TEST(fork_that_fails_anywhere_leaves_nothing),
	MM_TEST(random_operations_agree_with_a_plain_model),
	MM_TEST_END,
};
