// SPDX-License-Identifier: MIT
/*
 * SLUB: what can be seen from outside.
 */
#include "mm/slub_internal.h"

struct page *next_slab(pfn_t *pfn, const struct kmem_cache *s)
{
	while (*pfn < mm.max_low_pfn) {
		struct page *page = pfn_to_page((*pfn)++);

		if (page->state == PAGE_SLAB && (!s || page->slab_cache == s))
			return page;
	}
	return NULL;
}

/* A freelist that is broken ends where it breaks. */
void map_free(const struct kmem_cache *s, const struct page *page, struct object_map *map)
{
	const void *object = page->freelist;

	memset(map, 0, sizeof(*map));
	for (unsigned n = 0; object && n < page->objects; n++) {
		uint32_t index;

		if (!check_valid_pointer(s, page, object))
			break;
		index = (arch_vaddr(object) - arch_vaddr(slab_object(s, page, 0))) / s->size;
		if (index >= SLAB_MAX_OBJECTS)
			break;
		map->word[index / 32] |= 1u << index % 32;
		object = get_freepointer(s, object);
	}
}

uint32_t count_free(const struct kmem_cache_node *n)
{
	uint32_t objects = 0;

	list_for_each(node, &n->partial) {
		const struct page *page = list_entry(node, struct page, slab_list);

		objects += page->objects - page->inuse;
	}
	return objects;
}

static const struct kmem_cache *nth_cache(unsigned n)
{
	list_for_each(node, &slub.caches)
		if (!n--)
			return list_entry(node, struct kmem_cache, list);
	return NULL;
}

bool kmem_cache_info(unsigned n, struct kmem_cache_info *info)
{
	const struct kmem_cache *s = nth_cache(n);
	uint32_t irq;

	if (!s)
		return false;
	*info = (struct kmem_cache_info){
		.name = s->name,
		.object_size = s->objsize,
		.size = s->size,
		.objects_per_slab = (PAGE_SIZE << s->order) / s->size,
		.order = s->order,
		.pages_per_slab = 1u << s->order,
		.flags = s->flags & ~SLAB_OBJECT_POISON,
		.refcount = s->refcount,
	};
	irq = arch_irq_save();
	for (unsigned i = 0; i < MAX_NUMNODES; i++) {
		info->slabs += s->node[i].nr_slabs;
		info->partial_slabs += s->node[i].nr_partial;
		info->total_objects += s->node[i].total_objects;
		info->active_objects += s->node[i].total_objects - count_free(&s->node[i]);
	}
	arch_irq_restore(irq);
	return true;
}
