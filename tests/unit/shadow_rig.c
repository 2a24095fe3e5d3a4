// SPDX-License-Identifier: MIT
#include "shadow_rig.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define EXITS_MAX 4u

/* --- guest RAM -------------------------------------------------------------------------------- */

static bool frame_is_ram(gpa_t gpa)
{
	pfn_t frame = gpa >> PAGE_SHIFT;

	return frame < SR_FRAMES && (frame < SR_HOLE || frame >= SR_HOLE_END);
}

static bool table_read(void *ctx, gpa_t gpa, unsigned size, uint64_t *value)
{
	const struct shadow_rig *r = ctx;

	*value = 0;
	if (!frame_is_ram(gpa))
		return false;
	memcpy(value, r->ram + gpa, size);
	return true;
}

static bool table_cas(void *ctx, gpa_t gpa, unsigned size, uint64_t old, uint64_t value)
{
	struct shadow_rig *r = ctx;
	void (*hook)(struct shadow_rig *, gpa_t) = r->on_cas;
	uint64_t now;

	r->on_cas = NULL;
	if (hook)
		hook(r, gpa);
	if (!table_read(r, gpa, size, &now) || now != old)
		return false;
	memcpy(r->ram + gpa, &value, size);
	return true;
}

uint32_t sr_get(const struct shadow_rig *r, gpa_t gpa)
{
	uint32_t value;

	memcpy(&value, r->ram + gpa, sizeof(value));
	return value;
}

void sr_put(struct shadow_rig *r, gpa_t gpa, uint32_t value)
{
	memcpy(r->ram + gpa, &value, sizeof(value));
	shadow_guest_store(r->s, gpa, sizeof(value));
}

void sr_entry(struct shadow_rig *r, uint32_t frame, uint32_t index, uint32_t value)
{
	sr_put(r, ((gpa_t)frame << PAGE_SHIFT) + index * 4, value);
}

uint32_t sr_entry_get(const struct shadow_rig *r, uint32_t frame, uint32_t index)
{
	return sr_get(r, ((gpa_t)frame << PAGE_SHIFT) + index * 4);
}

/* --- what the shadow MMU calls ---------------------------------------------------------------- */

static void tlb_drop(struct shadow_rig *r, const gva_t *lin)
{
	for (unsigned n = 0; n < ARRAY_SIZE(r->tlb); n++)
		if (!lin || r->tlb[n].lin >> PAGE_SHIFT == *lin >> PAGE_SHIFT)
			r->tlb[n].valid = false;
}

static void change(void *ctx, const struct shadow_change *c)
{
	struct shadow_rig *r = ctx;
	uint64_t *entry = &r->pool[(size_t)c->page * SHADOW_ENTRIES + c->index];
	uint64_t lost = *entry & ~c->value;

	/* what hardware may have cached must be flushed with the change, not later */
	if (*entry & SPTE_P && (lost || (*entry ^ c->value) & SPTE_ADDRESS))
		CU_ASSERT_NOT_EQUAL(c->flush, SHADOW_FLUSH_NONE);
	*entry = c->value;
	if (c->flush == SHADOW_FLUSH_PAGE)
		tlb_drop(r, &c->lin);
	if (c->flush == SHADOW_FLUSH_ALL)
		tlb_drop(r, NULL);
}

static void clear(void *ctx, uint32_t page)
{
	const struct shadow_rig *r = ctx;

	memset(r->pool + (size_t)page * SHADOW_ENTRIES, 0, PAGE_BYTES);
}

static void flush_all(void *ctx)
{
	struct shadow_rig *r = ctx;

	r->flushes++;
	tlb_drop(r, NULL);
}

static void tracked(void *ctx, pfn_t frame, bool on)
{
	struct shadow_rig *r = ctx;

	CU_ASSERT_NOT_EQUAL(r->tracked[frame], on);
	r->tracked[frame] = on;
}

static uint64_t leaf(void *ctx, gpa_t frame)
{
	return frame_is_ram(frame) ? SR_RAM_BASE + frame : SHADOW_NO_RAM;
}

static void trace(void *ctx, const struct shadow_event *event)
{
	struct shadow_rig *r = ctx;

	r->events[event->what]++;
	r->last[event->what] = *event;
}

/* --- life ------------------------------------------------------------------------------------- */

void shadow_rig_begin(struct shadow_rig *r, enum shadow_sync sync, enum x86_tlb_kind lazy,
		      uint32_t pages)
{
	struct diag d = { .text = "" };

	*r = (struct shadow_rig){ .ram = calloc(SR_FRAMES, PAGE_BYTES),
				  .pool = calloc(pages, PAGE_BYTES) };
	r->config = (struct shadow_config){
		.ctx = r,
		.ops = { .change = change,
			 .clear = clear,
			 .flush_all = flush_all,
			 .tracked = tracked,
			 .leaf = leaf,
			 .trace = trace },
		.tables = { r, table_read, table_cas },
		.ram_frames = SR_FRAMES,
		.pool = r->pool,
		.pages = pages,
		.pool_base = SR_POOL_BASE,
		.sync = sync,
		.lazy = lazy,
	};
	CU_ASSERT_EQUAL_FATAL(shadow_create(&r->s, &r->config, &d), 0);
	sr_entry(r, SR_DIR, 1, SR_TABLE << PAGE_SHIFT | SR_USER_RW);
	r->cr3 = SR_DIR << PAGE_SHIFT;
	r->cr4 = CR4_PSE;
	sr_set_cr0(r, CR0_PE | CR0_PG | CR0_WP);
}

/* A translation that hardware holds must still be in the pool, with no fewer rights. */
static void check_tlb(struct shadow_rig *r)
{
	for (unsigned n = 0; n < ARRAY_SIZE(r->tlb); n++) {
		uint64_t now = 0;

		if (!r->tlb[n].valid)
			continue;
		CU_ASSERT_TRUE(shadow_walk(r->s, r->tlb[n].lin, &now));
		CU_ASSERT_EQUAL(now & SPTE_ADDRESS, r->tlb[n].leaf & SPTE_ADDRESS);
		CU_ASSERT_EQUAL(r->tlb[n].leaf & ~now & (SPTE_W | SPTE_U), 0);
	}
}

void shadow_rig_check(struct shadow_rig *r)
{
	CU_ASSERT_EQUAL(shadow_audit(r->s, stderr), 0);
	check_tlb(r);
	for (pfn_t n = 0; n < SR_FRAMES; n++)
		CU_ASSERT_EQUAL(!!r->tracked[n], shadow_is_tracked(r->s, n));
}

void shadow_rig_end(struct shadow_rig *r)
{
	shadow_rig_check(r);
	shadow_destroy(r->s);
	free(r->ram);
	free(r->pool);
}

/* --- control ---------------------------------------------------------------------------------- */

static void state_set(struct shadow_rig *r)
{
	shadow_set_state(r->s, r->cr0, r->cr3, r->cr4);
}

static void flush(struct shadow_rig *r, bool global)
{
	shadow_flush(r->s, global);
	tlb_drop(r, NULL);
}

void sr_set_cr0(struct shadow_rig *r, uint32_t value)
{
	bool paging = (r->cr0 ^ value) & CR0_PG;

	r->cr0 = value;
	state_set(r);
	if (paging)
		flush(r, true);
}

void sr_set_cr3(struct shadow_rig *r, uint32_t value)
{
	r->cr3 = value;
	state_set(r);
	flush(r, false);
}

void sr_set_cr4(struct shadow_rig *r, uint32_t value)
{
	bool all = (r->cr4 ^ value) & (CR4_PSE | CR4_PGE);

	r->cr4 = value;
	state_set(r);
	if (all)
		flush(r, true);
}

void sr_invlpg(struct shadow_rig *r, gva_t lin)
{
	shadow_invlpg(r->s, lin);
	tlb_drop(r, &lin);
}

/* --- accesses --------------------------------------------------------------------------------- */

static bool leaf_allows(uint64_t entry, unsigned access)
{
	if (access & ACCESS_USER && !(entry & SPTE_U))
		return false;
	return (access & ACCESS_KIND) != ACCESS_WRITE || entry & SPTE_W;
}

/* What hardware finds: in its TLB first. */
static bool hardware(struct shadow_rig *r, gva_t lin, unsigned access, uint64_t *entry)
{
	struct sr_tlb *t = &r->tlb[(lin >> PAGE_SHIFT ^ lin >> 22) % ARRAY_SIZE(r->tlb)];

	if (t->valid && t->lin >> PAGE_SHIFT == lin >> PAGE_SHIFT && leaf_allows(t->leaf, access)) {
		*entry = t->leaf;
		return true;
	}
	if (!shadow_walk(r->s, lin, entry) || !leaf_allows(*entry, access))
		return false;
	*t = (struct sr_tlb){ lin, *entry, true };
	return true;
}

struct sr_access sr_access(struct shadow_rig *r, gva_t lin, unsigned access, uint32_t value)
{
	bool write = (access & ACCESS_KIND) == ACCESS_WRITE;
	struct sr_access a = { .exits = 0 };
	struct shadow_result result;
	uint64_t entry;

	while (!hardware(r, lin, access, &entry)) {
		r->faults++;
		if (a.exits++ >= EXITS_MAX) {
			CU_FAIL("an entry that was filled does not allow the access");
			return a;
		}
		shadow_fault(r->s, lin, access, &result);
		a.gpa = result.gpa;
		a.error = result.error;
		a.fault = result.outcome == SHADOW_PAGE_FAULT;
		a.mmio = result.outcome == SHADOW_MMIO;
		a.emulated = result.outcome == SHADOW_EMULATE;
		if (a.emulated)
			sr_put(r, a.gpa, value);
		if (a.fault || a.mmio || a.emulated)
			return a;
	}
	a.gpa = (entry & SPTE_ADDRESS) - SR_RAM_BASE + (lin & PAGE_OFFSET_MASK);
	if (write) {
		CU_ASSERT_FALSE(r->tracked[a.gpa >> PAGE_SHIFT]);
		memcpy(r->ram + a.gpa, &value, sizeof(value));
	}
	return a;
}

uint64_t sr_leaf(const struct shadow_rig *r, gva_t lin)
{
	uint64_t entry;

	return shadow_walk(r->s, lin, &entry) ? entry : 0;
}

struct shadow_stats sr_stats(const struct shadow_rig *r)
{
	struct shadow_stats s;

	shadow_get_stats(r->s, &s);
	return s;
}
