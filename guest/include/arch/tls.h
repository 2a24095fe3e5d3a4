/* SPDX-License-Identifier: MIT */
/*
 * Thread-local storage: the GDT's slots 6..8, which are the task's own (set_thread_area(2)).
 *
 * Descriptors are built from the user's struct user_desc and so cannot be but 32-bit or 16-bit code
 * or data of ring 3: no call gates, no system segments.
 */
#ifndef ARCH_TLS_H
#define ARCH_TLS_H

#include <arch/desc.h>

#define TLS_SLOTS 3

/* Into the GDT what differs there: under a VMM each store to the GDT costs an exit. */
void load_tls(const struct desc_struct tls[TLS_SLOTS]);

struct task_struct;

/*
 * set_thread_area(2) on another task's behalf: clone's child gets the descriptor at user_desc (a
 * user address). allocate: entry number -1 means a free slot, and is written back. 0 or error.
 */
int do_set_thread_area(struct task_struct *t, u32 user_desc, bool allocate);

#endif
