// SPDX-License-Identifier: MIT
/*
 * Memory ends: in each allocation of fork, and at a page fault.
 *
 * The die notifier sees system calls first: one of them starts the count of allocations, the next one
 * of any kind ends it.
 */
#include "user_side.h"
#include <arch/traps.h>
#include <kernel/sched.h>

static u32 starting_call; /* number */
static u32 countdown;	  /* the allocation that fails; 0: none */
static bool all_after;	  /* and all after it */
static u32 asked;

static bool fail_nth(const char *what, size_t bytes, gfp_t gfp)
{
	(void)what;
	(void)bytes;
	(void)gfp;
	/* User code that goes on after fork faults, too; its allocations are not of the call. */
	if (!all_after && task_pt_regs(current)->orig_ax != starting_call)
		return false;
	asked++;
	return asked == countdown || (all_after && asked > countdown);
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

const struct selftest oom_tests[] = {
	{ "each_failing_allocation_of_fork_is_ENOMEM", each_failing_allocation_of_fork_is_ENOMEM,
	  NULL },
	{ "fault_without_memory_kills", fault_without_memory_kills, NULL },
	{ "copy_without_memory_kills", copy_without_memory_kills, NULL },
	{ NULL, NULL, NULL },
};
