/* SPDX-License-Identifier: MIT */
/*
 * The words of a command line made into values.
 *
 * One table in options.c holds every option: its spelling, its argument, the field it sets, what
 * --help says about it. Parsing touches nothing but the struct it fills: no file is opened and no
 * host is asked, so that a value is judged by its form and range alone. Texts point into argv.
 *
 * Options stand before or after IMAGE; "--" ends them. Given twice, the last one wins. Each option
 * belongs to one or more commands; `help` and `version` to all of them.
 */
#ifndef VMM_CLI_OPTIONS_H
#define VMM_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/diag.h"
#include "engine/engine.h"
#include "x86/exec.h"

/* What design section 6 calls bad image, bad option, unusable host. */
#define STATUS_REFUSED 102
/* A failure of the host or of vmm itself. */
#define STATUS_FAILED 104

/* What `vmm WORD` does, as bits: an option names the commands that take it. */
enum options_command {
	COMMAND_RUN = 1,
	COMMAND_DOCTOR = 2,
};

#define OPTIONS_MMU_AUTO 2u

struct options {
	const char *image;  /* of COMMAND_RUN alone */
	const char *append; /* or NULL */
	const char *initrd; /* or NULL */
	const char *json;   /* or NULL */
	const char *engine; /* "auto" or a name to look up in engine_list */
	uint64_t ram_bytes;
	uint64_t limit_insns; /* 0: none */
	uint64_t timeout_us;  /* 0: none */
	uint64_t seed;
	const char *trace;     /* "shadow" or "shadow=FILE", or NULL */
	const char *dump;      /* "shadow", or NULL */
	const char *of_shadow; /* name of an option that mmu direct has no use for, or NULL */
	uint64_t shadow_pages;
	unsigned shadow_sync; /* enum shadow_sync */
	unsigned mmu;	      /* enum engine_mmu, or OPTIONS_MMU_AUTO */
	unsigned tlb;	      /* enum x86_tlb_kind */
	unsigned wants;	      /* ENGINE_* features that an option asks of the engine */
	bool stats;
	bool shadow_audit;
	bool help;    /* --help was there: nothing else was looked at after it */
	bool version; /* the same for --version */
};

/*
 * Parse the words after the command name. 0: *o is filled; for COMMAND_RUN, o->image is set unless
 * help or version is asked. -EINVAL: `d` names the word and the mend.
 */
int options_parse(struct options *o, enum options_command command, int argc, char *const *argv,
		  struct diag *d);

/* The option part of --help: one entry for each row of the table that the command has. */
void options_help(enum options_command command, FILE *out);

/* FILE of --trace shadow=FILE; NULL: stderr. */
const char *options_trace_file(const struct options *o);

/* Spellings of o->mmu and o->tlb. */
const char *options_mmu_name(unsigned mmu);
const char *options_tlb_name(unsigned tlb);

#endif
