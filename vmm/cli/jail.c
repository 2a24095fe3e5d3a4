// SPDX-License-Identifier: MIT
#include "cli/jail.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/kvm.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/types.h"

/*
 * More descriptors than vmm ever has. Not fewer: poll(2) refuses a list longer than this limit.
 */
#define DESCRIPTORS_MAX 64

/* A call that is allowed; with a mask, only when (argument `arg` & mask) == value. */
struct jail_rule {
	int nr;
	unsigned arg;
	uint64_t mask; /* 0: whatever the arguments */
	uint64_t value;
};

#define ANY(name)                                                                                  \
	{                                                                                          \
		SCMP_SYS(name), 0, 0, 0                                                            \
	}
#define WHEN(name, arg, mask, value)                                                               \
	{                                                                                          \
		SCMP_SYS(name), arg, mask, value                                                   \
	}
#define WORD UINT32_MAX /* the whole of an argument that the kernel takes as 32 bits */

static const struct jail_rule rules[] = {
	ANY(read),				       /* the guest's console input */
	ANY(write),				       /* its output, messages, reports */
	ANY(writev),				       /* last words of libc */
	ANY(poll),				       /* is there console input */
	ANY(ppoll),				       /* the same with a time limit */
	WHEN(ioctl, 1, WORD, TCGETS),		       /* is it a terminal, and its modes */
	WHEN(ioctl, 1, WORD, TCSETS),		       /* raw mode, and back */
	WHEN(ioctl, 1, WORD, TCSETSW),		       /* the same, output first */
	WHEN(ioctl, 1, WORD, TIOCGPGRP),	       /* is it ours, or are we stopped */
	ANY(pread64),				       /* the symbol file, at a post-mortem */
	ANY(lseek),				       /* stdio */
	ANY(fstat),				       /* size of the symbol file */
	WHEN(newfstatat, 3, WORD, AT_EMPTY_PATH),      /* fstat as glibc spells it */
	ANY(close),				       /* cleaning up */
	ANY(sysinfo),				       /* glibc's qsort sizes its buffer by it */
	ANY(brk),				       /* malloc */
	WHEN(mmap, 2, PROT_EXEC, 0),		       /* malloc; nothing becomes executable */
	ANY(munmap),				       /* malloc, cleaning up */
	WHEN(mremap, 3, ~(uint64_t)MREMAP_MAYMOVE, 0), /* realloc */
	ANY(madvise),				       /* malloc */
	ANY(clock_gettime),			       /* where the vdso has no clock */
	ANY(gettimeofday),			       /* the same */
	ANY(time),				       /* the same */
	ANY(clock_nanosleep),			       /* a halted guest waits for real time */
	ANY(alarm),				       /* the time limit of the report */
	ANY(rt_sigreturn),			       /* out of a signal handler */
	ANY(rt_sigaction),			       /* abort(), and dying by a signal */
	ANY(rt_sigprocmask),			       /* the same */
	ANY(restart_syscall),			       /* a sleep goes on after SIGSTOP, SIGCONT */
	ANY(getpid),				       /* raise() */
	ANY(gettid),				       /* raise() */
	ANY(futex),				       /* locks inside libc */
	ANY(exit_group),			       /* the end */
};

/*
 * What engine kvm does from its first KVM_RUN to its end (engine/kvm.c, engine/kvm_state.c). Making
 * VMs, vCPUs and devices is not among it.
 */
static const struct jail_rule kvm_rules[] = {
	WHEN(ioctl, 1, WORD, KVM_RUN),			  /* run the guest */
	WHEN(ioctl, 1, WORD, KVM_INTERRUPT),		  /* an interrupt of the PIC */
	WHEN(ioctl, 1, WORD, KVM_GET_REGS),		  /* state, without KVM_CAP_SYNC_REGS */
	WHEN(ioctl, 1, WORD, KVM_SET_REGS),		  /* set state: scripts, snapshots */
	WHEN(ioctl, 1, WORD, KVM_GET_SREGS),		  /* state; CR2 of an injected #PF */
	WHEN(ioctl, 1, WORD, KVM_SET_SREGS),		  /* the same */
	WHEN(ioctl, 1, WORD, KVM_GET_VCPU_EVENTS),	  /* state: interrupt shadows */
	WHEN(ioctl, 1, WORD, KVM_SET_VCPU_EVENTS),	  /* the same; inject an exception */
	WHEN(ioctl, 1, WORD, KVM_GET_DEBUGREGS),	  /* state: DR0 to DR7 */
	WHEN(ioctl, 1, WORD, KVM_SET_DEBUGREGS),	  /* the same */
	WHEN(ioctl, 1, WORD, KVM_GET_MSRS),		  /* state: the TSC */
	WHEN(ioctl, 1, WORD, KVM_SET_MSRS),		  /* the same */
	WHEN(ioctl, 1, WORD, KVM_SET_USER_MEMORY_REGION), /* drop stale translations */
	ANY(timer_settime),				  /* bring the vCPU back at a deadline */
	ANY(timer_delete),				  /* cleaning up */
};

/* Calls that a library can do without: they fail instead, and nobody dies. */
static const struct jail_rule refused_rules[] = {
	ANY(readlink), /* libdw: the path of a file, to look for others beside it */
};

/* AddressSanitizer reads its mappings and symbols for a report, and looks after stacks. */
static const struct jail_rule sanitizer_rules[] = {
	WHEN(openat, 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY),
	WHEN(open, 1, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY),
	ANY(stat),
	ANY(newfstatat),
	ANY(fcntl), /* which descriptors a report can go to */
	ANY(sigaltstack),
	ANY(sched_yield),
	ANY(getrlimit),
	ANY(prlimit64),
	WHEN(mprotect, 2, PROT_EXEC, 0),
};

static int rules_add(scmp_filter_ctx ctx, uint32_t action, const struct jail_rule *rule,
		     size_t count)
{
	int r = 0;

	for (size_t i = 0; i < count && !r; i++) {
		struct scmp_arg_cmp cmp = {
			.arg = rule[i].arg,
			.op = SCMP_CMP_MASKED_EQ,
			.datum_a = rule[i].mask,
			.datum_b = rule[i].value,
		};

		r = seccomp_rule_add_array(ctx, action, rule[i].nr, rule[i].mask ? 1 : 0, &cmp);
	}
	return r;
}

/* Signals to this process alone: raise() and abort(). */
static int rule_add_self(scmp_filter_ctx ctx)
{
	const struct jail_rule rule = WHEN(tgkill, 0, WORD, (uint64_t)getpid());

	return rules_add(ctx, SCMP_ACT_ALLOW, &rule, 1);
}

static int filter_load(enum jail_kind kind)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_TRAP);
	int r;

	if (!ctx)
		return -ENOMEM;
	/* Other call numbers of the same machine (i386, x32) are not worth a message. */
	r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (!r)
		r = rules_add(ctx, SCMP_ACT_ALLOW, rules, ARRAY_SIZE(rules));
	if (!r && kind == JAIL_KVM)
		r = rules_add(ctx, SCMP_ACT_ALLOW, kvm_rules, ARRAY_SIZE(kvm_rules));
	/* The filter is run at every KVM_RUN: ask for that call first. */
	if (!r && kind == JAIL_KVM)
		r = seccomp_syscall_priority(ctx, SCMP_SYS(ioctl), UINT8_MAX);
	if (!r)
		r = rules_add(ctx, SCMP_ACT_ERRNO(ENOENT), refused_rules,
			      ARRAY_SIZE(refused_rules));
	if (!r && JAIL_SANITIZED)
		r = rules_add(ctx, SCMP_ACT_ALLOW, sanitizer_rules, ARRAY_SIZE(sanitizer_rules));
	if (!r)
		r = rule_add_self(ctx);
	if (!r)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r;
}

/* Straight to the kernel: libcap would be a library for one call. */
static int capabilities_drop(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

static int descriptors_bound(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	if (limit.rlim_max > DESCRIPTORS_MAX)
		limit.rlim_max = DESCRIPTORS_MAX;
	if (limit.rlim_cur > limit.rlim_max)
		limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : 0;
}

int jail_enter(enum jail_kind kind, struct diag *d)
{
	int r = descriptors_bound();

	if (!r)
		r = capabilities_drop();
	if (r)
		return diag_set(d, -r, "jail: cannot give up privileges: %s", strerror(-r));
	r = filter_load(kind);
	if (r)
		return diag_set(d, -r,
				"jail: cannot load the system call filter: %s; use a kernel "
				"with CONFIG_SECCOMP_FILTER, and a container that allows seccomp",
				strerror(-r));
	return 0;
}

const char *jail_call_name(int nr)
{
	static const struct {
		int nr;
		const char *name;
	} names[] = {
		{ SYS_open, "open" },	  { SYS_openat, "openat" }, { SYS_socket, "socket" },
		{ SYS_execve, "execve" }, { SYS_clone, "clone" },   { SYS_clone3, "clone3" },
		{ SYS_fork, "fork" },	  { SYS_mmap, "mmap" },	    { SYS_mprotect, "mprotect" },
		{ SYS_ioctl, "ioctl" },	  { SYS_kill, "kill" },	    { SYS_ptrace, "ptrace" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].nr == nr)
			return names[i].name;
	return NULL;
}
