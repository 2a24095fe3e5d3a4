// SPDX-License-Identifier: MIT
/*
 * The ladder of page faults in user space. do_user_fault() asks whether the access is allowed,
 * handle_mm_fault() what is missing: one case each for a function, and one word for how it ended.
 */
#include "mm/errno.h"
#include "mm/filemap.h"
#include "mm/highmem.h"
#include "mm/user_pages.h"

/* How far below the stack pointer ENTER and PUSHA may touch (Linux 2.6.32, arch/x86/mm/fault.c). */
#define STACK_SLACK (65536 + 32 * 4)

/* --- pages of one's own ----------------------------------------------------------------------- */

/* A page for vma, what is in it left to the caller. NULL: no memory. */
static struct page *alloc_anon_page(struct vm_area_struct *vma)
{
	if (unlikely(!vma->anon_vma) && anon_vma_prepare(vma))
		return NULL;
	return alloc_page(GFP_HIGHUSER);
}

/* Writable, if the VMA is: nobody else has the page. */
static void map_anon_page(struct vm_area_struct *vma, vaddr_t addr, pte_t *pte, struct page *page)
{
	pte_t entry = page_to_phys(page) | vma->vm_page_prot | _PAGE_DIRTY;

	vma->vm_mm->rss[MM_ANONPAGES]++;
	page_add_new_anon_rmap(page, vma, addr);
	*pte = vma->vm_flags & VM_WRITE ? entry | _PAGE_RW : entry;
}

static enum fault_outcome anonymous_fault(struct vm_area_struct *vma, vaddr_t addr, pte_t *pte,
					  bool write)
{
	struct page *page;

	if (!write) {
		*pte = mm.zero_pfn << PAGE_SHIFT | vma->vm_page_prot;
		return FAULT_DONE_MINOR;
	}
	page = alloc_anon_page(vma);
	if (!page)
		return FAULT_OOM;
	clear_highpage(page);
	map_anon_page(vma, addr, pte, page);
	return FAULT_DONE_MINOR;
}

/* --- pages of a file -------------------------------------------------------------------------- */

/* A write to a private mapping of a page that is not mapped yet: the copy at once. */
static enum fault_outcome copy_file_page(struct vm_area_struct *vma, vaddr_t addr, pte_t *pte,
					 struct page *page)
{
	struct page *copy = alloc_anon_page(vma);

	if (!copy)
		return FAULT_OOM;
	copy_highpage(copy, page);
	map_anon_page(vma, addr, pte, copy);
	return FAULT_DONE_MINOR;
}

static void map_file_page(struct vm_area_struct *vma, pte_t *pte, struct page *page, bool write)
{
	vma->vm_mm->rss[MM_FILEPAGES]++;
	page_add_file_rmap(page);
	*pte = page_to_phys(page) | vma->vm_page_prot | (write ? _PAGE_DIRTY : 0);
}

static enum fault_outcome file_fault(struct vm_area_struct *vma, vaddr_t addr, pte_t *pte,
				     bool write)
{
	struct address_space *mapping = vma->vm_file->f_mapping;
	uint32_t index = linear_page_index(vma, addr);
	enum fault_outcome outcome = FAULT_DONE_MINOR;
	bool major = false;
	struct page *page;
	int err;

	if (index >= (mapping->i_size + PAGE_SIZE - 1) >> PAGE_SHIFT)
		return FAULT_SIGBUS;
	page = read_mapping_page(mapping, index, &major, &err);
	if (!page)
		return err == -ENOMEM ? FAULT_OOM : FAULT_SIGBUS;
	if (unlikely(!pte_none(*pte))) { /* another brought it while we read (access_process_vm) */
		put_page(page);
	} else if (write && !(vma->vm_flags & VM_SHARED)) {
		outcome = copy_file_page(vma, addr, pte, page);
		put_page(page);
	} else {
		map_file_page(vma, pte, page, write); /* and keeps our reference */
	}
	return outcome == FAULT_DONE_MINOR && major ? FAULT_DONE_MAJOR : outcome;
}

/* --- writes to what is write-protected -------------------------------------------------------- */

/* The mapping is all that refers to it. */
static bool is_sole_owner(const struct page *page)
{
	return page_is_anon(page) && page->count == 1;
}

/* The copy takes the place of `old` (NULL: the zero page), which has a reference of ours. */
static enum fault_outcome break_cow(struct vm_area_struct *vma, vaddr_t addr, pte_t *pte,
				    struct page *old)
{
	pte_t entry = *pte;
	struct page *copy = alloc_anon_page(vma);

	if (!copy)
		return FAULT_OOM;
	if (unlikely(*pte != entry)) { /* taken away while we waited for memory: try again */
		put_page(copy);
		return FAULT_DONE_MINOR;
	}
	if (old)
		copy_highpage(copy, old);
	else
		clear_highpage(copy);
	map_anon_page(vma, addr, pte, copy);
	arch_flush_tlb_page(addr);
	if (old) {
		vma->vm_mm->rss[rss_kind(old)]--;
		page_remove_rmap(old);
		put_page(old); /* the entry's reference */
	}
	return FAULT_DONE_MINOR;
}

static enum fault_outcome write_protected_fault(struct vm_area_struct *vma, vaddr_t addr,
						pte_t *pte)
{
	struct page *old = vm_normal_page(*pte);
	enum fault_outcome outcome;

	if (vma->vm_flags & VM_SHARED || (old && is_sole_owner(old))) {
		*pte |= _PAGE_RW | _PAGE_DIRTY | _PAGE_ACCESSED;
		return FAULT_DONE_MINOR;
	}
	if (!old)
		return break_cow(vma, addr, pte, NULL);
	/* Held while we may wait for memory, so that its frame is not another's when we copy. */
	if (unlikely(!try_get_page(old)))
		return FAULT_OOM;
	outcome = break_cow(vma, addr, pte, old);
	put_page(old);
	return outcome;
}

/* --- the ladder ------------------------------------------------------------------------------- */

enum fault_outcome handle_mm_fault(struct mm_struct *mm, struct vm_area_struct *vma, vaddr_t addr,
				   bool write)
{
	pte_t *pte;

	addr &= PAGE_MASK;
	pte = pte_alloc_map(mm, addr);
	if (!pte)
		return FAULT_OOM;
	if (pte_none(*pte) && !vma->vm_file)
		return anonymous_fault(vma, addr, pte, write);
	if (pte_none(*pte))
		return file_fault(vma, addr, pte, write);
	if (write && !pte_write(*pte))
		return write_protected_fault(vma, addr, pte);
	/* The entry allows it: the CPU held an older one, which it dropped with this fault. */
	*pte |= write ? _PAGE_DIRTY | _PAGE_ACCESSED : _PAGE_ACCESSED;
	return FAULT_DONE_MINOR;
}

int expand_stack(struct vm_area_struct *vma, vaddr_t addr)
{
	const struct vm_area_struct *prev = vma->vm_prev;
	const struct mm_struct *mm = vma->vm_mm;
	uint32_t grow;

	addr &= PAGE_MASK;
	if (!(vma->vm_flags & VM_GROWSDOWN) || addr < MMAP_MIN_ADDR)
		return -ENOMEM;
	if (addr >= vma->vm_start)
		return 0;
	grow = vma->vm_start - addr;
	/* (a) the guard gap to what can be touched below, but for another stack's own gap */
	if (prev && !(prev->vm_flags & VM_GROWSDOWN) && prev->vm_flags & VM_ACCESS_FLAGS &&
	    addr - prev->vm_end < STACK_GUARD_GAP_PAGES << PAGE_SHIFT)
		return -ENOMEM;
	/*
	 * (b) no page offset below 0; (c) RLIMIT_STACK, _AS and _DATA, _MEMLOCK; (d) all of memory
	 */
	if (grow >> PAGE_SHIFT > vma->vm_pgoff || vma->vm_end - addr > mm->rlim_stack ||
	    !may_expand_vm(mm, vma->vm_flags, grow >> PAGE_SHIFT) ||
	    !mlock_future_ok(mm, vma->vm_flags, grow) || !vm_enough_memory(grow >> PAGE_SHIFT))
		return -ENOMEM;
	vma_grow_down(vma, addr);
	return 0;
}

/* Is addr, below the stack's VMA, an access of the stack? */
static bool grows_stack(struct vm_area_struct *vma, vaddr_t addr, uint32_t error, vaddr_t user_sp)
{
	if (!(vma->vm_flags & VM_GROWSDOWN))
		return false;
	if (error & FAULT_USER && addr + STACK_SLACK < user_sp)
		return false;
	return expand_stack(vma, addr) == 0;
}

/*
 * A read of what is present and faulted nonetheless wants a right that no entry of a user page
 * gives. Write implies read here, and so does exec: page tables without NX know no better.
 */
static bool access_permitted(const struct vm_area_struct *vma, uint32_t error)
{
	if (error & FAULT_WRITE)
		return vma->vm_flags & VM_WRITE;
	return !(error & FAULT_PROT) && vma->vm_flags & VM_ACCESS_FLAGS;
}

enum fault_outcome do_user_fault(struct mm_struct *mm, vaddr_t addr, uint32_t error,
				 vaddr_t user_sp)
{
	struct vm_area_struct *vma = find_vma(mm, addr);
	enum fault_outcome outcome;

	if (!vma)
		return FAULT_SEGV_MAPERR;
	if (addr < vma->vm_start && !grows_stack(vma, addr, error, user_sp))
		return FAULT_SEGV_MAPERR;
	if (!access_permitted(vma, error))
		return FAULT_SEGV_ACCERR;
	outcome = handle_mm_fault(mm, vma, addr, error & FAULT_WRITE);
	if (outcome == FAULT_DONE_MAJOR)
		mm->maj_flt++;
	else if (outcome == FAULT_DONE_MINOR)
		mm->min_flt++;
	return outcome;
}
