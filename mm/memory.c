// SPDX-License-Identifier: MIT
/*
 * Page tables of user space: made, emptied, moved, given other rights (Linux 2.6.32, mm/memory.c,
 * mprotect.c, mremap.c).
 */
#include "mm/filemap.h"
#include "mm/slub.h"
#include "mm/user_pages.h"

/* From here on one flush of all is cheaper than INVLPGs. */
#define FLUSH_ALL_PAGES 33

void user_memory_init(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

	if (!page)
		arch_panic("user_memory_init: no memory for the zero page");
	/* Nobody's, as the kernel's image: it is neither counted nor freed. */
	page->state = PAGE_RESERVED;
	mm.totalram_pages--;
	mm.zero_pfn = page_to_pfn(page);
	proc_caches_init();
	rmap_init();
	filemap_init();
}

/*
 * By VM_READ, VM_WRITE, VM_EXEC, VM_SHARED, which are bits 0 to 3. A readable page is executable.
 */
pte_t vm_get_page_prot(uint32_t vm_flags)
{
	if (!(vm_flags & VM_ACCESS_FLAGS))
		return PAGE_NONE;
	return (vm_flags & (VM_WRITE | VM_SHARED)) == (VM_WRITE | VM_SHARED) ? PAGE_SHARED
									     : PAGE_READONLY;
}

/* --- flushes ---------------------------------------------------------------------------------- */

void flush_tlb_mm(struct mm_struct *mm)
{
	if (mm_is_live(mm))
		arch_flush_tlb_user();
}

void flush_tlb_user_range(const struct mm_struct *mm, vaddr_t start, vaddr_t end)
{
	if (!mm_is_live(mm))
		return;
	if (end - start >= FLUSH_ALL_PAGES * PAGE_SIZE)
		arch_flush_tlb_user();
	else
		arch_flush_tlb_range(start, end);
}

/* --- tables ----------------------------------------------------------------------------------- */

pte_t *lookup_user_pte(struct mm_struct *mm, vaddr_t addr)
{
	return pte_offset(mm, addr);
}

static void count_table(const struct page *page, int change)
{
	uint32_t flags = arch_irq_save();

	page_zone(page)->stat[NR_PAGETABLE] += (uint32_t)change;
	arch_irq_restore(flags);
}

static pte_t *new_table(struct mm_struct *mm, vaddr_t addr)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

	if (!page)
		return NULL;
	page_set_state(page, PAGE_TABLE);
	count_table(page, 1);
	mm->nr_ptes++;
	mm->pgd[pgd_index(addr)] = page_to_phys(page) | _PAGE_TABLE;
	return pte_offset(mm, addr);
}

pte_t *pte_alloc_map(struct mm_struct *mm, vaddr_t addr)
{
	pte_t *pte = pte_offset(mm, addr);

	return likely(pte) ? pte : new_table(mm, addr);
}

static void free_table(struct mm_struct *mm, vaddr_t base, bool live)
{
	pte_t *pde = &mm->pgd[pgd_index(base)];
	struct page *page = pfn_to_page(pte_pfn(*pde));

	*pde = 0;
	/* The CPU may hold the PDE itself; INVLPG drops those, too (Intel SDM vol. 3, 4.10.4.1). */
	if (live)
		arch_flush_tlb_page(base);
	mm->nr_ptes--;
	count_table(page, -1);
	page_set_state(page, PAGE_USED);
	__free_pages(page, 0);
}

void free_pgtables(struct mm_struct *mm, vaddr_t start, vaddr_t end)
{
	bool live = mm_is_live(mm);

	for (uint32_t i = pgd_index(start); start < end && i <= pgd_index(end - 1); i++) {
		vaddr_t base = i << PGDIR_SHIFT;

		if (mm->pgd[i] & _PAGE_PRESENT &&
		    !find_vma_intersection(mm, base, base + PGDIR_SIZE))
			free_table(mm, base, live);
	}
}

/* --- zap -------------------------------------------------------------------------------------- */

#define GATHER_PAGES 64

/* Pages that were unmapped and may be given away after the flush. */
struct gather {
	struct mm_struct *mm;
	bool live;
	vaddr_t start, end; /* of what is to be flushed; empty: end 0 */
	unsigned count;
	struct page *pages[GATHER_PAGES];
};

static void gather_finish(struct gather *g)
{
	if (g->end)
		flush_tlb_user_range(g->mm, g->start, g->end);
	for (unsigned n = 0; n < g->count; n++)
		put_page(g->pages[n]);
	g->end = 0;
	g->count = 0;
}

static void gather_page(struct gather *g, struct page *page)
{
	if (!g->live) {
		put_page(page);
		return;
	}
	g->pages[g->count++] = page;
	if (g->count == GATHER_PAGES)
		gather_finish(g);
}

static void zap_table(struct gather *g, pte_t *pte, vaddr_t addr, vaddr_t end)
{
	for (; addr < end; addr += PAGE_SIZE, pte++) {
		pte_t entry = *pte;
		struct page *page;

		if (pte_none(entry))
			continue;
		*pte = 0;
		if (!g->end)
			g->start = addr;
		g->end = addr + PAGE_SIZE;
		page = vm_normal_page(entry);
		if (!page)
			continue;
		g->mm->rss[rss_kind(page)]--;
		page_remove_rmap(page);
		gather_page(g, page);
	}
}

static void note_hiwater_rss(struct mm_struct *mm)
{
	uint32_t rss = mm->rss[MM_FILEPAGES] + mm->rss[MM_ANONPAGES];

	if (mm->hiwater_rss < rss)
		mm->hiwater_rss = rss;
}

void zap_page_range(struct mm_struct *mm, vaddr_t start, vaddr_t end)
{
	struct gather g;

	g.mm = mm;
	g.live = mm_is_live(mm);
	g.end = 0;
	g.count = 0;
	note_hiwater_rss(mm);
	for (vaddr_t addr = start, next; addr < end; addr = next) {
		pte_t *pte = pte_offset(mm, addr);

		next = table_end(addr, end);
		if (pte)
			zap_table(&g, pte, addr, next);
	}
	gather_finish(&g);
}

/* --- mremap and mprotect ---------------------------------------------------------------------- */

uint32_t move_page_tables(struct vm_area_struct *vma, vaddr_t old_addr,
			  struct vm_area_struct *new_vma, vaddr_t new_addr, uint32_t len)
{
	struct mm_struct *mm = vma->vm_mm;
	uint32_t done = 0;

	for (; done < len; done += PAGE_SIZE) {
		pte_t *old = pte_offset(mm, old_addr + done), *new;

		if (!old) {
			/* To the last page that this table would show. */
			done += PGDIR_SIZE - PAGE_SIZE - ((old_addr + done) & ~PGDIR_MASK);
			continue;
		}
		if (pte_none(*old))
			continue;
		new = pte_alloc_map(mm, new_addr + done);
		if (!new)
			break;
		*new = *old;
		*old = 0;
	}
	if (done > len)
		done = len;
	flush_tlb_user_range(mm, old_addr, old_addr + done);
	return done;
}

/* Private pages lose their write right here and get it back by a fault: they may be shared. */
void change_protection(struct vm_area_struct *vma, vaddr_t start, vaddr_t end)
{
	bool changed = false;

	for (vaddr_t addr = start, next; addr < end; addr = next) {
		pte_t *pte = pte_offset(vma->vm_mm, addr);

		next = table_end(addr, end);
		for (; pte && addr < next; addr += PAGE_SIZE, pte++) {
			if (!pte_present(*pte))
				continue;
			*pte = pte_modify(*pte, vma->vm_page_prot);
			changed = true;
		}
	}
	if (changed)
		flush_tlb_user_range(vma->vm_mm, start, end);
}
