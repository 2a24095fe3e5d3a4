/* SPDX-License-Identifier: MIT */
/*
 * The 16550 UART at 0x3f8: the console. It is used as a 16450, without its FIFOs.
 *
 * Output polls and needs no interrupts. Input comes by IRQ 4 into a ring buffer; when the ring is
 * full the receive interrupt is turned off until there is room, so the host sees back-pressure and
 * no byte is lost.
 */
#ifndef DRIVERS_UART_H
#define DRIVERS_UART_H

#include <lib/types.h>

#define UART_PORT 0x3f8
#define UART_IRQ 4

/* Registers, offsets from UART_PORT, and the bits the kernel uses. */
#define UART_RBR 0 /* read: receive buffer */
#define UART_THR 0 /* write: transmit holding */
#define UART_DLL 0 /* with LCR.DLAB: divisor */
#define UART_DLM 1
#define UART_IER 1
#define UART_IER_RDI 0x01
#define UART_LCR 3
#define UART_LCR_8N1 0x03
#define UART_LCR_DLAB 0x80
#define UART_MCR 4
#define UART_MCR_DTR 0x01
#define UART_MCR_RTS 0x02
#define UART_MCR_OUT2 0x08 /* on a PC: lets the interrupt line through */
#define UART_MCR_LOOP 0x10
#define UART_LSR 5
#define UART_LSR_DR 0x01
#define UART_LSR_THRE 0x20
#define UART_MSR 6
#define UART_MSR_CTS 0x10
#define UART_MSR_DSR 0x20

/* 115200 baud, 8N1, interrupts off. Output works from here on. */
void uart_init(void);

/* Starts reception. Needs init_IRQ(). */
void uart_enable_rx(void);

/*
 * Called by the interrupt handler when bytes have come, to take them by uart_getc(). NULL: nobody.
 */
void uart_set_receiver(void (*fn)(void));

void uart_write(const char *s, size_t n);

/* The next received byte, or -1 if there is none. */
int uart_getc(void);

/* The next received byte; halts until there is one. Interrupts are on before and after. */
u8 uart_getc_wait(void);

#endif
