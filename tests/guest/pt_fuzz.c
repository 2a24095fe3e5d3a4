// SPDX-License-Identifier: MIT
/*
 * A guest that changes its own page tables at random and probes addresses. Each step changes an entry,
 * a control register or the directory, does what the architecture asks for to make that visible, and
 * accesses a page. The outcome must be that of a model of the manual's rules, which walks the same
 * tables in C; it also goes into a digest, so that two runs can be compared in one line.
 *
 * Directories and tables are mapped by themselves and by each other, in 4 KiB and 4 MiB pages, so
 * that stores hit tables through every kind of alias. Nothing is asked that the manual leaves open:
 * no value of A where an access faulted, and no translation that was not invalidated.
 *
 * Command line: steps=N seed=N, and rsvd=0 to leave out the reserved bit of 4 MiB pages. Needs 16 MiB
 * of RAM. Exit: 0, 1 if the model disagreed, 100 when the guest itself went wrong.
 */
#include <stdbool.h>
#include <stdint.h>

#define PAGE 4096u
#define ENTRIES 1024u

/* Bits of an entry (Intel SDM vol. 3, tables 4-4 to 4-6). */
#define BIT_P 0x001u
#define BIT_RW 0x002u
#define BIT_US 0x004u
#define BIT_A 0x020u
#define BIT_D 0x040u
#define BIT_PS 0x080u
#define BIT_G 0x100u
#define BIT_21 0x200000u
#define FLAGS (BIT_P | BIT_RW | BIT_US | BIT_A | BIT_D | BIT_G)

#define CR0_WP 0x00010000u
#define CR0_PG 0x80000000u
#define CR4_PSE 0x10u
#define CR4_PGE 0x80u

/* Page-fault error code (SDM vol. 3, 4.7). */
#define ERROR_P 1u
#define ERROR_W 2u
#define ERROR_U 4u
#define ERROR_RSVD 8u

#define UART 0x3f8u
#define UART_LSR (UART + 5)
#define UART_THR_EMPTY 0x20u
#define DEBUG_EXIT 0xf4u
#define EXIT_BROKEN 100u

#define NO_EXCEPTION 0xffu
#define PAGE_FAULT 14u

#define NO_RAM 0x50000000u /* a frame that no machine here has */
#define LOW_TABLES 4u
#define IDENTITY (LOW_TABLES << 22) /* bytes that are always mapped one to one */
#define PIECE 0x200000u		    /* half of a 4 MiB page */
#define MISMATCHES_TOLD 8u
#define RET_AT 0x800u /* offset of a RET in data pages */

/* matrix_entry.S */
void super_read(uint32_t address, uint32_t value);
void super_write(uint32_t address, uint32_t value);
void super_fetch(uint32_t address, uint32_t value);
void user_read(uint32_t address, uint32_t value);
void user_write(uint32_t address, uint32_t value);
extern volatile uint32_t probe_vector, probe_error, probe_cr2, probe_value, probe_eip, boot_info;
extern char user_page[];

void guest_main(void);
void guest_broken(void);

/* What entries lead to. Directories come first, then tables, then data. */
#define DIRECTORIES 4u
#define TABLES 8u
#define DATA 12u
#define ARENA (DIRECTORIES + TABLES + DATA)
static volatile uint32_t arena[ARENA][ENTRIES] __attribute__((aligned(4096)));
static volatile uint32_t low_table[LOW_TABLES * ENTRIES] __attribute__((aligned(4096)));

/* Indices that are in play: few, so that changes meet probes. The first of a directory never are. */
static const uint32_t pde_indices[] = { 4, 5, 6, 0x200, 0x201, 0x3ff };
static uint32_t pte_indices[4 + ARENA] = { 1, 2, 511, 513 };
static const uint32_t large_frames[] = { 0, 0x800000, 0xc00000 };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static uint32_t current; /* directory */
static uint64_t random_state;
static uint64_t digest = 0xcbf29ce484222325u;
static uint32_t mismatches;
static bool with_reserved = true;

/* --- output ----------------------------------------------------------------------------------- */

static void out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static void put_char(char c)
{
	while (!(in8(UART_LSR) & UART_THR_EMPTY))
		;
	out8(UART, (uint8_t)c);
}

static void put_text(const char *s)
{
	while (*s)
		put_char(*s++);
}

static void put_hex(const char *before, uint32_t value)
{
	put_text(before);
	for (unsigned digits = 8; digits--;)
		put_char("0123456789abcdef"[value >> digits * 4 & 15]);
}

static void leave(uint8_t status)
{
	for (;;)
		out8(DEBUG_EXIT, status);
}

/* An exception outside of a probe. */
void guest_broken(void)
{
	put_hex("broken: vector ", probe_vector);
	put_hex(" error ", probe_error);
	put_hex(" eip ", probe_eip);
	put_hex(" cr2 ", probe_cr2);
	put_text("\n");
	leave(EXIT_BROKEN);
}

/* --- chance ----------------------------------------------------------------------------------- */

/* SplitMix64, high half; 32-bit multiplications alone. */
static uint64_t times(uint64_t a, uint64_t b)
{
	uint32_t a0 = (uint32_t)a, b0 = (uint32_t)b;
	uint32_t high = (uint32_t)(a >> 32) * b0 + a0 * (uint32_t)(b >> 32);

	return (uint64_t)a0 * b0 + ((uint64_t)high << 32);
}

static uint32_t random32(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15u;

	z = times(z ^ z >> 30, 0xbf58476d1ce4e5b9u);
	z = times(z ^ z >> 27, 0x94d049bb133111ebu);
	return (uint32_t)((z ^ z >> 31) >> 32);
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)((uint64_t)random32() * n >> 32);
}

static bool chance(uint32_t percent)
{
	return below(100) < percent;
}

static void digest_add(uint32_t value)
{
	for (unsigned n = 0; n < 4; n++)
		digest = times(digest ^ (value >> n * 8 & 0xff), 0x100000001b3u);
}

/* --- control registers ------------------------------------------------------------------------ */

static uint32_t read_cr0(void)
{
	uint32_t value;

	__asm__ volatile("mov %%cr0, %0" : "=r"(value));
	return value;
}

static void write_cr0(uint32_t value)
{
	__asm__ volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}

static uint32_t read_cr4(void)
{
	uint32_t value;

	__asm__ volatile("mov %%cr4, %0" : "=r"(value));
	return value;
}

static void write_cr4(uint32_t value)
{
	__asm__ volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

static void load_cr3(void)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(arena[current]) : "memory");
}

static void invlpg(uint32_t lin)
{
	__asm__ volatile("invlpg %0" : : "m"(*(char *)lin) : "memory");
}

/* Everything, global pages too: MOV CR3 leaves those, a change of CR4.PGE does not. */
static void flush_all(void)
{
	uint32_t cr4 = read_cr4();

	load_cr3();
	if (cr4 & CR4_PGE) {
		write_cr4(cr4 & ~CR4_PGE);
		write_cr4(cr4);
	}
}

/* --- entries ---------------------------------------------------------------------------------- */

static uint32_t address_of(uint32_t page)
{
	return (uint32_t)arena[page];
}

static uint32_t random_flags(void)
{
	uint32_t flags = random32() & FLAGS;

	/* mostly usable, or every probe would fault */
	return flags | (chance(80) ? BIT_P : 0) | (chance(40) ? BIT_RW | BIT_US : 0);
}

static uint32_t random_pte(void)
{
	uint32_t kind = below(100), page;

	if (kind < 4)
		return NO_RAM | random_flags();
	if (kind < 60)
		page = DIRECTORIES + TABLES + below(DATA);
	else if (kind < 85)
		page = DIRECTORIES + below(TABLES);
	else
		page = below(DIRECTORIES);
	return address_of(page) | random_flags();
}

static uint32_t random_pde(void)
{
	uint32_t kind = below(100), page;

	if (kind < 20)
		return large_frames[below(COUNT(large_frames))] | BIT_PS | random_flags() |
		       (with_reserved && chance(10) ? BIT_21 : 0);
	if (kind < 85)
		page = DIRECTORIES + below(TABLES);
	else if (kind < 95)
		page = below(DIRECTORIES);
	else
		page = DIRECTORIES + TABLES + below(DATA);
	return address_of(page) | random_flags();
}

/* --- the model -------------------------------------------------------------------------------- */

struct access {
	uint32_t lin;
	bool write, user, fetch;
};

struct outcome {
	bool fault;
	uint32_t error;
	uint32_t physical;
	uint32_t leaf; /* where the entry lies that must have A, and D after a write */
};

/* The page of the arena at a physical address, or ARENA. */
static uint32_t page_at(uint32_t physical)
{
	uint32_t page = (physical - address_of(0)) / PAGE;

	return physical >= address_of(0) && page < ARENA ? page : ARENA;
}

static uint32_t load(uint32_t physical)
{
	uint32_t value;

	__asm__ volatile("movl (%1), %0" : "=r"(value) : "r"(physical) : "memory");
	return value;
}

/*
 * May what is written there be taken for entries? The arena; and, while CR4.PSE is clear, what a
 * 4 MiB entry names, with the reserved bit or without.
 */
static bool is_table(uint32_t physical)
{
	return page_at(physical) < ARENA || (physical < IDENTITY && physical % PIECE < PAGE);
}

/* SDM vol. 3, 4.3 and 4.6.1, for a CPU without PAE, NX, SMEP and SMAP. */
static struct outcome model(const struct access *a)
{
	struct outcome o = { .fault = true };
	volatile uint32_t *pde = &arena[current][a->lin >> 22];
	uint32_t rights = *pde;

	o.error = (a->write ? ERROR_W : 0) | (a->user ? ERROR_U : 0);
	if (!(*pde & BIT_P))
		return o;
	if (*pde & BIT_PS && read_cr4() & CR4_PSE) {
		if (*pde & BIT_21) {
			o.error |= ERROR_P | ERROR_RSVD;
			return o;
		}
		o.leaf = (uint32_t)pde;
		o.physical = (*pde & 0xffc00000u) | (a->lin & 0x003fffffu);
	} else {
		uint32_t pte;

		o.leaf = (*pde & ~(PAGE - 1)) + (a->lin >> 12 & 0x3ff) * 4;
		pte = load(o.leaf);
		if (!(pte & BIT_P))
			return o;
		rights &= pte;
		o.physical = (pte & ~(PAGE - 1)) | (a->lin & (PAGE - 1));
	}
	if ((a->user && !(rights & BIT_US)) ||
	    (a->write && !(rights & BIT_RW) && (a->user || read_cr0() & CR0_WP))) {
		o.error |= ERROR_P;
		return o;
	}
	o.fault = false;
	return o;
}

/* --- probes ----------------------------------------------------------------------------------- */

static uint32_t random_lin(void)
{
	return pde_indices[below(COUNT(pde_indices))] << 22 | pte_indices[below(COUNT(pte_indices))]
								      << 12;
}

static void tell(const struct access *a, const struct outcome *o, uint32_t step)
{
	if (mismatches++ >= MISMATCHES_TOLD)
		return;
	put_hex("mismatch: step ", step);
	put_hex(" lin ", a->lin);
	put_text(a->user ? " user" : " super");
	put_text(a->write ? " write" : a->fetch ? " fetch" : " read");
	put_hex(": wanted ", o->fault ? o->error : ~0u);
	put_hex(", got ", probe_vector == NO_EXCEPTION ? ~0u : probe_error);
	put_hex(" cr2 ", probe_cr2);
	put_hex(" leaf ", o->leaf);
	put_text("\n");
}

static bool as_modelled(const struct access *a, const struct outcome *o)
{
	uint32_t want = BIT_A | (a->write ? BIT_D : 0);

	if (o->fault)
		return probe_vector == PAGE_FAULT && probe_error == o->error && probe_cr2 == a->lin;
	if (probe_vector != NO_EXCEPTION)
		return false;
	/* the store may have hit the leaf itself, which holds what was stored then */
	return (load(o->leaf) & want) == want || (a->write && is_table(o->physical));
}

static void probe(uint32_t step)
{
	struct access a = { .lin = random_lin(), .write = chance(50), .user = chance(40) };
	uint32_t value = chance(50) ? random_pte() : random_pde(), page, slot;
	struct outcome o = model(&a);

	page = o.fault ? ARENA : page_at(o.physical);
	/* In a table: an entry that is in play. A directory takes what may stand in one. */
	slot = page < DIRECTORIES ? pde_indices[below(COUNT(pde_indices))]
				  : pte_indices[below(COUNT(pte_indices))];
	if (page < DIRECTORIES)
		value = random_pde();
	else if (page < ARENA)
		value = random_pte();
	/* what is written beside a RET in a data page stays clear of it */
	if (slot == RET_AT / 4)
		slot = 1;
	a.lin |= slot * 4;
	if (!a.write && !a.user && (page == ARENA ? o.fault : page >= DIRECTORIES + TABLES) &&
	    chance(30)) {
		a.fetch = true;
		a.lin = (a.lin & ~(PAGE - 1)) | RET_AT;
	}
	o = model(&a);
	probe_vector = NO_EXCEPTION;
	probe_value = 0;
	if (a.fetch)
		super_fetch(a.lin, value);
	else if (a.write)
		(a.user ? user_write : super_write)(a.lin, value);
	else
		(a.user ? user_read : super_read)(a.lin, value);
	if (!as_modelled(&a, &o))
		tell(&a, &o, step);
	digest_add(a.lin);
	digest_add(probe_vector);
	/* what is read where there is no RAM is up to the machine; A may be set early */
	if (o.fault || o.physical < IDENTITY)
		digest_add(probe_vector == NO_EXCEPTION ? probe_value & ~BIT_A : probe_error);
	digest_add(o.fault ? 0 : load(o.leaf) & ~BIT_A);
	/* a table may have changed, whoever uses it */
	if (a.write && !o.fault && is_table(o.physical))
		flush_all();
}

/* --- changes ---------------------------------------------------------------------------------- */

/* A table entry changes: INVLPG wherever the current directory shows it, or a flush. */
static void change_pte(void)
{
	uint32_t table = DIRECTORIES + below(TABLES),
		 index = pte_indices[below(COUNT(pte_indices))];
	bool was_present = arena[table][index] & BIT_P;

	arena[table][index] = random_pte();
	/* what was not present is not cached (SDM vol. 3, 4.10.2.3) */
	if (!was_present && chance(50))
		return;
	if (read_cr4() & CR4_PGE || chance(30)) {
		flush_all();
		return;
	}
	for (uint32_t i = 0; i < COUNT(pde_indices); i++)
		if ((arena[current][pde_indices[i]] & ~(PAGE - 1)) == address_of(table))
			invlpg(pde_indices[i] << 22 | index << 12);
}

static void change_pde(void)
{
	uint32_t directory = below(DIRECTORIES), index = pde_indices[below(COUNT(pde_indices))];

	arena[directory][index] = random_pde();
	flush_all();
}

static void change_directory(void)
{
	current = below(DIRECTORIES);
	flush_all();
}

static void toggle_pg(void)
{
	uint32_t cr0 = read_cr0();

	write_cr0(cr0 & ~CR0_PG);
	arena[DIRECTORIES + below(TABLES)][pte_indices[below(COUNT(pte_indices))]] = random_pte();
	write_cr0(cr0);
	flush_all();
}

static void change(void)
{
	uint32_t kind = below(100);

	if (kind < 45)
		change_pte();
	else if (kind < 70)
		change_pde();
	else if (kind < 80)
		change_directory();
	else if (kind < 85)
		write_cr0(read_cr0() ^ CR0_WP);
	else if (kind < 88)
		write_cr4(read_cr4() ^ CR4_PSE);
	else if (kind < 91)
		write_cr4(read_cr4() ^ CR4_PGE);
	else if (kind < 92)
		toggle_pg();
	else
		flush_all();
}

/* --- the run ---------------------------------------------------------------------------------- */

/* The value of NAME=, in decimal, from the multiboot command line. */
static uint32_t option(const char *name, uint32_t value)
{
	const uint32_t *info = (const uint32_t *)boot_info;
	const char *at = info[0] & 4 ? (const char *)info[4] : "";

	for (; *at; at++) {
		uint32_t n = 0;

		while (name[n] && at[n] == name[n])
			n++;
		if (name[n])
			continue;
		for (at += n, value = 0; *at >= '0' && *at <= '9'; at++)
			value = value * 10 + (uint32_t)(*at - '0');
		break;
	}
	return value;
}

static void paging_on(void)
{
	for (uint32_t i = 0; i < LOW_TABLES * ENTRIES; i++)
		low_table[i] = i * PAGE | BIT_P | BIT_RW;
	low_table[(uint32_t)user_page / PAGE] |= BIT_US;
	for (uint32_t d = 0; d < DIRECTORIES; d++)
		for (uint32_t t = 0; t < LOW_TABLES; t++)
			arena[d][t] = (uint32_t)(low_table + t * ENTRIES) | BIT_P | BIT_RW | BIT_US;
	for (uint32_t d = 0; d < DATA; d++)
		arena[DIRECTORIES + TABLES + d][RET_AT / 4] = 0xc3;
	for (uint32_t p = 0; p < ARENA; p++)
		pte_indices[4 + p] = address_of(p) / PAGE % ENTRIES;
	write_cr4(read_cr4() | CR4_PSE);
	load_cr3();
	write_cr0(read_cr0() | CR0_PG);
}

void guest_main(void)
{
	uint32_t steps = option("steps=", 10000);

	random_state = option("seed=", 1);
	with_reserved = option("rsvd=", 1);
	/* what a 4 MiB entry names is a table while CR4.PSE is clear; page 0 is the one with leftovers */
	for (uint32_t at = 0; at < PAGE; at += 4)
		__asm__ volatile("movl $0, (%0)" : : "r"(at) : "memory");
	paging_on();
	for (uint32_t step = 1; step <= steps; step++) {
		change();
		for (uint32_t probes = 1 + below(4); probes; probes--)
			probe(step);
		if (step % 10000 == 0 || step == steps) {
			put_hex("step ", step);
			put_hex(" digest ", (uint32_t)(digest >> 32));
			put_hex("", (uint32_t)digest);
			put_text("\n");
		}
	}
	put_hex("mismatches ", mismatches);
	put_text("\n");
	leave(mismatches ? 1 : 0);
}
