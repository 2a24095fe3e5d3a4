// SPDX-License-Identifier: MIT
/*
 * The invariants of mm_types.h that are about VMAs; those about page tables are in mm_check_pte.c.
 */
#include "mm/arch.h"
#include "mm/mm.h"
#include "mm/vma.h"

struct check {
	struct mm_struct *mm;
	unsigned bad;
};

static void complain(struct check *c, const struct vm_area_struct *vma, const char *what)
{
	arch_printk("mm %08x: VMA %08x-%08x: %s\n", arch_vaddr(c->mm), vma->vm_start, vma->vm_end,
		    what);
	c->bad++;
}

static void expect(struct check *c, const struct vm_area_struct *vma, bool holds, const char *what)
{
	if (!holds)
		complain(c, vma, what);
}

static bool is_listed(const struct list_head *head, const struct list_head *node)
{
	list_for_each(here, head)
		if (here == node)
			return true;
	return false;
}

static void check_vma(struct check *c, const struct vm_area_struct *vma)
{
	uint32_t may = vma->vm_flags >> 4 & VM_ACCESS_FLAGS;

	expect(c, vma, vma->vm_mm == c->mm, "is another mm's");
	expect(c, vma, vma->vm_start < vma->vm_end, "is empty");
	expect(c, vma, !((vma->vm_start | vma->vm_end) & ~PAGE_MASK), "is not page-aligned");
	expect(c, vma, vma->vm_end <= TASK_SIZE, "ends above user space");
	expect(c, vma, vma->vm_start >= MMAP_MIN_ADDR, "begins below mmap_min_addr");
	expect(c, vma, !(vma->vm_flags & VM_ACCESS_FLAGS & ~may),
	       "has rights that it may not have");
	expect(c, vma, vma->vm_page_prot == vm_get_page_prot(vma->vm_flags),
	       "vm_page_prot disagrees with vm_flags");
	expect(c, vma, vma->vm_file || !(vma->vm_flags & VM_SHARED), "is shared and has no file");
	if (vma->vm_file)
		expect(c, vma, is_listed(&vma->vm_file->f_mapping->i_mmap, &vma->shared),
		       "is not in its file's mapping");
	else
		expect(c, vma, !vma->shared.next, "has no file and is in a mapping");
	if (vma->anon_vma)
		expect(c, vma, is_listed(&vma->anon_vma->head, &vma->anon_vma_node),
		       "is not in its anon_vma");
}

/* Sorted and disjoint, linked both ways, holes known. */
static void check_order(struct check *c, const struct vm_area_struct *vma,
			const struct vm_area_struct *prev)
{
	expect(c, vma, vma->vm_prev == prev, "vm_prev is not what is before it");
	expect(c, vma, !prev || prev->vm_end <= vma->vm_start, "overlaps the one before");
	expect(c, vma, vma->gap == vma_gap_below(vma), "has another hole below it");
}

static bool before(const struct rb_node *x, const struct rb_node *y)
{
	return rb_entry(x, struct vm_area_struct, vm_rb)->vm_next ==
	       rb_entry(y, struct vm_area_struct, vm_rb);
}

/* List and tree hold the same, and as many as is said. */
static void check_tree(struct check *c, uint32_t listed)
{
	uint32_t nodes;
	const struct rb_node *first = rb_first(&c->mm->mm_rb);

	c->bad += rb_check(&c->mm->mm_rb, "mm_rb", before, &nodes);
	if (nodes == listed && nodes == c->mm->map_count &&
	    c->mm->mmap == (first ? rb_entry(first, struct vm_area_struct, vm_rb) : NULL))
		return;
	arch_printk("mm %08x: %u VMAs in the list, %u in the tree, map_count %u\n",
		    arch_vaddr(c->mm), listed, nodes, c->mm->map_count);
	c->bad++;
}

static void check_sum(struct check *c, const char *what, uint32_t have, uint32_t sum)
{
	if (have == sum)
		return;
	arch_printk("mm %08x: %s is %u, the sum is %u\n", arch_vaddr(c->mm), what, have, sum);
	c->bad++;
}

/* Count the VMAs again, into an mm that has nothing but counts. */
static void check_sums(struct check *c)
{
	const struct mm_struct *mm = c->mm;
	struct mm_struct sum;

	memset(&sum, 0, sizeof(sum));
	for (const struct vm_area_struct *vma = mm->mmap; vma; vma = vma->vm_next)
		vma_account(&sum, vma->vm_flags, vma->vm_file, (int32_t)vma_pages(vma));
	check_sum(c, "total_vm", mm->total_vm, sum.total_vm);
	check_sum(c, "shared_vm", mm->shared_vm, sum.shared_vm);
	check_sum(c, "exec_vm", mm->exec_vm, sum.exec_vm);
	check_sum(c, "stack_vm", mm->stack_vm, sum.stack_vm);
	check_sum(c, "data_vm", mm->data_vm, sum.data_vm);
	check_sum(c, "locked_vm", mm->locked_vm, sum.locked_vm);
}

unsigned mm_check(struct mm_struct *mm)
{
	struct check c = { .mm = mm };
	const struct vm_area_struct *prev = NULL;
	uint32_t listed = 0;
	bool cached = !mm->mmap_cache;

	for (const struct vm_area_struct *vma = mm->mmap; vma; prev = vma, vma = vma->vm_next) {
		check_vma(&c, vma);
		check_order(&c, vma, prev);
		cached = cached || vma == mm->mmap_cache;
		if (++listed > mm->map_count) /* a cycle, or a count that is wrong */
			break;
	}
	if (!cached) {
		arch_printk("mm %08x: mmap_cache is none of its VMAs\n", arch_vaddr(mm));
		c.bad++;
	}
	check_tree(&c, listed);
	if (c.bad) /* what follows goes by the VMAs */
		return c.bad;
	check_sums(&c);
	return c.bad + mm_check_ptes(mm);
}

unsigned mm_check_all(void)
{
	unsigned bad = 0;

	list_for_each(node, &mm_list)
		bad += mm_check(list_entry(node, struct mm_struct, mmlist));
	return bad ? bad : mm_check_rmap();
}
