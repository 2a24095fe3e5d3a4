// SPDX-License-Identifier: MIT
#include "dev/uart.h"

#include <errno.h>
#include <stdlib.h>

#define PORT_UART 0x3f8u
#define UART_IRQ 4u

enum { REG_DATA, REG_IER, REG_IIR_FCR, REG_LCR, REG_MCR, REG_LSR, REG_MSR, REG_SCR, REGS };

#define IER_ERBFI 0x01u /* received data */
#define IER_ETBEI 0x02u /* transmitter empty */
#define IER_ELSI 0x04u	/* line status */
#define IER_EDSSI 0x08u /* modem status */
#define IER_BITS 0x0fu

#define IIR_NONE 0x01u
#define IIR_MODEM 0x00u
#define IIR_THRE 0x02u
#define IIR_DATA 0x04u
#define IIR_LINE 0x06u
#define IIR_TIMEOUT 0x0cu
#define IIR_FIFO 0xc0u

#define FCR_ENABLE 0x01u
#define FCR_CLEAR_RX 0x02u

#define LCR_WORD 0x03u
#define LCR_STOP 0x04u
#define LCR_PARITY 0x08u
#define LCR_BREAK 0x40u
#define LCR_DLAB 0x80u

#define MCR_DTR 0x01u
#define MCR_RTS 0x02u
#define MCR_OUT1 0x04u
#define MCR_OUT2 0x08u
#define MCR_LOOP 0x10u
#define MCR_BITS 0x1fu

#define LSR_DR 0x01u
#define LSR_OE 0x02u
#define LSR_BI 0x10u
#define LSR_ERRORS 0x1eu
#define LSR_IN_FIFO 0x1cu /* errors that belong to one character */
#define LSR_THRE_TEMT 0x60u
#define LSR_FIFO_ERROR 0x80u

#define MSR_CTS 0x10u
#define MSR_DSR 0x20u
#define MSR_RI 0x40u
#define MSR_DCD 0x80u
#define MSR_DELTAS 0x0fu
#define MSR_TERI 0x04u

#define CLOCK_HZ 1843200u
#define CLOCKS_PER_BIT 16u
#define BIOS_DIVISOR 12u /* 9600 baud */
#define TIMEOUT_CHARACTERS 4u

static const uint8_t trigger_levels[4] = { 1, 4, 8, 14 };

static unsigned uart_capacity(const struct uart_state *s)
{
	return s->fifo ? UART_FIFO : 1;
}

/* The interrupt of highest priority (data sheet table IV). */
static uint8_t uart_iir(const struct uart_state *s)
{
	if (s->ier & IER_ELSI && s->lsr)
		return IIR_LINE;
	if (s->ier & IER_ERBFI && s->count >= s->trigger)
		return IIR_DATA;
	if (s->ier & IER_ERBFI && s->timeout)
		return IIR_TIMEOUT;
	if (s->ier & IER_ETBEI && s->thre)
		return IIR_THRE;
	if (s->ier & IER_EDSSI && s->msr & MSR_DELTAS)
		return IIR_MODEM;
	return IIR_NONE;
}

static void uart_update(struct uart *u)
{
	struct uart_state *s = &u->state;
	bool level = s->mcr & MCR_OUT2 && uart_iir(s) != IIR_NONE;

	if (level == s->line)
		return;
	s->line = level;
	bus_set_irq(u->bus, UART_IRQ, level);
}

/* THR became empty. The request falls first: a new one is a new edge. */
static void uart_thr_empty(struct uart *u)
{
	u->state.thre = false;
	uart_update(u);
	u->state.thre = true;
}

/* --- the receiver -------------------------------------------------------------------------- */

/* Start, data, parity and stop bits at the programmed speed; a divisor of 0 counts as 1. */
static uint64_t uart_timeout_ns(const struct uart_state *s)
{
	uint64_t bits =
		1 + 5 + (s->lcr & LCR_WORD) + !!(s->lcr & LCR_PARITY) + (s->lcr & LCR_STOP ? 2 : 1);
	uint64_t divisor = s->divisor ? s->divisor : 1;

	return TIMEOUT_CHARACTERS * bits * divisor * CLOCKS_PER_BIT * 1000000000u / CLOCK_HZ;
}

/* The timeout starts anew with each character received or read (data sheet 8.4.3). */
static void uart_restart_timeout(struct uart *u)
{
	struct uart_state *s = &u->state;
	uint64_t due = BUS_NEVER;

	s->timeout = false;
	if (s->fifo && s->count)
		due = bus_now(u->bus) + uart_timeout_ns(s);
	bus_timer_set(u->bus, &u->timer, due);
}

static void uart_timer(void *dev, uint64_t now_ns)
{
	struct uart *u = dev;

	u->state.timeout = true;
	uart_update(u);
}

/* Errors of a character show in the LSR once it is at the top. */
static void uart_show_top(struct uart_state *s)
{
	if (!s->count)
		return;
	s->lsr |= s->error[s->head];
	s->error[s->head] = 0;
}

static void uart_push(struct uart *u, uint8_t byte, uint8_t error)
{
	struct uart_state *s = &u->state;
	unsigned at;

	if (s->count == uart_capacity(s)) {
		s->lsr |= LSR_OE;
		/* A full FIFO keeps what it has; without it the new character wins (8.4.1). */
		if (!s->fifo) {
			s->data[s->head] = byte;
			s->lsr |= error;
		}
	} else {
		at = (s->head + s->count++) % UART_FIFO;
		s->data[at] = byte;
		s->error[at] = error;
		uart_show_top(s);
		uart_restart_timeout(u);
	}
	uart_update(u);
}

static uint8_t uart_pop(struct uart *u)
{
	struct uart_state *s = &u->state;

	if (!s->count)
		return s->rbr;
	s->rbr = s->data[s->head];
	s->head = (s->head + 1) % UART_FIFO;
	s->count--;
	uart_show_top(s);
	uart_restart_timeout(u);
	return s->rbr;
}

static void uart_clear_receiver(struct uart *u)
{
	u->state.head = 0;
	u->state.count = 0;
	u->state.lsr &= (uint8_t)~LSR_IN_FIFO;
	uart_restart_timeout(u);
}

bool uart_can_receive(const struct uart *u)
{
	const struct uart_state *s = &u->state;

	return s->listening && !(s->mcr & MCR_LOOP) && s->count < uart_capacity(s);
}

void uart_receive(struct uart *u, uint8_t byte)
{
	uart_push(u, byte, 0);
}

void uart_receive_break(struct uart *u)
{
	uart_push(u, 0, LSR_BI);
}

/* --- registers ----------------------------------------------------------------------------- */

static uint8_t uart_read_iir(struct uart *u)
{
	struct uart_state *s = &u->state;
	uint8_t iir = uart_iir(s);

	if (iir == IIR_THRE)
		s->thre = false;
	return s->fifo ? iir | IIR_FIFO : iir;
}

static uint8_t uart_read_lsr(struct uart *u)
{
	struct uart_state *s = &u->state;
	uint8_t waiting = s->lsr & LSR_IN_FIFO;
	uint8_t lsr = s->lsr | LSR_THRE_TEMT;

	for (unsigned i = 0; i < s->count; i++)
		waiting |= s->error[(s->head + i) % UART_FIFO];
	if (s->count)
		lsr |= LSR_DR;
	if (s->fifo && waiting)
		lsr |= LSR_FIFO_ERROR;
	s->lsr = 0;
	s->listening = true;
	return lsr;
}

static uint8_t uart_read_msr(struct uart *u)
{
	uint8_t msr = u->state.msr;

	u->state.msr &= (uint8_t)~MSR_DELTAS;
	return msr;
}

static uint8_t uart_read_data(struct uart *u)
{
	u->state.listening = true;
	return uart_pop(u);
}

static uint8_t uart_read_register(struct uart *u, unsigned reg)
{
	struct uart_state *s = &u->state;
	bool dlab = s->lcr & LCR_DLAB;

	switch (reg) {
	case REG_DATA:
		return dlab ? (uint8_t)s->divisor : uart_read_data(u);
	case REG_IER:
		return dlab ? (uint8_t)(s->divisor >> 8) : s->ier;
	case REG_IIR_FCR:
		return uart_read_iir(u);
	case REG_LCR:
		return s->lcr;
	case REG_MCR:
		return s->mcr;
	case REG_LSR:
		return uart_read_lsr(u);
	case REG_MSR:
		return uart_read_msr(u);
	default:
		return s->scr;
	}
}

static void uart_transmit(struct uart *u, uint8_t byte)
{
	if (u->state.mcr & MCR_LOOP)
		uart_push(u, byte, 0);
	else
		u->host.put(u->host.ctx, byte);
	uart_thr_empty(u);
}

static void uart_write_ier(struct uart *u, uint8_t value)
{
	struct uart_state *s = &u->state;
	uint8_t set = value & (uint8_t)~s->ier;

	s->ier = value & IER_BITS;
	if (set & IER_ETBEI)
		s->thre = true;
	if (set & IER_ERBFI)
		s->listening = true;
}

static void uart_write_fcr(struct uart *u, uint8_t value)
{
	struct uart_state *s = &u->state;
	bool enable = value & FCR_ENABLE;

	/*
	 * A change of bit 0 clears the FIFOs; without it the other bits are not programmed (8.5).
	 */
	if (enable != s->fifo || (enable && value & FCR_CLEAR_RX)) {
		s->fifo = enable;
		uart_clear_receiver(u);
	}
	s->trigger = enable ? trigger_levels[value >> 6] : 1;
}

/* Modem inputs changed: set the delta bits (data sheet 8.8). */
static void uart_set_inputs(struct uart_state *s, uint8_t inputs)
{
	uint8_t changed = (s->msr ^ inputs) & (uint8_t)~MSR_DELTAS;
	uint8_t deltas = changed >> 4;

	/* RI alone reports its trailing edge only. */
	if (inputs & MSR_RI)
		deltas &= (uint8_t)~MSR_TERI;
	s->msr = inputs | (s->msr & MSR_DELTAS) | deltas;
}

static void uart_write_mcr(struct uart *u, uint8_t value)
{
	static const uint8_t loop[4][2] = {
		{ MCR_DTR, MSR_DSR },
		{ MCR_RTS, MSR_CTS },
		{ MCR_OUT1, MSR_RI },
		{ MCR_OUT2, MSR_DCD },
	};
	struct uart_state *s = &u->state;
	uint8_t inputs = 0;

	s->mcr = value & MCR_BITS;
	for (unsigned i = 0; i < ARRAY_SIZE(loop); i++)
		if (s->mcr & loop[i][0])
			inputs |= loop[i][1];
	if (s->mcr & (MCR_DTR | MCR_RTS))
		s->listening = true;
	uart_set_inputs(s, s->mcr & MCR_LOOP ? inputs : MSR_CTS | MSR_DSR | MSR_DCD);
}

static void uart_write_lcr(struct uart *u, uint8_t value)
{
	bool starts = value & (uint8_t)~u->state.lcr & LCR_BREAK;

	u->state.lcr = value;
	if (starts && u->state.mcr & MCR_LOOP)
		uart_receive_break(u);
}

static void uart_write_divisor(struct uart_state *s, unsigned shift, uint8_t value)
{
	s->divisor = (uint16_t)((s->divisor & 0xff00 >> shift) | value << shift);
}

static void uart_write_register(struct uart *u, unsigned reg, uint8_t value)
{
	struct uart_state *s = &u->state;
	bool dlab = s->lcr & LCR_DLAB;

	if (reg == REG_DATA && dlab)
		uart_write_divisor(s, 0, value);
	else if (reg == REG_DATA)
		uart_transmit(u, value);
	else if (reg == REG_IER && dlab)
		uart_write_divisor(s, 8, value);
	else if (reg == REG_IER)
		uart_write_ier(u, value);
	else if (reg == REG_IIR_FCR)
		uart_write_fcr(u, value);
	else if (reg == REG_LCR)
		uart_write_lcr(u, value);
	else if (reg == REG_MCR)
		uart_write_mcr(u, value);
	else if (reg == REG_SCR)
		s->scr = value;
}

/* --- the bus ------------------------------------------------------------------------------- */

static void uart_access_done(struct uart *u, bool could_receive)
{
	uart_update(u);
	if (!could_receive && u->host.room && uart_can_receive(u))
		u->host.room(u->host.ctx);
}

static uint32_t uart_read(void *dev, uint16_t port, unsigned size)
{
	struct uart *u = dev;
	bool could_receive = uart_can_receive(u);
	uint8_t value = uart_read_register(u, port - PORT_UART);

	uart_access_done(u, could_receive);
	return value;
}

static void uart_write(void *dev, uint16_t port, unsigned size, uint32_t value)
{
	struct uart *u = dev;
	bool could_receive = uart_can_receive(u);

	uart_write_register(u, port - PORT_UART, (uint8_t)value);
	uart_access_done(u, could_receive);
}

static const struct bus_port_ops uart_ops = { 1, uart_read, uart_write };

int uart_create(struct uart **out, struct bus *bus, const struct uart_host *host)
{
	struct uart *u = calloc(1, sizeof(*u));
	int err;

	if (!u)
		return -ENOMEM;
	u->bus = bus;
	u->host = *host;
	u->timer.fn = uart_timer;
	u->timer.dev = u;
	u->timer.due_ns = BUS_NEVER;
	u->state.divisor = BIOS_DIVISOR;
	u->state.trigger = 1;
	u->state.msr = MSR_CTS | MSR_DSR | MSR_DCD;
	err = bus_add_ports(bus, PORT_UART, REGS, &uart_ops, u);
	if (err) {
		uart_destroy(u);
		return err;
	}
	*out = u;
	return 0;
}

void uart_destroy(struct uart *u)
{
	free(u);
}
