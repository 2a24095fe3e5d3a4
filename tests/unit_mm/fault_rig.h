/* SPDX-License-Identifier: MIT */
/* What the suites of page faults share: a machine with HIGHMEM, spaces to run in, a file to map. */
#ifndef TESTS_UNIT_MM_FAULT_RIG_H
#define TESTS_UNIT_MM_FAULT_RIG_H

#include "mm/errno.h"
#include "mm/filemap.h"
#include "mm/mm.h"
#include "mm/pte.h"
#include "mm/rmap.h"
#include "mm/slub.h"
#include "mm_host.h"
#include "tests/unit/unit.h"

#define VA 0x10000000u
#define RW (PROT_READ | PROT_WRITE)
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)
#define SHARED (MAP_SHARED | MAP_ANONYMOUS)

/* A machine and a space that runs on it. */
static inline struct mm_struct *fault_begin(void)
{
	struct mm_struct *mm;

	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 128 << 20, .highmem = 32 << 20 });
	mm = mm_alloc();
	CU_ASSERT_PTR_NOT_NULL_FATAL(mm);
	mm_host_switch_mm(mm);
	mm_host_log_clear();
	return mm;
}

static inline unsigned fault_check(void)
{
	unsigned violations = mm_host_check() + mm_check_rmap();

	list_for_each(node, &mm_list)
		violations += mm_check_ptes(list_entry(node, struct mm_struct, mmlist));
	if (violations)
		fprintf(stderr, "%s", mm_host_log());
	return violations;
}

/* What is free when nothing is kept for later use. */
static inline uint32_t free_at_rest(void)
{
	kmem_cache_shrink_all();
	drain_all_pages();
	return nr_free_pages();
}

/* The space ends; the kernel's directory is loaded then. */
static inline void space_ends(struct mm_struct *mm)
{
	mm_host_switch_mm(NULL);
	mmput(mm);
}

/* Ends this one, the last. All that is not the kernel's own must be free then. */
static inline void fault_end(struct mm_struct *mm)
{
	CU_ASSERT_EQUAL(fault_check(), 0);
	space_ends(mm);
	CU_ASSERT(list_empty(&mm_list));
	CU_ASSERT_EQUAL(global_page_state(NR_ANON_PAGES), 0);
	CU_ASSERT_EQUAL(global_page_state(NR_FILE_MAPPED), 0);
	CU_ASSERT_EQUAL(fault_check(), 0);
	mm_host_end();
}

static inline void map(struct mm_struct *mm, vaddr_t addr, uint32_t pages, uint32_t prot,
		       uint32_t flags)
{
	CU_ASSERT_EQUAL_FATAL(
		do_mmap_pgoff(mm, NULL, addr, pages << PAGE_SHIFT, prot, flags | MAP_FIXED, 0),
		addr);
}

static inline pte_t pte_at(struct mm_struct *mm, vaddr_t addr)
{
	const pte_t *pte = lookup_user_pte(mm, addr);

	return pte ? *pte : 0;
}

static inline struct page *page_at(struct mm_struct *mm, vaddr_t addr)
{
	pte_t pte = pte_at(mm, addr);

	return pte_present(pte) ? pfn_to_page(pte_pfn(pte)) : NULL;
}

/* `mm` is a space in most tests. */
static inline pfn_t mm_zero_pfn(void)
{
	return mm.zero_pfn;
}

/* By the space that runs. */
static inline void put(vaddr_t addr, uint32_t value)
{
	enum fault_outcome outcome = mm_host_user_write(addr, &value, sizeof(value));

	CU_ASSERT(outcome == FAULT_DONE_MINOR || outcome == FAULT_DONE_MAJOR);
}

static inline uint32_t get(vaddr_t addr)
{
	uint32_t value = 0xbad;
	enum fault_outcome outcome = mm_host_user_read(addr, &value, sizeof(value));

	CU_ASSERT(outcome == FAULT_DONE_MINOR || outcome == FAULT_DONE_MAJOR);
	return value;
}

static inline enum fault_outcome try_put(vaddr_t addr)
{
	uint32_t value = 1;

	return mm_host_user_write(addr, &value, sizeof(value));
}

static inline enum fault_outcome try_get(vaddr_t addr)
{
	uint32_t value;

	return mm_host_user_read(addr, &value, sizeof(value));
}

/* In another space, and back. */
static inline uint32_t get_in(struct mm_struct *mm, vaddr_t addr)
{
	struct mm_struct *back = mm_host.user_mm;
	uint32_t value;

	mm_host_switch_mm(mm);
	value = get(addr);
	mm_host_switch_mm(back);
	return value;
}

static inline void put_in(struct mm_struct *mm, vaddr_t addr, uint32_t value)
{
	struct mm_struct *back = mm_host.user_mm;

	mm_host_switch_mm(mm);
	put(addr, value);
	mm_host_switch_mm(back);
}

/* --- a file whose word n of page i is i << 16 | n --------------------------------------------- */

struct test_file {
	struct file file;
	struct address_space mapping;
	unsigned reads;
	int error; /* of readpage */
	void (*during_read)(struct test_file *f);
};

int test_readpage(struct address_space *mapping, struct page *page);
void test_file_init(struct test_file *f, uint64_t size);
void map_file(struct mm_struct *mm, struct test_file *f, vaddr_t addr, uint32_t pages,
	      uint32_t prot, uint32_t flags);

static inline uint32_t file_word(uint32_t page, uint32_t word)
{
	return page << 16 | word;
}

#endif
