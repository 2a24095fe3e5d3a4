/* SPDX-License-Identifier: MIT */
/*
 * What the tests of SLUB on the host share: a machine with slub_debug=, and its log.
 */
#ifndef TESTS_UNIT_MM_SLUB_RIG_H
#define TESTS_UNIT_MM_SLUB_RIG_H

#include "mm/slub_internal.h"
#include "mm_host.h"
#include "tests/unit/unit.h"

#define NO_DEBUG NULL
#define ALL_DEBUG ""

static inline void slub_begin(const char *debug)
{
	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 64 << 20, .slub_debug = debug });
}

/* All checkers are content, and the machine goes. */
static inline void slub_end(void)
{
	CU_ASSERT_EQUAL(mm_host_check(), 0);
	mm_host_end();
}

static inline void assert_logged(const char *text, const char *file, int line)
{
	char what[600];

	snprintf(what, sizeof(what), "logged \"%s\"", text);
	CU_assertImplementation(mm_host_logged(text), (unsigned)line, what, file, "", CU_FALSE);
	if (!mm_host_logged(text))
		fprintf(stderr, "not logged: %s\n--- the log:\n%s---\n", text, mm_host_log());
}

/* The log holds this text, given as for printf. */
#define LOGGED(...)                                                                                \
	do {                                                                                       \
		char logged_text[400];                                                             \
		snprintf(logged_text, sizeof(logged_text), __VA_ARGS__);                           \
		assert_logged(logged_text, __FILE__, __LINE__);                                    \
	} while (0)

/* Callers that reports must name. */
static __attribute__((noinline, unused)) void *allocate_here(size_t size)
{
	void *p = kmalloc(size, GFP_KERNEL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	return p;
}

static __attribute__((noinline, unused)) void free_here(const void *p)
{
	kfree(p);
	barrier(); /* no tail call */
}

/* The allocator works, and without a report. */
static inline void assert_goes_on(size_t size)
{
	void *p[40];
	unsigned reports = mm_host_log_count("BUG ");

	for (unsigned n = 0; n < 40; n++) {
		p[n] = allocate_here(size);
		memset(p[n], 0xff, size);
	}
	for (unsigned n = 0; n < 40; n++)
		free_here(p[n]);
	CU_ASSERT_EQUAL(mm_host_log_count("BUG "), reports);
}

static inline struct kmem_cache_info slub_info(const char *name)
{
	struct kmem_cache_info info;

	for (unsigned n = 0; kmem_cache_info(n, &info); n++)
		if (!strcmp(info.name, name))
			return info;
	CU_FAIL("no such cache");
	return (struct kmem_cache_info){ .name = NULL };
}

#endif
