// SPDX-License-Identifier: MIT
/*
 * Verifies what vmap_area.h and vmalloc.h promise:
 *  (a) the tree is a red-black tree with right summaries, and holds what the sorted list holds;
 *  (b) areas are whole pages inside the vmalloc area, do not overlap, and each knows the hole
 *      before it;
 *  (c) the list of vms is that of the live areas, in order, each as large as its area;
 *  (d) lazily freed areas are on the purge list, none borders on another, and their pages are what
 *      vmalloc_lazy_pages() says;
 *  (e) a live area of vmalloc maps its pages, all of them PAGE_VMALLOC, and nothing but them;
 *  (f) every entry of a guard page, a lazy area or a hole is clear;
 *  (g) no page is PAGE_VMALLOC without an area that has it.
 */
#include "mm/arch.h"
#include "mm/page_alloc.h"
#include "mm/vmap_area.h"

static unsigned violations;

__attribute__((format(printf, 1, 2))) static void complain(const char *fmt, ...)
{
	char text[128];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	arch_printk("vmalloc_check: %s\n", text);
	violations++;
}

static bool before(const struct rb_node *x, const struct rb_node *y)
{
	return rb_entry(x, struct vmap_area, node)->end <=
	       rb_entry(y, struct vmap_area, node)->start;
}

/* (f) */
static void check_clear(vaddr_t start, vaddr_t end, const char *what)
{
	for (vaddr_t va = start; va < end; va += PAGE_SIZE) {
		const pte_t *pte = lookup_kernel_pte(va);

		if (!pte)
			va = (va & PGDIR_MASK) + PGDIR_SIZE - PAGE_SIZE;
		else if (*pte)
			complain("%s %08x: its entry is %08x", what, va, *pte);
	}
}

/* (c), (e) */
static void check_live(const struct vmap_area *va)
{
	const struct vm_struct *vm = &va->vm;
	uint32_t pages = (vm->size >> PAGE_SHIFT) - 1;

	if (vm->addr != va->start || vm->size != va->end - va->start)
		complain("area %08x: vm of %u bytes at %08x", va->start, vm->size, vm->addr);
	if (vm->flags & VM_ALLOC && vm->nr_pages != pages)
		complain("area %08x: %u pages, %u expected", va->start, vm->nr_pages, pages);
	for (uint32_t i = 0; i < pages; i++) {
		vaddr_t addr = va->start + (i << PAGE_SHIFT);
		const pte_t *pte = lookup_kernel_pte(addr);

		if (!pte || !(*pte & _PAGE_PRESENT)) {
			complain("area %08x: %08x is not mapped", va->start, addr);
			continue;
		}
		if (i >= vm->nr_pages)
			continue;
		if (pte_pfn(*pte) != page_to_pfn(vm->pages[i]))
			complain("area %08x: %08x maps frame %x, not its page %x", va->start, addr,
				 pte_pfn(*pte), page_to_pfn(vm->pages[i]));
		if (vm->pages[i]->state != PAGE_VMALLOC)
			complain("area %08x: its page %x is %s", va->start,
				 page_to_pfn(vm->pages[i]), page_state_name(vm->pages[i]->state));
	}
	check_clear(va->end - PAGE_SIZE, va->end, "guard page");
}

/* (b) and what each kind of area must be; returns how many there are. */
static uint32_t check_areas(void)
{
	const struct vm_struct *vm = vmap_state.vms;
	vaddr_t end = VMALLOC_START;
	uint32_t areas = 0;

	list_for_each(node, &vmap_state.list) {
		const struct vmap_area *va = list_entry(node, struct vmap_area, list);

		areas++;
		if ((va->start | va->end) & ~PAGE_MASK || va->start < end || va->end <= va->start ||
		    va->end > VMALLOC_END)
			complain("area %08x-%08x, after %08x", va->start, va->end, end);
		if (va->gap != va->start - end)
			complain("area %08x: hole of %u bytes noted before it, it is %u", va->start,
				 va->gap, va->start - end);
		check_clear(end, va->start, "hole");
		end = va->end;
		if (va->lazy) {
			check_clear(va->start, va->end, "lazy area");
			continue;
		}
		check_live(va);
		if (vm != &va->vm)
			complain("area %08x is not where it belongs in the list of vms", va->start);
		vm = va->vm.next;
	}
	check_clear(end, VMALLOC_END, "hole");
	if (vm)
		complain("vm %08x: no area has it", vm->addr);
	return areas;
}

/* (d) */
static void check_lazy(void)
{
	const struct vmap_area *last = NULL;
	uint32_t pages = 0;

	list_for_each(node, &vmap_state.purge) {
		const struct vmap_area *va = list_entry(node, struct vmap_area, purge);

		if (!va->lazy)
			complain("live area %08x waits for the purge", va->start);
		pages += (va->end - va->start) >> PAGE_SHIFT;
	}
	list_for_each(node, &vmap_state.list) {
		const struct vmap_area *va = list_entry(node, struct vmap_area, list);

		if (va->lazy && !va->purge.next)
			complain("lazy area %08x will not be purged", va->start);
		if (va->lazy && last && last->lazy && last->end == va->start)
			complain("lazy areas %08x and %08x should be one", last->start, va->start);
		last = va;
	}
	if (pages != vmap_state.lazy_pages)
		complain("%u lazily freed pages, %u counted", pages, vmap_state.lazy_pages);
}

/* (g) */
static void check_pages(void)
{
	uint32_t owned = 0, states = 0;

	for (const struct vm_struct *vm = vmap_state.vms; vm; vm = vm->next)
		owned += vm->nr_pages;
	for (pfn_t pfn = 0; pfn < mm.max_pfn; pfn++)
		states += pfn_to_page(pfn)->state == PAGE_VMALLOC;
	if (owned != states)
		complain("areas have %u pages, %u are in that state", owned, states);
}

unsigned vmalloc_check(void)
{
	uint32_t in_tree = 0, in_list;

	violations = rb_check(&vmap_state.root, "vmalloc_check", before, &in_tree);
	in_list = check_areas();
	if (in_tree != in_list)
		complain("%u areas in the tree, %u in the list", in_tree, in_list);
	check_lazy();
	check_pages();
	return violations;
}
