// SPDX-License-Identifier: MIT
/*
 * Tasks are born: by fork and its kin, and as threads of the kernel.
 */
#include <arch/processor.h>
#include <arch/segment.h>
#include <arch/tls.h>
#include <kernel/fs.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/time.h>
#include <kernel/uaccess.h>
#include <lib/string.h>

#include "mm/mm.h"
#include "mm/page_alloc.h"
#include "mm/slub.h"

#define INIT_PID 1
#define RESERVED_PIDS 300 /* not given again after the numbers have wrapped, as in Linux */
#define MIN_TASKS 20
#define THREAD_ORDER 1

_Static_assert(PAGE_SIZE << THREAD_ORDER == THREAD_SIZE, "a stack is one block of pages");
_Static_assert(offsetof(struct task_struct, work) == 0, "entry.S");

extern const char ret_from_fork[], ret_from_kernel_thread[];

u32 total_forks;

static struct kmem_cache *task_cache;
static u32 tasks = 1, max_tasks, last_pid = INIT_PID;

/* What switch_stacks() pops. */
struct switch_frame {
	u32 di, si, bx, bp, ip;
};

u32 nr_tasks(void)
{
	return tasks;
}

/* Linux's, of a process of root. */
static void default_limits(struct rlimit rlim[RLIM_NLIMITS])
{
	for (u32 i = 0; i < RLIM_NLIMITS; i++)
		rlim[i] = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	rlim[RLIMIT_STACK].cur = 8u << 20;
	rlim[RLIMIT_MEMLOCK] = (struct rlimit){ 8u << 20, 8u << 20 };
	rlim[RLIMIT_CORE].cur = 0;
	rlim[RLIMIT_NPROC] = (struct rlimit){ max_tasks, max_tasks };
	rlim[RLIMIT_NOFILE] = (struct rlimit){ NR_OPEN, NR_OPEN };
}

/* Linux lets kernel stacks take an eighth of memory. */
void tasks_init(void)
{
	max_tasks = nr_free_pages() / (8 * THREAD_SIZE / PAGE_SIZE);
	if (max_tasks < MIN_TASKS)
		max_tasks = MIN_TASKS;
	task_cache =
		kmem_cache_create("task_struct", sizeof(struct task_struct), 0, SLAB_PANIC, NULL);
	default_limits(init_task.rlim);
	if (signals_dup(&init_task.signal, NULL))
		panic("no memory for the signal handlers of task 0");
}

struct task_struct *find_task(u32 pid)
{
	list_for_each(node, &task_list) {
		struct task_struct *t = list_entry(node, struct task_struct, tasks);

		if (t->pid == pid)
			return t;
	}
	return NULL;
}

static bool pid_in_use(u32 pid)
{
	list_for_each(node, &task_list) {
		const struct task_struct *t = list_entry(node, struct task_struct, tasks);

		if (t->pid == pid || t->pgid == pid || t->sid == pid)
			return true;
	}
	return false;
}

static u32 alloc_pid(void)
{
	do {
		if (++last_pid >= PID_MAX)
			last_pid = RESERVED_PIDS;
	} while (pid_in_use(last_pid));
	return last_pid;
}

/* --- a task's parts --------------------------------------------------------------------------- */

/* A copy of the current task with a stack, of its own, and nothing else that would need freeing. */
static struct task_struct *task_alloc(void)
{
	struct task_struct *t;

	if (tasks >= max_tasks)
		return NULL;
	t = kmem_cache_alloc(task_cache, GFP_KERNEL);
	if (!t)
		return NULL;
	*t = *current;
	t->stack = __get_free_pages(GFP_KERNEL, THREAD_ORDER);
	if (!t->stack) {
		kmem_cache_free(task_cache, t);
		return NULL;
	}
	stack_init(t->stack);
	tasks++;
	t->work = 0;
	t->state = TASK_UNINTERRUPTIBLE; /* until wake_up_process() */
	t->mm = NULL;
	t->files = NULL;
	t->fs = NULL;
	t->signal.action = NULL;
	t->vfork_done = NULL;
	t->clear_child_tid = 0;
	t->exit_code = 0;
	t->ticks_left = TIMESLICE_TICKS;
	t->utime = t->stime = t->cutime = t->cstime = 0;
	t->min_flt = t->maj_flt = t->cmin_flt = t->cmaj_flt = 0;
	t->nvcsw = t->nivcsw = t->cnvcsw = t->cnivcsw = 0;
	t->maxrss = t->cmaxrss = 0;
	t->start_time_ns = monotonic_ns();
	list_init(&t->children);
	init_waitqueue_head(&t->wait_child);
	return t;
}

static void task_free(struct task_struct *t)
{
	signals_free(&t->signal);
	if (t->fs)
		fs_put(t->fs);
	if (t->files)
		files_put(t->files);
	free_pages(t->stack, THREAD_ORDER);
	kmem_cache_free(task_cache, t);
	tasks--;
}

/* Nobody will wait for it, or somebody has. */
void release_task(struct task_struct *t)
{
	list_del(&t->tasks);
	list_del(&t->sibling);
	task_free(t);
}

/* The CPU has left its stack. A zombie's task_struct stays for the parent. */
void task_left_cpu(struct task_struct *t)
{
	if (t->state == TASK_DEAD) {
		release_task(t);
		return;
	}
	free_pages(t->stack, THREAD_ORDER);
	t->stack = NULL;
}

static void set_entry(struct task_struct *t, const char *entry, u32 bx, u32 si)
{
	struct switch_frame *frame = (struct switch_frame *)task_pt_regs(t) - 1;

	*frame = (struct switch_frame){ .ip = (u32)entry, .bx = bx, .si = si };
	t->kernel_sp = (u32)frame;
}

static void link_task(struct task_struct *t, struct task_struct *parent, u32 pid)
{
	t->pid = pid;
	t->parent = parent;
	list_add_tail(&t->sibling, &parent->children);
	list_add_tail(&t->tasks, &task_list);
	total_forks++;
}

/* --- threads of the kernel -------------------------------------------------------------------- */

static int thread_create(int (*fn)(void *arg), void *arg, const char *name, u32 pid)
{
	struct task_struct *t = task_alloc();

	if (!t)
		return -ENOMEM;
	if (signals_dup(&t->signal, NULL)) {
		task_free(t);
		return -ENOMEM;
	}
	strlcpy(t->comm, name, sizeof(t->comm));
	memset(t->tls, 0, sizeof(t->tls));
	memset(task_pt_regs(t), 0, sizeof(struct pt_regs));
	set_entry(t, ret_from_kernel_thread, (u32)fn, (u32)arg);
	link_task(t, &init_task, pid ? pid : alloc_pid());
	t->pgid = t->sid = pid;
	if (pid == INIT_PID)
		child_reaper = t;
	wake_up_process(t);
	return (int)t->pid;
}

int kernel_thread(int (*fn)(void *arg), void *arg, const char *name)
{
	return thread_create(fn, arg, name, 0);
}

int kernel_thread_init(int (*fn)(void *arg), void *arg, const char *name)
{
	return thread_create(fn, arg, name, INIT_PID);
}

void kernel_thread_returned(int status)
{
	if (!current->mm)
		do_exit((status & 0xff) << 8);
}

/* --- fork ------------------------------------------------------------------------------------- */

static int copy_parts(struct task_struct *t, u32 flags)
{
	if (signals_dup(&t->signal, &current->signal))
		return -ENOMEM;
	if (current->files) {
		t->files = files_dup(current->files);
		if (!t->files)
			return -ENOMEM;
	}
	if (current->fs) {
		t->fs = fs_dup(current->fs);
		if (!t->fs)
			return -ENOMEM;
	}
	if (flags & CLONE_VM) {
		t->mm = mmget(current->mm);
		t->signal.altstack_flags = SS_DISABLE;
		t->signal.altstack_sp = t->signal.altstack_size = 0;
		return 0;
	}
	t->mm = dup_mm(current->mm);
	return t->mm ? 0 : -ENOMEM;
}

static void copy_thread(struct task_struct *t, const struct pt_regs *regs, u32 sp)
{
	struct pt_regs *child = task_pt_regs(t);

	*child = *regs;
	child->ax = 0;
	if (sp)
		child->sp = sp;
	set_entry(t, ret_from_fork, 0, 0);
}

/* What cannot be written is not told, and no error, as in Linux. */
static void tell_tids(struct task_struct *t, const struct fork_args *args)
{
	if (args->flags & CLONE_PARENT_SETTID)
		put_user_u32(t->pid, args->parent_tid);
	if (args->flags & CLONE_CHILD_CLEARTID)
		t->clear_child_tid = args->child_tid;
	if (args->flags & CLONE_CHILD_SETTID)
		access_process_vm(t->mm, args->child_tid, &t->pid, sizeof(t->pid), true);
}

int do_fork(const struct pt_regs *regs, const struct fork_args *args)
{
	struct completion vfork_done;
	struct task_struct *t;
	int err, pid;

	if ((args->flags & CLONE_VM) && !(args->flags & CLONE_VFORK))
		return -EINVAL; /* a thread: an mm has one task that runs */
	if (tasks >= max_tasks)
		return -EAGAIN;
	t = task_alloc();
	if (!t)
		return -ENOMEM;
	err = copy_parts(t, args->flags);
	if (!err && (args->flags & CLONE_SETTLS))
		err = do_set_thread_area(t, args->tls, false);
	if (err) {
		if (t->mm)
			mmput(t->mm);
		task_free(t);
		return err;
	}
	copy_thread(t, regs, args->sp);
	link_task(t, current, alloc_pid());
	t->forked = true;
	tell_tids(t, args);
	if (args->flags & CLONE_VFORK) {
		init_completion(&vfork_done);
		t->vfork_done = &vfork_done;
	}
	pid = (int)t->pid;
	wake_up_process(t);
	if (args->flags & CLONE_VFORK)
		wait_for_completion(&vfork_done);
	return pid;
}

SYSCALL_FN(fork)
{
	const struct fork_args fork = { 0 };

	return do_fork(args->regs, &fork);
}

SYSCALL_FN(vfork)
{
	const struct fork_args fork = { .flags = CLONE_VM | CLONE_VFORK };

	return do_fork(args->regs, &fork);
}

#define CLONE_KNOWN                                                                                \
	(CLONE_VM | CLONE_VFORK | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID |      \
	 CLONE_CHILD_SETTID)
#define CSIGNAL 0xffu

/* Processes, that is what libcs fork and spawn by; threads are refused. */
SYSCALL_FN(clone)
{
	const struct fork_args fork = {
		.flags = args->a[0] & ~CSIGNAL,
		.sp = args->a[1],
		.parent_tid = args->a[2],
		.tls = args->a[3],
		.child_tid = args->a[4],
	};

	if ((fork.flags & ~CLONE_KNOWN) || (args->a[0] & CSIGNAL) != SIGCHLD)
		return -EINVAL;
	return do_fork(args->regs, &fork);
}

SYSCALL_FN(set_tid_address)
{
	current->clear_child_tid = args->a[0];
	return (int32_t)current->pid;
}

/* --- a new mm --------------------------------------------------------------------------------- */

void mm_release(struct task_struct *t)
{
	struct completion *done = t->vfork_done;

	/*
	 * Of a program that dies alone nobody looks; one that vfork started must not write there.
	 */
	if (t->clear_child_tid && t->mm && t->mm->mm_users > 1)
		put_user_u32(0, t->clear_child_tid);
	t->clear_child_tid = 0;
	t->vfork_done = NULL;
	if (done)
		complete(done);
}

void exec_mmap(struct mm_struct *mm)
{
	struct mm_struct *old = current->mm;

	if (old)
		mm_release(current);
	current->mm = mm;
	switch_mm(mm);
	if (old)
		mmput(old);
}

void start_thread(struct pt_regs *regs, u32 ip, u32 sp, const char *comm)
{
	strlcpy(current->comm, comm, sizeof(current->comm));
	current->forked = false;
	signals_exec(&current->signal);
	memset(current->tls, 0, sizeof(current->tls));
	load_tls(current->tls);
	*regs = (struct pt_regs){
		.ds = __USER_DS,
		.es = __USER_DS,
		.ss = __USER_DS,
		.cs = __USER_CS,
		.orig_ax = UINT32_MAX,
		.flags = X86_EFLAGS_IF | X86_EFLAGS_FIXED,
		.ip = ip,
		.sp = sp,
	};
}
