/* SPDX-License-Identifier: MIT */
/*
 * A vCPU in 4 MiB of RAM for unit tests of x86/, without machine and mmu.
 *
 * fixture_begin() lays out a GDT, an IDT whose 256 interrupt gates lead to one HLT each, a 32-bit
 * TSS and two stacks, and puts the vCPU at FIX_CODE at CPL 0. So a test places code, runs, and sees
 * by fixture_vector() where it ended; the frame lies at ESP.
 *
 * After fixture_paging() the env translates each page to x->frame[page], at first itself, under the
 * rights in x->rights: a paging unit that is independent of mmu/.
 */
#ifndef TESTS_UNIT_X86_FIXTURE_H
#define TESTS_UNIT_X86_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "x86/exec.h"

#define FIX_RAM (4u << 20)
#define FIX_PAGES (FIX_RAM / PAGE_BYTES)
#define FIX_PRESENT 0x80u /* in rights[], with MAP_W, MAP_U, MAP_G and MAP_LARGE */

/* Where things lie. */
#define FIX_GDT 0x1000u
#define FIX_IDT 0x2000u
#define FIX_TSS 0x3000u
#define FIX_LDT 0x4000u
#define FIX_DATA 0x5000u
#define FIX_ESP0 0x8000u
#define FIX_ESP3 0xa000u
#define FIX_CODE 0x10000u
#define FIX_HANDLER 0x20000u /* of vector v: 16 * v further on */

/* Selectors. From FIX_FREE to the end of the tables, descriptors are the test's. */
#define FIX_KCODE 0x08u
#define FIX_KDATA 0x10u
#define FIX_UCODE 0x1bu
#define FIX_UDATA 0x23u
#define FIX_TR 0x28u
#define FIX_LDTR 0x30u
#define FIX_FREE 0x40u
#define FIX_GDT_LIMIT 0xffu
#define FIX_LDT_LIMIT 0x3fu

/* Attributes as in struct x86_segment, for 32-bit segments of level `dpl` (SDM vol. 3, 3.4.5). */
#define FIX_DPL(dpl) ((unsigned)(dpl) << SEG_DPL_SHIFT)
#define FIX_CODE32(dpl) (SEG_G | SEG_DB | SEG_P | SEG_S | FIX_DPL(dpl) | 0xau)
#define FIX_DATA32(dpl) (SEG_G | SEG_DB | SEG_P | SEG_S | FIX_DPL(dpl) | 0x2u)
#define FIX_SYSTEM(type, dpl) (SEG_P | FIX_DPL(dpl) | (type))

struct fixture_io {
	uint16_t port;
	uint8_t size;
	bool write;
	uint32_t value;
};

struct x86_fixture {
	struct cpu *cpu;
	struct x86_state s; /* to edit, between fixture_get and fixture_set */
	uint8_t *ram;
	bool paging;
	uint8_t rights[FIX_PAGES];
	uint16_t frame[FIX_PAGES]; /* page frame numbers */
	unsigned walks;
	struct fixture_io io; /* the last access */
	unsigned ios;
	unsigned invlpgs;
	gva_t invlpg; /* the last one */
	unsigned flushes;
};

/* False: no memory. */
bool fixture_begin(struct x86_fixture *x, enum x86_tlb_kind tlb);
void fixture_end(struct x86_fixture *x);

/* Turn paging on: CR0.PG and CR0.WP, all pages present, writable, user. */
void fixture_paging(struct x86_fixture *x);

/* Segments, stack and CPL of level 0 or 3, in x->s and the vCPU. */
void fixture_level(struct x86_fixture *x, unsigned cpl);

/* x->s from the vCPU, and back; set fails the test if the state is refused. */
void fixture_get(struct x86_fixture *x);
void fixture_set(struct x86_fixture *x);

/* Write RAM, and tell the vCPU. */
void fixture_write(struct x86_fixture *x, gpa_t at, const void *data, size_t bytes);
void fixture_write32(struct x86_fixture *x, gpa_t at, uint32_t value);
uint32_t fixture_read32(const struct x86_fixture *x, gpa_t at);
uint16_t fixture_read16(const struct x86_fixture *x, gpa_t at);

/* A segment or system descriptor; `limit` is the 20-bit field. Selector bit 2 picks the LDT. */
void fixture_descriptor(struct x86_fixture *x, unsigned selector, uint32_t base, uint32_t limit,
			unsigned attr);
/* A call, interrupt, trap or task gate at an address; `params` for call gates. */
void fixture_gate(struct x86_fixture *x, gpa_t at, unsigned selector, uint32_t offset,
		  unsigned attr, unsigned params);
static inline gpa_t fixture_idt(unsigned vector)
{
	return FIX_IDT + 8 * vector;
}
gpa_t fixture_slot(unsigned selector);
uint8_t fixture_type(const struct x86_fixture *x, unsigned selector); /* byte 5 */

/*
 * Place code at FIX_CODE (bytes, or a string literal of them), go there and run at most `count`
 * instructions. x->s is the state after.
 */
enum x86_stop fixture_run(struct x86_fixture *x, const void *code, size_t bytes, unsigned count);
#define FIXTURE_RUN(x, literal, count) fixture_run(x, literal, sizeof(literal) - 1, count)
/* Go on, without moving EIP. */
enum x86_stop fixture_continue(struct x86_fixture *x, unsigned count);

/* The vector whose handler has run its HLT, or -1. */
int fixture_vector(const struct x86_fixture *x);

/* Word n of the handler's stack, 32 bits wide. */
uint32_t fixture_stack(const struct x86_fixture *x, unsigned n);

/*
 * Test that the handler of `vector` was entered by a fault of the instruction at FIX_CODE + offset,
 * with `error` on the stack if the vector has one.
 */
void fixture_expect_fault(const struct x86_fixture *x, int vector, uint32_t error, unsigned offset);

#endif
