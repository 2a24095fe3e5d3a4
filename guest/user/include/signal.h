/* SPDX-License-Identifier: MIT */
/* Structures as the kernel has them (arch/x86/include/uapi/asm/signal.h, sigcontext.h). */
#ifndef _SIGNAL_H
#define _SIGNAL_H

#include <sys/types.h>

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

#define SIG_DFL ((void (*)(int))0)
#define SIG_IGN ((void (*)(int))1)
#define SIG_ERR ((void (*)(int)) - 1)

#define SA_NOCLDSTOP 0x00000001u
#define SA_NOCLDWAIT 0x00000002u
#define SA_SIGINFO 0x00000004u
#define SA_RESTORER 0x04000000u
#define SA_ONSTACK 0x08000000u
#define SA_RESTART 0x10000000u
#define SA_NODEFER 0x40000000u
#define SA_RESETHAND 0x80000000u

#define SIG_BLOCK 0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define BUS_ADRERR 2
#define SI_USER 0
#define SI_KERNEL 0x80
#define FPE_INTDIV 1
#define CLD_EXITED 1
#define CLD_KILLED 2
#define MINSIGSTKSZ 2048
#define SS_ONSTACK 1
#define SS_DISABLE 2

typedef uint64_t sigset_t; /* bit n - 1 is signal n */
#define SIGMASK(sig) (1ull << ((sig)-1))

typedef struct siginfo {
	int si_signo, si_errno, si_code;
	union {
		struct {
			pid_t si_pid;
			uint32_t si_uid;
			int si_status;
		};
		void *si_addr;
		uint8_t room[116];
	};
} siginfo_t;
_Static_assert(sizeof(siginfo_t) == 128, "siginfo of Linux");

typedef struct {
	void *ss_sp;
	int ss_flags;
	size_t ss_size;
} stack_t;

/* The interrupted registers; the handler may change them. */
struct sigcontext {
	uint16_t gs, gs_high, fs, fs_high, es, es_high, ds, ds_high;
	uint32_t edi, esi, ebp, esp, ebx, edx, ecx, eax;
	uint32_t trapno, err, eip;
	uint16_t cs, cs_high;
	uint32_t eflags, esp_at_signal;
	uint16_t ss, ss_high;
	uint32_t fpstate, oldmask, cr2;
};

typedef struct ucontext {
	uint32_t uc_flags;
	struct ucontext *uc_link;
	stack_t uc_stack;
	struct sigcontext uc_mcontext;
	sigset_t uc_sigmask;
} ucontext_t;

struct sigaction {
	union {
		void (*sa_handler)(int);
		void (*sa_sigaction)(int, siginfo_t *, void *);
	};
	uint32_t sa_flags;
	void (*sa_restorer)(void); /* sigaction() fills it in */
	sigset_t sa_mask;
};

int sigaction(int sig, const struct sigaction *act, struct sigaction *old);
void (*signal(int sig, void (*handler)(int)))(int);
int sigprocmask(int how, const sigset_t *set, sigset_t *old);
int sigpending(sigset_t *set);
int sigaltstack(const stack_t *new_stack, stack_t *old);
int kill(pid_t pid, int sig);
int raise(int sig);

#endif
