// SPDX-License-Identifier: MIT
/*
 * mmap: the checks of mmap(2) in Linux's order, holes, and new VMAs.
 *
 * Holes are looked for as Linux on i386 does: the highest one below mmap_base, and if there is
 * none, or the stack may grow without limit, the lowest above TASK_UNMAPPED_BASE. No addresses are
 * random.
 */
#include "mm/arch.h"
#include "mm/errno.h"
#include "mm/filemap.h"
#include "mm/mm.h"
#include "mm/mmzone.h"
#include "mm/rmap.h"
#include "mm/vma.h"

/* --- limits ----------------------------------------------------------------------------------- */

bool may_expand_vm(const struct mm_struct *mm, uint32_t vm_flags, uint32_t pages)
{
	if (mm->rlim_as != UINT32_MAX && mm->total_vm + pages > mm->rlim_as >> PAGE_SHIFT)
		return false;
	return !is_data_mapping(vm_flags) || mm->rlim_data == UINT32_MAX ||
	       mm->data_vm + pages <= mm->rlim_data >> PAGE_SHIFT;
}

/* Linux's heuristic (overcommit_memory = 0): refuse only what could not be there all at once. */
bool vm_enough_memory(uint32_t pages)
{
	return pages <= mm.totalram_pages;
}

bool mlock_future_ok(const struct mm_struct *mm, uint32_t vm_flags, uint32_t bytes)
{
	if (!(vm_flags & VM_LOCKED) || mm->rlim_memlock == UINT32_MAX)
		return true;
	return mm->locked_vm + (bytes >> PAGE_SHIFT) <= mm->rlim_memlock >> PAGE_SHIFT;
}

/* --- holes ------------------------------------------------------------------------------------ */

static uint32_t find_hole(struct mm_struct *mm, uint32_t len)
{
	vaddr_t addr = 0;

	if (!mm->mmap_legacy)
		addr = vma_find_hole(mm, MMAP_MIN_ADDR, mm->mmap_base, len, true);
	if (!addr)
		addr = vma_find_hole(mm, TASK_UNMAPPED_BASE, TASK_SIZE, len, false);
	return addr ? addr : (uint32_t)-ENOMEM;
}

uint32_t get_unmapped_area(struct mm_struct *mm, vaddr_t addr, uint32_t len, uint32_t flags)
{
	const struct vm_area_struct *vma;

	if (len > TASK_SIZE)
		return (uint32_t)-ENOMEM;
	if (!(flags & MAP_FIXED)) {
		addr &= PAGE_MASK;
		vma = addr ? find_vma(mm, addr) : NULL;
		if (!addr || addr > TASK_SIZE - len || (vma && addr + len > vm_start_gap(vma)))
			return find_hole(mm, len);
		return addr;
	}
	if (addr > TASK_SIZE - len)
		return (uint32_t)-ENOMEM;
	if (addr & ~PAGE_MASK)
		return (uint32_t)-EINVAL;
	return addr < MMAP_MIN_ADDR ? (uint32_t)-EPERM : addr;
}

/* --- mmap ------------------------------------------------------------------------------------- */

/* Pages of [start, end) that are in VMAs, of which vma is the first that ends above start. */
static uint32_t count_mapped_pages(const struct vm_area_struct *vma, vaddr_t start, vaddr_t end)
{
	uint32_t pages = 0;

	for (; vma && vma->vm_start < end; vma = vma->vm_next)
		pages += ((vma->vm_end < end ? vma->vm_end : end) -
			  (vma->vm_start > start ? vma->vm_start : start)) >>
			 PAGE_SHIFT;
	return pages;
}

int mmap_zero(struct file *f, struct vm_area_struct *vma)
{
	struct file *shmem;

	if (!(vma->vm_flags & VM_MAYSHARE)) {
		/* Anonymous in all but name: /proc/PID/maps does not show one, unlike Linux's. */
		fput(f);
		vma->vm_file = NULL;
		vma->vm_pgoff = PFN_DOWN(vma->vm_start);
		return 0;
	}
	shmem = shmem_zero_file(vma->vm_end - vma->vm_start);
	if (!shmem)
		return -ENOMEM;
	fput(f);
	vma->vm_file = shmem;
	vma->vm_pgoff = 0;
	return 0;
}

/* What the VMA maps: a reference to file, or one to new shared memory. 0 or error. */
static int set_file(struct vm_area_struct *vma, struct file *file)
{
	if (file) {
		const struct address_space_operations *ops = file->f_mapping->a_ops;

		vma->vm_file = get_file(file);
		return ops && ops->mmap ? ops->mmap(file, vma) : 0;
	}
	if (vma->vm_flags & VM_SHARED) {
		vma->vm_file = shmem_zero_file(vma->vm_end - vma->vm_start);
		return vma->vm_file ? 0 : -ENOMEM;
	}
	return 0;
}

/* A new VMA in a place that is free, behind prev. 0 or error. */
static int map_new(struct mm_struct *mm, struct vm_area_struct *prev, struct file *file,
		   vaddr_t addr, uint32_t len, uint32_t vm_flags, uint32_t pgoff)
{
	struct vm_area_struct *vma = vma_alloc(mm);
	int err;

	if (!vma)
		return -ENOMEM;
	vma->vm_start = addr;
	vma->vm_end = addr + len;
	vma->vm_flags = vm_flags;
	vma->vm_page_prot = vm_get_page_prot(vm_flags);
	vma->vm_pgoff = pgoff;
	err = set_file(vma, file);
	if (err) {
		vma_free(vma);
		return err;
	}
	vma_link(mm, vma, prev);
	vma_account(mm, vm_flags, vma->vm_file, (int32_t)(len >> PAGE_SHIFT));
	return 0;
}

static bool may_merge(const struct file *file, uint32_t vm_flags)
{
	return file ? !file->f_mapping->a_ops || !file->f_mapping->a_ops->mmap
		    : !(vm_flags & VM_SHARED);
}

int mmap_region(struct mm_struct *mm, struct file *file, vaddr_t addr, uint32_t len,
		uint32_t vm_flags, uint32_t pgoff)
{
	struct vm_area_struct *prev, *vma = find_vma_prev(mm, addr, &prev);
	uint32_t pages = len >> PAGE_SHIFT, replaced = count_mapped_pages(vma, addr, addr + len);
	int err;

	if (!may_expand_vm(mm, vm_flags, pages - replaced))
		return -ENOMEM;
	/* Private memory that can be written is charged; shared memory is by its own file. */
	if ((vm_flags & (VM_NORESERVE | VM_SHARED | VM_WRITE)) == VM_WRITE)
		vm_flags |= VM_ACCOUNT;
	if ((vm_flags & VM_ACCOUNT ||
	     (!file && vm_flags & VM_SHARED && !(vm_flags & VM_NORESERVE))) &&
	    !vm_enough_memory(pages))
		return -ENOMEM;
	if (replaced) {
		err = do_munmap(mm, addr, len);
		if (err)
			return err;
		find_vma_prev(mm, addr, &prev);
	}
	vma = may_merge(file, vm_flags)
		      ? vma_merge(mm, prev, addr, addr + len, vm_flags, NULL, file, pgoff)
		      : NULL;
	if (!vma)
		return map_new(mm, prev, file, addr, len, vm_flags, pgoff);
	vma_account(mm, vm_flags, file, (int32_t)pages);
	return 0;
}

/* What kind of mapping it becomes: *vm_flags and *pgoff are completed. 0 or error. */
static int check_type(const struct file *file, vaddr_t addr, uint32_t prot, uint32_t flags,
		      uint32_t *vm_flags, uint32_t *pgoff)
{
	/* MAP_SHARED has always ignored flags it does not know; MAP_SHARED_VALIDATE does not. */
	const uint32_t known = MAP_TYPE | MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_GROWSDOWN |
			       MAP_DENYWRITE | MAP_EXECUTABLE | MAP_LOCKED | MAP_NORESERVE |
			       MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB |
			       MAP_UNINITIALIZED | MAP_32BIT | MAP_ABOVE4G | MAP_ANONYMOUS;
	uint32_t type = flags & MAP_TYPE;

	if (type != MAP_SHARED && type != MAP_PRIVATE && (type != MAP_SHARED_VALIDATE || !file))
		return -EINVAL;
	if (!file) {
		if (type == MAP_SHARED && *vm_flags & VM_GROWSDOWN)
			return -EINVAL;
		*pgoff = type == MAP_SHARED ? 0 : PFN_DOWN(addr);
		*vm_flags |= type == MAP_SHARED ? VM_SHARED | VM_MAYSHARE : 0;
		return 0;
	}
	if (type == MAP_SHARED_VALIDATE && flags & ~known)
		return -EOPNOTSUPP;
	if (type != MAP_PRIVATE) {
		if (prot & PROT_WRITE && !(file->f_mode & FMODE_WRITE))
			return -EACCES;
		*vm_flags |= VM_SHARED | VM_MAYSHARE;
		if (!(file->f_mode & FMODE_WRITE))
			*vm_flags &= ~(VM_MAYWRITE | VM_SHARED);
	}
	if (!(file->f_mode & FMODE_READ))
		return -EACCES;
	if (!file->f_mapping)
		return -ENODEV;
	return *vm_flags & VM_GROWSDOWN ? -EINVAL : 0;
}

static uint32_t vm_flags_of(const struct mm_struct *mm, uint32_t prot, uint32_t flags)
{
	return (prot & (PROT_READ | PROT_WRITE | PROT_EXEC)) |
	       (flags & MAP_GROWSDOWN ? VM_GROWSDOWN : 0) | (flags & MAP_LOCKED ? VM_LOCKED : 0) |
	       (flags & MAP_NORESERVE ? VM_NORESERVE : 0) | mm->def_flags | VM_MAY_FLAGS;
}

static int check_lock(const struct mm_struct *mm, uint32_t vm_flags, uint32_t flags, uint32_t len)
{
	if (flags & MAP_LOCKED && !mm->rlim_memlock)
		return -EPERM;
	return mlock_future_ok(mm, vm_flags, len) ? 0 : -EAGAIN;
}

uint32_t do_mmap_pgoff(struct mm_struct *mm, struct file *file, vaddr_t addr, uint32_t len,
		       uint32_t prot, uint32_t flags, uint32_t pgoff)
{
	uint32_t vm_flags;
	int err;

	if (!len)
		return (uint32_t)-EINVAL;
	if (prot & PROT_READ && mm->read_implies_exec)
		prot |= PROT_EXEC;
	if (flags & MAP_FIXED_NOREPLACE)
		flags |= MAP_FIXED;
	/* A hint, not an address: made to be one that may be had. */
	if (!(flags & MAP_FIXED) && (addr &= PAGE_MASK) && addr < MMAP_MIN_ADDR)
		addr = MMAP_MIN_ADDR;
	len = page_align(len);
	if (!len)
		return (uint32_t)-ENOMEM;
	if (file && pgoff + (len >> PAGE_SHIFT) < pgoff)
		return (uint32_t)-EOVERFLOW;
	if (mm->map_count > DEFAULT_MAX_MAP_COUNT)
		return (uint32_t)-ENOMEM;
	vm_flags = vm_flags_of(mm, prot, flags);
	addr = get_unmapped_area(mm, addr, len, flags);
	if (IS_ERR_VALUE(addr))
		return addr;
	if (flags & MAP_FIXED_NOREPLACE && find_vma_intersection(mm, addr, addr + len))
		return (uint32_t)-EEXIST;
	err = check_lock(mm, vm_flags, flags, len);
	if (!err)
		err = check_type(file, addr, prot, flags, &vm_flags, &pgoff);
	if (!err)
		err = mmap_region(mm, file, addr, len, vm_flags, pgoff);
	if (err)
		return (uint32_t)err;
	/* Linux, too, ignores it if that fails: mlock(2) is for who must know. */
	if (vm_flags & VM_LOCKED || (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE)
		make_pages_present(mm, addr, addr + len);
	return addr;
}

int setup_stack_vma(struct mm_struct *mm, uint32_t bytes)
{
	uint32_t vm_flags = VM_DATA_FLAGS | VM_GROWSDOWN;

	if (mm->read_implies_exec)
		vm_flags |= VM_EXEC;
	bytes = page_align(bytes);
	if (!bytes || bytes > TASK_SIZE - MMAP_MIN_ADDR ||
	    find_vma_intersection(mm, STACK_TOP - bytes, STACK_TOP))
		return -ENOMEM;
	return mmap_region(mm, NULL, STACK_TOP - bytes, bytes, vm_flags,
			   PFN_DOWN(STACK_TOP - bytes));
}
