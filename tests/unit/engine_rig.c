// SPDX-License-Identifier: MIT
#include "engine_rig.h"

#include <string.h>

#include "unit.h"

#define GATES 256u
#define HANDLER_BYTES 16u
#define BUDGET_NS 5000000000u /* a wall-clock engine's way out of a test that went wrong */
#define BUDGET_INSNS 10000000u

const struct engine_ops *rig_ops = &engine_soft;
enum engine_mmu rig_mmu = ENGINE_MMU_DIRECT;
enum shadow_sync rig_sync = SHADOW_STRICT;

bool rig_virtual_time(void)
{
	return rig_ops->features & ENGINE_VIRTUAL_TIME;
}

uint32_t rig_ring1(void)
{
	return rig_ops == &engine_kvm && rig_mmu == ENGINE_MMU_SHADOW ? 1 : 0;
}

/* --- the bus ---------------------------------------------------------------------------------- */

static uint32_t note(struct rig *r, enum rig_kind kind, uint32_t at, unsigned size, uint32_t value)
{
	struct rig_access a = { kind, at, size, value & (uint32_t)((1ull << 8 * size) - 1) };

	if (r->on_access)
		r->on_access(r, &a);
	if (r->accesses < RIG_LOG)
		r->log[r->accesses] = a;
	r->accesses++;
	return a.value;
}

static uint32_t io_read(void *ctx, uint16_t port, unsigned size)
{
	return note(ctx, RIG_IN, port, size, 0xa1b2c3d4);
}

static void io_write(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
	note(ctx, RIG_OUT, port, size, value);
}

/*
 * Each byte of the MMIO space holds its own address, folded, so that any cut of it is recognised.
 */
static uint32_t mmio_read(void *ctx, gpa_t gpa, unsigned size)
{
	uint32_t value = 0;

	for (unsigned n = 0; n < size; n++)
		value |= (((uint32_t)(gpa + n) * 7 + 1) & 0xff) << 8 * n;
	return note(ctx, RIG_MMIO_READ, (uint32_t)gpa, size, value);
}

static void mmio_write(void *ctx, gpa_t gpa, unsigned size, uint32_t value)
{
	note(ctx, RIG_MMIO_WRITE, (uint32_t)gpa, size, value);
}

/* --- memory ----------------------------------------------------------------------------------- */

void rig_put(struct rig *r, gpa_t at, const void *data, uint64_t bytes)
{
	memcpy(ram_span(&r->ram, at, bytes), data, bytes);
	r->ops->ram_written(r->e, at, bytes);
}

void rig_put32(struct rig *r, gpa_t at, uint32_t value)
{
	rig_put(r, at, &value, sizeof(value));
}

uint32_t rig_get32(struct rig *r, gpa_t at)
{
	uint32_t value;

	memcpy(&value, ram_span(&r->ram, at, sizeof(value)), sizeof(value));
	return value;
}

/* --- building --------------------------------------------------------------------------------- */

static void tables_put(struct rig *r)
{
	static const uint64_t gdt[] = {
		0,
		0x00cf9b000000ffff, /* RIG_CS0 */
		0x00cf93000000ffff, /* RIG_DS0 */
		0x00cffb000000ffff, /* RIG_CS3 */
		0x00cff3000000ffff, /* RIG_DS3 */
		0x00008b0000000067 | (uint64_t)(RIG_TSS & 0xffffff) << 16,
	};
	const uint32_t stack0[] = { RIG_STACK0, RIG_DS0 };

	rig_put(r, RIG_GDT, gdt, sizeof(gdt));
	rig_put(r, RIG_TSS + 4, stack0, sizeof(stack0));
	for (uint32_t n = 0; n < GATES; n++) {
		uint32_t handler = RIG_HANDLERS + n * HANDLER_BYTES;
		/* interrupt gates that CPL 3 may name, too */
		const uint32_t gate[] = { RIG_CS0 << 16 | (handler & 0xffff),
					  (handler & 0xffff0000) | 0xee00 };

		rig_put(r, RIG_IDT + 8 * n, gate, sizeof(gate));
		rig_put(r, handler, "\xf4", 1);
	}
}

void rig_begin(struct rig *r, const void *code, uint64_t bytes)
{
	struct engine_config config = {
		.ram = &r->ram,
		.bus = { r, io_read, io_write, mmio_read, mmio_write },
		.mmu = rig_mmu,
		.shadow.sync = rig_sync,
	};
	struct diag d = { .text = "" };

	*r = (struct rig){ .ops = rig_ops };
	CU_ASSERT_EQUAL_FATAL(ram_create(&r->ram, RIG_RAM_BYTES, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(rig_ops->create(&r->e, &config, &d), 0);
	r->ops = r->e->ops; /* an engine may have a table for each kind of paging */
	tables_put(r);
	rig_put(r, RIG_CODE, code, bytes);
	CU_ASSERT_EQUAL_FATAL(r->ops->get_state(r->e, &r->s), 0);
	r->s.eip = RIG_CODE;
	r->s.gpr[X86_ESP] = RIG_STACK;
	r->s.gdtr = (struct x86_table){ RIG_GDT, 6 * 8 - 1 };
	r->s.idtr = (struct x86_table){ RIG_IDT, 8 * GATES - 1 };
	r->s.seg[X86_CS].selector = RIG_CS0;
	for (unsigned n = X86_ES; n <= X86_GS; n++)
		if (n != X86_CS)
			r->s.seg[n].selector = RIG_DS0;
	r->s.seg[X86_TR] = (struct x86_segment){
		.selector = RIG_TR, .attr = SEG_P | SYS_TSS32_BUSY, .base = RIG_TSS, .limit = 0x67
	};
	rig_set(r);
}

void rig_end(struct rig *r)
{
	struct shadow *shadow = r->ops->shadow(r->e);

	if (shadow)
		CU_ASSERT_EQUAL(shadow_audit(shadow, stderr), 0);
	r->ops->destroy(r->e);
	ram_destroy(&r->ram);
}

void rig_set(struct rig *r)
{
	CU_ASSERT_EQUAL_FATAL(r->ops->set_state(r->e, &r->s), 0);
}

void rig_paging_on(struct rig *r)
{
	rig_put32(r, RIG_DIRECTORY, RIG_TABLE | PTE_P | PTE_W | PTE_U);
	for (uint32_t n = 0; n < 1024; n++)
		rig_put32(r, RIG_TABLE + 4 * n, n << PAGE_SHIFT | PTE_P | PTE_W | PTE_U);
	r->s.cr3 = RIG_DIRECTORY;
	r->s.cr4 |= CR4_PSE;
	r->s.cr0 |= CR0_PG | CR0_WP;
	rig_set(r);
}

void rig_user(struct rig *r)
{
	for (unsigned n = X86_ES; n <= X86_GS; n++) {
		r->s.seg[n].selector = n == X86_CS ? RIG_CS3 : RIG_DS3;
		if (r->s.seg[n].attr & SEG_P)
			r->s.seg[n].attr |= 3u << SEG_DPL_SHIFT;
	}
	r->s.cpl = 3;
	rig_set(r);
}

/* --- running ---------------------------------------------------------------------------------- */

enum engine_exit_reason rig_run_to(struct rig *r, uint64_t deadline_ns)
{
	r->ops->run(r->e, deadline_ns, &r->out);
	CU_ASSERT_EQUAL(r->ops->get_state(r->e, &r->s), 0);
	return r->out.reason;
}

enum engine_exit_reason rig_run(struct rig *r)
{
	return rig_run_to(r,
			  r->ops->now_ns(r->e) + (rig_virtual_time() ? BUDGET_INSNS : BUDGET_NS));
}

int rig_vector(const struct rig *r)
{
	uint32_t at = r->s.eip - 1 - RIG_HANDLERS;

	return r->s.halted && at < GATES * HANDLER_BYTES && at % HANDLER_BYTES == 0
		       ? (int)(at / HANDLER_BYTES)
		       : -1;
}

uint32_t rig_stack(struct rig *r, unsigned n)
{
	return rig_get32(r, r->s.gpr[X86_ESP] + 4 * n);
}
