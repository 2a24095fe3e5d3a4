// SPDX-License-Identifier: MIT
#include "usertest.h"
#include <fcntl.h>

#define RW (PROT_READ | PROT_WRITE)

static void mremap_shrinks_in_place(void)
{
	char *p = map_anon(3, RW);

	memset(p, 's', 3 * PAGE);
	EXPECT(mremap(p, 3 * PAGE, PAGE, 0) == p);
	EXPECT_EQUAL(p[0], 's');
	EXPECT_EQUAL(read_fault(p + PAGE), SEGV_MAPERR);
}

static void mremap_grows_in_place_where_there_is_room(void)
{
	char *p = map_island(4, RW);

	REQUIRE(munmap(p + PAGE, 3 * PAGE) == 0);
	p[0] = 'g';
	EXPECT(mremap(p, PAGE, 3 * PAGE, 0) == p);
	EXPECT_EQUAL(p[0], 'g');
	EXPECT_EQUAL(p[2 * PAGE], 0);
	EXPECT_EQUAL(write_fault(p + 2 * PAGE), 0);
}

static void mremap_without_room_is_ENOMEM_unless_it_may_move(void)
{
	char *p = map_anon(2, RW), *q;

	REQUIRE(mmap(p + PAGE, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
		MAP_FAILED);
	p[7] = 'm';
	EXPECT_ERRNO(mremap(p, PAGE, 2 * PAGE, 0), ENOMEM);
	EXPECT_EQUAL(p[7], 'm');
	q = mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	REQUIRE(q != MAP_FAILED);
	EXPECT(q != p);
	EXPECT_EQUAL(q[7], 'm');
	EXPECT_EQUAL(q[PAGE], 0);
	EXPECT_EQUAL(read_fault(p), SEGV_MAPERR);
}

static void mremap_moves_every_page_with_its_bytes(void)
{
	char *p = map_anon(9, RW), *q;

	for (unsigned i = 0; i < 8; i += 2)
		p[i * PAGE] = (char)('0' + i); /* every second one is left untouched */
	REQUIRE(mmap(p + 8 * PAGE, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		     0) != MAP_FAILED);
	q = mremap(p, 8 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
	REQUIRE(q != MAP_FAILED && q != p);
	for (unsigned i = 0; i < 8; i++)
		EXPECT_EQUAL(q[i * PAGE], i % 2 ? 0 : '0' + (int)i);
}

static void mremap_fixed_takes_that_place(void)
{
	char *p = map_anon(2, RW), *to = map_anon(2, RW);

	p[0] = 'f';
	to[0] = 'o';
	EXPECT(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	EXPECT_EQUAL(to[0], 'f');
	EXPECT_EQUAL(read_fault(p), SEGV_MAPERR);
	EXPECT_EQUAL(read_fault(p + PAGE), 0);
}

static void mremap_of_a_part_splits_it_off(void)
{
	char *p = map_island(3, RW), *q;

	memset(p, 'a', 3 * PAGE);
	q = mremap(p + PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	REQUIRE(q != MAP_FAILED && q != p + PAGE);
	EXPECT_EQUAL(q[0], 'a');
	EXPECT_EQUAL(q[PAGE], 0);
	EXPECT_EQUAL(p[0], 'a');
	EXPECT_EQUAL(p[2 * PAGE], 'a');
	EXPECT_EQUAL(read_fault(p + PAGE), SEGV_MAPERR);
}

static void mremap_keeps_rights(void)
{
	char *p = map_anon(1, RW), *q;

	p[0] = 'r';
	REQUIRE(mprotect(p, PAGE, PROT_READ) == 0);
	q = mremap(p, PAGE, 4 * PAGE, MREMAP_MAYMOVE);
	REQUIRE(q != MAP_FAILED);
	EXPECT_EQUAL(q[0], 'r');
	EXPECT_EQUAL(write_fault(q), SEGV_ACCERR);
	EXPECT_EQUAL(write_fault(q + 3 * PAGE), SEGV_ACCERR);
}

static void mremap_errors(void)
{
	char *p = map_island(2, RW), *to = map_anon(4, RW);

	EXPECT_ERRNO(mremap(p + 1, PAGE, PAGE, 0), EINVAL);
	EXPECT_ERRNO(mremap(p, PAGE, 0, 0), EINVAL);
	EXPECT_ERRNO(mremap(p, PAGE, PAGE, 8), EINVAL);
	EXPECT_ERRNO(mremap(p, PAGE, PAGE, MREMAP_FIXED, to), EINVAL);
	EXPECT_ERRNO(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to + 1), EINVAL);
	EXPECT_ERRNO(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE),
		     EINVAL);
	EXPECT_ERRNO(mremap(p + 2 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
	EXPECT_ERRNO(mremap(p, 3 * PAGE, 4 * PAGE, MREMAP_MAYMOVE), EFAULT);
	EXPECT_ERRNO(mremap(p, PAGE, 0xfffff000u, MREMAP_MAYMOVE), EINVAL);
	EXPECT_ERRNO(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)0xfffff000u),
		     EINVAL);
}

static void mremap_of_length_0_duplicates_a_shared_mapping(void)
{
	char *p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0), *q;

	REQUIRE(p != MAP_FAILED);
	p[0] = '1';
	q = mremap(p, 0, 2 * PAGE, MREMAP_MAYMOVE);
	REQUIRE(q != MAP_FAILED);
	EXPECT_EQUAL(q[0], '1');
	q[PAGE] = '2';
	EXPECT_EQUAL(p[PAGE], '2');
}

static void mremap_of_length_0_of_a_private_mapping_is_EINVAL(void)
{
	EXPECT_ERRNO(mremap(map_anon(1, RW), 0, PAGE, MREMAP_MAYMOVE), EINVAL);
}

static void mremap_of_a_file_keeps_its_offset(void)
{
	int fd = open(in_root("/bin/usertests"), O_RDONLY);
	char *p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, (off_t)PAGE), *q, third;

	REQUIRE(p != MAP_FAILED);
	REQUIRE(pread(fd, &third, 1, 2 * PAGE + 40) == 1);
	q = mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	REQUIRE(q != MAP_FAILED);
	EXPECT_EQUAL(q[PAGE + 40], third);
}

const struct usertest tests_mremap[] = {
	TEST(mremap_shrinks_in_place),
	TEST(mremap_grows_in_place_where_there_is_room),
	TEST(mremap_without_room_is_ENOMEM_unless_it_may_move),
	TEST(mremap_moves_every_page_with_its_bytes),
	TEST(mremap_fixed_takes_that_place),
	TEST(mremap_of_a_part_splits_it_off),
	TEST(mremap_keeps_rights),
	TEST(mremap_errors),
	TEST(mremap_of_length_0_duplicates_a_shared_mapping),
	TEST(mremap_of_length_0_of_a_private_mapping_is_EINVAL),
	TEST(mremap_of_a_file_keeps_its_offset),
	END_OF_TESTS,
};
