/* SPDX-License-Identifier: MIT */
/*
 * Hardware interrupts: 16 lines of the 8259 pair on vectors FIRST_IRQ_VECTOR + irq.
 *
 * Handlers run with interrupts off, after the line has been acknowledged. A line is masked until
 * somebody asks for it.
 */
#ifndef ARCH_IRQ_H
#define ARCH_IRQ_H

#define NR_IRQS 16

#ifndef __ASSEMBLER__
#include <arch/ptrace.h>

typedef void (*irq_handler_t)(void);

/* Initialises the PICs, all lines masked, and the counters. Call once, interrupts off. */
void init_IRQ(void);

/* Installs the handler and unmasks the line. The line must be free: a second owner is a panic. */
void request_irq(u32 irq, irq_handler_t handler);

/* Is a handler running? What it interrupted: for handlers alone. */
bool in_interrupt(void);
const struct pt_regs *get_irq_regs(void);

/* Called from entry.S. */
void do_IRQ(struct pt_regs *regs);
#endif

#endif
