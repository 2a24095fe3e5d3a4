/* SPDX-License-Identifier: MIT */
/*
 * Signals: those that ask vmm to end, the time limit, and those that it dies of.
 *
 * A handler gets nothing but a number, so signals.c holds the one pointer that it needs: to the
 * machine that runs. The rules: signals_install() right before the machine is built, signals_attach()
 * once it exists, signals_detach() when it has stopped. Between the first two, signals wait, because
 * the terminal may be in raw mode and no handler could know it; between the last two, they become
 * machine_interrupt(), and the run loop ends it in order. Later, or at the second signal, a signal
 * does what it always does, with the terminal put back.
 */
#ifndef VMM_CLI_SIGNALS_H
#define VMM_CLI_SIGNALS_H

#include <stdint.h>

#include "base/diag.h"

struct machine;

/* Install all handlers. SIGINT and the like stay ignored if the parent had them so (nohup). */
int signals_install(struct diag *d);

/* Signals go to `m` from now on. With timeout_us, MACHINE_TIMEOUT goes to it after that time. */
int signals_attach(struct machine *m, uint64_t timeout_us, struct diag *d);

/* The machine has stopped: the terminal is put back, the time limit is off, signals kill again. */
void signals_detach(void);

#endif
