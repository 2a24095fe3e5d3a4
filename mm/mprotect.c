// SPDX-License-Identifier: MIT
#include "mm/arch.h"
#include "mm/errno.h"
#include "mm/mm.h"
#include "mm/vma.h"

#define PROT_SEM 0x8u /* for atomic operations: means nothing on x86 */

/*
 * Private memory that becomes writable is charged: *new_flags gets VM_ACCOUNT. It stays so while it
 * has pages; without any it loses it again, as in Linux today (2.6.32 never took it back), which
 * lets it merge with what has always been read-only. 0 or -ENOMEM.
 */
static int charge(const struct vm_area_struct *vma, uint32_t pages, uint32_t *new_flags)
{
	const uint32_t charged = VM_ACCOUNT | VM_WRITE | VM_SHARED | VM_NORESERVE;

	if (!(*new_flags & VM_WRITE)) {
		if (!vma->vm_file && !vma->anon_vma)
			*new_flags &= ~VM_ACCOUNT;
		return 0;
	}
	/*
	 * (a) RLIMIT_DATA, where what was none becomes data; what is over the limit already may
	 * stay
	 */
	if (!may_expand_vm(vma->vm_mm, *new_flags, pages) &&
	    may_expand_vm(vma->vm_mm, vma->vm_flags, pages))
		return -ENOMEM;
	/* (b) all of memory */
	if (vma->vm_flags & charged)
		return 0;
	if (!vm_enough_memory(pages))
		return -ENOMEM;
	*new_flags |= VM_ACCOUNT;
	return 0;
}

/* [start, end) of vma gets new_flags. *at becomes the VMA that has it. 0 or error. */
static int protect_part(struct vm_area_struct **at, vaddr_t start, vaddr_t end, uint32_t new_flags)
{
	struct mm_struct *mm = (*at)->vm_mm;
	const struct file *file = (*at)->vm_file;
	uint32_t old_flags = (*at)->vm_flags, pages = (end - start) >> PAGE_SHIFT;
	int err;

	if (new_flags == old_flags)
		return 0;
	err = charge(*at, pages, &new_flags);
	if (!err)
		err = vma_set_flags(at, start, end, new_flags);
	if (err)
		return err;
	vma_account(mm, old_flags, file, -(int32_t)pages);
	vma_account(mm, new_flags, file, (int32_t)pages);
	change_protection(*at, start, end);
	/* Locked memory that may be written now gets its own pages now. */
	if ((old_flags & (VM_WRITE | VM_SHARED | VM_LOCKED)) == VM_LOCKED && new_flags & VM_WRITE)
		make_pages_present(mm, start, end);
	return 0;
}

/* The VMA to begin with, by PROT_GROWSDOWN *start moved to its own. NULL: *err. */
static struct vm_area_struct *first_vma(struct mm_struct *mm, vaddr_t *start, vaddr_t end,
					uint32_t grows, int *err)
{
	struct vm_area_struct *vma = find_vma_intersection(mm, *start, end);

	*err = -ENOMEM;
	if (!vma || (!(grows & PROT_GROWSDOWN) && vma->vm_start > *start))
		return NULL;
	*err = -EINVAL;
	if (grows & PROT_GROWSUP) /* there are no such areas on x86 */
		return NULL;
	if (grows & PROT_GROWSDOWN) {
		if (!(vma->vm_flags & VM_GROWSDOWN))
			return NULL;
		*start = vma->vm_start;
	}
	return vma;
}

static int protect_range(struct vm_area_struct *vma, vaddr_t start, vaddr_t end, uint32_t prot,
			 bool read_implies_exec)
{
	for (; start < end; vma = vma->vm_next) {
		uint32_t exec = read_implies_exec && vma && vma->vm_flags & VM_MAYEXEC ? VM_EXEC
										       : 0;
		uint32_t new_flags;
		vaddr_t stop;
		int err;

		if (!vma || vma->vm_start > start)
			return -ENOMEM;
		new_flags = (vma->vm_flags & ~VM_ACCESS_FLAGS) | prot | exec;
		/* What it may have stands four bits above what it has. */
		if (new_flags & ~(new_flags >> 4) & VM_ACCESS_FLAGS)
			return -EACCES;
		stop = vma->vm_end < end ? vma->vm_end : end;
		err = protect_part(&vma, start, stop, new_flags);
		if (err)
			return err;
		/* A merge may have taken in what comes next: that had these flags already. */
		start = vma->vm_end > stop ? vma->vm_end : stop;
	}
	return 0;
}

int do_mprotect(struct mm_struct *mm, vaddr_t start, uint32_t len, uint32_t prot)
{
	const uint32_t both = PROT_GROWSDOWN | PROT_GROWSUP;
	uint32_t grows = prot & both;
	bool read_implies_exec = mm->read_implies_exec && prot & PROT_READ;
	/*
	 * A range that leaves the 4 GiB is a hole at its end: what comes before it is still done.
	 */
	uint64_t end = page_round_up((uint64_t)start + len);
	vaddr_t stop = end < TASK_SIZE ? (vaddr_t)end : TASK_SIZE;
	struct vm_area_struct *vma;
	int err;

	prot &= ~both;
	if (grows == both || start & ~PAGE_MASK)
		return -EINVAL;
	if (!len)
		return 0;
	if (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM))
		return -EINVAL;
	vma = first_vma(mm, &start, stop, grows, &err);
	if (!vma)
		return err;
	err = protect_range(vma, start, stop, prot & ~PROT_SEM, read_implies_exec);
	return err || stop == end ? err : -ENOMEM;
}
