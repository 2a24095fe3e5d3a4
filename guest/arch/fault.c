// SPDX-License-Identifier: MIT
/*
 * Page faults, a ladder: what the kernel's directory has and this one lacks; the die notifier; user
 * memory, which mm/ knows; the exception table; the end.
 */
#include <arch/extable.h>
#include <arch/irq.h>
#include <arch/processor.h>
#include <arch/traps.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/sched.h>

#include "mm/mm.h"
#include "mm/vmalloc.h"

static void out_of_memory(struct task_struct *t)
{
	printk("Out of memory: Killed process %u (%s)\n", t->pid, t->comm);
	t->mm->oom_killed = true;
	force_kill(t);
}

/* Ask mm/, for user mode or for the kernel on its behalf. True: go on where it happened. */
static bool mend_user_fault(struct pt_regs *regs, u32 error_code, u32 address)
{
	enum fault_outcome outcome;
	u32 user_sp = user_mode(regs) ? regs->sp : task_pt_regs(current)->sp;

	if (regs->flags & X86_EFLAGS_IF)
		local_irq_enable(); /* a page may have to be read */
	outcome = do_user_fault(current->mm, address, error_code, user_sp);
	switch (outcome) {
	case FAULT_DONE_MINOR:
		current->min_flt++;
		return true;
	case FAULT_DONE_MAJOR:
		current->maj_flt++;
		return true;
	case FAULT_OOM:
		out_of_memory(current);
		return user_mode(regs);
	default:
		break;
	}
	if (!user_mode(regs))
		return false;
	current->signal.cr2 = address;
	if (outcome == FAULT_SIGBUS)
		force_fault(SIGBUS, BUS_ADRERR, address, TRAP_PF, error_code);
	else
		force_fault(SIGSEGV, outcome == FAULT_SEGV_ACCERR ? SEGV_ACCERR : SEGV_MAPERR,
			    address, TRAP_PF, error_code);
	return true;
}

/*
 * What a user sees of the kernel's half: that it is there, and no more (Linux: PF_PROT is always
 * set).
 */
static void refuse_kernel_address(u32 error_code, u32 address)
{
	current->signal.cr2 = address;
	force_fault(SIGSEGV, SEGV_MAPERR, address, TRAP_PF, error_code | PF_PROT);
}

void do_page_fault(struct pt_regs *regs, u32 error_code)
{
	/* First of all: a second page fault would overwrite it. */
	u32 address = read_cr2();

	/* The kernel's own directory has the page, the current one lacks its table. */
	if (!(error_code & (PF_PROT | PF_USER)) && vmalloc_fault(address))
		return;
	if (notify_die(regs, TRAP_PF, error_code, address))
		return;
	if (current->mm && user_mode(regs) && address >= TASK_SIZE) {
		refuse_kernel_address(error_code, address);
		return;
	}
	/* The kernel reaches for user memory only where it has a way out (uaccess.c). */
	if (current->mm && address < TASK_SIZE && !in_interrupt() &&
	    (user_mode(regs) || has_fixup(regs)) && mend_user_fault(regs, error_code, address))
		return;
	if (!user_mode(regs) && fixup_exception(regs))
		return;

	printk("page fault: %s of %s page at %08x from %s mode\n",
	       error_code & PF_WRITE ? "write" : "read",
	       error_code & PF_PROT ? "a protected" : "a missing", address,
	       error_code & PF_USER ? "user" : "kernel");
	die(trap_name(TRAP_PF), regs, error_code);
}
