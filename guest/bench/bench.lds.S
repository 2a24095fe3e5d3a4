/* SPDX-License-Identifier: MIT */
/* A bench image: linked and loaded at 1 MiB, multiboot header first. */
#include <arch/page.h>

OUTPUT_FORMAT(elf32-i386)
OUTPUT_ARCH(i386)
ENTRY(startup_32)

PHDRS
{
	text PT_LOAD FLAGS(5);
	data PT_LOAD FLAGS(6);
}

SECTIONS
{
	. = PHYSICAL_START;
	.text : {
		KEEP(*(.boot.header))
		*(.text .text.* .rodata .rodata.*)
	} :text
	.note.gnu.build-id : { *(.note.gnu.build-id) } :text
	. = ALIGN(4096);
	.data : { *(.data .data.*) } :data
	.bss : { *(.bss .bss.* COMMON) } :data
	/DISCARD/ : { *(.comment) *(.note.GNU-stack) *(.eh_frame) *(.note.gnu.property) }
}
