/* SPDX-License-Identifier: MIT */
/*
 * Entry, descriptor tables and accesses of the guests that try out paging (paging_guest.h).
 *
 * An access is a C function that returns in one of two ways: the access was done, or an exception
 * was raised; both store what happened in `probe` and leave through probe_leave.
 */

#define KERNEL_CS 0x08
#define KERNEL_DS 0x10
#define USER_CS 0x1b
#define USER_DS 0x23
#define TSS_SEL 0x28

#define DONE_GATE 0x80
#define VECTORS 32

	.section .multiboot, "a"
	.balign 4
	.long 0x1badb002, 0x3, -(0x1badb002 + 0x3)

	.text
	.globl paging_entry
paging_entry:
	cli
	cld
	movl $boot_stack_top, %esp
	movl %ebx, multiboot_info
	lgdt gdt_pointer
	ljmp $KERNEL_CS, $1f
1:	movl $KERNEL_DS, %eax
	movl %eax, %ss
	/* Flat user data also serves ring 0, so that IRET to ring 3 does not null it. */
	movl $USER_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movl $tss, %eax
	movw %ax, gdt_tss + 2
	shrl $16, %eax
	movb %al, gdt_tss + 4
	movb %ah, gdt_tss + 7
	movl $trap_stack_top, tss + 4
	movl $KERNEL_DS, tss + 8
	movl $TSS_SEL, %eax
	ltr %ax
	call idt_build
	lidt idt_pointer
	call paging_main
1:	hlt
	jmp 1b

/* 32-bit interrupt gates for all exceptions, and one that ring 3 may use. */
idt_build:
	movl $idt, %edi
	movl $vector_stubs, %eax
	movl $VECTORS, %ecx
1:	movw $0x8e00, %dx
	call idt_gate
	addl $8, %edi
	addl $16, %eax
	loop 1b
	movl $idt + DONE_GATE * 8, %edi
	movl $user_done, %eax
	movw $0xee00, %dx
idt_gate:
	movw %ax, (%edi)
	movw $KERNEL_CS, 2(%edi)
	movw %dx, 4(%edi)
	movl %eax, %ebx
	shrl $16, %ebx
	movw %bx, 6(%edi)
	ret

/* One stub of 16 bytes for each vector; those without an error code push a zero. */
	.balign 16
vector_stubs:
	.set vector, 0
	.rept VECTORS
	.balign 16
	.if !((vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17))
	pushl $0
	.endif
	pushl $vector
	jmp exception
	.set vector, vector + 1
	.endr

exception:
	popl probe_vector
	popl probe_error
	popl probe_eip
	movl %cr2, %eax
	movl %eax, probe_cr2
	jmp probe_leave

/* int DONE_GATE from ring 3: the access is done, EAX is what was read. */
user_done:
	movl %eax, probe_value
probe_leave:
	movl probe_esp, %esp
	testl %esp, %esp
	jz paging_broken
	movl $0, probe_esp
	popl %ebp
	popl %edi
	popl %esi
	popl %ebx
	ret

/* Keep what C wants kept, and the stack to come back to. */
.macro probe_enter
	pushl %ebx
	pushl %esi
	pushl %edi
	pushl %ebp
	movl 20(%esp), %ecx		/* address */
	movl 24(%esp), %eax		/* value to write, or to compare with */
	movl 28(%esp), %edx		/* what CMPXCHG stores */
	movl %esp, probe_esp
.endm

	.globl super_read, super_write, super_fetch
super_read:
	probe_enter
	movl (%ecx), %eax
	movl %eax, probe_value
	jmp probe_leave
super_write:
	probe_enter
	movl %eax, (%ecx)
	jmp probe_leave
super_fetch:
	probe_enter
	call *%ecx			/* a RET is there; EAX is what code before it leaves */
	movl %eax, probe_value
	jmp probe_leave

	.globl super_xchg, super_cmpxchg, super_bts
super_xchg:
	probe_enter
	xchgl %eax, (%ecx)
	movl %eax, probe_value
	jmp probe_leave
super_cmpxchg:
	probe_enter
	lock cmpxchgl %edx, (%ecx)
	movl %eax, probe_value
	jmp probe_leave
super_bts:
	probe_enter
	lock btsl %eax, (%ecx)
	jmp probe_leave

.macro user_access name, target
	.globl \name
\name:
	probe_enter
	pushl $USER_DS
	pushl $0			/* nothing in ring 3 uses its stack */
	pushl $0x2
	pushl $USER_CS
	pushl $\target
	iretl
.endm
	user_access user_read, ring3_read
	user_access user_write, ring3_write
	user_access user_fetch, ring3_fetch
	user_access user_xchg, ring3_xchg
	user_access user_cmpxchg, ring3_cmpxchg
	user_access user_bts, ring3_bts
	user_access user_push, ring3_push

	.section .user, "ax"
ring3_read:
	movl (%ecx), %eax
	int $DONE_GATE
ring3_write:
	movl %eax, (%ecx)
	int $DONE_GATE
ring3_fetch:
	jmp *%ecx			/* an int DONE_GATE is there */
ring3_xchg:
	xchgl %eax, (%ecx)
	int $DONE_GATE
ring3_cmpxchg:
	lock cmpxchgl %edx, (%ecx)
	int $DONE_GATE
ring3_bts:
	lock btsl %eax, (%ecx)
	int $DONE_GATE
ring3_push:
	leal 4(%ecx), %esp
	pushl %eax
	int $DONE_GATE
	.data
	.balign 8
gdt:	.quad 0
	.quad 0x00cf9a000000ffff	/* KERNEL_CS */
	.quad 0x00cf92000000ffff	/* KERNEL_DS */
	.quad 0x00cffa000000ffff	/* USER_CS */
	.quad 0x00cff2000000ffff	/* USER_DS */
gdt_tss:
	.quad 0x0000890000000067	/* TSS_SEL; its base is filled in at the start */
gdt_pointer:
	.word gdt_pointer - gdt - 1
	.long gdt
	.balign 4
idt_pointer:
	.word (DONE_GATE + 1) * 8 - 1
	.long idt

	.bss
	.balign 16
idt:	.skip (DONE_GATE + 1) * 8
tss:	.skip 104
	.balign 4
	.globl multiboot_info
multiboot_info:	.skip 4
	.globl probe_vector, probe_error, probe_cr2, probe_value, probe_eip
probe_vector:	.skip 4
probe_error:	.skip 4
probe_cr2:	.skip 4
probe_value:	.skip 4
probe_eip:	.skip 4
probe_esp:	.skip 4
	.balign 16
	.skip 4096
boot_stack_top:
	.skip 1024
trap_stack_top:

	.section .note.GNU-stack, "", @progbits
