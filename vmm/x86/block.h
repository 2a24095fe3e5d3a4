/* SPDX-License-Identifier: MIT */
/*
 * Decoded code, in blocks: straight runs of instructions that lie on one physical page.
 *
 * A block is found by the physical address of its first byte and the mode it was decoded under, so
 * that it outlives changes of the page tables. Above it lie two shortcuts:
 *  - link[]: the successor of a direct branch, if it lies on the same page. Same page means same
 *    translation, so a link stays good while both blocks do.
 *  - the jump cache: from linear address to block, emptied with every flush of the TLB, since it
 *    stands for the fetch translation, too.
 *
 * Writes to code: each page with blocks has a bitmap of its 64-byte lines that hold code. A write
 * to such a line marks the blocks there stale and replaces their instructions by one that leaves
 * the block, so that a block which overwrites its own successors stops before them. Memory of stale
 * blocks is reused only when the whole cache is emptied, which happens between blocks.
 *
 * An instruction that crosses a page (or the limit of CS) has no block; it is decoded into a
 * scratch block each time, unless its bytes are those that lie there already.
 */
#ifndef VMM_X86_BLOCK_H
#define VMM_X86_BLOCK_H

#include "x86/cpu.h"

#define BLOCK_MAX_INSNS 64u
#define INSN_MAX_BYTES 15u

int block_cache_create(struct block_cache **out, pfn_t ram_frames, bool code_unseen);
void block_cache_destroy(struct block_cache *cache);

/*
 * The block for the current CS:EIP, decoded if need be. NULL: fetching faults, and the exception
 * is recorded (#PF, or #GP beyond the limit of CS).
 */
struct block *block_lookup(struct cpu *c);

/* Does the frame at `gpa` hold decoded code? Then writes must go through block_written. */
bool block_page_has_code(const struct cpu *c, gpa_t gpa);

/* Guest RAM [gpa, gpa + len) is about to change or has changed; may cross pages. */
void block_written(struct cpu *c, gpa_t gpa, uint64_t len);

static inline uint64_t jump_key(const struct cpu *c, gva_t lin)
{
	return (uint64_t)lin << 32 | (uint32_t)c->block_mode << 8 | (c->cpl == 3) << 1 | 1;
}

static inline struct jump_entry *jump_slot(const struct cpu *c, gva_t lin)
{
	return &c->jump[(lin ^ lin >> 12) % JUMP_ENTRIES];
}

/* May the run go on inside `next`, without a look at interrupts, limits and kicks? */
static inline bool block_may_enter(const struct cpu *c, const struct block *next)
{
	return c->icount + next->count <= __atomic_load_n(&c->until, __ATOMIC_RELAXED);
}

static inline const struct insn *block_enter(struct cpu *c, struct block *next, uint32_t eip)
{
	c->block = next;
	c->block_eip = eip;
	return next->insn;
}

/*
 * The instruction that ends block c->block is done; go on at `eip`, anywhere. Returns the first
 * instruction there if that is known and allowed, else NULL for the run loop to find it.
 */
static inline const struct insn *block_jump(struct cpu *c, uint32_t eip)
{
	const struct jump_entry *e = jump_slot(c, eip);

	c->icount += c->block->count;
	c->current = NULL;
	c->eip = eip;
	if (!(c->block_mode & BLOCK_FLAT) || e->key != jump_key(c, eip) ||
	    e->epoch != c->tlb.code_epoch || e->block->stale || !block_may_enter(c, e->block))
		return NULL;
	return block_enter(c, e->block, eip);
}

/* The same for a direct branch (which = 1) or falling through (0), through the block's links. */
static inline const struct insn *block_chain(struct cpu *c, unsigned which, uint32_t eip)
{
	struct block *from = c->block, *next = from->link[which];
	const struct insn *first;

	if (likely(next && c->icount + from->count + next->count <=
				   __atomic_load_n(&c->until, __ATOMIC_RELAXED))) {
		c->icount += from->count;
		c->current = NULL;
		c->eip = eip;
		return block_enter(c, next, eip);
	}
	first = block_jump(c, eip);
	if (first && (c->block->gpa ^ from->gpa) < PAGE_BYTES && !from->stale)
		from->link[which] = c->block;
	return first;
}

#endif
