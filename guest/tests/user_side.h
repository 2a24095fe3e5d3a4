/* SPDX-License-Identifier: MIT */
/*
 * Code of self-tests that runs as a process, written in C, and how to run it.
 *
 * A USER function is copied with all others to USER_TEXT. There it finds no data of the kernel and
 * no function but USER ones: it may use its stack, what it maps, and calls to its kind; no
 * constants in memory, no switch that becomes a table. Its address in the process is
 * user_address().
 */
#ifndef TESTS_USER_SIDE_H
#define TESTS_USER_SIDE_H

#include "selftest.h"
#include <kernel/signal.h>
#include <lib/types.h>

#include "mm/errno.h"
#include "mm/mm.h"

#define USER_TEXT 0x08048000u
#define USER_STACK_BYTES 65536

/*
 * gcc must not make a second version of one for a caller, since that would lie elsewhere; clang
 * does not.
 */
#ifdef __clang__
#define USER __attribute__((section("user_tests"), noinline, used))
#else
#define USER __attribute__((section("user_tests"), noinline, noclone, used))
#endif
#define USER_INLINE static inline __attribute__((always_inline))

/* --- in the kernel ---------------------------------------------------------------------------- */

/*
 * Run main(arg) as a process and wait for it: its status as wait4() gives it. Then there are as
 * many tasks and free pages as before, or the test fails.
 */
int run_user(struct selftest_result *r, void (*main)(u32 arg), u32 arg);
/* Start it only; its pid. */
int start_user(void (*main)(u32 arg), u32 arg);
/* Wait for that child: its status, or error. */
int wait_for(int pid);
/* Free pages when all caches are empty. */
u32 pages_at_rest(void);
/* A row for the end of a suite, as it goes through all pages: mm/'s checkers find nothing. */
void check_memory(struct selftest_result *r, const void *arg);

#define EXITED(status) ((status) << 8)

/* --- in the process --------------------------------------------------------------------------- */

extern const char __start_user_tests[], __stop_user_tests[];

USER_INLINE int call(u32 nr, u32 b, u32 c, u32 d, u32 s)
{
	int result;

	asm volatile("int $0x80"
		     : "=a"(result)
		     : "a"(nr), "b"(b), "c"(c), "d"(d), "S"(s)
		     : "memory");
	return result;
}

#define U_EXIT 1
#define U_FORK 2
#define U_READ 3
#define U_WRITE 4
#define U_CLOSE 6
#define U_WAITPID 7
#define U_EXECVE 11
#define U_GETPID 20
#define U_KILL 37
#define U_PIPE 42
#define U_BRK 45
#define U_GETPPID 64
#define U_OLD_MMAP 90
#define U_MUNMAP 91
#define U_WAIT4 114
#define U_CLONE 120
#define U_MPROTECT 125
#define U_SCHED_YIELD 158
#define U_NANOSLEEP 162
#define U_SIGACTION 174
#define U_SIGPROCMASK 175
#define U_SIGSUSPEND 179
#define U_SIGALTSTACK 186
#define U_VFORK 190
#define U_SET_THREAD_AREA 243
#define U_CLOCK_GETTIME 265

#define call0(nr) call(nr, 0, 0, 0, 0)
#define call1(nr, a) call(nr, (u32)(a), 0, 0, 0)
#define call2(nr, a, b) call(nr, (u32)(a), (u32)(b), 0, 0)
#define call3(nr, a, b, c) call(nr, (u32)(a), (u32)(b), (u32)(c), 0)
#define call4(nr, a, b, c, d) call(nr, (u32)(a), (u32)(b), (u32)(c), (u32)(d))

USER_INLINE void __noreturn u_exit(u32 status)
{
	call1(U_EXIT, status);
	for (;;)
		;
}

/* A failed check is the exit status: it names the line, modulo 251. */
#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			u_exit(__LINE__ % 251 + 1);                                                \
	} while (0)

/* What a function of ours is called in the process. */
#define user_address(fn) ((u32)(fn) - (u32)__start_user_tests + USER_TEXT)

USER_INLINE u32 u_mmap(u32 addr, u32 bytes, u32 prot, u32 flags)
{
	volatile u32 a[6];

	a[0] = addr;
	a[1] = bytes;
	a[2] = prot;
	a[3] = flags;
	a[4] = UINT32_MAX;
	a[5] = 0;
	return (u32)call1(U_OLD_MMAP, a);
}

/* The exit code of one child, or -1 if it did not exit by itself. */
USER_INLINE int u_wait(int pid)
{
	volatile int status = -1;

	if (call3(U_WAITPID, pid, &status, 0) != pid || (status & 0xff))
		return -1;
	return status >> 8;
}

USER_INLINE void u_sleep_ms(u32 ms)
{
	volatile u32 ts[2];

	ts[0] = ms / 1000;
	ts[1] = ms % 1000 * 1000000;
	call2(U_NANOSLEEP, ts, 0);
}

USER_INLINE int u_sigaction(int sig, u32 handler, u32 flags, u64 mask)
{
	volatile u32 a[5];

	a[0] = handler;
	a[1] = flags;
	a[2] = 0;
	a[3] = (u32)mask;
	a[4] = (u32)(mask >> 32);
	return call4(U_SIGACTION, sig, a, 0, 8);
}

/* how: 0 block, 1 unblock, 2 set. */
USER_INLINE void u_sigmask(u32 how, u64 mask)
{
	volatile u64 set = mask;

	CHECK(!call4(U_SIGPROCMASK, how, &set, 0, 8));
}

#endif
