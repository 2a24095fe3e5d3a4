/* SPDX-License-Identifier: MIT */
/*
 * Guest memory as instructions see it: segmentation, then paging, then RAM or MMIO.
 *
 * Every function that can fault takes the running instruction, records the exception on failure
 * (#GP or #SS from segmentation, #PF from paging) and returns false. Sizes are 1, 2 or 4 bytes
 * unless said; accesses may be misaligned and may cross pages; nothing is written unless all bytes
 * can be. Offsets are already cut to the address size.
 */
#ifndef VMM_X86_MEM_H
#define VMM_X86_MEM_H

#include "x86/cpu.h"

/*
 * Check [offset, offset + size) in segment `seg` for a read, write (ACCESS_READ, ACCESS_WRITE) and
 * give its linear address. #SS(0) for SS, else #GP(0) (SDM vol. 3, 5.3).
 */
bool mem_linear(struct cpu *c, const struct insn *i, unsigned seg, uint32_t offset, unsigned size,
		unsigned kind, gva_t *lin);

/* Is every byte of [offset, offset + size) inside the limit (SDM vol. 3, 5.3)? */
bool segment_allows(const struct x86_segment *s, uint32_t offset, unsigned size);

/* Read or write through a segment at the current CPL. */
bool mem_read(struct cpu *c, const struct insn *i, unsigned seg, uint32_t offset, unsigned size,
	      uint32_t *value);
bool mem_write(struct cpu *c, const struct insn *i, unsigned seg, uint32_t offset, unsigned size,
	       uint32_t value);

/* Read or write a linear address; `access` is ACCESS_USER or 0 (system tables, stack of a gate). */
bool lin_read(struct cpu *c, const struct insn *i, gva_t lin, unsigned size, unsigned access,
	      uint32_t *value);
bool lin_write(struct cpu *c, const struct insn *i, gva_t lin, unsigned size, unsigned access,
	       uint32_t value);

/* ACCESS_USER at CPL 3, else 0: the third argument for an ordinary access. */
static inline unsigned cpu_user(const struct cpu *c)
{
	return c->cpl == 3 ? ACCESS_USER : 0;
}

/*
 * A place that is read, then written: all faults happen in rmw_begin (with the write bit in the
 * error code, as hardware does), so that rmw_write cannot fail. Size 1, 2, 4 or 8 bytes.
 */
struct rmw {
	gva_t lin;
	unsigned size;
	uint64_t old;	/* the value read */
	uint8_t *host;	/* whole access in one RAM page, or NULL */
	gpa_t gpa[2];	/* frame addresses + offset of the two parts otherwise */
	unsigned first; /* bytes in the first part */
};

bool rmw_begin(struct cpu *c, const struct insn *i, unsigned seg, uint32_t offset, unsigned size,
	       struct rmw *m);
void rmw_write(struct cpu *c, const struct insn *i, const struct rmw *m, uint64_t value);

/* Would a write of `size` bytes (up to 4096) to `lin` succeed? Sets A and D, writes nothing. */
bool lin_probe_write(struct cpu *c, const struct insn *i, gva_t lin, unsigned size,
		     unsigned access);

/*
 * Would a write of `size` bytes (up to 4096) through `seg` succeed? Sets A and D, writes nothing.
 */
bool mem_probe_write(struct cpu *c, const struct insn *i, unsigned seg, uint32_t offset,
		     unsigned size);

/*
 * Host address of `lin` for one access (enum x86_access | ACCESS_USER), or NULL where it is not
 * plain RAM, would fault, holds decoded code (for writes), or breakpoints are armed. Never faults.
 * Good to the end of the page and until the next access that can fault; --tlb drop walks here for
 * each call, so that one step of a REP is one walk.
 */
uint8_t *mem_host(struct cpu *c, gva_t lin, unsigned access);

/*
 * Translate `lin` for an instruction fetch: its guest-physical address, and its host address or
 * NULL where it is not RAM. False: #PF is recorded, at c->eip.
 */
bool mem_fetch_page(struct cpu *c, gva_t lin, gpa_t *gpa, uint8_t **host);

/* --- operands ------------------------------------------------------------------------------ */

/* Read a source operand (register, memory or immediate), zero-extended from its size. */
bool operand_read(struct cpu *c, const struct insn *i, const struct operand *op, uint32_t *value);

/* Write a destination that is not read first (MOV, SETcc, POP). */
bool operand_write(struct cpu *c, const struct insn *i, const struct operand *op, uint32_t value);

/*
 * A destination that is read and written (ADD, XCHG, SHL): begin gives the old value; commit cannot
 * fail. For OPND_REG `m` keeps only the size.
 */
bool operand_rmw_begin(struct cpu *c, const struct insn *i, const struct operand *op,
		       struct rmw *m);
void operand_rmw_commit(struct cpu *c, const struct insn *i, const struct operand *op,
			const struct rmw *m, uint32_t value);

/* --- the stack ------------------------------------------------------------------------------ */

/*
 * Push or pop at the current CPL with the width of the stack pointer by SS.B. push changes ESP only
 * on success. stack_read reads `size` bytes at ESP + skip without changing ESP; the caller commits
 * with stack_adjust. Faults are #SS(0) or #PF.
 */
bool stack_push(struct cpu *c, const struct insn *i, unsigned size, uint32_t value);
bool stack_read(struct cpu *c, const struct insn *i, uint32_t skip, unsigned size, uint32_t *value);
void stack_adjust(struct cpu *c, int32_t bytes);

#endif
