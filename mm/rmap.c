// SPDX-License-Identifier: MIT
#include "mm/rmap.h"

#include "mm/errno.h"
#include "mm/page_internal.h"
#include "mm/slub.h"
#include "mm/user_pages.h"

static struct kmem_cache *anon_vma_cache;

void rmap_init(void)
{
	anon_vma_cache =
		kmem_cache_create("anon_vma", sizeof(struct anon_vma), 0, SLAB_PANIC, NULL);
}

/* --- anon_vma --------------------------------------------------------------------------------- */

/*
 * The anon_vma of `near`, if it and vma could one day be merged into one VMA (which has one
 * anon_vma):
 * (a) it has one; (b) same file or none; (c) flags differ at most in what mprotect() changes;
 * (d) their offsets go on. `first` is the lower one of both.
 */
static struct anon_vma *mergeable_anon_vma(const struct vm_area_struct *vma,
					   const struct vm_area_struct *near,
					   const struct vm_area_struct *first,
					   const struct vm_area_struct *second)
{
	const uint32_t ignored = VM_READ | VM_WRITE | VM_EXEC;

	if (near->anon_vma &&						 /* (a) */
	    near->vm_file == vma->vm_file &&				 /* (b) */
	    !((near->vm_flags ^ vma->vm_flags) & ~ignored) &&		 /* (c) */
	    first->vm_end == second->vm_start &&			 /* (d) */
	    linear_page_index(first, first->vm_end) == second->vm_pgoff) /* (d) */
		return near->anon_vma;
	return NULL;
}

static struct anon_vma *neighbours_anon_vma(const struct vm_area_struct *vma)
{
	const struct vm_area_struct *next = vma->vm_next, *prev = vma->vm_prev;
	struct anon_vma *found = next ? mergeable_anon_vma(vma, next, vma, next) : NULL;

	if (!found && prev)
		found = mergeable_anon_vma(vma, prev, prev, vma);
	return found;
}

int anon_vma_prepare(struct vm_area_struct *vma)
{
	struct anon_vma *anon_vma = vma->anon_vma;

	if (anon_vma)
		return 0;
	anon_vma = neighbours_anon_vma(vma);
	if (!anon_vma) {
		anon_vma = kmem_cache_alloc(anon_vma_cache, GFP_KERNEL);
		if (!anon_vma)
			return -ENOMEM;
		list_init(&anon_vma->head);
	}
	vma->anon_vma = anon_vma;
	list_add_tail(&vma->anon_vma_node, &anon_vma->head);
	return 0;
}

void anon_vma_link(struct vm_area_struct *vma, struct vm_area_struct *old)
{
	vma->anon_vma = old->anon_vma;
	if (vma->anon_vma)
		list_add_tail(&vma->anon_vma_node, &vma->anon_vma->head);
}

void anon_vma_unlink(struct vm_area_struct *vma)
{
	struct anon_vma *anon_vma = vma->anon_vma;

	if (!anon_vma)
		return;
	list_del(&vma->anon_vma_node);
	vma->anon_vma = NULL;
	if (list_empty(&anon_vma->head))
		kmem_cache_free(anon_vma_cache, anon_vma);
}

/* --- counts ----------------------------------------------------------------------------------- */

static void count_mapped(const struct page *page, int change)
{
	enum zone_stat_item item = page_is_anon(page) ? NR_ANON_PAGES : NR_FILE_MAPPED;

	page_zone(page)->stat[item] += (uint32_t)change;
}

void page_add_new_anon_rmap(struct page *page, struct vm_area_struct *vma, vaddr_t addr)
{
	page_set_state(page, PAGE_ANON);
	page->mapping = (struct address_space *)((uintptr_t)vma->anon_vma | PAGE_MAPPING_ANON);
	page->index = linear_page_index(vma, addr);
	page->mapcount = 1;
	count_mapped(page, 1);
}

void page_add_file_rmap(struct page *page)
{
	if (page->mapcount++ == 0)
		count_mapped(page, 1);
}

void page_remove_rmap(struct page *page)
{
	if (unlikely(page->mapcount <= 0)) {
		bad_page(page, "unmapped more often than mapped");
		return;
	}
	if (--page->mapcount == 0)
		count_mapped(page, -1);
}

/* --- from a page to its entries --------------------------------------------------------------- */

static struct anon_vma *page_anon_vma(const struct page *page)
{
	return (struct anon_vma *)((uintptr_t)page->mapping & ~(uintptr_t)PAGE_MAPPING_ANON);
}

vaddr_t page_address_in_vma(const struct page *page, const struct vm_area_struct *vma)
{
	uint32_t offset = page->index - vma->vm_pgoff;
	bool same = page_is_anon(page) ? page_anon_vma(page) == vma->anon_vma
				       : vma->vm_file && vma->vm_file->f_mapping == page->mapping;

	if (!same || offset >= (vma->vm_end - vma->vm_start) >> PAGE_SHIFT)
		return (vaddr_t)-EFAULT;
	return vma->vm_start + (offset << PAGE_SHIFT);
}

/* False: fn wants no more. */
static bool visit_vma(struct page *page, struct vm_area_struct *vma, rmap_fn fn, void *arg)
{
	vaddr_t addr = page_address_in_vma(page, vma);
	pte_t *pte;

	if (addr == (vaddr_t)-EFAULT)
		return true;
	pte = pte_offset(vma->vm_mm, addr);
	/* The VMA could show the page, but may show a copy of its own, or nothing yet. */
	if (!pte || !pte_present(*pte) || pte_pfn(*pte) != page_to_pfn(page))
		return true;
	return fn(page, vma, addr, pte, arg);
}

void rmap_walk(struct page *page, rmap_fn fn, void *arg)
{
	if (!page->mapping || !page_mapped(page))
		return;
	if (page_is_anon(page)) {
		list_for_each_safe(node, &page_anon_vma(page)->head)
			if (!visit_vma(page, list_entry(node, struct vm_area_struct, anon_vma_node),
				       fn, arg))
				return;
	} else {
		list_for_each_safe(node, &page->mapping->i_mmap)
			if (!visit_vma(page, list_entry(node, struct vm_area_struct, shared), fn,
				       arg))
				return;
	}
}

static bool count_pte(struct page *page, struct vm_area_struct *vma, vaddr_t addr, pte_t *pte,
		      void *arg)
{
	++*(unsigned *)arg;
	return true;
}

unsigned page_count_ptes(struct page *page)
{
	unsigned found = 0;

	rmap_walk(page, count_pte, &found);
	return found;
}

static bool take_accessed(struct page *page, struct vm_area_struct *vma, vaddr_t addr, pte_t *pte,
			  void *arg)
{
	if (*pte & _PAGE_ACCESSED) {
		*pte &= ~_PAGE_ACCESSED;
		/* Else the CPU would not set it again. */
		flush_tlb_user_range(vma->vm_mm, addr, addr + PAGE_SIZE);
		++*(unsigned *)arg;
	}
	return true;
}

unsigned page_referenced(struct page *page)
{
	unsigned accessed = 0;

	rmap_walk(page, take_accessed, &accessed);
	return accessed;
}
