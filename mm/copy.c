// SPDX-License-Identifier: MIT
/*
 * What fork does to page tables (Linux 2.6.32, copy_page_range): a page of private memory is shown
 * to both write-protected, until one of them writes.
 */
#include "mm/errno.h"
#include "mm/user_pages.h"

/*
 * Those of one page table of the parent, of a private VMA. The child's is made for the first entry
 * that there is. The loop is fork's cost: a page takes it in 40 instructions.
 */
static int copy_table(struct mm_struct *dst, pte_t *src, vaddr_t addr, vaddr_t end)
{
	uint32_t rss[NR_MM_COUNTERS] = { 0 };
	pte_t *table = NULL;
	int err = 0;

	for (; addr < end; addr += PAGE_SIZE, src++) {
		pte_t entry = *src;
		struct page *page;

		if (pte_none(entry))
			continue;
		if (!table) {
			table = pte_alloc_map(dst, addr);
			if (!table)
				return -ENOMEM;
			table -= pte_index(addr);
		}
		page = vm_normal_page(entry);
		if (page) {
			if (unlikely(page->count == INT32_MAX)) {
				err = -ENOMEM;
				break;
			}
			page->count++;
			page_dup_rmap(page);
			rss[rss_kind(page)]++;
		}
		*src = entry & ~_PAGE_RW;
		/* The child has not touched it yet. */
		table[pte_index(addr)] = entry & ~(_PAGE_RW | _PAGE_ACCESSED);
	}
	dst->rss[MM_FILEPAGES] += rss[MM_FILEPAGES];
	dst->rss[MM_ANONPAGES] += rss[MM_ANONPAGES];
	return err;
}

int copy_page_range(struct mm_struct *dst, struct mm_struct *src, struct vm_area_struct *vma)
{
	/*
	 * What the page cache or the zero page shows comes back by a fault, if the child wants it.
	 * So does all that is VM_SHARED: it never has anonymous pages.
	 */
	if (!vma->anon_vma)
		return 0;
	for (vaddr_t addr = vma->vm_start, next; addr < vma->vm_end; addr = next) {
		pte_t *pte = pte_offset(src, addr);
		int err;

		next = table_end(addr, vma->vm_end);
		err = pte ? copy_table(dst, pte, addr, next) : 0;
		if (err)
			return err;
	}
	return 0;
}
