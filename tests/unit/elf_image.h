/* SPDX-License-Identifier: MIT */
/*
 * A small ELF file for the i386 with symbols, made by hand, and the symbols opened from it: for the
 * tests of symbols and post-mortems. A page of code at ELF_IMAGE_CODE, a page of data after it.
 */
#ifndef TESTS_UNIT_ELF_IMAGE_H
#define TESTS_UNIT_ELF_IMAGE_H

#include <elf.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/types.h"
#include "inspect/symbols.h"
#include "unit/unit.h"

#define ELF_IMAGE_CODE 0xc0100000u

struct sym_row {
	const char *name;
	uint32_t value, size;
	unsigned char type;
	uint16_t section; /* 1: code at ELF_IMAGE_CODE; 2: data at ELF_IMAGE_CODE + 0x1000 */
};

struct elf_image {
	Elf32_Ehdr ehdr;
	Elf32_Shdr shdr[5]; /* null, code, data, symbols, strings (of symbols and sections) */
	Elf32_Sym sym[32];
	char strings[512];
};

static inline uint32_t string_add(struct elf_image *e, uint32_t *used, const char *text)
{
	uint32_t at = *used;

	CU_ASSERT_FATAL(at + strlen(text) + 1 <= sizeof(e->strings));
	memcpy(e->strings + at, text, strlen(text) + 1);
	*used += (uint32_t)strlen(text) + 1;
	return at;
}

static inline void image_make(struct elf_image *e, const struct sym_row *rows, unsigned count)
{
	uint32_t used = 1, code, data;

	memset(e, 0, sizeof(*e));
	memcpy(e->ehdr.e_ident, ELFMAG, SELFMAG);
	e->ehdr.e_ident[EI_CLASS] = ELFCLASS32;
	e->ehdr.e_ident[EI_DATA] = ELFDATA2LSB;
	e->ehdr.e_ident[EI_VERSION] = EV_CURRENT;
	e->ehdr.e_type = ET_EXEC;
	e->ehdr.e_machine = EM_386;
	e->ehdr.e_version = EV_CURRENT;
	e->ehdr.e_ehsize = sizeof(e->ehdr);
	e->ehdr.e_shoff = offsetof(struct elf_image, shdr);
	e->ehdr.e_shentsize = sizeof(Elf32_Shdr);
	e->ehdr.e_shnum = 5;
	e->ehdr.e_shstrndx = 4;
	code = string_add(e, &used, ".text");
	data = string_add(e, &used, ".data");
	e->shdr[1] = (Elf32_Shdr){ .sh_name = code,
				   .sh_type = SHT_NOBITS,
				   .sh_addr = ELF_IMAGE_CODE,
				   .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
				   .sh_size = 0x1000 };
	e->shdr[2] = (Elf32_Shdr){ .sh_name = data,
				   .sh_type = SHT_NOBITS,
				   .sh_addr = ELF_IMAGE_CODE + 0x1000,
				   .sh_flags = SHF_ALLOC | SHF_WRITE,
				   .sh_size = 0x1000 };
	for (unsigned i = 0; i < count; i++)
		e->sym[i + 1] = (Elf32_Sym){ .st_name = string_add(e, &used, rows[i].name),
					     .st_value = rows[i].value,
					     .st_size = rows[i].size,
					     .st_info = ELF32_ST_INFO(STB_GLOBAL, rows[i].type),
					     .st_shndx = rows[i].section };
	e->shdr[3] = (Elf32_Shdr){ .sh_type = SHT_SYMTAB,
				   .sh_link = 4,
				   .sh_offset = offsetof(struct elf_image, sym),
				   .sh_size = (count + 1) * (uint32_t)sizeof(Elf32_Sym),
				   .sh_entsize = sizeof(Elf32_Sym) };
	e->shdr[4] = (Elf32_Shdr){ .sh_type = SHT_STRTAB,
				   .sh_size = used,
				   .sh_offset = offsetof(struct elf_image, strings) };
}

/* symbols_open() of these bytes. */
static inline int bytes_open(struct symbols **out, const void *data, size_t bytes)
{
	int fd = memfd_create("symbols", MFD_CLOEXEC), r;

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_FATAL(write(fd, data, bytes) == (ssize_t)bytes);
	r = symbols_open(out, fd);
	close(fd);
	return r;
}

static const struct sym_row kernel_rows[] = {
	{ "inner", ELF_IMAGE_CODE + 4, 0, STT_NOTYPE, 1 },
	{ "do_thing", ELF_IMAGE_CODE, 16, STT_FUNC, 1 },
	{ "label", ELF_IMAGE_CODE + 0x40, 0, STT_NOTYPE, 1 },
	{ "after", ELF_IMAGE_CODE + 0x80, 8, STT_FUNC, 1 },
	{ "table", ELF_IMAGE_CODE + 0x1010, 4, STT_OBJECT, 2 },
	{ "bare", ELF_IMAGE_CODE + 0x1020, 0, STT_NOTYPE, 2 },
	{ "file.c", ELF_IMAGE_CODE + 2, 0, STT_FILE, 1 },
	{ "absolute", ELF_IMAGE_CODE + 3, 0, STT_NOTYPE, SHN_ABS },
	{ ".Llocal", ELF_IMAGE_CODE + 5, 0, STT_NOTYPE, 1 },
	{ "esc\033[2J", ELF_IMAGE_CODE + 0x100, 4, STT_FUNC, 1 },
};

static inline struct symbols *kernel_symbols(void)
{
	struct elf_image e;
	struct symbols *s = NULL;

	image_make(&e, kernel_rows, ARRAY_SIZE(kernel_rows));
	CU_ASSERT_EQUAL_FATAL(bytes_open(&s, &e, sizeof(e)), 0);
	return s;
}

#endif
