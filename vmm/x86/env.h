/* SPDX-License-Identifier: MIT */
/*
 * What the executor needs from its surroundings: address translation, guest RAM, ports and MMIO.
 *
 * x86/ knows nothing above itself; an engine fills this table. Every callback gets `ctx`. All are
 * called from the one thread that runs the vCPU, and cpu_sync() has made the register file (EIP of
 * the running instruction, instruction count) visible before each call, so that a device may read
 * the virtual time and a pager the guest's CR3.
 */
#ifndef VMM_X86_ENV_H
#define VMM_X86_ENV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"

/* The kinds of access, and who asks. */
enum x86_access { ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH, ACCESS_KINDS };
#define ACCESS_KIND 3u
#define ACCESS_USER 4u /* CPL 3 and not an implicit access to a descriptor table or TSS */

/* Rights that a translation may cache (combined over all levels). */
#define MAP_W 1u      /* R/W set at every level */
#define MAP_U 2u      /* U/S set at every level */
#define MAP_D 4u      /* dirty is set in the leaf: a write needs no walk */
#define MAP_G 8u      /* global, and CR4.PGE was on */
#define MAP_LARGE 16u /* part of a 4 MiB page: INVLPG drops all of it */
#define MAP_ONCE 32u  /* good for this access alone, not to be cached */

struct x86_mapping {
	gpa_t frame; /* guest-physical address of the 4 KiB frame */
	uint8_t rights;
};

struct x86_env {
	void *ctx;

	/*
	 * Walk for one access (enum x86_access | ACCESS_USER) under the vCPU's current CR0, CR3,
	 * CR4; set A and D. True: *map is filled. False: *error is the page-fault error code.
	 * Called only where the TLB has no answer. With paging off it returns lin itself with all
	 * rights.
	 */
	bool (*translate)(void *ctx, gva_t lin, unsigned access, struct x86_mapping *map,
			  uint32_t *error);

	/* Host address of the 4 KiB frame at `frame`, or NULL where there is no RAM. */
	uint8_t *(*page)(void *ctx, gpa_t frame);

	/* Access outside RAM, 1, 2 or 4 bytes, never across a 4 KiB frame. */
	uint32_t (*mmio_read)(void *ctx, gpa_t gpa, unsigned size);
	void (*mmio_write)(void *ctx, gpa_t gpa, unsigned size, uint32_t value);

	/* IN and OUT after all permission checks; size 1, 2 or 4. */
	uint32_t (*io_read)(void *ctx, uint16_t port, unsigned size);
	void (*io_write)(void *ctx, uint16_t port, unsigned size, uint32_t value);

	/*
	 * Translations that software asked to drop: one page (INVLPG), or all, `global` telling
	 * whether global pages go too. The TLB of x86/ has dropped its own already; mmu shadow
	 * listens here. May be NULL.
	 */
	void (*invlpg)(void *ctx, gva_t lin);
	void (*flush)(void *ctx, bool global);

	/*
	 * CR0.WP changed: no translation is dropped, but under shadow tables, whose W and U depend
	 * on WP, cached ones may mean something else. May be NULL.
	 */
	void (*wp_changed)(void *ctx);

	/*
	 * Cached rights are less than what the guest's tables give (shadow tables): an access that
	 * they refuse asks translate(), always.
	 */
	bool rights_are_partial;

	/*
	 * A byte for each frame below ram_frames, or NULL: where it is not 0, `stored` is called
	 * after each store to that frame. It may become non-zero only after the translations that
	 * allow writing there were dropped (x86_drop_page, x86_drop_all).
	 */
	const uint8_t *watched;
	void (*stored)(void *ctx, gpa_t gpa, unsigned len);

	/* The time-stamp counter, where it is not the instruction count. Both or none. */
	uint64_t (*tsc_read)(void *ctx);
	void (*tsc_write)(void *ctx, uint64_t value);

	/*
	 * The vCPU also runs where x86/ does not see it: decoded code is checked against memory
	 * each time it is entered. For --tlb drop alone, since translations go stale, too.
	 */
	bool code_unseen;
	/*
	 * Ring 0 ran as ring 1 meanwhile, so that its CS and SS, and what was pushed of them, may
	 * carry RPL 1: taken as 0. The guest has no ring 1 of its own then. PUSHF shows the IOPL of
	 * 1 that it runs with.
	 */
	bool ring1;

	/* Guest-physical frames below this number may be RAM; sizes the map of code pages. */
	pfn_t ram_frames;
};

#endif
