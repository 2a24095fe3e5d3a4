// SPDX-License-Identifier: MIT
#include <arch/apic.h>
#include <arch/irq.h>
#include <arch/traps.h>
#include <drivers/i8259.h>
#include <kernel/panic.h>

static irq_handler_t irq_handlers[NR_IRQS];
static u32 irq_depth; /* handlers that are running */
static const struct pt_regs *irq_regs;

bool in_interrupt(void)
{
	return irq_depth != 0;
}

const struct pt_regs *get_irq_regs(void)
{
	return irq_regs;
}

void init_IRQ(void)
{
	apic_enable_virtual_wire();
	i8259_init(FIRST_IRQ_VECTOR);
}

void request_irq(u32 irq, irq_handler_t handler)
{
	if (irq >= NR_IRQS || irq_handlers[irq])
		panic("IRQ %u requested twice, or there is no such line", irq);
	irq_handlers[irq] = handler;
	i8259_unmask(irq);
}

void do_IRQ(struct pt_regs *regs)
{
	u32 irq = ~regs->orig_ax;

	if (!i8259_ack(irq))
		return;
	if (!irq_handlers[irq])
		panic("interrupt on IRQ %u, which nobody requested", irq);
	irq_depth++;
	irq_regs = regs;
	irq_handlers[irq]();
	irq_depth--;
}
