// SPDX-License-Identifier: MIT
/*
 * What takes whole ticks of a spinning CPU, or looks at all of memory.
 */
#include "user_side.h"
#include <kernel/sched.h>
#include <kernel/time.h>

/* Neither gives way: only the timer can let both see the other's count grow. */
USER static void spin_against_child(u32 rounds)
{
	volatile u32 *count =
		(u32 *)u_mmap(0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	int pid;
	u32 me;

	CHECK(!IS_ERR_VALUE((u32)count));
	pid = call0(U_FORK);
	me = !pid;
	for (u32 i = 0; i < rounds; i++) {
		u32 seen = count[!me];

		while (count[!me] == seen && count[2 + !me] == 0)
			count[me]++;
	}
	count[2 + me] = 1;
	if (!pid)
		u_exit(0);
	u_exit((u32)u_wait(pid));
}

static void spinning_processes_are_preempted(struct selftest_result *r, const void *arg)
{
	EXPECT_EQ(r, run_user(r, spin_against_child, 1), EXITED(0));
}

/* Its parent kills it with sig; it spins, and blocks what can be blocked. */
USER static void kill_spinning_child(u32 sig)
{
	volatile int status = -1;
	int pid = call0(U_FORK);

	if (!pid) {
		u_sigmask(0, ~0ull);
		for (;;)
			;
	}
	CHECK(u_sigaction(SIGKILL, SIG_IGN, 0, 0) == -EINVAL);
	u_sleep_ms(1);
	CHECK(!call2(U_KILL, pid, sig));
	CHECK(call3(U_WAITPID, pid, &status, 0) == pid);
	u_exit((u32)status);
}

static void sigkill_ends_a_spinning_process_that_blocks_all(struct selftest_result *r,
							    const void *arg)
{
	EXPECT_EQ(r, run_user(r, kill_spinning_child, SIGKILL), EXITED(SIGKILL));
}

static void clock_never_goes_back(struct selftest_result *r, const void *arg)
{
	u64 last = monotonic_ns(), start = last, wall = realtime_ns();
	u32 tick = (u32)jiffies;

	while ((u32)jiffies - tick < 2) {
		u64 now = monotonic_ns();

		EXPECT(r, now >= last);
		last = now;
	}
	/* One whole tick at least has gone by. */
	EXPECT(r, last - start >= TICK_NS);
	EXPECT(r, realtime_ns() - wall >= TICK_NS);
}

const struct selftest preempt_tests[] = {
	{ "spinning_processes_are_preempted", spinning_processes_are_preempted, NULL },
	{ "SIGKILL_ends_a_spinning_process_that_blocks_all",
	  sigkill_ends_a_spinning_process_that_blocks_all, NULL },
	{ "clock_never_goes_back", clock_never_goes_back, NULL },
	{ "memory_is_in_order_after_processes", check_memory, NULL },
	{ NULL, NULL, NULL },
};
