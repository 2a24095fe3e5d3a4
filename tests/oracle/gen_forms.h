/* SPDX-License-Identifier: MIT */
/*
 * The instruction forms that the generator writes: one row per form, from the opcode maps of Intel
 * SDM vol. 2, appendix A. Only gen*.c use this.
 */
#ifndef TESTS_ORACLE_GEN_FORMS_H
#define TESTS_ORACLE_GEN_FORMS_H

#include <Zydis/Zydis.h>
#include <stdbool.h>
#include <stdint.h>

#include "gen.h"

/* What follows opcode and ModRM. */
enum form_imm {
	IMM_NONE,
	IMM_8,
	IMM_16,
	IMM_Z,	    /* 2 or 4 bytes by operand size */
	IMM_OFFSET, /* an address, by address size */
	IMM_REL8,
	IMM_RELZ,
	IMM_FAR,   /* offset by operand size, selector */
	IMM_ENTER, /* 16 bits, then 8 */
};

#define FORM_MODRM 0x0001u /* ModRM follows */
#define FORM_MEM 0x0002u   /* ... as a rule with a memory operand */
#define FORM_REG 0x0004u   /* ... as a rule with a register operand */
#define FORM_LOW3 0x0008u  /* low three bits of the opcode are free: a register */
#define FORM_LOW4 0x0010u  /* low four bits of the opcode are free: a condition */
#define FORM_ALU 0x0020u   /* bits 3..5 of the opcode are free: the ALU operation */
#define FORM_W 0x0040u	   /* bit 0 of the opcode is free: byte or full size */
#define FORM_REP 0x0080u   /* F2 and F3 mean something */
#define FORM_FAR 0x0100u   /* changes CS */
#define FORM_SEG 0x0200u   /* loads a segment register, or names a selector */
#define FORM_RARE 0x0400u  /* always ends a sequence (privileged, undefined): keep it rare */

/* What the generator puts before the instruction to make it meaningful more often. */
enum form_prep {
	PREP_NONE,
	PREP_COUNT,    /* CL */
	PREP_DIVIDE,   /* EDX:EAX small */
	PREP_STRING,   /* ECX, ESI, EDI */
	PREP_SEL_REG,  /* a selector in the register of r/m */
	PREP_SEL_PUSH, /* a selector on the stack */
	PREP_SEL_MEM,  /* a far pointer in memory */
	PREP_RET,      /* a code address on the stack */
	PREP_RETF,     /* selector and address on the stack */
	PREP_IRET,     /* flags, selector, address on the stack */
	PREP_CODE_REG, /* a code address in the register of r/m */
	PREP_CODE_MEM, /* a code address in memory */
	PREP_FAR_MEM,  /* a far code pointer in memory */
	PREP_LOOP,     /* a bounded loop backward, or forward */
	PREP_COMPARE,  /* accumulator equal to memory */
	PREP_COMPARE8, /* EDX:EAX equal to memory */
	PREP_FRAME,    /* EBP in the stack */
	PREP_FLAGS,    /* flags to pop */
};

#define EXT_NONE 0xffu /* the reg field of ModRM is an operand */
#define EXT_ANY 0xfeu  /* the reg field chooses among eight operations, all of them wanted */

struct form {
	uint8_t opcode[2];
	uint8_t bytes; /* of the opcode: 1, or 2 with 0F first */
	uint8_t ext;   /* digit in the reg field, or EXT_* */
	uint8_t imm;   /* enum form_imm */
	uint8_t prep;  /* enum form_prep */
	uint8_t weight;
	uint16_t how; /* FORM_* */
};

extern const struct form form_table[];
extern const unsigned form_count;

/* A case in the making. */
struct gen {
	struct gen_case *c;
	const struct gen_options *opt;
	uint64_t rng;
	uint32_t pointers;  /* registers that still hold a pointer into a window */
	uint32_t undefined; /* flags that are undefined here */
	uint32_t undefined_at[GEN_INSNS + 1]; /* ... and come to that instruction by a branch */
	bool code16;			      /* the code segment in use has 16-bit defaults */
	uint32_t cs_base;		      /* its base */
	ZydisDecoder decoder[2];	      /* by code16 */
};

/* --- gen.c: choices ------------------------------------------------------------------------ */

/* 0 .. n - 1 */
uint32_t gen_below(struct gen *g, uint32_t n);
/* True once in n times. */
bool gen_one_in(struct gen *g, uint32_t n);
/* An operand value, biased to the edges of 8, 16 and 32 bits. */
uint32_t gen_value(struct gen *g);
/* An address, mostly in a window, some at a page's or a window's edge, few wild. */
uint32_t gen_address(struct gen *g);
uint16_t gen_selector(struct gen *g);
/* A selector for CS, and the base of the segment that EIP will be an offset into. */
uint16_t gen_code_selector(struct gen *g, uint32_t *base);
/* From here on code is written for the segment that a far transfer to `selector` enters. */
void gen_enter_code(struct gen *g, uint16_t selector, uint32_t base);
/* A target a few instructions ahead of the one that will be put next. */
struct gen_fix gen_fix_ahead(struct gen *g, unsigned kind, unsigned at);

/*
 * Append one instruction: false (and nothing appended) if the rules forbid it or there is no room.
 * An instruction that reads an undefined flag gets a CMP before it.
 */
bool gen_put(struct gen *g, const uint8_t *bytes, unsigned len, const struct gen_fix *fix);

/* --- gen_insn.c: one instruction of a random form, with its preparation ---------------------- */

void gen_put_form(struct gen *g);
/* Loads of DS, ES and SS with selectors of the LDT, to begin with. */
void gen_put_segments(struct gen *g);

#endif
