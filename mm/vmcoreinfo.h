/* SPDX-License-Identifier: MIT */
/*
 * VMCOREINFO: the note that tells whoever reads this memory from outside where things are.
 *
 * An ELF note, name "VMCOREINFO", type 0, whose descriptor is text, one line a fact, in Linux's
 * format:
 *
 *	OSRELEASE=text  PAGESIZE=n
 *	SYMBOL(name)=hex		linear address of a variable
 *	SIZE(struct)=n			in bytes
 *	OFFSET(struct.field)=n		in bytes
 *	LENGTH(struct.field)=n		elements of an array
 *	NUMBER(name)=n			value of a constant
 *
 * All that show.h prints can be computed from what it names (names of callers in vmallocinfo need
 * the kernel's symbols, too). Bitfields cannot be named: of page.place bits 0..1 are the type of
 * the zone, bits 2..3 the node, bit 4 tells the head of a compound page.
 */
#ifndef MM_VMCOREINFO_H
#define MM_VMCOREINFO_H

#include "mm/types.h"

#define VMCOREINFO_NAME "VMCOREINFO"
#define VMCOREINFO_BYTES 10216 /* with the header 10 KiB */

struct vmcoreinfo_note {
	uint32_t name_bytes, text_bytes,
		type;  /* the terminating NUL of the name counts, the text's not */
	char name[12]; /* padded to 4 */
	char text[VMCOREINFO_BYTES];
};

extern struct vmcoreinfo_note vmcoreinfo_note;

/* Write the text. It is complete when this returns; it panics if it does not fit. */
void vmcoreinfo_init(const char *osrelease);

#endif
