// SPDX-License-Identifier: MIT
/*
 * Arbitrary bytes as code for the decoder and the executor, with arbitrary registers, in a small
 * RAM with paging, at CPL 0 or 3.
 *
 * The input is a struct header, then bytes that lie in RAM from the code page on. The machine
 * around it is whole (GDT, LDT, IDT, TSS, page tables), and lies in pages that the code may reach,
 * so that it can be broken from inside; a few bytes of it are also broken by the header.
 *
 * What must hold: no crash, no undefined behaviour, an end in bounded time; a stop for what is not
 * supported has a text; hardly more instructions than asked for; and the state that comes out is
 * one that x86_set_state takes.
 */
#include <stdlib.h>
#include <string.h>

#include "mmu/walk.h"
#include "x86/exec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define RAM_PAGES 32u
#define RAM_BYTES (RAM_PAGES * PAGE_BYTES)
#define GDT_AT 0x0000u
#define LDT_AT 0x0100u
#define TSS_AT 0x0200u
#define HANDLERS_AT 0x0400u /* IRET or HLT, a byte for each vector */
#define IDT_AT 0x0800u
#define DIRECTORY_AT 0x1000u
#define TABLE_AT 0x2000u
#define STACK0_AT 0x4000u /* grows down from here */
#define CODE_AT 0x8000u
#define STACK3_AT 0x18000u

#define SEL_CODE0 0x08u
#define SEL_DATA0 0x10u
#define SEL_CODE3 0x1bu
#define SEL_DATA3 0x23u
#define SEL_TSS 0x28u
#define SEL_LDT 0x30u
#define SEL_GATE 0x3bu

#define RUN_INSNS 400u
#define RUNS 3u
/* Callbacks after which the vCPU is kicked: a repeated instruction can take 4 GiB of MMIO. */
#define MAX_CALLS 4000u
#define POKES 4u

#define HDR_RING3 1u
#define HDR_WP 2u
#define HDR_AM 4u
#define HDR_PAGING_OFF 8u
#define HDR_SEGMENTS 16u
#define HDR_INTERRUPT 32u

struct header {
	uint8_t flags; /* HDR_* */
	uint8_t tlb;
	uint8_t cr4;
	uint8_t vector;	    /* injected between runs */
	uint16_t eip;	    /* from the code page on */
	uint16_t pages_odd; /* which pages lack P, W or U */
	uint32_t gpr[X86_GPRS];
	uint32_t eflags;
	uint32_t dr[4], dr7;
	struct {
		uint32_t base, limit;
		uint16_t attr;
	} seg[6];
	struct {
		uint16_t at; /* in the first three pages */
		uint8_t value;
	} poke[POKES];
} __attribute__((packed));

struct rig {
	struct cpu *cpu;
	unsigned calls;
	uint8_t ram[RAM_BYTES];
};

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void count_call(struct rig *r)
{
	if (++r->calls >= MAX_CALLS)
		x86_kick(r->cpu);
}

/* --- environment ------------------------------------------------------------------------------ */

static bool rig_read(void *ctx, gpa_t gpa, unsigned size, uint64_t *value)
{
	struct rig *r = ctx;

	*value = 0;
	if (gpa > RAM_BYTES - size)
		return false;
	memcpy(value, r->ram + gpa, size);
	return true;
}

static bool rig_cas(void *ctx, gpa_t gpa, unsigned size, uint64_t old, uint64_t value)
{
	struct rig *r = ctx;
	uint64_t now;

	if (!rig_read(ctx, gpa, size, &now) || now != old)
		return false;
	memcpy(r->ram + gpa, &value, size);
	return true;
}

static bool rig_translate(void *ctx, gva_t lin, unsigned access, struct x86_mapping *map,
			  uint32_t *error)
{
	const struct walk_source source = { ctx, rig_read, rig_cas };
	struct rig *r = ctx;
	struct walk_paging paging;
	struct walk_result walk;
	struct x86_state state;

	count_call(r);
	x86_get_state(r->cpu, &state);
	paging = walk_paging_of(&state);
	if (!walk_linear(&source, &paging, lin, access, &walk)) {
		*error = walk.error;
		return false;
	}
	*map = (struct x86_mapping){ walk.gpa & ~(gpa_t)PAGE_OFFSET_MASK, walk.rights };
	return true;
}

static uint8_t *rig_page(void *ctx, gpa_t frame)
{
	struct rig *r = ctx;

	must(!(frame & PAGE_OFFSET_MASK));
	return frame < RAM_BYTES ? r->ram + frame : NULL;
}

static void check_access(struct rig *r, unsigned size)
{
	count_call(r);
	must(size == 1 || size == 2 || size == 4);
}

static uint32_t rig_mmio_read(void *ctx, gpa_t gpa, unsigned size)
{
	check_access(ctx, size);
	must((gpa & PAGE_OFFSET_MASK) + size <= PAGE_BYTES);
	return (uint32_t)(gpa * 0x9e3779b1u);
}

static void rig_mmio_write(void *ctx, gpa_t gpa, unsigned size, uint32_t value)
{
	check_access(ctx, size);
	must((gpa & PAGE_OFFSET_MASK) + size <= PAGE_BYTES);
}

static uint32_t rig_io_read(void *ctx, uint16_t port, unsigned size)
{
	check_access(ctx, size);
	return port * 0x01010101u;
}

static void rig_io_write(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
	check_access(ctx, size);
}

/* --- the machine ------------------------------------------------------------------------------ */

static void put32(struct rig *r, uint32_t at, uint32_t value)
{
	memcpy(r->ram + at, &value, 4);
}

static void put_segment(struct rig *r, uint32_t at, uint32_t base, uint32_t limit, uint32_t attr)
{
	put32(r, at, base << 16 | (limit & 0xffff));
	put32(r, at + 4, (base >> 16 & 0xff) | (base & 0xff000000) | (limit & 0xf0000) | attr << 8);
}

static void put_gate(struct rig *r, uint32_t at, uint32_t selector, uint32_t offset, uint32_t attr)
{
	put32(r, at, selector << 16 | (offset & 0xffff));
	put32(r, at + 4, (offset & 0xffff0000) | attr << 8);
}

#define FLAT_CODE (SEG_P | SEG_S | SEG_CODE | SEG_WRITE | SEG_DB | SEG_G)
#define FLAT_DATA (SEG_P | SEG_S | SEG_WRITE | SEG_DB | SEG_G)
#define DPL3 (3u << SEG_DPL_SHIFT)

static void build_descriptors(struct rig *r)
{
	put_segment(r, GDT_AT + SEL_CODE0, 0, 0xfffff, FLAT_CODE);
	put_segment(r, GDT_AT + SEL_DATA0, 0, 0xfffff, FLAT_DATA);
	put_segment(r, GDT_AT + (SEL_CODE3 & ~7u), 0, 0xfffff, FLAT_CODE | DPL3);
	put_segment(r, GDT_AT + (SEL_DATA3 & ~7u), 0, 0xfffff, FLAT_DATA | DPL3);
	put_segment(r, GDT_AT + SEL_TSS, TSS_AT, 0x1ff, SEG_P | SYS_TSS32_BUSY);
	put_segment(r, GDT_AT + SEL_LDT, LDT_AT, 0x3f, SEG_P | SYS_LDT);
	put_gate(r, GDT_AT + (SEL_GATE & ~7u), SEL_CODE0, CODE_AT, SEG_P | DPL3 | SYS_CALL32);
	/* LDT: 16-bit code and data, expand-down data, a 16-bit gate. */
	put_segment(r, LDT_AT, 0, 0xffff, SEG_P | SEG_S | SEG_CODE | SEG_WRITE | DPL3);
	put_segment(r, LDT_AT + 8, 0, 0xffff, SEG_P | SEG_S | SEG_WRITE | DPL3);
	put_segment(r, LDT_AT + 16, 0, 0xfff, SEG_P | SEG_S | SEG_WRITE | SEG_EXPDOWN | DPL3);
	put_gate(r, LDT_AT + 24, SEL_CODE0, CODE_AT, SEG_P | DPL3 | SYS_CALL16);
	put32(r, TSS_AT + 4, STACK0_AT);
	put32(r, TSS_AT + 8, SEL_DATA0);
	put32(r, TSS_AT + 0x64, 0x68u << 16);
	for (unsigned v = 0; v < 256; v++) {
		/* Interrupt and trap gates in turn; faults end in HLT, the others come back. */
		uint32_t type = v & 1 ? SYS_TRAP32 : SYS_INT32;

		put_gate(r, IDT_AT + v * 8, SEL_CODE0, HANDLERS_AT + v, SEG_P | DPL3 | type);
		r->ram[HANDLERS_AT + v] = v < 32 && v != VEC_BP ? 0xf4 : 0xcf;
	}
}

static void build_tables(struct rig *r, const struct header *h)
{
	put32(r, DIRECTORY_AT, TABLE_AT | PTE_P | PTE_W | PTE_U);
	/* 4 MiB upwards: a large page, whose frames are RAM at first and MMIO behind. */
	put32(r, DIRECTORY_AT + 4, PTE_P | PTE_W | PTE_PS | (h->flags & HDR_RING3 ? PTE_U : 0));
	for (uint32_t page = 0; page < RAM_PAGES + 4; page++) {
		uint32_t bits = PTE_P | PTE_W | PTE_U;

		if (h->pages_odd >> (page & 15) & 1 && page != CODE_AT / PAGE_BYTES)
			bits &= ~(1u << page % 3);
		put32(r, TABLE_AT + page * 4, page * PAGE_BYTES | bits);
	}
}

static struct x86_segment flat(uint16_t selector)
{
	bool code = selector == SEL_CODE0 || selector == SEL_CODE3;
	uint32_t attr = (code ? FLAT_CODE : FLAT_DATA) | SEG_ACCESSED;

	attr |= (uint32_t)(selector & 3) << SEG_DPL_SHIFT;
	return (struct x86_segment){ selector, (uint16_t)attr, 0, 0xffffffff };
}

static void build_segments(const struct header *h, struct x86_state *s)
{
	bool user = h->flags & HDR_RING3;

	for (unsigned n = 0; n < 6; n++)
		s->seg[n] = flat(user ? SEL_DATA3 : SEL_DATA0);
	s->seg[X86_CS] = flat(user ? SEL_CODE3 : SEL_CODE0);
	s->seg[X86_LDTR] = (struct x86_segment){ SEL_LDT, SEG_P | SYS_LDT, LDT_AT, 0x3f };
	s->seg[X86_TR] = (struct x86_segment){ SEL_TSS, SEG_P | SYS_TSS32_BUSY, TSS_AT, 0x1ff };
	if (!(h->flags & HDR_SEGMENTS))
		return;
	for (unsigned n = 0; n < 6; n++) {
		uint32_t type = n == X86_CS ? SEG_CODE : h->seg[n].attr & SEG_CODE;

		s->seg[n].base = h->seg[n].base & 0x1ffff;
		s->seg[n].limit = h->seg[n].limit;
		s->seg[n].attr &= (uint16_t) ~(SEG_TYPE | SEG_DB);
		s->seg[n].attr |= (uint16_t)(type | (h->seg[n].attr & (SEG_DB | SEG_TYPE)));
	}
}

static void build_state(const struct rig *r, const struct header *h, struct x86_state *s)
{
	x86_get_state(r->cpu, s);
	memcpy(s->gpr, h->gpr, sizeof(s->gpr));
	/* Half of the registers point somewhere useful if they can. */
	s->gpr[X86_ESP] = STACK3_AT + h->gpr[X86_ESP] % 64;
	s->gpr[X86_ESI] = CODE_AT + h->gpr[X86_ESI] % (2 * PAGE_BYTES);
	s->eip = CODE_AT + h->eip % PAGE_BYTES;
	s->eflags = (h->eflags & 0x3fffff & ~EFLAGS_VM) | EFLAGS_FIXED;
	build_segments(h, s);
	s->cpl = h->flags & HDR_RING3 ? 3 : 0;
	s->gdtr = (struct x86_table){ GDT_AT, 0x3f };
	s->idtr = (struct x86_table){ IDT_AT, 0x7ff };
	s->cr0 = CR0_PE | CR0_ET | CR0_EM | (h->flags & HDR_PAGING_OFF ? 0 : CR0_PG);
	s->cr0 |= (h->flags & HDR_WP ? CR0_WP : 0) | (h->flags & HDR_AM ? CR0_AM : 0);
	s->cr3 = DIRECTORY_AT;
	s->cr4 = h->cr4 & CR4_DEFINED;
	for (unsigned n = 0; n < 4; n++)
		s->dr[n] = h->dr[n] & 1 ? CODE_AT + h->dr[n] % PAGE_BYTES : h->dr[n];
	s->dr[7] = (h->dr7 & 0xffff03ff) | DR7_FIXED;
}

static void build(struct rig *r, const struct header *h, const uint8_t *code, size_t bytes)
{
	memset(r->ram, 0, sizeof(r->ram));
	build_descriptors(r);
	build_tables(r, h);
	if (bytes > RAM_BYTES - CODE_AT)
		bytes = RAM_BYTES - CODE_AT;
	memcpy(r->ram + CODE_AT, code, bytes);
	for (unsigned n = 0; n < POKES; n++)
		r->ram[h->poke[n].at % (3 * PAGE_BYTES)] ^= h->poke[n].value;
}

/* --- the run ---------------------------------------------------------------------------------- */

static void check_stop(struct rig *r, enum x86_stop stop, uint64_t until)
{
	struct x86_state s;

	/* Entering a handler counts as an instruction, and comes after the last one. */
	must(stop != X86_STOP_NONE && x86_icount(r->cpu) <= until + 1);
	if (stop == X86_STOP_UNSUPPORTED)
		must(x86_stop_info(r->cpu)->text[0] &&
		     memchr(x86_stop_info(r->cpu)->text, 0, sizeof(x86_stop_info(r->cpu)->text)));
	x86_get_state(r->cpu, &s);
	must(s.cpl <= 3 && s.eflags & EFLAGS_FIXED);
	must(x86_set_state(r->cpu, &s) == 0);
}

/* A few runs with interrupts between them, each from where the last one stopped. */
static void run(struct rig *r, const struct header *h)
{
	for (unsigned n = 0; n < RUNS; n++) {
		uint64_t until = x86_icount(r->cpu) + RUN_INSNS;
		enum x86_stop stop;

		r->calls = 0;
		stop = x86_run(r->cpu, until);
		check_stop(r, stop, until);
		if (stop == X86_STOP_SHUTDOWN || stop == X86_STOP_UNSUPPORTED)
			return;
		if (!(h->flags & HDR_INTERRUPT)) {
			if (stop == X86_STOP_HALT)
				return;
		} else if (x86_interrupt_ready(r->cpu)) {
			x86_interrupt(r->cpu, h->vector);
		} else {
			x86_request_window(r->cpu, true);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct rig *r;
	struct header h;
	struct x86_state state;
	struct x86_env env = { .translate = rig_translate,
			       .page = rig_page,
			       .mmio_read = rig_mmio_read,
			       .mmio_write = rig_mmio_write,
			       .io_read = rig_io_read,
			       .io_write = rig_io_write,
			       .ram_frames = RAM_PAGES };

	if (bytes < sizeof(h))
		return 0;
	memcpy(&h, data, sizeof(h));
	r = calloc(1, sizeof(*r));
	if (!r)
		return 0;
	env.ctx = r;
	/* `hoard` allocates a table for the whole address space: one input in 16 pays for it. */
	if (x86_create(&r->cpu, &env,
		       h.tlb % 16 == 0 ? X86_TLB_HOARD
		       : h.tlb & 1     ? X86_TLB_DROP
				       : X86_TLB_NORMAL))
		goto out;
	build(r, &h, data + sizeof(h), bytes - sizeof(h));
	build_state(r, &h, &state);
	if (!x86_set_state(r->cpu, &state))
		run(r, &h);
	x86_destroy(r->cpu);
out:
	free(r);
	return 0;
}
