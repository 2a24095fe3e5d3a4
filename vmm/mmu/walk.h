/* SPDX-License-Identifier: MIT */
/*
 * One page walker for every paging mode and any source of memory: the running guest's RAM, a core
 * dump, our own shadow tables.
 *
 * Formats are rows of a table in walk.c: 32-bit 2-level with PSE-36, PAE, 4-level and 5-level
 * (Intel SDM vol. 3, 4.3 to 4.5). Entries are read once each. A and D are set by compare-and-swap,
 * all after every check has passed (SDM vol. 3, 4.8); a lost race walks again.
 */
#ifndef VMM_MMU_WALK_H
#define VMM_MMU_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"
#include "x86/env.h"
#include "x86/regs.h"

#define WALK_LEVELS 5u

enum walk_format { WALK_NONE, WALK_32BIT, WALK_PAE, WALK_4LEVEL, WALK_5LEVEL, WALK_FORMATS };

/* Memory that holds tables. */
struct walk_source {
	void *ctx;
	/* Read an aligned entry of 4 or 8 bytes. False: nothing there (the walk sees zero). */
	bool (*read)(void *ctx, gpa_t gpa, unsigned size, uint64_t *value);
	/*
	 * Replace an aligned entry if it still holds `old`; false if it does not. NULL: a walk that
	 * only looks (A and D stay).
	 */
	bool (*cas)(void *ctx, gpa_t gpa, unsigned size, uint64_t old, uint64_t value);
};

/* The control state that gives entries their meaning. */
struct walk_paging {
	enum walk_format format;
	gpa_t root;	    /* CR3, its flag bits included */
	bool pse;	    /* CR4.PSE: 4 MiB pages, 2-level format only */
	bool pge;	    /* CR4.PGE */
	bool wp;	    /* CR0.WP */
	bool nx;	    /* EFER.NXE */
	bool smep, smap_on; /* SMAP in force for this access (CR4.SMAP and not EFLAGS.AC) */
	uint8_t maxphyaddr; /* bits of a physical address; 40 for our guest */
};

struct walk_step {
	uint8_t level;	/* 5 (PML5) .. 1 (PT) */
	uint16_t index; /* of the entry in its table */
	gpa_t at;	/* where the entry lies */
	uint64_t entry; /* as read, before A and D were set */
	bool readable;	/* the source had memory there */
};

struct walk_result {
	unsigned steps; /* entries read, from the root down */
	struct walk_step step[WALK_LEVELS];
	bool present;	     /* a translation exists and passed its reserved-bit checks */
	uint32_t error;	     /* page-fault error code when walk_linear returned false */
	gpa_t gpa;	     /* translated address, offset included */
	uint64_t page_bytes; /* 4096, 2 MiB, 4 MiB, 1 GiB */
	uint8_t rights;	     /* MAP_* */
	bool nx;
};

/* Paging state of a 32-bit vCPU; format WALK_NONE with CR0.PG clear. */
struct walk_paging walk_paging_of(const struct x86_state *state);
struct walk_paging walk_paging_from(uint32_t cr0, uint32_t cr3, uint32_t cr4);

/*
 * Translate `lin` for one access (enum x86_access | ACCESS_USER). True: *r is filled and A (and D
 * for a write) are set if the source has cas. False: r->error is the page-fault error code; steps
 * shows how far it went. Nothing is set then. After many lost races it gives up with the error of a
 * not-present page; a guest sees a spurious fault, which the architecture allows.
 */
bool walk_linear(const struct walk_source *src, const struct walk_paging *paging, uint64_t lin,
		 unsigned access, struct walk_result *r);

/*
 * Look only: the walk of `lin` without any access check, A or D. True if present.
 */
bool walk_look(const struct walk_source *src, const struct walk_paging *paging, uint64_t lin,
	       struct walk_result *r);

/* "PDE[3] 0x... = 0x... P RW US A" into buf: one line for a step; for post-mortems and dumps. */
void walk_format_step(const struct walk_paging *paging, const struct walk_step *step, char *buf,
		      unsigned bytes);

#endif
