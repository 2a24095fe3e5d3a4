// SPDX-License-Identifier: MIT
/*
 * poll(2): wait on several queues at once.
 */
#include "fs_internal.h"
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/time.h>
#include <kernel/uaccess.h>

#include "mm/errno.h"
#include "mm/slub.h"

#define POLLNVAL 0x020u

struct pollfd {
	s32 fd;
	u16 events, revents;
};

/* One descriptor while the call lasts. */
struct poll_entry {
	struct file *file; /* NULL: there is none */
	struct wait_queue_head *queue;
	struct wait_queue wait;
};

static u32 events_of(struct file *f, struct wait_queue_head **queue)
{
	return f->f_op->poll ? f->f_op->poll(f, queue) : POLLIN | POLLOUT;
}

/* On all queues first, so that what happens from now on wakes the task. */
static void join_queues(const struct pollfd *fds, struct poll_entry *e, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		e[i].file = fds[i].fd < 0 ? NULL : fget((u32)fds[i].fd);
		if (e[i].file)
			events_of(e[i].file, &e[i].queue);
		if (e[i].queue)
			prepare_to_wait(e[i].queue, &e[i].wait, TASK_INTERRUPTIBLE);
	}
}

static void leave_queues(struct poll_entry *e, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		if (e[i].queue)
			finish_wait(e[i].queue, &e[i].wait);
		if (e[i].file)
			fput(e[i].file);
	}
}

/* How many have something to tell. */
static u32 look(struct pollfd *fds, struct poll_entry *e, u32 n)
{
	struct wait_queue_head *queue;
	u32 ready = 0;

	for (u32 i = 0; i < n; i++) {
		u32 events = fds[i].fd < 0 ? 0 : POLLNVAL;

		if (e[i].file)
			events = events_of(e[i].file, &queue) & (fds[i].events | POLLERR | POLLHUP);
		fds[i].revents = (u16)events;
		ready += events != 0;
	}
	return ready;
}

static int32_t wait_for_events(struct pollfd *fds, struct poll_entry *e, u32 n, u32 left)
{
	for (;;) {
		u32 ready;

		current->state = TASK_INTERRUPTIBLE;
		ready = look(fds, e, n);
		if (ready || !left)
			return (int32_t)ready;
		if (signal_pending_current())
			return -EINTR;
		left = schedule_timeout(left);
	}
}

/* Milliseconds as ticks, at least as long. */
static u32 timeout_ticks(s32 ms)
{
	if (ms < 0)
		return MAX_SCHEDULE_TIMEOUT;
	return ms ? ((u32)ms + 1000 / HZ - 1) / (1000 / HZ) + 1 : 0;
}

static int32_t do_poll(struct pollfd *fds, struct poll_entry *e, u32 n, s32 ms)
{
	int32_t result;

	join_queues(fds, e, n);
	result = wait_for_events(fds, e, n, timeout_ticks(ms));
	leave_queues(e, n);
	current->state = TASK_RUNNING;
	return result;
}

/* Results go back entry by entry: only they are written. */
static int32_t put_results(u32 user, const struct pollfd *fds, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (copy_to_user(user + i * sizeof(*fds) + offsetof(struct pollfd, revents),
				 &fds[i].revents, sizeof(fds[i].revents)))
			return -EFAULT;
	return 0;
}

SYSCALL_FN(poll)
{
	u32 n = args->a[1];
	struct pollfd *fds;
	struct poll_entry *e;
	int32_t result = -ENOMEM;

	if (n > current->rlim[RLIMIT_NOFILE].cur || n > NR_OPEN)
		return -EINVAL;
	fds = kmalloc(n * sizeof(*fds), GFP_KERNEL);
	e = kzalloc(n * sizeof(*e), GFP_KERNEL);
	if (fds && e)
		result = copy_from_user(fds, args->a[0], n * sizeof(*fds)) ? -EFAULT : 0;
	if (!result)
		result = do_poll(fds, e, n, (s32)args->a[2]);
	if (result >= 0 && put_results(args->a[0], fds, n))
		result = -EFAULT;
	kfree(fds);
	kfree(e);
	return result;
}
