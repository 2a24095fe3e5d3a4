// SPDX-License-Identifier: MIT
/*
 * The user's half of the linear space: translated by the tables of the mm that runs, with the CPU's
 * rules for rights and for accessed and dirty bits (Intel SDM vol. 3, 4.6, 4.8), page faults
 * delivered to do_user_fault().
 */
#include <string.h>
#include <sys/mman.h>

#include "mm/mm.h"
#include "mm/pte.h"
#include "mm_host_internal.h"

#define MAX_FAULTS 4 /* of one access; after them it will not get better */

#pragma weak do_user_fault

/* Pages whose translation was cached without the right to write, by page number. */
static bool read_only[PAGE_OFFSET >> PAGE_SHIFT];

/* What tables say about va. */
struct walk {
	pte_t *pde, *pte;
	bool present, writable, user;
};

static struct walk walk_user(vaddr_t va)
{
	struct walk w = { .pde = &arch_current_pgd()[pgd_index(va)] };

	if (!(*w.pde & _PAGE_PRESENT))
		return w;
	w.pte = (pte_t *)arch_ptr(PAGE_OFFSET + (*w.pde & PAGE_MASK)) + pte_index(va);
	w.present = *w.pte & _PAGE_PRESENT;
	w.writable = *w.pde & *w.pte & _PAGE_RW;
	w.user = *w.pde & *w.pte & _PAGE_USER;
	return w;
}

static bool permitted(const struct walk *w, bool write)
{
	if (!w->present || (!mm_host.supervisor && !w->user))
		return false;
	return !write || w->writable || (mm_host.supervisor && mm_host.wp_off);
}

/* A TLB miss, or a write by way of a translation that does not allow it. False: a page fault. */
static bool fill(vaddr_t va, bool write, bool read_only_cached)
{
	struct walk w = walk_user(va);
	int prot = PROT_READ;

	/* The CPU faults by what it has cached, whatever the entry says by now. */
	if (read_only_cached || !permitted(&w, write))
		return false;
	*w.pde |= _PAGE_ACCESSED;
	*w.pte |= write ? _PAGE_ACCESSED | _PAGE_DIRTY : _PAGE_ACCESSED;
	/* Not yet dirty: the first write comes here again. */
	if (write || (w.writable && *w.pte & _PAGE_DIRTY))
		prot |= PROT_WRITE;
	mm_host_tlb_fill(va, *w.pte & PAGE_MASK, prot);
	read_only[va >> PAGE_SHIFT] = !w.writable;
	return true;
}

bool mm_host_user_miss(vaddr_t va, bool write)
{
	for (unsigned n = 0; n < MAX_FAULTS; n++) {
		bool cached = mm_host_tlb_has(va);
		uint32_t error;

		if (fill(va, write, cached && write && read_only[va >> PAGE_SHIFT]))
			return true;
		error = (cached || walk_user(va).present ? FAULT_PROT : 0) |
			(write ? FAULT_WRITE : 0) | (mm_host.supervisor ? 0 : FAULT_USER);
		/* A fault drops the translations of its address (Intel SDM vol. 3, 4.10.4.1). */
		mm_host_tlb_forget(va);
		mm_host.user_faults++;
		mm_host.fault_error = error;
		mm_host.outcome = do_user_fault(mm_host.user_mm, va, error, mm_host.user_sp);
		if (mm_host.outcome != FAULT_DONE_MINOR && mm_host.outcome != FAULT_DONE_MAJOR)
			return false;
	}
	mm_host_die("%s of %08x faults again and again", write ? "write" : "read", va);
}

void mm_host_switch_mm(struct mm_struct *mm)
{
	mm_host.user_mm = mm;
	mm_host.current_pgd = mm ? mm->pgd : NULL;
	mm_host_forget_user();
}

/* --- access ----------------------------------------------------------------------------------- */

struct copy {
	void *to;
	const void *from;
	uint32_t n;
};

static void run_copy(void *arg)
{
	const struct copy *c = arg;

	memcpy(c->to, c->from, c->n);
}

/* Bytes that could not be copied: from the first page on whose access was refused. */
static uint32_t copy_user(vaddr_t user, char *kernel, uint32_t n, bool write)
{
	while (n) {
		uint32_t room = PAGE_SIZE - user % PAGE_SIZE, part = n < room ? n : room;
		char *p = mm_host_base + user;
		struct copy c = { write ? p : kernel, write ? kernel : p, part };

		if (user >= PAGE_OFFSET || !mm_host_try(run_copy, &c))
			break;
		user += part, kernel += part, n -= part;
	}
	return n;
}

enum fault_outcome mm_host_user_read(vaddr_t va, void *buf, uint32_t n)
{
	mm_host.outcome = FAULT_DONE_MINOR;
	copy_user(va, buf, n, false);
	return mm_host.outcome;
}

enum fault_outcome mm_host_user_write(vaddr_t va, const void *buf, uint32_t n)
{
	mm_host.outcome = FAULT_DONE_MINOR;
	copy_user(va, (char *)(uintptr_t)buf, n, true);
	return mm_host.outcome;
}

static uint32_t copy_supervisor(vaddr_t user, void *kernel, uint32_t n, bool write)
{
	uint32_t left;

	mm_host.supervisor = true;
	left = copy_user(user, kernel, n, write);
	mm_host.supervisor = false;
	/*
	 * What was cached with the rights of a kernel that ignores write protection is not the
	 * user's.
	 */
	if (mm_host.wp_off)
		arch_flush_tlb_user();
	return left;
}

uint32_t mm_host_copy_to_user(vaddr_t to, const void *from, uint32_t n)
{
	return copy_supervisor(to, (void *)(uintptr_t)from, n, true);
}

uint32_t mm_host_copy_from_user(void *to, vaddr_t from, uint32_t n)
{
	return copy_supervisor(from, to, n, false);
}
