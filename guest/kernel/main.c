// SPDX-License-Identifier: MIT
/*
 * The life of the kernel, from the end of boot.S to the exit.
 */
#include "../tests/selftest.h"
#include <arch/desc.h>
#include <arch/irq.h>
#include <arch/pgtable.h>
#include <arch/processor.h>
#include <arch/setup.h>
#include <arch/traps.h>
#include <drivers/uart.h>
#include <kernel/panic.h>
#include <kernel/params.h>
#include <kernel/printk.h>
#include <kernel/time.h>

/* Called by boot.S. */
void __noreturn start_kernel(u32 boot_magic, u32 multiboot_info);

void start_kernel(u32 boot_magic, u32 multiboot_info)
{
	u32 failed;

	uart_init();
	printk("shadowbox guest %s (i386, %uG/%uG split)\n", GUEST_VERSION, PAGE_OFFSET >> 30,
	       4 - (PAGE_OFFSET >> 30));
	gdt_init();
	trap_init();
	setup_arch(boot_magic, multiboot_info);
	if (boot_params.debugcon)
		printk_enable_debugcon();
	paging_init();
	print_boot_info();
	print_virtual_layout();

	init_IRQ();
	time_init();
	uart_enable_rx();
	local_irq_enable();

	failed = run_selftests(boot_params.test);
	machine_exit(failed ? 1 : boot_params.exit_status);
}
