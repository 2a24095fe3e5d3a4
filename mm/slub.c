// SPDX-License-Identifier: MIT
/*
 * SLUB: CPU slabs, partial lists, slabs from pages and back.
 *
 *                       new_slab()                      discard_slab()
 *      page allocator ─────────────> CPU slab (frozen)      ^  empty, enough of them kept
 *                                     ^          │          │
 *                       get_partial() │          v deactivate_slab()
 *                                    partial lists <──── full (on no list)
 *                                                 first object freed
 */
#include "mm/slub_internal.h"

struct slub_globals slub;

/* --- lists: interrupts off -------------------------------------------------------------------- */

static struct kmem_cache_node *node_of(struct kmem_cache *s, const struct page *page)
{
	return &s->node[page->node];
}

static void add_partial(struct kmem_cache *s, struct page *page, bool tail)
{
	struct kmem_cache_node *n = node_of(s, page);

	n->nr_partial++;
	if (tail)
		list_add_tail(&page->slab_list, &n->partial);
	else
		list_add(&page->slab_list, &n->partial);
}

void remove_partial(struct kmem_cache *s, struct page *page)
{
	list_del(&page->slab_list);
	node_of(s, page)->nr_partial--;
}

/* A slab with free objects, off its list; nodes in order, as the zonelists have them. */
static struct page *get_partial(struct kmem_cache *s)
{
	for (unsigned n = 0; n < MAX_NUMNODES; n++) {
		struct list_head *partial = &s->node[n].partial;
		struct page *page;

		if (list_empty(partial))
			continue;
		page = list_first_entry(partial, struct page, slab_list);
		remove_partial(s, page);
		return page;
	}
	return NULL;
}

/* --- slabs and pages -------------------------------------------------------------------------- */

static void count_slab(struct kmem_cache *s, struct page *page, bool added)
{
	struct kmem_cache_node *n = node_of(s, page);
	uint32_t *stat =
		&page_zone(page)->stat[s->flags & SLAB_RECLAIM_ACCOUNT ? NR_SLAB_RECLAIMABLE
								       : NR_SLAB_UNRECLAIMABLE];
	uint32_t flags = arch_irq_save();

	if (added) {
		n->nr_slabs++;
		n->total_objects += page->objects;
		*stat += 1u << page->order;
	} else {
		n->nr_slabs--;
		n->total_objects -= page->objects;
		*stat -= 1u << page->order;
	}
	arch_irq_restore(flags);
}

static struct page *alloc_slab_pages(struct kmem_cache *s, gfp_t gfp, unsigned order)
{
	if (s->flags & SLAB_CACHE_DMA)
		gfp |= __GFP_DMA;
	if (order)
		gfp |= __GFP_COMP;
	return alloc_pages(gfp, order);
}

/* Large slabs are a wish: the try is a light one, and the smallest order is what must do. */
static struct page *allocate_slab(struct kmem_cache *s, gfp_t gfp)
{
	gfp_t light = (gfp | __GFP_NOWARN | __GFP_NORETRY) & ~__GFP_NOFAIL;
	struct page *page = alloc_slab_pages(s, light, s->order);

	return page ? page : alloc_slab_pages(s, gfp, s->min_order);
}

/*
 * A slab with all its objects free, on no list. NULL: no memory. Interrupts as the caller has them.
 */
static struct page *new_slab(struct kmem_cache *s, gfp_t gfp)
{
	struct page *page;

	if (gfp & __GFP_HIGHMEM)
		arch_panic("SLUB: %s allocated with __GFP_HIGHMEM", s->name);
	page = allocate_slab(s, gfp & ~__GFP_ZERO);
	if (!page)
		return NULL;
	page_set_state(page, PAGE_SLAB);
	page->slab_list.next = page->slab_list.prev = NULL;
	page->slab_cache = s;
	page->inuse = 0;
	page->objects = (uint16_t)(slab_bytes(page) / s->size);
	page->frozen = false;
	page->freelist = slab_object(s, page, 0);
	count_slab(s, page, true);

	if (s->flags & SLAB_POISON)
		memset(page_address(page), POISON_INUSE, slab_bytes(page));
	for (uint32_t n = 0; n < page->objects; n++) {
		void *object = slab_object(s, page, n);

		if (s->flags & SLAB_DEBUG_FLAGS)
			setup_object_debug(s, object);
		if (s->ctor)
			s->ctor(object);
		set_freepointer(s, object,
				n + 1 < page->objects ? slab_object(s, page, n + 1) : NULL);
	}
	return page;
}

void discard_slab(struct kmem_cache *s, struct page *page)
{
	if (s->flags & SLAB_DEBUG_FLAGS) {
		slab_pad_check(s, page);
		for (uint32_t n = 0; n < page->objects; n++)
			check_object(s, page, slab_object(s, page, n), false);
	}
	count_slab(s, page, false);
	page_set_state(page, PAGE_USED);
	__free_pages(page, page->order);
}

/* --- the CPU slab: interrupts off ------------------------------------------------------------- */

/* A slab that is nobody's any more goes where its free objects say. */
static void unfreeze_slab(struct kmem_cache *s, struct page *page, bool tail)
{
	page->frozen = false;
	if (page->inuse) {
		if (page->freelist)
			add_partial(s, page, tail);
	} else if (node_of(s, page)->nr_partial < s->min_partial) {
		/* Last in the list, so that fuller slabs are used up before it. */
		add_partial(s, page, true);
	} else {
		discard_slab(s, page);
	}
}

void deactivate_slab(struct kmem_cache *s)
{
	struct kmem_cache_cpu *c = &s->cpu;
	struct page *page = c->page;
	bool tail = !c->freelist; /* objects still in the CPU's cache: use it soon again */

	while (c->freelist) {
		void *object = c->freelist;

		c->freelist = get_freepointer(s, object);
		set_freepointer(s, object, page->freelist);
		page->freelist = object;
		page->inuse--;
	}
	c->page = NULL;
	unfreeze_slab(s, page, tail);
}

/* One object of the CPU slab; the rest becomes the freelist. NULL: it has none, and is put away. */
static void *take_from_cpu_slab(struct kmem_cache *s, vaddr_t caller)
{
	struct page *page = s->cpu.page;
	void *object;

	if (!page)
		return NULL;
	object = s->cpu.freelist;
	if (object) { /* an interrupt has been here since the fast path found nothing */
		s->cpu.freelist = get_freepointer(s, object);
		return object;
	}
	object = page->freelist;
	if (!object ||
	    (s->flags & SLAB_DEBUG_FLAGS && !alloc_debug_processing(s, page, object, caller))) {
		deactivate_slab(s);
		return NULL;
	}
	if (s->flags & SLAB_DEBUG_FLAGS) {
		/* One at a time, so that each passes the checks. */
		page->inuse++;
		page->freelist = get_freepointer(s, object);
	} else {
		s->cpu.freelist = get_freepointer(s, object);
		page->inuse = page->objects;
		page->freelist = NULL;
	}
	return object;
}

/* A slab with free objects, on no list; interrupts are as *irq says while pages are looked for. */
static struct page *get_slab(struct kmem_cache *s, gfp_t gfp, uint32_t *irq)
{
	struct page *page = get_partial(s);

	if (page)
		return page;
	arch_irq_restore(*irq);
	page = new_slab(s, gfp);
	*irq = arch_irq_save();
	return page;
}

/* In an interrupt that came upon the fast path: the CPU slab is not ours to touch. */
static void *alloc_beside_cpu_slab(struct kmem_cache *s, gfp_t gfp, uint32_t *irq)
{
	struct page *page = get_slab(s, gfp, irq);
	void *object;

	if (!page)
		return NULL;
	object = page->freelist;
	page->freelist = get_freepointer(s, object);
	page->inuse++;
	unfreeze_slab(s, page, false);
	return object;
}

static bool refill_cpu_slab(struct kmem_cache *s, gfp_t gfp, uint32_t *irq)
{
	struct page *page = get_slab(s, gfp, irq);

	if (!page)
		return false;
	/* An interrupt, or reclaim, may have found itself a CPU slab meanwhile. */
	if (s->cpu.page)
		deactivate_slab(s);
	page->frozen = true;
	s->cpu.page = page;
	return true;
}

SLOW_CALL void *slab_alloc_slow(struct kmem_cache *s, gfp_t gfp, vaddr_t caller)
{
	uint32_t irq = arch_irq_save();
	void *object;

	if (s->cpu.slow & SLOW_BUSY)
		object = alloc_beside_cpu_slab(s, gfp, &irq);
	else
		do
			object = take_from_cpu_slab(s, caller);
		while (!object && refill_cpu_slab(s, gfp, &irq));
	arch_irq_restore(irq);
	if (!object && !(gfp & __GFP_NOWARN))
		slab_out_of_memory(s, gfp);
	return object;
}

SLOW_CALL void slab_free_slow(struct page *page, void *x, vaddr_t caller)
{
	struct kmem_cache *s = page->slab_cache;
	uint32_t irq = arch_irq_save();
	bool was_full;

	if (s->flags & SLAB_DEBUG_FLAGS && !free_debug_processing(s, page, x, caller)) {
		arch_irq_restore(irq);
		return;
	}
	was_full = !page->freelist;
	set_freepointer(s, x, page->freelist);
	page->freelist = x;
	page->inuse--;
	if (page->frozen) {
		/* The CPU takes it when its own freelist is used up. */
	} else if (!page->inuse) {
		if (!was_full)
			remove_partial(s, page);
		discard_slab(s, page);
	} else if (was_full) {
		add_partial(s, page, true);
	}
	arch_irq_restore(irq);
}

/* --- caches of any kind ----------------------------------------------------------------------- */

SLOW_CALL void *slab_alloc_any(struct kmem_cache *s, gfp_t gfp, vaddr_t caller)
{
	void *object;

	if (mm.fail_alloc && mm.fail_alloc(s->name, s->objsize, gfp))
		return NULL;
	object = slab_alloc_fast(s, s->offset);
	if (!object)
		object = slab_alloc_slow(s, gfp, caller);
	if (object && gfp & __GFP_ZERO)
		memset(object, 0, s->objsize);
	return object;
}

MM_REGPARM void *kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp)
{
	void *object;

	if (unlikely(mm.fail_alloc || gfp & __GFP_ZERO))
		return slab_alloc_any(s, gfp, arch_caller());
	object = slab_alloc_fast(s, s->offset);
	return likely(object) ? object : slab_alloc_slow(s, gfp, arch_caller());
}

/*
 * An object of another cache is given back to that one: Linux tells so since 3.7, and 2.6.32 with
 * debugging alone.
 */
static SLOW_CALL void kmem_cache_free_any(struct kmem_cache *s, void *x, vaddr_t caller)
{
	struct page *page = virt_to_head_page(x);

	if (!page || page->state != PAGE_SLAB) {
		report_wild("kmem_cache_free", x, caller);
		return;
	}
	if (page->slab_cache != s) {
		arch_printk("kmem_cache_free: Wrong slab cache. %s but object is from %s\n",
			    s->name, page->slab_cache->name);
		print_tracking(page->slab_cache, x);
	}
	slab_free_slow(page, x, caller);
}

MM_REGPARM void kmem_cache_free(struct kmem_cache *s, void *x)
{
	struct page *page = virt_to_head_page(x);

	/* That it is the CPU slab of s says all: it is a slab, and of s. */
	if (unlikely(!page || !slab_free_fast(s, page, x)))
		kmem_cache_free_any(s, x, arch_caller());
}

/* Fullest first, so that the emptiest have the best chance to become empty. */
static void sort_partial(struct kmem_cache_node *n, unsigned most)
{
	for (unsigned inuse = 1; inuse <= most; inuse++) {
		struct list_head *next;

		for (struct list_head *at = n->partial.next; at != &n->partial; at = next) {
			next = at->next;
			if (list_entry(at, struct page, slab_list)->inuse == inuse) {
				list_del(at);
				list_add(at, &n->partial);
			}
		}
	}
}

uint32_t kmem_cache_shrink(struct kmem_cache *s)
{
	uint32_t pages = 0, irq = arch_irq_save();

	if (s->cpu.page && !(s->cpu.slow & SLOW_BUSY))
		deactivate_slab(s);
	for (unsigned i = 0; i < MAX_NUMNODES; i++) {
		struct kmem_cache_node *n = &s->node[i];
		unsigned most = 0;

		list_for_each_safe(node, &n->partial) {
			struct page *page = list_entry(node, struct page, slab_list);

			if (page->inuse > most)
				most = page->inuse;
			if (page->inuse)
				continue;
			pages += 1u << page->order;
			remove_partial(s, page);
			discard_slab(s, page);
		}
		sort_partial(n, most);
	}
	arch_irq_restore(irq);
	return pages;
}

uint32_t kmem_cache_shrink_all(void)
{
	uint32_t pages = 0;

	list_for_each(node, &slub.caches)
		pages += kmem_cache_shrink(list_entry(node, struct kmem_cache, list));
	return pages;
}
