// SPDX-License-Identifier: MIT
#include <arch/irq.h>
#include <drivers/i8253.h>
#include <kernel/time.h>

volatile unsigned long jiffies;

static void timer_interrupt(void)
{
	jiffies++;
}

void time_init(void)
{
	pit_init(HZ);
	request_irq(PIT_IRQ, timer_interrupt);
}
