/* SPDX-License-Identifier: MIT */
/*
 * The terminal: Linux's line discipline (termios(3)) over the UART. Without a person at the console
 * (tty=0) it is no terminal: bytes pass as they are in both directions, and the ioctls say ENOTTY.
 *
 * Output is never changed unless a program sets ONLCR: the console's text may go to a pipe, and a
 * terminal that vmm or QEMU drive adds the carriage returns itself.
 */
#ifndef DRIVERS_TTY_H
#define DRIVERS_TTY_H

#include <lib/types.h>

extern const struct file_operations tty_ops;

/* A byte as if it had been received. For the receiver and tests; interrupts are off. */
void tty_input(u8 c);

/* From here on received bytes are the terminal's, not uart_getc()'s. */
void tty_init(void);

#endif
