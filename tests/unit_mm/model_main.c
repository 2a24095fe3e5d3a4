// SPDX-License-Identifier: MIT
/*
 * mm_model [--count N] [--seed S] [--check-every N] [--ram MIB] [--numa N] [--slub-debug FLAGS]
 *
 * Runs one stream of the model-based test (model.h). Status 0: all was well; 1: it was not, and the
 * shortest stream that shows it is printed; 2: a bad option.
 */
#include <errno.h>
#include <stdlib.h>

#include "model.h"

/* Our SIGSEGV handler is the TLB; ASan must not take the signal. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "handle_segv=0:allow_user_segv_handler=1:detect_stack_use_after_return=0";
}

#define MIB (1ull << 20)
#define LEAST_WITH_HIGHMEM 80 /* highmem= is ignored where under 64 MiB would be left */

struct options {
	uint64_t count, seed, check_every, ram_mib, numa;
	const char *slub_debug;
};

static bool parse_number(const char *text, uint64_t least, uint64_t most, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 0);
	return *text >= '0' && *text <= '9' && !*end && !errno && *number >= least &&
	       *number <= most;
}

static bool parse(int argc, char **argv, struct options *o)
{
	const struct {
		const char *name;
		uint64_t least, most;
		uint64_t *number;
	} numbers[] = {
		{ "--count", 1, 100000000, &o->count },
		{ "--seed", 0, UINT64_MAX, &o->seed },
		{ "--check-every", 1, 100000000, &o->check_every },
		{ "--ram", 32, 3072, &o->ram_mib },
		{ "--numa", 1, MAX_NUMNODES, &o->numa },
	};

	for (int n = 1; n < argc; n += 2) {
		bool ok = false;

		if (n + 1 == argc) {
			fprintf(stderr, "mm_model: %s wants a value\n", argv[n]);
			return false;
		}
		if (!strcmp(argv[n], "--slub-debug"))
			o->slub_debug = argv[n + 1], ok = true;
		for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
			if (!strcmp(argv[n], numbers[i].name))
				ok = parse_number(argv[n + 1], numbers[i].least, numbers[i].most,
						  numbers[i].number);
		if (!ok) {
			fprintf(stderr, "mm_model: %s %s: no such option, or not its value\n",
				argv[n], argv[n + 1]);
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	struct options o = {
		.count = 1000000, .seed = 1, .check_every = 1000, .ram_mib = 128, .numa = 1
	};
	struct model_config config = { .shrink_seconds = 120, .out = stdout };
	struct model_result result;

	if (!parse(argc, argv, &o))
		return 2;
	config.seed = o.seed;
	config.count = (uint32_t)o.count;
	config.check_every = (uint32_t)o.check_every;
	config.machine.ram_bytes = o.ram_mib * MIB;
	config.machine.numa = (unsigned)o.numa;
	config.machine.slub_debug = o.slub_debug;
	/* A border inside of a block of 4 MiB, so that its halves are in two zones. */
	if (o.ram_mib >= 128)
		config.machine.highmem = (o.ram_mib / 4 + 1) * MIB;
	else if (o.ram_mib >= LEAST_WITH_HIGHMEM)
		config.machine.highmem = 15 * MIB;
	if (!model_run(&config, &result))
		return 1;
	printf("%u operations, seed %llu: all well; %u allocations were made to fail, %u found no memory\n",
	       config.count, (unsigned long long)config.seed, result.injected,
	       result.out_of_memory);
	for (unsigned kind = 0; kind < MODEL_KINDS; kind++)
		printf("%9u %s\n", result.done[kind], model_kind_name(kind));
	return 0;
}
