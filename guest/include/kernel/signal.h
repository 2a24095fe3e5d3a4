/* SPDX-License-Identifier: MIT */
/*
 * Signals: what memory needs of them. Numbers, sigaction, siginfo and the frames on the user's
 * stack are those of Linux on i386 (arch/x86 uapi headers).
 *
 * Standard signals do not queue: one siginfo is kept for each number.
 */
#ifndef KERNEL_SIGNAL_H
#define KERNEL_SIGNAL_H

#include <lib/types.h>

#define NSIG 64
#define SIGHUP 1
#define SIGINT 2
#define SIGQUIT 3
#define SIGILL 4
#define SIGTRAP 5
#define SIGABRT 6
#define SIGBUS 7
#define SIGFPE 8
#define SIGKILL 9
#define SIGUSR1 10
#define SIGSEGV 11
#define SIGUSR2 12
#define SIGPIPE 13
#define SIGALRM 14
#define SIGTERM 15
#define SIGCHLD 17
#define SIGCONT 18
#define SIGSTOP 19
#define SIGTSTP 20
#define SIGTTIN 21
#define SIGTTOU 22
#define SIGURG 23
#define SIGWINCH 28
#define SIGSYS 31

/* si_code */
#define SI_USER 0
#define SI_KERNEL 0x80
#define SI_TKILL (-6)
#define ILL_ILLOPN 2
#define FPE_INTDIV 1
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define BUS_ADRALN 1
#define BUS_ADRERR 2
#define TRAP_TRACE 2
#define CLD_EXITED 1
#define CLD_KILLED 2

#define SIG_DFL 0u
#define SIG_IGN 1u
#define SIGMASK(sig) (1ull << ((sig)-1))
#define SIG_UNBLOCKABLE (SIGMASK(SIGKILL) | SIGMASK(SIGSTOP))

#define SA_NOCLDSTOP 0x00000001u
#define SA_NOCLDWAIT 0x00000002u
#define SA_SIGINFO 0x00000004u
#define SA_RESTORER 0x04000000u
#define SA_ONSTACK 0x08000000u
#define SA_RESTART 0x10000000u
#define SA_NODEFER 0x40000000u
#define SA_RESETHAND 0x80000000u

/* What the kernel knows of a signal; copied to the user as siginfo_t of 128 bytes. */
struct siginfo {
	int signo, code;
	u32 addr;	 /* SIGSEGV, SIGBUS */
	u32 pid, status; /* SIGCHLD, kill */
};

/* sigaltstack(2) */
#define SS_ONSTACK 1u
#define SS_DISABLE 2u
#define MINSIGSTKSZ 2048u

struct k_sigaction {
	u32 handler, flags, restorer;
	u64 mask; /* bit n - 1 is signal n */
};

struct signal_state {
	u64 pending, blocked;
	u64 forced;	   /* pending ones that even init dies of */
	u64 saved_blocked; /* sigsuspend(2): comes back after the handler */
	bool restore_blocked;
	struct siginfo info[NSIG + 1];
	struct k_sigaction *action; /* NSIG + 1 of them, allocated */
	u32 altstack_sp, altstack_size, altstack_flags;
	u32 trapno, error, cr2; /* of the last fault of user mode, for the sigcontext */
};

struct task_struct;
struct pt_regs;

/*
 * fork: handlers and mask are the parent's, nothing is pending. 0 or -ENOMEM. parent: NULL for
 * none.
 */
int signals_dup(struct signal_state *s, const struct signal_state *parent);
void signals_free(struct signal_state *s);
/* exec: caught signals get the default action, the alternate stack is forgotten. */
void signals_exec(struct signal_state *s);

/*
 * Make it pending, wake the task; dropped if it is ignored. info: NULL for one from the kernel. 0.
 * May be called by interrupt handlers.
 */
int send_signal(struct task_struct *t, int sig, const struct siginfo *info);
/* To every task of a process group: 0 or -ESRCH. */
int send_signal_group(u32 pgid, int sig, const struct siginfo *info);
/* Of the current task's own making; cannot be blocked or ignored: has its default action then. */
void force_signal(int sig, const struct siginfo *info);
/* A fault of user mode: the same, and what the sigcontext says of it. */
void force_fault(int sig, int code, u32 addr, u32 trapno, u32 error);
/* SIGKILL that cannot be avoided, by init neither. */
void force_kill(struct task_struct *t);
/* On the way to user mode: deliver what is pending; may not return (default action: terminate). */
void do_signal(struct pt_regs *regs);
/* Is a signal deliverable? Sets WORK_SIGNAL by it. */
void recalc_sigpending(struct task_struct *t);
/* The mask of the current task: what must not be blocked is taken out. */
void set_blocked(u64 mask);

/*
 * arch/signal_frame.c: the handler's frame onto the user's stack, registers for it: 0 or -EFAULT.
 */
int setup_signal_frame(struct pt_regs *regs, int sig, const struct k_sigaction *ka,
		       const struct siginfo *info, u64 oldmask);
/* struct siginfo as the user's siginfo_t. 0 or -EFAULT. */
int copy_siginfo_to_user(u32 to, const struct siginfo *info);

#endif
