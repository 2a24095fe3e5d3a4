/* SPDX-License-Identifier: MIT */
/*
 * What vmm says: lines on stderr, the summary of --stats, and the same as JSON.
 *
 * A count that the engine cannot know is "not counted" in the summary and null in the JSON.
 *
 * stderr may have no reader, or one that does not read: what cannot be written within
 * REPORT_WAIT_MS is dropped, and no failure. The caller ignores SIGPIPE.
 */
#ifndef VMM_CLI_REPORT_H
#define VMM_CLI_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "cli/options.h"
#include "machine/machine.h"

#define REPORT_WAIT_MS 5000

/* One finished run. */
struct report {
	const struct options *options;
	enum engine_mmu mmu; /* that was chosen */
	struct machine *machine;
	uint64_t wall_ns; /* of machine_run */
	int status;	  /* that vmm will exit with */
};

/* The file of --json or --trace. */
struct report_file {
	const char *option; /* which */
	const char *path;   /* NULL: it was not given */
	int fd;
	bool created; /* it was not there before */
};

/*
 * "vmm: " and a line on stderr; the newline is added, and control characters become '?'. A line
 * beyond DIAG_BYTES + 128 is cut.
 */
void report_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Text on stderr, as it is, around stdio: as much of it as stderr takes. */
void report_text(const char *text, size_t bytes);

/* Is `fd` a terminal that wants colour (https://no-color.org)? */
bool report_colour(int fd);

/* How a machine ended, in one word. */
const char *report_end_name(enum machine_end end);

/* The summary, by report_line(). */
void report_stats(const struct report *report);

/*
 * Open `path` (NULL: none, file->fd is -1) for what `option` asks, leaving what it holds. The errno
 * of open(2) as a negative number, with a line in `d` and file->fd -1; -ENXIO is a named pipe that
 * nobody reads. Afterwards either report_file_drop(), which removes what was created, or one of
 * report_file_write() and report_file_json(), which need no call that the jail forbids and end with
 * the file closed.
 */
int report_file_open(struct report_file *file, const char *option, const char *path,
		     struct diag *d);
void report_file_drop(struct report_file *file);

/* Empty the file; before the jail. What has no length, a pipe or a device, stays as it is. */
void report_file_begin(const struct report_file *file);

/* 0, also without a file; -ENOMEM, or the errno of write(2) as a negative number: a line in `d`. */
int report_file_write(struct report_file *file, const struct report *report, struct diag *d);

/* The same with any JSON, for an open file; `root` is taken over, NULL stands for no memory. */
struct json_t;
int report_file_json(struct report_file *file, struct json_t *root, struct diag *d);

#endif
