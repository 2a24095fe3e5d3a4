// SPDX-License-Identifier: MIT
/*
 * The vCPU as a whole: its life, its state, and what follows when a part of the state changes.
 */
#include "x86/cpu.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "x86/block.h"
#include "x86/debug.h"
#include "x86/disasm.h"
#include "x86/flags.h"
#include "x86/mem.h"

/* What POPF, IRET and x86_set_state can ever set. */
#define EFLAGS_DEFINED                                                                             \
	(EFLAGS_ARITH | EFLAGS_TF | EFLAGS_IF | EFLAGS_DF | EFLAGS_IOPL | EFLAGS_NT | EFLAGS_RF |  \
	 EFLAGS_VM | EFLAGS_AC | EFLAGS_VIF | EFLAGS_VIP | EFLAGS_ID)

/*
 * CR3: bits 31:12 are the directory, PCD and PWT are kept, the rest is ignored (SDM vol. 3, 2.5).
 */
#define CR3_KEPT 0xfffff018u

int x86_create(struct cpu **out, const struct x86_env *env, enum x86_tlb_kind tlb)
{
	struct cpu *c = calloc(1, sizeof(*c));
	int err = -ENOMEM;

	if (!c)
		return -ENOMEM;
	c->env = *env;
	c->work_limit = UINT64_MAX;
	c->jump = calloc(JUMP_ENTRIES, sizeof(*c->jump));
	if (!c->jump)
		goto fail;
	err = tlb_init(&c->tlb, tlb);
	if (err)
		goto fail;
	err = block_cache_create(&c->blocks, env->ram_frames, env->code_unseen);
	if (err)
		goto fail;
	x86_reset(c);
	*out = c;
	return 0;
fail:
	x86_destroy(c);
	return err;
}

void x86_destroy(struct cpu *c)
{
	if (!c)
		return;
	block_cache_destroy(c->blocks);
	tlb_destroy(&c->tlb);
	free(c->jump);
	free(c);
}

void x86_first_state(struct x86_state *s)
{
	/* Types: 3 is data, read/write, accessed; 0xb is code, execute/read, accessed. */
	const struct x86_segment data = {
		.attr = SEG_P | SEG_S | 0x3 | SEG_DB | SEG_G,
		.limit = 0xffffffff,
	};

	*s = (struct x86_state){ .eflags = EFLAGS_FIXED, .cr0 = CR0_PE | CR0_ET };
	for (unsigned n = X86_ES; n <= X86_GS; n++)
		s->seg[n] = data;
	s->seg[X86_CS].attr |= SEG_CODE;
	s->seg[X86_TR].attr = SEG_P | SYS_TSS32_BUSY;
	s->seg[X86_TR].limit = 0xffff;
	s->seg[X86_LDTR].attr = SEG_P | SYS_LDT;
	s->seg[X86_LDTR].limit = 0xffff;
	s->dr[6] = DR6_FIXED;
	s->dr[7] = DR7_FIXED;
}

void x86_reset(struct cpu *c)
{
	struct x86_state s;

	x86_first_state(&s);
	x86_set_state(c, &s);
}

void x86_get_state(const struct cpu *c, struct x86_state *s)
{
	*s = (struct x86_state){
		.eip = c->eip,
		.eflags = cpu_eflags(c),
		.gdtr = c->gdtr,
		.idtr = c->idtr,
		.cr0 = c->cr0,
		.cr2 = c->cr2,
		.cr3 = c->cr3,
		.cr4 = c->cr4,
		.tsc = c->env.tsc_read ? 0 : cpu_tsc(c),
		.cpl = c->cpl,
		.halted = c->halted,
		.sti_shadow = c->sti_shadow,
		.mov_ss_shadow = c->mov_ss_shadow,
	};
	memcpy(s->gpr, c->gpr, sizeof(s->gpr));
	memcpy(s->seg, c->seg, sizeof(s->seg));
	memcpy(s->dr, c->dr, sizeof(s->dr));
}

struct x86_control x86_get_control(const struct cpu *c)
{
	return (struct x86_control){ c->cr0, c->cr3, c->cr4 };
}

bool x86_state_possible(const struct x86_state *s)
{
	return s->cr0 & CR0_PE && !(s->cr0 & ~CR0_DEFINED) && !(s->cr4 & ~CR4_DEFINED) &&
	       !(s->eflags & EFLAGS_VM) && s->cpl <= 3 &&
	       !((s->cr0 & CR0_NW) && !(s->cr0 & CR0_CD));
}

int x86_set_state(struct cpu *c, const struct x86_state *s)
{
	if (!x86_state_possible(s))
		return -EINVAL;
	memcpy(c->gpr, s->gpr, sizeof(s->gpr));
	c->gpr[X86_GPRS] = 0;
	memcpy(c->seg, s->seg, sizeof(c->seg));
	memcpy(c->dr, s->dr, sizeof(c->dr));
	c->dr[6] |= DR6_FIXED;
	c->dr[7] |= DR7_FIXED;
	c->eip = s->eip;
	c->gdtr = s->gdtr;
	c->idtr = s->idtr;
	c->cr0 = s->cr0 | CR0_ET;
	c->cr2 = s->cr2;
	c->cr3 = s->cr3 & CR3_KEPT;
	c->cr4 = s->cr4;
	c->cpl = s->cpl;
	c->tsc_offset = s->tsc - c->icount;
	c->halted = s->halted;
	c->sti_shadow = s->sti_shadow;
	c->mov_ss_shadow = s->mov_ss_shadow;
	c->fault = false;
	c->dr6_pending = 0;
	c->debug_trap = false;
	c->stop_reason = X86_STOP_NONE;
	cpu_set_eflags(c, s->eflags);
	cpu_mode_changed(c);
	x86_flush_all(c);
	return 0;
}

/* --- what follows from the state ----------------------------------------------------------- */

uint32_t cpu_eflags(const struct cpu *c)
{
	return c->eflags | flags_get(c) | EFLAGS_FIXED;
}

void cpu_set_eflags(struct cpu *c, uint32_t value)
{
	flags_load(c, value);
	c->eflags = (value & EFLAGS_DEFINED & ~EFLAGS_ARITH) | EFLAGS_FIXED;
	cpu_mode_changed(c);
}

static bool segment_is_flat(const struct x86_segment *s)
{
	const uint16_t mask = SEG_P | SEG_S | SEG_CODE | SEG_EXPDOWN | SEG_WRITE;

	return s->base == 0 && s->limit == 0xffffffff &&
	       (s->attr & mask) == (SEG_P | SEG_S | SEG_WRITE);
}

void cpu_mode_changed(struct cpu *c)
{
	const struct x86_segment *cs = &c->seg[X86_CS];
	bool flat_code = cs->base == 0 && cs->limit == 0xffffffff;
	const uint8_t all = 1u << X86_ES | 1u << X86_SS | 1u << X86_DS;

	c->flat = 0;
	for (unsigned n = X86_ES; n <= X86_GS; n++)
		if (n != X86_CS && segment_is_flat(&c->seg[n]))
			c->flat |= (uint8_t)(1u << n);
	c->align_check = c->cr0 & CR0_AM && c->eflags & EFLAGS_AC && c->cpl == 3;
	if (c->align_check || debug_armed(c) || c->tlb.kind == X86_TLB_DROP)
		c->tlb.fast = c->tlb.array[TLB_NO_MODE];
	else
		c->tlb.fast = c->tlb.array[tlb_mode_of(c, cpu_user(c))];

	c->block_mode = cs->attr & SEG_DB ? BLOCK_D32 : 0;
	if (flat_code && (c->flat & all) == all && c->seg[X86_SS].attr & SEG_DB)
		c->block_mode |= BLOCK_FLAT;
	if (c->tlb.kind == X86_TLB_DROP)
		c->block_mode |= BLOCK_SINGLE;
}

/* Which changes of CR0 and CR4 drop translations: SDM vol. 3, 4.10.4.1. */
void cpu_set_cr0(struct cpu *c, uint32_t value)
{
	uint32_t changed = c->cr0 ^ value;

	c->cr0 = value | CR0_ET;
	if (changed & (CR0_PG | CR0_PE))
		x86_flush_all(c);
	else if (changed & CR0_WP && c->env.wp_changed)
		c->env.wp_changed(c->env.ctx);
	cpu_mode_changed(c);
}

void cpu_set_cr3(struct cpu *c, uint32_t value)
{
	c->cr3 = value & CR3_KEPT;
	tlb_flush_all(&c->tlb, !(c->cr4 & CR4_PGE));
	if (c->env.flush)
		c->env.flush(c->env.ctx, false);
}

void cpu_set_cr4(struct cpu *c, uint32_t value)
{
	uint32_t changed = c->cr4 ^ value;

	c->cr4 = value;
	if (changed & (CR4_PGE | CR4_PSE))
		x86_flush_all(c);
	cpu_mode_changed(c);
}

void x86_flush_page(struct cpu *c, gva_t lin)
{
	tlb_flush_page(&c->tlb, lin);
	if (c->env.invlpg)
		c->env.invlpg(c->env.ctx, lin);
}

void x86_flush_all(struct cpu *c)
{
	tlb_flush_all(&c->tlb, true);
	if (c->env.flush)
		c->env.flush(c->env.ctx, true);
}

void x86_drop_page(struct cpu *c, gva_t lin)
{
	tlb_drop_small(&c->tlb, lin);
}

void x86_drop_all(struct cpu *c)
{
	tlb_flush_all(&c->tlb, true);
}

void x86_ram_written(struct cpu *c, gpa_t gpa, uint64_t len)
{
	block_written(c, gpa, len);
}

/* --- leaving an instruction ---------------------------------------------------------------- */

void cpu_sync(struct cpu *c, const struct insn *i)
{
	c->current = i;
	c->eip = insn_eip(c, i);
}

/* Count the instructions before i as finished. */
static void account(struct cpu *c, const struct insn *i)
{
	c->icount += (uint64_t)(i - c->block->insn);
	c->current = NULL;
}

const struct insn *cpu_leave(struct cpu *c, const struct insn *i, uint32_t eip)
{
	account(c, i);
	c->icount++;
	c->eip = eip;
	return NULL;
}

void cpu_interrupt_insn(struct cpu *c, const struct insn *i)
{
	account(c, i);
	c->eip = insn_eip(c, i);
}

static bool has_error_code(uint8_t vector)
{
	return vector == VEC_DF || (vector >= VEC_TS && vector <= VEC_PF) || vector == VEC_AC;
}

const struct insn *cpu_fault(struct cpu *c, const struct insn *i, uint8_t vector, uint32_t error)
{
	if (i)
		cpu_interrupt_insn(c, i);
	c->pending = (struct exception){
		.vector = vector,
		.has_error = has_error_code(vector),
		.error = error,
	};
	c->fault = true;
	return NULL;
}

const struct insn *cpu_unsupported(struct cpu *c, const struct insn *i, const char *what)
{
	char text[96] = "";

	if (i) {
		cpu_interrupt_insn(c, i);
		disasm_at(c, text, sizeof(text));
	}
	snprintf(c->stop.text, sizeof(c->stop.text), "%s%s%s", what, text[0] ? ": " : "", text);
	c->stop_reason = X86_STOP_UNSUPPORTED;
	return NULL;
}

/* --- what others ask ------------------------------------------------------------------------ */

uint64_t x86_icount(const struct cpu *c)
{
	return c->icount + (c->current ? (uint64_t)(c->current - c->block->insn) : 0);
}

void x86_skip(struct cpu *c, uint64_t until)
{
	if (until <= c->icount)
		return;
	c->skipped += until - c->icount;
	c->icount = until;
}

uint64_t x86_instructions(const struct cpu *c)
{
	return x86_icount(c) - c->skipped;
}

uint64_t x86_work(const struct cpu *c)
{
	return x86_instructions(c) + c->rep_steps;
}

void x86_limit_work(struct cpu *c, uint64_t limit)
{
	c->work_limit = limit ? limit : UINT64_MAX;
}

bool x86_interrupt_ready(const struct cpu *c)
{
	return c->eflags & EFLAGS_IF && !c->sti_shadow && !c->mov_ss_shadow && !c->fault;
}

void x86_request_window(struct cpu *c, bool on)
{
	c->want_window = on;
}

void x86_kick(struct cpu *c)
{
	atomic_store(&c->kick, true);
	__atomic_store_n(&c->until, 0, __ATOMIC_RELAXED);
}

const struct x86_fault_log *x86_faults(const struct cpu *c)
{
	return &c->log;
}

const struct x86_stop_info *x86_stop_info(const struct cpu *c)
{
	return &c->stop;
}

uint64_t x86_page_faults(const struct cpu *c)
{
	return c->page_faults;
}
