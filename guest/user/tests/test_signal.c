// SPDX-License-Identifier: MIT
#include "usertest.h"
#include <setjmp.h>
#include <sys/time.h>

static volatile int seen, seen_code, seen_pid;

static void count(int sig)
{
	seen = sig;
}

static void count_info(int sig, siginfo_t *info, void *context)
{
	seen = sig;
	seen_code = info->si_code;
	seen_pid = info->si_pid;
}

static void raise_runs_the_handler_at_once(void)
{
	EXPECT(signal(SIGUSR1, count) == SIG_DFL);
	EXPECT_EQUAL(raise(SIGUSR1), 0);
	EXPECT_EQUAL(seen, SIGUSR1);
	EXPECT(signal(SIGUSR1, SIG_IGN) == count);
	seen = 0;
	raise(SIGUSR1);
	EXPECT_EQUAL(seen, 0);
}

static void kill_tells_who(void)
{
	struct sigaction act = { .sa_sigaction = count_info, .sa_flags = SA_SIGINFO };

	REQUIRE(sigaction(SIGTERM, &act, NULL) == 0);
	raise(SIGTERM);
	EXPECT_EQUAL(seen, SIGTERM);
	EXPECT_EQUAL(seen_code, SI_USER);
	EXPECT_EQUAL(seen_pid, getpid());
}

static void kill_errors(void)
{
	EXPECT_ERRNO(kill(getpid(), 65), EINVAL);
	EXPECT_ERRNO(kill(getpid(), -1), EINVAL);
	EXPECT_ERRNO(kill(0x3fffffff, SIGTERM), ESRCH);
	EXPECT_ERRNO(kill(0x3fffffff, 65), ESRCH); /* whom is looked at before what */
	EXPECT_ERRNO(kill(-0x3fffffff, 65), ESRCH);
	EXPECT_EQUAL(kill(getpid(), 0), 0);
}

static void spin(void *arg)
{
	for (;;)
		;
}

static int killed_by(int sig)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0)
		spin(NULL);
	EXPECT_EQUAL(kill(pid, sig), 0);
	waitpid(pid, &status, 0);
	return WTERMSIG(status);
}

static void default_actions_end_the_process(void)
{
	EXPECT_EQUAL(killed_by(SIGTERM), SIGTERM);
	EXPECT_EQUAL(killed_by(SIGKILL), SIGKILL);
	EXPECT_EQUAL(killed_by(SIGSEGV), SIGSEGV);
	EXPECT_EQUAL(killed_by(SIGBUS), SIGBUS);
	EXPECT_EQUAL(killed_by(SIGINT), SIGINT);
	EXPECT_EQUAL(killed_by(SIGUSR2), SIGUSR2);
}

static void sigchld_is_ignored_by_default(void)
{
	pid_t pid;

	REQUIRE(raise(SIGCHLD) == 0);
	pid = fork();
	if (pid == 0)
		_exit(4);
	EXPECT_EQUAL(waitpid(pid, NULL, 0), pid);
}

static volatile int child_status;

static void count_child(int sig, siginfo_t *info, void *context)
{
	seen = sig;
	seen_code = info->si_code;
	seen_pid = info->si_pid;
	child_status = info->si_status;
}

static void sigchld_tells_pid_and_status(void)
{
	struct sigaction act = { .sa_sigaction = count_child, .sa_flags = SA_SIGINFO };
	pid_t pid;

	REQUIRE(sigaction(SIGCHLD, &act, NULL) == 0);
	pid = fork();
	if (pid == 0)
		_exit(11);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	EXPECT_EQUAL(seen, SIGCHLD);
	EXPECT_EQUAL(seen_code, CLD_EXITED);
	EXPECT_EQUAL(seen_pid, pid);
	EXPECT_EQUAL(child_status, 11);
}

static void kill_and_stop_can_be_neither_caught_nor_ignored(void)
{
	struct sigaction act = { .sa_handler = count };

	EXPECT_ERRNO(sigaction(SIGKILL, &act, NULL), EINVAL);
	EXPECT_ERRNO(sigaction(SIGSTOP, &act, NULL), EINVAL);
	EXPECT_EQUAL(sigaction(SIGKILL, NULL, &act), 0);
}

static void sigaction_errors(void)
{
	struct sigaction act = { .sa_handler = count };

	EXPECT_ERRNO(sigaction(0, &act, NULL), EINVAL);
	EXPECT_ERRNO(sigaction(65, &act, NULL), EINVAL);
	EXPECT_EQUAL(raw_syscall(SYS_rt_sigaction, SIGUSR1, &act, NULL, 4), -EINVAL);
	EXPECT_EQUAL(raw_syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, NULL, 4), -EINVAL);
	EXPECT_ERRNO(sigprocmask(7, &act.sa_mask, NULL), EINVAL);
}

static void a_blocked_signal_waits(void)
{
	sigset_t set = SIGMASK(SIGUSR1), old, pending;

	signal(SIGUSR1, count);
	EXPECT_EQUAL(sigprocmask(SIG_BLOCK, &set, &old), 0);
	EXPECT_EQUAL(old & set, 0);
	raise(SIGUSR1);
	EXPECT_EQUAL(seen, 0);
	EXPECT(sigpending(&pending) == 0 && pending == set);
	EXPECT_EQUAL(sigprocmask(SIG_UNBLOCK, &set, &old), 0);
	EXPECT_EQUAL(old & set, set);
	EXPECT_EQUAL(seen, SIGUSR1);
}

static void kill_cannot_be_blocked(void)
{
	sigset_t all = ~0ull, now;

	EXPECT_EQUAL(sigprocmask(SIG_SETMASK, &all, NULL), 0);
	EXPECT_EQUAL(sigprocmask(SIG_SETMASK, NULL, &now), 0);
	EXPECT_EQUAL(now & (SIGMASK(SIGKILL) | SIGMASK(SIGSTOP)), 0);
	EXPECT_EQUAL(now & SIGMASK(SIGTERM), SIGMASK(SIGTERM));
}

static sigset_t mask_inside;

static void look_at_mask(int sig)
{
	sigprocmask(SIG_SETMASK, NULL, &mask_inside);
}

static void a_handler_runs_with_its_signal_and_mask_blocked(void)
{
	struct sigaction act = { .sa_handler = look_at_mask, .sa_mask = SIGMASK(SIGUSR2) };
	sigset_t after;

	REQUIRE(sigaction(SIGUSR1, &act, NULL) == 0);
	raise(SIGUSR1);
	EXPECT_EQUAL(mask_inside, SIGMASK(SIGUSR1) | SIGMASK(SIGUSR2));
	EXPECT(sigprocmask(SIG_SETMASK, NULL, &after) == 0 && after == 0);
	act.sa_flags = SA_NODEFER;
	act.sa_mask = 0;
	REQUIRE(sigaction(SIGUSR1, &act, NULL) == 0);
	raise(SIGUSR1);
	EXPECT_EQUAL(mask_inside, 0);
}

static void resethand_handles_once(void)
{
	struct sigaction act = { .sa_handler = count, .sa_flags = SA_RESETHAND }, now;

	REQUIRE(sigaction(SIGUSR1, &act, NULL) == 0);
	raise(SIGUSR1);
	EXPECT_EQUAL(seen, SIGUSR1);
	REQUIRE(sigaction(SIGUSR1, NULL, &now) == 0);
	EXPECT(now.sa_handler == SIG_DFL);
}

static void fault_while_blocked(void *arg)
{
	sigset_t set = SIGMASK(SIGSEGV);

	signal(SIGSEGV, count);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fault();
}

static void fault_while_ignored(void *arg)
{
	signal(SIGSEGV, SIG_IGN);
	fault();
}

static void a_fault_that_is_blocked_or_ignored_kills(void)
{
	EXPECT_EQUAL(WTERMSIG(in_child(fault_while_blocked, NULL)), SIGSEGV);
	EXPECT_EQUAL(WTERMSIG(in_child(fault_while_ignored, NULL)), SIGSEGV);
}

static void overflow_stack(int sig)
{
	_exit(5);
}

/* The signal's frame itself cannot be written. */
static void fault_without_stack(void *arg)
{
	signal(SIGSEGV, overflow_stack);
	__asm__ volatile("movl $16, %%esp\n\tmovl %%eax, (%%esp)" : : : "memory");
}

static void a_frame_that_cannot_be_written_kills(void)
{
	EXPECT_EQUAL(WTERMSIG(in_child(fault_without_stack, NULL)), SIGSEGV);
}

static void *stack_inside;

static void look_at_stack(int sig)
{
	stack_inside = __builtin_frame_address(0);
}

static void sigaltstack_is_used_when_asked_for(void)
{
	struct sigaction act = { .sa_handler = look_at_stack, .sa_flags = SA_ONSTACK };
	char *room = map_anon(8, PROT_READ | PROT_WRITE);
	stack_t ss = { .ss_sp = room, .ss_size = 8 * PAGE }, old;

	EXPECT_EQUAL(sigaltstack(&ss, NULL), 0);
	REQUIRE(sigaction(SIGUSR1, &act, NULL) == 0);
	raise(SIGUSR1);
	EXPECT((char *)stack_inside >= room && (char *)stack_inside < room + 8 * PAGE);
	EXPECT(sigaltstack(NULL, &old) == 0 && old.ss_sp == room && old.ss_flags == 0);
	ss.ss_size = 100;
	EXPECT_ERRNO(sigaltstack(&ss, NULL), ENOMEM);
	ss.ss_flags = 99;
	EXPECT_ERRNO(sigaltstack(&ss, NULL), EINVAL);
}

static void leave_well(int sig)
{
	_exit(21);
}

static volatile unsigned depth = 0x7fffffff; /* no stack is that deep */

static unsigned __attribute__((noinline)) dig(unsigned left)
{
	volatile char room[PAGE];

	room[0] = (char)left;
	return left ? dig(left - 1) + (unsigned char)room[0] : 0;
}

static void overflow(void *arg)
{
	struct sigaction act = { .sa_handler = leave_well, .sa_flags = SA_ONSTACK };
	stack_t ss = { .ss_sp = map_anon(8, PROT_READ | PROT_WRITE), .ss_size = 8 * PAGE };

	sigaltstack(&ss, NULL);
	sigaction(SIGSEGV, &act, NULL);
	dig(depth);
}

static void sigaltstack_survives_a_stack_overflow(void)
{
	EXPECT_EQUAL(in_child(overflow, NULL), EXITED(21));
}

static uint32_t regs_before, regs_after;

static void change_register(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	regs_before = uc->uc_mcontext.ebx;
	uc->uc_mcontext.ebx = 0x600d;
	uc->uc_mcontext.eip += 2; /* over UD2 */
}

static void a_handler_may_change_registers(void)
{
	struct sigaction act = { .sa_sigaction = change_register, .sa_flags = SA_SIGINFO };

	REQUIRE(sigaction(SIGILL, &act, NULL) == 0);
	regs_after = 0xbad;
	__asm__ volatile("ud2" : "+b"(regs_after) : : "memory");
	EXPECT_EQUAL(regs_before, 0xbad);
	EXPECT_EQUAL(regs_after, 0x600d);
}

static sigjmp_buf divided;

static void count_division(int sig, siginfo_t *info, void *context)
{
	seen = sig;
	seen_code = info->si_code;
	siglongjmp(divided, 1);
}

static void a_division_by_0_is_SIGFPE(void)
{
	struct sigaction act = { .sa_sigaction = count_division, .sa_flags = SA_SIGINFO };

	REQUIRE(sigaction(SIGFPE, &act, NULL) == 0);
	if (sigsetjmp(divided, 1) == 0)
		__asm__ volatile("divl %0" : : "r"(0), "a"(1), "d"(0) : "cc");
	EXPECT_EQUAL(seen, SIGFPE);
	EXPECT_EQUAL(seen_code, FPE_INTDIV);
}

static void divide(void *arg)
{
	__asm__ volatile("divl %0" : : "r"(0), "a"(1), "d"(0) : "cc");
}

static void privileged(void *arg)
{
	__asm__ volatile("cli");
}

static void port(void *arg)
{
	__asm__ volatile("outb %%al, $0x80" : : "a"(0));
}

static void undefined(void *arg)
{
	__asm__ volatile("ud2");
}

static void breakpoint(void *arg)
{
	__asm__ volatile("int3");
}

static void int_0x30(void *arg)
{
	__asm__ volatile("int $0x30");
}

static void bad_segment(void *arg)
{
	__asm__ volatile("movw %w0, %%es" : : "r"(0x7f3));
}

static void hlt(void *arg)
{
	__asm__ volatile("hlt");
}

static void exceptions_kill_with_their_signal(void)
{
	EXPECT_EQUAL(WTERMSIG(in_child(divide, NULL)), SIGFPE);
	EXPECT_EQUAL(WTERMSIG(in_child(privileged, NULL)), SIGSEGV);
	EXPECT_EQUAL(WTERMSIG(in_child(port, NULL)), SIGSEGV);
	EXPECT_EQUAL(WTERMSIG(in_child(undefined, NULL)), SIGILL);
	EXPECT_EQUAL(WTERMSIG(in_child(breakpoint, NULL)), SIGTRAP);
	EXPECT_EQUAL(WTERMSIG(in_child(int_0x30, NULL)), SIGSEGV);
	EXPECT_EQUAL(WTERMSIG(in_child(bad_segment, NULL)), SIGSEGV);
	EXPECT_EQUAL(WTERMSIG(in_child(hlt, NULL)), SIGSEGV);
}

static void unaligned(void *arg)
{
	__asm__ volatile("pushfl\n\torl $0x40000, (%%esp)\n\tpopfl\n\tmovl 1(%%esp), %%eax"
			 :
			 :
			 : "eax", "memory", "cc");
}

/* The kernel's part of it is CR0.AM; QEMU's TCG has the bit, but makes no #AC. */
static void an_unaligned_access_with_AC_set_is_SIGBUS(void)
{
	int status = in_child(unaligned, NULL);
	uint32_t cr0;

	__asm__("smsw %0" : "=r"(cr0));
	if (status || !in_guest())
		EXPECT_EQUAL(WTERMSIG(status), SIGBUS);
	else
		EXPECT(cr0 & 1u << 18);
}

static void bad_eflags(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	uc->uc_mcontext.eflags |= 0x3000 | 0x20000 | 0x4000; /* IOPL 3, VM, NT */
	uc->uc_mcontext.eflags &= ~0x200u;		     /* interrupts off */
}

static void sigreturn_gives_no_privileges(void)
{
	struct sigaction act = { .sa_sigaction = bad_eflags, .sa_flags = SA_SIGINFO };
	uint32_t eflags;

	REQUIRE(sigaction(SIGUSR1, &act, NULL) == 0);
	raise(SIGUSR1);
	__asm__ volatile("pushfl\n\tpopl %0" : "=r"(eflags));
	EXPECT_EQUAL(eflags & 0x3000, 0);
	EXPECT_EQUAL(eflags & 0x20000, 0);
	EXPECT_EQUAL(WTERMSIG(in_child(privileged, NULL)), SIGSEGV);
}

static void bad_selectors(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	uc->uc_mcontext.cs = 0x60;
	uc->uc_mcontext.ss = 0x68;
}

static void return_to_bad_selectors(void *arg)
{
	struct sigaction act = { .sa_sigaction = bad_selectors, .sa_flags = SA_SIGINFO };

	sigaction(SIGUSR1, &act, NULL);
	raise(SIGUSR1);
	__asm__ volatile("cli"); /* kills if it is not already dead */
}

static void bad_data_selectors(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	uc->uc_mcontext.ds = 0x1233;
	uc->uc_mcontext.es = 0xfffb;
}

static void return_to_bad_data_selectors(void *arg)
{
	struct sigaction act = { .sa_sigaction = bad_data_selectors, .sa_flags = SA_SIGINFO };

	sigaction(SIGUSR1, &act, NULL);
	raise(SIGUSR1);
	__asm__ volatile("cli");
}

static void sigreturn_with_bad_selectors_hurts_only_the_process(void)
{
	EXPECT_EQUAL(WTERMSIG(in_child(return_to_bad_selectors, NULL)), SIGSEGV);
	EXPECT_EQUAL(WTERMSIG(in_child(return_to_bad_data_selectors, NULL)), SIGSEGV);
}

static void sigreturn_from_nowhere(void *arg)
{
	raw_syscall((long)arg);
	_exit(1);
}

static void sigreturn_without_a_frame_hurts_only_the_process(void)
{
	int status = in_child(sigreturn_from_nowhere, (void *)SYS_rt_sigreturn);

	EXPECT(WIFSIGNALED(status));
	status = in_child(sigreturn_from_nowhere, (void *)SYS_sigreturn);
	EXPECT(WIFSIGNALED(status));
}

/* A helper sends it again and again: the first may come before this process sleeps. */
static void wait_for_signal_in(void (*sleep)(void *arg), void *arg, uint32_t flags, int times)
{
	struct sigaction act = { .sa_handler = count, .sa_flags = flags };
	pid_t me = getpid(), helper;

	REQUIRE(sigaction(SIGUSR1, &act, NULL) == 0);
	helper = fork();
	if (helper == 0) {
		for (int i = 0; i < times; i++) {
			sleep_ms(30);
			kill(me, SIGUSR1);
		}
		sleep_ms(30);
		_exit(0);
	}
	sleep(arg);
	EXPECT_EQUAL(seen, SIGUSR1);
	kill(helper, SIGKILL);
}

static void read_pipe(void *arg)
{
	char c;

	EXPECT_ERRNO(read((int)arg, &c, 1), EINTR);
}

static void a_signal_interrupts_a_read(void)
{
	int fds[2];

	REQUIRE(pipe(fds) == 0);
	wait_for_signal_in(read_pipe, (void *)fds[0], 0, 1000);
}

static void wait_child(void *arg)
{
	EXPECT(wait(NULL) > 0);
}

static void a_restarting_handler_goes_on_waiting(void)
{
	wait_for_signal_in(wait_child, NULL, SA_RESTART, 2);
}

static void long_sleep(void *arg)
{
	struct timespec {
		long sec, nsec;
	} ts = { 100, 0 }, left = { 0, 0 };

	EXPECT_EQUAL(raw_syscall(SYS_nanosleep, &ts, &left), -EINTR);
	EXPECT(left.sec >= 98 && left.sec < 100);
}

static void a_signal_interrupts_nanosleep_which_tells_the_rest(void)
{
	wait_for_signal_in(long_sleep, NULL, SA_RESTART, 1000);
}

static void handlers_without_a_restorer_return(void)
{
	struct {
		void (*handler)(int);
		uint32_t flags, restorer;
		uint64_t mask;
	} act = { count, 0, 0, 0 };

	REQUIRE(raw_syscall(SYS_rt_sigaction, SIGUSR1, &act, NULL, 8) == 0);
	raise(SIGUSR1);
	EXPECT_EQUAL(seen, SIGUSR1);
}

const struct usertest tests_signal[] = {
	TEST(raise_runs_the_handler_at_once),
	TEST(kill_tells_who),
	TEST(kill_errors),
	TEST(default_actions_end_the_process),
	TEST(sigchld_is_ignored_by_default),
	TEST(sigchld_tells_pid_and_status),
	TEST(kill_and_stop_can_be_neither_caught_nor_ignored),
	TEST(sigaction_errors),
	TEST(a_blocked_signal_waits),
	TEST(kill_cannot_be_blocked),
	TEST(a_handler_runs_with_its_signal_and_mask_blocked),
	TEST(resethand_handles_once),
	TEST(a_fault_that_is_blocked_or_ignored_kills),
	TEST(a_frame_that_cannot_be_written_kills),
	TEST(sigaltstack_is_used_when_asked_for),
	TEST(sigaltstack_survives_a_stack_overflow),
	TEST(a_handler_may_change_registers),
	TEST(a_division_by_0_is_SIGFPE),
	TEST(exceptions_kill_with_their_signal),
	TEST(an_unaligned_access_with_AC_set_is_SIGBUS),
	TEST(sigreturn_gives_no_privileges),
	TEST(sigreturn_with_bad_selectors_hurts_only_the_process),
	TEST(sigreturn_without_a_frame_hurts_only_the_process),
	TEST(a_signal_interrupts_a_read),
	TEST(a_restarting_handler_goes_on_waiting),
	TEST(a_signal_interrupts_nanosleep_which_tells_the_rest),
	TEST(handlers_without_a_restorer_return),
	END_OF_TESTS,
};
