// SPDX-License-Identifier: MIT
#include "model.h"
#include <signal.h>

uint32_t probe_load(const volatile void *p);
void probe_store(volatile void *p, uint32_t value);
extern char probe_load_at[], probe_store_at[], probe_done[];

static volatile int fault;

static void handler(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	if (uc->uc_mcontext.eip != (uint32_t)probe_load_at &&
	    uc->uc_mcontext.eip != (uint32_t)probe_store_at) {
		signal(sig, SIG_DFL);
		return; /* a fault of our own: once more, and for the last time */
	}
	fault = sig == SIGBUS ? FAULT_BUS : info->si_code;
	uc->uc_mcontext.eip = (uint32_t)probe_done;
}

void probe_init(void)
{
	struct sigaction act = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGBUS, &act, NULL);
}

int try_load(const char *p, uint32_t *word)
{
	fault = 0;
	*word = probe_load(p);
	return fault;
}

int try_store(char *p, uint32_t word)
{
	fault = 0;
	probe_store(p, word);
	return fault;
}
