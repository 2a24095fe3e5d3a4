// SPDX-License-Identifier: MIT
/* Port and MMIO accesses, as engine.h promises them on every engine. */
#include <string.h>

#include "engine_rig.h"
#include "unit.h"

#define PORT 0x123u

static bool logged(const struct rig *r, unsigned n, enum rig_kind kind, uint32_t at, unsigned size,
		   uint32_t value)
{
	const struct rig_access *a = &r->log[n];

	return n < r->accesses && a->kind == kind && a->at == at && a->size == size &&
	       a->value == value;
}

/*
 * Accesses `from` and after are of `kind` and cover `bytes` bytes from `at` in order, each once: a
 * bus may cut an access that is not aligned. The value as the guest sees it comes back in *value.
 */
static bool covered(const struct rig *r, unsigned from, enum rig_kind kind, uint32_t at,
		    unsigned bytes, uint32_t *value)
{
	unsigned done = 0;

	*value = 0;
	for (unsigned n = from; n < r->accesses && done < bytes; n++) {
		if (r->log[n].kind != kind || r->log[n].at != at + done)
			return false;
		*value |= r->log[n].value << 8 * done;
		done += r->log[n].size;
	}
	return done == bytes;
}

RIG_GUEST(ports, "mov $0x12345678, %eax; mov $0x123, %dx\n"
		 "out %al, %dx; out %ax, %dx; out %eax, %dx; out %al, $0x80\n"
		 "xor %eax, %eax; in %dx, %al; mov %eax, %ebx\n"
		 "xor %eax, %eax; in %dx, %ax; mov %eax, %ecx\n"
		 "in %dx, %eax; hlt");

static void port_accesses_have_their_size(void)
{
	struct rig r;

	RIG_BEGIN_GUEST(&r, ports);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(r.accesses, 7);
	CU_ASSERT_TRUE(logged(&r, 0, RIG_OUT, PORT, 1, 0x78));
	CU_ASSERT_TRUE(logged(&r, 1, RIG_OUT, PORT, 2, 0x5678));
	CU_ASSERT_TRUE(logged(&r, 2, RIG_OUT, PORT, 4, 0x12345678));
	CU_ASSERT_TRUE(logged(&r, 3, RIG_OUT, 0x80, 1, 0x78));
	CU_ASSERT_EQUAL(r.s.gpr[X86_EBX], 0xd4);
	CU_ASSERT_EQUAL(r.s.gpr[X86_ECX], 0xc3d4);
	CU_ASSERT_EQUAL(r.s.gpr[X86_EAX], 0xa1b2c3d4);
	rig_end(&r);
}

RIG_GUEST(outs, "mov $0x150000, %esi; mov $5, %ecx; mov $0x123, %dx; cld; rep outsw\n"
		"std; mov $3, %ecx; rep outsb; hlt");

static void rep_outs_writes_each_element_in_order(void)
{
	struct rig r;

	RIG_BEGIN_GUEST(&r, outs);
	rig_put(&r, RIG_DATA, "aAbBcCdDeEf", 11);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(r.accesses, 8);
	for (unsigned n = 0; n < 5; n++)
		CU_ASSERT_TRUE(logged(&r, n, RIG_OUT, PORT, 2, 0x4161 + 0x101 * n));
	CU_ASSERT_TRUE(logged(&r, 5, RIG_OUT, PORT, 1, 'f'));
	CU_ASSERT_TRUE(logged(&r, 6, RIG_OUT, PORT, 1, 'E'));
	CU_ASSERT_TRUE(logged(&r, 7, RIG_OUT, PORT, 1, 'e'));
	CU_ASSERT_EQUAL(r.s.gpr[X86_ESI], RIG_DATA + 10 - 3);
	CU_ASSERT_EQUAL(r.s.gpr[X86_ECX], 0);
	rig_end(&r);
}

static void counting_port(struct rig *r, struct rig_access *a)
{
	if (a->kind == RIG_IN)
		a->value = r->accesses + 1;
}

RIG_GUEST(ins, "mov $0x150ff8, %edi; mov $5, %ecx; mov $0x123, %dx; cld; rep insl; hlt");

static void rep_ins_reads_each_element_in_order_across_a_page(void)
{
	struct rig r;

	RIG_BEGIN_GUEST(&r, ins);
	r.on_access = counting_port;
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(r.accesses, 5);
	for (unsigned n = 0; n < 5; n++) {
		CU_ASSERT_EQUAL(r.log[n].size, 4);
		CU_ASSERT_EQUAL(rig_get32(&r, RIG_DATA + 0xff8 + 4 * n), n + 1);
	}
	CU_ASSERT_EQUAL(r.s.gpr[X86_EDI], RIG_DATA + 0xff8 + 20);
	CU_ASSERT_EQUAL(r.s.gpr[X86_ECX], 0);
	rig_end(&r);
}

static void rep_ins_faults_at_the_page_that_is_not_there(void)
{
	struct rig r;

	RIG_BEGIN_GUEST(&r, ins);
	r.on_access = counting_port;
	rig_paging_on(&r);
	rig_put32(&r, RIG_TABLE + 4 * 0x151, 0);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(rig_vector(&r), VEC_PF);
	CU_ASSERT_EQUAL(r.s.cr2, RIG_DATA + 0x1000);
	CU_ASSERT_EQUAL(rig_stack(&r, 0), PF_W);
	CU_ASSERT_EQUAL(rig_get32(&r, RIG_DATA + 0xffc), 2);
	/*
	 * KVM's emulator reads ahead: its limit counts elements by the bytes left in the page
	 * (arch/x86/kvm/emulate.c, pio_in_emulated), and what has no place is lost.
	 */
	if (rig_virtual_time()) {
		CU_ASSERT_EQUAL(r.accesses, 2);
		CU_ASSERT_EQUAL(r.s.gpr[X86_ECX], 3);
	}
	rig_end(&r);
}

RIG_GUEST(mmio,
	  "mov $0xfeb00010, %esi; xor %eax, %eax\n"
	  "mov (%esi), %al; mov %eax, %ebx; mov 2(%esi), %ax; mov %eax, %ecx; mov 4(%esi), %edx\n"
	  "movb $0x11, (%esi); movw $0x2233, 2(%esi); movl $0x44556677, 4(%esi)\n"
	  "movzbl 1(%esi), %ebp; hlt");

static uint32_t mmio_byte(uint32_t at)
{
	return (at * 7 + 1) & 0xff;
}

static uint32_t mmio_word(uint32_t at)
{
	return mmio_byte(at) | mmio_byte(at + 1) << 8 | mmio_byte(at + 2) << 16 |
	       mmio_byte(at + 3) << 24;
}

static void mmio_accesses_have_their_size(void)
{
	const uint32_t at = RIG_MMIO + 0x10;
	struct rig r;

	RIG_BEGIN_GUEST(&r, mmio);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(r.accesses, 7);
	CU_ASSERT_TRUE(logged(&r, 0, RIG_MMIO_READ, at, 1, mmio_byte(at)));
	CU_ASSERT_TRUE(logged(&r, 1, RIG_MMIO_READ, at + 2, 2, mmio_word(at + 2) & 0xffff));
	CU_ASSERT_TRUE(logged(&r, 2, RIG_MMIO_READ, at + 4, 4, mmio_word(at + 4)));
	CU_ASSERT_TRUE(logged(&r, 3, RIG_MMIO_WRITE, at, 1, 0x11));
	CU_ASSERT_TRUE(logged(&r, 4, RIG_MMIO_WRITE, at + 2, 2, 0x2233));
	CU_ASSERT_TRUE(logged(&r, 5, RIG_MMIO_WRITE, at + 4, 4, 0x44556677));
	CU_ASSERT_TRUE(logged(&r, 6, RIG_MMIO_READ, at + 1, 1, mmio_byte(at + 1)));
	CU_ASSERT_EQUAL(r.s.gpr[X86_EBX], mmio_byte(at));
	CU_ASSERT_EQUAL(r.s.gpr[X86_ECX], mmio_word(at + 2) & 0xffff);
	CU_ASSERT_EQUAL(r.s.gpr[X86_EDX], mmio_word(at + 4));
	CU_ASSERT_EQUAL(r.s.gpr[X86_EBP], mmio_byte(at + 1));
	rig_end(&r);
}

RIG_GUEST(cross, "mov 0xfeb00ffe, %eax; mov $0xcafebabe, %ebx; mov %ebx, 0xfeb01ffd\n"
		 "mov 0xfeb00003, %ecx; hlt");

static void mmio_across_pages_touches_each_byte_once(void)
{
	uint32_t value;
	unsigned n;
	struct rig r;

	RIG_BEGIN_GUEST(&r, cross);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(r.s.gpr[X86_EAX], mmio_word(RIG_MMIO + 0xffe));
	CU_ASSERT_EQUAL(r.s.gpr[X86_ECX], mmio_word(RIG_MMIO + 3));
	CU_ASSERT_TRUE(covered(&r, 0, RIG_MMIO_READ, RIG_MMIO + 0xffe, 4, &value));
	CU_ASSERT_EQUAL(value, mmio_word(RIG_MMIO + 0xffe));
	for (n = 0; n < r.accesses && r.log[n].kind != RIG_MMIO_WRITE; n++)
		;
	CU_ASSERT_TRUE(covered(&r, n, RIG_MMIO_WRITE, RIG_MMIO + 0x1ffd, 4, &value));
	CU_ASSERT_EQUAL(value, 0xcafebabe);
	rig_end(&r);
}

/* EDX:EAX is what the eight bytes hold, so ECX:EBX is stored. */
RIG_GUEST(cx8, "mov 0xfeb00020, %eax; mov 0xfeb00024, %edx; mov $0x11111111, %ebx\n"
	       "mov $0x22222222, %ecx; cmpxchg8b 0xfeb00020; sete %cl; hlt");

static void mmio_of_eight_bytes_is_two_of_four(void)
{
	const uint32_t at = RIG_MMIO + 0x20;
	struct rig r;

	RIG_BEGIN_GUEST(&r, cx8);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(r.s.gpr[X86_ECX] & 0xff, 1);
	CU_ASSERT_EQUAL(r.accesses, 6);
	for (unsigned n = 0; n < 4; n++)
		CU_ASSERT_TRUE(logged(&r, n, RIG_MMIO_READ, at + 4 * (n & 1), 4,
				      mmio_word(at + 4 * (n & 1))));
	CU_ASSERT_TRUE(logged(&r, 4, RIG_MMIO_WRITE, at, 4, 0x11111111));
	CU_ASSERT_TRUE(logged(&r, 5, RIG_MMIO_WRITE, at + 4, 4, 0x22222222));
	rig_end(&r);
}

RIG_GUEST(rmw, "addl $3, 0xfeb00030; hlt");

static void mmio_read_modify_write_reads_once_and_writes_once(void)
{
	const uint32_t at = RIG_MMIO + 0x30;
	struct rig r;

	RIG_BEGIN_GUEST(&r, rmw);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(r.accesses, 2);
	CU_ASSERT_TRUE(logged(&r, 0, RIG_MMIO_READ, at, 4, mmio_word(at)));
	CU_ASSERT_TRUE(logged(&r, 1, RIG_MMIO_WRITE, at, 4, mmio_word(at) + 3));
	rig_end(&r);
}

RIG_GUEST(copy, "cld; mov $0xfeb00040, %esi; mov $0x150000, %edi; mov $4, %ecx; rep movsl\n"
		"mov $0x150000, %esi; mov $0xfeb00080, %edi; mov $3, %ecx; rep movsl\n"
		"mov $0x5a, %al; mov $0xfeb000a0, %edi; mov $3, %ecx; rep stosb; hlt");

static void string_instructions_reach_mmio_element_by_element(void)
{
	struct rig r;

	RIG_BEGIN_GUEST(&r, copy);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(r.accesses, 10);
	for (unsigned n = 0; n < 4; n++)
		CU_ASSERT_EQUAL(rig_get32(&r, RIG_DATA + 4 * n),
				mmio_word(RIG_MMIO + 0x40 + 4 * n));
	for (unsigned n = 0; n < 3; n++) {
		CU_ASSERT_TRUE(logged(&r, 4 + n, RIG_MMIO_WRITE, RIG_MMIO + 0x80 + 4 * n, 4,
				      mmio_word(RIG_MMIO + 0x40 + 4 * n)));
		CU_ASSERT_TRUE(logged(&r, 7 + n, RIG_MMIO_WRITE, RIG_MMIO + 0xa0 + n, 1, 0x5a));
	}
	rig_end(&r);
}

RIG_GUEST(hole, "mov 0xa0000, %eax; movl $7, 0xb8000; mov 0x1000000, %ebx; hlt");

/* 640K..1M, and what lies behind the RAM: the bus answers, no host memory does. */
static void addresses_without_ram_go_to_the_bus(void)
{
	struct rig r;

	RIG_BEGIN_GUEST(&r, hole);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(r.accesses, 3);
	CU_ASSERT_TRUE(logged(&r, 0, RIG_MMIO_READ, 0xa0000, 4, mmio_word(0xa0000)));
	CU_ASSERT_TRUE(logged(&r, 1, RIG_MMIO_WRITE, 0xb8000, 4, 7));
	CU_ASSERT_TRUE(logged(&r, 2, RIG_MMIO_READ, RIG_RAM_BYTES, 4, mmio_word(RIG_RAM_BYTES)));
	rig_end(&r);
}

RIG_GUEST(mapped, "mov 0x200123, %al; movl $9, 0x200ffe; hlt");

static void mmio_behind_paging_is_told_by_its_physical_address(void)
{
	uint32_t value;
	struct rig r;

	RIG_BEGIN_GUEST(&r, mapped);
	rig_paging_on(&r);
	rig_put32(&r, RIG_TABLE + 4 * 0x200, 0xfeb03000 | PTE_P | PTE_W);
	rig_put32(&r, RIG_TABLE + 4 * 0x201, 0xfeb07000 | PTE_P | PTE_W);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_TRUE(logged(&r, 0, RIG_MMIO_READ, 0xfeb03123, 1, mmio_byte(0xfeb03123)));
	CU_ASSERT_TRUE(covered(&r, 1, RIG_MMIO_WRITE, 0xfeb03ffe, 2, &value));
	CU_ASSERT_EQUAL(value, 9);
	CU_ASSERT_TRUE(
		covered(&r, r.log[1].size == 2 ? 2 : 3, RIG_MMIO_WRITE, 0xfeb07000, 2, &value));
	CU_ASSERT_EQUAL(value, 0);
	rig_end(&r);
}

RIG_GUEST(counted, "in $0x80, %al; in $0x80, %al; mov 0xfeb00000, %eax; hlt");

static void stats_count_port_and_mmio_accesses(void)
{
	struct engine_stats stats;
	struct rig r;

	RIG_BEGIN_GUEST(&r, counted);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	r.ops->stats(r.e, &stats);
	CU_ASSERT_EQUAL(stats.io_exits, 2);
	CU_ASSERT_EQUAL(stats.mmio_exits, 1);
	CU_ASSERT_EQUAL(stats.exits[ENGINE_EXIT_HALT], 1);
	rig_end(&r);
}

static const struct unit_test tests[] = {
	UNIT_TEST(port_accesses_have_their_size),
	UNIT_TEST(rep_outs_writes_each_element_in_order),
	UNIT_TEST(rep_ins_reads_each_element_in_order_across_a_page),
	UNIT_TEST(rep_ins_faults_at_the_page_that_is_not_there),
	UNIT_TEST(mmio_accesses_have_their_size),
	UNIT_TEST(mmio_across_pages_touches_each_byte_once),
	UNIT_TEST(mmio_of_eight_bytes_is_two_of_four),
	UNIT_TEST(mmio_read_modify_write_reads_once_and_writes_once),
	UNIT_TEST(string_instructions_reach_mmio_element_by_element),
	UNIT_TEST(addresses_without_ram_go_to_the_bus),
	UNIT_TEST(mmio_behind_paging_is_told_by_its_physical_address),
	UNIT_TEST(stats_count_port_and_mmio_accesses),
	UNIT_END,
};

const struct unit_suite suite_engine_bus = { "engine_bus", tests };
