// SPDX-License-Identifier: MIT
/* Expected values: National PC16550D data sheet; "table IV" is its interrupt control table. */
#include "dev/uart.h"

#include "dev/pic.h"
#include "fake_bus.h"
#include "unit.h"

extern const struct unit_suite suite_uart;

enum { DATA = 0x3f8, IER = 0x3f9, IIR = 0x3fa, FCR = 0x3fa, LCR = 0x3fb, MCR = 0x3fc, LSR = 0x3fd };
enum { MSR = 0x3fe, SCR = 0x3ff };

#define OUT2 0x08
#define LOOP 0x10
#define IRQ 4

struct rig {
	struct fake_bus f;
	struct uart *u;
	char sent[64];
	unsigned sent_count;
	unsigned rooms;
	const char *feed; /* pushed on each call of room */
};

static void rig_put(void *ctx, uint8_t byte)
{
	struct rig *r = ctx;

	r->sent[r->sent_count++ % sizeof(r->sent)] = (char)byte;
}

static void rig_room(void *ctx)
{
	struct rig *r = ctx;

	r->rooms++;
	while (r->feed && *r->feed && uart_can_receive(r->u))
		uart_receive(r->u, (uint8_t)*r->feed++);
}

static void out(struct rig *r, uint16_t port, uint8_t value)
{
	fake_outb(&r->f, port, value);
}

static uint8_t in(struct rig *r, uint16_t port)
{
	return fake_inb(&r->f, port);
}

static void start(struct rig *r)
{
	struct uart_host host = { r, rig_put, rig_room };

	memset(r, 0, sizeof(*r));
	fake_init(&r->f);
	CU_ASSERT_EQUAL_FATAL(uart_create(&r->u, &r->f.bus, &host), 0);
}

/* DTR, RTS, OUT2, 8N1, FIFO with the given trigger bits, interrupts as given. */
static void start_driver(struct rig *r, uint8_t fcr, uint8_t ier)
{
	start(r);
	out(r, LCR, 0x83);
	out(r, DATA, 1);
	out(r, IER, 0);
	out(r, LCR, 0x03);
	out(r, FCR, fcr);
	out(r, MCR, 0x0b);
	out(r, IER, ier);
}

static void push(struct rig *r, const char *text)
{
	while (*text)
		uart_receive(r->u, (uint8_t)*text++);
}

static void registers_after_reset(void)
{
	struct rig r;

	start(&r);
	CU_ASSERT_EQUAL(in(&r, IER), 0x00);
	CU_ASSERT_EQUAL(in(&r, IIR), 0x01);
	CU_ASSERT_EQUAL(in(&r, LCR), 0x00);
	CU_ASSERT_EQUAL(in(&r, MCR), 0x00);
	CU_ASSERT_EQUAL(in(&r, LSR), 0x60);
	CU_ASSERT_EQUAL(in(&r, MSR), 0xb0);
	uart_destroy(r.u);
}

static void register_bits_that_do_not_exist_read_zero(void)
{
	struct rig r;

	start(&r);
	out(&r, IER, 0xff);
	CU_ASSERT_EQUAL(in(&r, IER), 0x0f);
	out(&r, MCR, 0xef);
	CU_ASSERT_EQUAL(in(&r, MCR), 0x0f);
	out(&r, SCR, 0xa5);
	CU_ASSERT_EQUAL(in(&r, SCR), 0xa5);
	uart_destroy(r.u);
}

static void dlab_shows_the_divisor_in_place_of_data_and_ier(void)
{
	struct rig r;

	start(&r);
	out(&r, IER, 0x05);
	out(&r, LCR, 0x80);
	out(&r, DATA, 0x34);
	out(&r, IER, 0x12);
	CU_ASSERT_EQUAL(in(&r, DATA), 0x34);
	CU_ASSERT_EQUAL(in(&r, IER), 0x12);
	CU_ASSERT_EQUAL(r.sent_count, 0);
	out(&r, LCR, 0x00);
	CU_ASSERT_EQUAL(in(&r, IER), 0x05);
	uart_destroy(r.u);
}

static void written_bytes_are_sent_at_once(void)
{
	struct rig r;

	start(&r);
	out(&r, DATA, 'h');
	out(&r, DATA, 'i');
	CU_ASSERT_EQUAL(in(&r, LSR), 0x60);
	CU_ASSERT_NSTRING_EQUAL(r.sent, "hi", 2);
	CU_ASSERT_EQUAL(r.sent_count, 2);
	uart_destroy(r.u);
}

static void thre_interrupt_comes_with_enabling_and_with_each_byte(void)
{
	struct rig r;

	start_driver(&r, 0, 0);
	CU_ASSERT_FALSE(r.f.line[IRQ]);
	out(&r, IER, 0x02);
	CU_ASSERT_TRUE(r.f.line[IRQ]);
	CU_ASSERT_EQUAL(r.f.edges[IRQ], 1);
	CU_ASSERT_EQUAL(in(&r, IIR), 0x02);
	/* Reading it from IIR clears it. */
	CU_ASSERT_EQUAL(in(&r, IIR), 0x01);
	CU_ASSERT_FALSE(r.f.line[IRQ]);
	out(&r, DATA, 'x');
	CU_ASSERT_EQUAL(r.f.edges[IRQ], 2);
	/* Writing clears and raises anew: a new edge. */
	out(&r, DATA, 'y');
	CU_ASSERT_EQUAL(r.f.edges[IRQ], 3);
	/* Enabling what is enabled raises nothing. */
	in(&r, IIR);
	out(&r, IER, 0x02);
	CU_ASSERT_FALSE(r.f.line[IRQ]);
	out(&r, IER, 0x00);
	out(&r, IER, 0x02);
	CU_ASSERT_TRUE(r.f.line[IRQ]);
	uart_destroy(r.u);
}

static void reading_iir_clears_thre_only_if_it_shows_it(void)
{
	struct rig r;

	start_driver(&r, 0, 0x03);
	push(&r, "a");
	CU_ASSERT_EQUAL(in(&r, IIR), 0x04);
	CU_ASSERT_EQUAL(in(&r, DATA), 'a');
	CU_ASSERT_EQUAL(in(&r, IIR), 0x02);
	CU_ASSERT_EQUAL(in(&r, IIR), 0x01);
	uart_destroy(r.u);
}

static void out2_connects_the_interrupt(void)
{
	struct rig r;

	start_driver(&r, 0, 0x01);
	out(&r, MCR, 0x03);
	push(&r, "a");
	CU_ASSERT_FALSE(r.f.line[IRQ]);
	CU_ASSERT_EQUAL(in(&r, IIR), 0x04);
	out(&r, MCR, 0x0b);
	CU_ASSERT_TRUE(r.f.line[IRQ]);
	out(&r, MCR, 0x03);
	CU_ASSERT_FALSE(r.f.line[IRQ]);
	uart_destroy(r.u);
}

static void received_byte_without_fifo(void)
{
	struct rig r;

	start_driver(&r, 0, 0x01);
	CU_ASSERT_TRUE(uart_can_receive(r.u));
	push(&r, "a");
	CU_ASSERT_FALSE(uart_can_receive(r.u));
	CU_ASSERT_TRUE(r.f.line[IRQ]);
	CU_ASSERT_EQUAL(in(&r, LSR), 0x61);
	CU_ASSERT_EQUAL(in(&r, DATA), 'a');
	CU_ASSERT_FALSE(r.f.line[IRQ]);
	CU_ASSERT_EQUAL(in(&r, LSR), 0x60);
	/* An empty receiver gives the last character again. */
	CU_ASSERT_EQUAL(in(&r, DATA), 'a');
	uart_destroy(r.u);
}

static void overrun_without_fifo_keeps_the_new_byte(void)
{
	struct rig r;

	start_driver(&r, 0, 0x05);
	push(&r, "ab");
	CU_ASSERT_EQUAL(in(&r, IIR), 0x06);
	CU_ASSERT_EQUAL(in(&r, LSR), 0x63);
	CU_ASSERT_EQUAL(in(&r, IIR), 0x04);
	CU_ASSERT_EQUAL(in(&r, LSR), 0x61);
	CU_ASSERT_EQUAL(in(&r, DATA), 'b');
	uart_destroy(r.u);
}

static void overrun_with_fifo_keeps_the_sixteen_old_bytes(void)
{
	struct rig r;

	start_driver(&r, 0x01, 0x00);
	push(&r, "0123456789abcdef");
	CU_ASSERT_FALSE(uart_can_receive(r.u));
	CU_ASSERT_EQUAL(in(&r, LSR), 0x61);
	push(&r, "X");
	CU_ASSERT_EQUAL(in(&r, LSR), 0x63);
	for (unsigned i = 0; i < 16; i++)
		CU_ASSERT_EQUAL(in(&r, DATA), "0123456789abcdef"[i]);
	CU_ASSERT_EQUAL(in(&r, LSR), 0x60);
	uart_destroy(r.u);
}

static void each_trigger_level_interrupts_at_its_count(void)
{
	static const unsigned levels[4] = { 1, 4, 8, 14 };
	struct rig r;

	for (unsigned t = 0; t < 4; t++) {
		start_driver(&r, (uint8_t)(t << 6 | 0x01), 0x01);
		for (unsigned i = 1; i < levels[t]; i++) {
			push(&r, "x");
			CU_ASSERT_FALSE(r.f.line[IRQ]);
		}
		push(&r, "x");
		CU_ASSERT_TRUE(r.f.line[IRQ]);
		CU_ASSERT_EQUAL(in(&r, IIR), 0xc4);
		in(&r, DATA);
		CU_ASSERT_FALSE(r.f.line[IRQ]);
		uart_destroy(r.u);
	}
}

/*
 * 8N1 has 10 bits; divisor 1 is 115200 baud: four characters are 40 / 115200 s = 347222 ns.
 */
static void bytes_below_the_trigger_time_out_after_four_characters(void)
{
	struct rig r;

	start_driver(&r, 0xc1, 0x01);
	push(&r, "a");
	fake_run_to(&r.f, 300000);
	push(&r, "b"); /* starts the timeout anew */
	fake_run_to(&r.f, 300000 + 347221);
	CU_ASSERT_FALSE(r.f.line[IRQ]);
	fake_run_to(&r.f, 300000 + 347222);
	CU_ASSERT_TRUE(r.f.line[IRQ]);
	CU_ASSERT_EQUAL(in(&r, IIR), 0xcc);
	CU_ASSERT_EQUAL(in(&r, DATA), 'a');
	CU_ASSERT_FALSE(r.f.line[IRQ]);
	/* The next one times out four characters after this read. */
	fake_run_to(&r.f, 300000 + 2 * 347222);
	CU_ASSERT_TRUE(r.f.line[IRQ]);
	CU_ASSERT_EQUAL(in(&r, DATA), 'b');
	CU_ASSERT_EQUAL(bus_next_due(&r.f.bus), BUS_NEVER);
	uart_destroy(r.u);
}

/* 7E2 has 1 + 7 + 1 + 2 = 11 bits; divisor 96 is 1200 baud: 44 / 1200 s = 36666666 ns. */
static void timeout_follows_speed_and_format(void)
{
	struct rig r;

	start_driver(&r, 0xc1, 0x01);
	out(&r, LCR, 0x80);
	out(&r, DATA, 96);
	out(&r, LCR, 0x1e);
	push(&r, "a");
	CU_ASSERT_EQUAL(bus_next_due(&r.f.bus), 36666666);
	uart_destroy(r.u);
}

static void without_fifo_there_is_no_timeout(void)
{
	struct rig r;

	start_driver(&r, 0, 0x01);
	push(&r, "a");
	CU_ASSERT_EQUAL(bus_next_due(&r.f.bus), BUS_NEVER);
	uart_destroy(r.u);
}

static void interrupt_sources_are_shown_by_priority(void)
{
	struct rig r;

	start_driver(&r, 0x01, 0x0f);
	out(&r, MCR, LOOP | OUT2); /* CTS and DSR fall, and rise again */
	out(&r, MCR, 0x0b);
	uart_receive_break(r.u);
	CU_ASSERT_EQUAL(in(&r, IIR), 0xc6);
	CU_ASSERT_EQUAL(in(&r, LSR) & 0x10, 0x10);
	CU_ASSERT_EQUAL(in(&r, IIR), 0xc4);
	in(&r, DATA);
	CU_ASSERT_EQUAL(in(&r, IIR), 0xc2);
	CU_ASSERT_EQUAL(in(&r, IIR), 0xc0);
	in(&r, MSR);
	CU_ASSERT_EQUAL(in(&r, IIR), 0xc1);
	CU_ASSERT_FALSE(r.f.line[IRQ]);
	uart_destroy(r.u);
}

static void break_shows_when_its_character_is_at_the_top(void)
{
	struct rig r;

	start_driver(&r, 0x01, 0x04);
	push(&r, "a");
	uart_receive_break(r.u);
	push(&r, "b");
	/* Only the FIFO error bit tells of it now. */
	CU_ASSERT_EQUAL(in(&r, LSR), 0xe1);
	CU_ASSERT_FALSE(r.f.line[IRQ]);
	CU_ASSERT_EQUAL(in(&r, DATA), 'a');
	CU_ASSERT_TRUE(r.f.line[IRQ]);
	CU_ASSERT_EQUAL(in(&r, LSR), 0xf1);
	CU_ASSERT_EQUAL(in(&r, LSR), 0x61);
	CU_ASSERT_EQUAL(in(&r, DATA), 0);
	CU_ASSERT_EQUAL(in(&r, DATA), 'b');
	uart_destroy(r.u);
}

static void without_fifo_there_is_no_fifo_error_bit(void)
{
	struct rig r;

	start_driver(&r, 0, 0);
	uart_receive_break(r.u);
	CU_ASSERT_EQUAL(in(&r, LSR), 0x71);
	CU_ASSERT_EQUAL(in(&r, LSR), 0x61);
	uart_destroy(r.u);
}

static void fcr_clears_the_receiver_and_reports_fifos(void)
{
	struct rig r;

	start_driver(&r, 0x01, 0x00);
	CU_ASSERT_EQUAL(in(&r, IIR), 0xc1);
	push(&r, "abc");
	out(&r, FCR, 0x03);
	CU_ASSERT_EQUAL(in(&r, LSR), 0x60);
	uart_receive_break(r.u);
	out(&r, FCR, 0x03);
	CU_ASSERT_EQUAL(in(&r, LSR), 0x60);
	push(&r, "abc");
	/* Turning FIFOs off clears them, too. */
	out(&r, FCR, 0x00);
	CU_ASSERT_EQUAL(in(&r, LSR), 0x60);
	CU_ASSERT_EQUAL(in(&r, IIR), 0x01);
	/* Without bit 0 the others are not programmed. */
	push(&r, "a");
	out(&r, FCR, 0x02);
	CU_ASSERT_EQUAL(in(&r, LSR), 0x61);
	uart_destroy(r.u);
}

static void loopback_returns_bytes_and_sends_none(void)
{
	struct rig r;

	start_driver(&r, 0x01, 0x01);
	out(&r, MCR, LOOP | OUT2);
	CU_ASSERT_FALSE(uart_can_receive(r.u));
	out(&r, DATA, 'L');
	CU_ASSERT_EQUAL(r.sent_count, 0);
	CU_ASSERT_TRUE(r.f.line[IRQ]);
	CU_ASSERT_EQUAL(in(&r, DATA), 'L');
	for (unsigned i = 0; i < 17; i++)
		out(&r, DATA, (uint8_t)i);
	CU_ASSERT_EQUAL(in(&r, LSR), 0x63);
	CU_ASSERT_EQUAL(in(&r, DATA), 0);
	uart_destroy(r.u);
}

static void loopback_break_is_received(void)
{
	struct rig r;

	start_driver(&r, 0x01, 0x00);
	out(&r, LCR, 0x43);
	CU_ASSERT_EQUAL(in(&r, LSR), 0x60);
	out(&r, LCR, 0x03);
	out(&r, MCR, LOOP);
	out(&r, LCR, 0x43);
	CU_ASSERT_EQUAL(in(&r, LSR), 0xf1);
	CU_ASSERT_EQUAL(in(&r, DATA), 0);
	out(&r, LCR, 0x41); /* still the same break */
	CU_ASSERT_EQUAL(in(&r, LSR), 0x60);
	uart_destroy(r.u);
}

static void loopback_wires_modem_outputs_to_inputs(void)
{
	static const uint8_t rows[][2] = {
		{ 0x00, 0x00 }, { 0x01, 0x20 }, { 0x02, 0x10 },
		{ 0x04, 0x40 }, { 0x08, 0x80 }, { 0x0f, 0xf0 },
	};
	struct rig r;

	start(&r);
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		out(&r, MCR, LOOP | rows[i][0]);
		CU_ASSERT_EQUAL(in(&r, MSR) & 0xf0, rows[i][1]);
	}
	uart_destroy(r.u);
}

static void msr_deltas_latch_until_read_and_ri_tells_its_trailing_edge(void)
{
	struct rig r;

	start(&r);
	out(&r, MCR, LOOP); /* CTS, DSR and DCD fall */
	CU_ASSERT_EQUAL(in(&r, MSR), 0x0b);
	CU_ASSERT_EQUAL(in(&r, MSR), 0x00);
	out(&r, MCR, LOOP | 0x04); /* RI rises: no delta */
	CU_ASSERT_EQUAL(in(&r, MSR), 0x40);
	out(&r, MCR, LOOP | 0x02); /* RI falls, CTS rises */
	CU_ASSERT_EQUAL(in(&r, MSR), 0x15);
	out(&r, MCR, LOOP | 0x00); /* CTS falls, then DSR rises */
	out(&r, MCR, LOOP | 0x01);
	CU_ASSERT_EQUAL(in(&r, MSR), 0x23);
	uart_destroy(r.u);
}

static void modem_status_interrupts(void)
{
	struct rig r;

	start_driver(&r, 0, 0x08);
	CU_ASSERT_FALSE(r.f.line[IRQ]);
	/* The looped outputs are what the inputs were: no change. */
	out(&r, MCR, 0x0b | LOOP);
	CU_ASSERT_FALSE(r.f.line[IRQ]);
	out(&r, MCR, LOOP | OUT2);
	CU_ASSERT_TRUE(r.f.line[IRQ]);
	CU_ASSERT_EQUAL(in(&r, IIR), 0x00);
	in(&r, MSR);
	CU_ASSERT_EQUAL(in(&r, IIR), 0x01);
	uart_destroy(r.u);
}

static void host_input_waits_until_the_guest_looks_at_its_receiver(void)
{
	static const struct {
		uint16_t port;
		int write; /* value, or -1 to read */
	} looks[] = { { LSR, -1 }, { DATA, -1 }, { IER, 0x01 }, { MCR, 0x01 }, { MCR, 0x02 } };
	struct rig r;

	for (unsigned i = 0; i < ARRAY_SIZE(looks); i++) {
		start(&r);
		r.feed = "q";
		out(&r, FCR, 0x07);
		out(&r, IER, 0x0e);
		in(&r, IIR);
		CU_ASSERT_FALSE(uart_can_receive(r.u));
		CU_ASSERT_EQUAL(r.rooms, 0);
		if (looks[i].write < 0)
			in(&r, looks[i].port);
		else
			out(&r, looks[i].port, (uint8_t)looks[i].write);
		CU_ASSERT_EQUAL(r.rooms, 1);
		CU_ASSERT_EQUAL(in(&r, DATA), 'q');
		uart_destroy(r.u);
	}
}

static void room_is_told_so_that_no_byte_is_lost(void)
{
	static const char text[] = "The quick brown fox jumps over the lazy dog.";
	struct rig r;
	unsigned got = 0;

	start_driver(&r, 0x01, 0x01);
	r.feed = text;
	rig_room(&r);
	while (in(&r, LSR) & 1) {
		CU_ASSERT_EQUAL(in(&r, DATA), text[got]);
		got++;
	}
	CU_ASSERT_EQUAL(got, sizeof(text) - 1);
	/* Leaving loopback makes room, too. */
	out(&r, MCR, LOOP);
	r.rooms = 0;
	out(&r, MCR, 0x03);
	CU_ASSERT_EQUAL(r.rooms, 1);
	/* Only when it becomes true. */
	in(&r, LSR);
	CU_ASSERT_EQUAL(r.rooms, 1);
	uart_destroy(r.u);
}

static void interrupts_reach_the_pic_as_edges(void)
{
	struct rig r;
	struct pic *p = 0;

	start_driver(&r, 0x01, 0);
	CU_ASSERT_EQUAL_FATAL(pic_create(&p, &r.f.bus), 0);
	out(&r, 0x21, 0x00);
	out(&r, IER, 0x02);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(pic_ack(p), 0x08 + IRQ);
		out(&r, DATA, 'z');
		out(&r, 0x20, 0x20);
		CU_ASSERT_TRUE(pic_pending(p));
	}
	in(&r, IIR);
	CU_ASSERT_FALSE(pic_pending(p));
	pic_destroy(p);
	uart_destroy(r.u);
}

static const struct unit_test tests[] = {
	UNIT_TEST(registers_after_reset),
	UNIT_TEST(register_bits_that_do_not_exist_read_zero),
	UNIT_TEST(dlab_shows_the_divisor_in_place_of_data_and_ier),
	UNIT_TEST(written_bytes_are_sent_at_once),
	UNIT_TEST(thre_interrupt_comes_with_enabling_and_with_each_byte),
	UNIT_TEST(reading_iir_clears_thre_only_if_it_shows_it),
	UNIT_TEST(out2_connects_the_interrupt),
	UNIT_TEST(received_byte_without_fifo),
	UNIT_TEST(overrun_without_fifo_keeps_the_new_byte),
	UNIT_TEST(overrun_with_fifo_keeps_the_sixteen_old_bytes),
	UNIT_TEST(each_trigger_level_interrupts_at_its_count),
	UNIT_TEST(bytes_below_the_trigger_time_out_after_four_characters),
	UNIT_TEST(timeout_follows_speed_and_format),
	UNIT_TEST(without_fifo_there_is_no_timeout),
	UNIT_TEST(interrupt_sources_are_shown_by_priority),
	UNIT_TEST(break_shows_when_its_character_is_at_the_top),
	UNIT_TEST(without_fifo_there_is_no_fifo_error_bit),
	UNIT_TEST(fcr_clears_the_receiver_and_reports_fifos),
	UNIT_TEST(loopback_returns_bytes_and_sends_none),
	UNIT_TEST(loopback_break_is_received),
	UNIT_TEST(loopback_wires_modem_outputs_to_inputs),
	UNIT_TEST(msr_deltas_latch_until_read_and_ri_tells_its_trailing_edge),
	UNIT_TEST(modem_status_interrupts),
	UNIT_TEST(host_input_waits_until_the_guest_looks_at_its_receiver),
	UNIT_TEST(room_is_told_so_that_no_byte_is_lost),
	UNIT_TEST(interrupts_reach_the_pic_as_edges),
	UNIT_END,
};

const struct unit_suite suite_uart = { "uart", tests };
