// SPDX-License-Identifier: MIT
#include "x86/debug.h"
#include "x86/mem.h"
#include "x86/ops.h"
#include "x86/segment.h"

/* CPL 0, or #GP(0). */
static bool privileged(struct cpu *c, const struct insn *i)
{
	return c->cpl == 0 || cpu_fault_false(c, i, VEC_GP, 0);
}

const struct insn *op_undefined(struct cpu *c, const struct insn *i)
{
	return cpu_fault(c, i, VEC_UD, 0);
}

/* NOP in all lengths, PAUSE, and hints of later CPUs that older ones take for NOP. */
static const struct insn *op_nop(struct cpu *c, const struct insn *i)
{
	return i + 1;
}

/* --- control registers ------------------------------------------------------------------------ */

static const struct insn *cr0_write(struct cpu *c, const struct insn *i, uint32_t value)
{
	/* reserved bits are ignored (SDM vol. 3, 2.5) */
	value &= CR0_DEFINED;
	if ((value & (CR0_PG | CR0_PE)) == CR0_PG || (value & (CR0_NW | CR0_CD)) == CR0_NW)
		return cpu_fault(c, i, VEC_GP, 0);
	if (!(value & CR0_PE))
		return cpu_unsupported(c, i, "real mode (CR0.PE cleared)");
	cpu_set_cr0(c, value);
	return cpu_leave_next(c, i);
}

static const struct insn *op_mov_to_cr(struct cpu *c, const struct insn *i)
{
	uint32_t value = reg_read32(c, i->op[1].reg);

	cpu_sync(c, i);
	switch (i->sub2) {
	case 0:
		return cr0_write(c, i, value);
	case 2:
		c->cr2 = value;
		break;
	case 3:
		cpu_set_cr3(c, value);
		break;
	default:
		if (value & ~CR4_DEFINED)
			return cpu_fault(c, i, VEC_GP, 0);
		cpu_set_cr4(c, value);
	}
	return cpu_leave_next(c, i);
}

static const struct insn *op_mov_from_cr(struct cpu *c, const struct insn *i)
{
	const uint32_t value[] = { c->cr0, 0, c->cr2, c->cr3, c->cr4 };

	reg_write32(c, i->op[0].reg, value[i->sub2]);
	return i + 1;
}

static const struct insn *op_mov_cr(struct cpu *c, const struct insn *i)
{
	const unsigned there = 1u << 0 | 1u << 2 | 1u << 3 | 1u << 4;

	if (i->sub2 > 4 || !(there >> i->sub2 & 1))
		return cpu_fault(c, i, VEC_UD, 0);
	if (!privileged(c, i))
		return NULL;
	return i->op[0].kind == OPND_NONE ? op_mov_to_cr(c, i) : op_mov_from_cr(c, i);
}

static const struct insn *op_clts(struct cpu *c, const struct insn *i)
{
	if (!privileged(c, i))
		return NULL;
	cpu_set_cr0(c, c->cr0 & ~CR0_TS);
	return cpu_leave_next(c, i);
}

/* Loads PE, MP, EM and TS, and cannot clear PE. */
static const struct insn *op_lmsw(struct cpu *c, const struct insn *i)
{
	const uint32_t low = CR0_MP | CR0_EM | CR0_TS;
	uint32_t value;

	if (!privileged(c, i) || !operand_read(c, i, &i->op[0], &value))
		return NULL;
	cpu_set_cr0(c, (c->cr0 & ~low) | (value & low));
	return cpu_leave_next(c, i);
}

static const struct insn *op_smsw(struct cpu *c, const struct insn *i)
{
	return operand_write(c, i, &i->op[0], c->cr0) ? i + 1 : NULL;
}

static const struct insn *op_invlpg(struct cpu *c, const struct insn *i)
{
	if (!privileged(c, i))
		return NULL;
	cpu_sync(c, i);
	x86_flush_page(c, c->seg[i->seg].base + insn_ea(c, i));
	return cpu_leave_next(c, i);
}

static const struct insn *op_wbinvd(struct cpu *c, const struct insn *i)
{
	return privileged(c, i) ? i + 1 : NULL;
}

/* --- debug registers -------------------------------------------------------------------------- */

#define DR6_WRITABLE 0x0000e00fu
#define DR7_WRITABLE 0xffff23ffu

static void dr_write(struct cpu *c, unsigned n, uint32_t value)
{
	if (n == 6)
		value = (value & DR6_WRITABLE) | DR6_FIXED;
	if (n == 7)
		value = (value & DR7_WRITABLE) | DR7_FIXED;
	c->dr[n] = value;
	cpu_mode_changed(c);
}

/* DR4 and DR5 are DR6 and DR7, or not there, by CR4.DE (SDM vol. 3, 17.2.2). */
static const struct insn *op_mov_dr(struct cpu *c, const struct insn *i)
{
	unsigned n = i->sub2;

	if (n > 7 || ((n == 4 || n == 5) && c->cr4 & CR4_DE))
		return cpu_fault(c, i, VEC_UD, 0);
	if (!privileged(c, i))
		return NULL;
	if (c->dr[7] & DR7_GD) {
		c->dr[6] |= DR6_BD;
		/* a fault, and no instruction breakpoint: RF is set in the image (17.3.1.1) */
		c->eflags |= EFLAGS_RF;
		return cpu_fault(c, i, VEC_DB, 0);
	}
	if (n == 4 || n == 5)
		n += 2;
	if (i->op[0].kind == OPND_NONE)
		dr_write(c, n, reg_read32(c, i->op[1].reg));
	else
		reg_write32(c, i->op[0].reg, c->dr[n]);
	return cpu_leave_next(c, i);
}

/* --- descriptor-table registers --------------------------------------------------------------- */

#define TABLE_BASE_24 0x00ffffffu /* what a 16-bit operand size leaves of the base */

enum table { TABLE_GDT, TABLE_IDT };

static struct x86_table *table_register(struct cpu *c, const struct insn *i)
{
	return i->sub == TABLE_GDT ? &c->gdtr : &c->idtr;
}

static const struct insn *op_load_table(struct cpu *c, const struct insn *i)
{
	uint32_t ea = insn_ea(c, i), limit, base;

	if (!privileged(c, i) || !mem_read(c, i, i->seg, ea, 2, &limit) ||
	    !mem_read(c, i, i->seg, (ea + 2) & size_mask(i->addrsize), 4, &base))
		return NULL;
	if (i->opsize == 2)
		base &= TABLE_BASE_24;
	*table_register(c, i) = (struct x86_table){ .base = base, .limit = (uint16_t)limit };
	return i + 1;
}

static const struct insn *op_store_table(struct cpu *c, const struct insn *i)
{
	const struct x86_table *t = table_register(c, i);
	uint32_t ea = insn_ea(c, i);
	uint32_t high = (ea + 2) & size_mask(i->addrsize);
	uint32_t base = i->opsize == 2 ? t->base & TABLE_BASE_24 : t->base;

	if (!mem_probe_write(c, i, i->seg, high, 4) || !mem_write(c, i, i->seg, ea, 2, t->limit) ||
	    !mem_write(c, i, i->seg, high, 4, base))
		return NULL;
	return i + 1;
}

/* LLDT, LTR: a system descriptor in the GDT, of one of `types`; #GP, #NP with the selector. */
static bool system_descriptor(struct cpu *c, const struct insn *i, uint16_t selector,
			      uint32_t types, struct descriptor *d)
{
	uint16_t attr;

	if (selector & 4)
		return cpu_fault_false(c, i, VEC_GP, selector_error(selector));
	if (!descriptor_read(c, i, selector, VEC_GP, d))
		return false;
	attr = descriptor_attr(d);
	if (!(types >> attr_system_type(attr) & 1))
		return cpu_fault_false(c, i, VEC_GP, selector_error(selector));
	if (!(attr & SEG_P))
		return cpu_fault_false(c, i, VEC_NP, selector_error(selector));
	return true;
}

static const struct insn *op_lldt(struct cpu *c, const struct insn *i)
{
	struct descriptor d;
	uint32_t selector;

	if (!privileged(c, i) || !operand_read(c, i, &i->op[0], &selector))
		return NULL;
	if (selector_is_null((uint16_t)selector)) {
		segment_fill_null(c, X86_LDTR, (uint16_t)selector);
		return i + 1;
	}
	if (!system_descriptor(c, i, (uint16_t)selector, 1u << SYS_LDT, &d))
		return NULL;
	segment_fill(c, X86_LDTR, (uint16_t)selector, &d);
	return i + 1;
}

static const struct insn *op_ltr(struct cpu *c, const struct insn *i)
{
	struct descriptor d;
	uint32_t selector;

	if (!privileged(c, i) || !operand_read(c, i, &i->op[0], &selector) ||
	    !system_descriptor(c, i, (uint16_t)selector, 1u << SYS_TSS16 | 1u << SYS_TSS32, &d) ||
	    !descriptor_set_busy(c, i, &d))
		return NULL;
	segment_fill(c, X86_TR, (uint16_t)selector, &d);
	return i + 1;
}

/* SLDT, STR: i->sub is the register. */
static const struct insn *op_store_system(struct cpu *c, const struct insn *i)
{
	return operand_write(c, i, &i->op[0], c->seg[i->sub].selector) ? i + 1 : NULL;
}

/* --- identification, counters, model-specific registers --------------------------------------- */

static const struct insn *op_cpuid(struct cpu *c, const struct insn *i)
{
	struct x86_cpuid r;

	x86_cpuid(c->gpr[X86_EAX], &r);
	c->gpr[X86_EAX] = r.eax;
	c->gpr[X86_EBX] = r.ebx;
	c->gpr[X86_ECX] = r.ecx;
	c->gpr[X86_EDX] = r.edx;
	return i + 1;
}

static void edx_eax_set(struct cpu *c, uint64_t value)
{
	c->gpr[X86_EAX] = (uint32_t)value;
	c->gpr[X86_EDX] = (uint32_t)(value >> 32);
}

static const struct insn *op_rdtsc(struct cpu *c, const struct insn *i)
{
	if (c->cr4 & CR4_TSD && !privileged(c, i))
		return NULL;
	cpu_sync(c, i);
	edx_eax_set(c, cpu_tsc(c));
	return i + 1;
}

/* There are no counters: every number in ECX is one that is not there. */
static const struct insn *op_rdpmc(struct cpu *c, const struct insn *i)
{
	return cpu_fault(c, i, VEC_GP, 0);
}

static const struct insn *op_rdmsr(struct cpu *c, const struct insn *i)
{
	uint64_t value;

	cpu_sync(c, i);
	value = cpu_tsc(c);
	if (c->cpl != 0 ||
	    (c->gpr[X86_ECX] != X86_MSR_TSC && !x86_msr_read(c->gpr[X86_ECX], &value)))
		return cpu_fault(c, i, VEC_GP, 0);
	edx_eax_set(c, value);
	return i + 1;
}

static const struct insn *op_wrmsr(struct cpu *c, const struct insn *i)
{
	uint64_t value = (uint64_t)c->gpr[X86_EDX] << 32 | c->gpr[X86_EAX];

	cpu_sync(c, i);
	if (c->cpl == 0 && c->gpr[X86_ECX] == X86_MSR_TSC && c->env.tsc_write)
		c->env.tsc_write(c->env.ctx, value);
	else if (c->cpl == 0 && c->gpr[X86_ECX] == X86_MSR_TSC)
		c->tsc_offset += value - cpu_tsc(c);
	else if (c->cpl != 0 || !x86_msr_write(c->gpr[X86_ECX], value))
		return cpu_fault(c, i, VEC_GP, 0);
	return i + 1;
}

/* --- interrupts and ports --------------------------------------------------------------------- */

static const struct insn *op_hlt(struct cpu *c, const struct insn *i)
{
	if (!privileged(c, i))
		return NULL;
	c->halted = true;
	return cpu_leave_next(c, i);
}

static const struct insn *op_cli(struct cpu *c, const struct insn *i)
{
	if (c->cpl > cpu_iopl(c))
		return cpu_fault(c, i, VEC_GP, 0);
	c->eflags &= ~EFLAGS_IF;
	return cpu_leave_next(c, i);
}

static const struct insn *op_sti(struct cpu *c, const struct insn *i)
{
	if (c->cpl > cpu_iopl(c))
		return cpu_fault(c, i, VEC_GP, 0);
	c->sti_shadow = !(c->eflags & EFLAGS_IF);
	c->eflags |= EFLAGS_IF;
	return cpu_leave_next(c, i);
}

#define TSS_IOMAP_BASE 0x66u /* offset of the 16-bit field in a 32-bit TSS */

bool io_allowed(struct cpu *c, const struct insn *i, uint16_t port, unsigned size)
{
	const struct x86_segment *tr = &c->seg[X86_TR];
	uint32_t at, map;

	if (c->cpl <= cpu_iopl(c))
		return true;
	/* a 16-bit TSS has no bitmap */
	if (!(tr->attr & SEG_P) || !(attr_system_type(tr->attr) & 8) ||
	    tr->limit < TSS_IOMAP_BASE + 1)
		return cpu_fault_false(c, i, VEC_GP, 0);
	if (!lin_read(c, i, tr->base + TSS_IOMAP_BASE, 2, 0, &at))
		return false;
	/* two bytes are read for every port, so the last one needs a byte after it */
	at += port / 8;
	if (at + 1 > tr->limit)
		return cpu_fault_false(c, i, VEC_GP, 0);
	if (!lin_read(c, i, tr->base + at, 2, 0, &map))
		return false;
	if (map >> port % 8 & ((1u << size) - 1))
		return cpu_fault_false(c, i, VEC_GP, 0);
	return true;
}

static uint16_t port_of(const struct cpu *c, const struct insn *i, const struct operand *op)
{
	return op->kind == OPND_REG ? (uint16_t)c->gpr[X86_EDX] : i->imm & 0xff;
}

static const struct insn *op_in(struct cpu *c, const struct insn *i)
{
	uint16_t port = port_of(c, i, &i->op[1]);
	unsigned size = i->op[0].size;

	if (!io_allowed(c, i, port, size))
		return NULL;
	cpu_sync(c, i);
	debug_io(c, port, size);
	reg_write(c, i->op[0].reg, size, c->env.io_read(c->env.ctx, port, size));
	return cpu_leave_next(c, i);
}

static const struct insn *op_out(struct cpu *c, const struct insn *i)
{
	uint16_t port = port_of(c, i, &i->op[0]);
	unsigned size = i->op[1].size;

	if (!io_allowed(c, i, port, size))
		return NULL;
	cpu_sync(c, i);
	debug_io(c, port, size);
	c->env.io_write(c->env.ctx, port, size, reg_read(c, i->op[1].reg, size));
	return cpu_leave_next(c, i);
}

const struct op_row ops_system[] = {
	{ ZYDIS_MNEMONIC_MOV, OPV_CR, 0, OP_END, op_mov_cr },
	{ ZYDIS_MNEMONIC_MOV, OPV_DR, 0, OP_END, op_mov_dr },
	{ ZYDIS_MNEMONIC_CLTS, OPV_NORMAL, 0, OP_END, op_clts },
	{ ZYDIS_MNEMONIC_LMSW, OPV_NORMAL, 0, OP_END, op_lmsw },
	{ ZYDIS_MNEMONIC_SMSW, OPV_NORMAL, 0, 0, op_smsw },
	{ ZYDIS_MNEMONIC_INVLPG, OPV_NORMAL, 0, OP_END, op_invlpg },
	{ ZYDIS_MNEMONIC_INVD, OPV_NORMAL, 0, 0, op_wbinvd },
	{ ZYDIS_MNEMONIC_WBINVD, OPV_NORMAL, 0, 0, op_wbinvd },
	{ ZYDIS_MNEMONIC_LGDT, OPV_NORMAL, TABLE_GDT, 0, op_load_table },
	{ ZYDIS_MNEMONIC_LIDT, OPV_NORMAL, TABLE_IDT, 0, op_load_table },
	{ ZYDIS_MNEMONIC_SGDT, OPV_NORMAL, TABLE_GDT, 0, op_store_table },
	{ ZYDIS_MNEMONIC_SIDT, OPV_NORMAL, TABLE_IDT, 0, op_store_table },
	{ ZYDIS_MNEMONIC_LLDT, OPV_NORMAL, 0, 0, op_lldt },
	{ ZYDIS_MNEMONIC_LTR, OPV_NORMAL, 0, 0, op_ltr },
	{ ZYDIS_MNEMONIC_SLDT, OPV_NORMAL, X86_LDTR, 0, op_store_system },
	{ ZYDIS_MNEMONIC_STR, OPV_NORMAL, X86_TR, 0, op_store_system },
	{ ZYDIS_MNEMONIC_CPUID, OPV_NORMAL, 0, 0, op_cpuid },
	{ ZYDIS_MNEMONIC_RDTSC, OPV_NORMAL, 0, 0, op_rdtsc },
	{ ZYDIS_MNEMONIC_RDPMC, OPV_NORMAL, 0, OP_END, op_rdpmc },
	{ ZYDIS_MNEMONIC_RDMSR, OPV_NORMAL, 0, 0, op_rdmsr },
	{ ZYDIS_MNEMONIC_WRMSR, OPV_NORMAL, 0, 0, op_wrmsr },
	{ ZYDIS_MNEMONIC_HLT, OPV_NORMAL, 0, OP_END, op_hlt },
	{ ZYDIS_MNEMONIC_CLI, OPV_NORMAL, 0, OP_END, op_cli },
	{ ZYDIS_MNEMONIC_STI, OPV_NORMAL, 0, OP_END, op_sti },
	{ ZYDIS_MNEMONIC_IN, OPV_NORMAL, 0, OP_END, op_in },
	{ ZYDIS_MNEMONIC_OUT, OPV_NORMAL, 0, OP_END, op_out },
	{ ZYDIS_MNEMONIC_UD0, OPV_NORMAL, 0, OP_END, op_undefined },
	{ ZYDIS_MNEMONIC_UD1, OPV_NORMAL, 0, OP_END, op_undefined },
	{ ZYDIS_MNEMONIC_UD2, OPV_NORMAL, 0, OP_END, op_undefined },
	{ ZYDIS_MNEMONIC_NOP, OPV_NORMAL, 0, 0, op_nop },
	{ ZYDIS_MNEMONIC_PAUSE, OPV_NORMAL, 0, 0, op_nop },
	{ ZYDIS_MNEMONIC_ENDBR32, OPV_NORMAL, 0, 0, op_nop },
	{ ZYDIS_MNEMONIC_ENDBR64, OPV_NORMAL, 0, 0, op_nop },
	{ ZYDIS_MNEMONIC_RDSSPD, OPV_NORMAL, 0, 0, op_nop },
	{ ZYDIS_MNEMONIC_PREFETCHNTA, OPV_NORMAL, 0, 0, op_nop },
	{ ZYDIS_MNEMONIC_PREFETCHT0, OPV_NORMAL, 0, 0, op_nop },
	{ ZYDIS_MNEMONIC_PREFETCHT1, OPV_NORMAL, 0, 0, op_nop },
	{ ZYDIS_MNEMONIC_PREFETCHT2, OPV_NORMAL, 0, 0, op_nop },
	{ ZYDIS_MNEMONIC_INVALID, 0, 0, 0, NULL },
};
