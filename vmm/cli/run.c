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

#include "cli/jail.h"
#include "cli/report.h"
#include "cli/signals.h"
#include "inspect/postmortem.h"
#include "machine/machine.h"

/* The guest's word for "I panicked", and the largest one that is an exit status of its own. */
#define CODE_PANIC 100u

struct run {
	const struct options *o;
	const struct engine_ops *engine;
	struct report_file json;
	int symbols_fd; /* -1: none */
	struct machine *machine;
	uint64_t wall_ns;
	char choice[400]; /* what --engine auto chose and why; empty if it was not asked */
};

/* --- before the machine ------------------------------------------------------------------------ */

/* "auto, kvm or soft", from what this build has. */
static void engine_names(char *buf, size_t bytes)
{
	size_t at = (size_t)snprintf(buf, bytes, "auto");

	for (unsigned i = 0; engine_list[i] && at < bytes; i++)
		at += (size_t)snprintf(buf + at, bytes - at, "%s%s",
				       engine_list[i + 1] ? ", " : " or ", engine_list[i]->name);
}

/* The engine that --engine names. */
static int engine_by_name(struct run *run, struct diag *d)
{
	const char *name = run->o->engine;
	struct engine_probe probe;
	char names[96];

	for (unsigned i = 0; engine_list[i]; i++) {
		if (strcmp(engine_list[i]->name, name))
			continue;
		engine_list[i]->probe(run->o->mmu, &probe);
		if (!probe.usable)
			return diag_set(d, EINVAL, "--engine %s --mmu %s: %s; or use %s", name,
					options_mmu_name(run->o->mmu), probe.reason,
					run->o->mmu == ENGINE_MMU_DIRECT ? "--engine soft" :
									   "--mmu direct");
		run->engine = engine_list[i];
		return 0;
	}
	engine_names(names, sizeof(names));
	return diag_set(d, EINVAL, "engine %s is not in this build; use --engine %s", name, names);
}

/* The first engine of the list that works here; notes which, and why not those before it. */
static int engine_auto(struct run *run, struct diag *d)
{
	char refused[256] = "";
	struct engine_probe probe;
	size_t at = 0;

	for (unsigned i = 0; engine_list[i]; i++) {
		engine_list[i]->probe(run->o->mmu, &probe);
		if (probe.usable) {
			run->engine = engine_list[i];
			snprintf(run->choice, sizeof(run->choice), "engine %s: %s%s",
				 run->engine->name, at ? refused : probe.reason,
				 !i && !engine_list[1] ? "; this build has no other" : "");
			return 0;
		}
		if (at < sizeof(refused))
			at += (size_t)snprintf(refused + at, sizeof(refused) - at, "%s%s: %s",
					       at ? "; " : "", engine_list[i]->name, probe.reason);
	}
	return diag_set(d, EINVAL, "no engine can run --mmu %s here: %s",
			options_mmu_name(run->o->mmu), refused);
}

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

/* The report must not go where the image or the initrd lies. */
static int json_check(const struct run *run, struct diag *d)
{
	const char *const inputs[] = { run->o->image, run->o->initrd };
	struct stat json, input;

	if (run->json.fd < 0 || fstat(run->json.fd, &json))
		return 0;
	for (unsigned i = 0; i < ARRAY_SIZE(inputs); i++)
		if (inputs[i] && !stat(inputs[i], &input) && input.st_dev == json.st_dev &&
		    input.st_ino == json.st_ino)
			return diag_set(d, EINVAL,
					"--json %s would overwrite %s; name another file",
					run->o->json, inputs[i]);
	return 0;
}

static int machine_build(struct run *run, struct diag *d)
{
	const struct options *o = run->o;
	const struct machine_config config = {
		.image = o->image,
		.append = o->append,
		.initrd = o->initrd,
		.ram_bytes = o->ram_bytes,
		.engine = run->engine,
		.mmu = (enum engine_mmu)o->mmu,
		.tlb = (enum x86_tlb_kind)o->tlb,
		.limit_insns = o->limit_insns,
		.seed = o->seed,
		.console_in = STDIN_FILENO,
		.console_out = STDOUT_FILENO,
		.tty = isatty(STDIN_FILENO),
	};

	return machine_create(&run->machine, &config, d);
}

/* Everything that opens, allocates or can refuse; what it made is undone by run_clean(). */
static int run_prepare(struct run *run, struct diag *d)
{
	int r = strcmp(run->o->engine, "auto") ? engine_by_name(run, d) : engine_auto(run, d);

	if (!r)
		r = report_file_open(&run->json, run->o->json, d);
	if (!r)
		r = json_check(run, d);
	if (!r) {
		run->symbols_fd = symbols_fd_open(run->o->image);
		r = signals_install(d);
	}
	if (!r)
		r = machine_build(run, d);
	if (!r)
		r = signals_attach(run->machine, run->o->timeout_us, d);
	if (!r)
		report_file_begin(&run->json);
	return r ? r : jail_enter(d);
}

/* --- after it ---------------------------------------------------------------------------------- */

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* In one piece, so that it is not torn by what others write to the same terminal. */
static void run_postmortem(const struct run *run, const char *reason, bool brief)
{
	struct machine *m = run->machine;
	const struct engine_ops *ops = m->engine->ops;
	struct symbols *symbols = NULL;
	struct x86_state state;
	size_t bytes = 0;
	char *text = NULL;
	FILE *out;

	if (ops->get_state(m->engine, &state) < 0)
		return;
	out = open_memstream(&text, &bytes);
	if (!out)
		return;
	/* No symbols is no failure: the addresses are there. */
	if (run->symbols_fd >= 0 && symbols_open(&symbols, run->symbols_fd) < 0)
		symbols = NULL;
	const struct postmortem pm = {
		.reason = reason,
		.state = &state,
		.faults = ops->faults(m->engine),
		.ram = &m->ram,
		.symbols = symbols,
		.triple = m->outcome.end == MACHINE_TRIPLE_FAULT,
		.brief = brief,
		.colour = report_colour(),
	};

	postmortem_write(&pm, out);
	if (!fclose(out))
		fwrite(text, 1, bytes, stderr);
	free(text);
	symbols_close(symbols);
}

/* Why the machine ended, where its user does not know that already. */
static void run_tell(const struct run *run)
{
	const struct machine_outcome *end = &run->machine->outcome;
	char reason[DIAG_BYTES];

	switch (end->end) {
	case MACHINE_EXITED:
		if (end->code == CODE_PANIC)
			run_postmortem(run, "the guest panicked", true);
		else if (end->code > CODE_PANIC)
			report_line("the guest wrote %" PRIu32 " (%#" PRIx32 ") to the exit port; "
				    "what is above 99 ends with status 100",
				    end->code, end->code);
		break;
	case MACHINE_TRIPLE_FAULT:
	case MACHINE_HALTED:
		run_postmortem(run, end->text, false);
		break;
	case MACHINE_UNSUPPORTED:
		snprintf(reason, sizeof(reason), "not supported: %s", end->text);
		run_postmortem(run, reason, false);
		break;
	default:
		report_line("%s", end->text);
		break;
	}
}

static int run_report(struct run *run)
{
	struct report report = {
		.options = run->o,
		.machine = run->machine,
		.wall_ns = run->wall_ns,
		.status = machine_exit_status(&run->machine->outcome),
	};
	struct diag d = { .text = "" };

	run_tell(run);
	if (run->o->stats)
		report_stats(&report);
	if (report_file_write(&run->json, &report, &d) < 0) {
		report_line("%s", d.text);
		report.status = STATUS_FAILED;
	}
	return report.status;
}

/* What the user can mend is refused; the rest is a failure of the host. */
static int status_of(int err)
{
	static const int host[] = { ENOMEM, EIO, EMFILE, ENFILE, EAGAIN, ENOSPC, EFAULT };

	for (unsigned i = 0; i < ARRAY_SIZE(host); i++)
		if (err == -host[i])
			return STATUS_FAILED;
	return STATUS_REFUSED;
}

int run_image(const struct options *o)
{
	struct run run = { .o = o, .json = { .fd = -1 }, .symbols_fd = -1 };
	struct diag d = { .text = "" };
	int status, r = run_prepare(&run, &d);

	if (r < 0 || !run.machine) {
		report_line("%s", d.text[0] ? d.text : strerror(-r));
		report_file_drop(&run.json);
		status = status_of(r);
	} else {
		if (run.choice[0])
			report_line("%s", run.choice);
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
