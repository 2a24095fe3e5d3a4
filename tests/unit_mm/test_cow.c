// SPDX-License-Identifier: MIT
/* Copy-on-write: who gets a copy, who keeps the page, and what the counts say at each step. */
#include <limits.h>

#include "fault_rig.h"

/* A parent with one written page, and its child. */
static struct mm_struct *cow_begin(struct mm_struct **child)
{
	struct mm_struct *mm = fault_begin();

	map(mm, VA, 4, RW, PRIVATE);
	put(VA, 1);
	*child = dup_mm(mm);
	CU_ASSERT_PTR_NOT_NULL_FATAL(*child);
	return mm;
}

static void expect_counts(const struct page *page, int32_t count, int32_t mapcount)
{
	CU_ASSERT_EQUAL(page->count, count);
	CU_ASSERT_EQUAL(page->mapcount, mapcount);
}

static void fork_write_protects_both(void)
{
	struct mm_struct *child, *mm = cow_begin(&child);

	CU_ASSERT_PTR_EQUAL(page_at(mm, VA), page_at(child, VA));
	expect_counts(page_at(mm, VA), 2, 2);
	CU_ASSERT_FALSE(pte_write(pte_at(mm, VA)));
	CU_ASSERT_FALSE(pte_write(pte_at(child, VA)));
	CU_ASSERT_EQUAL(child->rss[MM_ANONPAGES], 1);
	CU_ASSERT_FALSE(mm_host_cached(VA)); /* the parent could write a moment ago */
	CU_ASSERT_EQUAL(fault_check(), 0);
	mmput(child);
	fault_end(mm);
}

static void writer_gets_the_copy_whoever_it_is(void)
{
	for (unsigned by_child = 0; by_child < 2; by_child++) {
		struct mm_struct *child, *mm = cow_begin(&child);
		struct mm_struct *writer = by_child ? child : mm, *other = by_child ? mm : child;
		struct page *page = page_at(mm, VA);

		put_in(writer, VA, 2);
		CU_ASSERT_PTR_EQUAL(page_at(other, VA), page);
		CU_ASSERT_PTR_NOT_EQUAL(page_at(writer, VA), page);
		expect_counts(page, 1, 1);
		expect_counts(page_at(writer, VA), 1, 1);
		CU_ASSERT(get_in(writer, VA) == 2 && get_in(other, VA) == 1);
		CU_ASSERT_EQUAL(fault_check(), 0);
		/* and now the other one is alone with the page */
		put_in(other, VA, 3);
		CU_ASSERT_PTR_EQUAL(page_at(other, VA), page);
		CU_ASSERT(get_in(writer, VA) == 2 && get_in(other, VA) == 3);
		mmput(child);
		fault_end(mm);
	}
}

static void copy_has_all_of_the_page(void)
{
	struct mm_struct *child, *mm = cow_begin(&child);
	static uint32_t words[PAGE_SIZE / 4], back[PAGE_SIZE / 4];

	for (uint32_t n = 0; n < PAGE_SIZE / 4; n++)
		words[n] = n * 2654435761u;
	CU_ASSERT_EQUAL(mm_host_copy_to_user(VA, words, PAGE_SIZE), 0);
	mmput(child);
	child = dup_mm(mm);
	put_in(child, VA + 400, 1);
	words[100] = 1;
	mm_host_switch_mm(child);
	CU_ASSERT_EQUAL(mm_host_copy_from_user(back, VA, PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(memcmp(words, back, PAGE_SIZE), 0);
	mm_host_switch_mm(mm);
	mmput(child);
	fault_end(mm);
}

static void sole_owner_is_reused_not_copied(void)
{
	struct mm_struct *child, *mm = cow_begin(&child);
	struct page *page = page_at(mm, VA);

	mmput(child);
	CU_ASSERT_FALSE(pte_write(pte_at(mm, VA)));
	mm_host_fail_nth(UINT_MAX); /* counts */
	put(VA, 2);
	CU_ASSERT_EQUAL(mm_host.alloc_calls, 0);
	mm_host_fail_nth(0);
	CU_ASSERT_PTR_EQUAL(page_at(mm, VA), page);
	CU_ASSERT(pte_write(pte_at(mm, VA)));
	expect_counts(page, 1, 1);
	fault_end(mm);
}

static void page_that_somebody_holds_is_copied(void)
{
	struct mm_struct *child, *mm = cow_begin(&child);
	struct page *page = page_at(mm, VA);

	mmput(child);
	get_page(page); /* device, pipe: it must keep seeing what it was given */
	put(VA, 2);
	CU_ASSERT_PTR_NOT_EQUAL(page_at(mm, VA), page);
	expect_counts(page, 1, 0);
	put_page(page);
	fault_end(mm);
}

static void cow_fork_twice_keeps_both_write_protected(void)
{
	struct mm_struct *child, *mm = cow_begin(&child), *second, *grandchild;
	struct page *page = page_at(mm, VA);

	second = dup_mm(mm);
	grandchild = dup_mm(child);
	CU_ASSERT_PTR_NOT_NULL_FATAL(second);
	CU_ASSERT_PTR_NOT_NULL_FATAL(grandchild);
	expect_counts(page, 4, 4);
	CU_ASSERT_EQUAL(page_count_ptes(page), 4);
	put_in(grandchild, VA, 4);
	put_in(child, VA, 2);
	expect_counts(page, 2, 2);
	CU_ASSERT_FALSE(pte_write(pte_at(mm, VA)));
	CU_ASSERT_FALSE(pte_write(pte_at(second, VA)));
	put(VA, 5);
	CU_ASSERT_EQUAL(get_in(second, VA), 1);
	put_in(second, VA, 3);
	CU_ASSERT_PTR_EQUAL(page_at(second, VA), page); /* the last one keeps it */
	CU_ASSERT_EQUAL(get(VA), 5);
	CU_ASSERT_EQUAL(get_in(child, VA), 2);
	CU_ASSERT_EQUAL(get_in(grandchild, VA), 4);
	CU_ASSERT_EQUAL(fault_check(), 0);
	mmput(child);
	mmput(grandchild);
	mmput(second);
	fault_end(mm);
}

static void fork_of_a_broken_page_shares_the_copy(void)
{
	struct mm_struct *child, *mm = cow_begin(&child), *second;

	put(VA, 2); /* ours is a copy now */
	second = dup_mm(mm);
	CU_ASSERT_PTR_NOT_NULL_FATAL(second);
	CU_ASSERT_PTR_EQUAL(page_at(second, VA), page_at(mm, VA));
	expect_counts(page_at(mm, VA), 2, 2);
	put(VA, 3);
	CU_ASSERT(get_in(child, VA) == 1 && get_in(second, VA) == 2 && get(VA) == 3);
	mmput(child);
	mmput(second);
	fault_end(mm);
}

static void kernel_write_breaks_cow_as_the_users_does(void)
{
	struct mm_struct *child, *mm = cow_begin(&child);
	uint32_t value = 2;

	CU_ASSERT_EQUAL(get(VA), 1); /* cached, read-only */
	CU_ASSERT_EQUAL(mm_host_copy_to_user(VA, &value, 4), 0);
	CU_ASSERT_EQUAL(mm_host.fault_error, FAULT_PROT | FAULT_WRITE);
	CU_ASSERT(get(VA) == 2 && get_in(child, VA) == 1);
	CU_ASSERT_PTR_NOT_EQUAL(page_at(mm, VA), page_at(child, VA));
	mmput(child);
	fault_end(mm);
}

/* That the model can tell: the same write with CR0.WP clear does what must not happen. */
static void without_write_protection_the_kernel_would_write_to_both(void)
{
	struct mm_struct *child, *mm = cow_begin(&child);
	uint32_t value = 2;

	mm_host.wp_off = true;
	CU_ASSERT_EQUAL(mm_host_copy_to_user(VA, &value, 4), 0);
	mm_host.wp_off = false;
	CU_ASSERT_EQUAL(get_in(child, VA), 2);
	mmput(child);
	fault_end(mm);
}

static void broken_page_is_flushed(void)
{
	struct mm_struct *child, *mm = cow_begin(&child);
	uint32_t value = 2;

	CU_ASSERT_EQUAL(get(VA), 1);
	/* from outside, so that no fault of the CPU drops what it has cached */
	CU_ASSERT_EQUAL(access_process_vm(mm, VA, &value, 4, true), 4);
	CU_ASSERT_EQUAL(get(VA), 2);
	mmput(child);
	fault_end(mm);
}

static void more_than_65535_sharers_do_not_overflow(void)
{
	struct mm_struct *child, *mm = cow_begin(&child), *more;
	struct page *page = page_at(mm, VA);

	page->count += 65533; /* as if so many more were there */
	page->mapcount += 65533;
	more = dup_mm(mm);
	CU_ASSERT_PTR_NOT_NULL_FATAL(more);
	expect_counts(page, 65536, 65536);
	put_in(more, VA, 2);
	CU_ASSERT_PTR_NOT_EQUAL(page_at(more, VA), page);
	expect_counts(page, 65535, 65535);
	page->count -= 65533;
	page->mapcount -= 65533;
	CU_ASSERT(get(VA) == 1 && get_in(child, VA) == 1 && get_in(more, VA) == 2);
	mmput(more);
	mmput(child);
	fault_end(mm);
}

static void one_sharer_too_many_is_an_error(void)
{
	struct mm_struct *child, *mm = cow_begin(&child);
	struct page *page = page_at(mm, VA);

	put(VA + PAGE_SIZE, 2);
	page->count += INT32_MAX - 2;
	CU_ASSERT_EQUAL(page->count, INT32_MAX);
	CU_ASSERT_PTR_NULL(dup_mm(mm));
	CU_ASSERT_EQUAL(try_put(VA), FAULT_OOM);
	CU_ASSERT_EQUAL(page->count, INT32_MAX);
	CU_ASSERT_EQUAL(page->mapcount, 2);
	page->count -= INT32_MAX - 2;
	CU_ASSERT_EQUAL(fault_check(), 0);
	mmput(child);
	fault_end(mm);
}

static void every_allocation_of_a_broken_page_may_fail(void)
{
	struct mm_struct *child, *mm = cow_begin(&child);

	mm_host_fail_nth(1);
	CU_ASSERT_EQUAL(try_put(VA), FAULT_OOM);
	mm_host_fail_nth(0);
	expect_counts(page_at(mm, VA), 2, 2);
	CU_ASSERT_EQUAL(fault_check(), 0);
	put(VA, 2);
	mmput(child);
	fault_end(mm);
}

static const struct unit_test tests[] = {
	UNIT_TEST(fork_write_protects_both),
	UNIT_TEST(writer_gets_the_copy_whoever_it_is),
	UNIT_TEST(copy_has_all_of_the_page),
	UNIT_TEST(sole_owner_is_reused_not_copied),
	UNIT_TEST(page_that_somebody_holds_is_copied),
	UNIT_TEST(cow_fork_twice_keeps_both_write_protected),
	UNIT_TEST(fork_of_a_broken_page_shares_the_copy),
	UNIT_TEST(kernel_write_breaks_cow_as_the_users_does),
	UNIT_TEST(without_write_protection_the_kernel_would_write_to_both),
	UNIT_TEST(broken_page_is_flushed),
	UNIT_TEST(more_than_65535_sharers_do_not_overflow),
	UNIT_TEST(one_sharer_too_many_is_an_error),
	UNIT_TEST(every_allocation_of_a_broken_page_may_fail),
	UNIT_END,
};

const struct unit_suite suite_cow = { "cow", tests };
