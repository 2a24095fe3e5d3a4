// SPDX-License-Identifier: MIT
/* The calls of mmapfuzz but mremap: what each does is told to the model page by page. */
#include "mmapfuzz.h"
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define ANON_PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)
#define CHECK(name, result, expected, ...)                                                         \
	do {                                                                                       \
		const int told[] = { __VA_ARGS__ };                                                \
		check_call(name, told, sizeof(told) / sizeof(told[0]), result, expected);          \
	} while (0)

static uint32_t bytes_of(struct range r)
{
	uint32_t n = (r.to - r.from) * PAGE;

	return one_in(8) ? n - below(PAGE) : n; /* the kernel rounds it up */
}

void call_mmap_fixed(void)
{
	static const enum kind kinds[] = { ANON, ANON, FILE_PRIVATE, SHARED };
	struct range r = random_range(OBJECT_PAGES);
	enum kind kind = kinds[below(4)];
	unsigned rights = random_rights(),
		 index = kind == FILE_PRIVATE ? below(model.file_pages) : 0;
	uint32_t bytes = bytes_of(r);
	int replace = !one_in(6), flags, taken = 0;
	long result, want;

	for (unsigned i = r.from; i < r.to; i++)
		taken |= model.page[i].kind != NOTHING;
	flags = replace ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	flags |= kind == ANON	  ? ANON_PRIVATE
		 : kind == SHARED ? MAP_SHARED | MAP_ANONYMOUS
				  : MAP_PRIVATE;
	result = raw_syscall(SYS_mmap2, page_at(r.from), bytes, rights, flags,
			     kind == FILE_PRIVATE ? fuzz.fd : -1, index);
	want = taken && !replace ? -EEXIST : (int)(r.from * PAGE);
	CHECK("mmap", relation(result), want, (int)r.from, (int)bytes, (int)rights, flags,
	      (int)index);
	if (relation(result) >= 0)
		model_map(r.from, r.to, kind, rights, index);
}

void call_mmap_hint(void)
{
	struct range r = random_range(8);
	unsigned rights = random_rights();
	uint32_t bytes = bytes_of(r);
	int taken = 0;
	long result;

	for (unsigned i = r.from; i < r.to; i++)
		taken |= model.page[i].kind != NOTHING;
	result = raw_syscall(SYS_mmap2, page_at(r.from), bytes, rights, ANON_PRIVATE, -1, 0);
	CHECK("mmap hint", relation(result), taken ? ELSEWHERE : (int)(r.from * PAGE), (int)r.from,
	      (int)bytes, (int)rights);
	if (relation(result) == ELSEWHERE)
		munmap((void *)result, bytes);
	else if (result > 0)
		model_map(r.from, r.to, ANON, rights, 0);
}

void call_munmap(void)
{
	struct range r = random_range(12);
	uint32_t bytes = bytes_of(r);

	CHECK("munmap", raw_syscall(SYS_munmap, page_at(r.from), bytes), 0, (int)r.from,
	      (int)bytes);
	model_unmap(r.from, r.to);
}

void call_mprotect(void)
{
	struct range r = random_range(12);
	unsigned rights = random_rights(), hole = model_hole(r.from, r.to);
	uint32_t bytes = bytes_of(r);

	CHECK("mprotect", raw_syscall(SYS_mprotect, page_at(r.from), bytes, rights),
	      hole < r.to ? -ENOMEM : 0, (int)r.from, (int)bytes, (int)rights);
	model_split(r.from, hole);
	for (unsigned i = r.from; i < hole; i++) {
		model.page[i].rights = (uint8_t)rights;
		if (model.page[i].locked)
			model.page[i].resident = UNKNOWN;
	}
}

/* Each mapping in turn: holes are passed by and told at the end, a locked one ends it. */
static long dontneed(struct range r)
{
	long want = 0;

	for (unsigned i = r.from; i < r.to; i++) {
		if (model.page[i].kind == NOTHING) {
			want = -ENOMEM;
		} else if (model.page[i].locked) {
			return -EINVAL;
		} else {
			model.page[i].own = 0;
			model.page[i].resident = 0;
		}
	}
	return want;
}

void call_madvise(void)
{
	static const int advices[] = { MADV_DONTNEED, MADV_DONTNEED, MADV_NORMAL, MADV_SEQUENTIAL };
	struct range r = random_range(12);
	int advice = advices[below(4)];
	uint32_t bytes = (r.to - r.from) * PAGE;
	long want;

	if (advice == MADV_DONTNEED)
		want = dontneed(r);
	else
		want = model_hole(r.from, r.to) < r.to ? -ENOMEM : 0;
	if (advice != MADV_DONTNEED)
		model_split(r.from, r.to); /* it is an attribute of the mapping */
	CHECK("madvise", raw_syscall(SYS_madvise, page_at(r.from), bytes, advice), want,
	      (int)r.from, (int)bytes, advice);
}

void call_mincore(void)
{
	struct range r = random_range(12);
	unsigned char in[PAGES];
	long want = model_hole(r.from, r.to) < r.to ? -ENOMEM : 0, result;

	result = raw_syscall(SYS_mincore, page_at(r.from), (r.to - r.from) * PAGE, in);
	CHECK("mincore", result, want, (int)r.from, (int)r.to);
	for (unsigned i = r.from; i < r.to && !result; i++)
		if (model.page[i].kind == ANON && model.page[i].resident != UNKNOWN &&
		    (in[i - r.from] & 1) != model.page[i].resident)
			difference("mincore", i, 0, in[i - r.from] & 1u, 0, model.page[i].resident);
}

void call_msync(void)
{
	static const int all_flags[] = { MS_SYNC, MS_ASYNC, MS_ASYNC | MS_INVALIDATE,
					 MS_SYNC | MS_ASYNC };
	struct range r = random_range(12);
	int flags = all_flags[below(4)];
	long want = 0;

	for (unsigned i = r.from; i < r.to && want != -EBUSY; i++) {
		if (model.page[i].kind == NOTHING)
			want = -ENOMEM;
		else if (model.page[i].locked && (flags & MS_INVALIDATE))
			want = -EBUSY;
	}
	if (flags == (MS_SYNC | MS_ASYNC))
		want = -EINVAL;
	CHECK("msync", raw_syscall(SYS_msync, page_at(r.from), (r.to - r.from) * PAGE, flags), want,
	      (int)r.from, (int)r.to, flags);
}

/* Pages that cannot be made present: no right to read, or behind the end. */
static int cannot_populate(unsigned i)
{
	return expected_load(i).fault != 0;
}

void call_mlock(void)
{
	struct range r = random_range(6);
	int lock = one_in(2);
	unsigned hole = model_hole(r.from, r.to);
	long want = hole < r.to ? -ENOMEM : 0;

	for (unsigned i = r.from; lock && i < r.to; i++)
		if (cannot_populate(i))
			want = -ENOMEM;
	CHECK(lock ? "mlock" : "munlock",
	      raw_syscall(lock ? SYS_mlock : SYS_munlock, page_at(r.from), (r.to - r.from) * PAGE),
	      want, (int)r.from, (int)r.to);
	model_split(r.from, hole);
	for (unsigned i = r.from; i < hole; i++) {
		model.page[i].locked = (uint8_t)lock;
		model.page[i].resident = lock ? UNKNOWN : model.page[i].resident;
	}
}

void call_brk(void)
{
	unsigned pages = below(PAGES + 1);
	char *to = model.heap + pages * PAGE;
	long result = raw_syscall(SYS_brk, to);

	if (one_in(8)) { /* below the start: nothing changes */
		result = raw_syscall(SYS_brk, WINDOW - PAGE > (uint32_t)model.heap ? PAGE : 0);
		CHECK("brk below", (int)(result - (long)model.heap), (int)(pages * PAGE), 0);
		result = (long)to;
	}
	CHECK("brk", (int)(result - (long)model.heap), (int)(pages * PAGE), (int)pages);
	for (unsigned i = model.heap_pages; i < pages; i++)
		model.heap_word[i] = 0;
	model.heap_pages = pages;
	if (pages) {
		unsigned i = below(pages);

		model.heap_word[i] = random_next(&fuzz.random);
		if (try_store(model.heap + i * PAGE + WORD_AT, model.heap_word[i]))
			difference("store to the heap", i, 1, 0, 0, 0);
	}
}

/* Calls that no kernel may take. */
void call_bad(void)
{
	struct range r = random_range(8);
	char *p = page_at(r.from);
	uint32_t bytes = (r.to - r.from) * PAGE;
	int odd = 1 + (int)below(PAGE - 1);

	switch (below(8)) {
	case 0:
		CHECK("munmap odd", raw_syscall(SYS_munmap, p + odd, bytes), -EINVAL, odd);
		break;
	case 1:
		CHECK("munmap 0", raw_syscall(SYS_munmap, p, 0), -EINVAL, 0);
		break;
	case 2:
		CHECK("mmap 0", raw_syscall(SYS_mmap2, p, 0, PROT_READ, ANON_PRIVATE, -1, 0),
		      -EINVAL, 0);
		break;
	case 3:
		CHECK("mmap odd",
		      raw_syscall(SYS_mmap2, p + odd, bytes, PROT_READ, ANON_PRIVATE | MAP_FIXED,
				  -1, 0),
		      -EINVAL, odd);
		break;
	case 4:
		CHECK("mmap no kind",
		      raw_syscall(SYS_mmap2, p, bytes, PROT_READ, MAP_ANONYMOUS, -1, 0), -EINVAL,
		      0);
		break;
	case 5:
		CHECK("mprotect odd", raw_syscall(SYS_mprotect, p + odd, bytes, PROT_NONE), -EINVAL,
		      odd);
		break;
	case 6:
		CHECK("madvise odd", raw_syscall(SYS_madvise, p + odd, bytes, MADV_DONTNEED),
		      -EINVAL, odd);
		break;
	default:
		CHECK("mmap kernel",
		      raw_syscall(SYS_mmap2, 0xfffff000u, PAGE, PROT_READ, ANON_PRIVATE | MAP_FIXED,
				  -1, 0),
		      -ENOMEM, 0);
		break;
	}
}
