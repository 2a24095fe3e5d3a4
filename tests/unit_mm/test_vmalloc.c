// SPDX-License-Identifier: MIT
#include <string.h>

#include "mm/errno.h"
#include "unit.h"
#include "vmalloc_rig.h"

/* --- translations ----------------------------------------------------------------------------- */

static void guard_pages_fault(void)
{
	char *p, *q;

	begin();
	p = vmalloc(2 * PAGE_SIZE);
	q = vmalloc(PAGE_SIZE);
	CU_ASSERT(!mm_host_touch_write(p) && !mm_host_touch_write(p + 2 * PAGE_SIZE - 1));
	CU_ASSERT(mm_host_touch(p + 2 * PAGE_SIZE));
	CU_ASSERT(mm_host_touch(q - 1));
	CU_ASSERT(!mm_host_touch(q));
	CU_ASSERT(mm_host_touch(q + PAGE_SIZE));
	CU_ASSERT(mm_host_touch(arch_ptr(VMALLOC_START - 1)));
	CU_ASSERT(mm_host_touch(arch_ptr(mm.high_memory))); /* the hole of 8 MiB */
	CU_ASSERT(VMALLOC_START - mm.high_memory >= 8 * MIB);
	mm_host_end();
}

static struct page *test_pages[1100];

static bool no_second_table(const char *what, size_t bytes, gfp_t gfp)
{
	/* kmap's, the fixed slots' and the first of the vmalloc area are there. */
	return gfp & __GFP_ZERO && bytes == PAGE_SIZE && global_page_state(NR_PAGETABLE) == 3;
}

/* What a failed vmap mapped may be cached, too: its range is not reusable before the purge. */
static void range_of_a_failed_map_waits_for_the_flush(void)
{
	void *p;

	begin();
	for (unsigned i = 0; i < ARRAY_SIZE(test_pages); i++)
		test_pages[i] = pfn_to_page(0x200 + i);
	mm.fail_alloc = no_second_table;
	CU_ASSERT_PTR_NULL(vmap(test_pages, 1100, VM_MAP, PAGE_KERNEL)); /* 1024 are mapped */
	mm.fail_alloc = NULL;
	CU_ASSERT_EQUAL(vmalloc_lazy_pages(), 1101);
	CU_ASSERT_EQUAL(vmalloc_check(), 0);
	p = vmap(test_pages, 1, VM_MAP, PAGE_KERNEL);
	CU_ASSERT_EQUAL(arch_vaddr(p), VMALLOC_START + 1101 * PAGE_SIZE);
	vunmap(p);
	vm_unmap_aliases();
	p = vmap(test_pages, 1, VM_MAP, PAGE_KERNEL);
	CU_ASSERT_EQUAL(arch_vaddr(p), VMALLOC_START);
	mm_host_end();
}

static void read_only_area_cannot_be_written(void)
{
	char *p;

	begin();
	p = __vmalloc(PAGE_SIZE, GFP_KERNEL, PAGE_KERNEL_RO);
	CU_ASSERT(!mm_host_touch(p));
	CU_ASSERT(mm_host_touch_write(p));
	CU_ASSERT(!page_is_highmem(vmalloc_to_page(p))); /* as asked */
	vfree(p);
	mm_host_end();
}

/* Another directory takes over a PDE when it first needs it, and not more often. */
static void other_directory_takes_pdes_over_by_fault(void)
{
	pte_t *pgd;
	char *p;

	begin();
	pgd = __get_free_pages(GFP_KERNEL, 0);
	memcpy(pgd, arch_kernel_pgd(), PAGE_SIZE);
	p = vmalloc(1030 * PAGE_SIZE); /* two tables, both new */
	fill(p, 1030, 100);
	vm_unmap_aliases();
	mm_host.current_pgd = pgd;
	arch_flush_tlb_all();
	CU_ASSERT(filled(p, 1030, 100));
	CU_ASSERT_EQUAL(mm_host.pde_syncs, 2);
	CU_ASSERT_EQUAL(pgd[pgd_index(arch_vaddr(p))], arch_kernel_pgd()[pgd_index(arch_vaddr(p))]);
	CU_ASSERT(mm_host_touch(p + 1030 * PAGE_SIZE));
	CU_ASSERT_EQUAL(pgd[pgd_index(VMALLOC_END - 1) - 1], 0);

	mm_host.current_pgd = NULL;
	vfree(p);
	vm_unmap_aliases();
	mm_host.current_pgd = pgd;
	CU_ASSERT(mm_host_touch(p)); /* the table is shared: freed here is freed there */
	mm_host_end();
}

static void sync_with_a_strange_pde(void *arg)
{
	vmalloc_fault(*(vaddr_t *)arg);
}

static void foreign_table_in_the_vmalloc_area_is_a_bug(void)
{
	pte_t *pgd;
	vaddr_t va;

	begin();
	pgd = __get_free_pages(GFP_KERNEL | __GFP_ZERO, 0);
	va = arch_vaddr(vmalloc(PAGE_SIZE));
	pgd[pgd_index(va)] = 0x00345000 | PAGE_KERNEL;
	mm_host.current_pgd = pgd;
	CU_ASSERT(mm_host_expect_panic(sync_with_a_strange_pde, &va));
	CU_ASSERT_PTR_NOT_NULL(strstr(mm_host.panic_text, "00345"));
	mm_host_end();
}

/* --- many areas, no room, no memory ----------------------------------------------------------- */

static void ten_thousand_areas_keep_their_contents(void)
{
	enum { AREAS = 10000 };
	static void *p[AREAS];
	uint32_t seed = 1, before, wrong = 0;

	mm_host_begin_ram(128 * MIB);
	before = settled_pages();
	for (unsigned i = 0; i < AREAS; i++) {
		struct page *page;
		uint32_t *q;

		p[i] = vmalloc(PAGE_SIZE);
		page = vmalloc_to_page(p[i]);
		q = phys_to_virt(page_to_phys(page)); /* not through the TLB: it is small */
		*q = i;
	}
	CU_ASSERT_EQUAL(vmalloc_check(), 0);
	for (unsigned i = 0; i < AREAS; i++)
		wrong += *(uint32_t *)p[i] != i;
	CU_ASSERT_EQUAL(wrong, 0);
	for (unsigned i = AREAS - 1; i; i--) { /* in random order */
		unsigned n = random_number(&seed) % (i + 1);
		void *t = p[n];

		p[n] = p[i];
		p[i] = t;
	}
	for (unsigned i = 0; i < AREAS / 2; i++)
		vfree(p[i]);
	CU_ASSERT_EQUAL(vmalloc_check(), 0);
	for (unsigned i = AREAS / 2; i < AREAS; i++)
		vfree(p[i]);
	CU_ASSERT_EQUAL(vmalloc_check(), 0);
	vm_unmap_aliases();
	CU_ASSERT_PTR_NULL(vm_area_first());
	CU_ASSERT_EQUAL(settled_pages(), before);
	mm_host_end();
}

/*
 * All addresses taken by device mappings; a lazily freed one comes back by the purge and the retry.
 */
static void full_area_purges_and_tries_again(void)
{
	enum { BYTES = 4 * MIB };
	void *first, *p;
	unsigned before, count = 1;
	uint32_t settled;

	begin();
	first = ioremap(0xc0000000, BYTES);
	while (ioremap(0xc0000000, BYTES))
		count++;
	/* Each takes 4 MiB and the guard page, and begins at a multiple of 512 KiB: 4.5 MiB. */
	CU_ASSERT_EQUAL(count,
			(VMALLOC_END - VMALLOC_START - BYTES - PAGE_SIZE) / (9 * MIB / 2) + 1);
	CU_ASSERT(mm_host_logged("no hole of 4198400 bytes"));
	CU_ASSERT_EQUAL(vmalloc_check(), 0);
	settled = settled_pages();
	for (unsigned i = 0; i < 50; i++)
		CU_ASSERT_PTR_NULL(ioremap(0xc0000000, BYTES));
	CU_ASSERT_EQUAL(settled_pages(), settled);
	before = flushes();
	iounmap(first);
	CU_ASSERT_EQUAL(flushes(), before);
	p = ioremap(0xd0000000, BYTES);
	CU_ASSERT_PTR_EQUAL(p, first);
	CU_ASSERT_EQUAL(flushes(), before + 1);
	CU_ASSERT_PTR_NULL(ioremap(0xd0000000, BYTES));
	mm_host_end();
}

static void size_larger_than_the_area_gives_null(void)
{
	struct mm_host_config large = { .ram_bytes = 1536ull * MIB };
	unsigned calls;

	mm_host_begin(&large);
	calls = mm_host.alloc_calls;
	CU_ASSERT(mm.totalram_pages > (VMALLOC_END - VMALLOC_START) >> PAGE_SHIFT);
	CU_ASSERT_PTR_NULL(vmalloc(VMALLOC_END - VMALLOC_START));
	CU_ASSERT_EQUAL(mm_host.alloc_calls, calls); /* it was not tried */
	mm_host_end();
}

static void running_out_of_memory_leaks_nothing(void)
{
	void *list = NULL, *p;
	uint32_t before, areas = 0;

	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 80 * MIB, .highmem = 16 * MIB });
	before = settled_pages();
	while ((p = vmalloc(2 * MIB + 1))) {
		*(void **)p = list;
		list = p;
		areas++;
	}
	CU_ASSERT(areas >= 36); /* of 80 MiB less what the kernel, mem_map and reserves take */
	CU_ASSERT_EQUAL(mm_host_check(), 0);
	while ((p = list)) {
		list = *(void **)p;
		vfree(p);
	}
	vm_unmap_aliases();
	CU_ASSERT_EQUAL(settled_pages(), before);
	CU_ASSERT_EQUAL(mm_host_check(), 0);
	mm_host_end();
}

/* More than 512 pages: the array of pages does not fit into a page, and is vmalloc's itself. */
static void *large_vmalloc(void)
{
	return vmalloc(1100 * PAGE_SIZE);
}

static void *small_vzalloc(void)
{
	return vzalloc(3 * PAGE_SIZE);
}

static void *large_vmap(void)
{
	return vmap(test_pages, 1100, VM_MAP, PAGE_KERNEL);
}

static void *large_ioremap(void)
{
	return ioremap(0xe0000000, 5 * MIB);
}

static void io_free(const void *p)
{
	iounmap(p);
}

/* Take the page tables of the empty vmalloc area away, so that the next area needs them again. */
static void drop_tables(void)
{
	arch_flush_tlb_all();
	for (unsigned i = pgd_index(VMALLOC_START); i <= pgd_index(VMALLOC_END - 1); i++) {
		pte_t *pde = &arch_kernel_pgd()[i];
		struct page *table = pfn_to_page(pte_pfn(*pde));

		if (!*pde || i == pgd_index(PKMAP_BASE))
			continue;
		*pde = 0;
		page_set_state(table, PAGE_USED);
		page_zone(table)->stat[NR_PAGETABLE]--;
		__free_pages(table, 0);
	}
}

/*
 * Let each allocation of `get` fail in turn, until none is left: NULL, and nothing lost. A slab
 * that is tried again with a smaller order survives a failure.
 */
static void fail_each(void *(*get)(void), void (*put)(const void *), unsigned sites)
{
	uint32_t before, null = 0, wrong = 0;
	bool failed = true;

	begin();
	for (unsigned i = 0; i < ARRAY_SIZE(test_pages); i++)
		test_pages[i] = pfn_to_page(0x200 + i);
	before = settled_pages();
	for (unsigned n = 1; failed; n++) {
		void *p;

		mm_host_fail_nth(n);
		p = get();
		failed = mm_host.failed;
		mm_host_fail_nth(0);
		null += !p;
		wrong += !p && !failed;
		put(p);
		vm_unmap_aliases();
		wrong += settled_pages() != before;
		drop_tables();
		if (n < 20 || n % 100 == 0)
			wrong += vmalloc_check();
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT(null >= sites);
	CU_ASSERT_EQUAL(mm_host_check(), 0);
	mm_host_end();
}

static void failure_of_each_allocation_leaks_nothing(void)
{
	/* Area, array of pages, 3 pages, page table. */
	fail_each(small_vzalloc, vfree, 6);
	/* Area, its array's area, array and 3 pages, 1100 pages, 2 page tables. */
	fail_each(large_vmalloc, vfree, 1107);
	/* Area, 2 page tables. */
	fail_each(large_vmap, vunmap, 3);
	fail_each(large_ioremap, io_free, 3);
}

static void array_of_pages_too_large_for_kmalloc_is_an_area(void)
{
	const struct vm_struct *vm;
	uint32_t areas = 0;
	void *p;

	begin();
	p = vmalloc(PAGE_SIZE / sizeof(struct page *) * PAGE_SIZE);
	CU_ASSERT_EQUAL(find_vm_area(p)->flags, VM_ALLOC);
	vfree(p);
	p = vmalloc((PAGE_SIZE / sizeof(struct page *) + 1) * PAGE_SIZE);
	vm = find_vm_area(p);
	CU_ASSERT_EQUAL(vm->flags, VM_ALLOC | VM_VPAGES);
	CU_ASSERT(is_vmalloc_addr(vm->pages));
	for (vm = vm_area_first(); vm; vm = vm->next)
		areas++;
	CU_ASSERT_EQUAL(areas, 2);
	vfree(p);
	CU_ASSERT_PTR_NULL(vm_area_first());
	mm_host_end();
}

/* --- misuse ----------------------------------------------------------------------------------- */

static void misuse_is_named(void)
{
	char *v, *m, *io;
	struct page *page;

	begin();
	page = alloc_page(GFP_KERNEL);
	v = vmalloc(2 * PAGE_SIZE);
	m = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	io = ioremap(0xfd000000, PAGE_SIZE);
	mm_host_log_clear();
	vfree(v + 12);
	CU_ASSERT(mm_host_logged("vfree(c480000c), called from 0x"));
	CU_ASSERT(mm_host_logged("not the start of a page"));
	vfree(v + PAGE_SIZE);
	CU_ASSERT(mm_host_logged("vfree(c4801000)") && mm_host_logged("no area starts there"));
	vunmap(v);
	CU_ASSERT(mm_host_logged("vunmap(c4800000)") && mm_host_logged("vmalloc's, for vfree"));
	vfree(m);
	CU_ASSERT(mm_host_logged("vmap's, for vunmap"));
	vfree(io);
	CU_ASSERT(mm_host_logged("ioremap's, for iounmap"));
	CU_ASSERT_EQUAL(mm_host_log_count("WARNING"), 5);
	vfree(v);
	CU_ASSERT_EQUAL(mm_host_log_count("WARNING"), 5);
	vfree(v);
	CU_ASSERT_EQUAL(mm_host_log_count("no area starts there"), 2);
	CU_ASSERT_PTR_NULL(ioremap(0x00300000, PAGE_SIZE));
	CU_ASSERT(mm_host_logged("ioremap of RAM: 00300000-00300fff"));
	CU_ASSERT_PTR_NULL(ioremap(64 * MIB - PAGE_SIZE, 2 * PAGE_SIZE));
	iounmap(ioremap(64 * MIB, PAGE_SIZE)); /* right behind the RAM */
	CU_ASSERT_EQUAL(mm_host_log_count("WARNING"), 8);
	iounmap(io + 5); /* anywhere in its first page */
	CU_ASSERT_PTR_NULL(find_vm_area(io));
	mm_host_end();
}

static void mapping_a_mapped_address_is_refused(void)
{
	vaddr_t va;

	begin();
	va = arch_vaddr(vmalloc(PAGE_SIZE));
	CU_ASSERT_EQUAL(map_kernel_page(va, 0x00300000, PAGE_KERNEL), -EBUSY);
	CU_ASSERT(mm_host_logged("is mapped already"));
	CU_ASSERT_EQUAL(unmap_kernel_page(VMALLOC_END - PAGE_SIZE), 0); /* no table */
	CU_ASSERT_PTR_NULL(lookup_kernel_pte(PAGE_OFFSET));		/* a 4 MiB page */
	CU_ASSERT_PTR_NULL(pte_alloc_kernel(PAGE_OFFSET));
	mm_host_end();
}

static void page_tables_are_counted_and_owned(void)
{
	uint32_t before;
	struct page *table;
	vaddr_t va;

	begin();
	before = global_page_state(NR_PAGETABLE);
	CU_ASSERT_EQUAL(before, 2); /* kmap's and the fixed slots' */
	va = arch_vaddr(vmalloc(PAGE_SIZE));
	CU_ASSERT_EQUAL(global_page_state(NR_PAGETABLE), 3);
	table = pfn_to_page(pte_pfn(arch_kernel_pgd()[pgd_index(va)]));
	CU_ASSERT_EQUAL(table->state, PAGE_TABLE);
	vfree(arch_ptr(va));
	vm_unmap_aliases();
	CU_ASSERT_EQUAL(global_page_state(NR_PAGETABLE), 3); /* they stay */
	mm_host_end();
}

static void call_vmalloc(void *arg)
{
	vmalloc(PAGE_SIZE);
}

static void call_vfree(void *arg)
{
	vfree(arg);
}

static void not_in_interrupts(void)
{
	void *p;

	begin();
	p = vmalloc(PAGE_SIZE);
	mm_host.in_interrupt = true;
	CU_ASSERT(mm_host_expect_panic(call_vmalloc, NULL));
	CU_ASSERT(mm_host_expect_panic(call_vfree, p));
	mm_host.in_interrupt = false;
	CU_ASSERT_PTR_NOT_NULL(find_vm_area(p));
	mm_host_end();
}

static const struct unit_test tests[] = {
	UNIT_TEST(guard_pages_fault),
	UNIT_TEST(range_of_a_failed_map_waits_for_the_flush),
	UNIT_TEST(read_only_area_cannot_be_written),
	UNIT_TEST(other_directory_takes_pdes_over_by_fault),
	UNIT_TEST(foreign_table_in_the_vmalloc_area_is_a_bug),
	UNIT_TEST(ten_thousand_areas_keep_their_contents),
	UNIT_TEST(full_area_purges_and_tries_again),
	UNIT_TEST(size_larger_than_the_area_gives_null),
	UNIT_TEST(running_out_of_memory_leaks_nothing),
	UNIT_TEST(failure_of_each_allocation_leaks_nothing),
	UNIT_TEST(array_of_pages_too_large_for_kmalloc_is_an_area),
	UNIT_TEST(misuse_is_named),
	UNIT_TEST(mapping_a_mapped_address_is_refused),
	UNIT_TEST(page_tables_are_counted_and_owned),
	UNIT_TEST(not_in_interrupts),
	UNIT_END,
};

const struct unit_suite suite_vmalloc = { "vmalloc", tests };
