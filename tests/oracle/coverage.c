// SPDX-License-Identifier: MIT
#include "coverage.h"

#include "judge.h"

#define X(name) ZYDIS_MNEMONIC_##name

/* Every mnemonic of an i686 at CPL 3 that may be compared; privileged ones raise #GP. */
static const ZydisMnemonic required_table[] = {
	X(AAA),	   X(AAD),    X(AAM),	 X(AAS),    X(ADC),	X(ADD),	      X(AND),	 X(ARPL),
	X(BOUND),  X(BSF),    X(BSR),	 X(BSWAP),  X(BT),	X(BTC),	      X(BTR),	 X(BTS),
	X(CALL),   X(CBW),    X(CDQ),	 X(CLC),    X(CLD),	X(CLI),	      X(CLTS),	 X(CMC),
	X(CMOVB),  X(CMOVBE), X(CMOVL),	 X(CMOVLE), X(CMOVNB),	X(CMOVNBE),   X(CMOVNL), X(CMOVNLE),
	X(CMOVNO), X(CMOVNP), X(CMOVNS), X(CMOVNZ), X(CMOVO),	X(CMOVP),     X(CMOVS),	 X(CMOVZ),
	X(CMP),	   X(CMPSB),  X(CMPSD),	 X(CMPSW),  X(CMPXCHG), X(CMPXCHG8B), X(CWD),	 X(CWDE),
	X(DAA),	   X(DAS),    X(DEC),	 X(DIV),    X(ENTER),	X(HLT),	      X(IDIV),	 X(IMUL),
	X(IN),	   X(INC),    X(INSB),	 X(INSD),   X(INSW),	X(INT),	      X(INT1),	 X(INT3),
	X(INTO),   X(INVD),   X(INVLPG), X(IRET),   X(IRETD),	X(JB),	      X(JBE),	 X(JCXZ),
	X(JECXZ),  X(JL),     X(JLE),	 X(JMP),    X(JNB),	X(JNBE),      X(JNL),	 X(JNLE),
	X(JNO),	   X(JNP),    X(JNS),	 X(JNZ),    X(JO),	X(JP),	      X(JS),	 X(JZ),
	X(LAHF),   X(LAR),    X(LDS),	 X(LEA),    X(LEAVE),	X(LES),	      X(LFS),	 X(LGDT),
	X(LGS),	   X(LIDT),   X(LLDT),	 X(LMSW),   X(LODSB),	X(LODSD),     X(LODSW),	 X(LOOP),
	X(LOOPE),  X(LOOPNE), X(LSL),	 X(LSS),    X(LTR),	X(MOV),	      X(MOVSB),	 X(MOVSD),
	X(MOVSW),  X(MOVSX),  X(MOVZX),	 X(MUL),    X(NEG),	X(NOP),	      X(NOT),	 X(OR),
	X(OUT),	   X(OUTSB),  X(OUTSD),	 X(OUTSW),  X(PAUSE),	X(POP),	      X(POPA),	 X(POPAD),
	X(POPF),   X(POPFD),  X(PUSH),	 X(PUSHA),  X(PUSHAD),	X(PUSHF),     X(PUSHFD), X(RCL),
	X(RCR),	   X(RDMSR),  X(RET),	 X(ROL),    X(ROR),	X(SAHF),      X(SALC),	 X(SAR),
	X(SBB),	   X(SCASB),  X(SCASD),	 X(SCASW),  X(SETB),	X(SETBE),     X(SETL),	 X(SETLE),
	X(SETNB),  X(SETNBE), X(SETNL),	 X(SETNLE), X(SETNO),	X(SETNP),     X(SETNS),	 X(SETNZ),
	X(SETO),   X(SETP),   X(SETS),	 X(SETZ),   X(SHL),	X(SHLD),      X(SHR),	 X(SHRD),
	X(SLDT),   X(SMSW),   X(STC),	 X(STD),    X(STI),	X(STOSB),     X(STOSD),	 X(STOSW),
	X(STR),	   X(SUB),    X(TEST),	 X(UD1),    X(UD2),	X(VERR),      X(VERW),	 X(WBINVD),
	X(WRMSR),  X(XADD),   X(XCHG),	 X(XLAT),   X(XOR),
};

#undef X

static bool transfers_control(ZydisMnemonic m)
{
	const char *name = ZydisMnemonicGetString(m);

	return name[0] == 'j' || m == ZYDIS_MNEMONIC_CALL || m == ZYDIS_MNEMONIC_RET ||
	       m == ZYDIS_MNEMONIC_IRET || m == ZYDIS_MNEMONIC_IRETD || m == ZYDIS_MNEMONIC_LOOP ||
	       m == ZYDIS_MNEMONIC_LOOPE || m == ZYDIS_MNEMONIC_LOOPNE;
}

void coverage_case(struct coverage *v, const struct gen_case *c, const struct outcome *o)
{
	if (o->vector < 32)
		v->vector[o->vector]++;
	for (unsigned i = 0; i < c->insns; i++) {
		ZydisMnemonic m = c->insn[i].mnemonic;
		bool here = o->eip == c->insn_at[i];

		if (!m)
			break;
		v->ran[m]++;
		if (here && o->vector != VEC_DB)
			v->faulted[m]++;
		if (here || transfers_control(m))
			break;
	}
}

void coverage_skip(struct coverage *v, const char *why, uint64_t count)
{
	for (unsigned i = 0; i < COVERAGE_REASONS; i++) {
		if (v->skipped[i].why && v->skipped[i].why != why)
			continue;
		v->skipped[i].why = why;
		v->skipped[i].count += count;
		return;
	}
}

uint64_t coverage_differ(struct coverage *v, const char *field, ZydisMnemonic m, uint64_t count)
{
	for (unsigned i = 0; i < COVERAGE_REASONS; i++) {
		if (v->differ[i].field &&
		    (v->differ[i].field != field || v->differ[i].mnemonic != m))
			continue;
		v->differ[i].field = field;
		v->differ[i].mnemonic = m;
		v->differ[i].count += count;
		return v->differ[i].count;
	}
	return count;
}

void coverage_add(struct coverage *to, const struct coverage *from)
{
	for (unsigned m = 0; m <= ZYDIS_MNEMONIC_MAX_VALUE; m++) {
		to->ran[m] += from->ran[m];
		to->faulted[m] += from->faulted[m];
	}
	for (unsigned i = 0; i < 32; i++)
		to->vector[i] += from->vector[i];
	for (unsigned i = 0; i < COVERAGE_REASONS && from->skipped[i].why; i++)
		coverage_skip(to, from->skipped[i].why, from->skipped[i].count);
	for (unsigned i = 0; i < COVERAGE_REASONS && from->differ[i].field; i++)
		coverage_differ(to, from->differ[i].field, from->differ[i].mnemonic,
				from->differ[i].count);
}

void coverage_print(const struct coverage *v, FILE *to)
{
	unsigned column = 0;

	fprintf(to, "ran (ended in a fault):\n");
	for (unsigned m = 0; m <= ZYDIS_MNEMONIC_MAX_VALUE; m++) {
		if (v->ran[m])
			fprintf(to, "%12s %8lu (%6lu)%s", ZydisMnemonicGetString((ZydisMnemonic)m),
				v->ran[m], v->faulted[m], ++column % 3 ? "" : "\n");
	}
	fprintf(to, "%ssequences ended by vector:", column % 3 ? "\n" : "");
	for (unsigned i = 0; i < 32; i++) {
		if (v->vector[i])
			fprintf(to, " %u:%lu", i, v->vector[i]);
	}
	fprintf(to, "\nnot compared:\n");
	for (unsigned i = 0; i < COVERAGE_REASONS && v->skipped[i].why; i++)
		fprintf(to, "%12lu %s\n", v->skipped[i].count, v->skipped[i].why);
}

void coverage_print_differ(const struct coverage *v, FILE *to)
{
	for (unsigned i = 0; i < COVERAGE_REASONS && v->differ[i].field; i++)
		fprintf(to, "%8lu differ in %s at %s\n", v->differ[i].count, v->differ[i].field,
			v->differ[i].mnemonic ? ZydisMnemonicGetString(v->differ[i].mnemonic)
					      : "(no instruction)");
}

unsigned coverage_missing(const struct coverage *v, FILE *to)
{
	unsigned missing = 0;

	for (unsigned i = 0; i < sizeof(required_table) / sizeof(required_table[0]); i++) {
		if (v->ran[required_table[i]])
			continue;
		fprintf(to, "never ran: %s\n", ZydisMnemonicGetString(required_table[i]));
		missing++;
	}
	return missing;
}

unsigned coverage_excess(const struct coverage *v, uint64_t sequences, FILE *to)
{
	unsigned excess = 0;

	for (unsigned i = 0; i < COVERAGE_REASONS && v->skipped[i].why; i++) {
		uint64_t limit = sequences * judge_most(v->skipped[i].why) / 100000;

		if (v->skipped[i].count <= limit)
			continue;
		fprintf(to, "excused %lu times, more than %lu: %s\n", v->skipped[i].count, limit,
			v->skipped[i].why);
		excess++;
	}
	return excess;
}
