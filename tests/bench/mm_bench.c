// SPDX-License-Identifier: MIT
/*
 * mm_bench               times mm/ on the host beside named peers, and prints figures and ratios
 * mm_bench --count NAME  runs it 10,000 times (boot: once) in mm_bench_counted(), for callgrind;
 *                        77: the allocator of that name is not there
 *
 * What is compared takes turns, round by round, so that the comparison holds when the machine's
 * speed drifts; figures are medians of the rounds. Allocators from shared libraries are loaded, and
 * called through pointers, as a call by way of the PLT is. (jemalloc can be loaded if
 * GLIBC_TUNABLES has glibc.rtld.optional_static_tls=16384.) What mm/ does here is what it does in
 * the guest, but for interrupts, which are two stores here, and pointers of 8 bytes.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

#include "mm/slub.h"
#include "mm/vmalloc.h"
#include "mm_host.h"
#include "tests/bench/sample.h"

#define ROUNDS 301 /* short ones, that end before the scheduler takes the CPU away, mostly */
#define AREA_ROUNDS 9
#define COUNTED 10000
#define PAIR_BYTES 64
#define BULK 16
#define LIVE 1024 /* objects held in the mix */
#define AREAS_FEW 10
#define AREAS_MANY 10000
#define MIB (1u << 20)

/* Keep the compiler from leaving the pair out. */
#define USE(p) __asm__ volatile("" : "+r"(p) : : "memory")

enum which { KMALLOC, GLIBC, JEMALLOC, MIMALLOC, ALLOCATORS };

/* From a shared library; the two others are called as they are. */
struct allocator {
	const char *library, *alloc_name, *free_name;
	void *(*alloc)(size_t bytes);
	void (*free)(void *p);
};

static struct allocator allocators[ALLOCATORS] = {
	[JEMALLOC] = { .library = "libjemalloc.so.2", .alloc_name = "malloc", .free_name = "free" },
	[MIMALLOC] = { .library = "libmimalloc.so.2",
		       .alloc_name = "mi_malloc",
		       .free_name = "mi_free" },
};

static bool is_there(enum which which)
{
	return which <= GLIBC || allocators[which].alloc;
}

static struct kmem_cache *cache;

/* --- what is measured: n times each ----------------------------------------------------------- */

/* What a pair costs without the functions' own instructions, but for EMPTY_BODIES. */
__attribute__((noinline)) static void *alloc_nothing(size_t bytes, gfp_t gfp)
{
	__asm__ volatile("" : : "r"(bytes), "r"(gfp));
	return NULL;
}

__attribute__((noinline)) static void free_nothing(const void *p)
{
	__asm__ volatile("" : : "r"(p));
}
#define EMPTY_BODIES 3 /* clear the result, return, return */

static void nothing(unsigned n)
{
	while (n--) {
		void *p = alloc_nothing(PAIR_BYTES, GFP_KERNEL);

		USE(p);
		free_nothing(p);
	}
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

static void loaded_pairs(const struct allocator *a, unsigned n)
{
	while (n--) {
		void *p = a->alloc(PAIR_BYTES);

		USE(p);
		a->free(p);
	}
}

static void jemalloc_pairs(unsigned n)
{
	loaded_pairs(&allocators[JEMALLOC], n);
}

static void mimalloc_pairs(unsigned n)
{
	loaded_pairs(&allocators[MIMALLOC], n);
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

/* What --count knows: functions, and the allocator that must be there. */
static const struct {
	const char *name;
	void (*run)(unsigned n);
	unsigned times;
	enum which needs;
} counted[] = {
	{ "nothing", nothing, COUNTED, KMALLOC },
	{ "kmalloc", kmalloc_pairs, COUNTED, KMALLOC },
	{ "glibc", glibc_pairs, COUNTED, GLIBC },
	{ "jemalloc", jemalloc_pairs, COUNTED, JEMALLOC },
	{ "mimalloc", mimalloc_pairs, COUNTED, MIMALLOC },
	{ "page", page_pairs, COUNTED, KMALLOC },
	{ "boot", boot_1g, 1, KMALLOC },
};

/* --- timing ----------------------------------------------------------------------------------- */

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
	printf("%-34s %8.1f ns %8.1f ns %7.2f  per %s\n", label, median(times_a, ROUNDS),
	       median(times_b, ROUNDS), median(times_a, ROUNDS) / median(times_b, ROUNDS), unit);
}

/* --- objects, beside other allocators --------------------------------------------------------- */

/*
 * A slot of LIVE is freed and used again, n times. Small sizes are the most frequent, as in a
 * kernel: 8..263 bytes, by a mask of 3 to 8 bits. Inline, so that each allocator is called
 * directly.
 */
static inline __attribute__((always_inline)) void mix(void *(*alloc)(size_t bytes),
						      void (*release)(void *p), unsigned n)
{
	static void *live[LIVE];
	uint32_t random = 1;

	while (n--) {
		void **slot;

		random = random * 1664525 + 1013904223;
		slot = &live[random >> 22];
		if (*slot)
			release(*slot);
		*slot = alloc(8 + (random >> 4 & ((8u << (random >> 12 & 7) % 6) - 1)));
	}
	for (unsigned i = 0; i < LIVE; i++) {
		release(live[i]);
		live[i] = NULL;
	}
}

static inline void *kmalloc_kernel(size_t bytes)
{
	return kmalloc(bytes, GFP_KERNEL);
}

static inline void kfree_any(void *p)
{
	kfree(p);
}

static void kmalloc_mix(unsigned n)
{
	mix(kmalloc_kernel, kfree_any, n);
}

static void glibc_mix(unsigned n)
{
	mix(malloc, free, n);
}

static void jemalloc_mix(unsigned n)
{
	mix(allocators[JEMALLOC].alloc, allocators[JEMALLOC].free, n);
}

static void mimalloc_mix(unsigned n)
{
	mix(allocators[MIMALLOC].alloc, allocators[MIMALLOC].free, n);
}

/* Medians in ns; 0 where there is no such allocator. */
static void time_allocators(void (*const *runs)(unsigned n), unsigned n, double *ns)
{
	static double times[ALLOCATORS][ROUNDS];

	for (unsigned round = 0; round < ROUNDS; round++)
		for (enum which i = 0; i < ALLOCATORS; i++)
			times[i][round] = is_there(i) ? time_ns(runs[i], n) : 0;
	for (enum which i = 0; i < ALLOCATORS; i++)
		ns[i] = median(times[i], ROUNDS);
}

static void print_allocators(const char *label, const double *ns)
{
	printf("%-34s %8.1f ns", label, ns[KMALLOC]);
	for (enum which i = GLIBC; i < ALLOCATORS; i++) {
		if (is_there(i))
			printf(" %8.1f ns %5.2fx", ns[i], ns[i] / ns[KMALLOC]);
		else
			printf(" %18s", "-");
	}
	printf("\n");
}

static void load_allocators(void)
{
	for (enum which i = JEMALLOC; i < ALLOCATORS; i++) {
		struct allocator *a = &allocators[i];
		void *library = dlopen(a->library, RTLD_NOW | RTLD_LOCAL);

		if (!library) {
			fprintf(stderr, "mm_bench: left out: %s\n", dlerror());
			continue;
		}
		/*
		 * ISO C has no cast from an object's pointer to a function's; POSIX wants it to
		 * work.
		 */
		*(void **)&a->alloc = dlsym(library, a->alloc_name);
		*(void **)&a->free = dlsym(library, a->free_name);
	}
}

static void bench_objects(void)
{
	void (*const pairs[])(unsigned n) = { kmalloc_pairs, glibc_pairs, jemalloc_pairs,
					      mimalloc_pairs };
	void (*const mixes[])(unsigned n) = { kmalloc_mix, glibc_mix, jemalloc_mix, mimalloc_mix };
	double ns[ALLOCATORS];

	printf("%-34s %11s %18s %18s %18s\n", "(and how often kmalloc's time)", "kmalloc", "glibc",
	       "jemalloc", "mimalloc");
	time_allocators(pairs, 10000, ns);
	print_allocators("pair of 64 bytes", ns);
	printf("goal: the pair is faster than glibc's: %s\n", verdict(ns[KMALLOC] < ns[GLIBC]));
	time_allocators(mixes, 8000, ns);
	print_allocators("free and alloc, 8..263 bytes", ns);
}

/* --- areas ------------------------------------------------------------------------------------ */

/* Make or free areas until `count` are there. */
static void hold_areas(unsigned count)
{
	static void *live[AREAS_MANY];
	static unsigned held;

	while (held < count)
		live[held++] = vmalloc(PAGE_SIZE);
	while (held > count)
		vfree(live[--held]);
	vm_unmap_aliases();
}

/* The purge comes once in 4096 pairs, and is one flush and one area less: it does not show. */
static double time_areas(unsigned live)
{
	double times[ROUNDS / 10];

	hold_areas(live);
	for (unsigned n = 0; n < ARRAY_SIZE(times); n++)
		times[n] = time_ns(vmalloc_pairs, 500);
	return median(times, ARRAY_SIZE(times));
}

static void bench_areas(void)
{
	double few[AREA_ROUNDS], many[AREA_ROUNDS], ratios[AREA_ROUNDS], ratio;

	for (unsigned round = 0; round < AREA_ROUNDS; round++) {
		few[round] = time_areas(AREAS_FEW);
		many[round] = time_areas(AREAS_MANY);
		ratios[round] = many[round] / few[round];
	}
	hold_areas(0);
	ratio = median(ratios, AREA_ROUNDS);
	printf("%-34s %8.1f ns %8.1f ns %7.2f  per pair\n", "vmalloc + vfree, 10 and 10,000 live",
	       median(few, AREA_ROUNDS), median(many, AREA_ROUNDS), ratio);
	printf("goal: not more than twice as long with 10,000 areas: %s\n", verdict(ratio <= 2));
}

/* --- the program ------------------------------------------------------------------------------ */

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
		if (!is_there(counted[i].needs))
			return 77;
		if (counted[i].run != boot_1g) /* fill the lists that fast paths take from */
			counted[i].run(BULK);
		mm_bench_counted(counted[i].run, counted[i].times);
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
		    pages_in_bulk, 1 << 13);
	compare_two("object: one by one, 16 in bulk", "object and its free", objects_singly,
		    objects_in_bulk, 1 << 13);
	compare_two("page pair, 64-byte kmalloc pair", "pair", page_pairs, kmalloc_pairs, 10000);
	bench_areas();
	mm_host_end();
	return 0;
}
