// SPDX-License-Identifier: MIT
#include <kernel/fs.h>
#include <kernel/init.h>
#include <kernel/panic.h>
#include <kernel/params.h>
#include <kernel/printk.h>
#include <kernel/sched.h>

#include "mm/errno.h"

/* Descriptors 0, 1 and 2. */
static void open_console(void)
{
	int err;
	struct file *f = filp_open("/dev/console", O_RDWR, &err);

	if (!f)
		panic("init: /dev/console cannot be opened, error %d", -err);
	for (int i = 0; i < 3; i++)
		if (fd_install(get_file(f), false) < 0)
			panic("init: no memory for its descriptors");
	fput(f);
}

static int exec_init(const char *path)
{
	boot_params.init_argv[0] = path;
	return kernel_execve(path, boot_params.init_argv, boot_params.init_envp,
			     task_pt_regs(current));
}

static int run_init(void *arg)
{
	static const char *const paths[] = { "/init", "/sbin/init", "/etc/init", "/bin/init",
					     "/bin/sh" };
	int err;

	(void)arg;
	current->files = files_alloc();
	current->fs = fs_alloc();
	if (!current->files || !current->fs)
		panic("init: no memory to start it");
	open_console();
	if (boot_params.init) {
		err = exec_init(boot_params.init);
		if (err)
			panic("init=%s cannot be run, error %d", boot_params.init, -err);
		return 0;
	}
	for (u32 i = 0; i < ARRAY_SIZE(paths); i++) {
		err = exec_init(paths[i]);
		if (!err)
			return 0;
		if (err != -ENOENT)
			printk("%s cannot be run, error %d\n", paths[i], -err);
	}
	panic("no init: the file system has no /init, /sbin/init, /etc/init, /bin/init or /bin/sh that "
	      "runs; name a program by init=");
}

void start_init(void)
{
	struct rusage_ticks usage;
	int status;

	vfs_init();
	if (kernel_thread_init(run_init, NULL, "init") < 0)
		panic("init: no memory to start it");
	for (;;) {
		if (do_wait4(-1, &status, 0, &usage) < 0) {
			current->state = TASK_UNINTERRUPTIBLE;
			schedule();
		}
	}
}
