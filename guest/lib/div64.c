// SPDX-License-Identifier: MIT
/*
 * Schoolbook division in base 2^32, with the CPU's 64-by-32 DIV for the digits.
 */
#include <lib/div64.h>

/* (hi:lo) / d, where hi < d, so that the quotient fits. */
static u32 div_64_32(u32 hi, u32 lo, u32 d, u32 *rem)
{
	u32 q;

	asm("divl %4" : "=a"(q), "=d"(*rem) : "a"(lo), "d"(hi), "r"(d) : "cc");
	return q;
}

u64 __udivmoddi4(u64 n, u64 d, u64 *rem)
{
	u32 n_hi = (u32)(n >> 32), d_hi = (u32)(d >> 32);

	if (!d_hi) {
		u32 r, q_hi, q_lo;

		q_hi = div_64_32(0, n_hi, (u32)d, &r);
		q_lo = div_64_32(r, (u32)n, (u32)d, &r);
		*rem = r;
		return (u64)q_hi << 32 | q_lo;
	}

	/*
	 * The quotient fits in 32 bits. Shift both right until d does too, divide, and correct: the
	 * estimate from d's upper 32 bits is right or one too large; halving n first keeps the DIV
	 * from overflowing and costs one bit of the quotient (Hacker's Delight, 9-5).
	 */
	int shift = __builtin_clz(d_hi);
	u32 d_top = (u32)((d << shift) >> 32);
	u64 half = n >> 1;
	u32 r;
	u64 q = div_64_32((u32)(half >> 32), (u32)half, d_top, &r);

	q = (q << shift) >> 31;
	if (q)
		q--;
	n -= q * d;
	if (n >= d) {
		n -= d;
		q++;
	}
	*rem = n;
	return q;
}

u64 __udivdi3(u64 n, u64 d)
{
	u64 rem;

	return __udivmoddi4(n, d, &rem);
}

u64 __umoddi3(u64 n, u64 d)
{
	u64 rem;

	__udivmoddi4(n, d, &rem);
	return rem;
}

static u64 magnitude(s64 v)
{
	return v < 0 ? -(u64)v : (u64)v;
}

/* The quotient is rounded towards 0 and the remainder has the sign of n, as ISO C says. */
s64 __divmoddi4(s64 n, s64 d, s64 *rem)
{
	u64 r;
	u64 q = __udivmoddi4(magnitude(n), magnitude(d), &r);

	*rem = (s64)(n < 0 ? -r : r);
	return (s64)((n < 0) != (d < 0) ? -q : q);
}

s64 __divdi3(s64 n, s64 d)
{
	s64 rem;

	return __divmoddi4(n, d, &rem);
}

s64 __moddi3(s64 n, s64 d)
{
	s64 rem;

	__divmoddi4(n, d, &rem);
	return rem;
}
