// SPDX-License-Identifier: MIT
#include "x86/debug.h"

#define BREAKPOINTS 4u

/* R/W field of DR7 (SDM vol. 3, 17.2.4). */
enum debug_kind { DEBUG_EXECUTE, DEBUG_WRITE, DEBUG_IO, DEBUG_READ_WRITE };

static bool breakpoint_enabled(const struct cpu *c, unsigned n)
{
	return c->dr[7] >> (n * 2) & 3;
}

static enum debug_kind breakpoint_kind(const struct cpu *c, unsigned n)
{
	return c->dr[7] >> (16 + n * 4) & 3;
}

/* Does [at, at + size) meet the naturally aligned range of breakpoint n (17.2.5)? */
static bool breakpoint_meets(const struct cpu *c, unsigned n, uint32_t at, unsigned size)
{
	/* LEN 2 is undefined on this family; it is taken as one byte */
	static const uint8_t bytes[] = { 1, 2, 1, 4 };
	unsigned len = bytes[c->dr[7] >> (18 + n * 4) & 3];
	uint32_t start = c->dr[n] & ~(uint32_t)(len - 1);

	return at - start < len || start - at < size;
}

static void breakpoints_note(struct cpu *c, unsigned kinds, uint32_t at, unsigned size)
{
	for (unsigned n = 0; n < BREAKPOINTS; n++) {
		if (!breakpoint_enabled(c, n) || !(kinds >> breakpoint_kind(c, n) & 1))
			continue;
		if (breakpoint_meets(c, n, at, size)) {
			c->dr6_pending |= 1u << n;
			c->debug_trap = true;
		}
	}
}

void debug_access(struct cpu *c, gva_t lin, unsigned size, unsigned kind)
{
	unsigned kinds = 1u << DEBUG_READ_WRITE;

	if (kind == ACCESS_FETCH)
		return;
	if (kind == ACCESS_WRITE)
		kinds |= 1u << DEBUG_WRITE;
	breakpoints_note(c, kinds, lin, size);
}

void debug_io(struct cpu *c, uint16_t port, unsigned size)
{
	/* without CR4.DE the R/W value 2 is undefined, and matches nothing here */
	if (c->cr4 & CR4_DE)
		breakpoints_note(c, 1u << DEBUG_IO, port, size);
}

/* #DB with no instruction to blame: c->eip is where execution would go on. */
static void debug_raise(struct cpu *c, uint32_t dr6)
{
	c->dr[6] |= dr6;
	c->dr6_pending = 0;
	c->debug_trap = false;
	c->fault = true;
	c->pending = (struct exception){ .vector = VEC_DB };
}

bool debug_before(struct cpu *c)
{
	uint32_t lin = c->seg[X86_CS].base + c->eip, hit = 0;

	if (c->eflags & EFLAGS_RF || c->mov_ss_shadow)
		return false;
	for (unsigned n = 0; n < BREAKPOINTS; n++)
		if (breakpoint_enabled(c, n) && breakpoint_kind(c, n) == DEBUG_EXECUTE &&
		    c->dr[n] == lin)
			hit |= 1u << n;
	if (!hit)
		return false;
	debug_raise(c, hit);
	return true;
}

void debug_after(struct cpu *c)
{
	uint32_t dr6 = c->dr6_pending;

	if (c->mov_ss_shadow)
		return;
	if (c->tf_at_start)
		dr6 |= DR6_BS;
	if (dr6)
		debug_raise(c, dr6);
}
