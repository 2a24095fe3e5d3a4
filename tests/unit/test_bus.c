// SPDX-License-Identifier: MIT
#include "dev/bus.h"

#include <errno.h>
#include <stdio.h>

#include "fake_bus.h"
#include "unit.h"

extern const struct unit_suite suite_bus;

/* A device that writes down each access as "r4@10 " or "w1@10=ff ". */
struct recorder {
	char log[256];
	uint32_t answer;
};

static void record(struct recorder *r, const char *fmt, char kind, unsigned size, uint64_t at,
		   uint32_t value)
{
	size_t n = strlen(r->log);

	snprintf(r->log + n, sizeof(r->log) - n, fmt, kind, size, (unsigned)at, value);
}

static uint32_t port_read(void *dev, uint16_t port, unsigned size)
{
	struct recorder *r = dev;

	record(r, "%c%u@%x ", 'r', size, port, 0);
	return r->answer + (port & 15);
}

static void port_write(void *dev, uint16_t port, unsigned size, uint32_t value)
{
	record(dev, "%c%u@%x=%x ", 'w', size, port, value);
}

static uint32_t mmio_read(void *dev, gpa_t offset, unsigned size)
{
	struct recorder *r = dev;

	record(r, "%c%u@%x ", 'r', size, offset, 0);
	return r->answer;
}

static void mmio_write(void *dev, gpa_t offset, unsigned size, uint32_t value)
{
	record(dev, "%c%u@%x=%x ", 'w', size, offset, value);
}

static const struct bus_port_ops byte_ops = { 1, port_read, port_write };
static const struct bus_port_ops word_ops = { 2, port_read, port_write };
static const struct bus_port_ops dword_ops = { 4, port_read, port_write };
static const struct bus_mmio_ops mmio_ops = { mmio_read, mmio_write };

static void ports_nobody_claims_read_all_ones_and_drop_writes(void)
{
	struct fake_bus f;

	fake_init(&f);
	CU_ASSERT_EQUAL(bus_port_read(&f.bus, 0x123, 1), 0xff);
	CU_ASSERT_EQUAL(bus_port_read(&f.bus, 0x123, 2), 0xffff);
	CU_ASSERT_EQUAL(bus_port_read(&f.bus, 0xffff, 4), 0xffffffff);
	bus_port_write(&f.bus, 0xffff, 4, 0x12345678);
}

static void wide_access_to_narrow_device_is_split_lowest_first(void)
{
	struct fake_bus f;
	struct recorder r = { .answer = 0x40 };

	fake_init(&f);
	CU_ASSERT_EQUAL(bus_add_ports(&f.bus, 0x10, 4, &byte_ops, &r), 0);
	CU_ASSERT_EQUAL(bus_port_read(&f.bus, 0x10, 4), 0x43424140);
	bus_port_write(&f.bus, 0x10, 4, 0xddccbbaa);
	CU_ASSERT_STRING_EQUAL(r.log, "r1@10 r1@11 r1@12 r1@13 "
				      "w1@10=aa w1@11=bb w1@12=cc w1@13=dd ");
}

static void dword_access_to_word_device_becomes_two_words(void)
{
	struct fake_bus f;
	struct recorder r = { .answer = 0 };

	fake_init(&f);
	CU_ASSERT_EQUAL(bus_add_ports(&f.bus, 0x10, 4, &word_ops, &r), 0);
	bus_port_write(&f.bus, 0x10, 4, 0xddccbbaa);
	bus_port_write(&f.bus, 0x11, 1, 0x55);
	CU_ASSERT_STRING_EQUAL(r.log, "w2@10=bbaa w2@12=ddcc w1@11=55 ");
}

static void values_are_cut_to_the_size_of_the_access(void)
{
	struct fake_bus f;
	struct recorder r = { .answer = 0x12345678 - 0x10 };

	fake_init(&f);
	CU_ASSERT_EQUAL(bus_add_ports(&f.bus, 0x10, 4, &dword_ops, &r), 0);
	CU_ASSERT_EQUAL(bus_add_mmio(&f.bus, 0x1000, 4, &mmio_ops, &r), 0);
	CU_ASSERT_EQUAL(bus_port_read(&f.bus, 0x10, 1), 0x68);
	CU_ASSERT_EQUAL(bus_port_read(&f.bus, 0x10, 2), 0x5668);
	CU_ASSERT_EQUAL(bus_mmio_read(&f.bus, 0x1000, 2), 0x5668);
	r.log[0] = 0;
	bus_port_write(&f.bus, 0x10, 1, 0x1234);
	bus_mmio_write(&f.bus, 0x1000, 2, 0x12345678);
	CU_ASSERT_STRING_EQUAL(r.log, "w1@10=34 w2@0=5678 ");
}

static void access_across_the_end_of_a_range_reaches_both_sides(void)
{
	struct fake_bus f;
	struct recorder a = { .answer = 0xa0 }, b = { .answer = 0xb0 };

	fake_init(&f);
	CU_ASSERT_EQUAL(bus_add_ports(&f.bus, 0x10, 2, &dword_ops, &a), 0);
	CU_ASSERT_EQUAL(bus_add_ports(&f.bus, 0x12, 1, &dword_ops, &b), 0);
	CU_ASSERT_EQUAL(bus_port_read(&f.bus, 0x11, 4), 0xffffb2a1);
	CU_ASSERT_STRING_EQUAL(a.log, "r1@11 ");
	CU_ASSERT_STRING_EQUAL(b.log, "r1@12 ");
}

static void ports_wrap_at_64k(void)
{
	struct fake_bus f;
	struct recorder top = { .answer = 0xe0 }, zero = { .answer = 0x10 };

	fake_init(&f);
	CU_ASSERT_EQUAL(bus_add_ports(&f.bus, 0xffff, 1, &byte_ops, &top), 0);
	CU_ASSERT_EQUAL(bus_add_ports(&f.bus, 0, 1, &byte_ops, &zero), 0);
	CU_ASSERT_EQUAL(bus_port_read(&f.bus, 0xffff, 2), 0x10ef);
}

static void port_ranges_that_overlap_wrap_or_are_empty_are_refused(void)
{
	struct fake_bus f;

	fake_init(&f);
	CU_ASSERT_EQUAL(bus_add_ports(&f.bus, 0x10, 4, &byte_ops, 0), 0);
	CU_ASSERT_EQUAL(bus_add_ports(&f.bus, 0x13, 4, &byte_ops, 0), -EEXIST);
	CU_ASSERT_EQUAL(bus_add_ports(&f.bus, 0x0f, 2, &byte_ops, 0), -EEXIST);
	CU_ASSERT_EQUAL(bus_add_ports(&f.bus, 0x11, 1, &byte_ops, 0), -EEXIST);
	CU_ASSERT_EQUAL(bus_add_ports(&f.bus, 0x0f, 1, &byte_ops, 0), 0);
	CU_ASSERT_EQUAL(bus_add_ports(&f.bus, 0x14, 1, &byte_ops, 0), 0);
	CU_ASSERT_EQUAL(bus_add_ports(&f.bus, 0x20, 0, &byte_ops, 0), -EINVAL);
	CU_ASSERT_EQUAL(bus_add_ports(&f.bus, 0xfffe, 3, &byte_ops, 0), -EINVAL);
	CU_ASSERT_EQUAL(bus_add_ports(&f.bus, 0xfffe, 2, &byte_ops, 0), 0);
}

static void full_tables_are_reported(void)
{
	struct fake_bus f;

	fake_init(&f);
	for (unsigned i = 0; i < BUS_PORT_RANGES; i++)
		CU_ASSERT_EQUAL(bus_add_ports(&f.bus, (uint16_t)(i * 8), 8, &byte_ops, 0), 0);
	CU_ASSERT_EQUAL(bus_add_ports(&f.bus, 0x8000, 1, &byte_ops, 0), -ENOSPC);
	for (unsigned i = 0; i < BUS_MMIO_RANGES; i++)
		CU_ASSERT_EQUAL(bus_add_mmio(&f.bus, i * 0x1000, 0x1000, &mmio_ops, 0), 0);
	CU_ASSERT_EQUAL(bus_add_mmio(&f.bus, 1u << 30, 1, &mmio_ops, 0), -ENOSPC);
}

static void every_range_is_found_whichever_was_hit_last(void)
{
	struct fake_bus f;
	struct recorder r[3] = { { .answer = 0x10 }, { .answer = 0x20 }, { .answer = 0x30 } };

	fake_init(&f);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(bus_add_ports(&f.bus, (uint16_t)(i << 4), 1, &byte_ops, &r[i]), 0);
	for (unsigned i = 0; i < 9; i++) {
		unsigned which = i * 2 % 3;

		CU_ASSERT_EQUAL(bus_port_read(&f.bus, (uint16_t)(which << 4), 1),
				0x10 * (which + 1));
	}
}

static void mmio_gives_the_offset_and_splits_at_the_end(void)
{
	struct fake_bus f;
	struct recorder r = { .answer = 0x77 };

	fake_init(&f);
	CU_ASSERT_EQUAL(bus_add_mmio(&f.bus, 0xfeb00000, 0x202, &mmio_ops, &r), 0);
	CU_ASSERT_EQUAL(bus_mmio_read(&f.bus, 0xfeb00010, 4), 0x77);
	CU_ASSERT_EQUAL(bus_mmio_read(&f.bus, 0xfeb00200, 4), 0xffff0077);
	bus_mmio_write(&f.bus, 0xfeb00200, 4, 0x44332211);
	CU_ASSERT_STRING_EQUAL(r.log, "r4@10 r2@200 w2@200=2211 ");
	CU_ASSERT_EQUAL(bus_mmio_read(&f.bus, 0xfeaffffc, 4), 0xffffffff);
	CU_ASSERT_EQUAL(bus_mmio_read(&f.bus, 0x1fffeb00000, 2), 0xffff);
}

static void mmio_ranges_that_overlap_or_wrap_are_refused(void)
{
	struct fake_bus f;

	fake_init(&f);
	CU_ASSERT_EQUAL(bus_add_mmio(&f.bus, 0x1000, 0x1000, &mmio_ops, 0), 0);
	CU_ASSERT_EQUAL(bus_add_mmio(&f.bus, 0x1fff, 1, &mmio_ops, 0), -EEXIST);
	CU_ASSERT_EQUAL(bus_add_mmio(&f.bus, 0, 0x1001, &mmio_ops, 0), -EEXIST);
	CU_ASSERT_EQUAL(bus_add_mmio(&f.bus, 0x2000, 0, &mmio_ops, 0), -EINVAL);
	CU_ASSERT_EQUAL(bus_add_mmio(&f.bus, UINT64_MAX, 2, &mmio_ops, 0), -EINVAL);
	CU_ASSERT_EQUAL(bus_add_mmio(&f.bus, UINT64_MAX, 1, &mmio_ops, 0), 0);
	CU_ASSERT_EQUAL(bus_add_mmio(&f.bus, 0x2000, 1, &mmio_ops, 0), 0);
}

/* --- timers -------------------------------------------------------------------------------- */

struct alarm {
	struct bus_timer timer;
	struct bus *bus;
	char name;
	char *order;
	uint64_t again_ns; /* armed anew for then, once */
};

static void alarm_fired(void *dev, uint64_t now_ns)
{
	struct alarm *a = dev;
	size_t n = strlen(a->order);

	a->order[n] = a->name;
	a->order[n + 1] = 0;
	if (a->again_ns) {
		bus_timer_set(a->bus, &a->timer, a->again_ns);
		a->again_ns = 0;
	}
}

static void alarm_init(struct alarm *a, struct fake_bus *f, char name, char *order)
{
	*a = (struct alarm){ .bus = &f->bus, .name = name, .order = order };
	a->timer = (struct bus_timer){ .fn = alarm_fired, .dev = a, .due_ns = BUS_NEVER };
}

static void timers_fire_by_due_time_then_order_of_arming(void)
{
	struct fake_bus f;
	struct alarm a, b, c, d;
	char order[16] = "";

	fake_init(&f);
	alarm_init(&a, &f, 'a', order);
	alarm_init(&b, &f, 'b', order);
	alarm_init(&c, &f, 'c', order);
	alarm_init(&d, &f, 'd', order);
	bus_timer_set(&f.bus, &a.timer, 30);
	bus_timer_set(&f.bus, &b.timer, 10);
	bus_timer_set(&f.bus, &c.timer, 30);
	bus_timer_set(&f.bus, &d.timer, 20);
	CU_ASSERT_EQUAL(bus_next_due(&f.bus), 10);
	bus_run_timers(&f.bus, 29);
	CU_ASSERT_STRING_EQUAL(order, "bd");
	CU_ASSERT_EQUAL(bus_next_due(&f.bus), 30);
	bus_run_timers(&f.bus, 30);
	CU_ASSERT_STRING_EQUAL(order, "bdac");
	CU_ASSERT_EQUAL(bus_next_due(&f.bus), BUS_NEVER);
}

static void timer_armed_again_takes_its_place_among_the_others(void)
{
	struct fake_bus f;
	struct alarm a, b;
	char order[16] = "";

	fake_init(&f);
	alarm_init(&a, &f, 'a', order);
	alarm_init(&b, &f, 'b', order);
	a.again_ns = 20;
	bus_timer_set(&f.bus, &a.timer, 10);
	bus_timer_set(&f.bus, &b.timer, 15);
	bus_run_timers(&f.bus, 25);
	CU_ASSERT_STRING_EQUAL(order, "aba");
}

/* Whatever a device computes, its timer cannot keep the machine where it is. */
static void timer_armed_for_the_past_by_its_own_function_moves_on(void)
{
	struct fake_bus f;
	struct alarm a;
	char order[16] = "";

	fake_init(&f);
	alarm_init(&a, &f, 'a', order);
	a.again_ns = 3;
	bus_timer_set(&f.bus, &a.timer, 10);
	bus_run_timers(&f.bus, 10);
	CU_ASSERT_STRING_EQUAL(order, "a");
	CU_ASSERT_EQUAL(bus_next_due(&f.bus), 11);
}

static void timer_beyond_the_end_of_time_is_never_due(void)
{
	struct fake_bus f;
	struct alarm a;
	char order[16] = "";

	fake_init(&f);
	alarm_init(&a, &f, 'a', order);
	bus_timer_set(&f.bus, &a.timer, BUS_TIME_END - 1);
	CU_ASSERT_EQUAL(bus_next_due(&f.bus), BUS_TIME_END - 1);
	bus_timer_set(&f.bus, &a.timer, BUS_TIME_END);
	CU_ASSERT_EQUAL(bus_next_due(&f.bus), BUS_NEVER);
}

static void timer_set_again_moves_and_never_disarms(void)
{
	struct fake_bus f;
	struct alarm a, b;
	char order[16] = "";

	fake_init(&f);
	alarm_init(&a, &f, 'a', order);
	alarm_init(&b, &f, 'b', order);
	bus_timer_set(&f.bus, &a.timer, 10);
	bus_timer_set(&f.bus, &b.timer, 20);
	bus_timer_set(&f.bus, &a.timer, 30);
	CU_ASSERT_EQUAL(bus_next_due(&f.bus), 20);
	bus_timer_set(&f.bus, &b.timer, BUS_NEVER);
	CU_ASSERT_EQUAL(bus_next_due(&f.bus), 30);
	bus_timer_set(&f.bus, &b.timer, BUS_NEVER);
	bus_run_timers(&f.bus, 100);
	CU_ASSERT_STRING_EQUAL(order, "a");
	CU_ASSERT_EQUAL(a.timer.due_ns, BUS_NEVER);
}

static void attention_is_called_when_the_earliest_timer_changes(void)
{
	struct fake_bus f;
	struct alarm a, b;
	char order[16] = "";

	fake_init(&f);
	alarm_init(&a, &f, 'a', order);
	alarm_init(&b, &f, 'b', order);
	bus_timer_set(&f.bus, &a.timer, 10);
	CU_ASSERT_EQUAL(f.attentions, 1);
	bus_timer_set(&f.bus, &b.timer, 20);
	CU_ASSERT_EQUAL(f.attentions, 1);
	bus_timer_set(&f.bus, &b.timer, 5);
	CU_ASSERT_EQUAL(f.attentions, 2);
	bus_timer_set(&f.bus, &b.timer, BUS_NEVER);
	CU_ASSERT_EQUAL(f.attentions, 3);
}

static void irq_without_controller_or_watcher_is_harmless(void)
{
	struct fake_bus f;

	fake_init(&f);
	f.bus.set_irq = 0;
	bus_set_irq(&f.bus, 3, true);
	bus_irq_taken(&f.bus, 3);
}

static const struct unit_test tests[] = {
	UNIT_TEST(ports_nobody_claims_read_all_ones_and_drop_writes),
	UNIT_TEST(wide_access_to_narrow_device_is_split_lowest_first),
	UNIT_TEST(dword_access_to_word_device_becomes_two_words),
	UNIT_TEST(values_are_cut_to_the_size_of_the_access),
	UNIT_TEST(access_across_the_end_of_a_range_reaches_both_sides),
	UNIT_TEST(ports_wrap_at_64k),
	UNIT_TEST(port_ranges_that_overlap_wrap_or_are_empty_are_refused),
	UNIT_TEST(full_tables_are_reported),
	UNIT_TEST(every_range_is_found_whichever_was_hit_last),
	UNIT_TEST(mmio_gives_the_offset_and_splits_at_the_end),
	UNIT_TEST(mmio_ranges_that_overlap_or_wrap_are_refused),
	UNIT_TEST(timers_fire_by_due_time_then_order_of_arming),
	UNIT_TEST(timer_armed_again_takes_its_place_among_the_others),
	UNIT_TEST(timer_armed_for_the_past_by_its_own_function_moves_on),
	UNIT_TEST(timer_beyond_the_end_of_time_is_never_due),
	UNIT_TEST(timer_set_again_moves_and_never_disarms),
	UNIT_TEST(attention_is_called_when_the_earliest_timer_changes),
	UNIT_TEST(irq_without_controller_or_watcher_is_harmless),
	UNIT_END,
};

const struct unit_suite suite_bus = { "bus", tests };
