// SPDX-License-Identifier: MIT
/* Expected values: Intel 8259A data sheet; 82371AB data sheet for ELCR. */
#include "dev/pic.h"

#include "fake_bus.h"
#include "unit.h"

extern const struct unit_suite suite_pic;

#define BASE0 0x20
#define BASE8 0x28
#define EOI 0x20
#define ROTATE_EOI 0xa0
#define READ_IRR 0x0a
#define READ_ISR 0x0b
#define POLL 0x0c
#define ICW4_AEOI_86 0x03
#define ICW4_SFNM_86 0x11

static void init_chips(struct fake_bus *f, uint8_t icw4_master, uint8_t icw4_slave)
{
	fake_outb(f, 0x20, 0x11);
	fake_outb(f, 0xa0, 0x11);
	fake_outb(f, 0x21, BASE0);
	fake_outb(f, 0xa1, BASE8);
	fake_outb(f, 0x21, 0x04);
	fake_outb(f, 0xa1, 0x02);
	fake_outb(f, 0x21, icw4_master);
	fake_outb(f, 0xa1, icw4_slave);
}

static struct pic *start_with(struct fake_bus *f, uint8_t icw4_master, uint8_t icw4_slave)
{
	struct pic *p = 0;

	fake_init(f);
	CU_ASSERT_EQUAL_FATAL(pic_create(&p, &f->bus), 0);
	init_chips(f, icw4_master, icw4_slave);
	return p;
}

static struct pic *start(struct fake_bus *f)
{
	return start_with(f, 0x01, 0x01);
}

static void pulse(struct fake_bus *f, unsigned irq)
{
	bus_set_irq(&f->bus, irq, false);
	bus_set_irq(&f->bus, irq, true);
}

static uint8_t read_isr(struct fake_bus *f, uint16_t port)
{
	fake_outb(f, port, READ_ISR);
	return fake_inb(f, port);
}

static uint8_t read_irr(struct fake_bus *f, uint16_t port)
{
	fake_outb(f, port, READ_IRR);
	return fake_inb(f, port);
}

static void at_start_everything_is_masked(void)
{
	struct fake_bus f;
	struct pic *p = 0;

	fake_init(&f);
	CU_ASSERT_EQUAL_FATAL(pic_create(&p, &f.bus), 0);
	CU_ASSERT_EQUAL(fake_inb(&f, 0x21), 0xff);
	CU_ASSERT_EQUAL(fake_inb(&f, 0xa1), 0xff);
	bus_set_irq(&f.bus, 0, true);
	CU_ASSERT_FALSE(pic_pending(p));
	fake_outb(&f, 0x21, 0xfe);
	CU_ASSERT_TRUE(pic_pending(p));
	CU_ASSERT_EQUAL(pic_ack(p), 0x08);
	pic_destroy(p);
}

static void each_line_has_its_vector(void)
{
	struct fake_bus f;
	struct pic *p = start(&f);

	for (unsigned irq = 0; irq < 16; irq++) {
		if (irq == 2)
			continue;
		bus_set_irq(&f.bus, irq, true);
		CU_ASSERT_TRUE(pic_pending(p));
		CU_ASSERT_EQUAL(pic_ack(p), BASE0 + irq);
		CU_ASSERT_FALSE(pic_pending(p));
		if (irq >= 8)
			fake_outb(&f, 0xa0, EOI);
		fake_outb(&f, 0x20, EOI);
		bus_set_irq(&f.bus, irq, false);
	}
	pic_destroy(p);
}

static void line_2_is_the_cascade_and_no_device_drives_it(void)
{
	struct fake_bus f;
	struct pic *p = start(&f);

	bus_set_irq(&f.bus, 2, true);
	bus_set_irq(&f.bus, 99, true);
	CU_ASSERT_FALSE(pic_pending(p));
	pic_destroy(p);
}

static void lower_input_numbers_go_first(void)
{
	struct fake_bus f;
	struct pic *p = start(&f);

	bus_set_irq(&f.bus, 5, true);
	bus_set_irq(&f.bus, 12, true);
	bus_set_irq(&f.bus, 1, true);
	CU_ASSERT_EQUAL(pic_ack(p), BASE0 + 1);
	fake_outb(&f, 0x20, EOI);
	CU_ASSERT_EQUAL(pic_ack(p), BASE8 + 4);
	fake_outb(&f, 0xa0, EOI);
	fake_outb(&f, 0x20, EOI);
	CU_ASSERT_EQUAL(pic_ack(p), BASE0 + 5);
	pic_destroy(p);
}

static void in_service_holds_back_lower_and_lets_higher_through(void)
{
	struct fake_bus f;
	struct pic *p = start(&f);

	bus_set_irq(&f.bus, 4, true);
	CU_ASSERT_EQUAL(pic_ack(p), BASE0 + 4);
	pulse(&f, 4);
	bus_set_irq(&f.bus, 6, true);
	CU_ASSERT_FALSE(pic_pending(p));
	bus_set_irq(&f.bus, 3, true);
	CU_ASSERT_TRUE(pic_pending(p));
	CU_ASSERT_EQUAL(pic_ack(p), BASE0 + 3);
	CU_ASSERT_EQUAL(read_isr(&f, 0x20), 0x18);
	CU_ASSERT_EQUAL(read_irr(&f, 0x20), 0x50);
	/* Non-specific EOI ends the highest in service. */
	fake_outb(&f, 0x20, EOI);
	CU_ASSERT_EQUAL(read_isr(&f, 0x20), 0x10);
	CU_ASSERT_FALSE(pic_pending(p));
	fake_outb(&f, 0x20, EOI);
	CU_ASSERT_EQUAL(pic_ack(p), BASE0 + 4);
	pic_destroy(p);
}

static void edge_request_is_made_once_by_a_line_that_stays_high(void)
{
	struct fake_bus f;
	struct pic *p = start(&f);

	bus_set_irq(&f.bus, 4, true);
	CU_ASSERT_EQUAL(pic_ack(p), BASE0 + 4);
	fake_outb(&f, 0x20, EOI);
	bus_set_irq(&f.bus, 4, true);
	CU_ASSERT_FALSE(pic_pending(p));
	pulse(&f, 4);
	CU_ASSERT_TRUE(pic_pending(p));
	pic_destroy(p);
}

static void level_request_stays_while_the_line_is_high(void)
{
	struct fake_bus f;
	struct pic *p = start(&f);

	fake_outb(&f, 0x4d0, 0x20);
	bus_set_irq(&f.bus, 5, true);
	CU_ASSERT_EQUAL(pic_ack(p), BASE0 + 5);
	CU_ASSERT_EQUAL(read_irr(&f, 0x20), 0x20);
	fake_outb(&f, 0x20, EOI);
	CU_ASSERT_TRUE(pic_pending(p));
	bus_set_irq(&f.bus, 5, false);
	CU_ASSERT_FALSE(pic_pending(p));
	pic_destroy(p);
}

static void elcr_keeps_the_lines_of_the_board_edge_triggered(void)
{
	struct fake_bus f;
	struct pic *p = start(&f);

	fake_outb(&f, 0x4d0, 0xff);
	fake_outb(&f, 0x4d1, 0xff);
	CU_ASSERT_EQUAL(fake_inb(&f, 0x4d0), 0xf8);
	CU_ASSERT_EQUAL(fake_inb(&f, 0x4d1), 0xde);
	pic_destroy(p);
}

static void high_line_made_level_triggered_requests_at_once(void)
{
	struct fake_bus f;
	struct pic *p = start(&f);

	bus_set_irq(&f.bus, 10, true);
	pic_ack(p);
	fake_outb(&f, 0xa0, EOI);
	fake_outb(&f, 0x20, EOI);
	CU_ASSERT_FALSE(pic_pending(p));
	fake_outb(&f, 0x4d1, 0x04);
	CU_ASSERT_TRUE(pic_pending(p));
	CU_ASSERT_EQUAL(pic_ack(p), BASE8 + 2);
	pic_destroy(p);
}

static void request_withdrawn_before_the_ack_is_spurious_7(void)
{
	struct fake_bus f;
	struct pic *p = start(&f);

	bus_set_irq(&f.bus, 4, true);
	bus_set_irq(&f.bus, 4, false);
	CU_ASSERT_FALSE(pic_pending(p));
	CU_ASSERT_EQUAL(pic_ack(p), BASE0 + 7);
	CU_ASSERT_EQUAL(read_isr(&f, 0x20), 0);
	pic_destroy(p);
}

static void slave_request_withdrawn_during_the_ack_is_spurious_15(void)
{
	struct fake_bus f;
	struct pic *p = start(&f);

	/* The master's request is latched; the slave's own is masked away before it answers. */
	bus_set_irq(&f.bus, 9, true);
	p->state.chip[PIC_SLAVE].imr = 0xff;
	CU_ASSERT_EQUAL(pic_ack(p), BASE8 + 7);
	CU_ASSERT_EQUAL(read_isr(&f, 0xa0), 0);
	CU_ASSERT_EQUAL(read_isr(&f, 0x20), 0x04);
	pic_destroy(p);
}

static void masked_request_waits_in_irr(void)
{
	struct fake_bus f;
	struct pic *p = start(&f);

	fake_outb(&f, 0x21, 0x10);
	bus_set_irq(&f.bus, 4, true);
	CU_ASSERT_FALSE(pic_pending(p));
	CU_ASSERT_EQUAL(read_irr(&f, 0x20), 0x10);
	fake_outb(&f, 0x21, 0x00);
	CU_ASSERT_TRUE(pic_pending(p));
	pic_destroy(p);
}

static void masking_the_cascade_holds_back_the_whole_slave(void)
{
	struct fake_bus f;
	struct pic *p = start(&f);

	fake_outb(&f, 0x21, 0x04);
	bus_set_irq(&f.bus, 8, true);
	CU_ASSERT_FALSE(pic_pending(p));
	fake_outb(&f, 0x21, 0x00);
	CU_ASSERT_EQUAL(pic_ack(p), BASE8 + 0);
	pic_destroy(p);
}

static void second_slave_request_needs_both_eois(void)
{
	struct fake_bus f;
	struct pic *p = start(&f);

	bus_set_irq(&f.bus, 8, true);
	bus_set_irq(&f.bus, 9, true);
	CU_ASSERT_EQUAL(pic_ack(p), BASE8 + 0);
	CU_ASSERT_FALSE(pic_pending(p));
	fake_outb(&f, 0xa0, EOI);
	CU_ASSERT_FALSE(pic_pending(p));
	fake_outb(&f, 0x20, EOI);
	CU_ASSERT_TRUE(pic_pending(p));
	CU_ASSERT_EQUAL(pic_ack(p), BASE8 + 1);
	pic_destroy(p);
}

static void special_fully_nested_lets_the_slave_interrupt_itself(void)
{
	struct fake_bus f;
	struct pic *p = start(&f);

	bus_set_irq(&f.bus, 12, true);
	pic_ack(p);
	bus_set_irq(&f.bus, 9, true);
	CU_ASSERT_FALSE(pic_pending(p));
	pic_destroy(p);

	p = start_with(&f, ICW4_SFNM_86, 0x01);
	bus_set_irq(&f.bus, 12, true);
	pic_ack(p);
	bus_set_irq(&f.bus, 9, true);
	CU_ASSERT_TRUE(pic_pending(p));
	CU_ASSERT_EQUAL(pic_ack(p), BASE8 + 1);
	/* Lower inputs of the master stay held back. */
	bus_set_irq(&f.bus, 5, true);
	CU_ASSERT_FALSE(pic_pending(p));
	pic_destroy(p);

	/* On the slave it means nothing: its input 2 has no chip behind it. */
	p = start_with(&f, ICW4_SFNM_86, ICW4_SFNM_86);
	bus_set_irq(&f.bus, 10, true);
	pic_ack(p);
	pulse(&f, 10);
	CU_ASSERT_FALSE(pic_pending(p));
	pic_destroy(p);
}

static void specific_eoi_ends_the_named_input_only(void)
{
	struct fake_bus f;
	struct pic *p = start(&f);

	bus_set_irq(&f.bus, 5, true);
	pic_ack(p);
	bus_set_irq(&f.bus, 3, true);
	pic_ack(p);
	fake_outb(&f, 0x20, 0x60 | 5);
	CU_ASSERT_EQUAL(read_isr(&f, 0x20), 0x08);
	fake_outb(&f, 0x20, 0x60 | 6);
	CU_ASSERT_EQUAL(read_isr(&f, 0x20), 0x08);
	pic_destroy(p);
}

static void eoi_without_anything_in_service_is_harmless(void)
{
	struct fake_bus f;
	struct pic *p = start(&f);

	fake_outb(&f, 0x20, EOI);
	fake_outb(&f, 0x20, ROTATE_EOI);
	bus_set_irq(&f.bus, 1, true);
	bus_set_irq(&f.bus, 0, true);
	CU_ASSERT_EQUAL(pic_ack(p), BASE0 + 0);
	pic_destroy(p);
}

static void automatic_eoi_leaves_nothing_in_service(void)
{
	struct fake_bus f;
	struct pic *p = start_with(&f, ICW4_AEOI_86, ICW4_AEOI_86);
	unsigned before;

	bus_set_irq(&f.bus, 4, true);
	bus_set_irq(&f.bus, 6, true);
	before = f.attentions;
	CU_ASSERT_EQUAL(pic_ack(p), BASE0 + 4);
	/* INT fell and rose again. */
	CU_ASSERT_EQUAL(f.attentions, before + 1);
	CU_ASSERT_EQUAL(read_isr(&f, 0x20), 0);
	CU_ASSERT_TRUE(pic_pending(p));
	CU_ASSERT_EQUAL(pic_ack(p), BASE0 + 6);
	CU_ASSERT_FALSE(pic_pending(p));
	pic_destroy(p);
}

static void automatic_eoi_on_the_slave_makes_a_new_edge_at_the_master(void)
{
	struct fake_bus f;
	struct pic *p = start_with(&f, ICW4_AEOI_86, ICW4_AEOI_86);

	bus_set_irq(&f.bus, 8, true);
	bus_set_irq(&f.bus, 14, true);
	CU_ASSERT_EQUAL(pic_ack(p), BASE8 + 0);
	CU_ASSERT_TRUE(pic_pending(p));
	CU_ASSERT_EQUAL(pic_ack(p), BASE8 + 6);
	CU_ASSERT_FALSE(pic_pending(p));
	pic_destroy(p);
}

static void rotate_on_eoi_makes_the_served_input_lowest(void)
{
	struct fake_bus f;
	struct pic *p = start(&f);

	bus_set_irq(&f.bus, 3, true);
	pic_ack(p);
	fake_outb(&f, 0x20, ROTATE_EOI);
	/* Order is now 4 5 6 7 0 1 2 3. */
	bus_set_irq(&f.bus, 0, true);
	pulse(&f, 3);
	bus_set_irq(&f.bus, 5, true);
	CU_ASSERT_EQUAL(pic_ack(p), BASE0 + 5);
	fake_outb(&f, 0x20, EOI);
	CU_ASSERT_EQUAL(pic_ack(p), BASE0 + 0);
	fake_outb(&f, 0x20, EOI);
	CU_ASSERT_EQUAL(pic_ack(p), BASE0 + 3);
	pic_destroy(p);
}

static void set_priority_and_rotate_on_specific_eoi(void)
{
	struct fake_bus f;
	struct pic *p = start(&f);

	fake_outb(&f, 0x20, 0xc0 | 5); /* lowest is 5, highest 6 */
	bus_set_irq(&f.bus, 0, true);
	bus_set_irq(&f.bus, 6, true);
	CU_ASSERT_EQUAL(pic_ack(p), BASE0 + 6);
	fake_outb(&f, 0x20, 0xe0 | 6); /* 6 ended and lowest, 7 highest */
	pulse(&f, 6);
	CU_ASSERT_EQUAL(pic_ack(p), BASE0 + 0);
	fake_outb(&f, 0x20, 0x40); /* no operation */
	CU_ASSERT_EQUAL(read_isr(&f, 0x20), 0x01);
	pic_destroy(p);
}

static void rotate_in_automatic_eoi(void)
{
	struct fake_bus f;
	struct pic *p = start_with(&f, ICW4_AEOI_86, 0x01);

	fake_outb(&f, 0x20, 0x80);
	bus_set_irq(&f.bus, 0, true);
	CU_ASSERT_EQUAL(pic_ack(p), BASE0 + 0);
	pulse(&f, 0);
	bus_set_irq(&f.bus, 7, true);
	CU_ASSERT_EQUAL(pic_ack(p), BASE0 + 7);
	fake_outb(&f, 0x20, 0x00);
	CU_ASSERT_EQUAL(pic_ack(p), BASE0 + 0);
	bus_set_irq(&f.bus, 6, true);
	pulse(&f, 0);
	CU_ASSERT_EQUAL(pic_ack(p), BASE0 + 0);
	pic_destroy(p);
}

static void special_mask_mode_lets_lower_inputs_through(void)
{
	struct fake_bus f;
	struct pic *p = start(&f);

	bus_set_irq(&f.bus, 4, true);
	pic_ack(p);
	fake_outb(&f, 0x21, 0x10);
	bus_set_irq(&f.bus, 6, true);
	CU_ASSERT_FALSE(pic_pending(p));
	fake_outb(&f, 0x20, 0x68); /* ESMM, SMM */
	CU_ASSERT_TRUE(pic_pending(p));
	CU_ASSERT_EQUAL(pic_ack(p), BASE0 + 6);
	/* An OCW3 without ESMM leaves the mode; a non-specific EOI does not end the masked one. */
	fake_outb(&f, 0x20, READ_ISR);
	fake_outb(&f, 0x20, EOI);
	fake_outb(&f, 0x20, EOI);
	CU_ASSERT_EQUAL(read_isr(&f, 0x20), 0x10);
	fake_outb(&f, 0x20, 0x48); /* ESMM without SMM */
	fake_outb(&f, 0x20, EOI);
	CU_ASSERT_EQUAL(read_isr(&f, 0x20), 0);
	pic_destroy(p);
}

static void poll_reads_the_request_and_acknowledges_it(void)
{
	struct fake_bus f;
	struct pic *p = start(&f);

	bus_set_irq(&f.bus, 5, true);
	fake_outb(&f, 0x20, POLL);
	CU_ASSERT_EQUAL(fake_inb(&f, 0x20), 0x85);
	CU_ASSERT_FALSE(pic_pending(p));
	/* One read only: the next one is IRR again. */
	bus_set_irq(&f.bus, 6, true);
	CU_ASSERT_EQUAL(fake_inb(&f, 0x20), 0x40);
	CU_ASSERT_EQUAL(read_isr(&f, 0x20), 0x20);
	fake_outb(&f, 0x20, POLL);
	CU_ASSERT_EQUAL(fake_inb(&f, 0x21), 0x00);
	/* P overrides RR: ISR (0x20) stays what is read, not IRR (0x40). */
	fake_outb(&f, 0x20, POLL | READ_IRR);
	fake_inb(&f, 0x20);
	CU_ASSERT_EQUAL(fake_inb(&f, 0x20), 0x20);
	pic_destroy(p);
}

static void polling_the_slave_withdraws_the_master_request(void)
{
	struct fake_bus f;
	struct pic *p = start(&f);

	bus_set_irq(&f.bus, 11, true);
	fake_outb(&f, 0xa0, POLL);
	CU_ASSERT_EQUAL(fake_inb(&f, 0xa0), 0x83);
	CU_ASSERT_FALSE(pic_pending(p));
	pic_destroy(p);
}

static void icw1_resets_masks_service_and_edges(void)
{
	struct fake_bus f;
	struct pic *p = start(&f);

	bus_set_irq(&f.bus, 3, true);
	pic_ack(p);
	bus_set_irq(&f.bus, 1, true);
	fake_outb(&f, 0x21, 0xaa);
	fake_outb(&f, 0x20, 0xc3);
	init_chips(&f, 0x01, 0x01);
	CU_ASSERT_EQUAL(fake_inb(&f, 0x21), 0);
	CU_ASSERT_EQUAL(read_isr(&f, 0x20), 0);
	CU_ASSERT_EQUAL(read_irr(&f, 0x20), 0);
	/* Lines that are high need a new edge, and input 7 is lowest again. */
	CU_ASSERT_FALSE(pic_pending(p));
	pulse(&f, 5);
	pulse(&f, 1);
	CU_ASSERT_EQUAL(pic_ack(p), BASE0 + 1);
	pic_destroy(p);
}

static void icw1_keeps_elcr_and_a_level_request(void)
{
	struct fake_bus f;
	struct pic *p = start(&f);

	fake_outb(&f, 0x4d0, 0x20);
	bus_set_irq(&f.bus, 5, true);
	bus_set_irq(&f.bus, 6, true);
	init_chips(&f, 0x01, 0x01);
	CU_ASSERT_EQUAL(fake_inb(&f, 0x4d0), 0x20);
	CU_ASSERT_EQUAL(read_irr(&f, 0x20), 0x20);
	/* Line 6 was high all the time: raising it again is no edge. */
	bus_set_irq(&f.bus, 6, true);
	CU_ASSERT_EQUAL(read_irr(&f, 0x20), 0x20);
	pic_destroy(p);
}

static void icw1_without_ic4_and_with_sngl_shortens_the_sequence(void)
{
	struct fake_bus f;
	struct pic *p = start_with(&f, ICW4_AEOI_86, 0x01);

	fake_outb(&f, 0x20, 0x12); /* SNGL, no ICW4: AEOI is off again */
	fake_outb(&f, 0x21, 0x47); /* low bits are not part of the vector */
	fake_outb(&f, 0x21, 0x01); /* already OCW1 */
	CU_ASSERT_EQUAL(fake_inb(&f, 0x21), 0x01);
	bus_set_irq(&f.bus, 1, true);
	CU_ASSERT_EQUAL(pic_ack(p), 0x41);
	CU_ASSERT_EQUAL(read_isr(&f, 0x20), 0x02);
	pic_destroy(p);
}

static void attention_comes_with_each_rise_of_int(void)
{
	struct fake_bus f;
	struct pic *p = start(&f);
	unsigned before = f.attentions;

	bus_set_irq(&f.bus, 4, true);
	CU_ASSERT_EQUAL(f.attentions, before + 1);
	bus_set_irq(&f.bus, 5, true);
	CU_ASSERT_EQUAL(f.attentions, before + 1);
	pic_ack(p);
	CU_ASSERT_EQUAL(f.attentions, before + 1);
	fake_outb(&f, 0x20, EOI);
	CU_ASSERT_EQUAL(f.attentions, before + 2);
	pic_destroy(p);
}

static void count_taken(void *dev)
{
	++*(unsigned *)dev;
}

static void watcher_hears_of_ack_poll_and_reset_but_not_of_a_fall(void)
{
	struct fake_bus f;
	struct pic *p = start(&f);
	unsigned taken = 0, taken8 = 0;

	bus_watch_irq(&f.bus, 0, count_taken, &taken);
	bus_watch_irq(&f.bus, 8, count_taken, &taken8);
	pulse(&f, 0);
	CU_ASSERT_EQUAL(taken, 0);
	pic_ack(p);
	CU_ASSERT_EQUAL(taken, 1);
	fake_outb(&f, 0x20, EOI);
	pulse(&f, 0);
	bus_set_irq(&f.bus, 0, false);
	CU_ASSERT_EQUAL(taken, 1);
	pulse(&f, 0);
	fake_outb(&f, 0x20, POLL);
	fake_inb(&f, 0x20);
	CU_ASSERT_EQUAL(taken, 2);
	pulse(&f, 0);
	pulse(&f, 8);
	fake_outb(&f, 0x20, 0x11);
	CU_ASSERT_EQUAL(taken, 3);
	fake_outb(&f, 0xa0, 0x11);
	CU_ASSERT_EQUAL(taken8, 1);
	pic_destroy(p);
}

static const struct unit_test tests[] = {
	UNIT_TEST(at_start_everything_is_masked),
	UNIT_TEST(each_line_has_its_vector),
	UNIT_TEST(line_2_is_the_cascade_and_no_device_drives_it),
	UNIT_TEST(lower_input_numbers_go_first),
	UNIT_TEST(in_service_holds_back_lower_and_lets_higher_through),
	UNIT_TEST(edge_request_is_made_once_by_a_line_that_stays_high),
	UNIT_TEST(level_request_stays_while_the_line_is_high),
	UNIT_TEST(elcr_keeps_the_lines_of_the_board_edge_triggered),
	UNIT_TEST(high_line_made_level_triggered_requests_at_once),
	UNIT_TEST(request_withdrawn_before_the_ack_is_spurious_7),
	UNIT_TEST(slave_request_withdrawn_during_the_ack_is_spurious_15),
	UNIT_TEST(masked_request_waits_in_irr),
	UNIT_TEST(masking_the_cascade_holds_back_the_whole_slave),
	UNIT_TEST(second_slave_request_needs_both_eois),
	UNIT_TEST(special_fully_nested_lets_the_slave_interrupt_itself),
	UNIT_TEST(specific_eoi_ends_the_named_input_only),
	UNIT_TEST(eoi_without_anything_in_service_is_harmless),
	UNIT_TEST(automatic_eoi_leaves_nothing_in_service),
	UNIT_TEST(automatic_eoi_on_the_slave_makes_a_new_edge_at_the_master),
	UNIT_TEST(rotate_on_eoi_makes_the_served_input_lowest),
	UNIT_TEST(set_priority_and_rotate_on_specific_eoi),
	UNIT_TEST(rotate_in_automatic_eoi),
	UNIT_TEST(special_mask_mode_lets_lower_inputs_through),
	UNIT_TEST(poll_reads_the_request_and_acknowledges_it),
	UNIT_TEST(polling_the_slave_withdraws_the_master_request),
	UNIT_TEST(icw1_resets_masks_service_and_edges),
	UNIT_TEST(icw1_keeps_elcr_and_a_level_request),
	UNIT_TEST(icw1_without_ic4_and_with_sngl_shortens_the_sequence),
	UNIT_TEST(attention_comes_with_each_rise_of_int),
	UNIT_TEST(watcher_hears_of_ack_poll_and_reset_but_not_of_a_fall),
	UNIT_END,
};

const struct unit_suite suite_pic = { "pic", tests };
