/* SPDX-License-Identifier: MIT */
/*
 * Code that tests run at the kernel's level and that C cannot say: handlers of gates, and places
 * for breakpoints (kernel_code.S).
 */
#ifndef TESTS_KERNEL_CODE_H
#define TESTS_KERNEL_CODE_H

#define KEPT_WORDS 8
#define KERNEL_INT_GATE 0x90 /* vector that kernel_int raises */

#ifndef __ASSEMBLER__
#include <lib/types.h>

/* What a handler found: the first words of its stack, CS and EFLAGS. count: how often one ran. */
extern union gate_frame {
	u32 dword[KEPT_WORDS];
	u16 word[2 * KEPT_WORDS];
} gate_frame;
extern u32 gate_cs, gate_flags, gate_count;

/*
 * Handlers keep those, and then: far RET that releases 8 bytes of parameters; IRET of 16 bits; the
 * end of the probe. They run in a segment of any base.
 */
extern const char gate_lret8[], gate_iret16[], gate_unwind[];

/* A far procedure of any base: INT KERNEL_INT_GATE, then far RET with EAX = its CS. */
extern const char kernel_int[], kernel_int_return[];

/* A far procedure: far RET with EAX = its CS. */
extern const char kernel_far_procedure[];

/* Far call; returns what the procedure leaves in EAX. */
u32 call_far(u32 selector, u32 offset);

/* Far jump to a gate's selector, or anything that does not come back. */
void jump_far(u32 selector);

/*
 * Each has one instruction that a breakpoint may hit: INCL; stores to and a load of
 * breakpoint_word[1].
 */
void breakpoint_execute(u32 unused);
void breakpoint_store(u32 value);
void breakpoint_store_byte(u32 value); /* the second of its four bytes */
void breakpoint_load(u32 unused);
extern const char breakpoint_insn[], breakpoint_after_store[], breakpoint_after_load[],
	breakpoint_after_store_byte[];
extern u32 breakpoint_word[4], breakpoint_runs;
#endif
#endif
