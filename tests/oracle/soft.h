/* SPDX-License-Identifier: MIT */
/*
 * The executor's side: a vCPU of x86/exec.h at CPL 3 in a small RAM that mirrors the native
 * windows, the descriptors that the native kernel shows, and an IDT whose handlers are HLT
 * instructions in ring 0, so that an exception ends the run with its frame on the ring-0 stack.
 *
 * Control registers are what Linux shows to user code (SMSW, also the value its UMIP emulation
 * gives). The descriptors, the IDT and the ring-0 stack lie in one supervisor page.
 */
#ifndef TESTS_ORACLE_SOFT_H
#define TESTS_ORACLE_SOFT_H

#include <stdbool.h>
#include <stdint.h>

#include "layout.h"
#include "native.h"
#include "x86/exec.h"

struct soft;

/* NULL: out of memory. `foreign`: addresses that mean something else natively. */
struct soft *soft_create(const struct native *n, enum x86_tlb_kind tlb);
void soft_destroy(struct soft *s);

/* Load an image and a start state. */
void soft_begin(struct soft *s, const struct start_state *start, const uint8_t image[IMAGE_BYTES]);

/*
 * Go on for up to `insns` instructions. True: the run has ended, *out says how; OUTCOME_NONE with a
 * reason in soft_reason() if not by an exception.
 */
bool soft_go(struct soft *s, unsigned insns, struct outcome *out);

/* The windows as they are now. */
const uint8_t *soft_image(const struct soft *s);
/* Registers as they are now. */
void soft_state(const struct soft *s, struct x86_state *state);

/*
 * Why this run cannot be compared, or NULL: it touched an address that the test's own process uses,
 * or ended in no exception.
 */
const char *soft_reason(const struct soft *s);

#endif
