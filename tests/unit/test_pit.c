// SPDX-License-Identifier: MIT
/*
 * Expected values: Intel 8254 data sheet, "Mode definitions" (its figures count the same way), and
 * hand calculation with 1193182 Hz.
 */
#include "pit_rig.h"
#include "unit.h"

extern const struct unit_suite suite_pit;

#define PORT_B 0x61
#define LATCH_STATUS_AND_COUNT 0xc0

/*
 * Channel 2 at successive ticks, beginning with the one that loads it. `out` has '1' or '0' for
 * each.
 */
static void check_sequence(struct fake_bus *f, uint64_t first_tick, const uint16_t *counts,
			   const char *out)
{
	for (unsigned i = 0; out[i]; i++) {
		to_tick(f, first_tick + i);
		CU_ASSERT_EQUAL(read_count(f, 2), counts[i]);
		CU_ASSERT_EQUAL(read_out(f, 2), out[i] == '1');
	}
}

/* --- modes --------------------------------------------------------------------------------- */

static void modes_count_as_in_the_data_sheet(void)
{
	static const struct {
		uint8_t mode;
		uint16_t count;
		bool trigger; /* by a rising GATE, else by the write */
		const char *out;
		uint16_t counts[10];
	} rows[] = {
		{ 0, 4, false, "0000111", { 4, 3, 2, 1, 0, 0xffff, 0xfffe } },
		{ 1, 3, true, "000111", { 3, 2, 1, 0, 0xffff, 0xfffe } },
		{ 2, 3, false, "11011011", { 3, 2, 1, 3, 2, 1, 3, 2 } },
		{ 2, 2, false, "101010", { 2, 1, 2, 1, 2, 1 } },
		{ 3, 4, false, "11001100", { 4, 2, 4, 2, 4, 2, 4, 2 } },
		{ 3, 5, false, "1110011100", { 4, 2, 0, 4, 2, 4, 2, 0, 4, 2 } },
		{ 4, 3, false, "111011", { 3, 2, 1, 0, 0xffff, 0xfffe } },
		{ 5, 3, true, "111011", { 3, 2, 1, 0, 0xffff, 0xfffe } },
		/* The third mode bit does not matter for modes 2 and 3. */
		{ 6, 3, false, "11011", { 3, 2, 1, 3, 2 } },
		{ 7, 4, false, "11001", { 4, 2, 4, 2, 4 } },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fake_bus f;
		struct pit *p = start(&f);

		to_tick(&f, 1000);
		fake_outb(&f, PORT_B, rows[i].trigger ? 0 : 1);
		program(&f, 2, (uint8_t)(rows[i].mode << 1), rows[i].count);
		to_tick(&f, 1010);
		fake_outb(&f, PORT_B, 1);
		if (!rows[i].trigger)
			program(&f, 2, (uint8_t)(rows[i].mode << 1), rows[i].count);
		check_sequence(&f, 1011, rows[i].counts, rows[i].out);
		pit_destroy(p);
	}
}

static void one_shot_is_retriggered_by_gate(void)
{
	static const uint16_t again[] = { 5, 4, 3, 2, 1, 0 };
	struct fake_bus f;
	struct pit *p = start(&f);

	program(&f, 2, 1 << 1, 5);
	to_tick(&f, 10);
	CU_ASSERT_TRUE(read_out(&f, 2));
	fake_outb(&f, PORT_B, 1);
	to_tick(&f, 13);
	CU_ASSERT_FALSE(read_out(&f, 2));
	fake_outb(&f, PORT_B, 0);
	to_tick(&f, 14);
	CU_ASSERT_FALSE(read_out(&f, 2)); /* GATE low does not stop it */
	CU_ASSERT_EQUAL(read_count(&f, 2), 2);
	fake_outb(&f, PORT_B, 1);
	check_sequence(&f, 15, again, "000001");
	pit_destroy(p);
}

static void gate_low_holds_mode_0_and_its_count_goes_on_after(void)
{
	struct fake_bus f;
	struct pit *p = start(&f);

	fake_outb(&f, PORT_B, 1);
	program(&f, 2, 0, 10);
	to_tick(&f, 4); /* loaded at tick 1 */
	CU_ASSERT_EQUAL(read_count(&f, 2), 7);
	fake_outb(&f, PORT_B, 0);
	to_tick(&f, 100);
	CU_ASSERT_EQUAL(read_count(&f, 2), 7);
	fake_outb(&f, PORT_B, 1);
	to_tick(&f, 106);
	CU_ASSERT_EQUAL(read_count(&f, 2), 1);
	CU_ASSERT_FALSE(read_out(&f, 2));
	to_tick(&f, 107);
	CU_ASSERT_TRUE(read_out(&f, 2));
	pit_destroy(p);
}

static void gate_low_raises_the_output_of_modes_2_and_3_and_rising_reloads(void)
{
	for (unsigned mode = 2; mode <= 3; mode++) {
		struct fake_bus f;
		struct pit *p = start(&f);

		fake_outb(&f, PORT_B, 1);
		program(&f, 2, (uint8_t)(mode << 1), 10);
		to_tick(&f, 10); /* last tick of the period: low in both modes */
		CU_ASSERT_FALSE(read_out(&f, 2));
		fake_outb(&f, PORT_B, 0);
		CU_ASSERT_TRUE(read_out(&f, 2));
		to_tick(&f, 50);
		CU_ASSERT_TRUE(read_out(&f, 2));
		fake_outb(&f, PORT_B, 1);
		to_tick(&f, 51);
		CU_ASSERT_EQUAL(read_count(&f, 2), 10);
		to_tick(&f, 60);
		CU_ASSERT_FALSE(read_out(&f, 2));
		pit_destroy(p);
	}
}

static void new_count_in_mode_2_waits_for_the_end_of_the_period(void)
{
	static const uint16_t counts[] = { 2, 1, 5, 4, 3, 2, 1, 5 };
	struct fake_bus f;
	struct pit *p = start(&f);

	fake_outb(&f, PORT_B, 1);
	program(&f, 2, 2 << 1, 4); /* 4 at tick 1, 3 at tick 2 */
	to_tick(&f, 2);
	CU_ASSERT_EQUAL(read_status(&f, 2) & 0x40, 0);
	fake_outb(&f, 0x42, 5);
	fake_outb(&f, 0x42, 0);
	CU_ASSERT_EQUAL(read_status(&f, 2) & 0x40, 0x40); /* null count */
	check_sequence(&f, 3, counts, "10111101");
	CU_ASSERT_EQUAL(read_status(&f, 2) & 0x40, 0);
	pit_destroy(p);
}

static void new_count_in_mode_3_waits_for_the_end_of_the_half(void)
{
	static const uint16_t counts[] = { 2, 8, 6, 4, 2, 8, 6, 4, 2, 8 };
	struct fake_bus f;
	struct pit *p = start(&f);

	fake_outb(&f, PORT_B, 1);
	program(&f, 2, 3 << 1, 4); /* high: 4 at tick 1, 2 at tick 2 */
	to_tick(&f, 1);
	fake_outb(&f, 0x42, 8);
	fake_outb(&f, 0x42, 0);
	check_sequence(&f, 2, counts, "1000011110");
	pit_destroy(p);
}

static void new_count_in_mode_4_starts_at_the_next_tick(void)
{
	static const uint16_t counts[] = { 2, 1, 0, 0xffff };
	struct fake_bus f;
	struct pit *p = start(&f);

	fake_outb(&f, PORT_B, 1);
	program(&f, 2, 4 << 1, 100);
	to_tick(&f, 20);
	fake_outb(&f, 0x42, 2);
	CU_ASSERT_EQUAL(read_count(&f, 2), 81); /* the first byte stops nothing */
	fake_outb(&f, 0x42, 0);
	check_sequence(&f, 21, counts, "1101");
	pit_destroy(p);
}

static void first_byte_of_a_new_count_stops_mode_0(void)
{
	static const uint16_t counts[] = { 2, 1, 0 };
	struct fake_bus f;
	struct pit *p = start(&f);

	fake_outb(&f, PORT_B, 1);
	program(&f, 2, 0, 5);
	to_tick(&f, 6);
	CU_ASSERT_TRUE(read_out(&f, 2));
	fake_outb(&f, 0x42, 2);
	CU_ASSERT_FALSE(read_out(&f, 2));
	to_tick(&f, 50);
	CU_ASSERT_EQUAL(read_count(&f, 2), 0);
	fake_outb(&f, 0x42, 0);
	check_sequence(&f, 51, counts, "001");
	/* What it shows meanwhile is where it stopped. */
	program(&f, 2, 0, 100);
	to_tick(&f, 54 + 30);
	fake_outb(&f, 0x42, 2);
	to_tick(&f, 200);
	CU_ASSERT_EQUAL(read_count(&f, 2), 70);
	pit_destroy(p);
}

static void count_written_while_gate_is_low_starts_in_full(void)
{
	struct fake_bus f;
	struct pit *p = start(&f);

	fake_outb(&f, PORT_B, 1);
	program(&f, 2, 0, 100);
	to_tick(&f, 50);
	fake_outb(&f, PORT_B, 0);
	fake_outb(&f, 0x42, 10);
	fake_outb(&f, 0x42, 0);
	to_tick(&f, 60);
	CU_ASSERT_EQUAL(read_count(&f, 2), 10);
	fake_outb(&f, PORT_B, 1);
	to_tick(&f, 69);
	CU_ASSERT_FALSE(read_out(&f, 2));
	to_tick(&f, 70);
	CU_ASSERT_TRUE(read_out(&f, 2));
	pit_destroy(p);
}

static void count_for_a_gated_period_is_loaded_by_gate(void)
{
	struct fake_bus f;
	struct pit *p = start(&f);

	fake_outb(&f, PORT_B, 1);
	program(&f, 2, 2 << 1, 10);
	to_tick(&f, 3);
	fake_outb(&f, 0x42, 20); /* would be loaded at tick 11 */
	fake_outb(&f, 0x42, 0);
	fake_outb(&f, PORT_B, 0);
	to_tick(&f, 50);
	CU_ASSERT_EQUAL(read_status(&f, 2) & 0x40, 0x40);
	fake_outb(&f, 0x42, 30);
	fake_outb(&f, 0x42, 0);
	to_tick(&f, 100);
	CU_ASSERT_EQUAL(read_status(&f, 2) & 0x40, 0x40);
	fake_outb(&f, PORT_B, 1);
	to_tick(&f, 101);
	CU_ASSERT_EQUAL(read_status(&f, 2) & 0x40, 0);
	CU_ASSERT_EQUAL(read_count(&f, 2), 30);
	pit_destroy(p);
}

static void trigger_without_a_count_does_nothing(void)
{
	struct fake_bus f;
	struct pit *p = start(&f);

	fake_outb(&f, CONTROL, 0xb2); /* channel 2, mode 1 */
	fake_outb(&f, PORT_B, 1);
	to_tick(&f, 10);
	CU_ASSERT_EQUAL(read_status(&f, 2), 0xf2); /* OUT high, null count */
	pit_destroy(p);
}

static void count_of_zero_is_the_largest(void)
{
	struct fake_bus f;
	struct pit *p = start(&f);

	fake_outb(&f, PORT_B, 1);
	program(&f, 2, 2 << 1, 0);
	to_tick(&f, 1);
	CU_ASSERT_EQUAL(read_count(&f, 2), 0);
	to_tick(&f, 2);
	CU_ASSERT_EQUAL(read_count(&f, 2), 65535);
	to_tick(&f, 1 + 65535);
	CU_ASSERT_EQUAL(read_count(&f, 2), 1);
	CU_ASSERT_FALSE(read_out(&f, 2));
	to_tick(&f, 1 + 65536);
	CU_ASSERT_TRUE(read_out(&f, 2));
	pit_destroy(p);
}

static void bcd_counts_in_decimal(void)
{
	struct fake_bus f;
	struct pit *p = start(&f);

	fake_outb(&f, PORT_B, 1);
	program(&f, 2, 2 << 1 | 1, 0x0110);
	to_tick(&f, 1);
	CU_ASSERT_EQUAL(read_count(&f, 2), 0x0110);
	to_tick(&f, 12);
	CU_ASSERT_EQUAL(read_count(&f, 2), 0x0099);
	to_tick(&f, 110);
	CU_ASSERT_EQUAL(read_count(&f, 2), 0x0001);
	to_tick(&f, 111);
	CU_ASSERT_EQUAL(read_count(&f, 2), 0x0110);
	/* 0 is 10000; mode 0 wraps to 9999. */
	program(&f, 2, 0 << 1 | 1, 0x0000);
	to_tick(&f, 112);
	CU_ASSERT_EQUAL(read_count(&f, 2), 0x0000);
	to_tick(&f, 113);
	CU_ASSERT_EQUAL(read_count(&f, 2), 0x9999);
	to_tick(&f, 112 + 10000);
	CU_ASSERT_TRUE(read_out(&f, 2));
	/* 15 * 1111 = 16665. */
	program(&f, 2, 2 << 1 | 1, 0xffff);
	to_tick(&f, 112 + 10001);
	CU_ASSERT_EQUAL(read_count(&f, 2), 0x6665);
	to_tick(&f, 112 + 10001 + 6664);
	CU_ASSERT_EQUAL(read_count(&f, 2), 0x0001);
	CU_ASSERT_FALSE(read_out(&f, 2));
	pit_destroy(p);
}

/* --- reading and writing ------------------------------------------------------------------- */

static void single_byte_access_fills_the_other_byte_with_zero(void)
{
	struct fake_bus f;
	struct pit *p = start(&f);

	fake_outb(&f, PORT_B, 1);
	fake_outb(&f, CONTROL, 0x94); /* channel 2, low byte, mode 2 */
	fake_outb(&f, 0x42, 7);
	to_tick(&f, 1);
	CU_ASSERT_EQUAL(fake_inb(&f, 0x42), 7);
	CU_ASSERT_EQUAL(fake_inb(&f, 0x42), 7);
	fake_outb(&f, CONTROL, 0xa4); /* high byte */
	fake_outb(&f, 0x42, 7);
	to_tick(&f, 2);
	CU_ASSERT_EQUAL(fake_inb(&f, 0x42), 7);
	to_tick(&f, 3);
	CU_ASSERT_EQUAL(fake_inb(&f, 0x42), 6); /* 0x6ff */
	pit_destroy(p);
}

static void latch_holds_until_both_bytes_are_read(void)
{
	struct fake_bus f;
	struct pit *p = start(&f);

	fake_outb(&f, PORT_B, 1);
	program(&f, 2, 2 << 1, 0x1234);
	to_tick(&f, 1);
	fake_outb(&f, CONTROL, 0x80);
	to_tick(&f, 100);
	fake_outb(&f, CONTROL, 0x80); /* ignored: the first is not read */
	CU_ASSERT_EQUAL(fake_inb(&f, 0x42), 0x34);
	to_tick(&f, 200);
	CU_ASSERT_EQUAL(fake_inb(&f, 0x42), 0x12);
	/* Live again: 0x1234 - 199. */
	CU_ASSERT_EQUAL(fake_inb(&f, 0x42), 0x6d);
	CU_ASSERT_EQUAL(fake_inb(&f, 0x42), 0x11);
	pit_destroy(p);
}

static void control_word_drops_latches_and_byte_order(void)
{
	struct fake_bus f;
	struct pit *p = start(&f);

	fake_outb(&f, PORT_B, 1);
	program(&f, 2, 2 << 1, 0x1234);
	to_tick(&f, 1);
	fake_inb(&f, 0x42);	      /* half a count */
	fake_outb(&f, CONTROL, 0xc8); /* latch status and count of channel 2 */
	fake_outb(&f, 0x42, 0x99);    /* half a count */
	program(&f, 2, 2 << 1, 0x5678);
	to_tick(&f, 2);
	CU_ASSERT_EQUAL(fake_inb(&f, 0x42), 0x78);
	CU_ASSERT_EQUAL(fake_inb(&f, 0x42), 0x56);
	pit_destroy(p);
}

static void read_back_gives_status_then_count_of_each_channel(void)
{
	struct fake_bus f;
	struct pit *p = start(&f);

	program(&f, 0, 0, 0x0304);
	fake_outb(&f, PORT_B, 1);
	program(&f, 2, 2 << 1 | 1, 0x0200);
	to_tick(&f, 1);
	fake_outb(&f, CONTROL, LATCH_STATUS_AND_COUNT | 0x0a); /* channels 0 and 2 */
	to_tick(&f, 50);
	CU_ASSERT_EQUAL(fake_inb(&f, 0x40), 0x30); /* OUT low, both bytes, mode 0 */
	CU_ASSERT_EQUAL(fake_inb(&f, 0x40), 0x04);
	CU_ASSERT_EQUAL(fake_inb(&f, 0x40), 0x03);
	CU_ASSERT_EQUAL(fake_inb(&f, 0x42), 0xb5); /* OUT high, both bytes, mode 2, BCD */
	CU_ASSERT_EQUAL(fake_inb(&f, 0x42), 0x00);
	CU_ASSERT_EQUAL(fake_inb(&f, 0x42), 0x02);
	pit_destroy(p);
}

static void status_shows_the_mode_as_written_and_null_count(void)
{
	struct fake_bus f;
	struct pit *p = start(&f);

	fake_outb(&f, CONTROL, 0x9e); /* channel 2, low byte, mode 7 */
	CU_ASSERT_EQUAL(read_status(&f, 2), 0xde);
	pit_destroy(p);
}

static void control_port_reads_all_ones(void)
{
	struct fake_bus f;
	struct pit *p = start(&f);

	CU_ASSERT_EQUAL(fake_inb(&f, CONTROL), 0xff);
	pit_destroy(p);
}

static void port_61_gates_shows_and_toggles(void)
{
	struct fake_bus f;
	struct pit *p = start(&f);

	fake_outb(&f, PORT_B, 0xff);
	CU_ASSERT_EQUAL(fake_inb(&f, PORT_B) & 0xcf, 0x0f);
	program(&f, 2, 0, 3);
	to_tick(&f, 3);
	CU_ASSERT_EQUAL(fake_inb(&f, PORT_B) & 0x20, 0);
	to_tick(&f, 4);
	CU_ASSERT_EQUAL(fake_inb(&f, PORT_B) & 0x20, 0x20);
	CU_ASSERT_EQUAL(fake_inb(&f, PORT_B) & 0x10, 0);
	to_tick(&f, 18);
	CU_ASSERT_EQUAL(fake_inb(&f, PORT_B) & 0x10, 0x10);
	to_tick(&f, 36);
	CU_ASSERT_EQUAL(fake_inb(&f, PORT_B) & 0x10, 0);
	pit_destroy(p);
}

static const struct unit_test tests[] = {
	UNIT_TEST(modes_count_as_in_the_data_sheet),
	UNIT_TEST(one_shot_is_retriggered_by_gate),
	UNIT_TEST(gate_low_holds_mode_0_and_its_count_goes_on_after),
	UNIT_TEST(gate_low_raises_the_output_of_modes_2_and_3_and_rising_reloads),
	UNIT_TEST(new_count_in_mode_2_waits_for_the_end_of_the_period),
	UNIT_TEST(new_count_in_mode_3_waits_for_the_end_of_the_half),
	UNIT_TEST(new_count_in_mode_4_starts_at_the_next_tick),
	UNIT_TEST(first_byte_of_a_new_count_stops_mode_0),
	UNIT_TEST(count_written_while_gate_is_low_starts_in_full),
	UNIT_TEST(count_for_a_gated_period_is_loaded_by_gate),
	UNIT_TEST(trigger_without_a_count_does_nothing),
	UNIT_TEST(count_of_zero_is_the_largest),
	UNIT_TEST(bcd_counts_in_decimal),
	UNIT_TEST(single_byte_access_fills_the_other_byte_with_zero),
	UNIT_TEST(latch_holds_until_both_bytes_are_read),
	UNIT_TEST(control_word_drops_latches_and_byte_order),
	UNIT_TEST(read_back_gives_status_then_count_of_each_channel),
	UNIT_TEST(status_shows_the_mode_as_written_and_null_count),
	UNIT_TEST(control_port_reads_all_ones),
	UNIT_TEST(port_61_gates_shows_and_toggles),
	UNIT_END,
};

const struct unit_suite suite_pit = { "pit", tests };
