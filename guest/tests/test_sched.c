// SPDX-License-Identifier: MIT
/*
 * Kernel threads, wait queues and sleeping. The tests run as task 0, which the threads are children
 * of.
 */
#include "user_side.h"
#include <kernel/sched.h>
#include <kernel/time.h>
#include <lib/string.h>

#define MANY 100

static int return_argument(void *arg)
{
	return (int)arg;
}

static void thread_status_reaches_wait4(struct selftest_result *r, const void *arg)
{
	int pid = kernel_thread(return_argument, (void *)42, "answer");

	EXPECT(r, pid > 1);
	EXPECT_EQ(r, wait_for(pid), 42 << 8);
	EXPECT_EQ(r, wait_for(pid), -ECHILD);
}

static void many_threads_leave_nothing_behind(struct selftest_result *r, const void *arg)
{
	u32 pages = pages_at_rest(), tasks = nr_tasks();
	int pids[MANY];

	for (int i = 0; i < MANY; i++)
		pids[i] = kernel_thread(return_argument, (void *)i, "many");
	EXPECT_EQ(r, nr_tasks(), tasks + MANY);
	for (int i = MANY - 1; i >= 0; i--)
		EXPECT_EQ(r, wait_for(pids[i]), i << 8);
	EXPECT_EQ(r, nr_tasks(), tasks);
	EXPECT_EQ(r, pages_at_rest(), pages);
}

static void wait_without_hang_says_not_yet(struct selftest_result *r, const void *arg)
{
	struct rusage_ticks usage;
	int status, pid = kernel_thread(return_argument, NULL, "later");

	/* It has not had the CPU: the kernel is not preempted. */
	EXPECT_EQ(r, do_wait4(pid, &status, WNOHANG, &usage), 0);
	EXPECT_EQ(r, do_wait4(pid, &status, 0x40, &usage), -EINVAL);
	EXPECT_EQ(r, wait_for(pid), 0);
}

/* --- order and wait queues -------------------------------------------------------------------- */

static char order[16];

static int note_twice(void *arg)
{
	for (int i = 0; i < 2; i++) {
		strlcpy(order + strlen(order), arg, 2);
		schedule();
	}
	return 0;
}

static void tasks_take_turns(struct selftest_result *r, const void *arg)
{
	static char names[] = { 'a', 0, 'b', 0, 'c', 0 };
	int pids[3];

	order[0] = '\0';
	for (int i = 0; i < 3; i++)
		pids[i] = kernel_thread(note_twice, &names[2 * i], "turn");
	for (int i = 0; i < 3; i++)
		wait_for(pids[i]);
	EXPECT_EQ(r, strcmp(order, "abcabc"), 0);
}

static struct wait_queue_head queue;
static u32 gate, passed;

static int pass_gate(void *arg)
{
	wait_event(&queue, gate >= (u32)arg);
	passed++;
	return 0;
}

static void wake_up_lets_those_go_whose_condition_holds(struct selftest_result *r, const void *arg)
{
	int pids[3];

	init_waitqueue_head(&queue);
	gate = passed = 0;
	for (u32 i = 0; i < 3; i++)
		pids[i] = kernel_thread(pass_gate, (void *)(i < 2 ? 1 : 2), "gate");
	schedule();
	schedule();
	EXPECT_EQ(r, passed, 0);
	gate = 1;
	wake_up(&queue);
	schedule();
	schedule();
	EXPECT_EQ(r, passed, 2);
	gate = 2;
	wake_up(&queue);
	for (u32 i = 0; i < 3; i++)
		wait_for(pids[i]);
	EXPECT_EQ(r, passed, 3);
	EXPECT(r, list_empty(&queue.waiters));
}

static int complete_it(void *arg)
{
	complete(arg);
	return 0;
}

static void completion_is_kept_for_who_comes_later(struct selftest_result *r, const void *arg)
{
	struct completion c;
	int pid;

	init_completion(&c);
	pid = kernel_thread(complete_it, &c, "complete");
	wait_for_completion(&c);
	EXPECT_EQ(r, wait_for(pid), 0);
	wait_for_completion(&c);
}

/* --- time ------------------------------------------------------------------------------------- */

static int sleep_ticks(void *arg)
{
	current->state = TASK_INTERRUPTIBLE;
	schedule_timeout((u32)arg);
	strlcpy(order + strlen(order), (u32)arg == 1 ? "1" : (u32)arg == 3 ? "3" : "5", 2);
	return 0;
}

static void sleepers_wake_in_order(struct selftest_result *r, const void *arg)
{
	static const u32 ticks[] = { 5, 1, 3 };
	u32 start = (u32)jiffies;
	int pids[3];

	order[0] = '\0';
	for (int i = 0; i < 3; i++)
		pids[i] = kernel_thread(sleep_ticks, (void *)ticks[i], "sleeper");
	for (int i = 0; i < 3; i++)
		wait_for(pids[i]);
	EXPECT_EQ(r, strcmp(order, "135"), 0);
	EXPECT(r, (u32)jiffies - start >= 5);
}

const struct selftest sched_tests[] = {
	{ "thread_status_reaches_wait4", thread_status_reaches_wait4, NULL },
	{ "many_threads_leave_nothing_behind", many_threads_leave_nothing_behind, NULL },
	{ "wait_without_hang_says_not_yet", wait_without_hang_says_not_yet, NULL },
	{ "tasks_take_turns", tasks_take_turns, NULL },
	{ "wake_up_lets_those_go_whose_condition_holds",
	  wake_up_lets_those_go_whose_condition_holds, NULL },
	{ "completion_is_kept_for_who_comes_later", completion_is_kept_for_who_comes_later, NULL },
	{ "sleepers_wake_in_order", sleepers_wake_in_order, NULL },
	{ NULL, NULL, NULL },
};
