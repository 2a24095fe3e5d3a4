/* SPDX-License-Identifier: MIT */
/*
 * What C cannot say: a system call with its arguments in registers, and functions that return
 * twice.
 */
#include <sys/syscall.h>

	.text
/* long raw_syscall(long number, ...): six words are read whether they were given or not. */
	.globl raw_syscall
	.type raw_syscall, @function
raw_syscall:
	pushl %ebx
	pushl %esi
	pushl %edi
	pushl %ebp
	movl 20(%esp), %eax
	movl 24(%esp), %ebx
	movl 28(%esp), %ecx
	movl 32(%esp), %edx
	movl 36(%esp), %esi
	movl 40(%esp), %edi
	movl 44(%esp), %ebp
	int $0x80
	popl %ebp
	popl %edi
	popl %esi
	popl %ebx
	ret
	.size raw_syscall, . - raw_syscall

/* pid_t vfork(void): the child runs on this stack, and would overwrite the return address. */
	.globl vfork
	.type vfork, @function
vfork:
	popl %edx
	movl $SYS_vfork, %eax
	int $0x80
	pushl %edx
	pushl %eax
	call syscall_result
	addl $4, %esp
	ret
	.size vfork, . - vfork

/* int sigsetjmp(sigjmp_buf env, int save) */
	.globl sigsetjmp
	.type sigsetjmp, @function
sigsetjmp:
	movl 4(%esp), %eax
	movl %ebx, (%eax)
	movl %esi, 4(%eax)
	movl %edi, 8(%eax)
	movl %ebp, 12(%eax)
	leal 4(%esp), %ecx
	movl %ecx, 16(%eax)
	movl (%esp), %ecx
	movl %ecx, 20(%eax)
	movl 8(%esp), %ecx
	movl %ecx, 24(%eax)
	pushl %eax
	call sigsetjmp_mask /* 0 */
	addl $4, %esp
	ret
	.size sigsetjmp, . - sigsetjmp

/* void jump_to(const uint32_t regs[6], int value) */
	.globl jump_to
	.type jump_to, @function
jump_to:
	movl 4(%esp), %edx
	movl 8(%esp), %eax
	movl (%edx), %ebx
	movl 4(%edx), %esi
	movl 8(%edx), %edi
	movl 12(%edx), %ebp
	movl 16(%edx), %esp
	jmp *20(%edx)
	.size jump_to, . - jump_to

/* Where handlers return to: the kernel takes the frame from the stack. */
	.globl restore_rt
	.type restore_rt, @function
restore_rt:
	movl $SYS_rt_sigreturn, %eax
	int $0x80
	.size restore_rt, . - restore_rt
	.globl restore
	.type restore, @function
restore:
	popl %eax /* the signal's number */
	movl $SYS_sigreturn, %eax
	int $0x80
	.size restore, . - restore

	.section .note.GNU-stack, "", @progbits
