/* SPDX-License-Identifier: MIT */
/*
 * Everything that may lead out of a deprivileged guest: far transfers, crafted frames, descriptor
 * tables, the monitor's port and its slots of the GDT, interrupts of every vector, instructions of
 * other modes. Each attack runs at ring 0, at ring 3, or both, with paging on, and ends by an
 * exception or by INT DONE; a line on the serial port tells vector, error code, EIP (from the
 * attack's start) and EAX. Whoever runs it has to print the same as engine soft does.
 *
 * Command line stop=N: the attack that has to stop the machine, instead (see stops).
 */
#include "tiny.h"

#define SEL_CS3 0x1b
#define SEL_DS3 0x23
#define SEL_TSS 0x28
#define SEL_LDT 0x30
#define SEL_CALL 0x38	/* call gate, DPL 3, to ring 0 */
#define SEL_TASK 0x40	/* task gate, DPL 3 */
#define SEL_LONG 0x48	/* code, L set */
#define SEL_LONG3 0x50	/* the same, DPL 3 */
#define SEL_CALL_LONG 0x58 /* call gate to SEL_LONG */
#define SEL_WRAP 0x60	/* data, base 0xffff0000, limit 4 GiB, DPL 3 */
#define SEL_TSS2 0x68	/* available TSS */
#define SEL_RING1 0x70	/* code, DPL 1 */
#define SEL_CALL64 0x78 /* the upper half of what 64-bit mode takes for a call gate follows */
#define SEL_NEVER 0x88	/* data, DPL 3, that no register ever holds */
#define SEL_STACK16 0x90 /* data of 16 bits */
#define SEL_STACK16_3 0x98 /* the same, DPL 3 */
#define LDT_LONG 0x0c
#define LDT_CALL 0x17
#define LDT_DATA 0x1f

/* Where the monitor of engine kvm has its own. */
#define SEL_MON_CS 0xffc0
#define SEL_MON_TSS 0xffd0
#define PORT_MONITOR 0xe0

#define DONE 0xf0
#define LARGE_PAGE 0x87 /* present, writable, user, 4 MiB */

/* clang-format off */
	.macro ENTRY base, limit, access, flags
	.word \limit & 0xffff, \base & 0xffff
	.byte \base >> 16 & 0xff, \access, (\limit >> 16 & 0xf) | \flags << 4, \base >> 24 & 0xff
	.endm

	/* A gate whose offset is filled in by gates_fix: where it lies is noted. */
	.macro CALLGATE selector
	.word 0, \selector
	.byte 0, 0xec
	.word 0
	.endm

	.macro ATTACK name, rings
	.section .rodata
9:	.asciz "\name"
	.previous
	.pushsection .data
	.long 8f, 9b, \rings
	.popsection
8:
	.endm

	.macro OK
	int $DONE
	.endm

	.text
	.globl tiny_main
tiny_main:
	movl 16(%ebx), %esi
	movl %esi, command_line
	call tables_build
	call stop_if_asked
	/* each attack at each of its rings */
	movl $attacks, %ebp
1:	movl 8(%ebp), %eax
	testb $1, %al
	jz 2f
	xorl %ecx, %ecx
	call attack_run
2:	movl 8(%ebp), %eax
	testb $2, %al
	jz 3f
	movl $3, %ecx
	call attack_run
3:	addl $12, %ebp
	cmpl $attacks_end, %ebp
	jb 1b
	call all_vectors
	xorl %eax, %eax
	EXIT

/* INT of every vector, but DONE, at both rings. */
all_vectors:
	movl $vector_attack, %ebp
	xorl %ebx, %ebx
1:	movb %bl, vector_code + 1
	cmpb $DONE, %bl
	je 2f
	pushl %ebx
	xorl %ecx, %ecx
	call attack_run
	movl $3, %ecx
	call attack_run
	popl %ebx
2:	incl %ebx
	cmpl $256, %ebx
	jb 1b
	ret

/* --- one attack: EBP is its row, ECX the ring ------------------------------------------------- */

attack_run:
	pushl %ebp
	pushl %ecx
	movl %esp, kernel_esp
	movl (%ebp), %edx
	movl %edx, attack_start
	xorl %ebx, %ebx
	xorl %esi, %esi
	xorl %edi, %edi
	testl %ecx, %ecx
	jnz 1f
	movl $attack_stack, %esp
	xorl %eax, %eax
	jmp *%edx
1:	pushl $SEL_DS3
	pushl $attack_stack
	pushl $0x2
	pushl $SEL_CS3
	pushl %edx
	movl $SEL_DS3, %eax
	movl %eax, %ds
	movl %eax, %es
	xorl %eax, %eax
	iret

/* Every vector comes here, its number pushed; back to the caller of attack_run. */
caught:
	pushl %eax
	movl $TINY_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	popl got_eax
	popl %ebx			/* vector */
	xorl %ecx, %ecx			/* error code */
	movl $0x00027d00, %eax		/* vectors that have one */
	cmpl $32, %ebx
	jae 1f
	btl %ebx, %eax
	jnc 1f
	/* INT pushes none; where ring 3 may not name the gate it is a #GP, which does */
	cmpl $vector_code, attack_start
	jne 3f
	movl kernel_esp, %edx
	cmpl $0, (%edx)			/* the ring */
	je 1f
3:	popl %ecx
1:	popl %edx			/* EIP */
	movl $TINY_DS, %eax
	movl %eax, %ss
	movl kernel_esp, %esp
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movl %eax, %dr7
	movl $0xffff0ff0, %eax
	movl %eax, %dr6
	movl $0x10, %eax
	movl %eax, %cr4
	lgdt gdt_pointer
	ljmp $TINY_CS, $2f
2:	xorl %eax, %eax
	lldt %ax
	pushl $2
	popfl
	cld
	popl %edi			/* ring */
	popl %ebp
	subl attack_start, %edx
	/* name, ring, vector, error, EIP, EAX */
	movl 4(%ebp), %esi
	call print_text
	movl %edi, %eax
	call print_hex
	movl %ebx, %eax
	call print_hex
	movl %ecx, %eax
	call print_hex
	movl %edx, %eax
	call print_hex
	movl got_eax, %eax
	call print_hex
	movb $'\n', %al
	jmp print_char

print_text:
	lodsb
	testb %al, %al
	jz print_space
	call print_char
	jmp print_text
print_space:
	movb $' ', %al
print_char:
	pushl %edx
	movw $PORT_UART, %dx
	outb %al, %dx
	popl %edx
	ret

print_hex:
	pushl %ecx
	pushl %ebx
	movl %eax, %ebx
	movl $8, %ecx
1:	roll $4, %ebx
	movl %ebx, %eax
	andb $15, %al
	cmpb $10, %al
	jb 2f
	addb $('a' - '0' - 10), %al
2:	addb $'0', %al
	call print_char
	loop 1b
	call print_space
	popl %ebx
	popl %ecx
	ret

/* --- what has to stop the machine ------------------------------------------------------------- */

stop_if_asked:
	movl command_line, %esi
1:	lodsb
	testb %al, %al
	jz 2f
	cmpb $'=', %al
	jne 1b
	cmpl $0x706f7473, -5(%esi)	/* "stop" */
	jne 1b
	movzbl (%esi), %eax
	jmp *stops - '0' * 4(, %eax, 4)
2:	ret

stop_iret_nt:
	movw $SEL_TSS2, tss		/* a task to go back to, which is busy */
	movb $0x8b, gdt + SEL_TSS2 + 5
	pushl $0x4002
	popfl
	iret
stop_task_gate:
	lcall $SEL_TASK, $0
stop_task_gate_jmp:
	ljmp $SEL_TASK, $0
stop_tss:
	ljmp $SEL_TSS2, $0
stop_vm86:
	pushl $0
	pushl $0
	pushl $0
	pushl $0
	pushl $0
	pushl $0
	pushl $0x20002
	pushl $0
	pushl $0
	iret
stop_idt_task_gate:
	movl $0x00002800, tiny_idt + 0x81 * 8
	movl $SEL_TSS2 << 16, tiny_idt + 0x81 * 8
	movl $0xe500, tiny_idt + 0x81 * 8 + 4
	int $0x81
stop_ring1:
	pushl $SEL_DS3
	pushl $attack_stack
	pushl $2
	pushl $SEL_RING1 + 1
	pushl $land
	iret
stop_ring2:
	movb $0xda, gdt + SEL_RING1 + 5
	movb $0xd2, gdt + SEL_WRAP + 5
	pushl $SEL_WRAP + 2
	pushl $attack_stack
	pushl $2
	pushl $SEL_RING1 + 2
	pushl $land
	iret
stop_real_mode:
	movl %cr0, %eax
	andl $~1, %eax
	movl $0x10, %eax
	movl %eax, %cr0

	.section .rodata
	.balign 4
stops:	.long stop_iret_nt, stop_task_gate, stop_task_gate_jmp, stop_tss, stop_vm86
	.long stop_idt_task_gate, stop_real_mode, stop_ring1, stop_ring2
	.text

/* --- tables ----------------------------------------------------------------------------------- */

tables_build:
	/*
	 * the GDT into 64 KiB of its own, with the guest's own segments where the monitor has its
	 */
	movl $gdt_image, %esi
	movl $gdt, %edi
	movl $gdt_image_end - gdt_image, %ecx
	rep movsb
	movl $top_image, %esi
	movl $gdt + SEL_MON_CS, %edi
	movl $top_image_end - top_image, %ecx
	rep movsb
	movl $SEL_TSS / 8 * 8 + gdt, %edi
	movl $tss, %eax
	call base_set
	movl $SEL_TSS2 / 8 * 8 + gdt, %edi
	call base_set
	movl $SEL_LDT + gdt, %edi
	movl $ldt, %eax
	call base_set
	movl $SEL_CALL + gdt, %edi
	call offset_set
	movl $SEL_CALL_LONG + gdt, %edi
	call offset_set
	movl $SEL_CALL64 + gdt, %edi
	call offset_set
	movl $ldt + 0x10, %edi
	call offset_set
	lgdt gdt_pointer
	movl $land_stack, tss + 4
	movl $TINY_DS, tss + 8
	movl $SEL_TSS, %eax
	ltr %ax
	/* gates to stubs; ring 3 may name DONE alone */
	xorl %ecx, %ecx
	movl $vectors, %edx
1:	movl %ecx, %eax
	pushl %edx
	call tiny_gate
	popl %edx
	addl $16, %edx
	incl %ecx
	cmpl $256, %ecx
	jb 1b
	movb $0xee, tiny_idt + DONE * 8 + 5
	/* the lower 2 GiB one to one, and for all */
	movl $directory, %edi
	movl $LARGE_PAGE, %eax
	movl $512, %ecx
2:	stosl
	addl $0x400000, %eax
	loop 2b
	movl $0x10, %eax
	movl %eax, %cr4
	movl $directory, %eax
	movl %eax, %cr3
	movl %cr0, %eax
	orl $0x80010004, %eax		/* EM: x87 is #NM */
	movl %eax, %cr0
	ret

base_set:
	movw %ax, 2(%edi)
	movl %eax, %edx
	shrl $16, %edx
	movb %dl, 4(%edi)
	movb %dh, 7(%edi)
	ret

offset_set:
	movl $land, %edx
	movw %dx, (%edi)
	shrl $16, %edx
	movw %dx, 6(%edi)
	ret

	.balign 16
vectors:
	.set vector, 0
	.rept 256
	.balign 16
	pushl $vector
	jmp caught
	.set vector, vector + 1
	.endr

/* Where transfers lead. In 64-bit mode 0x48 is a prefix; elsewhere it is DEC EAX. */
land:
	.byte 0x48, 0x90
	OK

/* --- the attacks ------------------------------------------------------------------------------ */

	.pushsection .data
	.balign 4
attacks:
	.popsection

#include "attack_rows.S"

	.pushsection .data
attacks_end:
vector_attack:
	.long vector_code, vector_name, 3
	.popsection
	.section .rodata
vector_name:
	.asciz "INT"

	.data
	.balign 16
vector_code:
	int $0
	OK
gdt_image:
	.quad 0
	.quad 0x00cf9a000000ffff	/* TINY_CS */
	.quad 0x00cf92000000ffff	/* TINY_DS */
	.quad 0x00cffa000000ffff	/* SEL_CS3 */
	.quad 0x00cff2000000ffff	/* SEL_DS3 */
	ENTRY 0, 0x67, 0x89, 0		/* SEL_TSS */
	ENTRY 0, 0x1f, 0x82, 0		/* SEL_LDT */
	CALLGATE TINY_CS		/* SEL_CALL */
	.quad 0x0000e50000680000	/* SEL_TASK, to SEL_TSS2 */
	.quad 0x00af9a000000ffff	/* SEL_LONG */
	.quad 0x00affa000000ffff	/* SEL_LONG3 */
	CALLGATE SEL_LONG		/* SEL_CALL_LONG */
	ENTRY 0xffff0000, 0xfffff, 0xf2, 0xc /* SEL_WRAP */
	ENTRY 0, 0x67, 0x89, 0		/* SEL_TSS2 */
	.quad 0x00cfba000000ffff	/* SEL_RING1 */
	CALLGATE SEL_LONG		/* SEL_CALL64 */
	.quad 0x0000000000000080	/* its upper half: bits 63:32 of RIP, the monitor's */
	.quad 0x00cff2000000ffff	/* SEL_NEVER */
	ENTRY 0, 0xffff, 0x92, 0	/* SEL_STACK16 */
	ENTRY 0, 0xffff, 0xf2, 0	/* SEL_STACK16_3 */
gdt_image_end:
top_image:
	.quad 0x00cf9a000000ffff	/* SEL_MON_CS */
	.quad 0
	.quad 0x00cf92000000ffff	/* SEL_MON_TSS */
top_image_end:
ldt:	.quad 0
	.quad 0x00af9a000000ffff	/* LDT_LONG */
	CALLGATE SEL_LONG		/* LDT_CALL */
	.quad 0x00cff2000000ffff	/* LDT_DATA */
gdt_pointer:
	.word gdt_image_end - gdt_image - 1
	.long gdt
gdt_large:
	.word 0xffff
	.long gdt

	.bss
	.balign 4096
directory:
	.skip 4096
gdt:	.skip 65536
tss:	.skip 4096
fresh:	.skip 8192
scratch:
	.skip 8
command_line:
	.skip 4
attack_start:
	.skip 4
kernel_esp:
	.skip 4
got_eax:
	.skip 4
	.balign 4096
	.skip 4096
land_stack:
	.skip 4096
attack_stack:
	.skip 64

	.section .note.GNU-stack, "", @progbits
