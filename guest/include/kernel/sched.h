/* SPDX-License-Identifier: MIT */
/*
 * Processes: task_struct, round robin, wait queues.
 *
 * One CPU. User mode is preempted by the timer; the kernel is not: a task in the kernel runs until it
 * returns to user mode or calls schedule(). So kernel data need no locks but against interrupt handlers
 * (local_irq_save). What may sleep says so.
 *
 * Task 0 is the boot thread, which becomes the idle task; 1 is init; kernel threads have no mm and run
 * with the directory of whoever ran before them (active_mm).
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include <arch/desc.h>
#include <arch/ptrace.h>
#include <kernel/signal.h>
#include <kernel/wait.h>
#include <lib/types.h>

#include "mm/list.h"

struct mm_struct;
struct files_struct;
struct fs_struct;

#define PID_MAX 32768
#define TASK_COMM_LEN 16
#define TIMESLICE_TICKS 2 /* 20 ms */

/* Linux's letters for /proc/PID/status: R S D T Z. */
enum task_state {
	TASK_RUNNING,
	TASK_INTERRUPTIBLE,   /* a signal wakes it */
	TASK_UNINTERRUPTIBLE, /* only wake_up does */
	TASK_ZOMBIE,	      /* dead, its parent has not waited yet */
	TASK_DEAD,	      /* gone, its stack is freed by the next task */
};

struct task_struct {
	enum task_state state;
	u32 pid, pgid, sid; /* no threads: tgid is pid */
	char comm[TASK_COMM_LEN];

	struct task_struct *parent;
	struct list_head children, sibling;
	struct list_head tasks;	     /* all, from task_list */
	struct list_head run_list;   /* the run queue, while TASK_RUNNING */
	struct wait_queue_head wait_child; /* parent waits here for its children */
	struct completion *vfork_done;	   /* tell it when the mm is left */
	int exit_code;			   /* as wait4() gives it */
	u32 ticks_left;
	bool need_resched;

	struct mm_struct *mm;	     /* NULL: kernel thread */
	struct mm_struct *active_mm; /* whose directory is loaded while it runs */
	void *stack;		     /* THREAD_SIZE bytes; pt_regs of user mode at its top */
	u32 kernel_sp;		     /* while it does not run */
	struct desc_struct tls[3];   /* GDT slots 6..8 */

	struct files_struct *files; /* fs.h */
	struct fs_struct *fs;

	struct signal_state signal; /* signal.h */

	u32 utime, stime, cutime, cstime; /* ticks */
	u32 min_flt, maj_flt, cmin_flt, cmaj_flt;
	u32 nvcsw, nivcsw;
	u64 start_time_ns;
};

extern struct list_head task_list;
extern struct task_struct *current_task;
#define current current_task

/* The user's registers at the top of a task's kernel stack. */
struct pt_regs *task_pt_regs(const struct task_struct *t);

void sched_init(void);
/* Give the CPU to the next runnable task; comes back when this one is chosen again. */
void schedule(void);
/* Sleep up to `ticks`; what is left of them. State must be set; MAX_SCHEDULE_TIMEOUT: no limit. */
#define MAX_SCHEDULE_TIMEOUT 0x7fffffffu
u32 schedule_timeout(u32 ticks);
void wake_up_process(struct task_struct *t);
/* From the timer interrupt; user: it interrupted user mode. */
void scheduler_tick(bool user);

struct task_struct *find_task(u32 pid); /* NULL: none */

/* fork(2), vfork(2): the child's pid or -ENOMEM, -EAGAIN. */
#define FORK_VFORK 1u
int do_fork(struct pt_regs *regs, u32 flags);
/* A thread of the kernel, as task `name`. Its pid or error. */
int kernel_thread(int (*fn)(void *arg), void *arg, const char *name);
/* End the current task; code as wait4() gives it: status << 8, or the signal. */
void __noreturn do_exit(int code);
int do_wait4(int pid, int *status, int options, struct rusage_ticks *usage);

struct rusage_ticks {
	u32 utime, stime, min_flt, maj_flt, nvcsw, nivcsw, maxrss_pages;
};

/* How many tasks there are, zombies too; forks since boot. */
u32 nr_tasks(void);
extern u32 total_forks, nr_switches;

#endif
