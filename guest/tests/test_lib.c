// SPDX-License-Identifier: MIT
/*
 * The library the rest stands on: division, memory, formats. Expected values are calculated by hand
 * or come from ISO C.
 */
#include "selftest.h"
#include <lib/div64.h>
#include <lib/string.h>
#include <lib/vsprintf.h>

struct division {
	u64 n, d, quotient, remainder;
};

static void unsigned_division(struct selftest_result *r, const void *arg)
{
	static const struct division cases[] = {
		{ 0, 1, 0, 0 },
		{ 7, 9, 0, 7 },
		{ 1000000007, 10, 100000000, 7 },
		{ 0x123456789abcdef0, 0x10, 0x0123456789abcdef, 0 },
		{ 0xffffffffffffffff, 0xffffffff, 0x100000001, 0 },
		{ 0xffffffffffffffff, 0x100000000, 0xffffffff, 0xffffffff },
		{ 0xffffffffffffffff, 0xffffffffffffffff, 1, 0 },
		{ 0xfffffffffffffffe, 0xffffffffffffffff, 0, 0xfffffffffffffffe },
		{ 0xffffffffffffffff, 0x8000000000000000, 1, 0x7fffffffffffffff },
		{ 0xffffffffffffffff, 0x100000001, 0xffffffff, 0 },
		{ 0xfffffffe00000000, 0xffffffff, 0xfffffffe, 0xfffffffe },
		{ 18000000000000000000u, 10000000001, 1799999999, 8200000001 },
	};

	(void)arg;
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct division *c = &cases[i];

		EXPECT(r, __udivdi3(c->n, c->d) == c->quotient);
		EXPECT(r, __umoddi3(c->n, c->d) == c->remainder);
	}
}

static void signed_division(struct selftest_result *r, const void *arg)
{
	(void)arg;
	EXPECT(r, __divdi3(-7, 2) == -3 && __moddi3(-7, 2) == -1);
	EXPECT(r, __divdi3(7, -2) == -3 && __moddi3(7, -2) == 1);
	EXPECT(r, __divdi3(-7, -2) == 3 && __moddi3(-7, -2) == -1);
	EXPECT(r, __divdi3(-10000000000, 3) == -3333333333 && __moddi3(-10000000000, 3) == -1);
	EXPECT(r, __divdi3(INT64_MIN, 2) == INT64_MIN / 2 && __moddi3(INT64_MIN, 2) == 0);
}

static void memory_moves(struct selftest_result *r, const void *arg)
{
	char text[] = "abcdefgh";
	char small[4];

	(void)arg;
	memmove(text + 2, text, 5);
	EXPECT(r, !strcmp(text, "ababcdeh"));
	memmove(text, text + 2, 5);
	EXPECT(r, !strcmp(text, "abcdedeh"));
	memset(text, 'x', 3);
	EXPECT(r, !memcmp(text, "xxxdedeh", 9));
	EXPECT(r, memcmp("a\xff", "a\x01", 2) > 0);
	EXPECT_EQ(r, strlcpy(small, "abcd", sizeof(small)), 4);
	EXPECT(r, !strcmp(small, "abc"));
	EXPECT(r, strcmp("ab", "abc") < 0 && strncmp("ab", "abc", 2) == 0);
}

static void expect_format(struct selftest_result *r, const char *expected, const char *fmt, ...)
	__printf(3, 4);

static void expect_format(struct selftest_result *r, const char *expected, const char *fmt, ...)
{
	char buf[64];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, args);
	va_end(args);
	if (strcmp(buf, expected) || n != (int)strlen(expected))
		selftest_fail(r, __FILE__, __LINE__, expected);
}

static void formats(struct selftest_result *r, const void *arg)
{
	char buf[4];

	(void)arg;
	expect_format(r, "-2147483648 4294967295 0", "%d %u %d", INT32_MIN, UINT32_MAX, 0);
	expect_format(r, "   42|42   |00042|+42", "%5d|%-5d|%05d|%+d", 42, 42, 42, 42);
	expect_format(r, "-0042|  -42", "%05d|%5d", -42, -42);
	expect_format(r, "beef BEEF 0xbeef 0000beef", "%x %X %#x %08x", 0xbeef, 0xbeef, 0xbeef,
		      0xbeef);
	expect_format(r, "123456789abcdef0", "%llx", 0x123456789abcdef0ull);
	expect_format(r, "18446744073709551615", "%llu", UINT64_MAX);
	expect_format(r, "-9223372036854775808", "%lld", (long long)INT64_MIN);
	expect_format(r, "ab   |   ab|abc|%", "%-*s|%5s|%.3s|%%", 5, "ab", "ab", "abcdef");
	expect_format(r, "x   0x00001000", "%-4c%p", 'x', (void *)0x1000);
	expect_format(r, "255 -1 7", "%hhu %hhd %lu", (u8)255, (signed char)-1, 7ul);
	EXPECT_EQ(r, snprintf(buf, sizeof(buf), "%s", "abcdef"), 6);
	EXPECT(r, !strcmp(buf, "abc"));
}

static void sizes(struct selftest_result *r, const void *arg)
{
	const char *end;

	(void)arg;
	EXPECT(r, memparse("3G", NULL) == 3ull << 30);
	EXPECT(r, memparse("0x10k", NULL) == 16 << 10);
	EXPECT(r, memparse("010", NULL) == 8);
	EXPECT(r, memparse("80M,", &end) == 80 << 20 && *end == ',');
	EXPECT(r, memparse("x", &end) == 0 && *end == 'x');
}

const struct selftest lib_tests[] = {
	{ "unsigned_64_bit_division", unsigned_division, NULL },
	{ "signed_64_bit_division_rounds_towards_zero", signed_division, NULL },
	{ "memory_and_string_functions", memory_moves, NULL },
	{ "printf_formats", formats, NULL },
	{ "sizes_with_suffixes", sizes, NULL },
	{ NULL, NULL, NULL },
};
