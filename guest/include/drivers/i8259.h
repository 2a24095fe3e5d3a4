/* SPDX-License-Identifier: MIT */
/*
 * The pair of 8259 interrupt controllers, cascaded at IRQ 2, edge triggered.
 *
 * The cached masks are the truth; the chips follow. All functions are called with interrupts off.
 */
#ifndef DRIVERS_I8259_H
#define DRIVERS_I8259_H

#include <lib/types.h>

#define PIC_MASTER_CMD 0x20
#define PIC_MASTER_IMR 0x21
#define PIC_SLAVE_CMD 0xa0
#define PIC_SLAVE_IMR 0xa1
#define PIC_CASCADE_IRQ 2

/* Puts IRQ 0..7 at vector base, IRQ 8..15 at base + 8, all masked but the cascade. */
void i8259_init(u8 vector_base);

void i8259_unmask(u32 irq);

/*
 * Acknowledges the interrupt being served. Returns false if it was spurious: the line was gone
 * before the CPU asked (IRQ 7 and 15 only), and there is nothing to serve.
 */
bool i8259_ack(u32 irq);

#endif
