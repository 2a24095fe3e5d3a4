/* SPDX-License-Identifier: MIT */
/*
 * Kernel time: ticks of the PIT, and its counter between them.
 *
 * jiffies counts timer interrupts since time_init(); it is written by the interrupt handler only.
 * The clocks go on by the PIT's counter, 838 ns a step, and never back.
 */
#ifndef KERNEL_TIME_H
#define KERNEL_TIME_H

#include <lib/types.h>

#define HZ 100
#define NSEC_PER_SEC 1000000000
#define TICK_NS (NSEC_PER_SEC / HZ)

extern volatile unsigned long jiffies;

/* Programs the PIT to HZ and takes IRQ 0. Interrupts are off. */
void time_init(void);

/* Nanoseconds since time_init(); and since 1970, by the RTC of the first call. */
u64 monotonic_ns(void);
u64 realtime_ns(void);

#endif
