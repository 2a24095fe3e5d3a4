// SPDX-License-Identifier: MIT
/*
 * Exits of a deprivileged guest. Almost all are of one kind: the instruction at EIP may not be done
 * natively, and the executor does it, by the rules of the guest's own CPU. It does not matter which
 * vector that was: what the guest gets is what the executor finds.
 */
#include <stdio.h>
#include <sys/ioctl.h>

#include "engine/kvm_deprivileged.h"

/* A fault that has been mended this often without the guest moving on is given to the executor. */
#define SAME_FAULT_MAX 8u
#define INSN_MAX_BYTES 15u
/* An instruction costs the executor some 300 ns, and an exit 1 to 2 us on hardware. */
#define INSNS_TO_CR2 6u

static void count(struct deprivileged *d, enum deprivileged_exit kind)
{
	d->exits[kind]++;
}

static bool step(struct deprivileged *d, enum deprivileged_exit kind, struct engine_exit *out)
{
	count(d, kind);
	return deprivileged_step(d, out);
}

/* --- #PF -------------------------------------------------------------------------------------- */

static bool same_again(struct deprivileged *d, uint64_t rip, uint64_t lin)
{
	if (d->again_rip != rip || d->again_lin != lin)
		d->again = 0;
	d->again_rip = rip;
	d->again_lin = lin;
	return ++d->again > SAME_FAULT_MAX;
}

/* Is the next instruction MOV from CR2? */
static bool reads_cr2(struct deprivileged *d)
{
	gva_t lin = d->state.seg[X86_CS].base + d->state.eip;
	const uint8_t *at = deprivileged_look(d, lin);

	if (!at || (lin & PAGE_OFFSET_MASK) > PAGE_BYTES - 3)
		return false;
	return at[0] == 0x0f && at[1] == 0x20 && (at[2] & 0xf8) == 0xd0;
}

/*
 * The guest is at the start of its handler, which will ask for CR2: an exit, unless the executor
 * has gone that far. Worth it where that is soon; a handler that takes longer is left alone from
 * then on.
 */
static bool on_to_cr2(struct deprivileged *d, struct engine_exit *out)
{
	uint32_t handler = d->state.eip;
	bool found = false;

	if (d->state.cpl || handler == d->long_handler)
		return false;
	for (unsigned n = 0; n < INSNS_TO_CR2 && !found; n++) {
		found = reads_cr2(d);
		if (deprivileged_step(d, out))
			return true;
	}
	if (!found)
		d->long_handler = handler;
	return false;
}

static bool page_fault(struct deprivileged *d, struct engine_exit *out)
{
	uint64_t lin = deprivileged_sregs(d)->cr2, error = monitor_error(&d->monitor);
	unsigned access = (error & PF_W ? ACCESS_WRITE : ACCESS_READ) |
			  (error & PF_U ? ACCESS_USER : 0);
	struct shadow_result r;

	/* an access that would wrap: what it comes to is the executor's to say */
	if (lin > UINT32_MAX)
		return step(d, DEPRIVILEGED_OTHER, out);
	switch (shadow_fault(d->shadow, (gva_t)lin, access, &r)) {
	case SHADOW_PAGE_FAULT:
		count(d, DEPRIVILEGED_GUEST_FAULT);
		return deprivileged_exception(d, VEC_PF, r.error, (uint32_t)lin, out) ||
		       on_to_cr2(d, out);
	case SHADOW_EMULATE:
		return step(d, DEPRIVILEGED_TABLE_WRITE, out);
	case SHADOW_MMIO:
		return step(d, DEPRIVILEGED_MMIO, out);
	default:
		break;
	}
	if (same_again(d, monitor_frame(&d->monitor)->rip, lin))
		return step(d, DEPRIVILEGED_OTHER, out);
	count(d, DEPRIVILEGED_FILL);
	return false;
}

/* --- #DB -------------------------------------------------------------------------------------- */

/*
 * A single step's end (EFLAGS.TF), or INT1. Breakpoints never come here: while one is armed the
 * executor runs.
 */
static bool debug_exception(struct deprivileged *d, struct engine_exit *out)
{
	struct kvm_debugregs debug;
	bool single_step;

	count(d, DEPRIVILEGED_OTHER);
	if (ioctl(d->kvm.vcpu, KVM_GET_DEBUGREGS, &debug) < 0)
		debug.dr6 = DR6_BS;
	single_step = debug.dr6 & DR6_BS;
	debug.dr6 = DR6_FIXED;
	ioctl(d->kvm.vcpu, KVM_SET_DEBUGREGS, &debug);
	if (!single_step) {
		if (deprivileged_pull(d))
			return deprivileged_step(d, out);
		d->state.eip -= 1; /* a trap: EIP is past the one byte of INT1 */
		return deprivileged_step(d, out);
	}
	return deprivileged_trap(d, out);
}

bool deprivileged_trap(struct deprivileged *d, struct engine_exit *out)
{
	if (!deprivileged_pull(d))
		d->state.dr[6] |= DR6_BS;
	d->trap_due = false;
	return deprivileged_exception(d, VEC_DB, 0, 0, out);
}

/* --- the monitor's stubs ---------------------------------------------------------------------- */

static bool monitor_exit(struct deprivileged *d, int vector, struct engine_exit *out)
{
	bool first = monitor_first_level(d->kvm.run->s.regs.regs.rsp, vector);

	/* nobody sends one; what the host's own hardware may do is not the guest's to see */
	if (vector == VEC_NMI || vector == VEC_MC)
		return false;
	/*
	 * not first: the IRETQ that resumes the guest faulted, as the guest's next instruction will
	 */
	if (first && vector == VEC_PF)
		return page_fault(d, out);
	if (first && vector == VEC_DB)
		return debug_exception(d, out);
	return step(d,
		    vector == VEC_GP || vector == VEC_UD ? DEPRIVILEGED_PRIVILEGED
							 : DEPRIVILEGED_OTHER,
		    out);
}

static bool failed(struct deprivileged *d, const char *what, struct engine_exit *out)
{
	const char *name = kvm_exit_name(d->kvm.run->exit_reason);

	d->kvm.broken = true;
	out->reason = ENGINE_EXIT_FAILED;
	snprintf(out->text, sizeof(out->text), "%s: %s at RIP %#llx", what, name ? name : "exit",
		 (unsigned long long)d->kvm.run->s.regs.regs.rip);
	return true;
}

static bool inside_exit(struct deprivileged *d, struct engine_exit *out)
{
	const struct kvm_run *run = d->kvm.run;
	int vector = monitor_vector(run->s.regs.regs.rip);

	if (run->exit_reason != KVM_EXIT_IO || run->io.port != MONITOR_PORT || vector < 0)
		return failed(d, "the monitor", out);
	return monitor_exit(d, vector, out);
}

/* --- INS -------------------------------------------------------------------------------------- */

/* Is the instruction at CS:RIP an INS? *short_address: it uses DI. */
static bool string_input(struct deprivileged *d, bool *short_address)
{
	const struct kvm_sregs *s = deprivileged_sregs(d);
	gva_t lin = (gva_t)(s->cs.base + d->kvm.run->s.regs.regs.rip);

	*short_address = !s->cs.db;
	for (unsigned n = 0; n < INSN_MAX_BYTES; n++, lin++) {
		const uint8_t *at = deprivileged_look(d, lin);

		switch (at ? *at : 0) {
		case 0x67:
			*short_address = s->cs.db;
			break;
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0x64:
		case 0x65:
		case 0x66:
		case 0xf2:
		case 0xf3:
			break;
		default:
			return at && (*at == 0x6c || *at == 0x6d);
		}
	}
	return false;
}

/* Can KVM's emulator store `bytes` at `lin` as things are? */
static bool storable(struct deprivileged *d, gva_t lin, uint32_t bytes)
{
	struct shadow_result r;

	for (uint32_t n = 0; n < bytes; n += PAGE_BYTES - ((lin + n) & PAGE_OFFSET_MASK))
		if (shadow_fault(d->shadow, lin + n, ACCESS_WRITE, &r) != SHADOW_RETRY)
			return false;
	return monitor_queue_empty(&d->monitor);
}

/*
 * KVM reads the device first, and finds out then that it cannot store what came. So the shadow
 * entries have to be there. Where they cannot be (the guest's own fault, a page table), KVM gets
 * nothing from the device: its store will fault, and the instruction comes to us as any other.
 */
uint32_t deprivileged_may_read(struct kvm *k)
{
	struct deprivileged *d = (struct deprivileged *)(void *)k;
	const struct kvm_regs *r = &k->run->s.regs.regs;
	uint32_t size = k->run->io.size, at = (uint32_t)r->rdi, n;
	bool short_address;

	if (!string_input(d, &short_address))
		return k->run->io.count;
	for (n = 0; n < k->run->io.count; n++) {
		uint32_t offset = short_address ? at & 0xffff : at;

		if (!storable(d, (gva_t)(deprivileged_sregs(d)->es.base + offset), size))
			break;
		at += r->rflags & EFLAGS_DF ? -size : size;
	}
	return n;
}

/*
 * A request ended KVM_RUN in the monitor. True: the stub's OUT was still to come, so it is done
 * here.
 */
static bool interrupted_at_stub(const struct deprivileged *d, int *vector)
{
	uint64_t rip = d->kvm.run->s.regs.regs.rip;

	*vector = monitor_vector(rip);
	return *vector >= 0 && rip % 16 == 0;
}

bool deprivileged_interrupted(struct deprivileged *d, struct engine_exit *out)
{
	uint64_t rip = d->kvm.run->s.regs.regs.rip;
	int vector, err;

	count(d, DEPRIVILEGED_SIGNAL);
	d->interrupted = true;
	d->inside = monitor_has(rip);
	if (!d->inside)
		return false;
	if (interrupted_at_stub(d, &vector))
		return monitor_exit(d, vector, out);
	if (!monitor_in_queue(rip))
		return false;
	err = deprivileged_queue_stop(d);
	return err ? failed(d, "the monitor's queue", out) : false;
}

bool deprivileged_exit(struct deprivileged *d, struct engine_exit *out)
{
	struct kvm_run *run = d->kvm.run;

	/* ring 0 is the monitor's alone, and nothing else runs above 4 GiB */
	d->inside = monitor_has(run->s.regs.regs.rip);
	if (d->inside)
		return inside_exit(d, out);
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		count(d, DEPRIVILEGED_PORT);
		return kvm_exit_handle(&d->kvm, out);
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		count(d, DEPRIVILEGED_WINDOW);
		return kvm_exit_handle(&d->kvm, out);
	case KVM_EXIT_INTR:
		return false;
	case KVM_EXIT_INTERNAL_ERROR:
		/* PVM emulates 32-bit code, and has no INT n */
		if (run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION)
			return step(d, DEPRIVILEGED_PRIVILEGED, out);
		break;
	default:
		break;
	}
	return failed(d, "a deprivileged guest", out);
}
