// SPDX-License-Identifier: MIT
/*
 * String instructions (Intel SDM vol. 2, each instruction's own page and REP).
 *
 * A step does at least one element and tells how many it did; string_run() repeats steps and keeps
 * the counter. A step commits SI and DI only after all that can fault, so that an instruction which
 * is left half-way, by a fault, a trap or a kick, goes on from its registers when it runs again.
 *
 * Going up in memory, a step does at once what lies on one page of each operand, through host
 * pointers; the result is that of element after element, also where the operands overlap.
 */
#include <string.h>

#include "x86/cpu.h"
#include "x86/debug.h"
#include "x86/flags.h"
#include "x86/mem.h"
#include "x86/ops.h"

#define EAX (X86_EAX * 4)
#define ECX (X86_ECX * 4)
#define EDX (X86_EDX * 4)
#define ESI (X86_ESI * 4)
#define EDI (X86_EDI * 4)

/* Elements that a repeated instruction may do before it looks whether it is asked to leave. */
#define STRING_BURST 65536u

/* i->sub: what ends a repetition besides the counter. */
enum string_kind {
	STRING_PLAIN,
	STRING_COMPARE, /* ZF */
	STRING_PORT	/* each element may raise an interrupt */
};

/*
 * Do 1 to `count` elements, move SI and DI past them, and tell their number in *done.
 * False: the first one faulted, and nothing changed.
 */
typedef bool (*string_step)(struct cpu *c, const struct insn *i, uint32_t count, uint32_t *done);

/* One operand of a step. */
struct string_side {
	uint32_t offset; /* in its segment */
	uint8_t *host;	 /* of the first element, or NULL: one element, by mem_read or mem_write */
	uint32_t count;	 /* elements from there that `host` serves */
};

/* Bytes from `offset`, which is inside segment `seg`, to its end; no more than a page. */
static uint32_t segment_room(const struct cpu *c, const struct insn *i, unsigned seg,
			     uint32_t offset)
{
	const struct x86_segment *s = &c->seg[seg];
	uint32_t last = s->limit;

	if ((s->attr & (SEG_CODE | SEG_EXPDOWN)) == SEG_EXPDOWN)
		last = s->attr & SEG_DB ? 0xffffffff : 0xffff;
	if (last > size_mask(i->addrsize))
		last = size_mask(i->addrsize);
	return last - offset < PAGE_BYTES ? last - offset + 1 : PAGE_BYTES;
}

/*
 * Look where the operand at `reg` of segment `seg` lies. False: it lies outside the segment, which
 * is recorded. A page that is not there is left to the element's own access, which then faults.
 */
static bool string_locate(struct cpu *c, const struct insn *i, unsigned seg, uint8_t reg,
			  unsigned kind, uint32_t count, struct string_side *s)
{
	uint32_t room;
	gva_t lin;

	s->offset = reg_read(c, reg, i->addrsize);
	s->host = NULL;
	s->count = 1;
	if (count == 1 || c->eflags & EFLAGS_DF || c->align_check)
		return true;
	if (!mem_linear(c, i, seg, s->offset, i->opsize, kind, &lin))
		return false;
	room = segment_room(c, i, seg, s->offset);
	if (room > PAGE_BYTES - (lin & PAGE_OFFSET_MASK))
		room = PAGE_BYTES - (lin & PAGE_OFFSET_MASK);
	room /= i->opsize;
	if (room < 2)
		return true;
	s->host = mem_host(c, lin, kind | cpu_user(c));
	s->count = room < count ? room : count;
	return true;
}

static void string_advance(struct cpu *c, const struct insn *i, uint8_t reg, uint32_t count)
{
	uint32_t bytes = count * i->opsize, at = reg_read(c, reg, i->addrsize);

	reg_write(c, reg, i->addrsize, c->eflags & EFLAGS_DF ? at - bytes : at + bytes);
}

static inline uint32_t element_load(const uint8_t *at, unsigned size)
{
	uint32_t v = 0;

	memcpy(&v, at, size);
	return v;
}

/*
 * Copy upwards. Where the destination begins inside the source, each element must see those copied
 * before it (the way to fill memory with a pattern).
 */
static void string_copy(uint8_t *to, const uint8_t *from, uint32_t count, unsigned size)
{
	uintptr_t ahead = (uintptr_t)to - (uintptr_t)from;
	uint32_t n, v;

	if (!ahead || ahead >= count * size) {
		memmove(to, from, count * size);
		return;
	}
	for (n = 0; n < count; n++) {
		v = element_load(from + n * size, size);
		memcpy(to + n * size, &v, size);
	}
}

static bool step_movs(struct cpu *c, const struct insn *i, uint32_t count, uint32_t *done)
{
	struct string_side from, to;
	uint32_t v;

	*done = 1;
	if (!string_locate(c, i, i->seg, ESI, ACCESS_READ, count, &from))
		return false;
	to.host = NULL;
	to.offset = reg_read(c, EDI, i->addrsize);
	if (from.host && !string_locate(c, i, X86_ES, EDI, ACCESS_WRITE, from.count, &to))
		return false;
	if (to.host) {
		*done = to.count;
		string_copy(to.host, from.host, to.count, i->opsize);
	} else if (!mem_read(c, i, i->seg, from.offset, i->opsize, &v) ||
		   !mem_write(c, i, X86_ES, to.offset, i->opsize, v)) {
		return false;
	}
	string_advance(c, i, ESI, *done);
	string_advance(c, i, EDI, *done);
	return true;
}

static bool step_stos(struct cpu *c, const struct insn *i, uint32_t count, uint32_t *done)
{
	struct string_side to;
	uint32_t n;

	*done = 1;
	if (!string_locate(c, i, X86_ES, EDI, ACCESS_WRITE, count, &to))
		return false;
	if (to.host) {
		*done = to.count;
		if (i->opsize == 1)
			memset(to.host, (uint8_t)c->gpr[X86_EAX], to.count);
		else
			for (n = 0; n < to.count; n++)
				memcpy(to.host + n * i->opsize, c->gpr, i->opsize);
	} else if (!mem_write(c, i, X86_ES, to.offset, i->opsize, c->gpr[X86_EAX])) {
		return false;
	}
	string_advance(c, i, EDI, *done);
	return true;
}

static bool step_lods(struct cpu *c, const struct insn *i, uint32_t count, uint32_t *done)
{
	uint32_t v;

	*done = 1;
	if (!mem_read(c, i, i->seg, reg_read(c, ESI, i->addrsize), i->opsize, &v))
		return false;
	reg_write(c, EAX, i->opsize, v);
	string_advance(c, i, ESI, 1);
	return true;
}

/*
 * Compare up to `count` elements, until one ends the repetition; how many were compared. `stride`
 * is 0 where the first operand is the accumulator.
 */
static uint32_t string_compare(struct cpu *c, const struct insn *i, const uint8_t *a,
			       unsigned stride, const uint8_t *b, uint32_t count)
{
	bool until_equal = i->flags & INSN_REPNE;
	uint32_t n = 0, x, y;

	do {
		x = element_load(a + n * stride, i->opsize);
		y = element_load(b + n * i->opsize, i->opsize);
		n++;
	} while (n < count && (x == y) != until_equal);
	flags_sub(c, x, y, x - y, i->opsize);
	return n;
}

static bool step_cmps(struct cpu *c, const struct insn *i, uint32_t count, uint32_t *done)
{
	struct string_side first, second;
	uint32_t a, b;

	*done = 1;
	if (!string_locate(c, i, i->seg, ESI, ACCESS_READ, count, &first))
		return false;
	second.host = NULL;
	second.offset = reg_read(c, EDI, i->addrsize);
	if (first.host && !string_locate(c, i, X86_ES, EDI, ACCESS_READ, first.count, &second))
		return false;
	if (second.host) {
		*done = string_compare(c, i, first.host, i->opsize, second.host, second.count);
	} else {
		if (!mem_read(c, i, i->seg, first.offset, i->opsize, &a) ||
		    !mem_read(c, i, X86_ES, second.offset, i->opsize, &b))
			return false;
		flags_sub(c, a, b, a - b, i->opsize);
	}
	string_advance(c, i, ESI, *done);
	string_advance(c, i, EDI, *done);
	return true;
}

static bool step_scas(struct cpu *c, const struct insn *i, uint32_t count, uint32_t *done)
{
	struct string_side s;
	uint32_t a = reg_read(c, EAX, i->opsize), b;

	*done = 1;
	if (!string_locate(c, i, X86_ES, EDI, ACCESS_READ, count, &s))
		return false;
	if (s.host) {
		*done = string_compare(c, i, (const uint8_t *)c->gpr, 0, s.host, s.count);
	} else {
		if (!mem_read(c, i, X86_ES, s.offset, i->opsize, &b))
			return false;
		flags_sub(c, a, b, a - b, i->opsize);
	}
	string_advance(c, i, EDI, *done);
	return true;
}

/* The memory must be writable before the port is read: what a device gave cannot be put back. */
static bool step_ins(struct cpu *c, const struct insn *i, uint32_t count, uint32_t *done)
{
	uint32_t offset = reg_read(c, EDI, i->addrsize), v;
	uint16_t port = (uint16_t)reg_read(c, EDX, 2);

	*done = 1;
	if (!io_allowed(c, i, port, i->opsize) || !mem_probe_write(c, i, X86_ES, offset, i->opsize))
		return false;
	debug_io(c, port, i->opsize);
	cpu_sync(c, i);
	v = c->env.io_read(c->env.ctx, port, i->opsize);
	if (!mem_write(c, i, X86_ES, offset, i->opsize, v))
		return false;
	string_advance(c, i, EDI, 1);
	return true;
}

static bool step_outs(struct cpu *c, const struct insn *i, uint32_t count, uint32_t *done)
{
	uint16_t port = (uint16_t)reg_read(c, EDX, 2);
	uint32_t v;

	*done = 1;
	if (!io_allowed(c, i, port, i->opsize) ||
	    !mem_read(c, i, i->seg, reg_read(c, ESI, i->addrsize), i->opsize, &v))
		return false;
	string_advance(c, i, ESI, 1);
	debug_io(c, port, i->opsize);
	cpu_sync(c, i);
	c->env.io_write(c->env.ctx, port, i->opsize, v);
	return true;
}

/* What a finished instruction returns: those that do I/O end their block. */
static inline const struct insn *string_finish(struct cpu *c, const struct insn *i)
{
	return i->sub == STRING_PORT ? cpu_leave_next(c, i) : i + 1;
}

/* One step more: has the run done all it may? */
static inline bool string_exhausted(struct cpu *c)
{
	c->rep_steps++;
	return x86_work(c) >= c->work_limit;
}

static inline bool string_kicked(struct cpu *c)
{
	return atomic_load_explicit(&c->kick, memory_order_relaxed);
}

/*
 * Repeat while the counter, CX or ECX, is not zero and ZF does not say otherwise. Traps come after
 * each element (SDM vol. 3, 17.3.1.2 and 17.3.1.4), with EIP at the instruction while elements are
 * left. A fault in CMPS and SCAS leaves the flags as they were before the instruction (REP).
 */
static const struct insn *string_repeat(struct cpu *c, const struct insn *i, string_step step)
{
	uint32_t result = c->flag_result, aux = c->flag_aux;
	bool single = c->eflags & EFLAGS_TF;
	uint32_t budget = single || i->sub == STRING_PORT ? 1 : STRING_BURST;
	uint32_t left = reg_read(c, ECX, i->addrsize), burst = 0, done;

	/* CPUs check the port first, also when there is nothing to repeat. */
	if (i->sub == STRING_PORT && !io_allowed(c, i, (uint16_t)reg_read(c, EDX, 2), i->opsize))
		return NULL;
	while (left) {
		if (!burst)
			burst = budget;
		if (!step(c, i, left < burst ? left : burst, &done)) {
			c->flag_result = result;
			c->flag_aux = aux;
			return NULL;
		}
		left -= done;
		burst -= done;
		reg_write(c, ECX, i->addrsize, left);
		if (i->sub == STRING_COMPARE && flag_zf(c) == !!(i->flags & INSN_REPNE))
			break;
		if (!left)
			break;
		if (c->debug_trap || string_exhausted(c) ||
		    (!burst && (single || string_kicked(c)))) {
			/* what comes in between finds RF set (SDM vol. 3, 17.3.1.1) */
			c->eflags |= EFLAGS_RF;
			cpu_interrupt_insn(c, i);
			return NULL;
		}
	}
	return string_finish(c, i);
}

static inline const struct insn *string_run(struct cpu *c, const struct insn *i, string_step step)
{
	uint32_t done;

	if (i->flags & (INSN_REP | INSN_REPNE))
		return string_repeat(c, i, step);
	return step(c, i, 1, &done) ? string_finish(c, i) : NULL;
}

#define DEFINE_STRING_OP(name)                                                                     \
	static const struct insn *op_##name(struct cpu *c, const struct insn *i)                   \
	{                                                                                          \
		return string_run(c, i, step_##name);                                              \
	}

DEFINE_STRING_OP(movs)
DEFINE_STRING_OP(cmps)
DEFINE_STRING_OP(scas)
DEFINE_STRING_OP(lods)
DEFINE_STRING_OP(stos)
DEFINE_STRING_OP(ins)
DEFINE_STRING_OP(outs)

const struct op_row ops_string[] = {
	{ ZYDIS_MNEMONIC_MOVSB, OPV_NORMAL, STRING_PLAIN, 0, op_movs },
	{ ZYDIS_MNEMONIC_MOVSW, OPV_NORMAL, STRING_PLAIN, 0, op_movs },
	{ ZYDIS_MNEMONIC_MOVSD, OPV_NORMAL, STRING_PLAIN, 0, op_movs },
	{ ZYDIS_MNEMONIC_CMPSB, OPV_NORMAL, STRING_COMPARE, 0, op_cmps },
	{ ZYDIS_MNEMONIC_CMPSW, OPV_NORMAL, STRING_COMPARE, 0, op_cmps },
	{ ZYDIS_MNEMONIC_CMPSD, OPV_NORMAL, STRING_COMPARE, 0, op_cmps },
	{ ZYDIS_MNEMONIC_SCASB, OPV_NORMAL, STRING_COMPARE, 0, op_scas },
	{ ZYDIS_MNEMONIC_SCASW, OPV_NORMAL, STRING_COMPARE, 0, op_scas },
	{ ZYDIS_MNEMONIC_SCASD, OPV_NORMAL, STRING_COMPARE, 0, op_scas },
	{ ZYDIS_MNEMONIC_LODSB, OPV_NORMAL, STRING_PLAIN, 0, op_lods },
	{ ZYDIS_MNEMONIC_LODSW, OPV_NORMAL, STRING_PLAIN, 0, op_lods },
	{ ZYDIS_MNEMONIC_LODSD, OPV_NORMAL, STRING_PLAIN, 0, op_lods },
	{ ZYDIS_MNEMONIC_STOSB, OPV_NORMAL, STRING_PLAIN, 0, op_stos },
	{ ZYDIS_MNEMONIC_STOSW, OPV_NORMAL, STRING_PLAIN, 0, op_stos },
	{ ZYDIS_MNEMONIC_STOSD, OPV_NORMAL, STRING_PLAIN, 0, op_stos },
	{ ZYDIS_MNEMONIC_INSB, OPV_NORMAL, STRING_PORT, OP_END, op_ins },
	{ ZYDIS_MNEMONIC_INSW, OPV_NORMAL, STRING_PORT, OP_END, op_ins },
	{ ZYDIS_MNEMONIC_INSD, OPV_NORMAL, STRING_PORT, OP_END, op_ins },
	{ ZYDIS_MNEMONIC_OUTSB, OPV_NORMAL, STRING_PORT, OP_END, op_outs },
	{ ZYDIS_MNEMONIC_OUTSW, OPV_NORMAL, STRING_PORT, OP_END, op_outs },
	{ ZYDIS_MNEMONIC_OUTSD, OPV_NORMAL, STRING_PORT, OP_END, op_outs },
	{ ZYDIS_MNEMONIC_INVALID, OPV_NORMAL, 0, 0, NULL },
};
