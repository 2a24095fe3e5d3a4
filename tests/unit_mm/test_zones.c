// SPDX-License-Identifier: MIT
/*
 * From RAM to zones: borders, sizes, watermarks, reserves, zonelists, against Linux 2.6.32's
 * formulas worked out by hand. PFNs: 1 MiB is 256 pages; a PC's RAM lacks pages 160..255
 * (640K..1M).
 */
#include "mm/memblock.h"
#include "mm/page_internal.h"
#include "mm_host.h"
#include "tests/unit/unit.h"

#define MIB_PAGES 256u
#define HOLE_PAGES 96u

/* What a zone pays for its struct pages, whose size is the host's here. */
static uint32_t map_pages(uint32_t spanned)
{
	return (uint32_t)((spanned * sizeof(struct page) + PAGE_SIZE - 1) / PAGE_SIZE);
}

static const struct zone *zone(unsigned node, enum zone_type type)
{
	return &mm.node[node].zone[type];
}

static void check_zone(enum zone_type type, pfn_t start, uint32_t spanned, uint32_t ram)
{
	const struct zone *z = zone(0, type);

	CU_ASSERT_EQUAL(z->spanned_pages, spanned);
	if (!spanned) {
		CU_ASSERT_EQUAL(z->present_pages, 0);
		return;
	}
	CU_ASSERT_EQUAL(z->start_pfn, start);
	CU_ASSERT_EQUAL(z->present_pages, ram - map_pages(spanned));
}

static void zones_of_32_mib(void)
{
	mm_host_begin_ram(32 << 20);
	check_zone(ZONE_DMA, 0, 4096, 4096 - HOLE_PAGES);
	check_zone(ZONE_NORMAL, 4096, 4096, 4096);
	check_zone(ZONE_HIGHMEM, 0, 0, 0);
	CU_ASSERT_EQUAL(mm.high_memory, 0xc2000000);
	CU_ASSERT_EQUAL(page_alloc_check(), 0);
	mm_host_end();
}

static void zones_of_80_mib_with_highmem_16m(void)
{
	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 80 << 20, .highmem = 16 << 20 });
	check_zone(ZONE_DMA, 0, 4096, 4096 - HOLE_PAGES);
	check_zone(ZONE_NORMAL, 4096, 48 * MIB_PAGES, 48 * MIB_PAGES);
	check_zone(ZONE_HIGHMEM, 64 * MIB_PAGES, 16 * MIB_PAGES, 16 * MIB_PAGES);
	CU_ASSERT_EQUAL(mm.totalhigh_pages, 16 * MIB_PAGES);
	mm_host_end();
}

static void zones_of_1_gib(void)
{
	mm_host_begin_ram(1 << 30);
	check_zone(ZONE_DMA, 0, 4096, 4096 - HOLE_PAGES);
	check_zone(ZONE_NORMAL, 4096, 880 * MIB_PAGES, 880 * MIB_PAGES);
	check_zone(ZONE_HIGHMEM, 896 * MIB_PAGES, 128 * MIB_PAGES, 128 * MIB_PAGES);
	CU_ASSERT_EQUAL(mm.high_memory, 0xf8000000);
	CU_ASSERT_EQUAL(mm.max_pfn, 0x40000);
	CU_ASSERT_EQUAL(page_alloc_check(), 0);
	mm_host_end();
}

static void zones_of_3_gib(void)
{
	mm_host_begin_ram(3ull << 30);
	check_zone(ZONE_NORMAL, 4096, 880 * MIB_PAGES, 880 * MIB_PAGES);
	check_zone(ZONE_HIGHMEM, 896 * MIB_PAGES, 2176 * MIB_PAGES, 2176 * MIB_PAGES);
	CU_ASSERT_EQUAL(page_alloc_check(), 0);
	mm_host_end();
}

static void a_machine_below_16_mib_has_dma_only(void)
{
	struct page *page;

	mm_host_begin_ram(8 << 20);
	check_zone(ZONE_DMA, 0, 2048, 2048 - HOLE_PAGES);
	check_zone(ZONE_NORMAL, 0, 0, 0);
	page = alloc_page(GFP_HIGHUSER);
	CU_ASSERT(page && page->zone == ZONE_DMA);
	__free_pages(page, 0);
	mm_host_end();
}

/* RAM from 16M on: DMA requests have no zone at all. */
static void a_machine_without_dma_memory_has_no_dma_zone(void)
{
	const struct mm_host_range ranges[] = { { 16 << 20, 16 << 20 }, { 0, 0 } };
	struct page *page;

	mm_host_begin(&(struct mm_host_config){ .ranges = ranges });
	check_zone(ZONE_DMA, 0, 0, 0);
	CU_ASSERT_PTR_NULL(alloc_page(GFP_DMA | __GFP_NOWARN));
	page = alloc_page(GFP_KERNEL);
	CU_ASSERT(page && page->zone == ZONE_NORMAL);
	__free_pages(page, 0);
	CU_ASSERT_EQUAL(page_alloc_check(), 0);
	mm_host_end();
}

/* 0..640K, 1M..5M + 1 byte, 8M - 1 byte .. 20M: pieces of pages are lost, holes are reserved. */
static void holes_and_odd_borders(void)
{
	const struct mm_host_range ranges[] = { { 0, 640 << 10 },
						{ 1 << 20, (4 << 20) + 1 },
						{ (8 << 20) - 1, (12 << 20) + 1 },
						{ 0, 0 } };

	mm_host_begin(&(struct mm_host_config){ .ranges = ranges });
	check_zone(ZONE_DMA, 0, 4096, 160 + 4 * MIB_PAGES + 8 * MIB_PAGES);
	check_zone(ZONE_NORMAL, 4096, 4 * MIB_PAGES, 4 * MIB_PAGES);
	CU_ASSERT_EQUAL(pfn_to_page(5 * MIB_PAGES)->state, PAGE_RESERVED);
	CU_ASSERT_EQUAL(pfn_to_page(8 * MIB_PAGES - 1)->state, PAGE_RESERVED);
	CU_ASSERT_NOT_EQUAL(pfn_to_page(5 * MIB_PAGES - 1)->state, PAGE_RESERVED);
	CU_ASSERT_NOT_EQUAL(pfn_to_page(8 * MIB_PAGES)->state, PAGE_RESERVED);
	CU_ASSERT_EQUAL(page_alloc_check(), 0);
	mm_host_end();
}

/* Page 0, the kernel and mem_map are reserved; the rest of RAM is in the buddy. */
static void what_is_taken_is_not_handed_out(void)
{
	uint32_t map = map_pages(32 * MIB_PAGES);

	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 32 << 20, .kernel_only = true });
	CU_ASSERT_EQUAL(pfn_to_page(0)->state, PAGE_RESERVED);
	CU_ASSERT_NOT_EQUAL(pfn_to_page(1)->state, PAGE_RESERVED);
	CU_ASSERT_EQUAL(pfn_to_page(256)->state, PAGE_RESERVED);
	CU_ASSERT_EQUAL(pfn_to_page(511)->state, PAGE_RESERVED);
	CU_ASSERT_NOT_EQUAL(pfn_to_page(512)->state, PAGE_RESERVED);
	CU_ASSERT_EQUAL(mm.totalram_pages, 32 * MIB_PAGES - HOLE_PAGES - 1 - 256 - map);
	CU_ASSERT_EQUAL(virt_to_phys(mm.mem_map) >> PAGE_SHIFT, 32 * MIB_PAGES - map);
	mm_host_end();
}

/* --- formulas --------------------------------------------------------------------------------- */

/*
 * Linux: 4 * sqrt(lowmem_kbytes), rounded down; the table is the one beside
 * init_per_zone_wmark_min(), whose 11584 for 8 GiB is one too small (11585^2 = 134212225 <= 2^27).
 */
static void min_free_kbytes_is_four_times_the_square_root(void)
{
	static const struct {
		uint32_t lowmem_mb, kbytes;
	} table[] = {
		{ 16, 512 },   { 32, 724 },    { 64, 1024 },   { 128, 1448 },  { 256, 2048 },
		{ 512, 2896 }, { 1024, 4096 }, { 2048, 5792 }, { 4096, 8192 }, { 8192, 11585 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(table); n++)
		CU_ASSERT_EQUAL(min_free_kbytes_for(table[n].lowmem_mb << 10), table[n].kbytes);
	CU_ASSERT_EQUAL(min_free_kbytes_for(1024), 128);
	CU_ASSERT_EQUAL(min_free_kbytes_for(1023), 128);
	CU_ASSERT_EQUAL(min_free_kbytes_for(0), 128);
	CU_ASSERT_EQUAL(min_free_kbytes_for((1u << 28) - 1), 65535);
}

static void int_sqrt_rounds_down(void)
{
	CU_ASSERT_EQUAL(int_sqrt(0), 0);
	CU_ASSERT_EQUAL(int_sqrt(1), 1);
	CU_ASSERT_EQUAL(int_sqrt(3), 1);
	CU_ASSERT_EQUAL(int_sqrt(15), 3);
	CU_ASSERT_EQUAL(int_sqrt(16), 4);
	CU_ASSERT_EQUAL(int_sqrt(0xfffe0001), 65535);
	CU_ASSERT_EQUAL(int_sqrt(0xfffe0000), 65534);
	CU_ASSERT_EQUAL(int_sqrt(0xffffffff), 65535);
}

/* present / 1024, at most 128, / 4, x 1.5 down to a power of two, less 1. */
static void pcp_batches(void)
{
	CU_ASSERT_EQUAL(pcp_batch(3951), 0);	/* 3 -> 0 -> 1 -> 1 - 1 */
	CU_ASSERT_EQUAL(pcp_batch(8192), 1);	/* 8 -> 2 -> 3 -> 2 - 1 */
	CU_ASSERT_EQUAL(pcp_batch(32768), 7);	/* 32 -> 8 -> 12 -> 8 - 1 */
	CU_ASSERT_EQUAL(pcp_batch(65536), 15);	/* 64 -> 16 -> 24 -> 16 - 1 */
	CU_ASSERT_EQUAL(pcp_batch(225280), 31); /* 220 -> 128 -> 32 -> 48 -> 32 - 1 */
	mm_host_begin_ram(1 << 30);
	CU_ASSERT_EQUAL(zone(0, ZONE_DMA)->pcp.high, 0);
	CU_ASSERT_EQUAL(zone(0, ZONE_DMA)->pcp.batch, 1);
	CU_ASSERT_EQUAL(zone(0, ZONE_NORMAL)->pcp.high, 186);
	CU_ASSERT_EQUAL(zone(0, ZONE_NORMAL)->pcp.batch, 31);
	/* 32768 less mem_map's share is 31, 7, 10, 8 - 1. */
	CU_ASSERT_EQUAL(zone(0, ZONE_HIGHMEM)->pcp.high, 42);
	mm_host_end();
}

/* Sizes in pages as a 1 GiB machine might have them; the rest by hand. */
static void set_sizes(uint32_t dma, uint32_t normal, uint32_t high)
{
	mm_host_begin_ram(1 << 30);
	mm.node[0].zone[ZONE_DMA].present_pages = dma;
	mm.node[0].zone[ZONE_NORMAL].present_pages = normal;
	mm.node[0].zone[ZONE_HIGHMEM].present_pages = high;
}

static void check_marks(enum zone_type type, uint32_t min, uint32_t low, uint32_t high)
{
	CU_ASSERT_EQUAL(zone(0, type)->watermark[WMARK_MIN], min);
	CU_ASSERT_EQUAL(zone(0, type)->watermark[WMARK_LOW], low);
	CU_ASSERT_EQUAL(zone(0, type)->watermark[WMARK_HIGH], high);
}

/*
 * min_free_kbytes 3811 (sqrt(16 * 908000)): 952 pages for 227000 of lowmem.
 * DMA     952 *   4000 / 227000 =  16; + 16/4 =  20;	+ 16/2 =   24
 * Normal  952 * 223000 / 227000 = 935; + 233  = 1168;  + 467  = 1402
 * HighMem 32000 / 1024 = 31, at least 32; its share is 134: + 33, + 67
 */
static void watermarks_of_a_1_gib_machine(void)
{
	set_sizes(4000, 223000, 32000);
	mm.min_free_kbytes = min_free_kbytes_for(227000 * 4);
	CU_ASSERT_EQUAL(mm.min_free_kbytes, 3811);
	setup_per_zone_wmarks();
	check_marks(ZONE_DMA, 16, 20, 24);
	check_marks(ZONE_NORMAL, 935, 1168, 1402);
	check_marks(ZONE_HIGHMEM, 32, 65, 99);
	mm_host_end();
}

/* 540000 / 1024 = 527, at most 128; the share: 1024 * 540000 / 228000 = 2425: + 606, + 1212 */
static void highmem_keeps_at_most_128_pages(void)
{
	set_sizes(4000, 224000, 540000);
	mm.min_free_kbytes = 4096;
	setup_per_zone_wmarks();
	check_marks(ZONE_HIGHMEM, 128, 734, 1340);
	mm_host_end();
}

/* 223000 / 256 = 871, (223000 + 32000) / 256 = 996, 32000 / 32 = 1000 */
static void lowmem_reserves_of_a_1_gib_machine(void)
{
	static const uint32_t expected[MAX_NR_ZONES][MAX_NR_ZONES] = {
		[ZONE_DMA] = { 0, 871, 996 },
		[ZONE_NORMAL] = { 0, 0, 1000 },
		[ZONE_HIGHMEM] = { 0, 0, 0 },
	};

	set_sizes(4000, 223000, 32000);
	setup_per_zone_lowmem_reserve();
	for (unsigned z = 0; z < MAX_NR_ZONES; z++)
		for (unsigned type = 0; type < MAX_NR_ZONES; type++)
			CU_ASSERT_EQUAL(zone(0, (enum zone_type)z)->lowmem_reserve[type],
					expected[z][type]);
	mm_host_end();
}

/* What zones_init() does with them: lowmem counts before there are marks. */
static void boot_uses_the_formulas(void)
{
	uint32_t lowmem;

	mm_host_begin_ram(1 << 30);
	lowmem = zone(0, ZONE_DMA)->present_pages + zone(0, ZONE_NORMAL)->present_pages;
	CU_ASSERT_EQUAL(mm.min_free_kbytes, min_free_kbytes_for(lowmem * 4));
	CU_ASSERT_EQUAL(zone(0, ZONE_DMA)->lowmem_reserve[ZONE_NORMAL],
			zone(0, ZONE_NORMAL)->present_pages / 256);
	CU_ASSERT_NOT_EQUAL(zone(0, ZONE_NORMAL)->watermark[WMARK_MIN], 0);
	mm_host_end();
}

/* --- nodes ------------------------------------------------------------------------------------ */

/* "0N" is node 0's Normal zone. */
static void check_zonelist(unsigned node, enum zone_type highest, const char *expected)
{
	char text[64] = "";
	size_t n = 0;

	for (struct zone *const *z = mm.node[node].zonelist[highest].zone; *z; z++) {
		text[n++] = (char)('0' + (*z)->node->id);
		text[n++] = (*z)->name[0];
	}
	CU_ASSERT_STRING_EQUAL(text, expected);
}

static void zonelists_go_down_from_the_highest(void)
{
	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 128 << 20, .highmem = 32 << 20 });
	check_zonelist(0, ZONE_HIGHMEM, "0H0N0D");
	check_zonelist(0, ZONE_NORMAL, "0N0D");
	check_zonelist(0, ZONE_DMA, "0D");
	mm_host_end();
}

/* 128M: node 0 has 0..64M, node 1 the rest, of which 96M.. is HIGHMEM. */
static void zonelists_of_two_nodes_are_in_zone_order(void)
{
	mm_host_begin(
		&(struct mm_host_config){ .ram_bytes = 128 << 20, .highmem = 32 << 20, .numa = 2 });
	CU_ASSERT_EQUAL(mm.nodes, 2);
	CU_ASSERT_EQUAL(mm.node[1].start_pfn % 1024, 0);
	check_zonelist(0, ZONE_HIGHMEM, "1H0N1N0D");
	check_zonelist(1, ZONE_HIGHMEM, "1H1N0N0D");
	check_zonelist(1, ZONE_NORMAL, "1N0N0D");
	check_zonelist(1, ZONE_DMA, "0D");
	CU_ASSERT_EQUAL(page_alloc_check(), 0);
	mm_host_end();
}

/* 3G in four: 0..768M, ..1536M, ..2304M, ..3G; low memory ends at 896M. */
static void zonelists_of_four_nodes_begin_with_the_own_node(void)
{
	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 3ull << 30, .numa = 4 });
	CU_ASSERT_EQUAL(mm.nodes, 4);
	check_zonelist(0, ZONE_HIGHMEM, "1H2H3H0N1N0D");
	check_zonelist(2, ZONE_HIGHMEM, "2H3H1H0N1N0D");
	check_zonelist(3, ZONE_NORMAL, "0N1N0D");
	for (unsigned n = 0; n < 4; n++) {
		uint32_t spanned = mm.node[n].spanned_pages;

		CU_ASSERT(spanned >= 764 * MIB_PAGES && spanned <= 772 * MIB_PAGES);
		CU_ASSERT_EQUAL(mm.node[n].start_pfn % 1024, 0);
	}
	CU_ASSERT_EQUAL(page_alloc_check(), 0);
	mm_host_end();
}

static void numa_that_makes_no_sense_is_quoted_and_ignored(void)
{
	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 64 << 20, .numa = 5 });
	CU_ASSERT_EQUAL(mm.nodes, 1);
	CU_ASSERT(mm_host_logged("numa=5 ignored"));
	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 16 << 20, .numa = 4 });
	CU_ASSERT_EQUAL(mm.nodes, 1);
	CU_ASSERT(mm_host_logged("numa=4 ignored"));
	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 64 << 20, .numa = 1 });
	CU_ASSERT_FALSE(mm_host_logged("numa="));
	mm_host_end();
}

/* --- mem= and highmem= ------------------------------------------------------------------------ */

static void mem_cuts_ram(void)
{
	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 64 << 20, .mem_limit = 24 << 20 });
	CU_ASSERT_EQUAL(mm.max_pfn, 24 * MIB_PAGES);
	CU_ASSERT_EQUAL(page_alloc_check(), 0);
	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 64 << 20, .mem_limit = 100 << 20 });
	CU_ASSERT_EQUAL(mm.max_pfn, 64 * MIB_PAGES);
	mm_host_end();
}

static void mem_that_cuts_the_kernel_is_quoted_and_ignored(void)
{
	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 64 << 20, .mem_limit = 1500 << 10 });
	CU_ASSERT_EQUAL(mm.max_pfn, 64 * MIB_PAGES);
	CU_ASSERT(mm_host_logged("mem=1500K leaves no room for the kernel, ignoring it!"));
	mm_host_end();
}

static void highmem_must_leave_64_mib_of_lowmem(void)
{
	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 80 << 20, .highmem = 17 << 20 });
	CU_ASSERT_EQUAL(mm.max_low_pfn, 80 * MIB_PAGES);
	CU_ASSERT(mm_host_logged("highmem size 17MB results in <64MB lowmem, ignoring it!"));
	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 80 << 20, .highmem = 90 << 20 });
	CU_ASSERT_EQUAL(mm.max_low_pfn, 80 * MIB_PAGES);
	CU_ASSERT(mm_host_logged(
		"highmem size specified (90MB) is bigger than pages available (80MB)!"));
	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 80 << 20, .highmem = 80 << 20 });
	CU_ASSERT(mm_host_logged(
		"highmem size specified (80MB) is bigger than pages available (80MB)!"));
	mm_host_end();
}

/* As in Linux: above 896 MiB it says how much to use of what is there. */
static void highmem_on_a_large_machine_limits_it(void)
{
	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 1 << 30, .highmem = 64 << 20 });
	CU_ASSERT_EQUAL(mm.max_pfn, 960 * MIB_PAGES);
	CU_ASSERT_EQUAL(mm.ram[mm.ram_areas - 1].end, mm.max_pfn);
	CU_ASSERT_EQUAL(zone(0, ZONE_HIGHMEM)->spanned_pages, 64 * MIB_PAGES);
	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 1 << 30, .highmem_zero = true });
	CU_ASSERT_EQUAL(mm.max_pfn, 896 * MIB_PAGES);
	CU_ASSERT_EQUAL(zone(0, ZONE_HIGHMEM)->present_pages, 0);
	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 1 << 30, .highmem = 128 << 20 });
	CU_ASSERT_FALSE(mm_host_logged("ignoring"));
	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 1 << 30, .highmem = 256 << 20 });
	CU_ASSERT_EQUAL(mm.max_pfn, 1024 * MIB_PAGES);
	CU_ASSERT(mm_host_logged(
		"only 128MB highmem pages available, ignoring highmem size of 256MB!"));
	mm_host_end();
}

/*
 * A border that is no multiple of a block's size, with free pages on both sides (mem_map does not
 * fit into the half MiB below it, and goes below the hole): blocks do not grow over it.
 *
 *     79M   79.5M         80M - 5 pages           96M
 *      | hole |  Normal, free  |  HighMem, free ... |
 */
static void a_zone_may_end_inside_of_a_block(void)
{
	const struct mm_host_range ranges[] = { { 1 << 20, 78 << 20 },
						{ (79 << 20) + (512 << 10),
						  (16 << 20) + (512 << 10) },
						{ 0, 0 } };
	pfn_t border = 80 * MIB_PAGES - 5; /* 0x4ffb */
	struct page *first;

	mm_host_begin(&(struct mm_host_config){ .ranges = ranges,
						.highmem = (16 << 20) + 5 * PAGE_SIZE });
	first = pfn_to_page(border);
	CU_ASSERT_EQUAL(first->zone, ZONE_HIGHMEM);
	CU_ASSERT_EQUAL(first[-1].zone, ZONE_NORMAL);
	/*
	 * 0x4ffb: order 0, its buddy 0x4ffa is Normal's; then 0x4ffc: order 2, and 0x5000: order 10
	 */
	CU_ASSERT(first->state == PAGE_FREE && first->order == 0);
	CU_ASSERT(first[1].state == PAGE_FREE && first[1].order == 2);
	CU_ASSERT(first[5].state == PAGE_FREE && first[5].order == 10);
	first[-1].state = PAGE_FREE_TAIL; /* a page table of the direct map: let it go */
	first[-1].count = 0;
	buddy_free(page_zone(&first[-1]), &first[-1], 0);
	CU_ASSERT(first[-1].state == PAGE_FREE && first[-1].order == 0);
	CU_ASSERT(first->state == PAGE_FREE && first->order == 0);
	CU_ASSERT_EQUAL(page_alloc_check(), 0);
	mm_host_end();
}

/*
 * 32 MiB and a page: the last page's buddy would be the first frame that has no struct page. What
 * lies there in memory is made to look like one that is free.
 */
static void the_last_page_has_no_buddy(void)
{
	struct page *last, *beyond;

	mm_host_begin_ram((32 << 20) + PAGE_SIZE);
	last = pfn_to_page(32 * MIB_PAGES);
	beyond = last + 1;
	CU_ASSERT_EQUAL(mm.max_pfn, 32 * MIB_PAGES + 1);
	CU_ASSERT(page_zone(last) == zone(0, ZONE_NORMAL));
	*beyond = *last;
	beyond->state = PAGE_FREE;
	list_init(&beyond->lru);
	last->state = PAGE_FREE_TAIL; /* it was mem_map's */
	buddy_free(page_zone(last), last, 0);
	CU_ASSERT(last->state == PAGE_FREE && last->order == 0);
	mm_host_end();
}

static const struct unit_test tests[] = {
	UNIT_TEST(zones_of_32_mib),
	UNIT_TEST(zones_of_80_mib_with_highmem_16m),
	UNIT_TEST(zones_of_1_gib),
	UNIT_TEST(zones_of_3_gib),
	UNIT_TEST(a_machine_below_16_mib_has_dma_only),
	UNIT_TEST(a_machine_without_dma_memory_has_no_dma_zone),
	UNIT_TEST(holes_and_odd_borders),
	UNIT_TEST(what_is_taken_is_not_handed_out),
	UNIT_TEST(min_free_kbytes_is_four_times_the_square_root),
	UNIT_TEST(int_sqrt_rounds_down),
	UNIT_TEST(pcp_batches),
	UNIT_TEST(watermarks_of_a_1_gib_machine),
	UNIT_TEST(highmem_keeps_at_most_128_pages),
	UNIT_TEST(lowmem_reserves_of_a_1_gib_machine),
	UNIT_TEST(boot_uses_the_formulas),
	UNIT_TEST(zonelists_go_down_from_the_highest),
	UNIT_TEST(zonelists_of_two_nodes_are_in_zone_order),
	UNIT_TEST(zonelists_of_four_nodes_begin_with_the_own_node),
	UNIT_TEST(numa_that_makes_no_sense_is_quoted_and_ignored),
	UNIT_TEST(mem_cuts_ram),
	UNIT_TEST(mem_that_cuts_the_kernel_is_quoted_and_ignored),
	UNIT_TEST(highmem_must_leave_64_mib_of_lowmem),
	UNIT_TEST(highmem_on_a_large_machine_limits_it),
	UNIT_TEST(a_zone_may_end_inside_of_a_block),
	UNIT_TEST(the_last_page_has_no_buddy),
	UNIT_END,
};

const struct unit_suite suite_zones = { "zones", tests };
