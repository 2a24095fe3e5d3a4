/* SPDX-License-Identifier: MIT */
/*
 * Signals: what memory needs of them. Numbers, sigaction, siginfo and the frames on the user's stack
 * are those of Linux on i386 (arch/x86 uapi headers).
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
#define SIGWINCH 28

#define SIG_DFL 0u
#define SIG_IGN 1u
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
	u32 addr;	   /* SIGSEGV, SIGBUS */
	u32 pid, status;   /* SIGCHLD, kill */
	u32 trapno, error; /* for the sigcontext */
};

struct k_sigaction {
	u32 handler, flags, restorer;
	u64 mask; /* bit n - 1 is signal n */
};

struct signal_state {
	u64 pending, blocked;
	struct siginfo info[NSIG + 1];
	struct k_sigaction *action; /* NSIG + 1 of them, allocated */
	u32 altstack_sp, altstack_size, altstack_flags;
	u32 saved_trapno, saved_error, saved_cr2; /* of the last fault, for the sigcontext */
};

struct task_struct;
struct pt_regs;

/* Make it pending, wake the task. 0. */
int send_signal(struct task_struct *t, int sig, const struct siginfo *info);
/* Of the current task's own making, cannot be blocked or ignored: forced to default then. */
void force_signal(int sig, const struct siginfo *info);
/* On the way to user mode: deliver what is pending; may not return (default action: terminate). */
void do_signal(struct pt_regs *regs);

#endif
