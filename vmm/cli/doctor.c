// SPDX-License-Identifier: MIT
#include "cli/doctor.h"

#include <cpuid.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/report.h"
#include "machine/ram.h"

/* --- the speed of engine soft ----------------------------------------------------------------- */

#define LOOP_AT 0x1000u
#define LOOP_NS 50000000u   /* how long it runs */
#define LOOP_INSNS 1000000u /* between two looks at the clock */
#define NS_PER_SEC 1000000000u

/* Registers alone, each instruction needing one before it, as in ./x bench alu. */
static const uint8_t loop_code[] = {
	0x01, 0xd8,		/* 1: add eax, ebx */
	0x31, 0xc2,		/*    xor edx, eax */
	0xc1, 0xe3, 0x03,	/*    shl ebx, 3 */
	0x8d, 0x74, 0x50, 0x07, /*    lea esi, [eax + edx * 2 + 7] */
	0x29, 0xf3,		/*    sub ebx, esi */
	0xc1, 0xca, 0x05,	/*    ror edx, 5 */
	0x49,			/*    dec ecx */
	0x75, 0xed,		/*    jnz 1b */
	0xeb, 0xeb,		/*    jmp 1b */
};

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_SEC + (uint64_t)now.tv_nsec;
}

/* Instructions a second in the loop at EIP; 0: it does not run. */
static uint64_t loop_hz(struct engine *e)
{
	uint64_t start = clock_ns(), ns;
	struct engine_stats stats;
	struct engine_exit out;

	do {
		e->ops->run(e, e->ops->now_ns(e) + LOOP_INSNS, &out);
		ns = clock_ns() - start;
	} while (out.reason == ENGINE_EXIT_DEADLINE && ns < LOOP_NS);
	e->ops->stats(e, &stats);
	if (out.reason != ENGINE_EXIT_DEADLINE || !ns)
		return 0;
	return (uint64_t)((double)stats.instructions * NS_PER_SEC / (double)ns);
}

/* The loop needs no bus: it touches registers alone. */
static uint64_t soft_measure(struct diag *d)
{
	struct ram ram = { .fd = -1 };
	const struct engine_config config = { .ram = &ram, .mmu = ENGINE_MMU_DIRECT };
	struct engine *e = NULL;
	struct x86_state state;
	uint64_t hz = 0;

	if (!ram_create(&ram, RAM_MIN_BYTES, d) && !engine_soft.create(&e, &config, d)) {
		memcpy(ram_span(&ram, LOOP_AT, sizeof(loop_code)), loop_code, sizeof(loop_code));
		e->ops->get_state(e, &state);
		state.eip = LOOP_AT;
		e->ops->set_state(e, &state);
		hz = loop_hz(e);
		if (!hz)
			diag_set(d, EIO, "the loop that measures it stopped");
		e->ops->destroy(e);
	}
	ram_destroy(&ram);
	return hz;
}

/* --- looking ---------------------------------------------------------------------------------- */

/* Intel SDM vol. 2, CPUID leaf 1, ECX bit 5; AMD APM vol. 3, leaf 8000_0001h, ECX bit 2. */
static const char *cpu_extension(void)
{
	uint32_t a, b, c, d;

	if (__get_cpuid(1, &a, &b, &c, &d) && c >> 5 & 1)
		return "VMX";
	if (__get_cpuid(0x80000001, &a, &b, &c, &d) && c >> 2 & 1)
		return "SVM";
	return NULL;
}

static void look(struct findings *f)
{
	const struct choice_request automatic = {
		.list = engine_list,
		.name = "auto",
		.mmu = ENGINE_MMU_DIRECT,
	};

	*f = (struct findings){ .cpu = cpu_extension() };
	kvm_host_look(&f->kvm, true);
	if (!f->kvm.problem[0])
		f->exit_ns = kvm_host_exit_ns();
	f->soft_hz = soft_measure(&f->soft);
	choice_make(&f->choice, &automatic, NULL);
}

/* What would help, where the problem itself does not say; NULL: nothing is to be added. */
static const char *advice(const struct findings *f)
{
	if (!f->kvm.problem[0])
		return NULL;
	if (f->kvm.openable)
		return "run on a host whose own KVM is kvm_intel or kvm_amd: bare metal, or a "
		       "virtual machine that has nested virtualization";
	if (!f->kvm.there && !f->cpu)
		return "this processor shows neither VMX nor SVM: turn it on in the firmware, or, in "
		       "a virtual machine, ask for nested virtualization";
	return NULL;
}

/* Did the look come as far as asking KVM itself? */
static bool answered(const struct kvm_host *h)
{
	return h->openable && h->api_version == KVM_API_VERSION;
}

/* Did it come as far as running the probe's guest? */
static bool probed(const struct kvm_host *h)
{
	for (unsigned i = 0; i < KVM_EXT_COUNT; i++)
		if (kvm_extension_needed((enum kvm_extension)i) && !h->extension[i])
			return false;
	return answered(h);
}

/* --- the table -------------------------------------------------------------------------------- */

#define LABEL_COLUMNS 27

enum mood { PLAIN, GOOD, POOR, BAD };

struct table {
	FILE *out;
	bool colour;
};

static void heading(const struct table *t, const char *text)
{
	fprintf(t->out, t->colour ? "\033[1m%s\033[0m\n" : "%s\n", text);
}

static void row(const struct table *t, const char *label, enum mood mood, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void row(const struct table *t, const char *label, enum mood mood, const char *fmt, ...)
{
	static const char *const codes[] = {
		[PLAIN] = "",
		[GOOD] = "\033[32m",
		[POOR] = "\033[33m",
		[BAD] = "\033[31m",
	};
	va_list args;

	fprintf(t->out, "  %-*s  %s", LABEL_COLUMNS, label, t->colour ? codes[mood] : "");
	va_start(args, fmt);
	vfprintf(t->out, fmt, args);
	va_end(args);
	fprintf(t->out, "%s\n", t->colour && mood != PLAIN ? "\033[0m" : "");
}

/* A question to KVM: "not known" where it did not come to asking. */
static void row_answer(const struct table *t, const char *label, bool known, bool yes,
		       enum mood mood_of_no)
{
	row(t, label,
	    !known ? PLAIN
	    : yes  ? GOOD
		   : mood_of_no,
	    "%s",
	    !known ? "not known"
	    : yes  ? "yes"
		   : "no");
}

static void table_kvm(const struct table *t, const struct findings *f)
{
	const struct kvm_host *h = &f->kvm;

	heading(t, "this host");
	row(t, "processor's extension", f->cpu ? GOOD : POOR, "%s",
	    f->cpu ? f->cpu : "none: neither VMX nor SVM is there, or shown");
	row(t, "/dev/kvm", h->openable ? GOOD : BAD, "%s",
	    h->openable ? "there, and can be opened"
	    : h->there	? "there, but cannot be opened"
			: "not there");
	row(t, "KVM module", PLAIN, "%s", h->vendor[0] ? h->vendor : "none loaded that is known");
	if (h->api_version)
		row(t, "KVM API version", answered(h) ? GOOD : BAD, "%d", h->api_version);
	else
		row(t, "KVM API version", PLAIN, "not known");
	row_answer(t, "32-bit guest with paging", probed(h), h->paging32, BAD);
	row_answer(t, "long mode for guests", answered(h), h->long_mode, POOR);
	row_answer(t, "UMIP", answered(h), h->umip, POOR);
	for (unsigned i = 0; i < KVM_EXT_COUNT; i++) {
		bool needed = kvm_extension_needed((enum kvm_extension)i);

		row(t, kvm_extension_name((enum kvm_extension)i),
		    !answered(h)      ? PLAIN
		    : h->extension[i] ? GOOD
		    : needed	      ? BAD
				      : POOR,
		    "%s%s",
		    !answered(h)      ? "not known"
		    : h->extension[i] ? "yes"
				      : "no",
		    needed ? " (needed)" : "");
	}
}

static void table_measured(const struct table *t, const struct findings *f)
{
	heading(t, "measured");
	if (f->kvm.probe_ns)
		row(t, "look at KVM, and probe", PLAIN, "%.2f ms", (double)f->kvm.probe_ns / 1e6);
	else
		row(t, "look at KVM, and probe", PLAIN, "not measured");
	if (f->exit_ns)
		row(t, "exit by OUT, and back", PLAIN, "%.2f us", (double)f->exit_ns / 1e3);
	else
		row(t, "exit by OUT, and back", PLAIN, "not measured");
	if (f->soft_hz)
		row(t, "engine soft, ALU loop", PLAIN, "%.0f million instructions a second",
		    (double)f->soft_hz / 1e6);
	else
		row(t, "engine soft, ALU loop", PLAIN, "not measured");
}

/* Of mmu shadow there is something to say where KVM answers at all. */
static void table_shadow(const struct table *t, const struct findings *f)
{
	char reason[KVM_HOST_TEXT];
	bool can;

	if (!answered(&f->kvm))
		return;
	can = kvm_host_can_shadow(&f->kvm, reason, sizeof(reason));
	row(t, "engine kvm, mmu shadow", can ? GOOD : BAD, "%s: %s",
	    can ? "works" : "does not work", reason);
}

void doctor_table(const struct findings *f, bool colour, FILE *out)
{
	const struct table t = { .out = out, .colour = colour };
	const char *hint = advice(f);

	table_kvm(&t, f);
	table_measured(&t, f);
	heading(&t, "what follows");
	if (f->kvm.problem[0])
		row(&t, "engine kvm", BAD, "does not work: %s", f->kvm.problem);
	else
		row(&t, "engine kvm", GOOD, "works");
	if (hint)
		row(&t, "to have engine kvm", PLAIN, "%s", hint);
	table_shadow(&t, f);
	if (f->soft_hz)
		row(&t, "engine soft", GOOD, "works");
	else
		row(&t, "engine soft", BAD, "does not work: %s", f->soft.text);
	if (f->choice.engine)
		row(&t, "--engine auto takes", PLAIN, "%s: %s", f->choice.engine->name,
		    f->choice.why);
	else
		row(&t, "--engine auto takes", BAD, "nothing: no engine works here");
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *answer_json(bool known, bool yes)
{
	return known ? json_boolean(yes) : json_null();
}

static json_t *count_json(uint64_t count)
{
	return count ? json_integer((json_int_t)count) : json_null();
}

static json_t *extensions_json(const struct kvm_host *h)
{
	json_t *all = json_object();

	for (unsigned i = 0; i < KVM_EXT_COUNT; i++) {
		json_t *value = answer_json(answered(h), h->extension[i]);

		json_object_set_new(all, kvm_extension_name((enum kvm_extension)i), value);
	}
	return all;
}

static json_t *kvm_json(const struct findings *f)
{
	const struct kvm_host *h = &f->kvm;
	char reason[KVM_HOST_TEXT];

	return json_pack(
		"{s:b, s:b, s:o, s:s?, s:s?, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:s?, s:s?}",
		"device", h->there, "openable", h->openable, "api_version",
		count_json(h->api_version > 0 ? (uint64_t)h->api_version : 0), "module",
		h->vendor[0] ? h->vendor : NULL, "processor", f->cpu, "paging32",
		answer_json(probed(h), h->paging32), "long_mode",
		answer_json(answered(h), h->long_mode), "umip", answer_json(answered(h), h->umip),
		"extensions", extensions_json(h), "probe_ns", count_json(h->probe_ns), "exit_ns",
		count_json(f->exit_ns), "works", !h->problem[0], "shadow_works",
		kvm_host_can_shadow(h, reason, sizeof(reason)), "problem",
		h->problem[0] ? h->problem : NULL, "advice", advice(f));
}

struct json_t *doctor_json(const struct findings *f)
{
	const struct engine_ops *engine = f->choice.engine;

	return json_pack("{s:s, s:o, s:{s:b, s:o, s:s?}, s:{s:s?, s:s?}}", "version", VMM_VERSION,
			 "kvm", kvm_json(f), "soft", "works", f->soft_hz != 0,
			 "instructions_per_second", count_json(f->soft_hz), "problem",
			 f->soft_hz ? NULL : f->soft.text, "auto", "engine",
			 engine ? engine->name : NULL, "why", engine ? f->choice.why : NULL);
}

int doctor_run(const struct options *o)
{
	struct report_file json;
	struct diag d = { .text = "" };
	struct findings f;

	if (report_file_open(&json, "--json", o->json, &d) < 0) {
		report_line("%s", d.text);
		return STATUS_REFUSED;
	}
	look(&f);
	doctor_table(&f, report_colour(STDOUT_FILENO), stdout);
	if (fflush(stdout) || ferror(stdout))
		diag_set(&d, errno, "cannot write to stdout: %s", strerror(errno));
	report_file_begin(&json);
	if (json.fd >= 0)
		report_file_json(&json, doctor_json(&f), &d);
	if (d.text[0]) {
		report_line("%s", d.text);
		return STATUS_FAILED;
	}
	return f.soft_hz || !f.kvm.problem[0] ? 0 : STATUS_REFUSED;
}
