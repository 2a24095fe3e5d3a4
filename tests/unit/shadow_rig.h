/* SPDX-License-Identifier: MIT */
/*
 * A shadow MMU on a bench: a few MiB of guest RAM, a pool, and a model of the hardware that walks
 * it.
 *
 * The model has CR0.WP = 1 and a TLB that drops nothing but what the shadow tells it to, so that a
 * flush that is missing shows as an access with rights of the past. shadow_rig_end() and
 * shadow_rig_check() audit the shadow and the TLB.
 */
#ifndef TESTS_UNIT_SHADOW_RIG_H
#define TESTS_UNIT_SHADOW_RIG_H

#include "mmu/shadow.h"

#define SR_FRAMES 1024u
#define SR_RAM_BYTES (SR_FRAMES << 12)
#define SR_HOLE 0xa0u /* frames 0xa0..0xff are no RAM, as on a PC */
#define SR_HOLE_END 0x100u

/* Where things lie: frames. */
#define SR_DIR 0x110u
#define SR_DIR2 0x111u
#define SR_TABLE 0x112u
#define SR_TABLE2 0x113u
#define SR_DATA 0x120u /* and those after it */

#define SR_RAM_BASE 0x500000000ull /* what leaves add to a guest frame */
#define SR_POOL_BASE 0x700000000ull

#define SR_LIN 0x00400000u /* PDE 1, PTE 0 */
#define SR_USER_RW (PTE_P | PTE_W | PTE_U)

struct sr_tlb {
	gva_t lin;
	uint64_t leaf;
	bool valid;
};

struct shadow_rig {
	struct shadow *s;
	struct shadow_config config;
	uint8_t *ram;
	uint64_t *pool;
	uint8_t tracked[SR_FRAMES];
	struct sr_tlb tlb[256];
	uint32_t cr0, cr3, cr4;
	unsigned faults;  /* exits since the rig began */
	unsigned flushes; /* of all */
	uint64_t events[SHADOW_EV_KINDS];
	struct shadow_event last[SHADOW_EV_KINDS];
	/* NULL, or called once, at the next compare-and-swap of the walker, before it is done */
	void (*on_cas)(struct shadow_rig *r, gpa_t gpa);
};

/* What an access came to. */
struct sr_access {
	bool fault; /* #PF with `error` */
	bool emulated, mmio;
	uint32_t error;
	gpa_t gpa;
	unsigned exits; /* calls of shadow_fault */
};

/* Paging on, CR0.WP and CR4.PSE set, CR3 = SR_DIR; PDE 1 leads to SR_TABLE for all. */
void shadow_rig_begin(struct shadow_rig *r, enum shadow_sync sync, enum x86_tlb_kind lazy,
		      uint32_t pages);
void shadow_rig_end(struct shadow_rig *r);
/* The audit finds nothing, and the TLB holds nothing that the pool does not give. */
void shadow_rig_check(struct shadow_rig *r);

/* Control registers, with what the architecture flushes. */
void sr_set_cr0(struct shadow_rig *r, uint32_t value);
void sr_set_cr3(struct shadow_rig *r, uint32_t value);
void sr_set_cr4(struct shadow_rig *r, uint32_t value);
void sr_invlpg(struct shadow_rig *r, gva_t lin);

/* Memory as a debugger sees it. */
uint32_t sr_get(const struct shadow_rig *r, gpa_t gpa);
/* A store that is announced, as each of the executor's and the host's. */
void sr_put(struct shadow_rig *r, gpa_t gpa, uint32_t value);
/* Entry `index` of the table in `frame`. */
void sr_entry(struct shadow_rig *r, uint32_t frame, uint32_t index, uint32_t value);
uint32_t sr_entry_get(const struct shadow_rig *r, uint32_t frame, uint32_t index);

/*
 * One access as hardware does it: TLB, pool, exits. A write stores `value` if it may, by itself or,
 * emulated, announced.
 */
struct sr_access sr_access(struct shadow_rig *r, gva_t lin, unsigned access, uint32_t value);
static inline struct sr_access sr_read(struct shadow_rig *r, gva_t lin)
{
	return sr_access(r, lin, ACCESS_READ, 0);
}
static inline struct sr_access sr_write(struct shadow_rig *r, gva_t lin, uint32_t value)
{
	return sr_access(r, lin, ACCESS_WRITE, value);
}

/* The leaf for `lin` in the pool, or 0. */
uint64_t sr_leaf(const struct shadow_rig *r, gva_t lin);
struct shadow_stats sr_stats(const struct shadow_rig *r);

#endif
