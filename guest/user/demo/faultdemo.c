// SPDX-License-Identifier: MIT
/*
 * faultdemo: what a page fault does, seen by the program itself. Each step shows some pages before
 * and after it, from /proc/self/pagemap and /proc/kpagecount. Ends with 1 if a step did not do what
 * it says.
 */
#include <procfs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define WIDTH 29
static int wrong;

static void expect(int holds, const char *what)
{
	if (!holds) {
		printf("  but: %s\n", what);
		wrong = 1;
	}
}

static unsigned faults(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_SELF, &usage) < 0 ? 0 : (unsigned)usage.ru_minflt;
}

static char *map_pages(unsigned pages)
{
	char *p = mmap(NULL, pages * PAGE_BYTES, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		puts("faultdemo: no memory");
		exit(1);
	}
	return p;
}

#define MAX_PAGES 4
struct table {
	const char *page[MAX_PAGES], *label[MAX_PAGES];
	unsigned count;
	char before[MAX_PAGES][WIDTH + 8];
};

static void table_begin(struct table *t)
{
	for (unsigned i = 0; i < t->count; i++)
		page_text(t->page[i], t->before[i], sizeof(t->before[i]));
}

static void table_end(const struct table *t)
{
	char after[WIDTH + 8];

	for (unsigned i = 0; i < t->count; i++)
		printf("    %-22s %-*s -> %s\n", t->label[i], WIDTH, t->before[i],
		       page_text(t->page[i], after, sizeof(after)));
}

static int present(const void *addr)
{
	return (pagemap_entry(addr) & PM_PRESENT) != 0;
}

static int same_frame(uint64_t a, uint64_t b)
{
	return PM_PFN(a) == PM_PFN(b);
}

static void lazy_allocation(void)
{
	char *p = map_pages(4);
	struct table t = { .page = { p, p + PAGE_BYTES, p + 2 * PAGE_BYTES },
			   .label = { "page 0, it is read", "page 1, it is written",
				      "page 2, it is left" },
			   .count = 3 };
	unsigned before;

	puts("1. Lazy allocation: mmap() gives addresses, and the first touch gives memory.");
	table_begin(&t);
	before = faults();
	(void)*(volatile char *)p;
	((volatile char *)p)[PAGE_BYTES] = 1;
	before = faults() - before;
	table_end(&t);
	printf("    two touches, %u page faults\n", before);
	expect(before == 2, "two faults were to be expected");
	expect(present(p) && frame_mappings(PM_PFN(pagemap_entry(p))) == 0,
	       "a page that was only read is to be the zero page");
	expect(frame_mappings(PM_PFN(pagemap_entry(p + PAGE_BYTES))) == 1,
	       "a page that was written is to be of its own");
	expect(!present(p + 2 * PAGE_BYTES), "an untouched page is to be absent");
	munmap(p, 4 * PAGE_BYTES);
}

static void copy_on_write(void)
{
	char *p = map_pages(2);
	struct table t = { .page = { p, p + PAGE_BYTES },
			   .label = { "page 0, child writes", "page 1, child reads" },
			   .count = 2 };
	uint64_t mine[2];
	int status = 0;
	pid_t child;

	puts("2. Copy on write: fork() shares every page, and the first write copies one.");
	memset(p, 'a', 2 * PAGE_BYTES);
	mine[0] = pagemap_entry(p);
	mine[1] = pagemap_entry(p + PAGE_BYTES);
	child = fork();
	if (child == 0) {
		table_begin(&t);
		p[0] = 'b';
		(void)*(volatile char *)(p + PAGE_BYTES);
		table_end(&t);
		expect(!same_frame(pagemap_entry(p), mine[0]), "the written page is to be a copy");
		expect(same_frame(pagemap_entry(p + PAGE_BYTES), mine[1]),
		       "the other page is to be shared");
		exit(wrong);
	}
	waitpid(child, &status, 0);
	expect(status == 0, "the child was to see that");
	expect(p[0] == 'a', "the parent's page was to stay as it was");
	t.label[0] = "page 0, parent writes";
	t.label[1] = "page 1, parent reads";
	table_begin(&t);
	p[0] = 'c';
	table_end(&t);
	puts("    the child is gone: the parent writes its page without a copy");
	expect(same_frame(pagemap_entry(p), mine[0]), "the last owner was to keep its frame");
	munmap(p, 2 * PAGE_BYTES);
}

static unsigned stack_kib(void)
{
	struct map_line line;
	int here = 0;

	return find_map(&here, &line) == 1 ? (line.end - line.start) / 1024 : 0;
}

/* Each call takes a page and more of the stack. */
static unsigned __attribute__((noinline)) dig(unsigned depth)
{
	volatile char room[PAGE_BYTES];
	unsigned kib;

	room[0] = (char)depth;
	kib = depth ? dig(depth - 1) : stack_kib();
	asm volatile("" : "+m"(room)); /* after the call: clang makes a loop of it else */
	return kib + (unsigned char)room[0];
}

static void stack_growth(void)
{
	unsigned before, deep;

	puts("3. Stack growth: a fault just below the stack makes it longer.");
	before = stack_kib();
	deep = dig(63) - 63 * 64 / 2;
	printf("    [stack] of %u KiB -> %u KiB, 64 calls of 4 KiB deep\n", before, deep);
	expect(deep >= before && deep >= 256, "256 KiB and more were to be there");
}

static char *managed;

/* A pager in user space: SIGSEGV tells the address, and the access is made possible. */
static void pager(int sig, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;
	char *page = (char *)((uint32_t)info->si_addr & ~(PAGE_BYTES - 1));

	printf("    SIGSEGV at managed + %05x: %s of a page with no rights (code %d, error %x)\n",
	       (unsigned)((char *)info->si_addr - managed),
	       uc->uc_mcontext.err & 2 ? "write" : "read", info->si_code, uc->uc_mcontext.err);
	if (page < managed || page >= managed + 4 * PAGE_BYTES ||
	    mprotect(page, PAGE_BYTES, PROT_READ | PROT_WRITE) < 0)
		_exit(1);
	memset(page, 'p', PAGE_BYTES);
}

static void user_pager(void)
{
	struct sigaction act = { .sa_sigaction = pager, .sa_flags = SA_SIGINFO };
	volatile char *p;

	puts("4. A pager of one's own: SIGSEGV tells where, mprotect() opens, the access is repeated.");
	managed = map_pages(4);
	p = managed;
	mprotect(managed, 4 * PAGE_BYTES, PROT_NONE);
	sigaction(SIGSEGV, &act, NULL);
	expect(p[0x1234] == 'p', "the pager's bytes were to be read");
	p[0x3000] = 'w';
	expect(p[0x3000] == 'w' && p[0x3001] == 'p', "the write was to be repeated");
	signal(SIGSEGV, SIG_DFL);
	munmap(managed, 4 * PAGE_BYTES);
}

int main(void)
{
	lazy_allocation();
	copy_on_write();
	stack_growth();
	user_pager();
	return wrong;
}
