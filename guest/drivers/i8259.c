// SPDX-License-Identifier: MIT
#include <arch/io.h>
#include <drivers/i8259.h>

#define ICW1_INIT_ICW4 0x11
#define ICW4_8086 0x01
#define OCW2_EOI 0x20
#define OCW3_READ_ISR 0x0b

static u16 cached_mask = 0xffff & ~(1 << PIC_CASCADE_IRQ);

static void write_masks(void)
{
	outb((u8)cached_mask, PIC_MASTER_IMR);
	outb((u8)(cached_mask >> 8), PIC_SLAVE_IMR);
}

void i8259_init(u8 vector_base)
{
	outb(ICW1_INIT_ICW4, PIC_MASTER_CMD);
	outb(vector_base, PIC_MASTER_IMR);
	outb(1 << PIC_CASCADE_IRQ, PIC_MASTER_IMR);
	outb(ICW4_8086, PIC_MASTER_IMR);

	outb(ICW1_INIT_ICW4, PIC_SLAVE_CMD);
	outb(vector_base + 8, PIC_SLAVE_IMR);
	outb(PIC_CASCADE_IRQ, PIC_SLAVE_IMR);
	outb(ICW4_8086, PIC_SLAVE_IMR);

	write_masks();
}

void i8259_unmask(u32 irq)
{
	cached_mask &= (u16) ~(1u << irq);
	write_masks();
}

/* A spurious interrupt comes as line 7 of its chip, without the bit in the in-service register. */
static bool in_service(u16 command_port, u32 line)
{
	outb(OCW3_READ_ISR, command_port);
	return inb(command_port) & (1u << line);
}

bool i8259_ack(u32 irq)
{
	bool slave = irq >= 8;
	bool real = true;

	if ((irq & 7) == 7)
		real = in_service(slave ? PIC_SLAVE_CMD : PIC_MASTER_CMD, 7);
	if (slave && real)
		outb(OCW2_EOI, PIC_SLAVE_CMD);
	/* The master does not know that the slave's interrupt was spurious: it wants its EOI. */
	if (slave || real)
		outb(OCW2_EOI, PIC_MASTER_CMD);
	return real;
}
