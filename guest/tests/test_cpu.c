// SPDX-License-Identifier: MIT
/*
 * The instruction set the kernel counts on, and code that changes itself.
 */
#include "selftest.h"
#include "user_code.h"
#include "window.h"
#include <arch/processor.h>

#define OPCODE_MOV_EAX_IMM32 0xb8
#define OPCODE_RET 0xc3

static u8 code[PAGE_SIZE] __page_aligned;

static u32 call_code(void)
{
	u32 result;

	asm volatile("call *%1" : "=a"(result) : "r"(code) : "ecx", "edx", "memory", "cc");
	return result;
}

static void put_u32(u8 *p, u32 v)
{
	for (int i = 0; i < 4; i++, v >>= 8)
		((volatile u8 *)p)[i] = (u8)v;
}

static void features(struct selftest_result *r, const void *arg)
{
	u32 wanted = X86_FEATURE_PSE | X86_FEATURE_TSC | X86_FEATURE_CX8 | X86_FEATURE_PGE |
		     X86_FEATURE_CMOV;

	(void)arg;
	EXPECT_EQ(r, cpu_features() & wanted, wanted);
}

/* Stores desired if *p is *expected, else loads *expected; returns ZF. */
static bool cmpxchg8b(u64 *p, u64 *expected, u64 desired)
{
	bool equal;

	asm volatile("lock cmpxchg8b %1\n\t"
		     "sete %0"
		     : "=q"(equal), "+m"(*p), "+A"(*expected)
		     : "b"((u32)desired), "c"((u32)(desired >> 32))
		     : "cc");
	return equal;
}

static void cx8(struct selftest_result *r, const void *arg)
{
	u64 word = 0x1111111122222222, expected = 0x1111111133333333;

	(void)arg;
	EXPECT(r, !cmpxchg8b(&word, &expected, 0x4444444455555555));
	EXPECT(r, expected == 0x1111111122222222 && word == expected);
	EXPECT(r, cmpxchg8b(&word, &expected, 0x4444444455555555));
	EXPECT(r, word == 0x4444444455555555);
}

static void cmov(struct selftest_result *r, const void *arg)
{
	u32 taken = 1, kept = 1;

	(void)arg;
	asm volatile("cmpl %2, %2\n\t"
		     "cmovel %2, %0\n\t"
		     "cmovnel %2, %1"
		     : "+&r"(taken), "+&r"(kept)
		     : "r"(7)
		     : "cc");
	EXPECT_EQ(r, taken, 7);
	EXPECT_EQ(r, kept, 1);
}

static void tsc(struct selftest_result *r, const void *arg)
{
	u64 start = rdtsc(), now = start;

	(void)arg;
	for (u32 i = 0; i < 1000000 && now == start; i++)
		now = rdtsc();
	EXPECT(r, now > start);
}

static void written_code_runs(struct selftest_result *r, const void *arg)
{
	(void)arg;
	code[0] = OPCODE_MOV_EAX_IMM32;
	code[5] = OPCODE_RET;
	for (u32 i = 1; i <= 100; i++) {
		put_u32(code + 1, i);
		EXPECT_EQ(r, call_code(), i);
	}
}

/* The code stores into an instruction that follows it at once, in the same block and page. */
static void code_changes_what_comes_next(struct selftest_result *r, const void *arg)
{
	static const u8 store_then_load[] = {
		0xc6,	    0x05, 0, 0, 0, 0, 0x22, /* movb $0x22, imm */
		0xb8,	    0x11, 0, 0, 0,	    /* movl $imm, %eax */
		OPCODE_RET,
	};

	(void)arg;
	for (u32 i = 0; i < sizeof(store_then_load); i++)
		((volatile u8 *)code)[i] = store_then_load[i];
	put_u32(code + 2, (u32)code + 8);
	EXPECT_EQ(r, call_code(), 0x22);
}

/* A loop whose body counts its own immediate up; the sum is wrong if one turn runs old code. */
static void code_changes_its_own_loop(struct selftest_result *r, const void *arg)
{
	static const u8 loop[] = {
		0x31,	    0xc0,	      /* xorl %eax, %eax */
		0xb9,	    100,  0, 0, 0,    /* movl $100, %ecx */
		0x05,	    1,	  0, 0, 0,    /* 1: addl $imm, %eax */
		0xff,	    0x05, 0, 0, 0, 0, /* incl imm */
		0x49,			      /* decl %ecx */
		0x75,	    0xf2,	      /* jnz 1b */
		OPCODE_RET,
	};

	(void)arg;
	for (u32 i = 0; i < sizeof(loop); i++)
		((volatile u8 *)code)[i] = loop[i];
	put_u32(code + 14, (u32)code + 8);
	EXPECT_EQ(r, call_code(), 100 * 101 / 2);
}

/* Code written at the kernel's address of a page and run at the user's. IRET serialises. */
static void code_written_by_alias(struct selftest_result *r, const void *arg)
{
	static const u8 then_exit[] = { 0xcd, 0x80 }; /* int $0x80 */
	struct trapped t;

	(void)arg;
	window_open();
	window_map(DATA_WINDOW, 0, MAP_USER_RO);
	for (u32 i = 1; i <= 3; i++) {
		u8 *page = (u8 *)window_frame(0);

		page[0] = 0xbb; /* movl $i, %ebx */
		put_u32(page + 1, i);
		page[5] = OPCODE_MOV_EAX_IMM32;
		put_u32(page + 6, PROBE_EXIT);
		page[10] = then_exit[0];
		page[11] = then_exit[1];
		t = window_run_user(user_fetch, DATA_WINDOW, 0);
		EXPECT_EQ(r, t.vector, SYSCALL_VECTOR);
		EXPECT_EQ(r, t.regs.bx, i);
	}
	window_close();
}

const struct selftest cpu_tests[] = {
	{ "cpuid_has_what_the_kernel_needs", features, NULL },
	{ "cmpxchg8b_compares_and_exchanges_64_bits", cx8, NULL },
	{ "cmov_moves_only_if_the_condition_holds", cmov, NULL },
	{ "tsc_advances", tsc, NULL },
	{ "smc_code_written_then_called", written_code_runs, NULL },
	{ "smc_store_to_the_next_instruction", code_changes_what_comes_next, NULL },
	{ "smc_loop_that_changes_its_own_body", code_changes_its_own_loop, NULL },
	{ "smc_through_another_mapping_then_iret", code_written_by_alias, NULL },
	{ NULL, NULL, NULL },
};
