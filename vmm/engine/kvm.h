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
	bool halted;	  /* HLT, and nothing injected since */
	bool window;	  /* the machine wants to know when interrupts are possible */
	bool ready_known; /* run->ready_for_interrupt_injection is about the current state */
	bool broken;	  /* the host failed in a way that forbids to go on */
	struct engine_stats stats;
	/* Registers at the last exits, for what KVM forgets in a shutdown. */
	struct kvm_regs last_regs;
	struct kvm_sregs last_sregs;
	bool shut_down;
};

/* Nanoseconds of the monotonic clock. */
uint64_t kvm_clock_ns(void);

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
