// SPDX-License-Identifier: MIT
/*
 * Engine soft by its interface alone: what engine.h promises, and engine kvm will have to keep, too.
 */
#include <errno.h>
#include <string.h>

#include "engine/engine.h"
#include "machine/ram.h"
#include "unit.h"

#define CODE 0x100000u
#define IDT 0x110000u
#define GDT 0x120000u
#define HANDLER 0x130000u
#define STACK 0x180000u
#define VECTOR 0x30u

struct rig {
	struct ram ram;
	struct engine *e;
	struct engine_exit out;
	struct x86_state s;
	uint32_t port_value;
	bool kick_on_write;
};

static uint32_t io_read(void *ctx, uint16_t port, unsigned size)
{
	const struct rig *r = ctx;

	/* the virtual time, so that a test sees what a device would see */
	return (uint32_t)r->e->ops->now_ns(r->e);
}

static void io_write(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
	struct rig *r = ctx;

	r->port_value = value;
	if (r->kick_on_write)
		r->e->ops->kick(r->e);
}

static uint32_t mmio_read(void *ctx, gpa_t gpa, unsigned size)
{
	return (uint32_t)gpa;
}

static void mmio_write(void *ctx, gpa_t gpa, unsigned size, uint32_t value)
{
	struct rig *r = ctx;

	r->port_value = value;
}

static void put(struct rig *r, gpa_t at, const void *data, uint64_t bytes)
{
	memcpy(ram_span(&r->ram, at, bytes), data, bytes);
	r->e->ops->ram_written(r->e, at, bytes);
}

/* A flat GDT, an IDT with one interrupt gate whose handler is HLT, and code at CODE. */
static void begin(struct rig *r, const void *code, uint64_t bytes)
{
	static const uint64_t gdt[] = { 0, 0x00cf9b000000ffff, 0x00cf93000000ffff };
	const uint64_t gate = (HANDLER & 0xffff) | 0x8ull << 16 | 0x8e00ull << 32 |
			      (uint64_t)(HANDLER >> 16) << 48;
	struct engine_config config = {
		.ram = &r->ram,
		.bus = { r, io_read, io_write, mmio_read, mmio_write },
	};

	memset(r, 0, sizeof(*r));
	CU_ASSERT_EQUAL_FATAL(ram_create(&r->ram, 4u << 20, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(engine_soft.create(&r->e, &config, NULL), 0);
	put(r, GDT, gdt, sizeof(gdt));
	put(r, IDT + 8 * VECTOR, &gate, 8);
	put(r, IDT + 8 * VEC_UD, &gate, 8);
	put(r, HANDLER, "\xf4", 1);
	put(r, CODE, code, bytes);
	r->e->ops->get_state(r->e, &r->s);
	r->s.eip = CODE;
	r->s.gpr[X86_ESP] = STACK;
	r->s.gdtr = (struct x86_table){ GDT, sizeof(gdt) - 1 };
	r->s.idtr = (struct x86_table){ IDT, 0x7ff };
	r->s.seg[X86_CS].selector = 0x8;
	r->s.seg[X86_SS].selector = 0x10;
	CU_ASSERT_EQUAL(r->e->ops->set_state(r->e, &r->s), 0);
}

#define BEGIN(r, code) begin(r, code, sizeof(code) - 1)

static void end(struct rig *r)
{
	r->e->ops->destroy(r->e);
	ram_destroy(&r->ram);
}

static enum engine_exit_reason run(struct rig *r, uint64_t deadline)
{
	r->e->ops->run(r->e, deadline, &r->out);
	r->e->ops->get_state(r->e, &r->s);
	return r->out.reason;
}

static void deadline_is_exact_and_time_is_the_instruction_count(void)
{
	struct rig r;

	BEGIN(&r, "\x40\xeb\xfd"); /* inc eax; jmp */
	CU_ASSERT_EQUAL(run(&r, 1001), ENGINE_EXIT_DEADLINE);
	CU_ASSERT_EQUAL(r.e->ops->now_ns(r.e), 1001);
	CU_ASSERT_EQUAL(r.s.gpr[X86_EAX], 501);
	end(&r);
}

static void device_sees_the_time_of_the_instruction_that_asks(void)
{
	struct rig r;

	BEGIN(&r, "\x90\x90\x90\xe5\x80\xf4"); /* nop x3; in eax, 0x80; hlt */
	CU_ASSERT_EQUAL(run(&r, 100), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(r.s.gpr[X86_EAX], 3);
	end(&r);
}

static void kick_from_a_device_ends_the_run_after_the_instruction(void)
{
	struct rig r;

	BEGIN(&r, "\xb0\x2a\xe6\x80\x40\x40\x40\xf4"); /* mov al, 42; out 0x80; inc eax ... */
	r.kick_on_write = true;
	CU_ASSERT_EQUAL(run(&r, 100), ENGINE_EXIT_KICKED);
	CU_ASSERT_EQUAL(r.port_value & 0xff, 42);
	CU_ASSERT_EQUAL(r.s.eip, CODE + 4);
	end(&r);
}

static void halt_wakes_by_an_interrupt_and_idle_time_passes(void)
{
	struct rig r;

	BEGIN(&r, "\xfb\xf4\x40\xf4"); /* sti; hlt; inc eax; hlt */
	CU_ASSERT_EQUAL(run(&r, 100), ENGINE_EXIT_HALT);
	CU_ASSERT_TRUE(r.s.halted);
	r.e->ops->idle_until(r.e, 5000);
	CU_ASSERT_EQUAL(r.e->ops->now_ns(r.e), 5000);
	CU_ASSERT_TRUE(r.e->ops->interrupt_ready(r.e));
	CU_ASSERT_EQUAL(r.e->ops->inject_interrupt(r.e, VECTOR), 0);
	CU_ASSERT_EQUAL(run(&r, 6000), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(r.s.eip, HANDLER + 1);
	CU_ASSERT_EQUAL(*(uint32_t *)ram_span(&r.ram, STACK - 12, 4), CODE + 2);
	end(&r);
}

static void interrupts_wait_for_the_window_behind_sti(void)
{
	struct rig r;

	BEGIN(&r, "\x90\xfb\x40\x40\xf4"); /* nop; sti; inc eax; inc eax; hlt */
	CU_ASSERT_FALSE(r.e->ops->interrupt_ready(r.e));
	CU_ASSERT_EQUAL(r.e->ops->inject_interrupt(r.e, VECTOR), -EBUSY);
	r.e->ops->request_window(r.e, true);
	CU_ASSERT_EQUAL(run(&r, 100), ENGINE_EXIT_WINDOW);
	/* one instruction after STI (SDM vol. 2, STI) */
	CU_ASSERT_EQUAL(r.s.eip, CODE + 3);
	r.e->ops->request_window(r.e, false);
	CU_ASSERT_EQUAL(run(&r, 100), ENGINE_EXIT_HALT);
	end(&r);
}

static void injected_exception_enters_its_handler(void)
{
	struct rig r;

	BEGIN(&r, "\x90\xf4");
	CU_ASSERT_EQUAL(r.e->ops->inject_exception(r.e, VEC_UD, 0, 0), 0);
	CU_ASSERT_EQUAL(run(&r, 100), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(r.s.eip, HANDLER + 1);
	CU_ASSERT_EQUAL(*(uint32_t *)ram_span(&r.ram, STACK - 12, 4), CODE);
	CU_ASSERT_EQUAL(r.e->ops->inject_exception(r.e, 32, 0, 0), -EINVAL);
	end(&r);
}

static void triple_fault_is_a_shutdown_with_its_chain(void)
{
	const struct x86_fault_log *log;
	struct rig r;

	BEGIN(&r, "\xcc"); /* int3; its gate is empty, as are those of #GP and #DF */
	CU_ASSERT_EQUAL(run(&r, 100), ENGINE_EXIT_SHUTDOWN);
	log = r.e->ops->faults(r.e);
	CU_ASSERT_PTR_NOT_NULL_FATAL(log);
	CU_ASSERT_EQUAL(log->record[(log->next - 2) % X86_FAULT_LOG].vector, VEC_DF);
	CU_ASSERT_EQUAL(r.s.eip, CODE);
	end(&r);
}

static void unsupported_instruction_is_named(void)
{
	struct rig r;

	/* LTR with the flat data descriptor would fault; a far jump to a TSS is a task switch */
	static const uint64_t tss = 0x0000890000000067ull | (uint64_t)(STACK & 0xffffff) << 16;

	BEGIN(&r, "\xea\x00\x00\x00\x00\x18\x00");
	put(&r, GDT + 0x18, &tss, 8);
	r.s.gdtr.limit = 0x1f;
	r.e->ops->set_state(r.e, &r.s);
	CU_ASSERT_EQUAL(run(&r, 100), ENGINE_EXIT_UNSUPPORTED);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.out.text, "task"));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.out.text, "jmp"));
	end(&r);
}

static void mmio_goes_to_the_bus(void)
{
	struct rig r;

	/* mov eax, [0xfeb00000]; mov [0xfeb00004], eax; hlt */
	BEGIN(&r, "\xa1\x00\x00\xb0\xfe\xa3\x04\x00\xb0\xfe\xf4");
	CU_ASSERT_EQUAL(run(&r, 100), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(r.s.gpr[X86_EAX], 0xfeb00000);
	CU_ASSERT_EQUAL(r.port_value, 0xfeb00000);
	end(&r);
}

static void saved_vcpu_goes_on_the_same_when_loaded(void)
{
	struct engine_snapshot at;
	struct rig a, b;

	BEGIN(&a, "\x40\x01\xc3\xeb\xfb"); /* inc eax; add ebx, eax; jmp */
	BEGIN(&b, "\x40\x01\xc3\xeb\xfb");
	run(&a, 1000);
	CU_ASSERT_EQUAL(a.e->ops->save(a.e, &at), 0);
	CU_ASSERT_EQUAL(b.e->ops->load(b.e, &at), 0);
	CU_ASSERT_EQUAL(b.e->ops->now_ns(b.e), 1000);
	run(&a, 2000);
	run(&b, 2000);
	CU_ASSERT_EQUAL(memcmp(&a.s, &b.s, sizeof(a.s)), 0);
	/* time does not go back */
	CU_ASSERT_EQUAL(b.e->ops->load(b.e, &at), -EINVAL);
	end(&a);
	end(&b);
}

static void state_that_cannot_be_is_refused_and_changes_nothing(void)
{
	struct x86_state bad;
	struct rig r;

	BEGIN(&r, "\x90");
	r.e->ops->get_state(r.e, &r.s);
	bad = r.s;
	bad.cr0 &= ~CR0_PE;
	CU_ASSERT_EQUAL(r.e->ops->set_state(r.e, &bad), -EINVAL);
	bad = r.s;
	bad.cr4 |= CR4_PAE;
	CU_ASSERT_EQUAL(r.e->ops->set_state(r.e, &bad), -EINVAL);
	bad = r.s;
	bad.eflags |= EFLAGS_VM;
	bad.eip = 0;
	CU_ASSERT_EQUAL(r.e->ops->set_state(r.e, &bad), -EINVAL);
	r.e->ops->get_state(r.e, &bad);
	CU_ASSERT_EQUAL(memcmp(&bad, &r.s, sizeof(bad)), 0);
	end(&r);
}

/* One page table that maps CODE to itself and 0x200000 to `frame`; EAX reads it. */
static void paging_on(struct rig *r, uint32_t frame)
{
	uint32_t pd[1024] = { 0x141000 | PTE_P | PTE_W }, pt[1024];

	for (uint32_t n = 0; n < 1024; n++)
		pt[n] = n << 12 | PTE_P | PTE_W;
	pt[0x200] = frame | PTE_P | PTE_W;
	put(r, 0x140000, pd, sizeof(pd));
	put(r, 0x141000, pt, sizeof(pt));
	r->s.cr3 = 0x140000;
	r->s.cr0 |= CR0_PG | CR0_WP;
	r->e->ops->set_state(r->e, &r->s);
}

static void poked_entry_is_seen_after_flush(void)
{
	uint32_t pte = 0x151000 | PTE_P;
	struct rig r;

	BEGIN(&r, "\xa1\x00\x00\x20\x00\xeb\xf9"); /* mov eax, [0x200000]; jmp */
	put(&r, 0x150000, "AAAA", 4);
	put(&r, 0x151000, "BBBB", 4);
	paging_on(&r, 0x150000);
	run(&r, 1);
	CU_ASSERT_EQUAL(r.s.gpr[X86_EAX], 0x41414141);
	put(&r, 0x141000 + 4 * 0x200, &pte, 4);
	r.e->ops->flush(r.e);
	run(&r, 3);
	CU_ASSERT_EQUAL(r.s.gpr[X86_EAX], 0x42424242);
	end(&r);
}

static void walk_sets_accessed_and_dirty_in_guest_ram(void)
{
	struct rig r;
	uint32_t *pt;

	/* mov eax, [0x200000]; mov [0x201000], eax; hlt */
	BEGIN(&r, "\xa1\x00\x00\x20\x00\xa3\x00\x10\x20\x00\xf4");
	paging_on(&r, 0x150000);
	run(&r, 10);
	pt = ram_span(&r.ram, 0x141000, 4096);
	CU_ASSERT_EQUAL(pt[0x200] & (PTE_A | PTE_D), PTE_A);
	CU_ASSERT_EQUAL(pt[0x201] & (PTE_A | PTE_D), PTE_A | PTE_D);
	CU_ASSERT_EQUAL(pt[0x202] & (PTE_A | PTE_D), 0);
	end(&r);
}

static void tables_outside_ram_fault_and_do_not_hang(void)
{
	struct rig r;

	BEGIN(&r, "\x90\xf4");
	r.s.cr3 = 0xfffff000;
	r.s.cr0 |= CR0_PG;
	r.e->ops->set_state(r.e, &r.s);
	CU_ASSERT_EQUAL(run(&r, 1000), ENGINE_EXIT_SHUTDOWN);
	end(&r);
}

static void shadow_is_refused_with_the_mend(void)
{
	struct engine_config config = { .mmu = ENGINE_MMU_SHADOW };
	struct engine_probe probe;
	struct diag d = { .text = "" };
	struct engine *e = NULL;
	struct ram ram;

	CU_ASSERT_EQUAL_FATAL(ram_create(&ram, 4u << 20, NULL), 0);
	config.ram = &ram;
	engine_soft.probe(ENGINE_MMU_SHADOW, &probe);
	CU_ASSERT_FALSE(probe.usable);
	CU_ASSERT_EQUAL(engine_soft.create(&e, &config, &d), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(d.text, "--mmu direct"));
	ram_destroy(&ram);
}

static const struct unit_test tests[] = {
	UNIT_TEST(deadline_is_exact_and_time_is_the_instruction_count),
	UNIT_TEST(device_sees_the_time_of_the_instruction_that_asks),
	UNIT_TEST(kick_from_a_device_ends_the_run_after_the_instruction),
	UNIT_TEST(halt_wakes_by_an_interrupt_and_idle_time_passes),
	UNIT_TEST(interrupts_wait_for_the_window_behind_sti),
	UNIT_TEST(injected_exception_enters_its_handler),
	UNIT_TEST(triple_fault_is_a_shutdown_with_its_chain),
	UNIT_TEST(unsupported_instruction_is_named),
	UNIT_TEST(mmio_goes_to_the_bus),
	UNIT_TEST(saved_vcpu_goes_on_the_same_when_loaded),
	UNIT_TEST(state_that_cannot_be_is_refused_and_changes_nothing),
	UNIT_TEST(poked_entry_is_seen_after_flush),
	UNIT_TEST(walk_sets_accessed_and_dirty_in_guest_ram),
	UNIT_TEST(tables_outside_ram_fault_and_do_not_hang),
	UNIT_TEST(shadow_is_refused_with_the_mend),
	UNIT_END,
};

const struct unit_suite suite_soft = { "soft", tests };
