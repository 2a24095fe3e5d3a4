// SPDX-License-Identifier: MIT
/* munmap and brk. */
#include "mm/arch.h"
#include "mm/errno.h"
#include "mm/mm.h"
#include "mm/vma.h"

/* --- munmap ----------------------------------------------------------------------------------- */

/* No VMA crosses start or end. vma is the first that ends above start, and stays that. */
static int split_both_ends(struct vm_area_struct *vma, vaddr_t start, vaddr_t end)
{
	int err;

	if (vma->vm_start < start) {
		/* Three of one: the others give as many as they take, or more. */
		err = vma_split(vma, start, true, end < vma->vm_end);
		if (err)
			return err;
	}
	while (vma && vma->vm_end < end)
		vma = vma->vm_next;
	return vma && vma->vm_start < end && vma->vm_end > end ? vma_split(vma, end, false, false)
							       : 0;
}

int do_munmap(struct mm_struct *mm, vaddr_t start, uint32_t len)
{
	struct vm_area_struct *vma, *next;
	vaddr_t end;
	int err;

	if (start & ~PAGE_MASK || start > TASK_SIZE || len > TASK_SIZE - start)
		return -EINVAL;
	end = start + page_align(len);
	if (end == start)
		return -EINVAL;
	vma = find_vma_intersection(mm, start, end);
	if (!vma)
		return 0;
	err = split_both_ends(vma, start, end);
	if (err)
		return err;
	/* Pages first: what they are anonymous by must outlive them. */
	zap_page_range(mm, start, end);
	for (; vma && vma->vm_start < end; vma = next) {
		next = vma->vm_next;
		vma_account(mm, vma->vm_flags, vma->vm_file, -(int32_t)vma_pages(vma));
		vma_remove(vma);
	}
	free_pgtables(mm, start, end);
	return 0;
}

/* --- brk -------------------------------------------------------------------------------------- */

/* An anonymous area in a place that is free. 0 or error. */
static int map_anonymous(struct mm_struct *mm, vaddr_t addr, uint32_t len)
{
	uint32_t vm_flags = VM_DATA_FLAGS | mm->def_flags;

	if (mm->read_implies_exec)
		vm_flags |= VM_EXEC;
	if (IS_ERR_VALUE(get_unmapped_area(mm, addr, len, MAP_FIXED)))
		return -ENOMEM;
	if (!mlock_future_ok(mm, vm_flags, len))
		return -EAGAIN;
	if (mm->map_count > DEFAULT_MAX_MAP_COUNT)
		return -ENOMEM;
	return mmap_region(mm, NULL, addr, len, vm_flags, PFN_DOWN(addr));
}

int do_brk_area(struct mm_struct *mm, vaddr_t addr, uint32_t len)
{
	uint32_t bytes = page_align(len);
	int err;

	if (bytes < len)
		return -ENOMEM;
	if (!bytes)
		return 0;
	err = map_anonymous(mm, addr, bytes);
	if (!err && mm->def_flags & VM_LOCKED)
		make_pages_present(mm, addr, addr + bytes);
	return err;
}

/* With what exec counted as data, within RLIMIT_DATA? */
static bool data_limit_ok(const struct mm_struct *mm, vaddr_t brk)
{
	uint64_t data = (uint64_t)(brk - mm->start_brk) + (mm->end_data - mm->start_data);

	return mm->rlim_data == UINT32_MAX || data <= mm->rlim_data;
}

/* A page stays free above the heap, or the guard gap of a stack. */
static bool room_above(struct mm_struct *mm, vaddr_t old_end, vaddr_t new_end)
{
	const struct vm_area_struct *next = find_vma(mm, old_end);

	return !next || new_end + PAGE_SIZE <= vm_start_gap(next);
}

vaddr_t do_brk_call(struct mm_struct *mm, vaddr_t brk)
{
	vaddr_t old_end = page_align(mm->brk), new_end = page_align(brk);

	if (brk < mm->start_brk || !data_limit_ok(mm, brk))
		return mm->brk;
	if (brk <= mm->brk || new_end == old_end) {
		if (new_end != old_end && do_munmap(mm, new_end, old_end - new_end))
			return mm->brk;
		mm->brk = brk;
		return brk;
	}
	if (new_end < old_end || new_end > TASK_SIZE || !room_above(mm, old_end, new_end) ||
	    do_brk_area(mm, old_end, new_end - old_end))
		return mm->brk;
	mm->brk = brk;
	return brk;
}
