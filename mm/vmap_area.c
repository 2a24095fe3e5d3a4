// SPDX-License-Identifier: MIT
#include "mm/vmap_area.h"

#include "mm/arch.h"
#include "mm/slub.h"

struct vmap vmap_state;

static struct vmap_area *area_of(struct rb_node *node)
{
	return rb_entry(node, struct vmap_area, node);
}

/* --- summaries of subtrees -------------------------------------------------------------------- */

static uint32_t largest_gap(const struct rb_node *node)
{
	return node ? rb_entry(node, struct vmap_area, node)->largest_gap : 0;
}

static bool update_largest_gap(struct rb_node *node)
{
	struct vmap_area *va = area_of(node);
	uint32_t left = largest_gap(node->child[RB_LEFT]), largest = va->gap;
	uint32_t right = largest_gap(node->child[RB_RIGHT]);

	if (largest < left)
		largest = left;
	if (largest < right)
		largest = right;
	if (va->largest_gap == largest)
		return false;
	va->largest_gap = largest;
	return true;
}

static void set_gap(struct vmap_area *va, uint32_t gap)
{
	va->gap = gap;
	rb_propagate(&vmap_state.root, &va->node);
}

/* --- first fit -------------------------------------------------------------------------------- */

/* The lowest hole of at least `size` bytes in the subtree; there is one. */
static struct rb_node *lowest_hole(struct rb_node *node, uint32_t size)
{
	for (;;) {
		if (largest_gap(node->child[RB_LEFT]) >= size)
			node = node->child[RB_LEFT];
		else if (area_of(node)->gap >= size)
			return node;
		else
			node = node->child[RB_RIGHT];
	}
}

/* The next such hole above that of `node`, or NULL. */
static struct rb_node *next_hole(struct rb_node *node, uint32_t size)
{
	for (;;) {
		struct rb_node *below = node;

		if (largest_gap(node->child[RB_RIGHT]) >= size)
			return lowest_hole(node->child[RB_RIGHT], size);
		do {
			below = node;
			node = node->parent;
		} while (node && below == node->child[RB_RIGHT]);
		if (!node || area_of(node)->gap >= size)
			return node;
	}
}

/* Where `size` bytes go in the hole [start, end), or 0: alignment may make it too small. */
static vaddr_t fit(vaddr_t start, vaddr_t end, uint32_t size, uint32_t align)
{
	/* No overflow: the area ends 8 MiB below 4 GiB, and no alignment is that large. */
	vaddr_t addr = (start + align - 1) & ~(align - 1);

	return addr <= end && end - addr >= size ? addr : 0;
}

/* The area before `next`, NULL meaning the end; NULL: there is none. */
static struct vmap_area *area_before(const struct vmap_area *next)
{
	struct list_head *node = next ? next->list.prev : vmap_state.list.prev;

	return node == &vmap_state.list ? NULL : list_entry(node, struct vmap_area, list);
}

static struct vmap_area *area_behind(const struct vmap_area *va)
{
	return va->list.next == &vmap_state.list
		       ? NULL
		       : list_entry(va->list.next, struct vmap_area, list);
}

/*
 * The lowest address for `size` bytes, or 0. *next gets the area behind the hole, NULL if there is
 * none.
 */
static vaddr_t find_room(uint32_t size, uint32_t align, struct vmap_area **next)
{
	struct rb_node *node = NULL;
	struct vmap_area *last = area_before(NULL);

	if (largest_gap(vmap_state.root.node) >= size)
		node = lowest_hole(vmap_state.root.node, size);
	for (; node; node = next_hole(node, size)) {
		struct vmap_area *va = area_of(node);
		vaddr_t addr = fit(va->start - va->gap, va->start, size, align);

		if (addr) {
			*next = va;
			return addr;
		}
	}
	*next = NULL;
	return fit(last ? last->end : VMALLOC_START, VMALLOC_END, size, align);
}

/* --- tree and lists --------------------------------------------------------------------------- */

/*
 * Where the pointer to the vm of `va` is, or would be: in the vm of the live area before it. Lazy
 * areas in between have holes between them, or they would be one.
 */
static struct vm_struct **vm_link(struct vmap_area *va)
{
	do {
		va = area_before(va);
	} while (va && va->lazy);
	return va ? &va->vm.next : &vmap_state.vms;
}

/* Into the hole before `next` (NULL: behind all), where va->start lies. */
static void insert_area(struct vmap_area *va, struct vmap_area *next)
{
	struct vmap_area *prev = area_before(next);
	struct rb_node *parent = NULL, **link = &vmap_state.root.node;
	struct vm_struct **vm;

	va->gap = va->start - (prev ? prev->end : VMALLOC_START);
	if (next)
		set_gap(next, next->start - va->end);

	/* The place in the tree needs no search: left of next, or right of what is before it. */
	if (next && !next->node.child[RB_LEFT])
		parent = &next->node, link = &parent->child[RB_LEFT];
	else if (prev)
		parent = &prev->node, link = &parent->child[RB_RIGHT];
	rb_insert(&vmap_state.root, &va->node, parent, link);
	list_add(&va->list, prev ? &prev->list : &vmap_state.list);

	vm = vm_link(va);
	va->vm.next = *vm;
	*vm = &va->vm;
}

/* Forget an area; the caller sees to what becomes of its addresses. */
static void forget_area(struct vmap_area *va)
{
	rb_erase(&vmap_state.root, &va->node);
	list_del(&va->list);
	if (va->purge.next)
		list_del(&va->purge);
	kfree(va);
}

/*
 * An area became lazy: it and its lazy neighbours become one, so that neither the tree nor the
 * search for a live neighbour grows with what is freed. No hole changes.
 */
static void add_lazy(struct vmap_area *va)
{
	struct vmap_area *prev = area_before(va), *next = area_behind(va);

	va->lazy = true;
	vmap_state.lazy_pages += (va->end - va->start) >> PAGE_SHIFT;
	if (prev && prev->lazy && prev->end == va->start) {
		prev->end = va->end;
		forget_area(va);
		va = prev;
	} else {
		list_add_tail(&va->purge, &vmap_state.purge);
	}
	if (next && next->lazy && next->start == va->end) {
		va->end = next->end;
		forget_area(next);
	}
}

struct vmap_area *vmap_area_find(vaddr_t start)
{
	struct rb_node *node = vmap_state.root.node;

	while (node) {
		struct vmap_area *va = area_of(node);

		if (va->start == start)
			return va->lazy ? NULL : va;
		node = node->child[start > va->start];
	}
	return NULL;
}

/* --- the interface ---------------------------------------------------------------------------- */

void vmap_area_init(void)
{
	vmap_state = (struct vmap){ .root.update = update_largest_gap };
	list_init(&vmap_state.list);
	list_init(&vmap_state.purge);
}

struct vmap_area *vmap_area_alloc(uint32_t bytes, uint32_t align, uint32_t flags, gfp_t gfp,
				  vaddr_t caller)
{
	uint64_t size = ((uint64_t)bytes + 2 * PAGE_SIZE - 1) & PAGE_MASK;
	struct vmap_area *va, *next;

	if (arch_in_interrupt())
		arch_panic("vmalloc area: allocation in an interrupt");
	if (!bytes || size > VMALLOC_END - VMALLOC_START)
		return NULL;
	va = kzalloc(sizeof(*va), gfp);
	if (!va)
		return NULL;
	va->start = find_room(size, align, &next);
	if (!va->start) {
		vmap_area_purge();
		va->start = find_room(size, align, &next);
	}
	if (!va->start) {
		arch_printk("vmalloc area: no hole of %u bytes is left\n", (uint32_t)size);
		kfree(va);
		return NULL;
	}
	va->end = va->start + size;
	va->vm.addr = va->start;
	va->vm.size = size;
	va->vm.flags = flags;
	va->vm.caller = caller;
	insert_area(va, next);
	return va;
}

void vmap_area_free(struct vmap_area *va)
{
	*vm_link(va) = va->vm.next;
	for (vaddr_t addr = va->start; addr < va->end; addr += PAGE_SIZE)
		unmap_kernel_page(addr);
	add_lazy(va);
	if (vmap_state.lazy_pages > LAZY_MAX_PAGES)
		vmap_area_purge();
}

void vmap_area_purge(void)
{
	vaddr_t start = VMALLOC_END, end = VMALLOC_START;

	if (list_empty(&vmap_state.purge))
		return;
	list_for_each(node, &vmap_state.purge) {
		const struct vmap_area *va = list_entry(node, struct vmap_area, purge);

		if (start > va->start)
			start = va->start;
		if (end < va->end)
			end = va->end;
	}
	/* The flush comes first: what is erased may be given out the next moment. */
	arch_flush_tlb_range(start, end);
	list_for_each_safe(node, &vmap_state.purge) {
		struct vmap_area *va = list_entry(node, struct vmap_area, purge);
		struct vmap_area *next = area_behind(va);
		uint32_t hole = va->gap + (va->end - va->start);

		forget_area(va);
		if (next)
			set_gap(next, next->gap + hole);
	}
	vmap_state.lazy_pages = 0;
}

struct vmap_area *vmap_area_claim(vaddr_t addr, uint32_t kind, const char *who, vaddr_t caller)
{
	const uint32_t kinds = VM_IOREMAP | VM_ALLOC;
	struct vmap_area *va = vmap_area_find(addr);
	const char *wrong = NULL;
	char from[64];

	if (arch_in_interrupt())
		arch_panic("%s(%08x) in an interrupt", who, addr);
	if (addr & ~PAGE_MASK)
		wrong = "not the start of a page";
	else if (!va)
		wrong = "no area starts there";
	else if ((va->vm.flags & kinds) != kind)
		wrong = va->vm.flags & VM_ALLOC	    ? "it is vmalloc's, for vfree"
			: va->vm.flags & VM_IOREMAP ? "it is ioremap's, for iounmap"
						    : "it is vmap's, for vunmap";
	if (!wrong)
		return va;
	arch_format_ip(caller, from, sizeof(from));
	arch_printk("WARNING: %s(%08x), called from %s: %s\n", who, addr, from, wrong);
	return NULL;
}
