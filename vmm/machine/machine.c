// SPDX-License-Identifier: MIT
/*
 * Building a machine and taking it apart; how it ends.
 */
#include "machine/machine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dev/console.h"
#include "dev/debug_exit.h"
#include "dev/debugcon.h"
#include "dev/pic.h"
#include "dev/pit.h"
#include "dev/rtc.h"
#include "dev/sandbox.h"
#include "dev/uart.h"

#define OUTPUT_DELAY_NS 10000000u /* of virtual time */

/* --- how it ends --------------------------------------------------------------------------- */

void machine_kill(struct machine *m, enum machine_end end, uint32_t code, const char *fmt, ...)
{
	va_list args;

	if (m->outcome.end != MACHINE_RUNNING)
		return;
	m->outcome.end = end;
	m->outcome.code = code;
	va_start(args, fmt);
	vsnprintf(m->outcome.text, sizeof(m->outcome.text), fmt, args);
	va_end(args);
	if (m->engine)
		m->engine->ops->kick(m->engine);
}

void machine_interrupt(struct machine *m, enum machine_end end, int code)
{
	atomic_store(&m->pending, (int)end << 8 | code);
	console_interrupt(m->console);
	m->engine->ops->kick(m->engine);
}

int machine_exit_status(const struct machine_outcome *o)
{
	switch (o->end) {
	case MACHINE_EXITED:
		return o->code <= 99 ? (int)o->code : 100;
	case MACHINE_TRIPLE_FAULT:
	case MACHINE_UNSUPPORTED:
	case MACHINE_HALTED:
		return 100;
	case MACHINE_LIMIT:
	case MACHINE_TIMEOUT:
		return 101;
	case MACHINE_LEFT:
		return 0;
	case MACHINE_SIGNAL:
		return 128 + (int)o->code;
	default:
		return 104;
	}
}

/* --- what devices and the engine call --------------------------------------------------------- */

static uint64_t host_now_ns(void *ctx)
{
	const struct machine *m = ctx;

	return m->engine->ops->now_ns(m->engine);
}

static void host_attention(void *ctx)
{
	struct machine *m = ctx;

	if (m->engine)
		m->engine->ops->kick(m->engine);
}

/* What a busy guest prints is seen soon, though not byte by byte. */
static void guest_put(void *ctx, uint8_t byte)
{
	struct machine *m = ctx;

	console_put(m->console, byte);
	if (m->output_timer.due_ns == BUS_NEVER)
		bus_timer_set(&m->bus, &m->output_timer, bus_now(&m->bus) + OUTPUT_DELAY_NS);
}

static void output_due(void *dev, uint64_t now_ns)
{
	struct machine *m = dev;

	console_flush(m->console);
}

static void guest_room(void *ctx)
{
	machine_pump_input(ctx);
}

static void guest_exit(void *ctx, uint32_t value)
{
	struct machine *m = ctx;

	machine_kill(m, MACHINE_EXITED, value, "the guest wrote %u to the debug-exit port", value);
}

static uint32_t engine_io_read(void *ctx, uint16_t port, unsigned size)
{
	return bus_port_read(ctx, port, size);
}

static void engine_io_write(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
	bus_port_write(ctx, port, size, value);
}

static uint32_t engine_mmio_read(void *ctx, gpa_t gpa, unsigned size)
{
	return bus_mmio_read(ctx, gpa, size);
}

static void engine_mmio_write(void *ctx, gpa_t gpa, unsigned size, uint32_t value)
{
	bus_mmio_write(ctx, gpa, size, value);
}

/* --- building --------------------------------------------------------------------------------- */

static int create_devices(struct machine *m, struct diag *d)
{
	const struct uart_host uart = { .ctx = m, .put = guest_put, .room = guest_room };
	const struct debugcon_host debugcon = { .ctx = m, .put = guest_put };
	const struct debug_exit_host exit_host = { .ctx = m, .exit = guest_exit };
	struct bus *bus = &m->bus;
	int err = pic_create(&m->pic, bus);

	if (!err)
		err = pit_create(&m->pit, bus);
	if (!err)
		err = rtc_create(&m->rtc, bus, m->ram.bytes);
	if (!err)
		err = uart_create(&m->uart, bus, &uart);
	if (!err)
		err = debugcon_create(&m->debugcon, bus, &debugcon);
	if (!err)
		err = debug_exit_create(&m->debug_exit, bus, &exit_host);
	if (!err)
		err = sandbox_create(&m->sandbox, bus, m->config.seed);
	return err ? diag_set(d, -err, "cannot create the devices: %s", strerror(-err)) : 0;
}

static int load(struct machine *m, struct diag *d)
{
	struct loader_request request = {
		.image.name = m->config.image,
		.append = m->config.append,
		.tty = m->config.tty,
	};
	struct loader_image initrd = { .name = m->config.initrd };
	void *image_data = NULL, *initrd_data = NULL;
	int err;

	err = loader_read_file(m->config.image, "image", &image_data, &request.image.bytes, d);
	if (!err && m->config.initrd) {
		err = loader_read_file(initrd.name, "initrd", &initrd_data, &initrd.bytes, d);
		initrd.data = initrd_data;
		request.initrd = &initrd;
	}
	if (!err) {
		request.image.data = image_data;
		err = loader_load(&m->ram, &request, &m->boot, d);
	}
	free(image_data);
	free(initrd_data);
	return err;
}

static int create_engine(struct machine *m, struct diag *d)
{
	const struct engine_config config = {
		.ram = &m->ram,
		.bus = { .ctx = &m->bus,
			 .io_read = engine_io_read,
			 .io_write = engine_io_write,
			 .mmio_read = engine_mmio_read,
			 .mmio_write = engine_mmio_write },
		.mmu = m->config.mmu,
		.tlb = m->config.tlb,
		.shadow = m->config.shadow,
		.limit_work = m->config.limit_insns,
	};
	struct x86_state state;
	int err = m->config.engine->create(&m->engine, &config, d);

	if (err)
		return err;
	err = m->engine->ops->get_state(m->engine, &state);
	if (!err) {
		state.eip = m->boot.entry;
		state.gpr[X86_EAX] = m->boot.eax;
		state.gpr[X86_EBX] = m->boot.ebx;
		err = m->engine->ops->set_state(m->engine, &state);
	}
	return err ? diag_set(d, -err, "cannot set the vCPU's first state: %s", strerror(-err)) : 0;
}

int machine_create(struct machine **out, const struct machine_config *config, struct diag *d)
{
	struct machine *m = calloc(1, sizeof(*m));
	struct bus_host host = { .ctx = m, .now_ns = host_now_ns, .attention = host_attention };
	int err;

	if (!m)
		return diag_set(d, ENOMEM, "no memory for a machine");
	m->config = *config;
	m->ram.fd = -1;
	bus_init(&m->bus, &host);
	m->output_timer = (struct bus_timer){ .fn = output_due, .dev = m, .due_ns = BUS_NEVER };
	err = ram_create(&m->ram, config->ram_bytes, d);
	if (!err)
		err = load(m, d);
	if (!err)
		err = create_engine(m, d);
	if (!err)
		err = create_devices(m, d);
	if (!err)
		err = console_open(&m->console, config->console_in, config->console_out, d);
	if (err) {
		machine_destroy(m);
		return err;
	}
	*out = m;
	return 0;
}

void machine_destroy(struct machine *m)
{
	if (!m)
		return;
	console_close(m->console);
	sandbox_destroy(m->sandbox);
	debug_exit_destroy(m->debug_exit);
	debugcon_destroy(m->debugcon);
	uart_destroy(m->uart);
	rtc_destroy(m->rtc);
	pit_destroy(m->pit);
	pic_destroy(m->pic);
	if (m->engine)
		m->engine->ops->destroy(m->engine);
	ram_destroy(&m->ram);
	free(m);
}
