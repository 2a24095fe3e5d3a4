/* SPDX-License-Identifier: MIT */
/*
 * The load average: how many tasks can run, averaged over 1, 5 and 15 minutes as Linux does
 * (include/linux/sched/loadavg.h): every five seconds an exponentially weighted step.
 */
#ifndef KERNEL_LOADAVG_H
#define KERNEL_LOADAVG_H

#include <kernel/time.h>
#include <lib/types.h>

#define LOAD_TICKS (5 * HZ + 1)

/* From the timer, every LOAD_TICKS. */
void update_loadavg(u32 running);
/* In hundredths, rounded. */
void get_avenrun(u32 hundredths[3]);

#endif
