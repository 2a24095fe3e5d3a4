/* SPDX-License-Identifier: MIT */
/*
 * The jail: what is left of the kernel's interface once guest code may run.
 *
 * A guest that finds a hole in vmm gets a process that can compute, talk to the descriptors it
 * already holds, and end: it cannot open, connect, execute, fork, or make memory executable. The
 * list is a table in jail.c, each call with its reason, in every build; what a sanitizer's runtime
 * needs stands apart there. A call off the list does not happen: SIGSYS is raised instead, and the
 * handler (cli/signals.h) names the call before the process dies of it.
 *
 * There is no way out of it. Everything that opens a file comes before.
 */
#ifndef VMM_CLI_JAIL_H
#define VMM_CLI_JAIL_H

#include "base/diag.h"

/* Is this the build with AddressSanitizer, whose jail has a hole for reading files? */
#if defined(__SANITIZE_ADDRESS__)
#define JAIL_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define JAIL_SANITIZED 1
#endif
#endif
#ifndef JAIL_SANITIZED
#define JAIL_SANITIZED 0
#endif

enum jail_kind {
	JAIL_SOFT, /* an engine that is a program alone */
	JAIL_KVM,  /* engine kvm: what it asks of its VM and vCPU while the guest runs */
};

/*
 * Enter: drop all capabilities, bound the number of descriptors, load the filter (which sets
 * no_new_privs). Call once, with one thread. Negative errno with a line in `d` where the host
 * cannot do it.
 */
int jail_enter(enum jail_kind kind, struct diag *d);

/*
 * Name of a system call that code in a jail would try, for the last message; NULL for others.
 * Async-signal-safe.
 */
const char *jail_call_name(int nr);

#endif
