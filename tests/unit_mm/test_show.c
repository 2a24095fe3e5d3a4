// SPDX-License-Identifier: MIT
/*
 * The texts of mm/show.h, against texts written by hand: the formats of Linux 2.6.32 (mm/vmstat.c,
 * fs/proc/meminfo.c, mm/slub.c, mm/vmalloc.c, kernel/resource.c, arch/x86/mm/dump_pagetables.c)
 * filled with the numbers of a small machine.
 */
#include <stdio.h>
#include <string.h>

#include "mm/iomem.h"
#include "mm/show.h"
#include "mm/slub.h"
#include "mm/vmalloc.h"
#include "mm_host.h"
#include "tests/unit/unit.h"

#define MIB (1u << 20)

static char text[16384];

static const char *shown(const char *file)
{
	struct show_buf b = { text, sizeof(text), 0 };
	const struct show_file *f = show_find(file);

	text[0] = '\0';
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	f->show(&b);
	CU_ASSERT_EQUAL(b.needed, strlen(text));
	return text;
}

/* CUnit tells that texts differ, this also where. */
static void expect_text(const char *file, const char *expected)
{
	const char *is = shown(file);
	size_t same = 0;

	while (is[same] && is[same] == expected[same])
		same++;
	CU_ASSERT_STRING_EQUAL(is, expected);
	if (is[same] != expected[same])
		fprintf(stderr, "%s differs at byte %zu:\n%s\nexpected:\n%s\n", file, same, is,
			expected);
}

/* --- numbers made by hand --------------------------------------------------------------------- */

/* Node 0 has all three zones, node 1 no DMA; nothing else of mm/ is up. */
static void made_machine(void)
{
	struct zone *dma = &mm.node[0].zone[ZONE_DMA], *normal = &mm.node[0].zone[ZONE_NORMAL];
	struct zone *high = &mm.node[1].zone[ZONE_HIGHMEM];

	mm_host_end();
	mm.nodes = 2;
	mm.node[1].id = 1;
	mm.high_memory = 0xc4800000; /* VMALLOC_START is 0xc5000000, VMALLOC_END 0xff7fe000 */
	mm.totalram_pages = 20000;
	mm.totalhigh_pages = 2048;
	*dma = (struct zone){
		.name = "DMA",
		.node = &mm.node[0],
		.spanned_pages = 4096,
		.present_pages = 3959,
		.watermark = { 16, 20, 24 },
		.lowmem_reserve = { 0, 55, 71 },
		.pcp = { .count = 0, .high = 0, .batch = 1 },
		.stat = { [NR_FREE_PAGES] = 3870, [NR_SLAB_UNRECLAIMABLE] = 3 },
	};
	for (unsigned order = 0; order < MAX_ORDER; order++)
		dma->free_area[order].nr_free = order;
	*normal = (struct zone){
		.name = "Normal",
		.node = &mm.node[0],
		.start_pfn = 4096,
		.spanned_pages = 14336,
		.present_pages = 14210,
		.watermark = { 936, 1170, 1404 },
		.lowmem_reserve = { 0, 0, 64 },
		.pcp = { .count = 41, .high = 42, .batch = 7 },
		.stat = { [NR_FREE_PAGES] = 9000,
			  [NR_ANON_PAGES] = 23,
			  [NR_FILE_MAPPED] = 29,
			  [NR_FILE_PAGES] = 34,
			  [NR_SLAB_RECLAIMABLE] = 5,
			  [NR_SLAB_UNRECLAIMABLE] = 7,
			  [NR_PAGETABLE] = 2,
			  [NR_ALLOC_SUCCESS] = 123456 },
	};
	normal->free_area[0].nr_free = 1234567;
	normal->free_area[10].nr_free = 8;
	*high = (struct zone){
		.name = "HighMem",
		.node = &mm.node[1],
		.type = ZONE_HIGHMEM,
		.start_pfn = 18432,
		.spanned_pages = 2048,
		.present_pages = 2032,
		.watermark = { 32, 33, 34 },
		.pcp = { .count = 1, .high = 6, .batch = 1 },
		.stat = { [NR_FREE_PAGES] = 2000 },
	};
	high->free_area[4].nr_free = 125;
}

static void made_machine_ends(void)
{
	memset(&mm, 0, sizeof(mm));
}

static void buddyinfo_has_a_line_for_each_populated_zone(void)
{
	made_machine();
	expect_text(
		"buddyinfo",
		"Node 0, zone      DMA      0      1      2      3      4      5      6      7      8"
		"      9     10 \n"
		"Node 0, zone   Normal 1234567      0      0      0      0      0      0      0      "
		"0      0      8 \n"
		"Node 1, zone  HighMem      0      0      0      0    125      0      0      0      0"
		"      0      0 \n");
	made_machine_ends();
}

static void zoneinfo_has_the_fields_we_keep(void)
{
	made_machine();
	expect_text("zoneinfo", "Node 0, zone      DMA\n"
				"  pages free     3870\n"
				"        min      16\n"
				"        low      20\n"
				"        high     24\n"
				"        spanned  4096\n"
				"        present  3959\n"
				"    nr_free_pages 3870\n"
				"    nr_anon_pages 0\n"
				"    nr_mapped    0\n"
				"    nr_file_pages 0\n"
				"    nr_slab_reclaimable 0\n"
				"    nr_slab_unreclaimable 3\n"
				"    nr_page_table_pages 0\n"
				"    nr_bounce    0\n"
				"    numa_hit     0\n"
				"        protection: (0, 55, 71)\n"
				"  pagesets\n"
				"    cpu: 0\n"
				"              count: 0\n"
				"              high:  0\n"
				"              batch: 1\n"
				"  start_pfn:         0\n"
				"Node 0, zone   Normal\n"
				"  pages free     9000\n"
				"        min      936\n"
				"        low      1170\n"
				"        high     1404\n"
				"        spanned  14336\n"
				"        present  14210\n"
				"    nr_free_pages 9000\n"
				"    nr_anon_pages 23\n"
				"    nr_mapped    29\n"
				"    nr_file_pages 34\n"
				"    nr_slab_reclaimable 5\n"
				"    nr_slab_unreclaimable 7\n"
				"    nr_page_table_pages 2\n"
				"    nr_bounce    0\n"
				"    numa_hit     123456\n"
				"        protection: (0, 0, 64)\n"
				"  pagesets\n"
				"    cpu: 0\n"
				"              count: 41\n"
				"              high:  42\n"
				"              batch: 7\n"
				"  start_pfn:         4096\n"
				"Node 1, zone  HighMem\n"
				"  pages free     2000\n"
				"        min      32\n"
				"        low      33\n"
				"        high     34\n"
				"        spanned  2048\n"
				"        present  2032\n"
				"    nr_free_pages 2000\n"
				"    nr_anon_pages 0\n"
				"    nr_mapped    0\n"
				"    nr_file_pages 0\n"
				"    nr_slab_reclaimable 0\n"
				"    nr_slab_unreclaimable 0\n"
				"    nr_page_table_pages 0\n"
				"    nr_bounce    0\n"
				"    numa_hit     0\n"
				"        protection: (0, 0, 0)\n"
				"  pagesets\n"
				"    cpu: 0\n"
				"              count: 1\n"
				"              high:  6\n"
				"              batch: 1\n"
				"  start_pfn:         18432\n");
	made_machine_ends();
}

/*
 * 20000 pages are 80000 kB, 2048 of them 8192. Free: 3870 + 9000 + 2000 = 14870 pages. The vmalloc
 * area is 0xff7fe000 - 0xc5000000 = 0x3a7fe000 bytes = 958456 kB, all of it a hole.
 */
static void meminfo_has_linux_lines_in_its_order(void)
{
	made_machine();
	expect_text("meminfo", "MemTotal:          80000 kB\n"
			       "MemFree:           59480 kB\n"
			       "Cached:              136 kB\n"
			       "HighTotal:          8192 kB\n"
			       "HighFree:           8000 kB\n"
			       "LowTotal:          71808 kB\n"
			       "LowFree:           51480 kB\n"
			       "SwapTotal:             0 kB\n"
			       "SwapFree:              0 kB\n"
			       "AnonPages:            92 kB\n"
			       "Mapped:              116 kB\n"
			       "Slab:                 60 kB\n"
			       "SReclaimable:         20 kB\n"
			       "SUnreclaim:           40 kB\n"
			       "PageTables:            8 kB\n"
			       "VmallocTotal:     958456 kB\n"
			       "VmallocUsed:           0 kB\n"
			       "VmallocChunk:     958456 kB\n");
	made_machine_ends();
}

/* --- a machine that runs ---------------------------------------------------------------------- */

/* 128 MiB, the upper 32 of them HIGHMEM: high_memory is 0xc6000000, VMALLOC_START 0xc6800000. */
static void small_machine(void)
{
	mm_host_begin(&(struct mm_host_config){ .kernel_only = true,
						.ram_bytes = 128 * MIB,
						.highmem = 32 * MIB,
						.slub_nomerge = true });
}

/*
 * 100 bytes take a slot of 104, 39 of them a page: 40 objects take two slabs. Objects 1..38 of the
 * first are freed again, and are all that is free: the second slab is the CPU's, and counts as
 * full.
 */
static void slabinfo_counts_objects_of_the_cpu_slab_as_active(void)
{
	static const char expected[] =
		"slabinfo - version: 2.1\n"
		"# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"
		" : tunables <limit> <batchcount> <sharedfactor>"
		" : slabdata <active_slabs> <num_slabs> <sharedavail>\n"
		"my_cache              40     78    104   39    1"
		" : tunables    0    0    0 : slabdata      2      2      0\n"
		"a_cache_with_a_long_name      0      0   2000    8    4"
		" : tunables    0    0    0 : slabdata      0      0      0\n"
		"kmalloc-8192           0      0   8192    4    8"
		" : tunables    0    0    0 : slabdata      0      0      0\n";
	struct kmem_cache *s;
	void *objects[40];

	small_machine();
	CU_ASSERT_PTR_NOT_NULL(kmem_cache_create("a_cache_with_a_long_name", 2000, 0, 0, NULL));
	s = kmem_cache_create("my_cache", 100, 0, 0, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	for (unsigned n = 0; n < ARRAY_SIZE(objects); n++)
		objects[n] = kmem_cache_alloc(s, GFP_KERNEL);
	for (unsigned n = 1; n < ARRAY_SIZE(objects) - 1; n++)
		kmem_cache_free(s, objects[n]);
	CU_ASSERT_NSTRING_EQUAL(shown("slabinfo"), expected, sizeof(expected) - 1);
	mm_host_end();
}

/*
 *   vmalloc(5000)		0xc6800000, 2 pages and the guard
 *   ioremap(..., 0x200)	1 page and the guard, at a multiple of 8 KiB
 *   vmap of one page		behind it
 */
static void vmallocinfo_tells_size_caller_kind_and_nodes(void)
{
	struct page *page;
	char expected[512];

	small_machine();
	page = alloc_page(GFP_KERNEL);
	CU_ASSERT_PTR_NOT_NULL(vmalloc(5000));
	CU_ASSERT_PTR_NOT_NULL(ioremap(0xfeb00e00, 0x200));
	CU_ASSERT_PTR_NOT_NULL(vmap(&page, 1, VM_MAP, PAGE_KERNEL));
	snprintf(expected, sizeof(expected),
		 "0xc6800000-0xc6803000   12288 0x%08x pages=2 vmalloc N0=2\n"
		 "0xc6804000-0xc6806000    8192 0x%08x phys=feb00000 ioremap\n"
		 "0xc6806000-0xc6808000    8192 0x%08x vmap\n",
		 find_vm_area(arch_ptr(0xc6800000))->caller,
		 find_vm_area(arch_ptr(0xc6804000))->caller,
		 find_vm_area(arch_ptr(0xc6806000))->caller);
	expect_text("vmallocinfo", expected);
	mm_host_end();
}

/* Used: 12 + 8 kB. The holes: 4 kB before ioremap's area, and the rest, 0xff7fe000 - 0xc6806000. */
static void meminfo_counts_guard_pages_as_used(void)
{
	small_machine();
	CU_ASSERT_PTR_NOT_NULL(vmalloc(5000));
	CU_ASSERT_PTR_NOT_NULL(ioremap(0xfeb00000, 0x200));
	CU_ASSERT_PTR_NOT_NULL(strstr(shown("meminfo"), "VmallocTotal:     933880 kB\n"
							"VmallocUsed:          20 kB\n"
							"VmallocChunk:     933856 kB\n"));
	mm_host_end();
}

static void vmallocinfo_is_empty_without_areas(void)
{
	small_machine();
	expect_text("vmallocinfo", "");
	mm_host_end();
}

static void vmallocinfo_counts_pages_by_node(void)
{
	struct page *own[2];
	const char *line;

	mm_host_begin(
		&(struct mm_host_config){ .ram_bytes = 128 * MIB, .highmem = 32 * MIB, .numa = 2 });
	CU_ASSERT_PTR_NOT_NULL(vmalloc(2 * PAGE_SIZE));
	/* One of each node, whatever vmalloc() took. */
	own[0] = alloc_pages_node(0, GFP_KERNEL, 0);
	own[1] = alloc_pages_node(1, GFP_KERNEL | __GFP_HIGHMEM, 0);
	((struct vm_struct *)(uintptr_t)vm_area_first())->pages[0] = own[0];
	((struct vm_struct *)(uintptr_t)vm_area_first())->pages[1] = own[1];
	line = shown("vmallocinfo");
	CU_ASSERT_PTR_NOT_NULL(strstr(line, " pages=2 vmalloc N0=1 N1=1\n"));
	mm_host_end();
}

/* --- iomem ------------------------------------------------------------------------------------ */

static void iomem_nests_what_lies_inside(void)
{
	iomem_reset();
	CU_ASSERT_EQUAL(iomem_add(0x00100000, 0x3fffffff, "System RAM"), 0);
	CU_ASSERT_EQUAL(iomem_add(0x00280000, 0x0035ffff, "Kernel data"), 0);
	CU_ASSERT_EQUAL(iomem_add(0xfffc0000, 0xffffffff, "reserved"), 0);
	CU_ASSERT_EQUAL(iomem_add(0x00100000, 0x0027ffff, "Kernel code"), 0);
	CU_ASSERT_EQUAL(iomem_add(0x00200000, 0x00200fff, "deep"), 0);
	CU_ASSERT_EQUAL(iomem_add(0x00000000, 0x0009fbff, "System RAM"), 0);
	CU_ASSERT_EQUAL(iomem_add(0x000a0000, 0x000fffff, "outer, told last"), 0);
	CU_ASSERT_EQUAL(iomem_add(0x000f0000, 0x000fffff, "reserved"), 0);
	expect_text("iomem", "00000000-0009fbff : System RAM\n"
			     "000a0000-000fffff : outer, told last\n"
			     "  000f0000-000fffff : reserved\n"
			     "00100000-3fffffff : System RAM\n"
			     "  00100000-0027ffff : Kernel code\n"
			     "    00200000-00200fff : deep\n"
			     "  00280000-0035ffff : Kernel data\n"
			     "fffc0000-ffffffff : reserved\n");
	iomem_reset();
	expect_text("iomem", "");
}

static void iomem_takes_an_outer_range_after_its_inner_ones(void)
{
	iomem_reset();
	CU_ASSERT_EQUAL(iomem_add(0x1000, 0x1fff, "first"), 0);
	CU_ASSERT_EQUAL(iomem_add(0x3000, 0x3fff, "second"), 0);
	CU_ASSERT_EQUAL(iomem_add(0x1000, 0x3fff, "both"), 0);
	CU_ASSERT_EQUAL(iomem_add(0x1000, 0x3fff, "the same again"), 0);
	expect_text("iomem", "00001000-00003fff : both\n"
			     "  00001000-00003fff : the same again\n"
			     "    00001000-00001fff : first\n"
			     "    00003000-00003fff : second\n");
	iomem_reset();
}

static void iomem_refuses_what_is_no_tree(void)
{
	iomem_reset();
	CU_ASSERT_EQUAL(iomem_add(0x2000, 0x1fff, "backwards"), -22);
	CU_ASSERT_EQUAL(iomem_add(0x1000, 0x2fff, "a"), 0);
	CU_ASSERT_EQUAL(iomem_add(0x2000, 0x3fff, "overlaps its end"), -16);
	CU_ASSERT_EQUAL(iomem_add(0x0000, 0x1000, "overlaps its start"), -16);
	expect_text("iomem", "00001000-00002fff : a\n");
	iomem_reset();
	for (unsigned n = 0; n < IOMEM_RESOURCES; n++)
		CU_ASSERT_EQUAL(iomem_add(n << 12, n << 12, "full"), 0);
	CU_ASSERT_EQUAL(iomem_add(0xf0000000, 0xf0000fff, "one more"), -28);
	iomem_reset();
}

static void memory_line_tells_code_and_data_in_linux_format(void)
{
	iomem_reset();
	iomem_add(0x00100000, 0x001213ff, "Kernel code"); /* 133 kB */
	iomem_add(0x00121400, 0x0013f7ff, "Kernel data"); /* 121 kB */
	CU_ASSERT_EQUAL(iomem_bytes("Kernel bss"), 0);
	small_machine();
	CU_ASSERT(mm_host_logged(" available (133k kernel code, "));
	CU_ASSERT(mm_host_logged("k reserved, 121k data, 0k init, 32768k highmem)\n"));
	CU_ASSERT(mm_host_logged("Memory: "));
	CU_ASSERT(mm_host_logged("k/131072k available"));
	mm_host_end();
	iomem_reset();
}

/* --- page tables ------------------------------------------------------------------------------ */

/*
 * 96 MiB of low memory in 4 MiB pages; nothing in the vmalloc area, 0xff800000 - 0xc6800000 = 912M.
 * Its end and kmap's start both lie in the hole before kmap's table, and an area is named at the
 * first entry behind its border, one at a time: hence the run of one page.
 */
static void page_tables_of_a_machine_at_rest(void)
{
	small_machine();
	expect_text("page_tables",
		    "---[ User Space ]---\n"
		    "0x00000000-0xc0000000           3G                           pgd\n"
		    "---[ Kernel Mapping ]---\n"
		    "0xc0000000-0xc6000000          96M     RW         PSE GLB x  pgd\n"
		    "0xc6000000-0xc6800000           8M                           pgd\n"
		    "---[ vmalloc() Area ]---\n"
		    "0xc6800000-0xff800000         912M                           pgd\n"
		    "---[ vmalloc() End ]---\n"
		    "0xff800000-0xff801000           4K                           pte\n"
		    "---[ Persisent kmap() Area ]---\n"
		    "0xff801000-0xfffbf000        7928K                           pte\n"
		    "---[ Fixmap Area ]---\n"
		    "0xfffbf000-0x00000000         260K                           pte\n");
	mm_host_end();
}

/*
 * vmalloc's 2 pages, the guard and a page of alignment, one uncached page; then flags set by hand.
 */
static void page_tables_show_flags_of_each_run(void)
{
	pte_t *pte;

	small_machine();
	CU_ASSERT_PTR_NOT_NULL(vmalloc(5000));
	CU_ASSERT_PTR_NOT_NULL(ioremap(0xfeb00000, 0x200));
	pte = lookup_kernel_pte(0xc6810000);
	pte[0] = 0x00200000 | _PAGE_PRESENT | _PAGE_USER;
	pte[1] = 0x00300000 | _PAGE_PRESENT | _PAGE_USER; /* other frame, same run */
	pte[2] = 0x00200000 | _PAGE_PRESENT | _PAGE_RW | _PAGE_PWT | _PAGE_PAT;
	CU_ASSERT_PTR_NOT_NULL(
		strstr(shown("page_tables"),
		       "---[ vmalloc() Area ]---\n"
		       "0xc6800000-0xc6802000           8K     RW             GLB x  pte\n"
		       "0xc6802000-0xc6804000           8K                           pte\n"
		       "0xc6804000-0xc6805000           4K     RW     PCD     GLB x  pte\n"
		       "0xc6805000-0xc6810000          44K                           pte\n"
		       "0xc6810000-0xc6812000           8K USR ro                 x  pte\n"
		       "0xc6812000-0xc6813000           4K     RW PWT     pat     x  pte\n"
		       "0xc6813000-0xc6c00000        4020K                           pte\n"
		       "0xc6c00000-0xff800000         908M                           pgd\n"));
	pte[0] = pte[1] = pte[2] = 0;
	mm_host_end();
}

/* --- the buffer ------------------------------------------------------------------------------- */

static void buffer_is_never_overrun_and_tells_what_it_needs(void)
{
	char small[8] = "xxxxxxx";
	struct show_buf b = { small, 6, 0 };

	show_printf(&b, "%s", "abcd");
	CU_ASSERT_STRING_EQUAL(small, "abcd");
	show_printf(&b, "%s", "efgh");
	CU_ASSERT_STRING_EQUAL(small, "abcde");
	show_printf(&b, "%s", "ijkl");
	CU_ASSERT_STRING_EQUAL(small, "abcde");
	CU_ASSERT_EQUAL(small[6], 'x');
	CU_ASSERT_EQUAL(b.needed, 12);
	b = (struct show_buf){ NULL, 0, 0 };
	show_printf(&b, "%s", "abcd");
	CU_ASSERT_EQUAL(b.needed, 4);
}

static void files_are_found_by_name(void)
{
	static const char *const names[] = { "buddyinfo",   "zoneinfo", "meminfo",    "slabinfo",
					     "vmallocinfo", "iomem",	"page_tables" };

	for (unsigned n = 0; n < ARRAY_SIZE(names); n++)
		CU_ASSERT_STRING_EQUAL(show_files[n].name, names[n]);
	CU_ASSERT_PTR_NULL(show_files[ARRAY_SIZE(names)].name);
	CU_ASSERT_PTR_EQUAL(show_find("slabinfo"), &show_files[3]);
	CU_ASSERT_PTR_NULL(show_find("slabinf"));
	CU_ASSERT_PTR_NULL(show_find(""));
}

static const struct unit_test tests[] = {
	UNIT_TEST(buddyinfo_has_a_line_for_each_populated_zone),
	UNIT_TEST(zoneinfo_has_the_fields_we_keep),
	UNIT_TEST(meminfo_has_linux_lines_in_its_order),
	UNIT_TEST(slabinfo_counts_objects_of_the_cpu_slab_as_active),
	UNIT_TEST(vmallocinfo_tells_size_caller_kind_and_nodes),
	UNIT_TEST(meminfo_counts_guard_pages_as_used),
	UNIT_TEST(vmallocinfo_is_empty_without_areas),
	UNIT_TEST(vmallocinfo_counts_pages_by_node),
	UNIT_TEST(iomem_nests_what_lies_inside),
	UNIT_TEST(iomem_takes_an_outer_range_after_its_inner_ones),
	UNIT_TEST(iomem_refuses_what_is_no_tree),
	UNIT_TEST(memory_line_tells_code_and_data_in_linux_format),
	UNIT_TEST(page_tables_of_a_machine_at_rest),
	UNIT_TEST(page_tables_show_flags_of_each_run),
	UNIT_TEST(buffer_is_never_overrun_and_tells_what_it_needs),
	UNIT_TEST(files_are_found_by_name),
	UNIT_END,
};

const struct unit_suite suite_show = { "show", tests };
