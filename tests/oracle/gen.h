/* SPDX-License-Identifier: MIT */
/*
 * Makes test cases: a short sequence of 32-bit instructions with a start state and patches of
 * memory. A case is a function of (seed, index, options) alone.
 *
 * A sequence stays in pieces (bytes and fixups for each instruction), so that a shrinker can drop
 * instructions and assemble again: branch displacements and code addresses follow.
 *
 * No sequence may reach what only the kernel or a newer CPU defines; gen_allowed() is that rule and
 * is also used on code that came to be at run time.
 */
#ifndef TESTS_ORACLE_GEN_H
#define TESTS_ORACLE_GEN_H

#include <Zydis/Zydis.h>
#include <stdbool.h>
#include <stdint.h>

#include "layout.h"

#define GEN_INSNS 40u
#define GEN_PATCHES 16u
#define GEN_CODE_BYTES (GEN_INSNS * 15u + 1)

/* A place in an instruction that depends on where another one lies. */
enum gen_fix_kind { FIX_NONE, FIX_REL8, FIX_REL16, FIX_REL32, FIX_ABS16, FIX_ABS32 };

struct gen_fix {
	uint8_t kind;
	uint8_t at;	/* byte in the instruction */
	uint8_t target; /* instruction number; past the last one means the final INT3 */
	uint8_t delta;	/* added: a byte inside the target */
	uint32_t base;	/* subtracted: base of the code segment that will be in use */
};

struct gen_insn {
	uint8_t bytes[15];
	uint8_t len;
	bool code16; /* written for a 16-bit code segment */
	bool dropped;
	ZydisMnemonic mnemonic; /* INVALID for a byte string that should raise #UD */
	struct gen_fix fix;
};

/* Bytes of memory set before the run; with `fix` (FIX_ABS*) an address of code. */
struct gen_patch {
	uint32_t lin;
	uint8_t len;
	uint8_t bytes[8];
	struct gen_fix fix;
};

struct gen_case {
	uint64_t seed, index;
	struct start_state start;
	struct gen_insn insn[GEN_INSNS];
	unsigned insns;
	struct gen_patch patch[GEN_PATCHES];
	unsigned patches;
	uint32_t code_at; /* address of the first instruction */
	bool far;	  /* may change CS */
	bool segments;	  /* uses selectors of the LDT */
	/* Filled by gen_assemble: */
	uint8_t code[GEN_CODE_BYTES];
	unsigned code_bytes;
	uint32_t insn_at[GEN_INSNS + 1]; /* address of each instruction; the last: of the INT3 */
};

struct gen_options {
	bool ldt_only; /* every case is about segments */
	bool has_ldt;  /* LDT selectors may be used */
};

/* Make case `index`, assembled. */
void gen_make(struct gen_case *c, uint64_t seed, uint64_t index, const struct gen_options *opt);

/* Assemble again after instructions were dropped. */
void gen_assemble(struct gen_case *c);

/* Write the case's code and patches into an image that holds the background. */
void gen_apply(const struct gen_case *c, uint8_t image[IMAGE_BYTES]);
/* Undo gen_apply: copy those bytes from the background. */
void gen_revert(const struct gen_case *c, uint8_t image[IMAGE_BYTES], const uint8_t *background);

/* The memory that all cases of a seed start from: random bytes, INT3 in the code window. */
void gen_background(uint64_t seed, uint8_t image[IMAGE_BYTES]);

/*
 * May the decoded instruction run in a comparison? If not, *why (may be NULL) says the reason in
 * words.
 */
bool gen_allowed(const ZydisDecodedInstruction *insn, const char **why);

/*
 * EFLAGS bits that the instruction reads, surely writes with a defined value, and leaves undefined.
 * From Zydis, corrected where writing depends on a count (a shift by zero changes no flag).
 */
struct gen_flags {
	uint32_t reads, writes, undefined;
};
struct gen_flags gen_flags_of(const ZydisDecodedInstruction *insn);

/* Next number of the generator's random stream (splitmix64, so that any state is a good seed). */
uint64_t gen_random(uint64_t *state);

#endif
