/* SPDX-License-Identifier: MIT */
/*
 * Time and alarm bytes of the MC146818A in the format that register B chooses; for rtc.c alone.
 */
#ifndef VMM_DEV_RTC_TIME_H
#define VMM_DEV_RTC_TIME_H

#include <stdint.h>

enum {
	RTC_SECONDS = 0x00,
	RTC_SECONDS_ALARM = 0x01,
	RTC_MINUTES = 0x02,
	RTC_MINUTES_ALARM = 0x03,
	RTC_HOURS = 0x04,
	RTC_HOURS_ALARM = 0x05,
	RTC_WEEKDAY = 0x06, /* 1 is Sunday */
	RTC_DAY = 0x07,
	RTC_MONTH = 0x08,
	RTC_YEAR = 0x09,
	RTC_A = 0x0a,
	RTC_B = 0x0b,
	RTC_C = 0x0c,
	RTC_D = 0x0d,
	RTC_CENTURY = 0x32,
};

#define RTC_B_SET 0x80u
#define RTC_B_BINARY 0x04u /* DM */
#define RTC_B_24H 0x02u
#define RTC_NO_ALARM UINT32_MAX

/* Step the clock by `seconds`. */
void rtc_time_advance(uint8_t *ram, uint64_t seconds);

/* Seconds until the alarm matches next, 1..86400, or RTC_NO_ALARM if its bytes match no time. */
uint32_t rtc_alarm_in(const uint8_t *ram);

#endif
