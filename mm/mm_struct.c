// SPDX-License-Identifier: MIT
#include "mm/arch.h"
#include "mm/errno.h"
#include "mm/mm.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "mm/slub.h"
#include "mm/vma.h"

/*
 * How far below the stack's top mappings begin, at least and at most (Linux, arch/x86/mm/mmap.c).
 */
#define MMAP_GAP_MIN (128u << 20)
#define MMAP_GAP_MAX (TASK_SIZE / 6 * 5)

#define DEFAULT_RLIMIT_STACK (8u << 20)
#define DEFAULT_RLIMIT_MEMLOCK (8u << 20)

struct list_head mm_list = LIST_HEAD_INIT(mm_list);

static struct kmem_cache *mm_cache;

void proc_caches_init(void)
{
	list_init(&mm_list);
	mm_cache = kmem_cache_create("mm_struct", sizeof(struct mm_struct), 0, SLAB_PANIC, NULL);
	vma_cache_init();
}

/* --- page directories ------------------------------------------------------------------------- */

static void count_table(struct page *page, int n)
{
	uint32_t flags = arch_irq_save();

	page_zone(page)->stat[NR_PAGETABLE] += n;
	arch_irq_restore(flags);
}

/* The user's half empty, the kernel's as it is now; what comes later, vmalloc_fault() brings. */
static pte_t *pgd_alloc(void)
{
	const unsigned first = pgd_index(PAGE_OFFSET);
	pte_t *pgd = __get_free_pages(GFP_KERNEL, 0);

	if (!pgd)
		return NULL;
	memset(pgd, 0, first * sizeof(*pgd));
	memcpy(pgd + first, arch_kernel_pgd() + first, (PTRS_PER_PGD - first) * sizeof(*pgd));
	page_set_state(virt_to_page(pgd), PAGE_TABLE);
	count_table(virt_to_page(pgd), 1);
	return pgd;
}

static void pgd_free(pte_t *pgd)
{
	count_table(virt_to_page(pgd), -1);
	page_set_state(virt_to_page(pgd), PAGE_USED);
	free_pages(pgd, 0);
}

/* --- birth ------------------------------------------------------------------------------------ */

void mm_pick_layout(struct mm_struct *mm)
{
	const uint32_t guard = STACK_GUARD_GAP_PAGES << PAGE_SHIFT;
	uint32_t gap = mm->rlim_stack;

	mm->mmap_legacy = mm->rlim_stack == UINT32_MAX;
	if (mm->mmap_legacy) {
		mm->mmap_base = TASK_UNMAPPED_BASE;
		return;
	}
	if (gap + guard > gap)
		gap += guard;
	if (gap < MMAP_GAP_MIN)
		gap = MMAP_GAP_MIN;
	if (gap > MMAP_GAP_MAX)
		gap = MMAP_GAP_MAX;
	mm->mmap_base = page_align(TASK_SIZE - gap);
}

struct mm_struct *mm_alloc(void)
{
	struct mm_struct *mm = kmem_cache_alloc(mm_cache, GFP_KERNEL | __GFP_ZERO);

	if (!mm)
		return NULL;
	mm->pgd = pgd_alloc();
	if (!mm->pgd) {
		kmem_cache_free(mm_cache, mm);
		return NULL;
	}
	vma_tree_init(mm);
	mm->mm_users = 1;
	mm->rlim_stack = DEFAULT_RLIMIT_STACK;
	mm->rlim_memlock = DEFAULT_RLIMIT_MEMLOCK;
	mm->rlim_data = mm->rlim_as = UINT32_MAX;
	mm_pick_layout(mm);
	list_add_tail(&mm->mmlist, &mm_list);
	return mm;
}

/* --- fork ------------------------------------------------------------------------------------- */

static void copy_layout(struct mm_struct *mm, const struct mm_struct *old)
{
	mm->mmap_base = old->mmap_base;
	mm->mmap_legacy = old->mmap_legacy;
	mm->read_implies_exec = old->read_implies_exec;
	mm->start_code = old->start_code;
	mm->end_code = old->end_code;
	mm->start_data = old->start_data;
	mm->end_data = old->end_data;
	mm->start_brk = old->start_brk;
	mm->brk = old->brk;
	mm->start_stack = old->start_stack;
	mm->arg_start = old->arg_start;
	mm->arg_end = old->arg_end;
	mm->env_start = old->env_start;
	mm->env_end = old->env_end;
	mm->rlim_stack = old->rlim_stack;
	mm->rlim_data = old->rlim_data;
	mm->rlim_as = old->rlim_as;
	mm->rlim_memlock = old->rlim_memlock;
	memcpy(mm->saved_auxv, old->saved_auxv, sizeof(mm->saved_auxv));
	if (old->exe_file)
		mm->exe_file = get_file(old->exe_file);
}

/* *last is the child's highest so far. Locks are not inherited. */
static int dup_vma(struct mm_struct *mm, struct mm_struct *old, struct vm_area_struct *vma,
		   struct vm_area_struct **last)
{
	struct vm_area_struct *new;

	if (vma->vm_flags & VM_ACCOUNT && !vm_enough_memory(vma_pages(vma)))
		return -ENOMEM;
	new = vma_dup(vma);
	if (!new)
		return -ENOMEM;
	new->vm_mm = mm;
	new->vm_flags &= ~VM_LOCKED;
	vma_link(mm, new, *last);
	*last = new;
	vma_account(mm, new->vm_flags, new->vm_file, (int32_t)vma_pages(new));
	if (vma->vm_flags & VM_WIPEONFORK)
		return 0;
	if (vma->anon_vma)
		anon_vma_link(new, vma);
	return copy_page_range(mm, old, vma);
}

struct mm_struct *dup_mm(struct mm_struct *old)
{
	struct mm_struct *mm = mm_alloc();
	struct vm_area_struct *last = NULL;
	int err = 0;

	if (!mm)
		return NULL;
	copy_layout(mm, old);
	for (struct vm_area_struct *vma = old->mmap; vma && !err; vma = vma->vm_next)
		if (!(vma->vm_flags & VM_DONTCOPY))
			err = dup_vma(mm, old, vma, &last);
	/* Even a fork that failed has taken the right to write from the parent's pages. */
	flush_tlb_mm(old);
	if (err) {
		mmput(mm);
		return NULL;
	}
	mm->hiwater_rss = mm->rss[MM_FILEPAGES] + mm->rss[MM_ANONPAGES];
	mm->hiwater_vm = mm->total_vm;
	return mm;
}

/* --- the end ---------------------------------------------------------------------------------- */

void exit_mmap(struct mm_struct *mm)
{
	/*
	 * Pages first: what they are anonymous by must outlive them. Tables are as full as VMAs are
	 * long.
	 */
	for (struct vm_area_struct *vma = mm->mmap; vma; vma = vma->vm_next)
		zap_page_range(mm, vma->vm_start, vma->vm_end);
	while (mm->mmap) {
		struct vm_area_struct *vma = mm->mmap;
		vaddr_t start = vma->vm_start, end = vma->vm_end;

		vma_account(mm, vma->vm_flags, vma->vm_file, -(int32_t)vma_pages(vma));
		vma_remove(vma);
		free_pgtables(mm, start, end);
	}
}

void mmput(struct mm_struct *mm)
{
	if (--mm->mm_users)
		return;
	exit_mmap(mm);
	if (mm->exe_file)
		fput(mm->exe_file);
	list_del(&mm->mmlist);
	pgd_free(mm->pgd);
	kmem_cache_free(mm_cache, mm);
}
