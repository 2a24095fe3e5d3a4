// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "mm/highmem.h"
#include "mm/memblock.h"
#include "mm/mm.h"
#include "mm/slub.h"
#include "mm/vmalloc.h"
#include "mm_host_internal.h"

#define LINEAR_BYTES (1ull << 32)
#define LINEAR_PAGES (LINEAR_BYTES >> PAGE_SHIFT)
#define WORD_BITS 64
/* The kernel limits a process to 65530 mappings; before that the TLB forgets, as a real one may. */
#define TLB_ENTRIES 16384
#define RELAX_LIMIT 1000000

/* Linked in or not: a test of one module does without the others. */
#pragma weak kmap_init
#pragma weak vmalloc_init
#pragma weak vmalloc_fault
#pragma weak kmem_cache_init
#pragma weak slub_check
#pragma weak vmalloc_check
#pragma weak highmem_check
#pragma weak user_memory_init
#pragma weak mm_check_all
#pragma weak mm_host_user_miss

char *mm_host_base;
struct mm_host mm_host;
struct mm_host_irq mm_host_irq;

static struct {
	int memfd;
	bool up;
	bool broken; /* a test was cut short: what it left says nothing */
	uint64_t cached[LINEAR_PAGES / WORD_BITS]; /* by page number */
	unsigned cached_count;
	char *log;
	size_t log_bytes, log_room;
	bool verbose; /* MM_HOST_VERBOSE in the environment */
	sigjmp_buf fault_env, panic_env;
	bool fault_expected, panic_expected;
} host = { .memfd = -1 };

static void fatal_default(const char *message)
{
	fprintf(stderr, "mm_host: %s\n", message);
	abort();
}

void (*mm_host_fatal)(const char *message) = fatal_default;

void mm_host_die(const char *fmt, ...)
{
	static char text[512]; /* the hook keeps it */
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	host.broken = true;
	mm_host_fatal(text);
	abort();
}

/* --- the TLB ---------------------------------------------------------------------------------- */

static bool is_cached(vaddr_t page)
{
	return host.cached[page / WORD_BITS] >> (page % WORD_BITS) & 1;
}

static void forget(vaddr_t page)
{
	void *p = mm_host_base + ((uint64_t)page << PAGE_SHIFT);

	if (mmap(p, PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
		 -1, 0) == MAP_FAILED)
		mm_host_die("flush: mmap failed");
	host.cached[page / WORD_BITS] &= ~(1ull << (page % WORD_BITS));
	host.cached_count--;
}

/* [first, end) in page numbers; returns how many were cached. */
static unsigned forget_range(uint32_t first, uint32_t end)
{
	unsigned before = host.cached_count;

	for (uint32_t page = first; page < end && host.cached_count; page++) {
		if (page % WORD_BITS == 0 && !host.cached[page / WORD_BITS])
			page += WORD_BITS - 1;
		else if (is_cached(page))
			forget(page);
	}
	return before - host.cached_count;
}

bool mm_host_tlb_has(vaddr_t va)
{
	return is_cached(va >> PAGE_SHIFT);
}

void mm_host_tlb_forget(vaddr_t va)
{
	if (is_cached(va >> PAGE_SHIFT))
		forget(va >> PAGE_SHIFT);
}

void mm_host_tlb_fill(vaddr_t va, paddr_t pa, int prot)
{
	uint32_t page = va >> PAGE_SHIFT;

	if (!is_cached(page) && host.cached_count >= TLB_ENTRIES)
		forget_range(0, LINEAR_PAGES);
	if (mmap(mm_host_base + ((uint64_t)page << PAGE_SHIFT), PAGE_SIZE, prot,
		 MAP_SHARED | MAP_FIXED, host.memfd, (off_t)pa) == MAP_FAILED)
		mm_host_die("TLB miss: mmap failed");
	if (!is_cached(page)) {
		host.cached[page / WORD_BITS] |= 1ull << (page % WORD_BITS);
		host.cached_count++;
	}
	mm_host.tlb_misses++;
}

void mm_host_forget_user(void)
{
	forget_range(0, PAGE_OFFSET >> PAGE_SHIFT);
}

void arch_flush_tlb_page(vaddr_t va)
{
	mm_host.flush_page++;
	mm_host.flushed_pages += forget_range(va >> PAGE_SHIFT, (va >> PAGE_SHIFT) + 1);
}

void arch_flush_tlb_range(vaddr_t start, vaddr_t end)
{
	mm_host.flush_range++;
	mm_host.flushed_pages += forget_range(start >> PAGE_SHIFT, PFN_UP(end));
}

void arch_flush_tlb_all(void)
{
	mm_host.flush_all++;
	mm_host.flushed_pages += forget_range(0, LINEAR_PAGES);
}

void arch_flush_tlb_user(void)
{
	mm_host.flush_user++;
	mm_host.flushed_pages += forget_range(0, PAGE_OFFSET >> PAGE_SHIFT);
}

bool mm_host_cached(vaddr_t va)
{
	return (va >= PAGE_OFFSET && va < mm.high_memory) || is_cached(va >> PAGE_SHIFT);
}

/* The entry that maps va, a 4 MiB page's made to look like a 4 KiB page's; 0: none. */
static pte_t walk(vaddr_t va)
{
	pte_t pde = arch_current_pgd()[pgd_index(va)];
	const pte_t *table;

	if (!(pde & _PAGE_PRESENT))
		return 0;
	if (pde & _PAGE_PSE)
		return (pde & PGDIR_MASK & ~0x1fff) | (va & ~PGDIR_MASK & PAGE_MASK) |
		       (pde & 0xfff);
	table = arch_ptr(PAGE_OFFSET + (pde & PAGE_MASK));
	return table[pte_index(va)] & _PAGE_PRESENT ? table[pte_index(va)] : 0;
}

/* Serve a TLB miss. False: it is a page fault. */
static bool tlb_miss(vaddr_t va, bool write)
{
	pte_t pte = walk(va);

	if (!pte || (write && !(pte & _PAGE_RW)))
		return false;
	mm_host_tlb_fill(va, pte & PAGE_MASK, pte & _PAGE_RW ? PROT_READ | PROT_WRITE : PROT_READ);
	return true;
}

/* What the guest's #PF handler does for the vmalloc area under another page directory. */
static bool sync_pde(vaddr_t va)
{
	if (!vmalloc_fault || arch_current_pgd() == arch_kernel_pgd() || va < VMALLOC_START ||
	    va >= VMALLOC_END || !vmalloc_fault(va))
		return false;
	mm_host.pde_syncs++;
	return true;
}

static void on_segv(int sig, siginfo_t *info, void *context)
{
	const char *p = info->si_addr;
	const ucontext_t *uc = context;
	bool write = uc->uc_mcontext.gregs[REG_ERR] & 2;
	vaddr_t va;

	if (!host.up || p < mm_host_base || p >= mm_host_base + LINEAR_BYTES) {
		if (host.up && p < (char *)0x10000)
			mm_host_die("%s of NULL + 0x%zx", write ? "write" : "read", (size_t)p);
		signal(sig, SIG_DFL); /* a bug of the test: let it be seen as such */
		return;
	}
	va = (vaddr_t)(p - mm_host_base);
	if (va < PAGE_OFFSET && mm_host.user_mm
		    ? mm_host_user_miss(va, write)
		    : tlb_miss(va, write) || (sync_pde(va) && tlb_miss(va, write)))
		return;
	if (host.fault_expected)
		siglongjmp(host.fault_env, 1);
	mm_host_die("page fault: %s of %08x", write ? "write" : "read", va);
}

bool mm_host_try(void (*fn)(void *arg), void *arg)
{
	volatile bool done = false;

	host.fault_expected = true;
	if (!sigsetjmp(host.fault_env, 0)) {
		fn(arg);
		done = true;
	}
	host.fault_expected = false;
	return done;
}

static bool faults(volatile char *p, bool write)
{
	volatile bool faulted = true;

	host.fault_expected = true;
	if (!sigsetjmp(host.fault_env, 0)) {
		char c = *p;

		if (write)
			*p = c;
		faulted = false;
	}
	host.fault_expected = false;
	return faulted;
}

bool mm_host_touch(const volatile void *p)
{
	return !p || faults((volatile char *)(uintptr_t)p, false);
}

bool mm_host_touch_write(volatile void *p)
{
	return !p || faults(p, true);
}

/* --- the rest of mm/arch.h -------------------------------------------------------------------- */

pte_t *arch_kernel_pgd(void)
{
	return arch_ptr(PAGE_OFFSET + MM_HOST_KERNEL_START);
}

pte_t *arch_current_pgd(void)
{
	return mm_host.current_pgd ? mm_host.current_pgd : arch_kernel_pgd();
}

bool arch_irqs_off(void)
{
	return mm_host_irq.off;
}

bool arch_in_interrupt(void)
{
	return mm_host.in_interrupt;
}

void arch_relax(void)
{
	if (++mm_host.relaxed > RELAX_LIMIT)
		mm_host_die("waits for what never comes");
	if (mm_host.relax)
		mm_host.relax();
}

uint32_t arch_jiffies(void)
{
	return mm_host.jiffies;
}

void arch_format_ip(vaddr_t ip, char *buf, size_t bytes)
{
	snprintf(buf, bytes, "0x%08x", ip);
}

void arch_printk(const char *fmt, ...)
{
	char text[1024];
	size_t n;
	va_list args;

	va_start(args, fmt);
	n = (size_t)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (n >= sizeof(text))
		n = sizeof(text) - 1;
	if (host.verbose)
		fputs(text, stderr);
	if (host.log_bytes + n + 1 > host.log_room) {
		host.log_room = (host.log_bytes + n + 1) * 2;
		host.log = realloc(host.log, host.log_room);
		if (!host.log)
			mm_host_die("no memory for the log");
	}
	memcpy(host.log + host.log_bytes, text, n + 1);
	host.log_bytes += n;
}

void arch_panic(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(mm_host.panic_text, sizeof(mm_host.panic_text), fmt, args);
	va_end(args);
	if (host.panic_expected)
		siglongjmp(host.panic_env, 1);
	mm_host_die("panic: %s", mm_host.panic_text);
}

bool mm_host_expect_panic(void (*fn)(void *arg), void *arg)
{
	struct mm_host_irq irq = mm_host_irq;
	volatile bool panicked = true;

	mm_host.panic_text[0] = '\0';
	host.panic_expected = true;
	if (!sigsetjmp(host.panic_env, 0)) {
		fn(arg);
		panicked = false;
	}
	host.panic_expected = false;
	if (panicked) /* what it would have restored */
		mm_host_irq = irq;
	return panicked;
}

/* --- the log, injection, checkers ------------------------------------------------------------- */

const char *mm_host_log(void)
{
	return host.log ? host.log : "";
}

bool mm_host_logged(const char *text)
{
	return strstr(mm_host_log(), text) != NULL;
}

unsigned mm_host_log_count(const char *text)
{
	unsigned n = 0;

	for (const char *p = mm_host_log(); (p = strstr(p, text)); p++)
		n++;
	return n;
}

void mm_host_log_clear(void)
{
	host.log_bytes = 0;
	if (host.log)
		host.log[0] = '\0';
}

static bool fail_alloc(const char *what, size_t bytes, gfp_t gfp)
{
	if (++mm_host.alloc_calls != mm_host.fail_at)
		return false;
	mm_host.failed = true;
	return true;
}

void mm_host_fail_nth(unsigned n)
{
	mm_host.alloc_calls = 0;
	mm_host.fail_at = n;
	mm_host.failed = false;
	mm.fail_alloc = n ? fail_alloc : NULL; /* without it, fast paths are taken */
}

unsigned mm_host_check(void)
{
	unsigned violations = page_alloc_check();

	if (slub_check)
		violations += slub_check();
	if (vmalloc_check)
		violations += vmalloc_check();
	if (highmem_check)
		violations += highmem_check();
	if (mm_check_all)
		violations += mm_check_all();
	return violations;
}

/* --- the machine ------------------------------------------------------------------------------ */

static void map_linear(void)
{
	struct sigaction action = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO | SA_NODEFER };

	mm_host_base = mmap(NULL, LINEAR_BYTES, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	host.memfd = memfd_create("guest-ram", MFD_CLOEXEC);
	/* 4 GiB, sparse: what an ioremap of a device's address shows is there, too. */
	if (mm_host_base == MAP_FAILED || host.memfd < 0 ||
	    ftruncate(host.memfd, (off_t)LINEAR_BYTES) || sigaction(SIGSEGV, &action, NULL))
		mm_host_die("cannot make the linear space");
}

static void map_lowmem(uint64_t bytes)
{
	if (mmap(mm_host_base + PAGE_OFFSET, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		 host.memfd, 0) == MAP_FAILED)
		mm_host_die("cannot map low memory");
}

/*
 * As the guest's paging_init(): 4 MiB pages, and a table for what is left. HIGHMEM goes out of
 * reach.
 */
static void map_direct(uint64_t mapped)
{
	pte_t *pgd = arch_kernel_pgd(), *table;
	paddr_t end = mm.max_low_pfn << PAGE_SHIFT, pa;

	for (pa = 0; end - pa >= PGDIR_SIZE; pa += PGDIR_SIZE)
		pgd[pgd_index(PAGE_OFFSET + pa)] = pa | PAGE_KERNEL | _PAGE_PSE;
	if (pa < end) {
		table = memblock_alloc(PAGE_SIZE, PAGE_SIZE);
		pgd[pgd_index(PAGE_OFFSET + pa)] = (arch_vaddr(table) - PAGE_OFFSET) |
						   _PAGE_PRESENT | _PAGE_RW | _PAGE_ACCESSED;
		for (; pa < end; pa += PAGE_SIZE)
			table[pte_index(PAGE_OFFSET + pa)] = pa | PAGE_KERNEL;
	}
	if (end < mapped &&
	    mmap(mm_host_base + PAGE_OFFSET + end, mapped - end, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
		mm_host_die("cannot hide HIGHMEM");
}

static uint64_t add_ram(const struct mm_host_config *c)
{
	const struct mm_host_range pc[] = { { 0, 640 << 10 },
					    { 1 << 20, c->ram_bytes - (1 << 20) },
					    { 0, 0 } };
	uint64_t end = 0;

	for (const struct mm_host_range *r = c->ranges ? c->ranges : pc; r->bytes; r++) {
		if (memblock_add((paddr_t)r->start, r->bytes))
			mm_host_die("memblock_add");
		if (r->start + r->bytes > end)
			end = r->start + r->bytes;
	}
	return end;
}

void mm_host_begin(const struct mm_host_config *c)
{
	struct mm_boot boot = {
		.kernel_start = MM_HOST_KERNEL_START,
		.kernel_end = c->kernel_end ? c->kernel_end : 2 << 20,
		.mem_limit = c->mem_limit,
		.highmem_bytes = c->highmem,
		.has_highmem = c->highmem || c->highmem_zero,
		.numa = c->numa,
	};
	uint64_t mapped;

	if (host.up)
		mm_host_end();
	host.verbose = getenv("MM_HOST_VERBOSE");
	map_linear();
	host.up = true;
	mapped = add_ram(c);
	mapped = mapped < MAXMEM ? mapped : MAXMEM;
	map_lowmem(mapped);
	if (c->memblock_only)
		return;
	zones_init(&boot);
	map_direct(mapped);
	mem_init();
	if (kmem_cache_init)
		kmem_cache_init(c->slub_debug, c->slub_nomerge);
	if (kmap_init)
		kmap_init();
	if (vmalloc_init)
		vmalloc_init();
	if (user_memory_init && !c->kernel_only)
		user_memory_init();
}

void mm_host_begin_ram(uint64_t ram_bytes)
{
	mm_host_begin(&(struct mm_host_config){ .ram_bytes = ram_bytes });
}

void mm_host_end(void)
{
	int depth = host.broken ? 0 : mm_host_irq.depth;

	if (!host.up)
		return;
	munmap(mm_host_base, LINEAR_BYTES);
	close(host.memfd);
	free(host.log);
	memset(&host, 0, sizeof(host));
	memset(&mm_host, 0, sizeof(mm_host));
	memset(&mm_host_irq, 0, sizeof(mm_host_irq));
	memset(&mm, 0, sizeof(mm));
	memblock_reset();
	host.memfd = -1;
	mm_host_base = NULL;
	if (depth)
		mm_host_die("interrupts saved %d times more than restored", depth);
}
