// SPDX-License-Identifier: MIT
/* Kicks and deadlines: none is lost, none comes late, whoever sends them; on every engine. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "engine_rig.h"
#include "unit.h"

#define FOR_EVER UINT64_MAX
#define KICKS 10000u
#define WATCHDOG_S 20

#define SPIN "\xeb\xfe" /* jmp to itself */

/* --- a watchdog: a lost kick must fail a test, not stop them all ------------------------------ */

static struct rig *watched;
static atomic_bool lost;

static void on_alarm(int sig)
{
	atomic_store(&lost, true);
	watched->ops->kick(watched->e);
}

static void watch(struct rig *r, unsigned seconds)
{
	watched = r;
	atomic_store(&lost, false);
	signal(SIGALRM, on_alarm);
	alarm(seconds);
}

static void unwatch(void)
{
	alarm(0);
	signal(SIGALRM, SIG_DFL);
}

/* --- kicks ------------------------------------------------------------------------------------ */

static void kick_before_a_run_ends_it_at_once_and_only_it(void)
{
	struct rig r;

	RIG_BEGIN(&r, SPIN);
	r.ops->kick(r.e);
	r.ops->kick(r.e);
	watch(&r, WATCHDOG_S);
	CU_ASSERT_EQUAL(rig_run_to(&r, FOR_EVER), ENGINE_EXIT_KICKED);
	CU_ASSERT_FALSE(lost);
	CU_ASSERT_EQUAL(rig_run_to(&r, r.ops->now_ns(r.e) + 1000000u), ENGINE_EXIT_DEADLINE);
	unwatch();
	rig_end(&r);
}

static void kick_outlives_looking_at_the_vcpu(void)
{
	struct rig r;

	RIG_BEGIN(&r, SPIN);
	r.ops->kick(r.e);
	CU_ASSERT_EQUAL(r.ops->get_state(r.e, &r.s), 0);
	rig_set(&r);
	r.ops->flush(r.e);
	watch(&r, WATCHDOG_S);
	CU_ASSERT_EQUAL(rig_run_to(&r, FOR_EVER), ENGINE_EXIT_KICKED);
	CU_ASSERT_FALSE(lost);
	unwatch();
	rig_end(&r);
}

static void kick_of_a_halted_vcpu_is_told(void)
{
	struct rig r;

	RIG_BEGIN(&r, "\xf4");
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	r.ops->kick(r.e);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_KICKED);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(r.s.eip, RIG_CODE + 1);
	rig_end(&r);
}

static void kick_it(struct rig *r, struct rig_access *a)
{
	r->ops->kick(r->e);
}

static void kick_from_a_device_ends_the_run_after_the_instruction(void)
{
	struct rig r;

	/* mov $42, %al; out %al, $0x80; inc %eax ...; in, mmio; hlt */
	RIG_BEGIN(&r, "\xb0\x2a\xe6\x80\x40\xe5\x80\x40\xa1\x00\x00\xb0\xfe\xf4");
	r.on_access = kick_it;
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_KICKED);
	CU_ASSERT_EQUAL(r.log[0].value, 42);
	CU_ASSERT_EQUAL(r.s.eip, RIG_CODE + 4);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_KICKED);
	CU_ASSERT_EQUAL(r.s.eip, RIG_CODE + 7);
	CU_ASSERT_EQUAL(r.s.gpr[X86_EAX], 0xa1b2c3d4);
	/* behind MMIO soft goes on to the end of its block: soon is all that engine.h says */
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_KICKED);
	CU_ASSERT_EQUAL(r.accesses, 3);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	rig_end(&r);
}

RIG_GUEST(wide, "mov 0xfeb00ffe, %eax; nop; hlt");

static void kick_in_the_middle_of_a_cut_access_waits_for_its_end(void)
{
	struct rig r;

	RIG_BEGIN_GUEST(&r, wide);
	r.on_access = kick_it;
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_KICKED);
	CU_ASSERT_TRUE(r.s.eip >= RIG_CODE + 5);
	CU_ASSERT_TRUE(r.accesses >= 2);
	CU_ASSERT_EQUAL(r.s.gpr[X86_EAX], 0x0801faf3);
	rig_end(&r);
}

struct kicker {
	struct rig *r;
	sem_t wanted, done;
	atomic_bool stop;
};

static void wait_ns(uint64_t ns)
{
	struct timespec t = { .tv_nsec = (long)ns };

	nanosleep(&t, NULL);
}

static void wait_for(sem_t *s)
{
	while (sem_wait(s) < 0)
		;
}

/* Kicks once for each post of `wanted`, after a time that is sometimes short and sometimes long. */
static void *kicker_main(void *arg)
{
	struct kicker *k = arg;
	unsigned seed = 1;

	for (wait_for(&k->wanted); !atomic_load(&k->stop); wait_for(&k->wanted)) {
		seed = seed * 1103515245u + 12345u;
		for (volatile unsigned n = seed >> 16 & 0x3ff; n; n--)
			;
		if (!(seed >> 16 & 0x1f))
			wait_ns(100000);
		k->r->ops->kick(k->r->e);
		sem_post(&k->done);
	}
	return NULL;
}

static void kicks_of_another_thread_are_never_lost(void)
{
	struct kicker k = { 0 };
	unsigned kicked = 0;
	pthread_t thread;
	struct rig r;

	RIG_BEGIN(&r, SPIN);
	k.r = &r;
	sem_init(&k.wanted, 0, 0);
	sem_init(&k.done, 0, 0);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, kicker_main, &k), 0);
	for (unsigned n = 0; n < KICKS && kicked == n; n++) {
		watch(&r, WATCHDOG_S);
		sem_post(&k.wanted);
		/* looking at the state runs against the kick, too */
		if (n % 4 == 0)
			r.ops->get_state(r.e, &r.s);
		r.ops->run(r.e, FOR_EVER, &r.out);
		kicked += r.out.reason == ENGINE_EXIT_KICKED && !lost;
		wait_for(&k.done);
	}
	unwatch();
	atomic_store(&k.stop, true);
	sem_post(&k.wanted);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(kicked, KICKS);
	sem_destroy(&k.wanted);
	sem_destroy(&k.done);
	rig_end(&r);
}

static void on_timer_kick(int sig)
{
	watched->ops->kick(watched->e);
}

static void kicks_of_a_signal_handler_are_never_lost(void)
{
	unsigned seed = 7, kicked = 0;
	struct rig r;

	RIG_BEGIN(&r, SPIN);
	watch(&r, WATCHDOG_S);
	signal(SIGUSR1, on_timer_kick);
	for (unsigned n = 0; n < KICKS / 5 && !lost; n++) {
		struct itimerspec when = { 0 };
		struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
		timer_t timer;

		seed = seed * 1103515245u + 12345u;
		/* from "before the run" to "well within" */
		when.it_value.tv_nsec = 1 + (seed >> 16) % 300000;
		CU_ASSERT_EQUAL_FATAL(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
		timer_settime(timer, 0, &when, NULL);
		r.ops->run(r.e, FOR_EVER, &r.out);
		kicked += r.out.reason == ENGINE_EXIT_KICKED;
		timer_delete(timer);
	}
	unwatch();
	signal(SIGUSR1, SIG_DFL);
	CU_ASSERT_FALSE(lost);
	CU_ASSERT_EQUAL(kicked, KICKS / 5);
	rig_end(&r);
}

/* --- deadlines -------------------------------------------------------------------------------- */

#define LATE_NS 2000000000u /* a loaded host; one that is never noticed ends by the watchdog */

static void deadline_is_honoured(void)
{
	struct rig r;

	RIG_BEGIN(&r, SPIN);
	watch(&r, WATCHDOG_S);
	for (unsigned n = 0; n < 20; n++) {
		uint64_t deadline = r.ops->now_ns(r.e) + 1 + n * 250000u;

		CU_ASSERT_EQUAL(rig_run_to(&r, deadline), ENGINE_EXIT_DEADLINE);
		CU_ASSERT_TRUE(r.ops->now_ns(r.e) >= deadline);
		CU_ASSERT_TRUE(r.ops->now_ns(r.e) <= deadline + (rig_virtual_time() ? 0 : LATE_NS));
	}
	CU_ASSERT_FALSE(lost);
	unwatch();
	rig_end(&r);
}

static void deadline_that_has_passed_ends_the_run_at_once(void)
{
	struct rig r;

	RIG_BEGIN(&r, SPIN);
	watch(&r, WATCHDOG_S);
	CU_ASSERT_EQUAL(rig_run_to(&r, r.ops->now_ns(r.e) + 1000), ENGINE_EXIT_DEADLINE);
	CU_ASSERT_EQUAL(rig_run_to(&r, r.ops->now_ns(r.e)), ENGINE_EXIT_DEADLINE);
	CU_ASSERT_EQUAL(rig_run_to(&r, 0), ENGINE_EXIT_DEADLINE);
	CU_ASSERT_EQUAL(rig_run_to(&r, 0), ENGINE_EXIT_DEADLINE);
	CU_ASSERT_FALSE(lost);
	unwatch();
	rig_end(&r);
}

/*
 * A state that was set makes the vCPU do more than run the guest, and so does the end of a port
 * access: a deadline that passes meanwhile is not lost, though nothing else would end the run.
 */
static void deadline_that_passes_on_the_way_to_the_guest_is_not_lost(void)
{
	struct rig r;

	RIG_BEGIN(&r, SPIN);
	watch(&r, 3 * WATCHDOG_S);
	for (unsigned n = 0; n < 200 && !lost; n++) {
		r.s.sti_shadow = n % 2;
		rig_set(&r);
		CU_ASSERT_EQUAL(rig_run_to(&r, r.ops->now_ns(r.e) + n * 250u),
				ENGINE_EXIT_DEADLINE);
	}
	CU_ASSERT_FALSE(lost);
	unwatch();
	rig_end(&r);
}

/* The kick is told first; the machine asks for the same deadline again. */
static void deadline_that_passed_beside_a_kick_is_not_lost(void)
{
	uint64_t deadline;
	struct rig r;

	RIG_BEGIN(&r, SPIN);
	watch(&r, WATCHDOG_S);
	for (unsigned n = 0; n < 20 && !lost; n++) {
		deadline = r.ops->now_ns(r.e) + 1 + n * 250u;
		r.ops->kick(r.e);
		CU_ASSERT_EQUAL(rig_run_to(&r, deadline), ENGINE_EXIT_KICKED);
		CU_ASSERT_EQUAL(rig_run_to(&r, deadline), ENGINE_EXIT_DEADLINE);
	}
	CU_ASSERT_FALSE(lost);
	unwatch();
	rig_end(&r);
}

/* The same deadline again and again, with stops and looks between, as the machine's loop does. */
static void deadline_outlives_stops_before_it(void)
{
	uint64_t deadline;
	struct rig r;

	RIG_BEGIN(&r, "\xe6\x80\xeb\xfc"); /* 1: out %al, $0x80; jmp 1b */
	r.on_access = kick_it;
	watch(&r, WATCHDOG_S);
	deadline = r.ops->now_ns(r.e) + 20000000000u;
	for (unsigned n = 0; n < 100; n++) {
		CU_ASSERT_EQUAL(rig_run_to(&r, deadline), ENGINE_EXIT_KICKED);
		r.ops->run(r.e, r.ops->now_ns(r.e) + 1000000u, &r.out);
	}
	r.on_access = NULL;
	deadline = r.ops->now_ns(r.e) + 20000000u;
	CU_ASSERT_EQUAL(rig_run_to(&r, deadline), ENGINE_EXIT_DEADLINE);
	CU_ASSERT_FALSE(lost);
	unwatch();
	rig_end(&r);
}

static void deadlines_of_two_vcpus_do_not_disturb_each_other(void)
{
	struct rig a, b;

	RIG_BEGIN(&a, SPIN);
	RIG_BEGIN(&b, SPIN);
	watch(&b, WATCHDOG_S);
	CU_ASSERT_EQUAL(rig_run_to(&a, a.ops->now_ns(a.e) + 1000000u), ENGINE_EXIT_DEADLINE);
	CU_ASSERT_EQUAL(rig_run_to(&b, b.ops->now_ns(b.e) + 1000000u), ENGINE_EXIT_DEADLINE);
	rig_end(&a);
	CU_ASSERT_EQUAL(rig_run_to(&b, b.ops->now_ns(b.e) + 1000000u), ENGINE_EXIT_DEADLINE);
	CU_ASSERT_FALSE(lost);
	unwatch();
	rig_end(&b);
}

/* --- signals that mean nothing ---------------------------------------------------------------- */

static atomic_uint noise;

static void on_noise(int sig)
{
	atomic_fetch_add(&noise, 1);
}

RIG_GUEST(work, "mov $30000, %ecx; cld\n"
		"1: rol $5, %eax; add %ecx, %eax; mov %eax, 0x150000\n"
		"test $0x3f, %ecx; jnz 2f; out %eax, $0x80; xor 0xfeb00000, %eax\n"
		"2: loop 1b; hlt");

static void interrupted_calls_of_the_host_change_nothing(void)
{
	/* no shorter than what an exit costs in the box, or the guest would never move */
	const struct itimerval storm = { .it_interval.tv_usec = rig_virtual_time() ? 50 : 250,
					 .it_value.tv_usec = 50 };
	const struct itimerval calm = { 0 };
	uint32_t eax[2], accesses[2];

	signal(SIGALRM, on_noise);
	for (unsigned n = 0; n < 2; n++) {
		struct rig r;

		RIG_BEGIN_GUEST(&r, work);
		setitimer(ITIMER_REAL, n ? &storm : &calm, NULL);
		CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
		setitimer(ITIMER_REAL, &calm, NULL);
		eax[n] = r.s.gpr[X86_EAX];
		accesses[n] = r.accesses;
		rig_end(&r);
	}
	signal(SIGALRM, SIG_DFL);
	CU_ASSERT_EQUAL(eax[0], eax[1]);
	CU_ASSERT_EQUAL(accesses[0], 2 * (30000 / 64));
	CU_ASSERT_EQUAL(accesses[1], accesses[0]);
}

static const struct unit_test tests[] = {
	UNIT_TEST(kick_before_a_run_ends_it_at_once_and_only_it),
	UNIT_TEST(kick_outlives_looking_at_the_vcpu),
	UNIT_TEST(kick_of_a_halted_vcpu_is_told),
	UNIT_TEST(kick_from_a_device_ends_the_run_after_the_instruction),
	UNIT_TEST(kick_in_the_middle_of_a_cut_access_waits_for_its_end),
	UNIT_TEST(kicks_of_another_thread_are_never_lost),
	UNIT_TEST(kicks_of_a_signal_handler_are_never_lost),
	UNIT_TEST(deadline_is_honoured),
	UNIT_TEST(deadline_that_has_passed_ends_the_run_at_once),
	UNIT_TEST(deadline_that_passes_on_the_way_to_the_guest_is_not_lost),
	UNIT_TEST(deadline_that_passed_beside_a_kick_is_not_lost),
	UNIT_TEST(deadline_outlives_stops_before_it),
	UNIT_TEST(deadlines_of_two_vcpus_do_not_disturb_each_other),
	UNIT_TEST(interrupted_calls_of_the_host_change_nothing),
	UNIT_END,
};

const struct unit_suite suite_engine_kick = { "engine_kick", tests };
