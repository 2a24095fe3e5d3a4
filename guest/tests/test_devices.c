// SPDX-License-Identifier: MIT
/*
 * The devices, as far as the kernel uses them.
 */
#include "selftest.h"
#include <arch/io.h>
#include <arch/irq.h>
#include <arch/processor.h>
#include <drivers/i8253.h>
#include <drivers/i8259.h>
#include <drivers/rtc.h>
#include <drivers/sandbox.h>
#include <drivers/uart.h>
#include <kernel/time.h>

/* Far more turns than any clock here needs for one step. */
#define MANY 1000000

static void timer_ticks(struct selftest_result *r, const void *arg)
{
	unsigned long start = jiffies;

	(void)arg;
	local_irq_disable();
	for (u32 i = 0; i < MANY && jiffies - start < 2; i++) {
		safe_halt();
		local_irq_disable();
	}
	local_irq_enable();
	EXPECT(r, jiffies - start >= 2);
}

static void no_ticks_with_irqs_off(struct selftest_result *r, const void *arg)
{
	u32 flags = local_irq_save();
	unsigned long start = jiffies;

	(void)arg;
	for (u32 i = 0; i < 100; i++)
		pit_read_count();
	EXPECT(r, jiffies == start);
	local_irq_restore(flags);
}

static void pit_counts(struct selftest_result *r, const void *arg)
{
	u16 start = pit_read_count(), now = start;
	u32 divisor = (PIT_TICK_RATE + HZ / 2) / HZ;

	(void)arg;
	for (u32 i = 0; i < MANY && now == start; i++)
		now = pit_read_count();
	EXPECT(r, now != start);
	EXPECT(r, now <= divisor && start <= divisor);
}

static void pic_masks(struct selftest_result *r, const void *arg)
{
	static const u16 ports[] = { PIC_MASTER_IMR, PIC_SLAVE_IMR };
	u32 flags = local_irq_save();

	(void)arg;
	for (u32 i = 0; i < ARRAY_SIZE(ports); i++) {
		u8 saved = inb(ports[i]);

		outb(0xa5, ports[i]);
		EXPECT_EQ(r, inb(ports[i]), 0xa5);
		outb(0x5a, ports[i]);
		EXPECT_EQ(r, inb(ports[i]), 0x5a);
		outb(saved, ports[i]);
	}
	local_irq_restore(flags);
}

static bool bcd_in(u8 v, u8 low, u8 high)
{
	return (v & 0xf) <= 9 && (v >> 4) <= 9 && v >= low && v <= high;
}

static void rtc_time(struct selftest_result *r, const void *arg)
{
	struct rtc_regs t;

	(void)arg;
	EXPECT(r, rtc_read_regs(&t));
	EXPECT_EQ(r, rtc_read(RTC_STATUS_B) & (RTC_STATUS_B_24H | RTC_STATUS_B_BINARY),
		  RTC_STATUS_B_24H);
	EXPECT(r, bcd_in(t.seconds, 0x00, 0x59));
	EXPECT(r, bcd_in(t.minutes, 0x00, 0x59));
	EXPECT(r, bcd_in(t.hours, 0x00, 0x23));
	EXPECT(r, bcd_in(t.day, 0x01, 0x31));
	EXPECT(r, bcd_in(t.month, 0x01, 0x12));
	EXPECT(r, bcd_in(t.year, 0x00, 0x99));
}

/* Reads until the byte comes, past what a user may have typed just before. */
static bool receives(u8 byte)
{
	for (u32 i = 0; i < MANY; i++)
		if ((inb(UART_PORT + UART_LSR) & UART_LSR_DR) && inb(UART_PORT + UART_RBR) == byte)
			return true;
	return false;
}

static void uart_loopback(struct selftest_result *r, const void *arg)
{
	u32 flags = local_irq_save();
	u8 mcr = inb(UART_PORT + UART_MCR), ier = inb(UART_PORT + UART_IER);

	(void)arg;
	while (!(inb(UART_PORT + UART_LSR) & UART_LSR_THRE))
		;
	outb(0, UART_PORT + UART_IER);
	outb(UART_MCR_LOOP, UART_PORT + UART_MCR);
	outb(0x5a, UART_PORT + UART_THR);
	EXPECT(r, receives(0x5a));
	outb(0xa5, UART_PORT + UART_THR);
	EXPECT(r, receives(0xa5));
	EXPECT_EQ(r, inb(UART_PORT + UART_MSR) & (UART_MSR_CTS | UART_MSR_DSR), 0);
	outb(UART_MCR_LOOP | UART_MCR_RTS | UART_MCR_DTR, UART_PORT + UART_MCR);
	EXPECT_EQ(r, inb(UART_PORT + UART_MSR) & (UART_MSR_CTS | UART_MSR_DSR),
		  UART_MSR_CTS | UART_MSR_DSR);
	outb(mcr, UART_PORT + UART_MCR);
	outb(ier, UART_PORT + UART_IER);
	local_irq_restore(flags);
}

/* On other machines than vmm the port is absent, and that is right too. */
static void sandbox_port(struct selftest_result *r, const void *arg)
{
	(void)arg;
	if (!sandbox_present()) {
		EXPECT_EQ(r, inl(SANDBOX_PORT), 0xffffffff);
		return;
	}
	EXPECT_EQ(r, sandbox_read(SANDBOX_VERSION), SANDBOX_INTERFACE_VERSION);
	EXPECT(r, sandbox_read(SANDBOX_RANDOM) != sandbox_read(SANDBOX_RANDOM));
}

const struct selftest device_tests[] = {
	{ "timer_ticks_wake_hlt", timer_ticks, NULL },
	{ "timer_ticks_wait_while_interrupts_are_off", no_ticks_with_irqs_off, NULL },
	{ "pit_counter_counts_within_its_divisor", pit_counts, NULL },
	{ "pic_masks_read_back", pic_masks, NULL },
	{ "rtc_holds_a_bcd_date", rtc_time, NULL },
	{ "uart_loopback_returns_bytes_and_modem_lines", uart_loopback, NULL },
	{ "sandbox_port_is_absent_or_answers", sandbox_port, NULL },
	{ NULL, NULL, NULL },
};
