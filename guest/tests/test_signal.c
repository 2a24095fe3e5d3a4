// SPDX-License-Identifier: MIT
/*
 * Signals: what ends a process and how, handlers and their frames (Linux's offsets, by hand from
 * asm/sigcontext.h), and what sigreturn lets through.
 */
#include "user_side.h"
#include <arch/processor.h>
#include <arch/segment.h>
#include <arch/traps.h>
#include <kernel/sched.h>

/* --- exceptions become signals ---------------------------------------------------------------- */

struct death {
	void (*main)(u32 arg);
	u32 arg;
	int status; /* as wait4() gives it: the signal */
};

static void ends_with(struct selftest_result *r, const void *arg)
{
	const struct death *d = arg;

	EXPECT_EQ(r, run_user(r, d->main, d->arg), d->status);
}

#define DIES_BY(name, insn)                                                                        \
	USER static void name(u32 arg)                                                             \
	{                                                                                          \
		(void)arg;                                                                         \
		asm volatile(insn : : : "memory", "eax", "edx");                                   \
		u_exit(0);                                                                         \
	}

DIES_BY(divide, "xorl %%eax, %%eax; xorl %%edx, %%edx; divl %%eax")
DIES_BY(breakpoint, "int3")
DIES_BY(overflow, "movl $0x7fffffff, %%eax; incl %%eax; into")
DIES_BY(undefined, "ud2")
DIES_BY(x87, "fninit")
DIES_BY(halt, "hlt")
DIES_BY(single_step, "pushfl; orl $0x100, (%%esp); popfl; nop")
DIES_BY(bad_selector, "movl $0x93, %%eax; movl %%eax, %%ds") /* slot 18 is empty */
DIES_BY(write_null, "movl $1, 0")
DIES_BY(read_kernel, "movl 0xc0100000, %%eax")
DIES_BY(call_kernel, "movl $0xc0100000, %%eax; jmp *%%eax")
DIES_BY(irq_gate, "int $0x20")

DIES_BY(nested_iret, "pushfl; orl $0x4000, (%%esp); popfl; iret")
DIES_BY(far_jump, "ljmp $0x60, $0xc0100000")
DIES_BY(far_jump_tss, "ljmp $0x80, $0")

static const struct death d_divide = { divide, 0, SIGFPE };
static const struct death d_breakpoint = { breakpoint, 0, SIGTRAP };
static const struct death d_overflow = { overflow, 0, SIGSEGV };
static const struct death d_undefined = { undefined, 0, SIGILL };
static const struct death d_x87 = { x87, 0, SIGFPE };
static const struct death d_halt = { halt, 0, SIGSEGV };
static const struct death d_step = { single_step, 0, SIGTRAP };
static const struct death d_selector = { bad_selector, 0, SIGSEGV };
static const struct death d_null = { write_null, 0, SIGSEGV };
static const struct death d_kernel = { read_kernel, 0, SIGSEGV };
static const struct death d_jump = { call_kernel, 0, SIGSEGV };
static const struct death d_nested = { nested_iret, 0, SIGSEGV };
static const struct death d_far = { far_jump, 0, SIGSEGV };
static const struct death d_tss = { far_jump_tss, 0, SIGSEGV };
static const struct death d_gate = { irq_gate, 0, SIGSEGV };

/* --- handlers --------------------------------------------------------------------------------- */

/* Words of Linux's siginfo_t, ucontext and its sigcontext. */
#define SI_SIGNO 0
#define SI_CODE 2
#define SI_ADDR 3
#define UC_GS 5
#define UC_FS 6
#define UC_ES 7
#define UC_DS 8
#define UC_EAX 16
#define UC_TRAPNO 17
#define UC_ERR 18
#define UC_EIP 19
#define UC_CS 20
#define UC_EFLAGS 21
#define UC_SS 23
#define UC_CR2 26
#define UC_SIGMASK 27

#define PAGER_AREA 0x20000000u

/* A user-level pager: the page is mapped by the handler, and holds its own address. */
USER static void page_in(int sig, u32 *info, u32 *uc)
{
	u32 addr = info[SI_ADDR], page = addr & PAGE_MASK;

	CHECK(sig == SIGSEGV && info[SI_SIGNO] == SIGSEGV && info[SI_CODE] == SEGV_MAPERR);
	CHECK(uc[UC_TRAPNO] == TRAP_PF && uc[UC_CR2] == addr);
	CHECK(uc[UC_ERR] == (PF_USER | PF_WRITE) || uc[UC_ERR] == PF_USER);
	CHECK(uc[UC_CS] == __USER_CS && uc[UC_SS] == __USER_DS && uc[UC_DS] == __USER_DS);
	CHECK(u_mmap(page, PAGE_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED) == page);
	*(volatile u32 *)addr = addr;
}

USER static void user_pager(u32 pages)
{
	CHECK(!u_sigaction(SIGSEGV, user_address(page_in), SA_SIGINFO, 0));
	for (u32 i = 0; i < pages; i++) {
		u32 addr = PAGER_AREA + i * PAGE_SIZE + 4 * i;

		CHECK(*(volatile u32 *)addr == addr);
		*(volatile u32 *)(addr + 4) = 1;
	}
	u_exit(0);
}

/* Write protection: the handler gives the right, and the write goes on. */
USER static void unprotect(int sig, u32 *info, u32 *uc)
{
	CHECK(sig == SIGSEGV && info[SI_CODE] == SEGV_ACCERR);
	CHECK(uc[UC_ERR] == (PF_USER | PF_WRITE | PF_PROT) || uc[UC_ERR] == (PF_USER | PF_WRITE));
	CHECK(!call3(U_MPROTECT, info[SI_ADDR] & PAGE_MASK, PAGE_SIZE, PROT_READ | PROT_WRITE));
}

USER static void write_barrier(u32 value)
{
	volatile u32 *p = (u32 *)u_mmap(0, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);

	CHECK(!u_sigaction(SIGSEGV, user_address(unprotect), SA_SIGINFO, 0));
	CHECK(*p == 0);
	*p = value;
	CHECK(*p == value);
	u_exit(0);
}

/* A kernel address is told as if the kernel's half were one protected piece. */
USER static void see_kernel_fault(int sig, u32 *info, u32 *uc)
{
	(void)sig;
	CHECK(info[SI_CODE] == SEGV_MAPERR && uc[UC_CR2] == info[SI_ADDR]);
	CHECK(uc[UC_ERR] == (PF_USER | PF_PROT));
	u_exit(info[SI_ADDR] >> 24);
}

USER static void touch_kernel(u32 addr)
{
	CHECK(!u_sigaction(SIGSEGV, user_address(see_kernel_fault), SA_SIGINFO, 0));
	CHECK(*(volatile u32 *)addr);
	u_exit(0);
}

static const struct death h_pager = { user_pager, 40, EXITED(0) };
static const struct death h_barrier = { write_barrier, 0x5eed, EXITED(0) };
static const struct death h_kernel = { touch_kernel, PAGE_OFFSET + 0x100000,
				       EXITED(PAGE_OFFSET >> 24) };
static const struct death h_kernel_hole = { touch_kernel, 0xffbff000, EXITED(0xff) };

/* --- handlers of sent signals ----------------------------------------------------------------- */

/* Counts in the word that the test keeps at COUNTERS: one for each signal. */
#define COUNTERS 0x30000000u

USER static void count_signal(int sig)
{
	((volatile u32 *)COUNTERS)[sig]++;
}

USER_INLINE volatile u32 *counters(void)
{
	CHECK(u_mmap(COUNTERS, PAGE_SIZE, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED) == COUNTERS);
	return (volatile u32 *)COUNTERS;
}

USER_INLINE void raise(int sig)
{
	CHECK(!call2(U_KILL, call0(U_GETPID), sig));
}

USER static void handler_runs_and_returns(u32 arg)
{
	volatile u32 *count = counters();

	CHECK(!u_sigaction(SIGUSR1, user_address(count_signal), 0, 0));
	for (u32 i = 1; i <= 3; i++) {
		raise(SIGUSR1);
		CHECK(count[SIGUSR1] == i);
	}
	u_exit(arg);
}

USER static void one_shot_handler(u32 arg)
{
	(void)arg;
	counters();
	CHECK(!u_sigaction(SIGUSR1, user_address(count_signal), SA_RESETHAND, 0));
	raise(SIGUSR1);
	raise(SIGUSR1);
	u_exit(0);
}

USER static void blocked_signal_waits(u32 arg)
{
	volatile u32 *count = counters();

	(void)arg;
	CHECK(!u_sigaction(SIGUSR2, user_address(count_signal), 0, 0));
	u_sigmask(0, SIGMASK(SIGUSR2) | SIGMASK(SIGKILL));
	raise(SIGUSR2);
	raise(SIGUSR2);
	CHECK(count[SIGUSR2] == 0);
	u_sigmask(1, SIGMASK(SIGUSR2));
	CHECK(count[SIGUSR2] == 1); /* standard signals do not queue */
	u_exit(0);
}

/* While the handler runs, its own signal and those of sa_mask wait. */
USER static void raise_both(int sig)
{
	volatile u32 *count = (volatile u32 *)COUNTERS;

	(void)sig;
	if (++count[0] == 1) {
		raise(SIGUSR1);
		raise(SIGUSR2);
		CHECK(count[0] == 1 && !count[SIGUSR2]);
	}
}

USER static void handler_blocks(u32 arg)
{
	volatile u32 *count = counters();

	(void)arg;
	CHECK(!u_sigaction(SIGUSR1, user_address(raise_both), 0, SIGMASK(SIGUSR2)));
	CHECK(!u_sigaction(SIGUSR2, user_address(count_signal), 0, 0));
	raise(SIGUSR1);
	CHECK(count[0] == 2 && count[SIGUSR2] == 1);
	u_exit(0);
}

/* A forced signal that is blocked or ignored kills, whatever its handler. */
USER static void fault_while_blocked(u32 handler)
{
	counters();
	CHECK(!u_sigaction(SIGSEGV, handler ? handler : user_address(count_signal), 0, 0));
	if (!handler)
		u_sigmask(0, SIGMASK(SIGSEGV));
	asm volatile("movl $1, 8" : : : "memory");
	u_exit(0);
}

USER static void handler_in_nowhere(u32 arg)
{
	(void)arg;
	CHECK(!u_sigaction(SIGUSR1, 0x1000, 0, 0));
	raise(SIGUSR1);
	u_exit(0);
}

/* Its parent kills it with sig while it sleeps. */
USER static void kill_child(u32 sig)
{
	volatile int status = -1;
	int pid = call0(U_FORK);

	if (!pid)
		for (;;)
			u_sleep_ms(1000);
	u_sleep_ms(1);
	CHECK(!call2(U_KILL, pid, sig));
	CHECK(call3(U_WAITPID, pid, &status, 0) == pid);
	u_exit((u32)status);
}

/* Does the child's exit status arrive by SIGCHLD? */
USER static void see_child(int sig, u32 *info)
{
	volatile u32 *count = (volatile u32 *)COUNTERS;

	count[0] = info[SI_CODE];
	count[1] = info[3]; /* si_pid */
	count[2] = info[5]; /* si_status */
	count[3] = (u32)sig;
}

USER static void sigchld_tells(u32 arg)
{
	volatile u32 *count = counters();
	int pid;

	CHECK(!u_sigaction(SIGCHLD, user_address(see_child), SA_SIGINFO, 0));
	pid = call0(U_FORK);
	if (!pid)
		u_exit(arg);
	while (!count[3])
		call0(U_SCHED_YIELD);
	CHECK(count[0] == CLD_EXITED && count[1] == (u32)pid && count[2] == arg);
	CHECK(u_wait(pid) == (int)arg);
	u_exit(0);
}

USER static void ignored_children_reap_themselves(u32 arg)
{
	(void)arg;
	CHECK(!u_sigaction(SIGCHLD, SIG_IGN, 0, 0));
	if (!call0(U_FORK))
		u_exit(1);
	CHECK(call3(U_WAITPID, -1, 0, 0) == -ECHILD);
	u_exit(0);
}

/* One child takes 60 ms; another sends a signal after 20 ms. */
USER static void wait_interrupted(u32 flags)
{
	volatile u32 *count = counters();
	volatile int status = -1;
	int me = call0(U_GETPID), slow, got;

	CHECK(!u_sigaction(SIGUSR1, user_address(count_signal), flags, 0));
	slow = call0(U_FORK);
	if (!slow) {
		u_sleep_ms(60);
		u_exit(4);
	}
	if (!call0(U_FORK)) {
		u_sleep_ms(20);
		call2(U_KILL, me, SIGUSR1);
		u_exit(0);
	}
	got = call3(U_WAITPID, slow, &status, 0);
	CHECK(count[SIGUSR1] == 1);
	if (flags & SA_RESTART)
		CHECK(got == slow && status == EXITED(4));
	else
		CHECK(got == -EINTR);
	while (call3(U_WAITPID, -1, 0, 0) > 0)
		;
	u_exit(0);
}

USER static void suspend(u32 arg)
{
	volatile u32 *count = counters();
	volatile u64 none = 0;
	int me = call0(U_GETPID), pid;

	(void)arg;
	CHECK(!u_sigaction(SIGUSR1, user_address(count_signal), 0, 0));
	u_sigmask(0, SIGMASK(SIGUSR1));
	pid = call0(U_FORK);
	if (!pid) {
		call2(U_KILL, me, SIGUSR1);
		u_sleep_ms(20);
		u_exit((u32)call2(U_KILL, me, SIGUSR1));
	}
	CHECK(call2(U_SIGSUSPEND, &none, 8) == -EINTR);
	CHECK(count[SIGUSR1] == 1);
	CHECK(!u_wait(pid));
	CHECK(count[SIGUSR1] == 1); /* the mask is back */
	/* And is not brought back again by the next signal. */
	CHECK(!u_sigaction(SIGUSR2, user_address(count_signal), 0, 0));
	u_sigmask(2, 0);
	raise(SIGUSR2);
	CHECK(!call4(U_SIGPROCMASK, 0, 0, &none, 8) && !none);
	u_exit(0);
}

static const struct death s_returns = { handler_runs_and_returns, 6, EXITED(6) };
static const struct death s_one_shot = { one_shot_handler, 0, SIGUSR1 };
static const struct death s_waits = { blocked_signal_waits, 0, EXITED(0) };
static const struct death s_blocks = { handler_blocks, 0, EXITED(0) };
static const struct death s_blocked = { fault_while_blocked, 0, SIGSEGV };
static const struct death s_ignored = { fault_while_blocked, SIG_IGN, SIGSEGV };
static const struct death s_nowhere = { handler_in_nowhere, 0, SIGSEGV };
static const struct death s_term = { kill_child, SIGTERM, EXITED(SIGTERM) };
static const struct death s_child = { sigchld_tells, 77, EXITED(0) };
static const struct death s_reap = { ignored_children_reap_themselves, 0, EXITED(0) };
static const struct death s_eintr = { wait_interrupted, 0, EXITED(0) };
static const struct death s_restart = { wait_interrupted, SA_RESTART, EXITED(0) };
static const struct death s_suspend = { suspend, 0, EXITED(0) };

/* --- stacks ----------------------------------------------------------------------------------- */

#define ALTSTACK_BYTES 8192u

USER static void use_up_stack(void)
{
	asm volatile("1: pushl $0; jmp 1b" : : : "memory");
}

USER static void leave_from_altstack(int sig)
{
	u32 here = (u32)&sig;

	u_exit(here - COUNTERS < ALTSTACK_BYTES ? 21 : 22);
}

USER static void overflow_stack(u32 with_altstack)
{
	volatile u32 ss[3];

	if (with_altstack) {
		ss[0] = u_mmap(COUNTERS, ALTSTACK_BYTES, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
		ss[1] = 0;
		ss[2] = 1024;
		CHECK(call2(U_SIGALTSTACK, ss, 0) == -ENOMEM);
		ss[2] = ALTSTACK_BYTES;
		CHECK(!call2(U_SIGALTSTACK, ss, 0));
	}
	CHECK(!u_sigaction(SIGSEGV, user_address(leave_from_altstack), SA_ONSTACK, 0));
	use_up_stack();
	u_exit(0);
}

static const struct death t_alt = { overflow_stack, 1, EXITED(21) };
static const struct death t_none = { overflow_stack, 0, SIGSEGV };

/* --- what sigreturn lets through -------------------------------------------------------------- */

/* In COUNTERS: which word of the ucontext gets which value. */
USER static void spoil_context(int sig, u32 *info, u32 *uc)
{
	volatile u32 *order = (volatile u32 *)COUNTERS;

	(void)sig;
	(void)info;
	uc[order[0]] = order[1];
}

struct spoil {
	u32 word, value;
	int status; /* what becomes of the process */
};

/* arg: word << 16 | value; flags are given as bits to set, IF aside. Exits with GS, or DS. */
USER static void return_to(u32 arg)
{
	volatile u32 *order = counters();
	u32 gs, ds, flags, before;

	order[0] = arg >> 16;
	order[1] = arg & 0xffff;
	if (order[0] == UC_EIP)
		order[1] = PAGE_OFFSET + 0x100000;
	CHECK(!u_sigaction(SIGUSR1, user_address(spoil_context), SA_SIGINFO, 0));
	asm volatile("pushfl; popl %0" : "=r"(before));
	raise(SIGUSR1);
	asm volatile("movl %%gs, %0; movl %%ds, %1; pushfl; popl %2"
		     : "=r"(gs), "=r"(ds), "=r"(flags));
	CHECK(flags & X86_EFLAGS_IF);
	/* VM, NT, IOPL; a VMM may show an IOPL of its own (design, section 5). */
	CHECK((flags & 0x00027000) == (before & 0x00027000));
	u_exit(arg >> 16 == UC_DS ? ds : gs);
}

static void sigreturn_with(struct selftest_result *r, const void *arg)
{
	const struct spoil *s = arg;

	EXPECT_EQ(r, run_user(r, return_to, s->word << 16 | s->value), s->status);
}

#define BEYOND_GDT 0xfff3
static const struct spoil gs_beyond = { UC_GS, BEYOND_GDT, EXITED(0) };
static const struct spoil gs_kernel = { UC_GS, __KERNEL_DS, EXITED(0) };
static const struct spoil gs_good = { UC_GS, __USER_DS, EXITED(__USER_DS) };
static const struct spoil fs_tss = { UC_FS, __TSS_SEL, EXITED(0) };
static const struct spoil ds_beyond = { UC_DS, BEYOND_GDT, EXITED(0) };
static const struct spoil cs_null = { UC_CS, 0, SIGSEGV };
static const struct spoil cs_kernel = { UC_CS, __KERNEL_CS, SIGSEGV };
static const struct spoil cs_beyond = { UC_CS, BEYOND_GDT, SIGSEGV };
static const struct spoil ss_null = { UC_SS, 0, SIGSEGV };
static const struct spoil ss_code = { UC_SS, __USER_CS, SIGSEGV };
static const struct spoil ip_kernel = { UC_EIP, 0, SIGSEGV };
static const struct spoil flags_high = { UC_EFLAGS, 0x7000, EXITED(0) };

USER static void sigreturn_of_nothing(u32 nr)
{
	asm volatile("movl $16, %%esp; int $0x80" : : "a"(nr) : "memory");
	u_exit(0);
}

static const struct death no_frame = { sigreturn_of_nothing, 119, SIGSEGV };
static const struct death no_rt_frame = { sigreturn_of_nothing, 173, SIGSEGV };

const struct selftest signal_tests[] = {
	{ "divide_error_is_SIGFPE", ends_with, &d_divide },
	{ "int3_is_SIGTRAP", ends_with, &d_breakpoint },
	{ "into_is_SIGSEGV", ends_with, &d_overflow },
	{ "ud2_is_SIGILL", ends_with, &d_undefined },
	{ "x87_without_fpu_is_SIGFPE", ends_with, &d_x87 },
	{ "hlt_is_SIGSEGV", ends_with, &d_halt },
	{ "single_step_is_SIGTRAP", ends_with, &d_step },
	{ "bad_selector_is_SIGSEGV", ends_with, &d_selector },
	{ "null_pointer_is_SIGSEGV", ends_with, &d_null },
	{ "reading_the_kernel_is_SIGSEGV", ends_with, &d_kernel },
	{ "jumping_into_the_kernel_is_SIGSEGV", ends_with, &d_jump },
	{ "int_of_an_irq_gate_is_SIGSEGV", ends_with, &d_gate },
	{ "iret_with_nt_is_SIGSEGV", ends_with, &d_nested },
	{ "far_jump_into_the_kernel_is_SIGSEGV", ends_with, &d_far },
	{ "far_jump_to_the_tss_is_SIGSEGV", ends_with, &d_tss },
	{ "user_level_pager", ends_with, &h_pager },
	{ "user_level_write_barrier", ends_with, &h_barrier },
	{ "kernel_address_is_told_as_protected", ends_with, &h_kernel },
	{ "hole_of_the_kernel_is_told_as_protected", ends_with, &h_kernel_hole },
	{ "handler_runs_and_returns", ends_with, &s_returns },
	{ "SA_RESETHAND_is_for_once", ends_with, &s_one_shot },
	{ "blocked_signal_waits_once", ends_with, &s_waits },
	{ "handler_blocks_itself_and_sa_mask", ends_with, &s_blocks },
	{ "fault_kills_though_blocked", ends_with, &s_blocked },
	{ "fault_kills_though_ignored", ends_with, &s_ignored },
	{ "handler_in_nowhere_is_SIGSEGV", ends_with, &s_nowhere },
	{ "SIGTERM_ends_a_sleeping_process", ends_with, &s_term },
	{ "SIGCHLD_tells_pid_and_status", ends_with, &s_child },
	{ "ignored_SIGCHLD_leaves_no_zombie", ends_with, &s_reap },
	{ "wait_is_interrupted_by_a_handler", ends_with, &s_eintr },
	{ "wait_is_restarted_with_SA_RESTART", ends_with, &s_restart },
	{ "sigsuspend_restores_the_mask", ends_with, &s_suspend },
	{ "stack_overflow_is_handled_on_altstack", ends_with, &t_alt },
	{ "stack_overflow_without_altstack_kills", ends_with, &t_none },
	{ "sigreturn_gs_beyond_the_gdt_becomes_null", sigreturn_with, &gs_beyond },
	{ "sigreturn_gs_of_the_kernel_becomes_null", sigreturn_with, &gs_kernel },
	{ "sigreturn_gs_of_the_user_stays", sigreturn_with, &gs_good },
	{ "sigreturn_fs_of_the_tss_becomes_null", sigreturn_with, &fs_tss },
	{ "sigreturn_ds_beyond_the_gdt_becomes_null", sigreturn_with, &ds_beyond },
	{ "sigreturn_cs_null_is_SIGSEGV", sigreturn_with, &cs_null },
	{ "sigreturn_cs_of_the_kernel_is_SIGSEGV", sigreturn_with, &cs_kernel },
	{ "sigreturn_cs_beyond_the_gdt_is_SIGSEGV", sigreturn_with, &cs_beyond },
	{ "sigreturn_ss_null_is_SIGSEGV", sigreturn_with, &ss_null },
	{ "sigreturn_ss_of_code_is_SIGSEGV", sigreturn_with, &ss_code },
	{ "sigreturn_ip_of_the_kernel_is_SIGSEGV", sigreturn_with, &ip_kernel },
	{ "sigreturn_keeps_iopl_and_nt", sigreturn_with, &flags_high },
	{ "sigreturn_without_a_frame_is_SIGSEGV", ends_with, &no_frame },
	{ "rt_sigreturn_without_a_frame_is_SIGSEGV", ends_with, &no_rt_frame },
	{ NULL, NULL, NULL },
};
