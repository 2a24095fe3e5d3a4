// SPDX-License-Identifier: MIT
#include "model_internal.h"

#define BULK_MAX 24
#define HOG_BLOCKS 256
#define MANY 400 /* of kmap's 1024 slots */

struct block model_blocks[BLOCKS];

/* Most of memory, to see what happens when there is little. */
static struct {
	struct page *page[HOG_BLOCKS];
	unsigned count;
} hog;

/* --- what a page holds ------------------------------------------------------------------------ */

uint32_t block_stamp(const struct block *block, uint32_t n)
{
	return block->stamp + n;
}

void stamp_page(void *p, uint32_t stamp)
{
	fill_bytes(p, sizeof(stamp), stamp);
	fill_bytes((char *)p + PAGE_SIZE - sizeof(stamp), sizeof(stamp), ~stamp);
}

void expect_stamped(const void *p, uint32_t stamp, const char *what)
{
	expect_filled(p, sizeof(stamp), stamp, what);
	expect_filled((const char *)p + PAGE_SIZE - sizeof(stamp), sizeof(stamp), ~stamp, what);
}

/* In the way that is not under test at the moment: the direct map, or a fixed slot. */
static void *show(struct page *page)
{
	return kmap_atomic(page, KM_PTE0);
}

static void hide(void *p)
{
	kunmap_atomic(p, KM_PTE0);
}

/*
 * Pages of a block to look at: of HIGHMEM, where each costs a mapping, the ends and some between.
 */
static uint32_t stride(const struct block *block)
{
	uint32_t pages = 1u << block->order;

	return page_is_highmem(block->page) && pages > 4 ? pages / 4 - 1 : 1;
}

static void write_block(struct block *block, uint32_t stamp)
{
	block->stamp = stamp;
	for (uint32_t n = 0; n < 1u << block->order; n += stride(block)) {
		void *p = show(block->page + n);

		stamp_page(p, block_stamp(block, n));
		hide(p);
	}
}

static void expect_block(const struct block *block)
{
	for (uint32_t n = 0; n < 1u << block->order; n += stride(block)) {
		void *p = show(block->page + n);

		expect_stamped(p, block_stamp(block, n), "block");
		hide(p);
	}
}

/* --- alloc_pages ------------------------------------------------------------------------------ */

static gfp_t choose_gfp(uint32_t random)
{
	static const gfp_t zones[] = { 0, 0, 0, __GFP_HIGHMEM, __GFP_HIGHMEM, __GFP_DMA };
	static const gfp_t urgency[] = { GFP_KERNEL, GFP_KERNEL, GFP_ATOMIC, GFP_NOWAIT };

	return zones[random % ARRAY_SIZE(zones)] | urgency[(random >> 8) % ARRAY_SIZE(urgency)] |
	       ((random >> 12) % 8 ? 0 : __GFP_ZERO) | ((random >> 16) % 4 ? 0 : __GFP_COMP) |
	       ((random >> 20) % 2 ? 0 : __GFP_NOWARN);
}

/* Mostly small; each order comes. */
static unsigned choose_order(uint32_t random)
{
	if (random % 16 == 0)
		return (random >> 8) % MAX_ORDER;
	return (unsigned)__builtin_ctz((random >> 8 & 0x1f) | 0x10);
}

static void expect_place(const struct page *page, gfp_t gfp, unsigned order)
{
	pfn_t pfn = page_to_pfn(page), end = pfn + (1u << order);

	MODEL_EXPECT(pfn % (1u << order) == 0, "block of order %u at frame %x", order, pfn);
	MODEL_EXPECT(end <= mm.max_pfn && page->zone == page[(1u << order) - 1].zone,
		     "block of order %u at frame %x is not in one zone", order, pfn);
	if (gfp & __GFP_DMA)
		MODEL_EXPECT(end <= MAX_DMA_PFN, "block for DMA at frame %x", pfn);
	if (!(gfp & __GFP_HIGHMEM))
		MODEL_EXPECT(end <= mm.max_low_pfn, "lowmem block at frame %x", pfn);
	MODEL_EXPECT(page->count == 1, "new page %x has count %d", pfn, page->count);
}

static void hold_block(struct block *block, struct page *page, gfp_t gfp, unsigned order,
		       uint32_t stamp)
{
	expect_place(page, gfp, order);
	claim_ram(page_to_phys(page), PAGE_SIZE << order, "alloc_pages");
	model.held_pages += 1u << order;
	*block = (struct block){ .page = page, .order = order };
	if (gfp & __GFP_ZERO)
		for (uint32_t n = 0; n < 1u << order; n += stride(block)) {
			void *p = show(page + n);

			expect_byte(p, PAGE_SIZE, 0, "zeroed page");
			hide(p);
		}
	write_block(block, stamp);
}

static void let_go(struct block *block)
{
	expect_block(block);
	for (; block->kmaps; block->kmaps--)
		kunmap(block->page);
	release_ram(page_to_phys(block->page), PAGE_SIZE << block->order);
	model.held_pages -= 1u << block->order;
	__free_pages(block->page, block->order);
	block->page = NULL;
}

void op_pages(const struct model_op *op)
{
	struct block *block = &model_blocks[op->slot % BLOCKS];
	unsigned order = choose_order(op->a);
	gfp_t gfp = choose_gfp(op->b);
	unsigned node = (op->b >> 24) % mm.nodes;
	struct page *page;

	if (block->page) {
		if (block->vmaps)
			return;
		model_say("%s__free_pages(frame %x, order %u)", block->kmaps ? "kunmap, " : "",
			  page_to_pfn(block->page), block->order);
		let_go(block);
		return;
	}
	note_room(gfp, order);
	page = node ? alloc_pages_node(node, gfp, order) : alloc_pages(gfp, order);
	model_say("alloc_pages(%s, order %u%s) = frame %x", gfp_text(gfp), order,
		  node ? ", of another node" : "", page ? page_to_pfn(page) : 0);
	if (!page) {
		expect_no_memory(gfp, order, 0, "alloc_pages");
		return;
	}
	expect_room(page, gfp, order);
	hold_block(block, page, gfp, order, op->a ^ op->b);
}

void op_bulk_pages(const struct model_op *op)
{
	struct page *pages[BULK_MAX];
	unsigned want = 1 + op->a % BULK_MAX, slot = op->slot % BLOCKS, kept = 0, got;
	gfp_t gfp = choose_gfp(op->b) | __GFP_NOWARN;

	got = alloc_pages_bulk(gfp, want, pages);
	model_say("alloc_pages_bulk(%s, %u) = %u", gfp_text(gfp), want, got);
	MODEL_EXPECT(got <= want, "alloc_pages_bulk gave %u of %u", got, want);
	if (got < want)
		expect_no_memory(gfp, 0, 0, "alloc_pages_bulk");
	for (unsigned n = 0; n < got; n++) {
		struct block extra, *block = &extra;

		for (; kept < BLOCKS; kept++)
			if (!model_blocks[(slot + kept) % BLOCKS].page)
				break;
		if (kept < BLOCKS)
			block = &model_blocks[(slot + kept) % BLOCKS];
		hold_block(block, pages[n], gfp, 0, op->a + n);
		if (block == &extra)
			let_go(block);
	}
}

/* --- kmap ------------------------------------------------------------------------------------- */

/* The first single page at or behind the slot, or NULL. */
static struct block *find_single(unsigned slot)
{
	for (unsigned n = 0; n < BLOCKS; n++) {
		struct block *block = &model_blocks[(slot + n) % BLOCKS];

		if (block->page && !block->order)
			return block;
	}
	return NULL;
}

void op_kmap(const struct model_op *op)
{
	struct block *block = find_single(op->slot % BLOCKS);
	void *p;

	if (!block)
		return;
	if (block->kmaps && op->a % 3) {
		expect_stamped(block->kmap_addr, block_stamp(block, 0), "page in kmap's window");
		model_say("kunmap(frame %x)", page_to_pfn(block->page));
		kunmap(block->page);
		block->kmaps--;
		return;
	}
	p = kmap(block->page);
	model_say("kmap(frame %x) = %08x", page_to_pfn(block->page), arch_vaddr(p));
	MODEL_EXPECT(!block->kmaps || p == block->kmap_addr, "kmap moved a page from %08x to %08x",
		     arch_vaddr(block->kmap_addr), arch_vaddr(p));
	MODEL_EXPECT(page_address(block->page) == p, "page_address is not where kmap put it");
	block->kmaps++;
	block->kmap_addr = p;
	expect_stamped(p, block_stamp(block, 0), "page in kmap's window");
	/* Written here and read elsewhere: a stale translation leads to another page. */
	block->stamp = op->b;
	stamp_page(p, block_stamp(block, 0));
	p = show(block->page);
	expect_stamped(p, block_stamp(block, 0), "page written through kmap");
	hide(p);
}

void op_kmap_atomic(const struct model_op *op)
{
	static const enum km_type types[] = { KM_USER0, KM_USER1, KM_BOUNCE_READ, KM_IRQ0,
					      KM_IRQ1 };
	struct block *blocks[3];
	void *p[3];
	unsigned count = 1 + op->a % 3;

	for (unsigned n = 0; n < count; n++) {
		blocks[n] = find_single((op->slot + n * 7) % BLOCKS);
		if (!blocks[n])
			return;
	}
	model_say("kmap_atomic of %u pages from frame %x on, and kunmap_atomic", count,
		  page_to_pfn(blocks[0]->page));
	for (unsigned n = 0; n < count; n++)
		p[n] = kmap_atomic(blocks[n]->page, types[(op->b + n) % ARRAY_SIZE(types)]);
	for (unsigned n = 0; n < count; n++)
		expect_stamped(p[n], block_stamp(blocks[n], 0), "page in a fixed slot");
	for (unsigned n = count; n--;)
		kunmap_atomic(p[n], types[(op->b + n) % ARRAY_SIZE(types)]);
}

void op_kmap_flush(const struct model_op *op)
{
	model_say("kmap_flush_unused()");
	kmap_flush_unused();
}

/*
 * Slots are used up, the search wraps, and slots come to show other pages. Without the flush, pages
 * that were here before would be found in their old slots.
 */
void op_kmap_many(const struct model_op *op)
{
	static struct page *pages[MANY];
	unsigned want = 1 + op->a % MANY;
	unsigned got = alloc_pages_bulk(GFP_KERNEL | __GFP_HIGHMEM | __GFP_NOWARN, want, pages);

	if (op->a >> 31)
		kmap_flush_unused();
	model_say("%skmap and kunmap of %u new pages, one after the other",
		  op->a >> 31 ? "kmap_flush_unused, " : "", got);
	if (got < want)
		expect_no_memory(GFP_KERNEL | __GFP_HIGHMEM, 0, 0, "alloc_pages_bulk");
	for (unsigned n = 0; n < got; n++) {
		void *p = kmap(pages[n]);

		stamp_page(p, op->b + n);
		p = show(pages[n]);
		expect_stamped(p, op->b + n, "page written through kmap");
		hide(p);
		kunmap(pages[n]);
	}
	while (got--)
		__free_pages(pages[got], 0);
}

void kmaps_suspend(void)
{
	for (unsigned slot = 0; slot < BLOCKS; slot++)
		for (unsigned n = 0; n < model_blocks[slot].kmaps; n++)
			kunmap(model_blocks[slot].page);
}

void kmaps_resume(void)
{
	for (unsigned slot = 0; slot < BLOCKS; slot++)
		for (unsigned n = 0; n < model_blocks[slot].kmaps; n++)
			MODEL_EXPECT(kmap(model_blocks[slot].page) == model_blocks[slot].kmap_addr,
				     "a page that was unmapped and not flushed has moved");
}

/* --- the rest --------------------------------------------------------------------------------- */

static void hog_free(void)
{
	while (hog.count) {
		struct page *page = hog.page[--hog.count];
		unsigned order = page->order;

		release_ram(page_to_phys(page), PAGE_SIZE << order);
		model.held_pages -= 1u << order;
		__free_pages(page, order);
	}
}

void op_hog(const struct model_op *op)
{
	gfp_t gfp = op->a % 2 ? GFP_KERNEL : GFP_KERNEL | __GFP_HIGHMEM;
	unsigned least = op->b % 4; /* smaller blocks are left */

	if (hog.count) {
		model_say("%u blocks are given back", hog.count);
		hog_free();
		return;
	}
	for (unsigned order = MAX_ORDER; order-- > least;)
		while (hog.count < HOG_BLOCKS) {
			struct page *page = alloc_pages(gfp | __GFP_NOWARN, order);

			if (!page)
				break;
			expect_place(page, gfp, order);
			claim_ram(page_to_phys(page), PAGE_SIZE << order, "alloc_pages");
			model.held_pages += 1u << order;
			hog.page[hog.count++] = page;
		}
	model_say("%u blocks of order %u and above are taken, %s", hog.count, least, gfp_text(gfp));
}

void op_drain(const struct model_op *op)
{
	model_say("drain_all_pages()");
	drain_all_pages();
	for (unsigned n = 0; n < mm.nodes; n++)
		for (unsigned type = 0; type < MAX_NR_ZONES; type++)
			MODEL_EXPECT(!mm.node[n].zone[type].pcp.count,
				     "a per-CPU list is not empty after drain_all_pages");
}

void pages_verify(void)
{
	for (unsigned slot = 0; slot < BLOCKS; slot++) {
		const struct block *block = &model_blocks[slot];

		if (!block->page)
			continue;
		MODEL_EXPECT(block->page->state == PAGE_USED && block->page->order == block->order,
			     "frame %x is %s, of order %u", page_to_pfn(block->page),
			     page_state_name(block->page->state), block->page->order);
		expect_block(block);
	}
}

void pages_free(void)
{
	hog_free();
	for (unsigned slot = 0; slot < BLOCKS; slot++) {
		struct block *block = &model_blocks[slot];

		if (block->page)
			let_go(block);
	}
}
