// SPDX-License-Identifier: MIT
/*
 * A hostile guest against all devices on one bus: the input is a program of port reads and writes,
 * interrupt acknowledges, host input, and steps of virtual time.
 *
 * What must hold: nothing crashes or loops; while the guest does nothing, however long, each of the
 * PIT, the RTC and the UART fires at most one timer; an acknowledge without a request is spurious;
 * no host byte overruns the UART; and after whatever was done, a guest that initialises PIC and PIT
 * gets its timer interrupt.
 */
#include <stdlib.h>
#include <string.h>

#include "dev/debug_exit.h"
#include "dev/debugcon.h"
#include "dev/pic.h"
#include "dev/pit.h"
#include "dev/rtc.h"
#include "dev/sandbox.h"
#include "dev/uart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define TIMER_OWNERS 3u
#define LSR_OE 0x02u

struct rig {
	struct bus bus;
	uint64_t now_ns;
	struct pic *pic;
	struct pit *pit;
	struct rtc *rtc;
	struct uart *uart;
	struct debugcon *debugcon;
	struct debug_exit *debug_exit;
	struct sandbox *sandbox;
	const uint8_t *data, *end;
};

static void must(bool condition)
{
	if (!condition)
		abort();
}

static uint8_t next(struct rig *r)
{
	return r->data < r->end ? *r->data++ : 0;
}

static uint64_t rig_now(void *ctx)
{
	return ((struct rig *)ctx)->now_ns;
}

static void rig_attention(void *ctx)
{
}

static void rig_put(void *ctx, uint8_t byte)
{
}

static void rig_exit(void *ctx, uint32_t value)
{
}

/* A byte that the UART said it would take makes no overrun; one from loopback may be there. */
static void receive(struct rig *r, uint8_t byte)
{
	uint8_t before = r->uart->state.lsr & LSR_OE;

	must(uart_can_receive(r->uart));
	uart_receive(r->uart, byte);
	must((r->uart->state.lsr & LSR_OE) == before);
}

static void rig_room(void *ctx)
{
	receive(ctx, 'r');
}

static void rig_start(struct rig *r)
{
	const struct bus_host host = { r, rig_now, rig_attention };
	const struct uart_host uart_host = { r, rig_put, rig_room };
	const struct debugcon_host debugcon_host = { r, rig_put };
	const struct debug_exit_host exit_host = { r, rig_exit };

	bus_init(&r->bus, &host);
	must(!pic_create(&r->pic, &r->bus));
	must(!pit_create(&r->pit, &r->bus));
	must(!rtc_create(&r->rtc, &r->bus, 1u << 30));
	must(!uart_create(&r->uart, &r->bus, &uart_host));
	must(!debugcon_create(&r->debugcon, &r->bus, &debugcon_host));
	must(!debug_exit_create(&r->debug_exit, &r->bus, &exit_host));
	must(!sandbox_create(&r->sandbox, &r->bus, 1));
}

static void rig_stop(struct rig *r)
{
	sandbox_destroy(r->sandbox);
	debug_exit_destroy(r->debug_exit);
	debugcon_destroy(r->debugcon);
	uart_destroy(r->uart);
	rtc_destroy(r->rtc);
	pit_destroy(r->pit);
	pic_destroy(r->pic);
}

static void check(const struct rig *r)
{
	unsigned timers = 0;

	for (const struct bus_timer *t = r->bus.timers; t; t = t->next) {
		must(t->listed && ++timers <= TIMER_OWNERS);
		must(!t->next || t->due_ns <= t->next->due_ns);
		must(t->due_ns > r->now_ns);
	}
	must(!r->pit->state.waiting || r->pit->state.rise == PIT_NEVER);
	must(r->uart->state.count <= UART_FIFO && r->uart->state.head < UART_FIFO);
}

static void pass_time(struct rig *r, uint64_t ns)
{
	uint64_t until = r->now_ns + ns;
	unsigned events = 0;

	while (bus_next_due(&r->bus) <= until) {
		must(++events <= TIMER_OWNERS);
		r->now_ns = bus_next_due(&r->bus);
		bus_run_timers(&r->bus, r->now_ns);
	}
	r->now_ns = until;
}

/* Devices' ports most of the time, any port else. */
static uint16_t choose_port(struct rig *r)
{
	static const uint16_t bases[] = { 0x20, 0xa0, 0x4d0, 0x40,  0x43,  0x61,  0x70,	 0x71,
					  0xe9, 0xf4, 0x5b0, 0x5b4, 0x3f8, 0x3fa, 0x3fc, 0x3fe };
	uint8_t choice = next(r);

	if (choice < 0xe0)
		return bases[choice & 15] + (choice >> 4 & 1);
	return (uint16_t)(next(r) << 8 | next(r));
}

static uint32_t choose_value(struct rig *r, unsigned size)
{
	uint32_t value = 0;

	while (size--)
		value = value << 8 | next(r);
	return value;
}

static void acknowledge(struct rig *r)
{
	bool pending = pic_pending(r->pic);
	uint8_t vector = pic_ack(r->pic);

	must(pending || (vector & 7) == 7);
}

static void step(struct rig *r)
{
	uint8_t op = next(r);
	unsigned size = 1u << (op >> 3 & 1) << (op >> 4 & 1);
	uint16_t port;

	switch (op & 7) {
	case 0:
		pass_time(r, next(r));
		break;
	case 1:
		/* Up to 2^38 ns: four and a half minutes. */
		pass_time(r, (uint64_t)next(r) << (next(r) % 31));
		break;
	case 2:
		acknowledge(r);
		break;
	case 3:
		if (uart_can_receive(r->uart))
			receive(r, next(r));
		break;
	case 4:
		bus_port_read(&r->bus, choose_port(r), size);
		break;
	default:
		port = choose_port(r);
		bus_port_write(&r->bus, port, size, choose_value(r, size));
		break;
	}
}

/* What a driver does at start; then its timer must tick. */
static void recover(struct rig *r)
{
	static const struct {
		uint8_t port, value;
	} writes[] = {
		{ 0x20, 0x11 }, { 0xa0, 0x11 }, { 0x21, 0x20 }, { 0xa1, 0x28 }, { 0x21, 0x04 },
		{ 0xa1, 0x02 }, { 0x21, 0x01 }, { 0xa1, 0x01 }, { 0x21, 0xfe }, { 0xa1, 0xff },
		{ 0x43, 0x34 }, { 0x40, 0x9c }, { 0x40, 0x2e },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(writes); i++)
		bus_port_write(&r->bus, writes[i].port, 1, writes[i].value);
	for (unsigned ticks = 0; ticks < 3; ticks++) {
		pass_time(r, 10001000); /* 11932 ticks take 10000989 ns */
		must(pic_pending(r->pic));
		must(pic_ack(r->pic) == 0x20);
		bus_port_write(&r->bus, 0x20, 1, 0x20);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct rig r = { .data = data, .end = data + bytes };

	rig_start(&r);
	while (r.data < r.end) {
		step(&r);
		check(&r);
	}
	recover(&r);
	rig_stop(&r);
	return 0;
}
