// SPDX-License-Identifier: MIT
/*
 * The life of the kernel, from the end of boot.S to the exit.
 */
#include <arch/desc.h>
#include <arch/irq.h>
#include <arch/pgtable.h>
#include <arch/processor.h>
#include <arch/setup.h>
#include <arch/traps.h>
#include <drivers/sandbox.h>
#include <drivers/uart.h>
#include <kernel/init.h>
#include <kernel/panic.h>
#include <kernel/params.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/selftest.h>
#include <kernel/show.h>
#include <kernel/time.h>

#include "mm/highmem.h"
#include "mm/mm.h"
#include "mm/page_alloc.h"
#include "mm/slub.h"
#include "mm/vmalloc.h"
#include "mm/vmcoreinfo.h"

/* Called by boot.S. */
void __noreturn start_kernel(u32 boot_magic, u32 multiboot_info);

/* In Linux's order, but kmap: our page tables for it come from the buddy. */
static void mm_init(void)
{
	setup_memory();
	paging_init();
	mem_init();
	print_virtual_layout();
	kmap_init();
	kmem_cache_init(boot_params.slub_debug, boot_params.slab_nomerge);
	vmalloc_init();
	user_memory_init();
}

static void announce_vmcoreinfo(void)
{
	vmcoreinfo_init("2.6.32-shadowbox-" GUEST_VERSION);
	if (sandbox_present())
		sandbox_write(SANDBOX_VMCOREINFO, __pa(&vmcoreinfo_note));
}

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
	print_boot_info();
	mm_init();
	announce_vmcoreinfo();
	sched_init();

	init_IRQ();
	time_init();
	uart_enable_rx();
	local_irq_enable();

	if (boot_params.show)
		show_files_named(boot_params.show);
	if (!*boot_params.test)
		start_init();
	failed = run_selftests(boot_params.test);
	machine_exit(failed ? 1 : boot_params.exit_status);
}
