// SPDX-License-Identifier: MIT
/*
 * Guest and shadow side by side: the linear addresses of the current root in runs of like pages,
 * what the guest's tables say of them, what the shadow says, and why that may differ.
 */
#include <string.h>

#include "mmu/shadow_internal.h"

#define LAST_LIN 0xfffff000u
#define LARGE_BYTES (4u << 20)

/* One page, or a run of pages that differ in their frames alone. */
struct side_by_side {
	gva_t lin;
	uint32_t pages;
	gpa_t guest; /* frame */
	uint64_t shadow;
	uint8_t rights; /* MAP_* of the guest */
	bool guest_present, accessed;
	const char *why; /* "": no difference */
};

static uint64_t shadow_leaf(const struct shadow *s, gva_t lin)
{
	const uint32_t index[] = { lin >> 12 & 511, lin >> 21 & 511, lin >> 30, 0 };
	uint32_t page = s->root;

	for (unsigned level = 4; level > 1; level--) {
		uint64_t entry = s->page[page].entry[index[level - 1]];

		if (!(entry & SPTE_P))
			return 0;
		if (entry_is_leaf(&s->page[page], entry))
			return (entry & ~SPTE_PS) + (uint64_t)index[0] * PAGE_BYTES;
		page = s->page[page].target[index[level - 1]];
	}
	return s->page[page].entry[index[0]];
}

static bool path_stale(const struct shadow *s, const struct walk_result *w)
{
	for (unsigned n = 0; n < w->steps; n++) {
		pfn_t gfn = w->step[n].at >> PAGE_SHIFT;

		if (gfn < s->config.ram_frames && s->frame[gfn].stale_at)
			return true;
	}
	return false;
}

static const char illegal[] = "NOT LEGAL";

/* Why nothing is in the shadow where the guest has a page. */
static const char *why_absent(const struct shadow *s, const struct side_by_side *x)
{
	if (s->config.ops.leaf(s->config.ctx, x->guest) == SHADOW_NO_RAM)
		return "no RAM there: each access is emulated";
	if (!x->accessed)
		return "A is clear: not used since";
	return "not filled: no use since it was mapped or dropped";
}

/* Why the rights of a leaf are others than the guest's. */
static const char *why_rights(const struct shadow *s, const struct side_by_side *x, bool stale)
{
	bool write = x->shadow & SPTE_W, user = x->shadow & SPTE_U;
	bool guest_write = x->rights & MAP_W, guest_user = x->rights & MAP_U;

	if (x->shadow & SPTE_WP_OFF)
		return "CR0.WP is 0: open to the supervisor alone";
	if ((write && !(guest_write && x->rights & MAP_D)) || (user && !guest_user))
		return stale ? "out of sync: the guest has not invalidated it" : illegal;
	if (guest_user && !user)
		return "closed to the user until its next access";
	if (write == guest_write)
		return "";
	if (frame_watched(s, x->guest >> PAGE_SHIFT))
		return "a page table: stores are emulated";
	if (!(x->rights & MAP_D))
		return "D is clear: read-only until the first store";
	return "read-only until the next store";
}

static const char *why(const struct shadow *s, const struct side_by_side *x,
		       const struct walk_result *w)
{
	bool stale = path_stale(s, w);
	bool same = x->guest_present &&
		    s->config.ops.leaf(s->config.ctx, x->guest) == (x->shadow & SPTE_ADDRESS);

	if (!(x->shadow & SPTE_P))
		return x->guest_present ? why_absent(s, x) : "";
	if (!same)
		return stale ? "out of sync: the guest has not invalidated it" : illegal;
	return why_rights(s, x, stale);
}

static struct side_by_side look_at(const struct shadow *s, gva_t lin)
{
	const struct walk_source look = { s->config.tables.ctx, s->config.tables.read, NULL };
	struct side_by_side x = { .lin = lin, .pages = 1, .accessed = true };
	struct walk_result w;

	x.guest_present = walk_look(&look, &s->paging, lin, &w);
	x.guest = w.gpa & ~(gpa_t)PAGE_OFFSET_MASK;
	x.rights = w.rights;
	for (unsigned n = 0; n < w.steps; n++)
		x.accessed &= !!(w.step[n].entry & PTE_A);
	x.shadow = shadow_leaf(s, lin);
	x.why = why(s, &x, &w);
	return x;
}

static bool continues(const struct side_by_side *run, const struct side_by_side *x)
{
	gpa_t ahead = (gpa_t)run->pages << PAGE_SHIFT;

	if (run->guest_present != x->guest_present || run->rights != x->rights ||
	    run->accessed != x->accessed || strcmp(run->why, x->why) != 0 ||
	    (run->shadow ^ x->shadow) & ~SPTE_ADDRESS)
		return false;
	if (run->guest_present && x->guest != run->guest + ahead)
		return false;
	return !run->shadow || (x->shadow & SPTE_ADDRESS) == (run->shadow & SPTE_ADDRESS) + ahead;
}

static void run_print(const struct side_by_side *x, FILE *out)
{
	gva_t last = x->lin + (x->pages << PAGE_SHIFT) - 1;
	char guest[40] = "-", shadow[40] = "-";

	if (!x->pages || (!x->guest_present && !x->shadow))
		return;
	if (x->guest_present)
		snprintf(guest, sizeof(guest), "0x%08llx %c%c%c%c%c", (unsigned long long)x->guest,
			 x->rights & MAP_W ? 'W' : '-', x->rights & MAP_U ? 'U' : '-',
			 x->accessed ? 'A' : '-', x->rights & MAP_D ? 'D' : '-',
			 x->rights & MAP_LARGE ? 'L' : '-');
	if (x->shadow)
		snprintf(shadow, sizeof(shadow), "0x%08llx %c%c",
			 (unsigned long long)(x->shadow & SPTE_ADDRESS),
			 x->shadow & SPTE_W ? 'W' : '-', x->shadow & SPTE_U ? 'U' : '-');
	fprintf(out, "%08x-%08x  %-16s  %-13s  %s\n", x->lin, last, guest, shadow, x->why);
}

/* Nothing in the 4 MiB from `lin`, in either table: without paging the guest has all. */
static bool large_empty(const struct shadow *s, gva_t lin)
{
	if (s->paging.format != WALK_NONE &&
	    guest_entry(s, s->cr3 >> PAGE_SHIFT, lin >> 22) & PTE_P)
		return false;
	for (uint32_t n = 0; n < LARGE_BYTES; n += PAGE_BYTES)
		if (shadow_leaf(s, lin + n))
			return false;
	return true;
}

void shadow_dump(const struct shadow *s, FILE *out)
{
	struct side_by_side run = { .pages = 0 };
	uint64_t lin = 0;

	if (s->paging.format == WALK_NONE)
		fprintf(out,
			"paging is off: linear addresses are physical; what was used so far\n");
	else
		fprintf(out, "CR3 0x%08x, CR0.WP %d, CR4.PSE %d, CR4.PGE %d\n", s->cr3,
			s->paging.wp, s->paging.pse, s->paging.pge);
	fprintf(out, "%-17s  %-16s  %-13s  %s\n", "linear", "guest", "shadow", "why they differ");
	while (lin <= LAST_LIN) {
		struct side_by_side x;

		if (lin % LARGE_BYTES == 0 && large_empty(s, (gva_t)lin)) {
			run_print(&run, out);
			run.pages = 0;
			lin += LARGE_BYTES;
			continue;
		}
		x = look_at(s, (gva_t)lin);
		lin += PAGE_BYTES;
		if (run.pages && continues(&run, &x)) {
			run.pages++;
			continue;
		}
		run_print(&run, out);
		run = x;
	}
	run_print(&run, out);
}
