// SPDX-License-Identifier: MIT
#include "x86_fixture.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

#define OPCODE_HLT 0xf4u

/* --- what the vCPU sees ----------------------------------------------------------------------- */

static bool env_translate(void *ctx, gva_t lin, unsigned access, struct x86_mapping *map,
			  uint32_t *error)
{
	struct x86_fixture *x = ctx;
	bool write = (access & ACCESS_KIND) == ACCESS_WRITE, user = access & ACCESS_USER;
	uint8_t rights = FIX_PRESENT | MAP_W | MAP_U;

	x->walks++;
	map->frame = lin & ~PAGE_OFFSET_MASK;
	if (x->paging && lin < FIX_RAM) {
		rights = x->rights[lin >> PAGE_SHIFT];
		map->frame = (gpa_t)x->frame[lin >> PAGE_SHIFT] << PAGE_SHIFT;
	}
	*error = (rights & FIX_PRESENT ? PF_P : 0) | (write ? PF_W : 0) | (user ? PF_U : 0);
	if (!(rights & FIX_PRESENT) || (user && !(rights & MAP_U)))
		return false;
	/* as with CR0.WP set */
	if (write && !(rights & MAP_W))
		return false;
	map->rights = (uint8_t)((rights & ~FIX_PRESENT) | (write ? MAP_D : 0));
	return true;
}

static uint8_t *env_page(void *ctx, gpa_t frame)
{
	const struct x86_fixture *x = ctx;

	return frame < FIX_RAM ? x->ram + frame : NULL;
}

static uint32_t env_mmio_read(void *ctx, gpa_t gpa, unsigned size)
{
	return 0xffffffff;
}

static void env_mmio_write(void *ctx, gpa_t gpa, unsigned size, uint32_t value)
{
}

static uint32_t env_io_read(void *ctx, uint16_t port, unsigned size)
{
	struct x86_fixture *x = ctx;

	x->io = (struct fixture_io){ .port = port, .size = (uint8_t)size };
	x->ios++;
	return 0xa5a5a5a5;
}

static void env_io_write(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
	struct x86_fixture *x = ctx;

	x->io = (struct fixture_io){ port, (uint8_t)size, true, value };
	x->ios++;
}

static void env_invlpg(void *ctx, gva_t lin)
{
	struct x86_fixture *x = ctx;

	x->invlpgs++;
	x->invlpg = lin;
}

static void env_flush(void *ctx, bool global)
{
	struct x86_fixture *x = ctx;

	x->flushes++;
}

/* --- memory ----------------------------------------------------------------------------------- */

void fixture_write(struct x86_fixture *x, gpa_t at, const void *data, size_t bytes)
{
	memcpy(x->ram + at, data, bytes);
	x86_ram_written(x->cpu, at, bytes);
}

void fixture_write32(struct x86_fixture *x, gpa_t at, uint32_t value)
{
	fixture_write(x, at, &value, sizeof(value));
}

uint32_t fixture_read32(const struct x86_fixture *x, gpa_t at)
{
	uint32_t value;

	memcpy(&value, x->ram + at, sizeof(value));
	return value;
}

uint16_t fixture_read16(const struct x86_fixture *x, gpa_t at)
{
	return (uint16_t)fixture_read32(x, at);
}

gpa_t fixture_slot(unsigned selector)
{
	return (selector & 4 ? FIX_LDT : FIX_GDT) + (selector & 0xfff8);
}

uint8_t fixture_type(const struct x86_fixture *x, unsigned selector)
{
	return x->ram[fixture_slot(selector) + 5];
}

void fixture_descriptor(struct x86_fixture *x, unsigned selector, uint32_t base, uint32_t limit,
			unsigned attr)
{
	gpa_t at = fixture_slot(selector);

	fixture_write32(x, at, (limit & 0xffff) | base << 16);
	fixture_write32(x, at + 4,
			(base >> 16 & 0xff) | attr << 8 | (limit & 0xf0000) | (base & 0xff000000));
}

void fixture_gate(struct x86_fixture *x, gpa_t at, unsigned selector, uint32_t offset,
		  unsigned attr, unsigned params)
{
	fixture_write32(x, at, (offset & 0xffff) | selector << 16);
	fixture_write32(x, at + 4, (offset & 0xffff0000) | attr << 8 | params);
}

/* --- set-up ----------------------------------------------------------------------------------- */

static void lay_tables(struct x86_fixture *x)
{
	fixture_descriptor(x, FIX_KCODE, 0, 0xfffff, FIX_CODE32(0));
	fixture_descriptor(x, FIX_KDATA, 0, 0xfffff, FIX_DATA32(0));
	fixture_descriptor(x, FIX_UCODE, 0, 0xfffff, FIX_CODE32(3));
	fixture_descriptor(x, FIX_UDATA, 0, 0xfffff, FIX_DATA32(3));
	fixture_descriptor(x, FIX_TR, FIX_TSS, 0x67, FIX_SYSTEM(SYS_TSS32_BUSY, 0));
	fixture_descriptor(x, FIX_LDTR, FIX_LDT, FIX_LDT_LIMIT, FIX_SYSTEM(SYS_LDT, 0));
	fixture_write32(x, FIX_TSS + 4, FIX_ESP0);
	fixture_write32(x, FIX_TSS + 8, FIX_KDATA);
	fixture_write32(x, FIX_TSS + 0x64, 0xffff0000); /* no I/O bitmap */
	for (unsigned v = 0; v < 256; v++) {
		fixture_gate(x, fixture_idt(v), FIX_KCODE, FIX_HANDLER + 16 * v,
			     FIX_SYSTEM(SYS_INT32, 0), 0);
		x->ram[FIX_HANDLER + 16 * v] = OPCODE_HLT;
	}
	for (unsigned n = 0; n < FIX_PAGES; n++) {
		x->rights[n] = FIX_PRESENT | MAP_W | MAP_U;
		x->frame[n] = (uint16_t)n;
	}
}

void fixture_paging(struct x86_fixture *x)
{
	x->paging = true;
	fixture_get(x);
	x->s.cr0 |= CR0_PG | CR0_WP;
	fixture_set(x);
}

static struct x86_segment flat(unsigned selector, unsigned attr)
{
	return (struct x86_segment){
		.selector = (uint16_t)selector,
		.attr = (uint16_t)(attr | SEG_ACCESSED),
		.limit = 0xffffffff,
	};
}

void fixture_level(struct x86_fixture *x, unsigned cpl)
{
	const uint8_t data[] = { X86_ES, X86_SS, X86_DS, X86_FS, X86_GS };

	fixture_get(x);
	x->s.cpl = (uint8_t)cpl;
	x->s.seg[X86_CS] = flat(cpl ? FIX_UCODE : FIX_KCODE, FIX_CODE32(cpl));
	for (unsigned n = 0; n < ARRAY_SIZE(data); n++)
		x->s.seg[data[n]] = flat(cpl ? FIX_UDATA : FIX_KDATA, FIX_DATA32(cpl));
	x->s.gpr[X86_ESP] = cpl ? FIX_ESP3 : FIX_ESP0;
	fixture_set(x);
}

bool fixture_begin(struct x86_fixture *x, enum x86_tlb_kind tlb)
{
	const struct x86_env env = {
		.ctx = x,
		.translate = env_translate,
		.page = env_page,
		.mmio_read = env_mmio_read,
		.mmio_write = env_mmio_write,
		.io_read = env_io_read,
		.io_write = env_io_write,
		.invlpg = env_invlpg,
		.flush = env_flush,
		.ram_frames = FIX_PAGES,
	};

	*x = (struct x86_fixture){ .ram = calloc(1, FIX_RAM) };
	if (!x->ram || x86_create(&x->cpu, &env, tlb)) {
		free(x->ram);
		return false;
	}
	lay_tables(x);
	fixture_get(x);
	x->s.gdtr = (struct x86_table){ FIX_GDT, FIX_GDT_LIMIT };
	x->s.idtr = (struct x86_table){ FIX_IDT, 0x7ff };
	x->s.seg[X86_TR] =
		(struct x86_segment){ FIX_TR, FIX_SYSTEM(SYS_TSS32_BUSY, 0), FIX_TSS, 0x67 };
	x->s.seg[X86_LDTR] =
		(struct x86_segment){ FIX_LDTR, FIX_SYSTEM(SYS_LDT, 0), FIX_LDT, FIX_LDT_LIMIT };
	x->s.eip = FIX_CODE;
	fixture_set(x);
	fixture_level(x, 0);
	x->flushes = 0;
	return true;
}

void fixture_end(struct x86_fixture *x)
{
	x86_destroy(x->cpu);
	free(x->ram);
}

void fixture_get(struct x86_fixture *x)
{
	x86_get_state(x->cpu, &x->s);
}

void fixture_set(struct x86_fixture *x)
{
	CU_ASSERT_EQUAL(x86_set_state(x->cpu, &x->s), 0);
}

/* --- running ---------------------------------------------------------------------------------- */

enum x86_stop fixture_continue(struct x86_fixture *x, unsigned count)
{
	enum x86_stop stop = x86_run(x->cpu, x86_icount(x->cpu) + count);
	uint32_t handler;

	fixture_get(x);
	handler = x->s.eip - FIX_HANDLER;
	/* the count may end between a fault and its handler's HLT */
	if (stop == X86_STOP_DEADLINE && handler < 256 * 16 && handler % 16 == 0) {
		stop = x86_run(x->cpu, x86_icount(x->cpu) + 1);
		fixture_get(x);
	}
	return stop;
}

enum x86_stop fixture_run(struct x86_fixture *x, const void *code, size_t bytes, unsigned count)
{
	fixture_write(x, FIX_CODE, code, bytes);
	fixture_get(x);
	x->s.eip = FIX_CODE;
	x->s.halted = false;
	fixture_set(x);
	return fixture_continue(x, count);
}

int fixture_vector(const struct x86_fixture *x)
{
	uint32_t past = x->s.eip - FIX_HANDLER;

	return x->s.halted && past < 256 * 16 && past % 16 == 1 ? (int)(past / 16) : -1;
}

uint32_t fixture_stack(const struct x86_fixture *x, unsigned n)
{
	return fixture_read32(x, x->s.seg[X86_SS].base + x->s.gpr[X86_ESP] + 4 * n);
}

void fixture_expect_fault(const struct x86_fixture *x, int vector, uint32_t error, unsigned offset)
{
	const uint32_t with_error = 1u << VEC_DF | 1u << VEC_TS | 1u << VEC_NP | 1u << VEC_SS |
				    1u << VEC_GP | 1u << VEC_PF | 1u << VEC_AC;
	unsigned n = with_error >> vector & 1;

	CU_ASSERT_EQUAL(fixture_vector(x), vector);
	if (fixture_vector(x) != vector)
		return;
	if (n)
		CU_ASSERT_EQUAL(fixture_stack(x, 0), error);
	CU_ASSERT_EQUAL(fixture_stack(x, n), FIX_CODE + offset);
}
