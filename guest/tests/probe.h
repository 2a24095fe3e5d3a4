/* SPDX-License-Identifier: MIT */
/*
 * Probes: run a piece of code, at ring 0 or ring 3, and catch what it raises.
 *
 * While a probe runs, the die notifier hands every exception and INT 0x80 to it. An exception ends
 * the probe: its frame is recorded and abandoned, and the probe call returns. Two kinds are
 * different: #BP and #DB are recorded and the code goes on through IRET (the trap flag is taken
 * away, and RF is set, or an instruction breakpoint would hit again); an INT 0x80 with EAX other
 * than PROBE_EXIT passes on to the kernel's system call handler.
 *
 * Probes do not nest. Interrupts may come at any time and are served as usual.
 */
#ifndef TESTS_PROBE_H
#define TESTS_PROBE_H

#define PROBE_EXIT 0x50524f42 /* EAX of the INT 0x80 that ends a user probe */

#ifndef __ASSEMBLER__
#include <arch/ptrace.h>
#include <arch/traps.h>

#define NO_TRAP 0xffffffff

struct trapped {
	u32 vector; /* of the last event, NO_TRAP if there was none */
	u32 error_code;
	u32 cr2;	     /* valid for TRAP_PF */
	u32 flags;	     /* EFLAGS in the handler: IF shows which kind of gate it was */
	u32 count;	     /* of events */
	struct pt_regs regs; /* as the last event found them; sp and ss from user mode only */
};

/* Calls fn(arg) at ring 0. */
struct trapped probe_kernel(void (*fn)(u32 arg), u32 arg);

/* What a user probe starts with. EFLAGS are X86_EFLAGS_IF, other registers 0. */
struct user_state {
	u32 ip, sp;
	u32 ax, dx;
	u32 ss; /* 0: the usual __USER_DS */
	u32 cs; /* 0: the usual __USER_CS */
	u32 ds; /* 0: the usual __USER_DS; DS at the IRET or RET */
	u32 by; /* BY_IRET or BY_LRET */
};

#define BY_IRET 0
#define BY_LRET 1 /* far RET that releases PROBE_LRET_BYTES of the user's stack */
#define PROBE_LRET_BYTES 8

/*
 * Enters ring 3 by IRET or far RET. The code must end in a trap, for instance INT 0x80 with
 * PROBE_EXIT.
 */
struct trapped probe_user(const struct user_state *state);

/* probe_entry.S */
void probe_call(void (*fn)(u32 arg), u32 arg);
void probe_iret(const struct user_state *state);
void probe_unwind(void) __attribute__((noreturn));
extern const char probe_iret_insn[], probe_lret_insn[]; /* what enters ring 3 */
extern u32 probe_sp;
#endif
#endif
