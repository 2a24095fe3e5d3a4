// SPDX-License-Identifier: MIT
#include "soft.h"

#include <stdlib.h>
#include <string.h>

/* The supervisor page: where it lies, and what lies in it. */
#define SYS_BASE 0xc35a7000u
#define AT_GDT 0x000u
#define AT_LDT 0x100u
#define AT_TSS 0x300u
#define AT_HANDLERS 0x400u /* one HLT for each vector */
#define AT_STACK 0x7f0u	   /* ring 0, grows down */
#define AT_IDT 0x800u
#define SYS_FRAME IMAGE_BYTES /* guest-physical; the windows lie from 0 on */
#define RAM_BYTES (IMAGE_BYTES + PAGE_BYTES)

#define TSS_BYTES 0x68u
#define TSS_ESP0 4u
#define TSS_SS0 8u
#define TSS_IO_MAP 0x66u

/* Selectors of Linux x86-64 (arch/x86, segment.h). */
#define SEL_KERNEL_CODE 0x10u
#define SEL_KERNEL_DATA 0x18u
#define SEL_TSS 0x40u
#define SEL_LDT 0x50u

/* What Linux gives to SMSW under UMIP: PE, MP, ET, NE, WP, AM, PG. */
#define LINUX_CR0 (CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG)

struct soft {
	struct cpu *cpu;
	struct x86_state base; /* what every run starts from, but for the start state */
	struct native_range foreign[NATIVE_RANGES];
	unsigned foreigns;
	const char *reason;
	bool has_low; /* the native side has the window below 64 KiB */
	uint8_t ram[RAM_BYTES];
};

/* --- the environment of the vCPU ------------------------------------------------------------- */

static bool soft_translate(void *ctx, gva_t lin, unsigned access, struct x86_mapping *map,
			   uint32_t *error)
{
	struct soft *s = ctx;
	unsigned kind = access & ACCESS_KIND;
	int32_t at = window_offset(lin);
	bool readonly = lin - READONLY_BASE < PAGE_BYTES;
	bool system = lin - SYS_BASE < PAGE_BYTES;

	*error = (kind == ACCESS_WRITE ? PF_W : 0) | (access & ACCESS_USER ? PF_U : 0);
	if (system && !(access & ACCESS_USER)) {
		*map = (struct x86_mapping){ SYS_FRAME, MAP_W | MAP_D };
		return true;
	}
	for (unsigned i = 0; i < s->foreigns; i++)
		system |= lin >= s->foreign[i].start && lin < s->foreign[i].end;
	if (system)
		s->reason = "touched an address that the test's process uses itself";
	if (at < 0 || (!s->has_low && lin - LOW_BASE < window_table[WIN_LOW].pages * PAGE_BYTES))
		return false;
	if (readonly && kind == ACCESS_WRITE) {
		*error |= PF_P;
		return false;
	}
	*map = (struct x86_mapping){ (gpa_t)at & ~(gpa_t)PAGE_OFFSET_MASK,
				     MAP_U | (readonly ? 0 : MAP_W | MAP_D) };
	return true;
}

static uint8_t *soft_page(void *ctx, gpa_t frame)
{
	struct soft *s = ctx;

	return frame < RAM_BYTES ? s->ram + frame : 0;
}

static uint32_t soft_mmio_read(void *ctx, gpa_t gpa, unsigned size)
{
	return 0xffffffff;
}

static void soft_mmio_write(void *ctx, gpa_t gpa, unsigned size, uint32_t value)
{
}

static uint32_t soft_io_read(void *ctx, uint16_t port, unsigned size)
{
	return 0xffffffff;
}

static void soft_io_write(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
}

/* --- descriptors ------------------------------------------------------------------------------ */

static void put32(struct soft *s, uint32_t at, uint32_t value)
{
	memcpy(s->ram + SYS_FRAME + at, &value, 4);
}

static uint32_t get32(const struct soft *s, uint32_t at)
{
	uint32_t v;

	memcpy(&v, s->ram + SYS_FRAME + at, 4);
	return v;
}

static void put_descriptor(struct soft *s, uint32_t table, unsigned slot, uint32_t base,
			   uint32_t limit, uint32_t attr)
{
	if (attr & SEG_G)
		limit >>= 12;
	put32(s, table + slot * 8, base << 16 | (limit & 0xffff));
	put32(s, table + slot * 8 + 4,
	      (base >> 16 & 0xff) | (base & 0xff000000) | (limit & 0xf0000) | attr << 8);
}

/* The GDT as LAR and LSL show it, and what they do not show: DPL 0, so that CPL 3 cannot tell. */
static void build_gdt(struct soft *s, const struct native *n)
{
	const uint32_t code = SEG_P | SEG_S | SEG_CODE | SEG_WRITE | SEG_ACCESSED | SEG_DB | SEG_G;
	struct native_gdt_row row[NATIVE_GDT_ROWS];

	native_gdt(n, row);
	for (unsigned i = 0; i < NATIVE_GDT_ROWS; i++) {
		if (row[i].visible)
			put_descriptor(s, AT_GDT, i, 0, row[i].limit, row[i].access >> 8);
	}
	put_descriptor(s, AT_GDT, SEL_KERNEL_CODE >> 3, 0, 0xffffffff, code);
	put_descriptor(s, AT_GDT, SEL_KERNEL_DATA >> 3, 0, 0xffffffff, code & ~SEG_CODE);
	put_descriptor(s, AT_GDT, SEL_TSS >> 3, SYS_BASE + AT_TSS, TSS_BYTES - 1,
		       SEG_P | SYS_TSS32_BUSY);
	put_descriptor(s, AT_GDT, SEL_LDT >> 3, SYS_BASE + AT_LDT, LDT_ROWS * 8 - 1,
		       SEG_P | SYS_LDT);
}

static void build_system_page(struct soft *s, const struct native *n)
{
	build_gdt(s, n);
	for (unsigned i = 0; i < LDT_ROWS; i++) {
		uint32_t d[2];

		ldt_descriptor(&ldt_table[i], d);
		put32(s, AT_LDT + i * 8, d[0]);
		put32(s, AT_LDT + i * 8 + 4, d[1]);
	}
	put32(s, AT_TSS + TSS_ESP0, SYS_BASE + AT_STACK);
	put32(s, AT_TSS + TSS_SS0, SEL_KERNEL_DATA);
	put32(s, AT_TSS + (TSS_IO_MAP & ~3u), TSS_BYTES << 16);
	memset(s->ram + SYS_FRAME + AT_HANDLERS, 0xf4, 256);
	for (unsigned v = 0; v < 256; v++) {
		uint32_t handler = SYS_BASE + AT_HANDLERS + v;
		/* As Linux: INT3 and INTO are open to user code. INT 80h is not compared. */
		uint32_t dpl = v == VEC_BP || v == VEC_OF ? 3 : 0;

		put32(s, AT_IDT + v * 8, SEL_KERNEL_CODE << 16 | (handler & 0xffff));
		put32(s, AT_IDT + v * 8 + 4,
		      (handler & 0xffff0000) | (SEG_P | dpl << SEG_DPL_SHIFT | SYS_INT32) << 8);
	}
}

static struct x86_segment flat_segment(const struct soft *s, uint16_t selector)
{
	struct x86_segment seg = { .selector = selector };
	uint32_t high = get32(s, AT_GDT + (selector & ~7u) + 4);

	if (!(selector & ~3u))
		return seg;
	seg.attr = (uint16_t)(high >> 8 & 0xf0ff);
	seg.limit = 0xffffffff;
	return seg;
}

static void build_state(struct soft *s, const struct native *n)
{
	struct x86_state *b = &s->base;

	x86_get_state(s->cpu, b);
	b->cr0 = LINUX_CR0;
	b->cr4 = CR4_PSE | CR4_PGE;
	b->gdtr = (struct x86_table){ SYS_BASE + AT_GDT, NATIVE_GDT_ROWS * 8 - 1 };
	b->idtr = (struct x86_table){ SYS_BASE + AT_IDT, 256 * 8 - 1 };
	b->seg[X86_TR] = (struct x86_segment){ SEL_TSS, SEG_P | SYS_TSS32_BUSY, SYS_BASE + AT_TSS,
					       TSS_BYTES - 1 };
	b->seg[X86_LDTR] = (struct x86_segment){ 0 };
	if (native_has_ldt(n))
		b->seg[X86_LDTR] = (struct x86_segment){ SEL_LDT, SEG_P | SYS_LDT,
							 SYS_BASE + AT_LDT, LDT_ROWS * 8 - 1 };
	b->cpl = 3;
}

struct soft *soft_create(const struct native *n, enum x86_tlb_kind tlb)
{
	struct soft *s = calloc(1, sizeof(*s));
	const struct x86_env env = { .ctx = s,
				     .translate = soft_translate,
				     .page = soft_page,
				     .mmio_read = soft_mmio_read,
				     .mmio_write = soft_mmio_write,
				     .io_read = soft_io_read,
				     .io_write = soft_io_write,
				     .ram_frames = RAM_BYTES / PAGE_BYTES };

	if (!s || x86_create(&s->cpu, &env, tlb)) {
		free(s);
		return 0;
	}
	s->has_low = native_has_low(n);
	s->foreigns = native_foreign(n, s->foreign, NATIVE_RANGES);
	build_system_page(s, n);
	build_state(s, n);
	return s;
}

void soft_destroy(struct soft *s)
{
	x86_destroy(s->cpu);
	free(s);
}

/* --- running ---------------------------------------------------------------------------------- */

void soft_begin(struct soft *s, const struct start_state *start, const uint8_t image[IMAGE_BYTES])
{
	struct x86_state st = s->base;

	memcpy(s->ram, image, IMAGE_BYTES);
	x86_ram_written(s->cpu, 0, IMAGE_BYTES);
	memcpy(st.gpr, start->gpr, sizeof(st.gpr));
	st.eip = start->eip;
	st.eflags = start->eflags;
	for (unsigned r = 0; r < 6; r++)
		st.seg[r] = flat_segment(s, start->seg[r]);
	s->reason = x86_set_state(s->cpu, &st) ? "the executor refused the start state" : 0;
}

/* The frame that the exception pushed (SDM vol. 3, figure 6-4), and the rest of the state. */
static void take_outcome(const struct soft *s, const struct x86_state *st, struct outcome *out)
{
	unsigned vector = (st->eip - 1 - (SYS_BASE + AT_HANDLERS)) & 0xff;
	uint32_t at = st->gpr[X86_ESP] - SYS_BASE;

	memset(out, 0, sizeof(*out));
	memcpy(out->gpr, st->gpr, sizeof(out->gpr));
	out->vector = (uint16_t)vector;
	if (vector_has_error(vector)) {
		out->error = get32(s, at);
		at += 4;
	}
	out->eip = get32(s, at);
	out->eflags = get32(s, at + 8);
	out->gpr[X86_ESP] = get32(s, at + 12);
	for (unsigned r = 0; r < 6; r++)
		out->seg[r] = st->seg[r].selector;
	out->seg[X86_CS] = (uint16_t)get32(s, at + 4);
	out->seg[X86_SS] = (uint16_t)get32(s, at + 16);
	out->cr2 = vector == VEC_PF ? st->cr2 : 0;
}

/* A frame needs 5 or 6 words below the top of the ring-0 stack. */
static bool in_handler(const struct x86_state *st)
{
	uint32_t used = SYS_BASE + AT_STACK - st->gpr[X86_ESP];

	return st->cpl == 0 && st->eip - 1 - (SYS_BASE + AT_HANDLERS) < 256 &&
	       (used == 20 || used == 24);
}

bool soft_go(struct soft *s, unsigned insns, struct outcome *out)
{
	enum x86_stop stop = x86_run(s->cpu, x86_icount(s->cpu) + insns);
	struct x86_state st;

	memset(out, 0, sizeof(*out));
	out->vector = OUTCOME_NONE;
	switch (stop) {
	case X86_STOP_DEADLINE:
		return false;
	case X86_STOP_HALT:
		x86_get_state(s->cpu, &st);
		if (in_handler(&st))
			take_outcome(s, &st, out);
		else
			s->reason = "executor: HLT outside of a handler";
		return true;
	case X86_STOP_UNSUPPORTED:
		if (!s->reason)
			s->reason = "what the executor does not have (x87, hardware task switch)";
		return true;
	default:
		s->reason = "executor: stopped without an exception";
		return true;
	}
}

const uint8_t *soft_image(const struct soft *s)
{
	return s->ram;
}

void soft_state(const struct soft *s, struct x86_state *state)
{
	x86_get_state(s->cpu, state);
}

const char *soft_reason(const struct soft *s)
{
	return s->reason;
}
