/* SPDX-License-Identifier: MIT */
/*
 * --trace shadow[=FILE]: a line for each event of the shadow MMU, on stderr or in FILE:
 *
 *   TIME EIP EVENT LINEAR ADDRESS GUEST SHADOW
 *
 * Virtual time in ns (decimal) and EIP of the instruction at work; then what happened, where, the
 * guest-physical address of the guest's entry (or of the frame that the event is about), the
 * guest's entry and the shadow's, all hexadecimal.
 */
#ifndef VMM_CLI_TRACE_H
#define VMM_CLI_TRACE_H

#include <stdio.h>

#include "cli/report.h"
#include "mmu/shadow.h"

struct trace {
	struct report_file file;
	FILE *out;		 /* NULL: stderr */
	struct machine *machine; /* NULL while it is being built: time and EIP are 0 then */
};

/* `path`: NULL is stderr. Errors as of report_file_open(). */
int trace_open(struct trace *t, const char *path, struct diag *d);
/* Before the jail: the file is emptied, and a stream made of it. -ENOMEM. */
int trace_begin(struct trace *t, struct diag *d);
/* What struct engine_shadow_config wants; `ctx` is the struct trace. */
void trace_shadow_event(void *ctx, const struct shadow_event *event);
/* The last lines, too. -EIO and others: a line in `d`. */
int trace_close(struct trace *t, struct diag *d);
/* It did not come to a run: leave no file that was not there. */
void trace_drop(struct trace *t);

#endif
