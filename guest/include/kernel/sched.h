/* SPDX-License-Identifier: MIT */
/*
 * Processes: task_struct, round robin, wait queues.
 *
 * One CPU. User mode is preempted by the timer; the kernel is not: a task in the kernel runs until
 * it returns to user mode or calls schedule(). So kernel data need no locks but against interrupt
 * handlers (local_irq_save). What may sleep says so.
 *
 * Task 0 is the boot thread: it starts init or runs the self-tests, and reaps kernel threads. Pid 1
 * is init's alone. Kernel threads have no mm and run with the directory of whoever ran before them.
 *
 * There is no idle task: schedule() halts on the stack of the task that gave the CPU up, until one
 * can run. That saves two switches where the same task goes on.
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include <arch/desc.h>
#include <arch/page.h>
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

/* task_struct.work: what the way back to user mode has to do first (entry.S looks for non-zero). */
#define WORK_RESCHED 0x1u
#define WORK_SIGNAL 0x2u

/*
 * Resources of getrlimit(2). Those of memory are the mm's, too; of the others NOFILE means
 * something.
 */
#define RLIMIT_DATA 2
#define RLIMIT_STACK 3
#define RLIMIT_CORE 4
#define RLIMIT_NPROC 6
#define RLIMIT_NOFILE 7
#define RLIMIT_MEMLOCK 8
#define RLIMIT_AS 9
#define RLIM_NLIMITS 16
#define RLIM_INFINITY UINT32_MAX

struct rlimit {
	u32 cur, max;
};

/* Linux's letters for /proc/PID/status: R S D T Z. */
enum task_state {
	TASK_RUNNING,
	TASK_INTERRUPTIBLE,   /* a signal wakes it */
	TASK_UNINTERRUPTIBLE, /* only wake_up does */
	TASK_ZOMBIE,	      /* dead, its parent has not waited yet */
	TASK_DEAD,	      /* gone, its stack is freed by the next task */
};

struct task_struct {
	u32 work; /* WORK_*; first, for entry.S */
	enum task_state state;
	u32 pid, pgid, sid; /* no threads: tgid is pid */
	char comm[TASK_COMM_LEN];

	struct task_struct *parent;
	struct list_head children, sibling;
	struct list_head tasks;		   /* all, from task_list */
	struct list_head run_list;	   /* the run queue, while it waits for the CPU */
	struct list_head sleep_list;	   /* by wake_at, while in schedule_timeout() */
	u32 wake_at;			   /* jiffies */
	struct wait_queue_head wait_child; /* parent waits here for its children */
	struct completion *vfork_done;	   /* tell it when the mm is left */
	int exit_code;			   /* as wait4() gives it */
	u32 ticks_left;			   /* of the time slice */
	u32 clear_child_tid; /* user address that becomes 0 when the mm is left; 0: none */
	bool forked;	     /* has not run a program of its own since fork: setpgid(2) */

	struct mm_struct *mm;	   /* NULL: kernel thread */
	void *stack;		   /* THREAD_SIZE bytes; pt_regs of user mode at its top */
	u32 kernel_sp;		   /* while it does not run */
	struct desc_struct tls[3]; /* GDT slots 6..8 */

	struct files_struct *files; /* fs.h */
	struct fs_struct *fs;

	struct signal_state signal; /* signal.h */

	/* Usage; c: of children that were waited for, and theirs. */
	u32 utime, stime, cutime, cstime; /* ticks */
	u32 min_flt, maj_flt, cmin_flt, cmaj_flt;
	u32 nvcsw, nivcsw, cnvcsw, cnivcsw;
	u32 maxrss, cmaxrss; /* pages; maxrss once the mm is left */
	struct rlimit rlim[RLIM_NLIMITS];
	u64 start_time_ns;
};

extern struct list_head task_list;
extern struct task_struct *current_task;
#define current current_task

extern struct task_struct init_task;	 /* task 0 */
extern struct task_struct *child_reaper; /* init; task 0 before and without it */

/* The user's registers at the top of a task's kernel stack. */
static inline struct pt_regs *task_pt_regs(const struct task_struct *t)
{
	return (struct pt_regs *)((u32)t->stack + THREAD_SIZE) - 1;
}

/* The boot thread becomes task 0. Before it, schedule() must not be called. */
void sched_init(void);
/* Sleep up to `ticks`; what is left of them. State must be set; MAX_SCHEDULE_TIMEOUT: no limit. */
#define MAX_SCHEDULE_TIMEOUT 0x7fffffffu
u32 schedule_timeout(u32 ticks);
void wake_up_process(struct task_struct *t);
/* From the timer interrupt; user: it interrupted user mode. */
void scheduler_tick(bool user);

struct task_struct *find_task(u32 pid); /* NULL: none */

/* Flags of clone(2) that have a meaning here; CLONE_VM needs CLONE_VFORK. */
#define CLONE_VM 0x00000100u
#define CLONE_VFORK 0x00004000u
#define CLONE_SETTLS 0x00080000u
#define CLONE_PARENT_SETTID 0x00100000u
#define CLONE_CHILD_CLEARTID 0x00200000u
#define CLONE_CHILD_SETTID 0x01000000u

struct fork_args {
	u32 flags;		   /* CLONE_* */
	u32 sp;			   /* the child's; 0: the parent's */
	u32 parent_tid, child_tid; /* user addresses */
	u32 tls;		   /* a user_desc, for CLONE_SETTLS */
};

/* The child's pid, or -ENOMEM, -EAGAIN (too many tasks), -EINVAL. */
int do_fork(const struct pt_regs *regs, const struct fork_args *args);
/*
 * A thread of the kernel, as task `name`. Its pid or error. What fn returns is its exit status,
 * unless it has an mm by then (kernel_execve): then the thread goes on as that program.
 */
int kernel_thread(int (*fn)(void *arg), void *arg, const char *name);
/* The same with pid 1, which others do not get. */
int kernel_thread_init(int (*fn)(void *arg), void *arg, const char *name);
/*
 * exec: the current task leaves its mm (a vfork parent goes on) and runs in this one, its to put.
 */
void exec_mmap(struct mm_struct *mm);
/* exec, after that: comm, signal handlers, TLS, and registers for the first instruction. */
void start_thread(struct pt_regs *regs, u32 ip, u32 sp, const char *comm);
/* exec: a new mm gets the task's limits; before mm_pick_layout(). */
void mm_set_limits(struct mm_struct *mm, const struct task_struct *t);
/* The mm is left, by exec or exit. */
void mm_release(struct task_struct *t);
/* Load the directory of mm; NULL: the kernel's. Nothing if it is loaded. */
void switch_mm(struct mm_struct *mm);
void release_task(struct task_struct *t);

/* End the current task; code as wait4() gives it: status << 8, or the signal. */
void __noreturn do_exit(int code);

/* What getrusage(2) and wait4(2) tell. */
struct rusage_ticks {
	u32 utime, stime, min_flt, maj_flt, nvcsw, nivcsw, maxrss_pages;
};

/* Its own; that of children it waited for. */
void task_usage(const struct task_struct *t, struct rusage_ticks *usage);
void task_children_usage(const struct task_struct *t, struct rusage_ticks *usage);

#define WNOHANG 1
#define WUNTRACED 2
#define WCONTINUED 8 /* nothing stops, so nothing continues */
#define __WNOTHREAD 0x20000000
#define __WALL 0x40000000
#define __WCLONE (int)0x80000000

/* The pid of a child that ended, 0 (WNOHANG: none yet), -ECHILD, -EINVAL, -ERESTARTSYS. */
int do_wait4(int pid, int *status, int options, struct rusage_ticks *usage);

/* How many tasks there are, zombies too; that can run now, the current one too. */
u32 nr_tasks(void);
u32 nr_running(void);
extern u32 total_forks, nr_switches;
/* Ticks since boot, by what they interrupted. */
extern struct cpu_ticks {
	u32 user, system, idle;
} cpu_ticks;

/*
 * Between sched.c, fork.c and the assembly: change stacks; what a task does first of all, and the
 * task that it took the CPU from has ended: its stack can go; the word at the bottom of a stack.
 */
void switch_stacks(u32 *save_sp, u32 load_sp);
void schedule_tail(void);
void kernel_thread_returned(int status);
void task_left_cpu(struct task_struct *t);
void stack_init(void *stack);
void tasks_init(void);

#endif
