/* SPDX-License-Identifier: MIT */
/*
 * Names for guest addresses, from the symbol table and the DWARF line table of a guest's ELF file.
 *
 * The file is untrusted: whatever it says, symbols_open() takes well under a second and a lookup
 * milliseconds, with some 200 MB at the worst, since every table has a limit (symbols.c): what lies
 * beyond has no names, or no lines. It is read whole by symbols_open() and from memory after that,
 * so that all of this works inside the jail, where no file can be opened. Names are cut and their
 * control characters become '?'. Addresses are the ones that the file was linked for; nothing here
 * knows of paging.
 */
#ifndef VMM_INSPECT_SYMBOLS_H
#define VMM_INSPECT_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/types.h"

#define SYMBOL_NAME_BYTES 96
#define SYMBOL_TEXT_BYTES (2 * SYMBOL_NAME_BYTES + 48)

struct symbols;

struct symbol_hit {
	char name[SYMBOL_NAME_BYTES];
	gva_t start;
	uint32_t offset; /* of the address from start */
};

/*
 * Read `fd`, a regular file, from its beginning; the descriptor stays the caller's. 0: *out is set,
 * for symbols_close(). -ENOEXEC: not a 32-bit i386 ELF file, or one without a symbol; -EFBIG:
 * larger than SYMBOLS_FILE_MAX; -ENOMEM; others from reading. *out is left alone then.
 */
#define SYMBOLS_FILE_MAX (64u << 20)
int symbols_open(struct symbols **out, int fd);

/* `s` may be NULL. */
void symbols_close(struct symbols *s);

/* The symbol that holds `addr`. False: none does. `s` may be NULL here and below: nothing found. */
bool symbols_find(const struct symbols *s, gva_t addr, struct symbol_hit *hit);

/* File (without its folder) and line of the code at `addr`; needs DWARF. False: not known. */
bool symbols_line(const struct symbols *s, gva_t addr, char file[static SYMBOL_NAME_BYTES],
		  int *line);

/* Is `addr` in a section of instructions? */
bool symbols_is_code(const struct symbols *s, gva_t addr);

/* "do_page_fault+0x12 at traps.c:88", as much of it as is known; the empty text if nothing is. */
void symbols_format(const struct symbols *s, gva_t addr, char buf[static SYMBOL_TEXT_BYTES]);

/*
 * The same for a return address: the call stands before it, and may be the last instruction of its
 * function when that never returns.
 */
void symbols_format_return(const struct symbols *s, gva_t addr, char buf[static SYMBOL_TEXT_BYTES]);

#endif
