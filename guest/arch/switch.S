/* SPDX-License-Identifier: MIT */
/*
 * From one kernel stack to another, and where new tasks begin.
 */
	.text

/*
 * void switch_stacks(u32 *save_sp, u32 load_sp): push what C expects to keep, change stacks, pop
 * that of the other task, which called it, too, or which copy_thread() made look so.
 */
	.globl switch_stacks
switch_stacks:
	movl 4(%esp), %eax
	movl 8(%esp), %edx
	pushl %ebp
	pushl %ebx
	pushl %esi
	pushl %edi
	movl %esp, (%eax)
	movl %edx, %esp
	popl %edi
	popl %esi
	popl %ebx
	popl %ebp
	ret

/* fork's child: its pt_regs are on top of the stack. */
	.globl ret_from_fork
ret_from_fork:
	call schedule_tail
	jmp return_to_user

/* A kernel thread: EBX its function, ESI the argument, an empty pt_regs on top of the stack. */
	.globl ret_from_kernel_thread
ret_from_kernel_thread:
	call schedule_tail
	pushl %esi
	call *%ebx
	movl %eax, (%esp)
	call kernel_thread_returned	/* comes back only if there is a program to go on with */
	addl $4, %esp
	jmp return_to_user

	.section .note.GNU-stack, "", @progbits
