/* SPDX-License-Identifier: MIT */
/*
 * Cached translations of the executor, in two layers.
 *
 * The fast layer is direct-mapped, one array for each access mode (supervisor with CR0.WP clear,
 * supervisor with WP set, user), and holds host addresses: a hit is one comparison. It is a pure
 * cache of the layer behind it and may be emptied at any time without a visible effect.
 *
 * The layer behind is what the guest can notice: `normal` is 4-way set-associative with 1024
 * entries, `hoard` holds every translation of the address space until the architecture takes it
 * away (SDM vol. 3, 4.10.4), `drop` holds none. It caches raw rights (R/W, U/S, D, G), as hardware
 * does, so that a change of CPL or CR0.WP needs no flush.
 */
#ifndef VMM_X86_TLB_H
#define VMM_X86_TLB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"
#include "x86/env.h"
#include "x86/exec.h"

enum tlb_mode { TLB_SUPER, TLB_SUPER_WP, TLB_USER, TLB_MODES };
#define TLB_NO_MODE TLB_MODES /* every access takes the slow way: breakpoints, alignment checks */

#define TLB_FAST 256u
#define TLB_SETS 256u
#define TLB_WAYS 4u
#define TLB_NO_TAG 1u /* no page-aligned address equals it */

struct tlb_fast {
	uint32_t tag[4];  /* linear page for read, write, fetch; or TLB_NO_TAG */
	uintptr_t addend; /* host address minus linear address */
	uint64_t unused;  /* keeps the size a power of two */
};

struct tlb_entry {
	uint32_t epoch; /* valid while equal to the TLB's (global entries: to its global epoch) */
	uint32_t page;	/* linear >> 12 */
	uint32_t frame; /* guest-physical >> 12; PSE-36 frames fit in 28 bits */
	uint32_t rights;
};

struct tlb {
	struct tlb_fast *fast;				/* the array of the current mode */
	struct tlb_fast array[TLB_MODES + 1][TLB_FAST]; /* the last one never holds anything */
	struct tlb_entry *entry; /* normal: SETS * WAYS; hoard: one for each linear page */
	enum x86_tlb_kind kind;
	uint32_t epoch;	       /* of non-global entries */
	uint32_t global_epoch; /* of global entries */
	uint64_t code_epoch;   /* changes with every flush or INVLPG: invalidates the jump cache */
	bool large;	       /* an entry with MAP_LARGE was cached since the last full flush */
};

/* Host address of [lin, lin + size) if a fast array knows the page for this kind of access. */
static inline uint8_t *tlb_fast_hit(const struct tlb_fast *array, gva_t lin, unsigned size,
				    unsigned kind)
{
	const struct tlb_fast *f = &array[(lin >> PAGE_SHIFT) % TLB_FAST];

	if (likely(f->tag[kind] == (lin & ~(gva_t)PAGE_OFFSET_MASK) &&
		   (lin & PAGE_OFFSET_MASK) + size <= PAGE_BYTES))
		return (uint8_t *)(f->addend + lin);
	return 0;
}

struct cpu;
struct insn;

int tlb_init(struct tlb *t, enum x86_tlb_kind kind);
void tlb_destroy(struct tlb *t);

/*
 * Drop one page (with the whole 4 MiB page it may be part of), or all, global entries only on
 * request.
 */
void tlb_flush_page(struct tlb *t, gva_t lin);
void tlb_flush_all(struct tlb *t, bool global);

/* Drop one 4 KiB page alone, even if it is part of a 4 MiB one. */
void tlb_drop_small(struct tlb *t, gva_t lin);

/* Empty the fast layer alone, or its write tags for one host page (it now holds code). */
void tlb_forget_fast(struct tlb *t);
void tlb_forget_writes(struct tlb *t, const uint8_t *host_page);

/*
 * Translate one access (enum x86_access | ACCESS_USER). True: *map. False: *error is the page-fault
 * error code. Fills the cached layers.
 */
bool tlb_translate(struct cpu *c, gva_t lin, unsigned access, struct x86_mapping *map,
		   uint32_t *error);

/* The mode of an access: user, or supervisor under the current CR0.WP. */
enum tlb_mode tlb_mode_of(const struct cpu *c, unsigned access);

/* Let the fast layer answer for the page of `lin`, which is RAM at `host_page`. */
void tlb_fill_fast(struct cpu *c, gva_t lin, unsigned access, uint8_t *host_page);

#endif
