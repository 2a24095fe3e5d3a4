// SPDX-License-Identifier: MIT
/*
 * The run loop: from block to block, and between blocks everything that is not an instruction:
 * exceptions, interrupt windows, debug traps, limits.
 */
#include "x86/block.h"
#include "x86/debug.h"
#include "x86/segment.h"

/* Run the instructions of block b, at most `max` of them in all. */
static void run_some(struct cpu *c, struct block *b, uint64_t max)
{
	const struct insn *i = block_enter(c, b, c->eip);

	while (i && max--)
		i = i->fn(c, i);
	if (i)
		cpu_interrupt_insn(c, i);
}

/* Run b and whatever it leads to, until something has to be looked at. */
static void run_on(struct cpu *c, struct block *b)
{
	const struct insn *i = block_enter(c, b, c->eip);

	do
		i = i->fn(c, i);
	while (i);
}

/* One instruction, with all that can happen around one (SDM vol. 3, 6.9 table 6-2). */
static void run_single(struct cpu *c)
{
	struct block *b;

	c->tf_at_start = c->eflags & EFLAGS_TF;
	if (debug_armed(c) && debug_before(c))
		return;
	b = block_lookup(c);
	if (!b)
		return;
	c->sti_shadow = c->mov_ss_shadow = false;
	/* RF lasts for one instruction; IRET may set it again (SDM vol. 3, 17.3.1.1). */
	c->eflags &= ~EFLAGS_RF;
	__atomic_store_n(&c->until, c->icount + 1, __ATOMIC_RELAXED);
	run_some(c, b, 1);
	if (!c->fault && c->stop_reason == X86_STOP_NONE)
		debug_after(c);
}

static bool needs_single(const struct cpu *c)
{
	return c->eflags & (EFLAGS_TF | EFLAGS_RF) || c->sti_shadow || c->mov_ss_shadow ||
	       c->debug_trap || debug_armed(c);
}

static enum x86_stop reason_to_stop(struct cpu *c, uint64_t until)
{
	if (c->stop_reason != X86_STOP_NONE)
		return c->stop_reason;
	if (atomic_exchange(&c->kick, false))
		return X86_STOP_KICKED;
	if (c->want_window && x86_interrupt_ready(c))
		return X86_STOP_WINDOW;
	if (c->halted)
		return X86_STOP_HALT;
	if (c->icount >= until || x86_work(c) >= c->work_limit)
		return X86_STOP_DEADLINE;
	return X86_STOP_NONE;
}

enum x86_stop x86_run(struct cpu *c, uint64_t until)
{
	for (;;) {
		enum x86_stop stop;
		struct block *b;

		/* A kick clears c->until; set it before the flag is read, so that none is lost. */
		__atomic_store_n(&c->until, until, __ATOMIC_SEQ_CST);
		if (c->fault && c->stop_reason == X86_STOP_NONE)
			interrupt_deliver(c);
		stop = reason_to_stop(c, until);
		if (stop != X86_STOP_NONE)
			return stop;
		if (c->fault)
			continue;
		if (needs_single(c)) {
			run_single(c);
			continue;
		}
		b = block_lookup(c);
		if (!b)
			continue;
		if (c->icount + b->count <= until)
			run_on(c, b);
		else
			run_some(c, b, until - c->icount);
	}
}
