// SPDX-License-Identifier: MIT
#include "mm/arch.h"
#include "mm/show.h"
#include "mm/vmalloc.h"

/* How many of the area's pages lie on each node that has any. */
static void show_nodes(struct show_buf *b, const struct vm_struct *vm)
{
	uint32_t pages[MAX_NUMNODES] = { 0 };

	for (uint32_t n = 0; n < vm->nr_pages; n++)
		pages[vm->pages[n]->node]++;
	for (unsigned node = 0; node < mm.nodes; node++)
		if (pages[node])
			show_printf(b, " N%u=%u", node, pages[node]);
}

static void show_area(struct show_buf *b, const struct vm_struct *vm)
{
	static const struct {
		uint32_t flag;
		const char *text;
	} flags[] = {
		{ VM_IOREMAP, " ioremap" },
		{ VM_ALLOC, " vmalloc" },
		{ VM_MAP, " vmap" },
		{ VM_VPAGES, " vpages" },
	};
	char caller[64];

	show_printf(b, "0x%08x-0x%08x %7u", vm->addr, vm->addr + vm->size, vm->size);
	if (vm->caller) {
		arch_format_ip(vm->caller, caller, sizeof(caller));
		show_printf(b, " %s", caller);
	}
	if (vm->nr_pages)
		show_printf(b, " pages=%u", vm->nr_pages);
	if (vm->phys_addr)
		show_printf(b, " phys=%x", vm->phys_addr);
	for (unsigned n = 0; n < ARRAY_SIZE(flags); n++)
		if (vm->flags & flags[n].flag)
			show_printf(b, "%s", flags[n].text);
	show_nodes(b, vm);
	show_printf(b, "\n");
}

void show_vmallocinfo(struct show_buf *b)
{
	for (const struct vm_struct *vm = vm_area_first(); vm; vm = vm->next)
		show_area(b, vm);
}
