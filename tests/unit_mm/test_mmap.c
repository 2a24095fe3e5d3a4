// SPDX-License-Identifier: MIT
/* mmap, munmap and mprotect: errors in Linux's order, holes, limits. */
#include <stdio.h>

#include "mm/errno.h"
#include "mm/vma.h"
#include "unit.h"
#include "vma_rig.h"

static uint32_t map(vaddr_t addr, uint32_t len, uint32_t prot, uint32_t flags)
{
	return do_mmap_pgoff(rig.mm, NULL, addr, len, prot, flags, 0);
}

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

/* --- errors of mmap --------------------------------------------------------------------------- */

/* Each was asked of Linux 6.18 by a 32-bit program. */
static void errors_of_anonymous_maps(void)
{
	static const struct {
		vaddr_t addr;
		uint32_t len, prot, flags;
		int error;
	} rows[] = {
		{ 0, 0, RW, ANON, EINVAL },
		{ 0, 0, RW, MAP_ANONYMOUS, EINVAL },
		{ 0, PAGE_SIZE, RW, MAP_ANONYMOUS, EINVAL },
		{ 0, PAGE_SIZE, RW, MAP_ANONYMOUS | MAP_SHARED_VALIDATE, EINVAL },
		{ 0, PAGE_SIZE, RW, MAP_ANONYMOUS | 0xf, EINVAL },
		{ 0, PAGE_SIZE, RW, MAP_ANONYMOUS | MAP_SHARED | MAP_GROWSDOWN, EINVAL },
		{ RIG_BASE + 1, PAGE_SIZE, RW, MAP_ANON_FIXED, EINVAL },
		{ RIG_BASE + 1, PAGE_SIZE, RW, ANON | MAP_FIXED_NOREPLACE, EINVAL },
		{ 0, 0xffffffff, PROT_READ, ANON, ENOMEM },
		{ 0, 0xfffff000, PROT_READ, ANON, ENOMEM },
		{ 0, TASK_SIZE + 1, PROT_READ, ANON, ENOMEM },
		{ TASK_SIZE, PAGE_SIZE, PROT_READ, MAP_ANON_FIXED, ENOMEM },
		{ TASK_SIZE - PAGE_SIZE, 2 * PAGE_SIZE, PROT_READ, MAP_ANON_FIXED, ENOMEM },
		{ 0xfffff000, PAGE_SIZE, PROT_READ, MAP_ANON_FIXED, ENOMEM },
		{ 0, PAGE_SIZE, PROT_READ, MAP_ANON_FIXED, EPERM },
		{ MMAP_MIN_ADDR - PAGE_SIZE, PAGE_SIZE, PROT_READ, MAP_ANON_FIXED, EPERM },
		{ RIG_BASE, PAGE_SIZE, PROT_READ, ANON | MAP_FIXED_NOREPLACE, EEXIST },
		{ RIG_BASE - PAGE_SIZE, 2 * PAGE_SIZE, PROT_READ, ANON | MAP_FIXED_NOREPLACE,
		  EEXIST },
		{ 0, 65 * MIB, RW, ANON, ENOMEM }, /* more than there is memory */
		{ 0, 65 * MIB, RW, MAP_SHARED | MAP_ANONYMOUS, ENOMEM },
	};

	rig_begin();
	rig_map(0, 1, RW);
	for (unsigned n = 0; n < ARRAY_SIZE(rows); n++) {
		uint32_t result = map(rows[n].addr, rows[n].len, rows[n].prot, rows[n].flags);

		if (!IS_ERROR(result, rows[n].error))
			fprintf(stderr, "row %u: %08x\n", n, result);
		CU_ASSERT(IS_ERROR(result, rows[n].error));
	}
	CU_ASSERT_EQUAL(rig.mm->map_count, 1);
	CU_ASSERT(!IS_ERR_VALUE(map(0, 65 * MIB, RW, ANON | MAP_NORESERVE)));
	CU_ASSERT(!IS_ERR_VALUE(map(0, 65 * MIB, PROT_READ, ANON)));
	CU_ASSERT_EQUAL(map(MMAP_MIN_ADDR, PAGE_SIZE, RW, MAP_ANON_FIXED), MMAP_MIN_ADDR);
	CU_ASSERT_EQUAL(map(at(1), PAGE_SIZE, RW, ANON | MAP_FIXED_NOREPLACE), at(1));
	rig_end();
}

static void errors_of_file_maps(void)
{
	static const struct {
		uint32_t mode, prot, flags;
		int error; /* 0: it is mapped */
	} rows[] = {
		{ FMODE_READ, RW, 0, EINVAL },
		{ FMODE_READ, RW, MAP_SHARED, EACCES },
		{ FMODE_READ, PROT_READ, MAP_SHARED, 0 },
		{ FMODE_READ, RW, MAP_PRIVATE, 0 },
		{ FMODE_WRITE, PROT_READ, MAP_SHARED, EACCES },
		{ FMODE_WRITE, PROT_WRITE, MAP_SHARED, EACCES },
		{ FMODE_WRITE, PROT_WRITE, MAP_PRIVATE, EACCES },
		{ FMODE_READ | FMODE_WRITE, RW, MAP_SHARED, 0 },
		{ FMODE_READ, PROT_READ, MAP_SHARED_VALIDATE, 0 },
		{ FMODE_READ, PROT_READ, MAP_SHARED_VALIDATE | 0x02000000, EOPNOTSUPP },
		{ FMODE_READ, PROT_READ, MAP_SHARED | 0x02000000, 0 },
		{ FMODE_READ, PROT_READ, MAP_PRIVATE | MAP_GROWSDOWN, EINVAL },
		{ FMODE_READ, PROT_READ, MAP_SHARED | MAP_GROWSDOWN, EINVAL },
	};
	struct file *f;

	rig_begin();
	f = rig_file(4, 0);
	for (unsigned n = 0; n < ARRAY_SIZE(rows); n++) {
		uint32_t result;

		f->f_mode = rows[n].mode;
		result = do_mmap_pgoff(rig.mm, f, 0, PAGE_SIZE, rows[n].prot, rows[n].flags, 0);
		CU_ASSERT(rows[n].error ? IS_ERROR(result, rows[n].error) : !IS_ERR_VALUE(result));
	}
	f->f_mode = FMODE_READ;
	CU_ASSERT(IS_ERROR(
		do_mmap_pgoff(rig.mm, f, 0, 2 * PAGE_SIZE, PROT_READ, MAP_SHARED, 0xffffffff),
		EOVERFLOW));
	fput(f);
	rig_end();
}

static void file_that_cannot_be_mapped_is_enodev_after_eacces(void)
{
	struct file pipe = { .f_count = 1, .f_mode = FMODE_READ };

	rig_begin();
	CU_ASSERT(IS_ERROR(do_mmap_pgoff(rig.mm, &pipe, 0, PAGE_SIZE, RW, MAP_SHARED, 0), EACCES));
	CU_ASSERT(IS_ERROR(do_mmap_pgoff(rig.mm, &pipe, 0, PAGE_SIZE, PROT_READ, MAP_SHARED, 0),
			   ENODEV));
	CU_ASSERT_EQUAL(pipe.f_count, 1);
	rig_end();
}

static void shared_file_without_write_may_never_be_written(void)
{
	struct file *f;

	rig_begin();
	f = rig_file(4, FMODE_READ);
	do_mmap_pgoff(rig.mm, f, at(0), 4 * PAGE_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, 0);
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(0), PAGE_SIZE, RW), -EACCES);
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(0), PAGE_SIZE, PROT_READ | PROT_EXEC), 0);
	CU_ASSERT(rig.mm->mmap->vm_flags & VM_MAYSHARE);
	CU_ASSERT(!(rig.mm->mmap->vm_flags & VM_SHARED));
	fput(f);
	rig_end();
}

/* --- holes ------------------------------------------------------------------------------------ */

/* The gap below the stack's top is at least 128 MiB, for the default limit of 8 MiB, too. */
static void layout_follows_the_stack_limit(void)
{
	static const struct {
		uint32_t rlim_stack;
		vaddr_t base;
	} rows[] = {
		{ 8 * MIB, TASK_SIZE - 128 * MIB },
		{ 0, TASK_SIZE - 128 * MIB },
		{ 256 * MIB, TASK_SIZE - 257 * MIB }, /* and the guard gap of 1 MiB */
		{ 0xf0000000, TASK_SIZE - TASK_SIZE / 6 * 5 },
		{ UINT32_MAX, 0x40000000 }, /* TASK_SIZE / 3, from there upwards */
	};

	rig_begin();
	for (unsigned n = 0; n < ARRAY_SIZE(rows); n++) {
		rig.mm->rlim_stack = rows[n].rlim_stack;
		mm_pick_layout(rig.mm);
		CU_ASSERT_EQUAL(rig.mm->mmap_base, rows[n].base);
		CU_ASSERT_EQUAL(rig.mm->mmap_legacy, rows[n].rlim_stack == UINT32_MAX);
	}
	rig_end();
}

static void highest_hole_that_fits_is_taken(void)
{
	vaddr_t base, a, b, c;

	rig_begin();
	base = rig.mm->mmap_base;
	a = map(0, 4 * PAGE_SIZE, RW, ANON);
	b = map(0, 4 * PAGE_SIZE, PROT_READ, ANON);
	c = map(0, 4 * PAGE_SIZE, RW, ANON);
	CU_ASSERT_EQUAL(a, base - 4 * PAGE_SIZE);
	CU_ASSERT_EQUAL(b, base - 8 * PAGE_SIZE);
	CU_ASSERT_EQUAL(c, base - 12 * PAGE_SIZE);
	CU_ASSERT_EQUAL(do_munmap(rig.mm, b, 4 * PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(map(0, 5 * PAGE_SIZE, PROT_READ, ANON), c - 5 * PAGE_SIZE);
	CU_ASSERT_EQUAL(map(0, 3 * PAGE_SIZE, PROT_READ, ANON), b + PAGE_SIZE);
	CU_ASSERT_EQUAL(map(0, 1, PROT_READ, ANON), b);
	CU_ASSERT_EQUAL(map(0, PAGE_SIZE, PROT_EXEC, ANON), c - 6 * PAGE_SIZE);
	rig_end();
}

static void legacy_layout_takes_the_lowest_hole(void)
{
	vaddr_t base;

	rig_begin();
	rig.mm->rlim_stack = UINT32_MAX;
	mm_pick_layout(rig.mm);
	base = rig.mm->mmap_base;
	CU_ASSERT_EQUAL(map(0, 4 * PAGE_SIZE, RW, ANON), base);
	CU_ASSERT_EQUAL(map(0, 4 * PAGE_SIZE, PROT_READ, ANON), base + 4 * PAGE_SIZE);
	CU_ASSERT_EQUAL(map(0, PAGE_SIZE, RW, ANON), base + 8 * PAGE_SIZE);
	CU_ASSERT_EQUAL(do_munmap(rig.mm, base + PAGE_SIZE, 2 * PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(map(0, 3 * PAGE_SIZE, RW, ANON), base + 9 * PAGE_SIZE);
	CU_ASSERT_EQUAL(map(0, 2 * PAGE_SIZE, PROT_EXEC, ANON), base + PAGE_SIZE);
	rig_end();
}

/* Below mmap_base there is no room: Linux looks once more from the bottom, up to the end. */
static void full_area_falls_back_to_what_is_above(void)
{
	vaddr_t base;

	rig_begin();
	base = rig.mm->mmap_base;
	map(MMAP_MIN_ADDR, base - MMAP_MIN_ADDR, PROT_NONE, MAP_ANON_FIXED | MAP_NORESERVE);
	CU_ASSERT_EQUAL(map(0, PAGE_SIZE, RW, ANON), base);
	CU_ASSERT_EQUAL(map(0, TASK_SIZE - base - PAGE_SIZE, PROT_READ, ANON), base + PAGE_SIZE);
	CU_ASSERT(IS_ERROR(map(0, PAGE_SIZE, RW, ANON), ENOMEM));
	CU_ASSERT_EQUAL(do_munmap(rig.mm, MMAP_MIN_ADDR, PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(map(0, PAGE_SIZE, RW, ANON), MMAP_MIN_ADDR);
	rig_end();
}

static void hint_is_kept_where_it_fits(void)
{
	rig_begin();
	CU_ASSERT_EQUAL(map(at(0), PAGE_SIZE, RW, ANON), at(0));
	CU_ASSERT_EQUAL(map(at(1) + 5, PAGE_SIZE, PROT_READ, ANON), at(1));
	CU_ASSERT_EQUAL(map(at(1), PAGE_SIZE, RW, ANON), rig.mm->mmap_base - PAGE_SIZE);
	CU_ASSERT_EQUAL(map(at(0) - PAGE_SIZE, 2 * PAGE_SIZE, RW, ANON),
			rig.mm->mmap_base - 3 * PAGE_SIZE);
	CU_ASSERT_EQUAL(map(0x5000, PAGE_SIZE, RW, ANON), MMAP_MIN_ADDR);
	CU_ASSERT_EQUAL(map(5, PAGE_SIZE, PROT_EXEC, ANON), rig.mm->mmap_base - 4 * PAGE_SIZE);
	CU_ASSERT_EQUAL(map(TASK_SIZE - PAGE_SIZE, 2 * PAGE_SIZE, PROT_EXEC, ANON),
			rig.mm->mmap_base - 6 * PAGE_SIZE);
	CU_ASSERT_EQUAL(map(TASK_SIZE - PAGE_SIZE, PAGE_SIZE, RW, ANON), TASK_SIZE - PAGE_SIZE);
	rig_end();
}

/* 256 pages stay free below an area that grows down; a fixed mapping may lie there all the same. */
static void guard_gap_of_a_stack_stays_free(void)
{
	const vaddr_t stack = RIG_BASE + 16 * MIB, gap = 256 * PAGE_SIZE;

	rig_begin();
	map(stack, 4 * PAGE_SIZE, RW, MAP_ANON_FIXED | MAP_GROWSDOWN);
	CU_ASSERT_NOT_EQUAL(map(stack - PAGE_SIZE, PAGE_SIZE, RW, ANON), stack - PAGE_SIZE);
	CU_ASSERT_NOT_EQUAL(map(stack - gap, PAGE_SIZE, RW, ANON), stack - gap);
	CU_ASSERT_EQUAL(map(stack - gap - PAGE_SIZE, PAGE_SIZE, RW, ANON), stack - gap - PAGE_SIZE);
	CU_ASSERT_EQUAL(map(stack - 2 * PAGE_SIZE, PAGE_SIZE, RW, MAP_ANON_FIXED),
			stack - 2 * PAGE_SIZE);
	rig_end();
}

static void hole_search_respects_the_guard_gap(void)
{
	vaddr_t stack;

	rig_begin();
	stack = rig.mm->mmap_base - 4 * PAGE_SIZE;
	map(stack, 4 * PAGE_SIZE, RW, MAP_ANON_FIXED | MAP_GROWSDOWN);
	CU_ASSERT_EQUAL(map(0, PAGE_SIZE, RW, ANON), stack - 257 * PAGE_SIZE);
	rig_end();
}

/*
 * Random maps and unmaps in a window: the search by the tree finds what a search page by page
 * finds.
 */
static vaddr_t search_slowly(vaddr_t low, vaddr_t high, uint32_t len, bool topdown)
{
	for (vaddr_t n = 0; n <= (high - low - len) >> PAGE_SHIFT; n++) {
		vaddr_t addr = topdown ? high - len - (n << PAGE_SHIFT) : low + (n << PAGE_SHIFT);
		const struct vm_area_struct *vma = find_vma(rig.mm, addr);

		if (!vma || addr + len <= vm_start_gap(vma))
			return addr;
	}
	return 0;
}

static void tree_finds_what_a_slow_search_finds(void)
{
	enum { WINDOW = 700 };
	uint32_t seed = 12345;
	unsigned found = 0;

	rig_begin();
	for (unsigned round = 0; round < 3000; round++) {
		uint32_t r = seed = seed * 1664525 + 1013904223;
		unsigned page = (r >> 8) % WINDOW, pages = (r >> 20) % 9 + 1;
		vaddr_t low, high;
		bool topdown = r >> 31;

		if (round % 64 == 0)
			map(at(page), PAGE_SIZE, RW, MAP_ANON_FIXED | MAP_GROWSDOWN);
		else if (round % 2)
			map(at(page), pages * PAGE_SIZE, r & 0x80 ? RW : PROT_READ, MAP_ANON_FIXED);
		else
			do_munmap(rig.mm, at(page), pages * 6 * PAGE_SIZE);
		low = at((r >> 12) % 100);
		high = at(WINDOW - (r >> 16) % 100);
		pages = (r >> 4) % 90 + 1;
		CU_ASSERT_EQUAL(vma_find_hole(rig.mm, low, high, pages * PAGE_SIZE, topdown),
				search_slowly(low, high, pages * PAGE_SIZE, topdown));
		found += vma_find_hole(rig.mm, low, high, pages * PAGE_SIZE, topdown) != 0;
	}
	CU_ASSERT(found > 300 && found < 3000); /* both outcomes are met */
	rig_end();
}

/* --- limits ----------------------------------------------------------------------------------- */

static void rlimit_as_counts_what_a_fixed_map_replaces_once(void)
{
	rig_begin();
	rig_map(0, 4, RW);
	rig.mm->rlim_as = 6 * PAGE_SIZE;
	CU_ASSERT(IS_ERROR(map(0, 3 * PAGE_SIZE, RW, ANON), ENOMEM));
	rig_map(2, 4, RW); /* two pages replaced, two more */
	CU_ASSERT_EQUAL(rig.mm->total_vm, 6);
	rig_map(0, 6, PROT_READ);
	CU_ASSERT(IS_ERROR(map(0, PAGE_SIZE, PROT_NONE, ANON), ENOMEM));
	rig_end();
}

static void rlimit_data_counts_private_writable_memory(void)
{
	rig_begin();
	rig.mm->rlim_data = 4 * PAGE_SIZE;
	rig_map(0, 4, RW);
	rig_map(4, 4, PROT_READ);
	CU_ASSERT(IS_ERROR(map(0, PAGE_SIZE, RW, ANON), ENOMEM));
	CU_ASSERT(!IS_ERR_VALUE(map(0, PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS)));
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(4), PAGE_SIZE, RW), -ENOMEM);
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(0), 2 * PAGE_SIZE, PROT_READ), 0);
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(4), 2 * PAGE_SIZE, RW), 0);
	CU_ASSERT_EQUAL(rig.mm->data_vm, 4);
	rig_end();
}

/*
 * Every second page, so that none merge: the first map beyond 65530 fails (the check is "more
 * than").
 */
static void map_count_is_limited(void)
{
	unsigned n = 0;

	rig_begin();
	for (; n < DEFAULT_MAX_MAP_COUNT + 1; n++)
		CU_ASSERT_FATAL(!IS_ERR_VALUE(
			map(RIG_BASE + n * 2 * PAGE_SIZE, PAGE_SIZE, PROT_NONE, MAP_ANON_FIXED)));
	CU_ASSERT(IS_ERROR(map(RIG_BASE + n * 2 * PAGE_SIZE, PAGE_SIZE, PROT_NONE, MAP_ANON_FIXED),
			   ENOMEM));
	CU_ASSERT_EQUAL(do_munmap(rig.mm, RIG_BASE, 2 * PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(do_munmap(rig.mm, RIG_BASE + 2 * PAGE_SIZE, PAGE_SIZE), 0);
	CU_ASSERT(!IS_ERR_VALUE(map(RIG_BASE, 3 * PAGE_SIZE, PROT_NONE, MAP_ANON_FIXED)));
	CU_ASSERT_EQUAL(rig.mm->map_count, DEFAULT_MAX_MAP_COUNT);
	CU_ASSERT(!IS_ERR_VALUE(
		map(RIG_BASE + n * 2 * PAGE_SIZE, 3 * PAGE_SIZE, RW, MAP_ANON_FIXED)));
	/* A hole in the middle would make one more of it; at an end it does not. */
	CU_ASSERT_EQUAL(rig.mm->map_count, DEFAULT_MAX_MAP_COUNT + 1);
	n = RIG_BASE + n * 2 * PAGE_SIZE;
	CU_ASSERT_EQUAL(do_munmap(rig.mm, n + PAGE_SIZE, PAGE_SIZE), -ENOMEM);
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, n, PAGE_SIZE, PROT_NONE), -ENOMEM);
	CU_ASSERT_EQUAL(do_munmap(rig.mm, n, PAGE_SIZE), 0);
	rig_end();
}

static void locked_memory_is_limited(void)
{
	rig_begin();
	rig.mm->rlim_memlock = 4 * PAGE_SIZE;
	CU_ASSERT(!IS_ERR_VALUE(map(0, 3 * PAGE_SIZE, RW, ANON | MAP_LOCKED)));
	CU_ASSERT_EQUAL(rig.mm->locked_vm, 3);
	CU_ASSERT_EQUAL(rig.mm->rss[MM_ANONPAGES], 3);
	CU_ASSERT(IS_ERROR(map(0, 2 * PAGE_SIZE, RW, ANON | MAP_LOCKED), EAGAIN));
	rig.mm->rlim_memlock = 0;
	CU_ASSERT(IS_ERROR(map(0, PAGE_SIZE, RW, ANON | MAP_LOCKED), EPERM));
	rig_end();
}

static void populate_brings_the_pages_in(void)
{
	rig_begin();
	map(at(0), 3 * PAGE_SIZE, RW, MAP_ANON_FIXED | MAP_POPULATE);
	CU_ASSERT_EQUAL(rig.mm->rss[MM_ANONPAGES], 3);
	map(at(4), 3 * PAGE_SIZE, RW, MAP_ANON_FIXED | MAP_POPULATE | MAP_NONBLOCK);
	map(at(8), 3 * PAGE_SIZE, PROT_NONE, MAP_ANON_FIXED | MAP_POPULATE);
	CU_ASSERT_EQUAL(rig.mm->rss[MM_ANONPAGES], 3);
	rig_end();
}

static void read_implies_exec_for_old_programs(void)
{
	rig_begin();
	rig.mm->read_implies_exec = true;
	rig_map(0, 1, PROT_READ);
	CU_ASSERT(rig.mm->mmap->vm_flags & VM_EXEC);
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(0), PAGE_SIZE, PROT_WRITE), 0);
	CU_ASSERT(!(rig.mm->mmap->vm_flags & VM_EXEC));
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(0), PAGE_SIZE, RW), 0);
	CU_ASSERT(rig.mm->mmap->vm_flags & VM_EXEC);
	rig_end();
}

/* --- munmap ----------------------------------------------------------------------------------- */

static void errors_of_munmap(void)
{
	rig_begin();
	rig_map(0, 4, RW);
	CU_ASSERT_EQUAL(do_munmap(rig.mm, at(0) + 1, PAGE_SIZE), -EINVAL);
	CU_ASSERT_EQUAL(do_munmap(rig.mm, at(0), 0), -EINVAL);
	CU_ASSERT_EQUAL(do_munmap(rig.mm, at(0), 0xfffff000), -EINVAL);
	CU_ASSERT_EQUAL(do_munmap(rig.mm, at(0), 0xffffffff), -EINVAL);
	CU_ASSERT_EQUAL(do_munmap(rig.mm, TASK_SIZE, PAGE_SIZE), -EINVAL);
	CU_ASSERT_EQUAL(do_munmap(rig.mm, TASK_SIZE - PAGE_SIZE, PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(do_munmap(rig.mm, 0, PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(do_munmap(rig.mm, at(100), PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(do_munmap(rig.mm, at(0), 1), 0);
	CU_ASSERT_STRING_EQUAL(rig_draw(4), ".aaa");
	rig_end();
}

static void munmap_takes_holes_and_parts(void)
{
	rig_begin();
	rig_map(0, 4, RW);
	rig_map(6, 2, RW);
	rig_map(10, 4, RW);
	rig_touch(0, 4);
	rig_touch(10, 4);
	CU_ASSERT_EQUAL(do_munmap(rig.mm, at(2), 10 * PAGE_SIZE), 0);
	CU_ASSERT_STRING_EQUAL(rig_draw(14), "aa..........bb");
	CU_ASSERT_EQUAL(rig.mm->rss[MM_ANONPAGES], 4);
	CU_ASSERT_EQUAL(rig.mm->total_vm, 4);
	CU_ASSERT_EQUAL(rig.mm->hiwater_vm, 10);
	CU_ASSERT_EQUAL(rig.mm->nr_ptes, 1);
	CU_ASSERT_EQUAL(do_munmap(rig.mm, 0, TASK_SIZE), 0);
	CU_ASSERT_EQUAL(rig.mm->map_count, 0);
	CU_ASSERT_EQUAL(rig.mm->nr_ptes, 0);
	rig_end();
}

/* --- mprotect --------------------------------------------------------------------------------- */

static void errors_of_mprotect(void)
{
	const uint32_t down = PROT_GROWSDOWN, up = PROT_GROWSUP;

	rig_begin();
	rig_map(0, 4, RW);
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(0) + 1, PAGE_SIZE, PROT_READ), -EINVAL);
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(0) + 1, 0, PROT_READ), -EINVAL);
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(0), 0, 0x80), 0);
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(0), PAGE_SIZE, 0x80), -EINVAL);
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(0), PAGE_SIZE, 0x8), 0); /* PROT_SEM */
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(0) - PAGE_SIZE, 2 * PAGE_SIZE, RW), -ENOMEM);
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(1), PAGE_SIZE, PROT_READ | down), -EINVAL);
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(1), PAGE_SIZE, PROT_READ | up), -EINVAL);
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(1), PAGE_SIZE, PROT_READ | up | down), -EINVAL);
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(100), PAGE_SIZE, PROT_READ | up | down), -EINVAL);
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(100), PAGE_SIZE, PROT_READ | down), -ENOMEM);
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(100), 0, PROT_READ | down), 0);
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, TASK_SIZE, PAGE_SIZE, PROT_READ), -ENOMEM);
	CU_ASSERT_STRING_EQUAL(rig_draw(4), "abbb");
	rig_end();
}

static void mprotect_changes_what_is_before_a_hole(void)
{
	rig_begin();
	rig_map(0, 4, RW);
	rig_map(6, 2, RW);
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(2), 5 * PAGE_SIZE, PROT_READ), -ENOMEM);
	CU_ASSERT_STRING_EQUAL(rig_draw(8), "aabb..cc");
	CU_ASSERT(find_vma(rig.mm, at(6))->vm_flags & VM_WRITE);
	/* To the end of the address space and beyond it: the same. */
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(7), 0xffffffff, PROT_NONE), -ENOMEM);
	CU_ASSERT_STRING_EQUAL(rig_draw(8), "aabb..cd");
	rig_end();
}

/* What was writable and never written is not charged any more, and is what it would have been. */
static void untouched_memory_that_becomes_read_only_merges_with_such(void)
{
	rig_begin();
	rig_map(0, 4, PROT_READ);
	rig_map(4, 4, RW);
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(4), 4 * PAGE_SIZE, PROT_READ), 0);
	CU_ASSERT_STRING_EQUAL(rig_draw(8), "aaaaaaaa");
	rig_map(4, 4, RW);
	rig_touch(4, 1);
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(4), 4 * PAGE_SIZE, PROT_READ), 0);
	CU_ASSERT_STRING_EQUAL(rig_draw(8), "aaaabbbb");
	rig_end();
}

static void growsdown_begins_at_the_start_of_the_stack(void)
{
	rig_begin();
	map(at(8), 4 * PAGE_SIZE, RW, MAP_ANON_FIXED | MAP_GROWSDOWN);
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(10), PAGE_SIZE, PROT_READ | PROT_GROWSDOWN), 0);
	CU_ASSERT_STRING_EQUAL(rig_draw(12), "........aaab");
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(7), 2 * PAGE_SIZE, RW | PROT_GROWSDOWN), 0);
	CU_ASSERT_STRING_EQUAL(rig_draw(12), "........abbc");
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(7), PAGE_SIZE, RW | PROT_GROWSDOWN), -ENOMEM);
	rig_end();
}

/* --- no memory -------------------------------------------------------------------------------- */

static struct file *test_file;

static int map_a_file(void)
{
	uint32_t addr = do_mmap_pgoff(rig.mm, test_file, at(0), 4 * PAGE_SIZE, PROT_READ,
				      MAP_PRIVATE | MAP_FIXED, 0);

	return IS_ERR_VALUE(addr) ? (int)addr : do_munmap(rig.mm, at(0), 4 * PAGE_SIZE);
}

static int map_shared_memory(void)
{
	uint32_t addr = map(at(0), 4 * PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED);

	return IS_ERR_VALUE(addr) ? (int)addr : do_munmap(rig.mm, at(0), 4 * PAGE_SIZE);
}

/* Three of one; what a failed call has cut stays cut. */
static int cut_and_unmap(void)
{
	int err = do_munmap(rig.mm, at(22), PAGE_SIZE);

	if (!err)
		err = do_mprotect(rig.mm, at(24), PAGE_SIZE, PROT_READ);
	return err;
}

static void failed_allocations_leave_no_trace(void)
{
	rig_begin();
	test_file = rig_file(8, FMODE_READ);
	rig_fail_each(map_a_file);
	CU_ASSERT_EQUAL(test_file->f_count, 1);
	rig_fail_each(map_shared_memory);
	fput(test_file);
	rig_map(20, 8, RW);
	rig_touch(20, 8);
	rig_fail_each(cut_and_unmap);
	rig_end();
}

static const struct unit_test tests[] = {
	UNIT_TEST(errors_of_anonymous_maps),
	UNIT_TEST(errors_of_file_maps),
	UNIT_TEST(file_that_cannot_be_mapped_is_enodev_after_eacces),
	UNIT_TEST(shared_file_without_write_may_never_be_written),
	UNIT_TEST(layout_follows_the_stack_limit),
	UNIT_TEST(highest_hole_that_fits_is_taken),
	UNIT_TEST(legacy_layout_takes_the_lowest_hole),
	UNIT_TEST(full_area_falls_back_to_what_is_above),
	UNIT_TEST(hint_is_kept_where_it_fits),
	UNIT_TEST(guard_gap_of_a_stack_stays_free),
	UNIT_TEST(hole_search_respects_the_guard_gap),
	UNIT_TEST(tree_finds_what_a_slow_search_finds),
	UNIT_TEST(rlimit_as_counts_what_a_fixed_map_replaces_once),
	UNIT_TEST(rlimit_data_counts_private_writable_memory),
	UNIT_TEST(map_count_is_limited),
	UNIT_TEST(locked_memory_is_limited),
	UNIT_TEST(populate_brings_the_pages_in),
	UNIT_TEST(read_implies_exec_for_old_programs),
	UNIT_TEST(errors_of_munmap),
	UNIT_TEST(munmap_takes_holes_and_parts),
	UNIT_TEST(errors_of_mprotect),
	UNIT_TEST(mprotect_changes_what_is_before_a_hole),
	UNIT_TEST(untouched_memory_that_becomes_read_only_merges_with_such),
	UNIT_TEST(growsdown_begins_at_the_start_of_the_stack),
	UNIT_TEST(failed_allocations_leave_no_trace),
	UNIT_END,
};

const struct unit_suite suite_mmap = { "mmap", tests };
