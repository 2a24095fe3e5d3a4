// SPDX-License-Identifier: MIT
/*
 * /proc/PID/maps, smaps, status' Vm lines and statm as Linux 2.6.32 shows them, and entries of
 * pagemap as Linux does today.
 */
#include "mm/show.h"
#include "mm/user_pages.h"
#include "mm/vma.h"

/* Where the name of a mapping begins in a line of maps: what 32-bit Linux pads to. */
#define NAME_COLUMN 49

#define PSS_SHIFT 12 /* shares of a page are counted in fractions of a byte */

static uint32_t kb(uint32_t pages)
{
	return pages << (PAGE_SHIFT - 10);
}

/* --- maps ------------------------------------------------------------------------------------- */

/* NULL: it has none. The heap is what brk has made, also after mprotect has cut it. */
static const char *name_of(const struct vm_area_struct *vma)
{
	const struct mm_struct *mm = vma->vm_mm;

	if (vma->vm_file)
		return vma->vm_file->f_path;
	if (vma->vm_start < mm->brk && vma->vm_end > mm->start_brk)
		return "[heap]";
	if (vma->vm_start <= mm->start_stack && vma->vm_end >= mm->start_stack)
		return "[stack]";
	return NULL;
}

static void show_map(struct show_buf *b, const struct vm_area_struct *vma)
{
	const struct file *file = vma->vm_file;
	const char *name = name_of(vma);
	uint32_t flags = vma->vm_flags;
	size_t start = b->needed, length;

	show_printf(b, "%08x-%08x %c%c%c%c %08llx %02x:%02x %u ", vma->vm_start, vma->vm_end,
		    flags & VM_READ ? 'r' : '-', flags & VM_WRITE ? 'w' : '-',
		    flags & VM_EXEC ? 'x' : '-', flags & VM_MAYSHARE ? 's' : 'p',
		    file ? (unsigned long long)vma->vm_pgoff << PAGE_SHIFT : 0,
		    file ? file->f_dev >> 8 : 0, file ? file->f_dev & 0xff : 0,
		    file ? file->f_ino : 0);
	length = b->needed - start;
	if (name)
		show_printf(b, "%*s%s", length < NAME_COLUMN ? (int)(NAME_COLUMN - length) : 1, "",
			    name);
	show_printf(b, "\n");
}

void show_maps(struct show_buf *b, struct mm_struct *mm)
{
	for (const struct vm_area_struct *vma = mm->mmap; vma; vma = vma->vm_next)
		show_map(b, vma);
}

/* --- smaps ------------------------------------------------------------------------------------ */

/* Bytes, but for pss. */
struct sizes {
	uint64_t pss; /* << PSS_SHIFT */
	uint32_t rss, shared_clean, shared_dirty, private_clean, private_dirty, referenced;
};

static void measure_page(struct sizes *s, pte_t pte)
{
	const struct page *page = vm_normal_page(pte);
	bool dirty = pte & _PAGE_DIRTY;

	if (!page) /* the zero page is nobody's */
		return;
	s->rss += PAGE_SIZE;
	s->pss += ((uint64_t)PAGE_SIZE << PSS_SHIFT) / (uint32_t)page->mapcount;
	if (pte & _PAGE_ACCESSED)
		s->referenced += PAGE_SIZE;
	if (page->mapcount > 1)
		*(dirty ? &s->shared_dirty : &s->shared_clean) += PAGE_SIZE;
	else
		*(dirty ? &s->private_dirty : &s->private_clean) += PAGE_SIZE;
}

static struct sizes measure(const struct vm_area_struct *vma)
{
	struct sizes s = { 0 };

	for (vaddr_t addr = vma->vm_start, next; addr < vma->vm_end; addr = next) {
		const pte_t *pte = pte_offset(vma->vm_mm, addr);

		next = table_end(addr, vma->vm_end);
		for (; pte && addr < next; addr += PAGE_SIZE, pte++)
			if (pte_present(*pte))
				measure_page(&s, *pte);
	}
	return s;
}

static void show_smap(struct show_buf *b, const struct vm_area_struct *vma)
{
	const struct sizes s = measure(vma);
	const struct {
		const char *name;
		uint32_t kb;
	} rows[] = {
		{ "Size:", kb(vma_pages(vma)) },
		{ "Rss:", s.rss >> 10 },
		{ "Pss:", (uint32_t)(s.pss >> (10 + PSS_SHIFT)) },
		{ "Shared_Clean:", s.shared_clean >> 10 },
		{ "Shared_Dirty:", s.shared_dirty >> 10 },
		{ "Private_Clean:", s.private_clean >> 10 },
		{ "Private_Dirty:", s.private_dirty >> 10 },
		{ "Referenced:", s.referenced >> 10 },
		{ "Swap:", 0 },
		{ "KernelPageSize:", PAGE_SIZE >> 10 },
		{ "MMUPageSize:", PAGE_SIZE >> 10 },
	};

	show_map(b, vma);
	for (unsigned n = 0; n < ARRAY_SIZE(rows); n++)
		show_printf(b, "%-15s %8u kB\n", rows[n].name, rows[n].kb);
}

void show_smaps(struct show_buf *b, struct mm_struct *mm)
{
	for (const struct vm_area_struct *vma = mm->mmap; vma; vma = vma->vm_next)
		show_smap(b, vma);
}

/* --- status and statm ------------------------------------------------------------------------- */

static uint32_t rss_pages(const struct mm_struct *mm)
{
	return mm->rss[MM_FILEPAGES] + mm->rss[MM_ANONPAGES];
}

static uint32_t text_pages(const struct mm_struct *mm)
{
	return PFN_UP(mm->end_code) - PFN_DOWN(mm->start_code);
}

void show_status_vm(struct show_buf *b, struct mm_struct *mm)
{
	uint32_t rss = rss_pages(mm), text = text_pages(mm);
	const struct {
		const char *name;
		uint32_t kb;
	} rows[] = {
		{ "VmPeak", kb(mm->hiwater_vm > mm->total_vm ? mm->hiwater_vm : mm->total_vm) },
		{ "VmSize", kb(mm->total_vm) },
		{ "VmLck", kb(mm->locked_vm) },
		{ "VmHWM", kb(mm->hiwater_rss > rss ? mm->hiwater_rss : rss) },
		{ "VmRSS", kb(rss) },
		{ "VmData", kb(mm->total_vm - mm->shared_vm - mm->stack_vm) },
		{ "VmStk", kb(mm->stack_vm) },
		{ "VmExe", kb(text) },
		{ "VmLib", mm->exec_vm > text ? kb(mm->exec_vm - text) : 0 },
		{ "VmPTE", kb(mm->nr_ptes) },
	};

	for (unsigned n = 0; n < ARRAY_SIZE(rows); n++)
		show_printf(b, "%s:\t%8u kB\n", rows[n].name, rows[n].kb);
}

void show_statm(struct show_buf *b, struct mm_struct *mm)
{
	show_printf(b, "%u %u %u %u 0 %u 0\n", mm->total_vm, rss_pages(mm), mm->rss[MM_FILEPAGES],
		    text_pages(mm), mm->total_vm - mm->shared_vm);
}

/* --- pagemap ---------------------------------------------------------------------------------- */

#define PM_MMAP_EXCLUSIVE (1ull << 56)
#define PM_FILE (1ull << 61)
#define PM_PRESENT (1ull << 63)

uint64_t pagemap_entry(struct mm_struct *mm, vaddr_t addr)
{
	const pte_t *pte = pte_offset(mm, addr);
	const struct page *page;
	uint64_t entry;

	if (!pte || !pte_present(*pte))
		return 0;
	entry = PM_PRESENT | pte_pfn(*pte);
	page = vm_normal_page(*pte);
	if (page && !page_is_anon(page))
		entry |= PM_FILE;
	if (page && page->mapcount == 1)
		entry |= PM_MMAP_EXCLUSIVE;
	return entry;
}
