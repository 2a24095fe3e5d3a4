/* SPDX-License-Identifier: MIT */
/*
 * One virtual machine: RAM, an image loaded into it, devices on a bus, an engine, and the loop that
 * runs them.
 *
 * A guest that breaks the machine is never a failure of the host: machine_kill() marks it dead
 * once, later code may go on as if nothing had happened, and the run loop sees the mark. Nothing
 * here prints or ends the process.
 */
#ifndef VMM_MACHINE_MACHINE_H
#define VMM_MACHINE_MACHINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "dev/bus.h"
#include "engine/engine.h"
#include "machine/loader.h"
#include "machine/ram.h"

struct console;
struct debug_exit;
struct debugcon;
struct pic;
struct pit;
struct rtc;
struct sandbox;
struct uart;

struct machine_config {
	const char *image;  /* path */
	const char *append; /* command line after the image path; may be NULL */
	const char *initrd; /* path of a multiboot module; may be NULL */
	uint64_t ram_bytes;
	const struct engine_ops *engine;
	enum engine_mmu mmu;
	enum x86_tlb_kind tlb;
	struct engine_shadow_config shadow; /* for mmu shadow */
	uint64_t limit_insns;		    /* 0: none; in units of engine_stats.work */
	uint64_t seed;			    /* of the random stream at the sandbox port */
	int console_in;			    /* file descriptor, or -1 for none */
	int console_out;
	bool tty; /* console_in is a terminal: idle in real time, pass tty=1 */
};

enum machine_end {
	MACHINE_RUNNING,
	MACHINE_EXITED, /* the guest wrote `code` to the debug-exit port */
	MACHINE_TRIPLE_FAULT,
	MACHINE_UNSUPPORTED, /* the guest asked for what this engine or CPU does not have */
	MACHINE_HALTED,	     /* halted, and nothing is left that could wake it */
	MACHINE_LIMIT,	     /* instruction limit */
	MACHINE_TIMEOUT,     /* machine_interrupt(.., MACHINE_TIMEOUT) */
	MACHINE_LEFT,	     /* the user left by Ctrl-A x */
	MACHINE_SIGNAL,	     /* machine_interrupt(.., MACHINE_SIGNAL); `code` is the number */
	MACHINE_HOST_FAILED
};

struct machine_outcome {
	enum machine_end end;
	uint32_t code;
	char text[256]; /* why, for a person; may be empty */
};

struct machine {
	struct ram ram;
	struct bus bus;
	struct engine *engine;
	struct console *console;
	struct uart *uart;
	struct pic *pic;
	struct pit *pit;
	struct rtc *rtc;
	struct debug_exit *debug_exit;
	struct debugcon *debugcon;
	struct sandbox *sandbox;
	struct bus_timer input_timer;  /* looks for live input while the guest is busy */
	struct bus_timer output_timer; /* armed while output waits in the console's buffer */
	struct machine_config config;
	struct loader_result boot;
	struct machine_outcome outcome; /* sticky once end is not MACHINE_RUNNING */
	atomic_int pending;		/* what machine_interrupt asked for: end << 8 | code */
};

/* Build a machine with the image loaded. -EINVAL for a bad image or option, others: the host. */
int machine_create(struct machine **out, const struct machine_config *config, struct diag *d);
void machine_destroy(struct machine *m);

/* Run until the machine ends; the outcome is also in m->outcome. */
const struct machine_outcome *machine_run(struct machine *m);

/* Mark the machine dead. Only the first call counts. */
void machine_kill(struct machine *m, enum machine_end end, uint32_t code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * Ask a running machine to end, from a signal handler; `code` is 0..255. A write to the console
 * that nobody takes is given up, too.
 */
void machine_interrupt(struct machine *m, enum machine_end end, int code);

/* Pass host input on to the UART as far as it takes it (machine/run.c). */
void machine_pump_input(struct machine *m);

/* Status of `vmm` for an outcome (design section 6). */
int machine_exit_status(const struct machine_outcome *o);

#endif
