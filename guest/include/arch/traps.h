/* SPDX-License-Identifier: MIT */
/*
 * Exceptions and system calls.
 *
 * All exceptions come through interrupt gates: the handlers run with interrupts off. #DF does too,
 * because this machine has no hardware task switch; a #DF caused by a bad kernel stack is therefore
 * a triple fault. Gates for INT3, INTO and INT 0x80 have DPL 3; INT 0x80 is a trap gate.
 *
 * An exception goes through a ladder: the die notifier; a signal, if a process raised it in user
 * mode; for the kernel's own faults, the exception table; then die(). Page faults ask mm/ before
 * (fault.c). Its handlers get the error code the CPU pushed, 0 where it pushes none.
 */
#ifndef ARCH_TRAPS_H
#define ARCH_TRAPS_H

#define TRAP_DE 0
#define TRAP_DB 1
#define TRAP_BP 3
#define TRAP_OF 4
#define TRAP_BR 5
#define TRAP_UD 6
#define TRAP_NM 7
#define TRAP_DF 8
#define TRAP_TS 10
#define TRAP_NP 11
#define TRAP_SS 12
#define TRAP_GP 13
#define TRAP_PF 14
#define TRAP_AC 17

#define NR_EXCEPTIONS 32
#define TRAP_IRET 32	      /* no vector: what entry.S calls a fault of the IRET to user mode */
#define FIRST_IRQ_VECTOR 0x20 /* Linux uses 0x30 for IRQ 0; here IRQs follow the exceptions */
#define SYSCALL_VECTOR 0x80

#define STUB_SIZE 16 /* of one entry stub in entry.S */

/* Page-fault error code (Intel SDM vol. 3, 4.7); bits 3 and up stay 0 here. */
#define PF_PROT 0x1
#define PF_WRITE 0x2
#define PF_USER 0x4

#ifndef __ASSEMBLER__
#include <arch/ptrace.h>

struct die_args {
	struct pt_regs *regs;
	u32 trapnr;
	u32 error_code;
	u32 cr2; /* valid for TRAP_PF */
};

/* Returns true if it took care of the event: the interrupted code then goes on. */
typedef bool (*die_notifier_t)(const struct die_args *args);

/* Installs the one notifier; NULL removes it. It sees exceptions and INT 0x80 before all others. */
void register_die_notifier(die_notifier_t notifier);
bool call_die_notifier(struct pt_regs *regs, u32 trapnr, u32 error_code, u32 cr2);
extern die_notifier_t die_notifier;

/* Inline: every system call looks. */
static inline bool notify_die(struct pt_regs *regs, u32 trapnr, u32 error_code, u32 cr2)
{
	return die_notifier && call_die_notifier(regs, trapnr, error_code, cr2);
}

/* Loads the IDT. Needs gdt_init(). */
void trap_init(void);

/* The exceptions' name, e.g. "page fault"; vector < NR_EXCEPTIONS. */
const char *trap_name(u32 vector);

/*
 * Called from entry.S. do_pending_work: before user mode goes on, interrupts off: task_struct.work.
 */
void do_trap(struct pt_regs *regs, u32 error_code, u32 vector);
void do_pending_work(struct pt_regs *regs);
void do_syscall(struct pt_regs *regs);

/* Called by do_trap() for #PF (fault.c). */
void do_page_fault(struct pt_regs *regs, u32 error_code);
#endif
#endif
