// SPDX-License-Identifier: MIT
/*
 * The executor in a deprivileged guest: what it does for one trapped instruction, and what it and
 * the shadow MMU need from their surroundings.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/kvm_deprivileged.h"
#include "machine/ram.h"
#include "mmu/walk.h"

/* --- guest RAM for the walker ----------------------------------------------------------------- */

static bool table_read(void *ctx, gpa_t gpa, unsigned size, uint64_t *value)
{
	const struct deprivileged *d = ctx;
	const void *at = ram_span(d->kvm.config.ram, gpa, size);

	*value = 0;
	if (!at)
		return false;
	/* guests have entries of 4 bytes; one load, since devices write, too */
	*value = __atomic_load_n((const uint32_t *)at, __ATOMIC_RELAXED);
	return true;
}

/* A and D alone: they take nothing from an entry of the shadow. */
static bool table_cas(void *ctx, gpa_t gpa, unsigned size, uint64_t old, uint64_t value)
{
	struct deprivileged *d = ctx;
	void *at = ram_span(d->kvm.config.ram, gpa, size);
	uint32_t old32 = (uint32_t)old;

	return at && __atomic_compare_exchange_n((uint32_t *)at, &old32, (uint32_t)value, false,
						 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static struct walk_source walk_source_of(struct deprivileged *d)
{
	return (struct walk_source){ .ctx = d, .read = table_read, .cas = table_cas };
}

/* --- what the executor calls ------------------------------------------------------------------ */

static bool exec_translate(void *ctx, gva_t lin, unsigned access, struct x86_mapping *map,
			   uint32_t *error)
{
	struct deprivileged *d = ctx;
	struct x86_control cr = x86_get_control(d->cpu);
	struct walk_paging paging = walk_paging_from(cr.cr0, cr.cr3, cr.cr4);
	struct walk_source tables = walk_source_of(d);
	struct walk_result r;

	if (!walk_linear(&tables, &paging, lin, access, &r)) {
		*error = r.error;
		return false;
	}
	map->frame = r.gpa & ~(gpa_t)PAGE_OFFSET_MASK;
	map->rights = r.rights;
	return true;
}

static uint8_t *exec_page(void *ctx, gpa_t frame)
{
	const struct deprivileged *d = ctx;

	return ram_page(d->kvm.config.ram, frame);
}

static uint32_t exec_io_read(void *ctx, uint16_t port, unsigned size)
{
	struct kvm *k = &((struct deprivileged *)ctx)->kvm;

	k->stats.io_exits++;
	return k->config.bus.io_read(k->config.bus.ctx, port, size);
}

static void exec_io_write(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
	struct kvm *k = &((struct deprivileged *)ctx)->kvm;

	k->stats.io_exits++;
	k->config.bus.io_write(k->config.bus.ctx, port, size, value);
}

static uint32_t exec_mmio_read(void *ctx, gpa_t gpa, unsigned size)
{
	struct kvm *k = &((struct deprivileged *)ctx)->kvm;

	k->stats.mmio_exits++;
	return k->config.bus.mmio_read(k->config.bus.ctx, gpa, size);
}

static void exec_mmio_write(void *ctx, gpa_t gpa, unsigned size, uint32_t value)
{
	struct kvm *k = &((struct deprivileged *)ctx)->kvm;

	k->stats.mmio_exits++;
	k->config.bus.mmio_write(k->config.bus.ctx, gpa, size, value);
}

static void exec_invlpg(void *ctx, gva_t lin)
{
	struct deprivileged *d = ctx;
	const struct monitor_change c = { .what = MONITOR_INVLPG, .lin = lin };

	shadow_invlpg(d->shadow, lin);
	monitor_change(&d->monitor, &c);
	d->recheck_tables = true;
}

static void exec_flush(void *ctx, bool global)
{
	struct deprivileged *d = ctx;

	if (d->loading)
		return;
	d->flush_asked = true;
	d->flush_global |= global;
}

static void exec_stored(void *ctx, gpa_t gpa, unsigned len)
{
	deprivileged_stored(ctx, gpa, len);
}

static uint64_t exec_tsc_read(void *ctx)
{
	const struct deprivileged *d = ctx;
	uint64_t tsc = 0;

	deprivileged_tsc_get(d, &tsc);
	return tsc;
}

static void exec_tsc_write(void *ctx, uint64_t value)
{
	deprivileged_tsc_set(ctx, value);
}

int deprivileged_exec_create(struct deprivileged *d, struct diag *diag)
{
	const struct x86_env env = {
		.ctx = d,
		.translate = exec_translate,
		.page = exec_page,
		.mmio_read = exec_mmio_read,
		.mmio_write = exec_mmio_write,
		.io_read = exec_io_read,
		.io_write = exec_io_write,
		.invlpg = exec_invlpg,
		.flush = exec_flush,
		.watched = d->frame_flags,
		.stored = exec_stored,
		.tsc_read = exec_tsc_read,
		.tsc_write = exec_tsc_write,
		.code_unseen = true,
		.ring1 = true,
		.ram_frames = d->kvm.config.ram->bytes >> PAGE_SHIFT,
	};
	int err;

	if (!d->frame_flags)
		return diag_set(diag, ENOMEM, "no memory for the frames of engine kvm");
	d->loading = true;
	err = x86_create(&d->cpu, &env, X86_TLB_DROP);
	d->loading = false;
	return err ? diag_set(diag, -err, "no memory for the executor of engine kvm") : 0;
}

/* --- what the shadow MMU calls ---------------------------------------------------------------- */

static void shadow_change(void *ctx, const struct shadow_change *c)
{
	struct deprivileged *d = ctx;
	struct monitor_change queued = { .what = MONITOR_STORE,
					 .at = monitor_entry_at(c->page, c->index),
					 .value = c->value,
					 .lin = c->lin };

	if (c->flush == SHADOW_FLUSH_NONE) {
		monitor_add(&d->monitor, c->page, c->index, queued.value);
		return;
	}
	if (c->flush == SHADOW_FLUSH_PAGE)
		queued.what |= MONITOR_INVLPG;
	else
		d->flush_wanted = true;
	monitor_change(&d->monitor, &queued);
	monitor_note_page(&d->monitor, c->page);
}

static void shadow_clear(void *ctx, uint32_t page)
{
	struct deprivileged *d = ctx;
	const struct monitor_change c = { .what = MONITOR_CLEAR, .at = monitor_entry_at(page, 0) };
	const struct monitor_change leave = { .what = MONITOR_CR3, .value = monitor_own_root() };

	/* the stub must not take away the root it runs under */
	if (d->cr3 == MONITOR_POOL_GPA + ((uint64_t)page << PAGE_SHIFT)) {
		monitor_change(&d->monitor, &leave);
		d->cr3 = leave.value;
	}
	monitor_change(&d->monitor, &c);
	monitor_note_page(&d->monitor, page);
}

static void shadow_flush_all(void *ctx)
{
	((struct deprivileged *)ctx)->flush_wanted = true;
}

static void shadow_root_made(void *ctx, uint32_t page)
{
	monitor_add(&((struct deprivileged *)ctx)->monitor, page, 1, monitor_root_entry());
}

static void shadow_tracked(void *ctx, pfn_t frame, bool on)
{
	struct deprivileged *d = ctx;

	if (on)
		d->frame_flags[frame] |= FRAME_TABLE;
	else
		d->frame_flags[frame] &= (uint8_t)~FRAME_TABLE;
}

static uint64_t shadow_leaf(void *ctx, gpa_t frame)
{
	const struct deprivileged *d = ctx;

	return ram_page(d->kvm.config.ram, frame) ? frame : SHADOW_NO_RAM;
}

static void shadow_traced(void *ctx, const struct shadow_event *event)
{
	const struct engine_shadow_config *c = &((struct deprivileged *)ctx)->kvm.config.shadow;

	c->trace(c->trace_ctx, event);
}

int deprivileged_shadow_create(struct deprivileged *d, struct diag *diag)
{
	const struct shadow_config config = {
		.ctx = d,
		.ops = { .change = shadow_change,
			 .clear = shadow_clear,
			 .flush_all = shadow_flush_all,
			 .root_made = shadow_root_made,
			 .tracked = shadow_tracked,
			 .leaf = shadow_leaf,
			 .trace = d->kvm.config.shadow.trace ? shadow_traced : NULL },
		.tables = walk_source_of(d),
		.ram_frames = d->kvm.config.ram->bytes >> PAGE_SHIFT,
		.pool = d->monitor.memory + MONITOR_BYTES,
		.pages = (uint32_t)d->monitor.pool_pages,
		.pool_base = MONITOR_POOL_GPA,
		.sync = d->kvm.config.shadow.sync,
		.lazy = d->kvm.config.tlb,
	};

	return shadow_create(&d->shadow, &config, diag);
}

/* --- descriptor tables ------------------------------------------------------------------------ */

/*
 * Have stores to a frame that holds descriptors come to us. It stays so: a guest has few such
 * frames, and what else may lie there is served all the same.
 */
static void watch(struct deprivileged *d, gpa_t frame)
{
	uint8_t *flags = &d->frame_flags[frame >> PAGE_SHIFT];

	if (*flags & FRAME_DESCRIPTORS)
		return;
	*flags |= FRAME_DESCRIPTORS;
	shadow_hold(d->shadow, frame >> PAGE_SHIFT, true);
}

void deprivileged_stored(struct deprivileged *d, gpa_t gpa, uint64_t len)
{
	shadow_guest_store(d->shadow, gpa, len);
	mirror_stored(&d->gdt, gpa, len);
	mirror_stored(&d->ldt, gpa, len);
}

/* The frame of a linear page of a table, as a supervisor finds it; MIRROR_NONE: no RAM is there. */
static gpa_t table_frame(struct deprivileged *d, gva_t lin)
{
	struct walk_paging paging = walk_paging_from(d->state.cr0, d->state.cr3, d->state.cr4);
	struct walk_source tables = walk_source_of(d);
	struct walk_result r;

	tables.cas = NULL;
	if (!walk_look(&tables, &paging, lin, &r) ||
	    !ram_page(d->kvm.config.ram, r.gpa & ~(gpa_t)PAGE_OFFSET_MASK))
		return MIRROR_NONE;
	return r.gpa & ~(gpa_t)PAGE_OFFSET_MASK;
}

const uint8_t *deprivileged_look(struct deprivileged *d, gva_t lin)
{
	gpa_t frame = table_frame(d, lin);

	if (frame == MIRROR_NONE)
		return NULL;
	return ram_page(d->kvm.config.ram, frame) + (lin & PAGE_OFFSET_MASK);
}

static void table_recheck(struct deprivileged *d, struct mirror *m)
{
	for (unsigned page = 0; page < MIRROR_PAGES; page++)
		if (m->frame[page] != MIRROR_NONE &&
		    table_frame(d, mirror_page_lin(m, page)) != m->frame[page])
			mirror_drop_page(m, page);
}

static bool same_slot(uint16_t a, uint16_t b)
{
	return !((a ^ b) & ~3u);
}

/* Would a copy for register n hide what CS or SS still holds under the same selector? */
static bool hides(const struct deprivileged *d, unsigned n)
{
	const struct x86_segment *s = &d->state.seg[n];

	for (unsigned other = X86_CS; other <= X86_SS; other++) {
		const struct x86_segment *o = &d->state.seg[other];

		if (same_slot(o->selector, s->selector) &&
		    (o->base != s->base || o->limit != s->limit || o->attr != s->attr))
			return true;
	}
	return false;
}

static void segment_mirror(struct deprivileged *d, unsigned n)
{
	const struct x86_segment *s = &d->state.seg[n];
	struct mirror *m = s->selector & 4 ? &d->ldt : &d->gdt;
	gva_t at = m->table.base + (s->selector & 0xfff8u);
	const uint8_t *host;
	uint32_t low, high;
	gpa_t frame;

	if (!(s->attr & SEG_P) || !(s->selector & 0xfffc) || mirror_holds(m, s) || hides(d, n))
		return;
	frame = table_frame(d, at);
	if (frame == MIRROR_NONE || (at & PAGE_OFFSET_MASK) > PAGE_BYTES - 8)
		return;
	host = ram_page(d->kvm.config.ram, frame) + (at & PAGE_OFFSET_MASK);
	memcpy(&low, host, 4);
	memcpy(&high, host + 4, 4);
	if (mirror_add(m, s, low, high, frame))
		watch(d, frame);
}

void deprivileged_mirror(struct deprivileged *d)
{
	if (d->recheck_tables) {
		table_recheck(d, &d->gdt);
		table_recheck(d, &d->ldt);
		d->recheck_tables = false;
	}
	for (unsigned n = X86_ES; n <= X86_GS; n++)
		segment_mirror(d, n);
}

/* --- one instruction, one event --------------------------------------------------------------- */

static void exec_begin(struct deprivileged *d)
{
	d->loading = true;
	x86_set_state(d->cpu, &d->state);
	d->loading = false;
	d->flush_asked = d->flush_global = false;
}

/* Take the state back, and pass on what it means for translations and descriptor tables. */
static void exec_end(struct deprivileged *d)
{
	const struct x86_state *s = &d->state;
	const struct x86_state before = d->state;
	const struct x86_segment *ldt = &s->seg[X86_LDTR];
	struct x86_table table;

	x86_get_state(d->cpu, &d->state);
	/* natively, changes of IOPL are lost: so they are here */
	d->state.eflags = (s->eflags & ~EFLAGS_IOPL) | (before.eflags & EFLAGS_IOPL);
	d->changed = true;
	if (s->cr0 != before.cr0 || s->cr3 != before.cr3 || s->cr4 != before.cr4)
		shadow_set_state(d->shadow, s->cr0, s->cr3, s->cr4);
	if (d->flush_asked) {
		shadow_flush(d->shadow, d->flush_global);
		d->flush_wanted = true;
		d->recheck_tables = true;
	}
	mirror_table(&d->gdt, &s->gdtr);
	table.base = ldt->attr & SEG_P ? ldt->base : 0;
	table.limit = ldt->attr & SEG_P ? (uint16_t)(ldt->limit < 0xffff ? ldt->limit : 0xffff) : 0;
	mirror_table(&d->ldt, &table);
}

void deprivileged_state_set(struct deprivileged *d)
{
	exec_begin(d);
	d->flush_asked = d->flush_global = true;
	exec_end(d);
	shadow_set_state(d->shadow, d->state.cr0, d->state.cr3, d->state.cr4);
}

static bool unsupported(struct deprivileged *d, struct engine_exit *out, const char *what)
{
	out->reason = ENGINE_EXIT_UNSUPPORTED;
	snprintf(out->text, sizeof(out->text), "%s at EIP %#x", what, d->state.eip);
	return true;
}

static bool exec_stopped(struct deprivileged *d, enum x86_stop stop, struct engine_exit *out)
{
	switch (stop) {
	case X86_STOP_HALT:
		out->reason = ENGINE_EXIT_HALT;
		return true;
	case X86_STOP_SHUTDOWN:
		d->kvm.shut_down = true;
		out->reason = ENGINE_EXIT_SHUTDOWN;
		return true;
	case X86_STOP_UNSUPPORTED:
		out->reason = ENGINE_EXIT_UNSUPPORTED;
		snprintf(out->text, sizeof(out->text), "%s", x86_stop_info(d->cpu)->text);
		return true;
	default:
		break;
	}
	if (d->state.cpl == 1 || d->state.cpl == 2)
		return unsupported(d, out,
				   "ring 1 or 2, which a deprivileged guest does not have,");
	return false;
}

static bool host_failed(struct deprivileged *d, int err, struct engine_exit *out)
{
	d->kvm.broken = true;
	out->reason = ENGINE_EXIT_FAILED;
	snprintf(out->text, sizeof(out->text), "the vCPU's state: %s", strerror(-err));
	return true;
}

bool deprivileged_step(struct deprivileged *d, struct engine_exit *out)
{
	int err = deprivileged_pull(d);
	enum x86_stop stop;

	if (err)
		return host_failed(d, err, out);
	exec_begin(d);
	stop = x86_run(d->cpu, x86_icount(d->cpu) + 1);
	exec_end(d);
	d->steps++;
	return exec_stopped(d, stop, out);
}

/* What x86_exception and x86_interrupt leave behind: a shutdown is told by the next run. */
static bool exec_event_end(struct deprivileged *d, struct engine_exit *out)
{
	enum x86_stop stop = x86_run(d->cpu, 0);

	exec_end(d);
	return exec_stopped(d, stop, out);
}

bool deprivileged_exception(struct deprivileged *d, uint8_t vector, uint32_t error, uint32_t cr2,
			    struct engine_exit *out)
{
	int err = deprivileged_pull(d);

	if (err)
		return host_failed(d, err, out);
	exec_begin(d);
	x86_exception(d->cpu, vector, error, cr2);
	return exec_event_end(d, out);
}

bool deprivileged_interrupt(struct deprivileged *d, uint8_t vector, struct engine_exit *out)
{
	int err = deprivileged_pull(d);

	if (err)
		return host_failed(d, err, out);
	exec_begin(d);
	x86_interrupt(d->cpu, vector);
	return exec_event_end(d, out);
}
