// SPDX-License-Identifier: MIT
#include "engine/soft_shadow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "machine/ram.h"

/*
 * A fault that was served makes the next walk succeed; more rounds than this are a fault of ours.
 */
#define ROUNDS_MAX 4

struct soft_shadow {
	struct engine_config config;
	struct shadow *mmu;
	struct cpu *cpu;
	uint64_t *pool;
	size_t pool_bytes;
	uint8_t *watched;
	pfn_t frames;
	uint64_t exits_to_audit;
	char finding[160];
};

/* --- what the shadow MMU calls ---------------------------------------------------------------- */

static void change(void *ctx, const struct shadow_change *c)
{
	struct soft_shadow *x = ctx;

	x->pool[(size_t)c->page * SHADOW_ENTRIES + c->index] = c->value;
	if (!x->cpu)
		return;
	if (c->flush == SHADOW_FLUSH_PAGE)
		x86_drop_page(x->cpu, c->lin);
	else if (c->flush == SHADOW_FLUSH_ALL)
		x86_drop_all(x->cpu);
}

static void clear(void *ctx, uint32_t page)
{
	struct soft_shadow *x = ctx;

	memset(x->pool + (size_t)page * SHADOW_ENTRIES, 0, PAGE_BYTES);
}

static void flush_all(void *ctx)
{
	struct soft_shadow *x = ctx;

	if (x->cpu)
		x86_drop_all(x->cpu);
}

static void tracked(void *ctx, pfn_t frame, bool on)
{
	struct soft_shadow *x = ctx;

	x->watched[frame] = on;
}

static uint64_t leaf(void *ctx, gpa_t frame)
{
	const struct soft_shadow *x = ctx;

	return ram_page(x->config.ram, frame) ? frame : SHADOW_NO_RAM;
}

static void trace(void *ctx, const struct shadow_event *event)
{
	const struct soft_shadow *x = ctx;

	x->config.shadow.trace(x->config.shadow.trace_ctx, event);
}

/* --- life ------------------------------------------------------------------------------------- */

static void *lazy_memory(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int mmu_create(struct soft_shadow *x, const struct walk_source *tables, struct diag *d)
{
	const struct shadow_config config = {
		.ctx = x,
		.ops = { .change = change,
			 .clear = clear,
			 .flush_all = flush_all,
			 .tracked = tracked,
			 .leaf = leaf,
			 .trace = x->config.shadow.trace ? trace : NULL },
		.tables = *tables,
		.ram_frames = x->frames,
		.pool = x->pool,
		.pages = x->config.shadow.pages,
		.sync = x->config.shadow.sync,
		.lazy = x->config.tlb,
	};

	return shadow_create(&x->mmu, &config, d);
}

int soft_shadow_create(struct soft_shadow **out, const struct engine_config *config,
		       const struct walk_source *tables, struct diag *d)
{
	struct soft_shadow *x = calloc(1, sizeof(*x));
	int err;

	if (!x)
		return diag_set(d, ENOMEM, "no memory for the shadow MMU");
	x->config = *config;
	if (!x->config.shadow.pages)
		x->config.shadow.pages = SHADOW_DEFAULT_PAGES;
	x->frames = config->ram->bytes >> PAGE_SHIFT;
	x->exits_to_audit = config->shadow.audit_exits;
	x->watched = lazy_memory(x->frames);
	if (x->config.shadow.pages <= SHADOW_MAX_PAGES)
		x->pool_bytes = (size_t)x->config.shadow.pages * PAGE_BYTES;
	x->pool = x->pool_bytes ? lazy_memory(x->pool_bytes) : NULL;
	if (!x->watched || (x->pool_bytes && !x->pool))
		err = diag_set(d, ENOMEM, "no memory for the shadow MMU");
	else
		err = mmu_create(x, tables, d);
	if (err) {
		soft_shadow_destroy(x);
		return err;
	}
	*out = x;
	return 0;
}

void soft_shadow_destroy(struct soft_shadow *x)
{
	if (!x)
		return;
	shadow_destroy(x->mmu);
	if (x->pool)
		munmap(x->pool, x->pool_bytes);
	if (x->watched)
		munmap(x->watched, x->frames);
	free(x);
}

/* --- control registers ------------------------------------------------------------------------ */

static void state_take(struct soft_shadow *x)
{
	struct x86_control cr = x86_get_control(x->cpu);

	shadow_set_state(x->mmu, cr.cr0, cr.cr3, cr.cr4);
}

void soft_shadow_attach(struct soft_shadow *x, struct cpu *cpu)
{
	x->cpu = cpu;
	state_take(x);
}

struct shadow *soft_shadow_mmu(const struct soft_shadow *x)
{
	return x->mmu;
}

const uint8_t *soft_shadow_watched(const struct soft_shadow *x)
{
	return x->watched;
}

/* --- audits ----------------------------------------------------------------------------------- */

/* The first finding ends the run: nothing that follows could be trusted. */
static void audit(struct soft_shadow *x)
{
	FILE *out;

	if (x->finding[0])
		return;
	out = fmemopen(x->finding, sizeof(x->finding), "w");
	if (!out)
		return;
	if (shadow_audit(x->mmu, out))
		x86_kick(x->cpu);
	fclose(out);
	x->finding[strcspn(x->finding, "\n")] = 0;
}

static void exit_counted(struct soft_shadow *x)
{
	if (!x->config.shadow.audit_exits || --x->exits_to_audit)
		return;
	x->exits_to_audit = x->config.shadow.audit_exits;
	audit(x);
}

const char *soft_shadow_finding(const struct soft_shadow *x)
{
	return x->finding[0] ? x->finding : NULL;
}

/* --- what the executor calls ------------------------------------------------------------------ */

/* The rights of a leaf as hardware under CR0.WP = 1 sees them; D is set in advance. */
static bool leaf_allows(uint64_t entry, unsigned access)
{
	if (access & ACCESS_USER && !(entry & SPTE_U))
		return false;
	return (access & ACCESS_KIND) != ACCESS_WRITE || entry & SPTE_W;
}

static void map_leaf(uint64_t entry, struct x86_mapping *map)
{
	map->frame = entry & SPTE_ADDRESS;
	map->rights =
		(uint8_t)((entry & SPTE_W ? MAP_W | MAP_D : 0) | (entry & SPTE_U ? MAP_U : 0) |
			  (entry & SPTE_G ? MAP_G : 0) | (entry & SPTE_PIECE ? MAP_LARGE : 0));
}

bool soft_shadow_translate(struct soft_shadow *x, gva_t lin, unsigned access,
			   struct x86_mapping *map, uint32_t *error)
{
	struct shadow_result r = { .gpa = 0 };

	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		uint64_t entry;

		if (shadow_walk(x->mmu, lin, &entry) && leaf_allows(entry, access)) {
			map_leaf(entry, map);
			return true;
		}
		shadow_fault(x->mmu, lin, access, &r);
		exit_counted(x);
		shadow_exit(x->mmu);
		if (r.outcome == SHADOW_PAGE_FAULT) {
			*error = r.error;
			return false;
		}
		if (r.outcome != SHADOW_RETRY)
			break;
	}
	map->frame = r.gpa & ~(gpa_t)PAGE_OFFSET_MASK;
	map->rights = MAP_ONCE;
	return true;
}

void soft_shadow_invlpg(struct soft_shadow *x, gva_t lin)
{
	shadow_invlpg(x->mmu, lin);
	exit_counted(x);
}

void soft_shadow_flush(struct soft_shadow *x, bool global)
{
	state_take(x);
	shadow_flush(x->mmu, global);
	if (x->config.shadow.audit_exits)
		audit(x);
}

void soft_shadow_wp_changed(struct soft_shadow *x)
{
	state_take(x);
}
