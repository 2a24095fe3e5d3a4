/* SPDX-License-Identifier: MIT */
/*
 * The kernel's console output.
 *
 * printk() formats a whole call into one buffer and writes it to the UART, polling; it works before
 * interrupts are set up, inside handlers and during a panic. Text of one call longer than
 * PRINTK_MAX - 1 bytes is cut. There are no log levels: all text reaches the console.
 */
#ifndef KERNEL_PRINTK_H
#define KERNEL_PRINTK_H

#include <lib/types.h>
#include <stdarg.h>

#define PRINTK_MAX 1024

void printk(const char *fmt, ...) __printf(1, 2);
void vprintk(const char *fmt, va_list args) __printf(1, 0);

/* Sends a copy of all later text to the debug console, port 0xe9. There is no way back. */
void printk_enable_debugcon(void);

#endif
