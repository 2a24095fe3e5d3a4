/* SPDX-License-Identifier: MIT */
/*
 * The subcommand `doctor`: what this host's KVM offers, how fast the engines are here, which one
 * --engine auto takes and why. It looks and measures for about a tenth of a second and changes
 * nothing.
 */
#ifndef VMM_CLI_DOCTOR_H
#define VMM_CLI_DOCTOR_H

#include <stdint.h>
#include <stdio.h>

#include "cli/choice.h"
#include "cli/options.h"
#include "engine/kvm_host.h"

/* What was found out. */
struct findings {
	struct kvm_host kvm;
	const char *cpu;      /* "VMX", "SVM", or NULL: the processor shows neither */
	uint64_t exit_ns;     /* 0: not measured, as engine kvm does not work */
	uint64_t soft_hz;     /* instructions a second; 0: engine soft does not work */
	struct diag soft;     /* and why not */
	struct choice choice; /* of --engine auto; no engine: none works */
};

/* The table on stdout, the same to --json. Returns the exit status of vmm: 0 if an engine works. */
int doctor_run(const struct options *o);

/* The table alone, for these findings. */
void doctor_table(const struct findings *f, bool colour, FILE *out);

/* The object of --json, with the keys that vmm(1) lists; NULL: no memory. */
struct json_t *doctor_json(const struct findings *f);

#endif
