// SPDX-License-Identifier: MIT
/* mm/arch.h for i386: what the memory manager wants from the CPU and the kernel around it. */
#include <arch/irq.h>
#include <arch/pgtable.h>
#include <arch/processor.h>
#include <kernel/kallsyms.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/time.h>
#include <lib/vsprintf.h>

#include "mm/arch.h"
#include "mm/layout.h"

/* From here on one flush of everything is cheaper than INVLPGs. */
#define FLUSH_ALL_PAGES 33

_Static_assert(HZ == 100, "what arch_jiffies() promises");

pte_t *arch_kernel_pgd(void)
{
	return swapper_pg_dir;
}

pte_t *arch_current_pgd(void)
{
	return __va(read_cr3() & PAGE_MASK);
}

void arch_flush_tlb_page(vaddr_t va)
{
	invlpg(va);
}

void arch_flush_tlb_range(vaddr_t start, vaddr_t end)
{
	if (end - start >= FLUSH_ALL_PAGES * PAGE_SIZE) {
		arch_flush_tlb_all();
		return;
	}
	for (vaddr_t va = start & PAGE_MASK; va < end; va += PAGE_SIZE)
		invlpg(va);
}

/* Translations of global pages outlive a load of CR3, but not a change of CR4.PGE. */
void arch_flush_tlb_all(void)
{
	u32 flags = local_irq_save();
	u32 cr4 = read_cr4();

	if (cr4 & X86_CR4_PGE) {
		write_cr4(cr4 & ~X86_CR4_PGE);
		write_cr4(cr4);
	} else {
		flush_tlb();
	}
	local_irq_restore(flags);
}

void arch_flush_tlb_user(void)
{
	flush_tlb();
}

bool arch_irqs_off(void)
{
	return !(native_save_fl() & X86_EFLAGS_IF);
}

bool arch_in_interrupt(void)
{
	return in_interrupt();
}

/* What we wait for is done by another task, or by an interrupt handler if no other can run. */
void arch_relax(void)
{
	if (arch_irqs_off() || in_interrupt())
		return;
	if (nr_running() > 1)
		schedule();
	else
		safe_halt();
}

uint32_t arch_jiffies(void)
{
	return jiffies;
}

void arch_printk(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintk(fmt, args);
	va_end(args);
}

void arch_format_ip(vaddr_t ip, char *buf, size_t bytes)
{
	struct kallsym sym;

	if (kallsyms_lookup(ip, &sym))
		snprintf(buf, bytes, "%s+0x%x/0x%x", sym.name, ip - sym.start, sym.bytes);
	else
		snprintf(buf, bytes, "0x%x", ip);
}
