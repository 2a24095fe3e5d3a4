// SPDX-License-Identifier: MIT
/*
 * mremap. What is moved is of one mapping only: since 6.17 Linux moves several at once where older
 * ones refuse, and which neighbours are one mapping depends on what was merged.
 */
#include "mmapfuzz.h"
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define CHECK(name, result, expected, ...)                                                         \
	do {                                                                                       \
		const int told[] = { __VA_ARGS__ };                                                \
		check_call(name, told, sizeof(told) / sizeof(told[0]), result, expected);          \
	} while (0)

static void shrink(struct range r, unsigned to)
{
	long result = raw_syscall(SYS_mremap, page_at(r.from), (r.to - r.from) * PAGE,
				  (to - r.from) * PAGE, 0, 0);

	CHECK("mremap shrink", relation(result), (int)(r.from * PAGE), (int)r.from, (int)r.to,
	      (int)to);
	model_unmap(to, r.to);
}

/* It went elsewhere: its words are compared there, and it is given back. */
static void moved_away(struct range r, char *at, unsigned pages)
{
	check_elsewhere(at, r.from, r.to);
	munmap(at, pages * PAGE);
	model_unmap(r.from, r.to);
}

static void grow(struct range r, unsigned more, int may_move)
{
	int in_place = r.to + more <= PAGES;
	long result, want;

	for (unsigned i = r.to; in_place && i < r.to + more; i++)
		in_place = model.page[i].kind == NOTHING;
	if (r.to + more > PAGES) /* what lies behind the window is free, but not the model's */
		return;
	want = in_place ? (int)(r.from * PAGE) : may_move ? ELSEWHERE : -ENOMEM;
	result = raw_syscall(SYS_mremap, page_at(r.from), (r.to - r.from) * PAGE,
			     (r.to - r.from + more) * PAGE, may_move ? MREMAP_MAYMOVE : 0, 0);
	CHECK("mremap grow", relation(result), want, (int)r.from, (int)r.to, (int)more, may_move);
	if (relation(result) == ELSEWHERE)
		moved_away(r, (char *)result, r.to - r.from + more);
	else if (relation(result) >= 0)
		for (unsigned i = r.to; i < r.to + more; i++)
			model_extend(i);
}

/* Is the page behind it surely not of the same mapping? Then its end is that mapping's end. */
static int ends_here(struct range r)
{
	const struct page *last = &model.page[r.to - 1], *next = &model.page[r.to];

	return r.to == PAGES || next->kind == NOTHING || next->kind != last->kind ||
	       next->rights != last->rights;
}

void call_mremap(void)
{
	struct range r;

	if (!random_run(&r, 8))
		return;
	if (one_in(3))
		shrink(r, r.from + 1 + below(r.to - r.from));
	else if (ends_here(r) || model.page[r.to].kind != NOTHING)
		grow(r, 1 + below(4), one_in(2));
}

void call_mremap_fixed(void)
{
	struct range r;
	unsigned old, pages, at;
	long result, want;

	if (!random_run(&r, 8))
		return;
	old = r.to - r.from;
	pages = one_in(4) ? 1 + below(8) : old; /* it may shrink or grow on its way */
	at = below(PAGES - pages + 1);
	want = at < r.to && r.from < at + pages ? -EINVAL : (int)(at * PAGE);
	result = raw_syscall(SYS_mremap, page_at(r.from), old * PAGE, pages * PAGE,
			     MREMAP_MAYMOVE | MREMAP_FIXED, page_at(at));
	CHECK("mremap fixed", relation(result), want, (int)r.from, (int)r.to, (int)pages, (int)at);
	if (relation(result) < 0)
		return;
	if (pages < old) {
		model_unmap(r.from + pages, r.to);
		r.to = r.from + pages;
		old = pages;
	}
	model_unmap(at, at + pages);
	model_move(r.from, r.to, at);
	for (unsigned i = at + old; i < at + pages; i++)
		model_extend(i);
}

void call_mremap_bad(void)
{
	struct range r = random_range(6);
	char *p = page_at(r.from);
	uint32_t bytes = (r.to - r.from) * PAGE;

	switch (below(5)) {
	case 0:
		CHECK("mremap odd", raw_syscall(SYS_mremap, p + 1, bytes, bytes, 0, 0), -EINVAL, 0);
		break;
	case 1:
		CHECK("mremap to 0", raw_syscall(SYS_mremap, p, bytes, 0, MREMAP_MAYMOVE, 0),
		      -EINVAL, 0);
		break;
	case 2:
		CHECK("mremap flags", raw_syscall(SYS_mremap, p, bytes, bytes, 0x80, 0), -EINVAL,
		      0);
		break;
	case 3:
		CHECK("mremap fixed alone",
		      raw_syscall(SYS_mremap, p, bytes, bytes, MREMAP_FIXED, page_at(0)), -EINVAL,
		      0);
		break;
	default:
		if (model.page[r.from].kind == NOTHING)
			CHECK("mremap of nothing",
			      raw_syscall(SYS_mremap, p, PAGE, 2 * PAGE, MREMAP_MAYMOVE, 0),
			      -EFAULT, (int)r.from);
		break;
	}
}
