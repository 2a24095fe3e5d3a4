// SPDX-License-Identifier: MIT
#include <arch/desc.h>
#include <arch/extable.h>
#include <arch/irq.h>
#include <arch/processor.h>
#include <arch/segment.h>
#include <arch/traps.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>

#include "mm/errno.h"

_Static_assert(offsetof(struct pt_regs, ds) == PT_DS, "entry.S");
_Static_assert(offsetof(struct pt_regs, es) == PT_ES, "entry.S");
_Static_assert(offsetof(struct pt_regs, fs) == PT_FS, "entry.S");
_Static_assert(offsetof(struct pt_regs, gs) == PT_GS, "entry.S");
_Static_assert(offsetof(struct pt_regs, orig_ax) == PT_ORIG_AX, "entry.S");
_Static_assert(offsetof(struct pt_regs, cs) == PT_CS, "entry.S");
_Static_assert(offsetof(struct pt_regs, sp) == PT_SP, "entry.S");

extern const char exception_stubs[], irq_stubs[], system_call[];

struct desc_struct idt_table[IDT_ENTRIES] __attribute__((aligned(8)));

die_notifier_t die_notifier;

static const char *const trap_names[NR_EXCEPTIONS] = {
	[TRAP_DE] = "divide error",
	[TRAP_DB] = "debug",
	[2] = "NMI",
	[TRAP_BP] = "breakpoint",
	[TRAP_OF] = "overflow",
	[TRAP_BR] = "bound range exceeded",
	[TRAP_UD] = "invalid opcode",
	[TRAP_NM] = "device not available",
	[TRAP_DF] = "double fault",
	[9] = "coprocessor segment overrun",
	[TRAP_TS] = "invalid TSS",
	[TRAP_NP] = "segment not present",
	[TRAP_SS] = "stack segment fault",
	[TRAP_GP] = "general protection fault",
	[TRAP_PF] = "page fault",
	[16] = "x87 floating-point error",
	[TRAP_AC] = "alignment check",
	[18] = "machine check",
	[19] = "SIMD floating-point error",
};

const char *trap_name(u32 vector)
{
	return trap_names[vector] ? trap_names[vector] : "reserved exception";
}

static void set_gate(u32 vector, const char *handler, u8 type, u8 dpl)
{
	idt_table[vector] = pack_gate((u32)handler, __KERNEL_CS, type, dpl);
}

void trap_init(void)
{
	struct desc_ptr p = { sizeof(idt_table) - 1, (u32)idt_table };

	for (u32 i = 0; i < NR_EXCEPTIONS; i++) {
		u8 dpl = i == TRAP_BP || i == TRAP_OF ? 3 : 0;

		set_gate(i, exception_stubs + i * STUB_SIZE, GATE_INTERRUPT, dpl);
	}
	for (u32 i = 0; i < NR_IRQS; i++)
		set_gate(FIRST_IRQ_VECTOR + i, irq_stubs + i * STUB_SIZE, GATE_INTERRUPT, 0);
	set_gate(SYSCALL_VECTOR, system_call, GATE_TRAP, 3);
	load_idt(&p);
}

void register_die_notifier(die_notifier_t notifier)
{
	die_notifier = notifier;
}

bool call_die_notifier(struct pt_regs *regs, u32 trapnr, u32 error_code, u32 cr2)
{
	const struct die_args args = { regs, trapnr, error_code, cr2 };

	return die_notifier(&args);
}

/* The signal of each exception of user mode, as Linux sends it (arch/x86/kernel/traps.c). */
static const struct trap_signal {
	u8 sig, code;
	bool addr; /* si_addr is the instruction, else 0 */
} trap_signals[] = {
	[TRAP_DE] = { SIGFPE, FPE_INTDIV, true },
	[TRAP_DB] = { SIGTRAP, TRAP_TRACE, true },
	[TRAP_BP] = { SIGTRAP, SI_KERNEL, false },
	[TRAP_OF] = { SIGSEGV, SI_KERNEL, false },
	[TRAP_BR] = { SIGSEGV, SI_KERNEL, false },
	[TRAP_UD] = { SIGILL, ILL_ILLOPN, true },
	[TRAP_NM] = { SIGFPE, SI_KERNEL, false }, /* there is no FPU and none is emulated */
	[TRAP_TS] = { SIGSEGV, SI_KERNEL, false },
	[TRAP_NP] = { SIGBUS, SI_KERNEL, false },
	[TRAP_SS] = { SIGBUS, SI_KERNEL, false },
	[TRAP_GP] = { SIGSEGV, SI_KERNEL, false },
	[TRAP_AC] = { SIGBUS, BUS_ADRALN, false },
	/* As x86-64 Linux tells a 32-bit program. */
	[TRAP_IRET] = { SIGSEGV, SI_KERNEL, false },
};

/* A process did it; the boot thread's user mode is a test's, which has its notifier. */
static bool signal_for_trap(struct pt_regs *regs, u32 error_code, u32 vector)
{
	const struct trap_signal *s;

	if (!current->mm || vector >= ARRAY_SIZE(trap_signals) ||
	    (!user_mode(regs) && vector != TRAP_IRET))
		return false;
	s = &trap_signals[vector];
	if (!s->sig)
		return false;
	force_fault(s->sig, s->code, s->addr ? regs->ip : 0, vector == TRAP_IRET ? TRAP_GP : vector,
		    error_code);
	return true;
}

void do_trap(struct pt_regs *regs, u32 error_code, u32 vector)
{
	if (vector == TRAP_PF) {
		do_page_fault(regs, error_code);
		return;
	}
	if (vector != TRAP_IRET && notify_die(regs, vector, error_code, 0))
		return;
	if (signal_for_trap(regs, error_code, vector))
		return;
	/* After a double fault CS:EIP mean nothing (Intel SDM vol. 3, 6.15): no way back. */
	if (vector != TRAP_DF && !user_mode(regs) && fixup_exception(regs))
		return;
	die(vector == TRAP_IRET ? "return to user mode failed" : trap_name(vector), regs,
	    error_code);
}

void do_pending_work(struct pt_regs *regs)
{
	local_irq_enable();
	if (current->work & WORK_RESCHED)
		schedule();
	if (current->work & WORK_SIGNAL)
		do_signal(regs);
}
