// SPDX-License-Identifier: MIT
#include "internal.h"
#include <sys/syscall.h>
#include <unistd.h>

#define CALL(...) syscall_result(raw_syscall(__VA_ARGS__))

int sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	struct sigaction a;

	if (act) {
		a = *act;
		a.sa_flags |= SA_RESTORER;
		a.sa_restorer = a.sa_flags & SA_SIGINFO ? restore_rt : restore;
	}
	return CALL(SYS_rt_sigaction, sig, act ? &a : NULL, old, sizeof(sigset_t));
}

void (*signal(int sig, void (*handler)(int)))(int)
{
	struct sigaction act = { .sa_handler = handler, .sa_flags = SA_RESTART }, old;

	return sigaction(sig, &act, &old) < 0 ? SIG_ERR : old.sa_handler;
}

int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	return CALL(SYS_rt_sigprocmask, how, set, old, sizeof(sigset_t));
}

int sigpending(sigset_t *set)
{
	return CALL(SYS_rt_sigpending, set, sizeof(sigset_t));
}

int sigaltstack(const stack_t *new_stack, stack_t *old)
{
	return CALL(SYS_sigaltstack, new_stack, old);
}

int kill(pid_t pid, int sig)
{
	return CALL(SYS_kill, pid, sig);
}

int raise(int sig)
{
	return kill(getpid(), sig);
}

int sigsetjmp_mask(struct sigjmp_buf *env)
{
	if (env->saved)
		sigprocmask(SIG_SETMASK, NULL, &env->mask);
	return 0;
}

void siglongjmp(sigjmp_buf env, int value)
{
	if (env->saved)
		sigprocmask(SIG_SETMASK, &env->mask, NULL);
	jump_to(env->regs, value ? value : 1);
}
