// SPDX-License-Identifier: MIT
/*
 * mlock and its kin. No process is privileged: RLIMIT_MEMLOCK holds for all, also where Linux lets
 * CAP_IPC_LOCK pass.
 */
#include "mm/arch.h"
#include "mm/errno.h"
#include "mm/mm.h"
#include "mm/vma.h"

/*
 * [start, end) of vma is locked or not from now on. *at becomes the VMA that has it. 0 or -ENOMEM.
 */
static int lock_part(struct vm_area_struct **at, vaddr_t start, vaddr_t end, bool on)
{
	struct vm_area_struct *vma = *at;
	uint32_t new_flags = on ? vma->vm_flags | VM_LOCKED : vma->vm_flags & ~VM_LOCKED;
	struct mm_struct *mm = vma->vm_mm;
	uint32_t pages = (end - start) >> PAGE_SHIFT;
	int err;

	if (new_flags == vma->vm_flags)
		return 0;
	err = vma_set_flags(at, start, end, new_flags);
	if (err)
		return err;
	mm->locked_vm += on ? pages : -pages;
	return 0;
}

/* Up to the first hole. end may be above user space, which is one. */
static int lock_range(struct mm_struct *mm, vaddr_t start, uint64_t end, bool on)
{
	struct vm_area_struct *vma = find_vma(mm, start);

	for (uint64_t addr = start; addr < end; vma = vma->vm_next) {
		uint64_t stop;
		int err;

		if (!vma || vma->vm_start > addr)
			return -ENOMEM;
		stop = vma->vm_end < end ? vma->vm_end : end;
		err = lock_part(&vma, (vaddr_t)addr, (vaddr_t)stop, on);
		if (err)
			return err;
		/* A merge may have taken in what comes next: that was so already. */
		addr = vma->vm_end > stop ? vma->vm_end : stop;
	}
	return 0;
}

/* Pages of [start, end) that are locked already: they do not count twice. */
static uint32_t count_locked(struct mm_struct *mm, vaddr_t start, uint64_t end)
{
	uint32_t pages = 0;

	for (const struct vm_area_struct *vma = find_vma(mm, start); vma && vma->vm_start < end;
	     vma = vma->vm_next)
		if (vma->vm_flags & VM_LOCKED)
			pages += PFN_DOWN((vma->vm_end < end ? vma->vm_end : end) -
					  (vma->vm_start > start ? vma->vm_start : start));
	return pages;
}

int do_mlock(struct mm_struct *mm, vaddr_t start, uint32_t len, bool on)
{
	uint64_t end = page_round_up((uint64_t)start + len);
	uint32_t limit = mm->rlim_memlock >> PAGE_SHIFT;
	uint64_t locked;
	int err;

	start &= PAGE_MASK;
	if (!on)
		return lock_range(mm, start, end, false);
	if (!mm->rlim_memlock)
		return -EPERM;
	locked = mm->locked_vm + ((end - start) >> PAGE_SHIFT) - count_locked(mm, start, end);
	if (mm->rlim_memlock != UINT32_MAX && locked > limit)
		return -ENOMEM;
	err = lock_range(mm, start, end, true);
	if (err)
		return err;
	err = make_pages_present(mm, start, (vaddr_t)end);
	/*
	 * POSIX's names: what cannot be there (PROT_NONE, past the end of a file), and no memory.
	 */
	return err == -EFAULT ? -ENOMEM : err ? -EAGAIN : 0;
}

/* All VMAs; one that cannot be had keeps its state, and nobody is told, as in Linux. */
static void lock_all(struct mm_struct *mm, bool on)
{
	for (struct vm_area_struct *vma = mm->mmap; vma; vma = vma->vm_next)
		lock_part(&vma, vma->vm_start, vma->vm_end, on);
}

int do_mlockall(struct mm_struct *mm, uint32_t flags)
{
	if (!flags || flags & ~(uint32_t)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) ||
	    flags == MCL_ONFAULT)
		return -EINVAL;
	if (!mm->rlim_memlock)
		return -EPERM;
	if (flags & MCL_CURRENT && mm->rlim_memlock != UINT32_MAX &&
	    mm->total_vm > mm->rlim_memlock >> PAGE_SHIFT)
		return -ENOMEM;
	mm->def_flags = flags & MCL_FUTURE ? VM_LOCKED : 0;
	if (!(flags & MCL_CURRENT))
		return 0;
	lock_all(mm, true);
	if (flags & MCL_ONFAULT)
		return 0;
	for (const struct vm_area_struct *vma = mm->mmap; vma; vma = vma->vm_next)
		make_pages_present(mm, vma->vm_start, vma->vm_end);
	return 0;
}

int do_munlockall(struct mm_struct *mm)
{
	mm->def_flags = 0;
	lock_all(mm, false);
	return 0;
}
