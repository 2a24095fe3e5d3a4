// SPDX-License-Identifier: MIT
/* When channel 0 raises IRQ 0. Expected values: hand calculation with 1193182 Hz. */
#include "dev/pic.h"
#include "pit_rig.h"
#include "unit.h"

extern const struct unit_suite suite_pit_irq;

#define HOUR_NS (3600u * 1000000000ull)

static void bios_ticks_18_times_a_second(void)
{
	struct fake_bus f;
	struct pit *p = start(&f);

	/* Loaded at tick 1; the output rises after 65536 ticks: 65537 / 1193182 s. */
	CU_ASSERT_EQUAL(bus_next_due(&f.bus), 54926240);
	fake_run_to(&f, 54926239);
	CU_ASSERT_EQUAL(f.edges[0], 0);
	fake_run_to(&f, 54926240);
	CU_ASSERT_EQUAL(f.edges[0], 1);
	pit_destroy(p);
}

/*
 * Divisor 11932: edges at ticks 1 + n * 11932. In an hour, 4295455200 ticks, that is 359994 edges;
 * the last at tick 4295448409.
 */
static void rate_generator_does_not_drift_in_an_hour(void)
{
	struct fake_bus f;
	struct pit *p = start(&f);
	unsigned edges = 0;
	uint64_t last_ns = 0;

	program(&f, 0, 2 << 1, 11932);
	CU_ASSERT_EQUAL(bus_next_due(&f.bus), 10000989);
	while (bus_next_due(&f.bus) <= HOUR_NS) {
		last_ns = bus_next_due(&f.bus);
		fake_run_to(&f, last_ns);
		CU_ASSERT_EQUAL_FATAL(f.edges[0], ++edges);
		bus_irq_taken(&f.bus, 0);
	}
	CU_ASSERT_EQUAL(edges, 359994);
	CU_ASSERT_EQUAL(last_ns, ns_of(4295448409));
	pit_destroy(p);
}

static void edges_on_a_waiting_request_cost_no_events(void)
{
	struct fake_bus f;
	struct pit *p = start(&f);

	program(&f, 0, 2 << 1, 2);
	fake_run_to(&f, HOUR_NS);
	CU_ASSERT_EQUAL(f.edges[0], 1);
	CU_ASSERT_EQUAL(f.events, 1);
	/* Taken: the next edge is at the next period's end, not sooner, and none is made up. */
	bus_irq_taken(&f.bus, 0);
	CU_ASSERT_EQUAL(f.edges[0], 1);
	CU_ASSERT_EQUAL(bus_next_due(&f.bus), ns_of(4295455201)); /* odd: 1 + 2n */
	pit_destroy(p);
}

static void square_wave_interrupts_once_a_period(void)
{
	struct fake_bus f;
	struct pit *p = start(&f);

	program(&f, 0, 3 << 1, 1000);
	for (unsigned i = 1; i <= 5; i++) {
		CU_ASSERT_EQUAL(bus_next_due(&f.bus), ns_of(1 + i * 1000));
		to_tick(&f, 1 + i * 1000);
		CU_ASSERT_EQUAL(f.edges[0], i);
		bus_irq_taken(&f.bus, 0);
	}
	pit_destroy(p);
}

static void one_shot_modes_interrupt_once(void)
{
	static const struct {
		uint8_t mode;
		unsigned at; /* tick of the rising edge */
	} rows[] = { { 0, 1 + 100 }, { 4, 1 + 100 + 1 } };

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fake_bus f;
		struct pit *p = start(&f);

		program(&f, 0, (uint8_t)(rows[i].mode << 1), 100);
		to_tick(&f, rows[i].at - 1);
		CU_ASSERT_EQUAL(f.edges[0], 0);
		to_tick(&f, rows[i].at);
		CU_ASSERT_EQUAL(f.edges[0], 1);
		bus_irq_taken(&f.bus, 0);
		fake_run_to(&f, HOUR_NS);
		CU_ASSERT_EQUAL(f.edges[0], 1);
		CU_ASSERT_EQUAL(bus_next_due(&f.bus), BUS_NEVER);
		pit_destroy(p);
	}
}

static void triggered_modes_never_interrupt_on_channel_0(void)
{
	for (unsigned mode = 1; mode <= 5; mode += 4) {
		struct fake_bus f;
		struct pit *p = start(&f);

		program(&f, 0, (uint8_t)(mode << 1), 100);
		CU_ASSERT_EQUAL(bus_next_due(&f.bus), BUS_NEVER);
		pit_destroy(p);
	}
}

static void count_of_one_in_periodic_modes_never_interrupts(void)
{
	for (unsigned mode = 2; mode <= 3; mode++) {
		struct fake_bus f;
		struct pit *p = start(&f);

		program(&f, 0, (uint8_t)(mode << 1), 1);
		fake_run_to(&f, 1000000);
		CU_ASSERT_EQUAL(f.edges[0], 0);
		CU_ASSERT_EQUAL(bus_next_due(&f.bus), BUS_NEVER);
		pit_destroy(p);
	}
}

static void programming_mode_0_withdraws_the_request(void)
{
	struct fake_bus f;
	struct pit *p = start(&f);

	program(&f, 0, 2 << 1, 100);
	to_tick(&f, 101);
	CU_ASSERT_TRUE(f.line[0]);
	fake_outb(&f, CONTROL, 0x30);
	CU_ASSERT_FALSE(f.line[0]);
	/* Its output is low; the control word of mode 2 makes it high: an edge. */
	fake_outb(&f, CONTROL, 0x34);
	CU_ASSERT_EQUAL(f.edges[0], 2);
	pit_destroy(p);
}

static void late_timer_makes_one_edge_and_keeps_the_phase(void)
{
	struct fake_bus f;
	struct pit *p = start(&f);

	program(&f, 0, 2 << 1, 100);
	f.now_ns = ns_of(1 + 350);
	bus_run_timers(&f.bus, f.now_ns);
	CU_ASSERT_EQUAL(f.edges[0], 1);
	bus_irq_taken(&f.bus, 0);
	CU_ASSERT_EQUAL(bus_next_due(&f.bus), ns_of(1 + 400));
	pit_destroy(p);
}

static void access_at_the_tick_of_an_edge_does_not_lose_it(void)
{
	struct fake_bus f;
	struct pit *p = start(&f);

	program(&f, 0, 2 << 1, 100);
	f.now_ns = ns_of(101); /* due, but a port access comes before the timer runs */
	CU_ASSERT_EQUAL(read_count(&f, 0), 100);
	CU_ASSERT_EQUAL(f.edges[0], 1);
	pit_destroy(p);
}

static void real_pic_takes_ten_thousand_ticks(void)
{
	struct fake_bus f;
	struct pit *p = start(&f);
	struct pic *pic = 0;

	CU_ASSERT_EQUAL_FATAL(pic_create(&pic, &f.bus), 0);
	fake_outb(&f, 0x21, 0xfe);
	program(&f, 0, 2 << 1, 1193);
	for (unsigned i = 1; i <= 10000; i++) {
		to_tick(&f, 1 + i * 1193);
		CU_ASSERT_TRUE_FATAL(pic_pending(pic));
		CU_ASSERT_EQUAL_FATAL(pic_ack(pic), 0x08);
		fake_outb(&f, 0x20, 0x20);
		CU_ASSERT_FALSE_FATAL(pic_pending(pic));
	}
	pic_destroy(pic);
	pit_destroy(p);
}

static const struct unit_test tests[] = {
	UNIT_TEST(bios_ticks_18_times_a_second),
	UNIT_TEST(rate_generator_does_not_drift_in_an_hour),
	UNIT_TEST(edges_on_a_waiting_request_cost_no_events),
	UNIT_TEST(square_wave_interrupts_once_a_period),
	UNIT_TEST(one_shot_modes_interrupt_once),
	UNIT_TEST(triggered_modes_never_interrupt_on_channel_0),
	UNIT_TEST(count_of_one_in_periodic_modes_never_interrupts),
	UNIT_TEST(programming_mode_0_withdraws_the_request),
	UNIT_TEST(late_timer_makes_one_edge_and_keeps_the_phase),
	UNIT_TEST(access_at_the_tick_of_an_edge_does_not_lose_it),
	UNIT_TEST(real_pic_takes_ten_thousand_ticks),
	UNIT_END,
};

const struct unit_suite suite_pit_irq = { "pit_irq", tests };
