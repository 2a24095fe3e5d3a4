/* SPDX-License-Identifier: MIT */
/*
 * Random forks, exits, maps, unmaps, changes of rights, reads and writes of several spaces, each
 * compared with a plain model of what every page must hold. Uses mm/ alone.
 */
#ifndef TESTS_MM_FAULT_MODEL_H
#define TESTS_MM_FAULT_MODEL_H

#include "mm/mm.h"

/* How a space's memory is accessed: by the CPU, or by asking the ladder. */
struct fault_model_access {
	enum fault_outcome (*read)(struct mm_struct *mm, vaddr_t addr, uint32_t *value);
	enum fault_outcome (*write)(struct mm_struct *mm, vaddr_t addr, uint32_t value);
	void (*leave)(void); /* no space is to be live any more; may be NULL */
};

/*
 * What the ladder does for an access at addr, then the access itself by the frame that is mapped.
 */
extern const struct fault_model_access fault_model_software;

/* `ops` operations, mm_check_all() after each check_every. What went wrong: 0 if nothing. */
unsigned fault_model_run(const struct fault_model_access *access, uint32_t seed, uint32_t ops,
			 uint32_t check_every);

#endif
