/* SPDX-License-Identifier: MIT */
/*
 * Debug exceptions: breakpoints on instructions, data and ports, and the single step.
 *
 * While breakpoints or EFLAGS.TF are on, the run loop executes one instruction at a time, between
 * debug_before() and debug_after(). In between, memory and port accesses report themselves; what
 * matched waits in c->dr6_pending.
 * Sources: Intel SDM vol. 3, 17.2 (registers) and 17.3 (exceptions).
 */
#ifndef VMM_X86_DEBUG_H
#define VMM_X86_DEBUG_H

#include "x86/cpu.h"

#define DR7_ENABLES 0xffu /* L0, G0 .. L3, G3 */

/* Is any breakpoint enabled? Then accesses must be reported. */
static inline bool debug_armed(const struct cpu *c)
{
	return c->dr[7] & DR7_ENABLES;
}

/*
 * The instruction at c->eip is about to run: #DB as a fault is recorded, and true returned, if a
 * breakpoint stands there, EFLAGS.RF is clear, and no MOV SS went before (vol. 3, 6.8.3).
 */
bool debug_before(struct cpu *c);

/*
 * An instruction has finished without a fault: #DB is recorded as a trap for what it touched and
 * for the single step. Held back while c->mov_ss_shadow is set (vol. 3, 6.8.3).
 */
void debug_after(struct cpu *c);

/* A data access (enum x86_access) to [lin, lin + size), or to ports, has passed all checks. */
void debug_access(struct cpu *c, gva_t lin, unsigned size, unsigned kind);
void debug_io(struct cpu *c, uint16_t port, unsigned size);

#endif
