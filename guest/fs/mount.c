// SPDX-License-Identifier: MIT
/*
 * Which archive is the root, and what is put over it.
 */
#include "fs_internal.h"
#include <arch/setup.h>
#include <drivers/tty.h>
#include <kernel/panic.h>
#include <lib/string.h>

#include "mm/page_alloc.h"
#include "mm/slub.h"
#include "mm/vmalloc.h"

/* The archive that is linked into the kernel: boot/initrd.S. */
extern const char __initrd_start[], __initrd_end[];

/*
 * A module that the direct map does not show, all or in part. It stays mapped: it is the file
 * system.
 */
static const void *map_module(const struct boot_module *m)
{
	u32 first = m->start >> PAGE_SHIFT, count = (m->end - 1 - m->start) / PAGE_SIZE + 2;
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers they are */
	struct page **pages = vmalloc(count * sizeof(*pages));
	char *at = NULL;

	for (u32 i = 0; pages && i < count; i++)
		pages[i] = pfn_to_page(pfn_valid(first + i) ? first + i : first);
	if (pages)
		at = vmap(pages, count, VM_MAP, PAGE_KERNEL_RO);
	vfree(pages);
	if (!at)
		panic("initrd %s: %08x - %08x is beyond the direct map, and there is no room to map "
		      "it; give a smaller one or less highmem=",
		      m->name, m->start, m->end);
	return at + m->start % PAGE_SIZE;
}

static void mount_module(const struct boot_module *m)
{
	const char *name = *m->name ? m->name : "(module)";
	u32 size = m->end - m->start;

	if (m->end <= m->start)
		panic("initrd %s: it is empty (%08x - %08x)", name, m->start, m->end);
	if (!pfn_valid((m->end - 1) >> PAGE_SHIFT))
		panic("initrd %s: %08x - %08x is not in memory; give a larger -m or mem=", name,
		      m->start, m->end);
	if (m->end <= mm.high_memory - PAGE_OFFSET)
		initrd_mount(name, phys_to_virt(m->start), size);
	else
		initrd_mount(name, map_module(m), size);
}

void vfs_init(void)
{
	if (fs_root)
		return;
	if (boot_modules_nr)
		mount_module(&boot_modules[0]);
	else
		initrd_mount("(built in)", __initrd_start, (u32)(__initrd_end - __initrd_start));
	tty_init();
	devfs_mount(fs_root);
	proc_mount(fs_root);
}
