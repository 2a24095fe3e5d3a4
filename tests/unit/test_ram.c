// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/ram.h"
#include "unit/unit.h"

#define MIB (1ull << 20)

static void sizes_outside_the_machine_are_refused(void)
{
	static const uint64_t sizes[] = {
		0, 1, 2 * MIB - 4096, 3072 * MIB + 4096, UINT64_MAX, 4 * MIB + 1, 4 * MIB + 2048
	};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct diag d = { 0 };
		struct ram ram;

		CU_ASSERT_EQUAL(ram_create(&ram, sizes[i], &d), -EINVAL);
		CU_ASSERT_PTR_NOT_NULL(strstr(d.text, "-m"));
		ram_destroy(&ram); /* harmless after a failure */
	}
}

static void smallest_and_largest_exist_and_cost_nothing(void)
{
	static const uint64_t sizes[] = { 2 * MIB, 3072 * MIB };

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct diag d = { 0 };
		struct stat st;
		struct ram ram;

		CU_ASSERT_EQUAL_FATAL(ram_create(&ram, sizes[i], &d), 0);
		CU_ASSERT_EQUAL(fstat(ram.fd, &st), 0);
		CU_ASSERT_EQUAL(st.st_size, (off_t)sizes[i]);
		CU_ASSERT_EQUAL(st.st_blocks, 0);
		CU_ASSERT_PTR_NOT_NULL(ram_span(&ram, sizes[i] - 1, 1));
		ram_destroy(&ram);
	}
}

static void file_cannot_be_resized(void)
{
	struct ram ram;

	CU_ASSERT_EQUAL_FATAL(ram_create(&ram, 4 * MIB, NULL), 0);
	CU_ASSERT_EQUAL(fcntl(ram.fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	CU_ASSERT_EQUAL(ftruncate(ram.fd, 2 * MIB), -1);
	CU_ASSERT_EQUAL(ftruncate(ram.fd, 8 * MIB), -1);
	CU_ASSERT_EQUAL(fcntl(ram.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ram_destroy(&ram);
}

static void spans_hold_only_ram(void)
{
	static const struct {
		uint64_t gpa, len;
		bool ok;
	} rows[] = {
		{ 0, 1, true },
		{ 0, 0, false },
		{ 0, 0xa0000, true },
		{ 0, 0xa0001, false },
		{ 0x9ffff, 1, true },
		{ 0x9ffff, 2, false },
		{ 0xa0000, 1, false },
		{ 0xfffff, 1, false },
		{ 0xfffff, 2, false },
		{ 0, 0x200000, false }, /* across the hole */
		{ 0x100000, 1, true },
		{ 0x100000, 0x300000, true },
		{ 0x100000, 0x300001, false },
		{ 0x3fffff, 1, true },
		{ 0x400000, 1, false },
		{ 0x400000, 0, false },
		{ 0x3fffff, UINT64_MAX, false },
		{ UINT64_MAX, 1, false },
		{ UINT64_MAX, 2, false },
		{ 0x100000, UINT64_MAX - 0xfffff, false },
	};
	struct ram ram;

	CU_ASSERT_EQUAL_FATAL(ram_create(&ram, 4 * MIB, NULL), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		CU_ASSERT_PTR_EQUAL(ram_span(&ram, rows[i].gpa, rows[i].len),
				    rows[i].ok ? ram.host + rows[i].gpa : NULL);
	ram_destroy(&ram);
}

static void pages_hold_only_ram(void)
{
	struct ram ram;

	CU_ASSERT_EQUAL_FATAL(ram_create(&ram, 4 * MIB, NULL), 0);
	CU_ASSERT_PTR_EQUAL(ram_page(&ram, 0), ram.host);
	CU_ASSERT_PTR_EQUAL(ram_page(&ram, 0x9f000), ram.host + 0x9f000);
	CU_ASSERT_PTR_NULL(ram_page(&ram, 0xa0000));
	CU_ASSERT_PTR_NULL(ram_page(&ram, 0xff000));
	CU_ASSERT_PTR_EQUAL(ram_page(&ram, 0x100000), ram.host + 0x100000);
	CU_ASSERT_PTR_EQUAL(ram_page(&ram, 0x3ff000), ram.host + 0x3ff000);
	CU_ASSERT_PTR_NULL(ram_page(&ram, 0x400000));
	CU_ASSERT_PTR_NULL(ram_page(&ram, 0xa5ffe34000ull));
	ram_destroy(&ram);
}

static void ranges_leave_out_the_hole(void)
{
	struct ram_range r[3] = { { 0 } };
	struct ram ram;

	CU_ASSERT_EQUAL_FATAL(ram_create(&ram, 80 * MIB, NULL), 0);
	CU_ASSERT_EQUAL(ram_ranges(&ram, r, 3), 2);
	CU_ASSERT_EQUAL(r[0].start, 0);
	CU_ASSERT_EQUAL(r[0].bytes, 640 << 10);
	CU_ASSERT_EQUAL(r[1].start, MIB);
	CU_ASSERT_EQUAL(r[1].bytes, 79 * MIB);
	CU_ASSERT_EQUAL(ram_ranges(&ram, r, 1), 1);
	CU_ASSERT_EQUAL(ram_ranges(&ram, r, 0), 0);
	ram_destroy(&ram);
}

/* The bytes around stay, those inside go, and whole pages are given back. */
static void zero_clears_exactly_its_range(void)
{
	static const struct {
		uint32_t first, len;
	} rows[] = { { 0, 1 },	     { 1, 4095 },    { 0, 4096 }, { 10, 4096 }, { 4095, 4098 },
		     { 4096, 8192 }, { 100, 12000 }, { 8191, 2 }, { 0, 16384 }, { 5000, 3000 } };
	struct ram ram;

	CU_ASSERT_EQUAL_FATAL(ram_create(&ram, 4 * MIB, NULL), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t *p = ram_span(&ram, 0x200000, 16384);
		unsigned wrong = 0;

		memset(p, 0xaa, 16384);
		CU_ASSERT_TRUE(ram_zero(&ram, 0x200000 + rows[i].first, rows[i].len));
		for (unsigned at = 0; at < 16384; at++)
			wrong += p[at] != (at - rows[i].first < rows[i].len ? 0 : 0xaa);
		CU_ASSERT_EQUAL(wrong, 0);
	}
	ram_destroy(&ram);
}

static void zero_outside_ram_does_nothing(void)
{
	struct ram ram;

	CU_ASSERT_EQUAL_FATAL(ram_create(&ram, 4 * MIB, NULL), 0);
	*(uint8_t *)ram_span(&ram, 0x3fffff, 1) = 7;
	CU_ASSERT_FALSE(ram_zero(&ram, 0x3fffff, 2));
	CU_ASSERT_FALSE(ram_zero(&ram, 0x3fffff, 0));
	CU_ASSERT_EQUAL(*(uint8_t *)ram_span(&ram, 0x3fffff, 1), 7);
	ram_destroy(&ram);
}

static void zero_gives_pages_back(void)
{
	struct stat st;
	struct ram ram;

	CU_ASSERT_EQUAL_FATAL(ram_create(&ram, 4 * MIB, NULL), 0);
	memset(ram_span(&ram, 0x200000, 65536), 1, 65536);
	CU_ASSERT_TRUE(ram_zero(&ram, 0x200000, 65536));
	CU_ASSERT_EQUAL(fstat(ram.fd, &st), 0);
	CU_ASSERT_EQUAL(st.st_blocks, 0);
	ram_destroy(&ram);
}

static const struct unit_test tests[] = {
	UNIT_TEST(sizes_outside_the_machine_are_refused),
	UNIT_TEST(smallest_and_largest_exist_and_cost_nothing),
	UNIT_TEST(file_cannot_be_resized),
	UNIT_TEST(spans_hold_only_ram),
	UNIT_TEST(pages_hold_only_ram),
	UNIT_TEST(ranges_leave_out_the_hole),
	UNIT_TEST(zero_clears_exactly_its_range),
	UNIT_TEST(zero_outside_ram_does_nothing),
	UNIT_TEST(zero_gives_pages_back),
	UNIT_END,
};

extern const struct unit_suite suite_ram;
const struct unit_suite suite_ram = { "ram", tests };
