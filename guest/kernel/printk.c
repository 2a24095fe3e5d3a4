// SPDX-License-Identifier: MIT
#include <arch/processor.h>
#include <drivers/debugcon.h>
#include <drivers/uart.h>
#include <kernel/printk.h>
#include <lib/string.h>
#include <lib/vsprintf.h>

static bool debugcon_enabled;

void printk_enable_debugcon(void)
{
	debugcon_enabled = true;
}

void vprintk(const char *fmt, va_list args)
{
	static char buf[PRINTK_MAX];
	u32 flags = local_irq_save(); /* handlers print too, and there is one buffer */
	size_t n;

	vsnprintf(buf, sizeof(buf), fmt, args);
	n = strlen(buf);
	uart_write(buf, n);
	if (debugcon_enabled)
		debugcon_write(buf, n);
	local_irq_restore(flags);
}

void printk(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintk(fmt, args);
	va_end(args);
}
