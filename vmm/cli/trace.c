// SPDX-License-Identifier: MIT
#include "cli/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define LINE_BYTES 128u
#define BUFFER_BYTES (1u << 18)

int trace_open(struct trace *t, const char *path, struct diag *d)
{
	*t = (struct trace){ .file.fd = -1 };
	return report_file_open(&t->file, "--trace", path, d);
}

int trace_begin(struct trace *t, struct diag *d)
{
	if (t->file.fd < 0)
		return 0;
	report_file_begin(&t->file);
	t->out = fdopen(t->file.fd, "w");
	if (!t->out || setvbuf(t->out, NULL, _IOFBF, BUFFER_BYTES))
		return diag_set(d, ENOMEM, "--trace %s: out of memory", t->file.path);
	return 0;
}

void trace_shadow_event(void *ctx, const struct shadow_event *event)
{
	struct trace *t = ctx;
	struct engine *e = t->machine ? t->machine->engine : NULL;
	struct x86_state state = { .eip = 0 };
	char line[LINE_BYTES];
	int bytes;

	if (e)
		e->ops->get_state(e, &state);
	bytes = snprintf(line, sizeof(line),
			 "%12" PRIu64 " %08" PRIx32 " %-8s %08" PRIx32 " %010" PRIx64 " %08" PRIx64
			 " %016" PRIx64 "\n",
			 e ? e->ops->now_ns(e) : 0, state.eip, shadow_event_name(event->what),
			 event->lin, event->gpa, event->guest, event->shadow);
	if (t->out)
		fwrite(line, 1, (size_t)bytes, t->out);
	else
		report_text(line, (size_t)bytes);
}

int trace_close(struct trace *t, struct diag *d)
{
	bool bad;

	if (!t->out)
		return 0;
	bad = ferror(t->out);
	if (fclose(t->out) || bad) {
		t->out = NULL;
		return diag_set(d, errno ? errno : EIO, "--trace %s: %s", t->file.path,
				strerror(errno ? errno : EIO));
	}
	t->out = NULL;
	return 0;
}

void trace_drop(struct trace *t)
{
	if (t->out)
		fclose(t->out);
	else
		report_file_drop(&t->file);
	t->out = NULL;
}
