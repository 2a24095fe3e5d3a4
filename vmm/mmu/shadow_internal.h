/* SPDX-License-Identifier: MIT */
/*
 * The shadow MMU from inside, for the files vmm/mmu/shadow_*.c alone. See shadow.h for what it
 * does.
 *
 *   shadow.c        life, control registers, roots, flushes, what others ask
 *   shadow_page.c   the pool: pages by (frame, role), their order of use, making and recycling
 *   shadow_entry.c  the one way in which an entry changes; reverse maps; tracked frames
 *   shadow_fill.c   what an entry must be, from a guest entry; faults
 *   shadow_sync.c   stores to tracked frames, out of sync and back
 *   shadow_audit.c  the invariants
 *   shadow_dump.c   both tables side by side
 *
 * Each pool page has a twin here, which holds what its entries are to be. The pool itself is
 * written by shadow_ops alone, maybe later, and is never read, but by shadow_walk() and the audit.
 */
#ifndef VMM_MMU_SHADOW_INTERNAL_H
#define VMM_MMU_SHADOW_INTERNAL_H

#include "mmu/shadow.h"

/* What else than the table's frame gives entries their meaning. */
union shadow_role {
	uint32_t bits;
	struct {
		unsigned level : 3;    /* 4 PML4, 3 PDPT, 2 PD, 1 PT */
		unsigned quadrant : 2; /* of the guest table: quarter of a PD, half of a PT */
		unsigned paging : 1;   /* CR0.PG */
		unsigned wp : 1;
		unsigned pse : 1; /* levels 2 to 4 */
		unsigned pge : 1;
		unsigned direct : 1; /* a PT without a guest table: its leaves follow one another */
		/* Level 1: what the guest entry above gives; D and G for pieces of a 4 MiB page. */
		unsigned write : 1;
		unsigned user : 1;
		unsigned dirty : 1;
		unsigned global : 1;
	};
};

/* An entry: (page << 9 | index) + 1, so that 0 ends a list. */
typedef uint32_t ref_t;
#define REF_INDEX_BITS 9
#define NO_PAGE UINT32_MAX

struct shadow_page {
	pfn_t gfn; /* of the guest table; direct: the first frame mapped */
	union shadow_role role;
	bool used;

	bool many;	  /* linked at more than one linear address since it was last unlinked */
	uint32_t present; /* entries */
	gva_t lin;	  /* what its first entry translates, where it is linked */
	uint32_t hash_next;
	uint32_t newer, older; /* order of use; free pages are chained by `older` */
	ref_t parents;	       /* entries that lead here */
	uint64_t entry[SHADOW_ENTRIES];
	uint32_t target
		[SHADOW_ENTRIES]; /* of present ones: guest frame (leaf; the first one), else page */
	ref_t next[SHADOW_ENTRIES], prev[SHADOW_ENTRIES]; /* of the list the entry is in */
};

/* What is known of a guest frame. */
struct shadow_frame {
	ref_t rmap;	   /* leaves that map it */
	uint32_t stale_at; /* place in shadow.stale, +1; 0: its shadow pages are right */
	uint16_t tables;   /* shadow pages that stand for it as a table of level 1 or 2 */
	uint8_t writes;	   /* stores since it was last of use */
	bool unsync;	   /* stores are not announced */
	bool held;	   /* the engine wants to hear of stores: shadow_hold() */
};

/* What is known of 2 MiB of guest frames. */
struct shadow_region {
	ref_t rmap; /* 2 MiB leaves that map it */
	enum {
		REGION_UNKNOWN,
		REGION_WHOLE,
		REGION_SPLIT
	} kind; /* SPLIT: for 4 KiB leaves alone */
};

struct shadow {
	struct shadow_config config;
	struct shadow_stats stats;
	struct shadow_page *page; /* one for each pool page */
	struct shadow_frame *frame;
	struct shadow_region *region;
	uint32_t *bucket; /* by frame: first page + 1 */
	uint32_t buckets;
	uint32_t free; /* first free page, or NO_PAGE */
	uint32_t newest, oldest;
	pfn_t *stale; /* frames whose shadow may differ from them */
	uint32_t stales;
	uint32_t root; /* page */
	uint32_t cr0, cr3, cr4;
	struct walk_paging paging;
	bool flush_due; /* pages were cleared, and hardware was not flushed since */
};

/* --- shadow_page.c ---------------------------------------------------------------------------- */

uint32_t page_find(const struct shadow *s, pfn_t gfn, union shadow_role role);
/* The page for (gfn, role), made if need be; it is the newest then. */
uint32_t page_get(struct shadow *s, pfn_t gfn, union shadow_role role);
void page_zap(struct shadow *s, uint32_t page);
void page_touch(struct shadow *s, uint32_t page);
/* The first page that stands for frame gfn as a table of level 1 or 2, or the next one; NO_PAGE. */
uint32_t table_first(const struct shadow *s, pfn_t gfn);
uint32_t table_next(const struct shadow *s, uint32_t page);
/* Is a present entry of this page a leaf? */
static inline bool entry_is_leaf(const struct shadow_page *p, uint64_t value)
{
	return p->role.level == 1 || value & SPTE_PS;
}

/* Does this page depend on what lies in its guest frame? */
static inline bool page_is_table(const struct shadow_page *p)
{
	return p->role.paging && !p->role.direct && p->role.level <= 2;
}
int pages_create(struct shadow *s);
void pages_destroy(struct shadow *s);

/* --- shadow_entry.c --------------------------------------------------------------------------- */

/*
 * Make an entry `value`, which leads to `target` (a leaf: the first guest frame; else a page):
 * lists, the pool and what hardware caches follow.
 */
void entry_set(struct shadow *s, uint32_t page, uint32_t index, uint64_t value, uint32_t target);
static inline void entry_drop(struct shadow *s, uint32_t page, uint32_t index)
{
	entry_set(s, page, index, 0, 0);
}
/* Take an entry from its list, its page being about to be cleared. */
void entry_forget(struct shadow *s, uint32_t page, uint32_t index);
/* The linear address that an entry translates, where its page is linked. */
gva_t entry_lin(const struct shadow *s, uint32_t page, uint32_t index);
/* Let entry `index` of `parent` lead to `child`. */
void entry_link(struct shadow *s, uint32_t parent, uint32_t index, uint32_t child);

/* A shadow page stands for the frame from now on; one less does. */
void frame_add_table(struct shadow *s, pfn_t gfn);
void frame_remove_table(struct shadow *s, pfn_t gfn);
/* No leaf maps it writable any more. */
void frame_protect(struct shadow *s, pfn_t gfn);
/* Is it a table whose stores must be seen? */
static inline bool frame_is_table(const struct shadow *s, pfn_t gfn)
{
	return gfn < s->config.ram_frames && s->frame[gfn].tables && !s->frame[gfn].unsync;
}
/* Or does the engine want to see them? Then no leaf maps it writable. */
static inline bool frame_watched(const struct shadow *s, pfn_t gfn)
{
	return frame_is_table(s, gfn) || (gfn < s->config.ram_frames && s->frame[gfn].held);
}

static inline ref_t ref_of(uint32_t page, uint32_t index)
{
	return (page << REF_INDEX_BITS | index) + 1;
}

static inline uint32_t ref_page(ref_t ref)
{
	return (ref - 1) >> REF_INDEX_BITS;
}

static inline uint32_t ref_index(ref_t ref)
{
	return (ref - 1) & (SHADOW_ENTRIES - 1);
}

/* --- shadow_fill.c ---------------------------------------------------------------------------- */

/*
 * The leaf for guest entry `pte` (of a direct page: made up from the role) that maps `frame`, in a
 * table of `role`; 0 where there must be none. `open`: give the supervisor the writes that CR0.WP =
 * 0 allows, and take the page from the user for that.
 */
uint64_t leaf_of(const struct shadow *s, union shadow_role role, pte_t pte, gpa_t frame, bool open);
/* A 2 MiB leaf for the frames from `gfn` on, for which a table of `role` would stand else. */
uint64_t large_leaf_of(const struct shadow *s, union shadow_role role, pfn_t gfn, bool open);
/* Leaf `index` of a level 1 page, from what the guest's entry is now. */
uint64_t leaf_now(const struct shadow *s, const struct shadow_page *p, uint32_t index);
/* What half (0, 1) of a guest directory entry leads to; false: nothing. */
bool child_of(const struct shadow *s, union shadow_role pd, pte_t pde, unsigned half, pfn_t *gfn,
	      union shadow_role *role);
/* Entry `index` of guest table `gfn`, as it is now. */
pte_t guest_entry(const struct shadow *s, pfn_t gfn, uint32_t index);
union shadow_role role_of_root(const struct shadow *s, unsigned level, unsigned quadrant);

/* --- shadow_sync.c ---------------------------------------------------------------------------- */

/* The frame's shadow pages may differ from it from now on. */
void stale_add(struct shadow *s, pfn_t gfn);
void stale_remove(struct shadow *s, pfn_t gfn);
/* Let stores to a leaf table go unseen, if that is allowed. */
bool frame_unsync(struct shadow *s, pfn_t gfn, gva_t lin);
/* All entries of the frame's shadow pages are right again, and stores to it are seen. */
void frame_resync(struct shadow *s, pfn_t gfn);
void frame_resync_all(struct shadow *s);
/* What stands for `lin` under the current CR3 is right again. */
void entry_resync(struct shadow *s, gva_t lin);
/* It is a table no more. */
void frame_unshadow(struct shadow *s, pfn_t gfn);
/* Is any of the frame's shadow pages linked somewhere? */
bool frame_reachable(const struct shadow *s, pfn_t gfn);

/* --- shadow.c --------------------------------------------------------------------------------- */

void shadow_trace(const struct shadow *s, enum shadow_what what, gva_t lin, gpa_t gpa,
		  uint64_t guest, uint64_t shadow);
void shadow_hardware_flush(struct shadow *s);

#endif
