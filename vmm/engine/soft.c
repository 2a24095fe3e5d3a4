// SPDX-License-Identifier: MIT
/*
 * Engine soft: the executor of x86/ in a loop, on any host. One instruction is one nanosecond of
 * virtual time, so that a run depends on nothing but image, options, seed and inputs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/soft_shadow.h"
#include "machine/ram.h"
#include "mmu/walk.h"

struct soft {
	struct engine engine;
	struct engine_config config;
	struct cpu *cpu;
	struct soft_shadow *shadow; /* NULL: mmu direct */
	struct engine_stats stats;
	struct walk_source tables; /* guest RAM, as the walker sees it */
};

static struct soft *soft_of(struct engine *e)
{
	return (struct soft *)(void *)e;
}

static const struct soft *soft_of_const(const struct engine *e)
{
	return (const struct soft *)(const void *)e;
}

/* --- guest RAM for the walker ----------------------------------------------------------------- */

static bool table_read(void *ctx, gpa_t gpa, unsigned size, uint64_t *value)
{
	const struct soft *s = ctx;
	const void *at = ram_span(s->config.ram, gpa, size);

	*value = 0;
	if (!at)
		return false;
	/* One load: a device or another thread may write the entry meanwhile. */
	if (size == 8)
		*value = __atomic_load_n((const uint64_t *)at, __ATOMIC_RELAXED);
	else
		*value = __atomic_load_n((const uint32_t *)at, __ATOMIC_RELAXED);
	return true;
}

static bool table_cas(void *ctx, gpa_t gpa, unsigned size, uint64_t old, uint64_t value)
{
	struct soft *s = ctx;
	void *at = ram_span(s->config.ram, gpa, size);
	uint32_t old32 = (uint32_t)old;

	if (!at)
		return false;
	x86_ram_written(s->cpu, gpa, size);
	if (size == 8)
		return __atomic_compare_exchange_n((uint64_t *)at, &old, value, false,
						   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return __atomic_compare_exchange_n((uint32_t *)at, &old32, (uint32_t)value, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* --- what the executor calls ------------------------------------------------------------------ */

static bool soft_translate(void *ctx, gva_t lin, unsigned access, struct x86_mapping *map,
			   uint32_t *error)
{
	struct soft *s = ctx;
	struct x86_control cr = x86_get_control(s->cpu);
	struct walk_paging paging = walk_paging_from(cr.cr0, cr.cr3, cr.cr4);
	struct walk_result r;

	if (!walk_linear(&s->tables, &paging, lin, access, &r)) {
		*error = r.error;
		return false;
	}
	map->frame = r.gpa & ~(gpa_t)PAGE_OFFSET_MASK;
	map->rights = r.rights;
	return true;
}

/* The same under mmu shadow. */
static bool soft_translate_shadow(void *ctx, gva_t lin, unsigned access, struct x86_mapping *map,
				  uint32_t *error)
{
	const struct soft *s = ctx;

	return soft_shadow_translate(s->shadow, lin, access, map, error);
}

static void soft_invlpg(void *ctx, gva_t lin)
{
	const struct soft *s = ctx;

	soft_shadow_invlpg(s->shadow, lin);
}

static void soft_flushed(void *ctx, bool global)
{
	const struct soft *s = ctx;

	/* x86_create() sets the first state before there is a vCPU to look at */
	if (s->cpu)
		soft_shadow_flush(s->shadow, global);
}

static void soft_wp_changed(void *ctx)
{
	const struct soft *s = ctx;

	soft_shadow_wp_changed(s->shadow);
}

static void soft_stored(void *ctx, gpa_t gpa, unsigned len)
{
	const struct soft *s = ctx;

	shadow_guest_store(soft_shadow_mmu(s->shadow), gpa, len);
}

static uint8_t *soft_page(void *ctx, gpa_t frame)
{
	const struct soft *s = ctx;

	return ram_page(s->config.ram, frame);
}

static uint32_t soft_io_read(void *ctx, uint16_t port, unsigned size)
{
	struct soft *s = ctx;

	s->stats.io_exits++;
	return s->config.bus.io_read(s->config.bus.ctx, port, size);
}

static void soft_io_write(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
	struct soft *s = ctx;

	s->stats.io_exits++;
	s->config.bus.io_write(s->config.bus.ctx, port, size, value);
}

static uint32_t soft_mmio_read(void *ctx, gpa_t gpa, unsigned size)
{
	struct soft *s = ctx;

	s->stats.mmio_exits++;
	return s->config.bus.mmio_read(s->config.bus.ctx, gpa, size);
}

static void soft_mmio_write(void *ctx, gpa_t gpa, unsigned size, uint32_t value)
{
	struct soft *s = ctx;

	s->stats.mmio_exits++;
	s->config.bus.mmio_write(s->config.bus.ctx, gpa, size, value);
}

/* --- the engine ------------------------------------------------------------------------------- */

static void soft_probe(enum engine_mmu mmu, struct engine_probe *out)
{
	*out = (struct engine_probe){ .usable = true };
	snprintf(out->reason, sizeof(out->reason), "the interpreter runs on every host");
}

static void soft_destroy(struct engine *e)
{
	struct soft *s = soft_of(e);

	x86_destroy(s->cpu);
	soft_shadow_destroy(s->shadow);
	free(s);
}

/* What of x86_env is of mmu shadow. */
static int create_shadow(struct soft *s, struct x86_env *env, struct diag *d)
{
	int err = soft_shadow_create(&s->shadow, &s->config, &s->tables, d);

	if (err)
		return err;
	env->translate = soft_translate_shadow;
	env->invlpg = soft_invlpg;
	env->flush = soft_flushed;
	env->wp_changed = soft_wp_changed;
	env->rights_are_partial = true;
	env->watched = soft_shadow_watched(s->shadow);
	env->stored = soft_stored;
	return 0;
}

static int soft_create(struct engine **out, const struct engine_config *config, struct diag *d)
{
	struct soft *s = calloc(1, sizeof(*s));
	struct x86_env env = {
		.ctx = s,
		.translate = soft_translate,
		.page = soft_page,
		.mmio_read = soft_mmio_read,
		.mmio_write = soft_mmio_write,
		.io_read = soft_io_read,
		.io_write = soft_io_write,
		.ram_frames = config->ram->bytes >> PAGE_SHIFT,
	};
	int err = 0;

	if (!s)
		return diag_set(d, ENOMEM, "no memory for engine soft");
	s->engine.ops = &engine_soft;
	s->config = *config;
	s->tables = (struct walk_source){ .ctx = s, .read = table_read, .cas = table_cas };
	if (config->mmu == ENGINE_MMU_SHADOW)
		err = create_shadow(s, &env, d);
	if (!err && x86_create(&s->cpu, &env, config->tlb))
		err = diag_set(d, ENOMEM, "no memory for the vCPU of engine soft");
	if (err) {
		soft_destroy(&s->engine);
		return err;
	}
	if (s->shadow)
		soft_shadow_attach(s->shadow, s->cpu);
	x86_limit_work(s->cpu, config->limit_work);
	*out = &s->engine;
	return 0;
}

static void soft_run(struct engine *e, uint64_t deadline_ns, struct engine_exit *out)
{
	static const enum engine_exit_reason reason[] = {
		[X86_STOP_NONE] = ENGINE_EXIT_FAILED,
		[X86_STOP_DEADLINE] = ENGINE_EXIT_DEADLINE,
		[X86_STOP_KICKED] = ENGINE_EXIT_KICKED,
		[X86_STOP_HALT] = ENGINE_EXIT_HALT,
		[X86_STOP_WINDOW] = ENGINE_EXIT_WINDOW,
		[X86_STOP_SHUTDOWN] = ENGINE_EXIT_SHUTDOWN,
		[X86_STOP_UNSUPPORTED] = ENGINE_EXIT_UNSUPPORTED,
	};
	struct soft *s = soft_of(e);
	enum x86_stop stop = x86_run(s->cpu, deadline_ns);

	out->reason = reason[stop];
	out->text[0] = 0;
	if (stop == X86_STOP_UNSUPPORTED)
		snprintf(out->text, sizeof(out->text), "%s", x86_stop_info(s->cpu)->text);
	if (s->shadow && soft_shadow_finding(s->shadow)) {
		out->reason = ENGINE_EXIT_FAILED;
		snprintf(out->text, sizeof(out->text), "shadow audit: %.140s",
			 soft_shadow_finding(s->shadow));
	}
	s->stats.exits[out->reason]++;
}

static void soft_kick(struct engine *e)
{
	x86_kick(soft_of(e)->cpu);
}

static uint64_t soft_now_ns(const struct engine *e)
{
	return x86_icount(soft_of_const(e)->cpu);
}

static void soft_idle_until(struct engine *e, uint64_t ns)
{
	x86_skip(soft_of(e)->cpu, ns);
}

static int soft_get_state(struct engine *e, struct x86_state *state)
{
	x86_get_state(soft_of(e)->cpu, state);
	return 0;
}

static int soft_set_state(struct engine *e, const struct x86_state *state)
{
	return x86_set_state(soft_of(e)->cpu, state);
}

static int soft_inject_exception(struct engine *e, uint8_t vector, uint32_t error, uint32_t cr2)
{
	if (vector >= 32)
		return -EINVAL;
	x86_exception(soft_of(e)->cpu, vector, error, cr2);
	return 0;
}

static bool soft_interrupt_ready(struct engine *e)
{
	return x86_interrupt_ready(soft_of(e)->cpu);
}

static int soft_inject_interrupt(struct engine *e, uint8_t vector)
{
	struct soft *s = soft_of(e);

	if (!x86_interrupt_ready(s->cpu))
		return -EBUSY;
	x86_interrupt(s->cpu, vector);
	return 0;
}

static void soft_request_window(struct engine *e, bool on)
{
	x86_request_window(soft_of(e)->cpu, on);
}

static int soft_flush(struct engine *e)
{
	x86_flush_all(soft_of(e)->cpu);
	return 0;
}

static void soft_ram_written(struct engine *e, gpa_t gpa, uint64_t len)
{
	struct soft *s = soft_of(e);

	x86_ram_written(s->cpu, gpa, len);
	if (s->shadow)
		shadow_guest_store(soft_shadow_mmu(s->shadow), gpa, len);
}

static int soft_poke_entry(struct engine *e, gpa_t gpa, pte_t value)
{
	struct soft *s = soft_of(e);
	void *at = ram_span(s->config.ram, gpa, sizeof(value));

	if (gpa % sizeof(value))
		return -EINVAL;
	if (!at)
		return -EFAULT;
	x86_ram_written(s->cpu, gpa, sizeof(value));
	memcpy(at, &value, sizeof(value));
	if (s->shadow)
		shadow_guest_store(soft_shadow_mmu(s->shadow), gpa, sizeof(value));
	x86_flush_all(s->cpu);
	return 0;
}

static int soft_save(struct engine *e, struct engine_snapshot *out)
{
	struct soft *s = soft_of(e);

	x86_flush_all(s->cpu);
	*out = (struct engine_snapshot){ .now_ns = x86_icount(s->cpu) };
	x86_get_state(s->cpu, &out->state);
	return 0;
}

static int soft_load(struct engine *e, const struct engine_snapshot *in)
{
	struct soft *s = soft_of(e);
	int err;

	/* Time only moves on: a count that went back would fire timers twice. */
	if (in->now_ns < x86_icount(s->cpu))
		return -EINVAL;
	x86_skip(s->cpu, in->now_ns);
	err = x86_set_state(s->cpu, &in->state);
	if (err || !in->event.pending)
		return err;
	return in->event.interrupt
		       ? soft_inject_interrupt(e, in->event.vector)
		       : soft_inject_exception(e, in->event.vector, in->event.error, in->state.cr2);
}

static void soft_stats(const struct engine *e, struct engine_stats *out)
{
	const struct soft *s = soft_of_const(e);

	*out = s->stats;
	out->instructions = x86_instructions(s->cpu);
	out->work = x86_work(s->cpu);
	out->guest_page_faults = x86_page_faults(s->cpu);
}

static const struct x86_fault_log *soft_faults(const struct engine *e)
{
	return x86_faults(soft_of_const(e)->cpu);
}

static struct shadow *soft_shadow(const struct engine *e)
{
	const struct soft *s = soft_of_const(e);

	return s->shadow ? soft_shadow_mmu(s->shadow) : NULL;
}

static const char *soft_state_caveat(const struct engine *e)
{
	return NULL;
}

const struct engine_ops engine_soft = {
	.name = "soft",
	.features = ENGINE_MODELS_TLB | ENGINE_COUNTS_INSNS | ENGINE_VIRTUAL_TIME,
	.probe = soft_probe,
	.create = soft_create,
	.destroy = soft_destroy,
	.run = soft_run,
	.kick = soft_kick,
	.now_ns = soft_now_ns,
	.idle_until = soft_idle_until,
	.get_state = soft_get_state,
	.set_state = soft_set_state,
	.inject_exception = soft_inject_exception,
	.interrupt_ready = soft_interrupt_ready,
	.inject_interrupt = soft_inject_interrupt,
	.request_window = soft_request_window,
	.flush = soft_flush,
	.ram_written = soft_ram_written,
	.poke_entry = soft_poke_entry,
	.save = soft_save,
	.load = soft_load,
	.stats = soft_stats,
	.faults = soft_faults,
	.shadow = soft_shadow,
	.state_caveat = soft_state_caveat,
};
