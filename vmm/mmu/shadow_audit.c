// SPDX-License-Identifier: MIT
/*
 * The invariants of shadow.h, checked the slow way: every entry of every shadow page against its
 * lists, the pool, and what the guest's tables say now; then the current root against a walk of the
 * guest's tables.
 */
#include <stdarg.h>
#include <string.h>

#include "mmu/shadow_internal.h"

#define LINES_MAX 20u /* of findings told */

struct audit {
	struct shadow *s;
	FILE *out;
	unsigned findings;
};

static void finding(struct audit *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void finding(struct audit *a, const char *fmt, ...)
{
	va_list args;

	if (a->out && a->findings < LINES_MAX) {
		va_start(args, fmt);
		vfprintf(a->out, fmt, args);
		va_end(args);
		fputc('\n', a->out);
	}
	a->findings++;
}

/* An entry in a finding: its place and value. */
#define ENTRY_FMT "page %u (level %u of frame 0x%llx) entry %u = 0x%llx"
#define ENTRY_ARGS(s, page, index)                                                                 \
	(page), (s)->page[page].role.level, (unsigned long long)(s)->page[page].gfn, (index),      \
		(unsigned long long)(s)->page[page].entry[index]

/* --- lists ------------------------------------------------------------------------------------ */

/* The neighbours of an entry in its list know it, or it is where the list begins. */
static void check_list(struct audit *a, uint32_t page, uint32_t index)
{
	const struct shadow *s = a->s;
	const struct shadow_page *p = &s->page[page];
	ref_t self = ref_of(page, index), prev = p->prev[index], next = p->next[index], at;

	if (p->target[index] >=
	    (entry_is_leaf(p, p->entry[index]) ? s->config.ram_frames : s->config.pages)) {
		finding(a, ENTRY_FMT ": leads to %u, which is not there",
			ENTRY_ARGS(s, page, index), p->target[index]);
		return;
	}
	if (prev)
		at = s->page[ref_page(prev)].next[ref_index(prev)];
	else if (p->role.level == 1)
		at = s->frame[p->target[index]].rmap;
	else if (entry_is_leaf(p, p->entry[index]))
		at = s->region[p->target[index] / SHADOW_ENTRIES].rmap;
	else
		at = s->page[p->target[index]].parents;
	if (at != self || (next && s->page[ref_page(next)].prev[ref_index(next)] != self))
		finding(a, ENTRY_FMT ": is not in its list", ENTRY_ARGS(s, page, index));
}

/* --- what entries may say --------------------------------------------------------------------- */

static void check_link(struct audit *a, uint32_t page, uint32_t index)
{
	const struct shadow *s = a->s;
	const struct shadow_page *p = &s->page[page], *child = &s->page[p->target[index]];
	union shadow_role role = child->role;
	uint64_t address = s->config.pool_base + (uint64_t)p->target[index] * PAGE_BYTES;
	pfn_t gfn = p->gfn;
	bool there;
	pte_t pde;

	if (!child->used || role.level != p->role.level - 1 ||
	    (p->entry[index] & SPTE_ADDRESS) != address)
		finding(a, ENTRY_FMT ": leads to no table of the next level",
			ENTRY_ARGS(s, page, index));
	if (!page_is_table(p) || s->frame[p->gfn].stale_at)
		return;
	pde = guest_entry(s, p->gfn, p->role.quadrant * (SHADOW_ENTRIES / 2) + index / 2);
	there = child_of(s, p->role, pde, index & 1, &gfn, &role);
	if (!child->role.dirty)
		role.dirty = 0; /* D was set through another page: fewer rights here, for now */
	if (!there || child->gfn != gfn || child->role.bits != role.bits)
		finding(a, ENTRY_FMT ": the guest's entry 0x%x leads elsewhere",
			ENTRY_ARGS(s, page, index), pde);
}

/* Rules that hold for every leaf, however old the guest entry is that it was made from. */
static void check_leaf_alone(struct audit *a, uint32_t page, uint32_t index)
{
	struct shadow *s = a->s;
	const struct shadow_page *p = &s->page[page];
	uint64_t entry = p->entry[index];
	uint32_t gfn = p->target[index];

	if (s->config.ops.leaf(s->config.ctx, (gpa_t)gfn << PAGE_SHIFT) != (entry & SPTE_ADDRESS))
		finding(a, ENTRY_FMT ": maps what is not the RAM of frame 0x%x",
			ENTRY_ARGS(s, page, index), gfn);
	if (entry & SPTE_W && frame_watched(s, gfn))
		finding(a, ENTRY_FMT ": page table 0x%x is writable", ENTRY_ARGS(s, page, index),
			gfn);
	if ((entry & SPTE_WP_OFF && (entry & (SPTE_W | SPTE_U)) != SPTE_W) ||
	    (entry & SPTE_WP_OFF && p->role.wp))
		finding(a, ENTRY_FMT ": opened for CR0.WP = 0, and not so",
			ENTRY_ARGS(s, page, index));
}

/* What the guest's entry gives now; rights may be fewer in the shadow, never more. */
static void check_leaf_guest(struct audit *a, uint32_t page, uint32_t index)
{
	struct shadow *s = a->s;
	const struct shadow_page *p = &s->page[page];
	uint64_t entry = p->entry[index], want = leaf_now(s, p, index);
	const uint64_t rights = SPTE_W | SPTE_U;

	if (!(want & SPTE_P) || (want ^ entry) & SPTE_ADDRESS)
		finding(a, ENTRY_FMT ": the guest's entry gives 0x%llx", ENTRY_ARGS(s, page, index),
			(unsigned long long)want);
	else if (entry & rights & ~want)
		finding(a, ENTRY_FMT ": more rights than the guest's 0x%llx",
			ENTRY_ARGS(s, page, index), (unsigned long long)want);
}

/* A 2 MiB leaf: the rules of each of its pages. */
static void check_large(struct audit *a, uint32_t page, uint32_t index)
{
	struct shadow *s = a->s;
	const struct shadow_page *p = &s->page[page];
	uint64_t entry = p->entry[index], want = 0;
	const uint64_t rights = SPTE_W | SPTE_U;
	union shadow_role role = p->role;
	pfn_t gfn = p->target[index];

	for (uint32_t n = 0; n < SHADOW_ENTRIES; n++)
		if (frame_watched(s, gfn + n) ||
		    s->config.ops.leaf(s->config.ctx, (gfn + n) << PAGE_SHIFT) !=
			    (entry & SPTE_ADDRESS) + n * PAGE_BYTES)
			finding(a, ENTRY_FMT ": frame 0x%llx is a page table, or lies elsewhere",
				ENTRY_ARGS(s, page, index), (unsigned long long)gfn + n);
	if (!page_is_table(p) || s->frame[p->gfn].stale_at)
		return;
	if (child_of(s, p->role,
		     guest_entry(s, p->gfn, p->role.quadrant * (SHADOW_ENTRIES / 2) + index / 2),
		     index & 1, &gfn, &role) &&
	    role.direct)
		want = large_leaf_of(s, role, gfn, entry & SPTE_WP_OFF);
	if ((want ^ entry) & (SPTE_ADDRESS | SPTE_P) || entry & rights & ~want)
		finding(a, ENTRY_FMT ": the guest's entry gives 0x%llx", ENTRY_ARGS(s, page, index),
			(unsigned long long)want);
}

static void check_entry(struct audit *a, uint32_t page, uint32_t index)
{
	const struct shadow *s = a->s;
	const struct shadow_page *p = &s->page[page];
	unsigned found = a->findings;

	check_list(a, page, index);
	if (a->findings != found)
		return;
	if (p->role.level > 1) {
		(entry_is_leaf(p, p->entry[index]) ? check_large : check_link)(a, page, index);
		return;
	}
	check_leaf_alone(a, page, index);
	if (!page_is_table(p) || !s->frame[p->gfn].stale_at)
		check_leaf_guest(a, page, index);
}

/* --- pages and frames ------------------------------------------------------------------------- */

/* Slots of a PML4 above the first are the engine's. */
static void check_pool(struct audit *a, uint32_t page)
{
	const struct shadow *s = a->s;
	const struct shadow_page *p = &s->page[page];
	const uint64_t *pool = (const uint64_t *)s->config.pool + (size_t)page * SHADOW_ENTRIES;
	unsigned entries = p->role.level == 4 ? 1 : SHADOW_ENTRIES;

	for (uint32_t n = 0; n < entries; n++)
		if (pool[n] != p->entry[n])
			finding(a, ENTRY_FMT ": the pool holds 0x%llx", ENTRY_ARGS(s, page, n),
				(unsigned long long)pool[n]);
}

/*
 * What is known of a frame against the shadow pages that stand for it; once, with the first of
 * them.
 */
static void check_table_frame(struct audit *a, uint32_t page)
{
	const struct shadow *s = a->s;
	pfn_t gfn = s->page[page].gfn;
	const struct shadow_frame *f = &s->frame[gfn];
	unsigned tables = 0;

	if (table_first(s, gfn) != page)
		return;
	for (uint32_t p = page; p != NO_PAGE; p = table_next(s, p))
		tables++;
	if (tables != f->tables)
		finding(a, "frame 0x%llx: %u shadow pages, %u counted", (unsigned long long)gfn,
			tables, f->tables);
	if (f->unsync && !f->stale_at)
		finding(a, "frame 0x%llx: out of sync, and not in the list",
			(unsigned long long)gfn);
}

static void check_page(struct audit *a, uint32_t page)
{
	const struct shadow *s = a->s;
	const struct shadow_page *p = &s->page[page];
	uint32_t present = 0;

	for (uint32_t n = 0; n < SHADOW_ENTRIES; n++) {
		if (!(p->entry[n] & SPTE_P))
			continue;
		present++;
		check_entry(a, page, n);
	}
	if (present != p->present)
		finding(a, "page %u: %u entries present, %u counted", page, present, p->present);
	if (page_find(s, p->gfn, p->role) != page)
		finding(a, "page %u: not found by its frame and role", page);
	if (page_is_table(p))
		check_table_frame(a, page);
	if (s->config.pool)
		check_pool(a, page);
}

static void check_frames(struct audit *a)
{
	const struct shadow *s = a->s;

	for (uint32_t n = 0; n < s->stales; n++) {
		const struct shadow_frame *f = &s->frame[s->stale[n]];

		if (f->stale_at != n + 1 || !f->tables)
			finding(a, "frame 0x%llx: in the list of stale ones, and not stale",
				(unsigned long long)s->stale[n]);
	}
}

/* --- the current root, from above ------------------------------------------------------------- */

static bool frame_stale(const struct shadow *s, gpa_t at)
{
	pfn_t gfn = at >> PAGE_SHIFT;

	return gfn < s->config.ram_frames && s->frame[gfn].stale_at;
}

/* What hardware would do at `lin`, against what the guest's own tables allow. */
static void check_lin(struct audit *a, gva_t lin, uint64_t entry, uint32_t gfn)
{
	const struct shadow *s = a->s;
	const struct walk_source look = { s->config.tables.ctx, s->config.tables.read, NULL };
	struct walk_result w;
	bool there = walk_look(&look, &s->paging, lin, &w);

	if (s->stales)
		for (unsigned n = 0; n < w.steps; n++)
			if (frame_stale(s, w.step[n].at))
				return;
	if (!there || w.gpa >> PAGE_SHIFT != gfn) {
		finding(a, "linear 0x%08x: the shadow maps frame 0x%x, the guest %s0x%llx", lin,
			gfn, there ? "" : "nothing, not ", (unsigned long long)w.gpa);
		return;
	}
	for (unsigned n = 0; n < w.steps; n++)
		if (!(w.step[n].entry & PTE_A))
			finding(a, "linear 0x%08x: mapped, and A is clear", lin);
	if (entry & SPTE_U && !(w.rights & MAP_U))
		finding(a, "linear 0x%08x: open to the user", lin);
	if (entry & SPTE_W && !(w.rights & MAP_D))
		finding(a, "linear 0x%08x: writable, and D is clear", lin);
	if (entry & SPTE_W && !(w.rights & MAP_W) && (s->paging.wp || entry & SPTE_U))
		finding(a, "linear 0x%08x: writable, and R/W is clear", lin);
}

static void check_table(struct audit *a, uint32_t page, gva_t lin)
{
	const struct shadow_page *p = &a->s->page[page];

	for (uint32_t n = 0; n < SHADOW_ENTRIES; n++) {
		gva_t at = p->role.level > 3 ? 0
					     : lin + (n << (PAGE_SHIFT + 9 * (p->role.level - 1)));

		if (!(p->entry[n] & SPTE_P))
			continue;
		if (entry_is_leaf(p, p->entry[n]))
			check_lin(a, at, p->entry[n], p->target[n]);
		else
			check_table(a, p->target[n], at);
	}
}

unsigned shadow_audit(struct shadow *s, FILE *out)
{
	struct audit a = { .s = s, .out = out };
	uint32_t used = 0;

	for (uint32_t page = s->newest; page != NO_PAGE; page = s->page[page].older, used++)
		check_page(&a, page);
	if (used != s->stats.pool_used)
		finding(&a, "%u pages are in use, %u counted", used, s->stats.pool_used);
	check_frames(&a);
	/* with broken links a walk from above may not end */
	if (!a.findings)
		check_table(&a, s->root, 0);
	if (!a.findings)
		s->stats.audits++;
	return a.findings;
}
