/* SPDX-License-Identifier: MIT */
/*
 * User address spaces: what system calls, exec, fork and the page-fault handler call. Errors are
 * negative, and are those of Linux (man pages, section 2) in the same order of checks; functions
 * that give an address return it as uint32_t with errors as (uint32_t)-E, above -4096u
 * (IS_ERR_VALUE).
 *
 *   mm_struct.c  birth, fork, end               vma.c      list and tree, find, merge, split, link
 *   mmap.c       mmap, holes                    munmap.c   munmap, brk
 *   mprotect.c   mprotect                       mremap.c   mremap
 *   madvise.c    madvise, mincore, msync        mlock.c    mlock, mlockall
 *   fault.c      the ladder                     memory.c   PTEs: tables, zap, move, protection
 *   copy.c       PTEs of a fork                 populate.c make_pages_present, access_process_vm
 *   rmap.c       from a page to its PTEs        filemap.c  page cache
 *   mm_check.c   the invariants                 show_mm.c  /proc/PID/{maps,smaps,status,statm,..}
 */
#ifndef MM_MM_H
#define MM_MM_H

#include "mm/mm_types.h"
#include "mm/mman.h"

#define IS_ERR_VALUE(x) ((uint32_t)(x) >= (uint32_t)-4095)

/* --- address spaces (mm_struct.c) ------------------------------------------------------------- */

/* Caches of mm_structs and VMAs; by user_memory_init(). */
void proc_caches_init(void);
/*
 * An empty space with the kernel's half, Linux's default limits (stack 8 MiB, locked 8 MiB, no
 * others) and mm_pick_layout() done. NULL: no memory.
 */
struct mm_struct *mm_alloc(void);
/* Where mmap puts things: after a change of rlim_stack, before the first mapping. */
void mm_pick_layout(struct mm_struct *mm);
/* fork: the same VMAs, pages shared copy-on-write. NULL: no memory; nothing is left behind. */
struct mm_struct *dup_mm(struct mm_struct *old);
static inline struct mm_struct *mmget(struct mm_struct *mm)
{
	mm->mm_users++;
	return mm;
}
/* At the last user: everything unmapped and freed. It must not be the one in CR3. */
void mmput(struct mm_struct *mm);
/* Unmap all of user space, keep the mm. It may be the one in CR3. */
void exit_mmap(struct mm_struct *mm);

/* --- VMAs (vma.c) ----------------------------------------------------------------------------- */

/* The first VMA that ends above addr, or NULL. */
struct vm_area_struct *find_vma(struct mm_struct *mm, vaddr_t addr);
struct vm_area_struct *find_vma_prev(struct mm_struct *mm, vaddr_t addr,
				     struct vm_area_struct **prev);
/* The first VMA that has a byte in [start, end), or NULL. */
struct vm_area_struct *find_vma_intersection(struct mm_struct *mm, vaddr_t start, vaddr_t end);
/* vm_start, or below a stack the start of its guard gap: nothing is placed between. */
vaddr_t vm_start_gap(const struct vm_area_struct *vma);
/* A stack grows down to start; the caller has checked that it may. Counts are kept. */
void vma_grow_down(struct vm_area_struct *vma, vaddr_t start);
/* May the space grow by so many pages of that kind (RLIMIT_AS, RLIMIT_DATA)? And all of memory? */
bool may_expand_vm(const struct mm_struct *mm, uint32_t vm_flags, uint32_t pages);
bool vm_enough_memory(uint32_t pages);
/* Would so many bytes more, locked if vm_flags says so, keep to RLIMIT_MEMLOCK? */
bool mlock_future_ok(const struct mm_struct *mm, uint32_t vm_flags, uint32_t bytes);

/* --- system calls (mmap.c, munmap.c, mprotect.c, mremap.c, madvise.c, mlock.c) ---------------- */

/*
 * pgoff in pages. file: NULL for MAP_ANONYMOUS; the mapping takes a reference of its own. Address
 * or error. If memory ends (-ENOMEM), what was in a MAP_FIXED range may be gone already, as in
 * Linux.
 */
uint32_t do_mmap_pgoff(struct mm_struct *mm, struct file *file, vaddr_t addr, uint32_t len,
		       uint32_t prot, uint32_t flags, uint32_t pgoff);
int do_munmap(struct mm_struct *mm, vaddr_t start, uint32_t len);
/* The new break, or on failure the old one: brk(2) of the kernel reports no errors. */
vaddr_t do_brk_call(struct mm_struct *mm, vaddr_t brk);
/* An anonymous area for exec (bss, brk): 0 or error. len is rounded up. */
int do_brk_area(struct mm_struct *mm, vaddr_t addr, uint32_t len);
int do_mprotect(struct mm_struct *mm, vaddr_t start, uint32_t len, uint32_t prot);
uint32_t do_mremap(struct mm_struct *mm, vaddr_t addr, uint32_t old_len, uint32_t new_len,
		   uint32_t flags, vaddr_t new_addr);
int do_madvise(struct mm_struct *mm, vaddr_t start, uint32_t len, int advice);
/*
 * One byte a page into vec (kernel memory), bit 0: resident. Returns how many pages were told, at
 * most `pages` and none beyond the VMA that start lies in; -ENOMEM: it lies in none. The caller has
 * checked mincore(2)'s arguments and goes on where this stopped.
 */
int do_mincore(struct mm_struct *mm, vaddr_t start, uint32_t pages, uint8_t *vec);
int do_msync(struct mm_struct *mm, vaddr_t start, uint32_t len, uint32_t flags);
int do_mlock(struct mm_struct *mm, vaddr_t start, uint32_t len, bool on);
int do_mlockall(struct mm_struct *mm, uint32_t flags); /* MCL_* */
int do_munlockall(struct mm_struct *mm);
/*
 * mmap of /dev/zero, for address_space_operations: private is anonymous, shared is shared memory.
 */
int mmap_zero(struct file *f, struct vm_area_struct *vma);
/* The stack of a new program: [STACK_TOP - bytes, STACK_TOP), VM_GROWSDOWN. 0 or error. */
int setup_stack_vma(struct mm_struct *mm, uint32_t bytes);

/* --- page faults (fault.c) -------------------------------------------------------------------- */

/* Bits of the error code (Intel SDM vol. 3, 4.7). */
#define FAULT_PROT 0x1u
#define FAULT_WRITE 0x2u
#define FAULT_USER 0x4u

/*
 * Once, when SLUB is up: the zero page, caches of all that user space needs. Panics without memory:
 * it is boot.
 */
void user_memory_init(void);

enum fault_outcome {
	FAULT_DONE_MINOR,  /* go on */
	FAULT_DONE_MAJOR,  /* go on; a page was read */
	FAULT_SEGV_MAPERR, /* SIGSEGV, si_code SEGV_MAPERR (1): nothing is mapped there */
	FAULT_SEGV_ACCERR, /* SIGSEGV, si_code SEGV_ACCERR (2): it is, without that right */
	FAULT_SIGBUS,	   /* BUS_ADRERR: past the end of the file, or it could not be read */
	FAULT_OOM,	   /* no memory: kill the process */
};

/*
 * (Both copy and clear pages by KM_USER0 and KM_USER1: nobody may touch user memory while holding
 * one.)
 *
 * A fault at addr < TASK_SIZE in mm, which is the one in CR3, by user code or by the kernel on its
 * behalf. error: FAULT_*. user_sp: the user's stack pointer, for stack growth (Linux's rule: not
 * below sp - 65536 - 32 * 4); FAULT_USER clear: the kernel's access, any distance.
 */
enum fault_outcome do_user_fault(struct mm_struct *mm, vaddr_t addr, uint32_t error,
				 vaddr_t user_sp);
/* The part below the VMA checks. addr lies in vma, which permits the access. */
enum fault_outcome handle_mm_fault(struct mm_struct *mm, struct vm_area_struct *vma, vaddr_t addr,
				   bool write);
/* Grow a stack VMA down to addr: 0, -ENOMEM (limit, guard gap, no memory). */
int expand_stack(struct vm_area_struct *vma, vaddr_t addr);

/* --- pages of a space (memory.c) -------------------------------------------------------------- */

/* Take out and release the pages of [start, end), which lies in VMAs or not at all; flush. */
void zap_page_range(struct mm_struct *mm, vaddr_t start, vaddr_t end);
/* The PTE of addr; NULL: no table. Create makes the table (NULL: no memory). */
pte_t *lookup_user_pte(struct mm_struct *mm, vaddr_t addr);
pte_t *pte_alloc_map(struct mm_struct *mm, vaddr_t addr);
/*
 * Free the page tables that show a part of [start, end) and that no VMA needs any more: the VMAs
 * that went must be out of list and tree, and their pages zapped.
 */
void free_pgtables(struct mm_struct *mm, vaddr_t start, vaddr_t end);
/*
 * fork's part: share the pages of src's `vma` copy-on-write with dst. 0 or -ENOMEM; what was copied
 * until then stays, for exit_mmap(dst). The caller flushes the parent once, also after a failure:
 * flush_tlb_mm(src).
 */
int copy_page_range(struct mm_struct *dst, struct mm_struct *src, struct vm_area_struct *vma);
/* Move PTEs for mremap: from old_addr to new_addr in vma, len bytes. Returns bytes moved. */
uint32_t move_page_tables(struct vm_area_struct *vma, vaddr_t old_addr,
			  struct vm_area_struct *new_vma, vaddr_t new_addr, uint32_t len);
/*
 * Give PTEs of [start, end) the protection of vma (mprotect): never more than COW allows. Flushes.
 */
void change_protection(struct vm_area_struct *vma, vaddr_t start, vaddr_t end);
/* Fault in [start, end) of a VMA (mlock, MAP_POPULATE, WILLNEED): 0 or -ENOMEM, -EFAULT. */
int make_pages_present(struct mm_struct *mm, vaddr_t start, vaddr_t end);
/*
 * Reach another space (exec's stack, /proc, checks): copy `len` bytes at addr of mm, faulting pages
 * in, COW broken for writes. Bytes copied.
 */
uint32_t access_process_vm(struct mm_struct *mm, vaddr_t addr, void *buf, uint32_t len, bool write);
/* Drop all translations of user space; nothing to do unless mm is the one in CR3. */
void flush_tlb_mm(struct mm_struct *mm);
/* vm_page_prot for vm_flags. */
pte_t vm_get_page_prot(uint32_t vm_flags);

/* --- checks ----------------------------------------------------------------------------------- */

/* One mm's invariants; violations, each printed. */
unsigned mm_check(struct mm_struct *mm);
/* All of mm_list, and that each page's mapcount is the number of PTEs found. */
unsigned mm_check_all(void);
/*
 * Their parts about page tables (mm_check_pte.c): one mm's, and the counts of all pages of mm_list.
 */
unsigned mm_check_ptes(struct mm_struct *mm);
unsigned mm_check_rmap(void);

/* --- /proc/PID (show_mm.c) -------------------------------------------------------------------- */

struct show_buf;
void show_maps(struct show_buf *b, struct mm_struct *mm);
void show_smaps(struct show_buf *b, struct mm_struct *mm);
void show_status_vm(struct show_buf *b, struct mm_struct *mm); /* "VmPeak:" .. "VmPTE:" */
void show_statm(struct show_buf *b, struct mm_struct *mm);
/*
 * An entry of pagemap for the page at addr, as Linux gives it today: bits 0..54 the frame, bit 56
 * mapped by nobody else, bit 61 a page of a file or shared memory, bit 63 present.
 */
uint64_t pagemap_entry(struct mm_struct *mm, vaddr_t addr);

#endif
