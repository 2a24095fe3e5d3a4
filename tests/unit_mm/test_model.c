// SPDX-License-Identifier: MIT
/*
 * The model itself: streams pass on machines of all kinds, reach everything, and a planted fault is
 * found and its stream shortened to what is known to be needed.
 */
#include <string.h>

#include "mm/page_alloc.h"
#include "mm/vmalloc.h"
#include "model.h"
#include "unit.h"

#define MIB (1u << 20)

static struct model_result run(const struct model_config *config)
{
	struct model_config c = *config;
	struct model_result result;

	mm_host_end();
	c.out = tmpfile();
	CU_ASSERT_PTR_NOT_NULL_FATAL(c.out);
	c.shrink_seconds = 60;
	if (!c.check_every)
		c.check_every = 500;
	CU_ASSERT_EQUAL(model_run(&c, &result), !result.failed);
	if (result.failed && !c.after)
		fprintf(stderr, "seed %llu: %s\n", (unsigned long long)c.seed, result.why);
	fclose(c.out);
	return result;
}

static void streams_pass_on_machines_of_all_kinds(void)
{
	const struct mm_host_config machines[] = {
		{ .ram_bytes = 48 * MIB },
		{ .ram_bytes = 128 * MIB, .highmem = 32 * MIB, .numa = 2 },
		{ .ram_bytes = 80 * MIB, .highmem = 16 * MIB, .slub_debug = "FZPU" },
		{ .ram_bytes = 64 * MIB, .slub_nomerge = true },
	};

	for (unsigned n = 0; n < ARRAY_SIZE(machines); n++) {
		struct model_config c = { .machine = machines[n], .seed = 100 + n, .count = 3000 };

		CU_ASSERT_FALSE(run(&c).failed);
	}
}

static void a_stream_reaches_every_operation_and_both_kinds_of_failure(void)
{
	struct model_config c = { .machine = { .ram_bytes = 128 * MIB, .highmem = 32 * MIB },
				  .seed = 3,
				  .count = 8000 };
	struct model_result result = run(&c);

	for (unsigned kind = 0; kind < MODEL_KINDS; kind++)
		CU_ASSERT(result.done[kind] > 0);
	CU_ASSERT(result.injected > 10);
	CU_ASSERT(result.out_of_memory > 0);
}

/* --- planted faults --------------------------------------------------------------------------- */

static bool is(const struct model_op *op, const char *name)
{
	return !strcmp(model_kind_name(op->kind), name);
}

/* A page is counted that is not there, by the first drain after an area was made. */
static void lose_a_page(const struct model_op *op)
{
	static bool vmalloced;

	vmalloced = vmalloced || is(op, "vmalloc");
	if (vmalloced && is(op, "drain_all_pages"))
		mm.first_zone[0]->stat[NR_FREE_PAGES]++;
}

static void planted_miscount_needs_two_operations(void)
{
	struct model_config c = {
		.machine = { .ram_bytes = 64 * MIB }, .seed = 4, .count = 5000, .after = lose_a_page
	};
	struct model_result result = run(&c);

	CU_ASSERT(result.failed);
	CU_ASSERT_EQUAL(result.shortest, 2);
}

/* The third kmem_cache_shrink_all kills the process, as a wild pointer might. */
static void crash(const struct model_op *op)
{
	static unsigned times;

	if (is(op, "kmem_cache_shrink_all") && ++times == 3)
		__builtin_trap();
}

static void a_crash_is_shortened_as_well(void)
{
	struct model_config c = {
		.machine = { .ram_bytes = 64 * MIB }, .seed = 5, .count = 5000, .after = crash
	};
	struct model_result result = run(&c);

	CU_ASSERT(result.failed);
	CU_ASSERT_EQUAL(result.shortest, 3);
}

/* Stale translations: an area's pages become others without a flush. */
static void swap_pages(const struct model_op *op)
{
	const struct vm_struct *vm = vm_area_first();
	pte_t *first, *second, old;

	if (!is(op, "vm_unmap_aliases"))
		return;
	for (; vm; vm = vm->next)
		if (vm->nr_pages >= 2)
			break;
	if (!vm)
		return;
	first = lookup_kernel_pte(vm->addr);
	second = lookup_kernel_pte(vm->addr + PAGE_SIZE);
	old = *first;
	*first = *second;
	*second = old;
}

static void swapped_pages_are_noticed(void)
{
	struct model_config c = {
		.machine = { .ram_bytes = 64 * MIB }, .seed = 6, .count = 5000, .after = swap_pages
	};
	struct model_result result = run(&c);

	CU_ASSERT(result.failed);
	CU_ASSERT_EQUAL(result.shortest, 2); /* vmalloc, vm_unmap_aliases */
}

static const struct unit_test tests[] = {
	UNIT_TEST(streams_pass_on_machines_of_all_kinds),
	UNIT_TEST(a_stream_reaches_every_operation_and_both_kinds_of_failure),
	UNIT_TEST(planted_miscount_needs_two_operations),
	UNIT_TEST(a_crash_is_shortened_as_well),
	UNIT_TEST(swapped_pages_are_noticed),
	UNIT_END,
};

const struct unit_suite suite_model = { "model", tests };
