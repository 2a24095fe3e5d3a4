// SPDX-License-Identifier: MIT
#include "cli/report.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const end_names[] = {
	[MACHINE_RUNNING] = "running",
	[MACHINE_EXITED] = "exited",
	[MACHINE_TRIPLE_FAULT] = "triple-fault",
	[MACHINE_UNSUPPORTED] = "unsupported",
	[MACHINE_HALTED] = "halted",
	[MACHINE_LIMIT] = "instruction-limit",
	[MACHINE_TIMEOUT] = "timeout",
	[MACHINE_LEFT] = "left",
	[MACHINE_SIGNAL] = "signal",
	[MACHINE_HOST_FAILED] = "host-failed",
};

const char *report_end_name(enum machine_end end)
{
	return end_names[end];
}

/* A pipe that polls writable takes PIPE_BUF bytes at once, so that no write waits. */
void report_text(const char *text, size_t bytes)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
	int wait_ms = REPORT_WAIT_MS;

	while (bytes) {
		int r = poll(&p, 1, wait_ms);
		ssize_t n;

		if (r < 0 && errno == EINTR && wait_ms) {
			wait_ms = 0; /* a signal may have asked to end */
			continue;
		}
		if (r <= 0)
			return;
		n = write(STDERR_FILENO, text, bytes < PIPE_BUF ? bytes : PIPE_BUF);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return;
		if (n > 0) {
			text += n;
			bytes -= (size_t)n;
		}
	}
}

void report_line(const char *fmt, ...)
{
	char text[DIAG_BYTES + 128] = "vmm: ";
	size_t len = strlen(text);
	va_list args;

	va_start(args, fmt);
	vsnprintf(text + len, sizeof(text) - 1 - len, fmt, args);
	va_end(args);
	for (len = 0; text[len]; len++)
		if ((unsigned char)text[len] < 0x20 || text[len] == 0x7f)
			text[len] = '?';
	text[len++] = '\n';
	report_text(text, len);
}

bool report_colour(int fd)
{
	const char *no = getenv("NO_COLOR");

	return !(no && *no) && isatty(fd);
}

/* NULL where the TLB is the CPU's own. */
static const char *tlb_model(const struct report *report)
{
	unsigned features = engine_features(report->machine->engine->ops, report->mmu);

	return features & ENGINE_MODELS_TLB ? options_tlb_name(report->options->tlb) : NULL;
}

/* --- the summary ------------------------------------------------------------------------------ */

/* Where time is no count of instructions, the guest's clock is the host's. */
static void stats_time(const struct engine *e, const struct engine_stats *s, uint64_t wall_ns)
{
	char count[48] = "instructions not counted", rate[48] = "", guest[48] = "";

	if (s->instructions != ENGINE_UNKNOWN) {
		snprintf(count, sizeof(count), "%" PRIu64 " instructions", s->instructions);
		if (wall_ns)
			snprintf(rate, sizeof(rate), " (%.0f million a second)",
				 (double)s->instructions * 1e3 / (double)wall_ns);
	}
	if (e->ops->features & ENGINE_VIRTUAL_TIME)
		snprintf(guest, sizeof(guest), ", %.3f ms of the guest's",
			 (double)e->ops->now_ns(e) / 1e6);
	report_line("  %s in %.3f ms of real time%s%s", count, (double)wall_ns / 1e6, rate, guest);
}

/* Reasons that never came up are left out. */
static void stats_exits(const struct engine_stats *s)
{
	char text[256] = "";
	size_t at = 0;

	for (unsigned i = 0; i < ENGINE_EXIT_REASONS && at < sizeof(text); i++)
		if (s->exits[i] && s->exits[i] != ENGINE_UNKNOWN)
			at += (size_t)snprintf(
				text + at, sizeof(text) - at, "%s%s %" PRIu64, at ? ", " : "",
				engine_exit_name((enum engine_exit_reason)i), s->exits[i]);
	if (at)
		report_line("  exits: %s", text);
}

static void stats_causes(const struct engine_stats *s)
{
	char text[384] = "";
	size_t at = 0;

	for (const struct engine_cause *c = s->cause; c->name && at < sizeof(text); c++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s %" PRIu64,
				       at ? ", " : "", c->name, c->count);
	if (at)
		report_line("  exits by cause: %s", text);
}

static void stats_count(const char *what, uint64_t count)
{
	if (count != ENGINE_UNKNOWN)
		report_line("  %s: %" PRIu64, what, count);
	else
		report_line("  %s: not counted", what);
}

/* The counters of the shadow MMU, as --stats and --json call them. */
static const struct shadow_counter {
	const char *what, *key;
	size_t at; /* in struct shadow_stats */
} shadow_counters[] = {
#define COUNTER(what, key)                                                                         \
	{                                                                                          \
		what, #key, offsetof(struct shadow_stats, key)                                     \
	}
	COUNTER("faults", faults),
	COUNTER("fills", fills),
	COUNTER("A/D updates", accessed_dirty),
	COUNTER("guest page faults", guest_faults),
	COUNTER("MMIO", mmio),
	COUNTER("write-protect faults", protect_faults),
	COUNTER("emulated writes", emulated_writes),
	COUNTER("tables out of sync", unsyncs),
	COUNTER("tables resynced", resyncs),
	COUNTER("root cache hits", root_hits),
	COUNTER("root cache misses", root_misses),
	COUNTER("frames unshadowed", unshadowed),
	COUNTER("pages recycled", recycled),
	COUNTER("entries dropped", zapped),
	COUNTER("INVLPGs", invlpgs),
	COUNTER("flushes by the guest", flushes),
	COUNTER("hardware flushes", hardware_flushes),
	COUNTER("audits", audits),
#undef COUNTER
};

static uint64_t shadow_count(const struct shadow_stats *s, const struct shadow_counter *c)
{
	uint64_t count;

	memcpy(&count, (const char *)s + c->at, sizeof(count));
	return count;
}

static void stats_shadow(const struct engine *e)
{
	const struct shadow *shadow = e->ops->shadow(e);
	struct shadow_stats s;

	if (!shadow)
		return;
	shadow_get_stats(shadow, &s);
	report_line("  shadow pages: %u of %u in use, %u at most", s.pool_used, s.pool_pages,
		    s.pool_most);
	for (unsigned i = 0; i < ARRAY_SIZE(shadow_counters); i++)
		report_line("  shadow %s: %" PRIu64, shadow_counters[i].what,
			    shadow_count(&s, &shadow_counters[i]));
}

void report_stats(const struct report *report)
{
	const struct options *o = report->options;
	struct machine *m = report->machine;
	const struct engine_ops *ops = m->engine->ops;
	struct engine_stats s;

	ops->stats(m->engine, &s);
	report_line("engine %s, mmu %s, tlb %s, %" PRIu64 " MiB of RAM; %s, status %d", ops->name,
		    options_mmu_name(report->mmu),
		    tlb_model(report) ? tlb_model(report) : "of the CPU", o->ram_bytes >> 20,
		    report_end_name(m->outcome.end), report->status);
	stats_time(m->engine, &s, report->wall_ns);
	stats_exits(&s);
	stats_causes(&s);
	stats_count("port accesses", s.io_exits);
	stats_count("MMIO accesses", s.mmio_exits);
	stats_count("guest page faults", s.guest_page_faults);
	stats_shadow(m->engine);
}

/* --- JSON ------------------------------------------------------------------------------------- */

/*
 * Text that may not be UTF-8, which JSON must be: then with '?' for every byte that is not ASCII.
 */
static json_t *text_json(const char *text)
{
	json_t *value = json_string(text);
	char *plain;

	if (value)
		return value;
	plain = strdup(text);
	if (!plain)
		return NULL;
	for (char *p = plain; *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	value = json_string(plain);
	free(plain);
	return value;
}

static json_t *count_json(uint64_t count)
{
	return count == ENGINE_UNKNOWN ? json_null() : json_integer((json_int_t)count);
}

static json_t *exits_json(const struct engine_stats *s)
{
	json_t *exits = json_object();

	for (unsigned i = 0; exits && i < ENGINE_EXIT_REASONS; i++)
		json_object_set_new(exits, engine_exit_name((enum engine_exit_reason)i),
				    count_json(s->exits[i]));
	return exits;
}

/* null with mmu direct. */
static json_t *shadow_json(const struct engine *e)
{
	const struct shadow *shadow = e->ops->shadow(e);
	struct shadow_stats s;
	json_t *counts;

	if (!shadow)
		return json_null();
	shadow_get_stats(shadow, &s);
	counts = json_pack("{s:i, s:i, s:i}", "pool_pages", (int)s.pool_pages, "pool_used",
			   (int)s.pool_used, "pool_most", (int)s.pool_most);
	for (unsigned i = 0; counts && i < ARRAY_SIZE(shadow_counters); i++)
		json_object_set_new(
			counts, shadow_counters[i].key,
			json_integer((json_int_t)shadow_count(&s, &shadow_counters[i])));
	return counts;
}

/* null where the engine does not tell. */
static json_t *causes_json(const struct engine_stats *s)
{
	json_t *causes = s->cause[0].name ? json_object() : json_null();

	for (const struct engine_cause *c = s->cause; causes && c->name; c++)
		json_object_set_new(causes, c->name, count_json(c->count));
	return causes;
}

static json_t *report_json(const struct report *report)
{
	const struct options *o = report->options;
	struct machine *m = report->machine;
	const struct engine_ops *ops = m->engine->ops;
	bool virtual_time = ops->features & ENGINE_VIRTUAL_TIME;
	struct engine_stats s;

	ops->stats(m->engine, &s);
	/* "o" takes over its value, and the whole is NULL if any part is. */
	return json_pack(
		"{s:s, s:s, s:s, s:s?, s:o, s:I, s:I, s:s, s:I, s:o, s:i,"
		" s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:I}",
		"version", VMM_VERSION, "engine", ops->name, "mmu", options_mmu_name(report->mmu),
		"tlb", tlb_model(report), "image", text_json(o->image), "ram_bytes",
		(json_int_t)o->ram_bytes, "seed", (json_int_t)o->seed, "end",
		report_end_name(m->outcome.end), "code", (json_int_t)m->outcome.code, "text",
		text_json(m->outcome.text), "status", report->status, "instructions",
		count_json(s.instructions), "exits", exits_json(&s), "exits_by_cause",
		causes_json(&s), "io_exits", count_json(s.io_exits), "mmio_exits",
		count_json(s.mmio_exits), "guest_page_faults", count_json(s.guest_page_faults),
		"shadow", shadow_json(m->engine), "clock", virtual_time ? "virtual" : "real",
		"virtual_ns", count_json(virtual_time ? ops->now_ns(m->engine) : ENGINE_UNKNOWN),
		"wall_ns", (json_int_t)report->wall_ns);
}

static bool is_named_pipe(const char *path)
{
	int saved_errno = errno;
	struct stat st;
	bool yes = !stat(path, &st) && S_ISFIFO(st.st_mode);

	errno = saved_errno;
	return yes;
}

int report_file_open(struct report_file *file, const char *option, const char *path, struct diag *d)
{
	*file = (struct report_file){ .option = option, .path = path, .fd = -1 };
	if (!path)
		return 0;
	file->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	file->created = file->fd >= 0;
	/* O_NONBLOCK: opening a named pipe must not wait for a reader. */
	if (file->fd < 0 && errno == EEXIST)
		file->fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (file->fd < 0 && errno == ENXIO && is_named_pipe(path))
		return diag_set(d, ENXIO, "%s %s: nobody reads it; start its reader first", option,
				path);
	/* A reader may be slow, though. */
	if (file->fd < 0 || fcntl(file->fd, F_SETFL, 0) < 0)
		return diag_set(d, errno, "%s %s: %s; name a file that can be written", option,
				path, strerror(errno));
	return 0;
}

void report_file_drop(struct report_file *file)
{
	if (file->fd < 0)
		return;
	close(file->fd);
	if (file->created)
		unlink(file->path);
	file->fd = -1;
}

/*
 * jansson would seed its hash tables from /dev/urandom at the first object, which is behind the
 * jail; nothing hostile chooses the keys here, and a fixed seed makes the same run the same bytes.
 */
#define JSON_SEED 1

void report_file_begin(const struct report_file *file)
{
	if (file->fd < 0)
		return;
	json_object_seed(JSON_SEED);
	if (ftruncate(file->fd, 0) < 0)
		return; /* a pipe or a device has no length */
}

int report_file_json(struct report_file *file, json_t *root, struct diag *d)
{
	char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
	int r = 0;

	if (!text)
		r = diag_set(d, ENOMEM, "%s %s: out of memory", file->option, file->path);
	else if (dprintf(file->fd, "%s\n", text) < 0)
		r = diag_set(d, errno, "%s %s: %s", file->option, file->path, strerror(errno));
	free(text);
	json_decref(root);
	close(file->fd);
	file->fd = -1;
	return r;
}

int report_file_write(struct report_file *file, const struct report *report, struct diag *d)
{
	return file->fd < 0 ? 0 : report_file_json(file, report_json(report), d);
}
