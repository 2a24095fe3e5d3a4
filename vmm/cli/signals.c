// SPDX-License-Identifier: MIT
#include "cli/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/types.h"
#include "cli/jail.h"
#include "dev/console.h"
#include "machine/machine.h"

#define USEC_PER_SEC 1000000u
/* How long after the time limit the run loop may take to notice. */
#define GRACE_SEC 5
#define STATUS_TIMEOUT 101
/* si_code of a SIGSYS from seccomp: SYS_SECCOMP of the kernel's siginfo.h, which glibc lacks. */
#define SIGSYS_SECCOMP 1

/* The only state of vmm outside of a struct that is passed on: handlers have no other way to it. */
static struct {
	struct machine *_Atomic machine; /* NULL: none runs */
	atomic_bool asked;		 /* a signal or the time limit has asked it to end */
	char stack[16 << 10];		 /* for a crash by a full stack */
} hub;

/* --- inside handlers: async-signal-safe calls only ------------------------------------------- */

struct line {
	char text[128];
	size_t len;
};

static void line_text(struct line *l, const char *text)
{
	for (; *text && l->len < sizeof(l->text); text++)
		l->text[l->len++] = *text;
}

static void line_number(struct line *l, uint64_t value, unsigned base)
{
	char digits[24], *p = digits + sizeof(digits) - 1;

	*p = 0;
	do
		*--p = "0123456789abcdef"[value % base];
	while (value /= base);
	line_text(l, p);
}

/* Put the terminal back, say the line, and die by the signal, as if no handler had been. */
static void die(int sig, struct line *l)
{
	const struct machine *m = atomic_load(&hub.machine);
	sigset_t set;

	if (m)
		console_restore(m->console);
	if (l) {
		line_text(l, "\n");
		/* Nobody is left to tell of a stderr that takes nothing. */
		if (write(STDERR_FILENO, l->text, l->len) < 0)
			l->len = 0;
	}
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(sig);
}

/* SIGINT and the like: the first one asks, the next one kills. */
static void on_end(int sig, siginfo_t *info, void *context)
{
	struct machine *m = atomic_load(&hub.machine);
	int saved = errno;

	if (!m || atomic_exchange(&hub.asked, true))
		die(sig, NULL);
	else
		machine_interrupt(m, MACHINE_SIGNAL, sig);
	errno = saved;
}

/* The time limit: the first one asks; when the grace is over, too, the machine hangs. */
static void on_alarm(int sig, siginfo_t *info, void *context)
{
	static const char text[] = "vmm: the time limit was reached, and the machine hangs\n";
	struct machine *m = atomic_load(&hub.machine);
	int saved = errno;

	if (!m)
		return;
	if (!atomic_exchange(&hub.asked, true)) {
		machine_interrupt(m, MACHINE_TIMEOUT, 0);
		errno = saved;
		return;
	}
	console_restore(m->console);
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		errno = saved;
	_exit(STATUS_TIMEOUT);
}

static void on_crash(int sig, siginfo_t *info, void *context)
{
	struct line l = { .len = 0 };

	line_text(&l, "vmm: internal error: signal ");
	line_number(&l, (unsigned)sig, 10);
	if (info->si_code > 0) {
		line_text(&l, " at address 0x");
		line_number(&l, (uintptr_t)info->si_addr, 16);
	}
	die(sig, &l);
}

static void on_jail(int sig, siginfo_t *info, void *context)
{
	const char *name = jail_call_name(info->si_syscall);
	struct line l = { .len = 0 };

	if (info->si_code != SIGSYS_SECCOMP) {
		on_crash(sig, info, context);
		return;
	}
	line_text(&l, "vmm: jail: system call ");
	line_number(&l, (unsigned)info->si_syscall, 10);
	if (name) {
		line_text(&l, " (");
		line_text(&l, name);
		line_text(&l, ")");
	}
	line_text(&l, " is not on the list");
	die(sig, &l);
}

/* --- outside of them ---------------------------------------------------------------------------- */

enum signal_kind { SIGNAL_ENDS, SIGNAL_LIMITS, SIGNAL_KILLS };

/* SIGPIPE is an error of write(2) for the run loop, which makes an end in order of it. */
static const struct signal_row {
	int sig;
	enum signal_kind kind;
	void (*fn)(int sig, siginfo_t *info, void *context); /* NULL: ignored */
} rows[] = {
	{ SIGINT, SIGNAL_ENDS, on_end },     { SIGTERM, SIGNAL_ENDS, on_end },
	{ SIGHUP, SIGNAL_ENDS, on_end },     { SIGQUIT, SIGNAL_ENDS, on_end },
	{ SIGPIPE, SIGNAL_LIMITS, NULL },    { SIGALRM, SIGNAL_LIMITS, on_alarm },
	{ SIGSEGV, SIGNAL_KILLS, on_crash }, { SIGBUS, SIGNAL_KILLS, on_crash },
	{ SIGILL, SIGNAL_KILLS, on_crash },  { SIGFPE, SIGNAL_KILLS, on_crash },
	{ SIGABRT, SIGNAL_KILLS, on_crash }, { SIGSYS, SIGNAL_KILLS, on_jail },
};

/*
 * No SA_RESTART: a read, write or poll that waits comes back, and the run loop sees what was asked.
 * A crash inside a crash handler kills at once (SA_RESETHAND).
 */
static int row_install(const struct signal_row *row)
{
	struct sigaction act = { .sa_flags = SA_SIGINFO }, old;

	if (row->fn)
		act.sa_sigaction = row->fn;
	else
		act = (struct sigaction){ .sa_handler = SIG_IGN };
	if (row->kind == SIGNAL_KILLS)
		act.sa_flags |= SA_ONSTACK | SA_RESETHAND | SA_NODEFER;
	sigemptyset(&act.sa_mask);
	if (sigaction(row->sig, NULL, &old) < 0)
		return -errno;
	if (row->kind == SIGNAL_ENDS && old.sa_handler == SIG_IGN)
		return 0;
	return sigaction(row->sig, &act, NULL) < 0 ? -errno : 0;
}

/* Block or unblock all signals that do not kill. */
static int rows_mask(int how)
{
	sigset_t set;

	sigemptyset(&set);
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].kind != SIGNAL_KILLS)
			sigaddset(&set, rows[i].sig);
	return sigprocmask(how, &set, NULL) < 0 ? -errno : 0;
}

int signals_install(struct diag *d)
{
	stack_t stack = { .ss_sp = hub.stack, .ss_size = sizeof(hub.stack) };
	int r = rows_mask(SIG_BLOCK);

	if (!r && sigaltstack(&stack, NULL) < 0)
		r = -errno;
	for (unsigned i = 0; i < ARRAY_SIZE(rows) && !r; i++)
		r = row_install(&rows[i]);
	return r ? diag_set(d, -r, "cannot install signal handlers: %s", strerror(-r)) : 0;
}

int signals_attach(struct machine *m, uint64_t timeout_us, struct diag *d)
{
	struct itimerval timer = {
		.it_value = { .tv_sec = (time_t)(timeout_us / USEC_PER_SEC),
			      .tv_usec = (suseconds_t)(timeout_us % USEC_PER_SEC) },
		.it_interval = { .tv_sec = GRACE_SEC },
	};

	int r;

	atomic_store(&hub.machine, m);
	if (timeout_us && setitimer(ITIMER_REAL, &timer, NULL) < 0)
		return diag_set(d, errno, "cannot set the time limit: %s", strerror(errno));
	/* A parent may have left them blocked, too; a time limit that never comes is worse. */
	r = rows_mask(SIG_UNBLOCK);
	return r ? diag_set(d, -r, "cannot unblock signals: %s", strerror(-r)) : 0;
}

/* By sigaction alone, as the jail knows no timers. */
void signals_detach(void)
{
	struct sigaction act = { .sa_handler = SIG_DFL }, old;

	sigemptyset(&act.sa_mask);
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].kind == SIGNAL_KILLS || sigaction(rows[i].sig, NULL, &old) < 0 ||
		    (rows[i].kind == SIGNAL_ENDS && old.sa_handler == SIG_IGN))
			continue;
		act.sa_handler = rows[i].sig == SIGALRM ? SIG_IGN : SIG_DFL;
		sigaction(rows[i].sig, &act, NULL);
	}
	console_restore(atomic_load(&hub.machine)->console);
	atomic_store(&hub.machine, NULL);
}
