/* SPDX-License-Identifier: MIT */
/*
 * The kernel image: linked at PAGE_OFFSET + 1 MiB, loaded at 1 MiB. The entry point is a physical
 * address, as multiboot wants it. The multiboot header comes first: it must lie in the first 8 KiB
 * of the file.
 */
#include <arch/page.h>

OUTPUT_FORMAT(elf32-i386)
OUTPUT_ARCH(i386)
ENTRY(phys_startup_32)

PHDRS
{
	text PT_LOAD FLAGS(5);
	data PT_LOAD FLAGS(6);
	note PT_NOTE FLAGS(4);
	vmcoreinfo PT_NOTE FLAGS(6);
}

SECTIONS
{
	. = PAGE_OFFSET + PHYSICAL_START;
	phys_startup_32 = startup_32 - PAGE_OFFSET;

	.text : AT(ADDR(.text) - PAGE_OFFSET) {
		_text = .;
		KEEP(*(.boot.header))
		*(.boot.text)
		*(.text .text.*)
		__start_user_tests = .;
		KEEP(*(user_tests))
		__stop_user_tests = .;
		. += 1; /* kallsyms has one name for an address, and wants _etext */
		_etext = .;
	} :text

	. = ALIGN(4096);
	.rodata : AT(ADDR(.rodata) - PAGE_OFFSET) {
		_rodata = .;
		*(.rodata .rodata.*)
		. = ALIGN(4);
		__start___ex_table = .;
		KEEP(*(__ex_table))
		__stop___ex_table = .;
	} :text

	.init.ramfs : AT(ADDR(.init.ramfs) - PAGE_OFFSET) {
		KEEP(*(.init.ramfs))
	} :text

	.note.gnu.build-id : AT(ADDR(.note.gnu.build-id) - PAGE_OFFSET) {
		KEEP(*(.note.gnu.build-id))
		_erodata = .;
	} :text :note

	. = ALIGN(4096);
	/* Writable: the kernel fills it in when it boots. */
	.note.vmcoreinfo : AT(ADDR(.note.vmcoreinfo) - PAGE_OFFSET) {
		_data = .;
		KEEP(*(.vmcoreinfo))
	} :data :vmcoreinfo

	.data : AT(ADDR(.data) - PAGE_OFFSET) {
		*(.data .data.*)
		_edata = .;
	} :data

	.bss : AT(ADDR(.bss) - PAGE_OFFSET) {
		__bss_start = .;
		/*
		 * alone on its page: a monitor that keeps a copy of it sees each store to that page
		 */
		. = ALIGN(4096);
		*(.bss.gdt)
		. = ALIGN(4096);
		*(.bss .bss.* COMMON)
		. = ALIGN(4);
		_end = .;
	} :data

	/DISCARD/ : { *(.comment) *(.note.GNU-stack) *(.eh_frame) *(.note.gnu.property) }
}
