// SPDX-License-Identifier: MIT
#include "judge.h"

#include <string.h>

bool judge_decode(const struct soft *s, const struct x86_state *st, ZydisDecodedInstruction *insn,
		  uint8_t bytes[15])
{
	bool wide = st->seg[X86_CS].attr & SEG_DB;
	ZydisDecoder decoder;
	unsigned n = 0;

	memset(bytes, 0, 15);
	for (; n < 15; n++) {
		int32_t at = window_offset(st->seg[X86_CS].base + st->eip + n);

		if (at < 0)
			break;
		bytes[n] = soft_image(s)[at];
	}
	ZydisDecoderInit(&decoder,
			 wide ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16,
			 wide ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16);
	return ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, 0, bytes, n, insn));
}

/* What judge_decode needs to know of the segment that an outcome's EIP is in. */
static struct x86_state state_of(const struct outcome *o)
{
	struct x86_state st = { .eip = o->eip };
	unsigned row = o->seg[X86_CS] >> 3;

	st.seg[X86_CS].attr = SEG_DB;
	if (o->seg[X86_CS] & 4 && row < LDT_ROWS) {
		st.seg[X86_CS].base = ldt_table[row].base;
		st.seg[X86_CS].attr = ldt_table[row].db ? SEG_DB : 0;
	}
	return st;
}

const char *judge_unfit(const struct soft *s, const struct outcome *o)
{
	ZydisDecodedInstruction insn;
	struct x86_state st = state_of(o);
	const char *why = 0;
	uint8_t bytes[15];

	if (soft_reason(s) || o->vector == OUTCOME_NONE)
		return soft_reason(s);
	/* INT 80h through the DPL-0 gate of our IDT. */
	if (o->vector == VEC_GP && o->error == 0x80 * 8 + 2)
		return "a system call";
	if ((o->vector == VEC_UD || o->vector == VEC_NM) && judge_decode(s, &st, &insn, bytes))
		gen_allowed(&insn, &why);
	return why;
}

void judge_adjust(const struct soft *s, const struct outcome *soft, struct outcome *native)
{
	ZydisDecodedInstruction insn;
	struct x86_state st = state_of(native);
	uint8_t bytes[15];

	/*
	 * INT1 is a trap: EIP is past it (AMD APM vol. 2, 8.2.2). KVM on AMD intercepts #DB and
	 * injects it again with EIP on the instruction.
	 */
	if (native->vector == VEC_DB && judge_decode(s, &st, &insn, bytes) &&
	    insn.mnemonic == ZYDIS_MNEMONIC_INT1 && soft->eip == native->eip + insn.length)
		native->eip = soft->eip;
}

/* --- results that no manual defines ----------------------------------------------------------- */

static bool lar32(const struct soft *s, const ZydisDecodedInstruction *insn,
		  const struct x86_state *st)
{
	return insn->operand_width == 32;
}

/*
 * A far return whose CS has an RPL other than 3. Outward there is nothing from ring 3, so all end
 * in a fault; Intel checks RPL < CPL first (SDM vol. 2, RET), AMD pops SS:ESP first (APM vol. 3,
 * RETF).
 */
static bool return_to_other_ring(const struct soft *s, const ZydisDecodedInstruction *insn,
				 const struct x86_state *st)
{
	bool wide = st->seg[X86_SS].attr & SEG_DB;
	uint32_t esp = st->gpr[X86_ESP] + insn->operand_width / 8;
	int32_t at = window_offset(st->seg[X86_SS].base + (wide ? esp : esp & 0xffff));

	if (insn->mnemonic == ZYDIS_MNEMONIC_RET && insn->meta.branch_type != ZYDIS_BRANCH_TYPE_FAR)
		return false;
	return at >= 0 && (soft_image(s)[at] & 3) != 3;
}

/*
 * SLDT, STR and SMSW raise #GP under UMIP, and Linux emulates them. It does so for registers as the
 * CPU would; its stores skip the segment's checks, and no #DB follows with TF set.
 */
static bool emulated(const struct soft *s, const ZydisDecodedInstruction *insn,
		     const struct x86_state *st)
{
	return insn->raw.modrm.mod != 3 || st->eflags & EFLAGS_TF;
}

/* LOOPE and LOOPNE with F2 or F3: AMD takes the condition from the prefix, as for CMPS. */
static bool repeated(const struct soft *s, const ZydisDecodedInstruction *insn,
		     const struct x86_state *st)
{
	bool found = false;

	for (unsigned i = 0; i < insn->raw.prefix_count; i++)
		found |= insn->raw.prefixes[i].value == 0xf2 || insn->raw.prefixes[i].value == 0xf3;
	return found;
}

static bool bswap16(const struct soft *s, const ZydisDecodedInstruction *insn,
		    const struct x86_state *st)
{
	return insn->operand_width == 16;
}

/* SHLD and SHRD of 16 bits by more than 16 (SDM vol. 2, SHLD: result and flags undefined). */
static bool double_shift_too_far(const struct soft *s, const ZydisDecodedInstruction *insn,
				 const struct x86_state *st)
{
	uint32_t count = insn->raw.imm[0].size ? (uint32_t)insn->raw.imm[0].value.u
					       : st->gpr[X86_ECX];

	return insn->operand_width == 16 && (count & 31) > 16;
}

static const struct {
	ZydisMnemonic mnemonic;
	bool (*undefined)(const struct soft *s, const ZydisDecodedInstruction *insn,
			  const struct x86_state *st);
	const char *why;
	unsigned most; /* of 100,000 sequences; several times what is seen */
} undefined_table[] = {
	{ ZYDIS_MNEMONIC_LAR, lar32, "LAR of 32 bits leaves bits 16..19 undefined", 60 },
	{ ZYDIS_MNEMONIC_RET, return_to_other_ring, "AMD reads SS:ESP before it checks CS.RPL",
	  300 },
	{ ZYDIS_MNEMONIC_IRET, return_to_other_ring, "AMD reads SS:ESP before it checks CS.RPL",
	  300 },
	{ ZYDIS_MNEMONIC_IRETD, return_to_other_ring, "AMD reads SS:ESP before it checks CS.RPL",
	  300 },
	{ ZYDIS_MNEMONIC_SLDT, emulated, "the kernel emulates it (UMIP)", 60 },
	{ ZYDIS_MNEMONIC_STR, emulated, "the kernel emulates it (UMIP)", 60 },
	{ ZYDIS_MNEMONIC_SMSW, emulated, "the kernel emulates it (UMIP)", 60 },
	{ ZYDIS_MNEMONIC_LOOPE, repeated, "REP before LOOPE is reserved; AMD obeys it", 60 },
	{ ZYDIS_MNEMONIC_LOOPNE, repeated, "REP before LOOPNE is reserved; AMD obeys it", 60 },
	{ ZYDIS_MNEMONIC_BSWAP, bswap16, "BSWAP of 16 bits is undefined", 60 },
	{ ZYDIS_MNEMONIC_SHLD, double_shift_too_far, "SHLD of 16 bits by more is undefined", 60 },
	{ ZYDIS_MNEMONIC_SHRD, double_shift_too_far, "SHRD of 16 bits by more is undefined", 60 },
};

static const char *undefined_result(const struct soft *s, const ZydisDecodedInstruction *insn,
				    const struct x86_state *st)
{
	for (unsigned i = 0; i < ARRAY_SIZE(undefined_table); i++) {
		if (undefined_table[i].mnemonic == insn->mnemonic &&
		    undefined_table[i].undefined(s, insn, st))
			return undefined_table[i].why;
	}
	return 0;
}

/* A shift by CL that is zero leaves the flags, and what was undefined among them, as they were. */
static bool no_shift(const ZydisDecodedInstruction *insn, const struct x86_state *st)
{
	bool shift = insn->meta.category == ZYDIS_CATEGORY_SHIFT ||
		     insn->meta.category == ZYDIS_CATEGORY_ROTATE ||
		     insn->mnemonic == ZYDIS_MNEMONIC_SHLD || insn->mnemonic == ZYDIS_MNEMONIC_SHRD;
	uint32_t count = insn->raw.imm[0].size ? (uint32_t)insn->raw.imm[0].value.u
					       : st->gpr[X86_ECX];

	/* D0 and D1 shift by one and have neither. */
	if (insn->opcode == 0xd0 || insn->opcode == 0xd1)
		return false;
	return shift && !(count & 31);
}

static const char undefined_flag[] = "an undefined flag was used";

static void trace_step(const struct soft *s, struct trace *t, const ZydisDecodedInstruction *insn,
		       const struct x86_state *st)
{
	struct gen_flags f = gen_flags_of(insn);
	const char *why = undefined_result(s, insn, st);

	if (!why)
		gen_allowed(insn, &why);
	if (!why && f.reads & t->undefined)
		why = undefined_flag;
	if (!t->excuse)
		t->excuse = why;
	if (!no_shift(insn, st))
		t->undefined = (t->undefined & ~f.writes) | f.undefined;
}

void judge_trace(struct soft *s, const struct gen_case *c, const uint8_t image[IMAGE_BYTES],
		 struct trace *t)
{
	struct x86_state st;
	struct outcome out = { .vector = OUTCOME_NONE };
	uint32_t before = 0;

	memset(t, 0, sizeof(*t));
	soft_begin(s, &c->start, image);
	do {
		soft_state(s, &st);
		if (st.cpl != 3)
			continue; /* in the handler */
		t->known = judge_decode(s, &st, &t->last, t->bytes);
		before = t->undefined;
		if (t->known)
			trace_step(s, t, &t->last, &st);
		if ((st.seg[X86_CS].selector & ~3u) == (SEL_USER_CODE64 & ~3u))
			t->excuse = "64-bit code";
	} while (++t->ran < RUN_INSNS && !soft_go(s, 1, &out));
	/* A trap comes after its instruction, a fault before: that has changed no flag. */
	if (out.vector == VEC_DB || out.vector == VEC_BP || out.vector == VEC_OF)
		return;
	t->undefined = before;
	/*
	 * But for a fault in a repeated CMPS or SCAS: Intel restores the flags (SDM vol. 2, REP),
	 * AMD leaves those of the last comparison.
	 */
	if (t->known && t->last.attributes & (ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE))
		t->undefined |= EFLAGS_ARITH;
}

/* --- excuses ---------------------------------------------------------------------------------- */

#define MNEMONICS 6

/* Of 100,000 sequences: what a flag excuses, and what is seen before the run. */
#define MOST_UNDEFINED 60
#define MOST_UNFIT 500

/* Both faulted at the same instruction, by its access to memory. */
static bool memory_fault(const struct outcome *o)
{
	return o->vector == VEC_PF || o->vector == VEC_AC || o->vector == VEC_SS ||
	       (o->vector == VEC_GP && !o->error);
}

static bool both_fault(const struct trace *t, const struct outcome *soft,
		       const struct outcome *native, const char *field)
{
	return memory_fault(soft) && memory_fault(native) && soft->eip == native->eip &&
	       strcmp(field, "memory");
}

static bool memory_of_fault(const struct trace *t, const struct outcome *soft,
			    const struct outcome *native, const char *field)
{
	return !strcmp(field, "memory") && soft->vector == native->vector &&
	       soft->eip == native->eip && (memory_fault(soft) || vector_has_error(soft->vector));
}

static bool registers_of_fault(const struct trace *t, const struct outcome *soft,
			       const struct outcome *native, const char *field)
{
	return memory_fault(soft) && soft->vector == native->vector && soft->eip == native->eip &&
	       soft->cr2 == native->cr2 && field[0] == 'E' && strcmp(field, "EFLAGS");
}

static bool memory_operand(const struct trace *t, const struct outcome *soft,
			   const struct outcome *native, const char *field)
{
	return t->last.raw.modrm.mod != 3 && memory_fault(soft);
}

static bool wraps(const struct trace *t, const struct outcome *soft, const struct outcome *native,
		  const char *field)
{
	return soft->vector == VEC_PF && (soft->cr2 > 0xffffffe0 || soft->cr2 < 0x20) &&
	       (native->vector == VEC_GP || native->vector == VEC_SS) && !native->error &&
	       soft->eip == native->eip;
}

static bool alignment_first(const struct trace *t, const struct outcome *soft,
			    const struct outcome *native, const char *field)
{
	return soft->vector == VEC_PF && native->vector == VEC_AC && soft->eip == native->eip;
}

/* Skip legacy prefixes; the opcode, with `*lock` telling whether LOCK was among them. */
static const uint8_t *skip_prefixes(const uint8_t bytes[15], bool *lock)
{
	static const uint8_t prefix[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65,
					  0x66, 0x67, 0xf0, 0xf2, 0xf3 };
	const uint8_t *p = bytes;

	*lock = false;
	while (p < bytes + 12 && memchr(prefix, *p, sizeof(prefix)))
		*lock |= *p++ == 0xf0;
	return p;
}

static bool lock_on_control(const struct trace *t, const struct outcome *soft,
			    const struct outcome *native, const char *field)
{
	bool lock;
	const uint8_t *p = skip_prefixes(t->bytes, &lock);

	return lock && p[0] == 0x0f && (p[1] == 0x20 || p[1] == 0x22) && soft->vector == VEC_UD;
}

static bool lock_on_verify(const struct trace *t, const struct outcome *soft,
			   const struct outcome *native, const char *field)
{
	bool lock;
	const uint8_t *p = skip_prefixes(t->bytes, &lock);

	return lock && p[0] == 0x0f && p[1] == 0 && soft->vector == VEC_UD;
}

/* 62, C4 and C5 with what would be a register operand begin EVEX and VEX instructions. */
static bool vector_prefix(const struct trace *t, const struct outcome *soft,
			  const struct outcome *native, const char *field)
{
	bool lock;
	const uint8_t *p = skip_prefixes(t->bytes, &lock);

	return (p[0] == 0x62 || p[0] == 0xc4 || p[0] == 0xc5) && p[1] >= 0xc0 &&
	       soft->vector == VEC_UD;
}

static bool cut_short(const struct trace *t, const struct outcome *soft,
		      const struct outcome *native, const char *field)
{
	const struct outcome *ud = soft->vector == VEC_UD ? soft : native;
	const struct outcome *end = soft->vector == VEC_UD ? native : soft;
	bool page = end->vector == VEC_PF && !(end->cr2 & PAGE_OFFSET_MASK);
	bool segment = end->vector == VEC_GP && !end->error && ud->seg[X86_CS] & 4;

	return ud->vector == VEC_UD && ud->eip == end->eip && (page || segment) && !t->known;
}

/*
 * #DB of TF between two elements: RF is set in what is pushed (SDM vol. 3, 17.3.1.1); AMD, or KVM
 * that intercepts #DB there, leaves it clear.
 */
static bool resume_flag(const struct trace *t, const struct outcome *soft,
			const struct outcome *native, const char *field)
{
	return soft->vector == VEC_DB && native->vector == VEC_DB && soft->eip == native->eip &&
	       t->last.meta.category == ZYDIS_CATEGORY_STRINGOP && !strcmp(field, "EFLAGS") &&
	       ((soft->eflags ^ native->eflags) & ~t->undefined) == EFLAGS_RF;
}

static const struct {
	ZydisMnemonic mnemonic[MNEMONICS]; /* none: any */
	bool (*applies)(const struct trace *t, const struct outcome *soft,
			const struct outcome *native, const char *field);
	const char *why;
	unsigned most; /* as above */
} excuse_table[] = {
	{ { 0 }, wraps, "an operand across 4 GiB: implementation-specific (SDM vol. 3, 5.3)", 40 },
	{ { 0 }, alignment_first, "#AC before #PF: one class of priority (SDM vol. 3, 6.9)", 40 },
	{ { 0 }, lock_on_control, "AMD: LOCK MOV CR0 names CR8 (APM vol. 3, MOV CRn)", 40 },
	{ { 0 }, lock_on_verify, "AMD: LOCK is ignored before VERR and VERW", 40 },
	{ { 0 }, vector_prefix, "VEX or EVEX, newer than i686", 40 },
	{ { 0 }, cut_short, "#UD, or the fault of its missing bytes: which is first is open", 40 },
	{ { 0 }, resume_flag, "RF of a trap inside a repeated instruction", 40 },
	{ { ZYDIS_MNEMONIC_CMPSB, ZYDIS_MNEMONIC_CMPSW, ZYDIS_MNEMONIC_CMPSD },
	  both_fault,
	  "both operands of CMPS fault: their order is open",
	  300 },
	{ { ZYDIS_MNEMONIC_RET, ZYDIS_MNEMONIC_IRET, ZYDIS_MNEMONIC_IRETD, ZYDIS_MNEMONIC_CALL },
	  both_fault,
	  "two slots of a far frame fault: their order is open",
	  100 },
	{ { ZYDIS_MNEMONIC_CALL, ZYDIS_MNEMONIC_PUSHA, ZYDIS_MNEMONIC_PUSHAD,
	    ZYDIS_MNEMONIC_ENTER },
	  memory_of_fault,
	  "how much is stored before a fault is open",
	  150 },
	{ { ZYDIS_MNEMONIC_POPA, ZYDIS_MNEMONIC_POPAD },
	  registers_of_fault,
	  "AMD: POPA that faults leaves the registers it had loaded",
	  100 },
	{ { ZYDIS_MNEMONIC_ARPL }, memory_operand, "AMD: ARPL writes only if it must", 400 },
};

const char *judge_excuse(const struct trace *t, const struct outcome *soft,
			 const struct outcome *native, const char *field)
{
	for (unsigned i = 0; i < ARRAY_SIZE(excuse_table); i++) {
		bool named = !excuse_table[i].mnemonic[0];

		for (unsigned m = 0; m < MNEMONICS; m++)
			named |= t->known && t->last.mnemonic &&
				 t->last.mnemonic == excuse_table[i].mnemonic[m];
		if (named && excuse_table[i].applies(t, soft, native, field))
			return excuse_table[i].why;
	}
	return 0;
}

unsigned judge_most(const char *why)
{
	for (unsigned i = 0; i < ARRAY_SIZE(excuse_table); i++)
		if (excuse_table[i].why == why)
			return excuse_table[i].most;
	for (unsigned i = 0; i < ARRAY_SIZE(undefined_table); i++)
		if (!strcmp(undefined_table[i].why, why))
			return undefined_table[i].most;
	return why == undefined_flag ? MOST_UNDEFINED : MOST_UNFIT;
}

/* --- comparison ------------------------------------------------------------------------------- */

const char *judge_difference(const struct outcome *soft, const struct outcome *native,
			     uint32_t undefined)
{
	static const char *const gpr[X86_GPRS] = { "EAX", "ECX", "EDX", "EBX",
						   "ESP", "EBP", "ESI", "EDI" };
	static const char *const sreg[6] = { "ES", "CS", "SS", "DS", "FS", "GS" };

	if (soft->vector != native->vector)
		return "vector";
	if (soft->error != native->error)
		return "error code";
	if (soft->eip != native->eip)
		return "EIP";
	if (soft->cr2 != native->cr2)
		return "CR2";
	for (unsigned r = 0; r < X86_GPRS; r++) {
		if (soft->gpr[r] != native->gpr[r])
			return gpr[r];
	}
	for (unsigned r = 0; r < 6; r++) {
		/*
		 * A null selector with an RPL: the return from the kernel to the handler clears
		 * it, since its DPL counts as 0 (SDM vol. 2, IRET, return to outer level).
		 */
		if (soft->seg[r] != native->seg[r] && (native->seg[r] || soft->seg[r] > 3))
			return sreg[r];
	}
	if ((soft->eflags ^ native->eflags) & ~undefined)
		return "EFLAGS";
	return 0;
}
