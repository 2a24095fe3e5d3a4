/* SPDX-License-Identifier: MIT */
/*
 * The frame of usertests: rule-named tests of the system calls, each run in a child of its own, so
 * that it may break its address space as it likes.
 *
 * What a test expects is what Linux does: the same binary runs on Linux, where every test must
 * pass, too. A test that cannot do that calls guest_only() and says why.
 */
#ifndef TESTS_USERTEST_H
#define TESTS_USERTEST_H

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096u
#define PAGE_ALIGN(p) ((char *)((uint32_t)(p) & ~(PAGE - 1)))
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct usertest {
	const char *name;
	void (*fn)(void);
	int is_long; /* where each page fault leaves the guest, say; it runs by its name alone */
};
#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name, 0                                                                     \
	}
#define LONG_TEST(name)                                                                            \
	{                                                                                          \
#name, name, 1                                                                     \
	}
#define END_OF_TESTS                                                                               \
	{                                                                                          \
		NULL, NULL, 0                                                                      \
	}

extern const struct usertest tests_brk[], tests_exec[], tests_fault[], tests_file[], tests_fork[],
	tests_mmap[], tests_mprotect[], tests_mremap[], tests_pipe[], tests_pointers[],
	tests_proc[], tests_signal[], tests_time[];

/* A test goes on after a failed expectation. */
void expect(int holds, const char *what, const char *file, int line);
void expect_equal(long got, long want, const char *what, const char *file, int line);
/* As an errno is told: by name. */
void expect_errno(long got, int want, const char *what, const char *file, int line);
void skip(const char *why) __attribute__((noreturn));
/* Ends the test as skipped on any other kernel than this project's. */
void guest_only(const char *why);
int in_guest(void);

#define EXPECT(holds) expect((holds) != 0, #holds, __FILE__, __LINE__)
#define EXPECT_EQUAL(got, want) expect_equal((long)(got), (long)(want), #got, __FILE__, __LINE__)
/* The wrapper fails with that errno. */
#define EXPECT_ERRNO(call, error)                                                                  \
	do {                                                                                       \
		errno = 0;                                                                         \
		expect_errno((long)(call) == -1 ? errno : 0, error, #call, __FILE__, __LINE__);    \
	} while (0)
/* No test goes on without this. */
#define REQUIRE(holds)                                                                             \
	do {                                                                                       \
		if (!(holds)) {                                                                    \
			EXPECT(!"required" && (holds));                                            \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

/* A file of the tests' own file system: on another kernel it lies below the program's folder. */
const char *in_root(const char *path);

char *map_anon(unsigned pages, int prot);
/* `pages` of them between two pages that are not mapped. */
char *map_island(unsigned pages, int prot);
/* Runs fn(arg) in a child; its status as wait4() gives it. */
int in_child(void (*fn)(void *arg), void *arg);
#define EXITED(status) ((status) << 8)

/* Touches a page; 0, or the signal it gave. *info then tells about it, *error is the error code. */
int touch_read(const volatile void *p, siginfo_t *info, uint32_t *error);
int touch_write(volatile void *p, siginfo_t *info, uint32_t *error);
/* Writes to where nothing is. */
void fault(void);
/* SIGSEGV's si_code of a read or a write, 0 if it succeeds. */
int read_fault(const volatile void *p);
int write_fault(volatile void *p);

#endif
