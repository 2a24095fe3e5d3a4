// SPDX-License-Identifier: MIT
#include "mm/vmalloc.h"

#include "mm/arch.h"
#include "mm/errno.h"
#include "mm/page_alloc.h"
#include "mm/slub.h"
#include "mm/vmap_area.h"

/* What an allocation of bookkeeping takes over from the caller's flags: how hard to try. */
#define GFP_RECLAIM_MASK                                                                           \
	(__GFP_WAIT | __GFP_HIGH | __GFP_NOWARN | __GFP_NOFAIL | __GFP_NORETRY | __GFP_NOMEMALLOC)

static void *vmalloc_from(uint32_t size, gfp_t gfp, pte_t prot, vaddr_t caller);

void vmalloc_init(void)
{
	vmap_area_init();
}

/* --- vmalloc ---------------------------------------------------------------------------------- */

/* A place for the pointers to `count` pages; sets vm->pages. -ENOMEM. */
static int alloc_page_array(struct vm_struct *vm, uint32_t count, gfp_t gfp)
{
	uint32_t bytes = count * sizeof(struct page *);

	if (bytes <= PAGE_SIZE) {
		vm->pages = kzalloc(bytes, gfp & GFP_RECLAIM_MASK);
	} else {
		vm->pages = vmalloc_from(bytes, gfp | __GFP_HIGHMEM | __GFP_ZERO, PAGE_KERNEL,
					 vm->caller);
		if (vm->pages)
			vm->flags |= VM_VPAGES;
	}
	return vm->pages ? 0 : -ENOMEM;
}

/* Take the area apart, whatever it got so far. */
static void free_area(struct vmap_area *va)
{
	struct page **pages = va->vm.pages;
	uint32_t count = va->vm.nr_pages, flags = va->vm.flags;

	/*
	 * The pages go back at once, their translations maybe still cached: only who uses the area
	 * after freeing it can see that. The addresses wait for the flush.
	 */
	vmap_area_free(va);
	for (uint32_t i = 0; i < count; i++) {
		page_set_state(pages[i], PAGE_USED);
		__free_pages(pages[i], 0);
	}
	if (flags & VM_VPAGES)
		vfree(pages);
	else
		kfree(pages);
}

/* Pages for the whole area, and their entries. -ENOMEM: some of it may be done. */
static int populate(struct vm_struct *vm, gfp_t gfp, pte_t prot)
{
	uint32_t count = (vm->size >> PAGE_SHIFT) - 1; /* none for the guard page */

	if (alloc_page_array(vm, count, gfp))
		return -ENOMEM;
	while (vm->nr_pages < count) {
		struct page *page = alloc_page(gfp);

		if (!page)
			return -ENOMEM;
		page_set_state(page, PAGE_VMALLOC);
		vm->pages[vm->nr_pages++] = page;
	}
	for (uint32_t i = 0; i < vm->nr_pages; i++)
		if (map_kernel_page(vm->addr + (i << PAGE_SHIFT), page_to_phys(vm->pages[i]), prot))
			return -ENOMEM;
	return 0;
}

static void *vmalloc_from(uint32_t size, gfp_t gfp, pte_t prot, vaddr_t caller)
{
	struct vmap_area *va;

	if (PFN_UP(size) > mm.totalram_pages)
		return NULL;
	va = vmap_area_alloc(size, PAGE_SIZE, VM_ALLOC, gfp & GFP_RECLAIM_MASK, caller);
	if (!va)
		return NULL;
	if (populate(&va->vm, gfp, prot)) {
		free_area(va);
		return NULL;
	}
	return arch_ptr(va->start);
}

void *__vmalloc(uint32_t size, gfp_t gfp, pte_t prot)
{
	return vmalloc_from(size, gfp, prot, arch_caller());
}

void *vmalloc(uint32_t size)
{
	return vmalloc_from(size, GFP_KERNEL | __GFP_HIGHMEM, PAGE_KERNEL, arch_caller());
}

void *vzalloc(uint32_t size)
{
	return vmalloc_from(size, GFP_KERNEL | __GFP_HIGHMEM | __GFP_ZERO, PAGE_KERNEL,
			    arch_caller());
}

void vfree(const void *addr)
{
	struct vmap_area *va;

	if (!addr)
		return;
	va = vmap_area_claim(arch_vaddr(addr), VM_ALLOC, "vfree", arch_caller());
	if (va)
		free_area(va);
}

/* --- vmap ------------------------------------------------------------------------------------- */

void *vmap(struct page **pages, unsigned count, uint32_t flags, pte_t prot)
{
	struct vmap_area *va;

	if (count > mm.totalram_pages)
		return NULL;
	va = vmap_area_alloc(count << PAGE_SHIFT, PAGE_SIZE, flags & VM_MAP, GFP_KERNEL,
			     arch_caller());
	if (!va)
		return NULL;
	for (unsigned i = 0; i < count; i++) {
		vaddr_t addr = va->start + (i << PAGE_SHIFT);

		if (!pages[i])
			arch_printk("WARNING: vmap: page %u of %u is NULL\n", i, count);
		if (!pages[i] || map_kernel_page(addr, page_to_phys(pages[i]), prot)) {
			vmap_area_free(va);
			return NULL;
		}
	}
	return arch_ptr(va->start);
}

void vunmap(const void *addr)
{
	struct vmap_area *va;

	if (!addr)
		return;
	va = vmap_area_claim(arch_vaddr(addr), 0, "vunmap", arch_caller());
	if (va)
		vmap_area_free(va);
}

/* --- looking up ------------------------------------------------------------------------------- */

bool is_vmalloc_addr(const volatile void *addr)
{
	vaddr_t va = arch_vaddr(addr);

	return va >= VMALLOC_START && va < VMALLOC_END;
}

struct page *vmalloc_to_page(const void *addr)
{
	const pte_t *pte = is_vmalloc_addr(addr) ? lookup_kernel_pte(arch_vaddr(addr)) : NULL;

	if (!pte || !(*pte & _PAGE_PRESENT) || !pfn_valid(pte_pfn(*pte)))
		return NULL;
	return pfn_to_page(pte_pfn(*pte));
}

const struct vm_struct *find_vm_area(const void *addr)
{
	const struct vmap_area *va = vmap_area_find(arch_vaddr(addr));

	return va ? &va->vm : NULL;
}

const struct vm_struct *vm_area_first(void)
{
	return vmap_state.vms;
}

void vm_unmap_aliases(void)
{
	vmap_area_purge();
}

uint32_t vmalloc_lazy_pages(void)
{
	return vmap_state.lazy_pages;
}
