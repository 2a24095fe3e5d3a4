// SPDX-License-Identifier: MIT
/*
 * Signals are sent, and delivered on the way to user mode. There is no job control: what would stop
 * a process (SIGSTOP and its kin) does nothing.
 */
#include <arch/processor.h>
#include <kernel/sched.h>
#include <lib/string.h>

#include "mm/errno.h"
#include "mm/slub.h"

#define SYNCHRONOUS                                                                                \
	(SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) | SIGMASK(SIGFPE))
#define IGNORED_BY_DEFAULT                                                                         \
	(SIGMASK(SIGCHLD) | SIGMASK(SIGCONT) | SIGMASK(SIGWINCH) | SIGMASK(SIGURG))
#define WOULD_STOP (SIGMASK(SIGSTOP) | SIGMASK(SIGTSTP) | SIGMASK(SIGTTIN) | SIGMASK(SIGTTOU))

/* --- a task's handlers ------------------------------------------------------------------------ */

int signals_dup(struct signal_state *s, const struct signal_state *parent)
{
	const size_t bytes = (NSIG + 1) * sizeof(struct k_sigaction);

	s->action = kzalloc(bytes, GFP_KERNEL);
	if (!s->action)
		return -ENOMEM;
	s->pending = s->forced = 0;
	s->restore_blocked = false;
	if (parent) {
		memcpy(s->action, parent->action, bytes);
		return 0;
	}
	s->blocked = 0;
	s->altstack_sp = s->altstack_size = 0;
	s->altstack_flags = SS_DISABLE;
	return 0;
}

void signals_free(struct signal_state *s)
{
	kfree(s->action);
	s->action = NULL;
}

void signals_exec(struct signal_state *s)
{
	for (int sig = 1; sig <= NSIG; sig++) {
		u32 handler = s->action[sig].handler == SIG_IGN ? SIG_IGN : SIG_DFL;

		s->action[sig] = (struct k_sigaction){ .handler = handler };
	}
	s->altstack_sp = s->altstack_size = 0;
	s->altstack_flags = SS_DISABLE;
	s->trapno = s->error = s->cr2 = 0;
}

/* Interrupts off: a handler may send a signal or set WORK_RESCHED meanwhile. */
void recalc_sigpending(struct task_struct *t)
{
	u32 flags = local_irq_save();

	if (t->signal.pending & ~t->signal.blocked)
		t->work |= WORK_SIGNAL;
	else
		t->work &= ~WORK_SIGNAL;
	local_irq_restore(flags);
}

void set_blocked(u64 mask)
{
	current->signal.blocked = mask & ~SIG_UNBLOCKABLE;
	recalc_sigpending(current);
}

/* --- sending ---------------------------------------------------------------------------------- */

/* It would do nothing to the task; init takes only what it has a handler for. */
static bool does_nothing(const struct task_struct *t, int sig)
{
	u32 handler = t->signal.action[sig].handler;

	if (handler == SIG_IGN || (SIGMASK(sig) & SIGMASK(SIGSTOP)))
		return true;
	if (handler != SIG_DFL)
		return false;
	return ((IGNORED_BY_DEFAULT | WOULD_STOP) & SIGMASK(sig)) ||
	       (t == child_reaper && !(t->signal.forced & SIGMASK(sig)));
}

/* Interrupts are off. */
static void make_pending(struct task_struct *t, int sig, const struct siginfo *info)
{
	if (!(t->signal.pending & SIGMASK(sig)))
		t->signal.info[sig] = info ? *info : (struct siginfo){ sig, SI_KERNEL, 0, 0, 0 };
	t->signal.pending |= SIGMASK(sig);
	recalc_sigpending(t);
	if ((t->work & WORK_SIGNAL) && t->state == TASK_INTERRUPTIBLE)
		wake_up_process(t);
}

int send_signal(struct task_struct *t, int sig, const struct siginfo *info)
{
	u32 flags = local_irq_save();

	/*
	 * Kernel threads take none. What is blocked stays: it may have a handler when it no longer
	 * is.
	 */
	if (t->mm && t->state < TASK_ZOMBIE &&
	    ((t->signal.blocked & SIGMASK(sig)) || !does_nothing(t, sig)))
		make_pending(t, sig, info);
	local_irq_restore(flags);
	return 0;
}

int send_signal_group(u32 pgid, int sig, const struct siginfo *info)
{
	int err = -ESRCH;

	list_for_each(node, &task_list) {
		struct task_struct *t = list_entry(node, struct task_struct, tasks);

		if (t->pgid != pgid || !t->pid)
			continue;
		err = 0;
		if (sig)
			send_signal(t, sig, info);
	}
	return err;
}

void force_signal(int sig, const struct siginfo *info)
{
	struct signal_state *s = &current->signal;
	u32 flags = local_irq_save();

	if ((s->blocked & SIGMASK(sig)) || s->action[sig].handler == SIG_IGN) {
		s->action[sig].handler = SIG_DFL;
		s->blocked &= ~SIGMASK(sig);
	}
	s->forced |= SIGMASK(sig);
	make_pending(current, sig, info);
	local_irq_restore(flags);
}

void force_fault(int sig, int code, u32 addr, u32 trapno, u32 error)
{
	const struct siginfo info = { .signo = sig, .code = code, .addr = addr };

	current->signal.trapno = trapno;
	current->signal.error = error;
	force_signal(sig, &info);
}

void force_kill(struct task_struct *t)
{
	u32 flags = local_irq_save();

	t->signal.forced |= SIGMASK(SIGKILL);
	make_pending(t, SIGKILL, NULL);
	local_irq_restore(flags);
}

/* --- delivery --------------------------------------------------------------------------------- */

/* The next signal to deliver, 0 if there is none: SIGKILL, then what the program did itself. */
static int dequeue_signal(struct siginfo *info)
{
	struct signal_state *s = &current->signal;
	u64 ready = s->pending & ~s->blocked;
	int sig = 1;

	if (!ready)
		return 0;
	if (ready & SIGMASK(SIGKILL))
		ready = SIGMASK(SIGKILL);
	else if (ready & SYNCHRONOUS)
		ready &= SYNCHRONOUS;
	while (!(ready & SIGMASK(sig)))
		sig++;
	*info = s->info[sig];
	s->pending &= ~SIGMASK(sig);
	return sig;
}

/* A signal with a handler, and that one in *ka; 0: nothing to do. Ends the process by default. */
static int get_signal(struct k_sigaction *ka, struct siginfo *info)
{
	struct signal_state *s = &current->signal;
	u32 flags = local_irq_save();
	int sig;

	while ((sig = dequeue_signal(info))) {
		bool nothing = does_nothing(current, sig);

		s->forced &= ~SIGMASK(sig);
		if (nothing)
			continue;
		*ka = s->action[sig];
		if (ka->handler == SIG_DFL) {
			local_irq_restore(flags);
			do_exit(sig);
		}
		if (ka->flags & SA_RESETHAND)
			s->action[sig].handler = SIG_DFL;
		break;
	}
	recalc_sigpending(current);
	local_irq_restore(flags);
	return sig;
}

/* The call is made again: INT 0x80 has two bytes. */
static void restart(struct pt_regs *regs)
{
	regs->ax = regs->orig_ax;
	regs->ip -= 2;
}

/* A system call was interrupted. ka: the handler that runs now; NULL: none. */
static void mend_syscall(struct pt_regs *regs, const struct k_sigaction *ka)
{
	if ((s32)regs->orig_ax < 0)
		return;
	switch ((s32)regs->ax) {
	case -ERESTARTNOHAND:
		if (ka)
			regs->ax = (u32)-EINTR;
		else
			restart(regs);
		break;
	case -ERESTARTSYS:
		if (ka && !(ka->flags & SA_RESTART))
			regs->ax = (u32)-EINTR;
		else
			restart(regs);
		break;
	}
}

static void handle_signal(struct pt_regs *regs, int sig, const struct k_sigaction *ka,
			  const struct siginfo *info)
{
	struct signal_state *s = &current->signal;
	u64 oldmask = s->restore_blocked ? s->saved_blocked : s->blocked;
	u64 mask = s->blocked | ka->mask;

	mend_syscall(regs, ka);
	/*
	 * The frame cannot be written: there is no way to tell but by death (Linux: force_sigsegv).
	 */
	if (setup_signal_frame(regs, sig, ka, info, oldmask)) {
		if (sig == SIGSEGV)
			s->action[SIGSEGV].handler = SIG_DFL;
		force_signal(SIGSEGV, NULL);
		return;
	}
	s->restore_blocked = false;
	if (!(ka->flags & SA_NODEFER))
		mask |= SIGMASK(sig);
	set_blocked(mask);
}

void do_signal(struct pt_regs *regs)
{
	struct siginfo info;
	struct k_sigaction ka;
	int sig = get_signal(&ka, &info);

	if (sig) {
		handle_signal(regs, sig, &ka, &info);
		return;
	}
	mend_syscall(regs, NULL);
	if (current->signal.restore_blocked) {
		current->signal.restore_blocked = false;
		set_blocked(current->signal.saved_blocked);
	}
}
