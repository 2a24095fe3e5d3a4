/* SPDX-License-Identifier: MIT */
/*
 * The monitor of a deprivileged guest: the little that runs at ring 0, in 64-bit mode, above 4 GiB,
 * where 32-bit code cannot reach it.
 *
 * Its IDT has a stub for each vector: an OUT to MONITOR_PORT, which ends KVM_RUN, then the way back
 * by IRETQ. Where live entries of page tables have to be weakened, the way back leads through
 * another stub, which works off a queue of changes with its own stores and INVLPGs: KVM, where it
 * shadows our tables in its turn, sees those, and no stores of ours.
 *
 * All gates have DPL 0, so that INT n of the guest arrives as #GP. The stack pointer of the TSS
 * never changes, so that the frame of the guest (MONITOR_FRAME) lies at the same place in each
 * exit; a fault of the resuming IRETQ itself pushes below it, and leaves it as it was.
 *
 * Only this module knows the layout. Guest-physical and linear addresses differ by a constant.
 */
#ifndef VMM_ENGINE_KVM_MONITOR_H
#define VMM_ENGINE_KVM_MONITOR_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/types.h"

#define MONITOR_GPA 0x100000000ull  /* above all that a 32-bit guest calls memory */
#define MONITOR_LIN 0x8000000000ull /* PML4 slot 1 */
#define MONITOR_BYTES 0x200000ull   /* of its memory; then comes the pool of shadow pages */
#define MONITOR_POOL_GPA (MONITOR_GPA + MONITOR_BYTES)
#define MONITOR_PORT 0xe0u
#define MONITOR_VECTORS 256u

/* GDT slots of the monitor: the last ones, as a 64 KiB table has them. */
#define MONITOR_CS 0xffc0u
#define MONITOR_TR 0xffd0u /* two slots */
#define MONITOR_FIRST_SLOT (MONITOR_CS >> 3)

/*
 * What the CPU pushes when it enters the monitor (SDM vol. 3, 6.14.2); the error code lies below.
 */
struct monitor_frame {
	uint64_t rip, cs, rflags, rsp, ss;
};

/* One change for the stub to make: what to do, in the order of the bits. */
#define MONITOR_STORE 1u  /* *at = value */
#define MONITOR_INVLPG 2u /* of lin */
#define MONITOR_CR3 4u	  /* = value: drops all translations */
#define MONITOR_CLEAR 8u  /* 512 entries from `at` on become 0 */
#define MONITOR_LAST 0x80u

struct monitor_change {
	uint64_t what, at, value, lin;
};

struct monitor {
	uint8_t *memory; /* MONITOR_BYTES, then the pool */
	size_t bytes;	 /* of both */
	uint64_t pool_pages;
	uint8_t *built; /* what never changes, as it was built: monitor_intact() compares */
	/* Changes not yet given to the stub; grows as need be. */
	struct monitor_change *queue;
	size_t queued, room;
	uint64_t *waiting; /* a bit for each pool page: a change of it is queued */
	bool lost;	   /* no memory for the queue: the vCPU cannot go on */
};

/* Build the image in fresh memory with `pool_pages` pages behind it. -ENOMEM. */
int monitor_create(struct monitor *m, uint64_t pool_pages);
void monitor_destroy(struct monitor *m);

/* The parts of the special registers that stay the same while the guest runs. */
void monitor_sregs(struct kvm_sregs *s);
/* CS, SS and the rest of the special registers as inside the monitor. */
void monitor_enter_sregs(struct kvm_sregs *s);

/* A root's PML4 slot 1: what maps the monitor. */
uint64_t monitor_root_entry(void);
/* A root that maps the monitor and nothing else: for the time when another one is taken apart. */
uint64_t monitor_own_root(void);

/* Does `rip` lie in the monitor? */
static inline bool monitor_has(uint64_t rip)
{
	return rip >= MONITOR_LIN;
}

/*
 * The vector whose stub `rip` is at, at its OUT or just past it: kvm_amd reports the one, PVM the
 * other. -1: it is elsewhere.
 */
int monitor_vector(uint64_t rip);

/* The guest's frame, and the error code that was pushed with it. */
struct monitor_frame *monitor_frame(const struct monitor *m);
uint64_t monitor_error(const struct monitor *m);
/* Does a stack pointer in a stub say that the guest was interrupted, and not the monitor? */
bool monitor_first_level(uint64_t rsp, int vector);

/* Where RIP and RSP have to be for the way back to the guest. */
uint64_t monitor_resume_rip(void);
uint64_t monitor_resume_rsp(void);
/* ... through the queue of changes. */
uint64_t monitor_queue_rip(void);
/* Is `rip` in the stub of the queue, where the guest's registers are not in place? */
bool monitor_in_queue(uint64_t rip);

/*
 * Put one change into the queue. Changes that add entries may be stored at once with
 * monitor_add() instead, which queues where an earlier change of that page waits.
 */
void monitor_change(struct monitor *m, const struct monitor_change *c);
void monitor_add(struct monitor *m, uint32_t page, uint32_t index, uint64_t value);
/* Linear address of a pool page's entry, for monitor_change.at. */
static inline uint64_t monitor_entry_at(uint32_t page, uint32_t index)
{
	return MONITOR_LIN + MONITOR_BYTES + ((uint64_t)page << PAGE_SHIFT) + index * 8ull;
}
/* A change of this pool page was queued. */
void monitor_note_page(struct monitor *m, uint32_t page);

static inline bool monitor_queue_empty(const struct monitor *m)
{
	return !m->queued;
}

/*
 * Give as many changes to the stub as it takes at once. `stop`: come back with an OUT when done
 * (monitor_stopped() is true then), else go on to the guest. True: that was all of them.
 */
bool monitor_queue_load(struct monitor *m, bool stop);
/* Have the stub that is at work stop when it is done. */
void monitor_queue_stop(struct monitor *m);
bool monitor_stopped(uint64_t rip);
uint64_t monitor_after_stop(void);

/* The GDT and LDT that the CPU has: 8192 entries each. */
uint64_t *monitor_gdt(const struct monitor *m);
uint64_t *monitor_ldt(const struct monitor *m);
uint64_t monitor_ldt_base(void);

/* Is everything that never changes as it was built? */
bool monitor_intact(const struct monitor *m);

#endif
