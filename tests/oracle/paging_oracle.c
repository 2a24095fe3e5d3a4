// SPDX-License-Identifier: MIT
#include "oracle/paging_oracle.h"

#include <stdio.h>

/*
 * "Combined page-directory and page-table protection" (SDM vol. 3, 5.12, table 5-3), row by row.
 * RW_UNLESS_WP is its "read/write*": if CR0.WP is 1, the R/W flags of both entries decide.
 */
enum privilege { SUPER, USER };
enum type { RO, RW, RW_UNLESS_WP };

static const struct protection {
	enum privilege pde_privilege;
	enum type pde_type;
	enum privilege pte_privilege;
	enum type pte_type;
	enum privilege privilege;
	enum type type;
} combined[] = {
	{ USER, RO, USER, RO, USER, RO },
	{ USER, RO, USER, RW, USER, RO },
	{ USER, RW, USER, RO, USER, RO },
	{ USER, RW, USER, RW, USER, RW },
	{ USER, RO, SUPER, RO, SUPER, RW_UNLESS_WP },
	{ USER, RO, SUPER, RW, SUPER, RW_UNLESS_WP },
	{ USER, RW, SUPER, RO, SUPER, RW_UNLESS_WP },
	{ USER, RW, SUPER, RW, SUPER, RW },
	{ SUPER, RO, USER, RO, SUPER, RW_UNLESS_WP },
	{ SUPER, RO, USER, RW, SUPER, RW_UNLESS_WP },
	{ SUPER, RW, USER, RO, SUPER, RW_UNLESS_WP },
	{ SUPER, RW, USER, RW, SUPER, RW },
	{ SUPER, RO, SUPER, RO, SUPER, RW_UNLESS_WP },
	{ SUPER, RO, SUPER, RW, SUPER, RW_UNLESS_WP },
	{ SUPER, RW, SUPER, RO, SUPER, RW_UNLESS_WP },
	{ SUPER, RW, SUPER, RW, SUPER, RW },
};

static const struct protection *protection_of(unsigned pde, unsigned pte)
{
	for (unsigned i = 0; i < sizeof(combined) / sizeof(combined[0]); i++) {
		const struct protection *p = &combined[i];

		if (p->pde_privilege == (pde & MATRIX_US ? USER : SUPER) &&
		    p->pde_type == (pde & MATRIX_RW ? RW : RO) &&
		    p->pte_privilege == (pte & MATRIX_US ? USER : SUPER) &&
		    p->pte_type == (pte & MATRIX_RW ? RW : RO))
			return p;
	}
	return 0;
}

/*
 * SDM vol. 3, 5.11: user mode reaches only user pages; it writes those that are read/write.
 * Supervisor mode reads all pages, and writes all while CR0.WP is 0; with WP only read/write ones.
 * Executing is reading: this CPU has no NX and no SMEP.
 */
static bool allowed(const struct protection *p, const struct matrix_case *c)
{
	if (c->user) {
		if (p->privilege == SUPER)
			return false;
		if (c->kind == MATRIX_WRITE)
			return p->type == RW;
		return true;
	}
	if (c->kind != MATRIX_WRITE)
		return true;
	if (!c->wp)
		return true;
	return p->type == RW;
}

/* The page-fault error code (SDM vol. 3, 4.7, figure 4-12). */
static unsigned fault(const struct matrix_case *c, bool present, bool reserved)
{
	unsigned code = 0;

	if (present)
		code += 1;
	if (c->kind == MATRIX_WRITE)
		code += 2;
	if (c->user)
		code += 4;
	if (reserved)
		code += 8;
	return OUTCOME_FAULT | code;
}

/* A 4 MiB page: the PDE alone decides (SDM vol. 3, table 4-4), as if a PTE said the same. */
static unsigned outcome_large(const struct matrix_case *c)
{
	unsigned changed = 0;

	if (c->variant == MATRIX_RESERVED)
		return fault(c, true, true);
	if (!allowed(protection_of(c->pde, c->pde), c))
		return fault(c, true, false);
	if (!(c->pde & MATRIX_A))
		changed |= OUTCOME_PDE_A;
	if (c->kind == MATRIX_WRITE)
		changed |= OUTCOME_PDE_D; /* every case starts with D clear in the PDE */
	return changed;
}

/* A 4 KiB page (SDM vol. 3, tables 4-5 and 4-6); D belongs to the PTE. */
static unsigned outcome_small(const struct matrix_case *c)
{
	unsigned changed = 0;

	if (!(c->pte & MATRIX_P))
		return fault(c, false, false);
	if (!allowed(protection_of(c->pde, c->pte), c))
		return fault(c, true, false);
	if (!(c->pde & MATRIX_A))
		changed |= OUTCOME_PDE_A;
	if (!(c->pte & MATRIX_A))
		changed |= OUTCOME_PTE_A;
	if (c->kind == MATRIX_WRITE && !(c->pte & MATRIX_D))
		changed |= OUTCOME_PTE_D;
	return changed;
}

/*
 * The second access finds the bits that the first one set and changes nothing more, and no rule of
 * 4.6 looks at A and D: so both outcomes, counted from before the first, are the same.
 */
struct oracle_outcome paging_oracle(const struct matrix_case *c)
{
	bool large = c->variant != MATRIX_PSE_OFF && c->pde & MATRIX_PS;
	struct oracle_outcome o = { 0 };

	if (!(c->pde & MATRIX_P))
		o.first = fault(c, false, false);
	else if (large)
		o.first = outcome_large(c);
	else
		o.first = outcome_small(c);
	o.second = o.first;
	o.early_accessed = o.first & OUTCOME_FAULT && c->pde & MATRIX_P && !(c->pde & MATRIX_A) &&
			   !large;
	return o;
}

void paging_oracle_describe(const struct matrix_case *c, char *buf, unsigned bytes)
{
	static const char *const kinds[] = { "read", "write", "fetch" };
	static const char *const variants[] = { "CR4.PSE=0", "CR4.PSE=1",
						"CR4.PSE=1 and PDE bit 21" };

	snprintf(buf, bytes, "%s %s, WP=%d, %s, PDE%s%s%s%s%s, PTE%s%s%s%s%s",
		 c->user ? "user" : "supervisor", kinds[c->kind], c->wp, variants[c->variant],
		 c->pde & MATRIX_P ? " P" : "", c->pde & MATRIX_RW ? " RW" : "",
		 c->pde & MATRIX_US ? " US" : "", c->pde & MATRIX_A ? " A" : "",
		 c->pde & MATRIX_PS ? " PS" : "", c->pte & MATRIX_P ? " P" : "",
		 c->pte & MATRIX_RW ? " RW" : "", c->pte & MATRIX_US ? " US" : "",
		 c->pte & MATRIX_A ? " A" : "", c->pte & MATRIX_D ? " D" : "");
}

void paging_oracle_words(unsigned outcome, char *buf, unsigned bytes)
{
	char code[16] = "";

	if (outcome & OUTCOME_FAULT)
		snprintf(code, sizeof(code), "(%u)", outcome & OUTCOME_ERROR);
	snprintf(buf, bytes, "%s%s%s%s%s%s%s%s", outcome & OUTCOME_FAULT ? "#PF" : "ok", code,
		 outcome & OUTCOME_PDE_A ? ", PDE.A set" : "",
		 outcome & OUTCOME_PDE_D ? ", PDE.D set" : "",
		 outcome & OUTCOME_PTE_A ? ", PTE.A set" : "",
		 outcome & OUTCOME_PTE_D ? ", PTE.D set" : "",
		 outcome & OUTCOME_STRANGE ? ", other exception or wrong CR2" : "",
		 outcome & OUTCOME_WRONG ? ", wrong data or other bits of an entry changed" : "");
}
