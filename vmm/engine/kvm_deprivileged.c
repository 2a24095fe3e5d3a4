// SPDX-License-Identifier: MIT
/*
 * Engine kvm, mmu shadow: the guest runs deprivileged, under page tables of ours. See
 * kvm_deprivileged.h for the parts, and README.md for what a guest can see of it.
 */
#include "engine/kvm_deprivileged.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define MONITOR_SLOT KVM_SLOTS /* memory slot numbers: after those of RAM */
#define CR4_UMIP (1u << 11)
#define CPUID_7_ECX_UMIP (1u << 2)
#define CPUID_EXT_EDX_NX (1u << 20)
#define CPUID_EXT_EDX_LM (1u << 29)
#define MSR_PLATFORM_INFO 0xceu
#define PLATFORM_CPUID_FAULTING (1u << 31)
#define MSR_MISC_FEATURES 0x140u
#define MISC_CPUID_FAULTING 1u

/* --- making and unmaking ---------------------------------------------------------------------- */

static void destroy(struct engine *e)
{
	struct deprivileged *d = deprivileged_of(e);

	x86_destroy(d->cpu);
	shadow_destroy(d->shadow);
	kvm_close(&d->kvm);
	monitor_destroy(&d->monitor);
	free(d->frame_flags);
	free(d);
}

static int monitor_slot(struct deprivileged *d, struct diag *diag)
{
	uint32_t pages = d->kvm.config.shadow.pages;
	struct kvm_userspace_memory_region slot = { .slot = MONITOR_SLOT,
						    .guest_phys_addr = MONITOR_GPA };
	int err = monitor_create(&d->monitor, pages ? pages : SHADOW_DEFAULT_PAGES);

	if (err)
		return diag_set(diag, -err, "no memory for the monitor of engine kvm");
	slot.memory_size = d->monitor.bytes;
	slot.userspace_addr = (uintptr_t)d->monitor.memory;
	if (ioctl(d->kvm.vm, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
		return diag_set(diag, errno, "KVM takes no memory for the monitor: %s",
				strerror(errno));
	return 0;
}

/* The first state of the vCPU as KVM has it, to be changed by what is pushed. */
static int first_state(struct deprivileged *d)
{
	struct kvm_run *run = d->kvm.run;
	int err;

	if (ioctl(d->kvm.vcpu, KVM_GET_SREGS, &run->s.regs.sregs) < 0)
		return -errno;
	run->kvm_valid_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
	d->cr3 = run->s.regs.sregs.cr3 = shadow_root(d->shadow);
	x86_first_state(&d->state);
	d->known = d->changed = true;
	err = kvm_deprivileged_identity(&d->kvm, &d->cr4);
	if (!err)
		err = deprivileged_begin(d);
	return err ? err : deprivileged_tsc_set(d, 0);
}

int kvm_deprivileged_create(struct engine **out, const struct engine_config *config,
			    struct diag *diag)
{
	struct deprivileged *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return diag_set(diag, ENOMEM, "no memory for engine kvm");
	kvm_init(&d->kvm, &engine_kvm_deprivileged, config);
	d->kvm.may_read = deprivileged_may_read;
	mirror_init(&d->gdt, NULL, 0);
	d->frame_flags = calloc(config->ram->bytes >> PAGE_SHIFT, 1);
	err = kvm_vm_create(&d->kvm, diag);
	if (!err)
		err = monitor_slot(d, diag);
	if (!err)
		err = kvm_vcpu_create(&d->kvm, diag);
	if (!err && !d->kvm.sync_regs)
		err = diag_set(diag, EINVAL,
			       "this kernel's KVM lacks KVM_CAP_SYNC_REGS; use --engine soft");
	if (!err)
		err = deprivileged_exec_create(d, diag);
	if (!err)
		err = deprivileged_shadow_create(d, diag);
	if (!err) {
		mirror_init(&d->gdt, monitor_gdt(&d->monitor), MONITOR_FIRST_SLOT);
		mirror_init(&d->ldt, monitor_ldt(&d->monitor), MIRROR_SLOTS);
		err = kvm_timer_begin(&d->kvm);
		if (!err)
			err = first_state(d);
		if (err)
			diag_set(diag, -err, "engine kvm cannot start: %s", strerror(-err));
	}
	if (err) {
		destroy(&d->kvm.engine);
		return err;
	}
	*out = &d->kvm.engine;
	return 0;
}

static void cpuid_keep(struct kvm_cpuid_entry2 *e)
{
	/* PAE, CMOV and their like are needed by 64-bit mode; TSC, MSR; no APIC, no FPU state */
	const uint32_t edx_1 = 1u << 0 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 8 |
			       1u << 13 | 1u << 15 | 1u << 16 | 1u << 24 | 1u << 25 | 1u << 26;

	switch (e->function) {
	case 1:
		e->ecx &= 1u << 31; /* a hypervisor is there */
		e->edx &= edx_1;
		break;
	case 7:
		e->eax = e->ebx = e->edx = 0;
		e->ecx &= e->index ? 0 : CPUID_7_ECX_UMIP;
		break;
	case 0x80000001:
		e->ecx = 0;
		e->edx &= CPUID_EXT_EDX_NX | CPUID_EXT_EDX_LM;
		break;
	default:
		break;
	}
}

/* CPUID faults outside ring 0 where KVM has that (api.rst, MSR_MISC_FEATURES_ENABLES). */
static void cpuid_faults(const struct kvm *k)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[2];
	} msrs = { .head.nmsrs = 2,
		   .entry = { { .index = MSR_PLATFORM_INFO, .data = PLATFORM_CPUID_FAULTING },
			      { .index = MSR_MISC_FEATURES, .data = MISC_CPUID_FAULTING } } };

	ioctl(k->vcpu, KVM_SET_MSRS, &msrs.head);
}

int kvm_deprivileged_identity(struct kvm *k, uint64_t *cr4)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[256];
	} *cpuid = calloc(1, sizeof(*cpuid));
	int err = 0;

	if (!cpuid)
		return -ENOMEM;
	cpuid->head.nent = ARRAY_SIZE(cpuid->entry);
	if (ioctl(k->dev, KVM_GET_SUPPORTED_CPUID, &cpuid->head) < 0)
		err = -errno;
	*cr4 = 0;
	for (unsigned n = 0; !err && n < cpuid->head.nent; n++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entry[n];

		cpuid_keep(e);
		if (e->function == 7 && e->index == 0 && e->ecx & CPUID_7_ECX_UMIP)
			*cr4 |= CR4_UMIP;
	}
	if (!err && ioctl(k->vcpu, KVM_SET_CPUID2, &cpuid->head) < 0)
		err = -errno;
	free(cpuid);
	if (!err)
		cpuid_faults(k);
	return err;
}

/* --- running ---------------------------------------------------------------------------------- */

static bool host_failed(struct deprivileged *d, int err, struct engine_exit *out)
{
	d->kvm.broken = true;
	out->reason = ENGINE_EXIT_FAILED;
	snprintf(out->text, sizeof(out->text), "the deprivileged vCPU: %s", strerror(-err));
	return true;
}

static bool cpu_enters(struct deprivileged *d, uint64_t deadline_ns, struct engine_exit *out)
{
	int err = deprivileged_push(d);

	if (err)
		return host_failed(d, err, out);
	d->known = false;
	if (ioctl(d->kvm.vcpu, KVM_RUN, 0) == 0)
		return deprivileged_exit(d, out);
	err = errno;
	if (err != EINTR && err != EAGAIN)
		return kvm_run_error(&d->kvm, err, deadline_ns, out);
	return deprivileged_interrupted(d, out) || kvm_run_error(&d->kvm, err, deadline_ns, out);
}

/* The executor in place of the CPU, one instruction at a time. */
static bool executor_enters(struct deprivileged *d, uint64_t deadline_ns, struct engine_exit *out)
{
	if (deprivileged_step(d, out))
		return true;
	if (__atomic_load_n(&d->kvm.run->immediate_exit, __ATOMIC_SEQ_CST))
		return kvm_run_error(&d->kvm, EINTR, deadline_ns, out);
	return false;
}

/* The queue has to be empty, for an audit reads the pool. The first finding ends the run. */
static bool audit_fails(struct deprivileged *d, struct engine_exit *out)
{
	char finding[160] = "";
	FILE *to;
	unsigned findings;

	if (!d->kvm.config.shadow.audit_exits ||
	    ++d->unaudited < d->kvm.config.shadow.audit_exits || !monitor_queue_empty(&d->monitor))
		return false;
	d->unaudited = 0;
	to = fmemopen(finding, sizeof(finding), "w");
	findings = shadow_audit(d->shadow, to);
	if (to)
		fclose(to);
	if (!findings)
		return false;
	finding[strcspn(finding, "\n")] = 0;
	d->kvm.broken = true;
	out->reason = ENGINE_EXIT_FAILED;
	snprintf(out->text, sizeof(out->text), "shadow audit: %.140s", finding);
	return true;
}

static bool ready(const struct x86_state *s)
{
	return s->eflags & EFLAGS_IF && !s->sti_shadow && !s->mov_ss_shadow;
}

/* With the state at hand there is no need to enter the guest to see that its window is open. */
static bool window_open(const struct deprivileged *d, struct engine_exit *out)
{
	if (!d->kvm.window || !d->known || d->step_first || d->trap_due || !ready(&d->state))
		return false;
	out->reason = ENGINE_EXIT_WINDOW;
	return true;
}

/* Is it the executor's turn: because of what the CPU cannot do, or for one instruction? */
static bool executor_wanted(struct deprivileged *d)
{
	if (d->step_first || !deprivileged_native(d))
		return true;
	return d->emulated && d->kvm.window && !deprivileged_pull(d) && !ready(&d->state);
}

static bool not_runnable(struct deprivileged *d, struct engine_exit *out)
{
	struct kvm *k = &d->kvm;

	if (k->broken) {
		snprintf(out->text, sizeof(out->text), "the vCPU cannot run any more");
		return true;
	}
	if (k->shut_down) {
		out->reason = ENGINE_EXIT_SHUTDOWN;
		return true;
	}
	if (!d->known || !d->state.halted)
		return false;
	if (!kvm_kick_taken(k, out))
		out->reason = ENGINE_EXIT_HALT;
	return true;
}

static void run(struct engine *e, uint64_t deadline_ns, struct engine_exit *out)
{
	struct deprivileged *d = deprivileged_of(e);
	struct kvm *k = &d->kvm;
	bool done = false;

	*out = (struct engine_exit){ .reason = ENGINE_EXIT_FAILED };
	k->thread = pthread_self();
	if (not_runnable(d, out))
		return;
	kvm_timer_arm(k, deadline_ns);
	k->run->request_interrupt_window = k->window;
	while (!done) {
		if (window_open(d, out))
			break;
		if (d->trap_due)
			done = deprivileged_trap(d, out);
		else if (executor_wanted(d))
			done = executor_enters(d, deadline_ns, out);
		else
			done = cpu_enters(d, deadline_ns, out);
		d->step_first = false;
		shadow_exit(d->shadow);
		done = (!d->changed && audit_fails(d, out)) || done || kvm_kick_taken(k, out);
	}
	if (out->reason == ENGINE_EXIT_DEADLINE)
		k->armed_ns = UINT64_MAX - 1;
	if (out->reason != ENGINE_EXIT_FAILED && !monitor_intact(&d->monitor)) {
		out->reason = ENGINE_EXIT_FAILED;
		k->broken = true;
		snprintf(out->text, sizeof(out->text), "the guest changed the monitor's memory");
	}
	k->stats.exits[out->reason]++;
}

/* --- state ------------------------------------------------------------------------------------ */

static int get_state(struct engine *e, struct x86_state *out)
{
	struct deprivileged *d = deprivileged_of(e);
	int err = deprivileged_pull(d);

	if (err)
		return err;
	*out = d->state;
	if (out->cpl == 0) { /* the RPL of ring 1 is ours */
		out->seg[X86_CS].selector &= (uint16_t)~3u;
		out->seg[X86_SS].selector &= (uint16_t)~3u;
	}
	return deprivileged_tsc_get(d, &out->tsc);
}

static int set_state(struct engine *e, const struct x86_state *in)
{
	struct deprivileged *d = deprivileged_of(e);
	int err;

	if (!x86_state_possible(in))
		return -EINVAL;
	err = deprivileged_pull(d);
	if (err)
		return err;
	d->state = *in;
	d->state.eflags |= EFLAGS_FIXED;
	d->kvm.shut_down = false;
	d->step_first = d->trap_due = false;
	deprivileged_state_set(d);
	return deprivileged_tsc_set(d, in->tsc);
}

static int flush(struct engine *e)
{
	struct deprivileged *d = deprivileged_of(e);
	int err = deprivileged_pull(d);

	if (!err)
		deprivileged_state_set(d);
	return err;
}

static void ram_written(struct engine *e, gpa_t gpa, uint64_t len)
{
	struct deprivileged *d = deprivileged_of(e);

	/* a copy that is dropped takes CS and SS with it, if they are not known by then */
	if (!deprivileged_pull(d))
		deprivileged_stored(d, gpa, len);
}

static int poke_entry(struct engine *e, gpa_t gpa, pte_t value)
{
	struct deprivileged *d = deprivileged_of(e);
	void *at = ram_span(d->kvm.config.ram, gpa, sizeof(value));
	int err;

	if (gpa % sizeof(value))
		return -EINVAL;
	if (!at)
		return -EFAULT;
	err = deprivileged_pull(d);
	if (err)
		return err;
	memcpy(at, &value, sizeof(value));
	deprivileged_stored(d, gpa, sizeof(value));
	d->flush_wanted = d->recheck_tables = true;
	return 0;
}

static int save(struct engine *e, struct engine_snapshot *out)
{
	*out = (struct engine_snapshot){ .now_ns = kvm_now_ns(e) };
	return get_state(e, &out->state);
}

/* --- events ----------------------------------------------------------------------------------- */

/* What an event ends in is told by the next run: HLT and shutdown are part of the state. */
static int event_result(struct deprivileged *d, bool stopped, const struct engine_exit *exit)
{
	return stopped && exit->reason == ENGINE_EXIT_FAILED ? -EIO : 0;
}

static int inject_exception(struct engine *e, uint8_t vector, uint32_t error, uint32_t cr2)
{
	struct deprivileged *d = deprivileged_of(e);
	struct engine_exit exit = { 0 };
	bool stopped;

	if (vector >= 32)
		return -EINVAL;
	stopped = deprivileged_exception(d, vector, error, cr2, &exit);
	return event_result(d, stopped, &exit);
}

/*
 * The monitor's frame does not tell whether the CPU was in the shadow of STI. Where the byte before
 * EIP is one, the next instruction is done before the window opens.
 */
static bool maybe_after_sti(struct deprivileged *d)
{
	gva_t before = d->state.seg[X86_CS].base + d->state.eip - 1;
	const uint8_t *host = deprivileged_look(d, before);

	return d->inside && host && *host == 0xfb;
}

static bool interrupt_ready(struct engine *e)
{
	struct deprivileged *d = deprivileged_of(e);

	if (deprivileged_pull(d) || !ready(&d->state))
		return false;
	if (!d->changed && !d->state.halted && maybe_after_sti(d))
		d->step_first = true;
	return !d->step_first && !d->trap_due;
}

static int inject_interrupt(struct engine *e, uint8_t vector)
{
	struct deprivileged *d = deprivileged_of(e);
	struct engine_exit exit = { 0 };
	bool stopped;

	if (!interrupt_ready(e))
		return -EBUSY;
	stopped = deprivileged_interrupt(d, vector, &exit);
	return event_result(d, stopped, &exit);
}

static int load(struct engine *e, const struct engine_snapshot *in)
{
	struct deprivileged *d = deprivileged_of(e);
	int err;

	if (in->now_ns < kvm_now_ns(e))
		return -EINVAL;
	err = set_state(e, &in->state);
	if (err)
		return err;
	shadow_reset(d->shadow);
	d->kvm.start_ns = kvm_clock_ns() - in->now_ns;
	d->kvm.armed_ns = UINT64_MAX - 1;
	if (!in->event.pending)
		return 0;
	return in->event.interrupt
		       ? inject_interrupt(e, in->event.vector)
		       : inject_exception(e, in->event.vector, in->event.error, in->state.cr2);
}

/* --- what others ask -------------------------------------------------------------------------- */

static const char *const cause_names[DEPRIVILEGED_EXITS] = {
	[DEPRIVILEGED_FILL] = "shadow fill",
	[DEPRIVILEGED_GUEST_FAULT] = "guest page fault",
	[DEPRIVILEGED_TABLE_WRITE] = "table write",
	[DEPRIVILEGED_MMIO] = "MMIO",
	[DEPRIVILEGED_PRIVILEGED] = "privileged instruction",
	[DEPRIVILEGED_OTHER] = "other exception",
	[DEPRIVILEGED_PORT] = "port",
	[DEPRIVILEGED_WINDOW] = "interrupt window",
	[DEPRIVILEGED_QUEUE] = "monitor",
	[DEPRIVILEGED_SIGNAL] = "signal",
};

static void stats(const struct engine *e, struct engine_stats *out)
{
	const struct deprivileged *d = (const struct deprivileged *)(const void *)e;

	*out = d->kvm.stats;
	out->instructions = out->work = ENGINE_UNKNOWN;
	out->guest_page_faults = x86_page_faults(d->cpu);
	for (unsigned n = 0; n < DEPRIVILEGED_EXITS; n++)
		out->cause[n] = (struct engine_cause){ cause_names[n], d->exits[n] };
	out->cause[DEPRIVILEGED_EXITS] = (struct engine_cause){ "executor instructions", d->steps };
}

static const struct x86_fault_log *faults(const struct engine *e)
{
	return x86_faults(((const struct deprivileged *)(const void *)e)->cpu);
}

static struct shadow *shadow(const struct engine *e)
{
	return ((const struct deprivileged *)(const void *)e)->shadow;
}

static const char *state_caveat(const struct engine *e)
{
	return NULL;
}

const struct engine_ops engine_kvm_deprivileged = {
	.name = "kvm",
	.shadow_features = ENGINE_MODELS_TLB,
	.destroy = destroy,
	.run = run,
	.kick = kvm_kick,
	.now_ns = kvm_now_ns,
	.idle_until = kvm_idle_until,
	.get_state = get_state,
	.set_state = set_state,
	.inject_exception = inject_exception,
	.interrupt_ready = interrupt_ready,
	.inject_interrupt = inject_interrupt,
	.request_window = kvm_request_window,
	.flush = flush,
	.ram_written = ram_written,
	.poke_entry = poke_entry,
	.save = save,
	.load = load,
	.stats = stats,
	.faults = faults,
	.shadow = shadow,
	.state_caveat = state_caveat,
};
