// SPDX-License-Identifier: MIT
/*
 * What a shadow entry must be, from the guest's entries; and faults, which make entries so.
 */
#include "mmu/shadow_internal.h"

/* A 4 MiB PDE: bit 21 is reserved, bits 20:13 are address bits 39:32 (SDM vol. 3, table 4-4). */
#define PDE_LARGE_FRAME 0xffc00000u
#define PDE_LARGE_RESERVED (1u << 21)
#define PDE_HIGH_SHIFT 13
#define PDE_HIGH_MASK 0xffu

#define PTE_FRAME 0xfffff000u

pte_t guest_entry(const struct shadow *s, pfn_t gfn, uint32_t index)
{
	uint64_t value = 0;

	s->config.tables.read(s->config.tables.ctx, (gfn << PAGE_SHIFT) + index * sizeof(pte_t),
			      sizeof(pte_t), &value);
	return (pte_t)value;
}

static uint64_t leaf_address(const struct shadow *s, gpa_t frame)
{
	return s->config.ops.leaf(s->config.ctx, frame);
}

union shadow_role role_of_root(const struct shadow *s, unsigned level, unsigned quadrant)
{
	union shadow_role role = { .bits = 0 };

	role.level = level & 7;
	role.quadrant = level == 2 ? quadrant & 3 : 0;
	if (s->paging.format == WALK_NONE)
		return role;
	role.paging = 1;
	role.wp = s->paging.wp;
	role.pse = s->paging.pse;
	role.pge = s->paging.pge;
	return role;
}

bool child_of(const struct shadow *s, union shadow_role pd, pte_t pde, unsigned half, pfn_t *gfn,
	      union shadow_role *role)
{
	role->bits = 0;
	role->level = 1;
	role->paging = 1;
	role->wp = pd.wp;
	role->pge = pd.pge;
	role->write = !!(pde & PTE_W);
	role->user = !!(pde & PTE_U);
	if ((pde & (PTE_P | PTE_A)) != (PTE_P | PTE_A))
		return false;
	if (!(pde & PTE_PS) || !pd.pse) {
		*gfn = pde >> PAGE_SHIFT;
		role->quadrant = half & 3;
		return leaf_address(s, *gfn << PAGE_SHIFT) != SHADOW_NO_RAM;
	}
	*gfn = (pde & PDE_LARGE_FRAME) >> PAGE_SHIFT |
	       (pfn_t)(pde >> PDE_HIGH_SHIFT & PDE_HIGH_MASK) << (32 - PAGE_SHIFT);
	*gfn += half * SHADOW_ENTRIES;
	role->direct = 1;
	role->dirty = !!(pde & PTE_D);
	role->global = pd.pge && pde & PTE_G;
	return !(pde & PDE_LARGE_RESERVED);
}

/* The entry that each leaf of a direct page stands for, without its frame. */
static pte_t direct_pte(union shadow_role role)
{
	return PTE_P | PTE_A | (role.write ? PTE_W : 0) | (role.user ? PTE_U : 0) |
	       (role.dirty ? PTE_D : 0) | (role.global ? PTE_G : 0);
}

uint64_t leaf_of(const struct shadow *s, union shadow_role role, pte_t pte, gpa_t frame, bool open)
{
	bool write = role.write && pte & PTE_W, user = role.user && pte & PTE_U;
	bool storable = pte & PTE_D && !frame_watched(s, frame >> PAGE_SHIFT);
	uint64_t at, value;

	if ((pte & (PTE_P | PTE_A)) != (PTE_P | PTE_A))
		return 0;
	at = leaf_address(s, frame);
	if (at == SHADOW_NO_RAM)
		return 0;
	value = at | SPTE_P | SPTE_A | SPTE_D;
	value |= role.pge && pte & PTE_G ? SPTE_G : 0;
	value |= role.direct && role.paging ? SPTE_PIECE : 0;
	/*
	 * CR0.WP = 0: the supervisor may write what is read-only. Hardware runs with WP = 1, so the
	 * leaf is writable then, and closed to the user, whose next access brings the other form.
	 */
	if (role.paging && !role.wp && !write && storable && (open || !user))
		return value | SPTE_W | SPTE_WP_OFF;
	return value | (user ? SPTE_U : 0) | (write && storable ? SPTE_W : 0);
}

uint64_t large_leaf_of(const struct shadow *s, union shadow_role role, pfn_t gfn, bool open)
{
	/* frame_watched() of the first frame speaks for all: there is no table among them */
	return leaf_of(s, role, direct_pte(role), gfn << PAGE_SHIFT, open) | SPTE_PS;
}

uint64_t leaf_now(const struct shadow *s, const struct shadow_page *p, uint32_t index)
{
	bool open = p->entry[index] & SPTE_WP_OFF;
	pte_t pte;

	if (p->role.direct)
		return leaf_of(s, p->role, direct_pte(p->role), (p->gfn + index) << PAGE_SHIFT,
			       open);
	pte = guest_entry(s, p->gfn, p->role.quadrant * SHADOW_ENTRIES + index);
	return leaf_of(s, p->role, pte, pte & PTE_FRAME, open);
}

/* --- faults ----------------------------------------------------------------------------------- */

static uint32_t path_child(struct shadow *s, uint32_t parent, uint32_t index, pfn_t gfn,
			   union shadow_role role)
{
	const struct shadow_page *p = &s->page[parent];
	uint32_t child = p->target[index];

	if (p->entry[index] & SPTE_P && !entry_is_leaf(p, p->entry[index]) &&
	    s->page[child].gfn == gfn && s->page[child].role.bits == role.bits) {
		page_touch(s, child);
	} else {
		child = page_get(s, gfn, role);
		/*
		 * INVLPG looks at what an address leads through now, so it did not reach this table
		 * while nothing, or another address, led here.
		 */
		if (page_is_table(&s->page[child]) && s->frame[gfn].stale_at)
			frame_resync(s, gfn);
		entry_link(s, parent, index, child);
	}
	if (page_is_table(&s->page[child]))
		s->frame[gfn].writes = 0;
	return child;
}

/*
 * The tables that a linear address goes through, made and linked as far as they are missing, down
 * to the page directory, which is returned.
 */
static uint32_t path_build(struct shadow *s, gva_t lin)
{
	pfn_t root = s->page[s->root].gfn;
	unsigned quadrant = lin >> 30;
	uint32_t pdpt;

	/* from the top down, each is newer than what was there before: recycle() counts on that */
	page_touch(s, s->root);
	pdpt = path_child(s, s->root, 0, root, role_of_root(s, 3, 0));
	return path_child(s, pdpt, quadrant, root, role_of_root(s, 2, quadrant));
}

/* A store to a tracked frame was refused: may the frame be let go? */
static void release_frame(struct shadow *s, pfn_t gfn, gva_t lin)
{
	s->stats.protect_faults++;
	if (!frame_reachable(s, gfn))
		frame_unshadow(s, gfn);
	else
		frame_unsync(s, gfn, lin);
}

/*
 * May one leaf map the 2 MiB from frame `gfn` on: all RAM, in one piece, and no page table in it?
 */
static bool region_whole(struct shadow *s, pfn_t gfn)
{
	struct shadow_region *region = &s->region[gfn / SHADOW_ENTRIES];
	uint64_t first = leaf_address(s, gfn << PAGE_SHIFT);

	if (gfn + SHADOW_ENTRIES > s->config.ram_frames)
		return false;
	for (uint32_t n = 0; region->kind == REGION_UNKNOWN && n < SHADOW_ENTRIES; n++)
		if (first % (SHADOW_ENTRIES * PAGE_BYTES) ||
		    leaf_address(s, (gfn + n) << PAGE_SHIFT) != first + n * PAGE_BYTES)
			region->kind = REGION_SPLIT;
	if (region->kind == REGION_UNKNOWN)
		region->kind = REGION_WHOLE;
	return region->kind == REGION_WHOLE;
}

/* The same where one leaf maps 2 MiB; false: it may not. `role`: of the table that it saves. */
static bool large_fill(struct shadow *s, uint32_t pd, gva_t lin, unsigned access, pfn_t gfn,
		       union shadow_role role)
{
	bool write = (access & ACCESS_KIND) == ACCESS_WRITE;
	uint32_t index = lin >> 21 & (SHADOW_ENTRIES - 1);
	const struct shadow_page *p = &s->page[pd];
	bool was_open = entry_is_leaf(p, p->entry[index]) && p->entry[index] & SPTE_WP_OFF;
	uint64_t value;

	if (!role.direct || !region_whole(s, gfn))
		return false;
	value = large_leaf_of(s, role, gfn, !(access & ACCESS_USER) && (write || was_open));
	if (value != p->entry[index]) {
		entry_set(s, pd, index, value, (uint32_t)gfn);
		s->stats.fills++;
		shadow_trace(s, SHADOW_EV_FILL, lin, gfn << PAGE_SHIFT, direct_pte(role), value);
	}
	return true;
}

/* The leaf for `lin` in table `pt`, for an access that the guest's tables allow. */
static enum shadow_outcome leaf_fill(struct shadow *s, uint32_t pt, gva_t lin, unsigned access,
				     pte_t pte, gpa_t frame)
{
	bool write = (access & ACCESS_KIND) == ACCESS_WRITE;
	uint32_t index = lin >> PAGE_SHIFT & (SHADOW_ENTRIES - 1);
	const struct shadow_page *p = &s->page[pt];
	pfn_t gfn = frame >> PAGE_SHIFT;
	bool open = !(access & ACCESS_USER) && (write || p->entry[index] & SPTE_WP_OFF);
	uint64_t value;

	if (write && frame_is_table(s, gfn))
		release_frame(s, gfn, lin);
	value = leaf_of(s, p->role, pte, frame, open);
	if (value != p->entry[index]) {
		entry_set(s, pt, index, value, (uint32_t)gfn);
		s->stats.fills++;
		shadow_trace(s, SHADOW_EV_FILL, lin, frame, pte, value);
	}
	return write && !(value & SPTE_W) ? SHADOW_EMULATE : SHADOW_RETRY;
}

/* All that `lin` needs; `gfn`, `role`: of the table of level 1. */
static enum shadow_outcome fill(struct shadow *s, gva_t lin, unsigned access, pfn_t gfn,
				union shadow_role role, pte_t pte, gpa_t frame)
{
	uint32_t pd = path_build(s, lin), pt;

	if (large_fill(s, pd, lin, access, gfn, role))
		return SHADOW_RETRY;
	pt = path_child(s, pd, lin >> 21 & (SHADOW_ENTRIES - 1), gfn, role);
	return leaf_fill(s, pt, lin, access, role.direct ? direct_pte(role) : pte, frame);
}

static enum shadow_outcome fault_unpaged(struct shadow *s, gva_t lin, unsigned access,
					 struct shadow_result *r)
{
	union shadow_role role = { .bits = 0 };
	gpa_t frame = lin & ~(gva_t)PAGE_OFFSET_MASK;

	r->gpa = lin;
	if (leaf_address(s, frame) == SHADOW_NO_RAM) {
		s->stats.mmio++;
		return SHADOW_MMIO;
	}
	role.level = 1;
	role.direct = role.write = role.user = role.dirty = 1;
	return fill(s, lin, access, (lin >> 21) * (pfn_t)SHADOW_ENTRIES, role, 0, frame);
}

/* Did the walk set A or D in one of the entries that it went through? */
static bool walk_wrote(const struct walk_result *w, bool write)
{
	for (unsigned n = 0; n < w->steps; n++) {
		pte_t want = PTE_A | (write && n + 1 == w->steps ? PTE_D : 0);

		if ((w->step[n].entry & want) != want)
			return true;
	}
	return false;
}

/* The guest's tables refuse: also what hardware cached of them is gone (SDM vol. 3, 4.10.4.1). */
static enum shadow_outcome fault_of_guest(struct shadow *s, gva_t lin, uint32_t error,
					  struct shadow_result *r)
{
	s->stats.guest_faults++;
	entry_resync(s, lin);
	shadow_trace(s, SHADOW_EV_GUEST_FAULT, lin, 0, error, 0);
	r->error = error;
	return SHADOW_PAGE_FAULT;
}

/*
 * The guest's own fault led through this table: it is one in use, whose entries are being made, and
 * no data that merely was a table once.
 */
static void table_is_in_use(struct shadow *s, const struct walk_result *w)
{
	pfn_t gfn = w->steps == 2 ? w->step[1].at >> PAGE_SHIFT : s->config.ram_frames;

	if (gfn < s->config.ram_frames)
		s->frame[gfn].writes = 0;
}

static enum shadow_outcome fault_paged(struct shadow *s, gva_t lin, unsigned access,
				       struct shadow_result *r)
{
	bool write = (access & ACCESS_KIND) == ACCESS_WRITE;
	union shadow_role role;
	struct walk_result w;
	gpa_t frame;
	pte_t pde, pte;
	pfn_t gfn;

	if (!walk_linear(&s->config.tables, &s->paging, lin, access, &w)) {
		table_is_in_use(s, &w);
		return fault_of_guest(s, lin, w.error, r);
	}
	r->gpa = w.gpa;
	frame = w.gpa & ~(gpa_t)PAGE_OFFSET_MASK;
	pde = (pte_t)w.step[0].entry | PTE_A;
	pte = (pte_t)w.step[w.steps - 1].entry | PTE_A | (write ? PTE_D : 0);
	if (w.steps == 1)
		pde = pte;
	if (walk_wrote(&w, write)) {
		s->stats.accessed_dirty++;
		shadow_trace(s, SHADOW_EV_ACCESSED, lin, w.step[w.steps - 1].at, pte, 0);
	}
	if (leaf_address(s, frame) == SHADOW_NO_RAM) {
		s->stats.mmio++;
		return SHADOW_MMIO;
	}
	/*
	 * The walk went through the entry, so there is a child: but for entries changed meanwhile.
	 */
	if (!child_of(s, role_of_root(s, 2, 0), pde, lin >> 21 & 1, &gfn, &role))
		return SHADOW_RETRY;
	return fill(s, lin, access, gfn, role, pte, frame);
}

enum shadow_outcome shadow_fault(struct shadow *s, gva_t lin, unsigned access,
				 struct shadow_result *result)
{
	s->stats.faults++;
	*result = (struct shadow_result){ .gpa = 0 };
	result->outcome = s->paging.format == WALK_NONE ? fault_unpaged(s, lin, access, result)
							: fault_paged(s, lin, access, result);
	return result->outcome;
}
