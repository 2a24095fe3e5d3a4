// SPDX-License-Identifier: MIT
/*
 * ELF32 executables, by their program headers (System V gABI, chapter 5). The file is hostile: each
 * header is copied out once, and only the copy is checked and used.
 */
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "machine/loader_plan.h"

bool elf_has_magic(const struct loader_image *image)
{
	return image->bytes >= SELFMAG && !memcmp(image->data, ELFMAG, SELFMAG);
}

/* The fields of the ELF header that must have one value, and what a user does about another. */
static int check_ident(const struct load_plan *p, const Elf32_Ehdr *h)
{
	if (h->e_ident[EI_CLASS] == ELFCLASS64)
		return plan_refuse(p,
				   "a 64-bit ELF, but this machine is a 32-bit i686; build it with "
				   "-m32 (ld -m elf_i386)");
	if (h->e_ident[EI_CLASS] != ELFCLASS32)
		return plan_refuse(p,
				   "ELF class %u is neither 32 nor 64 bits; the file is damaged, "
				   "build it again",
				   h->e_ident[EI_CLASS]);
	if (h->e_ident[EI_DATA] != ELFDATA2LSB)
		return plan_refuse(
			p,
			"not a little-endian ELF (data encoding %u), but this machine is "
			"an i686; build it with -m32",
			h->e_ident[EI_DATA]);
	if (h->e_machine != EM_386)
		return plan_refuse(p,
				   "an ELF for machine %u, but this machine is an i686 (machine "
				   "%u); build it with -m32",
				   h->e_machine, EM_386);
	if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
		return plan_refuse(p, "an ELF of type %u, which is not an executable; link it",
				   h->e_type);
	return 0;
}

static int read_header(const struct load_plan *p, Elf32_Ehdr *h)
{
	uint64_t table;
	int err;

	if (p->image->bytes < EI_NIDENT)
		return plan_refuse(
			p, "the ELF header is truncated; the file is damaged, build it again");
	/* A 64-bit header is longer, and its ident tells before its length matters. */
	memcpy(h, p->image->data, p->image->bytes < sizeof(*h) ? p->image->bytes : sizeof(*h));
	if (h->e_ident[EI_CLASS] == ELFCLASS32 && p->image->bytes < sizeof(*h))
		return plan_refuse(
			p, "the ELF header is truncated; the file is damaged, build it again");
	err = check_ident(p, h);
	if (err)
		return err;
	if (!h->e_phnum)
		return plan_refuse(p, "an ELF without program headers; link it as an executable");
	if (h->e_phentsize != sizeof(Elf32_Phdr))
		return plan_refuse(p,
				   "ELF program headers of %u bytes instead of %zu; the file is "
				   "damaged, build it again",
				   h->e_phentsize, sizeof(Elf32_Phdr));
	table = (uint64_t)h->e_phnum * sizeof(Elf32_Phdr);
	if (h->e_phoff > p->image->bytes || table > p->image->bytes - h->e_phoff)
		return plan_refuse(p,
				   "%u ELF program headers at 0x%x run past the end of the file "
				   "(%zu bytes); the file is truncated, build it again",
				   h->e_phnum, h->e_phoff, p->image->bytes);
	return 0;
}

static int plan_segment(struct load_plan *p, unsigned i, const Elf32_Phdr *ph)
{
	char what[32];

	snprintf(what, sizeof(what), "ELF segment %u", i);
	if (ph->p_type == PT_INTERP)
		return plan_refuse(p,
				   "an ELF that needs a dynamic loader (program header %u is "
				   "PT_INTERP); link it with -static -nostdlib",
				   i);
	if (ph->p_type != PT_LOAD)
		return 0;
	if (ph->p_filesz > ph->p_memsz)
		return plan_refuse(
			p,
			"%s has more bytes in the file (0x%x) than in memory (0x%x); the "
			"file is damaged, build it again",
			what, ph->p_filesz, ph->p_memsz);
	if (!ph->p_memsz)
		return 0;
	if (ph->p_offset > p->image->bytes || ph->p_filesz > p->image->bytes - ph->p_offset)
		return plan_refuse(
			p,
			"%s (0x%x bytes at offset 0x%x) runs past the end of the file (%zu "
			"bytes); the file is truncated, build it again",
			what, ph->p_filesz, ph->p_offset, p->image->bytes);
	return plan_add(p, what, ph->p_paddr, ph->p_memsz, ph->p_offset, ph->p_filesz);
}

static void read_program_header(const struct load_plan *p, const Elf32_Ehdr *h, unsigned i,
				Elf32_Phdr *ph)
{
	memcpy(ph, (const char *)p->image->data + h->e_phoff + i * sizeof(*ph), sizeof(*ph));
}

/*
 * Paging is off at the start, so the entry must be physical. A kernel linked for the upper half
 * often has its virtual address there: then the segment that holds it says which physical one is
 * meant (as GRUB does).
 */
static int plan_entry(struct load_plan *p, const Elf32_Ehdr *h)
{
	Elf32_Phdr ph;

	p->entry = h->e_entry;
	if (plan_has_code(p, p->entry))
		return 0;
	for (unsigned i = 0; i < h->e_phnum; i++) {
		read_program_header(p, h, i, &ph);
		if (ph.p_type != PT_LOAD || h->e_entry < ph.p_vaddr ||
		    h->e_entry - ph.p_vaddr >= ph.p_filesz)
			continue;
		p->entry = h->e_entry - ph.p_vaddr + ph.p_paddr;
		return 0;
	}
	return plan_refuse(p,
			   "the ELF entry 0x%x lies in no loaded segment; set it with ld -e or "
			   "ENTRY()",
			   h->e_entry);
}

int plan_elf(struct load_plan *p)
{
	Elf32_Ehdr h = { 0 };
	Elf32_Phdr ph;
	int err = read_header(p, &h);

	if (err)
		return err;
	for (unsigned i = 0; i < h.e_phnum; i++) {
		read_program_header(p, &h, i, &ph);
		err = plan_segment(p, i, &ph);
		if (err)
			return err;
	}
	if (!p->segments)
		return plan_refuse(
			p, "an ELF with nothing to load (no PT_LOAD segment); link it as an "
			   "executable");
	return plan_entry(p, &h);
}
