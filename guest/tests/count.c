// SPDX-License-Identifier: MIT
/*
 * test=count: what the memory manager's hot pairs cost, "NAME NUMBER" each. The number is guest
 * instructions on engine soft, whose TSC counts them; elsewhere it is whatever the TSC counts.
 * As in tests/bench/mm_bench.c, it is those of the functions alone: what the loop, the arguments
 * and the calls take is measured with functions that do nothing, and left out.
 */
#include "selftest.h"
#include <arch/processor.h>
#include <kernel/printk.h>

#include "mm/page_alloc.h"
#include "mm/slub.h"

#define PAIRS 1000
#define WARM_UP 16 /* fills the lists that fast paths take from */
#define PAIR_BYTES 64

/* Keep the compiler from leaving the pair out. */
#define USE(p) __asm__ volatile("" : "+r"(p) : : "memory")

static struct kmem_cache *cache;

/* Not in C: the compiler would see that they need no arguments, and pass none. */
MM_REGPARM void *alloc_nothing(gfp_t gfp, unsigned order);
MM_REGPARM void free_nothing(void *p, unsigned order);
__asm__(".pushsection .text\n"
	"alloc_nothing: xorl %eax, %eax\n"
	"               ret\n"
	"free_nothing:  ret\n"
	".popsection");
#define NOTHING 3 /* instructions of both */

static void nothing(u32 n)
{
	while (n--) {
		void *p = alloc_nothing(GFP_KERNEL, 0);

		USE(p);
		free_nothing(p, 0);
	}
}

static void page_pairs(u32 n)
{
	while (n--) {
		struct page *page = alloc_pages(GFP_KERNEL, 0);

		USE(page);
		__free_pages(page, 0);
	}
}

static void kmalloc_pairs(u32 n)
{
	while (n--) {
		void *p = kmalloc(PAIR_BYTES, GFP_KERNEL);

		USE(p);
		kfree(p);
	}
}

static void cache_pairs(u32 n)
{
	while (n--) {
		void *p = kmem_cache_alloc(cache, GFP_KERNEL);

		USE(p);
		kmem_cache_free(cache, p);
	}
}

static const struct {
	const char *name;
	void (*run)(u32 n);
} counted[] = {
	{ "page", page_pairs },
	{ "kmalloc", kmalloc_pairs },
	{ "kmem_cache", cache_pairs },
};

/* Without interrupts: their handlers would count, too. */
static u32 ticks_of(void (*run)(u32 n))
{
	uint32_t flags = arch_irq_save();
	u64 start;
	u32 ticks;

	run(WARM_UP);
	start = rdtsc();
	run(PAIRS);
	ticks = (u32)(rdtsc() - start);
	arch_irq_restore(flags);
	return ticks;
}

void count_mm_pairs(void)
{
	u32 empty = ticks_of(nothing);

	cache = kmem_cache_create("count", PAIR_BYTES, 0, 0, NULL);
	if (!cache)
		return;
	for (u32 i = 0; i < ARRAY_SIZE(counted); i++)
		printk("%s %u\n", counted[i].name,
		       (ticks_of(counted[i].run) - empty) / PAIRS + NOTHING);
	kmem_cache_destroy(cache);
}
