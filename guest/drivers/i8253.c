// SPDX-License-Identifier: MIT
#include <arch/io.h>
#include <drivers/i8253.h>

#define PIT_CH0 0x40
#define PIT_COMMAND 0x43
#define PIT_CH0_BOTH_MODE2 0x34
#define PIT_CH0_LATCH 0x00

void pit_init(u32 hz)
{
	u32 divisor = (PIT_TICK_RATE + hz / 2) / hz;

	outb(PIT_CH0_BOTH_MODE2, PIT_COMMAND);
	outb((u8)divisor, PIT_CH0);
	outb((u8)(divisor >> 8), PIT_CH0);
}

u16 pit_read_count(void)
{
	u8 low, high;

	outb(PIT_CH0_LATCH, PIT_COMMAND);
	low = inb(PIT_CH0);
	high = inb(PIT_CH0);
	return (u16)(low | high << 8);
}
