// SPDX-License-Identifier: MIT
#include "user_side.h"
#include <kernel/fs.h>
#include <kernel/sched.h>
#include <kernel/uaccess.h>

#include "mm/page_alloc.h"
#include "mm/slub.h"

struct start {
	void (*main)(u32 arg);
	u32 arg;
	struct completion done;
};

/* An mm with the code and a stack; the first RET of main would find no page. */
static int become_user(void *arg)
{
	struct start *start = arg;
	struct start copy = *start;
	const u32 bytes = (u32)(__stop_user_tests - __start_user_tests);
	struct mm_struct *mm = mm_alloc();
	u32 sp = STACK_TOP - 2 * sizeof(u32), at;

	complete(&start->done);
	if (!mm)
		return 1;
	exec_mmap(mm);
	current->files = files_alloc(); /* without it, pipe(2) is out of the question */
	mm_set_limits(mm, current);
	at = do_mmap_pgoff(mm, NULL, USER_TEXT, bytes, PROT_READ | PROT_WRITE | PROT_EXEC,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0);
	if (at != USER_TEXT || setup_stack_vma(mm, USER_STACK_BYTES) ||
	    copy_to_user(USER_TEXT, __start_user_tests, bytes) ||
	    put_user_u32(copy.arg, sp + sizeof(u32)))
		do_exit(SIGKILL);
	start_thread(task_pt_regs(current), user_address(copy.main), sp, "usertest");
	return 0;
}

int start_user(void (*main)(u32 arg), u32 arg)
{
	struct start start = { .main = main, .arg = arg };
	int pid;

	init_completion(&start.done);
	pid = kernel_thread(become_user, &start, "usertest");
	if (pid > 0)
		wait_for_completion(&start.done);
	return pid;
}

int wait_for(int pid)
{
	struct rusage_ticks usage;
	int status = -1, got = do_wait4(pid, &status, 0, &usage);

	return got == pid ? status : got;
}

u32 pages_at_rest(void)
{
	kmem_cache_shrink_all();
	drain_all_pages();
	return nr_free_pages();
}

/* Of all caches: a leak of a small object takes no page for long. */
static u32 objects_in_use(void)
{
	struct kmem_cache_info info;
	u32 sum = 0;

	for (u32 n = 0; kmem_cache_info(n, &info); n++)
		sum += info.active_objects;
	return sum;
}

int run_user(struct selftest_result *r, void (*main)(u32 arg), u32 arg)
{
	u32 pages = pages_at_rest(), tasks = nr_tasks(), objects = objects_in_use();
	struct rusage_ticks usage;
	int pid = start_user(main, arg), status = wait_for(pid), orphan;

	EXPECT(r, pid > 1);
	while (do_wait4(-1, &orphan, 0, &usage) > 0)
		;
	EXPECT_EQ(r, nr_tasks(), tasks);
	EXPECT_EQ(r, pages_at_rest(), pages);
	EXPECT_EQ(r, objects_in_use(), objects);
	return status;
}

void check_memory(struct selftest_result *r, const void *arg)
{
	(void)arg;
	EXPECT_EQ(r, mm_check_all() + slub_check() + page_alloc_check(), 0);
}
