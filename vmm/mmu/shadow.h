/* SPDX-License-Identifier: MIT */
/*
 * Shadow paging: page tables of our own that stand for the guest's, whichever engine walks them.
 *
 * The guest has 2-level tables in its RAM. The shadow has 4-level ones (x86-64 format) in a pool of
 * pages that the engine gives, and maps guest-linear 0..4 GiB. PML4 slot 0 leads to it, all other
 * PML4 slots are the engine's (its monitor); a 32-bit page directory becomes four page directories,
 * a guest page table two, a 4 MiB page two pages of 2 MiB, or tables of 4 KiB pieces where not all
 * of it is RAM or where a page table lies in it.
 *
 * How it works:
 *  - A shadow page is known by (guest table frame, role). The role holds what else changes the
 *    meaning of entries: level, quadrant, paging on or off, CR0.WP, CR4.PSE, CR4.PGE, and for a
 *    leaf table the R/W and U/S that the directory entry above it gives.
 *  - Entries are filled on faults, from a walk of the guest's tables. Rights of all levels come
 *    together in the leaf; entries above leaves are open. The shadow relies on CR0.WP = 1 and
 *    CR0.PG = 1 in the hardware that walks it, whatever the guest's CR0 says.
 *  - A frame that is shadowed as a table is tracked: no shadow entry maps it writable, so that each
 *    store to it ends in shadow_fault() and then shadow_guest_store(). Or (SHADOW_UNSYNC, leaf
 *    tables alone) it is let go out of sync until INVLPG or a flush.
 *
 * Invariants (shadow_audit() checks them):
 *  - a present leaf has A set in every guest entry it comes from, a writable one D in the last;
 *  - a writable leaf has R/W at every guest level (or is a supervisor page while guest CR0.WP is 0)
 *    and maps no tracked frame; a leaf open to user mode has U/S at every guest level;
 *  - no leaf maps anything but guest RAM;
 *  - each present entry is in exactly one list: its frame's reverse map, or its child's parents.
 *  A table out of sync is excused from the rules that compare with the guest.
 *
 * One thread, the one that runs the vCPU, and only while the vCPU does not run. No call fails but
 * shadow_create(); a guest's tables can be anything.
 */
#ifndef VMM_MMU_SHADOW_H
#define VMM_MMU_SHADOW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/diag.h"
#include "base/types.h"
#include "mmu/walk.h"
#include "x86/exec.h"

/*
 * One instruction may need 6 pages at once (2 of code, 2 of each operand of MOVS), each in a table
 * of its own, under 4 directories: with the root's two tables that is what must fit.
 */
#define SHADOW_MIN_PAGES 12u
#define SHADOW_MAX_PAGES (1u << 20)
#define SHADOW_DEFAULT_PAGES 4096u

#define SHADOW_ENTRIES 512u

/* Bits of a shadow entry. A and D are always set in present ones, so that hardware never writes. */
#define SPTE_P (1ull << 0)
#define SPTE_W (1ull << 1)
#define SPTE_U (1ull << 2)
#define SPTE_A (1ull << 5)
#define SPTE_D (1ull << 6)
#define SPTE_PS (1ull << 7) /* in a PD: a 2 MiB page */
#define SPTE_G (1ull << 8)
#define SPTE_PIECE (1ull << 9)	 /* ignored by hardware: a piece of a guest's 4 MiB page */
#define SPTE_WP_OFF (1ull << 10) /* ignored by hardware: supervisor-writable since CR0.WP is 0 */
#define SPTE_ADDRESS 0x000ffffffffff000ull

#define SHADOW_NO_RAM UINT64_MAX

enum shadow_sync { SHADOW_STRICT, SHADOW_UNSYNC };

/* What hardware may still have cached of an entry that is changed. */
enum shadow_flush_kind {
	SHADOW_FLUSH_NONE, /* nothing: it was not present, or gained rights only */
	SHADOW_FLUSH_PAGE, /* the translation of `lin`, global or not */
	SHADOW_FLUSH_ALL,  /* any; global ones too */
};

/* Entry `index` of pool page `page` becomes `value`. */
struct shadow_change {
	uint32_t page;
	uint32_t index;
	uint64_t value;
	enum shadow_flush_kind flush;
	gva_t lin;
};

/* What happened; one record of --trace shadow. */
enum shadow_what {
	SHADOW_EV_FILL,	       /* an entry was made */
	SHADOW_EV_ACCESSED,    /* A or D was set in guest entries */
	SHADOW_EV_GUEST_FAULT, /* the guest gets a #PF; `guest` is the error code */
	SHADOW_EV_TRACK,       /* a frame became a tracked table */
	SHADOW_EV_PROTECT,     /* a leaf lost W since its frame became tracked */
	SHADOW_EV_WRITE,       /* a store hit a tracked frame */
	SHADOW_EV_UPDATE,      /* an entry followed its guest entry */
	SHADOW_EV_ZAP,	       /* an entry was dropped */
	SHADOW_EV_UNSYNC,      /* a table was let go out of sync */
	SHADOW_EV_RESYNC,      /* ... and brought back */
	SHADOW_EV_UNSHADOW,    /* a frame looks like a table no more */
	SHADOW_EV_RECYCLE,     /* a pool page was taken from its use */
	SHADOW_EV_ROOT,	       /* another root came into use */
	SHADOW_EV_INVLPG,      /* */
	SHADOW_EV_FLUSH,       /* CR3 load or the like */
	SHADOW_EV_KINDS
};

struct shadow_event {
	enum shadow_what what;
	gva_t lin;	 /* where that is known, else 0 */
	gpa_t gpa;	 /* of the guest entry, frame or page */
	uint64_t guest;	 /* guest entry, or what the kind says */
	uint64_t shadow; /* shadow entry after the event */
};

/* Each is called with shadow_config.ctx. */
struct shadow_ops {
	/*
	 * Change a live entry. Before the guest runs again, hardware must see the value, and must
	 * have dropped what `flush` names. Where the host may not weaken entries by itself, changes
	 * with SHADOW_FLUSH_NONE may still be stored at once, unless an earlier change of that pool
	 * page waits: changes of one page keep their order. The shadow never reads the pool (but in
	 * shadow_walk), so a change may wait as long as the vCPU does not run.
	 */
	void (*change)(void *ctx, const struct shadow_change *change);
	/*
	 * All entries of this pool page become 0 (a root's upper PML4 slots, too). Every link to it
	 * was changed away before; flush_all() follows before the page is used again.
	 */
	void (*clear)(void *ctx, uint32_t page);
	/* Drop all cached translations, global ones too, before the guest runs again. */
	void (*flush_all)(void *ctx);
	/* A new root at pool page `page`: the engine sets PML4 slots 1..511 (slot 0 is ours). */
	void (*root_made)(void *ctx, uint32_t page);
	/* Stores to this guest frame must be announced from now on, or need not be any more. */
	void (*tracked)(void *ctx, pfn_t frame, bool on);
	/*
	 * The address that a leaf for guest frame `frame` (aligned gpa) carries, or SHADOW_NO_RAM
	 * where there is no RAM: that is never mapped.
	 */
	uint64_t (*leaf)(void *ctx, gpa_t frame);
	/* One event; NULL: nobody listens. */
	void (*trace)(void *ctx, const struct shadow_event *event);
};
/* change, tracked and leaf are needed; clear, flush_all, too; root_made and trace may be NULL. */

struct shadow_config {
	void *ctx;
	struct shadow_ops ops;
	struct walk_source tables; /* guest RAM; cas as for any walk of the running guest */
	pfn_t ram_frames;	   /* guest frames below this number may be RAM */
	void *pool;		   /* page-aligned, all zero, `pages` of 4 KiB */
	uint32_t pages;		   /* SHADOW_MIN_PAGES .. SHADOW_MAX_PAGES */
	uint64_t pool_base;	   /* address of the pool as entries name it */
	enum shadow_sync sync;
	/*
	 * What a guest may notice: X86_TLB_NORMAL; X86_TLB_HOARD keeps entries whose guest entry
	 * has changed until INVLPG or a flush; X86_TLB_DROP keeps no table out of sync, and
	 * shadow_exit() drops what hardware cached.
	 */
	enum x86_tlb_kind lazy;
};

struct shadow_stats {
	uint64_t faults;	   /* calls of shadow_fault */
	uint64_t fills;		   /* leaf entries made */
	uint64_t accessed_dirty;   /* walks that set A or D in guest entries */
	uint64_t guest_faults;	   /* faults that are the guest's */
	uint64_t mmio;		   /* faults outside RAM */
	uint64_t protect_faults;   /* write faults on tracked frames */
	uint64_t emulated_writes;  /* stores to tracked frames announced */
	uint64_t unsyncs, resyncs; /* tables let go, tables brought back */
	uint64_t root_hits;	   /* a root was there when it was wanted */
	uint64_t root_misses;	   /* it had to be made */
	uint64_t unshadowed;	   /* frames given up for too many writes, or for use as data */
	uint64_t recycled;	   /* pool pages taken from their use */
	uint64_t zapped;	   /* entries dropped or weakened */
	uint64_t invlpgs, flushes;
	uint64_t hardware_flushes; /* shadow_ops.flush_all and SHADOW_FLUSH_ALL */
	uint64_t audits;	   /* completed without a finding */
	uint32_t pool_pages, pool_used, pool_most;
};

struct shadow;

/* -EINVAL: too few or too many pages (the text names the limits); -ENOMEM. */
int shadow_create(struct shadow **out, const struct shadow_config *config, struct diag *d);
void shadow_destroy(struct shadow *s);

/*
 * The guest's control registers are these now. To be called after each change of CR0, CR3 or CR4
 * and before the guest runs on; changes the root if need be. Drops nothing that the guest asked to
 * drop: for that call shadow_flush(), too.
 */
void shadow_set_state(struct shadow *s, uint32_t cr0, uint32_t cr3, uint32_t cr4);

/* Address of the current root (PML4), as in pool_base: what the hardware's CR3 must hold. */
uint64_t shadow_root(const struct shadow *s);

enum shadow_outcome {
	SHADOW_RETRY,	   /* the entry is there: run the instruction again */
	SHADOW_PAGE_FAULT, /* the guest gets #PF with result.error */
	SHADOW_EMULATE,	   /* a write to a tracked frame: the executor has to do it */
	SHADOW_MMIO,	   /* no RAM there: the executor has to do it, through the bus */
};

struct shadow_result {
	enum shadow_outcome outcome;
	uint32_t error; /* SHADOW_PAGE_FAULT: derived from the guest walk */
	gpa_t gpa;	/* the others: where it goes, offset included */
};

/*
 * Hardware refused an access to `lin` (enum x86_access | ACCESS_USER; ring 1 is supervisor), or the
 * engine wants to know in advance. Sets A and D in the guest's entries as a walk does.
 */
enum shadow_outcome shadow_fault(struct shadow *s, gva_t lin, unsigned access,
				 struct shadow_result *result);

/*
 * [gpa, gpa + len) of guest RAM was written: by the executor, by a device or by the host. Cheap
 * where nothing there is tracked; must be called at least for frames that are.
 */
void shadow_guest_store(struct shadow *s, gpa_t gpa, uint64_t len);

/*
 * The engine wants stores to this frame to end in SHADOW_EMULATE, whether it is a table or not:
 * what it holds is mirrored elsewhere (descriptors).
 */
void shadow_hold(struct shadow *s, pfn_t frame, bool on);

/* Is a store to this frame to be announced? */
bool shadow_is_tracked(const struct shadow *s, pfn_t frame);

/*
 * The guest did INVLPG, or something that drops all translations (CR3 load, also of the same value;
 * `global`: CR0.PG, CR4.PSE or CR4.PGE changed). Whatever was out of sync is right then.
 * Hardware's own caches are the engine's to drop for that lin, or all.
 */
void shadow_invlpg(struct shadow *s, gva_t lin);
void shadow_flush(struct shadow *s, bool global);

/* To be called at every exit to the engine; see shadow_config.lazy. */
void shadow_exit(struct shadow *s);

/* Forget all shadow pages: after RAM as a whole was replaced (snapshot). */
void shadow_reset(struct shadow *s);

/*
 * What hardware would find for `lin` in the pool: true with the leaf entry, whose W and U are those
 * of all levels together. Reads the pool, so not while changes wait.
 */
bool shadow_walk(const struct shadow *s, gva_t lin, uint64_t *leaf);

/*
 * Check every invariant by walking guest and shadow. Returns how many are broken; the first ones
 * are written to `out` (may be NULL), a line each.
 */
unsigned shadow_audit(struct shadow *s, FILE *out);

void shadow_get_stats(const struct shadow *s, struct shadow_stats *stats);

/*
 * Guest and shadow tables of the current root side by side, a line for each run of like pages; each
 * difference is marked with the reason that makes it legal.
 */
void shadow_dump(const struct shadow *s, FILE *out);

const char *shadow_event_name(enum shadow_what what);

#endif
