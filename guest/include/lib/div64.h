/* SPDX-License-Identifier: MIT */
/*
 * 64-bit division. The compiler calls these for u64 and s64 operands; libgcc, which has them,
 * is absent on hosts without multilib. Division by zero raises #DE, as it does with 32 bits.
 */
#ifndef LIB_DIV64_H
#define LIB_DIV64_H

#include <lib/types.h>

u64 __udivmoddi4(u64 n, u64 d, u64 *rem);
s64 __divmoddi4(s64 n, s64 d, s64 *rem);
u64 __udivdi3(u64 n, u64 d);
u64 __umoddi3(u64 n, u64 d);
s64 __divdi3(s64 n, s64 d);
s64 __moddi3(s64 n, s64 d);

#endif
