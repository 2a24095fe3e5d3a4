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
#define US_CS 20
#define US_DS 24
#define US_BY 28

/* struct tss_struct */
#define TSS_SP0 4

#define SAVED_BYTES 20

#define LRET_BYTES 8 /* PROBE_LRET_BYTES */

	.macro SAVE_CONTEXT
	pushfl
	pushl %ebp
	pushl %ebx
	pushl %esi
	pushl %edi
	movl %esp, probe_sp
	.endm

	/* A field of the state at EBX, or the usual value if it is 0. */
	.macro DEFAULT field, usual, register
	movl \field(%ebx), \register
	testl \register, \register
	jnz 1f
	movl \usual, \register
1:
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
	DEFAULT US_SS, $__USER_DS, %eax
	DEFAULT US_CS, $__USER_CS, %ecx
	DEFAULT US_DS, $__USER_DS, %edx
	pushl %eax
	pushl US_SP(%ebx)
	cmpl $0, US_BY(%ebx)
	jne enter_by_lret

	pushl $(X86_EFLAGS_IF | X86_EFLAGS_FIXED)
	pushl %ecx
	pushl US_IP(%ebx)
	call load_user_registers
	.globl probe_iret_insn
probe_iret_insn:
	iret

enter_by_lret:
	subl $LRET_BYTES, %esp
	pushl %ecx
	pushl US_IP(%ebx)
	call load_user_registers
	.globl probe_lret_insn
probe_lret_insn:
	lret $LRET_BYTES

/* EBX: the state; EDX: DS. */
load_user_registers:
	movl US_AX(%ebx), %eax
	pushl US_DX(%ebx)
	movl %edx, %ds
	popl %edx
	xorl %ebx, %ebx
	xorl %ecx, %ecx
	xorl %esi, %esi
	xorl %edi, %edi
	xorl %ebp, %ebp
	ret

	.bss
	.balign 4
	.globl probe_sp
probe_sp:
	.skip 4

	.section .note.GNU-stack, "", @progbits
