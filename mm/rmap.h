/* SPDX-License-Identifier: MIT */
/*
 * From a page to the page-table entries that map it (Linux 2.6.32, mm/rmap.c).
 *
 * page->mapcount is the number of user PTEs. page->mapping is the address_space of a page of the
 * page cache, or an anon_vma with bit 0 set for an anonymous page, or 0; page->index is its place
 * in the file, or linear_page_index() of its first VMA. The zero page is never counted: it is
 * reserved.
 */
#ifndef MM_RMAP_H
#define MM_RMAP_H

#include "mm/mm_types.h"

#define PAGE_MAPPING_ANON 1u

static inline bool page_is_anon(const struct page *page)
{
	return (uintptr_t)page->mapping & PAGE_MAPPING_ANON;
}

static inline bool page_mapped(const struct page *page)
{
	return page->mapcount > 0;
}

void rmap_init(void); /* by user_memory_init() */

/* The VMA has an anon_vma after it: 0 or -ENOMEM. Reuses a mergeable neighbour's. */
int anon_vma_prepare(struct vm_area_struct *vma);
/* A VMA born by fork or split joins old's; a VMA that ends leaves, and the last one frees it. */
void anon_vma_link(struct vm_area_struct *vma, struct vm_area_struct *old);
void anon_vma_unlink(struct vm_area_struct *vma);

/* A new PTE maps it: fresh anonymous, anonymous again (fork), of the page cache; and one less. */
void page_add_new_anon_rmap(struct page *page, struct vm_area_struct *vma, vaddr_t addr);
static inline void page_dup_rmap(struct page *page)
{
	page->mapcount++; /* it is mapped already: no other count changes */
}
void page_add_file_rmap(struct page *page);
void page_remove_rmap(struct page *page);

/* Where vma would show page: its address, or (vaddr_t)-EFAULT. */
vaddr_t page_address_in_vma(const struct page *page, const struct vm_area_struct *vma);

/* Call fn for every PTE that maps page, until it returns false. */
typedef bool (*rmap_fn)(struct page *page, struct vm_area_struct *vma, vaddr_t addr, pte_t *pte,
			void *arg);
void rmap_walk(struct page *page, rmap_fn fn, void *arg);

/*
 * PTEs found by walking all that may map it; how many of them had the accessed bit, which is
 * cleared.
 */
unsigned page_count_ptes(struct page *page);
unsigned page_referenced(struct page *page);

#endif
