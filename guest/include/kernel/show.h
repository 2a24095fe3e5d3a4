/* SPDX-License-Identifier: MIT */
/*
 * Prints what mm/show.h tells of memory, on the console.
 */
#ifndef KERNEL_SHOW_H
#define KERNEL_SHOW_H

/*
 * names: "all", or names of files with commas between them; each file's text follows a line with its
 * name. An unknown name gets a warning.
 */
void show_files_named(const char *names);

#endif
