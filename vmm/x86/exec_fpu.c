// SPDX-License-Identifier: MIT
#include "x86/ops.h"

/*
 * The machine has no FPU. Software finds that out by CPUID and sets CR0.EM, upon which every x87
 * instruction raises #NM (SDM vol. 3, 2.5). MMX and SSE are #UD and need no row: decode.c sends
 * what no table names to op_undefined.
 */
const struct insn *op_x87(struct cpu *c, const struct insn *i)
{
	if (c->cr0 & (CR0_EM | CR0_TS))
		return cpu_fault(c, i, VEC_NM, 0);
	return cpu_unsupported(c, i, "x87 without CR0.EM");
}

/* FWAIT ignores CR0.EM, and obeys CR0.TS only together with CR0.MP. */
static const struct insn *op_fwait(struct cpu *c, const struct insn *i)
{
	if ((c->cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS))
		return cpu_fault(c, i, VEC_NM, 0);
	return i + 1;
}

const struct op_row ops_fpu[] = {
	{ ZYDIS_MNEMONIC_FWAIT, OPV_NORMAL, 0, 0, op_fwait },
	{ ZYDIS_MNEMONIC_INVALID, 0, 0, 0, NULL },
};
