// SPDX-License-Identifier: MIT
#include "hostile/images.h"

#include <elf.h>
#include <string.h>

#define MULTIBOOT_MAGIC 0x1badb002u
#define LOAD_AT 0x100000u

/* Fields of the ELF images, for the patches. */
#define EHDR(field) offsetof(Elf32_Ehdr, field)
#define PHDR(i, field) (ELF_PHDR(i) + offsetof(Elf32_Phdr, field))

/* xor %eax, %eax; out %al, $0xf4; hlt */
static const uint8_t exit_code[] = { 0x31, 0xc0, 0xe6, 0xf4, 0xf4 };

const struct hostile_image hostile_images[] = {
	{ "empty.bin", "empty", IMAGE_FLAT, .empty = true },

	/* The multiboot header. */
	{ "bad-checksum.bin", "bad checksum", IMAGE_ADDRESSES,
	  .patch = { { MB_CHECKSUM, 4, 0x12345678 } }, .bad_checksum = true },
	{ "checksum-off-by-one.bin", "bad checksum 0xe4524ffc; make it 0xe4524ffb",
	  IMAGE_MULTIBOOT_ELF, .patch = { { ELF_TEXT + MB_CHECKSUM, 4, 0xe4524ffc } },
	  .bad_checksum = true },
	{ "header-past-8k.bin", "not within the first 8192 bytes", IMAGE_ADDRESSES, .shift = 8192 },
	{ "header-across-8k.bin", "not within the first 8192 bytes", IMAGE_ADDRESSES,
	  .shift = 8184 },
	{ "addresses-across-8k.bin", "multiboot header at 0x1ff0 is truncated", IMAGE_ADDRESSES,
	  .shift = 8176 },
	{ "header-misaligned.bin", "not aligned to 4 bytes", IMAGE_ADDRESSES, .shift = 2 },
	{ "asks-for-video.bin", "asks for a video mode (flag bit 2)", IMAGE_ADDRESSES,
	  .patch = { { MB_FLAGS, 4, 0x10007 } } },
	{ "asks-for-unknown.bin", "unknown features (flag bits 0x8008)", IMAGE_ADDRESSES,
	  .patch = { { MB_FLAGS, 4, 0x1800b } } },
	{ "no-addresses-no-elf.bin", "without addresses (flag bit 16) in a file that is no ELF",
	  IMAGE_ADDRESSES, .patch = { { MB_FLAGS, 4, 0x3 } } },
	{ "truncated-in-addresses.bin", "truncated", IMAGE_ADDRESSES, .bytes = 0x18 },

	/* Its addresses. */
	{ "header-below-load.bin", "header_addr 0xfffff is below load_addr 0x100000",
	  IMAGE_ADDRESSES, .patch = { { MB_HEADER_ADDR, 4, 0xfffff } } },
	{ "load-before-file.bin", "lies 0x1000 bytes before header_addr", IMAGE_ADDRESSES,
	  .patch = { { MB_HEADER_ADDR, 4, 0x101000 } } },
	{ "load-end-below-load.bin", "load_end_addr 0xfff00 is not above load_addr",
	  IMAGE_ADDRESSES, .patch = { { MB_LOAD_END, 4, 0xfff00 } } },
	{ "load-end-past-file.bin", "truncated", IMAGE_ADDRESSES,
	  .patch = { { MB_LOAD_END, 4, LOAD_AT + 0x1000 } } },
	{ "load-end-past-bss-end.bin", "load_end_addr 0x100040 is above bss_end_addr 0x100030",
	  IMAGE_ADDRESSES, .patch = { { MB_LOAD_END, 4, 0x100040 }, { MB_BSS_END, 4, 0x100030 } } },
	{ "file-past-bss-end.bin", "bss_end_addr 0x100020 is below the end of the file's bytes",
	  IMAGE_ADDRESSES, .patch = { { MB_BSS_END, 4, 0x100020 } } },
	{ "load-wraps.bin", "wraps past 4 GiB", IMAGE_ADDRESSES,
	  .patch = { { MB_HEADER_ADDR, 4, 0xfffffff0 }, { MB_LOAD_ADDR, 4, 0xfffffff0 } } },
	{ "load-in-hole.bin", "overlaps the hole", IMAGE_ADDRESSES,
	  .patch = { { MB_HEADER_ADDR, 4, 0xa0000 }, { MB_LOAD_ADDR, 4, 0xa0000 } } },
	{ "load-into-hole.bin", "overlaps the hole", IMAGE_ADDRESSES,
	  .patch = { { MB_HEADER_ADDR, 4, 0x9ffe0 }, { MB_LOAD_ADDR, 4, 0x9ffe0 } } },
	{ "bss-across-hole.bin", "overlaps the hole", IMAGE_ADDRESSES,
	  .patch = { { MB_HEADER_ADDR, 4, 0x8000 },
		     { MB_LOAD_ADDR, 4, 0x8000 },
		     { MB_BSS_END, 4, 0x200000 } } },
	{ "load-past-ram.bin", "exceeds the RAM, which ends at 0x5000000", IMAGE_ADDRESSES,
	  .patch = { { MB_HEADER_ADDR, 4, 0x5000000 }, { MB_LOAD_ADDR, 4, 0x5000000 } } },
	{ "bss-past-ram.bin", "exceeds the RAM", IMAGE_ADDRESSES,
	  .patch = { { MB_BSS_END, 4, 0x5000001 } } },
	{ "bss-to-4g.bin", "exceeds the RAM", IMAGE_ADDRESSES,
	  .patch = { { MB_BSS_END, 4, 0xffffffff } } },
	{ "entry-below-image.bin", "entry_addr 0xfffff lies outside", IMAGE_ADDRESSES,
	  .patch = { { MB_ENTRY, 4, 0xfffff } } },
	{ "entry-past-image.bin", "entry_addr 0x100040 lies outside", IMAGE_ADDRESSES,
	  .patch = { { MB_ENTRY, 4, 0x100040 } } },
	{ "entry-in-bss.bin", "entry_addr 0x100080 lies outside", IMAGE_ADDRESSES,
	  .patch = { { MB_BSS_END, 4, 0x100100 }, { MB_ENTRY, 4, 0x100080 } } },

	/* The ELF header. */
	{ "elf64.bin", "a 64-bit ELF", IMAGE_ELF, .patch = { { EI_CLASS, 1, ELFCLASS64 } } },
	{ "elf64-multiboot.bin", "a 64-bit ELF", IMAGE_MULTIBOOT_ELF,
	  .patch = { { EI_CLASS, 1, ELFCLASS64 } } },
	{ "elf-class-9.bin", "ELF class 9", IMAGE_ELF, .patch = { { EI_CLASS, 1, 9 } } },
	{ "elf-big-endian.bin", "not a little-endian ELF", IMAGE_ELF,
	  .patch = { { EI_DATA, 1, ELFDATA2MSB } } },
	{ "elf-arm.bin", "an ELF for machine 40", IMAGE_ELF,
	  .patch = { { EHDR(e_machine), 2, EM_ARM } } },
	{ "elf-object.bin", "an ELF of type 1, which is not an executable", IMAGE_ELF,
	  .patch = { { EHDR(e_type), 2, ET_REL } } },
	{ "elf-core.bin", "an ELF of type 4", IMAGE_ELF,
	  .patch = { { EHDR(e_type), 2, ET_CORE } } },
	{ "elf-magic-alone.bin", "the ELF header is truncated", IMAGE_ELF, .bytes = 4 },
	{ "elf-header-cut.bin", "the ELF header is truncated", IMAGE_ELF, .bytes = 51 },
	{ "elf-no-headers.bin", "without program headers", IMAGE_ELF,
	  .patch = { { EHDR(e_phnum), 2, 0 } } },
	{ "elf-phentsize.bin", "program headers of 31 bytes", IMAGE_ELF,
	  .patch = { { EHDR(e_phentsize), 2, 31 } } },
	{ "elf-phnum-lies.bin", "65535 ELF program headers at 0x34 run past the end", IMAGE_ELF,
	  .patch = { { EHDR(e_phnum), 2, 0xffff } } },
	{ "elf-phoff-past-file.bin", "run past the end", IMAGE_ELF,
	  .patch = { { EHDR(e_phoff), 4, 0xfffffff0 } } },
	{ "elf-phoff-one-short.bin", "run past the end", IMAGE_ELF,
	  .patch = { { EHDR(e_phoff), 4, ELF_TEXT + ELF_TEXT_BYTES - 0x3f } } },

	/* ELF segments. */
	{ "elf-nothing-to-load.bin", "nothing to load", IMAGE_ELF,
	  .patch = { { PHDR(0, p_type), 4, PT_NOTE } } },
	{ "elf-interp.bin", "needs a dynamic loader", IMAGE_ELF,
	  .patch = { { PHDR(1, p_type), 4, PT_INTERP } } },
	{ "elf-memsz-below-filesz.bin", "more bytes in the file (0x40) than in memory (0x3f)",
	  IMAGE_ELF, .patch = { { PHDR(0, p_memsz), 4, 0x3f } } },
	{ "elf-segment-past-file.bin",
	  "ELF segment 0 (0x41 bytes at offset 0x80) runs past the end", IMAGE_ELF,
	  .patch = { { PHDR(0, p_filesz), 4, 0x41 } } },
	{ "elf-offset-past-file.bin", "runs past the end of the file", IMAGE_ELF,
	  .patch = { { PHDR(0, p_offset), 4, 0xffffffff } } },
	{ "elf-truncated.bin", "runs past the end of the file", IMAGE_MULTIBOOT_ELF,
	  .bytes = 0xa0 },
	{ "elf-segment-wraps.bin", "ELF segment 0 at 0xfffffff0..0x100000ff0 wraps past 4 GiB",
	  IMAGE_ELF, .patch = { { PHDR(0, p_paddr), 4, 0xfffffff0 } } },
	{ "elf-segment-in-hole.bin", "ELF segment 0 at 0xff000..0x100000 overlaps the hole",
	  IMAGE_ELF, .patch = { { PHDR(0, p_paddr), 4, 0xff000 } } },
	{ "elf-segment-past-ram.bin", "exceeds the RAM", IMAGE_ELF,
	  .patch = { { PHDR(0, p_paddr), 4, 0x5000000 } } },
	{ "elf-segment-virtual.bin", "lies above 3 GiB, where there is never RAM", IMAGE_ELF,
	  .patch = { { PHDR(0, p_paddr), 4, 0xc0100000 } } },
	{ "elf-bss-past-ram.bin", "exceeds the RAM", IMAGE_ELF,
	  .patch = { { PHDR(0, p_memsz), 4, 0x4f00001 } } },
	{ "elf-segments-overlap.bin",
	  "ELF segment 1 at 0x100fff..0x101000 overlaps another segment", IMAGE_ELF,
	  .patch = { { PHDR(1, p_type), 4, PT_LOAD },
		     { PHDR(1, p_paddr), 4, 0x100fff },
		     { PHDR(1, p_memsz), 4, 1 } } },
	{ "elf-segment-inside.bin", "overlaps another segment", IMAGE_ELF,
	  .patch = { { PHDR(1, p_type), 4, PT_LOAD },
		     { PHDR(1, p_paddr), 4, 0x100100 },
		     { PHDR(1, p_memsz), 4, 16 } } },
	{ "elf-segment-around.bin", "overlaps another segment", IMAGE_ELF,
	  .patch = { { PHDR(0, p_paddr), 4, 0x200000 },
		     { PHDR(1, p_type), 4, PT_LOAD },
		     { PHDR(1, p_paddr), 4, 0x100000 },
		     { PHDR(1, p_memsz), 4, 0x300000 } } },
	{ "elf-entry-outside.bin", "the ELF entry 0xc010000c lies in no loaded segment", IMAGE_ELF,
	  .patch = { { EHDR(e_entry), 4, 0xc010000c } } },
	{ "elf-entry-in-bss.bin", "the ELF entry 0x100040 lies in no loaded segment", IMAGE_ELF,
	  .patch = { { EHDR(e_entry), 4, 0x100040 } } },
};

const unsigned hostile_image_count = sizeof(hostile_images) / sizeof(hostile_images[0]);

void image_put(uint8_t *buf, size_t offset, unsigned size, uint32_t value)
{
	for (unsigned i = 0; i < size; i++)
		buf[offset + i] = (uint8_t)(value >> i * 8);
}

static uint32_t image_get(const uint8_t *buf, size_t offset)
{
	return buf[offset] | buf[offset + 1] << 8 | buf[offset + 2] << 16 |
	       (uint32_t)buf[offset + 3] << 24;
}

void image_fix_checksum(uint8_t *buf, size_t offset)
{
	image_put(buf, offset + MB_CHECKSUM, 4,
		  -(image_get(buf, offset + MB_MAGIC) + image_get(buf, offset + MB_FLAGS)));
}

static void put_multiboot(uint8_t *buf, size_t offset, uint32_t flags)
{
	image_put(buf, offset + MB_MAGIC, 4, MULTIBOOT_MAGIC);
	image_put(buf, offset + MB_FLAGS, 4, flags);
	image_fix_checksum(buf, offset);
}

static size_t build_addresses(uint8_t *buf)
{
	put_multiboot(buf, 0, 0x10003);
	image_put(buf, MB_HEADER_ADDR, 4, LOAD_AT);
	image_put(buf, MB_LOAD_ADDR, 4, LOAD_AT);
	image_put(buf, MB_ENTRY, 4, LOAD_AT + ADDRESSES_CODE);
	memcpy(buf + ADDRESSES_CODE, exit_code, sizeof(exit_code));
	return ADDRESSES_BYTES;
}

static size_t build_elf(uint8_t *buf, bool multiboot)
{
	const Elf32_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = EM_386,
		.e_version = EV_CURRENT,
		.e_entry = LOAD_AT + ELF_CODE_SKIP,
		.e_phoff = ELF_PHDR(0),
		.e_ehsize = sizeof(Elf32_Ehdr),
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = 2,
	};
	const Elf32_Phdr text = {
		.p_type = PT_LOAD,
		.p_offset = ELF_TEXT,
		.p_vaddr = LOAD_AT,
		.p_paddr = LOAD_AT,
		.p_filesz = ELF_TEXT_BYTES,
		.p_memsz = 0x1000,
		.p_flags = PF_R | PF_W | PF_X,
	};

	memcpy(buf, &header, sizeof(header));
	memcpy(buf + ELF_PHDR(0), &text, sizeof(text));
	if (multiboot)
		put_multiboot(buf, ELF_TEXT, 0x3);
	memcpy(buf + ELF_TEXT + ELF_CODE_SKIP, exit_code, sizeof(exit_code));
	return ELF_TEXT + ELF_TEXT_BYTES;
}

size_t image_build(enum image_kind kind, uint8_t *buf)
{
	memset(buf, 0, IMAGE_BYTES);
	switch (kind) {
	case IMAGE_ADDRESSES:
		return build_addresses(buf);
	case IMAGE_ELF:
		return build_elf(buf, false);
	case IMAGE_MULTIBOOT_ELF:
		return build_elf(buf, true);
	default:
		memcpy(buf, exit_code, sizeof(exit_code));
		return sizeof(exit_code);
	}
}

size_t hostile_build(const struct hostile_image *image, uint8_t *buf)
{
	size_t bytes = image_build(image->kind, buf);

	for (unsigned i = 0; i < HOSTILE_PATCHES && image->patch[i].size; i++)
		image_put(buf, image->patch[i].offset, image->patch[i].size, image->patch[i].value);
	if (image->kind == IMAGE_ADDRESSES && !image->bad_checksum)
		image_fix_checksum(buf, 0);
	if (image->bytes)
		bytes = image->bytes;
	if (image->shift) {
		memmove(buf + image->shift, buf, bytes);
		memset(buf, 0, image->shift);
	}
	return image->empty ? 0 : bytes + image->shift;
}
