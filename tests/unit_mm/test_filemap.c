// SPDX-License-Identifier: MIT
/* The page cache. */
#include <limits.h>

#include "fault_rig.h"

static struct page *read_page(struct test_file *f, uint32_t index, bool *major)
{
	int err = 1;
	struct page *page = read_mapping_page(&f->mapping, index, major, &err);

	CU_ASSERT_EQUAL(err, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(page);
	return page;
}

static void page_is_read_once_and_kept(void)
{
	struct mm_struct *mm = fault_begin();
	struct test_file f;
	struct page *page;
	bool major;

	test_file_init(&f, 10 * PAGE_SIZE);
	CU_ASSERT_PTR_NULL(find_get_page(&f.mapping, 3));
	page = read_page(&f, 3, &major);
	CU_ASSERT(major);
	CU_ASSERT_EQUAL(page->state, PAGE_CACHE);
	CU_ASSERT(page->mapping == &f.mapping && page->index == 3);
	CU_ASSERT_EQUAL(page->count, 2);
	CU_ASSERT_PTR_EQUAL(read_page(&f, 3, &major), page);
	CU_ASSERT_FALSE(major);
	CU_ASSERT_PTR_EQUAL(find_get_page(&f.mapping, 3), page);
	CU_ASSERT_EQUAL(page->count, 4);
	CU_ASSERT_EQUAL(f.reads, 1);
	CU_ASSERT(f.mapping.nrpages == 1 && nr_file_pages() == 1);
	for (unsigned n = 0; n < 3; n++)
		put_page(page);
	CU_ASSERT_EQUAL(fault_check(), 0);
	truncate_inode_pages(&f.mapping);
	CU_ASSERT(f.mapping.nrpages == 0 && nr_file_pages() == 0);
	CU_ASSERT_PTR_NULL(find_get_page(&f.mapping, 3));
	fault_end(mm);
}

static void pages_far_apart_are_found_by_their_index(void)
{
	const uint32_t indices[] = { 0, 15, 16, 17, 4095, 65536, 0xfffff, 0x7fffffff, UINT32_MAX };
	struct mm_struct *mm = fault_begin();
	struct page *pages[ARRAY_SIZE(indices)];
	struct test_file f;
	bool major;

	test_file_init(&f, UINT64_MAX);
	for (unsigned n = 0; n < ARRAY_SIZE(indices); n++) {
		pages[n] = read_page(&f, indices[(n * 4) % ARRAY_SIZE(indices)], &major);
		put_page(pages[n]);
	}
	for (unsigned n = 0; n < ARRAY_SIZE(indices); n++) {
		struct page *page =
			find_get_page(&f.mapping, indices[(n * 4) % ARRAY_SIZE(indices)]);

		CU_ASSERT_PTR_EQUAL(page, pages[n]);
		put_page(page);
	}
	CU_ASSERT_PTR_NULL(find_get_page(&f.mapping, 1));
	CU_ASSERT_PTR_NULL(find_get_page(&f.mapping, 4094));
	CU_ASSERT_EQUAL(f.mapping.nrpages, ARRAY_SIZE(indices));
	truncate_inode_pages(&f.mapping);
	fault_end(mm);
}

static void failed_read_leaves_nothing(void)
{
	struct mm_struct *mm = fault_begin();
	uint32_t before = free_at_rest();
	struct test_file f;
	bool major;
	int err;

	test_file_init(&f, PAGE_SIZE);
	f.error = -EIO;
	CU_ASSERT_PTR_NULL(read_mapping_page(&f.mapping, 0, &major, &err));
	CU_ASSERT_EQUAL(err, -EIO);
	CU_ASSERT_EQUAL(free_at_rest(), before);
	f.error = 0;
	for (unsigned n = 1; n <= 2; n++) { /* page, chunk */
		mm_host_fail_nth(n);
		CU_ASSERT_PTR_NULL(read_mapping_page(&f.mapping, 0, &major, &err));
		CU_ASSERT_EQUAL(err, -ENOMEM);
		CU_ASSERT(mm_host.failed);
		mm_host_fail_nth(0);
		CU_ASSERT_EQUAL(nr_file_pages(), 0);
	}
	CU_ASSERT_EQUAL(free_at_rest(), before);
	fault_end(mm);
}

static void read_by_another_first(struct test_file *f)
{
	struct page *page;
	bool major;

	f->during_read = NULL;
	page = read_page(f, 0, &major);
	put_page(page);
}

static void page_read_twice_at_the_same_time_is_one_page(void)
{
	struct mm_struct *mm = fault_begin();
	struct test_file f;
	struct page *page;
	bool major;

	test_file_init(&f, PAGE_SIZE);
	f.during_read = read_by_another_first;
	page = read_page(&f, 0, &major);
	CU_ASSERT_EQUAL(f.reads, 2);
	CU_ASSERT(f.mapping.nrpages == 1 && page->count == 2);
	CU_ASSERT_PTR_EQUAL(find_get_page(&f.mapping, 0), page);
	put_page(page);
	put_page(page);
	CU_ASSERT_EQUAL(fault_check(), 0);
	truncate_inode_pages(&f.mapping);
	fault_end(mm);
}

static void page_with_all_references_taken_is_an_error(void)
{
	struct mm_struct *mm = fault_begin();
	struct test_file f;
	struct page *page;
	bool major;
	int err;

	test_file_init(&f, PAGE_SIZE);
	page = read_page(&f, 0, &major);
	page->count = INT32_MAX;
	CU_ASSERT_PTR_NULL(find_get_page(&f.mapping, 0));
	CU_ASSERT_PTR_NULL(read_mapping_page(&f.mapping, 0, &major, &err));
	CU_ASSERT_EQUAL(err, -ENOMEM);
	CU_ASSERT_EQUAL(page->count, INT32_MAX);
	page->count = 2;
	put_page(page);
	truncate_inode_pages(&f.mapping);
	fault_end(mm);
}

static void reading_goes_across_pages_and_ends_with_the_file(void)
{
	struct mm_struct *mm = fault_begin();
	static uint32_t words[3 * PAGE_SIZE / 4];
	struct test_file f;

	test_file_init(&f, 2 * PAGE_SIZE + 100);
	CU_ASSERT_EQUAL(filemap_read(&f.mapping, 0, words, sizeof(words)), 2 * PAGE_SIZE + 100);
	CU_ASSERT_EQUAL(words[1023], file_word(0, 1023));
	CU_ASSERT_EQUAL(words[1024], file_word(1, 0));
	CU_ASSERT_EQUAL(words[2048 + 24], file_word(2, 24));
	CU_ASSERT_EQUAL(words[2048 + 25], 0); /* not touched */
	CU_ASSERT_EQUAL(filemap_read(&f.mapping, PAGE_SIZE - 4, words, 8), 8);
	CU_ASSERT(words[0] == file_word(0, 1023) && words[1] == file_word(1, 0));
	CU_ASSERT_EQUAL(filemap_read(&f.mapping, 2 * PAGE_SIZE + 99, words, 8), 1);
	CU_ASSERT_EQUAL(filemap_read(&f.mapping, 2 * PAGE_SIZE + 100, words, 8), 0);
	CU_ASSERT_EQUAL(filemap_read(&f.mapping, UINT64_MAX, words, 8), 0);
	CU_ASSERT_EQUAL(filemap_read(&f.mapping, 0, words, 0), 0);
	truncate_inode_pages(&f.mapping);
	f.error = -EIO;
	CU_ASSERT_EQUAL(filemap_read(&f.mapping, 0, words, 8), -EIO);
	fault_end(mm);
}

static void part_that_was_read_before_an_error_counts(void)
{
	struct mm_struct *mm = fault_begin();
	static char bytes[2 * PAGE_SIZE];
	struct test_file f;

	test_file_init(&f, 2 * PAGE_SIZE);
	filemap_read(&f.mapping, 0, bytes, 1);
	f.error = -EIO;
	CU_ASSERT_EQUAL(filemap_read(&f.mapping, 10, bytes, PAGE_SIZE), PAGE_SIZE - 10);
	truncate_inode_pages(&f.mapping);
	fault_end(mm);
}

static void shared_anonymous_memory_is_a_file_that_ends_with_its_last_user(void)
{
	struct mm_struct *mm = fault_begin();
	struct file *f = shmem_zero_file(4 * PAGE_SIZE);
	struct page *page;
	bool major;
	int err;

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(f->f_count, 1);
	page = read_mapping_page(f->f_mapping, 2, &major, &err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(page);
	CU_ASSERT_FALSE(major); /* born zero: no I/O */
	put_page(page);
	get_file(f);
	fput(f);
	CU_ASSERT_EQUAL(nr_file_pages(), 1);
	fput(f);
	CU_ASSERT_EQUAL(nr_file_pages(), 0);
	mm_host_fail_nth(1);
	CU_ASSERT_PTR_NULL(shmem_zero_file(PAGE_SIZE));
	mm_host_fail_nth(0);
	fault_end(mm);
}

static const struct unit_test tests[] = {
	UNIT_TEST(page_is_read_once_and_kept),
	UNIT_TEST(pages_far_apart_are_found_by_their_index),
	UNIT_TEST(failed_read_leaves_nothing),
	UNIT_TEST(page_read_twice_at_the_same_time_is_one_page),
	UNIT_TEST(page_with_all_references_taken_is_an_error),
	UNIT_TEST(reading_goes_across_pages_and_ends_with_the_file),
	UNIT_TEST(part_that_was_read_before_an_error_counts),
	UNIT_TEST(shared_anonymous_memory_is_a_file_that_ends_with_its_last_user),
	UNIT_END,
};

const struct unit_suite suite_filemap = { "filemap", tests };
