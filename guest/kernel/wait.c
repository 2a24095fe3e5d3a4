// SPDX-License-Identifier: MIT
#include <arch/processor.h>
#include <kernel/sched.h>
#include <kernel/wait.h>

void init_waitqueue_head(struct wait_queue_head *q)
{
	list_init(&q->waiters);
}

/*
 * The state comes first: a wake_up() from now on, before schedule() even, makes it RUNNING again.
 */
void prepare_to_wait(struct wait_queue_head *q, struct wait_queue *w, int state)
{
	u32 flags = local_irq_save();

	if (!w->task) {
		w->task = current;
		list_add_tail(&w->list, &q->waiters);
	}
	current->state = state;
	local_irq_restore(flags);
}

void finish_wait(struct wait_queue_head *q, struct wait_queue *w)
{
	u32 flags = local_irq_save();

	(void)q;
	current->state = TASK_RUNNING;
	if (w->task)
		list_del(&w->list);
	w->task = NULL;
	local_irq_restore(flags);
}

void wake_up(struct wait_queue_head *q)
{
	u32 flags = local_irq_save();

	list_for_each(node, &q->waiters)
		wake_up_process(list_entry(node, struct wait_queue, list)->task);
	local_irq_restore(flags);
}

bool signal_pending_current(void)
{
	return current->work & WORK_SIGNAL;
}

void init_completion(struct completion *c)
{
	c->done = false;
	init_waitqueue_head(&c->wait);
}

void complete(struct completion *c)
{
	c->done = true;
	wake_up(&c->wait);
}

void wait_for_completion(struct completion *c)
{
	wait_event(&c->wait, c->done);
}
