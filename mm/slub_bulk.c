// SPDX-License-Identifier: MIT
/*
 * SLUB: many objects in one call. As in Linux since 4.3; 2.6.32 has no such calls.
 */
#include "mm/errno.h"
#include "mm/slub_internal.h"

/* As many objects as the CPU's freelist has, at most `count`; returns how many. */
static size_t take_freelist(struct kmem_cache *s, size_t count, void **objects)
{
	uint32_t irq = arch_irq_save();
	void *object = s->cpu.freelist;
	size_t n = 0;

	if (!s->cpu.slow) {
		for (; n < count && object; n++) {
			objects[n] = object;
			object = get_freepointer(s, object);
		}
		s->cpu.freelist = object;
	}
	arch_irq_restore(irq);
	return n;
}

int kmem_cache_alloc_bulk(struct kmem_cache *s, gfp_t gfp, size_t count, void **objects)
{
	size_t n = 0;

	if (mm.fail_alloc && mm.fail_alloc(s->name, s->objsize * count, gfp))
		return -ENOMEM;
	while (n < count) {
		n += take_freelist(s, count - n, objects + n);
		if (n == count)
			break;
		/* Fills the freelist, too. */
		objects[n] = slab_alloc_slow(s, gfp, arch_caller());
		if (!objects[n]) {
			kmem_cache_free_bulk(s, n, objects);
			return -ENOMEM;
		}
		n++;
	}
	if (gfp & __GFP_ZERO)
		for (n = 0; n < count; n++)
			memset(objects[n], 0, s->objsize);
	return 0;
}

void kmem_cache_free_bulk(struct kmem_cache *s, size_t count, void **objects)
{
	uint32_t irq = arch_irq_save();

	for (size_t n = 0; n < count; n++) {
		struct page *page = virt_to_head_page(objects[n]);

		if (page && page == s->cpu.page && !s->cpu.slow) {
			set_freepointer(s, objects[n], s->cpu.freelist);
			s->cpu.freelist = objects[n];
		} else {
			kmem_cache_free(s, objects[n]);
		}
	}
	arch_irq_restore(irq);
}
