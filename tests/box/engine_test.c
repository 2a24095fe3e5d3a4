// SPDX-License-Identifier: MIT
/*
 * engine_test ENGINE [shadow] [SUITE...]: what engine.h promises, checked through the ops table
 * alone on the engine `soft` or `kvm`, with mmu direct or shadow, in KTAP. Exit status 0: all
 * passed; 1: not; 77: the engine cannot run here, and a line says why.
 */
#include <CUnit/Basic.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine_rig.h"
#include "unit.h"

#define STATUS_SKIP 77

/* --- what engine kvm promises beyond engine.h ------------------------------------------------- */

RIG_GUEST(verr, "mov $0x55, %ebx; verr 0xfeb00000; hlt");

static void instruction_that_kvm_cannot_emulate_is_named(void)
{
	struct rig r;

	RIG_BEGIN_GUEST(&r, verr);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_UNSUPPORTED);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.out.text, "KVM internal error 1"));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.out.text, "0f 00 25 00 00 b0 fe"));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.out.text, "verr"));
	printf("# %s\n", r.out.text);
	CU_ASSERT_EQUAL(r.s.eip, RIG_CODE + 5);
	CU_ASSERT_EQUAL(r.s.gpr[X86_EBX], 0x55);
	rig_end(&r);
}

static void code_in_a_device_ends_the_run_with_a_text(void)
{
	struct rig r;

	RIG_BEGIN(&r, "\xf4");
	r.s.eip = RIG_MMIO;
	rig_set(&r);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_UNSUPPORTED);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.out.text, "KVM"));
	printf("# %s\n", r.out.text);
	rig_end(&r);
}

static void shutdown_admits_what_it_does_not_know(void)
{
	struct rig r;

	RIG_BEGIN(&r, "\xcc");
	r.s.idtr.limit = 0;
	rig_set(&r);
	CU_ASSERT_PTR_NULL(r.ops->state_caveat(r.e));
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_SHUTDOWN);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r.ops->state_caveat(r.e));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.ops->state_caveat(r.e), "registers"));
	rig_end(&r);
}

static void counters_that_kvm_cannot_keep_are_unknown(void)
{
	struct engine_stats stats;
	struct rig r;

	RIG_BEGIN(&r, "\xf4");
	r.ops->stats(r.e, &stats);
	CU_ASSERT_EQUAL(stats.instructions, ENGINE_UNKNOWN);
	CU_ASSERT_EQUAL(stats.guest_page_faults, ENGINE_UNKNOWN);
	CU_ASSERT_EQUAL(r.ops->features & (ENGINE_COUNTS_INSNS | ENGINE_MODELS_TLB), 0);
	rig_end(&r);
}

/* --- what differs between hosts: told, not judged --------------------------------------------- */

RIG_GUEST(load, "1: mov 0x200000, %eax; out %eax, $0x80; jmp 1b");

static void stop_run(struct rig *r, struct rig_access *a)
{
	r->ops->kick(r->e);
}

/*
 * The control of the stale-translation probe: what the guest loads after a plain store of the host
 * to a live entry. Where it is the old value, poke_entry() is what makes the difference.
 */
static void tell_what_a_plain_store_does(void)
{
	const gpa_t entry = RIG_TABLE + 4 * 0x200;
	struct rig r;

	RIG_BEGIN_GUEST(&r, load);
	r.on_access = stop_run;
	rig_put32(&r, RIG_DATA, 'A');
	rig_put32(&r, RIG_DATA + PAGE_BYTES, 'B');
	rig_paging_on(&r);
	rig_put32(&r, entry, RIG_DATA | PTE_P | PTE_W);
	rig_run(&r);
	rig_run(&r);
	rig_put32(&r, entry, (RIG_DATA + PAGE_BYTES) | PTE_P | PTE_W);
	rig_run(&r);
	printf("# a plain store of the host to a live entry: the guest sees the %s page\n",
	       r.log[2].value == 'B' ? "new" : "OLD");
	CU_ASSERT_EQUAL(r.ops->flush(r.e), 0);
	rig_run(&r);
	CU_ASSERT_EQUAL(r.log[3].value, 'B');
	rig_end(&r);
}

/* KVM has no filter for these: a guest that sets them although CPUID hides them gets them. */
static void tell_which_hidden_bits_of_cr4_are_taken(void)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} bits[] = { { 0, "VME" },    { 1, "PVI" },	    { 5, "PAE" },  { 8, "PCE" },
		     { 9, "OSFXSR" }, { 10, "OSXMMEXCPT" }, { 11, "UMIP" } };

	printf("# bits of CR4 that CPUID hides and MOV takes all the same:");
	for (size_t n = 0; n < ARRAY_SIZE(bits); n++) {
		struct rig r;

		RIG_BEGIN(&r, "\x0f\x22\xe0\xf4"); /* mov %eax, %cr4; hlt */
		r.s.gpr[X86_EAX] = 1u << bits[n].bit;
		rig_set(&r);
		CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
		CU_ASSERT_TRUE(rig_vector(&r) == -1 || rig_vector(&r) == VEC_GP);
		printf("%s%s", rig_vector(&r) == -1 ? " " : "",
		       rig_vector(&r) == -1 ? bits[n].name : "");
		rig_end(&r);
	}
	printf("\n");
}

static void tell_what_a_poke_costs(void)
{
	struct timespec from, to;
	struct rig r;

	RIG_BEGIN(&r, "\xf4");
	rig_paging_on(&r);
	rig_run(&r);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (unsigned n = 0; n < 100; n++)
		CU_ASSERT_EQUAL(r.ops->poke_entry(r.e, RIG_TABLE + 4 * 0x200, n << PAGE_SHIFT), 0);
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("# poke_entry: %.1f us each\n",
	       (double)(to.tv_sec - from.tv_sec) * 1e4 + (double)(to.tv_nsec - from.tv_nsec) / 1e5);
	rig_end(&r);
}

static const struct unit_test kvm_tests[] = {
	UNIT_TEST(instruction_that_kvm_cannot_emulate_is_named),
	UNIT_TEST(code_in_a_device_ends_the_run_with_a_text),
	UNIT_TEST(shutdown_admits_what_it_does_not_know),
	UNIT_TEST(counters_that_kvm_cannot_keep_are_unknown),
	UNIT_END,
};

static const struct unit_test told_tests[] = {
	UNIT_TEST(tell_what_a_plain_store_does),
	UNIT_TEST(tell_which_hidden_bits_of_cr4_are_taken),
	UNIT_TEST(tell_what_a_poke_costs),
	UNIT_END,
};

static const struct unit_suite suite_kvm = { "kvm", kvm_tests };
static const struct unit_suite suite_told = { "told", told_tests };

/* --- running them ----------------------------------------------------------------------------- */

extern const struct unit_suite suite_engine_bus, suite_engine_events, suite_engine_kick,
	suite_engine_poke, suite_engine_state;

static const struct unit_suite *const suites[] = {
	&suite_engine_bus,   &suite_engine_events, &suite_engine_kick, &suite_engine_poke,
	&suite_engine_state, &suite_kvm,	   &suite_told,
};

static unsigned tests_done;

static void test_done(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failure)
{
	printf("%sok %u %s: %s\n", failure ? "not " : "", ++tests_done, suite->pName, test->pName);
	for (CU_pFailureRecord f = failure; f; f = f->pNext)
		printf("#   %s:%u: %s\n", f->strFileName, f->uiLineNumber, f->strCondition);
	fflush(stdout);
}

static bool wanted(const struct unit_suite *s, int argc, char **argv)
{
	if (s == &suite_kvm && (rig_ops != &engine_kvm || rig_mmu == ENGINE_MMU_SHADOW))
		return false;
	if (s == &suite_told && rig_mmu == ENGINE_MMU_SHADOW)
		return false;
	for (int n = 0; n < argc; n++)
		if (!strcmp(argv[n], s->name))
			return true;
	return argc == 0;
}

static int run_suites(int argc, char **argv)
{
	unsigned count = 0;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	for (size_t n = 0; n < ARRAY_SIZE(suites); n++) {
		CU_pSuite suite;

		if (!wanted(suites[n], argc, argv))
			continue;
		suite = CU_add_suite(suites[n]->name, NULL, NULL);
		for (const struct unit_test *t = suites[n]->tests; suite && t->name; t++, count++)
			if (!CU_add_test(suite, t->name, t->fn))
				return 2;
	}
	printf("KTAP version 1\n1..%u\n", count);
	fflush(stdout);
	CU_set_test_complete_handler(test_done);
	CU_run_all_tests();
	count = CU_get_number_of_tests_failed();
	CU_cleanup_registry();
	return count || !tests_done ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct engine_probe probe;
	int used = 2;

	if (argc > used && !strcmp(argv[used], "shadow")) {
		rig_mmu = ENGINE_MMU_SHADOW;
		used++;
	}
	if (argc > used && !strcmp(argv[used], "unsync")) {
		rig_sync = SHADOW_UNSYNC;
		used++;
	}
	for (unsigned n = 0; argc > 1 && engine_list[n]; n++) {
		if (strcmp(engine_list[n]->name, argv[1]))
			continue;
		rig_ops = engine_list[n];
		rig_ops->probe(rig_mmu, &probe);
		if (!probe.usable) {
			printf("1..0 # SKIP engine %s: %s\n", rig_ops->name, probe.reason);
			return STATUS_SKIP;
		}
		return run_suites(argc - used, argv + used);
	}
	fprintf(stderr, "usage: engine_test soft|kvm [shadow [unsync]] [SUITE...]\n");
	return 2;
}
