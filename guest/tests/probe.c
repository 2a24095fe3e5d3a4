// SPDX-License-Identifier: MIT
#include "probe.h"
#include <arch/desc.h>
#include <arch/processor.h>
#include <arch/sections.h>
#include <lib/string.h>

static struct trapped caught;

/* From kernel mode the CPU pushes no SP and SS: the frame is that much shorter. */
static void record(const struct die_args *args)
{
	size_t size = user_mode(args->regs) ? sizeof(struct pt_regs) : offsetof(struct pt_regs, sp);

	caught.vector = args->trapnr;
	caught.error_code = args->error_code;
	caught.cr2 = args->cr2;
	caught.flags = native_save_fl();
	caught.count++;
	memcpy(&caught.regs, args->regs, size);
}

static bool probe_notifier(const struct die_args *args)
{
	if (args->trapnr == SYSCALL_VECTOR && args->regs->ax != PROBE_EXIT)
		return false;
	if (args->trapnr != SYSCALL_VECTOR || args->regs->ax == PROBE_EXIT)
		record(args);
	if (args->trapnr == TRAP_BP || args->trapnr == TRAP_DB) {
		args->regs->flags &= ~(u32)X86_EFLAGS_TF;
		if (args->trapnr == TRAP_DB)
			args->regs->flags |= X86_EFLAGS_RF;
		return true;
	}
	probe_unwind();
}

static void begin(void)
{
	memset(&caught, 0, sizeof(caught));
	caught.vector = NO_TRAP;
	register_die_notifier(probe_notifier);
}

static struct trapped end(void)
{
	register_die_notifier(NULL);
	return caught;
}

struct trapped probe_kernel(void (*fn)(u32 arg), u32 arg)
{
	begin();
	probe_call(fn, arg);
	return end();
}

struct trapped probe_user(const struct user_state *state)
{
	begin();
	probe_iret(state);
	load_sp0((u32)init_stack_top);
	return end();
}
