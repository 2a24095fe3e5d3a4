/* SPDX-License-Identifier: MIT */
/*
 * Kernel time: ticks of the PIT.
 *
 * jiffies counts timer interrupts since time_init(); it is written by the interrupt handler only.
 */
#ifndef KERNEL_TIME_H
#define KERNEL_TIME_H

#define HZ 100

extern volatile unsigned long jiffies;

/* Programs the PIT to HZ and takes IRQ 0. Interrupts are off. */
void time_init(void);

#endif
