// SPDX-License-Identifier: MIT
#include "usertest.h"
#include <fcntl.h>
#include <procfs.h>

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)

static void mmap_anonymous_is_zero_and_page_aligned(void)
{
	char *p = map_anon(3, RW);

	EXPECT_EQUAL((uint32_t)p % PAGE, 0);
	for (unsigned i = 0; i < 3 * PAGE; i += 64)
		EXPECT_EQUAL(p[i], 0);
}

static void mmap_length_0_is_EINVAL(void)
{
	EXPECT_ERRNO(mmap(NULL, 0, RW, ANON, -1, 0), EINVAL);
}

static void mmap_without_a_kind_is_EINVAL(void)
{
	EXPECT_ERRNO(mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0), EINVAL);
}

static void mmap_longer_than_the_space_is_ENOMEM(void)
{
	EXPECT_ERRNO(mmap(NULL, 0xfffff000u, RW, ANON, -1, 0), ENOMEM);
	EXPECT_ERRNO(mmap(NULL, 0xffffffffu, RW, ANON, -1, 0), ENOMEM);
}

static void mmap_fixed_needs_an_aligned_address(void)
{
	char *p = map_anon(2, RW);

	EXPECT_ERRNO(mmap(p + 1, PAGE, RW, ANON | MAP_FIXED, -1, 0), EINVAL);
}

static void mmap_fixed_into_the_kernel_is_ENOMEM(void)
{
	EXPECT_ERRNO(mmap((void *)0xfffff000u, PAGE, RW, ANON | MAP_FIXED, -1, 0), ENOMEM);
}

static void mmap_fixed_replaces_what_was_there(void)
{
	char *p = map_anon(3, RW);

	memset(p, 'a', 3 * PAGE);
	EXPECT(mmap(p + PAGE, PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0) == p + PAGE);
	EXPECT_EQUAL(p[PAGE], 0);
	EXPECT_EQUAL(p[0], 'a');
	EXPECT_EQUAL(p[2 * PAGE], 'a');
	EXPECT_EQUAL(write_fault(p + PAGE), SEGV_ACCERR);
}

static void mmap_fixed_noreplace_is_EEXIST_on_a_mapping(void)
{
	char *p = map_anon(3, RW);

	EXPECT_ERRNO(mmap(p + PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
	REQUIRE(munmap(p + PAGE, PAGE) == 0);
	EXPECT(mmap(p + PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == p + PAGE);
}

static void mmap_takes_a_free_hint(void)
{
	char *p = map_island(4, RW);

	REQUIRE(munmap(p, 4 * PAGE) == 0);
	EXPECT(mmap(p + PAGE, PAGE, RW, ANON, -1, 0) == p + PAGE);
}

static void mmap_passes_a_taken_hint_by(void)
{
	char *p = map_anon(1, RW), *q;

	p[0] = 'k';
	q = mmap(p, PAGE, RW, ANON, -1, 0);
	EXPECT(q != p && q != MAP_FAILED);
	EXPECT_EQUAL(p[0], 'k');
}

static void mmap_rounds_a_hint_down(void)
{
	char *p = map_island(4, RW);

	REQUIRE(munmap(p, 4 * PAGE) == 0);
	EXPECT(mmap(p + PAGE + 123, PAGE, RW, ANON, -1, 0) == p + PAGE);
}

static void mmap_is_top_down(void)
{
	char *p = map_anon(256, RW), *q = map_anon(256, RW);

	EXPECT(q < p);
}

static void mmap_neighbours_of_one_kind_are_one_line_of_maps(void)
{
	char *p = map_island(4, RW);
	struct map_line line;

	REQUIRE(munmap(p, 4 * PAGE) == 0);
	REQUIRE(mmap(p, PAGE, RW, ANON | MAP_FIXED, -1, 0) == p);
	REQUIRE(mmap(p + 2 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0) == p + 2 * PAGE);
	REQUIRE(mmap(p + PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0) == p + PAGE);
	REQUIRE(find_map(p, &line) == 1);
	EXPECT_EQUAL(line.start, p);
	EXPECT_EQUAL(line.end, p + 3 * PAGE);
}

static void mmap_below_min_addr_as_a_hint_goes_elsewhere(void)
{
	char *p = mmap((void *)PAGE, PAGE, RW, ANON, -1, 0);

	EXPECT(p != MAP_FAILED && (uint32_t)p >= 4096);
}

static void old_mmap_takes_a_block_of_arguments(void)
{
	uint32_t args[6] = { 0, PAGE, RW, ANON, (uint32_t)-1, 0 };
	long p = raw_syscall(SYS_old_mmap, args);

	EXPECT(p % (long)PAGE == 0);
	EXPECT_EQUAL(*(char *)p, 0);
	args[5] = 1;
	EXPECT_EQUAL(raw_syscall(SYS_old_mmap, args), -EINVAL);
}

static void mmap_of_a_file_shows_its_bytes_and_zeros_behind(void)
{
	int fd = open(in_root("/etc/demonstration"), O_RDONLY);
	char bytes[PAGE], *p;
	ssize_t n;

	REQUIRE(fd >= 0);
	n = read(fd, bytes, sizeof(bytes));
	REQUIRE(n > 0 && n < (ssize_t)PAGE);
	p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	REQUIRE(p != MAP_FAILED);
	EXPECT(memcmp(p, bytes, (size_t)n) == 0);
	EXPECT_EQUAL(p[n], 0);
	EXPECT_EQUAL(p[PAGE - 1], 0);
	close(fd);
	EXPECT_EQUAL(p[0], bytes[0]);
}

static void mmap_private_of_a_file_keeps_writes_to_itself(void)
{
	int fd = open(in_root("/etc/demonstration"), O_RDONLY);
	char *p = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0), *q, first;

	REQUIRE(p != MAP_FAILED);
	q = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	first = q[0];
	p[0] = (char)(first + 1);
	EXPECT_EQUAL(q[0], first);
	EXPECT_EQUAL(p[0], (char)(first + 1));
	REQUIRE(lseek(fd, 0, SEEK_SET) == 0);
	EXPECT_EQUAL(read(fd, p + 8, 1), 1);
	EXPECT_EQUAL(p[8], first);
}

static void mmap_of_a_file_behind_its_end_is_SIGBUS(void)
{
	int fd = open(in_root("/etc/demonstration"), O_RDONLY);
	char *p = mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	siginfo_t info;

	REQUIRE(p != MAP_FAILED);
	EXPECT_EQUAL(touch_read(p, &info, NULL), 0);
	EXPECT_EQUAL(touch_read(p + PAGE + 8, &info, NULL), SIGBUS);
	EXPECT_EQUAL(info.si_code, BUS_ADRERR);
	EXPECT_EQUAL(info.si_addr, p + PAGE + 8);
}

static void mmap_errors_of_descriptors(void)
{
	int fd = open(in_root("/etc/demonstration"), O_RDONLY), fds[2];
	int dir = open(in_root("/etc"), O_RDONLY);

	REQUIRE(fd >= 0 && dir >= 0 && pipe(fds) == 0);
	EXPECT_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0), EBADF);
	EXPECT_ERRNO(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0), EACCES);
	EXPECT_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fds[0], 0), ENODEV);
	EXPECT_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, dir, 0), ENODEV);
	EXPECT_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 1), EINVAL);
	close(fd);
	fd = open("/dev/null", O_WRONLY);
	EXPECT_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0), EACCES);
}

static void mmap_shared_of_a_readonly_file_cannot_become_writable(void)
{
	int fd = open(in_root("/etc/demonstration"), O_RDONLY);
	char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);

	REQUIRE(p != MAP_FAILED);
	EXPECT_ERRNO(mprotect(p, PAGE, RW), EACCES);
	EXPECT_EQUAL(write_fault(p), SEGV_ACCERR);
}

static void mmap_of_dev_zero_is_anonymous(void)
{
	int fd = open("/dev/zero", O_RDWR);
	char *p = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, 0);

	REQUIRE(p != MAP_FAILED);
	EXPECT_EQUAL(p[PAGE], 0);
	p[0] = 1;
	EXPECT_EQUAL(p[0], 1);
}

static void write_shared(void *arg)
{
	memset(arg, 's', 2 * PAGE);
}

static void mmap_shared_anonymous_is_shared_with_children(void)
{
	char *p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	REQUIRE(p != MAP_FAILED);
	EXPECT_EQUAL(p[0], 0);
	EXPECT_EQUAL(in_child(write_shared, p), 0);
	EXPECT_EQUAL(p[0], 's');
	EXPECT_EQUAL(p[2 * PAGE - 1], 's');
}

static void mmap_populate_makes_pages_present(void)
{
	char *p = mmap(NULL, 4 * PAGE, RW, ANON | MAP_POPULATE, -1, 0);
	unsigned char in[4];

	REQUIRE(p != MAP_FAILED);
	REQUIRE(mincore(p, 4 * PAGE, in) == 0);
	for (int i = 0; i < 4; i++)
		EXPECT_EQUAL(in[i] & 1, 1);
}

static void munmap_in_the_middle_leaves_both_ends(void)
{
	char *p = map_anon(3, RW);

	memset(p, 'm', 3 * PAGE);
	EXPECT_EQUAL(munmap(p + PAGE, PAGE), 0);
	EXPECT_EQUAL(p[0], 'm');
	EXPECT_EQUAL(p[2 * PAGE], 'm');
	EXPECT_EQUAL(read_fault(p + PAGE), SEGV_MAPERR);
}

static void munmap_of_nothing_succeeds(void)
{
	char *p = map_island(1, RW);

	EXPECT_EQUAL(munmap(p, PAGE), 0);
	EXPECT_EQUAL(munmap(p, PAGE), 0);
}

static void munmap_rounds_its_length_up(void)
{
	char *p = map_anon(3, RW);

	EXPECT_EQUAL(munmap(p, PAGE + 1), 0);
	EXPECT_EQUAL(read_fault(p + PAGE), SEGV_MAPERR);
	EXPECT_EQUAL(read_fault(p + 2 * PAGE), 0);
}

static void munmap_errors(void)
{
	char *p = map_anon(2, RW);

	EXPECT_ERRNO(munmap(p + 1, PAGE), EINVAL);
	EXPECT_ERRNO(munmap(p, 0), EINVAL);
	EXPECT_ERRNO(munmap(p, 0xfffff000u), EINVAL);
	EXPECT_ERRNO(munmap((void *)0xfffff000u, PAGE), EINVAL);
	EXPECT_EQUAL(read_fault(p), 0);
}

static void mincore_tells_touched_from_untouched(void)
{
	char *p = map_anon(4, RW);
	unsigned char in[4] = { 9, 9, 9, 9 };

	p[PAGE] = 1;
	EXPECT_EQUAL(mincore(p, 4 * PAGE, in), 0);
	EXPECT_EQUAL(in[0] & 1, 0);
	EXPECT_EQUAL(in[1] & 1, 1);
	EXPECT_EQUAL(in[2] & 1, 0);
}

static void mincore_errors(void)
{
	char *p = map_island(2, RW);
	unsigned char in[4];

	EXPECT_ERRNO(mincore(p + 1, PAGE, in), EINVAL);
	EXPECT_ERRNO(mincore(p, 3 * PAGE, in), ENOMEM);
	EXPECT_ERRNO(mincore(p + 2 * PAGE, PAGE, in), ENOMEM);
	EXPECT_ERRNO(mincore(p, PAGE, (unsigned char *)p + 2 * PAGE), EFAULT);
	EXPECT_EQUAL(mincore(p, 0, in), 0);
}

static void msync_errors(void)
{
	char *p = map_island(2, RW);

	EXPECT_EQUAL(msync(p, 2 * PAGE, MS_SYNC), 0);
	EXPECT_EQUAL(msync(p, 2 * PAGE, MS_ASYNC | MS_INVALIDATE), 0);
	EXPECT_EQUAL(msync(p, 0, MS_SYNC), 0);
	EXPECT_ERRNO(msync(p, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	EXPECT_ERRNO(msync(p, PAGE, 8), EINVAL);
	EXPECT_ERRNO(msync(p + 1, PAGE, MS_SYNC), EINVAL);
	EXPECT_ERRNO(msync(p, 3 * PAGE, MS_SYNC), ENOMEM);
	EXPECT_EQUAL(mlock(p, PAGE), 0);
	EXPECT_ERRNO(msync(p, PAGE, MS_INVALIDATE), EBUSY);
}

static void mlock_makes_pages_present(void)
{
	char *p = map_island(3, RW);
	unsigned char in[3];

	EXPECT_EQUAL(mlock(p + 10, PAGE), 0); /* rounds out: two pages */
	REQUIRE(mincore(p, 3 * PAGE, in) == 0);
	EXPECT_EQUAL(in[0] & 1, 1);
	EXPECT_EQUAL(in[1] & 1, 1);
	EXPECT_EQUAL(in[2] & 1, 0);
	EXPECT_ERRNO(mlock(p, 4 * PAGE), ENOMEM);
	EXPECT_EQUAL(munlock(p, 2 * PAGE), 0);
	EXPECT_ERRNO(munlock(p, 4 * PAGE), ENOMEM);
}

static void madvise_dontneed_gives_zeros_again(void)
{
	char *p = map_anon(3, RW);

	memset(p, 'd', 3 * PAGE);
	EXPECT_EQUAL(madvise(p + PAGE, PAGE, MADV_DONTNEED), 0);
	EXPECT_EQUAL(p[0], 'd');
	EXPECT_EQUAL(p[PAGE], 0);
	EXPECT_EQUAL(p[2 * PAGE], 'd');
}

static void madvise_dontneed_of_a_private_file_gives_its_bytes_again(void)
{
	int fd = open(in_root("/etc/demonstration"), O_RDONLY);
	char *p = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0), first;

	REQUIRE(p != MAP_FAILED);
	first = p[0];
	p[0] = 'X';
	EXPECT_EQUAL(madvise(p, PAGE, MADV_DONTNEED), 0);
	EXPECT_EQUAL(p[0], first);
}

static void madvise_errors(void)
{
	char *p = map_island(2, RW);

	EXPECT_ERRNO(madvise(p + 1, PAGE, MADV_DONTNEED), EINVAL);
	EXPECT_ERRNO(madvise(p, PAGE, 12345), EINVAL);
	EXPECT_ERRNO(madvise(p, 3 * PAGE, MADV_DONTNEED), ENOMEM);
	EXPECT_ERRNO(madvise(p, 0xfffff000u, MADV_NORMAL), ENOMEM);
	EXPECT_EQUAL(madvise(p, 0, MADV_DONTNEED), 0);
	EXPECT_EQUAL(madvise(p, PAGE, MADV_WILLNEED), 0);
	REQUIRE(mlock(p, PAGE) == 0);
	EXPECT_ERRNO(madvise(p, PAGE, MADV_DONTNEED), EINVAL);
}

const struct usertest tests_mmap[] = {
	TEST(mmap_anonymous_is_zero_and_page_aligned),
	TEST(mmap_length_0_is_EINVAL),
	TEST(mmap_without_a_kind_is_EINVAL),
	TEST(mmap_longer_than_the_space_is_ENOMEM),
	TEST(mmap_fixed_needs_an_aligned_address),
	TEST(mmap_fixed_into_the_kernel_is_ENOMEM),
	TEST(mmap_fixed_replaces_what_was_there),
	TEST(mmap_fixed_noreplace_is_EEXIST_on_a_mapping),
	TEST(mmap_takes_a_free_hint),
	TEST(mmap_passes_a_taken_hint_by),
	TEST(mmap_rounds_a_hint_down),
	TEST(mmap_is_top_down),
	TEST(mmap_neighbours_of_one_kind_are_one_line_of_maps),
	TEST(mmap_below_min_addr_as_a_hint_goes_elsewhere),
	TEST(old_mmap_takes_a_block_of_arguments),
	TEST(mmap_of_a_file_shows_its_bytes_and_zeros_behind),
	TEST(mmap_private_of_a_file_keeps_writes_to_itself),
	TEST(mmap_of_a_file_behind_its_end_is_SIGBUS),
	TEST(mmap_errors_of_descriptors),
	TEST(mmap_shared_of_a_readonly_file_cannot_become_writable),
	TEST(mmap_of_dev_zero_is_anonymous),
	TEST(mmap_shared_anonymous_is_shared_with_children),
	TEST(mmap_populate_makes_pages_present),
	TEST(munmap_in_the_middle_leaves_both_ends),
	TEST(munmap_of_nothing_succeeds),
	TEST(munmap_rounds_its_length_up),
	TEST(munmap_errors),
	TEST(mincore_tells_touched_from_untouched),
	TEST(mincore_errors),
	TEST(msync_errors),
	TEST(mlock_makes_pages_present),
	TEST(madvise_dontneed_gives_zeros_again),
	TEST(madvise_dontneed_of_a_private_file_gives_its_bytes_again),
	TEST(madvise_errors),
	END_OF_TESTS,
};
