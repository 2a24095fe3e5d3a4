// SPDX-License-Identifier: MIT
/*
 * kmalloc: caches of 8 to 8192 bytes, whole pages above.
 *
 * A table tells the cache of sizes up to 192, where sizes between powers of two have caches, too;
 * above it is the next power of two.
 */
#include "mm/slub_internal.h"

#define KMALLOC_SHIFT_LOW 3 /* log2 of the smallest, */
#define KMALLOC_96 1	    /* and the two that are no power of two */
#define KMALLOC_192 2

static const char *const kmalloc_names[KMALLOC_CACHES][2] = {
	[KMALLOC_96] = { "kmalloc-96", "kmalloc_dma-96" },
	[KMALLOC_192] = { "kmalloc-192", "kmalloc_dma-192" },
	[3] = { "kmalloc-8", "kmalloc_dma-8" },
	[4] = { "kmalloc-16", "kmalloc_dma-16" },
	[5] = { "kmalloc-32", "kmalloc_dma-32" },
	[6] = { "kmalloc-64", "kmalloc_dma-64" },
	[7] = { "kmalloc-128", "kmalloc_dma-128" },
	[8] = { "kmalloc-256", "kmalloc_dma-256" },
	[9] = { "kmalloc-512", "kmalloc_dma-512" },
	[10] = { "kmalloc-1024", "kmalloc_dma-1024" },
	[11] = { "kmalloc-2048", "kmalloc_dma-2048" },
	[12] = { "kmalloc-4096", "kmalloc_dma-4096" },
	[13] = { "kmalloc-8192", "kmalloc_dma-8192" },
};

/* Index of the cache for 1..8192 bytes. */
static unsigned kmalloc_index(uint32_t size)
{
	if (size <= 8)
		return KMALLOC_SHIFT_LOW;
	if (size > 64 && size <= 96)
		return KMALLOC_96;
	if (size > 128 && size <= 192)
		return KMALLOC_192;
	return (unsigned)fls(size - 1);
}

static void create_kmalloc_cache(unsigned index, uint32_t size)
{
	if (!kmem_cache_open(&slub.kmalloc[index], kmalloc_names[index][0], size, SLAB_MINALIGN, 0,
			     NULL))
		arch_panic("Creation of kmalloc slab size=%u failed.", size);
}

void kmem_cache_init(const char *debug, bool nomerge)
{
	memset(&slub, 0, sizeof(slub));
	list_init(&slub.caches);
	slub_debug_setup(debug);
	slub.nomerge = nomerge;

	create_kmalloc_cache(KMALLOC_96, 96);
	create_kmalloc_cache(KMALLOC_192, 192);
	for (unsigned n = KMALLOC_SHIFT_LOW; n < KMALLOC_CACHES; n++)
		create_kmalloc_cache(n, 1u << n);
	for (uint32_t n = 0; n < ARRAY_SIZE(slub.kmalloc_small); n++)
		slub.kmalloc_small[n] = &slub.kmalloc[kmalloc_index((n + 1) * 8)];
	arch_printk(
		"SLUB: Genslabs=%d, HWalign=%d, Order=%d-%d, MinObjects=%d, CPUs=%d, Nodes=%u\n",
		KMALLOC_CACHES - 1, CACHE_LINE, 0, SLUB_MAX_ORDER, 0, 1, mm.nodes);
}

/* --- alloc ------------------------------------------------------------------------------------ */

static void *kmalloc_large(size_t size, gfp_t gfp)
{
	return __get_free_pages(gfp | __GFP_COMP, get_order(size));
}

/* NULL: no memory. */
static struct kmem_cache *make_dma_cache(unsigned index)
{
	struct kmem_cache *s = kmalloc(sizeof(*s), GFP_NOWAIT);

	if (!s)
		return NULL;
	/* It is as large as the cache made at boot, and that was possible. */
	kmem_cache_open(s, kmalloc_names[index][1], slub.kmalloc[index].objsize, SLAB_MINALIGN,
			SLAB_CACHE_DMA, NULL);
	return s;
}

/* Caches below 16 MiB are made when first wanted, maybe by an interrupt. */
static struct kmem_cache *kmalloc_dma_cache(unsigned index)
{
	uint32_t irq = arch_irq_save();

	if (!slub.kmalloc_dma[index])
		slub.kmalloc_dma[index] = make_dma_cache(index);
	arch_irq_restore(irq);
	return slub.kmalloc_dma[index];
}

static SLOW_CALL void *kmalloc_any(size_t size, gfp_t gfp, vaddr_t caller)
{
	struct kmem_cache *s;
	unsigned index;

	if (!size)
		return ZERO_SIZE_PTR;
	if (size > KMALLOC_MAX_CACHE)
		return kmalloc_large(size, gfp);
	index = kmalloc_index((uint32_t)size);
	s = gfp & __GFP_DMA ? kmalloc_dma_cache(index) : &slub.kmalloc[index];
	return s ? slab_alloc_any(s, gfp, caller) : NULL;
}

/*
 * The small sizes, without a flag or hook that asks for more. A size of 0 wraps, and so is none of
 * them. The free pointers of kmalloc's caches are at offset 0 unless there is debugging, which
 * never comes this way.
 */
MM_REGPARM void *kmalloc(size_t size, gfp_t gfp)
{
	bool special = (gfp & (__GFP_DMA | __GFP_ZERO)) | (uintptr_t)mm.fail_alloc;
	size_t last = size - 1;
	void *object = NULL;

	if (likely(last < KMALLOC_SMALL && !special))
		object = slab_alloc_fast(slub.kmalloc_small[last / 8], 0);
	return likely(object) ? object : kmalloc_any(size, gfp, arch_caller());
}

void *kzalloc(size_t size, gfp_t gfp)
{
	return kmalloc_any(size, gfp | __GFP_ZERO, arch_caller());
}

/* --- free ------------------------------------------------------------------------------------- */

static bool is_zero_or_null(const void *x)
{
	return (uintptr_t)x <= (uintptr_t)ZERO_SIZE_PTR;
}

/* Pages that kmalloc gave, from their start; all else is told. */
static struct page *large_page(const char *function, const void *x, vaddr_t caller)
{
	struct page *page = virt_to_head_page(x);

	if (page && page->state == PAGE_USED && page->compound && page_address(page) == x)
		return page;
	report_wild(function, x, caller);
	return NULL;
}

/* In another than the CPU slab, or not on its first page; kmalloc's pages; nothing; or wild. */
static SLOW_CALL void kfree_any(const void *x, vaddr_t caller)
{
	void *object = (void *)(uintptr_t)x;
	struct page *page;

	if (is_zero_or_null(x))
		return;
	page = virt_to_head_page(x);
	if (page && page->state == PAGE_SLAB) {
		if (!slab_free_fast(page->slab_cache, page, object))
			slab_free_slow(page, object, caller);
		return;
	}
	page = large_page("kfree", x, caller);
	if (page)
		__free_pages(page, page->order);
}

MM_REGPARM void kfree(const void *x)
{
	pfn_t pfn = lowmem_pfn(x);
	struct page *page = pfn_to_page(pfn);

	if (unlikely(pfn >= mm.max_low_pfn || page->state != PAGE_SLAB ||
		     !slab_free_fast(page->slab_cache, page, (void *)(uintptr_t)x)))
		kfree_any(x, arch_caller());
}

/* --- sizes ------------------------------------------------------------------------------------ */

/* With debugging, what lies behind an object is taken. */
static size_t slab_ksize(const struct kmem_cache *s)
{
	if (s->flags & (SLAB_RED_ZONE | SLAB_POISON))
		return s->objsize;
	if (s->flags & SLAB_STORE_USER)
		return s->inuse;
	return s->size;
}

static size_t ksize_for(const char *function, const void *x, vaddr_t caller)
{
	struct page *page;

	if (is_zero_or_null(x))
		return 0;
	page = virt_to_head_page(x);
	if (page && page->state == PAGE_SLAB)
		return slab_ksize(page->slab_cache);
	page = large_page(function, x, caller);
	return page ? slab_bytes(page) : 0;
}

size_t ksize(const void *x)
{
	return ksize_for("ksize", x, arch_caller());
}

void *krealloc(const void *p, size_t size, gfp_t gfp)
{
	void *new;
	size_t old;

	if (!size) {
		kfree(p);
		return ZERO_SIZE_PTR;
	}
	old = ksize_for("krealloc", p, arch_caller());
	if (old >= size)
		return (void *)(uintptr_t)p;
	new = kmalloc_any(size, gfp, arch_caller());
	if (new && !is_zero_or_null(p)) {
		memcpy(new, p, old);
		kfree(p);
	}
	return new;
}
