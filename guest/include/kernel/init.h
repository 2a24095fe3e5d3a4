/* SPDX-License-Identifier: MIT */
/* The first process. */
#ifndef KERNEL_INIT_H
#define KERNEL_INIT_H

#include <lib/types.h>

/*
 * Mounts the file systems and starts init as pid 1: what init= names, or else /sbin/init,
 * /etc/init, /bin/init, /bin/sh, the first that there is. The machine ends when it does, with its
 * status; if there is none, or a signal ends it, with a panic. The boot thread stays to reap kernel
 * threads.
 */
void __noreturn start_init(void);

#endif
