// SPDX-License-Identifier: MIT
#include "mm/highmem.h"
#include "mm/page_alloc.h"
#include "mm/vmalloc.h"
#include "tests/mm/mm_test.h"

/* vmap's alternatives between two frames that a stale translation would mix up. */
#define MARK_A 0xaaaa5555u
#define MARK_B 0xbbbb6666u

/* Leave nothing lazily freed: its records are memory, too. */
static bool done(void)
{
	vm_unmap_aliases();
	return true;
}

static void write_page(struct page *page, uint32_t value)
{
	uint32_t *p = kmap_atomic(page, KM_USER0);

	*p = value;
	kunmap_atomic(p, KM_USER0);
}

static uint32_t read_page(struct page *page)
{
	uint32_t *p = kmap_atomic(page, KM_USER0), value = *p;

	kunmap_atomic(p, KM_USER0);
	return value;
}

static uint32_t read_at(const void *p)
{
	return *(const volatile uint32_t *)p;
}

static bool entry_clear(const void *addr)
{
	const pte_t *pte = lookup_kernel_pte(arch_vaddr(addr));

	return !pte || !*pte;
}

static bool vmalloc_is_contiguous_and_each_page_its_own(void)
{
	enum { PAGES = 40 };
	char *p = vmalloc(PAGES * PAGE_SIZE);

	EXPECT(p && is_vmalloc_addr(p));
	for (uint32_t i = 0; p && i < PAGES; i++)
		*(volatile uint32_t *)(p + i * PAGE_SIZE) = i;
	for (uint32_t i = 0; p && i < PAGES; i++)
		EXPECT(read_page(vmalloc_to_page(p + i * PAGE_SIZE)) == i);
	vfree(p);
	return done();
}

static bool vzalloc_is_zero(void)
{
	enum { BYTES = 5 * PAGE_SIZE };
	char *p = vmalloc(BYTES);
	uint32_t ones = 0;

	EXPECT(p);
	if (p)
		memset(p, 0xff, BYTES);
	vfree(p);
	p = vzalloc(BYTES);
	EXPECT(p);
	for (uint32_t i = 0; p && i < BYTES; i++)
		ones += p[i] != 0;
	EXPECT(ones == 0);
	vfree(p);
	return done();
}

static bool pages_come_from_highmem_first(void)
{
	enum { PAGES = 8 };
	bool highmem = nr_free_highpages() > 64 * PAGES;
	char *p = vmalloc(PAGES * PAGE_SIZE);

	EXPECT(p);
	for (uint32_t i = 0; p && i < PAGES; i++)
		EXPECT(!highmem || page_is_highmem(vmalloc_to_page(p + i * PAGE_SIZE)));
	vfree(p);
	return done();
}

static bool area_has_one_guard_page_that_its_size_counts(void)
{
	char *p = vmalloc(2 * PAGE_SIZE + 1), *q = vmalloc(1);
	const struct vm_struct *vm = find_vm_area(p);

	EXPECT(p && q && vm);
	if (vm) {
		EXPECT(vm->size == 4 * PAGE_SIZE);
		EXPECT(vm->nr_pages == 3);
		EXPECT(vm->flags == VM_ALLOC);
		EXPECT(vm->addr == arch_vaddr(p));
		EXPECT(vm->caller != 0);
	}
	EXPECT(!entry_clear(p + 2 * PAGE_SIZE));
	EXPECT(entry_clear(p + 3 * PAGE_SIZE));
	EXPECT(vmalloc_to_page(p + 3 * PAGE_SIZE) == NULL);
	EXPECT(find_vm_area(p + PAGE_SIZE) == NULL);
	vfree(q);
	vfree(p);
	EXPECT(find_vm_area(p) == NULL);
	return done();
}

static bool size_zero_or_more_than_ram_gives_null(void)
{
	EXPECT(vmalloc(0) == NULL);
	EXPECT(vzalloc(0) == NULL);
	EXPECT(vmalloc(0xffffffff) == NULL);
	if (mm.totalram_pages < 0xfffff)
		EXPECT(vmalloc((mm.totalram_pages + 1) * PAGE_SIZE) == NULL);
	EXPECT(vmap(NULL, 0, VM_MAP, PAGE_KERNEL) == NULL);
	EXPECT(vmap(NULL, mm.totalram_pages + 1, VM_MAP, PAGE_KERNEL) == NULL);
	vfree(NULL);
	vunmap(NULL);
	iounmap(NULL);
	return done();
}

/*
 *	a a g b b b g c g		a, b, c live
 *	a a g . . . . c g		b freed and purged
 *	a a g d g e g c g		d and e fit there
 */
static bool first_fit_takes_the_lowest_hole(void)
{
	char *a, *b, *c, *d, *e, *f;

	vm_unmap_aliases();
	a = vmalloc(2 * PAGE_SIZE);
	b = vmalloc(3 * PAGE_SIZE);
	c = vmalloc(PAGE_SIZE);
	EXPECT(a && b == a + 3 * PAGE_SIZE && c == b + 4 * PAGE_SIZE);
	vfree(b);
	vm_unmap_aliases();
	f = vmalloc(4 * PAGE_SIZE);
	EXPECT(f == c + 2 * PAGE_SIZE);
	d = vmalloc(PAGE_SIZE);
	EXPECT(d == b);
	e = vmalloc(PAGE_SIZE);
	EXPECT(e == b + 2 * PAGE_SIZE);
	vfree(a);
	vfree(c);
	vfree(d);
	vfree(e);
	vfree(f);
	return done();
}

static bool freed_area_is_not_reused_before_the_purge(void)
{
	char *a, *b, *c;

	vm_unmap_aliases();
	a = vmalloc(PAGE_SIZE);
	vfree(a);
	EXPECT(entry_clear(a));
	EXPECT(vmalloc_lazy_pages() == 2);
	b = vmalloc(PAGE_SIZE);
	EXPECT(a && b && a != b);
	vfree(b);
	EXPECT(vmalloc_lazy_pages() == 4);
	vm_unmap_aliases();
	EXPECT(vmalloc_lazy_pages() == 0);
	c = vmalloc(PAGE_SIZE);
	EXPECT(c == a);
	vfree(c);
	return done();
}

/* The same address, another frame: what is read must be the new frame's. */
static bool no_stale_translation_after_a_purge(void)
{
	struct page *a = alloc_page(GFP_HIGHUSER), *b = alloc_page(GFP_HIGHUSER);
	void *p, *q;

	EXPECT(a && b);
	if (!a || !b)
		return false;
	write_page(a, MARK_A);
	write_page(b, MARK_B);
	vm_unmap_aliases();
	p = vmap(&a, 1, VM_MAP, PAGE_KERNEL);
	EXPECT(p && read_at(p) == MARK_A);
	vunmap(p);
	vm_unmap_aliases();
	q = vmap(&b, 1, VM_MAP, PAGE_KERNEL);
	EXPECT(q == p);
	EXPECT(q && read_at(q) == MARK_B);
	vunmap(q);
	__free_pages(a, 0);
	__free_pages(b, 0);
	return done();
}

/* More than may pile up, without asking for a purge: every address reads as what it maps now. */
static bool no_stale_translation_when_freeing_purges_by_itself(void)
{
	struct page *pages[2] = { alloc_page(GFP_HIGHUSER), alloc_page(GFP_HIGHUSER) };
	uint32_t wrong = 0, reused = 0;
	void *first = NULL;

	EXPECT(pages[0] && pages[1]);
	if (!pages[0] || !pages[1])
		return false;
	write_page(pages[0], MARK_A);
	write_page(pages[1], MARK_B);
	vm_unmap_aliases();
	/*
	 * The purge comes above 8192 pages, with the 4097th area: an odd number, so the frames
	 * swap.
	 */
	for (uint32_t i = 0; i < 4097 + 8; i++) {
		void *p = vmap(&pages[i % 2], 1, VM_MAP, PAGE_KERNEL);

		wrong += !p || read_at(p) != (i % 2 ? MARK_B : MARK_A);
		if (!i)
			first = p;
		else
			reused += p == first;
		vunmap(p);
	}
	EXPECT(wrong == 0);
	EXPECT(reused == 1);
	__free_pages(pages[0], 0);
	__free_pages(pages[1], 0);
	return done();
}

static bool vmap_shows_one_page_twice_and_leaves_it_on_vunmap(void)
{
	struct page *page = alloc_page(GFP_HIGHUSER), *twice[2] = { page, page };
	char *p;

	EXPECT(page);
	if (!page)
		return false;
	p = vmap(twice, 2, VM_MAP, PAGE_KERNEL);
	EXPECT(p);
	if (p) {
		*(volatile uint32_t *)p = MARK_A;
		EXPECT(read_at(p + PAGE_SIZE) == MARK_A);
		EXPECT(find_vm_area(p)->flags == VM_MAP && find_vm_area(p)->nr_pages == 0);
		EXPECT(vmalloc_to_page(p) == page && vmalloc_to_page(p + PAGE_SIZE) == page);
	}
	vunmap(p);
	EXPECT(read_page(page) == MARK_A);
	__free_pages(page, 0);
	return done();
}

static bool vmap_of_a_null_page_undoes_what_it_did(void)
{
	struct page *pages[3] = { alloc_page(GFP_KERNEL), NULL, NULL };

	EXPECT(pages[0]);
	pages[1] = pages[0];
	if (pages[0])
		EXPECT(vmap(pages, 3, VM_MAP, PAGE_KERNEL) == NULL);
	if (pages[0])
		__free_pages(pages[0], 0);
	return done();
}

/* Each is refused, and the area stays as it is. */
static bool freeing_what_is_not_an_area_frees_nothing(void)
{
	struct page *page = alloc_page(GFP_KERNEL);
	char *v, *m;
	void *io;

	vm_unmap_aliases();
	v = vmalloc(2 * PAGE_SIZE);
	m = page ? vmap(&page, 1, VM_MAP, PAGE_KERNEL) : NULL;
	io = ioremap(0xfd000000, PAGE_SIZE);
	EXPECT(v && m && io);
	if (!v || !m || !io)
		return false;
	*(volatile uint32_t *)v = MARK_A;
	vfree(v + 4);	      /* not the start of a page */
	vfree(v + PAGE_SIZE); /* inside the area */
	vfree(page_address(page));
	vunmap(v);
	iounmap(v);
	vfree(m);
	iounmap(m);
	vfree(io);
	vunmap(io);
	EXPECT(find_vm_area(v) && find_vm_area(m) && find_vm_area(io));
	EXPECT(read_at(v) == MARK_A);
	vfree(v);
	vfree(v); /* the second time */
	vunmap(m);
	vunmap(m);
	iounmap(io);
	iounmap(io);
	EXPECT(vmalloc_lazy_pages() == 3 + 2 + 2);
	__free_pages(page, 0);
	return done();
}

static bool areas_are_listed_by_address(void)
{
	char *p[6];
	vaddr_t last = 0;
	uint32_t ours = 0;

	for (unsigned i = 0; i < 6; i++)
		p[i] = vmalloc((i % 3 + 1) * PAGE_SIZE);
	vfree(p[1]);
	vfree(p[4]);
	vm_unmap_aliases();
	p[4] = vmalloc(PAGE_SIZE); /* into the hole */
	p[1] = vmalloc(8 * PAGE_SIZE);
	vfree(p[0]); /* lazily: no longer listed */
	for (const struct vm_struct *vm = vm_area_first(); vm; vm = vm->next) {
		EXPECT(vm->addr > last);
		last = vm->addr;
		EXPECT(vm->addr != arch_vaddr(p[0]));
		for (unsigned i = 1; i < 6; i++)
			ours += vm->addr == arch_vaddr(p[i]);
	}
	EXPECT(ours == 5);
	for (unsigned i = 1; i < 6; i++)
		vfree(p[i]);
	return done();
}

/* Alignment: the power of two above the size, so 8 KiB for one page; at most 128 pages. */
static bool ioremap_maps_uncached_and_aligned(void)
{
	const struct {
		uint32_t bytes, align;
	} sizes[] = {
		{ 1, 0x2000 }, { 0x1000, 0x2000 }, { 0x3000, 0x4000 }, { 0x200000, 0x80000 }
	};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *p = ioremap(0xfd000010, sizes[i].bytes);
		vaddr_t va = arch_vaddr(p);
		const pte_t *pte = lookup_kernel_pte(va);
		const struct vm_struct *vm = find_vm_area(arch_ptr(va & PAGE_MASK));

		EXPECT(p && (va & ~PAGE_MASK) == 0x10);
		EXPECT((va & PAGE_MASK & (sizes[i].align - 1)) == 0);
		EXPECT(pte && *pte == (0xfd000000 | PAGE_KERNEL_NOCACHE));
		EXPECT(vm && vm->flags == VM_IOREMAP && vm->phys_addr == 0xfd000000);
		EXPECT(vmalloc_to_page(p) == NULL);
		iounmap(p);
	}
	return done();
}

static bool ioremap_covers_the_last_byte(void)
{
	char *p = ioremap(0xfd000fff, 2);
	const struct vm_struct *vm = find_vm_area(arch_ptr(arch_vaddr(p) & PAGE_MASK));
	const pte_t *pte = lookup_kernel_pte(arch_vaddr(p) + 1);

	EXPECT(p && vm && vm->size == 3 * PAGE_SIZE);
	EXPECT(pte && pte_pfn(*pte) == 0xfd001);
	iounmap(p);
	p = ioremap(0xfffff000, PAGE_SIZE); /* ends at 4 GiB */
	EXPECT(p);
	iounmap(p);
	return done();
}

static bool ioremap_refuses_ram_nothing_and_what_wraps(void)
{
	struct page *page = alloc_page(GFP_KERNEL);

	EXPECT(page && ioremap(page_to_phys(page), PAGE_SIZE) == NULL);
	EXPECT(page && ioremap(page_to_phys(page) + 5, 1) == NULL);
	EXPECT(ioremap(0xff000, 2 * PAGE_SIZE) == NULL); /* its last page is the first of RAM */
	EXPECT(ioremap(0xfd000000, 0) == NULL);
	EXPECT(ioremap(0xfffff000, 2 * PAGE_SIZE) == NULL);
	EXPECT(ioremap(0xffffffff, 2) == NULL);
	EXPECT(ioremap(0, 0xffffffff) == NULL);
	/* Video memory: the direct map has it. */
	EXPECT(ioremap(0xb8000, 4000) == phys_to_virt(0xb8000));
	iounmap(phys_to_virt(0xb8000));
	if (page)
		__free_pages(page, 0);
	return done();
}

static bool vmalloc_fault_is_true_for_mapped_pages_alone(void)
{
	char *p = vmalloc(PAGE_SIZE);
	vaddr_t va = arch_vaddr(p);

	EXPECT(p && vmalloc_fault(va) && vmalloc_fault(va + PAGE_SIZE - 1));
	EXPECT(!vmalloc_fault(va + PAGE_SIZE)); /* the guard page */
	EXPECT(!vmalloc_fault(VMALLOC_START - PAGE_SIZE));
	EXPECT(!vmalloc_fault(VMALLOC_END));
	EXPECT(!vmalloc_fault(PAGE_OFFSET));
	EXPECT(!vmalloc_fault(0));
	vfree(p);
	EXPECT(!vmalloc_fault(va));
	return done();
}

const struct mm_test mm_tests_vmalloc[] = {
	MM_TEST(vmalloc_is_contiguous_and_each_page_its_own),
	MM_TEST(vzalloc_is_zero),
	MM_TEST(pages_come_from_highmem_first),
	MM_TEST(area_has_one_guard_page_that_its_size_counts),
	MM_TEST(size_zero_or_more_than_ram_gives_null),
	MM_TEST(first_fit_takes_the_lowest_hole),
	MM_TEST(freed_area_is_not_reused_before_the_purge),
	MM_TEST(no_stale_translation_after_a_purge),
	MM_TEST(no_stale_translation_when_freeing_purges_by_itself),
	MM_TEST(vmap_shows_one_page_twice_and_leaves_it_on_vunmap),
	MM_TEST(vmap_of_a_null_page_undoes_what_it_did),
	MM_TEST(freeing_what_is_not_an_area_frees_nothing),
	MM_TEST(areas_are_listed_by_address),
	MM_TEST(ioremap_maps_uncached_and_aligned),
	MM_TEST(ioremap_covers_the_last_byte),
	MM_TEST(ioremap_refuses_ram_nothing_and_what_wraps),
	MM_TEST(vmalloc_fault_is_true_for_mapped_pages_alone),
	MM_TEST_END,
};
