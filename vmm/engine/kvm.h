/* SPDX-License-Identifier: MIT */
/*
 * What the files of engine kvm share.
 *
 * kvm.c        the engine: one VM, one vCPU, the run loop
 * kvm_exit.c   what KVM_RUN comes back with
 * kvm_state.c  architectural state to and from KVM's structures; poking live page tables
 * kvm_host.c   what this host's KVM can do: the probe, and what `vmm doctor` tells
 *
 * Source of the rules: Linux Documentation/virt/kvm/api.rst, by the number of its sections.
 */
#ifndef VMM_ENGINE_KVM_H
#define VMM_ENGINE_KVM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "engine/engine.h"
#include "engine/kvm_host.h"
#include "machine/ram.h"

#define KVM_SLOTS 2u /* RAM below the hole, and above it */

struct kvm {
	struct engine engine;
	struct engine_config config;
	int dev, vm, vcpu; /* file descriptors, -1 while not open */
	struct kvm_run *run;
	size_t run_bytes;
	struct kvm_userspace_memory_region slot[KVM_SLOTS];
	unsigned slots;
	bool sync_regs; /* KVM_CAP_SYNC_REGS: registers come with the exit */
	timer_t timer;	/* brings the vCPU back at a deadline */
	bool has_timer;
	uint64_t armed_ns; /* what the timer is set to */
	uint64_t start_ns; /* of the monotonic clock: virtual time zero */
	pthread_t thread;  /* that runs the vCPU */
	atomic_bool kicked;
	atomic_bool woken; /* the timer's signal came, and no run has looked at the clock since */
	bool halted;	   /* HLT, and nothing injected since */
	bool window;	   /* the machine wants to know when interrupts are possible */
	bool ready_known;  /* run->ready_for_interrupt_injection is about the current state */
	bool broken;	   /* the host failed in a way that forbids to go on */
	struct engine_stats stats;
	/* Registers at the last exits, for what KVM forgets in a shutdown. */
	struct kvm_regs last_regs;
	struct kvm_sregs last_sregs;
	bool shut_down;
	/*
	 * NULL, or asked before an IN is answered: how many elements may be read from the device?
	 * The guest's instruction will fault where it would store the next one, and come again.
	 */
	uint32_t (*may_read)(struct kvm *k);
};

/* Nanoseconds of the monotonic clock. */
uint64_t kvm_clock_ns(void);

/* --- what both kinds of paging share (kvm.c) -------------------------------------------------- */

void kvm_init(struct kvm *k, const struct engine_ops *ops, const struct engine_config *config);
/*
 * Device, VM and RAM; then the vCPU, still without CPUID. Negative errno, with a line in the diag.
 */
int kvm_vm_create(struct kvm *k, struct diag *d);
int kvm_vcpu_create(struct kvm *k, struct diag *d);
int kvm_timer_begin(struct kvm *k);
/* Give back all of the above, as far as it is there. */
void kvm_close(struct kvm *k);

uint64_t kvm_now_ns(const struct engine *e);
void kvm_idle_until(struct engine *e, uint64_t ns);
void kvm_kick(struct engine *e);
void kvm_request_window(struct engine *e, bool on);
/* After KVM_RUN was used for something else than the guest: who wants the vCPU back still does. */
void kvm_requests_restore(struct kvm *k);

/* Have a signal at `deadline_ns` of virtual time. An unchanged deadline costs no system call. */
void kvm_timer_arm(struct kvm *k, uint64_t deadline_ns);
/* KVM_RUN came back with an error. True: the run is over, out->reason is set. */
bool kvm_run_error(struct kvm *k, int err, uint64_t deadline_ns, struct engine_exit *out);
/* Has a device asked for the machine during the last exit? */
bool kvm_kick_taken(struct kvm *k, struct engine_exit *out);

/* Segments and the time-stamp counter between struct x86_state and KVM (kvm_state.c). */
void kvm_segment_from(struct x86_segment *s, const struct kvm_segment *k);
void kvm_segment_to(struct kvm_segment *k, const struct x86_segment *s);
struct kvm_segment *kvm_segment_of(struct kvm_sregs *k, unsigned n);
int kvm_tsc_get(const struct kvm *k, uint64_t *tsc);
int kvm_tsc_set(const struct kvm *k, uint64_t tsc);
/* No event is under way in a state that is set, but the interrupt shadows it names. */
int kvm_events_set(const struct kvm *k, const struct x86_state *s);

/* Make registers of the last exit current: finish the port or MMIO access under way. */
int kvm_settle(struct kvm *k);

int kvm_get_state(struct engine *e, struct x86_state *state);
int kvm_set_state(struct engine *e, const struct x86_state *state);
int kvm_flush(struct engine *e);
int kvm_poke_entry(struct engine *e, gpa_t gpa, pte_t value);

/* Give the guest a CPU as design section 6 says: CPUID leaves, and MSRs that come to us. */
int kvm_set_identity(int dev, int vm, int vcpu);

/* One exit of KVM. True: the machine has to hear of it, and out->reason is set. */
bool kvm_exit_handle(struct kvm *k, struct engine_exit *out);

/* "KVM_EXIT_IO" for KVM_EXIT_IO, and so on; NULL for a number that api.rst does not name. */
const char *kvm_exit_name(uint32_t reason);

#endif
