/* SPDX-License-Identifier: MIT */
/*
 * All that the memory manager needs from below it, implemented twice: by guest/ for i386, and by
 * tests/unit/mm_host.c for the tests, where guest-linear space is a 4 GiB reservation of the host
 * process, RAM a memfd mapped into it, and the TLB is the host's own: a page that page tables map
 * appears on first touch and stays until it is flushed, so that a missing flush shows as stale
 * data.
 *
 * One CPU. Nothing here sleeps.
 */
#ifndef MM_ARCH_H
#define MM_ARCH_H

#include <stdarg.h>

#include "mm/string.h"
#include "mm/types.h"

/* --- addresses ------------------------------------------------------------------------------ */

/* The pointer that reaches guest-linear address `va` in kernel mode, and back. NULL is 0. */
#ifdef MM_HOST
extern char *mm_host_base; /* where linear address 0 lies in the host process */

static inline void *arch_ptr(vaddr_t va)
{
	return va ? mm_host_base + va : NULL;
}

static inline vaddr_t arch_vaddr(const volatile void *p)
{
	return p ? (vaddr_t)((const volatile char *)p - mm_host_base) : 0;
}
#else
static inline void *arch_ptr(vaddr_t va)
{
	return (void *)va;
}

static inline vaddr_t arch_vaddr(const volatile void *p)
{
	return (vaddr_t)p;
}
#endif

/* --- page tables ------------------------------------------------------------------------------ */

/* The kernel's page directory: 1024 entries. */
pte_t *arch_kernel_pgd(void);

/*
 * The page directory in use (CR3), as a pointer; differs from the kernel's once there are
 * processes.
 */
pte_t *arch_current_pgd(void);

/* Drop translations: one page; [start, end); all, global ones included. */
void arch_flush_tlb_page(vaddr_t va);
void arch_flush_tlb_range(vaddr_t start, vaddr_t end);
void arch_flush_tlb_all(void);
/* All but global ones: user space. */
void arch_flush_tlb_user(void);

/* --- the CPU ---------------------------------------------------------------------------------- */

/*
 * Interrupts off; returns what arch_irq_restore() needs. Inline: every allocation does it, and on a
 * CPU of 1995 it is three instructions.
 */
#ifdef MM_HOST
extern struct mm_host_irq {
	uint32_t off;
	int depth; /* saves not yet restored: 0 when a test ends */
} mm_host_irq;

static inline uint32_t arch_irq_save(void)
{
	uint32_t flags = mm_host_irq.off;

	mm_host_irq.off = 1;
	mm_host_irq.depth++;
	return flags;
}

static inline void arch_irq_restore(uint32_t flags)
{
	mm_host_irq.off = flags;
	mm_host_irq.depth--;
}
#else
static inline uint32_t arch_irq_save(void)
{
	uint32_t flags;

	__asm__ volatile("pushfl\n\tpopl %0\n\tcli" : "=rm"(flags) : : "memory");
	return flags;
}

static inline void arch_irq_restore(uint32_t flags)
{
	__asm__ volatile("pushl %0\n\tpopfl" : : "g"(flags) : "memory", "cc");
}
#endif
bool arch_irqs_off(void);
bool arch_in_interrupt(void);

/* Wait for something to change: called by what would sleep in Linux (kmap without a free slot). */
void arch_relax(void);

/* Ticks since boot, 100 a second. */
uint32_t arch_jiffies(void);

/* --- telling --------------------------------------------------------------------------------- */

void arch_printk(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * The end of the kernel. Does not return in the guest; in tests it returns to the test by longjmp.
 */
void arch_panic(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/*
 * Where a return address lies, as "name+0x12/0x34" if symbols are known, else in hex. `ip` is what
 * arch_caller() gave.
 */
void arch_format_ip(vaddr_t ip, char *buf, size_t bytes);
#ifdef MM_HOST
#define arch_caller() ((vaddr_t)(uintptr_t)__builtin_return_address(0))
#else
#define arch_caller() ((vaddr_t)__builtin_return_address(0))
#endif

#endif
