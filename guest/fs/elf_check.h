/* SPDX-License-Identifier: MIT */
/*
 * Is it a program for this machine, and what is to be mapped where: pure functions from the bytes
 * of an ELF file (System V ABI, chapters 4 and 5; Intel386 supplement) to a plan. Freestanding and
 * without the kernel's headers, so that the host tests it. The rules are those of Linux's
 * binfmt_elf.c: it looks at few fields, and so do we (measured on Linux 6.18: class, byte order and
 * e_version are not among them).
 */
#ifndef FS_ELF_CHECK_H
#define FS_ELF_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#define ET_EXEC 2
#define ET_DYN 3
#define PT_LOAD 1u
#define PT_INTERP 3u
#define PT_GNU_STACK 0x6474e551u
#define PF_X 1u
#define PF_W 2u
#define PF_R 4u

#define ELF_PAGE 4096u
#define ELF_PHDRS_MAX 65536u   /* bytes of program headers */
#define ELF_INTERP_MAX 4096u   /* bytes of the interpreter's name, with its NUL */
#define ELF_DYN_BASE 0x400000u /* where position-independent programs go (ELF_ET_DYN_BASE) */

struct elf_header {
	uint8_t e_ident[16];
	uint16_t e_type, e_machine;
	uint32_t e_version, e_entry, e_phoff, e_shoff, e_flags;
	uint16_t e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx;
};

struct elf_phdr {
	uint32_t p_type, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_flags, p_align;
};

_Static_assert(sizeof(struct elf_header) == 52 && sizeof(struct elf_phdr) == 32, "the file's");

/* One PT_LOAD in pages; each part may be empty. Addresses without the bias. */
struct elf_segment {
	uint32_t map_start, map_bytes, map_offset; /* from the file: all multiples of a page */
	uint32_t zero_start, zero_bytes; /* the rest of the last page of the file's part */
	uint32_t anon_start, anon_bytes; /* zero pages */
	uint32_t flags;			 /* PF_* */
};

struct elf_plan {
	uint32_t low, high; /* page borders around all segments; high 0: there are none */
	uint32_t align;	    /* the largest p_align that is a power of two, a page at least */
	uint32_t phdr;	    /* where the program headers are in memory; 0: they are not */
	uint32_t start_code, end_code, start_data, end_data, brk;
};

/* The first bytes of a file: 0, or -ENOEXEC: none of ours. */
int elf_check_header(const void *head, uint32_t bytes, struct elf_header *h);

/*
 * The interpreter's place in the file: 0 and *interp (NULL: there is none), or -ENOEXEC for a name
 * that is too short or too long.
 */
int elf_find_interp(const struct elf_phdr *ph, uint32_t n, const struct elf_phdr **interp);

/* PT_GNU_STACK: may the stack hold code? Without one it may, as on Linux for i386. */
bool elf_exec_stack(const struct elf_phdr *ph, uint32_t n);

/* One PT_LOAD: 0, or -EINVAL for what does not fit below task_size or makes no sense. */
int elf_plan_segment(const struct elf_phdr *ph, uint32_t bias, uint32_t task_size,
		     struct elf_segment *s);

/* All of them: 0 or -EINVAL. The bias for ET_DYN is then elf_bias(). */
int elf_plan_all(const struct elf_header *h, const struct elf_phdr *ph, uint32_t task_size,
		 struct elf_plan *plan);
uint32_t elf_bias(const struct elf_plan *plan);

#endif
