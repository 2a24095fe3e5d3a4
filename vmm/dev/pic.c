// SPDX-License-Identifier: MIT
#include "dev/pic.h"

#include <errno.h>
#include <stdlib.h>

#define PORT_MASTER 0x20u
#define PORT_SLAVE 0xa0u
#define PORT_ELCR 0x4d0u
#define CASCADE 2u  /* the master's input that the slave drives */
#define SPURIOUS 7u /* what a chip answers when no request is left */

#define ICW1_IC4 0x01u
#define ICW1_SNGL 0x02u
#define ICW1 0x10u
#define ICW4_AEOI 0x02u
#define ICW4_SFNM 0x10u
#define OCW2_EOI 0x20u
#define OCW2_SL 0x40u
#define OCW2_R 0x80u
#define OCW3 0x08u
#define OCW3_RIS 0x01u
#define OCW3_RR 0x02u
#define OCW3_P 0x04u
#define OCW3_SMM 0x20u
#define OCW3_ESMM 0x40u
#define POLL_REQUEST 0x80u

/* Timer, keyboard, cascade, RTC and FPU are always edge-triggered (82371AB, 4.2.6). */
static const uint8_t elcr_writable[PIC_CHIPS] = { 0xf8, 0xde };
static const uint8_t bios_base[PIC_CHIPS] = { 0x08, 0x70 };

static uint8_t bit_of(unsigned input)
{
	return (uint8_t)(1u << input);
}

static void chip_set_line(struct pic_chip *c, unsigned input, bool level)
{
	uint8_t bit = bit_of(input);

	if (!level)
		c->irr &= (uint8_t)~bit;
	else if (c->elcr & bit || !(c->lines & bit))
		c->irr |= bit;
	c->lines = level ? c->lines | bit : c->lines & (uint8_t)~bit;
}

/* In-service bits that hold others back: in special mask mode the masked ones do not. */
static uint8_t chip_blocking(const struct pic_chip *c)
{
	return c->special_mask ? c->isr & (uint8_t)~c->imr : c->isr;
}

/* The input whose request drives INT, or -1: the data sheet's priority resolver. */
static int chip_request(const struct pic_chip *c)
{
	uint8_t wanted = c->irr & (uint8_t)~c->imr;
	uint8_t blocking = chip_blocking(c);

	for (unsigned i = 1; i <= 8; i++) {
		unsigned input = (c->lowest + i) & 7;
		bool served = blocking & bit_of(input);

		/* Special fully nested: the slave may ask again while it is served. */
		if (wanted & bit_of(input) && (!served || (c->nested && input == CASCADE)))
			return (int)input;
		if (served)
			return -1;
	}
	return -1;
}

static void chip_ack(struct pic_chip *c, unsigned input)
{
	if (!(c->elcr & bit_of(input)))
		c->irr &= (uint8_t)~bit_of(input);
	if (!c->auto_eoi)
		c->isr |= bit_of(input);
	else if (c->rotate_aeoi)
		c->lowest = (uint8_t)input;
}

/* Carry changes on: the slave's INT to the master, the master's INT to the CPU. */
static void pic_update(struct pic *p)
{
	struct pic_state *s = &p->state;
	bool before = s->intr;

	chip_set_line(&s->chip[PIC_MASTER], CASCADE, chip_request(&s->chip[PIC_SLAVE]) >= 0);
	s->intr = chip_request(&s->chip[PIC_MASTER]) >= 0;
	if (s->intr && !before)
		p->bus->host.attention(p->bus->host.ctx);
}

/*
 * INT falls during an acknowledge, so that what still waits behind it (automatic EOI) rises again
 * and makes a new edge.
 */
static void pic_int_falls(struct pic *p, enum pic_which which)
{
	if (which == PIC_SLAVE)
		chip_set_line(&p->state.chip[PIC_MASTER], CASCADE, false);
	p->state.intr = false;
}

bool pic_pending(const struct pic *p)
{
	return p->state.intr;
}

/* One chip answers an acknowledge: the input, or -1 if nothing asks any more. */
static int pic_chip_ack(struct pic *p, enum pic_which which)
{
	struct pic_chip *c = &p->state.chip[which];
	int input = chip_request(c);

	if (input >= 0)
		chip_ack(c, (unsigned)input);
	pic_int_falls(p, which);
	return input;
}

static void pic_taken(struct pic *p, enum pic_which which, int input)
{
	if (input >= 0)
		bus_irq_taken(p->bus, (unsigned)input + (which == PIC_SLAVE ? 8 : 0));
}

uint8_t pic_ack(struct pic *p)
{
	enum pic_which which = PIC_MASTER;
	int input = pic_chip_ack(p, PIC_MASTER);
	uint8_t vector;

	if (input == (int)CASCADE) {
		which = PIC_SLAVE;
		input = pic_chip_ack(p, PIC_SLAVE);
	}
	vector = p->state.chip[which].base + (uint8_t)(input < 0 ? SPURIOUS : (unsigned)input);
	pic_update(p);
	pic_taken(p, which, input);
	return vector;
}

static void pic_set_irq(void *dev, unsigned irq, bool level)
{
	struct pic *p = dev;

	if (irq >= BUS_IRQS || irq == CASCADE)
		return;
	chip_set_line(&p->state.chip[irq / 8], irq % 8, level);
	pic_update(p);
}

/* ICW1 (data sheet, "Initialization command words"): the edge sense circuit is reset, too. */
static void pic_init_begin(struct pic *p, enum pic_which which, uint8_t value)
{
	struct pic_chip *c = &p->state.chip[which];
	uint8_t dropped = c->irr & (uint8_t)~c->elcr;

	*c = (struct pic_chip){
		.irr = c->irr & c->elcr,
		.lines = c->lines,
		.elcr = c->elcr,
		.base = c->base,
		.lowest = 7,
		.icw = 2,
		.want_icw4 = value & ICW1_IC4,
		.single = value & ICW1_SNGL,
	};
	pic_int_falls(p, which);
	pic_update(p);
	for (int input = 0; input < 8; input++)
		if (dropped & bit_of((unsigned)input))
			pic_taken(p, which, input);
}

static void chip_write_icw(struct pic_chip *c, enum pic_which which, uint8_t value)
{
	uint8_t icw = c->icw;

	if (icw == 2)
		c->base = value & 0xf8;
	if (icw == 4) {
		c->auto_eoi = value & ICW4_AEOI;
		c->nested = which == PIC_MASTER && value & ICW4_SFNM;
	}
	if (icw == 2 && !c->single)
		c->icw = 3;
	else
		c->icw = icw != 4 && c->want_icw4 ? 4 : 0;
}

/* OCW2: R, SL and EOI say what, the low bits to which input. */
static void chip_write_ocw2(struct pic_chip *c, uint8_t value)
{
	uint8_t blocking = chip_blocking(c);
	unsigned input = value & 7;

	if (!(value & OCW2_EOI)) {
		if (!(value & OCW2_SL))
			c->rotate_aeoi = value & OCW2_R;
		else if (value & OCW2_R)
			c->lowest = (uint8_t)input;
		return;
	}
	if (!(value & OCW2_SL)) {
		if (!blocking)
			return;
		input = (c->lowest + 1u) & 7;
		while (!(blocking & bit_of(input)))
			input = (input + 1) & 7;
	}
	c->isr &= (uint8_t)~bit_of(input);
	if (value & OCW2_R)
		c->lowest = (uint8_t)input;
}

static void chip_write_ocw3(struct pic_chip *c, uint8_t value)
{
	if (value & OCW3_ESMM)
		c->special_mask = value & OCW3_SMM;
	c->poll = value & OCW3_P;
	if (!c->poll && value & OCW3_RR)
		c->read_isr = value & OCW3_RIS;
}

static void pic_write(void *dev, uint16_t port, unsigned size, uint32_t value)
{
	struct pic *p = dev;
	enum pic_which which = port < PORT_SLAVE ? PIC_MASTER : PIC_SLAVE;
	struct pic_chip *c = &p->state.chip[which];
	uint8_t byte = (uint8_t)value;

	if (port & 1 && c->icw)
		chip_write_icw(c, which, byte);
	else if (port & 1)
		c->imr = byte;
	else if (byte & ICW1)
		pic_init_begin(p, which, byte);
	else if (byte & OCW3)
		chip_write_ocw3(c, byte);
	else
		chip_write_ocw2(c, byte);
	pic_update(p);
}

/* The read that follows OCW3.P is an acknowledge (data sheet, "Poll command"). */
static uint8_t pic_poll(struct pic *p, enum pic_which which)
{
	int input = pic_chip_ack(p, which);

	p->state.chip[which].poll = false;
	pic_update(p);
	pic_taken(p, which, input);
	return input < 0 ? 0 : (uint8_t)(POLL_REQUEST | (unsigned)input);
}

static uint32_t pic_read(void *dev, uint16_t port, unsigned size)
{
	struct pic *p = dev;
	enum pic_which which = port < PORT_SLAVE ? PIC_MASTER : PIC_SLAVE;
	const struct pic_chip *c = &p->state.chip[which];

	if (c->poll)
		return pic_poll(p, which);
	if (port & 1)
		return c->imr;
	return c->read_isr ? c->isr : c->irr;
}

static uint32_t elcr_read(void *dev, uint16_t port, unsigned size)
{
	struct pic *p = dev;

	return p->state.chip[port - PORT_ELCR].elcr;
}

static void elcr_write(void *dev, uint16_t port, unsigned size, uint32_t value)
{
	struct pic *p = dev;
	enum pic_which which = port == PORT_ELCR ? PIC_MASTER : PIC_SLAVE;
	struct pic_chip *c = &p->state.chip[which];

	c->elcr = (uint8_t)value & elcr_writable[which];
	/* A line made level-triggered asks while it is high, with or without an edge. */
	c->irr |= c->elcr & c->lines;
	pic_update(p);
}

static const struct bus_port_ops pic_ops = { 1, pic_read, pic_write };
static const struct bus_port_ops elcr_ops = { 1, elcr_read, elcr_write };

int pic_create(struct pic **out, struct bus *bus)
{
	struct pic *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->bus = bus;
	for (unsigned i = 0; i < PIC_CHIPS; i++) {
		p->state.chip[i].base = bios_base[i];
		p->state.chip[i].imr = 0xff;
		p->state.chip[i].lowest = 7;
	}
	err = bus_add_ports(bus, PORT_MASTER, 2, &pic_ops, p);
	if (!err)
		err = bus_add_ports(bus, PORT_SLAVE, 2, &pic_ops, p);
	if (!err)
		err = bus_add_ports(bus, PORT_ELCR, 2, &elcr_ops, p);
	if (err) {
		pic_destroy(p);
		return err;
	}
	bus->set_irq = pic_set_irq;
	bus->pic = p;
	*out = p;
	return 0;
}

void pic_destroy(struct pic *p)
{
	free(p);
}
