/* SPDX-License-Identifier: MIT */
/*
 * The CPU's copy of a deprivileged guest's GDT or LDT: what ring 1 and ring 3 can load natively.
 *
 * A mirrored descriptor is made when a segment register holds what the guest's table says, so that
 * the next load of it needs no exit. It has DPL 0 made 1, the accessed bit set (as the guest's
 * has), and L clear; only present code and data of DPL 0 or 3 is mirrored: no gates, no system
 * segments. Every other load faults, and the executor does it by the guest's own table.
 *
 * A frame with mirrored descriptors is watched: the engine maps it read-only, and tells of every
 * store. A copy is dropped when its bytes in the guest change, when the table moves, or when the
 * page it lies on is mapped elsewhere.
 */
#ifndef VMM_ENGINE_KVM_MIRROR_H
#define VMM_ENGINE_KVM_MIRROR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"
#include "x86/regs.h"

#define MIRROR_SLOTS 8192u
#define MIRROR_PAGES 17u /* 64 KiB that begin anywhere */
#define MIRROR_NONE UINT64_MAX

struct mirror {
	uint64_t *slot; /* as the CPU has it */
	unsigned slots; /* below the monitor's own */
	struct x86_table table;
	gpa_t frame[MIRROR_PAGES]; /* of the table's pages that have copies; else MIRROR_NONE */
};

void mirror_init(struct mirror *m, uint64_t *slot, unsigned slots);

/* The table is this one now: other copies are dropped. */
void mirror_table(struct mirror *m, const struct x86_table *table);

/*
 * Can the copy at the index of `selector` stand for `seg`? False where there is none. `cpl` is 0 or
 * 3, the guest's.
 */
bool mirror_holds(const struct mirror *m, const struct x86_segment *seg);

/* What the guest has in a register that the CPU loaded from the copy; false: there is no copy. */
bool mirror_segment(const struct mirror *m, uint16_t selector, struct x86_segment *seg);

/*
 * Copy the descriptor `low`, `high`, which lies on the table's page at `frame`, if `seg` is what it
 * says and it is of a kind that may be mirrored.
 */
bool mirror_add(struct mirror *m, const struct x86_segment *seg, uint32_t low, uint32_t high,
		gpa_t frame);

/* Guest RAM [gpa, gpa + len) changes: drop copies of it. */
void mirror_stored(struct mirror *m, gpa_t gpa, uint64_t len);

/* Drop the copies on page `page` of the table. */
void mirror_drop_page(struct mirror *m, unsigned page);

/* The linear page of the table's page `page`. */
static inline gva_t mirror_page_lin(const struct mirror *m, unsigned page)
{
	return (m->table.base & ~(gva_t)PAGE_OFFSET_MASK) + (page << PAGE_SHIFT);
}

#endif
