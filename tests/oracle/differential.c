// SPDX-License-Identifier: MIT
/*
 * The differential test: random and directed sequences of 32-bit instructions, each run on the real
 * CPU and in the executor from the same state, must end in the same state.
 *
 *   differential [--count N] [--seed S] [--jobs J] [--only I] [--ldt] [--stats]
 *
 * N sequences are compared: what cannot be is excused and another is drawn. Each job is a child
 * process that may die of what it runs; the parent notes the sequence and starts another child
 * behind it. The executor runs first: what it says cannot be compared (a system call, an x87
 * instruction) never reaches the CPU. Exit status 0: all agree; 1: a difference, a lost child, an
 * instruction of the list that never ran, fewer than N compared, or an excuse that came so often
 * that it may hide a difference; 77: 32-bit code cannot be run here.
 */
#define _GNU_SOURCE /* sched_setaffinity */
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coverage.h"
#include "gen.h"
#include "judge.h"
#include "native.h"
#include "soft.h"

#define MAX_JOBS 64u
#define MAX_REPORTS 40u /* in words, per child */
#define SAME_REPORTS 2u /* ... of one field and mnemonic */
#define HANG_POLLS 400u /* of 50 ms on one sequence */
#define EXIT_CANNOT_RUN 77
/* Sequences from which on the list of mnemonics must be complete, and excuses are counted. */
#define COVERAGE_MINIMUM 20000u
#define DRAW_LIMIT 2u /* sequences drawn for each one to compare, at most */

struct settings {
	uint64_t count, seed, only;
	unsigned jobs;
	bool one, ldt, stats;
};

enum phase { PHASE_START, PHASE_GENERATE, PHASE_SOFT, PHASE_NATIVE, PHASE_DONE, PHASE_REFUSED };

static const char *const phase_name[] = { "starting",	"generating", "in the executor",
					  "on the CPU", "done",	      "refused" };

/* What a child tells its parent, in shared memory. */
struct progress {
	uint64_t index; /* the sequence at hand */
	uint32_t phase;
	uint64_t compared, differ, hung;
	struct coverage coverage;
	char why[160]; /* PHASE_REFUSED */
};

struct worker {
	const struct settings *set;
	struct progress *p;
	struct native *native;
	struct soft *soft;     /* the one in use */
	struct soft *softs[3]; /* one for each kind of TLB */
	struct gen_options opt;
	unsigned reports;
	struct gen_case c;
	uint8_t background[IMAGE_BYTES];
	uint8_t image[IMAGE_BYTES]; /* the background, and the case at hand in it */
	uint8_t native_image[IMAGE_BYTES];
};

struct result {
	struct outcome soft, native;
	const char *skip;	/* not compared, and why */
	const char *difference; /* the first one, in words */
	struct trace trace;	/* filled when something differed */
};

/* --- one sequence ----------------------------------------------------------------------------- */

/*
 * Run in the executor. A sequence with far transfers goes in single steps, so that one that reaches
 * the kernel's 64-bit code segment is seen in time.
 */
static const char *run_soft(struct worker *w, const struct gen_case *c, struct outcome *out)
{
	struct x86_state st;

	soft_begin(w->soft, &c->start, w->image);
	if (!c->far)
		return soft_go(w->soft, RUN_INSNS, out) ? judge_unfit(w->soft, out)
							: "takes too many instructions";
	for (unsigned n = 0; n < RUN_INSNS; n++) {
		if (soft_go(w->soft, 1, out))
			return judge_unfit(w->soft, out);
		soft_state(w->soft, &st);
		if ((st.seg[X86_CS].selector & ~3u) == (SEL_USER_CODE64 & ~3u))
			return "64-bit code";
	}
	return "takes too many instructions";
}

/* First byte in which the windows differ from what the executor left, as an address; 0: none. */
static uint32_t memory_difference(struct worker *w, const uint8_t *soft)
{
	const uint8_t *native = w->native_image;

	memcpy(w->native_image, soft, IMAGE_BYTES);
	native_save(w->native, w->native_image);
	for (unsigned n = 0; n < WINDOWS; n++) {
		uint32_t base = window_table[n].base;
		int32_t at = window_offset(base);

		for (uint32_t i = 0; i < window_table[n].pages * PAGE_BYTES; i++) {
			if (native[at + (int32_t)i] != soft[at + (int32_t)i])
				return base + i;
		}
	}
	return 0;
}

static void run_case(struct worker *w, struct gen_case *c, struct result *r)
{
	memset(r, 0, sizeof(*r));
	gen_apply(c, w->image);
	w->p->phase = PHASE_SOFT;
	r->skip = run_soft(w, c, &r->soft);
	if (!r->skip) {
		native_load(w->native, w->image);
		w->p->phase = PHASE_NATIVE;
		native_run(w->native, &c->start, &r->native);
		w->p->phase = PHASE_SOFT;
		judge_adjust(w->soft, &r->soft, &r->native);
		r->difference = judge_difference(&r->soft, &r->native, 0);
		if (!r->difference && !native_equals(w->native, soft_image(w->soft)))
			r->difference = "memory";
	}
	if (r->difference) {
		bool memory = !native_equals(w->native, soft_image(w->soft));

		judge_trace(w->soft, c, w->image, &r->trace);
		r->difference = judge_difference(&r->soft, &r->native, r->trace.undefined);
		if (!r->difference && memory)
			r->difference = "memory";
		if (r->difference)
			r->skip = r->trace.excuse ? r->trace.excuse
						  : judge_excuse(&r->trace, &r->soft, &r->native,
								 r->difference);
		if (r->skip)
			r->difference = 0;
	}
	gen_revert(c, w->image, w->background);
}

/* --- reports ---------------------------------------------------------------------------------- */

/* Drop instructions, then patches, as long as a difference stays. */
static void shrink(struct worker *w, struct gen_case *c, struct result *r)
{
	struct result trial;
	bool again = true;

	while (again) {
		again = false;
		for (unsigned i = c->insns; i-- > 0;) {
			if (c->insn[i].dropped)
				continue;
			c->insn[i].dropped = true;
			gen_assemble(c);
			run_case(w, c, &trial);
			if (trial.difference) {
				*r = trial;
				again = true;
			} else {
				c->insn[i].dropped = false;
			}
		}
	}
	gen_assemble(c);
	run_case(w, c, &trial);
	if (trial.difference)
		*r = trial;
}

static void print_outcome(FILE *f, const char *name, const struct outcome *o)
{
	fprintf(f, "  %-6s vector %u error %x cr2 %08x eip %08x eflags %06x\n", name, o->vector,
		o->error, o->cr2, o->eip, o->eflags);
	fprintf(f,
		"         eax %08x ecx %08x edx %08x ebx %08x esp %08x ebp %08x esi %08x edi %08x\n",
		o->gpr[0], o->gpr[1], o->gpr[2], o->gpr[3], o->gpr[4], o->gpr[5], o->gpr[6],
		o->gpr[7]);
	fprintf(f, "         es %04x cs %04x ss %04x ds %04x fs %04x gs %04x\n", o->seg[0],
		o->seg[1], o->seg[2], o->seg[3], o->seg[4], o->seg[5]);
}

static void print_code(FILE *f, const struct gen_case *c)
{
	for (unsigned i = 0; i < c->insns; i++) {
		const struct gen_insn *n = &c->insn[i];
		const uint8_t *bytes = c->code + (c->insn_at[i] - c->code_at);
		ZydisDisassembledInstruction text;

		if (n->dropped)
			continue;
		fprintf(f, "  %08x %s", c->insn_at[i], n->code16 ? "(16) " : "");
		for (unsigned b = 0; b < n->len; b++)
			fprintf(f, "%02x ", bytes[b]);
		if (ZYAN_SUCCESS(ZydisDisassembleIntel(n->code16 ? ZYDIS_MACHINE_MODE_LEGACY_16
								 : ZYDIS_MACHINE_MODE_LEGACY_32,
						       c->insn_at[i], bytes, n->len, &text)))
			fprintf(f, " %s", text.text);
		fprintf(f, "\n");
	}
}

static void print_start(FILE *f, const struct gen_case *c)
{
	struct outcome start = { .eip = c->start.eip, .eflags = c->start.eflags };

	memcpy(start.gpr, c->start.gpr, sizeof(start.gpr));
	memcpy(start.seg, c->start.seg, sizeof(start.seg));
	print_outcome(f, "start", &start);
}

static void print_report(struct worker *w, const struct gen_case *c, const struct result *r)
{
	char *text = 0;
	size_t bytes = 0;
	FILE *f = open_memstream(&text, &bytes);

	if (!f)
		return;
	fprintf(f, "DIFFER in %s at %s: --seed %lu --only %lu%s\n", r->difference,
		r->trace.known ? ZydisMnemonicGetString(r->trace.last.mnemonic)
			       : "(no instruction)",
		c->seed, c->index, w->opt.ldt_only ? " --ldt" : "");
	print_code(f, c);
	print_start(f, c);
	print_outcome(f, "soft", &r->soft);
	print_outcome(f, "native", &r->native);
	if (!strcmp(r->difference, "memory")) {
		struct result again;

		run_case(w, &w->c, &again);
		gen_apply(&w->c, w->image);
		run_soft(w, &w->c, &again.soft);
		fprintf(f, "  memory differs from %08x on\n",
			memory_difference(w, soft_image(w->soft)));
		gen_revert(&w->c, w->image, w->background);
	}
	fclose(f);
	fwrite(text, 1, bytes, stderr);
	free(text);
}

/* --- a child ---------------------------------------------------------------------------------- */

static void work_on(struct worker *w, uint64_t index)
{
	struct result r;
	uint64_t seen;

	w->p->index = index;
	w->p->phase = PHASE_GENERATE;
	/* A shrinker and a replay must meet the same kind of TLB. */
	w->soft = w->softs[index / 8 % ARRAY_SIZE(w->softs)];
	gen_make(&w->c, w->set->seed, index, &w->opt);
	if (w->set->one) {
		/* Before it runs: the child may not come back. */
		print_code(stdout, &w->c);
		print_start(stdout, &w->c);
		fflush(stdout);
	}
	run_case(w, &w->c, &r);
	if (w->set->one && !r.difference) {
		print_outcome(stdout, "soft", &r.soft);
		print_outcome(stdout, "native", &r.native);
		printf("%s\n", r.skip ? r.skip : "agree");
	}
	if (r.skip) {
		coverage_skip(&w->p->coverage, r.skip, 1);
		return;
	}
	w->p->compared++;
	coverage_case(&w->p->coverage, &w->c, &r.soft);
	if (!r.difference)
		return;
	w->p->differ++;
	seen = coverage_differ(&w->p->coverage, r.difference,
			       r.trace.known ? r.trace.last.mnemonic : ZYDIS_MNEMONIC_INVALID, 1);
	if (seen > SAME_REPORTS || w->reports++ >= MAX_REPORTS)
		return;
	shrink(w, &w->c, &r);
	print_report(w, &w->c, &r);
}

/*
 * A run on the CPU that never ended. If the executor's run of it used an undefined flag, the CPU
 * may rightly have gone another way; else it is a difference.
 */
static void explain_hang(struct worker *w, uint64_t index)
{
	struct trace t;

	w->p->index = index;
	w->p->phase = PHASE_SOFT;
	w->soft = w->softs[0];
	gen_make(&w->c, w->set->seed, index, &w->opt);
	gen_apply(&w->c, w->image);
	judge_trace(w->soft, &w->c, w->image, &t);
	gen_revert(&w->c, w->image, w->background);
	if (t.excuse) {
		coverage_skip(&w->p->coverage, t.excuse, 1);
		return;
	}
	fprintf(stderr, "HUNG on the CPU: --seed %lu --only %lu%s\n", w->set->seed, index,
		w->opt.ldt_only ? " --ldt" : "");
	print_code(stderr, &w->c);
	w->p->hung++;
}

/* LSL of the selector that tells the CPU's number (Linux vDSO) must not change meanwhile. */
static void stay_on_one_cpu(unsigned nth)
{
	cpu_set_t all, one;
	int cpus;

	if (sched_getaffinity(0, sizeof(all), &all))
		return;
	cpus = CPU_COUNT(&all);
	nth %= cpus > 0 ? (unsigned)cpus : 1;
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all) || nth--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

static struct worker *worker_create(const struct settings *set, struct progress *p,
				    const char **why)
{
	static const enum x86_tlb_kind tlb[] = { X86_TLB_NORMAL, X86_TLB_HOARD, X86_TLB_DROP };
	struct worker *w = calloc(1, sizeof(*w));

	*why = "out of memory";
	if (!w)
		return 0;
	w->set = set;
	w->p = p;
	w->native = native_create(why);
	if (!w->native)
		return 0;
	for (unsigned i = 0; i < ARRAY_SIZE(w->softs); i++) {
		w->softs[i] = soft_create(w->native, tlb[i]);
		if (!w->softs[i])
			return 0;
	}
	w->opt.has_ldt = native_has_ldt(w->native);
	w->opt.ldt_only = set->ldt;
	gen_background(set->seed, w->background);
	memcpy(w->image, w->background, IMAGE_BYTES);
	return w;
}

/* Has job `job` compared its share, or is there no next sequence, `index`, for it? */
static bool finished(const struct settings *set, const struct progress *p, unsigned job,
		     uint64_t index)
{
	uint64_t share = set->count / set->jobs + (job < set->count % set->jobs);

	if (set->one)
		return index > set->only;
	return p->compared >= share || index >= set->count * DRAW_LIMIT;
}

/*
 * Job `job`: work on every jobs-th sequence from `first` on; that one hung on the CPU if `hung`.
 * Never returns.
 */
static _Noreturn void work(const struct settings *set, struct progress *p, unsigned job,
			   uint64_t first, bool hung)
{
	const char *why = 0;
	struct worker *w;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	stay_on_one_cpu(job);
	w = worker_create(set, p, &why);
	if (!w) {
		snprintf(p->why, sizeof(p->why), "%s", why);
		p->phase = PHASE_REFUSED;
		_exit(EXIT_CANNOT_RUN);
	}
	if (set->ldt && !w->opt.has_ldt) {
		snprintf(p->why, sizeof(p->why), "the kernel refuses modify_ldt(2)");
		p->phase = PHASE_REFUSED;
		_exit(EXIT_CANNOT_RUN);
	}
	if (!job && !native_has_low(w->native))
		fprintf(stderr, "differential: no memory below 64 KiB (vm.mmap_min_addr): "
				"16-bit addresses only fault\n");
	if (hung)
		explain_hang(w, first);
	for (uint64_t i = hung ? first + set->jobs : first; !finished(set, p, job, i);
	     i += set->jobs)
		work_on(w, i);
	p->phase = PHASE_DONE;
	for (unsigned i = 0; i < ARRAY_SIZE(w->softs); i++)
		soft_destroy(w->softs[i]);
	free(w);
	fflush(stdout);
	_exit(0);
}

/* --- the parent ------------------------------------------------------------------------------- */

struct job {
	pid_t pid; /* 0: finished */
	uint64_t seen_index;
	unsigned polls; /* since the index last moved */
	bool killed;
};

struct run {
	const struct settings *set;
	struct progress *progress; /* one for each job */
	struct job job[MAX_JOBS];
	uint64_t lost;
};

static bool start_child(struct run *r, unsigned n, uint64_t first, bool hung)
{
	pid_t pid;

	r->progress[n].index = first;
	r->progress[n].phase = PHASE_START;
	fflush(stdout);
	pid = fork();
	if (!pid)
		work(r->set, &r->progress[n], n, first, hung);
	r->job[n] = (struct job){ .pid = pid > 0 ? pid : 0, .seen_index = first };
	return pid > 0;
}

/* A child has ended. False: give up. */
static bool child_ended(struct run *r, unsigned n, int status)
{
	struct progress *p = &r->progress[n];

	r->job[n].pid = 0;
	if (p->phase == PHASE_DONE)
		return true;
	if (p->phase == PHASE_REFUSED || p->phase == PHASE_START)
		return false;
	if (r->job[n].killed && p->phase == PHASE_NATIVE)
		return start_child(r, n, p->index, true);
	fprintf(stderr, "LOST by %s %d while %s: --seed %lu --only %lu%s\n",
		WIFSIGNALED(status) ? "signal" : "status",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), phase_name[p->phase],
		r->set->seed, p->index, r->set->ldt ? " --ldt" : "");
	r->lost++;
	return finished(r->set, p, n, p->index + r->set->jobs) ||
	       start_child(r, n, p->index + r->set->jobs, false);
}

static void watch_for_hang(struct run *r, unsigned n)
{
	struct job *j = &r->job[n];

	if (j->seen_index != r->progress[n].index) {
		j->seen_index = r->progress[n].index;
		j->polls = 0;
	} else if (++j->polls == HANG_POLLS) {
		j->killed = true;
		kill(j->pid, SIGKILL);
	}
}

/* Poll the children until all are done. False: one could not begin. */
static bool run_children(struct run *r)
{
	bool busy = true, ok = true;

	for (unsigned n = 0; n < r->set->jobs; n++)
		ok = ok && start_child(r, n, r->set->one ? r->set->only : n, false);
	while (busy) {
		busy = false;
		for (unsigned n = 0; n < r->set->jobs; n++) {
			int status;

			if (!r->job[n].pid)
				continue;
			busy = true;
			if (waitpid(r->job[n].pid, &status, WNOHANG) == r->job[n].pid)
				ok = child_ended(r, n, status) && ok;
			else
				watch_for_hang(r, n);
		}
		usleep(50000);
	}
	return ok;
}

/* Add the counts of all jobs to those of the first. */
static int summarize(struct run *r)
{
	struct progress *total = &r->progress[0];
	uint64_t skipped = 0;
	unsigned missing = 0;

	for (unsigned n = 1; n < r->set->jobs; n++) {
		total->compared += r->progress[n].compared;
		total->differ += r->progress[n].differ;
		total->hung += r->progress[n].hung;
		coverage_add(&total->coverage, &r->progress[n].coverage);
	}
	for (unsigned i = 0; i < COVERAGE_REASONS; i++)
		skipped += total->coverage.skipped[i].count;
	if (r->set->stats)
		coverage_print(&total->coverage, stdout);
	coverage_print_differ(&total->coverage, stderr);
	/* With --ldt most operands fault; the list and the limits are not for that. */
	if (!r->set->one && !r->set->ldt && r->set->count >= COVERAGE_MINIMUM) {
		missing = coverage_missing(&total->coverage, stderr);
		missing += coverage_excess(&total->coverage, total->compared + skipped, stderr);
	}
	if (!r->set->one && total->compared < r->set->count) {
		fprintf(stderr, "only %lu of %lu sequences could be compared\n", total->compared,
			r->set->count);
		missing++;
	}
	printf("differential: seed %lu: %lu sequences compared, %lu differ, %lu not comparable, "
	       "%lu hung, %lu lost\n",
	       r->set->seed, total->compared, total->differ, skipped, total->hung, r->lost);
	return total->differ || total->hung || r->lost || missing;
}

static bool parse(int argc, char **argv, struct settings *set)
{
	static const struct option table[] = {
		{ "count", 1, 0, 'c' }, { "seed", 1, 0, 's' }, { "jobs", 1, 0, 'j' },
		{ "only", 1, 0, 'o' },	{ "ldt", 0, 0, 'l' },  { "stats", 0, 0, 't' },
		{ 0, 0, 0, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", table, 0)) != -1) {
		uint64_t value = optarg ? strtoull(optarg, 0, 0) : 0;

		switch (opt) {
		case 'c':
			set->count = value;
			break;
		case 's':
			set->seed = value;
			break;
		case 'j':
			set->jobs = (unsigned)value;
			break;
		case 'o':
			set->only = value;
			set->one = true;
			break;
		case 'l':
			set->ldt = true;
			break;
		case 't':
			set->stats = true;
			break;
		default:
			return false;
		}
	}
	if (set->one)
		set->jobs = 1;
	return optind == argc && set->jobs >= 1 && set->jobs <= MAX_JOBS;
}

int main(int argc, char **argv)
{
	struct settings set = { .count = 50000, .seed = 1, .jobs = 2 };
	struct run r = { .set = &set };

	if (!parse(argc, argv, &set)) {
		fprintf(stderr, "usage: differential [--count N] [--seed S] [--jobs J] [--only I] "
				"[--ldt] [--stats]\n");
		return 1;
	}
	r.progress = mmap(0, sizeof(*r.progress) * MAX_JOBS, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r.progress == MAP_FAILED)
		return 1;
	if (!run_children(&r)) {
		for (unsigned n = 0; n < set.jobs; n++) {
			if (r.progress[n].phase == PHASE_REFUSED) {
				printf("differential: skipped: %s\n", r.progress[n].why);
				return EXIT_CANNOT_RUN;
			}
		}
		return 1;
	}
	return summarize(&r);
}
