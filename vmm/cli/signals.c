// SPDX-License-Identifier: MIT
#include "cli/signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
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
	struct machine *_Atomic machine;   /* NULL: none runs */
	atomic_bool asked;		   /* a signal has asked it to end */
	atomic_bool limited;		   /* the time limit has */
	atomic_bool timed;		   /* the timer behind SIGALRM is ours */
	int status;			   /* to exit with when the time for the report is over */
	char reason[256];		   /* what to say then */
	_Alignas(16) char stack[64 << 10]; /* for a crash by a full stack; sanitizers need much */
} hub;

/* --- inside handlers: async-signal-safe calls only ------------------------------------------- */

struct line {
	char text[384];
	size_t len;
};

static void line_text(struct line *l, const char *text)
{
	for (; *text && l->len < sizeof(l->text) - 1; text++)
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

/* Nobody is left to tell of a stderr that takes nothing; a full one must not be waited for. */
static void line_write(struct line *l)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	l->text[l->len++] = '\n';
	if (poll(&p, 1, 0) > 0 && write(STDERR_FILENO, l->text, l->len) < 0)
		l->len = 0;
}

/* Put the terminal back, say the line, and die by the signal, as if no handler had been. */
static void die(int sig, struct line *l)
{
	const struct machine *m = atomic_load(&hub.machine);
	sigset_t set;

	if (m)
		console_restore(m->console);
	if (l)
		line_write(l);
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

/* The report takes too long: the reason is what is left of it. */
static void cut_short(void)
{
	struct line l = { .len = 0 };

	line_text(&l, "vmm: ");
	line_text(&l, hub.reason);
	line_text(&l, "; post-mortem cut short: the report took more than ");
	line_number(&l, SIGNALS_REPORT_SEC, 10);
	line_text(&l, " s");
	line_write(&l);
	_exit(hub.status);
}

/*
 * The time limit: the first one asks; when the grace is over, too, the machine hangs. Only the
 * kernel sends codes above 0 (sigaction(2)), so that one from another process, or from an alarm
 * that the parent has set, is a signal as any other.
 */
static void on_alarm(int sig, siginfo_t *info, void *context)
{
	struct machine *m = atomic_load(&hub.machine);
	struct line l = { .len = 0 };
	int saved = errno;

	if (info->si_code <= 0 || !atomic_load(&hub.timed)) {
		on_end(sig, info, context);
		return;
	}
	if (!m)
		cut_short();
	if (!atomic_exchange(&hub.limited, true)) {
		machine_interrupt(m, MACHINE_TIMEOUT, 0);
		errno = saved;
		return;
	}
	console_restore(m->console);
	line_text(&l, "vmm: the time limit was reached, and the machine hangs");
	line_write(&l);
	_exit(STATUS_TIMEOUT);
}

/*
 * The terminal is the shell's while vmm is stopped, and the guest's again after that. A signal that
 * the kernel does not stop by, as in a process group without a shell, goes on at once.
 */
static void on_stop(int sig, siginfo_t *info, void *context)
{
	const struct machine *m = atomic_load(&hub.machine);
	struct sigaction stop = { .sa_handler = SIG_DFL }, mine;
	int saved = errno;
	sigset_t set, old;

	if (m)
		console_restore(m->console);
	sigemptyset(&stop.sa_mask);
	sigaction(sig, &stop, &mine);
	raise(sig);
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_UNBLOCK, &set, &old); /* here it stops */
	sigprocmask(SIG_SETMASK, &old, NULL);
	sigaction(sig, &mine, NULL);
	if (m)
		console_resume(m->console);
	errno = saved;
}

/* After SIGSTOP, which no handler sees, the terminal may be as the shell likes it. */
static void on_continue(int sig, siginfo_t *info, void *context)
{
	const struct machine *m = atomic_load(&hub.machine);
	int saved = errno;

	if (m)
		console_resume(m->console);
	errno = saved;
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

/* --- outside of them -------------------------------------------------------------------------- */

enum signal_kind {
	SIGNAL_ENDS,
	SIGNAL_LIMITS,
	SIGNAL_STOPS, /* or goes on after a stop */
	SIGNAL_KILLS,
};

/* Every signal whose default is to end or to stop, but for those that cannot be caught. */
static const struct signal_row {
	int sig;
	enum signal_kind kind;
	void (*fn)(int sig, siginfo_t *info, void *context);
} rows[] = {
	{ SIGINT, SIGNAL_ENDS, on_end },	{ SIGTERM, SIGNAL_ENDS, on_end },
	{ SIGHUP, SIGNAL_ENDS, on_end },	{ SIGQUIT, SIGNAL_ENDS, on_end },
	{ SIGUSR1, SIGNAL_ENDS, on_end },	{ SIGUSR2, SIGNAL_ENDS, on_end },
	{ SIGVTALRM, SIGNAL_ENDS, on_end },	{ SIGPROF, SIGNAL_ENDS, on_end },
	{ SIGXCPU, SIGNAL_ENDS, on_end },	{ SIGIO, SIGNAL_ENDS, on_end },
	{ SIGPWR, SIGNAL_ENDS, on_end },	{ SIGSTKFLT, SIGNAL_ENDS, on_end },
	{ SIGALRM, SIGNAL_LIMITS, on_alarm },	{ SIGTSTP, SIGNAL_STOPS, on_stop },
	{ SIGTTIN, SIGNAL_STOPS, on_stop },	{ SIGTTOU, SIGNAL_STOPS, on_stop },
	{ SIGCONT, SIGNAL_STOPS, on_continue }, { SIGSEGV, SIGNAL_KILLS, on_crash },
	{ SIGBUS, SIGNAL_KILLS, on_crash },	{ SIGILL, SIGNAL_KILLS, on_crash },
	{ SIGFPE, SIGNAL_KILLS, on_crash },	{ SIGTRAP, SIGNAL_KILLS, on_crash },
	{ SIGABRT, SIGNAL_KILLS, on_crash },	{ SIGSYS, SIGNAL_KILLS, on_jail },
};

/*
 * The rows, and after them the real-time signals, whose numbers the C library chooses when it
 * starts. Engine kvm takes one of those later, and keeps it. False: there is no such row.
 */
static bool row_at(unsigned i, struct signal_row *row)
{
	int sig = SIGRTMIN + (int)(i - ARRAY_SIZE(rows));

	if (i < ARRAY_SIZE(rows))
		*row = rows[i];
	else
		*row = (struct signal_row){ sig, SIGNAL_ENDS, on_end };
	return i < ARRAY_SIZE(rows) || sig <= SIGRTMAX;
}

/*
 * No SA_RESTART: a read, write or poll that waits comes back, and the run loop sees what was asked.
 * A crash inside a crash handler kills at once (SA_RESETHAND).
 */
static int row_install(const struct signal_row *row)
{
	struct sigaction act = { .sa_flags = SA_SIGINFO, .sa_sigaction = row->fn }, old;

	if (row->kind == SIGNAL_KILLS)
		act.sa_flags |= SA_ONSTACK | SA_RESETHAND | SA_NODEFER;
	sigemptyset(&act.sa_mask);
	if (sigaction(row->sig, NULL, &old) < 0)
		return -errno;
	if ((row->kind == SIGNAL_ENDS || row->kind == SIGNAL_STOPS) && old.sa_handler == SIG_IGN)
		return 0;
	return sigaction(row->sig, &act, NULL) < 0 ? -errno : 0;
}

/* Block or unblock all signals that do not kill. */
static int rows_mask(int how)
{
	struct signal_row row;
	sigset_t set;

	sigemptyset(&set);
	for (unsigned i = 0; row_at(i, &row); i++)
		if (row.kind != SIGNAL_KILLS)
			sigaddset(&set, row.sig);
	return sigprocmask(how, &set, NULL) < 0 ? -errno : 0;
}

void signals_ignore(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

int signals_install(struct diag *d)
{
	stack_t stack = { .ss_sp = hub.stack, .ss_size = sizeof(hub.stack) };
	int r = rows_mask(SIG_BLOCK);
	struct signal_row row;

	signals_ignore();
	if (!r && sigaltstack(&stack, NULL) < 0)
		r = -errno;
	for (unsigned i = 0; row_at(i, &row) && !r; i++)
		r = row_install(&row);
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
	atomic_store(&hub.timed, timeout_us != 0);
	if (timeout_us && setitimer(ITIMER_REAL, &timer, NULL) < 0)
		return diag_set(d, errno, "cannot set the time limit: %s", strerror(errno));
	/* A parent may have left them blocked, too; a time limit that never comes is worse. */
	r = rows_mask(SIG_UNBLOCK);
	return r ? diag_set(d, -r, "cannot unblock signals: %s", strerror(-r)) : 0;
}

/* Only what still is as signals_install() made it: the rest was ignored, or is engine kvm's. */
void signals_detach(void)
{
	struct sigaction act = { .sa_handler = SIG_DFL }, old;
	struct signal_row row;

	alarm(0);
	sigemptyset(&act.sa_mask);
	for (unsigned i = 0; row_at(i, &row); i++)
		if ((row.kind == SIGNAL_ENDS || row.kind == SIGNAL_STOPS) &&
		    !sigaction(row.sig, NULL, &old) && old.sa_flags & SA_SIGINFO &&
		    old.sa_sigaction == row.fn)
			sigaction(row.sig, &act, NULL);
	console_restore(atomic_load(&hub.machine)->console);
}

void signals_report(int status, const char *reason)
{
	alarm(0);
	hub.status = status;
	snprintf(hub.reason, sizeof(hub.reason), "%s", reason);
	atomic_store(&hub.timed, true);
	atomic_store(&hub.machine, NULL);
	alarm(SIGNALS_REPORT_SEC);
}
