// SPDX-License-Identifier: MIT
/*
 * mmapfuzz [-s SEED] [-n CALLS] [-v]: see mmapfuzz.h. Ends with 1 if the kernel and the model
 * differ. Two kernels that behave alike print the same for one seed, each digest included. -v tells
 * each call.
 */
#include "mmapfuzz.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct fuzz fuzz = { .random = 1 };

struct range random_range(unsigned most)
{
	unsigned n = 1 + below(most), from = below(PAGES - n + 1);

	return (struct range){ from, from + n };
}

int random_run(struct range *r, unsigned most)
{
	unsigned start = below(PAGES);

	for (unsigned k = 0; k < PAGES; k++) {
		unsigned i = (start + k) % PAGES;

		if (model.page[i].kind != NOTHING) {
			r->from = i;
			r->to = model_run_end(i, i + most < PAGES ? i + most : PAGES);
			return 1;
		}
	}
	return 0;
}

unsigned random_rights(void)
{
	static const unsigned rights[] = { PROT_NONE,
					   PROT_READ,
					   PROT_READ,
					   PROT_WRITE,
					   PROT_READ | PROT_WRITE,
					   PROT_READ | PROT_WRITE,
					   PROT_READ | PROT_WRITE,
					   PROT_READ | PROT_EXEC };

	return rights[below(sizeof(rights) / sizeof(rights[0]))];
}

int relation(long result)
{
	uint32_t at = (uint32_t)result;

	if (result < 0 && result >= -4095)
		return (int)result;
	return at >= WINDOW && at < WINDOW + PAGES * PAGE ? (int)(at - WINDOW) : ELSEWHERE;
}

static void mix(uint32_t value)
{
	fuzz.digest = (fuzz.digest ^ value) * 0x100000001b3ull;
}

void check_call(const char *name, const int *args, unsigned count, long result, long expected)
{
	for (const char *p = name; *p; p++)
		mix((unsigned char)*p);
	for (unsigned i = 0; i < count; i++)
		mix((uint32_t)args[i]);
	mix((uint32_t)result);
	if (fuzz.verbose) {
		printf("%u %s(", fuzz.call, name);
		for (unsigned i = 0; i < count; i++)
			printf("%s%x", i ? ", " : "", args[i]);
		printf(") = %ld\n", result);
	}
	if (expected != ANY && result != expected) {
		fuzz.differences++;
		printf("call %u: %s(", fuzz.call, name);
		for (unsigned i = 0; i < count; i++)
			printf("%s%x", i ? ", " : "", args[i]);
		printf(") gives %ld, the model says %ld\n", result, expected);
	}
}

void difference(const char *what, unsigned page, int got_fault, uint32_t got, int want_fault,
		uint32_t want)
{
	fuzz.differences++;
	printf("call %u: %s of page %u: fault %d word %x, the model says fault %d word %x\n",
	       fuzz.call, what, page, got_fault, got, want_fault, want);
}

void check_page(unsigned i)
{
	struct expected want = expected_load(i);
	uint32_t word;
	int fault = try_load(page_at(i) + WORD_AT, &word);

	mix(((uint32_t)fault << 8) ^ word);
	if (fault != want.fault || (!fault && word != want.word))
		difference("load", i, fault, word, want.fault, want.word);
	if (!fault)
		model_loaded(i);
}

void check_elsewhere(const char *at, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		struct expected want = expected_load(i);
		uint32_t word;
		int fault = try_load(at + (i - from) * PAGE + WORD_AT, &word);

		if (fault != want.fault || (!fault && word != want.word))
			difference("load elsewhere", i, fault, word, want.fault, want.word);
	}
}

static void store_somewhere(void)
{
	unsigned i = below(PAGES);
	uint32_t word = random_next(&fuzz.random);
	int want = expected_store_fault(i), fault = try_store(page_at(i) + WORD_AT, word);

	mix((uint32_t)fault);
	if (fault != want)
		difference("store", i, fault, word, want, word);
	if (!fault)
		model_stored(i, word);
}

static void load_somewhere(void)
{
	check_page(below(PAGES));
}

static void check_all(void)
{
	for (unsigned i = 0; i < PAGES; i++)
		check_page(i);
	for (unsigned i = 0; i < model.heap_pages; i++) {
		uint32_t word;
		int fault = try_load(model.heap + i * PAGE + WORD_AT, &word);

		mix(word);
		if (fault || word != model.heap_word[i])
			difference("load of the heap", i, fault, word, 0, model.heap_word[i]);
	}
}

/* A child sees what the parent had, and what it writes is its own, but in shared mappings. */
static void fork_and_check(void)
{
	unsigned differences = fuzz.differences;
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		check_all();
		for (unsigned i = 0; i < PAGES; i++)
			if (!expected_store_fault(i) && model.page[i].kind != SHARED &&
			    !try_store(page_at(i) + WORD_AT, i))
				model_stored(i, i);
		check_all();
		exit(fuzz.differences != differences);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status) {
		fuzz.differences++;
		printf("call %u: a forked child ends with %x\n", fuzz.call, status);
	}
	for (unsigned i = 0; i < PAGES; i++) /* locks are not inherited, and nothing else changes */
		if (model.page[i].kind == ANON && model.page[i].locked)
			model.page[i].resident = UNKNOWN;
	check_all();
}

static const struct {
	void (*call)(void);
	unsigned weight;
} calls[] = {
	{ call_mmap_fixed, 12 }, { call_mmap_hint, 3 },	  { call_munmap, 7 },
	{ call_mprotect, 10 },	 { call_madvise, 8 },	  { call_mincore, 5 },
	{ call_msync, 3 },	 { call_mlock, 4 },	  { call_brk, 4 },
	{ call_bad, 3 },	 { call_mremap, 8 },	  { call_mremap_fixed, 8 },
	{ call_mremap_bad, 3 },	 { store_somewhere, 40 }, { load_somewhere, 20 },
};

static void one_call(void)
{
	unsigned total = 0, pick;

	for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		total += calls[i].weight;
	pick = below(total);
	for (unsigned i = 0;; i++) {
		if (pick < calls[i].weight) {
			calls[i].call();
			return;
		}
		pick -= calls[i].weight;
	}
}

static void prepare(void)
{
	uint32_t brk = (uint32_t)raw_syscall(SYS_brk, 0);

	fuzz.fd = open((const char *)getauxval(AT_EXECFN), O_RDONLY);
	if (fuzz.fd < 0) {
		dprintf(STDERR_FILENO, "mmapfuzz: its own file cannot be opened\n");
		exit(2);
	}
	model.file_pages = ((uint32_t)lseek(fuzz.fd, 0, SEEK_END) + PAGE - 1) / PAGE;
	if (model.file_pages > FILE_PAGES) {
		dprintf(STDERR_FILENO, "mmapfuzz: its own file is too large\n");
		exit(2);
	}
	for (unsigned i = 0; i < model.file_pages; i++)
		pread(fuzz.fd, &model.file_word[i], 4, (loff_t)i * PAGE + WORD_AT);
	model.heap = (char *)((brk + PAGE - 1) & ~(PAGE - 1));
	raw_syscall(SYS_brk, model.heap);
	munmap(page_at(0), PAGES * PAGE);
	probe_init();
}

static unsigned parse(int argc, char **argv)
{
	unsigned calls_wanted = 20000;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-v") == 0) {
			fuzz.verbose = 1;
		} else if (i + 1 < argc && strcmp(argv[i], "-s") == 0) {
			fuzz.random = strtoull(argv[++i], NULL, 10);
		} else if (i + 1 < argc && strcmp(argv[i], "-n") == 0) {
			calls_wanted = strtoul(argv[++i], NULL, 10);
		} else {
			dprintf(STDERR_FILENO, "usage: mmapfuzz [-s SEED] [-n CALLS] [-v]\n");
			exit(2);
		}
	}
	return calls_wanted;
}

int main(int argc, char **argv)
{
	unsigned wanted = parse(argc, argv);

	printf("mmapfuzz: seed %llu, %u calls\n", (unsigned long long)fuzz.random, wanted);
	prepare();
	for (fuzz.call = 1; fuzz.call <= wanted && fuzz.differences < 10; fuzz.call++) {
		one_call();
		if (fuzz.call % 64 == 0)
			check_all();
		if (fuzz.call % 1024 == 0)
			fork_and_check();
		if (fuzz.call % (wanted / 10 + 1) == 0)
			printf("%u: %u pages mapped, %u of heap, digest %016llx\n", fuzz.call,
			       model_mapped(), model.heap_pages, (unsigned long long)fuzz.digest);
	}
	check_all();
	printf("mmapfuzz: digest %016llx, %u differences from the model\n",
	       (unsigned long long)fuzz.digest, fuzz.differences);
	return fuzz.differences != 0;
}
