// SPDX-License-Identifier: MIT
#include "elf_check.h"

#include "mm/errno.h"

#define EM_386 3
#define EM_486 6 /* Linux takes it, too */

int elf_check_header(const void *head, uint32_t bytes, struct elf_header *h)
{
	static const uint8_t magic[4] = { 0x7f, 'E', 'L', 'F' };
	uint32_t table;

	if (bytes < sizeof(*h))
		return -ENOEXEC;
	*h = *(const struct elf_header *)head;
	for (int i = 0; i < 4; i++)
		if (h->e_ident[i] != magic[i])
			return -ENOEXEC;
	if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
		return -ENOEXEC;
	if (h->e_machine != EM_386 && h->e_machine != EM_486)
		return -ENOEXEC;
	table = h->e_phnum * (uint32_t)sizeof(struct elf_phdr);
	if (h->e_phentsize != sizeof(struct elf_phdr) || !table || table > ELF_PHDRS_MAX)
		return -ENOEXEC;
	return 0;
}

int elf_find_interp(const struct elf_phdr *ph, uint32_t n, const struct elf_phdr **interp)
{
	*interp = 0;
	for (uint32_t i = 0; i < n && !*interp; i++)
		if (ph[i].p_type == PT_INTERP)
			*interp = &ph[i];
	if (*interp && ((*interp)->p_filesz > ELF_INTERP_MAX || (*interp)->p_filesz < 2))
		return -ENOEXEC;
	return 0;
}

/* The last one counts. */
bool elf_exec_stack(const struct elf_phdr *ph, uint32_t n)
{
	bool exec = true;

	for (uint32_t i = 0; i < n; i++)
		if (ph[i].p_type == PT_GNU_STACK)
			exec = ph[i].p_flags & PF_X;
	return exec;
}

static uint32_t page_down(uint32_t n)
{
	return n & ~(ELF_PAGE - 1);
}

/* Only for what is below the top of user space. */
static uint32_t page_up(uint32_t n)
{
	return page_down(n + ELF_PAGE - 1);
}

int elf_plan_segment(const struct elf_phdr *ph, uint32_t bias, uint32_t task_size,
		     struct elf_segment *s)
{
	uint32_t start = ph->p_vaddr + bias, in_page = start % ELF_PAGE, file_end, end;

	if (start >= task_size || ph->p_filesz > ph->p_memsz || ph->p_memsz > task_size - start)
		return -EINVAL;
	*s = (struct elf_segment){ .flags = ph->p_flags };
	file_end = start + ph->p_filesz;
	end = page_up(start + ph->p_memsz);
	if (ph->p_filesz) {
		/* mmap takes page borders alone; below the file there is nothing either. */
		if (ph->p_offset % ELF_PAGE != in_page)
			return -EINVAL;
		s->map_start = page_down(start);
		s->map_bytes = page_up(file_end) - s->map_start;
		s->map_offset = ph->p_offset - in_page;
		if (ph->p_memsz > ph->p_filesz) {
			s->zero_start = file_end;
			s->zero_bytes = page_up(file_end) - file_end;
		}
		s->anon_start = page_up(file_end);
	} else {
		s->anon_start = page_down(start);
	}
	s->anon_bytes = ph->p_memsz > ph->p_filesz ? end - s->anon_start : 0;
	return 0;
}

static void note_segment(struct elf_plan *plan, const struct elf_header *h,
			 const struct elf_phdr *ph)
{
	uint32_t start = ph->p_vaddr, file_end = start + ph->p_filesz, end = start + ph->p_memsz;

	if (!plan->high || page_down(start) < plan->low)
		plan->low = page_down(start);
	if (page_up(end) > plan->high)
		plan->high = page_up(end);
	if (ph->p_align > plan->align && !(ph->p_align & (ph->p_align - 1)))
		plan->align = ph->p_align;
	if (ph->p_offset <= h->e_phoff && h->e_phoff - ph->p_offset < ph->p_filesz)
		plan->phdr = h->e_phoff - ph->p_offset + start;
	if ((ph->p_flags & PF_X) && start < plan->start_code)
		plan->start_code = start;
	if (start > plan->start_data)
		plan->start_data = start;
	if ((ph->p_flags & PF_X) && file_end > plan->end_code)
		plan->end_code = file_end;
	if (file_end > plan->end_data)
		plan->end_data = file_end;
	if (end > plan->brk)
		plan->brk = end;
}

int elf_plan_all(const struct elf_header *h, const struct elf_phdr *ph, uint32_t task_size,
		 struct elf_plan *plan)
{
	struct elf_segment s;

	*plan = (struct elf_plan){ .align = ELF_PAGE, .start_code = UINT32_MAX };
	for (uint32_t i = 0; i < h->e_phnum; i++) {
		if (ph[i].p_type != PT_LOAD)
			continue;
		if (elf_plan_segment(&ph[i], 0, task_size, &s))
			return -EINVAL;
		note_segment(plan, h, &ph[i]);
	}
	if (plan->start_code == UINT32_MAX)
		plan->start_code = 0;
	return 0;
}

uint32_t elf_bias(const struct elf_plan *plan)
{
	uint32_t base = (ELF_DYN_BASE + plan->align - 1) & ~(plan->align - 1);

	return base - plan->low;
}
