/* SPDX-License-Identifier: MIT */
/*
 * What this host's KVM can do. The probe makes a throw-away VM whose guest turns 32-bit paging on
 * and leaves by a port, three instructions in all: nothing else tells PVM and broken nesting from
 * the real thing. Nothing is kept: hosts differ, and may change between two runs.
 */
#ifndef VMM_ENGINE_KVM_HOST_H
#define VMM_ENGINE_KVM_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KVM_HOST_TEXT 200u

/* Extensions that the engine uses where they are offered. */
enum kvm_extension {
	KVM_EXT_IMMEDIATE_EXIT, /* needed */
	KVM_EXT_USER_MEMORY,	/* needed */
	KVM_EXT_SYNC_REGS,
	KVM_EXT_MSR_FILTER,
	KVM_EXT_USER_SPACE_MSR,
	KVM_EXT_DEBUGREGS,
	KVM_EXT_COUNT
};

struct kvm_host {
	bool there; /* the device node exists */
	bool openable;
	int api_version; /* 0: not asked */
	char vendor[16]; /* "kvm_intel", "kvm_amd", "kvm_pvm", or empty if not known */
	bool extension[KVM_EXT_COUNT];
	bool paging32;	/* the probe's guest ran */
	bool long_mode; /* KVM offers it to guests */
	bool umip;
	uint64_t probe_ns; /* what the probe took */
	char problem
		[KVM_HOST_TEXT]; /* why engine kvm cannot work and what to do; empty if it can */
};

const char *kvm_extension_name(enum kvm_extension ext);
bool kvm_extension_needed(enum kvm_extension ext);

/*
 * Look at the host: about a millisecond. Without `all` what does not decide is left out: long mode
 * and UMIP.
 */
void kvm_host_look(struct kvm_host *h, bool all);

/*
 * Can it run a deprivileged guest (mmu shadow)? Looked at with `all`. The reason is a line: why, or
 * why not and what to do.
 */
bool kvm_host_can_shadow(const struct kvm_host *h, char *reason, size_t bytes);

/*
 * Nanoseconds of one exit by OUT and the way back, the median of some hundred; 0 where it cannot be
 * measured. A few milliseconds.
 */
uint64_t kvm_host_exit_ns(void);

#endif
