/* SPDX-License-Identifier: MIT */
/*
 * The kernel command line.
 *
 * It begins with the path of the image, which is skipped; the rest is words `name=value` or `name`
 * between blanks; "..." keeps blanks in a word. Each option the kernel reads has one row in the
 * table of params.c and one field here; most need a value. A known one whose value makes no sense
 * is reported and ignored. Unknown words are init's, as in Linux: `name=value` for its environment,
 * others and all words after `--` are its arguments.
 */
#ifndef KERNEL_PARAMS_H
#define KERNEL_PARAMS_H

#include <lib/types.h>

#define COMMAND_LINE_SIZE 2048
#define TEST_NAME_MAX 80
#define INIT_WORDS_MAX 32 /* arguments and variables of init, each */

struct boot_params {
	bool tty;	   /* tty=0|1: a person is at the console: the guest echoes what is typed */
	bool debugcon;	   /* debugcon=0|1: copy the console to port 0xe9 */
	bool has_highmem;  /* highmem= was given */
	u32 exit_status;   /* exit=N: the status after the tests passed */
	bool slab_nomerge; /* slab_nomerge, slub_nomerge: no two caches share slabs */
	u32 numa;	   /* numa=N: split the RAM into N nodes; 0: one */
	u64 mem_bytes;	   /* mem=SIZE: use no RAM above this physical address; 0: no limit */
	u64 highmem_bytes; /* highmem=SIZE: how much of the RAM becomes HIGHMEM */
	const char *slub_debug;	  /* slub_debug[=...]: see mm/slub_debug.c; NULL: not given */
	const char *show;	  /* show=all|NAME,NAME: print these (mm/show.h); NULL: nothing */
	char test[TEST_NAME_MAX]; /* test=NAME: see tests/selftest.h; "": run init instead */
	const char *init;	  /* init=PATH; NULL: not given */
	const char *init_argv[INIT_WORDS_MAX + 2]; /* the first is for its path */
	const char *init_envp[INIT_WORDS_MAX + 3]; /* HOME and TERM first */
};

extern struct boot_params boot_params;

/* The command line as the loader gave it, trailing blanks removed. */
extern char saved_command_line[COMMAND_LINE_SIZE];

/* Fills boot_params from saved_command_line. */
void parse_params(void);

#endif
