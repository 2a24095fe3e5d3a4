// SPDX-License-Identifier: MIT
/* madvise, mincore and msync. */
#include "mm/arch.h"
#include "mm/errno.h"
#include "mm/filemap.h"
#include "mm/mm.h"
#include "mm/user_pages.h"
#include "mm/vma.h"

/* --- madvise ---------------------------------------------------------------------------------- */

/* Pages are given back: read as zeros, or as the file, from now on. Locked ones may not. */
static int dont_need(struct vm_area_struct *vma, vaddr_t start, vaddr_t end)
{
	if (vma->vm_flags & VM_LOCKED)
		return -EINVAL;
	zap_page_range(vma->vm_mm, start, end);
	return 0;
}

static int dont_need_locked(struct vm_area_struct *vma, vaddr_t start, vaddr_t end)
{
	zap_page_range(vma->vm_mm, start, end);
	return 0;
}

/* They may be given back any time until they are written again: now. */
static int may_free(struct vm_area_struct *vma, vaddr_t start, vaddr_t end)
{
	return vma->vm_file ? -EINVAL : dont_need(vma, start, end);
}

/* Pages of a file are read ahead; if that fails, they will be missed when they are needed. */
static int will_need(struct vm_area_struct *vma, vaddr_t start, vaddr_t end)
{
	struct address_space *mapping = vma->vm_file ? vma->vm_file->f_mapping : NULL;
	uint32_t pages = mapping ? (uint32_t)((mapping->i_size + PAGE_SIZE - 1) >> PAGE_SHIFT) : 0;
	uint32_t index = linear_page_index(vma, start), last = index + PFN_DOWN(end - start);

	for (; index < last && index < pages; index++) {
		bool major;
		int err;
		struct page *page = read_mapping_page(mapping, index, &major, &err);

		if (!page)
			break;
		put_page(page);
	}
	return 0;
}

/* No page is old before there is reclaim; locked ones never are. */
static int is_cold(struct vm_area_struct *vma, vaddr_t start, vaddr_t end)
{
	return vma->vm_flags & VM_LOCKED ? -EINVAL : 0;
}

static int wipe_on_fork(struct vm_area_struct *vma, vaddr_t start, vaddr_t end)
{
	return vma->vm_file ? -EINVAL : 0;
}

/* Pages are brought in now, which the VMA must permit; those of a range up to what cannot be. */
static int populate(struct mm_struct *mm, vaddr_t start, vaddr_t end, bool write)
{
	for (; start < end; start += PAGE_SIZE) {
		struct vm_area_struct *vma = find_vma_intersection(mm, start, start + 1);
		int err;

		if (!vma)
			return -ENOMEM;
		if (!(vma->vm_flags & (write ? VM_WRITE : VM_READ)))
			return -EINVAL;
		err = fault_in_page(vma, start, write);
		if (err)
			return err;
	}
	return 0;
}

/*
 * What an advice does: a function, if it has one, then flags that change. Those about huge pages
 * and about merging of equal pages are unknown, as to a Linux built without them.
 */
static const struct advice {
	int number;
	int (*fn)(struct vm_area_struct *vma, vaddr_t start, vaddr_t end);
	uint32_t clear, set;
} advices[] = {
	{ MADV_NORMAL, NULL, VM_RAND_READ | VM_SEQ_READ, 0 },
	{ MADV_RANDOM, NULL, VM_SEQ_READ, VM_RAND_READ },
	{ MADV_SEQUENTIAL, NULL, VM_RAND_READ, VM_SEQ_READ },
	{ MADV_WILLNEED, will_need, 0, 0 },
	{ MADV_DONTNEED, dont_need, 0, 0 },
	{ MADV_DONTNEED_LOCKED, dont_need_locked, 0, 0 },
	{ MADV_FREE, may_free, 0, 0 },
	{ MADV_DONTFORK, NULL, 0, VM_DONTCOPY },
	{ MADV_DOFORK, NULL, VM_DONTCOPY, 0 },
	{ MADV_WIPEONFORK, wipe_on_fork, 0, VM_WIPEONFORK },
	{ MADV_KEEPONFORK, NULL, VM_WIPEONFORK, 0 },
	{ MADV_DONTDUMP, NULL, 0, VM_DONTDUMP },
	{ MADV_DODUMP, NULL, VM_DONTDUMP, 0 },
	{ MADV_COLD, is_cold, 0, 0 },
	{ MADV_PAGEOUT, is_cold, 0, 0 },
};

static const struct advice *find_advice(int number)
{
	for (unsigned n = 0; n < ARRAY_SIZE(advices); n++)
		if (advices[n].number == number)
			return &advices[n];
	return NULL;
}

static int advise_part(struct vm_area_struct *vma, vaddr_t start, vaddr_t end,
		       const struct advice *advice)
{
	uint32_t new_flags = (vma->vm_flags & ~advice->clear) | advice->set;
	int err = advice->fn ? advice->fn(vma, start, end) : 0;

	if (err || new_flags == vma->vm_flags)
		return err;
	/* None of these flags counts anywhere. */
	return vma_set_flags(&vma, start, end, new_flags) ? -EAGAIN : 0;
}

int do_madvise(struct mm_struct *mm, vaddr_t start, uint32_t len, int number)
{
	const bool populates = number == MADV_POPULATE_READ || number == MADV_POPULATE_WRITE;
	const struct advice *advice = find_advice(number);
	/*
	 * What reaches beyond user space has a hole at its end, as for a 64-bit kernel's 32-bit
	 * programs.
	 */
	uint64_t asked = page_round_up((uint64_t)start + len);
	vaddr_t end = asked < TASK_SIZE ? (vaddr_t)asked : TASK_SIZE;
	int holes = asked > TASK_SIZE ? -ENOMEM : 0, err;

	if ((!advice && !populates) || start & ~PAGE_MASK)
		return -EINVAL;
	if (!len)
		return 0;
	if (populates) {
		err = populate(mm, start, end, number == MADV_POPULATE_WRITE);
		return err ? err : holes;
	}
	/* Holes are told at the end, when all that is there has been advised. */
	while (start < end) {
		struct vm_area_struct *vma = find_vma(mm, start);
		vaddr_t stop;

		if (!vma)
			return -ENOMEM;
		if (vma->vm_start > start) {
			holes = -ENOMEM;
			start = vma->vm_start;
			if (start >= end)
				break;
		}
		stop = vma->vm_end < end ? vma->vm_end : end;
		err = advise_part(vma, start, stop, advice);
		if (err)
			return err;
		start = stop;
	}
	return holes;
}

/* --- mincore ---------------------------------------------------------------------------------- */

static bool is_resident(const struct vm_area_struct *vma, vaddr_t addr)
{
	const pte_t *pte = pte_offset(vma->vm_mm, addr);
	struct page *page;

	if (pte && pte_present(*pte))
		return true;
	if (!vma->vm_file)
		return false;
	page = find_get_page(vma->vm_file->f_mapping, linear_page_index(vma, addr));
	if (page)
		put_page(page);
	return page;
}

int do_mincore(struct mm_struct *mm, vaddr_t start, uint32_t pages, uint8_t *vec)
{
	const struct vm_area_struct *vma = find_vma(mm, start);
	uint32_t here;

	if (!vma || vma->vm_start > start)
		return -ENOMEM;
	here = (vma->vm_end - start) >> PAGE_SHIFT;
	if (here > pages)
		here = pages;
	for (uint32_t n = 0; n < here; n++)
		vec[n] = is_resident(vma, start + (n << PAGE_SHIFT));
	return (int)here;
}

/* --- msync ------------------------------------------------------------------------------------ */

/* No file is written back yet, so all that is left of msync is what it checks. */
int do_msync(struct mm_struct *mm, vaddr_t start, uint32_t len, uint32_t flags)
{
	uint64_t at = start, end = page_round_up(at + len);
	int holes = 0;

	if (flags & ~(uint32_t)(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || start & ~PAGE_MASK ||
	    (flags & MS_ASYNC && flags & MS_SYNC))
		return -EINVAL;
	while (at < end) {
		const struct vm_area_struct *vma = at < TASK_SIZE ? find_vma(mm, (vaddr_t)at)
								  : NULL;

		if (!vma)
			return -ENOMEM;
		if (vma->vm_start > at) {
			if (flags == MS_ASYNC)
				return -ENOMEM;
			holes = -ENOMEM;
			if (vma->vm_start >= end)
				break;
		}
		if (flags & MS_INVALIDATE && vma->vm_flags & VM_LOCKED)
			return -EBUSY;
		at = vma->vm_end;
	}
	return holes;
}
