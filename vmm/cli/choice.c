// SPDX-License-Identifier: MIT
#include "cli/choice.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/types.h"
#include "cli/options.h"

#define REASON_BYTES (sizeof(((struct engine_probe *)0)->reason))

/* Options that not every engine can obey, and what the others do instead. */
static const struct {
	unsigned feature;
	const char *option;
	const char *instead;
} features[] = {
	{ ENGINE_MODELS_TLB, "--tlb", "uses the CPU's own TLB" },
	{ ENGINE_COUNTS_INSNS, "--limit-insns", "does not count instructions" },
};

/* "--tlb: engine kvm uses the CPU's own TLB"; false: it has all that is asked for. */
static bool lacks(const struct engine_ops *engine, const struct choice_request *request,
		  char text[static REASON_BYTES])
{
	/* where the choice of mmu is ours, an option is no reason to leave direct */
	enum engine_mmu mmu = request->mmu_auto ? ENGINE_MMU_DIRECT : request->mmu;
	unsigned lacking = request->wants & ~engine_features(engine, mmu);

	for (unsigned i = 0; i < ARRAY_SIZE(features); i++)
		if (features[i].feature & lacking) {
			snprintf(text, REASON_BYTES, "%s: engine %s %s", features[i].option,
				 engine->name, features[i].instead);
			return true;
		}
	return false;
}

/* Features come first: they are the same on every host, and cost no probe. */
static bool usable(const struct engine_ops *engine, const struct choice_request *request,
		   char reason[static REASON_BYTES], bool *slow)
{
	struct engine_probe probe;

	if (lacks(engine, request, reason))
		return false;
	engine->probe(request->mmu, &probe);
	snprintf(reason, REASON_BYTES, "%s", probe.reason);
	*slow = probe.slow;
	return probe.usable;
}

/* Another engine that would do it all, or NULL. */
static const struct engine_ops *other_than(const struct engine_ops *engine,
					   const struct choice_request *request)
{
	char reason[REASON_BYTES];
	bool slow;

	for (unsigned i = 0; request->list[i]; i++)
		if (request->list[i] != engine && usable(request->list[i], request, reason, &slow))
			return request->list[i];
	return NULL;
}

/* The engine that was named cannot do it. A reason may bring its own mend, after a semicolon. */
static int refuse(const struct engine_ops *engine, const struct choice_request *request,
		  const char *reason, struct diag *d)
{
	const struct engine_ops *other = other_than(engine, request);
	bool shadow = request->mmu == ENGINE_MMU_SHADOW;
	char lack[REASON_BYTES], mend[64] = "";

	if (other)
		snprintf(mend, sizeof(mend), "use --engine %s", other->name);
	else if (shadow)
		snprintf(mend, sizeof(mend), "use --mmu direct");
	if (lacks(engine, request, lack))
		return diag_set(d, EINVAL, "%s; %s", lack, mend[0] ? mend : "leave it out");
	if (shadow || !mend[0])
		return diag_set(d, EINVAL, "--engine %s%s: %s%s%s", engine->name,
				shadow ? " --mmu shadow" : "", reason, mend[0] ? "; " : "", mend);
	return diag_set(d, EINVAL, "--engine %s: %s%s or %s", engine->name, reason,
			strchr(reason, ';') ? "," : "; run on another host,", mend);
}

static int choose_named(struct choice *c, const struct choice_request *request, struct diag *d)
{
	char names[96] = "auto", reason[REASON_BYTES];
	bool slow;
	size_t at = strlen(names);

	for (unsigned i = 0; request->list[i]; i++) {
		const struct engine_ops *engine = request->list[i];

		if (!strcmp(engine->name, request->name)) {
			if (!usable(engine, request, reason, &slow))
				return refuse(engine, request, reason, d);
			c->engine = engine;
			return 0;
		}
		if (at < sizeof(names))
			at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s",
					       request->list[i + 1] ? ", " : " or ", engine->name);
	}
	return diag_set(d, EINVAL, "engine %s is not in this build; use --engine %s", request->name,
			names);
}

static int choose_auto(struct choice *c, const struct choice_request *request, struct diag *d)
{
	char refused[DIAG_BYTES] = "", reason[REASON_BYTES];
	const struct engine_ops *slow = NULL;
	size_t at = 0;

	for (unsigned i = 0; request->list[i]; i++) {
		const struct engine_ops *engine = request->list[i];
		bool is_slow = false;

		if (usable(engine, request, reason, &is_slow)) {
			if (!is_slow) {
				c->engine = engine;
				snprintf(c->why, sizeof(c->why), "%s", at ? refused : reason);
				return 0;
			}
			slow = slow ? slow : engine;
		}
		if (at < sizeof(refused))
			at += (size_t)snprintf(refused + at, sizeof(refused) - at, "%s%s",
					       at ? "; " : "", reason);
	}
	if (slow) {
		c->engine = slow;
		snprintf(c->why, sizeof(c->why), "%s", refused);
		return 0;
	}
	return diag_set(d, EINVAL, "no engine can do it here: %s%s", refused,
			request->mmu == ENGINE_MMU_SHADOW ? "; use --mmu direct" : "");
}

static int choose(struct choice *c, const struct choice_request *request, struct diag *d)
{
	*c = (struct choice){ .mmu = request->mmu };
	return strcmp(request->name, "auto") ? choose_named(c, request, d)
					     : choose_auto(c, request, d);
}

int choice_make(struct choice *c, const struct choice_request *request, struct diag *d)
{
	struct choice_request one = *request;
	struct diag shadow = { .text = "" };
	int r;

	if (!request->mmu_auto)
		return choose(c, request, d);
	one.mmu = ENGINE_MMU_DIRECT;
	r = choose(c, &one, d);
	if (!r)
		return 0;
	one.mmu = ENGINE_MMU_SHADOW;
	if (choose(c, &one, &shadow)) {
		c->engine = NULL;
		return r;
	}
	snprintf(c->why, sizeof(c->why), "mmu shadow, since %.*s", (int)strcspn(d->text, ";"),
		 d->text);
	d->text[0] = 0;
	return 0;
}
