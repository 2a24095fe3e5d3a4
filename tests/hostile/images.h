/* SPDX-License-Identifier: MIT */
/*
 * Small boot images, good and bad, built in memory: for the unit tests of the loader, for the
 * fuzzer's first corpus, and for bad_images.c, which writes the bad ones to files.
 *
 * A bad image is a good one with a few fields changed; each row of the table says which, and what
 * the loader must say about it in a machine with HOSTILE_RAM_BYTES of RAM.
 */
#ifndef TESTS_HOSTILE_IMAGES_H
#define TESTS_HOSTILE_IMAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOSTILE_RAM_BYTES (80ull << 20)
#define IMAGE_BYTES 12288u /* room for any of them */

/* Good images; all leave through the debug-exit port with status 0 when run. */
enum image_kind {
	IMAGE_ADDRESSES,     /* multiboot with address fields, at 1 MiB */
	IMAGE_ELF,	     /* ELF32 at 1 MiB: code, then a .bss up to 0x101000 */
	IMAGE_MULTIBOOT_ELF, /* the same with a multiboot header in its segment */
	IMAGE_FLAT,
	IMAGE_KINDS
};

/* Where things are in them (file offsets). */
#define MB_MAGIC 0x00u /* from the multiboot header on */
#define MB_FLAGS 0x04u
#define MB_CHECKSUM 0x08u
#define MB_HEADER_ADDR 0x0cu
#define MB_LOAD_ADDR 0x10u
#define MB_LOAD_END 0x14u
#define MB_BSS_END 0x18u
#define MB_ENTRY 0x1cu
#define ADDRESSES_CODE 0x20u /* in IMAGE_ADDRESSES, whose header is at 0 */
#define ADDRESSES_BYTES 0x40u
#define ELF_TEXT 0x80u /* the segment in the ELF images; the multiboot header is its start */
#define ELF_TEXT_BYTES 0x40u
#define ELF_CODE_SKIP 0x0cu		/* from the start of the segment to its code */
#define ELF_PHDR(i) (0x34u + (i)*0x20u) /* two; the second is PT_NULL */

struct hostile_patch {
	uint16_t offset;
	uint8_t size; /* 0 ends the list */
	uint32_t value;
};

#define HOSTILE_PATCHES 5u

struct hostile_image {
	const char *name;    /* of its file, too */
	const char *message; /* part of what the loader says */
	enum image_kind kind;
	struct hostile_patch patch[HOSTILE_PATCHES];
	uint16_t shift;	   /* zero bytes put in front */
	uint16_t bytes;	   /* length, if it is not that of the good image */
	bool bad_checksum; /* leave the multiboot checksum as patched */
	bool empty;
};

extern const struct hostile_image hostile_images[];
extern const unsigned hostile_image_count;

/* Fill `buf` (IMAGE_BYTES long) and return the length. */
size_t image_build(enum image_kind kind, uint8_t *buf);
size_t hostile_build(const struct hostile_image *image, uint8_t *buf);

/* Store a little-endian value of 1, 2 or 4 bytes. */
void image_put(uint8_t *buf, size_t offset, unsigned size, uint32_t value);
/* Make the multiboot header at `offset` add up to zero. */
void image_fix_checksum(uint8_t *buf, size_t offset);

#endif
