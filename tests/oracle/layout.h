/* SPDX-License-Identifier: MIT */
/*
 * What both sides of the differential test share: where the windows lie in the 32-bit address
 * space, which descriptors exist, and the form of a start state and of an outcome.
 *
 * The native side maps the windows at these very addresses in its own process; the executor's
 * side maps the same linear addresses to frames of a small RAM. Everything else is unmapped on
 * both. Bases end in 0x8000 so that the low 16 bits of a pointer into any window but CODE point
 * into LOW: one register serves 32-bit and 16-bit addressing.
 */
#ifndef TESTS_ORACLE_LAYOUT_H
#define TESTS_ORACLE_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "x86/regs.h"

enum window_name { WIN_LOW, WIN_CODE, WIN_DATA, WIN_READONLY, WIN_STACK, WINDOWS };

struct window {
	uint32_t base;
	uint32_t pages;
	bool writable;
};

#define LOW_BASE 0x00008000u
#define CODE_BASE 0x10000000u
#define DATA_BASE 0x20008000u
#define READONLY_BASE 0x2000a000u
#define STACK_BASE 0x30008000u
#define WINDOW_PAGES 9u
#define IMAGE_BYTES (WINDOW_PAGES * PAGE_BYTES)

extern const struct window window_table[WINDOWS];

/* Byte offset in an image (the windows one after another) of linear address `lin`, or -1. */
int32_t window_offset(uint32_t lin);

/* Selectors of Linux x86-64 for 32-bit user code (arch/x86 segment.h gives them to every ABI). */
#define SEL_USER_CODE32 0x23u
#define SEL_USER_DATA 0x2bu
#define SEL_USER_CODE64 0x33u

/* The LDT, the same on both sides; a row is what modify_ldt(2) takes. */
struct ldt_row {
	uint32_t base;
	uint32_t limit;	  /* in units of `pages` */
	uint8_t contents; /* 0 data, 1 expand-down data, 2 code, 3 conforming code */
	bool db;	  /* 32-bit */
	bool no_write;	  /* data: read-only; code: execute-only */
	bool pages;	  /* limit counts pages */
	bool not_present;
	bool empty; /* an all-zero descriptor */
};

#define LDT_ROWS 20u
extern const struct ldt_row ldt_table[LDT_ROWS];
#define LDT_SEL(row) ((row) << 3 | 7)

/* Rows that the generator names. */
#define LDT_STACK16 7u
#define LDT_CODE32 8u
#define LDT_CODE16 9u
#define LDT_STACK_DOWN 17u

/* The two words of a row's descriptor, as Linux writes it (accessed bit always set). */
void ldt_descriptor(const struct ldt_row *row, uint32_t out[2]);

struct start_state {
	uint32_t gpr[X86_GPRS];
	uint32_t eip;
	uint32_t eflags;
	uint16_t seg[6]; /* by enum x86_sreg */
};

/* How a run ended: an exception, and the state that its handler saw. */
struct outcome {
	uint32_t gpr[X86_GPRS];
	uint32_t eip;
	uint32_t eflags;
	uint16_t seg[6];
	uint16_t vector; /* 0..31, or OUTCOME_* */
	uint32_t error;	 /* zero for vectors without one */
	uint32_t cr2;	 /* for #PF, else zero */
};

#define OUTCOME_SYSCALL 0x100u /* native: the code made a system call, which was refused */
#define OUTCOME_NONE 0x101u    /* executor: did not end in an exception; see its reason */

/* Does the exception push an error code (SDM vol. 3, table 6-1)? */
static inline bool vector_has_error(unsigned v)
{
	return v == VEC_DF || (v >= VEC_TS && v <= VEC_PF) || v == VEC_AC;
}

#endif
