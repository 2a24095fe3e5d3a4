// SPDX-License-Identifier: MIT
/* Long runs of tests/mm/vma_model.c. */
#include <stdio.h>

#include "mm_host.h"
#include "tests/mm/vma_model.h"
#include "unit.h"

static void run(uint32_t seed, uint32_t ops, uint32_t check_every)
{
	unsigned wrong;

	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 128 << 20, .highmem = 32 << 20 });
	wrong = vma_model_run(seed, ops, check_every);
	CU_ASSERT_EQUAL(wrong, 0);
	if (wrong)
		fprintf(stderr, "%s", mm_host_log());
	CU_ASSERT_EQUAL(mm_host_check(), 0);
	mm_host_end();
}

/* Looked at after every call, so that the call that went wrong is the one that is named. */
static void every_call_leaves_what_the_model_says(void)
{
	run(0x5eed, 3000, 1);
}

static void many_calls_do(void)
{
	run(2, 40000, 50);
}

static const struct unit_test tests[] = {
	UNIT_TEST(every_call_leaves_what_the_model_says),
	UNIT_TEST(many_calls_do),
	UNIT_END,
};

const struct unit_suite suite_vma_model = { "vma_model", tests };
