// SPDX-License-Identifier: MIT
#include "mmu/walk.h"

#include <stdio.h>
#include <string.h>

/* Bits that mean the same in every format (Intel SDM vol. 3, tables 4-4 to 4-20). */
#define ENTRY_NX (1ull << 63)
#define ENTRY_FRAME_SHIFT 12

/* PSE-36: bits 20:13 of a 4 MiB PDE are address bits 39:32 (SDM vol. 3, 4.3, table 4-4). */
#define PSE36_SHIFT 13
#define PSE36_BITS 8u
#define PSE36_TOP 40u

/* A PDPTE of PAE has no rights, no A and no G; these bits must be 0 (SDM vol. 3, table 4-8). */
#define PAE_PDPTE_RESERVED 0x1e6ull

/* More lost races than this, and the guest gets a spurious fault instead of a stuck host. */
#define WALK_TRIES 64

/* #PF error code bit 4: instruction fetch (SDM vol. 3, 4.7). Our guest's CPU never has it. */
#define PF_FETCH (1u << 4)

#define LEVEL(n) (1u << (n))

/* A row for each format: what differs between them. */
struct format {
	uint8_t levels;
	uint8_t entry_bytes;
	uint8_t index_bits;
	uint8_t linear_bits;
	uint8_t large_levels; /* LEVEL(n): PS in an entry of level n makes it a leaf */
	uint8_t no_ps_levels; /* LEVEL(n): PS in an entry of level n is reserved */
	uint8_t bare_levels;  /* LEVEL(n): entries without rights and without A */
	uint8_t ignored_top;  /* lowest of the bits up to 62 that are ignored, not reserved */
	gpa_t root_mask;
	const char *entry_name[WALK_LEVELS + 1]; /* by level */
};

static const struct format formats[WALK_FORMATS] = {
	[WALK_32BIT] = {
		.levels = 2, .entry_bytes = 4, .index_bits = 10, .linear_bits = 32,
		.large_levels = LEVEL(2), .root_mask = 0xfffff000,
		.entry_name = { [1] = "PTE", [2] = "PDE" },
	},
	[WALK_PAE] = {
		.levels = 3, .entry_bytes = 8, .index_bits = 9, .linear_bits = 32,
		.large_levels = LEVEL(2), .bare_levels = LEVEL(3), .ignored_top = 63,
		.root_mask = 0xffffffe0,
		.entry_name = { [1] = "PTE", [2] = "PDE", [3] = "PDPTE" },
	},
	[WALK_4LEVEL] = {
		.levels = 4, .entry_bytes = 8, .index_bits = 9, .linear_bits = 48,
		.large_levels = LEVEL(2) | LEVEL(3), .no_ps_levels = LEVEL(4), .ignored_top = 52,
		.root_mask = 0x000ffffffffff000,
		.entry_name = { [1] = "PTE", [2] = "PDE", [3] = "PDPTE", [4] = "PML4E" },
	},
	[WALK_5LEVEL] = {
		.levels = 5, .entry_bytes = 8, .index_bits = 9, .linear_bits = 57,
		.large_levels = LEVEL(2) | LEVEL(3), .no_ps_levels = LEVEL(4) | LEVEL(5),
		.ignored_top = 52, .root_mask = 0x000ffffffffff000,
		.entry_name = { [1] = "PTE", [2] = "PDE", [3] = "PDPTE", [4] = "PML4E",
				[5] = "PML5E" },
	},
};

/* Bits high-1 .. low. */
static uint64_t bits_between(unsigned low, unsigned high)
{
	return low >= high ? 0 : (high >= 64 ? ~0ull : (1ull << high) - 1) & ~((1ull << low) - 1);
}

static unsigned level_shift(const struct format *f, unsigned level)
{
	return ENTRY_FRAME_SHIFT + f->index_bits * (level - 1);
}

static bool nx_on(const struct walk_paging *p)
{
	return p->nx && p->format != WALK_32BIT;
}

/* Does this present entry map a page? PS counts in the 2-level format only with CR4.PSE. */
static bool entry_is_leaf(const struct walk_paging *p, unsigned level, uint64_t entry)
{
	if (level == 1)
		return true;
	if (!(entry & PTE_PS) || !(formats[p->format].large_levels & LEVEL(level)))
		return false;
	return p->format != WALK_32BIT || p->pse;
}

/* Reserved bits of a 2-level entry: only a 4 MiB PDE has any (SDM vol. 3, 4.3). */
static uint64_t reserved_bits_32(const struct walk_paging *p, unsigned level, bool leaf)
{
	unsigned top = p->maxphyaddr < PSE36_TOP ? p->maxphyaddr : PSE36_TOP;

	if (level == 1 || !leaf)
		return 0;
	return bits_between(top - 32 + PSE36_SHIFT, 22);
}

/* Bits of a present entry that must be 0 (SDM vol. 3, tables 4-8 to 4-20). */
static uint64_t reserved_bits(const struct walk_paging *p, unsigned level, bool leaf)
{
	const struct format *f = &formats[p->format];
	uint64_t bits;

	if (p->format == WALK_32BIT)
		return reserved_bits_32(p, level, leaf);
	bits = bits_between(p->maxphyaddr, f->ignored_top);
	if (!p->nx || f->bare_levels & LEVEL(level))
		bits |= ENTRY_NX;
	if (f->bare_levels & LEVEL(level))
		bits |= PAE_PDPTE_RESERVED;
	if (f->no_ps_levels & LEVEL(level))
		bits |= PTE_PS;
	if (leaf && level > 1)
		bits |= bits_between(PSE36_SHIFT, level_shift(f, level));
	return bits;
}

/* Physical address that an entry points to: the next table, or the start of its page. */
static gpa_t entry_address(const struct walk_paging *p, unsigned level, bool leaf, uint64_t entry)
{
	const struct format *f = &formats[p->format];
	unsigned low = leaf ? level_shift(f, level) : ENTRY_FRAME_SHIFT;
	gpa_t at;

	if (p->format != WALK_32BIT)
		return entry & bits_between(low, p->maxphyaddr);
	at = entry & bits_between(low, 32);
	if (leaf && level > 1)
		at |= (entry >> PSE36_SHIFT & bits_between(0, PSE36_BITS)) << 32;
	return at;
}

/* The walk ended at a leaf: what it says of the page. r has the rights of all levels already. */
static void result_set_leaf(struct walk_result *r, const struct walk_paging *p, uint64_t lin,
			    unsigned level, uint64_t entry)
{
	const struct format *f = &formats[p->format];

	r->page_bytes = 1ull << level_shift(f, level);
	r->gpa = entry_address(p, level, true, entry) | (lin & (r->page_bytes - 1));
	r->rights |= entry & PTE_D ? MAP_D : 0;
	r->rights |= entry & PTE_G && p->pge ? MAP_G : 0;
	r->rights |= level > 1 ? MAP_LARGE : 0;
	r->present = true;
}

/*
 * Descend, reading each entry once. r->present tells whether a translation exists; if not, the
 * return value holds the error-code bits of what ended the walk: none for an entry that is not
 * present, P and RSVD for one with a reserved bit set.
 */
static uint32_t walk_down(const struct walk_source *src, const struct walk_paging *p, uint64_t lin,
			  struct walk_result *r)
{
	const struct format *f = &formats[p->format];
	gpa_t table = p->root & f->root_mask;

	memset(r, 0, sizeof(*r));
	r->rights = MAP_W | MAP_U;
	lin &= bits_between(0, f->linear_bits);
	for (unsigned level = f->levels; level; level--) {
		struct walk_step *s = &r->step[r->steps++];
		bool leaf;

		s->level = (uint8_t)level;
		s->index =
			(uint16_t)(lin >> level_shift(f, level) & bits_between(0, f->index_bits));
		s->at = table + (gpa_t)s->index * f->entry_bytes;
		s->readable = src->read(src->ctx, s->at, f->entry_bytes, &s->entry);
		if (!s->readable)
			s->entry = 0;
		if (!(s->entry & PTE_P))
			return 0;
		leaf = entry_is_leaf(p, level, s->entry);
		if (s->entry & reserved_bits(p, level, leaf))
			return PF_P | PF_RSVD;
		if (!(f->bare_levels & LEVEL(level))) {
			r->rights &= (uint8_t)((s->entry & PTE_W ? MAP_W : 0) |
					       (s->entry & PTE_U ? MAP_U : 0));
			r->nx |= nx_on(p) && s->entry & ENTRY_NX;
		}
		if (leaf) {
			result_set_leaf(r, p, lin, level, s->entry);
			return 0;
		}
		table = entry_address(p, level, false, s->entry);
	}
	return 0; /* not reached: an entry of level 1 is a leaf */
}

/* May this access use the translation? The rules in the order of SDM vol. 3, 4.6.1. */
static bool access_allowed(const struct walk_paging *p, unsigned access,
			   const struct walk_result *r)
{
	unsigned kind = access & ACCESS_KIND;
	bool user_page = r->rights & MAP_U;

	if (kind == ACCESS_FETCH && r->nx)
		return false;
	if (access & ACCESS_USER)
		return user_page && (kind != ACCESS_WRITE || r->rights & MAP_W);
	if (kind == ACCESS_FETCH)
		return !(user_page && p->smep);
	if (user_page && p->smap_on)
		return false;
	return kind == ACCESS_READ || r->rights & MAP_W || !p->wp;
}

/* The bits that say what was tried; P and RSVD say what was wrong (SDM vol. 3, 4.7). */
static uint32_t error_of_access(const struct walk_paging *p, unsigned access)
{
	unsigned kind = access & ACCESS_KIND;
	uint32_t error = access & ACCESS_USER ? PF_U : 0;

	if (kind == ACCESS_WRITE)
		error |= PF_W;
	if (kind == ACCESS_FETCH && (nx_on(p) || p->smep))
		error |= PF_FETCH;
	return error;
}

/*
 * Set A in every entry used and D in the leaf of a write, from the root down. False: an entry
 * changed since it was read. (Also so when one entry serves two levels, as in a directory that maps
 * itself: the next walk finds its A set.)
 */
static bool set_accessed_dirty(const struct walk_source *src, const struct walk_paging *p,
			       unsigned access, struct walk_result *r)
{
	const struct format *f = &formats[p->format];
	bool write = (access & ACCESS_KIND) == ACCESS_WRITE;

	if (!src->cas)
		return true;
	for (unsigned i = 0; i < r->steps; i++) {
		const struct walk_step *s = &r->step[i];
		uint64_t value = s->entry | PTE_A;

		if (f->bare_levels & LEVEL(s->level))
			continue;
		if (write && i + 1 == r->steps)
			value |= PTE_D;
		if (value != s->entry &&
		    !src->cas(src->ctx, s->at, f->entry_bytes, s->entry, value))
			return false;
	}
	if (write)
		r->rights |= MAP_D;
	return true;
}

/* Paging off: linear is physical, and nothing is refused. */
static bool walk_unpaged(uint64_t lin, struct walk_result *r)
{
	memset(r, 0, sizeof(*r));
	r->present = true;
	r->gpa = lin & bits_between(0, 32);
	r->page_bytes = PAGE_BYTES;
	r->rights = MAP_W | MAP_U | MAP_D;
	return true;
}

struct walk_paging walk_paging_from(uint32_t cr0, uint32_t cr3, uint32_t cr4)
{
	/* CR4.PAE cannot be set on our CPU (CR4_DEFINED), so PG alone chooses. */
	return (struct walk_paging){
		.format = cr0 & CR0_PG ? WALK_32BIT : WALK_NONE,
		.root = cr3,
		.pse = cr4 & CR4_PSE,
		.pge = cr4 & CR4_PGE,
		.wp = cr0 & CR0_WP,
		.maxphyaddr = PSE36_TOP,
	};
}

struct walk_paging walk_paging_of(const struct x86_state *state)
{
	return walk_paging_from(state->cr0, state->cr3, state->cr4);
}

bool walk_linear(const struct walk_source *src, const struct walk_paging *paging, uint64_t lin,
		 unsigned access, struct walk_result *r)
{
	if (paging->format == WALK_NONE)
		return walk_unpaged(lin, r);
	for (unsigned tries = 0; tries < WALK_TRIES; tries++) {
		uint32_t error = walk_down(src, paging, lin, r);

		if (!r->present) {
			r->error = error | error_of_access(paging, access);
			return false;
		}
		if (!access_allowed(paging, access, r)) {
			r->error = PF_P | error_of_access(paging, access);
			return false;
		}
		if (set_accessed_dirty(src, paging, access, r))
			return true;
	}
	r->present = false;
	r->error = error_of_access(paging, access);
	return false;
}

bool walk_look(const struct walk_source *src, const struct walk_paging *paging, uint64_t lin,
	       struct walk_result *r)
{
	if (paging->format == WALK_NONE)
		return walk_unpaged(lin, r);
	walk_down(src, paging, lin, r);
	return r->present;
}

/* Flags in the order a line shows them; `leaf` ones mean nothing in an entry that names a table. */
static const struct flag_name {
	uint64_t bit;
	bool leaf;
	const char *name;
} flag_names[] = {
	{ PTE_P, false, "P" },	   { PTE_W, false, "RW" },    { PTE_U, false, "US" },
	{ PTE_PWT, false, "PWT" }, { PTE_PCD, false, "PCD" }, { PTE_A, false, "A" },
	{ PTE_D, true, "D" },	   { PTE_G, true, "G" },
};

/* Append to buf; a full buffer keeps what fits. */
static void text_append(char *buf, unsigned bytes, const char *text)
{
	size_t used = strlen(buf);

	snprintf(buf + used, bytes - used, " %s", text);
}

void walk_format_step(const struct walk_paging *paging, const struct walk_step *step, char *buf,
		      unsigned bytes)
{
	const struct format *f = &formats[paging->format];
	bool leaf = entry_is_leaf(paging, step->level, step->entry);
	uint64_t reserved = step->entry & reserved_bits(paging, step->level, leaf);
	char text[48];

	if (!bytes)
		return;
	snprintf(buf, bytes, "%s[%u] 0x%08llx = 0x%0*llx", f->entry_name[step->level], step->index,
		 (unsigned long long)step->at, f->entry_bytes * 2, (unsigned long long)step->entry);
	if (!step->readable) {
		text_append(buf, bytes, "(no memory there)");
		return;
	}
	if (!(step->entry & PTE_P)) {
		text_append(buf, bytes, "not present");
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(flag_names); i++)
		if (step->entry & flag_names[i].bit && (leaf || !flag_names[i].leaf))
			text_append(buf, bytes, flag_names[i].name);
	if (leaf && step->level > 1)
		text_append(buf, bytes, "PS");
	if (nx_on(paging) && step->entry & ENTRY_NX)
		text_append(buf, bytes, "NX");
	if (reserved) {
		snprintf(text, sizeof(text), "reserved bits 0x%llx set",
			 (unsigned long long)reserved);
		text_append(buf, bytes, text);
	}
}
