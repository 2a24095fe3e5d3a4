// SPDX-License-Identifier: MIT
/* The model of tests/mm/fault_model.h with accesses by the CPU: what is not flushed shows. */
#include "fault_rig.h"
#include "tests/mm/fault_model.h"

static void run_in(struct mm_struct *mm)
{
	if (mm_host.user_mm != mm)
		mm_host_switch_mm(mm);
}

static enum fault_outcome cpu_read(struct mm_struct *mm, vaddr_t addr, uint32_t *value)
{
	run_in(mm);
	return mm_host_user_read(addr, value, sizeof(*value));
}

/* Each third is the kernel's, which cannot tell why it was refused. */
static enum fault_outcome cpu_write(struct mm_struct *mm, vaddr_t addr, uint32_t value)
{
	static unsigned calls;

	run_in(mm);
	if (++calls % 3)
		return mm_host_user_write(addr, &value, sizeof(value));
	mm_host.outcome = FAULT_DONE_MINOR;
	mm_host_copy_to_user(addr, &value, sizeof(value));
	return mm_host.outcome;
}

static void leave(void)
{
	mm_host_switch_mm(NULL);
}

static const struct fault_model_access cpu = { cpu_read, cpu_write, leave };

static void run(uint32_t seed, uint32_t ops)
{
	struct mm_struct *mm = fault_begin();
	uint32_t before = 0;

	for (unsigned round = 0; round < 2; round++) {
		unsigned failures = fault_model_run(&cpu, seed, ops, 250);

		CU_ASSERT_EQUAL(failures, 0);
		if (failures)
			fprintf(stderr, "%s", mm_host_log());
		/* The first leaves slabs of its caches, the second nothing. */
		CU_ASSERT(!round || free_at_rest() == before);
		before = free_at_rest();
	}
	fault_end(mm);
}

static void random_operations_agree_with_a_plain_model(void)
{
	run(1, 10000);
}

static void another_seed_does_too(void)
{
	run(0x5eed, 10000);
}

static const struct unit_test tests[] = {
	UNIT_TEST(random_operations_agree_with_a_plain_model),
	UNIT_TEST(another_seed_does_too),
	UNIT_END,
};

const struct unit_suite suite_fault_model = { "fault_model", tests };
