// SPDX-License-Identifier: MIT
#include "usertest.h"
#include <procfs.h>

#define RW (PROT_READ | PROT_WRITE)

static void mprotect_readonly_stops_writes_only(void)
{
	char *p = map_anon(1, RW);

	p[0] = 'r';
	EXPECT_EQUAL(mprotect(p, PAGE, PROT_READ), 0);
	EXPECT_EQUAL(read_fault(p), 0);
	EXPECT_EQUAL(write_fault(p), SEGV_ACCERR);
	EXPECT_EQUAL(p[0], 'r');
	EXPECT_EQUAL(mprotect(p, PAGE, RW), 0);
	EXPECT_EQUAL(write_fault(p), 0);
}

static void mprotect_none_stops_reads_and_keeps_bytes(void)
{
	char *p = map_anon(1, RW);

	p[5] = 'n';
	EXPECT_EQUAL(mprotect(p, PAGE, PROT_NONE), 0);
	EXPECT_EQUAL(read_fault(p), SEGV_ACCERR);
	EXPECT_EQUAL(write_fault(p), SEGV_ACCERR);
	EXPECT_EQUAL(mprotect(p, PAGE, PROT_READ), 0);
	EXPECT_EQUAL(p[5], 'n');
}

static void mprotect_write_alone_reads_too(void)
{
	char *p = map_anon(1, PROT_WRITE);

	EXPECT_EQUAL(write_fault(p), 0);
	EXPECT_EQUAL(read_fault(p), 0);
}

static void mprotect_untouched_pages_obey_too(void)
{
	char *p = map_anon(2, RW);

	EXPECT_EQUAL(mprotect(p, PAGE, PROT_NONE), 0);
	EXPECT_EQUAL(read_fault(p), SEGV_ACCERR);
	EXPECT_EQUAL(read_fault(p + PAGE), 0);
}

static void mprotect_of_the_middle_splits_and_back_merges(void)
{
	char *p = map_island(3, RW);
	struct map_line line;

	EXPECT_EQUAL(mprotect(p + PAGE, PAGE, PROT_READ), 0);
	REQUIRE(find_map(p, &line) == 1);
	EXPECT_EQUAL(line.end, p + PAGE);
	REQUIRE(find_map(p + PAGE, &line) == 1);
	EXPECT(strcmp(line.rights, "r--p") == 0);
	EXPECT_EQUAL(line.end, p + 2 * PAGE);
	EXPECT_EQUAL(mprotect(p + PAGE, PAGE, RW), 0);
	REQUIRE(find_map(p, &line) == 1);
	EXPECT_EQUAL(line.start, p);
	EXPECT_EQUAL(line.end, p + 3 * PAGE);
}

static void mprotect_over_a_hole_is_ENOMEM_and_changes_what_comes_before(void)
{
	char *p = map_island(3, RW);

	REQUIRE(munmap(p + PAGE, PAGE) == 0);
	EXPECT_ERRNO(mprotect(p, 3 * PAGE, PROT_READ), ENOMEM);
	EXPECT_EQUAL(write_fault(p), SEGV_ACCERR);
	EXPECT_EQUAL(write_fault(p + 2 * PAGE), 0);
}

static void mprotect_errors(void)
{
	char *p = map_island(1, RW);

	EXPECT_ERRNO(mprotect(p + 1, PAGE, RW), EINVAL);
	EXPECT_ERRNO(mprotect(p, PAGE, 0x40), EINVAL);
	EXPECT_ERRNO(mprotect(p + PAGE, PAGE, RW), ENOMEM);
	EXPECT_ERRNO(mprotect(p, PAGE, PROT_GROWSDOWN | RW), EINVAL);
	EXPECT_ERRNO(mprotect(p, 0xfffff000u, RW), ENOMEM);
	EXPECT_EQUAL(mprotect(p, 0, RW), 0);
	EXPECT_EQUAL(mprotect(p + PAGE, 0, RW), 0);
}

static void mprotect_of_a_shared_zero_page_still_gives_own_pages(void)
{
	char *p = map_anon(2, PROT_READ);

	EXPECT_EQUAL(p[0], 0);
	EXPECT_EQUAL(p[PAGE], 0);
	EXPECT_EQUAL(mprotect(p, 2 * PAGE, RW), 0);
	p[0] = 'z';
	EXPECT_EQUAL(p[PAGE], 0);
}

static void write_page(void *arg)
{
	*(char *)arg = 'c';
}

static void mprotect_round_trip_keeps_copy_on_write(void)
{
	char *p = map_anon(1, RW);
	int fds[2], status;
	char go;
	pid_t pid;

	p[0] = 'p';
	REQUIRE(pipe(fds) == 0);
	pid = fork();
	if (pid == 0) {
		read(fds[0], &go, 1);
		_exit(p[0] == 'p' ? 0 : 1);
	}
	EXPECT_EQUAL(mprotect(p, PAGE, PROT_READ), 0);
	EXPECT_EQUAL(mprotect(p, PAGE, RW), 0);
	write_page(p);
	write(fds[1], "g", 1);
	REQUIRE(waitpid(pid, &status, 0) == pid);
	EXPECT_EQUAL(status, 0);
}

static void text_is_not_writable(void)
{
	EXPECT_EQUAL(write_fault((char *)(uintptr_t)mprotect), SEGV_ACCERR);
}

static void rodata_is_not_writable(void)
{
	EXPECT_EQUAL(write_fault((char *)(uintptr_t) "constant"), SEGV_ACCERR);
}

static void text_can_be_made_writable_privately(void)
{
	char *page = PAGE_ALIGN(text_can_be_made_writable_privately);

	EXPECT_EQUAL(mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
	EXPECT_EQUAL(touch_read(page, NULL, NULL), 0);
	page[0] = page[0];
	EXPECT_EQUAL(mprotect(page, PAGE, PROT_READ | PROT_EXEC), 0);
}

const struct usertest tests_mprotect[] = {
	TEST(mprotect_readonly_stops_writes_only),
	TEST(mprotect_none_stops_reads_and_keeps_bytes),
	TEST(mprotect_write_alone_reads_too),
	TEST(mprotect_untouched_pages_obey_too),
	TEST(mprotect_of_the_middle_splits_and_back_merges),
	TEST(mprotect_over_a_hole_is_ENOMEM_and_changes_what_comes_before),
	TEST(mprotect_errors),
	TEST(mprotect_of_a_shared_zero_page_still_gives_own_pages),
	TEST(mprotect_round_trip_keeps_copy_on_write),
	TEST(text_is_not_writable),
	TEST(rodata_is_not_writable),
	TEST(text_can_be_made_writable_privately),
	END_OF_TESTS,
};
