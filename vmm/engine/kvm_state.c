// SPDX-License-Identifier: MIT
/*
 * Architectural state between struct x86_state and KVM's structures, the identity of the guest's
 * CPU, and changes of live page tables.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "engine/kvm.h"

/* --- segments --------------------------------------------------------------------------------- */

void kvm_segment_from(struct x86_segment *s, const struct kvm_segment *k)
{
	*s = (struct x86_segment){ .selector = k->selector,
				   .base = (uint32_t)k->base,
				   .limit = k->limit };
	if (!k->unusable && k->present)
		s->attr = (uint16_t)(k->type | (k->s ? SEG_S : 0) | k->dpl << SEG_DPL_SHIFT |
				     SEG_P | (uint32_t)k->avl << 12 | (k->db ? SEG_DB : 0) |
				     (k->g ? SEG_G : 0));
}

void kvm_segment_to(struct kvm_segment *k, const struct x86_segment *s)
{
	*k = (struct kvm_segment){
		.base = s->base,
		.limit = s->limit,
		.selector = s->selector,
		.type = s->attr & SEG_TYPE,
		.present = !!(s->attr & SEG_P),
		.dpl = SEG_DPL(s->attr),
		.db = !!(s->attr & SEG_DB),
		.s = !!(s->attr & SEG_S),
		.g = !!(s->attr & SEG_G),
		.avl = s->attr >> 12 & 1,
		.unusable = !(s->attr & SEG_P),
	};
}

struct kvm_segment *kvm_segment_of(struct kvm_sregs *k, unsigned n)
{
	struct kvm_segment *const in_order[X86_SREGS] = {
		[X86_ES] = &k->es, [X86_CS] = &k->cs, [X86_SS] = &k->ss,    [X86_DS] = &k->ds,
		[X86_FS] = &k->fs, [X86_GS] = &k->gs, [X86_LDTR] = &k->ldt, [X86_TR] = &k->tr,
	};

	return in_order[n];
}

/* What tells a busy TSS from an available one (SDM vol. 3, table 3-2). */
#define SYS_BUSY 2u

/* --- registers -------------------------------------------------------------------------------- */

static void regs_from_kvm(struct x86_state *s, const struct kvm_regs *r)
{
	const uint64_t gpr[X86_GPRS] = { r->rax, r->rcx, r->rdx, r->rbx,
					 r->rsp, r->rbp, r->rsi, r->rdi };

	for (unsigned n = 0; n < X86_GPRS; n++)
		s->gpr[n] = (uint32_t)gpr[n];
	s->eip = (uint32_t)r->rip;
	s->eflags = (uint32_t)r->rflags;
}

static void regs_to_kvm(struct kvm_regs *r, const struct x86_state *s)
{
	*r = (struct kvm_regs){
		.rax = s->gpr[X86_EAX],
		.rcx = s->gpr[X86_ECX],
		.rdx = s->gpr[X86_EDX],
		.rbx = s->gpr[X86_EBX],
		.rsp = s->gpr[X86_ESP],
		.rbp = s->gpr[X86_EBP],
		.rsi = s->gpr[X86_ESI],
		.rdi = s->gpr[X86_EDI],
		.rip = s->eip,
		.rflags = s->eflags | EFLAGS_FIXED,
	};
}

static void sregs_from_kvm(struct x86_state *s, struct kvm_sregs *k)
{
	for (unsigned n = 0; n < X86_SREGS; n++)
		kvm_segment_from(&s->seg[n], kvm_segment_of(k, n));
	s->gdtr = (struct x86_table){ (uint32_t)k->gdt.base, k->gdt.limit };
	s->idtr = (struct x86_table){ (uint32_t)k->idt.base, k->idt.limit };
	s->cr0 = (uint32_t)k->cr0;
	s->cr2 = (uint32_t)k->cr2;
	s->cr3 = (uint32_t)k->cr3;
	s->cr4 = (uint32_t)k->cr4;
	s->cpl = (uint8_t)SEG_DPL(s->seg[X86_SS].attr);
	/* A null SS says nothing; CS always does, unless it is conforming. */
	if (!(s->seg[X86_SS].attr & SEG_P))
		s->cpl = s->seg[X86_CS].selector & 3;
}

static void sregs_to_kvm(struct kvm_sregs *k, const struct x86_state *s)
{
	for (unsigned n = 0; n < X86_SREGS; n++)
		kvm_segment_to(kvm_segment_of(k, n), &s->seg[n]);
	/*
	 * VM entry asks for a busy TSS (SDM vol. 3, 26.3.1.2). VMRUN does not look (AMD APM vol. 2,
	 * 15.5.1), and QEMU's TCG, whose own LTR leaves the type as it was, aborts at the next
	 * change of stacks when it is busy.
	 */
	if (__builtin_cpu_is("amd"))
		k->tr.type &= ~SYS_BUSY;
	else
		k->tr.type |= SYS_BUSY;
	k->gdt = (struct kvm_dtable){ .base = s->gdtr.base, .limit = s->gdtr.limit };
	k->idt = (struct kvm_dtable){ .base = s->idtr.base, .limit = s->idtr.limit };
	k->cr0 = s->cr0 | CR0_ET;
	k->cr2 = s->cr2;
	k->cr3 = s->cr3;
	k->cr4 = s->cr4;
	k->efer = 0;
	/* no local APIC: with its base enabled, KVM would show one in CPUID whatever we said */
	k->apic_base = 0;
	memset(k->interrupt_bitmap, 0, sizeof(k->interrupt_bitmap));
}

int kvm_tsc_get(const struct kvm *k, uint64_t *tsc)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = { .head.nmsrs = 1, .entry.index = X86_MSR_TSC };

	if (ioctl(k->vcpu, KVM_GET_MSRS, &msr.head) != 1)
		return -EIO;
	*tsc = msr.entry.data;
	return 0;
}

int kvm_tsc_set(const struct kvm *k, uint64_t tsc)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = { .head.nmsrs = 1, .entry = { .index = X86_MSR_TSC, .data = tsc } };

	return ioctl(k->vcpu, KVM_SET_MSRS, &msr.head) == 1 ? 0 : -EIO;
}

/*
 * With KVM_CAP_SYNC_REGS the registers come back with an exit (api.rst 5, kvm_run): one that is
 * asked for at once, and not at every exit, as that would slow each of them.
 */
static int registers_get(struct kvm *k, struct kvm_regs *regs, struct kvm_sregs *sregs)
{
	int err;

	if (k->sync_regs)
		k->run->kvm_valid_regs |= KVM_SYNC_X86_SREGS;
	err = kvm_settle(k);
	if (err)
		return err;
	if (!k->sync_regs)
		return ioctl(k->vcpu, KVM_GET_REGS, regs) < 0 ||
				       ioctl(k->vcpu, KVM_GET_SREGS, sregs) < 0
			       ? -errno
			       : 0;
	k->run->kvm_valid_regs &= ~(uint64_t)KVM_SYNC_X86_SREGS;
	*regs = k->run->s.regs.regs;
	*sregs = k->run->s.regs.sregs;
	return 0;
}

int kvm_get_state(struct engine *e, struct x86_state *state)
{
	struct kvm *k = (struct kvm *)(void *)e;
	struct kvm_vcpu_events events;
	struct kvm_debugregs debug;
	struct kvm_sregs sregs = { 0 };
	struct kvm_regs regs = { 0 };
	int err = 0;

	*state = (struct x86_state){ .halted = k->halted };
	if (k->shut_down || k->broken) {
		regs = k->last_regs;
		sregs = k->last_sregs;
	} else {
		err = registers_get(k, &regs, &sregs);
	}
	if (err)
		return err;
	regs_from_kvm(state, &regs);
	sregs_from_kvm(state, &sregs);
	if (ioctl(k->vcpu, KVM_GET_VCPU_EVENTS, &events) < 0 ||
	    ioctl(k->vcpu, KVM_GET_DEBUGREGS, &debug) < 0)
		return -errno;
	for (unsigned n = 0; n < 4; n++)
		state->dr[n] = (uint32_t)debug.db[n];
	state->dr[6] = (uint32_t)debug.dr6;
	state->dr[7] = (uint32_t)debug.dr7;
	state->sti_shadow = events.interrupt.shadow & KVM_X86_SHADOW_INT_STI;
	state->mov_ss_shadow = events.interrupt.shadow & KVM_X86_SHADOW_INT_MOV_SS;
	return kvm_tsc_get(k, &state->tsc);
}

int kvm_events_set(const struct kvm *k, const struct x86_state *s)
{
	struct kvm_vcpu_events events = { .flags = KVM_VCPUEVENT_VALID_SHADOW };

	if (s->sti_shadow)
		events.interrupt.shadow |= KVM_X86_SHADOW_INT_STI;
	if (s->mov_ss_shadow)
		events.interrupt.shadow |= KVM_X86_SHADOW_INT_MOV_SS;
	return ioctl(k->vcpu, KVM_SET_VCPU_EVENTS, &events) < 0 ? -errno : 0;
}

int kvm_set_state(struct engine *e, const struct x86_state *state)
{
	struct kvm *k = (struct kvm *)(void *)e;
	struct kvm_debugregs debug = { .dr6 = state->dr[6] | DR6_FIXED,
				       .dr7 = state->dr[7] | DR7_FIXED };
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	int err;

	if (!x86_state_possible(state))
		return -EINVAL;
	err = kvm_settle(k);
	if (err)
		return err;
	if (ioctl(k->vcpu, KVM_GET_SREGS, &sregs) < 0)
		return -errno;
	sregs_to_kvm(&sregs, state);
	regs_to_kvm(&regs, state);
	for (unsigned n = 0; n < 4; n++)
		debug.db[n] = state->dr[n];
	if (ioctl(k->vcpu, KVM_SET_SREGS, &sregs) < 0 || ioctl(k->vcpu, KVM_SET_REGS, &regs) < 0 ||
	    ioctl(k->vcpu, KVM_SET_DEBUGREGS, &debug) < 0)
		return -errno;
	err = kvm_events_set(k, state);
	if (!err)
		err = kvm_tsc_set(k, state->tsc);
	k->last_regs = regs;
	k->last_sregs = sregs;
	k->halted = state->halted;
	k->ready_known = false;
	k->shut_down = false;
	return err;
}

/* --- the guest's CPU -------------------------------------------------------------------------- */

static int cpuid_set(int vcpu)
{
	static const uint32_t leaves[] = { 0, 1, 0x40000000, 0x80000000 };
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[ARRAY_SIZE(leaves)];
	} cpuid = { .head.nent = ARRAY_SIZE(leaves) };

	for (size_t n = 0; n < ARRAY_SIZE(leaves); n++) {
		struct kvm_cpuid_entry2 *e = &cpuid.entry[n];
		struct x86_cpuid value;

		x86_cpuid(leaves[n], &value);
		*e = (struct kvm_cpuid_entry2){ .function = leaves[n],
						.eax = value.eax,
						.ebx = value.ebx,
						.ecx = value.ecx,
						.edx = value.edx };
	}
	return ioctl(vcpu, KVM_SET_CPUID2, &cpuid.head) < 0 ? -errno : 0;
}

/*
 * Every MSR but the TSC comes to us, so that all engines have the same ones (api.rst 4.117, 7.20).
 * A KVM without the two extensions answers by itself, with more MSRs than engine soft has.
 */
static int msr_filter_set(int dev, int vm)
{
	const uint64_t reasons = KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN |
				 KVM_MSR_EXIT_REASON_FILTER;
	struct kvm_enable_cap cap = { .cap = KVM_CAP_X86_USER_SPACE_MSR, .args = { reasons } };
	uint8_t allow = 1;
	struct kvm_msr_filter filter = {
		.flags = KVM_MSR_FILTER_DEFAULT_DENY,
		.ranges[0] = { .flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
			       .nmsrs = 1,
			       .base = X86_MSR_TSC,
			       .bitmap = &allow },
	};

	if (ioctl(dev, KVM_CHECK_EXTENSION, KVM_CAP_X86_USER_SPACE_MSR) <= 0 ||
	    ioctl(dev, KVM_CHECK_EXTENSION, KVM_CAP_X86_MSR_FILTER) <= 0)
		return 0;
	if (ioctl(vm, KVM_ENABLE_CAP, &cap) < 0 || ioctl(vm, KVM_X86_SET_MSR_FILTER, &filter) < 0)
		return -errno;
	return 0;
}

int kvm_set_identity(int dev, int vm, int vcpu)
{
	int err = cpuid_set(vcpu);

	return err ? err : msr_filter_set(dev, vm);
}

/* --- live page tables ------------------------------------------------------------------------- */

/*
 * Taking a memory slot away makes KVM drop every translation that it derived from guest memory: its
 * shadow pages where it shadows (npt=0), nested tables and hardware entries where it does not. That
 * is the one way that holds on each kind of host; INVLPG or a CR3 load by the guest does not do it,
 * as KVM trusts its shadow pages until the guest itself stores to the table.
 */
static int slots_cycle(struct kvm *k)
{
	for (unsigned n = 0; n < k->slots; n++) {
		struct kvm_userspace_memory_region gone = k->slot[n];

		gone.memory_size = 0;
		if (ioctl(k->vm, KVM_SET_USER_MEMORY_REGION, &gone) < 0)
			return n ? -EIO : -ENOTSUP;
		if (ioctl(k->vm, KVM_SET_USER_MEMORY_REGION, &k->slot[n]) < 0)
			return -EIO;
	}
	return 0;
}

int kvm_flush(struct engine *e)
{
	struct kvm *k = (struct kvm *)(void *)e;
	int err = kvm_settle(k);

	if (!err)
		err = slots_cycle(k);
	if (err && err != -ENOTSUP)
		k->broken = true;
	return err;
}

int kvm_poke_entry(struct engine *e, gpa_t gpa, pte_t value)
{
	struct kvm *k = (struct kvm *)(void *)e;
	void *at = ram_span(k->config.ram, gpa, sizeof(value));
	pte_t old;
	int err;

	if (gpa % sizeof(value))
		return -EINVAL;
	if (!at)
		return -EFAULT;
	memcpy(&old, at, sizeof(old));
	memcpy(at, &value, sizeof(value));
	err = kvm_flush(e);
	if (err == -ENOTSUP)
		memcpy(at, &old, sizeof(old));
	return err;
}
