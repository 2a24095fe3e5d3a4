// SPDX-License-Identifier: MIT
/*
 * The choice of an engine, among engines made by hand: `fast` takes the CPU's word, `slow` models
 * everything, as kvm and soft do. Expected lines follow from cli/choice.h: name the option or the
 * engine, and the mend.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/choice.h"
#include "unit/unit.h"

static void probe_good(enum engine_mmu mmu, struct engine_probe *out)
{
	*out = (struct engine_probe){ .usable = true, .reason = "all is well" };
}

static void probe_bare(enum engine_mmu mmu, struct engine_probe *out)
{
	*out = (struct engine_probe){ .reason = "this host is odd" };
}

static void probe_mend(enum engine_mmu mmu, struct engine_probe *out)
{
	*out = (struct engine_probe){ .reason = "there is no device; load a module" };
}

static void probe_shadow(enum engine_mmu mmu, struct engine_probe *out)
{
	*out = (struct engine_probe){ .usable = mmu == ENGINE_MMU_SHADOW,
				      .reason = "it cannot walk the guest's" };
}

static void probe_emulated(enum engine_mmu mmu, struct engine_probe *out)
{
	*out = (struct engine_probe){ .usable = true,
				      .slow = true,
				      .reason = "it emulates everything" };
}

static void probe_direct(enum engine_mmu mmu, struct engine_probe *out)
{
	*out = (struct engine_probe){ .usable = mmu == ENGINE_MMU_DIRECT,
				      .reason = "it has no tables" };
}

#define ALL_FEATURES (ENGINE_MODELS_TLB | ENGINE_COUNTS_INSNS | ENGINE_VIRTUAL_TIME)

static const struct engine_ops fast_good = { .name = "fast", .probe = probe_good };
static const struct engine_ops fast_bare = { .name = "fast", .probe = probe_bare };
static const struct engine_ops fast_mend = { .name = "fast", .probe = probe_mend };
static const struct engine_ops fast_direct = { .name = "fast", .probe = probe_direct };
static const struct engine_ops fast_emulated = { .name = "fast", .probe = probe_emulated };
static const struct engine_ops fast_shadow = { .name = "fast",
					       .shadow_features = ENGINE_MODELS_TLB,
					       .probe = probe_shadow };
static const struct engine_ops slow_good = { .name = "slow",
					     .features = ALL_FEATURES,
					     .probe = probe_good };
static const struct engine_ops slow_direct = { .name = "slow",
					       .features = ALL_FEATURES,
					       .probe = probe_direct };

/* One question, and its answer: the engine and why, or the line of the refusal. */
struct question {
	const struct engine_ops *fast, *slow;
	const char *name;
	unsigned wants;
	enum engine_mmu mmu;
	const struct engine_ops *engine; /* NULL: refused */
	const char *text;
};

static void ask(const struct question *q)
{
	const struct engine_ops *const list[] = { q->fast, q->slow, NULL };
	const struct choice_request request = {
		.list = list, .name = q->name, .mmu = q->mmu, .wants = q->wants
	};
	struct diag d = { .text = "" };
	struct choice c;
	int r = choice_make(&c, &request, &d);

	CU_ASSERT_EQUAL(r, q->engine ? 0 : -EINVAL);
	CU_ASSERT_PTR_EQUAL(c.engine, q->engine);
	CU_ASSERT_STRING_EQUAL(q->engine ? c.why : d.text, q->text);
	if (strcmp(q->engine ? c.why : d.text, q->text))
		fprintf(stderr, "\n  got \"%s%s\", wanted \"%s\"\n", c.why, d.text, q->text);
	CU_ASSERT_STRING_EQUAL(q->engine ? d.text : c.why, "");
}

static void auto_takes_the_first_that_works_and_says_why(void)
{
	static const struct question questions[] = {
		{ &fast_good, &slow_good, "auto", 0, ENGINE_MMU_DIRECT, &fast_good, "all is well" },
		{ &fast_bare, &slow_good, "auto", 0, ENGINE_MMU_DIRECT, &slow_good,
		  "this host is odd" },
		{ &fast_mend, &slow_good, "auto", 0, ENGINE_MMU_DIRECT, &slow_good,
		  "there is no device; load a module" },
		{ &fast_direct, &slow_good, "auto", 0, ENGINE_MMU_SHADOW, &slow_good,
		  "it has no tables" },
		/* one that works, but slower here than those after it, is taken for want of them */
		{ &fast_emulated, &slow_good, "auto", 0, ENGINE_MMU_SHADOW, &slow_good,
		  "it emulates everything" },
		{ &fast_emulated, &slow_direct, "auto", 0, ENGINE_MMU_SHADOW, &fast_emulated,
		  "it emulates everything; it has no tables" },
		{ &fast_emulated, &slow_good, "fast", 0, ENGINE_MMU_SHADOW, &fast_emulated, "" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(questions); i++)
		ask(&questions[i]);
}

static void auto_takes_the_engine_that_an_option_needs(void)
{
	static const struct question questions[] = {
		{ &fast_good, &slow_good, "auto", ENGINE_MODELS_TLB, ENGINE_MMU_DIRECT, &slow_good,
		  "--tlb: engine fast uses the CPU's own TLB" },
		{ &fast_good, &slow_good, "auto", ENGINE_COUNTS_INSNS, ENGINE_MMU_DIRECT,
		  &slow_good, "--limit-insns: engine fast does not count instructions" },
		/* that the host is odd, too, is not why */
		{ &fast_bare, &slow_good, "auto", ENGINE_MODELS_TLB, ENGINE_MMU_DIRECT, &slow_good,
		  "--tlb: engine fast uses the CPU's own TLB" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(questions); i++)
		ask(&questions[i]);
}

static void named_engine_is_taken_without_a_word(void)
{
	static const struct question questions[] = {
		{ &fast_good, &slow_good, "fast", 0, ENGINE_MMU_DIRECT, &fast_good, "" },
		{ &fast_good, &slow_good, "slow", ALL_FEATURES, ENGINE_MMU_DIRECT, &slow_good, "" },
		/* what mmu shadow alone can do */
		{ &fast_shadow, &slow_good, "fast", ENGINE_MODELS_TLB, ENGINE_MMU_SHADOW,
		  &fast_shadow, "" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(questions); i++)
		ask(&questions[i]);
}

static void named_engine_that_does_not_work_is_refused_with_a_mend(void)
{
	static const struct question questions[] = {
		{ &fast_bare, &slow_good, "fast", 0, ENGINE_MMU_DIRECT, NULL,
		  "--engine fast: this host is odd; run on another host, or use --engine slow" },
		{ &fast_mend, &slow_good, "fast", 0, ENGINE_MMU_DIRECT, NULL,
		  "--engine fast: there is no device; load a module, or use --engine slow" },
		{ &fast_direct, &slow_good, "fast", 0, ENGINE_MMU_SHADOW, NULL,
		  "--engine fast --mmu shadow: it has no tables; use --engine slow" },
		{ &fast_direct, &slow_direct, "fast", 0, ENGINE_MMU_SHADOW, NULL,
		  "--engine fast --mmu shadow: it has no tables; use --mmu direct" },
		{ &fast_mend, &fast_bare, "fast", 0, ENGINE_MMU_DIRECT, NULL,
		  "--engine fast: there is no device; load a module" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(questions); i++)
		ask(&questions[i]);
}

static void option_that_the_named_engine_lacks_is_refused_by_name(void)
{
	static const struct question questions[] = {
		{ &fast_good, &slow_good, "fast", ENGINE_MODELS_TLB, ENGINE_MMU_DIRECT, NULL,
		  "--tlb: engine fast uses the CPU's own TLB; use --engine slow" },
		{ &fast_bare, &slow_good, "fast", ENGINE_COUNTS_INSNS, ENGINE_MMU_DIRECT, NULL,
		  "--limit-insns: engine fast does not count instructions; use --engine slow" },
		{ &fast_good, &fast_bare, "fast", ENGINE_MODELS_TLB, ENGINE_MMU_DIRECT, NULL,
		  "--tlb: engine fast uses the CPU's own TLB; leave it out" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(questions); i++)
		ask(&questions[i]);
}

static void no_engine_at_all_names_all_reasons(void)
{
	static const struct question questions[] = {
		{ &fast_direct, &slow_direct, "auto", 0, ENGINE_MMU_SHADOW, NULL,
		  "no engine can do it here: it has no tables; it has no tables; use --mmu "
		  "direct" },
		{ &fast_good, &slow_good, "tcg", 0, ENGINE_MMU_DIRECT, NULL,
		  "engine tcg is not in this build; use --engine auto, fast or slow" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(questions); i++)
		ask(&questions[i]);
}

static void mmu_auto_is_direct_where_that_works_else_shadow(void)
{
	static const struct {
		const struct engine_ops *fast, *slow;
		const char *name;
		const struct engine_ops *engine;
		enum engine_mmu mmu;
		const char *text;
	} questions[] = {
		{ &fast_good, &slow_good, "fast", &fast_good, ENGINE_MMU_DIRECT, "" },
		{ &fast_shadow, &slow_good, "auto", &slow_good, ENGINE_MMU_DIRECT,
		  "it cannot walk the guest's" },
		{ &fast_shadow, &slow_good, "fast", &fast_shadow, ENGINE_MMU_SHADOW,
		  "mmu shadow, since --engine fast: it cannot walk the guest's" },
		{ &fast_bare, &slow_good, "fast", NULL, ENGINE_MMU_DIRECT,
		  "--engine fast: this host is odd; run on another host, or use --engine slow" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(questions); i++) {
		const struct engine_ops *const list[] = { questions[i].fast, questions[i].slow,
							  NULL };
		const struct choice_request request = { .list = list,
							.name = questions[i].name,
							.mmu_auto = true };
		struct diag d = { .text = "" };
		struct choice c;
		int r = choice_make(&c, &request, &d);

		CU_ASSERT_EQUAL(r, questions[i].engine ? 0 : -EINVAL);
		CU_ASSERT_PTR_EQUAL(c.engine, questions[i].engine);
		CU_ASSERT_STRING_EQUAL(r ? d.text : c.why, questions[i].text);
		if (!r)
			CU_ASSERT_EQUAL(c.mmu, questions[i].mmu);
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST(mmu_auto_is_direct_where_that_works_else_shadow),
	UNIT_TEST(auto_takes_the_first_that_works_and_says_why),
	UNIT_TEST(auto_takes_the_engine_that_an_option_needs),
	UNIT_TEST(named_engine_is_taken_without_a_word),
	UNIT_TEST(named_engine_that_does_not_work_is_refused_with_a_mend),
	UNIT_TEST(option_that_the_named_engine_lacks_is_refused_by_name),
	UNIT_TEST(no_engine_at_all_names_all_reasons),
	UNIT_END,
};

extern const struct unit_suite suite_choice;
const struct unit_suite suite_choice = { "choice", tests };
