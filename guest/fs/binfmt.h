/* SPDX-License-Identifier: MIT */
/*
 * execve between its files: exec.c collects what the program gets, the formats look at its first
 * bytes.
 */
#ifndef FS_BINFMT_H
#define FS_BINFMT_H

#include "script.h"
#include <kernel/fs.h>

#define BINPRM_BUF SCRIPT_LINE /* of a file, to tell its format */

struct binprm {
	struct file *file;    /* the program; for a script its interpreter's */
	const char *filename; /* as execve() was called: AT_EXECFN, comm */
	u8 buf[BINPRM_BUF];   /* the file's first bytes, then zeros */
	u32 buf_bytes;
	struct mm_struct *mm; /* the new one; NULL once it is the task's */
	u32 argc, envc;
	u32 sp;		 /* on the new stack: below all strings, which are NUL-terminated */
	u32 filename_at; /* the place of filename on it */
	u32 random_at, platform_at;
	bool committed; /* the old program is gone */
};

/* A file that may be executed, or NULL and *err. */
struct file *open_exec(const char *path, int *err);

/*
 * The new mm becomes the task's, the stack gets its strings. 0 or error; from the first error on
 * that comes after it, the caller kills the task.
 */
int begin_new_exec(struct binprm *bprm, bool exec_stack);

/* binfmt_elf.c: the whole rest. 0, -ENOEXEC if it is none, or error. */
int load_elf(struct binprm *bprm, struct pt_regs *regs);

#endif
