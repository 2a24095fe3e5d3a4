// SPDX-License-Identifier: MIT
#include <kernel/loadavg.h>

#define FSHIFT 11
#define FIXED_1 (1u << FSHIFT)

/* FIXED_1 * exp(-5 s / minutes) */
static const u32 decay[3] = { 1884, 2014, 2037 };
static u32 avenrun[3];

void update_loadavg(u32 running)
{
	u32 active = running * FIXED_1;

	for (u32 i = 0; i < 3; i++) {
		u32 sum = avenrun[i] * decay[i] + active * (FIXED_1 - decay[i]);

		/* Rounded up on the way up, so that a constant load is reached. */
		if (active >= avenrun[i])
			sum += FIXED_1 - 1;
		avenrun[i] = sum / FIXED_1;
	}
}

void get_avenrun(u32 hundredths[3])
{
	for (u32 i = 0; i < 3; i++)
		hundredths[i] = ((avenrun[i] + FIXED_1 / 200) * 100) >> FSHIFT;
}
