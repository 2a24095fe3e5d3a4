/* SPDX-License-Identifier: MIT */
/*
 * System calls: Linux's numbers and arguments on i386 (EAX; EBX, ECX, EDX, ESI, EDI, EBP), -errno in
 * EAX. The table is in kernel/syscall_table.c, a row a call; functions stand where their subject is.
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

/* sys_*.c declare theirs by this list: X(number, name). */
#define SYSCALL_FN(name) int32_t sys_##name(const struct syscall_args *args)

#endif
