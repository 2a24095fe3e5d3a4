// SPDX-License-Identifier: MIT
/* What engine soft promises beyond engine.h, whose promises the engine_*.c beside this check. */
#include <errno.h>
#include <string.h>

#include "engine_rig.h"
#include "unit.h"

static void deadline_is_exact_and_time_is_the_instruction_count(void)
{
	struct rig r;

	RIG_BEGIN(&r, "\x40\xeb\xfd"); /* inc eax; jmp */
	CU_ASSERT_EQUAL(rig_run_to(&r, 1001), ENGINE_EXIT_DEADLINE);
	CU_ASSERT_EQUAL(r.ops->now_ns(r.e), 1001);
	CU_ASSERT_EQUAL(r.s.gpr[X86_EAX], 501);
	rig_end(&r);
}

static void tell_the_time(struct rig *r, struct rig_access *a)
{
	a->value = (uint32_t)r->ops->now_ns(r->e);
}

static void device_sees_the_time_of_the_instruction_that_asks(void)
{
	struct rig r;

	RIG_BEGIN(&r, "\x90\x90\x90\xe5\x80\xf4"); /* nop x3; in eax, 0x80; hlt */
	r.on_access = tell_the_time;
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(r.s.gpr[X86_EAX], 3);
	rig_end(&r);
}

static void idle_time_passes_at_once_and_exactly(void)
{
	struct rig r;

	RIG_BEGIN(&r, "\xf4");
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	r.ops->idle_until(r.e, 5000000000u);
	CU_ASSERT_EQUAL(r.ops->now_ns(r.e), 5000000000u);
	rig_end(&r);
}

static void unsupported_instruction_is_named(void)
{
	/* a far jump to a TSS is a task switch */
	static const uint64_t tss = 0x0000890000000067ull | (uint64_t)(RIG_DATA & 0xffffff) << 16;
	struct rig r;

	RIG_BEGIN(&r, "\xea\x00\x00\x00\x00\x18\x00");
	rig_put(&r, RIG_GDT + 0x18, &tss, 8);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_UNSUPPORTED);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.out.text, "task"));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.out.text, "jmp"));
	rig_end(&r);
}

static void saved_vcpu_goes_on_exactly_the_same_when_loaded(void)
{
	struct engine_snapshot at;
	struct rig a, b;

	RIG_BEGIN(&a, "\x40\x01\xc3\xeb\xfb"); /* inc eax; add ebx, eax; jmp */
	RIG_BEGIN(&b, "\x40\x01\xc3\xeb\xfb");
	rig_run_to(&a, 1000);
	CU_ASSERT_EQUAL(a.ops->save(a.e, &at), 0);
	CU_ASSERT_EQUAL(b.ops->load(b.e, &at), 0);
	CU_ASSERT_EQUAL(b.ops->now_ns(b.e), 1000);
	rig_run_to(&a, 2000);
	rig_run_to(&b, 2000);
	CU_ASSERT_EQUAL(memcmp(&a.s, &b.s, sizeof(a.s)), 0);
	rig_end(&a);
	rig_end(&b);
}

static void too_few_shadow_pages_are_refused_with_the_least_that_will_do(void)
{
	struct engine_config config = { .mmu = ENGINE_MMU_SHADOW };
	struct engine_probe probe;
	struct diag d = { .text = "" };
	struct engine *e = NULL;
	struct ram ram;

	CU_ASSERT_EQUAL_FATAL(ram_create(&ram, 4u << 20, NULL), 0);
	config.ram = &ram;
	engine_soft.probe(ENGINE_MMU_SHADOW, &probe);
	CU_ASSERT_TRUE(probe.usable);
	config.shadow.pages = SHADOW_MIN_PAGES - 1;
	CU_ASSERT_EQUAL(engine_soft.create(&e, &config, &d), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(d.text, "give --shadow-pages from 12 to 1048576"));
	config.shadow.pages = SHADOW_MIN_PAGES;
	CU_ASSERT_EQUAL_FATAL(engine_soft.create(&e, &config, &d), 0);
	CU_ASSERT_PTR_NOT_NULL(engine_soft.shadow(e));
	engine_soft.destroy(e);
	config.mmu = ENGINE_MMU_DIRECT;
	CU_ASSERT_EQUAL_FATAL(engine_soft.create(&e, &config, &d), 0);
	CU_ASSERT_PTR_NULL(engine_soft.shadow(e));
	engine_soft.destroy(e);
	ram_destroy(&ram);
}

static const struct unit_test tests[] = {
	UNIT_TEST(deadline_is_exact_and_time_is_the_instruction_count),
	UNIT_TEST(device_sees_the_time_of_the_instruction_that_asks),
	UNIT_TEST(idle_time_passes_at_once_and_exactly),
	UNIT_TEST(unsupported_instruction_is_named),
	UNIT_TEST(saved_vcpu_goes_on_exactly_the_same_when_loaded),
	UNIT_TEST(too_few_shadow_pages_are_refused_with_the_least_that_will_do),
	UNIT_END,
};

const struct unit_suite suite_soft = { "soft", tests };
