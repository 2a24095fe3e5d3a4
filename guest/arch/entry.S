/* SPDX-License-Identifier: MIT */
/*
 * The ways into the kernel and out again.
 *
 * Every entry builds a struct pt_regs on the kernel stack. A stub pushes what the CPU does not: an
 * exception without an error code gets a 0 in its place, and all push their vector into the slot
 * that will hold GS. Exceptions leave -1 in orig_ax: they are not system calls.
 *
 * The stubs are STUB_SIZE bytes apart, so that trap_init() can compute their addresses.
 */
#include <arch/extable.h>
#include <arch/irq.h>
#include <arch/ptrace.h>
#include <arch/segment.h>
#include <arch/traps.h>

	/* The part of pt_regs below FS; FS and GS are the caller's work. */
	.macro SAVE_REGS
	pushl %es
	pushl %ds
	pushl %eax
	pushl %ebp
	pushl %edi
	pushl %esi
	pushl %edx
	pushl %ecx
	pushl %ebx
	cld
	.endm

	/*
	 * FS and GS become null: were they the user's, an exception in restore_all would
	 * save and restore the very selector that it is to mend.
	 */
	.macro LOAD_KERNEL_SEGMENTS
	movl $__USER_DS, %ecx
	movl %ecx, %ds
	movl %ecx, %es
	xorl %ecx, %ecx
	movl %ecx, %fs
	movl %ecx, %gs
	.endm

	.text

/* The exceptions with an error code: 8, 10..14, 17, 21 (Intel SDM vol. 3, table 6-1). */
#define ERROR_CODE_VECTORS ((1 << 8) | (0x1f << 10) | (1 << 17) | (1 << 21))

	.balign STUB_SIZE
	.globl exception_stubs
exception_stubs:
	.set vector, 0
	.rept NR_EXCEPTIONS
	.if !((ERROR_CODE_VECTORS >> vector) & 1)
	pushl $0
	.endif
	pushl $vector
	jmp exception_entry
	.balign STUB_SIZE
	.set vector, vector + 1
	.endr

	.globl irq_stubs
irq_stubs:
	.set irq, 0
	.rept NR_IRQS
	pushl $~irq
	jmp irq_entry
	.balign STUB_SIZE
	.set irq, irq + 1
	.endr

exception_entry:
	pushl %fs
	SAVE_REGS
	movl PT_GS(%esp), %eax		/* vector */
	movl PT_ORIG_AX(%esp), %edx	/* error code */
	movl $-1, PT_ORIG_AX(%esp)
	movw %gs, PT_GS(%esp)
	LOAD_KERNEL_SEGMENTS
	movl %esp, %ecx
	pushl %eax
	pushl %edx
	pushl %ecx
	call do_trap
	addl $12, %esp
	jmp return_from_kernel

/*
 * An IRET to user mode faulted: its frame is what is left on the stack. Like an exception of the
 * user.
 */
iret_fault:
	pushl $0
	pushl $TRAP_IRET
	jmp exception_entry

irq_entry:
	pushl %gs
	pushl %fs
	SAVE_REGS
	LOAD_KERNEL_SEGMENTS
	pushl %esp
	call do_IRQ
	addl $4, %esp
	jmp return_from_kernel

	.globl system_call
system_call:
	pushl %eax
	pushl %gs
	pushl %fs
	SAVE_REGS
	LOAD_KERNEL_SEGMENTS
	pushl %esp
	call do_syscall
	addl $4, %esp

return_from_kernel:
	movl PT_CS(%esp), %eax
	notl %eax
	testb $3, %al			/* user_mode() */
	jnz restore_all

/* Interrupts stay off from the last look at the work until IRET. */
	.globl return_to_user
return_to_user:
	cli
	movl current_task, %eax
	cmpl $0, (%eax)			/* task_struct.work */
	jne work_pending

/*
 * The saved selectors are the user's; a descriptor they name may be gone by now. Such a selector
 * becomes null, and the load is tried again.
 */
restore_all:
	popl %ebx
	popl %ecx
	popl %edx
	popl %esi
	popl %edi
	popl %ebp
	popl %eax
1:	popl %ds
2:	popl %es
3:	popl %fs
4:	popl %gs
	addl $4, %esp			/* orig_ax */
9:	iret

work_pending:
	pushl %esp
	call do_pending_work
	addl $4, %esp
	jmp return_to_user

5:	movl $0, (%esp)
	jmp 1b
6:	movl $0, (%esp)
	jmp 2b
7:	movl $0, (%esp)
	jmp 3b
8:	movl $0, (%esp)
	jmp 4b

	_ASM_EXTABLE(1b, 5b)
	_ASM_EXTABLE(2b, 6b)
	_ASM_EXTABLE(3b, 7b)
	_ASM_EXTABLE(4b, 8b)
	_ASM_EXTABLE(9b, iret_fault)

/*
 * void panic(const char *fmt, ...): a pt_regs of the caller, then do_panic(regs, fmt, args). On
 * i386 a va_list is the address of the next argument on the stack.
 */
	.globl panic, arch_panic
panic:
arch_panic:				/* its name in mm/arch.h */
	pushfl
	pushl %cs
	pushl 8(%esp)			/* the return address, as EIP */
	pushl $-1
	pushl %gs
	pushl %fs
	SAVE_REGS
	movl %esp, %eax
	leal PT_SP + 8(%esp), %ecx	/* past the return address and fmt */
	pushl %ecx
	pushl PT_SP + 8(%esp)		/* fmt: one push further away */
	pushl %eax
	call do_panic

	.section .note.GNU-stack, "", @progbits
