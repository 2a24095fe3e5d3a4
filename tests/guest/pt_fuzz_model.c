// SPDX-License-Identifier: MIT
#include "guest/pt_fuzz.h"

#define LARGE_MASK 0x3fffffu
#define PSE36(pde) ((uint64_t)((pde) >> 13 & 0xffu) << 32)
#define WORD 4u

/* Ends a walk that leads nowhere. */
static void walk_fault(struct walk_outcome *w, uint32_t error)
{
	w->fault = true;
	w->error = error;
}

void model_walk(const struct paging_mode *mode, uint32_t linear, bool write, bool user,
		struct walk_outcome *w)
{
	uint32_t pde, pte, rights;

	*w = (struct walk_outcome){ .pde_at = mode->cr3 + (linear >> 22) * WORD };
	pde = *word_at(w->pde_at);
	if (!(pde & BIT_P)) {
		walk_fault(w, 0);
		return;
	}
	if (mode->pse && pde & BIT_PS) {
		if (pde & BIT_21) {
			walk_fault(w, ERROR_P | ERROR_RSVD);
			return;
		}
		rights = pde;
		w->leaf_at = w->pde_at;
		w->physical = PSE36(pde) | (pde & ~LARGE_MASK) | (linear & LARGE_MASK);
	} else {
		w->pte_at = (pde & ~(PAGE - 1)) + (linear / PAGE % PAGES_IN_TABLE) * WORD;
		pte = *word_at(w->pte_at);
		if (!(pte & BIT_P)) {
			walk_fault(w, 0);
			return;
		}
		rights = pde & pte;
		w->leaf_at = w->pte_at;
		w->physical = (pte & ~(PAGE - 1)) | linear % PAGE;
	}
	if ((user && !(rights & BIT_US)) || (write && !(rights & BIT_RW) && (user || mode->wp)))
		walk_fault(w, ERROR_P);
}

bool model_safe(uint32_t at, uint32_t value)
{
	uint32_t frame = (at - POOL) / PAGE, index = at % PAGE / WORD;

	if (at < POOL || at >= POOL + POOL_BYTES || (frame < DIRECTORIES && index < KEPT_ENTRIES))
		return false;
	return !(value & BIT_P) || (value & ~LARGE_MASK) == POOL;
}

/* The word as it will be: from the plan, or from memory, which then is in the plan. */
static struct expected_word *planned(struct plan *plan, uint32_t at)
{
	struct expected_word *w;

	for (unsigned i = 0; i < plan->words; i++)
		if (plan->word[i].at == at)
			return &plan->word[i];
	w = &plan->word[plan->words++];
	*w = (struct expected_word){ .at = at, .value = *word_at(at) };
	return w;
}

/* A in both entries, D in the one that maps the page. */
static void plan_bits(struct plan *plan, const struct walk_outcome *w, bool write)
{
	struct expected_word *pde = planned(plan, w->pde_at);

	pde->value |= BIT_A;
	pde->accessed = true;
	if (w->pte_at) {
		struct expected_word *pte = planned(plan, w->pte_at);

		pte->value |= BIT_A;
		pte->accessed = true;
	}
	if (write)
		planned(plan, w->leaf_at)->value |= BIT_D;
}

/* The words of a walk that a fault must leave as they are. */
static void plan_untouched(struct plan *plan, const struct walk_outcome *w)
{
	planned(plan, w->pde_at);
	if (w->pte_at)
		planned(plan, w->pte_at);
}

/* One byte of a store. */
static void plan_store_byte(struct plan *plan, uint32_t physical, uint32_t byte)
{
	struct expected_word *w = planned(plan, physical & ~(WORD - 1));
	unsigned shift = physical % WORD * 8;

	w->value = (w->value & ~(0xffu << shift)) | byte << shift;
	w->accessed = false;
	if (!model_safe(w->at, w->value))
		plan->omit = true;
}

static uint32_t planned_byte(struct plan *plan, uint32_t physical)
{
	return planned(plan, physical & ~(WORD - 1))->value >> physical % WORD * 8 & 0xffu;
}

/* The physical address of byte i of the operand; w has one walk, or one for each of two pages. */
static uint32_t operand_byte(const struct walk_outcome *w, uint32_t linear, unsigned i)
{
	unsigned in_first = PAGE - linear % PAGE;

	if (i < in_first)
		return (uint32_t)w[0].physical + i;
	return (uint32_t)w[1].physical + i - in_first;
}

/* Where A bits lie in the operand: a CPU may set those of any present entry at any time. */
static void plan_load(struct plan *plan, const struct access *a, const struct walk_outcome *w)
{
	for (unsigned i = 0; i < WORD; i++) {
		uint32_t at = operand_byte(w, a->linear, i);

		plan->value |= planned_byte(plan, at) << i * 8;
		plan->mask |= (at % WORD ? 0xffu : 0xffu & ~BIT_A) << i * 8;
	}
}

/* What the instruction does to its operand, which lies in RAM. */
static void plan_operand(struct plan *plan, struct access *a, const struct walk_outcome *w)
{
	uint32_t result = a->value;

	plan_load(plan, a, w);
	if (a->kind == READ)
		return;
	if (a->kind == CMPXCHG) {
		if (a->value & 1) {
			/* Whether A is set must not decide: have it set. */
			if (plan->value & BIT_P) {
				*word_at((uint32_t)w[0].physical) |= BIT_A;
				plan->value |= BIT_A;
			}
			a->value = plan->value;
		} else {
			a->value = ~plan->value;
		}
		result = a->value == plan->value ? a->other : plan->value;
	} else if (a->kind == BTS) {
		result = plan->value | 1u << (a->value & 31);
	}
	for (unsigned i = 0; i < WORD; i++)
		plan_store_byte(plan, operand_byte(w, a->linear, i), result >> i * 8 & 0xffu);
	if (a->kind != XCHG && a->kind != CMPXCHG)
		plan->mask = 0;
}

static bool in_ram(const struct walk_outcome *w)
{
	return w->physical >> 32 == 0;
}

/* Is there the code of a frame, to be called? */
static void plan_fetch(struct plan *plan, const struct access *a, const struct walk_outcome *w)
{
	uint32_t at = (uint32_t)w->physical, frame = (at - POOL) / PAGE;
	uint32_t code = a->user ? USER_CODE(frame) : SUPER_CODE(frame);

	if (!in_ram(w) || at < POOL || frame >= HOT_FRAMES || *word_at(at) != code)
		plan->omit = true;
	plan->value = frame;
	plan->mask = UINT32_MAX;
}

/* All pages can be accessed. */
static void plan_success(struct plan *plan, struct access *a, const struct walk_outcome *w,
			 unsigned pages)
{
	bool write = kind_writes(a->kind), ram = true;

	for (unsigned i = 0; i < pages; i++) {
		plan_bits(plan, &w[i], write);
		ram = ram && in_ram(&w[i]);
		if (in_ram(&w[i]) && (w[i].physical < POOL || w[i].physical >= POOL + POOL_BYTES))
			plan->omit = true;
	}
	if (plan->omit)
		return;
	if (a->kind == FETCH)
		plan_fetch(plan, a, w);
	else if (ram)
		plan_operand(plan, a, w);
	else if (pages > 1 || (a->kind != READ && a->kind != WRITE && a->kind != PUSH))
		plan->omit = true; /* nothing is there; a locked instruction is the bus's affair */
}

void model_plan(const struct paging_mode *mode, struct access *a, struct plan *plan)
{
	unsigned pages = a->kind != FETCH && a->linear % PAGE > PAGE - WORD ? 2 : 1;
	bool write = kind_writes(a->kind);
	struct walk_outcome w[2];

	*plan = (struct plan){ .omit = false };
	for (unsigned i = 0; i < pages; i++) {
		uint32_t linear = i ? (a->linear | (PAGE - 1)) + 1 : a->linear;

		model_walk(mode, linear, write, a->user, &w[i]);
		/* Nothing is there; what a locked instruction then does is the bus's affair. */
		if (kind_updates(a->kind) && w[i].leaf_at && !in_ram(&w[i]))
			plan->omit = true;
		if (!w[i].fault)
			continue;
		plan->fault = true;
		plan->error = w[i].error | (write ? ERROR_W : 0) | (a->user ? ERROR_U : 0);
		plan->cr2 = linear;
		/* Whether D is set in the first page when the second one faults is left open. */
		if (i && write)
			*word_at(w[0].leaf_at) |= BIT_A | BIT_D;
		plan_untouched(plan, &w[i]);
		/* Nor may the first page have been written. */
		if (i && in_ram(&w[0]))
			planned(plan, (uint32_t)w[0].physical & ~(WORD - 1));
		return;
	}
	/* TCG loads what XCHG and the like change before it sets D. */
	if (mode->tcg && kind_updates(a->kind) && (w[0].physical & ~3ull) == w[0].leaf_at)
		*word_at(w[0].leaf_at) |= BIT_A | BIT_D;
	/*
	 * KVM's shadow MMU remembers where a read found no RAM, and walks no tables for the write.
	 */
	if (mode->npt0 && write && !in_ram(&w[0]))
		*word_at(w[0].leaf_at) |= BIT_A | BIT_D;
	plan_success(plan, a, w, pages);
}
