// SPDX-License-Identifier: MIT
#include <arch/extable.h>
#include <arch/processor.h>
#include <arch/traps.h>
#include <kernel/panic.h>
#include <kernel/printk.h>

#include "mm/vmalloc.h"

void do_page_fault(struct pt_regs *regs, u32 error_code)
{
	/* First of all: a second page fault would overwrite it. */
	u32 address = read_cr2();

	/* The kernel's own directory has the page, the current one lacks its table. */
	if (!(error_code & (PF_PROT | PF_USER)) && vmalloc_fault(address))
		return;
	if (notify_die(regs, TRAP_PF, error_code, address))
		return;
	if (!user_mode(regs) && fixup_exception(regs))
		return;

	printk("page fault: %s of %s page at %08x from %s mode\n",
	       error_code & PF_WRITE ? "write" : "read",
	       error_code & PF_PROT ? "a protected" : "a missing", address,
	       error_code & PF_USER ? "user" : "kernel");
	die(trap_name(TRAP_PF), regs, error_code);
}
