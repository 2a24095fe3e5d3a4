// SPDX-License-Identifier: MIT
#include <arch/io.h>
#include <drivers/rtc.h>
#include <lib/string.h>

#define RTC_INDEX 0x70
#define RTC_DATA 0x71

/* An update takes 2 ms at most; this many port reads take far longer. */
#define UIP_POLLS 1000000

u8 rtc_read(u8 reg)
{
	outb(reg, RTC_INDEX);
	return inb(RTC_DATA);
}

static void read_once(struct rtc_regs *r)
{
	r->seconds = rtc_read(RTC_SECONDS);
	r->minutes = rtc_read(RTC_MINUTES);
	r->hours = rtc_read(RTC_HOURS);
	r->day = rtc_read(RTC_DAY);
	r->month = rtc_read(RTC_MONTH);
	r->year = rtc_read(RTC_YEAR);
}

bool rtc_read_regs(struct rtc_regs *regs)
{
	struct rtc_regs again;

	for (u32 i = 0; i < UIP_POLLS; i++) {
		if (rtc_read(RTC_STATUS_A) & RTC_STATUS_A_UIP)
			continue;
		read_once(regs);
		read_once(&again);
		if (!memcmp(regs, &again, sizeof(again)))
			return true;
	}
	return false;
}
