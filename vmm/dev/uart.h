/* SPDX-License-Identifier: MIT */
/*
 * The 16550A UART of COM1: ports 0x3f8..0x3ff, IRQ 4.
 *
 * Source: National Semiconductor PC16550D data sheet (TL/C/8652), sections 8.1 to 8.7.
 *
 * - Output takes no time: a byte written to THR is at the host at once, and THR and the transmitter
 *   are always empty. The THRE interrupt is as on hardware: it is raised when THR becomes empty and
 *   when IER.ETBEI is set while it is empty, and cleared by reading it from IIR or by writing THR.
 *   A write to THR lowers the request and raises it again, so that an edge-triggered controller
 *   sees each one.
 * - Input is pushed by the host: uart_receive() while uart_can_receive(). The host's end of the
 *   cable holds its bytes until the guest looks at its receiver for the first time (reads RBR or
 *   LSR, sets IER.ERBFI, DTR or RTS), because a driver that starts clears the FIFO; and it holds
 *   them while the receiver is full or in loopback: nothing is lost unless the guest itself clears
 *   it.
 * - The character timeout is measured in virtual time with the programmed speed and format. They
 *   have no other effect: the host's end follows them, and all 8 bits of a byte always pass.
 * - OUT2 connects the interrupt output to IRQ 4, as on every PC. In loopback the pin of OUT2 is
 *   inactive and the data sheet calls interrupts operational: the bit is what counts here.
 * - Modem inputs: CTS, DSR and DCD are active, RI is not.
 *
 * At most one timer event follows each character received or read.
 */
#ifndef VMM_DEV_UART_H
#define VMM_DEV_UART_H

#include <stdbool.h>
#include <stdint.h>

#include "dev/bus.h"

#define UART_FIFO 16u

struct uart_host {
	void *ctx;
	/* A byte that the guest sends. */
	void (*put)(void *ctx, uint8_t byte);
	/*
	 * A guest's access made uart_can_receive() true; it may call uart_receive(). May be NULL:
	 * then the host asks by itself.
	 */
	void (*room)(void *ctx);
};

struct uart_state {
	uint8_t ier, lcr, mcr, msr, scr;
	uint8_t lsr; /* error bits of the LSR alone: OE, PE, FE, BI */
	uint16_t divisor;
	bool fifo;	 /* FCR bit 0 */
	uint8_t trigger; /* characters that make a received-data interrupt */
	bool thre;	 /* THRE interrupt pending */
	bool timeout;	 /* character timeout pending */
	bool listening;	 /* the guest has looked at its receiver */
	bool line;	 /* level of IRQ 4 */
	uint8_t rbr;	 /* last character read, for reads of an empty receiver */
	uint8_t head, count;
	uint8_t data[UART_FIFO];
	uint8_t error[UART_FIFO]; /* LSR bits that show when the character gets to the top */
};

struct uart {
	struct uart_state state;
	struct bus *bus;
	struct uart_host host;
	struct bus_timer timer; /* character timeout */
};

/* -ENOMEM, or what bus_add_ports says; after that, and after uart_destroy, do not use the bus. */
int uart_create(struct uart **out, struct bus *bus, const struct uart_host *host);
void uart_destroy(struct uart *u);

/* Would a byte from the host arrive? */
bool uart_can_receive(const struct uart *u);

/* A byte from the host. With uart_can_receive() false it overruns the receiver (LSR.OE). */
void uart_receive(struct uart *u, uint8_t byte);

/* A break from the host: a zero character with LSR.BI. */
void uart_receive_break(struct uart *u);

#endif
