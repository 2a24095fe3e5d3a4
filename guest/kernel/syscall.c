// SPDX-License-Identifier: MIT
#include <arch/traps.h>
#include <kernel/params.h>
#include <kernel/printk.h>
#include <kernel/show.h>
#include <kernel/syscall.h>
#include <lib/string.h>

#include "mm/errno.h"
#include "mm/show.h"

u32 unknown_syscalls[NR_SYSCALLS + 1];

void do_syscall(struct pt_regs *regs)
{
	u32 nr = regs->orig_ax;

	if (notify_die(regs, SYSCALL_VECTOR, 0, 0))
		return;
	if (nr < NR_SYSCALLS && syscall_table[nr].fn) {
		const struct syscall_args args = {
			{ regs->bx, regs->cx, regs->dx, regs->si, regs->di, regs->bp },
			regs,
		};

		regs->ax = (u32)syscall_table[nr].fn(&args);
		return;
	}
	unknown_syscalls[nr < NR_SYSCALLS ? nr : NR_SYSCALLS]++;
	regs->ax = (u32)-ENOSYS;
}

void show_unknown_syscalls(struct show_buf *b)
{
	for (u32 nr = 0; nr < NR_SYSCALLS; nr++)
		if (unknown_syscalls[nr])
			show_printf(b, "%u %u\n", nr, unknown_syscalls[nr]);
	if (unknown_syscalls[NR_SYSCALLS])
		show_printf(b, "others %u\n", unknown_syscalls[NR_SYSCALLS]);
}

void at_machine_exit(void)
{
	static char text[PRINTK_MAX];
	struct show_buf b = { text, sizeof(text), 0 };

	if (!boot_params.show || !show_asks_for(boot_params.show, SHOW_SYSCALLS))
		return;
	show_unknown_syscalls(&b);
	printk("--- " SHOW_SYSCALLS " ---\n%s", text);
}
