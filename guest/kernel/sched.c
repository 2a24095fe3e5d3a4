// SPDX-License-Identifier: MIT
/*
 * Round robin. The run queue holds the tasks that could run but do not; the current one is not on
 * it.
 */
#include <arch/irq.h>
#include <arch/pgtable.h>
#include <arch/processor.h>
#include <arch/sections.h>
#include <arch/tls.h>
#include <kernel/loadavg.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/time.h>

#include "mm/mm_types.h"

#define STACK_MAGIC 0x57ac6e9d /* in the lowest word of each kernel stack */

struct list_head task_list = LIST_HEAD_INIT(task_list);
struct task_struct init_task = { .comm = "swapper", .ticks_left = TIMESLICE_TICKS };
struct task_struct *current_task = &init_task;
u32 nr_switches;
struct cpu_ticks cpu_ticks;

static struct list_head run_queue = LIST_HEAD_INIT(run_queue);
static struct list_head sleepers = LIST_HEAD_INIT(sleepers); /* first to wake first */
static u32 queue_length;
static bool idle;		    /* schedule() waits for a task */
static struct mm_struct *loaded_mm; /* in CR3; NULL: the kernel's directory */
static struct task_struct *switched_from;

/* --- the run queue ---------------------------------------------------------------------------- */

static void enqueue(struct task_struct *t)
{
	list_add_tail(&t->run_list, &run_queue);
	queue_length++;
}

u32 nr_running(void)
{
	return queue_length + !idle;
}

void wake_up_process(struct task_struct *t)
{
	u32 flags = local_irq_save();

	if (t->state == TASK_INTERRUPTIBLE || t->state == TASK_UNINTERRUPTIBLE) {
		t->state = TASK_RUNNING;
		/* The current one is about to call schedule(), or to see that it need not. */
		if (t != current || idle)
			enqueue(t);
	}
	local_irq_restore(flags);
}

/* Interrupts are off. */
static struct task_struct *pick_next(void)
{
	struct task_struct *next;

	while (list_empty(&run_queue)) {
		idle = true;
		safe_halt();
		local_irq_disable();
		idle = false;
	}
	next = list_first_entry(&run_queue, struct task_struct, run_list);
	list_del(&next->run_list);
	queue_length--;
	return next;
}

/* --- switching -------------------------------------------------------------------------------- */

void switch_mm(struct mm_struct *mm)
{
	if (mm == loaded_mm)
		return;
	loaded_mm = mm;
	write_cr3(__pa(mm ? (void *)mm->pgd : swapper_pg_dir));
}

static void check_stack(const struct task_struct *t)
{
	if (*(u32 *)t->stack != STACK_MAGIC)
		panic("the kernel stack of process %u (%s) overflowed", t->pid, t->comm);
}

void stack_init(void *stack)
{
	*(u32 *)stack = STACK_MAGIC;
}

void schedule_tail(void)
{
	struct task_struct *prev = switched_from;

	if (prev->state == TASK_ZOMBIE || prev->state == TASK_DEAD)
		task_left_cpu(prev);
	local_irq_enable();
}

/* Interrupts are off. */
static void context_switch(struct task_struct *prev, struct task_struct *next)
{
	nr_switches++;
	if (prev->state == TASK_RUNNING)
		prev->nivcsw++;
	else
		prev->nvcsw++;
	if (next->mm) {
		switch_mm(next->mm);
		load_tls(next->tls);
	}
	load_sp0((u32)next->stack + THREAD_SIZE);
	current_task = next;
	switched_from = prev;
	switch_stacks(&prev->kernel_sp, next->kernel_sp);
	/* Another time, on the stack of the task that called: `prev` now. */
	prev = switched_from;
	if (prev->state == TASK_ZOMBIE || prev->state == TASK_DEAD)
		task_left_cpu(prev);
}

void schedule(void)
{
	struct task_struct *prev = current, *next;
	u32 flags = local_irq_save();

	if (in_interrupt())
		panic("schedule() in an interrupt handler");
	check_stack(prev);
	prev->work &= ~WORK_RESCHED;
	if (prev->state == TASK_RUNNING)
		enqueue(prev);
	next = pick_next();
	next->ticks_left = TIMESLICE_TICKS;
	if (next != prev)
		context_switch(prev, next);
	local_irq_restore(flags);
}

/* --- time ------------------------------------------------------------------------------------- */

static void add_sleeper(struct task_struct *t)
{
	struct list_head *before = &sleepers;

	list_for_each(node, &sleepers) {
		struct task_struct *other = list_entry(node, struct task_struct, sleep_list);

		if ((s32)(other->wake_at - t->wake_at) > 0) {
			before = node;
			break;
		}
	}
	list_add_tail(&t->sleep_list, before);
}

u32 schedule_timeout(u32 ticks)
{
	u32 flags, left;

	if (ticks >= MAX_SCHEDULE_TIMEOUT) {
		schedule();
		return MAX_SCHEDULE_TIMEOUT;
	}
	flags = local_irq_save();
	current->wake_at = jiffies + ticks;
	add_sleeper(current);
	schedule();
	list_del(&current->sleep_list);
	left = current->wake_at - jiffies;
	local_irq_restore(flags);
	return (s32)left > 0 ? left : 0;
}

static void wake_sleepers(void)
{
	list_for_each(node, &sleepers) {
		struct task_struct *t = list_entry(node, struct task_struct, sleep_list);

		if ((s32)(t->wake_at - (u32)jiffies) > 0)
			break;
		wake_up_process(t);
	}
}

void scheduler_tick(bool user)
{
	struct task_struct *t = current;

	wake_sleepers();
	if (!((u32)jiffies % LOAD_TICKS))
		update_loadavg(nr_running());
	if (idle) {
		cpu_ticks.idle++;
		return;
	}
	if (user) {
		t->utime++;
		cpu_ticks.user++;
	} else {
		t->stime++;
		cpu_ticks.system++;
	}
	if (t->ticks_left && --t->ticks_left)
		return;
	t->ticks_left = TIMESLICE_TICKS;
	if (!list_empty(&run_queue))
		t->work |= WORK_RESCHED;
}

void sched_init(void)
{
	init_task.stack = init_stack;
	stack_init(init_stack);
	list_init(&init_task.children);
	init_waitqueue_head(&init_task.wait_child);
	list_add_tail(&init_task.tasks, &task_list);
	init_task.parent = &init_task;
	tasks_init();
}
