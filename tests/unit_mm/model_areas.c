// SPDX-License-Identifier: MIT
#include "model_internal.h"

#define AREAS 48
#define AREA_PAGES 800 /* the pointers to 512 fill a page: beyond, they lie in an area, too */
#define VMAP_PAGES 16
#define DEVICES 0xd0000000u /* no RAM is there */

enum area_kind { AREA_FREE, AREA_VMALLOC, AREA_VMAP, AREA_DEVICE };

static struct area_slot {
	enum area_kind kind;
	char *p;
	uint32_t pages;
	uint32_t stamp;
	paddr_t phys;			 /* AREA_DEVICE */
	struct block *block[VMAP_PAGES]; /* AREA_VMAP */
} areas[AREAS];

/* --- common ----------------------------------------------------------------------------------- */

static char *page_of(const struct area_slot *slot, uint32_t n)
{
	return slot->p + ((size_t)n << PAGE_SHIFT);
}

/* The area and the guard page behind it are nobody else's, and what mm/ knows of it is right. */
static void hold_area(struct area_slot *slot, const char *what)
{
	const struct vm_struct *vm = find_vm_area(slot->p);

	MODEL_EXPECT(vm && vm->size == (slot->pages + 1) << PAGE_SHIFT,
		     "%s: area %08x of %u pages is not found", what, arch_vaddr(slot->p),
		     slot->pages);
	claim_area(arch_vaddr(slot->p), slot->pages + 1, what);
}

static void let_area_go(struct area_slot *slot)
{
	release_area(arch_vaddr(slot->p), slot->pages + 1);
	slot->kind = AREA_FREE;
}

/* --- checking and giving back ----------------------------------------------------------------- */

/* Its pages, and those that hold the pointers to them when kmalloc's do not. */
static uint32_t vmalloc_pages(uint32_t pages)
{
	uint32_t sum = pages;

	while (pages * sizeof(struct page *) > PAGE_SIZE) {
		pages = PFN_UP(pages * sizeof(struct page *));
		sum += pages;
	}
	return sum;
}

/* Written through the area, read as the page that is said to be there. */
static void check_vmalloc_page(struct area_slot *slot, uint32_t n)
{
	struct page *page = vmalloc_to_page(page_of(slot, n));
	void *p;

	MODEL_EXPECT(page && page->state == PAGE_VMALLOC, "vmalloc: %08x shows no page of its own",
		     arch_vaddr(page_of(slot, n)));
	p = kmap_atomic(page, KM_PTE1);
	expect_stamped(p, slot->stamp + n, "page written through its area");
	kunmap_atomic(p, KM_PTE1);
}

static void free_vmalloc(struct area_slot *slot)
{
	void *p = slot->p;

	for (uint32_t n = 0; n < slot->pages; n++) {
		expect_stamped(page_of(slot, n), slot->stamp + n, "vmalloc page");
		if (n % 8 == 0)
			check_vmalloc_page(slot, n);
		release_ram(page_to_phys(vmalloc_to_page(page_of(slot, n))), PAGE_SIZE);
	}
	model.held_pages -= vmalloc_pages(slot->pages);
	let_area_go(slot);
	vfree(p);
}

static void check_vmap(const struct area_slot *slot)
{
	for (uint32_t n = 0; n < slot->pages; n++)
		expect_stamped(page_of(slot, n), block_stamp(slot->block[n], 0),
			       "page shown by vmap");
}

static void free_vmap(struct area_slot *slot)
{
	void *p = slot->p;

	check_vmap(slot);
	for (uint32_t n = 0; n < slot->pages; n++)
		slot->block[n]->vmaps--;
	let_area_go(slot);
	vunmap(p);
}

static void check_device(const struct area_slot *slot)
{
	for (uint32_t n = 0; n < slot->pages; n++)
		expect_stamped(page_of(slot, n), slot->stamp + n, "device's memory");
}

static void free_device(struct area_slot *slot)
{
	check_device(slot);
	let_area_go(slot);
	iounmap(slot->p + slot->phys % PAGE_SIZE);
}

/* What the slot holds is given back. False: there is nothing. */
static bool free_area(struct area_slot *slot)
{
	static const char *const names[] = {
		[AREA_VMALLOC] = "vfree", [AREA_VMAP] = "vunmap", [AREA_DEVICE] = "iounmap"
	};

	if (slot->kind == AREA_FREE)
		return false;
	model_say("%s(%08x), %u pages", names[slot->kind], arch_vaddr(slot->p), slot->pages);
	if (slot->kind == AREA_VMALLOC)
		free_vmalloc(slot);
	else if (slot->kind == AREA_VMAP)
		free_vmap(slot);
	else
		free_device(slot);
	return true;
}

/* --- vmalloc ---------------------------------------------------------------------------------- */

static void fill_vmalloc(struct area_slot *slot, bool zeroed)
{
	for (uint32_t n = 0; n < slot->pages; n++) {
		struct page *page = vmalloc_to_page(page_of(slot, n));

		MODEL_EXPECT(page, "vmalloc: %08x is not mapped", arch_vaddr(page_of(slot, n)));
		claim_ram(page_to_phys(page), PAGE_SIZE, "vmalloc");
		if (zeroed)
			expect_byte(page_of(slot, n), PAGE_SIZE, 0, "vzalloc page");
		stamp_page(page_of(slot, n), slot->stamp + n);
		if (n % 8 == 0)
			check_vmalloc_page(slot, n);
	}
}

static uint32_t choose_pages(uint32_t random)
{
	if (random % 16 == 0)
		return 1 + (random >> 8) % AREA_PAGES;
	return 1 + (random >> 8) % 12;
}

void op_vmalloc(const struct model_op *op)
{
	struct area_slot *slot = &areas[op->slot % AREAS];
	uint32_t pages = choose_pages(op->a), bytes = (pages << PAGE_SHIFT) - op->b % PAGE_SIZE;
	bool zeroed = op->b >> 29 == 0;

	if (free_area(slot))
		return;
	slot->p = zeroed ? vzalloc(bytes) : vmalloc(bytes);
	model_say("%s(%u) = %08x", zeroed ? "vzalloc" : "vmalloc", bytes, arch_vaddr(slot->p));
	if (!slot->p) {
		expect_no_memory(GFP_KERNEL | __GFP_HIGHMEM, 0, vmalloc_pages(pages) + SPARE_PAGES,
				 "vmalloc");
		return;
	}
	slot->kind = AREA_VMALLOC;
	slot->pages = pages;
	slot->stamp = op->a ^ op->b;
	model.held_pages += vmalloc_pages(pages);
	hold_area(slot, "vmalloc");
	fill_vmalloc(slot, zeroed);
}

/* --- vmap ------------------------------------------------------------------------------------- */

/*
 * Single pages of the model's, at most `want`, from `slot` on. Some may come twice: that is
 * allowed.
 */
static uint32_t choose_blocks(struct block **blocks, uint32_t want, uint32_t slot)
{
	uint32_t count = 0;

	for (uint32_t n = 0; n < BLOCKS && count < want; n++) {
		struct block *block = &model_blocks[(slot + n) % BLOCKS];

		if (block->page && !block->order)
			blocks[count++] = block;
	}
	if (count > 1 && slot % 4 == 0)
		blocks[count - 1] = blocks[0];
	return count;
}

void op_vmap(const struct model_op *op)
{
	struct area_slot *slot = &areas[op->slot % AREAS];
	struct page *pages[VMAP_PAGES];

	if (free_area(slot))
		return;
	slot->pages = choose_blocks(slot->block, 1 + op->a % VMAP_PAGES, op->b % BLOCKS);
	if (!slot->pages)
		return;
	for (uint32_t n = 0; n < slot->pages; n++)
		pages[n] = slot->block[n]->page;
	slot->p = vmap(pages, slot->pages, VM_MAP, PAGE_KERNEL);
	model_say("vmap(%u pages, the first is frame %x) = %08x", slot->pages,
		  page_to_pfn(pages[0]), arch_vaddr(slot->p));
	if (!slot->p) {
		expect_no_memory(GFP_KERNEL, 0, SPARE_PAGES, "vmap");
		return;
	}
	slot->kind = AREA_VMAP;
	for (uint32_t n = 0; n < slot->pages; n++)
		slot->block[n]->vmaps++;
	hold_area(slot, "vmap");
	check_vmap(slot);
}

/* --- ioremap ---------------------------------------------------------------------------------- */

/* Slots have devices of their own, so that what one writes there stays. */
static paddr_t device_of(const struct area_slot *slot)
{
	return DEVICES + ((paddr_t)(slot - areas) << 20);
}

void op_ioremap(const struct model_op *op)
{
	struct area_slot *slot = &areas[op->slot % AREAS];
	uint32_t offset = op->a % PAGE_SIZE, bytes = 1 + (op->a >> 12) % 0x20000;
	char *p;

	if (free_area(slot))
		return;
	slot->phys = device_of(slot) + offset;
	p = ioremap(slot->phys, bytes);
	model_say("ioremap(%08x, %u) = %08x", slot->phys, bytes, arch_vaddr(p));
	if (!p) {
		expect_no_memory(GFP_KERNEL, 0, SPARE_PAGES, "ioremap");
		return;
	}
	MODEL_EXPECT(arch_vaddr(p) % PAGE_SIZE == offset, "ioremap lost the offset in the page");
	slot->kind = AREA_DEVICE;
	slot->p = p - offset;
	slot->pages = PFN_UP(offset + bytes);
	slot->stamp = op->b;
	hold_area(slot, "ioremap");
	for (uint32_t n = 0; n < slot->pages; n++)
		stamp_page(page_of(slot, n), slot->stamp + n);
	check_device(slot);
}

/* --- all -------------------------------------------------------------------------------------- */

void op_unmap_aliases(const struct model_op *op)
{
	model_say("vm_unmap_aliases(), %u pages wait for it", vmalloc_lazy_pages());
	vm_unmap_aliases();
	MODEL_EXPECT(!vmalloc_lazy_pages(), "%u lazily freed pages after vm_unmap_aliases",
		     vmalloc_lazy_pages());
}

void areas_verify(void)
{
	for (unsigned n = 0; n < AREAS; n++) {
		const struct area_slot *slot = &areas[n];

		if (slot->kind == AREA_VMALLOC)
			for (uint32_t i = 0; i < slot->pages; i++)
				expect_stamped(page_of(slot, i), slot->stamp + i, "vmalloc page");
		else if (slot->kind == AREA_VMAP)
			check_vmap(slot);
		else if (slot->kind == AREA_DEVICE)
			check_device(slot);
	}
}

void areas_free(void)
{
	for (unsigned n = 0; n < AREAS; n++)
		free_area(&areas[n]);
}
