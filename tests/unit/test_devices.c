// SPDX-License-Identifier: MIT
/* The small devices (debugcon, debug exit, sandbox port), and all devices on one bus. */
#include "dev/debug_exit.h"
#include "dev/debugcon.h"
#include "dev/pic.h"
#include "dev/pit.h"
#include "dev/rtc.h"
#include "dev/sandbox.h"
#include "dev/uart.h"

#include <errno.h>

#include "fake_bus.h"
#include "unit.h"

extern const struct unit_suite suite_devices;

struct sink {
	char text[32];
	unsigned count;
	uint32_t value;
};

static void sink_put(void *ctx, uint8_t byte)
{
	struct sink *s = ctx;

	s->text[s->count++ % sizeof(s->text)] = (char)byte;
}

static void sink_exit(void *ctx, uint32_t value)
{
	struct sink *s = ctx;

	s->count++;
	s->value = value;
}

/* --- debugcon ------------------------------------------------------------------------------ */

static void debugcon_reads_e9_and_passes_bytes_on(void)
{
	struct sink s = { .count = 0 };
	struct debugcon_host host = { &s, sink_put };
	struct debugcon *d = 0;
	struct fake_bus f;

	fake_init(&f);
	CU_ASSERT_EQUAL_FATAL(debugcon_create(&d, &f.bus, &host), 0);
	CU_ASSERT_EQUAL(fake_inb(&f, 0xe9), 0xe9);
	fake_outb(&f, 0xe9, 'o');
	bus_port_write(&f.bus, 0xe9, 4, 0x2120216b); /* the other bytes go to ports 0xea.. */
	CU_ASSERT_EQUAL(s.count, 2);
	CU_ASSERT_NSTRING_EQUAL(s.text, "ok", 2);
	debugcon_destroy(d);
}

/* --- debug exit ---------------------------------------------------------------------------- */

static void debug_exit_gives_the_whole_value_of_any_width(void)
{
	static const struct {
		uint16_t port;
		unsigned size;
		uint32_t value;
	} rows[] = {
		{ 0xf4, 1, 0x64 }, { 0xf4, 2, 0x1234 }, { 0xf4, 4, 0xdeadbeef }, { 0xf7, 1, 3 }
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sink s = { .count = 0 };
		struct debug_exit_host host = { &s, sink_exit };
		struct debug_exit *d = 0;
		struct fake_bus f;

		fake_init(&f);
		CU_ASSERT_EQUAL_FATAL(debug_exit_create(&d, &f.bus, &host), 0);
		CU_ASSERT_EQUAL(bus_port_read(&f.bus, 0xf4, 4), 0);
		CU_ASSERT_EQUAL(s.count, 0);
		bus_port_write(&f.bus, rows[i].port, rows[i].size, rows[i].value);
		CU_ASSERT_EQUAL(s.count, 1);
		CU_ASSERT_EQUAL(s.value, rows[i].value);
		debug_exit_destroy(d);
	}
}

/* --- sandbox ------------------------------------------------------------------------------- */

static struct sandbox *start_sandbox(struct fake_bus *f, uint64_t seed)
{
	struct sandbox *s = 0;

	fake_init(f);
	CU_ASSERT_EQUAL_FATAL(sandbox_create(&s, &f->bus, seed), 0);
	return s;
}

static uint32_t sandbox_get(struct fake_bus *f, uint32_t selector)
{
	bus_port_write(&f->bus, 0x5b0, 4, selector);
	return bus_port_read(&f->bus, 0x5b4, 4);
}

static void sandbox_shows_its_magic_and_version(void)
{
	struct fake_bus f;
	struct sandbox *s = start_sandbox(&f, 0);

	CU_ASSERT_EQUAL(bus_port_read(&f.bus, 0x5b0, 4), 0x584f4253);
	CU_ASSERT_EQUAL(sandbox_get(&f, 0), 1);
	sandbox_destroy(s);
}

static void sandbox_registers_that_are_not_there_read_all_ones(void)
{
	struct fake_bus f;
	struct sandbox *s = start_sandbox(&f, 0);

	CU_ASSERT_EQUAL(bus_port_read(&f.bus, 0x5b4, 4), 0xffffffff); /* nothing selected */
	CU_ASSERT_EQUAL(sandbox_get(&f, 3), 0xffffffff);
	CU_ASSERT_EQUAL(sandbox_get(&f, 0x80000000), 0xffffffff);
	bus_port_write(&f.bus, 0x5b4, 4, 0);
	CU_ASSERT_EQUAL(bus_port_read(&f.bus, 0x5b4, 4), 0xffffffff);
	sandbox_destroy(s);
}

static void sandbox_keeps_the_address_of_vmcoreinfo(void)
{
	struct fake_bus f;
	struct sandbox *s = start_sandbox(&f, 0);

	CU_ASSERT_EQUAL(sandbox_get(&f, 2), 0xffffffff);
	bus_port_write(&f.bus, 0x5b4, 4, 0x00131000);
	CU_ASSERT_EQUAL(sandbox_get(&f, 2), 0x00131000);
	bus_port_write(&f.bus, 0x5b4, 2, 0x5555);
	CU_ASSERT_EQUAL(sandbox_get(&f, 0), 1);
	bus_port_write(&f.bus, 0x5b4, 4, 7); /* the version is read only */
	CU_ASSERT_EQUAL(sandbox_get(&f, 0), 1);
	CU_ASSERT_EQUAL(sandbox_get(&f, 2), 0x00131000);
	CU_ASSERT_EQUAL(s->state.vmcoreinfo, 0x00131000);
	sandbox_destroy(s);
}

static void sandbox_takes_aligned_dwords_only(void)
{
	struct fake_bus f;
	struct sandbox *s = start_sandbox(&f, 0);

	sandbox_get(&f, 0);
	CU_ASSERT_EQUAL(bus_port_read(&f.bus, 0x5b0, 1), 0xff);
	CU_ASSERT_EQUAL(bus_port_read(&f.bus, 0x5b4, 2), 0xffff);
	CU_ASSERT_EQUAL(bus_port_read(&f.bus, 0x5b2, 4), 0xffffffff);
	bus_port_write(&f.bus, 0x5b0, 1, 7);
	bus_port_write(&f.bus, 0x5b0, 2, 7);
	CU_ASSERT_EQUAL(bus_port_read(&f.bus, 0x5b4, 4), 1);
	sandbox_destroy(s);
}

/*
 * SplitMix64 of seed 1234567, as published with the algorithm: 6457827717110365317,
 * 3203168211198807973, 9817491932198370423; seed 0 begins with 0xe220a8397b1dcdaf. Upper halves.
 */
static void sandbox_random_is_splitmix64_of_the_seed(void)
{
	struct fake_bus f;
	struct sandbox *s = start_sandbox(&f, 1234567);

	CU_ASSERT_EQUAL(sandbox_get(&f, 1), (uint32_t)(6457827717110365317u >> 32));
	CU_ASSERT_EQUAL(sandbox_get(&f, 1), (uint32_t)(3203168211198807973u >> 32));
	CU_ASSERT_EQUAL(bus_port_read(&f.bus, 0x5b4, 4), (uint32_t)(9817491932198370423u >> 32));
	sandbox_destroy(s);
	s = start_sandbox(&f, 0);
	CU_ASSERT_EQUAL(sandbox_get(&f, 1), 0xe220a839);
	sandbox_destroy(s);
}

/* --- together ------------------------------------------------------------------------------ */

static void all_devices_share_a_bus_without_overlap(void)
{
	struct sink s = { .count = 0 };
	struct uart_host uart_host = { &s, sink_put, 0 };
	struct debugcon_host debugcon_host = { &s, sink_put };
	struct debug_exit_host exit_host = { &s, sink_exit };
	struct debug_exit *debug_exit = 0;
	struct debugcon *debugcon = 0;
	struct sandbox *sandbox = 0;
	struct uart *uart = 0;
	struct pic *pic = 0;
	struct pit *pit = 0;
	struct rtc *rtc = 0;
	struct fake_bus f;

	fake_init(&f);
	CU_ASSERT_EQUAL(pic_create(&pic, &f.bus), 0);
	CU_ASSERT_EQUAL(pit_create(&pit, &f.bus), 0);
	CU_ASSERT_EQUAL(rtc_create(&rtc, &f.bus, 1u << 30), 0);
	CU_ASSERT_EQUAL(uart_create(&uart, &f.bus, &uart_host), 0);
	CU_ASSERT_EQUAL(debugcon_create(&debugcon, &f.bus, &debugcon_host), 0);
	CU_ASSERT_EQUAL(debug_exit_create(&debug_exit, &f.bus, &exit_host), 0);
	CU_ASSERT_EQUAL(sandbox_create(&sandbox, &f.bus, 0), 0);
	/* Each line reaches its vector: timer 0x08, UART 0x0c, RTC 0x70. */
	fake_outb(&f, 0x21, 0x00);
	fake_outb(&f, 0xa1, 0x00);
	fake_run_to(&f, 60000000);
	fake_outb(&f, 0x3fc, 0x08);
	fake_outb(&f, 0x3f9, 0x02);
	fake_outb(&f, 0x70, 0x0b);
	fake_outb(&f, 0x71, 0x42);
	CU_ASSERT_EQUAL(pic_ack(pic), 0x08);
	fake_outb(&f, 0x20, 0x20);
	CU_ASSERT_EQUAL(pic_ack(pic), 0x70);
	fake_outb(&f, 0xa0, 0x20);
	fake_outb(&f, 0x20, 0x20);
	CU_ASSERT_EQUAL(pic_ack(pic), 0x0c);
	sandbox_destroy(sandbox);
	debug_exit_destroy(debug_exit);
	debugcon_destroy(debugcon);
	uart_destroy(uart);
	rtc_destroy(rtc);
	pit_destroy(pit);
	pic_destroy(pic);
}

static uint32_t blocker_read(void *dev, uint16_t port, unsigned size)
{
	return 0;
}

static void blocker_write(void *dev, uint16_t port, unsigned size, uint32_t value)
{
}

/* Every device reports a port that is taken, and frees what it had. */
static void taken_ports_fail_creation(void)
{
	static const struct bus_port_ops ops = { 1, blocker_read, blocker_write };
	static const uint16_t taken[] = { 0xa1, 0x61, 0x71, 0x3ff, 0xe9, 0xf5, 0x5b7 };
	struct uart_host uart_host = { 0, sink_put, 0 };
	struct debugcon_host debugcon_host = { 0, sink_put };
	struct debug_exit_host exit_host = { 0, sink_exit };
	struct debug_exit *debug_exit;
	struct debugcon *debugcon;
	struct sandbox *sandbox;
	struct uart *uart;
	struct pic *pic;
	struct pit *pit;
	struct rtc *rtc;
	struct fake_bus f;

	fake_init(&f);
	for (unsigned i = 0; i < ARRAY_SIZE(taken); i++)
		CU_ASSERT_EQUAL(bus_add_ports(&f.bus, taken[i], 1, &ops, 0), 0);
	CU_ASSERT_EQUAL(pic_create(&pic, &f.bus), -EEXIST);
	CU_ASSERT_EQUAL(pit_create(&pit, &f.bus), -EEXIST);
	CU_ASSERT_EQUAL(rtc_create(&rtc, &f.bus, 0), -EEXIST);
	CU_ASSERT_EQUAL(uart_create(&uart, &f.bus, &uart_host), -EEXIST);
	CU_ASSERT_EQUAL(debugcon_create(&debugcon, &f.bus, &debugcon_host), -EEXIST);
	CU_ASSERT_EQUAL(debug_exit_create(&debug_exit, &f.bus, &exit_host), -EEXIST);
	CU_ASSERT_EQUAL(sandbox_create(&sandbox, &f.bus, 0), -EEXIST);
}

static const struct unit_test tests[] = {
	UNIT_TEST(debugcon_reads_e9_and_passes_bytes_on),
	UNIT_TEST(debug_exit_gives_the_whole_value_of_any_width),
	UNIT_TEST(sandbox_shows_its_magic_and_version),
	UNIT_TEST(sandbox_registers_that_are_not_there_read_all_ones),
	UNIT_TEST(sandbox_keeps_the_address_of_vmcoreinfo),
	UNIT_TEST(sandbox_takes_aligned_dwords_only),
	UNIT_TEST(sandbox_random_is_splitmix64_of_the_seed),
	UNIT_TEST(all_devices_share_a_bus_without_overlap),
	UNIT_TEST(taken_ports_fail_creation),
	UNIT_END,
};

const struct unit_suite suite_devices = { "devices", tests };
