/* SPDX-License-Identifier: MIT */
/*
 * The shadow MMU under engine soft: the interpreter's translations come from the shadow tables
 * alone, by a walk of the pool as hardware would do it. Its TLB stands for the hardware's, and is
 * dropped when the shadow MMU says so.
 *
 * The functions are what struct x86_env asks for.
 */
#ifndef VMM_ENGINE_SOFT_SHADOW_H
#define VMM_ENGINE_SOFT_SHADOW_H

#include "engine/engine.h"

struct soft_shadow;

/*
 * `tables` is guest RAM as the walker sees it; `watched` (a byte for each RAM frame) is filled here
 * and goes to x86_env. -EINVAL: config->shadow is no good; -ENOMEM.
 */
int soft_shadow_create(struct soft_shadow **out, const struct engine_config *config,
		       const struct walk_source *tables, struct diag *d);
void soft_shadow_destroy(struct soft_shadow *x);

/* The vCPU, once there is one; its control registers are taken over. */
void soft_shadow_attach(struct soft_shadow *x, struct cpu *cpu);
struct shadow *soft_shadow_mmu(const struct soft_shadow *x);
const uint8_t *soft_shadow_watched(const struct soft_shadow *x);

bool soft_shadow_translate(struct soft_shadow *x, gva_t lin, unsigned access,
			   struct x86_mapping *map, uint32_t *error);
void soft_shadow_invlpg(struct soft_shadow *x, gva_t lin);
void soft_shadow_flush(struct soft_shadow *x, bool global);
void soft_shadow_wp_changed(struct soft_shadow *x);

/* What an audit that was due has found, or NULL; the vCPU was kicked for it. */
const char *soft_shadow_finding(const struct soft_shadow *x);

#endif
