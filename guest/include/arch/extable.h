/* SPDX-License-Identifier: MIT */
/*
 * The exception table: where to go on when a chosen kernel instruction faults.
 *
 * _ASM_EXTABLE(from, to) adds a row; `from` must be the address of the faulting instruction. The
 * rows are few, so the search is linear and the table needs no sorting.
 */
#ifndef ARCH_EXTABLE_H
#define ARCH_EXTABLE_H

#ifdef __ASSEMBLER__
/* clang-format off */
#define _ASM_EXTABLE(from, to)        \
	.pushsection __ex_table, "a"; \
	.balign 4;                    \
	.long from, to;               \
	.popsection
/* clang-format on */
#else
#include <arch/ptrace.h>

#define _ASM_EXTABLE(from, to)                                                                     \
	".pushsection __ex_table, \"a\"\n\t"                                                       \
	".balign 4\n\t"                                                                            \
	".long " #from ", " #to "\n\t"                                                             \
	".popsection\n\t"

/* If regs->ip has a row, sets regs->ip to its continuation and returns true. */
bool fixup_exception(struct pt_regs *regs);
/* Does it have one? */
bool has_fixup(const struct pt_regs *regs);
#endif
#endif
