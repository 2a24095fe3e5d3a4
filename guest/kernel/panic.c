// SPDX-License-Identifier: MIT
#include <arch/page.h>
#include <arch/processor.h>
#include <arch/ptrace.h>
#include <arch/sections.h>
#include <drivers/debug_exit.h>
#include <kernel/kallsyms.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/sched.h>

#define TRACE_MAX 32

void machine_exit(u32 status)
{
	debug_exit(status);
	halt_forever();
}

static bool on_kernel_stack(u32 address)
{
	u32 stack = current->stack ? (u32)current->stack : (u32)init_stack;

	return address >= stack && address <= stack + THREAD_SIZE - 8 && !(address & 3);
}

/* call: the address is a return address, which may lie behind the function's end. */
static void show_place(u32 ip, bool call)
{
	struct kallsym sym;

	if (kallsyms_lookup(ip - call, &sym))
		printk("  %08x %s+0x%x/0x%x\n", ip, sym.name, ip - sym.start, sym.bytes);
	else
		printk("  %08x\n", ip);
}

/* Follows the frame pointers; bp is the innermost. Frames must ascend, or the chain is broken. */
static void show_trace(u32 ip, u32 bp)
{
	printk("Stack trace:\n");
	show_place(ip, false);
	for (u32 i = 0; i < TRACE_MAX && on_kernel_stack(bp); i++) {
		const u32 *frame = (const u32 *)bp;

		show_place(frame[1], true);
		if (frame[0] <= bp)
			break;
		bp = frame[0];
	}
}

static void show_regs(const struct pt_regs *regs, u32 error_code)
{
	bool user = user_mode(regs);
	u32 ss;

	asm("movl %%ss, %0" : "=r"(ss));
	printk("EIP %08x CS %04x EFLAGS %08x error code %04x\n", regs->ip, regs->cs & 0xffff,
	       regs->flags, error_code);
	printk("EAX %08x EBX %08x ECX %08x EDX %08x\n", regs->ax, regs->bx, regs->cx, regs->dx);
	printk("ESI %08x EDI %08x EBP %08x ESP %08x\n", regs->si, regs->di, regs->bp,
	       user ? regs->sp : kernel_stack_pointer(regs));
	printk("DS %04x ES %04x FS %04x GS %04x SS %04x\n", regs->ds & 0xffff, regs->es & 0xffff,
	       regs->fs & 0xffff, regs->gs & 0xffff, (user ? regs->ss : ss) & 0xffff);
	printk("CR0 %08x CR2 %08x CR3 %08x CR4 %08x\n", read_cr0(), read_cr2(), read_cr3(),
	       read_cr4());
	if (!user)
		show_trace(regs->ip, regs->bp);
}

/* A panic inside a panic ends without more words. */
static void begin_panic(void)
{
	static bool in_panic;

	local_irq_disable();
	if (in_panic)
		machine_exit(EXIT_PANIC);
	in_panic = true;
}

void do_panic(struct pt_regs *regs, const char *fmt, va_list args)
{
	begin_panic();
	printk("panic: ");
	vprintk(fmt, args);
	printk("\n");
	show_regs(regs, 0);
	machine_exit(EXIT_PANIC);
}

void die(const char *what, struct pt_regs *regs, u32 error_code)
{
	begin_panic();
	printk("panic: %s in %s mode\n", what, user_mode(regs) ? "user" : "kernel");
	if (current->pid)
		printk("process %u (%s)\n", current->pid, current->comm);
	show_regs(regs, error_code);
	machine_exit(EXIT_PANIC);
}
