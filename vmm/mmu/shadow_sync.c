// SPDX-License-Identifier: MIT
/*
 * Guest tables that change: stores that are seen, tables that are let go out of sync, and bringing
 * them back.
 *
 * A frame is stale while its shadow pages may differ from it: because stores to it are not seen
 * (unsync), or because the shadow hoards what the guest has not invalidated yet. INVLPG and faults
 * bring back one address; CR3 loads and the like bring back all.
 */
#include "mmu/shadow_internal.h"

/*
 * A table with that many stores since an address was last filled through it, or faulted in the
 * guest, is being built, torn down or used as data: it costs less to shadow it anew when it is of
 * use again. Of 3, 5, 8 and 16, 5 gives the fewest exits over usertests, ubench and mmapfuzz.
 */
#define WRITES_BEFORE_UNSHADOW 5u

/* A store as long as this is no change of an entry. */
#define STORE_OF_DATA 64u

#define PDES_PER_QUADRANT 256u

void stale_add(struct shadow *s, pfn_t gfn)
{
	if (s->frame[gfn].stale_at)
		return;
	s->stale[s->stales++] = gfn;
	s->frame[gfn].stale_at = s->stales;
}

void stale_remove(struct shadow *s, pfn_t gfn)
{
	uint32_t at = s->frame[gfn].stale_at;
	pfn_t last;

	if (!at)
		return;
	last = s->stale[--s->stales];
	s->stale[at - 1] = last;
	s->frame[last].stale_at = at;
	s->frame[gfn].stale_at = 0;
}

bool frame_reachable(const struct shadow *s, pfn_t gfn)
{
	for (uint32_t page = table_first(s, gfn); page != NO_PAGE; page = table_next(s, page))
		if (s->page[page].parents)
			return true;
	return false;
}

void frame_unshadow(struct shadow *s, pfn_t gfn)
{
	uint32_t page;

	s->stats.unshadowed++;
	shadow_trace(s, SHADOW_EV_UNSHADOW, 0, gfn << PAGE_SHIFT, 0, 0);
	while ((page = table_first(s, gfn)) != NO_PAGE)
		page_zap(s, page);
}

/* --- one entry -------------------------------------------------------------------------------- */

/* A leaf follows its guest entry. `add`: also where none was, since the guest entry has A set. */
static void leaf_sync(struct shadow *s, uint32_t page, uint32_t index, bool add)
{
	const struct shadow_page *p = &s->page[page];
	uint64_t old = p->entry[index], value;
	pte_t pte;

	if (!(old & SPTE_P) && !add)
		return;
	value = leaf_now(s, p, index);
	if (value == old)
		return;
	/* with the shadow out of sync only what is there may stay: a new frame waits for a fault */
	if (!add && old & SPTE_P && (old ^ value) & (SPTE_ADDRESS | SPTE_P))
		value = 0;
	pte = guest_entry(s, p->gfn, p->role.quadrant * SHADOW_ENTRIES + index);
	entry_set(s, page, index, value, pte >> PAGE_SHIFT);
	shadow_trace(s, value ? SHADOW_EV_UPDATE : SHADOW_EV_ZAP, entry_lin(s, page, index),
		     (p->gfn << PAGE_SHIFT) + (p->role.quadrant * SHADOW_ENTRIES + index) * 4, pte,
		     value);
}

/* A 2 MiB leaf follows its guest entry, or goes. */
static void large_sync(struct shadow *s, uint32_t page, uint32_t index, pte_t pde)
{
	const struct shadow_page *p = &s->page[page];
	bool open = p->entry[index] & SPTE_WP_OFF;
	union shadow_role role;
	uint64_t value = 0;
	pfn_t gfn;

	if (child_of(s, p->role, pde, index & 1, &gfn, &role) && role.direct &&
	    gfn == p->target[index])
		value = large_leaf_of(s, role, gfn, open);
	entry_set(s, page, index, value, p->target[index]);
}

/* A link is dropped where the guest's directory entry does not lead there any more. */
static void link_sync(struct shadow *s, uint32_t page, uint32_t index)
{
	const struct shadow_page *p = &s->page[page], *child;
	uint32_t guest_index = p->role.quadrant * PDES_PER_QUADRANT + index / 2;
	union shadow_role role;
	pfn_t gfn;
	pte_t pde;

	if (!(p->entry[index] & SPTE_P))
		return;
	pde = guest_entry(s, p->gfn, guest_index);
	if (entry_is_leaf(p, p->entry[index])) {
		large_sync(s, page, index, pde);
		return;
	}
	child = &s->page[p->target[index]];
	if (child_of(s, p->role, pde, index & 1, &gfn, &role) && child->gfn == gfn &&
	    child->role.bits == role.bits)
		return;
	entry_drop(s, page, index);
	shadow_trace(s, SHADOW_EV_ZAP, entry_lin(s, page, index),
		     (p->gfn << PAGE_SHIFT) + guest_index * 4, pde, 0);
}

/* All that stands for entry `index` (0..1023) of guest table `gfn`. */
static void guest_index_sync(struct shadow *s, pfn_t gfn, uint32_t index, bool add)
{
	for (uint32_t page = table_first(s, gfn); page != NO_PAGE; page = table_next(s, page)) {
		union shadow_role role = s->page[page].role;

		if (role.level == 1 && role.quadrant == index / SHADOW_ENTRIES) {
			leaf_sync(s, page, index % SHADOW_ENTRIES, add);
		} else if (role.level == 2 && role.quadrant == index / PDES_PER_QUADRANT) {
			link_sync(s, page, index % PDES_PER_QUADRANT * 2);
			link_sync(s, page, index % PDES_PER_QUADRANT * 2 + 1);
		}
	}
}

/* --- out of sync and back --------------------------------------------------------------------- */

bool frame_unsync(struct shadow *s, pfn_t gfn, gva_t lin)
{
	if (s->config.sync != SHADOW_UNSYNC || s->config.lazy == X86_TLB_DROP)
		return false;
	for (uint32_t page = table_first(s, gfn); page != NO_PAGE; page = table_next(s, page))
		if (s->page[page].role.level > 1)
			return false;
	s->frame[gfn].unsync = true;
	stale_add(s, gfn);
	s->stats.unsyncs++;
	s->config.ops.tracked(s->config.ctx, gfn, false);
	shadow_trace(s, SHADOW_EV_UNSYNC, lin, gfn << PAGE_SHIFT, 0, 0);
	return true;
}

void frame_resync(struct shadow *s, pfn_t gfn)
{
	if (s->frame[gfn].unsync) {
		s->frame[gfn].unsync = false;
		s->config.ops.tracked(s->config.ctx, gfn, true);
		frame_protect(s, gfn);
	}
	for (uint32_t page = table_first(s, gfn); page != NO_PAGE; page = table_next(s, page)) {
		unsigned level = s->page[page].role.level;

		for (uint32_t n = 0; n < SHADOW_ENTRIES; n++) {
			if (level == 1)
				leaf_sync(s, page, n, false);
			else
				link_sync(s, page, n);
		}
	}
	stale_remove(s, gfn);
	s->frame[gfn].writes = 0;
	s->stats.resyncs++;
	shadow_trace(s, SHADOW_EV_RESYNC, 0, gfn << PAGE_SHIFT, 0, 0);
}

void frame_resync_all(struct shadow *s)
{
	while (s->stales)
		frame_resync(s, s->stale[s->stales - 1]);
}

static bool frame_is_stale(const struct shadow *s, pfn_t gfn)
{
	return gfn < s->config.ram_frames && s->frame[gfn].stale_at;
}

void entry_resync(struct shadow *s, gva_t lin)
{
	pfn_t pd = s->cr3 >> PAGE_SHIFT;
	pte_t pde;

	if (!s->stales || s->paging.format == WALK_NONE)
		return;
	if (frame_is_stale(s, pd))
		guest_index_sync(s, pd, lin >> 22, false);
	pde = guest_entry(s, pd, lin >> 22);
	if (!(pde & PTE_P) || (pde & PTE_PS && s->paging.pse))
		return;
	if (frame_is_stale(s, pde >> PAGE_SHIFT))
		guest_index_sync(s, pde >> PAGE_SHIFT, lin >> PAGE_SHIFT & 1023, false);
}

/* --- stores ----------------------------------------------------------------------------------- */

/* [at, at + len) of a tracked frame was written. */
static void frame_stored(struct shadow *s, pfn_t gfn, uint32_t at, uint32_t len)
{
	struct shadow_frame *f = &s->frame[gfn];

	s->stats.emulated_writes++;
	shadow_trace(s, SHADOW_EV_WRITE, 0, (gfn << PAGE_SHIFT) + at,
		     guest_entry(s, gfn, at / sizeof(pte_t)), 0);
	if (++f->writes >= WRITES_BEFORE_UNSHADOW || len >= STORE_OF_DATA) {
		frame_unshadow(s, gfn);
		return;
	}
	if (s->config.lazy == X86_TLB_HOARD) {
		stale_add(s, gfn);
		return;
	}
	for (uint32_t n = at / sizeof(pte_t); n <= (at + len - 1) / sizeof(pte_t); n++)
		guest_index_sync(s, gfn, n, true);
}

void shadow_guest_store(struct shadow *s, gpa_t gpa, uint64_t len)
{
	gpa_t limit = (gpa_t)s->config.ram_frames << PAGE_SHIFT;

	if (gpa >= limit)
		return;
	if (len > limit - gpa)
		len = limit - gpa;
	while (len) {
		uint32_t at = gpa & PAGE_OFFSET_MASK;
		uint32_t step = len < PAGE_BYTES - at ? (uint32_t)len : PAGE_BYTES - at;

		if (frame_is_table(s, gpa >> PAGE_SHIFT))
			frame_stored(s, gpa >> PAGE_SHIFT, at, step);
		gpa += step;
		len -= step;
	}
}

void shadow_invlpg(struct shadow *s, gva_t lin)
{
	s->stats.invlpgs++;
	shadow_trace(s, SHADOW_EV_INVLPG, lin, 0, 0, 0);
	entry_resync(s, lin);
}
