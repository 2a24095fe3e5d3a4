/* SPDX-License-Identifier: MIT */
/*
 * What an image will put where: the parts of the loader fill a plan, and only when the whole plan
 * has passed its checks is anything copied into RAM.
 *
 * Invariants: every segment lies in RAM, no two overlap, its bytes lie inside the image, and
 * filled <= bytes. For the files of the loader alone.
 */
#ifndef VMM_MACHINE_LOADER_PLAN_H
#define VMM_MACHINE_LOADER_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "machine/loader.h"
#include "machine/ram.h"

#define PLAN_SEGMENTS 64u

struct plan_segment {
	uint32_t start;	  /* physical */
	uint32_t bytes;	  /* in memory; what the file does not fill is zero */
	uint32_t filled;  /* from the file */
	const void *data; /* in the image */
};

struct load_plan {
	const struct ram *ram;
	const struct loader_image *image;
	struct diag *diag;
	struct plan_segment segment[PLAN_SEGMENTS];
	unsigned segments;
	uint32_t entry; /* EIP */
};

/* Refuse the image: -EINVAL, and "NAME: " with the text in the diag. */
int plan_refuse(const struct load_plan *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Check [start, start + bytes) against the RAM and the segments so far, and add it. `what` names it
 * in the message ("ELF segment 2"). `offset` and `filled` must lie inside the image already.
 */
int plan_add(struct load_plan *p, const char *what, uint64_t start, uint64_t bytes, uint64_t offset,
	     uint64_t filled);

/* Is `address` among the bytes that come from the file? Where execution may begin. */
bool plan_has_code(const struct load_plan *p, uint64_t address);

/* Does [start, start + bytes) touch a segment? */
bool plan_overlaps(const struct load_plan *p, uint64_t start, uint64_t bytes);

/* First page-aligned address above all segments, at least 1 MiB. */
uint64_t plan_end(const struct load_plan *p);

/* --- the formats ---------------------------------------------------------------------------- */

/*
 * elf32.c: is this any ELF file? plan_elf() then plans its PT_LOAD segments by physical address,
 * and its entry.
 */
bool elf_has_magic(const struct loader_image *image);
int plan_elf(struct load_plan *p);

/*
 * multiboot.c: look for a header. Returns 1 and plans the image if there is one, 0 if there is
 * none, -EINVAL if there is one that cannot be followed.
 */
int plan_multiboot(struct load_plan *p);

/*
 * multiboot_info.c: the boot information and modules. plan_info() finds room and checks, after all
 * segments are planned; info_write() cannot fail.
 */
struct multiboot_layout {
	uint32_t map;	 /* memory map */
	uint32_t info;	 /* the structure in EBX */
	uint32_t module; /* module list; the strings follow it */
	uint32_t cmdline;
	uint32_t loader_name;
	uint32_t module_name;
	uint32_t initrd; /* 0: none */
	uint32_t end;	 /* first free address above everything that was placed */
};

int plan_info(const struct load_plan *p, const struct loader_request *request,
	      struct multiboot_layout *layout);
void info_write(struct ram *ram, const struct loader_request *request,
		const struct multiboot_layout *layout);

#endif
