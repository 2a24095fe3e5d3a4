// SPDX-License-Identifier: MIT
/*
 * What /proc tells of the whole system.
 */
#include "proc.h"
#include <kernel/loadavg.h>
#include <kernel/params.h>
#include <kernel/syscall.h>
#include <kernel/time.h>
#include <lib/vsprintf.h>

#include "mm/errno.h"
#include "mm/highmem.h"
#include "mm/mm.h"
#include "mm/page_alloc.h"
#include "mm/slub.h"
#include "mm/vmalloc.h"

#define NS_PER_SECOND 1000000000u
#define NS_PER_HUNDREDTH 10000000u

static void show_hundredths(struct show_buf *b, u64 hundredths)
{
	show_printf(b, "%llu.%02llu", hundredths / 100, hundredths % 100);
}

static void show_uptime(struct show_buf *b)
{
	show_hundredths(b, monotonic_ns() / NS_PER_HUNDREDTH);
	show_printf(b, " ");
	show_hundredths(b, cpu_ticks.idle * (100u / HZ));
	show_printf(b, "\n");
}

static void show_version(struct show_buf *b)
{
	show_printf(b, "%s version %s (%s) %s\n", UTS_SYSNAME, UTS_RELEASE, "gcc " __VERSION__,
		    UTS_VERSION);
}

static void show_cmdline(struct show_buf *b)
{
	show_printf(b, "%s\n", saved_command_line);
}

/* Columns: user nice system idle iowait irq softirq steal guest guest_nice. There is one CPU. */
static void show_stat(struct show_buf *b)
{
	u64 boot = (realtime_ns() - monotonic_ns()) / NS_PER_SECOND;

	for (u32 row = 0; row < 2; row++)
		show_printf(b, "%s %u 0 %u %u 0 0 0 0 0 0\n", row ? "cpu0" : "cpu ", cpu_ticks.user,
			    cpu_ticks.system, cpu_ticks.idle);
	show_printf(b, "ctxt %u\nbtime %llu\nprocesses %u\nprocs_running %u\nprocs_blocked 0\n",
		    nr_switches, boot, total_forks, nr_running());
}

static void show_loadavg(struct show_buf *b)
{
	u32 hundredths[3];
	u32 last = 0;

	get_avenrun(hundredths);
	list_for_each(node, &task_list) {
		const struct task_struct *t = list_entry(node, struct task_struct, tasks);

		last = t->pid > last ? t->pid : last;
	}
	for (u32 i = 0; i < 3; i++)
		show_printf(b, "%u.%02u ", hundredths[i] / 100, hundredths[i] % 100);
	show_printf(b, "%u/%u %u\n", nr_running(), nr_tasks(), last);
}

static void show_filesystems(struct show_buf *b)
{
	static const char *const names[] = { "rootfs", "proc", "devtmpfs", "pipefs" };

	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		show_printf(b, "nodev\t%s\n", names[i]);
}

/* All checkers; each violation is printed on the console, too. */
static void show_mm_check(struct show_buf *b)
{
	unsigned n = page_alloc_check() + slub_check() + vmalloc_check() + highmem_check() +
		     mm_check_all();

	show_printf(b, "%u violation%s\n", n, n == 1 ? "" : "s");
}

static int self_readlink(struct inode *inode, char *buf, u32 bytes)
{
	return snprintf(buf, bytes, "%u", current->pid);
}

static int mounts_readlink(struct inode *inode, char *buf, u32 bytes)
{
	return snprintf(buf, bytes, "self/mounts");
}

static const struct inode_operations self_ops = { .readlink = self_readlink };
static const struct inode_operations mounts_ops = { .readlink = mounts_readlink };

#define TEXT(name, fn)                                                                             \
	{                                                                                          \
		name, S_IFREG | 0444, NULL, fn, NULL, NULL                                         \
	}

const struct proc_entry proc_system_files[] = {
	{ "self", S_IFLNK | 0777, NULL, NULL, NULL, &self_ops },
	{ "mounts", S_IFLNK | 0777, NULL, NULL, NULL, &mounts_ops },
	TEXT("buddyinfo", show_buddyinfo),
	TEXT("cmdline", show_cmdline),
	TEXT("filesystems", show_filesystems),
	TEXT("iomem", show_iomem),
	TEXT("loadavg", show_loadavg),
	TEXT("meminfo", show_meminfo),
	TEXT("mm_check", show_mm_check),
	TEXT("page_tables", show_page_tables),
	TEXT("slabinfo", show_slabinfo),
	TEXT("stat", show_stat),
	TEXT("unknown_syscalls", show_unknown_syscalls),
	TEXT("uptime", show_uptime),
	TEXT("version", show_version),
	TEXT("vmallocinfo", show_vmallocinfo),
	TEXT("zoneinfo", show_zoneinfo),
	{ "kpagecount", S_IFREG | 0400, NULL, NULL, &proc_kpagecount_ops, NULL },
	{ "kpageflags", S_IFREG | 0400, NULL, NULL, &proc_kpageflags_ops, NULL },
	{ NULL, 0, NULL, NULL, NULL, NULL },
};
