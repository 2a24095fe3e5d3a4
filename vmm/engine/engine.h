/* SPDX-License-Identifier: MIT */
/*
 * What runs the guest's instructions. The machine knows engines by this table alone.
 *
 * An engine runs one vCPU on the thread that calls it. It finishes port and MMIO accesses itself
 * through the bus callbacks of its config, so `run` comes back only for what the machine must
 * decide. Only kick() may be called from elsewhere (a signal handler, another thread, a device
 * callback inside run). No engine prints or ends the process. Errors are negative errno with a line
 * in the diag.
 */
#ifndef VMM_ENGINE_ENGINE_H
#define VMM_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/types.h"
#include "mmu/shadow.h"
#include "x86/exec.h"
#include "x86/regs.h"

struct engine;
struct ram;

enum engine_mmu { ENGINE_MMU_DIRECT, ENGINE_MMU_SHADOW };

struct engine_bus {
	void *ctx;
	uint32_t (*io_read)(void *ctx, uint16_t port, unsigned size);
	void (*io_write)(void *ctx, uint16_t port, unsigned size, uint32_t value);
	uint32_t (*mmio_read)(void *ctx, gpa_t gpa, unsigned size);
	void (*mmio_write)(void *ctx, gpa_t gpa, unsigned size, uint32_t value);
};

/* For ENGINE_MMU_SHADOW; all zero is good. */
struct engine_shadow_config {
	uint32_t pages; /* of the pool; 0: SHADOW_DEFAULT_PAGES */
	enum shadow_sync sync;
	/* Audit at each flush and after that many exits; a finding fails the run. 0: never. */
	uint32_t audit_exits;
	/*
	 * Called for each event, in the middle of run; now_ns is exact there. NULL: nobody listens.
	 */
	void (*trace)(void *ctx, const struct shadow_event *event);
	void *trace_ctx;
};

struct engine_config {
	struct ram *ram;
	struct engine_bus bus;
	enum engine_mmu mmu;
	enum x86_tlb_kind tlb;
	struct engine_shadow_config shadow;
	uint64_t limit_work; /* run comes back when engine_stats.work reaches it; 0: never */
};

enum engine_exit_reason {
	ENGINE_EXIT_DEADLINE,	 /* now_ns reached the deadline */
	ENGINE_EXIT_KICKED,	 /* engine_kick */
	ENGINE_EXIT_HALT,	 /* HLT: wait for an interrupt, then inject it */
	ENGINE_EXIT_WINDOW,	 /* a requested interrupt window is open */
	ENGINE_EXIT_SHUTDOWN,	 /* triple fault */
	ENGINE_EXIT_UNSUPPORTED, /* the guest did what this engine cannot; text names it */
	ENGINE_EXIT_FAILED,	 /* the host failed; text says how */
	ENGINE_EXIT_REASONS
};

struct engine_exit {
	enum engine_exit_reason reason;
	char text[160];
};

/* Counters for --stats; an engine leaves what it cannot know at ENGINE_UNKNOWN. */
#define ENGINE_UNKNOWN UINT64_MAX
#define ENGINE_CAUSES 15u
struct engine_stats {
	uint64_t exits[ENGINE_EXIT_REASONS];
	uint64_t io_exits, mmio_exits;
	uint64_t instructions;
	uint64_t work; /* instructions, and the steps of long repeated ones: see x86_work() */
	uint64_t guest_page_faults;
	/*
	 * Why the CPU came back from the guest, where an engine tells; a NULL name ends the list.
	 */
	struct engine_cause {
		const char *name;
		uint64_t count;
	} cause[ENGINE_CAUSES + 1];
};

/* What a probe found out about this host. */
struct engine_probe {
	bool usable;
	bool slow;	  /* usable, and slower here than the engines after it */
	char reason[256]; /* why it is usable, or why not and what to do */
};

/* What an engine can do that others cannot; options that need it ask here. */
#define ENGINE_MODELS_TLB 1u   /* --tlb */
#define ENGINE_COUNTS_INSNS 2u /* --limit-insns, instructions in engine_stats */
#define ENGINE_VIRTUAL_TIME 4u /* time is no wall clock: idle_until() passes it at once */

/*
 * Everything a snapshot of the vCPU needs. Cached translations are not part of it: save and load
 * both flush them.
 */
struct engine_snapshot {
	struct x86_state state;
	uint64_t now_ns;
	/* Injected and not yet entered: an engine may do that only when it runs. */
	struct engine_event {
		bool pending;
		bool interrupt; /* inject_interrupt; else inject_exception */
		uint8_t vector;
		uint32_t error;
	} event;
};

struct engine_ops {
	const char *name;	  /* as --engine says it */
	unsigned features;	  /* ENGINE_* */
	unsigned shadow_features; /* with ENGINE_MMU_SHADOW it has these, too */

	/* Can it run `mmu` on this host? Fast, without side effects. */
	void (*probe)(enum engine_mmu mmu, struct engine_probe *out);
	int (*create)(struct engine **out, const struct engine_config *config, struct diag *d);
	void (*destroy)(struct engine *e);

	/* Run until something in engine_exit_reason. `deadline_ns` is in the time of now_ns. */
	void (*run)(struct engine *e, uint64_t deadline_ns, struct engine_exit *out);
	/* Make run return soon; remembered if it is not running. */
	void (*kick)(struct engine *e);

	/* Virtual time. Soft: one instruction is one ns. Exact inside bus callbacks. */
	uint64_t (*now_ns)(const struct engine *e);
	/*
	 * The vCPU is halted: let time pass up to `ns` (soft: at once; kvm: sleeps, may be early).
	 */
	void (*idle_until)(struct engine *e, uint64_t ns);

	/* Architectural state of the stopped vCPU. set: -EINVAL for what cannot be. */
	int (*get_state)(struct engine *e, struct x86_state *state);
	int (*set_state)(struct engine *e, const struct x86_state *state);

	/* An exception as if the instruction at EIP had raised it; cr2 for #PF. */
	int (*inject_exception)(struct engine *e, uint8_t vector, uint32_t error, uint32_t cr2);
	/* Can an external interrupt be taken now? Then inject_interrupt enters its handler. */
	bool (*interrupt_ready)(struct engine *e);
	int (*inject_interrupt)(struct engine *e, uint8_t vector);
	/* Make run return ENGINE_EXIT_WINDOW when interrupt_ready becomes true. */
	void (*request_window)(struct engine *e, bool on);

	/* The host changed RAM: drop cached translations, or code decoded there. */
	int (*flush)(struct engine *e);
	void (*ram_written)(struct engine *e, gpa_t gpa, uint64_t len);
	/*
	 * Change a live page-table entry of the stopped guest so that the guest surely sees it,
	 * also where KVM keeps shadow tables of its own, which notice only the guest's stores.
	 * -EINVAL: not 4-byte aligned; -EFAULT: no RAM; -ENOTSUP: this host has no sure way,
	 * nothing was changed; others: the host failed, and the vCPU will not run again.
	 */
	int (*poke_entry)(struct engine *e, gpa_t gpa, pte_t value);

	int (*save)(struct engine *e, struct engine_snapshot *out);
	int (*load)(struct engine *e, const struct engine_snapshot *in);

	void (*stats)(const struct engine *e, struct engine_stats *out);
	/* The chain of exceptions, or NULL where the engine does not see them. */
	const struct x86_fault_log *(*faults)(const struct engine *e);
	/*
	 * The shadow MMU of the stopped engine, for its counters, dump and audit; NULL: mmu direct.
	 */
	struct shadow *(*shadow)(const struct engine *e);
	/* What get_state cannot tell after a shutdown or failure, in a line; NULL: it is exact. */
	const char *(*state_caveat)(const struct engine *e);
};

/* Every engine starts with this. */
struct engine {
	const struct engine_ops *ops;
};

extern const struct engine_ops engine_kvm;
extern const struct engine_ops engine_soft;

/* All engines of this build, best first; NULL ends the list. */
extern const struct engine_ops *const engine_list[];

static inline unsigned engine_features(const struct engine_ops *ops, enum engine_mmu mmu)
{
	return ops->features | (mmu == ENGINE_MMU_SHADOW ? ops->shadow_features : 0);
}

const char *engine_exit_name(enum engine_exit_reason reason);

#endif
