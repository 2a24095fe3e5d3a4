// SPDX-License-Identifier: MIT
/*
 * Which instructions may be compared, and which flags they define.
 */
#include "base/types.h"
#include "gen.h"

/* Instruction sets of an i686 (as Zydis groups them). Everything else is newer, or x87. */
static const ZydisISASet isa_table[] = {
	ZYDIS_ISA_SET_I86,	     ZYDIS_ISA_SET_I186,	ZYDIS_ISA_SET_I286REAL,
	ZYDIS_ISA_SET_I286PROTECTED, ZYDIS_ISA_SET_I386,	ZYDIS_ISA_SET_I486,
	ZYDIS_ISA_SET_I486REAL,	     ZYDIS_ISA_SET_PENTIUMREAL, ZYDIS_ISA_SET_PPRO,
	ZYDIS_ISA_SET_CMOV,	     ZYDIS_ISA_SET_FAT_NOP,	ZYDIS_ISA_SET_LAHF,
	ZYDIS_ISA_SET_PAUSE,	     ZYDIS_ISA_SET_RDPMC,
};

static const struct {
	ZydisMnemonic mnemonic;
	const char *why;
} excluded_table[] = {
	{ ZYDIS_MNEMONIC_CPUID, "CPUID tells of the CPU it runs on" },
	{ ZYDIS_MNEMONIC_RDTSC, "RDTSC reads a clock" },
	{ ZYDIS_MNEMONIC_SGDT, "the kernel emulates SGDT with a made-up table (UMIP)" },
	{ ZYDIS_MNEMONIC_SIDT, "the kernel emulates SIDT with a made-up table (UMIP)" },
	{ ZYDIS_MNEMONIC_SYSENTER, "a system call; and AMD has no SYSENTER in long mode" },
	{ ZYDIS_MNEMONIC_SYSEXIT, "AMD has no SYSEXIT in long mode" },
	{ ZYDIS_MNEMONIC_SYSCALL, "a system call" },
	{ ZYDIS_MNEMONIC_FWAIT, "x87" },
	{ ZYDIS_MNEMONIC_UD0, "AMD takes no ModRM byte after it, Intel does" },
};

bool gen_allowed(const ZydisDecodedInstruction *insn, const char **why)
{
	const char *reason = 0;
	bool known = false;

	for (unsigned i = 0; i < ARRAY_SIZE(isa_table); i++)
		known |= insn->meta.isa_set == isa_table[i];
	if (!known)
		reason = "not an i686 integer instruction";
	for (unsigned i = 0; i < ARRAY_SIZE(excluded_table); i++) {
		if (excluded_table[i].mnemonic == insn->mnemonic)
			reason = excluded_table[i].why;
	}
	if (insn->mnemonic == ZYDIS_MNEMONIC_INT && (insn->raw.imm[0].value.u & 0xff) == 0x80)
		reason = "a system call";
	if (why)
		*why = reason;
	return !reason;
}

/*
 * Does the instruction always write its flags? Shifts and rotates do not when the masked count is
 * zero, a repeated CMPS or SCAS does not when ECX is zero (SDM vol. 2).
 */
static bool writes_surely(const ZydisDecodedInstruction *insn)
{
	switch (insn->mnemonic) {
	case ZYDIS_MNEMONIC_ROL:
	case ZYDIS_MNEMONIC_ROR:
	case ZYDIS_MNEMONIC_RCL:
	case ZYDIS_MNEMONIC_RCR:
	case ZYDIS_MNEMONIC_SHL:
	case ZYDIS_MNEMONIC_SHR:
	case ZYDIS_MNEMONIC_SAR:
	case ZYDIS_MNEMONIC_SHLD:
	case ZYDIS_MNEMONIC_SHRD:
		return insn->raw.imm[0].size && (insn->raw.imm[0].value.u & 31);
	case ZYDIS_MNEMONIC_CMPSB:
	case ZYDIS_MNEMONIC_CMPSW:
	case ZYDIS_MNEMONIC_CMPSD:
	case ZYDIS_MNEMONIC_SCASB:
	case ZYDIS_MNEMONIC_SCASW:
	case ZYDIS_MNEMONIC_SCASD:
		return !(insn->attributes & (ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE));
	default:
		return true;
	}
}

struct gen_flags gen_flags_of(const ZydisDecodedInstruction *insn)
{
	const ZydisAccessedFlags *f = insn->cpu_flags;
	struct gen_flags r = { 0, 0, 0 };

	if (!f)
		return r;
	/* Zydis numbers its flags as EFLAGS does. */
	r.reads = f->tested & EFLAGS_ARITH;
	r.undefined = f->undefined & EFLAGS_ARITH;
	if (writes_surely(insn))
		r.writes = (f->modified | f->set_0 | f->set_1) & EFLAGS_ARITH;
	return r;
}
