// SPDX-License-Identifier: MIT
/*
 * The VMAs of a space: a list and a tree of the same nodes, in order of address.
 *
 * The tree is augmented with the largest hole of each subtree. A hole belongs to the VMA above it
 * and is computed from the list, so whenever a start, an end or a neighbour changes, the VMA above
 * is refreshed before the next change: rb_propagate() trusts that all other summaries are right.
 */
#include "mm/vma.h"

#include "mm/arch.h"
#include "mm/errno.h"
#include "mm/mm.h"
#include "mm/rmap.h"
#include "mm/slub.h"

static struct kmem_cache *vma_cache;

static struct vm_area_struct *vma_of(struct rb_node *node)
{
	return rb_entry(node, struct vm_area_struct, vm_rb);
}

/* --- holes ------------------------------------------------------------------------------------ */

vaddr_t vm_start_gap(const struct vm_area_struct *vma)
{
	const uint32_t gap = STACK_GUARD_GAP_PAGES << PAGE_SHIFT;

	if (!(vma->vm_flags & VM_GROWSDOWN))
		return vma->vm_start;
	return vma->vm_start > gap ? vma->vm_start - gap : 0;
}

uint32_t vma_gap_below(const struct vm_area_struct *vma)
{
	vaddr_t start = vma->vm_prev ? vma->vm_prev->vm_end : 0, end = vm_start_gap(vma);

	return end > start ? end - start : 0;
}

static uint32_t subtree_gap(const struct rb_node *node)
{
	return node ? rb_entry(node, struct vm_area_struct, vm_rb)->subtree_gap : 0;
}

static bool update_subtree_gap(struct rb_node *node)
{
	struct vm_area_struct *vma = vma_of(node);
	uint32_t left = subtree_gap(node->child[RB_LEFT]), largest = vma->gap;
	uint32_t right = subtree_gap(node->child[RB_RIGHT]);

	if (largest < left)
		largest = left;
	if (largest < right)
		largest = right;
	if (vma->subtree_gap == largest)
		return false;
	vma->subtree_gap = largest;
	return true;
}

/* The hole below vma has changed. NULL: above all, which no summary tells. */
static void gap_changed(struct vm_area_struct *vma)
{
	if (!vma)
		return;
	vma->gap = vma_gap_below(vma);
	rb_propagate(&vma->vm_mm->mm_rb, &vma->vm_rb);
}

static void set_start(struct vm_area_struct *vma, vaddr_t start)
{
	vma->vm_pgoff += PFN_DOWN(start) - PFN_DOWN(vma->vm_start);
	vma->vm_start = start;
	gap_changed(vma);
}

static void set_end(struct vm_area_struct *vma, vaddr_t end)
{
	vma->vm_end = end;
	gap_changed(vma->vm_next);
}

/*
 * The outermost VMA on `side` in the subtree that has a hole of len bytes below it; there is one.
 */
static struct rb_node *edge_hole(struct rb_node *node, enum rb_side side, uint32_t len)
{
	for (;;) {
		if (subtree_gap(node->child[side]) >= len)
			node = node->child[side];
		else if (vma_of(node)->gap >= len)
			return node;
		else
			node = node->child[!side];
	}
}

/* The nearest such VMA on `side` of node, or NULL. */
static struct rb_node *next_hole(struct rb_node *node, enum rb_side side, uint32_t len)
{
	for (;;) {
		struct rb_node *below;

		if (subtree_gap(node->child[side]) >= len)
			return edge_hole(node->child[side], !side, len);
		do {
			below = node;
			node = node->parent;
		} while (node && below == node->child[side]);
		if (!node || vma_of(node)->gap >= len)
			return node;
	}
}

/* What of the hole below vma (NULL: above all) lies in [low, high): where len bytes go, or 0. */
static vaddr_t fit(const struct mm_struct *mm, const struct vm_area_struct *vma, vaddr_t low,
		   vaddr_t high, uint32_t len, bool topdown)
{
	const struct rb_node *last = vma ? NULL : rb_last(&mm->mm_rb);
	const struct vm_area_struct *prev = vma	   ? vma->vm_prev
					    : last ? rb_entry(last, struct vm_area_struct, vm_rb)
						   : NULL;
	vaddr_t end = vma ? vm_start_gap(vma) : high;

	if (prev && prev->vm_end > low)
		low = prev->vm_end;
	if (end < high)
		high = end;
	if (high < low || high - low < len)
		return 0;
	return topdown ? high - len : low;
}

vaddr_t vma_find_hole(struct mm_struct *mm, vaddr_t low, vaddr_t high, uint32_t len, bool topdown)
{
	enum rb_side side = topdown ? RB_LEFT : RB_RIGHT;
	struct vm_area_struct *vma = find_vma(mm, topdown ? high : low);
	struct rb_node *node;
	vaddr_t addr;

	addr = fit(mm, vma, low, high, len, topdown);
	if (addr)
		return addr;
	if (!vma) {
		/* Above all there was no room. Below that is nothing to search but for top-down. */
		node = topdown ? rb_last(&mm->mm_rb) : NULL;
		if (!node)
			return 0;
		vma = vma_of(node);
		addr = fit(mm, vma, low, high, len, topdown);
		if (addr)
			return addr;
	}
	for (node = &vma->vm_rb; (node = next_hole(node, side, len));) {
		vma = vma_of(node);
		if (topdown ? vm_start_gap(vma) <= low
			    : vma->vm_prev && vma->vm_prev->vm_end >= high)
			return 0;
		addr = fit(mm, vma, low, high, len, topdown);
		if (addr)
			return addr;
	}
	return topdown ? 0 : fit(mm, NULL, low, high, len, false);
}

/* --- finding ---------------------------------------------------------------------------------- */

struct vm_area_struct *find_vma(struct mm_struct *mm, vaddr_t addr)
{
	struct vm_area_struct *vma = mm->mmap_cache;
	struct rb_node *node = mm->mm_rb.node;

	if (vma && vma->vm_end > addr && vma->vm_start <= addr)
		return vma;
	vma = NULL;
	while (node) {
		struct vm_area_struct *here = vma_of(node);

		if (here->vm_end <= addr) {
			node = node->child[RB_RIGHT];
			continue;
		}
		vma = here;
		if (here->vm_start <= addr)
			break;
		node = node->child[RB_LEFT];
	}
	if (vma)
		mm->mmap_cache = vma;
	return vma;
}

struct vm_area_struct *find_vma_prev(struct mm_struct *mm, vaddr_t addr,
				     struct vm_area_struct **prev)
{
	struct vm_area_struct *vma = find_vma(mm, addr);
	struct rb_node *last;

	if (vma) {
		*prev = vma->vm_prev;
	} else {
		last = rb_last(&mm->mm_rb);
		*prev = last ? vma_of(last) : NULL;
	}
	return vma;
}

struct vm_area_struct *find_vma_intersection(struct mm_struct *mm, vaddr_t start, vaddr_t end)
{
	struct vm_area_struct *vma = find_vma(mm, start);

	return vma && vma->vm_start < end ? vma : NULL;
}

/* --- birth and death -------------------------------------------------------------------------- */

void vma_cache_init(void)
{
	vma_cache = kmem_cache_create("vm_area_struct", sizeof(struct vm_area_struct), 0,
				      SLAB_PANIC, NULL);
}

void vma_tree_init(struct mm_struct *mm)
{
	mm->mm_rb = (struct rb_root){ .update = update_subtree_gap };
}

struct vm_area_struct *vma_alloc(struct mm_struct *mm)
{
	struct vm_area_struct *vma = kmem_cache_alloc(vma_cache, GFP_KERNEL | __GFP_ZERO);

	if (vma)
		vma->vm_mm = mm;
	return vma;
}

struct vm_area_struct *vma_dup(const struct vm_area_struct *vma)
{
	struct vm_area_struct *new = vma_alloc(vma->vm_mm);

	if (!new)
		return NULL;
	new->vm_start = vma->vm_start;
	new->vm_end = vma->vm_end;
	new->vm_flags = vma->vm_flags;
	new->vm_page_prot = vma->vm_page_prot;
	new->vm_pgoff = vma->vm_pgoff;
	if (vma->vm_file)
		new->vm_file = get_file(vma->vm_file);
	return new;
}

void vma_free(struct vm_area_struct *vma)
{
	if (vma->vm_file)
		fput(vma->vm_file);
	kmem_cache_free(vma_cache, vma);
}

void vma_link(struct mm_struct *mm, struct vm_area_struct *vma, struct vm_area_struct *prev)
{
	struct rb_node *parent = NULL, **link = &mm->mm_rb.node;
	struct vm_area_struct *next = prev ? prev->vm_next : mm->mmap;

	vma->vm_prev = prev;
	vma->vm_next = next;
	*(prev ? &prev->vm_next : &mm->mmap) = vma;
	if (next) {
		next->vm_prev = vma;
		gap_changed(next);
	}

	/* The place in the tree needs no search: left of next, or right of what is before it. */
	if (next && !next->vm_rb.child[RB_LEFT])
		parent = &next->vm_rb, link = &parent->child[RB_LEFT];
	else if (prev)
		parent = &prev->vm_rb, link = &parent->child[RB_RIGHT];
	vma->gap = vma_gap_below(vma);
	rb_insert(&mm->mm_rb, &vma->vm_rb, parent, link);
	mm->map_count++;
	if (vma->vm_file)
		list_add_tail(&vma->shared, &vma->vm_file->f_mapping->i_mmap);
}

void vma_remove(struct vm_area_struct *vma)
{
	struct mm_struct *mm = vma->vm_mm;

	*(vma->vm_prev ? &vma->vm_prev->vm_next : &mm->mmap) = vma->vm_next;
	if (vma->vm_next) {
		vma->vm_next->vm_prev = vma->vm_prev;
		gap_changed(vma->vm_next);
	}
	rb_erase(&mm->mm_rb, &vma->vm_rb);
	mm->map_count--;
	if (mm->mmap_cache == vma)
		mm->mmap_cache = vma->vm_prev;
	if (vma->vm_file)
		list_del(&vma->shared);
	anon_vma_unlink(vma);
	vma_free(vma);
}

void vma_account(struct mm_struct *mm, uint32_t vm_flags, const struct file *file, int32_t pages)
{
	if (pages < 0 && mm->hiwater_vm < mm->total_vm)
		mm->hiwater_vm = mm->total_vm;
	mm->total_vm += pages;
	if (file) {
		mm->shared_vm += pages;
		if ((vm_flags & (VM_EXEC | VM_WRITE)) == VM_EXEC)
			mm->exec_vm += pages;
	} else if (vm_flags & VM_GROWSDOWN) {
		mm->stack_vm += pages;
	}
	if (is_data_mapping(vm_flags))
		mm->data_vm += pages;
	if (vm_flags & VM_LOCKED)
		mm->locked_vm += pages;
}

void vma_grow_down(struct vm_area_struct *vma, vaddr_t start)
{
	vma_account(vma->vm_mm, vma->vm_flags, vma->vm_file,
		    (int32_t)((vma->vm_start - start) >> PAGE_SHIFT));
	set_start(vma, start);
}

/* --- merge ------------------------------------------------------------------------------------ */

/* vma is about to have pages of `from`: they may be anonymous. */
static void take_anon_vma(struct vm_area_struct *vma, struct vm_area_struct *from)
{
	if (!vma->anon_vma && from->anon_vma)
		anon_vma_link(vma, from);
}

/* vma ends at `end` now; what was there gives way. */
static void extend_up(struct vm_area_struct *vma, vaddr_t end)
{
	struct vm_area_struct *next;

	while ((next = vma->vm_next) && next->vm_start < end) {
		take_anon_vma(vma, next);
		if (next->vm_end > end) {
			set_start(next, end);
			break;
		}
		vma_remove(next);
	}
	set_end(vma, end);
}

/* vma starts at `start` now; what was there gives way. */
static void extend_down(struct vm_area_struct *vma, vaddr_t start)
{
	struct vm_area_struct *prev;

	while ((prev = vma->vm_prev) && prev->vm_end > start) {
		take_anon_vma(vma, prev);
		if (prev->vm_start < start) {
			set_end(prev, start);
			break;
		}
		vma_remove(prev);
	}
	set_start(vma, start);
}

static bool anon_vmas_agree(const struct anon_vma *a, const struct anon_vma *b)
{
	return !a || !b || a == b;
}

/* What is to be merged, as vma_merge() was asked. */
struct part {
	vaddr_t start, end;
	uint32_t vm_flags;
	struct anon_vma *anon_vma;
	const struct file *file;
	uint32_t pgoff;
};

/* Is vma what the part would have been, had they been mapped together? */
static bool is_mergeable(const struct vm_area_struct *vma, const struct part *part)
{
	return vma->vm_flags == part->vm_flags && vma->vm_file == part->file &&
	       anon_vmas_agree(vma->anon_vma, part->anon_vma) &&
	       vma->vm_pgoff - part->pgoff == PFN_DOWN(vma->vm_start) - PFN_DOWN(part->start);
}

/*
 * The part A is mapped between its neighbours (mmap, brk, the target of mremap), or gets the
 * attributes of a neighbour (mprotect, mlock, madvise), of which it is then a part (P) or whole
 * (N). P is prev, N what follows it, X what follows that. Each case shows before and after:
 *
 *      ....AAAA....            AAAA                AAAA
 *   1  PPPP    NNNN         4  PPPPPPPPNNNN     6  PPPPNNNNXXXX
 *      PPPPPPPPPPPP            PPPPNNNNNNNN        PPPPPPPPPPPP
 *
 *      ....AAAA....            AAAA                AAAA
 *   2  PPPP    NNNN         5  PPPPNNNNNNNN     7  PPPPNNNNXXXX
 *      PPPPPPPPNNNN            PPPPPPPPNNNN        PPPPPPPPXXXX
 *
 *      ....AAAA....                                AAAA
 *   3  PPPP    NNNN                             8  PPPPNNNNXXXX
 *      PPPPNNNNNNNN                                PPPPXXXXXXXX
 *
 * A stands above its place in each: in 4 it is the end of P, in 5 the start of N, in 6 to 8 all of
 * N.
 */
struct vm_area_struct *vma_merge(struct mm_struct *mm, struct vm_area_struct *prev, vaddr_t addr,
				 vaddr_t end, uint32_t vm_flags, struct anon_vma *anon_vma,
				 struct file *file, uint32_t pgoff)
{
	const struct part part = { addr, end, vm_flags, anon_vma, file, pgoff };
	struct vm_area_struct *next = prev ? prev->vm_next : mm->mmap;
	bool with_next;

	if (vm_flags & VM_DONTEXPAND)
		return NULL;
	if (next && next->vm_end == end) /* 6, 7, 8 */
		next = next->vm_next;
	with_next = next && next->vm_start == end && is_mergeable(next, &part);
	if (prev && prev->vm_end == addr && is_mergeable(prev, &part)) {
		if (with_next && anon_vmas_agree(prev->anon_vma, next->anon_vma))
			end = next->vm_end; /* 1, 6 */
		extend_up(prev, end);	    /* 2, 5, 7 */
		return prev;
	}
	if (!with_next)
		return NULL;
	extend_down(next, addr); /* 3, 4, 8 */
	return next;
}

/* --- split ------------------------------------------------------------------------------------ */

int vma_split(struct vm_area_struct *vma, vaddr_t addr, bool new_below, bool limited)
{
	struct vm_area_struct *new;

	if (limited && vma->vm_mm->map_count >= DEFAULT_MAX_MAP_COUNT)
		return -ENOMEM;
	new = vma_dup(vma);
	if (!new)
		return -ENOMEM;
	if (new_below) {
		new->vm_end = addr;
		set_start(vma, addr);
	} else {
		new->vm_start = addr;
		new->vm_pgoff += (addr - vma->vm_start) >> PAGE_SHIFT;
		set_end(vma, addr);
	}
	vma_link(vma->vm_mm, new, new_below ? vma->vm_prev : vma);
	take_anon_vma(new, vma);
	return 0;
}

int vma_set_flags(struct vm_area_struct **at, vaddr_t start, vaddr_t end, uint32_t new_flags)
{
	struct vm_area_struct *vma = *at, *merged;
	uint32_t pgoff = vma->vm_pgoff + ((start - vma->vm_start) >> PAGE_SHIFT);
	int err;

	merged = vma_merge(vma->vm_mm, start > vma->vm_start ? vma : vma->vm_prev, start, end,
			   new_flags, vma->anon_vma, vma->vm_file, pgoff);
	if (merged) {
		*at = merged;
		return 0;
	}
	if (start > vma->vm_start) {
		err = vma_split(vma, start, true, true);
		if (err)
			return err;
	}
	if (end < vma->vm_end) {
		err = vma_split(vma, end, false, true);
		if (err)
			return err;
	}
	vma->vm_flags = new_flags;
	vma->vm_page_prot = vm_get_page_prot(new_flags);
	return 0;
}
