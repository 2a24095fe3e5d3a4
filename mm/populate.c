// SPDX-License-Identifier: MIT
/*
 * Pages of user space brought in, or reached, by the kernel without a fault of the CPU (Linux
 * 2.6.32, get_user_pages).
 */
#include "mm/errno.h"
#include "mm/highmem.h"
#include "mm/user_pages.h"

/* Is the page there, with the right that the access needs? */
static bool is_mapped(struct mm_struct *mm, vaddr_t addr, bool write)
{
	const pte_t *pte = pte_offset(mm, addr);

	return pte && pte_present(*pte) && (!write || pte_write(*pte));
}

/* More than one round where another took it away meanwhile. */
int fault_in_page(struct vm_area_struct *vma, vaddr_t addr, bool write)
{
	while (!is_mapped(vma->vm_mm, addr, write)) {
		enum fault_outcome outcome = handle_mm_fault(vma->vm_mm, vma, addr, write);

		if (outcome == FAULT_OOM)
			return -ENOMEM;
		if (outcome != FAULT_DONE_MINOR && outcome != FAULT_DONE_MAJOR)
			return -EFAULT;
	}
	return 0;
}

int make_pages_present(struct mm_struct *mm, vaddr_t start, vaddr_t end)
{
	for (vaddr_t addr = start & PAGE_MASK; addr < end; addr += PAGE_SIZE) {
		struct vm_area_struct *vma = find_vma(mm, addr);
		bool write;
		int err;

		if (!vma || addr < vma->vm_start || !(vma->vm_flags & VM_ACCESS_FLAGS))
			return -EFAULT;
		/* Private pages are made one's own now; a shared one need not become dirty. */
		write = (vma->vm_flags & (VM_WRITE | VM_SHARED)) == VM_WRITE;
		err = fault_in_page(vma, addr, write);
		if (err)
			return err;
	}
	return 0;
}

/*
 * The VMA of an access from outside: as a debugger's, it may read what the process itself may not.
 */
static struct vm_area_struct *vma_for_access(struct mm_struct *mm, vaddr_t addr, bool write)
{
	struct vm_area_struct *vma = find_vma(mm, addr);

	if (!vma || (addr < vma->vm_start && expand_stack(vma, addr)))
		return NULL;
	return write && !(vma->vm_flags & VM_WRITE) ? NULL : vma;
}

/* len bytes of one page. False: it is not there. */
static bool access_page(struct mm_struct *mm, vaddr_t addr, void *buf, uint32_t len, bool write)
{
	struct vm_area_struct *vma = vma_for_access(mm, addr, write);
	char *page;

	if (!vma || fault_in_page(vma, addr, write))
		return false;
	page = kmap_atomic(pfn_to_page(pte_pfn(*pte_offset(mm, addr))), KM_USER0);
	if (write)
		memcpy(page + addr % PAGE_SIZE, buf, len);
	else
		memcpy(buf, page + addr % PAGE_SIZE, len);
	kunmap_atomic(page, KM_USER0);
	return true;
}

uint32_t access_process_vm(struct mm_struct *mm, vaddr_t addr, void *buf, uint32_t len, bool write)
{
	uint32_t done = 0;

	if (addr >= TASK_SIZE)
		return 0;
	if (len > TASK_SIZE - addr)
		len = TASK_SIZE - addr;
	while (done < len) {
		uint32_t room = PAGE_SIZE - (addr + done) % PAGE_SIZE;
		uint32_t part = len - done < room ? len - done : room;

		if (!access_page(mm, addr + done, (char *)buf + done, part, write))
			break;
		done += part;
	}
	return done;
}
