/* SPDX-License-Identifier: MIT */
/*
 * The pair of 8259A interrupt controllers of a PC: ports 0x20 and 0xa0, the second cascaded into
 * input 2 of the first, and the edge/level control registers at 0x4d0.
 *
 * Source: Intel 8259A data sheet (231468-003); ELCR and what a PC chip set fixes: Intel 82371AB
 * (PIIX4) data sheet, 4.2.5 and 4.2.6.
 *
 * - In edge mode a request needs a rising edge, and is withdrawn when its line falls before the CPU
 *   has acknowledged it, as the data sheet says ("IR inputs must remain high until after the
 *   falling edge of the first INTA"). An acknowledge that finds no request left gets input 7:
 *   spurious IRQ 7 or 15, with no in-service bit on the chip that gave it.
 * - As in the PIIX4, ICW1's LTIM bit and ICW3 are accepted and have no effect: ELCR chooses the
 *   mode of each line, and the cascade is wired. The MCS-80 mode (ICW4 bit 0 clear) is not there.
 * - At start the pair is as a PC BIOS leaves it: vectors 0x08 and 0x70, everything masked.
 *
 * A guest that writes anything in any order reaches no state from which ICW1 does not recover.
 */
#ifndef VMM_DEV_PIC_H
#define VMM_DEV_PIC_H

#include <stdbool.h>
#include <stdint.h>

#include "dev/bus.h"

enum pic_which { PIC_MASTER, PIC_SLAVE, PIC_CHIPS };

struct pic_chip {
	uint8_t irr;	  /* requests; a level-triggered bit follows its line */
	uint8_t isr;	  /* in service */
	uint8_t imr;	  /* masked */
	uint8_t lines;	  /* levels at the inputs */
	uint8_t elcr;	  /* level-triggered inputs */
	uint8_t base;	  /* vector of input 0 */
	uint8_t lowest;	  /* the input of lowest priority; the one after it is highest */
	uint8_t icw;	  /* number of the initialisation word awaited, 0 for none */
	bool want_icw4;	  /* ICW1.IC4 */
	bool single;	  /* ICW1.SNGL: no ICW3 */
	bool auto_eoi;	  /* ICW4.AEOI */
	bool nested;	  /* ICW4.SFNM, special fully nested: of use on the master only */
	bool rotate_aeoi; /* OCW2: rotate in automatic EOI mode */
	bool special_mask;
	bool read_isr; /* OCW3: the command port reads ISR instead of IRR */
	bool poll;     /* OCW3: the next read acknowledges */
};

struct pic_state {
	struct pic_chip chip[PIC_CHIPS];
	bool intr; /* the master's INT output */
};

struct pic {
	struct pic_state state;
	struct bus *bus;
};

/*
 * Create the pair and make it the bus's interrupt controller. -ENOMEM, or what bus_add_ports says.
 * After a failure, and after pic_destroy, the bus may not be used again.
 */
int pic_create(struct pic **out, struct bus *bus);
void pic_destroy(struct pic *p);

/* Does the pair ask for an interrupt? The bus's attention is called when this becomes true. */
bool pic_pending(const struct pic *p);

/*
 * The CPU acknowledges: the vector. Without a pending request it is a spurious one, as on hardware.
 */
uint8_t pic_ack(struct pic *p);

#endif
