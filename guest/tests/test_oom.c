// SPDX-License-Identifier: MIT
/*
 * Memory ends: in each allocation of fork, and at a page fault.
 *
 * The die notifier sees system calls first: one of them starts the count of allocations, the next
 * one of any kind ends it.
 */
#include "user_side.h"
#include <arch/traps.h>
#include <kernel/fs.h>
#include <kernel/sched.h>

static u32 starting_call; /* number */
static u32 countdown;	  /* the allocation that fails; 0: none */
static bool all_after;	  /* and all after it */
static u32 asked;
static bool failed_one;

static bool fail_nth(const char *what, size_t bytes, gfp_t gfp)
{
	(void)what;
	(void)bytes;
	(void)gfp;
	/* User code that goes on after fork faults, too; its allocations are not of the call. */
	if (!all_after && task_pt_regs(current)->orig_ax != starting_call)
		return false;
	asked++;
	if (asked != countdown && !(all_after && asked > countdown))
		return false;
	failed_one = true;
	return true;
}

static bool watch_calls(const struct die_args *args)
{
	bool starts = args->trapnr == SYSCALL_VECTOR && args->regs->orig_ax == starting_call;

	if (args->trapnr == SYSCALL_VECTOR && current->mm) {
		asked = 0;
		mm.fail_alloc = starts ? fail_nth : NULL;
	}
	return false;
}

static int run_short_of_memory(struct selftest_result *r, void (*main)(u32 arg), u32 call, u32 nth)
{
	int status;

	starting_call = call;
	countdown = nth;
	asked = 0;
	failed_one = false;
	register_die_notifier(watch_calls);
	status = run_user(r, main, 0);
	register_die_notifier(NULL);
	mm.fail_alloc = NULL;
	return status;
}

/* Pages of two tables and areas of several kinds, so that fork has something to do. */
USER static void fork_once(u32 arg)
{
	u32 page = u_mmap(0x20000000, 3 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
	int pid;

	(void)arg;
	*(volatile u32 *)page = 1;
	CHECK(!call3(U_MPROTECT, page + PAGE_SIZE, PAGE_SIZE, PROT_READ));
	pid = call0(U_FORK);
	if (!pid)
		u_exit(0);
	call0(U_GETPID); /* ends the shortage */
	if (pid == -ENOMEM)
		u_exit(1);
	CHECK(pid > 0);
	CHECK(!u_wait(pid));
	u_exit(0);
}

#define FORK_ALLOCATIONS_MIN 8 /* task, stack, handlers, mm, directory, VMAs, tables */
#define FORK_ALLOCATIONS_MAX 100

static void each_failing_allocation_of_fork_is_ENOMEM(struct selftest_result *r, const void *arg)
{
	u32 n = 1;

	all_after = false;
	while (n < FORK_ALLOCATIONS_MAX &&
	       run_short_of_memory(r, fork_once, U_FORK, n) == EXITED(1))
		n++;
	EXPECT(r, n > FORK_ALLOCATIONS_MIN && n < FORK_ALLOCATIONS_MAX);
	EXPECT_EQ(r, run_short_of_memory(r, fork_once, U_FORK, n), EXITED(0));
}

USER static void touch_memory(u32 arg)
{
	u32 page = u_mmap(0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);

	(void)arg;
	call0(U_GETPID);
	*(volatile u32 *)page = 1;
	u_exit(0);
}

static void fault_without_memory_kills(struct selftest_result *r, const void *arg)
{
	all_after = true;
	EXPECT_EQ(r, run_short_of_memory(r, touch_memory, U_GETPID, 1), SIGKILL);
}

/* The kernel touches the page for the process: clock_gettime(2). */
USER static void let_the_kernel_touch_memory(u32 arg)
{
	u32 page = u_mmap(0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);

	(void)arg;
	call2(U_CLOCK_GETTIME, 1, page);
	u_exit(0);
}

static void copy_without_memory_kills(struct selftest_result *r, const void *arg)
{
	all_after = true;
	EXPECT_EQ(r, run_short_of_memory(r, let_the_kernel_touch_memory, U_CLOCK_GETTIME, 1),
		  SIGKILL);
}

/* path in memory that has no constants: four letters a word. */
USER_INLINE void exec_words(u32 a, u32 b, u32 c, u32 d)
{
	volatile u32 path[4], argv[2];

	path[0] = a;
	path[1] = b;
	path[2] = c;
	path[3] = d;
	argv[0] = (u32)path;
	argv[1] = 0;
	u_exit(call3(U_EXECVE, path, argv, 0) == -ENOMEM ? 1 : 2);
}

/* "/bin/true" and "/tests/script": an ELF file, and a script that another one runs. */
USER static void exec_true(u32 arg)
{
	(void)arg;
	exec_words(0x6e69622f, 0x7572742f, 0x65, 0);
}

USER static void exec_script(u32 arg)
{
	(void)arg;
	exec_words(0x7365742f, 0x732f7374, 0x70697263, 0x74);
}

#define EXEC_ALLOCATIONS_MIN 15 /* paths, file, mm, VMAs, stack, tables */
#define EXEC_ALLOCATIONS_MAX 200

/*
 * Before the point of no return it is ENOMEM, behind it the process dies; nothing is left behind.
 */
static void each_failing_allocation_of_exec_leaves_nothing(struct selftest_result *r,
							   const void *arg)
{
	void (*const *main)(u32 arg) = arg;
	bool seen_error = false, seen_death = false;
	u32 n = 0;
	int status;

	vfs_init();
	all_after = false;
	start_user(*main, 0); /* the page cache has the files, then */
	while (do_wait4(-1, &status, 0, &(struct rusage_ticks){ 0 }) > 0)
		;
	do {
		status = run_short_of_memory(r, *main, U_EXECVE, ++n);
		seen_error |= status == EXITED(1);
		seen_death |= status == SIGSEGV || status == SIGKILL;
		EXPECT(r, status == EXITED(0) || status == EXITED(1) || status == SIGSEGV ||
				  status == SIGKILL);
	} while (failed_one && n < EXEC_ALLOCATIONS_MAX);
	EXPECT_EQ(r, status, EXITED(0));
	EXPECT(r, seen_error && seen_death);
	EXPECT(r, n > EXEC_ALLOCATIONS_MIN && n < EXEC_ALLOCATIONS_MAX);
}

static void (*const exec_program)(u32 arg) = exec_true;
static void (*const exec_of_script)(u32 arg) = exec_script;

const struct selftest oom_tests[] = {
	{ "each_failing_allocation_of_exec_leaves_nothing",
	  each_failing_allocation_of_exec_leaves_nothing, &exec_program },
	{ "each_failing_allocation_of_a_script_leaves_nothing",
	  each_failing_allocation_of_exec_leaves_nothing, &exec_of_script },
	{ "each_failing_allocation_of_fork_is_ENOMEM", each_failing_allocation_of_fork_is_ENOMEM,
	  NULL },
	{ "fault_without_memory_kills", fault_without_memory_kills, NULL },
	{ "copy_without_memory_kills", copy_without_memory_kills, NULL },
	{ NULL, NULL, NULL },
};
