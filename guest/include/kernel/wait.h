/* SPDX-License-Identifier: MIT */
/*
 * Wait queues (Linux's idiom):
 *
 *	err = wait_event_interruptible(&queue, condition);	0 or -ERESTARTSYS
 *
 * wake_up() may be called from interrupt handlers; it wakes all.
 */
#ifndef KERNEL_WAIT_H
#define KERNEL_WAIT_H

#include <lib/types.h>

#include "mm/errno.h"
#include "mm/list.h"

struct task_struct;

struct wait_queue_head {
	struct list_head waiters; /* struct wait_queue */
};

struct wait_queue {
	struct task_struct *task;
	struct list_head list;
};

void init_waitqueue_head(struct wait_queue_head *q);
/* On the queue, in `state` (enum task_state), and off it again, running. */
void prepare_to_wait(struct wait_queue_head *q, struct wait_queue *w, int state);
void finish_wait(struct wait_queue_head *q, struct wait_queue *w);
void wake_up(struct wait_queue_head *q);

bool signal_pending_current(void);
/* Give the CPU to the next runnable task; comes back when this one is chosen again. (sched.c) */
void schedule(void);

#define __wait_event(q, condition, state, interruptible)                                           \
	({                                                                                         \
		struct wait_queue w_ = { 0 };                                                      \
		int err_ = 0;                                                                      \
                                                                                                   \
		for (;;) {                                                                         \
			prepare_to_wait(q, &w_, state);                                            \
			if (condition)                                                             \
				break;                                                             \
			if ((interruptible) && signal_pending_current()) {                         \
				err_ = -ERESTARTSYS;                                               \
				break;                                                             \
			}                                                                          \
			schedule();                                                                \
		}                                                                                  \
		finish_wait(q, &w_);                                                               \
		err_;                                                                              \
	})
#define wait_event(q, condition) (void)__wait_event(q, condition, 2, false)
#define wait_event_interruptible(q, condition) __wait_event(q, condition, 1, true)

struct completion {
	bool done;
	struct wait_queue_head wait;
};

void init_completion(struct completion *c);
void complete(struct completion *c);
void wait_for_completion(struct completion *c);

#endif
