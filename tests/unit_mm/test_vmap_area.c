// SPDX-License-Identifier: MIT
/*
 * Where areas go, when their addresses come back, and the checker.
 */
#include <stdio.h>
#include <string.h>

#include "unit.h"
#include "vmalloc_rig.h"

/* --- placement -------------------------------------------------------------------------------- */

/*
 * The first pages of the vmalloc area: a letter for each page of an area, '-' guard, '.' hole, ~
 * lazy.
 */
static const char *picture(void *const area[26])
{
	static char text[64];
	size_t end = 0;

	memset(text, '.', sizeof(text) - 1);
	list_for_each(node, &vmap_state.list) {
		const struct vmap_area *va = list_entry(node, struct vmap_area, list);
		size_t first = (va->start - VMALLOC_START) >> PAGE_SHIFT;
		char letter = '?';

		end = (va->end - VMALLOC_START) >> PAGE_SHIFT;
		for (int n = 0; n < 26; n++)
			if (area[n] == arch_ptr(va->start))
				letter = (char)('a' + n);
		for (size_t i = first; i < end && i < sizeof(text) - 1; i++)
			text[i] = va->lazy ? '~' : i == end - 1 ? '-' : letter;
	}
	text[end] = '\0';
	return text;
}

/*
 * Play a script: 'a3' allocates 3 pages as area a, 'a!' frees it, '!' alone purges; then compare
 * with the drawing that follows '='.
 */
static void play(const char *script)
{
	void *area[26] = { NULL };
	char drawing[64];

	begin();
	for (const char *p = script; *p; p++) {
		unsigned n = (unsigned)(*p - 'a');

		if (*p == ' ')
			continue;
		if (*p == '!') {
			vm_unmap_aliases();
		} else if (*p == '=') {
			size_t length = strcspn(p + 1, " ");

			memcpy(drawing, p + 1, length);
			drawing[length] = '\0';
			if (strcmp(picture(area), drawing))
				fprintf(stderr, "%s\n%.*s: %s\n", script, (int)(p - script), script,
					picture(area));
			CU_ASSERT_STRING_EQUAL(picture(area), drawing);
			p += length;
		} else if (*++p == '!') {
			vfree(area[n]);
			area[n] = NULL;
		} else {
			area[n] = vmalloc((uint32_t)(*p - '0') * PAGE_SIZE);
		}
	}
	CU_ASSERT_EQUAL(vmalloc_check(), 0);
	mm_host_end();
}

static void first_fit_by_drawing(void)
{
	play("a1 b3 c1 =a-bbb-c- b! =a-~~~~c- d1 =a-~~~~c-d- ! =a-....c-d- "
	     "e4 =a-....c-d-eeee- f2 =a-ff-.c-d-eeee- g1 =a-ff-.c-d-eeee-g-");
}

static void hole_of_the_exact_size_is_taken_whole(void)
{
	play("a1 b2 c1 b! ! d2 =a-dd-c-");
}

static void hole_one_page_too_small_is_passed_over(void)
{
	play("a1 b2 c1 b! ! d3 =a-...c-ddd-");
}

static void lowest_hole_wins_over_the_best_fit(void)
{
	play("a5 b1 c1 d1 a! c! ! e1 =e-....b-..d- f1 =e-f-..b-..d- g1 =e-f-g-b-..d- h1 =e-f-g-b-h-d-");
}

static void neighbouring_holes_are_one(void)
{
	play("a1 b1 c1 d1 e1 b! d! c! ! f5 =a-fffff-e-");
	play("a1 b1 c1 a! b! ! d3 =ddd-c-");
}

static void holes_between_lazy_areas_stay_usable(void)
{
	play("a1 b1 c1 d1 b! ! a! c! =~~..~~d- e1 =~~e-~~d- ! =..e-..d-");
}

/*
 * As the drawing shows lazy areas alike, count them: side by side they are one, with all its pages.
 */
static void lazy_neighbours_become_one_area(void)
{
	const char *orders[] = { "abc", "acb", "bac", "bca", "cab", "cba" };

	for (unsigned n = 0; n < ARRAY_SIZE(orders); n++) {
		void *area[5];
		unsigned areas = 0;

		begin();
		for (unsigned i = 0; i < 5; i++)
			area[i] = vmalloc(PAGE_SIZE);
		for (const char *p = orders[n]; *p; p++)
			vfree(area[*p - 'a' + 1]);
		list_for_each(node, &vmap_state.list)
			areas++;
		CU_ASSERT_EQUAL(areas, 3);
		CU_ASSERT_EQUAL(vmalloc_lazy_pages(), 6);
		CU_ASSERT_EQUAL(vmalloc_check(), 0);
		vm_unmap_aliases();
		CU_ASSERT_PTR_EQUAL(vmalloc(5 * PAGE_SIZE), area[1]); /* 6 pages of hole */
		CU_ASSERT_EQUAL(vmalloc_check(), 0);
		mm_host_end();
	}
}

/* The lowest place for `pages` pages in the bitmap, beginning at a multiple of `align`. */
static uint32_t place(const uint8_t *taken, uint32_t pages, uint32_t align)
{
	uint32_t at = 0;

	for (uint32_t run = 0; run < pages; run++) {
		if (taken[at + run]) {
			at = (at + run + align) / align * align;
			run = (uint32_t)-1;
		}
	}
	return at;
}

/*
 * Random areas, aligned ones (ioremap's) among them, against a bitmap that is searched page by
 * page. Freed pages are taken until the purge.
 */
static void random_placement_agrees_with_a_bitmap(void)
{
	enum { PAGES = 16384, AREAS = 300 };
	static uint8_t taken[PAGES]; /* 1 live, 2 lazy */
	static struct {
		void *p;
		uint32_t first, pages;
	} areas[AREAS];
	uint32_t seed = 88172645u, wrong = 0, lazy = 0;

	begin();
	memset(taken, 0, sizeof(taken));
	memset(areas, 0, sizeof(areas));
	for (unsigned step = 0; step < 20000; step++) {
		unsigned n = random_number(&seed) % AREAS;

		if (areas[n].p) {
			iounmap(areas[n].p);
			areas[n].p = NULL;
			memset(taken + areas[n].first, 2, areas[n].pages);
			lazy += areas[n].pages;
		} else {
			uint32_t size = random_number(&seed) % 20 + 1, align = 1, at;

			/*
			 * The power of two above the bytes: above the pages, as a page is one, too.
			 */
			while (align <= size)
				align *= 2;
			at = place(taken, size + 1, align);
			areas[n].first = at;
			areas[n].pages = size + 1;
			memset(taken + at, 1, size + 1);
			areas[n].p = ioremap(0xe0000000, size << PAGE_SHIFT);
			wrong += arch_vaddr(areas[n].p) != VMALLOC_START + (at << PAGE_SHIFT);
		}
		if (random_number(&seed) % 100 == 0 || lazy > 8192) {
			vm_unmap_aliases();
			for (unsigned i = 0; i < PAGES; i++)
				taken[i] &= 1;
			lazy = 0;
		}
		wrong += vmalloc_lazy_pages() != lazy;
		if (step % 1000 == 0)
			wrong += vmalloc_check();
	}
	CU_ASSERT_EQUAL(wrong, 0);
	mm_host_end();
}

/* --- the purge -------------------------------------------------------------------------------- */

/* A page read before the free stays cached until the purge, which must take it away. */
static void purge_flushes_what_was_cached(void)
{
	char *p;
	unsigned before;

	begin();
	p = vmalloc(3 * PAGE_SIZE);
	fill(p, 3, 1);
	before = flushes();
	vfree(p);
	CU_ASSERT_EQUAL(flushes(), before);
	CU_ASSERT(mm_host_cached(arch_vaddr(p)) && mm_host_cached(arch_vaddr(p) + 2 * PAGE_SIZE));
	vm_unmap_aliases();
	CU_ASSERT_EQUAL(flushes(), before + 1);
	for (unsigned i = 0; i < 4; i++)
		CU_ASSERT(mm_host_touch(p + i * PAGE_SIZE));
	vm_unmap_aliases();
	CU_ASSERT_EQUAL(flushes(), before + 1); /* nothing to flush */
	mm_host_end();
}

/* One flush for areas far apart, in whatever order they were freed. */
static void purge_flushes_every_lazy_area(void)
{
	const unsigned order[] = { 4, 0, 2 };
	char *p[5];

	begin();
	for (unsigned i = 0; i < 5; i++) {
		p[i] = vmalloc(2 * PAGE_SIZE);
		fill(p[i], 2, i);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
		vfree(p[order[i]]);
	vm_unmap_aliases();
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
		CU_ASSERT(mm_host_touch(p[order[i]]));
		CU_ASSERT(mm_host_touch(p[order[i]] + PAGE_SIZE));
	}
	CU_ASSERT(filled(p[1], 2, 1) && filled(p[3], 2, 3));
	CU_ASSERT_EQUAL(mm_host.flush_range, 1);
	mm_host_end();
}

/* 8192 pages may wait, fls(1 CPU) * 32 MiB; the area that makes it more purges all, at once. */
static void purge_comes_above_32_mib_with_one_flush(void)
{
	unsigned before;

	begin();
	before = flushes();
	for (unsigned i = 0; i < 4096; i++)
		vfree(vmalloc(PAGE_SIZE));
	CU_ASSERT_EQUAL(vmalloc_lazy_pages(), 8192);
	CU_ASSERT_EQUAL(flushes(), before);
	vfree(vmalloc(PAGE_SIZE));
	CU_ASSERT_EQUAL(vmalloc_lazy_pages(), 0);
	CU_ASSERT_EQUAL(flushes(), before + 1);
	CU_ASSERT(list_empty(&vmap_state.list));
	mm_host_end();
}

/* --- the checker ------------------------------------------------------------------------------ */

/* Each is mended at once, so that the next is alone. */
static void checker_sees_wrong_entries_and_pages(void)
{
	struct vmap_area *va;
	struct page *page;
	uint32_t *p;
	pte_t *pte, saved;

	begin();
	vmalloc(PAGE_SIZE);
	p = vmalloc(2 * PAGE_SIZE);
	vfree(vmalloc(PAGE_SIZE));
	va = vmap_area_find(arch_vaddr(p));
	pte = lookup_kernel_pte(va->start);
	saved = *pte;
	page = vmalloc_to_page(p);
	CU_ASSERT_EQUAL(vmalloc_check(), 0);

	pte[2] = saved; /* the guard page */
	CU_ASSERT(vmalloc_check() && mm_host_logged("guard page"));
	pte[2] = 0;
	pte[3] = saved;
	CU_ASSERT(vmalloc_check() && mm_host_logged("lazy area c4805000"));
	pte[3] = 0;
	pte[9] = saved;
	CU_ASSERT(vmalloc_check() && mm_host_logged("hole c480b000"));
	pte[9] = 0;
	*pte = 0;
	CU_ASSERT(vmalloc_check() && mm_host_logged("is not mapped"));
	*pte = saved + PAGE_SIZE;
	CU_ASSERT(vmalloc_check() && mm_host_logged("maps frame"));
	*pte = saved;
	page->state = PAGE_USED;
	CU_ASSERT(vmalloc_check() && mm_host_logged("its page"));
	page->state = PAGE_VMALLOC;
	pfn_to_page(1)->state = PAGE_VMALLOC;
	CU_ASSERT(vmalloc_check() && mm_host_logged("are in that state"));
	pfn_to_page(1)->state = PAGE_RESERVED;
	mm_host_end();
}

static void checker_sees_wrong_records(void)
{
	struct vmap_area *va;

	begin();
	vmalloc(PAGE_SIZE);
	va = vmap_area_find(arch_vaddr(vmalloc(2 * PAGE_SIZE)));
	vfree(vmalloc(PAGE_SIZE));
	CU_ASSERT_EQUAL(vmalloc_check(), 0);

	vmap_state.lazy_pages++;
	CU_ASSERT(vmalloc_check() && mm_host_logged("lazily freed pages"));
	vmap_state.lazy_pages--;
	va->gap += PAGE_SIZE;
	CU_ASSERT(vmalloc_check() && mm_host_logged("noted before it"));
	va->gap -= PAGE_SIZE;
	va->vm.nr_pages--;
	CU_ASSERT(vmalloc_check() && mm_host_logged("1 pages, 2 expected"));
	va->vm.nr_pages++;
	va->vm.size -= PAGE_SIZE;
	CU_ASSERT(vmalloc_check() && mm_host_logged("vm of 8192 bytes"));
	va->vm.size += PAGE_SIZE;
	vmap_state.vms = vmap_state.vms->next;
	CU_ASSERT(vmalloc_check() && mm_host_logged("list of vms"));
	vmap_area_init();
	mm_host_end();
}

static const struct unit_test tests[] = {
	UNIT_TEST(first_fit_by_drawing),
	UNIT_TEST(hole_of_the_exact_size_is_taken_whole),
	UNIT_TEST(hole_one_page_too_small_is_passed_over),
	UNIT_TEST(lowest_hole_wins_over_the_best_fit),
	UNIT_TEST(neighbouring_holes_are_one),
	UNIT_TEST(holes_between_lazy_areas_stay_usable),
	UNIT_TEST(lazy_neighbours_become_one_area),
	UNIT_TEST(random_placement_agrees_with_a_bitmap),
	UNIT_TEST(purge_flushes_what_was_cached),
	UNIT_TEST(purge_flushes_every_lazy_area),
	UNIT_TEST(purge_comes_above_32_mib_with_one_flush),
	UNIT_TEST(checker_sees_wrong_entries_and_pages),
	UNIT_TEST(checker_sees_wrong_records),
	UNIT_END,
};

const struct unit_suite suite_vmap_area = { "vmap_area", tests };
