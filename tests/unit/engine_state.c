// SPDX-License-Identifier: MIT
/* The state of a vCPU in and out, snapshots, and which CPU the guest sees, on every engine. */
#include <errno.h>
#include <string.h>

#include "engine_rig.h"
#include "unit.h"

/* --- in and out ------------------------------------------------------------------------------- */

static bool same_segment(const struct x86_segment *a, const struct x86_segment *b)
{
	return a->selector == b->selector && a->attr == b->attr && a->base == b->base &&
	       a->limit == b->limit;
}

static void assert_same(const struct x86_state *a, const struct x86_state *b)
{
	for (unsigned n = 0; n < X86_GPRS; n++)
		CU_ASSERT_EQUAL(a->gpr[n], b->gpr[n]);
	for (unsigned n = 0; n < X86_SREGS; n++)
		CU_ASSERT_TRUE(same_segment(&a->seg[n], &b->seg[n]));
	for (unsigned n = 0; n < 8; n++)
		CU_ASSERT_EQUAL(a->dr[n], b->dr[n]);
	CU_ASSERT_EQUAL(a->eip, b->eip);
	CU_ASSERT_EQUAL(a->eflags, b->eflags);
	CU_ASSERT_EQUAL(a->gdtr.base, b->gdtr.base);
	CU_ASSERT_EQUAL(a->gdtr.limit, b->gdtr.limit);
	CU_ASSERT_EQUAL(a->idtr.base, b->idtr.base);
	CU_ASSERT_EQUAL(a->idtr.limit, b->idtr.limit);
	CU_ASSERT_EQUAL(a->cr0, b->cr0);
	CU_ASSERT_EQUAL(a->cr2, b->cr2);
	CU_ASSERT_EQUAL(a->cr3, b->cr3);
	CU_ASSERT_EQUAL(a->cr4, b->cr4);
	CU_ASSERT_EQUAL(a->cpl, b->cpl);
	CU_ASSERT_EQUAL(a->halted, b->halted);
	/* SVM has one bit for both shadows (AMD APM vol. 2, 15.21.5) */
	CU_ASSERT_EQUAL(a->sti_shadow || a->mov_ss_shadow, b->sti_shadow || b->mov_ss_shadow);
	/* time may pass */
	CU_ASSERT_TRUE(b->tsc >= a->tsc);
	CU_ASSERT_TRUE(b->tsc - a->tsc < 100000000000u);
}

/* A state with something in every field. */
static void fill(struct x86_state *s)
{
	const uint32_t flags = EFLAGS_FIXED | EFLAGS_CF | EFLAGS_ZF | EFLAGS_OF | EFLAGS_DF |
			       EFLAGS_IF | EFLAGS_IOPL | EFLAGS_AC | EFLAGS_ID | EFLAGS_NT;

	for (uint32_t n = 0; n < X86_GPRS; n++)
		s->gpr[n] = 0x80000001u + n * 0x01010101u;
	s->eip = 0xfffffff0;
	s->eflags = flags;
	s->seg[X86_ES] =
		(struct x86_segment){ 0x33, SEG_P | SEG_S | 0x60 | 0x7 | SEG_DB, 0x1000, 0xfff };
	s->seg[X86_FS] = (struct x86_segment){ 0 };
	s->seg[X86_GS] = (struct x86_segment){ 0x3b, SEG_P | SEG_S | 0x60 | 0x3 | SEG_G | SEG_DB,
					       0xfedc0000, 0xffffffff };
	s->seg[X86_LDTR] = (struct x86_segment){ 0x40, SEG_P | SYS_LDT, 0x8000, 0x7f };
	s->seg[X86_TR].base = 0x7000;
	s->gdtr = (struct x86_table){ 0xc0123456, 0x7f };
	s->idtr = (struct x86_table){ 0xc0abcdef, 0x3ff };
	s->cr0 |= CR0_PG | CR0_WP | CR0_NE | CR0_TS | CR0_EM | CR0_MP | CR0_AM;
	s->cr2 = 0xdeadbeef;
	s->cr3 = RIG_DIRECTORY | PTE_PCD | PTE_PWT;
	s->cr4 = CR4_DE | CR4_PSE | CR4_MCE | CR4_PGE | CR4_TSD;
	s->dr[0] = 0x100;
	s->dr[3] = 0xfffff000;
	s->dr[6] = DR6_FIXED | DR6_BS;
	s->dr[7] = DR7_FIXED;
	s->tsc = 0x123456789abcdefull;
}

static void state_comes_back_as_it_was_set(void)
{
	struct x86_state in;
	struct rig r;

	RIG_BEGIN(&r, "\xf4");
	fill(&r.s);
	rig_set(&r);
	in = r.s;
	CU_ASSERT_EQUAL(r.ops->get_state(r.e, &r.s), 0);
	assert_same(&in, &r.s);
	rig_user(&r);
	in = r.s;
	CU_ASSERT_EQUAL(r.ops->get_state(r.e, &r.s), 0);
	assert_same(&in, &r.s);
	CU_ASSERT_EQUAL(r.s.cpl, 3);
	in.halted = true;
	in.eflags |= EFLAGS_TF;
	CU_ASSERT_EQUAL(r.ops->set_state(r.e, &in), 0);
	CU_ASSERT_EQUAL(r.ops->get_state(r.e, &r.s), 0);
	assert_same(&in, &r.s);
	rig_end(&r);
}

static void shadows_come_back_as_they_were_set(void)
{
	struct x86_state in;
	struct rig r;

	for (unsigned n = 0; n < 3; n++) {
		RIG_BEGIN(&r, "\xf4");
		r.s.eflags |= EFLAGS_IF;
		r.s.sti_shadow = n == 1;
		r.s.mov_ss_shadow = n == 2;
		rig_set(&r);
		in = r.s;
		CU_ASSERT_EQUAL(r.ops->get_state(r.e, &r.s), 0);
		assert_same(&in, &r.s);
		CU_ASSERT_EQUAL(r.ops->interrupt_ready(r.e), n == 0);
		rig_end(&r);
	}
}

static void first_state_is_what_multiboot_asks_for(void)
{
	struct engine_config config = { .mmu = rig_mmu };
	struct x86_state s;
	struct engine *e;
	struct ram ram;

	CU_ASSERT_EQUAL_FATAL(ram_create(&ram, RIG_RAM_BYTES, NULL), 0);
	config.ram = &ram;
	CU_ASSERT_EQUAL_FATAL(rig_ops->create(&e, &config, NULL), 0);
	CU_ASSERT_EQUAL(e->ops->get_state(e, &s), 0);
	/* Multiboot 0.6.96, 3.2: protected mode, no paging, IF clear, flat segments */
	CU_ASSERT_EQUAL(s.cr0, CR0_PE | CR0_ET);
	CU_ASSERT_EQUAL(s.cr4, 0);
	CU_ASSERT_EQUAL(s.eflags, EFLAGS_FIXED);
	CU_ASSERT_EQUAL(s.cpl, 0);
	CU_ASSERT_FALSE(s.halted);
	for (unsigned n = X86_ES; n <= X86_GS; n++) {
		CU_ASSERT_EQUAL(s.seg[n].base, 0);
		CU_ASSERT_EQUAL(s.seg[n].limit, 0xffffffff);
		CU_ASSERT_EQUAL(s.seg[n].attr & ~SEG_ACCESSED,
				(SEG_P | SEG_S | SEG_DB | SEG_G | SEG_WRITE) |
					(n == X86_CS ? SEG_CODE : 0));
	}
	for (unsigned n = 0; n < X86_GPRS; n++)
		CU_ASSERT_EQUAL(s.gpr[n], 0);
	e->ops->destroy(e);
	ram_destroy(&ram);
}

static void state_that_cannot_be_is_refused_and_changes_nothing(void)
{
	struct x86_state bad[7];
	struct rig r;

	RIG_BEGIN(&r, "\x90");
	fill(&r.s);
	rig_set(&r);
	for (unsigned n = 0; n < ARRAY_SIZE(bad); n++) {
		bad[n] = r.s;
		bad[n].eip = 0;
		bad[n].gpr[X86_EAX] = 0;
		bad[n].cr3 = 0;
	}
	bad[0].cr0 &= ~CR0_PE;
	bad[1].cr4 |= CR4_PAE;
	bad[2].eflags |= EFLAGS_VM;
	bad[3].cr0 |= CR0_NW;
	bad[4].cr0 |= 1u << 6;
	bad[5].cr4 |= 1u << 20;
	bad[6].cpl = 4;
	for (unsigned n = 0; n < ARRAY_SIZE(bad); n++) {
		CU_ASSERT_EQUAL(r.ops->set_state(r.e, &bad[n]), -EINVAL);
		CU_ASSERT_EQUAL(r.ops->get_state(r.e, &bad[n]), 0);
		assert_same(&r.s, &bad[n]);
	}
	rig_end(&r);
}

RIG_GUEST(shown, "mov $0x11, %eax; mov $0x22, %ebx; out %al, $0x80; mov $0x33, %ebx; hlt");

static void kick_it(struct rig *r, struct rig_access *a)
{
	r->ops->kick(r->e);
}

/* A debugger stops behind a port access, changes registers, and goes on. */
static void registers_changed_in_a_stop_are_those_the_guest_goes_on_with(void)
{
	struct rig r;

	RIG_BEGIN_GUEST(&r, shown);
	r.on_access = kick_it;
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_KICKED);
	CU_ASSERT_EQUAL(r.s.gpr[X86_EBX], 0x22);
	r.s.gpr[X86_EAX] = 0x44;
	r.s.eip += 5;
	rig_set(&r);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(r.s.gpr[X86_EAX], 0x44);
	CU_ASSERT_EQUAL(r.s.gpr[X86_EBX], 0x22);
	CU_ASSERT_EQUAL(r.accesses, 1);
	rig_end(&r);
}

/* --- snapshots -------------------------------------------------------------------------------- */

RIG_GUEST(counter,
	  "1: inc %eax; add %eax, %ebx; rol $3, %ebx; out %al, $0x80; cmp $100, %eax; jb 1b\n"
	  "hlt");

static void kick_at_50(struct rig *r, struct rig_access *a)
{
	if (a->value == 50)
		r->ops->kick(r->e);
}

static void saved_vcpu_goes_on_where_it_is_loaded(void)
{
	struct engine_snapshot at;
	struct rig a, b;

	RIG_BEGIN_GUEST(&a, counter);
	RIG_BEGIN_GUEST(&b, counter);
	a.on_access = kick_at_50;
	CU_ASSERT_EQUAL(rig_run(&a), ENGINE_EXIT_KICKED);
	/* so that the one it is loaded into is surely not ahead */
	a.ops->idle_until(a.e, a.ops->now_ns(a.e) + 50000000u);
	CU_ASSERT_EQUAL(a.ops->save(a.e, &at), 0);
	CU_ASSERT_EQUAL(at.state.gpr[X86_EAX], 50);
	CU_ASSERT_EQUAL(b.ops->load(b.e, &at), 0);
	CU_ASSERT_TRUE(b.ops->now_ns(b.e) >= at.now_ns);
	CU_ASSERT_EQUAL(rig_run(&a), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(rig_run(&b), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(b.accesses, 50);
	CU_ASSERT_EQUAL(b.s.gpr[X86_EAX], 100);
	CU_ASSERT_EQUAL(b.s.gpr[X86_EBX], a.s.gpr[X86_EBX]);
	/* time does not go back */
	CU_ASSERT_EQUAL(b.ops->load(b.e, &at), -EINVAL);
	rig_end(&a);
	rig_end(&b);
}

/* An interrupt that the PIC has seen acknowledged must not get lost between two machines. */
static void event_injected_before_a_save_is_in_it(void)
{
	for (unsigned n = 0; n < 2; n++) {
		uint8_t vector = n ? VEC_PF : RIG_VECTOR;
		struct engine_snapshot at;
		struct rig a, b;

		RIG_BEGIN(&a, "\xeb\xfe");
		RIG_BEGIN(&b, "\xeb\xfe");
		a.s.eflags |= EFLAGS_IF;
		rig_set(&a);
		CU_ASSERT_EQUAL(n ? a.ops->inject_exception(a.e, VEC_PF, 6, 0x1234)
				  : a.ops->inject_interrupt(a.e, RIG_VECTOR),
				0);
		a.ops->idle_until(a.e, a.ops->now_ns(a.e) + 50000000u);
		CU_ASSERT_EQUAL(a.ops->save(a.e, &at), 0);
		/* what the first engine has put on the stack is RAM, and goes with it */
		rig_put(&b, RIG_STACK - 64, ram_span(&a.ram, RIG_STACK - 64, 64), 64);
		CU_ASSERT_EQUAL(b.ops->load(b.e, &at), 0);
		CU_ASSERT_EQUAL(rig_run(&b), ENGINE_EXIT_HALT);
		CU_ASSERT_EQUAL(rig_vector(&b), vector);
		CU_ASSERT_EQUAL(rig_stack(&b, n), RIG_CODE);
		if (n)
			CU_ASSERT_EQUAL(b.s.cr2, 0x1234);
		rig_end(&a);
		rig_end(&b);
	}
}

/* --- the guest's CPU -------------------------------------------------------------------------- */

RIG_GUEST(cpuid, "cld; mov $0x150000, %esi; mov $0x151000, %edi; mov $7, %ebp\n"
		 "1: lodsl; xor %ecx, %ecx; cpuid\n"
		 "stosl; mov %ebx, %eax; stosl; mov %ecx, %eax; stosl; mov %edx, %eax; stosl\n"
		 "dec %ebp; jnz 1b; hlt");

static void cpuid_is_that_of_the_machine(void)
{
	static const uint32_t leaves[7] = { 0, 1, 2, 7, 0x40000000, 0x80000000, 0x80000001 };
	struct rig r;

	RIG_BEGIN_GUEST(&r, cpuid);
	rig_put(&r, RIG_DATA, leaves, sizeof(leaves));
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	for (unsigned n = 0; n < ARRAY_SIZE(leaves); n++) {
		struct x86_cpuid want;

		x86_cpuid(leaves[n], &want);
		CU_ASSERT_EQUAL(rig_get32(&r, RIG_DATA + 0x1000 + 16 * n), want.eax);
		CU_ASSERT_EQUAL(rig_get32(&r, RIG_DATA + 0x1004 + 16 * n), want.ebx);
		CU_ASSERT_EQUAL(rig_get32(&r, RIG_DATA + 0x1008 + 16 * n), want.ecx);
		CU_ASSERT_EQUAL(rig_get32(&r, RIG_DATA + 0x100c + 16 * n), want.edx);
	}
	rig_end(&r);
}

/* Run one instruction of two bytes with these registers: the vector that came, or -1. */
static int try_msr(const char *code, uint32_t number, uint64_t *value)
{
	struct rig r;
	int vector;

	rig_begin(&r, code, 3);
	r.s.gpr[X86_ECX] = number;
	r.s.gpr[X86_EAX] = (uint32_t)*value;
	r.s.gpr[X86_EDX] = (uint32_t)(*value >> 32);
	rig_set(&r);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	vector = rig_vector(&r);
	if (vector == VEC_GP)
		CU_ASSERT_EQUAL(rig_stack(&r, 0), 0);
	*value = (uint64_t)r.s.gpr[X86_EDX] << 32 | r.s.gpr[X86_EAX];
	rig_end(&r);
	return vector;
}

#define RDMSR "\x0f\x32\xf4"
#define WRMSR "\x0f\x30\xf4"

static void msrs_of_the_machine_answer_and_all_others_fault(void)
{
	/*
	 * EFER, APIC_BASE, MTRR_CAP, PAT, SYSENTER_CS, STAR, KVM's clocks, Hyper-V's, x2APIC, none
	 */
	static const uint32_t none[] = { 0xc0000080, 0x1b,	 0xfe,	    0x277,
					 0x174,	     0xc0000081, 0x11,	    0x4b564d00,
					 0x40000000, 0x802,	 0x12345678 };
	uint64_t value = ~0ull;

	CU_ASSERT_EQUAL(try_msr(RDMSR, 0x179, &value), -1);
	CU_ASSERT_EQUAL(value, 0);
	value = ~0ull;
	CU_ASSERT_EQUAL(try_msr(RDMSR, 0x17a, &value), -1);
	CU_ASSERT_EQUAL(value, 0);
	CU_ASSERT_EQUAL(try_msr(WRMSR, 0x17a, &value), -1);
	value = 1;
	CU_ASSERT_EQUAL(try_msr(WRMSR, 0x17a, &value), VEC_GP);
	value = 0;
	CU_ASSERT_EQUAL(try_msr(WRMSR, 0x179, &value), VEC_GP);
	value = 0;
	CU_ASSERT_EQUAL(try_msr(RDMSR, X86_MSR_TSC, &value), -1);
	value = 1ull << 40;
	CU_ASSERT_EQUAL(try_msr(WRMSR, X86_MSR_TSC, &value), -1);
	for (unsigned n = 0; n < ARRAY_SIZE(none); n++) {
		value = 0;
		CU_ASSERT_EQUAL(try_msr(RDMSR, none[n], &value), VEC_GP);
		value = 0;
		CU_ASSERT_EQUAL(try_msr(WRMSR, none[n], &value), VEC_GP);
	}
}

RIG_GUEST(clock, "rdtsc; mov %eax, %esi; mov %edx, %edi; mov $0x10, %ecx; rdmsr\n"
		 "mov %eax, %ebx; mov %edx, %ebp; rdtsc; hlt");

static void tsc_is_one_by_rdtsc_and_rdmsr_and_grows(void)
{
	uint64_t first, second, third;
	struct rig r;

	RIG_BEGIN_GUEST(&r, clock);
	r.s.tsc = 1ull << 40;
	rig_set(&r);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	first = (uint64_t)r.s.gpr[X86_EDI] << 32 | r.s.gpr[X86_ESI];
	second = (uint64_t)r.s.gpr[X86_EBP] << 32 | r.s.gpr[X86_EBX];
	third = (uint64_t)r.s.gpr[X86_EDX] << 32 | r.s.gpr[X86_EAX];
	CU_ASSERT_TRUE(first >= 1ull << 40 && first < 2ull << 40);
	CU_ASSERT_TRUE(second >= 1ull << 40 && second < 2ull << 40);
	CU_ASSERT_TRUE(third >= 1ull << 40 && third < 2ull << 40);
	/*
	 * On a host whose TSC is not stable KVM sets the guest's back to the last exit when it
	 * loads the vCPU (arch/x86/kvm/x86.c, kvm_arch_vcpu_load): each exit between two readings
	 * may.
	 */
	CU_ASSERT_TRUE(!rig_virtual_time() ||
		       (second > first && third > second && r.s.tsc >= third));
	rig_end(&r);
}

/* "mov %eax, %cr4; hlt": the vector that came, or -1. */
static int try_cr4(uint32_t value)
{
	struct rig r;
	int vector;

	RIG_BEGIN(&r, "\x0f\x22\xe0\xf4");
	r.s.gpr[X86_EAX] = value;
	rig_set(&r);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	vector = rig_vector(&r);
	if (vector == -1)
		CU_ASSERT_EQUAL(r.s.cr4, value);
	rig_end(&r);
	return vector;
}

static void cr4_takes_what_cpuid_offers(void)
{
	CU_ASSERT_EQUAL(try_cr4(0), -1);
	CU_ASSERT_EQUAL(try_cr4(CR4_PSE), -1);
	CU_ASSERT_EQUAL(try_cr4(CR4_DEFINED), -1);
}

static void cr4_refuses_what_cpuid_hides(void)
{
	/* VMXE, SMXE, FSGSBASE, PCIDE, OSXSAVE, SMEP, SMAP, PKE, CET, reserved */
	static const uint8_t bits[] = { 13, 14, 16, 17, 18, 20, 21, 22, 23, 15, 31 };

	for (unsigned n = 0; n < ARRAY_SIZE(bits); n++)
		CU_ASSERT_EQUAL(try_cr4(1u << bits[n]), VEC_GP);
}

static const struct unit_test tests[] = {
	UNIT_TEST(state_comes_back_as_it_was_set),
	UNIT_TEST(shadows_come_back_as_they_were_set),
	UNIT_TEST(first_state_is_what_multiboot_asks_for),
	UNIT_TEST(state_that_cannot_be_is_refused_and_changes_nothing),
	UNIT_TEST(registers_changed_in_a_stop_are_those_the_guest_goes_on_with),
	UNIT_TEST(saved_vcpu_goes_on_where_it_is_loaded),
	UNIT_TEST(event_injected_before_a_save_is_in_it),
	UNIT_TEST(cpuid_is_that_of_the_machine),
	UNIT_TEST(msrs_of_the_machine_answer_and_all_others_fault),
	UNIT_TEST(tsc_is_one_by_rdtsc_and_rdmsr_and_grows),
	UNIT_TEST(cr4_takes_what_cpuid_offers),
	UNIT_TEST(cr4_refuses_what_cpuid_hides),
	UNIT_END,
};

const struct unit_suite suite_engine_state = { "engine_state", tests };
