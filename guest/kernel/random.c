// SPDX-License-Identifier: MIT
#include <arch/processor.h>
#include <drivers/rtc.h>
#include <drivers/sandbox.h>
#include <kernel/random.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>

#include "mm/errno.h"

#define GRND_KNOWN 7u

static u64 state;
static bool seeded;

static void seed(void)
{
	seeded = true;
	if (sandbox_present())
		state = (u64)sandbox_read(SANDBOX_RANDOM) << 32 | sandbox_read(SANDBOX_RANDOM);
	else
		state = rdtsc();
}

/* SplitMix64 (Steele, Lea, Flood 2014). */
static u64 next(void)
{
	u64 z;

	if (!seeded)
		seed();
	z = state += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

void random_bytes(void *buf, u32 n)
{
	u8 *p = buf;
	u64 bits = 0;

	for (u32 i = 0; i < n; i++, bits >>= 8) {
		if (i % 8 == 0)
			bits = next();
		p[i] = (u8)bits;
	}
}

SYSCALL_FN(getrandom)
{
	u32 user = args->a[0], n = args->a[1], total = 0;
	u8 bytes[64];

	if (args->a[2] & ~GRND_KNOWN)
		return -EINVAL;
	if (n > INT32_MAX)
		n = INT32_MAX;
	if (!access_ok(user, n))
		return -EFAULT;
	while (total < n) {
		u32 part = n - total < sizeof(bytes) ? n - total : sizeof(bytes), missing;

		random_bytes(bytes, part);
		missing = copy_to_user(user + total, bytes, part);
		total += part - missing;
		if (missing)
			break;
	}
	return total || !n ? (int32_t)total : -EFAULT;
}
