/* SPDX-License-Identifier: MIT */
/*
 * Shorter handlers for the commonest forms of the commonest instructions: 32-bit operands, flat
 * segments. They do what the general handlers do, and nothing else; tests run both.
 */
#ifndef VMM_X86_FAST_H
#define VMM_X86_FAST_H

#include "x86/cpu.h"

/* Operand forms that have special handlers. */
enum fast_form {
	FORM_NONE,
	FORM_VOID, /* no operand */
	FORM_R,	   /* one 32-bit register */
	FORM_I,	   /* one immediate or displacement */
	FORM_RR,   /* 32-bit register, 32-bit register */
	FORM_RI,   /* register, immediate */
	FORM_RM,   /* register, memory in DS, ES or SS with 32-bit addressing */
	FORM_MR,   /* memory, register */
	FORM_MI,   /* memory, immediate */
	FORM_RR8,  /* 32-bit register, 8-bit register: MOVZX, MOVSX */
	FORM_RM8,  /* 32-bit register, 8-bit memory */
	FORM_RM16, /* 32-bit register, 16-bit memory */
};

struct fast_row {
	uint16_t mnemonic; /* ZydisMnemonic; rows of one mnemonic stand together */
	uint8_t form;	   /* enum fast_form */
	insn_fn fn;
};

/* Ends in ZYDIS_MNEMONIC_INVALID. */
extern const struct fast_row fast_rows[];

/* The form of a decoded instruction, FORM_NONE if it is none of those above. */
enum fast_form fast_form_of(const struct insn *i);

#endif
