/* SPDX-License-Identifier: MIT */
/*
 * Which engine runs the guest: the one that --engine names, or with "auto" the first of the list
 * that has what the options ask for and that works on this host. With --mmu auto that is tried with
 * mmu direct first, then with shadow. Every refusal names the mend.
 */
#ifndef VMM_CLI_CHOICE_H
#define VMM_CLI_CHOICE_H

#include "base/diag.h"
#include "engine/engine.h"

struct choice_request {
	const struct engine_ops *const *list; /* best first; NULL ends it */
	const char *name;		      /* as --engine says it */
	enum engine_mmu mmu;
	bool mmu_auto;	/* rather: direct where an engine can do it, else shadow */
	unsigned wants; /* ENGINE_* features that options ask for */
};

struct choice {
	const struct engine_ops *engine;
	enum engine_mmu mmu;
	char why[512]; /* for auto, a line; empty for one that was named */
};

/* -EINVAL with a line in `d` where no engine can do it, or not the one that is named. */
int choice_make(struct choice *c, const struct choice_request *request, struct diag *d);

#endif
