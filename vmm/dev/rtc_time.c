// SPDX-License-Identifier: MIT
#include "dev/rtc_time.h"

#include <stdbool.h>

#define HOURS_PM 0x80u
#define ALARM_ANY 0xc0u /* an alarm byte with both top bits set matches every value */
#define DAY_SECONDS 86400u
#define MATCHES_ALL (-1)
#define MATCHES_NONE (-2)

static uint8_t encode(const uint8_t *ram, unsigned value)
{
	return (uint8_t)(ram[RTC_B] & RTC_B_BINARY ? value : value / 10 << 4 | value % 10);
}

static unsigned decode(const uint8_t *ram, uint8_t byte)
{
	return ram[RTC_B] & RTC_B_BINARY ? byte : (byte >> 4) * 10u + (byte & 15);
}

/* With 12 hours the day begins at 12 AM, and bit 7 is PM (data sheet, table 3). */
static uint8_t encode_hour(const uint8_t *ram, unsigned hour)
{
	if (ram[RTC_B] & RTC_B_24H)
		return encode(ram, hour);
	return encode(ram, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? HOURS_PM : 0);
}

static unsigned clamp(unsigned value, unsigned low, unsigned high)
{
	return value < low ? low : value > high ? high : value;
}

static unsigned get(const uint8_t *ram, unsigned reg, unsigned low, unsigned high)
{
	return clamp(decode(ram, ram[reg]), low, high);
}

static unsigned get_hour(const uint8_t *ram)
{
	uint8_t byte = ram[RTC_HOURS];

	if (ram[RTC_B] & RTC_B_24H)
		return get(ram, RTC_HOURS, 0, 23);
	return clamp(decode(ram, byte & (uint8_t)~HOURS_PM), 1, 12) % 12 +
	       (byte & HOURS_PM ? 12 : 0);
}

static uint32_t second_of_day(const uint8_t *ram)
{
	return get_hour(ram) * 3600 + get(ram, RTC_MINUTES, 0, 59) * 60 +
	       get(ram, RTC_SECONDS, 0, 59);
}

static unsigned month_days(unsigned month, unsigned year)
{
	static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && year % 4 == 0);
}

static void advance_date(uint8_t *ram, uint64_t days)
{
	unsigned century = get(ram, RTC_CENTURY, 0, 99);
	unsigned year = get(ram, RTC_YEAR, 0, 99);
	unsigned month = get(ram, RTC_MONTH, 1, 12);
	unsigned day = get(ram, RTC_DAY, 1, month_days(month, year));
	unsigned weekday = get(ram, RTC_WEEKDAY, 1, 7);

	weekday = (unsigned)((weekday - 1 + days) % 7 + 1);
	while (days > month_days(month, year) - day) {
		days -= month_days(month, year) - day + 1;
		day = 1;
		month = month % 12 + 1;
		if (month == 1)
			year = (year + 1) % 100;
		if (month == 1 && year == 0)
			century = (century + 1) % 100;
	}
	ram[RTC_WEEKDAY] = encode(ram, weekday);
	ram[RTC_DAY] = encode(ram, day + (unsigned)days);
	ram[RTC_MONTH] = encode(ram, month);
	ram[RTC_YEAR] = encode(ram, year);
	ram[RTC_CENTURY] = encode(ram, century);
}

void rtc_time_advance(uint8_t *ram, uint64_t seconds)
{
	uint64_t total = second_of_day(ram) + seconds;
	uint32_t second = (uint32_t)(total % DAY_SECONDS);

	ram[RTC_HOURS] = encode_hour(ram, second / 3600);
	ram[RTC_MINUTES] = encode(ram, second / 60 % 60);
	ram[RTC_SECONDS] = encode(ram, second % 60);
	if (total >= DAY_SECONDS)
		advance_date(ram, total / DAY_SECONDS);
}

/* The value that an alarm byte names, MATCHES_ALL, or MATCHES_NONE. */
static int alarm_value(const uint8_t *ram, unsigned reg, unsigned values,
		       uint8_t (*code)(const uint8_t *ram, unsigned value))
{
	if ((ram[reg] & ALARM_ANY) == ALARM_ANY)
		return MATCHES_ALL;
	for (unsigned v = 0; v < values; v++)
		if (code(ram, v) == ram[reg])
			return (int)v;
	return MATCHES_NONE;
}

static bool matches(int alarm, uint32_t value)
{
	return alarm == MATCHES_ALL || (uint32_t)alarm == value;
}

uint32_t rtc_alarm_in(const uint8_t *ram)
{
	int hour = alarm_value(ram, RTC_HOURS_ALARM, 24, encode_hour);
	int minute = alarm_value(ram, RTC_MINUTES_ALARM, 60, encode);
	int second = alarm_value(ram, RTC_SECONDS_ALARM, 60, encode);
	uint32_t now = second_of_day(ram);
	uint32_t at = now + 1;

	if (hour == MATCHES_NONE || minute == MATCHES_NONE || second == MATCHES_NONE)
		return RTC_NO_ALARM;
	/* Skip whole hours, then minutes: a few hundred steps at most. */
	while (at < now + DAY_SECONDS) {
		if (!matches(hour, at / 3600 % 24))
			at += 3600 - at % 3600;
		else if (!matches(minute, at / 60 % 60))
			at += 60 - at % 60;
		else if (!matches(second, at % 60))
			at++;
		else
			break;
	}
	return at < now + DAY_SECONDS ? at - now : DAY_SECONDS;
}
