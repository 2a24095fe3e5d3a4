// SPDX-License-Identifier: MIT
/*
 * The pool: which page stands for which table, which was of use last, and taking pages from one
 * use to the next.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "mmu/shadow_internal.h"

/* Memory that is touched lazily: most of a large pool is never used. */
static void *lazy_memory(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static size_t pages_bytes(const struct shadow *s)
{
	return s->config.pages * sizeof(*s->page);
}

static size_t frames_bytes(const struct shadow *s)
{
	return (s->config.ram_frames + 1) * sizeof(*s->frame);
}

static size_t regions_bytes(const struct shadow *s)
{
	return (s->config.ram_frames / SHADOW_ENTRIES + 1) * sizeof(*s->region);
}

int pages_create(struct shadow *s)
{
	s->buckets = 16;
	while (s->buckets < s->config.pages)
		s->buckets *= 2;
	s->page = lazy_memory(pages_bytes(s));
	s->frame = lazy_memory(frames_bytes(s));
	s->region = lazy_memory(regions_bytes(s));
	s->bucket = calloc(s->buckets, sizeof(*s->bucket));
	s->stale = calloc(s->config.pages, sizeof(*s->stale));
	if (!s->page || !s->frame || !s->region || !s->bucket || !s->stale)
		return -ENOMEM;
	s->newest = s->oldest = s->root = s->free = NO_PAGE;
	return 0;
}

void pages_destroy(struct shadow *s)
{
	if (s->page)
		munmap(s->page, pages_bytes(s));
	if (s->frame)
		munmap(s->frame, frames_bytes(s));
	if (s->region)
		munmap(s->region, regions_bytes(s));
	free(s->bucket);
	free(s->stale);
}

/* --- by frame --------------------------------------------------------------------------------- */

static uint32_t *bucket_of(const struct shadow *s, pfn_t gfn)
{
	return &s->bucket[(gfn ^ gfn >> 12) & (s->buckets - 1)];
}

uint32_t page_find(const struct shadow *s, pfn_t gfn, union shadow_role role)
{
	for (uint32_t n = *bucket_of(s, gfn); n; n = s->page[n - 1].hash_next)
		if (s->page[n - 1].gfn == gfn && s->page[n - 1].role.bits == role.bits)
			return n - 1;
	return NO_PAGE;
}

static uint32_t table_from(const struct shadow *s, uint32_t plus_one, pfn_t gfn)
{
	for (; plus_one; plus_one = s->page[plus_one - 1].hash_next) {
		const struct shadow_page *p = &s->page[plus_one - 1];

		if (p->gfn == gfn && page_is_table(p))
			return plus_one - 1;
	}
	return NO_PAGE;
}

uint32_t table_first(const struct shadow *s, pfn_t gfn)
{
	return table_from(s, *bucket_of(s, gfn), gfn);
}

uint32_t table_next(const struct shadow *s, uint32_t page)
{
	return table_from(s, s->page[page].hash_next, s->page[page].gfn);
}

static void hash_remove(struct shadow *s, uint32_t page)
{
	uint32_t *at = bucket_of(s, s->page[page].gfn);

	while (*at != page + 1)
		at = &s->page[*at - 1].hash_next;
	*at = s->page[page].hash_next;
}

/* --- by use ----------------------------------------------------------------------------------- */

static void order_remove(struct shadow *s, uint32_t page)
{
	struct shadow_page *p = &s->page[page];

	*(p->newer == NO_PAGE ? &s->newest : &s->page[p->newer].older) = p->older;
	*(p->older == NO_PAGE ? &s->oldest : &s->page[p->older].newer) = p->newer;
}

static void order_insert(struct shadow *s, uint32_t page)
{
	struct shadow_page *p = &s->page[page];

	p->newer = NO_PAGE;
	p->older = s->newest;
	*(s->newest == NO_PAGE ? &s->oldest : &s->page[s->newest].newer) = page;
	s->newest = page;
}

void page_touch(struct shadow *s, uint32_t page)
{
	if (s->newest == page)
		return;
	order_remove(s, page);
	order_insert(s, page);
}

/* --- life ------------------------------------------------------------------------------------- */

void page_zap(struct shadow *s, uint32_t page)
{
	struct shadow_page *p = &s->page[page];

	while (p->parents)
		entry_drop(s, ref_page(p->parents), ref_index(p->parents));
	for (uint32_t n = 0; p->present && n < SHADOW_ENTRIES; n++) {
		if (!(p->entry[n] & SPTE_P))
			continue;
		entry_forget(s, page, n);
		s->stats.zapped++;
	}
	s->config.ops.clear(s->config.ctx, page);
	s->flush_due = true;
	hash_remove(s, page);
	order_remove(s, page);
	p->used = false;
	s->stats.pool_used--;
	if (page_is_table(p))
		frame_remove_table(s, p->gfn);
	p->older = s->free;
	s->free = page;
}

/*
 * The page that was of no use for the longest time. It is never the root in use nor part of the
 * path under construction: these at most four were touched last, and there are SHADOW_MIN_PAGES.
 */
static void recycle(struct shadow *s)
{
	uint32_t page = s->oldest;

	s->stats.recycled++;
	shadow_trace(s, SHADOW_EV_RECYCLE, s->page[page].lin, s->page[page].gfn << PAGE_SHIFT,
		     s->page[page].role.level, page);
	page_zap(s, page);
}

static uint32_t page_take(struct shadow *s)
{
	uint32_t page;

	if (s->free == NO_PAGE && s->stats.pool_most < s->config.pages) {
		page = s->stats.pool_most++;
	} else {
		if (s->free == NO_PAGE)
			recycle(s);
		page = s->free;
		s->free = s->page[page].older;
	}
	/* Hardware may still walk through what the page was before. */
	if (s->flush_due)
		shadow_hardware_flush(s);
	s->stats.pool_used++;
	return page;
}

uint32_t page_get(struct shadow *s, pfn_t gfn, union shadow_role role)
{
	uint32_t page = page_find(s, gfn, role), *bucket;
	struct shadow_page *p;

	if (page != NO_PAGE) {
		page_touch(s, page);
		return page;
	}
	page = page_take(s);
	p = &s->page[page];
	p->gfn = gfn;
	p->role = role;
	p->used = true;
	p->many = false;
	p->lin = 0;
	p->parents = 0;
	bucket = bucket_of(s, gfn);
	p->hash_next = *bucket;
	*bucket = page + 1;
	order_insert(s, page);
	/* A directory is always in step: what depends on it cannot be found again at INVLPG. */
	if (page_is_table(p)) {
		if (role.level > 1 && s->frame[gfn].unsync)
			frame_resync(s, gfn);
		frame_add_table(s, gfn);
	}
	return page;
}
