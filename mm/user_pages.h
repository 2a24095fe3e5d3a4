/* SPDX-License-Identifier: MIT */
/*
 * What the files that change page tables of user space share, and nobody else uses: fault.c,
 * memory.c, copy.c, populate.c, madvise.c, rmap.c,
 * mm_check_pte.c, show_mm.c.
 *
 * Order of changes. Rights are added, and pages mapped, by a store alone: what the CPU holds of an
 * entry that was less is at worst a fault more, which the ladder answers by doing nothing (a fault
 * drops what is cached of its address: Intel SDM vol. 3, 4.10.4.1). Rights are taken
 * away, and pages unmapped or replaced, by the store, then the flush, and only then may the old
 * page be given away.
 */
#ifndef MM_USER_PAGES_H
#define MM_USER_PAGES_H

#include "mm/arch.h"
#include "mm/mm.h"
#include "mm/page_alloc.h"
#include "mm/pte.h"
#include "mm/rmap.h"

/* The entry of addr, or NULL: there is no table. Tables are lowmem pages. */
static inline pte_t *pte_offset(const struct mm_struct *mm, vaddr_t addr)
{
	pte_t pde = mm->pgd[pgd_index(addr)];

	if (!(pde & _PAGE_PRESENT))
		return NULL;
	return (pte_t *)phys_to_virt(pde & PAGE_MASK) + pte_index(addr);
}

static inline bool is_zero_pfn(pfn_t pfn)
{
	return pfn == mm.zero_pfn;
}

/* The page that a present entry maps and that is counted; NULL: the zero page. */
static inline struct page *vm_normal_page(pte_t pte)
{
	return is_zero_pfn(pte_pfn(pte)) ? NULL : pfn_to_page(pte_pfn(pte));
}

/* Which counter of mm_struct.rss. */
static inline unsigned rss_kind(const struct page *page)
{
	return page_is_anon(page) ? MM_ANONPAGES : MM_FILEPAGES;
}

static inline uint32_t linear_page_index(const struct vm_area_struct *vma, vaddr_t addr)
{
	return ((addr - vma->vm_start) >> PAGE_SHIFT) + vma->vm_pgoff;
}

/*
 * Does the CPU translate by this mm's tables now? Others have nothing cached: user pages are not
 * global.
 */
static inline bool mm_is_live(const struct mm_struct *mm)
{
	return mm->pgd == arch_current_pgd();
}

/* The end of [addr, end)'s part that one page table shows. */
static inline vaddr_t table_end(vaddr_t addr, vaddr_t end)
{
	vaddr_t next = (addr + PGDIR_SIZE) & PGDIR_MASK;

	return next - 1 < end - 1 ? next : end;
}

/*
 * The page at addr, which lies in vma, is there after it, and may be written if `write`: 0,
 * -ENOMEM, -EFAULT. Whether the VMA permits the access, the caller has checked. (populate.c)
 */
int fault_in_page(struct vm_area_struct *vma, vaddr_t addr, bool write);

/* Flush user pages [start, end) of mm if it is live. */
void flush_tlb_user_range(const struct mm_struct *mm, vaddr_t start, vaddr_t end);

#endif
