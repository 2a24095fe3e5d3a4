/* SPDX-License-Identifier: MIT */
/*
 * The #! line of a script. Freestanding, so that the host tests it.
 */
#ifndef FS_SCRIPT_H
#define FS_SCRIPT_H

#define SCRIPT_LINE 256 /* bytes of a file that are looked at, as in Linux */

/*
 * buf: the first bytes of a file, zeros behind its end. 1: *interp and *arg (NULL: none; blanks
 * inside stay) are strings in buf, which is changed; 0: it is no script; -ENOEXEC: the line names
 * no interpreter, or one that may be cut.
 */
int parse_script(char buf[SCRIPT_LINE], char **interp, char **arg);

#endif
