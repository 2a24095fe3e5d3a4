/* SPDX-License-Identifier: MIT */
/* The MC146818 real-time clock behind ports 0x70 and 0x71. */
#ifndef DRIVERS_RTC_H
#define DRIVERS_RTC_H

#include <lib/types.h>

#define RTC_SECONDS 0x00
#define RTC_MINUTES 0x02
#define RTC_HOURS 0x04
#define RTC_DAY 0x07
#define RTC_MONTH 0x08
#define RTC_YEAR 0x09
#define RTC_STATUS_A 0x0a
#define RTC_STATUS_A_UIP 0x80 /* an update is near or under way */
#define RTC_STATUS_B 0x0b
#define RTC_STATUS_B_24H 0x02
#define RTC_STATUS_B_BINARY 0x04 /* else BCD */

struct rtc_regs {
	u8 seconds, minutes, hours, day, month, year; /* raw, as the chip holds them */
};

u8 rtc_read(u8 reg);

/*
 * Reads all six registers twice, until two readings agree, so that no update falls in between.
 * Returns false if they never agree, which means that there is no clock.
 */
bool rtc_read_regs(struct rtc_regs *regs);

#endif
