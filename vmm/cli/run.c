// SPDX-License-Identifier: MIT
#include "cli/run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/choice.h"
#include "cli/jail.h"
#include "cli/report.h"
#include "cli/signals.h"
#include "cli/trace.h"
#include "dev/console.h"
#include "inspect/postmortem.h"
#include "machine/machine.h"

/* The guest's word for "I panicked", and the largest one that is an exit status of its own. */
#define CODE_PANIC 100u

struct run {
	const struct options *o;
	struct choice choice;
	struct report_file json;
	struct trace trace;
	int symbols_fd; /* -1: none */
	struct machine *machine;
	uint64_t wall_ns;
};

/* --- before the machine ----------------------------------------------------------------------- */

/*
 * The symbols: guest.elf beside guest.bin, else the image itself, which may be an ELF file with a
 * symbol table. Opened now, as the jail allows no open, and read only if somebody asks.
 */
static int symbols_fd_open(const char *image)
{
	size_t len = strlen(image);
	int fd = -1;
	char *elf;

	if (len > 4 && !strcmp(image + len - 4, ".bin")) {
		elf = strdup(image);
		if (!elf)
			return -1;
		memcpy(elf + len - 4, ".elf", 5);
		fd = open(elf, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		free(elf);
	}
	return fd >= 0 ? fd : open(image, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* An output must not go where the image, the initrd or the symbols lie. */
static int output_check(const struct run *run, const struct report_file *file, struct diag *d)
{
	const char *const inputs[] = { run->o->image, run->o->initrd };
	struct stat output, input;

	if (file->fd < 0 || fstat(file->fd, &output))
		return 0;
	for (unsigned i = 0; i < ARRAY_SIZE(inputs); i++)
		if (inputs[i] && !stat(inputs[i], &input) && same_file(&input, &output))
			return diag_set(d, EINVAL, "%s %s would overwrite %s; name another file",
					file->option, file->path, inputs[i]);
	if (run->symbols_fd >= 0 && !fstat(run->symbols_fd, &input) && same_file(&input, &output))
		return diag_set(d, EINVAL,
				"%s %s would overwrite the symbols of %s; name another file",
				file->option, file->path, run->o->image);
	return 0;
}

static int outputs_check(const struct run *run, struct diag *d)
{
	struct stat json, trace;
	int r = output_check(run, &run->json, d);

	if (!r)
		r = output_check(run, &run->trace.file, d);
	if (!r && run->json.fd >= 0 && run->trace.file.fd >= 0 && !fstat(run->json.fd, &json) &&
	    !fstat(run->trace.file.fd, &trace) && S_ISREG(json.st_mode) && same_file(&json, &trace))
		r = diag_set(d, EINVAL, "--json and --trace both write %s; name another file",
			     run->json.path);
	return r;
}

/* Exits between two audits: some hundred a second of them are no burden. */
#define EXITS_TO_AUDIT 256u

static int machine_build(struct run *run, struct diag *d)
{
	const struct options *o = run->o;
	struct machine_config config = {
		.image = o->image,
		.append = o->append,
		.initrd = o->initrd,
		.ram_bytes = o->ram_bytes,
		.engine = run->choice.engine,
		.mmu = run->choice.mmu,
		.tlb = (enum x86_tlb_kind)o->tlb,
		.shadow = { .pages = (uint32_t)o->shadow_pages,
			    .sync = (enum shadow_sync)o->shadow_sync,
			    .audit_exits = o->shadow_audit ? EXITS_TO_AUDIT : 0 },
		.limit_insns = o->limit_insns,
		.seed = o->seed,
		.console_in = STDIN_FILENO,
		.console_out = STDOUT_FILENO,
		.tty = isatty(STDIN_FILENO),
	};

	int r;

	if (o->trace) {
		config.shadow.trace = trace_shadow_event;
		config.shadow.trace_ctx = &run->trace;
	}
	r = machine_create(&run->machine, &config, d);
	run->trace.machine = run->machine;
	return r;
}

/* Everything that opens, allocates or can refuse; what it made is undone by run_clean(). */
static int run_prepare(struct run *run, struct diag *d)
{
	const struct choice_request request = {
		.list = engine_list,
		.name = run->o->engine,
		.mmu = (enum engine_mmu)run->o->mmu,
		.mmu_auto = run->o->mmu == OPTIONS_MMU_AUTO,
		.wants = run->o->wants,
	};
	int r = choice_make(&run->choice, &request, d);

	/* Symbols first, so that a report that is made new is not taken for them. */
	if (!r) {
		run->symbols_fd = symbols_fd_open(run->o->image);
		r = report_file_open(&run->json, "--json", run->o->json, d);
	}
	if (!r)
		r = trace_open(&run->trace, options_trace_file(run->o), d);
	if (!r)
		r = outputs_check(run, d);
	if (!r)
		r = signals_install(d);
	if (!r)
		r = machine_build(run, d);
	if (!r)
		r = signals_attach(run->machine, run->o->timeout_us, d);
	if (!r)
		r = trace_begin(&run->trace, d);
	if (r)
		return r;
	report_file_begin(&run->json);
	return jail_enter(run->choice.engine == &engine_kvm ? JAIL_KVM : JAIL_SOFT, d);
}

/* --- after it --------------------------------------------------------------------------------- */

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* No symbols is no failure: NULL, and the addresses are there. */
static struct symbols *run_symbols(const struct run *run)
{
	struct symbols *symbols = NULL;

	if (run->symbols_fd >= 0 && symbols_open(&symbols, run->symbols_fd) < 0)
		return NULL;
	return symbols;
}

/* In one piece, so that it is not torn by what others write to the same terminal. */
static void run_postmortem(const struct run *run, const char *reason)
{
	struct machine *m = run->machine;
	const struct engine_ops *ops = m->engine->ops;
	struct x86_state state;
	size_t bytes = 0;
	char *text = NULL;
	int r = ops->get_state(m->engine, &state);
	FILE *out;

	if (r < 0)
		report_line("%s; the vCPU's registers cannot be read: %s", reason, strerror(-r));
	out = r < 0 ? NULL : open_memstream(&text, &bytes);
	if (!out)
		return;
	struct symbols *symbols = run_symbols(run);
	const struct postmortem pm = {
		.reason = reason,
		.caveat = ops->state_caveat(m->engine),
		.state = &state,
		.faults = ops->faults(m->engine),
		.ram = &m->ram,
		.symbols = symbols,
		.triple = m->outcome.end == MACHINE_TRIPLE_FAULT,
		.colour = report_colour(STDERR_FILENO),
	};

	postmortem_write(&pm, out);
	if (!fclose(out))
		report_text(text, bytes);
	free(text);
	symbols_close(symbols);
}

/* A guest that did not come to its end: one line with where it stood. */
static void run_tell_place(const struct run *run)
{
	const struct machine *m = run->machine;
	char place[SYMBOL_TEXT_BYTES];
	struct symbols *symbols;
	struct x86_state state;

	if (m->engine->ops->get_state(m->engine, &state) < 0) {
		report_line("%s", m->outcome.text);
		return;
	}
	symbols = run_symbols(run);
	symbols_format(symbols, state.eip, place);
	symbols_close(symbols);
	report_line("%s; the guest was at %04x:%08x%s%s%s", m->outcome.text,
		    state.seg[X86_CS].selector, state.eip, place[0] ? " (" : "", place,
		    place[0] ? ")" : "");
}

/* Why the machine ended, for a person. */
static void end_reason(const struct machine_outcome *end, char *text, size_t bytes)
{
	if (end->end == MACHINE_EXITED && end->code == CODE_PANIC)
		snprintf(text, bytes, "the guest panicked");
	else if (end->end == MACHINE_EXITED)
		snprintf(text, bytes,
			 "the guest wrote %" PRIu32 " (%#" PRIx32 ") to the exit port; "
			 "what is above 99 ends with status 100",
			 end->code, end->code);
	else
		snprintf(text, bytes, "%s%s",
			 end->end == MACHINE_UNSUPPORTED ? "not supported: " : "", end->text);
}

/* Tell it, where its user does not know that already. */
static void run_tell(const struct run *run, const char *reason)
{
	const struct machine_outcome *end = &run->machine->outcome;

	switch (end->end) {
	case MACHINE_EXITED:
		if (end->code == CODE_PANIC)
			run_postmortem(run, reason);
		else if (end->code > CODE_PANIC)
			report_line("%s", reason);
		break;
	case MACHINE_TRIPLE_FAULT:
	case MACHINE_HALTED:
	case MACHINE_UNSUPPORTED:
		run_postmortem(run, reason);
		break;
	case MACHINE_HOST_FAILED:
		/* A console that takes nothing says nothing about the guest. */
		if (console_error(run->machine->console))
			report_line("%s", reason);
		else
			run_postmortem(run, reason);
		break;
	case MACHINE_LIMIT:
	case MACHINE_TIMEOUT:
		run_tell_place(run);
		break;
	default:
		report_line("%s", reason);
		break;
	}
}

/* Both tables at the end of the run, in one piece. */
static void run_dump(const struct run *run)
{
	const struct engine *e = run->machine->engine;
	struct shadow *shadow = e->ops->shadow(e);
	size_t bytes = 0;
	char *text = NULL;
	FILE *out = shadow ? open_memstream(&text, &bytes) : NULL;

	if (!out)
		return;
	shadow_dump(shadow, out);
	if (!fclose(out))
		report_text(text, bytes);
	free(text);
}

/* The file comes first: it needs neither a symbol file, nor somebody who reads stderr. */
static int run_report(struct run *run)
{
	struct report report = {
		.options = run->o,
		.mmu = run->choice.mmu,
		.machine = run->machine,
		.wall_ns = run->wall_ns,
		.status = machine_exit_status(&run->machine->outcome),
	};
	struct diag d = { .text = "" };
	char reason[DIAG_BYTES];

	end_reason(&run->machine->outcome, reason, sizeof(reason));
	signals_report(run->json.fd < 0 ? report.status : STATUS_FAILED, reason);
	if (report_file_write(&run->json, &report, &d) < 0)
		report.status = STATUS_FAILED;
	signals_report(report.status, reason);
	if (d.text[0])
		report_line("%s", d.text);
	if (trace_close(&run->trace, &d) < 0) {
		report.status = STATUS_FAILED;
		report_line("%s", d.text);
	}
	run_tell(run, reason);
	if (run->o->dump)
		run_dump(run);
	if (run->o->stats)
		report_stats(&report);
	return report.status;
}

/*
 * What the user can mend is refused, such as more RAM than the host gives (ENOMEM); the rest is a
 * failure of the host.
 */
static int status_of(int err)
{
	static const int host[] = { EIO, EMFILE, ENFILE, EAGAIN, ENOSPC, EFAULT };

	for (unsigned i = 0; i < ARRAY_SIZE(host); i++)
		if (err == -host[i])
			return STATUS_FAILED;
	return STATUS_REFUSED;
}

/* What was chosen for the user. */
static void run_begin(const struct run *run)
{
	if (run->choice.why[0])
		report_line("engine %s: %s", run->choice.engine->name, run->choice.why);
	if (run->machine->boot.kind == LOADER_FLAT)
		report_line("%s: no multiboot header and no ELF: run as a flat binary at %#x",
			    run->o->image, run->machine->boot.entry);
}

int run_image(const struct options *o)
{
	struct run run = { .o = o, .json = { .fd = -1 }, .trace.file.fd = -1, .symbols_fd = -1 };
	struct diag d = { .text = "" };
	int status, r = run_prepare(&run, &d);

	if (r < 0 || !run.machine) {
		report_line("%s", d.text[0] ? d.text : strerror(-r));
		report_file_drop(&run.json);
		trace_drop(&run.trace);
		status = status_of(r);
	} else {
		run_begin(&run);
		run.wall_ns = clock_ns();
		machine_run(run.machine);
		run.wall_ns = clock_ns() - run.wall_ns;
		signals_detach();
		status = run_report(&run);
	}
	machine_destroy(run.machine);
	if (run.symbols_fd >= 0)
		close(run.symbols_fd);
	return status;
}
