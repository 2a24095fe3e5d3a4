/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the vmalloc area share: a machine, and ways to count what it kept.
 */
#ifndef TESTS_UNIT_MM_VMALLOC_RIG_H
#define TESTS_UNIT_MM_VMALLOC_RIG_H

#include "mm/slub_internal.h"
#include "mm/vmap_area.h"
#include "mm_host.h"

#define MIB (1u << 20)

static inline void begin(void)
{
	mm_host_begin_ram(64 * MIB);
}

/* Free pages, with empty slabs given back, and page tables, which stay. */
static inline uint32_t settled_pages(void)
{
	list_for_each(node, &slub.caches)
		kmem_cache_shrink(list_entry(node, struct kmem_cache, list));
	drain_all_pages();
	return nr_free_pages() + global_page_state(NR_PAGETABLE);
}

static inline unsigned flushes(void)
{
	return mm_host.flush_page + mm_host.flush_range + mm_host.flush_all;
}

static inline uint32_t random_number(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static inline void fill(void *p, uint32_t pages, uint32_t value)
{
	for (uint32_t i = 0; i < pages; i++)
		*(uint32_t *)((char *)p + i * PAGE_SIZE) = value + i;
}

static inline bool filled(const void *p, uint32_t pages, uint32_t value)
{
	for (uint32_t i = 0; i < pages; i++)
		if (*(const uint32_t *)((const char *)p + i * PAGE_SIZE) != value + i)
			return false;
	return true;
}

#endif
