// SPDX-License-Identifier: MIT
/*
 * mremap: shrink, grow in place, or move, as Linux does it today (6.17: a move that does not change
 * the size takes all VMAs of its range along).
 *
 * Lengths are whole pages. old_len may be 4 GiB, what a length above the last page is rounded up
 * to.
 */
#include "mm/arch.h"
#include "mm/errno.h"
#include "mm/mm.h"
#include "mm/rmap.h"
#include "mm/vma.h"

/* A move may cut three VMAs into more; it does not begin near the limit. */
#define MAPS_A_MOVE_NEEDS 3

struct remap {
	struct mm_struct *mm;
	vaddr_t addr, new_addr;
	uint64_t old_len;
	uint32_t new_len;
	uint32_t flags; /* MREMAP_* */
};

/* Is the new address the caller's, or at least not that of growth in place? */
static bool is_placed(const struct remap *r)
{
	return r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP);
}

/* --- checks, in Linux's order ----------------------------------------------------------------- */

static int check_arguments(const struct remap *r)
{
	if (r->flags & ~(uint32_t)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP) ||
	    r->addr & ~PAGE_MASK || !r->new_len || r->new_len > TASK_SIZE)
		return -EINVAL;
	if (!is_placed(r))
		return 0;
	if (r->new_addr > TASK_SIZE - r->new_len || r->new_addr & ~PAGE_MASK ||
	    !(r->flags & MREMAP_MAYMOVE) ||
	    (r->flags & MREMAP_DONTUNMAP && r->old_len != r->new_len))
		return -EINVAL;
	/* The places may not overlap. */
	if (r->addr + r->old_len > r->new_addr && r->new_addr + r->new_len > r->addr)
		return -EINVAL;
	return r->mm->map_count + 2 >= DEFAULT_MAX_MAP_COUNT - MAPS_A_MOVE_NEEDS ? -ENOMEM : 0;
}

/* What is more than before, of a VMA that may grow by it. */
static int check_growth(const struct remap *r, const struct vm_area_struct *vma)
{
	uint32_t more = r->new_len - (uint32_t)r->old_len;
	uint32_t pgoff = vma->vm_pgoff + ((r->addr - vma->vm_start) >> PAGE_SHIFT);

	if (pgoff + (r->new_len >> PAGE_SHIFT) < pgoff)
		return -EINVAL;
	if (vma->vm_flags & VM_DONTEXPAND)
		return -EFAULT;
	if (!mlock_future_ok(r->mm, vma->vm_flags, more))
		return -EAGAIN;
	return may_expand_vm(r->mm, vma->vm_flags, more >> PAGE_SHIFT) ? 0 : -ENOMEM;
}

static int check_vma(const struct remap *r, const struct vm_area_struct *vma)
{
	uint64_t kept = r->old_len < r->new_len ? r->old_len : r->new_len;

	if (!vma || vma->vm_start > r->addr)
		return -EFAULT;
	/* Old length 0 asks for a second view, which only shared memory can have. */
	if (!r->old_len && !(vma->vm_flags & (VM_SHARED | VM_MAYSHARE)))
		return -EINVAL;
	/* Shrinking in place only unmaps: across VMAs, too. */
	if (!is_placed(r) && r->new_len <= r->old_len)
		return 0;
	if (kept > vma->vm_end - r->addr)
		return -EFAULT;
	return r->new_len > r->old_len ? check_growth(r, vma) : 0;
}

/* --- move ------------------------------------------------------------------------------------- */

/*
 * A VMA like `vma`, which has r->addr, at r->new_addr: a new one, or a neighbour there that grew.
 * That may be `vma` itself, or it became part of a neighbour: the caller looks it up again.
 */
static struct vm_area_struct *copy_vma(const struct remap *r, struct vm_area_struct *vma)
{
	uint32_t pgoff = vma->vm_pgoff + ((r->addr - vma->vm_start) >> PAGE_SHIFT);
	struct anon_vma *anon_vma = vma->anon_vma;
	struct vm_area_struct *prev, *new;

	/* Without pages nothing holds anonymous memory to its old offset. */
	if (!vma->vm_file && !anon_vma)
		pgoff = PFN_DOWN(r->new_addr);
	find_vma_prev(r->mm, r->new_addr, &prev);
	new = vma_merge(r->mm, prev, r->new_addr, r->new_addr + r->new_len, vma->vm_flags, anon_vma,
			vma->vm_file, pgoff);
	if (!new) {
		new = vma_dup(vma);
		if (!new)
			return NULL;
		new->vm_start = r->new_addr;
		new->vm_end = r->new_addr + r->new_len;
		new->vm_pgoff = pgoff;
		vma_link(r->mm, new, prev);
	}
	/* With pages, vma is still there: their offsets do not go on from where it lies itself. */
	if (anon_vma && !new->anon_vma)
		anon_vma_link(new, vma);
	return new;
}

/* MREMAP_DONTUNMAP: the old VMA stays, empty and not locked. */
static void leave_empty(const struct remap *r, struct vm_area_struct *old)
{
	int32_t pages = (int32_t)vma_pages(old);

	if (old->vm_flags & VM_LOCKED) {
		vma_account(r->mm, old->vm_flags, old->vm_file, -pages);
		old->vm_flags &= ~VM_LOCKED;
		vma_account(r->mm, old->vm_flags, old->vm_file, pages);
	}
	if (old->vm_start == r->addr && old->vm_end == r->addr + r->old_len)
		anon_vma_unlink(old);
}

/* The pages go to r->new_addr, which is free. 0 or error. */
static int move_vma(const struct remap *r, struct vm_area_struct *vma)
{
	uint32_t vm_flags = vma->vm_flags, old_len = (uint32_t)r->old_len, moved;
	const struct file *file = vma->vm_file;
	struct vm_area_struct *new;

	if (r->mm->map_count >= DEFAULT_MAX_MAP_COUNT - MAPS_A_MOVE_NEEDS)
		return -ENOMEM;
	if (vm_flags & VM_ACCOUNT && !vm_enough_memory(r->new_len >> PAGE_SHIFT))
		return -ENOMEM;
	new = copy_vma(r, vma);
	if (!new)
		return -ENOMEM;
	vma = find_vma(r->mm, r->addr);
	vma_account(r->mm, vm_flags, file, (int32_t)(r->new_len >> PAGE_SHIFT));
	moved = move_page_tables(vma, r->addr, new, r->new_addr, old_len);
	if (moved < old_len) {
		/*
		 * No memory for tables. The old ones are still there, so that the way back needs
		 * none.
		 */
		move_page_tables(new, r->new_addr, vma, r->addr, moved);
		do_munmap(r->mm, r->new_addr, r->new_len);
		return -ENOMEM;
	}
	if (r->flags & MREMAP_DONTUNMAP)
		leave_empty(r, vma);
	else if (old_len) /* if that fails, an empty mapping is left, as in Linux */
		do_munmap(r->mm, r->addr, old_len);
	if (vm_flags & VM_LOCKED && r->new_len > old_len)
		make_pages_present(r->mm, r->new_addr + old_len, r->new_addr + r->new_len);
	return 0;
}

/* To r->new_addr (a hint, without MREMAP_FIXED). New address or error. */
static uint32_t move_to(struct remap *r)
{
	uint32_t fixed = r->flags & MREMAP_FIXED ? MAP_FIXED : 0;
	struct vm_area_struct *vma;
	uint32_t addr;
	int err = 0;

	if (fixed)
		err = do_munmap(r->mm, r->new_addr, r->new_len);
	if (!err && r->new_len < r->old_len) {
		err = do_munmap(r->mm, r->addr + r->new_len, (uint32_t)r->old_len - r->new_len);
		r->old_len = r->new_len;
	}
	if (err)
		return (uint32_t)err;
	vma = find_vma(r->mm, r->addr);
	if (r->flags & MREMAP_DONTUNMAP &&
	    !may_expand_vm(r->mm, vma->vm_flags, (uint32_t)r->old_len >> PAGE_SHIFT))
		return (uint32_t)-ENOMEM;
	addr = get_unmapped_area(r->mm, r->new_addr, r->new_len, fixed);
	if (IS_ERR_VALUE(addr))
		return addr;
	r->new_addr = addr;
	err = move_vma(r, vma);
	return err ? (uint32_t)err : addr;
}

/* --- grow ------------------------------------------------------------------------------------- */

/* (a) the old part is the end of the VMA, (b) nothing is behind it, (c) user space does not end. */
static bool can_grow_in_place(const struct remap *r, const struct vm_area_struct *vma)
{
	uint32_t more = r->new_len - (uint32_t)r->old_len;

	return vma->vm_end - r->addr == r->old_len &&				 /* (a) */
	       !find_vma_intersection(r->mm, vma->vm_end, vma->vm_end + more) && /* (b) */
	       more <= TASK_SIZE - vma->vm_end;					 /* (c) */
}

static int grow_in_place(const struct remap *r, struct vm_area_struct *vma)
{
	vaddr_t start = vma->vm_end, end = r->addr + r->new_len;
	uint32_t vm_flags = vma->vm_flags, pages = (end - start) >> PAGE_SHIFT;
	const struct file *file = vma->vm_file;

	if (vm_flags & VM_ACCOUNT && !vm_enough_memory(pages))
		return -ENOMEM;
	/* As a part that is mapped behind it: it merges, and perhaps with what follows, too. */
	vma_merge(r->mm, vma, start, end, vm_flags, vma->anon_vma, vma->vm_file,
		  vma->vm_pgoff + vma_pages(vma));
	vma_account(r->mm, vm_flags, file, (int32_t)pages);
	if (vm_flags & VM_LOCKED)
		make_pages_present(r->mm, start, end);
	return 0;
}

/* --- mremap ----------------------------------------------------------------------------------- */

static uint32_t remap_one(struct remap *r)
{
	struct vm_area_struct *vma = find_vma(r->mm, r->addr);
	int err = check_vma(r, vma);

	if (err)
		return (uint32_t)err;
	if (is_placed(r))
		return move_to(r);
	if (r->new_len < r->old_len)
		err = do_munmap(r->mm, r->addr + r->new_len, (uint32_t)(r->old_len - r->new_len));
	if (r->new_len <= r->old_len)
		return err ? (uint32_t)err : r->addr;
	if (can_grow_in_place(r, vma)) {
		err = grow_in_place(r, vma);
		return err ? (uint32_t)err : r->addr;
	}
	if (!(r->flags & MREMAP_MAYMOVE))
		return (uint32_t)-ENOMEM;
	r->new_addr = 0;
	return move_to(r);
}

/* Everything in the range, holes kept. The first page is no hole. */
static uint32_t remap_all(const struct remap *r)
{
	uint64_t limit = r->addr + r->old_len;
	vaddr_t end = limit < TASK_SIZE ? (vaddr_t)limit : TASK_SIZE, next = r->addr;
	struct vm_area_struct *vma;

	while (next < end && (vma = find_vma_intersection(r->mm, next, end))) {
		vaddr_t start = vma->vm_start > next ? vma->vm_start : next;
		struct remap part = *r;
		uint32_t moved;

		if (next == r->addr && start > next)
			return (uint32_t)-EFAULT;
		next = vma->vm_end < end ? vma->vm_end : end;
		part.addr = start;
		part.new_addr = r->new_addr + (start - r->addr);
		part.old_len = part.new_len = next - start;
		moved = remap_one(&part);
		if (IS_ERR_VALUE(moved))
			return moved;
	}
	return next == r->addr ? (uint32_t)-EFAULT : r->new_addr;
}

uint32_t do_mremap(struct mm_struct *mm, vaddr_t addr, uint32_t old_len, uint32_t new_len,
		   uint32_t flags, vaddr_t new_addr)
{
	struct remap r = {
		.mm = mm,
		.addr = addr,
		.old_len = page_round_up(old_len),
		.new_len = page_align(new_len),
		.flags = flags,
		.new_addr = new_addr,
	};
	int err = check_arguments(&r);

	if (err)
		return (uint32_t)err;
	return flags & MREMAP_FIXED && r.old_len == r.new_len ? remap_all(&r) : remap_one(&r);
}
