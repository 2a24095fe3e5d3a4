// SPDX-License-Identifier: MIT
#include "mmu/shadow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mmu/shadow_internal.h"

/* Control bits that choose the root, besides CR3. */
#define CR0_ROLE (CR0_PG | CR0_WP)
#define CR4_ROLE (CR4_PSE | CR4_PGE)

/* Bits of a linear address that choose a 4 KiB page in a 2 MiB one. */
#define LARGE_OFFSET 0x001ff000u

static const char *const event_names[SHADOW_EV_KINDS] = {
	[SHADOW_EV_FILL] = "fill",	   [SHADOW_EV_ACCESSED] = "accessed",
	[SHADOW_EV_GUEST_FAULT] = "fault", [SHADOW_EV_TRACK] = "track",
	[SHADOW_EV_PROTECT] = "protect",   [SHADOW_EV_WRITE] = "write",
	[SHADOW_EV_UPDATE] = "update",	   [SHADOW_EV_ZAP] = "zap",
	[SHADOW_EV_UNSYNC] = "unsync",	   [SHADOW_EV_RESYNC] = "resync",
	[SHADOW_EV_UNSHADOW] = "unshadow", [SHADOW_EV_RECYCLE] = "recycle",
	[SHADOW_EV_ROOT] = "root",	   [SHADOW_EV_INVLPG] = "invlpg",
	[SHADOW_EV_FLUSH] = "flush",
};

const char *shadow_event_name(enum shadow_what what)
{
	return event_names[what];
}

void shadow_trace(const struct shadow *s, enum shadow_what what, gva_t lin, gpa_t gpa,
		  uint64_t guest, uint64_t shadow)
{
	struct shadow_event event = { what, lin, gpa, guest, shadow };

	if (unlikely(s->config.ops.trace))
		s->config.ops.trace(s->config.ctx, &event);
}

void shadow_hardware_flush(struct shadow *s)
{
	s->flush_due = false;
	s->stats.hardware_flushes++;
	s->config.ops.flush_all(s->config.ctx);
}

/* --- roots ------------------------------------------------------------------------------------ */

/* The root for what the control registers say. Without paging there is one, of frame 0. */
static void root_choose(struct shadow *s)
{
	union shadow_role role = role_of_root(s, 4, 0);
	pfn_t gfn = role.paging ? s->cr3 >> PAGE_SHIFT : 0;
	bool there = page_find(s, gfn, role) != NO_PAGE;

	s->root = page_get(s, gfn, role);
	if (there)
		s->stats.root_hits++;
	else
		s->stats.root_misses++;
	if (!there && s->config.ops.root_made)
		s->config.ops.root_made(s->config.ctx, s->root);
	shadow_trace(s, SHADOW_EV_ROOT, 0, gfn << PAGE_SHIFT, role.bits, shadow_root(s));
}

void shadow_set_state(struct shadow *s, uint32_t cr0, uint32_t cr3, uint32_t cr4)
{
	bool role = (cr0 ^ s->cr0) & CR0_ROLE || (cr4 ^ s->cr4) & CR4_ROLE;
	bool directory = (cr3 ^ s->cr3) >> PAGE_SHIFT;

	s->cr0 = cr0;
	s->cr3 = cr3;
	s->cr4 = cr4;
	s->paging = walk_paging_from(cr0, cr3, cr4);
	if (!role && !directory)
		return;
	/*
	 * Tables of one role may be behind those of another, since INVLPG looks at the roots of
	 * now; and what hardware cached under the old role has other rights, global or not.
	 */
	if (role) {
		frame_resync_all(s);
		shadow_hardware_flush(s);
	}
	root_choose(s);
}

uint64_t shadow_root(const struct shadow *s)
{
	return s->config.pool_base + (uint64_t)s->root * PAGE_BYTES;
}

void shadow_flush(struct shadow *s, bool global)
{
	s->stats.flushes++;
	shadow_trace(s, SHADOW_EV_FLUSH, 0, 0, global, 0);
	frame_resync_all(s);
}

void shadow_exit(struct shadow *s)
{
	if (s->config.lazy == X86_TLB_DROP)
		shadow_hardware_flush(s);
}

void shadow_reset(struct shadow *s)
{
	s->root = NO_PAGE;
	while (s->newest != NO_PAGE)
		page_zap(s, s->newest);
	shadow_hardware_flush(s);
	root_choose(s);
}

/* --- life ------------------------------------------------------------------------------------- */

int shadow_create(struct shadow **out, const struct shadow_config *config, struct diag *d)
{
	struct shadow *s;

	if (config->pages < SHADOW_MIN_PAGES || config->pages > SHADOW_MAX_PAGES)
		return diag_set(d, EINVAL, "%u shadow pages: give --shadow-pages from %u to %u",
				config->pages, SHADOW_MIN_PAGES, SHADOW_MAX_PAGES);
	s = calloc(1, sizeof(*s));
	if (!s)
		return diag_set(d, ENOMEM, "no memory for the shadow MMU");
	s->config = *config;
	s->stats.pool_pages = config->pages;
	s->paging = walk_paging_from(0, 0, 0);
	if (pages_create(s)) {
		shadow_destroy(s);
		return diag_set(d, ENOMEM,
				"no memory for %u shadow pages; give a smaller --shadow-pages",
				config->pages);
	}
	root_choose(s);
	*out = s;
	return 0;
}

void shadow_destroy(struct shadow *s)
{
	if (!s)
		return;
	pages_destroy(s);
	free(s);
}

/* --- what others ask -------------------------------------------------------------------------- */

void shadow_hold(struct shadow *s, pfn_t frame, bool on)
{
	s->frame[frame].held = on;
	if (on)
		frame_protect(s, frame);
}

bool shadow_is_tracked(const struct shadow *s, pfn_t frame)
{
	return frame_watched(s, frame);
}

void shadow_get_stats(const struct shadow *s, struct shadow_stats *stats)
{
	*stats = s->stats;
}

bool shadow_walk(const struct shadow *s, gva_t lin, uint64_t *leaf)
{
	const uint64_t *pool = s->config.pool;
	const uint32_t index[] = {
		lin >> 12 & 511,
		lin >> 21 & 511,
		lin >> 30,
		0,
	};
	uint64_t rights = SPTE_W | SPTE_U, entry;
	uint64_t table = s->root;

	for (unsigned level = 4; level > 1; level--) {
		entry = pool[table * SHADOW_ENTRIES + index[level - 1]];
		if (!(entry & SPTE_P))
			return false;
		rights &= entry;
		if (entry & SPTE_PS) {
			/* as the 4 KiB leaf that it stands for */
			*leaf = ((entry & (rights | ~(SPTE_W | SPTE_U))) & ~SPTE_PS) +
				(lin & LARGE_OFFSET);
			return true;
		}
		table = ((entry & SPTE_ADDRESS) - s->config.pool_base) >> PAGE_SHIFT;
	}
	entry = pool[table * SHADOW_ENTRIES + index[0]];
	*leaf = entry & (rights | ~(SPTE_W | SPTE_U));
	return entry & SPTE_P;
}
