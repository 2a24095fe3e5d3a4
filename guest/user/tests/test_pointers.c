// SPDX-License-Identifier: MIT
/*
 * Bad user pointers in every system call that takes one, but for clone and its like: each of the
 * arguments marked P is tried with each kind of bad pointer, and the call must say EFAULT.
 */
#include "usertest.h"
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <termios.h>

/* What stands for an argument that is only known when the test runs. */
enum {
	P = 0x40000000, /* the bad pointer */
	FD_ZERO,	/* /dev/zero, to be read */
	FD_NULL_OUT,	/* a pipe, to be written */
	FD_PIPE_IN,	/* a pipe with bytes in it */
	FD_FOLDER,
	FD_TEXT,
	GOOD_PATH, /* of a file */
	GOOD_LINK,
	GOOD_ROOM, /* a page to be written */
};

struct row {
	const char *name;
	unsigned number;
	uint32_t args[5];
	unsigned bytes; /* that the kernel reads or writes there; 0: a path, which ends anywhere */
	int null_is_fine;
};

static const struct row rows[] = {
	{ "read zero", SYS_read, { FD_ZERO, P, 16 }, 16, 0 },
	{ "read text", SYS_read, { FD_TEXT, P, 16 }, 16, 0 },
	{ "read pipe", SYS_read, { FD_PIPE_IN, P, 16 }, 16, 0 },
	{ "write", SYS_write, { FD_NULL_OUT, P, 16 }, 16, 0 },
	{ "open", SYS_open, { P, 0 }, 0, 0 },
	{ "openat", SYS_openat, { (uint32_t)AT_FDCWD, P, 0 }, 0, 0 },
	{ "execve path", SYS_execve, { P, 0, 0 }, 0, 0 },
	{ "execve argv", SYS_execve, { GOOD_PATH, P, 0 }, 8, 1 },
	{ "execve envp", SYS_execve, { GOOD_PATH, 0, P }, 8, 1 },
	{ "chdir", SYS_chdir, { P }, 0, 0 },
	{ "access", SYS_access, { P, 0 }, 0, 0 },
	{ "readlink path", SYS_readlink, { P, GOOD_ROOM, 16 }, 0, 0 },
	{ "readlink room", SYS_readlink, { GOOD_LINK, P, 16 }, 4, 0 },
	{ "stat64 path", SYS_stat64, { P, GOOD_ROOM }, 0, 0 },
	{ "stat64 room", SYS_stat64, { GOOD_PATH, P }, 96, 0 },
	{ "lstat64 path", SYS_lstat64, { P, GOOD_ROOM }, 0, 0 },
	{ "lstat64 room", SYS_lstat64, { GOOD_PATH, P }, 96, 0 },
	{ "fstat64", SYS_fstat64, { FD_TEXT, P }, 96, 0 },
	{ "getdents64", SYS_getdents64, { FD_FOLDER, P, 512 }, 24, 0 },
	{ "_llseek", SYS_llseek, { FD_TEXT, 0, 0, P, 0 }, 8, 0 },
	{ "pread64", SYS_pread64, { FD_TEXT, P, 16, 0, 0 }, 16, 0 },
	{ "readv vector", SYS_readv, { FD_TEXT, P, 2 }, 16, 0 },
	{ "writev vector", SYS_writev, { FD_NULL_OUT, P, 2 }, 16, 0 },
	{ "pipe", SYS_pipe, { P }, 8, 0 },
	{ "getcwd", SYS_getcwd, { P, 100 }, 2, 0 },
	{ "nanosleep", SYS_nanosleep, { P, 0 }, 8, 0 },
	{ "clock_gettime", SYS_clock_gettime, { 0, P }, 8, 0 },
	{ "gettimeofday", SYS_gettimeofday, { P, 0 }, 8, 1 },
	{ "time", SYS_time, { P }, 4, 1 },
	{ "uname", SYS_uname, { P }, 390, 0 },
	{ "sysinfo", SYS_sysinfo, { P }, 64, 0 },
	{ "getrusage", SYS_getrusage, { 0, P }, 72, 0 },
	{ "ugetrlimit", SYS_ugetrlimit, { RLIMIT_STACK, P }, 8, 0 },
	{ "rt_sigaction new", SYS_rt_sigaction, { SIGUSR1, P, 0, 8 }, 20, 1 },
	{ "rt_sigaction old", SYS_rt_sigaction, { SIGUSR1, 0, P, 8 }, 20, 1 },
	{ "rt_sigprocmask new", SYS_rt_sigprocmask, { SIG_BLOCK, P, 0, 8 }, 8, 1 },
	{ "rt_sigprocmask old", SYS_rt_sigprocmask, { SIG_BLOCK, 0, P, 8 }, 8, 1 },
	{ "sigaltstack new", SYS_sigaltstack, { P, 0 }, 12, 1 },
	{ "sigaltstack old", SYS_sigaltstack, { 0, P }, 12, 1 },
	{ "set_thread_area", SYS_set_thread_area, { P }, 16, 0 },
	{ "mincore", SYS_mincore, { GOOD_ROOM, PAGE, P }, 1, 0 },
	{ "old mmap", SYS_old_mmap, { P }, 24, 0 },
	{ "creat", SYS_creat, { P, 0600 }, 0, 0 },
	{ "times", SYS_times, { P }, 16, 1 },
	{ "sigaction new", SYS_sigaction, { SIGUSR1, P, 0 }, 16, 1 },
	{ "sigaction old", SYS_sigaction, { SIGUSR1, 0, P }, 16, 1 },
	{ "setrlimit new", SYS_setrlimit, { RLIMIT_STACK, P }, 8, 0 },
	{ "getrlimit", SYS_getrlimit, { RLIMIT_STACK, P }, 8, 0 },
	{ "stat path", SYS_stat, { P, GOOD_ROOM }, 0, 0 },
	{ "stat room", SYS_stat, { GOOD_PATH, P }, 64, 0 },
	{ "lstat path", SYS_lstat, { P, GOOD_ROOM }, 0, 0 },
	{ "lstat room", SYS_lstat, { GOOD_PATH, P }, 64, 0 },
	{ "fstat", SYS_fstat, { FD_TEXT, P }, 64, 0 },
	{ "sigprocmask new", SYS_sigprocmask, { SIG_BLOCK, P, 0 }, 4, 1 },
	{ "sigprocmask old", SYS_sigprocmask, { SIG_BLOCK, 0, P }, 4, 1 },
	{ "getdents", SYS_getdents, { FD_FOLDER, P, 512 }, 12, 0 },
	{ "poll", SYS_poll, { P, 1, 0 }, 8, 0 },
	{ "rt_sigpending", SYS_rt_sigpending, { P, 8 }, 8, 0 },
	{ "rt_sigsuspend new", SYS_rt_sigsuspend, { P, 8 }, 8, 0 },
	{ "get_thread_area", SYS_get_thread_area, { P }, 16, 0 },
	{ "clock_getres", SYS_clock_getres, { 0, P }, 8, 1 },
	{ "clock_nanosleep", SYS_clock_nanosleep, { 0, 0, P, 0 }, 8, 0 },
	{ "fstatat64 path", SYS_fstatat64, { (uint32_t)AT_FDCWD, P, GOOD_ROOM, 0 }, 0, 0 },
	{ "fstatat64 room", SYS_fstatat64, { (uint32_t)AT_FDCWD, GOOD_PATH, P, 0 }, 96, 0 },
	{ "readlinkat path", SYS_readlinkat, { (uint32_t)AT_FDCWD, P, GOOD_ROOM, 16 }, 0, 0 },
	{ "readlinkat room", SYS_readlinkat, { (uint32_t)AT_FDCWD, GOOD_LINK, P, 16 }, 4, 0 },
	{ "faccessat path", SYS_faccessat, { (uint32_t)AT_FDCWD, P, 0 }, 0, 0 },
	{ "pipe2", SYS_pipe2, { P, 0 }, 8, 0 },
	{ "prlimit64 new", SYS_prlimit64, { 0, RLIMIT_STACK, P, 0 }, 16, 1 },
	{ "prlimit64 old", SYS_prlimit64, { 0, RLIMIT_STACK, 0, P }, 16, 1 },
	{ "getrandom", SYS_getrandom, { P, 16, 0 }, 16, 0 },
	{ "statx path", SYS_statx, { (uint32_t)AT_FDCWD, P, 0, 0x7ff, GOOD_ROOM }, 0, 0 },
	{ "statx room", SYS_statx, { (uint32_t)AT_FDCWD, GOOD_PATH, 0, 0x7ff, P }, 256, 0 },
};

struct world {
	int zero, pipe_in, pipe_out, folder, text;
	char *room;
	char *edge; /* the end of a page, behind which nothing is */
};

static struct world *make_world(void)
{
	static struct world w;
	int fds[2];

	w.zero = open("/dev/zero", O_RDONLY);
	w.folder = open(in_root("/tests/folder"), O_RDONLY);
	w.text = open(in_root("/tests/text"), O_RDONLY);
	REQUIRE(pipe(fds) == 0);
	w.pipe_in = fds[0];
	w.pipe_out = fds[1];
	w.room = map_island(1, PROT_READ | PROT_WRITE);
	w.edge = map_island(1, PROT_READ | PROT_WRITE) + PAGE;
	memset(w.edge - PAGE, 'p', PAGE); /* no NUL: a path does not end there */
	return &w;
}

static uint32_t argument(const struct world *w, uint32_t arg, uint32_t bad)
{
	switch (arg) {
	case P:
		return bad;
	case FD_ZERO:
		return (uint32_t)w->zero;
	case FD_NULL_OUT:
		return (uint32_t)w->pipe_out;
	case FD_PIPE_IN:
		return (uint32_t)w->pipe_in;
	case FD_FOLDER:
		return (uint32_t)w->folder;
	case FD_TEXT:
		return (uint32_t)w->text;
	case GOOD_PATH:
		return (uint32_t)in_root("/tests/text");
	case GOOD_LINK:
		return (uint32_t)in_root("/tests/link");
	case GOOD_ROOM:
		return (uint32_t)w->room;
	default:
		return arg;
	}
}

static void try_row(const struct world *w, const struct row *r, uint32_t bad)
{
	uint32_t a[5];
	char what[96];
	long result;

	for (int i = 0; i < 5; i++)
		a[i] = argument(w, r->args[i], bad);
	w->edge[-1] = 'p'; /* a call may have written what fits */
	lseek(w->text, 0, SEEK_SET);
	lseek(w->folder, 0, SEEK_SET);
	if (r->args[0] == FD_PIPE_IN)
		write(w->pipe_out, "0123456789abcdef", 16);
	result = raw_syscall(r->number, a[0], a[1], a[2], a[3], a[4], 0);
	snprintf(what, sizeof(what), "%s with the pointer %s%x", r->name,
		 bad == (uint32_t)w->edge - 1 ? "edge - " : "",
		 bad == (uint32_t)w->edge - 1 ? 1 : bad);
	expect_errno(result < 0 ? -result : 0, EFAULT, what, __FILE__, __LINE__);
}

static void try_all(uint32_t bad, int skip_null)
{
	const struct world *w = make_world();

	for (unsigned i = 0; i < COUNT(rows); i++)
		if (!(skip_null && rows[i].null_is_fine))
			try_row(w, &rows[i], bad);
}

static void null_is_EFAULT(void)
{
	try_all(0, 1);
}

static void the_first_page_is_EFAULT(void)
{
	try_all(8, 0);
}

static void the_kernels_text_is_EFAULT(void)
{
	try_all(0xc0100000u, 0);
}

static void the_last_page_of_all_is_EFAULT(void)
{
	try_all(0xfffff000u, 0);
	try_all(0xffffffffu, 0);
}

/* A structure that begins on the last byte of a page, behind which nothing is. */
static void the_last_byte_of_a_page_is_EFAULT(void)
{
	const struct world *w = make_world();

	for (unsigned i = 0; i < COUNT(rows); i++) {
		const struct row *r = &rows[i];
		int part_counts = r->number == SYS_read || r->number == SYS_write ||
				  r->number == SYS_pread64 || r->number == SYS_getrandom;

		if (r->bytes != 1 && !part_counts) /* those may take the one byte */
			try_row(w, r, (uint32_t)w->edge - 1);
	}
}

static void a_page_without_rights_is_EFAULT(void)
{
	char *p = map_anon(1, PROT_NONE);

	try_all((uint32_t)p, 0);
}

static void a_read_only_page_is_EFAULT_where_the_kernel_writes(void)
{
	static const char *const readers[] = { "write",	    "open",	   "execve",   "chdir",
					       "access",    "path",	   "vector",   "new",
					       "nanosleep", "thread_area", "old mmap", "creat" };
	const struct world *w = make_world();
	char *p = map_anon(1, PROT_READ);

	for (unsigned i = 0; i < COUNT(rows); i++) {
		int reads = 0;

		for (unsigned k = 0; k < COUNT(readers); k++)
			reads |= strstr(rows[i].name, readers[k]) != NULL;
		if (!reads)
			try_row(w, &rows[i], (uint32_t)p);
	}
	EXPECT_EQUAL(p[0], 0);
}

static void leave(void *arg)
{
	_exit(3);
}

static void wait4_with_bad_pointers_is_EFAULT(void)
{
	static const uint32_t bad[] = { 8, 0xc0100000u, 0xfffff000u };

	for (unsigned i = 0; i < COUNT(bad); i++) {
		pid_t pid = fork();

		if (pid == 0)
			leave(NULL);
		EXPECT_EQUAL(raw_syscall(SYS_wait4, pid, bad[i], 0, 0), -EFAULT);
		while (wait(NULL) > 0) /* taken or not, nothing is left */
			;
		pid = fork();
		if (pid == 0)
			leave(NULL);
		EXPECT_EQUAL(raw_syscall(SYS_wait4, pid, 0, 0, bad[i]), -EFAULT);
		while (wait(NULL) > 0)
			;
	}
}

static void waitpid_with_bad_pointers_is_EFAULT(void)
{
	pid_t pid = fork();

	if (pid == 0)
		leave(NULL);
	EXPECT_EQUAL(raw_syscall(SYS_waitpid, pid, 0xfffff000u, 0), -EFAULT);
	while (wait(NULL) > 0)
		;
}

/* Where the console is no terminal, that comes first. */
static void ioctl_of_a_terminal_with_bad_pointers_is_EFAULT(void)
{
	static const uint32_t bad[] = { 0, 8, 0xc0100000u, 0xfffff000u, 0xffffffffu };
	static const unsigned requests[] = { TCGETS, TCSETS, TIOCGWINSZ };
	int fd = open(in_guest() ? "/dev/console" : "/dev/ptmx", O_RDWR);
	struct termios modes;
	int error = ioctl(fd, TCGETS, &modes) == 0 ? EFAULT : ENOTTY;

	REQUIRE(fd >= 0 && (in_guest() || error == EFAULT));
	for (unsigned i = 0; i < COUNT(requests); i++)
		for (unsigned k = 0; k < COUNT(bad); k++)
			EXPECT_ERRNO(ioctl(fd, requests[i], bad[k]), error);
}

static void iovec_entries_with_bad_pointers_are_EFAULT(void)
{
	struct iovec iov[2] = { { (void *)8, 5 }, { (void *)8, 5 } };
	const struct world *w = make_world();

	EXPECT_ERRNO(readv(w->text, iov, 2), EFAULT);
	EXPECT_ERRNO(writev(w->pipe_out, iov, 2), EFAULT);
	iov[0].iov_base = w->room;
	EXPECT_EQUAL(readv(w->text, iov, 2), 5); /* what came before the bad one counts */
}

static void execve_with_a_bad_word_is_EFAULT(void)
{
	char *argv[] = { "x", (char *)8, NULL }, *kernel[] = { "x", (char *)0xfffff000u, NULL };
	const char *path = in_root("/bin/true");

	EXPECT_ERRNO(execve(path, argv, NULL), EFAULT);
	EXPECT_ERRNO(execve(path, kernel, NULL), EFAULT);
	EXPECT_ERRNO(execve(path, NULL, argv), EFAULT);
}

/* A read that reaches the end of a page gives what went before. */
static void a_read_into_half_a_hole_is_short(void)
{
	const struct world *w = make_world();

	EXPECT_EQUAL(read(w->zero, w->edge - 10, 100), 10);
	EXPECT_EQUAL(w->edge[-10] | w->edge[-1], 0);
	EXPECT_EQUAL(read(w->text, w->edge - 3, 10), 3);
	EXPECT(memcmp(w->edge - 3, "012", 3) == 0);
}

static void lengths_that_wrap_are_errors(void)
{
	char *p = map_island(1, PROT_READ | PROT_WRITE);

	EXPECT_ERRNO(munmap(p, 0xffffffffu), EINVAL);
	EXPECT_ERRNO(
		mmap(p, 0xffffffffu, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		ENOMEM);
	EXPECT_ERRNO(mlock(p, 0xffffffffu - PAGE), ENOMEM);
	EXPECT_ERRNO(msync(p, 0xfffff000u, MS_ASYNC), ENOMEM);
	EXPECT_ERRNO(mremap(p, PAGE, 0xffffffffu, MREMAP_MAYMOVE), EINVAL);
	EXPECT_EQUAL(write_fault(p), 0);
}

const struct usertest tests_pointers[] = {
	TEST(null_is_EFAULT),
	TEST(the_first_page_is_EFAULT),
	TEST(the_kernels_text_is_EFAULT),
	TEST(the_last_page_of_all_is_EFAULT),
	TEST(the_last_byte_of_a_page_is_EFAULT),
	TEST(a_page_without_rights_is_EFAULT),
	TEST(a_read_only_page_is_EFAULT_where_the_kernel_writes),
	TEST(wait4_with_bad_pointers_is_EFAULT),
	TEST(waitpid_with_bad_pointers_is_EFAULT),
	TEST(ioctl_of_a_terminal_with_bad_pointers_is_EFAULT),
	TEST(iovec_entries_with_bad_pointers_are_EFAULT),
	TEST(execve_with_a_bad_word_is_EFAULT),
	TEST(a_read_into_half_a_hole_is_short),
	TEST(lengths_that_wrap_are_errors),
	END_OF_TESTS,
};
