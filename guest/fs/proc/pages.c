// SPDX-License-Identifier: MIT
/*
 * Files of 64-bit words: /proc/PID/pagemap, a word a page of the process; /proc/kpagecount and
 * /proc/kpageflags, a word a page frame (Linux, Documentation/admin-guide/mm/pagemap.rst).
 */
#include "proc.h"

#include "mm/errno.h"
#include "mm/mm.h"
#include "mm/page_alloc.h"

#define WORDS 64u

/* Bits of kpageflags. */
#define KPF_UPTODATE 3
#define KPF_SLAB 7
#define KPF_BUDDY 10
#define KPF_MMAP 11
#define KPF_ANON 12
#define KPF_SWAPBACKED 14
#define KPF_COMPOUND_HEAD 15
#define KPF_COMPOUND_TAIL 16
#define KPF_PGTABLE 26
#define KPF_RESERVED 32
#define BIT(n) (1ull << (n))

/* Word n of a file; mm: of pagemap. */
typedef u64 (*word_fn)(struct mm_struct *mm, u32 n);

/* Words from *pos on, up to `end`. Bytes or error. */
static int32_t read_words(struct uio *u, u64 *pos, u32 end, word_fn word, struct mm_struct *mm)
{
	u64 words[WORDS];
	u32 total = 0;

	if (*pos % sizeof(u64) || u->left % sizeof(u64))
		return -EINVAL;
	while (u->left && *pos / sizeof(u64) < end) {
		u32 first = (u32)(*pos / sizeof(u64)), n = u->left / sizeof(u64), done;

		if (n > end - first)
			n = end - first;
		if (n > WORDS)
			n = WORDS;
		for (u32 i = 0; i < n; i++)
			words[i] = word(mm, first + i);
		done = uio_put(u, words, n * sizeof(u64));
		total += done;
		*pos += done;
		if (done < n * sizeof(u64))
			return total ? (int32_t)total : -EFAULT;
	}
	return (int32_t)total;
}

static u64 pagemap_word(struct mm_struct *mm, u32 n)
{
	return pagemap_entry(mm, n << PAGE_SHIFT);
}

static int32_t pagemap_read(struct file *f, struct uio *u, u64 *pos)
{
	struct task_struct *t = proc_task(f->f_inode);
	struct mm_struct *mm = t ? t->mm : NULL;
	int32_t result;

	if (!t)
		return -ESRCH;
	if (!mm)
		return 0;
	mmget(mm);
	result = read_words(u, pos, TASK_SIZE >> PAGE_SHIFT, pagemap_word, mm);
	mmput(mm);
	return result;
}

static u64 count_word(struct mm_struct *mm, u32 n)
{
	const struct page *page = pfn_to_page(n);

	return page->state == PAGE_ANON || page->state == PAGE_CACHE ? (u64)page->mapcount : 0;
}

static u64 flags_word(struct mm_struct *mm, u32 n)
{
	struct page *page = pfn_to_page(n);
	u64 flags = page->mapcount > 0 && page->state >= PAGE_ANON ? BIT(KPF_MMAP) : 0;

	if (page->state != PAGE_FREE && page->compound)
		flags |= BIT(KPF_COMPOUND_HEAD);
	if (page->state == PAGE_USED_TAIL && page->first_page)
		flags |= BIT(KPF_COMPOUND_TAIL);
	switch ((enum page_state)page->state) {
	case PAGE_RESERVED:
		return flags | BIT(KPF_RESERVED);
	case PAGE_FREE:
		return flags | BIT(KPF_BUDDY);
	case PAGE_SLAB:
		return flags | BIT(KPF_SLAB);
	case PAGE_TABLE:
		return flags | BIT(KPF_PGTABLE);
	case PAGE_ANON:
		return flags | BIT(KPF_ANON) | BIT(KPF_SWAPBACKED) | BIT(KPF_UPTODATE);
	case PAGE_CACHE:
		return flags | BIT(KPF_UPTODATE);
	default:
		return flags;
	}
}

static int32_t kpagecount_read(struct file *f, struct uio *u, u64 *pos)
{
	return read_words(u, pos, mm.max_pfn, count_word, NULL);
}

static int32_t kpageflags_read(struct file *f, struct uio *u, u64 *pos)
{
	return read_words(u, pos, mm.max_pfn, flags_word, NULL);
}

const struct file_operations proc_pagemap_ops = {
	.read = pagemap_read,
	.llseek = endless_llseek,
};
const struct file_operations proc_kpagecount_ops = {
	.read = kpagecount_read,
	.llseek = endless_llseek,
};
const struct file_operations proc_kpageflags_ops = {
	.read = kpageflags_read,
	.llseek = endless_llseek,
};
