// SPDX-License-Identifier: MIT
/*
 * The I/O permission bitmap of the TSS: which ports ring 3 may use (Intel SDM vol. 1, 19.5.2).
 *
 * The port is the UART's scratch register, which keeps what is written; it is the last bit of its
 * byte, so that wider accesses need the next byte, too. The TSS here has a stack of its own.
 */
#include "selftest.h"
#include "slots.h"
#include "user_code.h"
#include "window.h"
#include <arch/io.h>
#include <arch/processor.h>
#include <drivers/uart.h>
#include <lib/string.h>

#define SCRATCH (UART_PORT + 7)
#define LINES (UART_PORT + 4) /* MCR, LSR, MSR and SCRATCH: reading harms nobody here */
#define ALL_LIMIT (sizeof(struct io_tss) - 1)
#define ABOVE_SCRATCH 0x408 /* first port whose bits are not in the map */
#define TRANSFER 4	    /* bytes of user_rep_insb and user_rep_outsb */
#define BYTES 0x5a5a5a5au

struct io_tss {
	struct tss_struct tss;
	u8 bitmap[ABOVE_SCRATCH / 8];
	u8 end; /* all ones, as the SDM asks for */
};

_Static_assert(SCRATCH == 0x3ff, "the last bit of its byte");
_Static_assert(sizeof(struct tss_struct) == 104, "nothing lies between it and the map");

static struct io_tss io_tss;
static u8 stack[PAGE_SIZE] __page_aligned;

/* Only these ports are allowed. */
static void allow(u32 first, u32 count)
{
	memset(io_tss.bitmap, 0xff, sizeof(io_tss.bitmap));
	for (u32 port = first; port < first + count; port++)
		io_tss.bitmap[port / 8] &= (u8) ~(1u << port % 8);
}

static void load_io_tss(u32 limit)
{
	io_tss.tss = init_tss;
	io_tss.tss.sp0 = (u32)stack + sizeof(stack);
	io_tss.tss.io_bitmap_base = offsetof(struct io_tss, bitmap);
	io_tss.end = 0xff;
	slot_set(SLOT, pack_descriptor((u32)&io_tss, limit, TSS_AVAILABLE, 0));
	asm volatile("ltr %w0" : : "r"(SLOT) : "memory");
}

static void load_init_tss(void)
{
	gdt_table[GDT_ENTRY_TSS] =
		pack_descriptor((u32)&init_tss, sizeof(init_tss) - 1, TSS_AVAILABLE, 0);
	asm volatile("ltr %w0" : : "r"(__TSS_SEL) : "memory");
	slots_clear();
}

struct io_case {
	const char *routine;
	u32 port;
	u32 first, count; /* allowed ports */
	u32 limit;	  /* of the TSS */
	u32 vector;
};

static struct trapped run(const struct io_case *c, u32 ax)
{
	struct trapped t;

	allow(c->first, c->count);
	load_io_tss(c->limit);
	t = window_run_user(c->routine, ax, c->port);
	load_init_tss();
	return t;
}

static void io(struct selftest_result *r, const void *arg)
{
	const struct io_case *c = arg;
	struct trapped t;

	window_open();
	t = run(c, 0);
	window_close();
	EXPECT_EQ(r, t.vector, c->vector);
	EXPECT_EQ(r, t.error_code, 0);
	EXPECT_EQ(r, t.regs.cs & 3, 3);
}

static void write_then_read(struct selftest_result *r, const void *arg)
{
	struct trapped t;

	outb(0, SCRATCH);
	window_open();
	t = run(arg, 0xa5);
	window_close();
	EXPECT_EQ(r, t.vector, SYSCALL_VECTOR);
	EXPECT_EQ(r, t.regs.bx, 0xa5);
	EXPECT_EQ(r, inb(SCRATCH), 0xa5);
}

/* To and from the page at DATA_WINDOW. */
static void string_io(struct selftest_result *r, const void *arg)
{
	const struct io_case *c = arg;
	bool in = c->routine == user_rep_insb, done = c->vector == SYSCALL_VECTOR;
	struct trapped t;
	u32 word;

	window_open();
	window_map(DATA_WINDOW, 0, MAP_USER_RW);
	*window_frame(0) = in ? 0 : BYTES;
	outb(in ? (u8)BYTES : 0, SCRATCH);
	t = run(c, DATA_WINDOW);
	word = *window_frame(0);
	window_close();
	EXPECT_EQ(r, t.vector, c->vector);
	EXPECT_EQ(r, t.regs.cx, done ? 0 : TRANSFER);
	if (in)
		EXPECT_EQ(r, word, done ? BYTES : 0);
	else
		EXPECT_EQ(r, inb(SCRATCH), done ? (u8)BYTES : 0);
}

#define IO(...)                                                                                    \
	&(const struct io_case)                                                                    \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define ALLOWED SYSCALL_VECTOR
#define MAP_BYTE(port) (offsetof(struct io_tss, bitmap) + (port) / 8)

const struct selftest ioperm_tests[] = {
	{ "io_bitmap_allows_out_and_in_at_ring3", write_then_read,
	  IO(user_outb_inb, SCRATCH, SCRATCH, 1, ALL_LIMIT, ALLOWED) },
	{ "io_bitmap_allows_a_dword_of_four_ports", io,
	  IO(user_inl, LINES, LINES, 4, ALL_LIMIT, ALLOWED) },
	{ "io_bitmap_allows_ins_at_ring3", string_io,
	  IO(user_rep_insb, SCRATCH, SCRATCH, 1, ALL_LIMIT, ALLOWED) },
	{ "io_bitmap_allows_outs_at_ring3", string_io,
	  IO(user_rep_outsb, SCRATCH, SCRATCH, 1, ALL_LIMIT, ALLOWED) },
	{ "gp_by_in_of_a_port_with_its_bit_set", io,
	  IO(user_inb, SCRATCH - 1, SCRATCH, 1, ALL_LIMIT, TRAP_GP) },
	{ "gp_by_out_to_a_port_with_its_bit_set", io,
	  IO(user_outb, SCRATCH, LINES, 3, ALL_LIMIT, TRAP_GP) },
	{ "gp_by_in_of_a_word_whose_second_port_is_refused", io,
	  IO(user_inw, SCRATCH, SCRATCH, 1, ALL_LIMIT, TRAP_GP) },
	{ "gp_by_in_of_a_dword_whose_fourth_port_is_refused", io,
	  IO(user_inl, LINES, LINES, 3, ALL_LIMIT, TRAP_GP) },
	{ "gp_by_ins_of_a_refused_port", string_io,
	  IO(user_rep_insb, SCRATCH, LINES, 3, ALL_LIMIT, TRAP_GP) },
	{ "gp_by_outs_to_a_refused_port", string_io,
	  IO(user_rep_outsb, SCRATCH, LINES, 3, ALL_LIMIT, TRAP_GP) },
	{ "gp_by_in_of_a_port_whose_bit_lies_beyond_the_tss", io,
	  IO(user_inb, SCRATCH, SCRATCH, 1, MAP_BYTE(SCRATCH) - 1, TRAP_GP) },
	{ NULL, NULL, NULL },
};
