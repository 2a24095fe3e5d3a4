// SPDX-License-Identifier: MIT
/*
 * Processes: fork, exit, wait, preemption, what they share and what they leave behind.
 */
#include "user_side.h"
#include <arch/segment.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/time.h>

#define MANY 100

struct process_case {
	void (*main)(u32 arg);
	u32 arg;
	int status;
};

static void run_case(struct selftest_result *r, const void *arg)
{
	const struct process_case *c = arg;

	EXPECT_EQ(r, run_user(r, c->main, c->arg), c->status);
}

/* --- fork, exit, wait ------------------------------------------------------------------------- */

USER static void exit_with(u32 arg)
{
	u_exit(arg);
}

USER static void fork_copies_memory(u32 arg)
{
	volatile u32 word = 1;
	int pid = call0(U_FORK);

	CHECK(pid >= 0);
	if (!pid) {
		CHECK(word == 1);
		word = 2;
		u_exit(7);
	}
	CHECK(u_wait(pid) == 7);
	CHECK(word == 1);
	u_exit(arg);
}

USER static void fork_many(u32 n)
{
	u32 sum = 0;

	for (u32 i = 1; i <= n; i++) {
		int pid = call0(U_FORK);

		CHECK(pid >= 0);
		if (!pid)
			u_exit(i);
	}
	for (u32 i = 1; i <= n; i++) {
		volatile int status = -1;

		CHECK(call3(U_WAITPID, -1, &status, 0) > 0);
		CHECK(!(status & 0xff));
		sum += (u32)status >> 8;
	}
	CHECK(sum == n * (n + 1) / 2);
	CHECK(call3(U_WAITPID, -1, 0, 0) == -ECHILD);
	u_exit(0);
}

/* Each level forks the next and waits for it. */
USER static void fork_in_a_row(u32 depth)
{
	for (u32 left = depth; left; left--) {
		int pid = call0(U_FORK);

		CHECK(pid >= 0);
		if (pid)
			u_exit((u32)u_wait(pid));
	}
	u_exit(5);
}

USER static void child_knows_its_parent(u32 arg)
{
	int parent = call0(U_GETPID), pid;

	(void)arg;
	pid = call0(U_FORK);
	if (!pid) {
		CHECK(call0(U_GETPPID) == parent);
		CHECK(call0(U_GETPID) != parent);
		u_exit(0);
	}
	u_exit((u32)u_wait(pid));
}

/* The grandchild outlives the child, and is its grandparent's no more: task 0 gets it. */
USER static void orphan_gets_another_parent(u32 arg)
{
	int pid = call0(U_FORK);

	(void)arg;
	if (!pid) {
		if (!call0(U_FORK)) {
			u_sleep_ms(30);
			u_exit(call0(U_GETPPID) != 0);
		}
		u_exit(0);
	}
	CHECK(!u_wait(pid));
	CHECK(call3(U_WAITPID, -1, 0, 0) == -ECHILD);
	u_exit(0);
}

USER static void vfork_lends_memory(u32 arg)
{
	volatile u32 word = 1;
	int pid = call0(U_VFORK);

	(void)arg;
	if (!pid) {
		call0(U_SCHED_YIELD); /* the parent does not run meanwhile */
		word = 2;
		u_exit(3);
	}
	CHECK(word == 2);
	CHECK(u_wait(pid) == 3);
	u_exit(0);
}

USER static void wait_refuses_bad_arguments(u32 arg)
{
	int pid = call0(U_FORK);

	(void)arg;
	if (!pid)
		u_exit(0);
	CHECK(call3(U_WAITPID, -1, 0, 0x100) == -EINVAL);
	CHECK(call3(U_WAITPID, INT32_MIN, 0, 0) == -ESRCH);
	CHECK(call3(U_WAITPID, pid + 1, 0, 0) == -ECHILD);
	CHECK(call4(U_WAIT4, pid, 0xc0000000, 0, 0) == -EFAULT);
	CHECK(call3(U_WAITPID, pid, 0, 0) == -ECHILD); /* Linux has reaped it all the same */
	u_exit(0);
}

/*
 * As glibc forks: the child finds its pid where CLONE_CHILD_SETTID says, the parent's copy stays.
 */
USER static void clone_tells_tids(u32 arg)
{
	volatile u32 word = 0, told = 0;
	int pid;

	(void)arg;
	CHECK(call2(U_CLONE, CLONE_VM | SIGCHLD, 0) == -EINVAL); /* a thread */
	asm volatile(
		"int $0x80"
		: "=a"(pid)
		: "a"(U_CLONE),
		  "b"(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD),
		  "c"(0), "d"(&told), "S"(0), "D"(&word)
		: "memory");
	if (!pid)
		u_exit(word != (u32)call0(U_GETPID));
	CHECK(pid > 0 && told == (u32)pid && !word);
	CHECK(!u_wait(pid));
	u_exit(0);
}

static const struct process_case tids = { clone_tells_tids, 0, EXITED(0) };
static const struct process_case exits = { exit_with, 42, EXITED(42) };
static const struct process_case exits_255 = { exit_with, 0x1ff, EXITED(255) };
static const struct process_case copies = { fork_copies_memory, 9, EXITED(9) };
static const struct process_case many = { fork_many, MANY, EXITED(0) };
static const struct process_case row = { fork_in_a_row, 20, EXITED(5) };
static const struct process_case parent = { child_knows_its_parent, 0, EXITED(0) };
static const struct process_case orphan = { orphan_gets_another_parent, 0, EXITED(0) };
static const struct process_case lends = { vfork_lends_memory, 0, EXITED(0) };
static const struct process_case refuses = { wait_refuses_bad_arguments, 0, EXITED(0) };

/* --- the CPU ---------------------------------------------------------------------------------- */

USER static void sleep_takes_its_time(u32 ms)
{
	u_sleep_ms(ms);
	u_exit(0);
}

static void nanosleep_sleeps_long_enough(struct selftest_result *r, const void *arg)
{
	u64 start = monotonic_ns();

	EXPECT_EQ(r, run_user(r, sleep_takes_its_time, 35), EXITED(0));
	EXPECT(r, monotonic_ns() - start >= 35000000);
}

/*
 * Its segment's base is at a word; every switch must bring it back, and a fork's child has it, too.
 */
USER static void tls_is_each_tasks_own(u32 arg)
{
	volatile u32 words[2], desc[4];
	int pid = call0(U_FORK);

	(void)arg;
	words[!pid] = pid ? 0x11 : 0x22;
	words[!!pid] = 0;
	desc[0] = UINT32_MAX;
	desc[1] = (u32)&words[!pid]; /* the bases differ, too */
	desc[2] = 0xfffff;
	desc[3] = 0x51; /* 32-bit, limit in pages, useable */
	CHECK(!call1(U_SET_THREAD_AREA, desc));
	CHECK(desc[0] == GDT_ENTRY_TLS_MIN);
	asm volatile("movl %0, %%gs" : : "r"(desc[0] * 8 + 3));
	for (u32 i = 0; i < 20; i++) {
		u32 seen;

		call0(U_SCHED_YIELD);
		asm volatile("movl %%gs:0, %0" : "=r"(seen));
		CHECK(seen == (pid ? 0x11 : 0x22));
	}
	if (!pid)
		u_exit(0);
	u_exit((u32)u_wait(pid));
}

static const struct process_case tls = { tls_is_each_tasks_own, 0, EXITED(0) };

/* --- system calls ----------------------------------------------------------------------------- */

#define UNKNOWN_NR 17 /* break(2), which Linux does not have either */

USER static void call_unknown(u32 nr)
{
	CHECK(call0(nr) == -ENOSYS);
	CHECK(call0(UINT32_MAX) == -ENOSYS);
	CHECK(call0(0x80000000) == -ENOSYS);
	u_exit(0);
}

static void unknown_system_calls_are_counted(struct selftest_result *r, const void *arg)
{
	u32 known = unknown_syscalls[UNKNOWN_NR], above = unknown_syscalls[NR_SYSCALLS];

	EXPECT_EQ(r, run_user(r, call_unknown, UNKNOWN_NR), EXITED(0));
	EXPECT_EQ(r, unknown_syscalls[UNKNOWN_NR], known + 1);
	EXPECT_EQ(r, unknown_syscalls[NR_SYSCALLS], above + 2);
}

USER static void memory_calls(u32 arg)
{
	u32 page = u_mmap(0, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	u32 brk = (u32)call1(U_BRK, 0);

	(void)arg;
	CHECK(!IS_ERR_VALUE(page));
	*(volatile u32 *)page = 1;
	CHECK(!call3(U_MPROTECT, page, PAGE_SIZE, PROT_READ));
	CHECK(*(volatile u32 *)page == 1);
	/* The kernel is refused where the user would be: wait4's status into a read-only page. */
	if (!call0(U_FORK))
		u_exit(0);
	CHECK(call3(U_WAITPID, -1, page, 0) == -EFAULT);
	CHECK(call2(U_CLOCK_GETTIME, 1, page) == -EFAULT);
	CHECK(call2(U_CLOCK_GETTIME, 1, PAGE_OFFSET + 0x200000) == -EFAULT);
	CHECK(call2(U_CLOCK_GETTIME, 1, UINT32_MAX - 3) == -EFAULT);
	CHECK(call2(U_CLOCK_GETTIME, 1, page + 2 * PAGE_SIZE - 8) == 0);
	CHECK(!call3(U_MPROTECT, page, PAGE_SIZE, PROT_READ | PROT_WRITE));
	CHECK(!call2(U_MUNMAP, page + PAGE_SIZE, PAGE_SIZE));
	CHECK(call2(U_CLOCK_GETTIME, 1, page + PAGE_SIZE - 4) == -EFAULT);
	CHECK(!call2(U_MUNMAP, page, PAGE_SIZE));
	CHECK((u32)call1(U_BRK, 0) == brk);
	u_exit(0);
}

static const struct process_case memory = { memory_calls, 0, EXITED(0) };

const struct selftest process_tests[] = {
	{ "exit_status_reaches_the_parent", run_case, &exits },
	{ "exit_status_has_eight_bits", run_case, &exits_255 },
	{ "fork_copies_memory", run_case, &copies },
	{ "fork_of_100_leaves_nothing_behind", run_case, &many },
	{ "fork_in_a_row_of_20", run_case, &row },
	{ "child_knows_its_parent", run_case, &parent },
	{ "orphan_gets_another_parent", run_case, &orphan },
	{ "vfork_lends_memory_and_waits", run_case, &lends },
	{ "clone_tells_tids", run_case, &tids },
	{ "wait4_refuses_bad_arguments", run_case, &refuses },
	{ "nanosleep_sleeps_long_enough", nanosleep_sleeps_long_enough, NULL },
	{ "tls_is_each_tasks_own", run_case, &tls },
	{ "unknown_system_calls_are_counted", unknown_system_calls_are_counted, NULL },
	{ "kernel_writes_only_where_the_user_may", run_case, &memory },
	{ NULL, NULL, NULL },
};
