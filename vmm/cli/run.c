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
#include "dev/console.h"
#include "inspect/postmortem.h"
#include "machine/machine.h"

/* The guest's word for "I panicked", and the largest one that is an exit status of its own. */
#define CODE_PANIC 100u

struct run {
	const struct options *o;
	struct choice choice;
	struct report_file json;
	int symbols_fd; /* -1: none */
	struct machine *machine;
	uint64_t wall_ns;
};

/* --- before the machine ------------------------------------------------------------------------ */

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
		.engine = run->choice.engine,
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
	const struct choice_request request = {
		.list = engine_list,
		.name = run->o->engine,
		.mmu = (enum engine_mmu)run->o->mmu,
		.wants = run->o->wants,
	};
	int r = choice_make(&run->choice, &request, d);

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
	if (r)
		return r;
	return jail_enter(run->choice.engine == &engine_kvm ? JAIL_KVM : JAIL_SOFT, d);
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
	int r = ops->get_state(m->engine, &state);
	FILE *out;

	if (r < 0)
		report_line("%s; the vCPU's registers cannot be read: %s", reason, strerror(-r));
	out = r < 0 ? NULL : open_memstream(&text, &bytes);
	if (!out)
		return;
	/* No symbols is no failure: the addresses are there. */
	if (run->symbols_fd >= 0 && symbols_open(&symbols, run->symbols_fd) < 0)
		symbols = NULL;
	const struct postmortem pm = {
		.reason = reason,
		.caveat = ops->state_caveat(m->engine),
		.state = &state,
		.faults = ops->faults(m->engine),
		.ram = &m->ram,
		.symbols = symbols,
		.triple = m->outcome.end == MACHINE_TRIPLE_FAULT,
		.brief = brief,
		.colour = report_colour(STDERR_FILENO),
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
	case MACHINE_HOST_FAILED:
		/* A console that takes nothing says nothing about the guest. */
		if (console_error(run->machine->console))
			report_line("%s", end->text);
		else
			run_postmortem(run, end->text, false);
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
		if (run.choice.why[0])
			report_line("engine %s: %s", run.choice.engine->name, run.choice.why);
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
