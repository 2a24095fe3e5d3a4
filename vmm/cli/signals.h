/* SPDX-License-Identifier: MIT */
/*
 * Signals: those that ask vmm to end, those that stop it for a while, the time limits, and those
 * that it dies of. Every one that would end a process puts the terminal back first, and the status
 * is 128 + its number.
 *
 * A handler gets nothing but a number, so signals.c holds the one pointer that it needs: to the
 * machine that runs. The rules: signals_install() right before the machine is built,
 * signals_attach() once it exists, signals_detach() when it has stopped, signals_report() right
 * after that. Between the first two, signals wait, because the terminal may be in raw mode and no
 * handler could know it; between the second and the third, they become machine_interrupt(), and the
 * run loop ends it in order. Later, or at the second signal, a signal does what it always does,
 * with the terminal put back. SIGPIPE and SIGXFSZ are errors of write(2), from signals_ignore() to
 * the end of the process.
 */
#ifndef VMM_CLI_SIGNALS_H
#define VMM_CLI_SIGNALS_H

#include <stdint.h>

#include "base/diag.h"

struct machine;

/* How long vmm may take to tell what it has to tell, once the machine has stopped. */
#define SIGNALS_REPORT_SEC 5

/*
 * What nobody reads, and a file that has reached its limit (ulimit -f), are errors to tell, and no
 * deaths. Cannot fail; may be called again.
 */
void signals_ignore(void);

/*
 * Install all handlers. SIGINT and the like stay ignored if the parent had them so (nohup). The
 * errno of sigaction(2) and the like as a negative number, with a line in `d`.
 */
int signals_install(struct diag *d);

/*
 * Signals go to `m` from now on. With timeout_us, MACHINE_TIMEOUT goes to it after that time; 0: no
 * limit. The errno of setitimer(2) as a negative number, with a line in `d`; `m` is attached all
 * the same.
 */
int signals_attach(struct machine *m, uint64_t timeout_us, struct diag *d);

/* The machine has stopped: the terminal is put back, the time limit is off, signals kill again. */
void signals_detach(void);

/*
 * From now on vmm has SIGNALS_REPORT_SEC seconds to end by itself: a symbol file may be made to
 * waste time, and nobody may read stderr. When they are over, `reason` is all that is said, and the
 * process exits with `status`. Called again, both change, and the time begins anew. Cannot fail.
 */
void signals_report(int status, const char *reason);

#endif
