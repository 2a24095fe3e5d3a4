// SPDX-License-Identifier: MIT
/*
 * The kernel's page tables above the direct map. A table, once made, stays: other directories may
 * hold a copy of its PDE, and none of them would have to be searched (as Linux on i386).
 */
#include "mm/arch.h"
#include "mm/errno.h"
#include "mm/page_alloc.h"
#include "mm/vmalloc.h"

/* Access is decided by the PTEs. Accessed and dirty are set, so that the CPU need not write. */
#define KERNPG_TABLE (_PAGE_PRESENT | _PAGE_RW | _PAGE_ACCESSED | _PAGE_DIRTY)

static pte_t *table_of(pte_t pde)
{
	return phys_to_virt(pde & PAGE_MASK);
}

pte_t *lookup_kernel_pte(vaddr_t va)
{
	pte_t pde = arch_kernel_pgd()[pgd_index(va)];

	if (!(pde & _PAGE_PRESENT) || pde & _PAGE_PSE)
		return NULL;
	return table_of(pde) + pte_index(va);
}

pte_t *pte_alloc_kernel(vaddr_t va)
{
	pte_t *pde = &arch_kernel_pgd()[pgd_index(va)];
	struct page *page;
	uint32_t flags;

	if (*pde & _PAGE_PRESENT)
		return lookup_kernel_pte(va);
	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!page)
		return NULL;
	page_set_state(page, PAGE_TABLE);
	flags = arch_irq_save();
	/* Linux 2.6.32 counts the tables of user space alone; this counts all. */
	page_zone(page)->stat[NR_PAGETABLE]++;
	arch_irq_restore(flags);
	*pde = page_to_phys(page) | KERNPG_TABLE;
	return table_of(*pde) + pte_index(va);
}

int map_kernel_page(vaddr_t va, paddr_t pa, pte_t prot)
{
	pte_t *pte = pte_alloc_kernel(va);

	if (unlikely(!pte))
		return -ENOMEM;
	if (unlikely(*pte)) {
		arch_printk("WARNING: map_kernel_page: %08x is mapped already (%08x)\n", va, *pte);
		return -EBUSY;
	}
	/* No flush: what was not present is not cached (Intel SDM vol. 3, 4.10.2.3). */
	*pte = (pa & PAGE_MASK) | prot;
	return 0;
}

pte_t unmap_kernel_page(vaddr_t va)
{
	pte_t *pte = lookup_kernel_pte(va);
	pte_t old = 0;

	if (pte) {
		old = *pte;
		*pte = 0;
	}
	return old;
}

bool vmalloc_fault(vaddr_t addr)
{
	pte_t kernel, *pde, *pte;

	if (addr < VMALLOC_START || addr >= VMALLOC_END)
		return false;
	kernel = arch_kernel_pgd()[pgd_index(addr)];
	if (!(kernel & _PAGE_PRESENT))
		return false;
	pde = &arch_current_pgd()[pgd_index(addr)];
	if (!(*pde & _PAGE_PRESENT))
		*pde = kernel;
	else if (pte_pfn(*pde) != pte_pfn(kernel))
		arch_panic("vmalloc_fault: the PDE of %08x is %08x, the kernel's is %08x", addr,
			   *pde, kernel);
	pte = lookup_kernel_pte(addr);
	return pte && *pte & _PAGE_PRESENT;
}
