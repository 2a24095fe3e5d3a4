/* SPDX-License-Identifier: MIT */
/*
 * The state that an entry to the kernel saves, in the order of Linux's struct pt_regs on i386.
 *
 * entry.S builds it; the PT_* offsets are checked against the struct in traps.c. sp and ss are
 * there only if the entry came from user mode: the CPU pushes them only then.
 */
#ifndef ARCH_PTRACE_H
#define ARCH_PTRACE_H

#define PT_DS 28
#define PT_ES 32
#define PT_FS 36
#define PT_GS 40
#define PT_ORIG_AX 44
#define PT_CS 52
#define PT_SP 60

#ifndef __ASSEMBLER__
#include <lib/types.h>

struct pt_regs {
	u32 bx, cx, dx, si, di, bp, ax;
	u32 ds, es, fs, gs; /* upper halves undefined */
	u32 orig_ax;	    /* system call number; ~irq for an interrupt; -1 for an exception */
	u32 ip, cs, flags;
	u32 sp, ss;
};

/*
 * Ring 3 is user mode. Do not compare CS with __KERNEL_CS instead: under the VMM's shadow engine
 * the kernel runs at ring 1 and the pushed CS shows it (design, section 5).
 */
static inline bool user_mode(const struct pt_regs *regs)
{
	return (regs->cs & 3) == 3;
}

static inline u32 kernel_stack_pointer(const struct pt_regs *regs)
{
	return (u32)&regs->sp;
}
#endif
#endif
