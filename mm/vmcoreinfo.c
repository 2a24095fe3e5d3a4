// SPDX-License-Identifier: MIT
#include "mm/vmcoreinfo.h"

#include "mm/arch.h"
#include "mm/highmem.h"
#include "mm/iomem.h"
#include "mm/mm_types.h"
#include "mm/page_alloc.h"
#include "mm/pkmap.h"
#include "mm/pte.h"
#include "mm/rmap.h"
#include "mm/show.h"
#include "mm/slub_internal.h"
#include "mm/vmap_area.h"

/* The guest's linker script makes it a note. (A section that is called one may not be writable.) */
#ifdef MM_HOST
#define NOTE_SECTION
#else
#define NOTE_SECTION __attribute__((section(".vmcoreinfo"), aligned(4)))
#endif

NOTE_SECTION struct vmcoreinfo_note vmcoreinfo_note = {
	.name_bytes = sizeof(VMCOREINFO_NAME),
	.text_bytes = VMCOREINFO_BYTES,
	.type = 0,
	.name = VMCOREINFO_NAME,
};

#define SYMBOL(x)                                                                                  \
	{                                                                                          \
#x, &(x)                                                                           \
	}
static const struct {
	const char *name;
	const void *address;
} symbols[] = {
	SYMBOL(mm),	 SYMBOL(slub),	SYMBOL(vmap_state),
	SYMBOL(highmem), SYMBOL(iomem), SYMBOL(mm_list),
};

#define SIZE(s)                                                                                    \
	{                                                                                          \
		"SIZE", #s, sizeof(struct s)                                                       \
	}
#define OFFSET(s, f)                                                                               \
	{                                                                                          \
		"OFFSET", #s "." #f, offsetof(struct s, f)                                         \
	}
#define LENGTH(s, f)                                                                               \
	{                                                                                          \
		"LENGTH", #s "." #f, ARRAY_SIZE(((struct s *)0)->f)                                \
	}
#define NUMBER(n)                                                                                  \
	{                                                                                          \
		"NUMBER", #n, n                                                                    \
	}
static const struct {
	const char *kind, *name;
	uint32_t value;
} facts[] = {
	/* the layout of the address space */
	NUMBER(PAGE_OFFSET),
	NUMBER(VMALLOC_OFFSET),
	NUMBER(VMALLOC_END),
	NUMBER(PKMAP_BASE),
	NUMBER(LAST_PKMAP),
	NUMBER(FIXADDR_START),
	NUMBER(FIXADDR_TOP),
	OFFSET(mm_globals, mem_map),
	OFFSET(mm_globals, max_pfn),
	OFFSET(mm_globals, max_low_pfn),
	OFFSET(mm_globals, high_memory),
	OFFSET(mm_globals, nodes),
	OFFSET(mm_globals, node),
	OFFSET(mm_globals, totalram_pages),
	OFFSET(mm_globals, totalhigh_pages),
	OFFSET(mm_globals, min_free_kbytes),
	OFFSET(mm_globals, zero_pfn),
	NUMBER(MAX_NUMNODES),
	/* nodes and zones */
	SIZE(pglist_data),
	SIZE(zone),
	SIZE(free_area),
	SIZE(per_cpu_pages),
	SIZE(list_head),
	OFFSET(pglist_data, id),
	OFFSET(pglist_data, start_pfn),
	OFFSET(pglist_data, spanned_pages),
	OFFSET(pglist_data, present_pages),
	OFFSET(pglist_data, zone),
	LENGTH(pglist_data, zone),
	OFFSET(zone, name),
	OFFSET(zone, type),
	OFFSET(zone, start_pfn),
	OFFSET(zone, spanned_pages),
	OFFSET(zone, present_pages),
	OFFSET(zone, watermark),
	OFFSET(zone, lowmem_reserve),
	OFFSET(zone, pcp),
	OFFSET(zone, free_area),
	OFFSET(zone, stat),
	LENGTH(zone, watermark),
	LENGTH(zone, lowmem_reserve),
	LENGTH(zone, free_area),
	LENGTH(zone, stat),
	OFFSET(per_cpu_pages, count),
	OFFSET(per_cpu_pages, high),
	OFFSET(per_cpu_pages, batch),
	OFFSET(per_cpu_pages, list),
	OFFSET(free_area, free_list),
	OFFSET(free_area, nr_free),
	OFFSET(list_head, next),
	OFFSET(list_head, prev),
	NUMBER(ZONE_DMA),
	NUMBER(ZONE_NORMAL),
	NUMBER(ZONE_HIGHMEM),
	NUMBER(WMARK_MIN),
	NUMBER(WMARK_LOW),
	NUMBER(WMARK_HIGH),
	NUMBER(NR_FREE_PAGES),
	NUMBER(NR_ANON_PAGES),
	NUMBER(NR_FILE_MAPPED),
	NUMBER(NR_FILE_PAGES),
	NUMBER(NR_SLAB_RECLAIMABLE),
	NUMBER(NR_SLAB_UNRECLAIMABLE),
	NUMBER(NR_PAGETABLE),
	NUMBER(NR_BOUNCE_UNUSED),
	NUMBER(NR_ALLOC_SUCCESS),
	/* frames */
	SIZE(page),
	OFFSET(page, state),
	OFFSET(page, order),
	OFFSET(page, place),
	OFFSET(page, count),
	OFFSET(page, mapcount),
	OFFSET(page, lru),
	OFFSET(page, private),
	OFFSET(page, mapping),
	OFFSET(page, index),
	OFFSET(page, first_page),
	OFFSET(page, slab_list),
	OFFSET(page, slab_cache),
	OFFSET(page, freelist),
	OFFSET(page, inuse),
	OFFSET(page, objects),
	OFFSET(page, frozen),
	NUMBER(PAGE_RESERVED),
	NUMBER(PAGE_FREE),
	NUMBER(PAGE_FREE_TAIL),
	NUMBER(PAGE_PCP),
	NUMBER(PAGE_USED),
	NUMBER(PAGE_USED_TAIL),
	NUMBER(PAGE_SLAB),
	NUMBER(PAGE_TABLE),
	NUMBER(PAGE_VMALLOC),
	NUMBER(PAGE_ANON),
	NUMBER(PAGE_CACHE),
	/* whose page it is: page.mapping, with bit 0 an anon_vma's */
	NUMBER(PAGE_MAPPING_ANON),
	OFFSET(address_space, i_size),
	OFFSET(address_space, nrpages),
	OFFSET(address_space, i_mmap),
	NUMBER(_PAGE_PROTNONE),
	/* SLUB */
	OFFSET(slub_globals, caches),
	SIZE(kmem_cache),
	SIZE(kmem_cache_node),
	OFFSET(kmem_cache, cpu),
	OFFSET(kmem_cache, offset),
	OFFSET(kmem_cache, flags),
	OFFSET(kmem_cache, size),
	OFFSET(kmem_cache, objsize),
	OFFSET(kmem_cache, inuse),
	OFFSET(kmem_cache, red_left_pad),
	OFFSET(kmem_cache, order),
	OFFSET(kmem_cache, refcount),
	OFFSET(kmem_cache, name),
	OFFSET(kmem_cache, list),
	OFFSET(kmem_cache, node),
	LENGTH(kmem_cache, node),
	OFFSET(kmem_cache_cpu, freelist),
	OFFSET(kmem_cache_cpu, page),
	OFFSET(kmem_cache_node, partial),
	OFFSET(kmem_cache_node, nr_partial),
	OFFSET(kmem_cache_node, nr_slabs),
	OFFSET(kmem_cache_node, total_objects),
	/* the vmalloc area */
	OFFSET(vmap, vms),
	OFFSET(vmap, list),
	OFFSET(vmap, lazy_pages),
	OFFSET(vmap_area, start),
	OFFSET(vmap_area, end),
	OFFSET(vmap_area, lazy),
	OFFSET(vmap_area, list),
	OFFSET(vmap_area, vm),
	OFFSET(vm_struct, next),
	OFFSET(vm_struct, addr),
	OFFSET(vm_struct, size),
	OFFSET(vm_struct, flags),
	OFFSET(vm_struct, pages),
	OFFSET(vm_struct, nr_pages),
	OFFSET(vm_struct, phys_addr),
	OFFSET(vm_struct, caller),
	NUMBER(VM_IOREMAP),
	NUMBER(VM_ALLOC),
	NUMBER(VM_MAP),
	NUMBER(VM_VPAGES),
	/* kmap */
	SIZE(pkmap_slot),
	OFFSET(highmem, pkmap),
	OFFSET(highmem, fixmap),
	OFFSET(highmem, slot),
	OFFSET(pkmap_slot, page),
	OFFSET(pkmap_slot, count),
	/* address spaces */
	SIZE(mm_struct),
	OFFSET(mm_struct, mmap),
	OFFSET(mm_struct, mm_rb),
	OFFSET(mm_struct, map_count),
	OFFSET(mm_struct, pgd),
	OFFSET(mm_struct, mm_users),
	OFFSET(mm_struct, start_brk),
	OFFSET(mm_struct, brk),
	OFFSET(mm_struct, start_stack),
	OFFSET(mm_struct, total_vm),
	OFFSET(mm_struct, locked_vm),
	OFFSET(mm_struct, rss),
	LENGTH(mm_struct, rss),
	OFFSET(mm_struct, nr_ptes),
	OFFSET(mm_struct, mmlist),
	SIZE(vm_area_struct),
	OFFSET(vm_area_struct, vm_mm),
	OFFSET(vm_area_struct, vm_start),
	OFFSET(vm_area_struct, vm_end),
	OFFSET(vm_area_struct, vm_next),
	OFFSET(vm_area_struct, vm_rb),
	OFFSET(vm_area_struct, vm_flags),
	OFFSET(vm_area_struct, vm_pgoff),
	OFFSET(vm_area_struct, vm_file),
	OFFSET(vm_area_struct, anon_vma),
	OFFSET(vm_area_struct, anon_vma_node),
	OFFSET(anon_vma, head),
	OFFSET(file, f_path),
	OFFSET(file, f_dev),
	OFFSET(file, f_ino),
	NUMBER(MM_FILEPAGES),
	NUMBER(MM_ANONPAGES),
	NUMBER(VM_READ),
	NUMBER(VM_WRITE),
	NUMBER(VM_EXEC),
	NUMBER(VM_SHARED),
	NUMBER(VM_MAYSHARE),
	NUMBER(VM_GROWSDOWN),
	NUMBER(VM_LOCKED),
	/* physical memory */
	SIZE(iomem_resource),
	OFFSET(iomem, count),
	OFFSET(iomem, resource),
	OFFSET(iomem_resource, start),
	OFFSET(iomem_resource, last),
	OFFSET(iomem_resource, name),
};

void vmcoreinfo_init(const char *osrelease)
{
	struct show_buf b = { vmcoreinfo_note.text, VMCOREINFO_BYTES, 0 };

	show_printf(&b, "OSRELEASE=%s\nPAGESIZE=%u\n", osrelease, PAGE_SIZE);
	show_printf(&b, "SYMBOL(swapper_pg_dir)=%llx\n",
		    (unsigned long long)(uintptr_t)arch_kernel_pgd());
	for (unsigned n = 0; n < ARRAY_SIZE(symbols); n++)
		show_printf(&b, "SYMBOL(%s)=%llx\n", symbols[n].name,
			    (unsigned long long)(uintptr_t)symbols[n].address);
	for (unsigned n = 0; n < ARRAY_SIZE(facts); n++)
		show_printf(&b, "%s(%s)=%u\n", facts[n].kind, facts[n].name, facts[n].value);
	if (b.needed >= VMCOREINFO_BYTES)
		arch_panic("VMCOREINFO needs %u bytes", (unsigned)b.needed);
	vmcoreinfo_note.text_bytes = (uint32_t)b.needed;
}
