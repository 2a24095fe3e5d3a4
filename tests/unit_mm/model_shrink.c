// SPDX-License-Identifier: MIT
#include "model_internal.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

struct shrinker {
	const struct model_config *config;
	struct model_report *report; /* of the last replay */
	struct model_op *ops;	     /* the shortest failing stream so far */
	struct model_op *candidate;
	uint32_t count;
	uint32_t replays;
	time_t deadline;
	/* The failure that is looked for: while shortening, another one may come by. */
	const void *signature;
	int status;
};

/* --- replays ---------------------------------------------------------------------------------- */

/* Only the last replay, which is for people, has something to say. */
static void be_quiet(void)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null >= 0)
		dup2(null, STDERR_FILENO);
}

/* Runs a stream in a process of its own. True: it was as it should be. */
static bool replay(const struct model_config *config, struct model_report *report,
		   const struct model_op *ops, uint32_t count, uint32_t check_every, bool verbose)
{
	int status;
	pid_t pid;

	memset(report, 0, sizeof(*report));
	fflush(NULL);
	pid = fork();
	if (!pid) {
		model.config = config;
		model.report = report;
		model.verbose = verbose;
		if (!verbose)
			be_quiet();
		model_execute(ops, count, check_every);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		snprintf(report->why, sizeof(report->why), "cannot start a process");
		return false;
	}
	report->status = status;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return true;
	if (WIFSIGNALED(status))
		snprintf(report->why, sizeof(report->why), "ended by signal %d%s", WTERMSIG(status),
			 WTERMSIG(status) == SIGALRM ? ": it went on and on" : "");
	else if (!*report->why)
		snprintf(report->why, sizeof(report->why),
			 "ended with status %d: a sanitizer's report, or exit()",
			 WEXITSTATUS(status));
	return false;
}

/* --- the shortest stream ---------------------------------------------------------------------- */

/* The more operations, the fewer checks: what counts is that there is one in the end. */
static uint32_t interval(uint32_t count)
{
	return count <= 16 ? 1 : count / 16;
}

/*
 * The candidate of `count` operations becomes the stream if it fails so, too, up to where it did.
 */
static bool try_candidate(struct shrinker *s, uint32_t count)
{
	struct model_op *failing = s->candidate;

	s->replays++;
	if (replay(s->config, s->report, s->candidate, count, interval(count), false) ||
	    s->report->signature != s->signature || s->report->status != s->status)
		return false;
	s->candidate = s->ops;
	s->ops = failing;
	s->count = s->report->at < count ? s->report->at : count;
	return true;
}

/* Without [from, from + chunk). */
static bool try_without(struct shrinker *s, uint32_t from, uint32_t chunk)
{
	uint32_t rest = s->count - from - chunk;

	memcpy(s->candidate, s->ops, from * sizeof(*s->ops));
	memcpy(s->candidate + from, s->ops + from + chunk, rest * sizeof(*s->ops));
	return try_candidate(s, from + rest);
}

static bool in_time(const struct shrinker *s)
{
	return time(NULL) < s->deadline;
}

/* First whole kinds: a failure has to do with few of them. */
static void drop_kinds(struct shrinker *s)
{
	for (unsigned kind = 0; kind < MODEL_KINDS && in_time(s); kind++) {
		uint32_t rest = 0;

		for (uint32_t n = 0; n < s->count; n++)
			if (s->ops[n].kind != kind)
				s->candidate[rest++] = s->ops[n];
		if (rest < s->count)
			try_candidate(s, rest);
	}
}

/*
 * Leave out halves, quarters and so on down to single operations, last ones first, as what failed
 * was prepared late as a rule:
 *
 *	[ 1  2  3  4  5  6  7  8 ]     without 5..8: passes, so they stay; without 1..4: fails
 *	            [ 5  6  7  8 ]     without 7..8: passes; without 5..6: fails
 *	                  [ 7  8 ]
 *
 * Single ones are tried until none can go.
 */
static void drop_operations(struct shrinker *s)
{
	uint32_t chunk = s->count / 2;
	bool shorter = false;

	while (chunk && in_time(s)) {
		for (uint32_t end = s->count; end && in_time(s);) {
			uint32_t from = end > chunk ? end - chunk : 0;

			if (end <= s->count)
				shorter |= try_without(s, from, end - from);
			end = from < s->count ? from : s->count;
		}
		if (chunk > 1)
			chunk /= 2;
		else if (!shorter)
			break;
		if (chunk == 1 && shorter)
			shorter = false;
	}
}

/* Is the failure the same without the allocations that were made to fail? */
static void drop_injections(struct shrinker *s)
{
	for (uint32_t n = 0; n < s->count && in_time(s); n++) {
		if (!s->ops[n].fail)
			continue;
		memcpy(s->candidate, s->ops, s->count * sizeof(*s->ops));
		s->candidate[n].fail = 0;
		try_candidate(s, s->count);
	}
}

static void shrink(struct shrinker *s, struct model_result *result)
{
	FILE *out = s->config->out;

	s->deadline = time(NULL) + s->config->shrink_seconds;
	s->signature = s->report->signature;
	s->status = s->report->status;
	if (s->report->at < s->count)
		s->count = s->report->at;
	memcpy(s->candidate, s->ops, s->count * sizeof(*s->ops));
	if (try_candidate(s, s->count)) {
		drop_kinds(s);
		drop_operations(s);
		drop_injections(s);
		drop_operations(s);
	}
	fprintf(out, "shortest failing stream found (%u replays):\n", s->replays);
	replay(s->config, s->report, s->ops, s->count, interval(s->count), true);
	fprintf(out, "fails after operation %u of %u%s: %s\n", s->report->at, s->count,
		s->report->at > s->count ? ", when all is given back" : "", s->report->why);
	result->shortest = s->count;
	result->replays = s->replays;
	memcpy(result->why, s->report->why, sizeof(result->why));
}

/* --- the whole -------------------------------------------------------------------------------- */

static void keep_first(const struct shrinker *s, struct model_result *result)
{
	result->at = s->report->at;
	result->injected = s->report->injected;
	result->out_of_memory = s->report->out_of_memory;
	memcpy(result->done, s->report->done, sizeof(result->done));
	memcpy(result->first_why, s->report->why, sizeof(result->first_why));
}

bool model_run(const struct model_config *config, struct model_result *result)
{
	size_t room = ((size_t)config->count + 1) * sizeof(struct model_op);
	struct shrinker s = { .config = config, .count = config->count };

	memset(result, 0, sizeof(*result));
	s.ops = malloc(room);
	s.candidate = malloc(room);
	s.report = mmap(NULL, sizeof(*s.report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (!s.ops || !s.candidate || s.report == MAP_FAILED)
		abort();
	model_generate(config, s.ops);
	result->failed = !replay(config, s.report, s.ops, s.count, config->check_every, false);
	keep_first(&s, result);
	if (result->failed) {
		fprintf(config->out, "seed %llu: fails after operation %u of %u: %s\n",
			(unsigned long long)config->seed, result->at, config->count,
			result->first_why);
		shrink(&s, result);
	}
	munmap(s.report, sizeof(*s.report));
	free(s.ops);
	free(s.candidate);
	return !result->failed;
}
