// SPDX-License-Identifier: MIT
/*
 * mm_bench               times mm/ on the host beside named peers, and prints figures and ratios
 * mm_bench --count NAME  runs it COUNTED times in mm_bench_counted(), for callgrind; prints COUNTED
 *
 * What is compared takes turns, round by round, so that the comparison holds when the machine's speed
 * drifts; figures are medians of the rounds. Peers from shared libraries are called through pointers,
 * as is kmalloc then. What mm/ does here is what it does in the guest, but for interrupts (two stores
 * here) and 8-byte pointers.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

#include "mm/slub.h"
#include "mm/vmalloc.h"
#include "mm_host.h"

#define ROUNDS 15
#define COUNTED 10000
#define PAIR_BYTES 64
#define BULK 16
#define LIVE 1024 /* objects held in the mix */
#define AREAS_FEW 10
#define AREAS_MANY 10000
#define MIB (1u << 20)

/* Keep the compiler from leaving the pair out. */
#define USE(p) __asm__ volatile("" : "+r"(p) : : "memory")

struct allocator {
	const char *name, *library, *alloc_name, *free_name;
	void *(*alloc)(size_t bytes);
	void (*free)(void *p);
};

static void *kmalloc_kernel(size_t bytes)
{
	return kmalloc(bytes, GFP_KERNEL);
}

static void kfree_any(void *p)
{
	kfree(p);
}

/* The first is ours, and what the others are compared with. */
static struct allocator allocators[] = {
	{ .name = "kmalloc", .alloc = kmalloc_kernel, .free = kfree_any },
	{ .name = "glibc", .alloc = malloc, .free = free },
	{ .name = "jemalloc",
	  .library = "libjemalloc.so.2",
	  .alloc_name = "malloc",
	  .free_name = "free" },
	{ .name = "mimalloc",
	  .library = "libmimalloc.so.2",
	  .alloc_name = "mi_malloc",
	  .free_name = "mi_free" },
};

static struct kmem_cache *cache;

/* --- what is measured: n times each -------------------------------------------------------------------- */

static void nothing(unsigned n)
{
	void *p = NULL;

	while (n--)
		USE(p);
}

static void kmalloc_pairs(unsigned n)
{
	while (n--) {
		void *p = kmalloc(PAIR_BYTES, GFP_KERNEL);

		USE(p);
		kfree(p);
	}
}

static void glibc_pairs(unsigned n)
{
	while (n--) {
		void *p = malloc(PAIR_BYTES);

		USE(p);
		free(p);
	}
}

static void allocator_pairs(const struct allocator *a, unsigned n)
{
	while (n--) {
		void *p = a->alloc(PAIR_BYTES);

		USE(p);
		a->free(p);
	}
}

static void jemalloc_pairs(unsigned n)
{
	allocator_pairs(&allocators[2], n);
}

static void mimalloc_pairs(unsigned n)
{
	allocator_pairs(&allocators[3], n);
}

static void page_pairs(unsigned n)
{
	while (n--) {
		struct page *page = alloc_page(GFP_KERNEL);

		USE(page);
		__free_pages(page, 0);
	}
}

static void pages_singly(unsigned n)
{
	struct page *pages[BULK];

	for (; n >= BULK; n -= BULK) {
		for (unsigned i = 0; i < BULK; i++)
			pages[i] = alloc_page(GFP_KERNEL);
		for (unsigned i = 0; i < BULK; i++)
			__free_pages(pages[i], 0);
	}
}

static void pages_in_bulk(unsigned n)
{
	struct page *pages[BULK];

	for (; n >= BULK; n -= BULK) {
		unsigned got = alloc_pages_bulk(GFP_KERNEL, BULK, pages);

		for (unsigned i = 0; i < got; i++)
			__free_pages(pages[i], 0);
	}
}

static void objects_singly(unsigned n)
{
	void *p[BULK];

	for (; n >= BULK; n -= BULK) {
		for (unsigned i = 0; i < BULK; i++)
			p[i] = kmem_cache_alloc(cache, GFP_KERNEL);
		for (unsigned i = 0; i < BULK; i++)
			kmem_cache_free(cache, p[i]);
	}
}

static void objects_in_bulk(unsigned n)
{
	void *p[BULK];

	for (; n >= BULK; n -= BULK)
		if (!kmem_cache_alloc_bulk(cache, GFP_KERNEL, BULK, p))
			kmem_cache_free_bulk(cache, BULK, p);
}

static void vmalloc_pairs(unsigned n)
{
	while (n--) {
		void *p = vmalloc(PAGE_SIZE);

		USE(p);
		vfree(p);
	}
}

/* A gigabyte: what the kernel does before its first process. */
static void boot_1g(unsigned n)
{
	mm_host_begin_ram(1024 * (uint64_t)MIB);
}

static const struct {
	const char *name;
	void (*run)(unsigned n);
	unsigned times;
} counted[] = {
	{ "nothing", nothing, COUNTED },
	{ "kmalloc", kmalloc_pairs, COUNTED },
	{ "glibc", glibc_pairs, COUNTED },
	{ "jemalloc", jemalloc_pairs, COUNTED },
	{ "mimalloc", mimalloc_pairs, COUNTED },
	{ "page", page_pairs, COUNTED },
	{ "boot", boot_1g, 1 },
};

/* --- timing ---------------------------------------------------------------------------------------------- */

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double time_ns(void (*run)(unsigned n), unsigned n)
{
	double start = now_ns();

	run(n);
	return (now_ns() - start) / n;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v)
{
	qsort(v, ROUNDS, sizeof(*v), compare);
	return v[ROUNDS / 2];
}

static const char *verdict(bool met)
{
	return met ? "met" : "MISSED";
}

/* Two of ours, in turns. */
static void compare_two(const char *label, const char *unit, void (*a)(unsigned n),
			void (*b)(unsigned n), unsigned n)
{
	double times_a[ROUNDS], times_b[ROUNDS];

	for (unsigned round = 0; round < ROUNDS; round++) {
		times_a[round] = time_ns(a, n);
		times_b[round] = time_ns(b, n);
	}
	printf("%-34s %8.1f ns %8.1f ns %7.2f  per %s\n", label, median(times_a), median(times_b),
	       median(times_a) / median(times_b), unit);
}

/* --- objects, beside other allocators ---------------------------------------------------------------------- */

/* Small sizes are the most frequent, as in a kernel: 8..1024 bytes, uniform in their logarithm. */
static void mix(const struct allocator *a, unsigned n)
{
	static void *live[LIVE];
	uint32_t random = 1;

	while (n--) {
		void **slot;

		random = random * 1664525 + 1013904223;
		slot = &live[random >> 22];
		if (*slot)
			a->free(*slot);
		*slot = a->alloc(8 + (random >> 4 & 0xff & ((1u << (random >> 12 & 7)) * 8 - 1)));
	}
	for (unsigned i = 0; i < LIVE; i++) {
		a->free(live[i]);
		live[i] = NULL;
	}
}

/* Medians in ns, by allocator; 0 where there is none. */
static void time_allocators(void (*run)(const struct allocator *a, unsigned n), unsigned n,
			    double *ns)
{
	double times[ARRAY_SIZE(allocators)][ROUNDS];

	for (unsigned round = 0; round < ROUNDS; round++)
		for (unsigned i = 0; i < ARRAY_SIZE(allocators); i++) {
			double start = now_ns();

			if (allocators[i].alloc)
				run(&allocators[i], n);
			times[i][round] = (now_ns() - start) / n;
		}
	for (unsigned i = 0; i < ARRAY_SIZE(allocators); i++)
		ns[i] = allocators[i].alloc ? median(times[i]) : 0;
}

static void print_allocators(const char *label, const double *ns)
{
	printf("%-34s %8.1f ns", label, ns[0]);
	for (unsigned i = 1; i < ARRAY_SIZE(allocators); i++) {
		if (allocators[i].alloc)
			printf(" %8.1f ns %5.2fx", ns[i], ns[i] / ns[0]);
		else
			printf(" %18s", "-");
	}
	printf("\n");
}

static void load_allocators(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(allocators); i++) {
		struct allocator *a = &allocators[i];
		void *library = a->library ? dlopen(a->library, RTLD_NOW | RTLD_LOCAL) : NULL;

		if (!library)
			continue;
		/* ISO C has no cast from an object's pointer to a function's; POSIX wants it to work. */
		*(void **)&a->alloc = dlsym(library, a->alloc_name);
		*(void **)&a->free = dlsym(library, a->free_name);
	}
}

static void bench_objects(void)
{
	double ns[ARRAY_SIZE(allocators)];

	for (unsigned i = 0; i < ARRAY_SIZE(allocators); i++)
		if (!allocators[i].alloc)
			printf("%s is not installed: left out\n", allocators[i].library);
	printf("%-34s %11s %18s %18s %18s\n", "times more than kmalloc's", "kmalloc", "glibc",
	       "jemalloc", "mimalloc");
	time_allocators(allocator_pairs, 500000, ns);
	print_allocators("pair of 64 bytes", ns);
	printf("goal: the pair is faster than glibc's: %s\n", verdict(ns[0] < ns[1]));
	time_allocators(mix, 200000, ns);
	print_allocators("free + alloc, 8..1024 bytes, mixed", ns);
}

/* --- areas ---------------------------------------------------------------------------------------------------- */

static void bench_areas(void)
{
	static void *live[AREAS_MANY];
	double few[ROUNDS], many[ROUNDS], ratio;

	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned n = 0;

		for (; n < AREAS_FEW; n++)
			live[n] = vmalloc(PAGE_SIZE);
		few[round] = time_ns(vmalloc_pairs, 20000);
		for (; n < AREAS_MANY; n++)
			live[n] = vmalloc(PAGE_SIZE);
		many[round] = time_ns(vmalloc_pairs, 20000);
		while (n--)
			vfree(live[n]);
		vm_unmap_aliases();
	}
	ratio = median(many) / median(few);
	printf("%-34s %8.1f ns %8.1f ns %7.2f  per pair\n", "vmalloc + vfree, 10 and 10,000 live",
	       median(few), median(many), ratio);
	printf("goal: not more than twice as long with 10,000 areas: %s\n", verdict(ratio <= 2));
}

/* --- the program -------------------------------------------------------------------------------------------------- */

void mm_bench_counted(void (*run)(unsigned n), unsigned n);
__attribute__((noinline)) void mm_bench_counted(void (*run)(unsigned n), unsigned n)
{
	run(n);
}

static int count(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(counted); i++) {
		if (strcmp(counted[i].name, name))
			continue;
		for (unsigned k = 0; k < ARRAY_SIZE(allocators); k++)
			if (!strcmp(allocators[k].name, name) && !allocators[k].alloc)
				return 77;
		if (counted[i].run != boot_1g) /* fill the lists that fast paths take from */
			counted[i].run(BULK);
		mm_bench_counted(counted[i].run, counted[i].times);
		printf("%u\n", counted[i].times);
		return 0;
	}
	fprintf(stderr, "mm_bench: nothing is called \"%s\"\n", name);
	return 2;
}

int main(int argc, char **argv)
{
	load_allocators();
	mm_host_begin_ram(256 * (uint64_t)MIB);
	cache = kmem_cache_create("mm_bench", PAIR_BYTES, 0, 0, NULL);
	if (argc == 3 && !strcmp(argv[1], "--count"))
		return count(argv[2]);
	if (argc != 1) {
		fprintf(stderr, "usage: mm_bench [--count NAME]\n");
		return 2;
	}
	bench_objects();
	printf("%-34s %11s %11s %7s\n", "", "first", "second", "ratio");
	compare_two("page: one by one, 16 in bulk", "page and its free", pages_singly,
		    pages_in_bulk, 1 << 18);
	compare_two("object: one by one, 16 in bulk", "object and its free", objects_singly,
		    objects_in_bulk, 1 << 18);
	compare_two("page pair, 64-byte kmalloc pair", "pair", page_pairs, kmalloc_pairs, 500000);
	bench_areas();
	mm_host_end();
	return 0;
}
