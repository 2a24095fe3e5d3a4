/* SPDX-License-Identifier: MIT */
/*
 * Descriptors, segment registers, and the ways control moves between privilege levels: what the
 * far branches, the IDT and IRET share. For the files of x86/ alone.
 *
 * Functions that can fault return false with the exception recorded. Their `i` may be NULL while
 * an event is delivered: no instruction is at work then, and c->eip is exact.
 */
#ifndef VMM_X86_SEGMENT_H
#define VMM_X86_SEGMENT_H

#include "x86/cpu.h"

/* --- selectors -------------------------------------------------------------------------------- */

static inline bool selector_is_null(uint16_t selector)
{
	return !(selector & 0xfffc);
}

static inline unsigned selector_rpl(const struct cpu *c, uint16_t selector)
{
	unsigned rpl = selector & 3;

	return rpl == 1 && c->env.ring1 ? 0 : rpl;
}

/* The error code that names a selector: index and TI; EXT is added by delivery (vol. 3, 6.13). */
static inline uint32_t selector_error(uint16_t selector)
{
	return selector & 0xfffc;
}

/* --- descriptors ------------------------------------------------------------------------------ */

/* A descriptor as it lies in the table, and unpacked. */
struct descriptor {
	uint32_t low, high;
	gva_t at; /* where it was read: to set the accessed or busy bit */
};

static inline uint16_t descriptor_attr(const struct descriptor *d)
{
	return (uint16_t)(d->high >> 8 & 0xf0ff);
}

static inline uint32_t descriptor_base(const struct descriptor *d)
{
	return d->low >> 16 | (d->high & 0xff) << 16 | (d->high & 0xff000000);
}

/* In bytes, granularity applied: the last valid offset. */
static inline uint32_t descriptor_limit(const struct descriptor *d)
{
	uint32_t limit = (d->low & 0xffff) | (d->high & 0xf0000);

	return d->high & 1u << 23 ? limit << 12 | 0xfff : limit;
}

static inline bool attr_is_code(uint16_t attr)
{
	return (attr & (SEG_S | SEG_CODE)) == (SEG_S | SEG_CODE);
}

static inline bool attr_is_conforming(uint16_t attr)
{
	return attr_is_code(attr) && attr & SEG_EXPDOWN;
}

/* Data, or code that may be read. */
static inline bool attr_is_readable(uint16_t attr)
{
	return attr & SEG_S && (attr & (SEG_CODE | SEG_WRITE)) != SEG_CODE;
}

static inline bool attr_is_writable(uint16_t attr)
{
	return (attr & (SEG_S | SEG_CODE | SEG_WRITE)) == (SEG_S | SEG_WRITE);
}

/* The type of a system descriptor (SYS_*); SYS_NONE for code and data. */
#define SYS_NONE 0u

static inline unsigned attr_system_type(uint16_t attr)
{
	return attr & SEG_S ? SYS_NONE : attr & SEG_TYPE;
}

/* In a selector: it names a descriptor of the LDT. */
#define SELECTOR_LDT 4u

/* The bit that tells SYS_TSS16_BUSY from SYS_TSS16, and SYS_TSS32_BUSY from SYS_TSS32. */
#define SYS_TSS_BUSY 2u

/*
 * Read the descriptor that `selector` names, with supervisor rights. Null selector and one past
 * the table's limit, or an LDT that is not there: `vector`(selector & ~3) is recorded, false.
 */
bool descriptor_read(struct cpu *c, const struct insn *i, uint16_t selector, uint8_t vector,
		     struct descriptor *d);

/*
 * Read it without faulting on selector checks (LAR, VERR): false if out of the table; a page fault
 * on the table still faults: then c->fault is set.
 */
bool descriptor_peek(struct cpu *c, const struct insn *i, uint16_t selector, struct descriptor *d);

/* Set the accessed bit, or a TSS's busy bit, in memory if clear (and in *d). Page faults fail. */
bool descriptor_set_accessed(struct cpu *c, const struct insn *i, struct descriptor *d);
bool descriptor_set_busy(struct cpu *c, const struct insn *i, struct descriptor *d);

/* --- segment registers ------------------------------------------------------------------------ */

/* What a register's cache holds after a load of this descriptor. */
struct x86_segment segment_of(uint16_t selector, const struct descriptor *d);

/* Put a descriptor into a register's cache; cpu_mode_changed() is called. Cannot fail. */
void segment_fill(struct cpu *c, unsigned sreg, uint16_t selector, const struct descriptor *d);
/* Null selector: unusable. */
void segment_fill_null(struct cpu *c, unsigned sreg, uint16_t selector);

/* MOV Sreg, POP Sreg, LDS...: all checks of SDM vol. 2, MOV; for ES, DS, FS, GS and SS. */
bool segment_load(struct cpu *c, const struct insn *i, unsigned sreg, uint16_t selector);

/* --- frames that calls and events push -------------------------------------------------------- */

#define FRAME_WORDS 40u /* a call gate's 31 parameters and 4 more is the longest */

/*
 * What is pushed together: all or nothing. Begin on the current stack or on an inner one, push in
 * order, check and store (which can fail and change no register), then commit.
 */
struct frame {
	struct x86_segment ss;	/* as it will be */
	struct descriptor desc; /* of ss, when inner */
	bool inner;
	uint8_t cpl; /* at which the frame is written */
	uint8_t width;
	uint8_t words;
	uint32_t esp; /* before the first word */
	uint32_t word[FRAME_WORDS];
};

/* Words of `width` bytes (2 or 4) on the current stack. */
void frame_begin(const struct cpu *c, struct frame *f, unsigned width);
/*
 * On the stack that the TSS names for level `cpl` (SDM vol. 3, 5.8.5): #TS(TSS) or #TS(SS) and
 * #SS(SS) for its faults.
 */
bool frame_begin_inner(struct cpu *c, const struct insn *i, struct frame *f, unsigned width,
		       unsigned cpl);
void frame_push(struct frame *f, uint32_t value);
/* Is there room? #SS(0) for the current stack, #SS(SS) for an inner one, or #PF. */
bool frame_check(struct cpu *c, const struct insn *i, const struct frame *f);
/* Write the words, once checked. A descriptor table that cannot be written is #PF, still. */
bool frame_store(struct cpu *c, const struct insn *i, struct frame *f);
/* Load SS (if inner) and ESP. c->cpl is the caller's to set, before. */
void frame_commit(struct cpu *c, const struct frame *f);

/* ESP, or SP alone when `ss` is a 16-bit stack: then the upper half stays (vol. 3, 3.4.5). */
void stack_pointer_set(struct cpu *c, uint32_t esp);

/* --- events ----------------------------------------------------------------------------------- */

/*
 * Enter the handler of a software interrupt (INT n, INT3, INTO, INT1) of instruction i: the value
 * of the handler. A fault of the delivery is a fault of the instruction (vol. 3, 6.4.2).
 */
const struct insn *interrupt_software(struct cpu *c, const struct insn *i,
				      const struct exception *e);

/*
 * Enter the handler of c->pending through the IDT, raising #DF and shutting down as the SDM says
 * (vol. 3, 6.15 table 6-5). Clears c->fault. False: triple fault; c->stop_reason is set.
 */
bool interrupt_deliver(struct cpu *c);

#endif
