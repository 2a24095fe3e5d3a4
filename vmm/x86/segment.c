// SPDX-License-Identifier: MIT
#include "x86/segment.h"

#include "x86/mem.h"

#define SELECTOR_INDEX 0xfff8u
#define DESCRIPTOR_BYTES 8u
#define DESCRIPTOR_TYPE_BYTE 5u /* holds the type, S, DPL and P */

/* Where the descriptor of a non-null selector lies; false outside its table. */
static bool descriptor_locate(const struct cpu *c, uint16_t selector, gva_t *at)
{
	uint32_t offset = selector & SELECTOR_INDEX;
	uint32_t base = c->gdtr.base, limit = c->gdtr.limit;

	if (selector_is_null(selector))
		return false;
	if (selector & SELECTOR_LDT) {
		if (!(c->seg[X86_LDTR].attr & SEG_P))
			return false;
		base = c->seg[X86_LDTR].base;
		limit = c->seg[X86_LDTR].limit;
	}
	*at = base + offset;
	return offset + DESCRIPTOR_BYTES - 1 <= limit;
}

static bool descriptor_fetch(struct cpu *c, const struct insn *i, struct descriptor *d)
{
	return lin_read(c, i, d->at, 4, 0, &d->low) && lin_read(c, i, d->at + 4, 4, 0, &d->high);
}

bool descriptor_read(struct cpu *c, const struct insn *i, uint16_t selector, uint8_t vector,
		     struct descriptor *d)
{
	if (!descriptor_locate(c, selector, &d->at))
		return cpu_fault_false(c, i, vector, selector_error(selector));
	return descriptor_fetch(c, i, d);
}

bool descriptor_peek(struct cpu *c, const struct insn *i, uint16_t selector, struct descriptor *d)
{
	return descriptor_locate(c, selector, &d->at) && descriptor_fetch(c, i, d);
}

/* Set bits of the type in memory and in *d, unless they are set. */
static bool descriptor_set_type(struct cpu *c, const struct insn *i, struct descriptor *d,
				uint32_t bits)
{
	uint32_t high = d->high | bits << 8;

	if (high != d->high &&
	    !lin_write(c, i, d->at + DESCRIPTOR_TYPE_BYTE, 1, 0, high >> 8 & 0xff))
		return false;
	d->high = high;
	return true;
}

bool descriptor_set_accessed(struct cpu *c, const struct insn *i, struct descriptor *d)
{
	return descriptor_set_type(c, i, d, SEG_ACCESSED);
}

bool descriptor_set_busy(struct cpu *c, const struct insn *i, struct descriptor *d)
{
	return descriptor_set_type(c, i, d, SYS_TSS_BUSY);
}

struct x86_segment segment_of(uint16_t selector, const struct descriptor *d)
{
	return (struct x86_segment){
		.selector = selector,
		.attr = descriptor_attr(d),
		.base = descriptor_base(d),
		.limit = descriptor_limit(d),
	};
}

void segment_fill(struct cpu *c, unsigned sreg, uint16_t selector, const struct descriptor *d)
{
	c->seg[sreg] = segment_of(selector, d);
	cpu_mode_changed(c);
}

void segment_fill_null(struct cpu *c, unsigned sreg, uint16_t selector)
{
	c->seg[sreg] = (struct x86_segment){ .selector = selector };
	cpu_mode_changed(c);
}

/* SDM vol. 2, MOV: "IF SS is loaded". */
static bool stack_check(struct cpu *c, const struct insn *i, uint16_t selector,
			struct descriptor *d)
{
	uint16_t attr;

	if (!descriptor_read(c, i, selector, VEC_GP, d))
		return false;
	attr = descriptor_attr(d);
	if (selector_rpl(c, selector) != c->cpl || !attr_is_writable(attr) ||
	    SEG_DPL(attr) != c->cpl)
		return cpu_fault_false(c, i, VEC_GP, selector_error(selector));
	if (!(attr & SEG_P))
		return cpu_fault_false(c, i, VEC_SS, selector_error(selector));
	return true;
}

/* SDM vol. 2, MOV: "IF DS, ES, FS, or GS is loaded with non-NULL selector". */
static bool data_check(struct cpu *c, const struct insn *i, uint16_t selector, struct descriptor *d)
{
	uint16_t attr;

	if (!descriptor_read(c, i, selector, VEC_GP, d))
		return false;
	attr = descriptor_attr(d);
	if (!attr_is_readable(attr) ||
	    (!attr_is_conforming(attr) &&
	     (selector_rpl(c, selector) > SEG_DPL(attr) || c->cpl > SEG_DPL(attr))))
		return cpu_fault_false(c, i, VEC_GP, selector_error(selector));
	if (!(attr & SEG_P))
		return cpu_fault_false(c, i, VEC_NP, selector_error(selector));
	return true;
}

bool segment_load(struct cpu *c, const struct insn *i, unsigned sreg, uint16_t selector)
{
	struct descriptor d;

	if (sreg != X86_SS && selector_is_null(selector)) {
		segment_fill_null(c, sreg, selector);
		return true;
	}
	if (sreg == X86_SS ? !stack_check(c, i, selector, &d) : !data_check(c, i, selector, &d))
		return false;
	if (!descriptor_set_accessed(c, i, &d))
		return false;
	segment_fill(c, sreg, selector, &d);
	return true;
}
