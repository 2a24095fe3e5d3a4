/* SPDX-License-Identifier: MIT */
/*
 * Signals: those that ask vmm to end, the time limit, and those that it dies of.
 *
 * A handler gets nothing but a number, so signals.c holds the one pointer that it needs: to the
 * machine that runs. The rules: signals_install() first, signals_attach() once the machine exists,
 * signals_detach() when it has stopped; between the last two a signal becomes machine_interrupt(),
 * and the run loop ends it in order. Outside, or at the second signal, the terminal is put back and
 * the signal does what it always does.
 */
#ifndef VMM_CLI_SIGNALS_H
#define VMM_CLI_SIGNALS_H

#include <stdint.h>

#include "base/diag.h"

struct machine;

/* Install all handlers. Signals that the parent had us ignore stay ignored (nohup). */
int signals_install(struct diag *d);

/* Signals go to `m` from now on. With timeout_us, MACHINE_TIMEOUT goes to it after that time. */
int signals_attach(struct machine *m, uint64_t timeout_us, struct diag *d);

/* The machine has stopped: signals kill again, and the time limit is off. */
void signals_detach(void);

#endif
