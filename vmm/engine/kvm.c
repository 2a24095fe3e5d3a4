// SPDX-License-Identifier: MIT
/*
 * Engine kvm, mmu direct: /dev/kvm runs the guest with the guest's own page tables. PIC, PIT, RTC
 * and UART stay the models of dev/, so KVM has no interrupt controller of its own here.
 *
 * How no wake-up is lost: whoever wants the vCPU back sets run->immediate_exit first. If that comes
 * before KVM_RUN, KVM_RUN returns at once; if after, the signal that brought it (a timer's, the
 * user's) ends KVM_RUN with EINTR. The flag is cleared before the request is looked at.
 */
#include "engine/kvm_deprivileged.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WAKE_SIGNAL SIGRTMIN
#define TSS_ADDRESS 0xfffbd000u /* three pages that KVM uses on old Intel CPUs; no RAM is there */
#define IDENTITY_ADDRESS 0xfffbc000u /* one page, the same */
#define SREGS_EVERY 32u		     /* exits between two looks at the system registers */
#define NEVER UINT64_MAX

static struct kvm *kvm_of(struct engine *e)
{
	return (struct kvm *)(void *)e;
}

uint64_t kvm_clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t kvm_now_ns(const struct engine *e)
{
	const struct kvm *k = (const struct kvm *)(const void *)e;

	return kvm_clock_ns() - k->start_ns;
}

/* --- waking ----------------------------------------------------------------------------------- */

static void on_wake(int sig, siginfo_t *info, void *context)
{
	struct kvm *k = info->si_value.sival_ptr;

	/* anyone may send the signal; only our timers may name an engine */
	if (info->si_code != SI_TIMER || !k)
		return;
	atomic_store(&k->woken, true);
	__atomic_store_n(&k->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
}

void kvm_requests_restore(struct kvm *k)
{
	/* clear first, then look: what comes in between sets it again by itself */
	__atomic_store_n(&k->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
	if (atomic_load(&k->kicked) || atomic_load(&k->woken))
		__atomic_store_n(&k->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
}

void kvm_kick(struct engine *e)
{
	struct kvm *k = kvm_of(e);

	atomic_store(&k->kicked, true);
	__atomic_store_n(&k->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	if (!pthread_equal(k->thread, pthread_self()))
		pthread_kill(k->thread, WAKE_SIGNAL);
}

int kvm_timer_begin(struct kvm *k)
{
	struct sigaction action = { .sa_sigaction = on_wake, .sa_flags = SA_SIGINFO };
	/* to this thread alone: elsewhere it would not end KVM_RUN */
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID,
				  .sigev_signo = WAKE_SIGNAL,
				  .sigev_value.sival_ptr = k,
				  ._sigev_un._tid = gettid() };

	sigemptyset(&action.sa_mask);
	if (sigaction(WAKE_SIGNAL, &action, NULL) < 0 ||
	    timer_create(CLOCK_MONOTONIC, &event, &k->timer) < 0)
		return -errno;
	k->has_timer = true;
	k->armed_ns = NEVER;
	return 0;
}

static void kvm_timer_end(struct kvm *k)
{
	/* its signal is never blocked, so one that is under way arrives before this returns */
	if (k->has_timer)
		timer_delete(k->timer);
}

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / 1000000000u),
				  .tv_nsec = (long)(ns % 1000000000u) };
}

/* Have a signal at `deadline` of virtual time. An unchanged deadline costs no system call. */
void kvm_timer_arm(struct kvm *k, uint64_t deadline_ns)
{
	struct itimerspec when = { 0 };

	if (deadline_ns == k->armed_ns)
		return;
	if (deadline_ns < NEVER - k->start_ns)
		when.it_value = timespec_of(deadline_ns + k->start_ns);
	timer_settime(k->timer, TIMER_ABSTIME, &when, NULL);
	k->armed_ns = deadline_ns;
}

/* --- making and unmaking ---------------------------------------------------------------------- */

/* Shadow paging needs no 32-bit paging of KVM, but 64-bit mode and registers with each exit. */
static void probe_shadow(struct engine_probe *out)
{
	struct kvm_host host;

	kvm_host_look(&host, true);
	out->usable = kvm_host_can_shadow(&host, out->reason, sizeof(out->reason));
	out->slow = out->usable && !host.paging32;
}

static void kvm_probe(enum engine_mmu mmu, struct engine_probe *out)
{
	struct kvm_host host;

	*out = (struct engine_probe){ 0 };
	if (mmu != ENGINE_MMU_DIRECT) {
		probe_shadow(out);
		return;
	}
	kvm_host_look(&host, false);
	out->usable = !host.problem[0];
	if (out->usable)
		snprintf(out->reason, sizeof(out->reason), "%s runs 32-bit guests with paging",
			 host.vendor[0] ? host.vendor : "/dev/kvm");
	else
		snprintf(out->reason, sizeof(out->reason), "%s", host.problem);
}

void kvm_close(struct kvm *k)
{
	kvm_timer_end(k);
	if (k->run)
		munmap(k->run, k->run_bytes);
	if (k->vcpu >= 0)
		close(k->vcpu);
	if (k->vm >= 0)
		close(k->vm);
	if (k->dev >= 0)
		close(k->dev);
}

static void kvm_destroy(struct engine *e)
{
	struct kvm *k = kvm_of(e);

	kvm_close(k);
	free(k);
}

static int slots_create(struct kvm *k)
{
	struct ram_range range[KVM_SLOTS];

	k->slots = ram_ranges(k->config.ram, range, KVM_SLOTS);
	for (unsigned n = 0; n < k->slots; n++) {
		k->slot[n] = (struct kvm_userspace_memory_region){
			.slot = n,
			.guest_phys_addr = range[n].start,
			.memory_size = range[n].bytes,
			.userspace_addr =
				(uintptr_t)ram_span(k->config.ram, range[n].start, range[n].bytes),
		};
		if (ioctl(k->vm, KVM_SET_USER_MEMORY_REGION, &k->slot[n]) < 0)
			return -errno;
	}
	return 0;
}

int kvm_vm_create(struct kvm *k, struct diag *d)
{
	uint64_t identity = IDENTITY_ADDRESS;
	int err;

	k->dev = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (k->dev < 0)
		return diag_set(d, errno, "/dev/kvm: %s; use --engine soft", strerror(errno));
	k->vm = ioctl(k->dev, KVM_CREATE_VM, 0);
	if (k->vm < 0)
		return diag_set(d, errno, "KVM cannot make a virtual machine: %s", strerror(errno));
	if (ioctl(k->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity) < 0 ||
	    ioctl(k->vm, KVM_SET_TSS_ADDR, TSS_ADDRESS) < 0)
		return diag_set(d, errno, "KVM takes no TSS address: %s", strerror(errno));
	err = slots_create(k);
	if (err)
		return diag_set(d, -err, "KVM takes no guest RAM: %s; try a smaller -m",
				strerror(-err));
	return 0;
}

int kvm_vcpu_create(struct kvm *k, struct diag *d)
{
	int bytes = ioctl(k->dev, KVM_GET_VCPU_MMAP_SIZE, 0);

	k->vcpu = ioctl(k->vm, KVM_CREATE_VCPU, 0);
	if (k->vcpu < 0 || bytes < (int)sizeof(*k->run))
		return diag_set(d, k->vcpu < 0 ? errno : EINVAL, "KVM cannot make a vCPU: %s",
				strerror(errno));
	k->run_bytes = (size_t)bytes;
	k->run = mmap(NULL, k->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, k->vcpu, 0);
	if (k->run == MAP_FAILED) {
		k->run = NULL;
		return diag_set(d, errno, "cannot map the vCPU: %s", strerror(errno));
	}
	k->sync_regs = (ioctl(k->dev, KVM_CHECK_EXTENSION, KVM_CAP_SYNC_REGS) &
			(KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS)) ==
		       (KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS);
	if (k->sync_regs)
		k->run->kvm_valid_regs = KVM_SYNC_X86_REGS;
	return 0;
}

static int identity_set(struct kvm *k, struct diag *d)
{
	int err = kvm_set_identity(k->dev, k->vm, k->vcpu);

	return err ? diag_set(d, -err, "KVM does not take the guest's CPUID: %s", strerror(-err))
		   : 0;
}

static int first_state(struct kvm *k)
{
	struct x86_state s;

	x86_first_state(&s);
	return kvm_set_state(&k->engine, &s);
}

void kvm_init(struct kvm *k, const struct engine_ops *ops, const struct engine_config *config)
{
	k->engine.ops = ops;
	k->config = *config;
	k->dev = k->vm = k->vcpu = -1;
	k->thread = pthread_self();
	k->start_ns = kvm_clock_ns();
}

static int kvm_create(struct engine **out, const struct engine_config *config, struct diag *d)
{
	struct kvm *k;
	int err;

	if (config->mmu == ENGINE_MMU_SHADOW)
		return kvm_deprivileged_create(out, config, d);
	k = calloc(1, sizeof(*k));
	if (!k)
		return diag_set(d, ENOMEM, "no memory for engine kvm");
	kvm_init(k, &engine_kvm, config);
	err = kvm_vm_create(k, d);
	if (!err)
		err = kvm_vcpu_create(k, d);
	if (!err)
		err = identity_set(k, d);
	if (!err) {
		err = kvm_timer_begin(k);
		if (!err)
			err = first_state(k);
		if (err)
			diag_set(d, -err, "engine kvm cannot start: %s", strerror(-err));
	}
	if (err) {
		kvm_destroy(&k->engine);
		return err;
	}
	*out = &k->engine;
	return 0;
}

/* --- running ---------------------------------------------------------------------------------- */

/*
 * Leave the vCPU between two instructions: an access that was handed out is completed by the next
 * KVM_RUN, and only then are the registers those after the instruction. What an instruction cuts
 * into several accesses comes back once for each.
 */
int kvm_settle(struct kvm *k)
{
	struct engine_exit ignored;
	int r;

	if (k->broken)
		return -EIO;
	do {
		__atomic_store_n(&k->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
		r = ioctl(k->vcpu, KVM_RUN, 0);
	} while (r == 0 && !kvm_exit_handle(k, &ignored));
	k->ready_known = true;
	kvm_requests_restore(k);
	return r < 0 && errno != EINTR ? -errno : 0;
}

/* Keep what a shutdown would make KVM forget: cheap at every exit, the rest now and then. */
static void remember(struct kvm *k)
{
	if (!k->sync_regs || k->run->exit_reason == KVM_EXIT_SHUTDOWN)
		return;
	k->last_regs = k->run->s.regs.regs;
	if (k->run->kvm_valid_regs & KVM_SYNC_X86_SREGS)
		k->last_sregs = k->run->s.regs.sregs;
	if ((k->stats.io_exits + k->stats.mmio_exits) % SREGS_EVERY == 0)
		k->run->kvm_valid_regs |= KVM_SYNC_X86_SREGS;
	else
		k->run->kvm_valid_regs &= ~(uint64_t)KVM_SYNC_X86_SREGS;
}

/*
 * A device asked for the machine: the access is done as far as we are concerned, and the next
 * KVM_RUN completes it. Going there only to be sent back would cost a system call for each
 * interrupt.
 */
bool kvm_kick_taken(struct kvm *k, struct engine_exit *out)
{
	if (!atomic_load_explicit(&k->kicked, memory_order_relaxed))
		return false;
	atomic_store(&k->kicked, false);
	kvm_requests_restore(k);
	out->reason = ENGINE_EXIT_KICKED;
	return true;
}

/* KVM_RUN came back with an error. True: the run is over, out->reason is set. */
bool kvm_run_error(struct kvm *k, int err, uint64_t deadline_ns, struct engine_exit *out)
{
	if (err == EINTR || err == EAGAIN) {
		if (kvm_kick_taken(k, out))
			return true;
		atomic_store(&k->woken, false);
		kvm_requests_restore(k);
		if (kvm_now_ns(&k->engine) >= deadline_ns) {
			out->reason = ENGINE_EXIT_DEADLINE;
			return true;
		}
		return false;
	}
	k->broken = true;
	out->reason = ENGINE_EXIT_FAILED;
	snprintf(out->text, sizeof(out->text), "KVM_RUN: %s", strerror(err));
	return true;
}

static void kvm_run(struct engine *e, uint64_t deadline_ns, struct engine_exit *out)
{
	struct kvm *k = kvm_of(e);
	bool done = false;

	*out = (struct engine_exit){ .reason = ENGINE_EXIT_FAILED };
	k->thread = pthread_self();
	if (k->broken) {
		snprintf(out->text, sizeof(out->text), "the vCPU cannot run any more");
		return;
	}
	/* KVM would go on from the reset vector */
	if (k->shut_down) {
		out->reason = ENGINE_EXIT_SHUTDOWN;
		return;
	}
	/* a halted vCPU that is kicked must not run on: KVM would take it past the HLT */
	if (k->halted) {
		if (!kvm_kick_taken(k, out))
			out->reason = ENGINE_EXIT_HALT;
		return;
	}
	kvm_timer_arm(k, deadline_ns);
	k->run->request_interrupt_window = k->window;
	while (!done) {
		int r = ioctl(k->vcpu, KVM_RUN, 0);

		k->ready_known = true;
		if (r < 0) {
			done = kvm_run_error(k, errno, deadline_ns, out);
		} else {
			remember(k);
			done = kvm_exit_handle(k, out) || kvm_kick_taken(k, out);
		}
	}
	if (out->reason == ENGINE_EXIT_DEADLINE)
		k->armed_ns = NEVER - 1;
	k->stats.exits[out->reason]++;
}

void kvm_idle_until(struct engine *e, uint64_t ns)
{
	struct kvm *k = kvm_of(e);
	/* in pieces: a signal that came just before the sleep would not end it */
	uint64_t piece = kvm_now_ns(e) + 100000000u;
	struct timespec until = timespec_of((ns < piece ? ns : piece) + k->start_ns);

	if (!atomic_load(&k->kicked))
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

/* --- events ----------------------------------------------------------------------------------- */

static bool kvm_interrupt_ready(struct engine *e)
{
	struct kvm *k = kvm_of(e);

	/* what KVM said at the last exit is old where the state or an event was set since */
	if (!k->ready_known && kvm_settle(k) < 0)
		return false;
	return k->run->ready_for_interrupt_injection;
}

static int kvm_inject_interrupt(struct engine *e, uint8_t vector)
{
	struct kvm *k = kvm_of(e);
	struct kvm_interrupt irq = { .irq = vector };

	if (!kvm_interrupt_ready(e))
		return -EBUSY;
	if (ioctl(k->vcpu, KVM_INTERRUPT, &irq) < 0)
		return -errno;
	k->halted = false;
	k->ready_known = false;
	return 0;
}

void kvm_request_window(struct engine *e, bool on)
{
	kvm_of(e)->window = on;
}

static int kvm_inject_exception(struct engine *e, uint8_t vector, uint32_t error, uint32_t cr2)
{
	const uint32_t with_error = 1u << VEC_DF | 1u << VEC_TS | 1u << VEC_NP | 1u << VEC_SS |
				    1u << VEC_GP | 1u << VEC_PF | 1u << VEC_AC;
	struct kvm *k = kvm_of(e);
	struct kvm_vcpu_events events;
	struct kvm_sregs sregs;
	int err = vector < 32 ? kvm_settle(k) : -EINVAL;

	if (err)
		return err;
	if (vector == VEC_PF) {
		if (ioctl(k->vcpu, KVM_GET_SREGS, &sregs) < 0)
			return -errno;
		sregs.cr2 = cr2;
		if (ioctl(k->vcpu, KVM_SET_SREGS, &sregs) < 0)
			return -errno;
	}
	if (ioctl(k->vcpu, KVM_GET_VCPU_EVENTS, &events) < 0)
		return -errno;
	events.exception.injected = 1;
	events.exception.nr = vector;
	events.exception.has_error_code = with_error >> vector & 1;
	events.exception.error_code = error;
	if (ioctl(k->vcpu, KVM_SET_VCPU_EVENTS, &events) < 0)
		return -errno;
	k->halted = false;
	k->ready_known = false;
	return 0;
}

static void kvm_ram_written(struct engine *e, gpa_t gpa, uint64_t len)
{
	/* the CPU keeps its own caches in step with memory */
}

static int kvm_save(struct engine *e, struct engine_snapshot *out)
{
	const struct kvm *k = kvm_of(e);
	struct kvm_vcpu_events events;
	int err;

	*out = (struct engine_snapshot){ .now_ns = kvm_now_ns(e) };
	err = kvm_get_state(e, &out->state);
	if (err)
		return err;
	if (ioctl(k->vcpu, KVM_GET_VCPU_EVENTS, &events) < 0)
		return -errno;
	if (events.interrupt.injected)
		out->event = (struct engine_event){ .pending = true,
						    .interrupt = true,
						    .vector = events.interrupt.nr };
	else if (events.exception.injected)
		out->event = (struct engine_event){ .pending = true,
						    .vector = events.exception.nr,
						    .error = events.exception.error_code };
	return 0;
}

static int kvm_load(struct engine *e, const struct engine_snapshot *in)
{
	struct kvm *k = kvm_of(e);
	int err;

	if (in->now_ns < kvm_now_ns(e))
		return -EINVAL;
	err = kvm_set_state(e, &in->state);
	if (err)
		return err;
	k->start_ns = kvm_clock_ns() - in->now_ns;
	k->armed_ns = NEVER - 1;
	if (!in->event.pending)
		return 0;
	return in->event.interrupt
		       ? kvm_inject_interrupt(e, in->event.vector)
		       : kvm_inject_exception(e, in->event.vector, in->event.error, in->state.cr2);
}

static void kvm_stats(const struct engine *e, struct engine_stats *out)
{
	const struct kvm *k = (const struct kvm *)(const void *)e;

	*out = k->stats;
	out->instructions = out->work = ENGINE_UNKNOWN;
	out->guest_page_faults = ENGINE_UNKNOWN;
}

static const struct x86_fault_log *kvm_faults(const struct engine *e)
{
	return NULL;
}

static struct shadow *kvm_shadow(const struct engine *e)
{
	return NULL;
}

static const char *kvm_state_caveat(const struct engine *e)
{
	const struct kvm *k = (const struct kvm *)(const void *)e;

	return k->shut_down || k->broken
		       ? "KVM does not keep the registers of a shutdown: these are those of the last "
			 "exits before it"
		       : NULL;
}

const struct engine_ops engine_kvm = {
	.name = "kvm",
	.shadow_features = ENGINE_MODELS_TLB,
	.probe = kvm_probe,
	.create = kvm_create,
	.destroy = kvm_destroy,
	.run = kvm_run,
	.kick = kvm_kick,
	.now_ns = kvm_now_ns,
	.idle_until = kvm_idle_until,
	.get_state = kvm_get_state,
	.set_state = kvm_set_state,
	.inject_exception = kvm_inject_exception,
	.interrupt_ready = kvm_interrupt_ready,
	.inject_interrupt = kvm_inject_interrupt,
	.request_window = kvm_request_window,
	.flush = kvm_flush,
	.ram_written = kvm_ram_written,
	.poke_entry = kvm_poke_entry,
	.save = kvm_save,
	.load = kvm_load,
	.stats = kvm_stats,
	.faults = kvm_faults,
	.shadow = kvm_shadow,
	.state_caveat = kvm_state_caveat,
};
