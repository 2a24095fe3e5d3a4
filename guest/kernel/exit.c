// SPDX-License-Identifier: MIT
/*
 * Tasks end, and parents hear of it.
 */
#include <arch/irq.h>
#include <arch/processor.h>
#include <kernel/fs.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>

#include "mm/mm.h"

struct task_struct *child_reaper = &init_task;

static u32 exit_status(int code)
{
	return (u32)code >> 8 & 0xff;
}

static int term_signal(int code)
{
	return code & 0x7f;
}

/* The machine lives as long as init. */
static void __noreturn init_exits(int code)
{
	if (term_signal(code))
		panic("init (%s) was killed by signal %d", current->comm, term_signal(code));
	at_machine_exit();
	machine_exit(exit_status(code));
}

static void exit_mm(struct task_struct *t)
{
	struct mm_struct *mm = t->mm;
	struct rusage_ticks usage;

	if (!mm)
		return;
	task_usage(t, &usage);
	t->maxrss = usage.maxrss_pages;
	mm_release(t);
	t->mm = NULL;
	switch_mm(NULL);
	mmput(mm);
}

/*
 * SIGCHLD to the parent, and its wait4() looks again. True: the parent does not want to wait for
 * it.
 */
static bool notify_parent(struct task_struct *t)
{
	struct task_struct *parent = t->parent;
	const struct k_sigaction *ka = &parent->signal.action[SIGCHLD];
	const struct siginfo info = {
		.signo = SIGCHLD,
		.code = term_signal(t->exit_code) ? CLD_KILLED : CLD_EXITED,
		.pid = t->pid,
		.status = term_signal(t->exit_code) ? (u32)term_signal(t->exit_code)
						    : exit_status(t->exit_code),
	};

	if (ka->handler != SIG_IGN)
		send_signal(parent, SIGCHLD, &info);
	wake_up(&parent->wait_child);
	return ka->handler == SIG_IGN || (ka->flags & SA_NOCLDWAIT);
}

static void forget_children(struct task_struct *t)
{
	list_for_each_safe(node, &t->children) {
		struct task_struct *child = list_entry(node, struct task_struct, sibling);

		list_del(&child->sibling);
		child->parent = child_reaper;
		list_add_tail(&child->sibling, &child_reaper->children);
		if (child->state == TASK_ZOMBIE && notify_parent(child))
			release_task(child);
	}
}

void do_exit(int code)
{
	struct task_struct *t = current;

	if (in_interrupt() || t == &init_task)
		panic("process %u (%s) cannot exit", t->pid, t->comm);
	if (t == child_reaper)
		init_exits(code);
	local_irq_enable();
	t->exit_code = code;
	exit_mm(t);
	if (t->files)
		files_put(t->files);
	t->files = NULL;
	if (t->fs)
		fs_put(t->fs);
	t->fs = NULL;
	forget_children(t);
	t->state = notify_parent(t) ? TASK_DEAD : TASK_ZOMBIE;
	schedule();
	panic("process %u (%s) runs after its end", t->pid, t->comm);
}

SYSCALL_FN(exit)
{
	do_exit((int)(args->a[0] & 0xff) << 8);
}

/* --- wait ------------------------------------------------------------------------------------- */

static bool is_eligible(const struct task_struct *child, int pid)
{
	if (pid == -1)
		return true;
	if (pid == 0)
		return child->pgid == current->pgid;
	return pid > 0 ? child->pid == (u32)pid : child->pgid == (u32)-pid;
}

/* A child that ended; *any: there are some that may yet. */
static struct task_struct *find_zombie(int pid, bool *any)
{
	*any = false;
	list_for_each(node, &current->children) {
		struct task_struct *child = list_entry(node, struct task_struct, sibling);

		if (!is_eligible(child, pid))
			continue;
		if (child->state == TASK_ZOMBIE)
			return child;
		*any |= child->state != TASK_DEAD;
	}
	return NULL;
}

/* What it used, and those that it waited for. */
static void child_usage(const struct task_struct *child, struct rusage_ticks *usage)
{
	struct rusage_ticks children;

	task_usage(child, usage);
	task_children_usage(child, &children);
	usage->utime += children.utime;
	usage->stime += children.stime;
	usage->min_flt += children.min_flt;
	usage->maj_flt += children.maj_flt;
	usage->nvcsw += children.nvcsw;
	usage->nivcsw += children.nivcsw;
	if (children.maxrss_pages > usage->maxrss_pages)
		usage->maxrss_pages = children.maxrss_pages;
}

static int reap(struct task_struct *child, int *status, struct rusage_ticks *usage)
{
	int pid = (int)child->pid;

	*status = child->exit_code;
	child_usage(child, usage);
	current->cutime += usage->utime;
	current->cstime += usage->stime;
	current->cmin_flt += usage->min_flt;
	current->cmaj_flt += usage->maj_flt;
	current->cnvcsw += usage->nvcsw;
	current->cnivcsw += usage->nivcsw;
	if (usage->maxrss_pages > current->cmaxrss)
		current->cmaxrss = usage->maxrss_pages;
	release_task(child);
	return pid;
}

int do_wait4(int pid, int *status, int options, struct rusage_ticks *usage)
{
	struct task_struct *child;
	bool any;
	int err;

	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	child = find_zombie(pid, &any);
	if (!child && any && !(options & WNOHANG)) {
		err = wait_event_interruptible(&current->wait_child,
					       (child = find_zombie(pid, &any)) || !any);
		if (err)
			return err;
	}
	if (child)
		return reap(child, status, usage);
	return any ? 0 : -ECHILD;
}

static int32_t wait_call(const struct syscall_args *args, u32 rusage)
{
	struct rusage_ticks usage = { 0 };
	int status = 0;
	int pid = do_wait4((int)args->a[0], &status, (int)args->a[2], &usage);

	if (pid <= 0)
		return pid;
	if (args->a[1] && put_user_u32((u32)status, args->a[1]))
		return -EFAULT;
	if (rusage && rusage_to_user(rusage, &usage))
		return -EFAULT;
	return pid;
}

SYSCALL_FN(waitpid)
{
	return wait_call(args, 0);
}

SYSCALL_FN(wait4)
{
	return wait_call(args, args->a[3]);
}
