// SPDX-License-Identifier: MIT
#include "x86/mem.h"

#include <string.h>

#include "x86/block.h"
#include "x86/debug.h"

/* Must stores to the frame at `gpa`, which is RAM, be announced? */
static bool page_is_watched(const struct cpu *c, gpa_t gpa)
{
	return c->env.watched && c->env.watched[gpa >> PAGE_SHIFT];
}

/* Has every store to this frame to come by part_write()? */
static bool page_is_special(const struct cpu *c, gpa_t gpa)
{
	return block_page_has_code(c, gpa) || page_is_watched(c, gpa);
}

/* The parts of an access that lie on one page each: two at most. */
struct part {
	uint8_t *host; /* NULL: MMIO at gpa */
	gpa_t gpa;
	unsigned bytes;
};

struct span {
	struct part part[2];
	unsigned parts;
};

static bool page_fault(struct cpu *c, const struct insn *i, gva_t lin, uint32_t error)
{
	c->cr2 = lin;
	return cpu_fault_false(c, i, VEC_PF, error);
}

static bool part_translate(struct cpu *c, const struct insn *i, gva_t lin, unsigned bytes,
			   unsigned access, struct part *p)
{
	struct x86_mapping map;
	uint32_t error;

	if (!tlb_translate(c, lin, access, &map, &error))
		return page_fault(c, i, lin, error);
	p->gpa = map.frame + (lin & PAGE_OFFSET_MASK);
	p->bytes = bytes;
	p->host = c->env.page(c->env.ctx, map.frame);
	if (!p->host)
		return true;
	if (!(map.rights & MAP_ONCE) &&
	    ((access & ACCESS_KIND) != ACCESS_WRITE || !page_is_special(c, map.frame)))
		tlb_fill_fast(c, lin, access, p->host);
	p->host += lin & PAGE_OFFSET_MASK;
	return true;
}

/* All checks of one data access of up to 4096 bytes; nothing is read or written yet. */
static bool span_translate(struct cpu *c, const struct insn *i, gva_t lin, unsigned size,
			   unsigned access, struct span *s)
{
	unsigned first = PAGE_BYTES - (lin & PAGE_OFFSET_MASK);

	if (i)
		cpu_sync(c, i);
	s->parts = size > first ? 2 : 1;
	if (!part_translate(c, i, lin, s->parts == 2 ? first : size, access, &s->part[0]))
		return false;
	if (s->parts == 2 && !part_translate(c, i, lin + first, size - first, access, &s->part[1]))
		return false;
	if (unlikely(c->align_check) && access & ACCESS_USER && size <= 8 && lin & (size - 1))
		return cpu_fault_false(c, i, VEC_AC, 0);
	if (unlikely(debug_armed(c)))
		debug_access(c, lin, size, access & ACCESS_KIND);
	return true;
}

static void mmio_read(struct cpu *c, const struct part *p, uint8_t *to)
{
	unsigned step = p->bytes & (p->bytes - 1) ? 1 : p->bytes > 4 ? 4 : p->bytes;

	for (unsigned n = 0; n < p->bytes; n += step) {
		uint32_t v = c->env.mmio_read(c->env.ctx, p->gpa + n, step);

		memcpy(to + n, &v, step);
	}
}

static void mmio_write(struct cpu *c, const struct part *p, const uint8_t *from)
{
	unsigned step = p->bytes & (p->bytes - 1) ? 1 : p->bytes > 4 ? 4 : p->bytes;

	for (unsigned n = 0; n < p->bytes; n += step) {
		uint32_t v = 0;

		memcpy(&v, from + n, step);
		c->env.mmio_write(c->env.ctx, p->gpa + n, step, v);
	}
}

static void span_read(struct cpu *c, const struct span *s, void *to)
{
	uint8_t *at = to;

	for (unsigned n = 0; n < s->parts; at += s->part[n].bytes, n++) {
		const struct part *p = &s->part[n];

		if (p->host)
			memcpy(at, p->host, p->bytes);
		else
			mmio_read(c, p, at);
	}
}

static void part_write(struct cpu *c, const struct part *p, const uint8_t *from)
{
	if (!p->host) {
		mmio_write(c, p, from);
		return;
	}
	if (block_page_has_code(c, p->gpa))
		block_written(c, p->gpa, p->bytes);
	memcpy(p->host, from, p->bytes);
	if (unlikely(page_is_watched(c, p->gpa)))
		c->env.stored(c->env.ctx, p->gpa, p->bytes);
}

static void span_write(struct cpu *c, const struct span *s, const void *from)
{
	const uint8_t *at = from;

	for (unsigned n = 0; n < s->parts; at += s->part[n].bytes, n++)
		part_write(c, &s->part[n], at);
}

/* The fast array for an access, which may be an implicit one with supervisor rights at CPL 3. */
static inline const struct tlb_fast *fast_array(const struct cpu *c, unsigned access)
{
	if (!(access & ACCESS_USER) && c->cpl == 3 && c->tlb.fast != c->tlb.array[TLB_NO_MODE])
		return c->tlb.array[tlb_mode_of(c, 0)];
	return c->tlb.fast;
}

static inline uint32_t host_load(const uint8_t *host, unsigned size)
{
	uint32_t v = 0;

	if (size == 4)
		memcpy(&v, host, 4);
	else if (size == 2)
		memcpy(&v, host, 2);
	else
		memcpy(&v, host, 1);
	return v;
}

static inline void host_store(uint8_t *host, unsigned size, uint32_t v)
{
	if (size == 4)
		memcpy(host, &v, 4);
	else if (size == 2)
		memcpy(host, &v, 2);
	else
		memcpy(host, &v, 1);
}

bool lin_read(struct cpu *c, const struct insn *i, gva_t lin, unsigned size, unsigned access,
	      uint32_t *value)
{
	const uint8_t *host = tlb_fast_hit(fast_array(c, access), lin, size, ACCESS_READ);
	struct span s;

	if (likely(host)) {
		*value = host_load(host, size);
		return true;
	}
	if (!span_translate(c, i, lin, size, access | ACCESS_READ, &s))
		return false;
	*value = 0;
	span_read(c, &s, value);
	return true;
}

bool lin_write(struct cpu *c, const struct insn *i, gva_t lin, unsigned size, unsigned access,
	       uint32_t value)
{
	uint8_t *host = tlb_fast_hit(fast_array(c, access), lin, size, ACCESS_WRITE);
	struct span s;

	if (likely(host)) {
		host_store(host, size, value);
		return true;
	}
	if (!span_translate(c, i, lin, size, access | ACCESS_WRITE, &s))
		return false;
	span_write(c, &s, &value);
	return true;
}

bool lin_probe_write(struct cpu *c, const struct insn *i, gva_t lin, unsigned size, unsigned access)
{
	struct span s;

	return span_translate(c, i, lin, size, access | ACCESS_WRITE, &s);
}

bool segment_allows(const struct x86_segment *s, uint32_t offset, unsigned size)
{
	uint32_t last = offset + size - 1;

	if ((s->attr & (SEG_CODE | SEG_EXPDOWN)) == SEG_EXPDOWN) {
		uint32_t top = s->attr & SEG_DB ? 0xffffffff : 0xffff;

		return last >= offset && offset > s->limit && last <= top;
	}
	/*
	 * With a limit of 4 GiB, whether an access may wrap is up to the CPU (SDM vol. 3, 5.3).
	 * AMD's refuse it, and so do we.
	 */
	return last >= offset && last <= s->limit;
}

bool mem_linear(struct cpu *c, const struct insn *i, unsigned seg, uint32_t offset, unsigned size,
		unsigned kind, gva_t *lin)
{
	const struct x86_segment *s = &c->seg[seg];

	*lin = s->base + offset;
	if (likely(c->flat >> seg & 1) && likely(offset + (size - 1) >= offset))
		return true;
	if (!(s->attr & SEG_P))
		goto fault;
	if (kind == ACCESS_WRITE && (s->attr & (SEG_CODE | SEG_WRITE)) != SEG_WRITE)
		goto fault;
	if (kind == ACCESS_READ && (s->attr & (SEG_CODE | SEG_WRITE)) == SEG_CODE)
		goto fault;
	if (segment_allows(s, offset, size))
		return true;
fault:
	return cpu_fault_false(c, i, seg == X86_SS ? VEC_SS : VEC_GP, 0);
}

bool mem_read(struct cpu *c, const struct insn *i, unsigned seg, uint32_t offset, unsigned size,
	      uint32_t *value)
{
	gva_t lin;

	return mem_linear(c, i, seg, offset, size, ACCESS_READ, &lin) &&
	       lin_read(c, i, lin, size, cpu_user(c), value);
}

bool mem_write(struct cpu *c, const struct insn *i, unsigned seg, uint32_t offset, unsigned size,
	       uint32_t value)
{
	gva_t lin;

	return mem_linear(c, i, seg, offset, size, ACCESS_WRITE, &lin) &&
	       lin_write(c, i, lin, size, cpu_user(c), value);
}

bool mem_probe_write(struct cpu *c, const struct insn *i, unsigned seg, uint32_t offset,
		     unsigned size)
{
	gva_t lin;

	return mem_linear(c, i, seg, offset, size, ACCESS_WRITE, &lin) &&
	       lin_probe_write(c, i, lin, size, cpu_user(c));
}

uint8_t *mem_host(struct cpu *c, gva_t lin, unsigned access)
{
	struct x86_mapping map;
	uint32_t error;
	uint8_t *host;

	if (c->align_check || debug_armed(c))
		return NULL;
	host = tlb_fast_hit(fast_array(c, access), lin, 1, access & ACCESS_KIND);
	if (host)
		return host;
	if (!tlb_translate(c, lin, access, &map, &error))
		return NULL;
	host = c->env.page(c->env.ctx, map.frame);
	if (!host || map.rights & MAP_ONCE ||
	    ((access & ACCESS_KIND) == ACCESS_WRITE && page_is_special(c, map.frame)))
		return NULL;
	tlb_fill_fast(c, lin, access, host);
	return host + (lin & PAGE_OFFSET_MASK);
}

bool mem_fetch_page(struct cpu *c, gva_t lin, gpa_t *gpa, uint8_t **host)
{
	struct x86_mapping map;
	uint32_t error;

	if (!tlb_translate(c, lin, ACCESS_FETCH | cpu_user(c), &map, &error))
		return page_fault(c, NULL, lin, error);
	*gpa = map.frame + (lin & PAGE_OFFSET_MASK);
	*host = c->env.page(c->env.ctx, map.frame);
	if (*host)
		*host += lin & PAGE_OFFSET_MASK;
	return true;
}

/* --- read-modify-write --------------------------------------------------------------------- */

bool rmw_begin(struct cpu *c, const struct insn *i, unsigned seg, uint32_t offset, unsigned size,
	       struct rmw *m)
{
	struct span s;

	m->size = size;
	m->old = 0;
	if (!mem_linear(c, i, seg, offset, size, ACCESS_WRITE, &m->lin))
		return false;
	m->host = tlb_fast_hit(c->tlb.fast, m->lin, size, ACCESS_WRITE);
	if (likely(m->host)) {
		memcpy(&m->old, m->host, size);
		return true;
	}
	if (!span_translate(c, i, m->lin, size, cpu_user(c) | ACCESS_WRITE, &s))
		return false;
	span_read(c, &s, &m->old);
	m->first = s.part[0].bytes;
	m->gpa[0] = s.part[0].gpa;
	m->gpa[1] = s.parts == 2 ? s.part[1].gpa : 0;
	return true;
}

void rmw_write(struct cpu *c, const struct insn *i, const struct rmw *m, uint64_t value)
{
	uint8_t bytes[8];

	if (likely(m->host)) {
		memcpy(m->host, &value, m->size);
		return;
	}
	cpu_sync(c, i);
	memcpy(bytes, &value, 8);
	for (unsigned n = 0, at = 0; at < m->size; n++) {
		struct part p = { .gpa = m->gpa[n], .bytes = n ? m->size - at : m->first };

		p.host = c->env.page(c->env.ctx, p.gpa & ~(gpa_t)PAGE_OFFSET_MASK);
		if (p.host)
			p.host += p.gpa & PAGE_OFFSET_MASK;
		part_write(c, &p, bytes + at);
		at += p.bytes;
	}
}

/* --- operands ------------------------------------------------------------------------------ */

bool operand_read(struct cpu *c, const struct insn *i, const struct operand *op, uint32_t *value)
{
	switch (op->kind) {
	case OPND_REG:
		*value = reg_read(c, op->reg, op->size);
		return true;
	case OPND_MEM:
		return mem_read(c, i, i->seg, insn_ea(c, i), op->size, value);
	default:
		*value = i->imm;
		return true;
	}
}

bool operand_write(struct cpu *c, const struct insn *i, const struct operand *op, uint32_t value)
{
	if (op->kind == OPND_MEM)
		return mem_write(c, i, i->seg, insn_ea(c, i), op->size, value);
	reg_write(c, op->reg, op->size, value);
	return true;
}

bool operand_rmw_begin(struct cpu *c, const struct insn *i, const struct operand *op, struct rmw *m)
{
	if (op->kind == OPND_MEM)
		return rmw_begin(c, i, i->seg, insn_ea(c, i), op->size, m);
	m->size = op->size;
	m->old = reg_read(c, op->reg, op->size);
	return true;
}

void operand_rmw_commit(struct cpu *c, const struct insn *i, const struct operand *op,
			const struct rmw *m, uint32_t value)
{
	if (op->kind == OPND_MEM)
		rmw_write(c, i, m, value);
	else
		reg_write(c, op->reg, op->size, value);
}

/* --- the stack ------------------------------------------------------------------------------ */

static uint32_t stack_mask(const struct cpu *c)
{
	return size_mask(stack_size(c));
}

bool stack_push(struct cpu *c, const struct insn *i, unsigned size, uint32_t value)
{
	uint32_t sp = (c->gpr[X86_ESP] - size) & stack_mask(c);

	if (!mem_write(c, i, X86_SS, sp, size, value))
		return false;
	reg_write(c, X86_ESP * 4, stack_size(c), sp);
	return true;
}

bool stack_read(struct cpu *c, const struct insn *i, uint32_t skip, unsigned size, uint32_t *value)
{
	return mem_read(c, i, X86_SS, (c->gpr[X86_ESP] + skip) & stack_mask(c), size, value);
}

void stack_adjust(struct cpu *c, int32_t bytes)
{
	reg_write(c, X86_ESP * 4, stack_size(c), c->gpr[X86_ESP] + (uint32_t)bytes);
}
