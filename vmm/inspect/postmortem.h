/* SPDX-License-Identifier: MIT */
/*
 * What a person wants to know of a guest that died: how it came to that, where it stood, and what
 * its memory looks like from there.
 *
 * Guest state is hostile: CR3, ESP, EBP and everything behind them may be garbage. Guest memory is
 * read only through ram_span() and the page walker, without setting A or D, and every list is
 * bounded, so that a post-mortem always ends and never changes the guest.
 */
#ifndef VMM_INSPECT_POSTMORTEM_H
#define VMM_INSPECT_POSTMORTEM_H

#include <stdbool.h>
#include <stdio.h>

#include "inspect/symbols.h"
#include "machine/ram.h"
#include "x86/exec.h"
#include "x86/regs.h"

struct postmortem {
	const char *reason;		    /* first line, without a newline */
	const char *caveat;		    /* what `state` cannot tell, or NULL: it is exact */
	const struct x86_state *state;	    /* of the stopped vCPU */
	const struct x86_fault_log *faults; /* or NULL: the engine does not see them */
	const struct ram *ram;
	const struct symbols *symbols; /* or NULL */
	bool triple;		       /* the chain of exceptions ended in a triple fault */
	bool colour;		       /* write escape sequences for a terminal */
};

/* Write it all: "vmm: REASON", and indented lines below it. */
void postmortem_write(const struct postmortem *pm, FILE *out);

#endif
