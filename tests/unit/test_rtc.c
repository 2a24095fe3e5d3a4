// SPDX-License-Identifier: MIT
/* Expected values: Motorola MC146818A data sheet, the calendar, and hand calculation. */
#include "dev/rtc.h"

#include "fake_bus.h"
#include "unit.h"

extern const struct unit_suite suite_rtc;

#define INDEX 0x70
#define DATA 0x71
#define IRQ 8
#define SECOND 1000000000ull
#define DAY (86400 * SECOND)

enum { SEC, SEC_ALARM, MIN, MIN_ALARM, HOUR, HOUR_ALARM, WEEKDAY, MDAY, MONTH, YEAR, A, B, C, D };
#define CENTURY 0x32

#define B_24H 0x02
#define B_BINARY 0x04
#define B_UIE 0x10
#define B_AIE 0x20
#define B_PIE 0x40
#define B_SET 0x80

static struct rtc *start(struct fake_bus *f)
{
	struct rtc *r = 0;

	fake_init(f);
	CU_ASSERT_EQUAL_FATAL(rtc_create(&r, &f->bus, 1u << 30), 0);
	return r;
}

static uint8_t get(struct fake_bus *f, uint8_t reg)
{
	fake_outb(f, INDEX, reg);
	return fake_inb(f, DATA);
}

static void set(struct fake_bus *f, uint8_t reg, uint8_t value)
{
	fake_outb(f, INDEX, reg);
	fake_outb(f, DATA, value);
}

/* Bytes as the chip holds them. */
struct stamp {
	uint8_t century, year, month, day, weekday, hour, minute, second;
};

static void set_stamp(struct fake_bus *f, uint8_t b, const struct stamp *s)
{
	set(f, B, B_SET | b);
	set(f, CENTURY, s->century);
	set(f, YEAR, s->year);
	set(f, MONTH, s->month);
	set(f, MDAY, s->day);
	set(f, WEEKDAY, s->weekday);
	set(f, HOUR, s->hour);
	set(f, MIN, s->minute);
	set(f, SEC, s->second);
	set(f, B, b);
}

static void check_stamp(struct fake_bus *f, const struct stamp *s)
{
	CU_ASSERT_EQUAL(get(f, CENTURY), s->century);
	CU_ASSERT_EQUAL(get(f, YEAR), s->year);
	CU_ASSERT_EQUAL(get(f, MONTH), s->month);
	CU_ASSERT_EQUAL(get(f, MDAY), s->day);
	CU_ASSERT_EQUAL(get(f, WEEKDAY), s->weekday);
	CU_ASSERT_EQUAL(get(f, HOUR), s->hour);
	CU_ASSERT_EQUAL(get(f, MIN), s->minute);
	CU_ASSERT_EQUAL(get(f, SEC), s->second);
}

/* --- time ---------------------------------------------------------------------------------- */

static void time_starts_at_thursday_2026_01_01(void)
{
	static const struct stamp at_start = { 0x20, 0x26, 1, 1, 5, 0, 0, 0 };
	static const struct stamp later = { 0x20, 0x26, 1, 2, 6, 0x10, 0x17, 0x36 };
	struct fake_bus f;
	struct rtc *r = start(&f);

	check_stamp(&f, &at_start);
	CU_ASSERT_EQUAL(get(&f, B), B_24H);
	fake_run_to(&f, SECOND - 1);
	check_stamp(&f, &at_start);
	fake_run_to(&f, 123456 * SECOND); /* 1 day, 10:17:36 */
	check_stamp(&f, &later);
	rtc_destroy(r);
}

static void clock_steps_through_the_calendar(void)
{
	static const struct {
		uint8_t b;
		struct stamp before;
		uint64_t seconds;
		struct stamp after;
	} rows[] = {
		/* BCD, 24 hours */
		{ B_24H,
		  { 0x20, 0x26, 0x01, 0x31, 7, 0x23, 0x59, 0x59 },
		  1,
		  { 0x20, 0x26, 0x02, 0x01, 1, 0x00, 0x00, 0x00 } },
		{ B_24H,
		  { 0x20, 0x26, 0x02, 0x28, 7, 0x23, 0x59, 0x59 },
		  1,
		  { 0x20, 0x26, 0x03, 0x01, 1, 0x00, 0x00, 0x00 } },
		{ B_24H,
		  { 0x20, 0x28, 0x02, 0x28, 2, 0x23, 0x59, 0x59 },
		  1,
		  { 0x20, 0x28, 0x02, 0x29, 3, 0x00, 0x00, 0x00 } },
		{ B_24H,
		  { 0x20, 0x99, 0x12, 0x31, 5, 0x23, 0x59, 0x59 },
		  1,
		  { 0x21, 0x00, 0x01, 0x01, 6, 0x00, 0x00, 0x00 } },
		{ B_24H,
		  { 0x20, 0x26, 0x01, 0x01, 5, 0x09, 0x09, 0x09 },
		  1,
		  { 0x20, 0x26, 0x01, 0x01, 5, 0x09, 0x09, 0x10 } },
		/* 2026-01-01 and 1000 days: 2028-09-27, a Wednesday. */
		{ B_24H,
		  { 0x20, 0x26, 0x01, 0x01, 5, 0x12, 0x00, 0x00 },
		  1000 * 86400,
		  { 0x20, 0x28, 0x09, 0x27, 4, 0x12, 0x00, 0x00 } },
		{ B_24H,
		  { 0x20, 0x26, 0x01, 0x02, 6, 0x23, 0x59, 0x59 },
		  1,
		  { 0x20, 0x26, 0x01, 0x03, 7, 0x00, 0x00, 0x00 } },
		/* BCD, 12 hours: 11 PM, noon, midnight */
		{ 0,
		  { 0x20, 0x26, 0x04, 0x30, 5, 0x91, 0x59, 0x59 },
		  1,
		  { 0x20, 0x26, 0x05, 0x01, 6, 0x12, 0x00, 0x00 } },
		{ 0,
		  { 0x20, 0x26, 0x01, 0x01, 5, 0x11, 0x59, 0x59 },
		  1,
		  { 0x20, 0x26, 0x01, 0x01, 5, 0x92, 0x00, 0x00 } },
		{ 0,
		  { 0x20, 0x26, 0x01, 0x01, 5, 0x92, 0x59, 0x59 },
		  1,
		  { 0x20, 0x26, 0x01, 0x01, 5, 0x81, 0x00, 0x00 } },
		{ 0,
		  { 0x20, 0x26, 0x01, 0x01, 5, 0x12, 0x59, 0x59 },
		  1,
		  { 0x20, 0x26, 0x01, 0x01, 5, 0x01, 0x00, 0x00 } },
		/* binary */
		{ B_24H | B_BINARY,
		  { 20, 26, 12, 31, 5, 23, 59, 59 },
		  1,
		  { 20, 27, 1, 1, 6, 0, 0, 0 } },
		{ B_BINARY, { 20, 26, 1, 1, 5, 0x8b, 59, 59 }, 1, { 20, 26, 1, 2, 6, 12, 0, 0 } },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fake_bus f;
		struct rtc *r = start(&f);

		set_stamp(&f, rows[i].b, &rows[i].before);
		check_stamp(&f, &rows[i].before);
		fake_run_to(&f, rows[i].seconds * SECOND);
		check_stamp(&f, &rows[i].after);
		rtc_destroy(r);
	}
}

static void impossible_bytes_become_possible_ones(void)
{
	static const struct stamp wrong = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	static const struct stamp after = { 0x00, 0x00, 0x01, 0x01, 0x01, 0x00, 0x00, 0x00 };
	struct fake_bus f;
	struct rtc *r = start(&f);

	set_stamp(&f, B_24H, &wrong);
	check_stamp(&f, &wrong);
	fake_run_to(&f, SECOND); /* from 9999-12-31 23:59:59, a Saturday */
	check_stamp(&f, &after);
	rtc_destroy(r);
}

static void set_stops_the_clock_and_clears_uie(void)
{
	struct fake_bus f;
	struct rtc *r = start(&f);

	set(&f, B, B_SET | B_24H | B_UIE | B_AIE);
	CU_ASSERT_EQUAL(get(&f, B), B_SET | B_24H | B_AIE);
	fake_run_to(&f, 10 * SECOND + SECOND / 2);
	CU_ASSERT_EQUAL(get(&f, SEC), 0);
	CU_ASSERT_EQUAL(get(&f, C) & 0x30, 0);
	/* The divider went on: the next step is at the next whole second. */
	set(&f, B, B_24H);
	fake_run_to(&f, 11 * SECOND - 1);
	CU_ASSERT_EQUAL(get(&f, SEC), 0);
	fake_run_to(&f, 11 * SECOND);
	CU_ASSERT_EQUAL(get(&f, SEC), 1);
	rtc_destroy(r);
}

static void divider_reset_holds_the_clock_and_starts_it_half_a_second_later(void)
{
	struct fake_bus f;
	struct rtc *r = start(&f);

	fake_run_to(&f, 3 * SECOND);
	set(&f, A, 0x76);
	fake_run_to(&f, 5 * SECOND + 300000000);
	CU_ASSERT_EQUAL(get(&f, SEC), 3);
	set(&f, A, 0x26);
	fake_run_to(&f, 5 * SECOND + 799999999);
	CU_ASSERT_EQUAL(get(&f, SEC), 3);
	fake_run_to(&f, 5 * SECOND + 800000000);
	CU_ASSERT_EQUAL(get(&f, SEC), 4);
	rtc_destroy(r);
}

static void uip_is_set_for_2228_us_before_each_step(void)
{
	struct fake_bus f;
	struct rtc *r = start(&f);

	fake_run_to(&f, SECOND - 2228001);
	CU_ASSERT_EQUAL(get(&f, A), 0x26);
	fake_run_to(&f, SECOND - 2228000);
	CU_ASSERT_EQUAL(get(&f, A), 0xa6);
	fake_run_to(&f, SECOND - 1);
	CU_ASSERT_EQUAL(get(&f, A), 0xa6);
	fake_run_to(&f, SECOND);
	CU_ASSERT_EQUAL(get(&f, A), 0x26);
	set(&f, B, B_SET);
	fake_run_to(&f, 2 * SECOND - 1);
	CU_ASSERT_EQUAL(get(&f, A), 0x26);
	rtc_destroy(r);
}

/* --- interrupts ---------------------------------------------------------------------------- */

static void update_interrupt_each_second_until_c_is_read(void)
{
	struct fake_bus f;
	struct rtc *r = start(&f);

	set(&f, B, B_24H | B_UIE);
	for (unsigned i = 1; i <= 3; i++) {
		CU_ASSERT_EQUAL(bus_next_due(&f.bus), i * SECOND);
		fake_run_to(&f, i * SECOND);
		CU_ASSERT_TRUE(f.line[IRQ]);
		CU_ASSERT_EQUAL(f.edges[IRQ], i);
		CU_ASSERT_EQUAL(get(&f, C) & 0xb0, 0x90);
		CU_ASSERT_FALSE(f.line[IRQ]);
		CU_ASSERT_EQUAL(get(&f, C), 0);
	}
	rtc_destroy(r);
}

static void interrupt_that_nobody_reads_costs_no_more_events(void)
{
	struct fake_bus f;
	struct rtc *r = start(&f);

	set(&f, A, 0x23);
	set(&f, B, B_24H | B_PIE | B_UIE | B_AIE);
	fake_run_to(&f, DAY);
	CU_ASSERT_EQUAL(f.events, 1);
	CU_ASSERT_EQUAL(f.edges[IRQ], 1);
	/* The flags of all that happened meanwhile are there. */
	CU_ASSERT_EQUAL(get(&f, C), 0xf0);
	rtc_destroy(r);
}

static void flags_are_set_without_their_enables(void)
{
	struct fake_bus f;
	struct rtc *r = start(&f);

	fake_run_to(&f, SECOND);
	CU_ASSERT_EQUAL(f.events, 0);
	CU_ASSERT_EQUAL(get(&f, C), 0x50);
	/* Enabling a flag that is set interrupts at once. */
	fake_run_to(&f, 2 * SECOND);
	set(&f, B, B_24H | B_UIE);
	CU_ASSERT_TRUE(f.line[IRQ]);
	set(&f, B, B_24H);
	CU_ASSERT_FALSE(f.line[IRQ]);
	rtc_destroy(r);
}

/* Interrupts in two seconds at each rate, from the data sheet's table of rates. */
static void periodic_interrupt_has_the_rate_of_register_a(void)
{
	static const uint16_t hz[16] = { 0,   256, 128, 8192, 4096, 2048, 1024, 512,
					 256, 128, 64,	32,   16,   8,	  4,	2 };

	for (unsigned rate = 0; rate < 16; rate++) {
		struct fake_bus f;
		struct rtc *r = start(&f);
		unsigned count = 0;

		set(&f, A, (uint8_t)(0x20 | rate));
		set(&f, B, B_24H | B_PIE);
		while (bus_next_due(&f.bus) <= 2 * SECOND) {
			fake_run_to(&f, bus_next_due(&f.bus));
			CU_ASSERT_EQUAL(get(&f, C) & 0xc0, 0xc0);
			count++;
		}
		CU_ASSERT_EQUAL(count, 2u * hz[rate]);
		rtc_destroy(r);
	}
}

/* 1024 Hz: 976562.5 ns, rounded up. */
static void periodic_interrupt_does_not_drift(void)
{
	struct fake_bus f;
	struct rtc *r = start(&f);

	set(&f, B, B_24H | B_PIE);
	CU_ASSERT_EQUAL(bus_next_due(&f.bus), 976563);
	fake_run_to(&f, 976563);
	get(&f, C);
	CU_ASSERT_EQUAL(bus_next_due(&f.bus), 1953125);
	fake_run_to(&f, DAY + 1);
	get(&f, C);
	CU_ASSERT_EQUAL(bus_next_due(&f.bus), DAY + 976563);
	rtc_destroy(r);
}

static void change_of_rate_sets_no_flag(void)
{
	struct fake_bus f;
	struct rtc *r = start(&f);

	fake_run_to(&f, SECOND);
	get(&f, C);
	set(&f, A, 0x2f);
	CU_ASSERT_EQUAL(get(&f, C), 0);
	fake_run_to(&f, SECOND + SECOND / 2 - 1);
	CU_ASSERT_EQUAL(get(&f, C), 0);
	fake_run_to(&f, SECOND + SECOND / 2);
	CU_ASSERT_EQUAL(get(&f, C), 0x40);
	rtc_destroy(r);
}

static void alarm_comes_when_the_bytes_match(void)
{
	static const struct {
		uint8_t b, hour, minute, second;
		uint32_t first, second_time; /* in seconds from 00:00:00; 0: never */
	} rows[] = {
		{ B_24H, 0x01, 0x02, 0x03, 3723, 3723 + 86400 },
		{ B_24H, 0x00, 0x00, 0x00, 86400, 2 * 86400 },
		{ B_24H, 0xff, 0x02, 0x03, 123, 3723 },
		{ B_24H, 0xc0, 0xff, 0x30, 30, 90 },
		{ B_24H, 0xff, 0xff, 0xff, 1, 2 },
		{ B_24H, 0x12, 0xff, 0xff, 43200, 43201 },
		{ B_24H, 0x24, 0x00, 0x00, 0, 0 },
		{ B_24H, 0x00, 0x0a, 0x00, 0, 0 },
		{ B_24H, 0xff, 0xff, 0x60, 0, 0 },
		{ 0, 0x81, 0x00, 0x00, 13 * 3600, 13 * 3600 + 86400 },
		{ B_24H | B_BINARY, 13, 10, 0, 13 * 3600 + 600, 13 * 3600 + 600 + 86400 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct stamp midnight = { 0x20, 0x26, 1, 1, 5, 0, 0, 0 };
		struct fake_bus f;
		struct rtc *r = start(&f);

		if (!(rows[i].b & B_24H))
			midnight.hour = 0x12;
		set_stamp(&f, rows[i].b, &midnight);
		set(&f, HOUR_ALARM, rows[i].hour);
		set(&f, MIN_ALARM, rows[i].minute);
		set(&f, SEC_ALARM, rows[i].second);
		set(&f, B, rows[i].b | B_AIE);
		if (!rows[i].first) {
			CU_ASSERT_EQUAL(bus_next_due(&f.bus), BUS_NEVER);
		} else {
			CU_ASSERT_EQUAL(bus_next_due(&f.bus), rows[i].first * SECOND);
			fake_run_to(&f, rows[i].first * SECOND);
			CU_ASSERT_EQUAL(get(&f, C) & 0xa0, 0xa0);
			CU_ASSERT_EQUAL(bus_next_due(&f.bus), rows[i].second_time * SECOND);
		}
		rtc_destroy(r);
	}
}

static void alarm_flag_is_set_for_a_match_that_was_slept_over(void)
{
	struct fake_bus f;
	struct rtc *r = start(&f);

	set(&f, HOUR_ALARM, 0x05);
	fake_run_to(&f, 5 * 3600 * SECOND - 1);
	CU_ASSERT_EQUAL(get(&f, C) & 0x20, 0);
	fake_run_to(&f, 6 * 3600 * SECOND);
	CU_ASSERT_EQUAL(get(&f, C) & 0x20, 0x20);
	rtc_destroy(r);
}

/* --- registers and RAM --------------------------------------------------------------------- */

static void index_ignores_the_nmi_bit_and_cannot_be_read(void)
{
	struct fake_bus f;
	struct rtc *r = start(&f);

	CU_ASSERT_EQUAL(get(&f, 0x80 | D), 0x80);
	CU_ASSERT_EQUAL(fake_inb(&f, INDEX), 0xff);
	set(&f, 0x80 | 0x40, 0x5a);
	CU_ASSERT_EQUAL(get(&f, 0x40), 0x5a);
	rtc_destroy(r);
}

static void registers_c_and_d_and_uip_are_read_only(void)
{
	struct fake_bus f;
	struct rtc *r = start(&f);

	set(&f, C, 0xff);
	set(&f, D, 0x00);
	set(&f, A, 0xa6);
	CU_ASSERT_EQUAL(get(&f, C), 0);
	CU_ASSERT_EQUAL(get(&f, D), 0x80);
	CU_ASSERT_EQUAL(get(&f, A), 0x26);
	rtc_destroy(r);
}

static void ram_keeps_what_is_written(void)
{
	struct fake_bus f;
	struct rtc *r = start(&f);

	for (unsigned i = 0x33; i < 128; i++)
		set(&f, (uint8_t)i, (uint8_t)(i * 7));
	fake_run_to(&f, DAY);
	for (unsigned i = 0x33; i < 128; i++)
		CU_ASSERT_EQUAL(get(&f, (uint8_t)i), (uint8_t)(i * 7));
	rtc_destroy(r);
}

static unsigned word(struct fake_bus *f, uint8_t at)
{
	return get(f, at) | (unsigned)get(f, (uint8_t)(at + 1)) << 8;
}

static void memory_size_is_where_a_bios_puts_it(void)
{
	static const struct {
		uint64_t mib;
		unsigned above_1m_kib, above_16m_64k;
	} rows[] = {
		{ 2, 1024, 0 },		 { 8, 7168, 0 },	  { 80, 0xffff, 1024 },
		{ 1024, 0xffff, 16128 }, { 3072, 0xffff, 48896 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fake_bus f;
		struct rtc *r = 0;
		unsigned sum = 0;

		fake_init(&f);
		CU_ASSERT_EQUAL_FATAL(rtc_create(&r, &f.bus, rows[i].mib << 20), 0);
		CU_ASSERT_EQUAL(word(&f, 0x15), 640);
		CU_ASSERT_EQUAL(word(&f, 0x17), rows[i].above_1m_kib);
		CU_ASSERT_EQUAL(word(&f, 0x30), rows[i].above_1m_kib);
		CU_ASSERT_EQUAL(word(&f, 0x34), rows[i].above_16m_64k);
		for (uint8_t at = 0x10; at <= 0x2d; at++)
			sum += get(&f, at);
		CU_ASSERT_EQUAL((unsigned)get(&f, 0x2e) << 8 | get(&f, 0x2f), sum);
		rtc_destroy(r);
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST(time_starts_at_thursday_2026_01_01),
	UNIT_TEST(clock_steps_through_the_calendar),
	UNIT_TEST(impossible_bytes_become_possible_ones),
	UNIT_TEST(set_stops_the_clock_and_clears_uie),
	UNIT_TEST(divider_reset_holds_the_clock_and_starts_it_half_a_second_later),
	UNIT_TEST(uip_is_set_for_2228_us_before_each_step),
	UNIT_TEST(update_interrupt_each_second_until_c_is_read),
	UNIT_TEST(interrupt_that_nobody_reads_costs_no_more_events),
	UNIT_TEST(flags_are_set_without_their_enables),
	UNIT_TEST(periodic_interrupt_has_the_rate_of_register_a),
	UNIT_TEST(periodic_interrupt_does_not_drift),
	UNIT_TEST(change_of_rate_sets_no_flag),
	UNIT_TEST(alarm_comes_when_the_bytes_match),
	UNIT_TEST(alarm_flag_is_set_for_a_match_that_was_slept_over),
	UNIT_TEST(index_ignores_the_nmi_bit_and_cannot_be_read),
	UNIT_TEST(registers_c_and_d_and_uip_are_read_only),
	UNIT_TEST(ram_keeps_what_is_written),
	UNIT_TEST(memory_size_is_where_a_bios_puts_it),
	UNIT_END,
};

const struct unit_suite suite_rtc = { "rtc", tests };
