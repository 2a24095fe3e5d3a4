// SPDX-License-Identifier: MIT
#include "dev/pit_channel.h"

#define CONTROL_BCD 0x01u
#define CONTROL_RW_SHIFT 4
#define RW_LOW 1u
#define RW_HIGH 2u
#define RW_BOTH 3u
#define STATUS_OUT 0x80u
#define STATUS_NULL 0x40u

/* Where a square wave (mode 3) stands. */
struct square {
	bool high;
	uint32_t into; /* ticks of this half that have passed */
	uint32_t left; /* ticks until the next half */
};

static unsigned channel_rw(const struct pit_channel *ch)
{
	return ch->control >> CONTROL_RW_SHIFT & 3;
}

static uint32_t channel_modulus(const struct pit_channel *ch)
{
	return ch->control & CONTROL_BCD ? 10000 : 65536;
}

/* Modes 2 and 3 begin again by themselves. */
static bool channel_periodic(const struct pit_channel *ch)
{
	return ch->mode == 2 || ch->mode == 3;
}

/* Modes 1 and 5 are started by GATE; all others count only while it is high. */
static bool channel_triggered(const struct pit_channel *ch)
{
	return ch->mode == 1 || ch->mode == 5;
}

/* Ticks counted since the load. */
static uint64_t channel_elapsed(const struct pit_channel *ch, uint64_t tick)
{
	return ch->gate || channel_triggered(ch) ? tick - ch->start : ch->frozen;
}

/* The high half of an odd count is one tick longer than the low one (data sheet, mode 3). */
static struct square channel_square(const struct pit_channel *ch, uint64_t elapsed)
{
	uint32_t high = (ch->count + 1) / 2;
	uint32_t first = ch->low_first ? ch->count - high : high;
	uint32_t at = (uint32_t)(elapsed % ch->count);
	bool in_first = at < first;

	return (struct square){
		.high = in_first != ch->low_first,
		.into = in_first ? at : at - first,
		.left = in_first ? first - at : ch->count - at,
	};
}

static uint32_t bcd_decode(uint16_t raw)
{
	uint32_t value = 0;

	for (int shift = 12; shift >= 0; shift -= 4)
		value = value * 10 + (raw >> shift & 15);
	return value % 10000;
}

static uint16_t bcd_encode(uint32_t value)
{
	uint32_t raw = 0;

	for (int shift = 0; shift < 16; shift += 4, value /= 10)
		raw |= value % 10 << shift;
	return (uint16_t)raw;
}

/* The counting element as it is read. */
static uint16_t channel_value(const struct pit_channel *ch, uint64_t tick)
{
	uint32_t modulus = channel_modulus(ch);
	uint64_t elapsed;
	uint32_t value;

	if (!ch->running)
		return ch->held;
	elapsed = channel_elapsed(ch, tick);
	if (ch->mode == 3)
		value = (ch->count & ~1u) - 2 * channel_square(ch, elapsed).into;
	else if (ch->mode == 2)
		value = ch->count - (uint32_t)(elapsed % ch->count);
	else
		value = ch->count + modulus - (uint32_t)(elapsed % modulus);
	value %= modulus;
	return ch->control & CONTROL_BCD ? bcd_encode(value) : (uint16_t)value;
}

void channel_sync(struct pit_channel *ch, uint64_t tick)
{
	if (tick < ch->load_at)
		return;
	ch->running = true;
	ch->low_first = ch->load_low;
	ch->count = ch->next;
	ch->start = ch->load_at;
	ch->frozen = 0;
	ch->null_count = false;
	ch->load_at = PIT_NEVER;
}

bool channel_out(const struct pit_channel *ch, uint64_t tick)
{
	uint64_t elapsed;

	if (!ch->running)
		return ch->mode != 0;
	/* GATE low ends a low output of the periodic modes at once. */
	if (channel_periodic(ch) && !ch->gate)
		return true;
	elapsed = channel_elapsed(ch, tick);
	switch (ch->mode) {
	case 0:
	case 1:
		return elapsed >= ch->count;
	case 2:
		return elapsed % ch->count != ch->count - 1;
	case 3:
		return channel_square(ch, elapsed).high;
	default:
		return elapsed != ch->count;
	}
}

/* The next rise by the count that is loaded now. */
static uint64_t channel_rise(const struct pit_channel *ch, uint64_t tick)
{
	uint64_t elapsed = tick - ch->start;
	uint64_t strobe_end = (uint64_t)ch->count + 1;
	struct square sq;

	if (!ch->running || (channel_periodic(ch) && ch->count == 1))
		return PIT_NEVER;
	switch (ch->mode) {
	case 0:
	case 1:
		return elapsed < ch->count ? ch->start + ch->count : PIT_NEVER;
	case 2:
		return ch->start + (elapsed / ch->count + 1) * ch->count;
	case 3:
		sq = channel_square(ch, elapsed);
		return tick + sq.left + (sq.high ? ch->count / 2 : 0);
	default:
		return elapsed < strobe_end ? ch->start + strobe_end : PIT_NEVER;
	}
}

uint64_t channel_next_rise(const struct pit_channel *ch, uint64_t tick)
{
	uint64_t rise = channel_rise(ch, tick);
	struct pit_channel loaded = *ch;

	if (rise <= ch->load_at)
		return rise;
	channel_sync(&loaded, ch->load_at);
	return channel_rise(&loaded, ch->load_at);
}

static void channel_stop(struct pit_channel *ch, uint64_t tick)
{
	ch->held = channel_value(ch, tick);
	ch->running = false;
	ch->load_at = PIT_NEVER;
}

void channel_control(struct pit_channel *ch, uint64_t tick, uint8_t control)
{
	uint8_t mode = control >> 1 & 7;

	channel_stop(ch, tick);
	ch->control = control & 0x3f;
	ch->mode = mode > 5 ? mode - 4 : mode;
	ch->written = false;
	ch->null_count = true;
	ch->write_msb = false;
	ch->read_msb = false;
	ch->latched = 0;
	ch->status_latched = false;
}

/* The whole count is written: when is it loaded (data sheet, "Mode definitions")? */
static void channel_schedule(struct pit_channel *ch, uint64_t tick)
{
	uint64_t elapsed = tick - ch->start;
	struct square sq;

	if (channel_triggered(ch))
		return; /* by GATE */
	if (!channel_periodic(ch) || !ch->running) {
		ch->load_at = tick + 1;
		ch->load_low = false;
	} else if (!ch->gate || ch->load_at != PIT_NEVER) {
		return; /* by GATE, or with the load already due */
	} else if (ch->mode == 2) {
		ch->load_at = ch->start + (elapsed / ch->count + 1) * ch->count;
	} else {
		sq = channel_square(ch, elapsed);
		ch->load_at = tick + sq.left;
		ch->load_low = sq.high;
	}
}

void channel_write(struct pit_channel *ch, uint64_t tick, uint8_t byte)
{
	unsigned rw = channel_rw(ch);
	bool first = rw == RW_BOTH && !ch->write_msb;
	uint16_t raw;

	/* Mode 0: the first byte stops the counting, and OUT goes low. */
	if (ch->mode == 0)
		channel_stop(ch, tick);
	ch->write_msb = first;
	if (first) {
		ch->low_byte = byte;
		return;
	}
	raw = rw == RW_LOW ? byte : (uint16_t)(byte << 8);
	if (rw == RW_BOTH)
		raw |= ch->low_byte;
	ch->next = ch->control & CONTROL_BCD ? bcd_decode(raw) : raw;
	if (!ch->next)
		ch->next = channel_modulus(ch);
	ch->written = true;
	ch->null_count = true;
	channel_schedule(ch, tick);
}

void channel_gate(struct pit_channel *ch, uint64_t tick, bool gate)
{
	if (gate == ch->gate)
		return;
	if (!gate && !channel_triggered(ch)) {
		ch->frozen = tick - ch->start;
		if (channel_periodic(ch) && ch->running)
			ch->load_at = PIT_NEVER; /* the rising edge will load */
	}
	ch->gate = gate;
	if (!gate)
		return;
	if (!channel_triggered(ch))
		ch->start = tick - ch->frozen;
	if ((channel_triggered(ch) || channel_periodic(ch)) && ch->written) {
		ch->load_at = tick + 1;
		ch->load_low = false;
	}
}

void channel_latch_count(struct pit_channel *ch, uint64_t tick)
{
	if (ch->latched)
		return;
	ch->latch = channel_value(ch, tick);
	ch->latched = channel_rw(ch) == RW_BOTH ? 2 : 1;
}

void channel_latch_status(struct pit_channel *ch, uint64_t tick)
{
	if (ch->status_latched)
		return;
	ch->status_latched = true;
	ch->status = ch->control;
	if (channel_out(ch, tick))
		ch->status |= STATUS_OUT;
	if (ch->null_count)
		ch->status |= STATUS_NULL;
}

uint8_t channel_read(struct pit_channel *ch, uint64_t tick)
{
	unsigned rw = channel_rw(ch);
	bool high = rw == RW_HIGH || (rw == RW_BOTH && ch->read_msb);
	uint16_t value;

	if (ch->status_latched) {
		ch->status_latched = false;
		return ch->status;
	}
	value = ch->latched ? ch->latch : channel_value(ch, tick);
	if (ch->latched)
		ch->latched--;
	if (rw == RW_BOTH)
		ch->read_msb = !ch->read_msb;
	return high ? value >> 8 : value & 0xff;
}
