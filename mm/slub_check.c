// SPDX-License-Identifier: MIT
/*
 * slub_check(): the invariants of SLUB.
 *
 * Slabs are found from below, by the states in mem_map, and from above, by the lists; the two must
 * agree. Caches with debugging have their objects checked, too: that reports, mends, and counts as
 * violation here.
 */
#include "mm/slub_internal.h"

static unsigned violation(const struct kmem_cache *s, const struct page *page, const char *what)
{
	arch_printk("slub_check: %s: slab 0x%08x: %s\n", s->name, arch_vaddr(page), what);
	return 1;
}

/*
 * Objects of a freelist go into the map. Violations:
 * (a) one that is no object of the slab; (b) one that is there twice, or on both freelists.
 */
static unsigned walk(const struct kmem_cache *s, const struct page *page, const void *object,
		     struct object_map *map, uint32_t *count)
{
	const char *first = slab_object(s, page, 0);

	for (*count = 0; object; object = get_freepointer(s, object), ++*count) {
		uint32_t n;

		if (!check_valid_pointer(s, page, object))
			return violation(s, page, "freelist leaves the slab");
		n = (uint32_t)((const char *)object - first) / s->size;
		if (object_in_map(map, n))
			return violation(s, page, "object twice on freelists");
		map->word[n / 32] |= 1u << n % 32;
	}
	return 0;
}

static unsigned check_objects(struct kmem_cache *s, struct page *page,
			      const struct object_map *free)
{
	unsigned wrong = 0;

	if (!(s->flags & SLAB_DEBUG_FLAGS))
		return 0;
	wrong += !slab_pad_check(s, page);
	for (uint32_t n = 0; n < page->objects; n++)
		wrong += !check_object(s, page, slab_object(s, page, n), !object_in_map(free, n));
	return wrong;
}

static unsigned check_one_slab(struct kmem_cache *s, struct page *page)
{
	struct object_map map = { { 0 } };
	uint32_t free, on_cpu = 0;
	unsigned wrong;

	if (page->objects != slab_bytes(page) / s->size)
		return violation(s, page, "wrong number of objects");
	wrong = walk(s, page, page->freelist, &map, &free);
	if (page == s->cpu.page)
		wrong += walk(s, page, s->cpu.freelist, &map, &on_cpu);
	if (wrong)
		return wrong;
	if (page->inuse + free != page->objects)
		wrong += violation(s, page, "inuse disagrees with the freelist");
	if (on_cpu > page->inuse)
		wrong += violation(s, page, "more on the CPU than out of the slab");
	if (page->frozen != (page == s->cpu.page))
		wrong += violation(s, page, "frozen, and no CPU slab, or the reverse");
	if (!page->frozen && !!page->freelist != !!page->slab_list.next)
		wrong += violation(s, page, "full and listed, or not full and not");
	return wrong + check_objects(s, page, &map);
}

static unsigned check_partial_list(struct kmem_cache *s, unsigned node)
{
	struct kmem_cache_node *n = &s->node[node];
	uint32_t listed = 0;

	list_for_each(at, &n->partial) {
		const struct page *page = list_entry(at, struct page, slab_list);

		if (++listed > n->nr_partial)
			break;
		if (page->state != PAGE_SLAB || page->slab_cache != s || page->node != node ||
		    page->frozen)
			return violation(s, page, "on a partial list it does not belong to");
	}
	if (listed == n->nr_partial)
		return 0;
	arch_printk("slub_check: %s: node %u: nr_partial %u is not the list's length\n", s->name,
		    node, n->nr_partial);
	return 1;
}

/* After all slabs have been seen. */
static unsigned check_cache(struct kmem_cache *s)
{
	uint32_t slabs = 0, objects = 0, partial = 0;
	unsigned wrong = 0;

	for (unsigned n = 0; n < MAX_NUMNODES; n++) {
		wrong += check_partial_list(s, n);
		slabs += s->node[n].nr_slabs;
		objects += s->node[n].total_objects;
		partial += s->node[n].nr_partial;
	}
	if (s->seen.slabs != slabs || s->seen.objects != objects || s->seen.partial != partial) {
		arch_printk("slub_check: %s: counts %u slabs %u objects %u partial, has %u %u %u\n",
			    s->name, slabs, objects, partial, s->seen.slabs, s->seen.objects,
			    s->seen.partial);
		wrong++;
	}
	if (s->cpu.page && (s->cpu.page->state != PAGE_SLAB || s->cpu.page->slab_cache != s))
		wrong += violation(s, s->cpu.page, "CPU slab of another cache, or no slab");
	return wrong;
}

static bool is_listed(const struct kmem_cache *wanted)
{
	list_for_each(node, &slub.caches)
		if (list_entry(node, struct kmem_cache, list) == wanted)
			return true;
	return false;
}

/* All slabs there are; and NR_SLAB_* of all zones against their pages. */
static unsigned check_slabs(void)
{
	uint32_t counted =
		global_page_state(NR_SLAB_RECLAIMABLE) + global_page_state(NR_SLAB_UNRECLAIMABLE);
	struct page *page;
	uint32_t pages = 0;
	unsigned wrong = 0;
	pfn_t pfn = 0;

	while ((page = next_slab(&pfn, NULL))) {
		struct kmem_cache *s = page->slab_cache;

		pages += 1u << page->order;
		if (!is_listed(s)) {
			arch_printk("slub_check: page %u: slab of no cache\n", pfn - 1);
			wrong++;
			continue;
		}
		wrong += check_one_slab(s, page);
		s->seen.slabs++;
		s->seen.objects += page->objects;
		s->seen.partial += !page->frozen && page->freelist;
	}
	if (pages != counted) {
		arch_printk("slub_check: zones count %u slab pages, there are %u\n", counted,
			    pages);
		wrong++;
	}
	return wrong;
}

unsigned slub_check(void)
{
	uint32_t irq = arch_irq_save();
	unsigned wrong;

	list_for_each(node, &slub.caches)
		memset(&list_entry(node, struct kmem_cache, list)->seen, 0,
		       sizeof(((struct kmem_cache *)0)->seen));
	wrong = check_slabs();
	list_for_each(node, &slub.caches)
		wrong += check_cache(list_entry(node, struct kmem_cache, list));
	arch_irq_restore(irq);
	return wrong;
}
