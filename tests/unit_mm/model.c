// SPDX-License-Identifier: MIT
#include "model_internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#define RAM_UNIT_SHIFT 3
#define BITS 64

struct model model;

/* --- the stream ------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	unsigned weight; /* so many of TOTAL_WEIGHT */
	void (*run)(const struct model_op *op);
} kinds[MODEL_KINDS] = {
	{ "alloc_pages", 2000, op_pages },
	{ "alloc_pages_bulk", 60, op_bulk_pages },
	{ "kmap", 890, op_kmap },
	{ "kmap_atomic", 500, op_kmap_atomic },
	{ "kmap_flush_unused", 10, op_kmap_flush },
	{ "kmap of many", 10, op_kmap_many },
	{ "hog", 6, op_hog },
	{ "drain_all_pages", 24, op_drain },
	{ "kmalloc", 3000, op_kmalloc },
	{ "krealloc", 500, op_krealloc },
	{ "kmem_cache_create", 90, op_cache },
	{ "kmem_cache_alloc", 1700, op_cache_object },
	{ "kmem_cache_alloc_bulk", 160, op_cache_bulk },
	{ "kmem_cache_shrink", 60, op_cache_shrink },
	{ "kmem_cache_shrink_all", 15, op_shrink_all },
	{ "vmalloc", 500, op_vmalloc },
	{ "vmap", 250, op_vmap },
	{ "ioremap", 200, op_ioremap },
	{ "vm_unmap_aliases", 25, op_unmap_aliases },
};
#define TOTAL_WEIGHT 10000

const char *model_kind_name(unsigned kind)
{
	return kind < MODEL_KINDS ? kinds[kind].name : NULL;
}

/* SplitMix64 (Steele, Lea, Flood 2014): every seed is a good one, 0 too. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static uint8_t choose_kind(uint32_t random)
{
	uint8_t kind = 0;

	for (random %= TOTAL_WEIGHT; random >= kinds[kind].weight; kind++)
		random -= kinds[kind].weight;
	return kind;
}

void model_generate(const struct model_config *config, struct model_op *ops)
{
	uint64_t state = config->seed;

	for (uint32_t n = 0; n < config->count; n++) {
		uint64_t which = next_random(&state), operands = next_random(&state);

		ops[n] = (struct model_op){
			.kind = choose_kind((uint32_t)(which >> 32)),
			.fail = which % 64 ? 0 : 1 + (which >> 6) % 5,
			.slot = (uint16_t)(which >> 16),
			.a = (uint32_t)operands,
			.b = (uint32_t)(operands >> 32),
		};
	}
}

/* --- telling ---------------------------------------------------------------------------------- */

void model_fail(const char *fmt, ...)
{
	va_list args;

	model.report->signature = fmt;
	va_start(args, fmt);
	vsnprintf(model.report->why, sizeof(model.report->why), fmt, args);
	va_end(args);
	if (model.verbose) {
		fprintf(model.config->out, "        %s\n", model.report->why);
		if (mm_host_base && *mm_host_log())
			fprintf(model.config->out, "%s", mm_host_log());
		fflush(model.config->out);
	}
	_exit(1);
}

static void fail_fatally(const char *message)
{
	model_fail("%s", message);
}

void model_say(const char *fmt, ...)
{
	va_list args;

	model.report->done[model.kind]++;
	if (!model.verbose)
		return;
	fprintf(model.config->out, "%6u  ", model.report->at);
	va_start(args, fmt);
	vfprintf(model.config->out, fmt, args);
	va_end(args);
	if (mm_host.fail_at)
		fprintf(model.config->out, "  (its allocation %u was to fail%s)", mm_host.fail_at,
			mm_host.failed ? "" : "; it made fewer");
	fprintf(model.config->out, "\n");
	fflush(model.config->out);
}

const char *gfp_text(gfp_t gfp)
{
	static char text[80];

	snprintf(text, sizeof(text), "%s%s%s%s%s",
		 gfp & __GFP_WAIT   ? "GFP_KERNEL"
		 : gfp & __GFP_HIGH ? "GFP_ATOMIC"
				    : "GFP_NOWAIT",
		 gfp & __GFP_HIGHMEM ? "|HIGHMEM" : "", gfp & __GFP_DMA ? "|DMA" : "",
		 gfp & __GFP_ZERO ? "|ZERO" : "", gfp & __GFP_COMP ? "|COMP" : "");
	return text;
}

/* --- who has what ----------------------------------------------------------------------------- */

struct claims {
	uint64_t *taken; /* a bit for each unit */
	uint32_t units;
};

static struct claims ram, area;

static void claims_init(struct claims *c, uint32_t units)
{
	c->units = units;
	c->taken = calloc(units / BITS + 1, sizeof(*c->taken));
	if (!c->taken)
		model_fail("no memory for the model");
}

/* Set the bits of [unit, unit + count) to `to`. False: one was so already, or is out of range. */
static bool claims_set(struct claims *c, uint32_t unit, uint32_t count, bool to)
{
	if (unit >= c->units || count > c->units - unit)
		return false;
	for (uint32_t end = unit + count, n; unit < end; unit += n) {
		uint32_t bit = unit % BITS;
		uint64_t mask;

		n = end - unit < BITS - bit ? end - unit : BITS - bit;
		mask = (n == BITS ? ~0ull : (1ull << n) - 1) << bit;
		if ((c->taken[unit / BITS] & mask) != (to ? 0 : mask))
			return false;
		c->taken[unit / BITS] ^= mask;
	}
	return true;
}

static uint32_t ram_units(uint32_t bytes)
{
	return (bytes + (1u << RAM_UNIT_SHIFT) - 1) >> RAM_UNIT_SHIFT;
}

void claim_ram(paddr_t start, uint32_t bytes, const char *what)
{
	MODEL_EXPECT(start % (1u << RAM_UNIT_SHIFT) == 0, "%s: not aligned, at %08x", what, start);
	MODEL_EXPECT(claims_set(&ram, start >> RAM_UNIT_SHIFT, ram_units(bytes), true),
		     "%s: somebody has a part of %08x..%08x, physical", what, start,
		     start + bytes - 1);
}

void release_ram(paddr_t start, uint32_t bytes)
{
	MODEL_EXPECT(claims_set(&ram, start >> RAM_UNIT_SHIFT, ram_units(bytes), false),
		     "the model lost track of %08x", start);
}

void claim_area(vaddr_t start, uint32_t pages, const char *what)
{
	MODEL_EXPECT(start % PAGE_SIZE == 0 && start >= VMALLOC_START && start < VMALLOC_END,
		     "%s: %08x is no page of the vmalloc area", what, start);
	MODEL_EXPECT(claims_set(&area, (start - VMALLOC_START) >> PAGE_SHIFT, pages, true),
		     "%s: somebody has a part of %08x..%08x", what, start,
		     start + (pages << PAGE_SHIFT) - 1);
}

void release_area(vaddr_t start, uint32_t pages)
{
	MODEL_EXPECT(claims_set(&area, (start - VMALLOC_START) >> PAGE_SHIFT, pages, false),
		     "the model lost track of %08x", start);
}

/* --- patterns --------------------------------------------------------------------------------- */

static uint8_t pattern(uint32_t stamp, size_t n)
{
	return (uint8_t)((stamp >> n % 4 * 8) + n / 4);
}

void fill_bytes(void *p, size_t bytes, uint32_t stamp)
{
	for (size_t n = 0; n < bytes; n++)
		((uint8_t *)p)[n] = pattern(stamp, n);
}

void expect_filled(const void *p, size_t bytes, uint32_t stamp, const char *what)
{
	const uint8_t *byte = p;

	for (size_t n = 0; n < bytes; n++)
		MODEL_EXPECT(byte[n] == pattern(stamp, n),
			     "%s at %08x: byte %zu of %zu is %02x, was %02x", what, arch_vaddr(p),
			     n, bytes, byte[n], pattern(stamp, n));
}

void expect_byte(const void *p, size_t bytes, uint8_t value, const char *what)
{
	const uint8_t *byte = p;

	for (size_t n = 0; n < bytes; n++)
		MODEL_EXPECT(byte[n] == value,
			     "%s at %08x: byte %zu of %zu is %02x, should be %02x", what,
			     arch_vaddr(p), n, bytes, byte[n], value);
}

/* --- may it fail? ----------------------------------------------------------------------------- */

static enum zone_type highest_zone(gfp_t gfp)
{
	if (gfp & __GFP_DMA)
		return ZONE_DMA;
	return gfp & __GFP_HIGHMEM && mm.max_pfn > mm.max_low_pfn ? ZONE_HIGHMEM : ZONE_NORMAL;
}

/*
 * Pages that such a request may take from z (Linux 2.6.32's rule, put the other way round than in
 * mm/): for each order up to the wanted one, what lies in blocks at least that large must stay
 * above the mark, which halves from order to order. 0 or less: none.
 */
static int64_t usable(const struct zone *z, gfp_t gfp, unsigned order)
{
	int64_t mark = z->watermark[WMARK_MIN], left, least = INT64_MAX, large = 0;
	unsigned n = MAX_ORDER;

	if (gfp & __GFP_HIGH)
		mark -= mark / 2;
	if (!(gfp & __GFP_WAIT))
		mark -= mark / 4;
	while (n--) {
		large += (int64_t)z->free_area[n].nr_free << n;
		if (n > order)
			continue;
		left = large - (1 << order) + 1 - (mark >> n);
		if (!n)
			left -= z->lowmem_reserve[highest_zone(gfp)];
		least = left < least ? left : least;
	}
	return least;
}

static bool has_no_memory(gfp_t gfp, unsigned order, uint32_t spare)
{
	for (unsigned n = 0; n < mm.nodes; n++)
		for (unsigned type = 0; type <= highest_zone(gfp); type++)
			if (usable(&mm.node[n].zone[type], gfp, order) > spare)
				return false;
	return true;
}

/* By node and type: what expect_room() goes by. */
static int64_t room[MAX_NUMNODES][MAX_NR_ZONES];

void note_room(gfp_t gfp, unsigned order)
{
	for (unsigned n = 0; n < mm.nodes; n++)
		for (unsigned type = 0; type < MAX_NR_ZONES; type++)
			room[n][type] = usable(&mm.node[n].zone[type], gfp, order);
}

void expect_room(const struct page *page, gfp_t gfp, unsigned order)
{
	/* The slow path may have emptied the per-CPU lists into the buddy meanwhile. */
	if (order && gfp & __GFP_WAIT)
		return;
	MODEL_EXPECT(
		room[page->node][page->zone] > 0,
		"frame %x, order %u, comes from below the watermark of zone %s, or its reserve",
		page_to_pfn(page), order, page_zone(page)->name);
}

void expect_no_memory(gfp_t gfp, unsigned order, uint32_t spare, const char *what)
{
	if (mm_host.failed) {
		model.report->injected++;
		return;
	}
	model.report->out_of_memory++;
	/* Bookkeeping of what may lie in HIGHMEM does not. */
	MODEL_EXPECT(has_no_memory(gfp, order, spare) ||
			     (spare && has_no_memory(GFP_KERNEL, 0, spare)),
		     "%s failed, with %u pages free, %u of them HIGHMEM", what, nr_free_pages(),
		     nr_free_highpages());
}

/* --- accounts --------------------------------------------------------------------------------- */

static uint32_t count_pages(void)
{
	uint32_t pages = nr_free_pages() + global_page_state(NR_PAGETABLE) +
			 global_page_state(NR_SLAB_RECLAIMABLE) +
			 global_page_state(NR_SLAB_UNRECLAIMABLE) + model.held_pages;

	for (unsigned n = 0; n < mm.nodes; n++)
		for (unsigned type = 0; type < MAX_NR_ZONES; type++)
			pages += mm.node[n].zone[type].pcp.count;
	return pages;
}

static void check_log(const char *when)
{
	const char *log = mm_host_log();

	if (!*log)
		return;
	if (strstr(log, "BUG") || strstr(log, "WARNING") || strstr(log, "_check:"))
		model_fail("%s, mm said: %.*s", when, (int)strcspn(log, "\n"), log);
	mm_host_log_clear();
}

static void check_all(void)
{
	uint32_t pages = count_pages();
	unsigned violations;

	MODEL_EXPECT(pages == model.all_pages,
		     "%u pages are free or somebody's (%u the model's), there should be %u", pages,
		     model.held_pages, model.all_pages);
	areas_verify();
	objects_verify();
	pages_verify();
	kmaps_suspend();
	violations = mm_host_check();
	check_log("checking");
	MODEL_EXPECT(!violations, "%u violations", violations);
	kmaps_resume();
}

/* --- one run ---------------------------------------------------------------------------------- */

static void run_op(const struct model_op *op)
{
	model.kind = op->kind;
	mm_host_fail_nth(op->fail);
	kinds[op->kind].run(op);
	mm_host_fail_nth(0);
	MODEL_EXPECT(!mm_host_irq.depth && !arch_irqs_off(), "interrupts are off after %s",
		     kinds[op->kind].name);
	check_log(kinds[op->kind].name);
	if (model.config->after)
		model.config->after(op);
}

/* Free pages when nothing is held: tables of the vmalloc area stay, and count as free. */
static uint32_t settled_pages(void)
{
	vm_unmap_aliases();
	kmem_cache_shrink_all();
	drain_all_pages();
	return nr_free_pages() + global_page_state(NR_PAGETABLE);
}

/* The caches below 16 MiB are made when first used, and stay. */
static void make_dma_caches(void)
{
	for (uint32_t bytes = 8; bytes <= KMALLOC_MAX_CACHE; bytes *= 2) {
		kfree(kmalloc(bytes, GFP_KERNEL | __GFP_DMA));
		if (bytes == 64 || bytes == 128)
			kfree(kmalloc(bytes + 32, GFP_KERNEL | __GFP_DMA));
	}
}

void model_execute(const struct model_op *ops, uint32_t count, uint32_t check_every)
{
	uint32_t settled;

	mm_host_fatal = fail_fatally;
	mm_host_begin(&model.config->machine);
	mm_host_log_clear();
	claims_init(&ram, mm.max_pfn << (PAGE_SHIFT - RAM_UNIT_SHIFT));
	claims_init(&area, (VMALLOC_END - VMALLOC_START) >> PAGE_SHIFT);
	make_dma_caches();
	settled = settled_pages();
	model.all_pages = count_pages();
	for (uint32_t n = 0; n < count; n++) {
		model.report->at = n + 1;
		if (n % 1024 == 0)
			alarm(60);
		run_op(&ops[n]);
		if (n % check_every == check_every - 1)
			check_all();
	}
	check_all();
	model.report->at = count + 1;
	areas_free();
	objects_free();
	pages_free();
	MODEL_EXPECT(!model.held_pages, "the model lost track of %u pages", model.held_pages);
	MODEL_EXPECT(settled_pages() == settled, "all is given back, and %u pages are free, not %u",
		     settled_pages(), settled);
	check_all();
	mm_host_end();
}
