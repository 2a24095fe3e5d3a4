/* SPDX-License-Identifier: MIT */
/*
 * The vCPU of the executor, for the files of x86/ alone; others use x86/exec.h.
 *
 * Rules that every handler keeps:
 *  - A handler executes one decoded instruction and returns the next one to run: i + 1 inside a
 *    block, or NULL to leave the block with c->eip set (helpers below do that).
 *  - Faults are precise: a handler first does everything that can fault, then commits. A helper
 *    that can fault returns false after recording the exception; the handler then returns NULL at
 *    once, with no register changed. REP and PUSHA-like instructions may have stored some elements.
 *  - CF, PF, AF, ZF, SF and OF live in the lazy pair (flag_result, flag_aux), see x86/flags.h; all
 *    other bits live in c->eflags.
 *  - c->eip is exact only outside a block. Inside, EIP of an instruction is c->block_eip + i->off.
 */
#ifndef VMM_X86_CPU_H
#define VMM_X86_CPU_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/types.h"
#include "x86/env.h"
#include "x86/exec.h"
#include "x86/regs.h"
#include "x86/tlb.h"

struct block;
struct block_cache;
struct cpu;
struct insn;

typedef const struct insn *(*insn_fn)(struct cpu *c, const struct insn *i);

/* Byte offset of a register that reads as zero: an address part that is absent. */
#define GPR_NONE (X86_GPRS * 4)

enum operand_kind { OPND_NONE, OPND_REG, OPND_MEM, OPND_IMM, OPND_SREG };

/*
 * Register operands are byte offsets into c->gpr, so that AH..BH need no case of their own:
 * EAX is 0, ECX 4, ...; AH is 1, CH 5, DH 9, BH 13. For OPND_SREG it is enum x86_sreg; control and
 * debug registers are OPND_NONE with the number in i->sub2.
 */
struct operand {
	uint8_t kind;
	uint8_t reg;
	uint8_t size; /* bytes: 1, 2, 4, 6 (far pointer, descriptor table) or 8 */
};

#define INSN_LOCK 0x01u
#define INSN_REP 0x02u	 /* F3 */
#define INSN_REPNE 0x04u /* F2 */

/* One decoded instruction: what Zydis said, in the form that handlers read. */
struct insn {
	insn_fn fn;
	uint16_t off;	      /* of the instruction from the start of its block */
	uint8_t len;	      /* bytes */
	uint8_t sub;	      /* which of a family (ALU operation, condition code, shift kind...) */
	uint8_t sub2;	      /* second selector, see the handler: number of CR or DR */
	uint8_t opsize;	      /* effective operand size: 1, 2 or 4 */
	uint8_t addrsize;     /* effective address size: 2 or 4 */
	uint8_t flags;	      /* INSN_* */
	struct operand op[2]; /* 0 is the destination */
	uint8_t reg3;	      /* third operand if a register: byte offset (SHLD count is CL) */
	/* The one memory operand: */
	uint8_t seg;  /* enum x86_sreg, overrides applied */
	uint8_t base; /* byte offset into c->gpr, or GPR_NONE */
	uint8_t index;
	uint8_t shift; /* log2 of scale */
	uint8_t nimm;  /* how many immediates */
	uint32_t disp; /* displacement, sign-extended; unused without a memory operand */
	uint32_t imm;  /* first immediate, sign-extended to 32 bits; far pointer: offset; a near
			* branch: its displacement */
	uint32_t imm2; /* second immediate (ENTER level, third operand of IMUL and SHLD); far
			* pointer: selector */
};

/* A run of instructions on one physical page, see x86/block.h. */
struct block {
	gpa_t gpa;
	uint32_t count; /* instructions */
	uint16_t bytes; /* of code */
	uint8_t mode;	/* BLOCK_* it was decoded under */
	bool stale;	/* its code was overwritten: never entered again */
	struct block *hash_next;
	struct block *page_next;
	struct block *link[2]; /* chained successors: fall-through or not taken, and taken */
	struct insn
		insn[]; /* count of them, then one that ends the block where none of them does */
};

#define BLOCK_D32 1u	/* CS.D: 32-bit default sizes */
#define BLOCK_FLAT 2u	/* CS, DS, ES, SS are base 0, limit 4 GiB, writable, SS.B set */
#define BLOCK_SINGLE 4u /* one instruction a block: --tlb drop fetches each anew */

/* Where a linear address was last found to be decoded, see x86/block.h. */
struct jump_entry {
	uint64_t key;	/* linear address and mode; 0 never matches */
	uint64_t epoch; /* of the TLB */
	struct block *block;
};

#define JUMP_ENTRIES 4096u

/* An exception on its way to the IDT. */
struct exception {
	uint8_t vector;
	bool has_error;
	bool soft;     /* INT n, INT3, INTO: gate DPL is checked, return address is past the insn */
	bool icebp;    /* INT1: no DPL check */
	bool external; /* a hardware interrupt: EXT in error codes of nested faults */
	uint32_t error;
};

struct cpu {
	uint32_t gpr[X86_GPRS + 1]; /* the last one is always zero (GPR_NONE) */
	uint32_t eip;
	uint32_t eflags;      /* without EFLAGS_ARITH */
	uint32_t flag_result; /* lazy flags, x86/flags.h */
	uint32_t flag_aux;
	uint32_t block_eip; /* EIP of the running block's first instruction */
	struct block *block;
	const struct insn *current; /* set by cpu_sync while an instruction is at work outside */
	uint64_t icount;  /* virtual time at the start of c->block: instructions + skipped */
	uint64_t until;	  /* leave blocks when icount reaches this; 0 once kicked */
	atomic_bool kick; /* asked to leave at the next block */

	uint8_t cpl;
	bool halted;
	bool sti_shadow;
	bool mov_ss_shadow;
	bool fault;	     /* an exception is recorded in `pending` and not delivered */
	bool debug_trap;     /* DR6 bits in dr6_pending make #DB after this instruction */
	bool want_window;    /* return when interrupts become possible */
	bool tf_at_start;    /* EFLAGS.TF when the instruction began */
	bool align_check;    /* CR0.AM, EFLAGS.AC and CPL 3: misaligned data access is #AC */
	uint8_t block_mode;  /* BLOCK_* of the current segments */
	uint8_t flat;	     /* bit n: segment n is base 0, limit 4 GiB, readable and writable */
	uint8_t stop_reason; /* enum x86_stop once something ends the run */
	uint32_t dr6_pending;

	struct x86_segment seg[X86_SREGS];
	struct x86_table gdtr, idtr;
	uint32_t cr0, cr2, cr3, cr4;
	uint32_t dr[8];
	uint64_t tsc_offset; /* TSC is icount + tsc_offset */
	struct exception pending;
	struct x86_fault_log log;

	struct x86_env env;
	struct tlb tlb;
	struct block_cache *blocks;
	struct jump_entry *jump;
	uint64_t page_faults;
	uint64_t skipped;    /* part of icount that x86_skip added */
	uint64_t rep_steps;  /* of repeated instructions, beyond the first of each */
	uint64_t work_limit; /* UINT64_MAX: none */
	struct x86_stop_info stop;
};

/* --- leaving a handler ------------------------------------------------------------------- */

static inline uint32_t insn_eip(const struct cpu *c, const struct insn *i)
{
	return c->block_eip + i->off;
}

/* EIP of the instruction after this one. */
static inline uint32_t insn_next_eip(const struct cpu *c, const struct insn *i)
{
	return c->block_eip + i->off + i->len;
}

/* Make c->eip and x86_icount() those of the start of instruction i, before others are called. */
void cpu_sync(struct cpu *c, const struct insn *i);

/*
 * Finish instruction i (it counts) and leave the block; execution goes on at `eip`. For everything
 * that changes EIP without a chain, or changes a state that blocks depend on.
 */
const struct insn *cpu_leave(struct cpu *c, const struct insn *i, uint32_t eip);

/* Leave before instruction i: it is not counted, and runs again (REP that was interrupted). */
void cpu_interrupt_insn(struct cpu *c, const struct insn *i);

/* As cpu_leave, to the next instruction: after an instruction that ends a block by its effects. */
static inline const struct insn *cpu_leave_next(struct cpu *c, const struct insn *i)
{
	return cpu_leave(c, i, insn_next_eip(c, i));
}

/* --- exceptions --------------------------------------------------------------------------- */

/*
 * Record a fault of instruction i and leave: returns NULL, so that a handler says
 * `return cpu_fault(c, i, VEC_GP, 0)`. EIP is that of the instruction. The error code is pushed
 * only for vectors that have one.
 */
const struct insn *cpu_fault(struct cpu *c, const struct insn *i, uint8_t vector, uint32_t error);

/* The same from a helper that returns bool; always false. i may be NULL: then EIP is c->eip. */
static inline bool cpu_fault_false(struct cpu *c, const struct insn *i, uint8_t vector,
				   uint32_t error)
{
	cpu_fault(c, i, vector, error);
	return false;
}

/*
 * Stop the machine: something that this CPU does not do (hardware task switch, VM86, x87 with
 * CR0.EM clear). Ends x86_run with X86_STOP_UNSUPPORTED and a text that names the instruction.
 * Returns NULL; the _false form returns false.
 */
const struct insn *cpu_unsupported(struct cpu *c, const struct insn *i, const char *what);
static inline bool cpu_unsupported_false(struct cpu *c, const struct insn *i, const char *what)
{
	cpu_unsupported(c, i, what);
	return false;
}

/* --- state that others depend on ---------------------------------------------------------- */

/* EFLAGS whole, and setting it whole (bits outside the 21 defined are dropped, bit 1 is set). */
uint32_t cpu_eflags(const struct cpu *c);
void cpu_set_eflags(struct cpu *c, uint32_t value);

/* After any change of a segment register, CPL, CR0 or CR4: recompute what blocks depend on. */
void cpu_mode_changed(struct cpu *c);

/* CR writes with all checks done by the caller; flush what the SDM (4.10.4.1) says. */
void cpu_set_cr0(struct cpu *c, uint32_t value);
void cpu_set_cr3(struct cpu *c, uint32_t value);
void cpu_set_cr4(struct cpu *c, uint32_t value);

/* The time-stamp counter; inside a handler exact only after cpu_sync. */
static inline uint64_t cpu_tsc(const struct cpu *c)
{
	if (c->env.tsc_read)
		return c->env.tsc_read(c->env.ctx);
	return x86_icount(c) + c->tsc_offset;
}

/* --- registers ----------------------------------------------------------------------------- */

static inline uint32_t reg_read32(const struct cpu *c, uint8_t at)
{
	uint32_t v;

	__builtin_memcpy(&v, (const char *)c->gpr + at, 4);
	return v;
}

static inline void reg_write32(struct cpu *c, uint8_t at, uint32_t v)
{
	__builtin_memcpy((char *)c->gpr + at, &v, 4);
}

/* Read a register of 1, 2 or 4 bytes, zero-extended; write its low bytes only. */
static inline uint32_t reg_read(const struct cpu *c, uint8_t at, unsigned size)
{
	const char *p = (const char *)c->gpr + at;
	uint32_t v = 0;

	if (size == 4)
		__builtin_memcpy(&v, p, 4);
	else if (size == 2)
		__builtin_memcpy(&v, p, 2);
	else
		__builtin_memcpy(&v, p, 1);
	return v;
}

static inline void reg_write(struct cpu *c, uint8_t at, unsigned size, uint32_t v)
{
	char *p = (char *)c->gpr + at;

	if (size == 4)
		__builtin_memcpy(p, &v, 4);
	else if (size == 2)
		__builtin_memcpy(p, &v, 2);
	else
		__builtin_memcpy(p, &v, 1);
}

/* All ones in `size` bytes. */
static inline uint32_t size_mask(unsigned size)
{
	return size == 4 ? 0xffffffffu : (1u << (size * 8)) - 1;
}

/* The stack pointer is 32 or 16 bits wide by SS.B (SDM vol. 3, 3.4.5). */
static inline unsigned stack_size(const struct cpu *c)
{
	return c->seg[X86_SS].attr & SEG_DB ? 4 : 2;
}

static inline unsigned cpu_iopl(const struct cpu *c)
{
	return c->eflags >> 12 & 3;
}

/* Effective address of the memory operand: an offset into i->seg, cut to the address size. */
static inline uint32_t insn_ea(const struct cpu *c, const struct insn *i)
{
	uint32_t ea = i->disp + reg_read32(c, i->base) + (reg_read32(c, i->index) << i->shift);

	return i->addrsize == 2 ? ea & 0xffff : ea;
}

#endif
