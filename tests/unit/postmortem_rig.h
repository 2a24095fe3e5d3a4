/* SPDX-License-Identifier: MIT */
/*
 * A dead machine made by hand, and its post-mortem as text. For test_postmortem*.c.
 */
#ifndef TESTS_UNIT_POSTMORTEM_RIG_H
#define TESTS_UNIT_POSTMORTEM_RIG_H

#include "unit/elf_image.h"

#undef PF_W /* ELF's is a right of a segment, ours a bit of a page fault's error code */

#include "inspect/postmortem.h"
#include "unit/unit.h"

#define RAM_BYTES (4u << 20)
#define DIRECTORY 0x1000u
#define TABLE 0x2000u
#define KERNEL ELF_IMAGE_CODE /* two pages of it, at 1M physical */
#define DATA32 (SEG_P | SEG_S | SEG_WRITE | SEG_ACCESSED | SEG_DB | SEG_G)
#define CODE32 (DATA32 | SEG_CODE)

struct fixture {
	struct ram ram;
	struct x86_state state;
	struct x86_fault_log log;
	struct symbols *symbols;
	struct postmortem pm;
	char *text; /* of the last post-mortem */
};

static inline void poke(struct fixture *f, gpa_t gpa, const void *data, size_t bytes)
{
	void *at = ram_span(&f->ram, gpa, bytes);

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	memcpy(at, data, bytes);
}

static inline void poke32(struct fixture *f, gpa_t gpa, uint32_t value)
{
	poke(f, gpa, &value, sizeof(value));
}

/* Paging on, KERNEL and the page after it mapped, nothing else; EIP at KERNEL. */
static inline void setup(struct fixture *f)
{
	const struct x86_segment data = { 0x68, DATA32, 0, 0xffffffff };

	memset(f, 0, sizeof(*f));
	CU_ASSERT_EQUAL_FATAL(ram_create(&f->ram, RAM_BYTES, NULL), 0);
	poke32(f, DIRECTORY + 768 * 4, TABLE | PTE_P | PTE_W | PTE_A);
	poke32(f, TABLE + 0x100 * 4, 0x100000 | PTE_P | PTE_W | PTE_A | PTE_D);
	poke32(f, TABLE + 0x101 * 4, 0x101000 | PTE_P | PTE_W);
	f->state.cr0 = CR0_PE | CR0_PG;
	f->state.cr3 = DIRECTORY;
	f->state.eip = KERNEL;
	f->state.gpr[X86_ESP] = KERNEL + 0x1000;
	f->state.seg[X86_CS] = (struct x86_segment){ 0x60, CODE32, 0, 0xffffffff };
	f->state.seg[X86_SS] = data;
	f->state.seg[X86_DS] = data;
	f->pm = (struct postmortem){
		.reason = "it died",
		.state = &f->state,
		.faults = &f->log,
		.ram = &f->ram,
	};
}

static inline void teardown(struct fixture *f)
{
	symbols_close(f->symbols);
	ram_destroy(&f->ram);
	free(f->text);
}

static inline void record(struct fixture *f, const struct x86_fault_record *r)
{
	f->log.record[f->log.next++ % X86_FAULT_LOG] = *r;
}

static inline void write_pm(struct fixture *f)
{
	size_t bytes;
	FILE *out;

	free(f->text);
	f->text = NULL;
	out = open_memstream(&f->text, &bytes);
	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	f->pm.symbols = f->symbols;
	postmortem_write(&f->pm, out);
	fclose(out);
}

static inline void has(const struct fixture *f, const char *lines)
{
	CU_ASSERT_PTR_NOT_NULL(strstr(f->text, lines));
	if (!strstr(f->text, lines))
		fprintf(stderr, "\nwanted:\n%sin:\n%s", lines, f->text);
}

static inline void has_not(const struct fixture *f, const char *part)
{
	CU_ASSERT_PTR_NULL(strstr(f->text, part));
}

static inline unsigned lines_of(const struct fixture *f)
{
	unsigned n = 0;

	for (const char *p = f->text; *p; p++)
		n += *p == '\n';
	return n;
}

#endif
