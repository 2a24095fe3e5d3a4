/* SPDX-License-Identifier: MIT */
#ifndef _ELF_H
#define _ELF_H

#include <stdint.h>

struct elf_phdr {
	uint32_t p_type, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_flags, p_align;
};

#endif
