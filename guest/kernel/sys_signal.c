// SPDX-License-Identifier: MIT
/*
 * System calls about signals, but for sigreturn and sigaltstack (arch/signal_frame.c).
 */
#include <arch/processor.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>

#include "mm/errno.h"

#define SIG_BLOCK 0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

#define SIGSET_BYTES 8

/* The user's struct sigaction of rt_sigaction(2), and of sigaction(2) on i386. */
struct user_sigaction {
	u32 handler, flags, restorer;
	u64 mask;
};

struct old_sigaction {
	u32 handler, mask, flags, restorer;
};

static void do_sigaction(u32 sig, const struct k_sigaction *new, struct k_sigaction *old)
{
	struct k_sigaction *ka = &current->signal.action[sig];
	u32 flags;

	*old = *ka;
	if (!new)
		return;
	flags = local_irq_save();
	*ka = *new;
	ka->mask &= ~SIG_UNBLOCKABLE;
	/* What is ignored is gone, also if it waits already (POSIX). */
	if (ka->handler == SIG_IGN ||
	    (ka->handler == SIG_DFL &&
	     (sig == SIGCHLD || sig == SIGCONT || sig == SIGURG || sig == SIGWINCH)))
		current->signal.pending &= ~SIGMASK(sig);
	recalc_sigpending(current);
	local_irq_restore(flags);
}

static bool can_handle(u32 sig, bool change)
{
	return sig >= 1 && sig <= NSIG && !(change && (SIGMASK(sig) & SIG_UNBLOCKABLE));
}

SYSCALL_FN(rt_sigaction)
{
	struct user_sigaction u;
	struct k_sigaction new, old;

	if (args->a[3] != SIGSET_BYTES)
		return -EINVAL;
	if (args->a[1] && copy_from_user(&u, args->a[1], sizeof(u)))
		return -EFAULT;
	if (!can_handle(args->a[0], args->a[1]))
		return -EINVAL;
	if (args->a[1])
		new = (struct k_sigaction){ u.handler, u.flags, u.restorer, u.mask };
	do_sigaction(args->a[0], args->a[1] ? &new : NULL, &old);
	u = (struct user_sigaction){ old.handler, old.flags, old.restorer, old.mask };
	if (args->a[2] && copy_to_user(args->a[2], &u, sizeof(u)))
		return -EFAULT;
	return 0;
}

SYSCALL_FN(sigaction)
{
	struct old_sigaction u;
	struct k_sigaction new, old;

	if (args->a[1] && copy_from_user(&u, args->a[1], sizeof(u)))
		return -EFAULT;
	if (!can_handle(args->a[0], args->a[1]))
		return -EINVAL;
	if (args->a[1])
		new = (struct k_sigaction){ u.handler, u.flags, u.restorer, u.mask };
	do_sigaction(args->a[0], args->a[1] ? &new : NULL, &old);
	u = (struct old_sigaction){ old.handler, (u32)old.mask, old.flags, old.restorer };
	if (args->a[2] && copy_to_user(args->a[2], &u, sizeof(u)))
		return -EFAULT;
	return 0;
}

/* System V's: one shot, not blocked while it runs. */
SYSCALL_FN(signal)
{
	const struct k_sigaction new = { args->a[1], SA_RESETHAND | SA_NODEFER, 0, 0 };
	struct k_sigaction old;

	if (!can_handle(args->a[0], true))
		return -EINVAL;
	do_sigaction(args->a[0], &new, &old);
	return (int32_t)old.handler;
}

static int change_mask(int how, u64 mask)
{
	u64 blocked = current->signal.blocked;

	switch (how) {
	case SIG_BLOCK:
		set_blocked(blocked | mask);
		return 0;
	case SIG_UNBLOCK:
		set_blocked(blocked & ~mask);
		return 0;
	case SIG_SETMASK:
		set_blocked(mask);
		return 0;
	default:
		return -EINVAL;
	}
}

SYSCALL_FN(rt_sigprocmask)
{
	u64 old = current->signal.blocked, mask;
	int err = 0;

	if (args->a[3] != SIGSET_BYTES)
		return -EINVAL;
	if (args->a[1]) {
		if (copy_from_user(&mask, args->a[1], sizeof(mask)))
			return -EFAULT;
		err = change_mask((int)args->a[0], mask);
	}
	if (!err && args->a[2] && copy_to_user(args->a[2], &old, sizeof(old)))
		return -EFAULT;
	return err;
}

/* The old call knows signals 1 to 32. */
SYSCALL_FN(sigprocmask)
{
	u64 old = current->signal.blocked;
	u32 mask;
	int err = 0;

	if (args->a[1]) {
		if (get_user_u32(&mask, args->a[1]))
			return -EFAULT;
		if (args->a[0] == SIG_SETMASK)
			set_blocked((old & ~(u64)UINT32_MAX) | mask);
		else
			err = change_mask((int)args->a[0], mask);
	}
	if (!err && args->a[2] && put_user_u32((u32)old, args->a[2]))
		return -EFAULT;
	return err;
}

SYSCALL_FN(rt_sigpending)
{
	u64 set = current->signal.pending & current->signal.blocked;

	if (args->a[1] > SIGSET_BYTES)
		return -EINVAL;
	return copy_to_user(args->a[0], &set, args->a[1]) ? -EFAULT : 0;
}

static int32_t sleep_until_signal(void)
{
	u32 flags = local_irq_save();

	while (!signal_pending_current()) {
		current->state = TASK_INTERRUPTIBLE;
		schedule();
	}
	local_irq_restore(flags);
	return -ERESTARTNOHAND;
}

SYSCALL_FN(pause)
{
	(void)args;
	return sleep_until_signal();
}

SYSCALL_FN(rt_sigsuspend)
{
	struct signal_state *s = &current->signal;
	u64 mask;

	if (args->a[1] != SIGSET_BYTES)
		return -EINVAL;
	if (copy_from_user(&mask, args->a[0], sizeof(mask)))
		return -EFAULT;
	s->saved_blocked = s->blocked;
	s->restore_blocked = true;
	set_blocked(mask);
	return sleep_until_signal();
}

/* --- kill ------------------------------------------------------------------------------------- */

static int kill_all(int sig, const struct siginfo *info)
{
	int err = -ESRCH;

	list_for_each(node, &task_list) {
		struct task_struct *t = list_entry(node, struct task_struct, tasks);

		if (!t->mm || t == child_reaper || t == current)
			continue;
		err = 0;
		if (sig)
			send_signal(t, sig, info);
	}
	return err;
}

static int kill_one(u32 pid, int sig, const struct siginfo *info)
{
	struct task_struct *t = pid ? find_task(pid) : NULL;

	if (!t)
		return -ESRCH;
	if (sig < 0 || sig > NSIG)
		return -EINVAL;
	return sig ? send_signal(t, sig, info) : 0;
}

SYSCALL_FN(kill)
{
	int pid = (int)args->a[0], sig = (int)args->a[1];
	const struct siginfo info = { .signo = sig, .code = SI_USER, .pid = current->pid };
	u32 group;

	if (pid == INT32_MIN)
		return -ESRCH;
	if (pid > 0)
		return kill_one((u32)pid, sig, &info);
	group = pid ? (u32)-pid : current->pgid;
	if (sig < 0 || sig > NSIG)
		return pid != -1 && send_signal_group(group, 0, &info) ? -ESRCH : -EINVAL;
	return pid == -1 ? kill_all(sig, &info) : send_signal_group(group, sig, &info);
}

static int32_t kill_thread(int pid, int sig)
{
	const struct siginfo info = { .signo = sig, .code = SI_TKILL, .pid = current->pid };

	if (pid <= 0)
		return -EINVAL;
	return kill_one((u32)pid, sig, &info);
}

SYSCALL_FN(tkill)
{
	return kill_thread((int)args->a[0], (int)args->a[1]);
}

SYSCALL_FN(tgkill)
{
	if ((int)args->a[0] <= 0 || (int)args->a[1] <= 0)
		return -EINVAL;
	if (args->a[0] != args->a[1])
		return -ESRCH;
	return kill_thread((int)args->a[1], (int)args->a[2]);
}
