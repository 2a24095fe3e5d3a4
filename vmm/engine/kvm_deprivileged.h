/* SPDX-License-Identifier: MIT */
/*
 * What the files of engine kvm, mmu shadow, share: a guest whose kernel runs at ring 1 and whose
 * user code runs at ring 3 of a 64-bit CPU, in compatibility mode, under shadow page tables.
 *
 * kvm_deprivileged.c        the engine's table, making and unmaking, the run loop
 * kvm_deprivileged_exit.c   what an exit means, and what has to be done
 * kvm_deprivileged_state.c  the guest's state to and from the CPU's
 * kvm_deprivileged_exec.c   the executor's surroundings, and the shadow's
 * kvm_monitor.c             what runs at ring 0; kvm_mirror.c: the CPU's GDT and LDT
 *
 * Where the guest's state is: in the CPU while `known` is false; in `state` when it is true. If
 * `changed`, too, the CPU has to be given it before it runs. A stopped CPU is either in the monitor
 * (`inside`), and the guest's CS:EIP, SS:ESP and EFLAGS are in the monitor's frame; or in the
 * guest.
 */
#ifndef VMM_ENGINE_KVM_DEPRIVILEGED_H
#define VMM_ENGINE_KVM_DEPRIVILEGED_H

#include "engine/kvm.h"
#include "engine/kvm_mirror.h"
#include "engine/kvm_monitor.h"
#include "mmu/shadow.h"

#define FRAME_TABLE 1u	     /* shadowed as a page table */
#define FRAME_DESCRIPTORS 2u /* descriptors on it are mirrored */

/* Why the monitor or KVM handed the CPU over; for --stats. */
enum deprivileged_exit {
	DEPRIVILEGED_FILL,	  /* #PF: the shadow had no entry yet */
	DEPRIVILEGED_GUEST_FAULT, /* #PF: the guest's own */
	DEPRIVILEGED_TABLE_WRITE, /* #PF: a store to a page table or a descriptor table */
	DEPRIVILEGED_MMIO,	  /* #PF: a device's memory */
	DEPRIVILEGED_PRIVILEGED,  /* #GP, #UD: what ring 0 may do and ring 1 may not; INT n */
	DEPRIVILEGED_OTHER,	  /* other exceptions */
	DEPRIVILEGED_PORT,	  /* IN, OUT at ring 1 */
	DEPRIVILEGED_WINDOW,	  /* interrupts became possible */
	DEPRIVILEGED_QUEUE,	  /* the monitor's stub stopped after its changes */
	DEPRIVILEGED_SIGNAL,	  /* a timer or another thread */
	DEPRIVILEGED_EXITS	  /* at most ENGINE_CAUSES */
};

struct deprivileged {
	struct kvm kvm; /* first: ops are given a pointer to it */
	struct cpu *cpu;
	struct shadow *shadow;
	struct monitor monitor;
	struct mirror gdt, ldt;
	struct x86_state state;
	bool known, changed, inside;
	struct x86_segment pulled[X86_SREGS]; /* as the CPU has them */
	struct kvm_segment native[X86_SREGS]; /* as they were then */
	uint64_t cr3;			      /* that the CPU has */
	uint64_t cr4;			      /* what this host's CPU has on besides PAE */
	uint64_t cr0_set, cr4_set;	      /* as the CPU was given them */
	struct x86_segment ldt_set;
	bool shadow_state; /* the CPU may have an interrupt shadow of ours */
	bool loading;	   /* the executor is being given a state: its flushes mean nothing */
	bool flush_wanted; /* all translations go before the guest runs */
	bool flush_asked, flush_global; /* by the instruction that the executor does */
	bool recheck_tables;		/* a descriptor table may be mapped elsewhere now */
	uint8_t *frame_flags;	       /* FRAME_*, for each frame of RAM: stores there come to us */
	uint64_t again_rip, again_lin; /* of the last fault that needed nothing but another try */
	unsigned again;
	uint32_t long_handler; /* of page faults, that does not read CR2 soon */
	/*
	 * KVM emulates 32-bit code (PVM): it ends no run for an interrupt window, and takes no TSC.
	 * The executor runs while a window is wanted, and answers RDTSC.
	 */
	bool emulated;
	uint64_t tsc_offset; /* from the host's, there */
	bool interrupted;    /* a signal ended KVM_RUN: KVM may have an exception under way */
	bool trap_due;	     /* #DB of a single step comes before anything else */
	bool step_first;     /* the executor does one instruction before anything else */
	uint64_t exits[DEPRIVILEGED_EXITS];
	uint32_t unaudited; /* exits since the last audit */
	uint64_t steps;	    /* instructions that the executor did */
};

static inline struct deprivileged *deprivileged_of(struct engine *e)
{
	return (struct deprivileged *)(void *)e;
}

extern const struct engine_ops engine_kvm_deprivileged;

int kvm_deprivileged_create(struct engine **out, const struct engine_config *config,
			    struct diag *d);

/*
 * The vCPU's CPUID: 64-bit, with what the monitor needs and no more. The guest's own CPUID is a
 * fault at ring 1 and 3. *cr4: what this CPU can have on besides PAE.
 */
int kvm_deprivileged_identity(struct kvm *k, uint64_t *cr4);

/* --- state ------------------------------------------------------------------------------------ */

/* Have the guest's state in d->state. The CPU stands still. Negative errno: the host failed. */
int deprivileged_pull(struct deprivileged *d);

/* First entry: the monitor alone. Finds out whether KVM emulates. */
int deprivileged_begin(struct deprivileged *d);

int deprivileged_tsc_get(const struct deprivileged *d, uint64_t *tsc);
int deprivileged_tsc_set(struct deprivileged *d, uint64_t tsc);

/* The CPU stopped in the stub of the queue: have it finish there. */
int deprivileged_queue_stop(struct deprivileged *d);

/*
 * Give the CPU what has changed: registers, descriptor tables, page tables. Runs the monitor's stub
 * where the way to the guest cannot lead through it.
 */
int deprivileged_push(struct deprivileged *d);

/* The CPU's special registers at the last exit. */
static inline struct kvm_sregs *deprivileged_sregs(struct deprivileged *d)
{
	return &d->kvm.run->s.regs.sregs;
}

/* Can the CPU run the guest as it is? If not, the executor has to. */
bool deprivileged_native(const struct deprivileged *d);

/* --- the executor ----------------------------------------------------------------------------- */

int deprivileged_exec_create(struct deprivileged *d, struct diag *diag);
int deprivileged_shadow_create(struct deprivileged *d, struct diag *diag);

/*
 * Let the executor do the instruction at EIP, with whatever comes of it. True: the machine has to
 * hear of it, and out->reason is set.
 */
bool deprivileged_step(struct deprivileged *d, struct engine_exit *out);

/* The same for an exception with no instruction to run, and for an interrupt. */
bool deprivileged_exception(struct deprivileged *d, uint8_t vector, uint32_t error, uint32_t cr2,
			    struct engine_exit *out);
bool deprivileged_interrupt(struct deprivileged *d, uint8_t vector, struct engine_exit *out);

/* Guest RAM was stored to, by the executor, a device or the host. */
void deprivileged_stored(struct deprivileged *d, gpa_t gpa, uint64_t len);

/*
 * The state was set as a whole: tell the shadow and the mirrors; nothing cached is good any more.
 */
void deprivileged_state_set(struct deprivileged *d);

/* The byte of RAM at a linear address, as a supervisor finds it without touching A; or NULL. */
const uint8_t *deprivileged_look(struct deprivileged *d, gva_t lin);

/*
 * Copy the descriptors of the segment registers where that can be; drop copies that are elsewhere.
 */
void deprivileged_mirror(struct deprivileged *d);

/* --- exits ------------------------------------------------------------------------------------ */

/* One exit of KVM. True: the machine has to hear of it, and out->reason is set. */
bool deprivileged_exit(struct deprivileged *d, struct engine_exit *out);
/* #DB at the end of a single step. */
bool deprivileged_trap(struct deprivileged *d, struct engine_exit *out);
/* For kvm.may_read: the memory behind an INS has to be there before the device is read. */
uint32_t deprivileged_may_read(struct kvm *k);
/* The same where a signal ended KVM_RUN. */
bool deprivileged_interrupted(struct deprivileged *d, struct engine_exit *out);

#endif
