// SPDX-License-Identifier: MIT
#include "x86/debug.h"
#include "x86/mem.h"
#include "x86/segment.h"

#define IDT_GATE_BYTES 8u
#define ERROR_EXT 1u /* bits of an error code (SDM vol. 3, 6.13) */
#define ERROR_IDT 2u

/*
 * A fault while delivering a benign event is delivered in its turn (table 6-5), so that a guest can
 * build an endless chain (#AC on the frame of #AC). Hardware hangs there; we shut down.
 */
#define CHAIN_LIMIT 16u

/* --- frames that calls and events push -------------------------------------------------------- */

void frame_begin(const struct cpu *c, struct frame *f, unsigned width)
{
	f->ss = c->seg[X86_SS];
	f->inner = false;
	f->cpl = c->cpl;
	f->width = (uint8_t)width;
	f->words = 0;
	f->esp = c->gpr[X86_ESP];
}

/* SS:ESP of level `cpl` from a 32-bit or 16-bit TSS (vol. 3, figures 7-2 and 7-10). */
static bool tss_stack(struct cpu *c, const struct insn *i, unsigned cpl, uint16_t *selector,
		      uint32_t *esp)
{
	const struct x86_segment *tr = &c->seg[X86_TR];
	unsigned width = attr_system_type(tr->attr) & 8 ? 4 : 2;
	uint32_t at = width == 4 ? cpl * 8 + 4 : cpl * 4 + 2;
	uint32_t ss;

	if (at + width + 1 > tr->limit)
		return cpu_fault_false(c, i, VEC_TS, selector_error(tr->selector));
	if (!lin_read(c, i, tr->base + at, width, 0, esp) ||
	    !lin_read(c, i, tr->base + at + width, 2, 0, &ss))
		return false;
	*selector = (uint16_t)ss;
	return true;
}

bool frame_begin_inner(struct cpu *c, const struct insn *i, struct frame *f, unsigned width,
		       unsigned cpl)
{
	uint16_t selector = 0, attr;

	frame_begin(c, f, width);
	if (!tss_stack(c, i, cpl, &selector, &f->esp))
		return false;
	if (!descriptor_read(c, i, selector, VEC_TS, &f->desc))
		return false;
	attr = descriptor_attr(&f->desc);
	if (selector_rpl(c, selector) != cpl || SEG_DPL(attr) != cpl || !attr_is_writable(attr))
		return cpu_fault_false(c, i, VEC_TS, selector_error(selector));
	if (!(attr & SEG_P))
		return cpu_fault_false(c, i, VEC_SS, selector_error(selector));
	f->ss = segment_of(selector, &f->desc);
	f->inner = true;
	f->cpl = (uint8_t)cpl;
	return true;
}

void frame_push(struct frame *f, uint32_t value)
{
	f->word[f->words++] = value;
}

static uint32_t frame_offset(const struct frame *f, unsigned words)
{
	return (f->esp - words * f->width) & (f->ss.attr & SEG_DB ? 0xffffffff : 0xffff);
}

static unsigned frame_access(const struct frame *f)
{
	return f->cpl == 3 ? ACCESS_USER : 0;
}

bool frame_check(struct cpu *c, const struct insn *i, const struct frame *f)
{
	gva_t probed = 0; /* a page is asked for once */

	for (unsigned n = 1; n <= f->words; n++) {
		uint32_t at = frame_offset(f, n);
		gva_t lin = f->ss.base + at;

		if (!segment_allows(&f->ss, at, f->width))
			return cpu_fault_false(c, i, VEC_SS,
					       f->inner ? selector_error(f->ss.selector) : 0);
		if (n > 1 && lin >> PAGE_SHIFT == probed >> PAGE_SHIFT &&
		    (lin + f->width - 1) >> PAGE_SHIFT == probed >> PAGE_SHIFT)
			continue;
		if (!lin_probe_write(c, i, lin, f->width, frame_access(f)))
			return false;
		probed = lin;
	}
	return true;
}

bool frame_store(struct cpu *c, const struct insn *i, struct frame *f)
{
	if (f->inner && !descriptor_set_accessed(c, i, &f->desc))
		return false;
	for (unsigned n = 1; n <= f->words; n++)
		if (!lin_write(c, i, f->ss.base + frame_offset(f, n), f->width, frame_access(f),
			       f->word[n - 1]))
			return false;
	return true;
}

void stack_pointer_set(struct cpu *c, uint32_t esp)
{
	reg_write(c, X86_ESP * 4, stack_size(c), esp);
}

void frame_commit(struct cpu *c, const struct frame *f)
{
	if (f->inner)
		segment_fill(c, X86_SS, f->ss.selector, &f->desc);
	stack_pointer_set(c, frame_offset(f, f->words));
}

/* --- entering a handler ----------------------------------------------------------------------- */

/* What the IDT says about one vector. */
struct gate {
	struct descriptor code;
	uint16_t selector;
	uint32_t eip;
	uint8_t width; /* 2 or 4 */
	bool trap;     /* leaves IF as it is */
	uint8_t cpl;   /* of the handler */
};

/* INT n, INT3 and INTO ask for rights to the gate; their faults do not count as external. */
static bool event_is_software(const struct exception *e)
{
	return e->soft && !e->icebp;
}

static bool gate_read(struct cpu *c, const struct insn *i, const struct exception *e,
		      struct gate *g)
{
	uint32_t error = e->vector * IDT_GATE_BYTES + ERROR_IDT;
	gva_t at = c->idtr.base + e->vector * IDT_GATE_BYTES;
	uint32_t low, high, type;

	if (e->vector * IDT_GATE_BYTES + IDT_GATE_BYTES - 1 > c->idtr.limit)
		return cpu_fault_false(c, i, VEC_GP, error);
	if (!lin_read(c, i, at, 4, 0, &low) || !lin_read(c, i, at + 4, 4, 0, &high))
		return false;
	type = high >> 8 & (SEG_S | SEG_TYPE);
	if (type != SYS_TASK && (type & ~9u) != SYS_INT16)
		return cpu_fault_false(c, i, VEC_GP, error);
	if (event_is_software(e) && SEG_DPL(high >> 8) < c->cpl)
		return cpu_fault_false(c, i, VEC_GP, error);
	if (!(high >> 8 & SEG_P))
		return cpu_fault_false(c, i, VEC_NP, error);
	if (type == SYS_TASK)
		return cpu_unsupported_false(c, i, "task gate in the IDT: hardware task switching");
	g->selector = (uint16_t)(low >> 16);
	g->width = type & 8 ? 4 : 2;
	g->eip = (low & 0xffff) | (g->width == 4 ? high & 0xffff0000 : 0);
	g->trap = type & 1;
	return true;
}

/* The handler's code segment (SDM vol. 2, INT n: "TRAP-OR-INTERRUPT-GATE"). */
static bool gate_code(struct cpu *c, const struct insn *i, struct gate *g)
{
	uint16_t attr;

	if (!descriptor_read(c, i, g->selector, VEC_GP, &g->code))
		return false;
	attr = descriptor_attr(&g->code);
	if (!attr_is_code(attr) || SEG_DPL(attr) > c->cpl)
		return cpu_fault_false(c, i, VEC_GP, selector_error(g->selector));
	if (!(attr & SEG_P))
		return cpu_fault_false(c, i, VEC_NP, selector_error(g->selector));
	g->cpl = attr_is_conforming(attr) ? c->cpl : SEG_DPL(attr);
	return true;
}

/*
 * EFLAGS.RF in the pushed image is one for faults, so that IRET returns past an instruction
 * breakpoint, and as it is for all else; #DB counts as "all else" (vol. 3, 17.3.1.1).
 */
static uint32_t event_rf(const struct exception *e)
{
	const uint32_t faults = 1u << VEC_DE | 1u << VEC_BR | 1u << VEC_UD | 1u << VEC_NM |
				1u << VEC_TS | 1u << VEC_NP | 1u << VEC_SS | 1u << VEC_GP |
				1u << VEC_PF | 1u << VEC_MF | 1u << VEC_AC | 1u << VEC_XM;

	if (e->soft || e->icebp || e->external || e->vector >= 32)
		return 0;
	return faults >> e->vector & 1 ? EFLAGS_RF : 0;
}

static bool event_frame(struct cpu *c, const struct insn *i, const struct exception *e,
			uint32_t return_eip, const struct gate *g, struct frame *f)
{
	if (g->cpl == c->cpl)
		frame_begin(c, f, g->width);
	else if (!frame_begin_inner(c, i, f, g->width, g->cpl))
		return false;
	if (f->inner) {
		frame_push(f, c->seg[X86_SS].selector);
		frame_push(f, c->gpr[X86_ESP]);
	}
	frame_push(f, cpu_eflags(c) | event_rf(e));
	frame_push(f, c->seg[X86_CS].selector);
	frame_push(f, return_eip);
	if (e->has_error)
		frame_push(f, e->error);
	return true;
}

static void event_commit(struct cpu *c, const struct exception *e, const struct gate *g,
			 const struct frame *f)
{
	c->cpl = g->cpl;
	c->eflags &= ~(EFLAGS_TF | EFLAGS_VM | EFLAGS_RF | EFLAGS_NT);
	if (!g->trap)
		c->eflags &= ~EFLAGS_IF;
	segment_fill(c, X86_CS, (uint16_t)((g->selector & ~3u) | g->cpl), &g->code);
	frame_commit(c, f);
	/* TF is off in the handler, also for the step that began with it (17.3.1.4) */
	c->tf_at_start = false;
	if (e->soft || e->external)
		return;
	if (e->vector == VEC_DB)
		c->dr[7] &= ~DR7_GD;
	if (e->vector == VEC_PF)
		c->page_faults++;
}

/* Everything that can fault, then the commit; *eip is the handler's. */
static bool event_enter(struct cpu *c, const struct insn *i, const struct exception *e,
			uint32_t return_eip, uint32_t *eip)
{
	struct gate g;
	struct frame f;

	if (!gate_read(c, i, e, &g) || !gate_code(c, i, &g) ||
	    !event_frame(c, i, e, return_eip, &g, &f) || !frame_check(c, i, &f))
		goto fault;
	if (g.eip > descriptor_limit(&g.code)) {
		cpu_fault_false(c, i, VEC_GP, 0);
		goto fault;
	}
	if (!descriptor_set_accessed(c, i, &g.code) || !frame_store(c, i, &f))
		goto fault;
	event_commit(c, e, &g, &f);
	*eip = g.eip;
	return true;
fault:
	if (c->fault && !event_is_software(e) && c->pending.vector >= VEC_TS &&
	    c->pending.vector <= VEC_GP)
		c->pending.error |= ERROR_EXT;
	return false;
}

const struct insn *interrupt_software(struct cpu *c, const struct insn *i,
				      const struct exception *e)
{
	uint32_t eip;

	if (!event_enter(c, i, e, insn_next_eip(c, i), &eip))
		return NULL;
	return cpu_leave(c, i, eip);
}

/* --- faults that meet ------------------------------------------------------------------------- */

/* SDM vol. 3, table 6-4; what is not named is benign. */
enum event_class { EVENT_BENIGN, EVENT_CONTRIBUTORY, EVENT_PAGE_FAULT, EVENT_DOUBLE };

static enum event_class event_class(const struct exception *e)
{
	static const uint8_t classes[] = {
		[VEC_DE] = EVENT_CONTRIBUTORY, [VEC_DF] = EVENT_DOUBLE,
		[VEC_TS] = EVENT_CONTRIBUTORY, [VEC_NP] = EVENT_CONTRIBUTORY,
		[VEC_SS] = EVENT_CONTRIBUTORY, [VEC_GP] = EVENT_CONTRIBUTORY,
		[VEC_PF] = EVENT_PAGE_FAULT,
	};

	if (e->soft || e->icebp || e->external || e->vector >= ARRAY_SIZE(classes))
		return EVENT_BENIGN;
	return classes[e->vector];
}

enum event_next { NEXT_SECOND, NEXT_DOUBLE, NEXT_SHUTDOWN };

/* SDM vol. 3, table 6-5: what follows when `second` came up while `first` was delivered. */
static enum event_next event_next(const struct exception *first, const struct exception *second)
{
	static const uint8_t next[][EVENT_DOUBLE] = {
		/* second: BENIGN, CONTRIBUTORY, PAGE_FAULT */
		[EVENT_BENIGN] = { NEXT_SECOND, NEXT_SECOND, NEXT_SECOND },
		[EVENT_CONTRIBUTORY] = { NEXT_SECOND, NEXT_DOUBLE, NEXT_SECOND },
		[EVENT_PAGE_FAULT] = { NEXT_SECOND, NEXT_DOUBLE, NEXT_DOUBLE },
		[EVENT_DOUBLE] = { NEXT_SECOND, NEXT_SHUTDOWN, NEXT_SHUTDOWN },
	};

	return next[event_class(first)][event_class(second)];
}

static struct x86_fault_record *event_log(struct cpu *c, const struct exception *e)
{
	struct x86_fault_record *r = &c->log.record[c->log.next++ % X86_FAULT_LOG];

	*r = (struct x86_fault_record){
		.vector = e->vector,
		.has_error = e->has_error,
		.error = e->error,
		.eip = c->eip,
		.cs = c->seg[X86_CS].selector,
		.cr2 = c->cr2,
		.icount = x86_icount(c),
	};
	return r;
}

static bool interrupt_shutdown(struct cpu *c)
{
	c->fault = false;
	c->stop_reason = X86_STOP_SHUTDOWN;
	return false;
}

bool interrupt_deliver(struct cpu *c)
{
	struct exception e = c->pending;

	c->halted = c->sti_shadow = c->mov_ss_shadow = false;
	c->debug_trap = false;
	c->dr6_pending = 0;
	/*
	 * The attempt counts, so that time goes on in a guest that does nothing but fault, or whose
	 * interrupts never let it run.
	 */
	c->icount++;
	for (unsigned chain = 0; chain < CHAIN_LIMIT; chain++) {
		struct x86_fault_record *r = e.external ? NULL : event_log(c, &e);

		c->fault = false;
		if (event_enter(c, NULL, &e, c->eip, &c->eip)) {
			if (r)
				r->delivered = true;
			/*
			 * a data breakpoint on the frame traps before the handler's first
			 * instruction
			 */
			if (c->debug_trap)
				debug_after(c);
			return true;
		}
		if (!c->fault)
			return false;
		switch (event_next(&e, &c->pending)) {
		case NEXT_SECOND:
			e = c->pending;
			break;
		case NEXT_DOUBLE:
			e = (struct exception){ .vector = VEC_DF, .has_error = true };
			break;
		case NEXT_SHUTDOWN:
			event_log(c, &c->pending);
			return interrupt_shutdown(c);
		}
	}
	return interrupt_shutdown(c);
}

void x86_interrupt(struct cpu *c, uint8_t vector)
{
	c->pending = (struct exception){ .vector = vector, .external = true };
	interrupt_deliver(c);
}

void x86_exception(struct cpu *c, uint8_t vector, uint32_t error, uint32_t cr2)
{
	if (vector == VEC_PF)
		c->cr2 = cr2;
	cpu_fault_false(c, NULL, vector, error);
	interrupt_deliver(c);
}
