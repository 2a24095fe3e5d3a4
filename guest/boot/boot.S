/* SPDX-License-Identifier: MIT */
/*
 * Entry from the multiboot loader: protected mode, flat segments, paging off, EAX = magic,
 * EBX = physical address of the multiboot information, no stack, GDTR unknown.
 *
 * All code is linked at PAGE_OFFSET + 1 MiB and loaded at 1 MiB. Until the jump to the upper half,
 * jumps are relative and every address of data goes through PA().
 */
#include <arch/multiboot.h>
#include <arch/pgtable.h>
#include <arch/processor.h>
#include <drivers/debug_exit.h>

#define PA(x) ((x) - PAGE_OFFSET)

#define MULTIBOOT_FLAGS (MULTIBOOT_PAGE_ALIGN | MULTIBOOT_MEMORY_INFO)

#define UART_PORT 0x3f8
#define UART_LSR_OFFSET 5
#define UART_LSR_THRE 0x20

	.section .boot.header, "a"
	.balign 4
	.long MULTIBOOT_HEADER_MAGIC
	.long MULTIBOOT_FLAGS
	.long -(MULTIBOOT_HEADER_MAGIC + MULTIBOOT_FLAGS)

	.section .boot.text, "ax"
	.globl startup_32
startup_32:
	cli
	cld
	movl %eax, %ebp
	movl %ebx, %esi

	movl $1, %eax
	cpuid
	andl $(X86_FEATURE_PSE | X86_FEATURE_CMOV), %edx
	cmpl $(X86_FEATURE_PSE | X86_FEATURE_CMOV), %edx
	jne no_i686

	movl %cr4, %eax
	orl $X86_CR4_PSE, %eax
	movl %eax, %cr4
	movl $PA(swapper_pg_dir), %eax
	movl %eax, %cr3
	/*
	 * EM: nobody saves FPU state, so x87 shall raise #NM and SSE #UD. AM: as in Linux, a
	 * program may ask for #AC by EFLAGS.AC. CD and NW become 0.
	 */
	movl $(X86_CR0_PG | X86_CR0_AM | X86_CR0_WP | X86_CR0_NE | X86_CR0_ET | X86_CR0_EM | \
		X86_CR0_PE), %eax
	movl %eax, %cr0
	movl $upper_half, %eax
	jmp *%eax

upper_half:
	movl $0, swapper_pg_dir
	movl %cr3, %eax
	movl %eax, %cr3

	movl $__bss_start, %edi
	movl $_end, %ecx
	subl %edi, %ecx
	xorl %eax, %eax
	rep stosb

	movl $init_stack_top, %esp
	pushl %esi
	pushl %ebp
	xorl %ebp, %ebp			/* the stack trace ends here */
	call start_kernel
	ud2				/* it does not return; the address above is upper_half's */

/* Without 4 MiB pages there is no way up, and the compiler uses CMOV. Say so: no stack needed. */
no_i686:
	movl $PA(no_i686_message), %esi
1:	movl $(UART_PORT + UART_LSR_OFFSET), %edx
2:	inb %dx, %al
	testb $UART_LSR_THRE, %al
	jz 2b
	lodsb
	testb %al, %al
	jz 3f
	movl $UART_PORT, %edx
	outb %al, %dx
	jmp 1b
3:	movl $100, %eax
	outl %eax, $DEBUG_EXIT_PORT
4:	cli
	hlt
	jmp 4b

	.section .rodata
no_i686_message:
	.asciz "panic: this CPU lacks PSE (4 MiB pages) or CMOV, see CPUID.1:EDX\n"

/*
 * The boot page directory. Its lowest entry maps 4 MiB one to one for the few instructions between
 * setting CR0.PG and the jump; upper_half takes it out.
 */
#define BOOT_PDE (_PAGE_PRESENT | _PAGE_RW | _PAGE_PSE)
	.data
	.balign 4096
	.globl swapper_pg_dir
	.type swapper_pg_dir, @object
swapper_pg_dir:
	.long BOOT_PDE
	.fill (PAGE_OFFSET >> PGDIR_SHIFT) - 1, 4, 0
	.set frame, 0
	.rept MAXMEM >> PGDIR_SHIFT
	.long frame | BOOT_PDE | _PAGE_GLOBAL | _PAGE_ACCESSED | _PAGE_DIRTY
	.set frame, frame + (1 << PGDIR_SHIFT)
	.endr
	.fill VMALLOC_RESERVE >> PGDIR_SHIFT, 4, 0
	.size swapper_pg_dir, . - swapper_pg_dir

	.bss
	.balign THREAD_SIZE
	.globl init_stack, init_stack_top
init_stack:
	.skip THREAD_SIZE
init_stack_top:

	.section .note.GNU-stack, "", @progbits
