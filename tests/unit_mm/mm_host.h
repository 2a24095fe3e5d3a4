/* SPDX-License-Identifier: MIT */
/*
 * mm/arch.h on the host, for tests and benchmarks.
 *
 *      host process                          guest-linear space
 *      mm_host_base + 0           ┌─────────────────────────┐ 0
 *                                 │ PROT_NONE               │ a touch is a TLB miss: SIGSEGV
 *      mm_host_base + PAGE_OFFSET ├─────────────────────────┤
 *                                 │ RAM (memfd), mapped     │ direct map, up to high_memory
 *      .. + high_memory           ├─────────────────────────┤
 *                                 │ PROT_NONE               │ vmalloc, kmap, fixmap
 *                                 └─────────────────────────┘ 4 GiB
 *
 * The SIGSEGV handler walks the simulated page tables (32-bit entries, in RAM) and maps the frame
 * of a present entry from the memfd, which then stays until arch_flush_tlb_*() takes it away: a TLB
 * that never forgets by itself, so that a missing flush shows as stale data. Entries that are not
 * present are not cached, as on x86. A touch of what no entry maps ends the test, unless the test
 * asked by mm_host_touch().
 *
 * User space (mm_host_user.c) is translated by the tables of the mm that mm_host_switch_mm() made
 * current: rights, accessed and dirty bits as on the CPU, a page fault goes to do_user_fault(). A
 * test may also touch it by pointer, arch_ptr(va): that is an access of the user.
 *
 * One simulated machine at a time, one thread.
 */
#ifndef TESTS_UNIT_MM_MM_HOST_H
#define TESTS_UNIT_MM_MM_HOST_H

#include "mm/arch.h"
#include "mm/mm.h"
#include "mm/page_alloc.h"

struct mm_host_range {
	uint64_t start, bytes;
};

/* All zero but ram_bytes is a PC: RAM with a hole from 640K to 1M, the kernel at 1M..2M. */
struct mm_host_config {
	uint64_t ram_bytes;		    /* end of RAM; below 4 GiB */
	const struct mm_host_range *ranges; /* RAM, instead of the PC's; ends in an empty one */
	uint64_t mem_limit;		    /* mem= */
	uint64_t highmem;		    /* highmem=, if not 0 */
	bool highmem_zero;		    /* highmem=0 */
	unsigned numa;			    /* numa= */
	uint32_t kernel_end;		    /* default 2M */
	const char *slub_debug;		    /* slub_debug= */
	bool slub_nomerge;
	bool memblock_only; /* stop before zones_init() */
	bool kernel_only;   /* without user_memory_init(), which takes a page and makes caches */
};

#define MM_HOST_KERNEL_START 0x100000u

struct mm_host {
	/* The TLB: calls of arch_flush_tlb_*(), cached translations that went, misses served. */
	unsigned flush_page, flush_range, flush_all, flush_user;
	uint64_t flushed_pages, tlb_misses;
	unsigned pde_syncs; /* misses that vmalloc_fault() mended */

	/* What tests set. */
	pte_t *current_pgd; /* NULL: the kernel's */
	uint32_t jiffies;
	bool in_interrupt;
	void (*relax)(void); /* called by arch_relax() */

	/* User space. */
	struct mm_struct *user_mm; /* runs; set by mm_host_switch_mm() */
	vaddr_t user_sp;	   /* its stack pointer, for stack growth */
	bool supervisor;	   /* the access is the kernel's */
	bool wp_off;		   /* CR0.WP is 0 */
	unsigned user_faults;	   /* delivered */
	uint32_t fault_error;	   /* error code of the last */
	enum fault_outcome outcome;

	unsigned relaxed; /* calls of arch_relax() */

	/* Injection: calls of mm.fail_alloc since mm_host_fail_nth(), and which one fails. */
	unsigned alloc_calls, fail_at;
	bool failed; /* it happened */

	char panic_text[256]; /* of the last arch_panic() */
};

extern struct mm_host mm_host;

/* A machine with everything of mm/ that is linked in initialised. Ends one that is still there. */
void mm_host_begin(const struct mm_host_config *config);
/* The same with only the size of RAM. */
void mm_host_begin_ram(uint64_t ram_bytes);
/* Everything gone, all globals of mm/ zero. Interrupts must be as they were. */
void mm_host_end(void);

/* Load CR3 with mm's directory (NULL: the kernel's): its user half is forgotten by the TLB. */
void mm_host_switch_mm(struct mm_struct *mm);
/* The user's own access. FAULT_DONE_*: of the last fault, if there was one; else it ended there. */
enum fault_outcome mm_host_user_read(vaddr_t va, void *buf, uint32_t n);
enum fault_outcome mm_host_user_write(vaddr_t va, const void *buf, uint32_t n);
/* The kernel's: bytes that could not be copied. */
uint32_t mm_host_copy_to_user(vaddr_t to, const void *from, uint32_t n);
uint32_t mm_host_copy_from_user(void *to, vaddr_t from, uint32_t n);

/* Would a read (a write) of the byte at p fault? Makes the translation cached if not. */
bool mm_host_touch(const volatile void *p);
bool mm_host_touch_write(volatile void *p);
/* Is the translation of va cached? The direct map always is. */
bool mm_host_cached(vaddr_t va);

/* Runs fn(arg); true if it ended in arch_panic(), whose text is in mm_host.panic_text. */
bool mm_host_expect_panic(void (*fn)(void *arg), void *arg);

/* What arch_printk() got since the machine began or the log was cleared. */
const char *mm_host_log(void);
bool mm_host_logged(const char *text);
/* How often. */
unsigned mm_host_log_count(const char *text);
void mm_host_log_clear(void);

/*
 * The nth allocation from now fails, once (1: the next). 0 switches off: mm.fail_alloc is NULL, as
 * it is when a machine begins, so that fast paths are taken. To count calls only, pass a large
 * number.
 */
void mm_host_fail_nth(unsigned n);

/* All checkers that are linked in: the sum of their violations. */
unsigned mm_host_check(void);

/* Called when a test cannot go on; must not return. Default: print and abort(). */
extern void (*mm_host_fatal)(const char *message);

#endif
