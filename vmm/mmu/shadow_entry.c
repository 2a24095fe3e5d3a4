// SPDX-License-Identifier: MIT
/*
 * The one way in which an entry of the shadow changes, and the lists that follow: each leaf is in
 * the reverse map of the guest frame it maps, each other entry in the list of its child's parents.
 */
#include "mmu/shadow_internal.h"

static ref_t *list_of(struct shadow *s, const struct shadow_page *p, uint32_t index)
{
	uint32_t target = p->target[index];

	if (p->role.level == 1)
		return &s->frame[target].rmap;
	return p->entry[index] & SPTE_PS ? &s->region[target / SHADOW_ENTRIES].rmap
					 : &s->page[target].parents;
}

static void list_insert(struct shadow *s, uint32_t page, uint32_t index)
{
	struct shadow_page *p = &s->page[page];
	ref_t *head = list_of(s, p, index), first = *head;

	p->prev[index] = 0;
	p->next[index] = first;
	if (first)
		s->page[ref_page(first)].prev[ref_index(first)] = ref_of(page, index);
	*head = ref_of(page, index);
	p->present++;
}

void entry_forget(struct shadow *s, uint32_t page, uint32_t index)
{
	struct shadow_page *p = &s->page[page];
	ref_t next = p->next[index], prev = p->prev[index];

	if (prev)
		s->page[ref_page(prev)].next[ref_index(prev)] = next;
	else
		*list_of(s, p, index) = next;
	if (next)
		s->page[ref_page(next)].prev[ref_index(next)] = prev;
	p->entry[index] = 0;
	p->present--;
}

gva_t entry_lin(const struct shadow *s, uint32_t page, uint32_t index)
{
	const struct shadow_page *p = &s->page[page];

	/* 12 bits for the page, 9 for each level below the entry's own */
	return p->role.level > 3 ? 0 : p->lin + (index << (PAGE_SHIFT + 9 * (p->role.level - 1)));
}

/* What hardware may hold of an entry that was `old` and becomes `value`. */
static enum shadow_flush_kind flush_for(const struct shadow_page *p, uint64_t old, uint64_t value)
{
	const uint64_t gain = SPTE_W | SPTE_U;

	if (!(old & SPTE_P) || (!(old & gain & ~value) && !((old ^ value) & ~gain)))
		return SHADOW_FLUSH_NONE;
	return p->role.level == 1 && !p->many ? SHADOW_FLUSH_PAGE : SHADOW_FLUSH_ALL;
}

void entry_set(struct shadow *s, uint32_t page, uint32_t index, uint64_t value, uint32_t target)
{
	struct shadow_page *p = &s->page[page];
	uint64_t old = p->entry[index];
	struct shadow_change change = { .page = page, .index = index, .value = value };

	if (old == value)
		return;
	if (old & SPTE_P)
		entry_forget(s, page, index);
	p->entry[index] = value;
	p->target[index] = target;
	if (value & SPTE_P)
		list_insert(s, page, index);
	change.flush = flush_for(p, old, value);
	change.lin = entry_lin(s, page, index);
	if (change.flush != SHADOW_FLUSH_NONE)
		s->stats.zapped++;
	if (change.flush == SHADOW_FLUSH_ALL)
		s->stats.hardware_flushes++;
	s->config.ops.change(s->config.ctx, &change);
}

void entry_link(struct shadow *s, uint32_t parent, uint32_t index, uint32_t child)
{
	/* open: the rights are the leaf's */
	uint64_t value = (s->config.pool_base + (uint64_t)child * PAGE_BYTES) | SPTE_P | SPTE_W |
			 SPTE_U | SPTE_A;
	struct shadow_page *c = &s->page[child];
	gva_t lin = entry_lin(s, parent, index);

	if (!c->parents) {
		c->many = false;
		c->lin = lin;
	} else if (c->lin != lin) {
		c->many = true;
	}
	entry_set(s, parent, index, value, child);
}

/*
 * From now on 4 KiB leaves alone map the 2 MiB around a frame. For good: where one page table lies,
 * more will, and going back and forth costs more than it brings.
 */
static void region_split(struct shadow *s, pfn_t gfn)
{
	struct shadow_region *region = &s->region[gfn / SHADOW_ENTRIES];

	region->kind = REGION_SPLIT;
	while (region->rmap)
		entry_drop(s, ref_page(region->rmap), ref_index(region->rmap));
}

void frame_protect(struct shadow *s, pfn_t gfn)
{
	ref_t ref = s->frame[gfn].rmap, next;

	region_split(s, gfn);
	/* entry_set() takes the entry from the list and puts it at the front: walk with care */
	for (; ref; ref = next) {
		uint32_t page = ref_page(ref), index = ref_index(ref);
		struct shadow_page *p = &s->page[page];

		next = p->next[index];
		if (!(p->entry[index] & SPTE_W))
			continue;
		entry_set(s, page, index, p->entry[index] & ~(SPTE_W | SPTE_WP_OFF),
			  p->target[index]);
		shadow_trace(s, SHADOW_EV_PROTECT, entry_lin(s, page, index), gfn << PAGE_SHIFT, 0,
			     p->entry[index]);
	}
}

void frame_add_table(struct shadow *s, pfn_t gfn)
{
	struct shadow_frame *f = &s->frame[gfn];

	f->writes = 0;
	if (f->tables++)
		return;
	shadow_trace(s, SHADOW_EV_TRACK, 0, gfn << PAGE_SHIFT, 0, 0);
	frame_protect(s, gfn);
	s->config.ops.tracked(s->config.ctx, gfn, true);
}

void frame_remove_table(struct shadow *s, pfn_t gfn)
{
	struct shadow_frame *f = &s->frame[gfn];

	if (--f->tables)
		return;
	stale_remove(s, gfn);
	if (!f->unsync)
		s->config.ops.tracked(s->config.ctx, gfn, false);
	f->unsync = false;
}
