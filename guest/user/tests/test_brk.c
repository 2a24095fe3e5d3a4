// SPDX-License-Identifier: MIT
#include "usertest.h"
#include <procfs.h>

static uint32_t brk_to(uint32_t to)
{
	return (uint32_t)raw_syscall(SYS_brk, to);
}

static void brk_0_tells_the_break(void)
{
	EXPECT_EQUAL(brk_to(0), brk_to(0));
	EXPECT(brk_to(0) >= (uint32_t)&tests_brk);
}

static void brk_grows_by_bytes_and_gives_zeroed_pages(void)
{
	uint32_t old = brk_to(0);

	EXPECT_EQUAL(brk_to(old + 3 * PAGE + 5), old + 3 * PAGE + 5);
	for (uint32_t i = 0; i < 3 * PAGE + 5; i += 509)
		EXPECT_EQUAL(*(char *)(old + i), 0);
	EXPECT_EQUAL(write_fault((char *)old), 0);
}

static void brk_shrinks_and_gives_zeroed_pages_again(void)
{
	uint32_t old = brk_to(0), up = (old + PAGE - 1) & ~(PAGE - 1);

	REQUIRE(brk_to(up + 2 * PAGE) == up + 2 * PAGE);
	memset((char *)up, 'x', 2 * PAGE);
	EXPECT_EQUAL(brk_to(up), up);
	EXPECT_EQUAL(read_fault((char *)up), SEGV_MAPERR);
	EXPECT_EQUAL(brk_to(up + PAGE), up + PAGE);
	EXPECT_EQUAL(*(char *)up, 0);
}

static void brk_within_a_page_keeps_its_bytes(void)
{
	uint32_t old = brk_to(0), up = ((old + PAGE - 1) & ~(PAGE - 1)) + PAGE;

	REQUIRE(brk_to(up) == up);
	*(char *)(up - 100) = 'k';
	EXPECT_EQUAL(brk_to(up - 50), up - 50);
	EXPECT_EQUAL(*(char *)(up - 100), 'k');
	EXPECT_EQUAL(*(char *)(up - 10), 0); /* the page stays until the break leaves it */
}

static void brk_below_the_start_fails_and_gives_the_old_break(void)
{
	uint32_t old = brk_to(0);

	EXPECT_EQUAL(brk_to(PAGE), old);
	EXPECT_EQUAL(brk_to(old - 1000 * PAGE), old);
}

static void brk_into_a_mapping_fails_and_gives_the_old_break(void)
{
	uint32_t old = brk_to(0), wall = ((old + PAGE - 1) & ~(PAGE - 1)) + 4 * PAGE;

	REQUIRE(mmap((void *)wall, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		     0) == (void *)wall);
	EXPECT_EQUAL(brk_to(wall + 1), old);
	EXPECT_EQUAL(brk_to(wall + 16 * PAGE), old);
	EXPECT_EQUAL(brk_to(old + 1), old + 1);
}

static void brk_into_the_kernel_fails_and_gives_the_old_break(void)
{
	uint32_t old = brk_to(0);

	EXPECT_EQUAL(brk_to(0xfffff000u), old);
	EXPECT_EQUAL(brk_to(0xffffffffu), old);
}

static void brk_is_named_heap_in_maps(void)
{
	struct map_line line;
	uint32_t old = brk_to(0);

	REQUIRE(brk_to(old + PAGE) == old + PAGE);
	REQUIRE(find_map((char *)old, &line) == 1);
	EXPECT(strcmp(line.name, "[heap]") == 0);
	EXPECT(strcmp(line.rights, "rw-p") == 0);
}

const struct usertest tests_brk[] = {
	TEST(brk_0_tells_the_break),
	TEST(brk_grows_by_bytes_and_gives_zeroed_pages),
	TEST(brk_shrinks_and_gives_zeroed_pages_again),
	TEST(brk_within_a_page_keeps_its_bytes),
	TEST(brk_below_the_start_fails_and_gives_the_old_break),
	TEST(brk_into_a_mapping_fails_and_gives_the_old_break),
	TEST(brk_into_the_kernel_fails_and_gives_the_old_break),
	TEST(brk_is_named_heap_in_maps),
	END_OF_TESTS,
};
