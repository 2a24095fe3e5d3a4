// SPDX-License-Identifier: MIT
#include "mm/arch.h"
#include "mm/page_alloc.h"
#include "mm/vmalloc.h"
#include "mm/vmap_area.h"

/* Video memory and ROMs: the direct map shows them, so they are never mapped a second time. */
#define ISA_START 0xa0000u
#define ISA_END 0x100000u

/* Larger areas are aligned to 128 pages (IOREMAP_MAX_ORDER). */
#define IOREMAP_MAX_SHIFT (7 + PAGE_SHIFT)

/* Does RAM that we own lie in [first, last]? */
static bool overlaps_ram(pfn_t first, pfn_t last)
{
	for (unsigned i = 0; i < mm.ram_areas; i++)
		if (first < mm.ram[i].end && last >= mm.ram[i].start)
			return true;
	return false;
}

/* The power of two above `size`, as Linux has it: 4 KiB are aligned to 8 KiB. */
static uint32_t ioremap_align(uint32_t size)
{
	unsigned fls = 32 - (unsigned)__builtin_clz(size);

	return 1u << (fls < IOREMAP_MAX_SHIFT ? fls : IOREMAP_MAX_SHIFT);
}

void *ioremap(paddr_t phys, uint32_t size)
{
	paddr_t start = phys & PAGE_MASK, last = phys + size - 1;
	uint32_t bytes;
	struct vmap_area *va;

	if (!size || last < phys)
		return NULL;
	if (phys >= ISA_START && last < ISA_END)
		return phys_to_virt(phys);
	if (overlaps_ram(PFN_DOWN(phys), PFN_DOWN(last))) {
		arch_printk("WARNING: ioremap of RAM: %08x-%08x\n", phys, last);
		return NULL;
	}
	bytes = (last & PAGE_MASK) - start + PAGE_SIZE;
	if (!bytes) /* all of the 4 GiB */
		return NULL;
	va = vmap_area_alloc(bytes, ioremap_align(bytes), VM_IOREMAP, GFP_KERNEL, arch_caller());
	if (!va)
		return NULL;
	va->vm.phys_addr = start;
	for (uint32_t offset = 0; offset < bytes; offset += PAGE_SIZE) {
		if (map_kernel_page(va->start + offset, start + offset, PAGE_KERNEL_NOCACHE)) {
			vmap_area_free(va);
			return NULL;
		}
	}
	return arch_ptr(va->start + (phys & ~PAGE_MASK));
}

void iounmap(const volatile void *addr)
{
	vaddr_t va = arch_vaddr(addr);
	struct vmap_area *area;

	if (va <= mm.high_memory) /* NULL, or the ISA range */
		return;
	area = vmap_area_claim(va & PAGE_MASK, VM_IOREMAP, "iounmap", arch_caller());
	if (area)
		vmap_area_free(area);
}
