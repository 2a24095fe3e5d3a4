// SPDX-License-Identifier: MIT
#include <arch/io.h>
#include <arch/irq.h>
#include <arch/processor.h>
#include <drivers/uart.h>

#define RX_RING_SIZE 256 /* a power of two */

/*
 * head and tail count bytes since start; their difference is what the ring holds. The interrupt
 * handler moves head, uart_getc() moves tail.
 */
static struct {
	u8 data[RX_RING_SIZE];
	u32 head, tail;
	bool throttled;
} rx;

static void (*receiver)(void);

static void fill_ring(void)
{
	while (inb(UART_PORT + UART_LSR) & UART_LSR_DR) {
		if (rx.head - rx.tail == RX_RING_SIZE) {
			rx.throttled = true;
			outb(0, UART_PORT + UART_IER);
			return;
		}
		rx.data[rx.head++ % RX_RING_SIZE] = inb(UART_PORT + UART_RBR);
	}
}

static void rx_interrupt(void)
{
	fill_ring();
	if (receiver)
		receiver();
}

void uart_set_receiver(void (*fn)(void))
{
	receiver = fn;
}

/*
 * The FIFOs stay as they are, off: turning them on clears them, and would lose what a pipe has sent
 * before the kernel came up. One byte at a time loses nothing, for the host waits until it is read.
 */
void uart_init(void)
{
	outb(0, UART_PORT + UART_IER);
	outb(UART_LCR_8N1 | UART_LCR_DLAB, UART_PORT + UART_LCR);
	outb(1, UART_PORT + UART_DLL);
	outb(0, UART_PORT + UART_DLM);
	outb(UART_LCR_8N1, UART_PORT + UART_LCR);
	outb(UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2, UART_PORT + UART_MCR);
}

void uart_enable_rx(void)
{
	request_irq(UART_IRQ, rx_interrupt);
	outb(UART_IER_RDI, UART_PORT + UART_IER);
}

void uart_write(const char *s, size_t n)
{
	for (; n; n--, s++) {
		while (!(inb(UART_PORT + UART_LSR) & UART_LSR_THRE))
			;
		outb((u8)*s, UART_PORT + UART_THR);
	}
}

int uart_getc(void)
{
	u32 flags = local_irq_save();
	int c = -1;

	if (rx.head != rx.tail) {
		c = rx.data[rx.tail++ % RX_RING_SIZE];
		if (rx.throttled && rx.head - rx.tail <= RX_RING_SIZE / 2) {
			rx.throttled = false;
			outb(UART_IER_RDI, UART_PORT + UART_IER);
		}
	}
	local_irq_restore(flags);
	return c;
}

u8 uart_getc_wait(void)
{
	int c;

	local_irq_disable();
	while ((c = uart_getc()) < 0) {
		safe_halt();
		local_irq_disable();
	}
	local_irq_enable();
	return (u8)c;
}
