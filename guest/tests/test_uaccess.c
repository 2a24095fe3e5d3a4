// SPDX-License-Identifier: MIT
/*
 * The kernel's way to user memory: how much of a copy is done where the good memory ends. Runs in a
 * thread of the kernel that has an address space.
 */
#include "user_side.h"
#include <kernel/sched.h>
#include <kernel/uaccess.h>
#include <lib/string.h>

#define AREA 0x20000000u
#define END (AREA + PAGE_SIZE) /* of the good memory */
#define BYTES 16

static struct selftest_result *result;

static void copies_end_at_the_last_good_byte(struct selftest_result *r)
{
	char buf[BYTES];

	for (u32 good = 0; good <= BYTES; good++) {
		u32 at = END - good;

		memset(buf, 'a' + (int)good, sizeof(buf));
		EXPECT_EQ(r, copy_to_user(at, buf, BYTES), BYTES - good);
		memset(buf, 0xff, sizeof(buf));
		EXPECT_EQ(r, copy_from_user(buf, at, BYTES), BYTES - good);
		for (u32 i = 0; i < BYTES; i++)
			EXPECT_EQ(r, buf[i], i < good ? 'a' + good : 0);
		EXPECT_EQ(r, clear_user(at, BYTES), BYTES - good);
		EXPECT_EQ(r, copy_from_user(buf, at, good), 0);
		for (u32 i = 0; i < good; i++)
			EXPECT_EQ(r, buf[i], 0);
	}
}

static void addresses_of_the_kernel_are_refused(struct selftest_result *r)
{
	char byte = 1;
	u32 word;

	EXPECT_EQ(r, copy_to_user((u32)&byte, "", 1), 1);
	EXPECT_EQ(r, byte, 1);
	EXPECT_EQ(r, copy_to_user(PAGE_OFFSET - 1, "ab", 2), 2);
	EXPECT_EQ(r, copy_from_user(&word, UINT32_MAX, 4), 4);
	EXPECT_EQ(r, clear_user((u32)&byte, 1), 1);
	EXPECT_EQ(r, get_user_u32(&word, PAGE_OFFSET), -EFAULT);
	EXPECT_EQ(r, put_user_u32(0, PAGE_OFFSET - 3), -EFAULT);
	EXPECT_EQ(r, strnlen_user((u32) "kernel", 10), 0);
	EXPECT_EQ(r, copy_to_user(PAGE_OFFSET, "", 0), 0); /* nothing is fine anywhere below */
}

static void strings_are_measured(struct selftest_result *r)
{
	char buf[BYTES];

	EXPECT_EQ(r, copy_to_user(END - 4, "abc", 4), 0);
	EXPECT_EQ(r, strncpy_from_user(buf, END - 4, BYTES), 3);
	EXPECT_EQ(r, strcmp(buf, "abc"), 0);
	EXPECT_EQ(r, strncpy_from_user(buf, END - 4, 2), 2);
	EXPECT_EQ(r, strnlen_user(END - 4, BYTES), 4);
	EXPECT_EQ(r, strnlen_user(END - 4, 2), 3);
	EXPECT_EQ(r, copy_to_user(END - 4, "abcd", 4), 0);
	EXPECT_EQ(r, strncpy_from_user(buf, END - 4, 4), 4);
	EXPECT_EQ(r, strncpy_from_user(buf, END - 4, 5), -EFAULT);
	EXPECT_EQ(r, strnlen_user(END - 4, 5), 0);
}

static int thread_with_mm(void *arg)
{
	void (*test)(struct selftest_result * r) = arg;
	struct mm_struct *mm = mm_alloc();

	if (!mm)
		do_exit(EXITED(1));
	exec_mmap(mm);
	if (do_mmap_pgoff(mm, NULL, AREA, PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0) != AREA)
		do_exit(EXITED(2));
	test(result);
	do_exit(0);
}

static void run_with_mm(struct selftest_result *r, const void *arg)
{
	u32 pages = pages_at_rest();

	result = r;
	EXPECT_EQ(r, wait_for(kernel_thread(thread_with_mm, (void *)arg, "uaccess")), 0);
	EXPECT_EQ(r, pages_at_rest(), pages);
}

const struct selftest uaccess_tests[] = {
	{ "user_copies_end_at_the_last_good_byte", run_with_mm, copies_end_at_the_last_good_byte },
	{ "user_addresses_of_the_kernel_are_refused", run_with_mm,
	  addresses_of_the_kernel_are_refused },
	{ "user_strings_are_measured", run_with_mm, strings_are_measured },
	{ NULL, NULL, NULL },
};
