/* SPDX-License-Identifier: MIT */
/*
 * Runs 32-bit code on the real CPU, in compatibility mode, inside a process that can be lost.
 *
 * The 64-bit process maps the windows of layout.h below 4 GiB, enters the code with IRETQ (which
 * sets CS, EIP, EFLAGS, SS and ESP in one step) and leaves it by whatever exception the code
 * raises: a signal handler on its own stack takes the state from the signal frame and returns to
 * the caller of native_run without a sigreturn. 32-bit code cannot name an address above 4 GiB, so
 * the rest of the process is out of its reach; system calls of the 32-bit ABI end in SIGSYS by a
 * seccomp filter.
 *
 * FS base holds the C library's thread pointer. It is lost while native code runs, so the handler
 * touches no thread-local storage before it has put it back.
 */
#ifndef TESTS_ORACLE_NATIVE_H
#define TESTS_ORACLE_NATIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "layout.h"

struct native;

/* A range of addresses below 4 GiB that this process uses itself (a sanitizer's shadow). */
struct native_range {
	uint64_t start, end;
};

/* What LAR and LSL tell user code about the kernel's GDT. */
struct native_gdt_row {
	bool visible;
	uint32_t access; /* as LAR: bits 8..15 and 20..23 of the descriptor's high word */
	uint32_t limit;	 /* in bytes */
};

#define NATIVE_GDT_ROWS 16u
#define NATIVE_RANGES 32u

/*
 * Map the windows, install handlers, LDT and filter. Call once in a process that does nothing else.
 * NULL with a reason in *why: this host cannot run 32-bit code this way.
 */
struct native *native_create(const char **why);

/* Run from `start` until an exception. The windows hold what the code left there. */
void native_run(struct native *n, const struct start_state *start, struct outcome *out);

/*
 * Copy an image into the windows and out of them. A window that could not be mapped is left out on
 * both ways.
 */
void native_load(struct native *n, const uint8_t image[IMAGE_BYTES]);
void native_save(const struct native *n, uint8_t image[IMAGE_BYTES]);
/* Compare the windows with an image. */
bool native_equals(const struct native *n, const uint8_t image[IMAGE_BYTES]);

/* Is the window below 64 KiB there? vm.mmap_min_addr may forbid it. */
bool native_has_low(const struct native *n);
/* Did modify_ldt(2) accept the LDT? */
bool native_has_ldt(const struct native *n);
void native_gdt(const struct native *n, struct native_gdt_row row[NATIVE_GDT_ROWS]);
/* Ranges below 4 GiB that are mapped and not ours; returns how many. */
unsigned native_foreign(const struct native *n, struct native_range *out, unsigned max);

#endif
