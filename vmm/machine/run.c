// SPDX-License-Identifier: MIT
/*
 * The run loop: timers, interrupts, the engine, and what its exits mean.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "dev/console.h"
#include "dev/pic.h"
#include "dev/uart.h"
#include "machine/machine.h"

/* How often a busy guest's live input (terminal, pipe) is looked at, in virtual time. */
#define INPUT_PERIOD_NS 1000000u

void machine_pump_input(struct machine *m)
{
	uint8_t byte;

	while (uart_can_receive(m->uart) && console_poll_input(m->console, &byte) > 0)
		uart_receive(m->uart, byte);
	if (console_left(m->console))
		machine_kill(m, MACHINE_LEFT, 0, "left by Ctrl-A x");
}

static void input_due(void *dev, uint64_t now_ns)
{
	struct machine *m = dev;

	machine_pump_input(m);
	if (console_input_live(m->console))
		bus_timer_set(&m->bus, &m->input_timer, now_ns + INPUT_PERIOD_NS);
}

static void take_pending(struct machine *m)
{
	int pending = atomic_exchange(&m->pending, 0);

	if (!pending)
		return;
	if (pending >> 8 == MACHINE_TIMEOUT)
		machine_kill(m, MACHINE_TIMEOUT, 0, "the time limit was reached");
	else
		machine_kill(m, pending >> 8, pending & 0xff, "ended by signal %d", pending & 0xff);
}

static void deliver_interrupts(struct machine *m)
{
	const struct engine_ops *ops = m->engine->ops;
	bool pending = pic_pending(m->pic);

	if (pending && ops->interrupt_ready(m->engine)) {
		int err = ops->inject_interrupt(m->engine, pic_ack(m->pic));

		if (err)
			machine_kill(m, MACHINE_HOST_FAILED, 0,
				     "engine %s: cannot inject an interrupt: %s", ops->name,
				     strerror(-err));
		pending = pic_pending(m->pic);
	}
	ops->request_window(m->engine, pending);
}

/* When the engine must come back by itself. */
static uint64_t next_deadline(const struct machine *m)
{
	const struct engine_ops *ops = m->engine->ops;
	uint64_t due = bus_next_due(&m->bus), left;
	struct engine_stats stats;

	if (!m->config.limit_insns)
		return due;
	ops->stats(m->engine, &stats);
	left = m->config.limit_insns - stats.work;
	return left < due - ops->now_ns(m->engine) ? ops->now_ns(m->engine) + left : due;
}

static bool limit_reached(const struct machine *m)
{
	struct engine_stats stats;

	if (!m->config.limit_insns)
		return false;
	m->engine->ops->stats(m->engine, &stats);
	return stats.work >= m->config.limit_insns;
}

/* Can a byte from outside still reach the guest, or the user of a terminal leave? */
static bool input_possible(const struct machine *m)
{
	return console_input_live(m->console) && (m->config.tty || uart_can_receive(m->uart));
}

/*
 * The guest sleeps until a timer or input wakes it. Where input may come, the wait is real, since
 * input comes in real time; else virtual time jumps.
 */
static void wait_for_interrupt(struct machine *m)
{
	const struct engine_ops *ops = m->engine->ops;
	uint64_t now = ops->now_ns(m->engine), due = bus_next_due(&m->bus);
	bool enabled = ops->interrupt_ready(m->engine);

	machine_pump_input(m);
	if (!enabled) {
		machine_kill(m, MACHINE_HALTED, 0,
			     "the guest halted with interrupts off; nothing can wake it");
	} else if (pic_pending(m->pic)) {
		return;
	} else if (input_possible(m)) {
		uint64_t most = now + CONSOLE_WAIT_NS;

		due = due < most ? due : most;
		console_wait(m->console, due - now);
		machine_pump_input(m);
		if (ops->features & ENGINE_VIRTUAL_TIME)
			ops->idle_until(m->engine, due);
	} else if (due == BUS_NEVER) {
		machine_kill(
			m, MACHINE_HALTED, 0,
			"the guest halted; no timer is due within 146 years and no input can come");
	} else {
		ops->idle_until(m->engine, due);
	}
}

static void act_on(struct machine *m, const struct engine_exit *e)
{
	switch (e->reason) {
	case ENGINE_EXIT_HALT:
		wait_for_interrupt(m);
		break;
	case ENGINE_EXIT_SHUTDOWN:
		machine_kill(m, MACHINE_TRIPLE_FAULT, 0, "triple fault");
		break;
	case ENGINE_EXIT_UNSUPPORTED:
		machine_kill(m, MACHINE_UNSUPPORTED, 0, "%s", e->text);
		break;
	case ENGINE_EXIT_FAILED:
		machine_kill(m, MACHINE_HOST_FAILED, 0, "engine %s: %s", m->engine->ops->name,
			     e->text);
		break;
	default: /* deadline, kick, window: the loop looks at everything anyway */
		break;
	}
}

/* Output that cannot be written ends the machine, as SIGPIPE ends other programs. */
static void check_console(struct machine *m)
{
	int err = console_error(m->console);

	if (err == -EPIPE)
		machine_kill(m, MACHINE_SIGNAL, SIGPIPE, "nobody reads the console");
	else if (err)
		machine_kill(m, MACHINE_HOST_FAILED, 0, "cannot write the console: %s",
			     strerror(-err));
}

const struct machine_outcome *machine_run(struct machine *m)
{
	struct engine_exit e;

	m->input_timer = (struct bus_timer){ .fn = input_due, .dev = m, .due_ns = BUS_NEVER };
	input_due(m, m->engine->ops->now_ns(m->engine));
	for (;;) {
		take_pending(m);
		if (limit_reached(m))
			machine_kill(m, MACHINE_LIMIT, 0,
				     "the limit of %llu instructions was reached",
				     (unsigned long long)m->config.limit_insns);
		check_console(m);
		if (m->engine->ops->now_ns(m->engine) >= BUS_TIME_END)
			machine_kill(m, MACHINE_LIMIT, 0, "virtual time has ended after 146 years");
		if (m->outcome.end != MACHINE_RUNNING)
			break;
		bus_run_timers(&m->bus, m->engine->ops->now_ns(m->engine));
		deliver_interrupts(m);
		m->engine->ops->run(m->engine, next_deadline(m), &e);
		act_on(m, &e);
	}
	/* The last bytes may fail, too. */
	console_flush(m->console);
	if (console_error(m->console) && m->outcome.end == MACHINE_EXITED) {
		m->outcome.end = MACHINE_RUNNING;
		check_console(m);
	}
	return &m->outcome;
}
