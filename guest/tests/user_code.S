/* SPDX-License-Identifier: MIT */
/*
 * What probes run at ring 3: see user_code.h. The block is copied to USER_CODE_PAGE, so it must be
 * position-independent and fit in one page.
 */
#include "probe.h"
#include "user_code.h"
#include <arch/processor.h>
#include <arch/segment.h>

	.macro ROUTINE name
	.globl \name
\name:
	.endm

	.macro EXIT
	movl $PROBE_EXIT, %eax
	int $0x80
	.endm

	/* A routine of one instruction that must not get through. */
	.macro PRIVILEGED name, insn:vararg
	ROUTINE \name
	\insn
	EXIT
	.endm

	.section .rodata
	.globl user_code_start, user_code_end
user_code_start:

ROUTINE user_exit
	EXIT

ROUTINE user_read
	movl (%eax), %ebx
	EXIT

ROUTINE user_write
	movl %edx, (%eax)
	EXIT

ROUTINE user_fetch
	jmp *%eax

ROUTINE user_syscall
	movl $1, %ecx
	movl $2, %esi
	movl $3, %edi
	movl $4, %ebp
	int $0x80
	movl %eax, %ebx
	EXIT

ROUTINE user_int3
	int3
	movl $1, %ebx
	EXIT

ROUTINE user_int_irq_gate
	int $0x20
	EXIT

ROUTINE user_popf
	pushl $0
	popfl
	pushfl
	popl %ebx
	EXIT

ROUTINE user_load_ds
	movl %eax, %ds
	EXIT

ROUTINE user_spin
	cmpl (%eax), %edx
	je user_spin
	EXIT

ROUTINE user_call_far
	pushl %edx
	pushl %eax
	movl %esp, %ebp
	pushl $USER_PARAM1
	pushl $USER_PARAM0
	lcall *(%ebp)
ROUTINE user_call_far_return
	movl %esp, %ebx
	movl %ss, %ecx
	EXIT

ROUTINE user_jump_far
	pushl %edx
	pushl %eax
	ljmp *(%esp)

ROUTINE user_far_procedure
	movl %cs, %esi
	lret

ROUTINE user_lret
	pushl %edx
	pushl %eax
	lret

ROUTINE user_iret
	pushl $X86_EFLAGS_FIXED
	pushl %edx
	pushl %eax
	iret

ROUTINE user_see_flags
	pushfl
	popl %ebx
	EXIT

ROUTINE user_see_segments
	movl %ds, %ebx
	movl %es, %ecx
	EXIT

ROUTINE user_int_gate
	int $USER_INT_GATE
ROUTINE user_int_gate_return
	EXIT

ROUTINE user_outb_inb
	outb %al, %dx
	xorl %eax, %eax
	inb %dx, %al
	movl %eax, %ebx
	EXIT

ROUTINE user_inb
	inb %dx, %al
	EXIT

ROUTINE user_outb
	outb %al, %dx
	EXIT

ROUTINE user_inw
	inw %dx, %ax
	EXIT

ROUTINE user_inl
	inl %dx, %eax
	EXIT

ROUTINE user_rep_insb
	movl %eax, %edi
	movl $4, %ecx
	cld
	rep insb
	EXIT

ROUTINE user_rep_outsb
	movl %eax, %esi
	movl $4, %ecx
	cld
	rep outsb
	EXIT

ROUTINE user_lar
	movl $USER_UNTOUCHED, %ebx
	lar %eax, %ebx
	jmp 1f

ROUTINE user_lsl
	movl $USER_UNTOUCHED, %ebx
	lsl %eax, %ebx
	jmp 1f

ROUTINE user_verr
	verr %ax
	jmp 1f

ROUTINE user_verw
	verw %ax

1:	setz %cl
	EXIT

PRIVILEGED user_cli, cli
PRIVILEGED user_sti, sti
PRIVILEGED user_hlt, hlt
PRIVILEGED user_in, inb $0x80, %al
PRIVILEGED user_out, outb %al, $0x80
PRIVILEGED user_read_cr0, movl %cr0, %eax
PRIVILEGED user_write_cr3, movl %eax, %cr3
PRIVILEGED user_clts, clts
PRIVILEGED user_lgdt, lgdt (%esp)
PRIVILEGED user_lidt, lidt (%esp)
PRIVILEGED user_lldt, lldt %ax
PRIVILEGED user_ltr, ltr %ax
PRIVILEGED user_lmsw, lmsw %ax
PRIVILEGED user_invlpg, invlpg (%esp)
PRIVILEGED user_rdmsr, rdmsr
PRIVILEGED user_wbinvd, wbinvd
user_code_end:

	.section .note.GNU-stack, "", @progbits
