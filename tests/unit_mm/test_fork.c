// SPDX-License-Identifier: MIT
/* fork's page tables: what is copied, what is left to faults, and what is left when memory ends. */
#include "fault_rig.h"

#define MIB (1u << 20)

static struct mm_struct *forked(struct mm_struct *mm)
{
	struct mm_struct *child = dup_mm(mm);

	CU_ASSERT_PTR_NOT_NULL_FATAL(child);
	return child;
}

static void child_sees_what_the_parent_had(void)
{
	struct mm_struct *mm = fault_begin(), *child;

	map(mm, VA, 8, RW, PRIVATE);
	map(mm, VA + PGDIR_SIZE, 8, RW, PRIVATE);
	for (uint32_t n = 0; n < 8; n += 2) {
		put(VA + n * PAGE_SIZE, n + 1);
		put(VA + PGDIR_SIZE + n * PAGE_SIZE, n + 100);
	}
	child = forked(mm);
	CU_ASSERT_EQUAL(child->rss[MM_ANONPAGES], 8);
	CU_ASSERT_EQUAL(child->total_vm, mm->total_vm);
	CU_ASSERT_EQUAL(child->map_count, mm->map_count);
	for (uint32_t n = 0; n < 8; n++) {
		CU_ASSERT_EQUAL(get_in(child, VA + n * PAGE_SIZE), n % 2 ? 0 : n + 1);
		CU_ASSERT_EQUAL(get_in(child, VA + PGDIR_SIZE + n * PAGE_SIZE),
				n % 2 ? 0 : n + 100);
	}
	CU_ASSERT_EQUAL(fault_check(), 0);
	mmput(child);
	fault_end(mm);
}

static void fork_flushes_the_parent_once(void)
{
	struct mm_struct *mm = fault_begin(), *child;

	for (uint32_t n = 0; n < 10; n++) {
		map(mm, VA + n * MIB, 4, RW, PRIVATE);
		put(VA + n * MIB, n);
	}
	mm_host.flush_user = mm_host.flush_all = mm_host.flush_range = 0;
	child = forked(mm);
	CU_ASSERT_EQUAL(mm_host.flush_user, 1);
	CU_ASSERT_EQUAL(mm_host.flush_all + mm_host.flush_range, 0);
	put(VA, 100); /* not by what was cached */
	CU_ASSERT_EQUAL(get_in(child, VA), 0);
	mmput(child);
	fault_end(mm);
}

static void tables_are_made_where_there_are_pages(void)
{
	struct mm_struct *mm = fault_begin(), *child;
	struct test_file f;

	test_file_init(&f, 4 * PAGE_SIZE);
	map(mm, VA, 4 * PGDIR_SIZE >> PAGE_SHIFT, RW, PRIVATE);
	put(VA + 2 * PGDIR_SIZE, 1); /* the third of its tables */
	map_file(mm, &f, 2 * VA, 4, RW, MAP_SHARED);
	put(2 * VA, 1);
	map_file(mm, &f, 3 * VA, 4, PROT_READ, MAP_PRIVATE);
	get(3 * VA);
	map(mm, 4 * VA, 4, RW, PRIVATE);
	get(4 * VA); /* the zero page */
	CU_ASSERT_EQUAL(mm->nr_ptes, 4);
	child = forked(mm);
	CU_ASSERT_EQUAL(child->nr_ptes, 1); /* the rest comes back by faults */
	CU_ASSERT_EQUAL(child->rss[MM_FILEPAGES], 0);
	CU_ASSERT_EQUAL(get_in(child, VA + 2 * PGDIR_SIZE), 1);
	CU_ASSERT_EQUAL(get_in(child, 2 * VA), 1);
	CU_ASSERT_EQUAL(get_in(child, 3 * VA), 1); /* both map the same page */
	CU_ASSERT_EQUAL(get_in(child, 4 * VA), 0);
	CU_ASSERT_EQUAL(child->maj_flt, 0);
	mmput(child);
	CU_ASSERT_EQUAL(fault_check(), 0);
	exit_mmap(mm);
	truncate_inode_pages(&f.mapping);
	fault_end(mm);
}

static void file_pages_beside_anonymous_ones_are_copied_and_counted(void)
{
	struct mm_struct *mm = fault_begin(), *child;
	struct test_file f;

	test_file_init(&f, 4 * PAGE_SIZE);
	map_file(mm, &f, VA, 4, RW, MAP_PRIVATE);
	get(VA);
	put(VA + PAGE_SIZE, 9);
	child = forked(mm);
	CU_ASSERT_EQUAL(child->rss[MM_FILEPAGES], 1);
	CU_ASSERT_EQUAL(child->rss[MM_ANONPAGES], 1);
	CU_ASSERT_EQUAL(page_at(mm, VA)->mapcount, 2);
	CU_ASSERT_EQUAL(page_at(mm, VA)->count, 3);
	put_in(child, VA, 1);
	CU_ASSERT(get(VA) == file_word(0, 0) && get(VA + PAGE_SIZE) == 9);
	CU_ASSERT_EQUAL(fault_check(), 0);
	mmput(child);
	exit_mmap(mm);
	truncate_inode_pages(&f.mapping);
	fault_end(mm);
}

static void child_starts_old_and_keeps_private_dirt(void)
{
	struct mm_struct *mm = fault_begin(), *child;

	map(mm, VA, 1, RW, PRIVATE);
	put(VA, 1);
	child = forked(mm);
	CU_ASSERT_EQUAL(pte_at(child, VA) & (_PAGE_ACCESSED | _PAGE_DIRTY), _PAGE_DIRTY);
	CU_ASSERT(pte_at(mm, VA) & _PAGE_ACCESSED);
	mmput(child);
	fault_end(mm);
}

static void memory_without_rights_stays_so_in_the_child(void)
{
	struct mm_struct *mm = fault_begin(), *child;

	map(mm, VA, 1, RW, PRIVATE);
	put(VA, 5);
	CU_ASSERT_EQUAL(do_mprotect(mm, VA, PAGE_SIZE, PROT_NONE), 0);
	child = forked(mm);
	CU_ASSERT_EQUAL(child->rss[MM_ANONPAGES], 1);
	CU_ASSERT_PTR_EQUAL(page_at(child, VA), page_at(mm, VA));
	CU_ASSERT_EQUAL(fault_check(), 0);
	mm_host_switch_mm(child);
	CU_ASSERT_EQUAL(try_get(VA), FAULT_SEGV_ACCERR);
	mm_host_switch_mm(mm);
	mmput(child);
	fault_end(mm);
}

static void not_inherited_memory_is_missing_in_the_child(void)
{
	struct mm_struct *mm = fault_begin(), *child;

	map(mm, VA, 1, RW, PRIVATE);
	put(VA, 5);
	find_vma(mm, VA)->vm_flags |= VM_DONTCOPY;
	child = forked(mm);
	mm_host_switch_mm(child);
	CU_ASSERT_EQUAL(try_get(VA), FAULT_SEGV_MAPERR);
	mm_host_switch_mm(mm);
	CU_ASSERT_EQUAL(page_at(mm, VA)->mapcount, 1);
	mmput(child);
	fault_end(mm);
}

/* Text, data, bss, heap, shared memory, a stack: what a program has. */
static void map_program(struct mm_struct *mm, struct test_file *f)
{
	map_file(mm, f, VA, 4, PROT_READ | PROT_EXEC, MAP_PRIVATE);
	map_file(mm, f, VA + MIB, 4, RW, MAP_PRIVATE);
	map(mm, 2 * VA, 64, RW, PRIVATE);
	map(mm, 3 * VA, 4, RW, SHARED);
	setup_stack_vma(mm, 16 * PAGE_SIZE);
	get(VA);
	put(VA + MIB, 1);
	get(VA + MIB + PAGE_SIZE);
	for (uint32_t n = 0; n < 64; n += 3)
		put(2 * VA + n * PAGE_SIZE, n);
	put(3 * VA, 3);
	put(STACK_TOP - 4, 4);
}

static void fork_that_fails_anywhere_leaves_nothing(void)
{
	struct mm_struct *mm = fault_begin(), *child = NULL;
	struct test_file f;
	unsigned failures = 0;

	test_file_init(&f, 4 * PAGE_SIZE);
	map_program(mm, &f);
	for (unsigned n = 1; !child; n++) {
		uint32_t before = free_at_rest();

		mm_host_fail_nth(n);
		child = dup_mm(mm);
		CU_ASSERT_EQUAL(mm_host.failed, !child);
		mm_host_fail_nth(0);
		failures += !child;
		CU_ASSERT(child || free_at_rest() == before);
		CU_ASSERT_EQUAL(fault_check(), 0);
		CU_ASSERT_EQUAL(get(2 * VA + 3 * PAGE_SIZE), 3);
		put(2 * VA + 3 * PAGE_SIZE, 3); /* the parent writes as before */
	}
	/* mm, directory, six VMAs, tables of the data, of the heap, of the stack */
	CU_ASSERT(failures >= 2 + 5 + 3);
	CU_ASSERT_EQUAL(get_in(child, 2 * VA + 63 * PAGE_SIZE), 63);
	mmput(child);
	exit_mmap(mm);
	truncate_inode_pages(&f.mapping);
	fault_end(mm);
}

static void all_is_free_when_all_have_ended(void)
{
	struct mm_struct *mm = fault_begin(), *family[16];
	struct test_file f;
	uint32_t before;

	mmput(mm_alloc()); /* its cache has a slab from now on */
	before = free_at_rest();
	test_file_init(&f, 4 * PAGE_SIZE);
	map_program(mm, &f);
	for (unsigned n = 0; n < 16; n++) {
		family[n] = forked(n ? family[n / 2] : mm); /* a tree of descent */
		put_in(family[n], 2 * VA + n * PAGE_SIZE, 1000 + n);
		put_in(family[n], VA + MIB + PAGE_SIZE, n);
	}
	CU_ASSERT_EQUAL(fault_check(), 0);
	exit_mmap(mm); /* the eldest first */
	for (unsigned n = 16; n--;)
		mmput(family[(n * 7) % 16]);
	truncate_inode_pages(&f.mapping);
	CU_ASSERT_EQUAL(mm->nr_ptes, 0);
	CU_ASSERT_EQUAL(free_at_rest(), before);
	fault_end(mm);
}

static void moved_pages_are_found_at_their_new_place(void)
{
	struct mm_struct *mm = fault_begin();
	struct vm_area_struct *from, *to;

	map(mm, VA, 8, RW, PRIVATE);
	put(VA, 1);
	put(VA + 7 * PAGE_SIZE, 8);
	map(mm, 2 * VA, 8, RW, PRIVATE);
	put(2 * VA, 0); /* a table */
	zap_page_range(mm, 2 * VA, 2 * VA + PAGE_SIZE);
	from = find_vma(mm, VA);
	to = find_vma(mm, 2 * VA);
	mm_host_fail_nth(1);
	CU_ASSERT_EQUAL(move_page_tables(from, VA, to, 2 * VA, 8 * PAGE_SIZE), 8 * PAGE_SIZE);
	mm_host_fail_nth(0);
	CU_ASSERT(pte_none(pte_at(mm, VA)) && pte_none(pte_at(mm, VA + 7 * PAGE_SIZE)));
	CU_ASSERT(get(2 * VA) == 1 && get(2 * VA + 7 * PAGE_SIZE) == 8);
	CU_ASSERT(get(VA) == 0); /* flushed */
	CU_ASSERT_EQUAL(mm->rss[MM_ANONPAGES], 2);
	/* Back, where reverse mapping looks for them; then to where there is no table. */
	zap_page_range(mm, VA, VA + PAGE_SIZE);
	CU_ASSERT_EQUAL(move_page_tables(to, 2 * VA, from, VA, 8 * PAGE_SIZE), 8 * PAGE_SIZE);
	do_munmap(mm, 2 * VA, 8 * PAGE_SIZE);
	map(mm, 2 * VA, 8, RW, PRIVATE);
	mm_host_fail_nth(1);
	CU_ASSERT_EQUAL(move_page_tables(from, VA, find_vma(mm, 2 * VA), 2 * VA, 8 * PAGE_SIZE), 0);
	mm_host_fail_nth(0);
	CU_ASSERT_EQUAL(get(VA), 1);
	fault_end(mm);
}

static void tables_that_are_missing_are_passed_over(void)
{
	struct mm_struct *mm = fault_begin();
	const vaddr_t border = VA + PGDIR_SIZE, from = border - 2 * PAGE_SIZE;

	map(mm, from, 4, RW, PRIVATE);
	map(mm, 2 * VA, 4, RW, PRIVATE);
	put(border, 1);
	put(border + PAGE_SIZE, 2);
	CU_ASSERT_EQUAL(move_page_tables(find_vma(mm, from), from, find_vma(mm, 2 * VA), 2 * VA,
					 4 * PAGE_SIZE),
			4 * PAGE_SIZE);
	CU_ASSERT(get(2 * VA) == 0 && get(2 * VA + 2 * PAGE_SIZE) == 1);
	CU_ASSERT_EQUAL(get(2 * VA + 3 * PAGE_SIZE), 2);
	/* (back: reverse mapping knows them there) */
	zap_page_range(mm, 2 * VA, 2 * VA + PAGE_SIZE);
	move_page_tables(find_vma(mm, 2 * VA), 2 * VA, find_vma(mm, from), from, 4 * PAGE_SIZE);
	zap_page_range(mm, from, border);
	zap_page_range(mm, border, border + 2 * PAGE_SIZE);
	CU_ASSERT_EQUAL(mm->rss[MM_ANONPAGES], 0);
	fault_end(mm);
}

static const struct unit_test tests[] = {
	UNIT_TEST(child_sees_what_the_parent_had),
	UNIT_TEST(fork_flushes_the_parent_once),
	UNIT_TEST(tables_are_made_where_there_are_pages),
	UNIT_TEST(file_pages_beside_anonymous_ones_are_copied_and_counted),
	UNIT_TEST(child_starts_old_and_keeps_private_dirt),
	UNIT_TEST(memory_without_rights_stays_so_in_the_child),
	UNIT_TEST(not_inherited_memory_is_missing_in_the_child),
	UNIT_TEST(fork_that_fails_anywhere_leaves_nothing),
	UNIT_TEST(all_is_free_when_all_have_ended),
	UNIT_TEST(tables_that_are_missing_are_passed_over),
	UNIT_TEST(moved_pages_are_found_at_their_new_place),
	UNIT_END,
};

const struct unit_suite suite_fork = { "fork", tests };
