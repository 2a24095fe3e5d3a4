/* SPDX-License-Identifier: MIT */
/*
 * The host's end of the guest's console: two file descriptors, one in, one out.
 *
 * Output is buffered and written when CONSOLE_OUT_BYTES are there, after each line if the
 * descriptor is a terminal, and on console_flush(). Bytes are not changed. After an error that a
 * retry cannot mend (-EPIPE, -EIO, ...) the error stays, console_flush() returns it, and output is
 * dropped; the caller ignores SIGPIPE. A write that blocks ends early only after
 * console_interrupt().
 *
 * Input never blocks, and O_NONBLOCK is not set on the descriptor, which others share. A regular
 * file and /dev/null have their bytes at once and end; a closed or unusable descriptor is an input
 * that has ended; so is a terminal that this process is not in the foreground of. A pipe's bytes
 * come when the writer gives them.
 *
 * A terminal is in raw mode from console_open() to console_close(), output processing left on, and
 * Ctrl-A is a prefix there: Ctrl-A x leaves, Ctrl-A Ctrl-A is one Ctrl-A; before anything else it
 * is passed on with what follows. The terminal is always read, so that Ctrl-A x works while the
 * guest takes nothing; typed bytes beyond CONSOLE_IN_BYTES are then dropped, as a tty does.
 *
 * One thread uses a console; console_restore(), console_resume() and console_interrupt() may be
 * called from signal handlers. System calls: poll, ppoll, read, write, ioctl TCSETS and TIOCGPGRP;
 * at open also fcntl F_GETFL and ioctl TCGETS.
 */
#ifndef VMM_DEV_CONSOLE_H
#define VMM_DEV_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

#define CONSOLE_OUT_BYTES 4096u
#define CONSOLE_IN_BYTES 4096u

struct console;

/*
 * -ENOMEM; -EBADF with a line in `d` if out_fd is not open for writing; the error of the terminal
 * if it cannot be set. in_fd may be -1.
 */
int console_open(struct console **out, int in_fd, int out_fd, struct diag *d);

/* Flush, restore the terminal, free. The descriptors stay open. */
void console_close(struct console *con);

/* One byte of output. */
void console_put(struct console *con, uint8_t byte);

/*
 * 0 when everything is written; -EINTR after console_interrupt() if the rest would block; an error.
 */
int console_flush(struct console *con);

/* The error that ended output, or 0. */
int console_error(const struct console *con);

/*
 * The next byte for the guest: 1 and *byte, or 0 if there is none now, or -ECANCELED once the user
 * has left by Ctrl-A x.
 */
int console_poll_input(struct console *con, uint8_t *byte);

/* Has the user left? Looks at the terminal, too: for while the guest takes no input. */
bool console_left(struct console *con);

/*
 * May a byte come later, in real time (terminal, pipe, socket)? False for what has its bytes at
 * once or has ended.
 */
bool console_input_live(const struct console *con);

/*
 * Flush, then sleep until input may be there, a signal came, or timeout_ns passed; never longer
 * than CONSOLE_WAIT_NS, so that a signal that came just before is noticed.
 */
#define CONSOLE_WAIT_NS 100000000u
void console_wait(struct console *con, uint64_t timeout_ns);

/*
 * Put the terminal back as it was found; it may be called more than once. In the background the
 * terminal is another's, and nothing happens.
 */
void console_restore(const struct console *con);

/* Make the terminal raw again after console_restore(), when a stopped process goes on. */
void console_resume(const struct console *con);

/* The machine is to end: a write that blocks gives up. */
void console_interrupt(struct console *con);

#endif
