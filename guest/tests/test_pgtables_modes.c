// SPDX-License-Identifier: MIT
/*
 * What gives entries their meaning: CR3, CR0.PG, CR0.WP, CR4.PSE, CR4.PGE; A and D to the bit;
 * tables where there is no RAM; more directories than any cache of them holds; and stale
 * translations.
 */
#include "selftest.h"
#include "tables.h"
#include "user_code.h"
#include <arch/processor.h>

#include "mm/page_alloc.h"

#define VA AREA(0)
#define AD (_PAGE_ACCESSED | _PAGE_DIRTY)
#define PF_RSVD 0x8
#define BIT_21 0x200000u

/* Where no RAM is, whatever -m says: below the local APIC, above all devices' pages. */
#define NO_RAM 0xd0000000u
#define VIRTIO_MMIO 0xfeb00000u

static volatile pgd_t *pde(void)
{
	return &own_dir[0][pgd_index(VA)];
}

static volatile pte_t *pte(void)
{
	return &own_table[0][0];
}

static void open(u32 flags)
{
	tables_open();
	link_table(0, 0, 0);
	store_entry(pte(), frame_entry(0, flags), VA);
}

static void cr3_reload(struct selftest_result *r, const void *arg)
{
	(void)arg;
	open(MAP_USER_RW);
	EXPECT_EQ(r, load_word(VA), COLOUR(0, 0));
	*pte() = frame_entry(1, MAP_USER_RW);
	write_cr3(read_cr3());
	EXPECT_EQ(r, load_word(VA), COLOUR(1, 0));
	own_table[1][0] = frame_entry(2, MAP_USER_RW);
	*pde() = entry_of(own_table[1], MAP_USER_RW);
	write_cr3(read_cr3());
	EXPECT_EQ(r, load_word(VA), COLOUR(2, 0));
	*pde() = 0;
	write_cr3(read_cr3());
	EXPECT_EQ(r, try_load(VA).error_code, 0);
	tables_close();
}

/* Clearing CR0.PG drops every translation, global ones too (SDM vol. 3, 4.10.4.1). */
static void paging_off_and_on(struct selftest_result *r, const void *arg)
{
	u32 code = __pa(paging_off_start);

	(void)arg;
	open(MAP_USER_RW | _PAGE_GLOBAL);
	own_dir[0][pgd_index(code)] = (code & PGDIR_MASK) | _PAGE_PSE | MAP_KERNEL_RW;
	invlpg(code);
	EXPECT_EQ(r, load_word(VA), COLOUR(0, 0));
	*pte() = frame_entry(1, MAP_USER_RW);
	EXPECT_EQ(r, paging_off_read(__pa(&window_frame(2)[3])), COLOUR(2, 3));
	EXPECT_EQ(r, load_word(VA), COLOUR(1, 0));
	tables_close();
}

/* What the kernel writes with WP = 0 does not open the page to anybody else. */
static void wp_off_write(struct selftest_result *r, const void *arg)
{
	(void)arg;
	open(MAP_USER_RO);
	EXPECT_EQ(r, window_run_user(user_read, VA, 0).regs.bx, COLOUR(0, 0));
	write_cr0(read_cr0() & ~(u32)X86_CR0_WP);
	put_word(VA, 77);
	EXPECT_EQ(r, *pte() & AD, AD);
	EXPECT_EQ(r, window_run_user(user_read, VA, 0).regs.bx, 77);
	EXPECT_EQ(r, window_run_user(user_write, VA, 1).error_code, PF_PROT | PF_WRITE | PF_USER);
	put_word(VA, 78);
	write_cr0(read_cr0() | X86_CR0_WP);
	EXPECT_EQ(r, window_run_user(user_read, VA, 0).regs.bx, 78);
	EXPECT_EQ(r, window_run_user(user_write, VA, 1).error_code, PF_PROT | PF_WRITE | PF_USER);
	EXPECT_EQ(r, try_store(VA).error_code, PF_PROT | PF_WRITE);
	EXPECT_EQ(r, window_frame(0)[0], 78);
	tables_close();
}

/* A supervisor page, read-only: with WP = 0 no user may even read it. */
static void wp_off_supervisor(struct selftest_result *r, const void *arg)
{
	(void)arg;
	open(MAP_KERNEL_RO);
	write_cr0(read_cr0() & ~(u32)X86_CR0_WP);
	put_word(VA, 79);
	EXPECT_EQ(r, window_run_user(user_read, VA, 0).error_code, PF_PROT | PF_USER);
	write_cr0(read_cr0() | X86_CR0_WP);
	EXPECT_EQ(r, load_word(VA), 79);
	EXPECT_EQ(r, try_store(VA).error_code, PF_PROT | PF_WRITE);
	tables_close();
}

/*
 * The kernel's own 4 MiB pages would lose their meaning: directory 1 has the image in 4 KiB pages.
 */
static void map_kernel_small(void)
{
	static pte_t small[2][PTRS_PER_PTE] __page_aligned;
	u32 first = pgd_index(PAGE_OFFSET);

	for (u32 t = 0; t < 2; t++) {
		for (u32 i = 0; i < PTRS_PER_PTE; i++)
			small[t][i] = (t << PGDIR_SHIFT) | i << PAGE_SHIFT | MAP_KERNEL_RW;
		own_dir[1][first + t] = entry_of(small[t], MAP_KERNEL_RW);
	}
}

/* Without CR4.PSE bit 7 of a PDE is ignored, and bit 21 is one of the table's address. */
static void pse_off(struct selftest_result *r, const void *arg)
{
	u32 cr4 = read_cr4(), flags, seen, error;

	(void)arg;
	open(MAP_USER_RW);
	map_kernel_small();
	own_dir[1][pgd_index(VA)] = *pde() | _PAGE_PSE;
	flags = local_irq_save();
	tables_use(1);
	write_cr4(cr4 & ~(u32)(X86_CR4_PSE | X86_CR4_PGE));
	tables_use(1); /* that PSE flushes is not said anywhere */
	seen = load_word(VA);
	*pte() = 0;
	invlpg(VA);
	error = try_load(VA).error_code;
	write_cr4(cr4);
	tables_use(0);
	local_irq_restore(flags);
	EXPECT_EQ(r, seen, COLOUR(0, 0));
	EXPECT_EQ(r, error, 0);
	EXPECT_EQ(r, own_dir[1][pgd_index(VA)] & _PAGE_DIRTY, 0);
	tables_close();
}

/* TCG reports error 8 where the manual has P set as well (4.7). */
static void reserved_bit(struct selftest_result *r, const void *arg)
{
	u32 large = (__pa(window_frame(0)) & PGDIR_MASK) | _PAGE_PSE | MAP_USER_RW;

	(void)arg;
	tables_open();
	store_entry(pde(), large | BIT_21, VA);
	EXPECT_EQ(r, try_load(VA).error_code | PF_PROT, PF_RSVD | PF_PROT);
	EXPECT_EQ(r, try_store(VA).error_code | PF_PROT, PF_RSVD | PF_PROT | PF_WRITE);
	EXPECT_EQ(r, window_run_user(user_read, VA, 0).error_code | PF_PROT,
		  PF_RSVD | PF_PROT | PF_USER);
	EXPECT_EQ(r, *pde() & _PAGE_DIRTY, 0);
	store_entry(pde(), (large | BIT_21) & ~(u32)_PAGE_PRESENT, VA);
	EXPECT_EQ(r, try_load(VA).error_code, 0);
	store_entry(pde(), large, VA);
	EXPECT_EQ(r, load_word(VA + (__pa(window_frame(0)) & ~PGDIR_MASK)), COLOUR(0, 0));
	tables_close();
}

/* Without CR4.PGE a global page is none, and MOV CR3 drops it. */
static void global_needs_pge(struct selftest_result *r, const void *arg)
{
	u32 cr4 = read_cr4(), seen;

	(void)arg;
	open(MAP_USER_RW | _PAGE_GLOBAL);
	write_cr4(cr4 & ~(u32)X86_CR4_PGE);
	EXPECT_EQ(r, load_word(VA), COLOUR(0, 0));
	*pte() = frame_entry(1, MAP_USER_RW | _PAGE_GLOBAL);
	flush_tlb();
	EXPECT_EQ(r, load_word(VA), COLOUR(1, 0));
	write_cr4(cr4);
	EXPECT_EQ(r, load_word(VA), COLOUR(1, 0));
	*pte() = frame_entry(2, MAP_USER_RW);
	flush_tlb();
	seen = load_word(VA);
	EXPECT(r, seen == COLOUR(1, 0) || seen == COLOUR(2, 0));
	invlpg(VA);
	EXPECT_EQ(r, load_word(VA), COLOUR(2, 0));
	tables_close();
}

/* A by any access, D by a write alone, and by none that faults (SDM vol. 3, 4.8). */
static void accessed_and_dirty(struct selftest_result *r, const void *arg)
{
	(void)arg;
	open(MAP_USER_RO);
	*pde() &= ~(u32)AD;
	write_cr3(read_cr3());
	window_run_user(user_write, VA, 1);
	try_store(VA);
	EXPECT_EQ(r, *pte() & _PAGE_DIRTY, 0);
	load_word(VA);
	EXPECT_EQ(r, *pte() & AD, _PAGE_ACCESSED);
	EXPECT_EQ(r, *pde() & AD, _PAGE_ACCESSED);
	store_entry(pte(), frame_entry(0, MAP_USER_RW), VA);
	window_run_user(user_read, VA, 0);
	EXPECT_EQ(r, *pte() & AD, _PAGE_ACCESSED);
	window_run_user(user_write, VA, 1);
	EXPECT_EQ(r, *pte() & AD, AD);
	EXPECT_EQ(r, *pde() & AD, _PAGE_ACCESSED);
	tables_close();
}

/* What is read there is nobody's promise; that the machine lives on is. */
static void no_ram(struct selftest_result *r, const void *arg)
{
	const u32 *where = arg;
	struct trapped t;

	open(MAP_USER_RW);
	store_entry(pde(), *where | MAP_USER_RW, VA);
	t = try_load(VA);
	EXPECT(r, t.vector == NO_TRAP || t.vector == TRAP_PF);
	EXPECT(r, t.vector == NO_TRAP || t.cr2 == VA);
	t = try_store(VA);
	EXPECT(r, t.vector == NO_TRAP || t.vector == TRAP_PF);
	t = window_run_user(user_read, VA, 0);
	EXPECT(r, t.vector == SYSCALL_VECTOR || t.vector == TRAP_PF);
	link_table(0, 0, 0);
	EXPECT_EQ(r, load_word(VA), COLOUR(0, 0));
	tables_close();
}

static void page_without_ram(struct selftest_result *r, const void *arg)
{
	(void)arg;
	open(MAP_USER_RW);
	store_entry(pte(), NO_RAM | MAP_USER_RW, VA);
	EXPECT_EQ(r, try_load(VA).vector, NO_TRAP);
	EXPECT_EQ(r, try_store(VA).vector, NO_TRAP);
	store_entry(pte(), NO_RAM | MAP_KERNEL_RO, VA);
	EXPECT_EQ(r, try_store(VA).error_code, PF_PROT | PF_WRITE);
	EXPECT_EQ(r, window_run_user(user_read, VA, 0).error_code, PF_PROT | PF_USER);
	store_entry(pte(), frame_entry(3, MAP_USER_RW), VA);
	EXPECT_EQ(r, load_word(VA), COLOUR(3, 0));
	tables_close();
}

/* The old page or the new one, for a read and for a write; never another. */
static void missed_invlpg(struct selftest_result *r, const void *arg)
{
	u32 seen, old, new;

	(void)arg;
	open(MAP_USER_RW);
	put_word(VA, COLOUR(0, 0));
	*pte() = frame_entry(1, MAP_USER_RW);
	seen = load_word(VA);
	EXPECT(r, seen == COLOUR(0, 0) || seen == COLOUR(1, 0));
	put_word(VA, 5);
	old = window_frame(0)[0];
	new = window_frame(1)[0];
	EXPECT(r, (old == 5 && new == COLOUR(1, 0)) || (old == COLOUR(0, 0) && new == 5));
	invlpg(VA);
	window_frame(1)[0] = COLOUR(1, 0);
	EXPECT_EQ(r, load_word(VA), COLOUR(1, 0));
	*pte() = frame_entry(1, MAP_KERNEL_RO);
	if (try_store(VA).vector == NO_TRAP)
		EXPECT_EQ(r, window_frame(1)[0], 1);
	else
		EXPECT_EQ(r, window_frame(1)[0], COLOUR(1, 0));
	EXPECT_EQ(r, window_frame(2)[0], COLOUR(2, 0));
	tables_close();
}

#define MANY 2048u
#define MANY_AT_LEAST 512u

static void many_spaces(struct selftest_result *r, const void *arg)
{
	static pgd_t *dirs[MANY];
	u32 got = 0, wrong = 0;

	(void)arg;
	tables_open();
	for (u32 n = 0; n < NR_OWN_TABLES; n++)
		link_frame(n, 0, n);
	/* The kernel keeps half of what is free. */
	while (got < MANY && nr_free_pages() > MANY && (dirs[got] = get_zeroed_page(GFP_KERNEL))) {
		for (u32 i = pgd_index(PAGE_OFFSET); i < PTRS_PER_PGD; i++)
			dirs[got][i] = swapper_pg_dir[i];
		dirs[got][pgd_index(VA)] = entry_of(own_table[got % NR_OWN_TABLES], MAP_USER_RW);
		got++;
	}
	EXPECT(r, got >= MANY_AT_LEAST);
	/* Once all, then some of them again, old and new. */
	for (u32 step = 1; step <= 16; step += 15) {
		for (u32 i = 0; i < got; i += step) {
			write_cr3(__pa(dirs[i]));
			wrong += load_word(VA) != COLOUR(i % NR_OWN_TABLES, 0);
		}
	}
	tables_use(0);
	while (got)
		free_pages(dirs[--got], 0);
	EXPECT_EQ(r, wrong, 0);
	tables_close();
}

static const u32 beyond_ram = NO_RAM, in_mmio = VIRTIO_MMIO;

const struct selftest pgtables_mode_tests[] = {
	{ "cr3_reload_of_the_same_value_shows_changes_of_both_levels", cr3_reload, NULL },
	{ "paging_off_and_on_drops_global_translations", paging_off_and_on, NULL },
	{ "wp_0_write_opens_no_page_to_users", wp_off_write, NULL },
	{ "wp_0_write_to_a_supervisor_page", wp_off_supervisor, NULL },
	{ "pse_0_ignores_bit_7_of_a_pde", pse_off, NULL },
	{ "reserved_bit_of_a_4_mib_page_faults", reserved_bit, NULL },
	{ "global_pages_need_pge", global_needs_pge, NULL },
	{ "accessed_and_dirty_are_exact", accessed_and_dirty, NULL },
	{ "table_beyond_ram", no_ram, &beyond_ram },
	{ "table_in_mmio", no_ram, &in_mmio },
	{ "page_beyond_ram_keeps_its_rights", page_without_ram, NULL },
	{ "missed_invlpg_shows_the_old_page_or_the_new", missed_invlpg, NULL },
	{ "thousands_of_address_spaces", many_spaces, NULL },
	{ NULL, NULL, NULL },
};
