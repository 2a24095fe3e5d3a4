/* SPDX-License-Identifier: MIT */
/*
 * One line of explanation that travels up beside a negative errno.
 *
 * A library function that can fail for more than one reason takes a `struct diag *` and, where it
 * fails, names the thing and the mend in it. Only cli/ prints. The first line set wins, so that the
 * cause stands and not its consequence.
 */
#ifndef VMM_BASE_DIAG_H
#define VMM_BASE_DIAG_H

#define DIAG_BYTES 512

struct diag {
	char text[DIAG_BYTES]; /* one line without a newline; empty when nothing went wrong */
};

/*
 * Record why, and return -err. `d` may be NULL: then only the errno is reported.
 * The text is cut at DIAG_BYTES and control characters in it (names given by a user, bytes of an
 * image) become '?', so that a message stays one line and cannot steer a terminal.
 */
int diag_set(struct diag *d, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
