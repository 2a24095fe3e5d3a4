// SPDX-License-Identifier: MIT
/*
 * The guest's state to and from the CPU's. Ring 0 of the guest is ring 1 of the CPU: descriptors of
 * DPL 0 have DPL 1 there, CS and SS carry RPL 1, and EFLAGS.IOPL is 1.
 *
 * A segment register that the guest has not loaded since we set it is what we set, whatever table
 * says; else it came from the mirrored descriptor. CS and SS are lost when the CPU enters the
 * monitor, and are told by their selectors: so a copy is never made while CS or SS holds the same
 * selector with other contents.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "engine/kvm_deprivileged.h"

#define NATIVE_RING 1u /* of the guest's ring 0 */
#define NATIVE_IOPL (NATIVE_RING << 12)
#define CR4_NATIVE_PAE (1u << 5)
#define DR7_ENABLED 0xffu

static const uint8_t data_segments[] = { X86_ES, X86_DS, X86_FS, X86_GS };

static unsigned native_ring(unsigned cpl)
{
	return cpl == 0 ? NATIVE_RING : cpl;
}

/* --- from the CPU ----------------------------------------------------------------------------- */

static bool same_segment(const struct kvm_segment *a, const struct kvm_segment *b)
{
	/* what a null register has besides its selector does not count */
	if (!a->present || !b->present)
		return a->present == b->present && a->selector == b->selector;
	/* kvm_amd makes G up from the limit */
	return a->selector == b->selector && a->base == b->base && a->limit == b->limit &&
	       a->type == b->type && a->dpl == b->dpl && a->db == b->db && a->s == b->s;
}

static struct x86_segment segment_guest(const struct kvm_segment *k)
{
	struct x86_segment s;

	kvm_segment_from(&s, k);
	if (SEG_DPL(s.attr) == NATIVE_RING)
		s.attr &= (uint16_t) ~(3u << SEG_DPL_SHIFT);
	return s;
}

static void segment_pull(struct deprivileged *d, unsigned n)
{
	const struct kvm_segment *now = kvm_segment_of(deprivileged_sregs(d), n);

	if (same_segment(now, &d->native[n]))
		d->state.seg[n] = d->pulled[n];
	else
		d->state.seg[n] = segment_guest(now);
	d->state.seg[n].selector = now->selector;
	d->pulled[n] = d->state.seg[n];
	d->native[n] = *now;
}

/* CS or SS of a guest that is interrupted by the monitor. */
static void segment_pull_by_selector(struct deprivileged *d, unsigned n, uint16_t selector)
{
	const struct mirror *m = selector & 4 ? &d->ldt : &d->gdt;
	struct x86_segment *s = &d->state.seg[n];

	*s = d->pulled[n];
	mirror_segment(m, selector, s);
	s->selector = selector;
	d->pulled[n] = *s;
}

static void pull_inside(struct deprivileged *d)
{
	const struct monitor_frame *f = monitor_frame(&d->monitor);
	struct x86_state *s = &d->state;

	segment_pull_by_selector(d, X86_CS, (uint16_t)f->cs);
	segment_pull_by_selector(d, X86_SS, (uint16_t)f->ss);
	s->eip = (uint32_t)f->rip;
	s->gpr[X86_ESP] = (uint32_t)f->rsp;
	/* RF is the mark of a fault in the frame; where breakpoints are armed the executor runs */
	s->eflags = (uint32_t)f->rflags & ~EFLAGS_RF;
	s->cpl = f->cs & 3;
}

static void pull_outside(struct deprivileged *d)
{
	segment_pull(d, X86_CS);
	segment_pull(d, X86_SS);
	d->state.eip = (uint32_t)d->kvm.run->s.regs.regs.rip;
	d->state.eflags = (uint32_t)d->kvm.run->s.regs.regs.rflags;
	d->state.cpl = d->state.seg[X86_CS].selector & 3;
}

/*
 * Where a signal ended KVM_RUN, KVM may be about to deliver an exception. It must not come when the
 * guest is somewhere else by then. A fault comes again by itself, when its instruction does; a trap
 * is ours to deliver. Also the guest may be in the shadow of STI; which of the two shadows it is,
 * AMD's CPUs do not tell.
 */
static int events_pull(struct deprivileged *d)
{
	struct kvm_vcpu_events events;

	if (ioctl(d->kvm.vcpu, KVM_GET_VCPU_EVENTS, &events) < 0)
		return -errno;
	if (!d->inside && events.interrupt.shadow)
		d->state.sti_shadow = d->shadow_state = true;
	if (!events.exception.injected && !events.exception.pending)
		return 0;
	d->trap_due = events.exception.nr == VEC_DB;
	events.exception.injected = events.exception.pending = 0;
	return ioctl(d->kvm.vcpu, KVM_SET_VCPU_EVENTS, &events) < 0 ? -errno : 0;
}

int deprivileged_pull(struct deprivileged *d)
{
	const struct kvm_regs *r = &d->kvm.run->s.regs.regs;
	struct x86_state *s = &d->state;
	uint32_t iopl = s->eflags & EFLAGS_IOPL; /* the CPU's is ours */
	int err;

	if (d->known)
		return 0;
	s->sti_shadow = s->mov_ss_shadow = s->halted = false;
	err = d->inside ? 0 : kvm_settle(&d->kvm);
	if (!err && (!d->inside || d->interrupted))
		err = events_pull(d);
	d->interrupted = false;
	if (err)
		return err;
	const uint64_t gpr[X86_GPRS] = { r->rax, r->rcx, r->rdx, r->rbx,
					 r->rsp, r->rbp, r->rsi, r->rdi };
	for (unsigned n = 0; n < X86_GPRS; n++)
		s->gpr[n] = (uint32_t)gpr[n];
	for (size_t n = 0; n < ARRAY_SIZE(data_segments); n++)
		segment_pull(d, data_segments[n]);
	if (d->inside)
		pull_inside(d);
	else
		pull_outside(d);
	s->eflags = (s->eflags & ~EFLAGS_IOPL) | iopl | EFLAGS_FIXED;
	if (s->cpl == NATIVE_RING)
		s->cpl = 0;
	d->known = true;
	d->changed = false;
	return 0;
}

/* --- to the CPU ------------------------------------------------------------------------------- */

bool deprivileged_native(const struct deprivileged *d)
{
	return !d->known || !(d->state.dr[7] & DR7_ENABLED);
}

static void segment_push(struct deprivileged *d, struct kvm_sregs *sregs, unsigned n)
{
	const struct x86_segment *s = &d->state.seg[n];
	struct kvm_segment *k = kvm_segment_of(sregs, n);

	kvm_segment_to(k, s);
	if (!(s->attr & SEG_P))
		return;
	k->type |= SEG_ACCESSED;
	k->dpl = n == X86_SS ? native_ring(d->state.cpl) : native_ring(SEG_DPL(s->attr));
	if (n == X86_CS || n == X86_SS)
		k->selector = (uint16_t)((s->selector & ~3u) | native_ring(d->state.cpl));
}

/* What a far load of the same selector would put into CS or SS. */
static bool loadable(const struct deprivileged *d, unsigned n)
{
	const struct x86_segment *s = &d->state.seg[n];

	return mirror_holds(s->selector & 4 ? &d->ldt : &d->gdt, s);
}

static bool data_unchanged(const struct deprivileged *d)
{
	for (size_t i = 0; i < ARRAY_SIZE(data_segments); i++) {
		unsigned n = data_segments[i];

		if (memcmp(&d->state.seg[n], &d->pulled[n], sizeof(d->pulled[n])) != 0)
			return false;
	}
	return true;
}

/* x87, MMX and WAIT are the executor's to judge, by #NM. */
static uint64_t native_cr0(const struct deprivileged *d)
{
	return CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_TS | CR0_EM | CR0_MP | CR0_PE |
	       (d->state.cr0 & CR0_AM);
}

static uint64_t native_cr4(const struct deprivileged *d)
{
	return d->cr4 | CR4_NATIVE_PAE | (d->state.cr4 & CR4_TSD) | (d->emulated ? CR4_TSD : 0);
}

static bool control_unchanged(const struct deprivileged *d)
{
	return d->cr0_set == native_cr0(d) && d->cr4_set == native_cr4(d) &&
	       !memcmp(&d->ldt_set, &d->state.seg[X86_LDTR], sizeof(d->ldt_set));
}

static void regs_push(struct deprivileged *d, uint64_t rip, uint64_t rsp, uint64_t rflags)
{
	const uint32_t *gpr = d->state.gpr;

	d->kvm.run->s.regs.regs = (struct kvm_regs){ .rax = gpr[X86_EAX],
						     .rcx = gpr[X86_ECX],
						     .rdx = gpr[X86_EDX],
						     .rbx = gpr[X86_EBX],
						     .rsp = rsp,
						     .rbp = gpr[X86_EBP],
						     .rsi = gpr[X86_ESI],
						     .rdi = gpr[X86_EDI],
						     .rip = rip,
						     .rflags = rflags };
	d->kvm.run->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
}

static uint64_t guest_rflags(const struct deprivileged *d)
{
	return (d->state.eflags & ~EFLAGS_IOPL) | NATIVE_IOPL | EFLAGS_FIXED;
}

static void frame_push(struct deprivileged *d)
{
	const struct x86_state *s = &d->state;
	unsigned ring = native_ring(s->cpl);

	*monitor_frame(&d->monitor) = (struct monitor_frame){
		.rip = s->eip,
		.cs = (s->seg[X86_CS].selector & ~3u) | ring,
		.rflags = guest_rflags(d),
		.rsp = s->gpr[X86_ESP],
		.ss = (s->seg[X86_SS].selector & ~3u) | ring,
	};
}

/* All but CS and SS. */
static void sregs_push(struct deprivileged *d)
{
	struct kvm_sregs *s = deprivileged_sregs(d);
	const struct x86_segment *ldt = &d->state.seg[X86_LDTR];

	monitor_sregs(s);
	s->cr0 = d->cr0_set = native_cr0(d);
	s->cr4 = d->cr4_set = native_cr4(d);
	d->ldt_set = *ldt;
	for (size_t n = 0; n < ARRAY_SIZE(data_segments); n++)
		segment_push(d, s, data_segments[n]);
	s->ldt = (struct kvm_segment){ .unusable = 1 };
	if (ldt->attr & SEG_P)
		s->ldt = (struct kvm_segment){ .base = monitor_ldt_base(),
					       .limit = ldt->limit < 0xffff ? ldt->limit : 0xffff,
					       .selector = ldt->selector,
					       .type = SYS_LDT,
					       .present = 1 };
	d->kvm.run->kvm_dirty_regs |= KVM_SYNC_X86_SREGS;
}

/* What the CPU will have when the guest runs. */
static void pushed(struct deprivileged *d)
{
	struct kvm_sregs want;

	for (unsigned n = X86_ES; n <= X86_GS; n++) {
		segment_push(d, &want, n);
		d->native[n] = *kvm_segment_of(&want, n);
		d->pulled[n] = d->state.seg[n];
		/* a null register keeps its selector */
		d->native[n].selector = kvm_segment_of(&want, n)->selector;
	}
	d->changed = false;
}

/* --- the monitor's stub ----------------------------------------------------------------------- */

/* Run the monitor until it stops after its queue. Requests to come back wait meanwhile. */
static int monitor_finish(struct deprivileged *d)
{
	struct kvm *k = &d->kvm;

	for (;;) {
		int r;

		__atomic_store_n(&k->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
		r = ioctl(k->vcpu, KVM_RUN, 0);
		if (r < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (r == 0 && k->run->exit_reason == KVM_EXIT_IO &&
		    monitor_stopped(k->run->s.regs.regs.rip))
			break;
		if (r == 0)
			return -EIO;
	}
	d->inside = true;
	d->exits[DEPRIVILEGED_QUEUE]++;
	kvm_requests_restore(k);
	return 0;
}

int deprivileged_queue_stop(struct deprivileged *d)
{
	monitor_queue_stop(&d->monitor);
	return monitor_finish(d);
}

/* Enter the stub of the queue with the guest's frame in place, and the guest's other registers. */
static void queue_enter(struct deprivileged *d)
{
	frame_push(d);
	if (!d->inside || !data_unchanged(d) || !control_unchanged(d)) {
		sregs_push(d);
		monitor_enter_sregs(deprivileged_sregs(d));
	}
	regs_push(d, monitor_queue_rip(), monitor_resume_rsp(), EFLAGS_FIXED);
}

/* Work the whole queue off, and stop in the monitor. */
static int queue_drain(struct deprivileged *d)
{
	while (!monitor_queue_empty(&d->monitor)) {
		int err;

		monitor_queue_load(&d->monitor, true);
		queue_enter(d);
		err = monitor_finish(d);
		if (err)
			return err;
	}
	return 0;
}

int deprivileged_begin(struct deprivileged *d)
{
	const struct monitor_change c = { .what = MONITOR_CR3, .value = d->cr3 };
	int err;

	monitor_change(&d->monitor, &c);
	err = queue_drain(d);
	/* an emulator is done with the OUT when it hands it out */
	d->emulated = !err && d->kvm.run->s.regs.regs.rip == monitor_after_stop();
	d->changed = true;
	return err;
}

int deprivileged_tsc_get(const struct deprivileged *d, uint64_t *tsc)
{
	if (!d->emulated)
		return kvm_tsc_get(&d->kvm, tsc);
	*tsc = __builtin_ia32_rdtsc() + d->tsc_offset;
	return 0;
}

int deprivileged_tsc_set(struct deprivileged *d, uint64_t tsc)
{
	if (!d->emulated)
		return kvm_tsc_set(&d->kvm, tsc);
	d->tsc_offset = tsc - __builtin_ia32_rdtsc();
	return 0;
}

/* Put root and flush into the queue. */
static void queue_root(struct deprivileged *d)
{
	uint64_t root = shadow_root(d->shadow);
	const struct monitor_change c = { .what = MONITOR_CR3, .value = root };

	if (root == d->cr3 && !d->flush_wanted)
		return;
	monitor_change(&d->monitor, &c);
	d->cr3 = root;
	d->flush_wanted = false;
}

/* The guest as it is, with no way through the monitor. */
static int push_directly(struct deprivileged *d)
{
	struct kvm_sregs *s = deprivileged_sregs(d);
	bool shadow = d->state.sti_shadow || d->state.mov_ss_shadow;
	int err = queue_drain(d);

	if (err)
		return err;
	sregs_push(d);
	segment_push(d, s, X86_CS);
	segment_push(d, s, X86_SS);
	regs_push(d, d->state.eip, d->state.gpr[X86_ESP], guest_rflags(d));
	d->inside = false;
	if (!shadow && !d->shadow_state)
		return 0;
	d->shadow_state = shadow;
	return kvm_events_set(&d->kvm, &d->state);
}

/*
 * IRETQ, as IRET, loads SP alone where the stack segment is one of 16 bits: the upper half of ESP
 * would be what the monitor's is.
 */
static bool iretq_spoils_esp(const struct deprivileged *d)
{
	struct x86_segment ss = d->pulled[X86_SS];
	uint16_t selector = (uint16_t)monitor_frame(&d->monitor)->ss;

	if (d->known)
		ss = d->state.seg[X86_SS];
	else if (d->inside)
		mirror_segment(selector & 4 ? &d->ldt : &d->gdt, selector, &ss);
	else
		return false;
	return !(ss.attr & SEG_DB);
}

int deprivileged_push(struct deprivileged *d)
{
	bool by_frame;
	int err;

	queue_root(d);
	if (d->monitor.lost)
		return -ENOMEM;
	if (!d->changed && monitor_queue_empty(&d->monitor) && !(d->inside && iretq_spoils_esp(d)))
		return 0;
	err = deprivileged_pull(d);
	if (err)
		return err;
	deprivileged_mirror(d);
	queue_root(d);
	by_frame = loadable(d, X86_CS) && loadable(d, X86_SS) && !iretq_spoils_esp(d) &&
		   !d->state.sti_shadow && !d->state.mov_ss_shadow && !d->shadow_state;
	if (by_frame && !monitor_queue_empty(&d->monitor)) {
		while (!err && !monitor_queue_load(&d->monitor, false)) {
			queue_enter(d);
			err = monitor_finish(d);
		}
		queue_enter(d);
		d->inside = true;
	} else if (by_frame && d->inside && data_unchanged(d) && control_unchanged(d)) {
		frame_push(d);
		regs_push(d, monitor_resume_rip(), monitor_resume_rsp(), EFLAGS_FIXED);
	} else {
		err = push_directly(d);
	}
	if (!err)
		pushed(d);
	return err;
}
