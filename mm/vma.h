/* SPDX-License-Identifier: MIT */
/*
 * How the files behind mm.h's system calls change the VMAs of a space: vma.c's inside.
 *
 * All of it works on whole pages. An mm is changed by one task at a time (mm_types.h), so there are
 * no locks. Pages and page tables are the caller's business: these functions change the VMAs alone.
 */
#ifndef MM_VMA_H
#define MM_VMA_H

#include "mm/mm_types.h"

static inline uint32_t vma_pages(const struct vm_area_struct *vma)
{
	return (vma->vm_end - vma->vm_start) >> PAGE_SHIFT;
}

/* What mprotect and mmap check and charge: private memory that can be written. */
static inline bool is_data_mapping(uint32_t vm_flags)
{
	return (vm_flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE;
}

/* Rounded up; 0 for what lies above the last page of 4 GiB. */
static inline uint32_t page_align(uint32_t bytes)
{
	return (bytes + PAGE_SIZE - 1) & PAGE_MASK;
}

/*
 * The same without an end. A range that leaves the 4 GiB is for mprotect, mlock, msync and madvise
 * one with a hole at its end, as for the 32-bit programs of a 64-bit Linux; an i386 one would
 * refuse some.
 */
static inline uint64_t page_round_up(uint64_t bytes)
{
	return (bytes + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
}

/* The cache of VMAs, once; the tree of a new mm. */
void vma_cache_init(void);
void vma_tree_init(struct mm_struct *mm);

/* A VMA of mm that is in none of its structures, all but vm_mm zero. NULL: no memory. */
struct vm_area_struct *vma_alloc(struct mm_struct *mm);
/* A copy of vma, not linked; it has a reference to the file and no anon_vma. NULL: no memory. */
struct vm_area_struct *vma_dup(const struct vm_area_struct *vma);
/* One that is not linked: its file is put. */
void vma_free(struct vm_area_struct *vma);

/*
 * Into list, tree and the file's mapping, behind prev (NULL: it is the lowest). Nothing overlaps
 * it. Counts (vma_account) are the caller's.
 */
void vma_link(struct mm_struct *mm, struct vm_area_struct *vma, struct vm_area_struct *prev);
/* Out of all of them, out of its anon_vma, and freed. */
void vma_remove(struct vm_area_struct *vma);
/* `pages` more (less, if negative) of that kind in total_vm and its parts. */
void vma_account(struct mm_struct *mm, uint32_t vm_flags, const struct file *file, int32_t pages);

/*
 * Let what stands for [addr, end) with these attributes be part of the neighbours. prev is the last
 * VMA that begins below addr, NULL if there is none. Returns the VMA that has it now, or NULL:
 * nothing changed. The drawing is in vma.c.
 */
struct vm_area_struct *vma_merge(struct mm_struct *mm, struct vm_area_struct *prev, vaddr_t addr,
				 vaddr_t end, uint32_t vm_flags, struct anon_vma *anon_vma,
				 struct file *file, uint32_t pgoff);

/*
 * Two VMAs out of one, at addr strictly inside. new_below: the new one is the lower part, else the
 * upper. 0 or -ENOMEM, that also at the limit of maps when `limited`.
 */
int vma_split(struct vm_area_struct *vma, vaddr_t addr, bool new_below, bool limited);

/*
 * vma's part [start, end) gets new_flags: merged with a neighbour, or cut out. *vma becomes the VMA
 * that has the part. 0 or -ENOMEM; nothing but cuts has changed then. vm_page_prot is brought up to
 * date, PTEs and counts are not.
 */
int vma_set_flags(struct vm_area_struct **vma, vaddr_t start, vaddr_t end, uint32_t new_flags);

/* Bytes of the hole below vma that may be used: what vma->gap must be. */
uint32_t vma_gap_below(const struct vm_area_struct *vma);
/*
 * The highest (lowest) address in [low, high) where len bytes are free, guard gaps of stacks kept;
 * 0: there is none. low is not 0.
 */
vaddr_t vma_find_hole(struct mm_struct *mm, vaddr_t low, vaddr_t high, uint32_t len, bool topdown);
/*
 * A mapping with these attributes at [addr, addr + len), which is page-aligned and below TASK_SIZE;
 * what was there goes. 0 or error (mmap.c).
 */
int mmap_region(struct mm_struct *mm, struct file *file, vaddr_t addr, uint32_t len,
		uint32_t vm_flags, uint32_t pgoff);
/*
 * Address of a hole as mmap finds one, or -ENOMEM, -EINVAL, -EPERM (mmap.c). flags: MAP_FIXED
 * alone.
 */
uint32_t get_unmapped_area(struct mm_struct *mm, vaddr_t addr, uint32_t len, uint32_t flags);

#endif
