// SPDX-License-Identifier: MIT
#include "usertest.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>

#define TEXT in_root("/tests/text") /* "0123456789\n", ten times */

static void open_gives_the_lowest_descriptor(void)
{
	int a = open("/dev/null", O_RDONLY), b = open("/dev/null", O_RDONLY);

	EXPECT(a >= 0 && b > a);
	close(a);
	EXPECT_EQUAL(open("/dev/zero", O_RDONLY), a);
	EXPECT_EQUAL(dup(a), b + 1);
}

static void open_errors(void)
{
	char name[300], *path;

	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	EXPECT_ERRNO(open(in_root("/nothing"), O_RDONLY), ENOENT);
	EXPECT_ERRNO(open(in_root("/nothing/x"), O_RDONLY), ENOENT);
	EXPECT_ERRNO(open(in_root("/tests/text/x"), O_RDONLY), ENOTDIR);
	EXPECT_ERRNO(open(TEXT, O_RDONLY | O_DIRECTORY), ENOTDIR);
	EXPECT_ERRNO(open(in_root("/tests"), O_WRONLY), EISDIR);
	EXPECT_ERRNO(open(name, O_RDONLY), ENAMETOOLONG);
	EXPECT_ERRNO(open("", O_RDONLY), ENOENT);
	EXPECT_ERRNO(open(TEXT, O_RDWR | O_CREAT | O_EXCL, 0666), EEXIST);
	path = malloc(5000);
	REQUIRE(path);
	memset(path, '/', 5000);
	path[4999] = '\0';
	EXPECT_ERRNO(open(path, O_RDONLY), ENAMETOOLONG);
	path[4000] = '\0';
	EXPECT(open(path, O_RDONLY) >= 0); /* slashes are one */
}

static void a_read_only_file_system_is_EROFS(void)
{
	guest_only("the host's file system can be written to");
	EXPECT_ERRNO(open("/tests/text", O_WRONLY), EROFS);
	EXPECT_ERRNO(open("/tests/text", O_RDWR), EROFS);
	EXPECT_ERRNO(open("/tests/new", O_WRONLY | O_CREAT, 0666), EROFS);
	EXPECT_ERRNO(access("/tests/text", W_OK), EROFS);
}

static void reads_go_on_where_the_last_ended(void)
{
	int fd = open(TEXT, O_RDONLY);
	char buf[200];

	EXPECT_EQUAL(read(fd, buf, 4), 4);
	EXPECT_EQUAL(read(fd, buf + 4, 7), 7);
	EXPECT(memcmp(buf, "0123456789\n", 11) == 0);
	EXPECT_EQUAL(read(fd, buf, 200), 99);
	EXPECT_EQUAL(read(fd, buf, 200), 0);
}

static void lseek_sets_where_the_next_read_begins(void)
{
	int fd = open(TEXT, O_RDONLY);
	char c;

	EXPECT_EQUAL(lseek(fd, 5, SEEK_SET), 5);
	EXPECT(read(fd, &c, 1) == 1 && c == '5');
	EXPECT_EQUAL(lseek(fd, 2, SEEK_CUR), 8);
	EXPECT(read(fd, &c, 1) == 1 && c == '8');
	EXPECT_EQUAL(lseek(fd, -1, SEEK_END), 109);
	EXPECT(read(fd, &c, 1) == 1 && c == '\n');
	EXPECT_EQUAL(lseek(fd, 1000, SEEK_SET), 1000);
	EXPECT_EQUAL(read(fd, &c, 1), 0);
	EXPECT_ERRNO(lseek(fd, -1, SEEK_SET), EINVAL);
	EXPECT_ERRNO(lseek(fd, 0, 9), EINVAL);
}

static void llseek_and_pread_take_64_bits(void)
{
	int fd = open(TEXT, O_RDONLY);
	int64_t at = -1;
	char c;

	EXPECT_EQUAL(raw_syscall(SYS_llseek, fd, 3, 5, &at, SEEK_SET), 0);
	EXPECT(at == 3ll * 4294967296 + 5);
	EXPECT(pread(fd, &c, 1, 7) == 1 && c == '7');
	EXPECT_EQUAL(pread(fd, &c, 1, 1ll << 33), 0);
	EXPECT_ERRNO(pread(fd, &c, 1, -1), EINVAL);
}

static void dup2_makes_two_of_one(void)
{
	int fd = open(TEXT, O_RDONLY);
	char c;

	EXPECT_EQUAL(dup2(fd, 20), 20);
	EXPECT_EQUAL(read(fd, &c, 1), 1);
	EXPECT(read(20, &c, 1) == 1 && c == '1');
	EXPECT_EQUAL(dup2(fd, fd), fd);
	close(fd);
	EXPECT(read(20, &c, 1) == 1 && c == '2');
	EXPECT_ERRNO(dup2(fd, 21), EBADF);
	EXPECT_ERRNO(dup2(20, -1), EBADF);
	EXPECT_ERRNO(dup2(20, 0x7fffffff), EBADF);
}

static void closed_descriptors_are_EBADF(void)
{
	struct stat st;
	char c;

	EXPECT_ERRNO(close(50), EBADF);
	EXPECT_ERRNO(read(50, &c, 1), EBADF);
	EXPECT_ERRNO(write(50, &c, 1), EBADF);
	EXPECT_ERRNO(lseek(50, 0, SEEK_SET), EBADF);
	EXPECT_ERRNO(fstat(50, &st), EBADF);
	EXPECT_ERRNO(dup(50), EBADF);
	EXPECT_ERRNO(ioctl(50, TCGETS, &st), EBADF);
	EXPECT_ERRNO(getdents64(50, &st, sizeof(st)), EBADF);
	EXPECT_ERRNO(fcntl(50, F_GETFD), EBADF);
	EXPECT_ERRNO(close(-1), EBADF);
}

static void rights_of_a_descriptor_are_kept(void)
{
	int in = open("/dev/zero", O_RDONLY), out = open("/dev/null", O_WRONLY);
	char c;

	EXPECT_ERRNO(write(in, "x", 1), EBADF);
	EXPECT_ERRNO(read(out, &c, 1), EBADF);
	EXPECT_EQUAL(fcntl(out, F_GETFL) & 3, O_WRONLY);
}

static void dev_null_takes_all_and_gives_nothing(void)
{
	int fd = open("/dev/null", O_RDWR);
	char c;
	struct stat st;

	EXPECT_EQUAL(write(fd, "abc", 3), 3);
	EXPECT_EQUAL(read(fd, &c, 1), 0);
	EXPECT(fstat(fd, &st) == 0 && S_ISCHR(st.st_mode));
}

static void dev_zero_gives_zeros(void)
{
	int fd = open("/dev/zero", O_RDWR);
	char buf[100];

	memset(buf, 'x', sizeof(buf));
	EXPECT_EQUAL(read(fd, buf, 99), 99);
	EXPECT_EQUAL(buf[0] | buf[98], 0);
	EXPECT_EQUAL(buf[99], 'x');
	EXPECT_EQUAL(write(fd, buf, 100), 100);
}

static void dev_full_is_ENOSPC(void)
{
	int fd = open("/dev/full", O_RDWR);
	char c = 'x';

	if (fd < 0 && in_guest())
		skip("there is no /dev/full");
	EXPECT_ERRNO(write(fd, "x", 1), ENOSPC);
	EXPECT(read(fd, &c, 1) == 1 && c == 0);
}

static void stat_tells_kind_and_size(void)
{
	struct stat st, other;
	int fd = open(TEXT, O_RDONLY);

	EXPECT_EQUAL(stat(TEXT, &st), 0);
	EXPECT(S_ISREG(st.st_mode) && st.st_size == 110 && st.st_nlink == 1);
	EXPECT(fstat(fd, &other) == 0 && other.st_ino == st.st_ino && other.st_size == 110);
	EXPECT(stat(in_root("/tests"), &st) == 0 && S_ISDIR(st.st_mode));
	EXPECT(stat("/dev/null", &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0x103);
	EXPECT_ERRNO(stat(in_root("/tests/nothing"), &st), ENOENT);
}

static void symbolic_links_are_followed_but_by_lstat(void)
{
	struct stat st;
	char target[64] = "";

	EXPECT(lstat(in_root("/tests/link"), &st) == 0 && S_ISLNK(st.st_mode) && st.st_size == 4);
	EXPECT(stat(in_root("/tests/link"), &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 110);
	EXPECT_EQUAL(readlink(in_root("/tests/link"), target, sizeof(target)), 4);
	EXPECT(strcmp(target, "text") == 0);
	EXPECT_EQUAL(readlink(in_root("/tests/link"), target, 2), 2);
	EXPECT_ERRNO(readlink(TEXT, target, sizeof(target)), EINVAL);
	EXPECT_ERRNO(readlink(in_root("/tests/link"), target, 0), EINVAL);
	EXPECT_ERRNO(open(in_root("/tests/loop"), O_RDONLY), ELOOP);
	EXPECT_ERRNO(open(in_root("/tests/dangling"), O_RDONLY), ENOENT);
	EXPECT(lstat(in_root("/tests/dangling"), &st) == 0);
}

static void dots_and_slashes_in_paths(void)
{
	struct stat a, b;

	EXPECT(stat(TEXT, &a) == 0);
	EXPECT(stat(in_root("/bin/.././tests//text"), &b) == 0 && a.st_ino == b.st_ino);
	EXPECT_ERRNO(stat(in_root("/tests/text/"), &b), ENOTDIR);
	EXPECT(stat(in_root("/tests/"), &b) == 0);
	EXPECT_ERRNO(stat(in_root("/nothing/../tests"), &b), ENOENT);
	EXPECT(stat("/../../..", &b) == 0);
}

static void chdir_moves_relative_paths(void)
{
	char path[512];
	struct stat st;

	EXPECT_EQUAL(chdir(in_root("/tests")), 0);
	EXPECT_EQUAL(stat("text", &st), 0);
	EXPECT_EQUAL(stat("../bin/sh", &st), 0);
	EXPECT(getcwd(path, sizeof(path)) && strcmp(path + strlen(path) - 6, "/tests") == 0);
	EXPECT_ERRNO(chdir("text"), ENOTDIR);
	EXPECT_ERRNO(chdir("nothing"), ENOENT);
	EXPECT_EQUAL(chdir("/"), 0);
	EXPECT_EQUAL(raw_syscall(SYS_getcwd, path, sizeof(path)), 2); /* with its NUL */
	EXPECT_EQUAL(raw_syscall(SYS_getcwd, path, 1), -ERANGE);
}

/* Bit n: names[n] was in the folder; bit 31: something twice or unknown. */
static unsigned names_seen(int fd, char *buf, size_t bytes, const char *const *names)
{
	unsigned seen = 0;
	int n;

	while ((n = getdents64(fd, buf, bytes)) > 0) {
		for (int at = 0; at < n;) {
			struct dirent *d = (struct dirent *)(buf + at);
			unsigned bit = 1u << 31;

			for (int i = 0; names[i]; i++)
				if (strcmp(d->d_name, names[i]) == 0)
					bit = 1u << i;
			seen |= seen & bit ? 1u << 31 : bit;
			at += d->d_reclen;
			if (d->d_reclen % 8)
				seen |= 1u << 31;
		}
	}
	EXPECT_EQUAL(n, 0);
	return seen;
}

static void getdents64_gives_every_name_once(void)
{
	static const char *const names[] = { ".", "..", "a", "b", "c", NULL };
	char buf[1024] __attribute__((aligned(8)));
	int fd = open(in_root("/tests/folder"), O_RDONLY | O_DIRECTORY);

	REQUIRE(fd >= 0);
	EXPECT_EQUAL(names_seen(fd, buf, sizeof(buf), names), 31);
	EXPECT_EQUAL(lseek(fd, 0, SEEK_SET), 0);
	EXPECT_EQUAL(names_seen(fd, buf, 24, names), 31); /* one at a time */
	EXPECT_EQUAL(lseek(fd, 0, SEEK_SET), 0);
	EXPECT_ERRNO(getdents64(fd, buf, 10), EINVAL);
	EXPECT_ERRNO(getdents64(open(TEXT, O_RDONLY), buf, sizeof(buf)), ENOTDIR);
	EXPECT_ERRNO(getdents64(open(in_root("/tests"), O_PATH), buf, sizeof(buf)), EBADF);
	/* What cannot be read is no folder either. */
	EXPECT_ERRNO(getdents64(open("/dev/null", O_WRONLY), buf, sizeof(buf)), ENOTDIR);
}

static void read_of_a_folder_is_EISDIR(void)
{
	int fd = open(in_root("/tests"), O_RDONLY);
	char c;

	EXPECT_ERRNO(read(fd, &c, 1), EISDIR);
}

static void ioctl_of_a_file_is_ENOTTY(void)
{
	struct termios t;

	EXPECT_ERRNO(ioctl(open(TEXT, O_RDONLY), TCGETS, &t), ENOTTY);
	EXPECT_ERRNO(ioctl(open("/dev/null", O_RDONLY), TCGETS, &t), ENOTTY);
	EXPECT(!isatty(open(TEXT, O_RDONLY)));
}

static void descriptors_run_out_with_EMFILE(void)
{
	struct rlimit limit;
	int fd, last = -1;

	REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	while ((fd = open("/dev/null", O_RDONLY)) >= 0)
		last = fd;
	EXPECT_EQUAL(errno, EMFILE);
	EXPECT_EQUAL(last, limit.rlim_cur - 1);
	EXPECT_ERRNO(dup(0), EMFILE);
	close(40);
	EXPECT_EQUAL(dup(0), 40);
}

static void umask_gives_the_old_one(void)
{
	umask(022);
	EXPECT_EQUAL(umask(077), 022);
	EXPECT_EQUAL(umask(07777), 077);
	EXPECT_EQUAL(umask(0), 0777);
}

static void access_asks_for_rights(void)
{
	EXPECT_EQUAL(access(in_root("/bin/sh"), X_OK | R_OK), 0);
	EXPECT_EQUAL(access(TEXT, F_OK), 0);
	EXPECT_ERRNO(access(in_root("/tests/not_executable"), X_OK), EACCES);
	EXPECT_ERRNO(access(TEXT, 8), EINVAL);
	EXPECT_ERRNO(access(in_root("/nothing"), F_OK), ENOENT);
}

const struct usertest tests_file[] = {
	TEST(open_gives_the_lowest_descriptor),
	TEST(open_errors),
	TEST(a_read_only_file_system_is_EROFS),
	TEST(reads_go_on_where_the_last_ended),
	TEST(lseek_sets_where_the_next_read_begins),
	TEST(llseek_and_pread_take_64_bits),
	TEST(dup2_makes_two_of_one),
	TEST(closed_descriptors_are_EBADF),
	TEST(rights_of_a_descriptor_are_kept),
	TEST(dev_null_takes_all_and_gives_nothing),
	TEST(dev_zero_gives_zeros),
	TEST(dev_full_is_ENOSPC),
	TEST(stat_tells_kind_and_size),
	TEST(symbolic_links_are_followed_but_by_lstat),
	TEST(dots_and_slashes_in_paths),
	TEST(chdir_moves_relative_paths),
	TEST(getdents64_gives_every_name_once),
	TEST(read_of_a_folder_is_EISDIR),
	TEST(ioctl_of_a_file_is_ENOTTY),
	TEST(descriptors_run_out_with_EMFILE),
	TEST(umask_gives_the_old_one),
	TEST(access_asks_for_rights),
	END_OF_TESTS,
};
