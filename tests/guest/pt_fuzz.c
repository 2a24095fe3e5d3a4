// SPDX-License-Identifier: MIT
/*
 * A guest that changes its own page tables at random and tries out what they then mean.
 *
 * Each step changes some entries - through the identity map, or through whatever alias of a table
 * the last steps made -, or CR3, CR0.WP, CR0.PG, CR4.PSE or CR4.PGE, flushes as the manual demands
 * (Intel SDM vol. 3, 4.10), and accesses addresses at both levels. What comes out goes into a
 * digest, printed now and then, that every engine must agree on. Where a CPU has a choice the
 * digest has none: A bits are left out of it but where an access needs them. Error codes are in it
 * as the manual has them (4.7), with the bits that tcg=1 excuses taken as set.
 *
 * Words of the command line, with their defaults:
 *
 *	seed=1		what is done
 *	steps=10000	how often
 *	every=1000	a line with the digest after so many steps
 *	verify=1	compare each outcome with the model (pt_fuzz.h), and stop at the first
 *			difference
 *	tcg=0		1: allow what QEMU's TCG does: a reserved bit as error 8, without P; XCHG,
 *			CMPXCHG and BTS that fault as a read, and that load their own PTE before D
 *			is set in it
 *	npt0=0		1: keep off what KVM's own shadow MMU (kvm_amd npt=0) gets wrong: after a
 *			change of CR4.PSE it goes on with shadow tables made before; a write where
 *			no RAM is may leave D clear; use it with split=0: there, a store may be
 *			done in the first page though the second one faults
 *	split=1		also accesses that lie in two pages
 *	from=, count=	print each access of these steps
 *
 * Needs 12 MiB of RAM. Exit: 0; 1 after a difference; 2 for a bad word; 100 if the fuzzer broke.
 */
#include "guest/pt_fuzz.h"

#define WORD 4u
#define POOL_PDE (POOL >> 22)
#define PTE_AT(address) ((address) / PAGE % PAGES_IN_TABLE)

/* How sure it is what the TLB has of an address. */
enum tlb_state { TLB_RIGHT, TLB_MAY_FORBID };

static volatile uint32_t low_table[PAGES_IN_TABLE] __attribute__((aligned(4096)));
static volatile uint32_t pool_table[PAGES_IN_TABLE] __attribute__((aligned(4096)));

static struct paging_mode mode;
/* Nothing has changed since all translations were dropped. */
static bool clean;
static uint32_t step, digest = 2166136261u;
/* By error code; the last one: no fault. */
#define OUTCOMES 17u
static uint32_t outcomes[OUTCOMES], omitted;

/*
 * Indices of entries that are used at both levels: in all quadrants of a directory, in both halves
 * of a table, side by side, and at the ends. Under a 4 MiB page the small ones are hot frames.
 */
static const uint16_t hot_index[] = { 4, 5, 6, 9, 12, 13, 300, 511, 512, 700, 1022, 1023 };
#define HOT_INDICES (sizeof(hot_index) / sizeof(hot_index[0]))

static const paging_access_fn accesses[2][ACCESS_KINDS] = {
	{ super_read, super_write, super_fetch, super_xchg, super_cmpxchg, super_bts, super_write },
	{ user_read, user_write, user_fetch, user_xchg, user_cmpxchg, user_bts, user_push },
};

/* xorshift32 */
static uint32_t random_word(void)
{
	static uint32_t x;

	if (!x)
		x = options.seed * 2654435761u | 1;
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x;
}

/* 0 .. n-1 */
static uint32_t below(uint32_t n)
{
	return (random_word() >> 8) % n;
}

static bool one_in(uint32_t n)
{
	return below(n) == 0;
}

/* FNV-1a, a word at a time. */
static void digest_add(uint32_t value)
{
	digest = (digest ^ value) * 16777619u;
	digest ^= digest >> 15;
}

static uint32_t frame_at(uint32_t frame)
{
	return POOL + frame * PAGE;
}

static uint32_t random_index(void)
{
	return hot_index[below(HOT_INDICES)];
}

static uint32_t random_flags(void)
{
	uint32_t flags = one_in(16) ? 0 : BIT_P;

	flags |= one_in(4) ? 0 : BIT_RW;
	flags |= one_in(4) ? 0 : BIT_US;
	flags |= one_in(4) ? BIT_G : 0;
	flags |= one_in(4) ? BIT_A : 0;
	flags |= one_in(4) ? BIT_D : 0;
	flags |= one_in(8) ? BIT_PS : 0;
	flags |= one_in(8) ? below(8) << 9 : 0; /* bits for software */
	return flags;
}

/* An entry that is harmless at any level; mostly one that makes sense at this one. */
static uint32_t random_entry(bool for_directory)
{
	uint32_t flags = random_flags(), frame;

	if (flags & BIT_PS && for_directory && !one_in(4))
		frame = below(2); /* bits 20:13 clear: the playground itself */
	else if (one_in(4))
		frame = below(HOT_FRAMES);
	else if (for_directory)
		frame = one_in(4) ? below(DIRECTORIES) : DIRECTORIES + below(TABLES);
	else
		frame = one_in(4) ? below(DIRECTORIES + TABLES)
				  : DIRECTORIES + TABLES + below(DATA_FRAMES);
	if (flags & BIT_PS && one_in(8))
		flags |= BIT_21;
	return frame_at(frame) | flags;
}

/* --- what the tables are changed to ----------------------------------------------------------- */
static void store_entry(uint32_t at, uint32_t value)
{
	if (!model_safe(at, value))
		return;
	*word_at(at) = value;
	clean = false;
}

/* The place of an entry, mostly of one that translates something now. */
static uint32_t random_entry_at(void)
{
	uint32_t at = mode.cr3 + random_index() * WORD, pde;

	if (one_in(3))
		return at;
	if (one_in(3))
		return frame_at(below(DIRECTORIES + TABLES)) + random_index() * WORD;
	pde = *word_at(at);
	return pde & BIT_P ? (pde & ~(PAGE - 1)) + random_index() * WORD : at;
}

static bool in_directory(uint32_t at)
{
	return at < frame_at(DIRECTORIES);
}

static void change_entry(void)
{
	/* Those that take rights away, or the meaning, come often; A, D and G too. */
	static const uint32_t flips[] = { BIT_P, BIT_RW, BIT_US, BIT_PS,   BIT_G,
					  BIT_A, BIT_D,	 BIT_21, 1u << 14, BIT_A | BIT_D };
	uint32_t at = random_entry_at(), old = *word_at(at);

	switch (below(6)) {
	case 0:
	case 1:
		store_entry(at, random_entry(in_directory(at)));
		break;
	case 2:
	case 3:
		old ^= flips[below(sizeof(flips) / sizeof(flips[0]))];
		store_entry(at, old & BIT_PS ? old : old & ~BIT_21);
		break;
	case 4: /* one entry in two places: a shared table or frame */
		store_entry(at, *word_at(random_entry_at()));
		break;
	case 5: /* a table that maps itself */
		store_entry(at, (at & ~(PAGE - 1)) | BIT_P | BIT_RW | (one_in(2) ? BIT_US : 0));
		break;
	}
}

/* A whole table at once: copied from another one, or emptied. */
static void change_table(void)
{
	uint32_t to = frame_at(DIRECTORIES + below(TABLES));
	uint32_t from = frame_at(DIRECTORIES + below(TABLES));
	bool empty = one_in(4);

	for (uint32_t i = 0; i < PAGE; i += WORD)
		store_entry(to + i, empty ? 0 : *word_at(from + i));
}

/* --- flushing --------------------------------------------------------------------------------- */
static void flush_all(void)
{
	if (mode.pge) {
		set_cr4(CR4_PGE, false);
		set_cr4(CR4_PGE, true);
	} else {
		write_cr3(mode.cr3);
	}
	clean = true;
}

/* Global translations of the old directory may stay, so only without them is everything new. */
static void change_directory(void)
{
	mode.cr3 = frame_at(below(DIRECTORIES));
	write_cr3(mode.cr3);
	clean = !mode.pge;
}

static void change_mode(void)
{
	switch (below(8)) {
	case 0:
	case 1:
		mode.wp = !mode.wp;
		set_cr0(CR0_WP, mode.wp);
		break;
	case 2:
		mode.pse = !mode.pse || options.npt0;
		set_cr4(CR4_PSE, mode.pse);
		flush_all(); /* the manual does not say that CR4.PSE flushes */
		break;
	case 3:
		mode.pge = !mode.pge;
		set_cr4(CR4_PGE, mode.pge);
		clean = true;
		break;
	case 4:
		set_cr0(CR0_PG, false);
		set_cr0(CR0_PG, true);
		clean = true;
		break;
	default:
		change_directory();
	}
}

/* --- accesses --------------------------------------------------------------------------------- */
static void put_field(const char *name, uint32_t value)
{
	put_text(name);
	put_hex(value, 8);
}

static void print_access(const struct access *a, const struct plan *plan)
{
	static const char *const names[ACCESS_KINDS] = { "read",    "write", "fetch", "xchg",
							 "cmpxchg", "bts",   "push" };

	put_field("step ", step);
	put_text(a->user ? " user " : " supervisor ");
	put_text(names[a->kind]);
	put_field(" ", a->linear);
	put_field(" value ", a->value);
	put_field(" cr3 ", mode.cr3);
	put_text(mode.wp ? " wp" : "");
	put_text(mode.pse ? " pse" : "");
	put_text(mode.pge ? " pge" : "");
	if (probe_vector == NO_EXCEPTION) {
		put_field(" eax ", probe_value & plan->mask);
	} else {
		put_field(" vector ", probe_vector);
		put_field(" error ", probe_error);
		put_field(" cr2 ", probe_cr2);
	}
	put_text("\n");
}

static void print_plan(const struct plan *plan)
{
	put_field("  expected: eax ", plan->value & plan->mask);
	if (plan->fault) {
		put_field(", but page fault ", plan->error);
		put_field(" at ", plan->cr2);
	}
	put_text("\n");
	for (unsigned i = 0; i < plan->words; i++) {
		put_field("  word ", plan->word[i].at);
		put_field(" expected ", plan->word[i].value);
		put_field(" is ", *word_at(plan->word[i].at));
		put_text(plan->word[i].accessed ? "\n" : " (A open)\n");
	}
}

static void differs(const struct access *a, const struct plan *plan, const char *what)
{
	put_text("mismatch: ");
	put_text(what);
	put_text("\n");
	print_access(a, plan);
	print_plan(plan);
	guest_exit(1);
}

/* With the bits that the manual demands and TCG leaves out (tcg=). */
static uint32_t error_code(const struct access *a)
{
	return probe_error | (probe_error & ERROR_RSVD ? ERROR_P : 0) |
	       (kind_updates(a->kind) ? ERROR_W : 0);
}

static bool word_differs(const struct expected_word *w)
{
	return (*word_at(w->at) ^ w->value) & ~(w->accessed ? 0 : BIT_A);
}

static void verify(const struct access *a, const struct plan *plan)
{
	bool fault = probe_vector != NO_EXCEPTION;

	if (fault && probe_vector != PAGE_FAULT)
		differs(a, plan, "no page fault, but another exception");
	if (fault != plan->fault)
		differs(a, plan, fault ? "a fault" : "no fault");
	if (fault && (options.tcg ? error_code(a) : probe_error) != plan->error)
		differs(a, plan, "error code");
	if (fault && probe_cr2 != plan->cr2)
		differs(a, plan, "CR2");
	if (!fault && (probe_value ^ plan->value) & plan->mask)
		differs(a, plan, "value read");
	for (unsigned i = 0; i < plan->words; i++)
		if (word_differs(&plan->word[i]))
			differs(a, plan, "a word in memory");
}

static void record(const struct access *a, const struct plan *plan)
{
	bool fault = probe_vector != NO_EXCEPTION;

	outcomes[fault ? error_code(a) & 15 : OUTCOMES - 1]++;
	digest_add(fault ? 0x100u + (probe_vector << 16) + error_code(a) : 0);
	digest_add(fault ? probe_cr2 : probe_value & plan->mask);
	for (unsigned i = 0; i < plan->words; i++)
		digest_add(*word_at(plan->word[i].at) & ~BIT_A);
	if (step >= options.from && step - options.from < options.count)
		print_access(a, plan);
}

static void try_access(const struct access *a)
{
	probe_vector = NO_EXCEPTION;
	accesses[a->user][a->kind](a->linear, a->kind == FETCH ? 0 : a->value, a->other);
}

/*
 * One access. Where the TLB may still have a translation that allows less than the tables, the
 * first fault may be its doing; it takes the translation away (SDM vol. 3, 4.10.4.1).
 */
static void probe(struct access *a, enum tlb_state tlb)
{
	struct plan plan;

	model_plan(&mode, a, &plan);
	if (plan.omit && a->kind != READ) {
		a->kind = READ;
		model_plan(&mode, a, &plan);
	}
	if (plan.omit) {
		omitted++;
		return;
	}
	if (tlb == TLB_RIGHT && !(clean && one_in(2))) {
		invlpg(a->linear);
		if (a->linear % PAGE > PAGE - WORD)
			invlpg(a->linear + WORD - 1);
	}
	try_access(a);
	if (tlb == TLB_MAY_FORBID && probe_vector == PAGE_FAULT)
		try_access(a);
	if (options.verify)
		verify(a, &plan);
	record(a, &plan);
	if (kind_writes(a->kind))
		clean = false;
}

static uint32_t random_linear(void)
{
	return random_index() << 22 | random_index() << 12;
}

static uint32_t random_offset(enum access_kind kind)
{
	if (kind == READ || kind == WRITE) {
		if (one_in(8))
			return random_index() * WORD + below(WORD);
		if (options.split && one_in(16))
			return PAGE - 1 - below(WORD - 1);
	}
	return random_index() * WORD;
}

static void random_access(struct access *a)
{
	/* READ, WRITE, FETCH, then the rest as they come */
	static const uint8_t kinds[] = { READ,	READ,  READ, WRITE,   WRITE, WRITE,
					 FETCH, FETCH, XCHG, CMPXCHG, BTS,   PUSH };

	a->kind = (enum access_kind)kinds[below(sizeof(kinds))];
	a->user = one_in(2);
	a->linear = random_linear();
	if (a->kind == FETCH)
		a->linear += a->user ? AT_USER_CODE : AT_SUPER_CODE;
	else
		a->linear += random_offset(a->kind);
	/* never around the end of the address space */
	if (a->linear % PAGE > PAGE - WORD && (!options.split || a->linear >= 0u - PAGE))
		a->linear -= WORD;
	a->value = random_entry(one_in(2));
	a->other = random_entry(one_in(2));
	if (a->kind == BTS)
		a->value = below(12);
	/* A store across two entries leaves both harmless: its bytes lie as they do in an entry. */
	if (a->linear % WORD) {
		unsigned shift = a->linear % WORD * 8;

		a->value = a->value >> shift | a->other << (32 - shift);
	}
}

/*
 * An entry allows more than before, without a flush: nothing forbids that (SDM vol. 3, 4.10.4.3).
 */
static void upgrade(void)
{
	struct walk_outcome w;
	struct access a;
	uint32_t at;

	random_access(&a);
	if (a.linear % PAGE > PAGE - WORD)
		return;
	invlpg(a.linear);
	if (one_in(2)) { /* so that the TLB may have something */
		struct access first = a;

		first.kind = READ;
		probe(&first, TLB_RIGHT);
	}
	model_walk(&mode, a.linear, kind_writes(a.kind), a.user, &w);
	at = w.pte_at && one_in(2) ? w.pte_at : w.pde_at;
	store_entry(at, *word_at(at) | BIT_P | (one_in(2) ? BIT_RW : BIT_RW | BIT_US));
	clean = false;
	probe(&a, TLB_MAY_FORBID);
}

/* May this outcome be that of a read of this word, or of this fault? */
static bool is_outcome(const struct access *a, const struct plan *plan)
{
	if (probe_vector != NO_EXCEPTION)
		return plan->fault && error_code(a) == plan->error;
	return !plan->fault && !((probe_value ^ plan->value) & plan->mask);
}

/*
 * A changed entry without a flush: the read finds the old page or the new one, and never a third.
 * Which one is the CPU's choice, so nothing of it is in the digest.
 */
static void stale_read(void)
{
	struct access a = { .kind = READ, .user = one_in(2) };
	struct plan old, new;
	struct walk_outcome w;

	a.linear = random_linear() + random_index() * WORD;
	probe(&a, TLB_RIGHT);
	model_plan(&mode, &a, &old);
	model_walk(&mode, a.linear, false, a.user, &w);
	if (old.omit || old.fault || w.leaf_at == (uint32_t)w.physical)
		return;
	store_entry(w.leaf_at, random_entry(w.leaf_at == w.pde_at));
	model_plan(&mode, &a, &new);
	if (new.omit || (uint32_t)w.physical == w.pde_at)
		return;
	try_access(&a);
	if (options.verify && !is_outcome(&a, &old) && !is_outcome(&a, &new)) {
		print_plan(&old);
		differs(&a, &new, "neither the old page nor the new one");
	}
}

static void one_step(void)
{
	struct access a;

	if (one_in(12))
		change_mode();
	else if (one_in(200))
		change_table();
	else
		for (uint32_t n = below(4); n; n--)
			change_entry();
	if (one_in(10))
		flush_all();
	for (uint32_t n = 1 + below(3); n; n--) {
		random_access(&a);
		probe(&a, TLB_RIGHT);
	}
	if (one_in(6))
		upgrade();
	if (one_in(12))
		stale_read();
}

/* --- start and end ---------------------------------------------------------------------------- */
static void fill_playground(void)
{
	for (uint32_t at = POOL; at < POOL + POOL_BYTES; at += WORD)
		*word_at(at) = 0;
	for (uint32_t frame = 0; frame < DIRECTORIES + TABLES; frame++)
		for (uint32_t i = 0; i < HOT_INDICES; i++)
			*word_at(frame_at(frame) + hot_index[i] * WORD) =
				random_entry(frame < DIRECTORIES);
	for (uint32_t frame = 0; frame < DIRECTORIES; frame++) {
		*word_at(frame_at(frame)) = (uint32_t)low_table | BIT_P | BIT_RW | BIT_US;
		*word_at(frame_at(frame) + POOL_PDE * WORD) = (uint32_t)pool_table | BIT_P | BIT_RW;
	}
	for (uint32_t frame = DIRECTORIES + TABLES; frame < HOT_FRAMES; frame++) {
		for (uint32_t i = 0; i < PAGE; i += WORD)
			*word_at(frame_at(frame) + i) = frame << 24 | i << 4;
		*word_at(frame_at(frame) + AT_SUPER_CODE) = SUPER_CODE(frame);
		*word_at(frame_at(frame) + AT_USER_CODE) = USER_CODE(frame);
	}
}

static void paging_on(void)
{
	for (uint32_t i = 0; i < PAGES_IN_TABLE; i++) {
		low_table[i] = i * PAGE | BIT_P | BIT_RW;
		pool_table[i] = (POOL + i * PAGE) | BIT_P | BIT_RW;
	}
	low_table[PTE_AT((uint32_t)user_page)] |= BIT_US;
	mode = (struct paging_mode){
		.cr3 = POOL,
		.wp = true,
		.pse = true,
		.pge = true,
		.tcg = options.tcg,
		.npt0 = options.npt0,
	};
	write_cr3(mode.cr3);
	set_cr4(CR4_PSE | CR4_PGE, true);
	set_cr0(CR0_PG | CR0_WP, true);
}

/* The hot frames, but for A bits. */
static uint32_t memory_digest(void)
{
	uint32_t kept = digest, memory;

	digest = 2166136261u;
	for (uint32_t at = POOL; at < frame_at(HOT_FRAMES); at += WORD)
		digest_add(*word_at(at) & ~BIT_A);
	memory = digest;
	digest = kept;
	return memory;
}

static void print_digest(void)
{
	put_field("pt_fuzz ", step);
	put_field(" outcomes ", digest);
	put_field(" memory ", memory_digest());
	put_text("\n");
}

static void print_totals(void)
{
	put_field("pt_fuzz end: done ", outcomes[OUTCOMES - 1]);
	for (unsigned i = 0; i < OUTCOMES - 1; i++) {
		if (!outcomes[i])
			continue;
		put_text(" error ");
		put_hex(i, 1);
		put_field(": ", outcomes[i]);
	}
	put_field(" omitted ", omitted);
	put_text("\n");
}

void paging_main(void)
{
	options_read();
	fill_playground();
	paging_on();
	put_field("pt_fuzz begin: seed ", options.seed);
	put_text("\n");
	while (step < options.steps) {
		one_step();
		step++;
		if (step % options.every == 0)
			print_digest();
	}
	print_digest();
	print_totals();
	guest_exit(0);
}
