/* SPDX-License-Identifier: MIT */
/*
 * Is a difference a mistake? Compares outcomes, and knows what no manual defines: undefined flags,
 * undefined results, and the few places where the host itself is between us and the CPU.
 *
 * Equal outcomes need no judgement. For others the sequence is run again in the executor, one
 * instruction at a time, and each instruction is decoded where it stands: that finds the flags that
 * are undefined at the end, an undefined one that was used, and code that came to be at run time
 * and may not be compared.
 */
#ifndef TESTS_ORACLE_JUDGE_H
#define TESTS_ORACLE_JUDGE_H

#include <Zydis/Zydis.h>
#include <stdbool.h>
#include <stdint.h>

#include "gen.h"
#include "layout.h"
#include "soft.h"

struct trace {
	uint32_t undefined; /* flags, at the end */
	const char *excuse; /* why the run cannot be compared, or NULL */
	unsigned ran;	    /* instructions, the last one included */
	/* The instruction that ended the run. */
	bool known; /* it decodes */
	ZydisDecodedInstruction last;
	uint8_t bytes[15];
};

/*
 * Instructions a run may take; natively it is not limited, but what the executor ends, the CPU
 * does.
 */
#define RUN_INSNS 20000u

/*
 * Before the native run: why the executor's outcome cannot be compared with one, or NULL. This is
 * also what keeps system calls, x87 and newer instructions from the CPU.
 */
const char *judge_unfit(const struct soft *s, const struct outcome *o);

/* Run the case in single steps from its start. */
void judge_trace(struct soft *s, const struct gen_case *c, const uint8_t image[IMAGE_BYTES],
		 struct trace *t);

/*
 * The first field in which the outcomes differ, in words, or NULL. `undefined`: flags to leave out.
 */
const char *judge_difference(const struct outcome *soft, const struct outcome *native,
			     uint32_t undefined);

/*
 * Why a difference in `field` (from judge_difference, or "memory") after this run is none of ours,
 * or NULL: where manuals leave an order open, or where AMD and Intel are known to differ.
 */
const char *judge_excuse(const struct trace *t, const struct outcome *soft,
			 const struct outcome *native, const char *field);

/*
 * How many of 100,000 random sequences this reason may excuse: were it more, it would hide a bug.
 * For any reason that the functions above give.
 */
unsigned judge_most(const char *why);

/* Undo what the hypervisor does to a native outcome. */
void judge_adjust(const struct soft *s, const struct outcome *soft, struct outcome *native);

/* Decode at EIP of the executor's present state. False: no instruction there. */
bool judge_decode(const struct soft *s, const struct x86_state *st, ZydisDecodedInstruction *insn,
		  uint8_t bytes[15]);

#endif
