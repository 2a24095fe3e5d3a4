// SPDX-License-Identifier: MIT
/*
 * Frames of signal handlers on the user's stack, laid out as Linux does on i386 (asm/sigframe.h,
 * uapi/asm/sigcontext.h), and the way back by sigreturn.
 *
 * There is no vDSO: a handler without SA_RESTORER returns into the frame's own retcode, which
 * executes as all readable pages do (no NX).
 */
#include <arch/processor.h>
#include <arch/segment.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <lib/string.h>

#include "mm/errno.h"

#define NR_SIGRETURN 119
#define NR_RT_SIGRETURN 173
#define SIGINFO_BYTES 128
#define FPSTATE_BYTES 624 /* 112 of FSAVE, 512 of FXSAVE: room that Linux leaves and never uses */

/* Flags that sigreturn takes from the frame: CF PF AF ZF SF TF DF OF RF AC. */
#define USER_FLAGS 0x00050dd5u
#define X86_EFLAGS_DF 0x00000400u

struct sigcontext {
	u32 gs, fs, es, ds; /* the upper halves are padding */
	u32 di, si, bp, sp, bx, dx, cx, ax;
	u32 trapno, err, ip, cs, flags, sp_at_signal, ss, fpstate, oldmask, cr2;
};

struct ucontext {
	u32 flags, link;
	u32 stack_sp, stack_flags, stack_size;
	struct sigcontext mcontext;
	u64 sigmask;
};

struct sigframe {
	u32 pretcode;
	int sig;
	struct sigcontext sc;
	u8 fpstate[FPSTATE_BYTES];
	u32 extramask;
	u8 retcode[8];
};

struct rt_sigframe {
	u32 pretcode;
	int sig;
	u32 pinfo, puc;
	u8 info[SIGINFO_BYTES];
	struct ucontext uc;
	u8 retcode[8];
};

_Static_assert(sizeof(struct sigcontext) == 88, "Linux's");
_Static_assert(offsetof(struct rt_sigframe, uc) == 16 + SIGINFO_BYTES, "Linux's");

/* popl %eax; movl $NR_SIGRETURN, %eax; int $0x80 */
static const u8 sigreturn_code[8] = { 0x58, 0xb8, NR_SIGRETURN, 0, 0, 0, 0xcd, 0x80 };
/* movl $NR_RT_SIGRETURN, %eax; int $0x80 */
static const u8 rt_sigreturn_code[8] = { 0xb8, NR_RT_SIGRETURN, 0, 0, 0, 0xcd, 0x80, 0 };

int copy_siginfo_to_user(u32 to, const struct siginfo *info)
{
	u32 words[SIGINFO_BYTES / 4] = { (u32)info->signo, 0, (u32)info->code };

	if (info->code == SI_USER || info->code == SI_TKILL) {
		words[3] = info->pid;
	} else if (info->signo == SIGCHLD) {
		words[3] = info->pid;
		words[5] = info->status; /* after si_uid; then si_utime, si_stime */
	} else {
		words[3] = info->addr;
	}
	return copy_to_user(to, words, sizeof(words)) ? -EFAULT : 0;
}

static struct sigcontext save_context(const struct pt_regs *regs, u64 oldmask)
{
	const struct signal_state *s = &current->signal;

	return (struct sigcontext){
		.gs = regs->gs & 0xffff,
		.fs = regs->fs & 0xffff,
		.es = regs->es & 0xffff,
		.ds = regs->ds & 0xffff,
		.di = regs->di,
		.si = regs->si,
		.bp = regs->bp,
		.sp = regs->sp,
		.bx = regs->bx,
		.dx = regs->dx,
		.cx = regs->cx,
		.ax = regs->ax,
		.trapno = s->trapno,
		.err = s->error,
		.ip = regs->ip,
		.cs = regs->cs & 0xffff,
		.flags = regs->flags,
		.sp_at_signal = regs->sp,
		.ss = regs->ss & 0xffff,
		.oldmask = (u32)oldmask,
		.cr2 = s->cr2,
	};
}

static bool on_altstack(u32 sp)
{
	const struct signal_state *s = &current->signal;

	return sp > s->altstack_sp && sp - s->altstack_sp <= s->altstack_size;
}

static u32 altstack_flags(u32 sp)
{
	if (!current->signal.altstack_size)
		return SS_DISABLE;
	return on_altstack(sp) ? SS_ONSTACK : 0;
}

/*
 * Where a frame of so many bytes goes: ESP + 4 is a multiple of 16 at the handler's first
 * instruction.
 */
static u32 frame_address(const struct pt_regs *regs, const struct k_sigaction *ka, u32 bytes)
{
	u32 sp = regs->sp;

	if ((ka->flags & SA_ONSTACK) && !altstack_flags(sp))
		sp = current->signal.altstack_sp + current->signal.altstack_size;
	else if ((regs->ss & 0xffff) != __USER_DS && !(ka->flags & SA_RESTORER) && ka->restorer)
		sp = ka->restorer; /* Linux's rule for 16-bit stacks, sa_restorer is the stack */
	return ((sp - bytes + 4) & ~15u) - 4;
}

static int setup_frame(u32 at, const struct pt_regs *regs, int sig, const struct k_sigaction *ka,
		       u64 oldmask)
{
	struct sigframe f = {
		.pretcode = ka->flags & SA_RESTORER ? ka->restorer
						    : at + offsetof(struct sigframe, retcode),
		.sig = sig,
		.sc = save_context(regs, oldmask),
		.extramask = (u32)(oldmask >> 32),
	};

	memcpy(f.retcode, sigreturn_code, sizeof(f.retcode));
	return copy_to_user(at, &f, sizeof(f)) ? -EFAULT : 0;
}

static int setup_rt_frame(u32 at, const struct pt_regs *regs, int sig, const struct k_sigaction *ka,
			  const struct siginfo *info, u64 oldmask)
{
	const u32 info_at = at + offsetof(struct rt_sigframe, info);
	struct rt_sigframe f = {
		.pretcode = ka->flags & SA_RESTORER ? ka->restorer :
						      at + offsetof(struct rt_sigframe, retcode),
		.sig = sig,
		.pinfo = info_at,
		.puc = at + offsetof(struct rt_sigframe, uc),
		.uc = {
			.stack_sp = current->signal.altstack_sp,
			.stack_flags = altstack_flags(regs->sp),
			.stack_size = current->signal.altstack_size,
			.mcontext = save_context(regs, oldmask),
			.sigmask = oldmask,
		},
	};

	memcpy(f.retcode, rt_sigreturn_code, sizeof(f.retcode));
	if (copy_to_user(at, &f, sizeof(f)))
		return -EFAULT;
	return copy_siginfo_to_user(info_at, info);
}

int setup_signal_frame(struct pt_regs *regs, int sig, const struct k_sigaction *ka,
		       const struct siginfo *info, u64 oldmask)
{
	bool rt = ka->flags & SA_SIGINFO;
	u32 at = frame_address(regs, ka, rt ? sizeof(struct rt_sigframe) : sizeof(struct sigframe));
	int err = rt ? setup_rt_frame(at, regs, sig, ka, info, oldmask)
		     : setup_frame(at, regs, sig, ka, oldmask);

	if (err)
		return err;
	/* A frame that leaves the alternate stack would overwrite what lies below it. */
	if (on_altstack(regs->sp) && !on_altstack(at))
		return -EFAULT;
	regs->sp = at;
	regs->ip = ka->handler;
	regs->ax = (u32)sig;
	regs->dx = rt ? at + offsetof(struct rt_sigframe, info) : 0;
	regs->cx = rt ? at + offsetof(struct rt_sigframe, uc) : 0;
	regs->ds = regs->es = regs->ss = __USER_DS;
	regs->cs = __USER_CS;
	regs->flags &= ~(X86_EFLAGS_DF | X86_EFLAGS_RF | X86_EFLAGS_TF);
	regs->orig_ax = UINT32_MAX; /* a system call that was interrupted has been seen to */
	return 0;
}

/*
 * RPL 3 in CS and SS, so that no selector reaches ring 0; what cannot be loaded becomes null, or
 * ends in a signal at IRET (entry.S).
 */
static void restore_context(struct pt_regs *regs, const struct sigcontext *sc)
{
	regs->gs = sc->gs & 0xffff;
	regs->fs = sc->fs & 0xffff;
	regs->es = sc->es & 0xffff;
	regs->ds = sc->ds & 0xffff;
	regs->di = sc->di;
	regs->si = sc->si;
	regs->bp = sc->bp;
	regs->sp = sc->sp;
	regs->bx = sc->bx;
	regs->dx = sc->dx;
	regs->cx = sc->cx;
	regs->ax = sc->ax;
	regs->ip = sc->ip;
	regs->cs = (sc->cs & 0xffff) | 3;
	regs->ss = (sc->ss & 0xffff) | 3;
	regs->flags = (regs->flags & ~USER_FLAGS) | (sc->flags & USER_FLAGS);
	regs->orig_ax = UINT32_MAX;
}

static int32_t bad_frame(void)
{
	force_signal(SIGSEGV, NULL);
	return 0;
}

SYSCALL_FN(sigreturn)
{
	struct pt_regs *regs = args->regs;
	struct sigframe f;

	/* RET has taken pretcode, and popl the signal's number. */
	if (copy_from_user(&f, regs->sp - 8, sizeof(f)))
		return bad_frame();
	set_blocked(f.sc.oldmask | (u64)f.extramask << 32);
	restore_context(regs, &f.sc);
	return (int32_t)regs->ax;
}

SYSCALL_FN(rt_sigreturn)
{
	struct pt_regs *regs = args->regs;
	struct ucontext uc;

	if (copy_from_user(&uc, regs->sp - 4 + offsetof(struct rt_sigframe, uc), sizeof(uc)))
		return bad_frame();
	set_blocked(uc.sigmask);
	restore_context(regs, &uc.mcontext);
	/*
	 * Linux restores the alternate stack by the rules of sigaltstack(2), whose errors go
	 * nowhere.
	 */
	set_altstack(uc.stack_sp, uc.stack_flags, uc.stack_size);
	return (int32_t)regs->ax;
}

int set_altstack(u32 sp, u32 flags, u32 size)
{
	struct signal_state *s = &current->signal;

	if (altstack_flags(task_pt_regs(current)->sp) == SS_ONSTACK)
		return -EPERM;
	if (flags & ~(SS_DISABLE | SS_ONSTACK) || flags == (SS_DISABLE | SS_ONSTACK))
		return -EINVAL;
	if (flags == SS_DISABLE)
		sp = size = 0;
	else if (size < MINSIGSTKSZ)
		return -ENOMEM;
	s->altstack_sp = sp;
	s->altstack_size = size;
	s->altstack_flags = flags;
	return 0;
}

SYSCALL_FN(sigaltstack)
{
	const struct signal_state *s = &current->signal;
	const u32 old[3] = { s->altstack_sp, altstack_flags(args->regs->sp), s->altstack_size };
	u32 new[3];
	int err = 0;

	if (args->a[0]) {
		if (copy_from_user(new, args->a[0], sizeof(new)))
			return -EFAULT;
		err = set_altstack(new[0], new[1], new[2]);
	}
	if (!err && args->a[1] && copy_to_user(args->a[1], old, sizeof(old)))
		return -EFAULT;
	return err;
}
