/* SPDX-License-Identifier: MIT */
/*
 * The attacks of hostile_attack.S, which includes this: each a row by ATTACK, and its code. At the
 * start EAX, EBX, ESI and EDI are 0, and ECX is the ring. 1 is ring 0, 2 is ring 3, 3 both.
 */
ATTACK "far jump to a 64-bit segment", 3
	ljmp $SEL_LONG, $land
ATTACK "far jump to a 64-bit segment of ring 3", 3
	ljmp $SEL_LONG3 + 3, $land
ATTACK "far call to a 64-bit segment", 3
	lcall $SEL_LONG, $land
ATTACK "far jump to the monitor's code", 3
	ljmp $SEL_MON_CS, $land
ATTACK "far call to the monitor's code, RPL 3", 3
	lcall $SEL_MON_CS + 3, $land
ATTACK "far jump to the monitor's TSS", 3
	ljmp $SEL_MON_TSS, $land
ATTACK "far jump to ring 0", 3
	ljmp $TINY_CS, $land
ATTACK "call gate", 3
	lcall $SEL_CALL, $0
ATTACK "call gate by a jump", 3
	ljmp $SEL_CALL, $0
ATTACK "call gate to a 64-bit segment", 3
	lcall $SEL_CALL_LONG, $0
ATTACK "call gate of 64-bit mode", 3
	lcall $SEL_CALL64, $0
ATTACK "far return to the monitor's code", 3
	pushl $SEL_MON_CS
	pushl $land
	lret
ATTACK "far return to a 64-bit segment", 3
	pushl $SEL_LONG
	pushl $land
	lret
ATTACK "far return to a 64-bit segment of ring 3", 3
	pushl $SEL_DS3
	pushl $attack_stack
	pushl $SEL_LONG3 + 3
	pushl $land
	lret
ATTACK "IRET to the monitor's code", 3
	pushl $2
	pushl $SEL_MON_CS
	pushl $land
	iret
ATTACK "IRET to the monitor's code, RPL 3", 3
	pushl $SEL_DS3
	pushl $attack_stack
	pushl $2
	pushl $SEL_MON_CS + 3
	pushl $land
	iret
ATTACK "IRET to a 64-bit segment of ring 3", 3
	pushl $SEL_DS3
	pushl $attack_stack
	pushl $2
	pushl $SEL_LONG3 + 3
	pushl $land
	iret
ATTACK "IRET to no segment", 3
	pushl $2
	pushl $0
	pushl $land
	iret
ATTACK "IRET to an LDT that is not there", 3
	pushl $2
	pushl $SEL_MON_CS + 4
	pushl $land
	iret
ATTACK "IRET with RF", 3
	pushl $0x10002
	pushl %cs
	pushl $land
	iret
ATTACK "IRET with TF", 3
	pushl $0x102
	pushl %cs
	pushl $land
	iret
ATTACK "IRET to ring 3 with the monitor's stack", 1
	pushl $SEL_MON_TSS + 3
	pushl $attack_stack
	pushl $2
	pushl $SEL_CS3
	pushl $land
	iret
ATTACK "IRET to ring 3 with the kernel's stack", 1
	pushl $TINY_DS
	pushl $attack_stack
	pushl $2
	pushl $SEL_CS3
	pushl $land
	iret
ATTACK "IRET beyond the limit of 4 GiB", 1
	pushl $2
	pushl $TINY_CS
	pushl $0xffffffff
	iret
ATTACK "the monitor's code in DS", 3
	movl $SEL_MON_CS, %eax
	movl %eax, %ds
	OK
ATTACK "the monitor's TSS in SS", 3
	movl $SEL_MON_TSS, %eax
	movl %eax, %ss
	OK
ATTACK "the guest's own code in the monitor's slot", 1
	lgdt gdt_large
	ljmp $SEL_MON_CS, $land
ATTACK "the guest's own data in the monitor's slot", 1
	lgdt gdt_large
	movl $SEL_MON_TSS, %eax
	movl %eax, %ds
	movl %ds:gdt_image + 16, %eax
	OK
ATTACK "64-bit code of the LDT", 1
	movl $SEL_LDT, %eax
	lldt %ax
	ljmp $LDT_LONG, $land
ATTACK "a call gate of the LDT", 1
	movl $SEL_LDT, %eax
	lldt %ax
	lcall $LDT_CALL, $0
ATTACK "data of the LDT", 1
	movl $SEL_LDT, %eax
	lldt %ax
	movl $LDT_DATA, %eax
	movl %eax, %fs
	movl %fs:gdt_image + 16, %eax
	OK
ATTACK "data of the LDT that changes", 1
	movl $SEL_LDT, %eax
	lldt %ax
	movl $LDT_DATA, %eax
	movl %eax, %fs
	movb $0, ldt + 0x18 + 5
	movl %eax, %gs
	OK
ATTACK "data of the LDT that is gone", 1
	movb $0xf2, ldt + 0x18 + 5
	movl $SEL_LDT, %eax
	lldt %ax
	movl $LDT_DATA, %eax
	movl %eax, %fs
	xorl %ebx, %ebx
	lldt %bx
	movl %eax, %gs
	OK
ATTACK "the monitor as an LDT", 3
	movl $SEL_MON_TSS, %eax
	lldt %ax
	OK
ATTACK "the monitor's TSS in TR", 3
	movl $SEL_MON_TSS, %eax
	ltr %ax
	OK
ATTACK "OUT to the monitor's port", 3
	outb %al, $PORT_MONITOR
	OK
ATTACK "OUT of a word to the monitor's port", 3
	movw $PORT_MONITOR, %dx
	outw %ax, %dx
	OK
ATTACK "OUTS to the monitor's port", 3
	movw $PORT_MONITOR, %dx
	movl $land, %esi
	movl $3, %ecx
	rep outsb
	OK
ATTACK "a read across 4 GiB", 3
	movl 0xfffffffe, %eax
	OK
ATTACK "a write across 4 GiB", 3
	movl %eax, 0xfffffffd
	OK
ATTACK "a segment that wraps", 3
	movl $SEL_WRAP + 3, %eax
	movl %eax, %gs
	movl %gs:gdt_image + 0x10000 + 16, %eax
	OK
ATTACK "an access that wraps in its middle", 3
	movl $SEL_WRAP + 3, %eax
	movl %eax, %gs
	movl %gs:0xfffe, %eax
	OK
ATTACK "MOVS that wraps", 3
	movl $land, %esi
	movl $0xfffffffe, %edi
	movl $8, %ecx
	rep movsb
	OK
ATTACK "a jump to the last byte", 3
	movl $0xffffffff, %eax
	jmp *%eax
ATTACK "ESP of a stack of 16 bits behind what traps", 1
	movl $SEL_STACK16, %eax
	movl %eax, %ss
	movl $0x12345678, %esp
	movl %cr0, %eax
	movl %esp, %eax
	OK
ATTACK "ESP of a stack of 16 bits behind a page of no use before", 1
	movl $SEL_STACK16, %eax
	movl %eax, %ss
	movl $0x12345678, %esp
	movl fresh, %eax
	movl %esp, %eax
	OK
ATTACK "ESP of a stack of 16 bits at ring 3", 2
	movl $SEL_STACK16_3 + 3, %eax
	movl %eax, %ss
	movl $0x12345678, %esp
	movl fresh + 4096, %eax
	movl %esp, %eax
	OK
ATTACK "SYSENTER", 3
	.byte 0x0f, 0x34
	OK
ATTACK "SYSEXIT", 3
	.byte 0x0f, 0x35
	OK
ATTACK "SYSCALL", 3
	.byte 0x0f, 0x05
	OK
ATTACK "SYSRET", 3
	.byte 0x0f, 0x07
	OK
ATTACK "RSM", 3
	.byte 0x0f, 0xaa
	OK
ATTACK "VMRUN", 3
	.byte 0x0f, 0x01, 0xd8
	OK
ATTACK "CLGI", 3
	.byte 0x0f, 0x01, 0xdd
	OK
ATTACK "INVLPGA", 3
	.byte 0x0f, 0x01, 0xdf
	OK
ATTACK "XSETBV", 3
	.byte 0x0f, 0x01, 0xd1
	OK
ATTACK "SWAPGS", 3
	.byte 0x0f, 0x01, 0xf8
	OK
ATTACK "RDMSR of EFER", 3
	movl $0xc0000080, %ecx
	rdmsr
	OK
ATTACK "WRMSR of EFER", 3
	movl $0xc0000080, %ecx
	movl $1, %eax
	xorl %edx, %edx
	wrmsr
	OK
ATTACK "WRMSR of SYSENTER_CS", 3
	movl $0x174, %ecx
	movl $8, %eax
	xorl %edx, %edx
	wrmsr
	OK
ATTACK "WRMSR of LSTAR", 3
	movl $0xc0000082, %ecx
	wrmsr
	OK
ATTACK "CR4.PAE", 3
	movl $0x30, %eax
	movl %eax, %cr4
	OK
ATTACK "CR4.UMIP", 3
	movl $0x810, %eax
	movl %eax, %cr4
	OK
ATTACK "CR8", 3
	.byte 0x44, 0x0f, 0x20, 0xc0
	OK
ATTACK "MOV from CR0", 3
	movl %cr0, %eax
	OK
ATTACK "an instruction breakpoint", 1
	movl $land, %eax
	movl %eax, %dr0
	movl $1, %eax
	movl %eax, %dr7
	jmp land
ATTACK "a data breakpoint at the end of memory", 1
	movl $0xffffffff, %eax
	movl %eax, %dr0
	movl $0x000f0001, %eax
	movl %eax, %dr7
	movl 0xfffffffe, %eax
	OK
ATTACK "MOV to DR7", 2
	movl %eax, %dr7
	OK
ATTACK "SGDT", 3
	sgdt scratch
	movl scratch + 2, %eax
	OK
ATTACK "SIDT", 3
	sidt scratch
	movl scratch, %eax
	OK
ATTACK "SLDT", 3
	sldt %eax
	OK
ATTACK "STR", 3
	str %eax
	OK
ATTACK "SMSW", 3
	smsw %eax
	OK
ATTACK "CPUID 0", 3
	cpuid
	OK
ATTACK "CPUID 1", 3
	movl $1, %eax
	cpuid
	xorl %edx, %eax
	xorl %ecx, %eax
	OK
ATTACK "CPUID 0x80000001", 3
	movl $0x80000001, %eax
	cpuid
	xorl %edx, %eax
	OK
ATTACK "CPUID 0x40000000", 3
	movl $0x40000000, %eax
	cpuid
	xorl %ebx, %eax
	OK
ATTACK "x87", 3
	fninit
	OK
ATTACK "SSE", 3
	.byte 0x0f, 0x28, 0xc1
	OK

/*
 * What a deprivileged guest can see of it: the lines that differ on purpose (vmm/engine/README.md).
 */
ATTACK "visible: IOPL of PUSHF", 3
	pushfl
	popl %eax
	andl $0x3000, %eax
	OK
ATTACK "visible: IOPL of PUSHF into a descriptor table", 1
	movl $gdt + 0x800, %esp
	pushfl
	popl %eax
	andl $0x3000, %eax
	movl $attack_stack, %esp
	OK
ATTACK "visible: POPF changes IOPL", 1
	pushl $0x3002
	popfl
	pushfl
	popl %eax
	andl $0x3000, %eax
	OK
ATTACK "visible: CS that a far CALL pushes", 1
	lcall $TINY_CS, $1f
1:	popl %eax
	popl %eax
	OK
ATTACK "visible: MOV from SS", 1
	movl %ss, %eax
	OK
ATTACK "visible: LAR of the running code", 1
	movl $TINY_CS, %ecx
	lar %ecx, %eax
	OK
ATTACK "visible: LSL of a TSS", 1
	movl $SEL_TSS, %ecx
	lsl %ecx, %eax
	OK
ATTACK "visible: VERR of a segment not loaded yet", 1
	movl $SEL_NEVER, %ecx
	xorl %eax, %eax
	verr %cx
	setz %al
	OK
ATTACK "visible: VERW of a segment not loaded yet", 1
	movl $SEL_NEVER, %ecx
	xorl %eax, %eax
	verw %cx
	setz %al
	OK
ATTACK "visible: VMMCALL", 3
	.byte 0x0f, 0x01, 0xd9
	OK
