/* SPDX-License-Identifier: MIT */
/*
 * User address spaces: mm_struct, its vm_area_structs, and what file mappings need of a file. Names
 * and rules are those of Linux 2.6.32 (include/linux/mm_types.h, fs.h).
 *
 * Invariants of an mm_struct (mm_check() verifies them):
 *  - the list from mmap, the tree mm_rb and map_count hold the same VMAs, sorted, disjoint, each
 *    page-aligned, not empty and below TASK_SIZE;
 *  - every present user PTE lies in a VMA, and no bit of it grants more than the VMA does;
 *  - rss[] is the number of present user PTEs, by kind of page, those of the zero page apart;
 *  - total_vm, locked_vm and the others are sums over the VMAs.
 *
 * One CPU and a kernel that is not preempted: an mm is changed by its own process alone, or by one
 * that nobody else runs in. What may sleep (reading a page of a file) says so; the VMAs can then
 * not change, because no two threads share an mm (CLONE_VM is vfork's alone, whose parent waits).
 */
#ifndef MM_MM_TYPES_H
#define MM_MM_TYPES_H

#include "mm/list.h"
#include "mm/mmzone.h"
#include "mm/rbtree.h"
#include "mm/types.h"

/*
 * In code about spaces `mm` is one of them, as in Linux: there the name hides the global struct
 * mm_globals, and is meant to. Locals still may not hide each other.
 */
#pragma GCC diagnostic ignored "-Wshadow"
#ifndef __clang__
#pragma GCC diagnostic error "-Wshadow=local"
#endif

#define TASK_SIZE PAGE_OFFSET
#define STACK_TOP TASK_SIZE
#define TASK_UNMAPPED_BASE ((TASK_SIZE / 3 + PAGE_SIZE - 1) & PAGE_MASK)
#define DEFAULT_MAX_MAP_COUNT 65530
#define MMAP_MIN_ADDR 0x10000u	   /* vm.mmap_min_addr: nothing is mapped below it */
#define STACK_GUARD_GAP_PAGES 256u /* kept free below a VM_GROWSDOWN area (Linux 4.12 and later) */

/* vm_flags; the values are Linux 2.6.32's, /proc/PID/smaps readers may know them. */
#define VM_READ 0x00000001u
#define VM_WRITE 0x00000002u
#define VM_EXEC 0x00000004u
#define VM_SHARED 0x00000008u
#define VM_MAYREAD 0x00000010u /* mprotect() may set VM_READ .. */
#define VM_MAYWRITE 0x00000020u
#define VM_MAYEXEC 0x00000040u
#define VM_MAYSHARE 0x00000080u
#define VM_GROWSDOWN 0x00000100u
#define VM_LOCKED 0x00002000u
#define VM_SEQ_READ 0x00008000u
#define VM_RAND_READ 0x00010000u
#define VM_DONTCOPY 0x00020000u /* not inherited by fork */
#define VM_DONTEXPAND 0x00040000u
#define VM_ACCOUNT 0x00100000u
#define VM_NORESERVE 0x00200000u
#define VM_WIPEONFORK 0x02000000u /* fork gives the child zeros (Linux 4.14 and later) */
#define VM_DONTDUMP 0x04000000u	  /* not in core dumps (Linux 3.4); there are none */

#define VM_ACCESS_FLAGS (VM_READ | VM_WRITE | VM_EXEC)
#define VM_MAY_FLAGS (VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC)
#define VM_DATA_FLAGS (VM_READ | VM_WRITE | VM_MAY_FLAGS) /* of brk and the stack */

struct page;
struct inode;
struct file;
struct vm_area_struct;

/* The pages of one file (or of shared anonymous memory) that are in memory. */
struct address_space_operations {
	/*
	 * Fill page->index of the mapping; bytes past the end of the file are zero. May sleep. 0 or
	 * -EIO.
	 */
	int (*readpage)(struct address_space *mapping, struct page *page);
	/*
	 * NULL, or what mmap does instead of mapping the pages: /dev/zero's is mmap_zero(). vma is
	 * not linked yet; vm_file may be replaced (both references are the callee's business). 0 or
	 * error.
	 */
	int (*mmap)(struct file *f, struct vm_area_struct *vma);
};

struct address_space {
	struct inode *host; /* the VFS's; mm/ does not look inside */
	const struct address_space_operations *a_ops;
	uint64_t i_size;      /* bytes in the file: beyond its last page is SIGBUS */
	struct rb_root pages; /* page cache, by index (filemap.c) */
	uint32_t nrpages;
	struct list_head i_mmap; /* VMAs that map it: vm_area_struct.shared */
	void *private;		 /* the file system's */
};

#define FMODE_READ 0x1u
#define FMODE_WRITE 0x2u

/* What mm/ knows of an open file. The VFS embeds it or adds behind `private`. */
struct file {
	int32_t f_count;
	uint32_t f_mode;		 /* FMODE_* */
	struct address_space *f_mapping; /* NULL: cannot be mapped (-ENODEV) */
	const struct file_operations *f_op;
	struct inode *f_inode;
	uint32_t f_flags; /* O_* */
	uint64_t f_pos;
	void *private;
	void (*f_release)(struct file *f); /* the last fput(): frees it; NULL: it stays */
	/* Path for /proc/PID/maps; lives as long as the file. May be NULL. */
	const char *f_path;
	uint32_t f_dev, f_ino; /* for maps: st_dev as major << 8 | minor, and st_ino */
};

/* References (filemap.c); fput() at zero calls f_release. */
static inline struct file *get_file(struct file *f)
{
	f->f_count++;
	return f;
}
void fput(struct file *f);

/* All VMAs whose anonymous pages may be the same pages: a process, its children and theirs. */
struct anon_vma {
	struct list_head head; /* vm_area_struct.anon_vma_node */
};

struct vm_area_struct {
	struct mm_struct *vm_mm;
	vaddr_t vm_start, vm_end; /* end: the first byte after */
	struct vm_area_struct *vm_next, *vm_prev;
	struct rb_node vm_rb;
	uint32_t gap;	      /* bytes of the hole below it that may be used */
	uint32_t subtree_gap; /* the largest gap in this subtree of mm_rb */
	uint32_t vm_flags;
	pte_t vm_page_prot;   /* of a fresh PTE, from vm_flags: writable only for VM_SHARED */
	uint32_t vm_pgoff;    /* in pages: in the file, else vm_start >> PAGE_SHIFT at its birth */
	struct file *vm_file; /* NULL: anonymous; shared anonymous has a file of its own */
	struct list_head shared;   /* in vm_file->f_mapping->i_mmap */
	struct anon_vma *anon_vma; /* NULL until the first anonymous page */
	struct list_head anon_vma_node;
};

enum { MM_FILEPAGES, MM_ANONPAGES, NR_MM_COUNTERS };

struct mm_struct {
	struct vm_area_struct *mmap; /* lowest */
	struct rb_root mm_rb;
	struct vm_area_struct *mmap_cache; /* what find_vma() found last */
	uint32_t map_count;
	pte_t *pgd;		/* its page directory: a lowmem page, kernel half shared */
	int32_t mm_users;	/* tasks that run in it */
	vaddr_t mmap_base;	/* top of the top-down area */
	bool mmap_legacy;	/* bottom-up, from mmap_base */
	bool read_implies_exec; /* a program without PT_GNU_STACK */
	uint32_t def_flags;	/* of every new VMA: VM_LOCKED after mlockall(MCL_FUTURE) */
	vaddr_t start_code, end_code, start_data, end_data;
	vaddr_t start_brk, brk, start_stack;
	vaddr_t arg_start, arg_end, env_start, env_end;
	/*
	 * Pages. The first five as Linux 2.6.32 counts them; data_vm is what RLIMIT_DATA limits
	 * today.
	 */
	uint32_t total_vm, locked_vm, shared_vm, exec_vm, stack_vm, data_vm;
	uint32_t rss[NR_MM_COUNTERS];
	uint32_t hiwater_rss, hiwater_vm; /* pages */
	uint32_t nr_ptes;		  /* page tables */
	uint32_t min_flt, maj_flt;	  /* page faults without and with I/O */
	uint32_t rlim_stack, rlim_data, rlim_as, rlim_memlock; /* bytes; UINT32_MAX: no limit */
	bool oom_killed;
	struct list_head mmlist; /* all live ones, from mm_list */
	struct file *exe_file;	 /* what execve() ran */
	uint32_t saved_auxv[44];
};

/* Every live mm, for reverse mapping's checks and /proc. */
extern struct list_head mm_list;

#endif
