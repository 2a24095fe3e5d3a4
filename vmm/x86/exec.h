/* SPDX-License-Identifier: MIT */
/*
 * The x86 executor: one i686 in 32-bit protected mode, exactly as the Intel SDM says, one
 * instruction after another. Two users: engine soft runs it in a loop; the deprivileged KVM engine
 * has it emulate the single instruction that trapped.
 *
 * One thread at a time may use a vCPU; only x86_kick() may be called from elsewhere (another
 * thread, a signal handler). No function here prints or ends the process.
 */
#ifndef VMM_X86_EXEC_H
#define VMM_X86_EXEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"
#include "x86/env.h"
#include "x86/regs.h"

struct cpu;

enum x86_tlb_kind {
	X86_TLB_NORMAL, /* set-associative, as hardware */
	X86_TLB_DROP,	/* caches nothing: every access walks */
	X86_TLB_HOARD,	/* keeps every translation until the architecture takes it away */
};

enum x86_stop {
	X86_STOP_NONE,
	X86_STOP_DEADLINE,    /* the instruction count reached the limit given */
	X86_STOP_KICKED,      /* x86_kick() was called */
	X86_STOP_HALT,	      /* HLT; state.halted is set until an interrupt is injected */
	X86_STOP_WINDOW,      /* a requested interrupt window is open */
	X86_STOP_SHUTDOWN,    /* triple fault; the fault log tells the chain */
	X86_STOP_UNSUPPORTED, /* x86_stop_info.text names what and the instruction */
};

struct x86_stop_info {
	char text[160];
};

/* One exception or interrupt that was raised; what a post-mortem tells. */
struct x86_fault_record {
	uint8_t vector;
	bool has_error;
	bool delivered; /* a handler was entered */
	uint32_t error;
	uint32_t eip; /* of the instruction that faulted */
	uint16_t cs;
	uint32_t cr2; /* for vector 14 */
	uint64_t icount;
};

#define X86_FAULT_LOG 8u

/* The last X86_FAULT_LOG exceptions (no hardware interrupts), oldest first from next % LOG. */
struct x86_fault_log {
	struct x86_fault_record record[X86_FAULT_LOG];
	uint64_t next; /* how many were ever recorded */
};

/* Create a vCPU in the reset state of x86_reset(). -ENOMEM. */
int x86_create(struct cpu **out, const struct x86_env *env, enum x86_tlb_kind tlb);
void x86_destroy(struct cpu *c);

/*
 * The state that multiboot asks for: protected mode, paging off, flat 4 GiB segments, IF clear
 * (Multiboot 0.6.96, 3.2). EIP and the general registers are zero.
 */
void x86_first_state(struct x86_state *s);
void x86_reset(struct cpu *c);

/* Can the machine's CPU be in this state? x86_set_state() says what it may not be. */
bool x86_state_possible(const struct x86_state *s);

/*
 * Run until the instruction count reaches `until` or something else stops. Exceptions of the guest
 * are delivered to the guest; entering a handler counts as one instruction, so that the count may
 * end one above `until`. Returns why it stopped; the register file is exact then.
 */
enum x86_stop x86_run(struct cpu *c, uint64_t until);

/* Leave x86_run as soon as the running instruction is done. Safe from signal handlers. */
void x86_kick(struct cpu *c);

/*
 * Virtual time: instructions finished since creation, plus what x86_skip let pass. Exact also
 * inside callbacks of x86_env.
 */
uint64_t x86_icount(const struct cpu *c);

/* The instructions alone; each interrupt and exception delivered counts as one, too. */
uint64_t x86_instructions(const struct cpu *c);

/*
 * Instructions, and one more for each further step of a repeated string instruction: a step is a
 * page of memory, or one element where that goes to a device. What limits are measured in, since
 * one REP can take minutes. x86_run returns X86_STOP_DEADLINE when the limit is reached; 0 is none.
 */
uint64_t x86_work(const struct cpu *c);
void x86_limit_work(struct cpu *c, uint64_t limit);

/* Let time pass without instructions (HLT): the count moves, and the TSC with it. */
void x86_skip(struct cpu *c, uint64_t until);

void x86_get_state(const struct cpu *c, struct x86_state *state);

/* The control registers alone: what a page walk needs. */
struct x86_control {
	uint32_t cr0, cr3, cr4;
};
struct x86_control x86_get_control(const struct cpu *c);

/*
 * Set everything architectural. All translations are flushed. -EINVAL when a field cannot be what
 * it says (reserved CR bits, PG without PE, VM86); nothing is changed then.
 */
int x86_set_state(struct cpu *c, const struct x86_state *state);

/* Can an external interrupt be delivered now (IF set, no shadow)? */
bool x86_interrupt_ready(const struct cpu *c);

/* Deliver hardware interrupt `vector` now. Call only when ready; wakes a halted vCPU. */
void x86_interrupt(struct cpu *c, uint8_t vector);

/* Deliver an exception as if the instruction at EIP had raised it; `error` where it has one. */
void x86_exception(struct cpu *c, uint8_t vector, uint32_t error, uint32_t cr2);

/* Make x86_run return X86_STOP_WINDOW once x86_interrupt_ready() holds. */
void x86_request_window(struct cpu *c, bool on);

/* Drop cached translations: one page, or all of them, global ones too. */
void x86_flush_page(struct cpu *c, gva_t lin);
void x86_flush_all(struct cpu *c);

/*
 * Drop the cached translation of one 4 KiB page, or all, without telling the environment: for an
 * environment whose own tables changed. May be called inside of callbacks.
 */
void x86_drop_page(struct cpu *c, gva_t lin);
void x86_drop_all(struct cpu *c);

/*
 * Guest RAM at [gpa, gpa + len) was written from outside the vCPU: drop instructions decoded there.
 */
void x86_ram_written(struct cpu *c, gpa_t gpa, uint64_t len);

const struct x86_fault_log *x86_faults(const struct cpu *c);
const struct x86_stop_info *x86_stop_info(const struct cpu *c);

/* Page faults delivered to the guest since creation. */
uint64_t x86_page_faults(const struct cpu *c);

/* What CPUID answers on every engine (design section 6). */
struct x86_cpuid {
	uint32_t eax, ebx, ecx, edx;
};
void x86_cpuid(uint32_t leaf, struct x86_cpuid *out);

/*
 * Model-specific registers on every engine, but for the TSC, which each engine has of its own.
 * False: no such register, or it does not take the value; the instruction raises #GP(0).
 */
#define X86_MSR_TSC 0x10u
bool x86_msr_read(uint32_t number, uint64_t *value);
bool x86_msr_write(uint32_t number, uint64_t value);

#endif
