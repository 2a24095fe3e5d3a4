/* SPDX-License-Identifier: MIT */
/*
 * The ends of the machine: panic, and the orderly exit.
 *
 * Both leave through the debug exit port (design, section 6: a panic is status 100) and never
 * return. They may be called from any context.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <lib/types.h>
#include <stdarg.h>

struct pt_regs;

#define EXIT_PANIC 100

/*
 * Prints the message, the caller's registers and stack trace, then exits with EXIT_PANIC. entry.S
 * saves the registers as they are at the call, and goes on in do_panic().
 */
void panic(const char *fmt, ...) __printf(1, 2) __noreturn;
void do_panic(struct pt_regs *regs, const char *fmt, va_list args) __printf(2, 0) __noreturn;

/* The panic of an exception nobody handled: says which one, and shows the state that it hit. */
void die(const char *what, struct pt_regs *regs, u32 error_code) __noreturn;

/* Ends the machine with a status of the guest's choice; vmm exits with it if it is below 100. */
void machine_exit(u32 status) __noreturn;

#endif
