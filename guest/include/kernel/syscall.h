/* SPDX-License-Identifier: MIT */
/*
 * System calls: Linux's numbers and arguments on i386 (EAX; EBX, ECX, EDX, ESI, EDI, EBP), -errno
 * in EAX. The table is in kernel/syscall_table.c, a row a call; functions stand where their subject
 * is.
 */
#ifndef KERNEL_SYSCALL_H
#define KERNEL_SYSCALL_H

#include <arch/ptrace.h>
#include <lib/types.h>

#define NR_SYSCALLS 512

struct syscall_args {
	u32 a[6];
	struct pt_regs *regs;
};

struct syscall {
	const char *name;
	int32_t (*fn)(const struct syscall_args *args);
};

extern const struct syscall syscall_table[NR_SYSCALLS];
/* How often each number that has no row was called; the last counts all above. */
extern u32 unknown_syscalls[NR_SYSCALLS + 1];

struct show_buf;
/* Lines "number count", for /proc and show=syscalls. */
void show_unknown_syscalls(struct show_buf *b);
/* What show= asks for at the end of the machine. */
void at_machine_exit(void);

/* The head of a system call's function; its row in the table declares it again. */
#define SYSCALL_FN(name)                                                                           \
	int32_t sys_##name(const struct syscall_args *args);                                       \
	int32_t sys_##name(const struct syscall_args *args)

/* uname(2)'s release: new enough for the libcs of today, whose static programs look at it. */
#define UTS_SYSNAME "Linux"
#define UTS_RELEASE "6.1.0-shadowbox-" GUEST_VERSION
#define UTS_VERSION "#1"
#define UTS_MACHINE "i686"

/* getrusage(2)'s struct at a user address. 0 or -EFAULT. */
struct rusage_ticks;
int rusage_to_user(u32 to, const struct rusage_ticks *usage);

/* sigaltstack(2): 0, -EPERM (it is in use), -EINVAL, -ENOMEM (too small). */
int set_altstack(u32 sp, u32 flags, u32 size);

#endif
