/* SPDX-License-Identifier: MIT */
/*
 * Prints what mm/show.h tells of memory, on the console.
 */
#ifndef KERNEL_SHOW_H
#define KERNEL_SHOW_H

#include <lib/types.h>

/*
 * names: "all", or names of files with commas between them; each file's text follows a line with
 * its name. An unknown name gets a warning; SHOW_SYSCALLS waits for the end of the machine.
 */
void show_files_named(const char *names);

#define SHOW_SYSCALLS "syscalls" /* unknown system calls by number */

/* Is name one of names? */
bool show_asks_for(const char *names, const char *name);

#endif
