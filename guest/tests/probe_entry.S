/* SPDX-License-Identifier: MIT */
/*
 * The assembly of probes: save the kernel's context, run the code, and come back either by return
 * or, from inside a trap handler, by probe_unwind(), which drops everything above probe_sp.
 */
#include <arch/processor.h>
#include <arch/segment.h>

/* struct user_state */
#define US_IP 0
#define US_SP 4
#define US_AX 8
#define US_DX 12
#define US_SS 16

/* struct tss_struct */
#define TSS_SP0 4

#define SAVED_BYTES 20

	.macro SAVE_CONTEXT
	pushfl
	pushl %ebp
	pushl %ebx
	pushl %esi
	pushl %edi
	movl %esp, probe_sp
	.endm

	.text
	.globl probe_call
probe_call:
	SAVE_CONTEXT
	pushl SAVED_BYTES + 8(%esp)
	call *(SAVED_BYTES + 8)(%esp)
	/* falls through */

	.globl probe_unwind
probe_unwind:
	movl probe_sp, %esp
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	popl %edi
	popl %esi
	popl %ebx
	popl %ebp
	cld
	popfl
	ret

	.globl probe_iret
probe_iret:
	SAVE_CONTEXT
	movl SAVED_BYTES + 4(%esp), %ebx
	movl %esp, init_tss + TSS_SP0	/* traps of the probe must not touch our frames */
	movl US_SS(%ebx), %eax
	testl %eax, %eax
	jnz 1f
	movl $__USER_DS, %eax
1:	pushl %eax
	pushl US_SP(%ebx)
	pushl $(X86_EFLAGS_IF | X86_EFLAGS_FIXED)
	pushl $__USER_CS
	pushl US_IP(%ebx)
	movl US_AX(%ebx), %eax
	movl US_DX(%ebx), %edx
	xorl %ebx, %ebx
	xorl %ecx, %ecx
	xorl %esi, %esi
	xorl %edi, %edi
	xorl %ebp, %ebp
	iret

	.bss
	.balign 4
	.globl probe_sp
probe_sp:
	.skip 4

	.section .note.GNU-stack, "", @progbits
